//! One call as everybody shares it: both sides of the sound, what has happened, and the way to the task that runs it.

use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::{mpsc, watch};
use tokio::time::{Duration, Instant};

use super::Dial;
use super::event::{Event, EventKind, Played, millis};
use super::microphone::Microphone;
use super::playout::Playout;
use super::recording::Stereo;
use super::twiml::Document;

/// Something the call's task is to do.
#[derive(Debug)]
pub(crate) enum Command {
    /// The connection is lost.
    Cut,
    HangUp,
    Press(char),
    /// The stream stalls.
    Stall,
    /// REST ends the call.
    Complete,
    /// REST gives the call other instructions, or the address of some.
    Redirect(Result<Document, String>),
    RedirectTo(String),
}

/// One call.
pub(crate) struct Line {
    pub(crate) dial: Dial,
    pub(crate) call_sid: String,
    origin: Instant,
    commands: mpsc::UnboundedSender<Command>,
    state: Mutex<State>,
    /// Changes with every event.
    changed: watch::Sender<u64>,
}

#[derive(Default)]
pub(crate) struct State {
    pub(crate) events: Vec<Event>,
    pub(crate) microphone: Microphone,
    pub(crate) playout: Playout,
    /// For REST: what is over cannot be changed.
    pub(crate) over: bool,
    /// Where the timeline ends.
    ended: Option<u64>,
}

impl Line {
    pub(crate) fn new(dial: Dial, call_sid: String) -> (Self, mpsc::UnboundedReceiver<Command>) {
        let (commands, receiver) = mpsc::unbounded_channel();
        let line = Self {
            dial,
            call_sid,
            origin: Instant::now(),
            commands,
            state: Mutex::default(),
            changed: watch::Sender::new(0),
        };
        (line, receiver)
    }

    /// The call's task may have ended; then there is nothing left to do.
    pub(crate) fn command(&self, command: Command) {
        let _ = self.commands.send(command);
    }

    /// A holder that panicked left whole events and samples behind, so the lock's poison says nothing.
    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Now, as a position on the timeline.
    pub(crate) fn now(&self) -> u64 {
        self.position(Instant::now())
    }

    pub(crate) fn position(&self, at: Instant) -> u64 {
        (at.saturating_duration_since(self.origin).as_micros() / 125) as u64
    }

    pub(crate) fn moment(&self, position: u64) -> Instant {
        self.origin + Duration::from_micros(position * 125)
    }

    pub(crate) fn tell(&self, kind: EventKind) {
        self.tell_at(self.now(), kind);
    }

    pub(crate) fn tell_at(&self, position: u64, kind: EventKind) {
        {
            let mut state = self.state();
            if matches!(kind, EventKind::Ended { .. }) {
                state.ended = Some(position);
            }
            let at_ms = millis(position);
            state.events.push(Event { at_ms, kind });
        }
        self.changed.send_modify(|count| *count += 1);
    }

    pub(crate) fn warn(&self, code: u32, reason: impl Into<String>) {
        let reason = reason.into();
        self.tell(EventKind::Warning { code, reason });
    }

    /// The first event that yields something, past or to come; nothing when the call ends without one.
    pub(crate) async fn find<T>(&self, mut pick: impl FnMut(&Event) -> Option<T>) -> Option<T> {
        let mut changed = self.changed.subscribe();
        let mut seen = 0;
        loop {
            changed.mark_unchanged();
            {
                let state = self.state();
                for event in &state.events[seen..] {
                    if let Some(found) = pick(event) {
                        return Some(found);
                    }
                }
                seen = state.events.len();
                if state.ended.is_some() {
                    return None;
                }
            }
            if changed.changed().await.is_err() {
                return None;
            }
        }
    }

    /// Returns once her channel has been silent for this long, or the call is over.
    pub(crate) async fn quiet_for(&self, span: Duration) {
        let mut changed = self.changed.subscribe();
        let begun = self.now();
        loop {
            changed.mark_unchanged();
            let due = {
                let state = self.state();
                if state.ended.is_some() {
                    return;
                }
                state.playout.last_sound().unwrap_or(0)
            };
            // Nothing said at all counts from the stream's beginning, not from the webhook.
            let due = self.moment(due.max(self.opened().unwrap_or(begun))) + span;
            if due <= Instant::now() {
                return;
            }
            tokio::select! {
                () = tokio::time::sleep_until(due) => {}
                _ = changed.changed() => {}
            }
        }
    }

