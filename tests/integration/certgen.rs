//! `moskit certgen`: what it makes is judged by OpenSSL, by mosquitto and by rustls; what it refuses,
//! it says.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};

use crate::mosquitto::{Mosquitto, free_port, installed};
use crate::run::{Ended, moskit, run};

/// Every type of key that can be made.
const KEY_TYPES: [&str; 6] = ["p256", "p384", "rsa2048", "rsa3072", "rsa4096", "ed25519"];

/// Runs `moskit certgen` in `folder`.
pub fn certgen(folder: &Path, words: &str) -> Ended {
    let words: Vec<_> = ["certgen"].into_iter().chain(words.split_whitespace()).collect();
    run(moskit(&words).current_dir(folder), b"")
}

/// Runs `moskit certgen` and demands that it ends well; gives its standard output.
pub fn made(folder: &Path, words: &str) -> String {
    let ended = certgen(folder, words);
    assert_eq!(ended.code, 0, "certgen {words}: {ended:?}");
    ended.stdout
}

/// Runs `openssl` in `folder`: exit code, and both outputs as one text.
pub fn openssl(folder: &Path, words: &str) -> (i32, String) {
    let output = Command::new("openssl")
        .args(words.split_whitespace())
        .current_dir(folder)
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let text = [output.stdout, output.stderr].concat();
    (output.status.code().unwrap(), String::from_utf8_lossy(&text).into_owned())
}

fn verified(folder: &Path, words: &str) {
    let (code, text) = openssl(folder, &format!("verify -x509_strict -auth_level 2 {words}"));
    assert_eq!(code, 0, "{words}: {text}");
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o7777
}

fn names_in(folder: &Path) -> Vec<String> {
    let mut names: Vec<_> =
        fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

/// Server and client speak TLS in memory until both are done, or one of them says why not.
fn rustls_handshake(folder: &Path, host: &str, server: &str, client: &str) -> Result<(), rustls::Error> {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let certificates = |file: &str| -> Vec<CertificateDer<'static>> {
        CertificateDer::pem_file_iter(folder.join(file)).unwrap().map(Result::unwrap).collect()
    };
    let key = |stem: &str| PrivateKeyDer::from_pem_file(folder.join(format!("{stem}.key"))).unwrap();
    let mut roots = rustls::RootCertStore::empty();
    roots.add(certificates("ca.crt").remove(0)).unwrap();
    let roots = Arc::new(roots);
    let chain = |stem: &str| {
        let bundle = format!("{stem}-chain.crt");
        if folder.join(&bundle).exists() { certificates(&bundle) } else { certificates(&format!("{stem}.crt")) }
    };
    let clients =
        rustls::server::WebPkiClientVerifier::builder_with_provider(roots.clone(), provider.clone()).build().unwrap();
    let server = rustls::ServerConfig::builder_with_provider(provider.clone())
        .with_safe_default_protocol_versions()?
        .with_client_cert_verifier(clients)
        .with_single_cert(chain(server), key(server))?;
    let client = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots)
        .with_client_auth_cert(chain(client), key(client))?;
    let name = ServerName::try_from(host.to_owned()).unwrap();
    let mut client = rustls::ClientConnection::new(Arc::new(client), name)?;
    let mut server = rustls::ServerConnection::new(Arc::new(server))?;
    for _ in 0..10 {
        let mut bytes = Vec::new();
        while client.wants_write() {
            client.write_tls(&mut bytes).unwrap();
        }
        server.read_tls(&mut bytes.as_slice()).unwrap();
        server.process_new_packets()?;
        let mut bytes = Vec::new();
        while server.wants_write() {
            server.write_tls(&mut bytes).unwrap();
        }
        client.read_tls(&mut bytes.as_slice()).unwrap();
        client.process_new_packets()?;
        if !client.is_handshaking() && !server.is_handshaking() {
            return Ok(());
        }
    }
    panic!("the handshake does not end");
}

