//! Tables whose keys clients choose, without keys of the hash in each of them.

use std::hash::{BuildHasher, DefaultHasher, RandomState};
use std::sync::LazyLock;

/// Hashes by the keys of the whole process, which nobody knows. In each of very many tables, keys of its own would take 16 bytes.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct SharedSeed;

impl BuildHasher for SharedSeed {
    type Hasher = DefaultHasher;

    fn build_hasher(&self) -> DefaultHasher {
        static SEED: LazyLock<RandomState> = LazyLock::new(RandomState::new);
        SEED.build_hasher()
    }
}
