//! The write-ahead log of the state file, which is moved into it while the store goes on writing.

use std::fs::Metadata;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use super::error::StoreError;
use super::place::check_same;
use crate::os::files;
use crate::state::sqlite::{self, LogLength, LogMover};

/// The write-ahead log of one [`Store`](super::Store).
#[derive(Debug)]
pub struct Log {
    store: PathBuf,
    path: PathBuf,
    length: Arc<LogLength>,
    /// `None` while the store has no file open.
    open: Mutex<Option<Open>>,
}

#[derive(Debug)]
struct Open {
    /// The store's own descriptor of its file: with any other that is closed, the locks that SQLite holds on it would end.
    claim: Arc<files::Claim>,
    /// The files that the store writes to. What has their names may be others.
    file: Metadata,
    log: Metadata,
    mover: Option<LogMover>,
}

impl Log {
    pub(super) fn of(store: &Path) -> Self {
        let length = Arc::default();
        Self { store: store.to_owned(), path: sqlite::log_of(store), length, open: Mutex::default() }
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    pub(super) fn length(&self) -> &Arc<LogLength> {
        &self.length
    }

    /// The store has opened these files.
    pub(super) fn opened(&self, claim: &Arc<files::Claim>, file: &Metadata, log: &Metadata) {
        let open = Open { claim: Arc::clone(claim), file: file.clone(), log: log.clone(), mover: None };
        *self.open.lock().unwrap_or_else(PoisonError::into_inner) = Some(open);
    }

    /// The store closes its files. Waits while the log is being moved.
    pub(super) fn closed(&self) {
        *self.open.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    /// Whether [`Log::move_on`] is to be called.
    pub fn is_to_be_moved(&self) -> bool {
        self.length.is_to_be_moved()
    }

    /// Whether it is so long that it is to begin anew.
    pub fn is_long(&self) -> bool {
        self.length.is_long()
    }

    /// Whether [`Log::move_on`] is to be called while nobody writes, so that the log begins anew.
    pub fn is_to_begin_anew(&self) -> bool {
        self.length.is_to_begin_anew()
    }

    /// Moves what nobody reads of the log into the file.
    pub fn move_on(&self) -> Result<(), StoreError> {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(open) = &mut *open else { return Ok(()) };
        self.length.moving();
        let mover = match &open.mover {
            Some(mover) => mover,
            None => open.mover.insert(self.mover(&open.file, &open.log)?),
        };
        self.length.has_moved(mover.move_log()?);
        Ok(())
    }

    /// Waits until the disk has what was moved into the file. SQLite waits for all of that when it moves the last of the log, for
    /// which nobody writes.
    pub fn wait_for_disk(&self) {
        let open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(open) = &*open {
            // Whoever moves the last of it waits as well, and says what went wrong.
            let _ = open.claim.sync_data();
        }
    }

    /// Opens the files that the store writes to, and no others: the log of one would be moved into the other.
    fn mover(&self, file: &Metadata, log: &Metadata) -> Result<LogMover, StoreError> {
        let check = || check_same(file, &self.store).and_then(|()| check_same(log, &self.path));
        check()?;
        let mover = LogMover::open(&self.store)?;
        check()?;
        Ok(mover)
    }
}