#[test]
fn init_makes_everything_that_a_broker_and_its_clients_need() {
    let folder = tempfile::tempdir().unwrap();
    let out = made(folder.path(), "init lab --hosts mqtt.lan,192.168.1.10,localhost --clients dev1,dev2 --port 8884");
    let lab = folder.path().join("lab");
    assert_eq!(
        names_in(&lab),
        [
            "ca-index.ndjson",
            "ca.crt",
            "ca.key",
            "dev1.crt",
            "dev1.key",
            "dev2.crt",
            "dev2.key",
            "mosquitto.conf",
            "server.crt",
            "server.key"
        ]
    );
    assert_eq!(mode(&lab), 0o700);
    for name in names_in(&lab) {
        let is_private = Path::new(&name).extension().is_some_and(|end| end == "key" || end == "ndjson");
        let wanted = if is_private { 0o600 } else { 0o644 };
        assert_eq!(mode(&lab.join(&name)), wanted, "{name}");
    }
    let configuration = fs::read_to_string(lab.join("mosquitto.conf")).unwrap();
    let shown: Vec<_> = configuration.lines().map(|line| format!("  {line}\n")).collect();
    assert!(out.contains(&shown.concat()), "{out}");
    let real = fs::canonicalize(&lab).unwrap();
    assert!(configuration.contains(&format!("listener 8884\ncafile {}/ca.crt\n", real.display())), "{configuration}");
    assert!(out.contains("moskit pub -h localhost -p 8884 --cafile lab/ca.crt --cert lab/dev1.crt --key lab/dev1.key"));
    if installed("openssl").is_some() {
        for host in ["-verify_hostname mqtt.lan", "-verify_ip 192.168.1.10", "-verify_hostname localhost"] {
            verified(&lab, &format!("-CAfile ca.crt -purpose sslserver {host} server.crt"));
        }
        verified(&lab, "-CAfile ca.crt -purpose sslclient dev1.crt");
        let (code, _) = openssl(&lab, "verify -CAfile ca.crt -purpose sslserver dev1.crt");
        assert_ne!(code, 0, "a client must not pass for a server");
    }
}

#[test]
fn every_key_type_passes_openssl_and_serves_rustls_and_mosquitto() {
    let folder = tempfile::tempdir().unwrap();
    for kind in KEY_TYPES {
        let lab = folder.path().join(kind);
        let port = free_port();
        made(
            folder.path(),
            &format!("init {kind} --hosts mqtt.lan,localhost,127.0.0.1 --clients dev1 --key {kind} --port {port}"),
        );
        for host in ["mqtt.lan", "127.0.0.1"] {
            rustls_handshake(&lab, host, "server", "dev1").unwrap_or_else(|error| panic!("{kind}: {error}"));
        }
        assert!(rustls_handshake(&lab, "other.lan", "server", "dev1").is_err());
        if installed("openssl").is_some() {
            verified(&lab, "-CAfile ca.crt -purpose sslserver -verify_hostname mqtt.lan server.crt");
            verified(&lab, "-CAfile ca.crt -purpose sslclient dev1.crt");
            let (code, text) = openssl(&lab, "pkey -in server.key -noout -check");
            assert!(code == 0 && text.contains("Key is valid"), "{kind}: {text}");
        }
        mosquitto_serves(&lab, port, kind);
    }
}

/// Debian's mosquitto runs on what `init` made, and lets in who has a certificate, by its common name.
fn mosquitto_serves(lab: &Path, port: u16, kind: &str) {
    let Some(publisher) = installed("mosquitto_pub") else { return };
    let configuration = fs::read_to_string(lab.join("mosquitto.conf")).unwrap();
    let Some(mut broker) = Mosquitto::start(lab, &configuration) else { return };
    let publish = |login: &str| {
        let words = format!("-h localhost -p {port} --cafile ca.crt {login} -t test -m hello -q 1 -i one");
        run(Command::new(&publisher).args(words.split_whitespace()).current_dir(lab), b"")
    };
    let ended = publish("--cert dev1.crt --key dev1.key");
    assert_eq!((ended.code, ended.stderr.as_str()), (0, ""), "{kind}");
    let line = broker.wait_for("as one");
    assert!(line.contains("u'dev1'"), "the common name is the user name: {line}");
    assert_ne!(publish("").code, 0, "without a certificate nobody gets in");
    broker.wait_for("peer did not return a certificate");
}

