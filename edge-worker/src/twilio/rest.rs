//! Requests about a running call, and what the answers mean.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use url::form_urlencoded;

use crate::providers::HttpRequest;
use crate::settings::TwilioSettings;

use super::{CallSid, PhoneNumber, twiml};

/// "Call is not in-progress": it is over.
const NOT_IN_PROGRESS: u64 = 21_220;

/// "Resource not found": a call so long over that it is gone.
const NOT_FOUND: u64 = 20_404;

/// Ends a call.
#[must_use]
pub fn hang_up(settings: &TwilioSettings, call: &CallSid) -> HttpRequest {
    update(settings, call, ("Status", "completed"))
}

/// Puts a call through to somebody else, who sees the caller's own number; its stream ends.
#[must_use]
pub fn transfer(settings: &TwilioSettings, call: &CallSid, to: &PhoneNumber) -> HttpRequest {
    update(settings, call, ("Twiml", &twiml::transfer(to)))
}

fn update(settings: &TwilioSettings, call: &CallSid, (name, value): (&str, &str)) -> HttpRequest {
    let account = settings.account_sid.as_str();
    let login = STANDARD.encode(format!("{account}:{}", settings.auth_token.reveal()));
    let path = format!("/2010-04-01/Accounts/{account}/Calls/{call}.json");
    HttpRequest {
        url: settings.base_url.join(&path),
        headers: vec![
            ("Authorization", format!("Basic {login}")),
            (
                "Content-Type",
                "application/x-www-form-urlencoded".to_owned(),
            ),
        ],
        body: form_urlencoded::Serializer::new(String::new())
            .append_pair(name, value)
            .finish(),
    }
}

/// What an answer means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RestOutcome {
    /// The call has ended before: for a hang-up as good as done.
    AlreadyOver,
    Done,
    /// The same request will be refused again. The reason has a status and a code, no words.
    Hopeless {
        reason: String,
    },
    /// Overloaded or broken for now.
    Retry,
}

/// Reads an answer.
#[must_use]
pub fn outcome(status: u16, body: &[u8]) -> RestOutcome {
    #[derive(Deserialize)]
    struct Refusal {
        code: Option<u64>,
    }

    let refusal = || serde_json::from_slice::<Refusal>(body).ok()?.code;
    match status {
        200..=299 => RestOutcome::Done,
        408 | 425 | 429 | 500..=599 => RestOutcome::Retry,
        _ => match refusal() {
            Some(NOT_IN_PROGRESS | NOT_FOUND) => RestOutcome::AlreadyOver,
            Some(code) => RestOutcome::Hopeless {
                reason: format!("status {status}, code {code}"),
            },
            None => RestOutcome::Hopeless {
                reason: format!("status {status}"),
            },
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::{AccountSid, BaseUrl, Secret};

    fn settings() -> TwilioSettings {
        TwilioSettings {
            account_sid: AccountSid::parse("AC01").unwrap(),
            auth_token: Secret::parse("s:ecret").unwrap(),
            base_url: BaseUrl::parse("https://api.example.com").unwrap(),
        }
    }

    fn call() -> CallSid {
        "CA2a3b4c5d6e7f8091a2b3c4d5e6f70819".parse().unwrap()
    }

    #[test]
    fn a_call_is_ended_by_its_status() {
        let request = hang_up(&settings(), &call());
        assert_eq!(
            request.url,
            "https://api.example.com/2010-04-01/Accounts/AC01/Calls/CA2a3b4c5d6e7f8091a2b3c4d5e6f70819.json"
        );
        assert_eq!(
            request.headers,
            [
                ("Authorization", "Basic QUMwMTpzOmVjcmV0".to_owned()),
                (
                    "Content-Type",
                    "application/x-www-form-urlencoded".to_owned()
                ),
            ]
        );
        assert_eq!(request.body, "Status=completed");
    }

    #[test]
    fn a_call_is_put_through_by_a_document() {
        let to = PhoneNumber::parse("+12025550143").unwrap();
        let request = transfer(&settings(), &call(), &to);
        let members: Vec<_> = form_urlencoded::parse(request.body.as_bytes())
            .into_owned()
            .collect();
        assert_eq!(members, [("Twiml".to_owned(), twiml::transfer(&to))]);
        assert!(request.body.contains("%2B12025550143"), "{}", request.body);
    }

    #[test]
    fn answers_mean_something() {
        let hopeless = |reason: &str| RestOutcome::Hopeless {
            reason: reason.to_owned(),
        };
        for (status, body, expected) in [
            (200, r#"{"status":"completed"}"#, RestOutcome::Done),
            (201, "", RestOutcome::Done),
            (
                400,
                r#"{"code":21220,"message":"Call is not in-progress. Cannot redirect.","status":400}"#,
                RestOutcome::AlreadyOver,
            ),
            (
                404,
                r#"{"code":20404,"message":"The requested resource was not found"}"#,
                RestOutcome::AlreadyOver,
            ),
            (429, r#"{"code":20429}"#, RestOutcome::Retry),
            (500, "<html>", RestOutcome::Retry),
            (503, "", RestOutcome::Retry),
            (
                401,
                r#"{"code":20003,"message":"Authenticate"}"#,
                hopeless("status 401, code 20003"),
            ),
            (404, "<html>", hopeless("status 404")),
            (400, r#"{"code":"x"}"#, hopeless("status 400")),
            (302, "", hopeless("status 302")),
        ] {
            assert_eq!(
                outcome(status, body.as_bytes()),
                expected,
                "{status} {body}"
            );
        }
    }
}
