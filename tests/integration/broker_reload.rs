//! SIGHUP: what is no file is refused, signals are heard meanwhile, and nobody meets the old rules.

use std::path::Path;
use std::process::Command;

use rustix::process::Signal;

use crate::broker_verb::{Broker, text};
use crate::mosquitto::free_port;
use crate::run::{moskit, run};

fn publish(port: u16, words: &[&str]) -> i32 {
    let port = port.to_string();
    run(&mut moskit(&[&["pub", "-h", "127.0.0.1", "-p", &port, "-q", "1", "-m", "x"], words].concat()), b"").code
}

fn make_pipe(path: &Path) {
    let _ = std::fs::remove_file(path);
    let made = run(Command::new("mkfifo").arg(path), b"");
    assert_eq!(made.code, 0, "{made:?}");
}

/// Whoever waits for a line of a pipe that nobody writes hears no signal any more.
#[test]
fn a_pipe_in_place_of_a_file_is_refused_at_a_reload_and_signals_are_heard() {
    for place in ["acl", "passwords", "m.conf", "server.crt", "log"] {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path();
        let made = run(&mut moskit(&["certgen", "init", text(folder), "--hosts", "127.0.0.1"]), b"");
        assert_eq!(made.code, 0, "{made:?}");
        std::fs::write(folder.join("acl"), "topic readwrite a\n").unwrap();
        std::fs::write(folder.join("passwords"), "").unwrap();
        let (port, name) = (free_port(), folder.display());
        let lines = format!(
            "allow_anonymous true\nacl_file {name}/acl\npassword_file {name}/passwords\nlog_dest stderr\n\
             listener {port} 127.0.0.1\nlistener {} 127.0.0.1\ncertfile {name}/server.crt\nkeyfile {name}/server.key\n",
            free_port()
        );
        let mut broker = Broker::configured(folder, &lines);
        assert_eq!(publish(port, &["-t", "a"]), 0);
        make_pipe(&folder.join(place));
        if place == "log" {
            std::fs::write(folder.join("m.conf"), format!("{lines}log_dest file {name}/log\n")).unwrap();
        }
        broker.signal(Signal::HUP);
        broker.wait_for("Reloading config.");
        broker.wait_for(if place == "log" { "Error: Unable to open log file" } else { "it is not a regular file" });
        assert_eq!(publish(port, &["-t", "a"]), 0, "{place}");
        let ended = broker.end();
        assert_eq!(ended.code, 0, "{ended:?}");
    }
}

/// The message came through the listener with the ACL, and goes out through the other.
#[test]
fn the_source_of_a_retained_message_is_judged_by_its_listener_after_a_restart_too() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let (port, open) = (free_port(), free_port());
    let name = folder.display();
    let lines = format!(
        "per_listener_settings true\ncheck_retain_source true\npersistence true\npersistence_location {name}/\nlistener {port} 127.0.0.1\n\
         allow_anonymous true\nacl_file {name}/acl\nlistener {open} 127.0.0.1\nallow_anonymous true\n"
    );
    let waiting = || {
        let open = open.to_string();
        let words = ["sub", "-h", "127.0.0.1", "-p", &open, "-t", "#", "--retained-only", "-W", "60", "-F", "%t"];
        let mut topics: Vec<_> = run(&mut moskit(&words), b"").stdout.lines().map(str::to_owned).collect();
        topics.sort();
        topics
    };
    std::fs::write(folder.join("acl"), "topic readwrite #\n").unwrap();
    let broker = Broker::configured(folder, &lines);
    for topic in ["no longer", "still"] {
        assert_eq!(publish(port, &["-t", topic, "-r"]), 0);
    }
    assert_eq!(waiting(), ["no longer", "still"]);
    drop(broker.end());
    std::fs::write(folder.join("acl"), "topic readwrite still\n").unwrap();
    let broker = Broker::configured(folder, &lines);
    assert_eq!(waiting(), ["still"]);
    drop(broker.end());
}
