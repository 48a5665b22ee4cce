//! The system of record: what is read from D1 and written to it, by typed functions, for the whole worker.
//!
//! The schema (`migrations/`) keeps what must hold whoever writes: that no two bookings overlap, that a save of settings does not
//! undo another, that a day's figures are the sum of its records. A function here says what is wanted and turns
//! the schema's refusals into [`StoreError`]s. A write that is asked for twice is done once: it is known by its request key
//! or by its call.
//!
//! Every read has a limit and an index. Times are UTC in milliseconds since 1970, a day is `YYYY-MM-DD` by the site's clocks,
//! money is in minor units.

pub mod audit;
pub mod booking;
pub mod call;
pub mod cursor;
pub mod database;
pub mod demo;
pub mod figures;
pub mod message;
pub mod percentile;
pub mod record;
pub mod restore;
pub mod retention;
pub mod site;

#[cfg(test)]
pub(crate) mod sqlite;

pub use cursor::{Cursor, Page};
pub use database::{Database, Query};

/// Rows of the longest page that a list gives.
pub const MOST_ROWS: u32 = 200;

/// Why something was not read or not written.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// D1 does not answer or holds what cannot be read. The words are for the log: they name columns, never values.
    #[error("database: {0}")]
    Database(String),
    #[error("there is one already")]
    Exists,
    #[error("there is no such thing")]
    NotFound,
    /// Somebody else has saved since.
    #[error("it was changed in the meantime")]
    Stale,
    /// The time belongs to another booking.
    #[error("the time is taken")]
    Taken,
}

impl StoreError {
    /// What SQLite's message says. The schema's own refusals are single words, which D1 puts between its prefix and the name of the
    /// constraint.
    #[must_use]
    pub fn from_message(message: &str) -> Self {
        let refusal =
            |word: &str| message == word || message.contains(&format!("{word}: SQLITE_CONSTRAINT"));
        if refusal("taken") {
            Self::Taken
        } else if refusal("stale") {
            Self::Stale
        } else if message.contains("UNIQUE constraint failed") {
            Self::Exists
        } else {
            Self::Database(message.to_owned())
        }
    }
}

/// Later than every record, and a number that JavaScript knows exactly.
const END_OF_TIME: i64 = 1 << 52;

/// The rows of a page: at least one, at most [`MOST_ROWS`].
fn bounded(limit: u32) -> u32 {
    limit.clamp(1, MOST_ROWS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_schemas_refusals_are_known_from_d1s_words() {
        let d1 = |word| {
            format!("D1_ERROR: {word}: SQLITE_CONSTRAINT (extended: SQLITE_CONSTRAINT_TRIGGER)")
        };
        assert_eq!(StoreError::from_message(&d1("taken")), StoreError::Taken);
        assert_eq!(StoreError::from_message(&d1("stale")), StoreError::Stale);
        assert_eq!(
            StoreError::from_message(&d1("UNIQUE constraint failed: sites.id")),
            StoreError::Exists
        );
        for other in ["D1_ERROR: no such table: taken", "network connection lost"] {
            assert!(
                matches!(StoreError::from_message(other), StoreError::Database(_)),
                "{other}"
            );
        }
    }
}
