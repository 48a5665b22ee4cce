//! `POST /2010-04-01/Accounts/{sid}/Calls/{sid}.json`: a call in progress is ended or given other instructions.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use axum::body::{Body, Bytes};
use axum::extract::{Path, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::Response;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::event::EventKind;
use super::line::{Command, Line};
use super::twiml::Document;
use crate::body::{page, whole};
use crate::deepgram::add_headers;
use crate::log::{Exchange, Service};
use crate::script::Fault;
use crate::server::{Admission, Shared};
use crate::valve::Valve;

/// Every call there has been: what is over is still known to be.
#[derive(Default)]
pub(crate) struct Switchboard(Mutex<HashMap<String, Entry>>);

struct Entry {
    account_sid: String,
    auth_token: String,
    line: Weak<Line>,
}

impl Switchboard {
    pub(crate) fn enter(&self, line: &Arc<Line>) {
        let entry = Entry {
            account_sid: line.dial.account_sid.clone(),
            auth_token: line.dial.auth_token.clone(),
            line: Arc::downgrade(line),
        };
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(line.call_sid.clone(), entry);
    }

    /// The call, if the credentials are those of its account; 401 or 404 otherwise. A call without a line is over.
    fn find(
        &self,
        account_sid: &str,
        call_sid: &str,
        credentials: Option<&(String, String)>,
    ) -> Result<Option<Arc<Line>>, Refusal> {
        let calls = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let known = calls.values().any(|entry| {
            credentials.is_some_and(|(user, password)| {
                user == account_sid && *user == entry.account_sid && *password == entry.auth_token
            })
        });
        if !known {
            return Err(Refusal::new(401, 20_003, "Authenticate"));
        }
        match calls.get(call_sid) {
            Some(entry) if entry.account_sid == account_sid => Ok(entry.line.upgrade()),
            _ => {
                let message = format!(
                    "The requested resource /2010-04-01/Accounts/{account_sid}/Calls/{call_sid}.json was not found"
                );
                Err(Refusal::new(404, 20_404, message))
            }
        }
    }
}

/// Twilio's way to say no.
struct Refusal {
    status: u16,
    code: u32,
    message: String,
}

impl Refusal {
    fn new(status: u16, code: u32, message: impl Into<String>) -> Self {
        let message = message.into();
        Self {
            status,
            code,
            message,
        }
    }

    fn over() -> Self {
        Self::new(400, 21_220, "Call is not in-progress. Cannot redirect.")
    }

    fn malformed(message: &str) -> Self {
        Self::new(400, 20_001, message)
    }

    fn body(&self) -> Value {
        json!({
            "code": self.code,
            "message": self.message,
            "more_info": format!("https://www.twilio.com/docs/errors/{}", self.code),
            "status": self.status,
        })
    }
}

pub(crate) async fn update(
    State(shared): State<Arc<Shared>>,
    valve: Valve,
    Path((account_sid, call)): Path<(String, String)>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let form: Vec<(String, String)> = form_urlencoded::parse(&body).into_owned().collect();
    let call_sid = call.strip_suffix(".json").unwrap_or(&call).to_owned();
    let fields = json!({ "call_sid": call_sid, "form": form });
    let Admission {
        mut exchange,
        mut trouble,
        ..
    } = shared.admit(Service::Rest, fields, &valve);
    trouble.before_answer(&mut exchange).await;
    if let Some(page) = page(&mut exchange, &mut trouble) {
        return page;
    }
    let line = shared
        .calls
        .find(&account_sid, &call_sid, credentials(&headers).as_ref());
    let request = described(&form);
    if let Some(Fault::Refuse {
        status,
        body,
        headers,
    }) = trouble.refusal()
    {
        let body = match body {
            Value::Null => usual_body(*status),
            body => body.clone(),
        };
        let mut response = respond(exchange, *status, &body);
        add_headers(response.headers_mut(), headers);
        tell(line.ok().flatten().as_ref(), request, *status);
        return response;
    }
    let line = match line {
        Ok(line) => line,
        Err(refusal) => return respond(exchange, refusal.status, &refusal.body()),
    };
    let accepted = Change::read(&headers, &form).and_then(|change| match &line {
        Some(line) => change.accept(line).map(|accepted| (line, accepted)),
        None => Err(Refusal::over()),
    });
    match accepted {
        Ok((line, (command, status))) => {
            tell(Some(line), request, 200);
            line.command(command);
            let resource = resource(line, status).to_string();
            let mut response = Response::new(whole(exchange, trouble, resource.into_bytes()));
            response.headers_mut().insert(header::CONTENT_TYPE, JSON);
            response
        }
        Err(refusal) => {
            tell(line.as_ref(), request, refusal.status);
            respond(exchange, refusal.status, &refusal.body())
        }
    }
}

fn tell(line: Option<&Arc<Line>>, request: String, status: u16) {
    if let Some(line) = line {
        line.tell(EventKind::Rest { request, status });
    }
}

fn described(form: &[(String, String)]) -> String {
    let members: Vec<String> = form
        .iter()
        .map(|(name, value)| format!("{name}={value}"))
        .collect();
    members.join("&")
}

/// What is asked for.
enum Change {
    Cancel,
    Complete,
    Instructions(String),
    InstructionsAt(String),
}

impl Change {
    fn read(headers: &HeaderMap, form: &[(String, String)]) -> Result<Self, Refusal> {
        let kind = headers
            .get(header::CONTENT_TYPE)
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default();
        if !kind.starts_with("application/x-www-form-urlencoded") {
            return Err(Refusal::malformed("The body is not a form"));
        }
        let member = |name: &str| form.iter().find(|(key, _)| key == name);
        match (member("Status"), member("Twiml"), member("Url")) {
            (Some((_, status)), None, None) if status == "completed" => Ok(Self::Complete),
            (Some((_, status)), None, None) if status == "canceled" => Ok(Self::Cancel),
            (Some(_), None, None) => Err(Refusal::malformed("Invalid Status")),
            (None, Some((_, twiml)), None) => Ok(Self::Instructions(twiml.clone())),
            (None, None, Some((_, url))) => Ok(Self::InstructionsAt(url.clone())),
            (None, None, None) => Err(Refusal::malformed("Nothing to update")),
            _ => Err(Refusal::malformed("One of Status, Twiml and Url")),
        }
    }

    /// What the call's task is to do, and the status of the call from now on.
    fn accept(self, line: &Line) -> Result<(Command, &'static str), Refusal> {
        let mut state = line.state();
        // Only a call that does not talk yet can be cancelled.
        if state.over || matches!(self, Self::Cancel) {
            return Err(Refusal::over());
        }
        Ok(match self {
            Self::Cancel | Self::Complete => {
                state.over = true;
                (Command::Complete, "completed")
            }
            Self::Instructions(twiml) => {
                (Command::Redirect(Document::parse(&twiml)), "in-progress")
            }
            Self::InstructionsAt(url) => (Command::RedirectTo(url), "in-progress"),
        })
    }
}

/// The call as Twilio describes it.
fn resource(line: &Line, status: &str) -> Value {
    let (account_sid, call_sid) = (&line.dial.account_sid, &line.call_sid);
    let uri = format!("/2010-04-01/Accounts/{account_sid}/Calls/{call_sid}");
    json!({
        "sid": call_sid,
        "account_sid": account_sid,
        "api_version": "2010-04-01",
        "from": line.dial.from,
        "to": line.dial.to,
        "direction": "inbound",
        "status": status,
        "answered_by": null,
        "caller_name": "",
        "duration": null,
        "end_time": null,
        "forwarded_from": null,
        "group_sid": null,
        "parent_call_sid": null,
        "price": null,
        "price_unit": "USD",
        "queue_time": "0",
        "trunk_sid": "",
        "uri": format!("{uri}.json"),
        "subresource_uris": {
            "events": format!("{uri}/Events.json"),
            "recordings": format!("{uri}/Recordings.json"),
            "streams": format!("{uri}/Streams.json"),
        },
    })
}

/// User and password of Basic authentication.
fn credentials(headers: &HeaderMap) -> Option<(String, String)> {
    let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let encoded = value.strip_prefix("Basic ")?;
    let decoded = String::from_utf8(STANDARD.decode(encoded.trim()).ok()?).ok()?;
    let (user, password) = decoded.split_once(':')?;
    Some((user.to_owned(), password.to_owned()))
}

fn usual_body(status: u16) -> Value {
    let (code, message) = match status {
        400 => return Refusal::over().body(),
        401 => (20_003, "Authenticate"),
        404 => (20_404, "The requested resource was not found"),
        429 => (20_429, "Too Many Requests"),
        503 => (20_503, "Service Unavailable"),
        _ => (20_500, "Internal Server Error"),
    };
    Refusal::new(status, code, message).body()
}

const JSON: HeaderValue = HeaderValue::from_static("application/json");

fn respond(mut exchange: Exchange, status: u16, body: &Value) -> Response {
    exchange.ending(json!({ "by": "server", "status": status }));
    let mut response = Response::new(Body::from(body.to_string()));
    *response.status_mut() =
        StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, JSON);
    if status == 401 {
        headers.insert(
            header::WWW_AUTHENTICATE,
            HeaderValue::from_static("Basic realm=\"Twilio API\""),
        );
    }
    response
}
