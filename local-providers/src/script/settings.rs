//! How fast the vendors are, and their limits and habits.

use serde::{Deserialize, Serialize};

use super::Shape;

/// How long each service takes. The defaults are the product's stage budget.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Latency {
    /// From the end of the last sound to the final result.
    pub stt_final_ms: u64,
    /// From `Finalize` (or Flux's `ForceEndTurn`) to its answer.
    pub stt_finalize_ms: u64,
    /// Flux: from the end of the last sound to `EagerEndOfTurn`, for a client that asks for it. A word spoken is known
    /// as much later.
    pub flux_eager_ms: u64,
    /// Flux: from the end of the last sound to `EndOfTurn`. Sound before that goes on with the turn; after
    /// `EagerEndOfTurn` it gives `TurnResumed`.
    pub flux_end_ms: u64,
    /// From the request to the first token.
    pub llm_first_token_ms: u64,
    /// From each token to the next.
    pub llm_token_ms: u64,
    /// From the flush (or the REST request) to the first audio.
    pub tts_first_byte_ms: u64,
    /// Time to make audio, divided by the audio's length: 0 sends it as fast as the socket takes it, 1 in real time.
    pub tts_realtime_factor: f64,
}

impl Default for Latency {
    fn default() -> Self {
        Self {
            stt_final_ms: 150,
            stt_finalize_ms: 0,
            flux_eager_ms: 80,
            flux_end_ms: 250,
            llm_first_token_ms: 100,
            llm_token_ms: 5,
            tts_first_byte_ms: 100,
            tts_realtime_factor: 0.0,
        }
    }
}

/// Limits and habits of the vendors that a test may want otherwise.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// A shorter silence does not end an utterance; `stt_final_ms` (Flux: `flux_end_ms`) when absent.
    pub end_silence_ms: Option<u64>,
    /// Words that are read off the sound itself, in place of [`Script::utterances`](super::Script::utterances): the first sixteen, each by its tone
    /// ([`crate::phone::voice::words`]).
    pub vocabulary: Vec<String>,
    /// How fast interim results reveal an utterance's words. The last word is never revealed before the final.
    pub words_per_second: f64,
    /// How often interim results come while there is speech. The vendor: about a second; faster shows more.
    pub interim_every_ms: u64,
    /// Speech longer than this is fixed piece by piece, in finals without `speech_final`. Seen on the wire: 4.76 s.
    pub segment_ms: u64,
    /// Whether `Finalize` is answered, with an empty result, when nothing waits to be finalised. The vendor promises neither.
    pub answer_empty_finalize: bool,
    /// A listening socket without audio or text is closed after this. The documentation says 10 s, captures 12.
    pub idle_close_ms: u64,
    /// Flux: the same, where a ping counts too. The vendor's staff says 60 s, users saw 20 to 30.
    pub flux_idle_close_ms: u64,
    /// What is heard once the utterances are used up.
    pub after_last: AfterLast,
    /// Length of the scripted voice's tone for each character.
    pub ms_per_char: u64,
    /// Flushes that a voice socket accepts in `flush_window_ms`.
    pub flush_limit: usize,
    /// The vendor says 60 s; recovery was seen after about 64.
    pub flush_window_ms: u64,
    /// Characters that a voice socket accepts in 60 s; 0 for any number.
    pub chars_per_minute: usize,
    /// Cuts the model's stream into pieces of about this many bytes, wherever they fall, a millisecond apart; 0 leaves each
    /// event whole.
    pub split_bytes: usize,
    /// Has gpt-oss models reason before they answer.
    pub reasoning: bool,
    /// A voice over REST begins with a WAV header although `container=none` asks for none.
    pub wav_header_by_mistake: bool,
    /// Cuts a voice's sound into pieces of about this many bytes, all of them odd; 0 cuts it as it is made. Every piece but
    /// the last of a text is odd in any case.
    pub split_audio_bytes: usize,
    /// How a voice socket words a `Warning`.
    pub warning_shape: Shape,
    /// `Clear` is obeyed and never answered.
    pub clear_unanswered: bool,
    /// Models that answer 404.
    pub withdrawn_models: Vec<String>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            end_silence_ms: None,
            vocabulary: Vec::new(),
            words_per_second: 3.0,
            interim_every_ms: 200,
            segment_ms: 4_760,
            answer_empty_finalize: true,
            idle_close_ms: 12_000,
            flux_idle_close_ms: 20_000,
            after_last: AfterLast::Repeat,
            ms_per_char: 60,
            flush_limit: 20,
            flush_window_ms: 64_000,
            chars_per_minute: 2_400,
            split_bytes: 0,
            reasoning: false,
            wav_header_by_mistake: false,
            split_audio_bytes: 0,
            warning_shape: Shape::Wire,
            clear_unanswered: false,
            withdrawn_models: WITHDRAWN_MODELS.map(str::to_owned).to_vec(),
        }
    }
}

/// What a connection hears after the last scripted utterance.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AfterLast {
    /// Sound without words.
    Empty,
    /// The last one again.
    #[default]
    Repeat,
}

/// Withdrawn by Groq up to 2026-09-14, for the tiers a business has.
const WITHDRAWN_MODELS: [&str; 6] = [
    "llama-3.1-8b-instant",
    "llama-3.3-70b-versatile",
    "meta-llama/llama-4-maverick-17b-128e-instruct",
    "meta-llama/llama-4-scout-17b-16e-instruct",
    "qwen/qwen3-32b",
    "qwen/qwen3.6-27b",
];
