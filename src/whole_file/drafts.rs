//! The drafts that killed processes have left in a folder: which they are, and that they go.
//!
//! The process that writes a draft holds a lock on the draft itself, which ends with the process however that ends. A
//! draft is removed when nobody holds its lock, no process has the number in its name, and no note of a set of files
//! ([`crate::file_set`]) lies in the folder: such a note may name it, and whoever finishes the set needs it.

use std::collections::HashSet;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{LazyLock, Mutex, PoisonError};

use crate::os::files;
use crate::os::process;

/// What drafts are called, with the number of a process and one more between the two.
const NAME: (&str, &str) = (".moskit-", ".tmp");

/// What notes of sets are called, in the same way.
pub const NOTE_NAME: (&str, &str) = (".moskit-", ".set");

/// Drafts of this process that are locked at once; each takes a descriptor. Of more, as a fleet of certificates has, the
/// others are protected by the number of the process alone.
const LOCKS: usize = 64;

/// Drafts that are looked at together, each with a descriptor.
const LOOKED_AT_TOGETHER: usize = 32;

/// Drafts of others that one run looks at.
const LOOKED_AT: usize = 1024;

/// What a draft is called until it has its own name.
pub fn name(process: u32, number: u32) -> String {
    format!("{}{process}-{number}{}", NAME.0, NAME.1)
}

/// The name of a draft that only the owner of a note in another folder may remove: nobody finds that note here.
pub fn name_apart(process: u32, number: u32) -> String {
    format!("{}{process}-{number}-set{}", NAME.0, NAME.1)
}

/// Whether a file of this name is a draft.
pub fn is_name(name: &str) -> bool {
    name.starts_with(NAME.0) && name.ends_with(NAME.1)
}

/// Whether a file of this name is the note of a set.
pub fn is_note_name(name: &str) -> bool {
    name.starts_with(NOTE_NAME.0) && name.ends_with(NOTE_NAME.1)
}

/// The number of the process that made the draft of this name. `None` for a draft that is set apart.
fn process_of(name: &str) -> Option<u32> {
    let numbers = name.strip_prefix(NAME.0)?.strip_suffix(NAME.1)?;
    let (process, number) = numbers.split_once('-')?;
    let parsed = (process.parse().ok()?, number.parse().ok()?);
    // Only what `name` would write: not `+7` or `007`.
    (self::name(parsed.0, parsed.1) == name).then_some(parsed.0)
}

/// Says to other processes that a draft is wanted, as long as it is held.
#[derive(Debug)]
pub struct Lock {
    /// `None` when there are many already, or where files cannot be locked.
    held: Option<File>,
}

/// Somebody took the new draft for one of a killed process, and removes it.
#[derive(Debug, PartialEq, Eq)]
pub struct Taken;

static LOCKS_HELD: AtomicUsize = AtomicUsize::new(0);

impl Lock {
    /// Locks a draft that was just made at `path`.
    pub fn take(draft: &File, path: &Path) -> Result<Self, Taken> {
        if LOCKS_HELD.fetch_add(1, Ordering::Relaxed) >= LOCKS {
            LOCKS_HELD.fetch_sub(1, Ordering::Relaxed);
            return Ok(Self { held: None });
        }
        let mut lock = Self { held: None };
        let locked = draft.try_clone().map(|file| file.try_lock().map(|()| file));
        match locked {
            Ok(Ok(file)) => lock.held = Some(file),
            Ok(Err(fs::TryLockError::WouldBlock)) => {
                LOCKS_HELD.fetch_sub(1, Ordering::Relaxed);
                return Err(Taken);
            }
            Ok(Err(fs::TryLockError::Error(_))) | Err(_) => {
                LOCKS_HELD.fetch_sub(1, Ordering::Relaxed);
                return Ok(lock);
            }
        }
        // Between making and locking it may have been found without a lock.
        let is_there = lock.held.as_ref().is_some_and(|held| is_at(held, path));
        if is_there { Ok(lock) } else { Err(Taken) }
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        if self.held.is_some() {
            LOCKS_HELD.fetch_sub(1, Ordering::Relaxed);
        }
    }
}

/// Whether the open file is the one at `path`.
fn is_at(file: &File, path: &Path) -> bool {
    let there = fs::symlink_metadata(path);
    file.metadata().is_ok_and(|metadata| there.is_ok_and(|there| files::is_same(&metadata, &there)))
}

/// Removes what killed processes have left in the folder, the first time that this process asks for it: later the folder
/// has drafts of its own.
pub fn clean_once(folder: &Path) {
    static CLEANED: LazyLock<Mutex<HashSet<PathBuf>>> = LazyLock::new(Mutex::default);
    let mut cleaned = CLEANED.lock().unwrap_or_else(PoisonError::into_inner);
    if cleaned.insert(folder.to_owned()) {
        clean(folder);
    }
}

