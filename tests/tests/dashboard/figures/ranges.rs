//! Ranges of days beside those before them, and in days and weeks.

use anyhow::{Context, ensure};
use front_desk::zone::{Zone, plus_days};
use front_desk::{Date, Weekday};
use serde_json::{Value, json};
use tests::figures::show;

use super::{current, ensure_share};
use crate::{Office, SITE, now};

/// A call that is over, in the past.
struct Past {
    days_ago: i32,
    /// Of its replies.
    latencies: &'static [i64],
    price: i64,
}

const fn past(days_ago: i32, latencies: &'static [i64], price: i64) -> Past {
    Past {
        days_ago,
        latencies,
        price,
    }
}

/// The last seven days are 0 to 6 days ago, and the seven before them 7 to 13.
const PAST: [Past; 8] = [
    past(1, &[310, 470], 1_000),
    past(3, &[520], 0),
    past(6, &[2_350, 90], 500),
    past(7, &[410], 400),
    past(10, &[505, 730, 11_000], 0),
    past(13, &[60, 60], 300),
    past(14, &[999], 77),
    past(40, &[1, 2, 3], 55),
];

pub(super) async fn ranges_are_compared(office: Office, zone: &Zone) -> anyhow::Result<()> {
    let today = zone.today(now()?);
    let on = |past: &Past| plus_days(today, -past.days_ago);
    let (mut calls, mut turns, mut bookings) = (Vec::new(), Vec::new(), Vec::new());
    for past in &PAST {
        let (day, start) = (on(past), zone.start_of(on(past)) + 3_600_000);
        let id = format!("past-{}", past.days_ago);
        let fast = past
            .latencies
            .iter()
            .filter(|latency| **latency < 500)
            .count();
        calls.push(json!([
            id,
            SITE,
            start,
            start + 60_000,
            day,
            past.latencies.len() + 1,
            past.latencies.len(),
            fast,
            past.latencies.len()
        ]));
        for (turn, latency) in (1..).zip(past.latencies) {
            turns.push(json!([id, turn, start, latency]));
        }
        if past.price > 0 {
            bookings.push(json!([
                id,
                SITE,
                id,
                id,
                past.price,
                start,
                start + 60_000,
                start,
                day
            ]));
        }
    }
    let before = current(&office).await?;
    let office = office
        .rewritten(&[
            (
                "INSERT INTO bookings (id, site, request_key, call_id, service, service_name, price, starts_at, ends_at, name, made_at, made_on, \
                 changed_at) VALUES (?, ?, ?, ?, 'cleaning', 'cleaning', ?, ?, ?, 'Ann Lee', ?, ?, 0)",
                bookings,
            ),
            (
                "INSERT INTO calls (id, site, door, started_at, ended_at, outcome, day, turns, replies, fast_replies, interruptions) \
                 VALUES (?, ?, 'browser', ?, ?, 'completed', ?, ?, ?, ?, ?)",
                calls,
            ),
            (
                "INSERT INTO turns (call_id, turn, ended_at, outcome, caller_text, agent_heard, agent_unheard, voice_to_voice_ms) \
                 VALUES (?, ?, ?, 'completed', '', '', '', ?)",
                turns,
            ),
        ])
        .await?;
    let metrics = office.get("/api/metrics").await?;
    let figures = |days: std::ops::RangeInclusive<i32>| {
        let of_range = PAST
            .iter()
            .filter(move |past| days.contains(&past.days_ago));
        let latencies: Vec<i64> = of_range
            .clone()
            .flat_map(|past| past.latencies)
            .copied()
            .collect();
        (
            of_range.clone().count() as i64,
            of_range.map(|past| past.price).sum::<i64>(),
            latencies,
        )
    };
    let (calls, revenue, _) = figures(0..=6);
    let number = |figures: &Value, pointer: &str| {
        figures
            .pointer(pointer)
            .and_then(Value::as_i64)
            .unwrap_or(-1)
    };
    let now = &metrics["current"];
    ensure!(
        number(now, "/calls") == number(&before, "/calls") + calls,
        "{now}"
    );
    ensure!(
        number(now, "/revenue/minor") == number(&before, "/revenue/minor") + revenue,
        "{now}"
    );

    let (calls, revenue, latencies) = figures(7..=13);
    let then = &metrics["previous"];
    for (pointer, expected) in [
        ("/calls", calls),
        ("/phone_calls", 0),
        ("/call_ms", calls * 60_000),
        ("/turns", calls + latencies.len() as i64),
        ("/replies", latencies.len() as i64),
        ("/bookings", 2),
        ("/revenue/minor", revenue),
        ("/interruptions", latencies.len() as i64),
    ] {
        ensure!(
            number(then, pointer) == expected,
            "{pointer} should be {expected}: {then}"
        );
    }
    ensure_share(
        &then["fast_share"],
        latencies.iter().filter(|latency| **latency < 500).count(),
        latencies.len(),
    )?;
    ensure_share(
        &then["interruption_share"],
        latencies.len(),
        latencies.len() + calls as usize,
    )?;
    ensure_rank(&then["median_ms"], &latencies, 50)?;
    ensure_rank(&then["p95_ms"], &latencies, 95)?;
    for (field, pointer) in [
        ("calls", "/calls"),
        ("revenue", "/revenue/minor"),
        ("bookings", "/bookings"),
    ] {
        let expected = number(now, pointer) as f64 / number(then, pointer) as f64 - 1.0;
        let told = metrics["change"][field].as_f64().context("no change")?;
        ensure!(
            (told - expected).abs() < 0.0001,
            "{field}: {told}, not {expected}"
        );
        show(format_args!(
            "{field}: {} after {}, a change of {told}",
            number(now, pointer),
            number(then, pointer)
        ));
    }
    ensure!(
        metrics["change"]["messages"].is_null(),
        "nothing is no part of something"
    );
    weeks_and_days_agree(&office, zone, today).await
}

