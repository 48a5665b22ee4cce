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
use tokio::time::{Instant, sleep, timeout};

use super::{BadRequest, Query, authorise, refusal, request_id, tag};
use crate::log::{Exchange, Service};
use crate::script::{Fault, Script};
use crate::server::{Admission, Shared, Trouble};

/// A client that asks for a socket.
pub(crate) struct Knock {
    path: String,
    query: Query,
    headers: HeaderMap,
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
    pub(crate) trouble: Trouble,
}

impl Knock {
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
        } = shared.admit(service, fields);
        let request_id = request_id(exchange.conn());
        let options = authorise(&self.headers, shared.deepgram_key.as_deref())
            .and_then(|()| parse(&self.query));
        let refused = trouble
            .refusal()
            .and_then(|fault| refusal(fault, &request_id));
        let response = match (options, refused, self.upgrade) {
            (Err(error), _, _) => error.into_response(&request_id),
            (_, Some(response), _) => response,
            (_, _, Err(rejection)) => rejection.into_response(),
            (Ok(options), None, Ok(upgrade)) => {
                // A voice is late with its sound instead.
                if service == Service::Listen {
                    sleep(trouble.delay()).await;
                }
                let id = request_id.clone();
                let upgrade = upgrade.protocols(["token", "bearer"]);
                let mut response = upgrade.on_upgrade(move |socket| {
                    talk(Opened {
                        shared,
                        options,
                        request_id: id,
                        script,
                        wire: Wire::new(socket, exchange, log_audio),
                        trouble,
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

/// A socket that logs what passes through it.
pub(crate) struct Wire {
    socket: WebSocket,
    pub(crate) exchange: Exchange,
    pub(crate) log_audio: bool,
    /// When the client pinged last.
    pub(crate) pinged: Option<Instant>,
}

/// The client is gone, so there is nobody to go on for.
pub(crate) struct Gone;

impl Wire {
    fn new(socket: WebSocket, exchange: Exchange, log_audio: bool) -> Self {
        Self {
            socket,
            exchange,
            log_audio,
            pinged: None,
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
                Some(Ok(Message::Ping(_))) => self.pinged = Some(Instant::now()),
                Some(Ok(Message::Pong(_))) => {}
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