#[test]
fn an_intermediate_signs_and_the_chain_file_holds_what_servers_must_send() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    made(folder, "ca Lab --path-len 1");
    let ended = run(moskit(&["certgen", "ca", "Floor 2", "--parent", "ca.crt"]).current_dir(folder), b"");
    assert_eq!(ended.code, 0, "{ended:?}");
    made(folder, "server mqtt.lan --ca floor-2.crt");
    made(folder, "client dev1 --ca floor-2.crt");
    assert_eq!(
        names_in(folder),
        [
            "ca-index.ndjson",
            "ca.crt",
            "ca.key",
            "dev1-chain.crt",
            "dev1.crt",
            "dev1.key",
            "floor-2-chain.crt",
            "floor-2-index.ndjson",
            "floor-2.crt",
            "floor-2.key",
            "mqtt.lan-chain.crt",
            "mqtt.lan.crt",
            "mqtt.lan.key"
        ]
    );
    rustls_handshake(folder, "mqtt.lan", "mqtt.lan", "dev1").unwrap();
    if installed("openssl").is_some() {
        verified(folder, "-CAfile ca.crt -untrusted floor-2.crt -purpose sslserver mqtt.lan.crt");
        verified(folder, "-CAfile ca.crt -untrusted dev1-chain.crt -purpose sslclient dev1.crt");
    }
    let ended = certgen(folder, "ca Room --parent floor-2.crt");
    assert_eq!(
        ended.stderr,
        "error: cannot make the CA: the CA's path length is 0, so it may not sign a CA with path length 0\n\
         hint: make the parent with room below it: moskit certgen ca NAME --path-len 1\n"
    );
    assert_eq!(ended.code, 1);
}

#[test]
fn a_request_is_signed_and_the_key_stays_where_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    made(folder, "ca Lab");
    made(folder, "csr dev1.lan --san 10.0.0.1,urn:dev:1 --org Lab");
    if installed("openssl").is_some() {
        let (code, text) = openssl(folder, "req -in dev1.lan.csr -noout -verify -subject");
        assert!(code == 0 && text.contains("O = Lab, CN = dev1.lan"), "{text}");
    }
    let out = made(folder, "sign dev1.lan.csr --profile client");
    assert!(out.contains("DNS:dev1.lan, IP:10.0.0.1, URI:urn:dev:1"), "{out}");
    if installed("openssl").is_none() {
        return;
    }
    verified(folder, "-CAfile ca.crt -purpose sslclient dev1.lan.crt");
    // A request by OpenSSL that wants to be a CA and has a name in more attributes than we write.
    openssl(
        folder,
        "req -new -newkey rsa:2048 -nodes -keyout o.key -out o.csr -subj /DC=lan/DC=lab/OU=a+CN=mqtt.lan \
         -addext basicConstraints=critical,CA:TRUE -addext subjectAltName=DNS:mqtt.lan -multivalue-rdn",
    );
    let ended = certgen(folder, "sign o.csr --profile server");
    assert_eq!(
        (ended.code, ended.stderr.as_str()),
        (0, "warning: the request asks for CA:TRUE, which it does not get\n")
    );
    verified(folder, "-CAfile ca.crt -purpose sslserver -verify_hostname mqtt.lan o.crt");
    let (_, subject) = openssl(folder, "x509 -in o.crt -noout -subject -nameopt RFC2253");
    assert_eq!(subject.trim(), "subject=CN=mqtt.lan+OU=a,DC=lab,DC=lan");
    let ended = certgen(folder, "sign ca.crt --profile server");
    assert_eq!(
        ended.stderr,
        "error: request `ca.crt` is not a certificate request: it is a certificate\nhint: give a file that holds a certificate request\n"
    );
    let ended = certgen(folder, "sign o.key --profile server");
    assert_eq!(
        ended.stderr,
        "error: request `o.key` is not a certificate request: it is a private key\nhint: give a file that holds a certificate request\n"
    );
}

