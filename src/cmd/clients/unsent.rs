//! `pub --unsent`: keeps as records what has not been acknowledged, and what has not been published.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::time::{Instant, SystemTime};

use crate::diagnose::shell;
use crate::mqtt::packet::PublishRef;
use crate::record::{FileError, FileStep, Recording, Writer};
use crate::state::ids::UnixTime;
use crate::term::{Exit, Failure, Term, plural};

/// The file, which is there from the beginning, so that it cannot fail when it is needed, and goes when nothing is in it.
#[derive(Debug)]
pub struct Unsent {
    recording: Recording,
    writer: Writer,
    path: PathBuf,
    line: Vec<u8>,
    kept: u64,
    bytes: u64,
    may_come_twice: u64,
    failed: Option<FileError>,
}

impl Unsent {
    /// Makes the file. One that is there is another run's, unless it is empty.
    pub fn start(path: &Path) -> Result<Self, Failure> {
        let is_empty = fs::symlink_metadata(path).is_ok_and(|metadata| metadata.is_file() && metadata.len() == 0);
        if is_empty {
            // If it cannot be removed, it is told that it is there.
            let _ = fs::remove_file(path);
        }
        let recording = Recording::create(path, None, Instant::now()).map_err(|error| failure(&error))?;
        Ok(Self {
            recording,
            writer: Writer::default(),
            path: path.to_owned(),
            line: Vec::new(),
            kept: 0,
            bytes: 0,
            may_come_twice: 0,
            failed: None,
        })
    }

    /// Keeps a message. `received` is the time that its own record has. `was_sent`: it may have been delivered.
    pub fn keep(&mut self, publish: &PublishRef<'_>, received: Option<UnixTime>, was_sent: bool) {
        if self.failed.is_some() {
            return;
        }
        let publish = PublishRef { dup: false, packet_id: None, ..*publish };
        self.line.clear();
        self.writer.write(&publish, received.unwrap_or_else(|| SystemTime::now().into()), &mut self.line);
        match self.recording.add(&self.line, Instant::now()) {
            Ok(()) => {
                self.kept += 1;
                self.bytes += self.line.len() as u64;
                self.may_come_twice += u64::from(was_sent);
            }
            Err(error) => self.failed = Some(error),
        }
    }

    /// Gives the system what was kept: a program that is killed after that has lost none of it.
    pub fn flush(&mut self) {
        if self.failed.is_none() {
            self.failed = self.recording.flush().err();
        }
    }

    /// Bytes of the records that are kept.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Whether nothing more can be kept.
    pub fn has_failed(&self) -> bool {
        self.failed.is_some()
    }

    /// Completes the file and says what is in it.
    pub fn finish(mut self, term: &mut Term) -> Result<(), Failure> {
        let finished = match self.failed.take() {
            Some(error) => Err(error),
            None => self.recording.finish(),
        };
        finished.map_err(|error| failure(&error))?;
        if self.kept == 0 {
            return fs::remove_file(&self.path)
                .map_err(|cause| failure(&FileError { path: self.path.clone(), step: FileStep::Write, cause }));
        }
        let path = self.path.display();
        let twice = match self.may_come_twice {
            0 => String::new(),
            1 => "; the first was sent and may come twice".to_owned(),
            count => format!("; the first {count} were sent and may come twice"),
        };
        let is = if self.kept == 1 { "is" } else { "are" };
        term.note(format_args!("{} {is} kept in `{path}`{twice}", plural(self.kept, "message")));
        Ok(())
    }
}

fn failure(error: &FileError) -> Failure {
    let path = error.path.display();
    let why = crate::net::reason(&error.cause);
    match error.step {
        FileStep::Create if error.cause.kind() == ErrorKind::AlreadyExists => {
            Failure::new(Exit::FAILED, format!("cannot keep unsent messages in `{path}`: it is there already")).hint(
                format!("publish what it holds and remove it: moskit pub --ndjson < {}", shell::path(&error.path)),
            )
        }
        FileStep::Create => Failure::new(Exit::FAILED, format!("cannot make `{path}`: {why}")),
        FileStep::Write | FileStep::Number => {
            Failure::new(Exit::FAILED, format!("cannot write `{path}`: {why}; unsent messages are lost"))
        }
    }
}
