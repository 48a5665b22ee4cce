//! The loop of the audio thread: the driver of a [`Handset`], called once for each quantum of sound.

use std::collections::VecDeque;

use earshot::Detector;
use voice_core::handset::{Config, Handset, Input, Output, Report, level_of};
use voice_core::time::Timestamp;
use voice_core::turn::TurnId;
use voice_core::wire::audio::{AudioFrame, Kind, MAX_FRAME};

use crate::capture::Capture;
use crate::event::{Event, RECORD, Record};
use crate::playback::Playback;
use crate::uplink::Uplink;

/// The most samples in one call of [`Engine::process`]: the quantum of every browser. At 8 kHz they become 256 at
/// 16 kHz, so no more than one frame of either kind is finished in a call.
pub(crate) const QUANTUM: usize = 128;

pub(crate) struct Engine {
    /// Where the script puts the microphone's quantum and takes hers from.
    pub(crate) input: [f32; QUANTUM],
    pub(crate) output: [f32; QUANTUM],
    /// Where the script puts a voice frame as it came from the wire.
    pub(crate) voice: [u8; MAX_FRAME],
    /// Where the script takes an event from.
    pub(crate) record: Record,
    pub(crate) uplink: Uplink,
    rate: f32,
    now: f64,
    handset: Handset,
    deadline: Option<Timestamp>,
    capture: Capture,
    detector: Box<Detector>,
    frame: [i16; VAD_FRAME],
    filled: usize,
    frames: u32,
    playback: Playback,
    voice_level: Meter,
    microphone_level: Meter,
    muted: bool,
    sounding: bool,
    arrivals: Arrivals,
    malformed: u32,
    events: VecDeque<(Event, f64)>,
}

impl Engine {
    /// The engine of a context of `rate` samples a second.
    pub(crate) fn new(rate: f32) -> Self {
        let rate = if rate.is_finite() {
            rate.clamp(LOWEST_RATE, HIGHEST_RATE)
        } else {
            USUAL_RATE
        };
        let config = Config::browser();
        Self {
            input: [0.0; QUANTUM],
            output: [0.0; QUANTUM],
            voice: [0; MAX_FRAME],
            record: [0.0; RECORD],
            uplink: Uplink::new(),
            rate,
            now: 0.0,
            handset: Handset::new(config),
            deadline: None,
            capture: Capture::new(rate),
            detector: Detector::default_boxed(),
            frame: [0; VAD_FRAME],
            filled: 0,
            frames: 0,
            playback: Playback::new(rate, usize::try_from(config.capacity).unwrap_or(0)),
            voice_level: Meter::default(),
            microphone_level: Meter::default(),
            muted: false,
            sounding: false,
            arrivals: Arrivals::default(),
            malformed: 0,
            events: VecDeque::with_capacity(EVENTS),
        }
    }

    /// One quantum: the microphone's first, so that a pause already silences this very quantum.
    pub(crate) fn process(&mut self, samples: usize, now: f64) {
        let samples = samples.min(QUANTUM);
        self.now = now;
        if self
            .deadline
            .is_some_and(|deadline| deadline <= self.timestamp())
        {
            self.tell(Input::Timeout);
        }
        let input = self.input;
        for sample in input.iter().take(samples) {
            self.listen(if self.muted { 0.0 } else { *sample });
        }
        let mut output = self.output;
        let out = output.get_mut(..samples).unwrap_or_default();
        let sounding = self.playback.is_sounding();
        let played = self.playback.render(out);
        for value in out.iter() {
            self.voice_level.hear(*value);
        }
        self.output = output;
        if sounding != self.sounding {
            self.sounding = sounding;
            self.emit(Event::Sounding(sounding));
        }
        if played > 0 {
            self.tell(Input::Played { samples: played });
        }
    }

    /// A binary message of `len` bytes lies in the voice buffer.
    pub(crate) fn receive(&mut self, len: usize) {
        let voice = self.voice;
        let frame = voice
            .get(..len)
            .and_then(|bytes| AudioFrame::parse(bytes).ok());
        match frame {
            Some(frame)
                if frame.kind == Kind::Voice && self.arrivals.admit(frame.turn, frame.sequence) =>
            {
                let samples = frame.pcm.len() as u64 / 2;
                self.handset.handle_input(
                    self.timestamp(),
                    Input::Voice {
                        turn: frame.turn,
                        samples,
                    },
                );
                self.drain(frame.pcm);
            }
            _ => self.malformed = self.malformed.saturating_add(1),
        }
    }

    /// Carries out a control message of the page.
    pub(crate) fn control(&mut self, what: u32, argument: u32) {
        match what {
            1 => self.flush(TurnId::from_wire(argument)),
            2 => self.tell(Input::Resume {
                turn: TurnId::from_wire(argument),
            }),
            3 => self.muted = argument != 0,
            4 => self.uplink.open(),
            5 => self.emit(self.counters()),
            _ => {}
        }
    }

    /// Moves the next event to where the script reads it.
    pub(crate) fn next_event(&mut self) -> bool {
        let event = self.events.pop_front();
        if let Some((event, at)) = event {
            self.record = event.record(at);
        }
        event.is_some()
    }

