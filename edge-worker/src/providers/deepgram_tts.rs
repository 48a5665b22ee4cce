//! The voice Aura-2, over its socket and over REST, `/v1/speak`.
//!
//! The socket's sound carries no label. Pieces are spoken in the order they were asked for, so sound belongs to the oldest piece
//! that is outstanding; after a `Clear` it belongs to nobody until the vendor answers `Cleared`. Both rules
//! hold because the vendor handles messages one after the other.

mod limits;
mod pcm;
mod rest;
mod run;

use std::collections::VecDeque;

use serde::Deserialize;
use voice_core::time::Timestamp;
use voice_core::turn::{ForTurn, TurnId};

pub use pcm::PcmDecoder;
pub use rest::AuraRest;
pub use run::AuraRun;

use super::deepgram::{authorization, plain_code};
use super::{AudioFormat, Frame, Handshake, ProtocolError, Speak, VoiceEvent, VoiceProtocol};
use crate::settings::{Secret, Settings};
use limits::Limits;
use pcm::SampleCarry;

/// One voice socket. The limits are counted for each connection, so a new socket needs a new value.
pub struct Aura {
    url: String,
    key: Secret,
    limits: Limits,
    outstanding: VecDeque<Outstanding>,
    carry: SampleCarry,
    /// `Clear`s without an answer.
    fences: u32,
    /// A refused flush has left its text in the vendor's buffer; the next flush would speak it too.
    has_leftover: bool,
}

/// A piece that was asked for and is not complete.
struct Outstanding {
    turn: TurnId,
    /// Its turn is over, but a later turn's piece kept it from being cleared.
    is_cut: bool,
}

impl Aura {
    /// A voice in `format`, on a socket that is still to be opened.
    #[must_use]
    pub fn new(settings: &Settings, format: AudioFormat) -> Self {
        Self {
            url: settings.deepgram_url.join(&path(settings, format)),
            key: settings.deepgram_key.clone(),
            limits: Limits::default(),
            outstanding: VecDeque::new(),
            carry: SampleCarry::new(format),
            fences: 0,
            has_leftover: false,
        }
    }

    fn clear(&mut self) -> Frame {
        self.outstanding.clear();
        self.has_leftover = false;
        self.fences = self.fences.saturating_add(1);
        control("Clear")
    }

    fn on_audio(&mut self, bytes: &[u8]) -> Option<VoiceEvent> {
        if self.is_fenced() {
            return None;
        }
        let piece = self.outstanding.front().filter(|piece| !piece.is_cut)?;
        let samples = self.carry.push(bytes);
        (!samples.is_empty()).then(|| VoiceEvent::Audio(ForTurn::new(piece.turn, samples)))
    }

    fn on_flushed(&mut self) -> Option<VoiceEvent> {
        if self.is_fenced() {
            return None;
        }
        self.carry.reset();
        let piece = self.outstanding.pop_front()?;
        (!piece.is_cut).then_some(VoiceEvent::PieceDone(piece.turn))
    }

    fn on_cleared(&mut self) {
        self.fences = self.fences.saturating_sub(1);
        self.carry.reset();
    }

    /// The vendor refuses a flush when it arrives, long before the sound of earlier ones has ended: the newest is meant.
    fn on_flush_refused(&mut self) -> Option<VoiceEvent> {
        self.limits.exceeded();
        if self.is_fenced() {
            // Refused before it was cleared away.
            return None;
        }
        let piece = self.outstanding.pop_back()?;
        self.has_leftover = true;
        (!piece.is_cut).then_some(VoiceEvent::PieceRefused(piece.turn))
    }
}

impl VoiceProtocol for Aura {
    fn handshake(&self) -> Handshake {
        Handshake {
            url: self.url.clone(),
            headers: vec![authorization(&self.key)],
        }
    }

