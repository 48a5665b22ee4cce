//! Callers who say anything.

use super::{MOBILE, Practice};

/// What callers say and recognisers make of it, in any order.
const SCRAPS: [&str; 72] = [
    "a",
    "actually",
    "afternoon",
    "Ada",
    "appointment",
    "at",
    "bye",
    "book",
    "cancel",
    "cleaning",
    "day",
    "December",
    "eleven",
    "evening",
    "fifteen",
    "first",
    "for",
    "Friday",
    "from",
    "goodbye",
    "haircut",
    "half",
    "how much",
    "I'd like",
    "in",
    "instead",
    "it's",
    "I'm",
    "later",
    "later one",
    "leave a message",
    "message that",
    "Monday",
    "morning",
    "move my",
    "my name is",
    "never mind",
    "next",
    "nine",
    "no",
    "o'clock",
    "of",
    "Okafor",
    "on",
    "one",
    "open",
    "past",
    "pm",
    "quarter",
    "second",
    "the",
    "third",
    "thirty",
    "this",
    "three",
    "to",
    "to-morrow",
    "Tues.",
    "twenty",
    "two",
    "wait",
    "week",
    "weeks",
    "yes",
    "2",
    "10:30",
    "31st",
    "99999999999999999999",
    "555 0143",
    "+1 202 555 0143",
    "İ é 東京",
    "?!",
];

/// What brings a call on.
const LINES: [&str; 6] = [
    "I'd like a haircut on Friday afternoon.",
    "The second one.",
    "It's Ada Okafor.",
    "202 555 0143",
    "Yes.",
    "Yes, please.",
];

/// Numbers that are the same in every run.
struct Dice(u64);

impl Dice {
    fn throw(&mut self, sides: usize) -> usize {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % sides
    }
}

#[test]
fn she_has_an_answer_to_everything_and_books_nothing_that_was_not_agreed_to() {
    let mut dice = Dice(1);
    let mut booked = 0;
    for round in 0..80 {
        let mut practice = Practice::open();
        practice.book("cleaning", "2026-11-27", "10:00", "Ada Okafor", MOBILE);
        let mut call = practice.call(if round % 2 == 0 { MOBILE } else { None });
        let mut before = String::new();
        for _ in 0..14 {
            let line = if dice.throw(2) == 0 {
                LINES[dice.throw(LINES.len())].to_owned()
            } else {
                let words = (0..=dice.throw(5)).map(|_| SCRAPS[dice.throw(SCRAPS.len())]);
                words.collect::<Vec<_>>().join(" ")
            };
            let answer = call.say(&line);
            assert!(!answer.trim().is_empty(), "no answer to {line:?}");
            if answer.contains("[book_appointment") {
                booked += 1;
                assert!(
                    before.ends_with("Shall I book it?"),
                    "{before:?}, {line:?}: {answer}"
                );
            }
            if answer.contains("[end_call") {
                break;
            }
            before = answer;
        }
    }
    assert!(booked > 0, "nobody got as far as a booking");
}
