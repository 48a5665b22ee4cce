//! What the caller's words bring.

use super::{Answer, Details, Expected, Task, Visit};
use crate::speech::receptionist::intent::Intent;
use crate::speech::receptionist::spoken::{Time, Words};

impl Visit<'_> {
    pub(super) fn hear(&mut self, line: &str) {
        let said = Words::of(line);
        if said.is_empty() {
            return;
        }
        let (before, expected, task) = (self.details.clone(), self.expected(), self.task);
        (self.answer, self.news) = (None, None);
        self.intent = Intent::of(&said, self.facts);
        self.progress = true;
        let words = said.plain().len();
        match expected {
            Expected::Text if !self.gives_up(words) => {
                self.take_text(line.trim(), &said);
                return;
            }
            // Not wanting to give a number is no goodbye.
            Expected::Phone if said.is_no() && said.phone().is_none() => {
                self.details.no_phone = true;
                self.intent = None;
                return;
            }
            // "It's Jane Park."
            Expected::Name if said.leads_to_name() && said.name(true).is_some() => {
                self.intent = self.intent.filter(|intent| !intent.is_question());
            }
            Expected::Confirmation if said.is_no() => self.intent = Some(Intent::No),
            // "Yes, that's it." But not "yes, and how much is it?"
            Expected::Confirmation if said.is_yes() => {
                self.intent = self.intent.filter(|intent| intent.is_question());
            }
            _ => {}
        }
        self.turn_to(&said, line);
        if let Some(service) = self.facts.service_in(&said)
            && matches!(self.task, None | Some(Task::Book))
        {
            self.details.service = Some(service.name.clone());
        }
        if self.task == Some(Task::Book) && self.details.service.is_none() {
            let only = self.facts.only_service();
            self.details.service = only.map(|service| service.name.clone());
        }
        if self.task.is_some() && !matches!(self.intent, Some(Intent::Hours)) {
            self.take_person(&said, expected);
            match self.task {
                Some(Task::Book) => self.take_wishes(&said, expected),
                Some(Task::Cancel) => self.take_current(&said),
                Some(Task::Move) => self.take_move(&said, expected),
                _ => {}
            }
        }
        if self.details.service != before.service || self.details.date != before.date {
            let same_day = self.offer.as_ref().map(|offer| offer.date) == self.details.date;
            if !same_day || self.details.service != before.service {
                self.offer = None;
            }
        }
        if expected == Expected::Confirmation && self.task == task {
            self.take_answer(&said, &before);
        }
        let may_refuse = expected == Expected::Time && self.offer.is_some();
        if may_refuse && said.is_no() && self.details == before {
            self.answer = Some(Answer::NoneOfThese);
        }
        let repeats =
            said.day(self.facts.today).is_some() || self.facts.service_in(&said).is_some();
        self.progress =
            self.details != before || self.answer.is_some() || self.task != task || repeats;
    }

    /// A message is not taken from who does not want to leave one any more.
    fn gives_up(&self, words: usize) -> bool {
        match self.intent {
            Some(Intent::Goodbye | Intent::Never) => words <= 6,
            Some(Intent::No) => words <= 3,
            _ => false,
        }
    }

    fn take_text(&mut self, line: &str, said: &Words) {
        self.intent = None;
        self.details.text = Some(line.to_owned());
        self.details.name = said.name(false).or_else(|| self.details.name.take());
        self.details.phone = said.phone().or_else(|| self.details.phone.take());
    }

    /// Begins what the words ask for, or drops what was begun.
    fn turn_to(&mut self, said: &Words, line: &str) {
        let accepts = self.said.contain("would you like to book one") && said.is_yes();
        match (self.intent, self.task) {
            (Some(Intent::Goodbye | Intent::Never), _) => self.close(),
            (Some(Intent::Cancel), Some(Task::Book)) if !said.contain("appointment") => {
                self.intent = Some(Intent::Never);
                self.close();
            }
            (Some(Intent::Cancel), _) => self.start(Task::Cancel),
            // What is not booked yet is not moved but booked otherwise.
            (Some(Intent::Move), None | Some(Task::Cancel | Task::Message)) => {
                self.start(Task::Move);
            }
            (Some(Intent::Message), _) => {
                self.start(Task::Message);
                let text = message_in(line).or_else(|| {
                    let is_itself = said.contain_any(&["tell the", "call me back"]);
                    is_itself.then(|| line.trim().to_owned())
                });
                self.details.text = self.details.text.take().or(text);
            }
            (Some(Intent::Person), _) if !self.can_transfer => self.start(Task::Message),
            (Some(Intent::Booking | Intent::Emergency), None) => {
                let task = match self.facts.books() {
                    true => Task::Book,
                    false => Task::Message,
                };
                self.start(task);
            }
            (_, None) if accepts => {
                self.start(Task::Book);
                self.intent = Some(Intent::Booking);
            }
            _ => {}
        }
        if self.intent == Some(Intent::Emergency) && self.task == Some(Task::Book) {
            self.details.date = self.details.date.or(Some(self.facts.today));
        }
    }

    fn take_person(&mut self, said: &Words, expected: Expected) {
        // Who asks something else has not told a name.
        let answers = matches!(
            self.intent,
            None | Some(Intent::Booking | Intent::Thanks | Intent::Greeting)
        );
        let asked = expected == Expected::Name && answers;
        if let Some(name) = said.name(asked) {
            self.details.name = Some(name);
        }
        if let Some(phone) = said.phone() {
            self.details.phone = Some(phone);
        }
    }

    /// When the caller would like to come.
    fn take_wishes(&mut self, said: &Words, expected: Expected) {
        let day = said.day(self.facts.today);
        if let Some(day) = day {
            (self.details.date, self.details.any_day) = (Some(day), false);
        } else if said.is_any_day() {
            (self.details.date, self.details.any_day) = (None, true);
            self.offer = None;
        }
        let time = self.time_in(said, expected);
        if let Some(part) = said.part().filter(|_| time.is_none())
            && self.details.part != Some(part)
        {
            (self.details.part, self.details.time) = (Some(part), None);
            self.offer = None;
        }
        if time.is_some() {
            (self.details.time, self.details.around) = (time, None);
        } else if let Some((earlier, later)) = self.ends_of_offer()
            && day.is_none()
        {
            let around = match () {
                () if said.contain_any(&["earlier", "sooner"]) => Some(earlier.moved(false)),
                () if said.contain("later") => Some(later.moved(true)),
                () => None,
            };
            if around.is_some() {
                (self.details.around, self.details.time) = (around, None);
            }
        }
    }

    fn ends_of_offer(&self) -> Option<(Time, Time)> {
        let slots = &self.offer.as_ref()?.slots;
        Some((*slots.first()?, *slots.last()?))
    }

    /// A time that it names, or that it chooses of those that were offered.
    fn time_in(&self, said: &Words, expected: Expected) -> Option<Time> {
        // The digits of a number are no hours.
        if said.phone().is_some() {
            return None;
        }
        let slots = self.offer.as_ref().map(|offer| offer.slots.as_slice());
        let slots = slots.unwrap_or_default();
        let waits = expected == Expected::Time;
        let asked = waits || expected == Expected::Confirmation;
        let chosen = || {
            let index = said.choice(slots.len());
            let only = waits && slots.len() == 1 && said.is_yes();
            slots.get(index.or_else(|| only.then_some(0))?).copied()
        };
        said.time(asked, slots)
            .or_else(|| chosen().filter(|_| waits))
    }

    /// When the appointment is that is to be changed.
    fn take_current(&mut self, said: &Words) {
        let day = said.day(self.facts.today);
        let time = said.time(self.needs_current, &[]);
        if said.phone().is_none() && (day.is_some() || time.is_some()) {
            self.details.current = day.or(self.details.current);
            self.details.current_time = time.or(self.details.current_time);
            self.needs_current = false;
        }
    }

    /// From when to when.
    fn take_move(&mut self, said: &Words, expected: Expected) {
        if expected == Expected::Which {
            self.take_current(said);
            return;
        }
        let (from, to) = from_and_to(said, self.intent == Some(Intent::Move));
        if !from.is_empty() {
            self.take_current(&from);
        }
        if let Some(day) = to.day(self.facts.today) {
            self.details.date = Some(day);
        }
        if let Some(time) = self.time_in(&to, expected) {
            self.details.time = Some(time);
        }
    }

    /// To what she has read back.
    fn take_answer(&mut self, said: &Words, before: &Details) {
        let was_read = self.said.contain(&self.summary());
        let changed = self.details != *before;
        let asks = self.intent.is_some_and(Intent::is_question);
        if was_read && !changed && !asks && said.is_yes() {
            self.answer = Some(Answer::Agreed);
            return;
        }
        if changed || !(said.is_no() || self.said.contain("like to change")) {
            return;
        }
        self.answer = Some(Answer::Refused);
        let details = &mut self.details;
        if said.contain("name") {
            details.name = None;
        } else if said.contain("day") {
            (details.date, details.time) = (None, None);
            self.offer = None;
        } else if said.contain("time") {
            details.time = None;
        } else if said.contain("number") {
            details.phone = None;
        } else if said.contain_any(&["service", "treatment"]) {
            details.service = None;
        }
    }
}

