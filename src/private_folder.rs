//! A folder of our own among the temporary ones: nobody else may look into it, and it goes with all that is in it.

use std::fs::{self, DirBuilder};
use std::io;
use std::path::{Path, PathBuf};

use crate::os::files::DirBuilderExt;

/// Names tried before giving up. Folders of killed processes may be in the way, never this many.
const NAMES: u32 = 1000;

/// Dropped, it is gone.
#[derive(Debug)]
pub struct PrivateFolder {
    path: PathBuf,
}

impl PrivateFolder {
    /// Makes one that is called `moskit-PURPOSE-…`.
    pub fn make(purpose: &str) -> io::Result<Self> {
        let base = std::env::temp_dir();
        for attempt in 0..NAMES {
            let path = base.join(format!("moskit-{purpose}-{}-{attempt}", std::process::id()));
            match DirBuilder::new().mode(0o700).create(&path) {
                Ok(()) => return Ok(Self { path: fs::canonicalize(path)? }),
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                Err(error) => return Err(error),
            }
        }
        Err(io::ErrorKind::AlreadyExists.into())
    }

    /// Absolute, without links.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for PrivateFolder {
    fn drop(&mut self) {
        // A temporary folder that cannot be removed is nothing to fail for.
        let _ = fs::remove_dir_all(&self.path);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::os::files;

    #[test]
    fn folders_are_private_have_names_of_their_own_and_go() {
        let (first, second) = (PrivateFolder::make("test").unwrap(), PrivateFolder::make("test").unwrap());
        assert_ne!(first.path(), second.path());
        assert_eq!(files::mode(&fs::metadata(first.path()).unwrap()), Some(0o700));
        let path = first.path().to_owned();
        fs::write(path.join("file"), "content").unwrap();
        drop(first);
        assert!(!path.exists() && second.path().exists());
    }
}
