//! The worker on workerd with scripted providers, called without a browser.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, ensure};
use edge_worker::settings::{Origin, Settings};
use edge_worker::ticket::{CallId, SiteId, Ticket, TicketKey};
use local_providers::{Direction, Service, tone_of};
use tests::caller::{Caller, Event, PATIENCE, ticket};
use tests::edge::{DEEPGRAM_KEY, Edge, GROQ_KEY, TWILIO_ACCOUNT, TWILIO_TOKEN};
use tests::figures::show;
use tests::sound::amplitude_of;
use tests::words::GREETING;
use tests::{chat_requests, open_streams, scripted};
use tokio_tungstenite::tungstenite::Message;
use voice_core::turn::TurnId;
use voice_core::wire::audio::MAX_FRAME;
use voice_core::wire::{ClientMessage, Phase, RefusalCode, ServerMessage, Speaker};

const SCRIPT: &str = r#"{
    "utterances": ["what are your opening hours", "can I come on Monday"],
    "replies": [
        { "when": "Monday", "say": "We can see you on Monday at ten." },
        { "when": "hours", "say": "We are open from nine to five every single working day. On Saturday and on Sunday we are closed all day long." }
    ]
}"#;

/// A caller who has been greeted.
async fn greeted(edge: &Edge) -> anyhow::Result<Caller> {
    let mut caller = Caller::connect(edge).await?;
    let turn = caller.wait_for_state(Phase::Speaking).await?;
    hear(&mut caller, turn, GREETING).await?;
    caller.wait_for_state(Phase::Listening).await?;
    Ok(caller)
}

