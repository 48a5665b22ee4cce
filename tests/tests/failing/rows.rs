//! The rows of the design's table that need more than one connection to go wrong.

use anyhow::{Context, ensure};
use local_providers::{Fault, Service, When};
use serde_json::json;
use tests::edge::Edge;
use tests::phone::Phone;
use tests::{chat_requests, scripted};
use tokio::time::timeout;

use crate::{ANSWER, APOLOGY, LONGEST, THROUGH, TOO_LONG, ask, script};

#[tokio::test(flavor = "multi_thread")]
async fn a_recogniser_lost_again_and_again_ends_in_a_farewell() -> anyhow::Result<()> {
    let providers = scripted("{}").await?;
    let edge = Edge::start(&providers).await?;
    let lost = |after_ms: u64, times: u64| json!([{ "service": "listen", "nth": 1, "times": times, "fault": "close", "after_ms": after_ms }]);

    // Once, in the middle of the question: nothing is noticed, and the same model hears it.
    providers.set_script(script(&lost(4_700, 1))?);
    let heard = ask(&providers, &edge).await?;
    ensure!(heard.has(ANSWER), "{}", heard.outcome());
    ensure!(heard.longest_silence() < 1_500.0, "{heard:?}");

    // Twice: another model.
    providers.clear_log();
    providers.set_script(script(&lost(1_000, 2))?);
    let heard = ask(&providers, &edge).await?;
    ensure!(heard.has(ANSWER), "{}", heard.outcome());
    let models: Vec<String> = providers
        .log()
        .iter()
        .filter(|entry| entry.service == Service::Listen && !entry.field("query").is_null())
        .map(|entry| entry.field("query")["model"].to_string())
        .collect();
    ensure!(
        models.first().is_some_and(|model| model.contains("nova-2"))
            && models.last().is_some_and(|model| model.contains("nova-3")),
        "{models:?}"
    );

    // For good: she says that she puts the caller through, and does.
    providers.set_script(script(&lost(1_000, 99))?);
    let heard = ask(&providers, &edge).await?;
    let through = heard.her.tone_ms(THROUGH, 0.0, heard.her.end_ms());
    ensure!(through > 1_000.0 && heard.is_over, "{through} ms");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_model_that_breaks_off_is_asked_for_the_rest() -> anyhow::Result<()> {
    let providers = scripted("{}").await?;
    let edge = Edge::start(&providers).await?;
    for fault in [
        json!({ "service": "chat", "nth": 1, "fault": "cut", "after_tokens": 3 }),
        json!({ "service": "chat", "nth": 1, "fault": "tear", "after_tokens": 3 }),
    ] {
        providers.clear_log();
        providers.set_script(script(&json!([fault]))?);
        let heard = ask(&providers, &edge).await?;
        ensure!(
            heard.longest_silence() < TOO_LONG && !heard.has(APOLOGY),
            "{}",
            heard.outcome()
        );
        ensure!(heard.sounding_ms() > 1_500.0, "{} ms", heard.sounding_ms());
        let asked = chat_requests(&providers);
        ensure!(asked.len() > 1, "{asked:?}");
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_model_that_asks_for_time_gets_it_and_another_answers() -> anyhow::Result<()> {
    let providers = scripted("{}").await?;
    let edge = Edge::start(&providers).await?;
    let refused = json!({ "service": "chat", "nth": 1, "fault": "refuse", "status": 429, "headers": { "retry-after": "30" } });
    providers.set_script(script(&json!([refused]))?);
    let heard = ask(&providers, &edge).await?;
    ensure!(heard.has(ANSWER), "{}", heard.outcome());
    let models: Vec<String> = providers
        .log()
        .iter()
        .filter_map(|entry| {
            entry
                .field("request")
                .get("model")?
                .as_str()
                .map(str::to_owned)
        })
        .collect();
    let first = models
        .iter()
        .filter(|model| model.ends_with("-20b"))
        .count();
    ensure!(first == 1 && models.len() > 1, "{models:?}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_prompt_that_is_too_long_is_shortened() -> anyhow::Result<()> {
    let providers = scripted("{}").await?;
    let edge = Edge::start(&providers).await?;
    providers.set_script(script(
        &json!([{ "service": "chat", "nth": 1, "times": 2, "fault": "refuse", "status": 413 }]),
    )?);
    let heard = ask(&providers, &edge).await?;
    ensure!(
        heard.has(ANSWER) || heard.has(APOLOGY),
        "{}",
        heard.outcome()
    );
    let asked = chat_requests(&providers);
    let lengths: Vec<usize> = asked.iter().map(Vec::len).collect();
    ensure!(
        lengths.windows(2).any(|two| two[0] > two[1]),
        "shorter: {lengths:?}"
    );
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_voice_that_is_gone_altogether_leaves_an_apology_from_memory() -> anyhow::Result<()> {
    let providers = scripted("{}").await?;
    let edge = Edge::start(&providers).await?;
    providers.set_script(script(&json!([]))?);
    let before = ask(&providers, &edge).await?;
    ensure!(before.has(ANSWER) && !before.has(APOLOGY), "beforehand");
    providers.set_script(script(&json!([
        { "service": "speak", "fault": "hang" },
        { "service": "speak_rest", "fault": "hang" },
    ]))?);
    let heard = ask(&providers, &edge).await?;
    ensure!(heard.has(APOLOGY), "{}", heard.outcome());
    ensure!(
        heard.longest_silence() < TOO_LONG,
        "{} ms",
        heard.longest_silence()
    );
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_voice_that_goes_in_the_first_call_of_all_leaves_an_apology_too() -> anyhow::Result<()> {
    let providers = scripted("{}").await?;
    providers.set_script(script(&json!([]))?);
    let edge = Edge::start(&providers).await?;
    let phone = Phone::greeted(&providers, &edge).await?;
    providers.set_faults(serde_json::from_value(json!([
        { "service": "speak", "fault": "refuse", "status": 503 },
        { "service": "speak_rest", "fault": "refuse", "status": 503 },
    ]))?);
    providers.strike(
        Service::Speak,
        Fault::Cut {
            when: When::at_once(),
        },
    );
    let said = phone.say(700);
    let apology = async {
        while phone
            .her()
            .tone_ms(APOLOGY, said.to_ms, phone.her().end_ms())
            < 1_000.0
        {
            phone.wait(50).await;
        }
    };
    timeout(LONGEST, apology).await.context("no apology")?;
    let first = phone.her().first_sound(said.to_ms).context("no sound")?;
    ensure!(first - said.to_ms < TOO_LONG, "{first}");
    phone.hang_up().await
}
