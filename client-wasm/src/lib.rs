//! The page's side of the browser client: the socket, the microphone's permission, and the class a page sees.
//!
//! Sound passes through here but is not touched: microphone frames leave the audio thread ready for the wire, and voice
//! frames go to it as they came. What is decided on this side is small: which voice is over ([`call`], by the same
//! gate as everywhere), which words have been heard ([`captions`]), and what a failure is called ([`failure`]). When a lost line is
//! tried again, and what is said again then, is `voice_core::resumption`'s.
//! Whether the caller speaks, and when she falls silent, is decided on the audio thread, which does not wait for a page.

#![forbid(unsafe_code)]
#![cfg_attr(
    not(target_arch = "wasm32"),
    expect(
        dead_code,
        reason = "a host has no browser: it only tests what needs none"
    )
)]

mod captions;
mod failure;
mod wire;

#[cfg(target_arch = "wasm32")]
mod call;
#[cfg(target_arch = "wasm32")]
mod client;
#[cfg(target_arch = "wasm32")]
mod listener;
#[cfg(target_arch = "wasm32")]
mod marks;
#[cfg(target_arch = "wasm32")]
mod microphone;
#[cfg(target_arch = "wasm32")]
mod socket;
#[cfg(target_arch = "wasm32")]
mod ticket;
#[cfg(target_arch = "wasm32")]
mod ticks;
#[cfg(target_arch = "wasm32")]
mod worklet;

#[cfg(target_arch = "wasm32")]
pub use client::VoxanneClient;
