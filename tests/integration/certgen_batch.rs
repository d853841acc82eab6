//! `moskit certgen batch`: every device is whole, in the index and in the manifest, whatever happens meanwhile.

use std::collections::BTreeMap;
use std::fs;
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::certgen::{certgen, made, openssl};
use crate::mosquitto::installed;
use crate::run::{Ended, moskit, run};

/// A CA in `lab`, with a server, in a folder that is returned.
fn lab() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    made(folder.path(), "init lab --hosts localhost");
    folder
}

fn rows(count: usize) -> String {
    let rows: Vec<_> = (0..count).map(|number| format!("dev{number}")).collect();
    format!("id\n{}\n", rows.join("\n"))
}

/// The lines of the manifest, by id.
fn manifest(folder: &Path, out: &str) -> BTreeMap<String, Value> {
    let text = fs::read_to_string(folder.join(out).join("manifest.ndjson")).unwrap();
    let lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let by_id: BTreeMap<_, _> = lines.iter().map(|it| (it["id"].as_str().unwrap().to_owned(), it.clone())).collect();
    assert_eq!(by_id.len(), lines.len(), "no device stands twice");
    by_id
}

/// The serial numbers that the index has, by the common name; each device stands there once.
fn indexed(folder: &Path) -> BTreeMap<String, String> {
    let lines = made(folder, "index -d lab --json");
    let all: Vec<(String, String)> = lines
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap())
        .map(|it| {
            (
                it["subject"].as_str().unwrap().rsplit("CN=").next().unwrap().to_owned(),
                it["serial"].as_str().unwrap().to_owned(),
            )
        })
        .filter(|(name, _)| name != "localhost")
        .collect();
    let by_name: BTreeMap<_, _> = all.iter().cloned().collect();
    assert_eq!(by_name.len(), all.len(), "no device stands twice in the index");
    by_name
}

/// Every device of the manifest has all its files, the index has exactly these devices, and nothing else lies there.
fn is_whole(folder: &Path, out: &str) -> usize {
    let manifest = manifest(folder, out);
    let serials: BTreeMap<_, _> =
        manifest.iter().map(|(id, it)| (id.clone(), it["serial"].as_str().unwrap().to_owned())).collect();
    assert_eq!(indexed(folder), serials);
    let mut files = vec!["manifest.ndjson".to_owned()];
    for entry in manifest.values() {
        for file in entry["files"].as_array().unwrap() {
            let file = file.as_str().unwrap();
            assert!(fs::metadata(folder.join(out).join(file)).unwrap().len() > 100, "{file}");
            files.push(file.split('/').next().unwrap().to_owned());
        }
    }
    files.sort();
    files.dedup();
    let mut there: Vec<_> =
        fs::read_dir(folder.join(out)).unwrap().map(|it| it.unwrap().file_name().into_string().unwrap()).collect();
    there.sort();
    assert_eq!(there, files);
    manifest.len()
}

/// As openssl sees it.
fn fits(folder: &Path, certificate: &str, key: &str) {
    let (code, text) =
        openssl(folder, &format!("verify -x509_strict -purpose sslclient -CAfile lab/ca.crt {certificate}"));
    assert_eq!(code, 0, "{text}");
    let public = openssl(folder, &format!("x509 -in {certificate} -noout -pubkey"));
    assert_eq!(public, openssl(folder, &format!("pkey -in {key} -pubout")), "{certificate}");
}

/// As on a network file system without a lock daemon.
#[test]
fn where_the_file_system_has_no_locks_it_is_said() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    fs::write(
        folder.join("none.c"),
        "#include <errno.h>\nint flock(int fd, int how) { errno = EOPNOTSUPP; return -1; }\n",
    )
    .unwrap();
    if installed("cc").is_none() {
        return;
    }
    let built = run(Command::new("cc").args(["-shared", "-fPIC", "-o", "none.so", "none.c"]).current_dir(folder), b"");
    assert_eq!(built.code, 0, "{built:?}");
    made(folder, "init lab --hosts localhost");
    fs::write(folder.join("fleet.csv"), "id\ndev1\n").unwrap();
    let words = ["certgen", "batch", "fleet.csv", "-d", "lab"];
    let ended = run(moskit(&words).current_dir(folder).env("LD_PRELOAD", folder.join("none.so")), b"");
    assert!(ended.code == 0 && ended.stderr.contains("has no locks"), "{ended:?}");
    assert_eq!(is_whole(folder, "devices"), 1);
}

