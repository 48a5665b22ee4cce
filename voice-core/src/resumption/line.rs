//! Whether the line to the edge is there, and when to try again if it is not.
//!
//! The driver says what its socket did and asks [`Line::poll`] what to do, at every frame of the microphone and by a timer: a
//! hidden page's timers are slow, and a microphone that stands still sends no frames. What is said again on a new line is [`super::kept`]'s.

use std::time::Duration;

use crate::time::Timestamp;
use crate::wire::{LINE_LOST_AFTER, RESUME_WITHIN};

/// What the driver does next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// Close the socket: this attempt came to nothing.
    Abandon,
    /// The call cannot go on.
    Fail,
    /// Close the socket and tell the page: the line is lost.
    Lose,
    /// Open a socket to go on with the call.
    Open,
    /// Nothing, for now.
    Wait,
}

#[derive(Debug, Default)]
pub struct Line {
    state: State,
    /// When the line was there for the first time or again, or when it was lost.
    since: Timestamp,
    /// Since when the edge has said nothing, or an attempt has lasted.
    quiet: Timestamp,
    polled: Timestamp,
    /// Attempts since a line last held.
    tries: usize,
}

#[derive(Clone, Copy, Debug, Default)]
enum State {
    /// The first line, before the welcome: whoever opens the call watches it.
    #[default]
    First,
    Live,
    /// Its socket has closed and nobody has been told yet.
    Broken,
    /// Nothing is tried before that moment.
    Waiting(Timestamp),
    Opening,
    /// Open, but the edge has not said yet that the call goes on.
    Asking,
    Over,
}

impl Line {
    /// Whether what is said now reaches the edge as far as anybody knows.
    pub const fn is_live(&self) -> bool {
        matches!(self.state, State::First | State::Live)
    }

    /// The edge has welcomed the call.
    pub fn welcomed(&mut self, now: Timestamp) {
        self.hold(now);
    }

    /// The edge has said something, whatever it is.
    pub const fn heard(&mut self) {
        self.quiet = self.polled;
    }

    /// An attempt's socket is open.
    pub fn opened(&mut self) {
        if matches!(self.state, State::Opening) {
            self.state = State::Asking;
            self.heard();
        }
    }

    /// The edge goes on with the call; false if nobody has asked it to.
    pub fn reconnected(&mut self, now: Timestamp) -> bool {
        let asked = matches!(self.state, State::Asking);
        if asked {
            self.hold(now);
        }
        asked
    }

    /// The socket has closed, or could not be opened.
    pub fn closed(&mut self, now: Timestamp) {
        match self.state {
            State::Live => self.state = State::Broken,
            State::Opening | State::Asking => self.wait(now),
            State::First | State::Broken | State::Waiting(_) | State::Over => {}
        }
    }

    /// What to do now; ask again until it is [`Step::Wait`].
    pub fn poll(&mut self, now: Timestamp) -> Step {
        // While a page sleeps, what the edge says waits for it.
        let passed = now.since(self.polled);
        if passed > LONGEST_NAP {
            self.quiet = self.quiet + passed;
        }
        self.polled = now;
        let quiet = now.since(self.quiet);
        match self.state {
            State::Waiting(_) | State::Opening | State::Asking
                if now.since(self.since) >= RESUME_WITHIN =>
            {
                self.state = State::Over;
                Step::Fail
            }
            State::Live if quiet >= LINE_LOST_AFTER => self.lose(now),
            State::Broken => self.lose(now),
            State::Waiting(until) if until <= now => {
                self.state = State::Opening;
                self.heard();
                self.tries = self.tries.saturating_add(1);
                Step::Open
            }
            State::Opening if quiet >= OPENS_WITHIN => self.abandon(now),
            State::Asking if quiet >= LINE_LOST_AFTER => self.abandon(now),
            _ => Step::Wait,
        }
    }

    fn hold(&mut self, now: Timestamp) {
        self.state = State::Live;
        self.since = now;
        self.polled = now;
        self.heard();
    }

    fn lose(&mut self, now: Timestamp) -> Step {
        if now.since(self.since) >= HOLDS_AFTER {
            self.tries = 0;
        }
        self.since = now;
        self.wait(now);
        Step::Lose
    }

    fn abandon(&mut self, now: Timestamp) -> Step {
        self.wait(now);
        Step::Abandon
    }

    fn wait(&mut self, now: Timestamp) {
        let delay = DELAYS.get(self.tries).copied().unwrap_or(LONGEST_DELAY);
        self.state = State::Waiting(now + delay);
    }
}

/// The waits before an attempt, from the first on: a change of network takes a moment, and an edge that was restarted is there at once.
const DELAYS: [Duration; 4] = [
    Duration::ZERO,
    Duration::from_millis(250),
    Duration::from_millis(500),
    Duration::from_millis(1_000),
];
const LONGEST_DELAY: Duration = Duration::from_secs(2);

/// An opening takes several round trips; one that takes longer hangs on a network that is gone, and a browser would wait for minutes.
const OPENS_WITHIN: Duration = Duration::from_secs(4);

/// A line that was there for less did not hold: an edge that takes every browser back and loses it again is not asked without a pause.
const HOLDS_AFTER: Duration = Duration::from_secs(1);

/// A hidden page's timers come once a second; a page that is woken after more has slept, and hears only next what has arrived meanwhile.
const LONGEST_NAP: Duration = Duration::from_millis(1_500);

#[cfg(test)]
mod tests {
    use super::*;

