//! `moskit certgen inspect`, `expiry` and `key`: files of our own and of OpenSSL's, and servers.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

use serde_json::Value;

use crate::certgen::{certgen, made, openssl};
use crate::mosquitto::{Mosquitto, free_port, installed};
use crate::run::{moskit, run};

fn json(folder: &Path, words: &str) -> Value {
    serde_json::from_str(&made(folder, words)).unwrap()
}

#[test]
fn inspect_says_what_openssl_says() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    made(folder, "init . --hosts mqtt.lan,10.0.0.1 --clients dev1 --not-after 2049-12-31T10:00:00Z --ca-days 9999");
    let seen = json(folder, "inspect --json server.crt");
    let item = &seen["items"][0];
    assert_eq!(item["kind"], "certificate");
    assert_eq!(item["subject"], "CN=mqtt.lan");
    assert_eq!(item["names"], serde_json::json!(["DNS:mqtt.lan", "IP:10.0.0.1"]));
    assert_eq!(item["not_after"], "2049-12-31T10:00:00Z");
    assert_eq!((&item["ca"], &item["key"]), (&Value::Bool(false), &Value::from("P-256")));
    assert_eq!(item["extended_key_usage"], serde_json::json!(["serverAuth"]));
    if installed("openssl").is_none() {
        return;
    }
    let (_, text) = openssl(folder, "x509 -in server.crt -noout -serial -fingerprint -sha256");
    let bare = |name: &str| item[name].as_str().unwrap().replace(':', "");
    assert!(text.contains(&format!("serial={}\n", bare("serial"))), "{text}");
    assert!(text.to_uppercase().replace(':', "").contains(&format!("FINGERPRINT={}", bare("sha256"))), "{text}");
    let (_, text) = openssl(folder, "x509 -in server.crt -noout -ext subjectKeyIdentifier");
    assert!(text.contains(item["subject_key_id"].as_str().unwrap()), "{text}");
}

#[test]
fn inspect_tells_every_kind_of_file_apart_in_both_forms() {
    if installed("openssl").is_none() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    made(folder, "init . --hosts mqtt.lan --clients dev1");
    made(folder, "csr dev2");
    fs::write(folder.join("pass"), "secret").unwrap();
    for words in [
        "x509 -in server.crt -outform DER -out crt.der",
        "req -in dev2.csr -outform DER -out csr.der",
        "pkey -in server.key -outform DER -out key.der",
        "pkey -in server.key -pubout -out pub.pem",
        "pkey -in server.key -pubout -outform DER -out pub.der",
        "pkcs8 -topk8 -in server.key -passout file:pass -out enc.pem",
        "pkcs8 -topk8 -in server.key -passout file:pass -outform DER -out enc.der",
        "pkcs12 -export -in dev1.crt -inkey dev1.key -certfile ca.crt -passout file:pass -out store.p12",
    ] {
        assert_eq!(openssl(folder, words).0, 0, "openssl {words}");
    }
    let rows = [
        ("server.crt", "certificate"),
        ("crt.der", "certificate"),
        ("dev2.csr", "request"),
        ("csr.der", "request"),
        ("server.key", "private key"),
        ("key.der", "private key"),
        ("pub.pem", "public key"),
        ("pub.der", "public key"),
        ("enc.pem", "encrypted private key"),
        ("enc.der", "encrypted private key"),
        ("store.p12", "PKCS#12 store"),
    ];
    for (file, kind) in rows {
        let seen = json(folder, &format!("inspect --json --pass-file pass {file}"));
        assert_eq!(seen["items"][0]["kind"], kind, "{file}");
    }
    let store = json(folder, "inspect --json --pass-file pass store.p12");
    assert_eq!((&store["items"][0]["private_keys"], &store["items"][0]["certificates"]), (&1.into(), &2.into()));
    assert_eq!(store["items"][1]["subject"], "CN=dev1");
    let pins = ["server.crt", "server.key", "key.der", "pub.pem", "pub.der"]
        .map(|file| json(folder, &format!("inspect --json {file}"))["items"][0]["pin"].clone());
    assert!(pins.iter().all(|pin| *pin == pins[0] && pin.as_str().unwrap().starts_with("sha256//")), "{pins:?}");
    fs::write(folder.join("text"), "hello").unwrap();
    let ended = certgen(folder, "inspect text");
    assert_eq!(
        (ended.code, ended.stderr.as_str()),
        (1, "error: what `text` holds is not known: it is text without any PEM section\n")
    );
    fs::write(folder.join("wrong"), "sesame").unwrap();
    let ended = certgen(folder, "inspect store.p12 --pass-file wrong");
    assert_eq!(
        (ended.code, ended.stderr.as_str()),
        (1, "error: cannot open `store.p12`: the passphrase is wrong, or the store is damaged\n")
    );
    openssl(
        folder,
        "pkcs12 -export -legacy -certpbe PBE-SHA1-RC4-128 -in dev1.crt -inkey dev1.key -passout file:pass -out old.p12",
    );
    let ended = certgen(folder, "inspect old.p12 --pass-file pass");
    assert!(ended.stderr.contains("which is not supported"), "{}", ended.stderr);
}