/// Rows that come once are known, too, when they were done in an earlier run.
#[test]
fn an_id_that_stands_twice_in_a_pipe_is_named_whether_it_was_done_or_not() {
    let folder = lab();
    let folder = folder.path();
    let batch = |rows: &str| run(moskit(&["certgen", "batch", "-", "-d", "lab"]).current_dir(folder), rows.as_bytes());
    let first = batch("id\ndev1\ndev2\n");
    assert_eq!(first.code, 0, "{first:?}");
    let twice = batch("id\ndev1\ndev2\ndev1\n");
    assert!(
        twice.code == 1 && twice.stderr.contains("line 4 of `-`: the id `dev1` stands in an earlier row already"),
        "{twice:?}"
    );
    let twice = batch("id\ndev3\ndev3\n");
    assert!(twice.code == 1 && twice.stderr.contains("line 3 of `-`: the id `dev3`"), "{twice:?}");
    assert_eq!(is_whole(folder, "devices"), 3);
}

#[test]
fn each_row_gets_what_it_asks_for() {
    let folder = lab();
    let folder = folder.path();
    let csv = "\u{feff}id,san,days,key,org\r\ndev1,,,,\r\n\"dev, 2\",a.lan urn:x:2,30,p384,\"Lab, \"\"West\"\"\"\r\n\r\ndev3,,,rsa2048,\r\n";
    fs::write(folder.join("fleet.csv"), csv).unwrap();
    let out = made(folder, "batch fleet.csv -d lab");
    assert_eq!(out, "devices: 3 devices made; devices/manifest.ndjson lists them\n");
    assert_eq!(is_whole(folder, "devices"), 3);
    fs::rename(folder.join("devices/dev, 2.crt"), folder.join("two.crt")).unwrap();
    fs::rename(folder.join("devices/dev, 2.key"), folder.join("two.key")).unwrap();
    for (certificate, key) in [("devices/dev1.crt", "devices/dev1.key"), ("two.crt", "two.key")] {
        fits(folder, certificate, key);
    }
    let (_, text) = openssl(folder, "x509 -in two.crt -noout -text -nameopt RFC2253");
    for part in ["Subject: CN=dev\\, 2,O=Lab\\, \\\"West\\\"", "DNS:a.lan, URI:urn:x:2", "ASN1 OID: secp384r1"] {
        assert!(text.contains(part), "{part}: {text}");
    }
    let entry = &manifest(folder, "devices")["dev, 2"];
    let (_, print) = openssl(folder, "x509 -in two.crt -noout -fingerprint -sha256");
    assert!(print.to_lowercase().replace(':', "").contains(entry["sha256"].as_str().unwrap()), "{print} {entry}");
    let (_, serial) = openssl(folder, "x509 -in two.crt -noout -serial");
    assert_eq!(serial.trim(), format!("serial={}", entry["serial"].as_str().unwrap()));
    assert_eq!(entry["files"], serde_json::json!(["dev, 2.crt", "dev, 2.key"]));
    let mode = |file: &str| fs::metadata(folder.join(file)).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode("devices"), mode("devices/dev1.key"), mode("devices/manifest.ndjson")), (0o700, 0o600, 0o600));
    // The same rows as JSON on standard input, more of them: those that are done stay as they are.
    let before = fs::read(folder.join("devices/dev1.crt")).unwrap();
    let json = "{\"id\":\"dev1\"}\n{\"id\":\"dev, 2\"}\n{\"id\":\"dev4\",\"san\":[\"b.lan\"],\"days\":7}\n";
    let ended = run(moskit(&["certgen", "batch", "-", "-d", "lab"]).current_dir(folder), json.as_bytes());
    assert_eq!(ended.stdout, "devices: 1 device made, 2 were done before; devices/manifest.ndjson lists them\n");
    assert_eq!((ended.code, ended.stderr.as_str()), (0, ""));
    assert_eq!(fs::read(folder.join("devices/dev1.crt")).unwrap(), before);
    // Who is in the index can be revoked by name.
    made(folder, "revoke -d lab dev4 --crl");
    let (_, text) = openssl(folder, "verify -crl_check -CAfile lab/ca.crt -CRLfile lab/ca.crl devices/dev4.crt");
    assert!(text.contains("certificate revoked"), "{text}");
}

