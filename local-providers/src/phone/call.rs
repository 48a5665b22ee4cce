//! The task that runs a call: asks the worker what to do, does it, and tells the worker when it is over.

use std::sync::Arc;

use anyhow::anyhow;
use serde_json::json;
use tokio::sync::{mpsc, oneshot};
use tokio::time::{Duration, Instant, sleep_until, timeout};
use tokio_tungstenite::connect_async_with_config;
use tokio_tungstenite::tungstenite::Error as SocketError;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;

use audio_codec_algorithms::encode_ulaw;

use super::event::{EventKind, How, Spoken};
use super::line::{Command, Line};
use super::media::{End, Media, Socket};
use super::signature::sign;
use super::twiml::{Document, Stream, Verb};
use super::{SIGNATURE, sid};
use crate::log::Service;
use crate::scripted::voice::{tone, tone_of};
use crate::server::{Admission, Shared};
use crate::valve::Valve;

/// A call's task.
pub(crate) struct Runner {
    line: Arc<Line>,
    shared: Arc<Shared>,
    commands: mpsc::UnboundedReceiver<Command>,
    client: reqwest::Client,
    /// Told when the stream is open, or that there will be none.
    opened: Option<oneshot::Sender<anyhow::Result<()>>>,
    answered: Option<Instant>,
}

/// What comes after an instruction.
enum Flow {
    Document(Document),
    Next,
    Over(How),
}

impl Runner {
    pub(crate) fn new(
        line: Arc<Line>,
        shared: Arc<Shared>,
        commands: mpsc::UnboundedReceiver<Command>,
        opened: oneshot::Sender<anyhow::Result<()>>,
    ) -> Self {
        Self {
            line,
            shared,
            commands,
            client: reqwest::Client::new(),
            opened: Some(opened),
            answered: None,
        }
    }

    pub(crate) async fn run(mut self) {
        let how = self.live().await;
        self.line.state().over = true;
        self.tell_status().await;
        self.line.tell(EventKind::Ended { how });
        self.told(Ok(()));
    }

    fn told(&mut self, result: anyhow::Result<()>) {
        if let Some(opened) = self.opened.take() {
            // Whoever dialled may have gone away meanwhile.
            let _ = opened.send(result);
        }
    }

    async fn live(&mut self) -> How {
        let url = self.line.dial.signed_url("/twilio/voice");
        let mut flow = self.ask(&url, "ringing").await;
        for _ in 0..DOCUMENTS_MOST {
            match flow {
                Flow::Document(document) => flow = self.follow(document).await,
                Flow::Next => return How::EndOfTwiml,
                Flow::Over(how) => return how,
            }
        }
        self.line.warn(12_100, "the call was redirected too often");
        How::ApplicationError
    }

    async fn follow(&mut self, document: Document) -> Flow {
        self.answered.get_or_insert_with(Instant::now);
        for name in document.ignored {
            self.line.warn(12_200, format!("{name} is ignored"));
        }
        for verb in document.verbs {
            match self.perform(verb).await {
                Flow::Next => {}
                flow => return flow,
            }
        }
        Flow::Next
    }

    async fn perform(&mut self, verb: Verb) -> Flow {
        match verb {
            Verb::Connect { stream, action } => match (self.connect(&stream).await, action) {
                (Flow::Next, Some(action)) => {
                    let url = self.absolute(&action);
                    self.ask(&url, "in-progress").await
                }
                (flow, _) => flow,
            },
            Verb::Dial(number) => {
                self.notice(Spoken::Dial { number });
                self.wait(DIALLED).await
            }
            Verb::Hangup => {
                self.notice(Spoken::Hangup);
                Flow::Over(How::Hangup)
            }
            Verb::Pause(span) => {
                self.notice(Spoken::Pause);
                self.wait(span).await
            }
            Verb::Redirect(url) => {
                self.notice(Spoken::Redirect { url: url.clone() });
                let url = self.absolute(&url);
                self.ask(&url, "in-progress").await
            }
            Verb::Say(text) => {
                let millis = SAY_MILLIS * text.chars().count() as u64;
                let sound = tone(tone_of(&text).into(), millis, 8_000);
                let codes = sound.iter().map(|sample| encode_ulaw(*sample)).collect();
                let now = self.line.now();
                self.line.state().playout.media(now, codes, 0);
                self.notice(Spoken::Say { text });
                let flow = self.wait(Duration::from_millis(millis)).await;
                let now = self.line.now();
                self.line.state().playout.clear(now);
                flow
            }
        }
    }

