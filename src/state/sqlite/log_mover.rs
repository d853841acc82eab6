//! Moves the write-ahead log into the database while that is written to.

use std::path::Path;

use rusqlite::{Connection, OpenFlags};

use super::write::Unwritable;

/// Moves the log of a database that a [`Writer`](super::Writer) has open. To be closed before the writer is: what the log is
/// called may be another file from then on.
#[derive(Debug)]
pub struct LogMover {
    connection: Connection,
}

impl LogMover {
    pub fn open(path: &Path) -> Result<Self, Unwritable> {
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(path, flags)?;
        // The log is opened by the first who reads.
        connection.query_row("SELECT COUNT(*) FROM sqlite_schema", [], |_| Ok(()))?;
        Ok(Self { connection })
    }

    /// Moves what of the log no reader needs, and waits for nobody; who writes goes on meanwhile. The log begins anew once all
    /// of it was moved. Returns how many of its pages the database has.
    pub fn move_log(&self) -> Result<u32, Unwritable> {
        let moved: i64 = self.connection.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |row| row.get(2))?;
        Ok(u32::try_from(moved).unwrap_or_default())
    }
}
