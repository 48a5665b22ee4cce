//! A phone call as a worker sees it: webhook, stream, marks, REST and the ends a call can have.

use std::time::Duration;

use axum::http::StatusCode;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use local_providers::phone::order::Order;
use local_providers::phone::{Dial, EventKind, How, PhoneCall, Side, Spoken, sign, voice};

use super::worker::{Media, Worker, connect};
use super::*;

/// A call whose stream has started.
struct Talk {
    providers: Providers,
    worker: Worker,
    call: PhoneCall,
    media: Media,
}

impl Talk {
    async fn begin(after: &str) -> Self {
        let mut worker = Worker::start(after).await;
        let providers = start(quick()).await;
        let call = dial(&providers, Dial::new(&*worker.origin)).await;
        let (_, mut media) = worker.media().await;
        assert_eq!(media.event().await["event"], "connected");
        assert_eq!(media.event().await["event"], "start");
        Self {
            providers,
            worker,
            call,
            media,
        }
    }

    async fn ended(&self) -> How {
        ended(&self.call).await
    }

    /// An update of this call over REST: its status and its answer.
    async fn rest(&self, form: &str) -> (u16, Value) {
        let path = calls(self.call.call_sid());
        rest(
            &self.providers,
            &path,
            (Dial::ACCOUNT_SID, Dial::AUTH_TOKEN),
            form,
        )
        .await
    }
}

async fn dial(providers: &Providers, dial: Dial) -> PhoneCall {
    providers.dial(dial).await.expect("the worker is there")
}

async fn ended(call: &PhoneCall) -> How {
    let how = call.until("the end", |event| match &event.kind {
        EventKind::Ended { how } => Some(*how),
        _ => None,
    });
    how.await.expect("every call ends")
}

fn calls(call_sid: &str) -> String {
    format!(
        "/2010-04-01/Accounts/{}/Calls/{call_sid}.json",
        Dial::ACCOUNT_SID
    )
}

async fn rest(
    providers: &Providers,
    path: &str,
    (user, password): (&str, &str),
    form: &str,
) -> (u16, Value) {
    let credentials = STANDARD.encode(format!("{user}:{password}"));
    let response = reqwest::Client::new()
        .post(format!("{}{path}", providers.base_url()))
        .header("authorization", format!("Basic {credentials}"))
        .header("content-type", "application/x-www-form-urlencoded")
        .body(form.to_owned())
        .send()
        .await
        .expect("answered");
    let status = response.status().as_u16();
    let body = response.bytes().await.expect("whole");
    (status, serde_json::from_slice(&body).expect("JSON"))
}

fn shown(call: &PhoneCall) -> Vec<String> {
    let told = call.events().into_iter().filter_map(|event| {
        (!matches!(event.kind, EventKind::Media { .. })).then(|| event.kind.to_string())
    });
    told.collect()
}

fn warnings(call: &PhoneCall) -> Vec<u32> {
    let codes = call
        .events()
        .into_iter()
        .filter_map(|event| match event.kind {
            EventKind::Warning { code, .. } => Some(code),
            _ => None,
        });
    codes.collect()
}

