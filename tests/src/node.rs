//! Small programs for Node.js, which the workspace has for its tools anyway.

use std::path::{Path, PathBuf};
use std::process::Stdio;

use anyhow::{Context, ensure};
use serde_json::Value;
use tokio::io::AsyncWriteExt as _;
use tokio::process::Command;

/// Runs a module that may import what the workspace's packages are, and gives the JSON that it writes. It reads `input` from stdin.
pub(crate) async fn run(program: &str, input: &str) -> anyhow::Result<Value> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let own = root.join("node_modules/.bin/node");
    let node = if own.exists() {
        own
    } else {
        PathBuf::from("node")
    };
    let mut child = Command::new(node)
        .args(["--no-warnings", "--input-type=module", "-e", program])
        .current_dir(root)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .context("cannot start node")?;
    let mut stdin = child.stdin.take().context("no stdin")?;
    let write = async {
        // A program that ends before it has read everything says why itself.
        let _ = stdin.write_all(input.as_bytes()).await;
        drop(stdin);
    };
    let (output, ()) = tokio::join!(child.wait_with_output(), write);
    let output = output?;
    let complaint = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "{complaint}");
    Ok(serde_json::from_slice(&output.stdout)?)
}
