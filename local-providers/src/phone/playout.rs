//! The far buffer: what the other end has been given to play, when each sample of it is played, and when a mark is reached.
//!
//! Nothing ticks here. The buffer plays in real time without a pause for as long as it holds anything, so the moment of every
//! sample is known when it arrives; only a `clear` changes that. Positions are samples at 8 kHz on the call's timeline.

use std::collections::VecDeque;

use audio_codec_algorithms::decode_ulaw;

/// The buffer and everything that was played from it.
#[derive(Debug, Default)]
pub(crate) struct Playout {
    /// Where the buffer runs dry.
    end: u64,
    stretches: Vec<Stretch>,
    marks: VecDeque<(u64, String)>,
}

/// The sound of one message; what a `clear` took from it is gone.
#[derive(Debug)]
pub(crate) struct Stretch {
    pub(crate) from: u64,
    pub(crate) codes: Vec<u8>,
    /// Which media message it came in, counted from 1; 0 for what the far end says by itself.
    pub(crate) message: u64,
    /// How long the buffer had been dry before it.
    pub(crate) dry: u64,
}

impl Stretch {
    pub(crate) fn end(&self) -> u64 {
        self.from + self.codes.len() as u64
    }

    /// Where its last sound ends, if it holds any.
    fn last_sound(&self) -> Option<u64> {
        let index = self.codes.iter().rposition(|&code| is_sound(code))?;
        Some(self.from + index as u64 + 1)
    }
}

impl Playout {
    /// Sound arrives: it follows what is buffered, or is played at once.
    pub(crate) fn media(&mut self, now: u64, codes: Vec<u8>, message: u64) {
        let from = self.end.max(now);
        let dry = match self.stretches.is_empty() {
            true => 0,
            false => from - self.end,
        };
        self.end = from + codes.len() as u64;
        if !codes.is_empty() {
            self.stretches.push(Stretch {
                from,
                codes,
                message,
                dry,
            });
        }
    }

    /// A mark arrives: it waits for everything that arrived before it. True when nothing is left to wait for.
    pub(crate) fn mark(&mut self, now: u64, name: String) -> bool {
        let reached = self.end <= now && self.marks.is_empty();
        if !reached {
            self.marks.push_back((self.end, name));
        }
        reached
    }

    /// Where the next waiting mark is reached.
    pub(crate) fn next_mark(&self) -> Option<u64> {
        self.marks.front().map(|(position, _)| *position)
    }

    /// The marks reached by now, in order.
    pub(crate) fn reached(&mut self, now: u64) -> Vec<String> {
        let count = self
            .marks
            .iter()
            .take_while(|(position, _)| *position <= now)
            .count();
        self.marks.drain(..count).map(|(_, name)| name).collect()
    }

    /// Everything that waits is thrown away: how many samples, and all the marks.
    pub(crate) fn clear(&mut self, now: u64) -> (u64, Vec<String>) {
        let discarded = self.buffered(now);
        for stretch in self.stretches.iter_mut().rev() {
            if stretch.end() <= now {
                break;
            }
            stretch
                .codes
                .truncate(now.saturating_sub(stretch.from) as usize);
        }
        self.stretches.retain(|stretch| !stretch.codes.is_empty());
        self.end = self.end.min(now);
        (
            discarded,
            self.marks.drain(..).map(|(_, name)| name).collect(),
        )
    }

    /// Samples that still wait.
    pub(crate) fn buffered(&self, now: u64) -> u64 {
        self.end.saturating_sub(now)
    }

    /// Everything played and to be played, in order.
    pub(crate) fn stretches(&self) -> &[Stretch] {
        &self.stretches
    }

    /// Where the last sound ends that was or will be played; silence does not count as sound.
    pub(crate) fn last_sound(&self) -> Option<u64> {
        self.stretches.iter().rev().find_map(Stretch::last_sound)
    }

    /// The first sound at or after a position.
    pub(crate) fn first_sound(&self, after: u64) -> Option<u64> {
        let late = self
            .stretches
            .partition_point(|stretch| stretch.end() <= after);
        self.stretches[late..].iter().find_map(|stretch| {
            let skipped = after.saturating_sub(stretch.from);
            let sounding = (stretch.from..)
                .zip(&stretch.codes)
                .skip(skipped as usize)
                .find(|(_, code)| is_sound(**code));
            sounding.map(|(position, _)| position)
        })
    }

    /// What was played before `until`, from the beginning of the timeline.
    pub(crate) fn render(&self, until: u64) -> Vec<i16> {
        let mut samples = vec![0; until as usize];
        for stretch in &self.stretches {
            let place = samples
                .get_mut(stretch.from as usize..)
                .unwrap_or_default()
                .iter_mut();
            for (sample, code) in place.zip(&stretch.codes) {
                *sample = decode_ulaw(*code);
            }
        }
        samples
    }
}

