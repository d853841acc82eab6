//! What revocation lists say of a client's certificate, beside `openssl verify -crl_check`: every kind of list alone
//! and with every other; and who is let in with them, beside Mosquitto.

use std::path::Path;
use std::process::Command;

use moskit::pki::chain::{Anchors, Purpose, Question, judge};
use moskit::pki::read;
use moskit::pki::revocation::RevocationList;

use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, KeyUsagePurpose, date_time_ymd};

use crate::broker_verb::{Broker, text};
use crate::keys::openssl;
use crate::mosquitto::{Mosquitto, free_port, installed};
use crate::run::{moskit, run};

/// 2026-01-01, when everything is judged.
const NOW: i64 = 1_767_225_600;

/// Why we refuse where OpenSSL accepts, or the other way around.
const REVEALS: &str = "what a newer list names is revoked, though the list may not decide";
const DELTA: &str = "OpenSSL without -use_deltas takes a delta for a whole list";
const OTHER_KEY: &str = "OpenSSL ends at a list of the issuer's name and another key; for us it is somebody else's";
const TIE: &str = "of two lists of one second OpenSSL takes the first, we take both";

/// One list: how it is made, and whether the certificate is on it.
struct Kind {
    name: &'static str,
    /// `YYYYMMDD`.
    dates: (&'static str, &'static str),
    authority: &'static str,
    extensions: &'static str,
    /// The reason with which it is named, if it is.
    named: Option<&'static str>,
}

const fn kind(name: &'static str, from: &'static str, until: &'static str) -> Kind {
    Kind { name, dates: (from, until), authority: "ca", extensions: "", named: None }
}

impl Kind {
    const fn by(self, authority: &'static str) -> Self {
        Self { authority, ..self }
    }

    const fn with(self, extensions: &'static str) -> Self {
        Self { extensions, ..self }
    }

    const fn naming(self) -> Self {
        Self { named: Some("keyCompromise"), ..self }
    }
}

const KEY_ID: &str = "authorityKeyIdentifier=keyid:always\n";
const WRONG_KEY_ID: &str = "2.5.29.35=DER:3016801400112233445566778899aabbccddeeff00112233\n";
const DELTA_OF_1: &str = "2.5.29.27=critical,DER:020101\n";
const USERS: &str = "issuingDistributionPoint=critical,@users\n";
const AUTHORITIES: &str = "issuingDistributionPoint=critical,@authorities\n";
const INDIRECT: &str = "issuingDistributionPoint=critical,@indirect\n";
const REASONS: &str = "issuingDistributionPoint=critical,@reasons\n";
const POINT: &str = "issuingDistributionPoint=critical,@point\n";
const STRANGE: &str = "1.3.6.1.4.1.99999.1=critical,DER:0500\n";

const KINDS: [Kind; 30] = [
    kind("in force", "20251201", "20270101"),
    kind("in force, naming", "20251202", "20270101").naming(),
    kind("of the same second, naming", "20251201", "20270101").naming(),
    kind("older, in force", "20251101", "20270101"),
    kind("older, in force, naming", "20251101", "20270101").naming(),
    kind("run out", "20251001", "20251015"),
    kind("run out, naming", "20251001", "20251015").naming(),
    kind("run out, but newer", "20251220", "20251225"),
    kind("run out, but newer, naming", "20251220", "20251225").naming(),
    kind("from the future", "20260601", "20270101"),
    kind("from the future, naming", "20260601", "20270101").naming(),
    kind("by another CA", "20251210", "20270101").by("other"),
    kind("by another CA, naming", "20251210", "20270101").by("other").naming(),
    kind("by a CA of the same name", "20251210", "20270101").by("twin"),
    kind("by a CA of the same name, naming", "20251210", "20270101").by("twin").naming(),
    kind("by a CA of the same name, with its key id", "20251210", "20270101").by("twin").with(KEY_ID),
    kind("with the right key id", "20251205", "20270101").with(KEY_ID),
    kind("with another key id", "20251210", "20270101").with(WRONG_KEY_ID),
    kind("with another key id, naming", "20251210", "20270101").with(WRONG_KEY_ID).naming(),
    kind("delta", "20251210", "20270101").with(DELTA_OF_1),
    kind("delta, naming", "20251210", "20270101").with(DELTA_OF_1).naming(),
    kind("for users", "20251203", "20270101").with(USERS),
    kind("for users, naming", "20251203", "20270101").with(USERS).naming(),
    kind("for CAs", "20251203", "20270101").with(AUTHORITIES),
    kind("indirect", "20251203", "20270101").with(INDIRECT),
    kind("for one reason", "20251203", "20270101").with(REASONS),
    kind("of one distribution point", "20251203", "20270101").with(POINT),
    kind("with an unknown critical extension", "20251203", "20270101").with(STRANGE),
    kind("with an unknown critical extension, naming", "20251203", "20270101").with(STRANGE).naming(),
    Kind { named: Some("removeFromCRL"), ..kind("removed from the list", "20251210", "20270101") },
];

