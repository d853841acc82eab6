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
    // What the programs of the systems do: all anchors into one bundle.
    fs::create_dir_all(temp.path().join("root").join(bundle(folder)).parent().unwrap()).unwrap();
    fake(temp.path(), "chroot", &format!("cd {}; {}", temp.path().display(), update(folder)));
    temp
}

fn bundle(folder: &str) -> &'static str {
    match folder {
        "usr/local/share/ca-certificates" => "etc/ssl/certs/ca-certificates.crt",
        "etc/pki/ca-trust/source/anchors" => "etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
        _ => "etc/ca-certificates/extracted/tls-ca-bundle.pem",
    }
}

fn update(folder: &str) -> String {
    format!("cat root/{folder}/* > root/{} 2>/dev/null; true", bundle(folder))
}

const DEBIAN: &str = "usr/local/share/ca-certificates";

fn debian() -> tempfile::TempDir {
    machine(DEBIAN, "update-ca-certificates")
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
    let temp = debian();
    let folder = temp.path();
    let store = folder.join("root/usr/local/share/ca-certificates");
    fake(folder, "chroot", "echo 'no such file' >&2; exit 7");
    let ended = trust(folder, "install lab/ca.crt --root root --yes");
    assert!(ended.code == 1 && ended.stderr.contains("`chroot` failed (exit status: 7): no such file"), "{ended:?}");
    // The command fails again when it is undone, but the file is gone and was never in the bundle.
    assert!(ended.stderr.contains("what was done before is undone"), "{ended:?}");
    assert_eq!(names_in(&store).len(), 0);
    let then = format!("{}; test -e once && exit 0; touch once; exit 1", update(DEBIAN));
    fake(folder, "chroot", &then);
    let ended = trust(folder, "install lab/ca.crt --root root --yes");
    assert!(ended.code == 1 && ended.stderr.contains("what was done before is undone"), "{ended:?}");
    assert_eq!(names_in(&store).len(), 0);
    assert_eq!(fs::read(folder.join("root").join(bundle(DEBIAN))).unwrap(), b"");
    // It stays in the bundle where the command fails once it is there.
    fake(folder, "chroot", &format!("test -e twice && exit 1; touch twice; {}; exit 1", update(DEBIAN)));
    let ended = trust(folder, "install lab/ca.crt --root root --yes");
    assert!(ended.code == 1 && ended.stderr.contains("could not all be undone"), "{ended:?}");
}

#[test]
fn only_the_certificate_of_a_root_is_taken() {
    let temp = debian();
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
    let temp = debian();
    let folder = temp.path();
    let databases = [folder.join("home/.mozilla/firefox/x.default"), folder.join("home/.pki/nssdb")];
    for database in &databases {
        fs::create_dir_all(database).unwrap();
        fs::write(database.join("cert9.db"), "").unwrap();
    }
    let then = "db=${2#sql:}\ncase \"$*\" in\n*' -A '*) test ! -e \"$db/full\" || exit 1; cat > \"$db/in\"\n\
                echo \"$7   C,,\" > \"$db/list\";;\n*' -D '*) rm \"$db/in\" \"$db/list\";;\n*' -a') cat \"$db/in\";;\n\
                *) printf '\\nNickname\\n SSL,S/MIME,JAR/XPI\\n\\n'; cat \"$db/list\" 2>/dev/null || true;;\nesac";
    fake(folder, "certutil", then);
    let ended = trust(folder, "install lab/ca.crt --store browsers --yes");
    assert_eq!(ended.code, 0, "{ended:?}");
    let calls = calls(folder);
    let added: Vec<_> = calls.lines().filter(|line| line.contains(" -A ")).collect();
    assert_eq!(added.len(), 2, "{calls}");
    for (line, database) in added.iter().zip(&databases) {
        assert!(line.starts_with(&format!("certutil -d sql:{} -A -t C,, -n moskit-", database.display())), "{line}");
        // It reads what moskit read, and no file that may be another by now.
        assert!(!line.contains(" -i "), "{line}");
        assert_eq!(fs::read(database.join("in")).unwrap(), fs::read(folder.join("lab/ca.crt")).unwrap());
    }
    // Where the second fails, the first is left alone if it had the CA before, and undone if not.
    fs::write(databases[1].join("full"), "").unwrap();
    for is_before in [true, false] {
        for database in &databases[usize::from(is_before)..] {
            let _ = fs::remove_file(database.join("in")).and_then(|()| fs::remove_file(database.join("list")));
        }
        let ended = trust(folder, "install lab/ca.crt --store browsers --yes");
        assert!(ended.code == 1 && ended.stderr.contains("what was done before is undone"), "{ended:?}");
        assert_eq!(databases[0].join("in").exists(), is_before);
    }
}

