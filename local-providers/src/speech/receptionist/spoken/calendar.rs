//! Days of the calendar, as callers say them and recognisers write them.
//!
//! "Tuesday" is the next one and never today; "this Tuesday" may be today; "next Tuesday" is that of the next week, which begins on Monday. A
//! day without its month, or a date without its year, is the first such from today on.

use std::fmt;
use std::ops::Range;

use super::{Words, capitalised};

/// Days since 1970-01-01.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Date(pub(crate) i64);

impl Date {
    /// The first date written `2026-11-24` in a text.
    pub(crate) fn find(text: &str) -> Option<Self> {
        text.split(|character: char| !character.is_ascii_digit() && character != '-')
            .find_map(Self::parse)
    }

    pub(crate) fn parse(word: &str) -> Option<Self> {
        let parts: Vec<&str> = word.split('-').collect();
        let [year, month, day] = parts[..] else {
            return None;
        };
        if year.len() != 4 || month.len() != 2 || day.len() != 2 {
            return None;
        }
        Self::of(year.parse().ok()?, month.parse().ok()?, day.parse().ok()?)
    }

    fn of(year: i64, month: i64, day: i64) -> Option<Self> {
        if !(1..=12).contains(&month) || !(1..=31).contains(&day) {
            return None;
        }
        // Years that begin in March end with the leap day.
        let shifted = if month <= 2 { year - 1 } else { year };
        let (era, year_of_era) = (shifted.div_euclid(400), shifted.rem_euclid(400));
        let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
        let date = Self(
            era * 146_097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year
                - 719_468,
        );
        // The 31st of a shorter month would be a day of the next.
        (date.civil() == (year, month, day)).then_some(date)
    }

    /// Year, month and day.
    fn civil(self) -> (i64, i64, i64) {
        let days = self.0 + 719_468;
        let (era, day_of_era) = (days.div_euclid(146_097), days.rem_euclid(146_097));
        let year_of_era =
            (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
        let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let shifted = (5 * day_of_year + 2) / 153;
        let month = if shifted < 10 {
            shifted + 3
        } else {
            shifted - 9
        };
        let year = year_of_era + era * 400 + i64::from(month <= 2);
        (year, month, day_of_year - (153 * shifted + 2) / 5 + 1)
    }

    /// From Monday, 0. The epoch was a Thursday.
    fn weekday(self) -> usize {
        (self.0 + 3).rem_euclid(7) as usize
    }

    /// `Tuesday`
    pub(crate) fn name(self) -> String {
        capitalised(WEEKDAYS[self.weekday()])
    }

    /// `Tuesday, November 24`
    pub(crate) fn exactly(self) -> String {
        let (_, month, day) = self.civil();
        let month = capitalised(MONTHS[month as usize - 1]);
        format!("{}, {month} {day}", self.name())
    }

    /// `tomorrow`, `on Friday`, `on Tuesday, December 1`: as short as it can be said without doubt.
    pub(crate) fn shortly(self, today: Self) -> String {
        match self.0 - today.0 {
            0 => "today".to_owned(),
            1 => "tomorrow".to_owned(),
            2..=6 => format!("on {}", self.name()),
            _ => format!("on {}", self.exactly()),
        }
    }

    fn coming(self, weekday: usize) -> Self {
        match (weekday + 7 - self.weekday()) % 7 {
            0 => Self(self.0 + 7),
            days => Self(self.0 + days as i64),
        }
    }
}

impl fmt::Display for Date {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (year, month, day) = self.civil();
        write!(formatter, "{year:04}-{month:02}-{day:02}")
    }
}

/// A day that a line names, and with which words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Mention {
    pub(crate) date: Date,
    pub(crate) words: Range<usize>,
}

impl Words {
    /// The day it names; of several, the last, with which callers correct themselves.
    pub(crate) fn day(&self, today: Date) -> Option<Date> {
        self.days(today).last().map(|mention| mention.date)
    }

