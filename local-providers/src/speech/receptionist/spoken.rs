//! Words as they are said: matching phrases, and reading days, times and names out of them.

use std::fmt;

/// A line in small letters without punctuation, for matching whole words.
#[derive(Clone, Debug, Default)]
pub(crate) struct Words {
    /// The line as it came, by word, without punctuation at the ends.
    written: Vec<String>,
    /// The same in small letters, with hyphens as spaces, between two spaces.
    plain: String,
}

impl Words {
    pub(crate) fn of(text: &str) -> Self {
        let text = text.replace('’', "'");
        let edge = |character: char| !character.is_alphanumeric() && character != '\'';
        let word = |word: &str| word.trim_matches(edge).to_owned();
        let written: Vec<String> = text
            .split([' ', '\n', '\t'])
            .map(word)
            .filter(|word| !word.is_empty())
            .collect();
        let plain = format!(" {} ", written.join(" ").to_lowercase().replace('-', " "));
        Self { written, plain }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.written.is_empty()
    }

    /// Whether a word or phrase is in it.
    pub(crate) fn contain(&self, phrase: &str) -> bool {
        self.plain
            .contains(&format!(" {} ", phrase.to_lowercase().replace('-', " ")))
    }

    fn plain(&self) -> Vec<&str> {
        self.plain.split_whitespace().collect()
    }

    /// A day it names.
    pub(crate) fn day(&self) -> Option<Day> {
        if self.contain("today") {
            return Some(Day::Today);
        }
        if self.contain("tomorrow") {
            return Some(Day::Tomorrow);
        }
        let weekday = |word: &&str| {
            WEEKDAYS
                .iter()
                .position(|day| *word == *day || word.strip_suffix('s') == Some(*day))
        };
        self.plain().iter().find_map(weekday).map(Day::Weekday)
    }

    /// A time it names. A bare number counts only where one was asked for: "a table for two" has none.
    pub(crate) fn time(&self, asked: bool) -> Option<Time> {
        let words = self.plain();
        if words.contains(&"noon") || words.contains(&"midday") {
            return Some(Time {
                hour: 12,
                minute: 0,
            });
        }
        let later = ["pm", "p.m", "afternoon", "evening"]
            .iter()
            .any(|word| words.contains(word));
        let earlier = ["am", "a.m", "morning", "o'clock"]
            .iter()
            .any(|word| words.contains(word));
        for (index, word) in words.iter().enumerate() {
            let before = index
                .checked_sub(1)
                .and_then(|before| words.get(before))
                .copied()
                .unwrap_or_default();
            let after = words.get(index + 1).copied().unwrap_or_default();
            let Some((hour, minute)) = clock(word) else {
                continue;
            };
            let named = asked
                || later
                || earlier
                || minute.is_some()
                || ["at", "around", "about", "past"].contains(&before);
            let from_words = if before == "past" && index >= 2 && words[index - 2] == "half" {
                Some(30)
            } else {
                minutes(after)
            };
            // "The second one" is a choice, not an hour.
            let alone = from_words.is_none()
                && minute.is_none()
                && !later
                && !earlier
                && before != "at"
                && words.len() > 1;
            let choice =
                *word == "one" && (alone || ["first", "second", "third", "last"].contains(&before));
            if !named || choice || !(1..=23).contains(&hour) {
                continue;
            }
            let minute = minute.or(from_words).unwrap_or(0);
            // A practice is not open at three in the night.
            let afternoon = hour < 12 && (later || (!earlier && hour < 7));
            return Some(Time {
                hour: if afternoon { hour + 12 } else { hour },
                minute,
            });
        }
        None
    }

    /// A name it gives: after "my name is" and the like, or, where one was asked for, the whole line.
    pub(crate) fn name(&self, asked: bool) -> Option<String> {
        let small: Vec<String> = self
            .written
            .iter()
            .map(|word| word.to_lowercase())
            .collect();
        let led = NAME_LEADS.iter().find_map(|lead| {
            let lead: Vec<&str> = lead.split(' ').collect();
            let at = small
                .windows(lead.len())
                .position(|window| window.iter().zip(&lead).all(|(a, b)| a == b))?;
            Some(at + lead.len())
        });
        let (first, sure) = match led {
            Some(first) => (first, true),
            None if asked => (0, false),
            None => return None,
        };
        let rest = self
            .written
            .iter()
            .skip(first)
            .skip_while(|word| FILLERS.contains(&word.to_lowercase().as_str()));
        let name: Vec<&String> = rest
            .take_while(|word| !NAME_STOPS.contains(&word.to_lowercase().as_str()))
            .take(3)
            .collect();
        // "I'm looking for …" is no name; names are written with a capital.
        let capital = |word: &&String| word.starts_with(char::is_uppercase);
        let plausible = !name.is_empty()
            && name.iter().all(|word| {
                word.chars()
                    .all(|c| c.is_alphabetic() || c == '\'' || c == '-')
            });
        let capitals = name.iter().all(capital);
        (plausible && (capitals || (sure && self.contain("name is")) || (asked && !sure))).then(
            || {
                name.iter()
                    .map(|word| capitalised(word))
                    .collect::<Vec<_>>()
                    .join(" ")
            },
        )
    }

