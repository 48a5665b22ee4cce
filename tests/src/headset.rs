//! A caller by the browser's wire whose ear and mouth are the real ones: the detector and the `Handset` of the audio thread,
//! without the browser around them.

mod network;

use std::collections::VecDeque;
use std::time::Duration;

use anyhow::ensure;
use earshot::Detector;
use local_providers::phone::SpanOnTimeline;
use tokio::time::{Instant, timeout_at};
use tokio_tungstenite::tungstenite::Message;
use voice_core::audio::{MICROPHONE_FRAME, SampleRate};
use voice_core::handset::{Config, Handset, Input, Output, Report, level_of};
use voice_core::time::Timestamp;
use voice_core::turn::TurnId;
use voice_core::wire::audio::{AudioFrame, Kind};
use voice_core::wire::{ClientMessage, Outcome, ServerMessage};

pub use self::network::Loss;
use self::network::Network;
use crate::caller::{Caller, Event};
use crate::edge::Edge;

/// A microphone frame, which is also how often the loudspeaker is fed.
const TICK: Duration = Duration::from_millis(20);

/// What the detector takes: 16 ms at 16 kHz.
const DETECTOR_FRAME: usize = 256;

/// Samples of her voice, at 24 kHz, for each of a [`Track`]'s. The scripted voice has nothing above 2.4 kHz that would have to be filtered.
const RECORDED: usize = 3;

/// How loud her voice is where it plays; the scripted voice always is.
const PLAYBACK: f32 = 0.1;

/// What the edge said.
#[derive(Clone, Debug, PartialEq)]
pub enum Told {
    /// The first sound of a turn.
    FirstVoice(TurnId),
    Message(ServerMessage),
}

/// A caller with a headset on.
pub struct Headset {
    origin: String,
    caller: Caller,
    network: Network,
    /// The call's id, once the edge has told it.
    pub call: Option<String>,
    /// How the call ended, once it has.
    pub outcome: Option<Outcome>,
    handset: Handset,
    detector: Box<Detector>,
    /// Sound of the microphone that no frame has been made of, and that the detector has not heard.
    microphone: VecDeque<i16>,
    to_score: Vec<i16>,
    sequence: u32,
    /// Her voice where it arrived, and where it waits to be played.
    arriving: Vec<i16>,
    loudspeaker: VecDeque<i16>,
    /// Whose voice waits there: each turn with its samples.
    queued: VecDeque<(TurnId, usize)>,
    /// The newest turn that was flushed, and how many samples were played of it or an older one since.
    flushed: TurnId,
    stale: u64,
    /// What was played, a sample in three, from the call's beginning.
    played: Vec<i16>,
    /// What the edge said, and when, in milliseconds of the call. Her voice is there as it began in each turn.
    told: Vec<(f64, Told)>,
    voiced: TurnId,
    paused: bool,
    due: Option<Timestamp>,
    began: Instant,
    ticks: u32,
}

impl Headset {
    /// Calls.
    pub async fn connect(edge: &Edge) -> anyhow::Result<Self> {
        Self::connect_over(edge, Duration::ZERO).await
    }

    /// Calls over a network that takes so long, one way.
    pub async fn connect_over(edge: &Edge, network: Duration) -> anyhow::Result<Self> {
        let mut caller = Caller::connect_over(edge, network).await?;
        caller.plays_at_once = false;
        caller.has_microphone = false;
        Ok(Self {
            origin: edge.origin.clone(),
            caller,
            network: Network::default(),
            call: None,
            outcome: None,
            handset: Handset::new(Config::browser()),
            detector: Detector::default_boxed(),
            microphone: VecDeque::new(),
            to_score: Vec::with_capacity(DETECTOR_FRAME),
            sequence: 0,
            arriving: Vec::new(),
            loudspeaker: VecDeque::new(),
            queued: VecDeque::new(),
            flushed: TurnId::NONE,
            stale: 0,
            played: Vec::new(),
            told: Vec::new(),
            voiced: TurnId::NONE,
            paused: false,
            due: None,
            began: Instant::now(),
            ticks: 0,
        })
    }

    /// Speaks, at 16 kHz, from the next frame on: from when to when, in milliseconds of the call. A frame leaves when its last
    /// sample has been spoken.
    pub fn say(&mut self, samples: &[i16]) -> SpanOnTimeline {
        let from = self.ticks.saturating_sub(1) as usize * MICROPHONE_FRAME + self.microphone.len();
        self.microphone.extend(samples);
        let to = from + samples.len();
        let millis = |at: usize| at as f64 / 16.0;
        SpanOnTimeline {
            from_ms: millis(from),
            to_ms: millis(to),
        }
    }

