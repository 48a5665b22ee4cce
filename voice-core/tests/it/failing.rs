//! A model or a voice that breaks off, is late, or is gone.

use expect_test::expect;
use voice_core::conversation::{Fault, Input, Sound};
use voice_core::latency::TurnOutcome;
use voice_core::turn::ForTurn;
use voice_core::wire::Phase;

use crate::call::{Call, config};

fn token(call: &mut Call, words: &str) {
    let turn = call.conversation.turn();
    call.tell(Input::Token(ForTurn::new(turn, words.to_owned())));
}

fn fail(call: &mut Call, fault: Fault) {
    let turn = call.conversation.turn();
    call.tell(Input::Failed(ForTurn::new(turn, fault)));
}

#[test]
fn a_model_that_breaks_off_is_asked_to_go_on_once() {
    let mut call = Call::listening(config());
    call.say("When are you open?");
    token(&mut call, "We are open. From nine");
    fail(&mut call, Fault::Model);
    token(&mut call, " to");
    fail(&mut call, Fault::Model);
    call.voice();
    call.heard_all();
    call.voice();
    call.heard_all();
    call.check(&expect![[r#"
        500   asks the model: When are you open?
        508   turn 2: Processing (end of turn)
        1200  says: We are open.
        1200  asks the model to go on: We are open. From nine
        1200  says: From nine to I'm sorry, I'm having trouble just now. Could you say that again?
        1200  turn 2: Speaking (first sound)
        1200  plays 8000 samples
        1200  mark behind piece 0
        1200  plays 8000 samples
        1200  mark behind piece 1
        1200  record: "When are you open?" → "We are open. From nine to I'm sorry, I'm having trouble just now. Could you say that again?"
        1200  turn 3: Listening (heard)
    "#]]);
    assert_eq!(call.outcomes, [TurnOutcome::LlmFailed]);
}

#[test]
fn a_voice_that_fails_is_apologised_for_and_a_second_time_ends_the_call() {
    let mut call = Call::listening(config());
    call.say("When are you open?");
    token(&mut call, "We are open from nine to five.");
    fail(&mut call, Fault::Voice);
    fail(&mut call, Fault::Voice);
    call.check(&expect![[r#"
        500   asks the model: When are you open?
        508   turn 2: Processing (end of turn)
        1200  record: "When are you open?" → ""
        1200  turn 3: Listening (empty answer)
        1200  turn 3: Processing (voice failed)
        1200  says: I'm sorry, I'm having trouble just now. Could you say that again?
        1200  record: "" → ""
        1200  turn 5: Ended (call over)
        1200  hangs up: Failed
    "#]]);
}

#[test]
fn invariant_21_a_caller_who_waits_hears_something() {
    // What is late, and whether anything of the answer was heard before.
    for (words, begins) in [("", false), ("At nine.", false), ("At nine. ", true)] {
        let mut call = Call::listening(config());
        call.say("When are you open?");
        let from = call.now;
        token(&mut call, words);
        let turn = call.conversation.turn();
        if begins {
            let bytes = Vec::new();
            let sound = Sound {
                bytes,
                samples: 800,
            };
            call.tell(Input::Voiced(ForTurn::new(turn, sound)));
            call.heard_all();
        }
        let mut said = call.wanted.len();
        // The voice says what it has in memory, and nothing else.
        let mut heard = from;
        while call.conversation.phase() != Phase::Listening && call.now < from + 30_000 {
            call.wait(10);
            if call.wanted.len() > said {
                said = call.wanted.len();
                assert!(
                    call.now - heard < 4_000,
                    "{} ms\n{}",
                    call.now - heard,
                    call.trace
                );
                heard = call.now;
                if call.trace.ends_with("say that again?\n") {
                    break;
                }
            }
        }
        assert!(call.trace.ends_with("say that again?\n"), "{}", call.trace);
    }
}
