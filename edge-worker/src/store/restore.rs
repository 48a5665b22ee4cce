//! A cancellation taken back: the booking stands again, if its time is still free.

use super::booking::{self, Booking};
use super::{Database, Query, StoreError};

/// Restores a booking, and gives it as it is then. One that stands already stays as it is; [`StoreError::Taken`] if its time was given to
/// another.
pub async fn restore(
    db: &impl Database,
    site: &str,
    id: &str,
    now: i64,
) -> Result<Booking, StoreError> {
    db.run(Query::new(RESTORE).bind(site).bind(id).bind(now))
        .await?;
    booking::find(db, site, id).await
}

// Of a caller who was forgotten there is nobody to restore it for.
const RESTORE: &str = "UPDATE bookings SET status = 'booked', changed_at = ?3, sequence = sequence + 1 \
    WHERE id = ?2 AND site = ?1 AND status = 'cancelled' AND name <> ''";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::booking::tests::{HOUR, SITE, new_booking, request};
    use crate::store::booking::{Status, book, cancel};
    use crate::store::sqlite::{NOW, Sqlite, now};

    #[test]
    fn a_cancellation_is_taken_back_while_the_time_is_free() {
        let db = Sqlite::with_practice();
        let span = (NOW + HOUR, NOW + 2 * HOUR);
        now(book(
            &db,
            &request("a", Some("call")),
            &new_booking("a", span),
        ))
        .unwrap();
        now(cancel(&db, SITE, "a", NOW + 1)).unwrap();
        assert_eq!(db.number("SELECT bookings FROM days"), 0);
        let restored = now(restore(&db, SITE, "a", NOW + 2)).unwrap();
        assert_eq!(
            (restored.status, restored.sequence, restored.changed_at),
            (Status::Booked, 2, NOW + 2)
        );
        assert_eq!(now(restore(&db, SITE, "a", NOW + 3)), Ok(restored));
        assert_eq!(db.number("SELECT bookings FROM days"), 1);

        now(cancel(&db, SITE, "a", NOW + 4)).unwrap();
        now(book(
            &db,
            &request("b", Some("call")),
            &new_booking("b", span),
        ))
        .unwrap();
        assert_eq!(
            now(restore(&db, SITE, "a", NOW + 5)),
            Err(StoreError::Taken)
        );
        assert_eq!(
            now(restore(&db, "other", "a", NOW + 5)),
            Err(StoreError::NotFound)
        );
    }
}
