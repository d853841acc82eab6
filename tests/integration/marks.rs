//! Where Mosquitto 2.1's clients and their documentation, or their intention, are at odds: which side
//! ours took. The man pages list under DIFFERENCES where that is not what Mosquitto does.

use std::time::{Duration, Instant};

use crate::beside::ours;
use crate::run::{Ended, called_as, moskit, run};
use crate::stub::{CONNECT, PUBLISH, SUBSCRIBE, Stub, cut, last, message, on};

const DISCONNECT: &[u8] = &[0xe0, 0];
const ACCEPTED: &[u8] = &[0x20, 2, 0, 0];

fn granted(messages: &[u8]) -> Vec<u8> {
    [&[0x90, 3, 0, 1, 0], messages].concat()
}

#[test]
fn rr_says_goodbye_and_sub_leaves_once_the_last_removal_is_acknowledged() {
    let (packets, ended) =
        ours("mosquitto_rr -t a -e b -m x -V 311", &[on(PUBLISH, &message(0x30, "b", None, b"y"))], b"");
    assert_eq!((ended.stdout.as_str(), ended.code), ("y\n", 0));
    assert_eq!(packets[0].last().unwrap(), DISCONNECT);

    let messages = [message(0x31, "a", None, b"x"), message(0x31, "b", None, b"y"), message(0x30, "a", None, b"z")];
    let turns = [on(SUBSCRIBE, &granted(&messages.concat()))];
    for row in [
        "mosquitto_sub -t # --retained-only --remove-retained -d -i me",
        "mosquitto_sub -t # -C 2 --remove-retained -d -i me",
    ] {
        let (packets, ended) = ours(row, &turns, b"");
        assert_eq!(ended.code, 0, "{ended:?}");
        let removals = [b"\x33\x05\0\x01a\0\x02".to_vec(), b"\x33\x05\0\x01b\0\x03".to_vec(), DISCONNECT.to_vec()];
        assert_eq!(packets[0][2..], removals);
        // The line of the removal stands in front of the message.
        let removed = ended.stdout.find("sending PUBLISH (d0, q1, r1, m2, 'a'").unwrap();
        assert!(removed < ended.stdout.find("\nx\n").unwrap(), "{}", ended.stdout);
    }
}

#[test]
fn a_removal_outlasts_the_connection_it_was_sent_on() {
    let turns = [on(SUBSCRIBE, &granted(&message(0x31, "a", None, b"x"))), cut(PUBLISH, b"")];
    let (packets, ended) = ours("mosquitto_sub -t a -C 1 --remove-retained", &turns, b"");
    assert_eq!(ended, Ended { stdout: "x\n".to_owned(), stderr: String::new(), code: 0 });
    let removal = b"\x33\x05\0\x01a\0\x02".to_vec();
    assert_eq!(packets[0][2], removal);
    assert_eq!((&packets[1][1], packets[1].last().unwrap().as_slice()), (&removal, DISCONNECT));
}

#[test]
fn where_the_broker_takes_nothing_above_qos_0_a_removal_has_qos_0() {
    let retained = b"\x90\x04\0\x01\0\0\x31\x05\0\x01a\0x";
    let turns = [on(CONNECT, b"\x20\x05\0\0\x02\x24\0"), on(SUBSCRIBE, retained)];
    let (packets, ended) = ours("mosquitto_sub -V 5 -t a -C 1 --remove-retained", &turns, b"");
    assert_eq!(ended, Ended { stdout: "x\n".to_owned(), stderr: String::new(), code: 0 });
    assert_eq!(packets[0][2..], [b"\x31\x04\0\x01a\0".to_vec(), DISCONNECT.to_vec()]);
}

#[test]
fn what_is_not_printed_because_it_is_retained_is_not_removed_either() {
    let messages = [message(0x31, "a", None, b"x"), message(0x30, "a", None, b"y")].concat();
    let (packets, ended) =
        ours("mosquitto_sub -t a -R --remove-retained -C 1", &[on(SUBSCRIBE, &granted(&messages))], b"");
    assert_eq!((ended.stdout.as_str(), ended.code), ("y\n", 0));
    assert_eq!(packets[0][2..], [DISCONNECT.to_vec()]);
}