#[test]
fn what_a_killed_run_left_is_brought_to_its_end() {
    let temp = debian();
    let folder = temp.path();
    let bundle = folder.join("root").join(bundle(DEBIAN));
    assert_eq!(trust(folder, "install lab/ca.crt --root root --yes").stdout, "lab/ca.crt: installed\n");
    let [file] = &names_in(&folder.join("root").join(DEBIAN))[..] else { panic!("one file") };
    // The file is there, and the command was killed; then the file is another.
    for content in [fs::read(file).unwrap(), b"junk".to_vec()] {
        fs::write(file, content).unwrap();
        fs::write(&bundle, "").unwrap();
        calls(folder);
        let ended = trust(folder, "install lab/ca.crt --root root --yes");
        assert_eq!((ended.code, ended.stdout.as_str()), (0, "lab/ca.crt: installed\n"), "{ended:?}");
        assert_eq!(calls(folder), "chroot root update-ca-certificates\n");
        assert_eq!(fs::read(&bundle).unwrap(), fs::read(folder.join("lab/ca.crt")).unwrap());
    }
    fs::remove_file(file).unwrap();
    let ended = trust(folder, "remove lab/ca.crt --root root --yes");
    assert_eq!((ended.code, ended.stdout.as_str()), (0, "lab/ca.crt: removed\n"), "{ended:?}");
    assert_eq!(fs::read(&bundle).unwrap(), b"");
    // A command that does nothing is no success.
    fake(folder, "chroot", "exit 0");
    let ended = trust(folder, "install lab/ca.crt --root root --yes");
    assert!(ended.code == 1 && ended.stderr.contains("does not hold the CA"), "{ended:?}");
    fs::copy(folder.join("lab/ca.crt"), &bundle).unwrap();
    let ended = trust(folder, "remove lab/ca.crt --root root --yes");
    assert!(ended.code == 1 && ended.stderr.contains("still holds the CA"), "{ended:?}");
    assert_eq!(names_in(&folder.join("root").join(DEBIAN)).len(), 0);
    // What cannot be read is not known.
    fs::remove_file(&bundle).unwrap();
    fs::create_dir(&bundle).unwrap();
    for action in ["install", "remove"] {
        let ended = trust(folder, &format!("{action} lab/ca.crt --root root --yes"));
        assert!(ended.code == 1 && ended.stderr.contains("is a folder"), "{ended:?}");
    }
}

#[test]
fn what_others_put_there_is_named_and_never_called_removed() {
    let temp = debian();
    let folder = temp.path();
    let store = folder.join("root").join(DEBIAN);
    assert_eq!(trust(folder, "install lab/ca.crt --root root --yes").code, 0);
    fs::copy(folder.join("lab/ca.crt"), store.join("my-ca.crt")).unwrap();
    for gone in [true, false] {
        let ended = trust(folder, "remove lab/ca.crt --root root --yes");
        assert!(ended.code == 1 && ended.stdout.is_empty(), "{ended:?}");
        assert!(ended.stderr.contains("my-ca.crt holds it, and moskit did not put it there"), "{ended:?}");
        assert_eq!(ended.stderr.contains("what moskit had put there is gone"), gone, "{ended:?}");
        let command = format!("rm root/{DEBIAN}/my-ca.crt && chroot root update-ca-certificates --fresh");
        assert!(ended.stderr.contains(&command), "{ended:?}");
        assert_eq!(names_in(&store), [store.join("my-ca.crt")]);
    }
    let ended = trust(folder, "remove lab/ca.crt --root root --dry-run");
    assert!(ended.code == 0 && ended.stdout.contains("my-ca.crt stays"), "{ended:?}");
    let ended = trust(folder, "install lab/ca.crt --root root --yes");
    assert_eq!(ended.stdout, "lab/ca.crt: is in the store already\n", "{ended:?}");
}

#[test]
fn no_link_in_an_image_leads_to_the_host() {
    let temp = debian();
    let folder = temp.path();
    let host = folder.join("host");
    for inside in ["usr/local", "etc/ssl"] {
        let temp = debian();
        let folder = temp.path();
        let link = folder.join("root").join(inside);
        let _ = fs::remove_dir_all(&host);
        fs::rename(&link, &host).unwrap();
        std::os::unix::fs::symlink(&host, &link).unwrap();
        let ended = trust(folder, "install lab/ca.crt --root root --yes");
        assert!(ended.code == 1 && ended.stderr.contains("out of the image"), "{inside}: {ended:?}");
        assert_eq!(calls(folder), "");
    }
    // One that stays in it is followed.
    fs::rename(folder.join("root/usr/local"), folder.join("root/data")).unwrap();
    std::os::unix::fs::symlink("../data", folder.join("root/usr/local")).unwrap();
    assert_eq!(trust(folder, "install lab/ca.crt --root root --yes").stdout, "lab/ca.crt: installed\n");
}

