//! `moskit certgen inspect`, `verify`, `lint` and `expiry` on every form that certgen writes, and on those of the programs that
//! write it, too; and on files that lie about what they are.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

use crate::certgen::{certgen, made, openssl};
use crate::mosquitto::installed;
use crate::run::{moskit, run};

/// A CA in `lab` with the client dev1, another CA in `other`, and a passphrase.
fn lab() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    made(folder.path(), "init lab --hosts localhost --clients dev1,dev2");
    made(folder.path(), "init other --hosts localhost --clients dev1");
    fs::write(folder.path().join("pass"), "password 1\n").unwrap();
    folder
}

fn read(folder: &Path, name: &str) -> String {
    fs::read_to_string(folder.join(name)).unwrap()
}

/// Runs a program; `false` where it is not installed.
fn program(folder: &Path, name: &str, words: &[&str]) -> bool {
    if installed(name).is_none() {
        return false;
    }
    let ended = run(Command::new(name).args(words).current_dir(folder), b"");
    assert_eq!(ended.code, 0, "{name} {words:?}: {ended:?}");
    true
}

fn shell(folder: &Path, script: &str) {
    assert!(program(folder, "sh", &["-ec", script]));
}

/// What all four say of a file with the certificate of dev1, its CA `ca` and, perhaps, its key.
fn is_understood(folder: &Path, file: &str, has_key: bool) {
    let options = "--pass-file pass";
    let seen: Value = serde_json::from_str(&made(folder, &format!("inspect --json {file} {options}"))).unwrap();
    let items = seen["items"].as_array().unwrap();
    let subjects: Vec<_> = items.iter().filter_map(|item| item["subject"].as_str()).collect();
    assert!(subjects.contains(&"CN=dev1"), "{file}: {subjects:?}");
    let keys = items.iter().filter(|item| item["kind"] == "private key").count();
    assert_eq!(keys, usize::from(has_key), "{file}: {seen}");
    let is_odd = |item: &&Value| item["kind"] == "damaged" || item["kind"] == "not known";
    assert_eq!(items.iter().find(is_odd), None, "{file}");

    let ended = certgen(folder, &format!("verify {file} --ca lab/ca.crt {options}"));
    assert!(ended.code == 0 && ended.stdout.contains(": good\n  CN=dev1, issued by"), "{file}: {ended:?}");
    let ended = certgen(folder, &format!("verify {file} --ca other/ca.crt {options}"));
    assert!(ended.code == 1 && ended.stdout.contains(": not good\n"), "{file}: {ended:?}");
    let ended = certgen(folder, &format!("lint {file} {options}"));
    assert_eq!((ended.code, ended.stdout.as_str()), (0, "1 file is fine\n"), "{file}: {ended:?}");
    for (within, code) in [("30d", 0), ("900d", 1)] {
        let ended = certgen(folder, &format!("expiry {file} --warn {within} {options}"));
        assert_eq!(ended.code, code, "{file}: {ended:?}");
        assert!(ended.stdout.contains("CN=dev1 expires in"), "{file}: {ended:?}");
    }
    // Whose CA it is nobody has said but the file itself, or one beside it.
    if folder.join(file).with_file_name("ca.crt").exists() {
        return;
    }
    let ended = certgen(folder, &format!("verify {file} {options}"));
    assert!(ended.code == 1 && ended.stderr.contains("hint: --ca FILE names the CA"), "{file}: {ended:?}");
}

