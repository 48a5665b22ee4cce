//! What a board knows of calls: no clock, no storage, no sockets.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{LiveCall, LiveEvent, Report};
use crate::warden::SafeMode;

/// A call that has not reported for so long is over: its object was lost, since no call lasts half an hour.
const SILENT_MS: u64 = 40 * 60 * 1_000;

/// How long it is remembered that a call is over, for reports of it that are still on their way.
const OVER_MS: u64 = 60 * 1_000;

/// A call, as it reported last.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Row {
    report: Report,
    heard_at: u64,
}

impl Row {
    fn call(&self) -> Option<LiveCall> {
        let report = &self.report;
        Some(LiveCall {
            id: report.call.clone(),
            site: report.site.clone(),
            door: report.door,
            state: report.state?,
            caller: report.caller.clone(),
            started_at: report.started_at,
            turns: report.turns,
        })
    }

    fn due(&self) -> u64 {
        let patience = match self.report.state {
            Some(_) => SILENT_MS,
            None => OVER_MS,
        };
        self.heard_at.saturating_add(patience)
    }
}

/// The mode, as the warden told it last.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Told {
    /// Grows with each change: one that comes late is not news.
    pub(super) n: u64,
    pub(super) mode: SafeMode,
}

/// What a report changes.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct News {
    /// To be kept.
    pub(super) row: Option<Row>,
    pub(super) event: Option<LiveEvent>,
    /// A call that has begun and for which there is no room.
    pub(super) is_full: bool,
    /// Calls that were over long ago.
    pub(super) forgotten: Vec<String>,
}

/// What time changes.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Silent {
    /// Calls that were on.
    pub(super) gone: Vec<String>,
    /// All that is not to be kept, those among them.
    pub(super) forgotten: Vec<String>,
}

#[derive(Debug, Default)]
pub(super) struct Board {
    rows: BTreeMap<String, Row>,
    told: Told,
}

impl Board {
    pub(super) fn of(rows: impl Iterator<Item = Row>, told: Told) -> Self {
        Self {
            rows: rows.map(|row| (row.report.call.clone(), row)).collect(),
            told,
        }
    }

    /// Takes a report in. No call begins while so many are on.
    pub(super) fn hear(&mut self, mut report: Report, most: usize, now: u64) -> News {
        let mut news = News {
            forgotten: self.forget_over(now),
            ..News::default()
        };
        let known = self.rows.get(&report.call);
        if known.is_some_and(|known| known.report.n >= report.n || known.report.state.is_none()) {
            return news;
        }
        if let Some(known) = known {
            // It rang before its own object was there.
            report.started_at = known.report.started_at;
        }
        let was_on = known.is_some();
        let is_on = report.state.is_some();
        if !was_on && is_on && self.count() >= most {
            news.is_full = true;
            return news;
        }
        let id = report.call.clone();
        let row = Row {
            report,
            heard_at: now,
        };
        news.event = match row.call() {
            Some(call) => Some(LiveEvent::Call(call)),
            None if was_on => Some(LiveEvent::Gone { id: id.clone() }),
            None => None,
        };
        news.row = Some(row.clone());
        self.rows.insert(id, row);
        news
    }

    /// Takes the mode in, and gives it back if it is news.
    pub(super) fn hear_mode(&mut self, told: Told) -> Option<Told> {
        let is_news = self.told.n < told.n;
        is_news.then(|| {
            self.told = told.clone();
            told
        })
    }

    /// Drops what has been silent for too long.
    pub(super) fn sweep(&mut self, now: u64) -> Silent {
        let mut silent = Silent {
            gone: Vec::new(),
            forgotten: self.forget_over(now),
        };
        let on = self.rows.iter().filter(|(_, row)| row.due() <= now);
        silent.gone = on.map(|(id, _)| id.clone()).collect();
        for id in &silent.gone {
            self.rows.remove(id);
        }
        silent.forgotten.extend(silent.gone.iter().cloned());
        silent
    }

    /// When something may be silent for too long next.
    pub(super) fn due(&self) -> Option<u64> {
        self.rows.values().map(Row::due).min()
    }

