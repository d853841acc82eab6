//! What sub and rr print for a message: the payload, `topic payload`, or a format as `-F` gives it.
//!
//! A format is taken apart once, by [`Format::parse`]; printing a message then copies literals and
//! fields into a buffer and allocates nothing.

mod clock;
mod context;
mod error;
mod field;
mod json;
mod number;
mod pattern;
mod printer;

pub use self::context::Complaint;
pub use self::error::FormatError;
pub use self::json::escape_json;
pub use self::number::put as put_number;
pub use self::pattern::Format;
pub use self::printer::{Printer, Style};

#[cfg(test)]
mod tests;
