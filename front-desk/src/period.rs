//! Ranges of local days, for figures: their instants, the range before, and their days and weeks. A day has 23 or 25 hours when the clocks change.

use jiff::civil::Date;

use crate::zone::{Zone, days_between, plus_days};

/// From a day until another, both part of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Range {
    from: Date,
    to: Date,
}

/// Why two days are no range, by the field that is wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RangeError {
    #[error("from must be a day such as 2026-11-24")]
    From,
    #[error("to must be a day such as 2026-11-24")]
    To,
    #[error("to must not be before from")]
    Backwards,
    #[error("a range has at most {LONGEST} days")]
    TooLong,
}

impl Range {
    /// These days and all between.
    pub fn new(from: Date, to: Date) -> Result<Self, RangeError> {
        if to < from {
            return Err(RangeError::Backwards);
        }
        if days_between(from, to) >= LONGEST {
            return Err(RangeError::TooLong);
        }
        Ok(Self { from, to })
    }

    /// Reads two days as `YYYY-MM-DD`.
    pub fn parse(from: &str, to: &str) -> Result<Self, RangeError> {
        let from = date(from).ok_or(RangeError::From)?;
        let to = date(to).ok_or(RangeError::To)?;
        Self::new(from, to)
    }

    /// The last so many days (at least one), `today` among them.
    #[must_use]
    pub fn last(days: u16, today: Date) -> Self {
        let days = i32::from(days).clamp(1, LONGEST);
        Self {
            from: plus_days(today, 1_i32.saturating_sub(days)),
            to: today,
        }
    }

    #[must_use]
    pub const fn from(self) -> Date {
        self.from
    }

    #[must_use]
    pub const fn to(self) -> Date {
        self.to
    }

    /// How many days.
    #[must_use]
    pub fn length(self) -> i32 {
        days_between(self.from, self.to).saturating_add(1)
    }

    /// The instants of these days, half-open.
    #[must_use]
    pub fn bounds(self, zone: &Zone) -> (i64, i64) {
        (
            zone.start_of(self.from),
            zone.start_of(plus_days(self.to, 1)),
        )
    }

    /// As many days, up to the day before this begins.
    #[must_use]
    pub fn previous(self) -> Self {
        Self {
            from: plus_days(self.from, self.length().saturating_neg()),
            to: plus_days(self.from, -1),
        }
    }

    /// Its days, in order.
    pub fn days(self) -> impl Iterator<Item = Date> {
        (0..self.length()).map(move |ahead| plus_days(self.from, ahead))
    }

    /// Its weeks, from Monday to Sunday; the first and the last as far as they are in it.
    #[must_use]
    pub fn weeks(self) -> Vec<Self> {
        let mut weeks = Vec::new();
        let mut from = self.from;
        while from <= self.to {
            let left = i32::from(from.weekday().to_monday_zero_offset());
            let sunday = plus_days(from, 6_i32.saturating_sub(left));
            let to = sunday.min(self.to);
            weeks.push(Self { from, to });
            let next = plus_days(to, 1);
            // At the calendar's end there is no next day.
            if next <= from {
                break;
            }
            from = next;
        }
        weeks
    }
}

/// Ten years would fill a chart with more points than it has pixels; a year and its leap day fit, for figures of one.
pub const LONGEST: i32 = 366;

/// `YYYY-MM-DD` and nothing else.
#[must_use]
pub fn date(text: &str) -> Option<Date> {
    let plain = text.len() == 10
        && text
            .bytes()
            .all(|byte| byte.is_ascii_digit() || byte == b'-');
    plain.then(|| text.parse().ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: i64 = 60 * 60 * 1000;

    fn range(from: &str, to: &str) -> Range {
        Range::parse(from, to).unwrap()
    }

    #[test]
    fn what_is_no_range_is_refused_by_its_field() {
        for (from, to, error) in [
            ("", "2026-11-24", RangeError::From),
            ("2026-11-24T00:00", "2026-11-24", RangeError::From),
            ("2026-02-29", "2026-11-24", RangeError::From),
            ("2026-11-24", "tomorrow", RangeError::To),
            ("2026-11-24", "2026-11-23", RangeError::Backwards),
            ("2025-11-24", "2026-11-25", RangeError::TooLong),
        ] {
            assert_eq!(Range::parse(from, to), Err(error), "{from} {to}");
        }
        assert_eq!(range("2025-11-24", "2026-11-24").length(), 366);
    }

    #[test]
    fn days_have_the_length_that_clocks_give_them() {
        for (zone, day, hours) in [
            ("America/New_York", "2026-03-08", 23),
            ("America/New_York", "2026-11-01", 25),
            ("Europe/London", "2026-03-29", 23),
            ("Australia/Sydney", "2026-04-05", 25),
            ("Asia/Kathmandu", "2026-03-29", 24),
            // The clocks jump from midnight to one.
            ("Asia/Beirut", "2026-03-29", 23),
        ] {
            let zone = Zone::parse(zone).unwrap();
            let (from, to) = range(day, day).bounds(&zone);
            assert_eq!(to - from, hours * HOUR, "{zone} {day}");
            assert_eq!(zone.today(from).to_string(), day);
            assert_ne!(zone.today(from - 1).to_string(), day);
        }
    }

    #[test]
    fn the_range_before_joins_on() {
        let november = range("2026-11-01", "2026-11-30");
        assert_eq!(november.previous(), range("2026-10-02", "2026-10-31"));
        let zone = Zone::parse("America/New_York").unwrap();
        assert_eq!(
            november.previous().bounds(&zone).1,
            november.bounds(&zone).0
        );
        assert_eq!(
            Range::last(7, "2026-11-23".parse().unwrap()),
            range("2026-11-17", "2026-11-23")
        );
    }

    #[test]
    fn weeks_cover_the_range_once() {
        let november = range("2026-11-01", "2026-11-30");
        let weeks = november.weeks();
        let shown: Vec<String> = weeks
            .iter()
            .map(|week| format!("{}..{}", week.from(), week.to()))
            .collect();
        assert_eq!(
            shown,
            [
                "2026-11-01..2026-11-01",
                "2026-11-02..2026-11-08",
                "2026-11-09..2026-11-15",
                "2026-11-16..2026-11-22",
                "2026-11-23..2026-11-29",
                "2026-11-30..2026-11-30"
            ]
        );
        let days: Vec<Date> = weeks.into_iter().flat_map(Range::days).collect();
        assert_eq!(days, november.days().collect::<Vec<_>>());
        let end = Range::new(Date::MAX, Date::MAX).unwrap();
        assert_eq!(end.weeks(), [end]);
    }
}
