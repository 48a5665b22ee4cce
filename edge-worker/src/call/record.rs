//! What is kept of a call: first in the object's own storage, then, once, in D1.

use std::rc::Rc;
use std::time::Duration;

use front_desk::zone::Zone;
use serde::Deserialize;
use voice_core::conversation::Exchange;
use voice_core::wire::Outcome;
use worker::{Env, Result, SqlStorageValue, Storage};

use crate::site;
use crate::store::record::{CallRecord, ToolRun, TurnRecord, Usage};
use crate::store::{self, StoreError};

/// A call that nobody ended (its object was restarted) is delivered as it stands after this: the ceiling of a call and
/// some minutes.
const LOST_AFTER: Duration = Duration::from_secs(40 * 60);

/// How such a call ended, as far as anybody knows.
const LOST: &str = "failed";

/// How long until the next attempt while D1 does not answer.
const RETRY: Duration = Duration::from_secs(15);

/// How long the object keeps the row of a call that has been delivered, so that a late ticket finds its call used.
const KEPT: Duration = Duration::from_secs(60 * 60);

const SCHEMA: &str = "
CREATE TABLE IF NOT EXISTS call (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    id TEXT NOT NULL, site TEXT NOT NULL, door TEXT NOT NULL, caller TEXT, started_at INTEGER NOT NULL,
    connected INTEGER NOT NULL DEFAULT 0, ended_at INTEGER, outcome TEXT, delivered INTEGER NOT NULL DEFAULT 0
);
CREATE TABLE IF NOT EXISTS exchange (
    turn INTEGER PRIMARY KEY,
    ended_at INTEGER NOT NULL, caller TEXT NOT NULL, heard TEXT NOT NULL, unheard TEXT NOT NULL, report TEXT NOT NULL
);
CREATE TABLE IF NOT EXISTS run (
    n INTEGER PRIMARY KEY,
    turn INTEGER NOT NULL, name TEXT NOT NULL, arguments TEXT NOT NULL, result TEXT NOT NULL, started_at INTEGER NOT NULL, took_ms INTEGER NOT NULL
);
CREATE TABLE IF NOT EXISTS cost (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    listened_ms INTEGER NOT NULL, tokens_in INTEGER NOT NULL, tokens_out INTEGER NOT NULL, characters INTEGER NOT NULL
);";

/// By which door a caller came in, as D1 names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Door {
    Browser,
    Phone,
}

/// What is known of a call before anything has happened in it.
#[derive(Clone, Copy)]
pub(super) struct Opening<'a> {
    pub(super) call: &'a str,
    pub(super) site: &'a str,
    pub(super) door: Door,
    /// The number of a caller by telephone.
    pub(super) caller: Option<&'a str>,
    /// Milliseconds since 1970.
    pub(super) now: u64,
}

/// Something that was done for the caller.
pub(super) struct Run<'a> {
    pub(super) turn: u32,
    /// Which of the call's.
    pub(super) number: u32,
    pub(super) name: &'a str,
    pub(super) arguments: &'a str,
    pub(super) result: &'a str,
    /// Milliseconds since 1970.
    pub(super) started_at: u64,
    pub(super) took_ms: u64,
}

/// What the vendors charge for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Cost {
    pub(super) listened: Duration,
    pub(super) tokens_in: u64,
    pub(super) tokens_out: u64,
    pub(super) characters: u64,
}

#[derive(Clone)]
pub(super) struct Record {
    storage: Rc<Storage>,
}

/// A call by telephone that has begun.
#[derive(Debug, Deserialize)]
pub(super) struct Ringing {
    pub(super) site: String,
    pub(super) caller: Option<String>,
}

#[derive(Debug, Deserialize)]
struct CallRow {
    id: String,
    site: String,
    door: String,
    caller: Option<String>,
    started_at: f64,
    ended_at: Option<f64>,
    outcome: Option<String>,
    delivered: u32,
}

#[derive(Debug, Deserialize)]
struct RunRow {
    turn: u32,
    name: String,
    arguments: String,
    result: String,
    started_at: f64,
    took_ms: f64,
}

#[derive(Debug, Default, Deserialize)]
struct CostRow {
    listened_ms: f64,
    tokens_in: f64,
    tokens_out: f64,
    characters: f64,
}

#[derive(Debug, Deserialize)]
struct ExchangeRow {
    ended_at: f64,
    caller: String,
    heard: String,
    unheard: String,
    report: String,
}

impl Record {
    pub(super) fn new(storage: Storage) -> Self {
        Self {
            storage: Rc::new(storage),
        }
    }

    /// Begins the record; `false` if there is one.
    pub(super) async fn open(&self, opening: &Opening<'_>) -> Result<bool> {
        let sql = self.storage.sql();
        sql.exec(SCHEMA, None)?;
        let insert = "INSERT OR IGNORE INTO call (one, id, site, door, caller, started_at) VALUES (1, ?, ?, ?, ?, ?)";
        let door = match opening.door {
            Door::Browser => "browser",
            Door::Phone => "phone",
        };
        let values = vec![
            opening.call.into(),
            opening.site.into(),
            door.into(),
            opening.caller.into(),
            (opening.now as f64).into(),
        ];
        if sql.exec(insert, values)?.rows_written() == 0 {
            return Ok(false);
        }
        self.storage.set_alarm(LOST_AFTER).await?;
        Ok(true)
    }