#[test]
fn the_files_lie_as_the_layout_says() {
    let folder = lab();
    let folder = folder.path();
    fs::write(folder.join("fleet.csv"), rows(3)).unwrap();
    made(folder, "batch fleet.csv -d lab --layout folder -o folders");
    assert_eq!(is_whole(folder, "folders"), 3);
    fits(folder, "folders/dev1/dev1.crt", "folders/dev1/dev1.key");
    assert_eq!(fs::read(folder.join("folders/dev1/ca.crt")).unwrap(), fs::read(folder.join("lab/ca.crt")).unwrap());
    fs::remove_file(folder.join("lab/ca-index.ndjson")).unwrap();
    fs::write(folder.join("secret"), "over the hills\n").unwrap();
    made(folder, "batch fleet.csv -d lab --layout archive -o archives --encrypt --key-pass-file secret");
    assert_eq!(is_whole(folder, "archives"), 3);
    let listed = Command::new("tar").args(["-tvf", "archives/dev2.tar"]).current_dir(folder).output().unwrap();
    let listed = String::from_utf8(listed.stdout).unwrap();
    let names: Vec<_> = listed.lines().map(|line| (&line[..10], line.rsplit(' ').next().unwrap())).collect();
    assert_eq!(
        names,
        [("-rw-r--r--", "dev2/dev2.crt"), ("-rw-------", "dev2/dev2.key"), ("-rw-r--r--", "dev2/ca.crt")]
    );
    assert!(Command::new("tar").args(["-xf", "archives/dev2.tar"]).current_dir(folder).status().unwrap().success());
    assert!(fs::read_to_string(folder.join("dev2/dev2.key")).unwrap().contains("BEGIN ENCRYPTED PRIVATE KEY"));
    assert_eq!(openssl(folder, "pkey -in dev2/dev2.key -passin file:secret -noout").0, 0);
    let mode = fs::metadata(folder.join("archives/dev2.tar")).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode, 0o600);
}

#[test]
fn below_an_intermediate_each_device_has_its_chain() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    made(folder, "ca Lab --path-len 1");
    made(folder, "ca Floor --parent ca.crt");
    fs::write(folder.join("fleet.csv"), "id\ndev1\n").unwrap();
    made(folder, "batch fleet.csv --ca floor.crt");
    let words = "verify -CAfile ca.crt -untrusted devices/dev1-chain.crt devices/dev1.crt";
    assert_eq!(openssl(folder, words).0, 0);
    fs::write(folder.join("fleet.csv"), "id\ndev2-chain\n").unwrap();
    let ended = certgen(folder, "batch fleet.csv --ca floor.crt");
    assert!(ended.code == 1 && ended.stderr.contains("could be the chain of another"), "{ended:?}");
    made(folder, "batch fleet.csv --ca floor.crt --layout folder -o folders");
    assert!(folder.join("folders/dev2-chain/dev2-chain-chain.crt").exists());
    assert!(!folder.join("folders/dev2-chain/ca.crt").exists(), "the root is not known here");
}