/// Stores by OpenSSL 3.6, which is not installed where the tests run.
#[test]
fn a_store_with_pbmac1_opens_and_is_found_to_be_changed() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let stores = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/certificates/pbmac1");
    fs::write(folder.join("pass"), "1234").unwrap();
    fs::write(folder.join("wrong"), "12345").unwrap();
    for (hash, length) in [("sha256", 32), ("sha512", 64)] {
        let store = fs::read(stores.join(format!("{hash}.p12"))).unwrap();
        fs::write(folder.join("a.p12"), &store).unwrap();
        let seen = json(folder, "inspect --json --pass-file pass a.p12");
        assert_eq!((&seen["items"][0]["private_keys"], &seen["items"][0]["certificates"]), (&1.into(), &1.into()));
        assert_eq!(seen["items"][1]["subject"], "CN=pbmac1.example");
        let closed = "the passphrase is wrong, or the store is damaged";
        let ended = certgen(folder, "inspect --pass-file wrong a.p12");
        assert!(ended.code == 1 && ended.stderr.contains(closed), "{ended:?}");
        // Behind the salt and the 2048 iterations stands the length of the key.
        let at = store.windows(7).rposition(|it| it == [2, 2, 8, 0, 2, 1, length]).unwrap();
        for (at, byte, why) in [
            (200, store[200] ^ 1, closed),
            (at + 3, 1, closed),
            (at + 6, length - 1, closed),
            (at + 6, 16, "PBMAC1 with a key of no fit length, which is not supported"),
        ] {
            let mut changed = store.clone();
            changed[at] = byte;
            fs::write(folder.join("a.p12"), changed).unwrap();
            let ended = certgen(folder, "inspect --pass-file pass a.p12");
            assert!(ended.code == 1 && ended.stderr.contains(why), "{at}: {ended:?}");
        }
    }
}

#[test]
fn inspect_and_expiry_look_at_a_server_that_nobody_believes() {
    let folder = tempfile::tempdir().unwrap();
    let port = free_port();
    made(folder.path(), &format!("init . --hosts mqtt.lan --clients dev1 --port {port} --days 10"));
    let configuration = fs::read_to_string(folder.path().join("mosquitto.conf")).unwrap();
    let Some(_broker) = Mosquitto::start(folder.path(), &configuration) else { return };
    let seen = json(folder.path(), &format!("inspect --json localhost:{port}"));
    assert_eq!(seen["items"][0]["subject"], "CN=mqtt.lan");
    assert_eq!(seen["server"]["tls_version"], "TLSv1.3");
    // It asks for a certificate; mosquitto 2.0 does not say by whom.
    assert_eq!(seen["server"]["asks_clients_for"], serde_json::json!([]));
    let ended = certgen(folder.path(), &format!("expiry localhost:{port}"));
    assert_eq!(ended.code, 1);
    assert!(ended.stdout.starts_with(&format!("WARNING   localhost:{port}: CN=mqtt.lan expires in ")), "{ended:?}");
    let ended = certgen(folder.path(), &format!("inspect localhost:{}", free_port()));
    assert_eq!(ended.code, 1);
    assert!(ended.stderr.starts_with("error: cannot connect to localhost port "), "{}", ended.stderr);
}

#[test]
fn expiry_has_a_code_for_each_state() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    made(folder, "ca Lab");
    for (name, days) in [("fine", 100), ("soon", 20), ("late", 3)] {
        made(folder, &format!("client {name} --days {days}"));
    }
    let rows = [
        ("fine.crt", 0),
        ("fine.crt soon.crt", 1),
        ("soon.crt late.crt", 2),
        (".", 2),
        ("fine.crt nowhere.crt", 3),
        ("late.crt nowhere.crt", 2),
        ("late.crt --warn 2d --crit 1d", 0),
        ("soon.crt --crit 21d", 2),
        ("fine.key", 3),
        ("fine.crt --warn 1d --crit 2d", 3),
        ("fine.crt --warn soon", 3),
    ];
    for (words, code) in rows {
        let ended = certgen(folder, &format!("expiry {words}"));
        assert_eq!(ended.code, code, "expiry {words}: {ended:?}");
    }
    let out = certgen(folder, "expiry --json late.crt").stdout;
    let line: Value = serde_json::from_str(&out).unwrap();
    assert_eq!(line["state"], "CRITICAL");
    assert!([2, 3].contains(&line["days_left"].as_i64().unwrap()), "{line}");
}

