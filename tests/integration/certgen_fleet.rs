//! `moskit certgen revoke`, `crl`, `index` and `import`: who is revoked stays out, and an index that is lost, edited or
//! written by many at once loses no revocation.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use rustix::process::{Pid, Signal, kill_process};

use crate::broker_verb::Broker;
use crate::certgen::{certgen, made, openssl};
use crate::mosquitto::{Mosquitto, free_port, installed};
use crate::run::{Ended, moskit, run};

/// Exit code and all that was said.
fn said(ended: &Ended) -> (i32, String) {
    (ended.code, format!("{}{}", ended.stdout, ended.stderr))
}

fn lab(words: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    made(folder.path(), &format!("init lab --hosts localhost {words}"));
    folder
}

/// Each certificate of the index: its common name and its state.
fn states(folder: &Path, authority: &str) -> Vec<(String, String)> {
    made(folder, &format!("index -d {authority} --json"))
        .lines()
        .map(|line| {
            let value: serde_json::Value = serde_json::from_str(line).unwrap();
            let subject = value["subject"].as_str().unwrap_or("?");
            (
                subject.rsplit_once("CN=").map_or(subject, |(_, name)| name).to_owned(),
                value["state"].as_str().unwrap().to_owned(),
            )
        })
        .collect()
}

fn state(folder: &Path, name: &str) -> String {
    let all = states(folder, "lab");
    all.iter().filter(|(one, _)| one == name).map(|(_, state)| state.as_str()).collect::<Vec<_>>().join(",")
}

/// What `openssl verify -crl_check` says of a client.
fn openssl_accepts(folder: &Path, name: &str) -> bool {
    let (code, text) = openssl(folder, &format!("verify -crl_check -CAfile ca.crt -CRLfile ca.crl {name}.crt"));
    assert!(code == 0 || text.contains("certificate revoked"), "{text}");
    code == 0
}

#[test]
fn who_is_revoked_is_refused_by_mosquitto_from_the_next_list_on() {
    let folder = lab("--clients dev1,dev2");
    let lab = folder.path().join("lab");
    made(folder.path(), "crl -d lab");
    let port = free_port();
    let configuration = format!(
        "listener {port} 127.0.0.1\ncafile {0}/ca.crt\ncertfile {0}/server.crt\nkeyfile {0}/server.key\n\
         crlfile {0}/ca.crl\nrequire_certificate true\nallow_anonymous true\n",
        lab.display()
    );
    let publish = |name: &str| {
        let words = format!(
            "pub -h localhost -p {port} --cafile ca.crt --cert {name}.crt --key {name}.key -t t -m x -q 1 -V 5"
        );
        run(moskit(&words.split(' ').collect::<Vec<_>>()).current_dir(&lab), b"").code
    };
    let Some(mut broker) = Mosquitto::start(folder.path(), &configuration) else { return };
    assert_eq!((publish("dev1"), publish("dev2")), (0, 0));
    made(folder.path(), "revoke -d lab dev1 --reason keyCompromise --crl");
    kill_process(Pid::from_raw(broker.pid().cast_signed()).unwrap(), Signal::HUP).unwrap();
    broker.wait_for("Reloading config");
    // Mosquitto 2.0 reads its lists at the start only.
    if publish("dev1") == 0 {
        broker.end();
        broker = Mosquitto::start(folder.path(), &configuration).unwrap();
    }
    assert_ne!(publish("dev1"), 0);
    assert_eq!(publish("dev2"), 0);
    drop(broker);
    assert!(!openssl_accepts(&lab, "dev1") && openssl_accepts(&lab, "dev2"));
    let (code, text) = openssl(&lab, "crl -in ca.crl -CAfile ca.crt -noout -text");
    assert!(code == 0 && text.contains("verify OK") && text.contains("Key Compromise"), "{text}");
}

