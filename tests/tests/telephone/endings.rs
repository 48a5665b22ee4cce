//! How a call ends, and who is told.

use anyhow::{Context, ensure};
use local_providers::phone::{EventKind, How, Side, Spoken};
use tests::dashboard::Visitor;
use tests::phone::Phone;
use tests::track::Track;

use crate::Stage;

const GOODBYE: &str = "You are welcome and until Monday then.";
const PUT_THROUGH: &str = "One moment, I'll put you through.";

/// A caller who says goodbye, a model that ends the call, and a telephone company with these faults.
fn script(faults: &str) -> String {
    format!(
        r#"{{
            "utterances": ["thank you goodbye"],
            "replies": [{{ "when": "goodbye", "preface": "{GOODBYE}", "tool_call": {{ "name": "end_call", "arguments": {{}} }} }}],
            "faults": [{faults}]
        }}"#
    )
}

/// When the whole of a line had been heard; an error if it was not.
fn heard_whole(her: &Track, line: &str, from_ms: f64, to_ms: f64) -> anyhow::Result<f64> {
    let heard = her.tone_ms(line, from_ms, to_ms);
    let whole = line.chars().count() as f64 * 60.0;
    ensure!((heard - whole).abs() < 60.0, "{heard} ms of {line:?}");
    her.last_sound(from_ms, to_ms).context("no sound")
}

/// The requests to the company's REST interface: when, what, and the status of the answer.
fn rest_requests(phone: &Phone<'_>) -> Vec<(f64, String, u16)> {
    phone.all(|event| match &event.kind {
        EventKind::Rest { request, status } => Some((event.at_ms, request.clone(), *status)),
        _ => None,
    })
}

fn verbs(phone: &Phone<'_>) -> Vec<Spoken> {
    phone.all(|event| match &event.kind {
        EventKind::Verb(verb) => Some(verb.clone()),
        _ => None,
    })
}

fn ends(phone: &Phone<'_>) -> Vec<How> {
    phone.all(|event| match event.kind {
        EventKind::Ended { how } => Some(how),
        _ => None,
    })
}

fn closed_at(phone: &Phone<'_>, side: Side) -> anyhow::Result<f64> {
    let closes = phone.all(|event| match event.kind {
        EventKind::Closed { by, .. } if by == side => Some(event.at_ms),
        _ => None,
    });
    closes
        .first()
        .copied()
        .with_context(|| format!("not closed by {side:?}"))
}

