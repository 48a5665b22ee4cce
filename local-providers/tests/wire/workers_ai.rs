//! Cloudflare's binding for models, as miniflare's proxy brings it.

use super::*;

const PATH: &str = "/workers-ai";
const RUN: &str = "https://workers-binding.ai/run?version=3";

/// What the binding makes of `run(model, inputs, { websocket: true })`.
async fn run_socket(providers: &Providers, model: &str, inputs: Value) -> Result<Socket, Error> {
    let body = json!({ "inputs": inputs, "options": { "websocket": true } }).to_string();
    let body: String = form_urlencoded::byte_serialize(body.as_bytes()).collect();
    let mut request = format!("ws://{}{PATH}", providers.addr()).into_client_request()?;
    let headers = request.headers_mut();
    headers.insert(
        "mf-url",
        format!("{RUN}&body={body}").parse().expect("a header"),
    );
    headers.insert(
        "mf-header-cf-consn-model-id",
        model.parse().expect("a header"),
    );
    Ok(connect_async(request).await?.0)
}

/// The same without a socket.
async fn run(providers: &Providers, model: &str, inputs: Value) -> reqwest::Response {
    reqwest::Client::new()
        .post(format!("{}{PATH}", providers.base_url()))
        .header("mf-url", RUN)
        .header("mf-header-cf-consn-model-id", model)
        .body(json!({ "inputs": inputs, "options": { "returnRawResponse": true } }).to_string())
        .send()
        .await
        .expect("answered")
}

fn status(refused: Result<Socket, Error>) -> u16 {
    match refused {
        Err(Error::Http(response)) => response.status().as_u16(),
        other => panic!("not refused: {other:?}"),
    }
}

#[tokio::test]
async fn a_recogniser_hears_without_a_key() {
    let mut script = quick();
    script.utterances = vec!["I'd like a table.".into()];
    let providers = start(script).await;
    let inputs =
        json!({ "encoding": "linear16", "sample_rate": "16000", "interim_results": "true" });
    let mut socket = run_socket(&providers, "@cf/deepgram/nova-3", inputs)
        .await
        .expect("accepted");
    speech(&mut socket, 600).await;
    silence(&mut socket, 200).await;
    send(&mut socket, json!({ "type": "Finalize" })).await;
    let heard = loop {
        let (message, _) = until(&mut socket, "Results").await;
        if message["is_final"] == true {
            break message;
        }
    };
    assert_eq!(
        heard["channel"]["alternatives"][0]["transcript"],
        "i'd like a table"
    );
    send(&mut socket, json!({ "type": "CloseStream" })).await;
    assert_eq!(until_close(&mut socket).await.0, 1000);
    let opened = providers
        .logged(|entry| entry.service == Service::AiListen && entry.dir == Direction::Open)
        .await;
    assert_eq!(opened.field("query")["model"], json!(["nova-3"]));
}

#[tokio::test]
async fn a_recogniser_of_turns_takes_samples_only() {
    let providers = start(quick()).await;
    let inputs = |encoding: &str| json!({ "encoding": encoding, "sample_rate": "16000", "eot_threshold": "0.7" });
    let mut socket = run_socket(&providers, "@cf/deepgram/flux", inputs("linear16"))
        .await
        .expect("accepted");
    until(&mut socket, "Connected").await;
    let refused = run_socket(&providers, "@cf/deepgram/flux", inputs("mulaw")).await;
    assert_eq!(status(refused), 400);
}

#[tokio::test]
async fn what_the_binding_does_not_take_is_refused() {
    let providers = start(quick()).await;
    let raw = json!({ "encoding": "mulaw", "sample_rate": "8000" });
    let with = |name: &str, value: Value| {
        let mut inputs = raw.clone();
        inputs[name] = value;
        inputs
    };
    for (model, inputs) in [
        (
            "@cf/deepgram/nova-9000",
            with("encoding", json!("linear17")),
        ),
        ("@cf/openai/whisper", raw.clone()),
        ("@cf/deepgram/nova-3", with("sample_rate", json!(8_000))),
        ("@cf/deepgram/nova-3", with("no_delay", json!("true"))),
    ] {
        let refused = run_socket(&providers, model, inputs.clone()).await;
        assert_eq!(status(refused), 400, "{model} {inputs}");
    }
    for (model, inputs) in [
        ("@cf/deepgram/aura-2-en", json!({ "text": " " })),
        ("@cf/deepgram/melotts", json!({ "text": "Hello." })),
    ] {
        let refused = run(&providers, model, inputs.clone()).await;
        assert_eq!(refused.status(), 400, "{model} {inputs}");
    }
}

#[tokio::test]
async fn a_voice_speaks_without_a_key_and_fails_apart() {
    let providers = start(quick()).await;
    let inputs = json!({ "text": "Good day.", "speaker": "thalia", "encoding": "mulaw", "container": "none", "sample_rate": 8_000 });
    let said = run(&providers, "@cf/deepgram/aura-2-en", inputs.clone()).await;
    assert_eq!(said.headers()["content-type"], "audio/mulaw;rate=8000");
    assert_eq!(said.bytes().await.expect("whole").len(), 9 * 60 * 8);
    let opened = providers
        .logged(|entry| entry.service == Service::AiSpeak && entry.dir == Direction::Open)
        .await;
    assert_eq!(opened.field("text"), "Good day.");
    assert_eq!(opened.field("query")["model"], json!(["aura-2-thalia-en"]));

    let refuse = Fault::Refuse {
        status: 500,
        body: Value::Null,
        headers: Default::default(),
    };
    providers.set_faults(vec![FaultRule::always(Service::SpeakRest, refuse.clone())]);
    let said = run(&providers, "@cf/deepgram/aura-2-en", inputs.clone()).await;
    assert_eq!(said.status(), 200);
    providers.set_faults(vec![FaultRule::always(Service::AiSpeak, refuse)]);
    let refused = run(&providers, "@cf/deepgram/aura-2-en", inputs).await;
    assert_eq!(refused.status(), 500);
}
