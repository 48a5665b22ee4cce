//! What the figures say against what was done, to the cent and the millisecond.

mod ranges;

use std::time::Duration;

use anyhow::{Context, ensure};
use front_desk::Weekday;
use front_desk::zone::Zone;
use serde_json::{Value, json};
use tests::calendar::wall_clock;
use tests::door::{Door, Guest};
use tests::figures::show;

use crate::{Office, ahead, now};

/// What a cleaning costs here: nothing that is a sum of other prices.
const CLEANING: i64 = 12_345;
const CHECK_UP: i64 = 6_000;
const WHITENING: i64 = 25_000;

/// A zone whose day is not UTC's just now.
fn another_day(now: i64) -> anyhow::Result<Zone> {
    let zones = ["Pacific/Kiritimati", "Etc/GMT+12"].map(Zone::parse);
    let mut zones = zones.into_iter().flatten();
    zones
        .find(|zone| zone.today(now) != Zone::default().today(now))
        .context("one of them is always on another day")
}

fn script() -> anyhow::Result<Value> {
    let appointment = json!({ "service": "cleaning", "date": ahead(Weekday::Wednesday)?, "time": "10:00", "name": "Ann Lee" });
    let message = json!({ "text": "Call me.", "name": "Ann Lee" });
    Ok(json!({
        "utterances": ["alpha", "bravo", "charlie"],
        "replies": [
            { "when": "alpha", "tool_call": { "name": "book_appointment", "arguments": appointment }, "say": "You are booked." },
            { "when": "bravo", "tool_call": { "name": "take_message", "arguments": message }, "say": "I took that down." },
            { "when": "charlie", "say": "Goodbye then." }
        ]
    }))
}

#[tokio::test(flavor = "multi_thread")]
async fn the_figures_are_the_sum_of_what_happened() -> anyhow::Result<()> {
    let office = Office::open(&script()?.to_string()).await?;
    let zone = another_day(now()?)?;
    let saved = office
        .save(|business| {
            business["zone"] = zone.name().into();
            business["services"][1]["price"] = CLEANING.into();
        })
        .await?;
    ensure!(saved.status == 200, "{}", saved.text);
    nothing_has_happened(&office).await?;
    the_staff_book(&office).await?;
    let calls = callers_book(&office, &zone).await?;
    parts_make_the_whole(&office, &zone, calls).await?;
    ranges::ranges_are_compared(office, &zone).await
}

async fn current(office: &Office) -> anyhow::Result<Value> {
    Ok(office.get("/api/metrics").await?["current"].clone())
}

async fn nothing_has_happened(office: &Office) -> anyhow::Result<()> {
    let metrics = office.get("/api/metrics").await?;
    for figures in [&metrics["current"], &metrics["previous"]] {
        let counts = [
            "calls",
            "phone_calls",
            "call_ms",
            "turns",
            "bookings",
            "staff_bookings",
            "messages",
            "replies",
            "interruptions",
        ];
        ensure!(counts.iter().all(|count| figures[*count] == 0), "{figures}");
        ensure!(
            figures["revenue"] == json!({ "minor": 0, "amount": "0", "currency": "USD" })
                && figures["median_ms"].is_null()
                && figures["fast_share"].is_null(),
            "{figures}"
        );
    }
    let change = metrics["change"].as_object().context("no change")?;
    ensure!(change.values().all(Value::is_null), "{change:?}");
    let series = metrics["series"].as_array().context("no series")?;
    ensure!(
        series.len() == 7 && series.iter().all(|point| point["calls"] == 0),
        "{series:?}"
    );
    Ok(())
}

async fn ensure_staff(office: &Office, bookings: i64, revenue: i64) -> anyhow::Result<()> {
    let current = current(office).await?;
    let counted = (
        &current["staff_bookings"],
        &current["staff_revenue"]["minor"],
    );
    ensure!(counted == (&json!(bookings), &json!(revenue)), "{current}");
    ensure!(
        current["bookings"] == 0 && current["revenue"]["minor"] == 0,
        "{current}"
    );
    Ok(())
}

