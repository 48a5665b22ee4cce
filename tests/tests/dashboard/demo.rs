//! Businesses that are made up, and how they go.

use anyhow::{Context, ensure};
use front_desk::business::Business;
use front_desk::zone::plus_days;
use serde_json::{Value, json};
use tests::database;
use tests::figures::show;

use crate::{Office, SITE, now};

/// What is made up, and what is not; each gets the same records.
const SITES: [(&str, bool); 4] = [
    (SITE, false),
    ("second-practice", false),
    ("sample", true),
    ("another-sample", true),
];

/// The tables that name a business; turns and tool runs are their calls'.
const TABLES: [&str; 9] = [
    "services",
    "hours",
    "exceptions",
    "exception_hours",
    "calls",
    "bookings",
    "messages",
    "days",
    "sites",
];

#[tokio::test(flavor = "multi_thread")]
async fn what_was_made_up_goes_and_nothing_else() -> anyhow::Result<()> {
    let office = filled().await?;
    let sites = office.get("/api/sites").await?["sites"].clone();
    let listed: Vec<(&str, bool)> = sites
        .as_array()
        .context("no sites")?
        .iter()
        .filter_map(|site| Some((site["id"].as_str()?, site["demo"].as_bool()?)))
        .collect();
    let expected = [
        (SITE, false),
        ("second-practice", false),
        ("another-sample", true),
        ("sample", true),
    ];
    ensure!(listed == expected, "{sites}");
    let mut seen = Vec::new();
    for (site, demo) in SITES {
        let counts = counts(&office, site).await?;
        ensure!(counts.iter().all(|count| *count > 0), "{site}: {counts:?}");
        let shown = shown(&office, site).await?;
        // Nobody's figures have another's in them.
        ensure!(
            shown[1]["current"]["calls"] == 3
                && shown[2]["calls"].as_array().map(Vec::len) == Some(3),
            "{site}: {}",
            shown[1]
        );
        ensure!(
            shown.iter().all(|answer| answer["site"]["demo"] == demo),
            "{site}"
        );
        seen.push((counts, shown));
    }

    let viewer = office.owner.viewer().await?;
    let refused = viewer.delete("/api/demo").await?;
    ensure!(
        refused.status == 403 && refused.code() == "owner_only",
        "{}",
        refused.text
    );
    // Whichever business the page shows.
    let removed = office.owner.delete("/api/demo?site=demo-dental").await?;
    ensure!(
        removed.status == 204 && removed.text.is_empty(),
        "{}",
        removed.text
    );
    for ((site, demo), (before, known)) in SITES.into_iter().zip(&seen) {
        let after = counts(&office, site).await?;
        show(format_args!(
            "{site}, made up: {demo}: {before:?} rows before, {after:?} after"
        ));
        if demo {
            ensure!(after.iter().all(|count| *count == 0), "{site}: {after:?}");
            let gone = office
                .owner
                .get(&format!("/api/metrics?site={site}"))
                .await?;
            ensure!(gone.status == 404, "{}", gone.text);
        } else {
            ensure!(
                after == *before && shown(&office, site).await? == *known,
                "{site} is not what it was"
            );
        }
    }
    let again = office.owner.delete("/api/demo").await?;
    ensure!(again.status == 204, "{}", again.text);
    let audited = office
        .number("SELECT count(*) FROM audit WHERE action = 'demo.remove' AND ?1 = ?1")
        .await?;
    ensure!(audited == 2, "{audited} in the audit");
    Ok(())
}

/// What the pages show of a business.
async fn shown(office: &Office, site: &str) -> anyhow::Result<Vec<Value>> {
    let mut all = Vec::new();
    for path in [
        "settings?",
        "metrics?",
        "calls?",
        &format!("calls/{site}-0?"),
        "bookings?",
        "messages?",
    ] {
        all.push(office.get(&format!("/api/{path}&site={site}")).await?);
    }
    Ok(all)
}