/// What stands behind "leave a message that".
fn message_in(line: &str) -> Option<String> {
    let small = line.to_lowercase();
    let text = MESSAGE_LEADS.iter().find_map(|lead| {
        let at = small.find(lead)? + lead.len();
        line.get(at..)
    })?;
    let text = text.trim().trim_start_matches([',', ':']).trim_start();
    (!text.is_empty()).then(|| text.to_owned())
}

/// "Move it from Friday to Monday": what is said of the appointment as it is, and as it is to be. `opens` tells whether the line is the one that
/// asks for the move: later ones tell where to.
fn from_and_to(said: &Words, opens: bool) -> (Words, Words) {
    let line = format!(" {} ", said.plain().join(" "));
    let halves = |text: &str| {
        let links = [" to ", " for ", " until ", " instead "];
        let at = links
            .iter()
            .filter_map(|link| text.find(link).map(|at| (at, link.len())))
            .min();
        match at {
            Some((at, length)) => (text[..at].to_owned(), text[at + length - 1..].to_owned()),
            None => (text.to_owned(), String::new()),
        }
    };
    let (from, to) = match line.split_once(" from ") {
        Some((_, after)) => halves(&format!(" {after}")),
        None if opens => match MOVED.iter().find_map(|word| line.split_once(word)) {
            Some((_, after)) => halves(&format!(" {after}")),
            None => (String::new(), line),
        },
        None => (String::new(), line),
    };
    (Words::of(&from), Words::of(&to))
}

const MESSAGE_LEADS: [&str; 3] = ["message that ", "message saying ", "message to say "];

/// What is moved, in the words behind which the times stand.
const MOVED: [&str; 6] = [
    " appointment ",
    " booking ",
    " move it ",
    " reschedule ",
    " rebook ",
    " postpone ",
];
