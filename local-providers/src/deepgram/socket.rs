//! A socket of Deepgram's: how it is opened or refused, and the frames that pass through it.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Bytes;
use axum::extract::FromRequestParts;
use axum::extract::ws::rejection::WebSocketUpgradeRejection;
use axum::extract::ws::{CloseFrame, Message, WebSocket, WebSocketUpgrade};
use axum::http::HeaderMap;
use axum::http::request::Parts;
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};
use tokio::time::{Instant, interval, timeout};

use super::{BadRequest, Query, authorise, refusal, request_id, tag};
use crate::body::GARBAGE_EVERY;
use crate::log::{Exchange, Service};
use crate::script::{Fault, Script, Shape};
use crate::server::{Admission, Shared, Trouble};
use crate::valve::Valve;

/// A client that asks for a socket.
pub(crate) struct Knock {
    path: String,
    query: Query,
    headers: HeaderMap,
    needs_key: bool,
    valve: Valve,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
}

impl FromRequestParts<Arc<Shared>> for Knock {
    /// A client that asks for something else is answered by the service, which logs it.
    type Rejection = Infallible;

    async fn from_request_parts(
        parts: &mut Parts,
        shared: &Arc<Shared>,
    ) -> Result<Self, Infallible> {
        Ok(Self {
            path: parts.uri.path().to_owned(),
            query: Query::parse(parts.uri.query()),
            headers: parts.headers.clone(),
            needs_key: true,
            valve: Valve::from_request_parts(parts, shared).await?,
            upgrade: WebSocketUpgrade::from_request_parts(parts, shared).await,
        })
    }
}

/// A socket just opened, and all that its conversation needs.
pub(crate) struct Opened<O> {
    pub(crate) shared: Arc<Shared>,
    /// What the query asks for.
    pub(crate) options: O,
    pub(crate) request_id: String,
    pub(crate) script: Arc<Script>,
    pub(crate) wire: Wire,
}

impl Knock {
    pub(crate) fn headers(&self) -> &HeaderMap {
        &self.headers
    }

    /// The same client, who asks for this and needs no key.
    pub(crate) fn without_key(self, query: Query) -> Self {
        Self {
            query,
            needs_key: false,
            ..self
        }
    }

    /// Opens the socket for the conversation `talk`, or answers why not.
    pub(crate) async fn open<O, F>(
        self,
        shared: Arc<Shared>,
        service: Service,
        parse: impl FnOnce(&Query) -> Result<O, BadRequest>,
        talk: impl FnOnce(Opened<O>) -> F + Send + 'static,
    ) -> Response
    where
        O: Send + 'static,
        F: Future<Output = ()> + Send + 'static,
    {
        let fields = json!({ "path": self.path, "query": self.query.to_json() });
        let Admission {
            mut exchange,
            log_audio,
            script,
            trouble,
            ..
        } = shared.admit(service, fields, &self.valve);
        trouble.before_answer(&mut exchange).await;
        let request_id = request_id(exchange.conn());
        let admitted = if self.needs_key {
            authorise(&self.headers, shared.deepgram_key.as_deref())
        } else {
            Ok(())
        };
        let options = admitted.and_then(|()| parse(&self.query));
        let refused = trouble
            .refusal()
            .and_then(|fault| refusal(fault, &request_id));
        let response = match (options, refused, self.upgrade) {
            (Err(error), _, _) => error.into_response(&request_id),
            (_, Some(response), _) => response,
            (_, _, Err(rejection)) => rejection.into_response(),
            (Ok(options), None, Ok(upgrade)) => {
                let id = request_id.clone();
                let upgrade = upgrade.protocols(["token", "bearer"]);
                let mut response = upgrade.on_upgrade(move |socket| {
                    talk(Opened {
                        shared,
                        options,
                        request_id: id,
                        script,
                        wire: Wire::new(socket, exchange, log_audio, trouble),
                    })
                });
                tag(response.headers_mut(), &request_id);
                return response;
            }
        };
        exchange.ending(json!({ "by": "server", "status": response.status().as_u16() }));
        response
    }
}

