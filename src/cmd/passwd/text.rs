//! mosquitto_passwd's sentences, and ours in the same form where it has none.

use std::ffi::OsStr;
use std::path::Path;

use crate::diagnose::shell;
use crate::net::reason;
use crate::passwd::{StoredError, edit::Corrupt};
use crate::term::{Exit, Failure};
use crate::text_file::{self, Text, Utf16};

/// One line on standard error and exit code 1, as mosquitto_passwd ends.
pub fn error(sentence: &str) -> Failure {
    Failure::verbatim(Exit::FAILED, format!("Error: {sentence}\n"))
}

pub fn corrupt(corrupt: Corrupt) -> Failure {
    error(&format!("Corrupt password file at line {}.", corrupt.line))
}

pub fn not_found(user: &OsStr) -> Failure {
    let text = format!("Warning: User {} not found in password file.\n", user.display());
    Failure::verbatim(Exit::FAILED, text)
}

/// What could not be done to the password file that was named `given`.
pub fn stored(given: &Path, cause: &StoredError) -> Failure {
    // Mosquitto names the file behind a symbolic link.
    let found = std::fs::canonicalize(given).unwrap_or_else(|_| given.to_owned());
    let path = found.display();
    match cause {
        StoredError::Resolve(cause) => {
            Failure::verbatim(Exit::FAILED, format!("Error reading password file: {}\n", reason(cause)))
        }
        StoredError::Open(cause) => error(&format!("Unable to open password file {path}. {}.", reason(cause))),
        StoredError::NotRegular => error(&format!("{path} is not a file.")),
        StoredError::Read(cause) => failed(format!("cannot read `{path}`: {}", reason(cause))),
        StoredError::TooLarge => failed(format!("`{path}` is larger than 1 GiB, which is no password file")),
        StoredError::KeepsChanging => failed(format!("another program keeps changing `{path}`; nothing was written"))
            .hint(format!("who has it open: fuser -v {}", shell::path(&found))),
        StoredError::Replace(error) => {
            failed(format!("cannot replace `{path}`: {}; it is as it was", reason(&error.cause)))
        }
        StoredError::WriteInPlace { cause, restored: true } => {
            failed(format!("cannot write `{path}`: {}; it is as it was", reason(cause)))
        }
        StoredError::WriteInPlace { cause, restored: false } => Failure::new(
            Exit::DAMAGED,
            format!("writing `{path}` failed half-way ({}) and the old content could not be put back", reason(cause)),
        ),
    }
}

/// The text without a byte-order mark, which is no part of the first user's name, and whether it had one.
pub fn unmarked<'t>(file: &Path, text: &'t [u8]) -> Result<Text<'t>, Failure> {
    text_file::utf8(text).map_err(|Utf16| {
        failed(format!("`{}` is UTF-16, which no broker reads", file.display())).hint("save it as UTF-8")
    })
}

pub fn failed(message: String) -> Failure {
    Failure::new(Exit::FAILED, message)
}