#[test]
fn a_random_filter_of_100_percent_prints_everything() {
    let messages: Vec<u8> = (0..50_u8).flat_map(|number| message(0x30, "a", None, &[b'0' + number % 10])).collect();
    let (_, ended) = ours("mosquitto_sub -t a --random-filter 100 -C 50", &[on(SUBSCRIBE, &granted(&messages))], b"");
    assert_eq!((ended.stdout.lines().count(), ended.code), (50, 0));
    // A hundred messages at one in ten: that all or none are shown has a chance of one in 37,000.
    let (_, ended) = ours("mosquitto_sub -t a --random-filter 10 -C 50", &[on(SUBSCRIBE, &granted(&messages))], b"");
    assert!(ended.stdout.lines().count() < 40 && ended.code == 0);
}

#[test]
fn before_the_broker_accepts_a_timeout_ends_rr_as_ever_and_sub_with_255() {
    for (row, code, stderr) in
        [("mosquitto_rr -t a -e b -m x -W 1", 27, "Timed out\n"), ("mosquitto_sub -t a -W 1", 255, "")]
    {
        let (_, ended) = ours(row, &[on(CONNECT, b"")], b"");
        assert_eq!(ended, Ended { stdout: String::new(), stderr: stderr.to_owned(), code }, "{row}");
    }
}

#[test]
fn an_expiry_interval_makes_it_version_5_and_a_later_version_wins() {
    let connect = |row: &str| ours(row, &[], b"").0[0][0].clone();
    let with_expiry = b"\x10\x17\0\x04MQTT\x05\x02\0\x3c\x08\x11\0\0\0\x10\x21\0\x14\0\x02me";
    assert_eq!(connect("mosquitto_pub -t a -m x -i me -x 0x10"), with_expiry);
    assert_eq!(connect("mosquitto_pub -t a -m x -i me -x 5 -V 311"), b"\x10\x0e\0\x04MQTT\x04\x02\0\x3c\0\x02me");
    assert_eq!(&connect("mosquitto_sub -t a -E -i me -c -x -1")[12..18], b"\x08\x11\xff\xff\xff\xff");
}

#[test]
fn without_version_5_properties_cannot_be_sent() {
    let (packets, ended) = ours("mosquitto_pub -t a -m x -D publish content-type c -V 311", &[], b"");
    assert!(ended.stderr.starts_with("Error: The connection was lost\n"), "{}", ended.stderr);
    assert_eq!((ended.stdout.as_str(), ended.code), ("", 7));
    assert_eq!(packets[0][1..], [DISCONNECT.to_vec()]);

    // Mosquitto leaves SUBSCRIBE out in silence.
    let (packets, ended) = ours("mosquitto_sub -t a -D subscribe subscription-identifier 3 -V 311 -W 1", &[], b"");
    let warning = "warning: SUBSCRIBE was not sent: this version of MQTT has no properties, and -D gives some\n";
    assert_eq!((ended.stderr, ended.code), (format!("{warning}Timed out\n"), 27));
    assert_eq!(packets[0][1..], [DISCONNECT.to_vec()]);

    let reply = message(0x30, "b", None, b"z");
    let (packets, ended) =
        ours("mosquitto_rr -t a -e b -m x -D publish content-type c -V 311", &[on(PUBLISH, &reply)], b"");
    assert_eq!((ended.stdout.as_str(), ended.code), ("z\n", 0), "{}", ended.stderr);
    assert_eq!(packets[0][2], message(0x30, "a", None, b"x"));
}

