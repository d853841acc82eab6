//! Texts and arrays in sources of C, C++ and Python, as far as certificates are written there: no expressions, no macros.

use std::mem;

use zeroize::Zeroizing;

use super::value::{NAME_LIMIT, Value};

/// The most characters of the delimiter of a raw text in C++.
const DELIMITER_LIMIT: usize = 16;

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Language {
    /// C++ too.
    #[default]
    C,
    Python,
}

enum Token<'a> {
    Word(&'a str),
    Number(u64),
    Text(Zeroizing<Vec<u8>>),
    /// The end of a line.
    End,
    Other(u8),
}

/// Gives each value of a source that has more than one byte, by the name that it is assigned to. A source may have millions of them, few of
/// which anybody keeps.
pub fn values(source: &str, language: Language, mut each: impl FnMut(Value)) {
    let mut reader = Reader { rest: source, language };
    let mut found = Collector { language, ..Collector::default() };
    while let Some(token) = reader.token() {
        found.take(token);
        found.values.drain(..).for_each(&mut each);
    }
    found.end_text();
    found.values.drain(..).for_each(each);
}

struct Reader<'a> {
    rest: &'a str,
    language: Language,
}

impl<'a> Reader<'a> {
    fn token(&mut self) -> Option<Token<'a>> {
        self.skip_blanks();
        let first = self.rest.chars().next()?;
        if first == '\n' {
            self.rest = &self.rest[1..];
            return Some(Token::End);
        }
        if first.is_ascii_alphabetic() || first == '_' {
            return Some(self.word());
        }
        if first.is_ascii_digit() {
            return Some(self.number());
        }
        if first == '"' || (first == '\'' && self.language == Language::Python) {
            return Some(Token::Text(self.text(false)));
        }
        if first == '\'' {
            // A letter, which is a number.
            let mut bytes = self.quoted("'", false);
            return Some(Token::Number(bytes.pop().map_or(0, u64::from)));
        }
        self.rest = &self.rest[first.len_utf8()..];
        Some(Token::Other(u8::try_from(first).unwrap_or(b'?')))
    }

    /// Blanks, comments, and lines that go on in the next.
    fn skip_blanks(&mut self) {
        loop {
            let before = self.rest.len();
            self.rest = self.rest.trim_start_matches([' ', '\t', '\r', '\x0c']);
            self.rest =
                self.rest.strip_prefix("\\\n").or_else(|| self.rest.strip_prefix("\\\r\n")).unwrap_or(self.rest);
            match self.language {
                Language::C => {
                    if self.rest.starts_with("//") {
                        self.skip_line();
                    } else if let Some(comment) = self.rest.strip_prefix("/*") {
                        self.rest = comment.split_once("*/").map_or("", |(_, rest)| rest);
                    }
                }
                Language::Python => {
                    if self.rest.starts_with('#') {
                        self.skip_line();
                    }
                }
            }
            if self.rest.len() == before {
                return;
            }
        }
    }

    fn skip_line(&mut self) {
        self.rest = self.rest.find('\n').map_or("", |end| &self.rest[end..]);
    }

    /// A word, or the text that it is the prefix of.
    fn word(&mut self) -> Token<'a> {
        let end = self.rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(self.rest.len());
        let (word, after) = self.rest.split_at(end);
        self.rest = after;
        match self.language {
            Language::C if ["R", "LR", "uR", "UR", "u8R"].contains(&word) && after.starts_with('"') => {
                self.raw_text().map_or(Token::Other(b'?'), Token::Text)
            }
            Language::Python if word.len() <= 2 && after.starts_with(['"', '\'']) => {
                Token::Text(self.text(word.contains(['r', 'R'])))
            }
            _ => Token::Word(word),
        }
    }

    fn number(&mut self) -> Token<'a> {
        let end = self.rest.find(|c: char| !c.is_ascii_alphanumeric()).unwrap_or(self.rest.len());
        let (digits, after) = self.rest.split_at(end);
        self.rest = after;
        let lower = digits.to_ascii_lowercase();
        let number = match lower.strip_prefix("0x") {
            Some(digits) => u64::from_str_radix(digits.trim_end_matches(['u', 'l']), 16),
            None => lower.trim_end_matches(['u', 'l']).parse(),
        };
        // More than a byte is in no array that is looked for.
        Token::Number(number.unwrap_or(u64::MAX))
    }

    /// `R"delimiter(…)delimiter"`. One that is not closed goes on to the end, so that nothing is searched twice.
    fn raw_text(&mut self) -> Option<Zeroizing<Vec<u8>>> {
        let inside = self.rest.strip_prefix('"')?;
        let length = inside.bytes().take(DELIMITER_LIMIT + 1).position(|byte| byte == b'(')?;
        let (delimiter, rest) = (&inside[..length], &inside[length + 1..]);
        let (text, rest) = rest.split_once(&format!("){delimiter}\"")).unwrap_or((rest, ""));
        self.rest = rest;
        Some(Zeroizing::new(text.as_bytes().to_vec()))
    }

    fn text(&mut self, is_raw: bool) -> Zeroizing<Vec<u8>> {
        let quote = if self.rest.starts_with('"') { "\"" } else { "'" };
        let triple = if quote == "\"" { "\"\"\"" } else { "'''" };
        let is_triple = self.language == Language::Python && self.rest.starts_with(triple);
        self.quoted(if is_triple { triple } else { quote }, is_raw)
    }

    /// From one quote to the next, with what stands for other bytes.
    fn quoted(&mut self, quote: &str, is_raw: bool) -> Zeroizing<Vec<u8>> {
        let inside = &self.rest[quote.len()..];
        let (end, is_closed) = end_of_text(inside, quote, is_raw);
        // Room for all of it: what grows leaves a copy of a key behind.
        let mut bytes = Zeroizing::new(Vec::with_capacity(end));
        let mut rest = &inside.as_bytes()[..end];
        while let [first, after @ ..] = rest {
            if *first == b'\\' && !is_raw {
                let (byte, length) = escape(rest);
                bytes.extend(byte);
                rest = rest.get(length..).unwrap_or_default();
            } else {
                bytes.push(*first);
                rest = after;
            }
        }
        // Never within a letter of several bytes: it stops at a quote, at the end or at a line's.
        self.rest = inside.get(if is_closed { end + quote.len() } else { end }..).unwrap_or_default();
        bytes
    }
}

