//! The dashboard's API. Each file has the rows of its part of the table and their handlers.

pub(super) mod bookings;
pub(super) mod calendar;
pub(super) mod calls;
pub(super) mod live;
pub(super) mod messages;
pub(super) mod metrics;
pub(super) mod privacy;
mod query;
pub(super) mod safe_mode;
pub(super) mod session;
pub(super) mod settings;
mod show;
pub(super) mod sites;
mod types;
pub(super) mod users;
mod whose;

use super::ask::{Ask, Failure, Fields};
use super::now;
use super::table::{Answer, Guard, Route};

/// The longest form: a name and a password or a note of four bytes a character, and quotation.
const BODY_MAX: usize = 4_096;
