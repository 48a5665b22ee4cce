//! What Deepgram's services have in common: authentication, errors, the query. What their sockets have in common is in
//! [`socket`], and what the two that listen have, in [`ear`].

mod ear;
pub(crate) mod flux;
pub(crate) mod listen;
pub(crate) mod socket;
pub(crate) mod speak;
pub(crate) mod speak_rest;

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use axum::body::Body;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::Response;
use serde_json::{Value, json};

use crate::script::Fault;

/// A service's query, whose members may repeat.
#[derive(Default)]
pub(crate) struct Query(Vec<(String, String)>);

impl Query {
    pub(crate) fn parse(raw: Option<&str>) -> Self {
        Self(
            form_urlencoded::parse(raw.unwrap_or_default().as_bytes())
                .into_owned()
                .collect(),
        )
    }

    /// A query with one more member.
    pub(crate) fn with(mut self, name: &str, value: impl Into<String>) -> Self {
        self.0.push((name.to_owned(), value.into()));
        self
    }

    pub(crate) fn first(&self, name: &str) -> Option<&str> {
        self.0
            .iter()
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.as_str())
    }

    /// A boolean member. Anything but `true` and `false` is an error.
    pub(crate) fn flag(&self, name: &'static str) -> Result<bool, BadRequest> {
        match self.first(name) {
            None | Some("false") => Ok(false),
            Some("true") => Ok(true),
            Some(_) => Err(BadRequest::new(format!("{name} must be true or false."))),
        }
    }

    /// Every value of a member that may repeat.
    pub(crate) fn all(&self, name: &str) -> Vec<String> {
        let named = self.0.iter().filter(|(key, _)| key == name);
        named.map(|(_, value)| value.clone()).collect()
    }

    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|(name, _)| name.as_str())
    }

    pub(crate) fn number<T: FromStr>(&self, name: &'static str) -> Result<Option<T>, BadRequest> {
        let parse = |value: &str| {
            value
                .parse()
                .map_err(|_| BadRequest::new(format!("{name} must be a number.")))
        };
        self.first(name).map(parse).transpose()
    }

    /// Everything, for the log. A key is never in the query.
    pub(crate) fn to_json(&self) -> Value {
        let mut members: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        for (key, value) in &self.0 {
            members.entry(key).or_default().push(value);
        }
        json!(members)
    }
}

/// Why a request's query or body was not accepted.
#[derive(Debug)]
pub(crate) struct BadRequest {
    status: StatusCode,
    code: &'static str,
    text: String,
}

impl BadRequest {
    pub(crate) fn new(text: impl Into<String>) -> Self {
        Self::with(StatusCode::BAD_REQUEST, "INVALID_QUERY_PARAMETER", text)
    }

    pub(crate) fn with(status: StatusCode, code: &'static str, text: impl Into<String>) -> Self {
        Self {
            status,
            code,
            text: text.into(),
        }
    }

    pub(crate) fn into_response(self, request_id: &str) -> Response {
        let body = json!({ "err_code": self.code, "err_msg": self.text, "request_id": request_id });
        error_response(self.status, &body, request_id)
    }
}

impl fmt::Display for BadRequest {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.text)
    }
}

/// `Token <key>`, `Bearer <token>`, or the subprotocols that a browser sends in their place.
pub(crate) fn authorise(headers: &HeaderMap, key: Option<&str>) -> Result<(), BadRequest> {
    let text = |name: HeaderName| headers.get(name).and_then(|value| value.to_str().ok());
    let offered = match text(header::AUTHORIZATION) {
        Some(value) => value
            .split_once(' ')
            .filter(|(scheme, _)| is_scheme(scheme)),
        None => text(header::SEC_WEBSOCKET_PROTOCOL)
            .and_then(|value| value.split_once(','))
            .filter(|(scheme, _)| is_scheme(scheme)),
    };
    let accepted = offered
        .map(|(_, offered)| offered.trim())
        .is_some_and(|offered| match key {
            Some(key) => offered == key,
            None => !offered.is_empty(),
        });
    if accepted {
        Ok(())
    } else {
        Err(BadRequest::with(
            StatusCode::UNAUTHORIZED,
            "INVALID_AUTH",
            "Invalid credentials.",
        ))
    }
}