    /// Listens and speaks until this moment of the call or until the call is over.
    pub async fn run_until(&mut self, moment: Duration) -> anyhow::Result<()> {
        let end = self.began + moment;
        while self.outcome.is_none() && Instant::now() < end {
            self.step().await?;
        }
        Ok(())
    }

    /// Whatever comes next: a message, or the next frame.
    pub(crate) async fn step(&mut self) -> anyhow::Result<()> {
        let tick = self.began + TICK * self.ticks;
        match timeout_at(tick, self.caller.next()).await {
            Ok(event) => self.hear(event?).await,
            Err(_) => {
                self.ticks += 1;
                self.tick().await
            }
        }
    }

    /// What was played since the last time this was asked, a sample in three.
    pub(crate) fn take_played(&mut self) -> Vec<i16> {
        std::mem::take(&mut self.played)
    }

    /// What the edge said since the last time this was asked.
    pub(crate) fn take_told(&mut self) -> Vec<(f64, Told)> {
        std::mem::take(&mut self.told)
    }

    /// Samples that were played of a turn after the edge had thrown it away.
    #[must_use]
    pub const fn stale(&self) -> u64 {
        self.stale
    }

    /// When the call began.
    pub(crate) const fn began(&self) -> Instant {
        self.began
    }

    /// Ends the call as the caller who presses the button does.
    pub async fn hang_up(&mut self) -> anyhow::Result<()> {
        self.caller.tell(&ClientMessage::HangUp).await
    }

    async fn hear(&mut self, event: Event) -> anyhow::Result<()> {
        let now = self.elapsed_ms();
        self.network.line.heard();
        match &event {
            Event::Message(message) => self.told.push((now, Told::Message(message.clone()))),
            Event::Voice { turn, .. } if self.voiced != *turn => {
                self.voiced = *turn;
                self.told.push((now, Told::FirstVoice(*turn)));
            }
            Event::Voice { .. } | Event::Closed { .. } => {}
        }
        match event {
            Event::Closed { .. } => {
                if self.call.is_none() {
                    self.outcome.get_or_insert(Outcome::HungUp);
                }
                let now = self.now();
                self.caller.lose_line();
                self.network.line.closed(now);
                self.note_down();
                Ok(())
            }
            Event::Voice { turn, samples } => {
                self.arriving = samples;
                let samples = self.arriving.len() as u64;
                self.tell(Input::Voice { turn, samples }).await
            }
            Event::Message(ServerMessage::Flush { turn }) => {
                self.flushed = self.flushed.max(turn);
                self.tell(Input::Flush { turn }).await
            }
            Event::Message(ServerMessage::Resume { turn }) => {
                self.caller.kept.resume(turn);
                self.tell(Input::Resume { turn }).await
            }
            Event::Message(ServerMessage::Reconnected { microphone }) => {
                self.go_on(microphone).await
            }
            Event::Message(ServerMessage::Ping { id }) => {
                self.caller.tell(&ClientMessage::Pong { id }).await
            }
            Event::Message(ServerMessage::Welcome { call, .. }) => {
                self.call = Some(call);
                let now = self.now();
                self.network.line.welcomed(now);
                Ok(())
            }
            Event::Message(ServerMessage::Ended { outcome }) => {
                self.outcome = Some(outcome);
                Ok(())
            }
            Event::Message(ServerMessage::Error { message, .. }) => {
                anyhow::bail!("refused: {message}")
            }
            Event::Message(_) => Ok(()),
        }
    }

