//! `sub --exec`: what a command gets, when its message is acknowledged, and how it ends.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process, test_kill_process};
use serde_json::{Value, json};

use crate::broker::broker;
use crate::mosquitto::{Mosquitto, installed};
use crate::run::{Ended, moskit, run};
use crate::stub::{CONNECT, SUBSCRIBE, Stub, cut, message, on};

const PUBACK: u8 = 4;

/// A sub with a session that the broker keeps.
fn sub(port: &str, words: &[&str]) -> Command {
    let session = ["sub", "-p", port, "-V", "mqttv5", "-q", "1", "-c", "-i", "worker", "-t", "jobs/#"];
    moskit(&[&session[..], words].concat())
}

fn subscribe(port: &str) {
    assert_eq!(run(&mut sub(port, &["-E"]), b""), ended("", "", 0));
}

/// Publishes lines of a topic below `jobs`, a tab and a payload.
fn publish(port: &str, lines: &str) {
    let lines = lines.lines().fold(String::new(), |mut below, line| {
        writeln!(below, "jobs/{line}").unwrap();
        below
    });
    let mut publishing = moskit(&["pub", "-p", port, "-q", "1", "-l", "--topic-per-line"]);
    assert_eq!(run(&mut publishing, lines.as_bytes()), ended("", "", 0));
}

/// What the broker still has for the session: all that comes before a message that is published now.
fn left(port: &str) -> String {
    publish(port, "end\tend\n");
    let mut sub = sub(port, &[]).stdout(Stdio::piped()).spawn().unwrap();
    let lines = BufReader::new(sub.stdout.take().unwrap()).lines().map(Result::unwrap);
    let left = lines.take_while(|line| line != "end").fold(String::new(), |all, line| all + &line + "\n");
    sub.kill().unwrap();
    sub.wait().unwrap();
    left
}

fn ended(stdout: &str, stderr: &str, code: i32) -> Ended {
    Ended { stdout: stdout.to_owned(), stderr: stderr.to_owned(), code }
}

fn sorted(lines: &str) -> Vec<&str> {
    let mut lines: Vec<_> = lines.lines().collect();
    lines.sort_unstable();
    lines
}

#[test]
fn a_command_gets_the_message_and_no_secret() {
    if installed("python3").is_none() {
        return;
    }
    let (running, address) = broker();
    let port = address.port().to_string();
    subscribe(&port);
    let odd = "jobs/$(touch x) `id` -v;\"'";
    let mut publishing = moskit(&["pub", "-p", &port, "-V", "mqttv5", "-q", "1", "-t", odd, "-m", "$(id)\n-n", "-r"]);
    publishing.args(["-D", "publish", "content-type", "a b", "-D", "publish", "user-property", "PATH", "/nowhere"]);
    assert_eq!(run(&mut publishing, b""), ended("", "", 0));
    let script = "import os, sys, json\nprint(json.dumps([sys.argv[1:], sys.stdin.read()] + [os.environ.get(name) for name in \
                  ['MQTT_TOPIC', 'MQTT_QOS', 'MQTT_RETAIN', 'MQTT_PROPERTIES', 'MQTT_PASSWORD', 'MOSQUITTO_PASSWORD']]))";
    let mut command =
        sub(&port, &["-C", "1", "-W", "60", "--exec", "python3", "-c", script, "-o", "--jobs", "$MQTT_TOPIC"]);
    command.env("MQTT_PASSWORD", "secret").env("MOSQUITTO_PASSWORD", "secret").env("MQTT_PROPERTIES", "another's");
    let shown = run(&mut command, b"");
    assert_eq!((shown.stderr.as_str(), shown.code), ("1 command run.\n", 0));
    let mut got: Value = serde_json::from_str(&shown.stdout).unwrap();
    let properties: Value = serde_json::from_str(got[5].as_str().unwrap()).unwrap();
    assert_eq!(properties, json!({"content-type": "a b", "user-property": [["PATH", "/nowhere"]]}));
    got[5].take();
    assert_eq!(got, json!([["-o", "--jobs", "$MQTT_TOPIC"], "$(id)\n-n", odd, "1", "0", null, null, null]));
    running.stop();
}

