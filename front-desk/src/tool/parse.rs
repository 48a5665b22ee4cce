//! From a model's JSON to a tool with checked values.

use serde_json::{Map, Value};

use super::arguments::{
    Book, Cancel, Check, DateText, PhoneText, Reschedule, ServiceName, TakeMessage, TimeText,
};
use super::{ArgumentError, Message, Move, Question, Tool};
use crate::availability::Wanted;
use crate::booking::{Claim, Request};
use crate::business::Business;
use crate::say;
use crate::text::{Name, Phone};
use crate::when::{self, When};

/// Reads a call of a tool. Relative days are those of the business's calendar at `now`.
pub fn parse(business: &Business, now: i64, name: &str, json: &str) -> Result<Tool, ArgumentError> {
    let reader = Reader { business, now };
    let given = || object(json);
    match name {
        Check::NAME => reader
            .check(Check::read(given()?)?)
            .map(Tool::CheckAvailability),
        Book::NAME => reader
            .book(Book::read(given()?)?)
            .map(Tool::BookAppointment),
        Reschedule::NAME => reader
            .reschedule(Reschedule::read(given()?)?)
            .map(Tool::RescheduleAppointment),
        Cancel::NAME => reader
            .cancel(Cancel::read(given()?)?)
            .map(Tool::CancelAppointment),
        TakeMessage::NAME => reader
            .message(TakeMessage::read(given()?)?)
            .map(Tool::TakeMessage),
        _ => Err(ArgumentError::new("tool", "does not exist")),
    }
}

struct Reader<'a> {
    business: &'a Business,
    now: i64,
}

impl Reader<'_> {
    fn check(&self, given: Check) -> Result<Question, ArgumentError> {
        let service = self.service(&given.service)?;
        let when = self.when(given.date.as_ref(), given.time.as_ref())?;
        let wanted = when
            .time
            .map(Wanted::Time)
            .or_else(|| when.part.map(Wanted::Part));
        Ok(Question {
            service,
            date: when.date,
            wanted,
        })
    }

    fn book(&self, given: Book) -> Result<Request, ArgumentError> {
        let service = self.service(&given.service)?;
        let when = self.when(Some(&given.date), Some(&given.time))?;
        Ok(Request {
            service,
            date: when
                .date
                .ok_or_else(|| ArgumentError::new("date", "names no day; ask the caller"))?,
            time: when.time.ok_or_else(|| {
                ArgumentError::new("time", "names no time; offer some with check_availability")
            })?,
            name: person(given.name)?,
            phone: self.phone(given.phone.as_ref())?,
        })
    }

    fn reschedule(&self, given: Reschedule) -> Result<Move, ArgumentError> {
        let when = self.when(given.date.as_ref(), Some(&given.time))?;
        Ok(Move {
            claim: self.claim(
                given.name,
                given.phone.as_ref(),
                given.current.as_ref(),
                "current",
            )?,
            date: when.date,
            time: when.time.ok_or_else(|| {
                ArgumentError::new("time", "names no time; offer some with check_availability")
            })?,
        })
    }

    fn cancel(&self, given: Cancel) -> Result<Claim, ArgumentError> {
        self.claim(
            given.name,
            given.phone.as_ref(),
            given.date.as_ref(),
            "date",
        )
    }

    fn message(&self, given: TakeMessage) -> Result<Message, ArgumentError> {
        Ok(Message {
            text: given.text,
            // A message is worth taking whoever left it.
            name: given.name.and_then(|name| person(name).ok()),
            phone: self.phone(given.phone.as_ref())?,
        })
    }

    fn claim(
        &self,
        name: Name,
        phone: Option<&PhoneText>,
        current: Option<&DateText>,
        field: &str,
    ) -> Result<Claim, ArgumentError> {
        let read = |text: &DateText| when::read(text.0.as_str(), &self.business.zone, self.now);
        let current = current
            .map(read)
            .transpose()
            .map_err(|unclear| ArgumentError::new(field, unclear.to_string()))?;
        Ok(Claim {
            name: person(name)?,
            phone: self.phone(phone)?,
            current: current.unwrap_or_default(),
        })
    }

    fn service(&self, given: &ServiceName) -> Result<String, ArgumentError> {
        let found = self.business.service_named(given.0.as_str());
        found.map(|service| service.id.clone()).ok_or_else(|| {
            let names: Vec<String> = self
                .business
                .services
                .iter()
                .map(|service| service.name.clone())
                .collect();
            ArgumentError::new(
                "service",
                format!("must be one of: {}", say::list(&names, "or")),
            )
        })
    }

    fn when(
        &self,
        date: Option<&DateText>,
        time: Option<&TimeText>,
    ) -> Result<When, ArgumentError> {
        let zone = &self.business.zone;
        let day = date.map_or("", |date| date.0.as_str());
        when::read(day, zone, self.now)
            .map_err(|unclear| ArgumentError::new("date", unclear.to_string()))?;
        when::read_both(day, time.map(|time| time.0.as_str()), zone, self.now)
            .map_err(|unclear| ArgumentError::new("time", unclear.to_string()))
    }

    fn phone(&self, given: Option<&PhoneText>) -> Result<Option<Phone>, ArgumentError> {
        let read = |text: &PhoneText| Phone::parse(text.0.as_str(), &self.business.country);
        given
            .map(read)
            .transpose()
            .map_err(|error| ArgumentError::new("phone", format!("{error}; ask the caller for it")))
    }
}

/// A name with a letter in it that is not a model's word for a person it has not asked.
fn person(name: Name) -> Result<Name, ArgumentError> {
    let is_word = NOBODY
        .iter()
        .any(|word| name.as_str().eq_ignore_ascii_case(word));
    if is_word || !name.as_str().chars().any(char::is_alphabetic) {
        return Err(ArgumentError::new("name", "is missing; ask the caller"));
    }
    Ok(name)
}

/// The arguments by their names in small letters. Models that encode them twice are understood.
fn object(json: &str) -> Result<Map<String, Value>, ArgumentError> {
    if json.len() > LONGEST {
        return Err(ArgumentError::new(
            "arguments",
            format!("must have at most {LONGEST} bytes"),
        ));
    }
    if json.trim().is_empty() {
        return Ok(Map::new());
    }
    let none = || ArgumentError::new("arguments", "must be a JSON object");
    let mut value: Value = serde_json::from_str(json).map_err(|_syntax| none())?;
    if let Value::String(inner) = &value {
        value = serde_json::from_str(inner).map_err(|_syntax| none())?;
    }
    let Value::Object(given) = value else {
        return Err(none());
    };
    Ok(given
        .into_iter()
        .map(|(name, value)| (name.trim().to_ascii_lowercase(), value))
        .collect())
}

/// The longest message, in any script and escaped, with room for the rest.
const LONGEST: usize = 16 * 1024;

const NOBODY: [&str; 7] = [
    "anonymous",
    "caller",
    "client",
    "customer",
    "guest",
    "the caller",
    "user",
];
