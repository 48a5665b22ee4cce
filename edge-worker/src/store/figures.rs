//! What the days add up to. Reads the days' own rows, never calls or turns, so that an answer costs the same whatever happened on them.

use std::collections::BTreeMap;

use front_desk::Date;
use serde::Deserialize;

use super::database::rows_of;
use super::percentile::of_buckets;
use super::{Database, Query, StoreError};

/// Days from one to another, both counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Days {
    pub first: Date,
    pub last: Date,
}

/// What happened in a range of days.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Figures {
    pub tally: Tally,
    /// Voice to voice, to the width of a bucket. None without a reply.
    pub median_ms: Option<u32>,
    pub p95_ms: Option<u32>,
}

/// Sums of a range of days.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct Tally {
    pub calls: i64,
    pub phone_calls: i64,
    pub call_ms: i64,
    pub turns: i64,
    /// Turns whose voice to voice was measured.
    pub replies: i64,
    /// Those below half a second.
    pub fast_replies: i64,
    pub interruptions: i64,
    pub messages: i64,
    /// Made in calls, and not cancelled since.
    pub bookings: i64,
    pub revenue: i64,
    pub staff_bookings: i64,
    pub staff_revenue: i64,
    pub recogniser_ms: i64,
    pub tokens_in: i64,
    pub tokens_out: i64,
    pub characters: i64,
}

/// How long the parts of a series are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    Day,
    /// From Monday to Sunday. The first and the last may be cut short by the range.
    Week,
}

/// One part of a series.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Point {
    /// The day, or the week's Monday.
    pub start: Date,
    pub figures: Figures,
}

/// What a range of days came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    pub figures: Figures,
    /// Those of another range, to compare with.
    pub previous: Figures,
    /// Each part of the range. One in which nothing happened is there, with zeros.
    pub series: Vec<Point>,
}

/// The figures of a range, whole and by its parts, and of the one before it. Of a range longer than a year the last year is taken.
pub async fn report(
    db: &impl Database,
    site: &str,
    (days, previous): (Days, Days),
    step: Step,
) -> Result<Report, StoreError> {
    let (days, previous) = (days.bounded(), previous.bounded());
    let answers = db.batch(vec![query(site, days), query(site, previous)]);
    let answers = answers.await?;
    let read = |at: usize| -> Result<Vec<Day>, StoreError> {
        rows_of(&answers, at)?.into_iter().map(Day::read).collect()
    };
    let (rows, before) = (read(0)?, read(1)?);
    Ok(Report {
        figures: Sum::of(&rows).figures(),
        previous: Sum::of(&before).figures(),
        series: series(&rows, days, step),
    })
}

fn series(rows: &[Day], days: Days, step: Step) -> Vec<Point> {
    let mut parts = BTreeMap::new();
    let mut day = days.first;
    while day <= days.last {
        parts.entry(step.start_of(day)).or_insert_with(Sum::default);
        let Ok(next) = day.tomorrow() else { break };
        day = next;
    }
    for row in rows {
        if let Some(sum) = parts.get_mut(&step.start_of(row.day)) {
            sum.add(row);
        }
    }
    let point = |(start, sum): (Date, Sum)| Point {
        start,
        figures: sum.figures(),
    };
    parts.into_iter().map(point).collect()
}

impl Days {
    /// At most [`MOST_DAYS`], the last ones.
    fn bounded(self) -> Self {
        let earliest = front_desk::zone::plus_days(self.last, 1_i32.saturating_sub(MOST_DAYS));
        Self {
            first: self.first.max(earliest),
            last: self.last,
        }
    }
}

impl Step {
    /// The first day of the part that a day is in.
    #[must_use]
    pub fn start_of(self, day: Date) -> Date {
        match self {
            Self::Day => day,
            Self::Week => {
                let since = i32::from(day.weekday().to_monday_zero_offset());
                front_desk::zone::plus_days(day, 0_i32.saturating_sub(since))
            }
        }
    }
}

/// What is added up.
#[derive(Default)]
struct Sum {
    tally: Tally,
    latencies: Vec<u64>,
}

impl Sum {
    fn of(days: &[Day]) -> Self {
        let mut sum = Self::default();
        for day in days {
            sum.add(day);
        }
        sum
    }

    fn add(&mut self, day: &Day) {
        self.tally.add(&day.tally);
        if self.latencies.len() < day.latencies.len() {
            self.latencies.resize(day.latencies.len(), 0);
        }
        for (sum, count) in self.latencies.iter_mut().zip(&day.latencies) {
            *sum = sum.saturating_add(*count);
        }
    }