/// Where a text ends that begins behind its quote, and whether by the same quote.
fn end_of_text(inside: &str, quote: &str, is_raw: bool) -> (usize, bool) {
    let mut at = 0;
    while let Some(rest) = inside.as_bytes().get(at..).filter(|rest| !rest.is_empty()) {
        if rest.starts_with(quote.as_bytes()) {
            return (at, true);
        }
        // A text in one pair of quotes ends with its line, closed or not.
        if rest[0] == b'\n' && quote.len() == 1 {
            return (at, false);
        }
        at += if rest[0] == b'\\' && !is_raw { escape(rest).1 } else { 1 };
    }
    (inside.len(), false)
}

/// What stands behind a backslash: the byte that it means, and the length of both.
fn escape(text: &[u8]) -> (Option<u8>, usize) {
    let digits = |from: usize, most: usize, is_digit: fn(&u8) -> bool| {
        text[from..].iter().take(most).take_while(|byte| is_digit(byte)).count()
    };
    let number = |from: usize, length: usize, radix: u32| {
        let digits = str::from_utf8(&text[from..from + length]).unwrap_or_default();
        u32::from_str_radix(digits, radix).ok().map(|number| number as u8)
    };
    match text.get(1) {
        None => (None, 1),
        Some(b'\n') => (None, 2),
        Some(b'\r') if text.get(2) == Some(&b'\n') => (None, 3),
        Some(b'n') => (Some(b'\n'), 2),
        Some(b'r') => (Some(b'\r'), 2),
        Some(b't') => (Some(b'\t'), 2),
        Some(b'x') => {
            let length = digits(2, 2, u8::is_ascii_hexdigit);
            (number(2, length, 16), 2 + length)
        }
        Some(b'0'..=b'7') => {
            let length = digits(1, 3, |byte| (b'0'..=b'7').contains(byte));
            (number(1, length, 8), 1 + length)
        }
        Some(other) => (Some(*other), 2),
    }
}

#[derive(Default)]
struct Collector {
    language: Language,
    /// What comes is assigned to it; empty where that is not known.
    name: String,
    last_word: String,
    /// The name before `[`, which the words behind it are not.
    array: String,
    /// Texts that stand one behind the other are one.
    text: Zeroizing<Vec<u8>>,
    /// The bytes of an array so far; `None` outside of one, or where it has something else.
    bytes: Option<Zeroizing<Vec<u8>>>,
    /// Open brackets of Python, in which a line goes on.
    depth: u32,
    values: Vec<Value>,
}

impl Collector {
    fn take(&mut self, token: Token<'_>) {
        match token {
            Token::Text(bytes) => {
                self.bytes = None;
                self.text.extend_from_slice(&bytes);
            }
            Token::Number(number) => {
                self.end_text();
                self.bytes = match (self.bytes.take(), u8::try_from(number)) {
                    (Some(mut bytes), Ok(byte)) => {
                        bytes.push(byte);
                        Some(bytes)
                    }
                    _ => None,
                };
            }
            Token::End => {
                if self.language == Language::Python && self.depth == 0 {
                    self.end_text();
                }
            }
            Token::Word(word) => self.take_word(word),
            Token::Other(byte) => self.take_sign(byte),
        }
    }

