//! The telephone's door: Twilio's media stream at the other end, and the handset here, since a telephone has no code of ours in it.
//!
//! The caller's µ-law goes to the recogniser as it came. Beside that it is decoded for the detector, whose scores pause her by
//! `clear` without asking anybody. What she says goes out in frames by the clock, and what came back as marks tells what
//! was heard.

mod ear;
mod parting;

use std::collections::VecDeque;
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::LocalBoxFuture;
use voice_core::conversation::{Input, Sound};
use voice_core::telephone::{self as core, Config, Output};
use voice_core::time::Timestamp;
use voice_core::turn::ForTurn;
use voice_core::wire::{Outcome, ServerMessage};

use self::ear::Ear;
use self::parting::Parting;
use super::door::{Door, Received, Refusal};
use super::driver::Parts;
use crate::providers::Frame;
use crate::providers::socket::Pump;
use crate::twilio::StreamSid;
use crate::twilio::message::{self, Message};

/// A stream without the caller's sound for so long is dead: it comes fifty times a second, silence too. A network that is held up for less catches up
/// ([`BURST`]); with more, what she says is kept by the runtime for nobody.
const SILENT_FOR: Duration = Duration::from_secs(5);

/// The caller's sound ahead of real time that is taken without complaint, for a network that was held up and catches
/// up: five seconds. More is dropped.
const BURST: u64 = 5 * 8_000;

/// The longest message taken. Twilio's have about 400 bytes.
const MESSAGE_MAX: usize = 64 * 1024;

pub(super) struct Telephone {
    call: String,
    socket: Pump,
    stream: StreamSid,
    parting: Parting,
    machine: core::Telephone,
    ear: Ear,
    facts: VecDeque<Input>,
    due: Option<Timestamp>,
    opened: Timestamp,
    /// When the caller's sound came last.
    last_heard: Timestamp,
    counts: Counts,
}

/// What came over the stream, for the log: numbers and nothing of what was said.
#[derive(Debug, Default)]
struct Counts {
    messages: u64,
    /// Bytes, and so samples, of the caller's sound.
    sound: u64,
    /// The sequence number of the next message. Every message of a stream counts, from 1 for `start`.
    expected: u64,
    /// Messages that never came, or could not be read.
    missing: u64,
    /// Not of the protocol, of another stream, or too long.
    malformed: u64,
    /// Bytes dropped because they came faster than anybody speaks.
    dropped: u64,
}

impl Telephone {
    pub(super) fn new(parts: &Parts, socket: Pump, stream: StreamSid, now: Timestamp) -> Self {
        Self {
            call: parts.call.clone(),
            socket,
            stream,
            parting: Parting::new(parts),
            machine: core::Telephone::new(Config::default()),
            ear: Ear::new(),
            facts: VecDeque::new(),
            due: None,
            opened: now,
            last_heard: now,
            counts: Counts {
                expected: 2,
                ..Counts::default()
            },
        }
    }

    fn tell(&mut self, now: Timestamp, input: core::Input) {
        self.machine.handle_input(now, input);
        self.drain();
    }

    /// Carries out what the machine wants.
    fn drain(&mut self) {
        loop {
            let text = match self.machine.poll_output() {
                Output::Clear => message::clear(&self.stream),
                Output::Frame(sound) => message::media(&self.stream, &sound),
                Output::Mark(name) => message::mark(&self.stream, &name),
                Output::Report(report) => {
                    self.facts.push_back(report.into());
                    continue;
                }
                Output::Timeout(due) => {
                    self.due = due;
                    return;
                }
            };
            self.socket.send(Frame::Text(text));
        }
    }

    fn on_message(&mut self, now: Timestamp, text: &str) -> Received {
        if text.len() > MESSAGE_MAX {
            return self.malformed();
        }
        let Ok(message) = message::parse(text, Some(&self.stream)) else {
            return self.malformed();
        };
        self.counts.follow(&message);
        match message {
            Message::Media(media) => self.on_sound(now, media.payload),
            Message::Dtmf(digit) => Received::Fact(Input::Digit(digit)),
            Message::Mark(name) => {
                self.tell(now, core::Input::Marked(name));
                Received::Noted
            }
            Message::Stop => Received::Fact(Input::CallerLeft),
            // Said once, before the call's object was asked.
            Message::Connected | Message::Start(_) => self.malformed(),
            Message::Unknown => Received::Noted,
        }
    }

