//! PEM text beside OpenSSL: what it reads we read, what it refuses or passes over we say.

use std::fs;
use std::path::Path;
use std::process::Command;

use moskit::pki::read::{self, FaultKind};

use crate::keys::openssl;
use crate::mosquitto::installed;

/// A way to spoil a file of two certificates, and what is to be seen of each.
struct Row {
    name: &'static str,
    text: String,
    /// Whether the first and the second certificate are read; `None`: the file is refused whole.
    read: Option<[bool; 2]>,
    fault: Option<(usize, FaultKind)>,
}

fn row(name: &'static str, text: String, read: Option<[bool; 2]>, fault: Option<(usize, FaultKind)>) -> Row {
    Row { name, text, read, fault }
}

fn each_line(text: &str, change: impl Fn(&str) -> String) -> String {
    text.lines().map(|line| change(line) + "\n").collect()
}

fn rows(first: &str, second: &str) -> Vec<Row> {
    use FaultKind::{
        BeginWithoutEnd, CarriageReturns, EmptyLine, IndentedBegin, IndentedEnd, NoEnd, NotBase64, OtherEnd, RunOn,
    };
    let both = format!("{first}{second}");
    let lines = first.lines().count();
    let indented = |text: &str| each_line(text, |line| format!("  {line}"));
    let body = |text: &str| text.lines().filter(|line| !line.starts_with("-----")).collect::<String>();
    let inserted = |after: usize, line: &str| {
        let mut all: Vec<_> = both.lines().collect();
        all.insert(after, line);
        all.join("\n") + "\n"
    };
    let all = Some([true, true]);
    vec![
        row("as it is", both.clone(), all, None),
        row("text around", format!("Bag Attributes: x\n{first}\nhello\n{second}the end"), all, None),
        row("a comment that names the marks", format!("# put -----BEGIN CERTIFICATE----- here\n{both}"), all, None),
        row("CR LF", both.replace('\n', "\r\n"), all, None),
        row("spaces at the ends", each_line(&both, |line| format!("{line}  ")), all, None),
        row("a byte-order mark", format!("\u{feff}{both}"), all, None),
        row("a byte-order mark in the middle", format!("{first}\u{feff}{second}"), all, None),
        row("no line end at the end", both.trim_end().to_owned(), all, None),
        row(
            "base64 in one line",
            format!("-----BEGIN CERTIFICATE-----\n{}\n-----END CERTIFICATE-----\n{second}", body(first)),
            all,
            None,
        ),
        row("an empty line below the BEGIN", inserted(1, ""), all, None),
        row(
            "indented base64",
            each_line(&both, |line| if line.starts_with('-') { line.to_owned() } else { format!("  {line}") }),
            all,
            None,
        ),
        row("indented", indented(&both), None, Some((1, IndentedBegin))),
        row("tabs", each_line(&both, |line| format!("\t{line}")), None, Some((1, IndentedBegin))),
        row(
            "the second indented",
            format!("{first}{}", indented(second)),
            Some([true, false]),
            Some((lines + 1, IndentedBegin)),
        ),
        row(
            "the first with a word behind its BEGIN",
            both.replacen("BEGIN CERTIFICATE-----", "BEGIN CERTIFICATE----- x", 1),
            Some([false, true]),
            Some((1, BeginWithoutEnd)),
        ),
        row("carriage returns", both.replace('\n', "\r"), None, Some((1, CarriageReturns))),
        row("run on", format!("{}{second}", first.trim_end()), None, Some((lines, RunOn))),
        row(
            "a word behind the END",
            both.replacen("END CERTIFICATE-----", "END CERTIFICATE----- x", 1),
            None,
            Some((lines, RunOn)),
        ),
        row(
            "an indented END",
            second.replace("-----END", " -----END"),
            None,
            Some((second.lines().count(), IndentedEnd)),
        ),
        row("another END", both.replacen("END CERTIFICATE", "END X509 CRL", 1), None, Some((lines, OtherEnd))),
        row("the second cut off", format!("{first}{}", &second[..second.len() / 2]), None, Some((lines + 1, NoEnd))),
        row("the first cut off", format!("{}\n{second}", &first[..first.len() / 2]), None, Some((1, NoEnd))),
        row("the BEGIN twice", format!("-----BEGIN CERTIFICATE-----\n{both}"), None, Some((1, NoEnd))),
        row("an empty line in the base64", inserted(2, ""), None, Some((3, EmptyLine))),
        row("an empty line before the END", inserted(lines - 1, ""), None, Some((lines, EmptyLine))),
        row("a word in the base64", inserted(2, "hello!"), None, Some((3, NotBase64))),
        row(
            "stars in the second",
            format!("{first}{}", second.replace("MII", "***")),
            None,
            Some((lines + 2, NotBase64)),
        ),
    ]
}

/// Whether OpenSSL, trusting the file, believes the certificate.
fn openssl_reads(folder: &Path, certificate: &str) -> bool {
    let words = ["verify", "-no-CApath", "-no-CAstore", "-CAfile", "spoiled.pem", certificate];
    Command::new("openssl").current_dir(folder).args(words).output().unwrap().status.success()
}

#[test]
fn pem_is_read_as_openssl_reads_it() {
    if installed("openssl").is_none() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    for name in ["first", "second"] {
        let new = format!("-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout {name}.key -out {name}.crt");
        openssl(folder, &format!("req -x509 {new} -days 9 -subj /CN={name}"));
    }
    let text = |name: &str| fs::read_to_string(folder.join(name)).unwrap();
    let ders = ["first.crt", "second.crt"].map(|name| read::certificates(&folder.join(name)).unwrap().remove(0));
    let spoiled = folder.join("spoiled.pem");
    for Row { name, text, read, fault } in rows(&text("first.crt"), &text("second.crt")) {
        fs::write(&spoiled, text).unwrap();
        let theirs = ["first.crt", "second.crt"].map(|certificate| openssl_reads(folder, certificate));
        assert_eq!(theirs, read.unwrap_or_default(), "OpenSSL, {name}");
        let (ours, found) = match read::certificates(&spoiled) {
            Ok(found) => {
                let passed_over = read::passed_over(&spoiled).first().copied();
                (Some(ders.each_ref().map(|der| found.contains(der))), passed_over)
            }
            Err(error) => match error.problem {
                read::ReadProblem::Damaged(fault) => (None, Some(fault)),
                other => panic!("{name}: {other:?}"),
            },
        };
        assert_eq!(ours, read, "{name}");
        assert_eq!(found.map(|fault| (fault.line, fault.kind)), fault, "{name}");
    }
}

#[test]
fn a_key_is_read_whatever_stands_behind_it() {
    let folder = tempfile::tempdir().unwrap();
    let made = rcgen::generate_simple_self_signed(["a".to_owned()]).unwrap();
    let (key, certificate) = (made.signing_key.serialize_pem(), made.cert.pem());
    let reads = |text: &str| {
        let path = folder.path().join("key.pem");
        fs::write(&path, text).unwrap();
        read::private_key(&path)
    };
    assert!(reads(&format!("{key}{}", &certificate[..200])).is_ok());
    assert!(reads(&format!("{certificate}{key}")).is_ok());
    for spoiled in [each_line(&key, |line| format!(" {line}")), key.replace('\n', "\r"), certificate[..200].to_owned()]
    {
        let error = reads(&spoiled).unwrap_err();
        assert!(matches!(error.problem, read::ReadProblem::Damaged(_)), "{error:?}");
    }
}
