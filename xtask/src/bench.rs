//! `cargo xtask bench`: builds the product and hands over to the program that measures it.

use std::ffi::OsString;

use anyhow::{Result, bail};

use crate::build::{self, Freshness};
use crate::paths::Paths;
use crate::{setup, test};

pub(crate) fn bench(paths: &Paths, arguments: Vec<OsString>) -> Result<()> {
    build::product(paths, Freshness::Changed)?;
    let environment = test::environment(paths, setup::chromium()?.into_os_string())?;
    let status = paths
        .cargo()
        .args([
            "run",
            "--quiet",
            "--package",
            "tests",
            "--bin",
            "bench",
            "--",
        ])
        .args(arguments)
        .envs(environment)
        .status()?;
    if !status.success() {
        bail!("the measurement ended with {status}");
    }
    Ok(())
}
