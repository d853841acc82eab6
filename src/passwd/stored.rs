//! The password file on disk: read under a lock, replaced whole or not at all.
//!
//! Runs of ours queue at a lock on the file itself. A program that knows no lock and replaces the
//! file while we work is noticed before our rename, and the change is made again on what it wrote.

use std::fs::{self, Metadata, OpenOptions};
use std::io::{self, ErrorKind, Read};
use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

use crate::os::files;
use crate::whole_file::{self, Draft, Permission, Step};

/// Largest file that is read, which is far above a million users.
const MAX_BYTES: u64 = 1 << 30;
/// How often a change is made again because another program was faster.
const ATTEMPTS: usize = 10;

/// A password file that exists and may be written.
#[derive(Debug)]
pub struct Stored {
    path: PathBuf,
    metadata: Metadata,
}

/// How a change reached the disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Replacement {
    /// By a rename: nobody ever sees half of it.
    Whole,
    /// Written over the old content, because the folder does not let us put a file beside it or the
    /// new file could not have its owner.
    InPlace,
}

#[derive(Debug)]
pub enum StoredError {
    /// The path leads nowhere that can be followed.
    Resolve(io::Error),
    Open(io::Error),
    NotRegular,
    Read(io::Error),
    /// Longer than [`MAX_BYTES`].
    TooLarge,
    /// Another program replaced it again and again.
    KeepsChanging,
    /// The new file could not be written; the old one is as it was.
    Replace(whole_file::Error),
    /// Writing over the old content failed; `restored` says whether the old content is back.
    WriteInPlace {
        cause: io::Error,
        restored: bool,
    },
}

impl Stored {
    /// Finds the file, through symbolic links, and makes sure that it can be read and written.
    pub fn open(path: &Path) -> Result<Self, StoredError> {
        let path = match fs::canonicalize(path) {
            Ok(path) => path,
            Err(error) if error.kind() == ErrorKind::NotFound => path.to_owned(),
            Err(error) => return Err(StoredError::Resolve(error)),
        };
        let (_, metadata) = open_regular(&path)?;
        Ok(Self { path, metadata })
    }

    /// Where the file is when all links are followed.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Owner and mode at the time it was opened.
    pub fn metadata(&self) -> &Metadata {
        &self.metadata
    }

    /// Gives the text to `change` and puts the text that it returns in the file's place; with
    /// `None`, or when it fails, the file stays. `change` is called again if the file was replaced
    /// meanwhile.
    pub fn change<T, E: From<StoredError>>(
        &self,
        mut change: impl FnMut(&[u8]) -> Result<(Option<Zeroizing<Vec<u8>>>, T), E>,
    ) -> Result<(T, Replacement), E> {
        for _ in 0..ATTEMPTS {
            let (file, before) = self.lock()?;
            let old = read_all(&file, &before)?;
            let (new, said) = change(&old)?;
            let Some(new) = new else { return Ok((said, Replacement::Whole)) };
            let draft = match Draft::replacing(&self.path, &new, Permission::KeepOr(0o600)) {
                Ok(draft) => Some(draft),
                Err(error) if only_in_place(&error) => None,
                Err(error) => return Err(StoredError::Replace(error).into()),
            };
            if !self.is_still(&before) {
                continue;
            }
            match draft.map(Draft::publish) {
                Some(Ok(_)) => return Ok((said, Replacement::Whole)),
                Some(Err(error)) if !only_in_place(&error) => return Err(StoredError::Replace(error).into()),
                Some(Err(_)) | None => write_over(&file, &old, &new)?,
            }
            return Ok((said, Replacement::InPlace));
        }
        Err(StoredError::KeepsChanging.into())
    }

    /// The file, locked, and what it is. Whoever held the lock before us has put another file in its
    /// place: so look again until the locked file is the one that the path leads to.
    fn lock(&self) -> Result<(fs::File, Metadata), StoredError> {
        loop {
            let (file, _) = open_regular(&self.path)?;
            match file.lock() {
                // Some network file systems have no locks; a change in between is noticed all the same.
                Err(error) if error.kind() != ErrorKind::Unsupported => return Err(StoredError::Open(error)),
                _ => {}
            }
            let metadata = file.metadata().map_err(StoredError::Read)?;
            let now = fs::metadata(&self.path).map_err(StoredError::Open)?;
            if files::is_same(&now, &metadata) {
                return Ok((file, metadata));
            }
        }
    }

    fn is_still(&self, before: &Metadata) -> bool {
        fs::metadata(&self.path).is_ok_and(|now| files::version(&now) == files::version(before))
    }
}

/// Reads a password file that is not to be changed.
pub fn read(path: &Path) -> Result<Zeroizing<Vec<u8>>, StoredError> {
    let metadata = fs::metadata(path).map_err(StoredError::Open)?;
    must_be_regular(&metadata)?;
    let file = fs::File::open(path).map_err(StoredError::Open)?;
    read_all(&file, &metadata)
}

fn open_regular(path: &Path) -> Result<(fs::File, Metadata), StoredError> {
    // A FIFO would block the open for ever, so look first.
    let metadata = fs::metadata(path).map_err(StoredError::Open)?;
    must_be_regular(&metadata)?;
    let file = OpenOptions::new().read(true).write(true).open(path).map_err(StoredError::Open)?;
    let metadata = file.metadata().map_err(StoredError::Open)?;
    Ok((file, metadata))
}

