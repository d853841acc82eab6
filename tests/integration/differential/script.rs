//! What is done to a broker, step by step.

use std::fmt;
use std::time::Duration;

/// Stands in client ids and topics for the name of the round.
pub const MARK: &str = "@@@@";

/// Connections that a script may use.
pub const LINES: usize = 4;

#[derive(Clone)]
pub struct Script {
    pub name: String,
    /// Options of the broker, before and after the line of its listener.
    pub options: (&'static str, &'static str),
    /// Name and text of files that the options name, in `FOLDER`.
    pub files: &'static [(&'static str, &'static str)],
    pub steps: Vec<Step>,
}

#[derive(Clone)]
pub enum Step {
    /// On a new connection; whoever had the line is gone.
    Open(usize, Vec<u8>),
    Send(usize, Vec<u8>),
    /// The client is gone without a word.
    Cut(usize),
    /// Nothing is done for so long.
    Wait(Duration),
}

impl Script {
    pub fn new(name: &str) -> Self {
        Self { name: name.to_owned(), options: ("", ""), files: &[], steps: Vec::new() }
    }

    pub fn with(name: &str, global: &'static str, local: &'static str) -> Self {
        Self { options: (global, local), ..Self::new(name) }
    }

    pub fn open(mut self, line: usize, bytes: impl AsRef<[u8]>) -> Self {
        self.steps.push(Step::Open(line, bytes.as_ref().to_vec()));
        self
    }

    pub fn send(mut self, line: usize, bytes: impl AsRef<[u8]>) -> Self {
        self.steps.push(Step::Send(line, bytes.as_ref().to_vec()));
        self
    }

    pub fn wait(mut self, milliseconds: u64) -> Self {
        self.steps.push(Step::Wait(Duration::from_millis(milliseconds)));
        self
    }

    pub fn cut(mut self, line: usize) -> Self {
        self.steps.push(Step::Cut(line));
        self
    }
}

impl fmt::Debug for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (line, verb, bytes) = match self {
            Self::Cut(line) => return write!(f, "{line} is cut"),
            Self::Wait(time) => return write!(f, "all wait for {time:?}"),
            Self::Open(line, bytes) => (line, "opens with", bytes),
            Self::Send(line, bytes) => (line, "sends", bytes),
        };
        if bytes.len() < 200 {
            write!(f, "{line} {verb} {}", bytes.escape_ascii())
        } else {
            write!(f, "{line} {verb} {} … ({} bytes)", bytes[..40].escape_ascii(), bytes.len())
        }
    }
}
