//! Times of day and parts of a day, as callers say them and recognisers write them.

use std::fmt;

use super::Words;

/// A time of day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Time {
    pub(crate) hour: u32,
    pub(crate) minute: u32,
}

/// A part of a day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Part {
    Morning,
    Afternoon,
    Evening,
}

impl Part {
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Morning => "morning",
            Self::Afternoon => "afternoon",
            Self::Evening => "evening",
        }
    }

    pub(crate) const fn holds(self, time: Time) -> bool {
        match self {
            Self::Morning => time.hour < 12,
            Self::Afternoon => time.hour >= 12 && time.hour < 17,
            Self::Evening => time.hour >= 17,
        }
    }
}

impl Time {
    /// As a clock writes it: `09:30`.
    pub(crate) fn written(self) -> String {
        format!("{:02}:{:02}", self.hour, self.minute)
    }

    /// `2:30 pm`, for when it must not be taken for another.
    pub(crate) fn exactly(self) -> String {
        let hour = (self.hour + 11) % 12 + 1;
        let half = if self.hour < 12 { "am" } else { "pm" };
        match self.minute {
            0 => format!("{hour} {half}"),
            minute => format!("{hour}:{minute:02} {half}"),
        }
    }

    /// A time written `09:30`.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let (hour, minute) = text.split_once(':')?;
        let time = Self {
            hour: hour.parse().ok()?,
            minute: minute.parse().ok()?,
        };
        (time.hour < 24 && time.minute < 60).then_some(time)
    }

    /// An hour before or after, within the day.
    pub(crate) const fn moved(self, later: bool) -> Self {
        let hour = match (later, self.hour) {
            (true, 23) | (false, 0) => self.hour,
            (true, hour) => hour + 1,
            (false, hour) => hour - 1,
        };
        Self { hour, ..self }
    }

    /// The same on the clock's face in the other half of the day.
    const fn opposite(self) -> Self {
        Self {
            hour: (self.hour + 12) % 24,
            ..self
        }
    }
}

impl fmt::Display for Time {
    /// As people say it: `ten thirty`.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let hour = HOURS[((self.hour + 11) % 12) as usize];
        match self.minute {
            0 => formatter.write_str(hour),
            minute @ 1..10 => write!(formatter, "{hour} oh {}", HOURS[minute as usize - 1]),
            minute => match MINUTES.iter().find(|(value, _)| *value == minute) {
                Some((_, word)) => write!(formatter, "{hour} {word}"),
                None => write!(formatter, "{hour} {minute}"),
            },
        }
    }
}

impl Words {
    /// The part of a day it names. "Good morning" names none.
    pub(crate) fn part(&self) -> Option<Part> {
        let words = self.without_greeting();
        let has = |names: &[&str]| words.iter().any(|word| names.contains(word));
        if has(&["evening", "evenings", "tonight"]) || self.contain("after work") {
            Some(Part::Evening)
        } else if has(&["afternoon", "afternoons"]) || self.contain("after lunch") {
            Some(Part::Afternoon)
        } else {
            has(&["morning", "mornings"]).then_some(Part::Morning)
        }
    }

    /// A time it names. A bare number counts only where one was asked for: "a table for two" has none. Of the two hours that a
    /// number may mean, one that is offered is meant.
    pub(crate) fn time(&self, asked: bool, offered: &[Time]) -> Option<Time> {
        let words = self.without_greeting();
        let days: Vec<bool> = self.words_of_days();
        if words.contains(&"noon") || words.contains(&"midday") {
            return Some(Time {
                hour: 12,
                minute: 0,
            });
        }
        let offset = self.plain().len() - words.len();
        let is_day = |index: usize| days.get(index + offset) == Some(&true);
        (0..words.len())
            .filter(|index| !is_day(*index))
            .find_map(|index| self.time_at(&words, index, asked, offered))
    }

