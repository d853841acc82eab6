//! The program called `mosquitto`: command line, sentences and exit codes.

use rustix::process::{Pid, Signal, kill_process};

use crate::broker_verb::{Broker, text};
use crate::mosquitto::free_port;
use crate::run::{Ended, called_as, moskit, run};

/// How it ended, with `#` for the time before a line.
fn mosquitto(words: &[&str]) -> Ended {
    let ended = run(&mut called_as("mosquitto", words), b"");
    Ended { stderr: ended.stderr.lines().map(unstamped).collect(), ..ended }
}

fn unstamped(line: &str) -> String {
    match line.split_once(": ") {
        Some((time, rest)) if time.parse::<u64>().is_ok() => format!("#: {rest}\n"),
        _ => format!("{line}\n"),
    }
}

fn is_root() -> bool {
    rustix::process::getuid().is_root()
}

/// Warnings about a file of logins or rules that others may read, or that is another's.
#[test]
fn who_may_read_a_file_that_guards_access_is_looked_at() {
    use std::os::unix::fs::{PermissionsExt, chown};
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let (port, acl) = (free_port(), folder.join("acl"));
    std::fs::write(&acl, "topic #\n").unwrap();
    let file = text(&acl);
    let warnings = |mode| {
        std::fs::set_permissions(&acl, std::fs::Permissions::from_mode(mode)).unwrap();
        let configuration = format!("listener {port} 127.0.0.1\nuser root\nacl_file {file}\n");
        let lines = Broker::configured(folder, &configuration).end().stderr;
        lines.lines().filter(|line| line.contains("Warning: File")).map(unstamped).collect::<Vec<_>>().concat()
    };
    let readable = "has world readable permissions. `chmod 0600";
    assert_eq!(warnings(0o640), "");
    assert_eq!(warnings(0o644), format!("#: Warning: File {file} {readable} {file}` keeps it private.\n"));
    if is_root() {
        chown(&acl, Some(1), Some(2)).unwrap();
        let told = warnings(0o640);
        let (first, second) = told.split_once('\n').unwrap();
        assert!(first.starts_with(&format!("#: Warning: File {file} owner is not root.")), "{told}");
        assert!(second.starts_with(&format!("#: Warning: File {file} group is not root.")), "{told}");
    }
}

const END: &str = "#: mosquitto version 2.1.2 terminating\n";

fn refused(words: &[&str], first: &str) {
    let ended = mosquitto(words);
    assert_eq!((ended.stdout.as_str(), ended.code), ("", 3), "{words:?}");
    assert!(ended.stderr.starts_with(&format!("{first}\n")), "{words:?}: {ended:?}");
    assert!(ended.stderr.ends_with(END), "{words:?}: {ended:?}");
}

#[test]
fn words_that_mosquitto_refuses_are_refused_alike() {
    for word in ["-x", "word", "--port=1883", "-pv"] {
        let ended = mosquitto(&["-v", word]);
        assert!(ended.stdout.contains("Usage: mosquitto [-c config_file]"), "{ended:?}");
        assert_eq!((ended.stderr, ended.code), (format!("Error: Unknown option '{word}'.\n{END}"), 3));
    }
    refused(&["-c"], "#: Error: -c argument given, but no config file specified.");
    refused(&["-p"], "#: Error: -p argument given, but no port specified.");
    refused(&["-p", "0"], "#: Error: Invalid port specified (0).");
    refused(&["-p", "65536"], "#: Error: Invalid port specified (65536).");
    refused(&["-p", "1"].repeat(11), "#: Error: Only 10 ports can be specified on the command line.");
    refused(&["-c", "/no such file", "-x"], "#: Error: Unable to open config file '/no such file'.");
    refused(&["-c", "/", "-x"], "#: Error: Config file '/' is a directory.");
    refused(&["--test-config"], "#: Please provide a configuration file to test.");
}

#[test]
fn help_and_version_are_asked_for_and_so_no_errors() {
    let version = mosquitto(&["--version"]);
    assert_eq!((version.code, version.stderr.as_str()), (0, END));
    assert_eq!(version.stdout.lines().count(), 3);
    assert!(version.stdout.starts_with("mosquitto 2.1.2\n"), "{version:?}");
    for word in ["-h", "--help"] {
        let help = mosquitto(&["-v", word, "-x"]);
        assert_eq!((help.code, help.stderr.as_str()), (0, END));
        assert!(help.stdout.starts_with("mosquitto version 2.1.2\n"), "{help:?}");
        assert!(help.stdout.contains("Usage: mosquitto [-c config_file]"), "{help:?}");
    }
}

