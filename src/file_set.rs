//! Files that belong together, such as a key and its certificate: replaced by one process after the other, and all of
//! them, even when that process is killed half-way.
//!
//! No rename gives two files their names at once. So the drafts of a set are completed, a note that names them is put
//! beside them, and only then do they get their names, one after the other. Whoever works on a set in the same folder
//! next finds the note of one that was killed, and goes on where it stopped.

use std::fs::{self, File};
use std::io::{self, ErrorKind, Read};
use std::path::{Path, PathBuf};

use aws_lc_rs::digest;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::os::text::{OsStrExt, OsStringExt};
use crate::os::{files, user};
use crate::whole_file::{self, Draft, Error, NOTE_NAME, Step};

/// The first line of a note. The number is that of its form.
const MAGIC: &[u8] = b"moskit set 1";
/// Names tried for a note. Those of other users may be in the way, never this many.
const NOTE_NAMES: u32 = 1000;
/// The longest note that is read: a set of a hundred thousand files has one of 16 MB.
const LONGEST_NOTE: u64 = 64 * 1024 * 1024;

/// While it is held, no other process of ours changes a set whose note lies in this folder.
#[derive(Debug)]
pub struct FolderLock {
    folder: PathBuf,
    is_lockable: bool,
    /// Not every file system has locks; there it is as it was without.
    _held: Option<File>,
}

/// What was found of a set whose process did not come to its end.
#[derive(Debug, PartialEq, Eq)]
pub enum Interrupted {
    /// These files have their new content now; the others of the set had it already.
    Finished(Vec<PathBuf>),
    /// These files were changed by somebody else since, and are as they were found.
    Abandoned(Vec<PathBuf>),
}

/// A file of a set that may still have to get its name.
#[derive(Debug, PartialEq, Eq)]
struct Entry {
    target: PathBuf,
    /// The name of its draft, in the folder of the target.
    draft: PathBuf,
    /// The digest of what the target held when the set was complete; empty if there was none.
    was: Vec<u8>,
}

/// Whether a set lies in the folder whose process is still at it, or was killed.
pub fn has_unfinished(folder: &Path) -> bool {
    let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
    fs::read_dir(folder).is_ok_and(|mut entries| entries.any(|entry| entry.is_ok_and(|entry| is_note(&entry.path()))))
}

impl FolderLock {
    /// Waits until nobody else holds it.
    pub fn take(folder: &Path) -> Self {
        let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
        // A folder that cannot be opened is met by whoever writes into it.
        let locked = File::open(folder).ok().map(|opened| opened.lock().map(|()| opened));
        let is_lockable = !matches!(locked, Some(Err(_)));
        Self { folder: folder.to_owned(), is_lockable, _held: locked.and_then(Result::ok) }
    }

    /// Whether the file system has locks; where it has none, nobody is kept out.
    pub fn is_lockable(&self) -> bool {
        self.is_lockable
    }

    /// Gives the files of sets that a killed process left half-way their names.
    pub fn finish_interrupted(&self) -> Result<Vec<Interrupted>, Error> {
        let Ok(entries) = fs::read_dir(&self.folder) else { return Ok(Vec::new()) };
        let mut notes: Vec<_> = entries.filter_map(|entry| entry.ok().map(|entry| entry.path())).collect();
        notes.retain(|path| is_note(path));
        notes.sort();
        let mut found = Vec::new();
        for note in notes {
            if let Some(entries) = read_note(&note).and_then(|text| parse(&text)) {
                found.push(finish(&entries)?);
                remove(&note)?;
            }
        }
        Ok(found)
    }

    /// Gives all drafts their names: all of them in the end, unless one fails.
    pub fn publish(&self, mut drafts: Vec<Draft>) -> Result<(), Error> {
        if drafts.len() < 2 {
            return whole_file::publish_all(drafts);
        }
        let note = self.note(&mut drafts)?;
        let published = whole_file::publish_all(drafts);
        remove(&note)?;
        published
    }

    /// Completes the drafts and names them in a note. From here on the set is as good as published.
    fn note(&self, drafts: &mut [Draft]) -> Result<PathBuf, Error> {
        for draft in drafts.iter_mut() {
            // Who cleans up in a folder looks for notes there, and keeps what they may name.
            if !is_same_folder(draft.temporary(), &self.folder) {
                draft.set_apart()?;
            }
        }
        whole_file::sync_all(drafts)?;
        let mut text = MAGIC.to_vec();
        for draft in &*drafts {
            let inspect = |cause| Error { path: draft.target().to_owned(), step: Step::Inspect, cause };
            let target = std::path::absolute(draft.target()).map_err(inspect)?;
            for part in [
                target.as_os_str().as_bytes(),
                draft.temporary().file_name().unwrap_or_default().as_bytes(),
                state_of(&target).map_err(inspect)?.as_bytes(),
            ] {
                text.push(0);
                text.extend_from_slice(part);
            }
        }
        let mut number = 0;
        loop {
            let name = format!("{}{}-{number}{}", NOTE_NAME.0, std::process::id(), NOTE_NAME.1);
            let path = self.folder.join(name);
            match whole_file::write_new(&path, &text, 0o600) {
                Err(error) if error.target_exists() && number < NOTE_NAMES => number += 1,
                written => return written.map(|()| path),
            }
        }
    }
}

