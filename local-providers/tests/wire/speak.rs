//! The voice, over a socket and over REST.

use super::*;

#[tokio::test]
async fn the_voice_says_nothing_before_a_flush_and_counts_its_pieces() {
    let providers = start(quick()).await;
    let mut socket = connect(&providers, SPEAK).await.expect("accepted");
    let (metadata, _) = until(&mut socket, "Metadata").await;
    assert_eq!(metadata["model_name"], "aura-2-thalia-en");
    send(&mut socket, json!({ "type": "Speak", "text": "Hello " })).await;
    send(&mut socket, json!({ "type": "Speak", "text": "there." })).await;
    send(&mut socket, json!({ "type": "Flush" })).await;
    let (flushed, audio) = until(&mut socket, "Flushed").await;
    assert_eq!(flushed["sequence_id"], 0);
    // 12 characters of 60 ms, at 24 kHz and two bytes.
    assert_eq!(audio.len(), 12 * 60 * 24 * 2);
    let samples: Vec<i16> = audio
        .chunks(2)
        .map(|pair| i16::from_le_bytes([pair[0], pair[1]]))
        .collect();
    let crossings = samples
        .windows(2)
        .filter(|pair| pair[0] < 0 && pair[1] >= 0)
        .count();
    let expected = f64::from(tone_of("Hello there.")) * 0.72;
    assert!(
        (crossings as f64 - expected).abs() < 3.0,
        "{crossings} for {expected}"
    );
    let entries = providers.log();
    let sizes: Vec<u64> = entries
        .iter()
        .filter(|entry| entry.kind == "audio")
        .filter_map(|entry| entry.field("bytes").as_u64())
        .collect();
    assert!(
        sizes.iter().rev().skip(1).all(|size| size % 2 == 1),
        "{sizes:?}"
    );
    send(&mut socket, json!({ "type": "Speak", "text": "Bye." })).await;
    send(&mut socket, json!({ "type": "Close" })).await;
    let (flushed, audio) = until(&mut socket, "Flushed").await;
    assert_eq!(
        (flushed["sequence_id"].as_u64(), audio.is_empty()),
        (Some(1), false)
    );
    assert_eq!(until_close(&mut socket).await.0, 1000);
}

#[tokio::test]
async fn clear_lets_a_little_through_and_then_nothing() {
    let mut script = quick();
    script.latency.tts_realtime_factor = 1.0;
    let providers = start(script).await;
    let mut socket = connect(&providers, SPEAK).await.expect("accepted");
    let text = "A long sentence that takes many seconds to say, so that it is not over when it is cut off.";
    send(&mut socket, json!({ "type": "Speak", "text": text })).await;
    send(&mut socket, json!({ "type": "Flush" })).await;
    while !next(&mut socket).await.is_binary() {}
    send(&mut socket, json!({ "type": "Clear" })).await;
    let (cleared, audio) = until(&mut socket, "Cleared").await;
    assert_eq!(cleared["sequence_id"], 0);
    assert!(
        !audio.is_empty() && audio.len() < 24_000 * 2,
        "{} bytes",
        audio.len()
    );
    send(&mut socket, json!({ "type": "Speak", "text": "Next." })).await;
    send(&mut socket, json!({ "type": "Flush" })).await;
    let (flushed, audio) = until(&mut socket, "Flushed").await;
    assert_eq!(
        (flushed["sequence_id"].as_u64(), audio.len()),
        (Some(1), 5 * 60 * 24 * 2)
    );
}

#[tokio::test]
async fn the_21st_flush_is_refused_and_its_text_waits() {
    let settings = Settings {
        ms_per_char: 1,
        ..Settings::default()
    };
    let providers = start(Script {
        settings,
        ..quick()
    })
    .await;
    let mut socket = connect(&providers, SPEAK).await.expect("accepted");
    for _ in 0..21 {
        send(&mut socket, json!({ "type": "Speak", "text": "Hm." })).await;
        send(&mut socket, json!({ "type": "Flush" })).await;
    }
    let (warning, _) = until(&mut socket, "Warning").await;
    assert_eq!(warning["warn_code"], "EXCESSIVE_FLUSH");
    send(&mut socket, json!({ "type": "Close" })).await;
    assert_eq!(until_close(&mut socket).await.0, 1000);
    let log = providers.log();
    let flushed = log
        .iter()
        .filter(|entry| entry.kind == "Flushed")
        .filter_map(|entry| entry.field("sequence_id").as_u64());
    assert_eq!(flushed.max(), Some(20));
}

