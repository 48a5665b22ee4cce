//! A recogniser that hears sound but not words: it finds where speech starts and ends by energy, and takes the words
//! from the script.
//!
//! The k-th stretch of sound on a socket is the script's k-th utterance. A stretch ends with a silence of
//! `end_silence_ms`, or with `Finalize`, which gives all its words at once. Where turns are asked for, a stretch is a
//! turn: likely over after `flux_eager_ms`, over after `flux_end_ms`.
//!
//! With a `vocabulary` the words are read off the sound itself, as they are said.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};
use tokio::time::{Instant, sleep_until};

use super::energy::{Block, Energy};
use super::pilot::Reader;
use crate::backend::{Endpointing, Hear, Heard, Recogniser, Segment};
use crate::script::Script;

pub(crate) fn start(script: Arc<Script>, rate: u32, endpointing: Endpointing) -> Recogniser {
    let (ear, mut to_hear) = unbounded_channel();
    let (report, heard) = unbounded_channel();
    tokio::spawn(async move {
        let mut machine = Machine::new(script, rate, endpointing);
        loop {
            let due = machine.due();
            tokio::select! {
                hear = to_hear.recv() => match hear {
                    Some(Hear::Audio(at, samples)) => machine.audio(at, &samples),
                    Some(Hear::Configure(thresholds)) => machine.endpointing = Endpointing::Turns(thresholds),
                    Some(Hear::Finalize) => machine.finalize(Instant::now()),
                    Some(Hear::End) => {
                        machine.end();
                        machine.report_to(&report);
                        return;
                    }
                    None => return,
                },
                () = sleep_until(due.unwrap_or_else(Instant::now)), if due.is_some() => machine.timeout(Instant::now()),
            }
            machine.report_to(&report);
        }
    });
    Recogniser { ear, heard }
}

/// The recogniser without its clock.
struct Machine {
    script: Arc<Script>,
    rate: f64,
    endpointing: Endpointing,
    energy: Energy,
    /// None takes the words from the script.
    reader: Option<Reader>,
    /// Words read that belong to the next stretch.
    read: Vec<String>,
    /// Samples heard.
    position: u64,
    utterances: usize,
    /// Loud blocks that may be the start of speech: how many, and where the first began.
    onset: (u32, u64),
    /// Loud blocks since `Finalize` that belong to the stretch it ended.
    tail: u32,
    open: Option<Open>,
    finalize_at: Option<Instant>,
    reports: Vec<Heard>,
}

/// A stretch of sound that goes on.
struct Open {
    words: Vec<String>,
    /// Words already fixed by finals.
    fixed: usize,
    speech_final: bool,
    start: u64,
    segment_start: u64,
    last_sound: u64,
    last_sound_at: Instant,
    next_interim: u64,
    /// That it is likely over was reported, and nothing has sounded since.
    likely_over: bool,
}

impl Machine {
    fn new(script: Arc<Script>, rate: u32, endpointing: Endpointing) -> Self {
        let reads = !script.settings.vocabulary.is_empty();
        Self {
            script,
            rate: f64::from(rate),
            endpointing,
            energy: Energy::new(rate),
            reader: reads.then(|| Reader::new(rate)),
            read: Vec::new(),
            position: 0,
            utterances: 0,
            onset: (0, 0),
            tail: 0,
            open: None,
            finalize_at: None,
            reports: Vec::new(),
        }
    }

    fn report_to(&mut self, report: &UnboundedSender<Heard>) {
        for heard in self.reports.drain(..) {
            // The socket may be gone; its side of the channel then ends this task.
            let _ = report.send(heard);
        }
    }

    /// When to call [`Self::timeout`].
    fn due(&self) -> Option<Instant> {
        let open = self.open.as_ref();
        let final_at = open.and_then(|open| self.final_at(open));
        let likely_at = open.and_then(|open| self.likely_at(open));
        [final_at, likely_at, self.finalize_at]
            .into_iter()
            .flatten()
            .min()
    }

