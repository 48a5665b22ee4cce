//! The authority of a call: which state it is in, whose turn it is, and what happens next.
//!
//! Facts go in by [`Conversation::handle_input`], intentions come out of [`Conversation::poll_output`]. The rooms:
//! [`phase`](mod@phase) is the owner's table, `hearing` decides when the caller has finished, `ahead` asks the model before that is
//! certain, `floor` decides who may speak, `speaking` carries a reply from the model's first word to its last sound, `reply` keeps
//! account of what was heard, `keypad` takes keys, and `errand` does what the model wants done. For what breaks: `patience` bounds every
//! silence, `line` waits for a caller whose line was lost, and `script` is what she says in Safe Mode.

mod ahead;
mod config;
mod errand;
mod facts;
mod failing;
mod floor;
mod hearing;
mod history;
mod keypad;
mod line;
mod patience;
pub mod phase;
mod reply;
mod script;
mod speaking;
pub mod timer;

use std::collections::VecDeque;
use std::time::Duration;

pub use config::{Config, Script};
pub use facts::{Fault, Input, Output};
pub use history::Exchange;
pub use line::Kept;
pub use reply::{Piece, Sound};

use crate::endpointing::{Pace, Utterance, Wanted};
use crate::latency::{Marks, TurnOutcome};
use crate::time::Timestamp;
use crate::tools::Run;
use crate::turn::TurnId;
use crate::wire::{Outcome, Phase, ServerMessage};
use ahead::Ahead;
use errand::{Errand, Work};
use history::History;
use reply::Reply;
use script::SafeMode;
use timer::{Timer, TimerTable};

/// Turns in a row that may fail before she gives up: one is bad luck, two is worth an apology, three is an outage.
const FAILURES_BEFORE_GIVING_UP: u8 = 3;

/// How often a deadline that needs the caller is looked at again while the line to them is lost.
const AWAY: Duration = Duration::from_secs(1);

/// The state machine of one call.
#[derive(Debug)]
pub struct Conversation {
    config: Config,
    phase: Phase,
    turn: TurnId,
    /// The newest id ever minted; a turn that was asked for ahead of time may be newer than `turn`.
    newest: TurnId,
    /// Under which id the caller's words are captioned until they are answered.
    caption_turn: TurnId,
    timers: TimerTable,
    outputs: VecDeque<Output>,
    utterance: Utterance,
    pace: Pace,
    /// How long the caller had been quiet before the sound that is heard now, if words were said before it.
    pause: Option<Duration>,
    /// A sound of the caller's has begun since their turn was taken as finished.
    resounded: bool,
    /// What she asked the caller for last.
    wanted: Option<Wanted>,
    /// An answer in the making, to words that may not be all.
    ahead: Option<Ahead>,
    history: History,
    /// What the caller said to open this turn.
    caller: String,
    /// `caller` was taken before the recogniser was sure, so the same words may be reported again.
    caller_uncertain: bool,
    marks: Marks,
    reply: Option<Reply>,
    /// A reply that was cut, until the handset says how much of it was heard.
    cut: Option<Cut>,
    protected: bool,
    paused: bool,
    /// The words in the sound that paused her were no interruption.
    dismissed: bool,
    /// What those words were, normalised: a recogniser may report them again for certain.
    dismissed_words: Option<String>,
    /// Words over her speech that may still turn out to be others.
    words_over: Option<String>,
    /// What went wrong in this turn, though something was said.
    flaw: Option<TurnOutcome>,
    failures: u8,
    /// The voice failed in the turn before.
    is_mute: bool,
    prompted: bool,
    /// How the call ends once this reply has been heard.
    then_end: Option<Outcome>,
    /// The ceiling on the call's length was reached: it ends with this reply, whatever becomes of it.
    too_long: bool,
    /// She fills this wait, or filled the last one, so not the next one too.
    filling: bool,
    filled: bool,
    /// What is captioned once she speaks: each with the sample at which it begins.
    captions: Vec<(String, u64)>,
    /// How many fillers were said, to take them in turn.
    fillers: usize,
    /// What the model wants done with this reply.
    errand: Option<Errand>,
    /// What the business does for this reply.
    work: Work,
    /// The greeting is being made for a caller who is not connected yet, and this has come of it.
    early: Option<Vec<Input>>,
    /// When the last key was pressed.
    keyed_at: Timestamp,
    /// The keys at the end of `caller`.
    caller_keys: String,
    /// The line to the caller is lost.
    away: bool,
    /// The caller is back, and nothing was heard of them since.
    is_back: bool,
    /// The recogniser is gone: she says so as soon as she has said the rest.
    deaf: bool,
    /// The model was asked to go on where it had broken off in this reply.
    continued: bool,
    safe_mode: SafeMode,
    /// What goes on from a call that was cut short, until its caller is back.
    kept: Option<Kept>,
}

#[derive(Debug)]
struct Cut {
    turn: TurnId,
    caller: String,
    reply: Reply,
    runs: Vec<Run>,
    marks: Marks,
}

