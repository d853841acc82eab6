//! The command that runs beside the broker: `--run` and `-- PROGRAM ARG…`.

use std::ffi::OsString;
use std::io;
use std::process::ExitStatus;

use tokio::process::{Child, Command};

use super::options::Options;
use crate::cmd::connect::environment::VARIABLES;
use crate::os::signal::SignalKind;
use crate::os::{first_process, process};
use crate::term::{Exit, Failure};

/// Exit codes that shells use when a command cannot be run.
const NOT_EXECUTABLE: Exit = Exit(126);
const NOT_FOUND: Exit = Exit(127);

/// Starts the command that the options name, with `environment` added to ours.
pub fn start(options: &Options, environment: &[(&'static str, OsString)]) -> Result<Child, Failure> {
    let mut command = match (&options.run, options.program.split_first()) {
        (Some(line), _) => process::shell(line).into(),
        (None, Some((program, arguments))) => {
            let mut command = Command::new(program);
            command.args(arguments);
            command
        }
        (None, None) => return Err(Failure::new(Exit::USAGE, "no command given")),
    };
    // What was meant for another broker is not for this one.
    for variable in VARIABLES {
        command.env_remove(variable);
    }
    command.envs(environment.iter().map(|(name, value)| (name, value)));
    command.spawn().map_err(|error| {
        let name = command.as_std().get_program().to_string_lossy().into_owned();
        let exit = if error.kind() == io::ErrorKind::NotFound { NOT_FOUND } else { NOT_EXECUTABLE };
        Failure::new(exit, format!("cannot run `{name}`: {}", crate::net::reason(&error)))
    })
}

/// The exit code of a command that has ended: its own, or 128 and the signal's number.
pub fn exit_of(status: ExitStatus) -> Exit {
    let code = status.code().or_else(|| process::ending_signal(status).map(|signal| 128 + signal));
    Exit(u8::try_from(code.unwrap_or(1)).unwrap_or(u8::MAX))
}

/// Passes a signal on. A shell that is interrupted alone waits for what it runs, which gets the signal too where we are the first
/// process of a container, as it does from a terminal.
pub fn forward(child: &Child, signal: SignalKind) {
    if first_process::is_this() && first_process::send_to_all_others(signal).is_ok() {
        return;
    }
    if let Some(id) = child.id() {
        // It may have ended just now.
        let _ = process::send(id, signal);
    }
}
