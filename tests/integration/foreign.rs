//! The broker with client libraries that others wrote and users have: paho-mqtt in Python, rumqttc in Rust; and logins by
//! SCRAM, of the broker and of our clients, with scramp in Python at the other end.
//!
//! paho and scramp are taken from `target/paho`, where `.ci/run` puts them:
//! `python3 -m venv target/paho && target/paho/bin/pip install 'paho-mqtt>=2.1,<3' 'scramp>=1.4,<2'`

use std::io::{BufRead, BufReader, Read};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use crate::broker_verb::{Broker, ended, text};
use crate::mosquitto::free_port;
use crate::run::{moskit, run};

const PATIENCE: Duration = Duration::from_secs(30);

/// A Python that has `module`; `None`, said aloud, when there is none, and a failure under `CI`.
fn python(module: &str) -> Option<PathBuf> {
    let python = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/paho/bin/python");
    let import = format!("import {module}");
    if !python.exists() || run(Command::new(&python).args(["-c", &import]), b"").code != 0 {
        assert!(std::env::var_os("CI").is_none(), "{module} is not in target/paho, and CI must not skip");
        eprintln!("SKIPPED: {module} is not in target/paho");
        return None;
    }
    Some(python)
}

/// What the dialogue prints when all goes well.
fn expected(version: &str) -> String {
    let of_version_5 = "assigned True 41\nproperties True 1 True\n\
                        properties text answer b'data' [('a', '1'), ('a', '2')]\nidentifier [7]\n";
    // 3.1 has no flag that would tell of it.
    let present = if version == "3" { "False" } else { "True" };
    let [before, after] = [
        "echo echo/0 0 0\necho echo/1 1 1000\necho echo/2 2 2000\nretained True old\ncleared 0\n\
         will will/mortal gone\nsession False\n",
        "shared 0 2\nshared 1 3\ndone\n",
    ];
    let posts = format!("session {present}\npost 1 letter 1\npost 2 letter 2\n");
    format!("{before}{posts}{}{after}", if version == "5" { of_version_5 } else { "" })
}

