//! Why a payload is not decoded, or not made.

use std::fmt;

/// The largest payload that is decoded. A value takes up to a hundred times the memory of the bytes that it was.
pub const MAXIMUM_PAYLOAD: usize = 4 * 1024 * 1024;

/// Why a payload is not what it was said to be, or cannot become it. `Display` completes "not decoded: …".
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FormatError {
    TooLarge,
    Json {
        line: usize,
        column: usize,
    },
    /// The text of the library that reads the format.
    Wrong(&'static str, String),
    /// Bytes after the end of the value.
    Trailing,
    /// JSON that the format has nothing for.
    Unfit(&'static str, String),
    /// Sparkplug has payloads only below `spBv1.0/`.
    NotSparkplugTopic,
    HexDigits,
}

impl fmt::Display for FormatError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooLarge => write!(f, "the payload is larger than {} MiB", MAXIMUM_PAYLOAD / 1024 / 1024),
            Self::Json { line, column } => write!(f, "not valid JSON at line {line}, column {column}"),
            Self::Wrong(format, why) => write!(f, "not valid {format}: {why}"),
            Self::Trailing => f.write_str("more bytes follow the end of the value"),
            Self::Unfit(format, why) => write!(f, "{format} cannot hold it: {why}"),
            Self::NotSparkplugTopic => f.write_str("the topic is not below spBv1.0/"),
            Self::HexDigits => f.write_str("not an even number of hexadecimal digits"),
        }
    }
}

impl std::error::Error for FormatError {}
