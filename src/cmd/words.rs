//! The exact-word reader of pub, sub and rr.
//!
//! Mosquitto's rules are not clap's: each option is one exact word, the next word is its value
//! whatever it looks like, words are read strictly left to right, the first error stops, and the
//! texts of the errors are fixed. Under moskit's own verbs the reader also
//! takes `--option=value` and a closing `--`.

use std::ffi::{OsStr, OsString};

use crate::os::text::{OsStrExt, OsStringExt};

/// What follows an option.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Value {
    /// Nothing.
    None,
    /// The next word. `missing` completes "argument given but … specified".
    Word { name: &'static str, missing: &'static str },
    /// `COMMAND PROPERTY VALUE`, or `COMMAND user-property NAME VALUE`.
    Property,
    /// Only as `--option=value`, and only if wanted (options of our own).
    Attached { name: &'static str },
}

/// One option: a row of the table that the reader, help, man page and completions share.
#[derive(Debug)]
pub struct OptionSpec<Id: 'static> {
    pub id: Id,
    pub short: Option<char>,
    pub long: Option<&'static str>,
    pub value: Value,
    /// Bit set of the verbs that have the option.
    pub verbs: u8,
    /// The heading it stands under in help and man page.
    pub heading: &'static str,
    pub help: &'static str,
}

impl<Id> OptionSpec<Id> {
    /// The name error texts call it by: the short one where there is one.
    fn label(&self) -> String {
        match (self.short, self.long) {
            (Some('V'), Some(long)) => format!("--{long}"),
            (Some(short), _) => format!("-{short}"),
            (None, long) => format!("--{}", long.unwrap_or_default()),
        }
    }

    fn is(&self, word: &[u8]) -> bool {
        match word {
            [b'-', b'-', long @ ..] => self.long.is_some_and(|own| own.as_bytes() == long),
            [b'-', short] => self.short.is_some_and(|own| own as u32 == u32::from(*short)),
            _ => false,
        }
    }
}

/// Why the words cannot be read. Each is one of Mosquitto's texts in `cmd::connect::args`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WordError {
    /// Not an option of this verb.
    Unknown(String),
    /// The option is the last word but needs a value: its label and what is missing.
    MissingValue { label: String, missing: &'static str },
    /// `-D` with fewer words than it needs.
    NotEnoughArguments,
    /// `--option=value` for an option without a value.
    UnexpectedValue(String),
}

/// Reads words against a table.
#[derive(Debug)]
pub struct Reader<Id: 'static> {
    pub table: &'static [OptionSpec<Id>],
    /// The bit of the verb in [`OptionSpec::verbs`].
    pub verb: u8,
    /// Mosquitto's rules to the letter: no `--option=value`, no `--`.
    pub exact: bool,
}

impl<Id: Copy> Reader<Id> {
    /// Calls `apply` for each option in order, with its value words. The first error, of the words or
    /// of `apply`, ends it.
    pub fn read<E: From<WordError>>(
        &self,
        words: &[OsString],
        mut apply: impl FnMut(Id, Vec<OsString>) -> Result<(), E>,
    ) -> Result<(), E> {
        let mut rest = words;
        while let Some((word, after)) = rest.split_first() {
            rest = after;
            let bytes = word.as_bytes();
            if !self.exact && bytes == b"--" {
                return match rest.first() {
                    None => Ok(()),
                    Some(stray) => Err(WordError::Unknown(stray.to_string_lossy().into_owned()).into()),
                };
            }
            if let Some(spec) = self.find(bytes) {
                let taken = values_after(spec, rest)?;
                rest = &rest[taken..];
                apply(spec.id, words_of(after, taken))?;
            } else if let Some((spec, value)) = self.find_attached(bytes) {
                if matches!(spec.value, Value::None | Value::Property) {
                    return Err(WordError::UnexpectedValue(spec.label()).into());
                }
                apply(spec.id, vec![OsString::from_vec(value.to_vec())])?;
            } else {
                return Err(WordError::Unknown(word.to_string_lossy().into_owned()).into());
            }
        }
        Ok(())
    }

