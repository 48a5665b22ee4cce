//! Callers who want a person: put through where there is one, asked for a message where there is none.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context, ensure};
use local_providers::phone::{EventKind, How, Spoken};
use local_providers::{Direction, Providers, Script, Service};
use serde_json::{Value, json};
use tempfile::TempDir;
use tests::dashboard;
use tests::database::rows;
use tests::door::{Door, Guest};
use tests::edge::Edge;
use tests::figures::show;
use tests::phone::Phone;
use tests::scripted;

const ANA: &str = "+12025550177";
const PERSON: &str = "can I speak to a person please";
const OWN_LINE: &str = "I am putting you through to Ana now.";
const PUT_THROUGH: &str = "One moment, I'll put you through.";
const UNABLE: &str = "I'm sorry, I can't do that. Can I take a message?";
const NOTED: &str = "I will pass that on.";
/// The number from which the telephone calls.
const CALLING: &str = "+12025550123";

struct Stage {
    state: TempDir,
    providers: Providers,
    edge: Edge,
    owner: dashboard::Visitor,
}

impl Stage {
    async fn open() -> anyhow::Result<Self> {
        let state = tempfile::tempdir()?;
        let providers = scripted("{}").await?;
        let edge = Edge::start_keeping(&providers, state.path()).await?;
        let owner = dashboard::Visitor::first_owner(&edge).await?;
        Ok(Self {
            state,
            providers,
            edge,
            owner,
        })
    }

    fn script(&self, script: &Value) -> anyhow::Result<()> {
        self.providers
            .set_script(Script::from_json(&script.to_string())?);
        Ok(())
    }

    /// Saves the number to which callers are put through.
    async fn put_through_to(&self, number: Option<&str>) -> anyhow::Result<()> {
        let mut settings = self.owner.get("/api/settings").await?.json();
        settings["business"]["agent"]["transfer_number"] = json!(number);
        let form = json!({ "version": settings["version"], "business": settings["business"] });
        let saved = self.owner.put("/api/settings", &form).await?;
        ensure!(saved.status == 200, "{}", saved.text);
        Ok(())
    }

    async fn greeted(&self, door: Door) -> anyhow::Result<Guest<'_>> {
        Guest::greeted(door, &self.providers, &self.edge, Duration::ZERO).await
    }

    /// The tools that the model was offered last.
    fn offered(&self) -> Vec<String> {
        let asked = self.providers.log().into_iter().rev();
        let request = asked
            .filter(|entry| entry.service == Service::Chat && entry.dir == Direction::In)
            .find_map(|entry| entry.field("request").get("tools")?.as_array().cloned());
        let name = |tool: Value| tool["function"]["name"].as_str().map(str::to_owned);
        request.into_iter().flatten().filter_map(name).collect()
    }

    /// How often the telephone company was asked for something.
    fn requests_to_the_company(&self) -> usize {
        let log = self.providers.log().into_iter();
        log.filter(|entry| entry.service == Service::Rest && entry.dir == Direction::Open)
            .count()
    }
}

fn name_of(guest: &Guest<'_>) -> anyhow::Result<String> {
    let browser = guest.visitor().and_then(tests::visitor::Visitor::call_id);
    let phone = guest.phone().map(|phone| phone.line.call_sid().to_owned());
    browser.or(phone).context("a call without a name")
}

/// The only row of a call in a table.
async fn row(state: &Path, query: &str, call: &str) -> anyhow::Result<Value> {
    let rows = rows(state, query, call).await?;
    ensure!(rows.len() == 1, "{query}: {rows:?}");
    rows.into_iter().next().context("no row")
}

async fn outcome(state: &Path, call: &str) -> anyhow::Result<String> {
    let row = row(state, "SELECT outcome FROM calls WHERE id = ?1", call).await?;
    Ok(row["outcome"].as_str().unwrap_or_default().to_owned())
}

