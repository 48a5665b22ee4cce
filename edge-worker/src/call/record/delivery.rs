//! A call's record on its way to D1.

use front_desk::zone::Zone;
use worker::Env;

use super::{CallRow, CostRow, ExchangeRow, LOST, RunRow, whole};
use crate::site;
use crate::store::record::{CallRecord, ToolRun, TurnRecord, Usage};
use crate::store::{self, StoreError};

/// Writes the whole record to D1. Doing it twice changes nothing.
pub(super) async fn write(
    env: &Env,
    call: CallRow,
    turns: Vec<ExchangeRow>,
    runs: Vec<RunRow>,
    cost: &CostRow,
) -> Result<(), StoreError> {
    let started_at = whole(call.started_at);
    let last_heard_of = turns.iter().map(|turn| whole(turn.ended_at)).max();
    let day = match site::find(env, &call.site).await {
        Ok(business) => business.zone.today(started_at).to_string(),
        // The business is gone. Its calls are still told apart by day.
        Err(_) => Zone::default().today(started_at).to_string(),
    };
    let record = CallRecord {
        door: if call.door == "phone" {
            store::record::Door::Phone
        } else {
            store::record::Door::Browser
        },
        caller: call.caller,
        started_at,
        // A call whose object died ended with the last that was known of it.
        ended_at: call
            .ended_at
            .map(whole)
            .or(last_heard_of)
            .unwrap_or(started_at),
        outcome: call.outcome.unwrap_or_else(|| LOST.to_owned()),
        day,
        turns: turns
            .into_iter()
            .map(turn_record)
            .collect::<Result<_, _>>()?,
        tool_runs: in_turns(runs),
        usage: Usage {
            recogniser_ms: whole(cost.listened_ms),
            tokens_in: whole(cost.tokens_in),
            tokens_out: whole(cost.tokens_out),
            characters: whole(cost.characters),
        },
        id: call.id,
        site: call.site,
    };
    store::record::deliver(&env.d1("DB")?, &record).await
}

fn turn_record(row: ExchangeRow) -> Result<TurnRecord, StoreError> {
    Ok(TurnRecord {
        ended_at: whole(row.ended_at),
        caller: row.caller,
        heard: row.heard,
        unheard: row.unheard,
        report: serde_json::from_str(&row.report)
            .map_err(|error| StoreError::Database(error.to_string()))?,
    })
}

/// What was done, counted anew in each turn.
fn in_turns(rows: Vec<RunRow>) -> Vec<ToolRun> {
    let mut runs: Vec<ToolRun> = Vec::with_capacity(rows.len());
    for row in rows {
        let before = runs.iter().filter(|run| run.turn == row.turn).count();
        runs.push(ToolRun {
            turn: row.turn,
            n: u32::try_from(before).unwrap_or(u32::MAX),
            name: row.name,
            arguments: row.arguments,
            result: Some(row.result),
            started_at: whole(row.started_at),
            took_ms: u32::try_from(whole(row.took_ms)).ok(),
        });
    }
    runs
}