/// A socket that logs what passes through it, and on which things go wrong.
pub(crate) struct Wire {
    socket: WebSocket,
    pub(crate) exchange: Exchange,
    pub(crate) log_audio: bool,
    pub(crate) trouble: Trouble,
    /// When the client pinged last.
    pub(crate) pinged: Option<Instant>,
    /// What goes wrong here and lasts: the log will tell with the end.
    suffers: Option<&'static str>,
}

/// The client is gone, so there is nobody to go on for.
pub(crate) struct Gone;

/// What comes to a socket.
pub(crate) enum Arrival {
    Fault(Fault),
    Message(FromClient),
}

impl Wire {
    fn new(socket: WebSocket, exchange: Exchange, log_audio: bool, trouble: Trouble) -> Self {
        Self {
            socket,
            exchange,
            log_audio,
            trouble,
            pinged: None,
            suffers: None,
        }
    }

    /// Sends a message, logging it under its `type` with the `fields` named.
    pub(crate) async fn text(&mut self, message: Value, logged: Value) -> Result<(), Gone> {
        let kind = message
            .get("type")
            .and_then(Value::as_str)
            .unwrap_or("text")
            .to_owned();
        self.exchange.sent(kind, logged);
        self.send(Message::text(message.to_string())).await
    }

    pub(crate) async fn audio(&mut self, bytes: Vec<u8>, logged: Value) -> Result<(), Gone> {
        if self.log_audio {
            self.exchange.sent("audio", logged);
        }
        self.send(Message::Binary(bytes.into())).await?;
        self.trouble.on_sound();
        Ok(())
    }

    async fn send(&mut self, message: Message) -> Result<(), Gone> {
        self.socket.send(message).await.map_err(|_| Gone)
    }

    /// The next message of the client, or the next thing to go wrong and end the conversation, in place of the message if that
    /// brought it on; an error once the client has gone.
    pub(crate) async fn next(&mut self) -> Result<Arrival, Gone> {
        loop {
            let fault = tokio::select! {
                biased;
                fault = self.trouble.next() => fault,
                message = receive(&mut self.socket, &mut self.exchange, &mut self.pinged, self.suffers) => {
                    let message = message?;
                    self.trouble.on_message(message.kind());
                    match self.trouble.due() {
                        None => return Ok(Arrival::Message(message)),
                        // It befalls the line: the message is answered, drop by drop.
                        Some(fault @ Fault::Drip { .. }) => {
                            self.drip(&fault);
                            return Ok(Arrival::Message(message));
                        }
                        Some(fault) => fault,
                    }
                }
            };
            match fault {
                Fault::Drip { .. } => self.drip(&fault),
                fault => return Ok(Arrival::Fault(fault)),
            }
        }
    }

    fn drip(&mut self, fault: &Fault) {
        if let Fault::Drip { every_ms, .. } = fault {
            self.trouble.valve.drip(Duration::from_millis(*every_ms));
            self.suffer_from("drip");
        }
    }

