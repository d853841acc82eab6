//! rr against Debian's broker, and what the clients have beyond Mosquitto's: passwords off the command
//! line, the embedded broker, strictness.

use crate::clients::Subscribed;
use crate::mosquitto::{Mosquitto, free_port};
use crate::run::{Ended, called_as, moskit, run};
use crate::stub::{CONNECT, PUBLISH, SUBSCRIBE, Stub, on};
use crate::terminal::OnTerminal;

fn said(stdout: &str) -> Ended {
    Ended { stdout: stdout.to_owned(), stderr: String::new(), code: 0 }
}

#[test]
fn the_response_to_a_request_is_printed_and_ends_rr() {
    let folder = tempfile::tempdir().unwrap();
    let Some((_broker, port)) = Mosquitto::open(folder.path()) else { return };
    let port = port.to_string();
    for version in ["mqttv31", "mqttv311", "mqttv5"] {
        for qos in ["0", "1", "2"] {
            // The same topic both ways: the request is its own response.
            let words =
                ["-p", &port, "-V", version, "-q", qos, "-t", "echo", "-e", "echo", "-m", "ping", "-v", "-W", "60"];
            assert_eq!(run(&mut called_as("mosquitto_rr", &words), b""), said("echo ping\n"), "{version} {qos}");
        }
    }
}

#[test]
fn a_request_carries_the_response_topic_and_its_properties() {
    let folder = tempfile::tempdir().unwrap();
    let Some((_broker, port)) = Mosquitto::open(folder.path()) else { return };
    let port = port.to_string();
    let listen = ["-p", &port, "-V", "5", "-t", "ask", "-C", "1", "-F", "%t %R %D %P %p"];
    let listener = Subscribed::start(&mut called_as("mosquitto_sub", &listen));
    let words =
        ["-p", &port, "-t", "ask", "-e", "answer", "-m", "?", "-W", "5", "-D", "publish", "correlation-data", "42"];
    let more = ["-D", "publish", "user-property", "who", "me"];
    let ended = run(&mut called_as("mosquitto_rr", &[&words[..], &more].concat()), b"");
    assert_eq!(ended, Ended { stdout: String::new(), stderr: "Timed out\n".to_owned(), code: 27 });
    assert_eq!(listener.finish(), said("ask answer 42 who:me ?\n"));
}

#[test]
fn what_rr_lacks_is_told_in_mosquittos_words() {
    let hint = "\nUse 'mosquitto_rr --help' to see usage.\n";
    let rows: &[(&[&str], String)] = &[
        (
            &["-t", "a", "-e", "b"],
            format!("Error: All of topic, message, and response topic must be supplied.\n{hint}"),
        ),
        (
            &["-t", "a", "-e", "b/#", "-n"],
            format!("Error: Invalid response topic 'b/#', does it contain '+' or '#'?\n{hint}"),
        ),
        (&["-l"], format!("Error: Unknown option '-l'.\n{hint}")),
        (
            &["-t", "a", "-e", "b", "-n", "-D", "publish", "response-topic", "c"],
            "Error in PUBLISH properties: Duplicate response topic.\n".to_owned(),
        ),
    ];
    for (words, stderr) in rows {
        let ended = run(&mut called_as("mosquitto_rr", words), b"");
        assert_eq!(ended, Ended { stdout: String::new(), stderr: stderr.clone(), code: 1 }, "{words:?}");
    }
}

#[test]
fn a_password_comes_from_a_file_a_command_or_the_environment() {
    if crate::mosquitto::installed("mosquitto_passwd").is_none() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let users = folder.path().join("users");
    let made =
        run(&mut called_as("mosquitto_passwd", &["-b", "-c", users.to_str().unwrap(), "me", "tell nobody"]), b"");
    assert_eq!(made.code, 0, "{made:?}");
    let port = free_port();
    let configuration =
        format!("listener {port} 127.0.0.1\nallow_anonymous false\npassword_file {}\n", users.display());
    let Some(_broker) = Mosquitto::start(folder.path(), &configuration) else { return };
    let secret = folder.path().join("secret");
    std::fs::write(&secret, "tell nobody\nsecond line\n").unwrap();
    let port = port.to_string();
    let publish = |words: &[&str]| {
        let mut command = moskit(&[&["pub", "-p", &port, "-u", "me", "-t", "a", "-n", "-q", "1"], words].concat());
        command.env("MOSQUITTO_PASSWORD", "tell nobody");
        run(&mut command, b"")
    };
    assert_eq!(publish(&["--pw-file", secret.to_str().unwrap()]), said(""));
    assert_eq!(publish(&["--pw-command", "printf 'tell nobody'"]), said(""));
    assert_eq!(publish(&[]), said(""));
    assert_eq!(publish(&["-P", "a guess"]).code, 5);
    // Under Mosquitto's name an exported variable must not reach the broker.
    let mut command = called_as("mosquitto_pub", &["-p", &port, "-u", "me", "-t", "a", "-n", "-q", "1"]);
    assert_eq!(run(command.env("MOSQUITTO_PASSWORD", "tell nobody"), b"").code, 5);
}

