//! An ordinary call.

use anyhow::{Context, ensure};
use local_providers::phone::{Dial, EventKind};
use local_providers::{Direction, Service};
use tests::database::rows;
use tests::edge::Edge;
use tests::figures::show;
use tests::phone::{Phone, dial, gaps};
use tests::scripted;

use crate::{FIRST, GREETING, SCRIPT, SECOND, Stage};

#[tokio::test(flavor = "multi_thread")]
async fn she_greets_and_answers_and_the_record_says_it_was_a_telephone() -> anyhow::Result<()> {
    let providers = scripted(SCRIPT).await?;
    let state = tempfile::tempdir()?;
    let edge = Edge::start_keeping(&providers, state.path()).await?;
    let phone = Phone::greeted(&providers, &edge).await?;
    let question = phone.say(1_000);
    let answered = phone.answered(question.to_ms).await?;
    phone.listened_to(3).await?;
    phone.wait(200).await;
    phone.hang_up().await?;

    let her = phone.her();
    let greeted = her.first_sound(0.0).context("nothing was played")?;
    let greeting = her.tone_ms(GREETING, 0.0, question.from_ms);
    let whole = |text: &str| text.chars().count() as f64 * 60.0;
    ensure!(
        (greeting - whole(GREETING)).abs() < 60.0,
        "{greeting} ms of the greeting"
    );
    for piece in [FIRST, SECOND] {
        let heard = her.tone_ms(piece, answered, her.end_ms());
        ensure!((heard - whole(piece)).abs() < 60.0, "{heard} ms of {piece}");
    }
    let gaps = gaps(&phone.line.events(), &phone.line.played());
    ensure!(gaps.is_empty(), "her voice broke off at {gaps:?}");
    let frames = phone.all(|event| match event.kind {
        EventKind::Media { samples, .. } => Some(samples),
        _ => None,
    });
    ensure!(
        frames.iter().all(|samples| *samples == 160),
        "frames of other than 20 ms"
    );
    let warnings = phone.all(|event| match &event.kind {
        EventKind::Warning { code, reason } => Some(format!("{code}: {reason}")),
        _ => None,
    });
    ensure!(warnings.is_empty(), "{warnings:?}");
    show(format_args!(
        "webhook → greeting's first sound played {greeted:>6.0} ms"
    ));
    show(format_args!(
        "voice to voice, caller's last sound → her first sound played {:>6.0} ms",
        answered - question.to_ms
    ));

    // µ-law from end to end: nothing is asked of the vendors that would have to be converted.
    for service in [Service::Listen, Service::Speak] {
        let log = providers.log();
        let opened = log
            .iter()
            .find(|entry| entry.service == service && entry.dir == Direction::Open)
            .with_context(|| format!("no {service:?}"))?;
        let shown = serde_json::to_string(opened)?;
        ensure!(shown.contains("mulaw") && shown.contains("8000"), "{shown}");
    }

    let call = phone.line.call_sid();
    let calls = rows(state.path(), "SELECT * FROM calls WHERE id = ?", call).await?;
    let call_row = calls.first().context("no call")?;
    ensure!(
        call_row["door"] == "phone" && call_row["outcome"] == "hung_up",
        "{call_row}"
    );
    let turns = "SELECT * FROM turns WHERE call_id = ? ORDER BY turn";
    let turns = rows(state.path(), turns, call).await?;
    ensure!(turns.len() == 2, "{turns:#?}");
    ensure!(
        turns[1]["caller_text"] == "what are your opening hours"
            && turns[1]["agent_heard"] == format!("{FIRST} {SECOND}")
            && turns[1]["agent_unheard"] == "",
        "{turns:#?}"
    );
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_behind_a_public_name_is_signed_and_streamed_to_by_that_name() -> anyhow::Result<()>
{
    const PUBLIC: &str = "https://voice.example.com";
    let providers = scripted(SCRIPT).await?;
    let edge = Edge::start_with_more(&providers, &[("PUBLIC_ORIGIN", PUBLIC)]).await?;
    let by_its_name = Dial {
        public_origin: Some(PUBLIC.to_owned()),
        ..dial(&edge)
    };
    let phone = Phone::call_as(&providers, &edge, by_its_name).await?;
    phone.answered(0.0).await?;
    phone.hang_up().await?;
    let documents = phone.all(|event| match &event.kind {
        EventKind::WebhookAnswered { twiml, .. } => Some(twiml.clone()),
        _ => None,
    });
    let document = documents.first().context("no answer")?;
    ensure!(
        document.contains(r#"url="wss://voice.example.com/twilio/media""#),
        "{document}"
    );

    // Signed for where the request really went, as anybody could who found the worker behind its proxy.
    let by_its_address = Phone::call_as(&providers, &edge, dial(&edge)).await?;
    by_its_address.over().await?;
    let statuses = by_its_address.all(|event| match event.kind {
        EventKind::WebhookAnswered { status, .. } => Some(status),
        _ => None,
    });
    ensure!(statuses == [403], "{statuses:?}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_slow_network_costs_its_way_and_nothing_else() -> anyhow::Result<()> {
    let stage = Stage::new(SCRIPT).await?;
    let far = Dial {
        network: std::time::Duration::from_millis(100),
        ..dial(&stage.edge)
    };
    let phone = Phone::call_as(&stage.providers, &stage.edge, far).await?;
    phone.listened_to(2).await?;
    let question = phone.say(1_000);
    let answered = phone.answered(question.to_ms).await?;
    phone.listened_to(3).await?;
    phone.wait(300).await;
    phone.hang_up().await?;
    let her = phone.her();
    for piece in [FIRST, SECOND] {
        let heard = her.tone_ms(piece, answered, her.end_ms());
        let whole = piece.chars().count() as f64 * 60.0;
        ensure!((heard - whole).abs() < 60.0, "{heard} ms of {piece}");
    }
    let gaps = gaps(&phone.line.events(), &phone.line.played());
    ensure!(gaps.is_empty(), "her voice broke off at {gaps:?}");
    show(format_args!(
        "voice to voice with 100 ms of network each way {:>6.0} ms",
        answered - question.to_ms
    ));
    Ok(())
}
