//! `GET /v1/listen`: live transcription by Nova. The recogniser says what was heard and when; this file says it as
//! Deepgram does, with its habits: empty results in silence, several finals for one `speech_final`, `UtteranceEnd`
//! whether or not `speech_final` came, and a close with NET-0001 when the client is quiet.

mod options;

use std::sync::Arc;
use std::time::Duration;

use axum::extract::ws::WebSocketUpgrade;
use axum::extract::ws::rejection::WebSocketUpgradeRejection;
use axum::extract::{RawQuery, State};
use axum::http::HeaderMap;
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};
use tokio::time::{Instant, sleep, sleep_until};

use super::{FromClient, Gone, Query, Wire, authorise, refusal, request_id, tag};
use crate::audio::{Decoder, Encoding};
use crate::backend::{Hear, Heard, Recogniser, Segment};
use crate::log::Service;
use crate::script::Script;
use crate::server::{Admission, Shared, Trouble};
use options::Options;

pub(crate) async fn listen(
    State(shared): State<Arc<Shared>>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
) -> Response {
    let query = Query::parse(query.as_deref());
    let admission = shared.admit(Service::Listen, json!({ "query": query.to_json() }));
    let Admission {
        mut exchange,
        log_audio,
        script,
        trouble,
        ..
    } = admission;
    let request_id = request_id(exchange.conn());
    let options =
        authorise(&headers, shared.deepgram_key.as_deref()).and_then(|()| Options::parse(&query));
    let refused = match &options {
        Err(_) => None,
        Ok(_) => trouble
            .refusal()
            .and_then(|fault| refusal(fault, &request_id)),
    };
    let response = match (options, refused, upgrade) {
        (Err(error), _, _) => error.into_response(&request_id),
        (_, Some(response), _) => response,
        (_, _, Err(rejection)) => rejection.into_response(),
        (Ok(options), None, Ok(upgrade)) => {
            sleep(trouble.delay()).await;
            let recogniser = shared.backend.recogniser(&script, options.rate);
            let id = request_id.clone();
            let mut response =
                upgrade
                    .protocols(["token", "bearer"])
                    .on_upgrade(move |socket| async move {
                        let wire = Wire {
                            socket,
                            exchange,
                            log_audio,
                        };
                        Session::new(options, id, script, recogniser)
                            .run(wire, trouble)
                            .await;
                    });
            tag(response.headers_mut(), &request_id);
            return response;
        }
    };
    exchange.ending(json!({ "by": "server", "status": response.status().as_u16() }));
    response
}

/// One socket's conversation.
struct Session {
    options: Options,
    request_id: String,
    script: Arc<Script>,
    recogniser: Recogniser,
    decoder: Decoder,
    /// Seconds of audio received.
    received: f64,
    /// Up to here results were given.
    told: f64,
    /// Silent windows since the last words; every third is fixed by an empty final.
    silent_windows: u32,
    speaking: bool,
    /// What `UtteranceEnd` will say, until it is sent: the end of the last word, or −1 for sound without words, and
    /// from when the gap is counted.
    unended: Option<Unended>,
    had_audio: bool,
    quiet_since: Instant,
}

struct Unended {
    last_word_end: f64,
    quiet_from: f64,
}

/// Why the session ends.
enum End {
    Clean,
    Gone,
    Idle,
    Undecodable,
    Unreadable,
}

impl From<Gone> for End {
    fn from(Gone: Gone) -> Self {
        Self::Gone
    }
}

impl Session {
    fn new(
        options: Options,
        request_id: String,
        script: Arc<Script>,
        recogniser: Recogniser,
    ) -> Self {
        let decoder = Decoder::new(options.encoding.unwrap_or(Encoding::Linear16));
        Self {
            options,
            request_id,
            script,
            recogniser,
            decoder,
            received: 0.0,
            told: 0.0,
            silent_windows: 0,
            speaking: false,
            unended: None,
            had_audio: false,
            quiet_since: Instant::now(),
        }
    }

