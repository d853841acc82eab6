//! `moskit certgen export`: what it writes is read by the programs that it is for.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::certgen::{certgen, made, openssl};
use crate::mosquitto::installed;
use crate::run::{Ended, moskit, run};

/// A CA in `lab` with the client dev1, the certificate and the key of both as DER, and a file with a passphrase.
struct Lab {
    folder: tempfile::TempDir,
    ca: Vec<u8>,
    certificate: Vec<u8>,
    key: Vec<u8>,
}

impl Lab {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        made(folder.path(), "init lab --hosts localhost --clients dev1,dev2");
        fs::write(folder.path().join("pass"), "password 1\n").unwrap();
        let der = |words: &str| {
            assert_eq!(openssl(folder.path(), &format!("{words} -outform DER -out tmp.der")).0, 0);
            fs::read(folder.path().join("tmp.der")).unwrap()
        };
        let (ca, certificate) = (der("x509 -in lab/ca.crt"), der("x509 -in lab/dev1.crt"));
        let key = der("pkcs8 -topk8 -nocrypt -in lab/dev1.key");
        Self { folder, ca, certificate, key }
    }

    fn path(&self) -> &Path {
        self.folder.path()
    }

    fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path().join(name)).unwrap()
    }

    fn is_private(&self, name: &str) -> bool {
        fs::metadata(self.path().join(name)).unwrap().permissions().mode() & 0o777 == 0o600
    }
}

/// Runs a program in the folder; `None` where it is not installed.
fn program(lab: &Lab, name: &str, words: &[&str]) -> Option<Ended> {
    installed(name)?;
    Some(run(Command::new(name).args(words).current_dir(lab.path()), b""))
}

fn python(lab: &Lab, script: &str) {
    if let Some(ended) = program(lab, "python3", &["-c", script]) {
        assert_eq!(ended.code, 0, "{script}\n{ended:?}");
    }
}

#[test]
fn stores_open_in_openssl_and_in_java() {
    let lab = Lab::new();
    for (options, cipher) in [("", "AES-256-CBC"), (" --legacy", "pbeWithSHA1And3-KeyTripleDES-CBC")] {
        let out = made(lab.path(), &format!("export lab/dev1.crt --to p12 --key-pass-file pass --force{options}"));
        assert_eq!(out, "./dev1.p12\n");
        assert!(lab.is_private("dev1.p12"));
        let (code, text) = openssl(lab.path(), "pkcs12 -in dev1.p12 -passin file:pass -info -noenc");
        assert!(code == 0 && text.contains(cipher) && text.contains("friendlyName: dev1"), "{text}");
        assert_eq!(text.matches("BEGIN CERTIFICATE").count(), 2, "{text}");
        fs::write(lab.path().join("opened.pem"), &text).unwrap();
        let (_, public) = openssl(lab.path(), "pkey -in opened.pem -pubout");
        assert_eq!(public, openssl(lab.path(), "x509 -in lab/dev1.crt -noout -pubkey").1);
        let (code, text) = openssl(lab.path(), "pkcs12 -in dev1.p12 -passin pass:wrong -noout");
        assert!(code != 0 && text.contains("invalid password"), "{text}");
        let words = ["-list", "-keystore", "dev1.p12", "-storepass:file", "pass", "-v"];
        if let Some(ended) = program(&lab, "keytool", &words) {
            assert!(ended.code == 0 && ended.stdout.contains("PrivateKeyEntry"), "{ended:?}");
            assert!(ended.stdout.contains("Certificate chain length: 2"), "{ended:?}");
        }
        let ended = certgen(lab.path(), "inspect dev1.p12 --pass-file pass");
        assert!(ended.code == 0 && ended.stdout.contains("CN=dev1"), "{ended:?}");
    }
    // What is in a store is known once it is open, and not before.
    fs::write(lab.path().join("wrong"), "wrong\n").unwrap();
    for (words, code, text) in [
        ("expiry dev1.p12 --pass-file pass", 0, "OK        dev1.p12: CN=dev1 expires"),
        ("expiry . --pass-file pass --warn 900d", 1, "WARNING   ./dev1.p12: CN=dev1 expires"),
        ("expiry dev1.p12", 3, "UNKNOWN   dev1.p12: it is a PKCS#12 store: --pass-file FILE opens it"),
        ("expiry dev1.p12 --pass-file wrong", 3, "the passphrase is wrong"),
        ("lint dev1.p12", 1, "`dev1.p12` is a PKCS#12 store, and what is in it is not known"),
        ("lint dev1.p12 --pass-file wrong", 2, "what is in the store `dev1.p12` is not known: the passphrase is wrong"),
        ("lint dev1.p12 --pass-file pass", 0, "1 file is fine"),
    ] {
        let ended = certgen(lab.path(), words);
        assert!(ended.code == code && (ended.stdout + &ended.stderr).contains(text), "{words}");
    }
    // Who asks for Java's own form gets to know what Java takes, and how a program that takes nothing else gets it.
    let ended = certgen(lab.path(), "export lab/dev1.crt --to jks --key-pass-file pass");
    let why = "error: JKS is not written: Java reads PKCS#12 since version 8\nhint: --to p12 writes it; ";
    assert!(ended.code == 3 && ended.stderr.starts_with(why), "{ended:?}");
    let command = ended.stderr.rsplit_once("alone: ").unwrap().1.trim().replace("STEM", "dev1");
    let words: Vec<_> =
        command.split(' ').skip(1).chain(["-srcstorepass", "password 1", "-deststorepass", "password 1"]).collect();
    if let Some(ended) = program(&lab, "keytool", &words) {
        assert!(
            ended.code == 0 && fs::read(lab.path().join("dev1.jks")).unwrap().starts_with(b"\xfe\xed\xfe\xed"),
            "{ended:?}"
        );
    }
    // A CA alone is what Java trusts.
    made(lab.path(), "export lab/ca.crt --to p12 --key-pass-file pass");
    if let Some(ended) = program(&lab, "keytool", &["-list", "-keystore", "ca.p12", "-storepass:file", "pass"]) {
        assert!(ended.code == 0 && ended.stdout.contains("trustedCertEntry"), "{ended:?}");
    }
}

