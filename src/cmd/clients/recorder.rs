//! `sub --record`: keeps messages in files before they are acknowledged.

use std::io::ErrorKind;
use std::path::Path;
use std::time::{Instant, SystemTime};

use crate::mqtt::packet::{PublishRef, QoS};
use crate::record::{FileError, FileStep, Recording, Rotation, Writer};
use crate::term::{Exit, Failure};

/// Room that is kept for the next line: that of a huge one is given back.
const LINE_KEPT: usize = 1024 * 1024;

/// The files of `--record`.
#[derive(Debug)]
pub struct Recorder {
    recording: Recording,
    writer: Writer,
    line: Vec<u8>,
    /// Messages that will be acknowledged wait to be written.
    owes: bool,
    failed: Option<FileError>,
}

impl Recorder {
    /// Makes the file.
    pub fn start(path: &Path, rotation: Option<Rotation>) -> Result<Self, Failure> {
        let recording = Recording::create(path, rotation, Instant::now()).map_err(|error| failure(&error))?;
        Ok(Self { recording, writer: Writer::default(), line: Vec::new(), owes: false, failed: None })
    }

    /// Adds a message. Whether it could be: [`Recorder::finish`] has the reason if not.
    pub fn record(&mut self, publish: &PublishRef<'_>) -> bool {
        if self.failed.is_some() {
            return false;
        }
        self.line.clear();
        self.line.shrink_to(LINE_KEPT);
        self.writer.write(publish, SystemTime::now().into(), &mut self.line);
        self.owes |= publish.qos != QoS::AtMostOnce;
        self.failed = self.recording.add(&self.line, Instant::now()).err();
        self.failed.is_none()
    }

    /// Writes what has waited long enough, or will be acknowledged. Whether all could be written that had to be.
    pub fn write_due(&mut self, now: Instant) -> bool {
        let is_due = self.owes || self.recording.deadline().is_some_and(|deadline| deadline <= now);
        if is_due && self.failed.is_none() {
            self.failed = self.recording.flush().err();
            self.owes = false;
        }
        self.failed.is_none()
    }

    /// When [`Recorder::write_due`] has something to do.
    pub fn deadline(&self) -> Option<Instant> {
        self.recording.deadline().filter(|_| self.failed.is_none())
    }

    /// Writes the rest; the failure if anything could not be written.
    pub fn finish(mut self) -> Result<(), Failure> {
        match &self.failed {
            Some(error) => Err(failure(error)),
            None => self.recording.finish().map_err(|error| failure(&error)),
        }
    }
}

fn failure(error: &FileError) -> Failure {
    let path = error.path.display();
    let why = crate::net::reason(&error.cause);
    match error.step {
        FileStep::Create if error.cause.kind() == ErrorKind::AlreadyExists => {
            Failure::new(Exit::FAILED, format!("cannot record into `{path}`: it is there already"))
                .hint("records are never added to a file: name another, or number them with --rotate")
        }
        FileStep::Create => Failure::new(Exit::FAILED, format!("cannot make `{path}`: {why}")),
        FileStep::Write => Failure::new(Exit::FAILED, format!("cannot write `{path}`: {why}"))
            .hint("messages of QoS 1 and 2 that are not in the file stay with the broker, if the session is kept (-c)"),
        FileStep::Number => Failure::new(Exit::FAILED, format!("no number is left for another file beside `{path}`")),
    }
}
