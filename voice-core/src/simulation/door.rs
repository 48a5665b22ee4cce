//! What is between the conversation and the caller's ear: a browser with its handset and loudspeaker, or a telephone line with a far
//! buffer. Both delay by the network, each way.

use std::collections::VecDeque;
use std::time::Duration;

use crate::audio::SampleRate;
use crate::conversation::{Input, Sound};
use crate::handset::{self, Handset, Report};
use crate::telephone::{self, Telephone};
use crate::time::Timestamp;
use crate::turn::{ForTurn, TurnId};

/// The frame of the detector and of the loudspeaker.
pub const FRAME_MS: u64 = 16;

/// How loud she plays in a browser: a root mean square in the middle of an ordinary voice's.
const PLAYBACK: f32 = 0.1;

/// Samples that a telephone plays in a millisecond.
const TELEPHONE_MS: u64 = 8;

/// By which door the caller comes in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Door {
    Browser,
    Telephone,
}

impl Door {
    pub const ALL: [Self; 2] = [Self::Browser, Self::Telephone];

    pub const fn rate(self) -> SampleRate {
        match self {
            Self::Browser => SampleRate::VOICE,
            Self::Telephone => SampleRate::TELEPHONE,
        }
    }
}

/// What must happen for a door.
pub enum Effect {
    Note(&'static str, String),
    /// A stretch was heard.
    Played(TurnId, u64),
    /// This reaches the conversation so much later.
    ToEdge(u64, Input),
    /// This comes back to the door so much later.
    Later(u64, Message),
}

/// What reaches a door from outside or over its network.
pub enum Message {
    Browser(handset::Input),
    Far(Down),
    Telephone(telephone::Input),
}

/// From the edge to the far end of a telephone line.
pub enum Down {
    Clear,
    Frame(Vec<u8>),
    Mark(String),
}

pub enum Ear {
    Browser(Box<Browser>),
    Line(Box<Line>),
}

/// A handset on an audio thread, and its loudspeaker.
pub struct Browser {
    handset: Handset,
    network: u64,
    /// The turns in the loudspeaker's queue, a run of samples each.
    ring: VecDeque<(TurnId, u64)>,
    paused: bool,
    due: Option<Timestamp>,
}

/// A telephone at the edge, and what its far end holds.
pub struct Line {
    telephone: Telephone,
    network: u64,
    far: VecDeque<Waiting>,
    due: Option<Timestamp>,
}

enum Waiting {
    Mark(String),
    /// So many samples of a turn.
    Sound(TurnId, u64),
}

impl Ear {
    pub fn new(door: Door, network: u64) -> Self {
        match door {
            Door::Browser => Self::Browser(Box::new(Browser {
                handset: Handset::new(handset::Config::browser()),
                network,
                ring: VecDeque::new(),
                paused: false,
                due: None,
            })),
            Door::Telephone => Self::Line(Box::new(Line {
                telephone: Telephone::new(telephone::Config::default()),
                network,
                far: VecDeque::new(),
                due: None,
            })),
        }
    }

    /// The conversation gives out sound.
    pub fn play(&mut self, now: u64, turn: TurnId, sound: Sound, effects: &mut Vec<Effect>) {
        match self {
            Self::Browser(browser) => {
                let samples = sound.samples.into();
                browser.send(handset::Input::Voice { turn, samples }, effects);
            }
            Self::Line(line) => {
                let voice = ForTurn::new(turn, sound.bytes);
                line.tell(now, telephone::Input::Voice(voice), effects);
            }
        }
    }

    pub fn mark(&mut self, now: u64, piece: ForTurn<u32>, effects: &mut Vec<Effect>) {
        if let Self::Line(line) = self {
            line.tell(now, telephone::Input::PieceEnded(piece), effects);
        }
    }

    pub fn flush(&mut self, now: u64, turn: TurnId, effects: &mut Vec<Effect>) {
        match self {
            Self::Browser(browser) => browser.send(handset::Input::Flush { turn }, effects),
            Self::Line(line) => line.tell(now, telephone::Input::Flush { turn }, effects),
        }
    }

    pub fn resume(&mut self, now: u64, turn: TurnId, effects: &mut Vec<Effect>) {
        match self {
            Self::Browser(browser) => browser.send(handset::Input::Resume { turn }, effects),
            Self::Line(line) => line.tell(now, telephone::Input::Resume { turn }, effects),
        }
    }

    pub fn arrive(&mut self, now: u64, message: Message, effects: &mut Vec<Effect>) {
        match (self, message) {
            (Self::Browser(browser), Message::Browser(input)) => browser.tell(now, input, effects),
            (Self::Line(line), Message::Telephone(input)) => line.tell(now, input, effects),
            (Self::Line(line), Message::Far(down)) => line.arrive(down, effects),
            // Each door is sent what it asked for itself.
            _ => {}
        }
    }

    /// One millisecond of sound, both ways. With a score and the level of its frame, the detector is done with a frame that ends now.
    pub fn sound(&mut self, now: u64, score: Option<(f32, f32)>, effects: &mut Vec<Effect>) {
        match self {
            Self::Browser(browser) => browser.millisecond(now, score, effects),
            Self::Line(line) => {
                if let Some((speech, level)) = score {
                    let score = telephone::Input::Score { speech, level };
                    effects.push(Effect::Later(line.network, Message::Telephone(score)));
                }
                line.millisecond(now, effects);
            }
        }
    }

