//! Her voice: a bounded queue of samples at 24 kHz, read at the context's rate, that can stop within a few
//! milliseconds without a click and go on exactly where it stopped.
//!
//! A sample counts as played when it leaves the queue for the filter, half a millisecond before it sounds.
//! - **Pause** keeps every sample: the fade that ends the sound is made of copies, and the same samples open the resumed
//!   voice under a fade of the same length.
//! - **Flush** plays its fade: those few samples leave the queue and count.

use voice_core::audio::SampleRate;

use crate::resample::{Filter, History};

#[derive(Debug)]
pub(crate) struct Playback {
    filter: Filter,
    history: History,
    /// For a fade that must leave the history as it is.
    spare: History,
    /// Between 0 and 1 while the queue is being read: the place between the two middle samples of the history.
    position: f64,
    ring: Box<[i16]>,
    start: usize,
    len: usize,
    /// Samples of silence read since the queue ran dry; after as many as the filter has taps, nothing is left to sound.
    rest: usize,
    paused: bool,
    gain: f32,
    /// One step of a fade at the context's rate.
    slope: f32,
    tail: Box<[f32]>,
    tail_at: usize,
}

impl Playback {
    pub(crate) fn new(rate: f32, capacity: usize) -> Self {
        let filter = Filter::new(SampleRate::VOICE.hertz() as f32, rate);
        let fade = ((rate * FADE) as usize).max(1);
        Self {
            history: History::new(filter.taps()),
            spare: History::new(filter.taps()),
            position: 0.0,
            ring: vec![0; capacity].into_boxed_slice(),
            start: 0,
            len: 0,
            rest: filter.taps(),
            paused: false,
            gain: 1.0,
            slope: 1.0 / fade as f32,
            tail: vec![0.0; fade].into_boxed_slice(),
            tail_at: fade,
            filter,
        }
    }

    /// Appends 16-bit little-endian samples. The handset has seen to it that they fit.
    pub(crate) fn enqueue(&mut self, pcm: &[u8]) {
        for bytes in pcm.as_chunks().0 {
            let at = wrapped(self.start, self.len, self.ring.len());
            if self.len < self.ring.len()
                && let Some(slot) = self.ring.get_mut(at)
            {
                *slot = i16::from_le_bytes(*bytes);
                self.len = self.len.saturating_add(1);
            }
        }
    }

    /// Throws away the oldest `samples`, and what the filter still holds of them.
    pub(crate) fn discard(&mut self, samples: u64) {
        let samples = usize::try_from(samples).unwrap_or(usize::MAX).min(self.len);
        self.start = wrapped(self.start, samples, self.ring.len());
        self.len = self.len.saturating_sub(samples);
        self.history.clear();
        self.rest = self.filter.taps();
    }

    pub(crate) fn pause(&mut self) {
        self.spare.copy_from(&self.history);
        let (position, start, len, rest) = (self.position, self.start, self.len, self.rest);
        self.fade_out(u64::MAX);
        (self.position, self.start, self.len, self.rest) = (position, start, len, rest);
        self.history.copy_from(&self.spare);
        self.paused = true;
    }

    pub(crate) fn resume(&mut self) {
        self.paused = false;
        self.gain = 0.0;
    }

    /// Moves the next few milliseconds, but no more than `most` samples, from the queue into a fading tail, and says how
    /// many samples that was.
    pub(crate) fn fade_out(&mut self, most: u64) -> u64 {
        let mut read = 0_u64;
        let mut tail = std::mem::take(&mut self.tail);
        let mut gain = self.gain;
        // A tail that is still sounding goes on under the new one.
        let left = tail.len().saturating_sub(self.tail_at);
        tail.copy_within(self.tail_at.., 0);
        if let Some(rest) = tail.get_mut(left..) {
            rest.fill(0.0);
        }
        for value in &mut tail {
            gain -= self.slope;
            if gain <= 0.0 {
                break;
            }
            if read < most {
                read = read.saturating_add(self.advance());
            } else {
                self.position = self.position.fract();
            }
            *value += gain * self.filter.at(&self.history, self.position);
            self.position += self.filter.step();
        }
        self.tail = tail;
        self.tail_at = 0;
        read
    }

    /// Fills `out` and says how many samples left the queue for it.
    pub(crate) fn render(&mut self, out: &mut [f32]) -> u64 {
        let mut read = 0_u64;
        for out in out {
            let mut value = 0.0;
            if let Some(tail) = self.tail.get(self.tail_at) {
                value += *tail;
                self.tail_at = self.tail_at.saturating_add(1);
            }
            if !self.paused && self.is_flowing() {
                read = read.saturating_add(self.advance());
                value += self.gain * self.filter.at(&self.history, self.position);
                self.position += self.filter.step();
                self.gain = (self.gain + self.slope).min(1.0);
            }
            *out = value;
        }
        read
    }

    /// Whether anything is to be heard in the next quantum.
    pub(crate) fn is_sounding(&self) -> bool {
        self.tail_at < self.tail.len() || (!self.paused && self.is_flowing())
    }

    fn is_flowing(&self) -> bool {
        self.len > 0 || self.rest < self.filter.taps()
    }

    /// Reads as many samples as the position has passed, silence where there are none.
    fn advance(&mut self) -> u64 {
        let mut read = 0_u64;
        while self.position >= 1.0 {
            self.position -= 1.0;
            let sample = match self.ring.get(self.start) {
                Some(sample) if self.len > 0 => {
                    self.start = wrapped(self.start, 1, self.ring.len());
                    self.len = self.len.saturating_sub(1);
                    self.rest = 0;
                    read = read.saturating_add(1);
                    f32::from(*sample) / -f32::from(i16::MIN)
                }
                _ => {
                    self.rest = self.rest.saturating_add(1);
                    0.0
                }
            };
            self.history.push(sample);
        }
        read
    }
}

fn wrapped(start: usize, by: usize, len: usize) -> usize {
    start.saturating_add(by).checked_rem(len).unwrap_or(0)
}

/// Seconds of a fade: long enough for no click (it ends below 250 Hz), too short for a sound of speech.
const FADE: f32 = 0.004;

#[cfg(test)]
mod tests;