    fn find(&self, word: &[u8]) -> Option<&'static OptionSpec<Id>> {
        self.table.iter().find(|spec| spec.verbs & self.verb != 0 && spec.is(word))
    }

    /// `--long=value`. Under Mosquitto's names only our own options with an attached value take it,
    /// since theirs never do.
    fn find_attached<'w>(&self, word: &'w [u8]) -> Option<(&'static OptionSpec<Id>, &'w [u8])> {
        let at = memchr::memchr(b'=', word)?;
        if !word.starts_with(b"--") {
            return None;
        }
        let spec = self.find(&word[..at])?;
        (!self.exact || matches!(spec.value, Value::Attached { .. })).then_some((spec, &word[at + 1..]))
    }
}

/// How many of the words in `rest` belong to the option.
fn values_after<Id>(spec: &OptionSpec<Id>, rest: &[OsString]) -> Result<usize, WordError> {
    match spec.value {
        Value::None | Value::Attached { .. } => Ok(0),
        Value::Word { missing, .. } if rest.is_empty() => Err(WordError::MissingValue { label: spec.label(), missing }),
        Value::Word { .. } => Ok(1),
        // Only a user property has four words; which one it is, is judged where the names are known.
        Value::Property if rest.len() < 3 => Err(WordError::NotEnoughArguments),
        Value::Property if rest[1].eq_ignore_ascii_case("user-property") => Ok(rest.len().min(4)),
        Value::Property => Ok(3),
    }
}

fn words_of(words: &[OsString], count: usize) -> Vec<OsString> {
    words[..count].to_vec()
}

/// What C's `atoi` makes of the text: leading white space, a sign, digits; anything else ends it.
pub fn atoi(text: &OsStr) -> i32 {
    let text = text.as_bytes().trim_ascii_start();
    let (negative, digits) = match text {
        [b'-', rest @ ..] => (true, rest),
        [b'+', rest @ ..] => (false, rest),
        _ => (false, text),
    };
    let magnitude = digits
        .iter()
        .take_while(|byte| byte.is_ascii_digit())
        .fold(0_i64, |sum, digit| (sum * 10 + i64::from(digit - b'0')).min(i64::from(i32::MAX) + 1));
    let value = if negative { -magnitude } else { magnitude };
    i32::try_from(value).unwrap_or(if negative { i32::MIN } else { i32::MAX })
}

/// What C's `atof` makes of the text: the longest leading number, else 0.
pub fn atof(text: &OsStr) -> f64 {
    let text = String::from_utf8_lossy(text.as_bytes());
    let text = text.trim_start();
    (0..=text.len())
        .rev()
        .filter(|end| text.is_char_boundary(*end))
        .find_map(|end| text[..end].parse::<f64>().ok())
        .unwrap_or(0.0)
}

/// What C's `strtol` with base 0 makes of the text, if all of it is a number: decimal, `0x` hex, `0` octal.
pub fn strtol(text: &str) -> Option<i64> {
    let text = text.trim_ascii_start();
    let (negative, digits) = match text.as_bytes() {
        [b'-', ..] => (true, &text[1..]),
        [b'+', ..] => (false, &text[1..]),
        _ => (false, text),
    };
    let (digits, radix) = match digits.as_bytes() {
        [b'0', b'x' | b'X', ..] => (&digits[2..], 16),
        [b'0', _, ..] => (&digits[1..], 8),
        _ => (digits, 10),
    };
    if digits.is_empty() || !digits.chars().all(|digit| digit.is_digit(radix)) {
        return None;
    }
    // Beyond 64 bits strtol stops at the end of its range; so do we.
    let magnitude = i64::from_str_radix(digits, radix).unwrap_or(i64::MAX);
    Some(if negative { -magnitude } else { magnitude })
}

#[cfg(test)]
mod tests {
    use super::*;

    const TABLE: &[OptionSpec<char>] = &[
        row('m', Some('m'), Some("message"), Value::Word { name: "TEXT", missing: "no message" }, 1),
        row('V', Some('V'), Some("protocol-version"), Value::Word { name: "V", missing: "no version" }, 3),
        row('d', Some('d'), Some("debug"), Value::None, 3),
        row('D', Some('D'), Some("property"), Value::Property, 3),
        row('e', None, Some("embedded"), Value::Attached { name: "CONF" }, 3),
    ];

