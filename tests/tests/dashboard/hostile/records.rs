//! What is said in calls and kept of them: by a call whose every text is hostile, and by rows that nobody cleaned.

use std::time::Duration;

use anyhow::{Context, ensure};
use csv::ReaderBuilder;
use front_desk::Weekday;
use serde_json::{Value, json};
use tests::door::{Door, Guest};
use tests::figures::show;

use super::cases::CASES;
use super::forms::EVENT;
use crate::{Office, SITE, ahead, now};

const SAID: &str =
    "<script>alert(1)</script> '; DROP TABLE turns;-- =1+1 \u{202e}abc\u{1b}[31m alpha";
const ANSWERED: &str = "=2+2 <b>bold</b> '; DROP TABLE calls;-- is all I know.";
/// What is spoken of it: markup is not.
const HEARD: &str = "=2+2 bold '; DROP TABLE calls;– is all I know.";

/// A caller and a model who say and do nothing else.
fn script() -> anyhow::Result<Value> {
    let appointment = json!({
        "service": "cleaning", "date": ahead(Weekday::Wednesday)?, "time": "10:00", "name": "=HYPERLINK(1) <script>\r\nEND:VEVENT\u{202e}",
    });
    let message = json!({ "text": "<img src=x>\r\n=1+1\u{202e}'; DROP TABLE messages;--\0", "name": "@SUM(A1) \u{200b}Ann" });
    Ok(json!({
        "utterances": [SAID, "bravo\0\r\nBEGIN:VEVENT", "charlie \u{200b}\u{feff}", "delta"],
        "replies": [
            { "when": "alpha", "say": ANSWERED },
            { "when": "bravo", "tool_call": { "name": "book_appointment", "arguments": appointment }, "say": "You are booked." },
            { "when": "charlie", "tool_call": { "name": "take_message", "arguments": message }, "say": "I took that down." },
            { "when": "delta", "tool_call": { "name": "<script>alert(1)</script>", "arguments": "\u{0}=1+1" }, "say": "I cannot do that." }
        ]
    }))
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_said_in_a_call_is_text() -> anyhow::Result<()> {
    let office = Office::open(&script()?.to_string()).await?;
    a_hostile_call(&office).await?;
    rows_that_nobody_cleaned(office).await
}

async fn a_hostile_call(office: &Office) -> anyhow::Result<()> {
    let guest =
        Guest::greeted(Door::Phone, &office.providers, &office.edge, Duration::ZERO).await?;
    for word in ["alpha", "bravo", "charlie", "delta"] {
        guest.ask(700).await.context(word)?;
    }
    guest.hang_up().await?;
    office.rows("SELECT id FROM calls WHERE site = ?1").await?;
    let list = office.get("/api/calls").await?;
    let call = &list["calls"][0];
    let id = call["id"].as_str().unwrap_or_default();
    let detail = office.get(&format!("/api/calls/{id}")).await?;
    let turns = detail["turns"].as_array().cloned().unwrap_or_default();
    let said: Vec<&str> = turns
        .iter()
        .filter_map(|turn| turn["caller"].as_str())
        .collect();
    show(format_args!("{said:?}"));
    ensure!(said.len() == 5 && said[1] == SAID, "{said:?}");
    ensure!(turns[1]["heard"] == HEARD, "{}", turns[1]);
    let booking = &detail["bookings"][0];
    ensure!(
        booking["name"] == "=HYPERLINK(1) <script> END:VEVENT" && call["name"] == booking["name"],
        "{booking} {call}"
    );
    let message = &detail["messages"][0];
    ensure!(
        message["text"] == "<img src=x> =1+1'; DROP TABLE messages;--"
            && message["name"] == "@SUM(A1) Ann",
        "{message}"
    );
    let listed = office.get("/api/messages").await?;
    ensure!(listed["messages"] == json!([message]), "{listed}");
    let events = office.feed().await?.events;
    ensure!(
        events.len() == 1
            && events[0].summary == "cleaning: =HYPERLINK(1) <script> END:VEVENT"
            && events[0].properties == EVENT,
        "{events:?}"
    );
    ensure_harmless_table(office, &list).await
}

/// As if every check had failed: each text as it is, in each column that has one, and a text of a megabyte.
async fn rows_that_nobody_cleaned(office: Office) -> anyhow::Result<()> {
    let (start, minute) = (now()? - 3_600_000, 60_000);
    let wednesday = now()? + 20 * 86_400_000;
    let ids: Vec<String> = (0..CASES.len())
        .map(|n| format!("hostile-{n:02}"))
        .collect();
    let rows = |row: &dyn Fn(&str, i64, &str) -> Value| -> Vec<Value> {
        let numbered = (0..).zip(ids.iter().zip(CASES));
        numbered
            .map(|(n, (id, case))| row(id, n, case.text))
            .collect()
    };
    let long = "<b>\u{202e}é".repeat(1 << 17);
    let mut turns = rows(&|id, _, text| json!([id, 1, start, "completed", text, text, text]));
    turns.push(json!([ids[0], 2, start, "completed", long, "", ""]));
    let office = office
        .rewritten(&[
            (
                "INSERT INTO calls (id, site, door, caller, started_at, ended_at, outcome, day, name) \
                 VALUES (?, ?, 'phone', ?, ?, ?, 'completed', '2026-01-05', ?)",
                rows(&|id, n, text| json!([id, SITE, text, start + n * minute, start + (n + 1) * minute, text])),
            ),
            (
                "INSERT INTO turns (call_id, turn, ended_at, outcome, caller_text, agent_heard, agent_unheard) VALUES (?, ?, ?, ?, ?, ?, ?)",
                turns,
            ),
            (
                "INSERT INTO tool_runs (call_id, turn, n, name, arguments, result, started_at, took_ms) VALUES (?, 1, 0, ?, ?, ?, ?, 1)",
                rows(&|id, _, text| json!([id, text, text, text, start])),
            ),
            (
                "INSERT INTO messages (id, site, request_key, call_id, taken_at, taken_on, name, phone, text) \
                 VALUES (?, ?, ?, ?, ?, '2026-01-05', ?, ?, ?)",
                rows(&|id, n, text| json!([id, SITE, id, id, start + n, text, text, text])),
            ),
            (
                "INSERT INTO bookings (id, site, request_key, call_id, service, service_name, price, starts_at, ends_at, name, phone, note, made_at, \
                 made_on, changed_at) VALUES (?, ?, ?, ?, 'cleaning', ?, 1, ?, ?, ?, ?, ?, ?, '2026-01-05', 0)",
                rows(&|id, n, text| {
                    let from = wednesday + n * minute;
                    json!([id, SITE, id, id, text, from, from + minute, text, text, text, start])
                }),
            ),
        ])
        .await?;
    let list = office.get("/api/calls?limit=200").await?;
    let calls = list["calls"].as_array().cloned().unwrap_or_default();
    ensure!(calls.len() == CASES.len() + 1, "{} calls", calls.len());
    for (id, case) in ids.iter().zip(CASES) {
        let detail = office.get(&format!("/api/calls/{id}")).await?;
        let listed = calls.iter().find(|call| call["id"] == **id);
        ensure!(
            listed == Some(&detail["call"]),
            "{}: {listed:?}",
            case.about
        );
        let turn = &detail["turns"][0];
        let run = &detail["tool_runs"][0];
        let (booking, message) = (&detail["bookings"][0], &detail["messages"][0]);
        for text in [
            &detail["call"]["name"],
            &turn["caller"],
            &turn["heard"],
            &turn["unheard"],
            &run["name"],
            &run["arguments"],
            &run["result"],
            &booking["name"],
            &booking["note"],
            &booking["service_name"],
            &message["name"],
            &message["text"],
        ] {
            ensure!(*text == case.text, "{}: {text} in {detail}", case.about);
        }
    }
    let detail = office.get(&format!("/api/calls/{}", ids[0])).await?;
    ensure!(
        detail["turns"][1]["caller"] == long,
        "a long text is another"
    );
    show(format_args!(
        "{} texts and one of {} kB come back as they were",
        CASES.len(),
        long.len() / 1024
    ));
    ensure_harmless_table(&office, &list).await?;

    // Nobody is shown who has no name.
    let feed = office.feed().await?;
    let named = CASES.iter().filter(|case| case.line.is_some()).count() + 1;
    ensure!(
        feed.events.len() == named && feed.others.is_empty(),
        "{} events",
        feed.events.len()
    );
    for event in feed.events {
        ensure!(
            event.properties == EVENT && event.others.is_empty(),
            "{event:?}"
        );
    }
    Ok(())
}

/// The table says what the list says, and no spreadsheet runs anything of it, whatever it takes for the end of a cell.
async fn ensure_harmless_table(office: &Office, list: &Value) -> anyhow::Result<()> {
    let answer = office.owner.get("/api/calls.csv").await?;
    ensure!(
        answer.header("content-type") == "text/csv; charset=utf-8; header=present"
            && answer.header("content-disposition") == "attachment; filename=\"calls.csv\""
            && answer.header("x-content-type-options") == "nosniff",
        "{:?}",
        answer.headers
    );
    let mut reader = ReaderBuilder::new().from_reader(answer.text.as_bytes());
    let columns: Vec<String> = reader.headers()?.iter().map(str::to_owned).collect();
    let calls = list["calls"].as_array().cloned().unwrap_or_default();
    let mut rows = 0;
    for (record, call) in reader.records().zip(&calls) {
        let record = record?;
        rows += 1;
        let cell = |name: &str| {
            let place = columns.iter().position(|column| column == name);
            place
                .and_then(|place| record.get(place))
                .unwrap_or_default()
        };
        ensure!(call["id"] == cell("id"), "{record:?}");
        // Apostrophes were put in; nothing else is different.
        let bare = |text: &str| text.replace('\'', "");
        for (column, field) in [("name", "name"), ("number", "caller")] {
            let text = call[field].as_str().unwrap_or_default();
            ensure!(
                bare(cell(column)) == bare(text),
                "{text:?} became {:?}",
                cell(column)
            );
        }
        for cell in &record {
            ensure!(!is_run(cell), "{cell:?} is run");
        }
    }
    ensure!(rows == calls.len(), "{rows} rows of {} calls", calls.len());
    for (delimiter, quoting) in [(b';', true), (b';', false), (b'\t', true), (b'\t', false)] {
        let mut reader = ReaderBuilder::new()
            .delimiter(delimiter)
            .quoting(quoting)
            .flexible(true)
            .has_headers(false)
            .from_reader(answer.text.as_bytes());
        for record in reader.records() {
            for cell in &record? {
                ensure!(
                    !is_run(cell),
                    "{cell:?} is run, between {:?}",
                    char::from(delimiter)
                );
            }
        }
    }
    show(format_args!("a table of {rows} rows runs nothing"));
    Ok(())
}

/// Whether a spreadsheet might take a cell for a formula.
fn is_run(cell: &str) -> bool {
    let passed_over =
        |character: char| character.is_whitespace() || character.is_control() || character == '"';
    cell.trim_start_matches(passed_over)
        .starts_with(['=', '+', '-', '@', '＝', '＋', '－', '＠'])
        || cell.starts_with(['\t', '\r'])
}
