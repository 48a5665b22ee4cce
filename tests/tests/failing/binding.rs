//! Another provider, the runtime's own binding for models, once everything of the first vendor's has failed.

use std::time::Duration;

use anyhow::{Context, ensure};
use local_providers::{Direction, LogEntry, Providers, Service, tone_of};
use serde_json::{Value, json};
use tests::caller::{Caller, Event, PATIENCE};
use tests::edge::Edge;
use tests::figures::show;
use tests::phone::Phone;
use tests::sound::amplitude_of;
use tests::{open_streams, scripted};
use voice_core::wire::{Phase, ServerMessage};

use crate::{ANSWER, Heard, QUESTION, THROUGH, TOO_LONG, ask, script};

/// How long after a call something of a provider's may be open.
const LEFT_OPEN: Duration = Duration::from_secs(2);

fn always(services: &[&str], fault: &Value) -> Value {
    let rules = services.iter().map(|service| {
        let mut rule = fault.clone();
        rule["service"] = (*service).into();
        rule
    });
    rules.collect()
}

fn refused() -> Value {
    json!({ "fault": "refuse", "status": 500 })
}

/// What a service was asked, one query for each connection.
fn queries(providers: &Providers, service: Service) -> Vec<Value> {
    let log = providers.log();
    let opened = |entry: &&LogEntry| entry.service == service && entry.dir == Direction::Open;
    let opened = log.iter().filter(opened);
    opened.map(|entry| entry.field("query").clone()).collect()
}

