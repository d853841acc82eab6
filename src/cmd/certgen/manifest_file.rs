//! The manifest of a batch, a file in the folder of its devices: what it names is done.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use super::files::KEY_MODE;
use super::ids::Ids;
use super::index_file::{lines, mend_end};
use crate::net::reason;
use crate::os::files::{self, OpenOptionsExt};
use crate::pki::index::Fault;
use crate::pki::manifest::{Entry, fingerprint};
use crate::term::{Exit, Failure};

/// What the manifest is called.
pub const NAME: &str = "manifest.ndjson";

/// How often the file is opened again because somebody has taken it away meanwhile.
const REPLACED_LIMIT: usize = 100;

/// A manifest that nobody else writes while it is held.
pub struct Manifest {
    path: PathBuf,
    file: File,
    /// The ids that are done.
    done: Ids,
}

impl Manifest {
    /// Opens the manifest in `folder`, or makes it. `authority` is the digest of the CA's key.
    pub fn open(folder: &Path, authority: &str) -> Result<Self, Failure> {
        let path = folder.join(NAME);
        let file = open_alone(&path)?.ok_or_else(|| {
            Failure::new(Exit::FAILED, format!("another certgen batch works in `{}`", folder.display()))
                .hint("wait until it has ended")
        })?;
        let mut manifest = Self { path, file, done: Ids::default() };
        // The chunk of a line that is cut off is written again.
        manifest.step("write", |file| mend_end(file, |line| Entry::parse(line) == Err(Fault::CutOff)))?;
        manifest.load(authority)?;
        Ok(manifest)
    }

    pub fn has(&self, id: &str) -> bool {
        self.done.has(fingerprint(id))
    }

    /// What was done when it was opened, and by the end of an interrupted run.
    pub fn take_done(&mut self) -> Ids {
        self.done.settle();
        std::mem::take(&mut self.done)
    }

    /// Adds the lines of devices that an earlier run had begun.
    pub fn append_recovered(&mut self, entries: &[Entry]) -> Result<(), Failure> {
        self.append(entries)?;
        for entry in entries {
            self.done.insert(fingerprint(&entry.id));
        }
        Ok(())
    }

    /// Adds lines; all are on the disk afterwards, or none is there.
    pub fn append(&mut self, entries: &[Entry]) -> Result<(), Failure> {
        let lines: String = entries.iter().map(Entry::line).collect();
        let before = self.step("read", |file| file.seek(SeekFrom::End(0)))?;
        let written = self.step("write", |file| file.write_all(lines.as_bytes()).and_then(|()| file.sync_data()));
        if written.is_err() {
            // There is an error to report already; a line that is cut off goes at the next start.
            let _ = self.file.set_len(before).and_then(|()| self.file.sync_data());
        }
        written
    }

    fn load(&mut self, authority: &str) -> Result<(), Failure> {
        self.step("read", |file| file.seek(SeekFrom::Start(0)))?;
        let mut wrong = None;
        let mut done = Vec::new();
        let read = lines(&self.file, |number, line| {
            if wrong.is_some() {
                return;
            }
            match Entry::parse(line) {
                Ok(entry) if entry.authority == authority => done.push(fingerprint(&entry.id)),
                Ok(_) => wrong = Some((number, None)),
                Err(fault) => wrong = Some((number, Some(fault))),
            }
        });
        self.step("read", |_| read)?;
        if let Some((number, fault)) = wrong {
            return Err(self.useless(number, fault.as_ref()));
        }
        self.done = Ids::of(done);
        Ok(())
    }

    fn useless(&self, line: usize, fault: Option<&Fault>) -> Failure {
        let path = self.path.display();
        let what = match fault {
            None => {
                let why = format!("`{path}` lists devices of another CA");
                return Failure::new(Exit::FAILED, why).hint("--out DIR names another folder for those of this CA");
            }
            Some(Fault::Member(member)) => format!("`{member}` is missing or wrong"),
            Some(Fault::CutOff | Fault::NoJson | Fault::NoEvent | Fault::Version(_)) => {
                "it is no JSON object".to_owned()
            }
        };
        Failure::new(Exit::FAILED, format!("`{path}` is damaged in line {line}: {what}"))
            .hint("correct the line, or take it out if its device is to be made again")
    }

    fn step<T>(&mut self, what: &str, work: impl FnOnce(&mut File) -> io::Result<T>) -> Result<T, Failure> {
        work(&mut self.file).map_err(|error| failed(what, &self.path, &error))
    }
}

impl Drop for Manifest {
    fn drop(&mut self) {
        if self.file.metadata().is_ok_and(|metadata| metadata.len() == 0) {
            // It lists nothing. One that stays is in nobody's way.
            let _ = fs::remove_file(&self.path);
        }
    }
}

fn failed(what: &str, path: &Path, error: &io::Error) -> Failure {
    let why = match error.kind() {
        io::ErrorKind::StorageFull => "the disk is full".to_owned(),
        _ => reason(error),
    };
    Failure::new(Exit::FAILED, format!("cannot {what} `{}`: {why}", path.display()))
}

/// `None` while another process has it.
fn open_alone(path: &Path) -> Result<Option<File>, Failure> {
    for _ in 0..REPLACED_LIMIT {
        let opened = match files::check_regular(path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => OpenOptions::new().read(true).write(true).create(true).truncate(false).mode(KEY_MODE).open(path),
        };
        let file = opened.map_err(|error| failed("open", path, &error))?;
        match file.try_lock() {
            // Not every file system has locks; there it is as it was without.
            Ok(()) | Err(TryLockError::Error(_)) => {}
            Err(TryLockError::WouldBlock) => return Ok(None),
        }
        // One that made nothing takes its manifest away, perhaps between the two steps above.
        if fs::metadata(path).is_ok_and(|named| file.metadata().is_ok_and(|opened| files::is_same(&named, &opened))) {
            return Ok(Some(file));
        }
    }
    Err(failed("open", path, &io::Error::new(io::ErrorKind::ResourceBusy, "it is replaced again and again")))
}
