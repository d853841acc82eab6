//! Files that are written whole or not at all: a draft beside the target, complete and on the disk,
//! then one rename. Whoever reads the target sees the old content or the new one, nothing between.

use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

use crate::os::Owner;
use crate::os::files::{self, OpenOptionsExt};

mod drafts;

#[cfg(test)]
pub use drafts::clean;
pub use drafts::{NOTE_NAME, is_name as is_draft_name, is_note_name};

/// Names tried for a draft before giving up. Drafts of processes that live may be in the way, never this many.
const DRAFT_NAMES: u32 = 1000;

/// Threads that wait for the disk at once.
const SYNC_THREADS: usize = 16;

/// Who may do what with a file that takes the place of another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Permission {
    /// These mode bits, whatever the old file had; the owner is who runs the program.
    Exactly(u32),
    /// Owner, group and mode of the old file; these mode bits when there was none.
    KeepOr(u32),
    /// These mode bits, whatever the old file had, and its owner and group.
    KeepOwner(u32),
}

/// What could not be done to a file, and why. The target is as it was, and no draft is left.
#[derive(Debug)]
pub struct Error {
    pub path: PathBuf,
    pub step: Step,
    pub cause: io::Error,
}

/// The steps of writing a file, in their order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// Looking at what is there already.
    Inspect,
    /// Creating the draft in the target's folder.
    Create,
    /// Giving the draft the old file's owner.
    KeepOwner,
    /// Giving the draft its mode.
    SetMode,
    Write,
    /// Waiting until the content is on the disk.
    Sync,
    /// Giving the draft the target's name. With [`ErrorKind::AlreadyExists`]: there is such a file
    /// and it was not to be replaced.
    Publish,
}

impl Error {
    /// True when the only thing in the way was an existing file.
    pub fn target_exists(&self) -> bool {
        self.step == Step::Publish && self.cause.kind() == ErrorKind::AlreadyExists
    }
}

/// Creates the file `path` with `bytes`. Fails if there is anything of that name. `mode` holds from
/// the first byte on, less what the process' umask takes.
pub fn write_new(path: &Path, bytes: &[u8], mode: u32) -> Result<(), Error> {
    Draft::new(path, bytes, mode)?.publish().map(drop)
}

/// Puts a file with `bytes` in the place of `path`, or creates it. A symbolic link stays one: the
/// file that it points to is replaced. Only regular files are.
pub fn replace(path: &Path, bytes: &[u8], permission: Permission) -> Result<(), Error> {
    Draft::replacing(path, bytes, permission)?.publish().map(drop)
}

/// Publishes a set of drafts: none of them before all are on the disk, and none at all if one
/// fails, but for files that were replaced before that.
pub fn publish_all(drafts: Vec<Draft>) -> Result<(), Error> {
    sync_all(&drafts)?;
    let mut published: Vec<(PathBuf, bool)> = Vec::new();
    for draft in drafts {
        let is_new = !draft.may_replace;
        match draft.rename() {
            Ok(path) => published.push((path, is_new)),
            Err(error) => {
                // The new ones were not there a moment ago, so they are ours to take away.
                for (path, _) in published.iter().filter(|(_, is_new)| *is_new) {
                    let _ = fs::remove_file(path);
                }
                return Err(error);
            }
        }
    }
    let mut folders: Vec<_> = published.iter().map(|(path, _)| folder_of(path)).collect();
    folders.sort_unstable();
    folders.dedup();
    folders.into_iter().for_each(sync_folder);
    Ok(())
}

/// Waits for the disk once for many files instead of once for each: file systems with a journal write
/// what several threads wait for in one go.
pub fn sync_all(drafts: &[Draft]) -> Result<(), Error> {
    let share = drafts.len().div_ceil(SYNC_THREADS).max(1);
    std::thread::scope(|scope| {
        let threads: Vec<_> =
            drafts.chunks(share).map(|drafts| scope.spawn(move || drafts.iter().try_for_each(Draft::sync))).collect();
        let results = threads.into_iter().map(|thread| thread.join().expect("syncing files does not panic"));
        // All are joined before the first error ends this.
        results.collect::<Vec<_>>().into_iter().collect()
    })
}

