//! A database as the store needs it: batches of statements, each batch one transaction. D1 is one, and so is SQLite in the tests, so that
//! they run the same text.

use std::borrow::Cow;
use std::cell::Cell;
use std::fmt;
use std::future::Future;
use std::ops::Deref;
use std::rc::Rc;

use serde::de::DeserializeOwned;
use wasm_bindgen::JsValue;
use worker::{D1Database, D1Result};

use super::StoreError;

/// Something bound to a statement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    Integer(i64),
    Null,
    Text(String),
}

/// A statement with what is bound to its `?1`, `?2`, ….
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Query {
    pub sql: Cow<'static, str>,
    pub values: Vec<Value>,
}

impl Query {
    /// A statement to which nothing is bound yet.
    #[must_use]
    pub fn new(sql: impl Into<Cow<'static, str>>) -> Self {
        Self {
            sql: sql.into(),
            values: Vec::new(),
        }
    }

    /// Binds the next value.
    #[must_use]
    pub fn bind(mut self, value: impl Into<Value>) -> Self {
        self.values.push(value.into());
        self
    }
}

/// What a statement gave.
pub trait Answer {
    /// Its rows.
    fn rows<T: DeserializeOwned>(&self) -> Result<Vec<T>, StoreError>;

    /// Whether it changed something, by itself or by a trigger.
    fn changed(&self) -> bool;
}

/// Where the records are.
pub trait Database {
    type Answer: Answer;

    /// Runs statements in order. If one fails, none was done.
    fn batch(
        &self,
        queries: Vec<Query>,
    ) -> impl Future<Output = Result<Vec<Self::Answer>, StoreError>>;

    /// Runs one statement and gives its rows.
    fn all<T: DeserializeOwned>(
        &self,
        query: Query,
    ) -> impl Future<Output = Result<Vec<T>, StoreError>> {
        async move { self.run(query).await?.rows() }
    }

    /// Runs one statement and gives its first row.
    fn first<T: DeserializeOwned>(
        &self,
        query: Query,
    ) -> impl Future<Output = Result<Option<T>, StoreError>> {
        async move { Ok(self.all(query).await?.into_iter().next()) }
    }

    /// Runs one statement.
    fn run(&self, query: Query) -> impl Future<Output = Result<Self::Answer, StoreError>> {
        async move {
            let answers = self.batch(vec![query]).await?;
            answers.into_iter().next().ok_or_else(no_answer)
        }
    }
}

/// The rows of one statement of a batch.
pub(crate) fn rows_of<A: Answer, T: DeserializeOwned>(
    answers: &[A],
    index: usize,
) -> Result<Vec<T>, StoreError> {
    answers.get(index).ok_or_else(no_answer)?.rows()
}

/// Its first row.
pub(crate) fn row_of<A: Answer, T: DeserializeOwned>(
    answers: &[A],
    index: usize,
) -> Result<Option<T>, StoreError> {
    Ok(rows_of(answers, index)?.into_iter().next())
}

fn no_answer() -> StoreError {
    StoreError::Database("a statement without an answer".to_owned())
}

impl Database for D1Database {
    type Answer = D1Result;

    async fn batch(&self, queries: Vec<Query>) -> Result<Vec<D1Result>, StoreError> {
        let statements = queries.into_iter().map(|query| {
            let values: Vec<JsValue> = query.values.into_iter().map(JsValue::from).collect();
            self.prepare(query.sql).bind(&values)
        });
        let statements = statements.collect::<worker::Result<Vec<_>>>()?;
        // Called by its full name: the trait's method has the same.
        Ok(Self::batch(self, statements).await?)
    }
}

/// What the database did for a request so far.
#[derive(Clone, Debug, Default)]
pub struct Meter(Rc<Cell<Work>>);

#[derive(Clone, Copy, Debug, Default)]
struct Work {
    rows_read: u64,
    millis: f64,
}

impl Meter {
    fn add(&self, rows_read: u64, millis: f64) {
        let before = self.0.get();
        self.0.set(Work {
            rows_read: before.rows_read.saturating_add(rows_read),
            millis: before.millis + millis,
        });
    }
}

/// As a `Server-Timing` header has it, which a browser's tools show beside the answer.
impl fmt::Display for Meter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Work { rows_read, millis } = self.0.get();
        write!(f, "d1;dur={millis:.1};desc=\"rows read {rows_read}\"")
    }
}

/// D1 with a meter: rows read are what tells a read with an index from one without, and what D1 is paid by. Statements that are prepared on
/// [`D1Database`] itself pass it by.
#[derive(Debug)]
pub struct Metered {
    d1: D1Database,
    meter: Meter,
}

impl Metered {
    #[must_use]
    pub const fn new(d1: D1Database, meter: Meter) -> Self {
        Self { d1, meter }
    }
}

impl Deref for Metered {
    type Target = D1Database;

    fn deref(&self) -> &D1Database {
        &self.d1
    }
}

impl Database for Metered {
    type Answer = D1Result;

    async fn batch(&self, queries: Vec<Query>) -> Result<Vec<D1Result>, StoreError> {
        let answers = Database::batch(&self.d1, queries).await?;
        for meta in answers.iter().filter_map(|answer| answer.meta().ok()?) {
            let rows = u64::try_from(meta.rows_read.unwrap_or_default()).unwrap_or(u64::MAX);
            self.meter.add(rows, meta.duration.unwrap_or_default());
        }
        Ok(answers)
    }
}

impl Answer for D1Result {
    fn rows<T: DeserializeOwned>(&self) -> Result<Vec<T>, StoreError> {
        Ok(self.results()?)
    }

    fn changed(&self) -> bool {
        let changes = self.meta().ok().flatten().and_then(|meta| meta.changes);
        changes.is_some_and(|changes| changes > 0)
    }
}

impl From<worker::Error> for StoreError {
    fn from(error: worker::Error) -> Self {
        Self::from_message(&error.to_string())
    }
}

impl From<StoreError> for worker::Error {
    fn from(error: StoreError) -> Self {
        Self::RustError(error.to_string())
    }
}

impl From<Value> for JsValue {
    fn from(value: Value) -> Self {
        match value {
            // Times and money are far below 2⁵³.
            Value::Integer(number) => Self::from_f64(number as f64),
            Value::Null => Self::NULL,
            Value::Text(text) => Self::from_str(&text),
        }
    }
}

impl From<i64> for Value {
    fn from(number: i64) -> Self {
        Self::Integer(number)
    }
}

impl From<u32> for Value {
    fn from(number: u32) -> Self {
        Self::Integer(number.into())
    }
}

impl From<bool> for Value {
    fn from(yes: bool) -> Self {
        Self::Integer(yes.into())
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<&String> for Value {
    fn from(text: &String) -> Self {
        Self::Text(text.clone())
    }
}

impl<T: Into<Self>> From<Option<T>> for Value {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Null, Into::into)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_meter_adds_up_and_is_shared() {
        let meter = Meter::default();
        let other = meter.clone();
        meter.add(3, 0.25);
        other.add(120, 1.5);
        assert_eq!(meter.to_string(), "d1;dur=1.8;desc=\"rows read 123\"");
    }
}
