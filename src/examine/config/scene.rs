//! What every part of the judgement of a configuration has to know: where files are, who reads them, and what must be
//! said of those that cannot be looked at.

use std::fs::{self, Metadata};
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use super::places::Places;
use crate::diagnose::{Finding, shell};
use crate::examine::files::Reader;
use crate::net::reason;
use crate::os::account::Want;

/// Where and for whom a configuration is judged.
pub struct Scene<'a> {
    pub places: &'a Places,
    /// The user that the broker runs as.
    pub reader: Reader<'a>,
    /// Values of which a part is meant to be a comment: no such file is looked for.
    pub commented: Vec<String>,
    pub now: i64,
}

impl Scene<'_> {
    /// The file on this machine, if it is to be looked at here.
    pub fn find(&self, path: &Path) -> Option<PathBuf> {
        if self.is_commented(path) { None } else { self.places.find(path) }
    }

    /// The same for a file that must not be a link.
    pub fn find_unfollowed(&self, path: &Path) -> Option<PathBuf> {
        if self.is_commented(path) { None } else { self.places.find_unfollowed(path) }
    }

    fn is_commented(&self, path: &Path) -> bool {
        let path = path.to_string_lossy();
        self.commented.iter().any(|comment| path.ends_with(comment))
    }

    /// Whom the broker is, for sentences.
    pub fn who(&self) -> String {
        self.reader.map_or_else(|| "the broker".to_owned(), |account| format!("user `{}`", account.name))
    }

    /// `chown` to the broker's user.
    pub fn chown(&self, path: &Path) -> String {
        let owner = self.reader.map_or("USER", |account| account.owner.as_str());
        format!("chown {} {}", shell::quoted(owner), shell::path(path))
    }

    /// What stands in the way of the broker's user. `Ok(None)`: nothing, or it is not known who that is.
    pub fn obstacle(&self, path: &Path, want: Want) -> io::Result<Option<String>> {
        let Some(account) = self.reader else { return Ok(None) };
        if account.user == 0 {
            return Ok(None);
        }
        let obstacle = account.obstacle(path, want)?;
        Ok(obstacle.map(|obstacle| format!("{} {}", obstacle.mode, obstacle.path.display())))
    }
}

/// What is at a path, as far as we may look.
pub enum Seen {
    There(Metadata),
    Missing,
    /// Not by us.
    Unseen(Box<Finding>),
}

/// Looks at `path`, which is `what`.
pub fn look(what: &str, path: &Path) -> Seen {
    match fs::metadata(path) {
        Ok(metadata) => Seen::There(metadata),
        Err(error) if error.kind() == ErrorKind::NotFound => Seen::Missing,
        Err(error) => Seen::Unseen(Box::new(unseen(what, path, &error))),
    }
}

/// We cannot say what is there; the broker may.
pub fn unseen(what: &str, path: &Path, error: &io::Error) -> Finding {
    let finding =
        Finding::warning("file.not-seen", format!("the {what} `{}` cannot be looked at from here", path.display()))
            .evidence(format!("{}: whether the broker can is not known", reason(error)));
    if error.kind() == ErrorKind::PermissionDenied {
        finding.fix("repeat the check as root: sudo moskit check --config FILE")
    } else {
        finding
    }
}
