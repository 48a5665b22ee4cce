//! Words that tell a day.

use jiff::Span;
use jiff::civil::Date;

use super::read::{Reader, Week, Which};
use super::{Unclear, words};
use crate::zone::plus_days;

impl Reader<'_> {
    /// Reads on from a word, if it begins to tell a day.
    pub(super) fn day(&mut self, word: &str) -> Result<bool, Unclear> {
        let date = match word {
            "today" | "today's" | "now" => self.today,
            "tomorrow" | "tomorrow's" => plus_days(self.today, 1),
            "yesterday" => plus_days(self.today, -1),
            "day" if self.take("after") => {
                if !self.take("tomorrow") {
                    return Err(Unclear::Word("after".to_owned()));
                }
                plus_days(self.today, 2)
            }
            "this" | "next" | "last" => return self.this_or_next(word).map(|()| true),
            "in" => return self.ahead().map(|()| true),
            _ => {
                if let Some(day) = words::weekday(word) {
                    // "Tuesday week"
                    if self.take("week") {
                        self.set_date(plus_days(self.coming(day, Which::Bare), 7))?;
                    } else {
                        self.set_weekday(day, Which::Bare)?;
                    }
                    return Ok(true);
                }
                let found = match self.counted(word)? {
                    Some(date) => Some(date),
                    None => self.calendar(word)?,
                };
                let Some(date) = found else {
                    return Ok(self.take_first(word));
                };
                date
            }
        };
        self.set_date(date)?;
        Ok(true)
    }

    /// "this afternoon", "next Tuesday", "next week", "next available"
    fn this_or_next(&mut self, word: &str) -> Result<(), Unclear> {
        let which = match word {
            "this" => Which::This,
            "next" => Which::Next,
            _ => Which::Last,
        };
        let of = self.next_word().unwrap_or_default();
        if let Some(day) = words::weekday(&of) {
            return self.set_weekday(day, which);
        }
        if let Some(part) = words::part(&of).filter(|_| which == Which::This) {
            self.set_part(part)?;
            return self.set_date(self.today);
        }
        match (of.as_str(), which) {
            ("week", Which::This) => self.week = Some(Week::This),
            ("week", Which::Next) => self.week = Some(Week::Next),
            ("week" | "weekend" | "month" | "year", _) => return Err(Unclear::NoSingleDay),
            ("coming", Which::This)
            | ("available" | "free" | "one" | "opening" | "possible", Which::Next) => {}
            _ => return Err(Unclear::Word(format!("{word} {of}").trim_end().to_owned())),
        }
        Ok(())
    }

    /// "the first available", "first thing"
    fn take_first(&mut self, word: &str) -> bool {
        let of = [
            "available",
            "appointment",
            "free",
            "one",
            "opening",
            "possible",
            "slot",
            "thing",
        ];
        word == "first" && of.iter().any(|of| self.take(of))
    }

    /// Behind "in": "two weeks", "half an hour". "In the morning" is no such.
    fn ahead(&mut self) -> Result<(), Unclear> {
        if self.take("half") {
            let _article = self.take("an");
            return if self.take("hour") {
                self.after(30)
            } else {
                Err(Unclear::Word("half".to_owned()))
            };
        }
        let Some(count) = self.peek().and_then(count) else {
            return Ok(());
        };
        self.skip(1);
        let is_couple = self.take("couple");
        let _of = is_couple && self.take("of");
        let count = if is_couple { 2 } else { count };
        let unit = self.next_word().unwrap_or_else(|| "in".to_owned());
        match unit.as_str() {
            "minute" | "minutes" => self.after(count),
            "hour" | "hours" => self.after(count.saturating_mul(60)),
            unit => {
                let date =
                    shift(self.today, count, unit).ok_or_else(|| Unclear::Word(unit.to_owned()))?;
                self.set_date(date)
            }
        }
    }

    /// "two weeks from today", "a week on Tuesday"
    fn counted(&mut self, word: &str) -> Result<Option<Date>, Unclear> {
        let unit = self
            .peek()
            .filter(|unit| words::is_unit(unit))
            .map(str::to_owned);
        let (Some(count), Some(unit)) = (count(word), unit) else {
            return Ok(None);
        };
        self.skip(1);
        if !["from", "after", "on"].iter().any(|word| self.take(word)) {
            return Err(Unclear::Word(format!("{word} {unit}")));
        }
        let start = self.next_word().unwrap_or_default();
        let from = match start.as_str() {
            "today" | "now" => self.today,
            "tomorrow" => plus_days(self.today, 1),
            word => match words::weekday(word) {
                Some(day) => self.coming(day, Which::Bare),
                None => return Err(Unclear::Word(start)),
            },
        };
        shift(from, count, &unit)
            .map(Some)
            .ok_or(Unclear::Word(unit))
    }

    /// A date of the calendar: ISO, "December 3rd", "the 5th", "12/24".
    fn calendar(&mut self, word: &str) -> Result<Option<Date>, Unclear> {
        if let Some((date, rest)) = iso(word)? {
            if !rest.is_empty() {
                self.iso_time(date, rest)?;
            }
            return Ok(Some(date));
        }
        if word.contains('/') {
            return self.slashed(word).map(Some);
        }
        if let Some(month) = words::month(word) {
            let _the = self.take("the");
            let day = self.day_of_month().ok_or(Unclear::NoSingleDay)?;
            return self.in_year(month, day).map(Some);
        }
        // Reads the word once more, with those that follow it.
        let start = self.at;
        self.at = start.saturating_sub(1);
        let is_ordinal = self.ordinal();
        let day = is_ordinal.or_else(|| self.day_of_month());
        let (Some(day), end) = (day, self.at) else {
            self.at = start;
            return Ok(None);
        };
        let _of = self.take("of");
        if let Some(month) = self.peek().and_then(words::month) {
            self.skip(1);
            return self.in_year(month, day).map(Some);
        }
        self.at = end;
        let is_first = word == "first" && self.peek().is_some_and(|next| next != "at");
        if is_ordinal.is_none() || is_first {
            self.at = start;
            return Ok(None);
        }
        self.next_such_day(day).map(Some)
    }

    /// "3", "3rd", "twenty first", "twenty one"
    fn day_of_month(&mut self) -> Option<u16> {
        if let Some(day) = self.ordinal() {
            return Some(day);
        }
        let number = self
            .peek()
            .and_then(words::number)
            .filter(|day| (1..=31).contains(day))?;
        let tens = self.peek().and_then(words::tens);
        let unit = self
            .peek_at(1)
            .and_then(words::number)
            .filter(|unit| tens.is_some() && (1..=9).contains(unit));
        self.skip(1_usize.saturating_add(usize::from(unit.is_some())));
        Some(number.saturating_add(unit.unwrap_or_default()))
    }

    /// "5th", "fifth", "twenty first"
    fn ordinal(&mut self) -> Option<u16> {
        let word = self.peek()?;
        if let Some(day) = words::ordinal(word) {
            self.skip(1);
            return Some(day);
        }
        let tens = words::tens(word)?;
        let unit = self
            .peek_at(1)
            .and_then(words::ordinal)
            .filter(|unit| *unit < 10)?;
        self.skip(2);
        Some(tens.saturating_add(unit))
    }

    /// In the year that follows, or in the first in which it is not past.
    fn in_year(&mut self, month: i8, day: u16) -> Result<Date, Unclear> {
        let day = i8::try_from(day).map_err(|_large| Unclear::NoSuchDay)?;
        let year = self
            .peek()
            .and_then(words::number)
            .filter(|year| (2000..=2200).contains(year));
        if let Some(year) = year.and_then(|year| i16::try_from(year).ok()) {
            self.skip(1);
            return Date::new(year, month, day).map_err(|_none| Unclear::NoSuchDay);
        }
        // Eight years, for a 29th of February around a century without its leap day.
        let mut years = (0..=8).map(|ahead| self.today.year().saturating_add(ahead));
        let coming = years.find_map(|year| {
            Date::new(year, month, day)
                .ok()
                .filter(|date| *date >= self.today)
        });
        coming.ok_or(Unclear::NoSuchDay)
    }

    /// The next such day of a month, today among them.
    fn next_such_day(&self, day: u16) -> Result<Date, Unclear> {
        let day = i8::try_from(day).map_err(|_large| Unclear::NoSuchDay)?;
        let first = self.today.first_of_month();
        let coming = (0..3_i8).find_map(|ahead| {
            let month = first.saturating_add(Span::new().try_months(ahead).ok()?);
            let date = Date::new(month.year(), month.month(), day).ok()?;
            (date >= self.today).then_some(date)
        });
        coming.ok_or(Unclear::NoSuchDay)
    }

    /// `2026/11/24`, `24/11/2026`, `11/24`: only where the day cannot be taken for the month.
    fn slashed(&mut self, word: &str) -> Result<Date, Unclear> {
        let unclear = || Unclear::Word(word.to_owned());
        let parts: Option<Vec<u16>> = word
            .split('/')
            .map(|part| words::number(part).filter(|_| words::is_digits(part)))
            .collect();
        let (year, one, two) = match parts.as_deref() {
            Some([year, month, day]) if *year >= 1000 => return calendar_date(*year, *month, *day),
            Some([one, two, year]) if *year >= 1000 => (Some(*year), *one, *two),
            Some([one, two, year]) if *year < 100 => (Some(year.saturating_add(2000)), *one, *two),
            Some([one, two]) => (None, *one, *two),
            _ => return Err(unclear()),
        };
        let (month, day) = match (one, two) {
            (1..=12, 13_u16..) => (one, two),
            (13.., 1..=12) => (two, one),
            (one, two) if one == two => (one, two),
            _ => return Err(unclear()),
        };
        match year {
            Some(year) => calendar_date(year, month, day),
            None => self.in_year(i8::try_from(month).unwrap_or_default(), day),
        }
    }
}

