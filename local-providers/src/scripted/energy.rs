//! Sound or silence, by energy over a noise floor that adapts. Not a voice detector: a tone counts as speech, which is
//! what a test that plays tones wants.

/// Splits audio into blocks of 10 ms and judges each.
pub(crate) struct Energy {
    block: usize,
    waiting: Vec<i16>,
    position: u64,
    floor_db: f64,
}

/// Ten milliseconds, in samples since the start.
pub(crate) struct Block {
    pub(crate) start: u64,
    pub(crate) end: u64,
    /// The end of the last sample that sounds; the block's start in a silent one.
    pub(crate) last_sound: u64,
    pub(crate) loud: bool,
}

impl Energy {
    pub(crate) fn new(rate: u32) -> Self {
        Self {
            block: (rate / 100) as usize,
            waiting: Vec::new(),
            position: 0,
            floor_db: FLOOR_AT_FIRST_DB,
        }
    }

    /// The blocks that these samples complete.
    pub(crate) fn blocks(&mut self, samples: &[i16]) -> Vec<Block> {
        self.waiting.extend_from_slice(samples);
        let whole = self.waiting.len() / self.block * self.block;
        let complete: Vec<i16> = self.waiting.drain(..whole).collect();
        complete
            .chunks(self.block)
            .map(|block| self.judge(block))
            .collect()
    }

    fn judge(&mut self, samples: &[i16]) -> Block {
        let start = self.position;
        self.position += samples.len() as u64;
        let power = samples
            .iter()
            .map(|&sample| f64::from(sample).powi(2))
            .sum::<f64>()
            / samples.len() as f64;
        let level_db = (10.0 * (power / FULL_SCALE_POWER).log10()).max(SILENCE_DB);
        let threshold_db = (self.floor_db + OVER_FLOOR_DB).max(THRESHOLD_LEAST_DB);
        let loud = level_db > threshold_db;
        self.floor_db = if level_db < self.floor_db {
            self.floor_db + FALL * (level_db - self.floor_db)
        } else {
            (self.floor_db + RISE_DB).min(level_db).min(FLOOR_MOST_DB)
        };
        let amplitude = FULL_SCALE_POWER.sqrt() * 10_f64.powf(threshold_db / 20.0);
        let sounding = samples
            .iter()
            .rposition(|&sample| f64::from(sample).abs() >= amplitude);
        let last_sound = match sounding {
            Some(index) if loud => start + index as u64 + 1,
            _ => start,
        };
        Block {
            start,
            end: self.position,
            last_sound,
            loud,
        }
    }
}

const FULL_SCALE_POWER: f64 = 32_768.0 * 32_768.0;

/// Digital silence would have a level of minus infinity.
const SILENCE_DB: f64 = -96.0;

/// A microphone's pauses lie near −68 dBFS after Chromium's noise suppression, its speech near −25: start between.
const FLOOR_AT_FIRST_DB: f64 = -60.0;

/// Speech stands out of its own pauses by 40 dB in that capture; 12 leaves room for a noisy room.
const OVER_FLOOR_DB: f64 = 12.0;

/// Below this a telephone line's hiss would count as sound.
const THRESHOLD_LEAST_DB: f64 = -48.0;

/// The floor follows a quieter room within a few blocks …
const FALL: f64 = 0.3;

/// … and a louder one slowly (2 dB a second), so that speech does not become its own floor.
const RISE_DB: f64 = 0.02;

/// However long someone speaks, speech at −25 dBFS stays above the floor.
const FLOOR_MOST_DB: f64 = -45.0;