impl Conversation {
    /// A call that has not begun.
    #[must_use]
    pub fn new(config: Config) -> Self {
        Self {
            config,
            phase: Phase::Idle,
            turn: TurnId::NONE.next(),
            newest: TurnId::NONE.next(),
            caption_turn: TurnId::NONE.next(),
            timers: TimerTable::default(),
            outputs: VecDeque::new(),
            utterance: Utterance::default(),
            pace: Pace::default(),
            pause: None,
            resounded: false,
            wanted: None,
            ahead: None,
            history: History::default(),
            caller: String::new(),
            caller_uncertain: false,
            marks: Marks::default(),
            reply: None,
            cut: None,
            protected: false,
            paused: false,
            dismissed: false,
            dismissed_words: None,
            words_over: None,
            flaw: None,
            failures: 0,
            is_mute: false,
            prompted: false,
            then_end: None,
            too_long: false,
            filling: false,
            filled: false,
            captions: Vec::new(),
            fillers: 0,
            errand: None,
            work: Work::default(),
            early: None,
            keyed_at: Timestamp::ZERO,
            caller_keys: String::new(),
            away: false,
            is_back: false,
            deaf: false,
            continued: false,
            safe_mode: SafeMode::default(),
            kept: None,
        }
    }

    /// The state of the call.
    #[must_use]
    pub const fn phase(&self) -> Phase {
        self.phase
    }

    /// The current turn.
    #[must_use]
    pub const fn turn(&self) -> TurnId {
        self.turn
    }

    /// Takes a fact. A strange one is handled or ignored, never an error.
    pub fn handle_input(&mut self, now: Timestamp, input: Input) {
        match (self.phase, input) {
            (Phase::Ended, _) => {}
            (Phase::Idle, Input::CallStarted) => self.start(now),
            (_, Input::CallerLeft) => self.end(Outcome::HungUp),
            (_, Input::RecogniserLost) => self.on_recogniser_lost(now),
            (_, Input::SafeMode(on)) => self.on_safe_mode(on),
            (Phase::Idle, Input::Back(arrived)) => self.go_on(now, arrived),
            (Phase::Idle, Input::Ringing) => self.ring(),
            (Phase::Idle, early) => self.keep(early),
            (_, Input::CallStarted | Input::Ringing) => {}
            (_, Input::Away) => self.on_away(now),
            (_, Input::Back(arrived)) => self.on_back(now, arrived),
            (_, input) if self.is_ahead(&input) => self.on_ahead(now, input),
            (_, Input::SpeechStarted) => self.on_speech_started(now),
            (_, Input::SpeechEnded { silence }) => self.on_speech_ended(now, silence),
            (_, Input::Heard(heard)) => self.on_heard(now, &heard),
            (_, Input::Digit(key)) => self.on_key(now, key),
            (_, Input::ToolCall(call)) => self.on_tool_call(now, call),
            (_, Input::Answered(answer)) => self.on_answer(now, answer),
            (_, Input::Gap) => self.on_gap(now),
            (_, Input::Resumed) => self.on_resumed(now),
            (_, Input::Paused(samples)) => self.on_paused(now, samples),
            (_, Input::Played(samples)) => self.on_played(now, samples),
            (_, Input::Flushed(samples)) => self.on_flushed(now, samples),
            (_, Input::Token(token)) => self.on_token(now, token),
            (_, Input::TextDone(done)) => self.on_text_done(now, done),
            (_, Input::Voiced(sound)) => self.on_voiced(now, sound),
            (_, Input::PieceDone(done)) => self.on_piece_done(now, done),
            (_, Input::Failed(fault)) => self.on_failed(now, fault),
            (_, Input::Timeout) => {
                while let Some(timer) = self.timers.take_due(now) {
                    if self.away && timer.needs_the_caller() {
                        self.timers.set(timer, now, AWAY);
                    } else {
                        self.on_timer(now, timer);
                    }
                }
            }
        }
    }

    /// The next intention; [`Output::Timeout`] exactly when nothing else is left.
    pub fn poll_output(&mut self) -> Output {
        self.outputs
            .pop_front()
            .unwrap_or_else(|| Output::Timeout(self.timers.next_due()))
    }

    fn start(&mut self, now: Timestamp) {
        self.timers
            .set(Timer::CallLength, now, self.config.call_length);
        self.listen(now, "call started");
        self.greet(now);
    }

    fn on_timer(&mut self, now: Timestamp, timer: Timer) {
        match timer {
            Timer::Away => self.end(Outcome::HungUp),
            Timer::CallLength => self.on_call_length(now),
            Timer::Drain => self.on_drained(now, None),
            Timer::Endpoint => self.on_endpoint(now),
            Timer::FalseInterruption => self.on_false_interruption(now),
            Timer::Filler => self.fill(now),
            Timer::FirstToken => self.fail_model(now),
            Timer::FirstAudio => self.fail_voice(now),
            Timer::Keypad => self.on_keying_over(now),
            Timer::Patience => self.on_patience(now),
            Timer::Playback => self.on_playback_stalled(now),
            Timer::Regain => self.ask_again(now),
            Timer::Silence => self.on_silence(now),
        }
    }

