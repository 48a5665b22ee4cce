//! The recogniser's side of a call: audio out, words in, and a new socket when one is lost or has fallen silent.

use std::time::Duration;

use voice_core::audio::SampleRate;
use voice_core::conversation::Input;
use voice_core::time::Timestamp;
use voice_core::transcript::Recognition;

use super::{Fact, Facts};
use crate::providers::deepgram_flux::Flux;
use crate::providers::deepgram_stt::Nova;
use crate::providers::socket::{Pump, SocketEvent};
use crate::providers::{AudioFormat, Frame, RecogniserEvent, RecogniserProtocol};
use crate::settings::{Settings, SttFamily};

/// Sockets in a row that may be lost without a word having been recognised between them.
const LOSSES: u8 = 3;

/// The silence in which a recogniser decides on what it has heard.
const HURRY: Duration = Duration::from_millis(200);

/// The most that one message of the caller's adds to the time for which sound flows: five of their frames. After a longer gap
/// nothing flowed, and the vendor owed nothing.
const FLOWS: Duration = Duration::from_millis(100);

pub(super) struct Recogniser {
    settings: Settings,
    format: AudioFormat,
    protocol: Box<dyn RecogniserProtocol>,
    pump: Pump,
    facts: Facts,
    /// Sound that waits for more, and how much makes a message.
    gathered: Vec<u8>,
    message: usize,
    /// Until then nothing waits: the recogniser finds the end of an utterance in the silence behind it.
    hurries_until: Timestamp,
    losses: u8,
    /// Bytes of sound that the vendor was given in this call.
    sent: u64,
    /// When the caller was last heard, or the socket kept open.
    last_sent: Timestamp,
    unanswered: Unanswered,
    /// Which socket this is, so that the last words of an old one are not taken for the new one's.
    generation: u32,
}

impl Recogniser {
    pub(super) fn open(
        settings: &Settings,
        format: AudioFormat,
        facts: Facts,
        now: Timestamp,
    ) -> Self {
        let protocol = speak_to(settings, format);
        let pump = connect(&*protocol, &facts, 0);
        let length = protocol.message_length();
        let bytes = match format {
            AudioFormat::Browser => SampleRate::MICROPHONE.samples_in(length).saturating_mul(2),
            AudioFormat::Telephone => SampleRate::TELEPHONE.samples_in(length),
        };
        Self {
            settings: settings.clone(),
            format,
            protocol,
            pump,
            facts,
            gathered: Vec::new(),
            message: usize::try_from(bytes).unwrap_or(usize::MAX),
            hurries_until: now,
            losses: 0,
            sent: 0,
            last_sent: now,
            unanswered: Unanswered::default(),
            generation: 0,
        }
    }

    /// How much sound the vendor was given: what it charges for.
    pub(super) const fn listened(&self) -> Duration {
        match self.format {
            AudioFormat::Browser => SampleRate::MICROPHONE.duration_of(self.sent / 2),
            AudioFormat::Telephone => SampleRate::TELEPHONE.duration_of(self.sent),
        }
    }

    pub(super) fn hear(&mut self, now: Timestamp, sound: &[u8]) -> Option<Input> {
        self.gathered.extend_from_slice(sound);
        self.last_sent = now;
        if self.gathered.len() >= self.message || now < self.hurries_until {
            self.send_gathered();
        }
        self.unanswered.flow(now);
        let owed = self.protocol.owes_news_within()?;
        if self.unanswered.lasted <= owed {
            return None;
        }
        // It has stopped in the middle of an utterance: what it has heard of it is all there will be.
        worker::console_warn!("recogniser fell silent");
        self.lose(true)
    }

    fn send_gathered(&mut self) {
        if let Some(frame) = self.protocol.audio(&self.gathered) {
            let bytes = u64::try_from(self.gathered.len()).unwrap_or(u64::MAX);
            self.sent = self.sent.saturating_add(bytes);
            self.pump.send(frame);
        }
        self.gathered.clear();
    }

    pub(super) fn finalize(&mut self, now: Timestamp) {
        self.hurries_until = now + HURRY;
        self.send_gathered();
        if let Some(frame) = self.protocol.finalize() {
            self.pump.send(frame);
        }
    }

    /// Keeps the socket open while no audio flows.
    pub(super) fn keep_alive(&mut self, now: Timestamp) {
        if now.since(self.last_sent) < self.protocol.keep_alive_every() {
            return;
        }
        self.send_gathered();
        if let Some(frame) = self.protocol.keep_alive() {
            self.last_sent = now;
            self.pump.send(frame);
        }
    }