#[test]
fn properties_that_cannot_be_are_told_after_the_connection() {
    for (words, first_line) in [
        ("-D publish content-type c -D publish content-type d", "Error: The connection was lost\n"),
        ("-D publish topic-alias 0", "Error: Protocol error when communicating with broker.\n"),
        ("-D publish payload-format-indicator 2", "Error: Protocol error when communicating with broker.\n"),
        ("-D publish response-topic a/#", "Error: Protocol error when communicating with broker.\n"),
    ] {
        let (packets, ended) = ours(&format!("mosquitto_pub -t a -m x {words}"), &[], b"");
        assert!(ended.stderr.starts_with(first_line), "{words}: {}", ended.stderr);
        assert_eq!((ended.code, packets[0].last().unwrap().as_slice()), (7, DISCONNECT), "{words}");
        // rr looks before it connects, and has one text for all of it.
        let (packets, ended) = ours(&format!("mosquitto_rr -t a -e b -m x {words}"), &[], b"");
        let stderr = "Error in PUBLISH properties: Duplicate response topic.\n".to_owned();
        assert_eq!((packets.len(), ended), (0, Ended { stdout: String::new(), stderr, code: 1 }), "{words}");
    }
}

#[test]
fn what_the_broker_does_not_take_is_not_sent() {
    for (row, connack, stderr) in [
        (
            "mosquitto_pub -t a -m x -q 1 -V 5",
            &b"\x20\x05\0\0\x02\x24\0"[..],
            "Error: Message QoS not supported on broker, try a lower QoS.\n",
        ),
        (
            "mosquitto_pub -t a -m xxxxxxxxxxxxxxxx -V 5",
            b"\x20\x08\0\0\x05\x27\0\0\0\x10",
            "Error: The connection was lost\ncause: the packet has ",
        ),
    ] {
        let (packets, ended) = ours(row, &[on(CONNECT, connack)], b"");
        assert!(ended.stderr.starts_with(stderr), "{}", ended.stderr);
        assert_eq!((ended.code, packets[0].last().unwrap().as_slice()), (7, DISCONNECT), "{row}");
    }
}

#[test]
fn a_reason_that_an_acknowledgement_cannot_have_is_a_protocol_error() {
    let (packets, ended) = ours("mosquitto_pub -t a -m x -q 1 -V 5", &[on(PUBLISH, b"\x40\x03\0\x01\x95")], b"");
    assert!(ended.stderr.starts_with("Error: A network protocol error occurred when"), "{}", ended.stderr);
    assert_eq!((ended.code, packets[0].last().unwrap().as_slice()), (2, &b"\xe0\x01\x82"[..]));
}

#[test]
fn texts_that_only_2_1_has() {
    for (row, turns, stderr) in [
        (
            "mosquitto_rr -t a -e b -m x",
            on(CONNECT, b"\x20\x03\0\x84\0"),
            "Connection error: Unsupported Protocol Version\n",
        ),
        ("mosquitto_rr -t a -e b -m x -V 311", on(CONNECT, b"\x20\x02\0\x03"), "Connection error: Unknown reason\n"),
        ("mosquitto_pub -t a -m x -V 5", on(CONNECT, b"\x20\x02\0\x01"), "Error: Malformed packet\n"),
    ] {
        let (_, ended) = ours(row, &[turns], b"");
        assert!(ended.stderr.starts_with(stderr), "{row}: {}", ended.stderr);
    }
    let hint = "\nUse 'mosquitto_sub --help' to see usage.\n";
    for (row, text) in [
        ("mosquitto_sub -t a -o", "Error: -o argument given but no options file specified.\n\n"),
        ("mosquitto_sub -t a -o /x -o /x", "Error: Duplicate -o argument given.\n\n"),
        ("mosquitto_sub -t ''", "Error: Invalid subscription topic '', are all '+' and '#' wildcards correct?\n"),
        ("mosquitto_sub -t a --retain-handling foo", "Error: Unknown value 'foo' for --retain-handling.\n\n"),
        (
            "mosquitto_sub -t a --retain-handling",
            "Error: --retain-handling argument given but no option specified.\n\n",
        ),
        ("mosquitto_sub -t a --tls-keylog", "Error: --tls-keylog argument given but no file specified.\n\n"),
        ("mosquitto_sub -t a -D foo x y", "Error: Invalid command foo given in --property argument.\n\n"),
        ("mosquitto_sub -t a --random-filter 0", "Error: --random-filter chance must be between 0.1-100.0\n\n"),
        ("mosquitto_sub -L foo://h/t", "Error: Unsupported URL scheme.\n\n"),
        ("mosquitto_sub -S", "Error: Unknown option '-S'.\n"),
        ("mosquitto_sub --proxy socks5h://a:b:c@d", "Error: Username cannot contain ':'.\n"),
        (
            "mosquitto_sub -x -1 -I pre -t a",
            "Error: You must provide a client id if you are using an infinite session expiry interval.\n",
        ),
    ] {
        let (packets, ended) = ours(row, &[], b"");
        let stderr = format!("{text}{hint}");
        assert_eq!((packets.len(), ended), (0, Ended { stdout: String::new(), stderr, code: 1 }), "{row}");
    }
    for (row, options) in [("always", 0x00), ("new", 0x10), ("never", 0x20)] {
        let (packets, ended) = ours(&format!("mosquitto_sub -t a -E -V 5 --retain-handling {row}"), &[], b"");
        assert_eq!((packets[0][1].last(), ended.code), (Some(&options), 0));
    }
}

