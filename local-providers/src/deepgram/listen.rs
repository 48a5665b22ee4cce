//! `GET /v1/listen`: live transcription by Nova. The recogniser says what was heard and when; this file says it as
//! Deepgram does, with its habits: empty results in silence, several finals for one `speech_final`, `UtteranceEnd`
//! whether or not `speech_final` came, and a close with NET-0001 when the client is quiet.

mod options;

use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use axum::response::Response;
use serde_json::{Value, json};
use tokio::time::sleep;

use super::ear::{Ear, End, Event, Idle};
use super::socket::{FromClient, Gone, Knock, Opened, Wire};
use super::{DATA_0000, NET_0001, seconds};
use crate::backend::{Endpointing, Hear, Heard, Segment};
use crate::log::Service;
use crate::script::Script;
use crate::server::Shared;
pub(crate) use options::Options;

pub(crate) async fn listen(State(shared): State<Arc<Shared>>, knock: Knock) -> Response {
    knock
        .open(shared, Service::Listen, Options::parse, talk)
        .await
}

pub(crate) async fn talk(opened: Opened<Options>) {
    let idle = Idle {
        limit: Duration::from_millis(opened.script.settings.idle_close_ms),
        pings_count: false,
    };
    let format = opened.options.format;
    let ear = Ear::of(&opened, format, Endpointing::Silence, idle);
    Session::new(opened.options, opened.request_id, opened.script, ear)
        .run(opened.wire)
        .await;
}

/// One socket's conversation.
struct Session {
    options: Options,
    request_id: String,
    script: Arc<Script>,
    ear: Ear,
    /// Up to here results were given.
    told: f64,
    /// Silent windows since the last words; every third is fixed by an empty final.
    silent_windows: u32,
    speaking: bool,
    /// What `UtteranceEnd` will say, until it is sent: the end of the last word, or −1 for sound without words, and
    /// from when the gap is counted.
    unended: Option<Unended>,
}

struct Unended {
    last_word_end: f64,
    quiet_from: f64,
}

impl Session {
    fn new(options: Options, request_id: String, script: Arc<Script>, ear: Ear) -> Self {
        Self {
            options,
            request_id,
            script,
            ear,
            told: 0.0,
            silent_windows: 0,
            speaking: false,
            unended: None,
        }
    }

    async fn run(mut self, mut wire: Wire) {
        let end = loop {
            let step = match self.ear.next(&mut wire).await {
                Ok(Event::Message(message)) => self.on_message(&mut wire, message).await,
                Ok(Event::Heard(heard)) => self.on_heard(&mut wire, heard).await,
                Ok(Event::Fault(fault)) => return wire.suffer(fault).await,
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
        match message {
            FromClient::Binary(bytes) => {
                self.ear.audio(wire, &bytes)?;
                self.on_audio_time(wire).await?;
                Ok(())
            }
            FromClient::Text { kind, .. } => {
                // A session that never gets audio is closed in spite of its KeepAlives.
                if self.ear.had_audio {
                    self.ear.stir();
                }
                match kind.as_str() {
                    "KeepAlive" => Ok(()),
                    "Finalize" => {
                        self.ear.tell(Hear::Finalize);
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
            && self.ear.received() >= quiet_from + limit
        {
            let end = seconds(*last_word_end);
            self.unended = None;
            let message =
                json!({ "type": "UtteranceEnd", "channel": [0, 1], "last_word_end": end });
            wire.text(message, json!({ "last_word_end": end })).await?;
        }
        if !self.speaking && self.ear.received() - self.told >= SILENT_WINDOW {
            self.silent_windows += 1;
            let fixed = self.silent_windows.is_multiple_of(SILENT_WINDOWS_FIXED);
            let start = if fixed {
                self.ear.received() - SILENT_WINDOW * f64::from(SILENT_WINDOWS_FIXED)
            } else {
                self.told
            };
            let segment = Segment {
                start: start.max(0.0),
                end: self.ear.received(),
                words: Vec::new(),
            };
            self.told = self.ear.received();
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
            Heard::Partial { segment, .. } => {
                if self.options.interim_results {
                    self.results(wire, &segment, Flags::default()).await?;
                }
            }
            Heard::Final {
                segment,
                over,
                speech_final,
                from_finalize,
                ..
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
            // Only a recogniser of turns says these.
            Heard::LikelyOver { .. } | Heard::Resumed => {}
            Heard::NothingToFinalize => {
                if self.script.settings.answer_empty_finalize {
                    let segment = Segment {
                        start: self.told,
                        end: self.ear.received(),
                        words: Vec::new(),
                    };
                    self.told = self.ear.received();
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
            "duration": seconds(self.ear.received()),
            "channels": u8::from(self.ear.had_audio),
        });
        if self.ear.had_audio {
            message["models"] = json!([MODEL_UUID]);
            message["model_info"] = json!({ MODEL_UUID: self.model_info() });
        }
        wire.text(message, json!({ "duration": seconds(self.ear.received()) }))
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

/// A word without its capital and punctuation; the apostrophe and the hyphen belong to it.
fn bare(text: &str) -> String {
    text.trim_matches(|character: char| !character.is_alphanumeric())
        .to_lowercase()
}

/// "About one a second" on the wire, in seconds of audio.
const SILENT_WINDOW: f64 = 1.0;

/// Silence is fixed by an empty `speech_final` now and then; three windows match a capture's rhythm.
const SILENT_WINDOWS_FIXED: u32 = 3;

/// Metadata was seen 25 ms before the 1011 close.
const METADATA_LEAD: Duration = Duration::from_millis(25);

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
}