#[test]
fn keys_are_opened_encrypted_and_converted_as_openssl_does() {
    if installed("openssl").is_none() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    fs::write(folder.join("pass"), "secret").unwrap();
    for (kind, old) in [("p256", "sec1"), ("rsa2048", "pkcs1")] {
        made(folder, &format!("init {kind} --hosts mqtt.lan --key {kind}"));
        let lab = folder.join(kind);
        fs::copy(folder.join("pass"), lab.join("pass")).unwrap();
        let pin = made(&lab, "key pin server.key");
        let pin = pin.split(' ').next().unwrap();
        let same = |file: &str| {
            let out = made(&lab, &format!("key pin {file} --pass-file pass"));
            assert!(out.starts_with(&format!("{pin} ")), "{kind} {file}");
            let mode = fs::metadata(lab.join(file)).unwrap().permissions().mode() & 0o777;
            assert_eq!(mode, 0o600, "{file}");
        };
        made(&lab, "key encrypt server.key --out enc.key --pass-file pass");
        same("enc.key");
        let (code, text) = openssl(&lab, "pkey -in enc.key -passin file:pass -noout -check");
        assert_eq!(code, 0, "{text}");
        for (words, file) in [("-v2 des3", "des3.key"), ("-scrypt", "scrypt.key"), ("-v2 aes-128-cbc", "aes.key")] {
            openssl(&lab, &format!("pkcs8 -topk8 {words} -in server.key -passout file:pass -out sealed.key"));
            made(&lab, &format!("key decrypt sealed.key --pass-file pass -o {file}"));
            same(file);
        }
        made(&lab, &format!("key convert server.key --to {old} -o old.key"));
        same("old.key");
        let (code, text) = openssl(&lab, "pkey -in old.key -noout -check");
        assert_eq!(code, 0, "{text}");
        made(&lab, "key convert old.key --to der -o der.key");
        same("der.key");
        made(&lab, "key convert der.key --to pkcs8 -o again.key");
        assert_eq!(fs::read(lab.join("again.key")).unwrap(), fs::read(lab.join("server.key")).unwrap());
    }
    let lab = folder.join("p256");
    let ended = certgen(&lab, "key convert server.key --to pkcs1 -o x.key");
    assert_eq!((ended.code, ended.stderr.as_str()), (1, "error: a key of type p256 cannot be written as PKCS#1\n"));
    let ended = certgen(&lab, "key decrypt enc.key -o x.key");
    assert_eq!(
        (ended.code, ended.stderr.as_str()),
        (
            1,
            "error: a passphrase is needed, and there is no terminal to ask on\n\
             hint: --pass-file FILE, --pass-env VAR or --pass-fd N gives it\n"
        )
    );
    let ended = certgen(&lab, "key decrypt enc.key -o server.key --pass-file pass");
    assert_eq!(
        (ended.code, ended.stderr.as_str()),
        (
            1,
            "error: `server.key` exists already\nhint: --force replaces it, and the private key that is there is lost\n"
        )
    );
    let piped = made(&lab, "key decrypt enc.key -o - --pass-file pass");
    assert_eq!(piped.as_bytes(), fs::read(lab.join("server.key")).unwrap());
}

#[test]
fn match_tells_whether_files_belong_together() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    made(folder, "init . --hosts mqtt.lan --clients dev1");
    assert_eq!(made(folder, "key match server.crt server.key"), "they belong together\n");
    let ended = certgen(folder, "key match server.crt dev1.key");
    assert_eq!(ended.code, 1);
    assert!(ended.stdout.ends_with("they do not belong together: the public keys differ\n"), "{ended:?}");
    assert_eq!(certgen(folder, "key match server.crt").code, 3);
    assert_eq!(certgen(folder, "key match server.crt mosquitto.conf").code, 1);
}

