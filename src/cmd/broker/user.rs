//! Giving up root. The broker needs no privilege once its files are open.

use std::fmt;
use std::fs;
use std::io;

use crate::os::{Owner, user};

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
    user::real().is_some_and(|owner| owner.user == 0)
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
    let owner = match identity {
        Identity::Name(name) => find(name)?,
        Identity::Numbers { user, group } => Owner { user: user.unwrap_or_default(), group: group.unwrap_or_default() },
    };
    if user::threads().map_err(StayReason::Io)? != 1 {
        return Err(StayReason::Threads);
    }
    user::become_user(owner).map_err(StayReason::Io)
}

/// As the user list calls it; its number when it has no name there.
pub fn name_of_user(user: u32) -> String {
    name_in("/etc/passwd", user)
}

/// The same for groups.
pub fn name_of_group(group: u32) -> String {
    name_in("/etc/group", group)
}

/// Both lists have the number in the third field.
fn name_in(list: &str, id: u32) -> String {
    let lines = fs::read_to_string(list).unwrap_or_default();
    let named = lines.lines().find(|line| line.split(':').nth(2).and_then(|field| field.parse().ok()) == Some(id));
    named.and_then(|line| line.split(':').next()).map_or_else(|| id.to_string(), str::to_owned)
}

fn find(user: &str) -> Result<Owner, StayReason> {
    let users = fs::read_to_string("/etc/passwd").map_err(StayReason::Io)?;
    users.lines().find_map(|line| ids(line, user)).ok_or(StayReason::NoSuchUser)
}

/// `name:x:uid:gid:…`
fn ids(line: &str, user: &str) -> Option<Owner> {
    let mut fields = line.split(':');
    if fields.next() != Some(user) {
        return None;
    }
    Some(Owner { user: fields.nth(1)?.parse().ok()?, group: fields.next()?.parse().ok()? })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_of_the_user_list_gives_both_ids() {
        let line = "mosquitto:x:105:108::/var/lib/mosquitto:/usr/sbin/nologin";
        assert_eq!(ids(line, "mosquitto"), Some(Owner { user: 105, group: 108 }));
        assert_eq!(ids(line, "mosquit"), None);
        assert_eq!(ids("broken:x:y", "broken"), None);
    }

    #[test]
    fn a_number_without_name_is_its_own() {
        assert_eq!((name_of_user(0).as_str(), name_of_group(0).as_str()), ("root", "root"));
        assert_eq!(name_of_user(3_999_999_999), "3999999999");
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
