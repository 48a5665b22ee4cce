//! A telephone, a network that keeps its order, and a far end that plays what it gets.

use super::super::*;
use crate::handset::Report;

pub(super) const VOICE: f32 = 0.95;
pub(super) const QUIET: f32 = 0.02;

/// Samples in a millisecond.
pub(super) const MS: usize = 8;

/// What is on its way to the far end.
pub(super) enum Down {
    Clear,
    Frame(Vec<u8>),
    Mark(String),
}

pub(super) enum Waiting {
    Mark(String),
    Sample(u8),
}

/// A telephone, a network that keeps order and delays by `delay` and up to `jitter` more, and a far end that plays.
pub(super) struct Line {
    pub telephone: Telephone,
    pub now: u64,
    pub delay: u64,
    pub jitter: u64,
    pub seed: u64,
    pub returns_marks: bool,
    pub down: VecDeque<(u64, Down)>,
    pub up: VecDeque<(u64, String)>,
    pub far: VecDeque<Waiting>,
    /// What was played there, and when.
    pub played: Vec<(u64, u8)>,
    pub sent: u64,
    pub ragged_frames: u64,
    pub clears_sent: Vec<u64>,
    pub clears_arrived: Vec<u64>,
    pub marks_sent: Vec<String>,
    pub reports: Vec<(u64, Report)>,
    pub due: Option<Timestamp>,
    pub speech: Option<f32>,
}

impl Line {
    pub(super) fn new(delay: u64, jitter: u64) -> Self {
        Self {
            telephone: Telephone::new(Config::default()),
            now: 1_000,
            delay,
            jitter,
            seed: 0x2545_F491_4F6C_DD1D,
            returns_marks: true,
            down: VecDeque::new(),
            up: VecDeque::new(),
            far: VecDeque::new(),
            played: Vec::new(),
            sent: 0,
            ragged_frames: 0,
            clears_sent: Vec::new(),
            clears_arrived: Vec::new(),
            marks_sent: Vec::new(),
            reports: Vec::new(),
            due: None,
            speech: Some(QUIET),
        }
    }

    pub(super) fn give(&mut self, input: Input) {
        let now = Timestamp::from_millis(self.now);
        self.telephone.handle_input(now, input);
        loop {
            let arrives = self.arrival();
            match self.telephone.poll_output() {
                Output::Timeout(due) => {
                    self.due = due;
                    break;
                }
                Output::Report(report) => self.reports.push((self.now, report)),
                Output::Clear => {
                    self.clears_sent.push(self.now);
                    self.down.push_back((arrives, Down::Clear));
                }
                Output::Frame(bytes) => {
                    assert!((1..=TELEPHONE_FRAME).contains(&bytes.len()));
                    self.ragged_frames += u64::from(bytes.len() < TELEPHONE_FRAME);
                    self.sent += bytes.len() as u64;
                    self.down.push_back((arrives, Down::Frame(bytes)));
                }
                Output::Mark(name) => {
                    self.marks_sent.push(name.clone());
                    self.down.push_back((arrives, Down::Mark(name)));
                }
            }
        }
        self.check();
    }

    /// Never before what was sent earlier.
    fn arrival(&mut self) -> u64 {
        self.seed ^= self.seed << 13;
        self.seed ^= self.seed >> 7;
        self.seed ^= self.seed << 17;
        let at = self.now + self.delay + self.seed % (self.jitter + 1);
        self.down.back().map_or(at, |(before, _)| at.max(*before))
    }