#[test]
fn a_certificate_is_found_by_its_name_its_number_and_its_file() {
    let folder = lab("--clients dev1,dev2,dev3,dev4");
    let folder = folder.path();
    let serial = openssl(folder, "x509 -in lab/dev2.crt -noout -serial").1.trim().replace("serial=", "");
    let colons = serial.as_bytes().chunks(2).map(|pair| std::str::from_utf8(pair).unwrap().to_lowercase());
    let colons = colons.collect::<Vec<_>>().join(":");
    made(folder, &format!("revoke -d lab dev1 {colons} lab/dev3.crt"));
    for (name, wanted) in [("dev1", "revoked"), ("dev2", "revoked"), ("dev3", "revoked"), ("dev4", "good")] {
        assert_eq!(state(folder, name), wanted, "{name}");
    }
    let again = made(folder, "revoke -d lab dev1 --reason superseded");
    assert!(again.contains("CN=dev1: revoked already on ") && again.contains("(unspecified)"), "{again}");
    // A device that was renewed has two certificates: its name means both, a file means one.
    made(folder, "renew lab/dev4.crt --within 9999d");
    let ended = certgen(folder, "revoke -d lab lab/dev4.crt");
    assert_eq!(ended.code, 0);
    assert!(ended.stderr.starts_with("warning: another certificate of `CN=dev4` is still good: "), "{ended:?}");
    assert_eq!(state(folder, "dev4"), "good,revoked");
    made(folder, "revoke -d lab dev4");
    assert_eq!(state(folder, "dev4"), "revoked,revoked");
}

#[test]
fn nothing_is_revoked_when_one_word_means_nothing() {
    let folder = lab("--clients dev1");
    let folder = folder.path();
    made(folder, "init other --hosts localhost --clients dev1");
    for (word, why) in [
        ("dev7", "it is no file, and the index knows no such name"),
        ("4F4F", "the index knows neither such a serial number nor such a name"),
        ("other/dev1.crt", "it was issued by `CN=other MQTT CA "),
        ("lab/ca.crt", "it is a CA of its own"),
        ("lab/server.key", "certificate `lab/server.key` is not a certificate: it is a private key"),
    ] {
        let ended = certgen(folder, &format!("revoke -d lab dev1 {word}"));
        assert_eq!((ended.code, ended.stdout.as_str()), (1, ""), "{word}");
        assert!(ended.stderr.contains(why), "{word}: {ended:?}");
    }
    for words in ["revoke -d lab dev1 --days 3", "revoke -d lab dev1 --ca-key lab/ca.key", "revoke -d lab dev1 --out x"]
    {
        let ended = certgen(folder, words);
        assert!(ended.code == 3 && ended.stderr.contains("which only --crl writes"), "{words}: {ended:?}");
    }
    assert_eq!(certgen(folder, "crl -d lab --warn 7d --ca-key lab/ca.key").code, 3);
    assert_eq!(state(folder, "dev1"), "good");
    made(folder, "revoke -d lab 4F4F --unlisted");
    assert_eq!(state(folder, "?"), "revoked");
}

#[test]
fn what_is_on_hold_is_released_and_what_is_revoked_for_good_is_not() {
    let folder = lab("--clients dev1");
    let (folder, lab) = (folder.path(), folder.path().join("lab"));
    made(folder, "revoke -d lab dev1 --reason certificateHold --crl");
    assert_eq!(state(folder, "dev1"), "on hold");
    assert!(!openssl_accepts(&lab, "dev1"));
    made(folder, "revoke -d lab dev1 --release --crl");
    assert!(openssl_accepts(&lab, "dev1"));
    assert_eq!(certgen(folder, "revoke -d lab dev1 --release").code, 1);
    made(folder, "revoke -d lab dev1 --reason certificateHold");
    made(folder, "revoke -d lab dev1 --reason keyCompromise");
    let ended = certgen(folder, "revoke -d lab dev1 --release");
    assert!(ended.code == 1 && ended.stderr.contains("was revoked for good on "), "{ended:?}");
}

