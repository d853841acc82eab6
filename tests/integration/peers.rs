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
    let address = stub(move |stream| record_one(stream, &config, &told));
    (address.rsplit(':').next().unwrap().parse().unwrap(), record)
}

fn record_one(mut stream: TcpStream, config: &Arc<ServerConfig>, record: &Mutex<Record>) {
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
            let connack: &[u8] = if is_v5 { b"\x20\x03\0\0\0" } else { b"\x20\x02\0\0" };
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
