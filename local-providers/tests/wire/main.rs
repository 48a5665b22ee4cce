//! The wire as a client sees it: real sockets and requests against the scripted providers.

mod chat;
mod faults;
mod flux;
mod listen;
mod log;
mod outages;
mod phone;
mod speak;
mod worker;
mod workers_ai;

use futures_util::{SinkExt, StreamExt};
use local_providers::script::{AfterLast, Latency, Reply, Settings, Shape, ToolCall};
use local_providers::{
    Config, Direction, Fault, FaultRule, LogEntry, Providers, Script, Service, When, tone_of,
};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

const LISTEN: &str = "/v1/listen?model=nova-2&encoding=linear16&sample_rate=16000&interim_results=true\
                      &vad_events=true&utterance_end_ms=1000";
const SPEAK: &str = "/v1/speak?model=aura-2-thalia-en&encoding=linear16&sample_rate=24000";

/// Short latencies: nothing here measures them.
fn quick() -> Script {
    Script {
        latency: Latency {
            stt_final_ms: 100,
            llm_first_token_ms: 5,
            llm_token_ms: 0,
            tts_first_byte_ms: 5,
            ..Latency::default()
        },
        ..Script::default()
    }
}

async fn start(script: Script) -> Providers {
    local_providers::start(Config {
        script,
        ..Config::default()
    })
    .await
    .expect("starts on a free port")
}

async fn connect(providers: &Providers, path: &str) -> Result<Socket, Error> {
    let mut request = format!("ws://{}{path}", providers.addr()).into_client_request()?;
    request
        .headers_mut()
        .insert("authorization", "Token secret".parse().expect("a header"));
    let (socket, response) = connect_async(request).await?;
    assert!(response.headers().contains_key("dg-request-id"));
    Ok(socket)
}

async fn send(socket: &mut Socket, message: Value) {
    socket
        .send(Message::text(message.to_string()))
        .await
        .expect("the socket takes a message");
}

async fn next(socket: &mut Socket) -> Message {
    socket
        .next()
        .await
        .expect("a message before the end")
        .expect("a whole message")
}

/// Reads until a message of this type, and returns it with the bytes of audio before it.
async fn until(socket: &mut Socket, kind: &str) -> (Value, Vec<u8>) {
    let mut audio = Vec::new();
    loop {
        match next(socket).await {
            Message::Binary(bytes) => audio.extend_from_slice(&bytes),
            Message::Text(text) => {
                let message: Value = serde_json::from_str(&text).expect("JSON");
                if message["type"] == kind {
                    return (message, audio);
                }
            }
            Message::Close(frame) => panic!("closed before {kind}: {frame:?}"),
            _ => {}
        }
    }
}

/// Reads to the close frame; also gives the last message before it.
async fn until_close(socket: &mut Socket) -> (u16, String, Value) {
    let mut last = Value::Null;
    loop {
        match next(socket).await {
            Message::Text(text) => last = serde_json::from_str(&text).expect("JSON"),
            Message::Close(Some(frame)) => {
                return (frame.code.into(), frame.reason.to_string(), last);
            }
            Message::Close(None) => panic!("closed without a code"),
            _ => {}
        }
    }
}

/// A tone as a microphone sends it, in frames of 20 ms, faster than real time.
async fn sound(socket: &mut Socket, ms: u32, amplitude: f64) {
    let samples = (0..ms * 16).map(|index| (amplitude * (f64::from(index) * 0.3).sin()) as i16);
    let bytes: Vec<u8> = samples.flat_map(i16::to_le_bytes).collect();
    for frame in bytes.chunks(640) {
        socket
            .send(Message::binary(frame.to_vec()))
            .await
            .expect("the socket takes audio");
    }
}

async fn speech(socket: &mut Socket, ms: u32) {
    sound(socket, ms, 3_000.0).await;
}

async fn silence(socket: &mut Socket, ms: u32) {
    sound(socket, ms, 4.0).await;
}

fn kinds(log: &[LogEntry], direction: Direction) -> Vec<&str> {
    log.iter()
        .filter(|entry| entry.dir == direction && entry.kind != "audio")
        .map(|entry| &*entry.kind)
        .collect()
}

fn closed(service: Service) -> impl Fn(&LogEntry) -> bool {
    move |entry| entry.service == service && entry.dir == Direction::Close
}

fn post(providers: &Providers, path: &str, body: &Value) -> reqwest::RequestBuilder {
    let request = reqwest::Client::new().post(format!("{}{path}", providers.base_url()));
    request
        .header("authorization", "Bearer secret")
        .header("content-type", "application/json")
        .header("user-agent", "voxanne-test")
        .body(body.to_string())
}

fn chat(stream: bool, said: &str) -> Value {
    json!({ "model": "openai/gpt-oss-20b", "stream": stream, "messages": [
        { "role": "system", "content": "You are a receptionist." },
        { "role": "user", "content": said },
    ] })
}

const CHAT: &str = "/openai/v1/chat/completions";

/// The data of a stream's events.
fn events(body: &str) -> Vec<Value> {
    let data = body
        .split("\n\n")
        .filter_map(|event| event.lines().find_map(|line| line.strip_prefix("data: ")));
    data.filter(|data| *data != "[DONE]")
        .map(|data| serde_json::from_str(data).expect("JSON"))
        .collect()
}
