//! Who speaks when, through the whole product and by both doors: the worker on workerd with scripted providers, called by a page's wire
//! and by telephone.
//!
//! Each piece of the scripted voice is a tone of its own, so what a caller has heard says itself which words they were.

mod ahead;
mod flushes;
mod waits;

use std::time::Duration;

use anyhow::{Context, ensure};
use futures_util::future::try_join_all;
use local_providers::Providers;
use serde_json::Value;
use tests::door::{Door, Guest};
use tests::edge::Edge;
use tests::scripted;
use tests::track::Track;

/// The scripted voice's length of a character.
const CHARACTER_MS: f64 = 60.0;

/// Less of a tone than this may be another one's that leaks in where they meet.
const LEAK_MS: f64 = 30.0;

/// A worker, its providers, and a door to come in by.
struct Stage {
    door: Door,
    providers: Providers,
    edge: Edge,
}

impl Stage {
    async fn new(door: Door, script: &Value, settings: &[(&str, &str)]) -> anyhow::Result<Self> {
        let providers = scripted(&script.to_string()).await?;
        let edge = Edge::start_with_more(&providers, settings).await?;
        Ok(Self {
            door,
            providers,
            edge,
        })
    }

    /// A caller who has been greeted.
    async fn guest(&self) -> anyhow::Result<Guest<'_>> {
        Guest::greeted(self.door, &self.providers, &self.edge, Duration::ZERO).await
    }
}

/// Plays a scene behind each door, at the same time.
async fn behind_both_doors(play: impl AsyncFn(Door) -> anyhow::Result<()>) -> anyhow::Result<()> {
    let play = &play;
    let scenes = Door::BOTH
        .map(|door| async move { play(door).await.with_context(|| format!("by {door:?}")) });
    try_join_all(scenes).await?;
    Ok(())
}

fn length_ms(text: &str) -> f64 {
    text.chars().count() as f64 * CHARACTER_MS
}

/// An error unless this text is heard whole in a stretch.
fn ensure_whole(her: &Track, text: &str, from_ms: f64, to_ms: f64) -> anyhow::Result<()> {
    let (heard, whole) = (her.tone_ms(text, from_ms, to_ms), length_ms(text));
    ensure!(
        (heard - whole).abs() < 60.0,
        "{heard} of {whole} ms of {text:?}"
    );
    Ok(())
}

/// An error if anything of this text is heard in a stretch.
fn ensure_none(her: &Track, text: &str, from_ms: f64, to_ms: f64) -> anyhow::Result<()> {
    let heard = her.tone_ms(text, from_ms, to_ms);
    ensure!(heard < LEAK_MS, "{heard} ms of {text:?}");
    Ok(())
}

/// How often a call has been in a state.
fn times(guest: &Guest<'_>, state: &str) -> usize {
    let states = guest.states();
    states.iter().filter(|logged| logged.state == state).count()
}
