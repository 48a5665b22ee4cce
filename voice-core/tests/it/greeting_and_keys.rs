//! What a telephone brings besides sound: a greeting made while it rings, and keys.

use std::time::Duration;

use expect_test::expect;
use voice_core::conversation::{Config, Fault, Input};
use voice_core::transcript::Recognition;
use voice_core::turn::{ForTurn, TurnId};
use voice_core::wire::Phase;

use crate::call::{Call, config, second, with_a_person};

#[test]
fn a_greeting_made_while_it_rings_is_spoken_at_once_and_once() {
    let mut call = Call::new(config());
    call.tell(Input::Ringing);
    call.tell(Input::Ringing);
    call.voice();
    assert_eq!(call.conversation.phase(), Phase::Idle);
    call.now = 3_000;
    call.tell(Input::CallStarted);
    call.tell(Input::Ringing);
    call.heard_all();
    call.check(&expect![[r#"
        0     says: Hello.
        3000  turn 1: Listening (call started)
        3000  turn 1: Processing (greeting)
        3000  turn 1: Speaking (first sound)
        3000  plays 8000 samples
        3000  mark behind piece 0
        3000  record: "" → "Hello."
        3000  turn 2: Listening (heard)
    "#]]);
}

#[test]
fn a_greeting_half_made_goes_on_and_one_that_failed_is_not_waited_for() {
    let mut call = Call::new(config());
    call.tell(Input::Ringing);
    let turn = call.conversation.turn();
    call.tell(Input::Voiced(ForTurn::new(turn, second())));
    call.tell(Input::CallStarted);
    call.tell(Input::Voiced(ForTurn::new(turn, second())));
    call.tell(Input::PieceDone(ForTurn::new(turn, ())));
    call.heard_all();
    call.check(&expect![[r#"
        0     says: Hello.
        0     turn 1: Listening (call started)
        0     turn 1: Processing (greeting)
        0     turn 1: Speaking (first sound)
        0     plays 8000 samples
        0     plays 8000 samples
        0     mark behind piece 0
        0     record: "" → "Hello."
        0     turn 2: Listening (heard)
    "#]]);

    let mut call = Call::new(config());
    call.tell(Input::Ringing);
    call.tell(Input::Failed(ForTurn::new(turn, Fault::Voice)));
    call.tell(Input::CallStarted);
    call.check(&expect![[r#"
        0     says: Hello.
        0     turn 1: Listening (call started)
        0     turn 1: Processing (greeting)
        0     record: "" → ""
        0     turn 2: Listening (empty answer)
        0     turn 2: Processing (voice failed)
        0     says: I'm sorry, I'm having trouble just now. Could you say that again?
    "#]]);
}

#[test]
fn a_recogniser_lost_while_it_rings_ends_the_call() {
    let mut call = Call::new(config());
    call.tell(Input::Ringing);
    call.tell(Input::RecogniserLost);
    assert_eq!(call.conversation.phase(), Phase::Ended);
}

#[test]
fn a_protected_greeting_is_not_taken_away_before_its_first_sound() {
    let mut call = Call::new(Config {
        greeting_protected: true,
        ..config()
    });
    call.tell(Input::CallStarted);
    call.keys("5");
    call.hear("Hello?");
    assert_eq!(call.conversation.phase(), Phase::Processing);
    call.voice();
    assert_eq!(call.conversation.phase(), Phase::Speaking);
}

#[test]
fn a_caller_who_hangs_up_while_it_rings_is_not_greeted() {
    let mut call = Call::new(config());
    call.tell(Input::Ringing);
    call.tell(Input::CallerLeft);
    call.tell(Input::CallStarted);
    call.check(&expect![[r#"
        0     says: Hello.
        0     turn 2: Ended (call over)
        0     hangs up: HungUp
    "#]]);
}

#[test]
fn the_end_of_a_piece_is_marked_behind_its_sound_and_not_without_any() {
    let mut call = Call::listening(config());
    call.say("When are you open?");
    call.model(
        "We open at nine. We close at five, every day of the week.",
        None,
    );
    let turn = call.conversation.turn();
    call.trace.clear();
    for piece in 0..2 {
        for _ in 0..2 {
            call.tell(Input::Voiced(ForTurn::new(turn, second())));
        }
        if piece == 0 {
            call.tell(Input::PieceDone(ForTurn::new(turn, ())));
        }
    }
    call.heard_all();
    call.tell(Input::Failed(ForTurn::new(turn, Fault::Voice)));
    call.heard_all();
    call.check(&expect![[r#"
        1200  turn 2: Speaking (first sound)
        1200  plays 8000 samples
        1200  plays 8000 samples
        1200  mark behind piece 0
        1200  plays 8000 samples
        1200  plays 8000 samples
        1200  mark behind piece 1
        1200  record: "When are you open?" → "We open at nine. We close at five, every day of"
        1200  turn 3: Listening (heard)
        1200  turn 3: Processing (voice failed)
        1200  says: I'm sorry, I'm having trouble just now. Could you say that again?
    "#]]);
}

#[test]
fn keys_are_one_word_and_end_by_themselves() {
    let mut call = Call::listening(config());
    call.say("My number is");
    call.keys("555");
    call.keys("12A34 b");
    assert_eq!(call.conversation.phase(), Phase::Listening);
    call.wait(3_000);
    call.check(&expect![[r#"
        5100  turn 1: Processing (keypad)
        5100  asks the model: My number is 5551234
    "#]]);
}

#[test]
fn a_hash_ends_keys_and_words_at_once_and_a_star_takes_the_keys_back() {
    let mut call = Call::listening(config());
    call.keys("#*");
    call.keys("12*34#");
    call.model("Thank you.", None);
    call.voice();
    call.heard_all();
    call.hear("And my name is");
    call.keys("#");
    call.check(&expect![[r#"
        1400  turn 1: Processing (keypad)
        1400  asks the model: 34
        1600  says: Thank you.
        1600  turn 1: Speaking (first sound)
        1600  plays 8000 samples
        1600  mark behind piece 0
        1600  record: "34" → "Thank you."
        1600  turn 2: Listening (heard)
        1600  turn 2: Processing (keypad)
        1600  asks the model: And my name is
    "#]]);
}

#[test]
fn words_do_not_end_what_is_being_keyed_and_late_ones_are_not_said_twice() {
    let mut call = Call::listening(config());
    call.tell(Input::Heard(Recognition {
        text: "My number is".to_owned(),
        ..Recognition::default()
    }));
    call.keys("55");
    call.tell(Input::Gap);
    call.hear("My number is.");
    call.say("yes.");
    call.wait(600);
    assert_eq!(call.conversation.phase(), Phase::Listening);
    call.keys("7#");
    call.hear("yes.");
    call.check(&expect![[r#"
        2400  turn 1: Processing (keypad)
        2400  asks the model: My number is. yes. 557
    "#]]);
}

#[test]
fn a_caller_who_keys_and_then_talks_is_heard_out() {
    let mut call = Call::listening(config());
    call.keys("12");
    call.tell(Input::SpeechStarted);
    call.wait(4_000);
    assert_eq!(call.conversation.phase(), Phase::Listening);
    let silence = Duration::from_millis(192);
    call.tell(Input::SpeechEnded { silence });
    call.hear("That was my code.");
    call.check(&expect![[r#"
        4400  asks the model: 12 That was my code.
    "#]]);
}

#[test]
fn a_key_takes_the_floor_at_once_but_waits_for_a_protected_line() {
    let mut call = Call::listening(config());
    call.say("What do you do?");
    call.model("A great many things, as you will see.", None);
    call.voice();
    call.trace.clear();
    call.keys("42");
    let turn = TurnId::from_wire(call.conversation.turn().number() - 1);
    call.tell(Input::Flushed(ForTurn::new(turn, 4_000)));
    call.wait(3_000);
    call.check(&expect![[r#"
        3900  turn 1: Processing (keypad)
        3900  asks the model: What do you do? 42
    "#]]);

    let mut call = Call::new(Config {
        greeting_protected: true,
        ..config()
    });
    call.tell(Input::CallStarted);
    call.voice();
    call.trace.clear();
    call.keys("42#");
    assert_eq!(call.conversation.phase(), Phase::Speaking);
    call.heard_all();
    call.check(&expect![[r#"
        600   record: "" → "Hello."
        600   turn 2: Listening (heard)
        600   turn 2: Processing (keypad)
        600   asks the model: 42
    "#]]);
}

#[test]
fn a_key_before_the_answer_belongs_to_the_question() {
    let mut call = Call::listening(config());
    call.hear("My number is");
    call.keys("555");
    call.wait(3_000);
    call.trace.clear();
    call.keys("#");
    call.keys("1234#");
    call.keys("*");
    call.wait(1_000);
    call.check(&expect![[r#"
        3800  turn 2: Listening (caller resumed)
        4600  turn 2: Processing (keypad)
        4600  asks the model: My number is 5551234
        4800  turn 3: Listening (caller resumed)
        4800  turn 3: Processing (end of turn)
        4800  asks the model: My number is
        6000  says: One moment, please.
    "#]]);
}

#[test]
fn while_keys_are_awaited_nobody_is_asked_whether_they_are_there() {
    let mut call = Call::listening(Config {
        silence: Duration::from_secs(1),
        ..config()
    });
    call.keys("1");
    call.wait(2_200);
    assert_eq!(call.conversation.phase(), Phase::Listening);
    call.wait(200);
    assert_eq!(call.conversation.phase(), Phase::Processing);

    let mut call = Call::listening(Config {
        silence: Duration::from_secs(1),
        ..config()
    });
    call.keys("1*");
    call.wait(2_000);
    assert!(call.trace.contains("(silence)"), "{}", call.trace);
}

#[test]
fn no_more_than_a_long_number_is_kept() {
    let mut call = Call::listening(config());
    for _ in 0..100 {
        call.tell(Input::Digit('7'));
    }
    call.tell(Input::Digit('#'));
    let asked = format!("asks the model: {}\n", "7".repeat(32));
    assert!(call.trace.ends_with(&asked), "{}", call.trace);
}

#[test]
fn a_lone_zero_asks_for_a_person() {
    let mut call = Call::listening(with_a_person());
    call.keys("0");
    call.wait(3_000);
    call.voice();
    call.heard_all();
    call.check(&expect![[r#"
        2500  turn 1: Processing (keypad)
        2500  says: One moment, I'll put you through.
        3200  turn 1: Speaking (first sound)
        3200  plays 8000 samples
        3200  mark behind piece 0
        3200  record: "0" → "One moment, I'll put you through."
        3200  turn 3: Ended (call over)
        3200  hangs up: Transferred
    "#]]);

    let mut call = Call::listening(config());
    call.keys("0#");
    call.check(&expect![[r#"
        200   turn 1: Processing (keypad)
        200   asks the model: I would like to speak to a person.
    "#]]);

    for (words, keys) in [("Room", "0#"), ("", "00#"), ("", "05#")] {
        let mut call = Call::listening(with_a_person());
        if !words.is_empty() {
            call.tell(Input::Heard(Recognition {
                text: words.to_owned(),
                ..Recognition::default()
            }));
        }
        call.keys(keys);
        assert!(call.trace.contains("asks the model"), "{}", call.trace);
    }
}
