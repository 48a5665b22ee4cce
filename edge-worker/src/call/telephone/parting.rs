//! How she takes leave of a telephone: over Twilio's REST interface, since that is sure, and the socket is closed only after.
//!
//! Closing the socket alone is a farewell too: Twilio then goes on with what follows `</Connect>`, an apology. So it is what happens to
//! a call that failed, and to one whose request fails.

use std::time::Duration;

use voice_core::wire::Outcome;
use worker::AbortController;

use crate::call::driver::Parts;
use crate::call::model::post;
use crate::clock::within;
use crate::providers::HttpRequest;
use crate::settings::TwilioSettings;
use crate::twilio::rest::{self, RestOutcome};
use crate::twilio::{CallSid, PhoneNumber};

/// How often a request is made. The caller hears silence meanwhile.
const ATTEMPTS: u32 = 2;

/// How long an attempt may take. An ordinary answer takes 0.2 s.
const PATIENCE: Duration = Duration::from_secs(4);

pub(super) struct Parting {
    call: String,
    sid: Option<CallSid>,
    twilio: Option<TwilioSettings>,
    transfer_to: Option<PhoneNumber>,
}

impl Parting {
    pub(super) fn new(parts: &Parts) -> Self {
        Self {
            call: parts.call.clone(),
            sid: parts.call.parse().ok(),
            twilio: parts.settings.twilio.clone(),
            transfer_to: parts.transfer_number(),
        }
    }

    /// Does what this end of the conversation asks for.
    pub(super) async fn part(self, outcome: Outcome) {
        let (Some(sid), Some(twilio)) = (&self.sid, &self.twilio) else {
            return;
        };
        let request = || match (outcome, &self.transfer_to) {
            // The caller is gone, or is to hear the apology.
            (Outcome::HungUp | Outcome::Refused | Outcome::Failed, _) => None,
            (Outcome::Transferred, Some(number)) => Some(rest::transfer(twilio, sid, number)),
            _ => Some(rest::hang_up(twilio, sid)),
        };
        for attempt in 1..=ATTEMPTS {
            let Some(request) = request() else {
                return;
            };
            match ask(request).await {
                Ok(RestOutcome::Done | RestOutcome::AlreadyOver) => return,
                Ok(RestOutcome::Hopeless { reason }) => {
                    worker::console_error!("call {}: not ended by Twilio: {reason}", self.call);
                    return;
                }
                Ok(RestOutcome::Retry) | Err(_) => worker::console_warn!(
                    "call {}: no answer from Twilio, attempt {attempt} of {ATTEMPTS}",
                    self.call
                ),
            }
        }
    }
}

async fn ask(request: HttpRequest) -> worker::Result<RestOutcome> {
    let fetch = AbortController::default();
    let signal = fetch.signal();
    let answer = async {
        let mut response = post(request, &signal).await?;
        let status = response.status_code();
        Ok(rest::outcome(status, &response.bytes().await?))
    };
    within(PATIENCE, answer).await.unwrap_or_else(|| {
        fetch.abort();
        Ok(RestOutcome::Retry)
    })
}
