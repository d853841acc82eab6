//! Giving up root. The broker needs no privilege once its files are open.

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

/// Becomes `user` for good. Works only while the program has one thread: those that it starts later
/// inherit the new user, those that run already would not.
pub fn become_user(user: &str) -> Result<(), StayReason> {
    let (uid, gid) = find(user)?;
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
        assert!(matches!(become_user("root"), Err(StayReason::Threads)));
        assert!(matches!(become_user("nobody of this name"), Err(StayReason::NoSuchUser)));
    }
}
