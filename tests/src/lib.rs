//! The assembled product: providers, the worker on workerd, a caller without a browser, and Chromium.
//!
//! Everything is started on a port of its own and ends with the test that started it.

pub mod caller;
pub mod edge;
pub mod figures;
pub mod page;
pub mod sound;
pub mod speech;

use local_providers::{Config, Providers, Script};

/// Starts the scripted providers.
pub async fn scripted(script: &str) -> anyhow::Result<Providers> {
    let script = Script::from_json(script)?;
    local_providers::start(Config {
        script,
        log_audio: false,
        ..Config::default()
    })
    .await
}
