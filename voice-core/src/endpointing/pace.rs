//! The caller's own pace: how long they pause in the middle of what they say.

use std::collections::VecDeque;
use std::time::Duration;

/// So many of the caller's pauses are remembered: what they did a minute ago says more than what they did at the beginning.
const REMEMBERED: usize = 6;

/// One pause is chance, two are a habit.
const A_HABIT: usize = 2;

/// The pauses after which the caller went on.
#[derive(Clone, Debug, Default)]
pub struct Pace {
    pauses: VecDeque<Duration>,
}

impl Pace {
    /// The caller paused for this long and went on.
    pub fn paused(&mut self, pause: Duration) {
        self.pauses.push_back(pause);
        if self.pauses.len() > REMEMBERED {
            self.pauses.pop_front();
        }
    }

    /// How long to wait for a caller of this pace, where an ordinary one gets `wait`: their longest habitual pause and a fifth, never less, and
    /// at most twice as long.
    #[must_use]
    pub fn stretch(&self, wait: Duration) -> Duration {
        let mut pauses: Vec<Duration> = self.pauses.iter().copied().collect();
        pauses.sort_unstable();
        // The second longest: the longest one may be the chance.
        let habitual = pauses.iter().rev().nth(A_HABIT.saturating_sub(1));
        let own = habitual.map_or(Duration::ZERO, |pause| {
            pause.saturating_add(pause.checked_div(5).unwrap_or_default())
        });
        own.clamp(wait, wait.saturating_mul(2))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slow_caller_is_given_time_and_a_quick_one_is_not() {
        for (pauses, wait, expected) in [
            (&[][..], 400, 400),
            (&[900], 400, 400),
            (&[500, 450], 400, 540),
            (&[2_000, 1_900], 400, 800),
            (&[200, 250], 400, 400),
            (&[900, 900, 100, 100, 100, 100, 100, 100], 400, 400),
        ] {
            let mut pace = Pace::default();
            for pause in pauses {
                pace.paused(Duration::from_millis(*pause));
            }
            assert_eq!(
                pace.stretch(Duration::from_millis(wait)),
                Duration::from_millis(expected),
                "{pauses:?}"
            );
        }
    }
}