/// A complete file that has no name yet. Several drafts can be made before the first is published,
/// so that a full disk stops a set of files before any of it is seen. Dropped, it is gone.
#[derive(Debug)]
pub struct Draft {
    temporary: PathBuf,
    target: PathBuf,
    may_replace: bool,
    /// Keeps others from taking it for the draft of a killed process.
    _lock: drafts::Lock,
}

/// The number of the next draft of this process.
static NEXT: AtomicU32 = AtomicU32::new(0);

impl Draft {
    /// A draft of a file that must not exist when it is published.
    pub fn new(path: &Path, bytes: &[u8], mode: u32) -> Result<Self, Error> {
        let (draft, mut file) = Self::create(path.to_owned(), mode, false)?;
        draft.fill(&mut file, bytes)?;
        Ok(draft)
    }

    /// A draft of a file that takes the place of the one at `path`, if there is one.
    pub fn replacing(path: &Path, bytes: &[u8], permission: Permission) -> Result<Self, Error> {
        let failed = |cause| Error { path: path.to_owned(), step: Step::Inspect, cause };
        let (target, old) = match fs::metadata(path) {
            Ok(old) if old.is_file() => (fs::canonicalize(path).map_err(failed)?, Some(old)),
            Ok(old) if old.is_dir() => return Err(failed(ErrorKind::IsADirectory.into())),
            Ok(_) => return Err(failed(io::Error::new(ErrorKind::InvalidInput, "not a regular file"))),
            // It would be replaced itself, and whoever made it wanted the file elsewhere.
            Err(error) if error.kind() == ErrorKind::NotFound && path.is_symlink() => {
                return Err(failed(io::Error::new(ErrorKind::NotFound, "it is a symbolic link that leads nowhere")));
            }
            Err(error) if error.kind() == ErrorKind::NotFound => (path.to_owned(), None),
            Err(error) => return Err(failed(error)),
        };
        let (mode, owner) = match (permission, old) {
            (Permission::KeepOr(mode), Some(old)) => (files::mode(&old).unwrap_or(mode), files::owner(&old)),
            (Permission::KeepOwner(mode), Some(old)) => (mode, files::owner(&old)),
            (Permission::KeepOr(mode) | Permission::KeepOwner(mode) | Permission::Exactly(mode), _) => (mode, None),
        };
        // Nobody else reads the draft before it has the owner and the mode it is to have.
        let (draft, mut file) = Self::create(target, mode & 0o600, true)?;
        if let Some(owner) = owner {
            draft.step(Step::KeepOwner, keep_owner(&file, owner))?;
        }
        draft.step(Step::SetMode, files::set_mode(&file, mode))?;
        draft.fill(&mut file, bytes)?;
        Ok(draft)
    }

    /// The file that holds the content until then.
    pub fn temporary(&self) -> &Path {
        &self.temporary
    }

    /// The file that it will be.
    pub fn target(&self) -> &Path {
        &self.target
    }

