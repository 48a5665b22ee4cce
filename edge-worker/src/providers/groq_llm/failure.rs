//! What a refusal or an error in a stream means. Reasons hold the status and the vendor's code, never its sentence, which may quote the
//! model's or the caller's words.

use serde_json::Value;

use crate::providers::ModelFailure;

/// How long to wait if the vendor does not say: the vendor's own client begins with half a second.
const RETRY_MILLIS: u32 = 500;

/// How long to wait after a rate limit that names no time. The limit is by the minute, so this is an attempt, not a hope.
const RATE_LIMIT_MILLIS: u32 = 2_000;

/// What an answer other than 200 means.
#[must_use]
pub fn classify(status: u16, retry_after: Option<&str>, body: &str) -> ModelFailure {
    let body = serde_json::from_str::<Value>(body).ok();
    let error = body.as_ref().and_then(|body| body.get("error"));
    Report::new(status, error).failure(retry_after)
}

/// What an `error` object inside a stream means.
pub(super) fn classify_in_stream(error: &Value) -> ModelFailure {
    let status = error
        .get("status_code")
        .and_then(Value::as_u64)
        .and_then(|status| u16::try_from(status).ok());
    // Without a status: the stream had begun, so the request itself was good.
    Report::new(status.unwrap_or(500), Some(error)).failure(None)
}

struct Report<'a> {
    status: u16,
    code: &'a str,
    message: &'a str,
}

impl<'a> Report<'a> {
    fn new(status: u16, error: Option<&'a Value>) -> Self {
        let member = |name| {
            error
                .and_then(|error| error.get(name))
                .and_then(Value::as_str)
                .unwrap_or_default()
        };
        Self {
            status,
            code: member("code"),
            message: member("message"),
        }
    }

    fn failure(&self, retry_after: Option<&str>) -> ModelFailure {
        let reason = self.reason();
        match (self.status, self.code) {
            (_, "model_decommissioned" | "model_not_found") | (404 | 498, _) => {
                ModelFailure::TryAnother { reason }
            }
            // The model wrote a call that does not fit the tool: it may do better the next time.
            (_, "tool_use_failed") => ModelFailure::RetryAfter { millis: 0, reason },
            (413, _) | (_, "context_length_exceeded") => ModelFailure::TooLong,
            (429, _) if self.message.starts_with("Request too large") => ModelFailure::TooLong,
            (429, _) | (_, "rate_limit_exceeded") => {
                let millis = retry_after
                    .and_then(seconds)
                    .or_else(|| self.named_delay())
                    .unwrap_or(RATE_LIMIT_MILLIS);
                ModelFailure::RetryAfter { millis, reason }
            }
            (503, _) => ModelFailure::TryAnother { reason },
            (408 | 409 | 499 | 500.., _) => ModelFailure::RetryAfter {
                millis: RETRY_MILLIS,
                reason,
            },
            _ => ModelFailure::Hopeless { reason },
        }
    }

    fn reason(&self) -> String {
        let is_plain =
            |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.');
        // The longest code seen has 23 characters.
        if (1..=48).contains(&self.code.len()) && self.code.bytes().all(is_plain) {
            format!("{} {}", self.status, self.code)
        } else {
            self.status.to_string()
        }
    }

    /// The limit of a day stands in the sentence alone: "Please try again in 2m52.8s."
    fn named_delay(&self) -> Option<u32> {
        let (_, delay) = self.message.split_once("try again in ")?;
        delay_millis(delay.split_whitespace().next()?.trim_end_matches('.'))
    }
}

/// The header's seconds, which may have a fraction.
fn seconds(text: &str) -> Option<u32> {
    millis(text.trim().parse().ok()?, 1_000.0)
}

/// A delay such as `2m52.8s`, `7.66s` or `547ms`.
fn delay_millis(text: &str) -> Option<u32> {
    let mut sum = 0_u32;
    let mut rest = text;
    while !rest.is_empty() {
        let end = rest.find(|c: char| !c.is_ascii_digit() && c != '.')?;
        let (number, tail) = rest.split_at_checked(end)?;
        let (scale, tail) = if let Some(tail) = tail.strip_prefix("ms") {
            (1.0, tail)
        } else if let Some(tail) = tail.strip_prefix('s') {
            (1_000.0, tail)
        } else if let Some(tail) = tail.strip_prefix('m') {
            (60_000.0, tail)
        } else {
            (3_600_000.0, tail.strip_prefix('h')?)
        };
        sum = sum.saturating_add(millis(number.parse().ok()?, scale)?);
        rest = tail;
    }
    (!text.is_empty()).then_some(sum)
}

