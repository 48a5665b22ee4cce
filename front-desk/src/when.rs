//! Days and times as callers say them and models write them, on a business's own calendar.
//!
//! What is not understood is refused and named: a guess would book the wrong day. The rules where people differ:
//!
//! - "Tuesday" and "this Tuesday" are the next one; said on a Tuesday, "this Tuesday" is today and "Tuesday" is in a week,
//!   since today would have been called today.
//! - "Next Tuesday" is the Tuesday of the next week, weeks beginning on Monday: on a Monday it is in eight days, not tomorrow, and on a
//!   Saturday in three. She reads the date back, so a caller who meant the other one says so.
//! - A day without its month, or a date without its year, is the first such from today on.
//! - An hour alone from one to six is in the afternoon, from seven to eleven in the morning, unless a part of the day says otherwise. An hour
//!   with a leading zero or above twelve is of the 24-hour clock.
//! - "Half three" is half past three.

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use crate::hours::TimeOfDay;
use crate::zone::Zone;

mod clock;
mod days;
mod read;
mod words;

/// A part of a day.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PartOfDay {
    Morning,
    Afternoon,
    Evening,
}

impl PartOfDay {
    /// From when until when, half-open.
    #[must_use]
    pub const fn span(self) -> (TimeOfDay, TimeOfDay) {
        match self {
            Self::Morning => (TimeOfDay::MIDNIGHT, TimeOfDay::NOON),
            Self::Afternoon => (TimeOfDay::NOON, TimeOfDay::FIVE_PM),
            Self::Evening => (TimeOfDay::FIVE_PM, TimeOfDay::END_OF_DAY),
        }
    }

    /// A time that most people would call so.
    pub(crate) fn middle(self) -> TimeOfDay {
        TimeOfDay::clamped(match self {
            Self::Morning => 10 * 60,
            Self::Afternoon => 14 * 60,
            Self::Evening => 18 * 60,
        })
    }
}

/// What was said of when. Nothing of it, for "any time".
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct When {
    pub date: Option<Date>,
    pub time: Option<TimeOfDay>,
    pub part: Option<PartOfDay>,
}

/// Why a day or a time cannot be told, in words for whoever wrote it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unclear {
    #[error("it has more than {LONGEST} characters")]
    TooLong,
    #[error("\"{0}\" is not understood; give one day (YYYY-MM-DD) and one time (HH:MM)")]
    Word(String),
    #[error("it names more than one day; give one")]
    TwoDays,
    #[error("it names more than one time; give one")]
    TwoTimes,
    #[error("there is no such day")]
    NoSuchDay,
    #[error("there is no such time")]
    NoSuchTime,
    #[error("that date is a {0}; ask which day is meant")]
    OtherWeekday(&'static str),
    #[error("it does not name one day of that week or month; ask which")]
    NoSingleDay,
    #[error("give the local time of the business, without an offset")]
    Offset,
}

/// Reads a day, a time, or both from one text.
pub fn read(text: &str, zone: &Zone, now: i64) -> Result<When, Unclear> {
    read::Reader::of(text, zone, now)?.read(false)
}

/// Reads a day and a time that were written apart. What the second says of the time holds.
pub fn read_both(date: &str, time: Option<&str>, zone: &Zone, now: i64) -> Result<When, Unclear> {
    let day = read(date, zone, now)?;
    let Some(time) = time else {
        return Ok(day);
    };
    let time = read::Reader::of(time, zone, now)?.read(true)?;
    if time.date.is_some() && day.date.is_some() && time.date != day.date {
        return Err(Unclear::TwoDays);
    }
    // "Tuesday evening" and "8": the part tells which eight.
    let with_part = |time: TimeOfDay| {
        let is_later = match day.part {
            Some(PartOfDay::Afternoon) => (1..6).contains(&time.hour()),
            Some(PartOfDay::Evening) => (5..12).contains(&time.hour()),
            _ => false,
        };
        if is_later { time.plus(12 * 60) } else { time }
    };
    Ok(When {
        date: day.date.or(time.date),
        time: time
            .time
            .map(with_part)
            .or_else(|| day.time.filter(|_| time.part.is_none())),
        part: time.part.or(day.part),
    })
}

/// Characters that are read: longer is no day.
pub(crate) const LONGEST: usize = 120;

#[cfg(test)]
mod tests;
