//! Lists: their filters, their pages while rows come and go, and the table for spreadsheets.

use std::collections::BTreeSet;

use anyhow::{Context, ensure};
use front_desk::Weekday;
use front_desk::zone::{Zone, plus_days};
use serde_json::{Value, json};
use tests::caller::Caller;
use tests::figures::show;
use voice_core::wire::ClientMessage;

use super::ids;
use crate::{Office, SITE, ahead, now};

/// Calls that are put in, besides the one that was made.
const CALLS: i64 = 60;
const OUTCOMES: [&str; 3] = ["completed", "hung_up", "failed"];
const INSERT: &str = "INSERT INTO calls (id, site, door, caller, started_at, ended_at, outcome, day, name, booking, bookings, revenue) \
    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)";

pub(super) async fn lists_have_filters_and_pages(office: Office) -> anyhow::Result<Office> {
    let zone = Zone::parse("America/New_York")?;
    let start = now()? - 3_600_000;
    let row = |n: i64| {
        let is_phone = n % 2 == 0;
        let number = format!("+1202555{:04}", 150 + n / 2 % 4);
        let booking = (n % 5 == 0).then(|| format!("none-{n}"));
        // Two begin at the same moment, and some on each day.
        let at = start - n / 2 * 7 * 3_600_000;
        json!([
            format!("call-{n:03}"),
            SITE,
            if is_phone { "phone" } else { "browser" },
            is_phone.then_some(number),
            at,
            at + 61_999,
            OUTCOMES[usize::try_from(n % 3).unwrap_or_default()],
            zone.today(at),
            (n % 4 == 0).then_some("Ann, \"Lee\""),
            booking,
            i64::from(booking.is_some()),
            if booking.is_some() { 9_050 } else { 0 },
        ])
    };
    let message = |n: i64| {
        let id = format!("message-{n:02}");
        json!([
            id,
            SITE,
            id,
            "call-000",
            start - n / 2 * 1_000,
            "2026-01-05",
            format!("Message {n}")
        ])
    };
    let office = office
        .rewritten(&[
            (INSERT, (0..CALLS).map(row).collect()),
            (
                "INSERT INTO messages (id, site, request_key, call_id, taken_at, taken_on, name, text) VALUES (?, ?, ?, ?, ?, ?, '', ?)",
                (0..20).map(message).collect(),
            ),
        ])
        .await?;
    every_filter(&office).await?;
    limits(&office).await?;
    calls_come_and_go(&office).await?;
    bookings_come(&office).await?;
    messages_are_seen_to(&office).await?;
    a_long_table(office, start).await
}

/// All rows of a list, by pages; with something done after each.
async fn paged<F: Future<Output = anyhow::Result<()>>>(
    office: &Office,
    path: &str,
    rows: &str,
    mut after_page: impl FnMut(usize) -> F,
) -> anyhow::Result<Vec<Value>> {
    let mut all = Vec::new();
    let mut cursor = String::new();
    for page in 0.. {
        ensure!(page < 50, "{path} has no end");
        let list = office.get(&format!("{path}{cursor}")).await?;
        let rows = match rows {
            "bookings" => crate::bookings(&list),
            rows => list[rows].as_array().cloned().context("no rows")?,
        };
        all.extend(rows);
        match list["next"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => break,
        }
        after_page(page).await?;
    }
    Ok(all)
}

async fn at_rest(_: usize) -> anyhow::Result<()> {
    Ok(())
}

