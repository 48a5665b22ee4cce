//! The local ear and mouth: it may stop her voice at once, without asking anybody, and accounts for every sample of it.
//!
//! A caller must not wait for a round trip to be heard. So this machine runs beside the loudspeaker: on the browser's audio
//! thread, and for a telephone, which has no code of ours in it, at the edge. It decides *when to pause*; only the
//! conversation at the edge decides whether that pause was an interruption (`flush`) or not (`resume`).
//! It stores no sound: the driver owns the queue of samples and does to it what the [`Output`]s say.
//!
//! The driver's loop is: one [`Handset::handle_input`], then [`Handset::poll_output`] until [`Output::Timeout`], which comes
//! exactly once and says when to call again if nothing else happens.
//!
//! - **Beginning of speech**: votes of the last frames ([`Onset`]). While she speaks more is asked for, most in the first
//!   second of a turn, when the browser's echo canceller has not yet learned the room; and the threshold rises with
//!   how loud she is, so that her own echo does not interrupt her. Voices much weaker than the caller's do not count then
//!   (`loudness`).
//! - **Pause**: at the beginning of speech while she is audible. A pause belongs to the turn that was playing and
//!   ends with `resume` or `flush` of it. If neither comes for a while after the caller has fallen silent
//!   ([`Config::resume_after`]), she goes on by herself: silence for ever would be worse than a repeated interruption.
//!   While the caller speaks she stays paused, however long that takes.
//! - **Hesitation**: before a beginning is sure she may hold her breath for a fifth of a second, once a turn and without telling anybody:
//!   words that begin with a hiss ("stop", "sorry") are otherwise noticed a tenth of a second late. Where that was for nothing twice, she
//!   no longer does.
//! - **After a resume** the same sound cannot pause her again; she listens for a new beginning. Otherwise music in the
//!   caller's room would make her stutter.
//! - **Flush** closes the turn and all before it: their voice is refused from then on, however late it arrives.

mod config;
mod ledger;
mod loudness;
mod votes;

use std::collections::VecDeque;
use std::time::Duration;

pub use self::config::Config;
use self::ledger::Ledger;
pub use self::ledger::{Account, Totals};
use self::loudness::Loudness;
pub use self::loudness::level_of;
pub use self::votes::Onset;
use self::votes::{Reference, Votes};
use crate::conversation;
use crate::time::Timestamp;
use crate::turn::{ForTurn, TurnId};

/// A fact.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Input {
    /// The edge throws away the voice of `turn` and of every turn before it.
    Flush { turn: TurnId },
    /// The driver played `samples` more of its queue.
    Played { samples: u64 },
    /// The edge found the interruption false.
    Resume { turn: TurnId },
    /// The detector scored one frame of the caller's sound (0 to 1), which came in at `level` ([`level_of`]; zero if nobody can tell),
    /// and during which she was heard at `playback` (root mean square).
    Score {
        speech: f32,
        level: f32,
        playback: f32,
    },
    /// The time named by [`Output::Timeout`] has come.
    Timeout,
    /// Voice arrived. The driver holds it until an [`Output::Enqueue`] follows; without one it is dropped.
    Voice { turn: TurnId, samples: u64 },
}

/// An intention.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Output {
    /// Throw away the oldest `samples` of the queue.
    Discard { samples: u64 },
    /// Append the voice that just arrived to the queue.
    Enqueue { turn: TurnId, samples: u64 },
    /// Stop playing now and keep the queue.
    Pause,
    /// Tell the edge.
    Report(Report),
    /// Play on.
    Resume,
    /// Nothing else to do until a fact arrives or, if one is named, this moment comes.
    Timeout(Option<Timestamp>),
}

/// What the edge is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Report {
    /// A flush was carried out.
    Flushed {
        turn: TurnId,
        played: u64,
        discarded: u64,
    },
    /// She paused; `played` of the turn had been played.
    Paused { turn: TurnId, played: u64 },
    /// `samples` of the turn have been played: sent with a turn's first sound, at each tenth of a second, and whenever
    /// nothing of the turn is left in the queue.
    Played { turn: TurnId, samples: u64 },
    /// The caller stopped speaking, `silence` ago.
    SpeechEnded { silence: Duration },
    /// The caller began to speak.
    SpeechStarted,
}

impl From<Report> for conversation::Input {
    fn from(report: Report) -> Self {
        match report {
            Report::Flushed { turn, played, .. } => Self::Flushed(ForTurn::new(turn, played)),
            Report::Paused { turn, played } => Self::Paused(ForTurn::new(turn, played)),
            Report::Played { turn, samples } => Self::Played(ForTurn::new(turn, samples)),
            Report::SpeechEnded { silence } => Self::SpeechEnded { silence },
            Report::SpeechStarted => Self::SpeechStarted,
        }
    }
}

