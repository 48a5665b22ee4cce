//! What the log tells, and how a running emulator is steered.

use super::*;

#[tokio::test]
async fn the_log_tells_when_a_client_goes_away() {
    let fault = Fault::Stall {
        when: When::after_tokens(1),
    };
    let faults = vec![FaultRule::always(Service::Chat, fault)];
    let mut script = Script { faults, ..quick() };
    script.latency.tts_realtime_factor = 1.0;
    let providers = start(script).await;

    let mut listening = connect(&providers, LISTEN).await.expect("accepted");
    silence(&mut listening, 20).await;
    providers
        .logged(|entry| entry.service == Service::Listen && entry.dir == Direction::In)
        .await;
    drop(listening);
    providers.logged(closed(Service::Listen)).await;

    let mut speaking = connect(&providers, SPEAK).await.expect("accepted");
    send(
        &mut speaking,
        json!({ "type": "Speak", "text": "A sentence of some length that is cut off." }),
    )
    .await;
    send(&mut speaking, json!({ "type": "Flush" })).await;
    while !next(&mut speaking).await.is_binary() {}
    drop(speaking);
    providers.logged(closed(Service::Speak)).await;

    let mut body = post(&providers, CHAT, &chat(true, "Hi"))
        .send()
        .await
        .expect("answered")
        .bytes_stream();
    body.next().await.expect("a first chunk").expect("whole");
    drop(body);
    providers.logged(closed(Service::Chat)).await;

    let path =
        "/v1/speak?model=aura-2-thalia-en&encoding=linear16&sample_rate=24000&container=none";
    let said = json!({ "text": "Another sentence of some length that is cut off." });
    let mut body = post(&providers, path, &said)
        .send()
        .await
        .expect("answered")
        .bytes_stream();
    body.next().await.expect("a first chunk").expect("whole");
    drop(body);
    providers.logged(closed(Service::SpeakRest)).await;
}

#[tokio::test]
async fn a_strike_hits_open_sockets_and_a_new_script_counts_anew() {
    let providers = start(Script {
        utterances: vec!["first".into()],
        ..quick()
    })
    .await;
    let mut socket = connect(&providers, LISTEN).await.expect("accepted");
    silence(&mut socket, 20).await;
    providers.logged(|entry| entry.kind == "audio").await;
    providers.strike(
        Service::Listen,
        Fault::Close {
            code: 1011,
            reason: "gone".into(),
            when: When::at_once(),
        },
    );
    assert_eq!(until_close(&mut socket).await.0, 1011);
    let fault = Fault::Refuse {
        status: 503,
        body: Value::Null,
        headers: Default::default(),
    };
    let faults = vec![FaultRule::nth(Service::Listen, 1, fault)];
    providers.set_script(Script {
        faults,
        utterances: vec!["second".into()],
        ..quick()
    });
    assert!(
        matches!(connect(&providers, LISTEN).await, Err(Error::Http(response)) if response.status() == 503)
    );
    let mut socket = connect(&providers, LISTEN).await.expect("accepted");
    silence(&mut socket, 100).await;
    speech(&mut socket, 300).await;
    send(&mut socket, json!({ "type": "CloseStream" })).await;
    until_close(&mut socket).await;
    let log = providers.log();
    assert!(
        log.iter()
            .any(|entry| entry.kind == "Results" && entry.field("transcript") == "second")
    );
    assert!(kinds(&log, Direction::In).contains(&"CloseStream"));
}

#[tokio::test]
async fn the_log_file_has_one_object_a_line_and_stop_ends_everything() {
    let file = std::env::temp_dir().join(format!("voxanne-wire-{}.jsonl", std::process::id()));
    let config = Config {
        script: quick(),
        log_file: Some(file.clone()),
        keep_log: false,
        ..Config::default()
    };
    let providers = local_providers::start(config).await.expect("starts");
    let addr = providers.addr();
    let mut socket = connect(&providers, SPEAK).await.expect("accepted");
    until(&mut socket, "Metadata").await;
    assert!(providers.log().is_empty());
    providers.stop().await;
    assert!(!matches!(socket.next().await, Some(Ok(Message::Text(_)))));
    assert!(TcpStream::connect(addr).await.is_err());
    let text = std::fs::read_to_string(&file).expect("written");
    std::fs::remove_file(&file).expect("removed");
    let lines: Vec<Value> = text
        .lines()
        .map(|line| serde_json::from_str(line).expect("JSON"))
        .collect();
    let told: Vec<(&str, &str)> = lines
        .iter()
        .map(|line| {
            (
                line["dir"].as_str().unwrap_or_default(),
                line["kind"].as_str().unwrap_or_default(),
            )
        })
        .collect();
    assert_eq!(
        told,
        [("open", "speak"), ("out", "Metadata"), ("close", "speak")]
    );
    assert!(
        lines
            .iter()
            .all(|line| line["at_ms"].is_f64() && line["conn"] == 1 && line["service"] == "speak")
    );
}