    fn speak(&mut self, now: Timestamp, piece: ForTurn<&str>) -> Speak {
        let (turn, text) = piece.into_parts();
        let text = text.trim();
        if text.is_empty() {
            return Speak::Frames(Vec::new());
        }
        // A leftover is cleared away, but not together with a piece that is being spoken.
        let must_wait = self.has_leftover && !self.outstanding.is_empty();
        if must_wait || !self.limits.take(now, text.chars().count()) {
            return Speak::UseRest;
        }
        let mut frames = Vec::with_capacity(3);
        if self.has_leftover {
            frames.push(self.clear());
        }
        frames.push(Frame::Text(
            serde_json::json!({ "type": "Speak", "text": text }).to_string(),
        ));
        frames.push(control("Flush"));
        self.outstanding.push_back(Outstanding {
            turn,
            is_cut: false,
        });
        Speak::Frames(frames)
    }

    fn cancel(&mut self, turn: TurnId) -> Vec<Frame> {
        let is_over = |piece: &Outstanding| piece.turn <= turn;
        if !self.outstanding.iter().any(is_over) {
            return Vec::new();
        }
        if self.outstanding.iter().all(is_over) {
            return vec![self.clear()];
        }
        for piece in self.outstanding.iter_mut().filter(|piece| is_over(piece)) {
            piece.is_cut = true;
        }
        Vec::new()
    }

    fn is_fenced(&self) -> bool {
        self.fences > 0
    }

    fn close(&mut self) -> Option<Frame> {
        Some(control("Close"))
    }

    fn decode(&mut self, frame: Frame) -> Result<Vec<VoiceEvent>, ProtocolError> {
        let text = match frame {
            Frame::Binary(bytes) => return Ok(self.on_audio(&bytes).into_iter().collect()),
            Frame::Text(text) => text,
        };
        let unreadable = |_| ProtocolError {
            vendor: "Deepgram speak",
            what: "text that is not a message",
        };
        let event = match serde_json::from_str(&text).map_err(unreadable)? {
            Message::Cleared => {
                self.on_cleared();
                None
            }
            Message::Error(report) => {
                let code = report.code().and_then(plain_code);
                Some(VoiceEvent::Failed(
                    code.unwrap_or_else(|| "error without a code".to_owned()),
                ))
            }
            Message::Flushed => self.on_flushed(),
            Message::Warning(report) if report.code() == Some("EXCESSIVE_FLUSH") => {
                self.on_flush_refused()
            }
            Message::Warning(_) | Message::Other => None,
        };
        Ok(event.into_iter().collect())
    }
}

#[derive(Deserialize)]
#[serde(tag = "type")]
enum Message {
    Cleared,
    Error(Report),
    Flushed,
    Warning(Report),
    /// `Metadata`, and whatever may be added.
    #[serde(other)]
    Other,
}

/// The specification's member and those seen on the wire.
#[derive(Deserialize)]
struct Report {
    code: Option<String>,
    err_code: Option<String>,
    warn_code: Option<String>,
}

impl Report {
    fn code(&self) -> Option<&str> {
        self.warn_code
            .as_deref()
            .or(self.err_code.as_deref())
            .or(self.code.as_deref())
    }
}