fn is_scheme(word: &str) -> bool {
    ["bearer", "token"]
        .iter()
        .any(|scheme| word.trim().eq_ignore_ascii_case(scheme))
}

/// A refusal from the script.
pub(crate) fn refusal(fault: &Fault, request_id: &str) -> Option<Response> {
    let Fault::Refuse {
        status,
        body,
        headers,
    } = fault
    else {
        return None;
    };
    let status = StatusCode::from_u16(*status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let body = if body.is_null() {
        usual_body(status, request_id)
    } else {
        body.clone()
    };
    let mut response = error_response(status, &body, request_id);
    add_headers(response.headers_mut(), headers);
    Some(response)
}

/// Headers from a script; those that HTTP does not allow are left out.
pub(crate) fn add_headers(to: &mut HeaderMap, headers: &BTreeMap<String, String>) {
    for (name, value) in headers {
        if let (Ok(name), Ok(value)) = (HeaderName::try_from(name), HeaderValue::try_from(value)) {
            to.insert(name, value);
        }
    }
}

fn usual_body(status: StatusCode, request_id: &str) -> Value {
    let (code, text) = match status.as_u16() {
        401 => ("INVALID_AUTH", "Invalid credentials."),
        402 => (
            "ASR_PAYMENT_REQUIRED",
            "Project does not have enough credits for an ASR request and does not have an overage agreement.",
        ),
        403 => (
            "INSUFFICIENT_PERMISSIONS",
            "User does not have sufficient permissions.",
        ),
        429 => ("Too Many Requests", "Please try again later."),
        // The one answer whose member has another name.
        503 => {
            return json!({ "error_code": "SERVICE_UNAVAILABLE", "err_msg": "Please try again later.", "request_id": request_id });
        }
        _ => ("INTERNAL_SERVER_ERROR", "An unexpected error occurred."),
    };
    json!({ "err_code": code, "err_msg": text, "request_id": request_id })
}

/// The body and the `dg-error` header hold the same text.
fn error_response(status: StatusCode, body: &Value, request_id: &str) -> Response {
    let (text, content_type) = match body {
        Value::String(text) => (text.clone(), "text/plain"),
        other => (other.to_string(), "application/json"),
    };
    let mut response = Response::new(Body::from(text.clone()));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    if let Ok(value) = HeaderValue::try_from(text) {
        headers.insert("dg-error", value);
    }
    tag(headers, request_id);
    response
}

/// Every answer carries the request's id.
pub(crate) fn tag(headers: &mut HeaderMap, request_id: &str) {
    if let Ok(value) = HeaderValue::try_from(request_id) {
        headers.insert("dg-request-id", value);
    }
}

/// Stable for a connection, so that two runs of a test read the same.
pub(crate) fn request_id(conn: u64) -> String {
    format!("01a0{:04x}-0000-7000-8000-{conn:012x}", conn & 0xffff)
}

/// Times go through 32 bits, as on the wire: `4.7700005`.
pub(crate) fn seconds(value: f64) -> Value {
    let text = (value as f32).to_string();
    json!(text.parse::<f64>().unwrap_or(value))
}

/// The whole sentence with its link in lower case; the label "NET-0001" is not on the wire.
pub(crate) const NET_0001: &str = "Deepgram did not receive audio data or a text message within the timeout window. See https://dpgr.am/net0001";

pub(crate) const DATA_0000: &str =
    "DATA-0000: the audio cannot be decoded with the stated encoding.";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_look_like_32_bit_floats() {
        assert_eq!(seconds(4.770_000_5).to_string(), "4.7700005");
        assert_eq!(seconds(-1.0).to_string(), "-1.0");
    }
}
