//! Wardens in virtual time.

use super::*;
use crate::warden::Tried;

/// 24 November 2026, 9:00 in New York.
const NOW: i64 = 1_795_528_800_000;
const MINUTE: i64 = 60_000;
const HOUR: i64 = 60 * MINUTE;

fn terms(zone: &str, minutes_a_day: Option<u32>, tokens_a_day: Option<u32>) -> Terms {
    Terms {
        site: "demo-dental".to_owned(),
        zone: Zone::parse(zone).unwrap(),
        limits: Limits {
            minutes_a_day,
            tokens_a_day,
        },
        read_at: 0,
    }
}

fn unlimited() -> Terms {
    terms("America/New_York", None, None)
}

/// A ward, and what it is told one after the other.
struct World {
    ward: Ward,
    terms: Terms,
    n: u32,
}

impl World {
    fn new(terms: Terms) -> Self {
        Self {
            ward: Ward::default(),
            terms,
            n: 0,
        }
    }

    fn report(&mut self, spent: Spent, results: Results, now: i64) -> &SafeMode {
        self.n += 1;
        let report = Report {
            call: "a".to_owned(),
            n: self.n,
            spent,
            results,
        };
        assert!(self.ward.hear(&report, &self.terms, now).is_some());
        self.ward.mode()
    }

    fn spend(&mut self, minutes: u64, tokens: u64, now: i64) -> &SafeMode {
        let spent = Spent {
            call_ms: minutes * MINUTE_MS,
            tokens,
        };
        self.report(spent, Results::default(), now)
    }

    fn fail(&mut self, results: Results, now: i64) -> &SafeMode {
        self.report(Spent::default(), results, now)
    }

    fn switch(&mut self, by: Option<&str>, now: i64) -> &SafeMode {
        self.ward.switch(by, &self.terms, now);
        self.ward.mode()
    }

    fn at(&mut self, now: i64) -> &SafeMode {
        self.ward.settle(now);
        self.ward.mode()
    }
}

const fn tried(ok: u32, failed: u32) -> Tried {
    Tried { ok, failed }
}

fn model(ok: u32, failed: u32) -> Results {
    Results {
        model: tried(ok, failed),
        ..Results::default()
    }
}

fn all_fail() -> Results {
    Results {
        recogniser: tried(0, 5),
        model: tried(0, 5),
        voice: tried(0, 5),
    }
}

fn causes(mode: &SafeMode) -> Vec<Cause> {
    mode.causes.iter().map(|holding| holding.cause).collect()
}

/// The mode with one cause.
fn only(cause: Cause, since: i64, until: Option<i64>) -> SafeMode {
    SafeMode {
        on: true,
        since: Some(since),
        cause: Some(cause),
        by: None,
        until,
        causes: vec![Holding {
            cause,
            since,
            until,
        }],
    }
}

#[test]
fn a_new_business_is_not_in_safe_mode() {
    let mut world = World::new(unlimited());
    assert_eq!(world.at(NOW), &SafeMode::default());
    assert_eq!((world.ward.n(), world.ward.due()), (0, None));
    assert_eq!(
        world.spend(u64::from(u32::MAX), u64::MAX, NOW),
        &SafeMode::default()
    );
    assert_eq!(world.ward.site(), Some("demo-dental"));
}

#[test]
fn an_owner_switches_it_on_and_only_an_owner_ends_it() {
    let mut world = World::new(unlimited());
    let ann = SafeMode {
        by: Some("Ann".to_owned()),
        ..only(Cause::Owner, NOW, None)
    };
    assert_eq!(world.switch(Some("Ann"), NOW), &ann);
    // The first who did stays named.
    assert_eq!(world.switch(Some("Ben"), NOW + HOUR), &ann);
    assert_eq!(world.at(NOW + 1_000 * HOUR), &ann);
    assert_eq!((world.ward.n(), world.ward.due()), (1, None));
    let off = NOW + 1_001 * HOUR;
    assert_eq!(world.switch(None, off), &SafeMode::default());
    assert_eq!(world.switch(None, off), &SafeMode::default());
    assert_eq!(world.ward.n(), 2);
    let ben = SafeMode {
        by: Some("Ben".to_owned()),
        ..only(Cause::Owner, off, None)
    };
    assert_eq!(world.switch(Some("Ben"), off), &ben);
}