#[test]
fn the_requests_of_a_folder_are_signed() {
    let folder = lab();
    let folder = folder.path();
    for name in ["dev1", "dev2"] {
        made(folder, &format!("csr {name} --san urn:dev:{name} -o requests"));
    }
    fs::write(folder.join("requests/README"), "no request").unwrap();
    made(folder, "batch requests -d lab -o signed");
    assert_eq!(is_whole(folder, "signed"), 2);
    fits(folder, "signed/dev1.crt", "requests/dev1.key");
    assert!(!folder.join("signed/dev1.key").exists());
    let (_, text) = openssl(folder, "x509 -in signed/dev2.crt -noout -ext subjectAltName");
    assert!(text.contains("URI:urn:dev:dev2"), "{text}");
    // One that somebody has changed, and nothing is made of the others.
    let mut request = fs::read_to_string(folder.join("requests/dev1.csr")).unwrap();
    request = request.replacen("MI", "MJ", 1);
    fs::write(folder.join("requests/dev0.csr"), request).unwrap();
    made(folder, "csr dev3 -o requests");
    let ended = certgen(folder, "batch requests -d lab -o signed");
    assert!(ended.code == 1 && ended.stderr.contains("`requests/dev0.csr`: cannot"), "{ended:?}");
    assert_eq!(is_whole(folder, "signed"), 2);
    let ended = certgen(folder, "batch requests -d lab -o signed --skip-bad");
    assert_eq!(
        (ended.code, ended.stdout.as_str()),
        (1, "signed: 1 device made, 2 were done before, 1 row passed over; signed/manifest.ndjson lists them\n")
    );
    let ended = certgen(folder, "batch requests -d lab -o other --encrypt");
    assert_eq!(ended.code, 3, "{ended:?}");
}

/// Rows that are wrong, and what is said of each.
const BAD: [(&str, &str); 14] = [
    ("a,b", "it has 2 fields, the first line has 1"),
    ("../etc/passwd", "`../etc/passwd` cannot be the name of a file"),
    ("a/b", "`a/b` cannot be the name of a file"),
    (".hidden", "`.hidden` cannot be the name of a file"),
    ("-rf", "`-rf` cannot be the name of a file"),
    ("bell\u{7}", "cannot be the name of a file"),
    ("\u{1b}[2J", "cannot be the name of a file"),
    ("\"open", "a quote is not closed"),
    ("dev1", "its id stands in line 2 already"),
    ("\"\"", "it has no `id`"),
    ("taken", "`devices/taken.key` exists already"),
    ("a-name-of-more-than-sixty-four-characters-which-no-common-name-may-have", "has more than 64 characters"),
    (" ", ""),
    ("\u{0}", "cannot be the name of a file"),
];

#[test]
fn a_row_that_is_wrong_is_named_by_its_line_and_nothing_is_made_or_the_rest() {
    let folder = lab();
    let folder = folder.path();
    fs::create_dir(folder.join("devices")).unwrap();
    fs::write(folder.join("devices/taken.key"), "mine").unwrap();
    let before = fs::read(folder.join("lab/ca-index.ndjson")).unwrap();
    for (row, why) in BAD.iter().filter(|(_, why)| !why.is_empty()) {
        fs::write(folder.join("fleet.csv"), format!("id\ndev1\n{row}\ndev2\n")).unwrap();
        let ended = certgen(folder, "batch fleet.csv -d lab");
        assert!(ended.stderr.contains("nothing is made of `fleet.csv`: line 3: "), "{row:?}: {ended:?}");
        assert!(ended.stderr.contains(why) && ended.code == 1, "{row:?}: {ended:?}");
        assert!(!ended.stderr.trim_end_matches('\n').chars().any(|c| c.is_control() && c != '\n'), "{ended:?}");
    }
    assert_eq!(fs::read(folder.join("lab/ca-index.ndjson")).unwrap(), before);
    let all = BAD.map(|(row, _)| row).join("\n");
    fs::write(folder.join("fleet.csv"), format!("id\ndev1\n{all}\ndev2\n")).unwrap();
    let ended = certgen(folder, "batch fleet.csv -d lab");
    assert!(ended.stderr.contains("; and 3 more are wrong"), "{ended:?}");
    let ended = certgen(folder, "batch fleet.csv -d lab --skip-bad");
    assert_eq!((ended.code, ended.stderr.lines().count()), (1, 13), "{ended:?}");
    assert!(
        ended.stderr.starts_with("warning: line 3: it has 2 fields, the first line has 1 (passed over)\n"),
        "{ended:?}"
    );
    assert_eq!(manifest(folder, "devices").into_keys().collect::<Vec<_>>(), ["dev1", "dev2"]);
    assert_eq!(fs::read_to_string(folder.join("devices/taken.key")).unwrap(), "mine");
    assert_eq!(indexed(folder).len(), 2);
    // What comes by a pipe cannot be looked through first: all before the line is made.
    let ended = run(
        moskit(&["certgen", "batch", "-", "-d", "lab", "-o", "piped"]).current_dir(folder),
        b"id\ndev5\ndev6\ndev5\ndev7\n",
    );
    let why = "error: line 4 of `-`: the id `dev5` stands in an earlier row already; 2 devices were made before that\n";
    assert!(ended.code == 1 && ended.stderr.starts_with(why), "{ended:?}");
    assert_eq!(manifest(folder, "piped").len(), 2);
}