    fn notice(&self, verb: Spoken) {
        self.line.tell(EventKind::Verb(verb));
    }

    /// Lets time pass, unless somebody wants something else.
    async fn wait(&mut self, span: Duration) -> Flow {
        let until = Instant::now() + span;
        loop {
            tokio::select! {
                () = sleep_until(until) => return Flow::Next,
                command = self.commands.recv() => match self.obey(command.unwrap_or(Command::HangUp)).await {
                    // A key or a lost connection means nothing outside a stream.
                    Flow::Next => {}
                    flow => return flow,
                },
            }
        }
    }

    async fn obey(&mut self, command: Command) -> Flow {
        match command {
            Command::Cut | Command::Press(_) | Command::Stall => Flow::Next,
            Command::HangUp => Flow::Over(How::CallerHungUp),
            Command::Complete => Flow::Over(How::CompletedByRest),
            Command::Redirect(Ok(document)) => Flow::Document(document),
            Command::Redirect(Err(reason)) => {
                self.line.warn(12_100, reason);
                Flow::Over(How::ApplicationError)
            }
            Command::RedirectTo(url) => {
                let url = self.absolute(&url);
                self.ask(&url, "in-progress").await
            }
        }
    }

    /// Hands the call's sound to the worker until the stream ends.
    async fn connect(&mut self, stream: &Stream) -> Flow {
        let stream_sid = sid("MZ");
        let fields = json!({ "call_sid": self.line.call_sid, "stream_sid": stream_sid });
        let Admission {
            mut exchange,
            log_audio,
            mut trouble,
            ..
        } = self.shared.admit(Service::Media, fields, &Valve::default());
        let socket = match timeout(CONNECTING, self.open(stream)).await {
            Ok(Ok(socket)) => socket,
            Ok(Err((code, reason))) => {
                exchange.ending(json!({ "by": "client", "why": reason }));
                self.line.warn(code, reason);
                return Flow::Next;
            }
            Err(_) => {
                self.line.warn(31_901, "the handshake took too long");
                return Flow::Next;
            }
        };
        let line = Arc::clone(&self.line);
        let media = Media::begin(line, socket, stream, stream_sid, exchange, log_audio);
        self.told(Ok(()));
        match media.run(&mut self.commands, &mut trouble).await {
            End::Closed => Flow::Next,
            End::Commanded(command) => self.obey(command).await,
        }
    }

    async fn open(&self, stream: &Stream) -> Result<Socket, (u32, String)> {
        let url = &stream.url;
        if !url.starts_with("ws://") && !url.starts_with("wss://") {
            return Err((31_922, "the scheme is not supported".to_owned()));
        }
        if url.contains('?') {
            return Err((31_920, "the url has a query".to_owned()));
        }
        let malformed = |error: SocketError| (31_920, error.to_string());
        let mut request = self.reach(url).into_client_request().map_err(malformed)?;
        let signature = sign(&self.line.dial.auth_token, url, &[]);
        let signature = signature.parse().expect("base64 is a header's value");
        request.headers_mut().insert(SIGNATURE, signature);
        request.headers_mut().insert(
            "user-agent",
            "Twilio.TmeWs/1.0".parse().expect("a header's value"),
        );
        // Frames go out at once: Nagle's algorithm would make every other one 40 ms late.
        match connect_async_with_config(request, None, true).await {
            Ok((socket, _)) => Ok(socket),
            Err(SocketError::Http(response)) => {
                let reason = format!("the handshake was answered {}", response.status().as_u16());
                Err((31_920, reason))
            }
            Err(error) => Err((31_902, error.to_string())),
        }
    }

    /// Asks the worker what to do next.
    async fn ask(&mut self, url: &str, status: &str) -> Flow {
        let members = self.line.dial.members(&self.line.call_sid, status);
        let (status, kind, body) = match self.post(url, &members).await {
            Ok(answer) => answer,
            Err(error) => {
                self.line.warn(11_200, "the webhook cannot be reached");
                self.told(Err(error));
                return Flow::Over(How::ApplicationError);
            }
        };
        let twiml = body.clone();
        self.line.tell(EventKind::WebhookAnswered { status, twiml });
        if !(200..300).contains(&status) {
            self.line
                .warn(11_200, format!("the webhook was answered {status}"));
            return Flow::Over(How::ApplicationError);
        }
        if !TWIML_TYPES.contains(&kind.as_str()) {
            self.line
                .warn(12_300, format!("TwiML does not come as {kind:?}"));
            return Flow::Over(How::ApplicationError);
        }
        match Document::parse(&body) {
            Ok(document) => Flow::Document(document),
            Err(reason) => {
                self.line.warn(12_100, reason);
                Flow::Over(How::ApplicationError)
            }
        }
    }

