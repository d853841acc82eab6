//! What the stores of a machine hold of a CA now. It asks files and programs, and changes nothing.

use std::ffi::OsStr;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use super::sentences::not_read;
use super::stores::{Call, Entry, Held, Other, Own, Place, nss};
use super::walk::files_below;
use crate::diagnose::shell;
use crate::net::reason;
use crate::pki::read::{self, ReadProblem, Section};
use crate::term::{Exit, Failure};

/// The most nicknames of one database of NSS that are looked at: each is a run of certutil.
const NICKNAMES_LIMIT: usize = 2000;

/// The certificate `der` in a store: its bytes are looked for, not its names.
///
/// # Errors
/// What the store holds cannot be known. That is not the same as that it does not hold the CA.
pub fn held(place: &Place, entry: &Entry<'_>, der: &[u8]) -> Result<Held, Failure> {
    match place {
        Place::Folder { folder, bundle, .. } => in_folder(folder, bundle, entry, der),
        Place::Nss { folder } => in_nss(folder, entry, der),
        Place::Keychain => Question::keychain(entry.certificate).ask(),
        Place::Windows => Question::windows(entry.sha1).ask(),
    }
}

/// Runs a command; what it reads from its standard input is `fed`, or nothing.
pub fn output(call: &Call, fed: &[u8]) -> Result<Output, Failure> {
    let failed = |error: &std::io::Error| {
        Failure::new(Exit::FAILED, format!("`{}` did not start: {}", call.program, reason(error)))
    };
    let mut command = Command::new(call.program);
    command.args(&call.arguments).stdout(Stdio::piped()).stderr(Stdio::piped());
    if !call.is_fed {
        return command.stdin(Stdio::null()).output().map_err(|error| failed(&error));
    }
    let mut child = command.stdin(Stdio::piped()).spawn().map_err(|error| failed(&error))?;
    if let Some(mut input) = child.stdin.take() {
        // A program that ends before it has read all says why by its status.
        let _ = input.write_all(fed);
    }
    child.wait_with_output().map_err(|error| failed(&error))
}

/// Why a command failed, in its own last line. That of Windows writes it to its standard output.
pub fn refusal(call: &Call, output: &Output) -> Failure {
    let last = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim().lines().next_back().map(str::to_owned);
    let said = last(&output.stderr).or_else(|| last(&output.stdout));
    let said = said.map(|said| format!(": {said}")).unwrap_or_default();
    Failure::new(Exit::FAILED, format!("`{}` failed ({}){said}", call.program, output.status))
}

/// A question to the system's own program.
struct Question {
    /// The store, for people.
    store: &'static str,
    call: Call,
    /// What it writes where it fails because the CA is not in the store, or not believed. Any other failure is no answer.
    no: &'static [&'static str],
}

impl Question {
    /// macOS says by which name of an error it does not believe a CA: that it is not trusted, or has expired, which it says
    /// of one that it holds, too.
    fn keychain(certificate: &Path) -> Self {
        Self {
            store: "the keychain of the system",
            call: call("security", &["verify-cert".as_ref(), "-c".as_ref(), certificate.as_os_str()]),
            no: &["CSSMERR_TP_NOT_TRUSTED", "CSSMERR_TP_CERT_EXPIRED", "CSSMERR_TP_INVALID_ANCHOR_CERT"],
        }
    }

    /// Windows speaks the user's language, and gives the number of its error in any: CRYPT_E_NOT_FOUND, that nothing has
    /// expired for, CERT_E_EXPIRED, and CERT_E_UNTRUSTEDROOT.
    fn windows(sha1: &str) -> Self {
        Self {
            store: "the store of Windows",
            call: call("certutil", &["-verifystore".as_ref(), "Root".as_ref(), sha1.as_ref()]),
            no: &["0x80092004", "0x800b0101", "0x800b0109"],
        }
    }

    fn ask(&self) -> Result<Held, Failure> {
        let unknown = |failure: Failure| {
            let why = failure.message.unwrap_or_default();
            Failure::new(Exit::FAILED, format!("what {} holds is not known: {why}", self.store))
        };
        let output = output(&self.call, b"").map_err(unknown)?;
        let is_believed = output.status.success();
        let says = |words: &&str| {
            let holds = |bytes: &[u8]| String::from_utf8_lossy(bytes).to_lowercase().contains(&words.to_lowercase());
            holds(&output.stdout) || holds(&output.stderr)
        };
        if !is_believed && !self.no.iter().any(says) {
            return Err(unknown(refusal(&self.call, &output)));
        }
        Ok(Held { own: if is_believed { Own::Certificate } else { Own::Absent }, others: Vec::new(), is_believed })
    }
}

