//! The ways: what the caller does, or what breaks, until the call is over; each gives what the record must say.

use std::time::Duration;

use anyhow::Context;
use local_providers::phone::SpanOnTimeline;
use tests::caller::{Caller, Event, PATIENCE};
use tests::door::{Door, Guest};
use tests::phone::Phone;
use tests::stream::{announce, call_sid, conclude};
use tests::visitor::Visitor;
use tests::words::GREETING;
use tokio_tungstenite::tungstenite::Message;
use voice_core::wire::{Phase, RESUME_WITHIN, ServerMessage};

use super::{
    APOLOGY, DEAF, Ending, FAREWELL, FILLER, GOODBYE, HOURS, Heard, PERSON, PREFACE, PROMPT, Stage,
    TAKEN, THROUGH, Turn, UNABLE, answer,
};

/// How a caller goes.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Leaves {
    HangsUp,
    /// Without a word: the connection is lost.
    Vanishes,
}

/// A word or two.
const BRIEFLY: u64 = 700;

fn name_of(guest: &Guest<'_>) -> anyhow::Result<String> {
    let browser = guest.visitor().and_then(Visitor::call_id);
    let phone = guest.phone().map(|phone| phone.line.call_sid().to_owned());
    browser.or(phone).context("a call without a name")
}

/// Waits until this holds.
async fn until(what: &str, holds: impl Fn() -> bool) -> anyhow::Result<()> {
    let look = async {
        while !holds() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(PATIENCE, look)
        .await
        .with_context(|| format!("waited for {what}"))
}

/// A caller who has asked about the hours and has heard the answer for a second.
pub(super) async fn is_answered(stage: &Stage, door: Door) -> anyhow::Result<Guest<'_>> {
    let guest = stage.greeted(door).await?;
    let said = guest.say(BRIEFLY).await?;
    guest.answered(said.to_ms).await?;
    guest.wait(1_000).await;
    Ok(guest)
}

pub(super) async fn says_nothing(stage: &Stage, door: Door) -> anyhow::Result<Ending> {
    let guest = stage.greeted(door).await?;
    guest.state("Speaking", 2).await?;
    guest.over().await?;
    let turns = vec![
        Turn::greeting(),
        Turn::completed("", PROMPT),
        Turn::completed("", FAREWELL),
    ];
    let call = name_of(&guest)?;
    Ok(Ending::new("says nothing", door, call, "silent", turns))
}

pub(super) async fn is_put_through(stage: &Stage) -> anyhow::Result<Ending> {
    let guest = stage.greeted(Door::Phone).await?;
    guest.ask(BRIEFLY).await?;
    guest.say(BRIEFLY).await?;
    guest.over().await?;
    let turns = vec![
        Turn::greeting(),
        Turn::completed(HOURS, &answer()),
        Turn::completed(PERSON, "Of course."),
    ];
    let call = name_of(&guest)?;
    Ok(Ending::new(
        "is put through",
        Door::Phone,
        call,
        "transferred",
        turns,
    ))
}

/// A browser cannot be put through.
pub(super) async fn asks_in_vain_and_takes_leave(stage: &Stage) -> anyhow::Result<Ending> {
    let guest = stage.greeted(Door::Browser).await?;
    guest.ask(BRIEFLY).await?;
    guest.ask(BRIEFLY).await?;
    guest.say(BRIEFLY).await?;
    guest.over().await?;
    let turns = vec![
        Turn::greeting(),
        Turn::completed(HOURS, &answer()),
        Turn::completed(PERSON, &format!("Of course. {UNABLE}")),
        Turn::completed(GOODBYE, &format!("{PREFACE} {TAKEN}")),
    ];
    let call = name_of(&guest)?;
    Ok(Ending {
        runs: vec!["take_message"],
        ..Ending::new("she ends it", Door::Browser, call, "completed", turns)
    })
}

/// The model is so slow that the wait is filled.
pub(super) async fn she_ends_it(stage: &Stage) -> anyhow::Result<Ending> {
    let guest = stage.greeted(Door::Phone).await?;
    guest.say(BRIEFLY).await?;
    guest.over().await?;
    let turns = vec![
        Turn::greeting(),
        Turn::completed(GOODBYE, &format!("{FILLER} {PREFACE} {TAKEN}")),
    ];
    let call = name_of(&guest)?;
    Ok(Ending {
        runs: vec!["take_message"],
        ..Ending::new("she ends it", Door::Phone, call, "completed", turns)
    })
}

