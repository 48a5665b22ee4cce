//! Live transcription by Flux.

use std::collections::BTreeSet;

use super::*;

const FLUX: &str = "/v2/listen?model=flux-general-en&encoding=linear16&sample_rate=16000";
const EAGER: &str = "/v2/listen?model=flux-general-en&encoding=linear16&sample_rate=16000\
                     &eager_eot_threshold=0.5&eot_threshold=0.7";

/// Messages of one live connection, cut to the kinds there are: recorded by deepgram/deepgram-dotnet-sdk (MIT).
const CAPTURE: [&str; 5] = [
    r#"{"type":"Connected","request_id":"019f4c80","sequence_id":0}"#,
    r#"{"type":"TurnInfo","request_id":"019f4c80","event":"Update","turn_index":0,"audio_window_start":0.0,"audio_window_end":0.72,"transcript":"We","words":[{"word":"We","confidence":0.6611,"start":0.4000000286102295,"end":0.7200000286102295}],"end_of_turn_confidence":0.0717,"sequence_id":3}"#,
    r#"{"type":"TurnInfo","request_id":"019f4c80","event":"StartOfTurn","turn_index":0,"audio_window_start":0.0,"audio_window_end":0.96,"transcript":"We","words":[{"word":"We","confidence":0.9536,"start":0.31999997854232787,"end":0.7199999785423279}],"end_of_turn_confidence":0.0151,"sequence_id":4}"#,
    r#"{"type":"ConfigureSuccess","request_id":"019f4c80","thresholds":{"eot_threshold":0.8,"eager_eot_threshold":0.5,"eot_timeout_ms":5000},"keyterms":["Deepgram"],"profanity_filter":false,"sequence_id":9}"#,
    r#"{"type":"TurnInfo","request_id":"019f4c80","event":"EndOfTurn","turn_index":0,"audio_window_start":0.0,"audio_window_end":20.0,"transcript":"America.","words":[{"word":"America.","confidence":1.0,"start":18.16,"end":18.4}],"end_of_turn_confidence":0.9136,"sequence_id":87}"#,
];

async fn listening(script: Script, path: &str) -> (Providers, Socket) {
    let providers = start(script).await;
    let mut socket = connect(&providers, path).await.expect("accepted");
    let (connected, _) = until(&mut socket, "Connected").await;
    assert_eq!(connected["sequence_id"], 0);
    (providers, socket)
}

fn hears(texts: &[&str]) -> Script {
    Script {
        utterances: texts.iter().map(|text| (*text).into()).collect(),
        ..quick()
    }
}

/// Reads to this event of a turn; gives all there were on the way, this one last.
async fn turn_until(socket: &mut Socket, event: &str) -> Vec<Value> {
    let mut turn = Vec::new();
    loop {
        let (info, _) = until(socket, "TurnInfo").await;
        turn.push(info);
        if turn.last().is_some_and(|info| info["event"] == event) {
            return turn;
        }
    }
}

/// Speaks to this event of a turn, at the pace of what comes back; gives every message there was on the way.
async fn speak_until(socket: &mut Socket, event: &str) -> Vec<Value> {
    let mut said: Vec<Value> = Vec::new();
    while said.last().is_none_or(|last| last["event"] != event) {
        speech(socket, 240).await;
        said.push(until(socket, "TurnInfo").await.0);
    }
    said
}

/// Speaks with a pause that is longer than the eager latency and shorter than the end's, and reads to the turn's end.
async fn paused_turn(socket: &mut Socket) -> Vec<Value> {
    silence(socket, 300).await;
    speech(socket, 800).await;
    silence(socket, 160).await;
    speech(socket, 800).await;
    silence(socket, 600).await;
    turn_until(socket, "EndOfTurn").await
}

/// The events without updates.
fn steps(turn: &[Value]) -> Vec<&str> {
    let names = turn.iter().filter_map(|info| info["event"].as_str());
    names.filter(|name| *name != "Update").collect()
}

fn last(turn: &[Value]) -> &Value {
    turn.last().expect("a turn has an event")
}

/// The names of the members, also of the first word.
fn shape(message: &Value) -> BTreeSet<String> {
    let names = |value: &Value, prefix: &str| {
        let members = value.as_object().into_iter().flatten();
        let named = members.map(|(name, value)| {
            let kind = match value {
                Value::Bool(_) => "bool",
                Value::Number(_) => "number",
                Value::String(_) => "text",
                Value::Array(_) => "list",
                Value::Object(_) => "object",
                Value::Null => "null",
            };
            format!("{prefix}{name}: {kind}")
        });
        named.collect::<BTreeSet<String>>()
    };
    let mut shape = names(message, "");
    shape.extend(names(&message["words"][0], "word."));
    shape.extend(names(&message["thresholds"], "thresholds."));
    shape
}