#[test]
fn a_provider_that_fails_begins_it_and_the_cool_down_ends_it() {
    for (results, cause) in [
        (
            Results {
                recogniser: tried(0, 5),
                ..Results::default()
            },
            Cause::Recogniser,
        ),
        (model(5, 5), Cause::Model),
        (
            Results {
                voice: tried(0, 5),
                ..Results::default()
            },
            Cause::Voice,
        ),
    ] {
        let mut world = World::new(unlimited());
        let until = NOW + 30_000;
        let open = only(cause, NOW, Some(until));
        assert_eq!(world.fail(results, NOW), &open);
        assert_eq!(world.ward.due(), Some(until));
        assert_eq!(world.at(until - 1), &open);
        assert_eq!(world.at(until), &SafeMode::default());
        assert_eq!(world.ward.due(), None);
        // Half open: calls go on as usual, and the first decide.
        assert_eq!(world.fail(model(2, 1), until), &SafeMode::default());
    }
}

#[test]
fn failures_of_several_calls_count_together_and_those_of_several_providers_do_not() {
    let mut ward = Ward::default();
    for (call, on) in [("a", false), ("b", false), ("c", true)] {
        let report = Report {
            call: call.to_owned(),
            n: 1,
            results: model(0, 2),
            ..Report::default()
        };
        ward.hear(&report, &unlimited(), NOW);
        assert_eq!(ward.mode().on, on, "{call}");
    }
    let mut world = World::new(unlimited());
    let some = Results {
        recogniser: tried(0, 4),
        model: tried(0, 4),
        voice: tried(0, 4),
    };
    assert!(!world.fail(some, NOW).on);
}

#[test]
fn a_provider_that_fails_again_has_twice_the_time() {
    let mut world = World::new(unlimited());
    world.fail(model(0, 5), NOW);
    let half_open = NOW + 30_000;
    let again = half_open + 7_000;
    assert_eq!(world.at(half_open), &SafeMode::default());
    let open = only(Cause::Model, again, Some(again + 60_000));
    assert_eq!(world.fail(model(0, 2), again), &open);
    // Nobody looked when it was over: it was all the same, so that this is another beginning.
    let later = again + 600_000;
    let third = only(Cause::Model, later, Some(later + 120_000));
    assert_eq!(world.fail(model(0, 2), later), &third);
}

#[test]
fn what_is_shown_is_the_weightiest_and_all_are_told() {
    let limited = terms("America/New_York", Some(60), Some(1_000));
    let mut world = World::new(limited);
    world.spend(60, 1_000, NOW);
    world.fail(all_fail(), NOW + 1);
    let mode = world.switch(Some("Ann"), NOW + 2).clone();
    assert_eq!(
        causes(&mode),
        [
            Cause::Owner,
            Cause::Recogniser,
            Cause::Model,
            Cause::Voice,
            Cause::Minutes,
            Cause::Tokens
        ]
    );
    assert_eq!((mode.cause, mode.since), (Some(Cause::Owner), Some(NOW)));
    assert_eq!((mode.until, mode.by.as_deref()), (None, Some("Ann")));
    let since: Vec<i64> = mode
        .causes
        .iter()
        .map(|holding| holding.since - NOW)
        .collect();
    assert_eq!(since, [2, 1, 1, 1, 0, 0]);
    assert_eq!(world.ward.due(), Some(NOW + 1 + 30_000));

    // Switching off takes back the owner's own cause, and the rest ends by itself.
    let mode = world.switch(None, NOW + 3).clone();
    let midnight = NOW + 15 * HOUR;
    assert_eq!(
        (mode.cause, mode.since, mode.until, mode.by),
        (Some(Cause::Recogniser), Some(NOW), Some(midnight), None)
    );
    let mode = world.at(NOW + MINUTE);
    assert_eq!(causes(mode), [Cause::Minutes, Cause::Tokens]);
    assert_eq!(mode.since, Some(NOW), "it never ended");
    assert_eq!(world.ward.due(), Some(midnight));
    assert!(!world.at(midnight).on);
}

