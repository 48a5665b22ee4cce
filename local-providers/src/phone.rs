//! Twilio on this machine: its webhook, its media stream, its REST, and a caller who speaks, presses keys and hangs up.
//!
//! A call is placed with [`Providers::dial`](crate::Providers::dial). It asks the worker for TwiML as Twilio does, signed; opens
//! the stream that the TwiML names; sends the caller's sound in real time; and plays what comes back from a buffer that runs
//! by the clock. Everything that happens is an [`Event`] on the call's timeline, and both channels can be taken as a recording.
//!
//! ```no_run
//! # async fn example(providers: local_providers::Providers) -> anyhow::Result<()> {
//! use std::time::Duration;
//! use local_providers::phone::{Dial, EventKind, voice};
//!
//! let call = providers.dial(Dial::new("http://127.0.0.1:8787")).await?;
//! call.quiet_for(Duration::from_millis(500)).await; // the greeting
//! let said = call.say(voice::speech(1_200));
//! let answer = call.sound_after(said.to_ms).await?;
//! println!("she answers after {:.0} ms", answer - said.to_ms);
//! call.hang_up();
//! call.until("the end", |event| matches!(event.kind, EventKind::Ended { .. }).then_some(())).await?;
//! std::fs::write("call.wav", call.recording().to_wav())?;
//! # Ok(()) }
//! ```

mod call;
pub(crate) mod control;
mod event;
mod line;
mod media;
mod message;
mod microphone;
pub mod order;
mod playout;
mod recording;
pub(crate) mod rest;
mod signature;
mod timeline;
mod twiml;
pub mod voice;

use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use tokio::sync::oneshot;

pub use event::{Event, EventKind, How, Played, Side, SpanOnTimeline, Spoken};
pub use recording::Stereo;
pub use signature::sign;
pub use timeline::Moment;

use call::Runner;
use line::{Command, Line};

use crate::server::Shared;

/// A call to place.
#[derive(Clone, Debug)]
pub struct Dial {
    /// Where the worker is: `http://127.0.0.1:8787`.
    pub worker: String,
    /// The origin whose addresses are signed, when the worker believes itself to be elsewhere.
    pub public_origin: Option<String>,
    pub account_sid: String,
    pub auth_token: String,
    pub from: String,
    pub to: String,
    /// A new one when absent.
    pub call_sid: Option<String>,
    /// One way, for every message of the media socket in either direction. Their order is kept.
    pub network: Duration,
    /// Members that the webhook's form has besides the usual ones.
    pub webhook_extra: Vec<(String, String)>,
}

impl Dial {
    /// The account of the telephone company on this machine.
    pub const ACCOUNT_SID: &'static str = "AC00000000000000000000000000000000";
    /// Its token.
    pub const AUTH_TOKEN: &'static str = "local";

    /// A call from one fictional number to another, over a network that takes no time.
    #[must_use]
    pub fn new(worker: impl Into<String>) -> Self {
        Self {
            worker: worker.into().trim_end_matches('/').to_owned(),
            public_origin: None,
            account_sid: Self::ACCOUNT_SID.to_owned(),
            auth_token: Self::AUTH_TOKEN.to_owned(),
            from: "+12025550123".to_owned(),
            to: "+12025550100".to_owned(),
            call_sid: None,
            network: Duration::ZERO,
            webhook_extra: Vec::new(),
        }
    }

    /// The members of a webhook's form, as Twilio sends them: most of what it knows of places is empty.
    #[must_use]
    pub fn members(&self, call_sid: &str, status: &str) -> Vec<(String, String)> {
        let (from, to) = (self.from.as_str(), self.to.as_str());
        let members = [
            ("AccountSid", self.account_sid.as_str()),
            ("ApiVersion", "2010-04-01"),
            ("CallSid", call_sid),
            ("CallStatus", status),
            ("CallToken", CALL_TOKEN),
            ("Called", to),
            ("CalledCity", ""),
            ("CalledCountry", "US"),
            ("CalledState", "DC"),
            ("CalledZip", ""),
            ("Caller", from),
            ("CallerCity", ""),
            ("CallerCountry", "US"),
            ("CallerState", "DC"),
            ("CallerZip", ""),
            ("Direction", "inbound"),
            ("From", from),
            ("FromCity", ""),
            ("FromCountry", "US"),
            ("FromState", "DC"),
            ("FromZip", ""),
            ("StirVerstat", "TN-Validation-Passed-A"),
            ("To", to),
            ("ToCity", ""),
            ("ToCountry", "US"),
            ("ToState", "DC"),
            ("ToZip", ""),
        ];
        let members = members.map(|(name, value)| (name.to_owned(), value.to_owned()));
        members
            .into_iter()
            .chain(self.webhook_extra.iter().cloned())
            .collect()
    }

    fn origin(&self) -> &str {
        self.public_origin.as_deref().unwrap_or(&self.worker)
    }

    /// The address of a path as the worker knows it.
    fn signed_url(&self, path: &str) -> String {
        format!("{}{path}", self.origin())
    }
}