/// The machine.
#[derive(Debug)]
pub struct Handset {
    config: Config,
    hangover_frames: u32,
    progress: u64,
    ledger: Ledger,
    outputs: VecDeque<Output>,
    votes: Votes,
    hints: Votes,
    reference: Reference,
    loudness: Loudness,
    /// The caller is speaking.
    speech: bool,
    /// Quiet frames in a row while the caller is speaking.
    quiet: u32,
    /// This sound may pause her: no, once the edge has found it to be no interruption.
    armed: bool,
    /// A soft sound may still make her hesitate in this turn.
    may_hesitate: bool,
    /// How often she may still hesitate for nothing.
    doubts: u32,
    pause: Option<Pause>,
    guard_until: Timestamp,
    /// The turn whose voice the votes were cast over.
    playing: Option<TurnId>,
}

#[derive(Clone, Copy, Debug)]
struct Pause {
    turn: TurnId,
    /// When it ends by itself; unknown while the caller speaks.
    ends: Option<Timestamp>,
    /// It is not yet sure that the caller speaks at all.
    hesitation: bool,
}

impl Handset {
    /// A handset that has heard and played nothing. It allocates here and, drained as it should be, nowhere else.
    #[must_use]
    pub fn new(config: Config) -> Self {
        let frame = config.frame.as_micros().max(1);
        Self {
            hangover_frames: u32::try_from(config.hangover.as_micros().div_ceil(frame))
                .unwrap_or(u32::MAX)
                .max(1),
            progress: config.rate.samples_in(PROGRESS).max(1),
            ledger: Ledger::new(config.capacity),
            outputs: VecDeque::with_capacity(OUTPUTS),
            votes: Votes::default(),
            hints: Votes::default(),
            reference: Reference::default(),
            loudness: Loudness::default(),
            speech: false,
            quiet: 0,
            armed: true,
            may_hesitate: true,
            doubts: DOUBTS,
            pause: None,
            guard_until: Timestamp::ZERO,
            playing: None,
            config,
        }
    }

    /// Takes one fact. Strange facts are facts: they are handled or ignored.
    pub fn handle_input(&mut self, now: Timestamp, input: Input) {
        match input {
            Input::Flush { turn } => self.flush(turn),
            Input::Played { samples } => self.play(samples),
            Input::Resume { turn } => {
                if self.pause.is_some_and(|pause| pause.turn == turn) {
                    self.resume();
                }
            }
            Input::Score {
                speech,
                level,
                playback,
            } => self.score(now, speech, level, playback),
            Input::Timeout => {
                if self
                    .pause
                    .and_then(|pause| pause.ends)
                    .is_some_and(|ends| ends <= now)
                {
                    self.resume();
                }
            }
            Input::Voice { turn, samples } => {
                if self.ledger.accept(turn, samples) {
                    self.outputs.push_back(Output::Enqueue { turn, samples });
                }
            }
        }
        self.notice_turn(now);
    }

    /// The next intention; [`Output::Timeout`] when there is none left.
    pub fn poll_output(&mut self) -> Output {
        self.outputs
            .pop_front()
            .unwrap_or_else(|| Output::Timeout(self.pause.and_then(|pause| pause.ends)))
    }

    /// Whether she is held back by the caller's voice.
    #[must_use]
    pub const fn is_paused(&self) -> bool {
        self.pause.is_some()
    }

    /// What became of a turn's voice; none if it never had any, or long ago.
    #[must_use]
    pub fn account(&self, turn: TurnId) -> Option<Account> {
        self.ledger.account(turn)
    }

    /// Samples waiting of `turn` and of the turns before it: what a flush of it would throw away.
    #[must_use]
    pub fn queued_through(&self, turn: TurnId) -> u64 {
        self.ledger.queued_through(turn)
    }

    /// The account of the whole call.
    #[must_use]
    pub const fn totals(&self) -> Totals {
        self.ledger.totals()
    }

    fn score(&mut self, now: Timestamp, speech: f32, level: f32, playback: f32) {
        self.reference.hear(playback);
        let audible = match self.pause {
            None
            | Some(Pause {
                hesitation: true, ..
            }) => self.ledger.front(),
            Some(_) => None,
        };
        let guarded = now < self.guard_until;
        let onset = match audible {
            None => self.config.onset,
            Some(_) if guarded => self.over_voice(self.config.onset_in_guard),
            Some(_) => self.over_voice(self.config.onset_over_voice),
        };
        let voice = speech >= onset.threshold;
        let admitted = self.loudness.admits(voice, level);
        self.votes.cast(admitted || (voice && audible.is_none()));
        let hint = self.over_voice(self.config.hint);
        self.hints.cast(speech >= hint.threshold);
        let begun = self.votes.carry(onset);
        let interrupted = audible.filter(|_| begun && self.armed);
        if self.pause.is_none() {
            let hesitates = self.may_hesitate
                && self.doubts > 0
                && self.armed
                && !self.speech
                && !guarded
                && self.hints.carry(hint);
            if interrupted.is_some() {
                self.outputs.push_back(Output::Pause);
            } else if let Some(account) = audible.filter(|_| hesitates) {
                self.outputs.push_back(Output::Pause);
                self.may_hesitate = false;
                self.doubts = self.doubts.saturating_sub(1);
                self.pause = Some(Pause {
                    turn: account.turn,
                    ends: Some(now + HESITATION),
                    hesitation: true,
                });
            }
        }
        if begun && !self.speech {
            self.speech = true;
            self.quiet = 0;
            if let Some(pause) = &mut self.pause {
                pause.ends = None;
            }
            self.report(Report::SpeechStarted);
        }
        if let Some(Account { turn, played, .. }) = interrupted {
            self.doubts = DOUBTS;
            self.pause = Some(Pause {
                turn,
                ends: None,
                hesitation: false,
            });
            self.report(Report::Paused { turn, played });
        }
        if voice && self.speech && audible.is_none() {
            self.loudness.learn(level);
        }
        if self.speech {
            if speech >= RELEASE {
                self.quiet = 0;
            } else {
                self.quiet = self.quiet.saturating_add(1);
                if self.quiet >= self.hangover_frames {
                    self.end_speech(now);
                }
            }
        }
    }

