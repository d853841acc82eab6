//! The exact-word reader of pub, sub, rr and passwd.
//!
//! Mosquitto's rules are not clap's: each option is one exact word, the next word is its value
//! whatever it looks like, words are read strictly left to right, the first error stops, and the
//! texts of the errors are fixed. Under moskit's own verbs the reader also
//! takes `--option=value` and a closing `--`.

use std::ffi::{OsStr, OsString};

use crate::c_text::is_space;
use crate::examine::spelling::nearest;
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
    /// As `--option=value`, as the next word where that is a whole number, or left out (options of our own).
    Number { name: &'static str },
    /// All words that follow, whatever they look like, and one at least: a command with its arguments (options of our own).
    Rest { name: &'static str, missing: &'static str },
}

/// What was typed for a verb, which the rows of its table fill in.
pub trait Typed: 'static {
    /// Why an option or its value is refused.
    type Error: From<WordError> + std::fmt::Debug;
}

/// What takes the value words of an option into what was typed.
pub type Set<T> = fn(&mut T, &[OsString]) -> Result<(), <T as Typed>::Error>;

/// What refuses an option beside what was typed before it.
pub type Conflict<T> = fn(&T) -> Result<(), <T as Typed>::Error>;

/// One option: the row of the table that the reader, help, man page and completions share.
#[derive(Debug)]
pub struct OptionSpec<T: Typed> {
    pub short: Option<char>,
    pub long: Option<&'static str>,
    pub value: Value,
    /// Bit set of the verbs that have the option.
    pub verbs: u8,
    /// The heading it stands under in help and man page.
    pub heading: &'static str,
    pub help: &'static str,
    /// Whether each use adds to those before it; else the last one counts.
    pub repeats: bool,
    /// What excludes the option, whatever its value: judged before the value is looked for.
    pub conflict: Option<Conflict<T>>,
    /// The values that it takes, where they are few: for completions.
    pub choices: &'static [&'static str],
    /// Unknown under Mosquitto's names: a letter of ours that means something else in a script for Mosquitto, or will.
    pub is_ours_alone: bool,
    /// Takes the value, which are as many words as `value` promises, into what was typed.
    pub set: Set<T>,
}

impl<T: Typed> OptionSpec<T> {
    /// The row, but each use adds to those before it.
    #[must_use]
    pub const fn repeated(mut self) -> Self {
        self.repeats = true;
        self
    }

    /// The row with the values that completions offer.
    #[must_use]
    pub const fn of(mut self, choices: &'static [&'static str]) -> Self {
        self.choices = choices;
        self
    }

    /// The row, but Mosquitto's names do not have it.
    #[must_use]
    pub const fn ours_alone(mut self) -> Self {
        self.is_ours_alone = true;
        self
    }

    /// The row with what excludes it.
    #[must_use]
    pub const fn unless(mut self, conflict: Conflict<T>) -> Self {
        self.conflict = Some(conflict);
        self
    }

    /// Takes one use of the option with its value words.
    pub fn take(&self, typed: &mut T, values: &[OsString]) -> Result<(), T::Error> {
        self.refuse(typed)?;
        (self.set)(typed, values)
    }

    fn refuse(&self, typed: &T) -> Result<(), T::Error> {
        self.conflict.map_or(Ok(()), |conflict| conflict(typed))
    }

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

