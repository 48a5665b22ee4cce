//! How a handset hears and reports, in a browser and on a telephone line.

use std::time::Duration;

use super::Onset;
use crate::audio::SampleRate;

/// How a handset hears and reports.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Config {
    /// The rate of her voice; every count of samples is at this rate.
    pub rate: SampleRate,
    /// The most samples the driver's queue holds. More is refused, never overwritten.
    pub capacity: u64,
    /// How long each scored frame lasts.
    pub frame: Duration,
    /// The beginning of speech while she is silent.
    pub onset: Onset,
    /// The beginning of speech while she speaks.
    pub onset_over_voice: Onset,
    /// The same in the first [`Config::echo_guard`] of a turn.
    pub onset_in_guard: Onset,
    /// What makes her hesitate: a possible beginning, however soft.
    pub hint: Onset,
    /// How long a new turn's voice is guarded against its own echo.
    pub echo_guard: Duration,
    /// How much her level (root mean square, 0 to 1) raises the threshold while she speaks. Zero where no echo can come back.
    pub reference_gate: f32,
    /// How much quiet ends speech.
    pub hangover: Duration,
    /// How long the detector still hears a voice that has fallen silent.
    pub afterglow: Duration,
    /// How long after the caller fell silent a pause ends by itself.
    pub resume_after: Duration,
}

impl Config {
    /// On the audio thread of a browser, fed by a detector of 16 ms frames.
    #[must_use]
    pub const fn browser() -> Self {
        Self {
            rate: SampleRate::VOICE,
            capacity: SampleRate::VOICE.samples_in(QUEUE),
            frame: FRAME,
            // Two frames decide 29 to 42 ms after the voice begins; one would take every click for a word.
            onset: Onset {
                needed: 2,
                window: 3,
                threshold: 0.5,
            },
            // The same over her voice: the pause can be taken back, and callers want to be heard within a tenth of a second. What is left of
            // her echo is kept out by the reference gate.
            onset_over_voice: Onset {
                needed: 2,
                window: 3,
                threshold: 0.5,
            },
            // A frame more, and a surer detector, while the canceller learns.
            onset_in_guard: Onset {
                needed: 3,
                window: 4,
                threshold: 0.6,
            },
            // The hiss of an "s" scores between 0.4 and 0.6, a cough or a door that much for a single frame.
            hint: Onset {
                needed: 3,
                window: 4,
                threshold: 0.4,
            },
            echo_guard: ECHO_GUARD,
            // Her voice plays at a level of 0.05 to 0.2, which raises the threshold by 0.03 to 0.12.
            reference_gate: 0.6,
            hangover: HANGOVER,
            afterglow: AFTERGLOW,
            resume_after: RESUME_AFTER,
        }
    }

    /// At the edge, for a telephone: the network cancels echoes, so there is nothing to guard against, and nobody tells how loud she is there.
    #[must_use]
    pub const fn telephone() -> Self {
        Self {
            rate: SampleRate::TELEPHONE,
            capacity: SampleRate::TELEPHONE.samples_in(QUEUE),
            onset_over_voice: OVER_VOICE_ON_A_LINE,
            onset_in_guard: OVER_VOICE_ON_A_LINE,
            // Little of an "s" passes the line: it scores 0.3 to 0.4, and the line's own noise up to 0.25.
            hint: Onset {
                needed: 4,
                window: 5,
                threshold: 0.3,
            },
            reference_gate: 0.0,
            ..Self::browser()
        }
    }
}

/// A line's narrow band makes the detector less sure: the same words score a tenth lower in their first frames.
const OVER_VOICE_ON_A_LINE: Onset = Onset {
    needed: 2,
    window: 3,
    threshold: 0.45,
};

/// The queue of her voice. The edge sends a bounded lead of a few seconds at most; half a minute is a
/// fault already, and 1.4 MB of a page's memory at 24 kHz.
const QUEUE: Duration = Duration::from_secs(30);

/// The detector's frame: 256 samples at 16 kHz.
const FRAME: Duration = Duration::from_millis(16);

/// A browser's echo canceller needs about a second of her voice to learn the room.
const ECHO_GUARD: Duration = Duration::from_secs(1);

/// The closures of plosives and the gaps between words of fluent speech stay below 150 ms, of which the detector's afterglow covers
/// a third; every millisecond above that is added to each answer. Six frames: with four, a recogniser that is asked to finalise
/// hears too little silence to punctuate.
const HANGOVER: Duration = Duration::from_millis(96);

/// The detector goes on to score as for speech for so long after the last sound: 60 ms in the median, 100 at the 95th percentile, measured on generated
/// voices by the turn-taking bench.
const AFTERGLOW: Duration = Duration::from_millis(60);

/// The edge answers a pause within its own watchdog, well below this; a link too slow for that is as good as dead.
const RESUME_AFTER: Duration = Duration::from_secs(5);
