//! A short stretch of chaos; `cargo xtask bench chaos` plays the long one.

use std::time::Duration;

use anyhow::ensure;
use tests::chaos;
use tests::figures::show;

/// Three rounds, two of them at once: a machine that is busy with more measures itself.
const CALLS: usize = 3 * chaos::ROUND;

/// The first of these rounds has a worker that is killed.
const SEED: u64 = 0x51cee;

/// Twice what a caller bears: a machine that is shared stands still at times, and only somebody who is left alone is to be found here. The
/// bench holds the four seconds.
const PATIENCE: Duration = Duration::from_secs(8);

#[tokio::test(flavor = "multi_thread")]
async fn callers_get_through_whatever_goes_wrong_at_random() -> anyhow::Result<()> {
    let outcome = chaos::rounds(SEED, CALLS, 2, PATIENCE).await?;
    show(format_args!("all rounds: {}", outcome.tally));
    ensure!(outcome.findings.is_empty(), "{:#?}", outcome.findings);
    // Otherwise nothing was put to the test.
    let tally = outcome.tally;
    ensure!(
        tally.calls == CALLS && tally.kills > 0 && tally.losses > 0 && tally.faults > 10,
        "{tally}"
    );
    ensure!(
        tally.answered * 10 > tally.said * 9 && tally.bookings * 2 > tally.asked_for,
        "{tally}"
    );
    Ok(())
}