#[test]
fn properties_that_would_fill_the_environment_are_left_out_and_counted() {
    let (running, address) = broker();
    let port = address.port().to_string();
    subscribe(&port);
    let value = "v".repeat(1000);
    let pairs: Vec<_> = (0..300).map(|_| json!(["name", value])).collect();
    let record = json!({"topic": "jobs/a", "payload": "", "properties": {"user-property": pairs}}).to_string();
    let mut publishing = moskit(&["pub", "-p", &port, "-V", "mqttv5", "-q", "1", "--ndjson"]);
    assert_eq!(run(&mut publishing, record.as_bytes()), ended("", "", 0));
    let shown = run(&mut sub(&port, &["-C", "1", "-W", "60", "--exec-shell", "echo \"$MQTT_PROPERTIES\""]), b"");
    let properties: Value = serde_json::from_str(&shown.stdout).unwrap();
    let kept = properties["user-property"].as_array().unwrap().len();
    assert!(shown.stdout.len() < 33_000 && kept > 25, "{} bytes, {kept} kept", shown.stdout.len());
    assert_eq!(properties["left-out"], 300 - kept);
    running.stop();
}

/// SUBACK for the packet id, and messages.
fn granted(id: u8, messages: &[Vec<u8>]) -> Vec<u8> {
    [&[0x90, 3, 0, id, 1][..], &messages.concat()].concat()
}

/// The packet ids of the PUBACKs of a connection, in order.
fn acknowledged(packets: &[Vec<u8>]) -> Vec<u8> {
    packets.iter().filter(|packet| packet[0] >> 4 == PUBACK).map(|packet| packet[3]).collect()
}

#[test]
fn acknowledgements_go_out_in_the_order_of_the_messages_and_after_their_commands() {
    let folder = tempfile::tempdir().unwrap();
    let messages: Vec<_> =
        [(7, "a"), (5, "b"), (9, "skipped"), (3, "c")].map(|(id, topic)| message(0x32, topic, Some(id), b"x")).into();
    let stub = Stub::start(&[on(SUBSCRIBE, &granted(1, &messages))]);
    let port = stub.port.to_string();
    // The first command ends after the last.
    let script = "case $MQTT_TOPIC in c) touch \"$0/c\";; a) until [ -e \"$0/c\" ]; do sleep 0.01; done;; esac";
    let words = [
        "sub", "-p", &port, "-q", "1", "-t", "#", "-T", "skipped", "-C", "3", "--jobs", "3", "--exec", "sh", "-c",
        script,
    ];
    let shown = run(moskit(&words).arg(folder.path()), b"");
    assert_eq!(shown, ended("", "3 commands run.\n", 0));
    assert_eq!(acknowledged(&stub.stop()[0]), [7, 5, 9, 3]);
    // One that fails holds back those behind it.
    let stub = Stub::start(&[on(SUBSCRIBE, &granted(1, &messages))]);
    let port = stub.port.to_string();
    let words = ["sub", "-p", &port, "-q", "1", "-t", "#", "--jobs", "3", "--exec-shell", "[ $MQTT_TOPIC != b ]"];
    let shown = run(&mut moskit(&words), b"");
    assert_eq!(shown.code, 1);
    assert_eq!(acknowledged(&stub.stop()[0]), [7]);
}

#[test]
fn what_has_run_is_not_run_again_after_a_lost_connection() {
    let first = message(0x32, "a", Some(1), b"first");
    let again = message(0x3a, "a", Some(1), b"first");
    let second = message(0x32, "a", Some(2), b"second");
    let present = [0x20, 2, 1, 0];
    let stub = Stub::start(&[
        on(CONNECT, &[0x20, 2, 0, 0]),
        cut(SUBSCRIBE, &granted(1, &[first])),
        on(CONNECT, &present),
        on(SUBSCRIBE, &granted(2, &[again, second])),
    ]);
    let port = stub.port.to_string();
    let words = ["sub", "-p", &port, "-q", "1", "-c", "-i", "w", "-t", "#", "-C", "2", "--exec-shell", "cat; echo"];
    assert_eq!(run(&mut moskit(&words), b""), ended("first\nsecond\n", "2 commands run.\n", 0));
    let connections = stub.stop();
    assert_eq!((acknowledged(&connections[0]), acknowledged(&connections[1])), (vec![], vec![1, 2]));
}

/// Debian's mosquitto and ours.
fn with_each_broker(test: impl Fn(&str)) {
    let (running, address) = broker();
    test(&address.port().to_string());
    running.stop();
    let folder = tempfile::tempdir().unwrap();
    if let Some((_broker, port)) = Mosquitto::open(folder.path()) {
        test(&port.to_string());
    }
}

