//! A call told fact by fact, and the trace of what came of it.

use std::fmt::Write as _;
use std::time::Duration;

use expect_test::Expect;
use voice_core::audio::SampleRate;
use voice_core::conversation::{Config, Conversation, Input, Output, Sound};
use voice_core::latency::{TurnOutcome, TurnReport};
use voice_core::prompt::{Prompt, Role};
use voice_core::time::Timestamp;
use voice_core::tools::{self, Answer};
use voice_core::transcript::Recognition;
use voice_core::turn::{ForTurn, TurnId};
use voice_core::wire::ServerMessage;

/// A call whose voice gives a second of sound for each piece and whose caller hears it at once, if told to.
pub(crate) struct Call {
    pub conversation: Conversation,
    pub now: u64,
    due: Option<Timestamp>,
    /// Pieces given to the voice and not yet voiced.
    pub wanted: Vec<TurnId>,
    sent: (TurnId, u64),
    /// What the business was asked to do, and nobody has answered.
    pub runs: Vec<(TurnId, String)>,
    /// How the finished turns ended.
    pub outcomes: Vec<TurnOutcome>,
    pub reports: Vec<TurnReport>,
    /// The last that the model was asked.
    pub prompt: Prompt,
    pub trace: String,
}

impl Call {
    pub(crate) fn new(config: Config) -> Self {
        Self {
            conversation: Conversation::new(config),
            now: 0,
            due: None,
            wanted: Vec::new(),
            sent: (TurnId::NONE, 0),
            runs: Vec::new(),
            outcomes: Vec::new(),
            reports: Vec::new(),
            prompt: Prompt::default(),
            trace: String::new(),
        }
    }

    /// A call without a greeting, in the caller's turn.
    pub(crate) fn listening(config: Config) -> Self {
        let mut call = Self::new(Config {
            greeting: String::new(),
            ..config
        });
        call.tell(Input::CallStarted);
        call.trace.clear();
        call
    }

    pub(crate) fn tell(&mut self, input: Input) {
        let now = Timestamp::from_millis(self.now);
        self.conversation.handle_input(now, input);
        loop {
            let line = match self.conversation.poll_output() {
                Output::Timeout(due) => {
                    self.due = due;
                    return;
                }
                Output::Ask(prompt) => {
                    let prompt = prompt.into_parts().1;
                    let asked = prompt.messages.last().expect("a prompt is never empty");
                    let line = match asked.role {
                        Role::Caller | Role::Tool => format!("asks the model: {}", asked.text),
                        role => {
                            assert_eq!(role, Role::Agent);
                            format!("asks the model to go on: {}", asked.text)
                        }
                    };
                    self.prompt = prompt;
                    line
                }
                Output::Run(call) => {
                    let (turn, call) = call.into_parts();
                    let line = format!("runs {} {}", call.name, call.arguments);
                    self.runs.push((turn, call.id));
                    line
                }
                Output::Say(piece) => {
                    self.wanted.push(piece.turn());
                    format!("says: {}", piece.into_parts().1.text)
                }
                Output::Play(sound) => {
                    let (turn, sound) = sound.into_parts();
                    if self.sent.0 != turn {
                        self.sent = (turn, 0);
                    }
                    self.sent.1 += u64::from(sound.samples);
                    format!("plays {} samples", sound.samples)
                }
                Output::Mark(piece) => format!("mark behind piece {}", piece.into_parts().1),
                Output::HangUp(outcome) => format!("hangs up: {outcome:?}"),
                Output::Record(exchange) => {
                    self.outcomes.push(exchange.report.outcome);
                    self.reports.push(exchange.report);
                    format!("record: \"{}\" → \"{}\"", exchange.caller, exchange.heard)
                }
                Output::Transmit(ServerMessage::State {
                    state,
                    turn,
                    reason,
                }) => {
                    format!("turn {}: {state:?} ({reason})", turn.number())
                }
                Output::Cancel(_) | Output::Finalize | Output::Open(_) | Output::Transmit(_) => {
                    continue;
                }
            };
            writeln!(self.trace, "{:<6}{line}", self.now).expect("writing to a string");
        }
    }

