//! Turns messages into what is printed for them.

use std::time::SystemTime;

use super::clock::Clock;
use super::context::{Complaint, Context, Controls, Embedding, shown};
use super::pattern::Format;
use crate::mqtt::packet::PublishRef;

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

    #[cfg(test)]
    #[must_use]
    pub fn with_clock(self, clock: Clock) -> Self {
        Self { clock, ..self }
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
