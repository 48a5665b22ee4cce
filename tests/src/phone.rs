//! A caller by telephone: the local telephone company between them and the worker, their voice made to measure, and their call read
//! off its recording.

use std::time::Duration;

use anyhow::{Context, ensure};
use local_providers::Providers;
use local_providers::phone::{Dial, Event, EventKind, PhoneCall, Played, SpanOnTimeline, voice};

use crate::caller::PATIENCE;
use crate::edge::{Edge, LoggedState, TWILIO_ACCOUNT, TWILIO_TOKEN};
use crate::track::{PER_MS, Track};

/// Samples of a tone that are surely one: a tenth of the scripted voice's amplitude. Where another tone begins, less leaks in.
const AUDIBLE: f32 = 0.03;

/// A caller whose call has begun.
pub struct Phone<'a> {
    pub line: PhoneCall,
    edge: &'a Edge,
}

/// How a worker of these tests is called.
#[must_use]
pub fn dial(edge: &Edge) -> Dial {
    Dial {
        account_sid: TWILIO_ACCOUNT.to_owned(),
        auth_token: TWILIO_TOKEN.to_owned(),
        ..Dial::new(&edge.origin)
    }
}

impl<'a> Phone<'a> {
    /// Calls.
    pub async fn call(providers: &Providers, edge: &'a Edge) -> anyhow::Result<Self> {
        Self::call_as(providers, edge, dial(edge)).await
    }

    /// Calls in this way.
    pub async fn call_as(
        providers: &Providers,
        edge: &'a Edge,
        dial: Dial,
    ) -> anyhow::Result<Self> {
        let line = providers.dial(dial).await?;
        Ok(Self { line, edge })
    }

    /// Calls and hears the greeting out.
    pub async fn greeted(providers: &Providers, edge: &'a Edge) -> anyhow::Result<Self> {
        let phone = Self::call(providers, edge).await?;
        phone.listened_to(2).await?;
        Ok(phone)
    }

    /// Speaks for so long, at once.
    pub fn say(&self, millis: u64) -> SpanOnTimeline {
        self.line.say(voice::speech(millis))
    }

    /// The states of this call so far.
    #[must_use]
    pub fn states(&self) -> Vec<LoggedState> {
        self.edge.states(self.line.call_sid())
    }

    /// Waits until the call is or has been in this state in this turn or a later one.
    pub async fn state(&self, state: &str, turn: u32) -> anyhow::Result<LoggedState> {
        self.edge
            .until_state(self.line.call_sid(), state, turn)
            .await
    }

    /// Waits until the caller has the floor in this turn or a later one.
    pub async fn listened_to(&self, turn: u32) -> anyhow::Result<LoggedState> {
        self.state("Listening", turn).await
    }

    /// Waits until she has answered what was said after the first `known` states of the call, and the answer is over.
    pub async fn heard_out(&self, known: usize) -> anyhow::Result<()> {
        self.edge.until_answered(self.line.call_sid(), known).await
    }

    /// Waits for her first sound from this moment on, and gives the moment at which it is played.
    pub async fn answered(&self, from_ms: f64) -> anyhow::Result<f64> {
        self.line.sound_after(from_ms).await
    }

    /// Waits for a `clear` from this moment on: when it came, and how many samples it threw away.
    pub async fn cleared(&self, from_ms: f64) -> anyhow::Result<(f64, u64)> {
        let pick = |event: &Event| match event.kind {
            EventKind::ClearReceived { discarded } if event.at_ms >= from_ms => {
                Some((event.at_ms, discarded))
            }
            _ => None,
        };
        self.line.until("a clear", pick).await
    }

    /// Waits until the call is over and everybody has been told.
    pub async fn over(&self) -> anyhow::Result<()> {
        let pick = |event: &Event| matches!(event.kind, EventKind::Ended { .. }).then_some(());
        self.line.until("the end of the call", pick).await
    }

    /// Hangs up and waits for the end.
    pub async fn hang_up(&self) -> anyhow::Result<()> {
        self.line.hang_up();
        self.over().await
    }

    /// When she sounded first and last after this moment, to the message.
    #[must_use]
    pub fn sounded_since(&self, ms: f64) -> Option<(f64, f64)> {
        let played = self.line.played();
        let end = |stretch: &Played| stretch.from_ms + stretch.samples as f64 / PER_MS;
        let mut since = played.iter().filter(|stretch| end(stretch) > ms);
        let first = since.next()?;
        let last = since.next_back().unwrap_or(first);
        Some((first.from_ms.max(ms), end(last)))
    }

    /// Her side of the recording.
    #[must_use]
    pub fn her(&self) -> Track {
        Track::new(&self.line.recording().right)
    }

    /// The events of one kind.
    pub fn all<T>(&self, pick: impl FnMut(&Event) -> Option<T>) -> Vec<T> {
        self.line.events().iter().filter_map(pick).collect()
    }

    /// Waits for so long, on the call's own timeline.
    pub async fn wait(&self, millis: u64) {
        tokio::time::sleep(Duration::from_millis(millis)).await;
    }
}

/// Samples of these texts that sound in a stretch of a track.
#[must_use]
pub fn samples_of(her: &Track, texts: &[&str], from_ms: f64, to_ms: f64) -> u64 {
    texts
        .iter()
        .map(|text| her.samples_louder(text, AUDIBLE, from_ms, to_ms))
        .sum()
}

/// Where the far buffer ran dry in the middle of an answer, however briefly: she fell silent and went on although the caller
/// had done nothing. Each with the moment of going on and the length, in milliseconds.
#[must_use]
pub fn gaps(events: &[Event], played: &[Played]) -> Vec<(f64, f64)> {
    let moments: Vec<f64> = events
        .iter()
        .filter_map(|event| match event.kind {
            EventKind::ClearReceived { .. } | EventKind::Pressed { .. } => Some(event.at_ms),
            EventKind::Said { to_ms, .. } => Some(to_ms),
            _ => None,
        })
        .collect();
    played
        .iter()
        .skip(1)
        .filter(|stretch| stretch.dry_ms > 0.0)
        .filter(|stretch| {
            let silence = stretch.from_ms - stretch.dry_ms..=stretch.from_ms;
            !moments.iter().any(|moment| silence.contains(moment))
        })
        .map(|stretch| (stretch.from_ms, stretch.dry_ms))
        .collect()
}

/// Waits until no vendor's stream is open, and gives how long that took.
pub async fn all_streams_closed(providers: &Providers) -> anyhow::Result<f64> {
    let began = providers.elapsed_ms();
    let closed = async {
        while !crate::open_streams(providers).is_empty() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(PATIENCE, closed)
        .await
        .with_context(|| format!("still open: {:?}", crate::open_streams(providers)))?;
    Ok(providers.elapsed_ms() - began)
}

/// Calls, hears the greeting begin, and hangs up: what every test of a broken call ends with.
pub async fn a_normal_call_works(
    providers: &Providers,
    edge: &Edge,
    greeting: &str,
) -> anyhow::Result<()> {
    let phone = Phone::call(providers, edge).await?;
    let first = phone.answered(0.0).await?;
    phone.wait(600).await;
    let heard = phone.her().tone_ms(greeting, first, first + 500.0);
    phone.hang_up().await?;
    ensure!(heard > 300.0, "only {heard:.0} ms of the greeting");
    Ok(())
}