async fn the_staff_book(office: &Office) -> anyhow::Result<()> {
    let day = ahead(Weekday::Thursday)?;
    office.book("check-up", (day, "09:00"), "Ann Lee").await?;
    ensure_staff(office, 1, CHECK_UP).await?;
    let cleaning = office.book("cleaning", (day, "10:00"), "Ben Orr").await?;
    office.book("whitening", (day, "11:00"), "Cy Poe").await?;
    ensure_staff(office, 3, CHECK_UP + CLEANING + WHITENING).await?;
    let refused = office
        .ask_for("whitening", (day, "11:30"), "Dee Ray")
        .await?;
    ensure!(refused.code() == "taken", "{}", refused.text);
    ensure_staff(office, 3, CHECK_UP + CLEANING + WHITENING).await?;
    let id = cleaning["id"].as_str().unwrap_or_default();
    for (change, bookings) in [
        ("cancel", 2),
        ("cancel", 2),
        ("restore", 3),
        ("restore", 3),
        ("cancel", 2),
    ] {
        let path = format!("/api/bookings/{id}/{change}");
        office.owner.post(&path, &json!({})).await?;
        let revenue = CHECK_UP + WHITENING + if bookings == 3 { CLEANING } else { 0 };
        ensure_staff(office, bookings, revenue)
            .await
            .context(change)?;
    }
    show(format_args!(
        "three bookings of the staff's, one of them cancelled, restored and cancelled: 2, {} cents",
        CHECK_UP + WHITENING
    ));
    // A price that is raised later changes nothing that was agreed.
    let saved = office
        .save(|business| business["services"][0]["price"] = 1.into())
        .await?;
    ensure!(saved.status == 200, "{}", saved.text);
    ensure_staff(office, 2, CHECK_UP + WHITENING).await
}