/// Brokers take different ones of several common names for the user's.
#[test]
fn a_request_with_several_common_names_is_refused_however_they_stand_in_it() {
    if installed("openssl").is_none() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    made(folder, "ca Lab");
    for (number, subject) in ["/CN=lowly/CN=admin", "/CN=lowly/O=Lab/CN=admin", "/CN=lowly+CN=admin"].iter().enumerate()
    {
        let words = format!(
            "req -new -newkey rsa:2048 -nodes -multivalue-rdn -keyout k{number}.key -out r{number}.csr -subj {subject}"
        );
        assert_eq!(openssl(folder, &words).0, 0, "{subject}");
        let before = names_in(folder);
        for profile in ["client", "server --san lab.lan", "both --san lab.lan"] {
            let ended = certgen(folder, &format!("sign r{number}.csr --profile {profile}"));
            let said = format!(
                "error: the request `r{number}.csr` has more than one common name\n\
                 hint: programs take different ones of them for the user's: make the request with one\n"
            );
            assert_eq!((ended.code, ended.stderr, ended.stdout), (1, said, String::new()), "{subject}, {profile}");
        }
        assert_eq!(names_in(folder), before);
    }
}

#[test]
fn a_ca_of_openssl_with_repeated_attributes_signs_too() {
    if installed("openssl").is_none() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    openssl(
        folder,
        "req -x509 -newkey rsa:2048 -keyout ca.key -out ca.crt -days 400 -passout pass:secret \
         -subj /DC=lan/DC=lab/O=Lab/OU=b+CN=Old_CA -multivalue-rdn",
    );
    fs::write(folder.join("pass"), "secret\n").unwrap();
    made(folder, "server mqtt.lan --pass-file pass");
    // Not -x509_strict: this CA itself has no key usage.
    let (code, text) =
        openssl(folder, "verify -CAfile ca.crt -purpose sslserver -verify_hostname mqtt.lan mqtt.lan.crt");
    assert_eq!(code, 0, "{text}");
    let ended = certgen(folder, "server mqtt2.lan --pass-env NOT_SET");
    assert_eq!((ended.code, ended.stderr.as_str()), (1, "error: the environment variable `NOT_SET` is not set\n"));
    fs::write(folder.join("wrong"), "sesame\n").unwrap();
    let ended = certgen(folder, "server mqtt2.lan --pass-file wrong");
    assert_eq!((ended.code, ended.stderr.as_str()), (1, "error: cannot open `./ca.key`: the passphrase is wrong\n"));
    assert!(!folder.join("mqtt2.lan.crt").exists());
}

#[test]
fn the_key_of_the_ca_is_encrypted_on_request_and_openssl_opens_it() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    fs::write(folder.join("pass"), "open sesame\nsecond line\n").unwrap();
    made(folder, "ca Lab --encrypt --pass-file pass");
    let key = fs::read_to_string(folder.join("ca.key")).unwrap();
    assert!(key.starts_with("-----BEGIN ENCRYPTED PRIVATE KEY-----\n"), "{key}");
    if installed("openssl").is_some() {
        fs::write(folder.join("first"), "open sesame").unwrap();
        let (code, text) = openssl(folder, "pkey -in ca.key -passin file:first -noout -check");
        assert!(code == 0 && text.contains("Key is valid"), "{text}");
    }
    made(folder, "client dev1 --pass-file pass");
    let mut command = moskit(&["certgen", "client", "dev2", "--pass-env", "CA_PASS"]);
    assert_eq!(run(command.current_dir(folder).env("CA_PASS", "open sesame"), b"").code, 0);
    let ended = certgen(folder, "ca Other --pass-file pass --stem other");
    assert_eq!((ended.code, ended.stderr.as_str()), (3, "error: a passphrase is given, but not --encrypt\n"));
}