#[test]
fn a_manifest_whose_last_line_lacks_only_its_end_loses_nothing() {
    let folder = lab();
    let folder = folder.path();
    fs::write(folder.join("d.csv"), rows(2)).unwrap();
    made(folder, "batch d.csv -d lab");
    let path = folder.join("devices/manifest.ndjson");
    let whole = fs::read_to_string(&path).unwrap();
    // An editor has saved it without the last line's end; a killed process has left half of a line.
    for left in [whole.trim_end().to_owned(), format!("{whole}{{\"id\":\"dev")] {
        fs::write(&path, left).unwrap();
        let said = made(folder, "batch d.csv -d lab");
        assert!(said.contains("0 devices made, 2 were done before"), "{said}");
        assert_eq!((fs::read_to_string(&path).unwrap(), is_whole(folder, "devices")), (whole.clone(), 2));
    }
}

#[test]
fn what_cannot_begin_says_why_and_makes_nothing() {
    let folder = lab();
    let folder = folder.path();
    fs::write(folder.join("fleet.csv"), rows(2)).unwrap();
    let index = folder.join("lab/ca-index.ndjson");
    let good = fs::read_to_string(&index).unwrap();
    let fails = |words: &str, why: &str| {
        let ended = certgen(folder, words);
        assert!(ended.code != 0 && ended.stderr.contains(why), "{words}: {ended:?}");
        assert!(!folder.join("devices").exists(), "{words}");
    };
    fails("batch none.csv -d lab", "cannot read `none.csv`");
    fails("batch fleet.csv -d nowhere", "nowhere/ca.crt");
    fs::write(folder.join("names.csv"), "dev1\ndev2\n").unwrap();
    fails("batch names.csv -d lab", "has no column names in its first line: `dev1` is no column");
    fails("batch fleet.csv -d lab --days 99999", "its CA only until");
    fails("batch fleet.csv -d lab --ca-key lab/server.key", "do not belong together");
    fs::write(&index, format!("{good}{{\"revoked\":\"4F\",\"at\":\"soon\"}}\n")).unwrap();
    fails("batch fleet.csv -d lab", "is damaged in line 3");
    fs::write(&index, "{}\n").unwrap();
    fails("batch fleet.csv -d lab", "is damaged in line 1");
    fs::write(&index, &good).unwrap();
    made(folder, "batch fleet.csv -d lab");
    // The same folder for another CA, and a manifest that somebody has edited.
    made(folder, "init other --hosts localhost");
    let ended = certgen(folder, "batch fleet.csv -d other");
    assert!(ended.code == 1 && ended.stderr.contains("lists devices of another CA"), "{ended:?}");
    let path = folder.join("devices/manifest.ndjson");
    let text = fs::read_to_string(&path).unwrap();
    fs::write(&path, text.replacen("\"id\"", "\"name\"", 1)).unwrap();
    let ended = certgen(folder, "batch fleet.csv -d lab");
    assert!(ended.code == 1 && ended.stderr.contains("is damaged in line 1: `id` is missing or wrong"), "{ended:?}");
    // A line that was being written is taken away, and its device is not thought to be done.
    fs::write(&path, &text[..text.len() - 9]).unwrap();
    let ended = certgen(folder, "batch fleet.csv -d lab");
    assert!(ended.code == 1 && ended.stderr.contains("`devices/dev1.crt` exists already"), "{ended:?}");
}

