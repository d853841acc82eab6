//! The state file of a broker that starts here.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use crate::broker::config::Sync;
use crate::broker::store::{self, Store, StoreError};
use crate::broker::{Restored, WallTime};
use crate::state::mosquitto_db::MAGIC;

/// Why the state cannot be kept where it should be.
#[derive(Debug)]
pub enum StateError {
    Unusable {
        path: PathBuf,
        error: StoreError,
    },
    /// The file that is to be the state is a snapshot that Mosquitto wrote.
    IsSnapshot {
        path: PathBuf,
    },
    /// There is no state at `store` yet, and Mosquitto left one in `snapshot`: an empty state would hide its messages.
    BesideSnapshot {
        store: PathBuf,
        snapshot: PathBuf,
    },
}

/// Opens the state file at `path` and reads what is in it.
pub fn open(path: &Path, sync: Sync) -> Result<(Store, Restored), StateError> {
    Store::open(path, sync, wall()).map_err(|error| unusable(path, error))
}

/// Whether [`open`] would find fault with the file; nothing is written.
pub fn test(path: &Path) -> Result<(), StateError> {
    store::test(path, wall()).map_err(|error| unusable(path, error))
}

fn unusable(path: &Path, error: StoreError) -> StateError {
    let path = path.to_owned();
    match error {
        StoreError::NotPersistSqlite if is_snapshot(&path) => StateError::IsSnapshot { path },
        error => StateError::Unusable { path, error },
    }
}

fn is_snapshot(path: &Path) -> bool {
    let mut head = [0; MAGIC.len()];
    let mut read = || File::open(path)?.read_exact(&mut head);
    // Opening a pipe would wait for another program.
    path.is_file() && read().is_ok() && head == *MAGIC
}

/// Refuses to start an empty state beside a snapshot that Mosquitto left. In a file without a byte nothing is left.
pub fn check_snapshot(store: &Path, snapshot: &Path) -> Result<(), StateError> {
    let is_left = snapshot.metadata().is_ok_and(|metadata| metadata.len() > 0);
    if store.exists() || !is_left {
        return Ok(());
    }
    Err(StateError::BesideSnapshot { store: store.to_owned(), snapshot: snapshot.to_owned() })
}

/// The time of day.
pub fn wall() -> WallTime {
    WallTime::after_epoch(SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default())
}