    /// Notes that the caller is connected; `false` if that has been, or the call is over.
    pub(super) fn connect(&self) -> Result<bool> {
        let update = "UPDATE call SET connected = 1 WHERE connected = 0 AND ended_at IS NULL";
        let cursor = self.storage.sql().exec(update, None)?;
        Ok(cursor.rows_written() > 0)
    }

    /// Whose telephone rings, if a call has begun.
    pub(super) fn rings(&self) -> Result<Option<Ringing>> {
        let sql = self.storage.sql();
        sql.exec(SCHEMA, None)?;
        let rows = sql.exec("SELECT site, caller FROM call", None)?;
        Ok(rows.to_array()?.into_iter().next())
    }

    /// Keeps a finished turn. The write is in the object's storage when this returns.
    pub(super) fn keep(&self, exchange: &Exchange, now: u64) {
        let report = serde_json::to_string(&exchange.report).unwrap_or_default();
        let values: Vec<SqlStorageValue> = vec![
            f64::from(exchange.turn.number()).into(),
            (now as f64).into(),
            exchange.caller.as_str().into(),
            exchange.heard.as_str().into(),
            exchange.unheard.as_str().into(),
            report.into(),
        ];
        let insert = "INSERT OR REPLACE INTO exchange (turn, ended_at, caller, heard, unheard, report) VALUES (?, ?, ?, ?, ?, ?)";
        if let Err(error) = self.storage.sql().exec(insert, values) {
            worker::console_error!("turn {} not kept: {error}", exchange.turn.number());
        }
    }

    /// Keeps what was done for the caller.
    pub(super) fn keep_run(&self, run: &Run<'_>) {
        let values: Vec<SqlStorageValue> = vec![
            f64::from(run.number).into(),
            f64::from(run.turn).into(),
            run.name.into(),
            run.arguments.into(),
            run.result.into(),
            (run.started_at as f64).into(),
            (run.took_ms as f64).into(),
        ];
        let insert = "INSERT OR REPLACE INTO run (n, turn, name, arguments, result, started_at, took_ms) VALUES (?, ?, ?, ?, ?, ?, ?)";
        if let Err(error) = self.storage.sql().exec(insert, values) {
            worker::console_error!("turn {}: what was done is not kept: {error}", run.turn);
        }
    }

    /// Keeps what the call has cost so far.
    pub(super) fn keep_cost(&self, cost: &Cost) {
        let values: Vec<SqlStorageValue> = vec![
            (cost.listened.as_millis() as f64).into(),
            (cost.tokens_in as f64).into(),
            (cost.tokens_out as f64).into(),
            (cost.characters as f64).into(),
        ];
        let insert = "INSERT OR REPLACE INTO cost (one, listened_ms, tokens_in, tokens_out, characters) VALUES (1, ?, ?, ?, ?)";
        if let Err(error) = self.storage.sql().exec(insert, values) {
            worker::console_error!("cost not kept: {error}");
        }
    }

    /// Ends the record and has it delivered.
    pub(super) async fn end(&self, outcome: Outcome, now: u64) -> Result<()> {
        let outcome = serde_json::to_value(outcome)
            .ok()
            .and_then(|value| value.as_str().map(str::to_owned));
        let update = "UPDATE call SET ended_at = ?, outcome = ? WHERE ended_at IS NULL";
        self.storage
            .sql()
            .exec(update, vec![(now as f64).into(), outcome.into()])?;
        self.storage.set_alarm(Duration::ZERO).await
    }

    /// Delivers the record to D1, or, when that was done, drops it.
    pub(super) async fn deliver(&self, env: &Env) -> Result<()> {
        let sql = self.storage.sql();
        sql.exec(SCHEMA, None)?;
        let Some(call) = sql
            .exec("SELECT * FROM call", None)?
            .to_array::<CallRow>()?
            .pop()
        else {
            return Ok(());
        };
        if call.delivered != 0 {
            return self.storage.delete_all().await;
        }
        let turns = sql
            .exec("SELECT * FROM exchange ORDER BY turn", None)?
            .to_array::<ExchangeRow>()?;
        let runs = sql
            .exec("SELECT * FROM run ORDER BY n", None)?
            .to_array::<RunRow>()?;
        let cost = sql.exec("SELECT * FROM cost", None)?;
        let cost = cost.to_array::<CostRow>()?.pop().unwrap_or_default();
        let id = call.id.clone();
        match write(env, call, turns, runs, &cost).await {
            Ok(()) => {
                // What was said is in one place only: whoever has it deleted there has it deleted.
                sql.exec("DELETE FROM exchange", None)?;
                sql.exec("DELETE FROM run", None)?;
                sql.exec("UPDATE call SET delivered = 1, caller = NULL", None)?;
                self.storage.set_alarm(KEPT).await
            }
            Err(error) => {
                worker::console_warn!("call {id}: record not delivered yet: {error}");
                self.storage.set_alarm(RETRY).await
            }
        }
    }
}

/// Writes the whole record to D1. Doing it twice changes nothing.
async fn write(
    env: &Env,
    call: CallRow,
    turns: Vec<ExchangeRow>,
    runs: Vec<RunRow>,
    cost: &CostRow,
) -> std::result::Result<(), StoreError> {
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
            .collect::<std::result::Result<_, _>>()?,
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

fn turn_record(row: ExchangeRow) -> std::result::Result<TurnRecord, StoreError> {
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

/// Storage gives every number as a double; times and counts are far below 2⁵³.
const fn whole(number: f64) -> i64 {
    number as i64
}
