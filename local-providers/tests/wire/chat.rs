//! The model.

use super::*;

#[tokio::test]
async fn the_model_streams_in_groqs_shapes_however_the_bytes_are_cut() {
    for split_bytes in [0, 3, 40] {
        let replies = vec![Reply {
            when: Some("HOURS".into()),
            say: "Nine to five — café open.".into(),
            ..Reply::default()
        }];
        let settings = Settings {
            split_bytes,
            reasoning: true,
            ..Settings::default()
        };
        let providers = start(Script {
            replies,
            settings,
            ..quick()
        })
        .await;
        let request = chat(true, "What are your hours?");
        let response = post(&providers, CHAT, &request)
            .send()
            .await
            .expect("answered");
        assert_eq!(response.headers()["content-type"], "text/event-stream");
        assert!(
            response
                .headers()
                .contains_key("x-ratelimit-remaining-tokens")
        );
        let body = response.text().await.expect("whole");
        assert!(body.ends_with("data: [DONE]\n\n"));
        let events = events(&body);
        assert_eq!(
            events[0]["choices"][0]["delta"],
            json!({ "role": "assistant", "content": "" })
        );
        assert!(events[0]["x_groq"]["id"].is_string());
        assert_eq!(events[1]["choices"][0]["delta"]["channel"], "analysis");
        let content = events
            .iter()
            .filter_map(|event| event["choices"][0]["delta"]["content"].as_str());
        assert_eq!(content.collect::<String>(), "Nine to five — café open.");
        let last = events.last().expect("a last event");
        assert_eq!(last["choices"][0]["finish_reason"], "stop");
        assert_eq!(last["usage"], last["x_groq"]["usage"]);
        let asked = providers.logged(|entry| entry.kind == "request").await;
        assert_eq!(asked.field("request"), &request);
    }
}