    async fn tell_status(&self) {
        let seconds = self
            .answered
            .map_or(0, |answered| answered.elapsed().as_millis().div_ceil(1_000));
        let mut members = self.line.dial.members(&self.line.call_sid, "completed");
        for (name, value) in [
            ("CallDuration", seconds.to_string()),
            ("Duration", seconds.div_ceil(60).to_string()),
            ("CallbackSource", "call-progress-events".to_owned()),
            ("SequenceNumber", "0".to_owned()),
        ] {
            members.push((name.to_owned(), value));
        }
        let url = self.line.dial.signed_url("/twilio/status");
        let answer = self.post(&url, &members).await;
        let status = answer.map_or(0, |(status, _, _)| status);
        self.line.tell(EventKind::StatusAnswered { status });
    }

    /// Sends a signed form: the status, the media type and the body of the answer.
    async fn post(
        &self,
        url: &str,
        members: &[(String, String)],
    ) -> anyhow::Result<(u16, String, String)> {
        let fields = json!({ "url": url, "call_sid": self.line.call_sid });
        let Admission { mut exchange, .. } =
            self.shared
                .admit(Service::Webhook, fields, &Valve::default());
        let form = form_urlencoded::Serializer::new(String::new())
            .extend_pairs(members)
            .finish();
        let request = self
            .client
            .post(self.reach(url))
            .header(
                "content-type",
                "application/x-www-form-urlencoded; charset=UTF-8",
            )
            .header("accept", "*/*")
            .header("user-agent", "TwilioProxy/1.1")
            .header(SIGNATURE, sign(&self.line.dial.auth_token, url, members))
            .body(form);
        let answer = async {
            let response = request.send().await?;
            let status = response.status().as_u16();
            let kind = response.headers().get("content-type");
            let kind = kind.and_then(|value| value.to_str().ok()).unwrap_or("");
            let kind = kind.split(';').next().unwrap_or("").trim().to_lowercase();
            Ok::<_, reqwest::Error>((status, kind, response.text().await?))
        };
        match timeout(WEBHOOK, answer).await {
            Ok(Ok(answer)) => {
                exchange.ending(json!({ "by": "client", "status": answer.0 }));
                Ok(answer)
            }
            Ok(Err(error)) => {
                exchange.ending(json!({ "by": "network" }));
                Err(anyhow!(error).context(format!("cannot reach {url}")))
            }
            Err(_) => Err(anyhow!("{url} has not answered in time")),
        }
    }

    /// Where to really go for an address of the public origin.
    fn reach(&self, url: &str) -> String {
        let dial = &self.line.dial;
        let (public, worker) = (dial.origin(), dial.worker.as_str());
        let as_socket = |origin: &str| origin.replacen("http", "ws", 1);
        for (public, worker) in [
            (public.to_owned(), worker.to_owned()),
            (as_socket(public), as_socket(worker)),
        ] {
            if let Some(path) = url.strip_prefix(&public)
                && (path.is_empty() || path.starts_with(['/', '?']))
            {
                return format!("{worker}{path}");
            }
        }
        url.to_owned()
    }

    fn absolute(&self, url: &str) -> String {
        match url.starts_with('/') {
            true => self.line.dial.signed_url(url),
            false => url.to_owned(),
        }
    }
}

/// What Twilio reads TwiML from.
const TWIML_TYPES: [&str; 3] = ["text/xml", "application/xml", "text/html"];

/// How long Twilio waits for a webhook.
const WEBHOOK: Duration = Duration::from_secs(15);

/// Longer than a worker takes to wake its object, shorter than a caller waits in silence.
const CONNECTING: Duration = Duration::from_secs(10);

/// How long whoever is dialled stays on the line: the emulator has nobody to put there.
const DIALLED: Duration = Duration::from_secs(1);

/// As long as the scripted voice takes for a character.
const SAY_MILLIS: u64 = 60;

/// Documents that send each other round in circles end the call.
const DOCUMENTS_MOST: usize = 20;
