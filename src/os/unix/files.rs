//! Modes, owners and identities of files.

use std::fs::{self, File, Metadata, OpenOptions, Permissions, TryLockError};
use std::io;
use std::ops::Deref;
use std::os::unix::fs::{FileExt, FileTypeExt, MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

use rustix::fs::OFlags;
use rustix::io::Errno;

pub use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, symlink};

use crate::os::Owner;

/// The mode of a file, its type left out.
pub fn mode(metadata: &Metadata) -> Option<u32> {
    Some(metadata.mode() & 0o7777)
}

pub fn set_mode(file: &File, mode: u32) -> io::Result<()> {
    file.set_permissions(Permissions::from_mode(mode))
}

pub fn owner(metadata: &Metadata) -> Option<Owner> {
    Some(Owner { user: metadata.uid(), group: metadata.gid() })
}

pub fn set_owner(file: &File, owner: Owner) -> io::Result<()> {
    std::os::unix::fs::fchown(file, Some(owner.user), Some(owner.group))
}

/// Whether both are of one file.
pub fn is_same(one: &Metadata, other: &Metadata) -> bool {
    (one.dev(), one.ino()) == (other.dev(), other.ino())
}

/// What changes when a file is written or replaced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Version {
    device: u64,
    node: u64,
    length: u64,
    changed: (i64, i64),
}

pub fn version(metadata: &Metadata) -> Version {
    Version {
        device: metadata.dev(),
        node: metadata.ino(),
        length: metadata.len(),
        changed: (metadata.mtime(), metadata.mtime_nsec()),
    }
}

/// Opens a file to be read, unless its last name is a symbolic link.
pub fn open_unless_link(path: &Path) -> io::Result<File> {
    OpenOptions::new().read(true).custom_flags(OFlags::NOFOLLOW.bits().cast_signed()).open(path)
}

/// Fails where opening could wait for another program, as a pipe does, or would not give a file's content.
pub fn check_regular(path: &Path) -> io::Result<()> {
    match fs::metadata(path)?.file_type() {
        kind if kind.is_file() => Ok(()),
        kind if kind.is_dir() => Err(is_a_folder()),
        _ => Err(io::Error::new(io::ErrorKind::InvalidInput, "it is not a regular file")),
    }
}

/// Whether opening `path` would wait until another program opens it too.
pub fn is_pipe(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|metadata| metadata.file_type().is_fifo())
}

/// Opens a file to write behind what is in it, or makes it for its owner only. Never waits: of a pipe that nobody reads
/// it says so, and to one that is full nothing can be written.
pub fn open_to_append(path: &Path) -> io::Result<File> {
    let flags = OFlags::NONBLOCK.bits().cast_signed();
    OpenOptions::new().append(true).create(true).mode(0o600).custom_flags(flags).open(path).map_err(|error| {
        if is_pipe(path) && error.raw_os_error() == Some(Errno::NXIO.raw_os_error()) {
            return io::Error::new(io::ErrorKind::NotConnected, "it is a pipe that nobody reads");
        }
        error
    })
}

/// What leads to the file that a descriptor of ours is open on.
pub fn descriptor_path(number: u16) -> io::Result<PathBuf> {
    Ok(format!("/dev/fd/{number}").into())
}

/// A file that other programs are kept from until this is dropped.
#[derive(Debug)]
pub struct Claim(File);

impl Deref for Claim {
    type Target = File;

    fn deref(&self) -> &File {
        &self.0
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        // A child that another thread starts at this moment has the file too until it executes its program: closing it here
        // would leave it locked for that long. Where there are no locks there is nothing to give up.
        let _ = self.0.unlock();
    }
}

