//! A message as one line of JSON: the record that `sub --ndjson` and `sub --record` write, and `pub --ndjson` and
//! `pub --replay` read. moskit-record(5) describes it for users.
//!
//! ```text
//! {"v":1,"ts":"2026-11-29T21:07:48.123456789Z","topic":"a/b","payload":"21.5","qos":1,"retain":false,"dup":false,"mid":7}
//! ```
//!
//! Reading borrows from the line whatever needs no decoding; writing appends to a buffer of the caller's.

mod error;
mod file;
mod input;
mod lines;
mod read;
mod replay;
mod write;

pub use error::{Expected, RecordError};
pub use file::{FileError, FileStep, Recording, Rotation, is_compressed};
pub use input::{InputError, decompressed};
pub use lines::{Line, Lines};
pub use read::Unknown;
pub use replay::{Bound, Choice, Mapping, Pace, Speed, Verdict};
pub use write::{Writer, write_properties};

use std::borrow::Cow;

use crate::mqtt::packet::{PacketId, Properties, QoS};
use crate::state::ids::UnixTime;

/// The version of the record that is written, and the newest that is read.
pub const VERSION: u64 = 1;

/// The longest line that is read, in bytes: the largest payload in base64, a topic and properties. A line without an
/// end is refused here.
pub const MAXIMUM_LINE: usize = 512 * 1024 * 1024;

/// Above so many bytes a payload is always written in base64: an escape of JSON may take six bytes for one, and the
/// line must stay within [`MAXIMUM_LINE`].
const MAXIMUM_TEXT: usize = 64 * 1024 * 1024;

/// A message, as far as its line says something about it: a field that is absent is `None`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Record<'a> {
    /// When the message was received.
    pub received: Option<UnixTime>,
    /// A valid topic name.
    pub topic: Option<Cow<'a, str>>,
    pub payload: Option<Cow<'a, [u8]>>,
    pub qos: Option<QoS>,
    pub retain: Option<bool>,
    pub dup: Option<bool>,
    pub packet_id: Option<PacketId>,
    /// Properties that a PUBLISH may carry. Empty when the line names none.
    pub properties: Properties,
}

#[cfg(test)]
mod tests;