/// Nothing is made of an error: what stays is in nobody's way, and the next run tries again.
pub fn clean(folder: &Path) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    let abandoned = |entry: &fs::DirEntry| {
        let process = entry.file_name().to_str().and_then(process_of)?;
        let is_file = entry.file_type().is_ok_and(|kind| kind.is_file());
        // Our own number is that of an earlier process, or of one in another container, which holds its locks.
        (is_file && (process == std::process::id() || !process::is_alive(process))).then(|| entry.path())
    };
    let abandoned: Vec<_> = entries.flatten().filter_map(|entry| abandoned(&entry)).take(LOOKED_AT).collect();
    for some in abandoned.chunks(LOOKED_AT_TOGETHER) {
        let locked: Vec<_> = some.iter().filter_map(|path| Some((path, lock_abandoned(path)?))).collect();
        // Asked behind the locks: a process that was alive before may have written its note since.
        if has_note(folder) {
            return;
        }
        for (path, _lock) in &locked {
            let _ = fs::remove_file(path);
        }
    }
}

/// `None`: somebody wants it, or nobody knows.
fn lock_abandoned(path: &Path) -> Option<File> {
    let file = File::open(path).ok()?;
    file.try_lock().ok()?;
    is_at(&file, path).then_some(file)
}

/// Whether a note lies in the folder, or nobody knows.
fn has_note(folder: &Path) -> bool {
    fs::read_dir(folder).map_or(true, |mut entries| {
        entries.any(|entry| entry.map_or(true, |entry| entry.file_name().to_str().is_some_and(is_note_name)))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The number of a process that has ended and been waited for.
    fn of_the_dead() -> u32 {
        let mut child = std::process::Command::new("true").spawn().unwrap();
        child.wait().unwrap();
        child.id()
    }

    fn leave(folder: &Path, name: &str) -> PathBuf {
        let path = folder.join(name);
        fs::write(&path, "half").unwrap();
        path
    }

    #[test]
    fn what_a_dead_process_left_is_removed_unless_somebody_holds_it_or_a_note_may_name_it() {
        let folder = tempfile::tempdir().unwrap();
        let (dead, own) = (name(of_the_dead(), 0), name(std::process::id(), 900_000));
        let left = [leave(folder.path(), &dead), leave(folder.path(), &own)];
        // As a process in another container, whose numbers are not ours, holds it.
        let held: Vec<_> = left.iter().map(|path| File::open(path).unwrap()).collect();
        for file in &held {
            file.lock().unwrap();
        }
        clean(folder.path());
        assert!(left.iter().all(|path| path.exists()), "another writes them");
        for file in &held {
            // Closing is not enough while a child that another test starts has them too.
            file.unlock().unwrap();
        }
        let note = leave(folder.path(), ".moskit-1-0.set");
        clean(folder.path());
        assert!(left.iter().all(|path| path.exists()), "a note may name them");
        fs::remove_file(note).unwrap();
        clean(folder.path());
        assert!(!left.iter().any(|path| path.exists()));
    }

    #[test]
    fn what_a_living_process_or_somebody_else_made_stays() {
        let folder = tempfile::tempdir().unwrap();
        let dead = of_the_dead();
        let mut names = vec![name(1, 0), name_apart(dead, 0)];
        names.extend([
            format!(".moskit-{dead}-0.tmp2"),
            format!("moskit-{dead}-0.tmp"),
            format!(".moskit-{dead}.tmp"),
            format!(".moskit-+{dead}-0.tmp"),
            format!(".moskit-{dead}-00.tmp"),
        ]);
        let kept: Vec<_> = names.iter().map(|name| leave(folder.path(), name)).collect();
        let below = folder.path().join(name(dead, 1));
        fs::create_dir(&below).unwrap();
        clean(folder.path());
        assert!(kept.iter().all(|path| path.exists()), "{kept:?}");
        assert!(below.is_dir());
    }

    #[test]
    fn a_draft_that_somebody_found_before_it_was_locked_is_made_anew() {
        let folder = tempfile::tempdir().unwrap();
        let path = leave(folder.path(), &name(1, 0));
        let draft = File::open(&path).unwrap();
        let other = File::open(&path).unwrap();
        other.lock().unwrap();
        assert_eq!(Lock::take(&draft, &path).err(), Some(Taken));
        fs::remove_file(&path).unwrap();
        drop(other);
        assert_eq!(Lock::take(&draft, &path).err(), Some(Taken));
    }

    #[test]
    fn more_drafts_than_a_process_may_have_descriptors_are_made() {
        let folder = tempfile::tempdir().unwrap();
        let draft = |number: usize| {
            let path = folder.path().join(number.to_string());
            super::super::Draft::new(&path, b"x", 0o600).unwrap()
        };
        let drafts: Vec<_> = (0..4 * LOCKS).map(draft).collect();
        let locked = drafts.iter().filter(|draft| lock_abandoned(draft.temporary()).is_none()).count();
        assert!((1..=LOCKS).contains(&locked), "{locked}");
    }
}
