//! `moskit qshape` beside a real mosquitto: the file is refreshed on request, a purged session is gone,
//! brokers are reached in all the ways that pub and sub know.

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
fn purge_needs_no_source_where_the_broker_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let Some((_broker, port)) = broker(folder.path()) else { return };
    let port_text = port.to_string();
    let subscribe = || client("mosquitto_sub", port, &["-i", "dead", "-c", "-q", "1", "-t", "t", "-E"]);
    let purge = |client: &str, more: &[&str]| {
        // An address of this machine: what /var/lib/mosquitto may hold is this broker's only by chance.
        qshape(&[&["purge", client, "--host", "127.0.0.1", "--port", &port_text], more].concat(), "")
    };
    if Path::new("/var/lib/mosquitto/mosquitto.db").exists() {
        return;
    }
    for version in ["mqttv311", "mqttv5"] {
        subscribe();
        let ended = purge("dead", &["--dry-run"]);
        assert!(ended.stdout.starts_with("dead: how much waits for it is not known without a SOURCE\n"), "{ended:?}");
        let ended = purge("dead", &["--yes"]);
        assert!(ended.code == 1 && ended.stderr.contains("hint: --force"), "{ended:?}");
        let ended = purge("dead", &["--yes", "--force", "-V", version]);
        assert!(ended.stdout.ends_with("The session of dead has ended.\n") && ended.code == 0, "{ended:?}");
        // Another time there is none, and a misspelt id has none either.
        for client in ["dead", "daed"] {
            let ended = purge(client, &["--yes", "--force", "-V", version]);
            assert!(ended.stderr.contains(&format!("it had no session of `{client}`")) && ended.code == 1, "{ended:?}");
        }
    }
}

#[test]
fn totals_under_sys_count_each_stored_message_once_and_say_so() {
    let folder = tempfile::tempdir().unwrap();
    let port = free_port();
    let configuration = format!("listener {port} 127.0.0.1\nallow_anonymous true\nsys_interval 1\n");
    let Some(_broker) = Mosquitto::start(folder.path(), &configuration) else { return };
    for id in ["one", "two", "three"] {
        client("mosquitto_sub", port, &["-i", id, "-c", "-q", "1", "-t", "t", "-E"]);
    }
    for _ in 0..4 {
        client("mosquitto_pub", port, &["-q", "1", "-t", "t", "-m", "x"]);
    }
    let source = format!("mqtt://127.0.0.1:{port}");
    let start = std::time::Instant::now();
    loop {
        let ended = qshape(&[&source], "");
        // Its totals are a second old at most.
        if !ended.stderr.contains("4 messages stored\n") && start.elapsed().as_secs() < 20 {
            continue;
        }
        assert!(ended.stderr.contains("warning: stored messages are counted here, each once"), "{ended:?}");
        assert!(!ended.stderr.contains("waiting"), "{ended:?}");
        break;
    }
    // Who is there cannot be told, so nobody is said not to be.
    for words in [&["list", "one"][..], &["explain", "one"], &["purge", "one", "--yes"]] {
        let ended = qshape(&[words, &[&source]].concat(), "");
        let expected = format!(
            "error: 127.0.0.1:{port} tells totals under $SYS, and nothing of a single client\n\
             hint: the broker's file or its HTTP API in the place of it\n"
        );
        assert_eq!((ended.stderr, ended.stdout, ended.code), (expected, String::new(), 3), "{words:?}");
    }
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
        ended.stderr.contains(&format!("error: cannot end the session at 127.0.0.1:{port}: Connection refused\n")),
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
    client("mosquitto_sub", port, &["-C", "1", "-W", "60", "-N", "-t", "$SYS/broker/publish/messages/dropped"]);
    let ended = qshape(&["--json", &format!("mqtt://127.0.0.1:{port}")], "");
    assert_eq!(ended.code, 0, "{ended:?}");
    let shown: Value = serde_json::from_str(&ended.stdout).unwrap();
    assert_eq!(shown["sources"][0]["kind"], json!(format!("$SYS of 127.0.0.1:{port}")));
    assert!(shown["sources"][0]["stored"].is_number(), "{shown}");
    assert!(ended.stderr.contains("this source cannot tell anything per client"), "{}", ended.stderr);
    assert!(ended.stderr.contains("counts anew every sys_interval seconds, 10 unless configured"), "{}", ended.stderr);
}