#[tokio::test]
async fn everything_is_signed_and_the_caller_is_heard() {
    let mut worker = Worker::start("").await;
    let providers = start(quick()).await;
    let mut dialled = Dial::new(format!("{}/", worker.origin));
    dialled.call_sid = Some("CA00112233445566778899aabbccddeeff".to_owned());
    dialled.webhook_extra = vec![("Unknown".to_owned(), "ñ & +".to_owned())];
    let call = dial(&providers, dialled).await;
    assert_eq!(call.call_sid(), "CA00112233445566778899aabbccddeeff");

    let asked = worker.voice().await;
    let url = format!("{}/twilio/voice", worker.origin);
    assert_eq!(asked.signature, sign(Dial::AUTH_TOKEN, &url, &asked.form));
    assert_eq!(asked.member("CallSid"), Some(call.call_sid()));
    assert_eq!(asked.member("CallStatus"), Some("ringing"));
    assert_eq!(asked.member("CallerCity"), Some(""));
    assert_eq!(asked.member("Unknown"), Some("ñ & +"));

    let (signature, mut media) = worker.media().await;
    let url = format!("{}/twilio/media", worker.origin.replacen("http", "ws", 1));
    assert_eq!(signature, sign(Dial::AUTH_TOKEN, &url, &[]));
    let connected = media.next().await;
    assert_eq!(
        connected,
        json!({ "event": "connected", "protocol": "Call", "version": "1.0.0" })
    );
    let start = media.next().await;
    assert_eq!(start["sequenceNumber"], "1");
    assert_eq!(start["start"]["callSid"], call.call_sid());
    assert_eq!(start["start"]["accountSid"], Dial::ACCOUNT_SID);
    assert_eq!(
        start["start"]["customParameters"],
        json!({ "token": "a&b" })
    );

    let span = call.say(voice::speech(200));
    let mut loud = 0;
    for chunk in 1..=30 {
        let message = media.next().await;
        assert_eq!(message["event"], "media");
        assert_eq!(message["media"]["chunk"], chunk.to_string());
        assert_eq!(message["sequenceNumber"], (chunk + 1).to_string());
        let payload = message["media"]["payload"].as_str().expect("text");
        assert_eq!(payload.len(), 216);
        let codes = STANDARD.decode(payload).expect("base64");
        loud += codes.iter().filter(|code| **code & 0x7F < 0x60).count();
    }
    assert!(loud > 800, "{loud} of 1600 samples are loud");
    assert_eq!(span.to_ms - span.from_ms, 200.0);
    let left = call.recording().left;
    let first = left.iter().position(|sample| sample.abs() > 200);
    let begins = span.from_ms * 8.0;
    assert!(first.is_some_and(|at| (begins..begins + 240.0).contains(&(at as f64))));

    call.press('#');
    let dtmf = media.event().await;
    assert_eq!(
        dtmf["dtmf"],
        json!({ "track": "inbound_track", "digit": "#" })
    );
    call.hang_up();
    assert_eq!(media.event().await["stop"]["callSid"], call.call_sid());
    assert_eq!(media.event().await["code"], 1_000);
    let status = worker.status().await;
    let url = format!("{}/twilio/status", worker.origin);
    assert_eq!(status.signature, sign(Dial::AUTH_TOKEN, &url, &status.form));
    assert_eq!(status.member("CallStatus"), Some("completed"));
    assert!(
        status
            .member("CallDuration")
            .is_some_and(|seconds| seconds != "0")
    );
    assert_eq!(ended(&call).await, How::CallerHungUp);
    assert!(shown(&call).contains(&"status callback: 204".to_owned()));
    assert!(warnings(&call).is_empty());
}

