//! `cargo xtask bench`: the product's figures, measured end to end with scripted providers that keep the plan's latencies:
//! recogniser 150 ms after the last sound, model 100 ms to its first word, voice 100 ms to its first sound. The network is
//! loopback; a real one adds its way there and back to each figure that begins or ends at the caller. Only `answers` has the plan's
//! network too.
//!
//! By telephone the same is measured on the line, through the emulator of the telephone company. `cargo xtask bench answers browser` measures
//! these parts only; they are `answers`, `socket`, `browser`, `phone` and `records`, what the dashboard's answers cost with a year of calls.
//!
//! Two parts are only measured by name: `chaos [CALLS] [SEED]`, calls while everything goes wrong at random, and `soak [MINUTES]`, twenty calls
//! at a time for so long.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use tests::caller::{Caller, Event};
use tests::chaos;
use tests::door::Door;
use tests::edge::Edge;
use tests::figures::{Figure, show};
use tests::page::{Chrome, Heard, Microphone};
use tests::phone_figures;
use tests::records::{self, Cost};
use tests::scripted;
use tests::soak;
use tests::speech::engines;
use tests::turn_figures::answers;
use tokio::time::Instant;
use voice_core::wire::Phase;

/// Enough for a 95th percentile that is not the maximum.
const TURNS: usize = 30;
const CALLS: usize = 20;

/// When the caller of the browser speaks: once into silence, then over each answer.
const FIRST_AT: f64 = 6.5;
const EVERY: f64 = 5.0;
const INTERRUPTIONS: usize = 10;

const SOUND: f32 = 0.01;

/// Callers by telephone on a quiet worker, and the answers that each of them gets.
const CALLERS: usize = 3;
const ANSWERS: usize = 10;

/// Callers by telephone all at once, and for how long.
const CROWD: usize = 20;
const CROWDED: Duration = Duration::from_secs(60);

/// The seed of the long chaos, and how many of its rounds are played at once.
const CHAOS: u64 = 0x51ced;
const ROUNDS_AT_ONCE: usize = 4;

/// A caller takes a longer silence for a broken line.
const PATIENCE: Duration = Duration::from_secs(4);

const SHORT: &str = r#"{
    "latency": { "stt_finalize_ms": 150 },
    "utterances": ["when do you open"],
    "replies": [{ "say": "We open at nine." }]
}"#;

const LONG: &str = r#"{
    "latency": { "stt_finalize_ms": 150 },
    "utterances": ["can I come on Monday instead"],
    "replies": [{ "say": "We are open from nine to five every single working day. On Saturday and on Sunday we are closed all day long, and on holidays as well." }]
}"#;

#[tokio::main]
async fn main() -> Result<()> {
    let parts: Vec<String> = std::env::args().skip(1).collect();
    match parts
        .split_first()
        .map(|(part, rest)| (part.as_str(), rest))
    {
        Some(("chaos", arguments)) => return chaos(arguments).await,
        Some(("soak", arguments)) => {
            let minutes = arguments.first().map_or(Ok(30), |minutes| minutes.parse());
            return soak::soak(Duration::from_secs(60) * minutes?).await;
        }
        _ => {}
    }
    let wanted = |part: &str| parts.is_empty() || parts.iter().any(|wanted| wanted == part);
    let mut figures = Vec::new();
    if wanted("answers") {
        for door in Door::BOTH {
            figures.extend(answers(door).await?);
        }
    }
    if wanted("socket") {
        figures.push(connect_to_greeting().await?);
        figures.push(voice_to_voice_at_the_socket().await?);
    }
    if wanted("browser") {
        for busy in [false, true] {
            figures.extend(in_the_browser(busy).await?);
        }
    }
    if wanted("phone") {
        figures.extend(by_telephone().await?);
    }
    if !figures.is_empty() {
        print(&figures)?;
    }
    if wanted("records") {
        print_costs(&records::costs().await?)?;
    }
    Ok(())
}

