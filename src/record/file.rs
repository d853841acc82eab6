//! Records in files: written so that whatever ends the program leaves whole lines, in new files by size or age, and
//! compressed by the name's `.zst`.

use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// Bytes of lines that are collected before they are written.
const CHUNK: usize = 256 * 1024;

/// How long lines of a compressed file are collected: a frame for each message would hardly be smaller than the message.
const FRAME_TIME: Duration = Duration::from_secs(1);

/// zstd's own default: half of what more would save, at a tenth of the time.
const LEVEL: i32 = 3;

/// Digits of a file's number: names in alphabetical order are in order of time.
const NUMBER_DIGITS: usize = 6;

/// The last number that a file can have.
const LAST_NUMBER: u32 = 999_999;

/// When a new file is begun.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rotation {
    /// Before the lines that would make the file larger than this; only a single line can be larger.
    Bytes(u64),
    /// With the first message so long after the file was begun.
    Age(Duration),
}

/// What could not be done with a file of records.
#[derive(Debug)]
pub struct FileError {
    pub path: PathBuf,
    pub step: FileStep,
    pub cause: io::Error,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FileStep {
    /// Making the file. With [`ErrorKind::AlreadyExists`] it was there, and is left as it was.
    Create,
    Write,
    /// All numbers of a rotation's files are taken.
    Number,
}

/// A file, or with a rotation a row of files, that lines are added to.
///
/// Lines are written in whole: a program that is killed leaves at most a last line that was cut by the system.
#[derive(Debug)]
pub struct Recording {
    path: PathBuf,
    rotation: Option<Rotation>,
    /// The number of the file that is open, with a rotation.
    number: u32,
    file: File,
    /// The name of the file that is open.
    name: PathBuf,
    begun: Instant,
    /// Bytes in the file.
    written: u64,
    /// Whole lines that are not yet written.
    pending: Vec<u8>,
    /// When the oldest of them came.
    pending_since: Option<Instant>,
    /// With `.zst`.
    compressor: Option<Compressor>,
}

/// Makes each chunk of lines a frame of its own, which can be read without those that follow.
struct Compressor {
    context: zstd::bulk::Compressor<'static>,
    frame: Vec<u8>,
}

impl std::fmt::Debug for Compressor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Compressor").field("frame", &self.frame.len()).finish_non_exhaustive()
    }
}

impl Recording {
    /// Makes the file, which must not be there yet. With a rotation its name gets a number, the next after those that
    /// are there.
    pub fn create(path: &Path, rotation: Option<Rotation>, now: Instant) -> Result<Self, FileError> {
        let compressor = if is_compressed(path) {
            let new = || -> io::Result<Compressor> {
                let mut context = zstd::bulk::Compressor::new(LEVEL)?;
                context.include_checksum(true)?;
                Ok(Compressor { context, frame: Vec::new() })
            };
            Some(new().map_err(|cause| failed(path, FileStep::Create, cause))?)
        } else {
            None
        };
        let number = if rotation.is_some() { last_number(path)?.saturating_add(1) } else { 0 };
        let (name, file) = open(path, rotation.map(|_| number))?;
        Ok(Self {
            path: path.to_owned(),
            rotation,
            number,
            file,
            name,
            begun: now,
            written: 0,
            pending: Vec::new(),
            pending_since: None,
            compressor,
        })
    }

    /// Adds a line, its newline included. It is written with others, at [`Recording::flush`] at the latest.
    pub fn add(&mut self, line: &[u8], now: Instant) -> Result<(), FileError> {
        let is_due = match self.rotation {
            None => false,
            Some(Rotation::Age(age)) => now.saturating_duration_since(self.begun) >= age,
            // What is pending may yet shrink by compression: it is counted when it is written.
            Some(Rotation::Bytes(_)) if self.compressor.is_some() => false,
            Some(Rotation::Bytes(most)) => {
                let before = self.written + self.pending.len() as u64;
                before > 0 && before + line.len() as u64 > most
            }
        };
        if is_due {
            self.flush()?;
            self.begin_next()?;
            self.begun = now;
        }
        if line.len() >= CHUNK {
            // It is written from where it is: a copy of the longest would take as much memory again.
            self.flush()?;
            return self.write(line);
        }
        self.pending.extend_from_slice(line);
        self.pending_since.get_or_insert(now);
        if self.pending.len() >= CHUNK { self.flush() } else { Ok(()) }
    }

    /// When lines have waited long enough: [`Recording::flush`] is due then.
    pub fn deadline(&self) -> Option<Instant> {
        let delay = if self.compressor.is_some() { FRAME_TIME } else { Duration::ZERO };
        self.pending_since.map(|since| since + delay)
    }

    /// Gives the system everything that was added: what it has is in the file, even if this program is killed.
    pub fn flush(&mut self) -> Result<(), FileError> {
        self.pending_since = None;
        if self.pending.is_empty() {
            return Ok(());
        }
        let lines = std::mem::take(&mut self.pending);
        let result = self.write(&lines);
        // The buffer is kept, but not the room of a single huge line.
        self.pending = lines;
        self.pending.clear();
        self.pending.shrink_to(2 * CHUNK);
        result
    }