#[test]
fn a_failure_stops_or_is_counted() {
    with_each_broker(|port| {
        subscribe(port);
        publish(port, "a\tone\na\ttwo\nb\tthree\nc\tfour\n");
        let command = ["--exec", "sh", "-c", "read -r x; echo $x; [ $x != two ]"];
        let run_with = |words: &[&str]| run(&mut sub(port, &[words, &command].concat()), b"");
        let shown = run_with(&["-C", "4", "-W", "60"]);
        assert_eq!(
            shown.stderr,
            format!(
                "{} commands run, 1 failed.\nerror: the command for a message on `jobs/a` ended with exit status: 1\n\
                 hint: the message stays with the broker and comes again; --exec-fail go counts failures and goes on\n",
                shown.stdout.lines().count()
            )
        );
        assert_eq!(shown.code, 1);
        let shown = run_with(&["-C", "3", "-W", "60", "--exec-fail", "go"]);
        assert_eq!(sorted(&shown.stdout), ["four", "three", "two"]);
        assert_eq!(
            (shown.stderr.as_str(), shown.code),
            (
                "Warning: the command for a message on `jobs/a` ended with exit status: 1.\n3 commands run, 1 failed.\n",
                1
            )
        );
        assert_eq!(left(port), "");
    });
}

#[test]
fn a_thousand_messages_keep_the_order_of_their_topics_with_eight_at_once() {
    with_each_broker(|port| {
        subscribe(port);
        let mut lines = String::new();
        for number in 0..1000 {
            writeln!(lines, "{}\t{number}", number % 20).unwrap();
        }
        publish(port, &lines);
        let words = ["-C", "1000", "-W", "60", "--jobs", "8", "--exec", "sh", "-c", "read -r x; echo $MQTT_TOPIC $x"];
        let shown = run(&mut sub(port, &words), b"");
        assert_eq!((shown.stderr.as_str(), shown.code), ("1000 commands run.\n", 0));
        let mut last: HashMap<&str, u32> = HashMap::new();
        for line in shown.stdout.lines() {
            let (topic, number) = line.split_once(' ').unwrap();
            let number = number.parse().unwrap();
            assert!(last.insert(topic, number).is_none_or(|before| before < number), "{line}");
        }
        assert_eq!(last.values().sum::<u32>(), (980..1000).sum::<u32>());
        assert_eq!(left(port), "");
    });
}

#[test]
fn a_command_need_not_read_and_may_leave_others_behind() {
    let (running, address) = broker();
    let port = address.port().to_string();
    subscribe(&port);
    let large = vec![b'x'; 1_000_000];
    let published = || {
        let mut publishing = moskit(&["pub", "-p", &port, "-q", "1", "-t", "jobs/large", "-s"]);
        assert_eq!(run(&mut publishing, &large), ended("", "", 0));
    };
    published();
    assert_eq!(run(&mut sub(&port, &["-C", "1", "-W", "60", "--exec", "true"]), b""), ended("", "1 command run.\n", 0));
    published();
    // The one that is left behind holds standard input open, and reads nothing.
    let line = "sleep 600 <&0 >/dev/null 2>&1 & echo $!";
    let shown = run(&mut sub(&port, &["-C", "1", "-W", "60", "--exec-shell", line]), b"");
    assert_eq!((shown.stderr.as_str(), shown.code), ("1 command run.\n", 0));
    // It was not waited for: it is there still, and is ended here.
    kill_process(Pid::from_raw(shown.stdout.trim_end().parse().unwrap()).unwrap(), Signal::KILL).unwrap();
    running.stop();
}

#[test]
fn a_command_that_does_not_end_is_ended_with_all_that_it_started() {
    let (running, address) = broker();
    let port = address.port().to_string();
    subscribe(&port);
    publish(&port, "a\tx\n");
    let line = "trap '' TERM; sleep 1000 & echo $!; echo $$; wait; wait";
    let shown = run(&mut sub(&port, &["--exec-timeout", "1", "--exec-shell", line]), b"");
    assert_eq!(
        shown.stderr.lines().take(2).collect::<Vec<_>>(),
        ["1 command run, 1 failed.", "error: the command for a message on `jobs/a` did not end within 1 s"]
    );
    assert_eq!(shown.code, 1);
    for pid in shown.stdout.lines() {
        assert_ended(pid.parse().unwrap());
    }
    running.stop();
}

/// The process is gone, or is a corpse that nobody has fetched yet.
fn assert_ended(pid: i32) {
    if test_kill_process(Pid::from_raw(pid).unwrap()).is_ok() {
        let status = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        assert!(status.is_empty() || status.contains(") Z "), "{status}");
    }
}

