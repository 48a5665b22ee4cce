//! A browser that stops, and whose connection stays: nothing comes of it, and nothing is read.

use std::time::Duration;

use anyhow::{Context, ensure};
use tests::caller::{Caller, Event, PATIENCE};
use tests::edge::Edge;
use tests::figures::show;
use tests::scripted;
use tokio::time::Instant;
use voice_core::wire::{ClientMessage, ServerMessage};

use crate::{HOURS, SCRIPT, completed, greeted, heard_of, say};

/// Within so long the edge lets go of it.
const WITHIN: Duration = Duration::from_secs(5);

/// The most sound that waits for it: what the edge sends ahead of what was played, and what was sent before.
const SOUND: usize = 3 * 24_000;

/// Everything that waited for a browser, and the code with which the edge closed.
async fn waited(caller: &mut Caller) -> anyhow::Result<(usize, u16)> {
    let mut samples = 0;
    loop {
        match caller.next().await? {
            Event::Voice { samples: more, .. } => samples += more.len(),
            Event::Closed { code } => return Ok((samples, code)),
            Event::Message(_) => {}
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_browser_that_reads_nothing_is_let_go_of_within_five_seconds() -> anyhow::Result<()> {
    let providers = scripted(SCRIPT).await?;
    let edge = Edge::start(&providers).await?;
    let mut caller = greeted(&edge).await?;
    caller.plays_at_once = false;
    say(&mut caller).await?;
    let turn = heard_of(&mut caller, 12_000).await?;

    caller.freeze_line();
    let began = Instant::now();
    let silent = async {
        while !edge
            .log()
            .iter()
            .any(|line| line.contains("the line is silent"))
        {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(PATIENCE, silent)
        .await
        .context("it is never let go of")?;
    let took = began.elapsed();
    show(format_args!(
        "a browser that is stuck → let go of {:>6.0} ms",
        took.as_secs_f64() * 1_000.0
    ));
    ensure!(took < WITHIN, "{took:?}");

    // What had been sent by then is all that ever comes, and the close behind it.
    caller.run_for(Duration::from_secs(1)).await?;
    caller.thaw_line();
    caller.has_microphone = false;
    let (samples, code) = tokio::time::timeout(PATIENCE, waited(&mut caller)).await??;
    show(format_args!(
        "sound that waited for it {samples:>6} samples"
    ));
    ensure!(samples < SOUND, "{samples} of {} characters", HOURS.len());
    ensure!(code == 1000, "closed with {code}");

    // The call has not ended: the browser comes back and hears the rest.
    let first = caller.come_back(&edge).await?;
    ensure!(
        matches!(first, Event::Message(ServerMessage::Reconnected { .. })),
        "{first:?}"
    );
    caller.has_microphone = true;
    caller.plays_at_once = true;
    let samples = caller.received.get(&turn).copied().unwrap_or_default();
    caller
        .tell(&ClientMessage::Played { turn, samples })
        .await?;
    let finished = completed(&mut caller).await;
    ensure!(finished? == turn, "{:#?}", edge.log());
    caller.leave().await
}
