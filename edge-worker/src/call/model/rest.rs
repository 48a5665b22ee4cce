//! Models that are left alone for a while: those that asked for it, and those that have just failed.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

use crate::providers::ModelFailure;

/// How long a model that broke off or did not answer comes second. A turn or two; then it has another chance.
const BROKEN_MS: u64 = 10_000;

/// How long a model that the vendor does not have, or not for us, comes second: it will not come back within a call.
const GONE_MS: u64 = 600_000;

/// Until when each model of a call rests, in milliseconds since 1970.
#[derive(Clone, Debug, Default)]
pub(in crate::call) struct Resting(Rc<RefCell<BTreeMap<String, Rest>>>);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Rest {
    until: u64,
    /// It asked for it, so it is not asked before.
    is_owed: bool,
}

impl Resting {
    /// Takes note of a failure.
    pub(super) fn note(&self, model: &str, failure: &ModelFailure, now: u64) {
        let (millis, is_owed) = match failure {
            ModelFailure::RetryAfter { millis, reason } => {
                (u64::from(*millis), reason.starts_with("429"))
            }
            ModelFailure::TryAnother { reason } if reason.starts_with("404") => (GONE_MS, false),
            ModelFailure::TryAnother { .. } => (BROKEN_MS, false),
            ModelFailure::Hopeless { .. } | ModelFailure::TooLong => return,
        };
        let rest = Rest {
            until: now.saturating_add(millis),
            is_owed,
        };
        self.0.borrow_mut().insert(model.to_owned(), rest);
    }

    /// The models to ask, those that rest behind the others, and those that asked for it not at all.
    pub(super) fn in_order(&self, models: &[String], now: u64) -> Vec<String> {
        let resting = self.0.borrow();
        let rest = |model: &String| resting.get(model).filter(|rest| rest.until > now);
        let mut asked: Vec<String> = models
            .iter()
            .filter(|model| rest(model).is_none_or(|rest| !rest.is_owed))
            .cloned()
            .collect();
        asked.sort_by_key(|model| rest(model).map_or(0, |rest| rest.until));
        asked
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn order(resting: &Resting, now: u64) -> String {
        let models = ["first", "second"].map(str::to_owned);
        resting.in_order(&models, now).join(" ")
    }

    #[test]
    fn who_asked_for_time_gets_it_and_who_broke_comes_second() {
        let reason = |reason: &str| reason.to_owned();
        let resting = Resting::default();
        assert_eq!(order(&resting, 0), "first second");
        let broken = ModelFailure::TryAnother {
            reason: reason("stream ended early"),
        };
        resting.note("first", &broken, 0);
        assert_eq!(order(&resting, 1), "second first");
        assert_eq!(order(&resting, BROKEN_MS), "first second");
        let limit = ModelFailure::RetryAfter {
            millis: 31_013,
            reason: reason("429 rate_limit_exceeded"),
        };
        resting.note("first", &limit, 0);
        assert_eq!(order(&resting, 31_012), "second");
        assert_eq!(order(&resting, 31_013), "first second");
        let gone = ModelFailure::TryAnother {
            reason: reason("404 model_not_found"),
        };
        resting.note("second", &gone, 0);
        assert_eq!(order(&resting, 1), "second", "better than nobody");
        resting.note("second", &ModelFailure::TooLong, 40_000);
        assert_eq!(order(&resting, 40_001), "first second");
    }
}
