//! Peers that are no brokers: `openssl s_server`, stubs, and a TLS server that writes down all it is told.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, UnixTime};
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::{DigitallySignedStruct, DistinguishedName, Error, ServerConfig, ServerConnection, SignatureScheme};

use crate::mosquitto::{free_port, installed};

/// Answers every connection with `talk` until the test ends.
pub fn stub(talk: impl Fn(TcpStream) + Send + Sync + Clone + 'static) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("127.0.0.1:{}", listener.local_addr().unwrap().port());
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let talk = talk.clone();
            std::thread::spawn(move || talk(stream));
        }
    });
    address
}

/// What a [`recorder`] was told.
#[derive(Debug, Default)]
pub struct Record {
    /// Every byte inside of TLS.
    pub inside: Vec<u8>,
    /// Every byte as it came, for what is sent in clear.
    pub outside: Vec<u8>,
    /// Certificates that clients showed.
    pub certificates: usize,
    pub handshakes: usize,
}

/// A TLS server on `server.crt` and `server.key` of `folder` that asks for a certificate, takes any, accepts
/// every CONNECT, hangs up after it, and writes everything down.
pub fn recorder(folder: &Path) -> (u16, Arc<Mutex<Record>>) {
    recorder_that(folder, |version| if version == 5 { b"\x20\x03\0\0\0" } else { b"\x20\x02\0\0" })
}