    /// Which of several offered things it chooses.
    pub(crate) fn choice(&self, of: usize) -> Option<usize> {
        let chosen = ["first", "second", "third"]
            .iter()
            .position(|ordinal| self.contain(ordinal));
        chosen
            .or_else(|| self.contain("last one").then(|| of.checked_sub(1))?)
            .filter(|index| *index < of)
    }

    /// A telephone number: at least seven digits, said or written.
    pub(crate) fn phone(&self) -> Option<String> {
        let digits: String = self.plain().iter().flat_map(|word| digits(word)).collect();
        (digits.len() >= 7).then_some(digits)
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Day {
    Today,
    Tomorrow,
    /// From Monday, 0.
    Weekday(usize),
}

impl Day {
    /// The date, given today's.
    pub(crate) fn date(self, today: Date) -> Date {
        let ahead = match self {
            Self::Today => 0,
            Self::Tomorrow => 1,
            // The same weekday means in a week: today's would have been called today.
            Self::Weekday(day) => match (day + 7 - today.weekday()) % 7 {
                0 => 7,
                days => days,
            },
        };
        Date(today.0 + ahead as i64)
    }
}

impl fmt::Display for Day {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Today => formatter.write_str("today"),
            Self::Tomorrow => formatter.write_str("tomorrow"),
            Self::Weekday(day) => write!(formatter, "on {}", capitalised(WEEKDAYS[*day])),
        }
    }
}

/// Days since 1970-01-01.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Date(pub(crate) i64);

impl Date {
    /// The first date written `2026-11-24` in a text.
    pub(crate) fn find(text: &str) -> Option<Self> {
        text.split(|character: char| !character.is_ascii_digit() && character != '-')
            .find_map(Self::parse)
    }

    fn parse(word: &str) -> Option<Self> {
        let parts: Vec<&str> = word.split('-').collect();
        let [year, month, day] = parts[..] else {
            return None;
        };
        if year.len() != 4 || month.len() != 2 || day.len() != 2 {
            return None;
        }
        let (year, month, day): (i64, i64, i64) =
            (year.parse().ok()?, month.parse().ok()?, day.parse().ok()?);
        if !(1..=12).contains(&month) || !(1..=31).contains(&day) {
            return None;
        }
        // Years that begin in March end with the leap day.
        let year = if month <= 2 { year - 1 } else { year };
        let (era, year_of_era) = (year.div_euclid(400), year.rem_euclid(400));
        let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
        Some(Self(
            era * 146_097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year
                - 719_468,
        ))
    }

    /// From Monday, 0. The epoch was a Thursday.
    fn weekday(self) -> usize {
        (self.0 + 3).rem_euclid(7) as usize
    }
}

impl fmt::Display for Date {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let days = self.0 + 719_468;
        let (era, day_of_era) = (days.div_euclid(146_097), days.rem_euclid(146_097));
        let year_of_era =
            (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
        let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let shifted = (5 * day_of_year + 2) / 153;
        let day = day_of_year - (153 * shifted + 2) / 5 + 1;
        let month = if shifted < 10 {
            shifted + 3
        } else {
            shifted - 9
        };
        let year = year_of_era + era * 400 + i64::from(month <= 2);
        write!(formatter, "{year:04}-{month:02}-{day:02}")
    }
}

/// A time of day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Time {
    pub(crate) hour: u32,
    pub(crate) minute: u32,
}

impl Time {
    /// As a clock writes it: `09:30`.
    pub(crate) fn written(self) -> String {
        format!("{:02}:{:02}", self.hour, self.minute)
    }

    /// The first time written so in a text, also within `2026-11-24T09:30:00Z`.
    pub(crate) fn find(text: &str) -> Option<Self> {
        let bytes = text.as_bytes();
        bytes.windows(5).find_map(|window| {
            let digit = |index: usize| {
                window[index]
                    .is_ascii_digit()
                    .then(|| u32::from(window[index] - b'0'))
            };
            let time = Self {
                hour: digit(0)? * 10 + digit(1)?,
                minute: digit(3)? * 10 + digit(4)?,
            };
            (window[2] == b':' && time.hour < 24 && time.minute < 60).then_some(time)
        })
    }
}

impl fmt::Display for Time {
    /// As people say it: `ten thirty`.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let hour = HOURS[((self.hour + 11) % 12) as usize];
        match self.minute {
            0 => formatter.write_str(hour),
            minute => match MINUTES.iter().find(|(value, _)| *value == minute) {
                Some((_, word)) => write!(formatter, "{hour} {word}"),
                None => write!(formatter, "{hour} {minute:02}"),
            },
        }
    }
}

