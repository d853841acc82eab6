//! TLS between our client, our server and Debian's mosquitto, with certificates as people make them.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use moskit::net::tls::{self, Alert, Cause, Checks, OptionsError, Server, ServerOptions, Version};
use moskit::net::{ConnectError, Endpoint, Route, Stream, connect};
use moskit::pki::chain::Warning;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use zeroize::Zeroizing;

use crate::keys::openssl;
use crate::mosquitto::{Mosquitto, free_port, installed};

/// CONNECT of MQTT 3.1.1 with the client id `x`, and the CONNACK that lets it in.
const CONNECT: &[u8] = b"\x10\x0d\x00\x04MQTT\x04\x02\x00\x3c\x00\x01x";
pub const CONNACK: &[u8] = b"\x20\x02\x00\x00";

/// The certificates of the well-known tutorial: CA by `req -x509`, server and client by `x509 -req`,
/// which makes X.509 v1 without subjectAltName; the client's key under a passphrase with 3DES.
/// Made once, since RSA keys take their time.
pub fn tutorial(folder: &Path) {
    static MADE: OnceLock<tempfile::TempDir> = OnceLock::new();
    let made = MADE.get_or_init(|| {
        let folder = tempfile::tempdir().unwrap();
        for words in [
            "req -new -x509 -days 360 -extensions v3_ca -keyout ca.key -out ca.crt -passout pass:ca -subj /CN=Lab_CA",
            "genrsa -out server.key 2048",
            "req -out server.csr -key server.key -new -subj /CN=localhost",
            "x509 -req -in server.csr -CA ca.crt -CAkey ca.key -CAcreateserial -out server.crt -days 360 -passin pass:ca",
            "genrsa -des3 -out client.key -passout pass:client 2048",
            "req -out client.csr -key client.key -new -subj /CN=client -passin pass:client",
            "x509 -req -in client.csr -CA ca.crt -CAkey ca.key -CAcreateserial -out client.crt -days 360 -passin pass:ca",
        ] {
            openssl(folder.path(), words);
        }
        folder
    });
    for entry in std::fs::read_dir(made.path()).unwrap() {
        let entry = entry.unwrap();
        std::fs::copy(entry.path(), folder.join(entry.file_name())).unwrap();
    }
}

/// A folder with these certificates, where there is an openssl to make them.
fn folder_of_tutorial() -> Option<tempfile::TempDir> {
    installed("openssl")?;
    let folder = tempfile::tempdir().unwrap();
    tutorial(folder.path());
    Some(folder)
}

fn options(folder: &Path) -> tls::Options {
    tls::Options { cafile: Some(folder.join("ca.crt")), ..tls::Options::default() }
}

fn with_identity(folder: &Path) -> tls::Options {
    tls::Options { identity: Some((folder.join("client.crt"), folder.join("client.key"))), ..options(folder) }
}

fn client(options: &tls::Options) -> tls::Client {
    tls::Client::new(options, &mut |_, _| Some(Zeroizing::new(b"client".to_vec()))).unwrap()
}

fn route(host: &str, port: u16, options: &tls::Options) -> Route {
    Route { tls: Some(client(options)), ..Route::new(Endpoint::new(host, port).unwrap()) }
}

pub async fn exchange(stream: &mut Stream) -> std::io::Result<[u8; 4]> {
    stream.write_all(CONNECT).await?;
    stream.flush().await?;
    let mut answer = [0; 4];
    stream.read_exact(&mut answer).await?;
    Ok(answer)
}

/// A TLS server of ours that accepts one connection and sends back what it reads.
async fn echo(options: ServerOptions) -> (u16, tokio::task::JoinHandle<Result<tls::TlsSession, tls::Failure>>) {
    let server = Server::new(options, &mut |_, _| None).unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let task = tokio::spawn(async move {
        let (tcp, _) = listener.accept().await.unwrap();
        let mut stream = server.accept(tcp.into()).await?;
        let session = stream.session().unwrap().clone();
        let mut bytes = [0; 64];
        while let Ok(length @ 1..) = stream.read(&mut bytes).await {
            stream.write_all(&bytes[..length]).await.unwrap();
            stream.flush().await.unwrap();
        }
        Ok(session)
    });
    (port, task)
}

fn server_options(folder: &Path) -> ServerOptions {
    ServerOptions {
        certificate: folder.join("server.crt"),
        key: folder.join("server.key"),
        cafile: Some(folder.join("ca.crt")),
        ..ServerOptions::default()
    }
}

