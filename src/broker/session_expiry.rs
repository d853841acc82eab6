//! How long a session outlives its connection, §3.1.2.11.2, as the client asks for it.

use std::num::NonZeroU32;
use std::time::Duration;

/// A Session Expiry Interval with what its numbers mean.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SessionExpiry {
    /// 0 or absent: the session ends with its connection.
    #[default]
    WithConnection,
    /// So many seconds after the end of the connection.
    After(NonZeroU32),
    /// 0xFFFFFFFF: the session never ends by itself.
    Never,
}

impl SessionExpiry {
    /// Reads the number in a packet, or in a broker's store.
    pub const fn from_interval(seconds: u32) -> Self {
        match NonZeroU32::new(seconds) {
            None => Self::WithConnection,
            Some(NonZeroU32::MAX) => Self::Never,
            Some(seconds) => Self::After(seconds),
        }
    }

    /// The number as packets and stores have it.
    pub const fn interval(self) -> u32 {
        match self {
            Self::WithConnection => 0,
            Self::After(seconds) => seconds.get(),
            Self::Never => u32::MAX,
        }
    }

    /// Whether the session outlives its connection.
    pub const fn is_persistent(self) -> bool {
        !matches!(self, Self::WithConnection)
    }

    /// How long a session is kept from the end of its connection on; `None` = for ever.
    pub fn lifetime(self) -> Option<Duration> {
        match self {
            Self::WithConnection => Some(Duration::ZERO),
            Self::After(seconds) => Some(Duration::from_secs(u64::from(seconds.get()))),
            Self::Never => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ends_of_the_range_have_meanings_of_their_own() {
        for (seconds, lifetime) in [(0, Some(0)), (1, Some(1)), (u32::MAX - 1, Some(4_294_967_294)), (u32::MAX, None)] {
            let expiry = SessionExpiry::from_interval(seconds);
            assert_eq!((expiry.interval(), expiry.lifetime()), (seconds, lifetime.map(Duration::from_secs)));
            assert_eq!(expiry.is_persistent(), seconds > 0);
        }
    }
}
