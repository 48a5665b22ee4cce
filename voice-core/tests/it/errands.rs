//! A model that ends the call or has the caller put through.

use std::time::Duration;

use expect_test::expect;
use voice_core::conversation::{Config, Conversation, Fault, Input, Output};
use voice_core::time::Timestamp;
use voice_core::tools;
use voice_core::transcript::Recognition;
use voice_core::turn::{ForTurn, TurnId};
use voice_core::wire::Phase;

use crate::call::{Call, config, second, with_a_person};

#[test]
fn the_model_is_offered_what_can_be_done() {
    for (config, names) in [
        (config(), vec!["end_call"]),
        (with_a_person(), vec!["end_call", "transfer_call"]),
    ] {
        let mut conversation = Conversation::new(Config {
            greeting: String::new(),
            ..config
        });
        conversation.handle_input(Timestamp::ZERO, Input::CallStarted);
        let heard = Recognition {
            text: "Are you open today?".to_owned(),
            is_final: true,
            ends_utterance: true,
            answers_finalize: true,
            likely_ended: false,
        };
        conversation.handle_input(Timestamp::ZERO, Input::Heard(heard));
        let offered = loop {
            match conversation.poll_output() {
                Output::Ask(prompt) => break prompt.into_parts().1.tools,
                Output::Timeout(_) => panic!("the model was not asked"),
                _ => {}
            }
        };
        let offered: Vec<&str> = offered.iter().map(|tool| tool.name.as_str()).collect();
        assert_eq!(offered, names);
    }
}

/// One answer of the model, what is said and how the call goes on.
fn errand(config: Config, words: &str, tool: &str) -> String {
    let mut call = Call::listening(config);
    call.say("That is all.");
    call.trace.clear();
    call.model(words, Some(tool));
    call.voice();
    call.heard_all();
    let kept = |line: &&str| {
        ["says", "hangs", "Listening"]
            .iter()
            .any(|w| line.contains(w))
    };
    let lines: Vec<&str> = call
        .trace
        .lines()
        .filter(kept)
        .map(|line| &line[6..])
        .collect();
    lines.join("\n")
}

#[test]
fn an_errand_is_done_once_its_words_were_heard() {
    let ended = errand(config(), "Goodbye, then.", "end_call");
    expect![[r#"
        says: Goodbye, then.
        hangs up: Completed"#]]
    .assert_eq(&ended);
    let ended = errand(config(), "", "end_call");
    expect![[r#"
        says: Thank you for calling. Goodbye.
        hangs up: Completed"#]]
    .assert_eq(&ended);
    let transferred = errand(with_a_person(), "", "transfer_call");
    expect![[r#"
        says: One moment, I'll put you through.
        hangs up: Transferred"#]]
    .assert_eq(&transferred);
    let transferred = errand(with_a_person(), "Let me get Ana.", "transfer_call");
    expect![[r#"
        says: Let me get Ana.
        hangs up: Transferred"#]]
    .assert_eq(&transferred);
    let unable = errand(config(), "", "transfer_call");
    expect![[r#"
        says: I'm sorry, I can't do that. Can I take a message?
        turn 3: Listening (heard)"#]]
    .assert_eq(&unable);
    let unable = errand(with_a_person(), "Let me sing it.", "sing");
    expect![[r#"
        says: Let me sing it.
        says: I'm sorry, I can't do that. Can I take a message?
        turn 3: Listening (heard)"#]]
    .assert_eq(&unable);
}

#[test]
fn a_caller_who_speaks_over_the_last_line_is_heard_first() {
    for tool in ["end_call", "transfer_call"] {
        let mut call = Call::listening(with_a_person());
        call.say("That is all.");
        call.model("Very well, until next time.", Some(tool));
        call.voice();
        let turn = call.conversation.turn();
        call.tell(Input::SpeechStarted);
        call.hear("wait, one more thing");
        call.tell(Input::SpeechEnded {
            silence: Duration::from_millis(192),
        });
        call.tell(Input::Flushed(ForTurn::new(turn, 1_000)));
        call.wait(1_000);
        call.model("Of course.", None);
        call.voice();
        call.heard_all();
        assert_eq!(
            call.conversation.phase(),
            Phase::Listening,
            "{}",
            call.trace
        );
    }
    // Before its first sound, too.
    let mut call = Call::listening(config());
    call.say("That is all.");
    call.model("Very well, until next time.", Some("end_call"));
    call.hear("no, wait, one more thing");
    call.wait(1_000);
    call.model("Of course.", None);
    call.wanted.remove(0);
    call.voice();
    call.heard_all();
    assert_eq!(
        call.conversation.phase(),
        Phase::Listening,
        "{}",
        call.trace
    );
}

#[test]
fn the_ceiling_on_a_calls_length_stands_whatever_is_said_over_it() {
    let config = Config {
        call_length: Duration::from_secs(5),
        ..config()
    };
    // The goodbye is interrupted: one more answer, and that is all.
    let mut call = Call::listening(config.clone());
    call.wait(5_000);
    call.voice();
    call.keys("1#");
    call.wait(1_000);
    call.model("Very well.", None);
    call.voice();
    call.heard_all();
    assert!(
        call.trace.ends_with("6400  hangs up: TooLong\n"),
        "{}",
        call.trace
    );
    // And an answer without end does not hold it up.
    let mut call = Call::listening(config);
    call.wait(5_000);
    call.voice();
    call.keys("1#");
    call.model("Very well.", None);
    let turn = call.conversation.turn();
    for seconds in 1..30 {
        call.tell(Input::Voiced(ForTurn::new(turn, second())));
        call.tell(Input::Played(ForTurn::new(turn, seconds * 8_000)));
        call.wait(1_000);
    }
    assert!(
        call.trace.ends_with("25000 hangs up: TooLong\n"),
        "{}",
        call.trace
    );
}

#[test]
fn a_model_that_breaks_off_after_its_errand_needs_no_apology() {
    let mut call = Call::listening(config());
    call.say("That is all.");
    let turn = call.conversation.turn();
    call.tell(Input::ToolCall(ForTurn::new(
        turn,
        tools::Call::named("end_call"),
    )));
    call.tell(Input::Failed(ForTurn::new(turn, Fault::Model)));
    call.voice();
    call.heard_all();
    call.check(&expect![[r#"
        500   asks the model: That is all.
        508   turn 2: Processing (end of turn)
        1200  says: Thank you for calling. Goodbye.
        1200  turn 2: Speaking (first sound)
        1200  plays 8000 samples
        1200  mark behind piece 0
        1200  record: "That is all." → "Thank you for calling. Goodbye."
        1200  turn 4: Ended (call over)
        1200  hangs up: Completed
    "#]]);
}

#[test]
fn an_errand_of_another_turn_or_after_the_apology_is_nobodys() {
    let mut call = Call::listening(config());
    call.say("That is all.");
    let turn = call.conversation.turn();
    let end = |turn| Input::ToolCall(ForTurn::new(turn, tools::Call::named("end_call")));
    call.tell(end(TurnId::from_wire(turn.number() + 1)));
    call.tell(Input::Failed(ForTurn::new(turn, Fault::Model)));
    call.tell(end(turn));
    call.voice();
    call.heard_all();
    call.tell(end(turn));
    assert_eq!(
        call.conversation.phase(),
        Phase::Listening,
        "{}",
        call.trace
    );
}
