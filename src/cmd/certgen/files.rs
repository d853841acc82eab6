//! The files that certgen writes: a set of them appears whole or not at all.

use std::collections::HashSet;
use std::fs::{self, DirBuilder};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

use super::content::{Item, items};
use super::sentences::{exists, not_made, not_written};
use super::walk::files_of;
use crate::escape::{escape_controls, is_control};
use crate::file_set::{FolderLock, Interrupted};
use crate::net::reason;
use crate::os::files::DirBuilderExt;
use crate::pki::key::EncodedKey;
use crate::pki::make::{KeyPair, to_pem};
use crate::pki::read;
use crate::term::{Exit, Failure, Secret, Term};
use crate::whole_file::{Draft, Permission};

/// Certificates are public, keys are the owner's alone.
pub const CERTIFICATE_MODE: u32 = 0o644;
pub const KEY_MODE: u32 = 0o600;
const FOLDER_MODE: u32 = 0o700;

/// One file to be written.
pub struct NewFile {
    pub path: PathBuf,
    text: Zeroizing<Vec<u8>>,
    permission: Permission,
}

impl NewFile {
    pub fn new(path: PathBuf, text: impl Into<Vec<u8>>, mode: u32) -> Self {
        Self { path, text: Zeroizing::new(text.into()), permission: Permission::Exactly(mode) }
    }

    /// The owner of the file that it replaces stays, for that may be the broker, and so does the mode of a certificate.
    /// A key is its owner's alone, whatever the mode of the old one was.
    pub fn in_place(mut self) -> Self {
        self.permission = match self.mode() {
            KEY_MODE => Permission::KeepOwner(KEY_MODE),
            mode => Permission::KeepOr(mode),
        };
        self
    }

    pub fn text(&self) -> &[u8] {
        &self.text
    }

    pub fn into_text(self) -> Zeroizing<Vec<u8>> {
        self.text
    }

    pub fn mode(&self) -> u32 {
        match self.permission {
            Permission::Exactly(mode) | Permission::KeepOr(mode) | Permission::KeepOwner(mode) => mode,
        }
    }

    /// Certificates, one behind the other.
    pub fn certificates<'a>(path: PathBuf, chain: impl IntoIterator<Item = &'a [u8]>) -> Self {
        let text: String = chain.into_iter().map(|der| to_pem("CERTIFICATE", der).to_string()).collect();
        Self::new(path, text, CERTIFICATE_MODE)
    }

    /// A private key, encrypted if there is a passphrase.
    pub fn key(path: PathBuf, key: &KeyPair, passphrase: Option<&Secret>) -> Result<Self, Failure> {
        Ok(Self::new(path, key_pem(key, passphrase)?.as_bytes(), KEY_MODE))
    }
}

/// A key as PEM, encrypted if there is a passphrase.
pub fn key_pem(key: &KeyPair, passphrase: Option<&Secret>) -> Result<Zeroizing<String>, Failure> {
    match passphrase {
        Some(secret) => key.to_encrypted_pem(secret.expose()).map_err(|error| not_made("encrypt the key", error)),
        None => Ok(key.to_pem()),
    }
}

/// The same as DER.
pub fn key_der(key: &KeyPair, passphrase: Option<&Secret>) -> Result<Zeroizing<Vec<u8>>, Failure> {
    let der = match passphrase {
        Some(secret) => key.to_encrypted_der(secret.expose()).map_err(|error| not_made("encrypt the key", error))?,
        None => key.pkcs8().to_vec(),
    };
    Ok(Zeroizing::new(der))
}

/// A path for a terminal: who named a file may be a stranger.
pub fn shown(path: &Path) -> String {
    escape_controls(&path.to_string_lossy()).into_owned()
}

/// Takes the lock of the folder that `file` is in, and finishes sets in it that a killed process left half-way.
pub fn lock_beside(file: &Path, term: &mut Term) -> Result<FolderLock, Failure> {
    let lock = FolderLock::take(file.parent().unwrap_or(Path::new("")));
    if !lock.is_lockable() {
        term.note(format_args!(
            "warning: the file system of `{}` has no locks: if two certgen write there at once, files and index no longer fit",
            shown(file)
        ));
    }
    for interrupted in lock.finish_interrupted().map_err(|error| not_written(&error))? {
        let names =
            |files: Vec<PathBuf>| files.iter().map(|file| format!("`{}`", shown(file))).collect::<Vec<_>>().join(", ");
        match interrupted {
            Interrupted::Finished(files) if files.is_empty() => {}
            Interrupted::Finished(files) => term.note(format_args!(
                "note: an earlier run was interrupted before it was done; {} finished now",
                match files.as_slice() {
                    [file] => format!("`{}` is", shown(file)),
                    _ => format!("{} are", names(files)),
                }
            )),
            Interrupted::Abandoned(files) => term.note(format_args!(
                "warning: an earlier run was interrupted, and {} changed since, so what was to be written is thrown away: \
                 see with `moskit certgen key match` whether keys and certificates belong together",
                names(files)
            )),
        }
    }
    Ok(lock)
}

