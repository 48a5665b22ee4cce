//! Builds dist/: the pages of www/, and under `client/` the two wasm modules that a caller's browser loads.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};
use flate2::Compression;
use flate2::write::GzEncoder;

use crate::build::{Freshness, WORKSPACE, unless_made};
use crate::fingerprint::Fingerprint;
use crate::paths::Paths;
use crate::process::run;
use crate::{report, setup, wasm};

const TARGET: &str = "wasm32-unknown-unknown";

/// The file that the page hands to the audio thread.
const AUDIO_THREAD: &str = "audio-thread.wasm";

/// The script that a business puts into its page.
const ELEMENT: &str = "voxanne-call.js";

/// What rustc 1.95 takes for granted on wasm32, named because wasm-opt does not.
const FEATURES: [&str; 6] = [
    "--enable-bulk-memory",
    "--enable-multivalue",
    "--enable-mutable-globals",
    "--enable-nontrapping-float-to-int",
    "--enable-reference-types",
    "--enable-sign-ext",
];

/// Puts dist/ together.
pub(crate) fn pages(paths: &Paths, freshness: Freshness) -> Result<()> {
    let mut sources = WORKSPACE.to_vec();
    sources.extend([
        "client-wasm",
        "package-lock.json",
        "www",
        "xtask/src/client.rs",
    ]);
    let inputs = Fingerprint::of(
        &paths.root,
        &sources,
        &[],
        paths.scratch().join("pages.stamp"),
    )?;
    let last = paths.dist().join("client").join(AUDIO_THREAD);
    unless_made(
        "pages and browser client",
        &inputs,
        &[&last],
        freshness,
        || {
            let partial = paths.scratch().join("dist.partial");
            let _ = fs::remove_dir_all(&partial);
            copy_folder(&paths.root.join("www"), &partial)?;
            let client = partial.join("client");
            fs::create_dir_all(&client)?;
            page_side(paths, &client)?;
            audio_thread(paths, &client)?;
            minify(
                paths,
                &[
                    partial.join(ELEMENT),
                    client.join("client_wasm.js"),
                    client.join("voxanne-worklet.js"),
                ],
            )?;
            sizes(&partial)?;
            let _ = fs::remove_dir_all(paths.dist());
            fs::rename(&partial, paths.dist()).context("cannot make dist")
        },
    )
}

/// The page's half: socket, API, and whatever else wasm-bindgen carries.
fn page_side(paths: &Paths, client: &Path) -> Result<()> {
    run(paths.cargo().args([
        "build",
        "--package",
        "client-wasm",
        "--profile",
        "page",
        "--target",
        TARGET,
    ]))?;
    let built = built(&paths.target, "page", "client_wasm.wasm")?;
    run(paths
        .command(setup::WASM_BINDGEN.path(paths))
        .arg(&built)
        .args(["--target", "web", "--no-typescript", "--out-dir"])
        .arg(client))?;
    let module = client.join("client_wasm_bg.wasm");
    optimise(paths, &module, &module, &["-Oz"])
}

/// The audio thread's half: its scope has nothing to import from, so a module that imports would not start.
fn audio_thread(paths: &Paths, client: &Path) -> Result<()> {
    // A folder of its own: other flags in a shared one would make cargo compile everything twice.
    let target = paths.target.join("audio-thread");
    run(paths
        .cargo()
        .args([
            "build",
            "--package",
            "audio-thread",
            "--release",
            "--target",
            TARGET,
        ])
        .arg("--target-dir")
        .arg(&target)
        .env(
            "CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_RUSTFLAGS",
            "-C target-feature=+simd128",
        ))?;
    let built = built(&target, "release", "audio_thread.wasm")?;
    let module = client.join(AUDIO_THREAD);
    optimise(
        paths,
        &built,
        &module,
        &["-O3", "--enable-simd", "--strip-debug", "--strip-producers"],
    )?;
    let imports = wasm::imports(&fs::read(&module)?)?;
    if !imports.is_empty() {
        bail!(
            "audio-thread must import nothing, because its thread has nothing to give; it imports {}",
            imports.join(", ")
        );
    }
    Ok(())
}

fn built(target: &Path, profile: &str, name: &str) -> Result<PathBuf> {
    let path = target.join(TARGET).join(profile).join(name);
    if !path.exists() {
        bail!("{name} was not built: is its crate a cdylib?");
    }
    Ok(path)
}

fn optimise(paths: &Paths, from: &Path, to: &Path, flags: &[&str]) -> Result<()> {
    run(paths
        .command(setup::node(paths)?)
        .arg(paths.node_tool("wasm-opt"))
        .args(FEATURES)
        .args(flags)
        .arg(from)
        .arg("-o")
        .arg(to))
}

/// Takes comments and long names out of scripts, where they lie. They stay modules.
fn minify(paths: &Paths, scripts: &[PathBuf]) -> Result<()> {
    for script in scripts {
        run(paths
            .command(setup::node(paths)?)
            .arg(paths.node_tool("esbuild"))
            .args([
                "--minify",
                "--format=esm",
                "--log-level=warning",
                "--allow-overwrite",
            ])
            .arg(script)
            .arg(format!("--outfile={}", script.display())))?;
    }
    Ok(())
}

/// Says what a visitor downloads before talking.
fn sizes(dist: &Path) -> Result<()> {
    let mut total = 0;
    let mut entries = fs::read_dir(dist.join("client"))?
        .map(|entry| entry.map(|entry| entry.path()))
        .collect::<Result<Vec<_>, _>>()?;
    entries.push(dist.join(ELEMENT));
    entries.sort();
    for path in entries {
        let bytes = fs::read(&path)?;
        let packed = gzipped(&bytes)?;
        total += packed;
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        report::note(&format!(
            "   {name:<28} {:>8} bytes {packed:>7} gzipped",
            bytes.len()
        ));
    }
    report::note(&format!(
        "   {:<28} {:>8}       {total:>7} gzipped",
        "client, together", ""
    ));
    Ok(())
}

fn gzipped(bytes: &[u8]) -> Result<usize> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(bytes)?;
    Ok(encoder.finish()?.len())
}

fn copy_folder(from: &Path, to: &Path) -> Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from).with_context(|| format!("cannot read {}", from.display()))? {
        let path = entry?.path();
        let Some(name) = path.file_name() else {
            continue;
        };
        if path.is_dir() {
            copy_folder(&path, &to.join(name))?;
        } else {
            fs::copy(&path, to.join(name))?;
        }
    }
    Ok(())
}
