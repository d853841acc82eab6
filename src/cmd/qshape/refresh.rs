//! Asks a running mosquitto to write its file now, and waits for it.

use std::fs::{self, Metadata};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::thread::sleep;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use super::sentences::cannot_open;
use crate::term::{Exit, Failure};

/// A broker with millions of messages needs seconds to write them.
const PATIENCE: Duration = Duration::from_secs(60);
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
    let pid = match whom {
        Whom::Process(pid) => checked(pid)?,
        Whom::TheOnlyOne => only_broker()?,
    };
    let before: Vec<_> = files.iter().map(|path| identity(path)).collect::<Result<_, _>>()?;
    kill_process(pid, Signal::USR1).map_err(|error| {
        let error = io::Error::from(error);
        let failure =
            Failure::new(Exit::FAILED, format!("cannot signal process {}: {error}", pid.as_raw_nonzero().get()));
        if error.kind() == io::ErrorKind::PermissionDenied {
            failure.hint("only root and the user that the broker runs as may: sudo moskit qshape --refresh")
        } else {
            failure
        }
    })?;
    let start = Instant::now();
    while start.elapsed() < PATIENCE {
        for (path, before) in files.iter().zip(&before) {
            if identity(path)? != *before {
                return Ok(());
            }
        }
        sleep(LOOK_AGAIN);
    }
    Err(Failure::new(
        Exit::FAILED,
        format!("the broker has not written `{}` within {} seconds", files[0].display(), PATIENCE.as_secs()),
    )
    .hint("grep -r persistence /etc/mosquitto"))
}

/// What changes when the file is replaced; `None` while there is none.
fn identity(path: &Path) -> Result<Option<(u64, i64, i64)>, Failure> {
    let of = |metadata: Metadata| (metadata.ino(), metadata.mtime(), metadata.mtime_nsec());
    match fs::metadata(path) {
        Ok(metadata) => Ok(Some(of(metadata))),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(cannot_open(path, &error)),
    }
}

/// Whether the process is a broker. To anything else SIGUSR1 means its end.
fn is_broker(pid: u32) -> bool {
    let Ok(command_line) = fs::read(format!("/proc/{pid}/cmdline")) else { return false };
    let mut words = command_line.split(|byte| *byte == 0);
    let program = words.next().unwrap_or_default();
    let name = program.rsplit(|byte| *byte == b'/').next().unwrap_or_default();
    match name {
        b"mosquitto" => true,
        b"moskit" => words.next() == Some(b"broker"),
        _ => false,
    }
}

fn to_pid(pid: u32) -> Option<Pid> {
    i32::try_from(pid).ok().and_then(Pid::from_raw)
}

fn checked(pid: u32) -> Result<Pid, Failure> {
    if !is_broker(pid) {
        return Err(Failure::new(Exit::FAILED, format!("process {pid} is not a mosquitto, so it gets no signal")));
    }
    to_pid(pid).ok_or_else(|| Failure::new(Exit::USAGE, format!("{pid} is no process id")))
}

fn only_broker() -> Result<Pid, Failure> {
    let processes = fs::read_dir("/proc").map_err(|error| cannot_open(Path::new("/proc"), &error))?;
    let found: Vec<u32> = processes
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
        .filter(|pid| is_broker(*pid))
        .collect();
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
