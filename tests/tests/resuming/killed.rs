//! The runtime is killed in the middle of calls, and started again.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, ensure};
use local_providers::phone::{Event as LineEvent, EventKind};
use tests::caller::{Caller, Event, PATIENCE};
use tests::database::{rows, rows_now};
use tests::edge::Edge;
use tests::phone::Phone;
use tests::{chat_requests, scripted};
use tokio::task::JoinSet;
use voice_core::wire::ServerMessage;

use crate::{SCRIPT, completed, greeted, heard_of, say};

/// How many browsers and telephones are in a call when it happens.
const BROWSERS: usize = 14;
const PHONES: usize = 6;

#[tokio::test(flavor = "multi_thread")]
async fn twenty_calls_outlive_the_runtime() -> anyhow::Result<()> {
    let providers = scripted(SCRIPT).await?;
    let state = tempfile::tempdir()?;
    let edge = Arc::new(Edge::start_keeping(&providers, state.path()).await?);
    let mut phones = Vec::new();
    for _ in 0..PHONES {
        phones.push(Phone::greeted(&providers, &edge).await?.line);
    }
    // Each browser asks, and half of them are in the middle of the answer.
    let mut callers = JoinSet::new();
    for n in 0..BROWSERS {
        callers.spawn(until_it_happens(Arc::clone(&edge), n % 2 == 0));
    }
    let callers = callers.join_all().await.into_iter();
    let callers: Vec<Caller> = callers.collect::<anyhow::Result<_>>()?;
    edge.kill_runtime()?;
    edge.restart().await?;
    providers.clear_log();
    let mut back = JoinSet::new();
    for caller in callers {
        back.spawn(after_it_happened(Arc::clone(&edge), caller));
    }
    for outcome in back.join_all().await {
        outcome?;
    }
    // The model knows what was said before.
    let asked = chat_requests(&providers);
    ensure!(asked.iter().any(|lines| lines.len() > 3), "{asked:?}");
    for line in &phones {
        let pick = |event: &LineEvent| matches!(event.kind, EventKind::Ended { .. }).then_some(());
        line.until("the end of the call", pick).await?;
        let verbs = format!("{:?}", line.events());
        ensure!(verbs.contains("something has gone wrong"), "{verbs}");
    }

    // Every turn that was finished before and after is in the database once: the greeting and the answers.
    let kept = async {
        loop {
            let calls = rows_now(
                state.path(),
                "SELECT id FROM calls WHERE door = ?1",
                "browser",
            )
            .await?;
            let phones = rows_now(
                state.path(),
                "SELECT id FROM calls WHERE door = ?1",
                "phone",
            )
            .await?;
            if calls.len() == BROWSERS && phones.len() == PHONES {
                return anyhow::Ok(());
            }
            tokio::time::sleep(Duration::from_millis(500)).await;
        }
    };
    tokio::time::timeout(4 * PATIENCE, kept)
        .await
        .context("not all calls were delivered")??;
    let heard = "SELECT call_id, count(*) AS turns FROM turns JOIN calls ON calls.id = call_id \
                 WHERE door = ?1 AND agent_heard <> '' GROUP BY call_id";
    for row in rows(state.path(), heard, "browser").await? {
        ensure!(row["turns"].as_i64() == Some(3), "{row}");
    }
    for row in rows(state.path(), heard, "phone").await? {
        ensure!(row["turns"].as_i64() >= Some(1), "{row}");
    }
    Ok(())
}

/// A caller in the middle of an answer, or behind it.
async fn until_it_happens(edge: Arc<Edge>, hears_it_out: bool) -> anyhow::Result<Caller> {
    let mut caller = greeted(&edge).await?;
    caller.plays_at_once = hears_it_out;
    say(&mut caller).await?;
    if hears_it_out {
        completed(&mut caller).await?;
    } else {
        heard_of(&mut caller, 24_000).await?;
    }
    Ok(caller)
}

/// The same caller, back: whoever was cut off is answered again, and each goes on.
async fn after_it_happened(edge: Arc<Edge>, mut caller: Caller) -> anyhow::Result<()> {
    let was_cut = !caller.plays_at_once;
    caller.lose_line();
    caller.plays_at_once = true;
    let first = caller.come_back(&edge).await?;
    ensure!(
        matches!(first, Event::Message(ServerMessage::Reconnected { .. })),
        "{first:?}"
    );
    if was_cut {
        completed(&mut caller).await.context("the answer again")?;
    }
    say(&mut caller).await?;
    completed(&mut caller).await.context("another answer")?;
    caller.leave().await
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_caller_was_saying_when_it_was_killed_is_answered() -> anyhow::Result<()> {
    let providers = scripted(SCRIPT).await?;
    let state = tempfile::tempdir()?;
    let edge = Edge::start_keeping(&providers, state.path()).await?;
    let mut caller: Caller = greeted(&edge).await?;
    caller.speak(true);
    caller.run_for(Duration::from_millis(400)).await?;
    edge.kill_runtime()?;
    caller.lose_line();
    caller.run_for(Duration::from_millis(300)).await?;
    caller.speak(false);
    edge.restart().await?;
    caller.come_back(&edge).await?;
    heard_of(&mut caller, 24_000).await?;
    let asked = chat_requests(&providers);
    ensure!(
        asked.iter().flatten().any(|line| line.ends_with("hours")),
        "{asked:?}"
    );
    caller.leave().await
}