    /// What holds at every moment.
    fn check(&self) {
        let totals = self.telephone.totals();
        assert_eq!(
            totals.played + totals.discarded + totals.queued,
            totals.accepted
        );
        assert!(totals.played <= self.sent, "more was heard than was sent");
        let kept = self.telephone.playout.kept() as u64;
        let history = 2 * TELEPHONE_FRAME as u64;
        assert!((totals.queued..=totals.queued + history).contains(&kept));
        let generation = |name: &String| -> u32 {
            let (_, number) = name.rsplit_once('g').expect("a generation");
            number.parse().expect("a generation")
        };
        assert!(
            self.marks_sent.iter().is_sorted_by_key(generation),
            "a generation went back: {:?}",
            self.marks_sent
        );
        if let Some(due) = self.due {
            assert!(due.as_millis() > self.now, "woken for nothing, for ever");
        }
    }

    /// One millisecond: the far end plays, the network delivers, the caller's sound is scored.
    pub(super) fn tick(&mut self) {
        self.now += 1;
        while self.down.front().is_some_and(|(at, _)| *at <= self.now) {
            match self.down.pop_front() {
                Some((_, Down::Clear)) => {
                    self.clears_arrived.push(self.now);
                    for waiting in std::mem::take(&mut self.far) {
                        if let Waiting::Mark(name) = waiting {
                            self.return_mark(name);
                        }
                    }
                }
                Some((_, Down::Frame(bytes))) => {
                    self.far.extend(bytes.into_iter().map(Waiting::Sample))
                }
                Some((_, Down::Mark(name))) => self.far.push_back(Waiting::Mark(name)),
                None => {}
            }
        }
        let mut room = MS;
        while room > 0 || matches!(self.far.front(), Some(Waiting::Mark(_))) {
            match self.far.pop_front() {
                Some(Waiting::Sample(sample)) => {
                    self.played.push((self.now, sample));
                    room -= 1;
                }
                Some(Waiting::Mark(name)) => self.return_mark(name),
                None => break,
            }
        }
        while self.up.front().is_some_and(|(at, _)| *at <= self.now) {
            if let Some((_, name)) = self.up.pop_front() {
                self.give(Input::Marked(name));
            }
        }
        if let Some(speech) = self.speech
            && self.now.is_multiple_of(16)
        {
            self.give(Input::Score { speech, level: 0.1 });
        }
        if self.due.is_some_and(|due| due.as_millis() <= self.now) {
            self.give(Input::Timeout);
        }
    }

    fn return_mark(&mut self, name: String) {
        if self.returns_marks {
            self.up.push_back((self.now + self.delay, name));
        }
    }

    pub(super) fn run(&mut self, millis: u64) {
        for _ in 0..millis {
            self.tick();
        }
    }

    pub(super) fn voice(&mut self, turn: u32, bytes: &[u8]) {
        let turn = TurnId::from_wire(turn);
        self.give(Input::Voice(ForTurn::new(turn, bytes.to_vec())));
    }

    pub(super) fn piece(&mut self, turn: u32, piece: u32, bytes: &[u8]) {
        self.voice(turn, bytes);
        self.give(Input::PieceEnded(ForTurn::new(
            TurnId::from_wire(turn),
            piece,
        )));
    }

    pub(super) fn heard(&self) -> u64 {
        self.telephone.totals().played
    }

    pub(super) fn played(&self) -> Vec<u8> {
        self.played.iter().map(|(_, sample)| *sample).collect()
    }

    /// Longest silence inside what was played.
    pub(super) fn longest_gap(&self) -> u64 {
        let times = self.played.windows(2);
        times
            .map(|pair| pair[1].0 - pair[0].0)
            .max()
            .unwrap_or_default()
    }

    pub(super) fn paused_at(&self) -> Option<u64> {
        self.reports.iter().find_map(|(_, report)| match report {
            Report::Paused { played, .. } => Some(*played),
            _ => None,
        })
    }
}

/// Sound in which every stretch of a few samples is found once only. All below 0x80, so that turns can be told apart.
pub(super) fn sound(millis: usize) -> Vec<u8> {
    let mut state = 0x9E37_79B9_u32;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 17;
        state ^= state << 5;
        (state >> 9) as u8 & 0x7F
    };
    (0..millis * MS).map(|_| next()).collect()
}
