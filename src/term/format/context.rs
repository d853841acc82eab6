//! What the fields of a format are made of, and what they complain about.

use std::borrow::Cow;

use super::clock::{Clock, Moment};
use crate::mqtt::packet::PublishRef;
use crate::term::{Foreign, escape_for_terminal};

/// All that the fields of a format are made of.
pub struct Context<'a> {
    pub message: PublishRef<'a>,
    pub now: Moment,
    pub clock: &'a mut Clock,
    pub pretty: bool,
    pub controls: Controls,
    pub embedding: Embedding,
}

/// What becomes of the control characters of a message; a screen would be disturbed by them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Controls {
    Kept,
    /// Newlines and tabs stay.
    LinesKept,
    Escaped,
}

/// What becomes of a payload that `%J` puts into its JSON.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Embedding {
    /// As Mosquitto's: numbers are doubles, and of a message whose payload is no JSON nothing is printed.
    AsCjson,
    /// Numbers keep their digits, and a payload that is no JSON is a string.
    Whole,
}

/// Bytes of a message as they are printed.
#[inline]
pub fn shown(bytes: &[u8], controls: Controls) -> Cow<'_, [u8]> {
    match controls {
        Controls::Kept => bytes.into(),
        Controls::Escaped => Foreign::new(bytes).to_string().into_bytes().into(),
        Controls::LinesKept => {
            let mut out = Vec::with_capacity(bytes.len());
            escape_for_terminal(bytes, &mut out);
            out.into()
        }
    }
}

/// Something that a message has not, and the format asks for. Mosquitto says it on standard error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Complaint {
    /// `%f` needs 4 bytes.
    NotFloat,
    /// `%d` needs 8 bytes.
    NotDouble,
    /// `%J` needs JSON.
    NotJson,
    /// The same, and the payload is printed as a string.
    NotJsonButString,
}

impl Complaint {
    /// Mosquitto's text, with the line end that it has or has not.
    pub fn text(self, topic: &str) -> String {
        match self {
            Self::NotFloat => "requested float printing, but non-float data received".to_owned(),
            Self::NotDouble => "requested double printing, but non-double data received".to_owned(),
            Self::NotJson => {
                let topic = Foreign::new(topic);
                format!("Error: Message payload is not valid JSON on topic {topic}.\n")
            }
            Self::NotJsonButString => {
                let topic = Foreign::new(topic);
                format!("Warning: The payload on topic {topic} is not valid JSON, and is printed as a string.\n")
            }
        }
    }
}
