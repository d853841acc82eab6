//! Who else may read a password file, as mosquitto_passwd looks at it.

use std::fs::Metadata;

use crate::os::{files, user};

/// What is wrong with mode, owner or group of a password file.
#[derive(Debug, PartialEq, Eq)]
pub enum Exposure {
    World,
    /// It belongs to somebody else than `us`.
    OtherOwner {
        us: String,
    },
    /// Its group is not `ours`.
    OtherGroup {
        ours: String,
    },
}

/// What is wrong with mode, owner and group.
pub fn exposures(metadata: &Metadata) -> Vec<Exposure> {
    let mut found = Vec::new();
    if files::mode(metadata).is_some_and(|mode| mode & 0o007 != 0) {
        found.push(Exposure::World);
    }
    let (Some(owner), Some(us)) = (files::owner(metadata), user::real()) else { return found };
    if owner.user != us.user {
        found.push(Exposure::OtherOwner { us: name_in("/etc/passwd", us.user) });
    }
    if owner.group != us.group {
        found.push(Exposure::OtherGroup { ours: name_in("/etc/group", us.group) });
    }
    found
}

/// The name that the system's list has for the number; the number itself if it has none.
fn name_in(list: &str, id: u32) -> String {
    let number = id.to_string();
    let names = std::fs::read_to_string(list).unwrap_or_default();
    let name = names.lines().find_map(|line| {
        let mut fields = line.split(':');
        let name = fields.next()?;
        (fields.nth(1)? == number).then(|| name.to_owned())
    });
    name.unwrap_or(number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_without_a_name_stands_for_itself() {
        assert_eq!(name_in("/etc/passwd", 0), "root");
        assert_eq!(name_in("/etc/passwd", 3_999_999_999), "3999999999");
        assert_eq!(name_in("/no/such/list", 7), "7");
    }
}
