//! pub and sub against Debian's broker and beside Debian's clients: the same command line gives the
//! same output and exit code, and each side reads what the other wrote.

use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Command, Stdio};
use std::thread::JoinHandle;

use crate::mosquitto::{Mosquitto, free_port, installed};
use crate::run::{Ended, called_as, moskit, run};

const VERSIONS: [&str; 3] = ["mqttv31", "mqttv311", "mqttv5"];
const QOS: [&str; 3] = ["0", "1", "2"];

/// A program of either side: Debian's, or ours under its name.
fn program(ours: bool, name: &str, words: &[&str]) -> Command {
    if ours {
        return called_as(name, words);
    }
    // Debian's clients write block by block into a pipe; here each line is waited for.
    let mut command = Command::new("stdbuf");
    command.arg("-oL").arg(name).args(words).env_remove("XDG_CONFIG_HOME").env_remove("HOME");
    command
}

/// A subscriber whose subscription is known to hold, because `-d` has said so.
pub struct Subscribed {
    child: Child,
    /// Reads what it prints from then on: with a pipe that is full it could not answer the broker, which lets it go after a
    /// while.
    rest: JoinHandle<String>,
}

impl Subscribed {
    pub fn start(command: &mut Command) -> Self {
        let mut child = command.arg("-d").stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let mut stdout = BufReader::new(child.stdout.take().unwrap());
        let mut line = String::new();
        while !line.starts_with("Subscribed (mid: ") {
            line.clear();
            assert!(stdout.read_line(&mut line).unwrap() > 0, "the subscriber ended: {:?}", child.wait());
        }
        let rest = std::thread::spawn(move || {
            let mut rest = String::new();
            stdout.read_to_string(&mut rest).unwrap();
            rest
        });
        Self { child, rest }
    }

    /// What it printed after the subscription, without the lines of `-d`, once it has ended.
    pub fn finish(mut self) -> Ended {
        let text = self.rest.join().unwrap();
        let stdout =
            text.lines().filter(|line| !line.starts_with("Client ")).fold(String::new(), |all, line| all + line + "\n");
        let mut stderr = String::new();
        self.child.stderr.take().unwrap().read_to_string(&mut stderr).unwrap();
        Ended { stdout, stderr, code: self.child.wait().unwrap().code().unwrap() }
    }
}

#[test]
fn messages_cross_in_both_directions_at_each_qos_and_version() {
    if installed("mosquitto_pub").is_none() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let Some((_broker, port)) = Mosquitto::open(folder.path()) else { return };
    let port = port.to_string();
    for version in VERSIONS {
        for qos in QOS {
            for ours_publishes in [true, false] {
                let connection = ["-p", &port, "-V", version, "-q", qos, "-t", "lab/ü"];
                let listen = [&connection[..], &["-C", "2", "-v"]].concat();
                let listener = Subscribed::start(&mut program(!ours_publishes, "mosquitto_sub", &listen));
                for text in ["first", "zweite ü"] {
                    let publish = [&connection[..], &["-m", text]].concat();
                    let ended = run(&mut program(ours_publishes, "mosquitto_pub", &publish), b"");
                    assert_eq!(ended, Ended { stdout: String::new(), stderr: String::new(), code: 0 });
                }
                let expected =
                    Ended { stdout: "lab/ü first\nlab/ü zweite ü\n".to_owned(), stderr: String::new(), code: 0 };
                assert_eq!(listener.finish(), expected, "{version}, QoS {qos}, ours publishes: {ours_publishes}");
            }
        }
    }
}

/// What both print for the same words, with the words' `PORT` replaced.
fn both(name: &str, port: &str, words: &[&str], stdin: &[u8]) -> [Ended; 2] {
    let words: Vec<_> = words.iter().map(|word| if *word == "PORT" { port } else { word }).collect();
    [true, false].map(|ours| run(&mut program(ours, name, &words), stdin))
}

