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

const GREETING: &str = "Hello, this is Voxanne at Willow Lane Dental. How can I help you?";
const FIRST: &str = "We are open from nine to five every single working day.";
const SECOND: &str =
    "On Saturday and on Sunday we are closed all day long, and on holidays as well.";
const ANSWER: &str = "Yes, on Monday at ten.";

const SCRIPT: &str = r#"{
    "utterances": ["what are your opening hours", "can I come on Monday instead"],
    "replies": [
        { "when": "Monday", "say": "Yes, on Monday at ten." },
        { "when": "hours", "say": "We are open from nine to five every single working day. On Saturday and on Sunday we are closed all day long, and on holidays as well." }
    ]
}"#;

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