    async fn run(mut self, mut wire: Wire, mut trouble: Trouble) {
        let idle_limit = Duration::from_millis(self.script.settings.idle_close_ms);
        let end = loop {
            let step = tokio::select! {
                message = wire.receive() => match message {
                    Some(message) => self.on_message(&mut wire, message).await,
                    None => Err(End::Gone),
                },
                Some(heard) = self.recogniser.heard.recv() => self.on_heard(&mut wire, heard).await,
                fault = trouble.next() => return wire.suffer(fault).await,
                () = sleep_until(self.quiet_since + idle_limit) => Err(End::Idle),
            };
            if let Err(end) = step {
                break end;
            }
        };
        match end {
            End::Gone => {}
            End::Clean => {
                // The receiver goes with this session, so this fails only when there is nothing left to end.
                let _ = self.recogniser.ear.send(Hear::End);
                while let Some(heard) = self.recogniser.heard.recv().await {
                    if self.on_heard(&mut wire, heard).await.is_err() {
                        return;
                    }
                }
                if self.metadata(&mut wire, true).await.is_ok() {
                    wire.close(1000, "").await;
                }
            }
            End::Idle => {
                if self.metadata(&mut wire, false).await.is_ok() {
                    sleep(METADATA_LEAD).await;
                    wire.close(1011, NET_0001).await;
                }
            }
            End::Undecodable => wire.close(1008, DATA_0000).await,
            End::Unreadable => wire.close(1008, UNREADABLE).await,
        }
    }

    async fn on_message(&mut self, wire: &mut Wire, message: FromClient) -> Result<(), End> {
        let now = Instant::now();
        match message {
            // The old way to close a stream, which a client that forwards an empty frame meets by accident.
            FromClient::Binary(bytes) if bytes.is_empty() => {
                wire.exchange.received("empty", json!({ "bytes": 0 }));
                Err(End::Clean)
            }
            FromClient::Binary(bytes) => {
                if self.options.encoding.is_none() {
                    return Err(End::Undecodable);
                }
                let samples = self.decoder.decode(&bytes);
                if wire.log_audio {
                    let fields = json!({ "bytes": bytes.len(), "rms": rms(&samples).round() });
                    wire.exchange.received("audio", fields);
                }
                (self.had_audio, self.quiet_since) = (true, now);
                self.received += samples.len() as f64 / f64::from(self.options.rate);
                let _ = self.recogniser.ear.send(Hear::Audio(now, samples));
                self.on_audio_time(wire).await?;
                Ok(())
            }
            FromClient::Text { kind, .. } => {
                // A session that never gets audio is closed in spite of its KeepAlives.
                if self.had_audio {
                    self.quiet_since = now;
                }
                match kind.as_str() {
                    "KeepAlive" => Ok(()),
                    "Finalize" => {
                        let _ = self.recogniser.ear.send(Hear::Finalize);
                        Ok(())
                    }
                    "CloseStream" => Err(End::Clean),
                    _ => Err(End::Unreadable),
                }
            }
        }
    }

    /// What comes with the passing of audio alone: empty results in silence, and the end of an utterance.
    async fn on_audio_time(&mut self, wire: &mut Wire) -> Result<(), Gone> {
        if let (
            Some(limit),
            Some(Unended {
                last_word_end,
                quiet_from,
            }),
        ) = (self.options.utterance_end, &self.unended)
            && self.received >= quiet_from + limit
        {
            let end = seconds(*last_word_end);
            self.unended = None;
            let message =
                json!({ "type": "UtteranceEnd", "channel": [0, 1], "last_word_end": end });
            wire.text(message, json!({ "last_word_end": end })).await?;
        }
        if !self.speaking && self.received - self.told >= SILENT_WINDOW {
            self.silent_windows += 1;
            let fixed = self.silent_windows.is_multiple_of(SILENT_WINDOWS_FIXED);
            let start = if fixed {
                self.received - SILENT_WINDOW * f64::from(SILENT_WINDOWS_FIXED)
            } else {
                self.told
            };
            let segment = Segment {
                start: start.max(0.0),
                end: self.received,
                words: Vec::new(),
            };
            self.told = self.received;
            if fixed || self.options.interim_results {
                let flags = Flags {
                    is_final: fixed,
                    speech_final: fixed && self.options.endpointing,
                    from_finalize: false,
                };
                self.results(wire, &segment, flags).await?;
            }
        }
        Ok(())
    }

