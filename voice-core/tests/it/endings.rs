//! What is kept of a call that ends in the middle of something.

use std::time::Duration;

use expect_test::expect;
use voice_core::conversation::{Fault, Input};
use voice_core::latency::TurnOutcome;
use voice_core::transcript::Recognition;
use voice_core::turn::ForTurn;

use crate::call::{Call, config};

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
    call.tell(Input::RecogniserLost);
    assert_eq!(call.outcomes, [TurnOutcome::SttFailed]);
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