#[test]
fn every_form_that_is_exported_is_understood() {
    let lab = lab();
    let folder = lab.path();
    for (form, file, options) in [
        ("p12", "dev1.p12", " --key-pass-file pass"),
        ("p12", "dev1.p12", " --key-pass-file pass --legacy"),
        ("pem", "dev1.pem", ""),
        ("pem", "dev1.pem", " --encrypt --key-pass-file pass"),
        ("der", "dev1.der", ""),
        ("c-header", "dev1.h", ""),
        ("arduino", "dev1.h", ""),
        ("esp-idf", "dev1-esp-idf/nvs.csv", ""),
        ("micropython", "dev1.py", ""),
        ("base64", "dev1.env", ""),
        ("k8s", "dev1.yaml", ""),
        ("docker", "dev1-docker/compose.yaml", ""),
        ("mobileconfig", "dev1.mobileconfig", " --key-pass-file pass"),
    ] {
        made(folder, &format!("export lab/dev1.crt --to {form} -o {form} --force{options}"));
        if options.contains("--encrypt") {
            let ended = certgen(folder, &format!("verify {form}/{file} --ca lab/ca.crt"));
            assert!(ended.code == 0 && ended.stdout.contains("is not known: it is encrypted"), "{ended:?}");
            continue;
        }
        is_understood(folder, &format!("{form}/{file}"), form != "der");
        if form != "der" && !options.contains("--legacy") {
            // Another device's key in it is found.
            let there = format!("--key lab/dev2.key --stem dev1 -o wrong-{form} --force{options}");
            let ended = certgen(folder, &format!("export lab/dev1.crt --to {form} {there}"));
            assert_eq!(ended.code, 1, "{ended:?}");
        }
    }
    // DER is a file each.
    let seen: Value = serde_json::from_str(&made(folder, "inspect --json der/dev1-key.der")).unwrap();
    assert_eq!(seen["items"][0]["kind"], "private key");
    let ended = certgen(folder, "verify der/dev1.der --ca lab/ca.crt --key der/dev1-key.der");
    assert_eq!(ended.code, 0, "{ended:?}");
    let ended = certgen(folder, "verify der/dev1.der --ca c-header/dev1.h --key lab/dev2.key");
    assert!(ended.code == 1 && ended.stdout.contains("do not belong together"), "{ended:?}");
    let ended = certgen(folder, "verify lab/dev1.crt --key p12/dev1.p12 --pass-file pass");
    assert_eq!(ended.code, 0, "{ended:?}");
    // The CA that came along is believed where somebody says so.
    for file in ["p12/dev1.p12", "k8s/dev1.yaml", "mobileconfig/dev1.mobileconfig"] {
        let ended = certgen(folder, &format!("verify {file} --ca {file} --pass-file pass"));
        assert_eq!(ended.code, 0, "{file}: {ended:?}");
    }
    // A broker reads none of them, and check says what they are.
    for (file, kind) in [("c-header/dev1.h", "a C source"), ("k8s/dev1.yaml", "an object of Kubernetes")] {
        let ended = certgen(folder, &format!("sign {file} --profile client -d lab"));
        assert_eq!(ended.code, 1, "{ended:?}");
        let ended = certgen(folder, &format!("export {file} --to pem"));
        assert!(ended.code == 1 && ended.stderr.contains(kind), "{ended:?}");
    }
}

/// The key of another device in the place of a device's own is no pair, in whatever form the two lie.
#[test]
fn a_key_that_is_not_the_certificates_own_is_found_in_every_form() {
    let lab = lab();
    let folder = lab.path();
    for (form, file, key) in [
        ("pem", "x.pem", "-----BEGIN CERT"),
        ("c-header", "x.h", "static const unsigned char x_key_der"),
        ("arduino", "x.h", "static const char x_key_pem"),
        ("micropython", "x.py", "\nKEY = "),
        ("base64", "x.env", "MQTT_KEY_BASE64="),
        ("k8s", "x.yaml", "  tls.key: "),
    ] {
        let part = |device: &str| {
            made(folder, &format!("export lab/{device}.crt --to {form} --stem x -o {form}-{device}"));
            read(folder, &format!("{form}-{device}/{file}"))
        };
        // The value of the key is the last in each, but first in PEM.
        let (one, two) = if form == "pem" { (part("dev2"), part("dev1")) } else { (part("dev1"), part("dev2")) };
        let at = |text: &str| text.find(key).unwrap();
        let mixed = one[..at(&one)].to_owned() + &two[at(&two)..];
        fs::write(folder.join(file), mixed).unwrap();
        fs::set_permissions(folder.join(file), fs::Permissions::from_mode(0o600)).unwrap();
        let ended = certgen(folder, &format!("lint {file}"));
        let why = format!("the key in `{file}` is not that of the certificate `CN=dev1` in it");
        assert!(ended.code == 2 && ended.stdout.contains(&why), "{form}: {ended:?}");
        let ended = certgen(folder, &format!("verify {file} --ca lab/ca.crt"));
        assert!(
            ended.code == 1 && ended.stdout.contains(": not good\n") && ended.stdout.contains(&why),
            "{form}: {ended:?}"
        );
        fs::set_permissions(folder.join(file), fs::Permissions::from_mode(0o644)).unwrap();
        let ended = certgen(folder, &format!("lint {file}"));
        assert!(ended.stdout.contains("key.exposed"), "{form}: {ended:?}");
    }
}

