//! Forgetting: what is older than its business keeps it, and whatever is known of one caller. The figures of days stay: nobody
//! can be told from them.

use serde::Deserialize;

use super::database::{Answer, row_of};
use super::{Database, Query, StoreError};

/// What was deleted of a caller.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
pub struct Erased {
    pub calls: u32,
    pub messages: u32,
    /// Kept for the figures, without name, number and note; those to come are cancelled.
    pub bookings: u32,
}

/// Deletes what every business no longer keeps, a bounded number of rows at a time; says whether to come again soon.
pub async fn sweep(db: &impl Database, now: i64) -> Result<bool, StoreError> {
    let answers = db
        .batch(SWEEP.map(|sql| Query::new(sql).bind(now)).into())
        .await?;
    Ok(answers.iter().any(Answer::changed))
}

/// Deletes what is known of whoever has this number: calls with all that was said, messages, and who made which booking. Bookings to come
/// are cancelled, since nobody could tell whose they are.
pub async fn erase(
    db: &impl Database,
    site: &str,
    phone: &str,
    now: i64,
) -> Result<Erased, StoreError> {
    let mut batch = vec![Query::new(COUNT).bind(site).bind(phone)];
    batch.push(Query::new(CANCEL).bind(site).bind(phone).bind(now));
    batch.extend(ERASE.map(|sql| Query::new(sql).bind(site).bind(phone)));
    let answers = db.batch(batch).await?;
    Ok(row_of(&answers, 0)?.unwrap_or_default())
}

/// Milliseconds of a day.
macro_rules! kept_since {
    () => {
        "(?1 - retention_days * 86400000)"
    };
}

// A cross join keeps its order: businesses are few, and each has an index by time. A hundred calls are some thousand turns: well within what one transaction of D1 may take.
const SWEEP: [&str; 3] = [
    concat!(
        "DELETE FROM calls WHERE id IN (SELECT c.id FROM sites s CROSS JOIN calls c ON c.site = s.id AND c.started_at < ",
        kept_since!(),
        " WHERE s.retention_days IS NOT NULL LIMIT 100)"
    ),
    concat!(
        "DELETE FROM messages WHERE id IN (SELECT m.id FROM sites s CROSS JOIN messages m ON m.site = s.id AND m.taken_at < ",
        kept_since!(),
        " WHERE s.retention_days IS NOT NULL LIMIT 100)"
    ),
    concat!(
        "DELETE FROM bookings WHERE id IN (SELECT b.id FROM sites s CROSS JOIN bookings b ON b.site = s.id AND b.starts_at < ",
        kept_since!(),
        " WHERE s.retention_days IS NOT NULL LIMIT 100)"
    ),
];

/// Calls by the number, or in which it was given for a booking or a message. Below, `+site` is checked and not searched by: a business
/// has too much of everything.
macro_rules! their_calls {
    () => {
        "(SELECT id FROM calls WHERE site = ?1 AND caller = ?2 \
         UNION SELECT call_id FROM bookings WHERE site = ?1 AND phone = ?2 AND call_id IS NOT NULL \
         UNION SELECT call_id FROM messages WHERE site = ?1 AND phone = ?2)"
    };
}

/// Bookings with the number, or made in one of those calls.
macro_rules! their_bookings {
    () => {
        concat!(
            "(SELECT id FROM bookings WHERE site = ?1 AND phone = ?2 \
             UNION SELECT id FROM bookings WHERE +site = ?1 AND call_id IN ",
            their_calls!(),
            ")"
        )
    };
}

const COUNT: &str = concat!(
    "SELECT (SELECT count(*) FROM calls WHERE +site = ?1 AND id IN ",
    their_calls!(),
    ") AS calls, (SELECT count(*) FROM messages WHERE +site = ?1 AND call_id IN ",
    their_calls!(),
    ") AS messages, (SELECT count(*) FROM bookings WHERE id IN ",
    their_bookings!(),
    ") AS bookings"
);
const CANCEL: &str = concat!(
    "UPDATE bookings SET status = 'cancelled', changed_at = ?3, sequence = sequence + 1 \
     WHERE status = 'booked' AND starts_at > ?3 AND id IN ",
    their_bookings!()
);
// The number goes last: by it the rest is found.
const ERASE: [&str; 5] = [
    concat!(
        "UPDATE bookings SET name = '', note = '', phone = iif(phone = ?2, phone, NULL) WHERE id IN ",
        their_bookings!()
    ),
    concat!(
        "DELETE FROM messages WHERE +site = ?1 AND phone IS NOT ?2 AND call_id IN ",
        their_calls!()
    ),
    concat!(
        "DELETE FROM calls WHERE +site = ?1 AND id IN ",
        their_calls!()
    ),
    "DELETE FROM messages WHERE site = ?1 AND phone = ?2",
    "UPDATE bookings SET phone = NULL WHERE site = ?1 AND phone = ?2",
];

#[cfg(test)]
mod tests {
    use voice_core::latency::TurnOutcome;

    use super::*;
    use crate::store::booking::tests::{HOUR, SITE, new_booking, request};
    use crate::store::record::tests::{record, turn};
    use crate::store::record::{CallRecord, deliver};
    use crate::store::sqlite::{NOW, Sqlite, now};
    use crate::store::{booking, message, site};

    const DAY: i64 = 24 * HOUR;

    fn call(db: &Sqlite, id: &str, at: i64, caller: Option<&str>) {
        let call = CallRecord {
            caller: caller.map(str::to_owned),
            ..record(id, at, vec![turn(1, Some(300), TurnOutcome::Completed)])
        };
        now(deliver(db, &call)).unwrap();
    }