/// Whether a listener hears anything of this sample.
fn is_sound(code: u8) -> bool {
    decode_ulaw(code).unsigned_abs() > SILENCE
}

/// -50 dBFS: above what a voice leaves between its words, far below the softest of its sounds.
const SILENCE: u16 = 100;

#[cfg(test)]
mod tests {
    use super::*;

    /// 0x80 is the loudest code.
    fn loud(samples: usize) -> Vec<u8> {
        vec![0x80; samples]
    }

    #[test]
    fn sound_follows_sound_and_a_late_one_leaves_a_gap() {
        let mut playout = Playout::default();
        playout.media(1_000, loud(160), 1);
        playout.media(1_010, loud(160), 2);
        assert_eq!(playout.buffered(1_010), 310);
        playout.media(1_400, loud(160), 3);
        let places: Vec<_> = playout
            .stretches()
            .iter()
            .map(|stretch| (stretch.from, stretch.end(), stretch.message, stretch.dry))
            .collect();
        assert_eq!(
            places,
            [
                (1_000, 1_160, 1, 0),
                (1_160, 1_320, 2, 0),
                (1_400, 1_560, 3, 80)
            ]
        );
        let sound = playout.render(1_500);
        assert_eq!(sound.len(), 1_500);
        assert!(sound[..1_000].iter().all(|sample| *sample == 0));
        assert!(sound[1_000..1_320].iter().all(|sample| *sample > 30_000));
        assert!(sound[1_320..1_400].iter().all(|sample| *sample == 0));
        assert!(sound[1_400..].iter().all(|sample| *sample > 30_000));
    }

    #[test]
    fn a_mark_comes_back_when_reached_and_at_once_when_nothing_waits() {
        let mut playout = Playout::default();
        assert!(playout.mark(500, "early".into()));
        playout.media(1_000, loud(160), 1);
        assert!(!playout.mark(1_000, "one".into()));
        playout.media(1_000, loud(160), 2);
        assert!(!playout.mark(1_000, "two".into()));
        assert!(!playout.mark(1_000, "three".into()));
        assert_eq!(playout.next_mark(), Some(1_160));
        assert!(playout.reached(1_159).is_empty());
        assert_eq!(playout.reached(1_160), ["one"]);
        assert_eq!(playout.reached(9_999), ["two", "three"]);
        assert_eq!(playout.next_mark(), None);
        assert!(playout.mark(9_999, "late".into()));
    }

    #[test]
    fn a_mark_never_overtakes_another() {
        let mut playout = Playout::default();
        playout.media(0, loud(160), 1);
        assert!(!playout.mark(0, "one".into()));
        // The clock has passed the first, which nobody has fetched yet.
        assert!(!playout.mark(200, "two".into()));
        assert_eq!(playout.reached(200), ["one", "two"]);
    }

    #[test]
    fn a_clear_keeps_what_was_played_and_returns_every_mark() {
        let mut playout = Playout::default();
        playout.media(0, loud(160), 1);
        playout.mark(0, "one".into());
        playout.media(0, loud(160), 2);
        playout.media(0, loud(160), 3);
        playout.mark(0, "two".into());
        assert_eq!(playout.reached(170), ["one"]);
        assert_eq!(playout.clear(200), (280, vec!["two".to_owned()]));
        assert_eq!(playout.buffered(200), 0);
        assert_eq!(playout.last_sound(), Some(200));
        let played: u64 = playout
            .stretches()
            .iter()
            .map(|stretch| stretch.codes.len() as u64)
            .sum();
        assert_eq!(played, 200);
        assert_eq!(playout.clear(300), (0, Vec::new()));
        // What comes afterwards is played at once.
        playout.media(400, loud(160), 4);
        assert_eq!(
            playout
                .stretches()
                .last()
                .map(|stretch| (stretch.from, stretch.dry)),
            Some((400, 200))
        );
    }

    #[test]
    fn silence_is_played_and_is_no_sound() {
        let mut playout = Playout::default();
        assert_eq!(playout.last_sound(), None);
        let mut codes = vec![0xFF; 40];
        codes.extend(loud(40));
        codes.extend([0x7F; 40]);
        playout.media(100, codes, 1);
        playout.media(100, vec![0xFF; 160], 2);
        assert_eq!(playout.first_sound(0), Some(140));
        assert_eq!(playout.first_sound(150), Some(150));
        assert_eq!(playout.first_sound(180), None);
        assert_eq!(playout.last_sound(), Some(180));
        assert_eq!(playout.buffered(100), 280);
    }
}
