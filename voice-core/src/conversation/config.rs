//! What can be different from one business, or one door, to the next.

use std::time::Duration;

use crate::audio::SampleRate;
use crate::endpointing::Policy;
use crate::tools::Offer;

/// What a call is to be like.
#[derive(Clone, Debug)]
pub struct Config {
    /// Said as soon as the call is open; nothing is said if empty.
    pub greeting: String,
    /// The greeting is played to its end whatever is said over it.
    pub greeting_protected: bool,
    /// Who she is and what she knows, for the model.
    pub instructions: String,
    /// Said when the model fails.
    pub apology: String,
    /// Said when nobody has spoken for [`silence`](Self::silence).
    pub prompt: String,
    /// Said before she ends the call.
    pub goodbye: String,
    /// How long silence may last.
    pub silence: Duration,
    /// How long a call may last.
    pub call_length: Duration,
    /// How much sound may be under way to the handset. More survives a worse network; less wastes less on a cut.
    pub lead: Duration,
    /// The rate of the sound the voice gives.
    pub rate: SampleRate,
    /// What the business can do for a caller.
    pub offers: Vec<Offer>,
    /// There is a person the caller can be put through to.
    pub can_transfer: bool,
    /// Said before the caller is put through.
    pub transferring: String,
    /// Said when the model wants to do what cannot be done.
    pub unable: String,
    /// Said when the recogniser is gone for good and nobody is there to be put through to.
    pub deaf: String,
    /// What she says in Safe Mode.
    pub script: Script,
    /// Said while the model takes its time, one after the other.
    pub fillers: Vec<String>,
    /// When the caller is taken to have finished.
    pub endpointing: Policy,
    /// Her own voice can come back through the caller's microphone.
    pub echo: bool,
    /// The model is asked before it is certain that the caller has finished, and its answer held until it is.
    pub eager: bool,
    /// The caller's line may be lost and come back: sound that may not have arrived is kept.
    pub resumes: bool,
}

/// Her part in Safe Mode, in which nothing is improvised.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Script {
    /// The tool that takes a message, by the name under which the business offers it.
    pub tool: String,
    /// Asks for a message, once it is known that the caller wants something.
    pub offer: String,
    /// The message is kept.
    pub noted: String,
    /// It could not be kept.
    pub lost: String,
}

impl Default for Script {
    fn default() -> Self {
        Self {
            tool: "take_message".to_owned(),
            offer: "I'm sorry, I can't look that up just now. Please tell me your name, your number and what it is about, and \
                    somebody will call you back."
                .to_owned(),
            noted: "Thank you, I have passed that on. Is there anything else?".to_owned(),
            lost: "I'm sorry, I could not pass that on. Please call again a little later.".to_owned(),
        }
    }
}

impl Config {
    /// A call with the product's own timing: 12 s of silence before a prompt, 30 minutes at most, 2 s of lead,
    /// which outlasts the pauses of a busy page and of an ordinary network.
    #[must_use]
    pub fn new(greeting: &str, instructions: &str, rate: SampleRate) -> Self {
        Self {
            greeting: greeting.to_owned(),
            greeting_protected: false,
            instructions: instructions.to_owned(),
            apology: "I'm sorry, I'm having trouble just now. Could you say that again?".to_owned(),
            prompt: "Are you still there?".to_owned(),
            goodbye: "Thank you for calling. Goodbye.".to_owned(),
            silence: Duration::from_secs(12),
            call_length: Duration::from_secs(30 * 60),
            lead: Duration::from_secs(2),
            rate,
            offers: Vec::new(),
            can_transfer: false,
            transferring: "One moment, I'll put you through.".to_owned(),
            unable: "I'm sorry, I can't do that. Can I take a message?".to_owned(),
            deaf: "I'm sorry, I can't hear you any more. Please call again in a few minutes."
                .to_owned(),
            script: Script::default(),
            fillers: ["One moment, please.", "Let me see.", "Just a second."]
                .map(str::to_owned)
                .to_vec(),
            endpointing: Policy::by_silence(),
            echo: true,
            eager: true,
            resumes: false,
        }
    }
}
