//! `moskit qshape` beside brokers of other makers, really run: RabbitMQ from Debian and RMQTT from
//! crates.io. Long, and they need those brokers, so these tests are ignored in normal runs:
//! `cargo test --test integration qshape_brokers -- --ignored`. For RMQTT, `MOSKIT_RMQTTD` names its program:
//! `cargo install rmqttd`, which needs protoc and cmake.

use std::fs;
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};

use crate::mosquitto::{free_port, installed};
use crate::qshape::qshape;
use crate::run::run;

/// An Erlang machine, and plugins, have to start; statistics come every few seconds.
const PATIENCE: Duration = Duration::from_secs(120);

fn until<T>(what: &str, mut done: impl FnMut() -> Option<T>) -> T {
    let start = Instant::now();
    loop {
        if let Some(result) = done() {
            return result;
        }
        assert!(start.elapsed() < PATIENCE, "{what}");
        sleep(Duration::from_millis(100));
    }
}

fn wait_for_port(port: u16) {
    until("nobody listens", || TcpStream::connect(("127.0.0.1", port)).ok());
}

/// Runs one of Mosquitto's clients to its end.
fn client(program: &str, port: u16, words: &[&str], stdin: &str) {
    let mut command = Command::new(installed(program).unwrap());
    command.args(["-h", "127.0.0.1", "-p", &port.to_string()]).args(words);
    let ended = run(&mut command, stdin.as_bytes());
    assert_eq!((ended.stderr.as_str(), ended.code), ("", 0), "{program} {words:?}");
}

/// `name total in-flight` of each row, in order of the names, and the answer as a whole.
fn rows(words: &[&str]) -> (Vec<String>, Value) {
    let ended = qshape(&[&["--json", "-q"], words].concat(), "");
    assert_eq!((ended.stderr.as_str(), ended.code), ("", 0));
    let shown: Value = serde_json::from_str(&ended.stdout).unwrap();
    let mut rows: Vec<_> = (shown["rows"].as_array().unwrap().iter())
        .map(|row| format!("{} {} {}", row["name"].as_str().unwrap(), row["total"], row["in_flight"]))
        .collect();
    rows.sort();
    (rows, shown)
}

/// RabbitMQ with its MQTT and management plugins, everything in one folder and on ports of its own.
struct RabbitMq {
    child: Child,
    folder: PathBuf,
    mqtt: u16,
    http: u16,
    names: u16,
}

impl RabbitMq {
    fn start(folder: &Path) -> Option<Self> {
        let program = PathBuf::from("/usr/lib/rabbitmq/bin/rabbitmq-server");
        if !program.exists() {
            installed("rabbitmq-server")?;
        }
        let [mqtt, http, node, distribution, names] = [(); 5].map(|()| free_port());
        fs::write(folder.join("enabled_plugins"), "[rabbitmq_management,rabbitmq_mqtt].\n").unwrap();
        let configuration = format!(
            "mqtt.listeners.tcp.1 = 127.0.0.1:{mqtt}\nmqtt.allow_anonymous = true\n\
             management.tcp.ip = 127.0.0.1\nmanagement.tcp.port = {http}\ncollect_statistics_interval = 500\n"
        );
        fs::write(folder.join("rabbitmq.conf"), configuration).unwrap();
        let mut command = Command::new(program);
        let place = |name: &str| folder.join(name);
        command
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap())
            .env("HOME", folder)
            .env("RABBITMQ_NODENAME", format!("moskit{names}@localhost"))
            .env("RABBITMQ_MNESIA_BASE", place("db"))
            .env("RABBITMQ_LOG_BASE", place("log"))
            .env("RABBITMQ_PID_FILE", place("pid"))
            .env("RABBITMQ_CONFIG_FILE", place("rabbitmq.conf"))
            .env("RABBITMQ_ADVANCED_CONFIG_FILE", place("none"))
            .env("RABBITMQ_CONF_ENV_FILE", place("none"))
            .env("RABBITMQ_ENABLED_PLUGINS_FILE", place("enabled_plugins"))
            .env("RABBITMQ_NODE_IP_ADDRESS", "127.0.0.1")
            .env("RABBITMQ_NODE_PORT", node.to_string())
            .env("RABBITMQ_DIST_PORT", distribution.to_string())
            .env("ERL_EPMD_ADDRESS", "127.0.0.1")
            .env("ERL_EPMD_PORT", names.to_string());
        let child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        let broker = Self { child, folder: folder.to_owned(), mqtt, http, names };
        wait_for_port(mqtt);
        wait_for_port(http);
        Some(broker)
    }

    fn url(&self) -> String {
        format!("rabbitmq+http://127.0.0.1:{}", self.http)
    }
}

