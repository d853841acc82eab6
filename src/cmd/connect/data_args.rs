//! The options of pub and sub for messages as data, as typed.

use std::path::PathBuf;

use crate::decode::{Match, Select};
use crate::record::{Choice, Rotation, Speed};

/// How a payload is written where it is typed, in a file or on a line.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum PayloadForm {
    /// As it is sent.
    #[default]
    Text,
    Hex,
    Base64,
    /// As it is sent, and it has to be JSON.
    Json,
}

impl PayloadForm {
    const ALL: [(&'static str, Self); 4] =
        [("text", Self::Text), ("hex", Self::Hex), ("base64", Self::Base64), ("json", Self::Json)];

    pub fn parse(name: &[u8]) -> Option<Self> {
        Self::ALL.iter().find(|(known, _)| known.as_bytes() == name).map(|(_, form)| *form)
    }
}

/// What was typed.
#[derive(Clone, Debug, Default)]
pub struct DataArgs {
    /// sub: print records. pub: read them from standard input.
    pub ndjson: bool,
    pub lenient: bool,
    pub skip_bad: bool,
    /// With `-l`.
    pub topic_per_line: bool,
    pub payload_form: PayloadForm,
    /// sub: no escapes on a terminal.
    pub raw: bool,
    /// sub: what is printed in place of a payload.
    pub select: Option<Select>,
    /// sub: other messages are passed over.
    pub matching: Option<Match>,

    /// sub: keep records in this file.
    pub record: Option<PathBuf>,
    pub rotation: Option<Rotation>,
    /// pub: files of records, `-` for standard input.
    pub replays: Vec<PathBuf>,
    pub speed: Option<Speed>,
    /// How often the files are played; 0 for without end.
    pub rounds: Option<u32>,
    pub choice: Choice,
}
