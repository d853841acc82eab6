//! From argv to what was typed: mosquitto_passwd's way to read words, and ours.
//!
//! Its options come first; the first word that is none begins the operands, so that `FILE -b` means
//! a user called `-b`. Under our own verb options with two dashes count wherever they stand, until
//! a `--`, and may have their value attached: `--list=…`.

use std::ffi::{OsStr, OsString};

use super::table::{MOSQUITTO, OWN, Opt, TABLE};
use super::text;
use crate::cmd::words::{OptionSpec, Value};
use crate::os::text::{OsStrExt, OsStringExt};
use crate::term::Failure;

/// An option with its value, if it takes one.
pub type Given = (Opt, Option<OsString>);

/// Reads the words. `apply` is told each option in order, because the first error of either ends
/// it; what comes back are the operands.
pub fn read(
    words: &[OsString],
    as_mosquitto: bool,
    mut apply: impl FnMut(Given) -> Result<(), Failure>,
) -> Result<Vec<OsString>, Failure> {
    let mut operands = Vec::new();
    let mut rest = words.iter().peekable();
    while let Some(word) = rest.next() {
        if as_mosquitto {
            match find(word, MOSQUITTO).filter(|_| operands.is_empty()) {
                Some(spec) => apply((spec.id, value_after(spec, word, rest.next_if(|_| takes_word(spec)))?))?,
                None => operands.push(word.clone()),
            }
        } else if word == "--" {
            operands.extend(rest.by_ref().cloned());
        } else if let Some((spec, value)) = find_attached(word) {
            if spec.value == Value::None {
                return Err(text::error(&format!("`--{}` takes no value.", spec.long.unwrap_or_default())));
            }
            apply((spec.id, Some(value)))?;
        } else if is_option(word, operands.is_empty()) {
            let Some(spec) = find(word, OWN) else {
                return Err(text::error(&format!("Unknown option '{}'.", word.display()))
                    .hint("moskit passwd --help lists the options; after `--` a word is no option"));
            };
            apply((spec.id, value_after(spec, word, rest.next_if(|next| wants(spec, next)))?))?;
        } else {
            operands.push(word.clone());
        }
    }
    Ok(operands)
}

/// Whether our own verb takes the word for an option. A single `-` is a file.
fn is_option(word: &OsStr, is_first: bool) -> bool {
    let bytes = word.as_bytes();
    bytes.starts_with(b"--") || (is_first && bytes.starts_with(b"-") && bytes.len() > 1)
}

fn find(word: &OsStr, verb: u8) -> Option<&'static OptionSpec<Opt>> {
    TABLE.iter().filter(|spec| spec.verbs & verb != 0).find(|spec| match word.as_bytes() {
        [b'-', b'-', long @ ..] => verb == OWN && spec.long.is_some_and(|own| own.as_bytes() == long),
        [b'-', short] => spec.short.is_some_and(|own| own as u32 == u32::from(*short)),
        _ => false,
    })
}

fn find_attached(word: &OsStr) -> Option<(&'static OptionSpec<Opt>, OsString)> {
    let bytes = word.as_bytes();
    let at = memchr::memchr(b'=', bytes).filter(|_| bytes.starts_with(b"--"))?;
    let spec = find(&OsString::from_vec(bytes[..at].to_vec()), OWN)?;
    Some((spec, OsString::from_vec(bytes[at + 1..].to_vec())))
}

fn takes_word(spec: &OptionSpec<Opt>) -> bool {
    matches!(spec.value, Value::Word { .. })
}

/// `--generate` takes the next word only if that is a number.
fn wants(spec: &OptionSpec<Opt>, next: &OsStr) -> bool {
    let is_number = !next.is_empty() && next.as_bytes().iter().all(u8::is_ascii_digit);
    takes_word(spec) || (matches!(spec.value, Value::Attached { .. }) && is_number)
}

fn value_after(spec: &OptionSpec<Opt>, word: &OsStr, value: Option<&OsString>) -> Result<Option<OsString>, Failure> {
    match value {
        None if takes_word(spec) => {
            Err(text::error(&format!("{} argument given but not enough other arguments.", word.display())))
        }
        value => Ok(value.cloned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(as_mosquitto: bool, words: &[&str]) -> Result<(Vec<Given>, Vec<OsString>), String> {
        let words: Vec<OsString> = words.iter().map(OsString::from).collect();
        let mut given = Vec::new();
        let operands = read(&words, as_mosquitto, |option| {
            given.push(option);
            Ok(())
        })
        .map_err(|failure| failure.verbatim)?;
        Ok((given, operands))
    }

    #[test]
    fn after_the_file_everything_is_an_operand() {
        for as_mosquitto in [true, false] {
            let read = seen(as_mosquitto, &["-b", "f", "-b", "-c"]).unwrap();
            assert_eq!(read, (vec![(Opt::Batch, None)], vec!["f".into(), "-b".into(), "-c".into()]));
        }
    }

    #[test]
    fn mosquitto_passwd_knows_its_six_options_only() {
        for word in ["--list", "--create", "-h", "-cb", "--", "-H=sha512", "--hash=sha512"] {
            assert_eq!(seen(true, &[word, "-c"]), Ok((vec![], vec![word.into(), "-c".into()])));
        }
        assert_eq!(seen(true, &["-H", "-c"]), Ok((vec![(Opt::Hash, Some("-c".into()))], vec![])));
    }

    #[test]
    fn our_own_options_stand_anywhere_until_two_dashes() {
        let read = seen(false, &["f", "--stdin", "--pw-env=A=B", "u", "--", "--list"]).unwrap();
        assert_eq!(read.0, [(Opt::Stdin, None), (Opt::PasswordVariable, Some("A=B".into()))]);
        assert_eq!(read.1, ["f", "u", "--list"]);
    }

    #[test]
    fn a_length_follows_generate_in_either_way_or_not_at_all() {
        for words in [&["--generate", "30", "f"][..], &["--generate=30", "f"]] {
            assert_eq!(seen(false, words).unwrap(), (vec![(Opt::Generate, Some("30".into()))], vec!["f".into()]));
        }
        assert_eq!(seen(false, &["--generate", "f"]).unwrap(), (vec![(Opt::Generate, None)], vec!["f".into()]));
    }

    #[test]
    fn words_that_cannot_be_read_are_named() {
        let short = "argument given but not enough other arguments.\n";
        assert_eq!(seen(true, &["-I"]), Err(format!("Error: -I {short}")));
        assert_eq!(seen(false, &["--pw-file"]), Err(format!("Error: --pw-file {short}")));
        assert_eq!(seen(false, &["f", "--lisst"]), Err("Error: Unknown option '--lisst'.\n".into()));
        assert_eq!(seen(false, &["-x"]), Err("Error: Unknown option '-x'.\n".into()));
        assert_eq!(seen(false, &["--list=x"]), Err("Error: `--list` takes no value.\n".into()));
        assert_eq!(seen(false, &["-"]), Ok((vec![], vec!["-".into()])));
    }
}
