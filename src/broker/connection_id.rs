//! What connections are called, and tables by that name.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

/// Names one connection for as long as the process lives; the caller counts them up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ConnectionId(pub u64);

/// A table that is asked for every packet.
pub type ByConnection<V> = HashMap<ConnectionId, V, BuildHasherDefault<IdHasher>>;

/// One multiplication. Nobody outside chooses an id, so that nobody can make them collide.
#[derive(Clone, Copy, Debug, Default)]
pub struct IdHasher(u64);

impl Hasher for IdHasher {
    fn write(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            self.write_u64(self.0 ^ u64::from(byte));
        }
    }

    fn write_u16(&mut self, id: u16) {
        self.write_u64(id.into());
    }

    fn write_u64(&mut self, id: u64) {
        // 2^64 over the golden ratio: neighbours end up far apart, in the high bits as well.
        self.0 = id.wrapping_mul(0x9E37_79B9_7F4A_7C15);
    }

    fn finish(&self) -> u64 {
        self.0
    }
}

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
