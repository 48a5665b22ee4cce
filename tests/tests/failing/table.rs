//! A provider that hangs, that answers a byte at a time, that talks garbage, and that closes at each step: once, and for good.

use anyhow::ensure;
use local_providers::Providers;
use serde_json::{Value, json};
use tests::edge::Edge;
use tests::figures::show;
use tests::scripted;

use crate::{Heard, TOO_LONG, ask, script};

/// In which ways a connection goes wrong, and how each is called.
fn ways(service: &str) -> Vec<(&'static str, Value)> {
    let mut ways = vec![
        ("hangs", json!({ "fault": "hang" })),
        ("opens and stalls", json!({ "fault": "stall" })),
        ("a byte a second", json!({ "fault": "drip" })),
        ("garbage", json!({ "fault": "garbage" })),
        ("drops before the head", json!({ "fault": "drop" })),
        ("closes behind the head", json!({ "fault": "cut" })),
        (
            "an error on the open connection",
            json!({ "fault": "error" }),
        ),
        (
            "refuses with 429",
            json!({ "fault": "refuse", "status": 429 }),
        ),
        (
            "refuses with 500",
            json!({ "fault": "refuse", "status": 500 }),
        ),
    ];
    ways.extend(match service {
        "chat" => vec![
            (
                "stalls in the answer",
                json!({ "fault": "stall", "after_tokens": 2 }),
            ),
            (
                "breaks off in the answer",
                json!({ "fault": "cut", "after_tokens": 2 }),
            ),
            (
                "an error in the answer",
                json!({ "fault": "error", "after_tokens": 2 }),
            ),
            (
                "refuses with 404",
                json!({ "fault": "refuse", "status": 404 }),
            ),
            (
                "refuses with 498",
                json!({ "fault": "refuse", "status": 498 }),
            ),
        ],
        "listen" => vec![
            (
                "closes at the first sound",
                json!({ "fault": "close", "after_messages": 1 }),
            ),
            (
                "closes at Finalize",
                json!({ "fault": "close", "after_kind": "Finalize" }),
            ),
            (
                "stalls at Finalize",
                json!({ "fault": "stall", "after_kind": "Finalize" }),
            ),
        ],
        "speak" => vec![
            (
                "closes at Speak",
                json!({ "fault": "close", "after_kind": "Speak" }),
            ),
            (
                "closes at Flush",
                json!({ "fault": "close", "after_kind": "Flush" }),
            ),
            (
                "closes in the sound",
                json!({ "fault": "close", "after_sounds": 3 }),
            ),
            (
                "stalls in the sound",
                json!({ "fault": "stall", "after_sounds": 3 }),
            ),
        ],
        _ => vec![
            (
                "breaks off in the sound",
                json!({ "fault": "cut", "after_sounds": 3 }),
            ),
            (
                "refuses with 413",
                json!({ "fault": "refuse", "status": 413 }),
            ),
        ],
    });
    ways
}

fn rule(service: &str, way: &Value, nth: Option<u64>) -> Value {
    let mut rule = way.clone();
    rule["service"] = service.into();
    if let Some(nth) = nth {
        rule["nth"] = nth.into();
    }
    rule
}

async fn try_out(
    providers: &Providers,
    edge: &Edge,
    name: &str,
    faults: &Value,
) -> anyhow::Result<Heard> {
    providers.set_script(script(faults)?);
    let heard = ask(providers, edge).await?;
    show(format_args!(
        "{name:<60} {:<9} longest silence {:>5.0} ms{}",
        heard.outcome(),
        heard.longest_silence(),
        if heard.is_over { ", call over" } else { "" }
    ));
    Ok(heard)
}

/// Each way once and for good; `beside` goes wrong all the time.
async fn all_ways(service: &str, beside: &[Value]) -> anyhow::Result<()> {
    let providers = scripted("{}").await?;
    let edge = Edge::start(&providers).await?;
    // What she says in every call is in memory after one that went wrong.
    let broken = json!([{ "service": "chat", "fault": "refuse", "status": 500 }]);
    try_out(&providers, &edge, "beforehand", &broken).await?;
    let mut findings = Vec::new();
    for (way, fault) in ways(service) {
        for (times, nth) in [("once", Some(1)), ("always", None)] {
            let name = format!("{service} {way}, {times}");
            let mut faults = beside.to_vec();
            faults.push(rule(service, &fault, nth));
            let heard = try_out(&providers, &edge, &name, &Value::from(faults)).await?;
            let outcome = heard.outcome();
            let is_fine = match nth {
                Some(_) => outcome == "answer",
                None => outcome != "nothing",
            };
            if !is_fine || heard.longest_silence() > TOO_LONG {
                findings.push(format!(
                    "{name}: {outcome}, {:.0} ms",
                    heard.longest_silence()
                ));
            }
        }
    }
    ensure!(findings.is_empty(), "{findings:#?}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_recogniser_broken_in_any_way_is_made_up_for() -> anyhow::Result<()> {
    all_ways("listen", &[]).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_model_broken_in_any_way_is_made_up_for() -> anyhow::Result<()> {
    all_ways("chat", &[]).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_voice_by_socket_broken_in_any_way_is_made_up_for() -> anyhow::Result<()> {
    all_ways("speak", &[]).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_voice_by_request_broken_in_any_way_is_made_up_for() -> anyhow::Result<()> {
    // The socket takes nothing but every second connection, so that requests are needed and the socket can be tried again.
    let beside = json!({ "service": "speak", "fault": "refuse", "status": 429, "nth": 1 });
    all_ways("speak_rest", &[beside]).await
}
