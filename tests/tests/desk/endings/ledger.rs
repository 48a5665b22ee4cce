//! What was stored of the calls, and whatever in it is missing, wrong or at odds with the rest.

use std::collections::HashMap;
use std::path::Path;

use anyhow::Context;
use front_desk::zone::Zone;
use serde_json::Value;
use tests::database::{rows, rows_now};
use tests::door::Door;
use tests::figures::show;

use super::{Ending, Heard, Turn};

pub(super) struct Ledger {
    calls: HashMap<String, Value>,
    turns: HashMap<String, Vec<Value>>,
    runs: HashMap<String, Vec<Value>>,
    /// The figures of the day, summed up over the days.
    days: Value,
}

/// The stages of an answer.
const STAGES: [&str; 6] = [
    "endpointing_ms",
    "first_token_ms",
    "first_piece_ms",
    "first_audio_ms",
    "sent_ms",
    "voice_to_voice_ms",
];

const COSTS: [&str; 4] = ["recogniser_ms", "tokens_in", "tokens_out", "characters"];

fn text<'a>(row: &'a Value, column: &str) -> &'a str {
    row[column].as_str().unwrap_or_default()
}

fn number(row: &Value, column: &str) -> i64 {
    row[column].as_i64().unwrap_or(-1)
}

fn by_call(rows: Vec<Value>, column: &str) -> HashMap<String, Vec<Value>> {
    let mut all: HashMap<String, Vec<Value>> = HashMap::new();
    for row in rows {
        all.entry(text(&row, column).to_owned())
            .or_default()
            .push(row);
    }
    all
}

/// Words with single spaces.
fn joined(texts: [&str; 2]) -> String {
    let words = texts.iter().flat_map(|text| text.split_whitespace());
    words.collect::<Vec<_>>().join(" ")
}

impl Ledger {
    /// Reads what is there once there are so many calls.
    pub(super) async fn read(state: &Path, calls: usize) -> anyhow::Result<Self> {
        let enough =
            "SELECT id FROM calls WHERE (SELECT count(*) FROM calls) >= CAST(?1 AS INTEGER)";
        // Which one is missing is told with the rest.
        if let Err(missing) = rows(state, enough, &calls.to_string()).await {
            show(missing);
        }
        let read = async |query: &str| rows(state, query, "").await;
        let days = "SELECT sum(calls) AS calls, sum(call_ms) AS call_ms, sum(turns) AS turns, sum(messages) AS messages, \
            sum(recogniser_ms) AS recogniser_ms, sum(tokens_in) AS tokens_in, sum(tokens_out) AS tokens_out, \
            sum(characters) AS characters FROM days WHERE site <> ?1";
        let calls = read("SELECT * FROM calls WHERE id <> ?1").await?;
        let turns = read("SELECT * FROM turns WHERE call_id <> ?1 ORDER BY call_id, turn").await?;
        // Delivered with the calls, if anything was done in them.
        let done = "SELECT * FROM tool_runs WHERE call_id <> ?1 ORDER BY call_id, turn, n";
        let runs = rows_now(state, done, "").await?;
        let name = |row: Value| (text(&row, "id").to_owned(), row);
        Ok(Self {
            calls: calls.into_iter().map(name).collect(),
            turns: by_call(turns, "call_id"),
            runs: by_call(runs, "call_id"),
            days: read(days).await?.pop().context("no day")?,
        })
    }

    /// Everything that is not as it must be; shows the table.
    pub(super) fn faults_of(&self, endings: &[Ending]) -> anyhow::Result<Vec<String>> {
        let mut order: Vec<&Ending> = endings.iter().collect();
        order.sort_by_key(|ending| (ending.about, ending.door == Door::Phone));
        show(
            "ending · door · outcome · turns · last heard | and not · seconds · listened · tokens in, out · characters",
        );
        let mut faults = Vec::new();
        for ending in order {
            let about = format!("{}, {:?}", ending.about, ending.door);
            let Some(call) = self.calls.get(&ending.call) else {
                faults.push(format!("{about}: no record"));
                continue;
            };
            let found = self.of_call(ending, call)?;
            faults.extend(found.into_iter().map(|fault| format!("{about}: {fault}")));
        }
        if self.calls.len() != endings.len() {
            faults.push(format!(
                "{} records of {} calls",
                self.calls.len(),
                endings.len()
            ));
        }
        faults.extend(self.of_days());
        Ok(faults)
    }

