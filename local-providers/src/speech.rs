//! Real speech without a network: Moonshine recognises, Piper speaks, Smart Turn judges whether a caller has finished,
//! and a rule-based [receptionist](receptionist) answers.
//!
//! The engines are files that are not part of this repository; `engines.toml` lists them. They run on the processor,
//! one thread each, behind locks: a call waits for its turn, and the sockets never wait for an engine.

mod espeak;
mod moonshine;
mod piper;
pub(crate) mod receptionist;
pub(crate) mod recogniser;
pub(crate) mod resample;
mod smart_turn;
pub(crate) mod voice;

use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};

use anyhow::{Context, anyhow, bail};
use ort::environment::Environment;
use ort::session::Session;
use serde::Deserialize;

use moonshine::Moonshine;
use piper::Piper;
pub use resample::resample;
use smart_turn::SmartTurn;

/// What `engines.toml` says.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    #[serde(rename = "engine")]
    pub engines: Vec<EngineFiles>,
}

/// One engine: the wheel it comes in, and the files needed of it.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EngineFiles {
    pub name: String,
    pub package: String,
    pub version: String,
    /// The wheel's platform tag, or `any`.
    pub platform: String,
    pub wheel: String,
    /// Of the wheel.
    pub sha256: String,
    pub licence: String,
    pub files: Vec<EngineFile>,
}

/// One member of a wheel.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EngineFile {
    pub member: String,
    /// Where it goes, below the engines' folder.
    pub target: PathBuf,
    pub bytes: u64,
}

/// Which files the engines are, and where they come from.
#[must_use]
pub fn engines_manifest() -> Manifest {
    toml::from_str(include_str!("../engines.toml")).expect("the crate's tests read this file")
}

/// `~/.cache/voxanne/engines`, below `XDG_CACHE_HOME` where that is set.
///
/// # Errors
/// When the environment names neither a cache nor a home.
pub fn default_engines_folder() -> anyhow::Result<PathBuf> {
    let cache = match std::env::var_os("XDG_CACHE_HOME") {
        Some(cache) => PathBuf::from(cache),
        None => Path::new(&std::env::var_os("HOME").context("HOME is not set: give --engines")?)
            .join(".cache"),
    };
    Ok(cache.join("voxanne/engines"))
}

/// The engines, loaded.
pub struct Engines {
    voice: Mutex<Piper>,
    ear: Mutex<Moonshine>,
    turns: Mutex<SmartTurn>,
}

impl Engines {
    /// Loads all engines from a folder laid out as [`engines_manifest`] says. Takes a second or two.
    ///
    /// # Errors
    /// When a file is missing or not whole (the message says which and how to get it), or an engine does not load.
    pub fn load(folder: &Path) -> anyhow::Result<Self> {
        check(folder)?;
        let environment = environment(folder)?;
        let piper =
            Piper::load(environment, &folder.join("piper")).context("cannot load the voice")?;
        let moonshine = Moonshine::load(environment, &folder.join("moonshine"))
            .context("cannot load the recogniser")?;
        let smart_turn = SmartTurn::load(environment, &folder.join("smart-turn"))
            .context("cannot load Smart Turn")?;
        Ok(Self {
            voice: Mutex::new(piper),
            ear: Mutex::new(moonshine),
            turns: Mutex::new(smart_turn),
        })
    }

    /// The sound of a text, and its rate.
    ///
    /// # Errors
    /// When an engine fails.
    pub fn say(&self, text: &str) -> anyhow::Result<(Vec<i16>, u32)> {
        Ok((self.say_at(text, piper::RATE)?, piper::RATE))
    }

    /// The sound of a text at a rate of your choice.
    ///
    /// # Errors
    /// When an engine fails.
    pub fn say_at(&self, text: &str, rate: u32) -> anyhow::Result<Vec<i16>> {
        let mut sound = Vec::new();
        for clause in piper::clauses(text) {
            sound.extend(self.say_clause(&clause, rate)?);
        }
        Ok(sound)
    }

    /// The sound of a text in one breath and the same each time, at `rate`. A `pace` of 1.1 takes a tenth longer. The voice
    /// is taken to have been recorded at `recorded_at`: below 22,050 it is a lower and slower one.
    ///
    /// # Errors
    /// When an engine fails.
    pub fn say_evenly(
        &self,
        text: &str,
        rate: u32,
        pace: f32,
        recorded_at: u32,
    ) -> anyhow::Result<Vec<i16>> {
        let sound = locked(&self.voice).say_evenly(text, pace)?;
        Ok(resample(&sound, recorded_at, rate))
    }

