//! A caller without a browser: speaks the wire by itself, so that every message and its moment can be chosen.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::{Context, bail, ensure};
use tokio::time::{Instant, timeout};
use tokio_tungstenite::connect_async;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::{Error as SocketError, Message};
use voice_core::audio::MICROPHONE_FRAME;
use voice_core::resumption::Kept;
use voice_core::time::Timestamp;
use voice_core::turn::TurnId;
use voice_core::wire::audio::{AudioFrame, Kind};
use voice_core::wire::{ClientMessage, Phase, ServerMessage};

use crate::edge::Edge;
use crate::network::FarSocket;
use crate::sound::Noise;

/// Far above what any step of a test takes, so that only a hang ends here.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// A connected caller.
pub struct Caller {
    /// None while the line is lost.
    socket: Option<FarSocket>,
    /// A line on which nothing gets through.
    frozen: Option<FarSocket>,
    /// What was said on it.
    held: Vec<Message>,
    network: Duration,
    /// The right to come back, once the edge has given it.
    resume: Option<String>,
    /// What is said again on another line.
    pub(crate) kept: Kept<Message>,
    sequence: u32,
    speech: Noise,
    speaking: bool,
    next_frame: Option<Instant>,
    /// When the last loud frame was sent.
    pub last_sound: Option<Instant>,
    /// Frames are sent by themselves; without, whoever holds the caller sends them.
    pub has_microphone: bool,
    /// Whatever arrives is played at once, and the edge told so.
    pub plays_at_once: bool,
    /// Samples received of each turn.
    pub received: BTreeMap<TurnId, u64>,
}

/// What the edge sent.
#[derive(Clone, Debug, PartialEq)]
pub enum Event {
    Closed { code: u16 },
    Message(ServerMessage),
    Voice { turn: TurnId, samples: Vec<i16> },
}

impl Caller {
    /// Takes a ticket, connects and says hello.
    pub async fn connect(edge: &Edge) -> anyhow::Result<Self> {
        Self::connect_over(edge, Duration::ZERO).await
    }

    /// The same over a network that takes so long, one way.
    pub async fn connect_over(edge: &Edge, network: Duration) -> anyhow::Result<Self> {
        let ticket = ticket(edge).await?;
        let mut caller = Self::open_over(edge, &ticket, Some(&edge.origin), network).await?;
        caller.tell(&ClientMessage::Hello { protocol: 1 }).await?;
        Ok(caller)
    }

    /// Connects with a ticket, and says nothing yet.
    pub async fn open(edge: &Edge, ticket: &str, origin: Option<&str>) -> anyhow::Result<Self> {
        Self::open_over(edge, ticket, origin, Duration::ZERO).await
    }

    async fn open_over(
        edge: &Edge,
        ticket: &str,
        origin: Option<&str>,
        network: Duration,
    ) -> anyhow::Result<Self> {
        let mut request = format!(
            "{}/call?ticket={ticket}",
            edge.origin.replacen("http", "ws", 1)
        )
        .into_client_request()?;
        if let Some(origin) = origin {
            request.headers_mut().insert("Origin", origin.parse()?);
        }
        let (socket, _) = connect_async(request).await?;
        Ok(Self {
            socket: Some(FarSocket::new(socket, network)),
            frozen: None,
            held: Vec::new(),
            network,
            resume: None,
            kept: Kept::default(),
            sequence: 0,
            speech: Noise::default(),
            speaking: false,
            next_frame: None,
            last_sound: None,
            has_microphone: true,
            plays_at_once: true,
            received: BTreeMap::new(),
        })
    }

    /// The status with which the upgrade is refused.
    pub async fn refusal(edge: &Edge, ticket: &str, origin: Option<&str>) -> anyhow::Result<u16> {
        match Self::open(edge, ticket, origin).await {
            Ok(_) => bail!("the upgrade was accepted"),
            Err(error) => match error.downcast::<SocketError>()? {
                SocketError::Http(response) => Ok(response.status().as_u16()),
                other => Err(other.into()),
            },
        }
    }

    pub async fn tell(&mut self, message: &ClientMessage) -> anyhow::Result<()> {
        self.send(Message::text(serde_json::to_string(message)?))
            .await
    }

    /// Sends anything, well formed or not.
    pub async fn send(&mut self, message: Message) -> anyhow::Result<()> {
        if let Some(socket) = &self.socket {
            socket.send(message);
        } else if self.frozen.is_some() {
            self.held.push(message);
        }
        Ok(())
    }

