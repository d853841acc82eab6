//! This process and those that it starts.

use std::ffi::OsStr;
use std::io;
use std::os::windows::process::CommandExt;
use std::process::{Command, ExitStatus};

use super::signal::SignalKind;
use crate::os::unsupported;

pub use crate::os::unseen::{Held, all, can_be_seen, command_line};

/// What a list of all processes would be called.
pub const LIST: &str = "processes";

/// Has the shell run `line`, which it takes as it is.
pub fn shell(line: impl AsRef<OsStr>) -> Command {
    let mut shell = Command::new("cmd.exe");
    shell.arg("/C").raw_arg(line);
    shell
}

/// Unix tells the CPU time of this thread here, for tests; this is the time of the clock.
#[cfg(test)]
pub fn thread_time() -> std::time::Duration {
    static START: std::sync::LazyLock<std::time::Instant> = std::sync::LazyLock::new(std::time::Instant::now);
    START.elapsed()
}

pub fn ending_signal(_status: ExitStatus) -> Option<i32> {
    None
}

pub fn start_in_background(_command: Command, _name: Option<&OsStr>) -> io::Result<()> {
    Err(unsupported("background processes of this kind"))
}

/// There are no groups.
pub fn in_own_group(_command: &mut Command) {}

/// There are no groups: whoever has started a command ends that one.
pub fn end_group(_id: u32, _is_asked: bool) {}

/// Known only when it is started.
pub fn can_be_found(_program: &OsStr) -> bool {
    true
}

/// Nobody is in the background.
pub fn leave_session() {}

/// Whether there is a process of that number: nobody is asked, so there may be.
pub fn is_alive(_process: u32) -> bool {
    true
}

pub fn set_umask(_mode: u32) -> io::Result<()> {
    Err(unsupported("umasks"))
}

/// There is no limit that could be raised.
pub fn raise_descriptor_limit() {}

/// There is no limit that could be met.
pub fn check_descriptors() -> io::Result<()> {
    Ok(())
}

/// What this machine is called.
pub fn host_name() -> String {
    std::env::var("COMPUTERNAME").unwrap_or_default()
}

/// A process of the same console has heard Ctrl-C itself; nothing else can be sent.
pub fn send(_id: u32, _signal: SignalKind) -> io::Result<()> {
    Err(unsupported("signals to other processes"))
}
