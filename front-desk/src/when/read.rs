//! Reading a text word by word: the cursor, what has been found, and what it comes to.

use jiff::civil::{Date, Weekday};

use super::clock::Clock;
use super::{LONGEST, PartOfDay, Unclear, When, words};
use crate::say;
use crate::zone::{Zone, plus_days};

pub(super) struct Reader<'a> {
    words: Vec<String>,
    pub(super) at: usize,
    pub(super) zone: &'a Zone,
    pub(super) now: i64,
    pub(super) today: Date,
    date: Option<Date>,
    weekday: Option<(Weekday, Which)>,
    pub(super) time: Option<Clock>,
    part: Option<PartOfDay>,
    pub(super) week: Option<Week>,
}

/// "Tuesday", "this Tuesday", "next Tuesday", "last Tuesday".
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Which {
    Bare,
    Last,
    Next,
    This,
}

/// "this week", "next week"
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Week {
    Next,
    This,
}

impl<'a> Reader<'a> {
    pub(super) fn of(text: &str, zone: &'a Zone, now: i64) -> Result<Self, Unclear> {
        // Characters have at most four bytes; a longer text need not be counted.
        if text.len() > LONGEST.saturating_mul(4) || text.chars().count() > LONGEST {
            return Err(Unclear::TooLong);
        }
        Ok(Self {
            words: words::split(text),
            at: 0,
            zone,
            now,
            today: zone.today(now),
            date: None,
            weekday: None,
            time: None,
            part: None,
            week: None,
        })
    }

    /// Reads to the end. In a text that should be a time, `1530` is one.
    pub(super) fn read(mut self, is_time: bool) -> Result<When, Unclear> {
        while let Some(word) = self.next_word() {
            if self.day(&word)? || self.clock(&word, is_time)? {
                continue;
            }
            if let Some(part) = words::part(&word) {
                self.set_part(part)?;
                if word == "tonight" {
                    self.set_date(self.today)?;
                }
            } else if !words::is_filler(&word) {
                return Err(Unclear::Word(word));
            }
        }
        self.finish()
    }

    fn finish(self) -> Result<When, Unclear> {
        let date = match (self.date, self.weekday) {
            (Some(date), Some((day, _))) if date.weekday() != day => {
                return Err(Unclear::OtherWeekday(say::weekday(date.weekday())));
            }
            (Some(date), _) => Some(date),
            (None, Some((day, which))) => Some(match self.week {
                Some(Week::Next) => self.in_week(day, 1),
                Some(Week::This) => self.in_week(day, 0),
                None => self.coming(day, which),
            }),
            (None, None) if self.week.is_some() => return Err(Unclear::NoSingleDay),
            (None, None) => None,
        };
        Ok(When {
            date,
            time: self.time.map(|clock| clock.in_part(self.part)),
            part: self.part,
        })
    }

    pub(super) fn coming(&self, day: Weekday, which: Which) -> Date {
        let ahead = i32::from(self.today.weekday().until(day));
        match which {
            Which::Bare if ahead == 0 => plus_days(self.today, 7),
            Which::Bare | Which::This => plus_days(self.today, ahead),
            Which::Next => self.in_week(day, 1),
            Which::Last => plus_days(self.today, ahead.saturating_sub(7)),
        }
    }

    /// The weekday of this week or of one after it. Weeks begin on Monday.
    fn in_week(&self, day: Weekday, ahead: i32) -> Date {
        let passed = i32::from(self.today.weekday().to_monday_zero_offset());
        let days = i32::from(day.to_monday_zero_offset()).saturating_add(ahead.saturating_mul(7));
        plus_days(self.today, days.saturating_sub(passed))
    }

    pub(super) fn set_date(&mut self, date: Date) -> Result<(), Unclear> {
        if self.date.is_some_and(|known| known != date) {
            return Err(Unclear::TwoDays);
        }
        self.date = Some(date);
        Ok(())
    }

    pub(super) fn set_weekday(&mut self, day: Weekday, which: Which) -> Result<(), Unclear> {
        if self.weekday.is_some() {
            return Err(Unclear::TwoDays);
        }
        self.weekday = Some((day, which));
        Ok(())
    }

    pub(super) fn set_part(&mut self, part: PartOfDay) -> Result<(), Unclear> {
        if self.part.is_some_and(|known| known != part) {
            return Err(Unclear::TwoTimes);
        }
        self.part = Some(part);
        Ok(())
    }

    pub(super) fn set_time(&mut self, clock: Clock) -> Result<(), Unclear> {
        if self.time.is_some_and(|known| known.time != clock.time) {
            return Err(Unclear::TwoTimes);
        }
        self.time = Some(clock);
        Ok(())
    }

    pub(super) fn peek(&self) -> Option<&str> {
        self.peek_at(0)
    }

    pub(super) fn peek_at(&self, ahead: usize) -> Option<&str> {
        self.words
            .get(self.at.saturating_add(ahead))
            .map(String::as_str)
    }

    pub(super) fn next_word(&mut self) -> Option<String> {
        let word = self.words.get(self.at).cloned();
        self.skip(usize::from(word.is_some()));
        word
    }

    pub(super) fn skip(&mut self, words: usize) {
        self.at = self.at.saturating_add(words);
    }

    /// Takes the next word if it is this one.
    pub(super) fn take(&mut self, word: &str) -> bool {
        let is_next = self.peek() == Some(word);
        self.skip(usize::from(is_next));
        is_next
    }
}
