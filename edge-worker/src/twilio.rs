//! The telephone company as a translation: its names, signatures, documents, stream messages and REST requests. Nothing here
//! holds a socket, and nothing decides what a caller hears.

pub mod message;
mod number;
pub mod rest;
mod sid;
mod signature;
mod token;
mod twiml;

pub use number::PhoneNumber;
pub use sid::{CallSid, NotASid, StreamSid};
pub use signature::{SignedForm, Verifier};
pub use token::{StreamToken, TokenError, TokenKey};
pub use twiml::{busy, connect, sorry, transfer};

/// Where a call is announced, where its end is, and where its sound comes in.
pub const VOICE_PATH: &str = "/twilio/voice";
pub const STATUS_PATH: &str = "/twilio/status";
pub const MEDIA_PATH: &str = "/twilio/media";
