//! Words that tell a time of day.

use jiff::civil::Date;

use super::read::Reader;
use super::{PartOfDay, Unclear, words};
use crate::hours::TimeOfDay;

/// A time, and whether it tells its half of the day.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Clock {
    pub(super) time: TimeOfDay,
    is_sure: bool,
}

impl Clock {
    pub(super) const fn sure(time: TimeOfDay) -> Self {
        Self {
            time,
            is_sure: true,
        }
    }

    /// An hour as it is said, from one to twelve: one to six are in the afternoon, since few businesses open before seven.
    fn said(hour: u16, minute: u16) -> Result<Self, Unclear> {
        let hour = match hour {
            1..=6 => hour.saturating_add(12),
            7..=12 => hour,
            _ => return Err(Unclear::NoSuchTime),
        };
        let time = TimeOfDay::new(hour, minute).ok_or(Unclear::NoSuchTime)?;
        Ok(Self {
            time,
            is_sure: false,
        })
    }

    /// Seen with the part of the day that was named beside it.
    pub(super) fn in_part(self, part: Option<PartOfDay>) -> TimeOfDay {
        let hour = self.time.hour();
        match part {
            Some(PartOfDay::Morning) if !self.is_sure && hour > 12 => {
                TimeOfDay::MIDNIGHT.plus(self.time.minutes().saturating_sub(12 * 60))
            }
            Some(PartOfDay::Afternoon) if !self.is_sure && hour < 8 => self.time.plus(12 * 60),
            Some(PartOfDay::Evening) if !self.is_sure && hour < 12 => self.time.plus(12 * 60),
            _ => self.time,
        }
    }
}

impl Reader<'_> {
    /// Reads on from a word, if it begins to tell a time.
    pub(super) fn clock(&mut self, word: &str, is_time: bool) -> Result<bool, Unclear> {
        let clock = match word {
            "noon" | "midday" | "midnight" => {
                // "Twelve noon" is one time.
                if self
                    .time
                    .is_some_and(|known| !known.is_sure && known.time == TimeOfDay::NOON)
                {
                    self.time = None;
                }
                let time = if word == "midnight" {
                    TimeOfDay::MIDNIGHT
                } else {
                    TimeOfDay::NOON
                };
                Some(Clock::sure(time))
            }
            "half" => {
                let _past = self.take("past");
                let hour = self.next_word().as_deref().and_then(words::hour);
                Some(Clock::said(
                    hour.ok_or_else(|| Unclear::Word(word.to_owned()))?,
                    30,
                )?)
            }
            "quarter" => Some(self.past_or_to(15)?),
            _ => match written(word, is_time)? {
                Some(clock) => Some(clock),
                None => self.spoken(word)?,
            },
        };
        let Some(clock) = clock else {
            return Ok(false);
        };
        let _oclock = self.take("o'clock") || self.take("oclock");
        let clock = self.with_half(clock)?;
        self.set_time(clock)?;
        Ok(true)
    }

    /// "three", "three thirty", "twenty to five", "5 past 3"
    fn spoken(&mut self, word: &str) -> Result<Option<Clock>, Unclear> {
        let Some(number) = words::number(word) else {
            return Ok(None);
        };
        let is_relation = |word: Option<&str>| matches!(word, Some("past" | "to" | "minutes"));
        let unit = self
            .peek()
            .and_then(words::number)
            .filter(|unit| (1..=9).contains(unit));
        if let (Some(tens), Some(unit), true) =
            (words::tens(word), unit, is_relation(self.peek_at(1)))
        {
            self.skip(1);
            return self.past_or_to(tens.saturating_add(unit)).map(Some);
        }
        if is_relation(self.peek()) || self.peek() == Some("after") {
            return self.past_or_to(number).map(Some);
        }
        // "15" alone may be a day as well.
        if number > 12 {
            return Err(Unclear::Word(word.to_owned()));
        }
        let minute = self.minutes();
        Clock::said(number, minute).map(Some)
    }

    /// Behind an hour: "thirty", "forty five", "oh five", "15".
    fn minutes(&mut self) -> u16 {
        let unit = |word: Option<&str>| {
            word.and_then(words::number)
                .filter(|unit| (1..=9).contains(unit))
        };
        let next = self.peek();
        let (minutes, read) = match (
            next,
            next.and_then(words::tens),
            next.and_then(words::number),
        ) {
            (Some("oh"), ..) => (unit(self.peek_at(1)), 2),
            (_, Some(tens), _) => match unit(self.peek_at(1)) {
                Some(unit) => (Some(tens.saturating_add(unit)), 2),
                None => (Some(tens), 1),
            },
            (_, None, number) => (number.filter(|number| (10..60).contains(number)), 1),
        };
        // "Three ten to five" is no time of anybody's.
        self.skip(if minutes.is_some() { read } else { 0 });
        minutes.unwrap_or_default()
    }

    /// Behind minutes: "past three", "to five".
    fn past_or_to(&mut self, minutes: u16) -> Result<Clock, Unclear> {
        let _minutes = self.take("minutes");
        let relation = self.next_word().unwrap_or_default();
        let hour = self.next_word().as_deref().and_then(words::hour);
        let hour = hour.ok_or_else(|| Unclear::Word(relation.clone()))?;
        match relation.as_str() {
            "past" | "after" => Clock::said(hour, minutes),
            "to" | "of" | "before" => {
                let minute = 60_u16.checked_sub(minutes).ok_or(Unclear::NoSuchTime)?;
                Clock::said(
                    if hour == 1 {
                        12
                    } else {
                        hour.saturating_sub(1)
                    },
                    minute,
                )
            }
            _ => Err(Unclear::Word(relation)),
        }
    }

    /// Behind a time: "am", "p.m."
    fn with_half(&mut self, clock: Clock) -> Result<Clock, Unclear> {
        let half = match self.peek() {
            Some("am" | "a.m") => 0,
            Some("pm" | "p.m") => 12 * 60,
            _ => return Ok(clock),
        };
        self.skip(1);
        // "15:30 pm" says the same twice; "15:30 am" says nothing.
        if clock.is_sure && clock.time.hour() > 12 {
            return if half > 0 {
                Ok(clock)
            } else {
                Err(Unclear::NoSuchTime)
            };
        }
        let minutes = clock
            .time
            .minutes()
            .checked_rem(12 * 60)
            .unwrap_or_default();
        Ok(Clock::sure(
            TimeOfDay::MIDNIGHT.plus(minutes.saturating_add(half)),
        ))
    }

    /// What is behind the `T` of an ISO date: a time, and perhaps an offset, which must be the zone's own.
    pub(super) fn iso_time(&mut self, date: Date, text: &str) -> Result<(), Unclear> {
        let end = text.find(['z', '+', '-']).unwrap_or(text.len());
        let (time, offset) = text.split_at_checked(end).unwrap_or((text, ""));
        let time = time.split('.').next().unwrap_or_default();
        let digits = time.get(..5).ok_or(Unclear::NoSuchTime)?;
        let time: TimeOfDay = digits.parse().map_err(|_none| Unclear::NoSuchTime)?;
        if !offset.is_empty() {
            let instant = self.zone.instant(date, time).ok_or(Unclear::NoSuchTime)?;
            if offset_seconds(offset) != Some(self.zone.offset(instant)) {
                return Err(Unclear::Offset);
            }
        }
        self.set_time(Clock::sure(time))
    }

    /// So many minutes from now.
    pub(super) fn after(&mut self, minutes: i32) -> Result<(), Unclear> {
        let then = self
            .now
            .saturating_add(i64::from(minutes).saturating_mul(60_000));
        let (date, time) = self.zone.local(then);
        self.set_date(date)?;
        self.set_time(Clock::sure(time))
    }
}