#[tokio::test]
async fn the_tutorials_certificates_work_between_our_client_and_our_server() {
    let Some(folder) = folder_of_tutorial() else { return };
    let folder = folder.path();
    for version in [Version::Tls12, Version::Tls13] {
        let (port, server) =
            echo(ServerOptions { requires_certificate: true, alpn: vec!["mqtt".to_owned()], ..server_options(folder) })
                .await;
        let keylog = folder.join("keys.log");
        let options = tls::Options {
            minimum_version: version,
            alpn: vec!["mqtt".to_owned()],
            keylog: Some(keylog.clone()),
            ..with_identity(folder)
        };
        let mut stream = connect(&route("localhost", port, &options)).await.unwrap();
        let session = stream.session().unwrap();
        assert_eq!((session.version, session.cipher.as_str()), ("TLSv1.3", "TLS_AES_256_GCM_SHA384"));
        assert_eq!(session.alpn.as_deref(), Some("mqtt"));
        let verdict = session.seen.verdict.as_ref().unwrap();
        assert_eq!(verdict.warnings, [Warning::CommonNameOnly, Warning::Version1]);
        let asked: Vec<_> = session.seen.asked_for_certificate.iter().flatten().map(ToString::to_string).collect();
        assert_eq!(asked, ["CN=Lab_CA"]);
        stream.write_all(b"ping").await.unwrap();
        let mut answer = [0; 4];
        stream.read_exact(&mut answer).await.unwrap();
        assert_eq!(&answer, b"ping");
        stream.shutdown().await.unwrap();
        drop(stream);
        let session = server.await.unwrap().unwrap();
        assert_eq!(session.seen.peer().unwrap().common_name(), Some("client"));
        assert_eq!(session.seen.peer().unwrap().subject.rfc2253().as_deref(), Some("CN=client"));
        let secrets = std::fs::read_to_string(&keylog).unwrap();
        assert!(secrets.contains("CLIENT_HANDSHAKE_TRAFFIC_SECRET "), "{secrets}");
    }
}

#[tokio::test]
async fn the_tutorials_certificates_work_with_mosquitto() {
    let Some(folder) = folder_of_tutorial() else { return };
    let folder = folder.path();
    let port = free_port();
    let configuration = format!(
        "listener {port} 127.0.0.1\nallow_anonymous true\ncafile ca.crt\ncertfile server.crt\nkeyfile server.key\n\
         require_certificate true\n"
    );
    let Some(_broker) = Mosquitto::start(folder, &configuration) else { return };
    let mut stream = connect(&route("localhost", port, &with_identity(folder))).await.unwrap();
    assert_eq!(exchange(&mut stream).await.unwrap(), CONNACK);

    // Without a certificate TLS 1.3 lets us write before it refuses us.
    let mut stream = connect(&route("localhost", port, &options(folder))).await.unwrap();
    let error = exchange(&mut stream).await.unwrap_err();
    let alert = match tls::alert_in(&error) {
        Some(alert) => alert,
        None => stream.last_words().await.expect("the broker says why"),
    };
    assert_eq!(alert, Alert(116));
    assert!(stream.session().unwrap().seen.asked_for_certificate.is_some());
    assert!(!stream.session().unwrap().seen.sent_certificate);
}

#[tokio::test]
async fn a_wrong_name_is_refused_unless_only_the_name_is_not_checked() {
    let Some(folder) = folder_of_tutorial() else { return };
    let folder = folder.path();
    for (checks, accepted) in [(Checks::Everything, false), (Checks::NotTheName, true), (Checks::Nothing, true)] {
        let (port, server) = echo(server_options(folder)).await;
        let options = tls::Options { checks, ..options(folder) };
        let outcome = connect(&route("127.0.0.1", port, &options)).await;
        match outcome {
            Ok(stream) => {
                assert!(accepted, "{checks:?}");
                let verdict = stream.session().unwrap().seen.verdict.clone().unwrap();
                assert_eq!(verdict.problems[0].id(), "cert.hostname");
            }
            Err(ConnectError::Tls(failure)) => {
                assert!(!accepted, "{checks:?}: {failure}");
                assert!(matches!(failure.cause, Cause::Certificate), "{failure:?}");
                assert_eq!(failure.seen.verdict.unwrap().problems[0].id(), "cert.hostname");
                let theirs = server.await.unwrap().unwrap_err();
                assert!(matches!(theirs.cause, Cause::Alert(Alert(42))), "{theirs:?}");
            }
            Err(other) => panic!("{other:?}"),
        }
    }
}

