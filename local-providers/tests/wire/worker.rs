//! A worker small enough to see through: it answers webhooks with what a test gives it and hands the media socket over.

use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Bytes;
use axum::extract::ws::{CloseFrame, Message, WebSocket};
use axum::extract::{State, WebSocketUpgrade};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::mpsc;

/// The worker.
pub(crate) struct Worker {
    pub(crate) origin: String,
    voice: mpsc::UnboundedReceiver<Asked>,
    status: mpsc::UnboundedReceiver<Asked>,
    media: mpsc::UnboundedReceiver<(String, WebSocket)>,
}

/// A webhook request.
pub(crate) struct Asked {
    pub(crate) form: Vec<(String, String)>,
    pub(crate) signature: String,
}

impl Asked {
    pub(crate) fn member(&self, name: &str) -> Option<&str> {
        let member = self.form.iter().find(|(key, _)| key == name);
        member.map(|(_, value)| value.as_str())
    }
}

struct Shared {
    answer: Mutex<(StatusCode, String)>,
    voice: mpsc::UnboundedSender<Asked>,
    status: mpsc::UnboundedSender<Asked>,
    media: mpsc::UnboundedSender<(String, WebSocket)>,
}

impl Worker {
    /// One that connects each call to its own media socket, and then says this TwiML.
    pub(crate) async fn start(after: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let host = listener.local_addr().expect("an address").to_string();
        let twiml = connect(&format!("ws://{host}/twilio/media"), after);
        Self::run(listener, StatusCode::OK, twiml)
    }

    /// One that answers the webhook like this.
    pub(crate) async fn answering(status: StatusCode, twiml: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        Self::run(listener, status, twiml.to_owned())
    }

    fn run(listener: TcpListener, status: StatusCode, twiml: String) -> Self {
        let origin = format!("http://{}", listener.local_addr().expect("an address"));
        let (voice, asked_voice) = mpsc::unbounded_channel();
        let (told_status, status_asked) = mpsc::unbounded_channel();
        let (media, opened) = mpsc::unbounded_channel();
        let shared = Arc::new(Shared {
            answer: Mutex::new((status, twiml)),
            voice,
            status: told_status,
            media,
        });
        let router = Router::new()
            .route("/twilio/voice", post(answer))
            .route("/twilio/status", post(note))
            .route("/twilio/media", get(upgrade))
            .with_state(shared);
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self {
            origin,
            voice: asked_voice,
            status: status_asked,
            media: opened,
        }
    }

    pub(crate) async fn voice(&mut self) -> Asked {
        self.voice.recv().await.expect("the worker runs")
    }

    pub(crate) async fn status(&mut self) -> Asked {
        self.status.recv().await.expect("the worker runs")
    }

    /// The media socket, and the signature of its upgrade.
    pub(crate) async fn media(&mut self) -> (String, Media) {
        let (signature, socket) = self.media.recv().await.expect("the worker runs");
        let stream_sid = String::new();
        (signature, Media { socket, stream_sid })
    }
}

/// TwiML that connects a stream.
pub(crate) fn connect(url: &str, after: &str) -> String {
    format!(
        r#"<?xml version="1.0" encoding="UTF-8"?><Response><Connect><Stream url="{url}"><Parameter name="token" value="a&amp;b"/></Stream></Connect>{after}</Response>"#
    )
}

fn asked(headers: &HeaderMap, body: &[u8]) -> Asked {
    let signature = headers["x-twilio-signature"].to_str().expect("text");
    Asked {
        form: form_urlencoded::parse(body).into_owned().collect(),
        signature: signature.to_owned(),
    }
}

async fn answer(State(shared): State<Arc<Shared>>, headers: HeaderMap, body: Bytes) -> Response {
    let _ = shared.voice.send(asked(&headers, &body));
    let (status, twiml) = shared.answer.lock().expect("no panic").clone();
    (status, [("content-type", "text/xml; charset=utf-8")], twiml).into_response()
}

async fn note(State(shared): State<Arc<Shared>>, headers: HeaderMap, body: Bytes) -> StatusCode {
    let _ = shared.status.send(asked(&headers, &body));
    StatusCode::NO_CONTENT
}

async fn upgrade(
    State(shared): State<Arc<Shared>>,
    headers: HeaderMap,
    upgrade: WebSocketUpgrade,
) -> Response {
    let signature = headers["x-twilio-signature"]
        .to_str()
        .expect("text")
        .to_owned();
    upgrade.on_upgrade(async move |socket| {
        let _ = shared.media.send((signature, socket));
    })
}

/// The worker's end of a stream.
pub(crate) struct Media {
    socket: WebSocket,
    stream_sid: String,
}

impl Media {
    /// The next message that is no sound; `{"event":"closed","code":…}` for the close, 1006 for a lost connection.
    pub(crate) async fn event(&mut self) -> Value {
        loop {
            let message = self.next().await;
            if message["event"] != "media" {
                return message;
            }
        }
    }

    pub(crate) async fn next(&mut self) -> Value {
        match self.socket.recv().await {
            Some(Ok(Message::Text(text))) => {
                let message: Value = serde_json::from_str(&text).expect("JSON");
                if message["event"] == "start" {
                    let stream_sid = message["streamSid"].as_str().expect("a name");
                    self.stream_sid = stream_sid.to_owned();
                }
                message
            }
            Some(Ok(Message::Close(frame))) => {
                json!({ "event": "closed", "code": frame.map_or(1_005, |frame| frame.code) })
            }
            Some(Ok(_)) => Value::Null,
            Some(Err(_)) | None => json!({ "event": "closed", "code": 1_006 }),
        }
    }

    pub(crate) async fn text(&mut self, text: String) {
        let _ = self.socket.send(Message::text(text)).await;
    }

    pub(crate) async fn binary(&mut self, bytes: Vec<u8>) {
        let _ = self.socket.send(Message::binary(bytes)).await;
    }

    pub(crate) async fn play(&mut self, codes: &[u8]) {
        let payload = STANDARD.encode(codes);
        let stream_sid = &self.stream_sid;
        let message =
            json!({ "event": "media", "streamSid": stream_sid, "media": { "payload": payload } });
        self.text(message.to_string()).await;
    }

    pub(crate) async fn mark(&mut self, name: &str) {
        let stream_sid = &self.stream_sid;
        let message = json!({ "event": "mark", "streamSid": stream_sid, "mark": { "name": name } });
        self.text(message.to_string()).await;
    }

    pub(crate) async fn clear(&mut self) {
        let message = json!({ "event": "clear", "streamSid": self.stream_sid });
        self.text(message.to_string()).await;
    }

    pub(crate) async fn close(&mut self) {
        let frame = CloseFrame {
            code: 1_000,
            reason: "".into(),
        };
        let _ = self.socket.send(Message::Close(Some(frame))).await;
    }
}