fn control(kind: &str) -> Frame {
    Frame::Text(format!(r#"{{"type":"{kind}"}}"#))
}

fn path(settings: &Settings, format: AudioFormat) -> String {
    let sound = match format {
        AudioFormat::Browser => "encoding=linear16&sample_rate=24000",
        AudioFormat::Telephone => "encoding=mulaw&sample_rate=8000",
    };
    format!("/v1/speak?model={}&{sound}", settings.tts_voice.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    const FLUSHED: &str = r#"{"type":"Flushed","sequence_id":0}"#;
    const CLEARED: &str = r#"{"type":"Cleared","sequence_id":0}"#;
    const REFUSED: &str = r#"{"type":"Warning","warn_code":"EXCESSIVE_FLUSH","warn_msg":"Rate limit exceeded for flushes."}"#;

    /// A socket in a test: what is told of it, in order.
    struct Line {
        aura: Aura,
        told: Vec<VoiceEvent>,
    }

    impl Line {
        fn new(format: AudioFormat) -> Self {
            Self {
                aura: Aura::new(&Settings::for_tests("http://127.0.0.1:9000"), format),
                told: Vec::new(),
            }
        }

        fn speak_at(&mut self, second: u64, turn: u32, text: &str) -> Speak {
            let piece = ForTurn::new(TurnId::from_wire(turn), text);
            self.aura
                .speak(Timestamp::from_millis(1_000 * second), piece)
        }

        fn speak(&mut self, turn: u32, text: &str) {
            let spoken = self.speak_at(0, turn, text);
            assert!(
                matches!(&spoken, Speak::Frames(frames) if frames.len() == 2),
                "{spoken:?}"
            );
        }

        fn cancel(&mut self, turn: u32) -> Vec<Frame> {
            self.aura.cancel(TurnId::from_wire(turn))
        }

        fn audio(&mut self, bytes: &[u8]) {
            let told = self.aura.decode(Frame::Binary(bytes.to_vec())).unwrap();
            self.told.extend(told);
        }

        fn text(&mut self, text: &str) {
            let told = self.aura.decode(Frame::Text(text.to_owned())).unwrap();
            self.told.extend(told);
        }

        fn told(&mut self) -> Vec<VoiceEvent> {
            std::mem::take(&mut self.told)
        }
    }

    fn audio(turn: u32, bytes: &[u8]) -> VoiceEvent {
        VoiceEvent::Audio(ForTurn::new(TurnId::from_wire(turn), bytes.to_vec()))
    }

    fn done(turn: u32) -> VoiceEvent {
        VoiceEvent::PieceDone(TurnId::from_wire(turn))
    }

    fn texts(frames: &[Frame]) -> Vec<&str> {
        frames
            .iter()
            .map(|frame| {
                if let Frame::Text(text) = frame {
                    text.as_str()
                } else {
                    "binary"
                }
            })
            .collect()
    }

    #[test]
    fn the_handshake_names_voice_and_format() {
        let Handshake { url, headers } = Line::new(AudioFormat::Browser).aura.handshake();
        assert_eq!(
            url,
            "http://127.0.0.1:9000/v1/speak?model=aura-2-thalia-en&encoding=linear16&sample_rate=24000"
        );
        assert_eq!(headers, [("Authorization", "Token vendor-key".to_owned())]);
        let telephone = Line::new(AudioFormat::Telephone).aura.handshake().url;
        assert!(
            telephone.ends_with("&encoding=mulaw&sample_rate=8000"),
            "{telephone}"
        );
    }

    #[test]
    fn a_piece_is_spoken_and_flushed() {
        let mut line = Line::new(AudioFormat::Browser);
        let Speak::Frames(frames) = line.speak_at(0, 1, " Say \"hi\".\n") else {
            panic!("refused")
        };
        assert_eq!(
            texts(&frames),
            [
                r#"{"text":"Say \"hi\".","type":"Speak"}"#,
                r#"{"type":"Flush"}"#
            ]
        );
        assert_eq!(line.speak_at(0, 1, " \n"), Speak::Frames(vec![]));
        assert_eq!(
            line.aura.close(),
            Some(Frame::Text(r#"{"type":"Close"}"#.to_owned()))
        );
    }

    #[test]
    fn sound_belongs_to_the_oldest_piece() {
        let mut line = Line::new(AudioFormat::Browser);
        line.text(r#"{"type":"Metadata","request_id":"0","model_name":"aura-2-thalia-en","model_version":"0","model_uuid":"0"}"#);
        line.audio(&[9, 9]);
        line.speak(1, "One.");
        line.speak(2, "Two.");
        line.audio(&[1, 2]);
        line.text(FLUSHED);
        line.audio(&[3, 4]);
        line.text(FLUSHED);
        line.audio(&[9, 9]);
        line.text(FLUSHED);
        assert_eq!(
            line.told(),
            [audio(1, &[1, 2]), done(1), audio(2, &[3, 4]), done(2)]
        );
    }

    #[test]
    fn an_odd_byte_waits_for_its_other_half_within_a_piece() {
        let mut line = Line::new(AudioFormat::Browser);
        line.speak(1, "One.");
        line.speak(1, "Two.");
        line.audio(&[1]);
        line.audio(&[2, 3]);
        line.audio(&[4, 5, 6]);
        line.audio(&[7]);
        line.text(FLUSHED);
        line.audio(&[8, 9]);
        assert_eq!(
            line.told(),
            [
                audio(1, &[1, 2]),
                audio(1, &[3, 4, 5, 6]),
                done(1),
                audio(1, &[8, 9])
            ]
        );
    }

    #[test]
    fn the_telephone_has_no_odd_bytes() {
        let mut line = Line::new(AudioFormat::Telephone);
        line.speak(1, "One.");
        line.audio(&[1]);
        line.audio(&[2, 3]);
        assert_eq!(line.told(), [audio(1, &[1]), audio(1, &[2, 3])]);
    }

    #[test]
    fn a_cut_turn_is_never_heard_again() {
        let mut line = Line::new(AudioFormat::Browser);
        line.speak(1, "One.");
        line.speak(1, "Two.");
        line.audio(&[1, 2, 3]);
        assert_eq!(texts(&line.cancel(1)), [r#"{"type":"Clear"}"#]);
        assert!(line.aura.is_fenced());
        line.speak(2, "Three.");
        // Under way when the vendor read our Clear: the end of the first piece, and some of the second.
        line.audio(&[9, 9]);
        line.text(FLUSHED);
        line.audio(&[9, 9]);
        line.text(CLEARED);
        assert!(!line.aura.is_fenced());
        line.audio(&[5, 6]);
        line.text(FLUSHED);
        assert_eq!(line.told(), [audio(1, &[1, 2]), audio(2, &[5, 6]), done(2)]);
    }

    #[test]
    fn two_cuts_need_two_answers() {
        let mut line = Line::new(AudioFormat::Browser);
        line.speak(1, "One.");
        assert_eq!(line.cancel(1).len(), 1);
        assert!(line.cancel(1).is_empty(), "nothing is left to cut");
        line.speak(2, "Two.");
        assert_eq!(line.cancel(2).len(), 1);
        line.speak(3, "Three.");
        line.text(CLEARED);
        line.audio(&[9, 9]);
        line.text(FLUSHED);
        line.text(CLEARED);
        line.audio(&[1, 2]);
        line.text(FLUSHED);
        // One nobody asked for changes nothing.
        line.text(CLEARED);
        assert!(!line.aura.is_fenced());
        assert_eq!(line.told(), [audio(3, &[1, 2]), done(3)]);
    }

    #[test]
    fn cutting_an_earlier_turn_spares_a_later_one() {
        let mut line = Line::new(AudioFormat::Browser);
        line.speak(1, "One.");
        line.speak(2, "Two.");
        assert!(line.cancel(1).is_empty());
        line.audio(&[9, 9]);
        line.text(FLUSHED);
        line.audio(&[1, 2]);
        line.text(FLUSHED);
        assert_eq!(line.told(), [audio(2, &[1, 2]), done(2)]);
    }

    #[test]
    fn the_twenty_first_flush_in_a_minute_goes_by_rest() {
        let mut line = Line::new(AudioFormat::Browser);
        for second in 0..20 {
            assert!(
                matches!(line.speak_at(second, 1, "Yes."), Speak::Frames(_)),
                "{second}"
            );
        }
        assert_eq!(line.speak_at(59, 1, "Yes."), Speak::UseRest);
        assert!(matches!(line.speak_at(65, 1, "Yes."), Speak::Frames(_)));
    }

    #[test]
    fn characters_have_two_limits() {
        let mut line = Line::new(AudioFormat::Browser);
        assert_eq!(line.speak_at(0, 1, &"é".repeat(2_001)), Speak::UseRest);
        assert!(matches!(
            line.speak_at(0, 1, &"é".repeat(2_000)),
            Speak::Frames(_)
        ));
        assert_eq!(line.speak_at(1, 1, &"é".repeat(401)), Speak::UseRest);
        assert!(matches!(
            line.speak_at(1, 1, &"é".repeat(400)),
            Speak::Frames(_)
        ));
    }

    #[test]
    fn a_refused_flush_concerns_the_newest_piece() {
        for warning in [
            REFUSED,
            r#"{"type":"Warning","code":"EXCESSIVE_FLUSH","description":"Rate limit exceeded."}"#,
        ] {
            let mut line = Line::new(AudioFormat::Browser);
            line.speak(1, "One.");
            line.speak(2, "Two.");
            line.audio(&[1, 2]);
            line.text(warning);
            line.audio(&[3, 4]);
            line.text(FLUSHED);
            line.audio(&[9, 9]);
            assert_eq!(
                line.told(),
                [
                    audio(1, &[1, 2]),
                    VoiceEvent::PieceRefused(TurnId::from_wire(2)),
                    audio(1, &[3, 4]),
                    done(1)
                ]
            );
        }
    }

    #[test]
    fn the_text_of_a_refused_flush_is_cleared_before_the_next_piece() {
        let mut line = Line::new(AudioFormat::Browser);
        line.speak(1, "One.");
        line.speak(1, "Two.");
        line.text(REFUSED);
        assert_eq!(
            line.speak_at(1, 1, "Three."),
            Speak::UseRest,
            "the vendor would refuse it too"
        );
        assert_eq!(
            line.speak_at(100, 1, "Four."),
            Speak::UseRest,
            "a Clear would cut the first piece"
        );
        line.text(FLUSHED);
        let Speak::Frames(frames) = line.speak_at(100, 1, "Five.") else {
            panic!("refused")
        };
        assert_eq!(texts(&frames)[0], r#"{"type":"Clear"}"#);
        assert_eq!(frames.len(), 3);
        line.told();
        line.audio(&[9, 9]);
        line.text(CLEARED);
        line.audio(&[1, 2]);
        assert_eq!(line.told(), [audio(1, &[1, 2])]);
    }

    #[test]
    fn a_flush_refused_before_the_cut_is_not_of_the_new_piece() {
        let mut line = Line::new(AudioFormat::Browser);
        line.speak(1, "One.");
        line.cancel(1);
        line.speak(2, "Two.");
        line.text(REFUSED);
        line.text(CLEARED);
        line.audio(&[1, 2]);
        assert_eq!(line.told(), [audio(2, &[1, 2])]);
    }

    #[test]
    fn errors_are_told_by_code_and_the_unknown_is_ignored() {
        let mut line = Line::new(AudioFormat::Browser);
        line.speak(1, "One.");
        line.text(r#"{"type":"Warning","warn_code":"SOMETHING_NEW","warn_msg":"One."}"#);
        line.text(r#"{"type":"SomethingNew"}"#);
        line.text(r#"{"type":"Error","err_code":"DATA-0001","err_msg":"One."}"#);
        line.text(r#"{"type":"Error","description":"One.","code":"said: One."}"#);
        let failed = |code: &str| VoiceEvent::Failed(code.to_owned());
        assert_eq!(
            line.told(),
            [failed("DATA-0001"), failed("error without a code")]
        );
        for text in ["", "[]", "{}", "One."] {
            let unreadable = line.aura.decode(Frame::Text(text.to_owned())).unwrap_err();
            assert_eq!(
                unreadable.to_string(),
                "Deepgram speak: text that is not a message"
            );
        }
    }
}