fn call(program: &'static str, words: &[&OsStr]) -> Call {
    Call { program, arguments: words.iter().map(|word| (*word).to_owned()).collect(), is_fed: false }
}

fn in_folder(folder: &Path, bundle: &Path, entry: &Entry<'_>, der: &[u8]) -> Result<Held, Failure> {
    let file = entry.file(folder);
    let own = match file.symlink_metadata() {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Own::Absent,
        Err(error) => {
            let text = format!("cannot look at `{}`: {}", file.display(), reason(&error));
            return Err(Failure::new(Exit::FAILED, text));
        }
        Ok(_) => match read::certificates(&file) {
            Ok(found) if found == [der] => Own::Certificate,
            Err(error) if matches!(error.problem, ReadProblem::Denied | ReadProblem::Io(_)) => {
                return Err(not_read("certificate", &error).hint("what is trusted is not known until it can be read"));
            }
            _ => Own::Other,
        },
    };
    // update-ca-certificates takes `.crt` alone, update-ca-trust any file.
    let endings: &[&str] =
        if folder.ends_with("ca-certificates") { &["crt"] } else { &["crt", "pem", "cer", "der", "p11-kit"] };
    let files = files_below(folder, endings).map_err(|error| {
        Failure::new(Exit::FAILED, format!("cannot read the folder `{}`: {}", folder.display(), reason(&error)))
    })?;
    // What cannot be read here cannot hide that the CA is believed: the bundle says so.
    let is_taken = |path: &PathBuf| path.extension().is_some_and(|ending| endings.iter().any(|it| ending == *it));
    let others = files.into_iter().filter(|path| *path != file && is_taken(path) && file_holds(path, der));
    let others = others.map(Other::File).collect();
    let is_believed = match read::sections(bundle) {
        Ok(sections) => holds(&sections, der),
        Err(error) if matches!(error.problem, ReadProblem::Missing) => false,
        Err(error) => {
            return Err(not_read("the certificates that programs trust", &error)
                .hint("what is trusted is not known until this file can be read"));
        }
    };
    Ok(Held { own, others, is_believed })
}

fn file_holds(path: &Path, der: &[u8]) -> bool {
    // p11-kit also takes DER.
    read::certificates(path).is_ok_and(|found| found.iter().any(|it| it == der))
        || read::bytes(path).is_ok_and(|bytes| bytes.as_slice() == der)
}

fn holds(sections: &[Section], der: &[u8]) -> bool {
    sections.iter().any(|section| matches!(section, Section::Certificate(found) if found == der))
}

fn in_nss(folder: &Path, entry: &Entry<'_>, der: &[u8]) -> Result<Held, Failure> {
    let unknown = |failure: Failure| {
        let why = failure.message.unwrap_or_default();
        Failure::new(Exit::FAILED, format!("what the database `{}` holds is not known: {why}", folder.display()))
    };
    let listed = |words: &[&OsStr]| {
        let call = nss(folder, words);
        let output = output(&call, b"").map_err(unknown)?;
        if output.status.success() { Ok(output.stdout) } else { Err(unknown(refusal(&call, &output))) }
    };
    let list = listed(&["-L".as_ref()])?;
    let list = String::from_utf8_lossy(&list);
    let nicknames = nicknames(&list);
    if nicknames.len() > NICKNAMES_LIMIT {
        let text = format!("more than {NICKNAMES_LIMIT} certificates");
        return Err(unknown(Failure::new(Exit::FAILED, text)));
    }
    let mut holders = Vec::new();
    for (name, trust) in &nicknames {
        // All certificates of the same subject, whichever nickname of theirs is asked for.
        let text = listed(&["-L".as_ref(), "-n".as_ref(), (*name).as_ref(), "-a".as_ref()])?;
        let sections = read::parse(&text).map_err(|_| {
            unknown(Failure::new(Exit::FAILED, format!("certutil wrote no certificate for {}", shell::quoted(name))))
        })?;
        if holds(&sections, der) {
            holders.push((*name, *trust));
        }
    }
    let own = match nicknames.iter().find(|(name, _)| *name == entry.name) {
        None => Own::Absent,
        Some(named) if holders.contains(named) => Own::Certificate,
        Some(_) => Own::Other,
    };
    // Under which of several nicknames of one subject it stands is not said, so all must be trusted.
    let is_believed = match holders.iter().find(|(name, _)| *name == entry.name) {
        Some((_, trust)) => is_trusted_for_servers(trust),
        None => !holders.is_empty() && holders.iter().all(|(_, trust)| is_trusted_for_servers(trust)),
    };
    // A database has a certificate once: what has its own name has no other. The others are of the same subject then.
    let others = holders.iter().filter(|(_, trust)| own != Own::Certificate && is_trusted(trust));
    let others = others.map(|(name, _)| Other::Nickname((*name).to_owned())).collect();
    Ok(Held { own, others, is_believed })
}