fn is_note(path: &Path) -> bool {
    path.file_name().and_then(|name| name.to_str()).is_some_and(whole_file::is_note_name)
}

/// Whether the file lies in the folder. When nobody knows, it does not.
fn is_same_folder(file: &Path, folder: &Path) -> bool {
    let own = file.parent().filter(|own| !own.as_os_str().is_empty()).unwrap_or(Path::new("."));
    own == folder || matches!((own.canonicalize(), folder.canonicalize()), (Ok(own), Ok(folder)) if own == folder)
}

/// The text of a note, if it is one of ours: what it says is done, so nobody else may have written it.
fn read_note(path: &Path) -> Option<Vec<u8>> {
    let metadata = fs::symlink_metadata(path).ok().filter(fs::Metadata::is_file)?;
    if !is_ours_alone(&metadata) || metadata.len() > LONGEST_NOTE {
        return None;
    }
    let mut text = Vec::new();
    File::open(path).ok()?.take(LONGEST_NOTE).read_to_end(&mut text).ok()?;
    Some(text)
}

/// Whether nobody but this user may have written what has these metadata, or its entries if it is a folder.
pub fn is_ours_alone(metadata: &fs::Metadata) -> bool {
    let ours = match (files::owner(metadata), user::effective()) {
        (Some(owner), Some(effective)) => owner.user == effective.user,
        _ => true,
    };
    ours && files::mode(metadata).is_none_or(|mode| mode & 0o777 | 0o700 == 0o700)
}

fn parse(text: &[u8]) -> Option<Vec<Entry>> {
    let path = |bytes: &[u8]| PathBuf::from(std::ffi::OsString::from_vec(bytes.to_vec()));
    let mut parts = text.split(|byte| *byte == 0);
    if parts.next() != Some(MAGIC) {
        return None;
    }
    let mut entries = Vec::new();
    while let Some(target) = parts.next() {
        let (draft, was) = (path(parts.next()?), parts.next()?.to_vec());
        let name = draft.to_str().unwrap_or_default();
        let is_name = draft.file_name() == Some(draft.as_os_str()) && whole_file::is_draft_name(name);
        let target = path(target);
        if !is_name || !target.is_absolute() {
            return None;
        }
        entries.push(Entry { draft: target.with_file_name(draft), target, was });
    }
    Some(entries)
}

/// Gives the remaining files of a set their names, if nobody has touched what they replace.
fn finish(entries: &[Entry]) -> Result<Interrupted, Error> {
    let failed = |entry: &Entry, step, cause| Error { path: entry.target.clone(), step, cause };
    let is_file = |path: &Path| fs::symlink_metadata(path).is_ok_and(|metadata| metadata.is_file());
    let left: Vec<_> = entries.iter().filter(|entry| is_file(&entry.draft)).collect();
    let mut changed = Vec::new();
    for entry in &left {
        let now = state_of(&entry.target).map_err(|cause| failed(entry, Step::Inspect, cause))?;
        if now.as_bytes() != entry.was {
            changed.push(entry.target.clone());
        }
    }
    if !changed.is_empty() {
        for entry in &left {
            remove(&entry.draft)?;
        }
        return Ok(Interrupted::Abandoned(changed));
    }
    for entry in &left {
        let renamed = if entry.was.is_empty() {
            files::rename_to_unused(&entry.draft, &entry.target)
        } else {
            fs::rename(&entry.draft, &entry.target)
        };
        renamed.map_err(|cause| failed(entry, Step::Publish, cause))?;
    }
    Ok(Interrupted::Finished(left.iter().map(|entry| entry.target.clone()).collect()))
}

fn remove(path: &Path) -> Result<(), Error> {
    match fs::remove_file(path) {
        Err(cause) if cause.kind() != ErrorKind::NotFound => {
            Err(Error { path: path.to_owned(), step: Step::Publish, cause })
        }
        _ => Ok(()),
    }
}

