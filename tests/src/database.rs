//! The worker's D1 database, read from outside as the file that it is on this machine.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, ensure};
use serde_json::Value;
use tokio::process::Command;

use crate::caller::PATIENCE;

/// Node.js has SQLite in it: `DATABASE QUERY PARAMETER` gives the rows as JSON.
const READER: &str = "
const { DatabaseSync } = require('node:sqlite');
const [path, query, parameter] = process.argv.slice(1);
const rows = new DatabaseSync(path, { readOnly: true }).prepare(query).all(parameter);
process.stdout.write(JSON.stringify(rows));
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

async fn select(file: &Path, query: &str, parameter: &str) -> anyhow::Result<Vec<Value>> {
    let node = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../node_modules/.bin/node");
    let node = if node.exists() { node } else { "node".into() };
    let output = Command::new(node)
        .args(["--no-warnings", "-e", READER])
        .arg(file)
        .args([query, parameter])
        .output()
        .await
        .context("cannot start node")?;
    let complaint = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "{complaint}");
    Ok(serde_json::from_slice(&output.stdout)?)
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