    /// Sends a frame of the microphone, and keeps it as a browser does.
    pub async fn send_frame_of(&mut self, sequence: u32, frame: Message) -> anyhow::Result<()> {
        self.kept.frame(sequence, frame.clone());
        self.send(frame).await
    }

    /// The line is gone, without a word to the other side.
    pub fn lose_line(&mut self) {
        self.socket = None;
        self.frozen = None;
        self.held.clear();
    }

    /// Nothing gets through any more, and neither side has been told: nothing is sent, and nothing is read.
    pub fn freeze_line(&mut self) {
        self.frozen = self.socket.take();
        if let Some(frozen) = &self.frozen {
            frozen.read(false);
        }
    }

    /// Whether it is one on which nothing gets through.
    #[must_use]
    pub const fn is_frozen(&self) -> bool {
        self.frozen.is_some()
    }

    /// What was said meanwhile gets through, on both sides.
    pub fn thaw_line(&mut self) {
        self.socket = self.frozen.take();
        if let Some(socket) = &self.socket {
            socket.read(true);
        }
        for message in self.held.drain(..) {
            if let Some(socket) = &self.socket {
                socket.send(message);
            }
        }
    }

    /// Ends the call as a page does whose button is pressed.
    pub async fn leave(mut self) -> anyhow::Result<()> {
        self.tell(&ClientMessage::HangUp).await
    }

    /// What opens the call again.
    pub fn right_to_resume(&self) -> anyhow::Result<&str> {
        self.resume
            .as_deref()
            .context("the edge gave no right to come back")
    }

    /// Opens another line for the same call.
    pub(crate) fn reopening(
        &self,
        origin: &str,
    ) -> anyhow::Result<impl Future<Output = anyhow::Result<FarSocket>> + use<>> {
        let mut request = format!(
            "{}/call?resume={}",
            origin.replacen("http", "ws", 1),
            self.right_to_resume()?
        )
        .into_client_request()?;
        request.headers_mut().insert("Origin", origin.parse()?);
        let network = self.network;
        Ok(async move {
            let (socket, _) = connect_async(request).await?;
            Ok(FarSocket::new(socket, network))
        })
    }

    /// Goes on over this line, if the edge will.
    pub(crate) async fn greet_again(&mut self, socket: FarSocket) -> anyhow::Result<()> {
        self.socket = Some(socket);
        let (turn, samples) = self.kept.arrived();
        self.tell(&ClientMessage::Reconnected {
            protocol: 1,
            turn,
            samples,
        })
        .await
    }

    /// Sends what the edge lacks of the microphone, and what it was not told.
    pub(crate) async fn catch_up(&mut self, microphone: u32, now: Timestamp) -> anyhow::Result<()> {
        let frames: Vec<Message> = self.kept.frames_from(microphone).cloned().collect();
        for frame in frames {
            self.send(frame).await?;
        }
        let mut reports = Vec::new();
        self.kept
            .reports_from(microphone, now, |report| reports.push(report.clone()));
        for report in &reports {
            self.tell(report).await?;
        }
        Ok(())
    }

    /// Comes back on another line, and gives what the edge says first.
    pub async fn come_back(&mut self, edge: &Edge) -> anyhow::Result<Event> {
        let socket = self.reopening(&edge.origin)?.await?;
        // What was not spoken while nobody looked is not spoken now.
        self.next_frame = None;
        self.greet_again(socket).await?;
        let socket = self.socket.as_mut().context("no line")?;
        let first = timeout(PATIENCE, socket.next()).await?;
        let first = self.receive(first)?.context("no word")?;
        if let Event::Message(ServerMessage::Reconnected { microphone }) = &first {
            self.catch_up(*microphone, Timestamp::ZERO).await?;
        }
        Ok(first)
    }

    /// From now on the microphone picks up speech, or silence.
    pub fn speak(&mut self, speaking: bool) {
        self.speaking = speaking;
    }

    /// The next event, with the microphone running meanwhile, a frame each 20 ms.
    pub async fn next(&mut self) -> anyhow::Result<Event> {
        let give_up = Instant::now() + PATIENCE;
        loop {
            let due = *self.next_frame.get_or_insert_with(Instant::now);
            ensure!(due < give_up, "nothing happened");
            tokio::select! {
                biased;
                message = next_of(&mut self.socket) => {
                    if let Some(event) = self.receive(message)? {
                        self.play(&event).await?;
                        return Ok(event);
                    }
                }
                () = tokio::time::sleep_until(due), if self.has_microphone => {
                    self.next_frame = Some(due + Duration::from_millis(20));
                    self.send_frame().await?;
                }
            }
        }
    }

