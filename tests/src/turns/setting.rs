//! What is compared: a policy, and the recogniser it goes with.

use std::time::Duration;

use anyhow::{Result, bail};
use voice_core::conversation::Config;
use voice_core::endpointing::Policy;
use voice_core::simulation::door::Door;

use super::flux::Flux;
use super::nova::{Nova, Reports};
use super::reader::Reader;

/// One way to take turns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Setting {
    /// The product's own.
    Default,
    /// The product's own with a recogniser that judges the end of a turn.
    Flux,
    /// The product's own, without asking the model before it is certain that the caller has finished.
    Late,
    /// The same silence for everything, and nothing eager.
    Plain,
}

impl Setting {
    pub const ALL: [Self; 4] = [Self::Default, Self::Flux, Self::Late, Self::Plain];

    /// The name by which it is asked for.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Default => "default",
            Self::Flux => "flux",
            Self::Late => "late",
            Self::Plain => "plain",
        }
    }

    /// Settings by their names, with commas between.
    ///
    /// # Errors
    /// When there is none of a name.
    pub fn list(names: &str) -> Result<Vec<Self>> {
        let one = |name: &str| match Self::ALL.into_iter().find(|one| one.name() == name) {
            Some(setting) => Ok(setting),
            None => bail!(
                "no setting {name:?}; there are {}",
                Self::ALL.map(Self::name).join(", ")
            ),
        };
        names.split(',').map(one).collect()
    }

    pub(super) fn config(self, hers: &str, door: Door) -> Config {
        let config = Config {
            echo: door == Door::Browser,
            ..Config::new(hers, "You are a receptionist.", door.rate())
        };
        match self {
            Self::Default => config,
            Self::Flux => Config {
                endpointing: Policy::by_recogniser(),
                ..config
            },
            Self::Late => Config {
                eager: false,
                ..config
            },
            Self::Plain => Config {
                endpointing: Policy::plain(PLAIN),
                eager: false,
                ..config
            },
        }
    }

    pub(super) fn recogniser(self) -> Recogniser {
        match self {
            Self::Flux => Recogniser::Flux(Flux::default()),
            Self::Default | Self::Late | Self::Plain => Recogniser::Nova(Nova::default()),
        }
    }
}

/// A usual silence of voice agents that go by silence alone.
const PLAIN: Duration = Duration::from_millis(700);

#[derive(Debug)]
pub(super) enum Recogniser {
    Flux(Flux),
    Nova(Nova),
}

impl Recogniser {
    /// Hears one frame, of which the detector thinks `score`.
    pub(super) fn frame(&mut self, score: f32, reader: &Reader<'_>) -> Result<Reports> {
        match self {
            Self::Flux(flux) => flux.frame(score, reader),
            Self::Nova(nova) => nova.frame(score, reader),
        }
    }

    /// How long it has heard nothing, in milliseconds.
    pub(super) const fn quiet_ms(&self) -> u64 {
        match self {
            Self::Flux(_) => 0,
            Self::Nova(nova) => nova.quiet_ms(),
        }
    }

    /// Is asked to decide; the one that judges by itself has no such request.
    pub(super) fn finalize(&mut self, reader: &Reader<'_>) -> Result<Reports> {
        match self {
            Self::Flux(_) => Ok(Vec::new()),
            Self::Nova(nova) => nova.finalize(reader),
        }
    }
}
