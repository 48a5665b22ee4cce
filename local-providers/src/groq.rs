//! `POST /openai/v1/chat/completions`: the model's answer as Groq frames it, streamed or whole. What it shares with the
//! list of [`models`]: who may ask, and refusals.

mod answer;
pub(crate) mod models;
mod request;

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::Response;
use serde_json::{Value, json};

use crate::deepgram::add_headers;
use crate::log::{Exchange, Service};
use crate::script::{Fault, Script};
use crate::server::{Admission, Shared, Trouble};
use crate::valve::Valve;

use answer::Answer;

pub(crate) use request::{ChatRequest, Function};

pub(crate) async fn complete(
    State(shared): State<Arc<Shared>>,
    valve: Valve,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let logged: Value = serde_json::from_slice(&body).unwrap_or(Value::Null);
    let fields = json!({ "model": logged["model"] });
    let Admission {
        mut exchange,
        script,
        ordinal,
        trouble,
        ..
    } = shared.admit(Service::Chat, fields, &valve);
    exchange.received("request", json!({ "request": logged }));
    trouble.before_answer(&mut exchange).await;
    let request =
        admit(&headers, &body, &script, shared.groq_key.as_deref()).and_then(
            |request| match planned(&trouble, &request.model) {
                Some(refusal) => Err(refusal),
                None => Ok(request),
            },
        );
    let request = match request {
        Ok(request) => request,
        Err(refusal) => return refuse(exchange, &refusal),
    };
    let deltas = shared.backend.complete(&script, &request, ordinal);
    let answer = Answer::new(exchange, trouble, script, request, deltas);
    let mut response = answer.respond().await;
    rate_limit_headers(response.headers_mut());
    response
}

/// An answer before any stream.
struct Refusal {
    status: StatusCode,
    body: Value,
    headers: BTreeMap<String, String>,
}

impl Refusal {
    fn new(status: StatusCode, body: Value) -> Self {
        Self {
            status,
            body,
            headers: BTreeMap::new(),
        }
    }

    /// In the vendor's layout.
    fn invalid(status: StatusCode, code: Option<&str>, message: impl Into<String>) -> Self {
        let message = message.into();
        let mut body = json!({ "error": { "message": message, "type": "invalid_request_error" } });
        if let Some(code) = code {
            body["error"]["code"] = Value::from(code);
        }
        Self::new(status, body)
    }
}

/// A refusal from the script, of a request for `model`.
fn planned(trouble: &Trouble, model: &str) -> Option<Refusal> {
    let Fault::Refuse {
        status,
        body,
        headers,
    } = trouble.refusal()?
    else {
        return None;
    };
    let status = StatusCode::from_u16(*status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let body = if body.is_null() {
        usual_body(status, model)
    } else {
        body.clone()
    };
    Some(Refusal {
        status,
        body,
        headers: headers.clone(),
    })
}

/// What has to hold before anything is answered.
fn authorise(headers: &HeaderMap, key: Option<&str>) -> Result<(), Refusal> {
    // The front stops clients that do not say who they are; a Worker's fetch says nothing by itself.
    if headers
        .get(header::USER_AGENT)
        .is_none_or(HeaderValue::is_empty)
    {
        let body = Value::from("error code: 1010");
        return Err(Refusal::new(StatusCode::FORBIDDEN, body));
    }
    let offered = headers
        .get(header::AUTHORIZATION)
        .and_then(|value| value.to_str().ok());
    let offered = offered
        .and_then(|value| value.strip_prefix("Bearer "))
        .map(str::trim)
        .unwrap_or_default();
    if key.map_or(offered.is_empty(), |key| offered != key) {
        return Err(Refusal::invalid(
            StatusCode::UNAUTHORIZED,
            Some("invalid_api_key"),
            "Invalid API Key",
        ));
    }
    Ok(())
}

/// What has to hold before a model sees the request.
fn admit(
    headers: &HeaderMap,
    body: &[u8],
    script: &Script,
    key: Option<&str>,
) -> Result<ChatRequest, Refusal> {
    authorise(headers, key)?;
    let request = ChatRequest::parse(body)
        .map_err(|message| Refusal::invalid(StatusCode::BAD_REQUEST, None, message))?;
    if script.settings.withdrawn_models.contains(&request.model) {
        return Err(Refusal::new(
            StatusCode::NOT_FOUND,
            usual_body(StatusCode::NOT_FOUND, &request.model),
        ));
    }
    Ok(request)
}

fn refuse(mut exchange: Exchange, refusal: &Refusal) -> Response {
    exchange.ending(json!({ "by": "server", "status": refusal.status.as_u16() }));
    let (text, content_type) = match &refusal.body {
        Value::String(text) => (text.clone(), "text/plain; charset=UTF-8"),
        other => (other.to_string(), "application/json"),
    };
    let mut response = Response::new(Body::from(text));
    *response.status_mut() = refusal.status;
    response
        .headers_mut()
        .insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    add_headers(response.headers_mut(), &refusal.headers);
    response
}

/// The vendor's own words for a status.
fn usual_body(status: StatusCode, model: &str) -> Value {
    let (kind, code, message) = match status.as_u16() {
        404 => (
            "invalid_request_error",
            "model_not_found",
            format!("The model `{model}` does not exist or you do not have access to it."),
        ),
        413 => (
            "tokens",
            "rate_limit_exceeded",
            format!(
                "Request too large for model `{model}` in organization `org_local` service tier `on_demand` on tokens per minute (TPM): Limit 8000, Requested 8222, please reduce your message size and try again."
            ),
        ),
        429 => (
            "tokens",
            "rate_limit_exceeded",
            format!(
                "Rate limit reached for model `{model}` in organization `org_local` service tier `on_demand` on tokens per minute (TPM): Limit 8000, Used 7311, Requested 4824. Please try again in 31.0125s."
            ),
        ),
        503 => (
            "internal_server_error",
            "over_capacity",
            format!(
                "{model} is currently over capacity. Please try again and back off exponentially."
            ),
        ),
        _ => (
            "internal_server_error",
            "internal_error",
            "Internal Server Error".to_owned(),
        ),
    };
    json!({ "error": { "message": message, "type": kind, "code": code } })
}

/// Requests count by day, tokens by minute.
fn rate_limit_headers(headers: &mut HeaderMap) {
    for (name, value) in [
        ("x-ratelimit-limit-requests", "1000"),
        ("x-ratelimit-remaining-requests", "999"),
        ("x-ratelimit-reset-requests", "1m26.4s"),
        ("x-ratelimit-limit-tokens", "8000"),
        ("x-ratelimit-remaining-tokens", "7712"),
        ("x-ratelimit-reset-tokens", "2.16s"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
}
