//! What a person reads who mistypes: the word that was meant, few lines, no secret; and help and version of every verb.

use std::io::Write;
use std::process::Command;

use crate::peers::{read_packet, stub};
use crate::run::{Ended, called_as, moskit, run};

#[test]
fn an_empty_word_is_taken_for_a_variable_that_is_unset() {
    let unset = "hint: is a variable of the shell unset? Its value became an empty word\n";
    let message = ["-t", "a", "-m", "x"];
    for (verb, words, first) in [
        ("pub", &["-h", ""][..], "Unable to connect (Lookup error).\ncause: the host is empty [net.dns]\n"),
        ("rr", &["-e", "b", "-h", ""], "Unable to connect (Lookup error).\ncause: the host is empty [net.dns]\n"),
        (
            "pub",
            &["--unix", ""],
            "Unable to connect (Invalid input).\ncause: the path of the unix socket is empty [net.unix]\n",
        ),
        ("pub", &["-p", ""], "Error: Invalid port given: it is empty\n\nUse 'moskit pub --help' to see usage.\n"),
        ("pub", &["-L", ""], "Error: The URL is empty.\n\nUse 'moskit pub --help' to see usage.\n"),
    ] {
        let ended = run(&mut moskit(&[&[verb], &message[..], words].concat()), b"");
        assert_eq!(ended, Ended { stdout: String::new(), stderr: format!("{first}{unset}"), code: 1 }, "{words:?}");
    }
    for (words, code) in [
        (&["sub", "-t", "a", "-h", ""][..], 1),
        (&["check", "-h", ""], 1),
        (&["qshape", "purge", "c", "--host", ""], 1),
    ] {
        let ended = run(&mut moskit(words), b"");
        assert!(
            ended.stderr.ends_with(&format!("cause: the host is empty [net.dns]\n{unset}")),
            "{words:?}: {ended:?}"
        );
        assert_eq!(ended.code, code, "{words:?}");
    }
}

#[test]
fn a_password_typed_as_the_port_is_not_shown_and_named_by_its_option() {
    for words in [
        &["pub", "-t", "a", "-m", "x", "-p", "hush5"][..],
        &["check", "-p", "hush5"],
        &["sub", "-t", "a", "-p", "hush5"],
    ] {
        let ended = run(&mut moskit(words), b"");
        assert!(ended.stderr.starts_with("Error: Invalid port given: it is no number\n"), "{ended:?}");
        assert!(ended.stderr.contains("a password goes after -P") && !ended.stderr.contains("hush5"), "{ended:?}");
    }
}

#[test]
fn a_publish_without_a_payload_is_told_in_few_lines_under_our_own_name() {
    for (words, hint) in [
        (&["pub", "-t", "a"][..], "hint: give the payload: -m TEXT, "),
        (&["pub", "-m", "x"], "hint: give the topic: -t TOPIC\n"),
        (&["pub"], "hint: give -t TOPIC and -m TEXT; "),
    ] {
        let ended = run(&mut moskit(words), b"");
        let lines: Vec<_> = ended.stderr.lines().collect();
        assert_eq!((ended.stdout.as_str(), lines.len(), ended.code), ("", 4, 1), "{ended:?}");
        assert_eq!(lines[0], "Error: Both topic and message must be supplied.");
        assert!(format!("{}\n", lines[3]).starts_with(hint), "{ended:?}");
    }
    // As there: the error, then the whole usage.
    let theirs = run(&mut called_as("mosquitto_pub", &["-t", "a"]), b"");
    assert!(theirs.stdout.lines().count() > 50 && theirs.stderr.lines().count() == 1, "{theirs:?}");
}

#[test]
fn a_client_without_an_id_is_called_so_and_by_the_id_that_the_server_assigns() {
    let log = |program: &mut Command, version: &str| {
        let ended = run(program.args(["-t", "a", "-m", "x", "-d", "-V", version, "--embedded"]), b"");
        let first_words = |line: &str| line.split_whitespace().take(3).collect::<Vec<_>>().join(" ");
        ended.stdout.lines().map(first_words).collect::<Vec<_>>()
    };
    assert!(log(&mut moskit(&["pub"]), "311").iter().all(|line| line == "Client without id"));
    let assigned = log(&mut moskit(&["pub"]), "5");
    assert!(assigned[0] == "Client without id" && assigned[1..].iter().all(|line| line.starts_with("Client auto-")));
    let theirs = log(&mut called_as("mosquitto_pub", &[]), "311");
    assert_eq!(theirs[..2], ["Client null sending", "Client (null) received"]);
}