    /// Where the latest stream began.
    fn opened(&self) -> Option<u64> {
        let state = self.state();
        let opened = state
            .events
            .iter()
            .rfind(|event| matches!(event.kind, EventKind::StreamOpened { .. }));
        opened.map(|event| (event.at_ms * 8.0) as u64)
    }

    /// The moment of her first sound at or after another, once it is being played; nothing when the call ends before.
    pub(crate) async fn sound_after(&self, position: u64) -> Option<u64> {
        let mut changed = self.changed.subscribe();
        loop {
            changed.mark_unchanged();
            let (sound, ended) = {
                let state = self.state();
                (state.playout.first_sound(position), state.ended)
            };
            match sound {
                Some(sound) if sound <= self.now() => return Some(sound),
                None if ended.is_some() => return None,
                _ => {}
            }
            // A sound that waits may be cleared before its turn comes.
            let due = sound.map(|sound| self.moment(sound));
            tokio::select! {
                () = tokio::time::sleep_until(due.unwrap_or_else(Instant::now)), if due.is_some() => {}
                changed = changed.changed() => if changed.is_err() { return None },
            }
        }
    }

    pub(crate) fn recording(&self) -> Stereo {
        let now = self.now();
        let state = self.state();
        let until = state.ended.unwrap_or(now);
        Stereo {
            left: state.microphone.render(until),
            right: state.playout.render(until),
        }
    }

    pub(crate) fn played(&self) -> Vec<Played> {
        let now = self.now();
        let state = self.state();
        let begun = state
            .playout
            .stretches()
            .iter()
            .take_while(|stretch| stretch.from < now);
        let played = begun.map(|stretch| Played {
            from_ms: millis(stretch.from),
            samples: (stretch.codes.len() as u64).min(now - stretch.from),
            message: stretch.message,
            dry_ms: millis(stretch.dry),
        });
        played.collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::phone::event::How;

    fn line() -> Line {
        Line::new(Dial::new("http://127.0.0.1:1"), "CA1".to_owned()).0
    }

    #[tokio::test(start_paused = true)]
    async fn events_are_found_past_and_to_come() {
        let line = line();
        line.tell(EventKind::Stopped);
        let stopped = |event: &Event| (event.kind == EventKind::Stopped).then_some(event.at_ms);
        assert_eq!(line.find(stopped).await, Some(0.0));
        let pressed = |event: &Event| match event.kind {
            EventKind::Pressed { digit } => Some((event.at_ms, digit)),
            _ => None,
        };
        let later = async {
            tokio::time::sleep(Duration::from_millis(250)).await;
            line.tell(EventKind::Pressed { digit: '5' });
            line.tell(EventKind::Ended {
                how: How::EndOfTwiml,
            });
        };
        let (found, ()) = tokio::join!(line.find(pressed), later);
        assert_eq!(found, Some((250.0, '5')));
        let none = line.find(|event| matches!(event.kind, EventKind::Warning { .. }).then_some(()));
        assert_eq!(none.await, None);
    }

    #[tokio::test(start_paused = true)]
    async fn quiet_and_sound_follow_what_is_played() {
        let line = line();
        let stream_sid = "MZ1".to_owned();
        line.tell(EventKind::StreamOpened { stream_sid });
        line.state().playout.media(800, vec![0x80; 1_600], 1);
        assert_eq!(line.sound_after(0).await, Some(800));
        assert_eq!(line.now(), 800);
        line.quiet_for(Duration::from_millis(500)).await;
        assert_eq!(line.now(), 2_400 + 4_000);
        // Cleared before it could be heard.
        line.state().playout.media(8_000, vec![0x80; 800], 2);
        let cleared = async {
            tokio::time::sleep(Duration::from_millis(100)).await;
            line.state().playout.clear(line.now());
            line.tell(EventKind::Ended {
                how: How::CallerHungUp,
            });
        };
        let (sound, ()) = tokio::join!(line.sound_after(6_400), cleared);
        assert_eq!(sound, None);
        assert_eq!(line.recording().right.len(), 7_200);
        assert_eq!(
            line.played(),
            [Played {
                from_ms: 100.0,
                samples: 1_600,
                message: 1,
                dry_ms: 0.0
            }]
        );
    }
}
