//! Asks a running mosquitto to write its file now, and waits for it.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::thread::sleep;
use std::time::{Duration, Instant};

use crate::cmd::connect::unreadable::cannot_open;
use crate::net::reason;
use crate::os::files::{self, Version};
use crate::os::process;
use crate::os::signal::SignalKind;
use crate::term::{Exit, Failure};

/// A broker with millions of messages needs seconds to write them.
const TIME_LIMIT: Duration = Duration::from_secs(60);
const LOOK_AGAIN: Duration = Duration::from_millis(20);

/// Which broker is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Whom {
    TheOnlyOne,
    Process(u32),
}

/// Has the broker write its file, and waits until one of `files` is a new one. 2.0 and 2.1 both write at
/// SIGUSR1 and put the new file in the place of the old.
pub fn refresh(files: &[PathBuf], whom: Whom) -> Result<(), Failure> {
    if files.is_empty() {
        return Err(Failure::new(Exit::USAGE, "nothing to refresh: no source is a file"));
    }
    if let Some(path) = files.iter().find(|path| path.extension().is_some_and(|extension| extension == "sqlite3")) {
        return Err(Failure::new(
            Exit::USAGE,
            format!(
                "`{}` cannot be refreshed: a broker with persist-sqlite writes it every few seconds",
                path.display()
            ),
        ));
    }
    process::can_be_seen()
        .map_err(|error| Failure::new(Exit::FAILED, format!("cannot refresh: {}", reason(&error))))?;
    let pid = match whom {
        Whom::Process(pid) => checked(pid)?,
        Whom::TheOnlyOne => only_broker()?,
    };
    let before: Vec<_> = files.iter().map(|path| identity(path)).collect::<Result<_, _>>()?;
    process::send(pid, SignalKind::user_defined1()).map_err(|error| {
        let failure = Failure::new(Exit::FAILED, format!("cannot signal process {pid}: {}", reason(&error)));
        if error.kind() == io::ErrorKind::PermissionDenied {
            failure.hint("only root and the user that the broker runs as may: sudo moskit qshape --refresh")
        } else {
            failure
        }
    })?;
    let start = Instant::now();
    while start.elapsed() < TIME_LIMIT {
        for (path, before) in files.iter().zip(&before) {
            if identity(path)? != *before {
                return Ok(());
            }
        }
        sleep(LOOK_AGAIN);
    }
    Err(Failure::new(
        Exit::FAILED,
        format!("the broker has not written `{}` within {} seconds", files[0].display(), TIME_LIMIT.as_secs()),
    )
    .hint("grep -r persistence /etc/mosquitto"))
}

/// What changes when the file is replaced; `None` while there is none.
fn identity(path: &Path) -> Result<Option<Version>, Failure> {
    match fs::metadata(path) {
        Ok(metadata) => Ok(Some(files::version(&metadata))),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(cannot_open(path, &error)),
    }
}

/// Whether the process is a broker. To anything else SIGUSR1 means its end.
fn is_broker(pid: u32) -> bool {
    let Ok(command_line) = process::command_line(pid) else { return false };
    let mut words = command_line.split(|byte| *byte == 0);
    let program = words.next().unwrap_or_default();
    let name = program.rsplit(|byte| *byte == b'/').next().unwrap_or_default();
    match name {
        b"mosquitto" => true,
        b"moskit" => words.next() == Some(b"broker"),
        _ => false,
    }
}

fn checked(pid: u32) -> Result<u32, Failure> {
    if is_broker(pid) {
        Ok(pid)
    } else {
        Err(Failure::new(Exit::FAILED, format!("process {pid} is not a mosquitto, so it gets no signal")))
    }
}

fn only_broker() -> Result<u32, Failure> {
    let processes = process::all().map_err(|error| cannot_open(Path::new(process::LIST), &error))?;
    let found: Vec<u32> = processes.into_iter().filter(|pid| is_broker(*pid)).collect();
    match found[..] {
        [pid] => checked(pid),
        [] => Err(Failure::new(Exit::FAILED, "no mosquitto runs here that could refresh its file")),
        _ => {
            let pids: Vec<_> = found.iter().map(u32::to_string).collect();
            Err(Failure::new(Exit::FAILED, format!("several mosquittos run here: processes {}", pids.join(", ")))
                .hint("moskit qshape --refresh --pid PID"))
        }
    }
}
