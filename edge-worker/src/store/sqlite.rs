//! SQLite in memory with the real schema, in place of D1. Like D1 it is given every number as a double, and gives whole ones back as integers.

use std::future::Future;

use futures_util::FutureExt;
use rusqlite::Connection;
use rusqlite::types::ValueRef;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value as Json};

use super::database::{Answer, Database, Query, Value};
use super::{StoreError, site};

/// In the order of their numbers.
const MIGRATIONS: [&str; 7] = [
    include_str!("../../../migrations/0001_init.sql"),
    include_str!("../../../migrations/0002_callers.sql"),
    include_str!("../../../migrations/0003_speculation.sql"),
    include_str!("../../../migrations/0004_business.sql"),
    include_str!("../../../migrations/0005_bookings.sql"),
    include_str!("../../../migrations/0006_call_records.sql"),
    include_str!("../../../migrations/0007_accounts.sql"),
];

/// A Monday: 24 November 2025, 16:00 UTC.
pub(crate) const NOW: i64 = 1_764_000_000_000;

pub(crate) struct Sqlite(Connection);

pub(crate) struct Rows {
    rows: Vec<Json>,
    changed: bool,
}

impl Sqlite {
    /// An empty database.
    pub(super) fn empty() -> Self {
        let connection = Connection::open_in_memory().unwrap();
        connection
            .execute_batch("PRAGMA foreign_keys = ON")
            .unwrap();
        for migration in MIGRATIONS {
            connection.execute_batch(migration).unwrap();
        }
        Self(connection)
    }

    /// One with the demonstration's practice.
    pub(crate) fn with_practice() -> Self {
        let db = Self::empty();
        let business = front_desk::business::Business::demo();
        now(site::create(
            &db,
            &business,
            &site::NewSite::real("token", NOW),
        ))
        .unwrap();
        db
    }

    /// Runs what a test needs besides the store.
    pub(super) fn execute(&self, sql: &str) -> Result<(), StoreError> {
        self.0.execute_batch(sql).map_err(error)
    }

    /// One number.
    pub(crate) fn number(&self, sql: &str) -> i64 {
        self.0.query_row(sql, [], |row| row.get(0)).unwrap()
    }

    /// How SQLite would go about it.
    pub(super) fn plan(&self, query: &Query) -> Vec<String> {
        let mut statement = self
            .0
            .prepare(&format!("EXPLAIN QUERY PLAN {}", query.sql))
            .unwrap();
        let values = query.values.iter().map(bound);
        let rows = statement.query_map(rusqlite::params_from_iter(values), |row| row.get(3));
        rows.unwrap().map(Result::unwrap).collect()
    }

    /// Panics if the query reads a table from end to end or sorts what it reads.
    pub(super) fn assert_indexed(&self, query: &Query) {
        self.assert_searched(query);
        for step in self.plan(query) {
            assert!(
                !step.contains("TEMP B-TREE FOR ORDER BY"),
                "{step}\n{}",
                query.sql
            );
        }
    }

    /// Panics if the query reads a table from end to end.
    pub(super) fn assert_searched(&self, query: &Query) {
        for step in self.plan(query) {
            let is_table = !step.starts_with("SCAN (") && !step.starts_with("SCAN CONSTANT");
            assert!(
                !(step.starts_with("SCAN") && is_table),
                "{step}\n{}",
                query.sql
            );
        }
    }

    fn one(&self, query: &Query) -> rusqlite::Result<Rows> {
        let before = self.0.total_changes();
        let mut statement = self.0.prepare(&query.sql)?;
        let names: Vec<String> = statement.column_names().map(str::to_owned).collect();
        let mut cursor =
            statement.query(rusqlite::params_from_iter(query.values.iter().map(bound)))?;
        let mut rows = Vec::new();
        while let Some(row) = cursor.next()? {
            let mut object = Map::new();
            for (index, name) in names.iter().enumerate() {
                object.insert(name.clone(), json(row.get_ref(index)?));
            }
            rows.push(Json::Object(object));
        }
        let changed = self.0.total_changes() > before;
        Ok(Rows { rows, changed })
    }
}

/// Runs a future of this database, which never waits.
pub(crate) fn now<T>(future: impl Future<Output = T>) -> T {
    future.now_or_never().expect("SQLite answers at once")
}

fn bound(value: &Value) -> rusqlite::types::Value {
    match value {
        Value::Integer(number) => (*number as f64).into(),
        Value::Null => rusqlite::types::Value::Null,
        Value::Text(text) => text.clone().into(),
    }
}

fn json(value: ValueRef<'_>) -> Json {
    match value {
        ValueRef::Null => Json::Null,
        ValueRef::Integer(number) => number.into(),
        ValueRef::Real(number) if number.fract() == 0.0 => (number as i64).into(),
        ValueRef::Real(number) => number.into(),
        ValueRef::Text(text) => std::str::from_utf8(text).unwrap().into(),
        ValueRef::Blob(_) => panic!("no column is a blob"),
    }
}

fn error(error: rusqlite::Error) -> StoreError {
    match error {
        rusqlite::Error::SqliteFailure(_, Some(message)) => StoreError::from_message(&message),
        other => StoreError::Database(other.to_string()),
    }
}

impl Database for Sqlite {
    type Answer = Rows;

    async fn batch(&self, queries: Vec<Query>) -> Result<Vec<Rows>, StoreError> {
        let transaction = self.0.unchecked_transaction().map_err(error)?;
        let mut answers = Vec::new();
        for query in &queries {
            answers.push(self.one(query).map_err(error)?);
        }
        transaction.commit().map_err(error)?;
        Ok(answers)
    }
}

impl Answer for Rows {
    fn rows<T: DeserializeOwned>(&self) -> Result<Vec<T>, StoreError> {
        let rows = self
            .rows
            .iter()
            .map(|row| serde_json::from_value(row.clone()));
        rows.collect::<Result<_, _>>()
            .map_err(|error| StoreError::Database(error.to_string()))
    }

    fn changed(&self) -> bool {
        self.changed
    }
}