impl Drop for RabbitMq {
    fn drop(&mut self) {
        // The Erlang machine, the script that started it, and the name server that it started.
        let pid = fs::read_to_string(self.folder.join("pid")).ok().and_then(|pid| pid.trim().parse().ok());
        if let Some(pid) = pid.and_then(Pid::from_raw) {
            let _ = kill_process(pid, Signal::TERM);
        }
        let _ = self.child.wait();
        let _ = Command::new("epmd").args(["-port", &self.names.to_string(), "-kill"]).output();
    }
}

#[test]
#[ignore = "long: starts RabbitMQ"]
fn rabbitmq_tells_how_much_waits_for_whom() {
    let folder = tempfile::tempdir().unwrap();
    let Some(broker) = RabbitMq::start(folder.path()) else { return };
    let login = ["-u", "guest", "-P", "guest"];
    let subscribe = |id: &str, qos: &str, filter: &str| {
        client(
            "mosquitto_sub",
            broker.mqtt,
            &[&login[..], &["-i", id, "-c", "-q", qos, "-t", filter, "-E"]].concat(),
            "",
        );
    };
    let publish = |topic: &str, lines: &str| {
        client("mosquitto_pub", broker.mqtt, &[&login[..], &["-q", "1", "-t", topic, "-l"]].concat(), lines);
    };
    subscribe("gw", "1", "plant/+");
    // An id that ends like the queues of RabbitMQ do, and a QoS that it lowers to 1.
    subscribe("gwqos1", "2", "plant/#");
    subscribe("idle", "1", "nothing");
    publish("plant/a", "one\ntwo\nthree\n");
    publish("plant/a/b", "four\n");
    let key = folder.path().join("key");
    fs::write(&key, "guest:guest\n").unwrap();
    let source = broker.url();
    let asked = ["--api-key-file", key.to_str().unwrap(), source.as_str()];
    let expected = ["gw 3 0", "gwqos1 4 0"];
    let shown = until("RabbitMQ never counted all", || {
        let (found, shown) = rows(&asked);
        (found == expected).then_some(shown)
    });
    assert_eq!(shown["total"]["bytes"], json!(3 + 3 + 5 + 3 + 3 + 5 + 4));
    assert_eq!((&shown["total"]["unknown"], &shown["sources"][0]["sessions"]), (&json!(7), &json!(3)));

    let ended = qshape(&[&["explain", "gw"], &asked[..]].concat(), "");
    assert!(ended.stdout.starts_with("gw: 3 queued, 0 in flight\nIt is not connected.\n"), "{ended:?}");
    assert!(!ended.stderr.contains("experimental"), "{ended:?}");
    let ended = qshape(&[&["list", "gw"], &asked[..]].concat(), "");
    assert!(ended.stderr.ends_with("3 messages waiting for `gw`, which this source does not list\n"), "{ended:?}");

    // Without the key it refuses, and says what to do.
    let ended = qshape(&[&source], "");
    assert_eq!((ended.stdout.as_str(), ended.code), ("", 1));
    assert!(ended.stderr.contains("it refuses (HTTP 401)\nhint: --api-key-file FILE"), "{ended:?}");

    // The client is shown as away, so it is purged without more ado.
    let port = broker.mqtt.to_string();
    let purge = ["purge", "gw", "-h", "127.0.0.1", "-p", &port, "-u", "guest", "-P", "guest", "--yes"];
    let ended = qshape(&[&purge[..], &asked].concat(), "");
    assert_eq!((ended.stdout.lines().last(), ended.code), (Some("The session of gw has ended."), 0), "{ended:?}");
    until("the purged session is still there", || (rows(&asked).0 == ["gwqos1 4 0"]).then_some(()));
}

/// The program of `MOSKIT_RMQTTD`, with its HTTP API, everything in one folder.
struct Rmqtt {
    child: Child,
    mqtt: u16,
    http: u16,
}