/// Rows of a business in each table, and of its calls.
async fn counts(office: &Office, site: &str) -> anyhow::Result<Vec<i64>> {
    let of_site = TABLES.map(|table| {
        let column = if table == "sites" { "id" } else { "site" };
        format!("(SELECT count(*) FROM {table} WHERE {column} = ?1)")
    });
    // A call's rows have its id, and the ids of these tests begin with the business's.
    let of_calls = ["turns", "tool_runs"]
        .map(|table| format!("(SELECT count(*) FROM {table} WHERE call_id GLOB ?1 || '-[0-9]')"));
    let columns = [&of_site[..], &of_calls[..]].concat().join(", ");
    let rows = database::rows(
        office.state.path(),
        &format!("SELECT json_array({columns}) AS counts"),
        site,
    )
    .await?;
    let counts = rows[0]["counts"].as_str().context("no counts")?;
    Ok(serde_json::from_str(counts)?)
}

/// An office with four businesses, three calls in each.
async fn filled() -> anyhow::Result<Office> {
    let office = Office::open("{}").await?;
    office.get("/api/settings").await?;
    let now = now()?;
    let today = Business::demo().zone.today(now).to_string();
    let mut settings = json!(Business::demo());
    for part in ["id", "services", "hours"] {
        settings
            .as_object_mut()
            .context("no settings")?
            .remove(part);
    }
    let others = SITES.iter().skip(1).map(|(site, demo)| {
        json!([
            site,
            settings.to_string(),
            i64::from(*demo),
            format!("{site}-token-0123456789"),
            now,
            now
        ])
    });
    let each = |row: &dyn Fn(&str) -> Value| -> Vec<Value> {
        SITES.iter().map(|(site, _)| row(site)).collect()
    };
    let calls = |row: &dyn Fn(&str, String, i64) -> Value| -> Vec<Value> {
        let three = |site: &'static str| (0..3).map(move |n| (site, format!("{site}-{n}"), n));
        let all = SITES.iter().flat_map(|(site, _)| three(site));
        all.map(|(site, id, n)| row(site, id, n)).collect()
    };
    let hour = 3_600_000;
    office
        .rewritten(&[
            ("INSERT INTO sites (id, settings, demo, calendar_token, created_at, updated_at) VALUES (?, ?, ?, ?, ?, ?)", others.collect()),
            ("INSERT INTO services (site, id, position, name, minutes, price) VALUES (?, 'polish', 9, 'polish', 10, 1)", each(&|site| json!([site]))),
            ("INSERT INTO hours (site, weekday, opens, closes) VALUES (?, 7, 600, 660)", each(&|site| json!([site]))),
            ("INSERT INTO exceptions (site, day, reason) VALUES (?, '2030-12-24', 'Christmas Eve')", each(&|site| json!([site]))),
            ("INSERT INTO exception_hours (site, day, opens, closes) VALUES (?, '2030-12-24', 540, 600)", each(&|site| json!([site]))),
            (
                "INSERT INTO calls (id, site, door, started_at, ended_at, outcome, day, turns) VALUES (?, ?, 'browser', ?, ?, 'completed', ?, 1)",
                calls(&|site, id, n| json!([id, site, now - n * 1_000, now, today])),
            ),
            (
                "INSERT INTO turns (call_id, turn, ended_at, outcome, caller_text, agent_heard, agent_unheard, voice_to_voice_ms) \
                 VALUES (?, 1, ?, 'completed', 'Hello?', 'Hello.', '', 400)",
                calls(&|_, id, _| json!([id, now])),
            ),
            (
                "INSERT INTO tool_runs (call_id, turn, n, name, arguments, started_at) VALUES (?, 1, 0, 'take_message', '{}', ?)",
                calls(&|_, id, _| json!([id, now])),
            ),
            (
                "INSERT INTO bookings (id, site, request_key, call_id, service, service_name, price, starts_at, ends_at, name, \
                 made_at, made_on, changed_at) \
                 VALUES (?, ?, ?, ?, 'cleaning', 'cleaning', 9000, ?, ?, 'Ann Lee', ?, ?, ?)",
                calls(&|site, id, n| {
                    let from = now + (n + 1) * hour;
                    json!([id, site, id, id, from, from + hour, now, today, now])
                }),
            ),
            (
                "INSERT INTO messages (id, site, request_key, call_id, taken_at, taken_on, name, text) \
                 VALUES (?, ?, ?, ?, ?, ?, 'Ann Lee', 'Call me.')",
                calls(&|site, id, _| json!([id, site, id, id, now, today])),
            ),
        ])
        .await
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_made_up_is_marked_counted_apart_and_made_anew() -> anyhow::Result<()> {
    let office = Office::open("{}").await?;
    let listed = office.get("/api/sites").await?;
    ensure!(
        listed["sites"].as_array().map(Vec::len) == Some(1) && listed["sites"][0]["id"] == SITE,
        "{listed}"
    );
    let mut before = None;
    for _ in 0..2 {
        let made = office.owner.post("/api/demo", &json!({})).await?;
        ensure!(made.status == 204, "{}", made.text);
        let sample = office.get("/api/metrics?site=sample").await?;
        let figures = &sample["current"];
        show(format_args!(
            "a week of made-up records: {} calls, {} bookings",
            figures["calls"], figures["bookings"]
        ));
        ensure!(
            sample["site"]["demo"] == true && figures["calls"].as_i64() > Some(20),
            "{sample}"
        );
        // Made twice, there is as much of it as once, but for what the clock adds meanwhile.
        let calls = figures["calls"].as_i64().unwrap_or_default();
        let known = *before.get_or_insert(calls);
        ensure!((calls - known).abs() <= 1, "{known} calls, then {calls}");
    }
    let own = office.get("/api/metrics").await?;
    ensure!(
        own["site"]["id"] == SITE
            && own["current"]["calls"] == 0
            && own["current"]["bookings"] == 0,
        "made-up records are counted among real ones: {own}"
    );
    let removed = office.owner.delete("/api/demo").await?;
    ensure!(removed.status == 204, "{}", removed.text);
    let listed = office.get("/api/sites").await?;
    ensure!(
        listed["sites"].as_array().map(Vec::len) == Some(1),
        "{listed}"
    );
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_business_no_longer_keeps_is_forgotten_by_the_hour() -> anyhow::Result<()> {
    let office = Office::open("{}").await?;
    let made = office.owner.post("/api/demo", &json!({})).await?;
    ensure!(made.status == 204, "{}", made.text);
    let calls = || async {
        let rows = database::rows(
            office.state.path(),
            "SELECT count(*) AS n, coalesce(min(started_at), 0) AS oldest FROM calls WHERE site = ?1",
            "sample",
        );
        let rows = rows.await?;
        anyhow::Ok((rows[0]["n"].as_i64(), rows[0]["oldest"].as_i64()))
    };
    let (before, _) = calls().await?;
    let today = Business::demo().zone.today(now()?);
    let day = |ahead| plus_days(today, ahead);
    let long_ago = format!("/api/metrics?site=sample&from={}&to={}", day(-50), day(-40));
    let figures = office.get(&long_ago).await?;
    ensure!(figures["current"]["calls"].as_i64() > Some(20), "{figures}");
    let settings = office.get("/api/settings?site=sample").await?;
    let save = json!({ "version": settings["version"], "business": settings["business"], "retention_days": 30 });
    let saved = office.owner.put("/api/settings?site=sample", &save).await?;
    ensure!(saved.status == 200, "{}", saved.text);
    // What the clock does in a deployed worker.
    let swept = office.owner.get("/cdn-cgi/local/scheduled").await?;
    ensure!(swept.status == 200 && swept.text == "ok", "{swept:?}");
    let (after, oldest) = calls().await?;
    show(format_args!("{before:?} calls, {after:?} of them kept"));
    ensure!(Some(0) < after && after < before, "{before:?}, {after:?}");
    ensure!(
        oldest.is_some_and(|oldest| oldest >= now().unwrap_or_default() - 31 * 86_400_000),
        "one of {oldest:?} is kept"
    );
    ensure!(
        office.get(&long_ago).await? == figures,
        "the figures of days are not kept: {figures}"
    );
    Ok(())
}
