//! `moskit certgen trust`: a CA gets into the stores of a machine and out again, with no trace; what fails is undone.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::certgen::made;
use crate::mosquitto::installed;
use crate::run::{Ended, moskit, run};

/// A folder with a CA in `lab`, a system below `root`, and programs of ours in `bin`, which write down how they were called.
fn machine(folder: &str, program: &str) -> tempfile::TempDir {
    let temp = tempfile::tempdir().unwrap();
    made(temp.path(), "init lab --hosts localhost");
    fs::create_dir_all(temp.path().join("root").join(folder)).unwrap();
    fs::create_dir_all(temp.path().join("root/usr/sbin")).unwrap();
    fs::write(temp.path().join("root/usr/sbin").join(program), "").unwrap();
    for name in ["chroot", "certutil"] {
        fake(temp.path(), name, "exit 0");
    }
    temp
}

/// A program `name` that notes its words in `calls` and does `then`.
fn fake(folder: &Path, name: &str, then: &str) {
    let bin = folder.join("bin");
    fs::create_dir_all(&bin).unwrap();
    let script = format!("#!/bin/sh\necho \"{name} $*\" >> {}/calls\n{then}\n", folder.display());
    fs::write(bin.join(name), script).unwrap();
    fs::set_permissions(bin.join(name), fs::Permissions::from_mode(0o755)).unwrap();
}

fn trust(folder: &Path, words: &str) -> Ended {
    let words: Vec<_> = ["certgen", "trust"].into_iter().chain(words.split(' ')).collect();
    let path = std::env::join_paths([folder.join("bin"), PathBuf::from("/usr/bin"), PathBuf::from("/bin")]).unwrap();
    run(moskit(&words).current_dir(folder).env("PATH", path).env("HOME", folder.join("home")), b"")
}

fn calls(folder: &Path) -> String {
    let calls = fs::read_to_string(folder.join("calls")).unwrap_or_default();
    let _ = fs::remove_file(folder.join("calls"));
    calls
}

fn names_in(folder: &Path) -> Vec<PathBuf> {
    fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect()
}

#[test]
fn each_layout_gets_the_certificate_and_loses_it_again() {
    for (store, program, words, without) in [
        // Debian's leaves links to what is gone unless it is told to look anew.
        ("usr/local/share/ca-certificates", "update-ca-certificates", "", " --fresh"),
        ("etc/pki/ca-trust/source/anchors", "update-ca-trust", " extract", " extract"),
        ("etc/ca-certificates/trust-source/anchors", "update-ca-trust", " extract", " extract"),
    ] {
        let temp = machine(store, program);
        let folder = temp.path();
        let store = folder.join("root").join(store);
        let shown = trust(folder, "install lab/ca.crt --root root --dry-run");
        assert_eq!((shown.code, names_in(&store).len()), (0, 0), "{shown:?}");
        assert!(shown.stdout.contains(&format!("  run chroot root {program}{words}\n")), "{shown:?}");
        let asked = trust(folder, "install lab/ca.crt --root root");
        assert!(asked.code == 3 && asked.stderr.contains("--yes"), "{asked:?}");
        assert_eq!((calls(folder), names_in(&store).len()), (String::new(), 0));
        let ended = trust(folder, "install lab/ca.crt --root root --yes");
        assert_eq!((ended.code, ended.stdout.as_str()), (0, "lab/ca.crt: installed\n"), "{ended:?}");
        assert_eq!(calls(folder), format!("chroot root {program}{words}\n"));
        let [file] = &names_in(&store)[..] else { panic!("one file") };
        assert_eq!(fs::read(file).unwrap(), fs::read(folder.join("lab/ca.crt")).unwrap());
        assert_eq!(fs::metadata(file).unwrap().permissions().mode() & 0o777, 0o644);
        let again = trust(folder, "install lab/ca.crt --root root --yes");
        assert_eq!((again.code, again.stdout.as_str()), (0, "lab/ca.crt: is in the store already\n"));
        let ended = trust(folder, "remove lab/ca.crt --root root --yes");
        assert_eq!((ended.code, ended.stdout.as_str()), (0, "lab/ca.crt: removed\n"), "{ended:?}");
        assert_eq!((calls(folder), names_in(&store).len()), (format!("chroot root {program}{without}\n"), 0));
        let again = trust(folder, "remove lab/ca.crt --root root --yes");
        assert_eq!((again.code, again.stdout.as_str()), (0, "lab/ca.crt: is not in the store\n"));
    }
}

