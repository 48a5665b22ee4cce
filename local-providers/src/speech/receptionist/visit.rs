//! What the caller is here for and how far it has got, gathered from the whole conversation each time anew.

use std::collections::HashMap;

use super::facts::{Facts, with_article};
use super::intent::Intent;
use super::outcome::Outcome;
use super::spoken::{Date, Part, Time, Words};
use crate::groq::ChatRequest;

mod hear;
mod learn;

/// What is to be done for the caller.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Task {
    Book,
    Cancel,
    Message,
    Move,
}

/// What is known for it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Details {
    pub(crate) service: Option<String>,
    pub(crate) date: Option<Date>,
    /// Any day will do, the sooner the better.
    pub(crate) any_day: bool,
    pub(crate) part: Option<Part>,
    pub(crate) time: Option<Time>,
    /// Near this time, for who wants it earlier or later than what was offered.
    pub(crate) around: Option<Time>,
    pub(crate) name: Option<String>,
    pub(crate) phone: Option<String>,
    /// The caller gives no number.
    pub(crate) no_phone: bool,
    /// When the appointment is that is to be changed.
    pub(crate) current: Option<Date>,
    pub(crate) current_time: Option<Time>,
    /// A message.
    pub(crate) text: Option<String>,
}

/// Free times that she knows of.
#[derive(Clone, Debug)]
pub(crate) struct Offer {
    pub(crate) date: Date,
    pub(crate) slots: Vec<Time>,
}

/// What she waits to hear.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Expected {
    Nothing,
    Service,
    Day,
    Time,
    Name,
    Phone,
    /// Which of several appointments.
    Which,
    Text,
    Confirmation,
}

/// A yes or a no.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    /// To what she read back.
    Agreed,
    Refused,
    /// To the times that she offered.
    NoneOfThese,
}

pub(crate) struct Visit<'a> {
    pub(crate) task: Option<Task>,
    pub(crate) details: Details,
    pub(crate) offer: Option<Offer>,
    /// The last words' answer to a question of hers.
    pub(crate) answer: Option<Answer>,
    /// What the last words wanted, and whether they brought anything on.
    pub(crate) intent: Option<Intent>,
    pub(crate) progress: bool,
    /// The result that came after them, and what it was about.
    pub(crate) news: Option<(String, Outcome, String)>,
    /// What was done and has not been said, for who spoke over it.
    pub(crate) untold: Option<String>,
    /// The number of the booking is asked for, or which of several it is.
    needs_phone: bool,
    needs_current: bool,
    /// What she said last.
    said: Words,
    pub(crate) facts: &'a Facts,
    can_transfer: bool,
}

impl<'a> Visit<'a> {
    pub(crate) fn of(request: &ChatRequest, facts: &'a Facts) -> Self {
        let mut visit = Self {
            task: None,
            details: Details::default(),
            offer: None,
            answer: None,
            intent: None,
            progress: false,
            news: None,
            untold: None,
            needs_phone: false,
            needs_current: false,
            said: Words::default(),
            facts,
            can_transfer: request.tool("transfer_call").is_some(),
        };
        let mut calls: HashMap<&str, &str> = HashMap::new();
        for message in &request.messages {
            match message.role.as_str() {
                "user" => visit.hear(&message.text()),
                "assistant" => {
                    let made = message.tool_calls.iter();
                    calls.extend(made.map(|call| (call.id.as_str(), call.function.name.as_str())));
                    visit.say(&message.text());
                }
                "tool" => {
                    let id = message.tool_call_id.as_deref().unwrap_or_default();
                    let tool = calls.get(id).copied().unwrap_or_default();
                    visit.learn(tool, Outcome::of(&message.text()));
                }
                _ => {}
            }
        }
        visit
    }

    /// What she said herself.
    fn say(&mut self, text: &str) {
        if text.is_empty() {
            return;
        }
        self.untold = None;
        self.said = Words::of(text);
        // Without tools, her word is all there is.
        if self.said.contain_any(&PROMISES) {
            self.close();
        }
    }

    /// What is needed next.
    pub(crate) fn expected(&self) -> Expected {
        let Details {
            service,
            date,
            any_day,
            time,
            name,
            text,
            ..
        } = &self.details;
        match self.task {
            None => Expected::Nothing,
            Some(Task::Book) if service.is_none() => Expected::Service,
            Some(Task::Book) if date.is_none() && !any_day => Expected::Day,
            Some(Task::Book) if time.is_none() => Expected::Time,
            Some(Task::Message) if text.is_none() => Expected::Text,
            Some(_) if name.is_none() => Expected::Name,
            Some(_) if self.wants_phone() => Expected::Phone,
            Some(Task::Book) => Expected::Confirmation,
            Some(Task::Cancel | Task::Move) if self.needs_current => Expected::Which,
            Some(Task::Move) if time.is_none() => Expected::Time,
            Some(Task::Cancel | Task::Message | Task::Move) => Expected::Nothing,
        }
    }

    fn wants_phone(&self) -> bool {
        let asked = match self.task {
            Some(Task::Cancel | Task::Move) => self.needs_phone || self.facts.asks_number,
            _ => self.facts.asks_number,
        };
        asked && self.details.phone.is_none() && !self.details.no_phone
    }

    /// Whether the times are to be looked up before anything else is said of them.
    pub(crate) fn is_unchecked(&self) -> bool {
        let Some(offer) = &self.offer else {
            return true;
        };
        self.details.around.is_some()
            || self
                .details
                .time
                .is_some_and(|time| !offer.slots.contains(&time))
    }

    /// `a cleaning on Tuesday, November 24 at 2:30 pm`
    pub(crate) fn summary(&self) -> String {
        let service = self.details.service.as_deref();
        let date = self
            .details
            .date
            .map(|date| format!(" on {}", date.exactly()));
        let time = self
            .details
            .time
            .map(|time| format!(" at {}", time.exactly()));
        [
            service.map_or_else(|| "an appointment".to_owned(), with_article),
            date.unwrap_or_default(),
            time.unwrap_or_default(),
        ]
        .concat()
    }

    fn start(&mut self, task: Task) {
        if self.task == Some(task) {
            return;
        }
        self.reset();
        self.task = Some(task);
    }

    /// It is done or given up. Who calls stays known.
    fn close(&mut self) {
        self.reset();
        self.details.service = None;
    }

    fn reset(&mut self) {
        self.task = None;
        self.offer = None;
        (self.needs_phone, self.needs_current) = (false, false);
        self.details = Details {
            name: self.details.name.take(),
            phone: self.details.phone.take(),
            no_phone: self.details.no_phone,
            service: self.details.service.take(),
            ..Details::default()
        };
    }
}

/// Her own words for what somebody else will do.
const PROMISES: [&str; 2] = ["someone will call you to confirm", "i'll pass that on"];
