//! What is kept of a call: first in the object's own storage, then, once, in D1.

use std::rc::Rc;
use std::time::Duration;

use serde::Deserialize;
use voice_core::conversation::Exchange;
use voice_core::latency::TurnReport;
use voice_core::wire::Outcome;
use wasm_bindgen::JsValue;
use worker::{D1Database, D1PreparedStatement, Env, Result, SqlStorageValue, Storage};

/// A call that nobody ended (its object was restarted) is delivered as it stands after this: the ceiling of a call and
/// some minutes.
const LOST_AFTER: Duration = Duration::from_secs(40 * 60);

/// How long until the next attempt while D1 does not answer.
const RETRY: Duration = Duration::from_secs(15);

/// How long the object keeps what has been delivered, so that a late ticket finds its call used.
const KEPT: Duration = Duration::from_secs(60 * 60);

const SCHEMA: &str = "
CREATE TABLE IF NOT EXISTS call (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    id TEXT NOT NULL, site TEXT NOT NULL, started_at INTEGER NOT NULL,
    ended_at INTEGER, outcome TEXT, delivered INTEGER NOT NULL DEFAULT 0
);
CREATE TABLE IF NOT EXISTS exchange (
    turn INTEGER PRIMARY KEY,
    ended_at INTEGER NOT NULL, caller TEXT NOT NULL, heard TEXT NOT NULL, unheard TEXT NOT NULL, report TEXT NOT NULL
);";

#[derive(Clone)]
pub(super) struct Record {
    storage: Rc<Storage>,
}

#[derive(Debug, Deserialize)]
struct CallRow {
    id: String,
    site: String,
    started_at: f64,
    ended_at: Option<f64>,
    outcome: Option<String>,
    delivered: u32,
}

#[derive(Debug, Deserialize)]
struct ExchangeRow {
    turn: u32,
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

    /// Begins the record; `false` if there is one, which means that the ticket was used.
    pub(super) async fn open(&self, call: &str, site: &str, now: u64) -> Result<bool> {
        let sql = self.storage.sql();
        sql.exec(SCHEMA, None)?;
        let insert = "INSERT OR IGNORE INTO call (one, id, site, started_at) VALUES (1, ?, ?, ?)";
        let cursor = sql.exec(insert, vec![call.into(), site.into(), (now as f64).into()])?;
        if cursor.rows_written() == 0 {
            return Ok(false);
        }
        self.storage.set_alarm(LOST_AFTER).await?;
        Ok(true)
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
        match write(&env.d1("DB")?, &call, &turns).await {
            Ok(()) => {
                sql.exec("UPDATE call SET delivered = 1", None)?;
                self.storage.set_alarm(KEPT).await
            }
            Err(error) => {
                worker::console_warn!("call {}: record not delivered yet: {error}", call.id);
                self.storage.set_alarm(RETRY).await
            }
        }
    }
}

/// Writes a call and its turns in one transaction. Doing it twice changes nothing.
async fn write(db: &D1Database, call: &CallRow, turns: &[ExchangeRow]) -> Result<()> {
    let insert = "INSERT OR REPLACE INTO calls (id, door, site, started_at, ended_at, outcome) VALUES (?1, 'browser', ?2, ?3, ?4, ?5)";
    let mut batch = vec![db.prepare(insert).bind(&[
        call.id.as_str().into(),
        call.site.as_str().into(),
        call.started_at.into(),
        call.ended_at.map_or(JsValue::NULL, JsValue::from),
        call.outcome.as_deref().map_or(JsValue::NULL, JsValue::from),
    ])?];
    for turn in turns {
        batch.push(insert_turn(db, &call.id, turn)?);
    }
    db.batch(batch).await?;
    Ok(())
}

fn insert_turn(db: &D1Database, call: &str, row: &ExchangeRow) -> Result<D1PreparedStatement> {
    let report: TurnReport = serde_json::from_str(&row.report)?;
    let number = |millis: Option<u32>| millis.map_or(JsValue::NULL, JsValue::from);
    db.prepare(
        "INSERT OR REPLACE INTO turns (call_id, turn, ended_at, caller_text, agent_heard, agent_unheard, outcome, endpointing_ms, \
         first_token_ms, first_piece_ms, first_audio_ms, sent_ms, voice_to_voice_ms) \
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)",
    )
    .bind(&[
        call.into(),
        row.turn.into(),
        row.ended_at.into(),
        row.caller.as_str().into(),
        row.heard.as_str().into(),
        row.unheard.as_str().into(),
        report.outcome.as_str().into(),
        number(report.endpointing_ms),
        number(report.first_token_ms),
        number(report.first_piece_ms),
        number(report.first_audio_ms),
        number(report.sent_ms),
        number(report.voice_to_voice_ms),
    ])
}
