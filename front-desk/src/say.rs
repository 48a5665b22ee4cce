//! Days, times and lists in the words and digits that a voice reads correctly.

use jiff::civil::{Date, Weekday};

use crate::hours::{Interval, TimeOfDay};

/// `Tuesday, November 24`
#[must_use]
pub fn day(date: Date) -> String {
    format!(
        "{}, {} {}",
        weekday(date.weekday()),
        month(date),
        date.day()
    )
}

/// `3 pm`, `3:30 pm`, `12 noon`
#[must_use]
pub fn time(time: TimeOfDay) -> String {
    let (hour, half) = match time.hour() {
        0 | 24 => (12, "am"),
        hour @ 1..12 => (hour, "am"),
        12 => (12, "pm"),
        hour => (hour.saturating_sub(12), "pm"),
    };
    match (time.hour(), time.minute()) {
        (12, 0) => "12 noon".to_owned(),
        (0 | 24, 0) => "midnight".to_owned(),
        (_, 0) => format!("{hour} {half}"),
        (_, minute) => format!("{hour}:{minute:02} {half}"),
    }
}

/// `from nine to five`, as people say a working day, or `from 9:30 am to 7 pm`.
#[must_use]
pub fn interval(open: Interval) -> String {
    let (from, to) = (open.from, open.to);
    let plain = from.minute() == 0
        && to.minute() == 0
        && (6..12).contains(&from.hour())
        && (13..18).contains(&to.hour());
    if from == TimeOfDay::MIDNIGHT && to == TimeOfDay::END_OF_DAY {
        return "all day".to_owned();
    }
    match (hour(from), hour(to)) {
        (Some(from), Some(to)) if plain => format!("from {from} to {to}"),
        _ => format!("from {} to {}", time(from), time(to)),
    }
}

/// `from nine to twelve and from two to five`
#[must_use]
pub fn intervals(open: &[Interval]) -> String {
    let each: Vec<String> = open.iter().map(|open| interval(*open)).collect();
    list(&each, "and")
}

/// `30 minutes`, `one hour`, `one hour and 30 minutes`
#[must_use]
pub fn duration(minutes: u16) -> String {
    let hours = match minutes / 60 {
        0 => None,
        1 => Some("one hour".to_owned()),
        hours => Some(format!("{hours} hours")),
    };
    let rest = match minutes % 60 {
        0 => None,
        1 => Some("one minute".to_owned()),
        rest => Some(format!("{rest} minutes")),
    };
    let parts: Vec<String> = hours.into_iter().chain(rest).collect();
    list(&parts, "and")
}

/// `30 minutes`, `2 days`; odd hours of longer ones are left out.
#[must_use]
pub fn long_duration(minutes: u32) -> String {
    match (minutes / (24 * 60), u16::try_from(minutes)) {
        (0 | 1, Ok(minutes)) => duration(minutes),
        (days, _) => format!("{days} days"),
    }
}

/// `one, two or three`
#[must_use]
pub fn list(items: &[String], last: &str) -> String {
    match items {
        [] => String::new(),
        [only] => only.clone(),
        [first @ .., end] => format!("{} {last} {end}", first.join(", ")),
    }
}

#[must_use]
pub const fn weekday(day: Weekday) -> &'static str {
    match day {
        Weekday::Monday => "Monday",
        Weekday::Tuesday => "Tuesday",
        Weekday::Wednesday => "Wednesday",
        Weekday::Thursday => "Thursday",
        Weekday::Friday => "Friday",
        Weekday::Saturday => "Saturday",
        Weekday::Sunday => "Sunday",
    }
}

fn month(date: Date) -> &'static str {
    let index = usize::try_from(date.month())
        .unwrap_or_default()
        .saturating_sub(1);
    MONTHS.get(index).copied().unwrap_or_default()
}

fn hour(time: TimeOfDay) -> Option<&'static str> {
    let index = usize::from(time.hour()).checked_sub(1)?.checked_rem(12)?;
    HOURS.get(index).copied()
}

const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];

const HOURS: [&str; 12] = [
    "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven",
    "twelve",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_said() {
        for (written, said) in [
            ("00:00", "midnight"),
            ("00:30", "12:30 am"),
            ("09:00", "9 am"),
            ("12:00", "12 noon"),
            ("12:05", "12:05 pm"),
            ("15:30", "3:30 pm"),
            ("24:00", "midnight"),
        ] {
            assert_eq!(time(written.parse().unwrap()), said);
        }
    }

    #[test]
    fn hours_are_said() {
        let open = |from: &str, to: &str| Interval {
            from: from.parse().unwrap(),
            to: to.parse().unwrap(),
        };
        for (spans, said) in [
            (vec![open("09:00", "17:00")], "from nine to five"),
            (vec![open("09:30", "17:00")], "from 9:30 am to 5 pm"),
            (
                vec![open("08:00", "12:00"), open("14:00", "18:00")],
                "from 8 am to 12 noon and from 2 pm to 6 pm",
            ),
            (vec![open("00:00", "24:00")], "all day"),
            (vec![open("18:00", "24:00")], "from 6 pm to midnight"),
        ] {
            assert_eq!(intervals(&spans), said);
        }
    }

    #[test]
    fn days_and_lengths_are_said() {
        assert_eq!(day("2026-11-24".parse().unwrap()), "Tuesday, November 24");
        for (minutes, said) in [
            (30, "30 minutes"),
            (60, "one hour"),
            (61, "one hour and one minute"),
            (150, "2 hours and 30 minutes"),
        ] {
            assert_eq!(duration(minutes), said);
        }
    }
}