#[test]
fn a_list_is_made_when_it_is_due_and_looked_at_for_monitoring() {
    let folder = lab("--clients dev1,dev2");
    let (folder, list) = (folder.path(), folder.path().join("lab/ca.crl"));
    let warn = |words: &str| certgen(folder, &format!("crl -d lab {words}")).code;
    assert_eq!(warn("--warn 7d"), 2, "there is no list");
    made(folder, "crl -d lab --days 10");
    assert_eq!((warn("--warn 7d"), warn("--warn 11d")), (0, 1));
    let first = fs::read(&list).unwrap();
    let out = made(folder, "crl -d lab --within 7d");
    assert!(out.starts_with("lab/ca.crl: not due, 0 revoked certificates, good until "), "{out}");
    assert_eq!(fs::read(&list).unwrap(), first);
    made(folder, "revoke -d lab dev1");
    assert_eq!(warn("--warn 7d"), 2, "the list lacks what was revoked since");
    made(folder, "crl -d lab --within 7d");
    assert_eq!(warn("--warn 7d"), 0);
    assert_ne!(fs::read(&list).unwrap(), first);
    made(folder, "crl -d lab --within 31d");
    let numbers: Vec<String> = (0..2)
        .map(|_| {
            made(folder, "crl -d lab");
            openssl(folder, "crl -in lab/ca.crl -noout -crlnumber").1
        })
        .collect();
    assert!(numbers[0] < numbers[1], "{numbers:?}");
    fs::write(&list, "something else").unwrap();
    let ended = certgen(folder, "crl -d lab");
    assert!(ended.code == 1 && ended.stderr.ends_with("hint: --force replaces it\n"), "{ended:?}");
    assert_eq!(fs::read(&list).unwrap(), b"something else");
    made(folder, "crl -d lab --force");
}

#[test]
fn a_lost_or_edited_index_lets_nobody_in_again() {
    let folder = lab("--clients dev1,dev2");
    let (folder, index) = (folder.path(), folder.path().join("lab/ca-index.ndjson"));
    made(folder, "revoke -d lab dev1 --reason keyCompromise --crl");
    let whole = fs::read_to_string(&index).unwrap();
    let list = fs::read(folder.join("lab/ca.crl")).unwrap();
    let edits = [
        ("", "names 1 revoked certificate that the index does not know"),
        (
            &whole.replace("\"revoked\"", "\"revokd\""),
            "is damaged in line 5: it has no `issued`, `revoked` or `released`",
        ),
        (&whole.replace("keyCompromise", "keyCompromised"), "is damaged in line 5: `reason` is missing or wrong"),
        (&whole.replacen('{', "", 1), "is damaged in line 1: it is no JSON object"),
        (&whole.replace("\"key_sha256\":\"", "\"key_sha256\":\"0"), "is that of another CA, `CN=lab MQTT CA "),
        (&whole.replace("\"moskit_index\":1", "\"moskit_index\":2"), "is of version 2, which is not known here"),
        (&"x".repeat(600_000), "is damaged in line 1: it is no JSON object"),
    ];
    for (text, why) in edits {
        fs::write(&index, text).unwrap();
        let ended = certgen(folder, "crl -d lab");
        assert!(ended.code == 1 && ended.stderr.contains(why), "{why}: {ended:?}");
        assert_eq!(fs::read(folder.join("lab/ca.crl")).unwrap(), list, "{why}");
        // Nothing is added to an index of another CA, or to what is none.
        if !["line 1", "another CA", "version 2"].iter().any(|first| why.contains(first)) {
            continue;
        }
        let ended = certgen(folder, "client -d lab dev9");
        assert!(ended.code == 1 && !folder.join("lab/dev9.crt").exists(), "{why}: {ended:?}");
    }
    // From the certificates and the list, it is made anew.
    fs::write(&index, whole.replace("keyCompromise", "keyCompromised")).unwrap();
    let ended = certgen(folder, "index -d lab --rebuild");
    assert!(ended.stdout.ends_with("lab/ca-index.ndjson: 3 certificates, 1 revoked\n"), "{ended:?}");
    assert!(
        ended.stderr.starts_with("warning: of the old index, line 5 could not be used; it is kept as"),
        "{ended:?}"
    );
    assert_eq!(state(folder, "dev1"), "revoked");
    fs::remove_file(&index).unwrap();
    made(folder, "index -d lab --rebuild");
    assert_eq!((state(folder, "dev1"), state(folder, "dev2")), ("revoked".to_owned(), "good".to_owned()));
    made(folder, "crl -d lab");
    assert!(!openssl_accepts(&folder.join("lab"), "dev1"));
}

