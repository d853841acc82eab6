//! Opens the files of a configuration: mosquitto.conf and what it includes, password and ACL files.

use std::collections::HashMap;
use std::fs::{self, File, Metadata};
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::broker::Access;
use crate::broker::access::{Acl, AclProblem, Rules};
use crate::broker::config::{self, Configuration, Listener, Refusal, Security, Tokens};
use crate::jwt;
use crate::os::account::{self, Account};
use crate::os::{self, Owner, files};
use crate::passwd;
use crate::text_file;

/// Lets password and ACL files be symbolic links.
pub const ALLOW_SYMLINKS: &str = "MOSQUITTO_UNSAFE_ALLOW_SYMLINKS";
/// A configuration, password or ACL file is never longer than this: it is read into memory.
const FILE_MOST: u64 = 256 << 20;
/// The user that Mosquitto becomes when root starts it and names nobody.
pub const DEFAULT_USER: &str = "mosquitto";

/// Why a configuration, or a file that guards access, cannot be used.
#[derive(Debug)]
pub enum LoadError {
    /// A folder stands where the configuration should.
    IsFolder {
        path: PathBuf,
    },
    Unopenable {
        path: PathBuf,
        error: io::Error,
    },
    /// The configuration itself is wrong.
    Refused(Refusal),
    AccessUnopenable {
        kind: AccessFile,
        path: PathBuf,
        error: io::Error,
    },
    /// A symbolic link, which is refused unless [`ALLOW_SYMLINKS`] is in the environment.
    AccessLink {
        kind: AccessFile,
        path: PathBuf,
        target: PathBuf,
    },
    AccessUtf16 {
        path: PathBuf,
    },
    Passwords {
        path: PathBuf,
        error: passwd::FileError,
    },
    Scram {
        path: PathBuf,
        error: passwd::scram::FileError,
    },
    TokenKeys {
        path: PathBuf,
        error: jwt::KeysError,
    },
    /// Something is asked of tokens, and there is no key to verify any.
    TokensWithoutKeys,
    Acl {
        path: PathBuf,
        problem: AclProblem,
    },
}

/// The files that say who may come in and what they may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AccessFile {
    Passwords,
    Scram,
    TokenKeys,
    Acl,
}

/// What is unusual about a password or ACL file that is used all the same.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Doubt {
    /// An ACL `pattern` without `%c` and `%u`.
    PlainPattern {
        pattern: String,
    },
    /// A line of an ACL file which no topic and no user name can be like.
    LineNotUtf8 {
        path: PathBuf,
        line: usize,
    },
    ByteOrderMark {
        path: PathBuf,
    },
    /// Everybody on this machine may read the file. `keeper` is to own it, where that is not who does.
    ForEverybody {
        path: PathBuf,
        keeper: Option<String>,
    },
    /// The file belongs to another user than `owner`.
    Owner {
        path: PathBuf,
        owner: String,
    },
    /// The file belongs to another group than `group`.
    Group {
        path: PathBuf,
        group: String,
    },
}

/// Which files are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Files {
    /// Pipes too, for as long as they last: at the start somebody waits for the broker, and may interrupt it.
    All,
    /// At a reload a pipe would have nothing to say again, and a broker at work waits for nobody.
    Regular,
}

/// Reads mosquitto.conf.
pub fn configuration(path: &Path, files: Files) -> Result<Configuration, LoadError> {
    if path.is_dir() {
        return Err(LoadError::IsFolder { path: path.to_owned() });
    }
    let text = read(path, files, false).map_err(|error| LoadError::Unopenable { path: path.to_owned(), error })?;
    let main = config::File { name: path.display().to_string(), text };
    config::parse(&main, &mut |folder: &str| included(folder, files)).map_err(LoadError::Refused)
}

/// The `*.conf` files of a folder, in Mosquitto's order.
pub fn included(folder: &str, files: Files) -> Result<Vec<config::File>, String> {
    let mut names = Vec::new();
    for entry in fs::read_dir(folder).map_err(|error| crate::net::reason(&error))? {
        let name = entry.map_err(|error| crate::net::reason(&error))?.file_name();
        if Path::new(&name).extension().is_some_and(|extension| extension == "conf") {
            names.push(name);
        }
    }
    config::sort_included(&mut names);
    let texts = names.into_iter().map(|name| {
        let path = Path::new(folder).join(name);
        let text =
            read(&path, files, false).map_err(|error| format!("{}: {}", path.display(), crate::net::reason(&error)))?;
        Ok(config::File { name: path.display().to_string(), text })
    });
    texts.collect()
}

