//! The real engines, for a caller's voice and for ears that understand words.

use std::path::PathBuf;
use std::sync::{Mutex, OnceLock, PoisonError};

use local_providers::speech::{Engines, default_engines_folder};

/// Where the engines are.
pub fn engines_folder() -> anyhow::Result<PathBuf> {
    match std::env::var_os("VOXANNE_ENGINES") {
        Some(folder) => Ok(folder.into()),
        None => default_engines_folder(),
    }
}

/// The engines, loaded once for all tests of a program.
pub fn engines() -> anyhow::Result<&'static Engines> {
    static ENGINES: OnceLock<Engines> = OnceLock::new();
    static LOADING: Mutex<()> = Mutex::new(());
    let _one_at_a_time = LOADING.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(engines) = ENGINES.get() {
        return Ok(engines);
    }
    let engines = Engines::load(&engines_folder()?)?;
    Ok(ENGINES.get_or_init(|| engines))
}
