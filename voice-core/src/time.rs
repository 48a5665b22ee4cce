//! Time as the driver tells it. Nothing in this crate reads a clock.

use std::ops::{Add, Sub};
use std::time::Duration;

/// Milliseconds since an origin of the driver's choice: `performance.now()` in a page, the runtime's
/// clock in a worker, a plain number in a test. Two machines have two origins, so only durations
/// may cross the wire.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(u64);

impl Timestamp {
    /// The driver's origin.
    pub const ZERO: Self = Self(0);

    /// The moment `millis` after the origin.
    #[must_use]
    pub const fn from_millis(millis: u64) -> Self {
        Self(millis)
    }

    /// Milliseconds since the origin.
    #[must_use]
    pub const fn as_millis(self) -> u64 {
        self.0
    }

    /// How long after `earlier` this is; zero if it is not after it.
    #[must_use]
    pub const fn since(self, earlier: Self) -> Duration {
        Duration::from_millis(self.0.saturating_sub(earlier.0))
    }
}

impl Add<Duration> for Timestamp {
    type Output = Self;

    fn add(self, later: Duration) -> Self {
        Self(
            self.0
                .saturating_add(u64::try_from(later.as_millis()).unwrap_or(u64::MAX)),
        )
    }
}

impl Sub<Duration> for Timestamp {
    type Output = Self;

    fn sub(self, earlier: Duration) -> Self {
        Self(
            self.0
                .saturating_sub(u64::try_from(earlier.as_millis()).unwrap_or(u64::MAX)),
        )
    }
}
