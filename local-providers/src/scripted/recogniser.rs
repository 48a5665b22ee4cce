//! A recogniser that hears sound but not words: it finds where speech starts and ends by energy, and takes the words
//! from the script.
//!
//! The k-th stretch of sound on a socket is the script's k-th utterance. A stretch ends with a silence of
//! `end_silence_ms`, or with `Finalize`, which gives all its words at once. Where turns are asked for, a stretch is a
//! turn: likely over after `flux_eager_ms`, over after `flux_end_ms`.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};
use tokio::time::{Instant, sleep_until};

use super::energy::{Block, Energy};
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
        Self {
            script,
            rate: f64::from(rate),
            endpointing,
            energy: Energy::new(rate),
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
        let end = self.position + samples.len() as u64;
        for block in self.energy.blocks(samples) {
            self.position = block.end;
            let before_end = self.duration(end.saturating_sub(block.last_sound));
            self.block(&block, at.checked_sub(before_end).unwrap_or(at));
        }
        self.position = end;
        self.timeout(at);
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
        self.open = Some(Open {
            words: utterance
                .text
                .split_whitespace()
                .map(str::to_owned)
                .collect(),
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
        let known = ((elapsed * settings.words_per_second) as usize)
            .min(open.words.len().saturating_sub(withheld));
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
mod tests {
    use super::*;
    use crate::backend::Thresholds;
    use crate::script::{Latency, Settings, Utterance};

    const RATE: u32 = 16_000;

    /// Feeds 20 ms frames on a clock of their own and collects what is reported, each with its millisecond.
    struct Bench {
        machine: Machine,
        origin: Instant,
        at_ms: u64,
        heard: Vec<(u64, Heard)>,
    }

    impl Bench {
        fn new(script: Script) -> Self {
            Self::of(script, Endpointing::Silence)
        }

        fn of(script: Script, endpointing: Endpointing) -> Self {
            let machine = Machine::new(Arc::new(script), RATE, endpointing);
            Self {
                machine,
                origin: Instant::now(),
                at_ms: 0,
                heard: Vec::new(),
            }
        }

        fn frames(&mut self, ms: u64, amplitude: f64) -> &mut Self {
            for _ in 0..ms / 20 {
                let first = self.at_ms * u64::from(RATE) / 1_000;
                self.at_ms += 20;
                let samples: Vec<i16> = (first..first + 320)
                    .map(|index| (amplitude * (index as f64 * 0.2).sin()) as i16)
                    .collect();
                let now = self.origin + Duration::from_millis(self.at_ms);
                self.run_clock(now);
                self.machine.audio(now, &samples);
                self.collect(self.at_ms);
            }
            self
        }

        /// Milliseconds of sound that all come at the same time.
        fn at_once(&mut self, pieces: &[(u32, f64)]) {
            for &(ms, amplitude) in pieces {
                let samples: Vec<i16> = (0..ms * RATE / 1_000)
                    .map(|index| (amplitude * (f64::from(index) * 0.2).sin()) as i16)
                    .collect();
                self.machine.audio(self.origin, &samples);
            }
        }

        fn run_clock(&mut self, until: Instant) {
            while let Some(due) = self.machine.due().filter(|due| *due < until) {
                self.machine.timeout(due);
                self.collect((due - self.origin).as_millis() as u64);
            }
        }

        fn collect(&mut self, at_ms: u64) {
            self.heard
                .extend(self.machine.reports.drain(..).map(|heard| (at_ms, heard)));
        }

        fn speech(&mut self, ms: u64) -> &mut Self {
            self.frames(ms, 2_600.0)
        }

        fn pause(&mut self, ms: u64) -> &mut Self {
            self.frames(ms, 13.0)
        }

        fn finals(&self) -> Vec<(u64, String, bool)> {
            let text = |segment: &Segment| {
                segment
                    .words
                    .iter()
                    .map(|word| word.text.clone())
                    .collect::<Vec<_>>()
                    .join(" ")
            };
            let each = self.heard.iter().filter_map(|(at, heard)| match heard {
                Heard::Final {
                    segment,
                    speech_final,
                    ..
                } => Some((*at, text(segment), *speech_final)),
                _ => None,
            });
            each.collect()
        }
    }

    fn script(utterances: &[&str]) -> Script {
        Script {
            utterances: utterances
                .iter()
                .map(|text| Utterance::from(*text))
                .collect(),
            ..Script::default()
        }
    }

    #[test]
    fn the_final_comes_after_its_latency_and_the_interims_never_tell_all() {
        let mut bench = Bench::new(script(&["what are your opening hours"]));
        bench.pause(1_000).speech(1_990).pause(500);
        let finals = bench.finals();
        assert_eq!(finals.len(), 1);
        let (at, text, speech_final) = &finals[0];
        // 1.98 s of speech in whole frames end at 2.98 s; the budget is 150 ms; blocks of 10 ms round.
        assert!((3_125..=3_135).contains(at), "final at {at}");
        assert_eq!(
            (text.as_str(), *speech_final),
            ("what are your opening hours", true)
        );
        let longest = bench.heard.iter().filter_map(|(_, heard)| match heard {
            Heard::Partial { segment, .. } => Some(segment.words.len()),
            _ => None,
        });
        assert_eq!(longest.max(), Some(4));
    }

    #[test]
    fn a_pause_shorter_than_the_end_silence_goes_on() {
        let mut script = script(&["one two", "three"]);
        script.settings = Settings {
            end_silence_ms: Some(400),
            ..Settings::default()
        };
        let mut bench = Bench::new(script);
        bench
            .pause(200)
            .speech(600)
            .pause(300)
            .speech(600)
            .pause(600)
            .speech(400)
            .pause(600);
        let texts: Vec<String> = bench
            .finals()
            .into_iter()
            .map(|(_, text, _)| text)
            .collect();
        assert_eq!(texts, ["one two", "three"]);
    }

    #[test]
    fn finalize_answers_at_once_and_the_tail_is_not_new_speech() {
        let mut bench = Bench::new(script(&["hello there", "again"]));
        bench.pause(200).speech(500);
        bench.machine.finalize(bench.origin);
        bench.collect(700);
        bench.speech(100).pause(500);
        assert_eq!(bench.finals(), [(700, "hello there".to_owned(), true)]);
        bench.machine.finalize(bench.origin);
        bench.collect(1_300);
        assert_eq!(
            bench.heard.last().map(|(_, heard)| heard),
            Some(&Heard::NothingToFinalize)
        );
        bench.speech(500).pause(500);
        assert_eq!(bench.finals().len(), 2);
    }

    #[test]
    fn audio_faster_than_the_clock_still_ends_each_stretch() {
        let mut bench = Bench::new(script(&["one", "two"]));
        bench.at_once(&[
            (300, 10.0),
            (400, 3_000.0),
            (400, 10.0),
            (400, 3_000.0),
            (400, 10.0),
        ]);
        bench.machine.end();
        bench.collect(0);
        let texts: Vec<String> = bench
            .finals()
            .into_iter()
            .map(|(_, text, _)| text)
            .collect();
        assert_eq!(texts, ["one", "two"]);
    }

    #[test]
    fn a_click_and_steady_noise_are_no_speech() {
        let mut bench = Bench::new(script(&["never"]));
        bench.pause(400).speech(40).pause(400).frames(3_000, 60.0);
        assert!(bench.heard.is_empty(), "{:?}", bench.heard);
    }

    #[test]
    fn a_long_utterance_is_fixed_piece_by_piece() {
        let mut script = script(&["a b c d e f g h i j k l"]);
        script.settings = Settings {
            segment_ms: 1_000,
            ..Settings::default()
        };
        script.latency = Latency {
            stt_final_ms: 200,
            ..Latency::default()
        };
        let mut bench = Bench::new(script);
        bench.pause(200).speech(2_500).pause(500);
        let finals = bench.finals();
        assert_eq!(
            finals.iter().map(|(_, _, last)| *last).collect::<Vec<_>>(),
            [false, false, true]
        );
        let joined: Vec<&str> = finals.iter().map(|(_, text, _)| text.as_str()).collect();
        assert_eq!(joined.join(" "), "a b c d e f g h i j k l");
    }

    const TURNS: Thresholds = Thresholds {
        eager: Some(0.4),
        end: 0.7,
        timeout: Duration::from_secs(3),
    };

    impl Bench {
        /// What happens to turns, each with its millisecond; interim results are left out.
        fn turns(&self) -> Vec<(u64, String)> {
            let text = |segment: &Segment| {
                let words: Vec<&str> = segment.words.iter().map(|word| &*word.text).collect();
                words.join(" ")
            };
            let each = self.heard.iter().filter_map(|(at, heard)| {
                let told = match heard {
                    Heard::LikelyOver { segment, .. } => format!("likely: {}", text(segment)),
                    Heard::Resumed => "resumed".to_owned(),
                    Heard::Final {
                        segment,
                        speech_final,
                        ..
                    } => format!("final {speech_final}: {}", text(segment)),
                    _ => return None,
                };
                Some((*at, told))
            });
            each.collect()
        }

        fn told(&self) -> Vec<String> {
            self.turns().into_iter().map(|(_, told)| told).collect()
        }
    }

    #[test]
    fn a_turn_is_likely_over_before_it_is_over() {
        let mut bench = Bench::of(script(&["book me in"]), Endpointing::Turns(TURNS));
        bench.pause(1_000).speech(2_000).pause(500);
        let turns = bench.turns();
        assert_eq!(
            bench.told(),
            ["likely: book me in", "final true: book me in"]
        );
        // After 80 and 250 ms; blocks of 10 ms round.
        assert!((3_075..=3_085).contains(&turns[0].0), "{turns:?}");
        assert!((3_245..=3_255).contains(&turns[1].0), "{turns:?}");
    }

    #[test]
    fn sound_between_the_two_resumes_the_turn() {
        let mut bench = Bench::of(script(&["my number is five"]), Endpointing::Turns(TURNS));
        bench
            .pause(200)
            .speech(600)
            .pause(160)
            .speech(600)
            .pause(500);
        assert_eq!(
            bench.told(),
            [
                "likely: my number is five",
                "resumed",
                "likely: my number is five",
                "final true: my number is five"
            ]
        );
    }

    #[test]
    fn turns_are_the_same_when_audio_comes_faster_than_the_clock() {
        let mut bench = Bench::of(script(&["one", "two"]), Endpointing::Turns(TURNS));
        bench.at_once(&[
            (300, 10.0),
            (400, 3_000.0),
            (150, 10.0),
            (400, 3_000.0),
            (400, 10.0),
            (400, 3_000.0),
        ]);
        bench.collect(0);
        assert_eq!(
            bench.told(),
            ["likely: one", "resumed", "likely: one", "final true: one"]
        );
    }

    #[test]
    fn only_time_ends_what_is_never_found_finished() {
        let mut unfinished = script(&["and then"]);
        unfinished.utterances[0].speech_final = false;
        let never = Thresholds { end: 1.0, ..TURNS };
        for (script, thresholds, expected) in [
            (unfinished, TURNS, vec!["final false: and then"]),
            (
                script(&["and then"]),
                never,
                vec!["likely: and then", "final false: and then"],
            ),
        ] {
            let mut bench = Bench::of(script, Endpointing::Turns(thresholds));
            bench.pause(200).speech(800).pause(4_000);
            assert_eq!(bench.told(), expected);
            let (at, _) = bench.turns().pop().expect("an end");
            assert!((3_990..=4_010).contains(&at), "{at}");
        }
    }

    #[test]
    fn without_the_eager_threshold_nothing_is_likely() {
        let plain = Thresholds {
            eager: None,
            ..TURNS
        };
        let mut bench = Bench::of(script(&["hello"]), Endpointing::Turns(plain));
        bench
            .pause(200)
            .speech(600)
            .pause(160)
            .speech(600)
            .pause(500);
        assert_eq!(bench.told(), ["final true: hello"]);
    }

    #[test]
    fn a_turns_words_are_known_while_it_lasts() {
        let mut bench = Bench::of(script(&["one two three four"]), Endpointing::Turns(TURNS));
        bench.pause(200).speech(3_000);
        let known = bench.heard.iter().filter_map(|(at, heard)| match heard {
            Heard::Partial { segment, .. } => Some((*at, segment.words.len())),
            _ => None,
        });
        let known: Vec<(u64, usize)> = known.collect();
        // Three words a second, each known 80 ms later.
        let first = known.iter().find(|(_, words)| *words == 1).expect("a word");
        assert!((600..=720).contains(&first.0), "{known:?}");
        assert_eq!(known.last().map(|(_, words)| *words), Some(3));
        let mut bench = Bench::of(script(&["stop"]), Endpointing::Turns(TURNS));
        bench.pause(200).speech(600);
        assert!(bench.heard.iter().any(
            |(_, heard)| matches!(heard, Heard::Partial { segment, .. } if segment.words.len() == 1)
        ));
    }
}