/// Each combination of filters gives what the whole list has of it, in its order, and so does its table.
async fn every_filter(office: &Office) -> anyhow::Result<()> {
    let whole = office.get("/api/calls?limit=200").await?["calls"].clone();
    let whole = whole.as_array().context("no calls")?;
    ensure!(whole.len() == 61, "{} calls", whole.len());
    let key = |call: &Value| {
        (
            call["started"]["at"].as_i64(),
            call["id"].as_str().map(str::to_owned),
        )
    };
    ensure!(
        whole.is_sorted_by(|one, other| key(one) > key(other)),
        "out of order"
    );
    let days: Vec<&str> = whole
        .iter()
        .filter_map(|call| call["started"]["day"].as_str())
        .collect();
    let (late, early) = (days[15], days[40]);
    let mut tried = 0;
    for door in ["", "phone", "browser"] {
        for outcome in ["", "booked", "failed", "transferred"] {
            for number in ["", "%2B12025550150", "(202)%20555-0151", "2025550199"] {
                for (from, to) in [
                    ("", ""),
                    (early, ""),
                    ("", early),
                    (early, late),
                    (late, late),
                ] {
                    let fits = |call: &&Value| {
                        let text = |name: &str| call[name].as_str().unwrap_or_default().to_owned();
                        let day = call["started"]["day"].as_str().unwrap_or_default();
                        let digits: String = number
                            .replace("%2B", "")
                            .replace("%20", "")
                            .chars()
                            .filter(char::is_ascii_digit)
                            .collect();
                        (door.is_empty() || text("door") == door)
                            && (number.is_empty() || text("caller").ends_with(&digits))
                            && (from.is_empty() || day >= from)
                            && (to.is_empty() || day <= to)
                            && match outcome {
                                "" => true,
                                "booked" => !call["booking"].is_null(),
                                outcome => text("outcome") == outcome,
                            }
                    };
                    let query = format!(
                        "door={door}&outcome={outcome}&number={number}&from={from}&to={to}"
                    );
                    let expected: Vec<Value> = whole.iter().filter(fits).cloned().collect();
                    let found = paged(
                        office,
                        &format!("/api/calls?limit=7&{query}"),
                        "calls",
                        at_rest,
                    )
                    .await?;
                    ensure!(
                        found == expected,
                        "{query}: {} of {}",
                        found.len(),
                        expected.len()
                    );
                    ensure_table(office, &query, &expected)
                        .await
                        .context(query)?;
                    tried += usize::from(!found.is_empty());
                }
            }
        }
    }
    show(format_args!(
        "240 combinations of filters, {tried} of them with calls: list, pages and table agree"
    ));
    Ok(())
}

/// The table has these calls, column by column.
async fn ensure_table(office: &Office, query: &str, calls: &[Value]) -> anyhow::Result<()> {
    let answer = office.owner.get(&format!("/api/calls.csv?{query}")).await?;
    ensure!(
        answer.status == 200 && answer.header("link").is_empty(),
        "{:?}",
        answer.headers
    );
    let mut reader = csv::Reader::from_reader(answer.text.as_bytes());
    let columns = reader.headers()?.clone();
    let records: Vec<csv::StringRecord> = reader.records().collect::<Result<_, _>>()?;
    ensure!(records.len() == calls.len(), "{} rows", records.len());
    for (record, call) in records.iter().zip(calls) {
        let as_text = |value: &Value| match value {
            Value::Null => String::new(),
            Value::String(text) => text.clone(),
            other => other.to_string(),
        };
        for (column, cell) in columns.iter().zip(record) {
            let expected = match column {
                "day" | "time" => as_text(&call["started"][column]),
                "seconds" => call["length_ms"]
                    .as_i64()
                    .map(|ms| (ms / 1000).to_string())
                    .unwrap_or_default(),
                // A plus sign would be taken for a formula.
                "number" => call["caller"]
                    .as_str()
                    .map(|number| format!("'{number}"))
                    .unwrap_or_default(),
                "revenue" => as_text(&call["revenue"]["amount"]),
                "currency" => as_text(&call["revenue"]["currency"]),
                column => as_text(call.get(column).context("an unknown column")?),
            };
            ensure!(cell == expected, "{column}: {cell}, not {expected}");
        }
    }
    Ok(())
}