#[tokio::test]
async fn a_mark_comes_back_when_reached_and_at_once_after_a_clear() {
    let mut talk = Talk::begin("").await;
    talk.media.mark("empty").await;
    assert_eq!(talk.media.event().await["mark"]["name"], "empty");
    for _ in 0..10 {
        talk.media.play(&[0x80; 160]).await;
    }
    talk.media.mark("t1-p0-g0").await;
    assert_eq!(talk.media.event().await["mark"]["name"], "t1-p0-g0");
    let played: u64 = talk.call.played().iter().map(|played| played.samples).sum();
    assert_eq!(played, 1_600);

    talk.media.play(&[0x80; 80_000]).await;
    talk.media.mark("t2-p0-g0").await;
    talk.media.mark("t2-p1-g0").await;
    // Two frames of the caller's are 20 ms apart: by then some of it has been heard.
    for _ in 0..3 {
        assert_eq!(talk.media.next().await["event"], "media");
    }
    talk.media.clear().await;
    talk.media.mark("t2-p0-g1").await;
    for name in ["t2-p0-g0", "t2-p1-g0", "t2-p0-g1"] {
        assert_eq!(talk.media.event().await["mark"]["name"], name);
    }
    let by_clear: Vec<bool> = talk
        .call
        .events()
        .into_iter()
        .filter_map(|event| match event.kind {
            EventKind::MarkReturned { by_clear, .. } => Some(by_clear),
            _ => None,
        })
        .collect();
    assert_eq!(by_clear, [false, false, true, true, false]);
    let (discarded, cleared_at) = talk
        .call
        .until("the clear", |event| match event.kind {
            EventKind::ClearReceived { discarded } => Some((discarded, event.at_ms)),
            _ => None,
        })
        .await
        .expect("a clear");
    let cut = talk.call.played().pop().expect("the second reply");
    assert_eq!(cut.message, 11);
    assert_eq!(cut.samples + discarded, 80_000);
    assert_eq!(cut.from_ms + cut.samples as f64 / 8.0, cleared_at);
    let right = talk.call.recording().right;
    let loud = right.iter().filter(|sample| **sample > 30_000).count() as u64;
    assert_eq!(loud, 1_600 + cut.samples);
}

#[tokio::test]
async fn rest_ends_a_call_once() {
    let mut talk = Talk::begin("<Say>Never said.</Say>").await;
    let wrong = ("AC1", "local");
    let path = calls(talk.call.call_sid());
    let (status, body) = rest(&talk.providers, &path, wrong, "Status=completed").await;
    assert_eq!((status, &body["code"]), (401, &json!(20_003)));
    let right = (Dial::ACCOUNT_SID, Dial::AUTH_TOKEN);
    let unknown = calls("CA0");
    let (status, body) = rest(&talk.providers, &unknown, right, "Status=completed").await;
    assert_eq!((status, &body["code"]), (404, &json!(20_404)));
    for form in ["", "Status=busy", "Status=completed&Twiml=x"] {
        assert_eq!(talk.rest(form).await.0, 400, "{form}");
    }
    assert_eq!(talk.rest("Status=canceled").await.1["code"], 21_220);

    let (status, body) = talk.rest("Status=completed").await;
    assert_eq!((status, &body["status"]), (200, &json!("completed")));
    assert_eq!(body["sid"], talk.call.call_sid());
    assert_eq!(talk.media.event().await["event"], "stop");
    assert_eq!(talk.media.event().await["code"], 1_000);
    assert_eq!(
        talk.worker.status().await.member("CallStatus"),
        Some("completed")
    );
    assert_eq!(talk.ended().await, How::CompletedByRest);
    let (status, body) = talk.rest("Status=completed").await;
    assert_eq!((status, &body["code"]), (400, &json!(21_220)));
    let story = shown(&talk.call);
    assert!(!story.iter().any(|line| line.contains("say")), "{story:?}");
    assert!(talk.call.timeline().len() >= story.len());
}

#[tokio::test]
async fn rest_gives_other_instructions_and_the_old_ones_are_forgotten() {
    let mut talk = Talk::begin("<Say>Never said.</Say>").await;
    let twiml = "<Response><Dial><Number>+12025550199</Number></Dial></Response>";
    let form = form_urlencoded::Serializer::new(String::new())
        .append_pair("Twiml", twiml)
        .finish();
    let (status, body) = talk.rest(&form).await;
    assert_eq!((status, &body["status"]), (200, &json!("in-progress")));
    assert_eq!(talk.media.event().await["event"], "stop");
    assert_eq!(talk.media.event().await["code"], 1_000);
    assert_eq!(talk.ended().await, How::EndOfTwiml);
    let verbs: Vec<Spoken> = talk
        .call
        .events()
        .into_iter()
        .filter_map(|event| match event.kind {
            EventKind::Verb(verb) => Some(verb),
            _ => None,
        })
        .collect();
    let number = "+12025550199".to_owned();
    assert_eq!(verbs, [Spoken::Dial { number }]);
}

