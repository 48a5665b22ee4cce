//! What a range of days adds up to, beside the range before it, and day by day.

use front_desk::period::Range;
use worker::Method;

use super::query;
use super::show::{Show, usage};
use super::types::{Change, Figures, Metrics, Point, Step};
use super::whose::{Whose, json};
use super::{Answer, Ask, Guard, Route, now};
use crate::store::figures::{self, Days, Tally};
use crate::store::record::Usage;

pub(in crate::routes) const ROUTES: &[Route] = &[Route::new(
    Method::Get,
    "/api/metrics",
    Guard::Viewer,
    |ask| Box::pin(metrics(ask)),
)];

/// Days that are shown unless it is said which: a week, which has every weekday once.
const DAYS: u16 = 7;

/// `from`, `to`, `step`.
async fn metrics(ask: Ask) -> Answer {
    let whose = Whose::of(&ask).await?;
    let mut form = query::fields(&ask)?;
    let step = form.optional("step", step).unwrap_or(Step::Day);
    let today = whose.business().zone.today(now());
    let range = query::range(&mut form, Range::last(DAYS, today));
    let range = form.finish(range)?;
    let before = range.previous();
    let ranges = (days(range), days(before));
    let report = figures::report(&whose.db, whose.id(), ranges, stored(step)).await?;
    let show = Show(whose.business());
    let (current, previous) = (show.figures(report.figures), show.figures(report.previous));
    json(&Metrics {
        site: show.site(&whose.site),
        from: show.day(range.from()),
        to: show.day(range.to()),
        previous_from: show.day(before.from()),
        previous_to: show.day(before.to()),
        change: change(&current, &previous),
        current,
        previous,
        step,
        series: report
            .series
            .into_iter()
            .map(|point| show.point(point))
            .collect(),
    })
}

fn step(text: &str) -> Result<Step, &'static str> {
    match text {
        "day" => Ok(Step::Day),
        "week" => Ok(Step::Week),
        _ => Err("must be day or week"),
    }
}

const fn stored(step: Step) -> figures::Step {
    match step {
        Step::Day => figures::Step::Day,
        Step::Week => figures::Step::Week,
    }
}

const fn days(range: Range) -> Days {
    Days {
        first: range.from(),
        last: range.to(),
    }
}

impl Show<'_> {
    fn figures(self, figures: figures::Figures) -> Figures {
        let tally = figures.tally;
        Figures {
            calls: tally.calls,
            phone_calls: tally.phone_calls,
            call_ms: tally.call_ms,
            turns: tally.turns,
            bookings: tally.bookings,
            revenue: self.money(tally.revenue),
            staff_bookings: tally.staff_bookings,
            staff_revenue: self.money(tally.staff_revenue),
            messages: tally.messages,
            replies: tally.replies,
            fast_share: fast(&tally),
            median_ms: figures.median_ms,
            p95_ms: figures.p95_ms,
            interruptions: tally.interruptions,
            interruption_share: interrupted(&tally),
            usage: usage(Usage {
                recogniser_ms: tally.recogniser_ms,
                tokens_in: tally.tokens_in,
                tokens_out: tally.tokens_out,
                characters: tally.characters,
            }),
        }
    }

    fn point(self, point: figures::Point) -> Point {
        let figures::Figures {
            tally,
            median_ms,
            p95_ms,
        } = point.figures;
        Point {
            start: self.day(point.start),
            calls: tally.calls,
            bookings: tally.bookings,
            revenue: self.money(tally.revenue),
            replies: tally.replies,
            fast_share: fast(&tally),
            median_ms,
            p95_ms,
            interruption_share: interrupted(&tally),
        }
    }
}

fn fast(tally: &Tally) -> Option<f64> {
    share(tally.fast_replies, tally.replies)
}

fn interrupted(tally: &Tally) -> Option<f64> {
    share(tally.interruptions, tally.turns)
}

fn change(current: &Figures, previous: &Figures) -> Change {
    let difference = |of: fn(&Figures) -> Option<f64>| {
        of(current)
            .zip(of(previous))
            .map(|(now, then)| rounded(now - then))
    };
    let millis = |of: fn(&Figures) -> Option<u32>| {
        of(current)
            .zip(of(previous))
            .map(|(now, then)| i64::from(now).saturating_sub(i64::from(then)))
    };
    Change {
        calls: relative(current.calls, previous.calls),
        bookings: relative(current.bookings, previous.bookings),
        revenue: relative(current.revenue.minor, previous.revenue.minor),
        messages: relative(current.messages, previous.messages),
        fast_share: difference(|figures| figures.fast_share),
        median_ms: millis(|figures| figures.median_ms),
        p95_ms: millis(|figures| figures.p95_ms),
        interruption_share: difference(|figures| figures.interruption_share),
    }
}

/// How much more `now` is than `then`. Of nothing there is no part.
fn relative(now: i64, then: i64) -> Option<f64> {
    (then > 0).then(|| rounded(now as f64 / then as f64 - 1.0))
}

fn share(part: i64, whole: i64) -> Option<f64> {
    (whole > 0).then(|| rounded(part as f64 / whole as f64))
}

/// A tenth of a per cent is finer than anything that is shown.
fn rounded(value: f64) -> f64 {
    (value * 10_000.0).round() / 10_000.0
}

#[cfg(test)]
mod tests {
    use front_desk::business::Business;

    use super::*;

    fn shown(tally: Tally, median_ms: Option<u32>) -> Figures {
        let business = Business::demo();
        Show(&business).figures(figures::Figures {
            tally,
            median_ms,
            p95_ms: None,
        })
    }

    #[test]
    fn shares_are_of_what_there_was() {
        let tally = Tally {
            calls: 3,
            turns: 12,
            replies: 9,
            fast_replies: 6,
            interruptions: 3,
            revenue: 60_50,
            ..Tally::default()
        };
        let figures = shown(tally, Some(420));
        assert_eq!(
            (figures.fast_share, figures.interruption_share),
            (Some(0.6667), Some(0.25))
        );
        assert_eq!(figures.revenue.amount, "60.50");
        let nothing = shown(Tally::default(), None);
        assert_eq!(
            (nothing.fast_share, nothing.interruption_share),
            (None, None)
        );
    }

    #[test]
    fn a_change_needs_something_to_compare_with() {
        let tally = |calls, replies, fast_replies, revenue| Tally {
            calls,
            replies,
            fast_replies,
            revenue,
            ..Tally::default()
        };
        let now = shown(tally(15, 10, 9, 90_00), Some(400));
        let then = shown(tally(10, 10, 5, 0), Some(450));
        let compared = change(&now, &then);
        assert_eq!((compared.calls, compared.revenue), (Some(0.5), None));
        assert_eq!(
            (compared.fast_share, compared.median_ms),
            (Some(0.4), Some(-50))
        );
        let fewer = change(&shown(tally(0, 0, 0, 0), None), &then);
        assert_eq!(
            (fewer.calls, fewer.fast_share, fewer.median_ms),
            (Some(-1.0), None, None)
        );
    }
}
