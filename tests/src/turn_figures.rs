//! How long a caller waits for her answer when the providers keep the plan's latencies and the network takes 50 ms each way: with and
//! without an opening from memory, with a recogniser that leaves the end of a turn to us and with one that foresees it.
//!
//! Where the time goes is read off the providers' log.

use std::time::Duration;

use anyhow::{Context, Result};
use futures_util::future::try_join_all;
use local_providers::{Config, Direction, LogEntry, Providers, Script, Service};
use serde_json::json;

use crate::door::{Door, Guest};
use crate::edge::Edge;
use crate::figures::{Figure, show};

struct Case {
    name: &'static str,
    recogniser: &'static str,
    answer: &'static str,
}

const CASES: [Case; 4] = [
    Case {
        name: "plain",
        recogniser: "nova-2",
        answer: "We open at nine.",
    },
    Case {
        name: "cached opening",
        recogniser: "nova-2",
        answer: "Sure. We open at nine.",
    },
    Case {
        name: "Flux",
        recogniser: "flux-general-en",
        answer: "We open at nine.",
    },
    Case {
        name: "Flux, cached opening",
        recogniser: "flux-general-en",
        answer: "Sure. We open at nine.",
    },
];

/// One way, between the caller and the edge.
const NETWORK: Duration = Duration::from_millis(50);

/// Answers to each caller, enough for a 95th percentile that is not the maximum. Before them comes one that is not counted: it has
/// the opening made.
const TURNS: u64 = 32;

/// From one question to the next, so that the voice's socket is never asked for more than it takes in a minute.
const EVERY: Duration = Duration::from_millis(3_400);

/// The plan's latencies. Flux's early word comes 150 to 250 ms before its last one by the vendor's account, which would be with the
/// caller's last sound or before it; 10 ms behind that is as early as a recogniser can be that hears silence and foresees nothing. Between
/// tokens 2 ms: the vendor names 500 of them a second for its slower model, and 1000 for the one that is asked first.
fn script(answer: &str) -> Result<Script> {
    let script = json!({
        "latency": {
            "stt_final_ms": 150, "stt_finalize_ms": 150, "flux_end_ms": 150, "flux_eager_ms": 10,
            "llm_first_token_ms": 100, "llm_token_ms": 2, "tts_first_byte_ms": 100,
        },
        "utterances": ["What are your opening hours?"],
        "replies": [{ "say": answer }],
    });
    Ok(Script::from_json(&script.to_string())?)
}

/// Every case by one door, at the same time, each with a worker of its own.
pub async fn answers(door: Door) -> Result<Vec<Figure>> {
    let mut stages = Vec::new();
    for case in &CASES {
        let providers = local_providers::start(Config {
            script: script(case.answer)?,
            ..Config::default()
        })
        .await?;
        let settings = [("STT_MODEL", case.recogniser)];
        let edge = Edge::start_with_more(&providers, &settings).await?;
        stages.push((case, providers, edge));
    }
    let figures = stages
        .iter()
        .map(|(case, providers, edge)| one_case(door, case, providers, edge));
    Ok(try_join_all(figures).await?.concat())
}

async fn one_case(
    door: Door,
    case: &Case,
    providers: &Providers,
    edge: &Edge,
) -> Result<Vec<Figure>> {
    let guest = Guest::greeted(door, providers, edge, NETWORK).await?;
    let mut waits = Vec::new();
    let mut ways: Vec<Vec<f64>> = vec![Vec::new(); Way::NAMES.len()];
    for turn in 0..=TURNS {
        let next = tokio::time::Instant::now() + EVERY;
        // A recogniser that takes sound in steps of 80 ms hears the end at each of their frames.
        let said = guest.ask(640 + 20 * (turn % 4)).await?;
        let heard = guest.first_sound_after(said.to_ms).context("no answer")?;
        if turn > 0 {
            waits.push(heard - said.to_ms);
            let clocks = providers.elapsed_ms() - guest.elapsed_ms();
            let way = Way::of(&providers.log(), said.to_ms + clocks, heard + clocks);
            for (times, at) in ways.iter_mut().zip(way.0) {
                times.extend(at);
            }
        }
        providers.clear_log();
        tokio::time::sleep_until(next).await;
    }
    guest.hang_up().await?;

    let name = format!("{door:?}, {}", case.name);
    let medians = Way::NAMES
        .iter()
        .zip(ways)
        .filter(|(_, times)| !times.is_empty());
    let medians: Vec<String> = medians
        .map(|(stage, times)| format!("{stage} {:.0}", Figure::of(stage, times).p50))
        .collect();
    show(format_args!(
        "{name}: {} (ms after the caller's last sound, medians)",
        medians.join(" · ")
    ));
    let mut figures = vec![Figure::of(&format!("{name}: voice to voice"), waits)];
    if let Some(visitor) = guest.visitor() {
        let reports = visitor.reports();
        let made: u32 = reports
            .iter()
            .map(|report| report.speculative_requests)
            .sum();
        let wasted: u32 = reports.iter().map(|report| report.speculative_wasted).sum();
        let share = 100.0 * f64::from(wasted) / f64::from(made.max(1));
        let name = format!("{name}: of {made} requests made ahead wasted, %");
        figures.push(Figure::of(&name, vec![share]));
    }
    Ok(figures)
}

/// When each stage of an answer was reached, as far as it was, in milliseconds after the caller's last sound.
struct Way([Option<f64>; 7]);

impl Way {
    const NAMES: [&str; 7] = [
        "end foreseen",
        "end heard",
        "model asked",
        "first token",
        "voice asked",
        "first sound sent",
        "heard by the caller",
    ];

    fn of(log: &[LogEntry], said: f64, heard: f64) -> Self {
        let during = || {
            log.iter()
                .filter(|entry| (said..=heard).contains(&entry.at_ms))
        };
        let first = |fits: &dyn Fn(&&LogEntry) -> bool| during().find(fits);
        let listen = |entry: &LogEntry| entry.service == Service::Listen;
        // Of several requests the last is the one that counted.
        let asked = during().rfind(|entry| entry.kind == "request");
        let of_answer = |entry: &LogEntry| asked.is_some_and(|asked| asked.conn == entry.conn);
        let found = [
            first(&|entry| listen(entry) && entry.field("event") == "EagerEndOfTurn"),
            first(&|entry| {
                listen(entry)
                    && (entry.field("event") == "EndOfTurn" || entry.field("speech_final") == true)
            }),
            asked,
            first(&|entry| of_answer(entry) && entry.kind == "token"),
            first(&|entry| {
                entry.kind == "Speak"
                    || (entry.service == Service::SpeakRest && entry.dir == Direction::Open)
            }),
            first(&|entry| {
                matches!(entry.service, Service::Speak | Service::SpeakRest)
                    && entry.kind == "audio"
            }),
        ];
        let [foreseen, ended, asked, token, given, sounded] =
            found.map(|entry| entry.map(|entry| entry.at_ms - said));
        Self([
            foreseen,
            ended,
            asked,
            token,
            given,
            sounded,
            Some(heard - said),
        ])
    }
}

impl Guest<'_> {
    /// When the first sound after this moment reached the caller.
    fn first_sound_after(&self, ms: f64) -> Option<f64> {
        match self.visitor() {
            Some(visitor) => visitor.voice_after(ms),
            None => self.her().first_sound(ms),
        }
    }
}
