//! What is kept for a line that takes the place of a lost one: the microphone's last seconds, what was said about it and about her
//! voice, and how much of her voice has arrived.
//!
//! A line is noticed to be lost seconds after it was, so everything is kept, whether it was sent or not. What the edge lacks follows
//! from the number of the microphone's frame that it wants next: a report made before a frame that has arrived has arrived, too.

use std::collections::VecDeque;

use crate::audio::{MICROPHONE_FRAME, SampleRate};
use crate::time::Timestamp;
use crate::turn::TurnId;
use crate::wire::{ClientMessage, KEPT_SOUND};

/// Frames are whatever the driver sends; nothing here looks into them.
#[derive(Debug)]
pub struct Kept<F> {
    frames: VecDeque<(u32, F)>,
    /// The number of the next frame.
    next: u32,
    /// At most one of each kind, in the order in which they were made.
    reports: Vec<Report>,
    turn: TurnId,
    samples: u64,
}

#[derive(Debug)]
struct Report {
    message: ClientMessage,
    at: Timestamp,
    /// The number of the frame that follows it.
    before: u32,
}

impl<F> Default for Kept<F> {
    fn default() -> Self {
        Self {
            frames: VecDeque::new(),
            next: 0,
            reports: Vec::new(),
            turn: TurnId::NONE,
            samples: 0,
        }
    }
}

impl<F> Kept<F> {
    /// The microphone's newest frame.
    pub fn frame(&mut self, sequence: u32, frame: F) {
        if self.frames.len() >= FRAMES {
            self.frames.pop_front();
        }
        self.frames.push_back((sequence, frame));
        self.next = sequence.saturating_add(1);
    }

    /// Something the edge is told. What it makes worthless is forgotten.
    pub fn report(&mut self, message: ClientMessage, now: Timestamp) {
        self.reports
            .retain(|kept| !outdates(&message, &kept.message));
        self.reports.push(Report {
            message,
            at: now,
            before: self.next,
        });
    }

    /// The edge has let her go on, so that she is not paused any more.
    pub fn resume(&mut self, turn: TurnId) {
        self.reports.retain(
            |kept| !matches!(kept.message, ClientMessage::Paused { turn: paused, .. } if paused == turn),
        );
    }

    /// So many samples of a turn's voice have arrived and were handed on.
    pub fn voice(&mut self, turn: TurnId, samples: u64) {
        if turn > self.turn {
            (self.turn, self.samples) = (turn, 0);
        }
        if turn == self.turn {
            self.samples = self.samples.saturating_add(samples);
        }
    }

    /// The newest turn whose voice has arrived, and how much of it.
    pub const fn arrived(&self) -> (TurnId, u64) {
        (self.turn, self.samples)
    }

    /// The frames that an edge which wants number `microphone` next lacks.
    pub fn frames_from(&self, microphone: u32) -> impl Iterator<Item = &F> {
        let frames = self.frames.iter();
        frames
            .filter(move |(sequence, _)| *sequence >= microphone)
            .map(|(_, frame)| frame)
    }

    /// The reports that it lacks, to be sent after those frames; and that she is paused, if she is, because the edge may have
    /// answered on the line that was lost.
    pub fn reports_from(
        &mut self,
        microphone: u32,
        now: Timestamp,
        mut say: impl FnMut(&ClientMessage),
    ) {
        for kept in &mut self.reports {
            let lacking = kept.before >= microphone;
            if lacking || matches!(kept.message, ClientMessage::Paused { .. }) {
                kept.before = self.next;
                if let ClientMessage::SpeechEnded { silence_ms } = &mut kept.message {
                    // The silence has gone on since.
                    let passed = now.since(kept.at).as_millis();
                    *silence_ms =
                        silence_ms.saturating_add(u32::try_from(passed).unwrap_or(u32::MAX));
                    kept.at = now;
                }
                say(&kept.message);
            }
        }
    }
}

/// Whether somebody who knows the newer report has no use for the older one.
fn outdates(newer: &ClientMessage, older: &ClientMessage) -> bool {
    use ClientMessage::{Flushed, Paused, Played, SpeechEnded, SpeechStarted};
    match (newer, older) {
        (SpeechStarted, SpeechStarted | SpeechEnded { .. })
        | (SpeechEnded { .. }, SpeechEnded { .. })
        | (Played { .. }, Played { .. })
        | (Paused { .. }, Paused { .. })
        | (Flushed { .. }, Flushed { .. }) => true,
        // Playback that has moved has been resumed, by the edge or by itself.
        (
            Played { turn, samples },
            Paused {
                turn: paused,
                samples: at,
            },
        ) => (turn, samples) > (paused, at),
        (Flushed { turn, .. }, Paused { turn: paused, .. }) => turn >= paused,
        _ => false,
    }
}

const FRAMES: usize = SampleRate::MICROPHONE.samples_in(KEPT_SOUND) as usize / MICROPHONE_FRAME;

#[cfg(test)]
mod tests {
    use super::*;

    const STARTED: ClientMessage = ClientMessage::SpeechStarted;

    const fn ended(silence_ms: u32) -> ClientMessage {
        ClientMessage::SpeechEnded { silence_ms }
    }

    const fn turn(number: u32) -> TurnId {
        TurnId::from_wire(number)
    }

    const fn paused(number: u32, samples: u64) -> ClientMessage {
        ClientMessage::Paused {
            turn: turn(number),
            samples,
        }
    }

    const fn played(number: u32, samples: u64) -> ClientMessage {
        ClientMessage::Played {
            turn: turn(number),
            samples,
        }
    }

    const fn flushed(number: u32) -> ClientMessage {
        ClientMessage::Flushed {
            turn: turn(number),
            samples: 1,
            discarded: 2,
        }
    }

