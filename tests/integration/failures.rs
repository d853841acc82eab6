//! Handshakes that fail, each with the finding that a person is told: real servers, real certificates.

use std::path::Path;

use moskit::diagnose::{self, Attempted, Finding, Sent, Unanswered};
use moskit::mqtt::packet::ProtocolVersion;
use moskit::net::tls::{self, Server, ServerOptions, alert_in};
use moskit::net::{ConnectError, Endpoint, Route, Stream, connect};
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair, date_time_ymd,
};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use crate::mosquitto::{Mosquitto, free_port};

/// 2026-11-21 13:46Z, for sentences; certificates are judged by the real clock.
const NOW: i64 = 1_795_268_760;

/// Writes `NAME.crt` and `NAME.key` and keeps what is needed to issue more.
struct Maker<'a> {
    folder: &'a Path,
}

struct Made {
    params: CertificateParams,
    key: KeyPair,
}

impl Maker<'_> {
    fn make(
        &self,
        file: &str,
        common_name: &str,
        issuer: Option<&Made>,
        change: impl FnOnce(&mut CertificateParams),
    ) -> Made {
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, common_name);
        params.use_authority_key_identifier_extension = issuer.is_some();
        params.not_after = date_time_ymd(2090, 1, 1);
        change(&mut params);
        let key = KeyPair::generate().unwrap();
        let certificate = match issuer {
            Some(issuer) => params.signed_by(&key, &Issuer::from_params(&issuer.params, &issuer.key)).unwrap(),
            None => params.self_signed(&key).unwrap(),
        };
        std::fs::write(self.folder.join(format!("{file}.crt")), certificate.pem()).unwrap();
        std::fs::write(self.folder.join(format!("{file}.key")), key.serialize_pem()).unwrap();
        Made { params, key }
    }

    fn root(&self, file: &str, common_name: &str) -> Made {
        self.make(file, common_name, None, |params| params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained))
    }

    fn leaf(&self, file: &str, issuer: &Made, change: impl FnOnce(&mut CertificateParams)) {
        self.make(file, file, Some(issuer), |params| {
            params.subject_alt_names = CertificateParams::new(vec!["localhost".to_owned()]).unwrap().subject_alt_names;
            change(params);
        });
    }
}

async fn handshake(folder: &Path, certificate: &str, cafile: &str) -> Finding {
    let options = ServerOptions {
        certificate: folder.join(format!("{certificate}.crt")),
        key: folder.join(format!("{certificate}.key")),
        ..ServerOptions::default()
    };
    let server = Server::new(options, &mut |_, _| None).unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let serve = async {
        let (tcp, _) = listener.accept().await.unwrap();
        server.accept(tcp.into()).await.unwrap_err();
    };
    let options = tls::Options { cafile: Some(folder.join(cafile)), ..tls::Options::default() };
    let route = Route {
        tls: Some(tls::Client::new(&options, &mut |_, _| None).unwrap()),
        ..Route::new(Endpoint::new("localhost", port).unwrap())
    };
    let (outcome, ()) = tokio::join!(connect(&route), serve);
    let Err(ConnectError::Tls(failure)) = outcome else { panic!("{certificate}: no TLS failure") };
    let attempted = Attempted { endpoint: &route.endpoint, tls: Some(&options), websocket: None, now: NOW };
    diagnose::tls::handshake(&failure, &attempted)
}

#[tokio::test]
async fn every_refusal_of_a_servers_certificate_has_its_own_id() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let maker = Maker { folder };
    let root = maker.root("ca", "Lab CA");
    maker.root("again", "Lab CA");
    maker.root("other", "Other CA");
    let intermediate = maker.make("middle", "Lab Intermediate", Some(&root), |params| {
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    });
    maker.leaf("good", &root, |_| {});
    maker.leaf("expired", &root, |params| params.not_after = date_time_ymd(2021, 1, 1));
    maker.leaf("future", &root, |params| params.not_before = date_time_ymd(2089, 1, 1));
    maker.leaf("elsewhere", &root, |params| {
        params.subject_alt_names =
            CertificateParams::new(vec!["mqtt.example.com".to_owned()]).unwrap().subject_alt_names;
    });
    maker.leaf("clients", &root, |params| params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth]);
    maker.leaf("below", &intermediate, |_| {});
    let old = maker.make("old", "Old CA", None, |params| {
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.not_after = date_time_ymd(2021, 1, 1);
    });
    maker.leaf("underold", &old, |_| {});
    let rows = [
        ("expired", "ca.crt", "cert.expired"),
        ("future", "ca.crt", "cert.not-yet-valid"),
        ("elsewhere", "ca.crt", "cert.hostname"),
        ("clients", "ca.crt", "cert.eku"),
        ("good", "other.crt", "ca.unknown"),
        ("good", "again.crt", "ca.same-name-other-key"),
        ("below", "ca.crt", "ca.unknown"),
        ("underold", "old.crt", "ca.expired"),
    ];
    for (certificate, cafile, id) in rows {
        let finding = handshake(folder, certificate, cafile).await;
        assert_eq!(finding.id, id, "{certificate} with {cafile}: {finding:?}");
        assert!(finding.fix.is_some(), "{certificate} with {cafile}: {finding:?}");
    }
    let finding = handshake(folder, "elsewhere", "ca.crt").await;
    assert_eq!(finding.what, "asked for `localhost`, but the certificate is for `mqtt.example.com`");
    let finding = handshake(folder, "good", "other.crt").await;
    assert!(finding.what.contains("the issuer `CN=Lab CA` is not in"), "{finding:?}");
    assert!(finding.evidence[0].contains("`CN=Other CA`"), "{finding:?}");
}