/// Opens a file, or makes it for its owner only, and keeps other programs that ask with this function from it until
/// what this gives is dropped. `None` while another has it; a file system without locks keeps nobody.
pub fn claim(path: &Path) -> io::Result<Option<Claim>> {
    let file = OpenOptions::new().read(true).write(true).create(true).truncate(false).mode(0o600).open(path)?;
    Ok(match file.try_lock() {
        Err(TryLockError::WouldBlock) => None,
        Ok(()) | Err(TryLockError::Error(_)) => Some(Claim(file)),
    })
}

/// Opens a file whose content is to be on the disk. For reading, which is enough, since it may be one that its owner
/// does not write.
pub fn open_to_sync(path: &Path) -> io::Result<File> {
    File::open(path)
}

/// Waits until all that was written to the file system of `folder` is on its disk.
#[cfg(any(target_os = "linux", target_os = "android"))]
pub fn sync_file_system(folder: &File) -> io::Result<()> {
    Ok(rustix::fs::syncfs(folder)?)
}

#[cfg(not(any(target_os = "linux", target_os = "android")))]
pub fn sync_file_system(_folder: &File) -> io::Result<()> {
    Err(crate::os::unsupported("calls that wait for a whole file system"))
}

pub fn write_all_at(file: &File, bytes: &[u8], offset: u64) -> io::Result<()> {
    file.write_all_at(bytes, offset)
}

/// What opening a folder as a file fails with.
pub fn is_a_folder() -> io::Error {
    Errno::ISDIR.into()
}

/// What making a file fails with whose name is taken.
pub fn is_taken() -> io::Error {
    Errno::EXIST.into()
}

/// Renames a file, unless the new name is taken.
pub fn rename_to_unused(from: &Path, to: &Path) -> io::Result<()> {
    match rename_exclusively(from, to) {
        // Neither every system nor every file system knows it: a second name, which never replaces, does the same.
        Err(error) if [Errno::INVAL, Errno::NOSYS, Errno::OPNOTSUPP, Errno::NOTSUP].contains(&error) => {
            fs::hard_link(from, to)?;
            fs::remove_file(from)
        }
        done => Ok(done?),
    }
}

#[cfg(any(target_os = "linux", target_os = "android", target_vendor = "apple"))]
fn rename_exclusively(from: &Path, to: &Path) -> rustix::io::Result<()> {
    use rustix::fs::{CWD, RenameFlags, renameat_with};
    renameat_with(CWD, from, CWD, to, RenameFlags::NOREPLACE)
}

#[cfg(not(any(target_os = "linux", target_os = "android", target_vendor = "apple")))]
fn rename_exclusively(_from: &Path, _to: &Path) -> rustix::io::Result<()> {
    Err(Errno::NOSYS)
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};

    use super::*;

    #[test]
    fn a_claim_ends_with_its_holder_also_while_a_child_has_the_file_open() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        let first = claim(&path).unwrap().unwrap();
        // As a child has it that was forked and has not executed its program yet.
        let _copy = first.try_clone().unwrap();
        assert!(claim(&path).unwrap().is_none());
        drop(first);
        assert!(claim(&path).unwrap().is_some());
    }

    #[test]
    fn a_pipe_that_nobody_reads_is_not_waited_for_and_one_that_is_read_is_written_to() {
        let folder = tempfile::tempdir().unwrap();
        let pipe = folder.path().join("pipe");
        assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
        let (sender, opened) = std::sync::mpsc::channel();
        let path = pipe.clone();
        // It would wait here for ever.
        std::thread::spawn(move || sender.send(open_to_append(&path).unwrap_err().to_string()));
        let said = opened.recv_timeout(std::time::Duration::from_secs(60)).unwrap();
        assert_eq!(said, "it is a pipe that nobody reads");

        let reader = OpenOptions::new().read(true).custom_flags(OFlags::NONBLOCK.bits().cast_signed()).open(&pipe);
        let mut reader = reader.unwrap();
        open_to_append(&pipe).unwrap().write_all(b"secret").unwrap();
        let mut text = String::new();
        reader.read_to_string(&mut text).unwrap();
        assert_eq!(text, "secret");
    }
}