#[test]
fn two_batches_at_once_do_not_meet() {
    let folder = lab();
    let folder = folder.path();
    fs::write(folder.join("fleet.csv"), rows(40)).unwrap();
    let start = |out: &str| {
        let words = ["certgen", "batch", "fleet.csv", "-d", "lab", "-o", out];
        moskit(&words).current_dir(folder).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
    };
    // In one folder one of them works, and the other says so or comes when all is done.
    let pair = [start("devices"), start("devices")].map(|child| child.wait_with_output().unwrap());
    for ended in &pair {
        let said = String::from_utf8_lossy(&ended.stderr);
        assert!(ended.status.success() || said.contains("another certgen batch works in `devices`"), "{said}");
    }
    assert!(pair.iter().any(|ended| ended.status.success()));
    assert_eq!(is_whole(folder, "devices"), 40);
    // In two folders, below one CA, both.
    fs::remove_file(folder.join("lab/ca-index.ndjson")).unwrap();
    fs::write(folder.join("fleet.csv"), "id\na\nb\n").unwrap();
    let one = start("one");
    fs::write(folder.join("other.csv"), "id\nc\nd\n").unwrap();
    let other = moskit(&["certgen", "batch", "other.csv", "-d", "lab", "-o", "two"])
        .current_dir(folder)
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    assert!(one.wait_with_output().unwrap().status.success() && other.wait_with_output().unwrap().status.success());
    assert_eq!(indexed(folder).into_keys().collect::<Vec<_>>(), ["a", "b", "c", "d"]);
}

/// Kills batches at moments all over their run, until `enough`; after each the next start goes on, and in the end all
/// is whole.
fn kill_batches(layout: &str, count: usize, enough: impl Fn(u32, Instant) -> bool) {
    // Where nothing waits for a disk, which others keep busy: what is on it after a kill is the same.
    let memory = Path::new("/dev/shm");
    let folder = if memory.is_dir() { tempfile::tempdir_in(memory) } else { tempfile::tempdir() }.unwrap();
    let folder = folder.path();
    made(folder, "init lab --hosts localhost");
    fs::write(folder.join("fleet.csv"), rows(count)).unwrap();
    let command = |out: &str| {
        let mut command = moskit(&["certgen", "batch", "fleet.csv", "-d", "lab", "--layout", layout, "-o", out]);
        command.current_dir(folder).stdin(Stdio::null()).stdout(Stdio::null());
        command
    };
    let started = Instant::now();
    assert!(command("first").status().unwrap().success());
    let whole = started.elapsed();
    let (started, mut kills, mut round) = (Instant::now(), 0u32, 0);
    while !enough(kills, started) {
        round += 1;
        fs::remove_file(folder.join("lab/ca-index.ndjson")).ok();
        let out = format!("round{round}");
        loop {
            let mut one = command(&out).stderr(Stdio::null()).spawn().unwrap();
            let part = f64::from(kills.wrapping_mul(61) % 100) / 80.0;
            let deadline = Instant::now() + whole.mul_f64(part);
            while Instant::now() < deadline && one.try_wait().unwrap().is_none() {
                std::hint::spin_loop();
            }
            let is_done = one.try_wait().unwrap().is_some();
            one.kill().ok();
            let status = one.wait().unwrap();
            kills += 1;
            // Whoever sees a certificate has its key.
            let manifest = folder.join(&out).join("manifest.ndjson");
            for entry in fs::read_dir(folder.join(&out)).into_iter().flatten().flatten() {
                let path = entry.path();
                assert!(
                    path.extension().is_none_or(|it| it != "crt") || path.with_extension("key").exists(),
                    "{}",
                    path.display()
                );
            }
            if is_done || (manifest.exists() && kills % 7 == 0) {
                assert!(!is_done || status.success());
                break;
            }
        }
        let ended = run(&mut command(&out), b"");
        assert_eq!(ended.code, 0, "after {kills} kills: {ended:?}");
        assert_eq!(is_whole(folder, &out), count, "after {kills} kills");
        fs::remove_dir_all(folder.join(&out)).unwrap();
    }
}

#[test]
fn a_killed_batch_goes_on_where_it_was() {
    for layout in ["flat", "folder"] {
        kill_batches(layout, 300, |kills, started| kills >= 8 || started.elapsed() > Duration::from_secs(8));
    }
}

