//! The authority of a call: which state it is in, whose turn it is, and what happens next.
//!
//! Facts go in by [`Conversation::handle_input`], intentions come out of [`Conversation::poll_output`]. The rooms:
//! [`phase`](mod@phase) is the owner's table, `hearing` decides when the caller has finished or interrupts, `speaking` carries a
//! reply from the model's first word to its last sound, `reply` keeps account of what was heard, `keypad` takes keys, and
//! `errand` does what the model wants done.

mod errand;
mod hearing;
mod history;
mod keypad;
pub mod phase;
mod reply;
mod speaking;
pub mod timer;

use std::collections::VecDeque;
use std::time::Duration;

pub use history::Exchange;
pub use reply::{Piece, Sound};

use crate::audio::SampleRate;
use crate::endpointing::{Decision, Policy, Utterance};
use crate::latency::{Marks, TurnOutcome};
use crate::prompt::Prompt;
use crate::time::Timestamp;
use crate::tools;
use crate::transcript::Recognition;
use crate::turn::{ForTurn, TurnId};
use crate::wire::{Outcome, Phase, ServerMessage};
use errand::Errand;
use history::History;
use reply::Reply;
use timer::{Timer, TimerTable};

/// What a call is to be like.
#[derive(Clone, Debug)]
pub struct Config {
    /// Said as soon as the call is open; nothing is said if empty.
    pub greeting: String,
    /// The greeting is played to its end whatever is said over it.
    pub greeting_protected: bool,
    /// Who she is and what she knows, for the model.
    pub instructions: String,
    /// Said when the model fails.
    pub apology: String,
    /// Said when nobody has spoken for [`silence`](Self::silence).
    pub prompt: String,
    /// Said before she ends the call.
    pub goodbye: String,
    /// How long silence may last.
    pub silence: Duration,
    /// How long a call may last.
    pub call_length: Duration,
    /// How much sound may be under way to the handset. More survives a worse network; less wastes less on a cut.
    pub lead: Duration,
    /// The rate of the sound the voice gives.
    pub rate: SampleRate,
    /// There is a person the caller can be put through to.
    pub can_transfer: bool,
    /// Said before the caller is put through.
    pub transferring: String,
    /// Said when the model wants to do what cannot be done.
    pub unable: String,
    /// Said while the model takes its time, one after the other.
    pub fillers: Vec<String>,
    /// When the caller is taken to have finished.
    pub endpointing: Policy,
    /// The model is asked before it is certain that the caller has finished, and its answer held until it is.
    pub eager: bool,
}

impl Config {
    /// A call with the product's own timing: 12 s of silence before a prompt, 30 minutes at most, 2 s of lead,
    /// which outlasts the pauses of a busy page and of an ordinary network.
    #[must_use]
    pub fn new(greeting: &str, instructions: &str, rate: SampleRate) -> Self {
        Self {
            greeting: greeting.to_owned(),
            greeting_protected: false,
            instructions: instructions.to_owned(),
            apology: "I'm sorry, I'm having trouble just now. Could you say that again?".to_owned(),
            prompt: "Are you still there?".to_owned(),
            goodbye: "Thank you for calling. Goodbye.".to_owned(),
            silence: Duration::from_secs(12),
            call_length: Duration::from_secs(30 * 60),
            lead: Duration::from_secs(2),
            rate,
            can_transfer: false,
            transferring: "One moment, I'll put you through.".to_owned(),
            unable: "I'm sorry, I can't do that. Can I take a message?".to_owned(),
            fillers: ["One moment, please.", "Let me see.", "Just a second."]
                .map(str::to_owned)
                .to_vec(),
            endpointing: Policy::by_silence(),
            eager: true,
        }
    }
}

/// A fact from outside.
#[derive(Clone, Debug, PartialEq)]
pub enum Input {
    /// The caller is about to be connected: there is time to make the greeting.
    Ringing,
    /// The caller is connected.
    CallStarted,
    /// The caller hung up, or went away.
    CallerLeft,
    /// The handset hears the caller's voice.
    SpeechStarted,
    /// The handset has heard nothing for so long.
    SpeechEnded { silence: Duration },
    /// The handset paused by itself, so many samples into the reply.
    Paused(ForTurn<u64>),
    /// So many samples of the reply have been played.
    Played(ForTurn<u64>),
    /// A flush was carried out, so many samples into the reply.
    Flushed(ForTurn<u64>),
    /// The recogniser reports words.
    Heard(Recognition),
    /// The recogniser reports a gap after the last word.
    Gap,
    /// The recogniser takes back that the utterance was likely to end: the caller goes on.
    Resumed,
    /// The caller pressed a key of the telephone: `0` to `9`, `*` or `#`.
    Digit(char),
    /// The recogniser is gone for good.
    RecogniserLost,
    /// A word of the model.
    Token(ForTurn<String>),
    /// The model wants something done.
    ToolCall(ForTurn<tools::Call>),
    /// The model has finished.
    TextDone(ForTurn<()>),
    /// Sound of the oldest unfinished piece.
    Voiced(ForTurn<Sound>),
    /// The oldest unfinished piece is voiced to its end.
    PieceDone(ForTurn<()>),
    /// The model or the voice gave up.
    Failed(ForTurn<Fault>),
    /// The moment asked for by [`Output::Timeout`] has come.
    Timeout,
}

/// Which provider failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    Model,
    Voice,
}

