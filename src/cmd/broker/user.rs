//! Giving up root. The broker needs no privilege once its files are open.

use std::fmt;
use std::fs;
use std::io;

use rustix::process::{Gid, Uid, getuid};
use rustix::thread::{set_thread_groups, set_thread_res_gid, set_thread_res_uid};

/// Why the program stays who it is.
#[derive(Debug)]
pub enum StayReason {
    /// Other threads would keep the old user: the system changes one thread at a time.
    Threads,
    NoSuchUser,
    Io(io::Error),
}

/// Whether the program runs as root.
pub fn is_root() -> bool {
    getuid().is_root()
}

/// Who the broker is to be, in the numbers of the environment or by the name of the configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Identity {
    Numbers { user: Option<u32>, group: Option<u32> },
    Name(String),
}

impl Identity {
    /// `PUID` and `PGID`, each a decimal number, go before `name`. The error is the variable that is none.
    pub fn choose(puid: Option<&str>, pgid: Option<&str>, name: Option<&str>) -> Result<Option<Self>, &'static str> {
        let user = puid.map(str::parse).transpose().map_err(|_| "PUID")?;
        let group = pgid.map(str::parse).transpose().map_err(|_| "PGID")?;
        Ok(match (user, group) {
            (None, None) => name.filter(|name| *name != "root").map(|name| Self::Name(name.to_owned())),
            (user, group) => Some(Self::Numbers { user, group }),
        })
    }
}

impl fmt::Display for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Name(name) => f.write_str(name),
            Self::Numbers { user, group } => {
                write!(f, "{}:{}", user.unwrap_or_default(), group.unwrap_or_default())
            }
        }
    }
}

/// Becomes that user for good. Works only while the program has one thread: those that it starts later
/// inherit the new user, those that run already would not.
pub fn become_user(identity: &Identity) -> Result<(), StayReason> {
    let (uid, gid) = match identity {
        Identity::Name(name) => find(name)?,
        Identity::Numbers { user, group } => {
            (Uid::from_raw(user.unwrap_or_default()), Gid::from_raw(group.unwrap_or_default()))
        }
    };
    if fs::read_dir("/proc/self/task").map_err(StayReason::Io)?.count() != 1 {
        return Err(StayReason::Threads);
    }
    let refused = |error: rustix::io::Errno| StayReason::Io(error.into());
    // The user last: without root the others cannot be changed.
    set_thread_groups(&[gid]).map_err(refused)?;
    set_thread_res_gid(gid, gid, gid).map_err(refused)?;
    set_thread_res_uid(uid, uid, uid).map_err(refused)
}

fn find(user: &str) -> Result<(Uid, Gid), StayReason> {
    let users = fs::read_to_string("/etc/passwd").map_err(StayReason::Io)?;
    users.lines().find_map(|line| ids(line, user)).ok_or(StayReason::NoSuchUser)
}

/// `name:x:uid:gid:…`
fn ids(line: &str, user: &str) -> Option<(Uid, Gid)> {
    let mut fields = line.split(':');
    if fields.next() != Some(user) {
        return None;
    }
    let (uid, gid) = (fields.nth(1)?.parse().ok()?, fields.next()?.parse().ok()?);
    Some((Uid::from_raw(uid), Gid::from_raw(gid)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_of_the_user_list_gives_both_ids() {
        let line = "mosquitto:x:105:108::/var/lib/mosquitto:/usr/sbin/nologin";
        assert_eq!(ids(line, "mosquitto"), Some((Uid::from_raw(105), Gid::from_raw(108))));
        assert_eq!(ids(line, "mosquit"), None);
        assert_eq!(ids("broken:x:y", "broken"), None);
    }

    #[test]
    fn a_program_with_several_threads_stays_who_it_is() {
        // The test program has a thread for each test at least.
        let named = |name: &str| become_user(&Identity::Name(name.to_owned()));
        assert!(matches!(named("root"), Err(StayReason::Threads)));
        assert!(matches!(named("nobody of this name"), Err(StayReason::NoSuchUser)));
    }

    #[test]
    fn numbers_of_the_environment_go_before_the_name() {
        let numbers = |user, group| Ok(Some(Identity::Numbers { user, group }));
        assert_eq!(Identity::choose(Some("7"), Some("8"), Some("joe")), numbers(Some(7), Some(8)));
        assert_eq!(Identity::choose(Some("7"), None, None), numbers(Some(7), None));
        assert_eq!(Identity::choose(None, None, Some("joe")), Ok(Some(Identity::Name("joe".to_owned()))));
        assert_eq!(Identity::choose(None, None, Some("root")), Ok(None));
        assert_eq!(Identity::choose(Some("joe"), None, None), Err("PUID"));
        assert_eq!(Identity::choose(None, Some("-1"), None), Err("PGID"));
    }
}
