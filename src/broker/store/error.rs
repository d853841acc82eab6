//! Why the state cannot be read or kept.

use std::{fmt, io};

use super::entry_rows::NoBlock;
use crate::net::reason;
use crate::state::sqlite::{Unreadable, Unwritable};

/// Why the state cannot be read or kept.
#[derive(Debug)]
pub enum StoreError {
    /// The file cannot be opened or made.
    Io(io::Error),
    /// Another process keeps its state in the file.
    InUse,
    /// The file is none of ours nor of persist-sqlite.
    NotPersistSqlite,
    /// The schema is of a later major version.
    TooNew { major: i64 },
    /// Another process began to write the file while it was read.
    ChangedMeanwhile,
    /// Another program is writing.
    Busy,
    /// The file that was opened has no name any more, or its log has none.
    Gone,
    /// Another file has the name of the one that was opened, or of its log.
    Replaced,
    /// More clients have messages waiting than the file can number.
    TooManyQueues,
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
            Self::Busy => f.write_str("another program is writing to the file"),
            Self::Gone => f.write_str("the file is gone; put it back, or start the broker again for an empty state"),
            Self::Replaced => f.write_str(
                "another file is in its place; put the first one back, or start the broker again with this one",
            ),
            Self::TooManyQueues => {
                f.write_str("more clients have messages waiting than the file can number, 8,388,607")
            }
            Self::Sqlite(error) => error.fmt(f),
        }
    }
}

impl StoreError {
    /// Whether the same may succeed when the file is opened anew, and not as it is open now.
    pub fn may_end_with_descriptor(&self) -> bool {
        match self {
            Self::Sqlite(error) => error.sqlite_error_code() != Some(rusqlite::ErrorCode::DiskFull),
            Self::Io(_) | Self::Gone | Self::Replaced => true,
            _ => false,
        }
    }
}

impl From<NoBlock> for StoreError {
    fn from(_: NoBlock) -> Self {
        Self::TooManyQueues
    }
}

impl From<rusqlite::Error> for StoreError {
    fn from(error: rusqlite::Error) -> Self {
        Unwritable::from(error).into()
    }
}

impl From<Unwritable> for StoreError {
    fn from(error: Unwritable) -> Self {
        match error {
            Unwritable::NotPersistSqlite => Self::NotPersistSqlite,
            Unwritable::TooNew { major } => Self::TooNew { major },
            Unwritable::Busy => Self::Busy,
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