#[test]
fn paho_exchanges_everything_over_tcp_tls_and_websockets() {
    let Some(python) = python("paho.mqtt") else { return };
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let made = run(&mut moskit(&["certgen", "init", text(folder), "--hosts", "localhost"]), b"");
    assert_eq!(made.code, 0, "{made:?}");
    let [plain, tls, websockets, secure] = [(); 4].map(|()| free_port());
    let place = folder.display();
    let certificates = format!("certfile {place}/server.crt\nkeyfile {place}/server.key\n");
    let broker = Broker::configured(
        folder,
        &format!(
            "allow_anonymous true\nlistener {plain} localhost\nlistener {tls} localhost\n{certificates}\
             listener {websockets} localhost\nprotocol websockets\n\
             listener {secure} localhost\nprotocol websockets\n{certificates}"
        ),
    );
    let authority = folder.join("ca.crt");
    for (port, version, transport, cafile) in [
        (plain, "3", "tcp", None),
        (plain, "4", "tcp", None),
        (plain, "5", "tcp", None),
        (tls, "5", "tcp", Some(&authority)),
        (websockets, "4", "websockets", None),
        (websockets, "5", "websockets", None),
        (secure, "5", "websockets", Some(&authority)),
    ] {
        let mut command = Command::new(&python);
        command.arg(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/foreign/paho_dialogue.py"));
        command.args([&port.to_string(), version, transport]).args(cafile);
        assert_eq!(run(&mut command, b""), ended(&expected(version), "", 0), "version {version} over {transport}");
    }
    assert_eq!(broker.end().code, 0);
}

const SCRAM: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/foreign/scram_dialogue.py");
const MECHANISMS: [&str; 3] = ["SCRAM-SHA-1", "SCRAM-SHA-256", "SCRAM-SHA-512"];
/// Not of ASCII alone, for both sides prepare it.
const PASSWORD: &str = "p\u{e9}nc\u{ef}l \u{2167}";

#[test]
fn a_client_with_the_scram_of_others_logs_in_at_our_broker_and_again() {
    let Some(python) = python("scramp") else { return };
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("scram");
    let mechanisms = MECHANISMS.iter().flat_map(|name| ["--mechanism", *name]);
    let mut command = moskit(&["passwd", "--scram", "--stdin", "-c"]);
    assert_eq!(run(command.args(mechanisms).args([text(&file), "ann"]), PASSWORD.as_bytes()).code, 0);
    let broker = Broker::configured(
        folder.path(),
        &format!("listener {} 127.0.0.1\nallow_anonymous false\nscram_file {}\n", free_port(), file.display()),
    );
    let port = broker.port.to_string();
    for mechanism in MECHANISMS {
        let login =
            |password: &str| run(Command::new(&python).args([SCRAM, "client", &port, mechanism, "ann", password]), b"");
        let all = "CONNACK 0\nthe server is believed\n0xf0 0\nthe server is believed again\n";
        assert_eq!(login(PASSWORD), ended(all, "", 0), "{mechanism}");
        assert_eq!(login("pencil"), ended("CONNACK 135\n", "", 0), "{mechanism}");
    }
    assert_eq!(broker.end().code, 0);
}

#[test]
fn our_clients_log_in_at_a_server_with_the_scram_of_others_and_again() {
    let Some(python) = python("scramp") else { return };
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("pw");
    for mechanism in MECHANISMS {
        for (password, is_right) in [(PASSWORD, true), ("pencil", false)] {
            std::fs::write(&file, password).unwrap();
            let mut server = Command::new(&python)
                .args([SCRAM, "server", mechanism, PASSWORD])
                .stdout(Stdio::piped())
                .stderr(Stdio::null())
                .spawn()
                .unwrap();
            let mut said = BufReader::new(server.stdout.take().unwrap());
            let mut port = String::new();
            said.read_line(&mut port).unwrap();
            let words = ["pub", "-h", "127.0.0.1", "-p", port.trim_end(), "-u", "ann", "--pw-file", text(&file)];
            let message = ["--auth-method", mechanism, "-t", "a", "-m", "hello", "-q", "1"];
            // The second message goes when the login has been begun again.
            let twice = ["--repeat", "2", "--repeat-delay", "0.5", "--reauth", "0.2"];
            let sent = run(&mut moskit(&[&words[..], &message, &twice].concat()), b"");
            let mut rest = String::new();
            said.read_to_string(&mut rest).unwrap();
            server.wait().unwrap();
            if is_right {
                assert_eq!((sent.code, &*sent.stderr), (0, ""), "{mechanism}: {sent:?}");
                let again = rest.matches("logged in again\n").count();
                assert!(again >= 1, "{mechanism}: {rest}");
                let once = rest.replace("logged in again\n", "");
                assert_eq!(once, "logged in ann\npublished a hello\npublished a hello\nleft\n", "{mechanism}");
            } else {
                assert!(sent.code == 7 && rest.is_empty(), "{mechanism}: {sent:?} {rest}");
            }
        }
    }
}

/// rumqttc as a client of version 5.
mod five {
    use std::net::SocketAddr;

    use rumqttc::v5::mqttbytes::QoS;
    use rumqttc::v5::mqttbytes::v5::{LastWill, Packet, Publish, PublishProperties, SubscribeProperties};
    use rumqttc::v5::{AsyncClient, Event, EventLoop, MqttOptions};

    use super::PATIENCE;

    pub struct Talker {
        pub client: AsyncClient,
        events: EventLoop,
        pub session_present: bool,
    }

    impl Talker {
        pub async fn join(address: SocketAddr, name: &str, lasting: bool, will: Option<&str>) -> Self {
            let mut options = MqttOptions::new(name, "127.0.0.1", address.port());
            options.set_clean_start(!lasting).set_session_expiry_interval(lasting.then_some(1000));
            if let Some(topic) = will {
                options.set_last_will(LastWill::new(topic, "gone", QoS::AtLeastOnce, false, None));
            }
            let (client, events) = AsyncClient::new(options, 100);
            let mut talker = Self { client, events, session_present: false };
            let Packet::ConnAck(connack) = talker.wait(|packet| matches!(packet, Packet::ConnAck(_))).await else {
                unreachable!("it was waited for")
            };
            talker.session_present = connack.session_present;
            talker
        }

        /// Goes on until a packet comes that is `wanted`.
        pub async fn wait(&mut self, wanted: impl Fn(&Packet) -> bool) -> Packet {
            loop {
                let event = tokio::time::timeout(PATIENCE, self.events.poll()).await.unwrap().unwrap();
                if let Event::Incoming(packet) = event
                    && wanted(&packet)
                {
                    return packet;
                }
            }
        }

        pub async fn message(&mut self) -> Publish {
            match self.wait(|packet| matches!(packet, Packet::Publish(_))).await {
                Packet::Publish(publish) => publish,
                _ => unreachable!("it was waited for"),
            }
        }

        /// Topic, QoS, RETAIN and payload of the next message.
        pub async fn text(&mut self) -> (String, u8, bool, String) {
            let Publish { topic, qos, retain, payload, .. } = self.message().await;
            let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
            (text(&topic), qos as u8, retain, text(&payload))
        }

        pub async fn subscribe(&mut self, filter: &str, qos: QoS, identifier: Option<usize>) {
            let properties = SubscribeProperties { id: identifier, user_properties: Vec::new() };
            self.client.subscribe_with_properties(filter, qos, properties).await.unwrap();
            self.wait(|packet| matches!(packet, Packet::SubAck(_))).await;
        }

        pub async fn publish(
            &mut self,
            topic: &str,
            qos: QoS,
            retain: bool,
            payload: &str,
            properties: PublishProperties,
        ) {
            let payload = payload.to_owned();
            self.client.publish_with_properties(topic, qos, retain, payload, properties).await.unwrap();
            match qos {
                // The answer to a PINGREQ would do as well; QoS 0 is not used here.
                QoS::AtMostOnce => unreachable!("nothing would tell that it is sent"),
                QoS::AtLeastOnce => self.wait(|packet| matches!(packet, Packet::PubAck(_))).await,
                QoS::ExactlyOnce => self.wait(|packet| matches!(packet, Packet::PubComp(_))).await,
            };
        }

        pub async fn leave(mut self) {
            self.client.disconnect().await.unwrap();
            // The end of the connection is an error to its event loop.
            while tokio::time::timeout(PATIENCE, self.events.poll()).await.unwrap().is_ok() {}
        }
    }
}

async fn dialogue_of_version_5(address: SocketAddr) {
    use five::Talker;
    use rumqttc::v5::mqttbytes::QoS::{AtLeastOnce, ExactlyOnce};
    use rumqttc::v5::mqttbytes::v5::PublishProperties;
    let plain = PublishProperties::default;
    let message = |topic: &str, qos, retain, payload: &str| (topic.to_owned(), qos, retain, payload.to_owned());
    let mut publisher = Talker::join(address, "publisher", false, None).await;

    let mut listener = Talker::join(address, "listener", false, None).await;
    listener.subscribe("echo/#", ExactlyOnce, Some(7)).await;
    let adorned = PublishProperties {
        payload_format_indicator: Some(1),
        message_expiry_interval: Some(1000),
        content_type: Some("text".to_owned()),
        response_topic: Some("answer".to_owned()),
        correlation_data: Some("data".into()),
        user_properties: vec![("a".to_owned(), "1".to_owned()), ("a".to_owned(), "2".to_owned())],
        ..plain()
    };
    for qos in [AtLeastOnce, ExactlyOnce] {
        publisher.publish("echo/x", qos, false, "x", adorned.clone()).await;
        let got = listener.message().await;
        let expected = PublishProperties { subscription_identifiers: vec![7], ..adorned.clone() };
        assert_eq!((got.qos, got.properties), (qos, Some(expected)));
    }

    publisher.publish("kept", AtLeastOnce, true, "old", plain()).await;
    listener.subscribe("kept", AtLeastOnce, None).await;
    assert_eq!(listener.text().await, message("kept", 1, true, "old"));

    listener.subscribe("will", AtLeastOnce, None).await;
    drop(Talker::join(address, "mortal", false, Some("will")).await);
    assert_eq!(listener.text().await, message("will", 1, false, "gone"));

    let mut away = Talker::join(address, "away", true, None).await;
    assert!(!away.session_present);
    away.subscribe("post", ExactlyOnce, None).await;
    away.leave().await;
    publisher.publish("post", AtLeastOnce, false, "one", plain()).await;
    publisher.publish("post", ExactlyOnce, false, "two", plain()).await;
    let mut back = Talker::join(address, "away", true, None).await;
    assert!(back.session_present);
    assert_eq!(back.text().await, message("post", 1, false, "one"));
    assert_eq!(back.text().await, message("post", 2, false, "two"));

    for member in [&mut listener, &mut back] {
        member.subscribe("$share/group/work", AtLeastOnce, None).await;
    }
    for text in ["0", "1", "2"] {
        publisher.publish("work", AtLeastOnce, false, text, plain()).await;
    }
    assert_eq!(listener.text().await, message("work", 1, false, "0"));
    assert_eq!(back.text().await, message("work", 1, false, "1"));
    assert_eq!(listener.text().await, message("work", 1, false, "2"));
}

#[test]
fn rumqttc_exchanges_everything_in_version_5() {
    let (running, address) = crate::broker::broker();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async { tokio::time::timeout(PATIENCE, dialogue_of_version_5(address)).await.unwrap() });
    running.stop();
}
