//! The witnesses in the order in which they speak, and when the turn is taken as finished.

use std::time::Duration;

use super::*;
use crate::transcript::Recognition;

/// A witness: `[` and `]` are the beginning and the end of sound as the detector reports them (the last sound 200 ms before the `]`), `gap`,
/// `resumed`, or words with the letters of their flags.
fn decide(policy: &Policy, wanted: Option<Wanted>, facts: &[(u64, &str, &str)]) -> Decision {
    let mut utterance = Utterance::default();
    for (at, words, flags) in facts {
        let now = Timestamp::from_millis(*at);
        match *words {
            "[" => utterance.begin_sound(now),
            "]" => utterance.end_sound(now, now - Duration::from_millis(200)),
            "gap" => utterance.notice_gap(now),
            "resumed" => utterance.go_on(),
            text => utterance.hear(
                now,
                &Recognition {
                    text: text.to_owned(),
                    is_final: flags.contains('f'),
                    ends_utterance: flags.contains('e'),
                    answers_finalize: flags.contains('a'),
                    likely_ended: flags.contains('l'),
                },
            ),
        }
    }
    let completeness = utterance.completeness(wanted);
    utterance.decide(policy, &Pace::default(), completeness)
}

fn at(millis: u64) -> Decision {
    Decision::At(Timestamp::from_millis(millis))
}

#[test]
fn silence_and_words_decide_together() {
    let policy = Policy::by_silence();
    for (what, facts, expected) in [
        (
            "nothing was said",
            &[(0, "[", ""), (500, "]", ""), (700, "", "fe")][..],
            Decision::Wait,
        ),
        (
            "the caller speaks",
            &[(0, "[", ""), (400, "what are your hours?", "")],
            Decision::Wait,
        ),
        (
            "a question that the recogniser ends before the detector does",
            &[(0, "[", ""), (1_150, "What are your hours?", "fe")],
            at(1_100),
        ),
        (
            "a question, finalised: it was quiet for long enough",
            &[
                (0, "[", ""),
                (1_200, "]", ""),
                (1_320, "What are your hours?", "fa"),
            ],
            at(1_200),
        ),
        (
            "a statement may go on",
            &[
                (0, "[", ""),
                (1_200, "]", ""),
                (1_320, "I'd like an appointment.", "fa"),
            ],
            at(1_800),
        ),
        (
            "the answer to the request to finalise is late",
            &[(0, "[", ""), (900, "What are your", ""), (1_200, "]", "")],
            at(2_500),
        ),
        (
            "what stops in the middle",
            &[
                (0, "[", ""),
                (1_200, "]", ""),
                (1_320, "I'd like to come on", "fa"),
            ],
            at(2_500),
        ),
        (
            "a number that lacks digits",
            &[
                (0, "[", ""),
                (1_200, "]", ""),
                (1_320, "My number is 555", "fa"),
            ],
            at(2_500),
        ),
        (
            "the caller goes on: the end that was reported is of an earlier sound",
            &[
                (0, "[", ""),
                (1_150, "I'd like an appointment.", "fe"),
                (1_200, "]", ""),
                (1_300, "[", ""),
            ],
            Decision::Wait,
        ),
        (
            "a new word after the end",
            &[(0, "[", ""), (1_150, "One.", "fe"), (1_300, "Two", "")],
            Decision::Wait,
        ),
        (
            "a gap in spite of a noise that goes on",
            &[
                (0, "[", ""),
                (900, "What are your hours?", "f"),
                (2_000, "gap", ""),
            ],
            at(2_200),
        ),
        (
            "a noise without words after the words",
            &[
                (0, "[", ""),
                (1_150, "What are your hours?", "fe"),
                (1_200, "]", ""),
                (1_300, "[", ""),
                (4_000, "]", ""),
                (4_100, "", "fa"),
            ],
            at(1_200),
        ),
    ] {
        assert_eq!(decide(&policy, None, facts), expected, "{what}");
    }
}

#[test]
fn a_recogniser_that_judges_is_believed_but_not_in_the_middle_of_a_number() {
    let policy = Policy::by_recogniser();
    for (what, facts, expected) in [
        (
            "its word ends the turn",
            &[(0, "[", ""), (1_150, "I'd like an appointment.", "fe")][..],
            at(1_150),
        ),
        (
            "silence alone does not",
            &[
                (0, "[", ""),
                (900, "What are your hours?", ""),
                (1_200, "]", ""),
            ],
            at(5_000),
        ),
        (
            "nor does its guess",
            &[
                (0, "[", ""),
                (1_200, "]", ""),
                (1_210, "What are your hours?", "l"),
            ],
            at(5_000),
        ),
        (
            "a number goes on",
            &[
                (0, "[", ""),
                (1_200, "]", ""),
                (1_400, "My number is 555", "fe"),
            ],
            at(2_500),
        ),
        (
            "it takes its word back",
            &[
                (0, "[", ""),
                (1_200, "]", ""),
                (1_210, "What are your hours?", "l"),
                (1_300, "resumed", ""),
                (1_310, "[", ""),
            ],
            Decision::Wait,
        ),
    ] {
        assert_eq!(decide(&policy, None, facts), expected, "{what}");
    }
}

#[test]
fn what_she_asked_for_is_waited_for() {
    let facts = [
        (0, "[", ""),
        (1_200, "]", ""),
        (1_320, "five five five", "fa"),
    ];
    let policy = Policy::by_silence();
    assert_eq!(decide(&policy, None, &facts), at(1_800));
    assert_eq!(decide(&policy, Some(Wanted::Telephone), &facts), at(2_500));
}

#[test]
fn one_silence_for_everything_is_one_silence_for_everything() {
    let policy = Policy::plain(Duration::from_millis(700));
    for text in [
        "What are your hours?",
        "I'd like to come on",
        "My number is 555",
    ] {
        let facts = [(0, "[", ""), (1_200, "]", ""), (1_320, text, "fa")];
        assert_eq!(decide(&policy, None, &facts), at(1_700), "{text}");
    }
}

#[test]
fn several_finals_are_one_utterance() {
    let mut utterance = Utterance::default();
    for (text, is_final) in [
        ("My number is", true),
        ("five five", false),
        ("five five five", false),
    ] {
        utterance.hear(
            Timestamp::ZERO,
            &Recognition {
                text: text.to_owned(),
                is_final,
                ..Recognition::default()
            },
        );
    }
    assert_eq!(utterance.text(), "My number is five five five");
    utterance.clear();
    assert!(utterance.is_empty());
}