#[test]
fn brokers_are_reached_in_all_the_ways_of_pub_and_sub() {
    let folder = tempfile::tempdir().unwrap();
    crate::tls::tutorial(folder.path());
    let [tls, ws, plain] = [(); 3].map(|()| free_port());
    let file = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let configuration = format!(
        "listener {tls} 127.0.0.1\ncafile {}\ncertfile {}\nkeyfile {}\nrequire_certificate true\n\
         listener {ws} 127.0.0.1\nprotocol websockets\nlistener {plain} 127.0.0.1\nlistener 0 {}\n\
         allow_anonymous true\npersistence true\npersistence_location {}/\nautosave_interval 0\nsys_interval 1\n",
        file("ca.crt"),
        file("server.crt"),
        file("server.key"),
        file("m.sock"),
        folder.path().display()
    );
    let Some(broker) = Mosquitto::start(folder.path(), &configuration) else { return };
    fs::write(file("pass"), "client\n").unwrap();
    fs::write(file("password"), "secret\n").unwrap();
    let (cafile, cert, key, pass, password) =
        (file("ca.crt"), file("client.crt"), file("client.key"), file("pass"), file("password"));
    let certificates = ["--cafile", &cafile, "--cert", &cert, "--key", &key, "--key-pass-file", &pass];
    let login = ["-u", "somebody", "--pw-file", &password];
    let (tls, ws, socket) = (tls.to_string(), ws.to_string(), file("m.sock"));
    let url = format!("mqtt://127.0.0.1:{plain}");
    let ways: [(&str, Vec<&str>); 4] = [
        ("over-tls", [&["-h", "localhost", "-p", &tls, "-V", "mqttv5"][..], &certificates].concat()),
        ("over-ws", [&["-h", "127.0.0.1", "-p", &ws, "--ws"][..], &login].concat()),
        ("over-unix", vec!["--unix", &socket]),
        ("by-url", vec!["-L", &url]),
    ];
    for (id, _) in &ways {
        client("mosquitto_sub", plain, &["-i", id, "-c", "-q", "1", "-t", "t", "-E"]);
    }
    client("mosquitto_sub", plain, &["-i", "alive", "-c", "-q", "1", "-t", "t", "-E"]);
    let known = file("known.ndjson");
    for (id, words) in &ways {
        fs::write(&known, json!({"client": id}).to_string()).unwrap();
        let ended = qshape(&[&["purge", id, "-q", "--force", "--yes"], &words[..], &[&known]].concat(), "");
        assert_eq!((ended.stderr.as_str(), ended.code), ("", 0), "{ended:?}");
        assert!(ended.stdout.ends_with(&format!("The session of {id} has ended.\n")), "{ended:?}");
    }
    let (path, pid) = (file("mosquitto.db"), broker.pid().to_string());
    let ended = qshape(&["--refresh", "--pid", &pid, "--json", &path], "");
    let shown: Value = serde_json::from_str(&ended.stdout).unwrap();
    assert_eq!(shown["sources"][0]["sessions"], json!(1), "{ended:?}");

    // The totals come by the same ways.
    let options: Vec<&str> =
        certificates.into_iter().chain(["--username", "somebody", "--pw-file", &password]).collect();
    let sources =
        [format!("mqtts://localhost:{tls}"), format!("ws://127.0.0.1:{ws}"), format!("unix://{socket}"), url.clone()];
    for source in &sources {
        let words: &[&str] = if source.starts_with("mqtts") { &options } else { &options[8..] };
        let ended = qshape(&[&["--json", "-q", source], words].concat(), "");
        let shown: Value = serde_json::from_str(&ended.stdout).unwrap_or_else(|error| panic!("{error}: {ended:?}"));
        assert!(shown["sources"][0]["kind"].as_str().unwrap().starts_with("$SYS of "), "{shown}");
    }

    // What stands in the way is told as pub tells it.
    let ended = qshape(&["-q", &sources[0], "--cafile", &cafile], "");
    assert_eq!((ended.stdout.as_str(), ended.code), ("", 1));
    assert!(ended.stderr.starts_with(&format!("error: cannot read from localhost:{tls}: ")), "{ended:?}");
    let ended = qshape(
        &[
            "purge",
            "x",
            "--force",
            "--yes",
            "-h",
            "localhost",
            "-p",
            &tls,
            "--psk",
            "00",
            "--psk-identity",
            "x",
            &known,
        ],
        "",
    );
    assert!(ended.stderr.contains("pre-shared keys"), "{ended:?}");
    assert_ne!(ended.code, 0);
}