#[test]
fn a_configuration_is_tested_with_what_it_names() {
    let folder = tempfile::tempdir().unwrap();
    let conf = folder.path().join("m.conf");
    let test = |text: &str| {
        std::fs::write(&conf, text).unwrap();
        mosquitto(&["-c", self::text(&conf), "--test-config"])
    };
    let ended = test("listener 1883\n");
    let expected = format!("#: Configuration file is OK.\n{END}");
    assert_eq!(ended, Ended { stdout: String::new(), stderr: expected, code: 0 });
    let ended = test("listener 1883\npassword_file /nowhere\n");
    assert_eq!(ended.code, 13);
    assert!(ended.stderr.starts_with("#: password-file: Error: Unable to open pwfile \"/nowhere\".\n"), "{ended:?}");
    let ended = test("listener 1883\ncertfile /nowhere\nkeyfile /nowhere\n");
    assert_eq!(ended.code, 1);
    let first = "#: Error: Unable to load server certificate \"/nowhere\". Check certfile.\n";
    assert!(ended.stderr.starts_with(first) && ended.stderr.ends_with(END), "{ended:?}");
    let place = conf.display();
    let ended = test("listener 1883\n\nfoo bar\n");
    let expected = format!("#: Error: Unknown configuration variable 'foo'.\n#: Error found at {place}:3.\n{END}");
    assert_eq!(ended, Ended { stdout: String::new(), stderr: expected, code: 3 });
}

#[test]
fn flags_may_come_twice_and_ports_many_times() {
    let (first, second) = (free_port().to_string(), free_port().to_string());
    let mut command = called_as("mosquitto", &["-v", "-v", "-p", &first, "-p", &second]);
    let mut broker = Broker::start_with(&mut command);
    broker.wait_for("mosquitto version 2.1.2 running");
    for port in [&first, &second] {
        std::net::TcpStream::connect(("127.0.0.1", port.parse::<u16>().unwrap())).unwrap();
    }
    let ended = broker.end();
    assert_eq!(ended.code, 0);
    let lines: Vec<_> = ended.stderr.lines().map(unstamped).collect();
    let starts = lines.iter().position(|line| line == "#: mosquitto version 2.1.2 starting\n").unwrap();
    let privilege = [
        "#: Info: running mosquitto as user: root.\n",
        "#: Warning: Mosquitto should not be run as root/administrator.\n",
    ];
    assert_eq!(&lines[..starts], if is_root() { &privilege[..] } else { &[] });
    for feature in ["Persistence", "TLS", "Websockets"] {
        assert!(lines.contains(&format!("#: {feature} support available.\n")), "{lines:?}");
    }
    assert_eq!(lines.iter().filter(|line| *line == END).count(), 1);
    assert_eq!(lines.last().unwrap(), END);
}

#[test]
fn a_port_that_is_taken_ends_it_with_1() {
    let folder = tempfile::tempdir().unwrap();
    let taken = std::net::TcpListener::bind("0.0.0.0:0").unwrap();
    let conf = folder.path().join("m.conf");
    std::fs::write(&conf, format!("listener {}\n", taken.local_addr().unwrap().port())).unwrap();
    let ended = mosquitto(&["-c", text(&conf)]);
    assert_eq!(ended.code, 1);
    assert!(ended.stderr.contains("#: Error: Address already in use\n"), "{ended:?}");
    assert!(ended.stderr.ends_with(END), "{ended:?}");
}

#[test]
fn a_password_file_that_is_not_there_ends_it_with_13() {
    let folder = tempfile::tempdir().unwrap();
    let conf = folder.path().join("m.conf");
    std::fs::write(&conf, format!("listener {} 127.0.0.1\npassword_file /nowhere\n", free_port())).unwrap();
    let ended = mosquitto(&["-c", text(&conf)]);
    assert_eq!(ended.code, 13);
    assert!(ended.stderr.contains("#: password-file: Error: Unable to open pwfile \"/nowhere\".\n"), "{ended:?}");
}