/// A percentile is known to the width of its bucket.
fn ensure_rank(told: &Value, latencies: &[i64], percent: usize) -> anyhow::Result<()> {
    let mut sorted = latencies.to_vec();
    sorted.sort_unstable();
    let rank = (sorted.len() * percent).div_ceil(100);
    let exact = sorted[rank - 1];
    let width = if exact < 2_000 { 20 } else { 200 };
    let told = told.as_i64().context("no percentile")?;
    let is_close = if exact < 10_000 {
        (told - exact).abs() <= width
    } else {
        told >= 10_000
    };
    ensure!(is_close, "{told} ms for {exact} ms");
    show(format_args!(
        "{percent} of 100 below {told} ms, exactly {exact} ms"
    ));
    Ok(())
}

async fn weeks_and_days_agree(office: &Office, zone: &Zone, today: Date) -> anyhow::Result<()> {
    let from = plus_days(today, -45);
    let range = |step: &str| format!("/api/metrics?from={from}&to={today}&step={step}");
    let (days, weeks) = (
        office.get(&range("day")).await?,
        office.get(&range("week")).await?,
    );
    ensure!(
        days["current"] == weeks["current"] && days["previous"] == weeks["previous"],
        "the sums differ"
    );
    let points = |metrics: &Value| metrics["series"].as_array().cloned().unwrap_or_default();
    let (days, weeks, whole) = (points(&days), points(&weeks), days["current"].clone());
    ensure!(days.len() == 46, "{} days", days.len());
    for (index, point) in (0..).zip(&days) {
        ensure!(
            point["start"]["day"] == plus_days(from, index).to_string(),
            "{point}"
        );
    }
    let monday = |day: Date| {
        let since = (0..7).find(|since| plus_days(day, -since).weekday() == Weekday::Monday);
        plus_days(day, -since.unwrap_or_default())
    };
    let mut starts: Vec<Date> = (0..46)
        .map(|index| monday(plus_days(from, index)))
        .collect();
    starts.dedup();
    let told: Vec<&str> = weeks
        .iter()
        .filter_map(|point| point["start"]["day"].as_str())
        .collect();
    ensure!(
        told == starts.iter().map(Date::to_string).collect::<Vec<_>>(),
        "{told:?}"
    );
    for pointer in ["/calls", "/bookings", "/revenue/minor", "/replies"] {
        let of = |point: &Value| {
            point
                .pointer(pointer)
                .and_then(Value::as_i64)
                .unwrap_or_default()
        };
        for (start, week) in starts.iter().zip(&weeks) {
            let in_week = (0..)
                .zip(&days)
                .filter(|(index, _)| monday(plus_days(from, *index)) == *start);
            let sum: i64 = in_week.map(|(_, point)| of(point)).sum();
            ensure!(
                of(week) == sum,
                "{pointer} of the week of {start}: {sum}, not {}",
                of(week)
            );
        }
        let sum: i64 = days.iter().map(of).sum();
        ensure!(of(&whole) == sum, "{pointer}: {sum}, not {}", of(&whole));
        show(format_args!(
            "{pointer} of 46 days, {} weeks and the range: {sum}",
            weeks.len()
        ));
    }
    // A day by itself is what it is in the series.
    for past in &PAST[..3] {
        let day = plus_days(today, -past.days_ago);
        let alone = office
            .get(&format!("/api/metrics?from={day}&to={day}"))
            .await?;
        ensure!(
            alone["series"].as_array().map(Vec::len) == Some(1),
            "{alone}"
        );
        ensure!(
            alone["current"]["calls"] == 1 && alone["current"]["revenue"]["minor"] == past.price,
            "{alone}"
        );
        ensure!(alone["site"]["zone"] == zone.name(), "{alone}");
    }
    Ok(())
}