/// What may be replaced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Replacing {
    Nothing,
    /// Whatever there is, but the files of a CA: all that it has signed would be lost with them.
    AllButAuthorities,
    /// Those too: a verb that makes CAs was told to, or a key is written in another form over itself.
    All,
}

impl Replacing {
    /// What `--force` replaces in a verb that makes no CA.
    pub fn forced(force: bool) -> Self {
        if force { Self::AllButAuthorities } else { Self::Nothing }
    }

    /// The same in one that does.
    pub fn forced_authority(force: bool) -> Self {
        if force { Self::All } else { Self::Nothing }
    }
}

/// Writes all files or none.
pub fn write_all(files: &[NewFile], replacing: Replacing, term: &mut Term) -> Result<(), Failure> {
    let Some(first) = files.first() else { return Ok(()) };
    let lock = lock_beside(&first.path, term)?;
    write_locked(files, replacing, &lock)
}

/// The same for who holds the lock already.
pub fn write_locked(files: &[NewFile], replacing: Replacing, lock: &FolderLock) -> Result<(), Failure> {
    // Of two files with one name the later would take the place of the earlier, which may be a key.
    let mut paths = HashSet::with_capacity(files.len());
    if let Some(twice) = files.iter().find(|file| !paths.insert(&file.path)) {
        return Err(Failure::new(Exit::USAGE, format!("two files would be written as `{}`", twice.path.display()))
            .hint("other names, or a folder for each (--out), keep the two apart"));
    }
    if replacing == Replacing::Nothing
        && let Some(there) = files.iter().find(|file| fs::symlink_metadata(&file.path).is_ok())
    {
        let is_key = |file: &&NewFile| file.path.extension().is_some_and(|ending| ending == "key");
        let has_key = files.iter().filter(is_key).any(|file| fs::symlink_metadata(&file.path).is_ok());
        let failure = exists(&there.path);
        let replaced = if files.len() == 1 { "it" } else { "all of them" };
        return Err(if has_key {
            failure.hint(format!("--force replaces {replaced}, and the private key that is there is lost"))
        } else {
            failure
        });
    }
    if replacing == Replacing::AllButAuthorities {
        spare_authorities(files)?;
    }
    let draft = |file: &NewFile| {
        if replacing == Replacing::Nothing {
            Draft::new(&file.path, &file.text, file.mode())
        } else {
            Draft::replacing(&file.path, &file.text, file.permission)
        }
    };
    // All content is written before the first file gets its name.
    let drafts = files.iter().map(draft).collect::<Result<Vec<_>, _>>().map_err(|error| not_written(&error))?;
    lock.publish(drafts).map_err(|error| not_written(&error))
}

/// Refuses to replace the certificate or the key of a CA.
fn spare_authorities(files: &[NewFile]) -> Result<(), Failure> {
    for file in files.iter().filter(|file| file.path.exists()) {
        if let Some(authority) = authority_of(&file.path) {
            let why = if authority == file.path {
                format!("`{}` is the certificate of a CA", file.path.display())
            } else {
                format!("`{}` belongs to the CA `{}`", file.path.display(), authority.display())
            };
            return Err(Failure::new(Exit::USAGE, format!("{why}, and --force does not replace it"))
                .hint("another name, or another folder (--out), keeps the two apart"));
        }
    }
    Ok(())
}

/// The endings of certificates that may be a CA's.
const CERTIFICATE_ENDINGS: [&str; 4] = ["crt", "pem", "cer", "der"];