#[test]
fn in_the_background_it_writes_its_pid_and_says_in_its_log_why_it_cannot_start() {
    let folder = tempfile::tempdir().unwrap();
    let [conf, pid, log] = ["m.conf", "pid", "log"].map(|name| folder.path().join(name));
    let port = free_port();
    std::fs::write(
        &conf,
        format!(
            "listener {port} 127.0.0.1\nallow_anonymous true\npid_file {}\nlog_dest file {}\n",
            pid.display(),
            log.display()
        ),
    )
    .unwrap();
    let start = || {
        let ended = run(&mut called_as("mosquitto", &["-c", text(&conf), "-d"]), b"");
        assert_eq!(ended, Ended { stdout: String::new(), stderr: String::new(), code: 0 });
    };
    let logged = |text: &str| {
        let until = std::time::Instant::now() + std::time::Duration::from_secs(20);
        while !std::fs::read_to_string(&log).unwrap_or_default().contains(text) {
            assert!(std::time::Instant::now() < until, "{text:?} is not in the log");
            std::thread::sleep(std::time::Duration::from_millis(5));
        }
    };
    start();
    logged("mosquitto version 2.1.2 running");
    let first: i32 = std::fs::read_to_string(&pid).unwrap().trim_end().parse().unwrap();
    std::net::TcpStream::connect(("127.0.0.1", port)).unwrap();
    start();
    logged("Error: Address already in use");
    kill_process(Pid::from_raw(first).unwrap(), Signal::TERM).unwrap();
    logged("mosquitto version 2.1.2 terminating");
}

#[test]
fn the_environment_of_containers_is_heeded() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let conf = folder.join("m.conf");
    let port = free_port();
    std::fs::write(&conf, format!("listener {port} 127.0.0.1\npersistence true\npersistence_location /nowhere\n"))
        .unwrap();
    let mut command = moskit(&["broker", "-c", text(&conf)]);
    command.env("MOSQUITTO_PERSISTENCE_LOCATION", folder).env("UMASK_SET", "027");
    let broker = Broker::start_with(&mut command);
    assert!(folder.join("mosquitto.sqlite3").exists());
    let status = std::fs::read_to_string(format!("/proc/{}/status", broker.pid())).unwrap();
    assert!(status.contains("Umask:\t0027\n"), "{status}");
    assert_eq!(broker.end().code, 0);
    let ended = run(moskit(&["broker", "-p", "0"]).env("UMASK_SET", "9"), b"");
    let message = "error: UMASK_SET is `9`, not an octal number up to 777\n";
    assert_eq!(ended, Ended { stdout: String::new(), stderr: message.to_owned(), code: 3 });
}

#[test]
fn root_becomes_whom_puid_and_pgid_name() {
    if !is_root() {
        eprintln!("SKIPPED: not root");
        return;
    }
    let mut command = moskit(&["broker", "-p", "0"]);
    let broker = Broker::start_with(command.env("PUID", "65534").env("PGID", "65533"));
    let status = std::fs::read_to_string(format!("/proc/{}/status", broker.pid())).unwrap();
    assert!(status.contains("Uid:\t65534\t65534\t65534\t65534\n"), "{status}");
    assert!(status.contains("Gid:\t65533\t65533\t65533\t65533\n"), "{status}");
    assert!(broker.end().stderr.contains("Info: running moskit as user: 65534:65533."));
    let ended = run(moskit(&["broker", "-p", "0"]).env("PUID", "joe"), b"");
    assert_eq!((ended.stderr.as_str(), ended.code), ("error: PUID is not the number of a user or group\n", 3));
}

#[test]
fn the_version_that_clients_see_is_that_of_the_name() {
    for (name, version) in [("mosquitto", "mosquitto version 2.1.2"), ("moskit", "moskit version 0.1.0")] {
        let port = free_port().to_string();
        let mut command = if name == "mosquitto" { called_as(name, &[]) } else { moskit(&["broker"]) };
        let broker = Broker::start_with(command.args(["-p", &port]));
        let words = ["sub", "-h", "127.0.0.1", "-p", &port, "-t", "$SYS/broker/version", "-C", "1"];
        assert_eq!(run(&mut moskit(&words), b"").stdout, format!("{version}\n"));
        drop(broker);
    }
}
