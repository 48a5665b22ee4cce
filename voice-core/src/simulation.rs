//! Calls in virtual time, for tests and benches: what a caller does ([`scenario`]), and what is between the conversation and their ear
//! ([`door`]).

pub mod door;
pub mod scenario;
