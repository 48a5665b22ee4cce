//! A recogniser of real speech: a voice detector finds it, Moonshine reads it again and again while it lasts, and Smart
//! Turn says whether a silence ends it.
//!
//! The engine's work is done on threads of its own, one piece at a time for each socket: when it is busy, the next
//! interim result is skipped.
//!
//! Where turns are asked for, Smart Turn's probability is the likelihood that ends them. It is asked early, since it
//! may be high enough to be eager, and again as the silence grows.

mod endpointing;

use std::collections::VecDeque;
use std::sync::Arc;

use earshot::Detector;
use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};
use tokio::task::{JoinHandle, spawn_blocking};

use super::Engines;
use super::resample::Resampler;
use crate::backend::{Endpointing, Hear, Heard, Likelihood, Recogniser, Segment};
use endpointing::GIVE_UP;

pub(crate) fn start(engines: Arc<Engines>, rate: u32, endpointing: Endpointing) -> Recogniser {
    let (ear, mut to_hear) = unbounded_channel();
    let (report, heard) = unbounded_channel();
    tokio::spawn(async move {
        let mut listener = Listener::new(engines, rate, endpointing, report);
        let mut ending = false;
        while !(ending && listener.job.is_none() && listener.utterance.is_none()) {
            tokio::select! {
                hear = to_hear.recv(), if !ending => match hear {
                    Some(Hear::Audio(_, samples)) => listener.audio(&samples),
                    Some(Hear::Configure(thresholds)) => listener.endpointing = Endpointing::Turns(thresholds),
                    Some(Hear::Finalize) => listener.finalize(true),
                    Some(Hear::End) => {
                        ending = true;
                        listener.finalize(false);
                    }
                    None => return,
                },
                read = finished(&mut listener.job) => listener.read(read),
            }
        }
    });
    Recogniser { ear, heard }
}

/// What the engine made of an utterance so far.
struct Read {
    /// Which utterance, and how many loud frames it had then.
    utterance: u64,
    speech: usize,
    text: String,
    /// How likely the speaker had finished, when that was asked.
    finished: Likelihood,
}

/// Pends while there is no job. A job that failed has read nothing.
async fn finished(job: &mut Option<JoinHandle<Read>>) -> Option<Read> {
    let read = match job {
        Some(job) => job.await.ok(),
        None => std::future::pending().await,
    };
    *job = None;
    read
}

struct Listener {
    engines: Arc<Engines>,
    endpointing: Endpointing,
    resampler: Option<Resampler>,
    detector: Box<Detector>,
    report: UnboundedSender<Heard>,
    /// Samples short of a frame.
    waiting: Vec<i16>,
    /// Sound from before speech is noticed, which holds its beginning.
    before: VecDeque<i16>,
    /// Samples heard, at 16 kHz.
    position: u64,
    onset: usize,
    utterances: u64,
    utterance: Option<Utterance>,
    job: Option<JoinHandle<Read>>,
    /// What the engine will be asked once it is free.
    wanted: Option<Wanted>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Wanted {
    /// The words, to be given as final. With `true` they answer a `Finalize`.
    Final(bool),
    /// The words and whether the speaker has finished.
    Judgement,
}

struct Utterance {
    number: u64,
    start: u64,
    sound: Vec<i16>,
    last_sound: u64,
    /// Loud frames.
    speech: usize,
    /// Quiet frames since the last loud one.
    silence: usize,
    read_at: u64,
    /// The newest reading.
    read: Option<Read>,
    /// The silence after which it is asked whether the speaker has finished; none when it was asked often enough.
    judge_at: Option<usize>,
    /// How likely the speaker has finished, as far as that was asked since the last loud frame.
    finished: Likelihood,
    /// That it is likely over was reported, and nothing has been said since.
    likely_over: bool,
}

impl Listener {
    fn new(
        engines: Arc<Engines>,
        rate: u32,
        endpointing: Endpointing,
        report: UnboundedSender<Heard>,
    ) -> Self {
        Self {
            engines,
            endpointing,
            resampler: (rate != RATE).then(|| Resampler::new(rate, RATE)),
            detector: Detector::default_boxed(),
            report,
            waiting: Vec::new(),
            before: VecDeque::with_capacity(BEFORE),
            position: 0,
            onset: 0,
            utterances: 0,
            utterance: None,
            job: None,
            wanted: None,
        }
    }

    fn tell(&self, heard: Heard) {
        // The socket may be gone; its side of the channel then ends this task.
        let _ = self.report.send(heard);
    }

