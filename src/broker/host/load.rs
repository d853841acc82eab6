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
use crate::cmd::broker::{sentences, user};
use crate::os::{self, files};
use crate::passwd;
use crate::term::{Exit, Failure};

/// Lets password and ACL files be symbolic links.
const ALLOW_SYMLINKS: &str = "MOSQUITTO_UNSAFE_ALLOW_SYMLINKS";
/// A configuration, password or ACL file is never longer than this: it is read into memory.
const FILE_MOST: u64 = 256 << 20;
/// Exit code when a password or ACL file cannot be opened.
const UNKNOWN_ACCESS: Exit = Exit(13);

/// Reads mosquitto.conf.
pub fn configuration(path: &Path) -> Result<Configuration, Failure> {
    let name = path.display().to_string();
    if path.is_dir() {
        return Err(Failure::verbatim(Exit::USAGE, format!("Error: Config file '{name}' is a directory.\n")));
    }
    let text = read(path, false).map_err(|error| {
        let error = crate::net::reason(&error);
        Failure::verbatim(Exit::USAGE, format!("Error: Unable to open config file '{name}'.\n"))
            .hint(format!("{error}: look with ls -l {name}"))
    })?;
    let main = config::File { name, text };
    config::parse(&main, &mut included).map_err(|refusal| Failure::verbatim(Exit::USAGE, sentences::refusal(&refusal)))
}

/// The `*.conf` files of a folder, in Mosquitto's order.
pub fn included(folder: &str) -> Result<Vec<config::File>, String> {
    let mut names = Vec::new();
    for entry in fs::read_dir(folder).map_err(|error| crate::net::reason(&error))? {
        let name = entry.map_err(|error| crate::net::reason(&error))?.file_name();
        if let Ok(name) = name.into_string()
            && Path::new(&name).extension().is_some_and(|extension| extension == "conf")
        {
            names.push(name);
        }
    }
    config::sort_included(&mut names);
    let texts = names.into_iter().map(|name| {
        let path = Path::new(folder).join(name);
        let text = read(&path, false).map_err(|error| format!("{}: {}", path.display(), crate::net::reason(&error)))?;
        Ok(config::File { name: path.display().to_string(), text })
    });
    texts.collect()
}

/// The rules of every listener, from their files. Also gives warnings about the files.
pub fn access(configuration: &Configuration) -> Result<(Access, Vec<String>), Failure> {
    let mut files = AccessFiles::default();
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
#[derive(Default)]
struct AccessFiles {
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
        let text = self.read(path, "password-file: Error: Unable to open pwfile")?;
        let file = passwd::File::parse(&text)
            .map_err(|error| Failure::verbatim(Exit::USAGE, format!("{}\n", sentences::passwords(error, path))))?;
        let file = Arc::new(file);
        self.passwords.insert(path.to_owned(), Arc::clone(&file));
        Ok(file)
    }

    fn acl(&mut self, path: &Path) -> Result<Arc<Acl>, Failure> {
        if let Some(known) = self.acls.get(path) {
            return Ok(Arc::clone(known));
        }
        let text = self.read(path, "Error: Unable to open acl_file").map_err(|mut failure| {
            // Writing to a string cannot fail.
            let _ = writeln!(failure.verbatim, "Error opening acl file \"{}\".", path.display());
            failure
        })?;
        let acl = Acl::parse(&text)
            .map_err(|problem| Failure::verbatim(Exit::USAGE, format!("{}\n", sentences::acl(&problem, path))))?;
        for pattern in acl.plain_patterns() {
            self.warnings.push(format!("Warning: ACL pattern '{pattern}' does not contain '%c' or '%u'."));
        }
        let acl = Arc::new(acl);
        self.acls.insert(path.to_owned(), Arc::clone(&acl));
        Ok(acl)
    }

    fn read(&mut self, path: &Path, objection: &str) -> Result<Vec<u8>, Failure> {
        let restricted = std::env::var_os(ALLOW_SYMLINKS).is_none();
        let file = path.display();
        let text = read(path, restricted).map_err(|error| {
            let reason = crate::net::reason(&error);
            Failure::verbatim(UNKNOWN_ACCESS, format!("{objection} \"{file}\".\n"))
                .hint(format!("{reason}: look with ls -l {file}"))
        })?;
        if let Ok(metadata) = fs::metadata(path) {
            self.warnings.extend(doubts(path, &metadata));
        }
        Ok(text)
    }
}

/// What is unusual about who may read, and change, a file that guards access.
fn doubts(path: &Path, metadata: &Metadata) -> Vec<String> {
    let file = path.display();
    let mut doubts = Vec::new();
    if files::mode(metadata).is_some_and(|mode| mode & 0o007 != 0) {
        doubts.push(format!(
            "Warning: File {file} has world readable permissions. `chmod 0600 {file}` keeps it private."
        ));
    }
    let (Some(owner), Some(we)) = (files::owner(metadata), os::user::effective()) else { return doubts };
    if owner.user != we.user {
        let name = user::name_of_user(we.user);
        doubts.push(format!("Warning: File {file} owner is not {name}. `chown {name} {file}` makes it yours."));
    }
    if owner.group != we.group {
        let name = user::name_of_group(we.group);
        doubts.push(format!("Warning: File {file} group is not {name}. `chgrp {name} {file}` changes it."));
    }
    doubts
}

fn read(path: &Path, restricted: bool) -> io::Result<Vec<u8>> {
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
