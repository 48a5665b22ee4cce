//! `GET /v1/speak`: a voice over a socket. Text gathers until `Flush`; each flushed piece is spoken in order and ends
//! with `Flushed`; `Clear` drops what is left, but not what is already under way.

mod options;

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use axum::response::Response;
use serde_json::{Value, json};
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep};

use super::Query;
use super::socket::{Arrival, FromClient, Gone, Knock, Opened, Wire};
use crate::audio::OddFrames;
use crate::log::Service;
use crate::script::{Script, Shape};
use crate::server::Shared;

pub(crate) use options::{Medium, Voice};

pub(crate) async fn speak(State(shared): State<Arc<Shared>>, knock: Knock) -> Response {
    let parse = |query: &Query| Voice::parse(query, Medium::Socket);
    knock.open(shared, Service::Speak, parse, talk).await
}

async fn talk(opened: Opened<Voice>) {
    let late = opened.wire.trouble.delay();
    Session::new(
        opened.shared,
        opened.options,
        opened.request_id,
        opened.script,
        late,
    )
    .run(opened.wire)
    .await;
}

/// One socket's conversation.
struct Session {
    shared: Arc<Shared>,
    voice: Voice,
    request_id: String,
    script: Arc<Script>,
    late: Duration,
    /// Text since the last flush.
    gathered: String,
    waiting: VecDeque<Piece>,
    speaking: Option<Speaking>,
    /// Flushes accepted so far: the next one's id.
    accepted: u64,
    flushes: VecDeque<Instant>,
    /// When text came, and how many characters.
    spoken: VecDeque<(Instant, usize)>,
    closing: bool,
}

struct Piece {
    id: u64,
    text: String,
}

struct Speaking {
    id: u64,
    sound: mpsc::Receiver<Vec<i16>>,
    frames: OddFrames,
    begun: bool,
}

/// Why the session ends.
enum End {
    Close(u16, &'static str),
    Gone,
}

impl From<Gone> for End {
    fn from(Gone: Gone) -> Self {
        Self::Gone
    }
}

impl Session {
    fn new(
        shared: Arc<Shared>,
        voice: Voice,
        request_id: String,
        script: Arc<Script>,
        late: Duration,
    ) -> Self {
        Self {
            shared,
            voice,
            request_id,
            script,
            late,
            gathered: String::new(),
            waiting: VecDeque::new(),
            speaking: None,
            accepted: 0,
            flushes: VecDeque::new(),
            spoken: VecDeque::new(),
            closing: false,
        }
    }

    async fn run(mut self, mut wire: Wire) {
        let metadata = json!({
            "type": "Metadata",
            "request_id": self.request_id,
            "model_name": self.voice.model,
            "model_version": MODEL_VERSION,
            "model_uuid": MODEL_UUID,
        });
        if wire.text(metadata, Value::Null).await.is_err() {
            return;
        }
        let lifetime = sleep(SOCKET_LIFETIME);
        tokio::pin!(lifetime);
        let end = loop {
            self.speak_next();
            if self.closing && self.speaking.is_none() {
                break End::Close(1000, "");
            }
            let step = tokio::select! {
                // What a sound brings on comes before the next sound.
                biased;
                arrival = wire.next() => match arrival {
                    Ok(Arrival::Message(message)) => self.on_message(&mut wire, message).await,
                    Ok(Arrival::Fault(fault)) => return wire.suffer(fault).await,
                    Err(Gone) => Err(End::Gone),
                },
                samples = next_sound(&mut self.speaking) => self.on_sound(&mut wire, samples).await.map_err(End::from),
                () = &mut lifetime => Err(End::Close(1011, NET_0003)),
            };
            if let Err(end) = step {
                break end;
            }
        };
        if let End::Close(code, reason) = end {
            wire.close(code, reason).await;
        }
    }

    fn speak_next(&mut self) {
        if self.speaking.is_none()
            && let Some(Piece { id, text }) = self.waiting.pop_front()
        {
            let sound = self
                .shared
                .backend
                .speak(&self.script, &text, self.voice.rate, self.late);
            self.speaking = Some(Speaking {
                id,
                sound,
                frames: OddFrames::new(self.script.settings.split_audio_bytes),
                begun: false,
            });
        }
    }

    async fn on_message(&mut self, wire: &mut Wire, message: FromClient) -> Result<(), End> {
        let FromClient::Text { kind, message } = message else {
            return Err(End::Close(1003, MESSAGE_0000));
        };
        match kind.as_str() {
            "Speak" => {
                let text = message
                    .get("text")
                    .and_then(Value::as_str)
                    .ok_or(End::Close(1008, DATA_0000))?;
                self.take_text(text)
            }
            "Flush" => Ok(self.flush(wire).await?),
            "Clear" => Ok(self.clear(wire).await?),
            "Close" => {
                if !self.gathered.is_empty() {
                    self.accept_flush();
                }
                self.closing = true;
                Ok(())
            }
            _ => Err(End::Close(1003, MESSAGE_0000)),
        }
    }

