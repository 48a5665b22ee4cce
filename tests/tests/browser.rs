//! The whole product with scripted vendors: Chromium with a file as its microphone, and ears on what it really plays.
//!
//! Each piece of the scripted voice is a tone of its own, so the rendered sound itself says which piece was playing when.

use std::time::Duration;

use anyhow::{Context, ensure};
use local_providers::{Direction, Service, tone_of};
use serde::Deserialize;
use tests::caller::PATIENCE;
use tests::edge::Edge;
use tests::figures::show;
use tests::page::{Chrome, Microphone, Recording};
use tests::scripted;
use tests::sound::amplitude_of;
use tests::speech::engines;
use tests::words::{ANSWER, FIRST, GREETING, SCRIPT, SECOND};

/// When the caller speaks, in seconds of their microphone: after the greeting, and in the middle of the answer.
const QUESTION_AT: f64 = 6.5;
const BARGE_IN_AT: f64 = 13.5;
const SECONDS: f64 = 20.0;

/// A sample louder than this is sound; the pauses of Chromium's processed microphone are 40 dB below.
const SOUND: f32 = 0.01;

#[derive(Debug, Deserialize)]
struct Diagnostics {
    counters: Counters,
    #[serde(rename = "outputLatency")]
    output_latency: f64,
}

#[derive(Debug, Deserialize)]
struct Counters {
    pushed: u64,
    played: u64,
    discarded: u64,
    queued: u64,
    underruns: u64,
}

fn microphone() -> anyhow::Result<Microphone> {
    let engines = engines()?;
    let question = engines.say_at("What are your opening hours?", 16_000)?;
    let interruption = engines.say_at("Can I come on Monday instead?", 16_000)?;
    Microphone::make(
        &[(QUESTION_AT, &question), (BARGE_IN_AT, &interruption)],
        SECONDS,
    )
}

/// How loud a tone is in a stretch of what was played.
fn tone(played: &Recording, text: &str, from: u64, to: u64) -> f32 {
    amplitude_of(tone_of(text), played.between(from, to), played.rate)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_conversation_with_a_barge_in_while_the_page_is_busy() -> anyhow::Result<()> {
    let microphone = microphone()?;
    let providers = scripted(SCRIPT).await?;
    let edge = Edge::start(&providers).await?;
    // The first call of a worker has the greeting made; this one finds it in memory, as nearly every call does.
    warm_up(&edge).await?;
    let chrome = Chrome::open_with_ears(&edge.url("/"), microphone.file.path()).await?;
    chrome.make_busy().await?;
    chrome
        .run::<bool>(
            "() => {
                addEventListener('pointerdown', () => { globalThis.pressed = performance.now(); }, true);
                return true;
            }",
        )
        .await?;
    chrome.press().await?;
    chrome.wait_until("the greeting", "globalThis.ears?.played && document.querySelector('voxanne-call').state === 'speaking'").await?;
    tokio::time::sleep(Duration::from_secs_f64(SECONDS)).await;
    let pressed: f64 = chrome.run("() => globalThis.pressed").await?;
    let heard = chrome.heard().await?;
    let diagnostics: Diagnostics = chrome
        .run("() => document.querySelector('voxanne-call').diagnostics()")
        .await?;
    let captions: String = chrome
        .run("() => document.querySelector('voxanne-call').shadowRoot.querySelector('[part~=captions]').textContent")
        .await?;
    let (played, voice) = (&heard.played, &heard.microphone);

    // The greeting, then silence, then the answer's first piece: each is its own tone.
    let greeted = played.first_sound(0, SOUND).context("nothing was played")?;
    let tenth = played.rate as u64 / 10;
    ensure!(
        tone(played, GREETING, greeted + tenth, greeted + 10 * tenth) > 0.2,
        "the first sound is not the greeting"
    );

    let barge_in = voice
        .first_sound(frame(voice, BARGE_IN_AT - 0.1, voice.first_frame), SOUND)
        .context("no barge-in")?;
    let silent = played
        .first_silent_quantum(barge_in)
        .context("she never fell silent")?;
    ensure!(
        tone(played, SECOND, barge_in - 5 * tenth, barge_in) > 0.2,
        "the second piece was not playing when the caller spoke"
    );

    // No sample of the cut reply after the cut.
    let end = played.end();
    let loudest = (silent..end.saturating_sub(tenth))
        .step_by(tenth as usize)
        .map(|from| {
            tone(played, FIRST, from, from + tenth).max(tone(played, SECOND, from, from + tenth))
        })
        .fold(0.0_f32, f32::max);
    ensure!(
        loudest < 0.02,
        "the cut reply was heard again, at an amplitude of {loudest}"
    );
    let next = played
        .first_sound(silent + 128, SOUND)
        .context("no second answer")?;
    ensure!(
        tone(played, ANSWER, next + tenth / 2, next + 10 * tenth) > 0.2,
        "the sound after the cut is not the second answer"
    );

    let counters = &diagnostics.counters;
    ensure!(
        counters.played + counters.discarded + counters.queued == counters.pushed,
        "{counters:?}"
    );
    ensure!(
        counters.queued == 0 && counters.discarded > 0,
        "{counters:?}"
    );
    ensure!(
        captions.contains("what are your opening hours")
            && captions.contains("We are open from nine"),
        "{captions}"
    );
    ensure!(chrome.complaints().is_empty(), "{:?}", chrome.complaints());

    // The model's next request holds what was heard of the cut reply, and no more.
    let log = providers.log();
    let mut requests = log
        .iter()
        .filter(|entry| entry.service == Service::Chat && entry.dir == Direction::In);
    let last = requests
        .next_back()
        .context("no request")?
        .field("request")
        .to_string();
    ensure!(
        last.contains("We are open from nine to five every single working day."),
        "{last}"
    );
    ensure!(
        !last.contains("holidays") && last.contains("can I come on Monday instead"),
        "{last}"
    );

    // The last sound of the question, before the pause that the answer ends.
    let answered = played
        .first_sound(frame(voice, QUESTION_AT + 0.8, voice.first_frame), SOUND)
        .context("no answer")?;
    let asked = voice.last_sound(answered, SOUND).context("no question")?;
    show(format_args!(
        "press → greeting's first sound          {:>6.0} ms",
        played_at(&heard.played, heard.origin_ms, greeted) - pressed
    ));
    show(format_args!(
        "voice to voice, rendered                {:>6.0} ms",
        played.millis(asked, answered)
    ));
    show(format_args!(
        "barge-in onset → silent quantum         {:>6.0} ms (page busy 200 ms in every 500)",
        played.millis(barge_in, silent)
    ));
    show(format_args!(
        "output latency of the device            {:>6.0} ms",
        diagnostics.output_latency * 1_000.0
    ));
    show(format_args!(
        "{counters:?}, gaps heard: {}",
        counters.underruns
    ));
    chrome.close().await
}

