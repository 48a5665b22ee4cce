//! `GET /v2/listen`: live transcription by Flux, which says itself when a turn begins and ends. The recogniser says
//! what was heard and how likely the speaker has finished; this file says it as Deepgram does.

mod options;
mod turn;

use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use axum::response::Response;
use serde_json::{Value, json};

use super::ear::{Ear, End, Event as OnSocket, Idle};
use super::socket::{FromClient, Gone, Knock, Opened, Wire};
use super::{DATA_0000, NET_0001, seconds};
use crate::backend::{Endpointing, Hear, Heard, Word};
use crate::log::Service;
use crate::script::Fault;
use crate::server::Shared;
pub(crate) use options::Options;
use turn::{Event, Trigger, Turn};

pub(crate) async fn listen(State(shared): State<Arc<Shared>>, knock: Knock) -> Response {
    knock
        .open(shared, Service::Listen, Options::parse, talk)
        .await
}

pub(crate) async fn talk(opened: Opened<Options>) {
    let idle = Idle {
        limit: Duration::from_millis(opened.script.settings.flux_idle_close_ms),
        pings_count: true,
    };
    let format = opened.options.format;
    let endpointing = Endpointing::Turns(opened.options.thresholds);
    let mut session = Session {
        ear: Ear::of(&opened, format, endpointing, idle),
        options: opened.options,
        request_id: opened.request_id,
        sequence: 0,
        turn: Turn::default(),
        next_tick: 0,
    };
    session.next_tick = session.tick();
    session.run(opened.wire).await;
}

/// One socket's conversation.
struct Session {
    options: Options,
    request_id: String,
    ear: Ear,
    /// Of the next message.
    sequence: u64,
    turn: Turn,
    /// When the turn's next update is due, in samples.
    next_tick: u64,
}

impl Session {
    async fn run(mut self, mut wire: Wire) {
        let connected = json!({ "type": "Connected", "request_id": self.request_id });
        if self.say(&mut wire, connected, Value::Null).await.is_err() {
            return;
        }
        let end = loop {
            let step = match self.ear.next(&mut wire).await {
                Ok(OnSocket::Message(message)) => self.on_message(&mut wire, message).await,
                Ok(OnSocket::Heard(heard)) => {
                    self.on_heard(&mut wire, heard).await.map_err(End::from)
                }
                Ok(OnSocket::Fault(fault)) => return wire.suffer(self.own_words(fault)).await,
                Err(end) => Err(end),
            };
            if let Err(end) = step {
                break end;
            }
        };
        match end {
            End::Gone => {}
            End::Clean => {
                self.ear.tell(Hear::End);
                while let Some(heard) = self.ear.rest().await {
                    if self.on_rest(&mut wire, heard).await.is_err() {
                        return;
                    }
                }
                wire.close(1000, "").await;
            }
            End::Idle => wire.close(1011, NET_0001).await,
            End::Undecodable => wire.close(1008, DATA_0000).await,
            End::Unreadable => {
                let error = error(UNPARSABLE, UNPARSABLE_TEXT);
                if self
                    .say(&mut wire, error, json!({ "code": UNPARSABLE }))
                    .await
                    .is_ok()
                {
                    wire.close(1008, "").await;
                }
            }
        }
    }

    /// From one update to the next, in samples.
    fn tick(&self) -> u64 {
        u64::from(self.options.format.rate) * TICK_MS / 1_000
    }

    /// An error from the script, in the words of this service.
    fn own_words(&self, fault: Fault) -> Fault {
        match fault {
            Fault::Error {
                body: Value::Null,
                shape,
                when,
            } => {
                let mut body = error("INTERNAL_SERVER_ERROR", "An unexpected error occurred.");
                body["sequence_id"] = Value::from(self.sequence);
                Fault::Error { body, shape, when }
            }
            other => other,
        }
    }

    async fn on_message(&mut self, wire: &mut Wire, message: FromClient) -> Result<(), End> {
        match message {
            FromClient::Binary(bytes) => {
                self.ear.audio(wire, &bytes)?;
                while self.next_tick <= self.ear.samples {
                    let at = self.ear.seconds(self.next_tick);
                    self.next_tick += self.tick();
                    let events = self.turn.tick(at, self.options.thresholds);
                    self.tell(wire, events, at).await?;
                }
                Ok(())
            }
            FromClient::Text { kind, message } => {
                self.ear.stir();
                match kind.as_str() {
                    "CloseStream" => Err(End::Clean),
                    "Configure" => Ok(self.configure(wire, &message).await?),
                    "ForceEndTurn" => {
                        if self.turn.started {
                            self.ear.tell(Hear::Finalize);
                        } else {
                            self.warn_of_no_turn(wire).await?;
                        }
                        Ok(())
                    }
                    _ => Err(End::Unreadable),
                }
            }
        }
    }

