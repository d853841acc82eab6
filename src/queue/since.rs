//! Since when a message waits, as far as its source knows.

use crate::state::ids::UnixTime;

/// Since when a message waits, as exactly as it can be known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Since {
    Exact(UnixTime),
    /// A ledger saw it for the first time at `by` and not yet at `after`. It is at least as old as `by`.
    Look {
        after: UnixTime,
        by: UnixTime,
    },
    /// Stored between these two; `from` may be [`Since::EVER`].
    Between {
        from: UnixTime,
        to: UnixTime,
    },
    Unknown,
}

impl Since {
    pub const EVER: UnixTime = UnixTime::from_nanos(i64::MIN);

    /// The age that is certain: the message is at least this old. Nanoseconds; `None` when unknown.
    pub fn least_age(self, now: UnixTime) -> Option<i64> {
        match self {
            Self::Exact(at) | Self::Look { by: at, .. } | Self::Between { to: at, .. } => Some(now.nanos_since(at)),
            Self::Unknown => None,
        }
    }

    /// The age that it cannot exceed, in nanoseconds; `None` when there is no such bound.
    pub fn most_age(self, now: UnixTime) -> Option<i64> {
        match self {
            Self::Exact(at) | Self::Look { after: at, .. } => Some(now.nanos_since(at)),
            Self::Between { from, .. } if from != Self::EVER => Some(now.nanos_since(from)),
            Self::Between { .. } | Self::Unknown => None,
        }
    }
}
