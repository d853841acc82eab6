//! What sub and rr print for a message: the payload, `topic payload`, or a format as `-F` gives it.
//!
//! A format is taken apart once, by [`Format::parse`]; printing a message then copies literals and
//! fields into a buffer and allocates nothing.

mod clock;
mod field;
mod json;
mod number;

use std::borrow::Cow;
use std::fmt;
use std::time::SystemTime;

use crate::mqtt::packet::PublishRef;
use crate::term::{Foreign, escape_for_terminal};
use clock::Clock;
use field::Field;
pub use json::escape_json;
pub use number::put as put_number;

/// Largest width and precision: far above what a line needs, and each message may take that much memory.
const MAX_WIDTH: usize = 1024 * 1024;

/// Characters that may stand before a conversion to part groups of hex digits.
const SEPARATORS: &[u8] = b"!\"#$&'()*+,-./:;<=>?@[\\]^_`{|}~ ";

/// A `-F` format, known to be right.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Format {
    pieces: Vec<Piece>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Piece {
    Literal(Vec<u8>),
    Field(Field),
    /// `@c`: that conversion of strftime, on the local time.
    Time(u8),
    /// `@N`
    Nanoseconds,
}

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

impl Format {
    /// Takes a format apart. `exact`: only the conversions that Mosquitto has.
    pub fn parse(format: &[u8], exact: bool) -> Result<Self, FormatError> {
        let mut pieces = Vec::new();
        let mut literal = Vec::new();
        let mut rest = format;
        while let [first, after @ ..] = rest {
            rest = after;
            let piece = match first {
                b'%' => Field::parse(&mut rest, exact)?,
                b'@' => time(&mut rest)?,
                b'\\' => Piece::Literal(vec![escape(&mut rest)?]),
                byte => Piece::Literal(vec![*byte]),
            };
            match piece {
                Piece::Literal(bytes) => literal.extend(bytes),
                piece => {
                    if !literal.is_empty() {
                        pieces.push(Piece::Literal(std::mem::take(&mut literal)));
                    }
                    pieces.push(piece);
                }
            }
        }
        if !literal.is_empty() {
            pieces.push(Piece::Literal(literal));
        }
        Ok(Self { pieces })
    }
}

fn next(rest: &mut &[u8]) -> Option<u8> {
    rest.split_off_first().copied()
}

/// What follows `@`. A lone one gets the sentence of a lone `%`, as in Mosquitto.
fn time(rest: &mut &[u8]) -> Result<Piece, FormatError> {
    Ok(match next(rest).ok_or(FormatError::IncompleteSpecifier)? {
        b'@' => Piece::Literal(vec![b'@']),
        b'N' => Piece::Nanoseconds,
        conversion => Piece::Time(conversion),
    })
}

/// What follows a backslash.
fn escape(rest: &mut &[u8]) -> Result<u8, FormatError> {
    Ok(match next(rest).ok_or(FormatError::IncompleteEscape)? {
        b'\\' => b'\\',
        b'0' => 0,
        b'a' => 0x07,
        b'e' => 0x1b,
        b'n' => b'\n',
        b'r' => b'\r',
        b't' => b'\t',
        b'v' => 0x0b,
        other => return Err(FormatError::InvalidEscape(other)),
    })
}

/// What is printed for each message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Style {
    /// The payload; nothing for an empty one.
    Payload,
    /// `-v`: `topic payload`; `topic (null)` for an empty one.
    Verbose,
    /// `-F`
    Format(Format),
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

/// What becomes of the control characters of a message; a screen would be disturbed by them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Controls {
    Kept,
    /// Newlines and tabs stay.
    LinesKept,
    Escaped,
}

/// What becomes of a payload that `%J` puts into its JSON.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Embedding {
    /// As Mosquitto's: numbers are doubles, and of a message whose payload is no JSON nothing is printed.
    AsCjson,
    /// Numbers keep their digits, and a payload that is no JSON is a string.
    Whole,
}

/// Turns messages into what is printed for them.
#[derive(Debug)]
pub struct Printer {
    style: Style,
    newline: bool,
    pretty: bool,
    controls: Controls,
    embedding: Embedding,
    clock: Clock,
}

impl Printer {
    /// `newline`: after each message, unless `-N`. `pretty`: JSON on several lines.
    pub fn new(style: Style, newline: bool, pretty: bool) -> Self {
        Self { style, newline, pretty, controls: Controls::Kept, embedding: Embedding::AsCjson, clock: Clock::system() }
    }

    /// Loses nothing of a payload to `%J`.
    #[must_use]
    pub fn whole(self) -> Self {
        Self { embedding: Embedding::Whole, ..self }
    }

    /// Prints control characters of messages as escapes. The format's own stay what they are.
    #[must_use]
    pub fn on_screen(self) -> Self {
        Self { controls: Controls::Escaped, ..self }
    }

    /// As [`Printer::on_screen`], but newlines and tabs stay: a terminal that shows one message after the other.
    #[must_use]
    pub fn on_terminal(self) -> Self {
        Self { controls: Controls::LinesKept, ..self }
    }

    /// Appends to `out` what is printed for a message that came at `now`.
    #[inline]
    pub fn render(&mut self, message: PublishRef<'_>, now: SystemTime, out: &mut Vec<u8>) -> Vec<Complaint> {
        let mut complaints = Vec::new();
        match &self.style {
            Style::Payload if message.payload.is_empty() => return complaints,
            Style::Payload => out.extend_from_slice(&shown(message.payload, self.controls)),
            Style::Verbose if message.payload.is_empty() && !self.newline => return complaints,
            Style::Verbose => {
                out.extend_from_slice(&shown(message.topic.as_bytes(), self.controls));
                out.push(b' ');
                let payload = if message.payload.is_empty() { b"(null)" } else { message.payload };
                out.extend_from_slice(&shown(payload, self.controls));
            }
            Style::Format(format) => {
                let mut context = Context {
                    message,
                    now: now.into(),
                    clock: &mut self.clock,
                    pretty: self.pretty,
                    controls: self.controls,
                    embedding: self.embedding,
                };
                complaints = format.render(&mut context, out);
            }
        }
        if self.newline {
            out.push(b'\n');
        }
        complaints
    }
}

/// All that the fields of a format are made of.
struct Context<'a> {
    message: PublishRef<'a>,
    now: clock::Moment,
    clock: &'a mut Clock,
    pretty: bool,
    controls: Controls,
    embedding: Embedding,
}

/// Bytes of a message as they are printed.
#[inline]
fn shown(bytes: &[u8], controls: Controls) -> Cow<'_, [u8]> {
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

impl Format {
    fn render(&self, context: &mut Context<'_>, out: &mut Vec<u8>) -> Vec<Complaint> {
        let mut complaints = Vec::new();
        for piece in &self.pieces {
            match piece {
                Piece::Literal(bytes) => out.extend_from_slice(bytes),
                Piece::Field(field) => complaints.extend(field.render(context, out).err()),
                Piece::Time(conversion) => context.clock.strftime(*conversion, context.now, out),
                Piece::Nanoseconds => number::put_padded(u64::from(context.now.nanoseconds), 9, b'0', out),
            }
        }
        complaints
    }
}

#[cfg(test)]
mod tests;