    /// Gives the draft a name that [`is_draft_name`] knows and under which nobody takes it for abandoned, though this
    /// process is killed: a note in another folder is about to name it.
    pub fn set_apart(&mut self) -> Result<(), Error> {
        let apart = drafts::name_apart(std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        let apart = self.temporary.with_file_name(apart);
        self.step(Step::Publish, files::rename_to_unused(&self.temporary, &apart))?;
        self.temporary = apart;
        Ok(())
    }

    /// Leaves the draft as a killed process does.
    #[cfg(test)]
    pub fn abandon(mut self) {
        self.temporary = PathBuf::new();
    }

    /// Fails already now as [`Draft::publish`] would, if there is a file that may not be replaced.
    pub fn still_unused(self) -> Result<Self, Error> {
        if !self.may_replace && fs::symlink_metadata(&self.target).is_ok() {
            return self.step(Step::Publish, Err(files::is_taken()));
        }
        Ok(self)
    }

    /// Waits until the content is on the disk, gives the file its name and returns the path that it
    /// has now.
    pub fn publish(self) -> Result<PathBuf, Error> {
        self.sync()?;
        let path = self.rename()?;
        sync_folder(folder_of(&path));
        Ok(path)
    }

    fn sync(&self) -> Result<(), Error> {
        // Opened again: thousands of drafts must not hold thousands of descriptors.
        self.step(Step::Sync, files::open_to_sync(&self.temporary).and_then(|file| file.sync_all()))
    }

    fn rename(mut self) -> Result<PathBuf, Error> {
        let renamed = if self.may_replace {
            fs::rename(&self.temporary, &self.target)
        } else {
            files::rename_to_unused(&self.temporary, &self.target)
        };
        self.step(Step::Publish, renamed)?;
        self.temporary = PathBuf::new();
        Ok(std::mem::take(&mut self.target))
    }

    fn create(target: PathBuf, mode: u32, may_replace: bool) -> Result<(Self, File), Error> {
        let folder = folder_of(&target).to_owned();
        drafts::clean_once(&folder);
        let mut last = io::Error::from(ErrorKind::AlreadyExists);
        for _ in 0..DRAFT_NAMES {
            let number = NEXT.fetch_add(1, Ordering::Relaxed);
            let temporary = folder.join(drafts::name(std::process::id(), number));
            match OpenOptions::new().write(true).create_new(true).mode(mode).open(&temporary) {
                Ok(file) => {
                    // Whoever took it for an abandoned one removes it.
                    let Ok(lock) = drafts::Lock::take(&file, &temporary) else { continue };
                    return Ok((Self { temporary, target, may_replace, _lock: lock }, file));
                }
                Err(error) if error.kind() == ErrorKind::AlreadyExists => last = error,
                Err(cause) => return Err(Error { path: target, step: Step::Create, cause }),
            }
        }
        Err(Error { path: target, step: Step::Create, cause: last })
    }

    fn fill(&self, file: &mut File, bytes: &[u8]) -> Result<(), Error> {
        self.step(Step::Write, file.write_all(bytes))
    }

    fn step<T>(&self, step: Step, result: io::Result<T>) -> Result<T, Error> {
        result.map_err(|cause| Error { path: self.target.clone(), step, cause })
    }
}

impl Drop for Draft {
    fn drop(&mut self) {
        if !self.temporary.as_os_str().is_empty() {
            // An error is being reported already, or the draft is not wanted: nothing to add.
            let _ = fs::remove_file(&self.temporary);
        }
    }
}

/// Makes a rename last. Only a power cut could still undo it, and not every file system can sync a
/// folder, so nothing is made of an error here.
fn sync_folder(folder: &Path) {
    let _ = File::open(folder).and_then(|folder| folder.sync_all());
}

/// The folder that holds `path`; `.` for a bare name.
fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

fn keep_owner(file: &File, owner: Owner) -> io::Result<()> {
    if files::owner(&file.metadata()?) == Some(owner) {
        return Ok(());
    }
    files::set_owner(file, owner)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{MetadataExt, PermissionsExt};

    use super::*;

    fn mode_of(path: &Path) -> u32 {
        fs::metadata(path).unwrap().mode() & 0o7777
    }

    fn names_in(folder: &Path) -> Vec<String> {
        let mut names: Vec<_> =
            fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    #[test]
    fn a_new_file_has_its_content_and_mode_and_no_draft_stays() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("ca.key");
        write_new(&path, b"secret", 0o600).unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"secret");
        assert_eq!(mode_of(&path), 0o600);
        assert_eq!(names_in(folder.path()), ["ca.key"]);
    }