/// Whatever hash its MAC has, a store that was changed or that another passphrase closes is not called good.
#[test]
fn the_mac_of_a_store_is_checked() {
    let lab = Lab::new();
    fs::write(lab.path().join("other"), "password 2\n").unwrap();
    fs::write(lab.path().join("none"), "\n").unwrap();
    let made = "pkcs12 -export -in lab/dev1.crt -inkey lab/dev1.key -out it.p12 -certpbe NONE";
    let expires = |pass: &str| certgen(lab.path(), &format!("expiry it.p12 --pass-file {pass}"));
    for (options, pass) in [
        ("", "pass"),
        ("-macalg sha1", "pass"),
        ("-macalg sha384 -iter 1", "pass"),
        ("-macalg sha512 -keypbe NONE", "pass"),
        ("", "none"),
        ("-nomac", "pass"),
    ] {
        let (code, text) = openssl(lab.path(), &format!("{made} {options} -passout file:{pass}"));
        assert_eq!(code, 0, "{options}: {text}");
        let ended = expires(pass);
        assert!(ended.code == 0 && ended.stdout.contains("CN=dev1 expires"), "{options}: {ended:?}");
        if options == "-nomac" {
            continue;
        }
        let ended = expires("other");
        assert!(
            ended.code == 3 && ended.stdout.contains("the passphrase is wrong, or the store is damaged"),
            "{ended:?}"
        );
        // A certificate in it that says another thing.
        let path = lab.path().join("it.p12");
        let mut store = fs::read(&path).unwrap();
        let at = store.windows(4).position(|part| part == b"dev1").unwrap();
        store[at + 3] = b'2';
        fs::write(path, store).unwrap();
        for words in ["expiry", "inspect"] {
            let ended = certgen(lab.path(), &format!("{words} it.p12 --pass-file {pass}"));
            let shown = ended.stdout.clone() + &ended.stderr;
            assert!(ended.code != 0 && shown.contains("or the store is damaged"), "{options}: {ended:?}");
        }
    }
}

