//! The bounds that `ARCHITECTURE.md` states for the memory of connections that are idle, over each kind of listener.

use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};

use crate::broker_verb::{Broker, text};
use crate::mosquitto::free_port;
use crate::run::{moskit, run};

/// Connections that are there before it is looked at: what all share is there then.
const FIRST: usize = 100;

/// Connections whose memory is looked at. With the first there are nearly as many as the broker's tables then have room for.
const COUNT: usize = 400;

/// What a connection may take, in bytes: what `ARCHITECTURE.md` says, and a third more for what tables leave behind when they grow.
const TCP: u64 = 2_000;
const WEBSOCKET: u64 = 2_700;
const TLS: u64 = 14_000;

/// Memory of the process that is no file's, in bytes. `None` where the system does not say.
fn memory(pid: u32) -> Option<u64> {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("RssAnon:"))?;
    Some(line.trim().strip_suffix(" kB")?.parse::<u64>().ok()? * 1024)
}

fn connect(id: &str) -> Vec<u8> {
    let mut packet = vec![0x10, 12 + id.len() as u8];
    packet.extend(b"\0\x04MQTT\x04\x02\0\0\0");
    packet.push(id.len() as u8);
    packet.extend(id.as_bytes());
    packet
}

fn tcp(port: u16) -> TcpStream {
    let stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
    stream.set_nodelay(true).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
    stream
}

/// Sends CONNECT and waits for CONNACK.
fn join<S: Read + Write>(mut stream: S, id: &str) -> S {
    stream.write_all(&connect(id)).unwrap();
    let mut connack = [0; 4];
    stream.read_exact(&mut connack).unwrap();
    assert_eq!(connack, [0x20, 2, 0, 0]);
    stream
}

fn websocket(port: u16, id: &str) -> TcpStream {
    let mut stream = tcp(port);
    let request = "GET /mqtt HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
                   Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Version: 13\r\n\
                   Sec-WebSocket-Protocol: mqtt\r\n\r\n";
    stream.write_all(request.as_bytes()).unwrap();
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        stream.read_exact(&mut byte).unwrap();
        head.extend(byte);
    }
    let packet = connect(id);
    // A frame whose mask is 0.
    let mut frame = vec![0x82, 0x80 | packet.len() as u8, 0, 0, 0, 0];
    frame.extend(packet);
    stream.write_all(&frame).unwrap();
    let mut connack = [0; 6];
    stream.read_exact(&mut connack).unwrap();
    assert_eq!(connack[2..], [0x20, 2, 0, 0]);
    stream
}

fn tls_config(folder: &Path) -> Arc<rustls::ClientConfig> {
    let mut roots = rustls::RootCertStore::empty();
    roots.add(CertificateDer::from_pem_file(folder.join("ca.crt")).unwrap()).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = rustls::ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    Arc::new(config.with_root_certificates(roots).with_no_client_auth())
}

/// Bytes that the broker takes for each connection of a kind; waits until that is within the bound, for handshakes give back
/// what they took a little after their answer.
fn each<S>(broker: &Broker, bound: u64, make: impl Fn(&str) -> S) -> Option<u64> {
    let _first: Vec<_> = (0..FIRST).map(|number| make(&format!("first{number}"))).collect();
    let before = memory(broker.pid())?;
    let _idle: Vec<_> = (0..COUNT).map(|number| make(&format!("idle{number}"))).collect();
    let end = Instant::now() + Duration::from_secs(10);
    loop {
        let each = memory(broker.pid())?.saturating_sub(before) / COUNT as u64;
        if each <= bound || Instant::now() > end {
            return Some(each);
        }
        std::thread::sleep(Duration::from_millis(50));
    }
}

#[test]
fn an_idle_connection_takes_no_more_than_is_stated() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let made = run(&mut moskit(&["certgen", "init", text(folder), "--hosts", "localhost"]), b"");
    assert_eq!(made.code, 0, "{made:?}");
    let (plain, web, secure) = (free_port(), free_port(), free_port());
    let certificates = folder.display();
    let configuration = format!(
        "allow_anonymous true\nlog_type none\nlistener {plain} 127.0.0.1\nlistener {web} 127.0.0.1\nprotocol websockets\n\
         listener {secure} 127.0.0.1\ncertfile {certificates}/server.crt\nkeyfile {certificates}/server.key\n"
    );
    let holds = |kind: &str, bound: u64, measure: &dyn Fn(&Broker, u64) -> Option<u64>| {
        let broker = Broker::configured(folder, &configuration);
        let each = measure(&broker, bound);
        broker.end();
        assert!(each.is_none_or(|each| each <= bound), "{each:?} bytes for each connection over {kind}");
    };
    holds("TCP", TCP, &|broker, bound| each(broker, bound, |id| join(tcp(plain), id)));
    holds("a WebSocket", WEBSOCKET, &|broker, bound| each(broker, bound, |id| websocket(web, id)));
    let (config, name) = (tls_config(folder), ServerName::try_from("localhost").unwrap());
    holds("TLS", TLS, &|broker, bound| {
        each(broker, bound, |id| {
            let session = rustls::ClientConnection::new(Arc::clone(&config), name.clone()).unwrap();
            join(rustls::StreamOwned::new(session, tcp(secure)), id)
        })
    });
}
