//! The addresses of a broker: several hosts in turn, IPv6 with zones, sockets with TLS.

use std::io::{Read, Write};
use std::net::TcpListener;

use crate::mosquitto::{Mosquitto, free_port};
use crate::run::{Ended, called_as, moskit, run};
use crate::tls::tutorial;

fn publish(words: &[&str]) -> Ended {
    run(&mut moskit(&[&["pub", "-t", "a", "-n"], words].concat()), b"")
}

#[test]
fn hosts_are_tried_in_turn_and_each_failure_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let Some((_broker, port)) = Mosquitto::open(folder.path()) else { return };
    let port = port.to_string();
    // Nobody listens at 127.0.0.9.
    for hosts in [
        &["-h", "127.0.0.9,127.0.0.1"][..],
        &["-h", "127.0.0.9, no-such-host.invalid ,localhost"],
        &["-h", "127.0.0.9", "-h", "127.0.0.1"],
        &["-L", "mqtt://127.0.0.9/b", "-h", "127.0.0.9", "-h", "[::ffff:127.0.0.1]"],
    ] {
        let sent = publish(&[hosts, &["-p", &port]].concat());
        assert_eq!((&*sent.stdout, &*sent.stderr, sent.code), ("", "", 0), "{hosts:?}");
    }
    let failed = publish(&["-h", "127.0.0.9,no-such-host.invalid", "-p", &port]);
    assert!(failed.stderr.starts_with("Unable to connect (No host could be reached).\n"), "{failed:?}");
    for said in
        ["none of 2 hosts", "127.0.0.9:", "[net.refused]; ", "`no-such-host.invalid`", "[net.dns]", "[net.no-host]"]
    {
        assert!(failed.stderr.contains(said), "{said}: {failed:?}");
    }
    assert_eq!(failed.code, 1);
    let seventeen = vec!["127.0.0.9"; 17].join(",");
    let failed = publish(&["-h", &seventeen, "-p", &port]);
    assert!(failed.stderr.contains("more than 16 hosts") && failed.code == 1, "{failed:?}");
    let failed = publish(&["-h", "127.0.0.9,,127.0.0.1", "-p", &port]);
    assert_ne!(failed.code, 0, "an empty name is no host: {failed:?}");

    // A host of the options file is not among those that are typed.
    let file = folder.path().join("options");
    std::fs::write(&file, "-h 127.0.0.1\n").unwrap();
    let failed = publish(&["-o", file.to_str().unwrap(), "-h", "127.0.0.9", "-p", &port]);
    assert!(failed.stderr.contains("127.0.0.9") && failed.code == 1, "{failed:?}");
    let ended = run(&mut called_as("mosquitto_pub", &["-t", "a", "-n", "-h", "127.0.0.9,127.0.0.1", "-p", &port]), b"");
    assert!(ended.stderr.starts_with("Unable to connect (Lookup error).\n") && ended.code == 1, "{ended:?}");
    let ended = run(
        &mut called_as("mosquitto_pub", &["-t", "a", "-n", "-h", "127.0.0.9", "-h", "127.0.0.1", "-p", &port]),
        b"",
    );
    assert_eq!(ended.code, 0, "the last one counts: {ended:?}");
    let ended = run(&mut moskit(&["check", "-h", "127.0.0.9,127.0.0.1", "-p", &port]), b"");
    assert!(ended.stderr.contains("one broker is asked at a time") && ended.code != 0, "{ended:?}");
}

/// A host at `address` that answers each CONNECT with `connack`, until the test ends.
fn refusing(address: &str, port: u16, connack: &'static [u8]) {
    let listener = TcpListener::bind((address, port)).unwrap();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let Ok(mut stream) = stream else { return };
            let mut read = [0; 512];
            let _ = stream.read(&mut read).and_then(|_| stream.write_all(connack));
            // Closed with bytes unread it would be reset, and what was written might not be read.
            while matches!(stream.read(&mut read), Ok(1..)) {}
        }
    });
}