    /// From now on, until the client leaves.
    fn suffer_from(&mut self, fault: &'static str) {
        self.suffers = Some(fault);
        self.exchange
            .ending(json!({ "by": "client", "fault": fault }));
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

    /// What a fault does to an open socket. Nothing is left of it afterwards.
    pub(crate) async fn suffer(mut self, fault: Fault) {
        let mut next = Some(fault);
        while let Some(fault) = next {
            next = match fault {
                Fault::Close { code, reason, .. } => return self.close(code, reason).await,
                Fault::Error { body, shape, .. } => {
                    let body = match (body, shape) {
                        (Value::Null, Shape::Specification) => specified_error(),
                        (Value::Null, Shape::Wire | Shape::XGroq) => internal_error(),
                        (body, _) => body,
                    };
                    let _ = self.text(body, Value::Null).await;
                    return self.close(1011, "").await;
                }
                Fault::Garbage { .. } => {
                    self.suffer_from("garbage");
                    self.say_nothing(true).await
                }
                Fault::Stall { .. } => {
                    self.suffer_from("stall");
                    self.say_nothing(false).await
                }
                _ => {
                    self.exchange
                        .ending(json!({ "by": "fault", "fault": "cut" }));
                    return;
                }
            };
        }
    }

    /// Goes on reading and says nothing, or nothing sensible, until the client leaves or something else goes wrong.
    async fn say_nothing(&mut self, noise: bool) -> Option<Fault> {
        // On a socket that carries sound, a binary frame would be sound.
        let binary = matches!(self.trouble.service, Service::AiListen | Service::Listen);
        let mut every = interval(GARBAGE_EVERY);
        let mut said = 0_usize;
        loop {
            tokio::select! {
                arrival = self.next() => match arrival {
                    Ok(Arrival::Message(_)) => {}
                    Ok(Arrival::Fault(fault)) => return Some(fault),
                    Err(Gone) => return None,
                },
                _ = every.tick(), if noise => {
                    let message = match said % 3 {
                        1 if binary => Message::Binary(NOISE.into()),
                        2 => Message::text("[\"Results\", 7]"),
                        _ => Message::text("{\"type\": \"Res\u{fffd}"),
                    };
                    said += 1;
                    self.exchange.sent("garbage", Value::Null);
                    self.send(message).await.ok()?;
                }
            }
        }
    }
}

/// The next message of the client. Pings are answered below this layer. It may be dropped and called again.
async fn receive(
    socket: &mut WebSocket,
    exchange: &mut Exchange,
    pinged: &mut Option<Instant>,
    suffers: Option<&str>,
) -> Result<FromClient, Gone> {
    loop {
        match socket.recv().await {
            Some(Ok(Message::Binary(bytes))) => return Ok(FromClient::Binary(bytes)),
            Some(Ok(Message::Text(text))) => {
                let message: Value = serde_json::from_str(text.as_str()).unwrap_or(Value::Null);
                let kind = message
                    .get("type")
                    .and_then(Value::as_str)
                    .unwrap_or("unreadable")
                    .to_owned();
                exchange.received(kind.clone(), message.clone());
                return Ok(FromClient::Text { kind, message });
            }
            Some(Ok(Message::Ping(_))) => *pinged = Some(Instant::now()),
            Some(Ok(Message::Pong(_))) => {}
            Some(Ok(Message::Close(frame))) => {
                let mut ending = json!({ "by": "client", "code": frame.map(|frame| frame.code) });
                if let Some(fault) = suffers {
                    ending["fault"] = Value::from(fault);
                }
                exchange.ending(ending);
                return Err(Gone);
            }
            Some(Err(_)) | None => return Err(Gone),
        }
    }
}

/// The layout of older servers and of the SDKs' types.
fn internal_error() -> Value {
    json!({ "type": "Error", "description": "An unexpected error occurred.", "message": "Internal error.", "variant": "INTERNAL" })
}

/// The layout of the specification.
fn specified_error() -> Value {
    json!({ "type": "Error", "code": "INTERNAL_SERVER_ERROR", "description": "An unexpected error occurred." })
}

/// A message of the client.
pub(crate) enum FromClient {
    Binary(Bytes),
    Text { kind: String, message: Value },
}

impl FromClient {
    fn kind(&self) -> &str {
        match self {
            Self::Binary(_) => "audio",
            Self::Text { kind, .. } => kind,
        }
    }
}

/// Clients answer a close within a round trip; one that does not is gone.
const CLOSE_ANSWER: Duration = Duration::from_secs(1);

/// No text, and of no whole number of samples.
const NOISE: &[u8] = &[0xff, 0x00, 0xc3];
