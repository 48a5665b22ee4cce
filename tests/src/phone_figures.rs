//! What a telephone call feels like, in figures: measured on the line, by what the far end sent and played.

use std::time::Duration;

use anyhow::{Context, ensure};
use futures_util::future::try_join_all;
use local_providers::Providers;
use tokio::time::Instant;

use crate::edge::Edge;
use crate::figures::{Figure, show};
use crate::phone::{Phone, gaps, samples_of};
use crate::scripted;

/// Calls that interrupt each answer three seconds into it, which is an ordinary pace: fourteen exchanges a minute.
const INTO_HER_ANSWER: Duration = Duration::from_millis(3_000);

/// An utterance of a caller.
const UTTERANCE_MS: u64 = 700;

/// Her two answers, by turns. Each is spoken in two pieces, a short one first, and each piece is sung in a tone far from those of the
/// other answer.
const ANSWERS: [[&str; 2]; 2] = [
    [
        "From nine to five.",
        "We are there on every working day and closed at the weekend and on all holidays.",
    ],
    [
        "It is ninety dollars.",
        "It takes three quarters of an hour and you may pay for it by card as well.",
    ],
];

/// What was measured, in milliseconds where nothing else is said.
#[derive(Clone, Debug, Default)]
pub struct Measured {
    /// From the webhook to her first sound, played.
    pub greeting: Vec<f64>,
    /// From the caller's last sound to her first, played.
    pub voice_to_voice: Vec<f64>,
    /// From the caller's first sound over her to `clear`.
    pub onset_to_clear: Vec<f64>,
    /// Of each reply that was cut: samples of it played after the `clear`.
    pub cut_samples: Vec<f64>,
    /// Of each call: how often her voice broke off inside an answer.
    pub gaps: Vec<f64>,
}

/// What calls at the same time cost.
#[derive(Clone, Copy, Debug)]
pub struct Cost {
    pub cpu_ms_per_call_second: f64,
    pub resident_mb_per_call: f64,
}

impl Measured {
    /// The figures, each under its name.
    #[must_use]
    pub fn figures(&self, which: &str) -> Vec<Figure> {
        [
            ("webhook → greeting's first sound", &self.greeting),
            ("voice to voice", &self.voice_to_voice),
            ("barge-in onset → clear", &self.onset_to_clear),
            ("samples of a cut reply after its clear", &self.cut_samples),
            ("gaps inside the answers of a call", &self.gaps),
        ]
        .iter()
        .filter(|(_, values)| !values.is_empty())
        .map(|(name, values)| Figure::of(&format!("{which}: {name}"), values.to_vec()))
        .collect()
    }

    /// An error if any of a cut reply was heard.
    pub fn check(&self) -> anyhow::Result<()> {
        let cut: f64 = self.cut_samples.iter().sum();
        ensure!(cut == 0.0, "{cut} samples of cut replies were played");
        Ok(())
    }

    /// An error if any answer broke off.
    pub fn check_gaps(&self) -> anyhow::Result<()> {
        let gaps: f64 = self.gaps.iter().sum();
        ensure!(gaps == 0.0, "her voice broke off {gaps} times");
        Ok(())
    }

    fn absorb(&mut self, other: Self) {
        self.greeting.extend(other.greeting);
        self.voice_to_voice.extend(other.voice_to_voice);
        self.onset_to_clear.extend(other.onset_to_clear);
        self.cut_samples.extend(other.cut_samples);
        self.gaps.extend(other.gaps);
    }
}

/// Providers at the plan's latencies, for callers who ask by turns.
pub async fn providers() -> anyhow::Result<Providers> {
    let utterances: Vec<&str> = ["when are you open", "what is a cleaning"]
        .into_iter()
        .cycle()
        .take(100)
        .collect();
    let [open, cleaning] = ANSWERS.map(|pieces| pieces.join(" "));
    let script = serde_json::json!({
        "latency": { "stt_finalize_ms": 150 },
        "utterances": utterances,
        "replies": [{ "when": "open", "say": open }, { "when": "cleaning", "say": cleaning }],
    });
    scripted(&script.to_string()).await
}

