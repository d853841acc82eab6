//! What another user may read: computed from modes, owners and groups, without becoming that user.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::os::{Owner, files, user};

/// A user that this machine knows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    pub name: String,
    pub user: u32,
    /// Its own first.
    pub groups: Vec<u32>,
    /// Itself and its group as chown takes them: `mosquitto:mosquitto`, or numbers where this machine has no names.
    pub owner: String,
    /// Folders that are mounted where it lives.
    mounts: Vec<PathBuf>,
}

/// What is wanted of a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Want {
    Read,
    /// Change a file that is there.
    Write,
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

/// Whether the program runs as root.
pub fn is_root() -> bool {
    user::real().is_some_and(|owner| owner.user == 0)
}

/// The name of a user, or its number where it has none.
pub fn user_name(id: u32) -> String {
    user::name_of_user(id).unwrap_or_else(|| id.to_string())
}

/// The same for groups.
pub fn group_name(id: u32) -> String {
    user::name_of_group(id).unwrap_or_else(|| id.to_string())
}

impl Account {
    /// The account called `name`, with all its groups.
    pub fn find(name: &str) -> io::Result<Option<Self>> {
        let Some(Owner { user, group }) = user::find(name)? else { return Ok(None) };
        let owner = format!("{name}:{}", group_name(group));
        Ok(Some(Self { name: name.to_owned(), user, groups: user::groups(name, group)?, owner, mounts: Vec::new() }))
    }

    /// `UID` or `UID:GID`, for a user whom this machine does not know. Without a group its number is that of the user.
    pub fn of_numbers(text: &str) -> Option<Self> {
        let (user, group) = text.split_once(':').unwrap_or((text, text));
        let is_number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        let number = |text: &str| is_number(text).then(|| text.parse::<u32>().ok()).flatten();
        let (user, group) = (number(user)?, number(group)?);
        let owner = format!("{user}:{group}");
        Some(Self { name: text.to_owned(), user, groups: vec![group], owner, mounts: Vec::new() })
    }

    /// The account that has the same name and number everywhere.
    pub fn of_every_system(name: &str) -> Option<Self> {
        match name {
            "root" => Self::of_numbers("0:0"),
            _ => None,
        }
    }

    /// The account called `name` of another system, from the texts of its passwd and group files.
    pub fn in_files(name: &str, passwd: &str, group: &str) -> Option<Self> {
        let row = |line: &str| -> Option<(u32, u32)> {
            let mut fields = line.split(':');
            if fields.next() != Some(name) {
                return None;
            }
            Some((fields.nth(1)?.parse().ok()?, fields.next()?.parse().ok()?))
        };
        let (user, own) = passwd.lines().find_map(row)?;
        let member = |line: &str| -> Option<u32> {
            let mut fields = line.split(':');
            let id = fields.nth(2)?.parse().ok()?;
            fields.next()?.split(',').any(|member| member.trim() == name).then_some(id)
        };
        let mut groups = vec![own];
        groups.extend(group.lines().filter_map(member).filter(|id| *id != own));
        Some(Self { name: name.to_owned(), user, groups, owner: format!("{user}:{own}"), mounts: Vec::new() })
    }