#[tokio::test]
async fn a_script_spoils_rest() {
    let mut talk = Talk::begin("").await;
    let refuse = |status: u16| Fault::Refuse {
        status,
        body: Value::Null,
        headers: Default::default(),
    };
    let rule = |nth: u64, fault: Fault| FaultRule::nth(Service::Rest, nth, fault);
    talk.providers.set_script(Script {
        faults: vec![rule(1, refuse(500)), rule(2, Fault::Delay { ms: 50 })],
        ..quick()
    });
    let (status, body) = talk.rest("Status=completed").await;
    assert_eq!((status, &body["code"]), (500, &json!(20_500)));
    assert_eq!(talk.rest("Status=completed").await.0, 200);
    assert_eq!(talk.media.event().await["event"], "stop");
    let asked = talk.call.events().into_iter().filter_map(|event| {
        let EventKind::Rest { request, status } = event.kind else {
            return None;
        };
        Some((request, status))
    });
    let completed = "Status=completed".to_owned();
    assert_eq!(
        asked.collect::<Vec<_>>(),
        [(completed.clone(), 500), (completed, 200)]
    );
}

#[tokio::test]
async fn after_the_stream_comes_the_rest_of_the_twiml() {
    let after = "<Say>Sorry.</Say><Dial>+12025550199</Dial><Hangup/><Say>Never.</Say>";
    for cut in [false, true] {
        let mut talk = Talk::begin(after).await;
        if cut {
            talk.call.cut();
            assert_eq!(talk.media.event().await["code"], 1_006);
        } else {
            talk.media.close().await;
        }
        assert_eq!(talk.ended().await, How::Hangup);
        let story = shown(&talk.call).join("\n");
        let says = "TwiML: say \"Sorry.\"\nTwiML: dial +12025550199\nTwiML: hang up\nstatus callback: 204\ncall over: Hangup";
        assert!(story.ends_with(says), "{story}");
        let closed = talk.call.until("the close", |event| match event.kind {
            EventKind::Closed { code, by } => Some((code, by)),
            _ => None,
        });
        let expected = match cut {
            true => (1_006, Side::Network),
            false => (1_000, Side::Worker),
        };
        assert_eq!(closed.await.expect("closed"), expected);
        // Twilio's own voice is on her channel.
        assert!(talk.call.played().iter().any(|played| played.message == 0));
        assert!(!story.contains("stop sent"));
    }
}

#[tokio::test]
async fn what_cannot_be_read_is_warned_of_once_and_ignored() {
    let mut talk = Talk::begin("").await;
    for _ in 0..2 {
        talk.media.binary(vec![1, 2, 3]).await;
        talk.media.text("no json".to_owned()).await;
        let foreign = json!({ "event": "clear", "streamSid": "MZ0" });
        talk.media.text(foreign.to_string()).await;
    }
    talk.media.mark("after").await;
    assert_eq!(talk.media.event().await["mark"]["name"], "after");
    assert_eq!(warnings(&talk.call), [31_950, 31_951]);
    drop(talk.call);
    assert_eq!(talk.media.event().await["event"], "stop");
}

#[tokio::test]
async fn a_network_is_crossed_in_order_and_both_ways() {
    let mut worker = Worker::start("").await;
    let providers = start(quick()).await;
    let mut far = Dial::new(&*worker.origin);
    far.network = Duration::from_millis(80);
    let call = dial(&providers, far).await;
    let (_, mut media) = worker.media().await;
    assert_eq!(media.event().await["event"], "connected");
    assert_eq!(media.event().await["event"], "start");
    for name in ["one", "two", "three"] {
        media.mark(name).await;
    }
    for name in ["one", "two", "three"] {
        assert_eq!(media.event().await["mark"]["name"], name);
    }
    let opened = call.until("the stream", |event| {
        matches!(event.kind, EventKind::StreamOpened { .. }).then_some(event.at_ms)
    });
    let opened = opened.await.expect("open");
    let marked = call.until("a mark", |event| {
        matches!(event.kind, EventKind::MarkReceived { .. }).then_some(event.at_ms)
    });
    // Start crosses it one way and the mark the other.
    assert!(marked.await.expect("marked") - opened >= 159.0);
}

