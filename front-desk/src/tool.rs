//! The tools a model is offered for the business's work, what it may give them, and what it is told of the outcome.
//!
//! Whatever the model writes, a [`Tool`] holds only values that were checked against the business: a service that is offered, a day of
//! its calendar, a bounded name without hidden characters. Small slips are forgiven (a number for a text, an empty or a null for nothing, a
//! service in the plural); what cannot be meant is refused by its field, for the model to mend.

use jiff::civil::Date;
use serde_json::Value;

use crate::availability::Wanted;
use crate::booking::{Claim, Request};
use crate::business::Business;
use crate::hours::TimeOfDay;
use crate::text::{Name, Note, Phone};

mod arguments;
mod outcome;
mod parse;

pub use outcome::{Next, Outcome};
pub use parse::parse;

/// A tool with what it was given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Tool {
    BookAppointment(Request),
    CancelAppointment(Claim),
    CheckAvailability(Question),
    RescheduleAppointment(Move),
    TakeMessage(Message),
}

/// What is free?
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Question {
    /// [`Service::id`](crate::business::Service::id).
    pub service: String,
    /// None: as soon as there is anything.
    pub date: Option<Date>,
    pub wanted: Option<Wanted>,
}

/// Another time for an appointment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Move {
    pub claim: Claim,
    /// None: the day on which it is.
    pub date: Option<Date>,
    pub time: TimeOfDay,
}

/// Words for the business.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    pub text: Note,
    pub name: Option<Name>,
    pub phone: Option<Phone>,
}

/// A tool as a model is told of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Definition {
    pub name: &'static str,
    /// When to call it.
    pub description: &'static str,
    /// What it takes: a JSON schema.
    pub parameters: Value,
}

/// What a model gave cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{field} {why}")]
pub struct ArgumentError {
    /// The argument; `tool` when there is no such tool, `arguments` when they are none at all.
    pub field: String,
    /// For the model.
    pub why: String,
}

impl ArgumentError {
    pub(crate) fn new(field: impl Into<String>, why: impl Into<String>) -> Self {
        Self {
            field: field.into(),
            why: why.into(),
        }
    }
}

impl Tool {
    /// The name under which it is called.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::BookAppointment(_) => arguments::Book::NAME,
            Self::CancelAppointment(_) => arguments::Cancel::NAME,
            Self::CheckAvailability(_) => arguments::Check::NAME,
            Self::RescheduleAppointment(_) => arguments::Reschedule::NAME,
            Self::TakeMessage(_) => arguments::TakeMessage::NAME,
        }
    }
}

/// The tools of a business, with its services in their schemas. One without services takes messages only.
#[must_use]
pub fn definitions(business: &Business) -> Vec<Definition> {
    let message = arguments::TakeMessage::definition(business);
    if business.services.is_empty() {
        return vec![message];
    }
    vec![
        arguments::Check::definition(business),
        arguments::Book::definition(business),
        arguments::Reschedule::definition(business),
        arguments::Cancel::definition(business),
        message,
    ]
}

#[cfg(test)]
mod tests;
