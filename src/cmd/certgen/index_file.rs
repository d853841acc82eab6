//! The index of a CA, a file beside its certificate: locked while it is read or written, and only ever added to.

use std::fs::{self, File, OpenOptions};
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use super::files::KEY_MODE;
use crate::net::reason;
use crate::os::files::{self, OpenOptionsExt};
use crate::pki::certificate::Certificate;
use crate::pki::index::{Fault, Header, LINE_LIMIT, REVOKED_LIMIT, Record, Revocations};
use crate::term::{Exit, Failure};

/// How often the file is opened again because somebody has replaced it meanwhile.
const REPLACED_LIMIT: usize = 100;

/// `certs/ca.crt` → `certs/ca-index.ndjson`
pub fn index_path(authority: &Path) -> PathBuf {
    let stem = authority.file_stem().unwrap_or_default().to_string_lossy();
    authority.with_file_name(format!("{stem}-index.ndjson"))
}

/// An index that nobody else reads or writes while it is held.
pub struct OpenIndex {
    path: PathBuf,
    file: File,
    /// Where it ended before the last records were added.
    before: u64,
}

impl OpenIndex {
    /// Opens the index at `path`, or makes it. What a killed process has left unfinished at its end goes.
    pub fn open(path: &Path, authority: &Certificate) -> Result<Self, Failure> {
        let file = locked(path).map_err(|error| not_opened(path, &error))?;
        let mut index = Self { path: path.to_owned(), file, before: 0 };
        let length = index.step("read", |file| file.metadata().map(|metadata| metadata.len()))?;
        if length == 0 {
            let line = Header::of(authority).line();
            index.step("write", |file| file.write_all(line.as_bytes()).and_then(|()| file.sync_data()))?;
            return Ok(index);
        }
        index.check_header(authority)?;
        let is_cut = |line: &str| Header::parse(line).is_err() && Record::parse(line) == Err(Fault::CutOff);
        index.step("write", |file| mend_end(file, is_cut))?;
        Ok(index)
    }

    /// The same, if there is one.
    pub fn open_existing(path: &Path, authority: &Certificate) -> Result<Option<Self>, Failure> {
        if path.exists() { Self::open(path, authority).map(Some) } else { Ok(None) }
    }

    fn check_header(&mut self, authority: &Certificate) -> Result<(), Failure> {
        let mut line = String::new();
        let read = self.step("read", |file| {
            file.seek(SeekFrom::Start(0))?;
            BufReader::new(file.take(LINE_LIMIT as u64)).read_line(&mut line)
        });
        let header = match read {
            Ok(_) => Header::parse(&line),
            Err(_) => Err(Fault::NoJson),
        };
        let header = header.map_err(|fault| damaged(&self.path, 1, &fault))?;
        if header.key == Header::of(authority).key {
            return Ok(());
        }
        let why = format!("the index `{}` is that of another CA, `{}`", self.path.display(), header.authority);
        Err(Failure::new(Exit::FAILED, why)
            .hint("a CA that was made anew needs an index of its own: move the old one away with the old CA's files"))
    }

    /// Adds records; all are on the disk afterwards, or none is there.
    pub fn append(&mut self, records: &[Record]) -> Result<(), Failure> {
        let lines: String = records.iter().map(Record::line).collect();
        self.before = self.step("read", |file| file.seek(SeekFrom::End(0)))?;
        let written = self.step("write", |file| file.write_all(lines.as_bytes()).and_then(|()| file.sync_data()));
        if written.is_err() {
            self.take_back();
        }
        written
    }

    /// Takes away what was added last: the certificates were not written.
    pub fn take_back(&mut self) {
        // Whoever calls has an error to report already. A line that stays names a certificate that nobody has.
        let _ = self.file.set_len(self.before).and_then(|()| self.file.sync_data());
    }