#[test]
fn a_break_is_a_new_beginning() {
    let mut world = World::new(unlimited());
    world.switch(Some("Ann"), NOW);
    world.fail(model(0, 5), NOW + 1);
    assert_eq!(world.switch(None, NOW + 2).since, Some(NOW));
    // It was over before this, though nobody looked.
    let later = NOW + HOUR;
    assert_eq!(world.switch(Some("Ben"), later).since, Some(later));
}

#[test]
fn a_limit_holds_until_midnight() {
    let midnight = NOW + 15 * HOUR;
    for (minutes, tokens, cause) in [
        (Some(60), None, Cause::Minutes),
        (None, Some(3), Cause::Tokens),
    ] {
        let mut world = World::new(terms("America/New_York", minutes, tokens));
        assert!(!world.spend(29, 1, NOW).on);
        assert!(!world.spend(30, 1, NOW + HOUR).on);
        let reached = NOW + 2 * HOUR;
        let held = only(cause, reached, Some(midnight));
        assert_eq!(world.spend(1, 1, reached), &held);
        assert_eq!(world.spend(1, 1, NOW + 3 * HOUR), &held);
        assert_eq!(world.at(midnight - 1), &held);
        assert_eq!(world.at(midnight), &SafeMode::default());
        // And the next day has all of it again.
        assert!(!world.spend(59, 2, midnight + HOUR).on);
        let next = midnight + 2 * HOUR;
        let held = only(cause, next, Some(midnight + 24 * HOUR));
        assert_eq!(world.spend(1, 1, next), &held);
    }
}

#[test]
fn midnight_is_the_businesss_own() {
    for (zone, now, until) in [
        ("UTC", NOW, NOW + 10 * HOUR),
        ("Asia/Kathmandu", NOW, NOW + 4 * HOUR + 15 * MINUTE),
        ("Pacific/Auckland", NOW, NOW + 21 * HOUR),
        // The day before the clocks change has 24 hours, the day itself 25.
        (
            "America/New_York",
            zone_start("America/New_York", "2026-11-01"),
            zone_start("America/New_York", "2026-11-01") + 25 * HOUR,
        ),
        (
            "America/New_York",
            zone_start("America/New_York", "2026-03-08"),
            zone_start("America/New_York", "2026-03-08") + 23 * HOUR,
        ),
    ] {
        let mut world = World::new(terms(zone, Some(1), None));
        assert_eq!(world.spend(1, 0, now).until, Some(until), "{zone}");
        assert!(world.at(until - 1).on, "{zone}");
        assert!(!world.at(until).on, "{zone}");
    }
}

fn zone_start(zone: &str, day: &str) -> i64 {
    Zone::parse(zone).unwrap().start_of(day.parse().unwrap())
}

#[test]
fn a_business_that_moves_has_another_day() {
    let mut world = World::new(terms("Pacific/Auckland", Some(10), None));
    assert!(world.spend(10, 0, NOW).on);
    world.terms = terms("America/New_York", Some(10), None);
    // There it is still yesterday, of which nothing is known.
    assert!(!world.spend(9, 0, NOW + 1).on);
    let mode = world.spend(1, 0, NOW + 2);
    assert_eq!(mode.until, Some(NOW + 15 * HOUR));
}

#[test]
fn a_limit_that_is_raised_ends_it_at_once_and_one_that_is_lowered_begins_it() {
    let mut world = World::new(terms("America/New_York", Some(10), Some(100)));
    assert_eq!(
        causes(world.spend(10, 100, NOW)),
        [Cause::Minutes, Cause::Tokens]
    );
    for (minutes, tokens, held) in [
        (Some(11), Some(100), &[Cause::Tokens][..]),
        (Some(11), Some(101), &[]),
        (Some(5), None, &[Cause::Minutes]),
        (None, None, &[]),
    ] {
        let terms = terms("America/New_York", minutes, tokens);
        world.ward.agree(&terms, NOW + 1);
        assert_eq!(causes(world.ward.mode()), held);
    }
}