/// A sub that runs a command that prints its process id first.
fn running_command(port: &str, line: &str) -> (Child, BufReader<std::process::ChildStdout>, i32) {
    let line = format!("echo $$; {line}");
    let mut command = sub(port, &["--exec-shell", &line]);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut stdout = BufReader::new(child.stdout.take().unwrap());
    let mut pid = String::new();
    stdout.read_line(&mut pid).unwrap();
    (child, stdout, pid.trim().parse().unwrap())
}

fn send(child: &Child, signal: Signal) {
    kill_process(Pid::from_raw(child.id().cast_signed()).unwrap(), signal).unwrap();
}

#[test]
fn at_sigterm_what_ends_in_time_is_acknowledged_and_nothing_is_begun() {
    let (running, address) = broker();
    let port = address.port().to_string();
    subscribe(&port);
    publish(&port, "a\tone\na\ttwo\n");
    let (child, mut stdout, _) = running_command(&port, "cat; echo; sleep 1; echo over");
    send(&child, Signal::TERM);
    let mut rest = String::new();
    std::io::Read::read_to_string(&mut stdout, &mut rest).unwrap();
    let output = child.wait_with_output().unwrap();
    assert_eq!((rest.as_str(), output.status.code()), ("one\nover\n", Some(0)));
    assert_eq!(String::from_utf8_lossy(&output.stderr), "1 command run.\n");
    assert_eq!(left(&port), "two\n");
    running.stop();
}

#[test]
fn a_second_signal_ends_what_runs_and_its_message_stays() {
    let (running, address) = broker();
    let port = address.port().to_string();
    subscribe(&port);
    publish(&port, "a\tone\n");
    let end_by_two = || {
        let (mut child, _stdout, pid) = running_command(&port, "sleep 1000");
        let started = Instant::now();
        send(&child, Signal::TERM);
        // The first is heard before the second is sent: two at once are one to the kernel.
        std::thread::sleep(Duration::from_millis(300));
        send(&child, Signal::INT);
        let output = child.wait().unwrap();
        let taken = started.elapsed();
        assert_eq!(output.code(), Some(0));
        let mut stderr = String::new();
        std::io::Read::read_to_string(&mut child.stderr.take().unwrap(), &mut stderr).unwrap();
        assert_eq!(
            stderr,
            "Warning: 1 command has not ended and has to: its message is not acknowledged.\n1 command run, 1 cut short.\n"
        );
        assert_ended(pid);
        taken
    };
    // After the first alone the command has five seconds. A busy machine may take long once, and not each time.
    assert!((0..5).any(|_| end_by_two() < Duration::from_secs(4)));
    assert_eq!(left(&port), "one\n");
    running.stop();
}

#[test]
fn a_command_whose_output_nobody_reads_fails_and_its_message_stays() {
    let (running, address) = broker();
    let port = address.port().to_string();
    subscribe(&port);
    publish(&port, "a\tone\n");
    let (mut child, stdout, _) = running_command(&port, "exec yes");
    drop(stdout);
    assert_eq!(child.wait().unwrap().code(), Some(1));
    assert_eq!(left(&port), "one\n");
    running.stop();
}

#[test]
fn what_cannot_be_run_is_told_before_the_first_message() {
    let shown = run(&mut sub("1", &["--exec", "no-such-program", "x"]), b"");
    assert_eq!(shown, ended("", "error: cannot run `no-such-program`: there is no such program\n", 1));
    for (words, why) in [
        (&["--exec"][..], "Error: --exec argument given but no command specified."),
        (&["--jobs", "2"], "Error: --jobs needs --exec or --exec-shell."),
        (&["--exec-fail", "go"], "Error: --exec-fail needs --exec or --exec-shell."),
        (&["-v", "--exec", "cat"], "Error: --exec and -v cannot be used together."),
        (&["--remove-retained", "--exec", "cat"], "Error: --exec and --remove-retained cannot be used together."),
        (&["--exec-shell", "a", "--exec", "b"], "Error: Only one of --exec and --exec-shell can be used."),
        (&["--jobs", "0", "--exec", "b"], "Error: Invalid value '0' for --jobs: it is a number from 1 to 1024."),
        (&["--exec-fail", "no", "--exec", "b"], "Error: Invalid value 'no' for --exec-fail: it is stop or go."),
        (
            &["--exec-timeout", "0", "--exec", "b"],
            "Error: Invalid value '0' for --exec-timeout: it is a whole number of seconds from 1 to 4294967295.",
        ),
    ] {
        let shown = run(&mut sub("1", words), b"");
        assert_eq!((shown.stderr.lines().next(), shown.code), (Some(why), 1), "{words:?}");
    }
}