/// Receives a turn's voice until the tone of this piece has been heard.
async fn hear(caller: &mut Caller, turn: TurnId, piece: &str) -> anyhow::Result<()> {
    let tone = tone_of(piece);
    let expected = u64::try_from(piece.chars().count())? * 60 * 24;
    let mut heard = 0;
    while heard < expected * 9 / 10 {
        let samples = caller
            .wait_for(piece, |event| match event {
                Event::Voice { turn: of, samples } if *of == turn => Some(samples.clone()),
                _ => None,
            })
            .await?;
        let window: Vec<f32> = samples
            .iter()
            .map(|sample| f32::from(*sample) / 32_768.0)
            .collect();
        if amplitude_of(tone, &window, 24_000.0) > 0.2 {
            heard += samples.len() as u64;
        }
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn she_greets_and_answers() -> anyhow::Result<()> {
    let providers = scripted(SCRIPT).await?;
    let edge = Edge::start(&providers).await?;
    let mut caller = greeted(&edge).await?;
    caller.speak(true);
    caller.run_for(Duration::from_millis(1_000)).await?;
    caller.speak(false);
    let words = caller
        .wait_for("the caller's words", |event| match event {
            Event::Message(ServerMessage::Caption {
                speaker: Speaker::Caller,
                text,
                is_final: true,
                ..
            }) => Some(text.clone()),
            _ => None,
        })
        .await?;
    ensure!(words == "what are your opening hours", "heard {words:?}");
    let turn = caller.wait_for_state(Phase::Speaking).await?;
    hear(
        &mut caller,
        turn,
        "We are open from nine to five every single working day.",
    )
    .await?;
    hear(
        &mut caller,
        turn,
        "On Saturday and on Sunday we are closed all day long.",
    )
    .await?;
    let report = caller
        .wait_for("a report", |event| match event {
            Event::Message(ServerMessage::Report(report)) => Some(report.clone()),
            _ => None,
        })
        .await?;
    ensure!(
        report.turn == turn && report.first_token_ms.is_some(),
        "{report:?}"
    );
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_barge_in_flushes_and_the_model_learns_only_what_was_heard() -> anyhow::Result<()> {
    let providers = scripted(SCRIPT).await?;
    let edge = Edge::start(&providers).await?;
    let mut caller = greeted(&edge).await?;
    caller.speak(true);
    caller.run_for(Duration::from_millis(800)).await?;
    caller.speak(false);
    caller.plays_at_once = false;
    let turn = caller.wait_for_state(Phase::Speaking).await?;
    caller.run_for(Duration::from_millis(300)).await?;

    // 60 ms a character: this is in the middle of "to", after "We are open from nine".
    let samples = 60 * 24 * 23;
    caller.speak(true);
    caller.tell(&ClientMessage::SpeechStarted).await?;
    caller
        .tell(&ClientMessage::Paused { turn, samples })
        .await?;
    caller
        .wait_for("the flush", |event| match event {
            Event::Message(ServerMessage::Flush { turn: flushed }) if *flushed == turn => Some(()),
            _ => None,
        })
        .await?;
    let sent = caller.received.get(&turn).copied().unwrap_or(0);
    caller
        .tell(&ClientMessage::Flushed {
            turn,
            samples,
            discarded: sent - samples,
        })
        .await?;
    caller.run_for(Duration::from_millis(500)).await?;
    caller.speak(false);
    caller.plays_at_once = true;
    let next = caller.wait_for_state(Phase::Speaking).await?;
    hear(&mut caller, next, "We can see you on Monday at ten.").await?;

    ensure!(
        caller.received.get(&turn).copied() == Some(sent),
        "voice of the cut reply came after the flush"
    );
    let requests = chat_requests(&providers);
    let last = requests.last().context("no request")?;
    ensure!(
        last.ends_with(&[
            "assistant: We are open from nine".to_owned(),
            "user: can I come on Monday".to_owned()
        ]),
        "{last:#?}"
    );
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn junk_is_refused_with_its_name_and_others_are_served() -> anyhow::Result<()> {
    let providers = scripted(SCRIPT).await?;
    let edge = Edge::start(&providers).await?;
    let mut bystander = Caller::connect(&edge).await?;
    let mut wrong_kind = vec![7, 1, 0, 0];
    wrong_kind.resize(652, 0);
    let mut short = vec![1, 1, 0, 0];
    short.resize(200, 0);
    for (junk, expected) in [
        (Message::text("hello?"), RefusalCode::BadMessage),
        (
            Message::text(r#"{"type":"dance"}"#),
            RefusalCode::BadMessage,
        ),
        (Message::text(" ".repeat(1 << 20)), RefusalCode::TooLarge),
        (Message::binary(Vec::new()), RefusalCode::BadFrame),
        (Message::binary(wrong_kind), RefusalCode::BadFrame),
        (Message::binary(short), RefusalCode::BadFrame),
        (
            Message::binary(vec![0; MAX_FRAME + 1]),
            RefusalCode::TooLarge,
        ),
        (Message::binary(vec![0; 1 << 20]), RefusalCode::TooLarge),
    ] {
        let mut caller = Caller::connect(&edge).await?;
        let shown = format!("{} bytes", junk.len());
        caller.send(junk).await?;
        let code = caller
            .wait_for("a refusal", |event| match event {
                Event::Message(ServerMessage::Error { code, .. }) => Some(*code),
                _ => None,
            })
            .await?;
        ensure!(code == expected, "{shown}: {code:?}, not {expected:?}");
        let end = caller
            .wait_for("the close", |event| match event {
                Event::Closed { code } => Some(*code),
                _ => None,
            })
            .await?;
        ensure!(end == 1008, "{shown}: closed with {end}");
    }
    let mut old = Caller::open(&edge, &ticket(&edge).await?, Some(&edge.origin)).await?;
    old.tell(&ClientMessage::Hello { protocol: 0 }).await?;
    let code = old
        .wait_for("a refusal", |event| match event {
            Event::Message(ServerMessage::Error { code, .. }) => Some(*code),
            _ => None,
        })
        .await?;
    ensure!(code == RefusalCode::Version, "{code:?}");

    let turn = bystander.wait_for_state(Phase::Speaking).await?;
    hear(&mut bystander, turn, GREETING).await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_ticket_opens_one_call_from_its_own_origin_in_its_time() -> anyhow::Result<()> {
    let providers = scripted(SCRIPT).await?;
    let edge = Edge::start(&providers).await?;
    let own = Some(edge.origin.as_str());

    let good = ticket(&edge).await?;
    let _call = Caller::open(&edge, &good, own).await?;
    ensure!(
        Caller::refusal(&edge, &good, own).await? == 409,
        "a used ticket"
    );

    let other = ticket(&edge).await?;
    ensure!(
        Caller::refusal(&edge, &other, Some("https://elsewhere.example")).await? == 403,
        "another origin"
    );
    ensure!(Caller::refusal(&edge, "", own).await? == 401, "no ticket");
    ensure!(
        Caller::refusal(&edge, &"A".repeat(5_000), own).await? == 401,
        "a long one"
    );
    let forged: String = other.chars().rev().collect();
    ensure!(
        Caller::refusal(&edge, &forged, own).await? == 401,
        "a forged one"
    );

    let settings = Settings::from_lookup(|name| match name {
        "DEEPGRAM_API_KEY" => Some(DEEPGRAM_KEY.to_owned()),
        "GROQ_API_KEY" => Some(GROQ_KEY.to_owned()),
        _ => None,
    })?;
    let site = SiteId::parse("demo-dental").context("a site")?;
    let origin = Origin::parse(&edge.origin).context("an origin")?;
    let long_ago = std::time::UNIX_EPOCH.elapsed()?.as_secs() - 3_600;
    let expired = Ticket::issue(
        &TicketKey::new(&settings),
        CallId::from_random([7; 16]),
        &site,
        &origin,
        long_ago,
    );
    ensure!(
        Caller::refusal(&edge, &expired, own).await? == 401,
        "an expired one"
    );

    let refused = reqwest::Client::new()
        .post(edge.url("/api/tickets"))
        .header("Origin", "https://elsewhere.example")
        .send()
        .await?;
    ensure!(refused.status() == 403, "{}", refused.status());
    ensure!(
        refused
            .headers()
            .get("content-type")
            .is_some_and(|kind| kind == "application/problem+json")
    );
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn leaving_in_the_middle_of_an_answer_ends_every_stream() -> anyhow::Result<()> {
    // Slow words, so that the model is still talking when the caller leaves.
    let script = SCRIPT.replacen('{', r#"{ "latency": { "llm_token_ms": 400 },"#, 1);
    let providers = scripted(&script).await?;
    let edge = Edge::start(&providers).await?;
    let mut caller = greeted(&edge).await?;
    caller.speak(true);
    caller.run_for(Duration::from_millis(800)).await?;
    caller.speak(false);
    caller.wait_for_state(Phase::Processing).await?;
    caller.run_for(Duration::from_millis(600)).await?;
    ensure!(
        open_streams(&providers) == [Service::Chat, Service::Listen, Service::Speak],
        "{:?}",
        open_streams(&providers)
    );

    let left = providers.elapsed_ms();
    caller.leave().await?;
    let ended = async {
        while !open_streams(&providers).is_empty() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(PATIENCE, ended)
        .await
        .with_context(|| format!("still open: {:?}", open_streams(&providers)))?;
    let last = providers
        .log()
        .into_iter()
        .filter(|entry| entry.dir == Direction::Close)
        .map(|entry| entry.at_ms)
        .fold(0.0, f64::max);
    let took = last - left;
    show(format_args!(
        "caller gone → last of three streams closed: {took:.0} ms"
    ));
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn invariant_7_no_secret_reaches_a_page() -> anyhow::Result<()> {
    let providers = scripted(SCRIPT).await?;
    let edge = Edge::start(&providers).await?;
    let host = providers.base_url().replace("http://", "");
    let secrets = [
        DEEPGRAM_KEY,
        GROQ_KEY,
        TWILIO_ACCOUNT,
        TWILIO_TOKEN,
        host.as_str(),
        "api.deepgram.com",
        "api.groq.com",
        "api.twilio.com",
        "openai/gpt-oss",
        "aura-2-thalia-en",
        "nova-2",
    ];
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../dist");
    let mut paths = vec![
        String::new(),
        "api/tickets".to_owned(),
        "healthz".to_owned(),
        "no-such-page".to_owned(),
    ];
    collect(&root, &root, &mut paths)?;
    ensure!(paths.len() > 6, "the build has too few assets: {paths:?}");
    for path in paths {
        let body = reqwest::get(edge.url(&format!("/{path}")))
            .await?
            .bytes()
            .await?;
        let text = String::from_utf8_lossy(&body);
        for secret in secrets {
            ensure!(!text.contains(secret), "/{path} holds {secret:?}");
        }
    }
    let mut caller = Caller::connect(&edge).await?;
    for event in caller.run_for(Duration::from_millis(1_500)).await? {
        let shown = format!("{event:?}");
        ensure!(
            !secrets.iter().any(|secret| shown.contains(secret)),
            "{shown}"
        );
    }
    Ok(())
}

fn collect(root: &Path, folder: &Path, paths: &mut Vec<String>) -> anyhow::Result<()> {
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            collect(root, &path, paths)?;
        } else {
            paths.push(path.strip_prefix(root)?.to_string_lossy().into_owned());
        }
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_missing_or_malformed_setting_is_named() -> anyhow::Result<()> {
    let edge = Edge::start_with(&[
        ("DEEPGRAM_API_KEY", "a"),
        ("DEEPGRAM_BASE_URL", "ftp://nowhere/x"),
    ])
    .await?;
    for path in ["/healthz", "/api/tickets"] {
        let request = reqwest::Client::new();
        let request = if path == "/healthz" {
            request.get(edge.url(path))
        } else {
            request.post(edge.url(path))
        };
        let answer = request.header("Origin", &edge.origin).send().await?;
        ensure!(answer.status() == 503, "{path}: {}", answer.status());
        let body = answer.text().await?;
        ensure!(
            body.contains("GROQ_API_KEY")
                && body.contains("DEEPGRAM_BASE_URL")
                && !body.contains("nowhere"),
            "{body}"
        );
    }
    Ok(())
}
