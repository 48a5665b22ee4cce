//! What a browser may send, and how fast.
//!
//! This is the border: here bytes become facts or a refusal, and nothing behind it sees a malformed message.

use std::time::Duration;

use voice_core::audio::{MICROPHONE_FRAME, SampleRate};
use voice_core::conversation::Input;
use voice_core::time::Timestamp;
use voice_core::turn::ForTurn;
use voice_core::wire::audio::{AudioFrame, Kind, MAX_FRAME};
use voice_core::wire::{
    ClientMessage, KEPT_SOUND, MAX_TEXT, PROTOCOL_VERSION, RefusalCode, WireError,
};

use crate::call::door::{Received, Refusal};

/// Audio ahead of real time that is taken without complaint, in frames of 20 ms: five seconds, for a page that was
/// held up and catches up.
const BURST: u64 = 250;

/// What is sent again on a line that takes the place of a lost one comes on top.
const KEPT: u64 = SampleRate::MICROPHONE.samples_in(KEPT_SOUND) / MICROPHONE_FRAME as u64;

/// Text messages ahead of their pace that are taken, and that pace: a browser reports playback ten times a second.
const TEXT_BURST: u64 = 200;
const TEXTS_A_SECOND: u64 = 50;

/// A browser that has not said hello by then will not.
pub(super) const HELLO_WITHIN: Duration = Duration::from_secs(15);

pub(super) struct Uplink {
    greeted: bool,
    /// The line takes the place of a lost one.
    is_back: bool,
    /// The microphone's frame that comes next.
    pub(super) next_frame: u32,
    frames: u64,
    texts: u64,
    opened: Timestamp,
    pub(super) last_heard: Timestamp,
}

impl Uplink {
    pub(super) const fn new(now: Timestamp) -> Self {
        Self {
            greeted: false,
            is_back: false,
            next_frame: 0,
            frames: 0,
            texts: 0,
            opened: now,
            last_heard: now,
        }
    }

    /// A line that takes the place of one on which this frame would have been the next.
    pub(super) const fn back(now: Timestamp, next_frame: u32) -> Self {
        Self {
            is_back: true,
            next_frame,
            ..Self::new(now)
        }
    }

    /// Whether the first message has come.
    pub(super) const fn has_greeted(&self) -> bool {
        self.greeted
    }

    pub(super) fn on_text(&mut self, now: Timestamp, text: &str) -> Result<Received, Refusal> {
        self.last_heard = now;
        self.texts = self.texts.saturating_add(1);
        if self.texts > TEXT_BURST.saturating_add(self.paced(now, TEXTS_A_SECOND)) {
            return Err((
                RefusalCode::TooFast,
                "more messages than a call needs".to_owned(),
            ));
        }
        if text.len() > MAX_TEXT {
            return Err((RefusalCode::TooLarge, WireError::TooLong.to_string()));
        }
        let message = ClientMessage::parse(text)
            .map_err(|error| (RefusalCode::BadMessage, error.to_string()))?;
        if let ClientMessage::Hello { protocol } = message {
            return self.on_hello(protocol, false, Input::CallStarted);
        }
        if let ClientMessage::Reconnected {
            protocol,
            turn,
            samples,
        } = message
        {
            let back = Input::Back(ForTurn::new(turn, samples));
            return self.on_hello(protocol, true, back);
        }
        if !self.greeted {
            return Err((
                RefusalCode::BadMessage,
                "the first message must be hello".to_owned(),
            ));
        }
        Ok(match message {
            ClientMessage::Hello { .. }
            | ClientMessage::Reconnected { .. }
            | ClientMessage::Pong { .. } => Received::Noted,
            ClientMessage::SpeechStarted => Received::Fact(Input::SpeechStarted),
            ClientMessage::SpeechEnded { silence_ms } => Received::Fact(Input::SpeechEnded {
                silence: Duration::from_millis(silence_ms.into()),
            }),
            ClientMessage::Paused { turn, samples } => {
                Received::Fact(Input::Paused(ForTurn::new(turn, samples)))
            }
            ClientMessage::Played { turn, samples } => {
                Received::Fact(Input::Played(ForTurn::new(turn, samples)))
            }
            ClientMessage::Flushed { turn, samples, .. } => {
                Received::Fact(Input::Flushed(ForTurn::new(turn, samples)))
            }
            ClientMessage::HangUp => Received::Fact(Input::CallerLeft),
        })
    }