/// The frame `seconds` after `start`.
fn frame(recording: &Recording, seconds: f64, start: u64) -> u64 {
    start + (seconds * f64::from(recording.rate)) as u64
}

/// When a frame was played, on the page's clock.
fn played_at(recording: &Recording, origin_ms: f64, frame: u64) -> f64 {
    origin_ms + frame as f64 * 1_000.0 / f64::from(recording.rate)
}

/// One short call without a browser, so that the greeting is in memory.
async fn warm_up(edge: &Edge) -> anyhow::Result<()> {
    let mut caller = tests::caller::Caller::connect(edge).await?;
    caller
        .wait_for_state(voice_core::wire::Phase::Speaking)
        .await?;
    caller
        .wait_for_state(voice_core::wire::Phase::Listening)
        .await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn closing_the_page_in_the_middle_of_an_answer_ends_every_stream() -> anyhow::Result<()> {
    let microphone = microphone()?;
    let script = SCRIPT.replacen('{', r#"{ "latency": { "llm_token_ms": 500 },"#, 1);
    let providers = scripted(&script).await?;
    let edge = Edge::start(&providers).await?;
    let chrome = Chrome::open(&edge.url("/"), microphone.file.path()).await?;
    chrome.press().await?;
    chrome
        .wait_until(
            "the call",
            "document.querySelector('voxanne-call').state === 'listening'",
        )
        .await?;
    let asked =
        providers.logged(|entry| entry.service == Service::Chat && entry.dir == Direction::Open);
    tokio::time::timeout(PATIENCE, asked)
        .await
        .context("the model was not asked")?;
    chrome
        .wait_until(
            "her answer",
            "document.querySelector('voxanne-call').state === 'speaking'",
        )
        .await?;
    ensure!(chrome.complaints().is_empty(), "{:?}", chrome.complaints());
    let left = providers.elapsed_ms();
    chrome.close().await?;
    let all_closed = async {
        loop {
            let log = providers.log();
            let count = |dir| log.iter().filter(|entry| entry.dir == dir).count();
            if count(Direction::Open) == count(Direction::Close) {
                return log.iter().map(|entry| entry.at_ms).fold(0.0, f64::max);
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    let last = tokio::time::timeout(PATIENCE, all_closed)
        .await
        .context("a stream stayed open")?;
    show(format_args!(
        "page closed → last of three streams closed: {:.0} ms",
        last - left
    ));
    Ok(())
}
