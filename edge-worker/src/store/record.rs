//! The record of a call that is over: itself, its turns, the tools that ran in it, and what they add up to. Delivered as often as needed,
//! written once.

use serde::Serialize;
use voice_core::latency::{TurnOutcome, TurnReport};

use super::percentile::nearest_rank;
use super::{Database, Query, StoreError};

/// By which door a caller came in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Door {
    Browser,
    Phone,
}

impl Door {
    /// As its column has it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Browser => "browser",
            Self::Phone => "phone",
        }
    }
}

/// A call, as its object knows it in the end.
#[derive(Clone, Debug)]
pub struct CallRecord {
    pub id: String,
    pub site: String,
    pub door: Door,
    /// The number of a caller by telephone.
    pub caller: Option<String>,
    pub started_at: i64,
    pub ended_at: i64,
    pub outcome: String,
    /// The site's day on which it began, under which it is counted.
    pub day: String,
    pub turns: Vec<TurnRecord>,
    pub tool_runs: Vec<ToolRun>,
    pub usage: Usage,
}

/// One turn.
#[derive(Clone, Debug)]
pub struct TurnRecord {
    pub ended_at: i64,
    /// Empty for a turn that she began.
    pub caller: String,
    pub heard: String,
    pub unheard: String,
    pub report: TurnReport,
}

/// A tool that was run in a call.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, serde::Deserialize)]
pub struct ToolRun {
    pub turn: u32,
    /// From 0, within the turn.
    pub n: u32,
    pub name: String,
    /// As the model gave them, whatever that was.
    pub arguments: String,
    /// As the model was told. None: it did not finish in the call's time.
    pub result: Option<String>,
    pub started_at: i64,
    pub took_ms: Option<u32>,
}

/// What a call asked of the providers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, serde::Deserialize)]
pub struct Usage {
    /// Sound that was sent to be understood.
    pub recogniser_ms: i64,
    pub tokens_in: i64,
    pub tokens_out: i64,
    /// Given to the voice.
    pub characters: i64,
}

/// Writes the record of a call; a second delivery changes nothing.
pub async fn deliver(db: &impl Database, call: &CallRecord) -> Result<(), StoreError> {
    db.batch(writing(std::slice::from_ref(call))?)
        .await
        .map(drop)
}

/// What writes the records of some calls. Bookings and messages made in them have been written before.
pub(super) fn writing(calls: &[CallRecord]) -> Result<Vec<Query>, StoreError> {
    let rows: Vec<CallRow<'_>> = calls.iter().map(CallRow::of).collect();
    let turns: Vec<TurnRow<'_>> = calls
        .iter()
        .flat_map(|call| call.turns.iter().map(|turn| TurnRow::of(&call.id, turn)))
        .collect();
    let runs: Vec<RunRow<'_>> = calls
        .iter()
        .flat_map(|call| {
            call.tool_runs.iter().map(|run| RunRow {
                call_id: &call.id,
                run,
            })
        })
        .collect();
    Ok(vec![
        Query::new(INSERT_CALLS).bind(text(&rows)?),
        Query::new(INSERT_TURNS).bind(text(&turns)?),
        Query::new(INSERT_RUNS).bind(text(&runs)?),
    ])
}

fn text(rows: &impl Serialize) -> Result<String, StoreError> {
    serde_json::to_string(rows).map_err(|error| StoreError::Database(error.to_string()))
}

#[derive(Serialize)]
struct CallRow<'a> {
    id: &'a str,
    site: &'a str,
    door: Door,
    caller: Option<&'a str>,
    started_at: i64,
    ended_at: i64,
    outcome: &'a str,
    day: &'a str,
    turns: usize,
    replies: usize,
    fast_replies: usize,
    interruptions: usize,
    median_ms: Option<u32>,
    p95_ms: Option<u32>,
    #[serde(flatten)]
    usage: Usage,
}

