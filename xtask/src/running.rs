//! Where `cargo xtask dev` runs, for other commands to find.
//!
//! Each `dev` leaves a note of its own, a file that it holds locked: the lock goes with the process, however that ends, so a note
//! that can be locked is one that somebody left behind.

use std::fs::{self, File, TryLockError};
use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use serde::{Deserialize, Serialize};

use crate::paths::Paths;
use crate::run::Providers;

/// What runs.
#[derive(Debug, PartialEq, Eq, Deserialize, Serialize)]
pub(crate) struct Running {
    /// The worker's address.
    pub(crate) worker: String,
    /// What answers in place of the vendors, where anything does.
    pub(crate) providers_mode: Providers,
    /// The local telephone line; none when calls come from the real company.
    pub(crate) telephone: Option<Line>,
}

/// A line of the local telephone company.
#[derive(Debug, PartialEq, Eq, Deserialize, Serialize)]
pub(crate) struct Line {
    /// The address of the providers that keep it.
    pub(crate) providers: String,
    pub(crate) account_sid: String,
    pub(crate) auth_token: String,
}

/// A note that stands until it is dropped.
#[derive(Debug)]
pub(crate) struct Note {
    path: PathBuf,
    _locked: File,
}

const PREFIX: &str = "dev-";
const SUFFIX: &str = ".json";

impl Running {
    /// Leaves a note for others.
    pub(crate) fn announce(&self, paths: &Paths) -> Result<Note> {
        let path = paths
            .scratch()
            .join(format!("{PREFIX}{}{SUFFIX}", std::process::id()));
        fs::create_dir_all(paths.scratch())?;
        // It gets its name when it is whole and locked, so that nobody reads half a note or takes it for an old one.
        let partial = path.with_extension("partial");
        let mut file = File::create(&partial)
            .with_context(|| format!("cannot write {}", partial.display()))?;
        file.lock()?;
        file.write_all(&serde_json::to_vec(self)?)?;
        fs::rename(&partial, &path)?;
        Ok(Note {
            path,
            _locked: file,
        })
    }

    /// What was started last of what runs in this workspace.
    pub(crate) fn find(paths: &Paths) -> Result<Option<Self>> {
        let Ok(entries) = fs::read_dir(paths.scratch()) else {
            return Ok(None);
        };
        let is_note = |name: &str| name.starts_with(PREFIX) && name.ends_with(SUFFIX);
        let mut standing = Vec::new();
        for entry in entries.flatten() {
            if entry.file_name().to_str().is_some_and(is_note)
                && let Some(text) = read_standing(&entry.path())?
            {
                standing.push((entry.metadata()?.modified()?, entry.path(), text));
            }
        }
        let Some((_, path, text)) = standing.into_iter().max() else {
            return Ok(None);
        };
        let running = serde_json::from_str(&text)
            .with_context(|| format!("{} is not what `dev` writes", path.display()))?;
        Ok(Some(running))
    }
}

/// Reads a note, or removes it if its writer is gone.
fn read_standing(path: &Path) -> Result<Option<String>> {
    let Ok(mut file) = File::open(path) else {
        // It has just been taken away.
        return Ok(None);
    };
    match file.try_lock_shared() {
        Ok(()) => {
            let _ = fs::remove_file(path);
            return Ok(None);
        }
        Err(TryLockError::WouldBlock) => {}
        Err(TryLockError::Error(error)) => return Err(error.into()),
    }
    let mut text = String::new();
    file.read_to_string(&mut text)?;
    Ok(Some(text))
}

impl Drop for Note {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.path);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_note_is_found_while_its_writer_lives_and_never_after() {
        let target = std::env::temp_dir().join(format!("xtask-running-{}", std::process::id()));
        let paths = Paths {
            root: target.clone(),
            target: target.clone(),
            cache: target.clone(),
        };
        let running = Running {
            worker: "http://127.0.0.1:8787".to_owned(),
            providers_mode: Providers::Scripted,
            telephone: None,
        };
        assert_eq!(Running::find(&paths).expect("no note"), None);
        let standing = running.announce(&paths).expect("a note");
        assert_eq!(
            Running::find(&paths).expect("a note"),
            Some(Running {
                worker: running.worker.clone(),
                ..running
            })
        );
        let text = fs::read(&standing.path).expect("a note");
        drop(standing);
        assert_eq!(Running::find(&paths).expect("no note"), None);
        // As a process leaves it that was killed.
        let left = paths.scratch().join("dev-1.json");
        fs::write(&left, text).expect("a file");
        assert_eq!(Running::find(&paths).expect("no note"), None);
        assert!(!left.exists());
        fs::remove_dir_all(&target).expect("a folder");
    }
}
