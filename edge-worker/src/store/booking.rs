//! Appointments. That two never overlap is for the schema to see to; here it is asked, and its refusal passed on.

use front_desk::booking as domain;
pub use front_desk::booking::Status;
use front_desk::text::{Name, Phone};
use serde::Deserialize;
use serde_json::{Value as Json, json};

use super::database::row_of;
use super::{Cursor, Database, Page, Query, StoreError, bounded};

/// Who asks for a write, so that it is done once however often it is asked for.
#[derive(Clone, Copy, Debug)]
pub struct Request<'a> {
    /// Of this request and no other: in a call its id, the turn and the number of the tool's run.
    pub key: &'a str,
    /// None: the staff's own.
    pub call: Option<&'a str>,
    pub now: i64,
    /// The site's day at `now`, under which it is counted.
    pub today: &'a str,
}

/// What is to be booked: checked against hours, services and the past.
#[derive(Clone, Copy, Debug)]
pub struct NewBooking<'a> {
    /// Random.
    pub id: &'a str,
    pub site: &'a str,
    pub service: &'a str,
    pub service_name: &'a str,
    pub price: i64,
    pub starts_at: i64,
    pub ends_at: i64,
    pub name: &'a str,
    pub phone: Option<&'a str>,
    pub note: &'a str,
}

/// An appointment as it was agreed.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Booking {
    pub id: String,
    pub call_id: Option<String>,
    pub service: String,
    pub service_name: String,
    pub price: i64,
    pub starts_at: i64,
    pub ends_at: i64,
    /// Empty once the caller's data was deleted.
    pub name: String,
    pub phone: Option<String>,
    pub note: String,
    pub status: Status,
    pub made_at: i64,
    pub changed_at: i64,
    /// Counts its changes.
    pub sequence: u32,
}

impl<'a> NewBooking<'a> {
    /// What was decided, under an id.
    #[must_use]
    pub fn of(id: &'a str, site: &'a str, decided: &'a domain::NewBooking) -> Self {
        Self {
            id,
            site,
            service: &decided.service,
            service_name: &decided.service_name,
            price: decided.price,
            starts_at: decided.starts_at,
            ends_at: decided.ends_at,
            name: decided.name.as_str(),
            phone: decided.phone.as_ref().map(Phone::as_str),
            note: "",
        }
    }
}

impl Booking {
    /// As decisions are made on it; none once the caller's data was deleted.
    #[must_use]
    pub fn domain(&self) -> Option<domain::Booking> {
        Some(domain::Booking {
            id: self.id.clone(),
            service: self.service.clone(),
            service_name: self.service_name.clone(),
            price: self.price,
            starts_at: self.starts_at,
            ends_at: self.ends_at,
            name: Name::parse(&self.name).ok()?,
            phone: self.phone.clone().and_then(|phone| phone.try_into().ok()),
            status: self.status,
            created_at: self.made_at,
            changed_at: self.changed_at,
            sequence: self.sequence,
        })
    }
}

/// Books, and gives the booking; asked again under the same key, the one that was made then.
pub async fn book(
    db: &impl Database,
    request: &Request<'_>,
    new: &NewBooking<'_>,
) -> Result<Booking, StoreError> {
    let select = select(BY_KEY).bind(new.site).bind(request.key);
    one(db, vec![insert(&[row(request, new)]), select]).await
}

/// What writes these bookings, each a [`row`], unless its request has been answered already.
pub(super) fn insert(rows: &[Json]) -> Query {
    Query::new(INSERT).bind(json!(rows).to_string())
}

/// A booking as [`insert`] takes it.
pub(super) fn row(request: &Request<'_>, new: &NewBooking<'_>) -> Json {
    json!({
        "id": new.id,
        "site": new.site,
        "key": request.key,
        "call": request.call,
        "service": new.service,
        "service_name": new.service_name,
        "price": new.price,
        "starts_at": new.starts_at,
        "ends_at": new.ends_at,
        "name": new.name,
        "phone": new.phone,
        "note": new.note,
        "now": request.now,
        "today": request.today,
    })
}

