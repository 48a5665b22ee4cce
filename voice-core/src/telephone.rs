//! The local ear and mouth of a caller whose telephone has no code of ours in it.
//!
//! It is the [`Handset`] of a browser, run at the edge: the handset decides when she pauses, and this machine makes that true for a
//! loudspeaker it cannot reach. All it can do is send sound into a far buffer, ask for marks, and have the buffer emptied. So
//! it sends little ahead ([`Config::lead`]), keeps what it has sent until that has been heard, and reckons from the clock and from the marks
//! what *has* been heard ([`playout`](mod@playout)). A pause is "stop sending, clear, and go back to what was heard".
//!
//! The driver's loop is that of every machine here: one [`Telephone::handle_input`], then [`Telephone::poll_output`] until
//! [`Output::Timeout`]. Each input also sends what may be sent and books what has been played, so the caller's own sound, fifty
//! frames a second, keeps hers going; the time-out is for a line that has gone silent.

mod playout;

use std::collections::VecDeque;
use std::time::Duration;

use self::playout::Playout;
use crate::audio::TELEPHONE_FRAME;
use crate::handset::{self, Handset};
use crate::time::Timestamp;
use crate::turn::{ForTurn, TurnGate, TurnId};

/// How a telephone is listened and spoken to.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Config {
    /// How the caller's voice is judged, at which rate, and how much sound may wait here.
    pub handset: handset::Config,
    /// How much sound may wait in the far buffer.
    pub lead: Duration,
    /// The samples of one frame.
    pub frame: u32,
}

/// Three times the longest stall that is usual between two servers, and little enough that a `clear` which is late for once has
/// not much to throw away.
const LEAD: Duration = Duration::from_millis(600);

impl Default for Config {
    fn default() -> Self {
        Self {
            handset: handset::Config::telephone(),
            lead: LEAD,
            frame: TELEPHONE_FRAME as u32,
        }
    }
}

/// A fact.
#[derive(Clone, Debug, PartialEq)]
pub enum Input {
    /// The conversation throws away the voice of `turn` and of every turn before it.
    Flush { turn: TurnId },
    /// A mark of this name came back.
    Marked(String),
    /// All voice of this piece of the reply has been given.
    PieceEnded(ForTurn<u32>),
    /// The conversation found the interruption false.
    Resume { turn: TurnId },
    /// The detector scored one frame of the caller's sound (0 to 1), which came in at `level` ([`handset::level_of`]).
    Score { speech: f32, level: f32 },
    /// The time named by [`Output::Timeout`] has come.
    Timeout,
    /// Her voice, a byte for each sample.
    Voice(ForTurn<Vec<u8>>),
}

/// An intention.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Output {
    /// Have the far buffer emptied.
    Clear,
    /// Send this sound: one frame, or what is left of a turn if that is less.
    Frame(Vec<u8>),
    /// Ask for a mark of this name behind the sound sent so far.
    Mark(String),
    /// Tell the conversation.
    Report(handset::Report),
    /// Nothing else to do until a fact arrives or, if one is named, this moment comes.
    Timeout(Option<Timestamp>),
}

/// The machine.
#[derive(Debug)]
pub struct Telephone {
    handset: Handset,
    playout: Playout,
    gate: TurnGate,
    outputs: VecDeque<Output>,
    /// Voice that the handset has not yet let in.
    arriving: Vec<u8>,
    handset_due: Option<Timestamp>,
    due: Option<Timestamp>,
}

impl Telephone {
    /// A telephone that has heard and played nothing.
    #[must_use]
    pub fn new(config: Config) -> Self {
        Self {
            handset: Handset::new(config.handset),
            playout: Playout::new(&config),
            gate: TurnGate::default(),
            outputs: VecDeque::new(),
            arriving: Vec::new(),
            handset_due: None,
            due: None,
        }
    }

    /// Takes one fact. Strange facts are facts: they are handled or ignored.
    pub fn handle_input(&mut self, now: Timestamp, input: Input) {
        // First of all, so that whatever the fact does finds the account of this moment: a pause must say exactly what was heard.
        self.book(now);
        match input {
            Input::Flush { turn } => {
                self.gate.close(turn);
                self.tell(now, handset::Input::Flush { turn });
            }
            Input::Marked(name) => {
                self.playout.mark_returned(now, &name);
                self.book(now);
            }
            Input::PieceEnded(piece) => {
                if self.gate.admits(piece.turn()) {
                    self.playout.piece_ended(piece);
                }
            }
            Input::Resume { turn } => self.tell(now, handset::Input::Resume { turn }),
            Input::Score { speech, level } => {
                // Nobody tells how loud she is there; the network cancels her echo.
                let playback = 0.0;
                let score = handset::Input::Score {
                    speech,
                    level,
                    playback,
                };
                self.tell(now, score);
            }
            Input::Timeout => self.tell(now, handset::Input::Timeout),
            Input::Voice(voice) => {
                let (turn, bytes) = voice.into_parts();
                let samples = bytes.len() as u64;
                self.arriving = bytes;
                self.tell(now, handset::Input::Voice { turn, samples });
                // What was not let in is refused and counted.
                self.arriving = Vec::new();
            }
        }
        self.playout.send(now, &mut self.outputs);
        let due = [self.handset_due, self.playout.next_due(now)];
        self.due = due.into_iter().flatten().min();
    }

    /// The next intention; [`Output::Timeout`] when there is none left.
    pub fn poll_output(&mut self) -> Output {
        self.outputs
            .pop_front()
            .unwrap_or(Output::Timeout(self.due))
    }

    /// The account of the whole call, in samples.
    #[must_use]
    pub const fn totals(&self) -> handset::Totals {
        self.handset.totals()
    }

    /// How often sound came to a far buffer that had run dry in the middle of a turn.
    #[must_use]
    pub const fn gaps(&self) -> u32 {
        self.playout.gaps()
    }

    /// How many marks came back that were not asked for, or that nobody waited for any more.
    #[must_use]
    pub const fn strange_marks(&self) -> u32 {
        self.playout.strange_marks()
    }

    /// The handset inside, for its accounts.
    #[must_use]
    pub const fn handset(&self) -> &Handset {
        &self.handset
    }

    fn book(&mut self, now: Timestamp) {
        let samples = self.playout.advance(now);
        if samples > 0 {
            self.tell(now, handset::Input::Played { samples });
        }
    }

    /// Hands the handset one fact and does what it wants.
    fn tell(&mut self, now: Timestamp, input: handset::Input) {
        self.handset.handle_input(now, input);
        self.handset_due = loop {
            let clear = match self.handset.poll_output() {
                handset::Output::Timeout(due) => break due,
                handset::Output::Discard { samples } => self.playout.discard(now, samples),
                handset::Output::Enqueue { turn, .. } => {
                    let bytes = std::mem::take(&mut self.arriving);
                    self.playout.enqueue(turn, &bytes);
                    false
                }
                handset::Output::Pause => self.playout.pause(now),
                handset::Output::Report(report) => {
                    self.outputs.push_back(Output::Report(report));
                    false
                }
                handset::Output::Resume => {
                    self.playout.resume();
                    false
                }
            };
            if clear {
                self.outputs.push_back(Output::Clear);
            }
        };
    }
}

#[cfg(test)]
mod tests;
