//! A browser whose line is lost goes on with its call, whatever was lost with the line.

mod killed;
mod line;
mod stuck;

use std::time::Duration;

use anyhow::ensure;
use tests::caller::{Caller, Event};
use tests::edge::Edge;
use tests::words::GREETING;
use voice_core::turn::TurnId;
use voice_core::wire::{Phase, ServerMessage};

/// A long answer, so that a line can be lost in the middle of it, and a short one.
const SCRIPT: &str = r#"{
    "utterances": ["what are your opening hours", "can I come on Monday", "thank you"],
    "replies": [
        { "when": "Monday", "say": "We can see you on Monday at ten." },
        { "when": "hours", "say": "We are open from nine to five every single working day. On Saturday and on Sunday we are closed all day long." }
    ],
    "settings": { "after_last": "empty" }
}"#;

const HOURS: &str = "We are open from nine to five every single working day. On Saturday and on Sunday we are closed all day long.";

/// Samples of the scripted voice at 24 kHz for each character.
const CHARACTER: u64 = 60 * 24;

/// A caller who has heard the greeting.
async fn greeted(edge: &Edge) -> anyhow::Result<Caller> {
    let mut caller = Caller::connect(edge).await?;
    let turn = caller.wait_for_state(Phase::Speaking).await?;
    caller.wait_for_state(Phase::Listening).await?;
    let heard = caller.received.get(&turn).copied().unwrap_or_default();
    ensure!(
        heard + CHARACTER > GREETING.chars().count() as u64 * CHARACTER * 9 / 10,
        "{heard} samples of the greeting"
    );
    Ok(caller)
}

/// Says something; what it is, the script knows.
async fn say(caller: &mut Caller) -> anyhow::Result<()> {
    caller.speak(true);
    caller.run_for(Duration::from_millis(700)).await?;
    caller.speak(false);
    Ok(())
}

/// Waits until this much of a turn has arrived.
async fn heard_of(caller: &mut Caller, samples: u64) -> anyhow::Result<TurnId> {
    let mut sum = 0;
    let mut of = TurnId::NONE;
    caller
        .wait_for("her voice", |event| {
            if let Event::Voice { turn, samples } = event {
                if *turn != of {
                    (of, sum) = (*turn, 0);
                }
                sum += samples.len() as u64;
            }
            (sum >= samples).then_some(of)
        })
        .await
}

/// Waits for a report of a turn that was heard to its end.
async fn completed(caller: &mut Caller) -> anyhow::Result<TurnId> {
    caller
        .wait_for("a finished turn", |event| match event {
            Event::Message(ServerMessage::Report(report)) => Some(report.turn),
            _ => None,
        })
        .await
}