#[test]
fn what_was_meant_is_named_under_our_own_names_alone() {
    for (words, hint, code) in [
        (&["pbu"][..], "did you mean `pub`?", 3),
        (&["publish"], "did you mean `pub`?", 3),
        (&["mosquitto_sub"], "did you mean `sub`?", 3),
        (&["cert"], "did you mean `certgen`?", 3),
        (&["man", "certgn"], "did you mean `certgen`?", 3),
        (&["nonsense"], "moskit --help lists the verbs", 3),
        (&["--verson"], "did you mean `--version`?", 3),
        (&["-v"], "did you mean `--version`?", 3),
        (&["-t", "a", "pub"], "the verb comes first: moskit --help lists the verbs", 3),
        (&["sub", "a/#"], "a topic goes after -t: -t 'a/#'", 1),
        (
            &["pub", "-t", "a", "-m", "x", "-P", "hush5"],
            "before MQTT 5 a password needs a user name: -u NAME, or -V mqttv5",
            1,
        ),
        (&["pub", "-m", "x", "-L", "tcp://a/t"], "the schemes are mqtt://, mqtts://, ws:// and wss://", 1),
        (&["pub", "--retian"], "did you mean `--retain`?", 1),
        (&["rr", "-t", "a", "-m", "x"], "give -e TOPIC for the response", 1),
        (&["rr", "-e", "a"], "give -t TOPIC, and -m TEXT, or -n for an empty payload", 1),
        (&["passwd", "not-there", "ann"], "-c in front of FILE makes a new file", 1),
        (&["sub", "--password", "hush5"], "did you mean `--pw`?", 1),
        (&["rr", "-topic", "x"], "did you mean `--topic`?", 1),
        (&["passwd", "--lst", "f"], "did you mean `--list`? After `--` a word is no option", 1),
    ] {
        let ended = run(&mut moskit(words), b"");
        assert!(ended.stderr.ends_with(&format!("hint: {hint}\n")), "{words:?}: {ended:?}");
        assert!(!ended.stderr.contains("hush5"), "{ended:?}");
        assert_eq!(ended.code, code, "{words:?}");
    }
    let message = ["-t", "a", "-m", "x"];
    for words in [&["--retian"][..], &["a"], &["-P", "p"], &["-L", "tcp://a/t"]] {
        let theirs = run(&mut called_as("mosquitto_pub", &[&message, words].concat()), b"");
        assert!(theirs.code == 1 && !theirs.stderr.contains("hint"), "{theirs:?}");
    }
}

#[test]
fn a_page_is_printed_by_the_name_that_others_call_it_by() {
    for (short, whole) in [
        (&["man", "findings"][..], &["man", "moskit-findings"][..]),
        (&["man", "certgen", "init"], &["man", "moskit-certgen-init"]),
        (&["man"], &["man", "moskit"]),
    ] {
        let page = run(&mut moskit(short), b"");
        assert!(page.code == 0 && page.stdout.contains(".TH MOSKIT"), "{page:?}");
        assert_eq!(run(&mut moskit(whole), b""), page, "{whole:?}");
    }
}

#[test]
fn every_verb_has_its_version_and_its_help_and_actions_theirs() {
    for applet in moskit::cmd::APPLETS {
        let version = run(&mut moskit(&[applet.name, "--version"]), b"");
        let expected = concat!("moskit ", env!("CARGO_PKG_VERSION"), "\n");
        assert_eq!(
            (version.stdout.as_str(), version.stderr.as_str(), version.code),
            (expected, "", 0),
            "{}",
            applet.name
        );
        let help = run(&mut moskit(&[applet.name, "--help"]), b"");
        assert!(
            help.stdout.starts_with(applet.about) && help.stdout.contains("--version"),
            "{}: {help:?}",
            applet.name
        );
        assert_eq!(run(&mut moskit(&["help", applet.name]), b""), help, "{}", applet.name);
        for action in applet.clap_command().get_subcommands().map(clap::Command::get_name) {
            let help = run(&mut moskit(&[applet.name, action, "--help"]), b"");
            assert_eq!((help.stderr.as_str(), help.code), ("", 0), "{action}");
            for words in [[applet.name, "help", action], ["help", applet.name, action]] {
                assert_eq!(run(&mut moskit(&words), b""), help, "{words:?}");
            }
        }
    }
}

