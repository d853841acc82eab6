//! Who the process is.

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

    /// Makes this thread, and those that it starts later, that user's for good.
    pub fn become_user(owner: Owner) -> io::Result<()> {
        let (user, group) = (Uid::from_raw(owner.user), Gid::from_raw(owner.group));
        // The user last: without root the others cannot be changed.
        set_thread_groups(&[group])?;
        set_thread_res_gid(group, group, group)?;
        Ok(set_thread_res_uid(user, user, user)?)
    }
}

/// Unknown, and of no use to know.
#[cfg(not(target_os = "linux"))]
pub fn threads() -> std::io::Result<usize> {
    Ok(1)
}

#[cfg(not(target_os = "linux"))]
pub fn become_user(_owner: Owner) -> std::io::Result<()> {
    Err(crate::os::unsupported("calls to become another user"))
}
