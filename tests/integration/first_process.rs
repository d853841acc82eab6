//! As the first process of a container: signals end every verb, as they do elsewhere. Skipped where no process namespace can
//! be made, which is said.

use std::fs;
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use crate::mosquitto::{free_port, installed};
use crate::peers::stub;
use crate::run::moskit;

const PATIENCE: Duration = Duration::from_secs(60);

/// Numbers of SIGHUP, SIGINT, SIGQUIT and SIGTERM as bits of `SigCgt`.
const ENDING: u64 = 1 | 1 << 1 | 1 << 2 | 1 << 14;

/// A process that is the first of its namespace.
struct First {
    outer: Child,
    id: i32,
}

impl First {
    /// `None` where there can be no such process.
    fn start(folder: &Path, words: &[&str]) -> Option<Self> {
        let unshare = installed("unshare")?;
        let flags = ["--user", "--map-root-user", "--pid", "--fork", "--kill-child"];
        let can = Command::new(&unshare).args(flags).arg("true").stderr(Stdio::null()).status();
        if !can.is_ok_and(|status| status.success()) {
            eprintln!("skipped: this machine lets nobody make a process namespace (unshare --user --pid)");
            return None;
        }
        let program = moskit(&[]).get_program().to_owned();
        let outer = Command::new(unshare)
            .args(flags)
            .arg(program)
            .args(words)
            .current_dir(folder)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let id = wait_for("a child", || children(outer.id()).first().copied());
        let first = Self { outer, id };
        wait_for("signals to be heard", || (first.caught()? & ENDING == ENDING).then_some(()));
        Some(first)
    }

    /// The signals that it has handlers for, when it is moskit.
    fn caught(&self) -> Option<u64> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.id)).ok()?;
        let line = status.lines().find_map(|line| line.strip_prefix("SigCgt:"))?;
        let is_ours = status.starts_with("Name:\tmoskit");
        u64::from_str_radix(line.trim(), 16).ok().filter(|_| is_ours)
    }

    fn end_by(mut self, signal: Signal) -> Option<i32> {
        kill_process(Pid::from_raw(self.id).unwrap(), signal).unwrap();
        let status = wait_for("the end", || self.outer.try_wait().unwrap());
        status.code()
    }
}

impl Drop for First {
    fn drop(&mut self) {
        // --kill-child ends what runs in it.
        let _ = self.outer.kill();
        let _ = self.outer.wait();
    }
}

fn children(id: u32) -> Vec<i32> {
    let list = fs::read_to_string(format!("/proc/{id}/task/{id}/children")).unwrap_or_default();
    list.split_whitespace().map(|id| id.parse().unwrap()).collect()
}

fn wait_for<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(Instant::now() < deadline, "{what} did not come");
        std::thread::yield_now();
    }
}

#[test]
fn signals_end_every_verb() {
    let folder = tempfile::tempdir().unwrap();
    let silent = stub(|mut stream| {
        // Ends when the other side does.
        let _ = std::io::copy(&mut stream, &mut std::io::sink());
    });
    let port = silent.rsplit(':').next().unwrap().to_owned();
    let fifo = folder.path().join("fifo");
    let made = Command::new("mkfifo").arg(&fifo).status().unwrap();
    assert!(made.success());
    let url = format!("mqtt://{silent}");
    for words in [
        &["pub", "-t", "t", "-l", "-p", &port][..],
        &["sub", "-t", "t", "-p", &port],
        &["rr", "-t", "t", "-e", "u", "-m", "m", "-p", &port],
        &["check", &silent, "--timeout", "60"],
        &["qshape", &url, "--timeout", "60"],
        &["qshape", "-"],
        &["passwd", "--import", "fifo", "-c", "passwords"],
        &["certgen", "inspect", "fifo"],
        &["demo"],
    ] {
        for (signal, code) in [(Signal::TERM, 143), (Signal::INT, 130)] {
            let Some(first) = First::start(folder.path(), words) else { return };
            let ended = first.end_by(signal);
            let is_in_order = ["sub", "demo"].contains(&words[0]);
            assert!(ended == Some(code) || (is_in_order && ended.is_some()), "{words:?} {signal:?}: {ended:?}");
        }
    }
}

#[test]
fn signals_end_the_broker_and_what_runs_beside_it() {
    let folder = tempfile::tempdir().unwrap();
    for (signal, code) in [(Signal::TERM, 143), (Signal::INT, 130)] {
        let port = free_port().to_string();
        let words = ["broker", "-p", &port, "--run", "sleep 600; true"];
        let Some(first) = First::start(folder.path(), &words) else { return };
        let sleeping = wait_for("the command", || {
            let shell = children(first.id.cast_unsigned()).first().copied()?;
            let command = children(shell.cast_unsigned()).first().copied()?;
            // Before that it is a shell, in which an interrupt means something else.
            let status = fs::read_to_string(format!("/proc/{command}/status")).ok()?;
            status.starts_with("Name:\tsleep").then_some(command)
        });
        assert_eq!(first.end_by(signal), Some(code), "{signal:?}");
        assert!(!Path::new(&format!("/proc/{sleeping}")).exists(), "{signal:?}: the command goes on");
        let alone = First::start(folder.path(), &words[..3]).unwrap();
        // Whoever is let in is let in by a broker that hears signals.
        wait_for("the broker", || TcpStream::connect(format!("127.0.0.1:{port}")).ok());
        let mut log_in = moskit(&["pub", "-p", &port, "-t", "t", "-m", "m"]);
        wait_for("its answer", || (log_in.stderr(Stdio::null()).status().unwrap().success()).then_some(()));
        assert_eq!(alone.end_by(signal), Some(0), "{signal:?}");
    }
}