/// The rules of every listener, from their files, and what is unusual about these.
pub fn access(configuration: &Configuration, kind: Files) -> Result<(Access, Vec<Doubt>), LoadError> {
    let mut files = AccessFiles {
        kind,
        readers: Readers::of(configuration.user.as_deref()),
        passwords: HashMap::new(),
        scram: HashMap::new(),
        acls: HashMap::new(),
        doubts: Vec::new(),
    };
    let local = [Listener::on(0)];
    let listeners = if configuration.is_local_only() { &local[..] } else { &configuration.listeners };
    let rules = listeners
        .iter()
        .map(|listener| {
            let security = configuration.security_of(listener);
            files.rules(security, configuration.allows_anonymous(listener))
        })
        .collect::<Result<_, _>>()?;
    Ok((Access::new(rules), files.doubts))
}

/// Files that several listeners share are read once.
struct AccessFiles {
    kind: Files,
    readers: Readers,
    passwords: HashMap<PathBuf, Arc<passwd::File>>,
    scram: HashMap<PathBuf, Arc<passwd::scram::File>>,
    acls: HashMap<PathBuf, Arc<Acl>>,
    doubts: Vec<Doubt>,
}

impl AccessFiles {
    fn rules(&mut self, security: &Security, allow_anonymous: bool) -> Result<Rules, LoadError> {
        let passwords = security.password_file.as_deref().map(|path| self.passwords(path)).transpose()?;
        let scram = security.scram_file.as_deref().map(|path| self.scram(path)).transpose()?;
        let acl = security.acl_file.as_deref().map(|path| self.acl(path)).transpose()?;
        let tokens = self.tokens(&security.tokens)?;
        Ok(Rules { allow_anonymous, passwords, scram, tokens, acl })
    }

    fn passwords(&mut self, path: &Path) -> Result<Arc<passwd::File>, LoadError> {
        if let Some(known) = self.passwords.get(path) {
            return Ok(Arc::clone(known));
        }
        let bytes = self.read(path, AccessFile::Passwords)?;
        let file = passwd::File::parse(self.text(path, &bytes)?)
            .map_err(|error| LoadError::Passwords { path: path.to_owned(), error })?;
        let file = Arc::new(file);
        self.passwords.insert(path.to_owned(), Arc::clone(&file));
        Ok(file)
    }

    fn scram(&mut self, path: &Path) -> Result<Arc<passwd::scram::File>, LoadError> {
        if let Some(known) = self.scram.get(path) {
            return Ok(Arc::clone(known));
        }
        let bytes = self.read(path, AccessFile::Scram)?;
        let file = passwd::scram::File::parse(self.text(path, &bytes)?)
            .map_err(|error| LoadError::Scram { path: path.to_owned(), error })?;
        let file = Arc::new(file);
        self.scram.insert(path.to_owned(), Arc::clone(&file));
        Ok(file)
    }

    /// Reads the keys for each listener anew: it asks for an issuer and an audience of its own.
    fn tokens(&mut self, options: &Tokens) -> Result<Option<Arc<jwt::Verifier>>, LoadError> {
        let mut keys: Option<jwt::Keys> = None;
        for path in options.files() {
            let text = self.read_any(path, AccessFile::TokenKeys)?;
            let unusable = |error| LoadError::TokenKeys { path: path.to_owned(), error };
            let read = jwt::Keys::parse(&text).map_err(unusable)?;
            // Public keys may be read by everybody.
            if read.has_secret() {
                self.doubt_readers(path);
            }
            keys = Some(keys.unwrap_or_default().and(read).map_err(unusable)?);
        }
        let Tokens { issuer, audience, user_claim, .. } = options;
        match keys {
            Some(keys) => Ok(Some(Arc::new(jwt::Verifier {
                keys,
                issuer: issuer.clone(),
                audience: audience.clone(),
                user_claim: user_claim.clone().unwrap_or_else(|| "sub".to_owned()),
            }))),
            None if *options != Tokens::default() => Err(LoadError::TokensWithoutKeys),
            None => Ok(None),
        }
    }

