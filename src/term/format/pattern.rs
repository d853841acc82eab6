//! A `-F` format, taken apart once.

use super::context::{Complaint, Context};
use super::error::FormatError;
use super::field::{Field, next};
use super::number;

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

impl Format {
    /// Takes a format apart. `exact`: only the conversions that Mosquitto has.
    pub fn parse(format: &[u8], exact: bool) -> Result<Self, FormatError> {
        let mut pieces = Vec::new();
        let mut literal = Vec::new();
        let mut rest = format;
        while let [first, after @ ..] = rest {
            rest = after;
            let piece = match first {
                b'%' => Field::parse(&mut rest, exact)?.map_or_else(|| Piece::Literal(vec![b'%']), Piece::Field),
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

    /// Appends what is printed for the message of `context`.
    pub fn render(&self, context: &mut Context<'_>, out: &mut Vec<u8>) -> Vec<Complaint> {
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
