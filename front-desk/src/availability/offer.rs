//! Which of many free times to say: few enough to listen to, near to what was wanted, and apart from each other.

use crate::availability::{MINUTE, is_in};
use crate::hours::TimeOfDay;
use crate::when::PartOfDay;
use crate::zone::Zone;

/// What a caller wanted of a day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wanted {
    Part(PartOfDay),
    Time(TimeOfDay),
}

/// At most `most` of the starts (in order, of one day), in order. For a time: the nearest. For a part of the day, or none: spread over it,
/// full hours first; where that part has none free, the nearest to it.
#[must_use]
pub fn offer(zone: &Zone, starts: &[i64], wanted: Option<Wanted>, most: usize) -> Vec<i64> {
    match wanted {
        Some(Wanted::Time(time)) => nearest(zone, starts, time, most),
        Some(Wanted::Part(part)) => {
            let inside: Vec<i64> = starts
                .iter()
                .filter(|start| is_in(zone, **start, part))
                .copied()
                .collect();
            if inside.is_empty() {
                nearest(zone, starts, part.middle(), most)
            } else {
                spread(zone, &inside, most)
            }
        }
        None => spread(zone, starts, most),
    }
}

/// The nearest to a time, at least [`APART`] from each other as long as there are such.
fn nearest(zone: &Zone, starts: &[i64], time: TimeOfDay, most: usize) -> Vec<i64> {
    let distance = |start: &i64| {
        let (_, local) = zone.local(*start);
        local.minutes().abs_diff(time.minutes())
    };
    let mut near = starts.to_vec();
    near.sort_by_key(distance);
    filled(Vec::new(), &near, most)
}

/// One from each of `most` equal stretches of time, the roundest of its stretch and then the earliest; where a stretch has none, others.
fn spread(zone: &Zone, starts: &[i64], most: usize) -> Vec<i64> {
    let (Some(first), Some(last)) = (starts.first(), starts.last()) else {
        return Vec::new();
    };
    let stretches = i64::try_from(most.max(1)).unwrap_or(i64::MAX);
    // Rounded up, so that the last start is in the last stretch.
    let length = last
        .saturating_sub(*first)
        .checked_div(stretches)
        .unwrap_or_default()
        .saturating_add(1);
    let roundness = |start: &i64| match zone.local(*start).1.minute() {
        0 => 0,
        30 => 1,
        15 | 45 => 2,
        _ => 3,
    };
    let roundest = (0..stretches).filter_map(|stretch| {
        let from = first.saturating_add(stretch.saturating_mul(length));
        let to = from.saturating_add(length);
        let inside = starts.iter().filter(|start| (from..to).contains(*start));
        inside.min_by_key(|start| roundness(start)).copied()
    });
    let chosen = roundest.take(most).collect();
    filled(chosen, starts, most)
}

/// Adds the first of `starts` until there are enough, at least [`APART`] from each other as long as there are such; in order.
fn filled(mut chosen: Vec<i64>, starts: &[i64], most: usize) -> Vec<i64> {
    for apart in [APART, 0] {
        for start in starts {
            let is_apart = chosen.iter().all(|other| other.abs_diff(*start) > apart);
            if chosen.len() < most && is_apart {
                chosen.push(*start);
            }
        }
    }
    chosen.sort_unstable();
    chosen
}

/// Times closer than this are the same to most people, and say less than one further off.
const APART: u64 = 29 * MINUTE.unsigned_abs();

#[cfg(test)]
mod tests {
    use super::*;
    use crate::availability::free_starts;
    use crate::business::Business;

    /// What a practice that is free from nine to five offers for half an hour on Tuesday 2026-11-24.
    fn offered(busy: &[(&str, &str)], wanted: Option<Wanted>) -> Vec<String> {
        let business = Business::demo();
        let zone = &business.zone;
        let tuesday = "2026-11-24".parse().unwrap();
        let at = |time: &str| zone.instant(tuesday, time.parse().unwrap()).unwrap();
        let busy: Vec<(i64, i64)> = busy.iter().map(|(from, to)| (at(from), at(to))).collect();
        let now = zone.start_of("2026-11-23".parse().unwrap());
        let starts = free_starts(&business, &business.services[0], tuesday, &busy, now);
        let local = |start: i64| zone.local(start).1.to_string();
        offer(zone, &starts, wanted, 3)
            .into_iter()
            .map(local)
            .collect()
    }

    #[test]
    fn three_times_are_spread_over_the_day_or_its_part() {
        assert_eq!(offered(&[], None), ["09:00", "12:00", "15:00"]);
        assert_eq!(
            offered(&[], Some(Wanted::Part(PartOfDay::Afternoon))),
            ["12:00", "14:00", "16:00"]
        );
        assert_eq!(
            offered(&[], Some(Wanted::Part(PartOfDay::Morning))),
            ["09:00", "10:00", "11:00"]
        );
        assert_eq!(
            offered(&[("09:00", "16:00")], None),
            ["16:00", "16:15", "16:30"]
        );
        assert_eq!(offered(&[("09:00", "17:00")], None), [""; 0]);
    }

    #[test]
    fn the_nearest_to_what_was_wanted() {
        let wanted = |time: &str| Some(Wanted::Time(time.parse().unwrap()));
        assert_eq!(offered(&[], wanted("15:30")), ["15:00", "15:30", "16:00"]);
        assert_eq!(
            offered(&[("15:00", "16:00")], wanted("15:30")),
            ["14:30", "16:00", "16:30"]
        );
        assert_eq!(offered(&[], wanted("20:00")), ["15:30", "16:00", "16:30"]);
        assert_eq!(
            offered(&[("09:00", "16:00")], wanted("09:00")),
            ["16:00", "16:15", "16:30"]
        );
        assert_eq!(
            offered(&[], Some(Wanted::Part(PartOfDay::Evening))),
            ["15:30", "16:00", "16:30"]
        );
    }
}
