//! Opens the files of a configuration: mosquitto.conf and what it includes, password and ACL files.

use std::collections::HashMap;
use std::fmt::Write;
use std::fs::{self, File, Metadata};
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::broker::Access;
use crate::broker::access::{Acl, Rules};
use crate::broker::config::{self, Configuration, Listener, Security};
use crate::cmd::broker::sentences;
use crate::os::account::{self, Account};
use crate::os::{self, Owner, files};
use crate::passwd;
use crate::term::{Exit, Failure};
use crate::text_file;

/// Lets password and ACL files be symbolic links.
const ALLOW_SYMLINKS: &str = "MOSQUITTO_UNSAFE_ALLOW_SYMLINKS";
/// A configuration, password or ACL file is never longer than this: it is read into memory.
const FILE_MOST: u64 = 256 << 20;
/// The user that Mosquitto becomes when root starts it and names nobody.
pub const DEFAULT_USER: &str = "mosquitto";
/// Exit code when a password or ACL file cannot be opened.
const UNKNOWN_ACCESS: Exit = Exit(13);

/// Which files are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Files {
    /// Pipes too, for as long as they last: at the start somebody waits for the broker, and may interrupt it.
    All,
    /// At a reload a pipe would have nothing to say again, and a broker at work waits for nobody.
    Regular,
}

/// Reads mosquitto.conf.
pub fn configuration(path: &Path, files: Files) -> Result<Configuration, Failure> {
    let name = path.display().to_string();
    if path.is_dir() {
        return Err(Failure::verbatim(Exit::USAGE, format!("Error: Config file '{name}' is a directory.\n")));
    }
    let text = read(path, files, false).map_err(|error| {
        let error = crate::net::reason(&error);
        Failure::verbatim(Exit::USAGE, format!("Error: Unable to open config file '{name}'.\n"))
            .hint(format!("{error}: look with ls -l {name}"))
    })?;
    let main = config::File { name, text };
    config::parse(&main, &mut |folder: &str| included(folder, files))
        .map_err(|refusal| Failure::verbatim(Exit::USAGE, sentences::refusal(&refusal)))
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

/// The rules of every listener, from their files. Also gives warnings about the files.
pub fn access(configuration: &Configuration, kind: Files) -> Result<(Access, Vec<String>), Failure> {
    let mut files = AccessFiles {
        kind,
        readers: Readers::of(configuration.user.as_deref()),
        passwords: HashMap::new(),
        acls: HashMap::new(),
        warnings: Vec::new(),
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
    Ok((Access::new(rules), files.warnings))
}

/// Files that several listeners share are read once.
struct AccessFiles {
    kind: Files,
    readers: Readers,
    passwords: HashMap<PathBuf, Arc<passwd::File>>,
    acls: HashMap<PathBuf, Arc<Acl>>,
    warnings: Vec<String>,
}

impl AccessFiles {
    fn rules(&mut self, security: &Security, allow_anonymous: bool) -> Result<Rules, Failure> {
        let passwords = security.password_file.as_deref().map(|path| self.passwords(path)).transpose()?;
        let acl = security.acl_file.as_deref().map(|path| self.acl(path)).transpose()?;
        Ok(Rules { allow_anonymous, passwords, acl })
    }

    fn passwords(&mut self, path: &Path) -> Result<Arc<passwd::File>, Failure> {
        if let Some(known) = self.passwords.get(path) {
            return Ok(Arc::clone(known));
        }
        let bytes = self.read(path, "password-file: Error: Unable to open pwfile")?;
        let file = passwd::File::parse(self.text(path, &bytes)?)
            .map_err(|error| Failure::verbatim(Exit::USAGE, format!("{}\n", sentences::passwords(error, path))))?;
        let file = Arc::new(file);
        self.passwords.insert(path.to_owned(), Arc::clone(&file));
        Ok(file)
    }

    fn acl(&mut self, path: &Path) -> Result<Arc<Acl>, Failure> {
        if let Some(known) = self.acls.get(path) {
            return Ok(Arc::clone(known));
        }
        let bytes = self.read(path, "Error: Unable to open acl_file").map_err(|mut failure| {
            // Writing to a string cannot fail.
            let _ = writeln!(failure.verbatim, "Error opening acl file \"{}\".", path.display());
            failure
        })?;
        let acl = Acl::parse(self.text(path, &bytes)?)
            .map_err(|problem| Failure::verbatim(Exit::USAGE, format!("{}\n", sentences::acl(&problem, path))))?;
        for pattern in acl.plain_patterns() {
            self.warnings.push(format!("Warning: ACL pattern '{pattern}' does not contain '%c' or '%u'."));
        }
        self.warnings.extend(acl.lines_not_utf8().iter().map(|line| {
            format!("Warning: Line {line} of {} is not UTF-8: no topic and no user name is like it.", path.display())
        }));
        let acl = Arc::new(acl);
        self.acls.insert(path.to_owned(), Arc::clone(&acl));
        Ok(acl)
    }

    /// The text of a file that was read, without what an editor put before it.
    fn text<'a>(&mut self, path: &Path, bytes: &'a [u8]) -> Result<&'a [u8], Failure> {
        let file = path.display();
        let text = text_file::utf8(bytes).map_err(|text_file::Utf16| {
            Failure::verbatim(Exit::USAGE, format!("Error: {file} is UTF-16 and not UTF-8.\n"))
                .hint(format!("iconv -f UTF-16 -t UTF-8 {file} makes a text that brokers read"))
        })?;
        if text.has_mark {
            self.warnings
                .push(format!("Warning: {file} begins with a byte-order mark, for which Mosquitto misreads it."));
        }
        Ok(text.bytes)
    }

    fn read(&mut self, path: &Path, objection: &str) -> Result<Vec<u8>, Failure> {
        let restricted = std::env::var_os(ALLOW_SYMLINKS).is_none();
        let file = path.display();
        let text = read(path, self.kind, restricted).map_err(|error| {
            let reason = crate::net::reason(&error);
            Failure::verbatim(UNKNOWN_ACCESS, format!("{objection} \"{file}\".\n"))
                .hint(format!("{reason}: look with ls -l {file}"))
        })?;
        if let Ok(metadata) = fs::metadata(path) {
            self.warnings.extend(self.readers.doubts(path, &metadata));
        }
        Ok(text)
    }
}

