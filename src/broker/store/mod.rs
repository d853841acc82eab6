//! The broker's state on disk: a SQLite file with the tables of Mosquitto's persist-sqlite and two of our
//! own. One transaction per batch of changes; a batch that is committed survives a kill at any moment.

mod export;
mod import;
mod records;
mod restore;

pub use export::{ExportError, Exported, export};
pub use import::{ImportError, Imported, import};

use std::collections::HashSet;
use std::fmt;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use bytestring::ByteString;

use super::{Change, MessageId, Restored};
use crate::broker::config::Sync;
use crate::net::reason;
use crate::os::files;
use crate::state::sqlite::{self, Transaction, Unreadable, Unwritable, Writer};

/// Why the state cannot be read or kept.
#[derive(Debug)]
pub enum StoreError {
    /// The file cannot be opened or made.
    Io(io::Error),
    /// Another process keeps its state in the file.
    InUse,
    /// A file, but none of ours nor of persist-sqlite.
    NotPersistSqlite,
    /// A schema of a later major version.
    TooNew { major: i64 },
    /// Another process began to write the file while it was read.
    ChangedMeanwhile,
    /// The last reload failed.
    Closed,
    /// SQLite's own words.
    Sqlite(rusqlite::Error),
}

/// The reason alone, as it stands in the log and behind `cannot keep the state in …`.
impl fmt::Display for StoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Io(error) => f.write_str(&reason(error)),
            Self::InUse => f.write_str("another broker is using it"),
            Self::NotPersistSqlite => f.write_str("it is no broker's state (no tables of persist-sqlite in it)"),
            Self::TooNew { major } => write!(f, "its schema, version {major}, is newer than this program"),
            Self::ChangedMeanwhile => f.write_str("a broker started on it while it was read; try again"),
            Self::Closed => f.write_str("it could not be read again since the last failure"),
            Self::Sqlite(error) => error.fmt(f),
        }
    }
}

impl From<Unwritable> for StoreError {
    fn from(error: Unwritable) -> Self {
        match error {
            Unwritable::NotPersistSqlite => Self::NotPersistSqlite,
            Unwritable::TooNew { major } => Self::TooNew { major },
            Unwritable::Sqlite(error) => Self::Sqlite(error),
        }
    }
}

impl From<Unreadable> for StoreError {
    fn from(error: Unreadable) -> Self {
        match error {
            Unreadable::Io(error) => Self::Io(error),
            Unreadable::NotPersistSqlite | Unreadable::NotSqlite | Unreadable::NotAFile => Self::NotPersistSqlite,
            Unreadable::Sqlite(error) => Self::Sqlite(error),
            Unreadable::ChangedMeanwhile => Self::ChangedMeanwhile,
        }
    }
}

/// The open state file of one broker.
#[derive(Debug)]
pub struct Store {
    path: PathBuf,
    sync: Sync,
    /// Absent only after a reload failed: nothing can be written until one succeeds.
    writer: Option<Writer>,
    /// Holds the lock against a second broker. Declared last: closing any descriptor of the file ends
    /// the locks that SQLite holds on it, so this one goes after the writer.
    _lock: File,
}

impl Store {
    /// Opens or creates the file at `path` and reads what is in it. Sessions that were connected when
    /// the last broker ended count as disconnected at `wall`.
    pub fn open(path: &Path, sync: Sync, wall: Duration) -> Result<(Self, Restored), StoreError> {
        let lock = files::claim(path).map_err(StoreError::Io)?.ok_or(StoreError::InUse)?;
        let mut store = Self { path: path.to_owned(), sync, writer: None, _lock: lock };
        let restored = store.reload(wall)?;
        Ok((store, restored))
    }

    /// Writes all `changes` or none of them. What they led to may be sent when this has returned `Ok`.
    pub fn commit(&mut self, changes: &[Change]) -> Result<(), StoreError> {
        if changes.is_empty() {
            return Ok(());
        }
        let writer = self.writer.as_mut().ok_or(StoreError::Closed)?;
        let passing = Passing::of(changes);
        Ok(writer.transaction(|transaction| {
            changes
                .iter()
                .filter(|change| !passing.covers(change))
                .try_for_each(|change| records::write(change, transaction))
        })?)
    }