/// Cancels, and gives the booking as it is then. One that is cancelled already stays so.
pub async fn cancel(
    db: &impl Database,
    site: &str,
    id: &str,
    now: i64,
) -> Result<Booking, StoreError> {
    one(db, vec![cancelling(site, id, now), by_id(site, id)]).await
}

pub(super) fn cancelling(site: &str, id: &str, now: i64) -> Query {
    Query::new(CANCEL).bind(site).bind(id).bind(now)
}

/// Moves a booking that stands, and gives it as it is then. One that is there already stays as it is;
/// [`StoreError::NotFound`] if it was cancelled.
pub async fn reschedule(
    db: &impl Database,
    site: &str,
    id: &str,
    (starts_at, ends_at): (i64, i64),
    now: i64,
) -> Result<Booking, StoreError> {
    let update = Query::new(MOVE)
        .bind(site)
        .bind(id)
        .bind(starts_at)
        .bind(ends_at)
        .bind(now);
    let booking = one(db, vec![update, by_id(site, id)]).await?;
    match booking.status {
        Status::Booked => Ok(booking),
        Status::Cancelled => Err(StoreError::NotFound),
    }
}

/// The booking of this id.
pub async fn find(db: &impl Database, site: &str, id: &str) -> Result<Booking, StoreError> {
    one(db, vec![by_id(site, id)]).await
}

/// When somebody is booked in a span: a day, or the few days in which a free time is looked for. In order.
pub async fn busy(
    db: &impl Database,
    site: &str,
    (from, to): (i64, i64),
) -> Result<Vec<(i64, i64)>, StoreError> {
    #[derive(Deserialize)]
    struct Span {
        starts_at: i64,
        ends_at: i64,
    }
    let spans: Vec<Span> = db.all(busy_query(site, (from, to))).await?;
    Ok(spans
        .into_iter()
        .map(|span| (span.starts_at, span.ends_at))
        .collect())
}

/// The bookings that stand, from a moment on, under numbers that end as this one does. Whose they are is for
/// [`domain::find_own`] to say.
pub async fn of_phone(
    db: &impl Database,
    site: &str,
    phone: &str,
    from: i64,
) -> Result<Vec<Booking>, StoreError> {
    db.all(select(BY_PHONE).bind(site).bind(phone).bind(from))
        .await
}

/// The bookings that were made in a call.
pub async fn of_call(
    db: &impl Database,
    site: &str,
    call: &str,
) -> Result<Vec<Booking>, StoreError> {
    db.all(of_call_query(site, call)).await
}

pub(super) fn of_call_query(site: &str, call: &str) -> Query {
    select(BY_CALL).bind(site).bind(call)
}

/// The bookings that begin in a span, cancelled ones too, in order.
pub async fn between(
    db: &impl Database,
    site: &str,
    span: (i64, i64),
    after: Option<&Cursor>,
    limit: u32,
) -> Result<Page<Booking>, StoreError> {
    let limit = bounded(limit);
    let rows = db.all(between_query(site, span, after, limit)).await?;
    Ok(Page::of(rows, limit, |row: &Booking| Cursor {
        at: row.starts_at,
        id: row.id.clone(),
    }))
}

fn between_query(site: &str, (from, to): (i64, i64), after: Option<&Cursor>, limit: u32) -> Query {
    let (at, id) = after.map_or((from, ""), |cursor| {
        (cursor.at.max(from), cursor.id.as_str())
    });
    select(BETWEEN)
        .bind(site)
        .bind(at)
        .bind(id)
        .bind(to)
        .bind(limit.saturating_add(1))
}

fn busy_query(site: &str, (from, to): (i64, i64)) -> Query {
    Query::new(BUSY).bind(site).bind(from).bind(to)
}