    fn time_at(&self, words: &[&str], index: usize, asked: bool, offered: &[Time]) -> Option<Time> {
        let Reading {
            hour,
            minute,
            end,
            sure,
            half,
        } = relative(words, index).or_else(|| plain(words, index))?;
        let before = index
            .checked_sub(1)
            .and_then(|before| words.get(before))
            .copied()
            .unwrap_or_default();
        let part = self.part();
        let named = sure
            || asked
            || half.is_some()
            || part.is_some() && words.len() < 6
            || ["at", "around", "about", "by", "past", "until"].contains(&before);
        // "The second one" is a choice, "that one" too.
        let is_alone = words.iter().all(|word| ALONE.contains(word));
        let is_bare = !sure && half.is_none() && !["at", "around", "about"].contains(&before);
        let is_pronoun =
            words[index] == "one" && (CHOSEN.contains(&before) || (is_bare && !is_alone));
        // "Three days", "two children".
        let counts = words.get(end).is_some_and(|after| COUNTED.contains(after));
        if !named || is_pronoun || counts || hour > 23 || (hour == 0 && !sure) {
            return None;
        }
        let time = Time { hour, minute };
        // A clock of 24 hours needs no more.
        if hour > 12 || hour == 0 {
            return Some(time);
        }
        let half = half.or(match part {
            Some(Part::Morning) => Some(false),
            Some(Part::Afternoon) => Some(true),
            Some(Part::Evening) => Some(true),
            None => None,
        });
        let on_face = Time {
            hour: hour % 12,
            minute,
        };
        Some(match half {
            Some(true) => on_face.opposite(),
            Some(false) => on_face,
            // Few businesses are open at three in the night.
            None => {
                let usual = if hour == 12 || hour < 7 {
                    on_face.opposite()
                } else {
                    on_face
                };
                let meant = offered.contains(&usual.opposite()) && !offered.contains(&usual);
                if meant { usual.opposite() } else { usual }
            }
        })
    }

    fn without_greeting(&self) -> Vec<&str> {
        let words = self.plain();
        let greeting = words
            .windows(2)
            .take(3)
            .position(|pair| pair[0] == "good" && PARTS.contains(&pair[1]));
        match greeting {
            Some(at) => words[at + 2..].to_vec(),
            None => words,
        }
    }
}

/// A time as it was read, before it is clear which half of the day is meant.
struct Reading {
    hour: u32,
    minute: u32,
    /// The word after it.
    end: usize,
    /// Nothing else is said so.
    sure: bool,
    /// Whether it is after noon, where that was said with it.
    half: Option<bool>,
}

/// `half past three`, `quarter to five`, `ten past two`
fn relative(words: &[&str], index: usize) -> Option<Reading> {
    let (minutes, next) = match words[index] {
        "half" => (30, index + 1),
        "quarter" => (15, index + 1),
        "five" => (5, index + 1),
        "ten" => (10, index + 1),
        "twenty" if words.get(index + 1) == Some(&"five") => (25, index + 2),
        "twenty" => (20, index + 1),
        _ => return None,
    };
    let link = words.get(next).copied().unwrap_or_default();
    let (before, at) = match link {
        "past" | "after" => (false, next + 1),
        "to" | "till" | "before" | "of" if minutes != 30 => (true, next + 1),
        // "Half three".
        _ if minutes == 30 => (false, next),
        _ => return None,
    };
    let Some((hour @ 1..=12, None, _)) = clock(words.get(at)?) else {
        return None;
    };
    let (end, half) = half_of_day(words, at + 1);
    let (hour, minute) = match before {
        true => ((hour + 10) % 12 + 1, 60 - minutes),
        false => (hour, minutes),
    };
    Some(Reading {
        hour,
        minute,
        end,
        sure: true,
        half,
    })
}

