use proptest::prelude::*;

use super::*;
use crate::business::Policies;
use crate::hours::{Exception, Hours, Interval};

fn interval(from: &str, to: &str) -> Interval {
    Interval {
        from: from.parse().unwrap(),
        to: to.parse().unwrap(),
    }
}

/// A business in a zone that is open the same on every day.
fn open_daily(zone: &str, open: &[Interval]) -> Business {
    let mut business = Business::demo();
    business.zone = Zone::parse(zone).unwrap();
    business.hours = Hours {
        monday: open.to_vec(),
        tuesday: open.to_vec(),
        wednesday: open.to_vec(),
        thursday: open.to_vec(),
        friday: open.to_vec(),
        saturday: open.to_vec(),
        sunday: open.to_vec(),
        exceptions: Vec::new(),
    };
    business.policies = Policies {
        lead_minutes: 0,
        horizon_days: 365,
        step_minutes: 30,
    };
    business
}

/// What is free on a day, as the wall clock and UTC show it, seen from a week before.
fn free(business: &Business, day: &str, minutes: u16) -> Vec<String> {
    let date: Date = day.parse().unwrap();
    let service = Service {
        minutes,
        ..business.services[0].clone()
    };
    let now = business.zone.start_of(plus_days(date, -7));
    let starts = free_starts(business, &service, date, &[], now);
    let shown = |start: i64| {
        format!(
            "{}={}Z",
            business.zone.local(start).1,
            Zone::default().local(start).1
        )
    };
    starts.into_iter().map(shown).collect()
}

#[test]
fn where_the_clocks_jump_there_is_no_time() {
    let business = open_daily("America/New_York", &[interval("01:00", "04:00")]);
    assert_eq!(
        free(&business, "2026-03-08", 30),
        [
            "01:00=06:00Z",
            "01:30=06:30Z",
            "03:00=07:00Z",
            "03:30=07:30Z"
        ]
    );
    // An hour of real time from half past one ends at half past three on the wall.
    assert_eq!(
        free(&business, "2026-03-08", 60),
        ["01:00=06:00Z", "01:30=06:30Z", "03:00=07:00Z"]
    );
    let business = open_daily("Europe/London", &[interval("00:30", "02:30")]);
    assert_eq!(
        free(&business, "2026-03-29", 30),
        ["00:30=00:30Z", "02:00=01:00Z"]
    );
    let business = open_daily("Australia/Sydney", &[interval("01:30", "03:30")]);
    assert_eq!(
        free(&business, "2026-10-04", 30),
        ["01:30=15:30Z", "03:00=16:00Z"]
    );
}

#[test]
fn a_time_that_comes_twice_is_one() {
    let business = open_daily("America/New_York", &[interval("00:30", "02:30")]);
    assert_eq!(
        free(&business, "2026-11-01", 30),
        [
            "00:30=04:30Z",
            "01:00=05:00Z",
            "01:30=05:30Z",
            "02:00=07:00Z"
        ]
    );
    let business = open_daily("Europe/London", &[interval("01:00", "02:30")]);
    assert_eq!(
        free(&business, "2026-10-25", 30),
        ["01:00=00:00Z", "01:30=00:30Z", "02:00=02:00Z"]
    );
    let business = open_daily("Australia/Sydney", &[interval("02:00", "03:30")]);
    assert_eq!(
        free(&business, "2026-04-05", 30),
        ["02:00=15:00Z", "02:30=15:30Z", "03:00=17:00Z"]
    );
}

#[test]
fn a_zone_of_a_quarter_hour() {
    let business = open_daily("Asia/Kathmandu", &[interval("09:00", "10:00")]);
    assert_eq!(
        free(&business, "2026-11-24", 30),
        ["09:00=03:15Z", "09:30=03:45Z"]
    );
}

#[test]
fn until_the_days_end_and_around_a_pause() {
    let business = open_daily("America/New_York", &[interval("23:00", "24:00")]);
    assert_eq!(
        free(&business, "2026-11-24", 30),
        ["23:00=04:00Z", "23:30=04:30Z"]
    );
    let business = open_daily(
        "Europe/London",
        &[interval("09:00", "10:00"), interval("14:15", "15:00")],
    );
    assert_eq!(
        free(&business, "2026-11-24", 45),
        ["09:00=09:00Z", "14:15=14:15Z"]
    );
    // Intervals that touch are one.
    let business = open_daily(
        "Europe/London",
        &[interval("09:30", "10:00"), interval("09:00", "09:30")],
    );
    assert_eq!(free(&business, "2026-11-24", 60), ["09:00=09:00Z"]);
}

#[test]
fn exceptions_come_before_the_week() {
    let mut business = open_daily("Europe/London", &[interval("09:00", "10:00")]);
    business.hours.exceptions = vec![
        Exception {
            date: "2026-12-25".parse().unwrap(),
            open: Vec::new(),
            reason: "Christmas".to_owned(),
        },
        Exception {
            date: "2026-12-24".parse().unwrap(),
            open: vec![interval("12:00", "12:30")],
            reason: String::new(),
        },
    ];
    assert_eq!(free(&business, "2026-12-24", 30), ["12:00=12:00Z"]);
    assert_eq!(free(&business, "2026-12-25", 30), [""; 0]);
    assert_eq!(
        free(&business, "2026-12-26", 30),
        ["09:00=09:00Z", "09:30=09:30Z"]
    );
}