async fn limits(office: &Office) -> anyhow::Result<()> {
    for (path, rows, wanted) in [
        ("/api/calls", "calls", [1, 60]),
        ("/api/messages", "messages", [1, 20]),
        ("/api/bookings", "bookings", [1, 1]),
    ] {
        for limit in [
            "0",
            "201",
            "-1",
            "1.5",
            "1e1",
            "x",
            "99999999999999999999",
            "%201",
        ] {
            let answer = office.owner.get(&format!("{path}?limit={limit}")).await?;
            ensure!(
                answer.status == 422 && answer.fields() == ["limit"],
                "{path}, {limit}: {}",
                answer.text
            );
        }
        for limit in wanted {
            let list = office.get(&format!("{path}?limit={limit}")).await?;
            let count = match rows {
                "bookings" => crate::bookings(&list).len(),
                rows => list[rows].as_array().map(Vec::len).unwrap_or_default(),
            };
            ensure!(count == limit, "{path} of {limit} has {count}");
        }
        ensure!(
            office.owner.get(&format!("{path}?limit=200")).await?.status == 200,
            "{path}"
        );
    }
    // An empty field of a form is none.
    let list = office
        .get("/api/calls?limit=&door=&outcome=&from=&to=&number=&cursor=")
        .await?;
    ensure!(
        ids(&list["calls"]).len() == 50,
        "{} calls of a page",
        ids(&list["calls"]).len()
    );
    Ok(())
}

fn ensure_once(rows: &[Value]) -> anyhow::Result<BTreeSet<String>> {
    let all = ids(&json!(rows));
    let once: BTreeSet<String> = all.iter().cloned().collect();
    ensure!(once.len() == all.len(), "some came twice: {all:?}");
    Ok(once)
}

/// While somebody leafs through the list, new calls end and a caller is forgotten.
async fn calls_come_and_go(office: &Office) -> anyhow::Result<()> {
    let whole = office.get("/api/calls?limit=200").await?["calls"].clone();
    let (whole, gone) = (ids(&whole), "+12025550153");
    let of_caller = ids(&office
        .get("/api/calls?number=%2B12025550153&limit=200")
        .await?["calls"]);
    ensure!(of_caller.len() > 5, "{of_caller:?}");
    let seen = paged(office, "/api/calls?limit=7", "calls", async |page| {
        if page == 2 {
            let answer = office.owner.delete(&format!("/api/callers/{gone}")).await?;
            ensure!(answer.json()["calls"] == of_caller.len(), "{}", answer.text);
        } else if page < 4 {
            let known = office.number("SELECT count(*) FROM calls WHERE site = ?1").await?;
            let mut caller = Caller::connect(&office.edge).await?;
            caller.tell(&ClientMessage::HangUp).await?;
            office
                .rows(&format!("SELECT 1 FROM (SELECT count(*) AS calls FROM calls WHERE site = ?1) WHERE calls > {known}"))
                .await?;
        }
        Ok(())
    })
    .await?;
    let seen = ensure_once(&seen)?;
    let stayed: BTreeSet<String> = whole
        .iter()
        .filter(|id| !of_caller.contains(id))
        .cloned()
        .collect();
    ensure!(
        stayed.is_subset(&seen),
        "hidden: {:?}",
        stayed.difference(&seen)
    );
    ensure!(
        seen.iter().all(|id| whole.contains(id)),
        "an earlier page's place has new calls: {seen:?}"
    );
    let now = ids(&office.get("/api/calls?limit=200").await?["calls"]);
    ensure!(now.len() == stayed.len() + 3, "{} calls", now.len());
    show(format_args!(
        "{} calls in pages of 7 while 3 came and {} went: {} seen, each once",
        whole.len(),
        of_caller.len(),
        seen.len()
    ));
    Ok(())
}

async fn bookings_come(office: &Office) -> anyhow::Result<()> {
    let day = ahead(Weekday::Thursday)?;
    for hour in 9..16 {
        office
            .book("check-up", (day, &format!("{hour:02}:30")), "Ann Lee")
            .await?;
    }
    let path = format!("/api/bookings?from={day}&to={}&limit=3", plus_days(day, 1));
    let seen = paged(office, &path, "bookings", async |page| {
        // One before what was seen, and one after it.
        let (early, late) = (
            format!("{:02}:00", 9 + page),
            format!("{:02}:00", 16 - page),
        );
        office.book("check-up", (day, &early), "Before").await?;
        office.book("check-up", (day, &late), "After").await?;
        Ok(())
    })
    .await?;
    let once = ensure_once(&seen)?;
    let names = |name: &str| {
        seen.iter()
            .filter(|booking| booking["name"] == name)
            .count()
    };
    let counts = [names("Ann Lee"), names("Before"), names("After")];
    show(format_args!(
        "bookings in pages of 3 while others come before and after: {} seen, each once",
        once.len()
    ));
    ensure!(
        counts[0] == 7 && counts[1] == 0 && counts[2] > 0,
        "{counts:?}"
    );
    let starts: Vec<Option<i64>> = seen
        .iter()
        .map(|booking| booking["starts"]["at"].as_i64())
        .collect();
    ensure!(starts.is_sorted(), "out of order");
    Ok(())
}

