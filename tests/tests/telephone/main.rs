//! The worker on workerd with scripted providers, called by telephone through an exact emulator of the telephone company.
//!
//! Each piece of the scripted voice is a tone of its own, so the recording itself says what the caller heard.

mod barge_in;
mod endings;
mod keypad;
mod refusals;
mod talk;

use local_providers::Providers;
use tests::edge::Edge;
use tests::scripted;
use tests::words::{ANSWER, FIRST, GREETING, SCRIPT, SECOND};

/// What stands ready to be called.
struct Stage {
    providers: Providers,
    edge: Edge,
}

impl Stage {
    async fn new(script: &str) -> anyhow::Result<Self> {
        let providers = scripted(script).await?;
        let edge = Edge::start(&providers).await?;
        Ok(Self { providers, edge })
    }
}
