//! Which report goes out next: one at a time, in their order, the last one included.

use std::collections::VecDeque;

use crate::warden::Report;

/// How often a report that is not answered is sent again once the call is over. While it is on, the next look sends it again; after that nobody does.
/// A warden that is being moved answers the second time; more would keep an object awake for one that is down.
const TRIES_AT_END: u8 = 2;

#[derive(Default)]
pub(super) struct Outbox {
    /// The first is under way, or was not answered.
    reports: VecDeque<Report>,
    is_under_way: bool,
    /// None while the call is on.
    tries_left: Option<u8>,
}

impl Outbox {
    /// What goes out now: what was not answered, else a new one. Nothing while one is under way.
    pub(super) fn open(&mut self, make: impl FnOnce() -> Report) -> Option<Report> {
        if self.is_under_way || self.tries_left.is_some() {
            return None;
        }
        if self.reports.is_empty() {
            self.reports.push_back(make());
        }
        self.next()
    }

    /// The call is over. What goes out now; behind one that is under way the last waits.
    pub(super) fn close(&mut self, last: Option<Report>) -> Option<Report> {
        self.tries_left = Some(TRIES_AT_END);
        self.reports.extend(last);
        if self.is_under_way { None } else { self.next() }
    }

    /// What was under way has been answered, or has failed. What goes out after it without being asked for.
    pub(super) fn done(&mut self, is_answered: bool) -> Option<Report> {
        self.is_under_way = false;
        if is_answered {
            self.reports.pop_front();
        }
        let tries_left = self.tries_left.as_mut()?;
        if !is_answered {
            match tries_left.checked_sub(1) {
                Some(left) => *tries_left = left,
                None => self.reports.clear(),
            }
        }
        self.next()
    }

    fn next(&mut self) -> Option<Report> {
        let next = self.reports.front().cloned();
        self.is_under_way = next.is_some();
        next
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report(n: u32) -> Report {
        Report {
            n,
            ..Report::default()
        }
    }

    fn number(report: Option<Report>) -> Option<u32> {
        report.map(|report| report.n)
    }

    #[test]
    fn one_goes_out_at_a_time_and_again_until_it_is_answered() {
        let mut outbox = Outbox::default();
        assert_eq!(number(outbox.open(|| report(1))), Some(1));
        assert_eq!(number(outbox.open(|| report(2))), None);
        assert_eq!(number(outbox.done(false)), None);
        assert_eq!(number(outbox.open(|| report(2))), Some(1));
        assert_eq!(number(outbox.done(true)), None);
        assert_eq!(number(outbox.open(|| report(2))), Some(2));
    }

    #[test]
    fn the_last_waits_for_the_one_that_is_under_way() {
        let mut outbox = Outbox::default();
        outbox.open(|| report(1));
        assert_eq!(number(outbox.close(Some(report(2)))), None);
        assert_eq!(number(outbox.done(true)), Some(2));
        assert_eq!(number(outbox.done(true)), None);
        assert_eq!(number(outbox.open(|| report(3))), None);
    }

    #[test]
    fn the_last_goes_out_behind_what_was_not_answered() {
        let mut outbox = Outbox::default();
        outbox.open(|| report(1));
        outbox.done(false);
        assert_eq!(number(outbox.close(Some(report(2)))), Some(1));
        assert_eq!(number(outbox.done(true)), Some(2));
        assert_eq!(number(outbox.done(true)), None);
    }

    #[test]
    fn a_call_that_has_nothing_left_to_tell_sends_nothing() {
        assert_eq!(number(Outbox::default().close(None)), None);
    }

    #[test]
    fn there_is_an_end_to_asking_a_warden_that_does_not_answer() {
        let mut outbox = Outbox::default();
        outbox.open(|| report(1));
        outbox.close(Some(report(2)));
        for _ in 0..TRIES_AT_END {
            assert_eq!(number(outbox.done(false)), Some(1));
        }
        assert_eq!(number(outbox.done(false)), None);
        assert!(outbox.reports.is_empty());
    }
}