/// `2026-11-24`, and what is behind it in the same word.
fn iso(word: &str) -> Result<Option<(Date, &str)>, Unclear> {
    let mut parts = word.splitn(3, '-');
    let (Some(year), Some(month), Some(rest)) = (parts.next(), parts.next(), parts.next()) else {
        return Ok(None);
    };
    let day = rest
        .get(..2)
        .filter(|day| words::is_digits(day))
        .or_else(|| rest.get(..1));
    let (Some(day), true) = (
        day.filter(|day| words::is_digits(day)),
        year.len() == 4 && words::is_digits(year),
    ) else {
        return Ok(None);
    };
    let (Some(year), Some(month), Some(number)) = (
        words::number(year),
        words::number(month),
        words::number(day),
    ) else {
        return Ok(None);
    };
    let rest = rest.strip_prefix(day).unwrap_or_default();
    let behind = match rest.strip_prefix('t') {
        Some(time) => time,
        None if rest.is_empty() => "",
        None => return Ok(None),
    };
    calendar_date(year, month, number).map(|date| Some((date, behind)))
}

fn calendar_date(year: u16, month: u16, day: u16) -> Result<Date, Unclear> {
    let numbers = (i16::try_from(year), i8::try_from(month), i8::try_from(day));
    let (Ok(year), Ok(month), Ok(day)) = numbers else {
        return Err(Unclear::NoSuchDay);
    };
    Date::new(year, month, day).map_err(|_none| Unclear::NoSuchDay)
}

/// "a", "two", "3"
fn count(word: &str) -> Option<i32> {
    match word {
        "a" | "an" => Some(1),
        _ => words::number(word).map(i32::from),
    }
}

fn shift(from: Date, count: i32, unit: &str) -> Option<Date> {
    match unit {
        "day" | "days" => Some(plus_days(from, count)),
        "week" | "weeks" => Some(plus_days(from, count.saturating_mul(7))),
        "fortnight" | "fortnights" => Some(plus_days(from, count.saturating_mul(14))),
        "month" | "months" => Some(from.saturating_add(Span::new().try_months(count).ok()?)),
        _ => None,
    }
}
