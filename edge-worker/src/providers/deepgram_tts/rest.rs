//! The same voice by one request for each piece: when the socket's limits or its loss do not allow it.

use super::path;
use crate::providers::deepgram::{authorization, refusal};
use crate::providers::{AudioFormat, HttpRequest, Refusal};
use crate::settings::{Secret, Settings};

/// The voice by REST.
#[derive(Clone, Debug)]
pub struct AuraRest {
    url: String,
    key: Secret,
}

impl AuraRest {
    /// A voice in `format`, without the file header that is the default.
    #[must_use]
    pub fn new(settings: &Settings, format: AudioFormat) -> Self {
        let path = format!("{}&container=none", path(settings, format));
        Self {
            url: settings.deepgram_url.join(&path),
            key: settings.deepgram_key.clone(),
        }
    }

    /// Asks for `text`. The answer's body is sound from its first byte.
    #[must_use]
    pub fn request(&self, text: &str) -> HttpRequest {
        HttpRequest {
            url: self.url.clone(),
            headers: vec![authorization(&self.key)],
            body: serde_json::json!({ "text": text.trim() }).to_string(),
        }
    }

    /// What an answer other than 200 means.
    #[must_use]
    pub fn refusal(status: u16, body: &str) -> Refusal {
        refusal(status, body)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_asks_for_bare_sound() {
        let rest = AuraRest::new(
            &Settings::for_tests("http://127.0.0.1:9000"),
            AudioFormat::Telephone,
        );
        let request = rest.request("Say \"hi\".");
        assert_eq!(
            request.url,
            "http://127.0.0.1:9000/v1/speak?model=aura-2-thalia-en&encoding=mulaw&sample_rate=8000&container=none"
        );
        assert_eq!(
            request.headers,
            [("Authorization", "Token vendor-key".to_owned())]
        );
        assert_eq!(request.body, r#"{"text":"Say \"hi\"."}"#);
        let refused = AuraRest::refusal(
            429,
            r#"{"err_code":"Too Many Requests","err_msg":"Please try again later."}"#,
        );
        assert_eq!(
            refused,
            Refusal::Busy {
                reason: "429".to_owned()
            }
        );
    }
}
