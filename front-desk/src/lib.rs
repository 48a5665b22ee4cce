//! The business behind the telephone: what it offers and when, what is free, and what a caller may book, move or cancel.
//!
//! Pure: no I/O, no randomness and no clock. `now`, and what is booked already, are given by whoever calls.
//!
//! Units, everywhere: an instant is UTC in milliseconds since 1970 (`i64`); a day is a [`Date`] of the business's own
//! calendar; a time of day is a [`TimeOfDay`](hours::TimeOfDay), minutes after midnight on the business's own wall clock; a price
//! is an integer in the minor unit of the business's currency. A span of instants is half-open: its end is not part of it.

#![forbid(unsafe_code)]
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

pub mod availability;
pub mod booking;
pub mod business;
pub mod csv;
pub mod hours;
pub mod ics;
pub mod period;
pub mod prompt;
pub mod say;
pub mod text;
pub mod tool;
pub mod when;
pub mod zone;

pub use jiff::civil::{Date, Weekday};
