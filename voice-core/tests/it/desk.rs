//! A model that has the business do something, and speaks of what came of it.

use std::time::Duration;

use expect_test::{Expect, expect};
use voice_core::conversation::{Config, Fault, Input};
use voice_core::latency::TurnOutcome;
use voice_core::prompt::{Prompt, Role};
use voice_core::tools::Offer;
use voice_core::turn::{ForTurn, TurnId};

use crate::call::{Call, config};

fn with_a_calendar() -> Config {
    let offer = |name: &str| Offer {
        name: name.to_owned(),
        description: String::new(),
        parameters: "{}".to_owned(),
    };
    Config {
        offers: vec![offer("check_availability"), offer("book_appointment")],
        ..config()
    }
}

/// The caller has asked for an appointment.
fn asked() -> Call {
    let mut call = Call::listening(with_a_calendar());
    call.say("Can I come on Friday?");
    call.trace.clear();
    call
}

fn done(call: &mut Call) {
    let turn = call.conversation.turn();
    call.tell(Input::TextDone(ForTurn::new(turn, ())));
}

/// A prompt without its instructions, a line for each message.
fn check(prompt: &Prompt, expected: &Expect) {
    let lines: Vec<String> = prompt
        .messages
        .iter()
        .filter(|message| message.role != Role::System)
        .map(|message| {
            let calls = message.calls.iter();
            let calls: String = calls
                .map(|call| format!("[{} {}]", call.id, call.name))
                .collect();
            let answers = message.answers.as_deref().unwrap_or_default();
            format!("{:?} {answers}{calls}{}\n", message.role, message.text)
        })
        .collect();
    expected.assert_eq(&lines.concat());
}