    async fn configure(&mut self, wire: &mut Wire, message: &Value) -> Result<(), Gone> {
        let mut answer = json!({ "type": "ConfigureFailure", "request_id": self.request_id });
        if let Some(options) = self.options.configured(message) {
            answer = options.state();
            answer["type"] = Value::from("ConfigureSuccess");
            answer["request_id"] = Value::from(self.request_id.as_str());
            self.ear.tell(Hear::Configure(options.thresholds));
            self.options = options;
        }
        let logged = json!({ "thresholds": answer["thresholds"] });
        self.say(wire, answer, logged).await
    }

    async fn on_heard(&mut self, wire: &mut Wire, heard: Heard) -> Result<(), Gone> {
        if heard == Heard::NothingToFinalize {
            return self.warn_of_no_turn(wire).await;
        }
        let events = self.turn.on_heard(heard, self.options.thresholds);
        let at = self.ear.received();
        self.tell(wire, events, at).await
    }

    /// What is recognised after the client has closed the stream is told, but ends no turn.
    async fn on_rest(&mut self, wire: &mut Wire, heard: Heard) -> Result<(), Gone> {
        let events = self.turn.on_heard(heard, self.options.thresholds);
        let at = self.ear.received();
        let told = events.last().map(|_| Event::Update);
        self.tell(wire, told.into_iter().collect(), at).await
    }

    /// Sends events, with the audio heard until `at`.
    async fn tell(&mut self, wire: &mut Wire, events: Vec<Event>, at: f64) -> Result<(), Gone> {
        for event in events {
            let (message, logged) = self.turn_info(event, at);
            self.say(wire, message, logged).await?;
            if matches!(event, Event::EndOfTurn(_)) {
                self.turn = self.turn.next(at);
                self.next_tick = self.ear.samples + self.tick();
            }
        }
        Ok(())
    }

    fn turn_info(&self, event: Event, at: f64) -> (Value, Value) {
        let texts: Vec<&str> = self.turn.words().map(|word| word.text.as_str()).collect();
        let words: Vec<Value> = self.turn.words().map(word).collect();
        let confidence = self.turn.confidence(event, self.options.thresholds);
        let mut message = json!({
            "type": "TurnInfo",
            "request_id": self.request_id,
            "event": event.name(),
            "turn_index": self.turn.index,
            "audio_window_start": seconds(self.turn.window_start),
            "audio_window_end": seconds(at),
            "transcript": texts.join(" "),
            "words": words,
            "end_of_turn_confidence": (confidence * 1e4).round() / 1e4,
        });
        match event {
            Event::EndOfTurn(Trigger::Manual) => message["trigger"] = Value::from("manual"),
            Event::EndOfTurn(Trigger::Timeout) => message["trigger"] = Value::from("timeout"),
            // The capture has none for a turn that the model ended; newer pages have `model`.
            _ => {}
        }
        if self.options.multi {
            message["languages"] = if texts.is_empty() {
                json!([])
            } else {
                json!(["en"])
            };
            message["languages_hinted"] = json!(self.options.language_hints);
        }
        let mut logged = message.clone();
        if let Some(fields) = logged.as_object_mut() {
            for name in ["type", "request_id", "words"] {
                fields.remove(name);
            }
        }
        (message, logged)
    }

    async fn warn_of_no_turn(&mut self, wire: &mut Wire) -> Result<(), Gone> {
        let warning = json!({
            "type": "Warning",
            "code": NO_ACTIVE_TURN,
            "description": "There is no active turn to end.",
        });
        self.say(wire, warning, json!({ "code": NO_ACTIVE_TURN }))
            .await
    }

    /// Sends a message under the next number of the session.
    async fn say(
        &mut self,
        wire: &mut Wire,
        mut message: Value,
        logged: Value,
    ) -> Result<(), Gone> {
        message["sequence_id"] = Value::from(self.sequence);
        self.sequence += 1;
        wire.text(message, logged).await
    }
}

fn error(code: &str, description: &str) -> Value {
    json!({ "type": "Error", "code": code, "description": description })
}

/// A word's times have gone through 32 bits, and show it: `0.4000000059604645`.
fn word(word: &Word) -> Value {
    json!({
        "word": word.text,
        "confidence": CONFIDENCE,
        "start": f64::from(word.start as f32),
        "end": f64::from(word.end as f32),
    })
}

/// The capture's rhythm, in audio.
const TICK_MS: u64 = 240;

/// A plain good word; nothing here measures confidence.
const CONFIDENCE: f64 = 0.9819;

const NO_ACTIVE_TURN: &str = "FORCE_END_TURN_NO_ACTIVE_TURN";

/// Also for `KeepAlive`, which this service does not have.
const UNPARSABLE: &str = "UNPARSABLE_CLIENT_MESSAGE";

const UNPARSABLE_TEXT: &str =
    "Text message received from client did not match any of the formats we expect.";
