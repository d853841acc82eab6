//! Brokers without MQTT 5, without QoS 2, or that keep sessions and do not say so, and servers that ask for a
//! certificate and do without: what `check` and `pub` say of them. RabbitMQ 3, aedes and NATS behave in these ways.

use std::collections::HashMap;
use std::io::Write;
use std::net::TcpStream;
use std::sync::{Arc, Mutex};

use crate::check_files::{findings, report, write_kind};
use crate::mosquitto::{Mosquitto, free_port};
use crate::peers::{read_packet, recorder, recorder_that, stub};
use crate::run::{moskit, run};

/// How a broker that knows only 3.1.1 answers a CONNECT of version 5.
const WITHOUT_5: [(&str, &[u8]); 3] =
    [("hangs up", b""), ("answers as 3.1.1", b"\x20\x02\0\x01"), ("answers as 5", b"\x20\x03\0\x84\0")];

/// A broker that knows only 3.1.1.
#[derive(Clone, Copy, Debug)]
struct Old {
    /// The answer to version 5; empty: hangs up.
    to_5: &'static [u8],
    /// The code for everybody.
    connack: u8,
    /// For those without a login; else as `connack`.
    lets_anonymous_in: bool,
    /// Grants it at most, and hangs up at a message above it.
    maximum_qos: u8,
    /// Takes a message above it and acknowledges it as one of QoS 1, as RabbitMQ 3 does.
    acknowledges_2_as_1: bool,
    keeps_sessions: bool,
}

const GENEROUS: Old = Old {
    to_5: b"",
    connack: 0,
    lets_anonymous_in: true,
    maximum_qos: 1,
    acknowledges_2_as_1: false,
    keeps_sessions: false,
};

/// By client id the filter of its session, and what waits for it.
type Sessions = Arc<Mutex<HashMap<Vec<u8>, (Vec<u8>, Vec<Vec<u8>>)>>>;

fn start(old: Old) -> String {
    let sessions = Sessions::default();
    stub(move |stream| {
        // The end of the stream ends the conversation, as it should.
        let _ = serve(stream, old, &sessions);
    })
}

/// The field with its length in two bytes at `at`, and where the next begins.
fn field(body: &[u8], at: usize) -> (Vec<u8>, usize) {
    let end = at + 2 + usize::from(u16::from_be_bytes([body[at], body[at + 1]]));
    (body[at + 2..end].to_vec(), end)
}

fn serve(mut stream: TcpStream, old: Old, sessions: &Sessions) -> std::io::Result<()> {
    let (first, connect) = read_packet(&mut stream)?;
    if first != 0x10 {
        return Ok(());
    }
    if connect[6] == 5 {
        return stream.write_all(old.to_5);
    }
    let is_anonymous = connect[7] & 0x80 == 0;
    let (id, _) = field(&connect, 10);
    let code = if is_anonymous && old.lets_anonymous_in { 0 } else { old.connack };
    stream.write_all(&[0x20, 2, 0, code])?;
    if code != 0 {
        return Ok(());
    }
    let is_clean = connect[7] & 2 != 0;
    if is_clean || !old.keeps_sessions {
        sessions.lock().unwrap().remove(&id);
    }
    let waiting = sessions.lock().unwrap().get_mut(&id).map(|(_, waiting)| std::mem::take(waiting));
    for message in waiting.unwrap_or_default() {
        stream.write_all(&message)?;
    }
    loop {
        let (first, body) = read_packet(&mut stream)?;
        match first >> 4 {
            3 => {
                let qos = first >> 1 & 3;
                if qos > old.maximum_qos && !old.acknowledges_2_as_1 {
                    return Ok(());
                }
                let (topic, end) = field(&body, 0);
                if qos >= 1 {
                    stream.write_all(&[0x40, 2, body[end], body[end + 1]])?;
                }
                let message = [&[if qos == 0 { 0x30 } else { 0x32 }, body.len() as u8], &body[..]].concat();
                let mut sessions = sessions.lock().unwrap();
                let (own, others): (Vec<_>, Vec<_>) = sessions
                    .iter_mut()
                    .filter(|(_, (filter, _))| *filter == topic)
                    .partition(|(other, _)| **other == id);
                if !own.is_empty() {
                    stream.write_all(&message)?;
                }
                for (_, (_, waiting)) in others {
                    waiting.push(message.clone());
                }
            }
            8 => {
                let (filter, end) = field(&body, 2);
                sessions.lock().unwrap().insert(id.clone(), (filter, Vec::new()));
                stream.write_all(&[0x90, 3, body[0], body[1], body[end].min(old.maximum_qos)])?;
            }
            12 => stream.write_all(&[0xd0, 0])?,
            14 => return Ok(()),
            _ => {}
        }
    }
}

