//! Giving up root. The broker needs no privilege once its files are open.

use std::fmt;
use std::io;

use crate::os::account::Account;
use crate::os::{Owner, user};

/// Beyond this nobody has a number; 4294967295 means "leave it as it is" to the system's calls.
const NUMBER_LIMIT: u32 = i32::MAX.cast_unsigned();

/// Why the program stays who it is. The broker must not go on as that.
#[derive(Debug)]
pub enum StayReason {
    /// Other threads would keep the old user: the system changes one thread at a time.
    Threads,
    NoSuchUser,
    Io(io::Error),
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
        let number = |text: &str| text.parse::<u32>().ok().filter(|number| *number < NUMBER_LIMIT);
        let user = puid.map(|text| number(text).ok_or("PUID")).transpose()?;
        let group = pgid.map(|text| number(text).ok_or("PGID")).transpose()?;
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
    let (owner, groups) = numbers(identity)?;
    if user::threads().map_err(StayReason::Io)? != 1 {
        return Err(StayReason::Threads);
    }
    user::become_user(owner, &groups).map_err(StayReason::Io)
}

/// Its numbers, and all its groups.
pub fn numbers(identity: &Identity) -> Result<(Owner, Vec<u32>), StayReason> {
    match identity {
        Identity::Name(name) => {
            let account = Account::find(name).map_err(StayReason::Io)?.ok_or(StayReason::NoSuchUser)?;
            let group = account.groups.first().copied().ok_or(StayReason::NoSuchUser)?;
            Ok((Owner { user: account.user, group }, account.groups))
        }
        Identity::Numbers { user, group } => {
            let owner = Owner { user: user.unwrap_or_default(), group: group.unwrap_or_default() };
            Ok((owner, vec![owner.group]))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
        for number in ["-1", "4294967295", "4294967296", "2147483647", "", "1 "] {
            assert_eq!(Identity::choose(None, Some(number), None), Err("PGID"), "{number:?}");
        }
        assert_eq!(Identity::choose(Some("2147483646"), None, None), numbers(Some(2_147_483_646), None));
    }
}