#[test]
fn what_other_programs_write_in_these_forms_is_understood() {
    let lab = lab();
    let folder = lab.path();
    let pair = "-in lab/dev1.crt -inkey lab/dev1.key -certfile lab/ca.crt";
    for options in [
        "-nomac",
        "-certpbe NONE -keypbe NONE",
        "-certpbe PBE-SHA1-3DES -keypbe PBE-SHA1-3DES -macalg sha1",
        "-legacy",
        "-legacy -certpbe PBE-SHA1-RC2-128 -keypbe PBE-SHA1-RC2-40 -macalg sha1",
        "-legacy -certpbe PBE-SHA1-2DES -keypbe PBE-SHA1-2DES",
        "",
    ] {
        let words = format!("pkcs12 -export {pair} -passout file:pass -out store.p12 {options}");
        assert_eq!(openssl(folder, &words).0, 0, "{words}");
        is_understood(folder, "store.p12", true);
    }
    // A passphrase that is no UTF-8, as OpenSSL has it.
    fs::write(folder.join("latin"), b"p\xe4ss\n").unwrap();
    assert_eq!(openssl(folder, &format!("pkcs12 -export {pair} -passout file:latin -out latin.p12")).0, 0);
    assert_eq!(certgen(folder, "expiry latin.p12 --pass-file latin").code, 0);
    assert_eq!(openssl(folder, "x509 -in lab/dev1.crt -outform DER -out one.cer").0, 0);
    is_understood(folder, "one.cer", false);
    shell(folder, "base64 one.cer > one.txt; base64 -w0 lab/dev1.crt > two.txt");
    is_understood(folder, "one.txt", false);
    is_understood(folder, "two.txt", false);
    // As Java 8 writes it, with RC2 for the certificates, and as it does today.
    for (option, file) in [("-J-Dkeystore.pkcs12.legacy", "java8.p12"), ("-J-Dkeystore.other", "java.p12")] {
        let words = [
            option,
            "-importkeystore",
            "-srckeystore",
            "store.p12",
            "-srcstorepass",
            "password 1",
            "-destkeystore",
            file,
            "-deststorepass",
            "password 1",
            "-deststoretype",
            "PKCS12",
        ];
        if program(folder, "keytool", &words) {
            is_understood(folder, file, true);
        }
    }
    let secret = "create secret tls dev1 --cert lab/dev1.crt --key lab/dev1.key --dry-run=client -o";
    for form in ["yaml", "json"] {
        let words: Vec<_> = secret.split(' ').chain([form]).collect();
        if installed("kubectl").is_some() {
            let ended = run(Command::new("kubectl").args(&words).current_dir(folder), b"");
            assert_eq!(ended.code, 0, "{ended:?}");
            write_private(folder, &format!("kubectl.{form}"), ended.stdout.as_bytes());
            is_understood(folder, &format!("kubectl.{form}"), true);
        }
    }
    if installed("xxd").is_some() {
        shell(folder, "xxd -i one.cer > one.h; xxd -i lab/dev1.crt > pem.h");
        is_understood(folder, "one.h", false);
        is_understood(folder, "pem.h", false);
    }
    made(folder, "export lab/dev1.crt --to mobileconfig --key-pass-file pass");
    let script = "import plistlib\nprofile = plistlib.load(open('dev1.mobileconfig', 'rb'))\n\
                  plistlib.dump(profile, open('sorted.mobileconfig', 'wb'), sort_keys=True)\n";
    if program(folder, "python3", &["-c", script]) {
        is_understood(folder, "sorted.mobileconfig", true);
    }
    // As people write them.
    let (certificate, key) = (read(folder, "lab/dev1.crt"), read(folder, "lab/dev1.key"));
    let quoted = |text: &str| text.lines().fold(String::new(), |all, line| format!("{all}\"{line}\\n\" \\\n"));
    write_private(
        folder,
        "define.h",
        format!("#define CERT \\\n{}\n#define KEY \\\n{}\n", quoted(&certificate), quoted(&key)).as_bytes(),
    );
    write_private(
        folder,
        "bytes.py",
        format!("import ssl\nCERT = '''\n{certificate}'''\nKEY = \"\"\"{key}\"\"\"\n").as_bytes(),
    );
    let indented = |text: &str| text.lines().fold(String::new(), |all, line| format!("{all}    {line}\n"));
    let map = format!(
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: x}}\ndata:\n  tls.crt: |\n{}  tls.key: |-\n{}",
        indented(&certificate),
        indented(&key)
    );
    write_private(folder, "map.yaml", map.as_bytes());
    for file in ["define.h", "bytes.py", "map.yaml"] {
        is_understood(folder, file, true);
    }
}

