//! The recogniser's side of a call: audio out, words in, and another socket when one is lost or has fallen silent; at last one of another
//! provider, where there is one.
//!
//! What a lost socket has not told of is given to the next one from a ring of the caller's last seconds, so that no word is lost and none is
//! told twice.

mod losses;
mod ring;

use std::time::Duration;

use voice_core::audio::SampleRate;
use voice_core::conversation::Input;
use voice_core::time::Timestamp;
use voice_core::transcript::Recognition;

use self::losses::{FIRST_NEWS, HASTE, Losses, Next};
use self::ring::Ring;
use super::tally::Tally;
use super::{Fact, Facts};
use crate::providers::deepgram_flux::Flux;
use crate::providers::deepgram_stt::Nova;
use crate::providers::socket::{Pump, SocketEvent};
use crate::providers::workers_ai::{Run, WorkersAi};
use crate::providers::{AudioFormat, Frame, RecogniserEvent, RecogniserProtocol};
use crate::settings::{Settings, SttFamily};

/// The silence in which a recogniser decides on what it has heard.
const HURRY: Duration = Duration::from_millis(200);

/// The most that one message of the caller's adds to the time for which sound flows: five of their frames. After a longer gap
/// nothing flowed, and the vendor owed nothing.
const FLOWS: Duration = Duration::from_millis(100);

/// How much of the caller's sound is kept for a socket that takes the place of a lost one: what somebody says in a breath, and the two seconds
/// until a silent socket is noticed. A vendor fixes what it hears at least every five seconds; of what began earlier its guess is taken.
const RING: Duration = Duration::from_secs(6);

/// What a socket is given at once of that, in bytes: a vendor advises 20 to 250 ms a message, and these are 100 for a browser.
const AGAIN: usize = 3_200;

pub(super) struct Recogniser {
    settings: Settings,
    format: AudioFormat,
    protocol: Box<dyn RecogniserProtocol>,
    pump: Pump,
    /// Leads to the last provider, where there is one.
    binding: Option<WorkersAi>,
    facts: Facts,
    /// Sound that waits for more, and how much makes a message.
    gathered: Vec<u8>,
    message: usize,
    ring: Ring,
    /// Where in the call the sound of this socket began, in bytes.
    began: u64,
    /// Until then nothing waits: the recogniser finds the end of an utterance in the silence behind it.
    hurries_until: Timestamp,
    losses: Losses,
    tally: Tally,
    /// Bytes of sound that the vendor was given by the sockets before, and that this one is given.
    sent: u64,
    sent_here: u64,
    is_open: bool,
    /// When the caller was last heard, or the socket kept open.
    last_sent: Timestamp,
    unanswered: Unanswered,
    /// This socket has said something.
    has_spoken: bool,
    /// Something of what the caller has said since they were silent last has been told.
    has_words: bool,
    /// A decision was asked for and has not come.
    is_finalizing: bool,
    /// Which socket this is, so that the last words of an old one are not taken for the new one's.
    generation: u32,
}

impl Recogniser {
    pub(super) fn open(
        settings: &Settings,
        format: AudioFormat,
        binding: Option<WorkersAi>,
        facts: Facts,
        now: Timestamp,
    ) -> Self {
        let protocol = speak_to(settings, format);
        let pump = connect(&*protocol, &facts, 0);
        let length = protocol.message_length();
        Self {
            settings: settings.clone(),
            format,
            protocol,
            pump,
            binding,
            facts,
            gathered: Vec::new(),
            message: bytes_in(format, length),
            ring: Ring::new(bytes_in(format, RING)),
            began: 0,
            hurries_until: now,
            losses: Losses::default(),
            tally: Tally::default(),
            sent: 0,
            sent_here: 0,
            is_open: false,
            last_sent: now,
            unanswered: Unanswered::default(),
            has_spoken: false,
            has_words: true,
            is_finalizing: false,
            generation: 0,
        }
    }

    /// How much sound the vendor was given: what it charges for.
    pub(super) fn listened(&self) -> Duration {
        span_of(self.format, self.given())
    }

    /// What waits for a socket that never opens is given to nobody.
    const fn given(&self) -> u64 {
        let here = if self.is_open { self.sent_here } else { 0 };
        self.sent.saturating_add(here)
    }

    /// How it went since this was asked last.
    pub(super) fn take_tally(&mut self) -> Tally {
        std::mem::take(&mut self.tally)
    }

