//! Whole calls in virtual time: scripts, their traces, and generated calls against the invariants; and the wire against its document.

mod call;
mod desk;
mod endings;
mod errands;
mod failing;
mod greeting_and_keys;
mod heard;
mod invariants;
mod line;
mod safe_mode;
mod scenarios;
mod turns;
mod wire;
mod world;
