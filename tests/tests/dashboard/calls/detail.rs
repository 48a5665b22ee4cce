//! One call.

use std::time::Duration;

use anyhow::{Context, ensure};
use serde_json::{Value, json};
use tests::door::{Door, Guest};
use tests::figures::show;
use tests::words::GREETING;

use super::{NAME, NUMBER};
use crate::{Office, now};

pub(super) async fn a_call_is_told_in_full(office: &Office) -> anyhow::Result<()> {
    let before = now()?;
    let guest =
        Guest::greeted(Door::Phone, &office.providers, &office.edge, Duration::ZERO).await?;
    for word in ["alpha", "bravo", "charlie", "delta"] {
        guest.ask(700).await.context(word)?;
    }
    guest.hang_up().await?;
    let after = now()?;
    office.rows("SELECT id FROM calls WHERE site = ?1").await?;
    let list = office.get("/api/calls").await?;
    let call = list["calls"][0].clone();
    let id = call["id"].as_str().unwrap_or_default();
    let detail = office.get(&format!("/api/calls/{id}")).await?;
    ensure!(detail["call"] == call, "{detail}");

    ensure!(
        call["door"] == "phone"
            && call["caller"] == NUMBER
            && call["name"] == NAME
            && call["outcome"] == "hung_up",
        "{call}"
    );
    let (started, ended) = (at(&call["started"]), at(&call["ended"]));
    ensure!(
        before <= started && started < ended && ended <= after,
        "{call}"
    );
    ensure!(call["length_ms"] == ended - started, "{call}");

    let turns = detail["turns"].as_array().context("no turns")?;
    let said: Vec<(&str, &str)> = turns
        .iter()
        .map(|turn| {
            (
                turn["caller"].as_str().unwrap_or_default(),
                turn["heard"].as_str().unwrap_or_default(),
            )
        })
        .collect();
    for (said, heard) in &said {
        show(format_args!("{said:?}: {heard:?}"));
    }
    let told = [
        ("", GREETING),
        ("what is free, alpha", "Ten is free."),
        ("then book me, bravo", "You are booked."),
        ("and a message, charlie", "I took that down."),
        ("thank you, delta", "Goodbye then."),
    ];
    ensure!(said == told, "{said:?}");
    ensure!(call["turns"] == turns.len(), "{call}");
    let mut last = started;
    for turn in turns {
        ensure!(
            turn["outcome"] == "completed" && turn["unheard"] == "",
            "{turn}"
        );
        ensure!(
            last <= at(&turn["ended"]) && at(&turn["ended"]) <= ended,
            "{turn}"
        );
        last = at(&turn["ended"]);
        // What answers a caller was heard, thought of and spoken; each takes its time.
        let stages = [
            "endpointing_ms",
            "first_token_ms",
            "first_piece_ms",
            "first_audio_ms",
            "sent_ms",
            "voice_to_voice_ms",
        ];
        let measured = stages.iter().filter(|stage| turn[**stage].is_u64()).count();
        ensure!(measured == stages.len() || turn["caller"] == "", "{turn}");
    }
    let latencies = turns
        .iter()
        .filter_map(|turn| turn["voice_to_voice_ms"].as_i64());
    let (count, fast) = (
        latencies.clone().count(),
        latencies.filter(|latency| *latency < 500).count(),
    );
    ensure!(
        call["replies"] == count && count == 4 && call["fast_replies"] == fast,
        "{call}"
    );

    let runs = detail["tool_runs"].as_array().context("no tool runs")?;
    let names: Vec<&str> = runs.iter().filter_map(|run| run["name"].as_str()).collect();
    ensure!(
        names == ["check_availability", "book_appointment", "take_message"],
        "{names:?}"
    );
    for run in runs {
        let read =
            |name: &str| serde_json::from_str::<Value>(run[name].as_str().unwrap_or_default());
        let (arguments, result) = (read("arguments")?, read("result")?);
        ensure!(arguments.is_object() && result["ok"] == true, "{run}");
        ensure!(
            run["took_ms"].is_u64() && (started..=ended).contains(&at(&run["started"])),
            "{run}"
        );
        let turn = turns.iter().any(|turn| turn["turn"] == run["turn"]);
        ensure!(turn && run["n"] == 0, "{run}");
    }
    what_came_of_it(office, &detail).await?;
    let nobody = office.owner.get("/api/calls/nobody").await?;
    ensure!(
        nobody.status == 404 && nobody.code() == "not_found",
        "{}",
        nobody.text
    );
    Ok(())
}

async fn what_came_of_it(office: &Office, detail: &Value) -> anyhow::Result<()> {
    let call = &detail["call"];
    let bookings = detail["bookings"].as_array().context("no bookings")?;
    ensure!(
        bookings.len() == 1 && call["bookings"] == 1 && call["booking"] == bookings[0]["id"],
        "{call}"
    );
    let booking = &bookings[0];
    ensure!(
        booking["call"] == call["id"]
            && booking["name"] == NAME
            && booking["phone"] == NUMBER
            && booking["starts"]["time"] == "10:00",
        "{booking}"
    );
    ensure!(
        call["revenue"] == booking["price"] && call["revenue"]["minor"] == 9_000,
        "{call}"
    );
    let listed = office
        .get(&format!(
            "/api/bookings?from={0}&to={0}",
            booking["starts"]["day"].as_str().unwrap_or_default()
        ))
        .await?;
    ensure!(crate::bookings(&listed) == bookings[..], "{listed}");

    let messages = detail["messages"].as_array().context("no messages")?;
    ensure!(messages.len() == 1 && call["messages"] == 1, "{call}");
    let message = &messages[0];
    ensure!(
        message["call"] == call["id"]
            && message["text"] == "Call me about my tooth."
            && message["name"] == NAME
            && message["phone"] == NUMBER
            && message["done"].is_null(),
        "{message}"
    );
    let path = format!(
        "/api/messages/{}",
        message["id"].as_str().unwrap_or_default()
    );
    for (change, waiting, done) in [("done", 0, 1), ("done", 0, 1), ("undone", 1, 0)] {
        let answer = office
            .owner
            .post(&format!("{path}/{change}"), &json!({}))
            .await?;
        ensure!(answer.status == 200, "{}", answer.text);
        for (state, count) in [("waiting", waiting), ("done", done), ("all", 1)] {
            let listed = office.get(&format!("/api/messages?state={state}")).await?;
            ensure!(
                super::ids(&listed["messages"]).len() == count,
                "{change}, {state}: {listed}"
            );
        }
    }
    let audited = office
        .rows("SELECT action, count(*) AS times, count(user_id) AS told FROM audit WHERE action GLOB 'message.*' AND ?1 = ?1 GROUP BY action")
        .await?;
    let expected = [
        json!({ "action": "message.done", "times": 2, "told": 2 }),
        json!({ "action": "message.undone", "times": 1, "told": 1 }),
    ];
    ensure!(audited == expected, "{audited:?}");
    for used in ["recogniser_ms", "tokens_in", "tokens_out", "characters"] {
        ensure!(
            detail["usage"][used].as_i64() > Some(0),
            "{used}: {}",
            detail["usage"]
        );
    }
    show(format_args!("used: {}", detail["usage"]));
    Ok(())
}

fn at(moment: &Value) -> i64 {
    moment["at"].as_i64().unwrap_or_default()
}