/// The cause, what is said of it, and the whole report as text.
fn cause(address: &str, words: &[&str]) -> (String, String, String) {
    let folder = tempfile::tempdir().unwrap();
    let (report, _) = report(&[&["check", address, "--timeout", "2"], words].concat(), folder.path());
    let word = |name: &str| report[name].as_str().unwrap_or_default().to_owned();
    (word("cause"), word("next"), report.to_string())
}

#[test]
fn a_refused_login_is_the_cause_whatever_the_broker_makes_of_version_5() {
    for (how, to_5) in WITHOUT_5 {
        for connack in [4, 5] {
            let strict = start(Old { to_5, connack, lets_anonymous_in: false, ..GENEROUS });
            let login = ["-u", "ann", "-P", "wrong"];
            for (words, next) in
                [(&login[..], "verify the login"), (&login[..2], "give the password"), (&[], "give the login")]
            {
                let (cause, fix, report) = cause(&strict, words);
                assert_eq!(cause, "auth.refused", "{how}: {report}");
                assert!(fix.starts_with(next), "{how} {words:?}: {fix}");
                assert!(!report.contains("-V mqttv5") && !report.contains("want TLS"), "{how}: {report}");
            }
            let open = start(Old { to_5, connack, ..GENEROUS });
            let (cause, _, report) = cause(&open, &login);
            assert_eq!(cause, "auth.refused", "{how}: {report}");
            assert!(report.contains("without a login the broker lets us in"), "{how}: {report}");
        }
        let (none, _, report) = cause(&start(Old { to_5, ..GENEROUS }), &["-t", "a"]);
        assert_eq!(none, "", "{how}: {report}");
        assert!(report.contains("no MQTT 5"), "{how}: {report}");
    }
}

#[test]
fn our_broker_without_version_5_names_the_login() {
    let folder = tempfile::tempdir().unwrap();
    let made = run(moskit(&["passwd", "-c", "-b", "passwords", "ann", "right"]).current_dir(folder.path()), b"");
    assert_eq!(made.code, 0, "{made:?}");
    let configuration = format!(
        "listener {} 127.0.0.1\naccept_protocol_versions 4\nallow_anonymous false\npassword_file passwords\n",
        free_port()
    );
    std::fs::write(folder.path().join("ours.conf"), configuration).unwrap();
    // Each check starts the broker in itself.
    let words = ["check", "--embedded=ours.conf", "-u", "ann", "-P"];
    let (wrong, code) = report(&[&words[..], &["wrong"]].concat(), folder.path());
    assert_eq!((wrong["cause"].as_str(), code), (Some("auth.refused"), 1), "{wrong:#}");
    let (right, code) = report(&[&words[..], &["right", "-t", "a"]].concat(), folder.path());
    assert_eq!((right["cause"].as_str(), code), (None, 0), "{right:#}");
}

#[test]
fn a_broker_without_qos_2_is_told_so() {
    let broker = start(GENEROUS);
    let (cause, next, report) = cause(&broker, &["-t", "a", "-q", "2"]);
    assert_eq!((cause.as_str(), next.as_str()), ("limits", "use -q 1"), "{report}");
    assert!(report.contains("subscribe.lower-qos"), "{report}");
    for qos in ["0", "1"] {
        let (cause, _, report) = self::cause(&broker, &["-t", "a", "-q", qos]);
        assert_eq!(cause, "", "{report}");
        assert!(!report.contains("lower-qos"), "{report}");
    }
}

#[test]
fn a_message_of_qos_2_that_is_acknowledged_as_one_of_qos_1_is_no_success() {
    let broker = start(Old { acknowledges_2_as_1: true, ..GENEROUS });
    let (cause, next, report) = cause(&broker, &["-t", "a", "-q", "2"]);
    assert_eq!((cause.as_str(), next.as_str()), ("limits", "use -q 1"), "{report}");
    assert!(report.contains("with PUBACK") && report.contains("subscribe.lower-qos"), "{report}");
    let (host, port) = broker.rsplit_once(':').unwrap();
    let words = ["pub", "-h", host, "-p", port, "-t", "a", "-m", "x", "-q"];
    let ended = run(&mut moskit(&[&words[..], &["2"]].concat()), b"");
    assert!(ended.stderr.contains("[proto.violation]\nhint: RabbitMQ 3 answers messages of QoS 2 so"), "{ended:?}");
    assert_eq!(ended.code, 2);
    assert_eq!(run(&mut moskit(&[&words[..], &["1"]].concat()), b"").code, 0);
}

