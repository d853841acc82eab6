//! Runs a program to its end and gives back all that it did.

use std::io::Write;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use moskit::cmd::connect::environment::VARIABLES;
use moskit::cmd::connect::proxy;

/// What a finished program printed and its exit code; 128 + n for a signal.
#[derive(Debug, PartialEq, Eq)]
pub struct Ended {
    pub stdout: String,
    pub stderr: String,
    pub code: i32,
}

/// The program under its own name, with the environment variables that change its behaviour removed.
pub fn moskit(words: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_moskit"));
    command.args(words);
    let others = ["XDG_CONFIG_HOME", "HOME", "NO_COLOR", "CLICOLOR_FORCE"];
    for variable in VARIABLES.iter().chain(proxy::VARIABLES).chain(&others) {
        command.env_remove(variable);
    }
    command.env("TERM", "xterm");
    command
}

/// The program in `folder`, for a user who cannot reach where it was built. Where no link can be made `cp` copies it: a
/// copy that this process writes is "text file busy" while another thread's child, not yet replaced, has it open too.
pub fn program_in(folder: &Path) -> PathBuf {
    let program = folder.join("moskit");
    if std::fs::hard_link(env!("CARGO_BIN_EXE_moskit"), &program).is_err() {
        let copied = Command::new("cp").arg(env!("CARGO_BIN_EXE_moskit")).arg(&program).status().expect("cp starts");
        assert!(copied.success(), "cp: {copied}");
    }
    program
}

/// The program called by one of Mosquitto's names, as through a symlink.
pub fn called_as(name: &str, words: &[&str]) -> Command {
    let mut command = moskit(words);
    command.arg0(name);
    command
}

/// Runs `test` with a short time limit, in seconds, that it gives the program. What takes longer than that on a busy machine,
/// and fails, is tried again with one that is long enough for any machine: what holds there holds.
pub fn within_short_or_long(short: &str, test: impl Fn(&str)) {
    const LONG: &str = "10";
    if std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| test(short))).is_err() {
        test(LONG);
    }
}

/// Runs `command` with `stdin` to its end.
pub fn run(command: &mut Command, stdin: &[u8]) -> Ended {
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program starts");
    let mut pipe = child.stdin.take().unwrap();
    let stdin = stdin.to_vec();
    let writer = std::thread::spawn(move || {
        // A program that ends without reading its input closes the pipe, which is its right.
        let _ = pipe.write_all(&stdin);
    });
    let output = child.wait_with_output().expect("the program ends");
    writer.join().unwrap();
    let code = output.status.code().unwrap_or_else(|| {
        128 + std::os::unix::process::ExitStatusExt::signal(&output.status).expect("ended by code or by signal")
    });
    Ended {
        stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        code,
    }
}
