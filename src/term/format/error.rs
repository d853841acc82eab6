//! Why a format is refused.

use std::fmt;

/// Largest width and precision: far above what a line needs, and each message may take that much memory.
pub const MAX_WIDTH: usize = 1024 * 1024;

/// Why a format is refused. `Display` gives Mosquitto's sentence, without its `Error: `.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FormatError {
    IncompleteSpecifier,
    InvalidSpecifier(u8),
    IncompleteEscape,
    InvalidEscape(u8),
    /// A width or precision above [`MAX_WIDTH`].
    TooWide,
}

impl fmt::Display for FormatError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown = |byte: &u8| if byte.is_ascii() { char::from(*byte) } else { char::REPLACEMENT_CHARACTER };
        match self {
            Self::IncompleteSpecifier => f.write_str("Incomplete format specifier."),
            Self::InvalidSpecifier(byte) => write!(f, "Invalid format specifier '{}'.", shown(byte)),
            Self::IncompleteEscape => f.write_str("Incomplete escape specifier."),
            Self::InvalidEscape(byte) => write!(f, "Invalid escape specifier '{}'.", shown(byte)),
            Self::TooWide => write!(f, "Field width or precision is larger than {MAX_WIDTH}."),
        }
    }
}

impl std::error::Error for FormatError {}