fn valid_long(common_name: &str) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::CommonName, common_name);
    params.not_before = date_time_ymd(2020, 1, 1);
    params.not_after = date_time_ymd(2090, 1, 1);
    params
}

/// Three authorities, of which two have one name, and a client of the first.
fn authorities(folder: &Path) {
    for (file, name) in [("ca", "Lab CA"), ("twin", "Lab CA"), ("other", "Other CA")] {
        let mut params = valid_long(name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let key = KeyPair::generate().unwrap();
        std::fs::write(folder.join(format!("{file}.crt")), params.self_signed(&key).unwrap().pem()).unwrap();
        std::fs::write(folder.join(format!("{file}.key")), key.serialize_pem()).unwrap();
        if file == "ca" {
            let mut client = valid_long("dev");
            client.serial_number = Some(0x1234.into());
            let issuer = Issuer::from_params(&params, &key);
            let issued = client.signed_by(&KeyPair::generate().unwrap(), &issuer).unwrap();
            std::fs::write(folder.join("dev.crt"), issued.pem()).unwrap();
        }
    }
}

/// Makes the list and gives it in PEM.
fn list(folder: &Path, kind: &Kind) -> String {
    let entry = |reason| format!("R\t400101000000Z\t251001000000Z,{reason}\t1234\tunknown\t/CN=dev\n");
    std::fs::write(folder.join("index.txt"), kind.named.map(entry).unwrap_or_default()).unwrap();
    std::fs::write(folder.join("number"), "05\n").unwrap();
    let settings = format!(
        "[ca]\ndefault_ca=d\n[d]\ndatabase=index.txt\ncrlnumber=number\ndefault_md=sha256\ncrl_extensions=e\n\
         [users]\nonlyuser=TRUE\n[authorities]\nonlyCA=TRUE\n[indirect]\nindirectCRL=TRUE\n\
         [reasons]\nonlysomereasons=CACompromise\n[point]\nfullname=URI:http://example.com/1.crl\n[e]\n{}",
        kind.extensions
    );
    std::fs::write(folder.join("list.cnf"), settings).unwrap();
    let ((from, until), authority) = (kind.dates, kind.authority);
    openssl(
        folder,
        &format!(
            "ca -config list.cnf -cert {authority}.crt -keyfile {authority}.key -gencrl -out list.crl \
             -crl_lastupdate {from}000000Z -crl_nextupdate {until}000000Z"
        ),
    );
    std::fs::read_to_string(folder.join("list.crl")).unwrap()
}

fn openssl_accepts(folder: &Path, lists: &str) -> (bool, String) {
    std::fs::write(folder.join("lists.pem"), lists).unwrap();
    let now = NOW.to_string();
    let mut command = Command::new("openssl");
    command.current_dir(folder).args(["verify", "-crl_check", "-purpose", "sslclient", "-attime", &now]);
    command.args(["-no-CApath", "-no-CAstore", "-CAfile", "ca.crt", "-CRLfile", "lists.pem", "dev.crt"]);
    let output = command.output().unwrap();
    (output.status.success(), String::from_utf8_lossy(&output.stderr).into_owned())
}

/// What we say, by the id of the first problem.
fn ours(folder: &Path, lists: &str) -> Result<(), &'static str> {
    let certificates = |name: &str| read::certificates(&folder.join(name)).unwrap();
    let lists: Vec<_> =
        pem::parse_many(lists).unwrap().iter().map(|list| RevocationList::parse(list.contents()).unwrap()).collect();
    let question =
        Question { purpose: Purpose::Client, name: None, now: NOW, check_dates: true, revocation: Some(&lists) };
    let verdict = judge(&certificates("dev.crt"), &Anchors::new(certificates("ca.crt")), &question);
    verdict.problems.first().map_or(Ok(()), |problem| Err(problem.id()))
}

/// Why the verdicts on these two may differ.
fn reason(one: &Kind, other: &Kind) -> Option<&'static str> {
    let either = |test: &dyn Fn(&Kind) -> bool| test(one) || test(other);
    if either(&|kind| kind.extensions == DELTA_OF_1) {
        Some(DELTA)
    } else if either(&|kind| kind.authority == "twin" && kind.extensions.is_empty()) {
        Some(OTHER_KEY)
    } else if one.dates.0 == other.dates.0 && one.named != other.named {
        Some(TIE)
    } else if either(&|kind| kind.named.is_some()) {
        Some(REVEALS)
    } else {
        None
    }
}