#[test]
fn every_new_key_but_a_servers_is_encrypted_on_request() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    fs::write(folder.join("pass"), "open sesame\n").unwrap();
    made(folder, "ca Lab");
    made(folder, "client dev1 dev2 --encrypt --key-pass-file pass");
    made(folder, "csr dev3 --encrypt --pass-file pass");
    made(folder, "client dev4 --days 10");
    made(folder, "renew dev4.crt --new-key --encrypt --key-pass-file pass");
    for name in ["dev1", "dev2", "dev3", "dev4"] {
        let key = fs::read_to_string(folder.join(format!("{name}.key"))).unwrap();
        assert!(key.starts_with("-----BEGIN ENCRYPTED PRIVATE KEY-----\n"), "{name}: {key}");
        assert_eq!(mode(&folder.join(format!("{name}.key"))), 0o600, "{name}");
        if installed("openssl").is_some() {
            let (code, text) = openssl(folder, &format!("pkey -in {name}.key -passin file:pass -noout -check"));
            assert!(code == 0 && text.contains("Key is valid"), "{name}: {text}");
        }
    }
    made(folder, "key match dev4.crt dev4.key --pass-file pass");
    fs::write(folder.join("empty"), "\n").unwrap();
    for (words, code, why) in [
        (
            "client dev5 --encrypt",
            1,
            "a passphrase is needed, and there is no terminal to ask on\nhint: --key-pass-file FILE, --key-pass-env VAR or --key-pass-fd N gives it",
        ),
        ("client dev5 --encrypt --key-pass-file empty", 1, "an empty passphrase protects nothing"),
        ("client dev5 --key-pass-file pass", 3, "--encrypt"),
        ("csr dev5 --pass-file pass", 3, "a passphrase is given, but neither --encrypt nor --use-key"),
        ("csr dev5 --use-key dev1.key --encrypt", 3, "cannot be used with"),
        ("renew dev4.crt --encrypt", 3, "--encrypt is for a new key\nhint: --new-key makes one"),
        ("server h --encrypt", 3, "unexpected argument '--encrypt'"),
    ] {
        let ended = certgen(folder, words);
        assert!(ended.code == code && ended.stderr.contains(why), "{words}: {ended:?}");
        assert!(!folder.join("dev5.key").exists(), "{words}");
    }
}

#[test]
fn a_certificate_that_begins_later_than_asked_is_told() {
    let folder = tempfile::tempdir().unwrap();
    made(folder.path(), "ca Lab --backdate 1h");
    let ended = certgen(folder.path(), "client dev1 --backdate 30d");
    assert!(ended.code == 0 && ended.stderr.contains("note: valid from 20"), "{ended:?}");
    let ended = certgen(folder.path(), "client dev2 --backdate 1m");
    assert_eq!((ended.code, ended.stderr.as_str()), (0, ""));
}

#[test]
fn nothing_is_overwritten_without_force() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    made(folder, "init lab --hosts mqtt.lan");
    let before = fs::read(folder.join("lab/ca.crt")).unwrap();
    let ended = certgen(folder, "init lab --hosts mqtt.lan");
    assert_eq!(
        ended.stderr,
        "error: `lab` exists already\n\
         hint: --force uses it all the same and replaces files; a new CA makes the old certificates useless\n"
    );
    assert_eq!((ended.code, ended.stdout.as_str()), (1, ""));
    let ended = certgen(folder, "ca Lab -o lab");
    assert_eq!(
        ended.stderr,
        "error: `lab/ca.crt` exists already\nhint: --force replaces all of them, and the private key that is there is lost\n"
    );
    // One file of the set is there: none of the others appears.
    fs::write(folder.join("lab/dev2.key"), "mine").unwrap();
    let ended = certgen(folder, "client dev1 dev2 -d lab");
    assert_eq!(
        (ended.code, ended.stderr.as_str()),
        (
            1,
            "error: `lab/dev2.key` exists already\nhint: --force replaces all of them, and the private key that is there is lost\n"
        )
    );
    assert!(!folder.join("lab/dev1.crt").exists());
    assert_eq!(fs::read(folder.join("lab/ca.crt")).unwrap(), before);
    fs::set_permissions(folder.join("lab/dev2.key"), fs::Permissions::from_mode(0o644)).unwrap();
    made(folder, "client dev1 dev2 -d lab --force");
    assert_eq!(mode(&folder.join("lab/dev2.key")), 0o600, "a replaced key is its owner's alone");
}

