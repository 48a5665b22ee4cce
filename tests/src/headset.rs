//! A caller by the browser's wire whose ear and mouth are the real ones: the detector and the `Handset` of the audio thread,
//! without the browser around them.

use std::collections::VecDeque;
use std::time::Duration;

use anyhow::{Context, ensure};
use earshot::Detector;
use tokio::time::{Instant, timeout_at};
use tokio_tungstenite::tungstenite::Message;
use voice_core::audio::{MICROPHONE_FRAME, SampleRate};
use voice_core::handset::{Config, Handset, Input, Output, Report};
use voice_core::time::Timestamp;
use voice_core::turn::TurnId;
use voice_core::wire::audio::{AudioFrame, Kind};
use voice_core::wire::{ClientMessage, Outcome, ServerMessage};

use crate::caller::{Caller, Event};
use crate::edge::Edge;

/// A microphone frame, which is also how often the loudspeaker is fed.
const TICK: Duration = Duration::from_millis(20);

/// What the detector takes: 16 ms at 16 kHz.
const DETECTOR_FRAME: usize = 256;

/// How loud her voice is where it plays; the scripted voice always is.
const PLAYBACK: f32 = 0.1;

/// A caller with a headset on.
pub struct Headset {
    caller: Caller,
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
    /// Her voice, a run of samples for each frame that arrived.
    loudspeaker: VecDeque<u64>,
    paused: bool,
    due: Option<Timestamp>,
    began: Instant,
    ticks: u32,
}

impl Headset {
    /// Calls.
    pub async fn connect(edge: &Edge) -> anyhow::Result<Self> {
        let mut caller = Caller::connect(edge).await?;
        caller.plays_at_once = false;
        caller.has_microphone = false;
        Ok(Self {
            caller,
            call: None,
            outcome: None,
            handset: Handset::new(Config::browser()),
            detector: Detector::default_boxed(),
            microphone: VecDeque::new(),
            to_score: Vec::with_capacity(DETECTOR_FRAME),
            sequence: 0,
            loudspeaker: VecDeque::new(),
            paused: false,
            due: None,
            began: Instant::now(),
            ticks: 0,
        })
    }

    /// Speaks, at 16 kHz, from now on.
    pub fn say(&mut self, samples: &[i16]) {
        self.microphone.extend(samples);
    }

    /// Listens and speaks until this moment of the call or until the call is over.
    pub async fn run_until(&mut self, moment: Duration) -> anyhow::Result<()> {
        let end = self.began + moment;
        while self.outcome.is_none() && Instant::now() < end {
            let tick = self.began + TICK * self.ticks;
            match timeout_at(tick, self.caller.next()).await {
                Ok(event) => self.hear(event?).await?,
                Err(_) => {
                    self.ticks += 1;
                    self.tick().await?;
                }
            }
        }
        Ok(())
    }

    /// Ends the call as the caller who presses the button does.
    pub async fn hang_up(&mut self) -> anyhow::Result<()> {
        self.caller.tell(&ClientMessage::HangUp).await
    }

    async fn hear(&mut self, event: Event) -> anyhow::Result<()> {
        match event {
            Event::Closed { .. } => {
                self.outcome.get_or_insert(Outcome::HungUp);
                Ok(())
            }
            Event::Voice { turn, samples } => {
                let samples = samples.len() as u64;
                self.tell(Input::Voice { turn, samples }).await
            }
            Event::Message(ServerMessage::Flush { turn }) => self.tell(Input::Flush { turn }).await,
            Event::Message(ServerMessage::Resume { turn }) => {
                self.tell(Input::Resume { turn }).await
            }
            Event::Message(ServerMessage::Ping { id }) => {
                self.caller.tell(&ClientMessage::Pong { id }).await
            }
            Event::Message(ServerMessage::Welcome { call, .. }) => {
                self.call = Some(call);
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
                self.to_score.clear();
                let playback = if self.is_playing() { PLAYBACK } else { 0.0 };
                self.tell(Input::Score { speech, playback }).await?;
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
        self.sequence += 1;
        self.caller.send(Message::binary(frame.to_bytes())).await?;
        self.play().await
    }

    async fn play(&mut self) -> anyhow::Result<()> {
        if self.paused {
            return Ok(());
        }
        let mut samples = 0;
        let mut room = SampleRate::VOICE.samples_in(TICK);
        while room > 0
            && let Some(run) = self.loudspeaker.front_mut()
        {
            let taken = room.min(*run);
            *run -= taken;
            room -= taken;
            samples += taken;
            if *run == 0 {
                self.loudspeaker.pop_front();
            }
        }
        if samples > 0 {
            self.tell(Input::Played { samples }).await?;
        }
        Ok(())
    }

    fn is_playing(&self) -> bool {
        !self.paused && !self.loudspeaker.is_empty()
    }

    async fn tell(&mut self, input: Input) -> anyhow::Result<()> {
        self.handset.handle_input(self.now(), input);
        loop {
            match self.handset.poll_output() {
                Output::Discard { samples } => self.discard(samples)?,
                Output::Enqueue { samples, .. } => self.loudspeaker.push_back(samples),
                Output::Pause => self.paused = true,
                Output::Resume => self.paused = false,
                Output::Report(report) => self.caller.tell(&message(report)?).await?,
                Output::Timeout(due) => {
                    self.due = due;
                    return Ok(());
                }
            }
        }
    }

    fn discard(&mut self, mut samples: u64) -> anyhow::Result<()> {
        while samples > 0 {
            let run = self
                .loudspeaker
                .front_mut()
                .context("more is thrown away than there is")?;
            let taken = samples.min(*run);
            *run -= taken;
            samples -= taken;
            if *run == 0 {
                self.loudspeaker.pop_front();
            }
        }
        let totals = self.handset.totals();
        let queued: u64 = self.loudspeaker.iter().sum();
        ensure!(
            totals.queued == queued,
            "{totals:?}, and {queued} in the queue"
        );
        Ok(())
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