/// An hour, and the minute where the word holds one: `10`, `ten`, `10:30`, `10.30`.
fn clock(word: &str) -> Option<(u32, Option<u32>)> {
    if let Some(index) = HOURS.iter().position(|hour| *hour == word) {
        return Some((index as u32 + 1, None));
    }
    let word = word.trim_end_matches("am").trim_end_matches("pm");
    if let Some((hour, minute)) = word.split_once([':', '.']) {
        let minute: u32 = minute.parse().ok()?;
        return (minute < 60).then_some((hour.parse().ok()?, Some(minute)));
    }
    (word.len() <= 2)
        .then(|| word.parse().ok())
        .flatten()
        .map(|hour| (hour, None))
}

fn minutes(word: &str) -> Option<u32> {
    MINUTES
        .iter()
        .find(|(_, name)| *name == word)
        .map(|(value, _)| *value)
        .or_else(|| {
            let value = word.parse().ok().filter(|value| (10..60).contains(value));
            value.filter(|_| word.len() == 2)
        })
}

/// Digits of a word: `555`, `five`, `oh`.
fn digits(word: &str) -> Vec<char> {
    if let Some(index) = DIGITS.iter().position(|digit| *digit == word) {
        return char::from_digit(index as u32 % 10, 10)
            .into_iter()
            .collect();
    }
    let numeric = word
        .chars()
        .all(|character| character.is_ascii_digit() || "+().".contains(character));
    if numeric {
        word.chars().filter(char::is_ascii_digit).collect()
    } else {
        Vec::new()
    }
}

fn capitalised(word: &str) -> String {
    let mut characters = word.chars();
    characters
        .next()
        .map(|first| first.to_uppercase().chain(characters).collect())
        .unwrap_or_default()
}

const WEEKDAYS: [&str; 7] = [
    "monday",
    "tuesday",
    "wednesday",
    "thursday",
    "friday",
    "saturday",
    "sunday",
];

const HOURS: [&str; 12] = [
    "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven",
    "twelve",
];

const MINUTES: [(u32, &str); 6] = [
    (15, "fifteen"),
    (30, "thirty"),
    (45, "forty five"),
    (45, "forty"),
    (20, "twenty"),
    (10, "ten"),
];

const DIGITS: [&str; 11] = [
    "zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "oh",
];

const NAME_LEADS: [&str; 7] = [
    "my name is",
    "my name's",
    "name is",
    "this is",
    "i am",
    "i'm",
    "it's",
];

const FILLERS: [&str; 9] = [
    "it's", "its", "um", "uh", "yes", "sure", "okay", "the", "name's",
];

const NAME_STOPS: [&str; 10] = [
    "and", "at", "for", "from", "please", "speaking", "but", "thanks", "here", "on",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_times() {
        for (line, asked, expected) in [
            ("at ten", false, Some("10:00")),
            ("Half past two, please", true, Some("14:30")),
            ("ten thirty", true, Some("10:30")),
            ("10:15 works", false, Some("10:15")),
            ("3 pm", false, Some("15:00")),
            ("at nine in the morning", false, Some("09:00")),
            ("Noon.", false, Some("12:00")),
            ("a table for two", false, None),
            ("one", true, Some("13:00")),
            ("the second one", true, None),
            ("I have two children", false, None),
            ("the second one", false, None),
        ] {
            assert_eq!(
                Words::of(line).time(asked).map(Time::written).as_deref(),
                expected,
                "{line}"
            );
        }
    }

    #[test]
    fn reads_names() {
        for (line, asked, expected) in [
            ("My name is Sam Okafor", false, Some("Sam Okafor")),
            ("It's Anna Lee.", true, Some("Anna Lee")),
            ("anna", true, Some("Anna")),
            ("This is John and I need help", false, Some("John")),
            ("I'm looking for a dentist", false, None),
            ("I would like a cleaning", false, None),
        ] {
            assert_eq!(Words::of(line).name(asked).as_deref(), expected, "{line}");
        }
    }

    #[test]
    fn counts_days() {
        let today = Date::find("Today is 2026-11-24, a Tuesday.").expect("a date");
        assert_eq!(
            Words::of("next Friday")
                .day()
                .map(|day| day.date(today).to_string())
                .as_deref(),
            Some("2026-11-27")
        );
        assert_eq!(Day::Tomorrow.date(today).to_string(), "2026-11-25");
        assert_eq!(Day::Weekday(1).date(today).to_string(), "2026-12-01");
        assert_eq!(
            Date::find("2028-02-29")
                .map(|date| date.to_string())
                .as_deref(),
            Some("2028-02-29")
        );
    }

    #[test]
    fn says_times_and_reads_numbers() {
        assert_eq!(
            Time {
                hour: 14,
                minute: 15
            }
            .to_string(),
            "two fifteen"
        );
        assert_eq!(
            Time::find("2026-11-24T09:30:00Z")
                .map(Time::written)
                .as_deref(),
            Some("09:30")
        );
        assert_eq!(
            Words::of("It's five five five, oh one two 3")
                .phone()
                .as_deref(),
            Some("5550123")
        );
        assert_eq!(Words::of("I have 2 cats").phone(), None);
    }
}
