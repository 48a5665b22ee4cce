//! The last way to a voice: another provider, the runtime itself, by its binding.

use std::time::Duration;

use voice_core::time::Timestamp;

use super::rest::Asked;
use crate::providers::AudioFormat;
use crate::providers::deepgram_tts::AuraRun;
use crate::providers::workers_ai::WorkersAi;
use crate::settings::Settings;

/// How long the voice that was given up for it is not asked again. Shorter, and a vendor that hangs costs the caller two waits in many a
/// turn; longer, and one that is back waits for nothing.
const STAYS: Duration = Duration::from_secs(30);

pub(super) struct Spare {
    binding: WorkersAi,
    voice: AuraRun,
    /// It has spoken, so until then it is asked first.
    until: Option<Timestamp>,
}

impl Spare {
    /// None: there is no binding, or it has no such voice.
    pub(super) fn new(
        settings: &Settings,
        format: AudioFormat,
        binding: Option<WorkersAi>,
    ) -> Option<Self> {
        Some(Self {
            binding: binding?,
            voice: AuraRun::new(settings, format)?,
            until: None,
        })
    }

    /// What it is asked for this text.
    pub(super) fn request(&self, text: &str) -> Asked {
        Asked::Binding(self.binding.clone(), self.voice.request(text))
    }

    pub(super) fn is_first(&self, now: Timestamp) -> bool {
        self.until.is_some_and(|until| now < until)
    }

    /// It has spoken a piece. What it was asked first does not count: only the other ways tell that they are back.
    pub(super) fn succeeded(&mut self, now: Timestamp) {
        if !self.is_first(now) {
            self.until = Some(now + STAYS);
        }
    }

    pub(super) const fn failed(&mut self) {
        self.until = None;
    }
}
