//! What a model is told of a tool's outcome: short, in values it can give back and words it can say.
//!
//! `ok` tells whether it was done, `why` the reason if it was not. `slots` are times of the day `date`, as `book_appointment` takes
//! them. `next` are the day and the times that could be instead: near to what was refused, or of the first day with any when a day that was
//! asked about has none, whose `slots` are empty. `say` is what matters, in words.

use serde::Serialize;

use super::ArgumentError;
use crate::booking::{Booking, Free, Reason, Refusal};
use crate::business::Business;
use crate::say;

/// For the model.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Outcome {
    pub ok: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub why: Option<&'static str>,
    /// The argument that has to be mended.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub field: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub booking: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub service: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub date: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub slots: Option<Vec<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next: Option<Next>,
    pub say: String,
}

/// Free times instead of what was asked for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Next {
    pub date: String,
    pub slots: Vec<String>,
}

impl Outcome {
    /// What is free, or why nothing is.
    #[must_use]
    pub fn availability(business: &Business, found: &Result<Free, Refusal>) -> Self {
        match found {
            Ok(free) => Self::free(business, free),
            Err(refusal) => Self::none_free(business, refusal),
        }
    }

    /// It is booked.
    #[must_use]
    pub fn booked(business: &Business, booking: &Booking) -> Self {
        Self::stands(business, booking, "Booked")
    }

    /// It is at its new time.
    #[must_use]
    pub fn moved(business: &Business, booking: &Booking) -> Self {
        Self::stands(business, booking, "Moved")
    }

    /// It is cancelled.
    #[must_use]
    pub fn cancelled(business: &Business, booking: &Booking) -> Self {
        Self::stands(business, booking, "Cancelled")
    }

    /// The message is kept.
    #[must_use]
    pub fn message_taken() -> Self {
        Self {
            ok: true,
            say: "The message is passed on.".to_owned(),
            ..Self::default()
        }
    }

    /// It cannot be done as asked.
    #[must_use]
    pub fn refused(business: &Business, refusal: &Refusal) -> Self {
        let slots = times(business, &refusal.slots);
        let next = refusal.date.filter(|_| !slots.is_empty()).map(|date| Next {
            date: date.to_string(),
            slots,
        });
        Self {
            why: Some(refusal.reason.as_str()),
            next,
            say: refusal.say.clone(),
            ..Self::default()
        }
    }

    /// What was given cannot be used.
    #[must_use]
    pub fn bad_argument(error: &ArgumentError) -> Self {
        Self {
            why: Some("argument"),
            field: Some(error.field.clone()),
            say: error.to_string(),
            ..Self::default()
        }
    }

    /// It broke: nothing was done, or nobody knows.
    #[must_use]
    pub fn failed() -> Self {
        Self {
            why: Some("failed"),
            say: "It did not work. Say so, and offer to take a message.".to_owned(),
            ..Self::default()
        }
    }

    /// As the model is given it.
    #[must_use]
    pub fn to_json(&self) -> String {
        serde_json::to_string(self)
            .unwrap_or_else(|_never| r#"{"ok":false,"why":"failed","say":""}"#.to_owned())
    }

    fn free(business: &Business, free: &Free) -> Self {
        let day = say::day(free.date);
        Self {
            ok: true,
            service: Some(free.service.clone()),
            date: Some(free.date.to_string()),
            slots: Some(times(business, &free.slots)),
            say: if free.as_wanted {
                format!("Free on {day}.")
            } else {
                format!("Not free then. These are the nearest on {day}.")
            },
            ..Self::default()
        }
    }

    /// Nothing can be had on the day that was asked about. That is an answer and no failure, unless the day itself cannot be asked about.
    fn none_free(business: &Business, refusal: &Refusal) -> Self {
        let is_answer = matches!(refusal.reason, Reason::ClosedDay | Reason::FullyBooked);
        Self {
            ok: is_answer,
            slots: is_answer.then(Vec::new),
            ..Self::refused(business, refusal)
        }
    }

    fn stands(business: &Business, booking: &Booking, done: &str) -> Self {
        let (date, time) = business.zone.local(booking.starts_at);
        Self {
            ok: true,
            booking: Some(booking.id.clone()),
            service: Some(booking.service_name.clone()),
            date: Some(date.to_string()),
            say: format!(
                "{done}: {} on {} at {} for {}.",
                booking.service_name,
                say::day(date),
                say::time(time),
                booking.name
            ),
            ..Self::default()
        }
    }
}

fn times(business: &Business, slots: &[i64]) -> Vec<String> {
    let time = |start: &i64| business.zone.local(*start).1.to_string();
    slots.iter().map(time).collect()
}
