//! Why a line is no record.

use std::fmt;

use crate::mqtt::packet::DecodeError;
use crate::mqtt::topic::TopicError;

/// Why a line is no record. `Display` completes the sentence "line 3: …".
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RecordError {
    /// JSON ends before it is complete: the line was cut off.
    CutOff,
    /// No JSON from this column on, which counts bytes from 1.
    NotJson {
        column: usize,
    },
    NotAnObject,
    /// [`super::VERSION`] is the newest that is read.
    Version(u64),
    UnknownField(String),
    DuplicateField(String),
    /// `payload` and `payload_b64` are two ways to say one thing.
    BothForms(&'static str),
    Field {
        name: String,
        expected: Expected,
    },
    Base64(String),
    Topic(TopicError),
    /// A property that a PUBLISH cannot have, not so often, or not with this value.
    Property(DecodeError),
    /// Longer than [`super::MAXIMUM_LINE`].
    TooLong,
    /// Longer than a PUBLISH can carry.
    PayloadTooLong {
        length: usize,
    },
}

/// What a field's value has to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expected {
    Text,
    TrueOrFalse,
    QoS,
    /// A whole number within these bounds.
    Number(u64, u64),
    /// RFC 3339, from 1678 to 2262.
    Time,
    Object,
    /// `[["name","value"],…]`
    Pairs,
    /// A whole number or a list of them.
    Numbers,
    /// Text of at most 65,535 bytes.
    ShortText,
}

impl fmt::Display for RecordError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::CutOff => f.write_str("the line is cut off"),
            Self::NotJson { column } => write!(f, "not valid JSON at column {column}"),
            Self::NotAnObject => f.write_str("not a JSON object"),
            Self::Version(version) => write!(f, "record version {version} is newer than {}", super::VERSION),
            Self::UnknownField(name) => write!(f, "unknown field `{name}`"),
            Self::DuplicateField(name) => write!(f, "`{name}` stands there twice"),
            Self::BothForms(name) => write!(f, "`{name}` and `{name}_b64` stand there together"),
            Self::Field { name, expected } => write!(f, "`{name}` is not {expected}"),
            Self::Base64(name) => write!(f, "`{name}` is not valid base64"),
            Self::Topic(error) => write!(f, "`topic` {}", topic(*error)),
            Self::Property(error) => write!(f, "`properties`: {}", property(error)),
            Self::TooLong => write!(f, "longer than {} MiB", super::MAXIMUM_LINE / 1024 / 1024),
            Self::PayloadTooLong { length } => write!(f, "a payload of {length} bytes is longer than MQTT can carry"),
        }
    }
}

fn topic(error: TopicError) -> &'static str {
    match error {
        TopicError::Empty => "is empty",
        TopicError::TooLong { .. } => "is longer than 65535 bytes",
        TopicError::TooManyLevels { .. } => "has more than 201 levels",
        TopicError::NulCharacter => "has a NUL character",
        // A topic name is never taken for a shared subscription.
        TopicError::Wildcard | TopicError::ShareName => "has a wildcard, and nothing can be published to one",
    }
}

fn property(error: &DecodeError) -> String {
    match error {
        DecodeError::DuplicateProperty(id) => format!("`{}` stands there twice", id.name()),
        DecodeError::PropertyValue(id) => format!("`{}` has a value that MQTT does not allow", id.name()),
        DecodeError::PropertyNotAllowed(id) => format!("`{}` is no property of a message", id.name()),
        _ => "not what a message can carry".to_owned(),
    }
}

impl fmt::Display for Expected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text => f.write_str("a string"),
            Self::TrueOrFalse => f.write_str("true or false"),
            Self::QoS => f.write_str("0, 1 or 2"),
            Self::Number(low, high) => write!(f, "a whole number from {low} to {high}"),
            Self::Time => f.write_str("a time as RFC 3339 writes it"),
            Self::Object => f.write_str("an object"),
            Self::Pairs => f.write_str("a list of [\"name\",\"value\"] pairs"),
            Self::Numbers => f.write_str("a whole number from 1 to 268435455 or a list of them"),
            Self::ShortText => f.write_str("a string of at most 65535 bytes"),
        }
    }
}

impl std::error::Error for RecordError {}