    /// A beginning while she is heard, by how loud she is.
    fn over_voice(&self, onset: Onset) -> Onset {
        Onset {
            threshold: self
                .reference
                .raise(onset.threshold, self.config.reference_gate),
            ..onset
        }
    }

    fn end_speech(&mut self, now: Timestamp) {
        self.speech = false;
        self.armed = true;
        self.votes.clear();
        let quiet = self.config.frame.saturating_mul(self.quiet);
        let silence = quiet.saturating_add(self.config.afterglow);
        self.report(Report::SpeechEnded { silence });
        if let Some(pause) = &mut self.pause {
            pause.ends = Some(now + self.config.resume_after);
        }
    }

    fn play(&mut self, samples: u64) {
        let mut left = samples;
        while left > 0 {
            let Some((account, played)) = self.ledger.play(left) else {
                return;
            };
            left = left.saturating_sub(played);
            let before = account.played.saturating_sub(played);
            if before == 0
                || before.checked_div(self.progress) != account.played.checked_div(self.progress)
                || account.queued() == 0
            {
                self.report(Report::Played {
                    turn: account.turn,
                    samples: account.played,
                });
            }
        }
    }

    fn flush(&mut self, turn: TurnId) {
        let (ledger, outputs) = (&mut self.ledger, &mut self.outputs);
        let before = outputs.len();
        // The queue is emptied first and reported after: the report is the answer that it has been done.
        outputs.push_back(Output::Discard { samples: 0 });
        let mut reported = false;
        let discarded = ledger.close(turn, |account| {
            reported |= account.turn == turn;
            outputs.push_back(Output::Report(flushed(account)));
        });
        if let Some(first) = outputs.get_mut(before) {
            *first = Output::Discard { samples: discarded };
        }
        if discarded == 0 {
            outputs.truncate(before);
        }
        if !reported {
            let account = ledger.account(turn).unwrap_or(Account {
                turn,
                accepted: 0,
                played: 0,
                discarded: 0,
            });
            outputs.push_back(Output::Report(flushed(account)));
        }
        if self.pause.is_some_and(|pause| pause.turn <= turn) {
            self.pause = None;
            self.outputs.push_back(Output::Resume);
        }
    }

    fn resume(&mut self) {
        let hesitated = self.pause.take().is_some_and(|pause| pause.hesitation);
        if !hesitated {
            self.armed = !self.speech;
            self.votes.clear();
        }
        self.outputs.push_back(Output::Resume);
    }

    /// Votes cast over one turn's voice, or over silence, say nothing about the next turn's.
    fn notice_turn(&mut self, now: Timestamp) {
        let front = self.ledger.front();
        let turn = front.map(|account| account.turn);
        if turn == self.playing {
            return;
        }
        self.playing = turn;
        if front.is_some_and(|account| account.played == 0) {
            self.votes.clear();
            self.hints.clear();
            self.armed = true;
            self.may_hesitate = true;
            self.guard_until = now + self.config.echo_guard;
        }
    }

    fn report(&mut self, report: Report) {
        self.outputs.push_back(Output::Report(report));
    }
}

const fn flushed(account: Account) -> Report {
    Report::Flushed {
        turn: account.turn,
        played: account.played,
        discarded: account.discarded,
    }
}

/// The vowel of "stop" comes some 130 ms after its hiss was noticed.
const HESITATION: Duration = Duration::from_millis(200);

/// A room in which she hesitated so often for nothing is one where she does not, until the caller has been heard over her voice.
const DOUBTS: u32 = 2;

/// How often progress is reported: a word lasts 200 to 400 ms, so a cut falls in the right one.
const PROGRESS: Duration = Duration::from_millis(100);

/// A frame that scores above this still belongs to the speech it follows. The detector lets go late by itself, so that voices which fade
/// within a word need no lower one.
const RELEASE: f32 = 0.5;

/// Room for the most outputs of one input: a flush of as many turns as the ledger remembers, and a resume.
const OUTPUTS: usize = 32;

#[cfg(test)]
mod tests;
