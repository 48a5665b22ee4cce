//! Requests that are not the telephone company's, and streams that break its protocol: each is refused or survived, leaves
//! nothing open, and harms no other call.

use anyhow::{Context, ensure};
use edge_worker::settings::Settings;
use edge_worker::ticket::SiteId;
use edge_worker::twilio::{StreamToken, TokenKey};
use local_providers::phone::sign;
use local_providers::{Config, Direction, Script, Service};
use tests::caller::PATIENCE;
use tests::edge::{DEEPGRAM_KEY, Edge, GROQ_KEY, TWILIO_ACCOUNT, TWILIO_TOKEN};
use tests::figures::show;
use tests::phone::{a_normal_call_works, all_streams_closed};
use tests::stream::{
    STREAM, Stream, announce, announcement, call_sid, conclude, post, post_signed,
};
use tokio_tungstenite::tungstenite::Message;

use crate::{GREETING, SCRIPT, Stage};

/// Nothing of the broken call is left, and the next caller is greeted.
async fn all_is_well(stage: &Stage, what: &str) -> anyhow::Result<()> {
    let took = all_streams_closed(&stage.providers).await?;
    show(format_args!(
        "{what} → last vendor's stream closed {took:>6.0} ms"
    ));
    a_normal_call_works(&stage.providers, &stage.edge, GREETING).await
}

#[tokio::test(flavor = "multi_thread")]
async fn invariant_15_webhooks_without_the_right_signature_are_refused() -> anyhow::Result<()> {
    let stage = Stage::new(SCRIPT).await?;
    let form = announcement(&call_sid(1));
    for path in ["/twilio/voice", "/twilio/status"] {
        let forged = sign("another token", &stage.edge.url(path), &form);
        let of_another_path = sign(TWILIO_TOKEN, &stage.edge.url("/twilio/other"), &form);
        for signature in [None, Some(""), Some(&*forged), Some(&*of_another_path)] {
            let answer = post(&stage.edge, path, &form, signature).await?;
            let status = answer.status();
            let body = answer.text().await?;
            ensure!(
                status == 403 && body.contains("bad_signature"),
                "{path}, {signature:?}: {status} {body}"
            );
        }
    }
    // Signed over all members: one that was added on the way shows.
    let mut longer = form.clone();
    let signature = sign(TWILIO_TOKEN, &stage.edge.url("/twilio/voice"), &form);
    longer.push(("Digits".to_owned(), "1".to_owned()));
    let answer = post(&stage.edge, "/twilio/voice", &longer, Some(&signature)).await?;
    ensure!(answer.status() == 403, "{}", answer.status());
    all_is_well(&stage, "webhooks refused").await
}

#[tokio::test(flavor = "multi_thread")]
async fn webhooks_of_another_account_or_without_a_call_are_refused() -> anyhow::Result<()> {
    let stage = Stage::new(SCRIPT).await?;
    for (name, value, expected) in [
        ("AccountSid", "AC00000000000000000000000000000001", 403),
        ("CallSid", "CA1", 400),
        ("CallSid", "../../call", 400),
    ] {
        let mut form = announcement(&call_sid(2));
        for member in form.iter_mut().filter(|member| member.0 == name) {
            member.1 = value.to_owned();
        }
        let answer = post_signed(&stage.edge, "/twilio/voice", &form).await?;
        ensure!(
            answer.status() == expected,
            "{name}={value}: {}",
            answer.status()
        );
    }
    let mut long = announcement(&call_sid(2));
    long.push(("Padding".to_owned(), "x".repeat(1 << 20)));
    let answer = post_signed(&stage.edge, "/twilio/voice", &long).await?;
    ensure!(answer.status() == 413, "a megabyte: {}", answer.status());
    all_is_well(&stage, "webhooks refused").await
}

#[tokio::test(flavor = "multi_thread")]
async fn invariant_15_a_stream_with_a_wrong_signature_is_refused() -> anyhow::Result<()> {
    let stage = Stage::new(SCRIPT).await?;
    let status = Stream::refusal(&stage.edge, "AAAAAAAAAAAAAAAAAAAAAAAAAAA=").await?;
    ensure!(status == 403, "{status}");
    all_is_well(&stage, "stream refused").await
}

