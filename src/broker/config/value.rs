//! One line of mosquitto.conf taken apart: the option's name and the value readers that Mosquitto has.

use std::borrow::Cow;
use std::fmt::Display;

use super::problem::{ForeignFile, Problem};

/// `name value…`, as it stands in the file.
#[derive(Clone, Copy, Debug)]
pub(super) struct Line<'a> {
    pub name: &'a str,
    /// Everything after the first space behind the name.
    rest: &'a [u8],
}

impl<'a> Line<'a> {
    /// `None` for a blank line and for a comment, which starts in the very first column.
    pub fn read(text: &'a [u8]) -> Result<Option<Self>, Problem> {
        if text.first() == Some(&b'#') {
            return Ok(None);
        }
        let text = text.trim_suffix_line_end();
        let start = text.iter().position(|byte| *byte != b' ').unwrap_or(text.len());
        let text = &text[start..];
        if text.is_empty() {
            return Ok(None);
        }
        if text.contains(&0) {
            return Err(Problem::ZeroByte);
        }
        let end = text.iter().position(|byte| *byte == b' ').unwrap_or(text.len());
        let name = std::str::from_utf8(&text[..end]).map_err(|_| Problem::MalformedUtf8)?;
        Ok(Some(Self { name, rest: text.get(end + 1..).unwrap_or_default() }))
    }

    /// The same line, of which Mosquitto's sentences speak under another name.
    pub fn called(self, name: &'a str) -> Self {
        Self { name, ..self }
    }

    /// The words of the value. Flags, numbers and keywords use the first and ignore what follows, so
    /// that a `# comment` may stand there.
    pub fn words(&self) -> impl Iterator<Item = &'a [u8]> + use<'a> {
        self.rest.split(|byte| *byte == b' ').filter(|word| !word.is_empty())
    }

    pub fn word(&self) -> Result<&'a str, Problem> {
        let word = self.words().next().ok_or_else(|| self.empty())?;
        std::str::from_utf8(word).map_err(|_| Problem::MalformedUtf8)
    }

    /// The rest of the line, trimmed: `#` has no meaning in it.
    pub fn text(&self) -> Result<&'a str, Problem> {
        let text = self.rest.trim_ascii();
        if text.is_empty() {
            return Err(self.empty());
        }
        clean(text)
    }

    /// The same for a list that ends in whatever bytes.
    pub fn lossy_text(&self) -> Result<Cow<'a, str>, Problem> {
        let text = self.rest.trim_ascii();
        if text.is_empty() { Err(self.empty()) } else { Ok(String::from_utf8_lossy(text)) }
    }

    pub fn flag(&self) -> Result<bool, Problem> {
        match self.word()? {
            "true" | "1" => Ok(true),
            "false" | "0" => Ok(false),
            other => Err(self.invalid(other)),
        }
    }

    pub fn number(&self) -> Result<i32, Problem> {
        // `strtol` skips white space, and only a space ends a word.
        let word = self.word()?.trim_ascii_start();
        match c_integer(word) {
            None => Err(Problem::NotANumber { option: self.name.to_owned() }),
            Some(number) => i32::try_from(number).map_err(|_| Problem::OutOfRange { option: self.name.to_owned() }),
        }
    }

    /// The word after the first, for an address: what follows it is ignored.
    pub fn second_word(&self) -> Result<Option<&'a str>, Problem> {
        let word = self.words().nth(1).map(<[u8]>::trim_ascii).filter(|word| !word.is_empty());
        word.map(clean).transpose()
    }

    /// What follows the first word, for options whose keyword is followed by a path.
    pub fn text_after_word(&self) -> Result<Option<&'a str>, Problem> {
        let rest = self.rest.trim_ascii_start();
        let Some(space) = rest.iter().position(|byte| *byte == b' ') else { return Ok(None) };
        let text = rest[space..].trim_ascii();
        if text.is_empty() {
            return Ok(None);
        }
        clean(text).map(Some)
    }

    /// From a `#` on that stands behind a space: a comment to whoever wrote it.
    pub fn comment(&self) -> Option<&'a str> {
        let text = std::str::from_utf8(self.rest).ok()?;
        let start = text.match_indices('#').map(|(at, _)| at).find(|at| text[..*at].ends_with([' ', '\t']))?;
        Some(text[start..].trim_end())
    }

    /// The rest of the line, whatever it is.
    pub fn rest_lossy(&self) -> String {
        String::from_utf8_lossy(self.rest.trim_ascii()).into_owned()
    }

    /// An option that we lack and must not ignore; `file` is what it names.
    pub fn unsafe_here(&self, file: Option<ForeignFile>, because: &'static str) -> Problem {
        Problem::Unsafe { option: self.name.to_owned(), value: self.rest_lossy(), file, because }
    }

    pub fn empty(&self) -> Problem {
        Problem::Empty { option: self.name.to_owned() }
    }

    pub fn invalid(&self, value: impl Display) -> Problem {
        Problem::Invalid { option: self.name.to_owned(), value: value.to_string() }
    }
}

