//! What is kept of a call that ends in the middle of something.

use std::time::Duration;

use expect_test::expect;
use voice_core::conversation::{Fault, Input};
use voice_core::latency::TurnOutcome;
use voice_core::transcript::Recognition;
use voice_core::turn::ForTurn;

use crate::call::{Call, config, with_a_person};

#[test]
fn what_the_caller_had_begun_to_say_is_kept() {
    let mut call = Call::listening(config());
    call.tell(Input::SpeechStarted);
    call.wait(500);
    call.guess("I want to cancel my", false);
    call.tell(Input::CallerLeft);
    call.check(&expect![[r#"
        500   record: "I want to cancel my" → ""
        500   turn 2: Ended (call over)
        500   hangs up: HungUp
    "#]]);
    assert_eq!(call.outcomes, [TurnOutcome::HungUp]);
    // Nothing was said, and nothing is kept.
    let mut call = Call::listening(config());
    call.tell(Input::CallerLeft);
    assert_eq!(call.outcomes, []);
}

#[test]
fn so_is_what_was_said_over_her() {
    let mut call = Call::listening(config());
    call.say("Are you open today?");
    call.model("We are open from nine to five.", None);
    call.voice();
    call.tell(Input::SpeechStarted);
    call.hear("no, wait, on Monday");
    call.tell(Input::SpeechEnded {
        silence: Duration::from_millis(192),
    });
    call.trace.clear();
    call.tell(Input::CallerLeft);
    call.check(&expect![[r#"
        1200  record: "Are you open today?" → ""
        1200  record: "no, wait, on Monday" → ""
        1200  turn 4: Ended (call over)
        1200  hangs up: HungUp
    "#]]);
    assert_eq!(
        call.outcomes,
        [TurnOutcome::Interrupted, TurnOutcome::HungUp]
    );
}

#[test]
fn a_recogniser_that_is_lost_is_no_hang_up() {
    let mut call = Call::listening(config());
    call.say("Are you open today?");
    call.model("We are open from nine to five.", None);
    call.voice();
    call.trace.clear();
    call.tell(Input::RecogniserLost);
    call.heard_all();
    call.voice();
    call.heard_all();
    call.check(&expect![[r#"
        1200  record: "Are you open today?" → "We are open from nine to five."
        1200  turn 3: Listening (heard)
        1200  turn 3: Processing (recogniser lost)
        1200  says: I'm sorry, I can't hear you any more. Please call again in a few minutes.
        1200  turn 3: Speaking (first sound)
        1200  plays 8000 samples
        1200  mark behind piece 0
        1200  record: "" → "I'm sorry, I can't hear you any more. Please call again in a few minutes."
        1200  turn 5: Ended (call over)
        1200  hangs up: Failed
    "#]]);
}

#[test]
fn who_cannot_be_heard_any_more_is_put_through_if_somebody_is_there() {
    let mut call = Call::listening(with_a_person());
    call.guess("I want to", false);
    call.tell(Input::RecogniserLost);
    call.voice();
    call.heard_all();
    call.check(&expect![[r#"
        0     turn 1: Processing (recogniser lost)
        0     says: One moment, I'll put you through.
        0     turn 1: Speaking (first sound)
        0     plays 8000 samples
        0     mark behind piece 0
        0     record: "I want to" → "One moment, I'll put you through."
        0     turn 3: Ended (call over)
        0     hangs up: Transferred
    "#]]);
}

#[test]
fn an_answer_that_is_faster_than_the_ear_is_measured() {
    let mut call = Call::listening(config());
    call.tell(Input::SpeechStarted);
    call.wait(700);
    call.tell(Input::Heard(Recognition {
        text: "Are you open today?".to_owned(),
        is_final: true,
        ends_utterance: true,
        ..Recognition::default()
    }));
    let turn = call.conversation.turn();
    call.tell(Input::Failed(ForTurn::new(turn, Fault::Model)));
    call.voice();
    call.now += 20;
    call.tell(Input::SpeechEnded {
        silence: Duration::from_millis(192),
    });
    call.now += 20;
    call.heard_all();
    let report = call.reports.last().expect("a report");
    assert_eq!(report.endpointing_ms, Some(172));
    assert!(report.voice_to_voice_ms.is_some(), "{report:?}");
}
