//! Every way in which a vendor fails, and when.

use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::time::timeout;

use super::*;

const SPEAK_REST: &str =
    "/v1/speak?model=aura-2-thalia-en&encoding=linear16&sample_rate=24000&container=none";

pub(crate) async fn failing(faults: Vec<FaultRule>) -> Providers {
    start(Script {
        faults,
        replies: vec![Reply {
            say: "One two three four.".into(),
            ..Reply::default()
        }],
        ..quick()
    })
    .await
}

async fn failing_always(service: Service, fault: Fault) -> Providers {
    failing(vec![FaultRule::always(service, fault)]).await
}

pub(crate) fn get_models(providers: &Providers) -> reqwest::RequestBuilder {
    reqwest::Client::new()
        .get(format!("{}/openai/v1/models", providers.base_url()))
        .header("user-agent", "voxanne-test")
        .header("authorization", "Bearer secret")
}

/// One request of each service that is answered with a body.
fn requests(providers: &Providers) -> [(Service, reqwest::RequestBuilder); 3] {
    let said = json!({ "text": "Good day." });
    [
        (Service::Chat, post(providers, CHAT, &chat(true, "Hi"))),
        (Service::Models, get_models(providers)),
        (Service::SpeakRest, post(providers, SPEAK_REST, &said)),
    ]
}

const SOCKETS: [(Service, &str); 2] = [(Service::Listen, LISTEN), (Service::Speak, SPEAK)];

/// A rule of this fault for everything that can be asked of the vendors.
fn everywhere(fault: &Fault) -> Vec<FaultRule> {
    [
        Service::Chat,
        Service::Listen,
        Service::Models,
        Service::Rest,
        Service::Speak,
        Service::SpeakRest,
    ]
    .map(|service| FaultRule::always(service, fault.clone()))
    .to_vec()
}

/// Long enough for an answer to come, if one came.
const A_WHILE: Duration = Duration::from_millis(150);

async fn ending(providers: &Providers, service: Service) -> (Value, Value) {
    let entry = providers.logged(closed(service)).await;
    (entry.field("by").clone(), entry.field("fault").clone())
}

/// Up to `most` pieces of a body, and whether the connection ended.
async fn read_some(response: reqwest::Response, most: usize) -> (Vec<Vec<u8>>, bool) {
    let mut body = response.bytes_stream();
    let mut pieces = Vec::new();
    while pieces.len() < most {
        match body.next().await {
            Some(Ok(piece)) => pieces.push(piece.to_vec()),
            Some(Err(_)) | None => return (pieces, true),
        }
    }
    (pieces, false)
}

#[tokio::test]
async fn what_hangs_is_never_answered_and_ends_when_the_client_leaves() {
    let providers = failing(everywhere(&Fault::Hang)).await;
    for (service, request) in requests(&providers) {
        assert!(timeout(A_WHILE, request.send()).await.is_err());
        assert_eq!(
            ending(&providers, service).await,
            (json!("client"), json!("hang"))
        );
    }
    for (service, path) in SOCKETS {
        assert!(timeout(A_WHILE, connect(&providers, path)).await.is_err());
        assert_eq!(
            ending(&providers, service).await,
            (json!("client"), json!("hang"))
        );
    }
    let rest = "/2010-04-01/Accounts/AC1/Calls/CA1.json";
    let update = post(&providers, rest, &Value::Null).send();
    assert!(timeout(A_WHILE, update).await.is_err());
    ending(&providers, Service::Rest).await;
}