/// A stranger's common name, alternative names and file name, none of which may reach a terminal as they are.
#[test]
fn no_name_in_a_certificate_controls_the_terminal() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    made(folder, "init lab --hosts localhost --clients dev1");
    let evil = "/CN=\u{1b}[31mEvil\u{1b}[2J\nfoo\u{9b}5m\u{202e}x";
    let alternatives = "subjectAltName=DNS:\u{1b}[1mname,URI:x:\u{1b}]0;t\u{7}";
    let make = |words: &str, more: &[&str]| {
        let words = words.split_whitespace().chain(["-utf8", "-subj", evil]).chain(more.iter().copied());
        let made = Command::new("openssl").args(words).current_dir(folder).output().unwrap();
        assert!(made.status.success(), "{made:?}");
    };
    let key = "req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout";
    make(&format!("{key} evil.key -out evil.csr"), &[]);
    make(&format!("{key} names.key -out names.csr"), &["-addext", alternatives]);
    make(
        &format!("{key} root.key -x509 -days 400 -out root.crt"),
        &["-addext", "keyUsage=critical,keyCertSign,cRLSign"],
    );
    make(&format!("{key} self.key -x509 -days 1 -out self.crt"), &["-addext", alternatives]);
    fs::create_dir(folder.join("old")).unwrap();
    fs::write(folder.join("old/index.txt"), "V\t401224100000Z\t\t4F\tunknown\t/CN=dev1\n").unwrap();
    let strange = "a\u{1b}[31m\u{202e}.crt";
    fs::copy(folder.join("self.crt"), folder.join(strange)).unwrap();
    for (words, told) in [
        ("sign evil.csr --profile client --ca lab/ca.crt", "Evil"),
        ("sign names.csr --profile server --ca lab/ca.crt", ""),
        ("inspect evil.crt root.crt self.crt names.csr", "Evil"),
        ("inspect --json evil.crt root.crt self.crt names.csr", "Evil"),
        ("verify evil.crt --ca root.crt", "Evil"),
        ("verify --json evil.crt --ca root.crt", "Evil"),
        ("lint self.crt evil.crt root.crt", ""),
        ("expiry self.crt evil.crt root.crt --warn 900d", "Evil"),
        ("expiry . --warn 900d --openmetrics", "Evil"),
        ("index --ca lab/ca.crt", "Evil"),
        ("client dev9 --ca root.crt", "Evil"),
        ("renew evil.crt --ca root.crt --force", ""),
        ("revoke evil.crt --ca root.crt", ""),
        ("revoke evil.crt --ca lab/ca.crt", "Evil"),
        ("crl --ca root.crt", ""),
        ("index --rebuild --ca root.crt", ""),
        ("key pin evil.crt root.crt", ""),
        ("export evil.crt --to pem --no-key", ""),
        ("import old --ca root.crt -o imported", "Evil"),
        ("trust install root.crt --dry-run --root image", ""),
    ] {
        let ended = certgen(folder, words);
        let shown = ended.stdout.clone() + &ended.stderr;
        assert!(shown.contains(told), "{words}: {ended:?}");
        let is_control = |c: char| (c.is_control() && c != '\n') || matches!(c, '\u{202a}'..='\u{202e}');
        assert!(!shown.contains(is_control) && !shown.contains("\nfoo"), "{words}: {ended:?}");
    }
    let root = "r\u{1b}[31m.crt";
    fs::copy(folder.join("root.crt"), folder.join(root)).unwrap();
    fs::write(folder.join("fleet.csv"), "id\ndev7\n").unwrap();
    fs::create_dir_all(folder.join("image/usr/local/share/ca-certificates")).unwrap();
    fs::create_dir_all(folder.join("image/usr/sbin")).unwrap();
    fs::write(folder.join("image/usr/sbin/update-ca-certificates"), "").unwrap();
    for (words, told) in [
        (
            ["batch", "fleet.csv", "-d", "lab", "-o", strange],
            "a\\x1b[31m\\u{202e}.crt-devices/manifest.ndjson lists them",
        ),
        (["trust", "remove", root, "--root", "image", "-y"], "r\\x1b[31m.crt: is not in the store"),
    ] {
        let words = words.map(|word| if word == strange { format!("{word}-devices") } else { word.to_owned() });
        let ended = run(moskit(&["certgen"]).args(words).current_dir(folder), b"");
        let shown = ended.stdout.clone() + &ended.stderr;
        assert!(ended.code == 0 && shown.contains(told) && !shown.contains(['\u{1b}', '\u{202e}']), "{ended:?}");
    }
    for words in [["lint", strange], ["inspect", strange], ["expiry", strange]] {
        let ended = run(moskit(&["certgen"]).args(words).current_dir(folder), b"");
        assert!(!(ended.stdout.clone() + &ended.stderr).contains(['\u{1b}', '\u{202e}']), "{ended:?}");
    }
    let ended = run(moskit(&["certgen", "key", "pin", strange]).current_dir(folder), b"");
    assert!(ended.stdout.contains("a\\x1b[31m\\u{202e}.crt"), "{ended:?}");
}