/// `ten`, `ten thirty`, `3 pm`, `10:15`, `two o'clock`
fn plain(words: &[&str], index: usize) -> Option<Reading> {
    let (hour, minute, half) = clock(words[index])?;
    let mut end = index + 1;
    let mut sure = minute.is_some();
    let minute = minute.or_else(|| {
        let (minute, after) = minutes(words, end)?;
        (end, sure) = (after, true);
        Some(minute)
    });
    if let Some(after) = oclock(words, end) {
        (end, sure) = (after, true);
    }
    let (end, later) = half_of_day(words, end);
    Some(Reading {
        hour,
        minute: minute.unwrap_or(0),
        end,
        sure,
        half: half.or(later),
    })
}

fn oclock(words: &[&str], at: usize) -> Option<usize> {
    match (words.get(at)?, words.get(at + 1)) {
        (&"o'clock" | &"oclock" | &"sharp" | &"ish", _) => Some(at + 1),
        (&"o", Some(&"clock")) => Some(at + 2),
        _ => None,
    }
}

/// Whether what stands here says after noon or before.
fn half_of_day(words: &[&str], at: usize) -> (usize, Option<bool>) {
    let word = |index: usize| words.get(index).copied().unwrap_or_default();
    match (word(at), word(at + 1)) {
        ("pm" | "p.m", _) => (at + 1, Some(true)),
        ("am" | "a.m", _) => (at + 1, Some(false)),
        ("p", "m") => (at + 2, Some(true)),
        ("a", "m") => (at + 2, Some(false)),
        _ => (at, None),
    }
}

/// An hour; the minute and the half of the day where the word holds them: `10`, `ten`, `10:30`, `10.30`, `3pm`.
fn clock(word: &str) -> Option<(u32, Option<u32>, Option<bool>)> {
    if let Some(index) = HOURS.iter().position(|hour| *hour == word) {
        return Some((index as u32 + 1, None, None));
    }
    let (figures, half) = match word.trim_end_matches('.') {
        text if text.ends_with("am") => (text.trim_end_matches("am"), Some(false)),
        text if text.ends_with("pm") => (text.trim_end_matches("pm"), Some(true)),
        text => (text, None),
    };
    if let Some((hour, minute)) = figures.split_once([':', '.']) {
        let minute: u32 = minute.parse().ok()?;
        let is_minute = minute < 60;
        return is_minute.then_some((hour.parse().ok()?, Some(minute), half));
    }
    (figures.len() <= 2)
        .then(|| figures.parse().ok())
        .flatten()
        .map(|hour| (hour, None, half))
}

/// Minutes after an hour: `thirty`, `forty five`, `oh five`, `30`.
fn minutes(words: &[&str], at: usize) -> Option<(u32, usize)> {
    let word = words.get(at)?;
    let unit = |index: usize| {
        let position = |word: &&str| HOURS.iter().take(9).position(|unit| unit == word);
        words
            .get(index)
            .and_then(position)
            .map(|unit| unit as u32 + 1)
    };
    if ["oh", "o"].contains(word) {
        return unit(at + 1).map(|unit| (unit, at + 2));
    }
    if let Some((value, _)) = MINUTES.iter().find(|(_, name)| name == word) {
        // "Two ten" is a time, "between two and ten" has another word between.
        return match unit(at + 1).filter(|_| *value >= 20 && value % 10 == 0) {
            Some(unit) => Some((value + unit, at + 2)),
            None => Some((*value, at + 1)),
        };
    }
    let value = word.parse().ok().filter(|value| (10..60).contains(value));
    value
        .filter(|_| word.len() == 2)
        .map(|value| (value, at + 1))
}

const HOURS: [&str; 12] = [
    "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven",
    "twelve",
];

const MINUTES: [(u32, &str); 9] = [
    (10, "ten"),
    (15, "fifteen"),
    (20, "twenty"),
    (30, "thirty"),
    (40, "forty"),
    (45, "forty five"),
    (50, "fifty"),
    (55, "fifty five"),
    (35, "thirty five"),
];

const PARTS: [&str; 3] = ["morning", "afternoon", "evening"];

