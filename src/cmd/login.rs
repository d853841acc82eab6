//! Where a password comes from: the command line, a file, the terminal, or a command that prints it.

use std::ffi::OsStr;
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;
use std::process::Stdio;

use zeroize::Zeroizing;

use super::client_args::PasswordSource;
use crate::net::reason;
use crate::os::process;
use crate::term::{AskError, Exit, Failure, Secret, Term};

/// Longest password: its length goes over the wire in two bytes.
const MAX_PASSWORD: u64 = 65_535;

/// How the password of this run is obtained.
#[derive(Debug)]
pub struct Login {
    source: Option<PasswordSource>,
}

impl Login {
    pub fn new(source: Option<&PasswordSource>) -> Self {
        Self { source: source.cloned() }
    }

    /// The password for the first connection, if there is to be one.
    pub fn first(&self, term: &mut Term) -> Result<Option<Secret>, Failure> {
        match &self.source {
            None => Ok(None),
            Some(PasswordSource::Given(secret)) => Ok(Some(secret.clone())),
            Some(PasswordSource::File(path)) => first_line_of(path).map(Some).map_err(|error| {
                let path = path.display();
                Failure::new(Exit::FAILED, format!("cannot read the password from `{path}`: {}", reason(&error)))
            }),
            Some(PasswordSource::Prompt) => term.ask_on_terminal("Password: ").map(Some).map_err(|error| match error {
                AskError::Signal(number) => Failure::silent(Exit(128 + number)),
                AskError::Read(error) => {
                    Failure::new(Exit::FAILED, format!("cannot ask for the password: {}", reason(&error)))
                        .hint("without a terminal use --pw-file FILE or --pw-command COMMAND")
                }
            }),
            Some(PasswordSource::Command(command)) => printed_by(command).map(Some),
        }
    }

    /// The password for a later connection, if it may have changed: only a command's.
    pub fn renewed(&self, _term: &mut Term) -> Result<Option<Secret>, Failure> {
        match &self.source {
            Some(PasswordSource::Command(command)) => printed_by(command).map(Some),
            _ => Ok(None),
        }
    }
}

/// The first line of a file, without its end.
pub fn first_line_of(path: &Path) -> io::Result<Secret> {
    first_line(File::open(path)?)
}

fn first_line(source: impl Read) -> io::Result<Secret> {
    let mut bytes = Zeroizing::new(Vec::new());
    // Two more for the end of a line of full length.
    source.take(MAX_PASSWORD + 2).read_to_end(&mut bytes)?;
    let line = bytes.split(|byte| *byte == b'\n').next().unwrap_or_default();
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    if line.len() as u64 > MAX_PASSWORD {
        return Err(io::Error::new(io::ErrorKind::InvalidData, "a password has at most 65,535 bytes"));
    }
    Ok(Secret::new(line))
}

/// Runs the command by the shell; its first line of output is the password.
fn printed_by(command: &OsStr) -> Result<Secret, Failure> {
    let failed = |why: String| Failure::new(Exit::FAILED, format!("the password command failed: {why}"));
    let mut child = process::shell(command)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .map_err(|error| failed(reason(&error)))?;
    let secret = child.stdout.take().map_or_else(|| Ok(Secret::new("")), first_line);
    let status = child.wait().map_err(|error| failed(reason(&error)))?;
    if !status.success() {
        return Err(failed(format!("it ended with {status}")));
    }
    secret.map_err(|error| failed(reason(&error)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_password_is_the_first_line_without_its_end() {
        for (text, password) in [("a b\n", "a b"), ("x\r\ny", "x"), ("", ""), ("no end", "no end"), ("\n", "")] {
            assert_eq!(first_line(text.as_bytes()).unwrap().expose(), password.as_bytes());
        }
        assert!(first_line(io::repeat(b'x')).is_err());
    }

    #[test]
    fn a_command_prints_the_password_or_its_failure_is_told() {
        assert_eq!(printed_by(OsStr::new("printf 'top\\nsecond'")).unwrap().expose(), b"top");
        let failure = printed_by(OsStr::new("exit 3")).unwrap_err();
        assert_eq!(failure.message.as_deref(), Some("the password command failed: it ended with exit status: 3"));
    }
}
