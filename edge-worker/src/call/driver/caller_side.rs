//! What the caller's end brings, and whether it is still there.

use voice_core::audio::{TELEPHONE_FRAME, mulaw};
use voice_core::conversation::Input;
use voice_core::time::Timestamp;
use voice_core::wire::{Outcome, ServerMessage};

use super::Driver;
use crate::call::door::{Received, Refusal};
use crate::providers::socket::SocketEvent;

impl Driver {
    pub(super) fn on_caller(&mut self, now: Timestamp, event: SocketEvent) {
        let received = match (event, &mut self.door) {
            (SocketEvent::Frame(frame), Some(door)) => door.receive(now, frame),
            (SocketEvent::Closed { code, .. }, Some(door)) => {
                Ok(Received::Fact(door.on_closed(code)))
            }
            _ => Ok(Received::Noted),
        };
        self.follow(now, received);
    }

    fn follow(&mut self, now: Timestamp, received: Result<Received, Refusal>) {
        match received {
            Ok(Received::Audio(sound)) => {
                if let Some(input) = self.recogniser.hear(now, &sound) {
                    self.conversation.handle_input(now, input);
                }
            }
            Ok(Received::Fact(input)) => self.hear(now, input),
            Ok(Received::Noted) => {}
            Err(refusal) => self.refuse(now, refusal),
        }
    }

    /// A fact of the caller's end.
    pub(super) fn hear(&mut self, now: Timestamp, input: Input) {
        if matches!(input, Input::SpeechStarted) {
            self.recogniser.expect_words();
        }
        self.conversation.handle_input(now, input);
    }

    /// Tells the caller's end what is wrong and ends the call; other calls are not touched.
    pub(super) fn refuse(&mut self, now: Timestamp, (code, message): Refusal) {
        worker::console_warn!("call {}: refused: {code:?}", self.parts.call);
        self.transmit(now, &ServerMessage::Error { code, message });
        self.conversation.handle_input(now, Input::CallerLeft);
        self.drain();
        self.ended = Some(Outcome::Refused);
    }

    pub(super) fn keep_house(&mut self, now: Timestamp) {
        self.tell_warden(now);
        let received = match &mut self.door {
            Some(door) => {
                self.recogniser.keep_alive(now);
                door.keep_house(now)
            }
            None if self.rings_until.is_some_and(|until| until <= now) => {
                Ok(Received::Fact(Input::CallerLeft))
            }
            // A recogniser that never got sound closes in spite of every keep-alive.
            None => Ok(Received::Audio(vec![mulaw::SILENCE; TELEPHONE_FRAME])),
        };
        self.follow(now, received);
    }
}