    /// What is revoked after all records. Of certificates that were issued nothing is needed for that, and in the index of a
    /// fleet they are most of the lines: those that begin as we write them are passed over.
    pub fn revocations(&mut self) -> Result<Revocations, Failure> {
        self.scan(|line| !line.starts_with(r#"{"issued":""#), drop)
    }

    /// Hands out every record in its order, and gives what is revoked after all of them.
    pub fn read(&mut self, each: impl FnMut(Record)) -> Result<Revocations, Failure> {
        self.scan(|_| true, each)
    }

    fn scan(&mut self, is_wanted: impl Fn(&str) -> bool, mut each: impl FnMut(Record)) -> Result<Revocations, Failure> {
        self.step("read", |file| file.seek(SeekFrom::Start(0)))?;
        let mut revocations = Revocations::default();
        let mut fault = None;
        let read = lines(&self.file, |number, line| {
            if number == 1 || fault.is_some() || !is_wanted(line) {
                return;
            }
            match Record::parse(line) {
                Ok(record) => {
                    revocations.apply(&record);
                    each(record);
                }
                Err(found) => fault = Some((number, found)),
            }
        });
        read.map_err(|error| not_opened(&self.path, &error))?;
        if let Some((number, fault)) = fault {
            return Err(damaged(&self.path, number, &fault));
        }
        if revocations.len() > REVOKED_LIMIT {
            let why =
                format!("the index `{}` names more than {REVOKED_LIMIT} revoked certificates", self.path.display());
            return Err(Failure::new(Exit::FAILED, why));
        }
        Ok(revocations)
    }

    fn step<T>(&mut self, what: &str, work: impl FnOnce(&mut File) -> io::Result<T>) -> Result<T, Failure> {
        work(&mut self.file).map_err(|error| {
            let why = match error.kind() {
                io::ErrorKind::StorageFull => "the disk is full".to_owned(),
                _ => reason(&error),
            };
            Failure::new(Exit::FAILED, format!("cannot {what} the index `{}`: {why}", self.path.display()))
        })
    }
}

/// A line that was being written when a process ended is taken away; one that lacks its end alone gets it, and one that is too
/// long stays for who reads it.
pub fn mend_end(file: &mut File, is_cut: impl Fn(&str) -> bool) -> io::Result<()> {
    let length = file.metadata()?.len();
    let from = length.saturating_sub(LINE_LIMIT as u64);
    let mut tail = Vec::new();
    file.seek(SeekFrom::Start(from))?;
    (&mut *file).take(LINE_LIMIT as u64).read_to_end(&mut tail)?;
    let last = tail.rsplit(|byte| *byte == b'\n').next().unwrap_or_default();
    if last.is_empty() || (last.len() == tail.len() && from > 0) {
        return Ok(());
    }
    if std::str::from_utf8(last).map_or(true, is_cut) {
        file.set_len(length - last.len() as u64)?;
    } else {
        file.seek(SeekFrom::End(0))?;
        file.write_all(b"\n")?;
    }
    file.sync_data()
}

/// The lines of a file with their numbers, from 1. One that is too long or no text is handed out empty.
pub fn lines(file: &File, mut each: impl FnMut(usize, &str)) -> io::Result<()> {
    let mut reader = BufReader::with_capacity(1 << 16, file);
    let mut line = Vec::new();
    let mut number = 0;
    loop {
        line.clear();
        (&mut reader).take(LINE_LIMIT as u64).read_until(b'\n', &mut line)?;
        if line.is_empty() {
            return Ok(());
        }
        number += 1;
        if line.len() == LINE_LIMIT && !line.ends_with(b"\n") {
            reader.skip_until(b'\n')?;
            line.clear();
        }
        each(number, std::str::from_utf8(&line).unwrap_or_default());
    }
}

/// Opens and locks the file that has the name, also when it is replaced meanwhile; makes it if there is none.
pub fn locked(path: &Path) -> io::Result<File> {
    for _ in 0..REPLACED_LIMIT {
        files::check_regular(path).or_else(|error| match error.kind() {
            io::ErrorKind::NotFound => Ok(()),
            _ => Err(error),
        })?;
        let file = OpenOptions::new().read(true).write(true).create(true).truncate(false).mode(KEY_MODE).open(path)?;
        match file.lock() {
            // Not every file system has locks; there it is as it was without.
            Err(error) if error.kind() == io::ErrorKind::Unsupported => {}
            locked => locked?,
        }
        if fs::metadata(path).is_ok_and(|named| file.metadata().is_ok_and(|opened| files::is_same(&named, &opened))) {
            return Ok(file);
        }
    }
    Err(io::Error::new(io::ErrorKind::ResourceBusy, "it is replaced again and again"))
}

fn not_opened(path: &Path, error: &io::Error) -> Failure {
    Failure::new(Exit::FAILED, format!("cannot open the index `{}`: {}", path.display(), reason(error)))
}

fn damaged(path: &Path, line: usize, fault: &Fault) -> Failure {
    let what = match fault {
        Fault::CutOff => "it ends in the middle".to_owned(),
        Fault::NoJson => "it is no JSON object".to_owned(),
        Fault::NoEvent => "it has no `issued`, `revoked` or `released`".to_owned(),
        Fault::Member(member) => format!("`{member}` is missing or wrong"),
        Fault::Version(version) => {
            let why = format!("the index `{}` is of version {version}, which is not known here", path.display());
            return Failure::new(Exit::FAILED, why).hint("a later moskit wrote it: use that one");
        }
    };
    Failure::new(Exit::FAILED, format!("the index `{}` is damaged in line {line}: {what}", path.display()))
        .hint("correct the line, or make the index anew from the files: moskit certgen index --rebuild")
}