/// mosquitto_sub 2.0.11 takes an alias for a broken protocol even if it has announced to know them.
#[test]
fn an_alias_stands_for_its_topic() {
    let messages = b"\x30\x08\0\x01a\x03\x23\0\x02x\x30\x07\0\0\x03\x23\0\x02y";
    let turns = [on(SUBSCRIBE, &[&[0x90, 4, 0, 1, 0, 0], &messages[..]].concat())];
    let (_, ended) = ours("mosquitto_sub -t a -C 2 -v -D connect topic-alias-maximum 5", &turns, b"");
    assert_eq!(ended, Ended { stdout: "a x\na y\n".to_owned(), stderr: String::new(), code: 0 });
}

#[test]
fn an_alias_that_was_not_agreed_on_ends_the_connection_which_sub_makes_again() {
    let suback = [0x90, 4, 0, 1, 0, 0];
    for message in [&b"\x30\x08\0\x01a\x03\x23\0\x03x"[..], b"\x30\x07\0\0\x03\x23\0\x02x"] {
        let again = b"\x90\x04\0\x02\0\0\x30\x05\0\x01a\0y";
        let turns = [cut(SUBSCRIBE, &[&suback[..], message].concat()), on(SUBSCRIBE, again)];
        let (_, ended) = ours("mosquitto_sub -t a -C 1 -V 5 -D connect topic-alias-maximum 2", &turns, b"");
        assert_eq!(ended, Ended { stdout: "y\n".to_owned(), stderr: String::new(), code: 0 });
        let row = "mosquitto_pub -t a -m x -q 1 -V 5 -D connect topic-alias-maximum 2";
        let (packets, ended) = ours(row, &[on(PUBLISH, message)], b"");
        assert!(ended.stderr.starts_with("Error: Topic alias invalid\n"), "{ended:?}");
        assert_eq!((ended.code, packets[0].last().unwrap().as_slice()), (148, &b"\xe0\x01\x94"[..]));
    }
}

#[test]
fn what_comes_before_the_question_does_not_keep_rr_from_asking() {
    let early = [&message(0x30, "b", None, b"early")[..], &granted(b"")].concat();
    let turns = [on(SUBSCRIBE, &early), on(PUBLISH, &message(0x30, "b", None, b"answer"))];
    let (packets, ended) = ours("mosquitto_rr -t a -e b -m x -V 311", &turns, b"");
    assert_eq!(ended, Ended { stdout: "early\nanswer\n".to_owned(), stderr: String::new(), code: 0 });
    assert_eq!(packets[0][2], message(0x30, "a", None, b"x"));
}

#[test]
fn a_suback_without_a_code_is_a_protocol_error() {
    for (version, suback) in [("311", &b"\x90\x02\0\x01"[..]), ("5", b"\x90\x03\0\x01\0")] {
        let (_, ended) = ours(&format!("mosquitto_sub -t a -E -V {version}"), &[on(SUBSCRIBE, suback)], b"");
        assert!(ended.stderr.starts_with("Error: A network protocol error occurred when"), "{ended:?}");
        assert_eq!(ended.code, 2);
    }
}

