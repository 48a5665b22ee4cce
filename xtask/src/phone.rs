//! `cargo xtask phone`: one telephone call to the receptionist that `cargo xtask dev` runs, and a recording of it.
//!
//! The telephone company is the local providers' emulator; this finds it, says what the caller does, and lets it call.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, bail};

use crate::paths::Paths;
use crate::process::run;
use crate::run::{Providers, local_providers};
use crate::running::Running;
use crate::{report, setup};

/// Where the recording goes when nobody says.
const RECORDING: &str = "call.wav";

/// What a caller asks who was given no words.
const QUESTION: &str = "Hello. What are your opening hours, please?";

/// The telephone's rate, so that nothing has to be converted on the way.
const RATE: &str = "8000";

/// What the caller does.
#[derive(Debug)]
pub(crate) enum Caller {
    /// Asks the usual question.
    Asks,
    /// Says what is recorded in this file.
    Says(PathBuf),
    /// Plays a scenario of `tests/scenarios`.
    Plays(String),
}

/// Places the call and says where its recording is.
pub(crate) fn phone(paths: &Paths, caller: &Caller, out: Option<PathBuf>) -> Result<()> {
    let Some(dev) = Running::find(paths)? else {
        bail!("nothing runs here that could be called: start `cargo xtask dev` first");
    };
    let Some(line) = &dev.telephone else {
        bail!(
            "`cargo xtask dev` runs with a Twilio account of its own: call its number from a telephone"
        );
    };
    let out = out.unwrap_or_else(|| RECORDING.into());
    // A relative path means the folder of whoever asks, wherever the program runs.
    let out = std::path::absolute(&out)
        .with_context(|| format!("{} is no place for a recording", out.display()))?;
    let program = local_providers(paths)?;
    let (option, file) = match caller {
        Caller::Asks => ("--say", question(paths, &program, dev.providers_mode)?),
        Caller::Says(file) => ("--say", heard(file)?),
        Caller::Plays(name) => ("--script", scenario(paths, name)?),
    };
    let status = Command::new(&program)
        .arg("phone")
        .args(["--providers", &line.providers, "--worker", &dev.worker])
        .args(["--account", &line.account_sid, "--token", &line.auth_token])
        .arg(option)
        .arg(&file)
        .arg("--out")
        .arg(&out)
        .status()
        .context("cannot start the telephone")?;
    if !status.success() {
        bail!("the call ended with {status}");
    }
    report::answer(&format!(
        "the call, the caller on the left and she on the right: {}",
        out.display()
    ));
    Ok(())
}

/// Has the usual question spoken.
fn question(paths: &Paths, program: &Path, mode: Providers) -> Result<PathBuf> {
    if mode == Providers::Scripted {
        bail!(
            "these providers have no voice for the caller: give --say FILE.wav, or --script with one of {}",
            scenarios(paths)?.join(", ")
        );
    }
    {
        let _lock = paths.lock_tools()?;
        setup::speech(paths)?;
    }
    let file = paths.scratch().join("question.wav");
    run(Command::new(program)
        .args(["say", "--rate", RATE, "--engines"])
        .arg(paths.engines())
        .arg(QUESTION)
        .arg(&file))?;
    Ok(file)
}

fn heard(file: &Path) -> Result<PathBuf> {
    if !file.is_file() {
        bail!("there is no file {}", file.display());
    }
    Ok(file.to_path_buf())
}

fn scenario(paths: &Paths, name: &str) -> Result<PathBuf> {
    let known = scenarios(paths)?;
    if !known.iter().any(|known| known == name) {
        bail!(
            "there is no scenario {name:?}; there are {}",
            known.join(", ")
        );
    }
    Ok(scenarios_folder(paths).join(format!("{name}.txt")))
}

fn scenarios(paths: &Paths) -> Result<Vec<String>> {
    let folder = scenarios_folder(paths);
    let entries =
        fs::read_dir(&folder).with_context(|| format!("cannot read {}", folder.display()))?;
    let mut names: Vec<String> = entries
        .flatten()
        .filter_map(|entry| Some(entry.file_name().to_str()?.strip_suffix(".txt")?.to_owned()))
        .collect();
    names.sort();
    Ok(names)
}

fn scenarios_folder(paths: &Paths) -> PathBuf {
    paths.root.join("tests").join("scenarios")
}
