//! Twenty calls at a time for a long time, each followed by another: whether anything grows.

use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use anyhow::{Context, ensure};
use futures_util::future::join_all;
use futures_util::{StreamExt, stream};
use local_providers::{Config, Providers, Script};
use tokio::time::{Instant, sleep};

use crate::door::{Door, Guest};
use crate::edge::Edge;
use crate::figures::show;
use crate::open_streams;
use crate::usage::Usage;

/// How many are in a call at once, by each door.
const BROWSERS: usize = 12;
const PHONES: usize = 8;

/// What each caller asks before he hangs up.
const QUESTIONS: usize = 4;

/// Requests by which the runtime has grown to its own size: that of a runtime that has been up for a while. They are answered without a call.
const WARMING: usize = 12_000;
const WARMING_AT_ONCE: usize = 16;

/// The first part of the time is not judged: every caller has called, and every line is in memory.
const SETTLING: f64 = 0.2;

/// Callers call one after the other, and the same again.
const APART: Duration = Duration::from_millis(700);

/// How much more memory the last third of the time may take than the first. The garbage of an isolate alone makes it go up and down by more
/// than a tenth between two looks.
const FLAT: f64 = 1.05;

const SCRIPT: &str = r#"{
    "utterances": ["what are your opening hours"],
    "replies": [{ "say": "We are open from nine to five. On Saturday and on Sunday we are closed." }]
}"#;

/// How it stood at a moment.
#[derive(Clone, Copy, Debug)]
struct Look {
    after: Duration,
    usage: Usage,
    calls: usize,
    failed: usize,
}

#[derive(Default)]
struct Count {
    calls: AtomicUsize,
    failed: AtomicUsize,
}

/// Plays calls for so long, shows a line a minute, and says what has grown.
///
/// # Errors
/// When anything has.
pub async fn soak(span: Duration) -> anyhow::Result<()> {
    let providers = local_providers::start(Config {
        script: Script::from_json(SCRIPT)?,
        keep_log: false,
        log_audio: false,
        ..Config::default()
    })
    .await?;
    let edge = Edge::start(&providers).await?;
    warm(&edge).await?;
    let before = edge.usage()?;
    let count = Count::default();
    let end = Instant::now() + span;
    let callers = (0..BROWSERS + PHONES).map(|n| {
        let door = if n < BROWSERS {
            Door::Browser
        } else {
            Door::Phone
        };
        let (providers, edge, count) = (&providers, &edge, &count);
        async move {
            sleep(APART * u32::try_from(n).unwrap_or(u32::MAX)).await;
            while Instant::now() < end {
                count.calls.fetch_add(1, Relaxed);
                if let Err(error) = call(door, providers, edge).await {
                    count.failed.fetch_add(1, Relaxed);
                    show(format_args!("a call by {door:?}: {error:#}"));
                }
            }
        }
    });
    let (_, looks) = tokio::join!(join_all(callers), watch(&edge, &count, end));
    let looks = looks?;
    sleep(Duration::from_secs(5)).await;
    let after = edge.usage()?;
    ensure!(open_streams(&providers).is_empty(), "streams are left open");
    judge(&looks, before, after)
}

async fn warm(edge: &Edge) -> anyhow::Result<()> {
    let client = reqwest::Client::new();
    let asked = stream::iter(0..WARMING)
        .map(|_| client.get(edge.url("/healthz")).send())
        .buffer_unordered(WARMING_AT_ONCE);
    let failed = asked.filter(|answer| std::future::ready(answer.is_err()));
    ensure!(failed.count().await == 0, "the worker did not answer");
    Ok(())
}

async fn call(door: Door, providers: &Providers, edge: &Edge) -> anyhow::Result<()> {
    let guest = Guest::greeted(door, providers, edge, Duration::ZERO).await?;
    for _ in 0..QUESTIONS {
        guest.ask(800).await?;
    }
    guest.hang_up().await
}

async fn watch(edge: &Edge, count: &Count, end: Instant) -> anyhow::Result<Vec<Look>> {
    let began = Instant::now();
    let mut looks: Vec<Look> = Vec::new();
    while Instant::now() < end {
        sleep(Duration::from_secs(10)).await;
        let look = Look {
            after: began.elapsed(),
            usage: edge.usage()?,
            calls: count.calls.load(Relaxed),
            failed: count.failed.load(Relaxed),
        };
        if looks.len().is_multiple_of(6) {
            show(format_args!(
                "{:>5.0} s: {:>6.1} MB, {} sockets, {} threads, {} calls begun, {} failed",
                look.after.as_secs_f64(),
                megabytes(look.usage),
                look.usage.sockets,
                look.usage.threads,
                look.calls,
                look.failed
            ));
        }
        looks.push(look);
    }
    Ok(looks)
}

fn judge(looks: &[Look], before: Usage, after: Usage) -> anyhow::Result<()> {
    let settled = looks.len() as f64 * SETTLING;
    let looks = looks.get(settled as usize..).unwrap_or_default();
    let third = looks.len() / 3;
    ensure!(third > 0, "too short to say anything");
    let last = looks.last().context("looks")?;
    let (early, late) = (mean(&looks[..third]), mean(&looks[looks.len() - third..]));
    show(format_args!(
        "{} calls; memory {:.1} MB before them, {early:.1} MB in the first third of the settled time, {late:.1} MB in the last, {:.1} MB after \
         them; sockets {} before, {} after; threads {} before, {} after",
        last.calls,
        megabytes(before),
        megabytes(after),
        before.sockets,
        after.sockets,
        before.threads,
        after.threads
    ));
    ensure!(last.failed == 0, "{} calls failed", last.failed);
    ensure!(late < early * FLAT, "memory grows");
    // A few connections of the runtime's own are kept for the next call.
    ensure!(after.sockets <= before.sockets + 8, "sockets are left");
    ensure!(after.threads <= before.threads + 4, "threads are left");
    Ok(())
}

fn mean(looks: &[Look]) -> f64 {
    let sum: f64 = looks.iter().map(|look| megabytes(look.usage)).sum();
    sum / looks.len() as f64
}

fn megabytes(usage: Usage) -> f64 {
    usage.resident_bytes as f64 / 1e6
}

#[cfg(test)]
mod tests {
    use super::*;

    fn usage(megabytes: u64) -> Usage {
        Usage {
            cpu: Duration::ZERO,
            resident_bytes: megabytes * 1_000_000,
            threads: 10,
            sockets: 20,
        }
    }

    fn looks(megabytes: impl Fn(u64) -> u64, failed: usize) -> Vec<Look> {
        let look = |n| Look {
            after: Duration::from_secs(10 * n),
            usage: usage(megabytes(n)),
            calls: 100,
            failed,
        };
        (0..180).map(look).collect()
    }

    #[test]
    fn what_grows_is_found() {
        let fine = looks(|n| 300 + n % 7, 0);
        assert!(judge(&fine, usage(200), usage(300)).is_ok());
        assert!(judge(&looks(|n| 300 + n / 2, 0), usage(200), usage(300)).is_err());
        assert!(judge(&looks(|_| 300, 1), usage(200), usage(300)).is_err());
        assert!(judge(&[], usage(200), usage(300)).is_err());
        let left = |change: fn(&mut Usage)| {
            let mut after = usage(300);
            change(&mut after);
            judge(&fine, usage(200), after)
        };
        assert!(left(|after| after.sockets += 20).is_err());
        assert!(left(|after| after.threads += 20).is_err());
    }
}
