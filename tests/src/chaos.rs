//! Calls while everything goes wrong at random: every provider, the callers' networks, and the worker itself, which is killed and started
//! again.
//!
//! A round is a worker and a database of its own, some callers by both doors, and a [`Plan`] that follows from the round's seed alone: what
//! each caller says and when he loses his network, which connection of which provider fails how, and when the worker is killed. What each
//! caller said can be told from the sound itself, so that a [`judge`] who knows the plan can compare what was recorded, booked and heard with
//! it. The same seed gives the same plan again; how the machine interleaves the calls is its own affair.

mod judge;
mod ledger;
mod plan;
mod visit;

use std::convert::Infallible;
use std::fmt;
use std::time::Duration;

use anyhow::Context;
use futures_util::StreamExt;
use futures_util::future::join_all;
use futures_util::stream;
use local_providers::{Direction, Providers, Service};
use tokio::time::{Instant, sleep, sleep_until};

use self::judge::{Evidence, Look, judge};
use self::ledger::Ledger;
use self::plan::Plan;
use self::visit::visit;
use crate::edge::Edge;
use crate::figures::show;
use crate::{open_streams, scripted};

/// Calls of a round.
pub const ROUND: usize = 10;

/// So long after a call has ended nothing of it is open at a provider.
const CLOSED_WITHIN: Duration = Duration::from_secs(2);

/// How often it is looked how many streams are open.
const LOOK_EVERY: Duration = Duration::from_millis(250);

/// What came of a round.
#[derive(Clone, Debug, Default)]
pub struct Outcome {
    pub tally: Tally,
    /// What must not be, each with who noticed it.
    pub findings: Vec<String>,
}

/// How much happened.
#[derive(Clone, Copy, Debug, Default)]
pub struct Tally {
    pub calls: usize,
    pub by_phone: usize,
    /// Things said, and those after which she spoke.
    pub said: usize,
    pub answered: usize,
    /// Answers that were cut, and networks that were lost.
    pub cut: usize,
    pub losses: usize,
    /// Times that the worker was killed.
    pub kills: usize,
    /// Connections that a provider was told to break.
    pub faults: usize,
    pub turns: usize,
    pub bookings: usize,
    /// Appointments asked for in calls that were not in Safe Mode and reached the desk.
    pub asked_for: usize,
    /// The longest silence that a caller with a line waited through, in milliseconds.
    pub longest_silence: f64,
    /// The longest that a stream was left open after the last call had ended, in milliseconds.
    pub longest_open: f64,
}

impl Tally {
    /// Both together.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        Self {
            calls: self.calls + other.calls,
            by_phone: self.by_phone + other.by_phone,
            said: self.said + other.said,
            answered: self.answered + other.answered,
            cut: self.cut + other.cut,
            losses: self.losses + other.losses,
            kills: self.kills + other.kills,
            faults: self.faults + other.faults,
            turns: self.turns + other.turns,
            bookings: self.bookings + other.bookings,
            asked_for: self.asked_for + other.asked_for,
            longest_silence: self.longest_silence.max(other.longest_silence),
            longest_open: self.longest_open.max(other.longest_open),
        }
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} calls ({} by phone), {} things said and {} answered, {} turns recorded, {} of {} appointments made, {} answers cut; {} broken \
             connections, {} lost networks, {} kills; longest silence {:.0} ms, streams closed {:.0} ms after the last call",
            self.calls,
            self.by_phone,
            self.said,
            self.answered,
            self.turns,
            self.bookings,
            self.asked_for,
            self.cut,
            self.faults,
            self.losses,
            self.kills,
            self.longest_silence,
            self.longest_open,
        )
    }
}

/// Plays so many calls, in rounds, some of them at once, and shows what came of each. What must not be is told with the seed of its
/// round, which plays it again; a caller with a line who hears nothing for longer than `patience` is part of that.
///
/// # Errors
/// When a round cannot be played.
pub async fn rounds(
    seed: u64,
    calls: usize,
    at_once: usize,
    patience: Duration,
) -> anyhow::Result<Outcome> {
    let seeds = (0..).map(|n| seed.wrapping_add(n));
    let sizes = (0..calls.div_ceil(ROUND)).map(|n| ROUND.min(calls - n * ROUND));
    let outcomes = stream::iter(seeds.zip(sizes))
        .map(|(seed, size)| async move {
            let outcome = round(seed, size, patience)
                .await
                .with_context(|| format!("round {seed:#x}"))?;
            show(format_args!("round {seed:#x}: {}", outcome.tally));
            for finding in &outcome.findings {
                show(format_args!("round {seed:#x}: {finding}"));
            }
            anyhow::Ok((seed, outcome))
        })
        .buffer_unordered(at_once);
    let mut sum = Outcome::default();
    for outcome in outcomes.collect::<Vec<_>>().await {
        let (seed, outcome) = outcome?;
        sum.tally = sum.tally.and(outcome.tally);
        let told = outcome.findings.into_iter();
        sum.findings.extend(told.map(|finding| {
            format!("{finding}; again by `cargo xtask bench chaos {ROUND} {seed:#x}`")
        }));
    }
    Ok(sum)
}

