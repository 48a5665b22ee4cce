//! A caller whose line is lost and comes back.

use std::time::Duration;

use expect_test::expect;
use voice_core::conversation::{Config, Conversation, Exchange, Input, Kept, Output};
use voice_core::prompt::Role;
use voice_core::time::Timestamp;
use voice_core::tools::{self, Run};
use voice_core::turn::{ForTurn, TurnId};
use voice_core::wire::{Outcome, Phase, RESUME_WITHIN};

use crate::call::{Call, config};

fn resuming() -> Config {
    Config {
        resumes: true,
        lead: Duration::from_secs(20),
        ..config()
    }
}

fn speaking() -> (Call, TurnId) {
    let mut call = Call::listening(resuming());
    call.say("When are you open?");
    let turn = call.conversation.turn();
    call.model("We are open from nine to five every day of the week.", None);
    call.voice();
    call.trace.clear();
    (call, turn)
}

#[test]
fn what_had_not_arrived_is_played_when_the_caller_is_back() {
    let (mut call, turn) = speaking();
    call.tell(Input::Played(ForTurn::new(turn, 2_000)));
    call.tell(Input::Away);
    call.wait(20_000);
    assert_eq!(call.conversation.phase(), Phase::Speaking, "{}", call.trace);
    call.tell(Input::Back(ForTurn::new(turn, 3_000)));
    call.tell(Input::Played(ForTurn::new(turn, 8_000)));
    call.check(&expect![[r#"
        21200 plays 5000 samples
        21200 turn 2: Speaking (the caller is back)
        21200 record: "When are you open?" → "We are open from nine to five every day of the week."
        21200 turn 3: Listening (heard)
    "#]]);
}

#[test]
fn a_caller_who_does_not_come_back_has_hung_up() {
    for is_speaking in [true, false] {
        let mut call = if is_speaking {
            speaking().0
        } else {
            Call::listening(resuming())
        };
        call.tell(Input::Away);
        call.wait(RESUME_WITHIN.as_millis() as u64 - 1);
        assert_ne!(call.conversation.phase(), Phase::Ended);
        call.wait(1);
        assert!(call.trace.ends_with("hangs up: HungUp\n"), "{}", call.trace);
    }
}

#[test]
fn what_was_asked_before_the_line_was_lost_is_answered_behind_it() {
    let mut call = Call::listening(resuming());
    call.tell(Input::SpeechStarted);
    call.wait(500);
    call.tell(Input::SpeechEnded {
        silence: Duration::from_millis(192),
    });
    call.tell(Input::Away);
    call.hear("When are you open?");
    call.wait(1_000);
    call.model("We are open from nine to five.", None);
    call.voice();
    call.wait(5_000);
    let turn = call.conversation.turn();
    call.tell(Input::Back(ForTurn::new(TurnId::from_wire(1), 700)));
    call.tell(Input::Played(ForTurn::new(turn, 8_000)));
    call.check(&expect![[r#"
        500   asks the model: When are you open?
        508   turn 2: Processing (end of turn)
        1500  says: We are open from nine to five.
        1500  turn 2: Speaking (first sound)
        1500  plays 8000 samples
        1500  mark behind piece 0
        6500  plays 8000 samples
        6500  turn 2: Speaking (the caller is back)
        6500  record: "When are you open?" → "We are open from nine to five."
        6500  turn 3: Listening (heard)
    "#]]);
}

#[test]
fn words_that_were_lost_with_the_line_are_asked_for_again() {
    let mut call = Call::listening(resuming());
    call.tell(Input::Away);
    call.wait(9_000);
    call.tell(Input::Back(ForTurn::new(TurnId::from_wire(1), 700)));
    call.tell(Input::SpeechStarted);
    call.tell(Input::SpeechEnded {
        silence: Duration::from_secs(7),
    });
    call.wait(2_500);
    call.check(&expect![[r#"
        9000  turn 1: Listening (the caller is back)
        11500 turn 1: Processing (words lost)
        11500 says: I'm sorry, I'm having trouble just now. Could you say that again?
    "#]]);
}

#[test]
fn words_that_were_kept_for_the_caller_are_not_asked_for_again() {
    let mut call = Call::listening(resuming());
    call.tell(Input::Away);
    call.wait(3_000);
    call.tell(Input::Back(ForTurn::new(TurnId::from_wire(1), 700)));
    call.tell(Input::SpeechStarted);
    call.tell(Input::SpeechEnded {
        silence: Duration::from_millis(1_500),
    });
    call.wait(300);
    call.hear("When are you open?");
    call.wait(1_500);
    call.check(&expect![[r#"
        3000  turn 1: Listening (the caller is back)
        3300  turn 1: Processing (end of turn)
        3300  asks the model: When are you open?
        4500  says: One moment, please.
    "#]]);
}

#[test]
fn a_noise_on_a_line_that_is_back_is_not_asked_about() {
    let mut call = Call::listening(resuming());
    call.tell(Input::Away);
    call.wait(3_000);
    call.tell(Input::Back(ForTurn::new(TurnId::from_wire(1), 700)));
    call.tell(Input::SpeechStarted);
    call.wait(300);
    call.tell(Input::SpeechEnded {
        silence: Duration::from_millis(192),
    });
    call.wait(2_500);
    call.check(&expect![[r#"
        3000  turn 1: Listening (the caller is back)
    "#]]);
}

fn kept(open: Option<(TurnId, String, Vec<Run>)>) -> Kept {
    let (mut call, turn) = speaking();
    call.tell(Input::Played(ForTurn::new(turn, 8_000)));
    let report = call.reports.last().expect("a report").clone();
    let exchange = Exchange {
        turn,
        caller: "When are you open?".to_owned(),
        heard: "From nine to five.".to_owned(),
        unheard: String::new(),
        runs: Vec::new(),
        report,
    };
    Kept {
        exchanges: vec![exchange],
        open,
    }
}

/// What a restored call wants when its caller is back.
fn back(kept: Kept) -> (Conversation, Vec<Output>) {
    let mut call = Conversation::restored(resuming(), kept);
    call.handle_input(Timestamp::ZERO, Input::SafeMode(false));
    call.handle_input(
        Timestamp::ZERO,
        Input::Back(ForTurn::new(TurnId::from_wire(9), 100)),
    );
    let mut outputs = Vec::new();
    loop {
        match call.poll_output() {
            Output::Timeout(_) => return (call, outputs),
            output => outputs.push(output),
        }
    }
}

#[test]
fn a_restored_call_knows_what_was_said_and_uses_no_turn_again() {
    let (call, _) = back(kept(None));
    assert_eq!(call.phase(), Phase::Listening);
    assert!(call.turn() > TurnId::from_wire(9));
}

#[test]
fn a_restored_call_answers_what_was_asked_with_what_was_done_for_it() {
    let run = Run {
        call: tools::Call::named("book_appointment"),
        result: Some("booked".to_owned()),
    };
    for runs in [Vec::new(), vec![run]] {
        let count = runs.len();
        let open = Some((TurnId::from_wire(4), "Book it.".to_owned(), runs));
        let (call, outputs) = back(kept(open));
        assert_eq!(call.phase(), Phase::Processing);
        let asked = outputs.iter().find_map(|output| match output {
            Output::Ask(prompt) => Some(prompt.as_ref().into_parts().1),
            _ => None,
        });
        let messages = &asked.expect("the model is asked").messages;
        let said = |role| messages.iter().filter(move |message| message.role == role);
        assert_eq!(said(Role::Caller).count(), 2, "{messages:?}");
        assert_eq!(said(Role::Tool).count(), count, "{messages:?}");
    }
}

#[test]
fn a_restored_call_of_which_nothing_was_heard_begins_with_its_greeting() {
    let (call, outputs) = back(Kept::default());
    assert_eq!(call.phase(), Phase::Processing);
    let says = |output: &Output| matches!(output, Output::Say(piece) if piece.as_ref().into_parts().1.text == "Hello.");
    assert!(outputs.iter().any(says), "{outputs:?}");
}

#[test]
fn a_restored_call_ends_like_any_other() {
    let (mut call, _) = back(kept(None));
    call.handle_input(Timestamp::ZERO, Input::CallerLeft);
    let mut ended = false;
    loop {
        match call.poll_output() {
            Output::HangUp(Outcome::HungUp) => ended = true,
            Output::Timeout(_) => break,
            _ => {}
        }
    }
    assert!(ended);
}