#[tokio::test]
async fn what_is_dropped_has_no_head() {
    let providers = failing(everywhere(&Fault::Drop)).await;
    for (service, request) in requests(&providers) {
        assert!(request.send().await.is_err());
        assert_eq!(
            ending(&providers, service).await,
            (json!("fault"), json!("drop"))
        );
    }
    for (service, path) in SOCKETS {
        assert!(!matches!(
            connect(&providers, path).await,
            Ok(_) | Err(Error::Http(_))
        ));
        assert_eq!(
            ending(&providers, service).await,
            (json!("fault"), json!("drop"))
        );
    }
    // Not a byte: the connection is over.
    let mut line = TcpStream::connect(providers.addr()).await.expect("open");
    let request = b"GET /openai/v1/models HTTP/1.1\r\nhost: x\r\nuser-agent: x\r\n\r\n";
    line.write_all(request).await.expect("sent");
    let mut answer = Vec::new();
    let _ = line.read_to_end(&mut answer).await;
    assert!(answer.is_empty(), "{answer:?}");
}

#[tokio::test]
async fn a_body_drips_byte_by_byte() {
    let drip = |when| Fault::Drip { every_ms: 15, when };
    let providers = failing(vec![
        FaultRule::always(Service::Chat, drip(When::after_tokens(2))),
        FaultRule::always(Service::Models, drip(When::at_once())),
        FaultRule::always(Service::SpeakRest, drip(When::after_sounds(1))),
    ])
    .await;
    for (service, request) in requests(&providers) {
        let response = request.send().await.expect("a head");
        let (pieces, over) = read_some(response, 40).await;
        assert!(!over);
        let alone = pieces.iter().filter(|piece| piece.len() == 1).count();
        assert!(alone >= 20, "{service:?}: {alone} of {}", pieces.len());
        if service == Service::Chat {
            let text = String::from_utf8_lossy(&pieces.concat()).into_owned();
            assert!(
                text.contains("\" two\"") && !text.contains("four"),
                "{text}"
            );
        }
        assert_eq!(
            ending(&providers, service).await,
            (json!("client"), json!("drip"))
        );
    }
}

#[tokio::test]
async fn a_socket_drips_byte_by_byte_and_still_listens() {
    let fault = Fault::Drip {
        every_ms: 30,
        when: When::after_kind("Flush"),
    };
    let providers = failing_always(Service::Speak, fault).await;
    let mut socket = connect(&providers, SPEAK).await.expect("accepted");
    until(&mut socket, "Metadata").await;
    send(&mut socket, json!({ "type": "Speak", "text": "Hello." })).await;
    send(&mut socket, json!({ "type": "Flush" })).await;
    // The frames are made, and none of them arrives.
    providers.logged(|entry| entry.kind == "Flushed").await;
    assert!(timeout(A_WHILE, socket.next()).await.is_err());
    let MaybeTlsStream::Plain(line) = socket.get_mut() else {
        panic!("a plain line");
    };
    let mut bytes = [0; 4];
    line.read_exact(&mut bytes).await.expect("drops");
    send(&mut socket, json!({ "type": "Clear" })).await;
    providers.logged(|entry| entry.kind == "Clear").await;
    drop(socket);
    assert_eq!(
        ending(&providers, Service::Speak).await,
        (json!("client"), json!("drip"))
    );
}

#[tokio::test]
async fn garbage_is_no_message_and_does_not_end() {
    let garbage = Fault::Garbage {
        when: When::at_once(),
    };
    let providers = failing(everywhere(&garbage)).await;
    for (service, request) in requests(&providers) {
        let response = request.send().await.expect("a head");
        assert_eq!(response.status(), 200);
        if service == Service::Chat {
            let (pieces, over) = read_some(response, 3).await;
            assert!(!over && pieces[0] == b"data: {\"choices\":[{\"del");
            assert!(String::from_utf8(pieces.concat()).is_err());
        } else {
            let kind = response.headers()["content-type"].clone();
            assert_eq!(kind, "text/html; charset=UTF-8");
            let page = response.text().await.expect("whole");
            assert!(page.starts_with("<!DOCTYPE html>"), "{page}");
        }
    }
    for (service, path) in SOCKETS {
        let mut socket = connect(&providers, path).await.expect("accepted");
        let (mut texts, mut binaries) = (0, 0);
        while texts < 3 {
            match next(&mut socket).await {
                Message::Text(text) => {
                    let message = serde_json::from_str::<Value>(&text).unwrap_or_default();
                    texts += usize::from(message["type"] != "Metadata");
                }
                Message::Binary(_) => binaries += 1,
                other => panic!("{other:?}"),
            }
        }
        assert_eq!(binaries > 0, service == Service::Listen);
        socket.close(None).await.expect("closed");
        assert_eq!(
            ending(&providers, service).await,
            (json!("client"), json!("garbage"))
        );
    }
}