    pub(super) fn on_bytes(&mut self, now: Timestamp, bytes: &[u8]) -> Result<Received, Refusal> {
        self.last_heard = now;
        if bytes.len() > MAX_FRAME {
            return Err((
                RefusalCode::TooLarge,
                format!("a frame of {} bytes; at most {MAX_FRAME}", bytes.len()),
            ));
        }
        if !self.greeted {
            return Err((
                RefusalCode::BadMessage,
                "the first message must be hello".to_owned(),
            ));
        }
        let frame = AudioFrame::parse(bytes).map_err(|error| {
            let code = if matches!(error, WireError::Version(_)) {
                RefusalCode::Version
            } else {
                RefusalCode::BadFrame
            };
            (code, error.to_string())
        })?;
        if frame.kind != Kind::Microphone {
            return Err((
                RefusalCode::BadFrame,
                "a browser sends microphone frames only".to_owned(),
            ));
        }
        self.frames = self.frames.saturating_add(1);
        let kept = if self.is_back { KEPT } else { 0 };
        let ahead = BURST.saturating_add(kept);
        if self.frames > ahead.saturating_add(self.paced(now, 55)) {
            return Err((
                RefusalCode::TooFast,
                "more audio than real time allows".to_owned(),
            ));
        }
        if frame.sequence < self.next_frame {
            // Heard before the line was lost.
            return Ok(Received::Noted);
        }
        self.next_frame = frame.sequence.saturating_add(1);
        Ok(Received::Audio(frame.pcm.to_vec()))
    }

    fn on_hello(
        &mut self,
        protocol: u32,
        is_back: bool,
        begun: Input,
    ) -> Result<Received, Refusal> {
        if protocol != PROTOCOL_VERSION {
            return Err((
                RefusalCode::Version,
                format!("this edge speaks protocol {PROTOCOL_VERSION}"),
            ));
        }
        if is_back != self.is_back {
            return Err((
                RefusalCode::BadMessage,
                "hello begins a call, reconnected goes on with one".to_owned(),
            ));
        }
        if std::mem::replace(&mut self.greeted, true) {
            return Err((RefusalCode::BadMessage, "hello is said once".to_owned()));
        }
        Ok(Received::Fact(begun))
    }