/// A call in progress, seen from the telephone. Dropping it hangs up.
pub struct PhoneCall {
    line: Arc<Line>,
}

impl PhoneCall {
    #[must_use]
    pub fn call_sid(&self) -> &str {
        &self.line.call_sid
    }

    /// Says this from the next frame on, behind whatever the caller is still saying: when it begins and when it ends. Nobody
    /// hears it when there is no stream.
    pub fn say(&self, samples_8k: Vec<i16>) -> SpanOnTimeline {
        let now = self.line.now();
        let (from, to) = self.line.state().microphone.say(now, &samples_8k);
        let (from_ms, to_ms) = (event::millis(from), event::millis(to));
        self.line.tell_at(now, EventKind::Said { from_ms, to_ms });
        SpanOnTimeline { from_ms, to_ms }
    }

    /// Presses a key of the telephone.
    pub fn press(&self, digit: char) {
        self.line.command(Command::Press(digit));
    }

    /// Puts the receiver down: `stop`, a close, and the status callback.
    pub fn hang_up(&self) {
        self.line.command(Command::HangUp);
    }

    /// Loses the media socket's connection without a word. The call goes on with the TwiML after `Connect`.
    pub fn cut(&self) {
        self.line.command(Command::Cut);
    }

    /// No message of the stream comes any more, and its socket stays open.
    pub fn stall(&self) {
        self.line.command(Command::Stall);
    }

    /// Everything that has happened so far.
    #[must_use]
    pub fn events(&self) -> Vec<Event> {
        self.line.state().events.clone()
    }

    /// The first event, past or to come, that yields something. The text says in an error what was waited for.
    ///
    /// # Errors
    /// When the call ends without it, or it does not come for very long.
    pub async fn until<T>(
        &self,
        what: &str,
        pick: impl FnMut(&Event) -> Option<T>,
    ) -> anyhow::Result<T> {
        let found = tokio::time::timeout(PATIENCE, self.line.find(pick)).await;
        found
            .with_context(|| format!("waited too long for {what}"))?
            .with_context(|| format!("the call was over before {what}"))
    }

    /// Returns once her channel has been silent for this long; also when the call is over. Before she has said anything, silence
    /// counts from the beginning of the stream.
    pub async fn quiet_for(&self, span: Duration) {
        self.line.quiet_for(span).await;
    }

    /// When her first sound at or after a moment is played, once it is being played.
    ///
    /// # Errors
    /// When the call ends without it, or it does not come for very long.
    pub async fn sound_after(&self, ms: f64) -> anyhow::Result<f64> {
        let position = (ms.max(0.0) * 8.0).ceil() as u64;
        let sound = tokio::time::timeout(PATIENCE, self.line.sound_after(position)).await;
        let sound = sound
            .context("waited too long for her voice")?
            .context("the call was over before she spoke")?;
        Ok(event::millis(sound))
    }

    /// Both channels up to now.
    #[must_use]
    pub fn recording(&self) -> Stereo {
        self.line.recording()
    }

    /// Her channel as it was played, message by message.
    #[must_use]
    pub fn played(&self) -> Vec<Played> {
        self.line.played()
    }

    /// What happened when, for people.
    #[must_use]
    pub fn timeline(&self) -> Vec<Moment> {
        timeline::of(&self.events(), &self.played())
    }

    /// Now, in milliseconds on the call's timeline.
    #[must_use]
    pub fn elapsed_ms(&self) -> f64 {
        event::millis(self.line.now())
    }
}

impl Drop for PhoneCall {
    fn drop(&mut self) {
        self.line.command(Command::HangUp);
    }
}

/// Places a call. Its task belongs to the runtime in which this runs.
pub(crate) async fn place(shared: Arc<Shared>, dial: Dial) -> anyhow::Result<PhoneCall> {
    let call_sid = dial.call_sid.clone().unwrap_or_else(|| sid("CA"));
    let (line, commands) = Line::new(dial, call_sid);
    let line = Arc::new(line);
    shared.calls.enter(&line);
    let (opened, is_open) = oneshot::channel();
    let call = PhoneCall {
        line: Arc::clone(&line),
    };
    tokio::spawn(Runner::new(line, shared, commands, opened).run());
    is_open.await.context("the call's task has ended")??;
    Ok(call)
}

/// A new identifier of this kind: two letters and 32 hexadecimal digits.
fn sid(kind: &str) -> String {
    let random = RandomState::new();
    format!(
        "{kind}{:016x}{:016x}",
        random.hash_one(0),
        random.hash_one(1)
    )
}

/// The header that signatures come in.
const SIGNATURE: &str = "x-twilio-signature";

/// An opaque token that Twilio lets a server pass on.
const CALL_TOKEN: &str = "%7B%22parentCallInfoToken%22%3A%22local%22%7D";

/// Longer than anything takes that a call waits for, a prompt after long silence included.
const PATIENCE: Duration = Duration::from_secs(90);
