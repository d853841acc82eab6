//! The broker's state on disk: a SQLite file with the tables of Mosquitto's persist-sqlite and three of our
//! own. One transaction per batch of changes; a batch that is committed survives a kill at any moment.

mod acknowledged;
mod entry_rows;
mod error;
mod export;
mod import;
mod log;
mod place;
mod records;
mod repair;
mod restore;

pub use error::StoreError;
pub use export::{ExportError, Exported, export};
pub use import::{ImportError, Imported, import};
pub use log::Log;

use std::fs::{Metadata, metadata};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use self::acknowledged::Acknowledged;
use self::entry_rows::EntryRows;
use self::place::check_same;
use super::condense::Passing;
use super::{Change, Restored, WallTime};
use crate::broker::config::Sync;
use crate::os::files;
use crate::state::sqlite::{self, Transaction, Writer};

/// How long the start and the end of a broker wait for another program that writes to the file.
const PATIENT: Duration = Duration::from_secs(5);

/// The open state file of one broker.
#[derive(Debug)]
pub struct Store {
    path: PathBuf,
    sync: Sync,
    /// Absent only while the file could not be opened again.
    writer: Option<Open>,
    log: Arc<Log>,
    /// The rows of entries.
    entry_rows: EntryRows,
    /// Holds the lock against a second broker. Declared last: closing any descriptor of the file ends
    /// the locks that SQLite holds on it, so this one goes after the writer.
    lock: Arc<files::Claim>,
    /// What the lock's file is.
    file: Metadata,
}

/// What is committed at once has at most so many changes, and so many bytes of messages.
const BRIEF_CHANGES: usize = 1024;
const BRIEF_BYTES: u64 = 64 * 1024;

#[derive(Debug)]
struct Open {
    writer: Writer,
    /// The write-ahead log, as it was when it was opened.
    log: Metadata,
    /// What [`Writer::foreign_writes`] was when all entries stood where [`EntryRows`] looks for them; `None`: not known.
    foreign_writes: Option<i64>,
}

/// Whether [`Store::open`] would take what is at `path`, also while a broker has it; nothing is written.
pub fn test(path: &Path, wall: WallTime) -> Result<(), StoreError> {
    if path.exists() {
        return restore::read(path, wall).map(|_| ());
    }
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() && !folder.is_dir() => {
            Err(StoreError::Io(io::ErrorKind::NotFound.into()))
        }
        _ => Ok(()),
    }
}

impl Store {
    /// Opens or creates the file at `path` and reads what is in it. Sessions that were connected when
    /// the last broker ended count as disconnected at `wall`.
    pub fn open(path: &Path, sync: Sync, wall: WallTime) -> Result<(Self, Restored), StoreError> {
        let lock = files::claim(path).map_err(StoreError::Io)?.ok_or(StoreError::InUse)?;
        let lock = Arc::new(lock);
        let file = lock.metadata().map_err(StoreError::Io)?;
        let log = Arc::new(Log::of(path));
        // The reader opens and closes the file, which would end the locks of an open writer.
        let (restored, repair, entry_rows) = restore::read(path, wall)?;
        let mut store = Self { path: path.to_owned(), sync, writer: None, log, entry_rows, lock, file };
        let open = store.open_writer(PATIENT)?;
        // The entries were read a moment ago, and where they stand.
        open.foreign_writes = Some(open.writer.foreign_writes()?);
        if !repair.is_empty() {
            store.write(|transaction, entry_rows| repair.write(&restored, transaction, entry_rows))?;
        }
        if let Some(open) = &store.writer {
            open.writer.set_busy_timeout(Duration::ZERO)?;
        }
        Ok((store, restored))
    }

    fn open_writer(&mut self, busy_timeout: Duration) -> Result<&mut Open, StoreError> {
        let sync = match self.sync {
            Sync::Normal => sqlite::Sync::Normal,
            Sync::Full => sqlite::Sync::Full,
        };
        let writer = Writer::open(&self.path, sync, busy_timeout, self.log.length())?;
        let log = metadata(self.log.path()).map_err(StoreError::Io)?;
        self.log.opened(&self.lock, &self.file, &log);
        Ok(self.writer.insert(Open { writer, log, foreign_writes: None }))
    }

    /// Writes all `changes` or none of them. What they led to may be sent when this has returned `Ok`. Waits for nobody
    /// who writes to the file.
    pub fn commit(&mut self, changes: &[Change]) -> Result<(), StoreError> {
        if changes.is_empty() {
            return Ok(());
        }
        self.check_place()?;
        if self.writer.is_none() {
            self.open_writer(Duration::ZERO)?;
        }
        self.write(|transaction, entry_rows| write_all(changes, transaction, entry_rows))
    }

