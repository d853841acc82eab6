//! Devices of a batch get their files some hundreds at a time: all is written into a folder of its own, made to last by one
//! wait for the disk, and noted there; then the index gets to know it, the files get their places, and the manifest gets
//! its lines. Whoever starts after a kill finds the note and goes on from it, or finds none, and nothing was seen of it.

use std::collections::HashSet;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

use super::files::{Folder, KEY_MODE};
use super::index_file::OpenIndex;
use super::issuer::OpenIssuer;
use super::manifest_file::Manifest;
use super::sentences::{exists, not_written};
use crate::file_set::{FolderLock, is_ours_alone};
use crate::os::files::{self, DirBuilderExt, OpenOptionsExt};
use crate::pki::index::Record;
use crate::pki::manifest::Entry;
use crate::pki::serial::Serial;
use crate::term::{Exit, Failure};
use crate::whole_file::{self, Error, Step};

/// In the folder of the devices, none of which may have a name that begins so.
const STAGE: &str = ".moskit-batch";
/// In that folder: a line of the index and a line of the manifest for each device.
const NOTE: &str = ".chunk";

/// A device that is made, and not yet written.
pub struct Ready {
    pub record: Record,
    pub entry: Entry,
    pub files: Vec<ReadyFile>,
}

pub struct ReadyFile {
    /// From the folder of the devices on.
    pub name: String,
    pub text: Zeroizing<Vec<u8>>,
    pub mode: u32,
}

/// Where the devices of a batch go.
pub struct Place<'a> {
    pub folder: &'a Path,
    pub issuer: &'a OpenIssuer,
    pub manifest: Manifest,
}