/// Why the words cannot be read. Each verb has its texts for them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WordError {
    /// Not an option of this verb, and the one that it was meant to be, as far as that can be told.
    Unknown { word: String, meant: Option<&'static str> },
    /// An option with one dash behind the first operand.
    Late(String),
    /// The option is the last word but needs a value: the word itself, its label and what is missing.
    MissingValue { word: String, label: String, missing: &'static str },
    /// `-D` with fewer words than it needs.
    NotEnoughArguments,
    /// `--option=value` for an option without a value: its label and the word in front of the `=`.
    UnexpectedValue { word: String, label: String },
}

/// What other MQTT clients call options of ours, whose names are too far from it to be taken for a slip.
const ELSEWHERE: &[(&str, &str)] = &[
    ("ca", "cafile"),
    ("ca-file", "cafile"),
    ("client-id", "id"),
    ("clientid", "id"),
    ("hostname", "host"),
    ("password", "pw"),
    ("payload", "message"),
];

/// What words are that name no option.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operands {
    /// There are none: such a word is an error.
    Refused,
    /// The first such word and all that follow it, whatever they look like, as getopt of POSIX has it.
    AfterOptions,
    /// Words without a dash in front, wherever they stand. Behind the first operand an option needs two dashes: what has
    /// one there is refused, since mosquitto_passwd takes it for an operand.
    Anywhere,
}

/// Reads words against a table.
#[derive(Debug)]
pub struct Reader<T: Typed> {
    pub table: &'static [OptionSpec<T>],
    /// The bit of the verb in [`OptionSpec::verbs`].
    pub verb: u8,
    /// Mosquitto's rules to the letter: no `--option=value`, no `--`.
    pub exact: bool,
    /// Only the short names are known, as to mosquitto_passwd.
    pub short_names_only: bool,
    pub operands: Operands,
}

impl<T: Typed> Reader<T> {
    /// Takes each option in order into `typed`, and returns the operands. The first error, of the words or of an
    /// option, ends it.
    pub fn read(&self, words: &[OsString], typed: &mut T) -> Result<Vec<OsString>, T::Error> {
        let mut operands = Vec::new();
        let mut rest = words;
        while let Some((word, after)) = rest.split_first() {
            rest = after;
            let bytes = word.as_bytes();
            if !self.exact && bytes == b"--" {
                match (self.operands, rest.first()) {
                    (Operands::Refused, Some(stray)) => return Err(self.unknown(stray).into()),
                    _ => operands.extend_from_slice(rest),
                }
                break;
            }
            if !operands.is_empty() && self.is_past_options(bytes) {
                operands.push(word.clone());
            } else if !operands.is_empty() && self.operands == Operands::Anywhere && is_short(bytes) {
                return Err(WordError::Late(late(word)).into());
            } else if let Some(spec) = self.find(bytes) {
                spec.refuse(typed)?;
                let taken = values_after(spec, word, rest)?;
                (spec.set)(typed, &rest[..taken])?;
                rest = &rest[taken..];
            } else if let Some((spec, value)) = self.find_attached(bytes) {
                if matches!(spec.value, Value::None | Value::Property) {
                    let name = &bytes[..bytes.len() - value.len() - 1];
                    let word = String::from_utf8_lossy(name).into_owned();
                    return Err(WordError::UnexpectedValue { word, label: spec.label() }.into());
                }
                let value = OsString::from_vec(value.to_vec());
                let others = if matches!(spec.value, Value::Rest { .. }) { std::mem::take(&mut rest) } else { &[] };
                let values: Vec<_> = std::iter::once(value).chain(others.iter().cloned()).collect();
                spec.take(typed, &values)?;
            } else if self.is_operand(bytes) {
                operands.push(word.clone());
            } else {
                return Err(self.unknown(word).into());
            }
        }
        Ok(operands)
    }

    /// Whether a word behind the first operand is an operand, whatever it looks like.
    fn is_past_options(&self, word: &[u8]) -> bool {
        match self.operands {
            Operands::Refused => false,
            Operands::AfterOptions => true,
            Operands::Anywhere => !word.starts_with(b"-") || word == b"-",
        }
    }

    fn is_operand(&self, word: &[u8]) -> bool {
        match self.operands {
            Operands::Refused => false,
            Operands::AfterOptions => true,
            Operands::Anywhere => !word.starts_with(b"-") || word == b"-",
        }
    }

    /// An option that there is not. Mosquitto's programs guess nothing.
    fn unknown(&self, word: &OsStr) -> WordError {
        let meant = if self.exact { None } else { self.meant(&text(word)) };
        WordError::Unknown { word: without_secret(word, self.exact), meant }
    }