#[test]
fn an_index_that_has_lost_a_revocation_behind_a_hold_lets_nobody_in_again() {
    for before in ["revoke -d lab dev1 --reason certificateHold", "revoke -d lab dev1 --release"] {
        let folder = lab("--clients dev1");
        let (folder, index) = (folder.path(), folder.path().join("lab/ca-index.ndjson"));
        made(folder, "revoke -d lab dev1 --reason certificateHold");
        if before.ends_with("--release") {
            made(folder, before);
        }
        let lost = fs::read(&index).unwrap();
        made(folder, "revoke -d lab dev1 --reason keyCompromise --crl");
        fs::write(&index, lost).unwrap();
        let ended = certgen(folder, "crl -d lab");
        let why = "names 1 revoked certificate that the index does not know";
        assert!(ended.code == 1 && ended.stderr.contains(why), "{before}: {ended:?}");
        made(folder, "index -d lab --rebuild");
        assert_eq!(state(folder, "dev1"), "revoked", "{before}");
        made(folder, "crl -d lab --force");
        assert!(!openssl_accepts(&folder.join("lab"), "dev1"), "{before}");
    }
}

#[test]
fn a_line_that_was_being_written_is_taken_away_and_one_without_its_end_is_kept() {
    let folder = lab("--clients dev1,dev2");
    let (folder, index) = (folder.path(), folder.path().join("lab/ca-index.ndjson"));
    let whole = fs::read_to_string(&index).unwrap();
    made(folder, "revoke -d lab dev1");
    let revoked = fs::read_to_string(&index).unwrap()[whole.len()..].trim_end().to_owned();
    for cut in (1..revoked.len()).filter(|cut| cut % 9 == 1 || cut + 3 > revoked.len()) {
        fs::write(&index, format!("{whole}{}", &revoked[..cut])).unwrap();
        assert_eq!(state(folder, "dev1"), "good", "{cut}");
        assert_eq!(fs::read_to_string(&index).unwrap(), whole, "{cut}");
    }
    fs::write(&index, format!("{whole}{revoked}")).unwrap();
    made(folder, "revoke -d lab dev2");
    assert_eq!((state(folder, "dev1"), state(folder, "dev2")), ("revoked".to_owned(), "revoked".to_owned()));
}

#[test]
fn many_at_once_lose_no_line_of_the_index() {
    let folder = lab("--clients dev0");
    let all: Vec<_> = (1..=12)
        .map(|number| {
            let name = format!("dev{number}");
            let words = match number % 3 {
                0 => vec!["certgen", "renew", "lab/dev0.crt", "--within", "9999d"],
                _ => vec!["certgen", "client", "-d", "lab", &name],
            };
            moskit(&words).current_dir(folder.path()).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap()
        })
        .collect();
    for one in all {
        let ended = one.wait_with_output().unwrap();
        assert!(ended.status.success(), "{}", String::from_utf8_lossy(&ended.stderr));
    }
    let states = states(folder.path(), "lab");
    assert_eq!(states.len(), 2 + 8 + 4, "{states:?}");
}

#[test]
fn a_certificate_that_cannot_be_written_is_not_in_the_index() {
    let folder = lab("--clients dev1");
    let before = fs::read(folder.path().join("lab/ca-index.ndjson")).unwrap();
    assert_eq!(certgen(folder.path(), "client -d lab dev2 dev1").code, 1, "dev1 exists");
    assert_eq!(fs::read(folder.path().join("lab/ca-index.ndjson")).unwrap(), before);
    made(folder.path(), "client -d lab dev2 --no-index");
    assert_eq!(fs::read(folder.path().join("lab/ca-index.ndjson")).unwrap(), before);
    made(folder.path(), "index -d lab --rebuild");
    assert_eq!(state(folder.path(), "dev2"), "good");
}