    /// The same account inside a container, where these folders are mounted: what lies above them here stands in nobody's
    /// way there.
    #[must_use]
    pub fn with_mounts<'a>(mut self, folders: impl Iterator<Item = &'a Path>) -> Self {
        self.mounts = folders.filter_map(|folder| fs::canonicalize(folder).ok()).collect();
        self
    }

    /// Its first group, by name where this machine knows one, for chgrp.
    pub fn group(&self) -> &str {
        self.owner.rsplit_once(':').map_or(&self.owner, |(_, group)| group)
    }

    /// Whether it is the user who runs this program.
    pub fn is_ours(&self) -> bool {
        user::effective().is_some_and(|own| own.user == self.user)
    }

    /// Why it cannot have what it wants of `path`, if it cannot. A path that does not exist
    /// is nobody's obstacle: whoever reads it says so.
    pub fn obstacle(&self, path: &Path, want: Want) -> io::Result<Option<Obstacle>> {
        let path = fs::canonicalize(path)?;
        let mounts = self.mounts.iter().filter(|mount| path.starts_with(mount));
        let top = mounts.max_by_key(|mount| mount.components().count());
        let is_above = |folder: &Path| top.is_some_and(|top| !folder.starts_with(top));
        let mut ancestors: Vec<_> = path.ancestors().skip(1).filter(|folder| !is_above(folder)).collect();
        ancestors.reverse();
        for folder in ancestors {
            if let Some(obstacle) = self.look(folder, 0o1)? {
                return Ok(Some(obstacle));
            }
        }
        self.look(
            &path,
            match want {
                Want::Read => 0o4,
                Want::Write => 0o2,
                Want::WriteInto => 0o3,
            },
        )
    }

    fn look(&self, path: &Path, bits: u32) -> io::Result<Option<Obstacle>> {
        let metadata = fs::metadata(path)?;
        // Where files have neither, there is no account to ask for.
        let (Some(mode), Some(owner)) = (files::mode(&metadata), files::owner(&metadata)) else { return Ok(None) };
        let node = Node { mode, user: owner.user, group: owner.group };
        if node.allows(self, bits) {
            return Ok(None);
        }
        let mode =
            format!("{} {} {}", mode_text(node.mode, metadata.is_dir()), user_name(node.user), group_name(node.group));
        Ok(Some(Obstacle { path: path.to_owned(), mode, is_folder: metadata.is_dir() }))
    }
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

    fn mosquitto() -> Account {
        let owner = "mosquitto:mosquitto".to_owned();
        Account { name: "mosquitto".to_owned(), user: 108, groups: vec![113, 115], owner, mounts: Vec::new() }
    }

    #[test]
    fn the_machine_knows_its_root_and_nobody_else_by_that_number() {
        let root = Account::find("root").unwrap().unwrap();
        assert_eq!((root.user, root.groups[0]), (0, 0));
        assert_eq!(Account::find("nobody of this name").unwrap(), None);
        assert_eq!((user_name(0).as_str(), group_name(root.groups[0])), ("root", group_name(0)));
        assert_eq!(user_name(3_999_999_999), "3999999999");
    }

    #[test]
    fn accounts_of_other_systems_are_numbers() {
        let passwd =
            "root:x:0:0::/root:/bin/sh\nmosquitto:x:1883:1884:mosquitto:/var/empty:/sbin/nologin\nbroken:x:y:0\n";
        let group = "root:x:0:\nssl:x:101:ann,mosquitto\nmosquitto:x:1884:mosquitto\nother:x:5:mosquittos\n";
        let account = Account::in_files("mosquitto", passwd, group).unwrap();
        assert_eq!((account.user, &account.groups[..], account.owner.as_str()), (1883, &[1884, 101][..], "1883:1884"));
        for name in ["nobody", "broken", "mosquit", ""] {
            assert_eq!(Account::in_files(name, passwd, group), None, "{name}");
        }
        let numbers = |text| Account::of_numbers(text).map(|account| (account.user, account.groups));
        assert_eq!(numbers("1883"), Some((1883, vec![1883])));
        assert_eq!(numbers("1883:7"), Some((1883, vec![7])));
        assert_eq!((account.group(), Account::of_numbers("1883:7").unwrap().group()), ("1884", "7"));
        for text in ["", "a", "1:", ":1", "1:2:3", "-1", "+1", "4294967296"] {
            assert_eq!(numbers(text), None, "{text}");
        }
    }

    #[test]
    fn owner_group_and_others_are_asked_in_this_order() {
        let account = mosquitto();
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
        let root = Account::of_numbers("0").unwrap();
        assert!(node(0, 5, 5).allows(&root, 0o7));
    }

    #[test]
    fn folders_above_a_mount_are_in_nobodys_way() {
        let home = tempfile::tempdir().unwrap();
        let mount = home.path().join("config");
        fs::create_dir(&mount).unwrap();
        let file = mount.join("passwords");
        fs::write(&file, "").unwrap();
        let mode = |path: &Path, mode| fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
        mode(home.path(), 0o700);
        mode(&mount, 0o755);
        mode(&file, 0o644);
        let stranger = || Account::of_numbers("4000000").unwrap();
        assert!(stranger().obstacle(&file, Want::Read).unwrap().is_some());
        let inside = stranger().with_mounts([mount.as_path()].into_iter());
        assert_eq!(inside.obstacle(&file, Want::Read).unwrap(), None);
        mode(&mount, 0o700);
        assert!(inside.obstacle(&file, Want::Read).unwrap().is_some(), "the mount itself is there for it");
        assert!(inside.obstacle(home.path(), Want::Read).unwrap().is_some(), "outside all is as it is");
    }

    #[test]
    fn the_first_folder_that_cannot_be_entered_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("server.key");
        fs::write(&file, "key").unwrap();
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o700)).unwrap();
        let stranger = Account::of_numbers("4000000").unwrap();
        let obstacle = stranger.obstacle(&file, Want::Read).unwrap().unwrap();
        assert_eq!(obstacle.path, fs::canonicalize(folder.path()).unwrap());
        assert!(obstacle.is_folder && obstacle.mode.starts_with("drwx------ "), "{obstacle:?}");
    }
}