fn must_be_regular(metadata: &Metadata) -> Result<(), StoredError> {
    match metadata {
        folder if folder.is_dir() => Err(StoredError::Open(files::is_a_folder())),
        file if file.is_file() => Ok(()),
        _ => Err(StoredError::NotRegular),
    }
}

fn read_all(file: &fs::File, metadata: &Metadata) -> Result<Zeroizing<Vec<u8>>, StoredError> {
    if metadata.len() > MAX_BYTES {
        return Err(StoredError::TooLarge);
    }
    // Reserved at once: a vector that grows would leave unwiped copies of passwords behind.
    let mut text = Zeroizing::new(Vec::with_capacity(metadata.len() as usize + 1));
    let read = file.take(MAX_BYTES + 1).read_to_end(&mut text).map_err(StoredError::Read)?;
    if read as u64 > MAX_BYTES { Err(StoredError::TooLarge) } else { Ok(text) }
}

/// Whether the folder or the owner stands in the way and not the content: then the file can still be
/// written over. A file that is a mount point is busy.
fn only_in_place(error: &whole_file::Error) -> bool {
    matches!(
        (error.step, error.cause.kind()),
        (Step::Create | Step::KeepOwner | Step::Publish, ErrorKind::PermissionDenied)
            | (Step::Create, ErrorKind::ReadOnlyFilesystem)
            | (Step::Publish, ErrorKind::ResourceBusy)
    )
}

/// Writes `new` over `old`. What makes the file longer is written first, where a full disk does no harm.
fn write_over(file: &fs::File, old: &[u8], new: &[u8]) -> Result<(), StoredError> {
    let shared = old.len().min(new.len());
    let written = files::write_all_at(file, &new[shared..], shared as u64)
        .and_then(|()| files::write_all_at(file, &new[..shared], 0))
        .and_then(|()| file.set_len(new.len() as u64))
        .and_then(|()| file.sync_all());
    written.map_err(|cause| {
        let restored = files::write_all_at(file, old, 0).and_then(|()| file.set_len(old.len() as u64)).is_ok();
        StoredError::WriteInPlace { cause, restored }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn append(text: &[u8], more: &str) -> Zeroizing<Vec<u8>> {
        Zeroizing::new([text, more.as_bytes()].concat())
    }

    #[test]
    fn what_another_program_wrote_meanwhile_is_kept() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("passwords");
        fs::write(&path, "a\n").unwrap();
        let mut calls = 0;
        let changed: Result<_, StoredError> = Stored::open(&path).unwrap().change(|text| {
            calls += 1;
            if calls == 1 {
                fs::write(folder.path().join("other"), "other\n").unwrap();
                fs::rename(folder.path().join("other"), &path).unwrap();
            }
            Ok((Some(append(text, "b\n")), ()))
        });
        assert_eq!(changed.unwrap().1, Replacement::Whole);
        assert_eq!(fs::read_to_string(&path).unwrap(), "other\nb\n");
        assert_eq!(calls, 2);
    }

    #[test]
    fn a_file_that_never_holds_still_is_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("passwords");
        fs::write(&path, "").unwrap();
        let mut writes = String::new();
        let changed: Result<((), _), StoredError> = Stored::open(&path).unwrap().change(|text| {
            writes.push('x');
            fs::write(&path, &writes).unwrap();
            Ok((Some(append(text, "b\n")), ()))
        });
        assert!(matches!(changed, Err(StoredError::KeepsChanging)));
        assert_eq!(fs::read_to_string(&path).unwrap(), "x".repeat(ATTEMPTS));
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "no draft stays");
    }

    #[test]
    fn changes_at_the_same_time_are_all_kept() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("passwords");
        fs::write(&path, "").unwrap();
        std::thread::scope(|scope| {
            for number in 0..40 {
                let path = &path;
                scope.spawn(move || {
                    let stored = Stored::open(path).unwrap();
                    let changed: Result<_, StoredError> =
                        stored.change(|text| Ok((Some(append(text, &format!("{number}\n"))), ())));
                    changed.unwrap();
                });
            }
        });
        let text = fs::read_to_string(&path).unwrap();
        let mut numbers: Vec<u32> = text.lines().map(|line| line.parse().unwrap()).collect();
        numbers.sort_unstable();
        assert_eq!(numbers, (0..40).collect::<Vec<_>>());
    }

    #[test]
    fn writing_over_a_file_makes_it_longer_or_shorter() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("passwords");
        for (old, new) in [("abc", "abcdef"), ("abcdef", "xy"), ("", "a"), ("a", "")] {
            fs::write(&path, old).unwrap();
            let (file, _) = open_regular(&path).unwrap();
            write_over(&file, old.as_bytes(), new.as_bytes()).unwrap();
            assert_eq!(fs::read_to_string(&path).unwrap(), new);
        }
    }

    #[test]
    fn what_is_no_regular_file_is_refused_before_it_is_opened() {
        let folder = tempfile::tempdir().unwrap();
        assert!(matches!(Stored::open(folder.path()), Err(StoredError::Open(_))));
        let pipe = folder.path().join("pipe");
        rustix::fs::mknodat(rustix::fs::CWD, &pipe, rustix::fs::FileType::Fifo, rustix::fs::Mode::RWXU, 0).unwrap();
        assert!(matches!(Stored::open(&pipe), Err(StoredError::NotRegular)));
        assert!(matches!(Stored::open(&folder.path().join("none")), Err(StoredError::Open(_))));
    }
}