    /// How many messages a pace allows by now.
    fn paced(&self, now: Timestamp, a_second: u64) -> u64 {
        let elapsed = u64::try_from(now.since(self.opened).as_millis()).unwrap_or(u64::MAX);
        elapsed.saturating_mul(a_second) / 1_000
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use voice_core::audio::MICROPHONE_FRAME;
    use voice_core::turn::TurnId;

    fn microphone() -> Vec<u8> {
        let pcm = [0; 2 * MICROPHONE_FRAME];
        AudioFrame {
            kind: Kind::Microphone,
            turn: TurnId::NONE,
            sequence: 0,
            pcm: &pcm,
        }
        .to_bytes()
    }

    fn greeted() -> Uplink {
        let mut browser = Uplink::new(Timestamp::ZERO);
        assert!(matches!(
            browser.on_text(Timestamp::ZERO, r#"{"type":"hello","protocol":1}"#),
            Ok(Received::Fact(Input::CallStarted))
        ));
        browser
    }

    fn code<T>(result: Result<T, Refusal>) -> Option<RefusalCode> {
        result.err().map(|(code, _)| code)
    }

    #[test]
    fn hello_comes_first_and_once() {
        let now = Timestamp::ZERO;
        let mut browser = Uplink::new(now);
        assert_eq!(
            code(browser.on_text(now, r#"{"type":"speech_started"}"#)),
            Some(RefusalCode::BadMessage)
        );
        assert_eq!(
            code(browser.on_bytes(now, &microphone())),
            Some(RefusalCode::BadMessage)
        );
        assert_eq!(
            code(browser.on_text(now, r#"{"type":"hello","protocol":9}"#)),
            Some(RefusalCode::Version)
        );
        assert_eq!(
            code(greeted().on_text(now, r#"{"type":"hello","protocol":1}"#)),
            Some(RefusalCode::BadMessage)
        );
    }

    #[test]
    fn a_line_that_is_back_goes_on_with_the_next_frame() {
        let now = Timestamp::ZERO;
        let mut browser = Uplink::back(now, 7);
        let hello = r#"{"type":"hello","protocol":1}"#;
        assert_eq!(
            code(browser.on_text(now, hello)),
            Some(RefusalCode::BadMessage)
        );
        let back = r#"{"type":"reconnected","protocol":1,"turn":3,"samples":48000}"#;
        assert!(matches!(
            browser.on_text(now, back),
            Ok(Received::Fact(Input::Back(arrived))) if arrived == ForTurn::new(TurnId::from_wire(3), 48_000)
        ));
        for (sequence, is_new) in [(5, false), (6, false), (7, true), (7, false), (9, true)] {
            let pcm = [0; 2 * MICROPHONE_FRAME];
            let frame = AudioFrame {
                kind: Kind::Microphone,
                turn: TurnId::NONE,
                sequence,
                pcm: &pcm,
            };
            let heard = browser.on_bytes(now, &frame.to_bytes()).unwrap();
            assert_eq!(matches!(heard, Received::Audio(_)), is_new, "{sequence}");
        }
        assert_eq!(browser.next_frame, 10);
        assert_eq!(
            code(greeted().on_text(now, back)),
            Some(RefusalCode::BadMessage)
        );
    }

    #[test]
    fn junk_has_a_name() {
        let now = Timestamp::ZERO;
        for (bytes, expected) in [
            (vec![], RefusalCode::BadFrame),
            (vec![7; 652], RefusalCode::BadFrame),
            (
                vec![1, 9, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0],
                RefusalCode::Version,
            ),
            (
                microphone().into_iter().chain([0]).collect(),
                RefusalCode::BadFrame,
            ),
            (vec![0; 1 << 20], RefusalCode::TooLarge),
        ] {
            assert_eq!(
                code(greeted().on_bytes(now, &bytes)),
                Some(expected),
                "{} bytes",
                bytes.len()
            );
        }
        assert_eq!(
            code(greeted().on_text(now, "hello?")),
            Some(RefusalCode::BadMessage)
        );
        assert_eq!(
            code(greeted().on_text(now, &" ".repeat(1 << 20))),
            Some(RefusalCode::TooLarge)
        );
    }

    #[test]
    fn audio_may_catch_up_but_not_run_ahead() {
        let mut browser = greeted();
        let sent = (0..1_000)
            .take_while(|_| browser.on_bytes(Timestamp::ZERO, &microphone()).is_ok())
            .count();
        assert_eq!(sent as u64, BURST);
        assert!(
            browser
                .on_bytes(Timestamp::from_millis(2_000), &microphone())
                .is_ok()
        );
    }

    #[test]
    fn what_was_kept_for_another_line_comes_on_top() {
        let mut browser = Uplink::back(Timestamp::ZERO, 0);
        let back = r#"{"type":"reconnected","protocol":1,"turn":1,"samples":0}"#;
        browser.on_text(Timestamp::ZERO, back).unwrap();
        let sent = (0..1_000)
            .take_while(|_| browser.on_bytes(Timestamp::ZERO, &microphone()).is_ok())
            .count();
        assert_eq!(sent as u64, BURST + KEPT);
    }
}
