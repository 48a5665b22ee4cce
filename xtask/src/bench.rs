//! `cargo xtask bench`: builds the product and hands over to the program that measures it. `cargo xtask bench turns` measures how she takes
//! turns, for which the speech engines are enough.

use std::ffi::OsString;

use anyhow::{Result, bail};

use crate::build::{self, Freshness};
use crate::paths::Paths;
use crate::{setup, test};

pub(crate) fn bench(paths: &Paths, mut arguments: Vec<OsString>) -> Result<()> {
    if arguments.first().is_some_and(|first| first == "turns") {
        arguments.remove(0);
        {
            let _lock = paths.lock_tools()?;
            setup::speech(paths)?;
        }
        let engines = ("VOXANNE_ENGINES", paths.engines().into_os_string());
        return measure(paths, "turns", arguments, [engines]);
    }
    build::product(paths, Freshness::Changed)?;
    let environment = test::environment(paths, setup::chromium()?.into_os_string())?;
    measure(paths, "bench", arguments, environment)
}

fn measure<const N: usize>(
    paths: &Paths,
    program: &str,
    arguments: Vec<OsString>,
    environment: [(&'static str, OsString); N],
) -> Result<()> {
    let status = paths
        .cargo()
        .args([
            "run",
            "--quiet",
            "--package",
            "tests",
            "--bin",
            program,
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