    /// Every day it names. "Tuesday the 24th" is one.
    pub(crate) fn days(&self, today: Date) -> Vec<Mention> {
        let words = self.plain();
        let mut found: Vec<Mention> = Vec::new();
        let mut at = 0;
        while at < words.len() {
            let Some(mention) = mention(&words, at, today) else {
                at += 1;
                continue;
            };
            at = mention.words.end;
            let continues = found
                .last()
                .is_some_and(|last| mention.words.start <= last.words.end + 1)
                && weekday(words[mention.words.start]).is_none();
            match found.last_mut().filter(|_| continues) {
                Some(last) => {
                    *last = Mention {
                        date: mention.date,
                        words: last.words.start..mention.words.end,
                    };
                }
                None => found.push(mention),
            }
        }
        found
    }

    /// Whether any day will do, the sooner the better.
    pub(crate) fn is_any_day(&self) -> bool {
        self.contain_any(&ANY_DAY)
    }

    /// Which of its words name a day.
    pub(super) fn words_of_days(&self) -> Vec<bool> {
        let mut named = vec![false; self.plain().len()];
        for mention in self.days(Date(0)) {
            named[mention.words].fill(true);
        }
        named
    }
}

fn mention(words: &[&str], at: usize, today: Date) -> Option<Mention> {
    let word = |index: usize| words.get(index).copied().unwrap_or_default();
    let before = |back: usize| at.checked_sub(back).map(word).unwrap_or_default();
    let found = |date: Date, end: usize| {
        Some(Mention {
            date,
            words: at..end,
        })
    };
    let ahead = |days: i64, end: usize| found(Date(today.0 + days), end);
    match (word(at), word(at + 1)) {
        ("today" | "today's" | "tonight", _) => return ahead(0, at + 1),
        ("to", "day") => return ahead(0, at + 2),
        ("day", "after") if TOMORROW.contains(&word(at + 2)) => return ahead(2, at + 3),
        ("day", "after") if word(at + 3) == "morrow" => return ahead(2, at + 4),
        ("to", "morrow") => return ahead(1, at + 2),
        (tomorrow, _) if TOMORROW.contains(&tomorrow) => return ahead(1, at + 1),
        ("in", count) => {
            let count = match count {
                "a" => Some(1),
                count => number(count).or_else(|| count.parse().ok()),
            };
            let count = count.filter(|count| *count <= FARTHEST)?;
            return match (count, word(at + 2)) {
                (count, "day" | "days") => ahead(count, at + 3),
                (count, "week" | "weeks") => ahead(7 * count, at + 3),
                _ => None,
            };
        }
        _ => {}
    }
    if let Some(weekday) = weekday(word(at)) {
        let next_week = (word(at + 1), word(at + 2)) == ("next", "week");
        let of_next = before(1) == "next"
            || next_week
            || (before(2), before(1)) == ("next", "week")
            || (before(3), before(2), before(1)) == ("next", "week", "on");
        let end = if next_week { at + 3 } else { at + 1 };
        let coming = today.coming(weekday);
        let monday = today.0 + 7 - today.weekday() as i64;
        let date = match word(at + 1) {
            _ if of_next => Date(monday + weekday as i64),
            _ if before(1) == "this" && weekday == today.weekday() => today,
            "week" => return found(Date(coming.0 + 7), at + 2),
            _ if (before(3), before(2), before(1)) == ("a", "week", "on") => Date(coming.0 + 7),
            _ => coming,
        };
        return found(date, end);
    }
    if let Some(month) = month(word(at)) {
        let from = if word(at + 1) == "the" {
            at + 2
        } else {
            at + 1
        };
        let (day, end, _) = day_of_month(words, from)?;
        return found(first_such(today, Some(month), day)?, end);
    }
    let (day, end, is_sure) = day_of_month(words, at)?;
    let of = if word(end) == "of" { end + 1 } else { end };
    if let Some(month) = month(word(of)).filter(|_| is_sure || of == end) {
        return found(first_such(today, Some(month), day)?, of + 1);
    }
    // "The second" is a choice; "a fifth" is nothing.
    let is_day = is_sure
        && before(1) == "the"
        && (day > 3 || word(at).starts_with(|c: char| c.is_ascii_digit()));
    let is_thing = ["one", "time", "slot", "appointment"].contains(&word(end));
    if !is_day || is_thing {
        return None;
    }
    found(first_such(today, None, day)?, end)
}