#[test]
fn the_model_is_asked_again_with_what_it_wanted_to_know() {
    let mut call = asked();
    call.wants("c1", "check_availability", "{}");
    done(&mut call);
    call.answer("ten or two");
    check(
        &call.prompt,
        &expect![[r#"
        Caller Can I come on Friday?
        Agent [c1 check_availability]
        Tool c1ten or two
    "#]],
    );
    call.model("Ten or two?", None);
    call.voice();
    call.heard_all();
    call.check(&expect![[r#"
        1200  runs check_availability {}
        1200  asks the model: ten or two
        1200  says: Ten or two?
        1200  turn 2: Speaking (first sound)
        1200  plays 8000 samples
        1200  mark behind piece 0
        1200  record: "Can I come on Friday?" → "Ten or two?"
        1200  turn 3: Listening (heard)
    "#]]);
    assert_eq!(call.outcomes, [TurnOutcome::Completed]);
    call.say("Ten, please.");
    check(
        &call.prompt,
        &expect![[r#"
        Caller Can I come on Friday?
        Agent [c1 check_availability]
        Tool c1ten or two
        Agent Ten or two?
        Caller Ten, please.
    "#]],
    );
}

#[test]
fn words_before_the_result_are_said_at_once() {
    let mut call = asked();
    let turn = call.conversation.turn();
    call.tell(Input::Token(ForTurn::new(turn, "Let me look".to_owned())));
    call.wants("c1", "check_availability", "{}");
    done(&mut call);
    call.voice();
    call.heard_all();
    call.wait(3_000);
    call.answer("ten");
    call.model("At ten.", None);
    call.voice();
    call.heard_all();
    call.check(&expect![[r#"
        1200  runs check_availability {}
        1200  says: Let me look
        1200  turn 2: Speaking (first sound)
        1200  plays 8000 samples
        1200  mark behind piece 0
        4200  asks the model: ten
        4200  says: At ten.
        4200  plays 8000 samples
        4200  mark behind piece 1
        4200  record: "Can I come on Friday?" → "Let me look At ten."
        4200  turn 3: Listening (heard)
    "#]]);
}

#[test]
fn a_caller_who_waits_is_told_so() {
    let mut call = asked();
    call.wants("c1", "check_availability", "{}");
    done(&mut call);
    call.wait(2_000);
    call.voice();
    call.answer("ten");
    call.model("At ten.", None);
    call.voice();
    call.heard_all();
    call.check(&expect![[r#"
        1200  runs check_availability {}
        1708  says: One moment, please.
        3200  turn 2: Speaking (first sound)
        3200  plays 8000 samples
        3200  mark behind piece 0
        3200  asks the model: ten
        3200  says: At ten.
        3200  plays 8000 samples
        3200  mark behind piece 1
        3200  record: "Can I come on Friday?" → "One moment, please. At ten."
        3200  turn 3: Listening (heard)
    "#]]);
}

#[test]
fn the_same_is_not_done_twice_for_a_reply() {
    let mut call = asked();
    call.wants("c1", "book_appointment", "{}");
    call.wants("c2", "book_appointment", "{}");
    call.wants("c3", "book_appointment", r#"{"time":"ten"}"#);
    done(&mut call);
    call.answer("booked");
    call.answer("taken");
    check(
        &call.prompt,
        &expect![[r#"
        Caller Can I come on Friday?
        Agent [c1 book_appointment]
        Tool c1booked
        Agent [c2 book_appointment]
        Tool c2booked
        Agent [c3 book_appointment]
        Tool c3taken
    "#]],
    );
    call.wants("c4", "book_appointment", "{}");
    done(&mut call);
    call.check(&expect![[r#"
        1200  runs book_appointment {}
        1200  runs book_appointment {"time":"ten"}
        1200  asks the model: taken
        1200  asks the model: booked
    "#]]);
}

#[test]
fn a_model_that_goes_round_in_circles_is_stopped() {
    let mut call = asked();
    for round in 0..9 {
        call.wants("c", "check_availability", &format!("{{\"day\":{round}}}"));
        done(&mut call);
        if !call.runs.is_empty() {
            call.answer("full");
        }
    }
    call.voice();
    call.heard_all();
    call.check(&expect![[r#"
        1200  runs check_availability {"day":0}
        1200  asks the model: full
        1200  runs check_availability {"day":1}
        1200  asks the model: full
        1200  runs check_availability {"day":2}
        1200  asks the model: full
        1200  runs check_availability {"day":3}
        1200  asks the model: full
        1200  runs check_availability {"day":4}
        1200  says: I'm sorry, I can't do that. Can I take a message?
        1200  turn 2: Speaking (first sound)
        1200  plays 8000 samples
        1200  mark behind piece 0
        1200  record: "Can I come on Friday?" → "I'm sorry, I can't do that. Can I take a message?"
        1200  turn 3: Listening (heard)
    "#]]);
}

#[test]
fn a_result_that_never_comes_ends_in_an_apology() {
    let mut call = asked();
    call.wants("c1", "check_availability", "{}");
    done(&mut call);
    call.wait(2_000);
    call.voice();
    call.heard_all();
    call.wait(3_200);
    call.voice();
    call.heard_all();
    call.wait(1_000);
    call.voice();
    call.heard_all();
    call.answer("ten");
    call.check(&expect![[r#"
        1200  runs check_availability {}
        1708  says: One moment, please.
        3200  turn 2: Speaking (first sound)
        3200  plays 8000 samples
        3200  mark behind piece 0
        6400  says: Let me see.
        6400  plays 8000 samples
        6400  mark behind piece 1
        7200  says: I'm sorry, I'm having trouble just now. Could you say that again?
        7400  plays 8000 samples
        7400  mark behind piece 2
        7400  record: "Can I come on Friday?" → "One moment, please. Let me see. I'm sorry, I'm having trouble just now. Could you say that again?"
        7400  turn 3: Listening (heard)
    "#]]);
}

#[test]
fn a_model_that_has_nothing_to_say_to_a_result_or_breaks_off_ends_in_an_apology() {
    for fact in [
        |turn| Input::TextDone(ForTurn::new(turn, ())),
        |turn| Input::Failed(ForTurn::new(turn, Fault::Model)),
    ] {
        let mut call = asked();
        call.wants("c1", "book_appointment", "{}");
        done(&mut call);
        call.answer("booked");
        let turn = call.conversation.turn();
        call.tell(fact(turn));
        assert!(call.trace.contains("says: I'm sorry"), "{}", call.trace);
        call.voice();
        call.heard_all();
        assert_eq!(call.outcomes, [TurnOutcome::LlmFailed]);
    }
}

#[test]
fn what_was_done_in_a_reply_that_was_cut_is_not_forgotten() {
    let mut call = asked();
    let turn = call.conversation.turn();
    call.tell(Input::Token(ForTurn::new(
        turn,
        "One moment, I am booking it. ".to_owned(),
    )));
    call.wants("c1", "book_appointment", "{}");
    done(&mut call);
    call.voice();
    call.tell(Input::SpeechStarted);
    call.hear("wait, stop");
    call.tell(Input::SpeechEnded {
        silence: Duration::from_millis(192),
    });
    call.answer("booked");
    call.tell(Input::Flushed(ForTurn::new(turn, 8_000)));
    call.wait(1_000);
    check(
        &call.prompt,
        &expect![[r#"
        Caller Can I come on Friday?
        Agent [c1 book_appointment]
        Tool c1booked
        Agent One moment, I am booking it.
        Caller wait, stop
    "#]],
    );
}

#[test]
fn a_caller_who_goes_on_after_something_was_done_begins_another_turn() {
    let mut call = asked();
    call.wants("c1", "book_appointment", "{}");
    done(&mut call);
    call.sound(500);
    call.hear("Or on Monday?");
    call.answer("booked");
    call.wait(700);
    check(
        &call.prompt,
        &expect![[r#"
        Caller Can I come on Friday?
        Agent [c1 book_appointment]
        Tool c1booked
        Caller Or on Monday?
    "#]],
    );
    call.check(&expect![[r#"
        1200  runs book_appointment {}
        1700  record: "Can I come on Friday?" → ""
        1700  turn 3: Listening (caller resumed)
        1700  asks the model: Or on Monday?
        1700  asks the model: Or on Monday?
        1708  turn 5: Processing (end of turn)
    "#]]);
}

#[test]
fn nothing_is_done_before_it_is_certain_that_the_caller_has_finished() {
    let mut call = Call::listening(with_a_calendar());
    call.tell(Input::SpeechStarted);
    call.now += 500;
    call.guess("Can I come on Friday?", true);
    let ahead = TurnId::from_wire(call.conversation.turn().number() + 1);
    let wanted = voice_core::tools::Call::named("book_appointment");
    call.tell(Input::ToolCall(ForTurn::new(ahead, wanted)));
    call.tell(Input::TextDone(ForTurn::new(ahead, ())));
    assert!(call.runs.is_empty(), "{}", call.trace);
    call.tell(Input::SpeechEnded {
        silence: Duration::from_millis(192),
    });
    call.hear("Can I come on Friday?");
    call.wait(700);
    assert_eq!(call.runs.len(), 1, "{}", call.trace);
}
