//! Getting the password from where the options say it is.

use std::ffi::OsStr;
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use super::options::Source;
use super::options::{MAX_BYTES, valid_password};
use super::text::{error, failed};
use crate::net::reason;
use crate::os::text::OsStringExt;
use crate::passwd;
use crate::term::{AskError, Audience, Exit, Failure, Secret, Term};

/// Two entries at the prompt that differ.
const NO_MATCH: Exit = Exit(2);

/// What a signal at the prompt means to the caller of the program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Interrupted {
    /// 0, as mosquitto_passwd ends.
    Success,
    /// 128 and the number of the signal, as shells say it.
    Signal,
}

impl Source {
    /// The password for a new hash. A prompt asks for it twice.
    pub fn new_password(self, interrupted: Interrupted, term: &mut Term) -> Result<Secret, Failure> {
        match self {
            Self::Prompt => {
                let password = ask("Password: ", interrupted, term)?;
                let again = ask("Reenter password: ", interrupted, term)?;
                if password == again {
                    Ok(password)
                } else {
                    Err(Failure::verbatim(NO_MATCH, "Error: Passwords do not match.\n"))
                }
            }
            other => other.known_password(interrupted, term),
        }
    }

    /// A password that is to be checked. A prompt asks for it once.
    pub fn known_password(self, interrupted: Interrupted, term: &mut Term) -> Result<Secret, Failure> {
        match self {
            Self::Prompt => ask("Password: ", interrupted, term),
            Self::Word(password) => Ok(password),
            Self::Stdin => first_line(&mut io::stdin().lock(), "standard input"),
            Self::File(path) => from_file(&path),
            Self::Variable(name) => from_variable(&name),
            Self::Generate(length) => passwd::generate(length)
                .map(|password| Secret::new(password.as_slice()))
                .map_err(|_| failed("cannot make a password: the system gives no random bytes".to_owned())),
        }
    }
}

fn ask(question: &str, interrupted: Interrupted, term: &mut Term) -> Result<Secret, Failure> {
    let answer = term.ask_secret(question, Audience::Out).map_err(|ended| match (ended, interrupted) {
        (AskError::Signal(_), Interrupted::Success) => Failure::silent(Exit::OK),
        (AskError::Signal(number), Interrupted::Signal) => Failure::silent(Exit(128 + number)),
        (AskError::Read(cause), _) => failed(format!("cannot read the password: {}", reason(&cause))),
    })?;
    not_empty(answer).and_then(valid_password)
}

fn from_file(path: &Path) -> Result<Secret, Failure> {
    let mut file = File::open(path)
        .map_err(|cause| failed(format!("cannot read the password from `{}`: {}", path.display(), reason(&cause))))?;
    first_line(&mut file, &format!("`{}`", path.display()))
}

fn from_variable(name: &OsStr) -> Result<Secret, Failure> {
    let value = std::env::var_os(name).ok_or_else(|| failed(format!("there is no variable `{}`", name.display())))?;
    not_empty(Secret::new(value.into_vec())).and_then(valid_password)
}

/// The first line, as in every file that holds a secret.
fn first_line(input: &mut impl Read, whence: &str) -> Result<Secret, Failure> {
    let line = Secret::first_line(input, MAX_BYTES)
        .map_err(|cause| failed(format!("cannot read the password from {whence}: {}", reason(&cause))))?;
    not_empty(line).and_then(valid_password)
}

fn not_empty(password: Secret) -> Result<Secret, Failure> {
    if password.expose().is_empty() { Err(error("Empty password.")) } else { Ok(password) }
}
