//! What she says and does when nothing may be improvised.

use expect_test::expect;
use voice_core::conversation::{Config, Input};
use voice_core::tools::Offer;
use voice_core::turn::ForTurn;

use crate::call::{Call, config, with_a_person};

fn offering(config: Config) -> Config {
    let offer = |name: &str| Offer {
        name: name.to_owned(),
        description: String::new(),
        parameters: "{}".to_owned(),
    };
    Config {
        offers: vec![offer("take_message"), offer("book_appointment")],
        ..config
    }
}

/// Her words are heard, and then the caller speaks.
fn then_says(call: &mut Call, words: &str) {
    call.voice();
    call.heard_all();
    call.wait(200);
    call.say(words);
    // She asked for a number, which takes time to say.
    call.wait(1_500);
}

#[test]
fn a_message_is_taken_and_nothing_else_is_done() {
    let mut call = Call::listening(offering(config()));
    call.tell(Input::SafeMode(true));
    call.say("I'd like to book a haircut.");
    then_says(&mut call, "It's Ana Lee, and I want a haircut on Friday.");
    call.answer(r#"{"ok":true}"#);
    then_says(&mut call, "No, thank you.");
    call.voice();
    call.heard_all();
    call.check(&expect![[r#"
        1108  turn 1: Processing (end of turn)
        1108  says: I'm sorry, I can't look that up just now. Please tell me your name, your number and what it is about, and somebody will call you back.
        1200  turn 1: Speaking (first sound)
        1200  plays 8000 samples
        1200  mark behind piece 0
        1200  record: "I'd like to book a haircut." → "I'm sorry, I can't look that up just now. Please tell me your name, your number and what it is about, and somebody will call you back."
        1200  turn 2: Listening (heard)
        3208  turn 2: Processing (end of turn)
        3208  runs take_message {"text":"It's Ana Lee, and I want a haircut on Friday."}
        4100  says: Thank you, I have passed that on. Is there anything else?
        4100  turn 2: Speaking (first sound)
        4100  plays 8000 samples
        4100  mark behind piece 0
        4100  record: "It's Ana Lee, and I want a haircut on Friday." → "Thank you, I have passed that on. Is there anything else?"
        4100  turn 3: Listening (heard)
        4808  turn 3: Processing (end of turn)
        4808  says: Thank you for calling. Goodbye.
        7000  turn 3: Speaking (first sound)
        7000  plays 8000 samples
        7000  mark behind piece 0
        7000  record: "No, thank you." → "Thank you for calling. Goodbye."
        7000  turn 5: Ended (call over)
        7000  hangs up: Completed
    "#]]);
}

#[test]
fn a_message_that_cannot_be_kept_is_not_said_to_be() {
    let mut call = Call::listening(offering(config()));
    call.tell(Input::SafeMode(true));
    call.say("I'd like to book a haircut.");
    then_says(&mut call, "It's Ana Lee.");
    call.answer(r#"{"ok":false}"#);
    then_says(&mut call, "It's Ana Lee.");
    call.answer(r#"{"ok":true}"#);
    call.voice();
    call.heard_all();
    call.check(&expect![[r#"
        1108  turn 1: Processing (end of turn)
        1108  says: I'm sorry, I can't look that up just now. Please tell me your name, your number and what it is about, and somebody will call you back.
        1200  turn 1: Speaking (first sound)
        1200  plays 8000 samples
        1200  mark behind piece 0
        1200  record: "I'd like to book a haircut." → "I'm sorry, I can't look that up just now. Please tell me your name, your number and what it is about, and somebody will call you back."
        1200  turn 2: Listening (heard)
        3208  turn 2: Processing (end of turn)
        3208  runs take_message {"text":"It's Ana Lee."}
        4100  says: I'm sorry, I could not pass that on. Please call again a little later.
        4100  turn 2: Speaking (first sound)
        4100  plays 8000 samples
        4100  mark behind piece 0
        4100  record: "It's Ana Lee." → "I'm sorry, I could not pass that on. Please call again a little later."
        4100  turn 3: Listening (heard)
        5408  turn 3: Processing (end of turn)
        5408  runs take_message {"text":"It's Ana Lee."}
        7000  says: Thank you, I have passed that on. Is there anything else?
        7000  turn 3: Speaking (first sound)
        7000  plays 8000 samples
        7000  mark behind piece 0
        7000  record: "It's Ana Lee." → "Thank you, I have passed that on. Is there anything else?"
        7000  turn 4: Listening (heard)
    "#]]);
}

#[test]
fn whoever_asks_for_a_person_gets_one_if_there_is_one() {
    for config in [config(), with_a_person()] {
        let has_person = config.can_transfer;
        let mut call = Call::listening(offering(config));
        call.tell(Input::SafeMode(true));
        call.say("Can I speak to a person please?");
        call.voice();
        call.heard_all();
        assert_eq!(
            call.trace.contains("hangs up: Transferred"),
            has_person,
            "{}",
            call.trace
        );
    }
}

#[test]
fn it_begins_and_ends_in_the_middle_of_a_call() {
    let mut call = Call::listening(offering(config()));
    call.say("When are you open?");
    call.tell(Input::SafeMode(true));
    // The model was asked before, and may answer, but not book.
    call.wants("c1", "book_appointment", "{}");
    let turn = call.conversation.turn();
    call.tell(Input::TextDone(ForTurn::new(turn, ())));
    then_says(&mut call, "Can I come on Friday?");
    call.tell(Input::SafeMode(false));
    then_says(&mut call, "Can I come on Friday?");
    call.model("At ten.", None);
    call.voice();
    call.heard_all();
    call.check(&expect![[r#"
        500   asks the model: When are you open?
        508   turn 2: Processing (end of turn)
        1200  says: I'm sorry, I can't do that. Can I take a message?
        1200  turn 2: Speaking (first sound)
        1200  plays 8000 samples
        1200  mark behind piece 0
        1200  record: "When are you open?" → "I'm sorry, I can't do that. Can I take a message?"
        1200  turn 3: Listening (heard)
        1908  turn 3: Processing (end of turn)
        1908  says: I'm sorry, I can't look that up just now. Please tell me your name, your number and what it is about, and somebody will call you back.
        4100  turn 3: Speaking (first sound)
        4100  plays 8000 samples
        4100  mark behind piece 0
        4100  record: "Can I come on Friday?" → "I'm sorry, I can't look that up just now. Please tell me your name, your number and what it is about, and somebody will call you back."
        4100  turn 4: Listening (heard)
        4800  asks the model: Can I come on Friday?
        4808  turn 5: Processing (end of turn)
        6008  says: One moment, please.
        7000  says: At ten.
        7000  turn 5: Speaking (first sound)
        7000  plays 8000 samples
        7000  mark behind piece 0
        7000  plays 8000 samples
        7000  mark behind piece 1
        7000  record: "Can I come on Friday?" → "One moment, please. At ten."
        7000  turn 6: Listening (heard)
    "#]]);
}