#[test]
fn a_broker_that_grants_less_or_hangs_up_at_a_message_is_told() {
    // CONNACK, then a SUBACK that grants QoS 1, then the end.
    let address = stub(|mut stream| {
        let _ = (|| {
            read_packet(&mut stream)?;
            stream.write_all(&[0x20, 2, 0, 0])?;
            let (first, body) = read_packet(&mut stream)?;
            if first >> 4 == 8 {
                stream.write_all(&[0x90, 3, body[0], body[1], 1])?;
                read_packet(&mut stream)?;
            }
            std::io::Result::Ok(())
        })();
    });
    let (host, port) = address.rsplit_once(':').unwrap();
    let place = ["-h", host, "-p", port];
    let lowered = run(&mut moskit(&[&["sub", "-t", "a/#", "-q", "2", "-E"], &place[..]].concat()), b"");
    let warning = "warning: the broker grants QoS 1 where 2 was asked for: 'a/#'\n";
    assert_eq!((lowered.stderr.as_str(), lowered.code), (warning, 0));
    let theirs = run(&mut called_as("mosquitto_sub", &[&["-t", "a/#", "-q", "2", "-E"], &place[..]].concat()), b"");
    assert_eq!((theirs.stderr.as_str(), theirs.code), ("", 0));
    let hung_up = run(&mut moskit(&[&["pub", "-t", "a", "-m", "x", "-q", "2"], &place[..]].concat()), b"");
    assert!(
        hung_up.stderr.contains("the broker closed the connection; 1 message is not acknowledged [connection.closed]"),
        "{hung_up:?}"
    );
    assert!(hung_up.stderr.contains("RabbitMQ 3 and NATS have no QoS 2") && hung_up.code == 7, "{hung_up:?}");
}

/// clap's advice to write `-- -h` answers a question that nobody asked.
#[test]
fn an_option_that_an_action_lacks_is_no_word() {
    for words in
        [&["check", "acl", "-h"][..], &["check", "session", "-i", "x", "-h"], &["certgen", "lint", "--sec", "f"]]
    {
        let ended = run(&mut moskit(words), b"");
        let option = words.iter().rfind(|word| word.starts_with('-')).unwrap();
        assert!(ended.stderr.starts_with(&format!("error: unexpected argument '{option}' found\n")), "{ended:?}");
        assert!(!ended.stderr.contains("as a value") && ended.stderr.contains("--help"), "{ended:?}");
        assert_eq!((ended.stdout.as_str(), ended.code), ("", 3));
    }
}

/// Of the values below those that are right, by the option's longest name.
const RIGHT: &[(&str, &[&str])] = &[
    ("-x", &["-1"]),
    ("--timeout", &["1.5"]),
    ("--connect-timeout", &["1.5"]),
    ("--answer-timeout", &["1.5"]),
    ("--reauth", &["1.5"]),
    ("--reconnect-wait", &["1.5"]),
    ("--repeat-delay", &["1.5", "99999999999999999999"]),
    ("--random-filter", &["1.5"]),
    ("--speed", &["1.5"]),
    ("--watch", &["1.5"]),
    ("-b", &["-1"]),
    ("-m", &["-1"]),
    ("-t", &["-1", "1.5", "99999999999999999999"]),
    ("--at", &["1.5"]),
];

/// What options of numbers, spans and moments call their values. Others take texts, files and words.
const NUMBERS: &[&str] = &[
    "N",
    "PORT",
    "SECONDS",
    "COUNT",
    "QOS",
    "0,1,2",
    "MINUTES",
    "AGE",
    "AGE=N",
    "PID",
    "DURATION",
    "TIME",
    "BOUNDS",
    "N[,WAIT]",
    "MIN[,MAX]",
    "SPEED",
    "PERCENT",
    "KIB",
    "LENGTH",
    "SIZE|TIME",
];

/// Every option of numbers in `command` and its actions: the words before it, its name, whether its value stands behind `=`.
fn numeric(command: &clap::Command, words: &[String], found: &mut Vec<(Vec<String>, String, bool)>) {
    for argument in command.get_arguments().filter(|argument| !argument.is_positional()) {
        let names = argument.get_value_names().unwrap_or_default();
        let takes_number =
            argument.get_action().takes_values() && names.iter().any(|name| NUMBERS.contains(&name.as_str()));
        let number = argument.get_value_parser().type_id();
        let is_number = [
            std::any::TypeId::of::<u8>(),
            std::any::TypeId::of::<u16>(),
            std::any::TypeId::of::<u32>(),
            std::any::TypeId::of::<u64>(),
            std::any::TypeId::of::<i64>(),
            std::any::TypeId::of::<usize>(),
            std::any::TypeId::of::<f32>(),
            std::any::TypeId::of::<f64>(),
        ]
        .iter()
        .any(|known| number == *known);
        assert!(takes_number || !is_number, "{words:?} {names:?}: a name of numbers that this test does not know");
        if takes_number {
            let name = match (argument.get_long(), argument.get_short()) {
                (Some(long), _) => format!("--{long}"),
                (None, short) => format!("-{}", short.expect("an option has a name")),
            };
            found.push((words.to_vec(), name, argument.is_require_equals_set()));
        }
    }
    for action in command.get_subcommands() {
        numeric(action, &[words, &[action.get_name().to_owned()]].concat(), found);
    }
}