/// `chaos [CALLS] [SEED]`: five hundred calls, and the seed that is always taken.
async fn chaos(arguments: &[String]) -> Result<()> {
    let calls = arguments.first().map_or(Ok(500), |calls| calls.parse());
    let seed = arguments.get(1).map_or(Ok(CHAOS), |seed| {
        let digits = seed.strip_prefix("0x");
        digits.map_or_else(|| seed.parse(), |digits| u64::from_str_radix(digits, 16))
    });
    let outcome = chaos::rounds(seed?, calls?, ROUNDS_AT_ONCE, PATIENCE).await?;
    show(format_args!("{}", outcome.tally));
    for finding in &outcome.findings {
        show(finding);
    }
    let found = outcome.findings.len();
    ensure!(found == 0, "{found} findings");
    Ok(())
}

#[expect(clippy::print_stdout, reason = "the table is what this program is for")]
fn print(figures: &[Figure]) -> Result<()> {
    println!(
        "milliseconds where a row says nothing else; scripted providers at 150 + 100 + 100 ms, network loopback, or 50 ms each way in the rows of one call's answers"
    );
    for figure in figures {
        println!("{figure}");
    }
    println!("{}", serde_json::to_string(figures)?);
    Ok(())
}

#[expect(clippy::print_stdout, reason = "the table is what this program is for")]
fn print_costs(costs: &[Cost]) -> Result<()> {
    println!(
        "{} calls and {} turns of one year in D1; medians, one request at a time. Rows read, and the most that a page of this size may read. CPU is all \
         of workerd's, which runs D1 too here: more than the worker itself uses. D1 says how much its statements took.",
        records::CALLS,
        records::TURNS
    );
    println!("{}", records::HEADING);
    for cost in costs {
        println!("{cost}");
    }
    println!("{}", serde_json::to_string(costs)?);
    let unbounded = costs.iter().filter(|cost| !cost.is_bounded()).count();
    anyhow::ensure!(unbounded == 0, "{unbounded} answers cost too much");
    Ok(())
}

/// Ticket, socket, hello, and the first frame of her voice.
async fn connect_to_greeting() -> Result<Figure> {
    let providers = scripted(SHORT).await?;
    let edge = Edge::start(&providers).await?;
    let mut waits = Vec::new();
    for call in 0..=CALLS {
        let asked = Instant::now();
        let mut caller = Caller::connect(&edge).await?;
        caller
            .wait_for("her voice", |event| {
                matches!(event, Event::Voice { .. }).then_some(())
            })
            .await?;
        // The first call has the greeting made; the others find it in memory.
        if call > 0 {
            waits.push(millis(asked.elapsed()));
        }
        caller.wait_for_state(Phase::Listening).await?;
    }
    Ok(Figure::of(
        "ticket and connect → greeting's first frame",
        waits,
    ))
}

/// The caller's last loud frame sent → her first frame received.
async fn voice_to_voice_at_the_socket() -> Result<Figure> {
    let providers = scripted(SHORT).await?;
    let edge = Edge::start(&providers).await?;
    let mut caller = Caller::connect(&edge).await?;
    let mut turn = caller.wait_for_state(Phase::Speaking).await?;
    let mut waits = Vec::new();
    for _ in 0..TURNS {
        caller.wait_for_state(Phase::Listening).await?;
        caller.speak(true);
        caller.run_for(Duration::from_millis(700)).await?;
        caller.speak(false);
        let (heard, of) = caller
            .wait_for("her answer", |event| match event {
                Event::Voice { turn: of, .. } if *of > turn => Some((Instant::now(), *of)),
                _ => None,
            })
            .await?;
        turn = of;
        waits.push(millis(
            heard - caller.last_sound.context("nothing was said")?,
        ));
    }
    Ok(Figure::of(
        "voice to voice, frame to frame (350 of it providers)",
        waits,
    ))
}