#[test]
fn what_fails_half_way_is_undone() {
    let temp = machine("usr/local/share/ca-certificates", "update-ca-certificates");
    let folder = temp.path();
    let store = folder.join("root/usr/local/share/ca-certificates");
    fake(folder, "chroot", "echo 'no such file' >&2; exit 7");
    let ended = trust(folder, "install lab/ca.crt --root root --yes");
    assert!(ended.code == 1 && ended.stderr.contains("`chroot` failed (exit status: 7): no such file"), "{ended:?}");
    // The command fails again when it is undone, but the file is gone.
    assert!(ended.stderr.contains("could not all be undone"), "{ended:?}");
    assert_eq!(names_in(&store).len(), 0);
    fake(folder, "chroot", "test -e once && exit 0; touch once; exit 1");
    let ended = trust(folder, "install lab/ca.crt --root root --yes");
    assert!(ended.code == 1 && ended.stderr.contains("what was done before is undone"), "{ended:?}");
    assert_eq!(names_in(&store).len(), 0);
}

#[test]
fn only_the_certificate_of_a_root_is_taken() {
    let temp = machine("usr/local/share/ca-certificates", "update-ca-certificates");
    let folder = temp.path();
    let both = fs::read_to_string(folder.join("lab/ca.crt")).unwrap()
        + &fs::read_to_string(folder.join("lab/ca.key")).unwrap();
    fs::write(folder.join("both.pem"), both).unwrap();
    made(folder, "ca Root --path-len 1 -o deep");
    made(folder, "ca Floor --parent deep/ca.crt -o deep");
    let two = fs::read_to_string(folder.join("deep/ca.crt")).unwrap().repeat(2);
    fs::write(folder.join("deep/two.crt"), two).unwrap();
    for (file, why) in [
        ("both.pem", "holds a private key"),
        ("lab/ca.key", "holds a private key"),
        ("lab/server.crt", "is not the certificate of a CA"),
        ("deep/floor.crt", "is an intermediate CA"),
        ("deep/two.crt", "does not hold one certificate"),
        ("nowhere.crt", "nowhere.crt"),
    ] {
        let ended = trust(folder, &format!("install {file} --root root --yes"));
        assert!(ended.code == 1 && ended.stderr.contains(why), "{file}: {ended:?}");
    }
    assert_eq!(calls(folder), "");
    let ended = trust(folder, "install lab/ca.crt --root nowhere --yes");
    assert!(ended.code == 1 && ended.stderr.contains("no store of the system is known below `nowhere`"), "{ended:?}");
    let ended = trust(folder, "install lab/ca.crt --store browsers --yes");
    assert!(ended.code == 1 && ended.stderr.contains("no store of Firefox or Chromium"), "{ended:?}");
}

#[test]
fn browsers_have_databases_of_their_own() {
    let temp = machine("usr/local/share/ca-certificates", "update-ca-certificates");
    let folder = temp.path();
    let databases = [folder.join("home/.mozilla/firefox/x.default"), folder.join("home/.pki/nssdb")];
    for database in &databases {
        fs::create_dir_all(database).unwrap();
        fs::write(database.join("cert9.db"), "").unwrap();
    }
    // Not there when it is asked for first.
    fake(folder, "certutil", "case \"$*\" in *-L*) exit 255;; esac");
    let ended = trust(folder, "install lab/ca.crt --store browsers --yes");
    assert_eq!(ended.code, 0, "{ended:?}");
    let calls = calls(folder);
    let added: Vec<_> = calls.lines().filter(|line| line.contains(" -A ")).collect();
    assert_eq!(added.len(), 2, "{calls}");
    for (line, database) in added.iter().zip(&databases) {
        assert!(line.starts_with(&format!("certutil -d sql:{} -A -t C,, -n moskit-", database.display())), "{line}");
        assert!(line.ends_with(" -i lab/ca.crt"), "{line}");
    }
}

/// By the real certutil, where it is installed.
#[test]
fn a_real_database_of_nss_has_the_ca_and_loses_it() {
    if !["/usr/bin/certutil"].iter().any(|program| Path::new(program).exists()) {
        eprintln!("SKIPPED: certutil of libnss3-tools is not installed");
        return;
    }
    let Some(certutil) = installed("certutil") else { return };
    let temp = machine("usr/local/share/ca-certificates", "update-ca-certificates");
    let folder = temp.path();
    fs::remove_file(folder.join("bin/certutil")).unwrap();
    let database = folder.join("home/.pki/nssdb");
    fs::create_dir_all(&database).unwrap();
    let nss = format!("sql:{}", database.display());
    let certutil = |words: &[&str]| run(Command::new(&certutil).args(["-d", &nss]).args(words), b"");
    assert_eq!(certutil(&["-N", "--empty-password"]).code, 0);
    assert_eq!(trust(folder, "install lab/ca.crt --store browsers --yes").code, 0);
    assert!(certutil(&["-L"]).stdout.contains("C,,"));
    assert_eq!(trust(folder, "remove lab/ca.crt --store browsers --yes").code, 0);
    assert!(!certutil(&["-L"]).stdout.contains("moskit"));
}