#[test]
fn who_is_revoked_is_refused_by_our_broker_from_the_next_list_on() {
    let folder = lab("--clients dev1,dev2");
    let lab = folder.path().join("lab");
    made(folder.path(), "crl -d lab");
    let port = free_port();
    let configuration = format!(
        "listener {port} 127.0.0.1\ncafile {0}/ca.crt\ncertfile {0}/server.crt\nkeyfile {0}/server.key\n\
         crlfile {0}/ca.crl\nrequire_certificate true\nuse_identity_as_username true\nallow_anonymous false\n",
        lab.display()
    );
    let mut broker = Broker::configured(folder.path(), &configuration);
    let publish = |name: &str| {
        let words = format!(
            "pub -h localhost -p {port} --cafile ca.crt --cert {name}.crt --key {name}.key -t t -m x -q 1 -V 5"
        );
        run(moskit(&words.split(' ').collect::<Vec<_>>()).current_dir(&lab), b"").code
    };
    assert_eq!((publish("dev1"), publish("dev2")), (0, 0));
    made(folder.path(), "revoke -d lab dev1 --reason keyCompromise --crl");
    broker.signal(Signal::HUP);
    broker.wait_for("Reloading config");
    assert_ne!(publish("dev1"), 0);
    assert_eq!(publish("dev2"), 0);
    made(folder.path(), "client -d lab dev1 --force");
    assert_eq!(publish("dev1"), 0, "a new certificate of the same name is another one");
    broker.end();
}

#[test]
fn a_full_disk_leaves_the_index_as_it_was() {
    // A file system of 1 MB, filled to its last page. The index fills its own last page first.
    let script = r#"mount -t tmpfs -o size=1m tmpfs /mnt && cd /mnt && "$0" certgen init lab --hosts localhost --clients dev1 >/dev/null
        head -c 2000000 /dev/zero > ballast 2>/dev/null
        number=0
        while before=$(cksum < lab/ca-index.ndjson); "$0" certgen revoke -d lab 4F4F$number --unlisted >/dev/null 2>why; do
            number=$((number + 1)); test $number -lt 200
        done
        test "$before" = "$(cksum < lab/ca-index.ndjson)" && echo same
        rm ballast; "$0" certgen revoke -d lab dev1 2>why; cat why; "$0" certgen index -d lab --json | tail -n 300"#;
    let program = moskit(&[]);
    let mut command = Command::new("unshare");
    let ended = run(command.args(["-m", "sh", "-c", script]).arg(program.get_program()), b"");
    if ended.stderr.contains("unshare failed") || ended.stderr.contains("mount: ") {
        eprintln!("SKIPPED: no file system can be mounted here");
        return;
    }
    assert!(ended.stdout.starts_with("same\n"), "{ended:?}");
    assert!(ended.stdout.contains("CN=dev1: revoked (unspecified)"), "{ended:?}");
    let revoked = ended.stdout.lines().filter(|line| line.starts_with("{\"state\":\"revoked\"")).count();
    assert!(revoked > 1 && ended.stdout.contains("\"subject\":\"CN=dev1\""), "{ended:?}");
}

#[test]
fn no_certificate_takes_the_files_of_its_ca() {
    let folder = lab("--clients dev1");
    let folder = folder.path();
    let files = || ["ca.crt", "ca.key"].map(|name| fs::read(folder.join("lab").join(name)).unwrap());
    let before = files();
    for words in ["client -d lab ca --force", "client -d lab ca-chain", "server -d lab mqtt.lan --stem ca --force"] {
        let ended = certgen(folder, words);
        assert!(ended.code == 3 && ended.stderr.contains("CA"), "{words}: {ended:?}");
    }
    assert_eq!(files(), before);
    assert!(!folder.join("lab/ca-chain.crt").exists());
    assert_eq!(states(folder, "lab").len(), 2, "and none of them is in the index");
    let ended = certgen(folder, "init new --clients ca-chain");
    assert!(ended.code == 3 && ended.stderr.contains("its files would be those of the CA"), "{ended:?}");
    made(folder, "client -d lab ca -o elsewhere");
}

#[test]
fn a_negative_serial_number_does_not_end_a_rebuild() {
    let folder = lab("--clients dev1");
    let folder = folder.path();
    made(folder, "csr odd");
    let words = "x509 -req -in odd.csr -CA lab/ca.crt -CAkey lab/ca.key -set_serial -5 -days 9 -out lab/odd.crt";
    assert_eq!(openssl(folder, words).0, 0);
    fs::remove_file(folder.join("lab/ca-index.ndjson")).unwrap();
    let ended = certgen(folder, "index -d lab --rebuild");
    assert_eq!(ended.code, 0, "{ended:?}");
    let note = "note: `lab/odd.crt` has a serial number that RFC 5280 does not allow, and is passed over\n";
    assert_eq!(ended.stderr, note);
    assert_eq!((state(folder, "dev1"), states(folder, "lab").len()), ("good".to_owned(), 2));
}