fn write_private(folder: &Path, name: &str, content: &[u8]) {
    fs::write(folder.join(name), content).unwrap();
    fs::set_permissions(folder.join(name), fs::Permissions::from_mode(0o600)).unwrap();
}

#[test]
fn archives_are_looked_into_and_never_trusted() {
    let lab = lab();
    let folder = lab.path();
    fs::write(folder.join("fleet.csv"), "id\nsensor1\nsensor2\n").unwrap();
    made(folder, "batch fleet.csv -d lab -o fleet --layout archive");
    let seen: Value = serde_json::from_str(&made(folder, "inspect --json fleet/sensor1.tar")).unwrap();
    let items = seen["items"].as_array().unwrap();
    assert_eq!((items[0]["kind"].as_str(), items[0]["things"].as_u64()), (Some("archive (tar)"), Some(3)));
    let parts: Vec<_> = items[1..].iter().map(|item| item["part"].as_str().unwrap()).collect();
    assert_eq!(parts, ["sensor1/sensor1.crt", "sensor1/sensor1.key", "sensor1/ca.crt"]);
    let ended = certgen(folder, "verify fleet/sensor1.tar --ca lab/ca.crt");
    assert!(ended.stdout.starts_with("fleet/sensor1.tar (sensor1/sensor1.crt): good\n"), "{ended:?}");
    let ended = certgen(folder, "lint fleet/sensor1.tar");
    assert_eq!((ended.code, ended.stdout.as_str()), (0, "1 file is fine\n"), "{ended:?}");
    // As tar makes them, of one device and of all.
    shell(
        folder,
        "mkdir all && cd all && for each in ../fleet/*.tar; do tar -xf $each; done && tar -cf ../all.tar . && chmod 600 ../all.tar",
    );
    let out = made(folder, "verify all.tar --ca lab/ca.crt");
    assert_eq!(out.matches(": good\n").count(), 2, "{out}");
    let ended = certgen(folder, "expiry all.tar --warn 900d");
    assert_eq!((ended.code, ended.stdout.matches("WARNING   all.tar (./sensor").count()), (1, 2), "{ended:?}");
    // The keys of the two exchanged.
    shell(
        folder,
        "cd all && mv sensor1/sensor1.key k && mv sensor2/sensor2.key sensor1/sensor1.key && mv k sensor2/sensor2.key && tar -cf ../mixed.tar .",
    );
    let ended = certgen(folder, "verify mixed.tar --ca lab/ca.crt");
    assert_eq!((ended.code, ended.stdout.matches(": not good\n").count()), (1, 2), "{ended:?}");
    // A device whose certificate is of another CA, in an archive that brings this CA along.
    shell(folder, "mkdir evil && cp other/ca.crt other/dev1.crt other/dev1.key evil && tar -cf evil.tar evil");
    let ended = certgen(folder, "verify evil.tar");
    assert!(ended.code == 1 && ended.stdout.is_empty() && ended.stderr.contains("--ca FILE names the CA"), "{ended:?}");
    assert_eq!(certgen(folder, "verify evil.tar --ca lab/ca.crt").code, 1);
}