fn named(message: &Value) -> (Value, Value) {
    (message["type"].clone(), message["event"].clone())
}

#[tokio::test]
async fn messages_have_the_members_of_the_capture() {
    let providers = start(hears(&["what are your opening hours please"])).await;
    let mut socket = connect(&providers, EAGER).await.expect("accepted");
    let mut said = vec![until(&mut socket, "Connected").await.0];
    said.extend(speak_until(&mut socket, "StartOfTurn").await);
    send(
        &mut socket,
        json!({ "type": "Configure", "thresholds": { "eot_threshold": 0.8 }, "keyterms": ["Aldine"] }),
    )
    .await;
    silence(&mut socket, 500).await;
    while said.last().is_none_or(|last| last["event"] != "EndOfTurn") {
        if let Message::Text(text) = next(&mut socket).await {
            said.push(serde_json::from_str(&text).expect("JSON"));
        }
    }
    for (number, message) in said.iter().enumerate() {
        assert_eq!(message["sequence_id"], number, "{message}");
    }
    for captured in CAPTURE {
        let captured: Value = serde_json::from_str(captured).expect("JSON");
        let ours = said
            .iter()
            .filter(|message| named(message) == named(&captured))
            .max_by_key(|message| message["words"].as_array().map(Vec::len))
            .unwrap_or_else(|| panic!("never said: {captured}"));
        assert_eq!(shape(ours), shape(&captured));
    }
}

#[tokio::test]
async fn a_turn_starts_after_its_first_text_and_ends_with_all_of_it() {
    let (_providers, mut socket) =
        listening(hears(&["what are your opening hours", "thanks"]), EAGER).await;
    silence(&mut socket, 500).await;
    let mut turn = speak_until(&mut socket, "StartOfTurn").await;
    let with_text = turn.iter().position(|info| info["transcript"] != "");
    assert!(
        with_text.is_some_and(|first| turn[first]["event"] == "Update"),
        "{turn:?}"
    );
    silence(&mut socket, 600).await;
    turn.extend(turn_until(&mut socket, "EndOfTurn").await);
    assert_eq!(
        steps(&turn),
        ["StartOfTurn", "EagerEndOfTurn", "EndOfTurn"],
        "{turn:?}"
    );
    assert_eq!(turn[0]["transcript"], "");
    let end = last(&turn);
    assert_eq!(end["transcript"], "what are your opening hours");
    assert_eq!(end["words"].as_array().map(Vec::len), Some(5));
    assert!(end["end_of_turn_confidence"].as_f64() >= Some(0.7));
    let eager = turn
        .iter()
        .find(|info| info["event"] == "EagerEndOfTurn")
        .expect("eager");
    assert_eq!(eager["transcript"], end["transcript"]);
    let sure = eager["end_of_turn_confidence"].as_f64();
    assert!(sure >= Some(0.5) && sure < Some(0.7), "{eager}");
    assert!(turn.iter().all(|info| info["turn_index"] == 0));
    let ends: Vec<f64> = turn
        .iter()
        .filter_map(|info| info["audio_window_end"].as_f64())
        .collect();
    assert!(ends.is_sorted(), "{ends:?}");

    speech(&mut socket, 400).await;
    silence(&mut socket, 600).await;
    let next_turn = turn_until(&mut socket, "EndOfTurn").await;
    assert_eq!(last(&next_turn)["transcript"], "thanks");
    assert_eq!(last(&next_turn)["turn_index"], 1);
    assert_eq!(
        next_turn[0]["audio_window_start"],
        last(&turn)["audio_window_end"]
    );
}

#[tokio::test]
async fn sound_after_an_eager_end_resumes_the_turn() {
    let (_providers, mut socket) = listening(hears(&["my number is five five five"]), EAGER).await;
    let turn = paused_turn(&mut socket).await;
    assert_eq!(
        steps(&turn),
        [
            "StartOfTurn",
            "EagerEndOfTurn",
            "TurnResumed",
            "EagerEndOfTurn",
            "EndOfTurn"
        ]
    );
    assert!(turn.iter().all(|info| info["turn_index"] == 0));
}

