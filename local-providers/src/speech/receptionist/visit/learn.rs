//! What the tools' results bring.

use super::{Offer, Task, Visit};
use crate::speech::receptionist::facts::with_article;
use crate::speech::receptionist::outcome::Outcome;

impl Visit<'_> {
    pub(super) fn learn(&mut self, tool: &str, outcome: Outcome) {
        if outcome.is_unknown() {
            return;
        }
        let about = self.summary();
        match tool {
            "check_availability" => self.learn_times(&outcome),
            "book_appointment"
            | "reschedule_appointment"
            | "cancel_appointment"
            | "take_message" => {
                if outcome.is_done() {
                    self.untold = Some(done(tool, &outcome, &about));
                    self.close();
                } else {
                    self.learn_refusal(&outcome);
                }
            }
            _ => {}
        }
        self.news = Some((tool.to_owned(), outcome, about));
    }

    fn learn_times(&mut self, outcome: &Outcome) {
        if !outcome.is_done() && matches!(outcome.why.as_deref(), None | Some("failed")) {
            return self.start(Task::Message);
        }
        self.details.around = None;
        if self.take_offer(outcome) {
            let is_free = |offer: &Offer| {
                let time = self.details.time;
                time.is_some_and(|time| offer.slots.contains(&time))
            };
            if !self.offer.as_ref().is_some_and(is_free) || outcome.why.is_some() {
                self.details.time = None;
            }
            return;
        }
        self.offer = None;
        if outcome.field.is_some() {
            self.forget_field(outcome);
        } else {
            (self.details.date, self.details.time) = (None, None);
        }
    }

    fn learn_refusal(&mut self, outcome: &Outcome) {
        match outcome.why.as_deref() {
            // Who cannot be helped so cannot be helped by asking again.
            None | Some("failed") if self.task == Some(Task::Message) => self.close(),
            Some("argument") => self.forget_field(outcome),
            Some("no_service") => self.details.service = None,
            Some("not_found") => {
                self.details.name = None;
                // A number that was given may have been misheard; that of the line was not.
                self.needs_phone = self.details.phone.take().is_some();
            }
            Some("phone_missing") if self.details.no_phone => self.start(Task::Message),
            Some("phone_missing") => self.needs_phone = true,
            Some("several") => {
                (self.details.current, self.details.current_time) = (None, None);
                self.needs_current = true;
            }
            None | Some("failed") => self.start(Task::Message),
            Some(_) => {
                self.details.time = None;
                if !self.take_offer(outcome) {
                    self.details.date = None;
                    self.offer = None;
                }
            }
        }
    }

    /// Keeps the free times of a result, if it has any.
    fn take_offer(&mut self, outcome: &Outcome) -> bool {
        let Some((date, mut slots)) = outcome.free() else {
            return false;
        };
        let Some(date) = date.or(self.details.date) else {
            return false;
        };
        slots.truncate(OFFERED_MOST);
        (self.details.date, self.details.any_day) = (Some(date), false);
        self.offer = Some(Offer { date, slots });
        true
    }

    /// What could not be used is asked again.
    fn forget_field(&mut self, outcome: &Outcome) {
        let details = &mut self.details;
        match outcome.field.as_deref() {
            Some("service") => details.service = None,
            Some("date") if self.task == Some(Task::Cancel) => {
                details.current = None;
                self.needs_current = true;
            }
            Some("date") => (details.date, self.offer) = (None, None),
            Some("time") => details.time = None,
            Some("name") => details.name = None,
            Some("phone") => {
                details.phone = None;
                self.needs_phone = true;
            }
            Some("current") => {
                details.current = None;
                self.needs_current = true;
            }
            Some("text") => details.text = None,
            // Nothing that the caller could say otherwise.
            _ => self.start(Task::Message),
        }
    }
}

/// What was done, in her words.
fn done(tool: &str, outcome: &Outcome, about: &str) -> String {
    match (tool, outcome.subject()) {
        ("book_appointment", _) => format!("You're booked for {about}."),
        ("cancel_appointment", Some(subject)) => format!("Your {subject} is cancelled."),
        ("cancel_appointment", None) => "Your appointment is cancelled.".to_owned(),
        ("reschedule_appointment", Some(subject)) => {
            format!("That's moved. You now have {}.", with_article(subject))
        }
        ("reschedule_appointment", None) => "Your appointment is moved.".to_owned(),
        _ => "Thank you, I've passed that on.".to_owned(),
    }
}

/// A list longer than this is not remembered by ear.
const OFFERED_MOST: usize = 3;