/// With these, "one" is still an hour.
const ALONE: [&str; 5] = ["one", "please", "uh", "um", "yes"];

/// Behind these, "one" is none.
const CHOSEN: [&str; 11] = [
    "earlier", "first", "last", "later", "middle", "other", "second", "that", "third", "this",
    "which",
];

/// What a number before it counts, so that it is no hour.
const COUNTED: [&str; 9] = [
    "child", "children", "day", "days", "hours", "kids", "minutes", "people", "weeks",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_times() {
        for (line, asked, expected) in [
            ("at ten", false, Some("10:00")),
            ("Half past two, please", true, Some("14:30")),
            ("half three", true, Some("15:30")),
            ("quarter past nine", false, Some("09:15")),
            ("A quarter to five.", false, Some("16:45")),
            ("ten to one", true, Some("12:50")),
            ("twenty five past two", true, Some("14:25")),
            ("ten thirty", true, Some("10:30")),
            ("three forty five", true, Some("15:45")),
            ("two oh five", true, Some("14:05")),
            ("10:15 works", false, Some("10:15")),
            ("2.30 would be good", true, Some("14:30")),
            ("3 pm", false, Some("15:00")),
            ("3 p.m. please", false, Some("15:00")),
            ("3pm", false, Some("15:00")),
            ("Two o'clock.", false, Some("14:00")),
            ("2 o'clock", false, Some("14:00")),
            ("two o clock", false, Some("14:00")),
            ("15:30", false, Some("15:30")),
            ("at nine in the morning", false, Some("09:00")),
            ("at eight in the evening", false, Some("20:00")),
            ("twelve", true, Some("12:00")),
            ("12:30", true, Some("12:30")),
            ("Noon.", false, Some("12:00")),
            ("Good morning, at two", false, Some("14:00")),
            ("on November 24 at two", true, Some("14:00")),
            ("a table for two", false, None),
            ("one", true, Some("13:00")),
            ("one o'clock", true, Some("13:00")),
            ("the second one", true, None),
            ("The second one, ten thirty.", true, Some("10:30")),
            ("I have two children", true, None),
            ("in three days", true, None),
            ("on the 24th", true, None),
            ("I am here", true, None),
        ] {
            let time = Words::of(line).time(asked, &[]);
            assert_eq!(time.map(Time::written).as_deref(), expected, "{line}");
        }
    }

    #[test]
    fn an_hour_that_is_offered_is_meant() {
        let evening = [Time {
            hour: 19,
            minute: 30,
        }];
        let time = |line: &str| Words::of(line).time(true, &evening).map(Time::written);
        assert_eq!(time("seven thirty").as_deref(), Some("19:30"));
        assert_eq!(time("7:30 am").as_deref(), Some("07:30"));
        assert_eq!(time("eight").as_deref(), Some("08:00"));
    }

    #[test]
    fn reads_parts_of_a_day() {
        for (line, expected) in [
            ("Tuesday afternoon", Some(Part::Afternoon)),
            ("in the mornings", Some(Part::Morning)),
            ("sometime after work", Some(Part::Evening)),
            ("Good morning, on Tuesday please", None),
            ("Good morning, Tuesday evening please", Some(Part::Evening)),
        ] {
            assert_eq!(Words::of(line).part(), expected, "{line}");
        }
    }

    #[test]
    fn says_times() {
        for (written, said, exactly) in [
            ("14:15", "two fifteen", "2:15 pm"),
            ("09:00", "nine", "9 am"),
            ("12:00", "twelve", "12 pm"),
            ("15:05", "three oh five", "3:05 pm"),
            ("16:45", "four forty five", "4:45 pm"),
        ] {
            let time = Time::parse(written).expect("a time");
            assert_eq!(
                (time.to_string().as_str(), time.exactly().as_str()),
                (said, exactly)
            );
        }
        assert_eq!(Time::parse("24:00"), None);
    }
}
