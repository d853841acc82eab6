//! What connections are called, and tables by that name.

use std::collections::HashMap;
use std::hash::{BuildHasher, BuildHasherDefault};

use crate::mqtt::flow::IdHasher;

/// Names one connection for as long as the process lives; the caller counts them up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ConnectionId(pub u64);

impl ConnectionId {
    /// Its hash, for tables whose values know their connection themselves.
    pub(super) fn spread(self) -> u64 {
        BuildHasherDefault::<IdHasher>::default().hash_one(self)
    }
}

/// A table that is asked for every packet.
pub type ByConnection<V> = HashMap<ConnectionId, V, BuildHasherDefault<IdHasher>>;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn connections_are_found_by_their_number() {
        let table: ByConnection<u64> = (0..10_000).map(|number| (ConnectionId(number), number)).collect();
        assert!((0..10_000).all(|number| table.get(&ConnectionId(number)) == Some(&number)));
        assert_eq!(table.get(&ConnectionId(10_000)), None);
    }
}
