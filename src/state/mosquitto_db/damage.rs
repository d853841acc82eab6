//! What is broken in a mosquitto.db.

use std::io;

/// Why reading ended before the end of the file. What was read before stands.
#[derive(Debug)]
pub enum Damage {
    Io(io::Error),
    /// The file ends behind its head, where every broker has written its configuration first.
    NoChunks,
    /// Bytes at the end that are too few for a chunk's head.
    StrayTail {
        at: u64,
        bytes: u64,
    },
    /// The chunk at `at` is longer than the rest of the file.
    Truncated {
        kind: u32,
        at: u64,
        wants: u64,
        left: u64,
    },
    /// A field of the chunk at `at` does not fit into the chunk.
    ShortChunk {
        kind: u32,
        at: u64,
        needs: u64,
        field_at: u64,
        has: u64,
    },
    EmptyTopic {
        at: u64,
    },
    /// A chunk that would have to be in memory and is longer than any that brokers write.
    ChunkTooLong {
        kind: u32,
        at: u64,
        length: u64,
    },
    PayloadTooLong {
        at: u64,
        length: u32,
    },
    /// Ids of another size than 8 bytes.
    IdSize {
        at: u64,
        size: u8,
    },
}
