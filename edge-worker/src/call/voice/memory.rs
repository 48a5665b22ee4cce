//! What was spoken before, in this call or another of the isolate's.

use voice_core::conversation::Input;
use voice_core::turn::ForTurn;

use super::Voice;
use super::job::Job;
use super::learning::Learning;
use super::rest::Asked;
use crate::call::phrases::{self, Key, Recording};

impl Voice {
    /// Has the lines made that are needed when a provider has failed.
    pub(super) fn learn(&self) -> Learning {
        let asked = |line| Asked::Vendor(self.by_rest.request(line));
        let lines = self.lines.for_trouble();
        let lines = lines.map(|line| (self.key_of(line), asked(line)));
        Learning::start(self.format, lines.collect())
    }

    /// Speaks a phrase that was spoken before, if it is one.
    pub(super) fn say_from_memory(&mut self, job: &Job) -> bool {
        let Some(sound) = self.key(job).and_then(|key| phrases::find(&key)) else {
            return false;
        };
        let turn = job.turn();
        self.shape.begin(turn);
        for sound in self.shape.cut(&sound) {
            self.facts.tell(Input::Voiced(ForTurn::new(turn, sound)));
        }
        self.facts.tell(Input::PieceDone(ForTurn::new(turn, ())));
        true
    }

    /// What to record this piece in, if it is worth keeping.
    pub(super) fn recording(&self, job: &Job) -> Option<Recording> {
        self.key(job).map(Recording::new)
    }

    /// How this piece is called in the memory of phrases, if it is one of the lines there.
    fn key(&self, job: &Job) -> Option<Key> {
        let (_, piece) = job.piece.as_ref().into_parts();
        (job.is_whole() && self.lines.have(piece)).then(|| self.key_of(&piece.spoken))
    }

    fn key_of(&self, text: &str) -> Key {
        Key {
            voice: self.settings.tts_voice.as_str().to_owned(),
            format: self.shape.name(),
            text: text.to_owned(),
        }
    }
}