impl Place<'_> {
    fn stage(&self) -> PathBuf {
        self.folder.join(STAGE)
    }

    /// Ends what a killed process has begun; how many devices are done by that.
    pub fn recover(&mut self) -> Result<usize, Failure> {
        let stage = self.stage();
        let note = stage.join(NOTE);
        if fs::symlink_metadata(&stage).is_ok_and(|metadata| !is_ours_alone(&metadata)) {
            let why = format!("others may have written into `{}`, which an interrupted run left", stage.display());
            return Err(Failure::new(Exit::FAILED, why).hint("remove it: what was in it is made again"));
        }
        let text = match fs::read_to_string(&note) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                // Nothing of it was seen by anybody.
                return remove(&stage).map(|()| 0);
            }
            Err(error) => return Err(failed("read", &note, &error)),
        };
        let (mut records, mut entries) = (Vec::new(), Vec::new());
        let mut lines = text.lines();
        while let (Some(record), Some(entry)) = (lines.next(), lines.next()) {
            let (Ok(record @ Record::Issued(_)), Ok(entry)) = (Record::parse(record), Entry::parse(entry)) else {
                let why = format!("`{}` is damaged", note.display());
                return Err(Failure::new(Exit::FAILED, why).hint(
                    "it says which devices an interrupted run was writing; remove its folder, and run certgen index --rebuild",
                ));
            };
            records.push(record);
            entries.push(entry);
        }
        entries.retain(|entry| !self.manifest.has(&entry.id));
        let count = entries.len();
        self.finish(&records, &entries, true)?;
        Ok(count)
    }

    /// Writes the files of these devices and what is known of them.
    pub fn publish(&mut self, ready: &[Ready]) -> Result<(), Failure> {
        if ready.is_empty() {
            return Ok(());
        }
        self.write(ready).inspect_err(|_| {
            // There is an error to report already; what stays is removed at the next start.
            let _ = fs::remove_dir_all(self.stage());
        })?;
        let (records, entries): (Vec<_>, Vec<_>) =
            ready.iter().map(|ready| (ready.record.clone(), ready.entry.clone())).unzip();
        self.finish(&records, &entries, false)
    }

    /// Puts all into the stage, and the note when all of it is on the disk.
    fn write(&self, ready: &[Ready]) -> Result<(), Failure> {
        let stage = self.stage();
        let folder = Folder::make(&stage)?;
        let mut made: HashSet<&str> = HashSet::new();
        for ReadyFile { name, text, mode } in ready.iter().flat_map(|ready| &ready.files) {
            if let Some((folder, _)) = name.split_once('/')
                && made.insert(folder)
            {
                let path = stage.join(folder);
                let made = fs::DirBuilder::new().mode(0o700).create(&path);
                made.map_err(|error| failed("make", &path, &error))?;
            }
            let path = stage.join(name);
            let written = OpenOptions::new()
                .write(true)
                .create_new(true)
                .mode(*mode)
                .open(&path)
                .and_then(|mut file| file.write_all(text));
            // What the user knows is where it was to be.
            written.map_err(|error| failed("write", &self.folder.join(name), &error))?;
        }
        self.wait_for_disk(ready)?;
        let note: String = ready.iter().flat_map(|ready| [ready.record.line(), ready.entry.line()]).collect();
        whole_file::write_new(&stage.join(NOTE), note.as_bytes(), KEY_MODE).map_err(|error| not_written(&error))?;
        folder.keep();
        Ok(())
    }

    /// Once for all files where the system can do that, else for each.
    fn wait_for_disk(&self, ready: &[Ready]) -> Result<(), Failure> {
        let stage = self.stage();
        let synced = File::open(&stage).and_then(|folder| files::sync_file_system(&folder));
        match synced {
            Err(error) if error.kind() == io::ErrorKind::Unsupported => {}
            synced => return synced.map_err(|error| failed("write", &stage, &error)),
        }
        ready.iter().flat_map(|ready| &ready.files).try_for_each(|file| {
            let path = stage.join(&file.name);
            let synced = files::open_to_sync(&path).and_then(|file| file.sync_all());
            synced.map_err(|error| failed("write", &path, &error))
        })
    }

    /// What follows the note. Every step may have been done already if this is the end of a killed run.
    fn finish(&mut self, records: &[Record], entries: &[Entry], again: bool) -> Result<(), Failure> {
        let lock = FolderLock::take(self.folder);
        if let Some(path) = &self.issuer.index {
            let mut index = OpenIndex::open(path, self.issuer.authority.certificate())?;
            if again {
                let known = known(&mut index, records)?;
                let new: Vec<_> = records.iter().filter(|it| !known.contains(it.serial())).cloned().collect();
                index.append(&new)?;
            } else {
                index.append(records)?;
            }
        }
        let stage = self.stage();
        for name in entries.iter().flat_map(Entry::names) {
            let (from, to) = (stage.join(name), self.folder.join(name));
            if again && fs::symlink_metadata(&from).is_err() && fs::symlink_metadata(&to).is_ok() {
                continue;
            }
            move_to(&from, &to).map_err(|error| {
                let error = Error { path: to, step: Step::Publish, cause: error };
                let failure = if error.target_exists() { exists(&error.path) } else { not_written(&error) };
                failure.hint("what was made waits beside it; move what is in the way elsewhere and start again")
            })?;
        }
        // Not every file system can sync a folder; only a power cut could still undo a rename.
        let _ = File::open(self.folder).and_then(|folder| folder.sync_all());
        if again { self.manifest.append_recovered(entries) } else { self.manifest.append(entries) }?;
        drop(lock);
        remove(&stage)
    }
}

/// The serial numbers of these records that the index has.
fn known(index: &mut OpenIndex, records: &[Record]) -> Result<HashSet<Serial>, Failure> {
    let wanted: HashSet<&Serial> = records.iter().map(Record::serial).collect();
    let mut known = HashSet::new();
    index.read(|record| {
        if matches!(record, Record::Issued(_)) && wanted.contains(record.serial()) {
            known.insert(record.serial().clone());
        }
    })?;
    Ok(known)
}

/// Gives a file or a folder its place, unless that is taken.
fn move_to(from: &Path, to: &Path) -> io::Result<()> {
    if !fs::symlink_metadata(from)?.is_dir() {
        return files::rename_to_unused(from, to);
    }
    // No system replaces a folder that has something in it, and not every one has a call for folders that never replaces.
    if fs::symlink_metadata(to).is_ok() { Err(files::is_taken()) } else { fs::rename(from, to) }
}

fn remove(stage: &Path) -> Result<(), Failure> {
    match fs::remove_dir_all(stage) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(failed("remove", stage, &error)),
        _ => Ok(()),
    }
}

fn failed(what: &str, path: &Path, error: &io::Error) -> Failure {
    let why = match error.kind() {
        io::ErrorKind::StorageFull => "the disk is full".to_owned(),
        _ => crate::net::reason(error),
    };
    Failure::new(Exit::FAILED, format!("cannot {what} `{}`: {why}", path.display()))
}