/// The first day from today on with this number, in this month.
fn first_such(today: Date, month: Option<i64>, day: i64) -> Option<Date> {
    let (year, this_month, _) = today.civil();
    let months = (this_month - 1..this_month + 12).map(|index| (year + index / 12, index % 12 + 1));
    let mut dates = months
        // A leap day may be years away: it is named with its year, or not at all.
        .chain([(year + 1, this_month)])
        .filter(|(_, of)| month.is_none_or(|month| month == *of))
        .filter_map(|(year, month)| Date::of(year, month, day));
    dates.find(|date| *date >= today)
}

/// A day of a month: `24`, `24th`, `third`, `twenty fourth`; the word after it; whether it can be nothing else.
fn day_of_month(words: &[&str], at: usize) -> Option<(i64, usize, bool)> {
    let word = words.get(at)?;
    let figures = word.trim_end_matches(|character: char| character.is_ascii_alphabetic());
    if let Ok(day) = figures.parse::<i64>() {
        let ending = &word[figures.len()..];
        let is_day = (1..=31).contains(&day) && ["", "st", "nd", "rd", "th"].contains(&ending);
        return is_day.then_some((day, at + 1, !ending.is_empty()));
    }
    let tens = match *word {
        "twenty" => Some(20),
        "thirty" => Some(30),
        _ => None,
    };
    if let (Some(tens), Some(unit)) = (tens, words.get(at + 1)) {
        let unit = ordinal(unit)
            .map(|unit| (unit, true))
            .or_else(|| number(unit).map(|unit| (unit, false)));
        if let Some((unit, is_sure)) = unit.filter(|(unit, _)| *unit < 10 && tens + unit <= 31) {
            return Some((tens + unit, at + 2, is_sure));
        }
    }
    ordinal(word)
        .map(|day| (day, at + 1, true))
        .or_else(|| number(word).map(|day| (day, at + 1, false)))
        .or_else(|| tens.map(|day| (day, at + 1, false)))
}

fn ordinal(word: &str) -> Option<i64> {
    let at = ORDINALS.iter().position(|ordinal| *ordinal == word);
    match word {
        "thirtieth" => Some(30),
        _ => at.map(|index| index as i64 + 1),
    }
}

fn number(word: &str) -> Option<i64> {
    let at = NUMBERS.iter().position(|number| *number == word);
    at.map(|index| index as i64 + 1)
}

fn month(word: &str) -> Option<i64> {
    let is = |month: &&str| {
        *month == word
            || (word.len() >= 3 && word != "mar" && word.len() <= 4 && month.starts_with(word))
    };
    MONTHS.iter().position(is).map(|index| index as i64 + 1)
}

/// A day of the week, also shortened, in the plural or with an ending.
fn weekday(word: &str) -> Option<usize> {
    let word = word.trim_end_matches("'s");
    let whole = |day: &&str| *day == word || word.strip_suffix('s') == Some(*day);
    WEEKDAYS.iter().position(whole).or_else(|| {
        SHORT
            .iter()
            .find(|(short, _)| *short == word)
            .map(|(_, day)| *day)
    })
}

const ANY_DAY: [&str; 11] = [
    "any day",
    "any time",
    "anytime",
    "as soon as",
    "soonest",
    "first available",
    "next available",
    "earliest you have",
    "earliest available",
    "whenever",
    "asap",
];

/// In days or weeks. Whoever says more has not said a day.
const FARTHEST: i64 = 60;

const WEEKDAYS: [&str; 7] = [
    "monday",
    "tuesday",
    "wednesday",
    "thursday",
    "friday",
    "saturday",
    "sunday",
];

