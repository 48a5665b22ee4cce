//! Opening hours: a week that repeats, and the days that differ from it.

use std::fmt;
use std::str::FromStr;

use jiff::civil::{Date, Weekday};
use serde::{Deserialize, Serialize};

use crate::business::Fault;
use crate::text::{Line, clean_line};

/// A time of day on the wall clock, to the minute: `09:30`. `24:00` is the midnight at which a day ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct TimeOfDay(u16);

/// Not a time of day.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("must be a time of day such as 09:30")]
pub struct NoTimeOfDay;

impl TimeOfDay {
    pub const END_OF_DAY: Self = Self(24 * 60);
    pub const MIDNIGHT: Self = Self(0);
    pub const NOON: Self = Self(12 * 60);
    pub(crate) const FIVE_PM: Self = Self(17 * 60);

    /// An hour and a minute; 24:00 is the latest.
    #[must_use]
    pub const fn new(hour: u16, minute: u16) -> Option<Self> {
        if minute < 60 && (hour < 24 || hour == 24 && minute == 0) {
            Some(Self(hour.saturating_mul(60).saturating_add(minute)))
        } else {
            None
        }
    }

    /// Minutes after midnight.
    #[must_use]
    pub const fn minutes(self) -> u16 {
        self.0
    }

    #[must_use]
    pub const fn hour(self) -> u16 {
        self.0 / 60
    }

    #[must_use]
    pub const fn minute(self) -> u16 {
        self.0 % 60
    }

    /// So many minutes later, the day's end at the latest.
    pub(crate) fn plus(self, minutes: u16) -> Self {
        Self::clamped(i32::from(self.0).saturating_add(i32::from(minutes)))
    }

    /// The nearest there is to so many minutes after midnight.
    pub(crate) fn clamped(minutes: i32) -> Self {
        let most = i32::from(Self::END_OF_DAY.0);
        Self(u16::try_from(minutes.clamp(0, most)).unwrap_or_default())
    }
}

impl fmt::Display for TimeOfDay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:02}:{:02}", self.hour(), self.minute())
    }
}

impl FromStr for TimeOfDay {
    type Err = NoTimeOfDay;

    fn from_str(text: &str) -> Result<Self, NoTimeOfDay> {
        let number = |digits: &str| {
            let plain = digits.len() == 2 && digits.bytes().all(|byte| byte.is_ascii_digit());
            plain.then(|| digits.parse().ok()).flatten()
        };
        let (hour, minute) = text.split_once(':').ok_or(NoTimeOfDay)?;
        let (hour, minute) = number(hour).zip(number(minute)).ok_or(NoTimeOfDay)?;
        Self::new(hour, minute).ok_or(NoTimeOfDay)
    }
}

impl TryFrom<String> for TimeOfDay {
    type Error = NoTimeOfDay;

    fn try_from(text: String) -> Result<Self, NoTimeOfDay> {
        text.parse()
    }
}

impl From<TimeOfDay> for String {
    fn from(time: TimeOfDay) -> Self {
        time.to_string()
    }
}

/// Open from one time of a day until another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Interval {
    pub from: TimeOfDay,
    pub to: TimeOfDay,
}

/// A day that differs from its weekday's hours.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Exception {
    pub date: Date,
    /// Empty: closed all day.
    #[serde(default)]
    pub open: Vec<Interval>,
    /// Why, as callers may be told: `Thanksgiving`.
    #[serde(default)]
    pub reason: String,
}

/// When a business is open.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Hours {
    #[serde(default)]
    pub monday: Vec<Interval>,
    #[serde(default)]
    pub tuesday: Vec<Interval>,
    #[serde(default)]
    pub wednesday: Vec<Interval>,
    #[serde(default)]
    pub thursday: Vec<Interval>,
    #[serde(default)]
    pub friday: Vec<Interval>,
    #[serde(default)]
    pub saturday: Vec<Interval>,
    #[serde(default)]
    pub sunday: Vec<Interval>,
    #[serde(default)]
    pub exceptions: Vec<Exception>,
}

