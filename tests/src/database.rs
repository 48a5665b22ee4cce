//! The worker's D1 database, read and written from outside as the file that it is on this machine.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context;
use serde_json::{Value, json};

use crate::caller::PATIENCE;
use crate::node;

/// Node.js has SQLite in it. The rows come as JSON.
const READER: &str = "
import { DatabaseSync } from 'node:sqlite';
import { readFileSync } from 'node:fs';
const { file, query, parameter } = JSON.parse(readFileSync(0, 'utf8'));
const rows = new DatabaseSync(file, { readOnly: true }).prepare(query).all(parameter);
process.stdout.write(JSON.stringify(rows));
";

/// The same, writing.
const WRITER: &str = "
import { DatabaseSync } from 'node:sqlite';
import { readFileSync } from 'node:fs';
const { file, statement, lists } = JSON.parse(readFileSync(0, 'utf8'));
const database = new DatabaseSync(file);
database.exec('BEGIN');
const prepared = database.prepare(statement);
const changes = lists.map((list) => Number(prepared.run(...list).changes));
database.exec('COMMIT');
database.close();
process.stdout.write(String(changes.reduce((sum, changed) => sum + changed, 0)));
";

/// Waits until a query with one parameter has rows: a call's record is delivered soon after its end, not at once.
pub async fn rows(state: &Path, query: &str, parameter: &str) -> anyhow::Result<Vec<Value>> {
    let file = database(state)?;
    let look = async {
        loop {
            let rows = select(&file, query, parameter).await?;
            if !rows.is_empty() {
                return anyhow::Ok(rows);
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    };
    tokio::time::timeout(PATIENCE, look)
        .await
        .with_context(|| format!("no rows: {query}"))?
}

/// The rows of a query with one parameter as they are now, if there are any.
pub async fn rows_now(state: &Path, query: &str, parameter: &str) -> anyhow::Result<Vec<Value>> {
    select(&database(state)?, query, parameter).await
}

/// Runs a statement once with each of these lists of parameters, all or none, and gives how many rows were changed. The worker must have
/// been stopped: it would not see what changes behind its back.
pub async fn execute(state: &Path, statement: &str, lists: &[Value]) -> anyhow::Result<u64> {
    let file = database(state)?;
    let input = json!({ "file": file, "statement": statement, "lists": lists });
    let changed = node::run(WRITER, &input.to_string()).await?;
    changed.as_u64().context("no number of rows")
}

async fn select(file: &Path, query: &str, parameter: &str) -> anyhow::Result<Vec<Value>> {
    let input = json!({ "file": file, "query": query, "parameter": parameter });
    let rows = node::run(READER, &input.to_string()).await?;
    Ok(serde_json::from_value(rows)?)
}

/// The file in which miniflare keeps the one database there is.
fn database(state: &Path) -> anyhow::Result<PathBuf> {
    let folder = state.join("d1").join("miniflare-D1DatabaseObject");
    let files = std::fs::read_dir(&folder)
        .with_context(|| format!("no database in {}", folder.display()))?;
    files
        .flatten()
        .map(|entry| entry.path())
        .find(|path| {
            path.extension().is_some_and(|kind| kind == "sqlite")
                && path.file_stem().is_some_and(|name| name != "metadata")
        })
        .context("the database has no file")
}