    const fn at(millis: u64) -> Timestamp {
        Timestamp::from_millis(millis)
    }

    fn said(kept: &mut Kept<u32>, microphone: u32, now: Timestamp) -> Vec<ClientMessage> {
        let mut said = Vec::new();
        kept.reports_from(microphone, now, |message| said.push(message.clone()));
        said
    }

    /// A browser whose frames are their own numbers, one each 20 ms.
    fn spoken(frames: u32) -> Kept<u32> {
        let mut kept = Kept::default();
        speak(&mut kept, 0..frames);
        kept
    }

    fn speak(kept: &mut Kept<u32>, frames: std::ops::Range<u32>) {
        for sequence in frames {
            kept.frame(sequence, sequence);
        }
    }

    #[test]
    fn the_last_five_seconds_are_kept() {
        let kept = spoken(1_000);
        let frames: Vec<_> = kept.frames_from(0).copied().collect();
        assert_eq!(frames, (750..1_000).collect::<Vec<_>>());
    }

    #[test]
    fn every_frame_the_edge_lacks_is_sent_in_order_and_none_that_it_has() {
        let kept = spoken(300);
        let from = |microphone| kept.frames_from(microphone).copied().collect::<Vec<_>>();
        assert_eq!(from(280), (280..300).collect::<Vec<_>>());
        assert_eq!(from(299), [299]);
        assert_eq!(from(300), [0_u32; 0]);
        assert_eq!(from(u32::MAX), [0_u32; 0]);
    }

    #[test]
    fn a_report_is_said_again_unless_a_later_frame_has_arrived() {
        let mut kept = spoken(10);
        kept.report(STARTED, at(200));
        speak(&mut kept, 10..20);
        assert_eq!(said(&mut kept, 11, at(900)), []);
        assert_eq!(said(&mut kept, 10, at(900)), [STARTED]);
    }

    #[test]
    fn a_report_said_again_may_be_lost_again() {
        let mut kept = spoken(10);
        kept.report(STARTED, at(200));
        speak(&mut kept, 10..20);
        assert_eq!(said(&mut kept, 5, at(900)), [STARTED]);
        // The frames went before it, and only they arrived.
        assert_eq!(said(&mut kept, 20, at(950)), [STARTED]);
        speak(&mut kept, 20..30);
        assert_eq!(said(&mut kept, 25, at(999)), []);
    }

    #[test]
    fn the_silence_since_the_last_sound_grows_while_nobody_hears_of_it() {
        let mut kept = spoken(10);
        kept.report(STARTED, at(1_000));
        kept.report(ended(192), at(2_000));
        assert_eq!(said(&mut kept, 0, at(5_500)), [STARTED, ended(3_692)]);
        assert_eq!(said(&mut kept, 0, at(6_000)), [STARTED, ended(4_192)]);
    }

    #[test]
    fn of_several_sounds_the_last_counts() {
        let mut kept = spoken(10);
        kept.report(STARTED, at(1_000));
        speak(&mut kept, 10..20);
        kept.report(ended(192), at(2_000));
        assert_eq!(
            said(&mut kept, 15, at(2_000)),
            [ended(192)],
            "its beginning was heard"
        );
        kept.report(STARTED, at(3_000));
        assert_eq!(said(&mut kept, 15, at(3_000)), [STARTED]);
    }

    #[test]
    fn only_the_latest_of_what_was_played_is_said() {
        let mut kept = spoken(10);
        kept.report(played(3, 2_400), at(0));
        kept.report(played(3, 4_800), at(100));
        assert_eq!(said(&mut kept, 0, at(200)), [played(3, 4_800)]);
    }

    #[test]
    fn a_pause_is_said_again_for_as_long_as_it_lasts() {
        let over = |end: fn(&mut Kept<u32>)| {
            let mut kept = spoken(10);
            kept.report(played(3, 4_800), at(0));
            kept.report(paused(3, 5_000), at(0));
            speak(&mut kept, 10..200);
            assert_eq!(said(&mut kept, 200, at(0)), [paused(3, 5_000)]);
            end(&mut kept);
            speak(&mut kept, 200..210);
            said(&mut kept, 210, at(0))
        };
        assert_eq!(
            over(|kept| kept.report(played(3, 4_900), at(1))),
            [paused(3, 5_000)]
        );
        assert_eq!(over(|kept| kept.resume(turn(2))), [paused(3, 5_000)]);
        assert_eq!(
            over(|kept| kept.report(flushed(2), at(1))),
            [paused(3, 5_000)]
        );
        assert_eq!(over(|kept| kept.resume(turn(3))), []);
        assert_eq!(over(|kept| kept.report(flushed(3), at(1))), []);
        assert_eq!(over(|kept| kept.report(played(3, 5_200), at(1))), []);
        assert_eq!(over(|kept| kept.report(played(4, 120), at(1))), []);
    }

    #[test]
    fn reports_are_said_in_the_order_in_which_they_were_made() {
        let mut kept = spoken(10);
        for message in [STARTED, played(3, 9), paused(3, 10), flushed(3), ended(1)] {
            kept.report(message, at(0));
        }
        assert_eq!(
            said(&mut kept, 0, at(0)),
            [STARTED, played(3, 9), flushed(3), ended(1)]
        );
    }

    #[test]
    fn what_has_arrived_is_counted_for_the_newest_turn() {
        let mut kept = Kept::<u32>::default();
        assert_eq!(kept.arrived(), (TurnId::NONE, 0));
        kept.voice(turn(3), 2_400);
        kept.voice(turn(3), 1_200);
        assert_eq!(kept.arrived(), (turn(3), 3_600));
        kept.voice(turn(5), 480);
        kept.voice(turn(3), 2_400);
        assert_eq!(kept.arrived(), (turn(5), 480));
    }
}
