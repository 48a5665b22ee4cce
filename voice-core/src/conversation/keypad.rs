//! The caller's keys: digits are words that need no recogniser, and pressing one is asking for the floor.

use std::time::Duration;

use super::{Conversation, Timer};
use crate::time::Timestamp;
use crate::wire::Phase;

/// How long after a digit the next one may take. Menus allow five seconds, for callers who must look the number up first; who has
/// begun to key is faster, and waits for the answer.
const NEXT_KEY: Duration = Duration::from_millis(2_500);

/// The key that asks for a person, when it is all that was pressed: every switchboard has it there.
const OPERATOR: &str = "0";

/// What that key says where nobody is there to be put through to.
const A_PERSON: &str = "I would like to speak to a person.";

impl Conversation {
    /// A key was pressed.
    pub(super) fn on_key(&mut self, now: Timestamp, key: char) {
        if !(key.is_ascii_digit() || matches!(key, '*' | '#')) {
            return;
        }
        match self.phase {
            Phase::Listening => {
                self.take_key(now, key);
                self.timers.set(Timer::Silence, now, self.config.silence);
                self.caption_caller(false);
                self.follow_witnesses(now);
            }
            Phase::Processing if self.protected => self.take_key(now, key),
            // What it would end is over already, and there is nothing to forget.
            Phase::Processing if key == '#' || (key == '*' && self.caller.is_empty()) => {}
            Phase::Processing => {
                let words = self.caller_words().to_owned();
                self.utterance.prepend(&words);
                let keys = std::mem::take(&mut self.caller_keys);
                self.utterance.prepend_keys(&keys);
                self.caller.clear();
                self.take_key(now, key);
                self.withdraw(now);
            }
            Phase::Speaking if !self.protected => {
                self.take_key(now, key);
                self.interrupt(now, "keypad");
            }
            Phase::Speaking | Phase::Interrupted => self.take_key(now, key),
            Phase::Idle | Phase::Ended => {}
        }
    }

    fn take_key(&mut self, now: Timestamp, key: char) {
        self.prompted = false;
        match key {
            '#' => self.utterance.complete_keys(),
            '*' => {
                self.utterance.forget_keys();
                self.timers.stop(Timer::Keypad);
            }
            digit => {
                self.utterance.press(digit);
                self.keyed_at = now;
            }
        }
    }

    /// Nothing but the next key, or none, says when a number is complete.
    pub(super) fn await_keys(&mut self) {
        self.timers.set(Timer::Keypad, self.keyed_at, NEXT_KEY);
    }

    /// No other key has followed.
    pub(super) fn on_keying_over(&mut self, now: Timestamp) {
        if self.phase != Phase::Listening {
            return;
        }
        if self.utterance.is_voiced() {
            // The caller goes on in words, and those end as words do.
            self.utterance.settle_keys();
            self.timers.set(Timer::Silence, now, self.config.silence);
            self.follow_witnesses(now);
        } else {
            self.commit_keys(now);
        }
    }

    pub(super) fn commit_keys(&mut self, now: Timestamp) {
        self.commit(now, "keypad");
        // Words said with the keys may still be on their way.
        self.caller_uncertain = true;
    }

    /// Whether the caller asks for a person by pressing nothing but that key; where there is none, in words.
    pub(super) fn name_the_operator_key(&mut self) -> bool {
        let asks = self.utterance.has_no_words() && self.utterance.keys() == OPERATOR;
        if asks && !self.config.can_transfer {
            self.utterance.forget_keys();
            self.utterance.prepend(A_PERSON);
        }
        asks
    }

    /// What the caller said to open this turn, without the keys.
    pub(super) fn caller_words(&self) -> &str {
        self.caller
            .strip_suffix(&self.caller_keys)
            .unwrap_or(&self.caller)
            .trim_end()
    }
}
