//! The whole product with real engines: a caller's synthesised voice in, her voice out, and both understood.

use std::time::Duration;

use anyhow::{Context, ensure};
use local_providers::phone::order::Order;
use local_providers::{Config, Mode, Providers};
use tests::edge::{Edge, TWILIO_ACCOUNT, TWILIO_TOKEN};
use tests::figures::show;
use tests::page::{Chrome, Microphone};
use tests::sound::read_stereo;
use tests::speech::{engines, engines_folder};
use tests::track::Track;
use tokio::sync::Mutex;

/// When the caller speaks, in seconds of their microphone.
const QUESTION_AT: f64 = 9.0;
const BARGE_IN_AT: f64 = 14.5;
const SECONDS: f64 = 26.0;

const SOUND: f32 = 0.01;

/// Engines need the machine: one call after the other.
static MACHINE: Mutex<()> = Mutex::const_new(());

async fn speaking_providers() -> anyhow::Result<Providers> {
    let mode = Mode::Speech {
        engines: engines_folder()?,
    };
    local_providers::start(Config {
        mode,
        log_audio: false,
        ..Config::default()
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_question_is_understood_answered_and_interrupted() -> anyhow::Result<()> {
    let _alone = MACHINE.lock().await;
    let engines = engines()?;
    let question = engines.say_at("What are your opening hours?", 16_000)?;
    let interruption = engines.say_at("Wait, please. Where are you?", 16_000)?;
    let microphone = Microphone::make(
        &[(QUESTION_AT, &question), (BARGE_IN_AT, &interruption)],
        SECONDS,
    )?;

    let providers = speaking_providers().await?;
    let edge = Edge::start(&providers).await?;
    let chrome = Chrome::open_with_ears(&edge.url("/"), microphone.file.path()).await?;
    chrome
        .run::<bool>(
            "() => {
                globalThis.states = [];
                addEventListener('voxanne-state-changed', (event) => globalThis.states.push(event.detail.state));
                return true;
            }",
        )
        .await?;
    chrome.press().await?;
    chrome
        .wait_until("the call", "globalThis.ears?.played")
        .await?;
    tokio::time::sleep(Duration::from_secs_f64(SECONDS)).await;
    let heard = chrome.heard().await?;
    let captions: String = chrome
        .run("() => document.querySelector('voxanne-call').shadowRoot.querySelector('[part~=captions]').textContent")
        .await?;
    let (played, voice) = (&heard.played, &heard.microphone);
    let at = |seconds: f64| voice.first_frame + (seconds * f64::from(voice.rate)) as u64;

    let barge_in = voice
        .first_sound(at(BARGE_IN_AT - 0.1), SOUND)
        .context("no barge-in")?;
    let understand = |from: u64, to: u64| -> anyhow::Result<String> {
        let part = tests::page::Recording {
            first_frame: from,
            samples: played.between(from, to).to_vec(),
            rate: played.rate,
        };
        Ok(engines.recognise(&part.to_pcm(16_000))?.to_lowercase())
    };
    let greeting = understand(played.first_frame, at(QUESTION_AT))?;
    let answer = understand(at(QUESTION_AT + 1.0), barge_in)?;
    let last = understand(barge_in + (2.0 * played.rate) as u64, played.end())?;
    show(format_args!(
        "greeting, as rendered and recognised: {greeting}"
    ));
    show(format_args!(
        "answer, until it was cut:             {answer}"
    ));
    show(format_args!("answer to the interruption:           {last}"));
    show(format_args!("captions: {captions}"));
    ensure!(greeting.contains("help you"), "{greeting}");
    ensure!(
        captions.to_lowercase().contains("opening hours"),
        "{captions}"
    );
    ensure!(
        answer.contains("nine") || answer.contains('9') || answer.contains("opening hours"),
        "{answer}"
    );
    ensure!(
        last.contains("lane")
            || last.contains("library")
            || last.contains("twelve")
            || last.contains("12"),
        "{last}"
    );

    let silent = played
        .first_silent_quantum(barge_in)
        .context("she never fell silent")?;
    show(format_args!(
        "barge-in onset → silent quantum: {:.0} ms",
        played.millis(barge_in, silent)
    ));
    ensure!(
        played
            .between(barge_in - (0.3 * played.rate) as u64, barge_in)
            .iter()
            .any(|sample| sample.abs() > SOUND),
        "she was not speaking"
    );
    ensure!(
        played.millis(barge_in, silent) < 1_000.0,
        "she did not stop for the caller"
    );
    ensure!(chrome.complaints().is_empty(), "{:?}", chrome.complaints());
    chrome.close().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_caller_by_telephone_is_understood_answered_and_not_spoken_over() -> anyhow::Result<()> {
    let _alone = MACHINE.lock().await;
    let engines = engines()?;
    let question = engines.say_at("What are your opening hours?", 8_000)?;
    let providers = speaking_providers().await?;
    let edge = Edge::start(&providers).await?;
    // As `cargo xtask phone` does it: the question after the greeting, and once more over its answer.
    let mut order = Order {
        worker: edge.origin.clone(),
        account_sid: Some(TWILIO_ACCOUNT.to_owned()),
        auth_token: Some(TWILIO_TOKEN.to_owned()),
        ..Order::default()
    };
    order.say(&local_providers::wav(&question, 8_000));
    let call = order.place(&providers.base_url()).await?;
    for moment in &call.events {
        show(format_args!("{:>8.0} {}", moment.at_ms, moment.text));
    }
    let (_, right) = read_stereo(&call.wav()?)?;
    let her = Track::new(&right);
    let moments = |words: &str| -> Vec<f64> {
        call.events
            .iter()
            .filter(|moment| moment.text.starts_with(words))
            .map(|moment| moment.at_ms)
            .collect()
    };
    let [asked, again] = moments("caller speaks")[..] else {
        anyhow::bail!("the caller did not speak twice");
    };
    let understand = |from_ms: f64, to_ms: f64| -> anyhow::Result<String> {
        let part = tests::sound::resample(her.pcm(from_ms, to_ms), 8_000, 16_000);
        Ok(engines.recognise(&part)?.to_lowercase())
    };
    let greeting = understand(0.0, asked)?;
    let answer = understand(again, her.end_ms())?;
    show(format_args!(
        "greeting, as played and recognised: {greeting}"
    ));
    show(format_args!("second answer:                      {answer}"));
    ensure!(greeting.contains("help you"), "{greeting}");
    ensure!(
        ["nine", "9", "five", "opening hours"]
            .iter()
            .any(|word| answer.contains(word)),
        "{answer}"
    );

    ensure!(
        her.last_sound(again - 300.0, again).is_some(),
        "she was not speaking when the caller spoke again"
    );
    let cleared = moments("clear")
        .into_iter()
        .find(|at| *at > again)
        .context("she did not stop for the caller")?;
    show(format_args!(
        "barge-in onset → clear: {:.0} ms",
        cleared - again
    ));
    ensure!(
        her.last_sound(cleared + 1.0, cleared + 300.0).is_none(),
        "she was heard after the clear"
    );
    Ok(())
}