#[tokio::test]
async fn not_checking_the_name_still_checks_the_chain_and_not_verifying_checks_nothing() {
    let Some(folder) = folder_of_tutorial() else { return };
    let folder = folder.path();
    openssl(folder, "req -new -x509 -nodes -days 360 -keyout other.key -out other.crt -subj /CN=Other_CA");
    for (checks, accepted) in [(Checks::NotTheName, false), (Checks::Nothing, true)] {
        let (port, _server) = echo(server_options(folder)).await;
        let options = tls::Options { checks, cafile: Some(folder.join("other.crt")), ..tls::Options::default() };
        let outcome = connect(&route("localhost", port, &options)).await;
        assert_eq!(outcome.is_ok(), accepted, "{checks:?}");
    }
}

#[tokio::test]
async fn what_ended_a_handshake_is_told_by_what_the_peer_had_sent() {
    let Some(folder) = folder_of_tutorial() else { return };
    let folder = folder.path();
    // Half a CONNACK is less than the head of a record; a ServerHello that breaks off is TLS.
    for (answer, speaks_tls) in [
        (&b""[..], None),
        (b"HTTP/1.1 400 Bad Request\r\n\r\n", Some(false)),
        (b"\x20\x02", Some(false)),
        (b"\xe0\x00", Some(false)),
        (b"\x16\x03\x03\x00\x7a\x02\x00", Some(true)),
    ] {
        let is_not_tls = speaks_tls == Some(false);
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let peer = tokio::spawn(async move {
            let (mut tcp, _) = listener.accept().await.unwrap();
            let mut hello = [0; 5];
            tcp.read_exact(&mut hello).await.unwrap();
            tcp.write_all(answer).await.unwrap();
        });
        let Err(ConnectError::Tls(failure)) = connect(&route("localhost", port, &options(folder))).await else {
            panic!("no TLS failure");
        };
        assert_eq!(matches!(failure.cause, Cause::NotTls), is_not_tls, "{failure:?}");
        assert_eq!(matches!(failure.cause, Cause::Closed), !is_not_tls, "{failure:?}");
        assert_eq!((failure.seen.speaks_tls(), &failure.seen.first_bytes[..]), (speaks_tls, answer));
        peer.await.unwrap();
    }
}

#[test]
fn files_that_do_not_fit_are_facts() {
    let Some(folder) = folder_of_tutorial() else { return };
    let folder = folder.path();
    let load = |certificate: &str, key: &str, passphrase: Option<&'static [u8]>| {
        let options = tls::Options { identity: Some((folder.join(certificate), folder.join(key))), ..options(folder) };
        tls::Client::new(&options, &mut |_, _| passphrase.map(|bytes| Zeroizing::new(bytes.to_vec()))).unwrap_err()
    };
    assert!(matches!(load("client.crt", "server.key", None), OptionsError::KeyMismatch { .. }));
    assert!(matches!(load("client.crt", "client.key", None), OptionsError::KeyEncrypted { .. }));
    assert!(matches!(load("client.crt", "client.key", Some(b"no")), OptionsError::KeyNotDecrypted { .. }));
    assert!(matches!(load("client.key", "client.key", None), OptionsError::File { .. }));
    assert!(matches!(load("client.crt", "client.crt", None), OptionsError::File { .. }));
    let chain: Vec<_> = ["ca.crt", "server.crt"].iter().map(|name| std::fs::read(folder.join(name)).unwrap()).collect();
    std::fs::write(folder.join("chain.crt"), chain.concat()).unwrap();
    assert!(matches!(load("chain.crt", "server.key", None), OptionsError::ChainOrder { .. }));
}

