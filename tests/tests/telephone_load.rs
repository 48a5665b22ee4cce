//! The telephone's figures, on a quiet worker and on one with many callers. They are shown, not judged; what must never
//! happen is judged.

use std::time::Duration;

use anyhow::ensure;
use tests::edge::Edge;
use tests::figures::show;
use tests::phone_figures::{at_once, conversations, greetings, providers};
use tokio::sync::Mutex;

/// Enough for a 95th percentile that is not the maximum.
const GREETINGS: usize = 30;

/// Calls at the same time on the quiet worker, and what each of them asks: 32 answers.
const QUIET_CALLS: usize = 4;
const EXCHANGES: usize = 8;

const CALLS: usize = 20;
const SPAN: Duration = Duration::from_secs(60);

/// Figures are measured one after the other: two crowds on one machine would measure each other.
static MACHINE: Mutex<()> = Mutex::const_new(());

#[tokio::test(flavor = "multi_thread")]
async fn a_quiet_worker_answers_and_falls_silent_in_time() -> anyhow::Result<()> {
    let _alone = MACHINE.lock().await;
    let providers = providers().await?;
    let edge = Edge::start(&providers).await?;
    let mut measured = greetings(&providers, &edge, GREETINGS).await?;
    let spoken = conversations(&providers, &edge, QUIET_CALLS, EXCHANGES).await?;
    measured.voice_to_voice = spoken.voice_to_voice;
    measured.onset_to_clear = spoken.onset_to_clear;
    measured.cut_samples = spoken.cut_samples;
    measured.gaps = spoken.gaps;
    for figure in measured.figures("phone") {
        show(figure);
    }
    ensure!(measured.voice_to_voice.len() >= 30, "too few answers");
    measured.check_gaps()?;
    measured.check()
}

#[tokio::test(flavor = "multi_thread")]
async fn twenty_calls_at_once_are_as_clean_as_one() -> anyhow::Result<()> {
    let _alone = MACHINE.lock().await;
    let providers = providers().await?;
    let edge = Edge::start(&providers).await?;
    let (measured, cost) = at_once(&providers, &edge, CALLS, SPAN).await?;
    for figure in measured.figures(&format!("{CALLS} calls at once")) {
        show(figure);
    }
    show(format_args!(
        "{CALLS} calls at once: worker's CPU for each second of a call {:.2} ms, memory for each call {:.2} MB",
        cost.cpu_ms_per_call_second, cost.resident_mb_per_call
    ));
    // Twenty callers fill this machine: one that stands still for a moment breaks off all of them at once, so gaps are only shown.
    measured.check()
}
