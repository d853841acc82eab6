//! Passphrases of keys come from where they are safe, and no key of a CA is lost to something else.

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::certgen::{certgen, made, openssl};
use crate::run::{moskit, run};

fn is_encrypted(folder: &Path, key: &str) -> bool {
    let text = fs::read_to_string(folder.join(key)).unwrap();
    assert!(openssl(folder, &format!("pkey -in {key} -passin pass:new -noout")).0 == 0, "{key}");
    text.contains("BEGIN ENCRYPTED PRIVATE KEY")
}

/// Runs certgen with `new` on descriptor 3 and in the variable NEW.
fn with_new(folder: &Path, words: &str) {
    let script = format!("exec 3<<END\nnew\nEND\nNEW=new exec \"$MOSKIT\" certgen {words}");
    let mut command = Command::new("sh");
    command.args(["-c", &script]).env("MOSKIT", moskit(&[]).get_program()).current_dir(folder);
    let ended = run(&mut command, b"");
    assert_eq!(ended.code, 0, "{words}: {ended:?}");
}

#[test]
fn a_new_key_is_encrypted_wherever_one_is_made() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    with_new(folder, "init lab --hosts localhost --clients dev1,dev2 --encrypt-clients --key-pass-fd 3");
    assert!(is_encrypted(folder, "lab/dev1.key") && is_encrypted(folder, "lab/dev2.key"));
    assert!(!is_encrypted(folder, "lab/server.key") && !is_encrypted(folder, "lab/ca.key"));
    with_new(folder, "client dev3 -d lab --encrypt --key-pass-env NEW");
    assert!(is_encrypted(folder, "lab/dev3.key"));
    with_new(folder, "renew lab/dev3.crt --within 9999d --new-key --encrypt --key-pass-fd 3");
    assert!(is_encrypted(folder, "lab/dev3.key"));
    fs::write(folder.join("fleet.csv"), "id\ndev4\n").unwrap();
    with_new(folder, "batch fleet.csv -d lab --encrypt --key-pass-fd 3");
    assert!(is_encrypted(folder, "devices/dev4.key"));
    with_new(folder, "csr dev5 --encrypt --pass-fd 3");
    assert!(is_encrypted(folder, "dev5.key"));
    with_new(folder, "key convert lab/ca.key --to pkcs8 --out copy.key --encrypt --key-pass-env NEW");
    assert!(is_encrypted(folder, "copy.key"));
    with_new(folder, "key convert copy.key --to der --out copy.der --pass-env NEW --encrypt --key-pass-fd 3");
    assert_eq!(openssl(folder, "pkcs8 -in copy.der -inform DER -passin pass:new").0, 0);
    with_new(folder, "ca Root -o deep --path-len 1 --encrypt --pass-fd 3");
    with_new(folder, "ca Floor -o deep --parent deep/ca.crt --parent-pass-fd 3");
    with_new(folder, "ca Wing -o deep --parent deep/ca.crt --parent-pass-env NEW --encrypt --pass-fd 3");
    assert!(is_encrypted(folder, "deep/wing.key") && !is_encrypted(folder, "deep/floor.key"));
    for (words, why) in [
        ("client dev9 -d lab --key-pass-file x", "not --encrypt"),
        ("init new --clients a --key-pass-file x", "not --encrypt-clients"),
        ("key convert lab/ca.key --to sec1 --out x --encrypt --key-pass-env NEW", "--to pkcs8 and der"),
        ("key convert lab/ca.key --to pkcs8 --out x --key-pass-env NEW", "not --encrypt"),
    ] {
        let ended = certgen(folder, words);
        assert!(ended.code == 3 && ended.stderr.contains(why), "{words}: {ended:?}");
    }
    assert!(!folder.join("x").exists() && !folder.join("new").exists());
}

#[test]
fn nothing_takes_the_place_of_the_files_of_a_ca() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    made(folder, "ca Root -o lab --path-len 1");
    made(folder, "ca Floor -o lab --parent lab/ca.crt");
    made(folder, "csr floor -o requests");
    let files = ["lab/ca.crt", "lab/ca.key", "lab/floor.crt", "lab/floor.key"];
    let before: Vec<_> = files.iter().map(|file| fs::read(folder.join(file)).unwrap()).collect();
    for words in [
        "csr ca --force -o lab",
        "csr floor --force -o lab",
        "client floor -d lab --force",
        "server x.lan --stem floor -d lab --force",
        "sign requests/floor.csr --profile client -d lab -o lab --force",
        "broken cert.expired lab --force",
    ] {
        let ended = certgen(folder, words);
        assert!(ended.code == 3 && ended.stderr.contains("CA"), "{words}: {ended:?}");
        let after: Vec<_> = files.iter().map(|file| fs::read(folder.join(file)).unwrap()).collect();
        assert!(after == before, "{words}");
        assert!(!folder.join("lab/ca.csr").exists(), "{words}");
    }
    made(folder, "ca Floor -o lab --parent lab/ca.crt --force");
    for kind in ["cert.expired", "cert.self-signed-as-server"] {
        made(folder, &format!("broken {kind}"));
        made(folder, &format!("broken {kind} --force"));
    }
    // A key is its CA's whatever it is called, closed or not, and whichever option names it.
    made(folder, "ca Hidden -o old");
    fs::write(folder.join("pass"), "secret\n").unwrap();
    made(folder, "client dev1 -d old");
    for file in ["ca-index.ndjson", "dev1.key"] {
        fs::remove_file(folder.join("old").join(file)).unwrap();
    }
    fs::rename(folder.join("old/ca.key"), folder.join("old/root.key")).unwrap();
    made(folder, "key encrypt old/root.key --out closed.key --pass-file pass");
    let keys = [fs::read(folder.join("old/root.key")).unwrap(), fs::read(folder.join("closed.key")).unwrap()];
    made(folder, "csr other");
    for key in &keys {
        fs::write(folder.join("old/root.key"), key).unwrap();
        for words in [
            "csr root --force -o old",
            "key decrypt other.key --out old/root.key --force",
            "client root -d old --ca-key ca.key --no-index --force",
            "renew old/dev1.crt --new-key --key old/root.key --within 900d --no-index --ca-key closed.key",
            "broken cert.expired old --force",
        ] {
            let ended =
                certgen(folder, &format!("{words}{}", if words.contains("closed") { " --pass-file pass" } else { "" }));
            assert!([1, 3].contains(&ended.code), "{words}: {ended:?}");
            assert!(fs::read(folder.join("old/root.key")).unwrap() == *key, "{words}: {ended:?}");
        }
        let ended = certgen(folder, "csr root --force -o old");
        let why = "error: `old/root.key` belongs to the CA `old/ca.crt`, and --force does not replace it\n";
        assert!(ended.code == 3 && ended.stderr.starts_with(why), "{ended:?}");
    }
    // In its own place a key may take another form.
    made(folder, "key decrypt old/root.key --out old/root.key --force --pass-file pass");
    assert_eq!(fs::read(folder.join("old/root.key")).unwrap(), keys[0]);
    // What belongs to no CA is replaced.
    made(folder, "csr other --force");
}