    pub(super) fn on_socket(&mut self, generation: u32, event: SocketEvent) -> Option<Input> {
        if generation != self.generation {
            return None;
        }
        match event {
            SocketEvent::Opened => None,
            SocketEvent::Frame(frame) => {
                self.unanswered.answer();
                self.on_frame(frame)
            }
            SocketEvent::Closed { code, reason } => {
                worker::console_warn!("recogniser closed with {code} ({reason})");
                self.lose(false)
            }
        }
    }

    fn on_frame(&mut self, frame: Frame) -> Option<Input> {
        match self.protocol.decode(frame) {
            Ok(Some(RecogniserEvent::Heard(heard))) => {
                self.losses = 0;
                Some(Input::Heard(heard))
            }
            Ok(Some(RecogniserEvent::Resumed)) => Some(Input::Resumed),
            Ok(Some(RecogniserEvent::UtteranceEnd)) => Some(Input::Gap),
            Ok(Some(RecogniserEvent::Failed(reason))) => {
                worker::console_warn!("recogniser: {reason}");
                self.lose(false)
            }
            Ok(None) => None,
            Err(unreadable) => {
                worker::console_warn!("{unreadable}");
                None
            }
        }
    }

    /// Another socket, unless too many were lost. What the old one had heard of an open utterance stays: the new one will
    /// only tell of what comes now.
    fn lose(&mut self, ends_utterance: bool) -> Option<Input> {
        self.losses = self.losses.saturating_add(1);
        worker::console_warn!("recogniser lost, {} of {LOSSES}", self.losses);
        if self.losses >= LOSSES {
            return Some(Input::RecogniserLost);
        }
        let left = self.protocol.give_up();
        self.generation = self.generation.wrapping_add(1);
        self.protocol = speak_to(&self.settings, self.format);
        self.pump = connect(&*self.protocol, &self.facts, self.generation);
        self.unanswered = Unanswered::default();
        left.map(|text| {
            Input::Heard(Recognition {
                text,
                is_final: true,
                ends_utterance,
                ..Recognition::default()
            })
        })
    }
}

/// For how long sound has flowed since the vendor last said anything.
#[derive(Debug, Default)]
struct Unanswered {
    lasted: Duration,
    heard: Option<Timestamp>,
}

impl Unanswered {
    fn flow(&mut self, now: Timestamp) {
        let since = self.heard.map_or(Duration::ZERO, |heard| now.since(heard));
        self.lasted = self.lasted.saturating_add(since.min(FLOWS));
        self.heard = Some(now);
    }

    const fn answer(&mut self) {
        self.lasted = Duration::ZERO;
    }
}

/// The protocol of these settings' model, at the beginning of a socket.
fn speak_to(settings: &Settings, format: AudioFormat) -> Box<dyn RecogniserProtocol> {
    match settings.stt_model.family() {
        SttFamily::Flux => Box::new(Flux::new(settings, format)),
        SttFamily::Nova => Box::new(Nova::new(settings, format)),
    }
}

fn connect(protocol: &dyn RecogniserProtocol, facts: &Facts, generation: u32) -> Pump {
    let facts = facts.clone();
    Pump::open(protocol.handshake(), move |event| {
        facts.send(Fact::Recogniser(generation, event))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millis: u64) -> Timestamp {
        Timestamp::from_millis(millis)
    }

    #[test]
    fn only_sound_that_flows_wants_an_answer() {
        let mut unanswered = Unanswered::default();
        for frame in 0..=100 {
            unanswered.flow(at(20 * frame));
        }
        assert_eq!(unanswered.lasted, Duration::from_secs(2));
        // A network that was held up for a minute, and catches up at once.
        for _ in 0..100 {
            unanswered.flow(at(62_000));
        }
        assert_eq!(unanswered.lasted, Duration::from_millis(2_100));
        unanswered.answer();
        unanswered.flow(at(62_020));
        assert_eq!(unanswered.lasted, Duration::from_millis(20));
    }

    #[test]
    fn the_model_chooses_the_protocol() {
        for (model, path) in [
            ("nova-2", "/v1/listen?model=nova-2&"),
            ("nova-3", "/v1/listen?model=nova-3&"),
            ("flux-general-en", "/v2/listen?model=flux-general-en&"),
        ] {
            let settings = Settings::from_lookup(|name| match name {
                "DEEPGRAM_API_KEY" | "GROQ_API_KEY" => Some("vendor-key".to_owned()),
                "STT_MODEL" => Some(model.to_owned()),
                _ => None,
            });
            let protocol = speak_to(&settings.unwrap(), AudioFormat::Telephone);
            let url = protocol.handshake().url;
            assert!(url.contains(path), "{url}");
        }
    }
}
