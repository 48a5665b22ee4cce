//! What is kept of a call: first in the object's own storage, then, once, in D1.

mod delivery;

use std::rc::Rc;
use std::time::Duration;

use serde::Deserialize;
use voice_core::conversation::{Exchange, Kept};
use voice_core::tools;
use voice_core::turn::TurnId;
use voice_core::wire::{Outcome, RESUME_WITHIN};
use worker::{Env, Result, SqlStorageValue, Storage};

use self::delivery::write;

/// How often it is seen to that somebody still holds the call: its object may have been restarted.
const LOOK: Duration = Duration::from_secs(30);

/// How long a call that nobody holds is kept for its browser: the time for which that tries to come back, and a little.
const LOST_FOR: Duration = RESUME_WITHIN.saturating_add(Duration::from_secs(5));

/// How such a call ended, as far as anybody knows.
const LOST: &str = "failed";

/// How long until the next attempt while D1 does not answer: twice as long each time, from the first to the second.
const RETRY: [Duration; 2] = [Duration::from_secs(2), Duration::from_secs(120)];

/// How long the object keeps the row of a call that has been delivered, so that a late ticket finds its call used.
const KEPT: Duration = Duration::from_secs(60 * 60);

const SCHEMA: &str = "
CREATE TABLE IF NOT EXISTS call (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    id TEXT NOT NULL, site TEXT NOT NULL, door TEXT NOT NULL, caller TEXT, started_at INTEGER NOT NULL,
    connected INTEGER NOT NULL DEFAULT 0, ended_at INTEGER, outcome TEXT, delivered INTEGER NOT NULL DEFAULT 0,
    lost_at INTEGER, attempts INTEGER NOT NULL DEFAULT 0
);
CREATE TABLE IF NOT EXISTS open (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    turn INTEGER NOT NULL, caller TEXT NOT NULL
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

/// What the alarm has to do for a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Care {
    Deliver,
    /// Another alarm will look again.
    Wait,
}

/// A call as it is stored.
#[derive(Debug)]
pub(super) struct Stored {
    pub(super) site: String,
    /// Milliseconds since 1970.
    pub(super) started_at: i64,
    /// How it ended; none while it is on.
    pub(super) outcome: Option<Outcome>,
    pub(super) kept: Kept,
    pub(super) cost: Cost,
    /// How many things were done for the caller.
    pub(super) runs: u32,
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
    #[serde(default)]
    lost_at: Option<f64>,
    #[serde(default)]
    attempts: u32,
}