    /// A line and the page's clock, which is asked every quarter of a second.
    struct Page {
        line: Line,
        now: u64,
    }

    impl Page {
        fn welcomed() -> Self {
            let mut page = Self {
                line: Line::default(),
                now: 1_000,
            };
            page.line.welcomed(page.now());
            page
        }

        fn now(&self) -> Timestamp {
            Timestamp::from_millis(self.now)
        }

        fn steps(&mut self) -> Vec<Step> {
            std::iter::from_fn(|| Some(self.line.poll(self.now())))
                .take_while(|step| *step != Step::Wait)
                .collect()
        }

        /// What is done until `until`, and how many milliseconds after `from` it was.
        fn run(&mut self, from: u64, until: u64) -> Vec<(u64, Step)> {
            let mut done = Vec::new();
            while self.now < until {
                self.now += 250;
                let at = self.now - from;
                done.extend(self.steps().into_iter().map(|step| (at, step)));
            }
            done
        }

        fn close(&mut self) -> Vec<Step> {
            self.line.closed(self.now());
            self.steps()
        }
    }

    #[test]
    fn a_line_that_the_edge_speaks_on_is_there() {
        let mut page = Page::welcomed();
        for _ in 0..20 {
            let from = page.now;
            assert_eq!(page.run(from, from + 3_750), []);
            page.line.heard();
        }
        assert!(page.line.is_live());
    }

    #[test]
    fn a_line_that_falls_silent_is_lost_and_tried_again_at_once() {
        let mut page = Page::welcomed();
        assert_eq!(
            page.run(1_000, 6_000),
            [(4_000, Step::Lose), (4_000, Step::Open)]
        );
        assert!(!page.line.is_live());
    }

    #[test]
    fn a_line_that_closes_is_lost_and_tried_again_at_once() {
        assert_eq!(Page::welcomed().close(), [Step::Lose, Step::Open]);
    }

    #[test]
    fn before_the_welcome_nothing_is_tried_again() {
        let mut line = Line::default();
        for second in 0..60 {
            line.closed(Timestamp::from_millis(1_000 * second));
            let step = line.poll(Timestamp::from_millis(1_000 * second));
            assert_eq!(step, Step::Wait);
        }
        assert!(line.is_live());
    }

    #[test]
    fn attempts_that_fail_come_further_and_further_apart_until_it_is_too_late() {
        let mut page = Page::welcomed();
        let lost = page.now;
        let mut tried = Vec::new();
        let mut steps = page.close();
        loop {
            let at = page.now - lost;
            if steps.contains(&Step::Open) {
                tried.push(at);
                page.line.closed(page.now());
            }
            if steps.contains(&Step::Fail) {
                assert_eq!(at, 30_000);
                break;
            }
            page.now += 250;
            steps = page.steps();
        }
        let mut expected = vec![0, 250, 750, 1_750];
        expected.extend((3_750..30_000).step_by(2_000));
        assert_eq!(tried, expected);
        assert_eq!(page.run(lost, lost + 60_000), []);
    }

    #[test]
    fn an_attempt_that_neither_opens_nor_fails_is_given_up() {
        let mut page = Page::welcomed();
        let lost = page.now;
        page.close();
        assert_eq!(
            page.run(lost, lost + 9_000),
            [
                (4_000, Step::Abandon),
                (4_250, Step::Open),
                (8_250, Step::Abandon),
                (8_750, Step::Open),
            ]
        );
    }

    #[test]
    fn an_edge_that_does_not_answer_is_asked_again() {
        let mut page = Page::welcomed();
        let lost = page.now;
        page.close();
        page.now += 2_000;
        page.steps();
        page.line.opened();
        assert_eq!(
            page.run(lost, lost + 8_000),
            [(6_000, Step::Abandon), (6_250, Step::Open)]
        );
        assert!(
            !page.line.reconnected(page.now()),
            "nobody has asked on this socket"
        );
    }

    #[test]
    fn a_line_that_held_is_tried_again_at_once_and_has_all_the_time_again() {
        let mut page = Page::welcomed();
        for _ in 0..3 {
            page.close();
            page.line.opened();
            assert!(!page.line.is_live());
            assert!(page.line.reconnected(page.now()));
            assert!(page.line.is_live());
            for _ in 0..10 {
                let from = page.now;
                assert_eq!(page.run(from, from + 3_000), []);
                page.line.heard();
            }
        }
        let lost = page.now;
        assert_eq!(page.close(), [Step::Lose, Step::Open]);
        assert!(
            page.run(lost, lost + 29_750)
                .iter()
                .all(|(_, step)| *step != Step::Fail)
        );
    }

    #[test]
    fn a_line_that_is_lost_again_and_again_is_not_asked_without_a_pause() {
        let mut page = Page::welcomed();
        page.close();
        let begun = page.now;
        let mut opened = 0;
        while page.now < begun + 60_000 {
            page.line.opened();
            page.line.reconnected(page.now());
            let steps = page.close();
            opened += usize::from(steps.contains(&Step::Open));
            page.now += 250;
            opened += usize::from(page.steps().contains(&Step::Open));
        }
        assert!((25..40).contains(&opened), "{opened} attempts in a minute");
    }

    #[test]
    fn a_page_that_slept_hears_first_what_has_arrived() {
        let mut page = Page::welcomed();
        page.now += 3_600_000;
        assert_eq!(page.steps(), []);
        page.line.heard();
        let from = page.now;
        assert_eq!(page.run(from, from + 3_750), []);
    }
}