#[test]
fn der_and_pem_are_what_openssl_reads() {
    let lab = Lab::new();
    made(lab.path(), "export lab/dev1.crt --to der -o der.d");
    let read = |name: &str| fs::read(lab.path().join("der.d").join(name)).unwrap();
    assert_eq!(read("dev1.der"), lab.certificate);
    assert_eq!(read("dev1-ca.der"), lab.ca);
    assert_eq!(read("dev1-key.der"), lab.key);
    assert!(lab.is_private("der.d/dev1-key.der") && !lab.is_private("der.d/dev1.der"));
    made(lab.path(), "export lab/dev1.crt --to pem --encrypt --key-pass-file pass");
    assert!(lab.is_private("dev1.pem"));
    assert_eq!(openssl(lab.path(), "pkey -in dev1.pem -passin file:pass -noout").0, 0);
    assert_eq!(openssl(lab.path(), "verify -CAfile lab/ca.crt dev1.pem").0, 0);
    let ended = certgen(lab.path(), "export lab/dev1.crt --to pem -o - --no-key");
    assert_eq!(ended.stdout, lab.read("lab/dev1.crt") + &lab.read("lab/ca.crt"));
    // Below an intermediate the chain comes too.
    // An old CA signed with SHA-1, itself and others.
    for words in [
        "req -x509 -newkey rsa:2048 -nodes -keyout old/ca.key -out old/ca.crt -subj /CN=Old -sha1 -days 900",
        "req -newkey rsa:2048 -nodes -keyout old/dev7.key -out old/dev7.csr -subj /CN=dev7",
        "x509 -req -in old/dev7.csr -CA old/ca.crt -CAkey old/ca.key -set_serial 7 -sha1 -days 90 -out old/dev7.crt",
    ] {
        fs::create_dir_all(lab.path().join("old")).unwrap();
        assert_eq!(openssl(lab.path(), words).0, 0, "{words}");
    }
    let both = lab.read("old/dev7.crt") + &lab.read("old/ca.crt");
    for alone in [lab.read("old/dev7.crt"), both.clone()] {
        fs::write(lab.path().join("old/dev7.crt"), alone).unwrap();
        let ended = certgen(lab.path(), "export old/dev7.crt --to pem --no-key --force");
        assert!(ended.code == 0 && ended.stderr.is_empty(), "{ended:?}");
        assert_eq!(lab.read("dev7.pem"), both);
    }
    made(lab.path(), "ca Root --path-len 1 -o deep");
    made(lab.path(), "ca Floor --parent deep/ca.crt -o deep");
    made(lab.path(), "client dev9 --ca deep/floor.crt");
    made(lab.path(), "export deep/dev9.crt --to pem --stem nine");
    assert_eq!(lab.read("nine.pem").matches("BEGIN CERTIFICATE").count(), 3);
    assert_eq!(openssl(lab.path(), "verify -CAfile deep/ca.crt -untrusted nine.pem nine.pem").0, 0);
}

#[test]
fn texts_for_devices_compile_and_hold_the_same_bytes() {
    let lab = Lab::new();
    fs::copy(lab.path().join("lab/dev1.crt"), lab.path().join("lab/1st dev.crt")).unwrap();
    fs::copy(lab.path().join("lab/dev1.key"), lab.path().join("lab/1st dev.key")).unwrap();
    for (form, name, text) in [("c-header", "cc", "SECRET"), ("arduino", "c++", "setPrivateKey(x1st_dev_key_pem)")] {
        let words = ["certgen", "export", "lab/1st dev.crt", "--to", form, "--force"];
        let ended = run(moskit(&words).current_dir(lab.path()), b"");
        assert_eq!(ended.code, 0, "{ended:?}");
        assert!(ended.stderr.contains("holds a private key that is not encrypted"), "{ended:?}");
        assert!(lab.is_private("1st dev.h") && lab.read("1st dev.h").contains(text));
        let ending = if name == "cc" { "c" } else { "cpp" };
        let program_text = if name == "cc" {
            "#include \"1st dev.h\"\n#include <stdio.h>\nint main(void) { fwrite(x1st_dev_key_der, 1, x1st_dev_key_der_len, stdout); \
             return sizeof x1st_dev_cert_der == x1st_dev_cert_der_len && x1st_dev_ca_der[0] == 0x30 ? 0 : 1; }\n"
        } else {
            "#include \"1st dev.h\"\n#include <cstdio>\nint main() { fputs(x1st_dev_key_pem, stdout); \
             return x1st_dev_ca_pem[0] == '-' && x1st_dev_cert_pem[0] == '-' ? 0 : 1; }\n"
        };
        fs::write(lab.path().join(format!("main.{ending}")), program_text).unwrap();
        let source = format!("main.{ending}");
        let words = ["-Wall", "-Wextra", "-Werror", "-o", "program", source.as_str()];
        let Some(built) = program(&lab, name, &words) else { continue };
        assert_eq!(built.code, 0, "{built:?}");
        let output = Command::new("./program").current_dir(lab.path()).output().unwrap();
        assert!(output.status.success());
        let wanted = if name == "cc" { lab.key.clone() } else { lab.read("lab/dev1.key").into_bytes() };
        assert_eq!(output.stdout, wanted);
    }
    made(lab.path(), "export lab/dev1.crt --to micropython");
    assert!(lab.is_private("dev1.py"));
    fs::write(lab.path().join("key.der"), &lab.key).unwrap();
    fs::write(lab.path().join("certificate.der"), &lab.certificate).unwrap();
    python(
        &lab,
        "import dev1\nassert dev1.KEY == open('key.der','rb').read() and dev1.CERT == open('certificate.der','rb').read() and dev1.CA[0] == 0x30",
    );
}

