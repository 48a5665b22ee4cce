//! A caller by the browser's wire who listens by himself while a test goes on, as a caller by telephone does.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use anyhow::Context;
use local_providers::phone::SpanOnTimeline;
use tokio::sync::{mpsc, oneshot};
use tokio::time::Instant;
use voice_core::latency::TurnReport;
use voice_core::wire::ServerMessage;

use crate::edge::Edge;
use crate::headset::{Headset, Loss, Told};
use crate::track::{PER_MS, Track};

/// A caller whose call has begun. Dropping him loses his connection.
pub struct Visitor {
    orders: mpsc::UnboundedSender<Order>,
    shared: Arc<Mutex<Shared>>,
    began: Instant,
}

enum Order {
    HangUp,
    Lose(Loss, Duration),
    Say {
        samples: Vec<i16>,
        said: oneshot::Sender<SpanOnTimeline>,
    },
}

#[derive(Default)]
struct Shared {
    played: Vec<i16>,
    /// When anything sounded, frame by frame, in milliseconds of the call.
    sounded: Vec<f64>,
    told: Vec<(f64, Told)>,
    call: Option<String>,
    /// When there was no line, and how many samples of a cut turn were played.
    down: Vec<(f64, f64)>,
    stale: u64,
    is_over: bool,
    complaint: Option<String>,
}

impl Visitor {
    /// Calls over a network that takes so long, one way.
    pub async fn call(edge: &Edge, network: Duration) -> anyhow::Result<Self> {
        let headset = Headset::connect_over(edge, network).await?;
        let began = headset.began();
        let (orders, to_do) = mpsc::unbounded_channel();
        let shared = Arc::new(Mutex::new(Shared::default()));
        tokio::spawn(live(headset, to_do, Arc::clone(&shared)));
        Ok(Self {
            orders,
            shared,
            began,
        })
    }

    /// Says this, at 16 kHz, from the next frame on.
    pub async fn say(&self, samples: &[i16]) -> anyhow::Result<SpanOnTimeline> {
        let (said, span) = oneshot::channel();
        let samples = samples.to_vec();
        // If the call is over, so is the way back.
        let _ = self.orders.send(Order::Say { samples, said });
        span.await.with_context(|| self.complaint())
    }

    /// Loses the network for so long.
    pub fn lose_network(&self, loss: Loss, span: Duration) {
        let _ = self.orders.send(Order::Lose(loss, span));
    }

    /// When the call had no line so far, in milliseconds of the call.
    #[must_use]
    pub fn down(&self) -> Vec<(f64, f64)> {
        self.shared().down.clone()
    }

    /// Samples that were played of a turn after the edge had thrown it away.
    #[must_use]
    pub fn stale(&self) -> u64 {
        self.shared().stale
    }

    /// Ends the call as the caller who presses the button does.
    pub fn hang_up(&self) {
        let _ = self.orders.send(Order::HangUp);
    }

    /// The call's id, once the edge has told it.
    #[must_use]
    pub fn call_id(&self) -> Option<String> {
        self.shared().call.clone()
    }

    #[must_use]
    pub fn is_over(&self) -> bool {
        self.shared().is_over
    }

    /// Why the call is over, if that was a fault.
    #[must_use]
    pub fn complaint(&self) -> String {
        let complaint = self.shared().complaint.clone();
        complaint.unwrap_or_else(|| "the call is over".to_owned())
    }

    /// What he has heard of her so far.
    #[must_use]
    pub fn her(&self) -> Track {
        Track::new(&self.shared().played)
    }

    /// When she sounded first and last after this moment, to the frame.
    #[must_use]
    pub fn sounded_since(&self, ms: f64) -> Option<(f64, f64)> {
        let shared = self.shared();
        let from = shared.sounded.partition_point(|at| *at < ms);
        let since = shared.sounded.get(from..)?;
        Some((*since.first()?, *since.last()?))
    }

    /// What the edge has said so far, each with its moment in milliseconds of the call.
    #[must_use]
    pub fn told(&self) -> Vec<(f64, Told)> {
        self.shared().told.clone()
    }

    /// The reports of finished turns so far.
    #[must_use]
    pub fn reports(&self) -> Vec<TurnReport> {
        let told = self.told().into_iter();
        told.filter_map(|(_, told)| match told {
            Told::Message(ServerMessage::Report(report)) => Some(report),
            _ => None,
        })
        .collect()
    }

    /// When the first voice of a turn that begins after this moment arrived.
    #[must_use]
    pub fn voice_after(&self, ms: f64) -> Option<f64> {
        let told = self.told().into_iter();
        told.filter(|(at, told)| *at > ms && matches!(told, Told::FirstVoice(_)))
            .map(|(at, _)| at)
            .next()
    }

    /// Now, in milliseconds of the call.
    #[must_use]
    pub fn elapsed_ms(&self) -> f64 {
        self.began.elapsed().as_secs_f64() * 1e3
    }

    fn shared(&self) -> MutexGuard<'_, Shared> {
        locked(&self.shared)
    }
}

/// A holder that panicked left whole entries behind, so the lock's poison says nothing.
fn locked(shared: &Mutex<Shared>) -> MutexGuard<'_, Shared> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

async fn live(
    mut headset: Headset,
    mut orders: mpsc::UnboundedReceiver<Order>,
    shared: Arc<Mutex<Shared>>,
) {
    let mut outcome = Ok(());
    while headset.outcome.is_none() && outcome.is_ok() && !orders.is_closed() {
        outcome = match orders.try_recv() {
            Ok(Order::HangUp) => headset.hang_up().await,
            Ok(Order::Lose(loss, span)) => {
                headset.lose_network(loss, span);
                Ok(())
            }
            Ok(Order::Say { samples, said }) => {
                // Who asked may have gone away meanwhile.
                let _ = said.send(headset.say(&samples));
                Ok(())
            }
            Err(_) => headset.step().await,
        };
        let mut shared = locked(&shared);
        let played = headset.take_played();
        if played.iter().any(|sample| *sample != 0) {
            let at = shared.played.len() as f64 / PER_MS;
            shared.sounded.push(at);
        }
        shared.played.extend(played);
        shared.told.extend(headset.take_told());
        shared.call.clone_from(&headset.call);
        shared.down = headset.down();
        shared.stale = headset.stale();
    }
    let mut shared = locked(&shared);
    shared.is_over = true;
    shared.complaint = outcome.err().map(|error| format!("{error:#}"));
}