/// Each is one clear error, and nothing of it is good but dev1.crt where that is whole.
#[test]
fn archives_that_lie_are_not_known() {
    let lab = lab();
    let folder = lab.path();
    let name = "a\u{1b}[31mred.crt";
    fs::create_dir(folder.join("d")).unwrap();
    fs::copy(folder.join("lab/dev1.crt"), folder.join("d").join(name)).unwrap();
    shell(
        folder,
        "tar -cf name.tar d; tar -cf inner.tar lab; mkdir n; mv inner.tar n/x.crt; cp lab/dev1.crt n; tar -cf nested.tar n",
    );
    shell(folder, "mkdir l; cp lab/dev1.crt l; ln -s /etc/passwd l/ca.crt; tar -cf link.tar l");
    shell(
        folder,
        "head -c 2000 nested.tar > cut.tar; printf junk > l/dev2.crt; tar -cf junk.tar l/dev1.crt l/dev2.crt",
    );
    shell(folder, "truncate -s 1T l/hole.crt && tar -cSf hole.tar l/dev1.crt l/hole.crt; rm l/hole.crt");
    shell(
        folder,
        "head -c 40000000 /dev/zero > big; tar -cf big.tar big; rm big; gzip -k n/dev1.crt; zip -q n/z.crt n/dev1.crt",
    );
    let out = made(folder, "inspect name.tar");
    assert!(out.contains("\\x1b[31m") && !out.contains('\u{1b}'), "{out:?}");
    for words in ["lint name.tar", "expiry name.tar --warn 900d", "verify name.tar --ca other/ca.crt"] {
        let ended = certgen(folder, words);
        let shown = ended.stdout.clone() + &ended.stderr;
        assert!(
            !shown.contains('\u{1b}') && (shown.contains("red") || words.starts_with("lint")),
            "{words}: {ended:?}"
        );
    }
    for (file, why) in [
        ("nested.tar", "an archive in an archive, which is not looked into"),
        ("link.tar", "no file by itself"),
        ("cut.tar", "what is in the archive `cut.tar` is not known"),
        ("junk.tar", "text without any PEM section"),
        ("hole.tar", "no file by itself"),
        ("big.tar", "has more than 32 MB"),
        ("n/dev1.crt.gz", "it is compressed by gzip"),
        ("n/z.crt", "it is a zip archive"),
    ] {
        for (words, codes) in [
            (format!("verify {file} --ca lab/ca.crt"), [1]),
            (format!("lint {file}"), [2]),
            (format!("expiry {file}"), [3]),
        ] {
            let ended = certgen(folder, &words);
            let shown = (ended.stdout.clone() + &ended.stderr).split_whitespace().collect::<Vec<_>>().join(" ");
            assert!(codes.contains(&ended.code) && shown.contains(why), "{words}: {ended:?}");
            assert!(!shown.replace("dev1.crt): good", "").contains(": good") && !shown.contains("fine"), "{ended:?}");
        }
        let ended = certgen(folder, &format!("inspect {file}"));
        assert!((ended.stdout + &ended.stderr).contains(why), "{file}");
    }
}

#[test]
fn stores_that_lie_are_not_known() {
    let lab = lab();
    let folder = lab.path();
    fs::write(folder.join("wrong"), "wrong\n").unwrap();
    let words = "pkcs12 -export -in lab/dev1.crt -inkey lab/dev1.key -passout file:pass -out dear.p12 -iter 2048";
    assert_eq!(openssl(folder, words).0, 0);
    let good = fs::read(folder.join("dear.p12")).unwrap();
    // The MAC asks for two thousand million iterations: four bytes more in its number, and in the two lengths around it.
    let mut store = good.clone();
    assert!(store.ends_with(&[2, 2, 8, 0]));
    let mac = (0..store.len() - 2)
        .rfind(|at| store[*at] == 0x30 && usize::from(store[at + 1]) == store.len() - at - 2)
        .unwrap();
    store.truncate(store.len() - 4);
    store.extend_from_slice(&[2, 4, 0x7f, 0xff, 0xff, 0xff]);
    store[mac + 1] += 2;
    let length = u16::from_be_bytes([store[2], store[3]]) + 2;
    store[2..4].copy_from_slice(&length.to_be_bytes());
    fs::write(folder.join("dear.p12"), &store).unwrap();
    let mut changed = good.clone();
    let middle = changed.len() / 2;
    changed[middle] ^= 1;
    fs::write(folder.join("changed.p12"), &changed).unwrap();
    fs::write(folder.join("right.p12"), &good).unwrap();
    for (file, pass, why) in [
        ("dear.p12", "pass", "it asks for more work or memory than is allowed here"),
        ("changed.p12", "pass", "the passphrase is wrong, or the store is damaged"),
        ("right.p12", "wrong", "the passphrase is wrong, or the store is damaged"),
    ] {
        for (words, code) in [("inspect", 1), ("verify --ca lab/ca.crt", 1), ("lint", 2), ("expiry", 3)] {
            let ended = certgen(folder, &format!("{words} {file} --pass-file {pass}"));
            let shown = (ended.stdout.clone() + &ended.stderr).split_whitespace().collect::<Vec<_>>().join(" ");
            assert!(ended.code == code && shown.contains(why), "{words} {file}: {ended:?}");
            assert!(!shown.contains(": good") && !shown.contains("fine"), "{words}: {ended:?}");
        }
    }
    for (words, code) in [("lint", 1), ("expiry", 3), ("verify --ca lab/ca.crt", 1)] {
        let ended = certgen(folder, &format!("{words} right.p12"));
        assert!(ended.code == code && !ended.stdout.contains("good"), "{ended:?}");
    }
    if program(
        folder,
        "keytool",
        &[
            "-genkeypair",
            "-alias",
            "a",
            "-keyalg",
            "EC",
            "-dname",
            "CN=a",
            "-storetype",
            "JKS",
            "-keystore",
            "a.jks",
            "-storepass",
            "password 1",
            "-keypass",
            "password 1",
        ],
    ) {
        for words in ["inspect a.jks", "expiry a.jks", "lint a.jks"] {
            let ended = certgen(folder, words);
            let shown = ended.stdout + &ended.stderr;
            assert!(ended.code != 0 && shown.contains("a Java keystore (JKS)"), "{shown}");
        }
    }
}