/// What was heard in a call's turns after the greeting, and what was not.
async fn heard(state: &Path, call: &str) -> anyhow::Result<Vec<(String, String)>> {
    let query = "SELECT agent_heard, agent_unheard FROM turns WHERE call_id = ?1 AND turn > 1 ORDER BY turn";
    let turns = rows(state, query, call).await?;
    let text = |turn: &Value, column: &str| turn[column].as_str().unwrap_or_default().to_owned();
    let both = |turn: &Value| (text(turn, "agent_heard"), text(turn, "agent_unheard"));
    Ok(turns.iter().map(both).collect())
}

/// A model that puts a caller through who asks for a person, with these words.
fn puts_through(preface: &str) -> Value {
    let call = json!({ "name": "transfer_call", "arguments": { "reason": "asked for a person" } });
    let reply = json!({ "when": "person", "preface": preface, "tool_call": call });
    json!({ "utterances": [PERSON], "replies": [reply] })
}

#[tokio::test(flavor = "multi_thread")]
async fn a_caller_is_put_through_where_there_is_somebody_once_that_was_heard() -> anyhow::Result<()>
{
    let stage = Stage::open().await?;
    stage.put_through_to(Some(ANA)).await?;
    for (preface, line) in [(OWN_LINE, OWN_LINE), ("", PUT_THROUGH)] {
        stage.script(&puts_through(preface))?;
        let guest = stage.greeted(Door::Phone).await?;
        let said = guest.say(700).await?;
        guest.over().await?;
        let phone = guest.phone().context("a phone")?;
        dials_once_the_line_was_heard(phone, line, said.to_ms)?;
        ensure!(
            stage.offered().iter().any(|tool| tool == "transfer_call"),
            "{:?}",
            stage.offered()
        );
        let call = name_of(&guest)?;
        let outcome = outcome(stage.state.path(), &call).await?;
        ensure!(outcome == "transferred", "{outcome}");
        let heard = heard(stage.state.path(), &call).await?;
        ensure!(heard == [(line.to_owned(), String::new())], "{heard:?}");
    }

    // A browser cannot be put through, wherever the number leads; a telephone cannot without one.
    stage.script(&puts_through(""))?;
    for (door, number) in [
        (Door::Browser, Some(ANA)),
        (Door::Browser, None),
        (Door::Phone, None),
    ] {
        stage.put_through_to(number).await?;
        let asked = stage.requests_to_the_company();
        let guest = stage.greeted(door).await?;
        guest.ask(700).await?;
        ensure!(
            stage.requests_to_the_company() == asked,
            "{door:?}, {number:?}: the telephone company was asked"
        );
        ensure!(
            !stage.offered().iter().any(|tool| tool == "transfer_call"),
            "{door:?}, {number:?}: {:?}",
            stage.offered()
        );
        guest.hang_up().await?;
        let call = name_of(&guest)?;
        let outcome = outcome(stage.state.path(), &call).await?;
        let heard = heard(stage.state.path(), &call).await?;
        show(format_args!(
            "{door:?}, to {number:?}: hears {heard:?}; {outcome}"
        ));
        ensure!(outcome == "hung_up", "{door:?}, {number:?}: {outcome}");
        ensure!(
            heard == [(UNABLE.to_owned(), String::new())],
            "{door:?}, {number:?}: {heard:?}"
        );
    }
    Ok(())
}