#[tokio::test]
async fn nothing_is_eager_unless_it_is_asked_for() {
    let (_providers, mut socket) = listening(hears(&["hello there"]), FLUX).await;
    let turn = paused_turn(&mut socket).await;
    assert_eq!(steps(&turn), ["StartOfTurn", "EndOfTurn"]);
}

#[tokio::test]
async fn a_noise_gives_updates_only() {
    let (providers, mut socket) = listening(hears(&["", "hello"]), EAGER).await;
    silence(&mut socket, 300).await;
    speech(&mut socket, 400).await;
    silence(&mut socket, 500).await;
    speech(&mut socket, 400).await;
    silence(&mut socket, 500).await;
    let turn = turn_until(&mut socket, "EndOfTurn").await;
    assert_eq!(last(&turn)["transcript"], "hello");
    assert_eq!(last(&turn)["turn_index"], 0);
    let log = providers.log();
    let said = log.iter().filter(|entry| entry.kind == "TurnInfo");
    let ends = said.filter(|entry| entry.field("event") == "EndOfTurn");
    assert_eq!(ends.count(), 1);
}

#[tokio::test]
async fn only_the_timeout_ends_an_unfinished_turn() {
    let mut script = hears(&["and then"]);
    script.utterances[0].speech_final = false;
    let path = format!("{EAGER}&eot_timeout_ms=500");
    let (_providers, mut socket) = listening(script, &path).await;
    silence(&mut socket, 300).await;
    speech(&mut socket, 800).await;
    silence(&mut socket, 700).await;
    let turn = turn_until(&mut socket, "EndOfTurn").await;
    assert_eq!(steps(&turn), ["StartOfTurn", "EndOfTurn"]);
    assert_eq!(last(&turn)["trigger"], "timeout");
    assert_eq!(last(&turn)["transcript"], "and then");
}

#[tokio::test]
async fn a_client_may_end_the_turn_itself() {
    let mut script = hears(&["one two three"]);
    script.settings.after_last = AfterLast::Empty;
    let path = format!("{FLUX}&eot_threshold=1.0&eot_timeout_ms=60000");
    let (_providers, mut socket) = listening(script, &path).await;
    send(&mut socket, json!({ "type": "ForceEndTurn" })).await;
    let (warning, _) = until(&mut socket, "Warning").await;
    assert_eq!(warning["code"], "FORCE_END_TURN_NO_ACTIVE_TURN");
    assert_eq!(warning["sequence_id"], 1);
    speak_until(&mut socket, "StartOfTurn").await;
    send(&mut socket, json!({ "type": "ForceEndTurn" })).await;
    let turn = turn_until(&mut socket, "EndOfTurn").await;
    assert_eq!(last(&turn)["trigger"], "manual");
    assert_eq!(last(&turn)["transcript"], "one two three");
}

#[tokio::test]
async fn configure_changes_what_it_names_or_fails() {
    let (_providers, mut socket) = listening(hears(&["yes"]), FLUX).await;
    let eager = json!({ "type": "Configure", "thresholds": { "eager_eot_threshold": 0.4 } });
    send(&mut socket, eager).await;
    let (success, _) = until(&mut socket, "ConfigureSuccess").await;
    assert_eq!(
        success["thresholds"],
        json!({ "eot_threshold": 0.7, "eager_eot_threshold": 0.4, "eot_timeout_ms": 5_000 })
    );
    let wrong = json!({ "type": "Configure", "thresholds": { "eot_threshold": 0.2 } });
    send(&mut socket, wrong).await;
    let (failure, _) = until(&mut socket, "ConfigureFailure").await;
    assert_eq!(failure["sequence_id"], 2);
    assert!(failure["request_id"].is_string());
    silence(&mut socket, 300).await;
    speech(&mut socket, 600).await;
    silence(&mut socket, 600).await;
    let turn = turn_until(&mut socket, "EndOfTurn").await;
    assert_eq!(steps(&turn), ["StartOfTurn", "EagerEndOfTurn", "EndOfTurn"]);
}

#[tokio::test]
async fn there_is_no_keep_alive() {
    for message in [
        json!({ "type": "KeepAlive" }),
        json!({ "type": "Finalize" }),
        json!("hello"),
    ] {
        let (_providers, mut socket) = listening(quick(), FLUX).await;
        send(&mut socket, message).await;
        let (code, _, error) = until_close(&mut socket).await;
        assert_eq!(
            (code, &error["type"], &error["code"]),
            (1008, &json!("Error"), &json!("UNPARSABLE_CLIENT_MESSAGE"))
        );
        assert_eq!(error["sequence_id"], 1);
    }
}

