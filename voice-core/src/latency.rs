//! How fast a turn was: marks on one clock, and the report made of them.

use serde::{Deserialize, Serialize};

use crate::time::Timestamp;
use crate::turn::TurnId;

/// How a turn ended: a closed list, so that no failure can hide in an average.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TurnOutcome {
    Completed,
    HungUp,
    Interrupted,
    LlmFailed,
    NoOutput,
    SttFailed,
    TtsFailed,
}

impl TurnOutcome {
    /// Whether her reply was cut off, wherever it was.
    #[must_use]
    pub const fn is_cut(self) -> bool {
        matches!(self, Self::HungUp | Self::Interrupted | Self::SttFailed)
    }

    /// The word used on the wire and in the record.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Completed => "completed",
            Self::HungUp => "hung_up",
            Self::Interrupted => "interrupted",
            Self::LlmFailed => "llm_failed",
            Self::NoOutput => "no_output",
            Self::SttFailed => "stt_failed",
            Self::TtsFailed => "tts_failed",
        }
    }
}

/// One finished turn. Each stage is optional, and they are not additive: stages overlap. Milliseconds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TurnReport {
    pub turn: TurnId,
    pub outcome: TurnOutcome,
    /// The caller's last sound → the turn was taken as finished.
    pub endpointing_ms: Option<u32>,
    /// The model was asked → its first word.
    pub first_token_ms: Option<u32>,
    /// Its first word → the first piece worth speaking.
    pub first_piece_ms: Option<u32>,
    /// The first piece was given to the voice → its first sound.
    pub first_audio_ms: Option<u32>,
    /// The caller's last sound → her first sound left the edge.
    pub sent_ms: Option<u32>,
    /// The caller's last sound → the handset had played her first sound (with the report's way back).
    pub voice_to_voice_ms: Option<u32>,
    /// Requests to the model that were made before it was certain that the caller had finished.
    #[serde(default)]
    pub speculative_requests: u32,
    /// How many of them were thrown away, because the caller went on.
    #[serde(default)]
    pub speculative_wasted: u32,
}

/// When each stage of the current turn was reached. The first mark of a kind stands.
#[derive(Clone, Copy, Debug, Default)]
pub struct Marks {
    /// The caller's last sound.
    pub last_sound: Option<Timestamp>,
    pub committed: Option<Timestamp>,
    pub first_token: Option<Timestamp>,
    pub first_piece: Option<Timestamp>,
    pub first_audio: Option<Timestamp>,
    pub first_played: Option<Timestamp>,
    pub speculative_requests: u32,
    pub speculative_wasted: u32,
    /// One if the model was asked when it was certain, or if the early request was the one that counted.
    pub requested: u32,
    pub adopted: u32,
}

impl Marks {
    /// The turn of these marks was withdrawn: its request was early after all, and is thrown away.
    pub(crate) const fn take_waste_of(&mut self, withdrawn: &Self) {
        self.speculative_requests = withdrawn
            .speculative_requests
            .saturating_add(withdrawn.requested);
        self.speculative_wasted = withdrawn
            .speculative_wasted
            .saturating_add(withdrawn.requested)
            .saturating_add(withdrawn.adopted);
    }

    /// The answer that was in the making is not the answer.
    pub(crate) const fn forget_answer(&mut self) {
        self.first_token = None;
        self.first_piece = None;
        self.first_audio = None;
    }

    /// The report of a turn that ends now.
    #[must_use]
    pub fn report(&self, turn: TurnId, outcome: TurnOutcome) -> TurnReport {
        TurnReport {
            turn,
            outcome,
            endpointing_ms: between(self.last_sound, self.committed),
            first_token_ms: between(self.committed, self.first_token),
            first_piece_ms: between(self.first_token, self.first_piece),
            first_audio_ms: between(self.first_piece, self.first_audio),
            sent_ms: between(self.last_sound, self.first_audio),
            voice_to_voice_ms: between(self.last_sound, self.first_played),
            speculative_requests: self.speculative_requests,
            speculative_wasted: self.speculative_wasted,
        }
    }
}

/// Sets a mark, unless it stands already.
pub(crate) fn mark(slot: &mut Option<Timestamp>, now: Timestamp) {
    slot.get_or_insert(now);
}

fn between(from: Option<Timestamp>, to: Option<Timestamp>) -> Option<u32> {
    let span = to?.since(from?);
    Some(u32::try_from(span.as_millis()).unwrap_or(u32::MAX))
}