/// `-U` alone is a task of its own in 2.1: no SUBSCRIBE, and it keeps running.
#[test]
fn unsubscribing_alone_subscribes_to_nothing() {
    let (packets, ended) = ours("mosquitto_sub -U a -W 1 -E", &[], b"");
    assert_eq!((ended.stderr.as_str(), ended.code), ("Timed out\n", 27));
    assert_eq!(packets[0][1..], [b"\xa2\x05\0\x01\0\x01a".to_vec(), DISCONNECT.to_vec()]);
}

#[test]
fn lines_survive_a_broker_that_says_it_leaves() {
    // The second connection gets the first message again, and all others.
    let turns = [on(CONNECT, b"\x20\x03\0\0\0"), cut(PUBLISH, b"\xe0\x01\x8b")];
    let (packets, ended) = ours("mosquitto_pub -t a -l -q 1 -V 5 -i me -M 1", &turns, b"one\ntwo\n");
    assert_eq!((ended.stdout.as_str(), ended.stderr.as_str(), ended.code), ("", "", 0));
    let payloads = |packets: &[Vec<u8>]| -> Vec<String> {
        let is_publish = |packet: &&Vec<u8>| packet[0] >> 4 == PUBLISH;
        packets.iter().filter(is_publish).map(|packet| String::from_utf8_lossy(&packet[8..]).into_owned()).collect()
    };
    assert_eq!(payloads(&packets[0]), ["one"]);
    assert_eq!(payloads(&packets[1]), ["one", "two"]);
}

#[test]
fn a_lost_connection_is_made_again_by_sub_but_not_after_a_broken_protocol() {
    let late = message(0x30, "a", None, b"late");
    let turns = [on(CONNECT, ACCEPTED), cut(SUBSCRIBE, b""), on(SUBSCRIBE, &[&[0x90, 3, 0, 2, 0], &late[..]].concat())];
    let started = Instant::now();
    let (packets, ended) = ours("mosquitto_sub -t a -C 1", &turns, b"");
    assert_eq!(ended, Ended { stdout: "late\n".to_owned(), stderr: String::new(), code: 0 });
    assert!(started.elapsed() >= Duration::from_secs(1));
    // The packet ids go on.
    assert_eq!((&packets[0][1][2..4], &packets[1][1][2..4]), (&[0, 1][..], &[0, 2][..]));

    for nonsense in [ACCEPTED, b"\xff\xff\xff\xff\xff", b"\xf0\0", b"\x80\0"] {
        let (_, ended) = ours("mosquitto_sub -t a", &[on(SUBSCRIBE, nonsense)], b"");
        assert!(ended.stderr.starts_with("Error: A network protocol error occurred when"), "{nonsense:x?}: {ended:?}");
        assert_eq!((ended.stdout.as_str(), ended.code), ("", 2));
    }
}

#[test]
fn a_password_command_that_hangs_does_not_keep_sub_from_its_time() {
    let folder = tempfile::tempdir().unwrap();
    let command = "if [ -e asked ]; then exec sleep 30; else touch asked; echo secret; fi";
    let stub = Stub::start(&[on(CONNECT, ACCEPTED), cut(SUBSCRIBE, b"")]);
    let port = stub.port.to_string();
    let words = ["sub", "-h", "127.0.0.1", "-p", &port, "-t", "a", "-u", "me", "--pw-command", command, "-W", "5"];
    let started = Instant::now();
    let ended = run(moskit(&words).current_dir(folder.path()), b"");
    assert_eq!(ended, Ended { stdout: String::new(), stderr: "Timed out\n".to_owned(), code: 27 });
    assert!(started.elapsed() < Duration::from_secs(20));
    assert_eq!(stub.stop().len(), 1);
}