impl Hours {
    /// The hours of every such weekday.
    #[must_use]
    pub fn of(&self, weekday: Weekday) -> &[Interval] {
        match weekday {
            Weekday::Monday => &self.monday,
            Weekday::Tuesday => &self.tuesday,
            Weekday::Wednesday => &self.wednesday,
            Weekday::Thursday => &self.thursday,
            Weekday::Friday => &self.friday,
            Weekday::Saturday => &self.saturday,
            Weekday::Sunday => &self.sunday,
        }
    }

    /// The exception of a day, if it is one.
    #[must_use]
    pub fn exception(&self, date: Date) -> Option<&Exception> {
        self.exceptions
            .iter()
            .find(|exception| exception.date == date)
    }

    /// When it is open on a day: in order, none touching or overlapping another, none empty.
    #[must_use]
    pub fn open_on(&self, date: Date) -> Vec<Interval> {
        let open = match self.exception(date) {
            Some(exception) => &exception.open,
            None => self.of(date.weekday()),
        };
        let mut open: Vec<Interval> = open
            .iter()
            .filter(|open| open.from < open.to)
            .copied()
            .collect();
        open.sort_by_key(|open| open.from);
        open.into_iter().fold(Vec::new(), |mut merged, next| {
            match merged.last_mut() {
                Some(last) if next.from <= last.to => last.to = last.to.max(next.to),
                _ => merged.push(next),
            }
            merged
        })
    }

    /// What cannot be used of it, by field, and reasons cleaned.
    pub(crate) fn check(&mut self, faults: &mut Vec<Fault>) {
        for (day, open) in [
            ("monday", &self.monday),
            ("tuesday", &self.tuesday),
            ("wednesday", &self.wednesday),
            ("thursday", &self.thursday),
            ("friday", &self.friday),
            ("saturday", &self.saturday),
            ("sunday", &self.sunday),
        ] {
            check_day(&format!("hours.{day}"), open, faults);
        }
        if self.exceptions.len() > EXCEPTIONS {
            faults.push(Fault::new(
                "hours.exceptions",
                format!("at most {EXCEPTIONS} days can differ"),
            ));
            return;
        }
        let mut seen = std::collections::BTreeSet::new();
        for (index, exception) in self.exceptions.iter_mut().enumerate() {
            let field = format!("hours.exceptions[{index}]");
            if !seen.insert(exception.date) {
                faults.push(Fault::new(format!("{field}.date"), "is there twice"));
            }
            check_day(&format!("{field}.open"), &exception.open, faults);
            match clean_line::<REASON>(&exception.reason) {
                Ok(reason) => exception.reason = reason.map(Line::into_string).unwrap_or_default(),
                Err(error) => faults.push(Fault::new(format!("{field}.reason"), error.to_string())),
            }
        }
        self.exceptions.sort_by_key(|exception| exception.date);
    }
}

fn check_day(field: &str, open: &[Interval], faults: &mut Vec<Fault>) {
    if open.len() > INTERVALS {
        faults.push(Fault::new(
            field,
            format!("at most {INTERVALS} intervals a day"),
        ));
        return;
    }
    for (index, interval) in open.iter().enumerate() {
        if interval.from >= interval.to {
            faults.push(Fault::new(
                format!("{field}[{index}].to"),
                "must be later than the opening",
            ));
        }
        let overlaps = open
            .iter()
            .take(index)
            .any(|other| interval.from < other.to && other.from < interval.to);
        if overlaps {
            faults.push(Fault::new(
                format!("{field}[{index}].from"),
                "overlaps another interval of that day",
            ));
        }
    }
}

/// A day with more pauses than this is a slip of the form.
const INTERVALS: usize = 6;

/// Two years of public holidays and absences; each is read when a prompt is written.
const EXCEPTIONS: usize = 200;

/// Characters of a reason, which is spoken.
const REASON: usize = 80;
