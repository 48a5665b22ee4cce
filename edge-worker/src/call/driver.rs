//! The loop of one call: a socket, a timer or a provider gives a fact; the conversation decides; this carries it out.
//!
//! Nothing is decided here, and carrying out never waits: work is started and its result comes back as a fact.

use std::time::Duration;

use futures_channel::mpsc::{UnboundedReceiver, unbounded};
use futures_util::{FutureExt, StreamExt, select_biased};
use voice_core::audio::SampleRate;
use voice_core::conversation::{Config, Conversation, Input, Output, Sound};
use voice_core::time::Timestamp;
use voice_core::turn::{ForTurn, TurnGate, TurnId};
use voice_core::wire::audio::{AudioFrame, Kind};
use voice_core::wire::{Outcome, PROTOCOL_VERSION, Phase, RefusalCode, ServerMessage};
use worker::{Delay, WebSocket, WebsocketEvent};

use super::browser::{Browser, Received, Refusal, SILENT_FOR};
use super::model::Asked;
use super::recogniser::Recogniser;
use super::record::Record;
use super::voice::{Maker, Voice};
use super::{Fact, Facts};
use crate::clock::{Clock, unix_millis, until};
use crate::providers::deepgram_stt::Nova;
use crate::providers::groq_llm::Groq;
use crate::providers::{AudioFormat, deepgram_tts};
use crate::settings::Settings;
use crate::site::Site;

/// How often the sockets are looked after: often enough for a keep-alive due every four seconds.
const HOUSEKEEPING: Duration = Duration::from_secs(1);

/// How often the browser is asked whether it is there, in housekeepings.
const PING_EVERY: u32 = 5;

/// What a call is made of.
pub(super) struct Parts {
    pub(super) call: String,
    pub(super) site: Site,
    pub(super) settings: Settings,
    pub(super) record: Record,
    pub(super) browser: WebSocket,
}

/// Accepts the browser's socket and lets the call run by itself.
pub(super) fn start(parts: Parts) -> worker::Result<()> {
    // Without this, binary messages arrive as Blobs and read as empty.
    parts
        .browser
        .as_ref()
        .set_binary_type(web_sys::BinaryType::Arraybuffer);
    let (sender, facts) = unbounded();
    let socket = parts.browser.clone();
    let driver = Driver::new(parts, Facts(sender));
    wasm_bindgen_futures::spawn_local(async move {
        let call = driver.call.clone();
        if let Err(error) = driver.run(&socket, facts).await {
            worker::console_error!("call {call}: {error}");
        }
    });
    Ok(())
}

struct Driver {
    call: String,
    clock: Clock,
    conversation: Conversation,
    socket: WebSocket,
    browser: Browser,
    recogniser: Recogniser<Nova>,
    voice: Voice,
    groq: Groq,
    models: Vec<String>,
    asked: Option<Asked>,
    facts: Facts,
    record: Record,
    gate: TurnGate,
    /// The next voice frame's number, in which turn.
    sequence: (TurnId, u32),
    pings: u32,
    ended: Option<Outcome>,
}

impl Driver {
    fn new(parts: Parts, facts: Facts) -> Self {
        let Parts {
            call,
            site,
            settings,
            record,
            browser,
        } = parts;
        let clock = Clock::start();
        let now = clock.now();
        let recogniser = Recogniser::open(
            Nova::new(&settings, AudioFormat::Browser),
            facts.clone(),
            now,
        );
        let maker = Maker {
            name: settings.tts_voice.as_str().to_owned(),
            greeting: site.greeting.to_owned(),
            rest: deepgram_tts::AuraRest::new(&settings, AudioFormat::Browser),
            socket: {
                let settings = settings.clone();
                Box::new(move || deepgram_tts::Aura::new(&settings, AudioFormat::Browser))
            },
        };
        let config = Config::new(site.greeting, &site.instructions(), SampleRate::VOICE);
        Self {
            call,
            clock,
            conversation: Conversation::new(config),
            socket: browser,
            browser: Browser::new(now),
            recogniser,
            voice: Voice::open(maker, facts.clone()),
            groq: Groq::new(&settings),
            models: vec![
                settings.llm_model.as_str().to_owned(),
                settings.llm_fallback_model.as_str().to_owned(),
            ],
            asked: None,
            facts,
            record,
            gate: TurnGate::default(),
            sequence: (TurnId::NONE, 0),
            pings: 0,
            ended: None,
        }
    }

    async fn run(
        mut self,
        socket: &WebSocket,
        mut facts: UnboundedReceiver<Fact>,
    ) -> worker::Result<()> {
        let mut messages = socket.events()?.fuse();
        socket.accept()?;
        let mut housekeeping = self.clock.now() + HOUSEKEEPING;
        let mut alarm: Option<(Timestamp, futures_util::future::Fuse<Delay>)> = None;
        loop {
            let wanted = self.drain().unwrap_or(housekeeping).min(housekeeping);
            if let Some(outcome) = self.ended {
                return self.finish(outcome).await;
            }
            // A wake-up that comes too early does no harm, so a timer that runs is left running.
            let due = match alarm.as_ref() {
                Some((due, _)) if *due <= wanted => *due,
                _ => wanted,
            };
            let running = match alarm.take() {
                Some(running) if running.0 == due => alarm.insert(running),
                _ => alarm.insert((due, until(self.clock.now(), due).fuse())),
            };
            let mut delay = &mut running.1;
            select_biased! {
                message = messages.next() => self.on_message(message),
                fact = facts.next() => if let Some(fact) = fact { self.on_fact(fact) },
                () = delay => {
                    alarm = None;
                    let now = self.clock.now();
                    if now >= housekeeping {
                        housekeeping = now + HOUSEKEEPING;
                        self.keep_house(now);
                    }
                    self.conversation.handle_input(now, Input::Timeout);
                }
            }
        }
    }

