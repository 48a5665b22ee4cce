//! What a model can have the front desk do, well or badly, through the whole product: what the caller hears and what is stored.

use std::time::Duration;

use anyhow::{Context, ensure};
use front_desk::business::Business;
use front_desk::zone::plus_days;
use local_providers::{Fault, FaultRule, Script, Service, When};
use serde_json::{Value, json};
use tests::database::rows;
use tests::door::{Door, Guest};
use tests::edge::Edge;
use tests::figures::show;
use tests::scripted;

/// Something that a model does when it is asked about a word.
struct Case {
    about: &'static str,
    word: &'static str,
    reply: Value,
    /// What the caller is told in the end.
    heard: &'static str,
    /// What the model was told of each call that was carried out: whether it was done, and why not.
    told: Vec<(bool, &'static str)>,
}

const UNABLE: &str = "I'm sorry, I can't do that. Can I take a message?";
const APOLOGY: &str = "I'm sorry, I'm having trouble just now. Could you say that again?";

fn booking(name: &str, arguments: Value) -> Value {
    let mut all = json!({ "service": "cleaning", "name": name });
    if let (Some(all), Value::Object(more)) = (all.as_object_mut(), arguments) {
        all.extend(more);
    }
    json!({ "name": "book_appointment", "arguments": all })
}

/// `open` is a day on which the practice is open, `closed` one on which it is not.
fn cases(open: &str, closed: &str) -> Vec<Case> {
    let at = |time: &str| json!({ "date": open, "time": time });
    let case = |about, word, reply, heard, told| Case {
        about,
        word,
        reply,
        heard,
        told,
    };
    vec![
        case(
            "broken JSON",
            "alpha",
            json!({ "tool_call": { "name": "book_appointment", "arguments": "{\"date\": \"friday" }, "say": "Which day was that?" }),
            "Which day was that?",
            vec![(false, "argument")],
        ),
        case(
            "a service there is not, and a field there is not",
            "bravo",
            json!({ "tool_call": booking("Ann Lee", json!({ "service": "haircut", "date": open, "time": "10:00" })),
                "more_calls": [booking("Ann Lee", json!({ "date": open, "time": "10:00", "discount": 100 }))],
                "say": "We have no such thing." }),
            "We have no such thing.",
            vec![(false, "argument"), (false, "argument")],
        ),
        case(
            "the same twice in a breath",
            "charlie",
            json!({ "tool_call": booking("Ann Lee", at("10:00")), "more_calls": [booking("Ann Lee", at("10:00"))], "say": "You are booked." }),
            "You are booked.",
            vec![(true, "")],
        ),
        case(
            "two at once",
            "delta",
            json!({ "tool_call": booking("Ben Orr", at("13:00")), "more_calls": [booking("Ben Orr", at("15:00"))], "say": "Both are booked." }),
            "Both are booked.",
            vec![(true, ""), (true, "")],
        ),
        case(
            "a time that is taken",
            "echo",
            json!({ "tool_call": booking("Cy Poe", at("10:00")), "say": "Someone has that one." }),
            "Someone has that one.",
            vec![(false, "taken")],
        ),
        case(
            "the same again in another turn",
            "foxtrot",
            json!({ "tool_call": booking("Ann Lee", at("10:00")), "say": "That is booked already." }),
            "That is booked already.",
            vec![(true, "")],
        ),
        case(
            "the past",
            "golf",
            json!({ "tool_call": booking("Ann Lee", json!({ "date": "2020-01-08", "time": "10:00" })), "say": "That day is over." }),
            "That day is over.",
            vec![(false, "past")],
        ),
        case(
            "a closed day",
            "hotel",
            json!({ "tool_call": booking("Ann Lee", json!({ "date": closed, "time": "10:00" })), "say": "We are closed then." }),
            "We are closed then.",
            vec![(false, "closed_day")],
        ),
        case(
            "a closed hour",
            "india",
            json!({ "tool_call": booking("Ann Lee", at("23:00")), "say": "We are closed by then." }),
            "We are closed by then.",
            vec![(false, "closed_hour")],
        ),
        case(
            "over and over",
            "juliet",
            json!({ "tool_call": { "name": "check_availability", "arguments": { "service": "cleaning", "date": open } }, "insists": true }),
            UNABLE,
            vec![(true, "")],
        ),
        case(
            "a tool there is not",
            "kilo",
            json!({ "tool_call": { "name": "delete_everything", "arguments": {} } }),
            UNABLE,
            vec![],
        ),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn invariant_20_whatever_the_model_does_is_decided_at_the_desk_and_told_to_the_caller()
-> anyhow::Result<()> {
    let business = Business::demo();
    let now = i64::try_from(
        std::time::UNIX_EPOCH
            .elapsed()
            .context("a clock before 1970")?
            .as_millis(),
    )?;
    // A week or two ahead, on a Wednesday and a Sunday, whatever today is.
    let next = |weekday| {
        let today = business.zone.today(now);
        (7..14)
            .map(|ahead| plus_days(today, ahead))
            .find(|day| day.weekday() == weekday)
            .map(|day| day.to_string())
            .context("seven days have every weekday")
    };
    let open = next(front_desk::Weekday::Wednesday)?;
    let closed = next(front_desk::Weekday::Sunday)?;
    let cases = cases(&open, &closed);
    let question = |word: &str| format!("What about {word}?");
    let replies: Vec<Value> = cases
        .iter()
        .map(|case| {
            let mut reply = case.reply.clone();
            reply["when"] = case.word.into();
            reply
        })
        .collect();
    let utterances: Vec<String> = cases.iter().map(|case| question(case.word)).collect();
    let script = json!({ "utterances": utterances, "replies": replies });

    let state = tempfile::tempdir()?;
    let providers = scripted(&script.to_string()).await?;
    let edge = Edge::start_keeping(&providers, state.path()).await?;
    let guest = Guest::greeted(Door::Phone, &providers, &edge, Duration::ZERO).await?;
    for case in &cases {
        guest
            .ask(700)
            .await
            .with_context(|| format!("{}: no answer", case.about))?;
    }
    // One that never finishes its answer.
    let mut stalls: Script = Script::from_json(&script.to_string())?;
    let stall = Fault::Stall {
        when: When::after_tokens(1),
    };
    stalls.faults.push(FaultRule::always(Service::Chat, stall));
    providers.set_script(stalls);
    guest.ask(700).await.context("no apology")?;
    guest.hang_up().await?;

    let runs = rows(
        state.path(),
        "SELECT turn, name, result FROM tool_runs WHERE name <> ?1 ORDER BY started_at, n",
        "",
    )
    .await?;
    let mut told = runs.iter().map(|run| -> anyhow::Result<(bool, String)> {
        let result: Value = serde_json::from_str(run["result"].as_str().unwrap_or_default())?;
        let why = result["why"].as_str().unwrap_or_default();
        Ok((result["ok"] == true, why.to_owned()))
    });
    let turns = rows(
        state.path(),
        "SELECT agent_heard FROM turns WHERE caller_text <> ?1 ORDER BY turn",
        "",
    )
    .await?;
    ensure!(turns.len() == cases.len() + 1, "{turns:#?}");
    let mut heard = turns
        .iter()
        .map(|turn| turn["agent_heard"].as_str().unwrap_or_default());
    for (case, heard) in cases.iter().zip(&mut heard) {
        let of_case: Vec<(bool, String)> = told
            .by_ref()
            .take(case.told.len())
            .collect::<Result<_, _>>()?;
        show(format_args!(
            "{}: the caller hears {heard:?}; {of_case:?}",
            case.about
        ));
        ensure!(
            heard.ends_with(case.heard),
            "{}: the caller hears {heard:?}",
            case.about
        );
        let expected = case.told.iter().map(|(ok, why)| (*ok, (*why).to_owned()));
        ensure!(
            of_case == expected.collect::<Vec<_>>(),
            "{}: {of_case:?}",
            case.about
        );
    }
    ensure!(
        told.next().is_none(),
        "more was done than was asked for: {runs:#?}"
    );
    ensure!(
        heard.next().is_some_and(|heard| heard.ends_with(APOLOGY)),
        "a model that stalls: {turns:#?}"
    );

    let bookings = rows(
        state.path(),
        "SELECT name, phone, status, price, starts_at FROM bookings WHERE site = ?1 ORDER BY starts_at",
        "demo-dental",
    )
    .await?;
    let names: Vec<&str> = bookings
        .iter()
        .filter_map(|row| row["name"].as_str())
        .collect();
    ensure!(names == ["Ann Lee", "Ben Orr", "Ben Orr"], "{bookings:#?}");
    ensure!(
        bookings
            .iter()
            .all(|row| row["price"] == 9_000 && row["phone"].is_string()),
        "{bookings:#?}"
    );
    Ok(())
}