#[tokio::test]
async fn garbage_may_come_in_the_middle_of_a_body() {
    let fault = Fault::Garbage {
        when: When::after_sounds(1),
    };
    let providers = failing_always(Service::SpeakRest, fault).await;
    let said = json!({ "text": "Good day." });
    let response = post(&providers, SPEAK_REST, &said).send().await;
    let (pieces, over) = read_some(response.expect("a head"), 5).await;
    // One piece of 40 ms, and then no sound any more.
    let body = pieces.concat();
    assert!(!over && body[40 * 48 - 1..].starts_with(b"<!DOCTYPE html>"));
}

#[tokio::test]
async fn a_socket_breaks_off_at_the_message_that_it_is_told() {
    let close = |when| Fault::Close {
        code: 1011,
        reason: "gone".into(),
        when,
    };
    let providers = failing(vec![
        FaultRule::nth(Service::Listen, 1, close(When::after_kind("Finalize"))),
        FaultRule::nth(Service::Listen, 2, close(When::after_messages(3))),
        FaultRule::nth(
            Service::Listen,
            3,
            Fault::Stall {
                when: When::after_kind("CloseStream"),
            },
        ),
        FaultRule::nth(
            Service::Speak,
            1,
            Fault::Cut {
                when: When {
                    after_messages: Some(2),
                    ..When::after_kind("Flush")
                },
            },
        ),
    ])
    .await;

    let mut socket = connect(&providers, LISTEN).await.expect("accepted");
    silence(&mut socket, 100).await;
    send(&mut socket, json!({ "type": "KeepAlive" })).await;
    send(&mut socket, json!({ "type": "Finalize" })).await;
    let (code, reason, _) = until_close(&mut socket).await;
    assert_eq!((code, reason.as_str()), (1011, "gone"));
    let log = providers.log();
    assert!(!log.iter().any(|entry| entry.field("from_finalize") == true));

    let mut socket = connect(&providers, LISTEN).await.expect("accepted");
    silence(&mut socket, 60).await;
    assert_eq!(until_close(&mut socket).await.0, 1011);

    let mut socket = connect(&providers, LISTEN).await.expect("accepted");
    send(&mut socket, json!({ "type": "CloseStream" })).await;
    assert!(timeout(A_WHILE, socket.next()).await.is_err());
    drop(socket);

    let mut socket = connect(&providers, SPEAK).await.expect("accepted");
    for text in ["One.", "Two."] {
        send(&mut socket, json!({ "type": "Speak", "text": text })).await;
        send(&mut socket, json!({ "type": "Flush" })).await;
        if text == "One." {
            until(&mut socket, "Flushed").await;
        }
    }
    let rest = socket.next().await;
    assert!(!matches!(rest, Some(Ok(_))), "{rest:?}");
    assert_eq!(
        ending(&providers, Service::Speak).await,
        (json!("fault"), json!("cut"))
    );
}

