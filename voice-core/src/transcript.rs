//! What a recogniser reports, in our words.

/// One report of a recogniser.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Recognition {
    /// The words of one stretch of audio. An interim text replaces the one before it; a final one stays.
    pub text: String,
    /// The words of this stretch will not change any more.
    pub is_final: bool,
    /// The recogniser heard the utterance end here.
    pub ends_utterance: bool,
    /// This answers our request to finalise.
    pub answers_finalize: bool,
    /// The recogniser expects the utterance to end here, and will say so if it does not.
    pub likely_ended: bool,
}
