//! The guard of the telephone company's webhooks: a form, signed by the company for the address where the world reaches us.
//!
//! Members hold telephone numbers, so they are never logged; addresses are.

use std::borrow::Cow;

use futures_util::StreamExt;
use url::form_urlencoded;
use worker::{Request, Result, console_warn};

use super::SIGNATURE;
use crate::problem::Problem;
use crate::settings::{Origin, Settings, TwilioSettings};
use crate::twilio::{CallSid, Verifier};

/// The longest form. Real ones have some 2 KB; members appear without notice.
const BODY_MAX: usize = 64 * 1024;

const FORM: &str = "application/x-www-form-urlencoded";

/// A form that the telephone company has signed.
pub(super) struct Webhook(Vec<(String, String)>);

impl Webhook {
    /// The value of a member.
    pub(super) fn member(&self, name: &str) -> Option<&str> {
        self.0
            .iter()
            .find(|(member, _)| member == name)
            .map(|(_, value)| value.as_str())
    }

    /// Which call this is about.
    pub(super) fn call(&self) -> std::result::Result<CallSid, Problem> {
        self.member("CallSid")
            .and_then(|sid| sid.parse().ok())
            .ok_or_else(|| Problem::bad_request("CallSid is not CA and 32 hexadecimal digits"))
    }
}

/// Reads a webhook, or says why it is refused.
pub(super) async fn read(
    mut request: Request,
    company: &TwilioSettings,
    settings: &Settings,
) -> Result<std::result::Result<Webhook, Problem>> {
    let kind = request.headers().get("Content-Type")?.unwrap_or_default();
    if !is_form(&kind) {
        return Ok(Err(Problem::unsupported_media_type(FORM)));
    }
    let signature = request.headers().get(SIGNATURE)?;
    let url = signed_address(settings.public_origin.as_ref(), &request.inner().url());
    let Some(body) = body(&mut request).await? else {
        return Ok(Err(Problem::too_large(BODY_MAX)));
    };
    let checked = check(company, &url, &body, signature.as_deref());
    if let Err(problem) = &checked {
        // A query may hold anything.
        let address = url.split('?').next().unwrap_or_default();
        console_warn!("webhook for {address}: {}", problem.code());
    }
    Ok(checked)
}

fn check(
    company: &TwilioSettings,
    url: &str,
    body: &[u8],
    signature: Option<&str>,
) -> std::result::Result<Webhook, Problem> {
    let members: Vec<(Cow<'_, str>, Cow<'_, str>)> = form_urlencoded::parse(body).collect();
    let is_signed = signature.is_some_and(|signature| {
        Verifier::new(&company.auth_token).is_form(url, &members, signature)
    });
    if !is_signed {
        return Err(Problem::bad_signature());
    }
    let webhook = Webhook(
        members
            .into_iter()
            .map(|(name, value)| (name.into_owned(), value.into_owned()))
            .collect(),
    );
    if webhook.member("AccountSid") != Some(company.account_sid.as_str()) {
        return Err(Problem::foreign_account());
    }
    Ok(webhook)
}

/// Where the world reaches the worker: as configured, else as this request did.
pub(super) fn reached_at(request: &Request, settings: &Settings) -> Option<Origin> {
    match &settings.public_origin {
        Some(origin) => Some(origin.clone()),
        None => Origin::parse(&request.url().ok()?.origin().ascii_serialization()),
    }
}

/// The same origin, for sockets.
pub(super) fn as_socket(origin: &Origin) -> String {
    match origin.as_str().strip_prefix("http") {
        Some(rest) => format!("ws{rest}"),
        None => origin.as_str().to_owned(),
    }
}

/// The address that was signed: path and query as they came, behind the public origin if there is one.
fn signed_address(public: Option<&Origin>, url: &str) -> String {
    let Some(origin) = public else {
        return url.to_owned();
    };
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let path = rest.find(['/', '?']).and_then(|at| rest.get(at..));
    format!("{origin}{}", path.unwrap_or("/"))
}

fn is_form(content_type: &str) -> bool {
    let kind = content_type.split(';').next().unwrap_or_default();
    kind.trim().eq_ignore_ascii_case(FORM)
}