    /// All that is known, for a page that comes.
    pub(super) fn snapshot(&self) -> LiveEvent {
        LiveEvent::Snapshot {
            calls: self.calls(),
            safe_mode: self.told.mode.clone(),
        }
    }

    /// The calls that are on, the oldest first.
    fn calls(&self) -> Vec<LiveCall> {
        let mut calls: Vec<LiveCall> = self.on().collect();
        calls.sort_by(|a, b| (a.started_at, &a.id).cmp(&(b.started_at, &b.id)));
        calls
    }

    fn count(&self) -> usize {
        let rows = self.rows.values();
        rows.filter(|row| row.report.state.is_some()).count()
    }

    fn on(&self) -> impl Iterator<Item = LiveCall> + '_ {
        self.rows.values().filter_map(Row::call)
    }

    /// Forgets calls that were over some time ago.
    fn forget_over(&mut self, now: u64) -> Vec<String> {
        let is_old = |row: &Row| row.report.state.is_none() && row.due() <= now;
        let over = self.rows.iter().filter(|(_, row)| is_old(row));
        let over: Vec<String> = over.map(|(id, _)| id.clone()).collect();
        for id in &over {
            self.rows.remove(id);
        }
        over
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::live_board::LiveState;
    use crate::store::record::Door;

    const NOW: u64 = 1_795_000_000_000;
    const MOST: usize = 3;

    fn report(call: &str, n: u32, state: Option<LiveState>) -> Report {
        Report {
            call: call.to_owned(),
            site: "demo-dental".to_owned(),
            door: Door::Phone,
            caller: Some("+12025550143".to_owned()),
            started_at: 1,
            turns: n,
            state,
            n,
        }
    }

    fn told(n: u64, on: bool) -> Told {
        let mode = SafeMode {
            on,
            by: on.then(|| "Zoë".to_owned()),
            ..SafeMode::default()
        };
        Told { n, mode }
    }

    fn ids(board: &Board) -> Vec<String> {
        board.calls().into_iter().map(|call| call.id).collect()
    }

    #[test]
    fn a_call_is_there_from_its_first_report_until_its_last() {
        let mut board = Board::default();
        let begun = board.hear(report("a", 1, Some(LiveState::Ringing)), MOST, NOW);
        assert!(
            matches!(begun.event, Some(LiveEvent::Call(call)) if call.state == LiveState::Ringing)
        );
        let spoke = board.hear(report("a", 3, Some(LiveState::Speaking)), MOST, NOW + 1);
        assert!(matches!(spoke.event, Some(LiveEvent::Call(call)) if call.turns == 3));
        // One that was overtaken.
        assert_eq!(
            board.hear(report("a", 2, Some(LiveState::Listening)), MOST, NOW + 2),
            News::default()
        );
        assert_eq!(ids(&board), ["a"]);
        let over = board.hear(report("a", 4, None), MOST, NOW + 3);
        assert_eq!(over.event, Some(LiveEvent::Gone { id: "a".to_owned() }));
        assert_eq!(
            board.hear(report("a", 5, Some(LiveState::Listening)), MOST, NOW + 4),
            News::default()
        );
        assert!(ids(&board).is_empty());
        // The end of one that nobody knew is no news, and is remembered all the same.
        assert_eq!(board.hear(report("b", 9, None), MOST, NOW + 5).event, None);
        assert_eq!(
            board.hear(report("b", 8, Some(LiveState::Listening)), MOST, NOW + 6),
            News::default()
        );
    }

    #[test]
    fn what_is_over_is_forgotten_in_the_end() {
        let mut board = Board::default();
        board.hear(report("a", 1, None), MOST, NOW);
        let news = board.hear(
            report("b", 1, Some(LiveState::Listening)),
            MOST,
            NOW + OVER_MS,
        );
        assert_eq!(news.forgotten, ["a"]);
        assert_eq!(board.rows.len(), 1);
    }

    #[test]
    fn a_call_that_is_silent_is_dropped() {
        let mut board = Board::default();
        board.hear(report("a", 1, Some(LiveState::Listening)), MOST, NOW);
        board.hear(report("b", 1, Some(LiveState::Listening)), MOST, NOW + 5);
        assert_eq!(board.due(), Some(NOW + SILENT_MS));
        assert_eq!(board.sweep(NOW + SILENT_MS - 1), Silent::default());
        let silent = board.sweep(NOW + SILENT_MS);
        assert_eq!(
            (silent.gone, silent.forgotten),
            (vec!["a".to_owned()], vec!["a".to_owned()])
        );
        assert_eq!(
            (ids(&board), board.due()),
            (vec!["b".to_owned()], Some(NOW + 5 + SILENT_MS))
        );
    }

    #[test]
    fn a_page_that_comes_is_told_the_mode_that_was_told_last() {
        let mut board = Board::default();
        for (n, on, is_news) in [
            (2, true, true),
            (1, false, false),
            (2, false, false),
            (3, false, true),
        ] {
            let news = board.hear_mode(told(n, on));
            assert_eq!(news.is_some(), is_news, "{n}");
        }
        let LiveEvent::Snapshot { safe_mode, .. } = board.snapshot() else {
            panic!("{:?}", board.snapshot());
        };
        assert!(!safe_mode.on);
    }

    #[test]
    fn a_call_beyond_the_bound_is_told_so_and_is_not_counted() {
        let mut board = Board::default();
        let on = Some(LiveState::Listening);
        for n in 0..MOST {
            let news = board.hear(report(&n.to_string(), 1, on), MOST, NOW);
            assert!(!news.is_full, "{n}");
        }
        let beyond = board.hear(report("x", 1, on), MOST, NOW);
        assert!(beyond.is_full && beyond.event.is_none() && beyond.row.is_none());
        assert_eq!(board.calls().len(), MOST);
        // Whoever is in stays in, by whatever bound, and an end is always heard.
        assert!(!board.hear(report("0", 2, on), 1, NOW).is_full);
        assert!(!board.hear(report("x", 2, None), MOST, NOW).is_full);
        // A call that ends leaves its place, once.
        board.hear(report("0", 3, None), MOST, NOW);
        assert!(!board.hear(report("y", 1, on), MOST, NOW).is_full);
        assert!(board.hear(report("z", 1, on), MOST, NOW).is_full);
    }

    #[test]
    fn a_call_that_died_without_a_word_leaves_its_place() {
        let mut board = Board::default();
        let on = Some(LiveState::Listening);
        board.hear(report("a", 1, on), 1, NOW);
        assert!(board.hear(report("b", 1, on), 1, NOW).is_full);
        board.sweep(NOW + SILENT_MS);
        assert!(!board.hear(report("c", 1, on), 1, NOW + SILENT_MS).is_full);
    }

    #[test]
    fn a_board_that_slept_is_the_same() {
        let mut board = Board::default();
        let mut rows = Vec::new();
        for (id, n) in [("b", 2), ("a", 1)] {
            rows.extend(
                board
                    .hear(report(id, n, Some(LiveState::Thinking)), MOST, NOW)
                    .row,
            );
        }
        let rows = rows.iter().map(|row| serde_json::to_string(row).unwrap());
        let told = board.hear_mode(told(1, true)).unwrap();
        let told = serde_json::to_string(&told).unwrap();
        let again = Board::of(
            rows.map(|row| serde_json::from_str(&row).unwrap()),
            serde_json::from_str(&told).unwrap(),
        );
        assert_eq!(again.snapshot(), board.snapshot());
        assert_eq!(ids(&again), ["a", "b"]);
    }

    #[test]
    fn a_frame_of_the_mode_names_its_kind_too() {
        let frame = serde_json::to_value(LiveEvent::SafeMode(SafeMode::default())).unwrap();
        assert_eq!(
            frame,
            serde_json::json!({
                "type": "safe_mode", "on": false, "since": null, "cause": null, "by": null, "until": null, "causes": [],
            })
        );
    }

    #[test]
    fn a_frame_names_its_kind() {
        let mut board = Board::default();
        let event = board
            .hear(report("a", 1, Some(LiveState::Thinking)), MOST, NOW)
            .event;
        let told = serde_json::to_value(event).unwrap();
        assert_eq!(
            told,
            serde_json::json!({
                "type": "call", "id": "a", "site": "demo-dental", "door": "phone", "state": "thinking",
                "caller": "+12025550143", "started_at": 1, "turns": 1,
            })
        );
    }
}