#[tokio::test]
async fn the_model_calls_a_tool_and_speaks_of_its_result() {
    let call = ToolCall {
        name: "book_appointment".into(),
        arguments: json!({ "time": "10:00" }),
        split: true,
    };
    let reply = Reply {
        when: Some("book".into()),
        say: "You are booked.".into(),
        preface: String::new(),
        tool_call: Some(call),
        ..Reply::default()
    };
    let providers = start(Script {
        replies: vec![reply],
        ..quick()
    })
    .await;
    let mut request = chat(true, "Please book me in.");
    request["stream_options"] = json!({ "include_usage": true });
    let body = post(&providers, CHAT, &request)
        .send()
        .await
        .expect("answered")
        .text()
        .await
        .expect("whole");
    let streamed = events(&body);
    let pieces = streamed.iter().filter_map(|event| {
        event["choices"][0]["delta"]["tool_calls"][0]["function"]["arguments"].as_str()
    });
    let pieces: Vec<&str> = pieces.collect();
    assert_eq!(
        (pieces.len(), pieces.concat()),
        (2, r#"{"time":"10:00"}"#.to_owned())
    );
    let finished = streamed
        .iter()
        .filter_map(|event| event["choices"][0]["finish_reason"].as_str())
        .collect::<Vec<_>>();
    assert_eq!(finished, ["tool_calls"]);
    assert_eq!(streamed.last().expect("usage")["choices"], json!([]));
    let messages = request["messages"].as_array_mut().expect("an array");
    messages.push(json!({ "role": "assistant", "content": null, "tool_calls": [
        { "id": "fc_1", "type": "function", "function": { "name": "book_appointment", "arguments": "{}" } }] }));
    messages.push(json!({ "role": "tool", "tool_call_id": "fc_1", "content": "{\"ok\":true}" }));
    request["stream"] = json!(false);
    let whole = post(&providers, CHAT, &request)
        .send()
        .await
        .expect("answered")
        .text()
        .await
        .expect("whole");
    let whole: Value = serde_json::from_str(&whole).expect("JSON");
    assert_eq!(whole["choices"][0]["message"]["content"], "You are booked.");
}

#[tokio::test]
async fn the_model_refuses_what_groq_refuses() {
    let fault = Fault::Refuse {
        status: 429,
        body: Value::Null,
        headers: [("retry-after".into(), "2".into())].into(),
    };
    let faults = vec![FaultRule::nth(Service::Chat, 4, fault)];
    let providers = start(Script { faults, ..quick() }).await;
    let code = async |request: reqwest::RequestBuilder| {
        let response = request.send().await.expect("answered");
        let (status, retry) = (
            response.status().as_u16(),
            response.headers().contains_key("retry-after"),
        );
        let body: Value =
            serde_json::from_str(&response.text().await.expect("whole")).unwrap_or_default();
        (
            status,
            body["error"]["code"]
                .as_str()
                .unwrap_or_default()
                .to_owned(),
            retry,
        )
    };
    let mut withdrawn = chat(true, "Hello");
    withdrawn["model"] = json!("llama-3.3-70b-versatile");
    assert_eq!(
        code(post(&providers, CHAT, &withdrawn)).await,
        (404, "model_not_found".to_owned(), false)
    );
    let bare = reqwest::Client::new().post(format!("{}{CHAT}", providers.base_url()));
    assert_eq!(
        code(bare.header("user-agent", "x").body("{}")).await,
        (401, "invalid_api_key".to_owned(), false)
    );
    assert_eq!(
        code(post(&providers, CHAT, &json!({ "model": "m" })))
            .await
            .0,
        400
    );
    assert_eq!(
        code(post(&providers, CHAT, &chat(true, "Hi"))).await,
        (429, "rate_limit_exceeded".to_owned(), true)
    );
    assert_eq!(code(post(&providers, CHAT, &chat(true, "Hi"))).await.0, 200);
}

#[tokio::test]
async fn a_stream_may_end_in_an_error_or_in_nothing() {
    let rule = |nth, fault| FaultRule::nth(Service::Chat, nth, fault);
    let faults = vec![
        rule(
            1,
            Fault::Error {
                when: When::after_tokens(2),
                body: Value::Null,
                shape: Shape::Wire,
            },
        ),
        rule(
            2,
            Fault::Cut {
                when: When::after_tokens(2),
            },
        ),
    ];
    let replies = vec![Reply {
        say: "One two three four.".into(),
        ..Reply::default()
    }];
    let providers = start(Script {
        faults,
        replies,
        ..quick()
    })
    .await;
    let body = post(&providers, CHAT, &chat(true, "Hi"))
        .send()
        .await
        .expect("answered")
        .text()
        .await
        .expect("whole");
    assert!(
        body.contains("event: error\ndata: {")
            && body.contains("\" two\"")
            && !body.contains("[DONE]"),
        "{body}"
    );
    let cut = post(&providers, CHAT, &chat(true, "Hi"))
        .send()
        .await
        .expect("answered");
    assert!(cut.text().await.is_err());
    let entry = providers
        .logged(|entry| closed(Service::Chat)(entry) && entry.field("fault") == "cut")
        .await;
    assert_eq!(entry.field("by"), "fault");
}

async fn streamed(providers: &Providers, request: &Value) -> (String, Value) {
    let response = post(providers, CHAT, request).send().await;
    let body = response.expect("answered").text().await.expect("whole");
    let events = events(&body);
    let content = events
        .iter()
        .filter_map(|event| event["choices"][0]["delta"]["content"].as_str());
    let reason = events
        .last()
        .map(|event| &event["choices"][0]["finish_reason"]);
    (content.collect(), reason.cloned().unwrap_or_default())
}

#[tokio::test]
async fn an_answer_may_be_all_thought_or_too_short() {
    let reply = |when: &str| Reply {
        when: Some(when.into()),
        say: "Nine to five.".into(),
        finish_reason: Some("length".into()),
        ..Reply::default()
    };
    let thought = Reply {
        only_reasoning: true,
        ..reply("think")
    };
    let replies = vec![thought, reply("hours")];
    let providers = start(Script { replies, ..quick() }).await;
    assert_eq!(
        streamed(&providers, &chat(true, "Think!")).await,
        (String::new(), json!("length"))
    );
    let log = providers.log();
    assert_eq!(
        log.iter().filter(|entry| entry.kind == "reasoning").count(),
        3
    );
    assert_eq!(
        streamed(&providers, &chat(true, "Your hours?")).await,
        ("Nine to five.".to_owned(), json!("length"))
    );
}

#[tokio::test]
async fn the_model_goes_on_from_words_that_it_is_given() {
    let call = ToolCall {
        name: "look".into(),
        arguments: Value::Null,
        split: false,
    };
    let replies = vec![Reply {
        preface: "One moment, I look.".into(),
        tool_call: Some(call),
        say: "We are open. Come any day.".into(),
        ..Reply::default()
    }];
    let providers = start(Script { replies, ..quick() }).await;
    let mut request = chat(true, "Are you open?");
    let begin = |request: &mut Value, begun: &str| {
        let messages = request["messages"].as_array_mut().expect("messages");
        messages.push(json!({ "role": "assistant", "content": begun }));
    };
    let mut asked = request.clone();
    begin(&mut asked, "One  moment,");
    assert_eq!(
        streamed(&providers, &asked).await,
        (" I look.".to_owned(), json!("tool_calls"))
    );
    let messages = request["messages"].as_array_mut().expect("messages");
    messages.push(
        json!({ "role": "assistant", "content": null, "tool_calls": [
        { "id": "fc_1", "type": "function", "function": { "name": "look", "arguments": "{}" } }] }),
    );
    messages.push(json!({ "role": "tool", "tool_call_id": "fc_1", "content": "{}" }));
    for (begun, rest) in [
        ("We are open. ", "Come any day."),
        ("We are op", "en. Come any day."),
        ("It is", "We are open. Come any day."),
    ] {
        let mut request = request.clone();
        begin(&mut request, begun);
        assert_eq!(
            streamed(&providers, &request).await,
            (rest.to_owned(), json!("stop"))
        );
    }
}

#[tokio::test]
async fn the_models_are_listed_to_those_who_may_ask_them() {
    let fault = Fault::Refuse {
        status: 503,
        body: Value::Null,
        headers: Default::default(),
    };
    let faults = vec![FaultRule::nth(Service::Models, 3, fault)];
    let mut script = Script { faults, ..quick() };
    script.settings.withdrawn_models = vec!["openai/gpt-oss-120b".into()];
    let providers = start(script).await;
    let get = async |key: Option<&str>| {
        let mut request =
            reqwest::Client::new().get(format!("{}/openai/v1/models", providers.base_url()));
        request = request.header("user-agent", "voxanne-test");
        if let Some(key) = key {
            request = request.header("authorization", format!("Bearer {key}"));
        }
        let response = request.send().await.expect("answered");
        let status = response.status().as_u16();
        let body = response.text().await.expect("whole");
        (status, serde_json::from_str::<Value>(&body).expect("JSON"))
    };
    let (status, list) = get(Some("secret")).await;
    assert_eq!((status, &list["object"]), (200, &json!("list")));
    let ids: Vec<&str> = list["data"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|model| model["id"].as_str())
        .collect();
    assert!(ids.contains(&"openai/gpt-oss-20b"), "{ids:?}");
    assert!(!ids.contains(&"openai/gpt-oss-120b"), "{ids:?}");
    let (status, refusal) = get(None).await;
    assert_eq!(
        (status, &refusal["error"]["code"]),
        (401, &json!("invalid_api_key"))
    );
    assert_eq!(get(Some("secret")).await.0, 503);
    // They are no requests to a model: those are counted by themselves.
    assert!(
        !providers
            .log()
            .iter()
            .any(|entry| entry.service == Service::Chat)
    );
}