    fn figures(&self) -> Figures {
        Figures {
            tally: self.tally,
            median_ms: of_buckets(&self.latencies, 50),
            p95_ms: of_buckets(&self.latencies, 95),
        }
    }
}

impl Tally {
    fn add(&mut self, other: &Self) {
        let Self {
            calls,
            phone_calls,
            call_ms,
            turns,
            replies,
            fast_replies,
            interruptions,
            messages,
            bookings,
            revenue,
            staff_bookings,
            staff_revenue,
            recogniser_ms,
            tokens_in,
            tokens_out,
            characters,
        } = self;
        for (sum, part) in [
            (calls, other.calls),
            (phone_calls, other.phone_calls),
            (call_ms, other.call_ms),
            (turns, other.turns),
            (replies, other.replies),
            (fast_replies, other.fast_replies),
            (interruptions, other.interruptions),
            (messages, other.messages),
            (bookings, other.bookings),
            (revenue, other.revenue),
            (staff_bookings, other.staff_bookings),
            (staff_revenue, other.staff_revenue),
            (recogniser_ms, other.recogniser_ms),
            (tokens_in, other.tokens_in),
            (tokens_out, other.tokens_out),
            (characters, other.characters),
        ] {
            *sum = sum.saturating_add(part);
        }
    }
}

/// A day as it is read.
#[derive(Deserialize)]
struct Row {
    day: Date,
    #[serde(flatten)]
    tally: Tally,
    latencies: String,
}

/// A day with its replies counted by how soon they came.
struct Day {
    day: Date,
    tally: Tally,
    latencies: Vec<u64>,
}

impl Day {
    fn read(row: Row) -> Result<Self, StoreError> {
        Ok(Self {
            day: row.day,
            tally: row.tally,
            latencies: serde_json::from_str(&row.latencies)
                .map_err(|error| StoreError::Database(error.to_string()))?,
        })
    }
}

fn query(site: &str, days: Days) -> Query {
    Query::new(DAYS)
        .bind(site)
        .bind(days.first.to_string())
        .bind(days.last.to_string())
}

/// A leap year.
const MOST_DAYS: i32 = 366;

const DAYS: &str = "SELECT day, calls, phone_calls, call_ms, turns, replies, fast_replies, interruptions, messages, bookings, revenue, \
    staff_bookings, staff_revenue, recogniser_ms, tokens_in, tokens_out, characters, latencies FROM days \
    WHERE site = ?1 AND day BETWEEN ?2 AND ?3 ORDER BY day LIMIT 366";

#[cfg(test)]
mod tests {
    use voice_core::latency::TurnOutcome;

    use super::*;
    use crate::store::booking::tests::{HOUR, SITE, new_booking, request};
    use crate::store::percentile::nearest_rank;
    use crate::store::record::tests::{record, turn};
    use crate::store::record::{CallRecord, Door, deliver};
    use crate::store::sqlite::{NOW, Sqlite, now};
    use crate::store::{booking, message};

    fn day(text: &str) -> Date {
        text.parse().unwrap()
    }

    fn days(first: &str, last: &str) -> Days {
        Days {
            first: day(first),
            last: day(last),
        }
    }

    /// Calls on every second day of November, with latencies that grow with the day.
    fn month() -> (Sqlite, Vec<CallRecord>) {
        let db = Sqlite::with_practice();
        let mut calls = Vec::new();
        for n in 1..=14_u32 {
            for call in 0..n % 4 {
                let latencies = (1..=5).map(|t| (t != 1).then_some(100 * t + 37 * n + call * 211));
                let outcomes = [TurnOutcome::Completed, TurnOutcome::Interrupted];
                let turns = (1..)
                    .zip(latencies)
                    .map(|(t, latency)| turn(t, latency, outcomes[(t as usize + n as usize) % 2]));
                let call = CallRecord {
                    day: format!("2025-11-{:02}", n * 2),
                    door: if call % 2 == 0 {
                        Door::Phone
                    } else {
                        Door::Browser
                    },
                    ..record(
                        &format!("c{n}-{call}"),
                        NOW + i64::from(n) * 48 * HOUR,
                        turns.collect(),
                    )
                };
                now(deliver(&db, &call)).unwrap();
                calls.push(call);
            }
        }
        (db, calls)
    }