#[tokio::test(flavor = "multi_thread")]
async fn invariant_15_a_token_opens_one_stream() -> anyhow::Result<()> {
    let stage = Stage::new(SCRIPT).await?;
    let announced = announce(&stage.edge, &call_sid(3)).await?;
    let mut first = Stream::begin(&stage.edge, &announced).await?;
    first.hear().await?;
    let mut replayed = Stream::begin(&stage.edge, &announced).await?;
    let code = replayed.closed().await?;
    ensure!(code == 1008, "closed with {code}");
    // The call that the token belongs to goes on.
    first.media(STREAM).await?;
    first.hear().await?;
    drop(first);
    conclude(&stage.edge, &announced.call).await?;
    all_is_well(&stage, "call over").await
}

#[tokio::test(flavor = "multi_thread")]
async fn invariant_15_a_token_of_another_call_opens_none() -> anyhow::Result<()> {
    let stage = Stage::new(SCRIPT).await?;
    let announced = announce(&stage.edge, &call_sid(4)).await?;
    let mut stream = Stream::open(&stage.edge).await?;
    stream.start(&call_sid(5), Some(&announced.token)).await?;
    let code = stream.closed().await?;
    ensure!(code == 1008, "closed with {code}");
    conclude(&stage.edge, &announced.call).await?;
    all_is_well(&stage, "call over").await
}