    /// Bytes of the lines that a killed program would lose now.
    pub fn unwritten(&self) -> usize {
        self.pending.len()
    }

    /// The file that is written to.
    pub fn name(&self) -> &Path {
        &self.name
    }

    /// Writes what is pending and waits for the disk.
    pub fn finish(&mut self) -> Result<(), FileError> {
        self.flush()?;
        self.file.sync_all().map_err(|cause| failed(&self.name, FileStep::Write, cause))
    }

    fn write(&mut self, lines: &[u8]) -> Result<(), FileError> {
        let name = &self.name;
        let in_file = |cause| failed(name, FileStep::Write, cause);
        let Some(compressor) = &mut self.compressor else {
            write_whole(&mut self.file, lines, self.written, true).map_err(in_file)?;
            self.written += lines.len() as u64;
            return Ok(());
        };
        let mut frame = std::mem::take(&mut compressor.frame);
        frame.clear();
        frame.reserve(zstd::zstd_safe::compress_bound(lines.len()));
        compressor.context.compress_to_buffer(lines, &mut frame).map_err(in_file)?;
        if let Some(Rotation::Bytes(most)) = self.rotation
            && self.written > 0
            && self.written + frame.len() as u64 > most
        {
            self.begin_next()?;
        }
        write_whole(&mut self.file, &frame, self.written, false)
            .map_err(|cause| failed(&self.name, FileStep::Write, cause))?;
        self.written += frame.len() as u64;
        frame.shrink_to(2 * CHUNK);
        if let Some(compressor) = &mut self.compressor {
            compressor.frame = frame;
        }
        Ok(())
    }

    fn begin_next(&mut self) -> Result<(), FileError> {
        self.file.sync_all().map_err(|cause| failed(&self.name, FileStep::Write, cause))?;
        self.number += 1;
        (self.name, self.file) = open(&self.path, Some(self.number))?;
        self.written = 0;
        Ok(())
    }
}

impl Drop for Recording {
    fn drop(&mut self) {
        // Whoever wants to know whether it could be written asks by `finish`.
        let _ = self.flush();
    }
}

/// Writes all of `bytes`, which begin at `start`. If that fails the file is cut where the last of them that is whole ends: a
/// line, or, if not `are_lines`, none.
fn write_whole(file: &mut File, bytes: &[u8], start: u64, are_lines: bool) -> io::Result<()> {
    let mut done = 0;
    while done < bytes.len() {
        let why = match file.write(&bytes[done..]) {
            Ok(0) => io::Error::from(ErrorKind::WriteZero),
            Ok(count) => {
                done += count;
                continue;
            }
            Err(error) if error.kind() == ErrorKind::Interrupted => continue,
            Err(error) => error,
        };
        let whole = if are_lines { memchr::memrchr(b'\n', &bytes[..done]).map_or(0, |at| at + 1) } else { 0 };
        // A device or a pipe cannot be cut, and why the write failed is what matters.
        let _ = file.set_len(start + whole as u64);
        return Err(why);
    }
    Ok(())
}

fn failed(path: &Path, step: FileStep, cause: io::Error) -> FileError {
    FileError { path: path.to_owned(), step, cause }
}

/// Whether a file of this name is compressed.
pub fn is_compressed(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "zst")
}

/// Makes a file that only its owner can read, for messages may be secrets.
fn open(path: &Path, number: Option<u32>) -> Result<(PathBuf, File), FileError> {
    use crate::os::files::OpenOptionsExt as _;
    let name = match number {
        None => path.to_owned(),
        Some(number) if number <= LAST_NUMBER => numbered(path, number),
        Some(_) => return Err(failed(path, FileStep::Number, io::Error::from(ErrorKind::AlreadyExists))),
    };
    match OpenOptions::new().write(true).create_new(true).mode(0o600).open(&name) {
        Ok(file) => Ok((name, file)),
        Err(cause) => Err(failed(&name, FileStep::Create, cause)),
    }
}

/// `a.ndjson.zst` taken apart: `a` and `.ndjson.zst`.
fn stem_and_extension(path: &Path) -> (String, String) {
    let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let cut = |name: &str| name.rfind('.').filter(|at| *at > 0);
    let Some(mut at) = cut(&name) else { return (name, String::new()) };
    if &name[at..] == ".zst"
        && let Some(before) = cut(&name[..at])
    {
        at = before;
    }
    (name[..at].to_owned(), name[at..].to_owned())
}

/// `a.ndjson.zst` → `a.000012.ndjson.zst`
fn numbered(path: &Path, number: u32) -> PathBuf {
    let (stem, extension) = stem_and_extension(path);
    path.with_file_name(format!("{stem}.{number:0NUMBER_DIGITS$}{extension}"))
}

