//! Warnings about who else may read a password file, in mosquitto_passwd's words.

use std::fs::Metadata;
use std::path::Path;

use crate::os::{files, user};
use crate::term::Term;

/// Says on standard error what is wrong with mode, owner and group, if anything is.
pub fn warn(path: &Path, metadata: &Metadata, term: &mut Term) {
    let (file, refused) = (path.display(), "Future versions will refuse to load this file.");
    if files::mode(metadata).is_some_and(|mode| mode & 0o007 != 0) {
        term.complain(format_args!("Warning: File {file} has world readable permissions. {refused}"));
        term.complain(format_args!("To fix this, use `chmod 0700 {file}`."));
    }
    let (Some(owner), Some(us)) = (files::owner(metadata), user::real()) else { return };
    if owner.user != us.user {
        let user = name_in("/etc/passwd", us.user);
        term.complain(format_args!(
            "Warning: File {file} owner is not {user}. {refused}To fix this, use `chown {user} {file}`."
        ));
    }
    if owner.group != us.group {
        let group = name_in("/etc/group", us.group);
        term.complain(format_args!("Warning: File {file} group is not {group}. {refused}"));
    }
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
