//! A recogniser in virtual time that judges by itself when a turn ends, as Flux does: the whole turn's words every 240 ms, a likely end, an end,
//! and a likely end taken back. Its judgement is Smart Turn's.

use anyhow::Result;
use voice_core::conversation::Input;
use voice_core::transcript::Recognition;

use super::nova::{BEFORE, Gate, LEAST, ONSET, Reports, STILL_SPEECH};
use super::reader::Reader;
use super::{FRAME, MS};

#[derive(Debug, Default)]
pub(super) struct Flux {
    /// Samples heard.
    position: usize,
    /// Where the turn before ended.
    said: usize,
    gate: Gate,
    turn: Option<Turn>,
}

#[derive(Debug)]
struct Turn {
    from: usize,
    /// Frames with a voice.
    voiced: usize,
    /// Frames without one since the last with one.
    quiet: usize,
    told_at: usize,
    /// An end was called likely.
    likely: bool,
}

impl Flux {
    /// Hears one frame, of which the detector thinks `score`.
    pub(super) fn frame(&mut self, score: f32, reader: &Reader<'_>) -> Result<Reports> {
        self.position += FRAME;
        let Some(turn) = &mut self.turn else {
            if self.gate.opens(score) {
                self.turn = Some(Turn {
                    from: self.position.saturating_sub(BEFORE).max(self.said),
                    voiced: ONSET,
                    quiet: 0,
                    told_at: self.position,
                    likely: false,
                });
            }
            return Ok(Vec::new());
        };
        let mut reports = Vec::new();
        if score >= STILL_SPEECH {
            turn.voiced += 1;
            turn.quiet = 0;
            if std::mem::take(&mut turn.likely) {
                reports.push(Input::Resumed);
            }
        } else {
            turn.quiet += 1;
        }
        let enough = turn.voiced >= LEAST;
        if turn.quiet >= TIMEOUT || (turn.quiet >= FIRST_JUDGEMENT && enough && judged(turn.quiet))
        {
            let text = if enough {
                reader.words(turn.from, self.position)?
            } else {
                String::new()
            };
            let likelihood = if text.is_empty() {
                0.0
            } else {
                reader.end_of_turn(turn.from, self.position)?
            };
            if likelihood >= END || turn.quiet >= TIMEOUT {
                self.turn = None;
                self.said = self.position;
                if !text.is_empty() {
                    reports.push(heard(text, true, false));
                }
                return Ok(reports);
            }
            if likelihood >= LIKELY_END && !turn.likely {
                turn.likely = true;
                reports.push(heard(text, false, true));
            }
        } else if turn.quiet == 0 && self.position - turn.told_at >= UPDATE && enough {
            turn.told_at = self.position;
            let text = reader.words(turn.from, self.position)?;
            if !text.is_empty() {
                reports.push(heard(text, false, false));
            }
        }
        Ok(reports)
    }
}

/// Silence is judged once in five frames.
const fn judged(quiet: usize) -> bool {
    (quiet - FIRST_JUDGEMENT).is_multiple_of(5)
}

fn heard(text: String, ends: bool, likely_ended: bool) -> Input {
    Input::Heard(Recognition {
        text,
        is_final: ends,
        ends_utterance: ends,
        answers_finalize: false,
        likely_ended,
    })
}

const UPDATE: usize = 240 * MS;

/// 160 ms of silence; less is a gap between two words.
const FIRST_JUDGEMENT: usize = 10;

/// The vendor's default `eot_threshold`, and a usual `eager_eot_threshold`.
const END: f32 = 0.7;
const LIKELY_END: f32 = 0.4;

/// After so much silence a turn is over whatever was said: two seconds. The vendor's default of five is nobody's wish.
const TIMEOUT: usize = (2_000 * MS).div_ceil(FRAME);