    async fn on_heard(&mut self, wire: &mut Wire, heard: Heard) -> Result<(), End> {
        match heard {
            Heard::SpeechStarted { at } => {
                self.speaking = true;
                self.silent_windows = 0;
                // The gap between words was too short to end an utterance.
                self.unended = None;
                if self.options.vad_events {
                    let message = json!({ "type": "SpeechStarted", "channel": [0, 1], "timestamp": seconds(at) });
                    wire.text(message, json!({ "timestamp": seconds(at) }))
                        .await?;
                }
            }
            Heard::Partial(segment) => {
                if self.options.interim_results {
                    self.results(wire, &segment, Flags::default()).await?;
                }
            }
            Heard::Final {
                segment,
                over,
                speech_final,
                from_finalize,
            } => {
                self.speaking = over.is_none();
                self.told = self.told.max(segment.end);
                let speech_final = speech_final && self.options.endpointing;
                self.results(
                    wire,
                    &segment,
                    Flags {
                        is_final: true,
                        speech_final,
                        from_finalize,
                    },
                )
                .await?;
                self.unended = over.map(|quiet_from| {
                    let last_word_end = segment.words.last().map_or(-1.0, |word| word.end);
                    Unended {
                        last_word_end,
                        quiet_from,
                    }
                });
                self.on_audio_time(wire).await?;
            }
            Heard::NothingToFinalize => {
                if self.script.settings.answer_empty_finalize {
                    let segment = Segment {
                        start: self.told,
                        end: self.received,
                        words: Vec::new(),
                    };
                    self.told = self.received;
                    let flags = Flags {
                        is_final: true,
                        speech_final: true,
                        from_finalize: true,
                    };
                    self.results(wire, &segment, flags).await?;
                }
            }
        }
        Ok(())
    }

    async fn results(&self, wire: &mut Wire, segment: &Segment, flags: Flags) -> Result<(), Gone> {
        let written = self.options.written;
        let shown = |text: &str| if written { text.to_owned() } else { bare(text) };
        let transcript = segment
            .words
            .iter()
            .map(|word| shown(&word.text))
            .collect::<Vec<_>>()
            .join(" ");
        let words = segment.words.iter().map(|word| {
            let mut json = json!({
                "word": bare(&word.text), "start": seconds(word.start), "end": seconds(word.end), "confidence": CONFIDENCE,
            });
            if written {
                json["punctuated_word"] = Value::from(word.text.as_str());
            }
            json
        });
        let words: Vec<Value> = words.collect();
        let confidence = if words.is_empty() { 0.0 } else { CONFIDENCE };
        let message = json!({
            "type": "Results",
            "channel_index": [0, 1],
            "duration": seconds(segment.end - segment.start),
            "start": seconds(segment.start),
            "is_final": flags.is_final,
            "speech_final": flags.speech_final,
            "channel": { "alternatives": [{ "transcript": transcript, "confidence": confidence, "words": words }] },
            "metadata": {
                "request_id": self.request_id,
                "model_info": self.model_info(),
                "model_uuid": MODEL_UUID,
            },
            "from_finalize": flags.from_finalize,
        });
        let logged = json!({
            "transcript": transcript,
            "start": seconds(segment.start),
            "end": seconds(segment.end),
            "is_final": flags.is_final,
            "speech_final": flags.speech_final,
            "from_finalize": flags.from_finalize,
        });
        wire.text(message, logged).await
    }