#[test]
fn every_two_revocation_lists_say_together_what_they_say_to_openssl() {
    if installed("openssl").is_none() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    authorities(folder);
    let lists: Vec<_> = KINDS.iter().map(|kind| list(folder, kind)).collect();
    let mut wrong = Vec::new();
    let mut differences = Vec::new();
    let mut compare = |name: String, lists: &str, reason: Option<&'static str>| {
        let (theirs, text) = openssl_accepts(folder, lists);
        let ours = ours(folder, lists);
        match reason {
            _ if theirs == ours.is_ok() => {}
            // Only one reason lets anybody in, by the list that is really the issuer's.
            Some(reason) if ours.is_err() || reason == OTHER_KEY => differences.push((name, reason)),
            _ => wrong.push(format!("{name}: ours is {ours:?}; OpenSSL says {theirs} {text}")),
        }
    };
    for (one, text) in KINDS.iter().zip(&lists) {
        compare(one.name.to_owned(), text, reason(one, one).filter(|reason| *reason == DELTA));
    }
    for (index, (one, first)) in KINDS.iter().zip(&lists).enumerate() {
        for (other, second) in KINDS.iter().zip(&lists).skip(index + 1) {
            compare(format!("{} + {}", one.name, other.name), &format!("{first}{second}"), reason(one, other));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    for reason in [REVEALS, DELTA, OTHER_KEY, TIE] {
        assert!(differences.iter().any(|(_, because)| *because == reason), "nothing differs because {reason}");
    }
    let shown: Vec<_> = differences.iter().map(|(name, reason)| format!("{name}: {reason}")).collect();
    eprintln!("{} combinations differ:\n{}", shown.len(), shown.join("\n"));
}

#[test]
fn lists_that_decide_nothing_are_named_for_what_they_are() {
    if installed("openssl").is_none() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    authorities(folder);
    let find = |name: &str| KINDS.iter().find(|kind| kind.name == name).unwrap();
    for (names, verdict) in [
        (&["in force"][..], Ok(())),
        (&["in force, naming"], Err("cert.revoked")),
        (&["from the future", "in force, naming"], Err("cert.revoked")),
        (&["from the future", "in force"], Ok(())),
        (&["from the future, naming", "in force"], Ok(())),
        (&["from the future"], Err("crl.not-yet-valid")),
        (&["from the future", "run out"], Err("crl.expired")),
        (&["run out, naming"], Err("cert.revoked")),
        (&["older, in force", "run out, but newer, naming"], Err("cert.revoked")),
        (&["in force", "run out, naming"], Ok(())),
        (&["by another CA"], Err("crl.missing")),
        (&["with another key id"], Err("crl.missing")),
        (&["older, in force", "with another key id, naming"], Err("cert.revoked")),
        (&["older, in force", "delta, naming"], Err("cert.revoked")),
        (&["older, in force, naming", "delta"], Err("cert.revoked")),
        (&["delta"], Err("crl.missing")),
        (&["for CAs"], Err("crl.missing")),
        (&["indirect"], Err("crl.missing")),
    ] {
        let lists: String = names.iter().map(|name| list(folder, find(name))).collect();
        assert_eq!(ours(folder, &lists), verdict, "{names:?}");
    }
}

/// A CA, an intermediate with a client of its own, a server and two clients, of which `dev1` is revoked.
fn listeners_files(folder: &Path) {
    let certgen = |words: &[&str]| {
        let made = run(moskit(&["certgen"]).args(words).current_dir(folder), b"");
        assert_eq!(made.code, 0, "{made:?}");
    };
    certgen(&["init", ".", "--hosts", "localhost", "--clients", "dev1,dev2"]);
    std::fs::write(folder.join("database"), "").unwrap();
    let settings = "[ca]\ndefault_ca=d\n[d]\ndatabase=database\ndefault_md=sha256\ndefault_crl_days=9\n\
                    unique_subject=no\npolicy=p\nserial=serial\nnew_certs_dir=.\n[p]\ncommonName=supplied\n\
                    [middle]\nbasicConstraints=critical,CA:TRUE\nkeyUsage=keyCertSign,cRLSign\n";
    std::fs::write(folder.join("ca.cnf"), settings).unwrap();
    let ca = "-config ca.cnf -cert ca.crt -keyfile ca.key";
    let list = |name: &str, more: &str| openssl(folder, &format!("ca {ca} -gencrl {more} -out {name}.crl"));
    // Older than the one with the revoked certificate.
    list("empty", "-crl_lastupdate 20250101000000Z -crl_nextupdate 20800101000000Z");
    list("future", "-crl_lastupdate 20800101000000Z -crl_nextupdate 20810101000000Z");
    openssl(folder, &format!("ca {ca} -revoke dev1.crt"));
    list("revoked", "");
    let request = "req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes";
    openssl(folder, &format!("{request} -x509 -days 30 -keyout root.key -out root.crt -subj /CN=Root"));
    for (name, subject) in [("middle", "/CN=Middle"), ("below", "/CN=below")] {
        openssl(folder, &format!("{request} -keyout {name}.key -out {name}.csr -subj {subject}"));
    }
    let extensions = "-days 30 -extfile ca.cnf -extensions middle";
    openssl(
        folder,
        &format!("x509 -req -in middle.csr -CA root.crt -CAkey root.key -CAcreateserial {extensions} -out middle.crt"),
    );
    openssl(folder, "x509 -req -in below.csr -CA middle.crt -CAkey middle.key -CAcreateserial -days 30 -out below.crt");
    openssl(folder, &format!("{request} -x509 -days 30 -keyout self.key -out self.crt -subj /CN=self"));
    for (target, parts) in [
        ("ca-and-dev1.pem", &["ca.crt", "dev1.crt"][..]),
        ("ca-and-list.pem", &["ca.crt", "revoked.crl"]),
        ("ca-and-self.pem", &["ca.crt", "self.crt"]),
        ("root-and-middle.pem", &["root.crt", "middle.crt"]),
        ("future-and-revoked.crl", &["future.crl", "revoked.crl"]),
    ] {
        let text: String = parts.iter().map(|part| std::fs::read_to_string(folder.join(part)).unwrap()).collect();
        std::fs::write(folder.join(target), text).unwrap();
    }
    for (target, files) in [("with-dev1", ["ca.crt", "dev1.crt"]), ("with-list", ["ca.crt", "revoked.crl"])] {
        std::fs::create_dir(folder.join(target)).unwrap();
        for file in files {
            std::fs::copy(folder.join(file), folder.join(target).join(file)).unwrap();
        }
        openssl(folder, &format!("rehash {target}"));
    }
}

#[test]
fn a_revoked_certificate_is_refused_wherever_else_it_lies_and_so_at_mosquitto() {
    if installed("openssl").is_none() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    listeners_files(folder);
    let mut wrong = Vec::new();
    for (trusted, list, client, is_let_in) in [
        ("cafile ca.crt", "empty.crl", "dev1", true),
        ("cafile ca.crt", "revoked.crl", "dev1", false),
        ("cafile ca.crt", "revoked.crl", "dev2", true),
        ("cafile ca-and-dev1.pem", "revoked.crl", "dev1", false),
        ("capath with-dev1", "revoked.crl", "dev1", false),
        ("capath with-dev1", "empty.crl", "dev1", true),
        ("cafile ca-and-list.pem", "empty.crl", "dev1", false),
        ("capath with-list", "empty.crl", "dev1", false),
        ("cafile ca.crt", "future-and-revoked.crl", "dev1", false),
        ("cafile ca.crt", "future-and-revoked.crl", "dev2", true),
        ("cafile ca.crt", "future.crl", "dev2", false),
        // A path ends at a root and nowhere else.
        ("cafile dev1.crt", "", "dev1", false),
        ("cafile middle.crt", "", "below", false),
        ("cafile root-and-middle.pem", "", "below", true),
        ("cafile ca-and-self.pem", "", "self", true),
        ("cafile ca-and-self.pem", "empty.crl", "self", false),
    ] {
        let place = folder.display();
        let trusted = trusted.replace(' ', &format!(" {place}/"));
        let list = if list.is_empty() { String::new() } else { format!("crlfile {place}/{list}\n") };
        let lines = format!("{trusted}\n{list}certfile {place}/server.crt\nkeyfile {place}/server.key\n");
        let configuration =
            |port| format!("listener {port} 127.0.0.1\nallow_anonymous true\nrequire_certificate true\n{lines}");
        let publish = |port: u16| {
            let identity = ["crt", "key"].map(|ending| folder.join(format!("{client}.{ending}")));
            let authority = folder.join("ca.crt");
            let words = ["-t", "t", "-m", "m", "-q", "1", "--cafile", text(&authority)];
            let port = port.to_string();
            let mut command = moskit(&["pub", "-h", "localhost", "-p", &port]);
            run(command.args(words).args(["--cert", text(&identity[0]), "--key", text(&identity[1])]), b"").code == 0
        };
        let port = free_port();
        let broker = Broker::configured(folder, &configuration(port));
        let ours = publish(port);
        broker.end();
        let port = free_port();
        let theirs = Mosquitto::start(folder, &configuration(port)).map(|_broker| publish(port));
        if ours != is_let_in || theirs.is_some_and(|theirs| theirs != is_let_in) {
            wrong.push(format!("{trusted}, {list:?}, {client}: ours {ours}, Mosquitto {theirs:?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