/// The body, unless it is too long: it is read no further than that.
async fn body(request: &mut Request) -> Result<Option<Vec<u8>>> {
    if request.inner().body().is_none() {
        return Ok(Some(Vec::new()));
    }
    let mut chunks = request.stream()?;
    let mut body = Vec::new();
    while let Some(chunk) = chunks.next().await {
        body.extend_from_slice(&chunk?);
        if body.len() > BODY_MAX {
            return Ok(None);
        }
    }
    Ok(Some(body))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::{AccountSid, BaseUrl, Secret};

    fn origin(text: &str) -> Origin {
        Origin::parse(text).unwrap()
    }

    const URL: &str = "https://voice.example.com/twilio/voice";
    const BODY: &str = "AccountSid=AC01&CallSid=CA2a3b4c5d6e7f8091a2b3c4d5e6f70819&From=&FromCity=";
    /// Of the address and body above, calculated apart from this program.
    const SIGNED: &str = "iB11rDz4C6/c0BQq+BOzDZUQiSA=";

    fn company(account: &str) -> TwilioSettings {
        TwilioSettings {
            account_sid: AccountSid::parse(account).unwrap(),
            auth_token: Secret::parse("12345").unwrap(),
            base_url: BaseUrl::parse("https://api.example.com").unwrap(),
        }
    }

    #[test]
    fn a_signed_form_of_the_own_account_passes() {
        let webhook = check(&company("AC01"), URL, BODY.as_bytes(), Some(SIGNED))
            .ok()
            .unwrap();
        assert_eq!(webhook.member("FromCity"), Some(""));
        assert_eq!(webhook.member("To"), None);
        assert_eq!(
            webhook.call().unwrap().as_str(),
            "CA2a3b4c5d6e7f8091a2b3c4d5e6f70819"
        );
    }

    #[test]
    fn no_other_form_passes() {
        let refused = |account: &str, url: &str, body: &str, signature: Option<&str>| {
            check(&company(account), url, body.as_bytes(), signature)
                .err()
                .unwrap()
        };
        let bad = Problem::bad_signature();
        assert_eq!(refused("AC01", URL, BODY, None), bad);
        assert_eq!(refused("AC01", URL, BODY, Some("")), bad);
        assert_eq!(
            refused("AC01", URL, &format!("{BODY}&To=1"), Some(SIGNED)),
            bad
        );
        let elsewhere = "https://other.example.com/twilio/voice";
        assert_eq!(refused("AC01", elsewhere, BODY, Some(SIGNED)), bad);
        assert_eq!(
            refused("AC02", URL, BODY, Some(SIGNED)),
            Problem::foreign_account()
        );
    }

    #[test]
    fn a_call_without_a_good_name_is_refused() {
        for body in ["", "CallSid=", "CallSid=CA1", "CallSid=../../x"] {
            let members = form_urlencoded::parse(body.as_bytes())
                .into_owned()
                .collect();
            assert_eq!(Webhook(members).call().unwrap_err().status(), 400, "{body}");
        }
    }

    #[test]
    fn the_signed_address_has_the_public_origin() {
        let public = origin("https://voice.example.com");
        for (url, signed) in [
            (
                "http://127.0.0.1:8787/twilio/voice",
                "https://voice.example.com/twilio/voice",
            ),
            (
                "http://10.0.0.1//twilio/voice?a=%2F&b=It's",
                "https://voice.example.com//twilio/voice?a=%2F&b=It's",
            ),
            ("http://a?b=/c", "https://voice.example.com?b=/c"),
            ("http://a", "https://voice.example.com/"),
        ] {
            assert_eq!(signed_address(Some(&public), url), signed);
            assert_eq!(signed_address(None, url), url);
        }
    }

    #[test]
    fn sockets_are_at_the_same_origin() {
        assert_eq!(as_socket(&origin("https://a.example")), "wss://a.example");
        assert_eq!(
            as_socket(&origin("http://127.0.0.1:8787")),
            "ws://127.0.0.1:8787"
        );
    }

    #[test]
    fn a_form_says_that_it_is_one() {
        for kind in [
            "application/x-www-form-urlencoded",
            "application/x-www-form-urlencoded; charset=UTF-8",
            "Application/X-WWW-Form-Urlencoded ;x",
        ] {
            assert!(is_form(kind), "{kind}");
        }
        for kind in [
            "",
            "application/json",
            "application/x-www-form-urlencoded2",
            "multipart/form-data",
        ] {
            assert!(!is_form(kind), "{kind}");
        }
    }
}