    /// The summary that comes before a close.
    async fn metadata(&self, wire: &mut Wire, clean: bool) -> Result<(), Gone> {
        let mut message = json!({
            "type": "Metadata",
            "transaction_key": "deprecated",
            "request_id": self.request_id,
            "sha256": if clean { AUDIO_DIGEST } else { "incomplete" },
            "created": CREATED,
            "duration": seconds(self.received),
            "channels": u8::from(self.had_audio),
        });
        if self.had_audio {
            message["models"] = json!([MODEL_UUID]);
            message["model_info"] = json!({ MODEL_UUID: self.model_info() });
        }
        wire.text(message, json!({ "duration": seconds(self.received) }))
            .await
    }

    /// `nova-2-phonecall` is told as `2-phonecall-nova` of architecture `nova-2`.
    fn model_info(&self) -> Value {
        let mut parts = self.options.model.splitn(3, '-');
        let (family, number) = (parts.next().unwrap_or("nova"), parts.next().unwrap_or("2"));
        let domain = parts.next().unwrap_or("general");
        json!({
            "name": format!("{number}-{domain}-{family}"),
            "version": "2024-02-07.20824",
            "arch": format!("{family}-{number}"),
        })
    }
}

#[derive(Clone, Copy, Default)]
struct Flags {
    is_final: bool,
    speech_final: bool,
    from_finalize: bool,
}

/// Times go through 32 bits, as on the wire: `4.7700005`.
fn seconds(value: f64) -> Value {
    let text = (value as f32).to_string();
    json!(text.parse::<f64>().unwrap_or(value))
}

/// A word without its capital and punctuation; the apostrophe and the hyphen belong to it.
fn bare(text: &str) -> String {
    text.trim_matches(|character: char| !character.is_alphanumeric())
        .to_lowercase()
}

fn rms(samples: &[i16]) -> f64 {
    let sum: f64 = samples
        .iter()
        .map(|&sample| f64::from(sample).powi(2))
        .sum();
    (sum / samples.len().max(1) as f64).sqrt()
}

/// "About one a second" on the wire, in seconds of audio.
const SILENT_WINDOW: f64 = 1.0;

/// Silence is fixed by an empty `speech_final` now and then; three windows match a capture's rhythm.
const SILENT_WINDOWS_FIXED: u32 = 3;

/// Metadata was seen 25 ms before the 1011 close.
const METADATA_LEAD: Duration = Duration::from_millis(25);

/// The whole sentence with its link in lower case; the label "NET-0001" is not on the wire.
const NET_0001: &str = "Deepgram did not receive audio data or a text message within the timeout window. See https://dpgr.am/net0001";

const DATA_0000: &str = "DATA-0000: the audio cannot be decoded with the stated encoding.";

const UNREADABLE: &str = "DATA-0000: the text message is not one that this service knows.";

/// A plain good word; nothing here measures confidence.
const CONFIDENCE: f64 = 0.95703125;

const MODEL_UUID: &str = "7e3b5bdf-85ed-4fd2-9f7a-7721bbcad97b";

/// Stands for the digest of the audio, which nobody checks.
const AUDIO_DIGEST: &str = "5324da68ede209a16ac69a38e8cd29cee4d754434a041166cda3a1f5e0b24566";

/// Stands for the session's date, which nobody reads.
const CREATED: &str = "2026-08-25T21:11:31.685Z";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_keep_their_apostrophes() {
        assert_eq!(bare("Moment's,"), "moment's");
        assert_eq!(bare("\"Hello!\""), "hello");
    }

    #[test]
    fn times_look_like_32_bit_floats() {
        assert_eq!(seconds(4.770_000_5).to_string(), "4.7700005");
        assert_eq!(seconds(-1.0).to_string(), "-1.0");
    }
}