/// Text as MQTT would take it: UTF-8 without control characters.
fn clean(text: &[u8]) -> Result<&str, Problem> {
    let text = std::str::from_utf8(text).map_err(|_| Problem::MalformedUtf8)?;
    if text.chars().any(char::is_control) { Err(Problem::MalformedUtf8) } else { Ok(text) }
}

trait LineEnd {
    fn trim_suffix_line_end(&self) -> &Self;
}

impl LineEnd for [u8] {
    fn trim_suffix_line_end(&self) -> &Self {
        let end = self.iter().rposition(|byte| !matches!(byte, b'\r' | b'\n')).map_or(0, |last| last + 1);
        &self[..end]
    }
}

/// A whole word as C's `strtol` with base 0 reads it: `0x` is hexadecimal, a leading 0 octal.
/// Numbers beyond 64 bits are held at its ends; callers check the range.
fn c_integer(word: &str) -> Option<i64> {
    let (negative, digits) = match word.as_bytes().first()? {
        b'-' => (true, &word[1..]),
        b'+' => (false, &word[1..]),
        _ => (false, word),
    };
    let (radix, digits) = match digits.strip_prefix("0x").or_else(|| digits.strip_prefix("0X")) {
        Some(hexadecimal) => (16, hexadecimal),
        None if digits.len() > 1 && digits.starts_with('0') => (8, &digits[1..]),
        None => (10, digits),
    };
    if digits.is_empty() || !digits.chars().all(|digit| digit.is_digit(radix)) {
        return None;
    }
    let number = i64::from_str_radix(digits, radix).unwrap_or(i64::MAX);
    Some(if negative { -number } else { number })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(text: &str) -> Line<'_> {
        Line::read(text.as_bytes()).unwrap().unwrap()
    }

    #[test]
    fn leading_spaces_are_skipped_but_a_tab_belongs_to_the_name() {
        assert_eq!(line("   port 1").name, "port");
        assert_eq!(line("\tport 1").name, "\tport");
    }

    #[test]
    fn comments_start_in_the_first_column_and_blank_lines_are_nothing() {
        assert!(Line::read(b"# port").unwrap().is_none());
        assert!(Line::read(b"\r\n").unwrap().is_none());
        assert!(Line::read(b"   ").unwrap().is_none());
        assert_eq!(line(" # port").name, "#");
    }

    #[test]
    fn words_after_a_flag_are_ignored_and_belong_to_a_text() {
        assert_eq!(line("persistence true # keep").flag(), Ok(true));
        assert_eq!(line("user joe # the \t").text(), Ok("joe # the"));
    }

    #[test]
    fn flags_know_four_words() {
        assert_eq!(line("persistence 0").flag(), Ok(false));
        assert_eq!(
            line("persistence TRUE").flag(),
            Err(Problem::Invalid { option: "persistence".into(), value: "TRUE".into() })
        );
        assert_eq!(line("persistence  ").flag(), Err(Problem::Empty { option: "persistence".into() }));
    }

    #[test]
    fn numbers_are_decimal_hexadecimal_or_octal_and_nothing_else() {
        let number = |value: &str| line(&format!("n {value}")).number();
        assert_eq!(number("0x7B"), Ok(123));
        assert_eq!(number("017"), Ok(15));
        assert_eq!(number("-1"), Ok(-1));
        assert_eq!(number("0"), Ok(0));
        assert_eq!(number("12x"), Err(Problem::NotANumber { option: "n".into() }));
        assert_eq!(number("0x"), Err(Problem::NotANumber { option: "n".into() }));
        assert_eq!(number("99999999999999999999"), Err(Problem::OutOfRange { option: "n".into() }));
        assert_eq!(number("2147483648"), Err(Problem::OutOfRange { option: "n".into() }));
    }

    #[test]
    fn text_that_is_not_utf8_is_refused() {
        for bytes in [&b"user \xff"[..], b"user a\x01"] {
            assert_eq!(Line::read(bytes).unwrap().unwrap().text(), Err(Problem::MalformedUtf8));
        }
    }
}