impl<'a> CallRow<'a> {
    fn of(call: &'a CallRecord) -> Self {
        let mut latencies: Vec<u32> = call
            .turns
            .iter()
            .filter_map(|turn| turn.report.voice_to_voice_ms)
            .collect();
        let fast = latencies.iter().filter(|latency| **latency < FAST_MS);
        let interrupted = call
            .turns
            .iter()
            .filter(|turn| turn.report.outcome == TurnOutcome::Interrupted);
        Self {
            id: &call.id,
            site: &call.site,
            door: call.door,
            caller: call.caller.as_deref(),
            started_at: call.started_at,
            ended_at: call.ended_at,
            outcome: &call.outcome,
            day: &call.day,
            turns: call.turns.len(),
            replies: latencies.len(),
            fast_replies: fast.count(),
            interruptions: interrupted.count(),
            median_ms: nearest_rank(&mut latencies, 50),
            p95_ms: nearest_rank(&mut latencies, 95),
            usage: call.usage,
        }
    }
}

#[derive(Serialize)]
struct TurnRow<'a> {
    call_id: &'a str,
    ended_at: i64,
    caller: &'a str,
    heard: &'a str,
    unheard: &'a str,
    #[serde(flatten)]
    report: &'a TurnReport,
}

impl<'a> TurnRow<'a> {
    fn of(call_id: &'a str, turn: &'a TurnRecord) -> Self {
        Self {
            call_id,
            ended_at: turn.ended_at,
            caller: &turn.caller,
            heard: &turn.heard,
            unheard: &turn.unheard,
            report: &turn.report,
        }
    }
}

#[derive(Serialize)]
struct RunRow<'a> {
    call_id: &'a str,
    #[serde(flatten)]
    run: &'a ToolRun,
}

/// What the owner's plan promises for a reply.
pub const FAST_MS: u32 = 500;

// `WHERE true` lets SQLite tell the conflict clause from a join's.
const INSERT_CALLS: &str = "INSERT INTO calls (id, site, door, caller, started_at, ended_at, outcome, day, turns, replies, fast_replies, \
    interruptions, median_ms, p95_ms, recogniser_ms, tokens_in, tokens_out, characters, booking, bookings, revenue, name, messages) \
    SELECT value ->> 'id', value ->> 'site', value ->> 'door', value ->> 'caller', value ->> 'started_at', value ->> 'ended_at', \
    value ->> 'outcome', value ->> 'day', value ->> 'turns', value ->> 'replies', value ->> 'fast_replies', \
    value ->> 'interruptions', value ->> 'median_ms', value ->> 'p95_ms', value ->> 'recogniser_ms', value ->> 'tokens_in', \
    value ->> 'tokens_out', value ->> 'characters', \
    (SELECT id FROM bookings WHERE call_id = value ->> 'id' ORDER BY made_at DESC LIMIT 1), \
    (SELECT count(*) FROM bookings WHERE call_id = value ->> 'id'), \
    (SELECT coalesce(sum(price), 0) FROM bookings WHERE call_id = value ->> 'id' AND status = 'booked'), \
    coalesce((SELECT name FROM bookings WHERE call_id = value ->> 'id' ORDER BY made_at DESC LIMIT 1), \
    (SELECT name FROM messages WHERE call_id = value ->> 'id' AND name <> '' ORDER BY taken_at LIMIT 1)), \
    (SELECT count(*) FROM messages WHERE call_id = value ->> 'id') \
    FROM json_each(?1) WHERE true ON CONFLICT (id) DO NOTHING";