#[test]
fn lead_and_horizon() {
    let mut business = open_daily("America/New_York", &[interval("09:00", "12:00")]);
    business.policies.lead_minutes = 60;
    business.policies.horizon_days = 1;
    let now = business
        .zone
        .instant("2026-11-23".parse().unwrap(), "09:30".parse().unwrap())
        .unwrap();
    let starts = |day: &str| {
        let starts = free_starts(
            &business,
            &business.services[0],
            day.parse().unwrap(),
            &[],
            now,
        );
        starts
            .into_iter()
            .map(|start| business.zone.local(start).1.to_string())
            .collect::<Vec<_>>()
    };
    assert_eq!(starts("2026-11-22"), [""; 0]);
    assert_eq!(starts("2026-11-23"), ["10:30", "11:00", "11:30"]);
    assert_eq!(starts("2026-11-24").len(), 6);
    assert_eq!(starts("2026-11-25"), [""; 0]);
    assert_eq!(last_day(&business, now).to_string(), "2026-11-24");
}

#[test]
fn the_next_day_with_anything_free() {
    let business = Business::demo();
    let friday: Date = "2026-11-27".parse().unwrap();
    let now = business
        .zone
        .instant(friday, "16:00".parse().unwrap())
        .unwrap();
    let (day, starts) = next_free(&business, &business.services[0], friday, &[], now).unwrap();
    assert_eq!((day.to_string().as_str(), starts.len()), ("2026-11-30", 31));
    let (from, to) = span(&business.zone, friday);
    assert_eq!(
        next_free(&business, &business.services[0], friday, &[(from, to)], now),
        None
    );
}

fn zones() -> impl Strategy<Value = (&'static str, &'static str)> {
    // Each zone with the days on which its clocks change, and one on which they do not.
    prop::sample::select(vec![
        ("America/New_York", "2026-03-08"),
        ("America/New_York", "2026-11-01"),
        ("Europe/London", "2026-03-29"),
        ("Europe/London", "2026-10-25"),
        ("Australia/Sydney", "2026-04-05"),
        ("Australia/Sydney", "2026-10-04"),
        ("Asia/Kathmandu", "2026-06-01"),
        ("Asia/Beirut", "2026-03-29"),
    ])
}

prop_compose! {
    fn intervals()(mut bounds in prop::collection::btree_set(0_u16..=288, 0..=6)) -> Vec<Interval> {
        let bounds: Vec<u16> = std::mem::take(&mut bounds).into_iter().map(|bound| bound * 5).collect();
        bounds.chunks_exact(2).map(|pair| Interval {
            from: TimeOfDay::clamped(i32::from(pair[0])),
            to: TimeOfDay::clamped(i32::from(pair[1])),
        }).collect()
    }
}

proptest! {
    /// Never over what is booked, never while closed, never past or too soon, never twice.
    #[test]
    fn what_is_free_is_free(
        (zone, day) in zones(),
        open in intervals(),
        step in 5_u16..=90,
        minutes in 5_u16..=240,
        lead in 0_u32..=600,
        busy in prop::collection::vec((0_i64..1500, 1_i64..200), 0..6),
        now in -600_i64..1500,
    ) {
        let mut business = open_daily(zone, &open);
        business.policies.step_minutes = step;
        business.policies.lead_minutes = lead;
        let date: Date = day.parse().unwrap();
        let service = Service { minutes, ..business.services[0].clone() };
        let midnight = business.zone.start_of(date);
        let busy: Vec<(i64, i64)> = busy
            .into_iter()
            .map(|(from, length)| (midnight + from * MINUTE, midnight + (from + length) * MINUTE))
            .collect();
        let now = midnight + now * MINUTE;
        let starts = free_starts(&business, &service, date, &busy, now);
        prop_assert!(starts.windows(2).all(|pair| pair[0] < pair[1]));
        for start in &starts {
            let end = end_of(*start, &service);
            prop_assert!(*start >= now + i64::from(lead) * MINUTE);
            prop_assert!(busy.iter().all(|span| end <= span.0 || span.1 <= *start));
            // Minute by minute, the wall clock shows an hour at which the business is open. In an hour that comes twice it may show, the
            // second time, one before the opening: the business has not closed in between.
            let merged = business.hours.open_on(date);
            let is_open = |instant: i64| {
                let (day, time) = business.zone.local(instant);
                let is_second = business.zone.instant(day, time).is_some_and(|first| first + 30 * MINUTE <= instant);
                is_second || day == date && merged.iter().any(|open| (open.from..open.to).contains(&time))
            };
            for minute in 0..i64::from(minutes) {
                prop_assert!(is_open(start + minute * MINUTE), "closed at minute {minute} from {:?}", business.zone.local(*start));
            }
        }
        let offered = offer(&business.zone, &starts, None, 3);
        prop_assert_eq!(offered.len(), starts.len().min(3));
        prop_assert!(offered.iter().all(|start| starts.contains(start)));
        let near = offer(&business.zone, &starts, Some(Wanted::Time(TimeOfDay::NOON)), 3);
        prop_assert_eq!(near.len(), starts.len().min(3));
    }

    /// An appointment that is made of what is free makes itself, and nothing before it, unavailable.
    #[test]
    fn what_is_taken_is_gone((zone, day) in zones(), open in intervals(), pick in any::<prop::sample::Index>()) {
        let business = open_daily(zone, &open);
        let date: Date = day.parse().unwrap();
        let now = business.zone.start_of(plus_days(date, -1));
        let service = &business.services[1];
        let starts = free_starts(&business, service, date, &[], now);
        prop_assume!(!starts.is_empty());
        let start = starts[pick.index(starts.len())];
        let left = free_starts(&business, service, date, &[(start, end_of(start, service))], now);
        prop_assert!(!left.contains(&start));
        let length = end_of(start, service) - start;
        let kept: Vec<i64> = starts.into_iter().filter(|other| other.abs_diff(start) >= length.unsigned_abs()).collect();
        prop_assert_eq!(left, kept);
    }
}