/// Whose a file that guards access may be.
struct Readers {
    /// Those of this process.
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
    fn doubts(&self, path: &Path, metadata: &Metadata) -> Vec<String> {
        let file = path.display();
        let mut doubts = Vec::new();
        if files::mode(metadata).is_some_and(|mode| mode & 0o007 != 0) {
            let repair = match &self.mosquitto {
                Some(account) => format!("chown {} {file} && chmod 0600 {file}", account.name),
                None => format!("chmod 0600 {file}"),
            };
            doubts.push(format!("Warning: File {file} has world readable permissions. `{repair}` keeps it private."));
        }
        let (Some(owner), Some(we)) = (files::owner(metadata), self.own) else { return doubts };
        let is_mosquittos =
            |found: fn(&Account, Owner) -> bool| self.mosquitto.as_ref().is_some_and(|it| found(it, owner));
        let better = |own: String| self.mosquitto.as_ref().map_or(own, |account| account.name.clone());
        if owner.user != we.user && !is_mosquittos(|account, owner| account.user == owner.user) {
            let name = better(account::user_name(we.user));
            doubts.push(format!("Warning: File {file} owner is not {name}. `chown {name} {file}` makes it yours."));
        }
        if owner.group != we.group && !is_mosquittos(|account, owner| account.groups.contains(&owner.group)) {
            let name = better(account::group_name(we.group));
            doubts.push(format!("Warning: File {file} group is not {name}. `chgrp {name} {file}` changes it."));
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
