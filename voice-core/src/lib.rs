//! The pure half of Voxanne: what a call is, what each side may do, and how it sounds on the wire.
//!
//! Two machines share one vocabulary. [`conversation::Conversation`] is the authority of a call and runs at the edge;
//! [`handset::Handset`] is the local ear and mouth. Neither reads a clock, opens anything or can fail. A driver
//! feeds them facts and carries out their intentions:
//!
//! ```
//! use voice_core::audio::SampleRate;
//! use voice_core::conversation::{Config, Conversation, Input, Output};
//! use voice_core::time::Timestamp;
//!
//! let mut call = Conversation::new(Config::new("Hello!", "You are a receptionist.", SampleRate::VOICE));
//! call.handle_input(Timestamp::ZERO, Input::CallStarted);
//! let deadline = loop {
//!     match call.poll_output() {
//!         Output::Timeout(at) => break at,
//!         Output::Say(piece) => assert_eq!(piece.as_ref().into_parts().1.text, "Hello!"),
//!         _other => { /* start the work and return; its result comes back as a fact */ }
//!     }
//! };
//! assert!(deadline.is_some(), "no state can last for ever");
//! ```
//!
//! [`Output::Timeout`](conversation::Output::Timeout) says when to call again if nothing else happens, and that the queue is
//! empty: one mutation, then drain to `Timeout`.

#![cfg_attr(
    not(test),
    deny(
        clippy::arithmetic_side_effects,
        clippy::expect_used,
        clippy::indexing_slicing,
        clippy::panic,
        clippy::unwrap_used
    )
)]

pub mod audio;
pub mod barge_in;
pub mod conversation;
pub mod endpointing;
pub mod handset;
pub mod latency;
pub mod prompt;
pub mod resumption;
pub mod sentence;
#[cfg(feature = "simulation")]
pub mod simulation;
pub mod spoken;
pub mod telephone;
pub mod time;
pub mod tools;
pub mod transcript;
pub mod turn;
pub mod wire;