/// "Sat" and "sun" are words of their own.
const SHORT: [(&str, usize); 11] = [
    ("mon", 0),
    ("tue", 1),
    ("tues", 1),
    ("chewsday", 1),
    ("wed", 2),
    ("weds", 2),
    ("wensday", 2),
    ("thu", 3),
    ("thur", 3),
    ("thurs", 3),
    ("fri", 4),
];

const TOMORROW: [&str; 5] = ["tomorrow", "tomorrow's", "tommorow", "tommorrow", "tomorow"];

const MONTHS: [&str; 12] = [
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
];

const ORDINALS: [&str; 20] = [
    "first",
    "second",
    "third",
    "fourth",
    "fifth",
    "sixth",
    "seventh",
    "eighth",
    "ninth",
    "tenth",
    "eleventh",
    "twelfth",
    "thirteenth",
    "fourteenth",
    "fifteenth",
    "sixteenth",
    "seventeenth",
    "eighteenth",
    "nineteenth",
    "twentieth",
];

const NUMBERS: [&str; 19] = [
    "one",
    "two",
    "three",
    "four",
    "five",
    "six",
    "seven",
    "eight",
    "nine",
    "ten",
    "eleven",
    "twelve",
    "thirteen",
    "fourteen",
    "fifteen",
    "sixteen",
    "seventeen",
    "eighteen",
    "nineteen",
];

#[cfg(test)]
mod tests {
    use super::*;

    fn tuesday() -> Date {
        Date::find("Today is Tuesday 2026-11-24. The time is 9 am.").expect("a date")
    }

    #[test]
    fn reads_days() {
        for (line, expected) in [
            ("today, please", Some("2026-11-24")),
            ("To-morrow.", Some("2026-11-25")),
            ("the day after tomorrow", Some("2026-11-26")),
            ("next Friday", Some("2026-12-04")),
            ("Friday afternoon", Some("2026-11-27")),
            ("Fri. would be good", Some("2026-11-27")),
            ("on Tues.", Some("2026-12-01")),
            ("this Tuesday", Some("2026-11-24")),
            ("Tuesday", Some("2026-12-01")),
            ("Wednesday next week", Some("2026-12-02")),
            ("next week on Thursday", Some("2026-12-03")),
            ("Friday week", Some("2026-12-04")),
            ("in two weeks", Some("2026-12-08")),
            ("in 3 days", Some("2026-11-27")),
            ("December 3rd", Some("2026-12-03")),
            ("the third of December", Some("2026-12-03")),
            ("3 December", Some("2026-12-03")),
            ("November twenty-seventh", Some("2026-11-27")),
            ("Tuesday, December first", Some("2026-12-01")),
            ("Thursday the 26th", Some("2026-11-26")),
            ("the 5th", Some("2026-12-05")),
            ("on the thirtieth", Some("2026-11-30")),
            ("January 31st", Some("2027-01-31")),
            ("November 31st", None),
            ("not Wednesday, Thursday", Some("2026-11-26")),
            ("the second one", None),
            ("the fourth time", None),
            ("at three", None),
            ("May I come in?", None),
            ("next week", None),
        ] {
            let day = Words::of(line).day(tuesday()).map(|date| date.to_string());
            assert_eq!(day.as_deref(), expected, "{line}");
        }
    }

    #[test]
    fn tells_several_days_apart() {
        let days = Words::of("Move it from Friday the 27th to Monday").days(tuesday());
        let dates: Vec<String> = days
            .iter()
            .map(|mention| mention.date.to_string())
            .collect();
        assert_eq!(dates, ["2026-11-27", "2026-11-30"]);
    }

    #[test]
    fn says_days() {
        let today = tuesday();
        let said = |days: i64| Date(today.0 + days).shortly(today);
        assert_eq!(
            [said(0), said(1), said(3), said(7)],
            ["today", "tomorrow", "on Friday", "on Tuesday, December 1"]
        );
        let leap = Date::find("2028-02-29").expect("a date");
        assert_eq!(
            (leap.to_string().as_str(), leap.exactly().as_str()),
            ("2028-02-29", "Tuesday, February 29")
        );
        assert_eq!(Date::find("2027-02-29"), None);
    }
}