#[tokio::test]
async fn too_much_text_and_strange_messages_close_the_voice() {
    let providers = start(quick()).await;
    for (message, expected) in [
        (
            Message::text(json!({ "type": "Speak", "text": "x".repeat(2_001) }).to_string()),
            1008,
        ),
        (
            Message::text(json!({ "type": "KeepAlive" }).to_string()),
            1003,
        ),
        (Message::binary(vec![1, 2, 3]), 1003),
    ] {
        let mut socket = connect(&providers, SPEAK).await.expect("accepted");
        socket.send(message).await.expect("sent");
        assert_eq!(until_close(&mut socket).await.0, expected);
    }
}

#[tokio::test]
async fn rest_speaks_in_chunks_with_the_vendors_headers() {
    let providers = start(quick()).await;
    let path = "/v1/speak?model=aura-2-thalia-en&encoding=mulaw&sample_rate=8000";
    let said = json!({ "text": "Good day." });
    let raw = post(&providers, &format!("{path}&container=none"), &said)
        .send()
        .await
        .expect("answered");
    let header = |name: &str| {
        raw.headers()
            .get(name)
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default()
            .to_owned()
    };
    assert_eq!(
        (raw.status().as_u16(), header("content-type")),
        (200, "audio/mulaw;rate=8000".to_owned())
    );
    assert_eq!(
        (header("dg-char-count"), header("transfer-encoding")),
        ("9".to_owned(), "chunked".to_owned())
    );
    assert_eq!(raw.bytes().await.expect("whole").len(), 9 * 60 * 8);
    let wav = post(&providers, path, &said)
        .send()
        .await
        .expect("answered")
        .bytes()
        .await
        .expect("whole");
    assert_eq!((&wav[..4], wav.len()), (&b"RIFF"[..], 44 + 9 * 60 * 8));
    let long = post(&providers, path, &json!({ "text": "x".repeat(2_001) }))
        .send()
        .await
        .expect("answered");
    assert_eq!(long.status(), 413);
    let empty = post(&providers, path, &json!({ "text": " " }))
        .send()
        .await
        .expect("answered");
    assert_eq!(empty.status(), 400);
    assert!(
        empty
            .text()
            .await
            .expect("whole")
            .contains("Input text contains no characters.")
    );
}

#[tokio::test]
async fn the_voice_has_its_quirks_when_told() {
    let mut script = quick();
    script.settings = Settings {
        wav_header_by_mistake: true,
        split_audio_bytes: 100,
        warning_shape: Shape::Specification,
        clear_unanswered: true,
        flush_limit: 1,
        ..Settings::default()
    };
    let providers = start(script).await;
    let path = "/v1/speak?model=aura-2-thalia-en&encoding=mulaw&sample_rate=8000&container=none";
    let raw = post(&providers, path, &json!({ "text": "Good day." })).send();
    let raw = raw.await.expect("answered").bytes().await.expect("whole");
    assert_eq!((&raw[..4], raw.len()), (&b"RIFF"[..], 44 + 9 * 60 * 8));

    let mut socket = connect(&providers, SPEAK).await.expect("accepted");
    send(&mut socket, json!({ "type": "Speak", "text": "Hello." })).await;
    send(&mut socket, json!({ "type": "Flush" })).await;
    let mut sizes = Vec::new();
    loop {
        match next(&mut socket).await {
            Message::Binary(bytes) => sizes.push(bytes.len()),
            Message::Text(text) if text.contains("Flushed") => break,
            _ => {}
        }
    }
    let last = sizes.pop().expect("sound");
    assert!(
        last <= 101 && sizes.iter().all(|size| *size == 101),
        "{sizes:?}"
    );
    send(&mut socket, json!({ "type": "Flush" })).await;
    let (warning, _) = until(&mut socket, "Warning").await;
    assert_eq!(warning["code"], "EXCESSIVE_FLUSH");
    assert!(warning["description"].is_string() && warning["warn_code"].is_null());
    send(&mut socket, json!({ "type": "Clear" })).await;
    send(&mut socket, json!({ "type": "Close" })).await;
    assert_eq!(until_close(&mut socket).await.0, 1000);
    assert!(!providers.log().iter().any(|entry| entry.kind == "Cleared"));
}