    /// Reads the file again: what a broker goes back to after a commit failed.
    pub fn reload(&mut self, wall: Duration) -> Result<Restored, StoreError> {
        // The reader opens and closes the file, which would end the locks of an open writer.
        self.writer = None;
        let (restored, repair) = restore::read(&self.path, wall)?;
        let sync = match self.sync {
            Sync::Normal => sqlite::Sync::Normal,
            Sync::Full => sqlite::Sync::Full,
        };
        let mut writer = Writer::open(&self.path, sync)?;
        if !repair.is_empty() {
            writer.transaction(|transaction| repair.write(&restored, transaction))?;
        }
        self.writer = Some(writer);
        Ok(restored)
    }

    /// Fills an empty file with a whole state, as an import does.
    pub fn fill(&mut self, state: &Restored) -> Result<(), StoreError> {
        let writer = self.writer.as_mut().ok_or(StoreError::Closed)?;
        Ok(writer.transaction(|transaction| records::write_all(state, transaction))?)
    }

    /// Moves the write-ahead log into the file.
    pub fn checkpoint(&mut self) -> Result<(), StoreError> {
        Ok(self.writer.as_ref().map_or(Ok(()), Writer::checkpoint)?)
    }

    /// Closes the file; one file remains, without a log beside it.
    pub fn close(self) -> Result<(), StoreError> {
        Ok(self.writer.map_or(Ok(()), Writer::close)?)
    }
}

/// What one batch both makes and removes: it need not touch the disk at all. A message to a client that
/// acknowledges at once is of this kind.
#[derive(Default)]
struct Passing<'a> {
    entries: HashSet<(&'a ByteString, u64)>,
    messages: HashSet<MessageId>,
}

impl<'a> Passing<'a> {
    fn of(changes: &'a [Change]) -> Self {
        let mut made = Self::default();
        let mut passing = Self::default();
        for change in changes {
            match change {
                Change::Queued(entry) => {
                    let key = (&entry.client_id, entry.sequence);
                    // A session that began anew in this batch counts from 1 again: this entry is another one.
                    passing.entries.remove(&key);
                    made.entries.insert(key);
                }
                Change::EntryRemoved { client_id, sequence } if made.entries.contains(&(client_id, *sequence)) => {
                    passing.entries.insert((client_id, *sequence));
                }
                Change::Stored(message) => {
                    made.messages.insert(message.id);
                }
                Change::Removed(id) if made.messages.contains(id) => {
                    passing.messages.insert(*id);
                }
                _ => {}
            }
        }
        passing
    }

    fn covers(&self, change: &Change) -> bool {
        match change {
            Change::Queued(entry) | Change::EntryChanged(entry) => {
                self.entries.contains(&(&entry.client_id, entry.sequence))
            }
            Change::EntryRemoved { client_id, sequence } => self.entries.contains(&(client_id, *sequence)),
            Change::Stored(message) => self.messages.contains(&message.id),
            Change::Removed(id) => self.messages.contains(id),
            _ => false,
        }
    }
}

/// What a file that Mosquitto, or nobody, changed in between needs before we go on with it.
#[derive(Debug, Default)]
struct Repair {
    /// Rows without a partner.
    stray_rows: bool,
    /// Clients whose entries are not numbered one by one, or not all of use.
    renumber: HashSet<ByteString>,
}

impl Repair {
    fn is_empty(&self) -> bool {
        !self.stray_rows && self.renumber.is_empty()
    }

    fn write(&self, restored: &Restored, transaction: &Transaction<'_>) -> Result<(), rusqlite::Error> {
        for client in restored.clients.iter().filter(|client| self.renumber.contains(&client.record.client_id)) {
            transaction.remove_entries(client.record.client_id.as_bytes())?;
            client.entries.iter().try_for_each(|entry| records::write_entry(entry, transaction))?;
        }
        if self.stray_rows {
            transaction.remove_stray_rows()?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