    fn timeout(&mut self, now: Instant) {
        if self.finalize_at.is_some_and(|at| at <= now) {
            self.finalize_at = None;
            self.answer_finalize();
        }
        let is_due = |at: Option<Instant>| at.is_some_and(|at| at <= now);
        if is_due(self.open.as_ref().and_then(|open| self.likely_at(open))) {
            self.tell_likely_over();
        }
        if is_due(self.open.as_ref().and_then(|open| self.final_at(open))) {
            self.close(false);
        }
    }

    /// When the stretch is over, once it is silent.
    fn final_at(&self, open: &Open) -> Option<Instant> {
        let end_silence = self.end_silence(open);
        let after = end_silence.max(self.latency(open));
        (self.silence(open) >= end_silence).then(|| open.last_sound_at + after)
    }

    /// When the stretch is likely over, once it is silent.
    fn likely_at(&self, open: &Open) -> Option<Instant> {
        let after = self.likely_silence(open).filter(|after| {
            self.silence(open) >= *after && self.is_silent(open) && !open.likely_over
        })?;
        Some(open.last_sound_at + after)
    }

    /// Whether any silence has come behind the last sound: between two swings of a wave is none.
    fn is_silent(&self, open: &Open) -> bool {
        self.position - open.last_sound >= self.samples(LEAST_SILENCE_MS)
    }

    /// From the last sound to the final result.
    fn latency(&self, open: &Open) -> Duration {
        let latency = &self.script.latency;
        match self.endpointing {
            Endpointing::Silence => Duration::from_millis(latency.stt_final_ms),
            Endpointing::Turns(thresholds) if open.speech_final && thresholds.end_turns() => {
                Duration::from_millis(latency.flux_end_ms).min(thresholds.timeout)
            }
            Endpointing::Turns(thresholds) => thresholds.timeout,
        }
    }

    /// A shorter silence is a pause.
    fn end_silence(&self, open: &Open) -> Duration {
        let latency = self.latency(open);
        let wanted = self.script.settings.end_silence_ms;
        let wanted = wanted.map_or(latency, Duration::from_millis);
        match self.endpointing {
            Endpointing::Silence => wanted,
            // The turn goes on until it is said to be over.
            Endpointing::Turns(_) => wanted.max(latency),
        }
    }

    /// A silence that makes it likely that the stretch is over, if any does.
    fn likely_silence(&self, open: &Open) -> Option<Duration> {
        let asked = matches!(self.endpointing, Endpointing::Turns(thresholds) if thresholds.eager.is_some());
        let after = Duration::from_millis(self.script.latency.flux_eager_ms);
        (asked && open.speech_final && after < self.end_silence(open)).then_some(after)
    }

    /// The silent audio that has come, and what may still be in a frame that is being filled. Without audio nothing
    /// ends: this recogniser has no other clock.
    fn silence(&self, open: &Open) -> Duration {
        FRAME_IN_FLIGHT + self.duration(self.position - open.last_sound)
    }

    fn duration(&self, samples: u64) -> Duration {
        Duration::from_secs_f64(self.seconds(samples))
    }

    fn seconds(&self, samples: u64) -> f64 {
        samples as f64 / self.rate
    }

    fn audio(&mut self, at: Instant, samples: &[i16]) {
        // A block at a time, so that a word belongs to the stretch in which it was said however much sound comes at once.
        let step = if self.reader.is_some() {
            self.samples(READING_STEP_MS)
        } else {
            samples.len() as u64
        };
        let mut behind = samples.len() as u64;
        for part in samples.chunks(step.max(1) as usize) {
            behind -= part.len() as u64;
            self.read_words(part);
            self.hear(at, part, behind);
        }
        self.timeout(at);
    }

    fn read_words(&mut self, samples: &[i16]) {
        let Some(reader) = &mut self.reader else {
            return;
        };
        let vocabulary = &self.script.settings.vocabulary;
        let words = reader.read(samples);
        self.read.extend(
            words
                .iter()
                .filter_map(|word| vocabulary.get(*word).cloned()),
        );
        if let Some(open) = &mut self.open {
            open.words.append(&mut self.read);
        }
    }

