//! What stands around a handset in a test.

use expect_test::Expect;

use super::super::*;

/// A driver that does as it is told and writes down what that was.
pub(super) struct Driver {
    pub(super) handset: Handset,
    pub(super) now: u64,
    pub(super) queue: VecDeque<TurnId>,
    pub(super) arriving: Option<(TurnId, u64)>,
    pub(super) paused: bool,
    pub(super) deadline: Option<Timestamp>,
    pub(super) closed: TurnId,
    /// Of the caller's sound.
    pub(super) level: f32,
    pub(super) trace: String,
}

impl Driver {
    pub(super) fn new(config: Config) -> Self {
        Self {
            handset: Handset::new(config),
            now: 0,
            queue: VecDeque::new(),
            arriving: None,
            paused: false,
            deadline: None,
            closed: TurnId::NONE,
            level: 0.1,
            trace: String::new(),
        }
    }

    pub(super) fn give(&mut self, input: Input) {
        let (paused, before) = (self.paused, self.handset.totals().played);
        self.handset
            .handle_input(Timestamp::from_millis(self.now), input);
        assert!(
            !paused || self.handset.totals().played == before,
            "played while paused"
        );
        loop {
            let output = self.handset.poll_output();
            match output {
                Output::Timeout(at) => {
                    self.deadline = at;
                    break;
                }
                Output::Enqueue { turn, samples } => {
                    assert_eq!(
                        self.arriving.take(),
                        Some((turn, samples)),
                        "only what arrived may be queued"
                    );
                    assert!(turn > self.closed, "voice of a closed turn was accepted");
                    self.queue.extend((0..samples).map(|_| turn));
                }
                Output::Discard { samples } => {
                    assert!(samples > 0);
                    self.queue.drain(..usize::try_from(samples).unwrap());
                }
                Output::Pause => assert!(!std::mem::replace(&mut self.paused, true)),
                Output::Resume => assert!(std::mem::replace(&mut self.paused, false)),
                Output::Report(_) => {}
            }
            if !matches!(output, Output::Enqueue { .. } | Output::Timeout(_)) {
                self.trace += &format!("{:<6}{}\n", self.now, told(output));
            }
        }
        self.arriving = None;
        assert_eq!(self.paused, self.handset.is_paused());
        assert_eq!(self.queue.len() as u64, self.handset.totals().queued);
    }

    pub(super) fn voice(&mut self, turn: u32, samples: u64) {
        let turn = TurnId::from_wire(turn);
        self.arriving = Some((turn, samples));
        self.give(Input::Voice { turn, samples });
    }

    pub(super) fn flush(&mut self, turn: u32) {
        let turn = TurnId::from_wire(turn);
        self.closed = self.closed.max(turn);
        self.give(Input::Flush { turn });
        assert!(self.queue.iter().all(|queued| *queued > turn));
    }

    /// What a sound card does in 16 ms, and the score of that frame.
    pub(super) fn frame(&mut self, speech: f32) {
        self.now += 16;
        let audible = !self.paused && !self.queue.is_empty();
        self.give(Input::Score {
            speech,
            level: self.level,
            playback: if audible { 0.1 } else { 0.0 },
        });
        if !self.paused {
            let samples = self.queue.len().min(384);
            self.queue.drain(..samples);
            self.give(Input::Played {
                samples: samples as u64,
            });
        }
        if self.deadline.is_some_and(|at| at.as_millis() <= self.now) {
            self.give(Input::Timeout);
        }
    }

    pub(super) fn frames(&mut self, count: usize, speech: f32) {
        for _ in 0..count {
            self.frame(speech);
        }
    }

    /// Whether the edge was told of a pause, which it is not of a hesitation.
    pub(super) fn interrupted(&self) -> bool {
        self.trace.contains("paused at")
    }

    pub(super) fn check(&self, expected: &Expect) {
        expected.assert_eq(&self.trace);
    }
}

fn told(output: Output) -> String {
    match output {
        Output::Discard { samples } => format!("discard {samples}"),
        Output::Pause => "pause".into(),
        Output::Resume => "resume".into(),
        Output::Report(Report::Flushed {
            turn,
            played,
            discarded,
        }) => {
            format!(
                "→ turn {} flushed: {played} played, {discarded} discarded",
                turn.number()
            )
        }
        Output::Report(Report::Paused { turn, played }) => {
            format!("→ turn {} paused at {played}", turn.number())
        }
        Output::Report(Report::Played { turn, samples }) => {
            format!("→ turn {} played {samples}", turn.number())
        }
        Output::Report(Report::SpeechEnded { silence }) => {
            format!("→ speech ended {} ms ago", silence.as_millis())
        }
        Output::Report(Report::SpeechStarted) => "→ speech started".into(),
        Output::Enqueue { .. } | Output::Timeout(_) => unreachable!("not traced"),
    }
}
