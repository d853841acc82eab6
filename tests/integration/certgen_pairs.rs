//! A key and its certificate belong together, whoever else renews them and whenever the program is killed.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::run::{moskit, run};

const RENEW: [&str; 6] = ["certgen", "renew", "dev1.crt", "--new-key", "--within", "9999d"];

fn furnish() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let words = ["certgen", "init", ".", "--hosts", "localhost", "--clients", "dev1"];
    assert_eq!(run(moskit(&words).current_dir(folder.path()), b"").code, 0);
    folder
}

fn renewal(folder: &Path) -> Command {
    let mut command = moskit(&RENEW);
    command.current_dir(folder).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
    command
}

/// As openssl sees it.
fn belong_together(folder: &Path) -> bool {
    let public_key = |words: &[&str]| {
        let ended = Command::new("openssl").args(words).current_dir(folder).output().unwrap();
        assert!(ended.status.success(), "{ended:?}");
        ended.stdout
    };
    public_key(&["x509", "-in", "dev1.crt", "-noout", "-pubkey"]) == public_key(&["pkey", "-in", "dev1.key", "-pubout"])
}

#[test]
fn a_ca_that_was_killed_half_made_signs_at_the_next_start() {
    let folder = furnish();
    let at = |name: &str| folder.path().canonicalize().unwrap().join(name);
    // As a kill between the two renames leaves it: the key is a draft still, and the note names it.
    fs::rename(at("ca.key"), at(".moskit-1-0.tmp")).unwrap();
    let note = format!("moskit set 1\0{}\0.moskit-1-0.tmp\0", at("ca.key").display());
    fs::write(at(".moskit-1-0.set"), note).unwrap();
    fs::set_permissions(at(".moskit-1-0.set"), fs::Permissions::from_mode(0o600)).unwrap();
    let ended = run(moskit(&["certgen", "client", "dev2"]).current_dir(folder.path()), b"");
    assert_eq!(ended.code, 0, "{ended:?}");
    assert!(ended.stderr.contains("an earlier run was interrupted") && at("ca.key").exists(), "{ended:?}");
    // What `--force` would lose is said before it is typed.
    let again = run(moskit(&["certgen", "client", "dev2"]).current_dir(folder.path()), b"");
    assert!(again.stderr.contains("the private key that is there is lost"), "{again:?}");
}

#[test]
fn twenty_renewals_at_once_leave_a_key_and_its_certificate() {
    let folder = furnish();
    for _ in 0..3 {
        let all: Vec<Child> = (0..20).map(|_| renewal(folder.path()).spawn().unwrap()).collect();
        for one in all {
            let ended = one.wait_with_output().unwrap();
            assert_eq!((ended.status.code(), String::from_utf8(ended.stderr).unwrap()), (Some(0), String::new()));
        }
        assert!(belong_together(folder.path()));
    }
    let names = fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    assert_eq!(names.filter(|name| name.starts_with('.')).collect::<Vec<_>>(), [""; 0]);
}

/// Kills renewals at moments that differ by microseconds, until `enough`. Each is looked after by the next start, which
/// need not even find that the certificate is due.
fn kill_renewals(enough: impl Fn(u32, Instant) -> bool) {
    let folder = furnish();
    let started = Instant::now();
    run(&mut renewal(folder.path()), b"");
    let whole = started.elapsed();
    let mut kills = 0;
    while !enough(kills, started) {
        let mut one = renewal(folder.path()).stderr(Stdio::null()).spawn().unwrap();
        // Most of the time goes into making the key; the files are written in the last part.
        let part = 0.5 + f64::from(kills * 37 % 100) / 160.0;
        let deadline = Instant::now() + whole.mul_f64(part);
        while Instant::now() < deadline {
            std::hint::spin_loop();
        }
        one.kill().unwrap();
        one.wait().unwrap();
        kills += 1;
        let next = ["certgen", "renew", "dev1.crt", "--within", "1d"];
        let next = run(moskit(&next).current_dir(folder.path()), b"");
        assert_eq!(next.code, 0, "{next:?}");
        assert!(belong_together(folder.path()), "after {kills} kills: {next:?}");
    }
}

#[test]
fn a_killed_renewal_leaves_a_key_and_its_certificate_or_the_next_start_finishes_it() {
    kill_renewals(|kills, started| kills >= 30 || started.elapsed() > Duration::from_secs(10));
}

#[test]
#[ignore = "five hundred killed runs take a minute"]
fn five_hundred_killed_renewals_leave_a_key_and_its_certificate() {
    kill_renewals(|kills, _| kills >= 500);
}

#[test]
fn a_new_key_is_its_owners_alone_whatever_the_old_one_was() {
    let folder = furnish();
    let key = folder.path().join("dev1.key");
    fs::set_permissions(&key, fs::Permissions::from_mode(0o644)).unwrap();
    let ended = renewal(folder.path()).output().unwrap();
    let said = String::from_utf8(ended.stderr).unwrap();
    assert_eq!((ended.status.code(), said.as_str()), (Some(0), "note: `dev1.key` had mode 644 and gets 600\n"));
    assert_eq!(fs::metadata(&key).unwrap().permissions().mode() & 0o7777, 0o600);
    // The certificate is public, and keeps what it had.
    assert_eq!(fs::metadata(folder.path().join("dev1.crt")).unwrap().permissions().mode() & 0o7777, 0o644);
}
