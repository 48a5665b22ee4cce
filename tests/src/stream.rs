//! A telephone company that does as a test likes: every request signed or not, every message of a media stream chosen.

use anyhow::{Context, bail};
use futures_util::{SinkExt, StreamExt};
use local_providers::phone::sign;
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout};
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::{Error as SocketError, Message};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

use crate::caller::PATIENCE;
use crate::edge::{Edge, TWILIO_ACCOUNT, TWILIO_TOKEN};

/// The stream's name in the company's messages.
pub const STREAM: &str = "MZ18ad3ab5a668481ce02b83e7395059f0";

/// A call that has been announced to the worker.
#[derive(Clone, Debug)]
pub struct Announced {
    pub call: String,
    pub token: String,
}

/// The form that announces a call.
#[must_use]
pub fn announcement(call: &str) -> Vec<(String, String)> {
    form(call, "ringing")
}

fn form(call: &str, status: &str) -> Vec<(String, String)> {
    [
        ("AccountSid", TWILIO_ACCOUNT),
        ("CallSid", call),
        ("CallStatus", status),
        ("Direction", "inbound"),
        ("From", "+12025550101"),
        ("FromCity", ""),
        ("To", "+12025550199"),
    ]
    .map(|(name, value)| (name.to_owned(), value.to_owned()))
    .to_vec()
}

/// A name for a call; each number gives another.
#[must_use]
pub fn call_sid(number: u32) -> String {
    format!("CA{number:032x}")
}

/// Posts a form with this signature, or with none.
pub async fn post(
    edge: &Edge,
    path: &str,
    form: &[(String, String)],
    signature: Option<&str>,
) -> anyhow::Result<reqwest::Response> {
    let body = form_urlencoded::Serializer::new(String::new())
        .extend_pairs(form)
        .finish();
    let mut request = reqwest::Client::new()
        .post(edge.url(path))
        .header("Content-Type", "application/x-www-form-urlencoded")
        .body(body);
    if let Some(signature) = signature {
        request = request.header("X-Twilio-Signature", signature);
    }
    Ok(request.send().await?)
}

/// Posts a form as the company does.
pub async fn post_signed(
    edge: &Edge,
    path: &str,
    form: &[(String, String)],
) -> anyhow::Result<reqwest::Response> {
    let signature = sign(TWILIO_TOKEN, &edge.url(path), form);
    post(edge, path, form, Some(&signature)).await
}

