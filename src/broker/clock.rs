//! The broker's two clocks, each with a type of its own: a time of one cannot be taken for a time of the other.

use std::ops::{Add, AddAssign};
use std::time::Duration;

/// A moment of the monotonic clock, which nobody sets: deadlines are such moments.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Monotonic(Duration);

/// A moment of the wall clock, which people and time servers set: whatever outlives the process is dated by it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct WallTime(Duration);

/// Both clocks, read at the same moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Now {
    /// The clock for deadlines.
    pub elapsed: Monotonic,
    /// The clock for message ids and for everything that outlives the process.
    pub wall: WallTime,
}

impl Monotonic {
    /// The moment that comes so long after the start of the clock, which may be any.
    pub const fn after_start(time: Duration) -> Self {
        Self(time)
    }

    pub const fn since_start(self) -> Duration {
        self.0
    }

    /// The time from `earlier` on; none if that is later.
    pub const fn saturating_since(self, earlier: Self) -> Duration {
        self.0.saturating_sub(earlier.0)
    }
}

impl WallTime {
    /// The moment that comes so long after 1970 began.
    pub const fn after_epoch(time: Duration) -> Self {
        Self(time)
    }

    pub const fn since_epoch(self) -> Duration {
        self.0
    }

    /// The time from `earlier` on; none if that is later, as it is where the clock was set back.
    pub const fn saturating_since(self, earlier: Self) -> Duration {
        self.0.saturating_sub(earlier.0)
    }
}

impl Add<Duration> for Monotonic {
    type Output = Self;

    fn add(self, time: Duration) -> Self {
        Self(self.0 + time)
    }
}

impl AddAssign<Duration> for Monotonic {
    fn add_assign(&mut self, time: Duration) {
        self.0 += time;
    }
}

impl Add<Duration> for WallTime {
    type Output = Self;

    fn add(self, time: Duration) -> Self {
        Self(self.0 + time)
    }
}

impl AddAssign<Duration> for WallTime {
    fn add_assign(&mut self, time: Duration) {
        self.0 += time;
    }
}
