//! What the vendor's protocols share: the key's header, the caller's sound, and how to read a refusal.

use serde_json::{Map, Value};

use super::{AudioFormat, Refusal};
use crate::settings::Secret;

/// The header that carries the key.
pub(super) fn authorization(key: &Secret) -> (&'static str, String) {
    ("Authorization", format!("Token {}", key.reveal()))
}

/// The caller's sound as a query describes it. Raw sound needs both encoding and rate.
pub(super) const fn caller_sound(format: AudioFormat) -> &'static str {
    match format {
        AudioFormat::Browser => "encoding=linear16&sample_rate=16000",
        AudioFormat::Telephone => "encoding=mulaw&sample_rate=8000",
    }
}

/// Members of queries as the runtime's binding takes them: one flat object of strings.
pub(super) fn inputs(queries: &[&str]) -> String {
    let members = queries.iter().flat_map(|query| query.split('&'));
    let members = members.filter_map(|member| member.split_once('='));
    let inputs: Map<String, Value> = members
        .map(|(name, value)| (name.to_owned(), value.into()))
        .collect();
    Value::Object(inputs).to_string()
}

/// What a refused upgrade or request means. The body comes in three layouts, or as plain text.
pub(super) fn refusal(status: u16, body: &str) -> Refusal {
    let code = serde_json::from_str::<Value>(body).ok().and_then(|body| {
        ["err_code", "error_code", "category"]
            .iter()
            .find_map(|name| plain_code(body.get(name)?.as_str()?))
    });
    let reason = match code {
        Some(code) => format!("{status} {code}"),
        None => status.to_string(),
    };
    match status {
        413 => Refusal::TooLong,
        408 | 429 | 500.. => Refusal::Busy { reason },
        _ => Refusal::Hopeless { reason },
    }
}

/// A vendor's code if it looks like one. Free text is kept out of reasons, as it may quote what was said.
pub(super) fn plain_code(text: &str) -> Option<String> {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.');
    // The longest code seen has 26 characters.
    ((1..=48).contains(&text.len()) && text.bytes().all(is_plain)).then(|| text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_says_what_can_be_done() {
        let busy = |reason: &str| Refusal::Busy {
            reason: reason.to_owned(),
        };
        let hopeless = |reason: &str| Refusal::Hopeless {
            reason: reason.to_owned(),
        };
        for (status, body, refusal_) in [
            (
                401,
                r#"{"err_code":"INVALID_AUTH","err_msg":"Invalid credentials.","request_id":"0"}"#,
                hopeless("401 INVALID_AUTH"),
            ),
            (
                400,
                r#"{"category":"INVALID_JSON","message":"m","details":"d","request_id":"0"}"#,
                hopeless("400 INVALID_JSON"),
            ),
            (402, "no credit", hopeless("402")),
            (403, "", hopeless("403")),
            (
                413,
                r#"{"err_code":"PAYLOAD_ERROR","err_msg":"Input text exceeds maximum character limit."}"#,
                Refusal::TooLong,
            ),
            // Words with spaces are not a code, even where a code should be.
            (
                429,
                r#"{"err_code":"Too Many Requests","err_msg":"Please try again later."}"#,
                busy("429"),
            ),
            (
                503,
                r#"{"error_code":"SERVICE_UNAVAILABLE"}"#,
                busy("503 SERVICE_UNAVAILABLE"),
            ),
            (500, r#"["not","an","object"]"#, busy("500")),
            (502, "<html>", busy("502")),
        ] {
            assert_eq!(refusal(status, body), refusal_, "{status} {body}");
        }
    }
}
