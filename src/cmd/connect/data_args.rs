//! The options of pub and sub for messages as data, as typed.

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use crate::decode::{FormatName, Match, Select};
use crate::mqtt::topic::TopicFilter;
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

/// A format of payloads, as `--decode` and `--encode` name it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kind {
    pub format: FormatName,
    /// The message type of Protocol Buffers.
    pub message: Option<String>,
}

impl Kind {
    /// `cbor`, `protobuf:lab.Reading`.
    pub fn parse(text: &str) -> Option<Self> {
        let (name, message) = text.split_once(':').map_or((text, None), |(name, message)| (name, Some(message)));
        let format = FormatName::parse(name)?;
        (message.is_none() || format == FormatName::Protobuf)
            .then(|| Self { format, message: message.map(str::to_owned) })
    }
}

/// What `--exec` runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CommandLine {
    /// The program, then its arguments.
    Words(Vec<OsString>),
    /// For the shell.
    Shell(OsString),
}

/// `--exec-fail`: what follows when a command fails.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OnFailure {
    /// The message is not acknowledged, and nothing more is run.
    #[default]
    Stop,
    /// It is acknowledged and counted.
    Go,
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
    /// sub: the formats of payloads, each for the topics of a filter or for all.
    pub decodes: Vec<(Kind, Option<TopicFilter>)>,
    /// pub: the format that payloads are brought into.
    pub encode: Option<Kind>,
    /// The file with the message types of Protocol Buffers.
    pub proto: Option<PathBuf>,
    pub proto_paths: Vec<PathBuf>,
    /// sub: what is printed in place of a payload.
    pub select: Option<Select>,
    /// sub: other messages are passed over.
    pub matching: Option<Match>,

    /// sub: what is run for each message.
    pub exec: Option<CommandLine>,
    pub jobs: Option<u16>,
    pub exec_fail: Option<OnFailure>,
    pub exec_timeout: Option<Duration>,

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

/// What holds where nothing was typed.
impl DataArgs {
    pub fn jobs(&self) -> u16 {
        self.jobs.unwrap_or(1)
    }

    pub fn on_failure(&self) -> OnFailure {
        self.exec_fail.unwrap_or_default()
    }

    /// Only a recording has times between its records.
    pub fn speed(&self) -> Speed {
        let usual = if self.replays.is_empty() { Speed::Maximum } else { Speed::Times(1.0) };
        self.speed.unwrap_or(usual)
    }

    pub fn rounds(&self) -> u32 {
        self.rounds.unwrap_or(1)
    }
}
