//! What the audio thread tells the page, as numbers: a worklet has no cheap way to read anything else out of wasm memory.
//!
//! The page's side of this table is `client-wasm/src/worklet.rs`.

/// One message: its kind, its fields, and in the last place when it happened, in milliseconds of the context's clock.
pub(crate) type Record = [f64; RECORD];

/// Numbers in a message; the counters need the most.
pub(crate) const RECORD: usize = 16;

#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Event {
    Counters([u64; 11]),
    Flushed {
        turn: u32,
        played: u64,
        discarded: u64,
    },
    /// How loud the caller and she are (root mean square, 0 to 1).
    Level {
        microphone: f32,
        voice: f32,
    },
    Paused {
        turn: u32,
        played: u64,
    },
    Played {
        turn: u32,
        samples: u64,
    },
    /// Her voice became audible, or stopped being so.
    Sounding(bool),
    /// The caller's last sound is `silence` milliseconds ago.
    SpeechEnded {
        silence: u32,
    },
    SpeechStarted,
}

impl Event {
    pub(crate) fn record(self, now: f64) -> Record {
        let mut record = [0.0; RECORD];
        let fields: &[f64] = match self {
            Self::SpeechStarted => &[1.0],
            Self::SpeechEnded { silence } => &[2.0, f64::from(silence)],
            Self::Paused { turn, played } => &[3.0, f64::from(turn), played as f64],
            Self::Played { turn, samples } => &[4.0, f64::from(turn), samples as f64],
            Self::Flushed {
                turn,
                played,
                discarded,
            } => &[5.0, f64::from(turn), played as f64, discarded as f64],
            Self::Level { microphone, voice } => &[6.0, f64::from(microphone), f64::from(voice)],
            Self::Sounding(on) => &[7.0, f64::from(u8::from(on))],
            Self::Counters(counters) => {
                for (slot, counter) in record.iter_mut().skip(1).zip(counters) {
                    *slot = counter as f64;
                }
                &[8.0]
            }
        };
        for (slot, field) in record.iter_mut().zip(fields) {
            *slot = *field;
        }
        if let Some(last) = record.last_mut() {
            *last = now;
        }
        record
    }
}