    /// So many samples that came with these follow.
    fn hear(&mut self, at: Instant, samples: &[i16], behind: u64) {
        let end = self.position + samples.len() as u64;
        for block in self.energy.blocks(samples) {
            self.position = block.end;
            let before_end = self.duration((end + behind).saturating_sub(block.last_sound));
            self.block(&block, at.checked_sub(before_end).unwrap_or(at));
        }
        self.position = end;
    }

    fn block(&mut self, block: &Block, sound_at: Instant) {
        if block.loud
            && let Some(open) = &self.open
        {
            // Audio may come faster than the clock: then the stretch was over, or likely over, before this sound.
            let silence = self.duration(block.start.saturating_sub(open.last_sound));
            let over = silence >= self.end_silence(open);
            if self
                .likely_silence(open)
                .is_some_and(|after| silence >= after && !open.likely_over)
            {
                self.tell_likely_over();
            }
            if over {
                self.close(false);
            }
        }
        match &mut self.open {
            Some(open) => {
                if block.loud {
                    (open.last_sound, open.last_sound_at) = (block.last_sound, sound_at);
                    if std::mem::take(&mut open.likely_over) {
                        self.reports.push(Heard::Resumed);
                    }
                }
                self.tell_progress(block.loud);
            }
            None if block.loud && self.tail > 0 => {
                self.tail += 1;
                if self.tail > TAIL_BLOCKS {
                    self.tail = 0;
                }
            }
            None if block.loud => {
                let (count, start) = self.onset;
                self.onset = if count == 0 {
                    (1, block.start)
                } else {
                    (count + 1, start)
                };
                if self.onset.0 >= ONSET_BLOCKS {
                    self.open(block.last_sound, sound_at);
                }
            }
            None => {
                self.tail = 0;
                self.onset.0 = self.onset.0.saturating_sub(1);
            }
        }
    }

    fn open(&mut self, last_sound: u64, last_sound_at: Instant) {
        let (_, start) = std::mem::take(&mut self.onset);
        let utterance = self.script.utterance(self.utterances);
        self.utterances += 1;
        let scripted = utterance.text.split_whitespace().map(str::to_owned);
        let words = if self.reader.is_some() {
            std::mem::take(&mut self.read)
        } else {
            scripted.collect()
        };
        self.open = Some(Open {
            words,
            fixed: 0,
            speech_final: utterance.speech_final,
            start,
            segment_start: start,
            last_sound,
            last_sound_at,
            next_interim: start + self.samples(self.interim_every_ms()),
            likely_over: false,
        });
        self.reports.push(Heard::SpeechStarted {
            at: self.seconds(start),
        });
    }

    fn samples(&self, ms: u64) -> u64 {
        (ms as f64 * self.rate / 1e3) as u64
    }

    fn interim_every_ms(&self) -> u64 {
        match self.endpointing {
            Endpointing::Silence => self.script.settings.interim_every_ms,
            Endpointing::Turns(_) => TURN_STEP_MS,
        }
    }

    /// Interim results while sound lasts, and a final for each whole segment of a long stretch.
    fn tell_progress(&mut self, loud: bool) {
        let settings = &self.script.settings;
        let interim_step = self.samples(self.interim_every_ms()).max(1);
        let (segment, late, told_alone) = match self.endpointing {
            Endpointing::Silence => (self.samples(settings.segment_ms), 0, false),
            Endpointing::Turns(_) => (0, self.samples(self.script.latency.flux_eager_ms), true),
        };
        let Some(open) = &mut self.open else { return };
        let elapsed = (self.position - open.start).saturating_sub(late) as f64 / self.rate;
        // The last word is not known before the speech is over, except where a turn of one word has to start with it.
        let withheld = usize::from(!told_alone || open.words.len() > 1);
        let known = if self.reader.is_some() {
            open.words.len()
        } else {
            ((elapsed * settings.words_per_second) as usize)
                .min(open.words.len().saturating_sub(withheld))
        };
        let known = known.max(open.fixed);
        let (start, end) = (
            open.segment_start as f64 / self.rate,
            self.position as f64 / self.rate,
        );
        if segment > 0
            && loud
            && self.position - open.segment_start >= segment
            && known > open.fixed
        {
            let segment = Segment::spread(&open.words[open.fixed..known], start, end);
            (open.fixed, open.segment_start) = (known, self.position);
            open.next_interim = self.position + interim_step;
            self.reports.push(Heard::Final {
                segment,
                over: None,
                speech_final: false,
                from_finalize: false,
                likelihood: None,
            });
        } else if self.position >= open.next_interim {
            open.next_interim += interim_step;
            if loud {
                let segment = Segment::spread(&open.words[open.fixed..known], start, end);
                self.reports.push(Heard::Partial {
                    segment,
                    likelihood: None,
                });
            }
        }
    }