    fn take_word(&mut self, word: &str) {
        // The end of a name says what it is, and all of it is ASCII.
        let word = &word[word.len().saturating_sub(NAME_LIMIT)..];
        self.end_text();
        self.bytes = None;
        if matches!(self.last_word.as_str(), "define") {
            word.clone_into(&mut self.name);
        }
        word.clone_into(&mut self.last_word);
    }

    fn take_sign(&mut self, sign: u8) {
        match sign {
            b',' if self.bytes.is_some() => return,
            b'[' if self.array.is_empty() => self.array.clone_from(&self.last_word),
            b'=' => {
                self.end_text();
                self.name = mem::take(&mut self.array);
                if self.name.is_empty() {
                    self.name.clone_from(&self.last_word);
                }
            }
            b'{' if self.language == Language::C => {
                self.end_text();
                self.bytes = Some(Zeroizing::new(Vec::new()));
                return;
            }
            b'}' => {
                if let Some(bytes) = self.bytes.take() {
                    self.add(bytes);
                }
            }
            b';' => {
                self.end_text();
                self.name.clear();
                self.array.clear();
            }
            b'(' | b'[' | b'{' => self.depth += 1,
            b')' | b']' => self.depth = self.depth.saturating_sub(1),
            _ => {}
        }
        if sign != b'(' {
            self.end_text();
        }
        self.bytes = None;
    }

    fn end_text(&mut self) {
        if !self.text.is_empty() {
            let text = mem::take(&mut self.text);
            self.add(text);
        }
    }

    fn add(&mut self, bytes: Zeroizing<Vec<u8>>) {
        if bytes.len() > 1 {
            self.values.push(Value::new(self.name.clone(), bytes));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(source: &str, language: Language) -> Vec<(String, Vec<u8>)> {
        let mut rows = Vec::new();
        values(source, language, |value| rows.push((value.name, value.bytes.unwrap().to_vec())));
        rows
    }

    fn row(name: &str, bytes: &[u8]) -> (String, Vec<u8>) {
        (name.to_owned(), bytes.to_vec())
    }

    #[test]
    fn texts_and_arrays_of_c_have_the_name_that_they_are_assigned_to() {
        let source = "// a \"comment\"\n/* and { 0x01, 2 } */ #include \"file.h\"\n\
            static const unsigned char one_der[] PROGMEM = {\n 0x30, 0X82U, 'a', '\\n', 255,\n};\nint one_der_len = 5;\n\
            const char *two = \"AB\\n\" // more\n \"C\\\"\\x44\\105\";\n\
            const char three[100] = R\"EOF(a\\n\n\"b\")EOF\";\n#define FOUR \"xy\" \\\n \"z\"\n#define FIVE 5\n\
            int not[] = { 1, 256 }, nor[] = { 1, -2 }; struct s t = { \"ab\", { 7, 8 } };\n";
        assert_eq!(
            rows(source, Language::C),
            [
                row("", b"file.h"),
                row("one_der", b"\x30\x82a\n\xff"),
                row("two", b"AB\nC\"DE"),
                row("three", b"a\\n\n\"b\""),
                row("FOUR", b"xyz"),
                row("t", b"ab"),
                row("t", &[7, 8]),
            ]
        );
    }

    #[test]
    fn texts_of_python_go_on_within_brackets() {
        let source = "# it's a comment\nCA = a2b_base64(\n    b\"ab\"\n    b\"cd\"\n)\nCERT = '''x\ny'''\nKEY = b'\\x30\\x82'\n\
            NAME = r'a\\n'\nlog('z' 'z')\n'open\nNEXT = \"ok\"\n";
        assert_eq!(
            rows(source, Language::Python),
            [
                row("CA", b"abcd"),
                row("CERT", b"x\ny"),
                row("KEY", b"\x30\x82"),
                row("NAME", b"a\\n"),
                row("NAME", b"zz"),
                row("NAME", b"open"),
                row("NEXT", b"ok"),
            ]
        );
    }

    /// Nonsense makes no panic and ends.
    #[test]
    fn sources_cut_anywhere_are_read() {
        let source = "static const char é[] = R\"PEM(é)PEM\"; x = \"\\x3é\\\n\"; /* é */ y = { 0x30, 'é' };\\";
        for language in [Language::C, Language::Python] {
            for end in (0..source.len()).filter(|end| source.is_char_boundary(*end)) {
                rows(&source[..end], language);
                rows(&source[end..], language);
            }
        }
    }
}
