//! Calls in virtual time, for tests and benches: what a caller does ([`scenario`]), and what is between the conversation and their ear
//! ([`door`]).

#[cfg_attr(
    not(test),
    expect(
        clippy::arithmetic_side_effects,
        clippy::indexing_slicing,
        reason = "no call runs through a simulation, and a fault in one has to stop it"
    )
)]
pub mod door;
pub mod scenario;