    /// Twenty milliseconds: the ear first, so that a pause silences this very tick.
    async fn tick(&mut self) -> anyhow::Result<()> {
        self.watch_line().await?;
        if self.due.is_some_and(|due| due <= self.now()) {
            self.tell(Input::Timeout).await?;
        }
        let heard = self.microphone.len().min(MICROPHONE_FRAME);
        let mut frame: Vec<i16> = self.microphone.drain(..heard).collect();
        frame.resize(MICROPHONE_FRAME, 0);
        for sample in &frame {
            self.to_score.push(*sample);
            if self.to_score.len() == DETECTOR_FRAME {
                let speech = self.detector.predict_i16(&self.to_score);
                let level = level_of(&self.to_score);
                self.to_score.clear();
                let playback = if self.is_playing() { PLAYBACK } else { 0.0 };
                let score = Input::Score {
                    speech,
                    level,
                    playback,
                };
                self.tell(score).await?;
            }
        }
        let pcm: Vec<u8> = frame
            .iter()
            .flat_map(|sample| sample.to_le_bytes())
            .collect();
        let frame = AudioFrame {
            kind: Kind::Microphone,
            turn: TurnId::NONE,
            sequence: self.sequence,
            pcm: &pcm,
        };
        let frame = Message::binary(frame.to_bytes());
        let sequence = self.sequence;
        self.sequence += 1;
        self.caller.send_frame_of(sequence, frame).await?;
        self.play().await
    }

    async fn play(&mut self) -> anyhow::Result<()> {
        let room = SampleRate::VOICE.samples_in(TICK) as usize;
        let ready = if self.paused {
            0
        } else {
            self.loudspeaker.len().min(room)
        };
        self.note_played(ready);
        let mut sound: Vec<i16> = self.loudspeaker.drain(..ready).collect();
        sound.resize(room, 0);
        self.played.extend(sound.iter().step_by(RECORDED));
        if ready > 0 {
            let samples = ready as u64;
            self.tell(Input::Played { samples }).await?;
        }
        Ok(())
    }

    fn note_played(&mut self, samples: usize) {
        let stale = self.leave_queue(samples);
        self.stale += stale;
    }

    /// Takes the oldest samples out of the account of the queue, and gives how many of them were of a turn that was thrown away.
    fn leave_queue(&mut self, mut samples: usize) -> u64 {
        let mut stale = 0;
        while samples > 0
            && let Some((turn, left)) = self.queued.front_mut()
        {
            let taken = samples.min(*left);
            if *turn <= self.flushed {
                stale += taken as u64;
            }
            *left -= taken;
            samples -= taken;
            if *left == 0 {
                self.queued.pop_front();
            }
        }
        stale
    }

    fn is_playing(&self) -> bool {
        !self.paused && !self.loudspeaker.is_empty()
    }

    async fn tell(&mut self, input: Input) -> anyhow::Result<()> {
        self.handset.handle_input(self.now(), input);
        loop {
            match self.handset.poll_output() {
                Output::Discard { samples } => self.discard(samples)?,
                Output::Enqueue { turn, .. } => {
                    self.queued.push_back((turn, self.arriving.len()));
                    self.loudspeaker.extend(self.arriving.drain(..));
                }
                Output::Pause => self.paused = true,
                Output::Resume => self.paused = false,
                Output::Report(report) => {
                    let report = message(report)?;
                    self.caller.kept.report(report.clone(), self.now());
                    self.caller.tell(&report).await?;
                }
                Output::Timeout(due) => {
                    self.due = due;
                    return Ok(());
                }
            }
        }
    }

    fn discard(&mut self, samples: u64) -> anyhow::Result<()> {
        let samples = usize::try_from(samples)?;
        ensure!(
            samples <= self.loudspeaker.len(),
            "more is thrown away than there is"
        );
        self.loudspeaker.drain(..samples);
        self.leave_queue(samples);
        let totals = self.handset.totals();
        let queued = self.loudspeaker.len() as u64;
        ensure!(
            totals.queued == queued,
            "{totals:?}, and {queued} in the queue"
        );
        Ok(())
    }

    fn elapsed_ms(&self) -> f64 {
        self.began.elapsed().as_secs_f64() * 1e3
    }

    fn now(&self) -> Timestamp {
        Timestamp::ZERO + self.began.elapsed()
    }
}

fn message(report: Report) -> anyhow::Result<ClientMessage> {
    Ok(match report {
        Report::Flushed {
            turn,
            played,
            discarded,
        } => ClientMessage::Flushed {
            turn,
            samples: played,
            discarded,
        },
        Report::Paused { turn, played } => ClientMessage::Paused {
            turn,
            samples: played,
        },
        Report::Played { turn, samples } => ClientMessage::Played { turn, samples },
        Report::SpeechEnded { silence } => ClientMessage::SpeechEnded {
            silence_ms: u32::try_from(silence.as_millis())?,
        },
        Report::SpeechStarted => ClientMessage::SpeechStarted,
    })
}
