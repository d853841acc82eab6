//! Whether a file that is open is still what its name stands for.

use std::fs::{Metadata, metadata};
use std::io;
use std::path::Path;

use super::error::StoreError;
use crate::os::files;

pub(super) fn check_same(opened: &Metadata, path: &Path) -> Result<(), StoreError> {
    match metadata(path) {
        Ok(found) if files::is_same(opened, &found) => Ok(()),
        Ok(_) => Err(StoreError::Replaced),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Err(StoreError::Gone),
        Err(error) => Err(StoreError::Io(error)),
    }
}