#[test]
fn a_component_of_esp_idf_names_its_files() {
    let lab = Lab::new();
    made(lab.path(), "export lab/dev1.crt --to esp-idf");
    let name = |name: &str| format!("dev1-esp-idf/{name}");
    assert!(lab.is_private(&name("dev1_key.pem")) && !lab.is_private(&name("dev1_cert.pem")));
    assert_eq!(lab.read(&name("dev1_key.pem")), lab.read("lab/dev1.key"));
    assert_eq!(lab.read(&name(".gitignore")), "dev1_key.pem\n");
    assert!(
        lab.read(&name("CMakeLists.txt"))
            .contains("EMBED_TXTFILES \"dev1_ca.pem\" \"dev1_cert.pem\" \"dev1_key.pem\")")
    );
    python(
        &lab,
        "import csv, os\nrows = list(csv.DictReader(open('dev1-esp-idf/nvs.csv', newline='')))\n\
         assert rows[0] == {'key': 'mqtt', 'type': 'namespace', 'encoding': '', 'value': ''}\n\
         for row in rows[1:]:\n    assert len(row['key']) <= 15 and row['type'] == 'file' and row['encoding'] == 'string'\n    \
         assert os.path.exists('dev1-esp-idf/' + row['value'])\nassert len(rows) == 4",
    );
    // The linker's names are those of the header.
    fs::write(
        lab.path().join("main.c"),
        "#include \"dev1-esp-idf/dev1.h\"\nint main(void) { return dev1_key_pem[0] == '-' ? 0 : 1; }\n",
    )
    .unwrap();
    let embed = "cd dev1-esp-idf && for each in ca cert key; do ld -r -b binary -o ../$each.o dev1_$each.pem; done && cd .. && \
                 cc -Wall -Wextra -Werror -o program main.c ca.o cert.o key.o && ./program";
    if let (Some(_), Some(ended)) = (installed("cc"), program(&lab, "sh", &["-c", embed])) {
        assert_eq!(ended.code, 0, "{ended:?}");
    }
    made(lab.path(), "client big -d lab --key rsa4096");
    let chained = lab.read("lab/big.crt").repeat(4);
    fs::write(lab.path().join("lab/big.crt"), chained).unwrap();
    let ended = certgen(lab.path(), "export lab/big.crt --to esp-idf");
    assert!(ended.code == 1 && ended.stderr.contains("takes 4000"), "{ended:?}");
    assert!(!lab.path().join("big-esp-idf").exists());
}

#[test]
fn clusters_and_containers_get_their_secrets() {
    let lab = Lab::new();
    made(lab.path(), "export lab/dev1.crt --to k8s --stem Dev_1");
    assert!(lab.is_private("Dev_1.yaml"));
    let text = lab.read("Dev_1.yaml");
    let value = |name: &str| text.lines().find_map(|line| line.trim().strip_prefix(&format!("{name}: "))).unwrap();
    assert_eq!((value("kind"), value("name"), value("type")), ("Secret", "\"dev-1\"", "kubernetes.io/tls"));
    for (name, file) in [("tls.crt", "lab/dev1.crt"), ("tls.key", "lab/dev1.key"), ("ca.crt", "lab/ca.crt")] {
        assert_eq!(STANDARD.decode(value(name)).unwrap(), lab.read(file).as_bytes(), "{name}");
    }
    python(
        &lab,
        "try:\n    import yaml\nexcept ImportError:\n    raise SystemExit\nassert yaml.safe_load(open('Dev_1.yaml'))['data']['tls.key']",
    );
    made(lab.path(), "export lab/dev1.crt --to docker");
    assert!(lab.is_private("dev1-docker/tls.key"));
    assert!(lab.read("dev1-docker/compose.yaml").ends_with(
        "secrets:\n  mqtt_ca:\n    file: ./ca.crt\n  mqtt_cert:\n    file: ./tls.crt\n  mqtt_key:\n    file: ./tls.key\n"
    ));
    made(lab.path(), "export lab/dev1.crt --to base64");
    assert!(lab.is_private("dev1.env"));
    let script = ". ./dev1.env && echo \"$MQTT_KEY_BASE64\" | base64 -d | cmp - lab/dev1.key";
    assert_eq!(program(&lab, "sh", &["-c", script]).unwrap().code, 0);
}