    const fn row(
        id: char,
        short: Option<char>,
        long: Option<&'static str>,
        value: Value,
        verbs: u8,
    ) -> OptionSpec<char> {
        OptionSpec { id, short, long, value, verbs, heading: "", help: "" }
    }

    fn read(verb: u8, exact: bool, words: &[&str]) -> Result<Vec<(char, Vec<OsString>)>, WordError> {
        let words: Vec<_> = words.iter().map(OsString::from).collect();
        let mut seen = Vec::new();
        Reader { table: TABLE, verb, exact }.read(&words, |id, values| {
            seen.push((id, values));
            Ok::<_, WordError>(())
        })?;
        Ok(seen)
    }

    #[test]
    fn the_word_after_an_option_is_its_value_whatever_it_looks_like() {
        assert_eq!(read(1, true, &["-m", "-d"]), Ok(vec![('m', vec!["-d".into()])]));
        assert_eq!(read(1, true, &["--message", ""]), Ok(vec![('m', vec!["".into()])]));
    }

    #[test]
    fn under_mosquittos_names_nothing_is_attached_or_bundled() {
        for word in ["--message=x", "-mx", "-dd", "--", "positional", "-", ""] {
            assert_eq!(read(1, true, &[word]), Err(WordError::Unknown(word.into())));
        }
    }

    #[test]
    fn our_own_verbs_take_attached_values_and_a_closing_double_dash() {
        assert_eq!(read(1, false, &["--message=a=b", "--"]), Ok(vec![('m', vec!["a=b".into()])]));
        assert_eq!(read(1, false, &["--", "x"]), Err(WordError::Unknown("x".into())));
        assert_eq!(read(1, false, &["--debug=1"]), Err(WordError::UnexpectedValue("-d".into())));
    }

    #[test]
    fn our_own_attached_options_work_under_both_names() {
        assert_eq!(read(1, true, &["--embedded=a.conf"]), Ok(vec![('e', vec!["a.conf".into()])]));
        assert_eq!(read(1, true, &["--embedded", "-d"]), Ok(vec![('e', vec![]), ('d', vec![])]));
    }

    #[test]
    fn an_option_of_another_verb_is_unknown_even_without_its_value() {
        assert_eq!(read(2, true, &["-m"]), Err(WordError::Unknown("-m".into())));
    }

    #[test]
    fn a_missing_value_is_told_by_the_short_name_but_for_the_protocol_version() {
        let missing = |label: &str, missing| Err(WordError::MissingValue { label: label.into(), missing });
        assert_eq!(read(1, true, &["--message"]), missing("-m", "no message"));
        assert_eq!(read(1, true, &["-V"]), missing("--protocol-version", "no version"));
    }

    #[test]
    fn a_property_takes_three_words_and_a_user_property_four() {
        let four = ["-D", "publish", "User-Property", "k", "v", "-d"];
        let seen = read(1, true, &four).unwrap();
        assert_eq!(seen[0].1.len(), 4);
        assert_eq!(seen[1], ('d', vec![]));
        assert_eq!(read(1, true, &["-D", "publish", "content-type", "x", "-d"]).unwrap().len(), 2);
        assert_eq!(read(1, true, &["-D", "publish", "x"]), Err(WordError::NotEnoughArguments));
    }

    #[test]
    fn numbers_are_read_as_c_reads_them() {
        let integers = [
            ("12", 12),
            (" -3x", -3),
            ("+7", 7),
            ("abc", 0),
            ("", 0),
            ("99999999999", i32::MAX),
            ("-99999999999", i32::MIN),
        ];
        for (text, number) in integers {
            assert_eq!(atoi(OsStr::new(text)), number, "{text}");
        }
        let floats = [("1.5s", 1.5), ("abc", 0.0), (".25", 0.25), ("1e2", 100.0), ("-1", -1.0)];
        for (text, number) in floats {
            assert!((atof(OsStr::new(text)) - number).abs() < 1e-9, "{text}");
        }
        assert_eq!(strtol("0x10"), Some(16));
        assert_eq!(strtol("010"), Some(8));
        assert_eq!(strtol("-1"), Some(-1));
        assert_eq!(strtol("1x"), None);
        assert_eq!(strtol(""), None);
        assert_eq!(strtol("99999999999999999999"), Some(i64::MAX));
    }
}