/// Nothing of a provider's is open any more, soon after the call.
async fn all_closed(providers: &Providers) -> anyhow::Result<()> {
    let closed = async {
        while !open_streams(providers).is_empty() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(LEFT_OPEN, closed)
        .await
        .with_context(|| format!("still open: {:?}", open_streams(providers)))
}

fn shown(name: &str, heard: &Heard) {
    show(format_args!(
        "{name:<60} {:<9} longest silence {:>5.0} ms",
        heard.outcome(),
        heard.longest_silence()
    ));
}

/// A browser's caller asks; gives what of the answer was heard, in milliseconds of its tone, and how long after the question it began.
async fn ask_in_a_browser(edge: &Edge) -> anyhow::Result<(f64, f64)> {
    let mut caller = Caller::connect(edge).await?;
    caller.wait_for_state(Phase::Speaking).await?;
    caller.wait_for_state(Phase::Listening).await?;
    caller.speak(true);
    caller.run_for(Duration::from_millis(700)).await?;
    caller.speak(false);
    let mut heard = 0;
    let mut first = None;
    let answered = async {
        loop {
            match caller.next().await? {
                Event::Voice { samples, .. } => {
                    let window: Vec<f32> = samples
                        .iter()
                        .map(|sample| f32::from(*sample) / 32_768.0)
                        .collect();
                    if amplitude_of(tone_of(ANSWER), &window, 24_000.0) > 0.2 {
                        first = first.or_else(|| caller.last_sound.map(|last| last.elapsed()));
                        heard += samples.len();
                    }
                }
                Event::Message(ServerMessage::State { state, .. })
                    if state == Phase::Listening && heard > 0 =>
                {
                    return Ok(());
                }
                Event::Closed { code } => anyhow::bail!("closed with {code}"),
                Event::Message(_) => {}
            }
        }
    };
    tokio::time::timeout(PATIENCE, answered)
        .await
        .context("no answer")??;
    caller.leave().await?;
    let first = first.context("no sound")?;
    Ok((heard as f64 / 24.0, first.as_secs_f64() * 1e3))
}

fn ensure_answered(name: &str, (heard_ms, after_ms): (f64, f64)) -> anyhow::Result<()> {
    let whole = ANSWER.chars().count() as f64 * 60.0;
    show(format_args!(
        "{name:<60} answer    first sound after {after_ms:>5.0} ms, {heard_ms:.0} ms of {whole:.0}"
    ));
    ensure!(heard_ms > whole * 0.8, "{heard_ms} ms of {whole}");
    ensure!(after_ms < TOO_LONG, "after {after_ms} ms");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_telephone_is_heard_by_the_binding_when_no_model_of_the_vendors_is() -> anyhow::Result<()>
{
    let providers = scripted("{}").await?;
    let edge = Edge::start_with_binding(&providers, &[]).await?;
    // The third call finds her as she was: what the binding makes up for does not bring Safe Mode.
    for fault in [
        refused(),
        json!({ "fault": "hang" }),
        json!({ "fault": "drop" }),
    ] {
        providers.clear_log();
        providers.set_script(script(&always(&["listen"], &fault))?);
        let heard = ask(&providers, &edge).await?;
        shown(&format!("listen {fault}, binding"), &heard);
        ensure!(heard.has(ANSWER), "{}", heard.outcome());
        ensure!(heard.longest_silence() < TOO_LONG, "{heard:?}");
        all_closed(&providers).await?;
        let asked = queries(&providers, Service::AiListen);
        ensure!(asked.len() == 1, "{asked:?}");
        ensure!(
            asked[0]["model"] == json!(["nova-3"]) && asked[0]["encoding"] == json!(["mulaw"]),
            "{asked:?}"
        );
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_browser_is_heard_by_the_binding_with_a_model_of_the_chosen_kind() -> anyhow::Result<()> {
    let providers = scripted("{}").await?;
    for (chosen, model) in [("nova-2", "nova-3"), ("flux-general-en", "flux-general-en")] {
        providers.clear_log();
        providers.set_script(script(&always(&["listen"], &refused()))?);
        let edge = Edge::start_with_binding(&providers, &[("STT_MODEL", chosen)]).await?;
        ensure_answered(
            &format!("listen refuses, {chosen}, browser, binding"),
            ask_in_a_browser(&edge).await?,
        )?;
        all_closed(&providers).await?;
        let asked = queries(&providers, Service::AiListen);
        ensure!(
            asked.len() == 1
                && asked[0]["model"] == json!([model])
                && asked[0]["sample_rate"] == json!(["16000"]),
            "{asked:?}"
        );
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_binding_that_does_not_hear_either_ends_in_a_farewell() -> anyhow::Result<()> {
    let providers = scripted("{}").await?;
    let edge = Edge::start_with_binding(&providers, &[]).await?;
    for fault in [refused(), json!({ "fault": "close", "after_ms": 500 })] {
        providers.set_script(script(&always(&["listen", "ai_listen"], &fault))?);
        let heard = ask(&providers, &edge).await?;
        let through = heard.her.tone_ms(THROUGH, 0.0, heard.her.end_ms());
        ensure!(through > 1_000.0 && heard.is_over, "{through} ms");
        all_closed(&providers).await?;
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn she_speaks_by_the_binding_when_no_way_of_the_vendors_gives_sound() -> anyhow::Result<()> {
    let providers = scripted("{}").await?;
    for fault in [refused(), json!({ "fault": "stall" })] {
        providers.clear_log();
        let edge = Edge::start_with_binding(&providers, &[]).await?;
        providers.set_script(script(&always(&["speak", "speak_rest"], &fault))?);
        let heard = ask(&providers, &edge).await?;
        shown(&format!("speak, speak_rest {fault}, binding"), &heard);
        ensure!(heard.has(ANSWER), "{}", heard.outcome());
        ensure!(heard.longest_silence() < TOO_LONG, "{heard:?}");
        all_closed(&providers).await?;
        let asked = queries(&providers, Service::AiSpeak);
        let is_hers = |query: &Value| {
            query["model"] == json!(["aura-2-thalia-en"])
                && query["encoding"] == json!(["mulaw"])
                && query["container"] == json!(["none"])
        };
        ensure!(!asked.is_empty() && asked.iter().all(is_hers), "{asked:?}");
        // Once it has spoken, the vendor is left alone for a while: by the second of its pieces nobody waits for it. Beside the call it is
        // asked for a line to keep, and no more once it refuses.
        let requests = queries(&providers, Service::SpeakRest).len();
        ensure!(requests <= 2, "{requests} requests to the vendor");
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_browser_hears_the_binding_too() -> anyhow::Result<()> {
    let providers = scripted("{}").await?;
    providers.set_script(script(&always(&["speak", "speak_rest"], &refused()))?);
    let edge = Edge::start_with_binding(&providers, &[]).await?;
    ensure_answered(
        "speak, speak_rest refuse, browser, binding",
        ask_in_a_browser(&edge).await?,
    )?;
    all_closed(&providers).await
}

#[tokio::test(flavor = "multi_thread")]
async fn she_goes_on_by_the_binding_at_the_word_where_the_vendor_stopped() -> anyhow::Result<()> {
    let providers = scripted("{}").await?;
    let edge = Edge::start_with_binding(&providers, &[]).await?;
    // The greeting is spoken as ever; in the answer the socket stops, and requests are refused.
    ask(&providers, &edge).await?;
    providers.set_script(script(&json!([
        { "service": "speak", "fault": "close", "after_sounds": 10 },
        { "service": "speak_rest", "fault": "refuse", "status": 503 },
    ]))?);
    providers.clear_log();
    let heard = ask(&providers, &edge).await?;
    shown(
        "speak closes in the sound, speak_rest refuses, binding",
        &heard,
    );
    ensure!(heard.outcome() == "answer", "{}", heard.outcome());
    let rest = providers
        .logged(|entry| entry.service == Service::AiSpeak && entry.dir == Direction::Open)
        .await;
    let rest = rest.field("text").as_str().unwrap_or_default().to_owned();
    ensure!(
        ANSWER.ends_with(&rest) && !rest.is_empty() && rest != ANSWER,
        "{rest:?}"
    );
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_vendor_that_hangs_from_the_answer_on_leaves_time_for_the_binding() -> anyhow::Result<()>
{
    let providers = scripted("{}").await?;
    let edge = Edge::start_with_binding(&providers, &[]).await?;
    // The greeting is known by heart; the answer is the first that the vendor owes.
    ask(&providers, &edge).await?;
    let hang = json!({ "fault": "hang" });
    providers.set_script(script(&always(&["speak", "speak_rest"], &hang))?);
    let heard = ask(&providers, &edge).await?;
    shown("speak, speak_rest hang from the answer on, binding", &heard);
    ensure!(heard.has(ANSWER), "{}", heard.outcome());
    ensure!(heard.longest_silence() < TOO_LONG, "{heard:?}");
    all_closed(&providers).await
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_the_binding_does_nobody_waits_and_nothing_is_left_open() -> anyhow::Result<()> {
    let providers = scripted("{}").await?;
    for fault in [
        json!({ "fault": "hang" }),
        json!({ "fault": "stall", "after_sounds": 2 }),
    ] {
        // The apology is known by heart before anything fails.
        let edge = Edge::start_with_binding(&providers, &[]).await?;
        providers.set_script(script(
            &json!([{ "service": "chat", "fault": "refuse", "status": 500 }]),
        )?);
        ask(&providers, &edge).await?;
        let mut faults = always(&["speak", "speak_rest"], &json!({ "fault": "hang" }));
        let of_binding = always(&["ai_speak"], &fault);
        if let (Value::Array(faults), Value::Array(of_binding)) = (&mut faults, of_binding) {
            faults.extend(of_binding);
        }
        providers.set_script(script(&faults)?);
        let heard = ask(&providers, &edge).await?;
        shown(&format!("voice hangs, ai_speak {fault}"), &heard);
        ensure!(heard.outcome() != "nothing");
        ensure!(heard.longest_silence() < TOO_LONG, "{heard:?}");
        all_closed(&providers).await?;
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_caller_who_leaves_ends_what_the_binding_was_asked() -> anyhow::Result<()> {
    let providers = scripted("{}").await?;
    let edge = Edge::start_with_binding(&providers, &[]).await?;
    for (service, fault) in [
        ("ai_speak", json!({ "fault": "stall", "after_sounds": 2 })),
        ("ai_speak", json!({ "fault": "hang" })),
        ("ai_listen", json!({ "fault": "hang" })),
        ("ai_listen", json!({ "fault": "drip", "every_ms": 20 })),
    ] {
        providers.clear_log();
        let mut faults = always(&["speak", "speak_rest", "listen"], &refused());
        let of_binding = always(&[service], &fault);
        if let (Value::Array(faults), Value::Array(of_binding)) = (&mut faults, of_binding) {
            faults.extend(of_binding);
        }
        let mut script = script(&faults)?;
        script.utterances = vec![QUESTION.into()];
        providers.set_script(script);
        let phone = Phone::call(&providers, &edge).await?;
        let wanted = if service == "ai_speak" {
            Service::AiSpeak
        } else {
            Service::AiListen
        };
        providers
            .logged(|entry| entry.service == wanted && entry.dir == Direction::Open)
            .await;
        // The answer has begun, or not come.
        phone.wait(300).await;
        ensure!(
            open_streams(&providers).contains(&wanted),
            "{service} {fault}: {:?}",
            open_streams(&providers)
        );
        let left = providers.elapsed_ms();
        phone.hang_up().await?;
        all_closed(&providers)
            .await
            .with_context(|| format!("{service} {fault}"))?;
        let log = providers.log();
        let closed = log.iter().filter(|entry| entry.dir == Direction::Close);
        let last = closed.map(|entry| entry.at_ms).fold(0.0, f64::max);
        show(format_args!(
            "{service} {fault}: caller gone, last stream closed {:.0} ms later",
            last - left
        ));
    }
    Ok(())
}
