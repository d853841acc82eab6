//! mosquitto.db, the file of Mosquitto's built-in persistence: a head of 23 bytes, then chunks
//! without gap until the end of the file. There is no checksum, no count and no end mark.
//!
//! Versions 2 to 4 are packed fields; 5 and 6 are dumped C structs, so their size depends on the
//! writer's ABI. 64-bit values are in the writer's byte order, all others big-endian.

mod damage;
mod layout;
mod read;
mod read_ahead;
mod write;

pub use damage::Damage;
pub use read::{Chunk, Reader, Unreadable, Visitor};
pub use read_ahead::ReadAhead;
pub use write::Writer;

/// First bytes of every file; four bytes that nobody checks and the version follow.
pub const MAGIC: &[u8; 15] = b"\x00\xB5\x00mosquitto db";
/// Magic, unused checksum, version.
pub const HEAD_LEN: usize = 23;
/// The longest payload that MQTT can carry and Mosquitto accepts.
pub const MAX_PAYLOAD: u32 = 268_435_455;

/// Chunk types, the same numbers in all versions.
pub mod kind {
    pub const CONFIGURATION: u32 = 1;
    pub const MESSAGE: u32 = 2;
    pub const CLIENT_MESSAGE: u32 = 3;
    pub const RETAINED: u32 = 4;
    pub const SUBSCRIPTION: u32 = 5;
    pub const CLIENT: u32 = 6;
}