impl Rmqtt {
    fn start(folder: &Path) -> Option<Self> {
        let Some(program) = std::env::var_os("MOSKIT_RMQTTD") else {
            eprintln!("SKIPPED: MOSKIT_RMQTTD names no rmqttd (cargo install rmqttd)");
            return None;
        };
        let [mqtt, http, rpc] = [(); 3].map(|()| free_port());
        let plugins = folder.join("plugins");
        fs::create_dir(&plugins).unwrap();
        let configuration = format!(
            "[node]\nid = 1\n[rpc]\nserver_addr = \"127.0.0.1:{rpc}\"\n[log]\nto = \"off\"\n\
             [plugins]\ndir = \"{}\"\n[listener.tcp.external]\naddr = \"127.0.0.1:{mqtt}\"\nallow_anonymous = true\n",
            plugins.display()
        );
        fs::write(folder.join("rmqtt.toml"), configuration).unwrap();
        fs::write(
            plugins.join("rmqtt-http-api.toml"),
            format!("http_laddr = \"127.0.0.1:{http}\"\nmax_row_limit = 3\n"),
        )
        .unwrap();
        fs::write(plugins.join("rmqtt-acl.toml"), "rules = [[\"allow\", \"all\"]]\n").unwrap();
        let mut command = Command::new(program);
        command.arg("-f").arg(folder.join("rmqtt.toml")).current_dir(folder);
        let child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        let broker = Self { child, mqtt, http };
        wait_for_port(mqtt);
        wait_for_port(http);
        Some(broker)
    }
}

impl Drop for Rmqtt {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
#[ignore = "long: needs an rmqttd, named by MOSKIT_RMQTTD"]
fn rmqtt_tells_how_much_waits_for_whom() {
    let folder = tempfile::tempdir().unwrap();
    let Some(broker) = Rmqtt::start(folder.path()) else { return };
    let subscribe =
        |words: &[&str]| client("mosquitto_sub", broker.mqtt, &[words, &["-c", "-q", "1", "-E"]].concat(), "");
    subscribe(&["-i", "gw", "-t", "plant/#"]);
    subscribe(&["-i", "v5/\u{e9} x", "-V", "mqttv5", "-x", "3600", "-t", "plant/+"]);
    client("mosquitto_pub", broker.mqtt, &["-q", "1", "-t", "plant/a", "-l"], "one\ntwo\nthree\n");
    client("mosquitto_pub", broker.mqtt, &["-q", "1", "-t", "plant/a/b", "-l"], "four\n");
    let source = format!("rmqtt+http://127.0.0.1:{}", broker.http);
    let shown = until("RMQTT never counted all", || {
        let (found, shown) = rows(&[&source]);
        (found == ["gw 4 0", "v5/\u{e9} x 3 0"]).then_some(shown)
    });
    assert_eq!((&shown["total"]["unknown"], &shown["sources"][0]["sessions"]), (&json!(7), &json!(2)));
    assert_eq!(rows(&["--by", "user", &source]).0, ["(none) 7 0"]);
    let ended = qshape(&["explain", "v5/\u{e9} x", &source], "");
    assert!(ended.stdout.starts_with("v5/\u{e9} x: 3 queued, 0 in flight\nIt is not connected.\n"), "{ended:?}");
    assert!(!ended.stderr.contains("experimental"), "{ended:?}");
    assert_eq!(qshape(&["explain", "nobody", &source], "").code, 1);

    // More sessions than its lists have rows: those with messages are read.
    for idle in ["idle-1", "idle-2", "idle-3"] {
        subscribe(&["-i", idle, "-t", "nothing"]);
    }
    until("RMQTT lists more rows than it may", || {
        let ended = qshape(&["--json", &source], "");
        let told = ended.stderr.contains("it lists 3 of its 5 sessions");
        let shown: Value = serde_json::from_str(&ended.stdout).unwrap();
        (told && ended.code == 2 && shown["total"]["total"] == json!(7)).then_some(())
    });

    let port = broker.mqtt.to_string();
    let ended = qshape(&["purge", "gw", "-h", "127.0.0.1", "-p", &port, "--yes", &source], "");
    assert_eq!((ended.stdout.lines().last(), ended.code), (Some("The session of gw has ended."), 0), "{ended:?}");
    until("the purged session is still there", || (qshape(&["explain", "gw", &source], "").code == 1).then_some(()));
}
