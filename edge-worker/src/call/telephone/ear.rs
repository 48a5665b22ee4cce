//! The ear of a telephone call: the caller's µ-law to the detector's scores, a frame at a time.

use earshot::Detector;
use voice_core::audio::mulaw;
use voice_core::audio::upsample::Upsampler;
use voice_core::handset::level_of;

/// What earshot takes: 16 ms at 16 kHz.
const FRAME: usize = 256;

pub(super) struct Ear {
    upsampler: Upsampler,
    detector: Box<Detector>,
    /// Sound at 16 kHz that does not fill a frame yet.
    waiting: Vec<i16>,
}

impl Ear {
    pub(super) fn new() -> Self {
        Self {
            upsampler: Upsampler::default(),
            detector: Detector::default_boxed(),
            waiting: Vec::with_capacity(3 * FRAME),
        }
    }

    /// Takes sound of any length; gives a score (0 to 1) and the level of each frame that it completes.
    pub(super) fn hear(&mut self, sound: &[u8], mut scored: impl FnMut(f32, f32)) {
        let samples = sound.iter().map(|byte| mulaw::decode(*byte));
        self.upsampler.push(samples, &mut self.waiting);
        let mut used = 0_usize;
        for frame in self.waiting.chunks_exact(FRAME) {
            scored(self.detector.predict_i16(frame), level_of(frame));
            used = used.saturating_add(FRAME);
        }
        self.waiting.drain(..used);
    }
}
