//! `moskit broker` as users start it: options, configuration, state, commands beside it, signals.

use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use crate::mosquitto::{Mosquitto, free_port, installed};
use crate::run::{Ended, moskit, run};

const PATIENCE: Duration = Duration::from_secs(60);

/// A broker that has said where it listens.
pub struct Broker {
    child: Child,
    out: BufReader<std::process::ChildStdout>,
    /// Once somebody waits for a line of it.
    log: Option<BufReader<std::process::ChildStderr>>,
    seen: String,
    /// Of its first listener, if that is no unix socket.
    pub port: u16,
}

impl Broker {
    pub fn start(words: &[&str]) -> Self {
        Self::start_with(moskit(&["broker"]).args(words))
    }

    /// Starts `command`, which runs a broker.
    pub fn start_with(command: &mut Command) -> Self {
        let mut child = command.arg("--print-url").stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let mut out = BufReader::new(child.stdout.take().unwrap());
        let mut url = String::new();
        out.read_line(&mut url).unwrap();
        let port = if url.starts_with("unix:") { Some("0") } else { url.trim_end().rsplit(':').next() };
        let Some(port) = port.and_then(|port| port.parse().ok()) else {
            let mut words = String::new();
            child.stderr.take().unwrap().read_to_string(&mut words).unwrap();
            panic!("no URL: {url:?}, {words}");
        };
        Self { child, out, log: None, seen: String::new(), port }
    }

    /// With this configuration, in a file in `folder`.
    pub fn configured(folder: &Path, configuration: &str) -> Self {
        let conf = folder.join("m.conf");
        std::fs::write(&conf, configuration).unwrap();
        Self::start(&["-c", text(&conf)])
    }

    /// Reads its log up to a line with `text`, and gives that line.
    pub fn wait_for(&mut self, text: &str) -> String {
        let log = self.log.get_or_insert_with(|| BufReader::new(self.child.stderr.take().unwrap()));
        loop {
            let mut line = String::new();
            assert!(log.read_line(&mut line).unwrap() > 0, "the log ends without {text:?}");
            self.seen.push_str(&line);
            if line.contains(text) {
                return line;
            }
        }
    }

    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    pub fn signal(&self, signal: Signal) {
        kill_process(Pid::from_raw(self.child.id().cast_signed()).unwrap(), signal).unwrap();
    }

    /// Ends it with SIGTERM and gives its exit code, the rest of its output and its log.
    pub fn end(mut self) -> Ended {
        self.signal(Signal::TERM);
        let code = self.child.wait().unwrap().code().expect("it ends by itself");
        let (mut stdout, mut stderr) = (String::new(), std::mem::take(&mut self.seen));
        self.out.read_to_string(&mut stdout).unwrap();
        match &mut self.log {
            Some(log) => log.read_to_string(&mut stderr).unwrap(),
            None => self.child.stderr.take().unwrap().read_to_string(&mut stderr).unwrap(),
        };
        Ended { stdout, stderr, code }
    }
}