    fn audio(&mut self, samples: &[i16]) {
        match &mut self.resampler {
            Some(resampler) => self.waiting.extend(resampler.push(samples)),
            None => self.waiting.extend_from_slice(samples),
        }
        let whole = self.waiting.len() / FRAME * FRAME;
        let frames: Vec<i16> = self.waiting.drain(..whole).collect();
        for frame in frames.chunks(FRAME) {
            self.frame(frame);
        }
    }

    fn frame(&mut self, frame: &[i16]) {
        self.position += FRAME as u64;
        let score = self.detector.predict_i16(frame);
        match &mut self.utterance {
            None => {
                let excess = (self.before.len() + FRAME).saturating_sub(BEFORE);
                self.before.drain(..excess);
                self.before.extend(frame);
                self.onset = if score >= SPEECH { self.onset + 1 } else { 0 };
                if self.onset >= ONSET {
                    self.open();
                }
            }
            Some(utterance) => {
                // A long silence within a turn says no more than a short one, and the engine reads all there is.
                if utterance.silence < GIVE_UP {
                    utterance.sound.extend_from_slice(frame);
                }
                let mut resumed = false;
                if score >= STILL_SPEECH {
                    utterance.silence = 0;
                    utterance.judge_at = Some(self.endpointing.first_judgement());
                    utterance.finished = None;
                    utterance.speech += 1;
                    utterance.last_sound = self.position;
                    resumed = std::mem::take(&mut utterance.likely_over);
                } else {
                    utterance.silence += 1;
                }
                if resumed {
                    self.tell(Heard::Resumed);
                }
                self.consider();
            }
        }
    }

    fn open(&mut self) {
        self.utterances += 1;
        let sound: Vec<i16> = self.before.drain(..).collect();
        let start = self.position - sound.len() as u64;
        self.utterance = Some(Utterance {
            number: self.utterances,
            start,
            sound,
            last_sound: self.position,
            speech: self.onset,
            silence: 0,
            read_at: self.position,
            read: None,
            judge_at: Some(self.endpointing.first_judgement()),
            finished: None,
            likely_over: false,
        });
        let at = self.position - (self.onset * FRAME) as u64;
        self.onset = 0;
        self.tell(Heard::SpeechStarted { at: seconds(at) });
    }

    /// What the passing of a frame asks for.
    fn consider(&mut self) {
        let Some(utterance) = &mut self.utterance else {
            return;
        };
        if utterance.speech < SPEECH_LEAST {
            if utterance.silence >= GIVE_UP {
                // A noise: there is nothing to read.
                self.close(String::new(), false);
            }
        } else if utterance.silence >= self.endpointing.silence_most()
            || utterance.sound.len() >= SOUND_MOST
            || self.endpointing.ends(utterance)
        {
            self.want(Wanted::Final(false));
        } else if utterance
            .judge_at
            .is_some_and(|silence| utterance.silence >= silence)
        {
            utterance.judge_at = self.endpointing.next_judgement(utterance.silence);
            self.want(Wanted::Judgement);
        } else if self.job.is_none() && self.endpointing.wants_words(utterance, self.position) {
            utterance.read_at = self.position;
            self.read_now(false);
        }
    }

    /// Answers `Finalize` (`answer`), or the end of the stream.
    fn finalize(&mut self, answer: bool) {
        if self
            .utterance
            .as_ref()
            .is_some_and(|utterance| utterance.speech >= SPEECH_LEAST)
        {
            self.want(Wanted::Final(answer));
        } else {
            self.utterance = None;
            if answer {
                self.tell(Heard::NothingToFinalize);
            }
        }
    }

    fn want(&mut self, wanted: Wanted) {
        if let (Wanted::Final(answer), Some(utterance)) = (wanted, &mut self.utterance)
            && let Some(read) = utterance.known()
        {
            // Nothing was said since the last reading.
            let text = read.text.clone();
            return self.close(text, answer);
        }
        let outranked =
            matches!(self.wanted, Some(Wanted::Final(_))) && wanted == Wanted::Judgement;
        if !outranked && self.wanted != Some(Wanted::Final(true)) {
            self.wanted = Some(wanted);
        }
        if self.job.is_none() {
            self.read_now(self.wanted == Some(Wanted::Judgement));
        }
    }