#[test]
fn bad_input_is_refused_in_one_sentence_and_leaves_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    made(folder, "ca Lab --exact-name");
    made(folder, "server mqtt.lan");
    made(folder, "ca Old -o old --not-after 2026-01-01 --backdate 4000d");
    made(folder, "ca Other -o other");
    fs::write(folder.join("text"), "hello\n").unwrap();
    let before = names_in(folder);
    let rows = [
        (
            "server mqtt2.lan --ca mqtt.lan.crt",
            1,
            "`mqtt.lan.crt`: `CN=mqtt.lan` may not sign certificates: its certificate has no basicConstraints CA:TRUE\n",
        ),
        ("server mqtt2.lan -d old", 1, "cannot sign with `old/ca.crt`: the CA `CN=Old MQTT CA "),
        (
            "server mqtt2.lan --ca ca.crt --ca-key other/ca.key",
            1,
            "cannot sign with `ca.crt`: the CA's certificate and key do not belong together\n",
        ),
        (
            "server mqtt2.lan --ca text",
            1,
            "certificate `text` is not a certificate: it is text without any PEM section\n",
        ),
        ("server mqtt2.lan --ca ca.key", 1, "certificate `ca.key` is not a certificate: it is a private key\n"),
        ("server mqtt2.lan --ca-key ca.crt", 1, "key `ca.crt` is not a private key: it is a certificate\n"),
        ("server mqtt2.lan --ca-key nowhere.key", 1, "key `nowhere.key` does not exist\n"),
        ("server 192.168.1.300", 3, "cannot make a server certificate: `192.168.1.300` is no IP address\n"),
        ("server mqtt.lan:8883", 3, "`mqtt.lan:8883` is no host\n"),
        ("server mqtts://mqtt.lan:8883/x", 3, "is a URL, not a host\nhint: give the host alone: mqtt.lan\n"),
        ("server bücher.lan", 3, "`bücher.lan` is not ASCII\n"),
        ("server under..score", 3, "`under..score` is no host name\n"),
        ("client ../../etc/passwd", 3, "`../../etc/passwd` cannot be the name of a file\n"),
        ("client dev1 dev1", 3, "`dev1` is given twice\n"),
        (
            "client Lab",
            1,
            "subject and issuer would both be `CN=Lab`\nhint: OpenSSL takes a certificate with equal names for a self-signed one",
        ),
        ("client dev1 --days 9999", 1, "its CA only until "),
        ("client dev1 --not-after 2020-01-01", 3, "it would be valid from "),
        ("client dev1 --not-after someday", 3, "invalid value 'someday' for '--not-after <TIME>'"),
        ("client dev1 --key rsa1024", 3, "invalid value 'rsa1024' for '--key <TYPE>'"),
        ("client dev1 --san 300.1.1.1", 3, "`300.1.1.1` is no IP address\n"),
        ("ca X --name-constraint 10.0.0.0/99 --stem x", 3, "`10.0.0.0/99` is no domain or network\n"),
        ("init new --clients ca", 3, "a client cannot be called `ca`"),
        ("init new --clients dev1,dev1", 3, "the client `dev1` is given twice\n"),
        ("init new --hosts bad_host:1", 3, "`bad_host:1` is no host\n"),
        ("init text", 1, "`text` is not a folder\n"),
        ("", 3, "Usage: moskit certgen"),
    ];
    for (words, code, text) in rows {
        let ended = certgen(folder, words);
        assert!(ended.stderr.contains(text), "certgen {words}: {}", ended.stderr);
        assert_eq!((ended.code, ended.stdout.as_str()), (code, ""), "certgen {words}");
        assert_eq!(names_in(folder), before, "certgen {words} left something behind");
    }
}

