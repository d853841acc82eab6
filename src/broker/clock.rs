//! The broker's two clocks, each with a type of its own: a time of one cannot be taken for a time of the other.

use std::num::NonZeroU64;
use std::ops::{Add, AddAssign};
use std::time::Duration;

/// A moment of the monotonic clock, which nobody sets: deadlines are such moments.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Monotonic(Moment);

/// A moment of the wall clock, which people and time servers set: whatever outlives the process is dated by it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct WallTime(Moment);

/// Nanoseconds since a clock began, and one more, so that an [`Option`] of it takes no more room. What is more than 584 years
/// away counts as 584 years. There are several for each session and each message that waits: a [`Duration`] would take twice
/// as much of each.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
struct Moment(NonZeroU64);

const NANOS_IN_A_SECOND: u64 = 1_000_000_000;

/// Both clocks, read at the same moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Now {
    /// The clock for deadlines.
    pub elapsed: Monotonic,
    /// The clock for message ids and for everything that outlives the process.
    pub wall: WallTime,
}

impl Moment {
    const fn new(nanos: u64) -> Self {
        Self(NonZeroU64::MIN.saturating_add(nanos))
    }

    const fn nanos(self) -> u64 {
        self.0.get() - 1
    }

    const fn after(time: Duration) -> Self {
        Self::new(nanos(time))
    }

    const fn since_beginning(self) -> Duration {
        Duration::from_nanos(self.nanos())
    }

    const fn saturating_since(self, earlier: Self) -> Duration {
        Duration::from_nanos(self.nanos().saturating_sub(earlier.nanos()))
    }

    const fn later_by(self, time: Duration) -> Self {
        Self(self.0.saturating_add(nanos(time)))
    }
}

impl Default for Moment {
    fn default() -> Self {
        Self::new(0)
    }
}

const fn nanos(time: Duration) -> u64 {
    time.as_secs().saturating_mul(NANOS_IN_A_SECOND).saturating_add(time.subsec_nanos() as u64)
}

impl Monotonic {
    /// The moment that comes so long after the start of the clock, which may be any.
    pub const fn after_start(time: Duration) -> Self {
        Self(Moment::after(time))
    }

    pub const fn since_start(self) -> Duration {
        self.0.since_beginning()
    }

    /// The time from `earlier` on; none if that is later.
    pub const fn saturating_since(self, earlier: Self) -> Duration {
        self.0.saturating_since(earlier.0)
    }
}

impl WallTime {
    /// The moment that comes so long after 1970 began.
    pub const fn after_epoch(time: Duration) -> Self {
        Self(Moment::after(time))
    }

    pub const fn since_epoch(self) -> Duration {
        self.0.since_beginning()
    }

    /// [`WallTime::since_epoch`] in nanoseconds.
    pub const fn nanos_since_epoch(self) -> u64 {
        self.0.nanos()
    }

    /// The time from `earlier` on; none if that is later, as it is where the clock was set back.
    pub const fn saturating_since(self, earlier: Self) -> Duration {
        self.0.saturating_since(earlier.0)
    }
}

impl Add<Duration> for Monotonic {
    type Output = Self;

    fn add(self, time: Duration) -> Self {
        Self(self.0.later_by(time))
    }
}

impl AddAssign<Duration> for Monotonic {
    fn add_assign(&mut self, time: Duration) {
        *self = *self + time;
    }
}

impl Add<Duration> for WallTime {
    type Output = Self;

    fn add(self, time: Duration) -> Self {
        Self(self.0.later_by(time))
    }
}

impl AddAssign<Duration> for WallTime {
    fn add_assign(&mut self, time: Duration) {
        *self = *self + time;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_is_what_it_was_made_of_as_far_as_it_reaches() {
        for time in [Duration::ZERO, Duration::new(0, 1), Duration::new(4_294_967_295, 999_999_999)] {
            assert_eq!(Monotonic::after_start(time).since_start(), time);
            assert_eq!(WallTime::after_epoch(time).since_epoch(), time);
            assert_eq!((WallTime::default() + time).nanos_since_epoch(), time.as_nanos() as u64);
        }
        let last = WallTime::after_epoch(Duration::MAX);
        assert_eq!(last + Duration::from_secs(1), last);
        assert_eq!(WallTime::after_epoch(Duration::from_secs(1)) + Duration::MAX, last);
        assert_eq!(last.since_epoch(), Duration::from_nanos(u64::MAX - 1));
    }

    #[test]
    fn a_moment_that_may_be_missing_takes_eight_bytes() {
        assert_eq!((size_of::<Option<Monotonic>>(), size_of::<Option<WallTime>>()), (8, 8));
    }
}
