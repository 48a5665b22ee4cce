//! `POST /v1/speak`: a voice over one request, chunked as it is made.

use std::io;
use std::sync::Arc;

use axum::body::{Body, Bytes};
use axum::extract::{RawQuery, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::Response;
use futures_util::stream;
use serde::Deserialize;
use serde_json::json;
use tokio::sync::mpsc;
use tokio::time::{Duration, sleep};

use super::speak::{CHARACTERS_MOST, MODEL_UUID, Medium, Voice};
use super::{BadRequest, Query, authorise, refusal, request_id, tag};
use crate::audio::{Encoding, OddFrames, wav_header};
use crate::log::{Exchange, Service};
use crate::script::Fault;
use crate::server::{Admission, Shared, Trouble};

pub(crate) async fn speak(
    State(shared): State<Arc<Shared>>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let query = Query::parse(query.as_deref());
    let text = parse_body(&headers, &body);
    let said = text.as_ref().map(String::as_str).unwrap_or_default();
    let fields = json!({ "query": query.to_json(), "text": said });
    let Admission {
        mut exchange,
        log_audio,
        script,
        trouble,
        ..
    } = shared.admit(Service::SpeakRest, fields);
    let request_id = request_id(exchange.conn());
    let accepted = authorise(&headers, shared.deepgram_key.as_deref())
        .and_then(|()| Voice::parse(&query, Medium::Rest))
        .and_then(|voice| Ok((voice, text?)));
    let refused = trouble
        .refusal()
        .and_then(|fault| refusal(fault, &request_id));
    let (voice, text) = match (accepted, refused) {
        (Ok(accepted), None) => accepted,
        (Err(error), _) => {
            let response = error.into_response(&request_id);
            exchange.ending(json!({ "by": "server", "status": response.status().as_u16() }));
            return response;
        }
        (Ok(_), Some(response)) => {
            exchange.ending(json!({ "by": "server", "status": response.status().as_u16() }));
            return response;
        }
    };
    sleep(trouble.delay()).await;
    let sound = shared
        .backend
        .speak(&script, &text, voice.rate, Duration::ZERO);
    let characters = text.chars().count();
    let mut response = Response::new(Body::empty());
    let headers = response.headers_mut();
    let content_type = match (voice.container, voice.encoding) {
        (true, _) => "audio/wav".to_owned(),
        (false, Encoding::Linear16) => format!("audio/l16;rate={}", voice.rate),
        (false, Encoding::Mulaw) => format!("audio/mulaw;rate={}", voice.rate),
        (false, Encoding::Alaw) => format!("audio/alaw;rate={}", voice.rate),
    };
    for (name, value) in [
        ("content-type", content_type),
        ("dg-model-name", voice.model.clone()),
    ] {
        if let Ok(value) = HeaderValue::try_from(value) {
            headers.insert(name, value);
        }
    }
    headers.insert("dg-model-uuid", HeaderValue::from_static(MODEL_UUID));
    headers.insert("dg-char-count", HeaderValue::from(characters));
    tag(headers, &request_id);
    let (sender, receiver) = mpsc::channel(BODY_CHUNKS_WAITING);
    tokio::spawn(
        Answer {
            exchange,
            log_audio,
            trouble,
            voice,
            sound,
            sender,
        }
        .run(),
    );
    *response.body_mut() = body_of(receiver);
    response
}

#[derive(Deserialize)]
struct Request {
    text: String,
}

fn parse_body(headers: &HeaderMap, body: &[u8]) -> Result<String, BadRequest> {
    let content_type = headers
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    if !content_type.starts_with("application/json") {
        let status = StatusCode::UNSUPPORTED_MEDIA_TYPE;
        return Err(BadRequest::with(
            status,
            "UNSUPPORTED_MEDIA_TYPE",
            "Content-Type must be application/json.",
        ));
    }
    let Request { text } = serde_json::from_slice(body).map_err(|_| {
        BadRequest::with(
            StatusCode::BAD_REQUEST,
            "PAYLOAD_ERROR",
            "Failed to deserialize JSON payload.",
        )
    })?;
    if text.trim().is_empty() {
        return Err(BadRequest::with(
            StatusCode::BAD_REQUEST,
            "Bad Request",
            "Input text contains no characters.",
        ));
    }
    if text.chars().count() > CHARACTERS_MOST {
        let message = format!("Input text exceeds maximum character limit of {CHARACTERS_MOST}.");
        return Err(BadRequest::with(
            StatusCode::PAYLOAD_TOO_LARGE,
            "Bad Request",
            message,
        ));
    }
    Ok(text)
}

/// The making of one body. It ends when the body is dropped, and its log entry says so.
struct Answer {
    exchange: Exchange,
    log_audio: bool,
    trouble: Trouble,
    voice: Voice,
    sound: mpsc::Receiver<Vec<i16>>,
    sender: mpsc::Sender<io::Result<Bytes>>,
}

impl Answer {
    async fn run(mut self) {
        let mut frames = OddFrames::default();
        let mut first = if self.voice.container {
            wav_header(self.voice.encoding, self.voice.rate, None)
        } else {
            Vec::new()
        };
        loop {
            let samples = tokio::select! {
                samples = self.sound.recv() => samples,
                () = self.sender.closed() => return,
                fault = self.trouble.next() => return self.suffer(fault).await,
            };
            first.extend(match &samples {
                Some(samples) => frames.push(&self.voice.encoding.encode(samples)),
                None => frames.finish(),
            });
            let bytes = std::mem::take(&mut first);
            if self.log_audio && !bytes.is_empty() {
                self.exchange.sent("audio", json!({ "bytes": bytes.len() }));
            }
            if !bytes.is_empty() && self.sender.send(Ok(bytes.into())).await.is_err() {
                return;
            }
            if samples.is_none() {
                return self
                    .exchange
                    .ending(json!({ "by": "server", "status": 200 }));
            }
        }
    }

    async fn suffer(mut self, fault: Fault) {
        if matches!(fault, Fault::Stall { .. }) {
            self.exchange
                .ending(json!({ "by": "client", "fault": "stall" }));
            self.sender.closed().await;
        } else {
            self.exchange
                .ending(json!({ "by": "fault", "fault": "cut" }));
            let _ = self.sender.send(Err(cut())).await;
        }
    }
}

/// A chunked body fed from a task.
pub(crate) fn body_of(mut receiver: mpsc::Receiver<io::Result<Bytes>>) -> Body {
    Body::from_stream(stream::poll_fn(move |context| receiver.poll_recv(context)))
}

/// Ends a body without its last chunk, so that the client sees a broken connection.
pub(crate) fn cut() -> io::Error {
    io::Error::from(io::ErrorKind::ConnectionAborted)
}

/// A body that is not read holds its maker back, as TCP does.
pub(crate) const BODY_CHUNKS_WAITING: usize = 4;
