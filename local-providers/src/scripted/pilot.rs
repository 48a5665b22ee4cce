//! Words that can be read off a sound: each is a tone under the voice that says it, so that what was said can be told from what was heard,
//! whatever befell the sound on its way.

use std::f64::consts::TAU;

/// How many words there can be.
pub(crate) const PILOTS: usize = 16;

/// How long a word takes to say.
pub(crate) const WORD_MS: u64 = 200;

/// Its tone sounds for so long, and not at the end: so a word said twice is two words.
pub(crate) const TONE_MS: u64 = 160;

/// The first tone's frequency and the distance between two, in hertz: where the caller's made-up voice ([`crate::phone::voice`]) has least of
/// its own.
const FIRST: f64 = 1_800.0;
const STEP: f64 = 100.0;

/// Three times what that voice has there, and still far below the voice.
pub(crate) const AMPLITUDE: f64 = 5_000.0;
const HEARD_FROM: f64 = 2_300.0;

/// The frequency of a word's tone.
pub(crate) fn frequency(word: usize) -> f64 {
    FIRST + STEP * (word % PILOTS) as f64
}

/// A window of 20 ms tells tones apart that lie 100 Hz from each other; it is moved by 10.
const WINDOWS_A_SECOND: f64 = 50.0;

/// A tone in so many windows is a word, and so many without it are the end of one.
const SURE: u32 = 4;
const GONE: u32 = 2;

/// Reads words off a sound.
pub(crate) struct Reader {
    rate: f64,
    window: usize,
    waiting: Vec<f64>,
    tone: Option<usize>,
    seen: u32,
    missed: u32,
}

impl Reader {
    pub(crate) fn new(rate: u32) -> Self {
        let rate = f64::from(rate);
        Self {
            rate,
            window: (rate / WINDOWS_A_SECOND) as usize,
            waiting: Vec::new(),
            tone: None,
            seen: 0,
            missed: 0,
        }
    }

    /// The words that these samples complete.
    pub(crate) fn read(&mut self, samples: &[i16]) -> Vec<usize> {
        self.waiting.extend(samples.iter().map(|s| f64::from(*s)));
        let mut words = Vec::new();
        let mut from = 0;
        while let Some(window) = self.waiting.get(from..from + self.window) {
            let tone = self.loudest(window);
            words.extend(self.note(tone));
            from += self.window / 2;
        }
        self.waiting.drain(..from);
        words
    }

    fn note(&mut self, tone: Option<usize>) -> Option<usize> {
        if tone.is_some() && tone == self.tone {
            self.missed = 0;
            self.seen += 1;
            return tone.filter(|_| self.seen == SURE);
        }
        self.missed += 1;
        // A window between two tones has neither.
        if self.missed >= GONE || self.seen < SURE {
            (self.tone, self.seen, self.missed) = (tone, 1, 0);
        }
        None
    }

    fn loudest(&self, window: &[f64]) -> Option<usize> {
        let loud = (0..PILOTS).map(|word| (word, self.amplitude(window, frequency(word))));
        let (word, loudest) = loud.max_by(|a, b| a.1.total_cmp(&b.1))?;
        (loudest > HEARD_FROM).then_some(word)
    }

    /// Goertzel's, under a Hann window.
    fn amplitude(&self, window: &[f64], frequency: f64) -> f64 {
        let coefficient = 2.0 * (TAU * frequency / self.rate).cos();
        let length = window.len() as f64;
        let (mut before, mut last) = (0.0, 0.0);
        for (index, sample) in window.iter().enumerate() {
            let hann = 0.5 - 0.5 * (TAU * index as f64 / length).cos();
            (before, last) = (last, sample * hann + coefficient * last - before);
        }
        let power: f64 = before * before + last * last - coefficient * before * last;
        4.0 * power.max(0.0).sqrt() / length
    }
}