    /// The long option that was meant, by its spelling, by its beginning, or by what other programs call it.
    fn meant(&self, word: &str) -> Option<&'static str> {
        let name = word.trim_start_matches('-');
        let name = name.split_once('=').map_or(name, |(name, _)| name).to_ascii_lowercase();
        let known = || self.table.iter().filter(|spec| spec.verbs & self.verb != 0).filter_map(|spec| spec.long);
        let elsewhere = ELSEWHERE.iter().find(|(theirs, _)| *theirs == name).map(|(_, ours)| *ours);
        if let Some(ours) = elsewhere.filter(|ours| known().any(|known| known == *ours)) {
            return Some(ours);
        }
        let mut longer = known().filter(|known| name.len() >= 3 && known.starts_with(&name));
        match (nearest(&name, known()), longer.next(), longer.next()) {
            (Some(near), ..) => Some(near),
            (None, Some(only), None) => Some(only),
            _ => None,
        }
    }

    fn find(&self, word: &[u8]) -> Option<&'static OptionSpec<T>> {
        self.table.iter().find(|spec| {
            let is_hidden = self.exact && spec.is_ours_alone || self.short_names_only && word.starts_with(b"--");
            spec.verbs & self.verb != 0 && spec.is(word) && !is_hidden
        })
    }

    /// `--long=value`. Under Mosquitto's names only our own options with an attached value take it,
    /// since theirs never do.
    fn find_attached<'w>(&self, word: &'w [u8]) -> Option<(&'static OptionSpec<T>, &'w [u8])> {
        let at = word.iter().position(|byte| *byte == b'=')?;
        if !word.starts_with(b"--") {
            return None;
        }
        let spec = self.find(&word[..at])?;
        (!self.exact || matches!(spec.value, Value::Attached { .. })).then_some((spec, &word[at + 1..]))
    }
}

/// How many of the words in `rest` belong to the option, which was typed as `word`.
fn values_after<T: Typed>(spec: &OptionSpec<T>, word: &OsStr, rest: &[OsString]) -> Result<usize, WordError> {
    match spec.value {
        Value::None | Value::Attached { .. } => Ok(0),
        Value::Number { .. } => Ok(usize::from(rest.first().is_some_and(|next| is_number(next)))),
        Value::Word { missing, .. } | Value::Rest { missing, .. } if rest.is_empty() => {
            Err(WordError::MissingValue { word: text(word), label: spec.label(), missing })
        }
        Value::Word { .. } => Ok(1),
        Value::Rest { .. } => Ok(rest.len()),
        // Only a user property has four words; which one it is, is judged where the names are known.
        Value::Property if rest.len() < 3 => Err(WordError::NotEnoughArguments),
        Value::Property if rest[1].eq_ignore_ascii_case("user-property") => Ok(rest.len().min(4)),
        Value::Property => Ok(3),
    }
}

/// One dash and something behind it.
fn is_short(word: &[u8]) -> bool {
    word.len() > 1 && word.starts_with(b"-") && !word.starts_with(b"--")
}

/// The option as far as it may be shown: what follows its letter may be a password.
fn late(word: &OsStr) -> String {
    let mut letters = word.to_string_lossy().chars().skip(1).collect::<Vec<_>>().into_iter();
    let letter = letters.next().unwrap_or_default();
    if letters.next().is_none() { format!("-{letter}") } else { format!("-{letter}…") }
}

fn is_number(word: &OsStr) -> bool {
    !word.is_empty() && word.as_bytes().iter().all(u8::is_ascii_digit)
}

fn text(word: &OsStr) -> String {
    word.to_string_lossy().into_owned()
}

