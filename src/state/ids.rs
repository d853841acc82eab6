//! The ids of stored messages. Mosquitto 2.1 and our broker put the time of storing into them;
//! Mosquitto 2.0 and older count 1, 2, 3 …
//!
//! ```text
//! bit 63..54  node id          bit 53..23  seconds since 2021-11-17 16:57:53 UTC          bit 22..0  units of 128 ns
//! ```

use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Unix seconds of the epoch that the ids count from.
const EPOCH_SECONDS: i64 = 1_637_168_273;
/// The resolution of an id.
pub const TICK_NANOS: u64 = 128;
const SECONDS_SHIFT: u32 = 23;
const SECONDS_MASK: u64 = 0x7FFF_FFFF;
const TICKS_MASK: u64 = (1 << SECONDS_SHIFT) - 1;
const NANOS_PER_SECOND: i64 = 1_000_000_000;

/// Smaller ids are counters: as a time they would lie in the first year of the epoch, before any
/// broker wrote such ids, and no broker has counted this far.
pub const FIRST_CLOCK_ID: u64 = (365 * 86_400) << SECONDS_SHIFT;

/// A point in time: nanoseconds since 1970, good from 1678 to 2262.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UnixTime(i64);

impl UnixTime {
    pub const fn from_nanos(nanos: i64) -> Self {
        Self(nanos)
    }

    /// Saturates at the ends of the range.
    pub const fn from_seconds(seconds: i64) -> Self {
        Self(seconds.saturating_mul(NANOS_PER_SECOND))
    }

    pub const fn nanos(self) -> i64 {
        self.0
    }

    pub const fn seconds(self) -> i64 {
        self.0.div_euclid(NANOS_PER_SECOND)
    }

    /// Nanoseconds from `earlier` to here; negative when `earlier` is later.
    pub const fn nanos_since(self, earlier: Self) -> i64 {
        self.0.saturating_sub(earlier.0)
    }
}

impl From<SystemTime> for UnixTime {
    fn from(time: SystemTime) -> Self {
        match time.duration_since(UNIX_EPOCH) {
            Ok(after) => Self(i64::try_from(after.as_nanos()).unwrap_or(i64::MAX)),
            Err(before) => Self(i64::try_from(before.duration().as_nanos()).map_or(i64::MIN, |nanos| -nanos)),
        }
    }
}

impl From<UnixTime> for SystemTime {
    fn from(time: UnixTime) -> Self {
        match u64::try_from(time.0) {
            Ok(after) => UNIX_EPOCH + Duration::from_nanos(after),
            Err(_) => UNIX_EPOCH - Duration::from_nanos(time.0.unsigned_abs()),
        }
    }
}

/// The id of a stored message.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StoreId(pub u64);

impl StoreId {
    /// The id of a message stored at `time` by node 0. Times outside of 2021 to 2089 are clamped.
    pub fn at(time: UnixTime) -> Self {
        let since = time.nanos().saturating_sub(EPOCH_SECONDS * NANOS_PER_SECOND).max(0).cast_unsigned();
        let seconds = (since / NANOS_PER_SECOND.cast_unsigned()).min(SECONDS_MASK);
        let ticks = (since % NANOS_PER_SECOND.cast_unsigned()) / TICK_NANOS;
        Self(seconds << SECONDS_SHIFT | ticks)
    }

    /// Whether the id comes from a counter (2.0 and older) and so tells no time.
    pub fn is_counter(self) -> bool {
        self.0 < FIRST_CLOCK_ID
    }

    /// When the message was stored; `None` for a counter.
    pub fn stored_at(self) -> Option<UnixTime> {
        if self.is_counter() {
            return None;
        }
        let seconds = (self.0 >> SECONDS_SHIFT & SECONDS_MASK).cast_signed() + EPOCH_SECONDS;
        let nanos = (self.0 & TICKS_MASK).cast_signed() * TICK_NANOS.cast_signed();
        Some(UnixTime(seconds * NANOS_PER_SECOND + nanos))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_gives_its_time_back_to_the_tick() {
        let time = UnixTime::from_nanos(1_795_356_092_818_362_123);
        let back = StoreId::at(time).stored_at().unwrap();
        assert!((0..128).contains(&time.nanos_since(back)), "{}", time.nanos_since(back));
    }

    #[test]
    fn counters_tell_no_time() {
        assert_eq!(StoreId(430).stored_at(), None);
        assert_eq!(StoreId(FIRST_CLOCK_ID - 1).stored_at(), None);
        assert_eq!(StoreId(FIRST_CLOCK_ID).stored_at(), Some(UnixTime::from_seconds(EPOCH_SECONDS + 365 * 86_400)));
    }

    #[test]
    fn the_node_does_not_touch_the_time() {
        let plain = StoreId::at(UnixTime::from_seconds(1_800_000_000));
        assert_eq!(StoreId(plain.0 | 1023 << 54).stored_at(), plain.stored_at());
    }

    #[test]
    fn times_before_the_epoch_and_after_its_end_are_clamped() {
        assert_eq!(StoreId::at(UnixTime::from_seconds(0)), StoreId(0));
        assert_eq!(StoreId::at(UnixTime::from_nanos(i64::MAX)).0 >> SECONDS_SHIFT, SECONDS_MASK);
        assert_eq!(UnixTime::from(SystemTime::from(UnixTime::from_nanos(-5))), UnixTime::from_nanos(-5));
    }
}