    /// Every change of state is here, checked against the owner's table.
    fn go(&mut self, next: Phase, reason: &str) {
        debug_assert!(
            self.phase.may_become(next),
            "{:?} → {next:?}: {reason}",
            self.phase
        );
        if !self.phase.may_become(next) {
            return;
        }
        self.phase = next;
        self.transmit(ServerMessage::State {
            state: next,
            turn: self.turn,
            reason: reason.to_owned(),
        });
    }

    /// The one function that ends a turn: a new id, nothing of the old one left to go out, its work withdrawn.
    fn end_turn(&mut self) -> TurnId {
        self.outrun_guesses();
        let over = self.turn;
        self.turn = self.mint();
        self.withdraw_turn(over);
        over
    }

    /// Nothing of this turn goes out any more, and the work for it is withdrawn.
    fn withdraw_turn(&mut self, over: TurnId) {
        self.outputs.retain(|output| output.turn() != Some(over));
        self.outputs.push_back(Output::Cancel(over));
    }

    fn mint(&mut self) -> TurnId {
        self.newest = self.newest.next();
        self.newest
    }

    /// A turn that something is done for is newer than every one that was withdrawn.
    fn outrun_guesses(&mut self) {
        self.drop_ahead();
        if self.newest > self.turn {
            self.turn = self.mint();
        }
    }

    /// Keeps a finished turn and tells of it.
    fn record(&mut self, finished: Cut, outcome: TurnOutcome) {
        let (heard, unheard) = finished.reply.split();
        let report = finished.marks.report(finished.turn, outcome);
        let exchange = Exchange {
            turn: finished.turn,
            caller: finished.caller,
            heard,
            unheard,
            runs: finished.runs,
            report: report.clone(),
        };
        if !exchange.heard.is_empty() {
            self.wanted = Wanted::by(&exchange.heard);
        }
        self.caption_turn = self.turn;
        self.history.push(exchange.clone());
        let was_cut = outcome.is_cut();
        let heard = exchange.heard.clone();
        self.outputs.push_back(Output::Record(exchange));
        if was_cut {
            self.transmit(ServerMessage::Cut {
                turn: finished.turn,
                heard,
            });
        }
        self.transmit(ServerMessage::Report(report));
    }

    /// Takes what belongs to the turn that is ending, leaving a clean slate for the next.
    fn take_turn(&mut self, turn: TurnId) -> Cut {
        self.protected = false;
        self.paused = false;
        self.dismissed = false;
        self.words_over = None;
        self.flaw = None;
        self.errand = None;
        self.continued = false;
        self.filled = std::mem::take(&mut self.filling);
        self.captions.clear();
        self.caller_uncertain = false;
        self.caller_keys.clear();
        Cut {
            turn,
            caller: std::mem::take(&mut self.caller),
            reply: self.reply.take().unwrap_or_else(|| self.new_reply()),
            runs: std::mem::take(&mut self.work).runs,
            marks: std::mem::take(&mut self.marks),
        }
    }

    /// It is the caller's turn.
    fn listen(&mut self, now: Timestamp, reason: &str) {
        self.timers.stop_all_of_the_state();
        self.timers.set(Timer::Silence, now, self.config.silence);
        self.go(Phase::Listening, reason);
        if self.deaf {
            self.take_leave_of_the_unheard(now);
        }
    }

    fn new_reply(&self) -> Reply {
        Reply::new(self.config.rate).keeping(self.config.resumes)
    }

    fn end(&mut self, outcome: Outcome) {
        if let Some(cut) = self.cut.take() {
            self.record(cut, TurnOutcome::Interrupted);
        }
        let how = match outcome {
            Outcome::Failed => TurnOutcome::SttFailed,
            _ => TurnOutcome::HungUp,
        };
        if matches!(self.phase, Phase::Listening | Phase::Interrupted) {
            // What the caller had begun to say belongs to the record, though nobody answers it.
            self.caller = self.utterance.text();
        }
        let has_turn = self.reply.is_some() || !self.caller.is_empty();
        let over = self.end_turn();
        if has_turn {
            let finished = self.take_turn(over);
            self.record(finished, how);
        }
        self.transmit(ServerMessage::Flush { turn: over });
        self.timers = TimerTable::default();
        self.go(Phase::Ended, "call over");
        self.transmit(ServerMessage::Ended { outcome });
        self.outputs.push_back(Output::HangUp(outcome));
    }

    fn on_call_length(&mut self, now: Timestamp) {
        if self.too_long {
            self.end(Outcome::TooLong);
            return;
        }
        // Time for the goodbye; after it the ceiling is hard.
        self.timers
            .set(Timer::CallLength, now, Duration::from_secs(20));
        self.too_long = true;
        self.then_end.get_or_insert(Outcome::TooLong);
        if self.phase == Phase::Listening {
            self.say(now, self.config.goodbye.clone(), "call too long");
        }
    }

    fn transmit(&mut self, message: ServerMessage) {
        self.outputs.push_back(Output::Transmit(message));
    }
}
