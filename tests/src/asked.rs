//! What the providers were asked, read off their log.

use local_providers::{Direction, LogEntry, Providers, Service};

use crate::words::FOR_TROUBLE;

/// A text that the voice was given.
#[derive(Clone, Debug)]
pub struct Given {
    pub at_ms: f64,
    pub text: String,
    pub by_rest: bool,
}

/// A request to the model.
#[derive(Clone, Debug)]
pub struct Request {
    pub at_ms: f64,
    /// The connection was closed by the worker before the answer was complete.
    pub withdrawn: bool,
    /// The tools that the answer called, as far as it was sent.
    pub tool_calls: usize,
}

/// The texts that the voice was given, in order, without the lines that are made beside a call.
#[must_use]
pub fn given(providers: &Providers) -> Vec<Given> {
    let log = providers.log();
    let given = log.iter().filter_map(|entry| {
        let by_rest = match (entry.service, entry.dir) {
            (Service::Speak, Direction::In) if entry.kind == "Speak" => false,
            (Service::SpeakRest, Direction::Open) => true,
            _ => return None,
        };
        let text = entry.field("text").as_str()?;
        let is_beside = by_rest && FOR_TROUBLE.contains(&text);
        (!is_beside).then(|| Given {
            at_ms: entry.at_ms,
            text: text.to_owned(),
            by_rest,
        })
    });
    given.collect()
}

/// The flushes that the voice's sockets were sent, and how many of them were refused.
#[must_use]
pub fn flushes(providers: &Providers) -> (usize, usize) {
    let log = providers.log();
    let count = |fits: &dyn Fn(&&LogEntry) -> bool| log.iter().filter(fits).count();
    let of_voice = |entry: &LogEntry| entry.service == Service::Speak;
    (
        count(&|entry| of_voice(entry) && entry.kind == "Flush"),
        count(&|entry| of_voice(entry) && entry.field("warn_code") == "EXCESSIVE_FLUSH"),
    )
}

/// The requests to the model, in order.
#[must_use]
pub fn requests(providers: &Providers) -> Vec<Request> {
    let log = providers.log();
    let asked = log
        .iter()
        .filter(|entry| entry.service == Service::Chat && entry.kind == "request");
    asked
        .map(|asked| {
            let mut rest = log.iter().filter(|entry| entry.conn == asked.conn);
            let calls = rest.clone().filter(|entry| entry.kind == "tool_call");
            Request {
                at_ms: asked.at_ms,
                tool_calls: calls.count(),
                withdrawn: rest
                    .any(|entry| entry.dir == Direction::Close && entry.field("by") == "client"),
            }
        })
        .collect()
}
