//! Calls as they are looked at: a list with filters, and one call with all that happened in it.

use serde::Deserialize;

use super::booking::{self, Booking};
use super::database::{row_of, rows_of};
use super::message::{self, Message};
use super::record::{Door, ToolRun, Usage};
use super::{Cursor, Database, END_OF_TIME, Page, Query, StoreError, bounded};

/// A call in a list. Says nothing of what was said.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Call {
    pub id: String,
    pub door: Door,
    pub caller: Option<String>,
    /// As given for a booking or a message.
    pub name: Option<String>,
    pub started_at: i64,
    /// Neither is there when the record was delivered of a call that was lost.
    pub ended_at: Option<i64>,
    pub outcome: Option<String>,
    pub turns: u32,
    /// Turns whose voice to voice was measured.
    pub replies: u32,
    pub fast_replies: u32,
    pub interruptions: u32,
    /// Voice to voice.
    pub median_ms: Option<u32>,
    pub p95_ms: Option<u32>,
    /// The last that was made in it.
    pub booking: Option<String>,
    pub bookings: u32,
    pub messages: u32,
    /// Prices of its bookings that stand.
    pub revenue: i64,
    pub recogniser_ms: i64,
    pub tokens_in: i64,
    pub tokens_out: i64,
    pub characters: i64,
}

impl Call {
    /// What it asked of the providers.
    #[must_use]
    pub const fn usage(&self) -> Usage {
        Usage {
            recogniser_ms: self.recogniser_ms,
            tokens_in: self.tokens_in,
            tokens_out: self.tokens_out,
            characters: self.characters,
        }
    }
}

/// One turn of a call. Stages are none where they were not reached, and overlap.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Turn {
    pub turn: u32,
    pub ended_at: i64,
    pub outcome: String,
    /// Empty for a turn that she began.
    pub caller_text: String,
    pub agent_heard: String,
    /// What was cut off.
    pub agent_unheard: String,
    pub endpointing_ms: Option<u32>,
    pub first_token_ms: Option<u32>,
    pub first_piece_ms: Option<u32>,
    pub first_audio_ms: Option<u32>,
    pub sent_ms: Option<u32>,
    pub voice_to_voice_ms: Option<u32>,
    pub speculative_requests: u32,
    pub speculative_wasted: u32,
}

/// A call with all that happened in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Detail {
    pub call: Call,
    pub turns: Vec<Turn>,
    pub tool_runs: Vec<ToolRun>,
    pub bookings: Vec<Booking>,
    pub messages: Vec<Message>,
}

/// Which calls.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    /// Begun at this time or later.
    pub from: Option<i64>,
    /// Begun before.
    pub to: Option<i64>,
    pub door: Option<Door>,
    /// The number of a caller by telephone, whole. In a browser nobody has one.
    pub caller: Option<String>,
    pub result: Wanted,
}

/// What came of the calls that are looked for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Wanted {
    #[default]
    Any,
    /// Something was booked in them.
    Booked,
    /// They ended in this way.
    Outcome(String),
}

/// Calls, the latest first.
pub async fn list(
    db: &impl Database,
    site: &str,
    filter: &Filter,
    after: Option<&Cursor>,
    limit: u32,
) -> Result<Page<Call>, StoreError> {
    let limit = bounded(limit);
    let rows = if filter.caller.is_some() && filter.door == Some(Door::Browser) {
        Vec::new()
    } else {
        db.all(list_query(site, filter, after, limit)).await?
    };
    Ok(Page::of(rows, limit, |row: &Call| Cursor {
        at: row.started_at,
        id: row.id.clone(),
    }))
}

/// The call of this id.
pub async fn detail(db: &impl Database, site: &str, id: &str) -> Result<Detail, StoreError> {
    let answers = db.batch(detail_queries(site, id)).await?;
    Ok(Detail {
        call: row_of(&answers, 0)?.ok_or(StoreError::NotFound)?,
        turns: rows_of(&answers, 1)?,
        tool_runs: rows_of(&answers, 2)?,
        bookings: rows_of(&answers, 3)?,
        messages: rows_of(&answers, 4)?,
    })
}

