//! `--reload`: telling a broker that its password file has changed.

use std::ffi::OsStr;
use std::path::Path;

use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};

use super::list::fault_text;
use super::text::{self, failed};
use crate::net::reason;
use crate::passwd::{self, File};
use crate::term::{Failure, Term};

/// Programs that read their password file again on SIGHUP.
const BROKERS: [&str; 2] = ["mosquitto", "moskit"];

/// Reads `file` back as a broker would and, if it is good, sends the process a SIGHUP. `process` is
/// its id or the path of a file that holds it.
pub fn run(process: &OsStr, file: &Path, term: &mut Term) -> Result<(), Failure> {
    let text = passwd::read(file).map_err(|cause| text::stored(file, &cause))?;
    File::parse(&text).map_err(|error| {
        let fault = fault_text(error.fault);
        failed(format!("the broker was not told: it would refuse line {} of `{}`: {fault}", error.line, file.display()))
            .hint(format!("moskit passwd --list {}", file.display()))
    })?;
    let id = process_id(process)?;
    let not_told = |why: &str| failed(format!("the broker was not told: process {} {why}", id.as_raw_pid()));
    // Held from before its name is looked at, so that the signal cannot reach a successor.
    let handle = pidfd_open(id, PidfdFlags::empty())
        .map_err(|cause| not_told(&format!("is not there: {}", reason(&cause.into()))))?;
    let name = std::fs::read_to_string(format!("/proc/{}/comm", id.as_raw_pid()))
        .map_err(|_| not_told("does not tell its name in /proc"))?;
    if !BROKERS.contains(&name.trim_end()) {
        return Err(not_told(&format!("is `{}`, neither mosquitto nor moskit", name.trim_end())));
    }
    pidfd_send_signal(handle, Signal::HUP)
        .map_err(|cause| not_told(&format!("takes no signal from us: {}", reason(&cause.into()))))?;
    term.note(format_args!("note: told {} (process {}) to reload", name.trim_end(), id.as_raw_pid()));
    Ok(())
}

fn process_id(given: &OsStr) -> Result<Pid, Failure> {
    let number = |text: &str| text.trim().parse().ok().filter(|number| *number > 0).and_then(Pid::from_raw);
    if let Some(id) = given.to_str().and_then(number) {
        return Ok(id);
    }
    let text = std::fs::read_to_string(given).map_err(|cause| {
        failed(format!(
            "the broker was not told: `{}` is no process id and cannot be read: {}",
            given.display(),
            reason(&cause)
        ))
    })?;
    number(&text).ok_or_else(|| failed(format!("the broker was not told: `{}` holds no process id", given.display())))
}
