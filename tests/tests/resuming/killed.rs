//! The runtime is killed in the middle of calls, and started again.

use std::time::Duration;

use anyhow::{Context, ensure};
use local_providers::phone::{Event as LineEvent, EventKind};
use tests::caller::{Caller, Event, PATIENCE};
use tests::database::rows;
use tests::edge::Edge;
use tests::phone::Phone;
use tests::{chat_requests, scripted};
use voice_core::wire::ServerMessage;

use crate::{SCRIPT, completed, greeted, heard_of, say};

/// How many browsers and telephones are in a call when it happens.
const BROWSERS: usize = 14;
const PHONES: usize = 6;

#[tokio::test(flavor = "multi_thread")]
async fn twenty_calls_outlive_the_runtime() -> anyhow::Result<()> {
    let providers = scripted(SCRIPT).await?;
    let state = tempfile::tempdir()?;
    let edge = Edge::start_keeping(&providers, state.path()).await?;
    let mut callers = Vec::new();
    for _ in 0..BROWSERS {
        callers.push(greeted(&edge).await?);
    }
    let mut phones = Vec::new();
    for _ in 0..PHONES {
        phones.push(Phone::greeted(&providers, &edge).await?);
    }
    // Each asks, and half of the browsers are in the middle of the answer.
    for (n, caller) in callers.iter_mut().enumerate() {
        say(caller).await?;
        if n % 2 == 0 {
            completed(caller).await?;
        } else {
            caller.plays_at_once = false;
            heard_of(caller, 24_000).await?;
        }
    }
    let lines: Vec<_> = phones.into_iter().map(|phone| phone.line).collect();
    edge.kill_runtime()?;
    let edge = edge.restart(&providers, state.path()).await?;

    providers.clear_log();
    for caller in &mut callers {
        caller.lose_line();
        caller.plays_at_once = true;
        let first = caller.come_back(&edge).await?;
        ensure!(
            matches!(first, Event::Message(ServerMessage::Reconnected { .. })),
            "{first:?}"
        );
    }
    // Those that were cut off are answered again; then each goes on, and the model knows what was said before.
    for (n, caller) in callers.iter_mut().enumerate() {
        if n % 2 == 1 {
            completed(caller).await?;
        }
        say(caller).await?;
        completed(caller).await?;
    }
    let asked = chat_requests(&providers);
    ensure!(
        asked.iter().all(|lines| lines[0].starts_with("assistant: Hello")
            || lines[0].starts_with("assistant: Thank")
            || lines.len() > 2),
        "{asked:?}"
    );
    for line in &lines {
        let pick = |event: &LineEvent| matches!(event.kind, EventKind::Ended { .. }).then_some(());
        line.until("the end of the call", pick).await?;
        let verbs = format!("{:?}", line.events());
        ensure!(verbs.contains("something has gone wrong"), "{verbs}");
    }
    for caller in callers {
        caller.leave().await?;
    }

    // Every turn that was finished before and after is in the database once: the greeting and the answers.
    let kept = async {
        loop {
            let calls = rows(state.path(), "SELECT id FROM calls WHERE door = ?1", "browser").await?;
            let phones = rows(state.path(), "SELECT id FROM calls WHERE door = ?1", "phone").await?;
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
        ensure!(row["turns"].as_i64() == Some(1), "{row}");
    }
    Ok(())
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
    let edge = edge.restart(&providers, state.path()).await?;
    caller.come_back(&edge).await?;
    heard_of(&mut caller, 24_000).await?;
    let asked = chat_requests(&providers);
    ensure!(
        asked.iter().flatten().any(|line| line.ends_with("hours")),
        "{asked:?}"
    );
    caller.leave().await
}