/// Each combination of filters has an index that gives its calls in order, so that a page reads its own rows and no others. It is named: by
/// its own lights SQLite may walk through all calls instead.
fn list_query(site: &str, filter: &Filter, after: Option<&Cursor>, limit: u32) -> Query {
    let index = match (&filter.caller, filter.door, &filter.result) {
        // Whoever has a number is at the telephone.
        (Some(_), _, Wanted::Any) => "calls_by_caller",
        (Some(_), _, Wanted::Booked) => "calls_by_caller_with_booking",
        (Some(_), _, Wanted::Outcome(_)) => "calls_by_caller_outcome",
        (None, None, Wanted::Any) => "calls_by_start",
        (None, None, Wanted::Booked) => "calls_with_booking",
        (None, None, Wanted::Outcome(_)) => "calls_by_outcome",
        (None, Some(_), Wanted::Any) => "calls_by_door",
        (None, Some(_), Wanted::Booked) => "calls_by_door_with_booking",
        (None, Some(_), Wanted::Outcome(_)) => "calls_by_door_outcome",
    };
    let mut sql = format!(
        "SELECT {COLUMNS} FROM calls INDEXED BY {index} WHERE site = ?1 AND (started_at, id) < (?2, ?3) AND started_at >= ?4"
    );
    let to = filter.to.unwrap_or(END_OF_TIME);
    let (at, id) = match after {
        Some(cursor) if cursor.at < to => (cursor.at, cursor.id.as_str()),
        _ => (to, ""),
    };
    let mut query = Query::new("")
        .bind(site)
        .bind(at)
        .bind(id)
        .bind(filter.from.unwrap_or(0))
        .bind(limit.saturating_add(1));
    let mut add = |condition: &str, value: &str| {
        query.values.push(value.into());
        sql.push_str(&format!(" AND {condition} = ?{}", query.values.len()));
    };
    if let Some(caller) = &filter.caller {
        add("caller", caller);
    }
    if let Some(door) = filter.door {
        add("door", door.as_str());
    }
    match &filter.result {
        Wanted::Any => {}
        Wanted::Booked => sql.push_str(" AND booking IS NOT NULL"),
        Wanted::Outcome(outcome) => add("outcome", outcome),
    }
    sql.push_str(" ORDER BY started_at DESC, id DESC LIMIT ?5");
    query.sql = sql.into();
    query
}

fn detail_queries(site: &str, id: &str) -> Vec<Query> {
    vec![
        Query::new(format!(
            "SELECT {COLUMNS} FROM calls WHERE id = ?2 AND site = ?1"
        ))
        .bind(site)
        .bind(id),
        Query::new(TURNS).bind(id),
        Query::new(RUNS).bind(id),
        booking::of_call_query(site, id),
        message::of_call_query(site, id),
    ]
}

const COLUMNS: &str = "id, door, caller, name, started_at, ended_at, outcome, turns, replies, fast_replies, interruptions, median_ms, \
    p95_ms, booking, bookings, messages, revenue, recogniser_ms, tokens_in, tokens_out, characters";
// A call has a ceiling of half an hour, and a turn takes some seconds.
const TURNS: &str = "SELECT turn, ended_at, outcome, caller_text, agent_heard, agent_unheard, endpointing_ms, first_token_ms, \
    first_piece_ms, first_audio_ms, sent_ms, voice_to_voice_ms, speculative_requests, speculative_wasted FROM turns \
    WHERE call_id = ?1 ORDER BY turn LIMIT 500";
const RUNS: &str = "SELECT turn, n, name, arguments, result, started_at, took_ms FROM tool_runs WHERE call_id = ?1 \
    ORDER BY turn, n LIMIT 200";

#[cfg(test)]
mod tests {
    use voice_core::latency::TurnOutcome;

    use super::*;
    use crate::store::booking::tests::{HOUR, SITE, new_booking, request};
    use crate::store::record::tests::{record, turn};
    use crate::store::record::{CallRecord, deliver};
    use crate::store::sqlite::{NOW, Sqlite, now};

    fn outcome(index: i64) -> String {
        ["completed", "hung_up", "failed"][usize::try_from(index % 3).unwrap()].to_owned()
    }