/// `15:30`, `3.30`, `09:00:00`, and, where a time is sure to be meant, `0900`.
fn written(word: &str, is_time: bool) -> Result<Option<Clock>, Unclear> {
    let is_four = is_time && word.len() == 4 && words::is_digits(word);
    let (hour, minute) = match word.split_once([':', '.']) {
        Some((hour, minute)) if hour.len() <= 2 && words::is_digits(hour) => (hour, minute),
        None if is_four => word.split_at_checked(2).unwrap_or_default(),
        _ => return Ok(None),
    };
    let minute = minute.strip_suffix(":00").unwrap_or(minute);
    let minute = Some(minute)
        .filter(|minute| minute.len() == 2)
        .and_then(words::number);
    let (Some(minute), Some(number)) = (minute, words::number(hour)) else {
        return Err(Unclear::NoSuchTime);
    };
    if number <= 12 && !hour.starts_with('0') && !is_four {
        return Clock::said(number, minute).map(Some);
    }
    let time = TimeOfDay::new(number, minute).filter(|time| *time < TimeOfDay::END_OF_DAY);
    time.map(|time| Some(Clock::sure(time)))
        .ok_or(Unclear::NoSuchTime)
}

/// `z`, `+01:00`, `-0500`
fn offset_seconds(offset: &str) -> Option<i32> {
    if offset == "z" {
        return Some(0);
    }
    let (sign, digits) = offset.split_at_checked(1)?;
    let digits = digits.replace(':', "");
    let (hours, minutes) = digits.split_at_checked(2)?;
    let number = |text: &str| {
        if text.is_empty() {
            Some(0)
        } else {
            words::number(text)
        }
    };
    let minutes = i32::from(number(hours)?)
        .saturating_mul(60)
        .saturating_add(i32::from(number(minutes)?));
    let seconds = minutes.saturating_mul(60);
    match sign {
        "+" => Some(seconds),
        "-" => Some(seconds.saturating_neg()),
        _ => None,
    }
}