#[test]
fn an_expired_ca_and_one_that_another_key_signed_are_not_installed() {
    let temp = debian();
    let folder = temp.path();
    let openssl = |words: &str| {
        let ended = run(Command::new("openssl").current_dir(folder).args(words.split(' ')), b"");
        assert_eq!(ended.code, 0, "{ended:?}");
    };
    let extensions = "-addext basicConstraints=critical,CA:TRUE";
    let key = "-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes";
    openssl(&format!("req -x509 {key} -subj /CN=one -keyout one.key -out one.crt {extensions}"));
    openssl("x509 -in one.crt -signkey one.key -days -1 -out old.crt");
    openssl("req -new -newkey rsa:2048 -nodes -subj /CN=one -keyout two.key -out two.csr");
    fs::write(folder.join("ca.ext"), "basicConstraints=critical,CA:TRUE").unwrap();
    openssl("x509 -req -in two.csr -CA one.crt -CAkey one.key -out two.crt -extfile ca.ext -CAcreateserial");
    for (file, why) in [("two.crt", "is not signed with its own key"), ("old.crt", "expired on ")] {
        let ended = trust(folder, &format!("install {file} --root root --yes"));
        assert!(ended.code == 1 && ended.stderr.contains(why), "{file}: {ended:?}");
        // Out of the store it can be taken.
        let ended = trust(folder, &format!("remove {file} --root root --yes"));
        assert_eq!(ended.stdout, format!("{file}: is not in the store\n"), "{ended:?}");
    }
    assert_eq!(trust(folder, "install one.crt --root root --yes").code, 0);
}

/// By the real certutil, where it is installed.
#[test]
fn a_real_database_of_nss_has_the_ca_and_loses_it() {
    if !["/usr/bin/certutil"].iter().any(|program| Path::new(program).exists()) {
        eprintln!("SKIPPED: certutil of libnss3-tools is not installed");
        return;
    }
    let Some(certutil) = installed("certutil") else { return };
    let temp = debian();
    let folder = temp.path();
    let database = folder.join("home/.pki/nssdb");
    fs::create_dir_all(&database).unwrap();
    let nss = format!("sql:{}", database.display());
    let certutil = |words: &[&str]| run(Command::new(&certutil).args(["-d", &nss]).args(words), b"");
    assert_eq!(certutil(&["-N", "--empty-password"]).code, 0);
    assert_eq!(trust(folder, "install lab/ca.crt --store browsers --yes").code, 0);
    assert!(certutil(&["-L"]).stdout.contains("C,,"));
    assert_eq!(trust(folder, "remove lab/ca.crt --store browsers --yes").code, 0);
    assert!(!certutil(&["-L"]).stdout.contains("moskit"));
    // Trust that was taken away is given again.
    assert_eq!(trust(folder, "install lab/ca.crt --store browsers --yes").stdout, "lab/ca.crt: installed\n");
    let list = certutil(&["-L"]).stdout;
    let name = list.split_whitespace().find(|word| word.starts_with("moskit-")).unwrap();
    assert_eq!(certutil(&["-M", "-n", name, "-t", ",,"]).code, 0);
    assert_eq!(trust(folder, "install lab/ca.crt --store browsers --yes").stdout, "lab/ca.crt: installed\n");
    assert!(certutil(&["-L"]).stdout.contains("C,,"));
    // Another CA of the same subject stays, and is not taken for this one.
    let other = tempfile::tempdir().unwrap();
    made(other.path(), "init lab --hosts localhost");
    let other = other.path().join("lab/ca.crt");
    assert_eq!(certutil(&["-A", "-n", "another", "-t", "C,,", "-i", other.to_str().unwrap()]).code, 0);
    assert_eq!(trust(folder, "remove lab/ca.crt --store browsers --yes").stdout, "lab/ca.crt: removed\n");
    assert!(certutil(&["-L"]).stdout.contains("another"));
    assert_eq!(trust(folder, "remove lab/ca.crt --store browsers --yes").stdout, "lab/ca.crt: is not in the store\n");
    assert_eq!(certutil(&["-D", "-n", "another"]).code, 0);
    // Under somebody's nickname.
    let file = folder.join("lab/ca.crt");
    assert_eq!(certutil(&["-A", "-n", "my own", "-t", "C,,", "-i", file.to_str().unwrap()]).code, 0);
    for action in ["install", "remove"] {
        let ended = trust(folder, &format!("{action} lab/ca.crt --store browsers --yes"));
        match action {
            "install" => assert_eq!(ended.stdout, "lab/ca.crt: is in the store already\n"),
            _ => assert!(ended.code == 1 && ended.stderr.contains("-D -n 'my own'"), "{ended:?}"),
        }
    }
    fs::write(database.join("cert9.db"), "junk").unwrap();
    for action in ["install", "remove"] {
        let ended = trust(folder, &format!("{action} lab/ca.crt --store browsers --yes"));
        assert!(ended.code == 1 && ended.stderr.contains("is not known"), "{ended:?}");
    }
}
