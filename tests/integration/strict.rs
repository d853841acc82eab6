//! `--strict`: what the broker refuses becomes an exit code, at our broker and at Debian's.

use std::path::Path;
use std::process::{Child, Command, Stdio};

use crate::mosquitto::{Mosquitto, free_port};
use crate::run::{Ended, called_as, moskit, run};

/// Everybody may read and write below `open`; what is below `shut` can be subscribed to and written by nobody.
const ACCESS: &str = "topic readwrite open/#\n";

fn configuration(folder: &Path, port: u16) -> String {
    std::fs::write(folder.join("acl"), ACCESS).unwrap();
    format!("listener {port} 127.0.0.1\nallow_anonymous true\nacl_file {}\n", folder.join("acl").display())
}

/// Debian's plugin refuses subscriptions, which its ACL file cannot.
fn refusing_subscriptions(folder: &Path, port: u16) -> Option<String> {
    let plugin = Path::new("/usr/lib/x86_64-linux-gnu/mosquitto_dynamic_security.so");
    if !plugin.exists() {
        eprintln!("SKIPPED: mosquitto's dynamic security plugin is not installed");
        return None;
    }
    let rules = r#"{"defaultACLAccess": {"publishClientSend": true, "publishClientReceive": true, "subscribe": false, "unsubscribe": true},
        "anonymousGroup": "all", "groups": [{"groupname": "all", "roles": [{"rolename": "open"}]}],
        "roles": [{"rolename": "open", "acls": [{"acltype": "subscribePattern", "topic": "open/#", "allow": true}]}]}"#;
    std::fs::write(folder.join("rules.json"), rules).unwrap();
    let (plugin, rules) = (plugin.display(), folder.join("rules.json"));
    let rules = rules.display();
    Some(format!("listener {port} 127.0.0.1\nallow_anonymous true\nplugin {plugin}\nplugin_opt_config_file {rules}\n"))
}

struct Ours(Child);

impl Drop for Ours {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn start_ours(folder: &Path, port: u16) -> Ours {
    let file = folder.join("moskit.conf");
    std::fs::write(&file, configuration(folder, port)).unwrap();
    let mut command = moskit(&["broker", "-c", file.to_str().unwrap(), "-q"]);
    let broker = Ours(command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap());
    while std::net::TcpStream::connect(("127.0.0.1", port)).is_err() {
        std::thread::yield_now();
    }
    broker
}

fn client(port: u16, words: &str) -> Ended {
    let (verb, words) = words.split_once(' ').unwrap();
    let port = port.to_string();
    let mut command: Command = moskit(&[verb, "-p", &port]);
    run(command.args(words.split(' ')), b"")
}

#[track_caller]
fn ends(port: u16, rows: &[(&str, i32, &str)]) {
    for (words, code, stderr) in rows {
        let ended = client(port, words);
        assert_eq!(ended, Ended { stdout: String::new(), stderr: (*stderr).to_owned(), code: *code }, "{words}");
    }
}

const REFUSED: &str = "Warning: Publish 1 failed: Not authorized.\n";
const NO_ANSWER: &str = "warning: --strict finds no refused message at QoS 0: -q 1\n";
const NO_REASON: &str =
    "warning: --strict finds no refused message: before MQTT 5 no broker can say that it refused one: -V mqttv5\n";
const NOBODY: &str = "Warning: Publish 1: nobody is subscribed to 'open/a'.\n";

/// What both brokers answer alike.
const PUBLISHES: &[(&str, i32, &str)] = &[
    ("pub --strict -V 5 -t shut/a -n -q 1", 135, REFUSED),
    ("pub --strict -V 5 -t shut/a -n -q 2", 135, REFUSED),
    ("pub --strict=subscribers -V 5 -t shut/a -n -q 1", 135, REFUSED),
    ("pub -V 5 -t shut/a -n -q 1", 0, REFUSED),
    ("pub --strict -V 5 -t shut/a -n -q 1 --quiet", 135, ""),
    // QoS 0 has no answer, and those of version 3 no reasons.
    ("pub --strict -V 5 -t shut/a -n", 0, NO_ANSWER),
    ("pub --strict -V 311 -t shut/a -n -q 1", 0, NO_REASON),
    ("pub --strict -V 5 -t open/a -n -q 1", 0, ""),
    ("pub --strict=subscribers -V 5 -t open/a -n -q 1", 16, NOBODY),
    // At QoS 2 the answer comes before the message goes to anybody.
    ("pub --strict=subscribers -V 5 -t open/a -n -q 2", 0, ""),
    ("pub --strict=subscribers -V 311 -t open/a -n -q 1", 0, NO_REASON),
    ("pub -V 5 -t open/a -n -q 1", 0, ""),
    ("rr --strict -t shut/a -e open/b -m x -q 1 -W 60", 135, "Warning: Publish 2 failed: Not authorized.\n"),
];

#[test]
fn a_refused_message_is_an_exit_code() {
    let folder = tempfile::tempdir().unwrap();
    let port = free_port();
    let _ours = start_ours(folder.path(), port);
    ends(port, PUBLISHES);
    let folder = tempfile::tempdir().unwrap();
    let port = free_port();
    let Some(_theirs) = Mosquitto::start(folder.path(), &configuration(folder.path(), port)) else { return };
    ends(port, PUBLISHES);
}

#[test]
fn a_denied_subscription_is_an_exit_code() {
    let folder = tempfile::tempdir().unwrap();
    let port = free_port();
    let Some(configuration) = refusing_subscriptions(folder.path(), port) else { return };
    let Some(_theirs) = Mosquitto::start(folder.path(), &configuration) else { return };
    let denied = "Warning: subscription to 'shut/a' was denied: Not authorized.\n";
    let all = "All subscription requests were denied.\n";
    let beside = "warning: the broker denies the subscription to 'shut/a': Not authorized\n";
    let denied_by_3 = "Warning: subscription to 'shut/a' was denied: Unspecified error.\n";
    ends(
        port,
        &[
            ("sub --strict -V 5 -t shut/a", 135, denied),
            ("sub --strict -V 5 -t open/a -t shut/a", 135, denied),
            ("sub --strict -V 311 -t shut/a", 128, denied_by_3),
            ("sub --strict -V 5 -t open/a -E", 0, ""),
            ("sub -V 5 -t shut/a", 0, all),
            ("sub -V 5 -t open/a -t shut/a -E", 0, beside),
            ("rr --strict -t open/a -e shut/b -m x", 135, "Not authorized\n"),
            ("rr --strict -V 311 -t open/a -e shut/b -m x", 128, &format!("{NO_REASON}Unspecified error\n")),
            // Without a response there is nothing to be content with; Mosquitto's rr is.
            ("rr -t open/a -e shut/b -m x", 135, "Not authorized\n"),
        ],
    );
    let words = ["-p", &port.to_string(), "-t", "open/a", "-e", "shut/b", "-m", "x"];
    let as_mosquitto = run(&mut called_as("mosquitto_rr", &words), b"");
    assert_eq!(as_mosquitto, Ended { stdout: String::new(), stderr: "Not authorized\n".to_owned(), code: 0 });
}