    pub(crate) fn wait(&mut self, millis: u64) {
        let end = self.now + millis;
        while let Some(due) = self.due.filter(|due| due.as_millis() <= end) {
            self.now = due.as_millis().max(self.now);
            self.tell(Input::Timeout);
        }
        self.now = end;
    }

    pub(crate) fn keys(&mut self, keys: &str) {
        for key in keys.chars() {
            self.tell(Input::Digit(key));
            self.wait(200);
        }
    }

    pub(crate) fn say(&mut self, words: &str) {
        self.tell(Input::SpeechStarted);
        self.now += 500;
        let silence = Duration::from_millis(192);
        self.tell(Input::SpeechEnded { silence });
        self.hear(words);
        // However finished the words look, the turn is taken by then.
        self.wait(700);
    }

    /// The recogniser's guess at what is said.
    pub(crate) fn guess(&mut self, words: &str, likely_ended: bool) {
        self.tell(Input::Heard(Recognition {
            text: words.to_owned(),
            likely_ended,
            ..Recognition::default()
        }));
    }

    /// A sound of the caller's, as the detector hears it.
    pub(crate) fn sound(&mut self, millis: u64) {
        self.tell(Input::SpeechStarted);
        self.wait(millis);
        self.tell(Input::SpeechEnded {
            silence: Duration::from_millis(192),
        });
    }

    pub(crate) fn hear(&mut self, words: &str) {
        self.tell(Input::Heard(Recognition {
            text: words.to_owned(),
            is_final: true,
            ends_utterance: true,
            answers_finalize: true,
            likely_ended: false,
        }));
    }

    pub(crate) fn model(&mut self, words: &str, tool: Option<&str>) {
        let turn = self.conversation.turn();
        if !words.is_empty() {
            self.tell(Input::Token(ForTurn::new(turn, words.to_owned())));
        }
        if let Some(name) = tool {
            let call = tools::Call::named(name);
            self.tell(Input::ToolCall(ForTurn::new(turn, call)));
        }
        self.tell(Input::TextDone(ForTurn::new(turn, ())));
    }

    /// The model calls a tool, under the turn it was asked for.
    pub(crate) fn wants(&mut self, id: &str, name: &str, arguments: &str) {
        let call = tools::Call {
            id: id.to_owned(),
            name: name.to_owned(),
            arguments: arguments.to_owned(),
        };
        let turn = self.conversation.turn();
        self.tell(Input::ToolCall(ForTurn::new(turn, call)));
    }

    /// The business has done the oldest thing that it was asked to do.
    pub(crate) fn answer(&mut self, text: &str) {
        assert!(
            !self.runs.is_empty(),
            "nothing is being done\n{}",
            self.trace
        );
        let (turn, call) = self.runs.remove(0);
        let text = text.to_owned();
        let done = !text.contains("\"ok\":false");
        self.tell(Input::Answered(ForTurn::new(
            turn,
            Answer { call, done, text },
        )));
    }

    /// Voices every piece that waits for it.
    pub(crate) fn voice(&mut self) {
        for turn in std::mem::take(&mut self.wanted) {
            self.tell(Input::Voiced(ForTurn::new(turn, second())));
            self.tell(Input::PieceDone(ForTurn::new(turn, ())));
        }
    }

    pub(crate) fn heard_all(&mut self) {
        let (turn, sent) = self.sent;
        self.tell(Input::Played(ForTurn::new(turn, sent)));
    }

    pub(crate) fn check(&self, expected: &Expect) {
        expected.assert_eq(&self.trace);
    }
}

pub(crate) fn second() -> Sound {
    Sound {
        bytes: Vec::new(),
        samples: 8_000,
    }
}

pub(crate) fn config() -> Config {
    Config::new("Hello.", "Be kind.", SampleRate::TELEPHONE)
}

pub(crate) fn with_a_person() -> Config {
    Config {
        can_transfer: true,
        ..config()
    }
}
