//! The SQLite tables of Mosquitto 2.1's persist-sqlite plugin, which are also the state of our own
//! broker.

mod log;
mod log_mover;
mod read;
mod row_by_row;
mod rows;
mod write;

use std::path::{Path, PathBuf};

pub use log::LogLength;
pub use log_mover::LogMover;
pub use read::{EntryColumns, MAGIC, Reader, Unreadable};
pub use rows::{Entry, EntryDetail, SessionRow, Will};
pub use write::{Sync, Transaction, Unwritable, Writer};

/// The write-ahead log of the database at `path`.
pub fn log_of(path: &Path) -> PathBuf {
    read::beside(path, "-wal")
}
