//! Whole calls in virtual time: scripts, their traces, and generated calls against the invariants; and the wire against its document.

mod heard;
mod invariants;
mod scenarios;
mod script;
mod wire;
mod world;
