//! More callers than a business may have at once: who is in stays in, and one more is told why, at either door.

use std::time::Duration;

use anyhow::{Context, ensure};
use futures_util::future::try_join_all;
use local_providers::phone::{EventKind, Spoken};
use tests::caller::{Caller, Event, PATIENCE};
use tests::edge::Edge;
use tests::figures::show;
use tests::phone::Phone;
use tests::scripted;
use tests::words::{GREETING, SCRIPT};
use voice_core::wire::{ClientMessage, Phase, RefusalCode, ServerMessage};

/// Whether a telephone was answered by her; if not, it must have been told that all lines are busy.
async fn is_taken(phone: &Phone<'_>) -> anyhow::Result<bool> {
    let answer = phone.line.until("an answer", |event| match event.kind {
        EventKind::StreamOpened { .. } => Some(true),
        EventKind::Verb(_) => Some(false),
        _ => None,
    });
    if answer.await? {
        return Ok(true);
    }
    phone.over().await?;
    let verbs = phone.all(|event| match &event.kind {
        EventKind::Verb(verb) => Some(verb.clone()),
        _ => None,
    });
    let [Spoken::Say { text }, Spoken::Hangup] = &verbs[..] else {
        anyhow::bail!("{verbs:?}");
    };
    ensure!(text.contains("lines are busy"), "{text}");
    Ok(false)
}

/// What a browser is told that is one too many, and with which code it is closed.
async fn refused(caller: &mut Caller) -> anyhow::Result<u16> {
    caller
        .wait_for("a refusal", |event| match event {
            Event::Message(ServerMessage::Error { code, .. }) => {
                (*code == RefusalCode::Unavailable).then_some(())
            }
            _ => None,
        })
        .await?;
    closed(caller).await
}

/// The code with which the edge closes the socket.
async fn closed(caller: &mut Caller) -> anyhow::Result<u16> {
    let closed = async {
        loop {
            if let Event::Closed { code } = caller.next().await? {
                return anyhow::Ok(code);
            }
        }
    };
    tokio::time::timeout(PATIENCE, closed)
        .await
        .context("it is not closed")?
}

#[tokio::test(flavor = "multi_thread")]
async fn one_more_is_told_so_at_either_door_and_the_place_comes_back() -> anyhow::Result<()> {
    let providers = scripted(SCRIPT).await?;
    let edge = Edge::start_with_more(&providers, &[("CALLS_AT_ONCE", "1")]).await?;
    let mut first = Caller::connect(&edge).await?;
    first.wait_for_state(Phase::Listening).await?;

    let others = async {
        let began = providers.elapsed_ms();
        let mut second = Caller::connect(&edge).await?;
        let code = refused(&mut second).await?;
        show(format_args!(
            "one browser too many → refused and closed {:>6.0} ms",
            providers.elapsed_ms() - began
        ));
        ensure!(code == 1008, "closed with {code}");
        let phone = Phone::call(&providers, &edge).await?;
        ensure!(!is_taken(&phone).await?, "a second call was taken");
        anyhow::Ok(())
    };
    // Who does not answer pings is taken to be away.
    tokio::select! {
        done = others => done?,
        events = first.run_for(2 * PATIENCE) => anyhow::bail!("{:?}", events?.last()),
    }

    // Whoever is in has not noticed.
    first.speak(true);
    first.run_for(Duration::from_millis(700)).await?;
    first.speak(false);
    first.wait_for_state(Phase::Speaking).await?;
    first.tell(&ClientMessage::HangUp).await?;
    closed(&mut first).await?;
    tests::phone::all_streams_closed(&providers).await?;

    let phone = Phone::greeted(&providers, &edge).await?;
    let mut browser = Caller::connect(&edge).await?;
    refused(&mut browser).await?;
    phone.hang_up().await?;
    tests::phone::all_streams_closed(&providers).await?;
    tests::phone::a_normal_call_works(&providers, &edge, GREETING).await
}

#[tokio::test(flavor = "multi_thread")]
async fn of_telephones_that_ring_together_no_more_are_taken_than_may_be() -> anyhow::Result<()> {
    let providers = scripted(SCRIPT).await?;
    let edge = Edge::start_with_more(&providers, &[("CALLS_AT_ONCE", "2")]).await?;
    let phones = try_join_all((0..6).map(|_| Phone::call(&providers, &edge))).await?;
    let taken = try_join_all(phones.iter().map(is_taken)).await?;
    let number = taken.iter().filter(|taken| **taken).count();
    ensure!(number == 2, "{number} were taken");
    for (phone, _) in phones.iter().zip(&taken).filter(|(_, taken)| **taken) {
        phone.hang_up().await?;
    }
    tests::phone::all_streams_closed(&providers).await?;
    Ok(())
}
