//! The part of the browser client that runs on the audio thread.
//!
//! It captures, detects speech, plays, pauses and flushes inside the AudioWorklet, so that a page whose main thread is busy
//! still falls silent the moment the caller speaks. Everything is decided here or in [`voice_core::handset`]; the script
//! around it, `www/client/voxanne-worklet.js`, moves bytes.
//!
//! The module has no imports and no wasm-bindgen: an AudioWorklet has neither `TextDecoder` nor `performance`, and
//! `new WebAssembly.Instance(module, {})` is all it takes to start. All memory is taken in `start`; the audio thread allocates
//! nothing afterwards.

#![deny(unsafe_code)]
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

mod capture;
mod engine;
mod event;
mod exports;
#[cfg(target_arch = "wasm32")]
mod memory;
mod playback;
mod resample;
mod uplink;
