//! Who the process is.

use std::io;

use nix::unistd::{Gid, Group, Uid, User};
use rustix::process::{getegid, geteuid, getgid, getuid};

use crate::os::Owner;

#[cfg(target_os = "linux")]
pub use linux::{become_user, threads};

/// Who started the program.
pub fn real() -> Option<Owner> {
    Some(Owner { user: getuid().as_raw(), group: getgid().as_raw() })
}

/// Whose rights the program has.
pub fn effective() -> Option<Owner> {
    Some(Owner { user: geteuid().as_raw(), group: getegid().as_raw() })
}

/// The numbers of the user called `name`, from wherever this machine knows its users (NSS): `/etc/passwd`, LDAP, …
pub fn find(name: &str) -> io::Result<Option<Owner>> {
    let found = User::from_name(name)?;
    Ok(found.map(|user| Owner { user: user.uid.as_raw(), group: user.gid.as_raw() }))
}

/// All groups of a user, its own first.
pub fn groups(name: &str, own: u32) -> io::Result<Vec<u32>> {
    let mut groups = vec![own];
    groups.extend(other_groups(name, own)?.into_iter().filter(|group| *group != own));
    Ok(groups)
}

#[cfg(not(target_vendor = "apple"))]
fn other_groups(name: &str, own: u32) -> io::Result<Vec<u32>> {
    // A name that holds a NUL is nobody's.
    let name = std::ffi::CString::new(name)?;
    Ok(nix::unistd::getgrouplist(&name, Gid::from_raw(own))?.into_iter().map(Gid::as_raw).collect())
}

/// Nix does not ask there.
#[cfg(target_vendor = "apple")]
fn other_groups(_name: &str, _own: u32) -> io::Result<Vec<u32>> {
    Ok(Vec::new())
}

pub fn name_of_user(id: u32) -> Option<String> {
    User::from_uid(Uid::from_raw(id)).ok().flatten().map(|user| user.name)
}

pub fn name_of_group(id: u32) -> Option<String> {
    Group::from_gid(Gid::from_raw(id)).ok().flatten().map(|group| group.name)
}

#[cfg(target_os = "linux")]
mod linux {
    use std::fs;
    use std::io;

    use rustix::process::{Gid, Uid};
    use rustix::thread::{set_thread_groups, set_thread_res_gid, set_thread_res_uid};

    use crate::os::Owner;

    /// How many threads the process has.
    pub fn threads() -> io::Result<usize> {
        Ok(fs::read_dir("/proc/self/task")?.count())
    }

    /// Makes this thread, and those that it starts later, that user's for good, with the rights of these groups.
    pub fn become_user(owner: Owner, groups: &[u32]) -> io::Result<()> {
        // To the calls below this number means "leave it as it is", and the process would stay who it was.
        if [owner.user, owner.group].contains(&u32::MAX) {
            return Err(io::ErrorKind::InvalidInput.into());
        }
        let (user, group) = (Uid::from_raw(owner.user), Gid::from_raw(owner.group));
        let groups: Vec<_> = groups.iter().map(|group| Gid::from_raw(*group)).collect();
        // The user last: without root the others cannot be changed.
        set_thread_groups(&groups)?;
        set_thread_res_gid(group, group, group)?;
        Ok(set_thread_res_uid(user, user, user)?)
    }
}

/// Unknown, and of no use to know.
#[cfg(not(target_os = "linux"))]
pub fn threads() -> io::Result<usize> {
    Ok(1)
}

#[cfg(not(target_os = "linux"))]
pub fn become_user(_owner: Owner, _groups: &[u32]) -> io::Result<()> {
    Err(crate::os::unsupported("calls to become another user"))
}