#[tokio::test]
async fn a_call_that_is_not_taken_is_over() {
    let providers = start(quick()).await;
    let hang_up = "<Response><Hangup/></Response>";
    let no_stream = connect("wss://worker.example/twilio/media?call=1", "");
    for (status, twiml, how, codes) in [
        (403, "", How::ApplicationError, vec![11_200]),
        (200, "Hello", How::ApplicationError, vec![12_100]),
        (200, hang_up, How::Hangup, vec![]),
        (
            200,
            "<Response><Play/></Response>",
            How::EndOfTwiml,
            vec![12_200],
        ),
        (200, no_stream.as_str(), How::EndOfTwiml, vec![31_920]),
    ] {
        let status = StatusCode::from_u16(status).expect("a status");
        let worker = Worker::answering(status, twiml).await;
        let call = dial(&providers, Dial::new(&*worker.origin)).await;
        assert_eq!(ended(&call).await, how, "{twiml}");
        assert_eq!(warnings(&call), codes, "{twiml}");
        let nothing = call.until("nothing", |_| None::<()>).await;
        assert!(nothing.is_err_and(|error| error.to_string().contains("over before nothing")));
    }
    let nobody = providers.dial(Dial::new("http://127.0.0.1:1")).await;
    assert!(nobody.is_err_and(|error| error.to_string().contains("cannot reach")));
}

#[tokio::test]
async fn what_is_signed_is_the_public_address() {
    let twiml = connect("wss://phone.example/twilio/media", "");
    let mut worker = Worker::answering(StatusCode::OK, &twiml).await;
    let providers = start(quick()).await;
    let mut public = Dial::new(&*worker.origin);
    public.public_origin = Some("https://phone.example".to_owned());
    let call = dial(&providers, public).await;
    let asked = worker.voice().await;
    let url = "https://phone.example/twilio/voice";
    assert_eq!(asked.signature, sign(Dial::AUTH_TOKEN, url, &asked.form));
    let (signature, media) = worker.media().await;
    let url = "wss://phone.example/twilio/media";
    assert_eq!(signature, sign(Dial::AUTH_TOKEN, url, &[]));
    drop(media);
    assert_eq!(ended(&call).await, How::EndOfTwiml);
}

#[tokio::test]
async fn a_call_is_ordered_by_its_scenario() {
    let mut worker = Worker::start("").await;
    let providers = start(quick()).await;
    let mut order = Order {
        worker: worker.origin.clone(),
        ..Order::default()
    };
    let base = providers.base_url();
    let refused = order.place(&base).await;
    assert!(refused.is_err_and(|error| error.to_string().contains("either `say` or `scenario`")));
    order.act("0 call\n0.1 say 0.2 \"Hello.\"\n0.4 press \"5#\"\n1 hang up\n".to_owned());
    let (outcome, digits) = tokio::join!(order.place(&base), async {
        let (_, mut media) = worker.media().await;
        let mut digits = String::new();
        loop {
            let event = media.event().await;
            match event["event"].as_str() {
                Some("dtmf") => digits.push_str(event["dtmf"]["digit"].as_str().expect("text")),
                Some("stop") => return digits,
                _ => {}
            }
        }
    });
    assert_eq!(digits, "5#");
    let outcome = outcome.expect("the call is held");
    assert!(outcome.wav().expect("a file").starts_with(b"RIFF"));
    let story: Vec<&str> = outcome
        .events
        .iter()
        .map(|event| event.text.as_str())
        .collect();
    for part in [
        "caller speaks for 200 ms",
        "caller presses #",
        "call over: CallerHungUp",
    ] {
        assert!(story.contains(&part), "{story:?}");
    }
}