async fn messages_are_seen_to(office: &Office) -> anyhow::Result<()> {
    let whole = ids(&office.get("/api/messages?limit=200").await?["messages"]);
    let mark = async |id: &str, how: &str| {
        let answer = office
            .owner
            .post(&format!("/api/messages/{id}/{how}"), &json!({}))
            .await?;
        ensure!(answer.status == 200, "{}", answer.text);
        anyhow::Ok(())
    };
    let seen = paged(
        office,
        "/api/messages?state=waiting&limit=4",
        "messages",
        async |page| {
            // Two that were seen already, which moves nothing of what follows.
            mark(&whole[4 * page], "done").await?;
            mark(&whole[4 * page + 1], "done").await
        },
    )
    .await?;
    ensure!(
        ensure_once(&seen)?.len() == whole.len(),
        "{} of {}",
        seen.len(),
        whole.len()
    );
    let done = paged(
        office,
        "/api/messages?state=done&limit=3",
        "messages",
        at_rest,
    )
    .await?;
    let waiting = paged(
        office,
        "/api/messages?state=waiting&limit=3",
        "messages",
        at_rest,
    )
    .await?;
    ensure!(
        done.len() == 10 && done.len() + waiting.len() == whole.len(),
        "{} done, {} waiting",
        done.len(),
        waiting.len()
    );
    ensure!(
        done.iter().all(|message| message["done"]["at"].is_i64()),
        "{done:?}"
    );
    show(format_args!(
        "{} messages in pages of 4 while {} are seen to: each once",
        whole.len(),
        done.len()
    ));
    Ok(())
}

/// A table ends after 2000 calls, and says where it goes on.
async fn a_long_table(office: Office, start: i64) -> anyhow::Result<Office> {
    let known = ids(&office.get("/api/calls?door=phone&limit=200").await?["calls"]);
    let rows = (0..2_100).map(|n| {
        let at = start - 90 * 86_400_000 - n * 60_000;
        json!([
            format!("old-{n:04}"),
            SITE,
            "phone",
            "+12025550160",
            at,
            at + 1_000,
            "completed",
            "2026-01-05",
            null,
            null,
            0,
            0
        ])
    });
    let office = office.rewritten(&[(INSERT, rows.collect())]).await?;
    let mut path = "/api/calls.csv?door=phone&number=".to_owned();
    let (mut all, mut lengths) = (Vec::new(), Vec::new());
    while !path.is_empty() {
        let answer = office.owner.get(&path).await?;
        let mut reader = csv::Reader::from_reader(answer.text.as_bytes());
        let rows: Vec<csv::StringRecord> = reader.records().collect::<Result<_, _>>()?;
        lengths.push(rows.len());
        all.extend(rows.iter().filter_map(|row| row.get(0).map(str::to_owned)));
        let link = answer.header("link");
        path = match link
            .strip_prefix('<')
            .and_then(|link| link.strip_suffix(">; rel=\"next\""))
        {
            Some(next) => next.to_owned(),
            None => {
                ensure!(link.is_empty(), "{link}");
                String::new()
            }
        };
    }
    show(format_args!("tables of {lengths:?} calls"));
    let expected: Vec<String> = known
        .into_iter()
        .chain((0..2_100).map(|n| format!("old-{n:04}")))
        .collect();
    ensure!(lengths[0] == 2_000 && lengths.len() == 2, "{lengths:?}");
    ensure!(
        all == expected,
        "{} calls, not {}",
        all.len(),
        expected.len()
    );
    Ok(office)
}