#[derive(Debug, Deserialize)]
struct OpenRow {
    turn: u32,
    caller: String,
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
        self.storage.set_alarm(LOOK).await?;
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
        self.keep_open(exchange.turn, "");
    }

    /// Keeps what the caller has said to open a turn; nothing takes it back.
    pub(super) fn keep_open(&self, turn: TurnId, caller: &str) {
        let sql = self.storage.sql();
        let done = if caller.is_empty() {
            let delete = "DELETE FROM open WHERE turn <= ?";
            sql.exec(delete, vec![f64::from(turn.number()).into()])
        } else {
            let insert = "INSERT OR REPLACE INTO open (one, turn, caller) VALUES (1, ?, ?)";
            sql.exec(insert, vec![f64::from(turn.number()).into(), caller.into()])
        };
        if let Err(error) = done {
            worker::console_error!("turn {}: its beginning not kept: {error}", turn.number());
        }
    }

    /// The call as it is stored, if there is one.
    pub(super) fn stored(&self) -> Result<Option<Stored>> {
        let Some(call) = self.call()? else {
            return Ok(None);
        };
        let sql = self.storage.sql();
        let runs = self.runs()?;
        let count = u32::try_from(runs.len()).unwrap_or(u32::MAX);
        let exchanges = self.exchanges()?;
        let open: Vec<OpenRow> = sql.exec("SELECT * FROM open", None)?.to_array()?;
        let kept = Kept {
            exchanges: exchanges
                .into_iter()
                .filter_map(|row| exchange(row, &runs))
                .collect(),
            open: open.into_iter().next().map(|row| {
                let turn = TurnId::from_wire(row.turn);
                (turn, row.caller, runs_of(row.turn, &runs))
            }),
        };
        let cost = self.cost()?;
        Ok(Some(Stored {
            site: call.site,
            started_at: whole(call.started_at),
            // What nobody could say is a failure.
            outcome: call
                .outcome
                .map(|outcome| serde_json::from_value(outcome.into()).unwrap_or(Outcome::Failed)),
            kept,
            cost: Cost {
                listened: Duration::from_millis(positive(cost.listened_ms)),
                tokens_in: positive(cost.tokens_in),
                tokens_out: positive(cost.tokens_out),
                characters: positive(cost.characters),
            },
            runs: count,
        }))
    }

    /// Somebody holds the call again.
    pub(super) fn found(&self) -> Result<()> {
        let update = "UPDATE call SET lost_at = NULL";
        self.storage.sql().exec(update, None).map(drop)
    }

    /// The alarm has come. A call that is over is to be delivered; one that nobody holds, once nobody has come back for it.
    pub(super) async fn look_after(&self, is_on: bool, now: u64) -> Result<Care> {
        let Some(call) = self.call()? else {
            return Ok(Care::Deliver);
        };
        if call.delivered != 0 || call.outcome.is_some() {
            return Ok(Care::Deliver);
        }
        if is_on {
            self.storage.set_alarm(LOOK).await?;
            return Ok(Care::Wait);
        }
        let due = call
            .lost_at
            .map(|lost_at| positive(lost_at).saturating_add(LOST_FOR.as_millis() as u64));
        match due {
            Some(due) if due <= now => Ok(Care::Deliver),
            Some(due) => {
                let left = Duration::from_millis(due.saturating_sub(now));
                self.storage.set_alarm(left).await?;
                Ok(Care::Wait)
            }
            None => {
                let update = "UPDATE call SET lost_at = ?";
                self.storage.sql().exec(update, vec![(now as f64).into()])?;
                self.storage.set_alarm(LOST_FOR).await?;
                Ok(Care::Wait)
            }
        }
    }

    fn call(&self) -> Result<Option<CallRow>> {
        let sql = self.storage.sql();
        sql.exec(SCHEMA, None)?;
        Ok(sql.exec("SELECT * FROM call", None)?.to_array()?.pop())
    }

    fn exchanges(&self) -> Result<Vec<ExchangeRow>> {
        let select = "SELECT * FROM exchange ORDER BY turn";
        self.storage.sql().exec(select, None)?.to_array()
    }

    fn runs(&self) -> Result<Vec<RunRow>> {
        let select = "SELECT * FROM run ORDER BY n";
        self.storage.sql().exec(select, None)?.to_array()
    }

    fn cost(&self) -> Result<CostRow> {
        let rows = self.storage.sql().exec("SELECT * FROM cost", None)?;
        Ok(rows.to_array::<CostRow>()?.pop().unwrap_or_default())
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
        let Some(call) = self.call()? else {
            return Ok(());
        };
        if call.delivered != 0 {
            return self.storage.delete_all().await;
        }
        let sql = self.storage.sql();
        if call.outcome.is_none() {
            // Whoever comes back now finds it over.
            sql.exec("UPDATE call SET outcome = ?", vec![LOST.into()])?;
        }
        let (turns, runs, cost) = (self.exchanges()?, self.runs()?, self.cost()?);
        let (id, attempts) = (call.id.clone(), call.attempts);
        match write(env, call, turns, runs, &cost).await {
            Ok(()) => {
                // What was said is in one place only: whoever has it deleted there has it deleted.
                sql.exec("DELETE FROM exchange", None)?;
                sql.exec("DELETE FROM run", None)?;
                sql.exec("DELETE FROM open", None)?;
                sql.exec("UPDATE call SET delivered = 1, caller = NULL", None)?;
                self.storage.set_alarm(KEPT).await
            }
            Err(error) => {
                worker::console_warn!("call {id}: record not delivered yet: {error}");
                sql.exec("UPDATE call SET attempts = attempts + 1", None)?;
                self.storage.set_alarm(pause_before(attempts)).await
            }
        }
    }
}

/// How long to wait after so many attempts.
fn pause_before(attempts: u32) -> Duration {
    let [first, longest] = RETRY;
    let factor = 1_u32.checked_shl(attempts).unwrap_or(u32::MAX);
    first.saturating_mul(factor).min(longest)
}

/// A finished turn as the conversation knew it; one that cannot be read is left out of what the model is told.
fn exchange(row: ExchangeRow, runs: &[RunRow]) -> Option<Exchange> {
    Some(Exchange {
        turn: TurnId::from_wire(row.turn),
        runs: runs_of(row.turn, runs),
        caller: row.caller,
        heard: row.heard,
        unheard: row.unheard,
        report: serde_json::from_str(&row.report).ok()?,
    })
}

/// What was done in a turn.
fn runs_of(turn: u32, rows: &[RunRow]) -> Vec<tools::Run> {
    let of_turn = rows.iter().filter(|row| row.turn == turn).enumerate();
    of_turn
        .map(|(n, row)| tools::Run {
            call: tools::Call {
                id: format!("{}-{n}", row.name),
                name: row.name.clone(),
                arguments: row.arguments.clone(),
            },
            result: Some(row.result.clone()),
        })
        .collect()
}

/// Storage gives every number as a double; times and counts are far below 2⁵³.
const fn whole(number: f64) -> i64 {
    number as i64
}

const fn positive(number: f64) -> u64 {
    number as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attempts_grow_apart_up_to_a_bound() {
        let pauses: Vec<u64> = (0..9).map(|n| pause_before(n).as_secs()).collect();
        assert_eq!(pauses, [2, 4, 8, 16, 32, 64, 120, 120, 120]);
        assert_eq!(pause_before(u32::MAX).as_secs(), 120);
    }
}