/// Plays a round of so many calls.
///
/// # Errors
/// When the round itself cannot be played; what the product does wrong is a finding.
pub async fn round(seed: u64, calls: usize, patience: Duration) -> anyhow::Result<Outcome> {
    let plan = Plan::of(seed, calls)?;
    let state = tempfile::tempdir()?;
    let providers = scripted("{}").await?;
    let edge = Edge::start_keeping(&providers, state.path()).await?;
    providers.set_script(plan.script.clone());
    let began = Instant::now();
    let callers = plan.callers.iter();
    let visits = join_all(callers.map(|planned| visit(planned, &providers, &edge, began)));
    let mut looks = Vec::new();
    let (visits, killed) = tokio::select! {
        played = async { tokio::join!(visits, kill(&plan.kills, &edge, began)) } => played,
        never = watch(&providers, began, &mut looks) => match never {},
    };
    let killed = killed?;
    let last = visits.iter().map(|visit| visit.to).max();
    let last = began + last.unwrap_or_default();
    let longest_open = all_closed(&providers, last).await;

    let calls = visits.iter().filter(|visit| visit.id.is_some()).count();
    let ledger = Ledger::read(state.path(), calls).await?;
    let connections = |service| {
        let log = providers.log().into_iter();
        log.filter(|entry| entry.service == service && entry.dir == Direction::Open)
            .count()
    };
    let mut tally = Tally {
        calls,
        by_phone: visits.iter().filter(|visit| visit.is_by_phone()).count(),
        said: visits.iter().map(|visit| visit.asked.len()).sum(),
        answered: visits
            .iter()
            .flat_map(|visit| &visit.asked)
            .filter(|asked| asked.answered.is_some())
            .count(),
        cut: ledger.cut(),
        losses: plan.callers.iter().map(|caller| caller.losses.len()).sum(),
        kills: killed.len(),
        faults: plan::BROKEN
            .iter()
            .map(|(service, _)| plan.broken(*service, connections(*service)))
            .sum(),
        turns: ledger.turns.values().map(Vec::len).sum(),
        longest_open: longest_open.as_secs_f64() * 1e3,
        ..Tally::default()
    };
    let evidence = Evidence {
        visits: &visits,
        killed: &killed,
        ledger: &ledger,
        log: &edge.log(),
        looks: &looks,
        patience,
    };
    let mut findings = judge(&evidence, &mut tally);
    if longest_open > CLOSED_WITHIN {
        let open = open_streams(&providers);
        findings.push(format!(
            "streams are open {longest_open:?} after the last call: {open:?}"
        ));
    }
    Ok(Outcome { tally, findings })
}

/// Kills the worker at these moments and starts it again at once; gives when it was.
async fn kill(moments: &[Duration], edge: &Edge, began: Instant) -> anyhow::Result<Vec<Duration>> {
    let mut killed = Vec::new();
    for moment in moments {
        sleep_until(began + *moment).await;
        killed.push(began.elapsed());
        edge.kill_runtime()?;
        edge.restart()
            .await
            .context("the worker does not come back")?;
    }
    Ok(killed)
}

/// Looks now and then how many streams to the recogniser are open; it is given up with the round.
async fn watch(providers: &Providers, began: Instant, looks: &mut Vec<Look>) -> Infallible {
    loop {
        let open = open_streams(providers);
        let open = open.iter().filter(|service| **service == Service::Listen);
        looks.push(Look {
            at: began.elapsed(),
            open: open.count(),
        });
        sleep(LOOK_EVERY).await;
    }
}

/// How long after this moment the last stream was closed.
async fn all_closed(providers: &Providers, moment: Instant) -> Duration {
    sleep_until(moment).await;
    while !open_streams(providers).is_empty() && moment.elapsed() < 5 * CLOSED_WITHIN {
        sleep(Duration::from_millis(20)).await;
    }
    moment.elapsed()
}