#[tokio::test]
async fn a_voice_breaks_off_within_its_sound() {
    let cut = Fault::Cut {
        when: When::after_sounds(2),
    };
    let providers = failing(vec![
        FaultRule::always(Service::Speak, cut.clone()),
        FaultRule::always(Service::SpeakRest, cut),
    ])
    .await;
    let mut socket = connect(&providers, SPEAK).await.expect("accepted");
    send(
        &mut socket,
        json!({ "type": "Speak", "text": "A long line." }),
    )
    .await;
    send(&mut socket, json!({ "type": "Flush" })).await;
    let mut sounds = 0;
    while let Some(Ok(message)) = socket.next().await {
        sounds += usize::from(message.is_binary());
    }
    assert_eq!(sounds, 2);
    let said = json!({ "text": "A long line." });
    let response = post(&providers, SPEAK_REST, &said).send().await;
    let (pieces, over) = read_some(response.expect("a head"), usize::MAX).await;
    let bytes = pieces.concat().len();
    // Two pieces of 40 ms.
    assert!(over && (1..=2 * 40 * 48).contains(&bytes), "{bytes}");
    let log = providers.log();
    let sent = log
        .iter()
        .filter(|entry| entry.service == Service::SpeakRest && entry.kind == "audio");
    assert_eq!(sent.count(), 2);
}

#[tokio::test]
async fn a_count_may_be_followed_by_a_while() {
    let when = When {
        after_ms: 60,
        ..When::after_tokens(1)
    };
    let mut script = quick();
    script.latency.llm_token_ms = 40;
    script.faults = vec![FaultRule::always(Service::Chat, Fault::Cut { when })];
    let providers = start(script).await;
    let response = post(&providers, CHAT, &chat(true, "Hi")).send().await;
    let (pieces, over) = read_some(response.expect("a head"), usize::MAX).await;
    assert!(over && pieces.len() >= 2, "{pieces:?}");
}

#[tokio::test]
async fn a_stream_is_torn_within_a_character() {
    let fault = Fault::Tear {
        when: When::after_tokens(2),
    };
    let providers = failing_always(Service::Chat, fault).await;
    let response = post(&providers, CHAT, &chat(true, "Hi")).send().await;
    let (pieces, over) = read_some(response.expect("a head"), usize::MAX).await;
    let bytes = pieces.concat();
    assert!(over && bytes.last() == Some(&0xc3), "{bytes:?}");
    assert_eq!(
        ending(&providers, Service::Chat).await,
        (json!("fault"), json!("tear"))
    );
}

#[tokio::test]
async fn errors_come_in_every_shape() {
    let error = |shape| Fault::Error {
        body: Value::Null,
        shape,
        when: When::after_tokens(1),
    };
    let providers = failing(vec![
        FaultRule::nth(Service::Chat, 1, error(Shape::Wire)),
        FaultRule::nth(Service::Chat, 2, error(Shape::Specification)),
        FaultRule::nth(Service::Chat, 3, error(Shape::XGroq)),
    ])
    .await;
    let mut bodies = Vec::new();
    for _ in 0..3 {
        let response = post(&providers, CHAT, &chat(true, "Hi")).send().await;
        bodies.push(response.expect("a head").text().await.expect("whole"));
    }
    assert!(bodies.iter().all(|body| !body.contains("[DONE]")));
    assert!(bodies[0].contains("event: error\ndata: {\"error\""));
    assert!(!bodies[1].contains("event:") && bodies[1].contains("\ndata: {\"error\""));
    let last = events(&bodies[2]).pop().expect("a last chunk");
    assert!(last["x_groq"]["error"].is_string(), "{last}");

    for (shape, member) in [(Shape::Wire, "variant"), (Shape::Specification, "code")] {
        let fault = Fault::Error {
            body: Value::Null,
            shape,
            when: When::at_once(),
        };
        let faults = SOCKETS.map(|(service, _)| FaultRule::always(service, fault.clone()));
        providers.set_faults(faults.to_vec());
        for (_, path) in SOCKETS {
            let mut socket = connect(&providers, path).await.expect("accepted");
            let (code, _, error) = until_close(&mut socket).await;
            assert_eq!((code, &error["type"]), (1011, &json!("Error")));
            assert!(error[member].is_string(), "{error}");
        }
    }
}
