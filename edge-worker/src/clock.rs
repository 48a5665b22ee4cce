//! The only file that reads the runtime's clock. Deployed, it moves only with I/O, which is what a latency
//! account wants: a fact is stamped with the moment it arrived.

use std::pin::pin;
use std::time::Duration;

use futures_util::future::{Either, select};
use voice_core::time::Timestamp;

/// Milliseconds since 1970.
pub(crate) fn unix_millis() -> u64 {
    // Positive, and far below 2⁵³, until the year 287396.
    js_sys::Date::now() as u64
}

/// The same, as the tables count them.
pub(crate) fn unix_time() -> i64 {
    i64::try_from(unix_millis()).unwrap_or(i64::MAX)
}

/// A call's own clock: its origin is the moment it was made.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Clock {
    origin: u64,
}

impl Clock {
    pub(crate) fn start() -> Self {
        Self {
            origin: unix_millis(),
        }
    }

    pub(crate) fn now(self) -> Timestamp {
        Timestamp::from_millis(unix_millis().saturating_sub(self.origin))
    }
}

/// Ends at `due`, at once if that has passed.
pub(crate) fn until(now: Timestamp, due: Timestamp) -> worker::Delay {
    // The runtime may wake a few milliseconds early; the caller then waits again.
    worker::Delay::from(due.since(now).max(Duration::from_millis(1)))
}

/// What comes of this work, if it comes in time.
pub(crate) async fn within<T>(span: Duration, work: impl Future<Output = T>) -> Option<T> {
    match select(pin!(work), worker::Delay::from(span)).await {
        Either::Left((done, _)) => Some(done),
        Either::Right(_) => None,
    }
}