    fn filled() -> Sqlite {
        let db = Sqlite::with_practice();
        for n in 0..60 {
            let id = format!("{n:032x}");
            if n % 5 == 0 {
                let new = new_booking(&id, (NOW + n * HOUR, NOW + (n + 1) * HOUR));
                now(booking::book(&db, &request(&id, Some(&id)), &new)).unwrap();
            }
            let call = CallRecord {
                outcome: outcome(n),
                door: if n % 2 == 0 {
                    Door::Phone
                } else {
                    Door::Browser
                },
                caller: (n % 2 == 0).then(|| format!("+1202555{:04}", n % 4)),
                // Some at the same time.
                ..record(
                    &id,
                    NOW + n / 4 * 1000,
                    vec![turn(1, Some(300), TurnOutcome::Completed)],
                )
            };
            now(deliver(&db, &call)).unwrap();
        }
        db
    }

    fn filters() -> Vec<Filter> {
        let mut filters = Vec::new();
        for door in [None, Some(Door::Phone), Some(Door::Browser)] {
            for caller in [None, Some("+12025550002".to_owned())] {
                for result in [
                    Wanted::Any,
                    Wanted::Booked,
                    Wanted::Outcome("failed".to_owned()),
                ] {
                    for (from, to) in [(None, None), (Some(NOW + 2000), Some(NOW + 9000))] {
                        filters.push(Filter {
                            from,
                            to,
                            door,
                            caller: caller.clone(),
                            result: result.clone(),
                        });
                    }
                }
            }
        }
        filters
    }

    fn all(db: &Sqlite, filter: &Filter, limit: u32) -> Vec<Call> {
        let mut seen = Vec::new();
        let mut after = None;
        loop {
            let page = now(list(db, SITE, filter, after.as_ref(), limit)).unwrap();
            assert!(page.rows.len() <= usize::try_from(limit).unwrap());
            seen.extend(page.rows);
            after = page.next;
            if after.is_none() {
                return seen;
            }
        }
    }

    #[test]
    fn a_filtered_list_is_the_whole_list_filtered() {
        let db = filled();
        let every = all(&db, &Filter::default(), 7);
        assert_eq!(every.len(), 60);
        assert!(every.is_sorted_by(|a, b| (a.started_at, &a.id) > (b.started_at, &b.id)));
        for filter in filters() {
            let wanted = every.iter().filter(|call| {
                filter.from.is_none_or(|from| call.started_at >= from)
                    && filter.to.is_none_or(|to| call.started_at < to)
                    && filter.door.is_none_or(|door| call.door == door)
                    && filter
                        .caller
                        .as_ref()
                        .is_none_or(|caller| call.caller.as_ref() == Some(caller))
                    && match &filter.result {
                        Wanted::Any => true,
                        Wanted::Booked => call.booking.is_some(),
                        Wanted::Outcome(outcome) => call.outcome.as_ref() == Some(outcome),
                    }
            });
            assert_eq!(
                all(&db, &filter, 4),
                wanted.cloned().collect::<Vec<_>>(),
                "{filter:?}"
            );
        }
    }

    #[test]
    fn every_read_has_its_index() {
        let db = filled();
        db.execute("ANALYZE").unwrap();
        let cursor = Cursor {
            at: NOW,
            id: "a".to_owned(),
        };
        for filter in filters() {
            db.assert_indexed(&list_query(SITE, &filter, None, 50));
            db.assert_indexed(&list_query(SITE, &filter, Some(&cursor), 50));
        }
        for query in detail_queries(SITE, "a") {
            db.assert_indexed(&query);
        }
    }

    #[test]
    fn a_page_has_a_ceiling_and_a_call_is_its_own_business_only() {
        let db = filled();
        assert_eq!(
            now(list(&db, SITE, &Filter::default(), None, 0))
                .unwrap()
                .rows
                .len(),
            1
        );
        let query = list_query(SITE, &Filter::default(), None, bounded(u32::MAX));
        assert_eq!(query.values[4], super::super::database::Value::Integer(201));
        assert_eq!(
            now(list(&db, "other", &Filter::default(), None, 50))
                .unwrap()
                .rows,
            []
        );
        assert_eq!(
            now(detail(&db, "other", &format!("{:032x}", 1))),
            Err(StoreError::NotFound)
        );
    }
}
