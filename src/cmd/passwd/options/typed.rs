//! What was typed for passwd, and what its options take, each judged alone.

use std::ffi::{OsStr, OsString};
use std::num::NonZeroU32;
use std::path::PathBuf;

use crate::cmd::passwd::text::error;
use crate::cmd::words::{self, WordError, atoi};
use crate::os::text::OsStrExt;
use crate::passwd::{SALT_BYTES, SALT_BYTES_LONG};
use crate::scram::Mechanism;
use crate::term::{Failure, Secret};

/// Characters of a password that `--generate` makes, unless a number says.
pub const GENERATED_LENGTH: usize = 24;
/// What a number may ask for.
pub const GENERATED_LENGTHS: std::ops::RangeInclusive<usize> = 8..=1024;

/// Where a password comes from.
#[derive(Debug, PartialEq, Eq)]
pub enum Source {
    Prompt,
    Word(Secret),
    Stdin,
    File(PathBuf),
    Variable(OsString),
    Generate(usize),
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Kind {
    #[default]
    Pbkdf2,
    Sha512,
    Argon2id,
}

/// What was typed.
#[derive(Debug, Default)]
pub struct Typed {
    pub batch: bool,
    pub create: bool,
    pub delete: bool,
    pub update: bool,
    pub list: bool,
    pub weak: bool,
    pub json: bool,
    pub overwrite: bool,
    pub rehash: bool,
    pub help: bool,
    pub version: bool,
    pub verify: Option<OsString>,
    pub import: Option<PathBuf>,
    pub sources: Vec<Source>,
    pub scram: bool,
    pub mechanisms: Vec<Mechanism>,
    /// `-H`, if it was given.
    pub kind: Option<Kind>,
    pub iterations: Option<NonZeroU32>,
    /// `-I` is no whole number, but begins with one.
    pub iterations_go_on: bool,
    pub memory: Option<u32>,
    pub passes: Option<u32>,
    pub lanes: Option<u32>,
    pub salt_bytes: Option<usize>,
    pub reload: Option<OsString>,
}

/// Why an option is refused.
#[derive(Debug)]
pub struct Refused(Failure);

impl Refused {
    pub fn into_failure(self) -> Failure {
        self.0
    }
}

impl From<Failure> for Refused {
    fn from(failure: Failure) -> Self {
        Self(failure)
    }
}

impl From<WordError> for Refused {
    fn from(error: WordError) -> Self {
        Self(match error {
            WordError::Unknown { word, meant } => {
                let failure = self::error(&format!("Unknown option '{word}'."));
                match meant {
                    Some(meant) => failure.hint(format!("did you mean `--{meant}`? After `--` a word is no option")),
                    None => failure.hint("moskit passwd --help lists the options; after `--` a word is no option"),
                }
            }
            WordError::Late(word) => self::error(&format!("`{word}` stands behind FILE."))
                .hint("options with one dash stand in front of FILE; after `--` a word is no option"),
            WordError::MissingValue { word, .. } => {
                self::error(&format!("{word} argument given but not enough other arguments."))
            }
            WordError::NotEnoughArguments => self::error("not enough arguments given."),
            WordError::UnexpectedValue { word, .. } => self::error(&format!("`{word}` takes no value.")),
        })
    }
}

impl words::Typed for Typed {
    type Error = Refused;
}

pub fn set_hash(typed: &mut Typed, words: &[OsString]) -> Result<(), Refused> {
    typed.kind = Some(match words[0].as_bytes() {
        b"argon2id" => Kind::Argon2id,
        b"sha512-pbkdf2" => Kind::Pbkdf2,
        b"sha512" => Kind::Sha512,
        _ => {
            return Err(error(&format!("Unknown hash type '{}'", words[0].display()))
                .hint("-H takes argon2id, sha512-pbkdf2 or sha512")
                .into());
        }
    });
    Ok(())
}

pub fn add_mechanism(typed: &mut Typed, words: &[OsString]) -> Result<(), Refused> {
    let named = words[0].to_str().and_then(|name| Mechanism::named(&name.to_ascii_uppercase()));
    let mechanism = named.ok_or_else(|| {
        let names = Mechanism::ALL.map(Mechanism::name).join(", ");
        error(&format!("Unknown mechanism '{}'.", words[0].display())).hint(format!("there are {names}"))
    })?;
    if !typed.mechanisms.contains(&mechanism) {
        typed.mechanisms.push(mechanism);
    }
    Ok(())
}

pub fn set_iterations(typed: &mut Typed, words: &[OsString]) -> Result<(), Refused> {
    let count = u32::try_from(atoi(&words[0])).ok().and_then(NonZeroU32::new);
    typed.iterations = Some(count.ok_or_else(no_iterations)?);
    typed.iterations_go_on = words[0].to_str().is_none_or(|text| text.trim_ascii().parse::<i32>().is_err());
    Ok(())
}

pub fn no_iterations() -> Failure {
    error("Number of iterations must be > 0.").hint(format!("-I takes a whole number from 1 to {}", i32::MAX))
}

pub fn set_salt_bytes(typed: &mut Typed, words: &[OsString]) -> Result<(), Refused> {
    let count = number("--salt-bytes", &words[0])? as usize;
    // No Mosquitto reads any other.
    if ![SALT_BYTES, SALT_BYTES_LONG].contains(&count) {
        return Err(error(&format!("--salt-bytes is {SALT_BYTES} or {SALT_BYTES_LONG}.")).into());
    }
    typed.salt_bytes = Some(count);
    Ok(())
}

pub fn add_generate(typed: &mut Typed, words: &[OsString]) -> Result<(), Refused> {
    let length = match words.first() {
        None => GENERATED_LENGTH,
        Some(word) => word.to_str().and_then(|text| text.parse().ok()).unwrap_or(0),
    };
    // Whoever takes it for the option of the password itself has typed one, so the value is not shown.
    if !GENERATED_LENGTHS.contains(&length) {
        let (least, most) = (GENERATED_LENGTHS.start(), GENERATED_LENGTHS.end());
        let sentence = format!("--generate takes how many characters to make, {least} to {most}, and no password.");
        return Err(error(&sentence).into());
    }
    typed.sources.push(Source::Generate(length));
    Ok(())
}

/// A whole number greater than 0.
pub fn number(option: &str, value: &OsStr) -> Result<u32, Failure> {
    let number = value.to_str().and_then(|text| text.parse().ok()).filter(|number| *number > 0);
    number.ok_or_else(|| error(&format!("{option} takes a whole number greater than 0, not '{}'.", value.display())))
}