#[test]
fn the_same_words_end_the_same_way() {
    if installed("mosquitto_pub").is_none() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let Some((_broker, port)) = Mosquitto::open(folder.path()) else { return };
    let port = port.to_string();
    let rows: &[(&str, &[&str], &[u8])] = &[
        ("mosquitto_pub", &["-p", "PORT", "-t", "a", "-n"], b""),
        ("mosquitto_pub", &["-p", "PORT", "-t", "a", "-s"], b"all of it\n"),
        ("mosquitto_pub", &["-p", "PORT", "-t", "a", "-s"], b""),
        ("mosquitto_pub", &["-p", "PORT", "-t", "a", "-l", "-q", "2"], b"one\n\nthree"),
        ("mosquitto_pub", &["-p", "PORT", "-t", "a", "-l"], b""),
        ("mosquitto_pub", &["-p", "PORT", "-t", "a", "-m", "x", "-d", "-q", "0", "-i", "me"], b""),
        ("mosquitto_pub", &["-p", "PORT", "-t", "a", "-m", "x", "-d", "-q", "1", "-i", "me", "--repeat", "3"], b""),
        ("mosquitto_pub", &["-p", "PORT", "-t", "a", "-m", "x", "-d", "-q", "2", "-i", "me", "-V", "5"], b""),
        ("mosquitto_pub", &["-p", "PORT", "-t", "a", "-m", "x", "-i", ""], b""),
        ("mosquitto_pub", &["-p", "PORT", "-t", "a", "-m", "x", "-P", "p"], b""),
        ("mosquitto_pub", &["-t", "a", "-m"], b""),
        ("mosquitto_pub", &["-t", "a", "-n", "-m", "x"], b""),
        ("mosquitto_pub", &["--unknown"], b""),
        ("mosquitto_pub", &["-t", "+", "-n"], b""),
        ("mosquitto_pub", &["-t", "a", "-n", "--will-payload", "x"], b""),
        ("mosquitto_pub", &["-t", "a", "-n", "--cert", "x"], b""),
        ("mosquitto_pub", &["-t", "a", "-n", "--cafile", "/nonexistent"], b""),
        ("mosquitto_sub", &["-p", "PORT", "-t", "a/#/b"], b""),
        ("mosquitto_sub", &["-p", "PORT", "-t", "a", "-E", "-d", "-i", "me"], b""),
        (
            "mosquitto_sub",
            &["-p", "PORT", "-t", "a", "-t", "b", "-U", "c", "-E", "-d", "-i", "me", "-V", "5", "-q", "2"],
            b"",
        ),
        ("mosquitto_sub", &["-p", "PORT", "-t", "a", "-W", "1"], b""),
        ("mosquitto_sub", &["-t", "a", "-C", "0"], b""),
    ];
    for (name, words, stdin) in rows {
        let [ours, theirs] = both(name, &port, words, stdin);
        // A hint of ours may follow what both print.
        let same = |a: &Ended, b: &Ended| a.stdout == b.stdout && a.code == b.code && a.stderr.starts_with(&b.stderr);
        assert!(same(&ours, &theirs), "{name} {words:?}\nours: {ours:#?}\ntheirs: {theirs:#?}");
    }
}

/// The texts of 2.1 where 2.0.11 has others.
#[test]
fn local_failures_are_told_as_2_1_does() {
    let rows: &[(&[&str], &str)] = &[
        (
            &["-f", "/nonexistent"],
            "Error: Unable to read file \"/nonexistent\": No such file or directory.\nError loading input file \"/nonexistent\".\n",
        ),
        (&["-n", "-h", "no-such-host.invalid"], "Unable to connect (Lookup error).\n"),
        (&["-n", "-L", "mqtt://localhost:70000/a"], "Unable to connect (Invalid input).\n"),
        (&["-n", "--cafile", "/nonexistent"], "Error: Problem setting TLS options: File not found.\n"),
        (&["-n", "--cafile", "/dev/null"], "Unable to connect (A TLS error occurred).\n"),
        (
            &["-n", "--cafile", "/etc/passwd", "--tls-version", "tlsv1.1"],
            "Error: Problem setting TLS options, check the options are valid.\n",
        ),
    ];
    for (words, text) in rows {
        let ended = run(&mut called_as("mosquitto_pub", &[&["-t", "a"], *words].concat()), b"");
        assert!(ended.stderr.starts_with(text), "{words:?}: {}", ended.stderr);
        assert_eq!((ended.stdout.as_str(), ended.code), ("", 1));
    }
}

#[test]
fn nothing_listening_is_told_as_a_refused_connection_with_a_hint() {
    let port = free_port().to_string();
    let ended = run(&mut moskit(&["pub", "-h", "127.0.0.1", "-p", &port, "-t", "a", "-n"]), b"");
    let lines: Vec<_> = ended.stderr.lines().collect();
    assert_eq!(lines[0], "Error: Connection refused");
    assert!(ended.stderr.contains(&port) && ended.stderr.contains("hint: "), "{}", ended.stderr);
    assert_eq!((ended.stdout.as_str(), ended.code), ("", 1));
    let quiet = run(&mut moskit(&["pub", "-h", "127.0.0.1", "-p", &port, "-t", "a", "-n", "--quiet"]), b"");
    assert_eq!(quiet, Ended { stdout: String::new(), stderr: String::new(), code: 1 });
}

#[test]
fn retained_messages_can_be_left_out_or_waited_for() {
    let folder = tempfile::tempdir().unwrap();
    let Some((_broker, port)) = Mosquitto::open(folder.path()) else { return };
    let port = port.to_string();
    let publish = |words: &[&str]| {
        let ended = run(&mut called_as("mosquitto_pub", &[&["-p", &port, "-q", "1"], words].concat()), b"");
        assert_eq!(ended.code, 0, "{ended:?}");
    };
    publish(&["-t", "kept/a", "-m", "1", "-r"]);
    publish(&["-t", "kept/b", "-m", "2", "-r"]);
    let sub = |words: &[&str]| run(&mut called_as("mosquitto_sub", &[&["-p", &port], words].concat()), b"");
    assert_eq!(sub(&["-t", "kept/a", "-C", "1", "-v"]).stdout, "kept/a 1\n");
    assert_eq!(sub(&["-t", "kept/#", "-T", "kept/a", "-C", "1", "-v"]).stdout, "kept/b 2\n");
    let without = sub(&["-t", "kept/#", "-R", "-W", "1"]);
    assert_eq!(without, Ended { stdout: String::new(), stderr: "Timed out\n".to_owned(), code: 27 });
}

