//! What callers want to be told to the business.

use serde::Deserialize;
use serde_json::{Value as Json, json};

use super::booking::Request;
use super::database::row_of;
use super::{Cursor, Database, END_OF_TIME, Page, Query, StoreError, bounded};

/// A message that is to be kept.
#[derive(Clone, Copy, Debug)]
pub struct NewMessage<'a> {
    /// Random.
    pub id: &'a str,
    pub site: &'a str,
    /// In which it was left.
    pub call: &'a str,
    /// Empty: not given.
    pub name: &'a str,
    pub phone: Option<&'a str>,
    pub text: &'a str,
}

/// A message.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Message {
    pub id: String,
    pub call_id: String,
    pub taken_at: i64,
    pub name: String,
    pub phone: Option<String>,
    pub text: String,
    /// None until somebody has seen to it.
    pub done_at: Option<i64>,
}

/// Keeps a message, and gives it; asked again under the same key, the one that was kept then.
pub async fn take(
    db: &impl Database,
    request: &Request<'_>,
    new: &NewMessage<'_>,
) -> Result<Message, StoreError> {
    let read = select(BY_KEY).bind(new.site).bind(request.key);
    one(db, insert(&[row(request, new)]), read).await
}

/// What writes these messages, each a [`row`], unless its request has been answered already.
pub(super) fn insert(rows: &[Json]) -> Query {
    Query::new(INSERT).bind(json!(rows).to_string())
}

/// A message as [`insert`] takes it.
pub(super) fn row(request: &Request<'_>, new: &NewMessage<'_>) -> Json {
    json!({
        "id": new.id,
        "site": new.site,
        "key": request.key,
        "call": new.call,
        "now": request.now,
        "today": request.today,
        "name": new.name,
        "phone": new.phone,
        "text": new.text,
    })
}

/// Notes when somebody saw to it, or, with none, that it waits again.
pub async fn mark(
    db: &impl Database,
    site: &str,
    id: &str,
    done_at: Option<i64>,
) -> Result<Message, StoreError> {
    let update = Query::new(MARK).bind(site).bind(id).bind(done_at);
    one(db, update, select(BY_ID).bind(site).bind(id)).await
}

/// Messages, the latest first; only those that nobody has seen to, if so asked.
pub async fn list(
    db: &impl Database,
    site: &str,
    only_waiting: bool,
    after: Option<&Cursor>,
    limit: u32,
) -> Result<Page<Message>, StoreError> {
    let limit = bounded(limit);
    let rows = db.all(list_query(site, only_waiting, after, limit)).await?;
    Ok(Page::of(rows, limit, |row: &Message| Cursor {
        at: row.taken_at,
        id: row.id.clone(),
    }))
}

fn list_query(site: &str, only_waiting: bool, after: Option<&Cursor>, limit: u32) -> Query {
    let (index, waiting) = if only_waiting {
        ("messages_waiting", WAITING)
    } else {
        ("messages_by_time", "")
    };
    let (at, id) = after.map_or((END_OF_TIME, ""), |cursor| (cursor.at, cursor.id.as_str()));
    Query::new(format!(
        "{SELECT} INDEXED BY {index} {BEFORE} {waiting} {LATEST_FIRST}"
    ))
    .bind(site)
    .bind(at)
    .bind(id)
    .bind(limit.saturating_add(1))
}

/// The messages that were left in a call.
pub async fn of_call(
    db: &impl Database,
    site: &str,
    call: &str,
) -> Result<Vec<Message>, StoreError> {
    db.all(of_call_query(site, call)).await
}

pub(super) fn of_call_query(site: &str, call: &str) -> Query {
    select(BY_CALL).bind(site).bind(call)
}

fn select(condition: &str) -> Query {
    Query::new(format!("{SELECT} {condition}"))
}

async fn one(db: &impl Database, write: Query, read: Query) -> Result<Message, StoreError> {
    let answers = db.batch(vec![write, read]).await?;
    row_of(&answers, 1)?.ok_or(StoreError::NotFound)
}

const INSERT: &str = "INSERT INTO messages (id, site, request_key, call_id, taken_at, taken_on, name, phone, text) \
    SELECT value ->> 'id', value ->> 'site', value ->> 'key', value ->> 'call', value ->> 'now', value ->> 'today', \
    value ->> 'name', value ->> 'phone', value ->> 'text' FROM json_each(?1) WHERE true ON CONFLICT (request_key) DO NOTHING";