/// The word of an option that there is not, without what may be a password behind it. Read to the letter, only an option that
/// is known for its secret loses its value, because Mosquitto's error names the whole word.
fn without_secret(word: &OsStr, exact: bool) -> String {
    let word = text(word);
    let secret = ["-P", "--pw", "--psk", "--proxy", "--header"]
        .iter()
        .find(|secret| word.starts_with(*secret) && word != **secret);
    match (word.split_once('='), secret) {
        (Some((name, _)), secret) if (secret.is_some() || !exact) && (name.starts_with("--") || name == "-b") => {
            format!("{name}=…")
        }
        (_, Some(secret)) => format!("{secret}…"),
        (_, None) => word,
    }
}

/// What C's `atoi` makes of the text: leading white space, a sign, digits; anything else ends it. glibc reads 64 bits,
/// and stops at their ends; of these Mosquitto's programs get the lower half.
pub fn atoi(text: &OsStr) -> i32 {
    let text = text.as_bytes();
    let text = &text[text.iter().take_while(|byte| is_space(**byte)).count()..];
    let (negative, digits) = match text {
        [b'-', rest @ ..] => (true, rest),
        [b'+', rest @ ..] => (false, rest),
        _ => (false, text),
    };
    let magnitude = digits
        .iter()
        .take_while(|byte| byte.is_ascii_digit())
        .fold(0_i128, |sum, digit| (sum * 10 + i128::from(digit - b'0')).min(i128::from(i64::MAX) + 1));
    let value = if negative { -magnitude } else { magnitude };
    value.clamp(i64::MIN.into(), i64::MAX.into()) as i32
}

/// What C's `atof` makes of the text: the longest leading number, else 0.
pub fn atof(text: &OsStr) -> f64 {
    let text = String::from_utf8_lossy(text.as_bytes());
    let text = &text[text.bytes().take_while(|byte| is_space(*byte)).count()..];
    (0..=text.len())
        .rev()
        .filter(|end| text.is_char_boundary(*end))
        .find_map(|end| text[..end].parse::<f64>().ok())
        .unwrap_or(0.0)
}

