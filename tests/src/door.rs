//! A caller by either door, for what must be the same behind both.

use std::time::Duration;

use anyhow::{Context, ensure};
use local_providers::Providers;
use local_providers::phone::{Dial, SpanOnTimeline, voice};

use crate::caller::PATIENCE;
use crate::edge::{Edge, LoggedState};
use crate::phone::{Phone, dial};
use crate::sound::resample;
use crate::track::Track;
use crate::visitor::Visitor;

/// Which door.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Door {
    Browser,
    Phone,
}

impl Door {
    pub const BOTH: [Self; 2] = [Self::Browser, Self::Phone];
}

/// A caller whose call has begun.
pub struct Guest<'a> {
    line: Line<'a>,
    edge: &'a Edge,
}

enum Line<'a> {
    Browser(Visitor),
    Phone(Phone<'a>),
}

impl<'a> Guest<'a> {
    /// Calls over a network that takes so long, one way, and hears the greeting out.
    pub async fn greeted(
        door: Door,
        providers: &Providers,
        edge: &'a Edge,
        network: Duration,
    ) -> anyhow::Result<Self> {
        let guest = Self::call(door, providers, edge, network).await?;
        guest.listened_to(2).await?;
        Ok(guest)
    }

    /// Calls over a network that takes so long, one way.
    pub async fn call(
        door: Door,
        providers: &Providers,
        edge: &'a Edge,
        network: Duration,
    ) -> anyhow::Result<Self> {
        let line = match door {
            Door::Browser => Line::Browser(Visitor::call(edge, network).await?),
            Door::Phone => {
                let far = Dial {
                    network,
                    ..dial(edge)
                };
                Line::Phone(Phone::call_as(providers, edge, far).await?)
            }
        };
        Ok(Self { line, edge })
    }

    /// Speaks for so long, at once.
    pub async fn say(&self, millis: u64) -> anyhow::Result<SpanOnTimeline> {
        self.sound(voice::speech(millis)).await
    }

    /// Speaks, pauses and goes on speaking, each for so long.
    pub async fn say_in_two(
        &self,
        first: u64,
        pause: u64,
        second: u64,
    ) -> anyhow::Result<SpanOnTimeline> {
        let pause = vec![0; usize::try_from(pause * 8)?];
        let sound = [voice::speech(first), pause, voice::speech(second)].concat();
        self.sound(sound).await
    }

    /// Makes this sound, at 8 kHz.
    pub async fn sound(&self, samples: Vec<i16>) -> anyhow::Result<SpanOnTimeline> {
        match &self.line {
            Line::Browser(visitor) => visitor.say(&resample(&samples, 8_000, 16_000)).await,
            Line::Phone(phone) => Ok(phone.line.say(samples)),
        }
    }

    /// Waits for her first sound from this moment of the call on.
    pub async fn answered(&self, from_ms: f64) -> anyhow::Result<f64> {
        match &self.line {
            Line::Browser(_) => {
                let sound = async {
                    loop {
                        if let Some(at) = self.her().first_sound(from_ms) {
                            return at;
                        }
                        self.wait(5).await;
                    }
                };
                let sound = tokio::time::timeout(PATIENCE, sound).await;
                sound.with_context(|| format!("no sound after {from_ms} ms"))
            }
            Line::Phone(phone) => phone.answered(from_ms).await,
        }
    }

    /// What the caller has heard so far.
    #[must_use]
    pub fn her(&self) -> Track {
        match &self.line {
            Line::Browser(visitor) => visitor.her(),
            Line::Phone(phone) => phone.her(),
        }
    }

    /// When she sounded first and last after this moment of the call.
    #[must_use]
    pub fn sounded_since(&self, ms: f64) -> Option<(f64, f64)> {
        match &self.line {
            Line::Browser(visitor) => visitor.sounded_since(ms),
            Line::Phone(phone) => phone.sounded_since(ms),
        }
    }

    /// Waits for so long.
    pub async fn wait(&self, millis: u64) {
        tokio::time::sleep(Duration::from_millis(millis)).await;
    }

    /// The states of this call so far.
    #[must_use]
    pub fn states(&self) -> Vec<LoggedState> {
        let call = self.id();
        call.map_or_else(Vec::new, |call| self.edge.states(&call))
    }

    /// Waits until the call is or has been in this state in this turn or a later one.
    pub async fn state(&self, state: &str, turn: u32) -> anyhow::Result<LoggedState> {
        let call = tokio::time::timeout(PATIENCE, async {
            loop {
                if let Some(call) = self.id() {
                    return call;
                }
                self.wait(5).await;
            }
        });
        let call = call.await.context("she never welcomed")?;
        self.edge.until_state(&call, state, turn).await
    }

    /// Waits until the caller has the floor in this turn or a later one.
    pub async fn listened_to(&self, turn: u32) -> anyhow::Result<u32> {
        Ok(self.state("Listening", turn).await?.turn)
    }

    /// Waits until she has answered what was said after the first `known` states of the call, and the answer is over.
    pub async fn heard_out(&self, known: usize) -> anyhow::Result<()> {
        let call = self.id().context("she never welcomed")?;
        self.edge.until_answered(&call, known).await
    }

    /// Speaks for so long and hears her answer out; gives when that was said.
    pub async fn ask(&self, millis: u64) -> anyhow::Result<SpanOnTimeline> {
        let known = self.states().len();
        let said = self.say(millis).await?;
        self.heard_out(known).await?;
        Ok(said)
    }

    /// The caller by telephone, if it is one.
    #[must_use]
    pub const fn phone(&self) -> Option<&Phone<'a>> {
        match &self.line {
            Line::Browser(_) => None,
            Line::Phone(phone) => Some(phone),
        }
    }

    /// The caller by browser, if it is one.
    #[must_use]
    pub const fn visitor(&self) -> Option<&Visitor> {
        match &self.line {
            Line::Browser(visitor) => Some(visitor),
            Line::Phone(_) => None,
        }
    }

    /// Now, in milliseconds of the call.
    #[must_use]
    pub fn elapsed_ms(&self) -> f64 {
        match &self.line {
            Line::Browser(visitor) => visitor.elapsed_ms(),
            Line::Phone(phone) => phone.line.elapsed_ms(),
        }
    }

    /// Waits until the call is over and everybody has been told.
    pub async fn over(&self) -> anyhow::Result<()> {
        match &self.line {
            Line::Browser(visitor) => {
                let over = async {
                    while !visitor.is_over() {
                        self.wait(5).await;
                    }
                };
                let over = tokio::time::timeout(PATIENCE, over).await;
                over.context("the call goes on")
            }
            Line::Phone(phone) => phone.over().await,
        }
    }

    /// Hangs up and waits for the end. An error if the call was over before.
    pub async fn hang_up(&self) -> anyhow::Result<()> {
        let over = self.states().iter().any(|state| state.state == "Ended");
        ensure!(!over, "the call was over already");
        match &self.line {
            Line::Browser(visitor) => visitor.hang_up(),
            Line::Phone(phone) => phone.line.hang_up(),
        }
        self.over().await
    }

    /// How the call is recorded, once that is known.
    #[must_use]
    pub fn id(&self) -> Option<String> {
        match &self.line {
            Line::Browser(visitor) => visitor.call_id(),
            Line::Phone(phone) => Some(phone.line.call_sid().to_owned()),
        }
    }
}