#[tokio::test(flavor = "multi_thread")]
async fn invariant_15_a_token_that_is_old_forged_or_missing_opens_none() -> anyhow::Result<()> {
    let stage = Stage::new(SCRIPT).await?;
    let announced = announce(&stage.edge, &call_sid(6)).await?;
    let settings = Settings::from_lookup(|name| match name {
        "DEEPGRAM_API_KEY" => Some(DEEPGRAM_KEY.to_owned()),
        "GROQ_API_KEY" => Some(GROQ_KEY.to_owned()),
        "TWILIO_ACCOUNT_SID" => Some(TWILIO_ACCOUNT.to_owned()),
        "TWILIO_AUTH_TOKEN" => Some(TWILIO_TOKEN.to_owned()),
        _ => None,
    })?;
    let now = std::time::UNIX_EPOCH.elapsed()?.as_secs();
    let token = |seconds| {
        let site = SiteId::parse("demo-dental").expect("a plain name");
        let call = announced.call.parse().expect("a call's name");
        StreamToken::issue(&TokenKey::new(&settings), &call, &site, seconds)
    };
    let forged: String = announced.token.chars().rev().collect();
    for (what, token) in [
        ("an old token", Some(token(now - 61))),
        ("a forged token", Some(forged)),
        ("no token", None),
    ] {
        let mut stream = Stream::open(&stage.edge).await?;
        stream.start(&announced.call, token.as_deref()).await?;
        let code = stream.closed().await?;
        ensure!(code == 1008, "{what}: closed with {code}");
    }
    // The same by the same key and in time: it was the age that was wrong.
    let mut stream = Stream::open(&stage.edge).await?;
    stream.start(&announced.call, Some(&token(now))).await?;
    stream.hear().await?;
    drop(stream);
    conclude(&stage.edge, &announced.call).await?;
    all_is_well(&stage, "call over").await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_that_never_starts_is_closed() -> anyhow::Result<()> {
    let stage = Stage::new(SCRIPT).await?;
    let announced = announce(&stage.edge, &call_sid(7)).await?;
    let mut stream = Stream::open(&stage.edge).await?;
    let code = stream.closed().await?;
    ensure!(code == 1008, "closed with {code}");
    conclude(&stage.edge, &announced.call).await?;
    all_is_well(&stage, "call over").await
}

#[tokio::test(flavor = "multi_thread")]
async fn sound_before_the_start_is_refused() -> anyhow::Result<()> {
    let stage = Stage::new(SCRIPT).await?;
    let mut stream = Stream::open(&stage.edge).await?;
    stream.media(STREAM).await?;
    let code = stream.closed().await?;
    ensure!(code == 1008, "closed with {code}");
    all_is_well(&stage, "stream refused").await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_megabyte_of_json_is_refused_before_and_after_the_start() -> anyhow::Result<()> {
    let stage = Stage::new(SCRIPT).await?;
    let megabyte = format!(r#"{{"event":"mark","padding":"{}"}}"#, "x".repeat(1 << 20));
    let mut stream = Stream::open(&stage.edge).await?;
    stream.send(Message::text(megabyte.clone())).await?;
    let code = stream.closed().await?;
    ensure!(code == 1009, "before the start: closed with {code}");

    let announced = announce(&stage.edge, &call_sid(8)).await?;
    let mut stream = Stream::begin(&stage.edge, &announced).await?;
    stream.hear().await?;
    stream.send(Message::text(megabyte)).await?;
    let code = stream.closed().await?;
    ensure!(code == 1009, "after the start: closed with {code}");
    conclude(&stage.edge, &announced.call).await?;
    all_is_well(&stage, "stream closed").await
}

#[tokio::test(flavor = "multi_thread")]
async fn binary_frames_and_junk_are_ignored_while_they_are_few() -> anyhow::Result<()> {
    let stage = Stage::new(SCRIPT).await?;
    let announced = announce(&stage.edge, &call_sid(9)).await?;
    let mut stream = Stream::begin(&stage.edge, &announced).await?;
    stream.hear().await?;
    for junk in [
        "hello?",
        "{",
        "[]",
        "null",
        r#"{"event":"dance"}"#,
        r#"{"event":"media"}"#,
        r#"{"event":"media","media":{"payload":"!"}}"#,
        r#"{"event":"mark","mark":{"name":7}}"#,
    ] {
        stream.send(Message::text(junk)).await?;
    }
    stream.send(Message::binary(vec![0xFF; 160])).await?;
    stream.send(Message::binary(Vec::new())).await?;
    for _ in 0..10 {
        stream.media(STREAM).await?;
    }
    stream.hear().await?;

    for _ in 0..20 {
        // The worker may close in the middle of these.
        if stream.send(Message::binary(vec![0; 1_000])).await.is_err() {
            break;
        }
    }
    let code = stream.closed().await?;
    ensure!(code != 1000, "many binary frames: closed with {code}");
    conclude(&stage.edge, &announced.call).await?;
    all_is_well(&stage, "stream closed").await
}

#[tokio::test(flavor = "multi_thread")]
async fn sound_of_another_stream_is_not_heard() -> anyhow::Result<()> {
    let providers = local_providers::start(Config {
        script: Script::from_json(SCRIPT)?,
        ..Config::default()
    })
    .await?;
    let edge = Edge::start(&providers).await?;
    let stage = Stage { providers, edge };
    let announced = announce(&stage.edge, &call_sid(10)).await?;
    let mut stream = Stream::begin(&stage.edge, &announced).await?;
    stream.hear().await?;
    let other = format!("MZ{}", "0".repeat(32));
    for _ in 0..50 {
        stream.media(&other).await?;
    }
    stream.stay_silent(200).await?;
    stream.hear().await?;
    drop(stream);
    all_streams_closed(&stage.providers).await?;
    let heard: u64 = stage
        .providers
        .log()
        .iter()
        .filter(|entry| entry.service == Service::Listen && entry.kind == "audio")
        .filter_map(|entry| entry.field("bytes").as_u64())
        .sum();
    ensure!(
        (1..=10 * 160).contains(&heard),
        "{heard} bytes reached the recogniser, of 1600 that were the caller's"
    );
    conclude(&stage.edge, &announced.call).await?;
    all_is_well(&stage, "socket dropped").await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_socket_that_is_cut_without_stop_ends_its_call() -> anyhow::Result<()> {
    let stage = Stage::new(SCRIPT).await?;
    let announced = announce(&stage.edge, &call_sid(11)).await?;
    let mut stream = Stream::begin(&stage.edge, &announced).await?;
    stream.hear().await?;
    drop(stream);
    stage.edge.until_state(&announced.call, "Ended", 1).await?;
    all_is_well(&stage, "socket cut").await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_that_rings_off_before_its_stream_leaves_nothing_open() -> anyhow::Result<()> {
    let stage = Stage::new(SCRIPT).await?;
    let announced = announce(&stage.edge, &call_sid(12)).await?;
    let opened = stage
        .providers
        .logged(|entry| entry.service == Service::Listen && entry.dir == Direction::Open);
    tokio::time::timeout(PATIENCE, opened)
        .await
        .context("the webhook opened nothing")?;
    conclude(&stage.edge, &announced.call).await?;
    all_is_well(&stage, "rung off").await
}