#[test]
fn a_profile_is_a_plist_that_installs_identity_and_ca() {
    let lab = Lab::new();
    fs::write(lab.path().join("ca.der"), &lab.ca).unwrap();
    made(lab.path(), "export lab/dev1.crt --to mobileconfig --key-pass-file pass --stem a&b");
    assert!(lab.is_private("a&b.mobileconfig"));
    python(
        &lab,
        "import plistlib\np = plistlib.load(open('a&b.mobileconfig','rb'))\nassert p['PayloadDisplayName'] == 'a&b'\n\
         c = {x['PayloadType']: x for x in p['PayloadContent']}\n\
         assert c['com.apple.security.root']['PayloadContent'] == open('ca.der','rb').read()\n\
         assert len({x['PayloadUUID'] for x in p['PayloadContent']} | {p['PayloadUUID']}) == 3\n\
         open('out.p12','wb').write(c['com.apple.security.pkcs12']['PayloadContent'])",
    );
    if installed("python3").is_some() {
        let (code, text) = openssl(lab.path(), "pkcs12 -in out.p12 -passin file:pass -noenc");
        assert!(code == 0 && text.contains("BEGIN PRIVATE KEY"), "{text}");
    }
}

#[test]
fn a_ca_never_goes_out_with_its_key_and_nothing_is_overwritten() {
    let lab = Lab::new();
    for form in
        ["pem", "der", "c-header", "arduino", "esp-idf", "micropython", "base64", "k8s", "docker", "mobileconfig"]
    {
        let ended = certgen(lab.path(), &format!("export lab/ca.crt --to {form} -o {form}"));
        assert_eq!((ended.code, ended.stderr.as_str()), (0, ""), "{form}");
        let files = run(Command::new("grep").args(["-rlE", "PRIVATE KEY|_key_|KEY ="]).arg(lab.path().join(form)), b"");
        assert_eq!(files.stdout, "", "{form}");
    }
    for (words, code, why) in [
        ("export lab/ca.crt --to pem --key lab/ca.key", 3, "a CA, whose key no export holds"),
        (
            "export lab/dev1.crt --to pem -o pem --key lab/dev2.key",
            1,
            "`lab/dev2.key` is not the key of `lab/dev1.crt`",
        ),
        ("export lab/dev1.crt --to k8s --encrypt --key-pass-file pass", 3, "cannot type a passphrase"),
        ("export lab/dev1.crt --to p12", 1, "--key-pass-file"),
        ("export lab/dev1.crt --to der -o -", 3, "more than one file"),
        ("export lab/dev1.crt --to pem --legacy", 3, "--legacy is for --to p12"),
        ("export lab/ca.crt --to pem -o pem", 1, "exists already"),
        (
            "export lab/dev1.crt lab/dev1.crt --to pem",
            3,
            "`lab/dev1.crt` and `lab/dev1.crt` would both be written as `dev1`",
        ),
    ] {
        let ended = certgen(lab.path(), words);
        assert!(ended.code == code && ended.stderr.contains(why), "{words}: {ended:?}");
    }
    let both = made(lab.path(), "export lab/dev1.crt lab/dev2.crt --to c-header -o many");
    assert_eq!(both, "many/dev1.h\nmany/dev2.h\n");
    fs::copy(lab.path().join("lab/dev1.crt"), lab.path().join("alone.crt")).unwrap();
    let ended = certgen(lab.path(), "export alone.crt --to arduino");
    assert!(ended.code == 0 && ended.stderr.contains("no CA that signed `alone.crt` lies beside it"), "{ended:?}");
}

