//! What was changed, and by whom.

use serde::Deserialize;

use super::{Cursor, Database, END_OF_TIME, Page, Query, StoreError, bounded};

/// Something that was done. Texts say what, not to what: ids and field names, no person's data.
#[derive(Clone, Copy, Debug)]
pub struct Deed<'a> {
    pub at: i64,
    /// None: nobody was signed in.
    pub user: Option<&'a str>,
    /// `booking.cancel`
    pub action: &'a str,
    /// The id of what it was done to.
    pub subject: &'a str,
    pub detail: &'a str,
}

/// A line of the audit.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Line {
    pub id: i64,
    pub at: i64,
    pub user_id: Option<String>,
    pub action: String,
    pub subject: String,
    pub detail: String,
}

/// Notes what was done.
pub async fn note(db: &impl Database, deed: &Deed<'_>) -> Result<(), StoreError> {
    let insert = Query::new(INSERT)
        .bind(deed.at)
        .bind(deed.user)
        .bind(deed.action)
        .bind(deed.subject)
        .bind(deed.detail);
    db.run(insert).await.map(drop)
}

/// What was done, the latest first.
pub async fn list(
    db: &impl Database,
    after: Option<&Cursor>,
    limit: u32,
) -> Result<Page<Line>, StoreError> {
    let limit = bounded(limit);
    let rows = db.all(list_query(after, limit)).await?;
    Ok(Page::of(rows, limit, |line: &Line| Cursor {
        at: line.at,
        id: line.id.to_string(),
    }))
}

fn list_query(after: Option<&Cursor>, limit: u32) -> Query {
    let id = after.and_then(|cursor| cursor.id.parse::<i64>().ok());
    Query::new(LIST)
        .bind(id.unwrap_or(END_OF_TIME))
        .bind(limit.saturating_add(1))
}

const INSERT: &str =
    "INSERT INTO audit (at, user_id, action, subject, detail) VALUES (?1, ?2, ?3, ?4, ?5)";
// Lines are written as things happen, so their numbers are in the order of time.
const LIST: &str = "SELECT id, at, user_id, action, subject, detail FROM audit WHERE id < ?1 ORDER BY id DESC LIMIT ?2";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::booking::tests::HOSTILE;
    use crate::store::sqlite::{NOW, Sqlite, now};

    #[test]
    fn what_was_done_is_listed_from_the_latest() {
        let db = Sqlite::empty();
        for (n, text) in (0..).zip(HOSTILE) {
            let deed = Deed {
                at: NOW + n,
                user: None,
                action: "settings.save",
                subject: "s",
                detail: text,
            };
            now(note(&db, &deed)).unwrap();
        }
        let mut seen = Vec::new();
        let mut after = None;
        loop {
            let page = now(list(&db, after.as_ref(), 3)).unwrap();
            seen.extend(page.rows.into_iter().map(|line| line.detail));
            after = page.next;
            if after.is_none() {
                break;
            }
        }
        seen.reverse();
        assert_eq!(seen, HOSTILE);
        db.assert_indexed(&list_query(None, 50));
    }
}