    pub(super) fn hear(&mut self, now: Timestamp, sound: &[u8]) -> Option<Input> {
        self.ring.push(sound);
        self.gathered.extend_from_slice(sound);
        self.last_sent = now;
        if self.gathered.len() >= self.message || now < self.hurries_until {
            self.send_gathered();
        }
        self.unanswered.flow(now);
        let owed = self.owes_news_within()?;
        if self.unanswered.lasted <= owed {
            return None;
        }
        worker::console_warn!("recogniser fell silent");
        self.lose(true)
    }

    /// How long sound may flow without any news.
    fn owes_news_within(&self) -> Option<Duration> {
        if !self.has_spoken {
            Some(FIRST_NEWS)
        } else if self.is_finalizing && !self.has_words {
            Some(HASTE)
        } else {
            self.protocol.owes_news_within()
        }
    }

    fn send_gathered(&mut self) {
        let gathered = std::mem::take(&mut self.gathered);
        self.send_sound(&gathered);
    }

    fn send_sound(&mut self, sound: &[u8]) {
        if let Some(frame) = self.protocol.audio(sound) {
            let bytes = u64::try_from(sound.len()).unwrap_or(u64::MAX);
            self.sent_here = self.sent_here.saturating_add(bytes);
            self.pump.send(frame);
        }
    }

    /// The caller has stopped speaking.
    pub(super) fn finalize(&mut self, now: Timestamp) {
        self.hurries_until = now + HURRY;
        self.send_gathered();
        if let Some(frame) = self.protocol.finalize() {
            if !std::mem::replace(&mut self.is_finalizing, true) {
                self.unanswered.answer();
            }
            self.pump.send(frame);
        }
    }

    /// The caller has begun to speak.
    pub(super) const fn expect_words(&mut self) {
        self.has_words = false;
        self.is_finalizing = false;
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
            SocketEvent::Opened => {
                self.is_open = true;
                None
            }
            SocketEvent::Frame(frame) => self.on_frame(frame),
            SocketEvent::Closed { code, reason } => {
                worker::console_warn!("recogniser closed with {code} ({reason})");
                self.lose(false)
            }
        }
    }

    fn on_frame(&mut self, frame: Frame) -> Option<Input> {
        let event = match self.protocol.decode(frame) {
            Ok(event) => event,
            // Who talks nonsense has said nothing.
            Err(unreadable) => {
                worker::console_warn!("{unreadable}");
                return None;
            }
        };
        self.unanswered.answer();
        self.has_spoken = true;
        match event {
            Some(RecogniserEvent::Heard(heard)) => {
                if !heard.text.trim().is_empty() {
                    self.losses.forget();
                    if !std::mem::replace(&mut self.has_words, true) {
                        self.tally.succeeded();
                    }
                }
                if heard.answers_finalize {
                    self.is_finalizing = false;
                }
                Some(Input::Heard(heard))
            }
            Some(RecogniserEvent::Resumed) => Some(Input::Resumed),
            Some(RecogniserEvent::UtteranceEnd) => Some(Input::Gap),
            Some(RecogniserEvent::Failed(reason)) => {
                worker::console_warn!("recogniser: {reason}");
                self.lose(false)
            }
            None => None,
        }
    }

    /// Another socket, unless too many were lost. Gives what the old one had heard and the new one will not tell.
    fn lose(&mut self, fell_silent: bool) -> Option<Input> {
        let was_dumb = fell_silent && !self.has_spoken;
        let has_binding = self.binding.is_some();
        let next = self
            .losses
            .add(was_dumb, &self.settings.stt_model, has_binding);
        // What another provider makes up for is no reason for Safe Mode, in which the caller would be heard by the same.
        if !has_binding || next.is_none() {
            for _ in 0..self.losses.take_failures() {
                self.tally.failed();
            }
        }
        let Some(next) = next else {
            worker::console_warn!("recogniser lost for good");
            return Some(Input::RecogniserLost);
        };
        let kept_from = self.ring.start().saturating_sub(self.began);
        let left = self.protocol.give_up(span_of(self.format, kept_from));
        self.generation = self.generation.wrapping_add(1);
        self.sent = self.given();
        self.sent_here = 0;
        self.is_open = false;
        self.go_on_with(next);
        self.unanswered = Unanswered::default();
        self.has_spoken = false;
        let told = bytes_in(self.format, left.told);
        self.hear_again(self.began.saturating_add(told as u64));
        left.words.map(|text| {
            Input::Heard(Recognition {
                text,
                is_final: true,
                // One that falls silent in the middle of an utterance has heard all there will be of it.
                ends_utterance: fell_silent,
                ..Recognition::default()
            })
        })
    }

    fn go_on_with(&mut self, next: Next) {
        match (next, self.binding.clone()) {
            (Next::Binding, Some(binding)) => {
                worker::console_warn!("recogniser lost, goes on by the binding");
                let (protocol, run) = by_binding(&self.settings, self.format);
                self.protocol = protocol;
                let tell = teller(&self.facts, self.generation);
                self.pump = Pump::open_by(binding, run, tell);
            }
            // Without one it is not named.
            (Next::Binding, None) => {}
            (Next::Model(model), _) => {
                worker::console_warn!("recogniser lost, goes on with {}", model.as_str());
                let settings = Settings {
                    stt_model: model,
                    ..self.settings.clone()
                };
                self.protocol = speak_to(&settings, self.format);
                self.pump = connect(&*self.protocol, &self.facts, self.generation);
            }
        }
    }

    /// Gives the new socket what is kept from this place of the call on, and asks it for the decision that was asked for.
    fn hear_again(&mut self, from: u64) {
        let (began, sound) = self.ring.from(from);
        self.began = began;
        self.gathered.clear();
        for part in sound.chunks(AGAIN) {
            self.send_sound(part);
        }
        if self.is_finalizing
            && let Some(frame) = self.protocol.finalize()
        {
            self.pump.send(frame);
        }
    }
}