    /// How often she stammered; only a telephone line can tell.
    pub fn gaps(&self) -> u32 {
        match self {
            Self::Browser(_) => 0,
            Self::Line(line) => line.telephone.gaps(),
        }
    }
}

impl Browser {
    fn send(&self, input: handset::Input, effects: &mut Vec<Effect>) {
        effects.push(Effect::Later(self.network, Message::Browser(input)));
    }

    /// The ear, then the loudspeaker, which takes what it plays in frames.
    fn millisecond(&mut self, now: u64, score: Option<(f32, f32)>, effects: &mut Vec<Effect>) {
        if self.due.is_some_and(|due| due.as_millis() <= now) {
            self.tell(now, handset::Input::Timeout, effects);
        }
        if let Some((speech, level)) = score {
            let score = handset::Input::Score {
                speech,
                level,
                playback: PLAYBACK,
            };
            self.tell(now, score, effects);
        }
        if self.paused || !now.is_multiple_of(FRAME_MS) {
            return;
        }
        let mut wanted = SampleRate::VOICE.samples_in(Duration::from_millis(FRAME_MS));
        let mut samples = 0;
        while let Some((turn, left)) = self.ring.front_mut() {
            let take = wanted.min(*left);
            *left -= take;
            wanted -= take;
            samples += take;
            if take > 0 {
                effects.push(Effect::Played(*turn, take));
            }
            if *left > 0 {
                break;
            }
            self.ring.pop_front();
        }
        if samples > 0 {
            self.tell(now, handset::Input::Played { samples }, effects);
        }
    }

    fn tell(&mut self, now: u64, input: handset::Input, effects: &mut Vec<Effect>) {
        self.handset
            .handle_input(Timestamp::from_millis(now), input);
        self.due = loop {
            match self.handset.poll_output() {
                handset::Output::Timeout(due) => break due,
                handset::Output::Discard { mut samples } => {
                    while samples > 0 {
                        let Some((_, left)) = self.ring.front_mut() else {
                            break;
                        };
                        let take = samples.min(*left);
                        *left -= take;
                        samples -= take;
                        if *left == 0 {
                            self.ring.pop_front();
                        }
                    }
                }
                handset::Output::Enqueue { turn, samples } => self.ring.push_back((turn, samples)),
                handset::Output::Pause => {
                    effects.push(Effect::Note("handset", "pauses".to_owned()));
                    self.paused = true;
                }
                handset::Output::Resume => {
                    effects.push(Effect::Note("handset", "plays on".to_owned()));
                    self.paused = false;
                }
                handset::Output::Report(report) => {
                    told(report, Door::Browser, self.network, effects);
                }
            }
        };
    }
}

impl Line {
    fn arrive(&mut self, down: Down, effects: &mut Vec<Effect>) {
        match down {
            Down::Clear => {
                for waiting in std::mem::take(&mut self.far) {
                    if let Waiting::Mark(name) = waiting {
                        self.return_mark(name, effects);
                    }
                }
            }
            Down::Frame(bytes) => {
                // In this world a sample is the number of its turn.
                for run in bytes.chunk_by(|a, b| a == b) {
                    let turn = TurnId::from_wire(run[0].into());
                    self.far.push_back(Waiting::Sound(turn, run.len() as u64));
                }
            }
            Down::Mark(name) => self.far.push_back(Waiting::Mark(name)),
        }
    }

    fn millisecond(&mut self, now: u64, effects: &mut Vec<Effect>) {
        let mut room = TELEPHONE_MS;
        while room > 0 || matches!(self.far.front(), Some(Waiting::Mark(_))) {
            match self.far.pop_front() {
                Some(Waiting::Sound(turn, samples)) => {
                    let take = room.min(samples);
                    room -= take;
                    effects.push(Effect::Played(turn, take));
                    if take < samples {
                        self.far.push_front(Waiting::Sound(turn, samples - take));
                    }
                }
                Some(Waiting::Mark(name)) => self.return_mark(name, effects),
                None => break,
            }
        }
        if self.due.is_some_and(|due| due.as_millis() <= now) {
            self.tell(now, telephone::Input::Timeout, effects);
        }
    }

    fn return_mark(&self, name: String, effects: &mut Vec<Effect>) {
        let returned = Message::Telephone(telephone::Input::Marked(name));
        effects.push(Effect::Later(self.network, returned));
    }

    fn tell(&mut self, now: u64, input: telephone::Input, effects: &mut Vec<Effect>) {
        self.telephone
            .handle_input(Timestamp::from_millis(now), input);
        let far = |down| Effect::Later(self.network, Message::Far(down));
        self.due = loop {
            match self.telephone.poll_output() {
                telephone::Output::Timeout(due) => break due,
                telephone::Output::Clear => {
                    effects.push(Effect::Note("line", "clear".to_owned()));
                    effects.push(far(Down::Clear));
                }
                telephone::Output::Frame(bytes) => effects.push(far(Down::Frame(bytes))),
                telephone::Output::Mark(name) => effects.push(far(Down::Mark(name))),
                telephone::Output::Report(report) => told(report, Door::Telephone, 0, effects),
            }
        };
    }
}

/// A report, on its way to the conversation.
fn told(report: Report, door: Door, network: u64, effects: &mut Vec<Effect>) {
    if let Report::Flushed {
        turn, discarded, ..
    } = report
    {
        let (turn, millis) = (
            turn.number(),
            discarded * 1_000 / u64::from(door.rate().hertz()),
        );
        effects.push(Effect::Note(
            "handset",
            format!("turn {turn}: throws away {millis} ms"),
        ));
    }
    effects.push(Effect::ToEdge(network, report.into()));
}
