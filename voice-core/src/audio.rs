//! Sound as the wires carry it: mono, 16-bit, and at one of three rates.

pub mod mulaw;
pub mod trim;
pub mod upsample;

use std::time::Duration;

/// Samples a second, as a type so that 8, 16 and 24 kHz cannot be mixed up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SampleRate(u32);

impl SampleRate {
    /// The telephone's rate (G.711).
    pub const TELEPHONE: Self = Self(8_000);
    /// What speech recognisers and voice activity detectors want, and so what a microphone sends.
    pub const MICROPHONE: Self = Self(16_000);
    /// What the voice is asked for in a browser: the default of Aura-2, and the best it gives without waste.
    pub const VOICE: Self = Self(24_000);

    /// Samples a second.
    #[must_use]
    pub const fn hertz(self) -> u32 {
        self.0
    }

    /// How long `samples` last, to the microsecond.
    #[must_use]
    pub const fn duration_of(self, samples: u64) -> Duration {
        match samples.saturating_mul(1_000_000).checked_div(self.0 as u64) {
            Some(micros) => Duration::from_micros(micros),
            None => Duration::ZERO,
        }
    }

    /// How many whole samples fit in `span`.
    #[must_use]
    pub const fn samples_in(self, span: Duration) -> u64 {
        (span.as_micros() as u64).saturating_mul(self.0 as u64) / 1_000_000
    }
}

/// Samples in a microphone frame: 20 ms at 16 kHz, the telephone's own frame length.
pub const MICROPHONE_FRAME: usize = 320;

/// Bytes, and so samples, in a telephone frame: 20 ms of µ-law at 8 kHz, what media streams send and play best.
pub const TELEPHONE_FRAME: usize = 160;

/// The most samples in one voice frame: 100 ms at 24 kHz. Longer frames would make a flush coarser
/// on the socket; shorter ones cost a header and a wake-up each.
pub const VOICE_FRAME_MAX: usize = 2_400;