const INSERT_TURNS: &str = "INSERT INTO turns (call_id, turn, ended_at, caller_text, agent_heard, agent_unheard, outcome, endpointing_ms, \
    first_token_ms, first_piece_ms, first_audio_ms, sent_ms, voice_to_voice_ms, speculative_requests, speculative_wasted) \
    SELECT value ->> 'call_id', value ->> 'turn', value ->> 'ended_at', value ->> 'caller', value ->> 'heard', value ->> 'unheard', \
    value ->> 'outcome', value ->> 'endpointing_ms', value ->> 'first_token_ms', value ->> 'first_piece_ms', \
    value ->> 'first_audio_ms', value ->> 'sent_ms', value ->> 'voice_to_voice_ms', value ->> 'speculative_requests', \
    value ->> 'speculative_wasted' FROM json_each(?1) WHERE true ON CONFLICT (call_id, turn) DO NOTHING";
const INSERT_RUNS: &str = "INSERT INTO tool_runs (call_id, turn, n, name, arguments, result, started_at, took_ms) \
    SELECT value ->> 'call_id', value ->> 'turn', value ->> 'n', value ->> 'name', value ->> 'arguments', value ->> 'result', \
    value ->> 'started_at', value ->> 'took_ms' FROM json_each(?1) WHERE true ON CONFLICT (call_id, turn, n) DO NOTHING";

#[cfg(test)]
pub(super) mod tests {
    use voice_core::turn::TurnId;

    use super::*;
    use crate::store::booking::tests::{HOUR, SITE, new_booking, request};
    use crate::store::sqlite::{NOW, Sqlite, now};
    use crate::store::{booking, call, message};

    /// A turn of this number with this voice to voice.
    pub(crate) fn turn(
        number: u32,
        voice_to_voice_ms: Option<u32>,
        outcome: TurnOutcome,
    ) -> TurnRecord {
        TurnRecord {
            ended_at: NOW + i64::from(number) * 1000,
            caller: "A cleaning, please.".to_owned(),
            heard: "Which day".to_owned(),
            unheard: "suits you?".to_owned(),
            report: TurnReport {
                turn: TurnId::from_wire(number),
                outcome,
                endpointing_ms: Some(1),
                first_token_ms: Some(2),
                first_piece_ms: Some(3),
                first_audio_ms: Some(4),
                sent_ms: Some(5),
                voice_to_voice_ms,
                speculative_requests: 6,
                speculative_wasted: 7,
            },
        }
    }

    pub(crate) fn record(id: &str, started_at: i64, turns: Vec<TurnRecord>) -> CallRecord {
        CallRecord {
            id: id.to_owned(),
            site: SITE.to_owned(),
            door: Door::Phone,
            caller: Some("+12025550143".to_owned()),
            started_at,
            ended_at: started_at + 60_000,
            outcome: "hung_up".to_owned(),
            day: "2025-11-24".to_owned(),
            turns,
            tool_runs: vec![ToolRun {
                turn: 2,
                n: 0,
                name: "book_appointment".to_owned(),
                arguments: "not even JSON \u{1}'\"".to_owned(),
                result: None,
                started_at,
                took_ms: Some(12),
            }],
            usage: Usage {
                recogniser_ms: 55_000,
                tokens_in: 900,
                tokens_out: 80,
                characters: 400,
            },
        }
    }