fn by_id(site: &str, id: &str) -> Query {
    select(BY_ID).bind(site).bind(id)
}

fn select(condition: &str) -> Query {
    Query::new(format!("{SELECT} {condition}"))
}

/// The booking that the last statement of a batch gives.
async fn one(db: &impl Database, batch: Vec<Query>) -> Result<Booking, StoreError> {
    let last = batch.len().saturating_sub(1);
    let answers = db.batch(batch).await?;
    row_of(&answers, last)?.ok_or(StoreError::NotFound)
}

// `WHERE true` lets SQLite tell the conflict clause from a join's.
const INSERT: &str = "INSERT INTO bookings (id, site, request_key, call_id, service, service_name, price, starts_at, ends_at, name, phone, \
    note, made_at, changed_at, made_on) SELECT value ->> 'id', value ->> 'site', value ->> 'key', value ->> 'call', \
    value ->> 'service', value ->> 'service_name', value ->> 'price', value ->> 'starts_at', value ->> 'ends_at', \
    value ->> 'name', value ->> 'phone', value ->> 'note', value ->> 'now', value ->> 'now', value ->> 'today' \
    FROM json_each(?1) WHERE true ON CONFLICT (request_key) DO NOTHING";
const CANCEL: &str = "UPDATE bookings SET status = 'cancelled', changed_at = ?3, sequence = sequence + 1 \
    WHERE id = ?2 AND site = ?1 AND status = 'booked'";
const MOVE: &str = "UPDATE bookings SET starts_at = ?3, ends_at = ?4, changed_at = ?5, sequence = sequence + 1 \
    WHERE id = ?2 AND site = ?1 AND status = 'booked' AND (starts_at, ends_at) <> (?3, ?4)";
const SELECT: &str = "SELECT id, call_id, service, service_name, price, starts_at, ends_at, name, phone, note, status, made_at, \
    changed_at, sequence FROM bookings";
const BY_ID: &str = "WHERE id = ?2 AND site = ?1";
const BY_KEY: &str = "WHERE request_key = ?2 AND site = ?1";
// Where there is a choice, the index is named: SQLite knows nothing of how many rows each would give.
const BY_PHONE: &str = "INDEXED BY bookings_by_local WHERE site = ?1 AND phone IS NOT NULL AND substr(phone, -7) = substr(?2, -7) AND starts_at >= ?3 AND status = 'booked' ORDER BY starts_at LIMIT 20";
const BY_CALL: &str =
    "INDEXED BY bookings_by_call WHERE call_id = ?2 AND site = ?1 ORDER BY made_at LIMIT 20";