/// What an old CA signed with SHA-1 is its own for all that, and what it revoked stays so.
#[test]
fn certificates_and_lists_with_sha1_are_of_their_ca() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let settings = "[ca]\ndefault_ca=d\n[d]\ndatabase=old.txt\ncrlnumber=old.number\ndefault_md=sha1\ndefault_crl_days=9\n\
                    certificate=lab/ca.crt\nprivate_key=lab/ca.key\n";
    fs::create_dir(folder.join("lab")).unwrap();
    for (name, text) in [("old.cnf", settings), ("old.txt", ""), ("old.number", "01\n")] {
        fs::write(folder.join(name), text).unwrap();
    }
    for words in [
        "req -x509 -newkey rsa:2048 -nodes -keyout lab/ca.key -out lab/ca.crt -subj /CN=Old -days 900",
        "req -newkey rsa:2048 -nodes -keyout dev.key -out dev.csr -subj /CN=dev",
        "x509 -req -in dev.csr -CA lab/ca.crt -CAkey lab/ca.key -set_serial 7 -sha1 -days 90 -out lab/dev1.crt",
        "x509 -req -in dev.csr -CA lab/ca.crt -CAkey lab/ca.key -set_serial 8 -sha1 -days 90 -out lab/dev2.crt",
        "x509 -req -in dev.csr -CA lab/ca.crt -CAkey lab/ca.key -set_serial 9 -md5 -days 90 -out lab/dev3.crt",
        "ca -config old.cnf -revoke lab/dev2.crt",
        "ca -config old.cnf -gencrl -out lab/old.crl",
    ] {
        let (code, text) = openssl(folder, words);
        assert_eq!(code, 0, "{words}\n{text}");
    }
    let ended = certgen(folder, "index -d lab --rebuild");
    assert_eq!(ended.stdout, "lab/ca-index.ndjson: 2 certificates, 1 revoked\n", "{ended:?}");
    let warning = "warning: whether the CA signed `lab/dev3.crt` cannot be checked here, and it is passed over\n";
    assert_eq!(ended.stderr, warning);
    let ended = certgen(folder, "revoke -d lab lab/dev1.crt");
    assert_eq!(ended.code, 0, "{ended:?}");
    let ended = certgen(folder, "revoke -d lab lab/dev3.crt");
    let why = "whether this CA signed it cannot be checked here (md5WithRSAEncryption)";
    assert!(ended.code == 1 && ended.stderr.contains(why), "{ended:?}");
    let ended = certgen(folder, "index -d lab");
    assert_eq!(ended.stdout.matches("revoked").count(), 2, "{ended:?}");
    // The list is the CA's, and nothing to build on: its name is said, and the next one takes its place.
    fs::copy(folder.join("lab/old.crl"), folder.join("lab/ca.crl")).unwrap();
    let ended = certgen(folder, "crl -d lab --warn 1d");
    let lacks = "it lacks 1 revoked certificate of the index";
    assert!(ended.code == 2 && ended.stdout.contains(lacks), "{ended:?}");
    fs::remove_file(folder.join("lab/ca-index.ndjson")).unwrap();
    made(folder, "index -d lab --rebuild");
    let ended = certgen(folder, "crl -d lab --warn 1d");
    let weak = "it is signed with sha1WithRSAEncryption, which is not accepted: moskit certgen crl makes a new one\n";
    assert!(ended.code == 2 && ended.stdout.ends_with(weak), "{ended:?}");
    // What it revokes is not forgotten with it, by no force.
    let index = fs::read(folder.join("lab/ca-index.ndjson")).unwrap();
    fs::remove_file(folder.join("lab/ca-index.ndjson")).unwrap();
    for words in ["crl -d lab", "crl -d lab --force"] {
        let ended = certgen(folder, words);
        let why = "names 1 revoked certificate that the index does not know";
        assert!(ended.code == 1 && ended.stderr.contains(why), "{words}: {ended:?}");
    }
    fs::write(folder.join("lab/ca-index.ndjson"), index).unwrap();
    let out = made(folder, "crl -d lab --within 1d");
    assert!(out.starts_with("lab/ca.crl: 1 revoked certificate, good until "), "{out}");
    assert_eq!(openssl(folder, "crl -in lab/ca.crl -CAfile lab/ca.crt -noout -verify").0, 0);
    // One whose signature cannot be checked is neither the CA's nor somebody else's.
    fs::write(folder.join("old.cnf"), settings.replace("sha1", "md5")).unwrap();
    assert_eq!(openssl(folder, "ca -config old.cnf -gencrl -out lab/ca.crl").0, 0);
    for words in ["crl -d lab", "crl -d lab --warn 1d"] {
        let ended = certgen(folder, words);
        let why = "cannot be checked here (md5WithRSAEncryption)\nhint: openssl crl -verify tells";
        assert!(ended.code == 1 && ended.stderr.contains(why), "{words}: {ended:?}");
    }
    made(folder, "crl -d lab --force");
}

