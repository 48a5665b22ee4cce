//! Safe Mode as callers hear it: by each of its causes, entered and left, within a call and across calls.

use std::time::Duration;

use anyhow::{Context, ensure};
use local_providers::Providers;
use serde_json::{Value, json};
use tests::caller::PATIENCE;
use tests::dashboard::Visitor;
use tests::edge::Edge;
use tests::phone::Phone;
use tests::scripted;

const ANSWER: &str = "We can see you on Monday at ten.";
const OFFER: &str = "I'm sorry, I can't look that up just now. Please tell me your name, your number and what it is about, and \
                     somebody will call you back.";
const NOTED: &str = "Thank you, I have passed that on. Is there anything else?";

fn script(faults: &Value) -> anyhow::Result<local_providers::Script> {
    Ok(serde_json::from_value(json!({
        "utterances": ["can I come on Monday", "it is Ana Lee about my appointment", "no thank you"],
        "replies": [{ "say": ANSWER }],
        "faults": faults,
        "settings": { "after_last": "empty" },
    }))?)
}

async fn mode(owner: &Visitor) -> anyhow::Result<Value> {
    Ok(owner.get("/api/safe-mode").await?.json())
}

/// Waits until Safe Mode is on or off.
async fn until(owner: &Visitor, on: bool) -> anyhow::Result<Value> {
    let look = async {
        loop {
            let mode = mode(owner).await?;
            if mode["on"] == on {
                return anyhow::Ok(mode);
            }
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    };
    tokio::time::timeout(2 * PATIENCE, look)
        .await
        .with_context(|| format!("Safe Mode is not {on}"))?
}

/// Sets one of the day's limits and leaves the other open.
async fn limit(owner: &Visitor, name: &str, most: u64) -> anyhow::Result<()> {
    let mut settings = owner.get("/api/settings").await?.json();
    settings["business"]["limits"] = json!({ "minutes_a_day": null, "tokens_a_day": null });
    settings["business"]["limits"][name] = most.into();
    let save = json!({ "version": settings["version"], "business": settings["business"] });
    let saved = owner.put("/api/settings", &save).await?;
    ensure!(saved.status == 200, "{}", saved.text);
    Ok(())
}

/// What is heard in answer to the next thing that is said.
async fn says(phone: &Phone<'_>, text: &str) -> anyhow::Result<bool> {
    let known = phone.states().len();
    let said = phone.say(900);
    phone.heard_out(known).await?;
    let her = phone.her();
    let expected = text.chars().count() as f64 * 60.0;
    Ok(her.tone_ms(text, said.to_ms, her.end_ms()) > expected / 2.0)
}

async fn start(faults: &Value) -> anyhow::Result<(Providers, Edge, Visitor)> {
    let providers = scripted("{}").await?;
    providers.set_script(script(faults)?);
    let edge = Edge::start(&providers).await?;
    let owner = Visitor::first_owner(&edge).await?;
    Ok((providers, edge, owner))
}

#[tokio::test(flavor = "multi_thread")]
async fn an_owner_switches_it_on_and_off_in_the_middle_of_a_call() -> anyhow::Result<()> {
    let (providers, edge, owner) = start(&json!([])).await?;
    let phone = Phone::greeted(&providers, &edge).await?;
    ensure!(says(&phone, ANSWER).await?, "as ever");
    let on = owner.put("/api/safe-mode", &json!({ "on": true })).await?;
    ensure!(on.json()["cause"] == "owner", "{}", on.text);
    // A call that is on hears of it with its next report.
    phone.wait(11_000).await;
    ensure!(says(&phone, OFFER).await?, "{:?}", phone.states());
    ensure!(says(&phone, NOTED).await?, "{:?}", phone.states());
    phone.hang_up().await?;
    let messages = owner.get("/api/messages").await?.json();
    ensure!(
        messages["messages"][0]["text"] == "No thank you"
            || messages["messages"]
                .as_array()
                .is_some_and(|all| all.len() == 1),
        "{messages}"
    );

    // The next call is in it from the start, and one after the switch is not.
    let phone = Phone::greeted(&providers, &edge).await?;
    ensure!(says(&phone, OFFER).await?);
    phone.hang_up().await?;
    owner.put("/api/safe-mode", &json!({ "on": false })).await?;
    let phone = Phone::greeted(&providers, &edge).await?;
    ensure!(says(&phone, ANSWER).await?);
    phone.hang_up().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_provider_that_fails_brings_it_and_one_that_is_back_ends_it() -> anyhow::Result<()> {
    let failing: [(&[&str], &str); 3] = [
        (&["chat"], "model"),
        (&["listen"], "recogniser"),
        (&["speak", "speak_rest"], "voice"),
    ];
    for (services, cause) in failing {
        let refused = services
            .iter()
            .map(|service| json!({ "service": service, "fault": "refuse", "status": 500 }));
        let (providers, edge, owner) = start(&refused.collect()).await?;
        let failing = async {
            loop {
                let phone = Phone::call(&providers, &edge).await?;
                phone.wait(6_000).await;
                phone.say(900);
                phone.wait(4_000).await;
                phone.line.hang_up();
                phone.over().await?;
                if mode(&owner).await?["on"] == true {
                    return anyhow::Ok(());
                }
            }
        };
        tokio::time::timeout(3 * PATIENCE, failing)
            .await
            .context("no Safe Mode")??;
        let on = mode(&owner).await?;
        ensure!(on["cause"] == cause && on["since"].is_i64(), "{on}");
        providers.set_script(script(&json!([]))?);
        let phone = Phone::greeted(&providers, &edge).await?;
        ensure!(says(&phone, OFFER).await?, "{cause}");
        phone.hang_up().await?;
        until(&owner, false).await?;
        let phone = Phone::greeted(&providers, &edge).await?;
        ensure!(says(&phone, ANSWER).await?, "{cause}");
        phone.hang_up().await?;
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_limit_of_tokens_that_is_reached_brings_it_and_a_higher_one_ends_it() -> anyhow::Result<()>
{
    let (providers, edge, owner) = start(&json!([])).await?;
    limit(&owner, "tokens_a_day", 10).await?;
    let phone = Phone::greeted(&providers, &edge).await?;
    ensure!(says(&phone, ANSWER).await?);
    phone.hang_up().await?;
    let on = until(&owner, true).await?;
    ensure!(on["cause"] == "tokens" && on["until"].is_i64(), "{on}");
    let phone = Phone::greeted(&providers, &edge).await?;
    ensure!(says(&phone, OFFER).await?);
    phone.hang_up().await?;
    limit(&owner, "tokens_a_day", 100_000).await?;
    until(&owner, false).await?;
    let phone = Phone::greeted(&providers, &edge).await?;
    ensure!(says(&phone, ANSWER).await?);
    phone.hang_up().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_limit_of_minutes_that_is_reached_brings_it_and_a_higher_one_ends_it()
-> anyhow::Result<()> {
    let (providers, edge, owner) = start(&json!([])).await?;
    limit(&owner, "minutes_a_day", 1).await?;
    let mut phones = Vec::new();
    for _ in 0..4 {
        phones.push(Phone::greeted(&providers, &edge).await?);
    }
    let [first, ..] = &phones[..] else {
        anyhow::bail!("four were called");
    };
    ensure!(says(first, ANSWER).await?, "as ever");
    // Four calls of a quarter of a minute, which are told of as they go on.
    let on = until(&owner, true).await?;
    ensure!(on["cause"] == "minutes" && on["until"].is_i64(), "{on}");
    first.wait(11_000).await;
    ensure!(says(first, OFFER).await?, "within a call");
    for phone in &phones {
        phone.hang_up().await?;
    }
    let phone = Phone::greeted(&providers, &edge).await?;
    ensure!(says(&phone, OFFER).await?, "across calls");
    phone.hang_up().await?;
    limit(&owner, "minutes_a_day", 1_000).await?;
    until(&owner, false).await?;
    let phone = Phone::greeted(&providers, &edge).await?;
    ensure!(says(&phone, ANSWER).await?);
    phone.hang_up().await
}
