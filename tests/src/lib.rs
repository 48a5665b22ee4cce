//! The assembled product: providers, the worker on workerd, a caller without a browser, and Chromium.
//!
//! Everything is started on a port of its own and ends with the test that started it.

pub mod asked;
pub mod calendar;
pub mod caller;
pub mod chaos;
pub mod dashboard;
pub mod database;
pub mod door;
pub mod edge;
pub mod figures;
pub mod headset;
mod network;
mod node;
pub mod page;
pub mod phone;
pub mod phone_figures;
pub mod records;
pub mod soak;
pub mod sound;
pub mod speech;
pub mod stream;
pub mod track;
pub mod turn_figures;
pub mod turns;
pub mod usage;
pub mod visitor;
pub mod words;

use local_providers::{Config, Direction, Providers, Script, Service};
use serde_json::Value;

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

/// The vendors' streams with a connection that has not been closed, in order.
#[must_use]
pub fn open_streams(providers: &Providers) -> Vec<Service> {
    let streams = [
        Service::AiListen,
        Service::AiSpeak,
        Service::Chat,
        Service::Listen,
        Service::Speak,
        Service::SpeakRest,
    ];
    let mut open: Vec<Service> = providers
        .open_connections()
        .iter()
        .map(|connection| connection.service)
        .filter(|service| streams.contains(service))
        .collect();
    open.sort_by_key(|service| format!("{service:?}"));
    open
}

/// The messages of each request to the model, without the instructions.
#[must_use]
pub fn chat_requests(providers: &Providers) -> Vec<Vec<String>> {
    let bodies = providers
        .log()
        .into_iter()
        .filter(|entry| entry.service == Service::Chat && entry.dir == Direction::In);
    bodies
        .filter_map(|entry| entry.field("request").get("messages")?.as_array().cloned())
        .map(|messages| {
            let text = |message: &Value, name: &str| {
                message
                    .get(name)
                    .and_then(Value::as_str)
                    .unwrap_or_default()
                    .to_owned()
            };
            let lines = messages
                .iter()
                .map(|message| format!("{}: {}", text(message, "role"), text(message, "content")));
            lines.filter(|line| !line.starts_with("system")).collect()
        })
        .collect()
}