/// Bytes of the caller's sound in so long; whole samples.
fn bytes_in(format: AudioFormat, span: Duration) -> usize {
    let bytes = match format {
        AudioFormat::Browser => SampleRate::MICROPHONE.samples_in(span).saturating_mul(2),
        AudioFormat::Telephone => SampleRate::TELEPHONE.samples_in(span),
    };
    usize::try_from(bytes).unwrap_or(usize::MAX)
}

/// How long so many bytes of the caller's sound last.
fn span_of(format: AudioFormat, bytes: u64) -> Duration {
    match format {
        AudioFormat::Browser => SampleRate::MICROPHONE.duration_of(bytes / 2),
        AudioFormat::Telephone => SampleRate::TELEPHONE.duration_of(bytes),
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

/// The protocol of the runtime's own models at the beginning of a socket, and what is asked of the binding. It is the chosen model's kind where
/// the binding takes this sound for it.
fn by_binding(settings: &Settings, format: AudioFormat) -> (Box<dyn RecogniserProtocol>, Run) {
    let flux = match settings.stt_model.family() {
        SttFamily::Flux => Flux::run(format),
        SttFamily::Nova => None,
    };
    match flux {
        Some(run) => (Box::new(Flux::new(settings, format)), run),
        None => (Box::new(Nova::new(settings, format)), Nova::run(format)),
    }
}

fn connect(protocol: &dyn RecogniserProtocol, facts: &Facts, generation: u32) -> Pump {
    Pump::open(protocol.handshake(), teller(facts, generation))
}

fn teller(facts: &Facts, generation: u32) -> impl Fn(SocketEvent) + 'static {
    let facts = facts.clone();
    move |event| facts.send(Fact::Recogniser(generation, event))
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

    fn with_model(model: &str) -> Settings {
        let settings = Settings::from_lookup(|name| match name {
            "DEEPGRAM_API_KEY" | "GROQ_API_KEY" => Some("vendor-key".to_owned()),
            "STT_MODEL" => Some(model.to_owned()),
            _ => None,
        });
        settings.unwrap()
    }

    #[test]
    fn the_binding_is_asked_for_what_it_takes() {
        for (model, format, asked) in [
            ("nova-2", AudioFormat::Browser, "@cf/deepgram/nova-3"),
            ("nova-3", AudioFormat::Telephone, "@cf/deepgram/nova-3"),
            ("flux-general-en", AudioFormat::Browser, "@cf/deepgram/flux"),
            (
                "flux-general-en",
                AudioFormat::Telephone,
                "@cf/deepgram/nova-3",
            ),
        ] {
            let (mut protocol, run) = by_binding(&with_model(model), format);
            assert_eq!(run.model, asked, "{model} {format:?}");
            // Only one of them is asked for a decision.
            assert_eq!(protocol.finalize().is_none(), asked.ends_with("flux"));
        }
    }

    #[test]
    fn the_model_chooses_the_protocol() {
        for (model, path) in [
            ("nova-2", "/v1/listen?model=nova-2&"),
            ("nova-3", "/v1/listen?model=nova-3&"),
            ("flux-general-en", "/v2/listen?model=flux-general-en&"),
        ] {
            let protocol = speak_to(&with_model(model), AudioFormat::Telephone);
            let url = protocol.handshake().url;
            assert!(url.contains(path), "{url}");
        }
    }
}