    fn take_text(&mut self, text: &str) -> Result<(), End> {
        let now = Instant::now();
        let characters = text.chars().count();
        while self
            .spoken
            .front()
            .is_some_and(|(at, _)| now - *at >= THROUGHPUT_WINDOW)
        {
            self.spoken.pop_front();
        }
        self.spoken.push_back((now, characters));
        let in_window: usize = self.spoken.iter().map(|(_, characters)| characters).sum();
        let limit = self.script.settings.chars_per_minute;
        if characters > CHARACTERS_MOST || (limit > 0 && in_window > limit) {
            return Err(End::Close(1008, DATA_0001));
        }
        self.gathered.push_str(text);
        Ok(())
    }

    async fn flush(&mut self, wire: &mut Wire) -> Result<(), Gone> {
        let now = Instant::now();
        let window = Duration::from_millis(self.script.settings.flush_window_ms);
        while self.flushes.front().is_some_and(|at| now - *at >= window) {
            self.flushes.pop_front();
        }
        if self.flushes.len() >= self.script.settings.flush_limit {
            // Refused: no id, no `Flushed`, and the text waits for a flush that is accepted.
            let (code, why) = ("EXCESSIVE_FLUSH", "Rate limit exceeded for flushes.");
            let message = match self.script.settings.warning_shape {
                Shape::Specification => {
                    json!({ "type": "Warning", "code": code, "description": why })
                }
                Shape::Wire | Shape::XGroq => {
                    json!({ "type": "Warning", "warn_code": code, "warn_msg": why })
                }
            };
            return wire.text(message, json!({ "warn_code": code })).await;
        }
        self.flushes.push_back(now);
        self.accept_flush();
        Ok(())
    }

    fn accept_flush(&mut self) {
        let id = self.accepted;
        self.accepted += 1;
        self.waiting.push_back(Piece {
            id,
            text: std::mem::take(&mut self.gathered),
        });
    }

    /// Drops all that is left to say. Audio already under way still arrives before `Cleared`.
    async fn clear(&mut self, wire: &mut Wire) -> Result<(), Gone> {
        self.gathered.clear();
        self.waiting.clear();
        if let Some(mut speaking) = self.speaking.take()
            && speaking.begun
        {
            for _ in 0..CHUNKS_UNDER_WAY {
                let Some(samples) = speaking.sound.recv().await else {
                    break;
                };
                for bytes in speaking.frames.push(&self.voice.encoding.encode(&samples)) {
                    let logged = json!({ "bytes": bytes.len(), "sequence_id": speaking.id });
                    wire.audio(bytes, logged).await?;
                }
            }
        }
        if self.script.settings.clear_unanswered {
            return Ok(());
        }
        let id = self.accepted.saturating_sub(1);
        wire.text(
            json!({ "type": "Cleared", "sequence_id": id }),
            json!({ "sequence_id": id }),
        )
        .await
    }

    async fn on_sound(&mut self, wire: &mut Wire, samples: Option<Vec<i16>>) -> Result<(), Gone> {
        let Some(speaking) = &mut self.speaking else {
            return Ok(());
        };
        let id = speaking.id;
        let frames = match &samples {
            Some(samples) => speaking.frames.push(&self.voice.encoding.encode(samples)),
            None => speaking.frames.finish(),
        };
        speaking.begun = true;
        for bytes in frames {
            let logged = json!({ "bytes": bytes.len(), "sequence_id": id });
            wire.audio(bytes, logged).await?;
        }
        if samples.is_none() {
            self.speaking = None;
            wire.text(
                json!({ "type": "Flushed", "sequence_id": id }),
                json!({ "sequence_id": id }),
            )
            .await?;
        }
        Ok(())
    }
}

/// The next samples of the piece being spoken, or its end; pends while none is.
async fn next_sound(speaking: &mut Option<Speaking>) -> Option<Vec<i16>> {
    match speaking {
        Some(speaking) => speaking.sound.recv().await,
        None => std::future::pending().await,
    }
}

/// The vendor's limit for one `Speak`.
pub(crate) const CHARACTERS_MOST: usize = 2_000;

const THROUGHPUT_WINDOW: Duration = Duration::from_secs(60);

/// "A socket lives at most 60 minutes."
const SOCKET_LIFETIME: Duration = Duration::from_secs(60 * 60);

/// A little of what was being spoken is in flight when `Clear` arrives: two chunks of 40 ms.
const CHUNKS_UNDER_WAY: usize = 2;

pub(crate) const MODEL_UUID: &str = "c0aba76b-0d1f-4b8b-9c7f-5a0b6f4c3f5e";

const MODEL_VERSION: &str = "2025-04-07.0";

const DATA_0000: &str = "DATA-0000: the message holds no text.";

const DATA_0001: &str = "DATA-0001: throughput exceeded.";

const MESSAGE_0000: &str = "MESSAGE-0000: not a message that this service knows.";

const NET_0003: &str = "NET-0003: the session has reached its time limit.";
