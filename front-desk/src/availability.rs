//! When a service can begin: inside the opening hours, after the lead time, before the horizon, and beside what is booked.
//!
//! Starts lie on a grid that begins at each opening, on the wall clock. A service lasts its minutes of real time, also when the
//! clocks change during it. A start that the clocks jump over is none; one that comes twice is one, its first.

use jiff::civil::Date;

use crate::business::{Business, Service};
use crate::hours::TimeOfDay;
use crate::when::PartOfDay;
use crate::zone::{Zone, plus_days};

mod offer;

pub use offer::{Wanted, offer};

/// Every instant of a day at which the service can begin, in order. `busy` are the half-open spans of what is booked, in any order;
/// spans of other days do no harm.
#[must_use]
pub fn free_starts(
    business: &Business,
    service: &Service,
    date: Date,
    busy: &[(i64, i64)],
    now: i64,
) -> Vec<i64> {
    if !is_within_horizon(business, date, now) {
        return Vec::new();
    }
    let (earliest, latest) = bounds(business, now);
    let mut starts = possible_starts(business, service, date);
    starts.retain(|start| {
        let end = end_of(*start, service);
        (earliest..=latest).contains(start)
            && !busy.iter().any(|span| *start < span.1 && span.0 < end)
    });
    starts
}

/// Every instant of a day at which the service would begin if nothing were booked and time stood still.
pub(crate) fn possible_starts(business: &Business, service: &Service, date: Date) -> Vec<i64> {
    let step = usize::from(business.policies.step_minutes.max(1));
    let mut starts = Vec::new();
    for open in business.hours.open_on(date) {
        let Some(closing) = business.zone.no_later_than(date, open.to) else {
            continue;
        };
        let grid = (open.from.minutes()..open.to.minutes()).step_by(step);
        let instants = grid
            .map(|minute| TimeOfDay::clamped(i32::from(minute)))
            .filter_map(|time| business.zone.instant(date, time));
        starts.extend(instants.filter(|start| end_of(*start, service) <= closing));
    }
    starts.sort_unstable();
    starts.dedup();
    starts
}

/// When an appointment that begins at `start` is over.
#[must_use]
pub fn end_of(start: i64, service: &Service) -> i64 {
    start.saturating_add(i64::from(service.minutes).saturating_mul(MINUTE))
}

/// The instants whose bookings have to be known to answer for this day and the days that may be offered instead of it.
#[must_use]
pub fn span(zone: &Zone, date: Date) -> (i64, i64) {
    (
        zone.start_of(date),
        zone.start_of(plus_days(date, SEARCHED_DAYS)),
    )
}

/// The first day from `date` on, among those of [`span`], with anything free, and what is free then.
#[must_use]
pub fn next_free(
    business: &Business,
    service: &Service,
    date: Date,
    busy: &[(i64, i64)],
    now: i64,
) -> Option<(Date, Vec<i64>)> {
    (0..SEARCHED_DAYS)
        .map(|ahead| plus_days(date, ahead))
        .map(|day| (day, free_starts(business, service, day, busy, now)))
        .find(|(_, starts)| !starts.is_empty())
}

/// Whether a day is neither past nor too far ahead.
pub(crate) fn is_within_horizon(business: &Business, date: Date, now: i64) -> bool {
    let today = business.zone.today(now);
    (today..=last_day(business, now)).contains(&date)
}

/// The last day that can be booked.
#[must_use]
pub fn last_day(business: &Business, now: i64) -> Date {
    plus_days(
        business.zone.today(now),
        i32::from(business.policies.horizon_days),
    )
}

/// The first and the last instant at which an appointment may begin now.
pub(crate) fn bounds(business: &Business, now: i64) -> (i64, i64) {
    let lead = i64::from(business.policies.lead_minutes).saturating_mul(MINUTE);
    let (_, end) = business.zone.day(last_day(business, now));
    (now.saturating_add(lead), end.saturating_sub(1))
}

/// Whether an instant is in this part of a day.
pub(crate) fn is_in(zone: &Zone, instant: i64, part: PartOfDay) -> bool {
    let (from, to) = part.span();
    let (_, time) = zone.local(instant);
    (from..to).contains(&time)
}

/// Days that are searched for a free time, the wanted one among them: a caller who wanted Tuesday is not helped by one in three weeks.
pub const SEARCHED_DAYS: i32 = 8;

/// In milliseconds.
pub(crate) const MINUTE: i64 = 60_000;

#[cfg(test)]
mod tests;