const MARK: &str = "UPDATE messages SET done_at = ?3 WHERE id = ?2 AND site = ?1";
const SELECT: &str = "SELECT id, call_id, taken_at, name, phone, text, done_at FROM messages";
const BY_ID: &str = "WHERE id = ?2 AND site = ?1";
const BY_KEY: &str = "WHERE request_key = ?2 AND site = ?1";
const BY_CALL: &str = "INDEXED BY messages_by_call WHERE call_id = ?2 AND site = ?1 LIMIT 50";
const BEFORE: &str = "WHERE site = ?1 AND (taken_at, id) < (?2, ?3)";
const WAITING: &str = "AND done_at IS NULL";
const LATEST_FIRST: &str = "ORDER BY taken_at DESC, id DESC LIMIT ?4";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::booking::tests::{HOSTILE, SITE};
    use crate::store::sqlite::{NOW, Sqlite, now};

    fn taken(db: &Sqlite, id: &str, at: i64, text: &str) -> Message {
        let request = Request {
            key: id,
            call: Some("call"),
            now: at,
            today: "2025-11-24",
        };
        let new = NewMessage {
            id,
            site: SITE,
            call: "call",
            name: "",
            phone: None,
            text,
        };
        now(take(db, &request, &new)).unwrap()
    }

    #[test]
    fn a_message_is_kept_once_and_waits_until_it_is_done() {
        let db = Sqlite::with_practice();
        let first = taken(&db, "a", NOW, "Please call back.");
        assert_eq!(taken(&db, "a", NOW + 5, "Please call back."), first);
        taken(&db, "b", NOW + 1, "And me.");
        assert_eq!(db.number("SELECT messages FROM days"), 2);
        let done = now(mark(&db, SITE, "a", Some(NOW + 9))).unwrap();
        assert_eq!(done.done_at, Some(NOW + 9));
        let ids = |waiting| -> Vec<String> {
            let page = now(list(&db, SITE, waiting, None, 10)).unwrap();
            page.rows.into_iter().map(|message| message.id).collect()
        };
        assert_eq!(
            (ids(true), ids(false)),
            (vec!["b".to_owned()], vec!["b".to_owned(), "a".to_owned()])
        );
        now(mark(&db, SITE, "a", None)).unwrap();
        assert_eq!(ids(true).len(), 2);
        assert_eq!(
            now(mark(&db, "other", "a", None)),
            Err(StoreError::NotFound)
        );
    }

    #[test]
    fn pages_join_without_gap_or_repetition() {
        let db = Sqlite::with_practice();
        // Some at the same time.
        for n in 0..20 {
            taken(&db, &format!("id{n:02}"), NOW + n / 3, "x");
        }
        let mut after = None;
        let mut seen = Vec::new();
        loop {
            let page = now(list(&db, SITE, false, after.as_ref(), 7)).unwrap();
            seen.extend(page.rows.into_iter().map(|message| message.id));
            after = page.next;
            if after.is_none() {
                break;
            }
        }
        let wanted: Vec<String> = (0..20).rev().map(|n| format!("id{n:02}")).collect();
        assert_eq!(seen, wanted);
    }

    #[test]
    fn hostile_texts_are_texts() {
        let db = Sqlite::with_practice();
        for (n, text) in (0..).zip(HOSTILE) {
            assert_eq!(taken(&db, &format!("id{n}"), NOW + n, text).text, text);
        }
        assert_eq!(
            now(of_call(&db, SITE, "call")).unwrap().len(),
            HOSTILE.len()
        );
    }

    #[test]
    fn every_read_has_its_index() {
        let db = Sqlite::with_practice();
        let cursor = Cursor {
            at: NOW,
            id: "a".to_owned(),
        };
        for query in [
            list_query(SITE, false, None, 50),
            list_query(SITE, true, None, 50),
            list_query(SITE, true, Some(&cursor), 50),
            of_call_query(SITE, "call"),
            select(BY_KEY).bind(SITE).bind("a"),
        ] {
            db.assert_indexed(&query);
        }
    }
}
