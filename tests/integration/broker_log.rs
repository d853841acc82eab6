//! Where the broker's log goes, what a reload changes in it, and that it never holds up the broker.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use rustix::process::Signal;

use crate::broker_verb::{Broker, text};
use crate::mosquitto::free_port;
use crate::run::{moskit, run};

const PATIENCE: Duration = Duration::from_secs(60);

fn publish(port: u16, id: &str) {
    let words = ["pub", "-h", "127.0.0.1", "-p", &port.to_string(), "-i", id, "-t", "t", "-m", "m", "-q", "1"];
    let ended = run(&mut moskit(&words), b"");
    assert_eq!(ended.code, 0, "{ended:?}");
}

/// Waits until the file holds a line that ends in `text`.
fn wait_for(file: &Path, text: &str) {
    let until = Instant::now() + PATIENCE;
    while !std::fs::read_to_string(file).unwrap_or_default().lines().any(|line| line.ends_with(text)) {
        assert!(Instant::now() < until, "{text:?} is not in {}", file.display());
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// `kill` has no name for it. The shell's own is there where the program is not installed.
fn real_time_signal(pid: u32, number: u32) {
    let sent = run(Command::new("sh").args(["-c", &format!("kill -{number} {pid}")]), b"");
    assert_eq!(sent.code, 0, "{sent:?}");
}

#[test]
fn a_reload_changes_kinds_and_destinations_and_a_signal_opens_a_renamed_file_anew() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let port = free_port();
    let configuration = |log: &str| {
        format!("listener {port} 127.0.0.1\nallow_anonymous true\nlog_timestamp false\n{log}")
            .replace("FOLDER", text(folder))
    };
    let broker = Broker::configured(folder, &configuration("log_dest file FOLDER/first\nlog_type error\n"));
    publish(port, "unseen");
    std::fs::write(folder.join("m.conf"), configuration("log_dest file FOLDER/second\nlog_type debug\n")).unwrap();
    broker.signal(Signal::HUP);
    let second = folder.join("second");
    let until = Instant::now() + PATIENCE;
    while !second.exists() {
        assert!(Instant::now() < until, "the second file is not opened");
        std::thread::sleep(Duration::from_millis(5));
    }
    // The broker's thread learns of it a moment after its log does.
    while !std::fs::read_to_string(&second).unwrap().contains("Received PUBLISH from seen") {
        assert!(Instant::now() < until, "debug lines do not come");
        publish(port, "seen");
    }
    std::fs::rename(&second, folder.join("renamed")).unwrap();
    // 34 is SIGRTMIN.
    real_time_signal(broker.pid(), 34);
    while !second.exists() {
        assert!(Instant::now() < until, "the file is not opened anew");
        std::thread::sleep(Duration::from_millis(5));
    }
    publish(port, "again");
    wait_for(&second, "(d0, q1, r0, m1, 't', ... (1 bytes))");
    assert_eq!(broker.end().code, 0);
    assert_eq!(std::fs::read_to_string(folder.join("first")).unwrap(), "");
}

#[test]
fn saving_on_demand_is_said() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let configuration =
        format!("listener {} 127.0.0.1\npersistence true\npersistence_location {}\n", free_port(), text(folder));
    let mut broker = Broker::configured(folder, &configuration);
    broker.signal(Signal::USR1);
    let line = broker.wait_for("Saving in-memory database to ");
    assert!(line.ends_with(&format!("to {}/mosquitto.sqlite3.\n", text(folder))), "{line}");
    assert_eq!(broker.end().code, 0);
}

#[test]
fn lines_are_published_to_those_who_subscribe() {
    let folder = tempfile::tempdir().unwrap();
    let port = free_port();
    let configuration =
        format!("listener {port} 127.0.0.1\nallow_anonymous true\nlog_dest topic\nlog_dest stderr\nlog_type all\n");
    let mut broker = Broker::configured(folder.path(), &configuration);
    let words =
        ["sub", "-h", "127.0.0.1", "-p", &port.to_string(), "-i", "reader", "-t", "$SYS/broker/log/#", "-F", "%t %p"];
    let mut reader = moskit(&words).stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(reader.stdout.take().unwrap()).lines();
    broker.wait_for("reader 0 $SYS/broker/log/#");
    publish(port, "one");
    let mut seen = Vec::new();
    let wanted = |line: &String| line.contains(" as one (p4, c1, k60).");
    while !seen.last().is_some_and(wanted) {
        seen.push(lines.next().expect("the line comes").unwrap());
    }
    reader.kill().unwrap();
    reader.wait().unwrap();
    // The topic, the time as in every other destination, and the line.
    let parts: Vec<_> = seen
        .iter()
        .map(|line| {
            let (topic, stamped) = line.split_once(' ').unwrap();
            let (time, text) = stamped.split_once(": ").unwrap();
            assert!(time.parse::<u64>().is_ok(), "{line}");
            (topic, text)
        })
        .collect();
    let (topic, text) = parts.last().unwrap();
    assert_eq!(*topic, "$SYS/broker/log/N");
    assert!(text.starts_with("New client connected from 127.0.0.1:"), "{seen:?}");
    assert!(parts.contains(&("$SYS/broker/log/M/subscribe", "reader 0 $SYS/broker/log/#")), "{seen:?}");
    assert!(!seen.iter().any(|line| line.contains("Sending")), "debug lines are never published: {seen:?}");
    assert_eq!(broker.end().code, 0);
}

#[test]
fn a_log_that_nobody_reads_holds_up_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let port = free_port();
    let configuration = format!("listener {port} 127.0.0.1\nallow_anonymous true\nlog_type all\n");
    let broker = Broker::configured(folder.path(), &configuration);
    // Two lines at least for each message: far more than the pipe and the log's own room take.
    let words = ["pub", "-h", "127.0.0.1", "-p", &port.to_string(), "-t", "t", "-l", "-q", "1"];
    let ended = run(&mut moskit(&words), "a message\n".repeat(20_000).as_bytes());
    assert_eq!(ended.code, 0, "{ended:?}");
    assert_eq!(broker.end().code, 0);
}