#[test]
fn qos_2_is_tried_as_it_was_asked_for() {
    let folder = tempfile::tempdir().unwrap();
    let Some((_broker, port)) = Mosquitto::open(folder.path()) else { return };
    for (qos, level) in [("0", 1), ("1", 1), ("2", 2)] {
        let (report, code) = report(&["check", &format!("127.0.0.1:{port}"), "-t", "a", "-q", qos], folder.path());
        let access = report["stages"].as_array().unwrap().iter().find(|stage| stage["name"] == "access").unwrap();
        assert_eq!((access["facts"]["qos"].as_i64(), code), (Some(level), 0), "{report:#}");
        assert!(access["facts"]["loop"].is_string(), "{report:#}");
    }
}

#[test]
fn a_session_is_kept_if_its_message_comes_whatever_session_present_says() {
    let folder = tempfile::tempdir().unwrap();
    let asked = |old: Old, words: &[&str]| {
        let address = start(old);
        let (report, code) = report(&[&["check", &address, "--timeout", "2"], words].concat(), folder.path());
        assert_eq!(code, 0, "{report:#}");
        let stages = report["stages"].as_array().unwrap();
        let kept = stages.iter().find(|stage| stage["name"] == "session").unwrap()["facts"]["kept"].as_bool();
        (kept, findings(&report).into_iter().filter(|found| found.starts_with("session.")).collect::<Vec<_>>())
    };
    let keeps = Old { keeps_sessions: true, ..GENEROUS };
    assert_eq!(asked(keeps, &["-t", "a"]), (Some(true), vec!["session.present-wrong note".to_owned()]));
    assert_eq!(asked(GENEROUS, &["-t", "a"]), (Some(false), vec!["session.not-kept warning".to_owned()]));
    for old in [keeps, GENEROUS] {
        assert_eq!(asked(old, &[]), (None, vec!["session.not-told note".to_owned()]));
    }
}

#[test]
fn a_certificate_that_was_asked_for_and_not_insisted_on_is_no_cause() {
    let folder = tempfile::tempdir().unwrap();
    write_kind("none", folder.path());
    let check = |port: u16, words: &[&str]| {
        let port = port.to_string();
        let place = ["check", "-h", "localhost", "-p", &port, "--cafile", "ca.crt", "--timeout", "2"];
        report(&[&place, words].concat(), folder.path()).0
    };
    // It takes 3.1.1 and hangs up on 5, as RabbitMQ does.
    let (port, _) = recorder_that(folder.path(), |version| if version == 5 { b"" } else { b"\x20\x02\0\0" });
    let only_311 = check(port, &[]);
    assert!(!only_311.to_string().contains("client.cert-required"), "{only_311:#}");
    assert!(only_311.to_string().contains("it has probably no MQTT 5"), "{only_311:#}");
    // It refuses the login.
    let (port, _) = recorder_that(folder.path(), |version| if version == 5 { b"" } else { b"\x20\x02\0\x05" });
    assert_eq!(check(port, &[])["cause"], "auth.refused");
    // It hangs up on everybody: nobody knows why.
    let (port, _) = recorder_that(folder.path(), |_| b"");
    let silent = check(port, &[]);
    assert_eq!(silent["cause"], "proto.closed", "{silent:#}");
    let next = silent["next"].as_str().unwrap();
    assert!(next.starts_with("it may not speak MQTT 5") && next.contains("insist on the client certificate"), "{next}");
    let own = ["--cert", "client.crt", "--key", "client.key"];
    let silent = check(port, &own);
    assert!(silent["next"].as_str().unwrap().contains("refuse the client certificate"), "{silent:#}");
    let port = port.to_string();
    let place = ["pub", "-h", "localhost", "-p", &port, "--cafile", "ca.crt", "-t", "t", "-m", "m"];
    let ended = run(moskit(&place).current_dir(folder.path()), b"");
    let said = ended.stderr.replace('\n', " ");
    assert!(ended.code == 7 && said.contains("[proto.closed]") && !said.contains("cert-required"), "{ended:?}");
    // One that takes everybody.
    let (port, _) = recorder(folder.path());
    assert!(check(port, &[])["stages"][4]["facts"]["mqtt_5"] == "accepted");
}
