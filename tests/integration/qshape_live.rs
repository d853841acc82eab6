//! `moskit qshape` beside a real mosquitto: what it counts is what was published, the file is
//! refreshed on request, a purged session is gone.

use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};

use crate::mosquitto::{Mosquitto, free_port, installed};
use crate::qshape::qshape;

fn broker(folder: &Path) -> Option<(Mosquitto, u16)> {
    let port = free_port();
    let configuration = format!(
        "listener {port} 127.0.0.1\nallow_anonymous true\npersistence true\npersistence_location {}/\n\
         autosave_interval 0\nqueue_qos0_messages true\nmax_queued_messages 0\n",
        folder.display()
    );
    Mosquitto::start(folder, &configuration).map(|broker| (broker, port))
}

fn client(program: &str, port: u16, words: &[&str]) {
    let status = Command::new(installed(program).unwrap())
        .args(["-h", "127.0.0.1", "-p", &port.to_string()])
        .args(words)
        .status()
        .unwrap();
    assert!(status.success(), "{program} {words:?}");
}

/// Numbers that look random and are the same in every run.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % limit
    }
}

#[test]
fn random_queues_of_a_real_broker_are_counted_as_they_were_published() {
    let folder = tempfile::tempdir().unwrap();
    let Some((broker, port)) = broker(folder.path()) else { return };
    let path = folder.path().join("mosquitto.db");
    let pid = broker.pid().to_string();
    let mut numbers = Numbers(20_261_122);
    let mut expected = [0_u64; 4];
    for subscriber in 0..4 {
        client(
            "mosquitto_sub",
            port,
            &["-i", &format!("away-{subscriber}"), "-c", "-q", "1", "-t", &format!("{subscriber}/#"), "-E"],
        );
    }
    for _ in 0..12 {
        let (to, count) = (numbers.below(4), numbers.below(9) + 1);
        let topic = format!("{to}/{}", numbers.below(3));
        for _ in 0..count {
            client("mosquitto_pub", port, &["-q", "1", "-t", &topic, "-m", "x"]);
        }
        expected[to as usize] += count;
    }
    let ended = qshape(&["--refresh", "--pid", &pid, "--json", path.to_str().unwrap()], "");
    assert_eq!(ended.code, 0, "{ended:?}");
    let shown: Value = serde_json::from_str(&ended.stdout).unwrap();
    let mut rows: Vec<_> =
        shown["rows"].as_array().unwrap().iter().map(|row| (row["name"].clone(), row["total"].clone())).collect();
    rows.sort_by_key(|(name, _)| name.to_string());
    let expected: Vec<_> =
        (0..4).filter(|to| expected[*to] > 0).map(|to| (json!(format!("away-{to}")), json!(expected[to]))).collect();
    assert_eq!(rows, expected);
}

#[test]
fn purge_ends_one_session_and_no_other() {
    let folder = tempfile::tempdir().unwrap();
    let Some((broker, port)) = broker(folder.path()) else { return };
    let path = folder.path().join("mosquitto.db");
    let (path, pid, port_text) = (path.to_str().unwrap(), broker.pid().to_string(), port.to_string());
    for id in ["dead", "alive"] {
        client("mosquitto_sub", port, &["-i", id, "-c", "-q", "1", "-t", "t", "-E"]);
    }
    client("mosquitto_pub", port, &["-q", "1", "-t", "t", "-m", "x"]);
    assert_eq!(qshape(&["--refresh", "--pid", &pid, "-q", path], "").code, 0);
    let before = fs::read(path).unwrap();
    let broker_words = ["--host", "127.0.0.1", "--port", &port_text];
    let purge = |more: &[&str]| qshape(&[&["purge", "dead"][..], &broker_words, more, &[path]].concat(), "");

    let ended = purge(&["--dry-run"]);
    assert_eq!(ended.code, 0, "{ended:?}");
    assert!(ended.stdout.starts_with("dead: 1 message waiting\nThis source cannot tell"), "{ended:?}");
    let ended = purge(&["--yes"]);
    assert_eq!(ended.code, 1);
    assert!(
        ended.stderr.contains("`dead` is not shown as disconnected, nothing is removed\nhint: --force"),
        "{ended:?}"
    );
    let ended = purge(&["--force"]);
    assert_eq!(ended.code, 3);
    assert!(ended.stderr.contains("no terminal to ask on, nothing is removed"), "{ended:?}");
    assert_eq!(fs::read(path).unwrap(), before);

    let ended = purge(&["--force", "--yes"]);
    assert_eq!(ended.code, 0, "{ended:?}");
    assert!(ended.stdout.ends_with("The session of dead has ended.\n"), "{ended:?}");
    let ended = qshape(&["--refresh", "--pid", &pid, "--json", path], "");
    let shown: Value = serde_json::from_str(&ended.stdout).unwrap();
    assert_eq!((&shown["rows"][0]["name"], &shown["rows"][1]), (&json!("alive"), &Value::Null));
    assert_eq!(qshape(&["list", "dead", path], "").code, 1);
}

#[test]
fn purge_says_why_the_broker_did_not_do_it() {
    let folder = tempfile::tempdir().unwrap();
    let line = folder.path().join("q.ndjson");
    fs::write(&line, "{\"client\":\"c\"}\n").unwrap();
    let port = free_port().to_string();
    let words = ["purge", "c", "--host", "127.0.0.1", "--port", &port, "--force", "--yes", line.to_str().unwrap()];
    let ended = qshape(&words, "");
    assert_eq!(ended.code, 1);
    assert!(
        ended.stderr.contains(&format!("error: cannot end the session at 127.0.0.1:{port}: connection refused\n")),
        "{ended:?}"
    );
}

#[test]
fn totals_under_sys_are_told_where_a_broker_has_no_more() {
    let folder = tempfile::tempdir().unwrap();
    let port = free_port();
    let configuration = format!("listener {port} 127.0.0.1\nallow_anonymous true\nsys_interval 1\n");
    let Some(_broker) = Mosquitto::start(folder.path(), &configuration) else { return };
    // Returns when the totals have been published once.
    client("mosquitto_sub", port, &["-C", "1", "-W", "20", "-N", "-t", "$SYS/broker/publish/messages/dropped"]);
    let ended = qshape(&["--json", &format!("mqtt://127.0.0.1:{port}")], "");
    assert_eq!(ended.code, 0, "{ended:?}");
    let shown: Value = serde_json::from_str(&ended.stdout).unwrap();
    assert_eq!(shown["sources"][0]["kind"], json!(format!("$SYS of 127.0.0.1:{port}")));
    assert!(shown["sources"][0]["stored"].is_number(), "{shown}");
    assert!(ended.stderr.contains("this source cannot tell anything per client"), "{}", ended.stderr);
}
