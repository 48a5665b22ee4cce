//! Taking turns: answers made ahead of time, a first sound that waits, waits that are filled, and pieces in time.

use std::time::Duration;

use expect_test::expect;
use voice_core::conversation::{Config, Input, Sound};
use voice_core::endpointing::Policy;
use voice_core::transcript::Recognition;
use voice_core::turn::{ForTurn, TurnId};
use voice_core::wire::Phase;

use crate::call::{Call, config, second, with_a_person};

/// The turn that is asked for ahead of time.
fn ahead(call: &Call) -> TurnId {
    TurnId::from_wire(call.conversation.turn().number() + 1)
}

fn token(call: &mut Call, turn: TurnId, text: &str) {
    call.tell(Input::Token(ForTurn::new(turn, text.to_owned())));
}

/// A sentence that may go on has been said, and its last sound was 192 ms ago.
fn a_statement(config: Config) -> Call {
    let mut call = Call::listening(config);
    call.sound(1_000);
    call.hear("I need an appointment.");
    call
}

#[test]
fn an_answer_made_ahead_is_heard_at_the_end_of_the_turn_and_not_before() {
    let mut call = a_statement(config());
    let turn = ahead(&call);
    token(&mut call, turn, "Of course. When would ");
    call.voice();
    token(&mut call, turn, "you like to come? ");
    call.tell(Input::TextDone(ForTurn::new(turn, ())));
    assert_eq!(call.conversation.phase(), Phase::Listening);
    call.wait(1_000);
    call.check(&expect![[r#"
        1000  asks the model: I need an appointment.
        1000  says: Of course.
        1608  turn 2: Processing (end of turn)
        1608  turn 2: Speaking (first sound)
        1608  says: When would you like to come?
        1608  plays 8000 samples
        1608  mark behind piece 0
    "#]]);
}

#[test]
fn an_answer_to_half_a_sentence_is_dropped() {
    let mut call = a_statement(config());
    let turn = ahead(&call);
    token(&mut call, turn, "Of course. ");
    call.voice();
    call.wait(50);
    call.tell(Input::SpeechStarted);
    call.wait(400);
    call.guess("for next Tuesday", false);
    // Its words and its sound come late.
    token(&mut call, turn, "When would you like to come? ");
    call.tell(Input::Voiced(ForTurn::new(turn, second())));
    call.tell(Input::SpeechEnded {
        silence: Duration::from_millis(192),
    });
    call.hear("for next Tuesday.");
    call.wait(1_000);
    call.check(&expect![[r#"
        1000  asks the model: I need an appointment.
        1000  says: Of course.
        1450  asks the model: I need an appointment. for next Tuesday.
        2058  turn 3: Processing (end of turn)
    "#]]);
}

#[test]
fn what_the_model_wants_done_waits_for_the_end_of_the_turn() {
    for (goes_on, ends) in [(true, false), (false, true)] {
        let mut call = a_statement(with_a_person());
        let turn = ahead(&call);
        token(&mut call, turn, "Goodbye. ");
        let end = voice_core::tools::Call::named("end_call");
        call.tell(Input::ToolCall(ForTurn::new(turn, end)));
        call.tell(Input::TextDone(ForTurn::new(turn, ())));
        call.voice();
        assert_eq!(call.conversation.phase(), Phase::Listening);
        if goes_on {
            call.tell(Input::SpeechStarted);
            call.guess("and one more thing", false);
            call.tell(Input::SpeechEnded {
                silence: Duration::from_millis(192),
            });
            call.hear("and one more thing.");
            call.wait(1_000);
            call.model("Yes?", None);
            call.voice();
        } else {
            call.wait(1_000);
        }
        call.heard_all();
        assert_eq!(
            call.conversation.phase() == Phase::Ended,
            ends,
            "{}",
            call.trace
        );
    }
}

#[test]
fn a_caller_who_thinks_aloud_is_not_guessed_at_for_ever() {
    let mut call = Call::listening(config());
    for number in 0..8 {
        call.sound(600);
        call.tell(Input::Heard(Recognition {
            text: format!("I need appointment {number}."),
            is_final: true,
            ends_utterance: true,
            ..Recognition::default()
        }));
        call.wait(20);
    }
    assert_eq!(call.trace.matches("asks").count(), 3, "{}", call.trace);
    call.wait(1_000);
    assert_eq!(call.conversation.phase(), Phase::Processing);
}

#[test]
fn a_failed_guess_is_asked_again_when_it_counts() {
    let mut call = a_statement(config());
    let turn = ahead(&call);
    let fault = voice_core::conversation::Fault::Model;
    call.tell(Input::Failed(ForTurn::new(turn, fault)));
    call.wait(500);
    call.model("When?", None);
    call.check(&expect![[r#"
        1000  asks the model: I need an appointment.
    "#]]);
}

#[test]
fn a_model_that_breaks_off_in_an_early_answer_is_not_waited_for_for_ever() {
    let mut call = a_statement(Config {
        fillers: Vec::new(),
        ..config()
    });
    let turn = ahead(&call);
    token(&mut call, turn, "We");
    call.wait(1_000);
    assert_eq!(call.conversation.phase(), Phase::Processing);
    call.wait(12_000);
    assert_ne!(
        call.conversation.phase(),
        Phase::Processing,
        "{}",
        call.trace
    );
}

#[test]
fn what_was_no_interruption_is_no_turn_when_it_is_reported_again() {
    let mut call = Call::listening(config());
    call.say("When are you open?");
    call.model("We open at nine.", None);
    let turn = call.conversation.turn();
    call.voice();
    call.tell(Input::SpeechStarted);
    call.tell(Input::Paused(ForTurn::new(turn, 4_000)));
    call.guess("Mm-hm.", false);
    call.tell(Input::SpeechEnded {
        silence: Duration::from_millis(156),
    });
    call.wait(700);
    call.heard_all();
    call.trace.clear();
    call.hear("Mm-hm.");
    call.wait(2_000);
    call.check(&expect![[""]]);
}

#[test]
fn a_recogniser_that_expects_the_end_is_taken_at_its_word_and_may_take_it_back() {
    let flux = Config {
        endpointing: Policy::by_recogniser(),
        ..config()
    };
    let mut call = Call::listening(flux);
    call.tell(Input::SpeechStarted);
    call.wait(900);
    call.guess("I need an appointment", true);
    call.wait(100);
    call.tell(Input::Resumed);
    call.wait(500);
    call.guess("I need an appointment on Monday", true);
    let turn = TurnId::from_wire(call.conversation.turn().number() + 2);
    token(&mut call, turn, "Gladly. ");
    call.voice();
    call.wait(100);
    call.tell(Input::Heard(Recognition {
        text: "I need an appointment on Monday.".to_owned(),
        is_final: true,
        ends_utterance: true,
        ..Recognition::default()
    }));
    call.tell(Input::SpeechEnded {
        silence: Duration::from_millis(192),
    });
    call.wait(1_000);
    call.check(&expect![[r#"
        900   asks the model: I need an appointment
        1500  asks the model: I need an appointment on Monday
        1500  says: Gladly.
        1600  turn 3: Processing (end of turn)
        1600  turn 3: Speaking (first sound)
        1600  plays 8000 samples
        1600  mark behind piece 0
    "#]]);
}

#[test]
fn her_first_sound_waits_for_a_caller_who_is_heard_again() {
    for (words, spoken) in [(false, true), (true, false)] {
        let mut call = Call::listening(config());
        call.say("When are you open?");
        call.tell(Input::SpeechStarted);
        call.model("We open at nine every day.", None);
        call.voice();
        assert_eq!(call.conversation.phase(), Phase::Processing);
        if words {
            call.guess("on Sundays", false);
        }
        call.wait(300);
        call.tell(Input::SpeechEnded {
            silence: Duration::from_millis(192),
        });
        call.tell(Input::Heard(Recognition {
            is_final: true,
            answers_finalize: true,
            ..Recognition::default()
        }));
        assert_eq!(
            call.conversation.phase() == Phase::Speaking,
            spoken,
            "{}",
            call.trace
        );
    }
}

#[test]
fn a_wait_is_filled_but_not_two_in_a_row() {
    let mut call = Call::listening(config());
    for words in ["When are you open?", "And on Sunday?", "And on Monday?"] {
        call.say(words);
        call.wait(2_000);
        call.model("At nine.", None);
        call.voice();
        call.heard_all();
        call.wait(500);
    }
    call.check(&expect![[r#"
        500   asks the model: When are you open?
        508   turn 2: Processing (end of turn)
        1708  says: One moment, please.
        3200  says: At nine.
        3200  turn 2: Speaking (first sound)
        3200  plays 8000 samples
        3200  mark behind piece 0
        3200  plays 8000 samples
        3200  mark behind piece 1
        3200  record: "When are you open?" → "One moment, please. At nine."
        3200  turn 3: Listening (heard)
        4200  asks the model: And on Sunday?
        4208  turn 4: Processing (end of turn)
        6900  says: At nine.
        6900  turn 4: Speaking (first sound)
        6900  plays 8000 samples
        6900  mark behind piece 0
        6900  record: "And on Sunday?" → "At nine."
        6900  turn 5: Listening (heard)
        7900  asks the model: And on Monday?
        7908  turn 6: Processing (end of turn)
        9108  says: Let me see.
        10600 says: At nine.
        10600 turn 6: Speaking (first sound)
        10600 plays 8000 samples
        10600 mark behind piece 0
        10600 plays 8000 samples
        10600 mark behind piece 1
        10600 record: "And on Monday?" → "Let me see. At nine."
        10600 turn 7: Listening (heard)
    "#]]);
}

#[test]
fn a_caller_who_speaks_stops_the_filler_and_the_answer() {
    let mut call = Call::listening(config());
    call.say("When are you open?");
    call.wait(2_000);
    let turn = call.conversation.turn();
    call.voice();
    assert_eq!(call.conversation.phase(), Phase::Speaking);
    call.tell(Input::SpeechStarted);
    call.tell(Input::Paused(ForTurn::new(turn, 1_600)));
    call.guess("never", false);
    call.guess("never mind", false);
    assert_eq!(call.conversation.phase(), Phase::Interrupted);
    call.tell(Input::Flushed(ForTurn::new(turn, 1_600)));
    call.trace.clear();
    token(&mut call, turn, "At nine. ");
    call.check(&expect![[r#""#]]);
}

#[test]
fn a_model_that_stays_silent_after_the_filler_is_apologised_for() {
    let mut call = Call::listening(config());
    call.say("When are you open?");
    call.wait(2_000);
    call.voice();
    call.heard_all();
    call.wait(3_200);
    call.voice();
    call.heard_all();
    call.check(&expect![[r#"
        500   asks the model: When are you open?
        508   turn 2: Processing (end of turn)
        1708  says: One moment, please.
        3200  turn 2: Speaking (first sound)
        3200  plays 8000 samples
        3200  mark behind piece 0
        6400  says: I'm sorry, I'm having trouble just now. Could you say that again?
        6400  plays 8000 samples
        6400  mark behind piece 1
        6400  record: "When are you open?" → "One moment, please. I'm sorry, I'm having trouble just now. Could you say that again?"
        6400  turn 3: Listening (heard)
    "#]]);
}

#[test]
fn the_voice_is_given_what_is_needed_next_and_short_sentences_together() {
    let mut call = Call::listening(config());
    call.say("When are you open?");
    let turn = call.conversation.turn();
    let sentences: Vec<String> = (1..=30)
        .map(|number| format!("Fact number {number} is this."))
        .collect();
    call.model(&sentences.join(" "), None);
    let (mut played, mut voiced) = (0, 0);
    for _ in 0..60 {
        for _ in 0..call.wanted.len() {
            call.wanted.pop();
            // Two seconds of sound for each piece, as long as it is short.
            for _ in 0..2 {
                call.tell(Input::Voiced(ForTurn::new(
                    turn,
                    Sound {
                        bytes: Vec::new(),
                        samples: 8_000,
                    },
                )));
                voiced += 8_000;
            }
            call.tell(Input::PieceDone(ForTurn::new(turn, ())));
        }
        played = (played + 8_000_u64).min(voiced);
        call.tell(Input::Played(ForTurn::new(turn, played)));
    }
    let said: Vec<&str> = call
        .trace
        .lines()
        .filter_map(|line| line.split_once("says: "))
        .map(|(_, text)| text)
        .collect();
    assert_eq!(said.join(" "), sentences.join(" "), "nothing is lost");
    assert!(said.len() <= 9, "{} pieces: {said:#?}", said.len());
    assert_eq!(call.conversation.phase(), Phase::Listening);
}

#[test]
fn a_yes_at_the_end_of_her_question_is_the_answer_and_one_before_it_is_not() {
    for (heard, taken) in [(1_600, false), (14_400, true)] {
        let mut call = Call::listening(config());
        call.say("I need an appointment.");
        call.model("I have ten o'clock on Monday, shall I book it?", None);
        let turn = call.conversation.turn();
        call.voice();
        call.voice();
        call.tell(Input::SpeechStarted);
        call.tell(Input::Paused(ForTurn::new(turn, heard)));
        call.tell(Input::SpeechEnded {
            silence: Duration::from_millis(124),
        });
        call.hear("Yes.");
        assert_eq!(
            call.conversation.phase() == Phase::Interrupted,
            taken,
            "{}",
            call.trace
        );
    }
}

#[test]
fn a_slow_caller_is_given_more_time() {
    let mut call = Call::listening(config());
    let mut waits = Vec::new();
    for pause in [0, 900, 900, 900] {
        if pause > 0 {
            call.sound(500);
            call.guess("I need to", false);
            call.wait(pause - 192);
        }
        call.sound(500);
        call.hear("see somebody on Monday.");
        let from = call.now;
        while call.conversation.phase() == Phase::Listening {
            call.wait(1);
        }
        waits.push(call.now - from + 192);
        call.model("Gladly.", None);
        call.voice();
        call.heard_all();
        call.wait(3_500);
    }
    assert_eq!(waits, [800, 800, 1_080, 1_080]);
}
