//! The line alone is lost; the call waits for it.

use std::time::Duration;

use anyhow::{Context, ensure};
use tests::caller::{Caller, Event, PATIENCE};
use tests::edge::Edge;
use tests::phone::all_streams_closed;
use tests::{chat_requests, scripted};
use voice_core::wire::{ClientMessage, Outcome, Phase, RESUME_WITHIN, ServerMessage};

use crate::{CHARACTER, HOURS, SCRIPT, completed, greeted, heard_of, say};

#[tokio::test(flavor = "multi_thread")]
async fn invariant_22_an_answer_goes_on_at_the_sample_where_the_line_was_lost() -> anyhow::Result<()>
{
    let providers = scripted(SCRIPT).await?;
    let edge = Edge::start(&providers).await?;
    let mut caller = greeted(&edge).await?;
    caller.plays_at_once = false;
    say(&mut caller).await?;
    let turn = heard_of(&mut caller, 24_000).await?;
    let before = caller.received.get(&turn).copied().unwrap_or_default();
    caller.lose_line();
    caller.run_for(Duration::from_secs(3)).await?;
    let first = caller.come_back(&edge).await?;
    ensure!(
        matches!(first, Event::Message(ServerMessage::Reconnected { .. })),
        "{first:?}"
    );
    caller.plays_at_once = true;
    let samples = before;
    caller
        .tell(&ClientMessage::Played { turn, samples })
        .await?;
    ensure!(completed(&mut caller).await? == turn);
    let heard = caller.received.get(&turn).copied().unwrap_or_default();
    // To the sample: nothing twice and nothing left out. Trimming takes some silence before the first sound.
    let whole = HOURS.chars().count() as u64 * CHARACTER;
    ensure!(
        (whole - 4_800..=whole).contains(&heard),
        "{heard} samples of {whole}"
    );
    caller.leave().await
}

#[tokio::test(flavor = "multi_thread")]
async fn words_said_while_the_line_is_lost_are_answered() -> anyhow::Result<()> {
    let providers = scripted(SCRIPT).await?;
    let edge = Edge::start(&providers).await?;
    let mut caller = greeted(&edge).await?;
    caller.lose_line();
    caller.run_for(Duration::from_millis(500)).await?;
    caller.tell(&ClientMessage::SpeechStarted).await?;
    say(&mut caller).await?;
    caller.run_for(Duration::from_millis(800)).await?;
    caller.come_back(&edge).await?;
    // What the page does for a sound that began and ended meanwhile.
    caller.tell(&ClientMessage::SpeechStarted).await?;
    let silence_ms = 800;
    caller
        .tell(&ClientMessage::SpeechEnded { silence_ms })
        .await?;
    heard_of(&mut caller, 24_000).await?;
    let asked = chat_requests(&providers);
    ensure!(
        asked
            .iter()
            .flatten()
            .any(|line| line == "user: What are your opening hours"
                || line == "user: what are your opening hours"),
        "{asked:?}"
    );
    caller.leave().await
}

#[tokio::test(flavor = "multi_thread")]
async fn who_does_not_come_back_has_hung_up_and_cannot_come_back_later() -> anyhow::Result<()> {
    let providers = scripted(SCRIPT).await?;
    let edge = Edge::start(&providers).await?;
    let mut caller = greeted(&edge).await?;
    caller.lose_line();
    tokio::time::sleep(RESUME_WITHIN - Duration::from_secs(2)).await;
    ensure!(!tests::open_streams(&providers).is_empty(), "it waits");
    tokio::time::timeout(PATIENCE, all_streams_closed(&providers))
        .await
        .context("it waits for ever")??;
    let late = caller.come_back(&edge).await?;
    ensure!(
        late == Event::Message(ServerMessage::Ended {
            outcome: Outcome::HungUp
        }),
        "{late:?}"
    );
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_silent_line_is_a_lost_one() -> anyhow::Result<()> {
    let providers = scripted(SCRIPT).await?;
    let edge = Edge::start(&providers).await?;
    let mut caller = greeted(&edge).await?;
    caller.freeze_line();
    caller.run_for(Duration::from_secs(7)).await?;
    let first = caller.come_back(&edge).await?;
    ensure!(
        matches!(first, Event::Message(ServerMessage::Reconnected { .. })),
        "{first:?}"
    );
    say(&mut caller).await?;
    caller.wait_for_state(Phase::Speaking).await?;
    caller.leave().await
}

#[tokio::test(flavor = "multi_thread")]
async fn only_the_right_that_was_given_opens_a_call_again() -> anyhow::Result<()> {
    let providers = scripted(SCRIPT).await?;
    let edge = Edge::start(&providers).await?;
    let caller = greeted(&edge).await?;
    let right = caller.right_to_resume()?.to_owned();
    let ask = async |right: &str, origin: &str| -> anyhow::Result<u16> {
        let answer = reqwest::Client::new()
            .get(edge.url(&format!("/call?resume={right}")))
            .header("Origin", origin)
            .header("Upgrade", "websocket")
            .header("Connection", "Upgrade")
            .header("Sec-WebSocket-Version", "13")
            .header("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ==")
            .send()
            .await?;
        Ok(answer.status().as_u16())
    };
    ensure!(ask(&right, "https://elsewhere.example").await? == 403);
    ensure!(ask(&format!("{right}A"), &edge.origin).await? == 401);
    ensure!(ask("", &edge.origin).await? == 401);
    let refused = Caller::refusal(&edge, &right, Some(&edge.origin)).await?;
    ensure!(refused == 401, "it is no ticket: {refused}");
    ensure!(ask(&right, &edge.origin).await? == 101);
    caller.leave().await
}
