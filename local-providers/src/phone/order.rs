//! A phone call ordered from running providers: what is asked of them, and how a program asks.

use std::time::Duration;

use anyhow::{Context, bail};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};

use super::Dial;
use super::timeline::Moment;

/// A call to hold. Of `say` and `scenario` it has one.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Order {
    /// Where the worker is.
    pub worker: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub public_origin: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account_sid: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub auth_token: Option<String>,
    /// A WAV file in base64: said once as a question, and once more over the answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub say: Option<String>,
    /// The text of a scenario file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scenario: Option<String>,
}

impl Order {
    /// Asks what is in a WAV file.
    pub fn say(&mut self, wav: &[u8]) {
        self.say = Some(STANDARD.encode(wav));
    }

    /// Does what a scenario file says.
    pub fn act(&mut self, scenario: String) {
        self.scenario = Some(scenario);
    }

    pub(crate) fn dial(&self) -> Dial {
        let mut dial = Dial::new(self.worker.as_str());
        dial.public_origin.clone_from(&self.public_origin);
        if let Some(account_sid) = &self.account_sid {
            dial.account_sid.clone_from(account_sid);
        }
        if let Some(auth_token) = &self.auth_token {
            dial.auth_token.clone_from(auth_token);
        }
        dial
    }

    /// Has the providers at this address hold the call; it takes as long as the call does.
    ///
    /// # Errors
    /// When they cannot be reached, or the call cannot be held; the message is theirs.
    pub async fn place(&self, providers: &str) -> anyhow::Result<Outcome> {
        let url = format!(
            "{}{}",
            providers.trim_end_matches('/'),
            super::control::PATH
        );
        let response = reqwest::Client::new()
            .post(&url)
            .header("content-type", "application/json")
            .body(serde_json::to_string(self)?)
            .timeout(super::control::LONGEST + ANSWERING)
            .send()
            .await
            .with_context(|| format!("cannot reach the local providers at {providers}"))?;
        let status = response.status();
        let body = response.bytes().await?;
        if status.is_success() {
            return serde_json::from_slice(&body).context("the providers' answer is strange");
        }
        match serde_json::from_slice::<Failure>(&body) {
            Ok(Failure { error }) => bail!("{error}"),
            Err(_) => bail!("{url} answered {status}"),
        }
    }
}

/// A call that was held.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Outcome {
    /// The recording, a WAV file in base64: the caller left, the agent right.
    wav: String,
    /// What happened when.
    pub events: Vec<Moment>,
}

impl Outcome {
    pub(crate) fn new(wav: &[u8], events: Vec<Moment>) -> Self {
        Self {
            wav: STANDARD.encode(wav),
            events,
        }
    }

    /// The recording, a WAV file: the caller left, the agent right.
    ///
    /// # Errors
    /// When it is not what the providers send.
    pub fn wav(&self) -> anyhow::Result<Vec<u8>> {
        STANDARD
            .decode(&self.wav)
            .context("the recording is no base64")
    }
}

/// Why there was no call.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Failure {
    pub(crate) error: String,
}

/// How long the recording takes to arrive.
const ANSWERING: Duration = Duration::from_secs(30);