/// Archives, folders and several files with one store that nobody opens, or with something damaged.
#[test]
fn one_part_of_which_nothing_is_known_stops_nothing() {
    let lab = lab();
    let folder = lab.path();
    let words = "pkcs12 -export -in lab/dev2.crt -inkey lab/dev2.key -passout file:pass -out lab/closed.p12";
    assert_eq!(openssl(folder, words).0, 0);
    shell(folder, "mkdir f; cp lab/dev1.crt lab/dev1.key lab/closed.p12 f; tar -C f -cf closed.tar .");
    let lines = |text: &str| text.lines().map(|line| serde_json::from_str(line).unwrap()).collect::<Vec<Value>>();
    let why = "is not known: it is a PKCS#12 store";
    for (target, at) in [("closed.tar", "closed.tar (./dev1.crt)"), ("f", "f/dev1.crt")] {
        let ended = certgen(folder, &format!("verify {target} --ca lab/ca.crt"));
        assert!(ended.code == 1 && ended.stdout.starts_with(&format!("{at}: good\n")), "{ended:?}");
        assert_eq!(ended.stdout.matches("good").count(), 1, "{ended:?}");
        assert!(ended.stderr.contains(why) && ended.stderr.contains("hint: --pass-file FILE"), "{ended:?}");
        let ended = certgen(folder, &format!("verify {target} --ca lab/ca.crt --json"));
        let rows = lines(&ended.stdout);
        let closed: Vec<_> = rows.iter().filter(|row| row["good"].is_null()).collect();
        assert!(rows.len() == 2 && closed[0]["error"].as_str().unwrap().contains(why), "{rows:?}");
        let ended = certgen(folder, &format!("verify {target} --ca lab/ca.crt --pass-file pass"));
        assert_eq!((ended.code, ended.stdout.matches(": good\n").count(), ended.stderr.as_str()), (0, 2, ""));
        let ended = certgen(folder, &format!("inspect {target}"));
        let shown = ended.stdout.clone() + &ended.stderr;
        assert!(ended.code == 1 && shown.contains("CN=dev1") && shown.contains("it is a PKCS#12 store"), "{ended:?}");
        assert!(shown.contains("--pass-file FILE"), "{ended:?}");
        assert_eq!(certgen(folder, &format!("inspect {target} --pass-file pass")).code, 0);
    }
    let ended = certgen(folder, "inspect lab/closed.p12 gone.crt lab/dev1.crt");
    assert!(ended.code == 1 && ended.stdout.contains("CN=dev1"), "{ended:?}");
    assert!(ended.stderr.contains(why) && ended.stderr.contains("gone.crt"), "{ended:?}");
    let ended = certgen(folder, "inspect --json lab/closed.p12 lab/dev1.crt");
    let rows = lines(&ended.stdout);
    assert!(rows[0]["error"].as_str().unwrap().contains(why) && rows[0]["items"].is_null(), "{rows:?}");
    assert_eq!(rows[1]["items"][0]["subject"], "CN=dev1");
    // What is damaged is named, and the key that lies beside it is nobody else's.
    shell(
        folder,
        "head -c 400 lab/dev2.crt > f/dev2.crt; cp lab/dev2.key f; rm f/closed.p12 f/dev1.key; tar -C f -cf cut.tar .",
    );
    let ended = certgen(folder, "verify cut.tar --ca lab/ca.crt");
    assert!(ended.code == 1 && ended.stdout.starts_with("cut.tar (./dev1.crt): good\n"), "{ended:?}");
    assert!(
        ended.stderr.contains("`cut.tar (./dev2.crt)` is not known: the PEM section in it is damaged"),
        "{ended:?}"
    );
    assert_eq!(openssl(folder, "ecparam -name secp256k1 -genkey -noout -out odd.key").0, 0);
    shell(
        folder,
        "tar -C lab -cf odd.tar dev1.crt; tar -rf odd.tar odd.key; tar -cf outer.tar odd.key lab/dev1.crt closed.tar",
    );
    shell(folder, "(cat lab/dev1.crt; sed 's/^/ /' lab/dev2.crt) > indented.crt");
    for (file, what) in [
        ("cut.tar", "what       PEM section"),
        ("odd.tar", "what       key"),
        ("outer.tar", "not known"),
        ("indented.crt", "what       PEM section"),
    ] {
        let ended = certgen(folder, &format!("inspect {file}"));
        assert!(ended.code == 1 && ended.stdout.contains("CN=dev1") && ended.stdout.contains(what), "{ended:?}");
    }
}

