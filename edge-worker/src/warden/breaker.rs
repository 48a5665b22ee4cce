//! A circuit breaker: when a provider fails so often that it is better not to rely on it for a while.

use serde::{Deserialize, Serialize};

use super::Tried;

/// How long a failure counts. Shorter, and a quiet business never sees enough of them; longer, and an outage that is over opens it.
const WINDOW_MS: i64 = 60_000;

/// The window's steps: requests are counted by these, so that the window is a dozen numbers however many calls are on.
const SLOT_MS: i64 = 5_000;

const SLOTS: i64 = WINDOW_MS.div_euclid(SLOT_MS);

/// Fewer are what happens on any day: a call gets over two or three by itself.
const FAILURES: u32 = 5;

/// The first cool-down. An overload has often passed by then.
const FIRST_MS: i64 = 30_000;

/// The longest. An owner who has called the provider wants to see it come back.
const LONGEST_MS: i64 = 10 * 60_000;

/// A provider that stayed up for so long after a cool-down begins with the first one again.
const FORGIVEN_MS: i64 = 10 * 60_000;

/// So many successes after a cool-down close it.
const GOOD: u32 = 3;

/// And so many failures before them open it again.
const BAD: u32 = 2;

/// One provider's.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Breaker {
    state: State,
    /// What was tried lately, the oldest first; nothing but while it is closed.
    window: Vec<Slot>,
    /// How long the last cool-down was.
    cool_down_ms: i64,
    /// When it was over, or is.
    cool_at: i64,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum State {
    #[default]
    Closed,
    /// Half open: the first requests after a cool-down decide.
    Trying(Tried),
    Open,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Slot {
    /// Counted from 1970.
    number: i64,
    tried: Tried,
}

impl Breaker {
    /// Lets a cool-down end that is over.
    pub(super) fn settle(&mut self, now: i64) {
        if self.state == State::Open && self.cool_at <= now {
            self.state = State::Trying(Tried::default());
        }
    }

    /// Takes in what came of requests.
    pub(super) fn hear(&mut self, tried: Tried, now: i64) {
        if tried == Tried::default() {
            return;
        }
        match self.state {
            State::Closed => self.count(tried, now),
            State::Trying(before) => self.judge(before.and(tried), now),
            // Asked before it opened, or by a call that had to: the cool-down goes on.
            State::Open => {}
        }
    }

    /// Until when it is open, if it is.
    pub(super) fn open_until(&self) -> Option<i64> {
        (self.state == State::Open).then_some(self.cool_at)
    }

    fn count(&mut self, tried: Tried, now: i64) {
        let number = now.div_euclid(SLOT_MS);
        self.window
            .retain(|slot| slot.number > number.saturating_sub(SLOTS));
        match self.window.iter_mut().find(|slot| slot.number == number) {
            Some(slot) => slot.tried = slot.tried.and(tried),
            None => self.window.push(Slot { number, tried }),
        }
        let all = self
            .window
            .iter()
            .fold(Tried::default(), |all, slot| all.and(slot.tried));
        if all.failed >= FAILURES && all.failed >= all.ok {
            self.open(now);
        }
    }

    /// In which order the requests of one report ended is not known: where both ends are reached at once, there must be more that went well.
    fn judge(&mut self, tried: Tried, now: i64) {
        let is_good = tried.ok >= GOOD;
        if tried.failed >= BAD && !(is_good && tried.ok > tried.failed) {
            self.open(now);
        } else if is_good {
            self.state = State::Closed;
        } else {
            self.state = State::Trying(tried);
        }
    }

    fn open(&mut self, now: i64) {
        let is_forgiven = now.saturating_sub(self.cool_at) >= FORGIVEN_MS;
        self.cool_down_ms = match self.cool_down_ms {
            0 => FIRST_MS,
            _ if is_forgiven => FIRST_MS,
            last => last.saturating_mul(2).min(LONGEST_MS),
        };
        self.cool_at = now.saturating_add(self.cool_down_ms);
        self.state = State::Open;
        self.window.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: i64 = 1_795_000_000_000;

    const fn tried(ok: u32, failed: u32) -> Tried {
        Tried { ok, failed }
    }

    /// One that hears these at these times after `NOW`; when it is open then, how long it still is.
    fn after(heard: &[(i64, u32, u32)]) -> Option<i64> {
        let mut breaker = Breaker::default();
        for (at, ok, failed) in heard {
            breaker.settle(NOW + at);
            breaker.hear(tried(*ok, *failed), NOW + at);
        }
        let (last, ..) = heard.last().unwrap();
        breaker.open_until().map(|until| until - NOW - last)
    }

    /// Opens it, and lets its cool-down end; gives how long that was and the moment.
    fn opened(breaker: &mut Breaker, at: i64) -> (i64, i64) {
        breaker.settle(at);
        breaker.hear(tried(0, 5), at);
        let until = breaker.open_until().unwrap();
        breaker.settle(until - 1);
        assert_eq!(breaker.open_until(), Some(until));
        breaker.settle(until);
        assert_eq!(breaker.open_until(), None);
        (until - at, until)
    }

    #[test]
    fn five_failures_that_are_half_of_all_open_it() {
        let open = Some(FIRST_MS);
        for (heard, result) in [
            (&[(0, 0, 4)][..], None),
            (&[(0, 0, 5)], open),
            (&[(0, 0, u32::MAX), (1, u32::MAX, u32::MAX)], Some(29_999)),
            (&[(0, 6, 5)], None),
            (&[(0, 5, 5)], open),
            // One after the other, the successes first or last.
            (&[(0, 6, 0), (5_000, 0, 3), (10_000, 0, 3)], open),
            (&[(0, 0, 3), (5_000, 9, 0), (10_000, 0, 3)], None),
            (&[(0, 0, 0), (1, 0, 0)], None),
            (&[(0, 0, 1), (1, 0, 1), (2, 0, 1), (3, 0, 1)], None),
            (
                &[(0, 0, 1), (1, 0, 1), (2, 0, 1), (3, 0, 1), (4, 0, 1)],
                open,
            ),
        ] {
            assert_eq!(after(heard), result, "{heard:?}");
        }
    }

    #[test]
    fn what_is_older_than_a_minute_does_not_count() {
        assert_eq!(after(&[(0, 0, 4), (54_999, 0, 1)]), Some(FIRST_MS));
        assert_eq!(after(&[(0, 0, 4), (60_000, 0, 1)]), None);
        // Nor do its successes.
        assert_eq!(
            after(&[(0, 100, 0), (60_000, 0, 4), (65_000, 0, 1)]),
            Some(FIRST_MS)
        );
        let mut breaker = Breaker::default();
        for slot in 0..1_000 {
            breaker.hear(tried(1, 0), NOW + slot * SLOT_MS);
        }
        assert_eq!(breaker.window.len(), 12);
    }

    #[test]
    fn an_open_one_hears_nothing() {
        let mut breaker = Breaker::default();
        breaker.hear(tried(0, 5), NOW);
        let open = breaker.clone();
        breaker.hear(tried(100, 100), NOW + 1);
        assert_eq!(breaker, open);
    }

    #[test]
    fn after_a_cool_down_the_first_requests_decide() {
        for (heard, state) in [
            (&[(2, 0)][..], State::Trying(tried(2, 0))),
            (&[(2, 1)], State::Trying(tried(2, 1))),
            (&[(3, 0)], State::Closed),
            (&[(1, 1), (2, 0)], State::Closed),
            (&[(0, 2)], State::Open),
            (&[(2, 1), (0, 1)], State::Open),
            // Both ends in one report.
            (&[(3, 2)], State::Closed),
            (&[(9, 2)], State::Closed),
            (&[(3, 3)], State::Open),
            (&[(2, 2)], State::Open),
        ] {
            let mut breaker = Breaker::default();
            let (_, at) = opened(&mut breaker, NOW);
            for (ok, failed) in heard {
                breaker.hear(tried(*ok, *failed), at);
            }
            assert_eq!(breaker.state, state, "{heard:?}");
        }
    }

    #[test]
    fn a_closed_one_counts_anew() {
        let mut breaker = Breaker::default();
        let (_, at) = opened(&mut breaker, NOW);
        breaker.hear(tried(3, 0), at);
        breaker.hear(tried(0, 4), at);
        assert_eq!(breaker.open_until(), None);
        breaker.hear(tried(0, 1), at);
        assert_eq!(breaker.open_until(), Some(at + 2 * FIRST_MS));
    }

    #[test]
    fn a_cool_down_doubles_up_to_ten_minutes() {
        let mut breaker = Breaker::default();
        let (mut at, mut lengths) = (NOW, Vec::new());
        for _ in 0..8 {
            let (length, until) = opened(&mut breaker, at);
            lengths.push(length / 1_000);
            at = until;
        }
        assert_eq!(lengths, [30, 60, 120, 240, 480, 600, 600, 600]);
    }

    #[test]
    fn after_ten_minutes_without_opening_it_is_thirty_seconds_again() {
        for (calm, length) in [(FORGIVEN_MS - 1, 2 * FIRST_MS), (FORGIVEN_MS, FIRST_MS)] {
            let mut breaker = Breaker::default();
            let (_, until) = opened(&mut breaker, NOW);
            breaker.hear(tried(3, 0), until);
            assert_eq!(opened(&mut breaker, until + calm).0, length, "{calm}");
        }
    }

    #[test]
    fn a_clock_that_goes_back_breaks_nothing() {
        assert_eq!(after(&[(0, 0, 4), (-20_000, 0, 1)]), Some(FIRST_MS));
        let mut breaker = Breaker::default();
        breaker.hear(tried(0, 5), i64::MAX);
        breaker.settle(i64::MIN);
        assert_eq!(breaker.open_until(), Some(i64::MAX));
    }
}
