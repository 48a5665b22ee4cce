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

/// How many of the ways are tried for good: those that are the same for every provider, but the refusals.
const FOR_GOOD: usize = 7;

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

/// So many of one provider's failures do not bring Safe Mode yet.
const BEFORE_SAFE_MODE: usize = 3;

/// Each way once, and those that are the same for a whole connection for good; `beside` goes wrong as well.
async fn all_ways(service: &str, beside: &[Value]) -> anyhow::Result<()> {
    let providers = scripted("{}").await?;
    let mut findings = Vec::new();
    let mut check = |name: &str, heard: &Heard, is_fine: bool| {
        let (outcome, silence) = (heard.outcome(), heard.longest_silence());
        if !is_fine || silence > TOO_LONG {
            findings.push(format!("{name}: {outcome}, {silence:.0} ms"));
        }
    };
    let with = |way: &Value, nth: Option<u64>| {
        let mut faults = beside.to_vec();
        faults.push(rule(service, way, nth));
        Value::from(faults)
    };
    for some in ways(service).chunks(BEFORE_SAFE_MODE) {
        let edge = Edge::start(&providers).await?;
        for (way, fault) in some {
            let name = format!("{service} {way}, once");
            let heard = try_out(&providers, &edge, &name, &with(fault, Some(1))).await?;
            check(&name, &heard, heard.outcome() == "answer");
        }
    }
    for (way, fault) in ways(service).iter().take(FOR_GOOD) {
        let edge = Edge::start(&providers).await?;
        let name = format!("{service} {way}, always");
        let heard = try_out(&providers, &edge, &name, &with(fault, None)).await?;
        check(&name, &heard, heard.outcome() != "nothing");
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