    fn listen(&mut self, sample: f32) {
        let mut heard = [0_i16; 2];
        let mut count = 0_usize;
        self.capture.take(sample, |value| {
            if let Some(slot) = heard.get_mut(count) {
                *slot = value;
                count = count.saturating_add(1);
            }
        });
        for value in heard.iter().take(count) {
            self.uplink.push(*value);
            self.microphone_level
                .hear(f32::from(*value) / -f32::from(i16::MIN));
            if let Some(slot) = self.frame.get_mut(self.filled) {
                *slot = *value;
            }
            self.filled = self.filled.saturating_add(1);
            if self.filled >= VAD_FRAME {
                self.filled = 0;
                self.score();
            }
        }
    }

    fn score(&mut self) {
        let speech = self.detector.predict_i16(&self.frame);
        let playback = self.voice_level.recent();
        self.frames = self.frames.wrapping_add(1);
        self.tell(Input::Score {
            speech,
            level: level_of(&self.frame),
            playback,
        });
        if self.uplink.is_open() && self.frames.is_multiple_of(FRAMES_PER_LEVEL) {
            let level = Event::Level {
                microphone: self.microphone_level.recent(),
                voice: playback,
            };
            self.emit(level);
        }
    }

    fn flush(&mut self, turn: TurnId) {
        let cut = self.handset.queued_through(turn);
        if cut > 0 && !self.handset.is_paused() {
            let played = self.playback.fade_out(cut);
            self.tell(Input::Played { samples: played });
        }
        self.tell(Input::Flush { turn });
    }

    fn tell(&mut self, input: Input) {
        self.handset.handle_input(self.timestamp(), input);
        self.drain(&[]);
    }

    fn drain(&mut self, arriving: &[u8]) {
        loop {
            match self.handset.poll_output() {
                Output::Discard { samples } => self.playback.discard(samples),
                Output::Enqueue { .. } => self.playback.enqueue(arriving),
                Output::Pause => self.playback.pause(),
                Output::Report(report) => self.emit(event(report)),
                Output::Resume => self.playback.resume(),
                Output::Timeout(deadline) => {
                    self.deadline = deadline;
                    return;
                }
            }
        }
    }

    /// An event nobody fetches is lost rather than kept for ever; the script fetches all of them after each call.
    fn emit(&mut self, event: Event) {
        if self.events.len() < EVENTS {
            self.events.push_back((event, self.now));
        }
    }

    fn counters(&self) -> Event {
        let totals = self.handset.totals();
        Event::Counters([
            totals.accepted,
            totals.played,
            totals.discarded,
            totals.queued,
            totals.refused,
            totals.underruns,
            u64::from(self.malformed),
            u64::from(self.uplink.frames()),
            u64::from(self.frames),
            u64::from(self.handset.is_paused()),
            self.rate as u64,
        ])
    }

    fn timestamp(&self) -> Timestamp {
        Timestamp::from_millis(self.now as u64)
    }
}

fn event(report: Report) -> Event {
    match report {
        Report::Flushed {
            turn,
            played,
            discarded,
        } => Event::Flushed {
            turn: turn.number(),
            played,
            discarded,
        },
        Report::Paused { turn, played } => Event::Paused {
            turn: turn.number(),
            played,
        },
        Report::Played { turn, samples } => Event::Played {
            turn: turn.number(),
            samples,
        },
        Report::SpeechEnded { silence } => Event::SpeechEnded {
            silence: u32::try_from(silence.as_millis()).unwrap_or(u32::MAX),
        },
        Report::SpeechStarted => Event::SpeechStarted,
    }
}

/// Sequence numbers of a turn's voice only grow; a frame that comes twice is not played twice.
#[derive(Debug, Default)]
struct Arrivals {
    turn: TurnId,
    next: u32,
}

impl Arrivals {
    /// Frames of older turns are the handset's business: it knows which of them are over, and counts them.
    fn admit(&mut self, turn: TurnId, sequence: u32) -> bool {
        if turn < self.turn {
            return true;
        }
        let fresh = turn > self.turn || sequence >= self.next;
        if fresh {
            self.turn = turn;
            self.next = sequence.saturating_add(1);
        }
        fresh
    }
}

/// The root mean square since it was last asked for.
#[derive(Debug, Default)]
struct Meter {
    power: f32,
    samples: f32,
}

impl Meter {
    fn hear(&mut self, value: f32) {
        self.power += value * value;
        self.samples += 1.0;
    }

    fn recent(&mut self) -> f32 {
        let Self { power, samples } = std::mem::take(self);
        if samples > 0.0 {
            (power / samples).sqrt()
        } else {
            0.0
        }
    }
}

/// What earshot takes: 16 ms at 16 kHz.
const VAD_FRAME: usize = 256;

/// A level every 48 ms: 20 a second look continuous, more would only wake the page.
const FRAMES_PER_LEVEL: u32 = 3;

/// Room for what one call can emit, several times over.
const EVENTS: usize = 128;

/// The rates an AudioContext may have; below 8 kHz a call of [`QUANTUM`] samples would finish two frames.
const LOWEST_RATE: f32 = 8_000.0;
const HIGHEST_RATE: f32 = 768_000.0;
const USUAL_RATE: f32 = 48_000.0;

#[cfg(test)]
mod tests;
