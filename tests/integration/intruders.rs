//! Attempts to get in where one should not, or to take what is another's, against the broker as users start it.

use std::path::Path;

use crate::broker_verb::{Broker, text};
use crate::mosquitto::free_port;
use crate::run::{Ended, moskit, run};

/// A broker with one listener and these lines behind it, and its port.
fn broker(folder: &Path, lines: &str) -> (Broker, String) {
    let port = free_port();
    let configuration = format!("log_timestamp false\nallow_anonymous true\nlistener {port} 127.0.0.1\n{lines}");
    (Broker::configured(folder, &configuration), port.to_string())
}

/// Publishes, keeps and acknowledges one message.
fn retain(port: &str, id: &str, topic: &str, payload: &str) -> Ended {
    run(&mut moskit(&["pub", "-p", port, "-i", id, "-t", topic, "-m", payload, "-r", "-q", "1"]), b"")
}

#[test]
fn a_slash_in_a_client_id_opens_no_part_of_another_clients_topics() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let acl = folder.join("acl");
    std::fs::write(&acl, "pattern readwrite devices/%c/#\n").unwrap();
    let (broker, port) = broker(folder, &format!("acl_file {}\n", acl.display()));
    retain(&port, "victim/cmd", "devices/victim/cmd/x", "the attacker's");
    assert_eq!(retain(&port, "victim", "devices/victim/cmd/y", "its own").code, 0);
    let retained = |id| {
        let words = ["sub", "-p", &port, "-i", id, "-t", "devices/victim/cmd/#", "--retained-only", "-v", "-W", "2"];
        run(&mut moskit(&words), b"").stdout
    };
    assert_eq!(retained("victim"), "devices/victim/cmd/y its own\n");
    assert_eq!(retained("victim/cmd"), "");
    broker.end();
}

#[test]
fn a_second_broker_leaves_the_socket_and_the_pid_file_of_the_first() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let (socket, pid) = (folder.join("s.sock"), folder.join("pid"));
    let configuration = format!("allow_anonymous true\npid_file {}\nlistener 0 {}\n", pid.display(), socket.display());
    let broker = Broker::configured(folder, &configuration);
    let first = std::fs::read_to_string(&pid).unwrap();
    let second = run(&mut moskit(&["broker", "-c", text(&folder.join("m.conf"))]), b"");
    assert_eq!((second.stdout.as_str(), second.code), ("", 1), "{second:?}");
    assert!(second.stderr.contains("Error: Address already in use"), "{second:?}");
    let publish = || run(&mut moskit(&["pub", "--unix", text(&socket), "-t", "t", "-m", "m", "-q", "1"]), b"");
    assert_eq!(publish().code, 0);
    assert_eq!(std::fs::read_to_string(&pid).unwrap(), first);
    assert_eq!(broker.end().code, 0);
    assert!(!socket.exists() && !pid.exists());
}