/// The company was asked once, to dial Ana, and not before the line's last sound.
fn dials_once_the_line_was_heard(
    phone: &Phone<'_>,
    line: &str,
    from_ms: f64,
) -> anyhow::Result<()> {
    let rest = phone.all(|event| match &event.kind {
        EventKind::Rest { request, status } => Some((event.at_ms, request.clone(), *status)),
        _ => None,
    });
    let [(asked_at, request, 200)] = &rest[..] else {
        anyhow::bail!("{rest:?}");
    };
    let her = phone.her();
    let last = her
        .last_sound(from_ms, asked_at + 20.0)
        .context("no sound")?;
    let heard = her.tone_ms(line, from_ms, asked_at + 20.0);
    let whole = line.chars().count() as f64 * 60.0;
    show(format_args!(
        "{line:?}: {heard:.0} of {whole:.0} ms heard, asked {:.0} ms after: {request}",
        asked_at - last
    ));
    ensure!((heard - whole).abs() < 60.0, "{heard} ms of {line:?}");
    ensure!(
        last <= asked_at + 1.0,
        "asked at {asked_at} ms, before its end at {last} ms"
    );
    ensure!(
        request.contains("Dial") && request.contains(ANA),
        "{request}"
    );
    let verbs = phone.all(|event| match &event.kind {
        EventKind::Verb(verb) => Some(verb.clone()),
        _ => None,
    });
    ensure!(
        matches!(&verbs[..], [Spoken::Dial { number }] if number == ANA),
        "{verbs:?}"
    );
    let ends = phone.all(|event| match event.kind {
        EventKind::Ended { how } => Some(how),
        _ => None,
    });
    ensure!(ends == [How::EndOfTwiml], "{ends:?}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_is_taken_once_however_often_the_model_takes_it() -> anyhow::Result<()> {
    let stage = Stage::open().await?;
    let take = |arguments: Value| json!({ "name": "take_message", "arguments": arguments });
    let late = json!({ "text": "I will be late.", "name": "Cy Poe" });
    let here = json!({ "text": "I am here.", "phone": "202 555 0188" });
    let [ana, ben] = ["For Ana: call me.", "For Ben: call me not."];
    let reply = |when: &str, calls: &[Value]| json!({ "when": when, "tool_call": calls[0], "more_calls": calls[1..], "say": NOTED });
    stage.script(&json!({
        "utterances": ["say I am late", "did you note that", "and now two", "I am here"],
        "replies": [
            // Twice in a breath, and again in a later turn.
            reply("late", &[take(late.clone()), take(late.clone())]),
            reply("note", &[take(late.clone())]),
            // Two messages are two.
            reply("two", &[take(json!({ "text": ana })), take(json!({ "text": ben }))]),
            reply("here", &[take(here.clone())]),
        ],
    }))?;
    let query = "SELECT name, phone, text, call_id, taken_at, taken_on, done_at FROM messages WHERE call_id = ?1 ORDER BY text";
    let mut faults = Vec::new();
    for door in Door::BOTH {
        let guest = stage.greeted(door).await?;
        for _ in 0..4 {
            guest.ask(700).await?;
        }
        guest.hang_up().await?;
        let call = name_of(&guest)?;
        let record = row(
            stage.state.path(),
            "SELECT messages, name, started_at, ended_at, day FROM calls WHERE id = ?1",
            &call,
        )
        .await?;
        let kept = rows(stage.state.path(), query, &call).await?;
        let runs = rows(
            stage.state.path(),
            "SELECT name, result FROM tool_runs WHERE call_id = ?1",
            &call,
        )
        .await?;
        let calling = match door {
            Door::Browser => Value::Null,
            Door::Phone => json!(CALLING),
        };
        let expected = [
            ("", ana, &calling),
            ("", ben, &calling),
            ("", "I am here.", &json!("+12025550188")),
            ("Cy Poe", "I will be late.", &calling),
        ]
        .map(|(name, text, phone)| json!([name, text, phone]));
        let found: Vec<Value> = kept
            .iter()
            .map(|row| json!([row["name"], row["text"], row["phone"]]))
            .collect();
        show(format_args!("{door:?}: {found:?}"));
        if found != expected {
            faults.push(format!("{door:?}: kept {found:?}"));
        }
        let told = |run: &&Value| {
            let result = run["result"].as_str().unwrap_or_default();
            result.contains(r#""ok":true"#)
        };
        // The second of the same breath is not done at all.
        if runs.len() != 5 || !runs.iter().all(|run| told(&run)) {
            faults.push(format!("{door:?}: ran {runs:?}"));
        }
        if record["messages"] != json!(kept.len()) || record["name"] != "Cy Poe" {
            faults.push(format!("{door:?}: the call's row: {record}"));
        }
        let in_time = |row: &Value| {
            let at = row["taken_at"].as_i64();
            at >= record["started_at"].as_i64()
                && at <= record["ended_at"].as_i64()
                && row["taken_on"] == record["day"]
                && row["done_at"].is_null()
        };
        if !kept.iter().all(in_time) {
            faults.push(format!("{door:?}: {kept:?} of {record}"));
        }
    }
    ensure!(faults.is_empty(), "{faults:#?}");
    Ok(())
}