    /// The words of some speech at 16 kHz; empty for less than half a second, in which the engine invents words.
    ///
    /// # Errors
    /// When the engine fails.
    pub fn recognise(&self, samples: &[i16]) -> anyhow::Result<String> {
        locked(&self.ear).recognise(samples)
    }

    /// How likely the speaker has finished, from 0 to 1, judged by the last 8 s at 16 kHz.
    ///
    /// # Errors
    /// When the engine fails.
    pub fn end_of_turn(&self, samples: &[i16]) -> anyhow::Result<f32> {
        locked(&self.turns).probability(samples)
    }

    /// One clause, followed by the pause that its punctuation asks for.
    fn say_clause(&self, clause: &piper::Clause, rate: u32) -> anyhow::Result<Vec<i16>> {
        let sound = locked(&self.voice).say(clause)?;
        Ok(resample(&sound, piper::RATE, rate))
    }
}

/// An engine that panicked left no half-made state: each run starts afresh.
fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// An engine that fails in a call leaves a gap in it; the operator reads why. Nobody's words are in the message.
fn complain(engine: &str, error: &anyhow::Error) {
    use std::io::Write;
    let _ = writeln!(
        std::io::stderr(),
        "local-providers: {engine} failed: {error:#}"
    );
}

fn check(folder: &Path) -> anyhow::Result<()> {
    for engine in engines_manifest().engines {
        for file in &engine.files {
            let path = folder.join(&file.target);
            let size = path
                .metadata()
                .map(|metadata| metadata.len())
                .unwrap_or_default();
            if size != file.bytes {
                let state = if size == 0 {
                    "is missing"
                } else {
                    "is not whole"
                };
                bail!(
                    "{} {state}: it is part of {}, from the Python package {}=={}. `cargo xtask dev` fetches it; \
                     `--mode scripted` needs none.",
                    path.display(),
                    engine.name,
                    engine.package,
                    engine.version,
                );
            }
        }
    }
    Ok(())
}

/// The runtime is one for the process; the first folder provides it.
fn environment(folder: &Path) -> anyhow::Result<&'static Environment> {
    static ENVIRONMENT: OnceLock<Result<Environment, String>> = OnceLock::new();
    let library = folder.join("onnxruntime/libonnxruntime.so");
    let made = ENVIRONMENT.get_or_init(|| {
        let builder =
            ort::init_from(&library).map_err(|error| format!("{}: {error}", library.display()))?;
        builder.build().map_err(|error| error.to_string())
    });
    made.as_ref()
        .map_err(|error| anyhow!("cannot load the ONNX runtime: {error}"))
}

/// A model on one thread: two engines at work leave nothing idle on a small machine, and spinning threads would take
/// from the sockets.
fn session(environment: &Environment, model: &Path) -> anyhow::Result<Session> {
    let fail = |error: String| anyhow!("{}: {error}", model.display());
    let builder = Session::builder(environment).map_err(|error| fail(error.to_string()))?;
    let builder = builder
        .with_intra_threads(1)
        .map_err(|error| fail(error.to_string()))?;
    let mut builder = builder
        .with_inter_threads(1)
        .map_err(|error| fail(error.to_string()))?;
    builder
        .commit_from_file(model)
        .map_err(|error| fail(error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_manifest_names_every_engine_once() {
        let manifest = engines_manifest();
        let names: Vec<&str> = manifest
            .engines
            .iter()
            .map(|engine| engine.name.as_str())
            .collect();
        assert_eq!(names, ["onnxruntime", "moonshine", "piper", "smart-turn"]);
        for engine in &manifest.engines {
            assert_eq!(engine.sha256.len(), 64, "{}", engine.name);
            assert!(!engine.files.is_empty(), "{}", engine.name);
        }
    }

    #[test]
    fn a_missing_engine_is_named_with_the_way_to_get_it() {
        let error = Engines::load(Path::new("/nonexistent"))
            .err()
            .map(|error| error.to_string())
            .unwrap_or_default();
        assert!(
            error.contains("onnxruntime") && error.contains("moonshine-voice==0.1.0"),
            "{error}"
        );
        assert!(
            error.contains("cargo xtask dev") && error.contains("--mode scripted"),
            "{error}"
        );
    }
}
