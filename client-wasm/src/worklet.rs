//! The audio thread as the page sees it: a node of the audio graph and a port of numbers.
//!
//! The other side of the port's tables is `audio-thread`: `event.rs` for what comes, `exports.rs` for what goes.

use js_sys::{Array, ArrayBuffer, Float64Array, Object};
use voice_core::turn::TurnId;
use wasm_bindgen::prelude::*;
use web_sys::{
    AudioContext, AudioWorkletNode, AudioWorkletNodeOptions, ChannelCountMode,
    MediaStreamAudioSourceNode, MessageEvent, MessagePort,
};

use crate::failure::Failure;
use crate::listener::object;
use crate::microphone::Microphone;

/// What the audio thread says.
#[derive(Debug)]
pub(crate) enum Said {
    Counters(Object),
    Flushed {
        turn: TurnId,
        played: u64,
        discarded: u64,
    },
    Level {
        microphone: f64,
        voice: f64,
    },
    /// A microphone frame, ready for the wire.
    Microphone(ArrayBuffer),
    Paused {
        turn: TurnId,
        played: u64,
    },
    Played {
        turn: TurnId,
        samples: u64,
    },
    Sounding(bool),
    SpeechEnded {
        silence_ms: u32,
    },
    SpeechStarted,
}

#[derive(Debug)]
pub(crate) struct Worklet {
    pub(crate) context: AudioContext,
    pub(crate) node: AudioWorkletNode,
    port: MessagePort,
    source: Option<MediaStreamAudioSourceNode>,
}

impl Worklet {
    /// Starts it in a context whose worklet module has been added.
    pub(crate) fn start(context: AudioContext, module: &JsValue) -> Result<Self, Failure> {
        let options = AudioWorkletNodeOptions::new();
        options.set_number_of_inputs(1);
        options.set_number_of_outputs(1);
        options.set_output_channel_count(&Array::of1(&1.into()));
        options.set_channel_count(1);
        options.set_channel_count_mode(ChannelCountMode::Explicit);
        options.set_processor_options(Some(&object(&[("module", module.clone())])));
        let node = AudioWorkletNode::new_with_options(&context, "voxanne", &options)
            .map_err(|_| Failure::Audio)?;
        let port = node.port().map_err(|_| Failure::Audio)?;
        node.connect_with_audio_node(&context.destination())
            .map_err(|_| Failure::Audio)?;
        Ok(Self {
            context,
            node,
            port,
            source: None,
        })
    }

    pub(crate) fn listen_to(&mut self, microphone: &Microphone) -> Result<(), Failure> {
        let source = self
            .context
            .create_media_stream_source(microphone.stream())
            .map_err(|_| Failure::MicrophoneFailed)?;
        source
            .connect_with_audio_node(&self.node)
            .map_err(|_| Failure::Audio)?;
        self.source = Some(source);
        Ok(())
    }

    pub(crate) fn on_said(&self, hear: Option<&js_sys::Function>) {
        self.port.set_onmessage(hear);
    }

    pub(crate) fn on_broken(&self, broken: Option<&js_sys::Function>) {
        self.node.set_onprocessorerror(broken);
    }

    /// Hands over a voice frame as it came from the wire.
    pub(crate) fn play(&self, frame: &ArrayBuffer) {
        // A port only refuses what cannot be cloned, and a closed one takes everything.
        let _ = self
            .port
            .post_message_with_transferable(frame, &Array::of1(frame));
    }

    pub(crate) fn flush(&self, turn: TurnId) {
        self.control(1, turn.number());
    }

    pub(crate) fn resume(&self, turn: TurnId) {
        self.control(2, turn.number());
    }

    pub(crate) fn mute(&self, on: bool) {
        self.control(3, on.into());
    }

    pub(crate) fn open(&self) {
        self.control(4, 0);
    }

    pub(crate) fn ask_counters(&self) {
        self.control(5, 0);
    }

    fn control(&self, what: u32, argument: u32) {
        let _ = self
            .port
            .post_message(&Array::of2(&what.into(), &argument.into()));
    }
}

impl Drop for Worklet {
    fn drop(&mut self) {
        self.on_said(None);
        self.on_broken(None);
        // The script's processor ends with this; without it the browser would keep it running.
        self.control(END, 0);
        if let Some(source) = &self.source {
            let _ = source.disconnect();
        }
        let _ = self.node.disconnect();
    }
}

impl Said {
    /// Reads a message of the port and, for events, when it happened on the audio thread's clock.
    pub(crate) fn read(event: &MessageEvent) -> Option<(Self, f64)> {
        let data = event.data();
        let data = match data.dyn_into::<ArrayBuffer>() {
            Ok(frame) => return Some((Self::Microphone(frame), 0.0)),
            Err(data) => data,
        };
        let record = data.dyn_into::<Float64Array>().ok()?.to_vec();
        let [kind, a, b, c, .., at] = record.as_slice() else {
            return None;
        };
        let turn = TurnId::from_wire(*a as u32);
        let said = match *kind as u32 {
            1 => Self::SpeechStarted,
            2 => Self::SpeechEnded {
                silence_ms: *a as u32,
            },
            3 => Self::Paused {
                turn,
                played: *b as u64,
            },
            4 => Self::Played {
                turn,
                samples: *b as u64,
            },
            5 => Self::Flushed {
                turn,
                played: *b as u64,
                discarded: *c as u64,
            },
            6 => Self::Level {
                microphone: *a,
                voice: *b,
            },
            7 => Self::Sounding(*a != 0.0),
            8 => Self::Counters(counters(&record)),
            _ => return None,
        };
        Some((said, *at))
    }
}

fn counters(record: &[f64]) -> Object {
    let counted = COUNTERS.iter().zip(record.iter().skip(1));
    let fields: Vec<_> = counted
        .map(|(name, value)| (*name, JsValue::from(*value)))
        .collect();
    object(&fields)
}

/// In the order of the audio thread's record; samples at 24 kHz, of which pushed = played + discarded + queued.
const COUNTERS: [&str; 11] = [
    "pushed",
    "played",
    "discarded",
    "queued",
    "refused",
    "underruns",
    "malformed",
    "microphoneFrames",
    "detectorFrames",
    "paused",
    "sampleRate",
];

/// The one control message the script keeps for itself.
const END: u32 = 0;