    /// Carries out everything the conversation wants now; gives when it wants to be woken.
    fn drain(&mut self) -> Option<Timestamp> {
        loop {
            match self.conversation.poll_output() {
                Output::Timeout(due) => return due,
                output => self.perform(output),
            }
        }
    }

    fn perform(&mut self, output: Output) {
        let now = self.clock.now();
        match output {
            Output::Ask(prompt) => {
                let asked = Asked::ask(
                    self.groq.clone(),
                    self.models.clone(),
                    prompt,
                    self.facts.clone(),
                );
                self.asked = Some(asked);
            }
            Output::Cancel(turn) => {
                self.gate.close(turn);
                self.asked.take_if(|asked| asked.turn() == turn);
                self.voice.cancel(now, turn);
            }
            Output::Finalize => self.recogniser.finalize(),
            Output::HangUp(outcome) => self.ended = Some(outcome),
            Output::Play(sound) => self.play(sound),
            Output::Record(exchange) => self.record.keep(&exchange, unix_millis()),
            Output::Say(piece) => self.voice.say(now, piece),
            Output::Transmit(message) => self.transmit(&message),
            Output::Timeout(_) => {}
        }
    }

    fn play(&mut self, sound: ForTurn<Sound>) {
        let (turn, sound) = sound.into_parts();
        if !self.gate.admits(turn) {
            return;
        }
        if self.sequence.0 != turn {
            self.sequence = (turn, 0);
        }
        let sequence = self.sequence.1;
        self.sequence.1 = sequence.wrapping_add(1);
        let frame = AudioFrame {
            kind: Kind::Voice,
            turn,
            sequence,
            pcm: &sound.bytes,
        };
        // A socket that cannot be written to is closing; its close event says so next.
        let _ = self.socket.send_with_bytes(frame.to_bytes());
    }

    fn transmit(&self, message: &ServerMessage) {
        if let ServerMessage::State {
            state,
            turn,
            reason,
        } = message
        {
            worker::console_log!(
                "call {} turn {}: {state:?}, {reason}",
                self.call,
                turn.number()
            );
        }
        if let Ok(text) = serde_json::to_string(message) {
            // As above.
            let _ = self.socket.send_with_str(text);
        }
    }

    fn on_message(&mut self, message: Option<worker::Result<WebsocketEvent>>) {
        let now = self.clock.now();
        let Some(Ok(WebsocketEvent::Message(message))) = message else {
            self.conversation.handle_input(now, Input::CallerLeft);
            return;
        };
        let text = message.text();
        let bytes = if text.is_some() {
            None
        } else {
            message.bytes()
        };
        let received = match (&text, &bytes) {
            (Some(text), _) => self.browser.on_text(now, text),
            (None, Some(bytes)) => self.browser.on_bytes(now, bytes),
            (None, None) => Ok(Received::Noted),
        };
        match received {
            Ok(Received::Audio(pcm)) => self.recogniser.hear(now, pcm),
            Ok(Received::Fact(input)) => self.conversation.handle_input(now, input),
            Ok(Received::Greeted) => {
                self.transmit(&ServerMessage::Welcome {
                    protocol: PROTOCOL_VERSION,
                    call: self.call.clone(),
                });
                self.conversation.handle_input(now, Input::CallStarted);
            }
            Ok(Received::Noted) => {}
            Err(refusal) => self.refuse(refusal),
        }
    }

    /// Tells the browser what is wrong and ends the call; other calls are not touched.
    fn refuse(&mut self, (code, message): Refusal) {
        worker::console_warn!("call {}: refused: {code:?}", self.call);
        self.transmit(&ServerMessage::Error { code, message });
        self.conversation
            .handle_input(self.clock.now(), Input::CallerLeft);
        self.drain();
        self.ended = Some(Outcome::Refused);
    }

    fn on_fact(&mut self, fact: Fact) {
        let now = self.clock.now();
        match fact {
            Fact::Input(input) => self.conversation.handle_input(now, input),
            Fact::Recogniser(generation, event) => {
                if let Some(input) = self.recogniser.on_socket(generation, event) {
                    self.conversation.handle_input(now, input);
                }
            }
            Fact::Rest(event) => {
                for input in self.voice.on_rest(now, event) {
                    self.conversation.handle_input(now, input);
                }
            }
            Fact::Voice(generation, event) => {
                for input in self.voice.on_socket(now, generation, event) {
                    self.conversation.handle_input(now, input);
                }
            }
        }
    }

    fn keep_house(&mut self, now: Timestamp) {
        self.recogniser.keep_alive(now);
        if now.since(self.browser.last_heard) > SILENT_FOR {
            if self.conversation.phase() == Phase::Idle {
                self.refuse((RefusalCode::BadMessage, "no hello".to_owned()));
            } else {
                self.conversation.handle_input(now, Input::CallerLeft);
            }
            return;
        }
        self.pings = self.pings.wrapping_add(1);
        if self.pings.is_multiple_of(PING_EVERY) {
            self.transmit(&ServerMessage::Ping { id: self.pings });
        }
    }

    async fn finish(self, outcome: Outcome) -> worker::Result<()> {
        let (code, reason) = if outcome == Outcome::Refused {
            (1008, "refused")
        } else {
            (1000, "call over")
        };
        // The browser may have closed first.
        let _ = self.socket.close(Some(code), Some(reason));
        let record = self.record.clone();
        // The providers' sockets close here, before anything that waits.
        drop(self);
        record.end(outcome, unix_millis()).await
    }
}