/// Calls one after the other that are hung up at her first sound.
pub async fn greetings(
    providers: &Providers,
    edge: &Edge,
    calls: usize,
) -> anyhow::Result<Measured> {
    let mut measured = Measured::default();
    for call in 0..=calls {
        let phone = Phone::call(providers, edge).await?;
        let first = phone.answered(0.0).await?;
        phone.hang_up().await?;
        // The first call has the greeting made; the others find it in memory.
        if call > 0 {
            measured.greeting.push(first);
        }
    }
    Ok(measured)
}

/// One call of so many exchanges, or of as many as fit into this time.
pub async fn conversation(
    providers: &Providers,
    edge: &Edge,
    exchanges: usize,
    at_most: Duration,
) -> anyhow::Result<Measured> {
    let began = Instant::now();
    let phone = Phone::greeted(providers, edge).await?;
    let mut measured = Measured::default();
    measured.greeting.push(phone.answered(0.0).await?);
    let mut asked = phone.say(UTTERANCE_MS);
    // The clears, and until when the reply that each cut must not be heard.
    let mut cuts: Vec<(f64, usize)> = Vec::new();
    for exchange in 1.. {
        let answered = phone.answered(asked.to_ms).await?;
        measured.voice_to_voice.push(answered - asked.to_ms);
        tokio::time::sleep(INTO_HER_ANSWER).await;
        if exchange == exchanges || began.elapsed() + INTO_HER_ANSWER > at_most {
            break;
        }
        asked = phone.say(UTTERANCE_MS);
        let (cleared, _) = phone.cleared(asked.from_ms).await?;
        measured.onset_to_clear.push(cleared - asked.from_ms);
        cuts.push((cleared, (exchange - 1) % ANSWERS.len()));
    }
    phone.hang_up().await?;

    let her = phone.her();
    for (number, (cleared, reply)) in cuts.iter().enumerate() {
        // Two clears later the same words are said again, and rightly.
        let until = cuts
            .get(number + 1)
            .map_or_else(|| her.end_ms(), |next| next.0);
        let pieces = ANSWERS.get(*reply).context("there are two answers")?;
        let samples = samples_of(&her, pieces, *cleared, until);
        measured.cut_samples.push(samples as f64);
    }
    let gaps = gaps(&phone.line.events(), &phone.line.played());
    for (at, length) in &gaps {
        show(format_args!(
            "her voice broke off for {length:.1} ms, {at:.0} ms into the call"
        ));
    }
    measured.gaps.push(gaps.len() as f64);
    Ok(measured)
}

/// So many calls at once, for so long each: what they felt like and what they cost.
pub async fn at_once(
    providers: &Providers,
    edge: &Edge,
    calls: usize,
    span: Duration,
) -> anyhow::Result<(Measured, Cost)> {
    // One short call has everything compiled and the greeting made.
    greetings(providers, edge, 1).await?;
    let before = edge.usage()?;
    let began = Instant::now();
    let busiest = async {
        tokio::time::sleep(span.mul_f64(0.9)).await;
        edge.usage()
    };
    let all = try_join_all((0..calls).map(|_| conversation(providers, edge, usize::MAX, span)));
    let (all, busiest) = tokio::try_join!(all, busiest)?;
    let after = edge.usage()?;
    let seconds = calls as f64 * began.elapsed().as_secs_f64();
    let cost = Cost {
        cpu_ms_per_call_second: (after.cpu - before.cpu).as_secs_f64() * 1_000.0 / seconds,
        resident_mb_per_call: (busiest.resident_bytes as f64 - before.resident_bytes as f64)
            / calls as f64
            / 1e6,
    };
    let mut measured = Measured::default();
    for one in all {
        measured.absorb(one);
    }
    Ok((measured, cost))
}

/// So many calls of so many exchanges each, at the same time.
pub async fn conversations(
    providers: &Providers,
    edge: &Edge,
    calls: usize,
    exchanges: usize,
) -> anyhow::Result<Measured> {
    let all = (0..calls).map(|_| conversation(providers, edge, exchanges, Duration::MAX));
    let mut measured = Measured::default();
    for one in try_join_all(all).await? {
        measured.absorb(one);
    }
    Ok(measured)
}