/// It may be a pipe, which is read once.
#[test]
fn a_public_key_by_a_pipe_is_compared() {
    let lab = lab();
    let folder = lab.path();
    for (device, code) in [("dev1", 0), ("dev2", 1)] {
        let words = format!("pkey -in lab/{device}.key -pubout -out {device}.pub");
        assert_eq!(openssl(folder, &words).0, 0);
        let mut command = moskit(&["certgen", "verify", "lab/dev1.crt", "--key", "/dev/stdin"]);
        let ended = run(command.current_dir(folder), read(folder, &format!("{device}.pub")).as_bytes());
        assert_eq!(ended.code, code, "{ended:?}");
    }
}

/// Of two with one name, some programs take the first and others the last; each is judged by itself.
#[test]
fn of_what_stands_twice_under_one_name_each_is_judged() {
    let lab = lab();
    let folder = lab.path();
    shell(folder, "tar -C lab -cf twice.tar dev1.crt; tar -C other -rf twice.tar dev1.crt");
    let text = |one: &str| format!("const char cert[] = R\"({})\";\n", read(folder, one));
    let header = format!("#ifdef A\n{}#else\n{}#endif\n", text("lab/dev1.crt"), text("other/dev1.crt"));
    fs::write(folder.join("twice.h"), header).unwrap();
    fs::write(
        folder.join("twice.env"),
        ["lab/dev1.crt", "other/dev1.crt"].map(|it| format!("CERT={}\n", STANDARD.encode(read(folder, it)))).concat(),
    )
    .unwrap();
    for file in ["twice.tar", "twice.h", "twice.env"] {
        let ended = certgen(folder, &format!("verify {file} --ca lab/ca.crt"));
        assert!(
            ended.code == 1 && ended.stdout.contains(": good\n") && ended.stdout.contains(": not good\n"),
            "{ended:?}"
        );
    }
    shell(
        folder,
        "mkdir cut; head -c 400 lab/dev1.crt > cut/dev1.crt; tar -C lab -cf half.tar dev1.crt; tar -C cut -rf half.tar dev1.crt",
    );
    let ended = certgen(folder, "verify half.tar --ca lab/ca.crt");
    assert!(ended.code == 1 && ended.stdout.contains(": good\n") && ended.stderr.contains("damaged"), "{ended:?}");
}

/// A table names its own files and no others.
#[test]
fn a_table_names_no_file_outside_of_its_folder() {
    let lab = lab();
    let folder = lab.path();
    fs::create_dir(folder.join("t")).unwrap();
    shell(folder, "mkfifo t/pipe.pem");
    for name in ["../lab/ca.crt", "/etc/ssl/certs/ca-certificates.crt", "gone.pem", "pipe.pem", "."] {
        let table =
            format!("key,type,encoding,value\nm,namespace,,\nca,file,string,{name}\ncert,file,string,./dev1.crt\n");
        fs::write(folder.join("t/nvs.csv"), table).unwrap();
        fs::copy(folder.join("lab/dev1.crt"), folder.join("t/dev1.crt")).unwrap();
        let out = made(folder, "inspect t/nvs.csv");
        assert!(
            out.contains("not known") && out.contains("not there, or cannot be read") && out.contains("CN=dev1"),
            "{out}"
        );
        let ended = certgen(folder, "expiry t/nvs.csv");
        let is_certain = name == ".";
        assert_eq!(ended.code, if is_certain { 0 } else { 3 }, "{name}: {ended:?}");
    }
}