    /// The day's figures are those of its calls.
    fn of_days(&self) -> Vec<String> {
        let sum = |column: &str| -> i64 {
            let calls = self.calls.values();
            calls.map(|call| number(call, column)).sum()
        };
        let lasted = self
            .calls
            .values()
            .map(|call| number(call, "ended_at") - number(call, "started_at"));
        let mut sums = vec![
            ("calls", i64::try_from(self.calls.len()).unwrap_or(-1)),
            ("call_ms", lasted.sum()),
        ];
        let columns = ["turns", "messages"].into_iter().chain(COSTS);
        sums.extend(columns.map(|column| (column, sum(column))));
        let wrong = sums
            .into_iter()
            .filter(|(column, sum)| number(&self.days, column) != *sum);
        wrong
            .map(|(column, sum)| {
                let day = number(&self.days, column);
                format!("the day has {day} {column}, its calls {sum}")
            })
            .collect()
    }

    fn of_call(&self, ending: &Ending, call: &Value) -> anyhow::Result<Vec<String>> {
        let none = Vec::new();
        let turns = self.turns.get(&ending.call).unwrap_or(&none);
        let runs = self.runs.get(&ending.call).unwrap_or(&none);
        let (started, ended) = (number(call, "started_at"), number(call, "ended_at"));
        let lasted = ended - started;
        let last = turns.last().unwrap_or(&Value::Null);
        show(format_args!(
            "{:<27} · {:<7} · {:<11} · {} · {:?} | {:?} · {:.1} · {:.1} · {}, {} · {}",
            ending.about,
            text(call, "door"),
            text(call, "outcome"),
            number(call, "turns"),
            text(last, "agent_heard"),
            text(last, "agent_unheard"),
            lasted as f64 / 1e3,
            number(call, "recogniser_ms") as f64 / 1e3,
            number(call, "tokens_in"),
            number(call, "tokens_out"),
            number(call, "characters"),
        ));

        let mut faults = Vec::new();
        let mut check = |holds: bool, fault: String| {
            if !holds {
                faults.push(fault);
            }
        };
        let door = match ending.door {
            Door::Browser => "browser",
            Door::Phone => "phone",
        };
        check(text(call, "door") == door, format!("door {}", call["door"]));
        check(
            text(call, "site") == "demo-dental",
            format!("site {}", call["site"]),
        );
        check(
            call["caller"].as_str() == ending.caller,
            format!("caller {}", call["caller"]),
        );
        check(
            text(call, "outcome") == ending.outcome,
            format!("outcome {}, not {}", call["outcome"], ending.outcome),
        );
        check(
            started > 0 && ended >= started,
            format!("from {started} to {ended}"),
        );
        let day = Zone::parse("America/New_York")?.today(started).to_string();
        check(text(call, "day") == day, format!("day {}", call["day"]));

        let listened = number(call, "recogniser_ms");
        check(
            !ending.listened || listened > 0,
            "the recogniser cost nothing".to_owned(),
        );
        check(
            (0..=lasted + 1_000).contains(&listened),
            format!("{listened} ms were listened to in {lasted}"),
        );
        let tokens = [number(call, "tokens_in"), number(call, "tokens_out")];
        check(
            !ending.asked || tokens[0] > 0,
            format!("the model was asked, and cost {tokens:?} tokens"),
        );
        let spoke = ending
            .turns
            .iter()
            .any(|turn| !turn.caller.is_empty() && turn.outcome == "completed");
        check(
            !spoke || tokens[1] > 0,
            format!("the model answered, and cost {tokens:?} tokens"),
        );
        check(
            !ending.voiced || number(call, "characters") > 0,
            "the voice cost nothing".to_owned(),
        );

        // What the call's row says of its turns.
        let counted = |column: &str, holds: &dyn Fn(&Value) -> bool| {
            let turns = turns.iter().filter(|turn| holds(turn)).count();
            (
                number(call, column) == i64::try_from(turns).unwrap_or(-1),
                format!("{} {column}, and {turns} in its turns", call[column]),
            )
        };
        let voiced = |turn: &Value| turn["voice_to_voice_ms"].is_i64();
        let interrupted = |turn: &Value| text(turn, "outcome") == "interrupted";
        for (holds, fault) in [
            counted("turns", &|_| true),
            counted("replies", &voiced),
            counted("interruptions", &interrupted),
        ] {
            check(holds, fault);
        }
        check(
            call["median_ms"].is_null() != turns.iter().any(voiced),
            format!("median {}", call["median_ms"]),
        );

        let names: Vec<&str> = runs.iter().map(|run| text(run, "name")).collect();
        check(names == ending.runs, format!("ran {names:?}"));
        for run in runs {
            let at = number(run, "started_at");
            let is_whole = text(run, "result").contains(r#""ok":true"#)
                && number(run, "took_ms") >= 0
                && !text(run, "arguments").is_empty()
                && (started..=ended).contains(&at)
                && turns.iter().any(|turn| turn["turn"] == run["turn"]);
            check(is_whole, format!("tool run {run}"));
        }
        let messages = ending.runs.len();
        check(
            number(call, "messages") == i64::try_from(messages)?
                && (messages == 0 || text(call, "name") == "Cy Poe"),
            format!("messages {}, name {}", call["messages"], call["name"]),
        );

        check(
            turns.len() == ending.turns.len(),
            format!("{} turns, not {}", turns.len(), ending.turns.len()),
        );
        let mut before = started;
        for (number_of, (row, turn)) in turns.iter().zip(&ending.turns).enumerate() {
            let at = number(row, "ended_at");
            check(
                (before..=ended).contains(&at),
                format!("turn {}: ended at {at}", number_of + 1),
            );
            before = at;
            let found = of_turn(row, turn).into_iter();
            found.for_each(|fault| check(false, format!("turn {}: {fault}", number_of + 1)));
        }
        Ok(faults)
    }
}

fn of_turn(row: &Value, turn: &Turn) -> Vec<String> {
    let mut faults = Vec::new();
    let mut check = |holds: bool, fault: String| {
        if !holds {
            faults.push(fault);
        }
    };
    check(
        text(row, "outcome") == turn.outcome,
        format!("outcome {}, not {}", row["outcome"], turn.outcome),
    );
    let caller = text(row, "caller_text");
    // Who is gone in the middle of a sentence has said so much of it.
    let is_whole = caller == turn.caller;
    let is_begun = turn.words.is_empty() && !caller.is_empty() && turn.caller.starts_with(caller);
    check(is_whole || is_begun, format!("the caller says {caller:?}"));

    let (heard, unheard) = (text(row, "agent_heard"), text(row, "agent_unheard"));
    let all = joined([heard, unheard]);
    let fits = match turn.heard {
        Heard::All => all == turn.words && unheard.is_empty(),
        Heard::Part => all == turn.words && !heard.is_empty() && !unheard.is_empty(),
        Heard::None => {
            turn.words.starts_with(&all)
                && heard.is_empty()
                && unheard.is_empty() == turn.words.is_empty()
        }
        Heard::Some => turn.words.starts_with(&all) && !all.is_empty(),
    };
    check(
        fits,
        format!("{:?} heard: {heard:?}, and not {unheard:?}", turn.heard),
    );

    let is_answer = !turn.caller.is_empty() && turn.outcome == "completed";
    for stage in STAGES {
        let at = &row[stage];
        check(
            !is_answer || at.as_i64().is_some_and(|at| at >= 0),
            format!("{stage} is {at}"),
        );
    }
    check(
        heard.is_empty() || turn.caller.is_empty() || row["voice_to_voice_ms"].is_i64(),
        format!("heard, and nobody knows how soon: {row}"),
    );
    check(
        number(row, "sent_ms") <= number(row, "voice_to_voice_ms")
            || row["voice_to_voice_ms"].is_null(),
        format!(
            "heard after {} ms, sent after {}",
            row["voice_to_voice_ms"], row["sent_ms"]
        ),
    );
    faults
}
