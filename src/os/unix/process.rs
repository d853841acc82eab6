//! This process, those that it starts, and, on Linux, others.

use std::ffi::OsStr;
use std::io;
use std::os::unix::net::UnixDatagram;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::Path;
use std::process::{Command, ExitStatus};

use rustix::io::Errno;
use rustix::process::{Pid, Resource, Rlimit, Signal, getrlimit, kill_process, setrlimit, test_kill_process};

use super::signal::SignalKind;

#[cfg(not(target_os = "linux"))]
pub use crate::os::unseen::{Held, all, can_be_seen, command_line};
#[cfg(target_os = "linux")]
pub use linux::{Held, all, can_be_seen, command_line};

/// The folder that lists all processes.
pub const LIST: &str = "/proc";

/// Has the shell run `line`.
pub fn shell(line: impl AsRef<OsStr>) -> Command {
    let mut shell = Command::new("/bin/sh");
    shell.arg("-c").arg(line);
    shell
}

/// The number of the signal that ended a process.
pub fn ending_signal(status: ExitStatus) -> Option<i32> {
    status.signal()
}

/// Starts a command that goes on when this process has ended. `name` is what it is called with.
pub fn start_in_background(mut command: Command, name: Option<&OsStr>) -> io::Result<()> {
    if let Some(name) = name {
        command.arg0(name);
    }
    command.spawn().map(drop)
}

/// Puts a command that is to be started into a group of its own, which [`end_group`] ends with all that it has started.
pub fn in_own_group(command: &mut Command) {
    command.process_group(0);
}

/// Ends a command that was started in a group of its own, and what it has started: asks it to (SIGTERM), or not (SIGKILL).
pub fn end_group(id: u32, is_asked: bool) {
    let signal = if is_asked { Signal::TERM } else { Signal::KILL };
    if let Ok(id) = pid(id) {
        // It may have ended just now.
        let _ = rustix::process::kill_process_group(id, signal);
    }
}

/// Whether there is a program of this name, looked for as it would be to start it.
pub fn can_be_found(program: &OsStr) -> bool {
    let is_program = |path: &Path| path.is_file() && rustix::fs::access(path, rustix::fs::Access::EXEC_OK).is_ok();
    if program.as_encoded_bytes().contains(&b'/') {
        return is_program(Path::new(program));
    }
    let Some(folders) = std::env::var_os("PATH") else { return true };
    std::env::split_paths(&folders).any(|folder| is_program(&folder.join(program)))
}

/// Leaves the terminal and whoever started us.
pub fn leave_session() {
    // It fails only for the leader of a group, which has no terminal to lose.
    let _ = rustix::process::setsid();
}

/// Whether there is a process of that number, anybody's. Numbers are used again.
pub fn is_alive(process: u32) -> bool {
    let process = i32::try_from(process).ok().and_then(Pid::from_raw);
    process.is_some_and(|process| test_kill_process(process) != Err(Errno::SRCH))
}

pub fn set_umask(mode: u32) -> io::Result<()> {
    rustix::process::umask(rustix::fs::Mode::from_raw_mode(mode as rustix::fs::RawMode));
    Ok(())
}

/// Asks for as many descriptors as the process may have: each connection takes one.
pub fn raise_descriptor_limit() {
    let limit = getrlimit(Resource::Nofile);
    // Refused, there are fewer connections; nothing else changes.
    let _ = setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, maximum: limit.maximum });
}

/// The CPU time that this thread has had, for tests that measure work and not what runs beside them.
#[cfg(test)]
pub fn thread_time() -> std::time::Duration {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    std::time::Duration::new(time.tv_sec.unsigned_abs(), time.tv_nsec as u32)
}

/// Fails when the process has fewer descriptors left than a runtime takes: its queue, what wakes it, and a pair for
/// signals, without which tokio panics.
pub fn check_descriptors() -> io::Result<()> {
    // A copy takes a descriptor as another socket does, and a tenth of the time.
    const COPIES: usize = 7;
    let one = UnixDatagram::unbound()?;
    let copies: io::Result<Vec<_>> = (0..COPIES).map(|_| one.try_clone()).collect();
    copies.map(drop)
}

/// What this machine is called.
pub fn host_name() -> String {
    rustix::system::uname().nodename().to_string_lossy().into_owned()
}

/// Sends a signal to a process.
pub fn send(id: u32, signal: SignalKind) -> io::Result<()> {
    Ok(kill_process(pid(id)?, named(signal)?)?)
}

fn pid(id: u32) -> io::Result<Pid> {
    let pid = i32::try_from(id).ok().and_then(Pid::from_raw);
    pid.ok_or_else(|| io::Error::new(io::ErrorKind::InvalidInput, "no process has that number"))
}

fn named(signal: SignalKind) -> io::Result<Signal> {
    let signal = Signal::from_named_raw(signal.as_raw_value());
    signal.ok_or_else(|| io::Error::new(io::ErrorKind::InvalidInput, "no signal has that number"))
}

#[cfg(target_os = "linux")]
mod linux {
    use std::fs;
    use std::io;
    use std::os::fd::OwnedFd;

    use rustix::process::{PidfdFlags, pidfd_open, pidfd_send_signal};

    use super::{LIST, SignalKind, named, pid};

    /// Fails where nothing can be learned of other processes.
    pub fn can_be_seen() -> io::Result<()> {
        Ok(())
    }

    /// The numbers of all processes.
    pub fn all() -> io::Result<Vec<u32>> {
        let processes = fs::read_dir(LIST)?;
        Ok(processes.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok()).collect())
    }

    /// The words that a process was started with, each ended by a zero.
    pub fn command_line(id: u32) -> io::Result<Vec<u8>> {
        fs::read(format!("{LIST}/{id}/cmdline"))
    }

    /// A process that no other can take the number of.
    pub struct Held {
        id: u32,
        handle: OwnedFd,
    }

    impl Held {
        pub fn open(id: u32) -> io::Result<Self> {
            Ok(Self { id, handle: pidfd_open(pid(id)?, PidfdFlags::empty())? })
        }

        /// The name of its program.
        pub fn name(&self) -> io::Result<String> {
            Ok(fs::read_to_string(format!("{LIST}/{}/comm", self.id))?.trim_end().to_owned())
        }

        pub fn send(&self, signal: SignalKind) -> io::Result<()> {
            Ok(pidfd_send_signal(&self.handle, named(signal)?)?)
        }
    }
}