/// The nicknames in what `certutil -L` writes, each with its trust flags: `mine      C,,`.
fn nicknames(list: &str) -> Vec<(&str, &str)> {
    // Above them stand two lines of headings, the second with the kinds of trust alone.
    let rows = list.lines().skip_while(|line| line.trim() != "SSL,S/MIME,JAR/XPI").skip(1);
    rows.filter_map(|row| row.trim_end().rsplit_once(' ')).map(|(name, trust)| (name.trim_end(), trust)).collect()
}

/// `C`: what the CA signs for servers is believed.
fn is_trusted_for_servers(flags: &str) -> bool {
    flags.split(',').next().is_some_and(|ssl| ssl.contains('C'))
}

/// Trusted for anything: servers, clients, mail, code.
fn is_trusted(flags: &str) -> bool {
    flags.contains(['C', 'T', 'P'])
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A program that fails for another reason than that it does not hold the CA has not answered.
    #[cfg(unix)]
    #[test]
    fn a_program_that_fails_is_no_answer() {
        let asked = |question: Question, script: &str| {
            let call = call("sh", &["-c".as_ref(), script.as_ref()]);
            Question { call, ..question }.ask().map_err(|failure| failure.message.unwrap_or_default())
        };
        let keychain = || Question::keychain(Path::new("ca.crt"));
        let windows = || Question::windows("AB");
        for (question, script) in [
            (keychain(), "echo 'Cert Verify Result: CSSMERR_TP_NOT_TRUSTED' >&2; exit 1"),
            (windows(), "echo 'CertUtil: -verifystore FEHLGESCHLAGEN: 0x80092004 (-2146885628)'; exit 4"),
            (windows(), "echo 'CertUtil: 0x800B0109 (-2146762487 CERT_E_UNTRUSTEDROOT)'; exit 9"),
        ] {
            let held = asked(question, script).unwrap();
            assert_eq!((held.own, held.is_believed), (Own::Absent, false), "{script}");
        }
        assert!(asked(keychain(), "echo '...certificate verification successful.'").unwrap().is_believed);
        for (question, script, why) in [
            (keychain(), "echo 'SecKeychainOpen: no permission' >&2; exit 1", "the keychain of the system"),
            (windows(), "echo 'CertUtil: 0x80070005 no permission'; exit 5", "the store of Windows"),
            (windows(), "kill -9 $$", "the store of Windows"),
        ] {
            let refused = asked(question, script).unwrap_err();
            assert!(refused.starts_with(&format!("what {why} holds is not known: `sh` failed")), "{refused}");
            assert!(refused.ends_with("no permission") || script.contains("kill"), "{refused}");
        }
    }

    #[test]
    fn nicknames_stand_below_the_headings_of_certutil_with_their_flags() {
        let list = "\nCertificate Nickname      Trust Attributes\n         SSL,S/MIME,JAR/XPI\n\n\
                    mine                      C,,  \nMy  own, CA               ,,   \nc                         CT,C,c\n";
        assert_eq!(nicknames(list), [("mine", "C,,"), ("My  own, CA", ",,"), ("c", "CT,C,c")]);
        assert_eq!(nicknames(""), []);
        let flags = ["C,,", "CT,,", ",C,", "c,,", ",,"];
        assert_eq!(flags.map(is_trusted_for_servers), [true, true, false, false, false]);
        assert_eq!(flags.map(is_trusted), [true, true, true, false, false]);
    }
}