/// The certificate of the CA that a file belongs to: the file itself, or one beside it whose key the file holds, whatever the two
/// are called. A key that is closed belongs to the CA that has no other.
fn authority_of(path: &Path) -> Option<PathBuf> {
    let ending = path.extension().and_then(|ending| ending.to_str()).unwrap_or_default();
    let first = |path: &Path| match items(path).ok()?.into_iter().next() {
        Some(Item::Certificate(certificate)) => Some(certificate),
        _ => None,
    };
    let own = CERTIFICATE_ENDINGS.iter().map(|ending| path.with_extension(ending)).find_map(|beside| {
        let certificate = first(&beside)?;
        Some((beside, certificate))
    });
    if let Some((beside, certificate)) = &own
        && certificate.is_ca()
        && (ending == "key" || ending == "crt")
    {
        return Some(beside.clone());
    }
    if !read::may_hold_key(path) {
        return None;
    }
    let key = items(path).ok()?.into_iter().find_map(|item| match item {
        Item::Key(EncodedKey::Plain(key)) => Some(key.public_key()),
        Item::Key(EncodedKey::Encrypted(_)) => Some(None),
        _ => None,
    })?;
    // That of a certificate of its own name is no CA's, so that the others need not be looked at.
    if own.is_some_and(|(_, certificate)| key.as_ref().is_none_or(|key| *key == certificate.public_key.bits)) {
        return None;
    }
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    files_of(folder, &CERTIFICATE_ENDINGS).ok()?.into_iter().find(|beside| {
        first(beside).is_some_and(|certificate| {
            certificate.is_ca()
                && match &key {
                    Some(key) => *key == certificate.public_key.bits,
                    None => !beside.with_extension("key").exists(),
                }
        })
    })
}

/// A folder for files that are made: nobody else may look into it. Taken away again on drop unless
/// [`Folder::keep`] is called, if it was made here.
pub struct Folder {
    made: Vec<PathBuf>,
}

impl Folder {
    /// Makes `path` and what is missing above it.
    pub fn make(path: &Path) -> Result<Self, Failure> {
        let mut folder = Self { made: Vec::new() };
        folder.add(path)?;
        Ok(folder)
    }

    /// Makes `path`, which is kept or taken away together with what was made before, and before it.
    pub fn add(&mut self, path: &Path) -> Result<(), Failure> {
        let mut missing: Vec<_> = path
            .ancestors()
            .take_while(|ancestor| !ancestor.as_os_str().is_empty() && !ancestor.exists())
            .map(Path::to_owned)
            .collect();
        missing.reverse();
        for path in missing {
            match DirBuilder::new().mode(FOLDER_MODE).create(&path) {
                Ok(()) => self.made.push(path),
                // Another run has made it since it was looked for, and it is that run's to take away.
                Err(error) if error.kind() == ErrorKind::AlreadyExists && path.is_dir() => {}
                Err(error) => {
                    let why = format!("cannot make the folder `{}`: {}", path.display(), reason(&error));
                    return Err(Failure::new(Exit::FAILED, why));
                }
            }
        }
        if path.as_os_str().is_empty() || path.is_dir() {
            Ok(())
        } else {
            Err(Failure::new(Exit::FAILED, format!("`{}` is not a folder", path.display())))
        }
    }

    pub fn keep(mut self) {
        self.made.clear();
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        for path in self.made.iter().rev() {
            // Only an empty folder goes; what others put into it stays.
            let _ = fs::remove_dir(path);
        }
    }
}

/// For verbs that have the option.
pub const NAME_THE_FILES: &str = "--stem NAME names the files";

/// The stem of the files of `name`: `*.lan` gives `_wildcard.lan`.
pub fn stem(name: &str) -> Result<String, Failure> {
    let stem = match name.strip_prefix('*') {
        Some(rest) => format!("_wildcard{rest}"),
        None => name.to_owned(),
    };
    let usable = !stem.is_empty()
        && !stem.starts_with(['.', '-'])
        && stem.len() <= 200
        && !stem.chars().any(|c| c == '/' || c == '\\' || is_control(c));
    if usable {
        Ok(stem)
    } else {
        let why = if name.is_empty() {
            "a name is empty".to_owned()
        } else {
            format!("`{name}` cannot be the name of a file")
        };
        Err(Failure::new(Exit::USAGE, why))
    }
}

/// The stems under which the files of a CA called `stem` lie: its certificate and key, and its chain.
pub fn authority_stems(stem: &str) -> [String; 2] {
    [stem.to_owned(), format!("{stem}-chain")]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_that_another_run_makes_at_the_same_time_is_no_obstacle() {
        let folder = tempfile::tempdir().unwrap();
        for round in 0..200 {
            let path = folder.path().join(format!("{round}/a/b/c"));
            let start = std::sync::Barrier::new(4);
            let make = || {
                start.wait();
                Folder::make(&path).map(Folder::keep)
            };
            std::thread::scope(|scope| {
                let all: Vec<_> = (0..4).map(|_| scope.spawn(make)).collect();
                assert!(all.into_iter().all(|one| one.join().unwrap().is_ok()), "round {round}");
            });
            assert!(path.is_dir());
        }
        fs::write(folder.path().join("file"), "").unwrap();
        assert!(Folder::make(&folder.path().join("file/below")).is_err());
    }
}