#[test]
fn the_environment_names_the_broker_for_our_own_verbs_only() {
    let folder = tempfile::tempdir().unwrap();
    let Some((_broker, port)) = Mosquitto::open(folder.path()) else { return };
    let port = port.to_string();
    let with = |mut command: std::process::Command, port: &str| {
        run(command.env("MQTT_HOST", "127.0.0.1").env("MQTT_PORT", port), b"")
    };
    assert_eq!(with(moskit(&["pub", "-t", "a", "-n"]), &port), said(""));
    let closed = free_port().to_string();
    assert_eq!(with(moskit(&["pub", "-t", "a", "-n", "-h", "127.0.0.1", "-p", &port]), &closed), said(""));
    assert_eq!(with(called_as("mosquitto_pub", &["-t", "a", "-n", "-h", "127.0.0.1", "-p", &port]), "x"), said(""));
    let wrong = with(moskit(&["pub", "-t", "a", "-n"]), "x");
    assert!(wrong.stderr.starts_with("Error: MQTT_PORT is not a port: 'x'."), "{}", wrong.stderr);
}

#[test]
fn the_embedded_broker_serves_the_client_that_starts_it() {
    let ended = run(&mut moskit(&["rr", "--embedded", "-t", "echo", "-e", "echo", "-m", "ping", "-W", "60"]), b"");
    assert_eq!((ended.stdout.as_str(), ended.code), ("ping\n", 0), "{}", ended.stderr);
    assert!(ended.stderr.starts_with("embedded broker: mqtt://"), "{}", ended.stderr);
}

#[test]
fn strictness_turns_silence_into_exit_codes() {
    let publish =
        |strict: &str| run(&mut moskit(&["pub", "--embedded", "-V", "5", "-q", "1", "-t", "a", "-n", strict]), b"");
    assert_eq!(publish("--strict").code, 0);
    let ended = publish("--strict=subscribers");
    assert_eq!(ended.code, 16, "{}", ended.stderr);
    assert!(ended.stderr.contains("Warning: Publish 1: nobody is subscribed to 'a'."), "{}", ended.stderr);
}

#[test]
fn a_request_that_nobody_answers_is_told_by_what_is_known_of_it() {
    let connack = |answer: &'static [u8]| on(CONNECT, answer);
    let accepted = connack(b"\x20\x03\0\0\0");
    let nobody = on(PUBLISH, b"\x40\x03\0\x02\x10");
    let taken = on(PUBLISH, b"\x40\x02\0\x02");
    for (turns, words, said) in [
        (
            vec![accepted.clone(), on(SUBSCRIBE, b"")],
            &["-q", "1"][..],
            "the broker has not answered SUBSCRIBE to the response topic 'b', so",
        ),
        (
            vec![accepted.clone()],
            &["-q", "0"],
            "no response came on 'b'; whether the broker took the request is not known at QoS 0",
        ),
        (vec![accepted.clone(), on(PUBLISH, b"")], &["-q", "1"], "the broker has not acknowledged the request"),
        (
            vec![accepted.clone(), nobody.clone()],
            &["-q", "1"],
            "the broker took the request, and says that nobody is subscribed to 'a'",
        ),
        (
            vec![accepted.clone(), taken.clone()],
            &["-q", "1"],
            "the broker took the request, and no response came on 'b'",
        ),
        (
            vec![connack(b"\x20\x02\0\0"), taken],
            &["-q", "1", "-V", "311"],
            "the broker acknowledged the request, and no response came on 'b'",
        ),
    ] {
        let stub = Stub::start(&turns);
        let port = stub.port.to_string();
        let words =
            [&["rr", "-h", "127.0.0.1", "-p", &port, "-t", "a", "-e", "b", "-m", "x", "-W", "1"], words].concat();
        let ended = run(&mut moskit(&words), b"");
        let lines: Vec<_> = ended.stderr.lines().collect();
        let [timed_out, cause, hint] = lines[..] else { panic!("{ended:?}") };
        assert_eq!((timed_out, ended.code), ("Timed out", 27));
        assert!(cause.starts_with(&format!("cause: {said}")) && cause.ends_with(" [response.missing]"), "{cause}");
        assert!(hint.starts_with("hint: "), "{hint}");
        stub.stop();
    }
    // Under Mosquitto's name, and with -q, it is as there.
    for (quiet, stderr) in [(&[][..], "Timed out\n"), (&["--quiet"], "")] {
        let stub = Stub::start(&[accepted.clone(), nobody.clone()]);
        let port = stub.port.to_string();
        let words =
            [&["-h", "127.0.0.1", "-p", &port, "-t", "a", "-e", "b", "-m", "x", "-W", "1", "-q", "1"], quiet].concat();
        let mut command =
            if quiet.is_empty() { called_as("mosquitto_rr", &words) } else { moskit(&[&["rr"], &words[..]].concat()) };
        assert_eq!(run(&mut command, b""), Ended { stdout: String::new(), stderr: stderr.to_owned(), code: 27 });
        stub.stop();
    }
}