/// The same, with what `answer` has for a CONNECT of a version; nothing: it hangs up.
pub fn recorder_that(folder: &Path, answer: fn(u8) -> &'static [u8]) -> (u16, Arc<Mutex<Record>>) {
    let chain = CertificateDer::pem_file_iter(folder.join("server.crt")).unwrap().map(Result::unwrap).collect();
    let key = PrivateKeyDer::from_pem_file(folder.join("server.key")).unwrap();
    let record = Arc::new(Mutex::new(Record::default()));
    let config = ServerConfig::builder_with_provider(Arc::new(rustls::crypto::aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_client_cert_verifier(Arc::new(Curious(record.clone())))
        .with_single_cert(chain, key)
        .unwrap();
    let (config, told) = (Arc::new(config), record.clone());
    let address = stub(move |stream| record_one(stream, &config, &told, answer));
    (address.rsplit(':').next().unwrap().parse().unwrap(), record)
}

fn record_one(
    mut stream: TcpStream,
    config: &Arc<ServerConfig>,
    record: &Mutex<Record>,
    answer: fn(u8) -> &'static [u8],
) {
    stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    let mut tls = ServerConnection::new(config.clone()).unwrap();
    let mut was_handshaking = true;
    loop {
        let mut part = [0; 4096];
        let Ok(count @ 1..) = stream.read(&mut part) else { return };
        record.lock().unwrap().outside.extend_from_slice(&part[..count]);
        let mut input = &part[..count];
        while !input.is_empty() {
            if tls.read_tls(&mut input).is_err() || tls.process_new_packets().is_err() {
                let _ = tls.write_tls(&mut stream);
                return;
            }
        }
        if was_handshaking && !tls.is_handshaking() {
            was_handshaking = false;
            record.lock().unwrap().handshakes += 1;
        }
        let mut inside = [0; 4096];
        while let Ok(count @ 1..) = tls.reader().read(&mut inside) {
            record.lock().unwrap().inside.extend_from_slice(&inside[..count]);
            if inside[0] != 0x10 {
                // Whatever comes after CONNECT is no secret any more: nobody has to wait for its answer.
                return;
            }
            let is_v5 = inside[..count].windows(7).any(|part| part == b"\0\x04MQTT\x05");
            let connack = answer(if is_v5 { 5 } else { 4 });
            if connack.is_empty() {
                // What is left to say of the handshake goes out; then it hangs up without an alert.
                let _ = tls.write_tls(&mut stream);
                return;
            }
            let _ = tls.writer().write_all(connack);
        }
        if tls.write_tls(&mut stream).is_err() {
            return;
        }
    }
}

/// Takes any certificate, and counts them.
#[derive(Debug)]
struct Curious(Arc<Mutex<Record>>);

impl ClientCertVerifier for Curious {
    fn client_auth_mandatory(&self) -> bool {
        false
    }

    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &[]
    }

    fn verify_client_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        self.0.lock().unwrap().certificates += 1;
        Ok(ClientCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<rustls::client::danger::HandshakeSignatureValid, Error> {
        Ok(rustls::client::danger::HandshakeSignatureValid::assertion())
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<rustls::client::danger::HandshakeSignatureValid, Error> {
        self.verify_tls12_signature(message, certificate, signed)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        rustls::crypto::aws_lc_rs::default_provider().signature_verification_algorithms.supported_schemes()
    }
}

/// Listens until dropped.
pub struct Running(pub Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// `openssl s_server` with the given certificate and more options.
pub fn s_server(folder: &Path, more: &[&str]) -> Option<(Running, String)> {
    let program = installed("openssl")?;
    let port = free_port();
    let mut child = Command::new(program)
        .args([
            "s_server",
            "-accept",
            &format!("127.0.0.1:{port}"),
            "-cert",
            "server.crt",
            "-key",
            "server.key",
            "-quiet",
        ])
        .args(more)
        .current_dir(folder)
        // At the end of its input it would close the connection.
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let deadline = Instant::now() + Duration::from_secs(10);
    while TcpStream::connect(("127.0.0.1", port)).is_err() {
        assert!(child.try_wait().unwrap().is_none() && Instant::now() < deadline, "openssl s_server does not start");
        std::thread::yield_now();
    }
    Some((Running(child), format!("127.0.0.1:{port}")))
}

/// What a [`stub_broker`] does otherwise than a broker should.
#[derive(Clone, Copy, Debug, Default)]
pub struct Habits {
    /// The code of every CONNACK.
    pub connack: u8,
    /// Hangs up at CONNECT from so many connections on.
    pub closes_from: Option<usize>,
    /// The reason code of every PUBACK; then nothing is delivered.
    pub puback: u8,
    /// Acknowledges what nobody sent.
    pub acknowledges_nothing: bool,
    /// Sets a reserved bit among the flags of CONNACK.
    pub reserved_flag: bool,
    pub leaves_pings: bool,
    pub closes_at_ping: bool,
    /// Says in every CONNACK that it has a session.
    pub finds_session: bool,
    pub closes_at_subscribe: bool,
}

/// A broker that forgets every session at once, with `habits` of its own.
pub fn stub_broker(habits: Habits) -> String {
    let connections = Arc::new(Mutex::new(0));
    stub(move |stream| {
        let number = {
            let mut connections = connections.lock().unwrap();
            *connections += 1;
            *connections
        };
        // The end of the stream ends the conversation, as it should.
        let _ = serve(stream, habits, number);
    })
}

fn serve(mut stream: TcpStream, habits: Habits, number: usize) -> std::io::Result<()> {
    stream.set_read_timeout(Some(Duration::from_secs(20)))?;
    let mut is_v5 = false;
    let mut is_subscribed = false;
    loop {
        let (first, body) = read_packet(&mut stream)?;
        let answer: Vec<u8> = match first >> 4 {
            1 if habits.closes_from.is_some_and(|from| number >= from) => return Ok(()),
            1 => {
                is_v5 = body.get(6) == Some(&5);
                let mut answer = vec![0x20, 2, u8::from(habits.reserved_flag) << 1, habits.connack];
                answer[2] |= u8::from(habits.finds_session);
                if is_v5 {
                    answer[1] = 3;
                    answer.push(0);
                }
                if habits.acknowledges_nothing {
                    answer.extend([0x40, 2, 0, 77]);
                }
                answer
            }
            8 if habits.closes_at_subscribe => return Ok(()),
            8 => {
                is_subscribed = true;
                let properties: &[u8] = if is_v5 { &[0] } else { &[] };
                let length = 3 + properties.len() as u8;
                [&[0x90, length, body[0], body[1]], properties, &[1]].concat()
            }
            3 => {
                let topic = usize::from(u16::from_be_bytes([body[0], body[1]]));
                let id = &body[2 + topic..4 + topic];
                let mut answer = vec![0x40, 2, id[0], id[1]];
                if is_v5 && habits.puback != 0 {
                    answer[1] = 3;
                    answer.push(habits.puback);
                } else if is_subscribed {
                    answer.extend([first, body.len() as u8]);
                    answer.extend(&body);
                }
                answer
            }
            12 if habits.closes_at_ping => return Ok(()),
            12 if !habits.leaves_pings => vec![0xd0, 0],
            14 => return Ok(()),
            _ => Vec::new(),
        };
        stream.write_all(&answer)?;
        if habits.connack != 0 {
            return Ok(());
        }
    }
}

/// First byte and body of a packet of a few kilobytes.
pub fn read_packet(stream: &mut TcpStream) -> std::io::Result<(u8, Vec<u8>)> {
    let mut byte = [0];
    stream.read_exact(&mut byte)?;
    let first = byte[0];
    let (mut length, mut shift) = (0, 0);
    loop {
        stream.read_exact(&mut byte)?;
        length |= usize::from(byte[0] & 0x7f) << shift;
        shift += 7;
        if byte[0] & 0x80 == 0 || shift > 14 {
            break;
        }
    }
    let mut body = vec![0; length];
    stream.read_exact(&mut body)?;
    Ok((first, body))
}

/// A TLS server on `server.crt` and `server.key` of `folder` that acknowledges one message at QoS 1, and writes behind the
/// client's DISCONNECT bytes that are nothing of TLS.
pub fn one_who_ends_in_clear(folder: &Path) -> u16 {
    let chain = CertificateDer::pem_file_iter(folder.join("server.crt")).unwrap().map(Result::unwrap).collect();
    let key = PrivateKeyDer::from_pem_file(folder.join("server.key")).unwrap();
    let config = ServerConfig::builder_with_provider(Arc::new(rustls::crypto::aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .unwrap();
    let config = Arc::new(config);
    let address = stub(move |stream| {
        let mut tls = rustls::StreamOwned::new(ServerConnection::new(config.clone()).unwrap(), stream);
        let mut part = [0; 4096];
        while let Ok(count @ 1..) = tls.read(&mut part) {
            match part[0] {
                0x10 => tls.write_all(b"\x20\x02\0\0").unwrap(),
                0x32 => tls.write_all(b"\x40\x02\0\x01").unwrap(),
                _ => {}
            }
            if part[..count].ends_with(b"\xe0\0") {
                // Not before the client has ended its session too.
                while matches!(tls.read(&mut part), Ok(1..)) {}
                let _ = tls.sock.write_all(b"nothing of TLS");
                return;
            }
        }
    });
    address.rsplit(':').next().unwrap().parse().unwrap()
}