#[test]
fn of_two_terms_those_count_that_were_read_later() {
    let read_at = |read_at, minutes| Terms {
        read_at,
        ..terms("America/New_York", Some(minutes), None)
    };
    let mut world = World::new(read_at(NOW, 10));
    assert!(world.spend(10, 0, NOW).on);
    // A page has saved a higher limit; a call that began before goes on with the old one.
    world.ward.agree(&read_at(NOW + 2, 20), NOW + 2);
    assert!(!world.ward.mode().on);
    world.terms = read_at(NOW + 1, 10);
    assert!(!world.spend(1, 0, NOW + 3).on);
    // One whose clock is ahead is not believed for longer than until now.
    world.ward.agree(&read_at(NOW + HOUR, 5), NOW + 4);
    assert!(world.ward.mode().on);
    world.ward.agree(&read_at(NOW + 5, 20), NOW + 5);
    assert!(!world.ward.mode().on);
}

#[test]
fn a_report_that_is_sent_twice_counts_once() {
    let mut ward = Ward::default();
    let terms = terms("America/New_York", Some(3), None);
    let report = |call: &str, n| Report {
        call: call.to_owned(),
        n,
        spent: Spent {
            call_ms: MINUTE_MS,
            tokens: 0,
        },
        results: model(0, 2),
    };
    for (call, n, is_news) in [
        ("a", 1, true),
        ("a", 1, false),
        ("b", 1, true),
        ("a", 1, false),
        ("b", 1, false),
    ] {
        let last = ward.hear(&report(call, n), &terms, NOW);
        assert_eq!(last.is_some(), is_news, "{call} {n}");
        assert!(!ward.mode().on, "{call} {n}");
    }
    assert_eq!(
        ward.hear(&report("a", 2), &terms, NOW),
        Some(Last { n: 2, at: NOW })
    );
    assert_eq!(causes(ward.mode()), [Cause::Model, Cause::Minutes]);
}

/// What the object keeps of it, read again.
fn woken(ward: &Ward, heard: &[(String, Last)]) -> Ward {
    let row = serde_json::to_string(ward).unwrap();
    let ward: Ward = serde_json::from_str(&row).unwrap();
    ward.remembering(heard.iter().cloned())
}

#[test]
fn a_warden_that_slept_goes_on_as_it_was() {
    let mut world = World::new(terms("America/New_York", Some(10), Some(100)));
    let mut heard: Vec<(String, Last)> = Vec::new();
    let steps: [fn(&mut World, i64); 9] = [
        |world, now| {
            world.spend(9, 10, now);
        },
        |world, now| {
            world.fail(model(2, 4), now);
        },
        |world, now| {
            world.fail(model(0, 1), now);
        },
        |world, now| {
            world.switch(Some("Zoë"), now);
        },
        |world, now| {
            world.at(now + MINUTE);
        },
        |world, now| {
            world.fail(model(2, 1), now + MINUTE);
        },
        |world, now| {
            world.fail(model(0, 1), now + MINUTE);
        },
        |world, now| {
            world.spend(1, 0, now + MINUTE + 30_000);
        },
        |world, now| {
            world.switch(None, now + MINUTE + 30_000);
        },
    ];
    for (step, now) in steps.into_iter().zip(NOW..) {
        step(&mut world, now);
        heard = vec![(
            "a".to_owned(),
            Last {
                n: world.n,
                at: now,
            },
        )];
        let again = woken(&world.ward, &heard);
        assert_eq!(
            (again.mode(), again.n(), again.due()),
            (world.ward.mode(), world.ward.n(), world.ward.due())
        );
        world.ward = again;
    }
    assert_eq!(causes(world.ward.mode()), [Cause::Model, Cause::Minutes]);
    // It knows what it has heard, too.
    let old = Report {
        call: "a".to_owned(),
        n: world.n,
        ..Report::default()
    };
    let mut again = woken(&world.ward, &heard);
    assert_eq!(again.hear(&old, &world.terms, NOW), None);
}

#[test]
fn a_row_of_before_a_field_was_known_is_read() {
    assert_eq!(serde_json::from_str::<Ward>("{}").unwrap(), Ward::default());
}

#[test]
fn only_a_change_counts_as_one() {
    let mut world = World::new(terms("America/New_York", Some(10), None));
    let mut seen = Vec::new();
    for now in NOW..NOW + 20 {
        world.spend(1, 0, now);
        seen.push(world.ward.n());
    }
    assert_eq!(seen.iter().filter(|n| **n == 0).count(), 9);
    assert_eq!(seen.last(), Some(&1));
}
