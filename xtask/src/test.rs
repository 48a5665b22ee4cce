//! `cargo xtask test`: every check and every test, each step shown with its time, all of them run even when one fails.

use std::ffi::OsString;
use std::io::{BufRead as _, BufReader};
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, bail};

use crate::build::{self, Freshness};
use crate::paths::Paths;
use crate::process::run;
use crate::report::{self, step};
use crate::setup;

/// Compiled for the browser or for workerd; the rest of the workspace is for this machine.
const WASM_CRATES: [&str; 3] = ["audio-thread", "client-wasm", "edge-worker"];

/// Tests of the whole product at the same time, on two processors: calls take their time and little else.
const TESTS_AT_ONCE: &str = "4";

pub(crate) fn test(paths: &Paths) -> Result<()> {
    {
        let _lock = paths.lock_tools()?;
        setup::toolchain(paths)?;
        setup::speech(paths)?;
    }
    let chromium = setup::chromium()?;

    let mut tally = Tally::default();
    tally.check("formatting", || {
        run(paths.cargo().args(["fmt", "--all", "--check"]))
    });
    tally.check("lints of what runs here", || {
        run(clippy(paths)
            .args(["--workspace", "--all-targets"])
            .args(WASM_CRATES.iter().flat_map(|name| ["--exclude", name]))
            .args(["--", "--deny", "warnings"]))
    });
    tally.check("lints of what runs on wasm", || {
        run(clippy(paths)
            .args(["--target", "wasm32-unknown-unknown"])
            .args(WASM_CRATES.iter().flat_map(|name| ["--package", name]))
            .args(["--", "--deny", "warnings"]))
    });
    tally.tests(
        "tests of each crate",
        paths.cargo().args([
            "test",
            "--no-fail-fast",
            "--workspace",
            "--exclude",
            "tests",
        ]),
    );
    let built = tally.check("build", || build::product(paths, Freshness::Changed));
    if built {
        let environment = environment(paths, chromium.into_os_string());
        match environment {
            Ok(environment) => tally.tests(
                "tests of the whole product",
                paths
                    .cargo()
                    .args(["test", "--no-fail-fast", "--package", "tests"])
                    // They wait for a call's own time, not for a processor.
                    .env("RUST_TEST_THREADS", TESTS_AT_ONCE)
                    .envs(environment),
            ),
            Err(error) => tally.fail("local providers", &error),
        }
    }
    tally.conclude()
}

/// How the tests of the whole product find what they drive.
pub(crate) fn environment(
    paths: &Paths,
    chromium: OsString,
) -> Result<[(&'static str, OsString); 3]> {
    Ok([
        ("VOXANNE_CHROMIUM", chromium),
        ("VOXANNE_ENGINES", paths.engines().into_os_string()),
        (
            "VOXANNE_XTASK",
            std::env::current_exe()
                .context("this program has no path")?
                .into_os_string(),
        ),
    ])
}

fn clippy(paths: &Paths) -> Command {
    let mut command = paths.cargo();
    command.args(["clippy", "--quiet"]);
    command
}

/// What was run and what became of it.
#[derive(Debug, Default)]
struct Tally {
    passed: u64,
    failed: u64,
    broken: Vec<String>,
}

impl Tally {
    /// A step that is right or wrong as a whole.
    fn check(&mut self, name: &str, work: impl FnOnce() -> Result<()>) -> bool {
        match step(name, work) {
            Ok(()) => true,
            Err(error) => {
                self.fail(name, &error);
                false
            }
        }
    }

    /// A step that counts its tests.
    fn tests(&mut self, name: &str, command: &mut Command) {
        let counted = step(name, || {
            let mut child = command
                .stdin(Stdio::null())
                .stdout(Stdio::piped())
                .spawn()
                .context("cannot start cargo")?;
            let stdout = child.stdout.take().context("stdout is a pipe")?;
            for line in BufReader::new(stdout).lines() {
                let line = line?;
                if let Some((passed, failed)) = counts(&line) {
                    self.passed += passed;
                    self.failed += failed;
                }
                report::answer(&line);
            }
            let status = child.wait()?;
            if !status.success() {
                bail!("cargo test ended with {status}");
            }
            Ok(())
        });
        if let Err(error) = counted {
            self.fail(name, &error);
        }
    }

    fn fail(&mut self, name: &str, error: &anyhow::Error) {
        report::note(&format!("{name}: {error:#}"));
        self.broken.push(name.to_owned());
    }

    fn conclude(self) -> Result<()> {
        // A step can break without a test that fails: it then counts as one.
        let failed = self.failed.max(u64::try_from(self.broken.len())?);
        report::answer(&format!("{} passed, {failed} failed", self.passed));
        if failed > 0 {
            bail!("not everything is right: {}", self.broken.join(", "));
        }
        Ok(())
    }
}

/// The counts in the line with which a test program ends.
fn counts(line: &str) -> Option<(u64, u64)> {
    let rest = line.strip_prefix("test result: ")?.split_once(". ")?.1;
    let mut parts = rest.split("; ");
    let passed = parts.next()?.strip_suffix(" passed")?.parse().ok()?;
    let failed = parts.next()?.strip_suffix(" failed")?.parse().ok()?;
    Some((passed, failed))
}

#[cfg(test)]
mod tests {
    use super::counts;

    #[test]
    fn counts_are_read_off_the_last_line_only() {
        let line = "test result: FAILED. 12 passed; 3 failed; 0 ignored; 0 measured; 1 filtered out; finished in 0.10s";
        assert_eq!(counts(line), Some((12, 3)));
        assert_eq!(counts("test result::reads ... ok"), None);
        assert_eq!(counts("running 2 tests"), None);
    }
}
