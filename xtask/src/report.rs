//! What the person at the terminal reads. Progress goes to stderr; stdout carries only what a program may wait for.

use std::time::{Duration, Instant};

use anyhow::Result;

/// Says one thing.
pub(crate) fn note(text: &str) {
    eprintln!("{text}");
}

/// Writes one line of result.
#[expect(
    clippy::print_stdout,
    reason = "a command-line tool answers on stdout, and does so here only"
)]
pub(crate) fn answer(line: &str) {
    println!("{line}");
}

/// Runs one step, shown by name before and with its time after.
pub(crate) fn step<T>(name: &str, work: impl FnOnce() -> Result<T>) -> Result<T> {
    note(&format!("── {name}"));
    let start = now();
    let result = work();
    let outcome = if result.is_ok() { "done" } else { "failed" };
    note(&format!(
        "── {name}: {outcome}, {}",
        seconds(start.elapsed())
    ));
    result
}

#[expect(
    clippy::disallowed_methods,
    reason = "the times of steps are for people, nothing depends on them"
)]
fn now() -> Instant {
    Instant::now()
}

fn seconds(span: Duration) -> String {
    format!("{:.1} s", span.as_secs_f64())
}