#[tokio::test]
async fn a_quiet_client_is_closed() {
    let mut script = quick();
    script.settings.flux_idle_close_ms = 40;
    let (_providers, mut socket) = listening(script, FLUX).await;
    silence(&mut socket, 40).await;
    let (code, reason, _) = until_close(&mut socket).await;
    assert_eq!(code, 1011);
    assert!(reason.contains("net0001"), "{reason}");
}

#[tokio::test]
async fn a_client_that_pings_is_not_quiet() {
    let mut script = quick();
    script.settings.flux_idle_close_ms = 1_500;
    let (providers, mut socket) = listening(script, FLUX).await;
    // Longer than a quiet client would be borne with, in steps much shorter than that.
    for _ in 0..9 {
        tokio::time::sleep(std::time::Duration::from_millis(200)).await;
        socket.send(Message::Ping("".into())).await.expect("sent");
    }
    assert!(!providers.log().iter().any(closed(Service::Listen)));
    silence(&mut socket, 240).await;
    turn_until(&mut socket, "Update").await;
}

#[tokio::test]
async fn a_closed_stream_is_heard_to_its_end() {
    let (_providers, mut socket) = listening(hears(&["goodbye then"]), FLUX).await;
    silence(&mut socket, 300).await;
    speech(&mut socket, 900).await;
    send(&mut socket, json!({ "type": "CloseStream" })).await;
    let (code, _, rest) = until_close(&mut socket).await;
    assert_eq!(code, 1000);
    assert_eq!(
        (&rest["event"], &rest["transcript"]),
        (&json!("Update"), &json!("goodbye then"))
    );
}

#[tokio::test]
async fn faults_come_in_this_services_own_words() {
    let fault = Fault::Error {
        when: When::at_once(),
        body: Value::Null,
        shape: Shape::Wire,
    };
    let faults = vec![FaultRule::nth(Service::Listen, 1, fault)];
    let providers = start(Script { faults, ..quick() }).await;
    let mut socket = connect(&providers, FLUX).await.expect("accepted");
    let (code, _, error) = until_close(&mut socket).await;
    assert_eq!(code, 1011);
    assert_eq!(
        (&error["code"], &error["sequence_id"]),
        (&json!("INTERNAL_SERVER_ERROR"), &json!(1))
    );
    let mut socket = connect(&providers, FLUX).await.expect("accepted");
    until(&mut socket, "Connected").await;
    let stall = Fault::Stall {
        when: When::at_once(),
    };
    providers.strike(Service::Listen, stall);
    speech(&mut socket, 900).await;
    silence(&mut socket, 900).await;
    drop(socket);
    let entry = providers
        .logged(|entry| closed(Service::Listen)(entry) && entry.field("fault") == "stall")
        .await;
    assert_eq!(entry.conn, 2);
    let log = providers.log();
    let said = log
        .iter()
        .filter(|entry| entry.conn == 2 && entry.dir == Direction::Out);
    assert!(
        said.clone()
            .all(|entry| entry.field("transcript") == "" || entry.kind == "Connected")
    );
}

#[tokio::test]
async fn each_version_refuses_the_others_models_and_parameters() {
    let providers = start(quick()).await;
    let status = async |path: &str| match connect(&providers, path).await {
        Ok(_) => 101,
        Err(Error::Http(response)) => response.status().as_u16(),
        Err(other) => panic!("{other}"),
    };
    let raw = "encoding=mulaw&sample_rate=8000";
    for (path, expected) in [
        (format!("/v2/listen?model=flux-general-en&{raw}"), 101),
        (
            format!("/v2/listen?model=flux-general-multi&{raw}&language_hint=es"),
            101,
        ),
        (format!("/v2/listen?model=nova-3&{raw}"), 400),
        (format!("/v2/listen?{raw}"), 400),
        (format!("/v1/listen?model=flux-general-en&{raw}"), 400),
        (
            format!("/v2/listen?model=flux-general-en&{raw}&interim_results=true"),
            400,
        ),
        (
            format!("/v2/listen?model=flux-general-en&{raw}&eot_timeout_ms=100"),
            400,
        ),
    ] {
        assert_eq!(status(&path).await, expected, "{path}");
    }
}
