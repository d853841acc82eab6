//! `--reload`: telling a broker that its password file has changed.

use std::ffi::OsStr;
use std::path::Path;

use super::text::{self, failed};
use crate::diagnose::files::password_fault;
use crate::diagnose::shell;
use crate::net::reason;
use crate::os::process::{self, Held};
use crate::os::signal::SignalKind;
use crate::passwd::{self, File};
use crate::term::Failure;

/// Programs that read their password file again on SIGHUP.
const BROKERS: [&str; 2] = ["mosquitto", "moskit"];

/// The broker that was sent the signal.
pub struct Signalled {
    pub program: String,
    pub process: u32,
}

/// Reads `file` back as a broker would and, if it is good, sends the process a SIGHUP. `broker` is
/// its process id or the path of a file that holds it.
pub fn run(broker: &OsStr, file: &Path) -> Result<Signalled, Failure> {
    let text = passwd::read(file).map_err(|cause| text::stored(file, &cause))?;
    File::parse(&text).map_err(|error| {
        let fault = password_fault(error.fault);
        failed(format!("the broker was not told: it would refuse line {} of `{}`: {fault}", error.line, file.display()))
            .hint(format!("moskit passwd --list {}", shell::path(file)))
    })?;
    process::can_be_seen().map_err(|cause| failed(format!("the broker was not told: {cause}")))?;
    let id = process_id(broker)?;
    let not_reloaded = |why: &str| failed(format!("the broker was not told: process {id} {why}"));
    // Held from before its name is looked at, so that the signal cannot reach a successor.
    let held = Held::open(id).map_err(|cause| not_reloaded(&format!("is not there: {}", reason(&cause))))?;
    let name = held.name().map_err(|_| not_reloaded(&format!("does not tell its name in {}", process::LIST)))?;
    if !BROKERS.contains(&name.as_str()) {
        return Err(not_reloaded(&format!("is `{name}`, neither mosquitto nor moskit")));
    }
    held.send(SignalKind::hangup())
        .map_err(|cause| not_reloaded(&format!("takes no signal from us: {}", reason(&cause))))?;
    Ok(Signalled { program: name, process: id })
}

fn process_id(given: &OsStr) -> Result<u32, Failure> {
    let number = |text: &str| text.trim().parse::<i32>().ok().filter(|number| *number > 0).map(i32::cast_unsigned);
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
