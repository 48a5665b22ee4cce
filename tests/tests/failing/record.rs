//! D1 is down when a call ends.

use std::time::Duration;

use anyhow::{Context, ensure};
use serde_json::json;
use tests::caller::PATIENCE;
use tests::database::{execute, rows};
use tests::edge::Edge;
use tests::scripted;

use crate::{ANSWER, ask, script};

#[tokio::test(flavor = "multi_thread")]
async fn a_record_waits_until_the_database_is_back_and_comes_once() -> anyhow::Result<()> {
    let providers = scripted("{}").await?;
    providers.set_script(script(&json!([]))?);
    let state = tempfile::tempdir()?;
    // Writing calls fails, as it does when the database is full or away; everything else is as ever.
    drop(Edge::start_keeping(&providers, state.path()).await?);
    let refuse =
        "CREATE TRIGGER away BEFORE INSERT ON calls BEGIN SELECT RAISE(ABORT, 'away'); END";
    execute(state.path(), refuse, &[json!([])]).await?;
    let edge = Edge::start_keeping(&providers, state.path()).await?;
    let heard = ask(&providers, &edge).await?;
    ensure!(heard.has(ANSWER), "{}", heard.outcome());
    let refused = async {
        while !edge
            .log()
            .iter()
            .any(|line| line.contains("record not delivered yet"))
        {
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    };
    tokio::time::timeout(PATIENCE, refused)
        .await
        .context("nothing was delivered, and nobody said so")?;
    drop(edge);
    execute(state.path(), "DROP TRIGGER away", &[json!([])]).await?;
    let _edge = Edge::start_keeping(&providers, state.path()).await?;
    let calls = rows(
        state.path(),
        "SELECT id FROM calls WHERE door = ?1",
        "phone",
    )
    .await?;
    ensure!(calls.len() == 1, "{calls:?}");
    let said = "SELECT agent_heard FROM turns WHERE agent_heard = ?1";
    ensure!(rows(state.path(), said, ANSWER).await?.len() == 1);
    Ok(())
}