/// Two calls, one of which books. Gives all calls' details.
async fn callers_book(office: &Office, zone: &Zone) -> anyhow::Result<Vec<Value>> {
    for (door, words) in [(Door::Phone, 3), (Door::Browser, 0)] {
        let guest = Guest::greeted(door, &office.providers, &office.edge, Duration::ZERO).await?;
        for _ in 0..words {
            guest.ask(700).await?;
        }
        guest.hang_up().await?;
        let delivered = format!(
            "SELECT id FROM calls WHERE site = ?1 AND door = '{}'",
            if door == Door::Phone {
                "phone"
            } else {
                "browser"
            }
        );
        office.rows(&delivered).await?;
    }
    let list = office.get("/api/calls").await?;
    let mut details = Vec::new();
    for call in list["calls"].as_array().context("no calls")? {
        let id = call["id"].as_str().unwrap_or_default();
        details.push(office.get(&format!("/api/calls/{id}")).await?);
        // Its day is the business's own.
        let at = call["started"]["at"].as_i64().context("no start")?;
        let shown = wall_clock(zone.name(), &[at]).await?;
        let told = format!(
            "{} {}",
            call["started"]["day"].as_str().unwrap_or_default(),
            call["started"]["time"].as_str().unwrap_or_default()
        );
        ensure!(shown == [told.clone()], "{told}, not {shown:?}");
    }
    ensure!(details.len() == 2, "{list}");
    let [browser, phone] = &details[..] else {
        anyhow::bail!("two calls")
    };
    let (door, booked) = (&phone["call"]["door"], &phone["call"]["revenue"]["minor"]);
    ensure!(door == "phone" && *booked == CLEANING, "{phone}");
    ensure!(browser["call"]["revenue"]["minor"] == 0, "{browser}");

    let figures = current(office).await?;
    let sum = |of: &dyn Fn(&Value) -> Option<i64>| -> i64 { details.iter().filter_map(of).sum() };
    let turns = |detail: &Value| detail["turns"].as_array().cloned().unwrap_or_default();
    let latencies: Vec<i64> = details
        .iter()
        .flat_map(turns)
        .filter_map(|turn| turn["voice_to_voice_ms"].as_i64())
        .collect();
    for (field, expected) in [
        ("calls", 2),
        ("phone_calls", 1),
        (
            "call_ms",
            sum(&|detail| detail["call"]["length_ms"].as_i64()),
        ),
        (
            "turns",
            sum(&|detail| i64::try_from(turns(detail).len()).ok()),
        ),
        ("replies", i64::try_from(latencies.len())?),
        (
            "interruptions",
            sum(&|detail| {
                i64::try_from(
                    turns(detail)
                        .iter()
                        .filter(|turn| turn["outcome"] == "interrupted")
                        .count(),
                )
                .ok()
            }),
        ),
        ("bookings", 1),
        ("messages", 1),
        ("staff_bookings", 2),
    ] {
        ensure!(
            figures[field] == expected,
            "{field} should be {expected}: {figures}"
        );
        show(format_args!("{field}: {expected}"));
    }
    ensure!(
        figures["revenue"]["minor"] == CLEANING && figures["revenue"]["amount"] == "123.45",
        "{figures}"
    );
    for field in ["recogniser_ms", "tokens_in", "tokens_out", "characters"] {
        let used = sum(&|detail| detail["usage"][field].as_i64());
        ensure!(
            figures["usage"][field] == used && used > 0,
            "{field} {used}: {figures}"
        );
        show(format_args!("{field}: {used}"));
    }
    ensure_share(
        &figures["fast_share"],
        latencies.iter().filter(|latency| **latency < 500).count(),
        latencies.len(),
    )?;

    // The staff cancel what was booked in the call: it is out of the call's figures and the day's, and back in them when it is restored.
    let booking = phone["bookings"][0]["id"].as_str().unwrap_or_default();
    let call = phone["call"]["id"].as_str().unwrap_or_default();
    for (change, count, revenue) in [("cancel", 0, 0), ("restore", 1, CLEANING)] {
        let path = format!("/api/bookings/{booking}/{change}");
        office.owner.post(&path, &json!({})).await?;
        let figures = current(office).await?;
        ensure!(
            figures["bookings"] == count && figures["revenue"]["minor"] == revenue,
            "{change}: {figures}"
        );
        ensure!(
            figures["staff_bookings"] == 2 && figures["calls"] == 2,
            "{change}: {figures}"
        );
        let detail = office.get(&format!("/api/calls/{call}")).await?;
        ensure!(
            detail["call"]["revenue"]["minor"] == revenue,
            "{change}: {detail}"
        );
    }
    Ok(details)
}

fn ensure_share(share: &Value, part: usize, whole: usize) -> anyhow::Result<()> {
    let expected = part as f64 / whole as f64;
    let told = share.as_f64().context("no share")?;
    ensure!(
        (told - expected).abs() < 0.0001,
        "{told}, not {part} of {whole}"
    );
    Ok(())
}

/// Each day's figures, and each week's, make the range's.
async fn parts_make_the_whole(
    office: &Office,
    zone: &Zone,
    calls: Vec<Value>,
) -> anyhow::Result<()> {
    let day = calls[0]["call"]["started"]["day"].clone();
    let metrics = office.get("/api/metrics").await?;
    ensure!(
        metrics["to"]["day"] == zone.today(now()?).to_string(),
        "{}",
        metrics["to"]
    );
    let series = metrics["series"].as_array().context("no series")?;
    for point in series {
        let (count, revenue) = if point["start"]["day"] == day {
            (2, CLEANING)
        } else {
            (0, 0)
        };
        ensure!(
            point["calls"] == count && point["revenue"]["minor"] == revenue,
            "{point}"
        );
    }
    ensure!(
        series.iter().any(|point| point["start"]["day"] == day),
        "{day} is not there"
    );
    show(format_args!(
        "all of it is on {day}, the day of {}",
        zone.name()
    ));
    Ok(())
}