    /// The same from the records themselves.
    fn naive(calls: &[CallRecord], range: Days) -> (Tally, Vec<u32>) {
        let mut tally = Tally::default();
        let mut latencies = Vec::new();
        for call in calls
            .iter()
            .filter(|call| range.first <= day(&call.day) && day(&call.day) <= range.last)
        {
            tally.calls += 1;
            tally.phone_calls += i64::from(call.door == Door::Phone);
            tally.call_ms += call.ended_at - call.started_at;
            tally.recogniser_ms += call.usage.recogniser_ms;
            tally.tokens_in += call.usage.tokens_in;
            tally.tokens_out += call.usage.tokens_out;
            tally.characters += call.usage.characters;
            for turn in &call.turns {
                tally.turns += 1;
                tally.interruptions += i64::from(turn.report.outcome == TurnOutcome::Interrupted);
                if let Some(latency) = turn.report.voice_to_voice_ms {
                    tally.replies += 1;
                    tally.fast_replies += i64::from(latency < 500);
                    latencies.push(latency);
                }
            }
        }
        (tally, latencies)
    }

    /// A percentile is known to its bucket.
    #[track_caller]
    fn assert_close(figure: Option<u32>, exact: Option<u32>) {
        let width = if exact < Some(2_000) { 20 } else { 200 };
        match (figure, exact) {
            (None, None) => {}
            (Some(figure), Some(exact)) => {
                assert!(figure.abs_diff(exact) < width, "{figure} is not {exact}");
            }
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn figures_are_those_of_a_naive_computation() {
        let (db, calls) = month();
        for (first, last) in [
            ("2025-11-01", "2025-11-30"),
            ("2025-11-06", "2025-11-06"),
            ("2025-11-07", "2025-11-17"),
            ("2024-01-01", "2024-01-31"),
        ] {
            let range = days(first, last);
            let before = days("2025-10-01", "2025-11-05");
            let report = now(report(&db, SITE, (range, before), Step::Day)).unwrap();
            for (range, figures) in [(range, report.figures), (before, report.previous)] {
                let (tally, mut latencies) = naive(&calls, range);
                assert_eq!(figures.tally, tally);
                assert_close(figures.median_ms, nearest_rank(&mut latencies, 50));
                assert_close(figures.p95_ms, nearest_rank(&mut latencies, 95));
            }
        }
    }

    #[test]
    fn a_series_is_the_figures_of_its_parts() {
        let (db, calls) = month();
        let range = days("2025-11-03", "2025-11-30");
        for (step, length, count) in [(Step::Day, 0, 28), (Step::Week, 6, 4)] {
            let points = now(report(&db, SITE, (range, range), step)).unwrap().series;
            assert_eq!(points.len(), count);
            for point in points {
                let last = front_desk::zone::plus_days(point.start, length);
                let (tally, mut latencies) = naive(
                    &calls,
                    Days {
                        first: point.start,
                        last,
                    },
                );
                assert_eq!(point.figures.tally, tally, "{}", point.start);
                assert_close(point.figures.median_ms, nearest_rank(&mut latencies, 50));
                assert_close(point.figures.p95_ms, nearest_rank(&mut latencies, 95));
            }
        }
    }

    #[test]
    fn a_years_series_is_bounded_and_no_business_sees_anothers() {
        let (db, _) = month();
        let ever = days("0001-01-01", "2025-11-30");
        let report = |site| now(report(&db, site, (ever, ever), Step::Day)).unwrap();
        let points = report(SITE).series;
        assert_eq!(
            (points.len(), points.last().map(|point| point.start)),
            (366, Some(day("2025-11-30")))
        );
        assert_eq!(report("other").figures, Figures::default());
    }

    #[test]
    fn the_figures_move_by_a_bookings_price_and_a_message() {
        let db = Sqlite::with_practice();
        let today = days("2025-11-24", "2025-11-24");
        let report = || now(report(&db, SITE, (today, today), Step::Day)).unwrap();
        let tally = || report().figures.tally;
        now(booking::book(
            &db,
            &request("k", Some("c")),
            &new_booking("b", (NOW, NOW + HOUR)),
        ))
        .unwrap();
        let new = message::NewMessage {
            id: "m",
            site: SITE,
            call: "c",
            name: "",
            phone: None,
            text: "Hello",
        };
        now(message::take(&db, &request("l", Some("c")), &new)).unwrap();
        let wanted = Tally {
            bookings: 1,
            revenue: 9_000,
            messages: 1,
            ..Tally::default()
        };
        assert_eq!(tally(), wanted);
        now(booking::reschedule(
            &db,
            SITE,
            "b",
            (NOW + HOUR, NOW + 2 * HOUR),
            NOW,
        ))
        .unwrap();
        assert_eq!(tally(), wanted);
    }

    #[test]
    fn a_year_is_read_as_its_days_and_nothing_else() {
        let (db, _) = month();
        let query = query(SITE, days("2025-11-01", "2025-11-30"));
        db.assert_indexed(&query);
        for step in db.plan(&query) {
            assert!(step.starts_with("SEARCH days"), "{step}");
        }
    }
}
