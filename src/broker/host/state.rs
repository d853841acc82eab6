//! The state file of a broker that starts here.

use std::path::{Path, PathBuf};
use std::time::SystemTime;

use crate::broker::config::Sync;
use crate::broker::store::{self, Store, StoreError};
use crate::broker::{Restored, WallTime};

/// Why the state cannot be kept where it should be.
#[derive(Debug)]
pub enum StateError {
    Unusable {
        path: PathBuf,
        error: StoreError,
    },
    /// There is no state at `store` yet, and Mosquitto left one in `snapshot`: an empty state would hide its messages.
    BesideSnapshot {
        store: PathBuf,
        snapshot: PathBuf,
    },
}

/// Opens the state file at `path` and reads what is in it.
pub fn open(path: &Path, sync: Sync) -> Result<(Store, Restored), StateError> {
    Store::open(path, sync, wall()).map_err(|error| StateError::Unusable { path: path.to_owned(), error })
}

/// Whether [`open`] would find fault with the file; nothing is written.
pub fn test(path: &Path) -> Result<(), StateError> {
    store::test(path, wall()).map_err(|error| StateError::Unusable { path: path.to_owned(), error })
}

/// Refuses to start an empty state beside a snapshot that Mosquitto left.
pub fn check_snapshot(store: &Path, snapshot: &Path) -> Result<(), StateError> {
    if store.exists() || !snapshot.exists() {
        return Ok(());
    }
    Err(StateError::BesideSnapshot { store: store.to_owned(), snapshot: snapshot.to_owned() })
}

/// The time of day.
pub fn wall() -> WallTime {
    WallTime::after_epoch(SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default())
}