fn millis(number: f64, scale: f64) -> Option<u32> {
    // The conversion saturates.
    (number.is_finite() && number >= 0.0).then(|| (number * scale).ceil() as u32)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(code: &str, message: &str) -> String {
        serde_json::json!({ "error": { "message": message, "type": "some_error", "code": code } })
            .to_string()
    }

    fn another(reason: &str) -> ModelFailure {
        ModelFailure::TryAnother {
            reason: reason.to_owned(),
        }
    }

    fn hopeless(reason: &str) -> ModelFailure {
        ModelFailure::Hopeless {
            reason: reason.to_owned(),
        }
    }

    fn retry(millis: u32, reason: &str) -> ModelFailure {
        ModelFailure::RetryAfter {
            millis,
            reason: reason.to_owned(),
        }
    }

    #[test]
    fn each_status_has_its_consequence() {
        let limit = "Rate limit reached for model `m` on tokens per minute (TPM): Limit 8000, Used 7311, Requested 4824. \
                     Please try again in 31.0125s. Need more tokens?";
        for (status, body, failure) in [
            (
                400,
                error("tool_use_failed", "m"),
                retry(0, "400 tool_use_failed"),
            ),
            (
                400,
                error("model_decommissioned", "m"),
                another("400 model_decommissioned"),
            ),
            (
                400,
                error("context_length_exceeded", "m"),
                ModelFailure::TooLong,
            ),
            (
                400,
                error("json_validate_failed", "m"),
                hopeless("400 json_validate_failed"),
            ),
            (400, "not json".to_owned(), hopeless("400")),
            (
                401,
                error("invalid_api_key", "Invalid API Key"),
                hopeless("401 invalid_api_key"),
            ),
            (403, "error code: 1010".to_owned(), hopeless("403")),
            (
                404,
                error("model_not_found", "The model `m` does not exist"),
                another("404 model_not_found"),
            ),
            (404, String::new(), another("404")),
            (413, error("request_too_large", "m"), ModelFailure::TooLong),
            (422, error("", "m"), hopeless("422")),
            (424, error("", "m"), hopeless("424")),
            (
                429,
                error(
                    "rate_limit_exceeded",
                    "Request too large for model `m`: Limit 8000, Requested 8222",
                ),
                ModelFailure::TooLong,
            ),
            (
                429,
                error("rate_limit_exceeded", limit),
                retry(31_013, "429 rate_limit_exceeded"),
            ),
            (429, String::new(), retry(RATE_LIMIT_MILLIS, "429")),
            (498, String::new(), another("498")),
            (499, String::new(), retry(RETRY_MILLIS, "499")),
            (500, String::new(), retry(RETRY_MILLIS, "500")),
            (502, "<html>".to_owned(), retry(RETRY_MILLIS, "502")),
            (503, String::new(), another("503")),
        ] {
            assert_eq!(classify(status, None, &body), failure, "{status} {body}");
        }
    }

    #[test]
    fn the_header_comes_before_the_sentence() {
        let body = error("rate_limit_exceeded", "Please try again in 2m52.8s.");
        for (header, millis) in [
            (Some("7"), 7_000),
            (Some(" 1.5 "), 1_500),
            (Some("1e99"), u32::MAX),
            (Some("-1"), 172_800),
            (Some("NaN"), 172_800),
            (Some("Wed, 21 Oct 2026 07:28:00 GMT"), 172_800),
            (None, 172_800),
        ] {
            assert_eq!(
                classify(429, header, &body),
                retry(millis, "429 rate_limit_exceeded"),
                "{header:?}"
            );
        }
    }

    #[test]
    fn delays_are_read_in_every_unit() {
        for (text, millis) in [
            ("547ms", Some(547)),
            ("7.66s", Some(7_660)),
            ("2m52.5s", Some(172_500)),
            ("1h0m1s", Some(3_601_000)),
            ("", None),
            ("soon", None),
            ("7", None),
            ("7d", None),
            ("1.2.3s", None),
        ] {
            assert_eq!(delay_millis(text), millis, "{text}");
        }
    }

    #[test]
    fn a_sentence_in_place_of_a_code_is_not_repeated() {
        assert_eq!(
            classify(400, None, &error("the caller said: my number is", "m")),
            hopeless("400")
        );
    }
}