    #[test]
    fn an_existing_file_is_not_overwritten_by_a_new_one() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("ca.key");
        fs::write(&path, "old").unwrap();
        let error = write_new(&path, b"new", 0o600).unwrap_err();
        assert!(error.target_exists(), "{error:?}");
        assert_eq!(error.path, path);
        assert_eq!(fs::read(&path).unwrap(), b"old");
        assert_eq!(names_in(folder.path()), ["ca.key"]);
    }

    #[test]
    fn a_dangling_link_counts_as_existing() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("ca.key");
        std::os::unix::fs::symlink("nowhere", &path).unwrap();
        assert!(write_new(&path, b"new", 0o600).unwrap_err().target_exists());
        assert_eq!(names_in(folder.path()), ["ca.key"]);
    }

    #[test]
    fn a_replaced_file_keeps_its_mode_and_owner() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("passwords");
        fs::write(&path, "old").unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
        let is_root = fs::metadata(&path).unwrap().uid() == 0;
        if is_root {
            std::os::unix::fs::chown(&path, Some(1234), Some(2345)).unwrap();
        }
        replace(&path, b"new", Permission::KeepOr(0o600)).unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"new");
        assert_eq!(mode_of(&path), 0o640);
        if is_root {
            let now = fs::metadata(&path).unwrap();
            assert_eq!((now.uid(), now.gid()), (1234, 2345));
        }
    }

    #[test]
    fn a_replaced_key_loses_the_mode_of_the_old_one_when_told_so() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("server.key");
        fs::write(&path, "old").unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
        replace(&path, b"new", Permission::Exactly(0o600)).unwrap();
        assert_eq!(mode_of(&path), 0o600);
    }

    #[test]
    fn replacing_through_a_link_replaces_the_file_behind_it() {
        let folder = tempfile::tempdir().unwrap();
        let (file, link) = (folder.path().join("file"), folder.path().join("link"));
        fs::write(&file, "old").unwrap();
        std::os::unix::fs::symlink("file", &link).unwrap();
        replace(&link, b"new", Permission::KeepOr(0o600)).unwrap();
        assert_eq!(fs::read(&file).unwrap(), b"new");
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
    }

    #[test]
    fn a_link_that_leads_nowhere_is_not_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let link = folder.path().join("link");
        std::os::unix::fs::symlink("nowhere", &link).unwrap();
        let error = replace(&link, b"new", Permission::KeepOr(0o600)).unwrap_err();
        assert_eq!((error.step, error.cause.kind()), (Step::Inspect, ErrorKind::NotFound));
        assert_eq!(names_in(folder.path()), ["link"]);
    }

    #[test]
    fn folders_and_devices_are_not_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let error = replace(folder.path(), b"x", Permission::KeepOr(0o600)).unwrap_err();
        assert_eq!((error.step, error.cause.kind()), (Step::Inspect, ErrorKind::IsADirectory));
        let error = replace(Path::new("/dev/null"), b"x", Permission::KeepOr(0o600)).unwrap_err();
        assert_eq!((error.step, error.cause.to_string().as_str()), (Step::Inspect, "not a regular file"));
    }

    #[test]
    fn a_folder_that_is_not_there_is_named_by_the_failed_step() {
        let folder = tempfile::tempdir().unwrap();
        let error = write_new(&folder.path().join("no/such/ca.key"), b"x", 0o600).unwrap_err();
        assert_eq!((error.step, error.cause.kind()), (Step::Create, ErrorKind::NotFound));
    }

    #[test]
    fn an_unpublished_draft_leaves_nothing_behind() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("ca.key");
        let draft = Draft::new(&path, b"x", 0o600).unwrap();
        assert_eq!(names_in(folder.path()).len(), 1);
        drop(draft);
        assert_eq!(names_in(folder.path()), [""; 0]);
    }

    #[test]
    fn a_set_is_published_whole_or_not_at_all() {
        let folder = tempfile::tempdir().unwrap();
        let draft = |name: &str| Draft::new(&folder.path().join(name), name.as_bytes(), 0o600).unwrap();
        publish_all((0..40).map(|number| draft(&format!("file{number:02}"))).collect()).unwrap();
        assert_eq!(names_in(folder.path()).len(), 40);
        let set = vec![draft("new"), draft("file07"), draft("newer")];
        let error = publish_all(set).unwrap_err();
        assert!(error.target_exists() && error.path.ends_with("file07"), "{error:?}");
        assert_eq!(names_in(folder.path()).len(), 40, "neither drafts nor the first of the set stay");
        publish_all(Vec::new()).unwrap();
    }

    #[test]
    fn drafts_that_stay_are_not_in_the_way() {
        let folder = tempfile::tempdir().unwrap();
        let draft = |number: u32| folder.path().join(drafts::name(std::process::id(), number));
        let next = NEXT.load(Ordering::Relaxed);
        let mut held = Vec::new();
        for number in next..next + 100 {
            fs::write(draft(number), "").unwrap();
            held.push(File::open(draft(number)).unwrap());
            held.last().unwrap().lock().unwrap();
        }
        write_new(&folder.path().join("ca.key"), b"x", 0o600).unwrap();
        assert_eq!(names_in(folder.path()).len(), 101);
    }
}