#[tokio::test]
async fn a_server_reloads_its_certificate_and_refuses_revoked_clients() {
    let Some(folder) = folder_of_tutorial() else { return };
    let folder = folder.path();
    std::fs::write(folder.join("index.txt"), "").unwrap();
    std::fs::write(
        folder.join("ca.cnf"),
        "[ca]\ndefault_ca=d\n[d]\ndatabase=index.txt\ndefault_md=sha256\ndefault_crl_days=9\n",
    )
    .unwrap();
    openssl(folder, "ca -config ca.cnf -cert ca.crt -keyfile ca.key -passin pass:ca -gencrl -out ca.crl");
    let options = ServerOptions {
        requires_certificate: true,
        revocation_list: Some(folder.join("ca.crl")),
        ..server_options(folder)
    };
    let server = Server::new(options, &mut |_, _| None).unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let try_once = async || {
        let route = route("localhost", port, &with_identity(folder));
        let (ours, theirs) = tokio::join!(connect(&route), async {
            let (tcp, _) = listener.accept().await.unwrap();
            server.accept(tcp.into()).await
        });
        (ours.unwrap().session().unwrap().seen.presented[0].clone(), theirs)
    };
    let (first, accepted) = try_once().await;
    accepted.unwrap();
    openssl(folder, "ca -config ca.cnf -cert ca.crt -keyfile ca.key -passin pass:ca -revoke client.crt");
    openssl(folder, "ca -config ca.cnf -cert ca.crt -keyfile ca.key -passin pass:ca -gencrl -out ca.crl");
    openssl(
        folder,
        "x509 -req -in server.csr -CA ca.crt -CAkey ca.key -CAcreateserial -out server.crt -passin pass:ca",
    );
    server.renew(server.read_again(&mut |_, _| None).unwrap());
    let (second, refused) = try_once().await;
    assert_ne!(first, second, "the new certificate is shown");
    assert!(matches!(refused.unwrap_err().cause, Cause::Certificate));
}

#[tokio::test]
async fn tls_1_2_works_with_an_x509_v1_certificate_and_the_cipher_asked_for() {
    let Some(folder) = folder_of_tutorial() else { return };
    let folder = folder.path();
    let port = free_port();
    let mut server = Command::new("openssl")
        .args(["s_server", "-tls1_2", "-rev", "-cert", "server.crt", "-key", "server.key", "-accept"])
        .arg(format!("127.0.0.1:{port}"))
        .current_dir(folder)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(server.stdout.take().unwrap()).lines();
    assert!(lines.any(|line| line.unwrap().starts_with("ACCEPT")), "s_server never listened");
    let suites = tls::Suites { tls12: Some("ECDHE-RSA-AES128-GCM-SHA256".to_owned()), tls13: None };
    let mut stream = connect(&route("localhost", port, &tls::Options { suites, ..options(folder) })).await.unwrap();
    let session = stream.session().unwrap();
    assert_eq!((session.version, session.cipher.as_str()), ("TLSv1.2", "ECDHE-RSA-AES128-GCM-SHA256"));
    stream.write_all(b"stressed\n").await.unwrap();
    let mut answer = [0; 9];
    stream.read_exact(&mut answer).await.unwrap();
    assert_eq!(&answer, b"desserts\n");
    // s_server serves one at a time.
    drop(stream);

    let newer = tls::Options { minimum_version: Version::Tls13, ..options(folder) };
    let Err(ConnectError::Tls(failure)) = connect(&route("localhost", port, &newer)).await else { panic!() };
    assert!(matches!(failure.cause, Cause::Alert(Alert(70))), "{failure:?}");
    server.kill().unwrap();
    server.wait().unwrap();
}

/// mosquitto writes session tickets and CONNACK apart, with Nagle's algorithm on: without quick
/// acknowledgements each exchange takes 40 ms and more.
#[tokio::test]
async fn an_exchange_over_tls_does_not_wait_for_delayed_acknowledgements() {
    let Some(folder) = folder_of_tutorial() else { return };
    let folder = folder.path();
    let port = free_port();
    let files = "cafile ca.crt\ncertfile server.crt\nkeyfile server.key";
    let configuration = format!("listener {port} 127.0.0.1\nallow_anonymous true\n{files}\n");
    let Some(_broker) = Mosquitto::start(folder, &configuration) else { return };
    let route = route("localhost", port, &options(folder));
    // With them each one would; a busy machine may take as long for many, and not for all.
    let mut shortest = Duration::MAX;
    for _ in 0..100 {
        let mut stream = connect(&route).await.unwrap();
        let start = Instant::now();
        assert_eq!(exchange(&mut stream).await.unwrap(), CONNACK);
        shortest = shortest.min(start.elapsed());
        if shortest < Duration::from_millis(25) {
            return;
        }
    }
    panic!("the shortest of all took {shortest:?}");
}
