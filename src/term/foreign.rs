//! The type in which strangers' text travels to a person.

use std::fmt::{self, Display, Write};

use crate::escape::escape_controls;

/// Text that came from a peer. It is shown with its control characters, and what is no UTF-8, as escapes: such bytes would
/// control the terminal that they are shown on.
#[derive(Clone, Copy, Debug)]
pub struct Foreign<'a>(&'a [u8]);

impl<'a> Foreign<'a> {
    pub fn new(text: &'a (impl AsRef<[u8]> + ?Sized)) -> Self {
        Self(text.as_ref())
    }
}

impl Display for Foreign<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for chunk in self.0.utf8_chunks() {
            f.write_str(&escape_controls(chunk.valid()))?;
            for byte in chunk.invalid() {
                write!(f, "\\x{byte:02x}")?;
            }
        }
        Ok(())
    }
}

/// Shows as `\\uXXXX` the control characters that stand in `json` from `start` on, but for the ends of lines and tabs between its
/// tokens: inside its strings it has escapes of its own for those.
pub fn escape_controls_in_json(json: &mut Vec<u8>, start: usize) {
    let is_harmful = |c: char| super::is_control(c) && c != '\n' && c != '\t';
    let text = String::from_utf8_lossy(&json[start..]);
    if !text.chars().any(is_harmful) {
        return;
    }
    let mut escaped = String::with_capacity(text.len() + 8);
    for c in text.chars() {
        if is_harmful(c) {
            // All of them are within 16 bits, and writing to a string cannot fail.
            let _ = write!(escaped, "\\u{:04x}", u32::from(c));
        } else {
            escaped.push(c);
        }
    }
    json.truncate(start);
    json.extend_from_slice(escaped.as_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_controls_a_terminal_is_escaped_be_it_utf_8_or_not() {
        let shown = |text: &[u8]| Foreign::new(text).to_string();
        assert_eq!(shown("größe\n\u{9b}".as_bytes()), "größe\\n\\u{9b}");
        assert_eq!(shown(b"a\x9b31m\xffz\x1b[2J"), "a\\x9b31m\\xffz\\x1b[2J");
    }

    #[test]
    fn json_keeps_its_lines_and_its_meaning() {
        let mut json = "before\u{7f}{\n\t\"a\":\"\u{7f}\u{202e}\u{85}ä\"}".as_bytes().to_vec();
        escape_controls_in_json(&mut json, "before\u{7f}".len());
        assert_eq!(String::from_utf8(json).unwrap(), "before\u{7f}{\n\t\"a\":\"\\u007f\\u202e\\u0085ä\"}");
    }
}