#[test]
fn a_host_that_takes_nobody_for_now_is_passed_over() {
    let folder = tempfile::tempdir().unwrap();
    let codes: [(&'static [u8], &str, u8, bool); 9] = [
        (b"\x20\x02\x00\x03", "311", 3, true),
        (b"\x20\x03\x00\x88\x00", "5", 136, true),
        (b"\x20\x03\x00\x89\x00", "5", 137, true),
        (b"\x20\x03\x00\x9c\x00", "5", 156, true),
        (b"\x20\x03\x00\x9d\x00", "5", 157, true),
        (b"\x20\x02\x00\x04", "311", 4, false),
        (b"\x20\x02\x00\x05", "311", 5, false),
        (b"\x20\x03\x00\x86\x00", "5", 134, false),
        (b"\x20\x03\x00\x87\x00", "5", 135, false),
    ];
    for (connack, version, code, goes_on) in codes {
        let Some((_broker, port)) = Mosquitto::open(folder.path()) else { return };
        refusing("127.0.0.2", port, connack);
        let port = port.to_string();
        let words = ["-V", version, "-p", &port, "-u", "ann", "-P", "x", "-h"];
        let sent = publish(&[&words[..], &["127.0.0.2,127.0.0.1"]].concat());
        if !goes_on {
            assert_eq!(sent.code, i32::from(code), "{sent:?}");
            continue;
        }
        assert_eq!((&*sent.stdout, &*sent.stderr, sent.code), ("", "", 0), "{code}");
        let told = publish(&[&words[..], &["127.0.0.9,127.0.0.2,127.0.0.1", "-d"]].concat());
        assert!(told.stderr.contains(&format!("127.0.0.2:{port}: the broker refused it: ")), "{told:?}");
        assert!(told.stderr.contains("; asking the next host\n") && told.code == 0, "{told:?}");
        // The reason is what the broker said, and what became of the others is told.
        let failed = publish(&[&words[..], &["127.0.0.2,127.0.0.9"]].concat());
        assert_eq!(failed.code, i32::from(code), "{failed:?}");
        for said in [&*format!("127.0.0.2:{port}: the broker "), "(the other hosts: ", "127.0.0.9: Connection refused)"]
        {
            assert!(failed.stderr.contains(said), "{said}: {failed:?}");
        }
    }
}

#[test]
fn every_host_that_takes_nobody_is_asked_once_in_a_round() {
    let port = free_port();
    refusing("127.0.0.2", port, b"\x20\x02\x00\x03");
    refusing("127.0.0.3", port, b"\x20\x02\x00\x03");
    let port = port.to_string();
    let words = ["-p", &port, "-h", "127.0.0.2,127.0.0.3", "-d"];
    let failed = publish(&words);
    assert_eq!((failed.stdout.matches("sending CONNECT").count(), failed.code), (2, 3), "{failed:?}");
    // --retry begins a new round.
    let failed = publish(&[&words[..], &["--retry", "1,0.1"]].concat());
    assert_eq!((failed.stdout.matches("sending CONNECT").count(), failed.code), (4, 3), "{failed:?}");
}

#[test]
fn tls_verifies_the_name_that_was_typed_for_the_host_that_is_reached() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    tutorial(folder);
    let port = free_port();
    let socket = folder.join("mqtt.sock");
    let files = "cafile ca.crt\ncertfile server.crt\nkeyfile server.key\n";
    let configuration =
        format!("allow_anonymous true\nlistener {port}\n{files}listener 0 {}\n{files}", socket.display());
    let Some(_broker) = Mosquitto::start(folder, &configuration) else { return };
    let (ca, port) = (folder.join("ca.crt"), port.to_string());
    let tls = ["-p", &port, "--cafile", ca.to_str().unwrap()];
    let sent = publish(&[&["-h", "127.0.0.9,localhost"], &tls[..]].concat());
    assert_eq!((&*sent.stderr, sent.code), ("", 0));
    // It is the same server at each address, whose certificate is for neither of these.
    let failed = publish(&[&["-h", "127.0.0.9", "-h", "127.0.0.8"], &tls[..]].concat());
    assert_eq!(failed.stderr.matches("[cert.hostname]").count(), 2, "{failed:?}");
    assert!(failed.stderr.contains("[net.no-host]") && failed.code == 1, "{failed:?}");
    // A socket has no name: its server may be anybody whom the CA vouches for.
    let way = ["--unix", socket.to_str().unwrap(), "--cafile", ca.to_str().unwrap()];
    let sent = publish(&way);
    assert_eq!((&*sent.stderr, sent.code), ("", 0), "{sent:?}");
    let wrong = folder.join("client.crt");
    let failed = publish(&["--unix", socket.to_str().unwrap(), "--cafile", wrong.to_str().unwrap()]);
    assert!(failed.stderr.starts_with("Unable to connect (A TLS error occurred).\n") && failed.code == 1, "{failed:?}");
    let failed = publish(&["--unix", socket.to_str().unwrap(), "--proxy", "http://127.0.0.1:1"]);
    assert!(failed.stderr.contains("--proxy leads to no unix socket") && failed.code == 1, "{failed:?}");
}