/// The highest number among the files that are there; 0 when there is none.
fn last_number(path: &Path) -> Result<u32, FileError> {
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    let (stem, extension) = stem_and_extension(path);
    let number = |name: &str| -> Option<u32> {
        let digits = name.strip_prefix(&stem)?.strip_prefix('.')?.strip_suffix(&extension)?;
        if digits.len() == NUMBER_DIGITS && digits.bytes().all(|byte| byte.is_ascii_digit()) {
            digits.parse().ok()
        } else {
            None
        }
    };
    let mut last = 0;
    for entry in fs::read_dir(folder).map_err(|cause| failed(folder, FileStep::Create, cause))? {
        let entry = entry.map_err(|cause| failed(folder, FileStep::Create, cause))?;
        last = last.max(number(&entry.file_name().to_string_lossy()).unwrap_or(0));
    }
    Ok(last)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn content(path: &Path) -> String {
        fs::read_to_string(path).unwrap()
    }

    #[test]
    fn a_file_that_is_there_is_left_as_it_was() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.ndjson");
        fs::write(&path, "kept").unwrap();
        let error = Recording::create(&path, None, Instant::now()).unwrap_err();
        assert_eq!((error.step, error.cause.kind()), (FileStep::Create, ErrorKind::AlreadyExists));
        assert_eq!(content(&path), "kept");
    }

    #[test]
    fn lines_are_in_the_file_after_a_flush() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.ndjson");
        let now = Instant::now();
        let mut recording = Recording::create(&path, None, now).unwrap();
        recording.add(b"1\n", now).unwrap();
        recording.add(b"2\n", now).unwrap();
        assert_eq!((content(&path).as_str(), recording.unwritten()), ("", 4));
        assert_eq!(recording.deadline(), Some(now));
        recording.flush().unwrap();
        assert_eq!((content(&path).as_str(), recording.unwritten(), recording.deadline()), ("1\n2\n", 0, None));
    }

    #[test]
    fn a_new_file_is_begun_before_one_would_be_too_large() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.b.ndjson");
        let now = Instant::now();
        let mut recording = Recording::create(&path, Some(Rotation::Bytes(6)), now).unwrap();
        for line in ["11\n", "22\n", "33\n", "a line that is larger than a file\n", "4\n"] {
            recording.add(line.as_bytes(), now).unwrap();
        }
        recording.finish().unwrap();
        let read = |number: u32| content(&folder.path().join(format!("a.b.{number:06}.ndjson")));
        assert_eq!([read(1), read(2)], ["11\n22\n", "33\n"]);
        assert_eq!([read(3), read(4)], ["a line that is larger than a file\n", "4\n"]);
        // The next recording goes on counting.
        let recording = Recording::create(&path, Some(Rotation::Bytes(6)), now).unwrap();
        assert_eq!(recording.name(), folder.path().join("a.b.000005.ndjson"));
    }

    #[test]
    fn a_new_file_is_begun_with_the_first_line_after_its_time() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a");
        let start = Instant::now();
        let minute = Duration::from_secs(60);
        let mut recording = Recording::create(&path, Some(Rotation::Age(minute)), start).unwrap();
        recording.add(b"1\n", start).unwrap();
        recording.add(b"2\n", start + minute * 59 / 60).unwrap();
        recording.add(b"3\n", start + minute * 5).unwrap();
        recording.add(b"4\n", start + minute * 5).unwrap();
        recording.finish().unwrap();
        assert_eq!(content(&folder.path().join("a.000001")), "1\n2\n");
        assert_eq!(content(&folder.path().join("a.000002")), "3\n4\n");
    }

    #[test]
    fn every_flush_leaves_a_frame_that_can_be_read_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.ndjson.zst");
        let now = Instant::now();
        let mut recording = Recording::create(&path, None, now).unwrap();
        recording.add(b"1\n", now).unwrap();
        assert_eq!(recording.deadline(), Some(now + FRAME_TIME));
        recording.flush().unwrap();
        let first = fs::read(&path).unwrap();
        recording.add(b"2\n", now).unwrap();
        recording.finish().unwrap();
        assert_eq!(zstd::decode_all(&first[..]).unwrap(), b"1\n");
        assert_eq!(zstd::decode_all(&fs::read(&path).unwrap()[..]).unwrap(), b"1\n2\n");
    }

    #[test]
    fn compressed_files_are_rotated_by_what_is_in_them() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.ndjson.zst");
        let now = Instant::now();
        let mut recording = Recording::create(&path, Some(Rotation::Bytes(200)), now).unwrap();
        let line = "x".repeat(1000) + "\n";
        for _ in 0..30 {
            recording.add(line.as_bytes(), now).unwrap();
            recording.flush().unwrap();
        }
        recording.finish().unwrap();
        let mut all = 0;
        let mut files = 0;
        for entry in fs::read_dir(folder.path()).unwrap() {
            let bytes = fs::read(entry.unwrap().path()).unwrap();
            assert!(bytes.len() <= 200, "{}", bytes.len());
            all += zstd::decode_all(&bytes[..]).unwrap().len();
            files += 1;
        }
        assert_eq!(all, 30 * line.len());
        assert!(files > 1);
    }
}
