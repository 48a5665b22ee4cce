//! A recogniser in virtual time that reports words and leaves the end of a turn to others, as Nova does with the worker's options: interim
//! results while there is a voice, a final one when it is asked to finalise or after 300 ms of silence, and a gap after a second.

use anyhow::Result;
use voice_core::conversation::Input;
use voice_core::transcript::Recognition;

use super::reader::Reader;
use super::{FRAME, MS};

/// What it reports now; it arrives [`LATENCY_MS`] later.
pub(super) type Reports = Vec<Input>;

/// From sound to its words, by the plan.
pub(super) const LATENCY_MS: u64 = 150;

/// A request to decide and its answer, at the least: the way to the vendor and back.
pub(super) const REQUEST_MS: u64 = 50;

#[derive(Debug, Default)]
pub(super) struct Nova {
    /// Samples heard.
    position: usize,
    /// Up to here all is said in final results.
    said: usize,
    gate: Gate,
    stretch: Option<Stretch>,
    /// When a gap is reported, unless there is a voice before.
    gap_at: Option<usize>,
}

/// Sound with a voice in it, about which nothing final has been said.
#[derive(Debug)]
struct Stretch {
    from: usize,
    /// Frames with a voice.
    voiced: usize,
    /// Frames without one since the last with one.
    quiet: usize,
    last_sound: usize,
    /// The last sound that is surely a voice, from which its words take their time.
    last_loud: usize,
    read_at: usize,
}

impl Nova {
    /// Hears one frame, of which the detector thinks `score`.
    pub(super) fn frame(&mut self, score: f32, reader: &Reader<'_>) -> Result<Reports> {
        self.position += FRAME;
        let mut reports = Vec::new();
        match &mut self.stretch {
            None => {
                if self.gate.opens(score) {
                    self.gap_at = None;
                    self.stretch = Some(Stretch {
                        from: self.position.saturating_sub(BEFORE).max(self.said),
                        voiced: ONSET,
                        quiet: 0,
                        last_sound: self.position,
                        last_loud: self.position,
                        read_at: self.position,
                    });
                }
            }
            Some(stretch) => {
                if score >= STILL_SPEECH {
                    stretch.voiced += 1;
                    stretch.quiet = 0;
                    stretch.last_sound = self.position;
                    if score >= SPEECH {
                        stretch.last_loud = self.position;
                    }
                } else {
                    stretch.quiet += 1;
                }
                if stretch.quiet >= ENDPOINTING {
                    reports.extend(self.close(false, reader)?);
                } else if stretch.quiet == 0 && self.position - stretch.read_at >= INTERIM {
                    stretch.read_at = self.position;
                    let text = reader.words(stretch.from, self.position)?;
                    if !text.is_empty() {
                        reports.push(heard(text, false, false));
                    }
                }
            }
        }
        if self.gap_at.take_if(|at| *at <= self.position).is_some() {
            reports.push(Input::Gap);
        }
        Ok(reports)
    }

    /// How long it has heard nothing of the stretch that is open.
    pub(super) const fn quiet_ms(&self) -> u64 {
        match &self.stretch {
            Some(stretch) => ((self.position - stretch.last_loud) / MS) as u64,
            None => 0,
        }
    }

    /// Decides on what it has heard.
    pub(super) fn finalize(&mut self, reader: &Reader<'_>) -> Result<Reports> {
        match &self.stretch {
            Some(_) => Ok(self.close(true, reader)?.into_iter().collect()),
            None => Ok(vec![heard(String::new(), true, true)]),
        }
    }

    fn close(&mut self, asked: bool, reader: &Reader<'_>) -> Result<Option<Input>> {
        let Some(stretch) = self.stretch.take() else {
            return Ok(None);
        };
        self.said = self.position;
        let text = if stretch.voiced >= LEAST {
            reader.words(stretch.from, self.position)?
        } else {
            String::new()
        };
        if !text.is_empty() {
            self.gap_at = Some(stretch.last_sound + GAP);
        }
        Ok(Some(heard(text, true, asked)))
    }
}

fn heard(text: String, is_final: bool, answers_finalize: bool) -> Input {
    Input::Heard(Recognition {
        text,
        is_final,
        ends_utterance: is_final,
        answers_finalize,
        likely_ended: false,
    })
}

/// A recogniser's own sense of a voice, from the same detector as everybody's.
#[derive(Debug, Default)]
pub(super) struct Gate(usize);

impl Gate {
    /// Whether a voice begins with this frame.
    pub(super) fn opens(&mut self, score: f32) -> bool {
        self.0 = if score >= SPEECH { self.0 + 1 } else { 0 };
        let opens = self.0 >= ONSET;
        if opens {
            self.0 = 0;
        }
        opens
    }
}

/// The detector's own threshold to begin with, and a lower one to go on, since words fade.
const SPEECH: f32 = 0.5;
pub(super) const STILL_SPEECH: f32 = 0.35;

/// Three frames, 48 ms: one or two are a click.
pub(super) const ONSET: usize = 3;

/// What is kept from before: the detector is late on a soft beginning.
pub(super) const BEFORE: usize = 400 * MS;

/// 128 ms of voice: the shortest "no".
pub(super) const LEAST: usize = 8;

/// The worker asks for `endpointing=300`.
const ENDPOINTING: usize = (300 * MS).div_ceil(FRAME);

const INTERIM: usize = 300 * MS;

/// The worker asks for `utterance_end_ms=1000`.
const GAP: usize = 1_000 * MS;