#[test]
fn every_line_of_a_fast_input_is_delivered_at_each_qos() {
    // At QoS 1 more than there are packet ids.
    const LINES: [usize; 3] = [10_000, 66_000, 5_000];
    let folder = tempfile::tempdir().unwrap();
    let port = free_port();
    let configuration = format!("listener {port} 127.0.0.1\nallow_anonymous true\nmax_queued_messages 0\n");
    let Some(_broker) = Mosquitto::start(folder.path(), &configuration) else { return };
    let port = port.to_string();
    for (qos, lines) in QOS.into_iter().zip(LINES) {
        let input = (0..lines).fold(String::new(), |all, number| all + &number.to_string() + "\n");
        let count = lines.to_string();
        let listen = ["-p", &port, "-q", qos, "-t", "lines", "-C", &count];
        let listener = Subscribed::start(&mut called_as("mosquitto_sub", &listen));
        let ended =
            run(&mut called_as("mosquitto_pub", &["-p", &port, "-q", qos, "-t", "lines", "-l"]), input.as_bytes());
        assert_eq!(ended, Ended { stdout: String::new(), stderr: String::new(), code: 0 });
        assert!(listener.finish().stdout == input, "not every line arrived in order at QoS {qos}");
    }
}

#[test]
fn options_without_effect_get_a_warning_under_our_own_names_alone() {
    let broker = free_port();
    for (words, warning) in [
        (
            &["sub", "-t", "a", "-E", "--retain-as-published"][..],
            "--retain-as-published has no effect before MQTT 5: -V mqttv5",
        ),
        (
            &["sub", "-t", "a", "-E", "--retain-handling", "never"],
            "--retain-handling has no effect before MQTT 5: -V mqttv5",
        ),
        (
            &["pub", "-t", "a", "-m", "x", "-q", "1", "--strict"],
            "--strict finds no refused message: before MQTT 5 no broker can say that it refused one: -V mqttv5",
        ),
        (&["pub", "-t", "a", "-m", "x", "-V", "5", "--strict"], "--strict finds no refused message at QoS 0: -q 1"),
        (&["pub", "-t", "a", "-l", "--repeat", "3"], "--repeat has no effect with -l"),
        (&["pub", "-t", "a", "-m", "x", "--insecure"], "--insecure does not switch TLS on: the connection is in clear"),
        (
            &["pub", "-t", "a", "-m", "x", "--no-verify"],
            "--no-verify does not switch TLS on: the connection is in clear",
        ),
        (&["sub", "-t", "a", "-E", "-R"], ""),
        (&["sub", "-t", "a", "-E", "-V", "5", "--strict", "--retain-handling", "new"], ""),
    ] {
        let own = run(moskit(words).arg("--embedded"), b"x\n");
        let told: Vec<_> = own.stderr.lines().filter(|line| !line.starts_with("embedded broker: ")).collect();
        let expected: Vec<_> =
            Some(format!("warning: {warning}")).filter(|_| !warning.is_empty()).into_iter().collect();
        assert_eq!((told, own.code), (expected.iter().map(String::as_str).collect(), 0), "{words:?}");
        let name = format!("mosquitto_{}", words[0]);
        let theirs = run(called_as(&name, &words[1..]).args(["-p", &broker.to_string()]), b"x\n");
        assert!(!theirs.stderr.contains("warning: --"), "{words:?}: {theirs:?}");
    }
}

#[test]
fn an_options_file_that_is_named_must_be_there() {
    let own = run(&mut moskit(&["pub", "-o", "nosuch", "-t", "a", "-m", "x", "--embedded"]), b"");
    let why = "error: cannot read the options file `nosuch`: No such file or directory\n";
    assert_eq!((own.stderr.as_str(), own.code), (why, 1));
    let theirs = run(&mut called_as("mosquitto_pub", &["-o", "nosuch", "-t", "a", "-m", "x", "--embedded"]), b"");
    assert_eq!(theirs.code, 0, "{theirs:?}");
}

#[test]
fn a_request_that_nobody_hears_fails_where_subscribers_are_asked_for() {
    let words = ["rr", "-t", "a", "-e", "b", "-m", "x", "-q", "1", "-W", "5", "--strict=subscribers", "--embedded"];
    let ended = run(&mut moskit(&words), b"");
    assert!(ended.stderr.ends_with("Warning: Publish 2: nobody is subscribed to 'a'.\n"), "{ended:?}");
    assert_eq!(ended.code, 16);
    let refused = run(&mut moskit(&["sub", "-t", "a", "--strict=subscribers"]), b"");
    assert!(
        refused.code == 1 && refused.stderr.starts_with("Error: --strict=subscribers is for pub and rr"),
        "{refused:?}"
    );
}