#[test]
fn an_options_file_is_read_line_by_line() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("options");
    let file = file.to_str().unwrap();
    let with = |text: &str, words: &str| {
        std::fs::write(file, text).unwrap();
        ours(&format!("mosquitto_pub -o {file} {words}"), &[], b"")
    };
    let (packets, ended) = with("# a comment\n\n-t  a b\r\n--id me\n-q 0\n", "-m x -q 1");
    assert_eq!(ended.code, 0, "{ended:?}");
    assert_eq!(packets[0][1], message(0x32, " a b", Some(1), b"x"));
    let hint = "\nUse 'mosquitto_pub --help' to see usage.\n";
    for (text, words, stderr) in [
        // A property cannot be given: the rest of the line is one word.
        (
            "-D publish content-type x\n",
            "-t a -n",
            "Error: --property argument given but not enough arguments specified.\n\n",
        ),
        ("-m x\n", "-t a -n", "Error: Only one type of message can be sent at once.\n\n"),
        ("-t\n", "-n", "Error: -t argument given but no topic specified.\n\n"),
        ("-m \n", "-t a", "Error: -m argument given but no message specified.\n\n"),
        ("bogus\n", "-t a -n", "Error: Unknown option 'bogus'.\n"),
    ] {
        let (_, ended) = with(text, words);
        let stderr = format!("{stderr}{hint}");
        assert_eq!(ended, Ended { stdout: String::new(), stderr, code: 1 }, "{text:?}");
    }
    // One that cannot be opened counts as absent, even by name.
    let (_, ended) = ours("mosquitto_pub -o /nonexistent -t a -n", &[], b"");
    assert_eq!((ended.stderr.as_str(), ended.code), ("", 0));
}

/// As a shell makes one of `-o <(…)`.
#[test]
fn an_options_file_may_be_a_pipe_and_has_a_limit() {
    let folder = tempfile::tempdir().unwrap();
    let pipe = folder.path().join("pipe");
    rustix::fs::mknodat(rustix::fs::CWD, &pipe, rustix::fs::FileType::Fifo, rustix::fs::Mode::RWXU, 0).unwrap();
    let writer = {
        let pipe = pipe.clone();
        std::thread::spawn(move || std::fs::write(pipe, "-t a\n-m x\n").unwrap())
    };
    let (packets, ended) = ours(&format!("mosquitto_pub -o {}", pipe.display()), &[], b"");
    writer.join().unwrap();
    assert_eq!(ended, Ended { stdout: String::new(), stderr: String::new(), code: 0 });
    assert_eq!(packets[0][1], message(0x30, "a", None, b"x"));

    let large = folder.path().join("large");
    std::fs::write(&large, "# comment\n".repeat(200_000)).unwrap();
    let (_, ended) = ours(&format!("mosquitto_pub -o {} -t a -n", large.display()), &[], b"");
    let stderr = format!("error: the options file `{}` has more than 1048576 bytes\n", large.display());
    assert_eq!(ended, Ended { stdout: String::new(), stderr, code: 1 });
}

#[test]
fn the_options_file_of_the_user_is_found_by_its_name() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join(".config")).unwrap();
    for place in [folder.path().join(".config"), folder.path().to_owned()] {
        std::fs::write(place.join("mosquitto_pub"), "-t from/file\n").unwrap();
    }
    for variable in ["XDG_CONFIG_HOME", "HOME"] {
        let stub = Stub::start(&[]);
        let mut command = called_as("mosquitto_pub", &["-h", "127.0.0.1", "-p", &stub.port.to_string(), "-m", "x"]);
        let ended = run(command.env(variable, folder.path()), b"");
        assert_eq!(ended, Ended { stdout: String::new(), stderr: String::new(), code: 0 });
        assert_eq!(stub.stop()[0][1], message(0x30, "from/file", None, b"x"));
    }
}

#[test]
fn a_connection_that_ends_in_the_middle_of_a_packet_was_lost() {
    for bytes in [&b"\x20"[..], b"\x20\x02", b"\x20\x02\0"] {
        let (_, ended) = ours("mosquitto_pub -t a -m x", &[last(CONNECT, bytes)], b"");
        assert!(ended.stderr.starts_with("Error: The connection was lost\n"), "{}", ended.stderr);
        assert_eq!((ended.stdout.as_str(), ended.code), ("", 7));
    }
}