pub(super) async fn in_her_answer(
    stage: &Stage,
    door: Door,
    leaves: Leaves,
) -> anyhow::Result<Ending> {
    let guest = is_answered(stage, door).await?;
    let call = name_of(&guest)?;
    let about = match (leaves, guest.phone()) {
        (Leaves::HangsUp, _) => {
            guest.hang_up().await?;
            "hangs up in her answer"
        }
        (Leaves::Vanishes, Some(phone)) => {
            phone.line.cut();
            stage.edge.until_state(&call, "Ended", 0).await?;
            "vanishes in her answer"
        }
        (Leaves::Vanishes, None) => {
            drop(guest);
            // So long the call waits for them.
            tokio::time::sleep(RESUME_WITHIN).await;
            stage.edge.until_state(&call, "Ended", 0).await?;
            "vanishes in her answer"
        }
    };
    let turns = vec![
        Turn::greeting(),
        Turn::new(HOURS, &answer(), Heard::Part, "hung_up"),
    ];
    Ok(Ending::new(about, door, call, "hung_up", turns))
}

pub(super) async fn having_interrupted(stage: &Stage, door: Door) -> anyhow::Result<Ending> {
    let guest = is_answered(stage, door).await?;
    guest.say(2_500).await?;
    guest.state("Interrupted", 2).await?;
    guest.hang_up().await?;
    let turns = vec![
        Turn::greeting(),
        Turn::new(HOURS, &answer(), Heard::Part, "interrupted"),
        Turn::unanswered(PERSON),
    ];
    let call = name_of(&guest)?;
    Ok(Ending::new(
        "hangs up having interrupted",
        door,
        call,
        "hung_up",
        turns,
    ))
}

pub(super) async fn in_his_sentence(stage: &Stage, door: Door) -> anyhow::Result<Ending> {
    let guest = stage.greeted(door).await?;
    let SpanOnTimeline { from_ms, .. } = guest.say(2_500).await?;
    // The recogniser tells three words a second.
    until("two seconds of speech", || {
        guest.elapsed_ms() > from_ms + 2_000.0
    })
    .await?;
    guest.hang_up().await?;
    let turns = vec![Turn::greeting(), Turn::unanswered(HOURS)];
    let call = name_of(&guest)?;
    Ok(Ending::new(
        "hangs up in his sentence",
        door,
        call,
        "hung_up",
        turns,
    ))
}

pub(super) async fn in_his_turn(stage: &Stage, door: Door) -> anyhow::Result<Ending> {
    let guest = stage.greeted(door).await?;
    guest.hang_up().await?;
    let call = name_of(&guest)?;
    Ok(Ending::new(
        "hangs up in his turn",
        door,
        call,
        "hung_up",
        vec![Turn::greeting()],
    ))
}

pub(super) async fn in_the_greeting(stage: &Stage, door: Door) -> anyhow::Result<Ending> {
    let call = match door {
        Door::Browser => {
            let visitor = Visitor::call(&stage.edge, Duration::ZERO).await?;
            until("the greeting", || visitor.her().first_sound(0.0).is_some()).await?;
            tokio::time::sleep(Duration::from_secs(1)).await;
            visitor.hang_up();
            until("the end", || visitor.is_over()).await?;
            visitor.call_id().context("she never welcomed")?
        }
        Door::Phone => {
            let phone = Phone::call(&stage.providers, &stage.edge).await?;
            phone.answered(0.0).await?;
            phone.wait(1_000).await;
            phone.hang_up().await?;
            phone.line.call_sid().to_owned()
        }
    };
    let turns = vec![Turn::new("", GREETING, Heard::Part, "hung_up")];
    Ok(Ending::new(
        "hangs up in the greeting",
        door,
        call,
        "hung_up",
        turns,
    ))
}

/// It rings, and the caller thinks better of it.
pub(super) async fn before_the_stream(stage: &Stage) -> anyhow::Result<Ending> {
    let call = call_sid(1);
    announce(&stage.edge, &call).await?;
    conclude(&stage.edge, &call).await?;
    stage.edge.until_state(&call, "Ended", 0).await?;
    Ok(Ending {
        caller: Some("+12025550101"),
        listened: false,
        ..Ending::new(
            "hangs up while it rings",
            Door::Phone,
            call,
            "hung_up",
            Vec::new(),
        )
    })
}

