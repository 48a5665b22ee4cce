//! The turn-taking bench: callers made of real sound, run through the whole engine in virtual time.
//!
//! Sound is synthesised, and heard by the real detector and the real recogniser; the machines are the product's own. What stands
//! for a vendor has a fixed latency. The clock is a number, so that a call of half a minute takes a fraction of a second, and two
//! settings hear the same thing to the sample.
//!
//! - [`case`]: the labelled set of `tests/turns`.
//! - [`voices`], [`noises`], [`track`](mod@track): a case as sound, and the truth about it.
//! - [`setting`]: what is compared. [`nova`], [`flux`]: recognisers in virtual time, reading by the engine behind [`reader`].
//! - [`world`]: one call. [`verdict`]: what is right or wrong with it. [`tally`]: the figures of many.

pub mod case;
mod flux;
mod noises;
mod nova;
mod reader;
pub mod runner;
pub mod setting;
pub mod tally;
mod track;
pub mod verdict;
mod voices;
mod world;

/// The rate at which everything is heard.
const RATE: usize = 16_000;

/// Samples in a millisecond.
const MS: usize = RATE / 1_000;

/// What earshot takes: 16 ms.
const FRAME: usize = 256;
