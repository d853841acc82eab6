//! A FIFO where a file is expected. A pipe may be waited for, since `<(…)` is one; signals are heard all the while.

use std::os::unix::process::ExitStatusExt;
use std::process::Stdio;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use crate::run::{moskit, run};

const ROWS: &[&str] = &[
    "certgen inspect fifo",
    "certgen verify fifo",
    "certgen lint fifo",
    "certgen renew fifo",
    "certgen key decrypt fifo -o -",
    "certgen key decrypt fifo --pass-file fifo -o -",
    "check --config fifo",
    "check files --cafile fifo",
    "check acl fifo --client c --topic t",
    "check 127.0.0.1:1 --username a --pw-file fifo",
    "check 127.0.0.1:1 --cafile fifo",
    "passwd -c new ann --pw-file fifo",
    "passwd --import fifo passwords",
    "qshape fifo",
    "qshape --api-key-file fifo emqx+http://127.0.0.1:1",
    "broker -p 0 -c fifo",
];

/// Whether the process sleeps in the opening of a FIFO, by what its kernel says.
fn waits_for_a_pipe(pid: u32) -> bool {
    let threads = std::fs::read_dir(format!("/proc/{pid}/task")).unwrap();
    threads.map_while(Result::ok).any(|thread| {
        let call = std::fs::read_to_string(thread.path().join("syscall")).unwrap_or_default();
        // open, openat
        matches!(call.split(' ').next(), Some("2" | "257" | "56"))
    })
}

#[test]
fn a_verb_that_waits_for_a_pipe_hears_signals() {
    let folder = tempfile::tempdir().unwrap();
    let made = std::process::Command::new("mkfifo").arg(folder.path().join("fifo")).status().unwrap();
    assert!(made.success());
    for row in ROWS {
        let words: Vec<_> = row.split(' ').collect();
        let mut child = moskit(&words)
            .current_dir(folder.path())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let deadline = Instant::now() + Duration::from_secs(20);
        while !waits_for_a_pipe(child.id()) {
            assert_eq!(child.try_wait().unwrap(), None, "{row} does not wait");
            assert!(Instant::now() < deadline, "{row} does not open the pipe");
            std::thread::yield_now();
        }
        kill_process(Pid::from_raw(child.id().cast_signed()).unwrap(), Signal::TERM).unwrap();
        while child.try_wait().unwrap().is_none() {
            assert!(Instant::now() < deadline, "{row} does not hear SIGTERM");
            std::thread::yield_now();
        }
        assert_eq!(child.wait().unwrap().signal(), Some(15), "{row}");
    }
}

#[test]
fn a_password_file_that_is_a_pipe_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    assert!(std::process::Command::new("mkfifo").arg(folder.path().join("fifo")).status().unwrap().success());
    for words in [
        &["passwd", "--list", "fifo"][..],
        &["passwd", "-b", "fifo", "ann", "secret"],
        &["passwd", "-D", "fifo", "ann"],
    ] {
        let ended = run(moskit(words).current_dir(folder.path()), b"");
        assert_eq!((ended.stdout.as_str(), ended.code), ("", 1), "{ended:?}");
        assert!(ended.stderr.ends_with("fifo is not a file.\n"), "{ended:?}");
    }
}