#[test]
#[ignore = "three hundred killed runs take minutes"]
fn three_hundred_killed_batches_go_on_where_they_were() {
    for layout in ["flat", "folder", "archive"] {
        kill_batches(layout, 2500, |kills, _| kills >= 100);
    }
}

#[test]
fn a_full_disk_ends_a_batch_between_two_devices() {
    // A file system with room for about half of the devices, and the index on it.
    let script = r#"mount -t tmpfs -o size=10m tmpfs /mnt && cd /mnt && "$0" certgen init lab --hosts localhost >/dev/null
        { echo id; seq -f dev%g 1 2500; } > fleet.csv
        "$0" certgen batch fleet.csv -d lab 2>why >/dev/null; echo "exit $?"; cat why
        echo "manifest $(wc -l < devices/manifest.ndjson) index $(grep -c CN=dev lab/ca-index.ndjson) crt $(ls devices | grep -c crt) key $(ls devices | grep -c key)"
        mount -o remount,size=60m /mnt && "$0" certgen batch fleet.csv -d lab
        echo "manifest $(wc -l < devices/manifest.ndjson) index $(grep -c CN=dev lab/ca-index.ndjson) crt $(ls devices | grep -c crt) key $(ls devices | grep -c key) other $(ls -A devices | grep -c moskit)"
        sort -u devices/manifest.ndjson | cut -d'"' -f4 | sort -u | wc -l"#;
    if installed("unshare").is_none() {
        return;
    }
    let program = moskit(&[]);
    let ended: Ended = run(Command::new("unshare").args(["-m", "sh", "-c", script]).arg(program.get_program()), b"");
    if ended.stderr.contains("unshare failed") || ended.stderr.contains("mount: ") {
        eprintln!("SKIPPED: no file system can be mounted here");
        return;
    }
    assert!(ended.stdout.starts_with("exit 1\n"), "{ended:?}");
    assert!(ended.stdout.contains(": the disk is full; 1000 devices were made before that\n"), "{ended:?}");
    assert!(ended.stdout.contains("manifest 1000 index 1000 crt 1000 key 1000\n"), "{ended:?}");
    assert!(ended.stdout.contains("manifest 2500 index 2500 crt 2500 key 2500 other 0\n2500\n"), "{ended:?}");
}

/// The peak of the memory, in bytes, of a batch by pipe in whose manifest so many devices stand, once it has passed over all of them but
/// those that fill the pipe. `None` where the system does not say.
fn peak_of_going_on(done: usize) -> Option<usize> {
    let folder = lab();
    let folder = folder.path();
    let batch = || {
        let mut command = moskit(&["certgen", "batch", "-", "-d", "lab"]);
        command.current_dir(folder);
        command
    };
    assert_eq!(run(&mut batch(), rows(1).as_bytes()).code, 0);
    let path = folder.join("devices/manifest.ndjson");
    let line = fs::read_to_string(&path).unwrap();
    let lines: String = (0..done).map(|number| line.replace("dev0", &format!("dev{number}"))).collect();
    fs::write(&path, lines).unwrap();
    let mut child = batch().stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    let mut input = child.stdin.take().unwrap();
    input.write_all(rows(done).as_bytes()).unwrap();
    let status = fs::read_to_string(format!("/proc/{}/status", child.id())).ok();
    drop(input);
    let ended = child.wait_with_output().unwrap();
    assert!(ended.status.success(), "{ended:?}");
    let peak =
        status?.lines().find_map(|line| Some(line.strip_prefix("VmHWM:")?.trim().strip_suffix(" kB")?.to_owned()))?;
    Some(peak.parse::<usize>().unwrap() * 1024)
}

#[test]
fn a_batch_by_pipe_that_goes_on_takes_few_bytes_for_each_device_that_is_done() {
    // Both fill more than a pipe.
    const FEW: usize = 20_000;
    const MANY: usize = 80_000;
    let (Some(few), Some(many)) = (peak_of_going_on(FEW), peak_of_going_on(MANY)) else { return };
    // 16 for its id, as much again where the list has grown, and a bit; a million are then 48 MB at most.
    let each = many.saturating_sub(few) / (MANY - FEW);
    assert!(each <= 48, "{each} bytes");
}