#[test]
fn a_subscription_that_is_not_granted_beside_others_is_named() {
    let denied = "warning: the broker denies the subscription to 'b': ";
    let unsaid = "warning: the broker does not say whether it grants 'b'\n";
    for (version, codes, said) in [
        ("311", &b"\0\x80"[..], denied),
        ("5", b"\0\x87", "warning: the broker denies the subscription to 'b': Not authorized\n"),
        ("311", b"\0", unsaid),
        ("5", b"\0\0\0", ""),
    ] {
        let properties: &[u8] = if version == "5" { &[0] } else { &[] };
        let body = [b"\0\x01", properties, codes].concat();
        let stub = Stub::start(&[on(SUBSCRIBE, &[&[0x90, body.len() as u8], &body[..]].concat())]);
        let port = stub.port.to_string();
        let words = ["-t", "a", "-t", "b", "-E", "-V", version, "-h", "127.0.0.1", "-p", &port];
        let ended = run(&mut moskit(&[&["sub"], &words[..]].concat()), b"");
        assert!(ended.code == 0 && ended.stderr.starts_with(said), "{ended:?}");
        assert_eq!(ended.stderr.lines().count(), usize::from(!said.is_empty()), "{ended:?}");
        stub.stop();
    }
}

#[test]
fn a_subscription_that_cannot_be_sent_is_not_waited_for() {
    // The broker takes packets of one byte.
    let turns = [on(CONNECT, b"\x20\x08\0\0\x05\x27\0\0\0\x01")];
    for words in [&["sub", "-t", "a"][..], &["rr", "-t", "a", "-e", "b", "-m", "x"]] {
        let stub = Stub::start(&turns);
        let port = stub.port.to_string();
        let ended = run(&mut moskit(&[words, &["-V", "5", "-h", "127.0.0.1", "-p", &port]].concat()), b"");
        assert!(ended.code == 25 && ended.stderr.contains("and the broker takes 1 at most [limits]"), "{ended:?}");
        stub.stop();
    }
}

/// A shell script on a terminal that it belongs to, so that `/dev/tty` leads there.
fn on_own_terminal(script: &str) -> OnTerminal {
    let mut shell = moskit(&[]);
    let program = shell.get_program().to_owned();
    shell = std::process::Command::new("setsid");
    shell.args(["-c", "-w", "sh", "-c", &script.replace("MOSKIT", program.to_str().unwrap())]);
    OnTerminal::start(shell)
}

#[test]
fn a_password_is_asked_for_on_the_terminal_while_standard_input_is_data() {
    let granted_late = [on(CONNECT, b"\x20\x02\0\0")];
    let stub = Stub::start(&granted_late);
    let script = format!(
        "printf 'one\\ntwo\\n' | MOSKIT pub -h 127.0.0.1 -p {} -t a -l -u me --pw-prompt; echo ended $?",
        stub.port
    );
    let mut terminal = on_own_terminal(&script);
    terminal.wait_for("Password: ");
    assert!(!terminal.has_echo());
    terminal.type_in("secret\n");
    assert_eq!(terminal.wait_for("ended 0\r\n"), "\r\nended 0\r\n");
    assert!(terminal.has_echo());
    let packets = &stub.stop()[0];
    assert!(packets[0].ends_with(b"\0\x02me\0\x06secret"), "{packets:x?}");
    assert_eq!((packets[1].ends_with(b"one"), packets[2].ends_with(b"two")), (true, true));
}