    fn leave(db: &Sqlite, id: &str, call: &str, at: i64, phone: Option<&str>) {
        let request = booking::Request {
            now: at,
            ..request(id, Some(call))
        };
        let new = message::NewMessage {
            id,
            site: SITE,
            call,
            name: "Ada",
            phone,
            text: "Hello",
        };
        now(message::take(db, &request, &new)).unwrap();
    }

    fn counts(db: &Sqlite) -> [i64; 5] {
        ["calls", "turns", "tool_runs", "messages", "bookings"]
            .map(|table| db.number(&format!("SELECT count(*) FROM {table}")))
    }

    #[test]
    fn what_is_too_old_goes_and_the_figures_stay() {
        let db = Sqlite::with_practice();
        now(db.run(site::keeping_for(SITE, Some(30), NOW))).unwrap();
        for (n, age) in [(0, 29), (1, 31)] {
            let id = n.to_string();
            call(&db, &id, NOW - age * DAY, None);
            leave(&db, &id, &id, NOW - age * DAY, None);
            let new = new_booking(&id, (NOW - age * DAY, NOW - age * DAY + HOUR));
            now(booking::book(&db, &request(&id, Some(&id)), &new)).unwrap();
        }
        assert_eq!(counts(&db), [2; 5]);
        assert_eq!(now(sweep(&db, NOW)), Ok(true));
        assert_eq!(now(sweep(&db, NOW)), Ok(false));
        assert_eq!(counts(&db), [1; 5]);
        assert_eq!(db.number("SELECT calls FROM days"), 2);
        assert_eq!(db.number("SELECT revenue FROM days"), 18_000);

        now(db.run(site::keeping_for(SITE, None, NOW))).unwrap();
        assert_eq!(now(sweep(&db, NOW + 1000 * DAY)), Ok(false));
    }

    #[test]
    fn a_sweep_is_bounded() {
        let db = Sqlite::with_practice();
        for n in 0..150 {
            call(&db, &n.to_string(), 0, None);
        }
        assert_eq!(now(sweep(&db, NOW)), Ok(true));
        assert_eq!(counts(&db)[0], 50);
        assert_eq!(now(sweep(&db, NOW)), Ok(true));
        assert_eq!(now(sweep(&db, NOW)), Ok(false));
        for sql in SWEEP {
            let plan = db.plan(&Query::new(sql).bind(NOW));
            let whole = |step: &String| step.starts_with("SCAN") && !step.starts_with("SCAN s");
            assert!(!plan.iter().any(whole), "{plan:?}");
        }
    }

    #[test]
    fn a_caller_is_forgotten_and_nobody_else() {
        let db = Sqlite::with_practice();
        let phone = "+12025550143";
        call(&db, "by-phone", NOW, Some(phone));
        call(&db, "in-browser", NOW, None);
        call(&db, "left-message", NOW, None);
        call(&db, "stranger", NOW, Some("+12025550199"));
        leave(&db, "m1", "by-phone", NOW, None);
        leave(&db, "m2", "left-message", NOW, Some(phone));
        leave(&db, "m3", "stranger", NOW, Some("+12025550199"));
        let booked = |id: &str, call: &str, from: i64, phone: Option<&str>| {
            let new = booking::NewBooking {
                phone,
                note: "private",
                ..new_booking(id, (NOW + from * HOUR, NOW + (from + 1) * HOUR))
            };
            now(booking::book(&db, &request(id, Some(call)), &new)).unwrap();
        };
        booked("to-come", "in-browser", 5, Some(phone));
        booked("past", "in-browser", -5, Some(phone));
        booked("for-another", "by-phone", 7, Some("+12025550150"));
        booked("strangers", "stranger", 9, Some("+12025550199"));

        let erased = now(erase(&db, SITE, phone, NOW)).unwrap();
        assert_eq!(
            erased,
            Erased {
                calls: 3,
                messages: 2,
                bookings: 3
            }
        );
        assert_eq!(counts(&db), [1, 1, 1, 1, 4]);
        for (id, status) in [
            ("to-come", booking::Status::Cancelled),
            ("past", booking::Status::Booked),
            ("for-another", booking::Status::Cancelled),
        ] {
            let booking = now(booking::find(&db, SITE, id)).unwrap();
            assert_eq!(
                (booking.name.as_str(), booking.phone, booking.note.as_str()),
                ("", None, ""),
                "{id}"
            );
            assert_eq!(booking.status, status, "{id}");
        }
        let stranger = now(booking::find(&db, SITE, "strangers")).unwrap();
        assert_eq!(
            (stranger.name.as_str(), stranger.status),
            ("Ada Lovelace", booking::Status::Booked)
        );
        assert_eq!(now(erase(&db, SITE, phone, NOW)), Ok(Erased::default()));
        let statements = [COUNT, CANCEL].into_iter().chain(ERASE);
        for sql in statements {
            let query = Query::new(sql).bind(SITE).bind(phone).bind(NOW);
            let plan = db.plan(&Query {
                values: query.values[..if sql == CANCEL { 3 } else { 2 }].to_vec(),
                ..query
            });
            let walks = |step: &String| {
                step.starts_with("SCAN calls")
                    || step.starts_with("SCAN bookings")
                    || step.starts_with("SCAN messages")
                    || step.ends_with("(site=?)")
            };
            assert!(!plan.iter().any(walks), "{plan:?}");
        }
    }
}
