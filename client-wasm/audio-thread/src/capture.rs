//! The microphone: from the context's rate to 16 kHz, 16 bits.

use voice_core::audio::SampleRate;

use crate::resample::{Filter, History};

#[derive(Debug)]
pub(crate) struct Capture {
    filter: Filter,
    history: History,
    position: f64,
}

impl Capture {
    pub(crate) fn new(rate: f32) -> Self {
        let filter = Filter::new(rate, SampleRate::MICROPHONE.hertz() as f32);
        let history = History::new(filter.taps());
        Self {
            filter,
            history,
            position: 0.0,
        }
    }

    /// Takes one sample of the context and gives the samples at 16 kHz that follow from it.
    pub(crate) fn take(&mut self, sample: f32, mut give: impl FnMut(i16)) {
        self.history.push(sample);
        while self.position < 1.0 {
            let value = self.filter.at(&self.history, self.position);
            // The conversion saturates, and makes silence of what is no number.
            give((value * f32::from(i16::MAX)).round_ties_even() as i16);
            self.position += self.filter.step();
        }
        self.position -= 1.0;
    }
}