#[test]
fn a_signal_during_the_question_gives_the_echo_back_and_ends_pub() {
    let mut terminal = on_own_terminal("MOSKIT pub -t a -n -u me --pw-prompt & echo pid $!; wait $!; echo ended $?");
    let shown = terminal.wait_for("Password: ");
    assert!(!terminal.has_echo());
    let pid = shown.split("pid ").nth(1).unwrap().split_whitespace().next().unwrap().parse().unwrap();
    rustix::process::kill_process(rustix::process::Pid::from_raw(pid).unwrap(), rustix::process::Signal::TERM).unwrap();
    terminal.wait_for("ended 143\r\n");
    assert!(terminal.has_echo());
}

#[test]
fn a_signal_during_the_question_for_a_pass_phrase_ends_pub_too() {
    if crate::mosquitto::installed("openssl").is_none() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let [certificate, key] = ["client.crt", "client.key"].map(|name| folder.path().join(name).display().to_string());
    let words = ["req", "-x509", "-newkey", "rsa:2048", "-subj", "/CN=me", "-days", "9", "-passout", "pass:secret"];
    let mut openssl = std::process::Command::new("openssl");
    let made = run(openssl.args(words).args(["-keyout", &key, "-out", &certificate]), b"");
    assert_eq!(made.code, 0, "{made:?}");
    let mut terminal = on_own_terminal(&format!(
        "MOSKIT pub -t a -n --cafile {certificate} --cert {certificate} --key {key} & echo pid $!; wait $!; echo ended $?"
    ));
    let shown = terminal.wait_for(&format!("Enter passphrase for {key}: "));
    let pid = shown.split("pid ").nth(1).unwrap().split_whitespace().next().unwrap().parse().unwrap();
    rustix::process::kill_process(rustix::process::Pid::from_raw(pid).unwrap(), rustix::process::Signal::TERM).unwrap();
    terminal.wait_for("ended 143\r\n");
    assert!(terminal.has_echo());
}

/// The prompt has taken the signals, and what is kept is kept all the same; of two who listen, either may hear first.
#[test]
fn a_signal_after_the_question_leaves_what_was_not_acknowledged() {
    for _ in 0..4 {
        let folder = tempfile::tempdir().unwrap();
        let rest = folder.path().join("rest.ndjson");
        let stub = Stub::start(&[on(CONNECT, b"\x20\x02\0\0"), on(PUBLISH, b"")]);
        let script = format!(
            "MOSKIT pub -h 127.0.0.1 -p {} -d -t a -m x -q 1 -u me --pw-prompt --unsent {} & echo pid $!; wait $!; echo ended $?",
            stub.port,
            rest.display()
        );
        let mut terminal = on_own_terminal(&script);
        let shown = terminal.wait_for("Password: ");
        terminal.type_in("secret\n");
        terminal.wait_for("sending PUBLISH");
        let pid = shown.split("pid ").nth(1).unwrap().split_whitespace().next().unwrap().parse().unwrap();
        let pid = rustix::process::Pid::from_raw(pid).unwrap();
        rustix::process::kill_process(pid, rustix::process::Signal::TERM).unwrap();
        terminal.wait_for("ended 143\r\n");
        stub.stop();
        assert_eq!(std::fs::read_to_string(&rest).unwrap().lines().count(), 1);
    }
}

/// The prompt has taken the signals; they must still end what comes after it.
#[test]
fn a_signal_after_the_question_ends_pub_too() {
    let stub = Stub::start(&[on(CONNECT, b"")]);
    let script = format!(
        "MOSKIT pub -h 127.0.0.1 -p {} -d -t a -n -u me --pw-prompt & echo pid $!; wait $!; echo ended $?",
        stub.port
    );
    let mut terminal = on_own_terminal(&script);
    let shown = terminal.wait_for("Password: ");
    terminal.type_in("secret\n");
    terminal.wait_for("sending CONNECT\r\n");
    let pid = shown.split("pid ").nth(1).unwrap().split_whitespace().next().unwrap().parse().unwrap();
    rustix::process::kill_process(rustix::process::Pid::from_raw(pid).unwrap(), rustix::process::Signal::TERM).unwrap();
    terminal.wait_for("ended 143\r\n");
    stub.stop();
}