/// The end of a connection to which a CONNECT of nobody was sent.
const CLOSED: Unanswered<'static> = Unanswered {
    sent: Sent {
        version: ProtocolVersion::V311,
        username: false,
        password: false,
        client_id: true,
        will: false,
        scram: None,
    },
    first_bytes: b"",
    alert: None,
    seen: None,
    is_neither_tls_nor_http: false,
};

/// What mosquitto, which wants a certificate, lets us know about the one that we show.
async fn shown(folder: &Path, port: u16, certificate: Option<&str>) -> Finding {
    let file = |name: &str| folder.join(name);
    let options = tls::Options {
        cafile: Some(file("ca.crt")),
        identity: certificate.map(|name| (file(&format!("{name}.crt")), file(&format!("{name}.key")))),
        ..tls::Options::default()
    };
    let route = Route {
        tls: Some(tls::Client::new(&options, &mut |_, _| None).unwrap()),
        ..Route::new(Endpoint::new("localhost", port).unwrap())
    };
    let attempted = Attempted { endpoint: &route.endpoint, tls: Some(&options), websocket: None, now: NOW };
    let mut stream = match connect(&route).await {
        Ok(stream) => stream,
        Err(ConnectError::Tls(failure)) => return diagnose::tls::handshake(&failure, &attempted),
        Err(other) => panic!("{other:?}"),
    };
    let alert = match exchange(&mut stream).await {
        Ok(()) => panic!("{certificate:?} is accepted"),
        Err(error) => match alert_in(&error) {
            Some(alert) => Some(alert),
            None => stream.last_words().await,
        },
    };
    let seen = &stream.session().unwrap().seen;
    diagnose::unanswered(&Unanswered { alert, seen: Some(seen), ..CLOSED }, &attempted)
}

async fn exchange(stream: &mut Stream) -> std::io::Result<()> {
    stream.write_all(b"\x10\x0d\x00\x04MQTT\x04\x02\x00\x3c\x00\x01x").await?;
    stream.flush().await?;
    stream.read_exact(&mut [0; 4]).await?;
    Ok(())
}

#[tokio::test]
async fn every_refusal_of_our_own_certificate_by_mosquitto_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let maker = Maker { folder };
    let root = maker.root("ca", "Lab CA");
    let other = maker.root("other", "Other CA");
    maker.leaf("server", &root, |_| {});
    maker.leaf("stranger", &other, |_| {});
    maker.leaf("expired", &root, |params| params.not_after = date_time_ymd(2021, 1, 1));
    maker.leaf("forservers", &root, |params| params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth]);
    let port = free_port();
    let configuration = format!(
        "listener {port} 127.0.0.1\nallow_anonymous true\ncafile ca.crt\ncertfile server.crt\nkeyfile server.key\n\
         require_certificate true\n"
    );
    let Some(_broker) = Mosquitto::start(folder, &configuration) else { return };
    let rows = [
        (None, "client.cert-required"),
        (Some("stranger"), "client.ca-unknown"),
        (Some("expired"), "client.expired"),
        (Some("forservers"), "client.eku"),
    ];
    for (certificate, id) in rows {
        let finding = shown(folder, port, certificate).await;
        assert_eq!(finding.id, id, "{certificate:?}: {finding:?}");
    }
}

#[tokio::test]
async fn tls_and_plain_listeners_taken_for_each_other_are_told() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let maker = Maker { folder };
    let root = maker.root("ca", "Lab CA");
    maker.leaf("server", &root, |_| {});
    let [plain, encrypted] = [(); 2].map(|()| free_port());
    let configuration = format!(
        "allow_anonymous true\nlistener {plain} 127.0.0.1\nlistener {encrypted} 127.0.0.1\n\
         certfile server.crt\nkeyfile server.key\n"
    );
    let Some(_broker) = Mosquitto::start(folder, &configuration) else { return };
    let finding = shown(folder, plain, None).await;
    // It hangs up without a byte, as servers with TLS may: only another look, in clear, can tell.
    assert_eq!(finding.id, "tls.unanswered", "{finding:?}");

    let endpoint = Endpoint::new("localhost", encrypted).unwrap();
    let mut stream = connect(&Route::new(endpoint.clone())).await.unwrap();
    stream.write_all(b"\x10\x0d\x00\x04MQTT\x04\x02\x00\x3c\x00\x01x").await.unwrap();
    let mut first_bytes = Vec::new();
    // The broker may reset the connection; what it said before counts.
    let _ = stream.read_to_end(&mut first_bytes).await;
    let attempted = Attempted { endpoint: &endpoint, tls: None, websocket: None, now: NOW };
    let ended = Unanswered { first_bytes: &first_bytes, ..CLOSED };
    let finding = diagnose::unanswered(&ended, &attempted);
    // OpenSSL hangs up without a word; on another port than 8883 nothing more can be known.
    assert_eq!((finding.id, first_bytes.as_slice()), ("proto.closed", &b""[..]));
    assert!(finding.fix.unwrap().contains("--cafile"));
}