/// An intention.
#[derive(Clone, Debug, PartialEq)]
pub enum Output {
    /// Ask the model.
    Ask(ForTurn<Prompt>),
    /// Withdraw everything asked for under this turn: model, voice, sound on its way.
    Cancel(TurnId),
    /// Ask the recogniser to decide on what it has heard.
    Finalize,
    /// All sound of this piece has been given out by [`Output::Play`].
    Mark(ForTurn<u32>),
    /// Send this sound to the handset.
    Play(ForTurn<Sound>),
    /// Keep this finished turn, before anybody is told of it.
    Record(Exchange),
    /// Have this piece voiced.
    Say(ForTurn<Piece>),
    /// Tell the handset.
    Transmit(ServerMessage),
    /// Close the call.
    HangUp(Outcome),
    /// Nothing is left to do until a fact arrives, or this moment.
    Timeout(Option<Timestamp>),
}

/// Turns in a row that may fail before she gives up: one is bad luck, two is worth an apology, three is an outage.
const FAILURES_BEFORE_GIVING_UP: u8 = 3;

/// The state machine of one call.
#[derive(Debug)]
pub struct Conversation {
    config: Config,
    phase: Phase,
    turn: TurnId,
    timers: TimerTable,
    outputs: VecDeque<Output>,
    utterance: Utterance,
    /// What the witnesses last said of the utterance; acted on when it is the caller's turn.
    decision: Decision,
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
    /// What went wrong in this turn, though something was said.
    flaw: Option<TurnOutcome>,
    failures: u8,
    prompted: bool,
    /// How the call ends once this reply has been heard.
    then_end: Option<Outcome>,
    /// The ceiling on the call's length was reached: it ends with this reply, whatever becomes of it.
    too_long: bool,
    /// What the model wants done with this reply.
    errand: Option<Errand>,
    /// The greeting is being made for a caller who is not connected yet, and this has come of it.
    early: Option<Vec<Input>>,
    /// When the last key was pressed.
    keyed_at: Timestamp,
    /// The keys at the end of `caller`.
    caller_keys: String,
}

#[derive(Debug)]
struct Cut {
    turn: TurnId,
    caller: String,
    reply: Reply,
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
            timers: TimerTable::default(),
            outputs: VecDeque::new(),
            utterance: Utterance::default(),
            decision: Decision::Wait,
            history: History::default(),
            caller: String::new(),
            caller_uncertain: false,
            marks: Marks::default(),
            reply: None,
            cut: None,
            protected: false,
            paused: false,
            dismissed: false,
            flaw: None,
            failures: 0,
            prompted: false,
            then_end: None,
            too_long: false,
            errand: None,
            early: None,
            keyed_at: Timestamp::ZERO,
            caller_keys: String::new(),
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
            (_, Input::RecogniserLost) => self.end(Outcome::Failed),
            (Phase::Idle, Input::Ringing) => self.ring(),
            (Phase::Idle, early) => self.keep(early),
            (_, Input::CallStarted | Input::Ringing) => {}
            (_, Input::SpeechStarted) => self.on_speech_started(now),
            (_, Input::SpeechEnded { silence }) => self.on_speech_ended(now, silence),
            (_, Input::Heard(heard)) => self.on_heard(now, &heard),
            (_, Input::Digit(key)) => self.on_key(now, key),
            (_, Input::ToolCall(call)) => self.on_tool_call(now, call),
            (_, Input::Gap) => self.on_gap(now),
            (_, Input::Resumed) => {}
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
                    self.on_timer(now, timer);
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
            Timer::CallLength => self.on_call_length(now),
            Timer::Drain => self.on_drained(now, None),
            Timer::Endpoint => self.on_endpoint(now),
            Timer::FalseInterruption => self.resume_playback(now),
            Timer::FirstToken => self.fail_model(now),
            Timer::FirstAudio => self.fail_voice(now),
            Timer::Keypad => self.on_keying_over(now),
            Timer::Playback => self.on_playback_stalled(now),
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
        let over = self.turn;
        self.turn = over.next();
        self.outputs.retain(|output| output.turn() != Some(over));
        self.outputs.push_back(Output::Cancel(over));
        over
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
            report: report.clone(),
        };
        self.history.push(exchange.clone());
        let was_cut = matches!(outcome, TurnOutcome::Interrupted | TurnOutcome::HungUp);
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
        self.flaw = None;
        self.errand = None;
        self.caller_uncertain = false;
        self.caller_keys.clear();
        Cut {
            turn,
            caller: std::mem::take(&mut self.caller),
            reply: self
                .reply
                .take()
                .unwrap_or_else(|| Reply::new(self.config.rate)),
            marks: std::mem::take(&mut self.marks),
        }
    }

    /// It is the caller's turn.
    fn listen(&mut self, now: Timestamp, reason: &str) {
        self.timers.stop_all_but_the_ceiling();
        self.timers.set(Timer::Silence, now, self.config.silence);
        self.go(Phase::Listening, reason);
    }

    fn end(&mut self, outcome: Outcome) {
        if let Some(cut) = self.cut.take() {
            self.record(cut, TurnOutcome::Interrupted);
        }
        let replying = self.reply.is_some();
        let over = self.end_turn();
        if replying {
            let finished = self.take_turn(over);
            self.record(finished, TurnOutcome::HungUp);
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

impl Output {
    /// The turn whose end makes this intention pointless.
    fn turn(&self) -> Option<TurnId> {
        match self {
            Self::Ask(prompt) => Some(prompt.turn()),
            Self::Mark(piece) => Some(piece.turn()),
            Self::Play(sound) => Some(sound.turn()),
            Self::Say(piece) => Some(piece.turn()),
            _ => None,
        }
    }
}
