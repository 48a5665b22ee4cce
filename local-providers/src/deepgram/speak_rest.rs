//! `POST /v1/speak`: a voice over one request, chunked as it is made.

use std::collections::VecDeque;
use std::sync::Arc;

use axum::body::{Body, Bytes};
use axum::extract::{RawQuery, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::Response;
use serde::Deserialize;
use serde_json::json;
use tokio::sync::mpsc;
use tokio::time::Duration;

use super::speak::{CHARACTERS_MOST, MODEL_UUID, Medium, Voice};
use super::{BadRequest, Query, authorise, refusal, request_id, tag};
use crate::audio::{Encoding, OddFrames, wav_header};
use crate::body::{Feed, Gone, PAGE, page};
use crate::log::{Exchange, Service};
use crate::script::Fault;
use crate::server::{Admission, Shared, Trouble};
use crate::valve::Valve;

pub(crate) async fn speak(
    State(shared): State<Arc<Shared>>,
    valve: Valve,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let text = authorise(&headers, shared.deepgram_key.as_deref())
        .and_then(|()| parse_body(&headers, &body));
    let query = Query::parse(query.as_deref());
    answer(&shared, Service::SpeakRest, &valve, &query, text).await
}

/// Whichever way the client came.
pub(crate) async fn answer(
    shared: &Shared,
    service: Service,
    valve: &Valve,
    query: &Query,
    text: Result<String, BadRequest>,
) -> Response {
    let said = text.as_ref().map(String::as_str).unwrap_or_default();
    let fields = json!({ "query": query.to_json(), "text": said });
    let Admission {
        mut exchange,
        log_audio,
        script,
        mut trouble,
        ..
    } = shared.admit(service, fields, valve);
    trouble.before_answer(&mut exchange).await;
    let request_id = request_id(exchange.conn());
    let accepted =
        text.and_then(|text| Voice::parse(query, Medium::Rest).map(|voice| (voice, text)));
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
    if let Some(page) = page(&mut exchange, &mut trouble) {
        return page;
    }
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
    let frames = OddFrames::new(script.settings.split_audio_bytes);
    let header = (voice.container || script.settings.wav_header_by_mistake)
        .then(|| wav_header(voice.encoding, voice.rate, None));
    let (feed, body) = Feed::new(0);
    let answer = Answer {
        exchange,
        log_audio,
        trouble,
        encoding: voice.encoding,
        frames,
        sound,
        header: header.unwrap_or_default(),
        ready: VecDeque::new(),
    };
    tokio::spawn(answer.run(feed));
    *response.body_mut() = body;
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
    pronounceable(text)
}

/// A text that one request may have.
pub(crate) fn pronounceable(text: String) -> Result<String, BadRequest> {
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
    encoding: Encoding,
    frames: OddFrames,
    sound: mpsc::Receiver<Vec<i16>>,
    /// Comes with the first sound.
    header: Vec<u8>,
    /// What is made and not sent.
    ready: VecDeque<Vec<u8>>,
}

impl Answer {
    async fn run(mut self, mut feed: Feed) {
        let mut finished = false;
        loop {
            if feed.is_empty()
                && let Some(frame) = self.ready.pop_front()
            {
                let mut bytes = std::mem::take(&mut self.header);
                bytes.extend(frame);
                if self.log_audio {
                    self.exchange.sent("audio", json!({ "bytes": bytes.len() }));
                }
                feed.give(bytes);
            }
            let idle = feed.is_empty();
            if idle && finished {
                return self
                    .exchange
                    .ending(json!({ "by": "server", "status": 200 }));
            }
            tokio::select! {
                biased;
                // What a fault waits for is out once it is poured.
                poured = feed.pour() => match poured {
                    Ok(()) => self.trouble.on_sound(),
                    Err(Gone) => return,
                },
                fault = self.trouble.next() => match fault {
                    Fault::Drip { every_ms, .. } => feed.drip(every_ms, &mut self.exchange),
                    fault => {
                        return feed
                            .suffer(fault, &mut self.exchange, &mut self.trouble, PAGE.as_bytes())
                            .await;
                    }
                },
                samples = self.sound.recv(), if idle => match samples {
                    Some(samples) => {
                        self.ready.extend(self.frames.push(&self.encoding.encode(&samples)));
                    }
                    None => {
                        finished = true;
                        self.ready.extend(self.frames.finish());
                    }
                },
            }
        }
    }
}