pub(super) async fn breaks_the_protocol(stage: &Stage) -> anyhow::Result<Ending> {
    let mut caller = Caller::connect(&stage.edge).await?;
    caller.plays_at_once = false;
    let welcome = |event: &Event| match event {
        Event::Message(ServerMessage::Welcome { call, .. }) => Some(call.clone()),
        _ => None,
    };
    let call = caller.wait_for("the welcome", welcome).await?;
    caller.wait_for_state(Phase::Speaking).await?;
    caller.run_for(Duration::from_millis(500)).await?;
    caller.send(Message::text("nonsense")).await?;
    let closed = |event: &Event| matches!(event, Event::Closed { .. }).then_some(());
    caller.wait_for("the close", closed).await?;
    let turns = vec![Turn::new("", GREETING, Heard::None, "hung_up")];
    Ok(Ending::new(
        "breaks the protocol",
        Door::Browser,
        call,
        "refused",
        turns,
    ))
}

pub(super) async fn while_she_thinks(stage: &Stage, door: Door) -> anyhow::Result<Ending> {
    let guest = stage.greeted(door).await?;
    guest.say(BRIEFLY).await?;
    guest.state("Processing", 2).await?;
    guest.hang_up().await?;
    let call = name_of(&guest)?;
    let turns = vec![Turn::greeting(), Turn::unanswered(GOODBYE)];
    Ok(Ending {
        asked: true,
        ..Ending::new("hangs up while she thinks", door, call, "hung_up", turns)
    })
}

/// What was begun for the caller is done, and the record says so.
pub(super) async fn while_she_works(stage: &Stage, door: Door) -> anyhow::Result<Ending> {
    let guest = stage.greeted(door).await?;
    let said = guest.say(BRIEFLY).await?;
    guest.answered(said.to_ms).await?;
    guest.hang_up().await?;
    let call = name_of(&guest)?;
    let words = format!("{PREFACE} {TAKEN}");
    let turns = vec![
        Turn::greeting(),
        Turn::new(GOODBYE, &words, Heard::Some, "hung_up"),
    ];
    Ok(Ending {
        runs: vec!["take_message"],
        ..Ending::new("hangs up while she works", door, call, "hung_up", turns)
    })
}

pub(super) async fn the_model_fails(stage: &Stage, door: Door) -> anyhow::Result<Ending> {
    let guest = stage.greeted(door).await?;
    guest.ask(BRIEFLY).await?;
    guest.ask(BRIEFLY).await?;
    guest.say(BRIEFLY).await?;
    guest.over().await?;
    let failed = Turn::new(HOURS, APOLOGY, Heard::All, "llm_failed");
    let turns = vec![Turn::greeting(), failed.clone(), failed.clone(), failed];
    let call = name_of(&guest)?;
    Ok(Ending {
        asked: false,
        voiced: false,
        ..Ending::new("the model fails thrice", door, call, "failed", turns)
    })
}

/// Nothing is ever heard: neither the greeting nor an apology, and then there is nothing left to try.
pub(super) async fn the_voice_fails(stage: &Stage, door: Door) -> anyhow::Result<Ending> {
    let call = match door {
        Door::Browser => {
            let visitor = Visitor::call(&stage.edge, Duration::ZERO).await?;
            until("the end", || visitor.is_over()).await?;
            visitor.call_id().context("she never welcomed")?
        }
        Door::Phone => {
            let phone = Phone::call(&stage.providers, &stage.edge).await?;
            phone.over().await?;
            phone.line.call_sid().to_owned()
        }
    };
    let turns = vec![
        Turn::new("", GREETING, Heard::None, "tts_failed"),
        Turn::new("", APOLOGY, Heard::None, "tts_failed"),
    ];
    Ok(Ending {
        // It is over before the recogniser was given anything.
        listened: false,
        asked: false,
        voiced: false,
        ..Ending::new("the voice fails twice", door, call, "failed", turns)
    })
}

/// This caller's words are not understood any more, in the middle of an answer.
pub(super) async fn the_recogniser_fails(door: Door, guest: &Guest<'_>) -> anyhow::Result<Ending> {
    guest.over().await?;
    // Her answer is heard to its end; a telephone is put through, a browser told to call again.
    let (line, outcome) = match door {
        Door::Browser => (DEAF, "failed"),
        Door::Phone => (THROUGH, "transferred"),
    };
    let turns = vec![
        Turn::greeting(),
        Turn::completed(HOURS, &answer()),
        Turn::completed("", line),
    ];
    let call = name_of(guest)?;
    Ok(Ending::new(
        "the recogniser fails",
        door,
        call,
        outcome,
        turns,
    ))
}