    #[test]
    fn a_record_is_whole_and_written_once() {
        let db = Sqlite::with_practice();
        now(booking::book(
            &db,
            &request("c/2/0", Some("c")),
            &new_booking("b", (NOW + HOUR, NOW + 2 * HOUR)),
        ))
        .unwrap();
        let new = message::NewMessage {
            id: "m",
            site: SITE,
            call: "c",
            name: "Ada",
            phone: None,
            text: "Hello",
        };
        now(message::take(&db, &request("c/3/0", Some("c")), &new)).unwrap();
        let record = record(
            "c",
            NOW,
            vec![
                turn(1, None, TurnOutcome::Completed),
                turn(2, Some(499), TurnOutcome::Completed),
                turn(3, Some(500), TurnOutcome::Interrupted),
                turn(4, Some(12_345), TurnOutcome::HungUp),
            ],
        );
        for _delivery in 0..2 {
            now(deliver(&db, &record)).unwrap();
            let detail = now(call::detail(&db, SITE, "c")).unwrap();
            let call = &detail.call;
            assert_eq!(
                (
                    call.turns,
                    call.replies,
                    call.fast_replies,
                    call.interruptions
                ),
                (4, 3, 1, 1)
            );
            assert_eq!((call.median_ms, call.p95_ms), (Some(500), Some(12_345)));
            assert_eq!(
                (call.booking.as_deref(), call.bookings, call.revenue),
                (Some("b"), 1, 9_000)
            );
            assert_eq!(
                (call.name.as_deref(), call.messages),
                (Some("Ada Lovelace"), 1)
            );
            assert_eq!(call.usage(), record.usage);
            assert_eq!(detail.turns.len(), 4);
            assert_eq!(detail.turns[1].voice_to_voice_ms, Some(499));
            assert_eq!(detail.turns[1].agent_unheard, "suits you?");
            assert_eq!(detail.tool_runs, record.tool_runs);
            assert_eq!((detail.bookings.len(), detail.messages.len()), (1, 1));
            assert_eq!(db.number("SELECT calls FROM days"), 1);
            let bucket = |n: u32| db.number(&format!("SELECT latencies ->> {n} FROM days"));
            assert_eq!([24, 25, 140].map(bucket), [1; 3]);
            assert_eq!(
                db.number("SELECT sum(value) FROM days, json_each(latencies)"),
                3
            );
        }
    }

    #[test]
    fn a_call_without_a_word_has_a_record_too() {
        let db = Sqlite::with_practice();
        let record = CallRecord {
            tool_runs: vec![],
            caller: None,
            ..record("c", NOW, vec![])
        };
        now(deliver(&db, &record)).unwrap();
        let detail = now(call::detail(&db, SITE, "c")).unwrap();
        assert_eq!(
            (detail.call.median_ms, detail.call.name, detail.call.booking),
            (None, None, None)
        );
        assert_eq!(detail.turns.len(), 0);
    }

    #[test]
    fn a_booking_that_is_cancelled_is_taken_out_of_its_call_and_day() {
        let db = Sqlite::with_practice();
        let revenue = || {
            (
                db.number("SELECT revenue FROM days"),
                db.number("SELECT bookings FROM days"),
            )
        };
        now(booking::book(
            &db,
            &request("k", Some("c")),
            &new_booking("b", (NOW + HOUR, NOW + 2 * HOUR)),
        ))
        .unwrap();
        now(deliver(&db, &record("c", NOW, vec![]))).unwrap();
        assert_eq!(revenue(), (9_000, 1));
        now(booking::cancel(&db, SITE, "b", NOW)).unwrap();
        now(booking::cancel(&db, SITE, "b", NOW)).unwrap();
        assert_eq!(revenue(), (0, 0));
        assert_eq!(now(call::detail(&db, SITE, "c")).unwrap().call.revenue, 0);
        now(booking::book(
            &db,
            &request("s", None),
            &new_booking("s", (NOW + HOUR, NOW + 2 * HOUR)),
        ))
        .unwrap();
        assert_eq!(revenue(), (0, 0));
        assert_eq!(db.number("SELECT staff_revenue FROM days"), 9_000);
    }

    #[test]
    fn the_columns_turn_outcomes_are_those_of_the_core() {
        let db = Sqlite::with_practice();
        let outcomes = [
            TurnOutcome::Completed,
            TurnOutcome::LlmFailed,
            TurnOutcome::NoOutput,
        ];
        let turns = (1..)
            .zip(outcomes)
            .map(|(number, outcome)| turn(number, None, outcome));
        now(deliver(&db, &record("c", NOW, turns.collect()))).unwrap();
        let kept = now(call::detail(&db, SITE, "c")).unwrap().turns;
        let kept: Vec<&str> = kept.iter().map(|turn| turn.outcome.as_str()).collect();
        assert_eq!(kept, outcomes.map(TurnOutcome::as_str));
    }
}
