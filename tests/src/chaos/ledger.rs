//! What was stored of a round.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use serde_json::Value;
use tokio::time::{Instant, sleep};

use crate::database::rows_now;

/// A call whose object was lost is looked after by its alarm within half a minute, and one whose caller is gone ends after as long.
const DELIVERED_WITHIN: Duration = Duration::from_secs(100);

#[derive(Debug, Default)]
pub(super) struct Ledger {
    pub(super) calls: Vec<Value>,
    /// By call, in their order.
    pub(super) turns: BTreeMap<String, Vec<Value>>,
    pub(super) runs: BTreeMap<String, Vec<Value>>,
    pub(super) bookings: Vec<Value>,
    /// Calls as the days' figures count them.
    pub(super) counted: i64,
}

impl Ledger {
    /// Reads what is there once there are so many calls, or when they have had their time.
    pub(super) async fn read(state: &Path, calls: usize) -> anyhow::Result<Self> {
        let read = async |query: &str| rows_now(state, query, "").await;
        let give_up = Instant::now() + DELIVERED_WITHIN;
        let delivered = loop {
            let found = read("SELECT * FROM calls WHERE id <> ?1 ORDER BY id").await?;
            if found.len() >= calls || Instant::now() > give_up {
                break found;
            }
            sleep(Duration::from_millis(500)).await;
        };
        let days =
            read("SELECT coalesce(sum(calls), 0) AS calls FROM days WHERE site <> ?1").await?;
        Ok(Self {
            calls: delivered,
            turns: by_call(
                read("SELECT * FROM turns WHERE call_id <> ?1 ORDER BY call_id, turn").await?,
            ),
            runs: by_call(
                read("SELECT * FROM tool_runs WHERE call_id <> ?1 ORDER BY call_id, turn, n")
                    .await?,
            ),
            bookings: read("SELECT * FROM bookings WHERE id <> ?1").await?,
            counted: days
                .first()
                .and_then(|days| days["calls"].as_i64())
                .unwrap_or_default(),
        })
    }

    /// How many answers were cut.
    pub(super) fn cut(&self) -> usize {
        let turns = self.turns.values().flatten();
        turns
            .filter(|turn| !text(turn, "agent_unheard").is_empty())
            .count()
    }
}

/// A column of a row; empty if it holds no text.
pub(super) fn text<'a>(row: &'a Value, column: &str) -> &'a str {
    row[column].as_str().unwrap_or_default()
}

fn by_call(rows: Vec<Value>) -> BTreeMap<String, Vec<Value>> {
    let mut all: BTreeMap<String, Vec<Value>> = BTreeMap::new();
    for row in rows {
        all.entry(text(&row, "call_id").to_owned())
            .or_default()
            .push(row);
    }
    all
}
