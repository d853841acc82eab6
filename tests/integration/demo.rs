//! `moskit demo` plays through, leaves nothing behind, and what it keeps works with Mosquitto.

use std::fs;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::mosquitto::{free_port, installed};
use crate::run::{moskit, run};

#[test]
fn every_step_holds_and_nothing_is_left_behind() {
    let folder = tempfile::tempdir().unwrap();
    let started = Instant::now();
    let ended = run(moskit(&["demo", "--fast"]).env("TMPDIR", folder.path()), b"");
    assert_eq!((ended.stderr.as_str(), ended.code), ("", 0), "{ended:?}");
    assert!(ended.stdout.ends_with("\nEverything held.\n"), "{}", ended.stdout);
    assert_eq!(ended.stdout.matches("\n$ moskit ").count(), 16, "{}", ended.stdout);
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    // In an optimised build it takes a fraction of the five seconds that it may.
    assert!(started.elapsed() < Duration::from_secs(60));
}

#[test]
fn a_folder_that_has_something_in_it_is_not_touched() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("mine"), "mine").unwrap();
    let path = folder.path().display().to_string();
    let ended = run(&mut moskit(&["demo", "--fast", "--keep", &path]), b"");
    assert_eq!(
        ended.stderr,
        format!("error: cannot keep the demo in `{path}`: it is not empty\nhint: name a new folder\n")
    );
    assert_eq!((ended.stdout.as_str(), ended.code), ("", 3));
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
}

struct Broker(Child);

impl Drop for Broker {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn mosquitto_on(kept: &Path) -> Option<(Broker, String)> {
    let program = installed("mosquitto")?;
    let configuration = fs::read_to_string(kept.join("mosquitto.conf")).unwrap();
    let line = configuration.lines().find_map(|line| line.strip_prefix("listener ")).unwrap();
    // Another may have taken its port, which was free when the demo looked for one.
    let port = free_port().to_string();
    let before = line.split(' ').next().unwrap();
    fs::write(kept.join("mosquitto.conf"), configuration.replace(before, &port)).unwrap();
    let child = Command::new(program)
        .args(["-c", "mosquitto.conf"])
        .current_dir(kept)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut broker = Broker(child);
    let deadline = Instant::now() + Duration::from_secs(60);
    while std::net::TcpStream::connect(format!("127.0.0.1:{port}")).is_err() {
        assert!(broker.0.try_wait().unwrap().is_none(), "mosquitto does not start on the kept configuration");
        assert!(Instant::now() < deadline, "mosquitto does not listen");
        std::thread::yield_now();
    }
    Some((broker, port))
}

/// Runs what the demo says at its end, as somebody who pastes it.
fn pasted(folder: &Path, shown: &str) {
    let (_, farewell) = shown.split_once("Go on there").unwrap();
    let mut lines = farewell.lines().filter_map(|line| line.strip_prefix("  "));
    let (enter, start, or) = (lines.next().unwrap(), lines.next().unwrap(), lines.next().unwrap());
    assert!(or.starts_with("# or: mosquitto "), "{shown}");
    let program = Path::new(env!("CARGO_BIN_EXE_moskit")).parent().unwrap();
    let path = std::env::join_paths([program, Path::new("/usr/bin"), Path::new("/bin")]).unwrap();
    let script = format!("{enter} && {start} --test-config");
    let ended = run(Command::new("sh").args(["-c", &script]).env("PATH", path).current_dir(folder), b"");
    assert_eq!((ended.stdout.as_str(), ended.code), ("Configuration file is OK.\n", 0), "{script}: {ended:?}");
}

#[test]
fn mosquitto_starts_on_what_is_kept_and_its_clients_log_in() {
    let folder = tempfile::tempdir().unwrap();
    let kept = folder.path().join("my lab");
    let ended = run(&mut moskit(&["demo", "--fast", "--keep", &kept.display().to_string()]), b"");
    assert_eq!(ended.code, 0, "{ended:?}");
    pasted(folder.path(), &ended.stdout);
    let Some((_broker, port)) = mosquitto_on(&kept) else { return };
    let Some(mosquitto_pub) = installed("mosquitto_pub") else { return };
    let publish = |password: &str| {
        let mut command = Command::new(&mosquitto_pub);
        command.args(["-h", "localhost", "-p", &port, "--cafile", "certs/ca.crt", "--cert", "certs/alice.crt"]);
        command.args(["--key", "certs/alice.key", "-u", "alice", "-P", password, "-t", "t", "-m", "m", "-q", "1"]);
        run(command.current_dir(&kept), b"").code
    };
    let password = fs::read_to_string(kept.join("alice.password")).unwrap();
    assert_eq!(publish(password.trim_end()), 0);
    assert_ne!(publish("wrong"), 0);
}