    /// As [`Store::commit`], if that takes no longer than a few rows do and waits for no disk; `None`: it may, or another
    /// program is writing, and nothing was done.
    pub fn commit_at_once(&mut self, changes: &[Change]) -> Option<Result<(), StoreError>> {
        self.writer.as_ref()?;
        if self.sync == Sync::Full || !are_brief(changes) {
            return None;
        }
        let written = self.check_place().and_then(|()| {
            // All entries may have to be moved when another program has written to the file.
            self.write_after(
                |_, _| Err(StoreError::Busy),
                |transaction, entry_rows| write_all(changes, transaction, entry_rows),
            )
        });
        if let Err(StoreError::Busy) = written { None } else { Some(written) }
    }

    /// The write-ahead log, to be moved into the file beside the commits.
    pub fn log(&self) -> &Arc<Log> {
        &self.log
    }

    /// Runs `write` in one transaction.
    fn write(
        &mut self,
        write: impl FnOnce(&Transaction<'_>, &mut EntryRows) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        self.write_after(find_entries, write)
    }

    /// Runs `write` in one transaction, and before it `find` if another program has written to the file.
    fn write_after(
        &mut self,
        find: impl FnOnce(&Transaction<'_>, &mut EntryRows) -> Result<(), StoreError>,
        write: impl FnOnce(&Transaction<'_>, &mut EntryRows) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        let Some(open) = &mut self.writer else { return Err(StoreError::Gone) };
        let entry_rows = &mut self.entry_rows;
        let known = open.foreign_writes;
        let mut found = None;
        let written = open.writer.transaction(|transaction| {
            found = Some(transaction.foreign_writes()?);
            if found != known {
                find(transaction, entry_rows)?;
            }
            write(transaction, entry_rows)
        });
        entry_rows.settle(written.is_ok());
        if written.is_ok() {
            open.foreign_writes = found;
        }
        written
    }

    /// As [`Store::commit`], at the end of a broker: waits a while for who writes to the file.
    pub fn commit_last(&mut self, changes: &[Change]) -> Result<(), StoreError> {
        if let Some(open) = &self.writer {
            open.writer.set_busy_timeout(PATIENT)?;
        }
        self.commit(changes)
    }

    /// Closes the file, for the next commit to open it anew: a descriptor on which something failed may go on failing.
    pub fn let_go(&mut self) {
        let Some(open) = &self.writer else { return };
        // Closing a log without a name ends it: what is in it has to be in the file first.
        let is_kept = check_same(&open.log, self.log.path()).is_ok() || matches!(open.writer.checkpoint(), Ok(true));
        if is_kept && self.check_file().is_ok() {
            self.log.closed();
            self.writer = None;
        }
    }

    /// What is written to a file without a name is lost with the process.
    fn check_place(&self) -> Result<(), StoreError> {
        self.check_file()?;
        self.writer.as_ref().map_or(Ok(()), |open| check_same(&open.log, self.log.path()))
    }

    fn check_file(&self) -> Result<(), StoreError> {
        check_same(&self.file, &self.path)
    }

    /// Fills an empty file with a whole state, as an import does.
    pub fn fill(&mut self, state: &Restored) -> Result<(), StoreError> {
        self.write(|transaction, entry_rows| records::write_all(state, transaction, entry_rows))
    }

    /// Moves the write-ahead log into the file.
    pub fn checkpoint(&mut self) -> Result<(), StoreError> {
        if let Some(open) = &self.writer {
            open.writer.checkpoint()?;
        }
        Ok(())
    }

    /// Closes the file; one file remains, without a log beside it.
    pub fn close(self) -> Result<(), StoreError> {
        self.log.closed();
        Ok(self.writer.map_or(Ok(()), |open| open.writer.close())?)
    }
}

/// Writes the changes but for what they both make and remove.
fn write_all(changes: &[Change], transaction: &Transaction<'_>, entry_rows: &mut EntryRows) -> Result<(), StoreError> {
    let passing = Passing::of(changes);
    let mut acknowledged = Acknowledged::default();
    for change in changes.iter().filter(|change| !passing.covers(change)) {
        records::write(change, transaction, entry_rows, &mut acknowledged)?;
    }
    acknowledged.remove(transaction)
}

/// Finds the entries again after another program has written to the file: its VACUUM gives the rows other numbers.
fn find_entries(transaction: &Transaction<'_>, entry_rows: &mut EntryRows) -> Result<(), StoreError> {
    transaction.move_entries(|client_id, sequence| {
        let client_id = str::from_utf8(client_id).ok()?;
        entry_rows.find(&client_id.into(), sequence)
    })?;
    Ok(())
}

/// Whether all of them take a moment: few, of one row each, and not many bytes.
fn are_brief(changes: &[Change]) -> bool {
    let bytes = |change: &Change| match change {
        Change::Stored(message) => Some(message.size()),
        Change::Removed(_) | Change::Queued(_) | Change::EntryChanged(_) | Change::EntryRemoved { .. } => Some(0),
        // The end of a session may take a million rows with it.
        _ => None,
    };
    (1..=BRIEF_CHANGES).contains(&changes.len())
        && changes.iter().try_fold(0, |sum, change| Some(sum + bytes(change)?)).is_some_and(|sum| sum <= BRIEF_BYTES)
}

#[cfg(test)]
mod tests;