const BETWEEN: &str = "WHERE site = ?1 AND (starts_at, id) > (?2, ?3) AND starts_at < ?4 ORDER BY starts_at, id LIMIT ?5";
// The one that is under way at the beginning is the last before it. Two numbers a row; a thousand are more than a fortnight holds.
const BUSY: &str = "SELECT starts_at, ends_at FROM bookings WHERE site = ?1 AND status = 'booked' AND starts_at >= \
    coalesce((SELECT max(starts_at) FROM bookings WHERE site = ?1 AND status = 'booked' AND starts_at < ?2), ?2) \
    AND starts_at < ?3 AND ends_at > ?2 ORDER BY starts_at LIMIT 1000";

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::store::sqlite::{NOW, Sqlite, now};

    pub(crate) const SITE: &str = "demo-dental";
    pub(crate) const HOUR: i64 = 3_600_000;

    /// Texts that have harmed others.
    pub(crate) const HOSTILE: [&str; 8] = [
        "Robert'); DROP TABLE bookings;--",
        "<script>alert(1)</script>",
        "=HYPERLINK(\"http://example.com\")",
        "\u{202e}txet desrever\u{2066}",
        "\u{1}\u{8}\u{1b}[31m\r\n\t",
        "?1 :name @name $name \\ \\u0000 \"\" %s",
        "👩🏽‍⚕️ naïve Ünïcödé 名前",
        "{\"json\":[null]}",
    ];

    pub(crate) fn request<'a>(key: &'a str, call: Option<&'a str>) -> Request<'a> {
        Request {
            key,
            call,
            now: NOW,
            today: "2025-11-24",
        }
    }

    pub(crate) fn new_booking(id: &str, (starts_at, ends_at): (i64, i64)) -> NewBooking<'_> {
        NewBooking {
            id,
            site: SITE,
            service: "cleaning",
            service_name: "Cleaning",
            price: 9_000,
            starts_at,
            ends_at,
            name: "Ada Lovelace",
            phone: Some("+12025550143"),
            note: "",
        }
    }

    fn hours(from: i64, to: i64) -> (i64, i64) {
        (NOW + from * HOUR, NOW + to * HOUR)
    }

    fn booked(db: &Sqlite, id: &str, span: (i64, i64)) -> Result<Booking, StoreError> {
        now(book(db, &request(id, Some("call")), &new_booking(id, span)))
    }

    #[test]
    fn a_time_is_given_once() {
        let db = Sqlite::with_practice();
        booked(&db, "a", hours(10, 12)).unwrap();
        for (id, span) in [
            ("b", (10, 12)),
            ("c", (9, 11)),
            ("d", (11, 13)),
            ("e", (9, 13)),
        ] {
            assert_eq!(
                booked(&db, id, hours(span.0, span.1)),
                Err(StoreError::Taken),
                "{id}"
            );
        }
        let inside = (NOW + 10 * HOUR + 1, NOW + 12 * HOUR - 1);
        assert_eq!(booked(&db, "f", inside), Err(StoreError::Taken));
        // Bookings may touch.
        booked(&db, "g", hours(8, 10)).unwrap();
        booked(&db, "h", hours(12, 13)).unwrap();
        assert_eq!(db.number("SELECT count(*) FROM bookings"), 3);
    }

    #[test]
    fn nobody_gets_round_it_with_sql_of_his_own() {
        let db = Sqlite::with_practice();
        booked(&db, "a", hours(1, 2)).unwrap();
        booked(&db, "b", hours(2, 3)).unwrap();
        for sql in [
            "UPDATE bookings SET ends_at = ends_at + 1 WHERE id = 'a'",
            "UPDATE bookings SET starts_at = starts_at - 1 WHERE id = 'b'",
            "INSERT OR REPLACE INTO bookings SELECT 'c', site, 'c', call_id, service, service_name, price, starts_at, ends_at, \
             name, phone, note, status, made_at, made_on, changed_at, sequence FROM bookings WHERE id = 'a'",
            "INSERT OR IGNORE INTO bookings SELECT 'c', site, 'c', call_id, service, service_name, price, starts_at, ends_at, \
             name, phone, note, status, made_at, made_on, changed_at, sequence FROM bookings WHERE id = 'a'",
        ] {
            assert_eq!(db.execute(sql), Err(StoreError::Taken), "{sql}");
        }
        now(cancel(&db, SITE, "a", NOW)).unwrap();
        booked(&db, "d", hours(1, 2)).unwrap();
        let revive = "UPDATE bookings SET status = 'booked' WHERE id = 'a'";
        assert_eq!(db.execute(revive), Err(StoreError::Taken));
        assert_eq!(
            db.number("SELECT count(*) FROM bookings WHERE status = 'booked'"),
            2
        );
    }

    #[test]
    fn invariant_18_what_overlaps_is_found_as_a_naive_search_finds_it() {
        let db = Sqlite::with_practice();
        let mut kept: Vec<(i64, i64)> = Vec::new();
        let mut seed = 1_u64;
        for n in 0..400 {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            let start = NOW + i64::try_from((seed >> 33) % 600).unwrap() * 60_000;
            let end = start + i64::try_from(1 + (seed >> 20) % 40).unwrap() * 60_000;
            let free = kept.iter().all(|(from, to)| end <= *from || *to <= start);
            let answer = booked(&db, &format!("id{n}"), (start, end));
            assert_eq!(answer.is_ok(), free, "{start} {end}");
            if free {
                kept.push((start, end));
            }
        }
        kept.sort_unstable();
        assert!(kept.len() > 10);
        assert_eq!(now(busy(&db, SITE, (NOW, NOW + 24 * HOUR))), Ok(kept));
    }

    #[test]
    fn another_business_has_its_own_time() {
        let db = Sqlite::with_practice();
        let mut other = front_desk::business::Business::demo();
        other.id = "other".to_owned();
        now(crate::store::site::create(
            &db,
            &other,
            &crate::store::site::NewSite::real("t2", NOW),
        ))
        .unwrap();
        booked(&db, "a", hours(1, 2)).unwrap();
        let there = NewBooking {
            site: "other",
            ..new_booking("b", hours(1, 2))
        };
        now(book(&db, &request("b", None), &there)).unwrap();
        assert_eq!(now(find(&db, "other", "a")), Err(StoreError::NotFound));
        assert_eq!(
            now(cancel(&db, "other", "a", NOW)),
            Err(StoreError::NotFound)
        );
        assert_eq!(now(find(&db, SITE, "a")).unwrap().status, Status::Booked);
    }

    #[test]
    fn a_request_that_is_made_again_changes_nothing() {
        let db = Sqlite::with_practice();
        let first = now(book(
            &db,
            &request("call/3/0", Some("call")),
            &new_booking("a", hours(1, 2)),
        ))
        .unwrap();
        let again = now(book(
            &db,
            &request("call/3/0", Some("call")),
            &new_booking("b", hours(1, 2)),
        ))
        .unwrap();
        assert_eq!(first, again);
        assert_eq!(db.number("SELECT count(*) FROM bookings"), 1);
        assert_eq!(db.number("SELECT bookings FROM days"), 1);
    }

    #[test]
    fn a_cancelled_time_is_free_and_cancelling_twice_is_once() {
        let db = Sqlite::with_practice();
        booked(&db, "a", hours(1, 2)).unwrap();
        let cancelled = now(cancel(&db, SITE, "a", NOW + 5)).unwrap();
        assert_eq!(
            (cancelled.status, cancelled.sequence, cancelled.changed_at),
            (Status::Cancelled, 1, NOW + 5)
        );
        assert_eq!(now(cancel(&db, SITE, "a", NOW + 9)), Ok(cancelled));
        booked(&db, "b", hours(1, 2)).unwrap();
        assert_eq!(now(busy(&db, SITE, hours(0, 24))).unwrap().len(), 1);
        assert_eq!(
            now(cancel(&db, SITE, "nobody", NOW)),
            Err(StoreError::NotFound)
        );
    }

    #[test]
    fn a_booking_moves_where_there_is_room() {
        let db = Sqlite::with_practice();
        booked(&db, "a", hours(1, 3)).unwrap();
        booked(&db, "b", hours(3, 4)).unwrap();
        assert_eq!(
            now(reschedule(&db, SITE, "a", hours(2, 4), NOW)),
            Err(StoreError::Taken)
        );
        // Over itself it may move.
        let moved = now(reschedule(&db, SITE, "a", hours(0, 2), NOW + 5)).unwrap();
        assert_eq!(
            (moved.starts_at, moved.ends_at, moved.sequence),
            (hours(0, 2).0, hours(0, 2).1, 1)
        );
        assert_eq!(
            now(reschedule(&db, SITE, "a", hours(0, 2), NOW + 9)),
            Ok(moved)
        );
        now(cancel(&db, SITE, "a", NOW)).unwrap();
        assert_eq!(
            now(reschedule(&db, SITE, "a", hours(7, 8), NOW)),
            Err(StoreError::NotFound)
        );
    }

    #[test]
    fn whatever_is_under_way_when_a_span_begins_is_in_its_way() {
        let db = Sqlite::with_practice();
        for (n, span) in [(1, 3), (4, 6), (7, 8)].into_iter().enumerate() {
            booked(&db, &n.to_string(), hours(span.0, span.1)).unwrap();
        }
        let spans = |from, to| now(busy(&db, SITE, hours(from, to))).unwrap();
        assert_eq!(spans(5, 7), [hours(4, 6)]);
        assert_eq!(spans(6, 7), []);
        assert_eq!(spans(2, 8), [hours(1, 3), hours(4, 6), hours(7, 8)]);
    }

    #[test]
    fn a_caller_is_found_by_number() {
        let db = Sqlite::with_practice();
        booked(&db, "past", hours(-3, -2)).unwrap();
        booked(&db, "next", hours(1, 2)).unwrap();
        booked(&db, "gone", hours(3, 4)).unwrap();
        now(cancel(&db, SITE, "gone", NOW)).unwrap();
        let ids = |phone| -> Vec<String> {
            let found = now(of_phone(&db, SITE, phone, NOW)).unwrap();
            found.into_iter().map(|booking| booking.id).collect()
        };
        for phone in ["+12025550143", "2025550143", "5550143"] {
            assert_eq!(ids(phone), ["next"]);
        }
        for phone in ["%", "", "143", "+12025550144"] {
            assert_eq!(ids(phone), [""; 0]);
        }
        assert_eq!(now(of_call(&db, SITE, "call")).unwrap().len(), 3);
    }

    #[test]
    fn pages_join_without_gap_or_repetition() {
        let db = Sqlite::with_practice();
        for n in 0..25 {
            booked(&db, &format!("id{n}"), hours(n, n + 1)).unwrap();
        }
        let mut after = None;
        let mut seen = Vec::new();
        loop {
            let page = now(between(&db, SITE, hours(2, 23), after.as_ref(), 4)).unwrap();
            seen.extend(page.rows.into_iter().map(|booking| booking.starts_at));
            after = page.next;
            if after.is_none() {
                break;
            }
        }
        let wanted: Vec<i64> = (2..23).map(|n| hours(n, n).0).collect();
        assert_eq!(seen, wanted);
    }

    #[test]
    fn hostile_texts_are_texts() {
        let db = Sqlite::with_practice();
        for (n, text) in (0..).zip(HOSTILE) {
            let id = format!("id{n}");
            let new = NewBooking {
                name: text,
                note: text,
                phone: Some(text),
                ..new_booking(&id, hours(n, n + 1))
            };
            let booking = now(book(&db, &request(text, Some(text)), &new)).unwrap();
            assert_eq!((booking.name.as_str(), booking.note.as_str()), (text, text));
            assert_eq!(now(of_phone(&db, SITE, text, NOW)).unwrap(), [booking]);
        }
        let long = "x".repeat(1 << 20);
        let new = NewBooking {
            name: &long,
            ..new_booking("long", hours(50, 51))
        };
        assert!(matches!(
            now(book(&db, &request("long", None), &new)),
            Err(StoreError::Database(_))
        ));
    }

    #[test]
    fn every_read_has_its_index() {
        let db = Sqlite::with_practice();
        let cursor = Cursor {
            at: NOW,
            id: "a".to_owned(),
        };
        for query in [
            by_id(SITE, "a"),
            of_call_query(SITE, "a"),
            select(BY_KEY).bind(SITE).bind("a"),
            select(BY_PHONE).bind(SITE).bind("a").bind(NOW),
            busy_query(SITE, hours(0, 24)),
            between_query(SITE, hours(0, 24), None, 50),
            between_query(SITE, hours(0, 24), Some(&cursor), 50),
        ] {
            db.assert_indexed(&query);
        }
    }
}
