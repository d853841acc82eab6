//! What another user may read: computed from modes, owners and groups, without becoming that user.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::os::files;

/// The most bytes of `/etc/passwd` and `/etc/group` that are read.
const DATABASE_LIMIT: u64 = 4 * 1024 * 1024;

/// A user of this machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    pub name: String,
    pub user: u32,
    pub groups: Vec<u32>,
}

/// What is wanted of a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Want {
    Read,
    /// Create and replace files in a folder.
    WriteInto,
}

/// What stands in the way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Obstacle {
    pub path: PathBuf,
    /// As `ls -l` shows it: `-rw------- root root`.
    pub mode: String,
    pub is_folder: bool,
}

/// One file or folder, as far as permissions go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Node {
    mode: u32,
    user: u32,
    group: u32,
}

/// The users and groups of this machine, as texts.
#[derive(Clone, Debug, Default)]
pub struct Database {
    passwd: String,
    group: String,
}

impl Database {
    pub fn read() -> Self {
        let read = |path: &str| {
            use std::io::Read;
            let mut text = Vec::new();
            let opened = fs::File::open(path);
            // Without the file there are no names, only numbers.
            let _ = opened.map(|file| file.take(DATABASE_LIMIT).read_to_end(&mut text));
            String::from_utf8_lossy(&text).into_owned()
        };
        Self { passwd: read("/etc/passwd"), group: read("/etc/group") }
    }

    /// The account called `name`, with all its groups.
    pub fn account(&self, name: &str) -> Option<Account> {
        let fields =
            self.passwd.lines().map(|line| line.split(':').collect::<Vec<_>>()).find(|fields| fields[0] == name)?;
        let user = fields.get(2)?.parse().ok()?;
        let mut groups = vec![fields.get(3)?.parse().ok()?];
        for line in self.group.lines() {
            let fields: Vec<_> = line.split(':').collect();
            if let [_, _, id, members] = fields[..]
                && members.split(',').any(|member| member == name)
                && let Ok(id) = id.parse()
            {
                groups.push(id);
            }
        }
        Some(Account { name: name.to_owned(), user, groups })
    }

    /// The name of a user id, or its number.
    pub fn user_name(&self, id: u32) -> String {
        name_of(&self.passwd, id)
    }

    fn group_name(&self, id: u32) -> String {
        name_of(&self.group, id)
    }

    /// Why `account` cannot have what it wants of `path`, if it cannot. A path that does not exist
    /// is nobody's obstacle: whoever reads it says so.
    pub fn obstacle(&self, account: &Account, path: &Path, want: Want) -> io::Result<Option<Obstacle>> {
        let path = fs::canonicalize(path)?;
        let mut ancestors: Vec<_> = path.ancestors().skip(1).collect();
        ancestors.reverse();
        for folder in ancestors {
            if let Some(obstacle) = self.look(account, folder, 0o1)? {
                return Ok(Some(obstacle));
            }
        }
        self.look(
            account,
            &path,
            match want {
                Want::Read => 0o4,
                Want::WriteInto => 0o3,
            },
        )
    }

    fn look(&self, account: &Account, path: &Path, bits: u32) -> io::Result<Option<Obstacle>> {
        let metadata = fs::metadata(path)?;
        // Where files have neither, there is no account to ask for.
        let (Some(mode), Some(owner)) = (files::mode(&metadata), files::owner(&metadata)) else { return Ok(None) };
        let node = Node { mode, user: owner.user, group: owner.group };
        if node.allows(account, bits) {
            return Ok(None);
        }
        let mode = format!(
            "{} {} {}",
            mode_text(node.mode, metadata.is_dir()),
            self.user_name(node.user),
            self.group_name(node.group)
        );
        Ok(Some(Obstacle { path: path.to_owned(), mode, is_folder: metadata.is_dir() }))
    }
}

/// Both files have the name first and the id third.
fn name_of(text: &str, id: u32) -> String {
    let number = id.to_string();
    let found = text
        .lines()
        .map(|line| line.split(':').collect::<Vec<_>>())
        .find(|fields| fields.get(2) == Some(&number.as_str()));
    found.map_or(number.clone(), |fields| fields[0].to_owned())
}

impl Node {
    /// The first class that fits decides, even if a later one would allow more (POSIX).
    fn allows(self, account: &Account, bits: u32) -> bool {
        if account.user == 0 {
            return true;
        }
        let shift = if account.user == self.user {
            6
        } else if account.groups.contains(&self.group) {
            3
        } else {
            0
        };
        self.mode >> shift & bits == bits
    }
}

fn mode_text(mode: u32, is_folder: bool) -> String {
    let mut text = String::from(if is_folder { "d" } else { "-" });
    for shift in [6, 3, 0] {
        for (bit, letter) in [(4, 'r'), (2, 'w'), (1, 'x')] {
            text.push(if mode >> shift & bit == 0 { '-' } else { letter });
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    const PASSWD: &str = "root:x:0:0:root:/root:/bin/sh\nmosquitto:x:108:113::/var/lib/mosquitto:/usr/sbin/nologin\n";
    const GROUP: &str = "root:x:0:\nmosquitto:x:113:\nssl-cert:x:115:postgres,mosquitto\n";

    fn database() -> Database {
        Database { passwd: PASSWD.to_owned(), group: GROUP.to_owned() }
    }

    #[test]
    fn an_account_has_its_own_and_its_supplementary_groups() {
        let account = database().account("mosquitto").unwrap();
        assert_eq!((account.user, account.groups), (108, vec![113, 115]));
        assert_eq!(database().account("nobody"), None);
    }

    #[test]
    fn owner_group_and_others_are_asked_in_this_order() {
        let account = database().account("mosquitto").unwrap();
        let node = |mode, user, group| Node { mode, user, group };
        let rows = [
            (node(0o400, 108, 0), true),
            // The owner's bits decide for the owner, whatever the others may do.
            (node(0o044, 108, 113), false),
            (node(0o040, 0, 115), true),
            (node(0o604, 0, 113), false),
            (node(0o004, 0, 0), true),
            (node(0o640, 0, 0), false),
        ];
        for (node, readable) in rows {
            assert_eq!(node.allows(&account, 0o4), readable, "{node:?}");
        }
        let root = database().account("root").unwrap();
        assert!(node(0, 5, 5).allows(&root, 0o7));
    }

    #[test]
    fn the_first_folder_that_cannot_be_entered_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("server.key");
        fs::write(&file, "key").unwrap();
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o700)).unwrap();
        let stranger = Account { name: "stranger".to_owned(), user: 4_000_000, groups: vec![4_000_000] };
        let obstacle = database().obstacle(&stranger, &file, Want::Read).unwrap().unwrap();
        assert_eq!(obstacle.path, fs::canonicalize(folder.path()).unwrap());
        assert!(obstacle.is_folder && obstacle.mode.starts_with("drwx------ "), "{obstacle:?}");
    }
}