#[test]
fn an_intermediate_is_in_its_parents_index_and_has_one_of_its_own() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    made(folder, "ca Lab --path-len 1");
    made(folder, "ca Floor --parent ca.crt");
    made(folder, "client dev1 --ca floor.crt");
    made(folder, "revoke floor.crt --ca ca.crt --reason cACompromise --crl");
    assert_eq!(states(folder, ".").into_iter().map(|(_, state)| state).collect::<Vec<_>>(), ["revoked"]);
    let out = made(folder, "index --ca floor.crt");
    assert!(out.starts_with("good ") && out.contains(" CN=dev1, until "), "{out}");
}

/// Runs a script that makes a CA with other programs' means.
fn scripted(script: &str, folder: &Path) {
    let ended = Command::new("sh").args(["-ec", script]).current_dir(folder).stdin(Stdio::null()).output().unwrap();
    assert!(ended.status.success(), "{}", String::from_utf8_lossy(&[ended.stdout, ended.stderr].concat()));
}

#[test]
fn a_ca_of_easy_rsa_goes_on_here() {
    let easyrsa = Path::new("/usr/share/easy-rsa/easyrsa");
    if !easyrsa.exists() {
        assert!(std::env::var_os("CI").is_none(), "easy-rsa is not installed, and CI must not skip");
        eprintln!("SKIPPED: easy-rsa is not installed");
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    scripted(
        "export EASYRSA_BATCH=1 EASYRSA_PKI=$PWD/pki EASYRSA_ALGO=ec; run() { /usr/share/easy-rsa/easyrsa \"$@\"; }
         run init-pki; run build-ca nopass; run build-server-full broker nopass
         run build-client-full dev1 nopass; run build-client-full dev2 nopass; run revoke dev2 keyCompromise; run gen-crl",
        folder,
    );
    let out = made(folder, "import pki -o new");
    assert!(out.starts_with("new: 3 certificates of `CN=Easy-RSA CA`, 1 revoked; 2 certificates still good"), "{out}");
    let mut now = states(folder, "new");
    now.sort();
    assert_eq!(
        now.iter().map(|(name, state)| format!("{name} {state}")).collect::<Vec<_>>(),
        ["broker good", "dev1 good", "dev2 revoked"]
    );
    made(folder, "client -d new dev3");
    made(folder, "revoke -d new dev1 --crl");
    let new = folder.join("new");
    assert!(openssl_accepts(&new, "dev3") && !openssl_accepts(&new, "dev1"));
    let (_, text) = openssl(&new, "crl -in ca.crl -noout -text");
    assert_eq!(text.matches("Serial Number: ").count(), 2, "{text}");
    assert_eq!(openssl(folder, "pkey -in new/broker.key -noout").0, 0);
    let again = certgen(folder, "import pki -o new");
    assert!(again.code == 1 && again.stderr.contains("`new` exists already, and is not empty"), "{again:?}");
}

const OPENSSL_CA: &str = "
mkdir ca ca/newcerts ca/private; touch ca/index.txt; echo 1000 > ca/serial; echo 1000 > ca/crlnumber
printf '[ca]\\ndefault_ca=d\\n[d]\\ndir=ca\\ndatabase=ca/index.txt\\nnew_certs_dir=ca/newcerts\\nserial=ca/serial\\n\\
crlnumber=ca/crlnumber\\ncertificate=ca/cacert.pem\\nprivate_key=ca/private/cakey.pem\\ndefault_md=sha256\\n\\
default_days=300\\ndefault_crl_days=30\\npolicy=p\\nunique_subject=no\\n[p]\\ncommonName=supplied\\n' > cnf
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout ca/private/cakey.pem -out ca/cacert.pem -subj '/CN=Old CA' -days 900
for name in dev1 dev2 dev1; do
  openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout $name.key -out $name.csr -subj /CN=$name
  openssl ca -batch -config cnf -in $name.csr -out $name.pem -notext
done
openssl ca -config cnf -revoke ca/newcerts/1001.pem -crl_reason superseded
openssl ca -config cnf -gencrl -out ca/crl.pem";

#[test]
fn a_ca_of_openssl_goes_on_here() {
    if installed("openssl").is_none() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    scripted(OPENSSL_CA, folder);
    let out = made(folder, "import ca -o new");
    assert!(out.starts_with("new: 3 certificates of `CN=Old CA`, 1 revoked; 2 certificates still good"), "{out}");
    // Two certificates of one name get files of different names.
    assert!(folder.join("new/dev1.crt").exists() && folder.join("new/1002.crt").exists());
    made(folder, "revoke -d new 1000 --crl");
    let (_, text) = openssl(folder, "crl -in new/ca.crl -noout -text");
    assert!(text.contains("Serial Number: 1000\n") && text.contains("Serial Number: 1001\n"), "{text}");
    assert!(text.contains("Superseded"), "{text}");
    // What the old CA's own programs say of its certificates is what ours say.
    let (_, status) = openssl(folder, "ca -config cnf -status 1001");
    assert!(status.contains("1001=Revoked (R)"), "{status}");

    // The list of the old CA comes along, whatever its form and its name: the next one's number must be larger.
    for (form, name) in [("DER", "list.crl"), ("DER", "list.der"), ("PEM", "list.crt")] {
        fs::remove_dir_all(folder.join("again")).ok();
        let _ = fs::remove_file(folder.join("ca/crl.pem"));
        assert_eq!(openssl(folder, "ca -config cnf -gencrl -out pem.crl").0, 0);
        assert_eq!(openssl(folder, &format!("crl -in pem.crl -outform {form} -out ca/{name}")).0, 0);
        made(folder, "import ca -o again");
        let (_, text) = openssl(folder, "crl -in again/ca.crl -noout -text");
        assert!(text.contains("Serial Number: 1001\n"), "{name}: {text}");
        fs::remove_file(folder.join("ca").join(name)).unwrap();
    }

    let index = fs::read_to_string(folder.join("ca/index.txt")).unwrap();
    let edits = [
        (index.replacen("R\t", "Q\t", 1), "line 2: it begins with none of V, R and E"),
        (index.replacen("superseded", "stolen", 1), "line 2: its revocation is no time and reason"),
        (index.replacen("\t1000\t", "\t1001\t", 1), "line 2: its serial number stands in another line too"),
        (index.replacen('\t', " ", 1), "line 1: it has not six fields between tabs"),
    ];
    for (text, why) in edits {
        fs::write(folder.join("ca/index.txt"), text).unwrap();
        let ended = certgen(folder, "import ca -o bad");
        assert!(ended.code == 1 && ended.stderr.contains(why), "{why}: {ended:?}");
        assert!(!folder.join("bad").exists());
    }
    fs::write(folder.join("ca/index.txt"), index).unwrap();
    fs::copy(folder.join("dev2.key"), folder.join("ca/private/cakey.pem")).unwrap();
    let (code, text) = said(&certgen(folder, "import ca -o bad"));
    assert!(code == 1 && text.contains("`ca/private/cakey.pem` is not the key of `CN=Old CA`"), "{text}");
    let (code, text) = said(&certgen(folder, "import lab -o bad"));
    assert!(code == 1 && text.contains("index `lab/index.txt` does not exist"), "{text}");
}
