//! What Deepgram's services have in common: authentication, errors, the query, the frames of a socket.

pub(crate) mod listen;
pub(crate) mod speak;
pub(crate) mod speak_rest;

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::extract::ws::{CloseFrame, Message, WebSocket};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::Response;
use serde_json::{Value, json};
use tokio::time::timeout;

use crate::log::Exchange;
use crate::script::Fault;

/// A service's query, whose members may repeat.
pub(crate) struct Query(Vec<(String, String)>);

impl Query {
    pub(crate) fn parse(raw: Option<&str>) -> Self {
        Self(
            form_urlencoded::parse(raw.unwrap_or_default().as_bytes())
                .into_owned()
                .collect(),
        )
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

    pub(crate) fn number(&self, name: &'static str) -> Result<Option<u32>, BadRequest> {
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

/// A socket that logs what passes through it.
pub(crate) struct Wire {
    pub(crate) socket: WebSocket,
    pub(crate) exchange: Exchange,
    pub(crate) log_audio: bool,
}

/// The client is gone, so there is nobody to go on for.
pub(crate) struct Gone;

impl Wire {
    /// Sends a message, logging it under its `type` with the `fields` named.
    pub(crate) async fn text(&mut self, message: Value, logged: Value) -> Result<(), Gone> {
        let kind = message
            .get("type")
            .and_then(Value::as_str)
            .unwrap_or("text")
            .to_owned();
        self.exchange.sent(kind, logged);
        self.socket
            .send(Message::text(message.to_string()))
            .await
            .map_err(|_| Gone)
    }

    pub(crate) async fn audio(&mut self, bytes: Vec<u8>, logged: Value) -> Result<(), Gone> {
        if self.log_audio {
            self.exchange.sent("audio", logged);
        }
        self.socket
            .send(Message::Binary(bytes.into()))
            .await
            .map_err(|_| Gone)
    }

    /// The next message of the client; nothing once it has gone. Pings are answered below this layer.
    pub(crate) async fn receive(&mut self) -> Option<FromClient> {
        loop {
            match self.socket.recv().await {
                Some(Ok(Message::Binary(bytes))) => return Some(FromClient::Binary(bytes)),
                Some(Ok(Message::Text(text))) => {
                    let message: Value = serde_json::from_str(text.as_str()).unwrap_or(Value::Null);
                    let kind = message
                        .get("type")
                        .and_then(Value::as_str)
                        .unwrap_or("unreadable")
                        .to_owned();
                    self.exchange.received(kind.clone(), message.clone());
                    return Some(FromClient::Text { kind, message });
                }
                Some(Ok(Message::Ping(_) | Message::Pong(_))) => {}
                Some(Ok(Message::Close(frame))) => {
                    let code = frame.map(|frame| frame.code);
                    self.exchange
                        .ending(json!({ "by": "client", "code": code }));
                    return None;
                }
                Some(Err(_)) | None => return None,
            }
        }
    }

    /// Closes, and gives the client a moment to answer so that it reads the code and not a reset.
    pub(crate) async fn close(mut self, code: u16, reason: impl Into<String>) {
        let reason = reason.into();
        self.exchange
            .ending(json!({ "by": "server", "code": code, "reason": reason }));
        let frame = CloseFrame {
            code,
            reason: reason.into(),
        };
        if self.socket.send(Message::Close(Some(frame))).await.is_ok() {
            let answered = async { while let Some(Ok(_)) = self.socket.recv().await {} };
            let _ = timeout(CLOSE_ANSWER, answered).await;
        }
    }

    /// Goes on reading and says nothing, until the client leaves.
    pub(crate) async fn stall(mut self) {
        self.exchange
            .ending(json!({ "by": "client", "fault": "stall" }));
        while self.receive().await.is_some() {}
    }

    /// What a fault does to an open socket. Nothing is left of it afterwards.
    pub(crate) async fn suffer(mut self, fault: Fault) {
        match fault {
            Fault::Close { code, reason, .. } => self.close(code, reason).await,
            Fault::Cut { .. } => self
                .exchange
                .ending(json!({ "by": "fault", "fault": "cut" })),
            Fault::Error { body, .. } => {
                let body = if body.is_null() {
                    internal_error()
                } else {
                    body
                };
                let _ = self.text(body, Value::Null).await;
                self.close(1011, "").await;
            }
            Fault::Stall { .. } | Fault::Delay { .. } | Fault::Refuse { .. } => self.stall().await,
        }
    }
}

/// The layout of older servers and of the SDKs' types.
fn internal_error() -> Value {
    json!({ "type": "Error", "description": "An unexpected error occurred.", "message": "Internal error.", "variant": "INTERNAL" })
}

/// A message of the client.
pub(crate) enum FromClient {
    Binary(Bytes),
    Text { kind: String, message: Value },
}

/// Clients answer a close within a round trip; one that does not is gone.
const CLOSE_ANSWER: Duration = Duration::from_secs(1);