    fn read_now(&mut self, judge: bool) {
        let Some(utterance) = &self.utterance else {
            return;
        };
        let (number, speech) = (utterance.number, utterance.speech);
        let known = utterance.known().map(|read| read.text.clone());
        let (engines, sound) = (Arc::clone(&self.engines), utterance.sound.clone());
        self.job = Some(spawn_blocking(move || {
            let complained = |error: anyhow::Error| super::complain("the recogniser", &error);
            let text = known.unwrap_or_else(|| {
                engines
                    .recognise(&sound)
                    .map_err(complained)
                    .unwrap_or_default()
            });
            let finished = judge.then(|| {
                engines
                    .end_of_turn(&sound)
                    .map_err(complained)
                    .unwrap_or(1.0)
            });
            Read {
                utterance: number,
                speech,
                text,
                finished,
            }
        }));
    }

    /// The engine is done with something.
    fn read(&mut self, read: Option<Read>) {
        let Some(utterance) = &mut self.utterance else {
            self.wanted = None;
            return;
        };
        let Some(read) = read.filter(|read| read.utterance == utterance.number) else {
            if self.wanted.is_some() {
                self.read_now(self.wanted == Some(Wanted::Judgement));
            }
            return;
        };
        let current = read.speech == utterance.speech;
        let judged = read.finished;
        let text = read.text.clone();
        utterance.read = Some(read);
        if current && !text.is_empty() {
            utterance.finished = judged.or(utterance.finished);
        }
        match self.wanted {
            Some(Wanted::Final(answer)) if current => self.close(text, answer),
            Some(Wanted::Judgement) if current && self.endpointing.ends(utterance) => {
                self.close(text, false);
            }
            Some(wanted)
                if !current
                    && (wanted != Wanted::Judgement
                        || utterance.silence >= self.endpointing.first_judgement()) =>
            {
                self.read_now(wanted == Wanted::Judgement);
            }
            Some(Wanted::Judgement) if current && judged.is_none() => self.read_now(true),
            _ => {
                self.wanted = None;
                let segment = utterance.segment(&text);
                let likelihood = utterance.finished.filter(|_| current);
                if segment.words.is_empty() {
                    return;
                }
                let likely_over = likelihood.is_some_and(|finished| {
                    !utterance.likely_over && self.endpointing.is_likely(finished)
                });
                utterance.likely_over |= likely_over;
                self.tell(if likely_over {
                    Heard::LikelyOver {
                        segment,
                        likelihood,
                    }
                } else {
                    Heard::Partial {
                        segment,
                        likelihood,
                    }
                });
            }
        }
    }

    fn close(&mut self, text: String, from_finalize: bool) {
        self.wanted = None;
        let Some(utterance) = self.utterance.take() else {
            return;
        };
        let mut segment = utterance.segment(&text);
        segment.end = seconds(self.position);
        // Speech that is still going on goes on as the next utterance.
        let is_over = utterance.silence >= self.endpointing.silence_least() || from_finalize;
        let over = is_over.then(|| seconds(utterance.last_sound));
        self.tell(Heard::Final {
            segment,
            over,
            speech_final: is_over && self.endpointing.found_finished(&utterance),
            from_finalize,
            likelihood: utterance.finished,
        });
    }
}

impl Utterance {
    /// The newest reading, if nothing was said since.
    fn known(&self) -> Option<&Read> {
        self.read.as_ref().filter(|read| read.speech == self.speech)
    }

    fn segment(&self, text: &str) -> Segment {
        Segment::spread(&words(text), seconds(self.start), seconds(self.last_sound))
    }
}

fn words(text: &str) -> Vec<String> {
    text.split_whitespace().map(str::to_owned).collect()
}

fn seconds(samples: u64) -> f64 {
    samples as f64 / f64::from(RATE)
}

/// The engines' and the detector's rate.
const RATE: u32 = 16_000;

/// The detector's frame, 16 ms.
const FRAME: usize = 256;

/// The detector's own threshold to begin with; a lower one to go on, since words fade.
const SPEECH: f32 = 0.5;
const STILL_SPEECH: f32 = 0.35;

/// Three frames, 48 ms: one or two are a click.
const ONSET: usize = 3;

/// 400 ms kept from before: the detector is late by up to 340 ms on a soft beginning.
const BEFORE: usize = 6_400;

/// 0.3 s of speech, the shortest word there is something to read in.
const SPEECH_LEAST: usize = 19;

/// 20 s: the engine's time grows with the sound, and nobody says so much in one breath.
const SOUND_MOST: usize = 320_000;
