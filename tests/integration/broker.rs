//! The embedded broker with clients that others wrote: Debian's mosquitto_pub and mosquitto_sub.

use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};

use moskit::broker::server::{Bind, Config, Running, start};

use crate::mosquitto::installed;

/// A broker in this process, on a port that the system chose.
pub fn broker() -> (Running, SocketAddr) {
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

/// Sends `count` messages at each QoS to itself and returns what came back, with rumqttc.
async fn echo_by_rumqttc(address: SocketAddr, count: usize) -> Vec<(rumqttc::QoS, String)> {
    use rumqttc::{AsyncClient, Event, MqttOptions, Packet, QoS};
    let options = MqttOptions::new("rumqttc", "127.0.0.1", address.port());
    let (client, mut events) = AsyncClient::new(options, 100);
    client.subscribe("echo", QoS::ExactlyOnce).await.unwrap();
    let mut received = Vec::new();
    while received.len() < 3 * count {
        match events.poll().await.unwrap() {
            Event::Incoming(Packet::SubAck(_)) => {
                for number in 0..count {
                    for qos in [QoS::AtMostOnce, QoS::AtLeastOnce, QoS::ExactlyOnce] {
                        client.publish("echo", qos, false, format!("{number}")).await.unwrap();
                    }
                }
            }
            Event::Incoming(Packet::Publish(publish)) => {
                received.push((publish.qos, String::from_utf8(publish.payload.to_vec()).unwrap()));
            }
            _ => {}
        }
    }
    received
}

#[test]
fn rumqttc_gets_every_message_once_and_in_order() {
    let (running, address) = broker();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let received = runtime.block_on(async {
        tokio::time::timeout(std::time::Duration::from_secs(30), echo_by_rumqttc(address, 20)).await.unwrap()
    });
    for qos in [rumqttc::QoS::AtMostOnce, rumqttc::QoS::AtLeastOnce, rumqttc::QoS::ExactlyOnce] {
        let texts: Vec<_> = received.iter().filter(|(of, _)| *of == qos).map(|(_, text)| text.clone()).collect();
        let expected: Vec<_> = (0..20).map(|number| number.to_string()).collect();
        assert_eq!(texts, expected, "{qos:?}");
    }
    running.stop();
}

/// Clients come and go, publish and vanish, for `time`; every message between the two that stay must arrive, in
/// order, and nobody else's session may be left over.
fn churn(time: std::time::Duration) {
    use rumqttc::{AsyncClient, Event, MqttOptions, Packet, QoS};
    let (running, address) = broker();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let end = std::time::Instant::now() + time;
        let churning = tokio::spawn(async move {
            use tokio::io::AsyncWriteExt;
            let mut round: u32 = 0;
            while std::time::Instant::now() < end {
                round += 1;
                let mut stream = tokio::net::TcpStream::connect(address).await.unwrap();
                let name = format!("{:04}", round % 50);
                let mut bytes = b"\x10\x10\x00\x04MQTT\x04\x02\x00\x0a\x00\x04".to_vec();
                bytes.extend(name.bytes());
                bytes.extend(b"\x82\x0a\x00\x01\x00\x05churn\x01\x32\x0a\x00\x05churn\x00\x01x");
                bytes.truncate(bytes.len() - (round % 7) as usize);
                stream.write_all(&bytes).await.unwrap();
                if round.is_multiple_of(3) {
                    tokio::task::yield_now().await;
                }
            }
        });
        let (client, mut events) = AsyncClient::new(MqttOptions::new("stays", "127.0.0.1", address.port()), 100);
        client.subscribe("kept", QoS::AtLeastOnce).await.unwrap();
        let (mut sent, mut received) = (0_u64, 0_u64);
        loop {
            if let Event::Incoming(packet) = events.poll().await.unwrap() {
                match packet {
                    Packet::Publish(publish) => {
                        assert_eq!(publish.payload, received.to_string());
                        received += 1;
                    }
                    Packet::SubAck(_) => {}
                    _ => continue,
                }
                // A busy machine may take longer than asked for a few messages.
                if std::time::Instant::now() < end || sent <= 10 {
                    client.publish("kept", QoS::AtLeastOnce, false, sent.to_string()).await.unwrap();
                    sent += 1;
                } else if received == sent {
                    break;
                }
            }
        }
        churning.await.unwrap();
        drop((client, events));
        let control = running.control();
        // Clean sessions end with their connections; those are noticed one by one.
        while control.statistics().await.unwrap().1.clients > 0 {
            tokio::task::yield_now().await;
        }
    });
    running.stop();
}

#[test]
fn churn_around_it_does_not_concern_a_flow() {
    churn(std::time::Duration::from_secs(1));
}

#[test]
#[ignore = "ten minutes"]
fn churn_around_it_does_not_concern_a_flow_for_ten_minutes() {
    churn(std::time::Duration::from_secs(600));
}