/// What C's `strtol` with base 0 makes of the text, if all of it is a number: decimal, `0x` hex, `0` octal.
pub fn strtol(text: &str) -> Option<i64> {
    let text = &text[text.bytes().take_while(|byte| is_space(*byte)).count()..];
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

    /// Each use of an option: its letter and its value words.
    type Seen = Vec<(char, Vec<OsString>)>;

    impl Typed for Seen {
        type Error = WordError;
    }

    macro_rules! see {
        ($letter:literal) => {
            |seen, values| {
                seen.push(($letter, values.to_vec()));
                Ok(())
            }
        };
    }

    fn unless_debugging(seen: &Seen) -> Result<(), WordError> {
        if seen.iter().any(|(letter, _)| *letter == 'd') { Err(WordError::NotEnoughArguments) } else { Ok(()) }
    }

    const TABLE: &[OptionSpec<Seen>] = &[
        row(Some('m'), "message", Value::Word { name: "TEXT", missing: "no message" }, 1, see!('m'))
            .unless(unless_debugging),
        row(Some('V'), "protocol-version", Value::Word { name: "V", missing: "no version" }, 3, see!('V')),
        row(Some('d'), "debug", Value::None, 3, see!('d')),
        row(Some('D'), "property", Value::Property, 3, see!('D')),
        row(None, "embedded", Value::Attached { name: "CONF" }, 3, see!('e')),
        row(None, "generate", Value::Number { name: "LENGTH" }, 4, see!('g')),
        row(Some('b'), "batch", Value::None, 4, see!('b')),
        row(None, "exec", Value::Rest { name: "COMMAND", missing: "no command" }, 3, see!('x')),
    ];

    const fn row(short: Option<char>, long: &'static str, value: Value, verbs: u8, set: Set<Seen>) -> OptionSpec<Seen> {
        OptionSpec {
            short,
            long: Some(long),
            value,
            verbs,
            heading: "",
            help: "",
            repeats: false,
            conflict: None,
            choices: &[],
            is_ours_alone: false,
            set,
        }
    }

    fn unknown(word: &str, meant: Option<&'static str>) -> WordError {
        WordError::Unknown { word: word.to_owned(), meant }
    }

    #[test]
    fn the_option_that_was_meant_is_named_by_us_and_not_by_mosquitto() {
        for (word, shown, meant) in [
            ("--mesage", "--mesage", Some("message")),
            ("-message", "-message", Some("message")),
            ("message", "message", Some("message")),
            ("--Message=hush", "--Message=…", Some("message")),
            ("--payload", "--payload", Some("message")),
            ("--proto", "--proto…", Some("protocol-version")),
            // No option of this verb.
            ("--generat", "--generat", None),
            ("--password", "--pw…", None),
            ("-x", "-x", None),
        ] {
            let shown = if word.starts_with("--p") { text(&OsString::from(word)) } else { shown.to_owned() };
            assert_eq!(read(1, false, &[word]), Err(unknown(&shown, meant)), "{word}");
            assert!(matches!(read(1, true, &[word]), Err(WordError::Unknown { meant: None, .. })), "{word}");
        }
    }

    fn words(words: &[&str]) -> Vec<OsString> {
        words.iter().map(OsString::from).collect()
    }

    fn read(verb: u8, exact: bool, typed: &[&str]) -> Result<Seen, WordError> {
        let reader = Reader { table: TABLE, verb, exact, short_names_only: false, operands: Operands::Refused };
        let mut seen = Seen::new();
        reader.read(&words(typed), &mut seen)?;
        Ok(seen)
    }

    /// The options and the operands, with operands as `operands` says.
    fn with_operands(operands: Operands, typed: &[&str]) -> (Vec<char>, Vec<OsString>) {
        let exact = operands == Operands::AfterOptions;
        let mut seen = Seen::new();
        let found = Reader { table: TABLE, verb: 4, exact, short_names_only: exact, operands }
            .read(&words(typed), &mut seen)
            .unwrap();
        (seen.into_iter().map(|(letter, _)| letter).collect(), found)
    }

    #[test]
    fn the_word_after_an_option_is_its_value_whatever_it_looks_like() {
        assert_eq!(read(1, true, &["-m", "-d"]), Ok(vec![('m', vec!["-d".into()])]));
        assert_eq!(read(1, true, &["--message", ""]), Ok(vec![('m', vec!["".into()])]));
    }

    #[test]
    fn under_mosquittos_names_nothing_is_attached_or_bundled() {
        for word in ["--message=x", "-mx", "-dd", "--", "positional", "-", ""] {
            assert_eq!(read(1, true, &[word]), Err(unknown(word, None)));
        }
    }

    #[test]
    fn our_own_verbs_take_attached_values_and_a_closing_double_dash() {
        assert_eq!(read(1, false, &["--message=a=b", "--"]), Ok(vec![('m', vec!["a=b".into()])]));
        assert_eq!(read(1, false, &["--", "x"]), Err(unknown("x", None)));
        assert_eq!(
            read(1, false, &["--debug=1"]),
            Err(WordError::UnexpectedValue { word: "--debug".into(), label: "-d".into() })
        );
    }

    #[test]
    fn our_own_attached_options_work_under_both_names() {
        assert_eq!(read(1, true, &["--embedded=a.conf"]), Ok(vec![('e', vec!["a.conf".into()])]));
        assert_eq!(read(1, true, &["--embedded", "-d"]), Ok(vec![('e', vec![]), ('d', vec![])]));
    }

    #[test]
    fn a_command_is_all_that_follows_whatever_it_looks_like() {
        for exact in [true, false] {
            assert_eq!(
                read(1, exact, &["-d", "--exec", "a", "-d", "--", "--exec"]),
                Ok(vec![('d', vec![]), ('x', words(&["a", "-d", "--", "--exec"]))])
            );
            assert!(matches!(read(1, exact, &["--exec"]), Err(WordError::MissingValue { .. })));
        }
        assert_eq!(read(1, false, &["--exec=a", "-d"]), Ok(vec![('x', words(&["a", "-d"]))]));
    }

    #[test]
    fn an_option_of_another_verb_is_unknown_even_without_its_value() {
        assert_eq!(read(2, true, &["-m"]), Err(unknown("-m", None)));
    }

    #[test]
    fn a_missing_value_is_told_by_the_short_name_but_for_the_protocol_version() {
        let missing = |word: &str, label: &str, missing| {
            Err(WordError::MissingValue { word: word.into(), label: label.into(), missing })
        };
        assert_eq!(read(1, true, &["--message"]), missing("--message", "-m", "no message"));
        assert_eq!(read(1, true, &["-V"]), missing("-V", "--protocol-version", "no version"));
    }

    #[test]
    fn what_excludes_an_option_is_told_before_its_missing_value() {
        assert_eq!(read(1, true, &["-d", "-m"]), Err(WordError::NotEnoughArguments));
        assert_eq!(read(1, false, &["-d", "--message=x"]), Err(WordError::NotEnoughArguments));
    }

    #[test]
    fn behind_the_first_operand_everything_is_one_for_mosquitto_passwd() {
        let (seen, operands) = with_operands(Operands::AfterOptions, &["-b", "f", "-b", "--", "--batch"]);
        assert_eq!((seen, operands), (vec!['b'], words(&["f", "-b", "--", "--batch"])));
        assert_eq!(with_operands(Operands::AfterOptions, &["--batch", "-b"]).1, words(&["--batch", "-b"]));
    }

    #[test]
    fn our_own_options_with_two_dashes_stand_anywhere_until_a_bare_pair() {
        let (seen, operands) =
            with_operands(Operands::Anywhere, &["-b", "f", "--generate", "-", "--", "-b", "--batch"]);
        assert_eq!((seen, operands), (vec!['b', 'g'], words(&["f", "-", "-b", "--batch"])));
        assert_eq!(with_operands(Operands::Anywhere, &["-"]).1, words(&["-"]));
    }

    #[test]
    fn an_option_with_one_dash_behind_an_operand_is_refused_without_what_may_be_a_password() {
        let reader =
            Reader { table: TABLE, verb: 4, exact: false, short_names_only: false, operands: Operands::Anywhere };
        for (word, shown) in [("-b", "-b"), ("-x", "-x"), ("-secret", "-s…"), ("-é", "-é")] {
            let refused = reader.read(&words(&["f", word]), &mut Seen::new());
            assert_eq!(refused, Err(WordError::Late(shown.to_owned())), "{word}");
        }
    }

    #[test]
    fn a_number_may_follow_its_option_or_be_left_out() {
        for (typed, values) in
            [(&["--generate", "30"][..], &["30"][..]), (&["--generate=30"], &["30"]), (&["--generate"], &[])]
        {
            assert_eq!(read(4, false, typed), Ok(vec![('g', words(values))]));
        }
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
            ("\x0b\x0c\n2", 2),
            ("\u{a0}2", 0),
            ("+7", 7),
            ("abc", 0),
            ("", 0),
            ("2147483647", i32::MAX),
            ("2147483648", i32::MIN),
            ("4294967298", 2),
            ("99999999999999999999", -1),
            ("-99999999999999999999", 0),
        ];
        for (text, number) in integers {
            assert_eq!(atoi(OsStr::new(text)), number, "{text}");
        }
        let floats = [
            ("1.5s", 1.5),
            ("abc", 0.0),
            (".25", 0.25),
            ("\x0b2", 2.0),
            ("\u{a0}2", 0.0),
            ("1e2", 100.0),
            ("-1", -1.0),
        ];
        for (text, number) in floats {
            assert!((atof(OsStr::new(text)) - number).abs() < 1e-9, "{text}");
        }
        assert_eq!(strtol("0x10"), Some(16));
        assert_eq!(strtol("010"), Some(8));
        assert_eq!(strtol("-1"), Some(-1));
        assert_eq!(strtol("\x0b1"), Some(1));
        assert_eq!(strtol("1x"), None);
        assert_eq!(strtol(""), None);
        assert_eq!(strtol("99999999999999999999"), Some(i64::MAX));
    }
}