/// Announces a call and gives the token that the worker wants to see again.
pub async fn announce(edge: &Edge, call: &str) -> anyhow::Result<Announced> {
    let answer = post_signed(edge, "/twilio/voice", &announcement(call))
        .await?
        .error_for_status()?;
    let document = answer.text().await?;
    let token = document
        .split_once(r#"name="token" value=""#)
        .and_then(|(_, rest)| rest.split('"').next())
        .with_context(|| format!("no token: {document}"))?;
    Ok(Announced {
        call: call.to_owned(),
        token: token.to_owned(),
    })
}

/// Tells the worker that a call is over.
pub async fn conclude(edge: &Edge, call: &str) -> anyhow::Result<()> {
    let answer = post_signed(edge, "/twilio/status", &form(call, "completed")).await?;
    anyhow::ensure!(answer.status() == 204, "status answers {}", answer.status());
    Ok(())
}

/// A media stream's socket.
pub struct Stream {
    socket: WebSocketStream<MaybeTlsStream<TcpStream>>,
    sequence: u32,
}

impl Stream {
    /// Opens a socket as the company does, and says nothing yet.
    pub async fn open(edge: &Edge) -> anyhow::Result<Self> {
        let url = address(edge);
        let signature = sign(TWILIO_TOKEN, &url, &[]);
        let mut request = url.into_client_request()?;
        let headers = request.headers_mut();
        headers.insert("x-twilio-signature", signature.parse()?);
        let (socket, _) = connect_async(request).await?;
        Ok(Self {
            socket,
            sequence: 0,
        })
    }

    /// The status with which an upgrade with this signature is refused.
    pub async fn refusal(edge: &Edge, signature: &str) -> anyhow::Result<u16> {
        let mut request = address(edge).into_client_request()?;
        let headers = request.headers_mut();
        headers.insert("x-twilio-signature", signature.parse()?);
        match connect_async(request).await {
            Ok(_) => bail!("the upgrade was accepted"),
            Err(SocketError::Http(response)) => Ok(response.status().as_u16()),
            Err(other) => Err(other.into()),
        }
    }

    /// Opens a socket and begins the stream of an announced call.
    pub async fn begin(edge: &Edge, announced: &Announced) -> anyhow::Result<Self> {
        let mut stream = Self::open(edge).await?;
        stream
            .start(&announced.call, Some(&announced.token))
            .await?;
        Ok(stream)
    }

    /// Says `connected` and `start`.
    pub async fn start(&mut self, call: &str, token: Option<&str>) -> anyhow::Result<()> {
        self.say(&json!({ "event": "connected", "protocol": "Call", "version": "1.0.0" }))
            .await?;
        let parameters = token.map_or_else(|| json!({}), |token| json!({ "token": token }));
        let start = json!({
            "accountSid": TWILIO_ACCOUNT,
            "streamSid": STREAM,
            "callSid": call,
            "tracks": ["inbound"],
            "mediaFormat": { "encoding": "audio/x-mulaw", "sampleRate": 8000, "channels": 1 },
            "customParameters": parameters,
        });
        self.numbered(json!({ "event": "start", "start": start }), STREAM)
            .await
    }

    /// Sends twenty milliseconds of silence in the name of this stream.
    pub async fn media(&mut self, stream: &str) -> anyhow::Result<()> {
        let chunk = self.sequence;
        let media = json!({
            "track": "inbound",
            "chunk": chunk.to_string(),
            "timestamp": (100 + 20 * chunk).to_string(),
            // 160 bytes of 0xFF.
            "payload": format!("{}/w==", "/".repeat(212)),
        });
        self.numbered(json!({ "event": "media", "media": media }), stream)
            .await
    }

    async fn numbered(&mut self, mut message: Value, stream: &str) -> anyhow::Result<()> {
        self.sequence += 1;
        if let Some(members) = message.as_object_mut() {
            members.insert("streamSid".into(), stream.into());
            members.insert("sequenceNumber".into(), self.sequence.to_string().into());
        }
        self.say(&message).await
    }

    async fn say(&mut self, message: &Value) -> anyhow::Result<()> {
        self.send(Message::text(message.to_string())).await
    }

    /// Sends anything.
    pub async fn send(&mut self, message: Message) -> anyhow::Result<()> {
        Ok(self.socket.send(message).await?)
    }

    /// Waits for her voice.
    pub async fn hear(&mut self) -> anyhow::Result<()> {
        let heard = async {
            while let Some(message) = self.socket.next().await {
                match message? {
                    Message::Text(text) if text.contains(r#""event":"media""#) => return Ok(()),
                    Message::Close(close) => bail!("closed: {close:?}"),
                    _ => {}
                }
            }
            bail!("the socket was lost")
        };
        timeout(PATIENCE, heard).await.context("she says nothing")?
    }

    /// Waits until the worker closes the socket, with which code.
    pub async fn closed(&mut self) -> anyhow::Result<u16> {
        let closed = async {
            loop {
                match self.socket.next().await {
                    Some(Ok(Message::Close(close))) => {
                        return close.map_or(1005, |close| close.code.into());
                    }
                    Some(Ok(_)) => {}
                    Some(Err(_)) | None => return 1006,
                }
            }
        };
        timeout(PATIENCE, closed).await.context("it stays open")
    }

    /// Sends silence as a telephone line does, for so long or until the worker closes the socket.
    pub async fn stay_silent(&mut self, millis: u64) -> anyhow::Result<()> {
        let began = Instant::now();
        for frame in 0..millis / 20 {
            tokio::time::sleep_until(began + std::time::Duration::from_millis(20 * frame)).await;
            self.media(STREAM).await?;
        }
        Ok(())
    }
}

fn address(edge: &Edge) -> String {
    format!("{}/twilio/media", edge.origin.replacen("http", "ws", 1))
}
