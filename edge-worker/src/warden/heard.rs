//! Which reports have been heard, so that one that is sent twice counts once.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// How long a call is remembered after its last report: none lasts half an hour.
const REMEMBERED_MS: i64 = 60 * 60_000;

/// The most calls that are remembered: 250 at once, and no business may have more, of three minutes each, for half an hour. With more, what was
/// heard longest ago is forgotten, and nobody sends that again.
const MOST: usize = 2_500;

/// The last report of one call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Last {
    pub(super) n: u32,
    pub(super) at: i64,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Heard {
    calls: BTreeMap<String, Last>,
}

impl Heard {
    pub(super) fn of(rows: impl Iterator<Item = (String, Last)>) -> Self {
        Self {
            calls: rows.collect(),
        }
    }

    /// Whether the report `n` of a call is news. From then on it is not.
    pub(super) fn is_news(&mut self, call: &str, n: u32, now: i64) -> bool {
        if self.calls.get(call).is_some_and(|last| last.n >= n) {
            return false;
        }
        self.calls.insert(call.to_owned(), Last { n, at: now });
        true
    }

    /// Forgets the calls that are long over, and the oldest of too many. Gives their ids.
    pub(super) fn forget(&mut self, now: i64) -> Vec<String> {
        let since = now.saturating_sub(REMEMBERED_MS);
        let old = self.calls.iter().filter(|(_, last)| last.at <= since);
        let mut forgotten: Vec<String> = old.map(|(call, _)| call.clone()).collect();
        for call in &forgotten {
            self.calls.remove(call);
        }
        while self.calls.len() > MOST {
            let oldest = self.calls.iter().min_by_key(|(_, last)| last.at);
            let Some(oldest) = oldest.map(|(call, _)| call.clone()) else {
                break;
            };
            self.calls.remove(&oldest);
            forgotten.push(oldest);
        }
        forgotten
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: i64 = 1_795_000_000_000;

    #[test]
    fn a_report_is_news_once() {
        let mut heard = Heard::default();
        for (call, n, is_news) in [
            ("a", 1, true),
            ("a", 1, false),
            ("b", 1, true),
            ("a", 2, true),
            ("a", 1, false),
            ("a", 9, true),
            ("a", 9, false),
        ] {
            assert_eq!(heard.is_news(call, n, NOW), is_news, "{call} {n}");
        }
    }

    #[test]
    fn a_call_is_forgotten_an_hour_after_its_last_report() {
        let mut heard = Heard::default();
        heard.is_news("a", 1, NOW);
        heard.is_news("b", 1, NOW + 1);
        assert!(heard.forget(NOW + REMEMBERED_MS - 1).is_empty());
        assert!(!heard.is_news("a", 1, NOW + REMEMBERED_MS - 1));
        assert_eq!(heard.forget(NOW + REMEMBERED_MS), ["a"]);
        assert!(heard.is_news("a", 1, NOW + REMEMBERED_MS));
    }

    #[test]
    fn there_is_an_end_to_what_is_remembered() {
        let mut heard = Heard::default();
        let mut forgotten = Vec::new();
        for n in 0..MOST + 3 {
            let at = NOW + i64::try_from(n).unwrap();
            heard.is_news(&format!("{n}"), 1, at);
            forgotten.extend(heard.forget(at));
        }
        assert_eq!(forgotten, ["0", "1", "2"]);
        assert_eq!(heard.calls.len(), MOST);
    }
}
