//! Builds what runs: the worker's modules, the pages with the browser client, and the description of both that the
//! runner reads. Each is made again only when something it is made from has changed.

use std::path::{Path, PathBuf};

use anyhow::Result;

use crate::fingerprint::Fingerprint;
use crate::paths::Paths;
use crate::process::run;
use crate::report::step;
use crate::{client, setup};

/// What every crate's output depends on.
pub(crate) const WORKSPACE: [&str; 4] = [
    "Cargo.lock",
    "Cargo.toml",
    "rust-toolchain.toml",
    "voice-core",
];

/// How much to build.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Freshness {
    Changed,
    Everything,
}

/// Sets up the tools and builds all that the worker runs and serves.
pub(crate) fn product(paths: &Paths, freshness: Freshness) -> Result<()> {
    {
        let _lock = paths.lock_tools()?;
        setup::toolchain(paths)?;
    }
    let _lock = paths.lock_build()?;
    worker(paths, freshness)?;
    client::pages(paths, freshness)?;
    description(paths, freshness)
}

/// The file from which the runner takes everything about the worker.
pub(crate) fn description_path(paths: &Paths) -> PathBuf {
    paths.scratch().join("runtime.json")
}

/// Runs `work` unless `outputs` exist and were made from the same inputs.
pub(crate) fn unless_made(
    name: &str,
    inputs: &Fingerprint,
    outputs: &[&Path],
    freshness: Freshness,
    work: impl FnOnce() -> Result<()>,
) -> Result<()> {
    let made = inputs.stands() && outputs.iter().all(|output| output.exists());
    if made && freshness == Freshness::Changed {
        return Ok(());
    }
    step(name, || {
        inputs.clear();
        work()?;
        inputs.keep()
    })
}

/// What the worker is compiled with. Its detector of speech takes less than half the time with vector instructions, which
/// workerd has.
const WORKER_FLAGS: &str = "-C target-feature=+simd128";

fn worker(paths: &Paths, freshness: Freshness) -> Result<()> {
    let mut sources = WORKSPACE.to_vec();
    sources.extend([
        "edge-worker",
        "front-desk",
        "package-lock.json",
        "xtask/src/build.rs",
    ]);
    let inputs = Fingerprint::of(
        &paths.root,
        &sources,
        &[WORKER_FLAGS],
        paths.scratch().join("worker.stamp"),
    )?;
    let module = paths.root.join("build").join("index.js");
    unless_made("worker", &inputs, &[&module], freshness, || {
        // With the three programs named, worker-build downloads nothing.
        run(paths
            .command(setup::WORKER_BUILD.path(paths))
            .args(["--release", "--out-dir", "../build"])
            .current_dir(paths.root.join("edge-worker"))
            .env(
                "CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_RUSTFLAGS",
                WORKER_FLAGS,
            )
            .env("ESBUILD_BIN", paths.node_tool("esbuild"))
            .env("WASM_BINDGEN_BIN", setup::WASM_BINDGEN.path(paths))
            .env("WASM_OPT_BIN", paths.node_tool("wasm-opt")))
    })
}

fn description(paths: &Paths, freshness: Freshness) -> Result<()> {
    let out = description_path(paths);
    let root = paths.root.to_string_lossy();
    let inputs = Fingerprint::of(
        &paths.root,
        &[
            "migrations",
            "package-lock.json",
            "wrangler.toml",
            "xtask/runtime",
        ],
        // The description holds absolute paths.
        &[&root],
        paths.scratch().join("runtime.stamp"),
    )?;
    unless_made("runtime description", &inputs, &[&out], freshness, || {
        run(paths
            .command(setup::node(paths)?)
            .arg(paths.root.join("xtask/runtime/describe.mjs"))
            .arg(paths.root.join("wrangler.toml"))
            .arg(&out)
            .env("WRANGLER_LOG", "error")
            .env("WRANGLER_SEND_METRICS", "false"))
    })
}
