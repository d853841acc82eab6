//! The embedded broker with clients that others wrote: Debian's mosquitto_pub and mosquitto_sub.

use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};

use moskit::broker::server::{Bind, Config, Running, start};

use crate::mosquitto::installed;

/// A broker in this process, on a port that the system chose.
fn broker() -> (Running, SocketAddr) {
    let running = start(Config::open(vec![Bind::Tcp(([127, 0, 0, 1], 0).into())])).unwrap();
    let Bind::Tcp(address) = running.endpoints[0].bind else { unreachable!("a TCP listener was asked for") };
    (running, address)
}

fn client(program: &str, address: SocketAddr, words: &[&str]) -> Option<Command> {
    // Into a pipe its lines would otherwise come when it ends.
    let mut command = Command::new("stdbuf");
    command
        .arg("-oL")
        .arg(installed(program)?)
        .args(["-h", "127.0.0.1", "-p", &address.port().to_string()])
        .args(words);
    Some(command)
}

/// Starts a mosquitto_sub and returns when its subscription is acknowledged.
fn subscriber(address: SocketAddr, words: &[&str]) -> Option<(Child, BufReader<std::process::ChildStdout>)> {
    let mut command = client("mosquitto_sub", address, words)?;
    let mut child = command.arg("-d").stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap());
    let mut line = String::new();
    while !line.starts_with("Subscribed") {
        line.clear();
        assert!(lines.read_line(&mut line).unwrap() > 0, "mosquitto_sub ended before it was subscribed");
    }
    Some((child, lines))
}

fn publish(address: SocketAddr, words: &[&str]) {
    let Some(mut command) = client("mosquitto_pub", address, words) else { return };
    let ended = command.output().unwrap();
    assert!(ended.status.success(), "{ended:?}");
}

#[test]
fn foreign_clients_exchange_messages_in_every_version_and_qos() {
    let (running, address) = broker();
    for version in ["31", "311", "5"] {
        for qos in ["0", "1", "2"] {
            let words = ["-V", version, "-q", qos, "-t", "a/+", "-C", "1", "-F", "%t %q %p"];
            let Some((mut child, lines)) = subscriber(address, &words) else { return };
            publish(address, &["-V", version, "-q", qos, "-t", "a/b", "-m", "hello"]);
            let text: Vec<_> = lines.lines().map_while(Result::ok).collect();
            assert!(text.contains(&format!("a/b {qos} hello")), "version {version}, QoS {qos}: {text:?}");
            assert!(child.wait().unwrap().success());
        }
    }
    running.stop();
}

#[test]
fn a_foreign_client_gets_what_came_while_it_was_away() {
    let (running, address) = broker();
    let session = ["-i", "away", "-c", "-q", "1", "-t", "away/#"];
    let Some((mut child, _)) = subscriber(address, &[&session[..], &["-E"]].concat()) else { return };
    assert!(child.wait().unwrap().success());
    for text in ["one", "two"] {
        publish(address, &["-q", "1", "-t", "away/x", "-m", text]);
    }
    let ended = client("mosquitto_sub", address, &[&session[..], &["-C", "2"]].concat()).unwrap().output().unwrap();
    assert_eq!(String::from_utf8(ended.stdout).unwrap(), "one\ntwo\n");
    running.stop();
}

#[test]
fn a_foreign_client_gets_the_retained_message() {
    let (running, address) = broker();
    publish(address, &["-r", "-t", "r", "-m", "kept"]);
    let Some(mut command) = client("mosquitto_sub", address, &["-t", "#", "-C", "1", "-F", "%r %p"]) else { return };
    assert_eq!(String::from_utf8(command.output().unwrap().stdout).unwrap(), "1 kept\n");
    running.stop();
}