/// A link-local address of this machine with its interface.
fn link_local() -> Option<(String, String)> {
    let table = std::fs::read_to_string("/proc/net/if_inet6").unwrap_or_default();
    table.lines().find_map(|line| {
        let mut fields = line.split_ascii_whitespace();
        let digits = fields.next().filter(|digits| digits.starts_with("fe80"))?;
        let groups: Vec<_> = digits.as_bytes().chunks(4).map(|group| str::from_utf8(group).unwrap()).collect();
        Some((groups.join(":"), fields.last()?.to_owned()))
    })
}

#[test]
fn an_address_of_one_link_is_reached_by_its_interface_wherever_it_is_written() {
    let folder = tempfile::tempdir().unwrap();
    let port = free_port();
    let Some(_broker) = Mosquitto::start(folder.path(), &format!("allow_anonymous true\nlistener {port}\n")) else {
        return;
    };
    let port = port.to_string();
    let unknown = publish(&["-h", "fe80::1%nowhere9", "-p", &port]);
    assert!(unknown.stderr.contains("[net.zone]") && unknown.stderr.contains("nowhere9"), "{unknown:?}");
    let Some((address, interface)) = link_local() else {
        eprintln!("SKIPPED: no interface has an IPv6 address of its link");
        return;
    };
    let [plain, encoded] = ["%", "%25"].map(|sign| format!("{address}{sign}{interface}"));
    let bare = publish(&["-h", &address, "-p", &port]);
    assert!(bare.stderr.contains("[net.zone]") && bare.code == 1, "{bare:?}");
    for words in [
        vec!["-h".to_owned(), plain.clone(), "-p".to_owned(), port.clone()],
        vec!["-h".to_owned(), format!("[{plain}]"), "-p".to_owned(), port.clone()],
        vec!["-L".to_owned(), format!("mqtt://[{encoded}]:{port}/a")],
        vec!["-L".to_owned(), format!("mqtt://[{plain}]:{port}/a")],
        vec![
            "-h".to_owned(),
            format!("127.0.0.9,{plain}"),
            "-p".to_owned(),
            port.clone(),
            "-A".to_owned(),
            plain.clone(),
        ],
    ] {
        let words: Vec<_> = words.iter().map(String::as_str).collect();
        let sent = publish(&words);
        assert_eq!((&*sent.stderr, sent.code), ("", 0), "{words:?}");
    }
    for words in [
        ["check".to_owned(), format!("[{plain}]:{port}")],
        ["check".to_owned(), format!("mqtt://[{encoded}]:{port}")],
        ["qshape".to_owned(), format!("mqtt://[{encoded}]:{port}")],
    ] {
        let words: Vec<_> = words.iter().map(String::as_str).collect();
        let ended = run(&mut moskit(&words), b"");
        assert_eq!(ended.code, 0, "{words:?}: {ended:?}");
    }
    let mut by_variable = moskit(&["pub", "-t", "a", "-n"]);
    let ended = run(by_variable.env("MQTT_HOST", format!("[{plain}]")).env("MQTT_PORT", &port), b"");
    assert_eq!(ended.code, 0, "{ended:?}");
}

#[test]
fn a_host_that_sends_its_clients_away_is_passed_over() {
    let folder = tempfile::tempdir().unwrap();
    let Some((_broker, port)) = Mosquitto::open(folder.path()) else { return };
    // It accepts, and then says DISCONNECT.
    refusing("127.0.0.2", port, b"\x20\x03\x00\x00\x00\xe0\x01\x9c");
    refusing("127.0.0.3", port, b"\x20\x03\x00\x00\x00\xe0\x01\x9d");
    let port = port.to_string();
    for words in [
        &["pub", "-t", "a", "-q", "1", "-l", "--reconnect-max", "2"][..],
        &["pub", "-t", "a", "-q", "1", "-s", "--retry", "2,0.1"],
        &["sub", "-t", "a", "-E", "--reconnect-max", "2"],
    ] {
        let reach = ["-V", "5", "-p", &port, "-h"];
        let again: &[&str] = if words.contains(&"--retry") { &[] } else { &["--reconnect-wait", "0.1"] };
        let at = |hosts| run(&mut moskit(&[words, &reach, &[hosts], again].concat()), b"line\n");
        let ended = at("127.0.0.2,127.0.0.3,127.0.0.1");
        assert_eq!(ended.code, 0, "{words:?}: {ended:?}");
        // The only one that can be reached is asked again, and says the same.
        let ended = at("127.0.0.9,127.0.0.2");
        assert!(ended.stderr.contains("Use another server (reason code 156)") && ended.code == 4, "{ended:?}");
    }
}