/// Folders of devices: each file is looked at once, what is not known is said, and the rest is looked at all the same.
#[test]
fn folders_of_devices_are_looked_through() {
    let lab = lab();
    let folder = lab.path();
    let rows = (1..=40).fold(String::new(), |all, number| format!("{all}d{number}\n"));
    fs::write(folder.join("fleet.csv"), format!("id\n{rows}")).unwrap();
    for layout in ["flat", "folder", "archive"] {
        let out = format!("fleet-{layout}");
        made(folder, &format!("batch fleet.csv -d lab -o {out} --layout {layout}"));
        fs::write(folder.join(&out).join("notes.py"), "print('hello')\n").unwrap();
        let good = made(folder, &format!("verify {out} --ca lab/ca.crt"));
        assert_eq!(good.matches(": good\n").count(), 40, "{good}");
        let seen = made(folder, &format!("inspect --json {out}"));
        let files = match layout {
            "flat" => 80,
            "folder" => 120,
            _ => 40,
        };
        assert_eq!(seen.lines().count(), files, "{layout}");
        let ended = certgen(folder, &format!("lint {out}"));
        assert_eq!((ended.code, ended.stdout), (0, format!("{files} files are fine\n")), "{layout}");
        let ended = certgen(folder, &format!("expiry {out} --warn 900d"));
        let dates = if layout == "flat" { 40 } else { 80 };
        assert_eq!(
            (ended.code, ended.stdout.matches("OK ").count() + ended.stdout.matches("WARNING ").count()),
            (1, dates)
        );
        // One that is damaged hides none of the others.
        let (file, bytes) = match layout {
            "archive" => ("d7.tar", b"junk".to_vec()),
            "folder" => ("d7/d7.crt", b"-----BEGIN CERTIFICATE-----\nMII".to_vec()),
            _ => ("d7.crt", b"junk".to_vec()),
        };
        let path = folder.join(&out).join(file);
        if layout == "archive" {
            let half = fs::read(&path).unwrap();
            fs::write(&path, &half[..half.len() / 2]).unwrap();
        } else {
            fs::write(&path, bytes).unwrap();
        }
        let ended = certgen(folder, &format!("verify {out} --ca lab/ca.crt"));
        let count = ended.stdout.matches(": good\n").count();
        assert!(ended.code == 1 && count == 39 && ended.stderr.contains("d7"), "{layout}: {ended:?}");
    }
}

/// What a value is worth in base64, so that the test above does not pass by chance.
#[test]
fn a_value_that_is_cut_is_damaged_and_never_left_out() {
    let lab = lab();
    let folder = lab.path();
    let encoded = STANDARD.encode(read(folder, "lab/dev1.crt"));
    let secret = |value: &str| {
        format!(
            "apiVersion: v1\nkind: Secret\ndata:\n  tls.crt: {value}\n  ca.crt: {}\n",
            STANDARD.encode(read(folder, "lab/ca.crt"))
        )
    };
    for value in [&encoded[..encoded.len() / 2], "!!!", "*alias", "{a: b}"] {
        fs::write(folder.join("s.yaml"), secret(value)).unwrap();
        for (words, code) in [("verify --ca lab/ca.crt", 1), ("lint", 2), ("expiry", 3)] {
            let ended = certgen(folder, &format!("{words} s.yaml"));
            assert_eq!(ended.code, code, "{value} {words}: {ended:?}");
        }
    }
    fs::write(folder.join("s.yaml"), secret(&encoded)).unwrap();
    assert_eq!(certgen(folder, "verify s.yaml --ca lab/ca.crt").code, 0);
}

#[test]
fn a_key_that_comes_by_a_pipe_is_compared_with_every_certificate() {
    let folder = lab();
    shell(folder.path(), "cd lab && tar -cf both.tar dev1.crt dev2.crt");
    let script = format!(
        "set -o pipefail; \"{}\" certgen verify lab/both.tar --ca lab/ca.crt --json --key <(cat lab/dev2.key)",
        env!("CARGO_BIN_EXE_moskit")
    );
    let ended = run(Command::new("bash").args(["-c", &script]).current_dir(folder.path()), b"");
    let good: Vec<_> =
        ended.stdout.lines().map(|line| serde_json::from_str::<Value>(line).unwrap()["good"].clone()).collect();
    assert_eq!((good, ended.stderr.as_str(), ended.code), (vec![false.into(), true.into()], "", 1));
}