/// The digest of a file; empty if there is none.
fn state_of(path: &Path) -> io::Result<String> {
    match fs::read(path) {
        Ok(content) => Ok(STANDARD.encode(digest::digest(&digest::SHA256, &content))),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(String::new()),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::whole_file::Permission;

    fn names_in(folder: &Path) -> Vec<String> {
        let mut names: Vec<_> =
            fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    /// A set of which the process was killed after `renamed` of its files had their names.
    fn killed(folder: &Path, renamed: usize) {
        let lock = FolderLock::take(folder);
        let draft = |name: &str| {
            let text = format!("new {name}");
            Draft::replacing(&folder.join(name), text.as_bytes(), Permission::Exactly(0o600)).unwrap()
        };
        let mut drafts = vec![draft("a.key"), draft("a.crt"), draft("b.crt")];
        lock.note(&mut drafts).unwrap();
        for draft in drafts.drain(..renamed) {
            draft.publish().unwrap();
        }
        drafts.into_iter().for_each(Draft::abandon);
    }

    #[test]
    fn a_set_whose_process_was_killed_is_finished_by_the_next() {
        for renamed in 0..=3 {
            let folder = tempfile::tempdir().unwrap();
            fs::write(folder.path().join("a.key"), "old key").unwrap();
            fs::write(folder.path().join("a.crt"), "old crt").unwrap();
            killed(folder.path(), renamed);
            let found = FolderLock::take(folder.path()).finish_interrupted().unwrap();
            let [Interrupted::Finished(files)] = found.as_slice() else { panic!("{found:?}") };
            assert_eq!(files.len(), 3 - renamed);
            assert_eq!(names_in(folder.path()), ["a.crt", "a.key", "b.crt"]);
            for name in ["a.key", "a.crt", "b.crt"] {
                assert_eq!(fs::read_to_string(folder.path().join(name)).unwrap(), format!("new {name}"));
            }
            assert_eq!(FolderLock::take(folder.path()).finish_interrupted().unwrap(), []);
        }
    }

    #[test]
    fn a_set_over_two_folders_is_finished_though_others_write_there_before() {
        let (certificates, keys) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let (crt, key) = (certificates.path().join("a.crt"), keys.path().join("a.key"));
        fs::write(&crt, "old").unwrap();
        fs::write(&key, "old").unwrap();
        let lock = FolderLock::take(certificates.path());
        let draft = |path: &Path| Draft::replacing(path, b"new", Permission::Exactly(0o600)).unwrap();
        let mut drafts = vec![draft(&crt), draft(&key)];
        lock.note(&mut drafts).unwrap();
        drafts.into_iter().for_each(Draft::abandon);
        drop(lock);
        for folder in [&certificates, &keys] {
            whole_file::clean(folder.path());
            assert_eq!(names_in(folder.path()).iter().filter(|name| whole_file::is_draft_name(name)).count(), 1);
        }
        let found = FolderLock::take(certificates.path()).finish_interrupted().unwrap();
        assert_eq!(found, [Interrupted::Finished(vec![crt.canonicalize().unwrap(), key.canonicalize().unwrap()])]);
        assert_eq!((fs::read(&crt).unwrap(), fs::read(&key).unwrap()), (b"new".to_vec(), b"new".to_vec()));
        assert_eq!((names_in(certificates.path()).len(), names_in(keys.path()).len()), (1, 1));
    }

    #[test]
    fn what_somebody_else_has_changed_since_is_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("a.key"), "old key").unwrap();
        killed(folder.path(), 1);
        fs::write(folder.path().join("a.crt"), "somebody else's").unwrap();
        let found = FolderLock::take(folder.path()).finish_interrupted().unwrap();
        assert_eq!(found, [Interrupted::Abandoned(vec![folder.path().join("a.crt")])]);
        assert_eq!(fs::read_to_string(folder.path().join("a.crt")).unwrap(), "somebody else's");
        assert_eq!(names_in(folder.path()), ["a.crt", "a.key"]);
    }

    #[test]
    fn a_note_that_others_could_have_written_is_not_believed() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("a.key"), "old key").unwrap();
        killed(folder.path(), 0);
        let note =
            names_in(folder.path()).iter().map(|name| folder.path().join(name)).find(|path| is_note(path)).unwrap();
        fs::set_permissions(&note, fs::Permissions::from_mode(0o666)).unwrap();
        assert_eq!(FolderLock::take(folder.path()).finish_interrupted().unwrap(), []);
        assert_eq!(fs::read_to_string(folder.path().join("a.key")).unwrap(), "old key");
    }

    #[test]
    fn notes_name_drafts_of_ours_beside_their_targets_only() {
        let entry = |target: &str, draft: &str| [MAGIC, target.as_bytes(), draft.as_bytes(), b"00"].join(&0);
        assert!(parse(&entry("/etc/a.crt", ".moskit-1-2.tmp")).is_some());
        for (target, draft) in [
            ("a.crt", ".moskit-1-2.tmp"),
            ("/etc/a.crt", "../.moskit-1-2.tmp"),
            ("/etc/a.crt", "shadow"),
            ("/etc/a.crt", ""),
        ] {
            assert_eq!(parse(&entry(target, draft)), None, "{target} {draft}");
        }
        assert_eq!(parse(b"something else"), None);
        assert_eq!(parse(&[MAGIC, b"\0/etc/a.crt"].concat()), None);
    }

    #[test]
    fn a_set_that_is_published_leaves_no_note() {
        let folder = tempfile::tempdir().unwrap();
        let draft = |name: &str| Draft::new(&folder.path().join(name), name.as_bytes(), 0o600).unwrap();
        let lock = FolderLock::take(folder.path());
        lock.publish(vec![draft("a"), draft("b")]).unwrap();
        assert_eq!(names_in(folder.path()), ["a", "b"]);
        let error = lock.publish(vec![draft("c"), draft("a")]).unwrap_err();
        assert!(error.target_exists(), "{error:?}");
        assert_eq!(names_in(folder.path()), ["a", "b"]);
    }
}
