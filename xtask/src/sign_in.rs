//! The developer's own account at the dashboard that `cargo xtask dev` runs, with made-up records to look at.

use std::fmt::Write as _;
use std::fs::File;
use std::io::Read as _;
use std::path::Path;
use std::process::Stdio;

use anyhow::{Context as _, Result};

use crate::paths::Paths;
use crate::{report, setup};

/// Where the account is kept, beside the database that knows it.
const FILE: &str = "sign-in.json";

/// A set-up code for who has set none: nobody can guess it, and nobody has to type it.
pub(crate) fn new_code() -> Result<String> {
    let mut random = [0; 16];
    File::open("/dev/urandom")
        .and_then(|mut source| source.read_exact(&mut random))
        .context("no random numbers")?;
    Ok(random.iter().fold(String::new(), |mut code, byte| {
        // Writing to a string cannot fail.
        let _ = write!(code, "{byte:02x}");
        code
    }))
}

/// Makes the first owner and the records, if nobody else has, and says how to sign in. A worker without them still takes calls.
pub(crate) fn prepare(paths: &Paths, state: &Path, worker: &str, code: &str) -> Result<()> {
    let output = paths
        .command(setup::node(paths)?)
        .arg(paths.root.join("xtask/runtime/furnish.mjs"))
        .arg(worker)
        .arg(state.join(FILE))
        .env("SETUP_CODE", code)
        .stdin(Stdio::null())
        .stderr(Stdio::inherit())
        .output()
        .context("cannot start node")?;
    let account = String::from_utf8_lossy(&output.stdout);
    match account.trim() {
        "" => report::note("the dashboard has an owner of its own; no records were made up"),
        account => report::answer(&format!("the dashboard's sign-in: {account}")),
    }
    Ok(())
}
