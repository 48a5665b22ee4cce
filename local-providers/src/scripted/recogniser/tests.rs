//! The recogniser on a clock of its own.

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