impl Drop for Broker {
    fn drop(&mut self) {
        // It has ended already when all went well.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Runs a foreign client to its end.
fn client(program: &str, port: u16, words: &[&str]) -> Option<Ended> {
    let mut command = Command::new(installed(program)?);
    command.args(["-h", "127.0.0.1", "-p", &port.to_string()]).args(words);
    Some(run(&mut command, b""))
}

pub fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

pub fn ended(stdout: &str, stderr: &str, code: i32) -> Ended {
    Ended { stdout: stdout.to_owned(), stderr: stderr.to_owned(), code }
}

#[test]
fn a_command_beside_the_broker_finds_it_and_lends_its_exit_code() {
    let script = r#"test "$MQTT_URL" = "mqtt://$MQTT_HOST:$MQTT_PORT" && echo "$MQTT_HOST"; exit 7"#;
    assert_eq!(run(&mut moskit(&["broker", "--run", script]), b""), ended("127.0.0.1\n", "", 7));
    let words = ["broker", "--", "sh", "-c", "kill -TERM $$"];
    assert_eq!(run(&mut moskit(&words), b""), ended("", "", 128 + 15));
    let missing = run(&mut moskit(&["broker", "--", "no such program"]), b"");
    assert_eq!(missing, ended("", "error: cannot run `no such program`: No such file or directory\n", 127));
}

#[test]
fn a_signal_is_passed_on_to_the_command() {
    let mut command =
        moskit(&["broker", "--run", "trap 'echo told; exit 5' TERM; echo up; while :; do sleep 0.01; done"]);
    let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
    let mut out = BufReader::new(child.stdout.take().unwrap());
    let mut line = String::new();
    out.read_line(&mut line).unwrap();
    assert_eq!(line, "up\n");
    kill_process(Pid::from_raw(child.id().cast_signed()).unwrap(), Signal::TERM).unwrap();
    line.clear();
    out.read_line(&mut line).unwrap();
    assert_eq!(line, "told\n");
    assert_eq!(child.wait().unwrap().code(), Some(5));
}

#[test]
fn it_says_when_it_is_ready_and_ends_cleanly() {
    let folder = tempfile::tempdir().unwrap();
    let (ready, pid, conf) = (folder.path().join("ready"), folder.path().join("pid"), folder.path().join("m.conf"));
    std::fs::write(&conf, format!("pid_file {}\nlog_timestamp false\n", pid.display())).unwrap();
    let broker = Broker::start(&["-p", "0", "-c", text(&conf), "--ready-file", text(&ready)]);
    assert_eq!(std::fs::read_to_string(&ready).unwrap(), format!("mqtt://127.0.0.1:{}\n", broker.port));
    assert_eq!(std::fs::read_to_string(&pid).unwrap(), format!("{}\n", broker.child.id()));
    let ended = broker.end();
    assert_eq!(ended.code, 0);
    assert!(ended.stderr.ends_with("running\nmoskit version 0.1.0 terminating\n"), "{}", ended.stderr);
    assert!(!pid.exists());
}

#[test]
fn the_configuration_can_be_tested_alone() {
    let folder = tempfile::tempdir().unwrap();
    let conf = folder.path().join("m.conf");
    let test = |content: &str| {
        std::fs::write(&conf, content).unwrap();
        run(&mut moskit(&["broker", "-c", text(&conf), "--test-config"]), b"")
    };
    assert_eq!(test("listener 1883\n"), ended("Configuration file is OK.\n", "", 0));
    // Also what the configuration names is opened: OK means that the broker starts.
    let unopened = test("listener 1883\npassword_file /nowhere\n");
    assert_eq!((unopened.code, unopened.stdout.as_str()), (13, ""));
    let state = folder.path().join("mosquitto.sqlite3");
    std::fs::write(&state, "no database").unwrap();
    let persistent = format!("persistence true\npersistence_location {}\n", folder.path().display());
    let unread = test(&persistent);
    assert_eq!(unread.code, 1, "{unread:?}");
    assert!(unread.stderr.starts_with("error: cannot keep the state in "), "{unread:?}");
    std::fs::remove_file(&state).unwrap();
    assert_eq!(test(&persistent).code, 0);
    assert!(!state.exists(), "a test makes no file");
    // Nor does a broker that has the state keep the test from reading it.
    let broker = Broker::configured(folder.path(), &format!("listener {} 127.0.0.1\n{persistent}", free_port()));
    assert_eq!(test(&persistent), ended("Configuration file is OK.\n", "", 0));
    assert_eq!(broker.end().code, 0);
    let place = conf.display();
    assert_eq!(
        test("\nfoo 1\n"),
        ended("", &format!("Error: Unknown configuration variable 'foo'.\nError found at {place}:2.\n"), 3)
    );
    assert_eq!(
        test("connection c\naddress 127.0.0.1\ntopic # out\n"),
        ended(
            "Configuration file is OK.\n",
            &format!(
                "Warning: The 'connection' option has no effect here: moskit's broker has no bridges ({place}:1).\n"
            ),
            0
        )
    );
    assert_eq!(
        run(&mut moskit(&["broker", "--test-config"]), b""),
        ended("", "Please provide a configuration file to test.\n", 3)
    );
}

#[test]
fn errors_in_included_files_name_both_places() {
    let folder = tempfile::tempdir().unwrap();
    let (conf, more) = (folder.path().join("m.conf"), folder.path().join("conf.d"));
    std::fs::create_dir(&more).unwrap();
    std::fs::write(more.join("b.conf"), "\nmax_keepalive x\n").unwrap();
    std::fs::write(more.join("a.conf"), "listener 1883\n").unwrap();
    std::fs::write(&conf, format!("include_dir {}\n", more.display())).unwrap();
    let expected = format!(
        "Error: 'max_keepalive' value not a number.\nError found at '{}:2'.\nError found at {}:1.\n",
        more.join("b.conf").display(),
        conf.display()
    );
    assert_eq!(run(&mut moskit(&["broker", "-c", text(&conf)]), b""), ended("", &expected, 3));
}

#[test]
fn an_acl_file_that_cannot_be_read_or_understood_ends_the_start() {
    let folder = tempfile::tempdir().unwrap();
    let (conf, acl) = (folder.path().join("m.conf"), folder.path().join("acl"));
    std::fs::write(&conf, format!("log_type none\nacl_file {}\n", acl.display())).unwrap();
    let words = ["broker", "-p", "0", "-c", text(&conf)];
    let file = acl.display();
    let missing = format!(
        "Error: Unable to open acl_file \"{file}\".\nError opening acl file \"{file}\".\n\
         hint: No such file or directory: look with ls -l {file}\n"
    );
    assert_eq!(run(&mut moskit(&words), b""), ended("", &missing, 13));
    std::fs::write(&acl, "topic a b\n").unwrap();
    let wrong =
        format!("Error: Invalid topic access type \"a\" in acl_file \"{file}\".\nError opening acl file \"{file}\".\n");
    assert_eq!(run(&mut moskit(&words), b""), ended("", &wrong, 3));
}

#[test]
fn a_password_file_is_read_again_on_sighup() {
    let folder = tempfile::tempdir().unwrap();
    let (conf, passwords) = (folder.path().join("m.conf"), folder.path().join("passwd"));
    let set = |password: &str| {
        let _ = std::fs::remove_file(&passwords);
        let words = ["passwd", "-c", "-b", text(&passwords), "ann", password];
        assert_eq!(run(&mut moskit(&words), b"").code, 0);
    };
    set("old");
    std::fs::write(&conf, format!("password_file {}\n", passwords.display())).unwrap();
    let broker = Broker::start(&["-q", "-p", "0", "-c", text(&conf)]);
    let code = |password: &str| {
        client("mosquitto_pub", broker.port, &["-t", "a", "-m", "b", "-u", "ann", "-P", password])
            .map(|ended| ended.code)
    };
    let Some(first) = code("old") else { return };
    assert_eq!((first, code("new")), (0, Some(5)));
    set("new");
    broker.signal(Signal::HUP);
    let until = Instant::now() + PATIENCE;
    while code("new") != Some(0) {
        assert!(Instant::now() < until, "the new password is never taken");
    }
    assert_eq!(code("old"), Some(5));
}

#[test]
fn sigusr2_prints_who_subscribed_to_what() {
    let mut broker = Broker::start(&["-q", "-p", "0"]);
    let subscribe = |id| client("mosquitto_sub", broker.port, &["-i", id, "-c", "-q", "1", "-t", "a/#", "-E"]);
    let (Some(_), Some(_)) = (subscribe("one"), subscribe("two")) else { return };
    broker.signal(Signal::USR2);
    let mut lines = String::new();
    for _ in 0..3 {
        broker.out.read_line(&mut lines).unwrap();
    }
    assert_eq!(lines, "a/#\n  one\n  two\n");
}

/// A client chooses its id and its filters, and the operator reads them on a terminal. Control characters do not come this
/// far: the broker refuses them in every string.
#[test]
fn sigusr2_prints_ids_and_filters_escaped() {
    let mut broker = Broker::start(&["-q", "-p", "0"]);
    let id = "\u{202e}one\u{2066}";
    let port = broker.port.to_string();
    let words = ["sub", "-p", &port, "-i", id, "-c", "-q", "1", "-t", "a/\u{200f}\u{202d}/#", "-E"];
    assert_eq!(run(&mut moskit(&words), b"").code, 0);
    broker.signal(Signal::USR2);
    let mut lines = String::new();
    for _ in 0..2 {
        broker.out.read_line(&mut lines).unwrap();
    }
    assert_eq!(lines, "a/\\u{200f}\\u{202d}/#\n  \\u{202e}one\\u{2066}\n");
}

#[test]
fn queued_messages_wait_through_a_restart_and_reach_a_mosquitto_by_export() {
    let folder = tempfile::tempdir().unwrap();
    let state = folder.path().join("state.sqlite3");
    let words = ["-q", "-p", "0", "--store", text(&state)];
    let broker = Broker::start(&words);
    let subscribe = |port, id, topic| client("mosquitto_sub", port, &["-i", id, "-c", "-q", "2", "-t", topic, "-E"]);
    if subscribe(broker.port, "away", "jobs/#").is_none() {
        return;
    }
    subscribe(broker.port, "worker", "$share/pool/jobs/#").unwrap();
    for number in ["1", "2", "3"] {
        client("mosquitto_pub", broker.port, &["-q", "2", "-t", "jobs/0042", "-m", number]).unwrap();
    }
    client("mosquitto_pub", broker.port, &["-r", "-q", "1", "-t", "kept", "-m", "still here"]).unwrap();
    let collect = |port, id, topic| {
        let words = ["-i", id, "-c", "-q", "2", "-t", topic, "-C", "3", "-W", "60", "-F", "%t %p"];
        client("mosquitto_sub", port, &words).unwrap().stdout
    };
    let three = "jobs/0042 1\njobs/0042 2\njobs/0042 3\n";
    assert_eq!(broker.end().code, 0);

    // What comes back after a restart.
    let broker = Broker::start(&words);
    assert_eq!(collect(broker.port, "worker", "$share/pool/jobs/#"), three);
    assert_eq!(broker.end().code, 0);

    // What Debian's mosquitto finds in an export.
    let snapshot = folder.path().join("mosquitto.db");
    let exported = run(&mut moskit(&["broker", "--store", text(&state), "--export", text(&snapshot)]), b"");
    let summary = format!("{}: 2 clients, 4 messages of which 1 retained\n", snapshot.display());
    assert_eq!(exported, ended(&summary, "", 0));
    let port = free_port();
    let configuration = format!(
        "listener {port} 127.0.0.1\nallow_anonymous true\npersistence true\npersistence_location {}/\n",
        folder.path().display()
    );
    let _mosquitto = Mosquitto::start(folder.path(), &configuration).unwrap();
    assert_eq!(collect(port, "away", "jobs/#"), three);
    let kept = client("mosquitto_sub", port, &["-t", "kept", "-C", "1", "-W", "60"]).unwrap();
    assert_eq!(kept.stdout, "still here\n");
}

#[test]
fn a_mosquitto_db_is_imported_once_and_delivered() {
    let folder = tempfile::tempdir().unwrap();
    let port = free_port();
    let configuration = format!(
        "listener {port} 127.0.0.1\nallow_anonymous true\npersistence true\npersistence_location {}/\n",
        folder.path().display()
    );
    let Some(mut mosquitto) = Mosquitto::start(folder.path(), &configuration) else { return };
    client("mosquitto_sub", port, &["-i", "away", "-c", "-q", "1", "-t", "jobs", "-E"]).unwrap();
    client("mosquitto_pub", port, &["-q", "1", "-t", "jobs", "-m", "queued by mosquitto"]).unwrap();
    kill_process(Pid::from_raw(mosquitto.pid().cast_signed()).unwrap(), Signal::USR1).unwrap();
    mosquitto.wait_for("Saving in-memory database");
    let snapshot = folder.path().join("mosquitto.db");
    let until = Instant::now() + PATIENCE;
    while !snapshot.exists() {
        assert!(Instant::now() < until, "mosquitto saves nothing");
        std::thread::yield_now();
    }
    let conf = folder.path().join("ours.conf");
    std::fs::write(&conf, format!("persistence true\npersistence_location {}\n", folder.path().display())).unwrap();
    let state = folder.path().join("mosquitto.sqlite3");

    // A start beside the snapshot would leave its messages behind.
    let refused = run(&mut moskit(&["broker", "-q", "-p", "0", "-c", text(&conf)]), b"");
    assert_eq!(
        refused,
        ended(
            "",
            &format!(
                "error: `{0}` is Mosquitto's own state, which has to be imported once\n\
                 hint: moskit broker --store {1} --import {0}\n",
                snapshot.display(),
                state.display()
            ),
            1
        )
    );
    let import = || run(&mut moskit(&["broker", "-c", text(&conf), "--import", text(&snapshot)]), b"");
    let summary =
        format!("{}: 1 client, 1 queued and 0 retained messages from {}\n", state.display(), snapshot.display());
    assert_eq!(import(), ended(&summary, "", 0));
    let again = import();
    assert_eq!((again.stdout.as_str(), again.code), ("", 1));
    assert!(again.stderr.contains("there is a state in"), "{}", again.stderr);

    let broker = Broker::start(&["-q", "-p", "0", "-c", text(&conf)]);
    let words = ["-i", "away", "-c", "-q", "1", "-t", "jobs", "-C", "1", "-W", "60"];
    assert_eq!(client("mosquitto_sub", broker.port, &words).unwrap().stdout, "queued by mosquitto\n");
}

/// The command that a refusal ends with, as a shell runs it.
fn pasted(refused: &Ended) -> Ended {
    let hint =
        refused.stderr.lines().find_map(|line| line.strip_prefix("hint: ")).unwrap_or_else(|| panic!("{refused:?}"));
    let program = moskit(&[]);
    let folder = Path::new(program.get_program()).parent().unwrap().to_owned();
    let path = format!("{}:{}", folder.display(), std::env::var("PATH").unwrap());
    run(Command::new("sh").args(["-c", hint]).env("PATH", path), b"")
}

#[test]
fn the_hint_beside_a_snapshot_of_mosquitto_is_the_command_that_helps() {
    let parent = tempfile::tempdir().unwrap();
    let folder = parent.path().join("a b");
    std::fs::create_dir(&folder).unwrap();
    let first = parent.path().join("first.sqlite3");
    let broker = Broker::start(&["-q", "-p", "0", "--store", text(&first)]);
    let words = ["pub", "-p", &broker.port.to_string(), "-t", "kept", "-r", "-q", "1", "-m", "still here"];
    assert_eq!(run(&mut moskit(&words), b"").code, 0);
    assert_eq!(broker.end().code, 0);
    let snapshot = folder.join("mosquitto.db");
    let conf = folder.join("m.conf");
    for (file, kept_in) in [("", "mosquitto.sqlite3"), ("persistence_file mosquitto.db\n", "mosquitto.db")] {
        let exported = run(&mut moskit(&["broker", "--store", text(&first), "--export", text(&snapshot)]), b"");
        assert_eq!(exported.code, 0, "{exported:?}");
        let is_root = os_root();
        if is_root {
            std::os::unix::fs::chown(&snapshot, Some(12_345), Some(12_346)).unwrap();
        }
        let text_of = format!("persistence true\npersistence_location {}\n{file}", folder.display());
        std::fs::write(&conf, text_of).unwrap();
        let refused = run(&mut moskit(&["broker", "-q", "-p", "0", "-c", text(&conf)]), b"");
        let said = format!("error: `{}` is Mosquitto's own state, which has to be imported once\n", snapshot.display());
        assert!(refused.code == 1 && refused.stderr.starts_with(&said), "{refused:?}");
        let imported = pasted(&refused);
        assert_eq!((imported.stderr.as_str(), imported.code), ("", 0), "{imported:?}");
        let metadata = std::fs::metadata(folder.join(kept_in)).unwrap();
        let owner = (std::os::unix::fs::MetadataExt::uid(&metadata), std::os::unix::fs::MetadataExt::gid(&metadata));
        assert!(!is_root || owner == (12_345, 12_346), "a broker that is not root's could not open it: {owner:?}");
        let broker = Broker::start(&["-q", "-p", "0", "-c", text(&conf)]);
        let words = ["sub", "-p", &broker.port.to_string(), "-t", "kept", "-C", "1", "-W", "10"];
        assert_eq!(run(&mut moskit(&words), b"").stdout, "still here\n");
        assert_eq!(broker.end().code, 0);
        std::fs::remove_file(folder.join(kept_in)).unwrap();
    }
    // In a file without a byte nothing is left.
    std::fs::write(&conf, format!("persistence true\npersistence_location {}\n", folder.display())).unwrap();
    std::fs::write(&snapshot, "").unwrap();
    assert_eq!(Broker::start(&["-q", "-p", "0", "-c", text(&conf)]).end().code, 0);
}

/// Whether files can be given to others.
fn os_root() -> bool {
    moskit::os::account::is_root()
}

#[test]
fn a_store_that_cannot_be_used_ends_the_start_with_its_reason() {
    let folder = tempfile::tempdir().unwrap();
    let notes = folder.path().join("notes.txt");
    std::fs::write(&notes, "not a database, but long enough to be one").unwrap();
    let start = |store: &Path| run(&mut moskit(&["broker", "-q", "-p", "0", "--store", text(store)]), b"");
    let why = "it is no broker's state (no tables of persist-sqlite in it)";
    let expected = format!("error: cannot keep the state in `{}`: {why}\n", notes.display());
    assert_eq!(start(&notes), ended("", &expected, 1));
    assert_eq!(std::fs::read_to_string(&notes).unwrap(), "not a database, but long enough to be one");

    let state = folder.path().join("state.sqlite3");
    let broker = Broker::start(&["-q", "-p", "0", "--store", text(&state)]);
    let expected = format!("error: cannot keep the state in `{}`: another broker is using it\n", state.display());
    assert_eq!(start(&state), ended("", &expected, 1));
    assert_eq!(broker.end().code, 0);
}

#[test]
fn faults_reach_the_clients_that_they_are_for() {
    let broker =
        Broker::start(&["-q", "-p", "0", "--fault", "connack=5 client=sensor-*", "--fault", "close on=suback"]);
    let code =
        |id: &str| client("mosquitto_pub", broker.port, &["-i", id, "-t", "a", "-m", "b"]).map(|ended| ended.code);
    let Some(sensor) = code("sensor-1") else { return };
    assert_eq!((sensor, code("actor-1")), (5, Some(0)));
    let closed = client("mosquitto_sub", broker.port, &["-t", "a", "-E", "-W", "2"]).unwrap();
    assert_ne!(closed.code, 0);
    let wrong = run(&mut moskit(&["broker", "--fault", "explode"]), b"");
    assert_eq!(wrong, ended("", "error: `explode` is no fault\nhint: moskit broker --fault help\n", 3));
    let without_tls = run(&mut moskit(&["broker", "--fault", "expired-cert"]), b"");
    assert_eq!(without_tls, ended("", "error: a fault of the certificate needs --tls\n", 3));
    assert!(run(&mut moskit(&["broker", "--fault", "help"]), b"").stdout.starts_with("connack=5 "));
}

#[test]
fn throw_away_certificates_are_good_unless_asked_otherwise_and_go_with_the_broker() {
    if installed("mosquitto_pub").is_none() {
        return;
    }
    let script = r#"mosquitto_pub -h "$MQTT_HOST" -p "$MQTT_PORT" --cafile "$MQTT_CAFILE" -t a -m b 2>/dev/null &&
                    echo published || echo refused; echo "$MQTT_URL" | cut -d: -f1; echo "$MQTT_CAFILE""#;
    let tls = |fault: &[&str]| {
        let ended = run(moskit(&["broker", "--tls", "--run", script]).args(fault), b"");
        let mut lines = ended.stdout.lines().map(str::to_owned).collect::<Vec<_>>();
        assert!(!Path::new(&lines.pop().unwrap()).exists(), "the certificates stay");
        lines
    };
    assert_eq!(tls(&[]), ["published", "mqtts"]);
    assert_eq!(tls(&["--fault", "expired-cert"]), ["refused", "mqtts"]);
    assert_eq!(tls(&["--fault", "wrong-host-cert"]), ["refused", "mqtts"]);
}

/// One configuration, and whether Debian's mosquitto and we refuse it at the same line.
#[test]
fn configurations_are_refused_where_debians_mosquitto_refuses_them() {
    let Some(program) = installed("mosquitto") else { return };
    let folder = tempfile::tempdir().unwrap();
    let conf = folder.path().join("m.conf");
    for content in [
        "foo 1\n",
        "max_keepalive 70000\n",
        "max_keepalive\n",
        "allow_anonymous TRUE\n",
        "\n# comment\npersistence\n",
        "max_packet_size 10\n",
        "listener 0\n",
        "listener 70000\n",
        "pid_file a\n\npid_file b\n",
        "log_type foo\n",
        "log_dest foo\n",
        "log_dest file\n",
        "persistent_client_expiration 3\n",
        "allow_anonymous true\nper_listener_settings true\n",
        "listener 1883\nmount_point a/#\n",
        "max_qos 3\n",
        "listener 1883\nsocket_domain x\n",
        "listener 1883\nprotocol x\n",
        "log_facility 9\n",
        "sys_interval 70000\n",
        "\tport 1\n",
        "   foo\n",
        "user \u{1}\n\nlistener 1883\nmax_inflight_messages 65536\n",
    ] {
        std::fs::write(&conf, content).unwrap();
        let place =
            |ended: Ended| ended.stderr.lines().find_map(|line| line.split(" found at ").nth(1).map(str::to_owned));
        let theirs = place(run(Command::new(&program).arg("-c").arg(&conf), b""));
        let ours = place(run(&mut moskit(&["broker", "-c", text(&conf), "--test-config"]), b""));
        assert_eq!((ours, true), (theirs.clone(), theirs.is_some()), "{content:?}");
    }
}

#[test]
fn acl_files_are_refused_in_the_words_of_debians_mosquitto() {
    let Some(program) = installed("mosquitto") else { return };
    let folder = tempfile::tempdir().unwrap();
    let (conf, acl) = (folder.path().join("m.conf"), folder.path().join("acl"));
    std::fs::write(
        &conf,
        format!("listener {} 127.0.0.1\nuser root\nlog_timestamp false\nacl_file {}\n", free_port(), acl.display()),
    )
    .unwrap();
    for content in [
        "topic a b\n",
        "topic\n",
        "foo bar\n",
        "user\n",
        "topic #/a\n",
        "pattern\n",
        "topic\ta\n",
        "  #y\n",
        "topic read a+\n",
        "pattern write a/#/b\n",
    ] {
        std::fs::write(&acl, content).unwrap();
        let errors = |ended: Ended| {
            let lines = ended.stderr.lines().filter(|line| line.starts_with("Error")).map(str::to_owned);
            (lines.collect::<Vec<_>>(), ended.code)
        };
        let theirs = errors(run(Command::new(&program).arg("-c").arg(&conf), b""));
        let ours = errors(run(&mut moskit(&["broker", "-c", text(&conf)]), b""));
        assert_eq!(ours, theirs, "{content:?}");
    }
}
