//! Calls: what is told of one, the list with its filters and pages, the table, and how a caller is forgotten.

mod detail;
mod forgotten;
mod pages;

use front_desk::Weekday;
use serde_json::{Value, json};

use crate::{Office, ahead};

/// The number that calls.
const NUMBER: &str = "+12025550123";
/// And who that is.
const NAME: &str = "Zelda Quux";

#[tokio::test(flavor = "multi_thread")]
async fn calls_are_told_listed_and_forgotten() -> anyhow::Result<()> {
    let office = Office::open(&script()?.to_string()).await?;
    detail::a_call_is_told_in_full(&office).await?;
    let office = pages::lists_have_filters_and_pages(office).await?;
    forgotten::a_caller_is_forgotten(&office).await
}

fn script() -> anyhow::Result<Value> {
    let day = ahead(Weekday::Wednesday)?;
    let question = json!({ "service": "cleaning", "date": day });
    let appointment = json!({ "service": "cleaning", "date": day, "time": "10:00", "name": NAME });
    let message = json!({ "text": "Call me about my tooth.", "name": NAME });
    Ok(json!({
        "utterances": ["what is free, alpha", "then book me, bravo", "and a message, charlie", "thank you, delta"],
        "replies": [
            { "when": "alpha", "tool_call": { "name": "check_availability", "arguments": question }, "say": "Ten is free." },
            { "when": "bravo", "tool_call": { "name": "book_appointment", "arguments": appointment }, "say": "You are booked." },
            { "when": "charlie", "tool_call": { "name": "take_message", "arguments": message }, "say": "I took that down." },
            { "when": "delta", "say": "Goodbye then." }
        ]
    }))
}

/// The ids of a list's rows.
fn ids(rows: &Value) -> Vec<String> {
    let rows = rows.as_array().map(Vec::as_slice).unwrap_or_default();
    let id = |row: &Value| row["id"].as_str().map(str::to_owned);
    rows.iter().filter_map(id).collect()
}