    fn acl(&mut self, path: &Path) -> Result<Arc<Acl>, LoadError> {
        if let Some(known) = self.acls.get(path) {
            return Ok(Arc::clone(known));
        }
        let bytes = self.read(path, AccessFile::Acl)?;
        let acl = Acl::parse(self.text(path, &bytes)?)
            .map_err(|error| LoadError::Acl { path: path.to_owned(), problem: error.problem })?;
        for pattern in acl.plain_patterns() {
            self.doubts.push(Doubt::PlainPattern { pattern: pattern.clone() });
        }
        let not_utf8 = acl.lines_not_utf8().iter();
        self.doubts.extend(not_utf8.map(|line| Doubt::LineNotUtf8 { path: path.to_owned(), line: *line }));
        let acl = Arc::new(acl);
        self.acls.insert(path.to_owned(), Arc::clone(&acl));
        Ok(acl)
    }

    /// The text of a file that was read, without what an editor put before it.
    fn text<'a>(&mut self, path: &Path, bytes: &'a [u8]) -> Result<&'a [u8], LoadError> {
        let text =
            text_file::utf8(bytes).map_err(|text_file::Utf16| LoadError::AccessUtf16 { path: path.to_owned() })?;
        if text.has_mark {
            self.doubts.push(Doubt::ByteOrderMark { path: path.to_owned() });
        }
        Ok(text.bytes)
    }

    /// Reads a file that only its owner may read.
    fn read(&mut self, path: &Path, kind: AccessFile) -> Result<Vec<u8>, LoadError> {
        let text = self.read_any(path, kind)?;
        self.doubt_readers(path);
        Ok(text)
    }

    fn doubt_readers(&mut self, path: &Path) {
        if let Ok(metadata) = fs::metadata(path) {
            self.doubts.extend(self.readers.doubts(path, &metadata));
        }
    }

    fn read_any(&self, path: &Path, kind: AccessFile) -> Result<Vec<u8>, LoadError> {
        let restricted = std::env::var_os(ALLOW_SYMLINKS).is_none();
        read(path, self.kind, restricted).map_err(|error| match fs::read_link(path) {
            Ok(target) if restricted => LoadError::AccessLink { kind, path: path.to_owned(), target },
            _ => LoadError::AccessUnopenable { kind, path: path.to_owned(), error },
        })
    }
}

/// The accounts that may own a file which guards access.
struct Readers {
    /// The user and group of this process.
    own: Option<Owner>,
    /// The account that Mosquitto would become. We stay root then, and what it can read is to stay so: whoever tries us
    /// in its place goes back to it.
    mosquitto: Option<Account>,
}

impl Readers {
    /// `user` is the configuration's.
    fn of(user: Option<&str>) -> Self {
        let own = os::user::effective();
        let by_default = own.is_some_and(|own| own.user == 0) && user.is_none();
        Self { own, mosquitto: if by_default { Account::find(DEFAULT_USER).ok().flatten() } else { None } }
    }

    /// What is unusual about who may read, and change, the file at `path`.
    fn doubts(&self, path: &Path, metadata: &Metadata) -> Vec<Doubt> {
        let mut doubts = Vec::new();
        if files::mode(metadata).is_some_and(|mode| mode & 0o007 != 0) {
            let keeper = self.mosquitto.as_ref().map(|account| account.name.clone());
            doubts.push(Doubt::ForEverybody { path: path.to_owned(), keeper });
        }
        let (Some(owner), Some(we)) = (files::owner(metadata), self.own) else { return doubts };
        let is_mosquittos =
            |found: fn(&Account, Owner) -> bool| self.mosquitto.as_ref().is_some_and(|it| found(it, owner));
        let better = |own: String| self.mosquitto.as_ref().map_or(own, |account| account.name.clone());
        if owner.user != we.user && !is_mosquittos(|account, owner| account.user == owner.user) {
            doubts.push(Doubt::Owner { path: path.to_owned(), owner: better(account::user_name(we.user)) });
        }
        if owner.group != we.group && !is_mosquittos(|account, owner| account.groups.contains(&owner.group)) {
            doubts.push(Doubt::Group { path: path.to_owned(), group: better(account::group_name(we.group)) });
        }
        doubts
    }
}

fn read(path: &Path, files: Files, restricted: bool) -> io::Result<Vec<u8>> {
    if files == Files::Regular {
        files::check_regular(path)?;
    }
    let file = if restricted { files::open_unless_link(path)? } else { File::open(path)? };
    if file.metadata()?.is_dir() {
        return Err(io::ErrorKind::IsADirectory.into());
    }
    let mut text = Vec::new();
    file.take(FILE_MOST + 1).read_to_end(&mut text)?;
    if text.len() as u64 > FILE_MOST {
        return Err(io::ErrorKind::FileTooLarge.into());
    }
    Ok(text)
}