#[test]
fn no_device_takes_the_place_of_another_or_of_what_is_exported() {
    let lab = Lab::new();
    let copy = |from: &str, to: &str| fs::copy(lab.path().join(from), lab.path().join(to)).unwrap();
    for (from, to) in [("dev1", "dev-1"), ("dev2", "dev_1"), ("dev2", "dev1-key"), ("dev2", "dev1-ca")] {
        copy(&format!("lab/{from}.crt"), &format!("lab/{to}.crt"));
        copy(&format!("lab/{from}.key"), &format!("lab/{to}.key"));
    }
    let refused = |words: &str, why: &str| {
        let ended = certgen(lab.path(), &format!("export {words} -o out/deep --force"));
        assert!(ended.code == 3 && ended.stderr.contains(why) && ended.stdout.is_empty(), "{words}: {ended:?}");
        assert!(!lab.path().join("out").exists(), "{words}");
    };
    refused("lab/dev1.crt lab/dev1-key.crt --to der", "two files would be written as `out/deep/dev1-key.der`");
    refused("lab/dev1.crt lab/dev1-ca.crt --to der", "two files would be written as `out/deep/dev1-ca.der`");
    for form in ["micropython", "c-header", "arduino", "esp-idf"] {
        let why = "`lab/dev-1.crt` and `lab/dev_1.crt` would both be called `dev_1` in";
        refused(&format!("lab/dev-1.crt lab/dev_1.crt --to {form}"), why);
    }
    let why = "`lab/dev-1.crt` and `lab/dev_1.crt` would both be called `dev-1` in";
    refused("lab/dev-1.crt lab/dev_1.crt --to k8s", why);
    made(lab.path(), "export lab/dev-1.crt lab/dev_1.crt --to pem -o apart");
    // A file that is exported stays, for its key may be the only one.
    let whole = lab.read("lab/dev1.key") + &lab.read("lab/dev1.crt");
    fs::write(lab.path().join("whole.pem"), &whole).unwrap();
    let ended = certgen(lab.path(), "export whole.pem --to pem --force");
    assert!(ended.code == 3 && ended.stderr.contains("`./whole.pem` is a file that is exported"), "{ended:?}");
    assert_eq!(lab.read("whole.pem"), whole);
}

#[test]
fn what_java_lists_is_what_went_in() {
    let lab = Lab::new();
    made(lab.path(), "export lab/dev1.crt --no-key --to p12 --key-pass-file pass");
    if let Some(ended) = program(&lab, "keytool", &["-list", "-keystore", "dev1.p12", "-storepass:file", "pass"]) {
        assert!(ended.code == 0 && ended.stdout.matches("trustedCertEntry").count() == 2, "{ended:?}");
    }
    let (_, text) = openssl(lab.path(), "pkcs12 -in dev1.p12 -passin file:pass -nokeys");
    assert!(text.contains("friendlyName: dev1\n") && text.contains("friendlyName: dev1-2\n"), "{text}");
}

#[test]
fn the_ca_is_the_one_that_signed_and_the_chain_goes_along() {
    let lab = Lab::new();
    made(lab.path(), "ca Twin -o one");
    made(lab.path(), "ca Twin -o two");
    made(lab.path(), "client dev9 --ca one/ca.crt");
    fs::copy(lab.path().join("two/ca.crt"), lab.path().join("one/ca.crt")).unwrap();
    for form in ["pem", "c-header"] {
        let ended = certgen(lab.path(), &format!("export one/dev9.crt --to {form} --no-key"));
        assert!(ended.code == 0 && ended.stderr.contains("no CA that signed `one/dev9.crt`"), "{ended:?}");
    }
    assert_eq!(lab.read("dev9.pem"), lab.read("one/dev9.crt"));
    made(lab.path(), "ca Root --path-len 1 -o deep");
    made(lab.path(), "ca Floor --parent deep/ca.crt -o deep");
    made(lab.path(), "client dev8 --ca deep/floor.crt");
    made(lab.path(), "export deep/dev8.crt --to c-header");
    assert!(lab.read("dev8.h").contains("dev8_chain1_der_len = ") && lab.read("dev8.h").contains("dev8_ca_der[]"));
    let ended = certgen(lab.path(), "export deep/dev8.crt --to micropython --stem class");
    assert!(
        ended.code == 0 && ended.stderr.contains("the intermediate CAs of `deep/dev8.crt` are left out"),
        "{ended:?}"
    );
    assert!(ended.stdout == "./xclass.py\n", "{ended:?}");
}