/// The words without which an option is not even read, or which it does not stand without.
fn others(words: &[String], option: &str) -> Vec<&'static str> {
    let verb: Vec<_> = words.iter().map(String::as_str).collect();
    let mut others = match (&verb[..], option) {
        (["pub", ..], "--speed" | "--from" | "--to" | "--loop") => vec!["-t", "a", "--replay", "none"],
        (["pub", ..], _) => vec!["-t", "a", "-m", "x"],
        (["rr", ..], _) => vec!["-t", "a", "-e", "b", "-m", "x"],
        (["sub", ..], "--rotate") => vec!["-t", "a", "--record", "new"],
        (["sub", ..], "--jobs" | "--exec-timeout") => vec!["-t", "a", "--exec-shell", "true"],
        (["sub", ..], _) => vec!["-t", "a"],
        (["passwd", ..], "--iterations") => vec!["-H", "sha512-pbkdf2", "-b", "none", "u", "p"],
        (["passwd", ..], "--generate") => vec!["none", "u"],
        (["passwd", ..], _) => vec!["-H", "argon2id", "-b", "none", "u", "p"],
        (["check"], "--warn" | "--crit") => vec!["--monitor"],
        (["qshape", "purge"], _) => vec!["c", "--yes", "--force", "empty"],
        (["qshape", "list" | "explain"], _) => vec!["c", "none"],
        (["qshape"], "--pid") => vec!["--refresh", "none"],
        (["qshape"], _) => vec!["none"],
        (["certgen", "batch" | "import" | "inspect" | "lint" | "expiry" | "verify" | "renew" | "sign"], _) => {
            vec!["none"]
        }
        (["certgen", "revoke"], _) => vec!["none", "--crl"],
        (["certgen", "ca"], "--parent-pass-fd") => vec!["a", "--parent", "none"],
        (["certgen", "ca" | "server" | "client" | "csr"], _) => vec!["a"],
        _ => Vec::new(),
    };
    if option == "--reauth" {
        others.extend(["--auth-method", "SCRAM-SHA-256"]);
    }
    others
}

#[test]
fn a_number_that_is_none_is_answered_in_plain_words_by_every_option() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("empty"), "").unwrap();
    let mut options = Vec::new();
    for applet in moskit::cmd::APPLETS {
        numeric(&applet.clap_command(), &[applet.name.to_owned()], &mut options);
    }
    assert!(options.len() > 100, "{}", options.len());
    let mut wrong = Vec::new();
    for (words, option, behind_equals) in &options {
        for value in ["abc", "", "-1", "99999999999999999999", "1.5"] {
            if RIGHT.iter().any(|(name, right)| name == option && right.contains(&value)) {
                continue;
            }
            let typed =
                if *behind_equals { vec![format!("{option}={value}")] } else { vec![option.clone(), value.to_owned()] };
            let typed: Vec<_> = words.iter().chain(&typed).map(String::as_str).collect();
            let typed = [&typed[..], &others(words, option)].concat();
            let ended = run(moskit(&typed).current_dir(&folder), b"");
            let text = ended.stderr.to_lowercase();
            // Rust's words, and clap's for a value that it takes for an option.
            let not_ours = ["digit", "parse", "target type", "..", "float", "panicked", "unexpected argument"];
            let says_what =
                ["takes", "must be", "it is ", "is not ", "is no ", "or lower", "must be", "a qos is", "between"];
            let is_told = says_what.iter().any(|words| text.contains(words));
            if ended.code == 0 || ended.code > 100 || !is_told || not_ours.iter().any(|word| text.contains(word)) {
                wrong.push(format!(
                    "{typed:?}: {} {}{}",
                    ended.code,
                    ended.stdout.lines().next().unwrap_or_default(),
                    ended.stderr
                ));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
