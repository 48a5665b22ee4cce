//! A business's time zone: from the wall clock to instants and back, right across daylight saving.
//!
//! A wall-clock time that the clocks jump over has no instant. One that comes twice means its first.

use std::fmt;

use jiff::civil::{Date, DateTime};
use jiff::tz::{AmbiguousOffset, TimeZone, TimeZoneDatabase};
use jiff::{Span, Timestamp};
use serde::{Deserialize, Serialize};

use crate::hours::TimeOfDay;

/// A zone of the IANA database, by its name.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Zone(TimeZone);

/// No zone has this name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("must be a time zone such as America/New_York or Europe/London")]
pub struct UnknownZone;

impl Zone {
    /// The zone of this name, in any case.
    pub fn parse(name: &str) -> Result<Self, UnknownZone> {
        let zone = TimeZoneDatabase::bundled()
            .get(name)
            .map_err(|_unknown| UnknownZone)?;
        let named = zone.iana_name().is_some() && !zone.is_unknown();
        named.then_some(Self(zone)).ok_or(UnknownZone)
    }

    /// Its name in the database.
    #[must_use]
    pub fn name(&self) -> &str {
        self.0.iana_name().unwrap_or("UTC")
    }

    /// The day and the time of day at an instant, to the minute.
    #[must_use]
    pub fn local(&self, instant: i64) -> (Date, TimeOfDay) {
        let local = self.civil(instant);
        let minutes = i32::from(local.hour())
            .saturating_mul(60)
            .saturating_add(i32::from(local.minute()));
        (local.date(), TimeOfDay::clamped(minutes))
    }

    /// The day at an instant.
    #[must_use]
    pub fn today(&self, instant: i64) -> Date {
        self.civil(instant).date()
    }

    /// The first instant of a day. It is not always midnight: some zones change their clocks at that hour.
    #[must_use]
    pub fn start_of(&self, day: Date) -> i64 {
        self.0
            .to_zoned(day.to_datetime(jiff::civil::Time::midnight()))
            .and_then(|zoned| zoned.start_of_day())
            .map_or(0, |zoned| zoned.timestamp().as_millisecond())
    }

    /// The instants of a day.
    #[must_use]
    pub fn day(&self, day: Date) -> (i64, i64) {
        (self.start_of(day), self.start_of(plus_days(day, 1)))
    }

    /// The instant at which the wall clock shows this, if it ever does.
    #[must_use]
    pub fn instant(&self, day: Date, time: TimeOfDay) -> Option<i64> {
        let zoned = self.0.to_ambiguous_zoned(civil(day, time)?);
        if matches!(zoned.offset(), AmbiguousOffset::Gap { .. }) {
            return None;
        }
        let zoned = zoned.earlier().ok()?;
        Some(zoned.timestamp().as_millisecond())
    }

    /// The last instant that is certainly not later than this on the wall clock: for closing times.
    pub(crate) fn no_later_than(&self, day: Date, time: TimeOfDay) -> Option<i64> {
        let Some(local) = civil(day, time) else {
            return Some(self.start_of(plus_days(day, 1)));
        };
        let zoned = self.0.to_ambiguous_zoned(local).earlier().ok()?;
        Some(zoned.timestamp().as_millisecond())
    }

    /// How far the wall clock is ahead of UTC at an instant, in seconds.
    pub(crate) fn offset(&self, instant: i64) -> i32 {
        self.0.to_offset(timestamp(instant)).seconds()
    }

    fn civil(&self, instant: i64) -> DateTime {
        self.0.to_datetime(timestamp(instant))
    }
}

/// A day some days later or, below zero, earlier; the calendar's ends are as far as it goes.
#[must_use]
pub fn plus_days(day: Date, days: i32) -> Date {
    let span = Span::new().try_days(days);
    span.map_or(day, |span| day.saturating_add(span))
}

/// How many days `to` is after `from`.
#[must_use]
pub fn days_between(from: Date, to: Date) -> i32 {
    from.until(to).map_or(0, |span| span.get_days())
}

/// Midnight at the day's end has no time of day of its own.
fn civil(day: Date, time: TimeOfDay) -> Option<DateTime> {
    let minute = i8::try_from(time.minute()).ok()?;
    let hour = i8::try_from(time.hour()).ok()?;
    let time = jiff::civil::Time::new(hour, minute, 0, 0).ok()?;
    Some(day.to_datetime(time))
}

/// Beyond the calendar's ends: the epoch.
fn timestamp(instant: i64) -> Timestamp {
    Timestamp::from_millisecond(instant).unwrap_or_default()
}

impl fmt::Debug for Zone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Zone({})", self.name())
    }
}

impl fmt::Display for Zone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl TryFrom<String> for Zone {
    type Error = UnknownZone;

    fn try_from(name: String) -> Result<Self, UnknownZone> {
        Self::parse(&name)
    }
}

impl From<Zone> for String {
    fn from(zone: Zone) -> Self {
        zone.name().to_owned()
    }
}

impl Default for Zone {
    fn default() -> Self {
        Self(TimeZone::UTC)
    }
}