/// A caller who interrupts every answer, in Chromium.
async fn in_the_browser(busy: bool) -> Result<Vec<Figure>> {
    let speech = engines()?.say_at("Can I come on Monday instead?", 16_000)?;
    let length = speech.len() as f64 / 16_000.0;
    let starts: Vec<f64> = (0..=INTERRUPTIONS)
        .map(|index| FIRST_AT + EVERY * index as f64)
        .collect();
    let utterances: Vec<(f64, &[i16])> = starts
        .iter()
        .map(|start| (*start, speech.as_slice()))
        .collect();
    let seconds = FIRST_AT + EVERY * (INTERRUPTIONS + 1) as f64;
    let microphone = Microphone::make(&utterances, seconds)?;

    let providers = scripted(LONG).await?;
    let edge = Edge::start(&providers).await?;
    let chrome = Chrome::open_with_ears(&edge.url("/"), microphone.file.path()).await?;
    if busy {
        chrome.make_busy().await?;
    }
    chrome.press().await?;
    chrome
        .wait_until(
            "her greeting",
            "document.querySelector('voxanne-call').state === 'speaking'",
        )
        .await?;
    tokio::time::sleep(Duration::from_secs_f64(seconds)).await;
    let heard = chrome.heard().await?;
    chrome.close().await?;

    let (mut silences, mut answers) = (Vec::new(), Vec::new());
    for (index, start) in starts.iter().enumerate() {
        // One that was not heard or not answered is missing from the count beside the figure.
        let Ok((silence, answer)) = one_utterance(&heard, *start, length) else {
            continue;
        };
        // The first is spoken into silence.
        if index > 0 {
            silences.push(silence);
        }
        answers.push(answer);
    }
    let how = if busy {
        "page busy 200 ms in every 500"
    } else {
        "page at ease"
    };
    Ok(vec![
        Figure::of(&format!("barge-in onset → silent quantum, {how}"), silences),
        Figure::of(&format!("voice to voice, rendered, {how}"), answers),
    ])
}

/// From the utterance's onset to silence, and from its last sound to the next sound played.
fn one_utterance(heard: &Heard, start: f64, length: f64) -> Result<(f64, f64)> {
    let (played, voice) = (&heard.played, &heard.microphone);
    let at = |seconds: f64| voice.first_frame + (seconds * f64::from(voice.rate)) as u64;
    let onset = voice
        .first_sound(at(start - 0.1), SOUND)
        .context("an utterance is missing")?;
    let silent = played
        .first_silent_quantum(onset)
        .context("she never fell silent")?;
    let last = voice
        .last_sound(at(start + length + 0.5), SOUND)
        .context("an utterance is missing")?;
    let answered = played
        .first_sound(silent.max(last), SOUND)
        .context("an answer is missing")?;
    Ok((played.millis(onset, silent), played.millis(last, answered)))
}

/// A few callers by telephone, then many.
async fn by_telephone() -> Result<Vec<Figure>> {
    let providers = phone_figures::providers().await?;
    let edge = Edge::start(&providers).await?;
    let mut quiet = phone_figures::conversations(&providers, &edge, CALLERS, ANSWERS).await?;
    quiet.greeting = phone_figures::greetings(&providers, &edge, CALLS)
        .await?
        .greeting;
    let mut figures = quiet.figures("phone");
    let edge = Edge::start(&providers).await?;
    let (crowd, cost) = phone_figures::at_once(&providers, &edge, CROWD, CROWDED).await?;
    figures.extend(crowd.figures(&format!("{CROWD} phone calls at once")));
    for (name, value) in [
        (
            "worker's CPU, ms for each second of a call",
            cost.cpu_ms_per_call_second,
        ),
        (
            "worker's memory, MB for each call",
            cost.resident_mb_per_call,
        ),
    ] {
        let name = format!("{CROWD} phone calls at once: {name}");
        figures.push(Figure::of(&name, vec![value]));
    }
    Ok(figures)
}

fn millis(span: Duration) -> f64 {
    span.as_secs_f64() * 1_000.0
}
