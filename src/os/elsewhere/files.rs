//! Files have neither mode nor owner in Unix's sense: who may read a new one is what its folder says.

use std::fs::{self, DirBuilder, File, Metadata, OpenOptions};
use std::io::{self, ErrorKind, Seek, SeekFrom, Write};
use std::os::windows::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use crate::os::{Owner, unsupported};

/// `ERROR_SHARING_VIOLATION`.
const IN_USE: i32 = 32;
/// `FILE_FLAG_DELETE_ON_CLOSE`.
const GONE_WHEN_CLOSED: u32 = 0x0400_0000;

pub trait OpenOptionsExt {
    fn mode(&mut self, mode: u32) -> &mut Self;
}

impl OpenOptionsExt for OpenOptions {
    fn mode(&mut self, _mode: u32) -> &mut Self {
        self
    }
}

pub trait DirBuilderExt {
    fn mode(&mut self, mode: u32) -> &mut Self;
}

impl DirBuilderExt for DirBuilder {
    fn mode(&mut self, _mode: u32) -> &mut Self {
        self
    }
}

/// A link there needs a right that users do not have, and a name that ends in `.exe`.
pub fn symlink<P: AsRef<Path>, Q: AsRef<Path>>(_original: P, _link: Q) -> io::Result<()> {
    Err(unsupported("symbolic links"))
}

pub fn mode(_metadata: &Metadata) -> Option<u32> {
    None
}

/// The draft has the rights of the folder, which the file that it replaces had too.
pub fn set_mode(_file: &File, _mode: u32) -> io::Result<()> {
    Ok(())
}

pub fn owner(_metadata: &Metadata) -> Option<Owner> {
    None
}

pub fn set_owner(_file: &File, _owner: Owner) -> io::Result<()> {
    Err(unsupported("owners by number"))
}

/// As far as it can be known without opening them: both were made at one moment.
pub fn is_same(one: &Metadata, other: &Metadata) -> bool {
    one.created().ok() == other.created().ok()
}

/// What changes when a file is written or replaced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Version {
    made: Option<SystemTime>,
    length: u64,
    changed: Option<SystemTime>,
}

pub fn version(metadata: &Metadata) -> Version {
    Version { made: metadata.created().ok(), length: metadata.len(), changed: metadata.modified().ok() }
}

/// Fails for what has no content to be read.
pub fn check_regular(path: &Path) -> io::Result<()> {
    match fs::metadata(path)?.file_type() {
        kind if kind.is_file() => Ok(()),
        kind if kind.is_dir() => Err(is_a_folder()),
        _ => Err(io::Error::new(ErrorKind::InvalidInput, "it is not a regular file")),
    }
}

/// There are none among files here.
pub fn is_pipe(_path: &Path) -> bool {
    false
}

/// Opens a file to be read, unless its last name is a symbolic link.
pub fn open_unless_link(path: &Path) -> io::Result<File> {
    if fs::symlink_metadata(path)?.is_symlink() {
        return Err(io::Error::new(ErrorKind::InvalidInput, "it is a symbolic link"));
    }
    File::open(path)
}

/// Opens a file to write behind what is in it, or makes it.
pub fn open_to_append(path: &Path) -> io::Result<File> {
    OpenOptions::new().append(true).create(true).open(path)
}

pub fn descriptor_path(_number: u16) -> io::Result<PathBuf> {
    Err(unsupported("descriptors with a number"))
}

/// What keeps other programs from a file until it is closed.
pub type Claim = File;

/// Makes a file if there is none, and keeps other programs that ask with this function from it until what this gives
/// is closed. `None` while another has it. A lock on the file itself would keep SQLite from it too, so a file beside
/// it is taken, which the system removes when this process ends.
pub fn claim(path: &Path) -> io::Result<Option<Claim>> {
    OpenOptions::new().write(true).create(true).truncate(false).open(path)?;
    let mut beside = path.as_os_str().to_owned();
    beside.push(".claim");
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(false).share_mode(0).custom_flags(GONE_WHEN_CLOSED);
    match options.open(beside) {
        Ok(file) => Ok(Some(file)),
        Err(error) if error.raw_os_error() == Some(IN_USE) => Ok(None),
        Err(error) => Err(error),
    }
}

/// Opens a file whose content is to be on the disk, which only its writers may ask for.
pub fn open_to_sync(path: &Path) -> io::Result<File> {
    OpenOptions::new().write(true).open(path)
}

pub fn sync_file_system(_folder: &File) -> io::Result<()> {
    Err(unsupported("calls that wait for a whole file system"))
}

pub fn write_all_at(mut file: &File, bytes: &[u8], offset: u64) -> io::Result<()> {
    file.seek(SeekFrom::Start(offset))?;
    file.write_all(bytes)
}

/// What opening a folder as a file fails with.
pub fn is_a_folder() -> io::Error {
    ErrorKind::IsADirectory.into()
}

/// What making a file fails with whose name is taken.
pub fn is_taken() -> io::Error {
    ErrorKind::AlreadyExists.into()
}

/// Renames a file, unless the new name is taken: a second name never replaces.
pub fn rename_to_unused(from: &Path, to: &Path) -> io::Result<()> {
    fs::hard_link(from, to)?;
    fs::remove_file(from)
}