    /// Waits for an event and gives what `pick` makes of it.
    pub async fn wait_for<T>(
        &mut self,
        what: &str,
        mut pick: impl FnMut(&Event) -> Option<T>,
    ) -> anyhow::Result<T> {
        let search = async {
            loop {
                let event = self.next().await?;
                if let Some(found) = pick(&event) {
                    return Ok(found);
                }
                if let Event::Closed { code } = event {
                    bail!("closed with {code}");
                }
            }
        };
        timeout(PATIENCE, search)
            .await
            .ok()
            .unwrap_or_else(|| Err(anyhow::anyhow!("too late")))
            .with_context(|| format!("waiting for {what}"))
    }

    /// Waits for a state.
    pub async fn wait_for_state(&mut self, wanted: Phase) -> anyhow::Result<TurnId> {
        self.wait_for(&format!("{wanted:?}"), |event| match event {
            Event::Message(ServerMessage::State { state, turn, .. }) if *state == wanted => {
                Some(*turn)
            }
            _ => None,
        })
        .await
    }

    /// Lets the microphone run for so long; gives what arrived.
    pub async fn run_for(&mut self, span: Duration) -> anyhow::Result<Vec<Event>> {
        let end = Instant::now() + span;
        let mut events = Vec::new();
        while let Ok(event) = tokio::time::timeout_at(end, self.next()).await {
            let event = event?;
            let closed = matches!(event, Event::Closed { .. });
            events.push(event);
            if closed {
                break;
            }
        }
        Ok(events)
    }

    async fn play(&mut self, event: &Event) -> anyhow::Result<()> {
        match event {
            Event::Voice { turn, .. } if self.plays_at_once => {
                let samples = self.received.get(turn).copied().unwrap_or(0);
                self.tell(&ClientMessage::Played {
                    turn: *turn,
                    samples,
                })
                .await
            }
            _ => Ok(()),
        }
    }

    async fn send_frame(&mut self) -> anyhow::Result<()> {
        let pcm = self.speech.frame(MICROPHONE_FRAME, self.speaking);
        let frame = AudioFrame {
            kind: Kind::Microphone,
            turn: TurnId::NONE,
            sequence: self.sequence,
            pcm: &pcm,
        };
        let frame = Message::binary(frame.to_bytes());
        let sequence = self.sequence;
        self.sequence += 1;
        if self.speaking {
            self.last_sound = Some(Instant::now());
        }
        self.send_frame_of(sequence, frame).await
    }

    fn receive(
        &mut self,
        message: Option<Result<Message, SocketError>>,
    ) -> anyhow::Result<Option<Event>> {
        Ok(match message {
            Some(Ok(Message::Text(text))) => {
                let message = ServerMessage::parse(&text)?;
                if let ServerMessage::Welcome { resume, .. } = &message {
                    self.resume = Some(resume.clone());
                }
                Some(Event::Message(message))
            }
            Some(Ok(Message::Binary(bytes))) => {
                let frame = AudioFrame::parse(&bytes)?;
                let samples: Vec<i16> = frame
                    .pcm
                    .as_chunks()
                    .0
                    .iter()
                    .map(|sample| i16::from_le_bytes(*sample))
                    .collect();
                *self.received.entry(frame.turn).or_default() += samples.len() as u64;
                self.kept.voice(frame.turn, samples.len() as u64);
                Some(Event::Voice {
                    turn: frame.turn,
                    samples,
                })
            }
            Some(Ok(Message::Close(close))) => Some(Event::Closed {
                code: close.map_or(1005, |close| close.code.into()),
            }),
            Some(Ok(_)) => None,
            Some(Err(_)) | None => Some(Event::Closed { code: 1006 }),
        })
    }
}

/// The next message of a line; none ever comes of a lost one.
async fn next_of(socket: &mut Option<FarSocket>) -> Option<Result<Message, SocketError>> {
    match socket {
        Some(socket) => socket.next().await,
        None => std::future::pending().await,
    }
}

/// Asks the worker for a ticket as one of its own pages does.
pub async fn ticket(edge: &Edge) -> anyhow::Result<String> {
    let answer = reqwest::Client::new()
        .post(edge.url("/api/tickets"))
        .header("Origin", &edge.origin)
        .json(&serde_json::json!({ "site": "demo-dental" }))
        .send()
        .await?
        .error_for_status()?;
    let body: serde_json::Value = answer.json().await?;
    Ok(body
        .get("ticket")
        .and_then(|ticket| ticket.as_str())
        .context("no ticket")?
        .to_owned())
}
