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
    id TEXT NOT NULL, site TEXT NOT NULL, door TEXT NOT NULL, caller TEXT, started_at INTEGER NOT NULL,
    connected INTEGER NOT NULL DEFAULT 0, ended_at INTEGER, outcome TEXT, delivered INTEGER NOT NULL DEFAULT 0
);
CREATE TABLE IF NOT EXISTS exchange (
    turn INTEGER PRIMARY KEY,
    ended_at INTEGER NOT NULL, caller TEXT NOT NULL, heard TEXT NOT NULL, unheard TEXT NOT NULL, report TEXT NOT NULL
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

#[derive(Clone)]
pub(super) struct Record {
    storage: Rc<Storage>,
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

    /// Whose telephone rings: the site of a call that has begun.
    pub(super) fn rings(&self) -> Result<Option<String>> {
        #[derive(Deserialize)]
        struct Row {
            site: String,
        }
        let sql = self.storage.sql();
        sql.exec(SCHEMA, None)?;
        let rows = sql.exec("SELECT site FROM call", None)?.to_array::<Row>()?;
        Ok(rows.into_iter().next().map(|row| row.site))
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
    let insert = "INSERT OR REPLACE INTO calls (id, site, door, caller, started_at, ended_at, outcome) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)";
    let text = |text: &Option<String>| text.as_deref().map_or(JsValue::NULL, JsValue::from);
    let mut batch = vec![db.prepare(insert).bind(&[
        call.id.as_str().into(),
        call.site.as_str().into(),
        call.door.as_str().into(),
        text(&call.caller),
        call.started_at.into(),
        call.ended_at.map_or(JsValue::NULL, JsValue::from),
        text(&call.outcome),
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
         first_token_ms, first_piece_ms, first_audio_ms, sent_ms, voice_to_voice_ms, speculative_requests, speculative_wasted) \
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15)",
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
        report.speculative_requests.into(),
        report.speculative_wasted.into(),
    ])
}
