//! Live transcription.

use super::*;

#[tokio::test]
async fn listening_tells_an_utterance_as_deepgram_does() {
    let providers = start(Script {
        utterances: vec!["what are your opening hours".into()],
        ..quick()
    })
    .await;
    let mut socket = connect(&providers, LISTEN).await.expect("accepted");
    silence(&mut socket, 1_100).await;
    let (first, _) = until(&mut socket, "Results").await;
    assert_eq!(first["channel"]["alternatives"][0]["transcript"], "");
    assert_eq!(first["is_final"], false);
    speech(&mut socket, 1_500).await;
    silence(&mut socket, 1_500).await;
    let (started, _) = until(&mut socket, "SpeechStarted").await;
    assert_eq!(started["channel"], json!([0, 1]));
    let mut texts = Vec::new();
    let last = loop {
        let (result, _) = until(&mut socket, "Results").await;
        if result["is_final"] == true {
            break result;
        }
        texts.push(
            result["channel"]["alternatives"][0]["transcript"]
                .as_str()
                .unwrap_or_default()
                .to_owned(),
        );
    };
    assert!(texts.contains(&"what are".to_owned()), "{texts:?}");
    assert!(
        texts.iter().all(|text| !text.contains("hours")),
        "{texts:?}"
    );
    assert_eq!(last["speech_final"], true);
    assert_eq!(last["from_finalize"], false);
    let alternative = &last["channel"]["alternatives"][0];
    assert_eq!(alternative["transcript"], "what are your opening hours");
    assert_eq!(alternative["words"].as_array().map(Vec::len), Some(5));
    let (end, _) = until(&mut socket, "UtteranceEnd").await;
    assert_eq!(end["last_word_end"], alternative["words"][4]["end"]);
    send(&mut socket, json!({ "type": "CloseStream" })).await;
    let (code, _, metadata) = until_close(&mut socket).await;
    assert_eq!(
        (
            code,
            metadata["type"].as_str(),
            metadata["channels"].as_u64()
        ),
        (1000, Some("Metadata"), Some(1))
    );
    assert_ne!(metadata["sha256"], "incomplete");
}

#[tokio::test]
async fn finalize_answers_with_and_without_speech() {
    let providers = start(Script {
        utterances: vec!["stop".into()],
        ..quick()
    })
    .await;
    let mut socket = connect(&providers, LISTEN).await.expect("accepted");
    silence(&mut socket, 200).await;
    send(&mut socket, json!({ "type": "Finalize" })).await;
    let (empty, _) = until(&mut socket, "Results").await;
    assert_eq!(
        (
            empty["from_finalize"].as_bool(),
            empty["is_final"].as_bool()
        ),
        (Some(true), Some(true))
    );
    assert_eq!(empty["channel"]["alternatives"][0]["transcript"], "");
    speech(&mut socket, 400).await;
    send(&mut socket, json!({ "type": "Finalize" })).await;
    let answer = loop {
        let (result, _) = until(&mut socket, "Results").await;
        if result["is_final"] == true {
            break result;
        }
    };
    assert_eq!(answer["from_finalize"], true);
    assert_eq!(answer["channel"]["alternatives"][0]["transcript"], "stop");
}

#[tokio::test]
async fn a_noise_has_no_words_and_its_utterance_end_says_so() {
    let settings = Settings {
        after_last: AfterLast::Empty,
        ..Settings::default()
    };
    let providers = start(Script {
        settings,
        ..quick()
    })
    .await;
    let mut socket = connect(&providers, LISTEN).await.expect("accepted");
    silence(&mut socket, 300).await;
    speech(&mut socket, 200).await;
    silence(&mut socket, 1_600).await;
    let (end, _) = until(&mut socket, "UtteranceEnd").await;
    assert_eq!(end["last_word_end"], -1.0);
}

#[tokio::test]
async fn a_quiet_client_is_closed_with_the_whole_sentence() {
    let settings = Settings {
        idle_close_ms: 40,
        ..Settings::default()
    };
    let providers = start(Script {
        settings,
        ..quick()
    })
    .await;
    let mut socket = connect(&providers, LISTEN).await.expect("accepted");
    silence(&mut socket, 40).await;
    let (code, reason, metadata) = until_close(&mut socket).await;
    assert_eq!(code, 1011);
    assert!(
        reason.ends_with("within the timeout window. See https://dpgr.am/net0001"),
        "{reason}"
    );
    assert_eq!(
        (&metadata["type"], &metadata["sha256"]),
        (&json!("Metadata"), &json!("incomplete"))
    );
}

#[tokio::test]
async fn an_empty_frame_closes_and_an_unknown_message_does_not_pass() {
    let providers = start(quick()).await;
    let mut socket = connect(&providers, LISTEN).await.expect("accepted");
    socket
        .send(Message::binary(Vec::new()))
        .await
        .expect("sent");
    assert_eq!(until_close(&mut socket).await.0, 1000);
    let mut socket = connect(&providers, LISTEN).await.expect("accepted");
    send(&mut socket, json!({ "type": "Configure" })).await;
    assert_eq!(until_close(&mut socket).await.0, 1008);
}

#[tokio::test]
async fn upgrades_are_refused_with_the_vendors_body() {
    let fault = Fault::Refuse {
        status: 429,
        body: Value::Null,
        headers: [("retry-after".into(), "1".into())].into(),
    };
    let faults = vec![FaultRule::nth(Service::Listen, 2, fault)];
    let providers = start(Script { faults, ..quick() }).await;
    let refusal = |result: Result<Socket, Error>| match result {
        Err(Error::Http(response)) => {
            let body = String::from_utf8_lossy(response.body().as_deref().unwrap_or_default())
                .into_owned();
            assert_eq!(
                response
                    .headers()
                    .get("dg-error")
                    .and_then(|value| value.to_str().ok()),
                Some(body.as_str())
            );
            let body: Value = serde_json::from_str(&body).expect("JSON");
            (
                response.status().as_u16(),
                body["err_code"].as_str().unwrap_or_default().to_owned(),
            )
        }
        other => panic!("not refused: {:?}", other.map(|_| ())),
    };
    let url = format!("ws://{}{LISTEN}", providers.addr());
    let no_key = connect_async(url).await.map(|(socket, _)| socket);
    assert_eq!(refusal(no_key), (401, "INVALID_AUTH".to_owned()));
    assert_eq!(
        refusal(connect(&providers, LISTEN).await),
        (429, "Too Many Requests".to_owned())
    );
    let flux = "/v1/listen?model=flux-general-en&encoding=linear16&sample_rate=16000";
    assert_eq!(refusal(connect(&providers, flux).await).0, 400);
    assert!(connect(&providers, LISTEN).await.is_ok());
}