    fn on_sound(&mut self, now: Timestamp, sound: Vec<u8>) -> Received {
        self.last_heard = now;
        let length = sound.len() as u64;
        let millis = u64::try_from(now.since(self.opened).as_millis()).unwrap_or(u64::MAX);
        // A tenth faster than the clock, since two clocks never agree.
        let allowed = BURST.saturating_add(millis.saturating_mul(8).saturating_mul(11) / 10);
        if self.counts.sound.saturating_add(length) > allowed {
            self.counts.dropped = self.counts.dropped.saturating_add(length);
            return Received::Noted;
        }
        self.counts.sound = self.counts.sound.saturating_add(length);
        let machine = &mut self.machine;
        self.ear.hear(&sound, |speech, level| {
            machine.handle_input(now, core::Input::Score { speech, level });
        });
        self.drain();
        Received::Audio(sound)
    }

    fn malformed(&mut self) -> Received {
        self.counts.malformed = self.counts.malformed.saturating_add(1);
        Received::Noted
    }
}

impl Counts {
    fn follow(&mut self, message: &Message) {
        self.messages = self.messages.saturating_add(1);
        if let Message::Media(media) = message {
            let missing = media.sequence.saturating_sub(self.expected);
            self.missing = self.missing.saturating_add(missing);
            self.expected = media.sequence;
        }
        self.expected = self.expected.saturating_add(1);
    }
}

impl Door for Telephone {
    fn receive(&mut self, now: Timestamp, frame: Frame) -> Result<Received, Refusal> {
        Ok(match frame {
            Frame::Text(text) => self.on_message(now, &text),
            Frame::Binary(_) => self.malformed(),
        })
    }

    fn play(&mut self, now: Timestamp, sound: ForTurn<Sound>) {
        let (turn, sound) = sound.into_parts();
        self.tell(now, core::Input::Voice(ForTurn::new(turn, sound.bytes)));
    }

    fn mark(&mut self, now: Timestamp, piece: ForTurn<u32>) {
        self.tell(now, core::Input::PieceEnded(piece));
    }

    fn transmit(&mut self, now: Timestamp, message: &ServerMessage) {
        match message {
            ServerMessage::Flush { turn } => self.tell(now, core::Input::Flush { turn: *turn }),
            ServerMessage::Resume { turn } => self.tell(now, core::Input::Resume { turn: *turn }),
            // A telephone shows nothing.
            _ => {}
        }
    }

    fn poll(&mut self) -> Option<Input> {
        self.facts.pop_front()
    }

    fn due(&self) -> Option<Timestamp> {
        self.due
    }

    fn wake(&mut self, now: Timestamp) {
        self.tell(now, core::Input::Timeout);
    }

    fn keep_house(&mut self, now: Timestamp) -> Result<Received, Refusal> {
        let gone = now.since(self.last_heard) > SILENT_FOR;
        Ok(if gone {
            worker::console_warn!("call {}: the stream is silent", self.call);
            Received::Fact(Input::CallerLeft)
        } else {
            Received::Noted
        })
    }

    fn leave(self: Box<Self>, outcome: Outcome) -> LocalBoxFuture<'static, ()> {
        let Self {
            call,
            socket,
            parting,
            machine,
            counts,
            ..
        } = *self;
        worker::console_log!(
            "call {call}: stream over, {} messages, {} missing, {} malformed, {} bytes too fast, {} strange marks, {} gaps",
            counts.messages,
            counts.missing,
            counts.malformed,
            counts.dropped,
            machine.strange_marks(),
            machine.gaps()
        );
        async move {
            parting.part(outcome).await;
            socket.close(1000, "call over");
        }
        .boxed_local()
    }
}