    fn finalize(&mut self, now: Instant) {
        match self.script.latency.stt_finalize_ms {
            0 => self.answer_finalize(),
            ms => self.finalize_at = Some(now + Duration::from_millis(ms)),
        }
    }

    fn answer_finalize(&mut self) {
        if self.open.is_some() {
            self.close(true);
            // What sounds on without a break is the end of what was just finalised, not new speech.
            self.tail = 1;
        } else {
            self.reports.push(Heard::NothingToFinalize);
        }
    }

    fn tell_likely_over(&mut self) {
        let Some(segment) = self.rest() else { return };
        if let Some(open) = &mut self.open {
            open.likely_over = true;
        }
        self.reports.push(Heard::LikelyOver {
            segment,
            likelihood: None,
        });
    }

    /// What is left to say about the open stretch.
    fn rest(&self) -> Option<Segment> {
        let open = self.open.as_ref()?;
        let start = self.seconds(open.segment_start);
        let end = self.seconds(open.last_sound).max(start);
        let mut segment = Segment::spread(&open.words[open.fixed..], start, end);
        // The words end with the sound; what was heard reaches to now.
        segment.end = self.seconds(self.position).max(end);
        Some(segment)
    }

    fn close(&mut self, from_finalize: bool) {
        let Some(segment) = self.rest() else { return };
        let Some(open) = self.open.take() else { return };
        self.onset = (0, 0);
        let found_finished = match self.endpointing {
            Endpointing::Silence => open.speech_final,
            Endpointing::Turns(thresholds) => open.speech_final && thresholds.end_turns(),
        };
        self.reports.push(Heard::Final {
            segment,
            over: Some(self.seconds(open.last_sound.max(open.segment_start))),
            speech_final: found_finished || from_finalize,
            from_finalize,
            likelihood: None,
        });
    }

    /// Nothing more will come.
    fn end(&mut self) {
        self.close(false);
    }
}

/// 60 ms of sound are speech; a click is shorter.
const ONSET_BLOCKS: u32 = 6;

/// Sound that goes on this long after `Finalize` (400 ms) is speech again.
const TAIL_BLOCKS: u32 = 40;

/// Words are read in steps of this length.
const READING_STEP_MS: u64 = 20;

/// As long as what is judged to be loud or not.
const LEAST_SILENCE_MS: u64 = 10;

/// Two frames of 20 ms: what may be on its way when the clock says that the silence is long enough.
const FRAME_IN_FLIGHT: Duration = Duration::from_millis(40);

/// The steps of audio in which Flux works.
const TURN_STEP_MS: u64 = 80;

/// The texts that are heard in a sound which comes as it does from a socket.
#[cfg(test)]
pub(crate) fn utterances_in(script: Script, samples: &[i16], rate: u32) -> Vec<String> {
    let mut machine = Machine::new(Arc::new(script), rate, Endpointing::Silence);
    let mut now = Instant::now();
    for frame in samples.chunks((rate / 50) as usize) {
        now += Duration::from_millis(20);
        machine.audio(now, frame);
    }
    let finals = machine.reports.iter().filter_map(|heard| match heard {
        Heard::Final { segment, .. } => Some(&segment.words),
        _ => None,
    });
    let text = |words: &Vec<crate::backend::Word>| {
        let words: Vec<&str> = words.iter().map(|word| word.text.as_str()).collect();
        words.join(" ")
    };
    finals.map(text).collect()
}

#[cfg(test)]
mod tests;
