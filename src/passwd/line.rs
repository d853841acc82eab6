//! The lines of a password file: `user:hash`, comments, and what is neither.

use crate::c_text::is_space;

/// One line, taken apart. The parts are trimmed of white space.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Line<'a> {
    Blank,
    /// Begins with `#`.
    Comment,
    /// No `:`. A broker passes over it; for a tool that changes the file it is damage.
    NoColon,
    /// `secret` ends at a second `:`. Either part may be empty, which nobody accepts.
    Record {
        user: &'a [u8],
        secret: &'a [u8],
    },
}

impl<'a> Line<'a> {
    /// Takes a line apart; its line end, if any, counts as white space.
    pub fn parse(line: &'a [u8]) -> Self {
        if line.first() == Some(&b'#') {
            return Self::Comment;
        }
        let Some(colon) = memchr::memchr(b':', line) else {
            return if trim(line).is_empty() { Self::Blank } else { Self::NoColon };
        };
        let (user, rest) = (&line[..colon], &line[colon + 1..]);
        let secret = memchr::memchr(b':', rest).map_or(rest, |end| &rest[..end]);
        Self::Record { user: trim(user), secret: trim(secret) }
    }

    /// The record of a user, with nothing missing.
    pub fn whole_record(self) -> Option<(&'a [u8], &'a [u8])> {
        match self {
            Self::Record { user, secret } if !user.is_empty() && !secret.is_empty() => Some((user, secret)),
            _ => None,
        }
    }

    /// Neither a whole record nor something that a reader passes over on purpose.
    pub fn is_corrupt(self) -> bool {
        match self {
            Self::Blank | Self::Comment => false,
            Self::NoColon => true,
            Self::Record { .. } => self.whole_record().is_none(),
        }
    }
}

/// The lines of a file, each with its line end, which only the last may lack.
pub fn lines(text: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = text;
    std::iter::from_fn(move || {
        let end = memchr::memchr(b'\n', rest).map_or(rest.len(), |end| end + 1);
        let line = rest.split_off(..end)?;
        (!line.is_empty()).then_some(line)
    })
}

/// Without white space at both ends.
fn trim(text: &[u8]) -> &[u8] {
    let start = text.iter().position(|byte| !is_space(*byte)).unwrap_or(text.len());
    let end = text.iter().rposition(|byte| !is_space(*byte)).map_or(start, |last| last + 1);
    &text[start..end]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_is_trimmed_and_ends_at_the_second_colon() {
        let parse = |text: &'static str| Line::parse(text.as_bytes());
        assert_eq!(parse(" a b\t: $6$x \x0b:rest\r\n"), Line::Record { user: b"a b", secret: b"$6$x" });
        assert_eq!(parse("#a:b\n"), Line::Comment);
        assert_eq!(parse(" #a:b\n"), Line::Record { user: b"#a", secret: b"b" });
        assert_eq!(parse(" \r\n"), Line::Blank);
        assert_eq!(parse("no colon\n"), Line::NoColon);
        assert_eq!(parse(":\n"), Line::Record { user: b"", secret: b"" });
    }

    #[test]
    fn a_record_with_an_empty_part_is_corrupt_and_a_comment_is_not() {
        for (text, corrupt) in [("a:b", false), (":b", true), ("a: ", true), ("a", true), ("", false), ("#", false)] {
            assert_eq!(Line::parse(text.as_bytes()).is_corrupt(), corrupt, "{text:?}");
        }
    }

    #[test]
    fn the_last_line_may_lack_its_end() {
        assert_eq!(lines(b"a\n\nb").collect::<Vec<_>>(), [&b"a\n"[..], b"\n", b"b"]);
        assert_eq!(lines(b"a\n").count(), 1);
        assert_eq!(lines(b"").count(), 0);
    }
}