#[test]
fn name_constraints_hold_for_what_the_ca_signs() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    made(folder, "ca Lab --name-constraint .lan,192.168.0.0/16");
    made(folder, "server mqtt.lan 192.168.1.10");
    let ended = certgen(folder, "server mqtt.example.com");
    assert_eq!(
        ended.stderr,
        "error: cannot make a server certificate: the CA's name constraints do not allow `mqtt.example.com`\n\
         hint: moskit certgen inspect shows what they allow; --san gives the certificate another name\n"
    );
    let ended = certgen(folder, "server mqtt.lan 10.0.0.1 --stem other");
    assert!(ended.stderr.contains("do not allow `10.0.0.1`"), "{}", ended.stderr);
    rustls_handshake_of_server_only(folder);
    if installed("openssl").is_some() {
        verified(folder, "-CAfile ca.crt -purpose sslserver -verify_hostname mqtt.lan mqtt.lan.crt");
        let (_, text) = openssl(folder, "x509 -in ca.crt -noout -ext nameConstraints");
        assert!(text.contains("DNS:lan") && text.contains("IP:192.168.0.0/255.255.0.0"), "{text}");
    }
}

/// The client that it needs has a name below the constraint.
fn rustls_handshake_of_server_only(folder: &Path) {
    made(folder, "client dev1.lan");
    rustls_handshake(folder, "mqtt.lan", "mqtt.lan", "dev1.lan").unwrap();
}

#[test]
fn a_full_disk_leaves_nothing_half_written() {
    let folder = tempfile::tempdir().unwrap();
    let mount = folder.path().join("small");
    fs::create_dir(&mount).unwrap();
    let mounted = Command::new("mount")
        .args(["-t", "tmpfs", "-o", "size=16k", "none"])
        .arg(&mount)
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success());
    if !mounted {
        assert!(std::env::var_os("MOSKIT_MUST_MOUNT").is_none());
        eprintln!("SKIPPED: may not mount a small tmpfs");
        return;
    }
    let ended = certgen(&mount, "init . --hosts mqtt.lan --clients a,b,c,d");
    let left = names_in(&mount);
    let unmounted = Command::new("umount").arg(&mount).status().unwrap();
    assert!(unmounted.success());
    assert_eq!((ended.code, left), (1, Vec::<String>::new()), "{}", ended.stderr);
    assert!(ended.stderr.starts_with("error: cannot write `./"), "{}", ended.stderr);
    assert!(ended.stderr.ends_with(": the disk is full\n"), "{}", ended.stderr);
}

#[test]
fn a_killed_init_leaves_files_that_are_whole_or_absent() {
    let folder = tempfile::tempdir().unwrap();
    for attempt in 0..40 {
        let lab = folder.path().join(format!("lab{attempt}"));
        let mut child =
            moskit(&["certgen", "init", lab.to_str().unwrap(), "--hosts", "mqtt.lan", "--clients", "a,b,c"])
                .stdout(Stdio::null())
                .stderr(Stdio::null())
                .spawn()
                .unwrap();
        // Spread over the time that a run takes; where exactly it is hit does not matter.
        std::thread::sleep(std::time::Duration::from_millis(2 * attempt));
        let _ = child.kill();
        child.wait().unwrap();
        let names = if lab.exists() { names_in(&lab) } else { Vec::new() };
        for name in names.iter().filter(|name| !name.starts_with(".moskit-")) {
            let path = lab.join(name);
            if name == "ca-index.ndjson" {
                let lines = fs::read_to_string(&path).unwrap();
                assert!(lines.lines().count() == 5 && lines.ends_with('\n'), "{name} is not whole: {lines}");
            } else if name != "mosquitto.conf" {
                assert!(moskit::pki::read::sections(&path).is_ok_and(|found| found.len() == 1), "{name} is not whole");
            }
        }
    }
}