#[tokio::test(flavor = "multi_thread")]
async fn the_goodbye_is_played_whole_before_the_call_is_ended() -> anyhow::Result<()> {
    let stage = Stage::new(&script("")).await?;
    let phone = Phone::greeted(&stage.providers, &stage.edge).await?;
    let said = phone.say(900);
    phone.over().await?;

    let rest = rest_requests(&phone);
    let [(asked_at, request, 200)] = &rest[..] else {
        anyhow::bail!("{rest:?}");
    };
    ensure!(request.contains("completed"), "{request}");
    let last = heard_whole(&phone.her(), GOODBYE, said.to_ms, phone.her().end_ms())?;
    ensure!(
        last <= asked_at + 1.0,
        "asked at {asked_at} ms, before its end at {last} ms"
    );
    ensure!(ends(&phone) == [How::CompletedByRest], "{:?}", ends(&phone));
    ensure!(verbs(&phone).is_empty(), "{:?}", verbs(&phone));
    phone.state("Ended", 1).await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_that_is_over_already_counts_as_ended() -> anyhow::Result<()> {
    let answers = [
        r#"{ "service": "rest", "nth": 1, "fault": "refuse", "status": 400,
             "body": { "code": 21220, "message": "Call is not in-progress. Cannot redirect.", "status": 400 } }"#,
        r#"{ "service": "rest", "nth": 2, "fault": "refuse", "status": 404,
             "body": { "code": 20404, "message": "The requested resource was not found", "status": 404 } }"#,
    ];
    let stage = Stage::new(&script(&answers.join(","))).await?;
    for status in [400, 404] {
        let phone = Phone::greeted(&stage.providers, &stage.edge).await?;
        phone.say(900);
        let closed = phone
            .line
            .until("the close", |event| {
                matches!(
                    event.kind,
                    EventKind::Closed {
                        by: Side::Worker,
                        ..
                    }
                )
                .then_some(())
            })
            .await;
        closed?;
        let rest = rest_requests(&phone);
        let statuses: Vec<u16> = rest.iter().map(|(_, _, status)| *status).collect();
        ensure!(statuses == [status], "asked again: {rest:?}");
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_that_cannot_be_ended_is_left_to_the_apology() -> anyhow::Result<()> {
    let stage = Stage::new(&script(
        r#"{ "service": "rest", "fault": "refuse", "status": 500 }"#,
    ))
    .await?;
    let phone = Phone::greeted(&stage.providers, &stage.edge).await?;
    let said = phone.say(900);
    phone.over().await?;

    let statuses: Vec<u16> = rest_requests(&phone)
        .iter()
        .map(|(_, _, status)| *status)
        .collect();
    ensure!(statuses == [500, 500], "{statuses:?}");
    let closed = closed_at(&phone, Side::Worker)?;
    heard_whole(&phone.her(), GOODBYE, said.to_ms, closed)?;
    let verbs = verbs(&phone);
    ensure!(
        matches!(&verbs[..], [Spoken::Say { .. }, Spoken::Dial { number }, ..] if number.starts_with("+1")),
        "{verbs:?}"
    );
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lone_zero_is_put_through_once_the_line_was_heard() -> anyhow::Result<()> {
    let stage = Stage::new(r#"{ "utterances": [], "replies": [] }"#).await?;
    let phone = Phone::greeted(&stage.providers, &stage.edge).await?;
    let pressed = phone.line.events().last().map_or(0.0, |event| event.at_ms);
    phone.line.press('0');
    phone.over().await?;

    let rest = rest_requests(&phone);
    let [(asked_at, request, 200)] = &rest[..] else {
        anyhow::bail!("{rest:?}");
    };
    ensure!(request.contains("Dial"), "{request}");
    let last = heard_whole(&phone.her(), PUT_THROUGH, pressed, *asked_at + 20.0)?;
    ensure!(
        last <= asked_at + 1.0,
        "asked at {asked_at} ms, before its end at {last} ms"
    );
    let verbs = verbs(&phone);
    ensure!(
        matches!(&verbs[..], [Spoken::Dial { number }] if number.starts_with("+1")),
        "the apology, or nobody: {verbs:?}"
    );
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_stream_ends_every_vendors_stream_and_is_left_to_the_apology() -> anyhow::Result<()>
{
    let stage = Stage::new(crate::SCRIPT).await?;
    let phone = Phone::greeted(&stage.providers, &stage.edge).await?;
    let question = phone.say(900);
    phone.answered(question.to_ms).await?;
    phone.line.cut();
    let took = tests::phone::all_streams_closed(&stage.providers).await?;
    tests::figures::show(format_args!(
        "socket lost → last vendor's stream closed {took:>6.0} ms"
    ));
    phone.over().await?;
    ensure!(
        matches!(verbs(&phone).first(), Some(Spoken::Say { .. })),
        "{:?}",
        verbs(&phone)
    );
    tests::phone::a_normal_call_works(&stage.providers, &stage.edge, crate::GREETING).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_that_falls_silent_is_over_within_seconds_and_its_record_is_kept()
-> anyhow::Result<()> {
    let stage = Stage::new(crate::SCRIPT).await?;
    let owner = Visitor::first_owner(&stage.edge).await?;
    let phone = Phone::greeted(&stage.providers, &stage.edge).await?;
    let known = phone.states().len();
    phone.say(900);
    phone.heard_out(known).await?;
    let stalled_at = phone.line.elapsed_ms();
    phone.line.stall();
    phone.over().await?;
    let took = closed_at(&phone, Side::Worker)? - stalled_at;
    tests::figures::show(format_args!(
        "stream stalled → closed by the worker {took:>6.0} ms"
    ));
    // Five seconds, and the second in which the sockets are looked after.
    ensure!((4_900.0..7_000.0).contains(&took), "{took}");
    tests::phone::all_streams_closed(&stage.providers).await?;
    ensure!(
        matches!(verbs(&phone).first(), Some(Spoken::Say { .. })),
        "{:?}",
        verbs(&phone)
    );
    let kept = async {
        loop {
            let answer = owner.get("/api/calls").await?.json();
            if let Some(call) = answer["calls"].get(0) {
                return anyhow::Ok(call.clone());
            }
            tokio::time::sleep(std::time::Duration::from_millis(100)).await;
        }
    };
    let call = tokio::time::timeout(tests::caller::PATIENCE, kept).await??;
    ensure!(
        call["outcome"] == "hung_up" && call["turns"].as_u64() >= Some(1),
        "{call}"
    );
    Ok(())
}
