//! `certgen revoke`: certificates that are not to be believed any more.

use std::path::Path;

use super::dates::instant;
use super::index::is_issued_by;
use super::index_file::{OpenIndex, index_path};
use super::issuer::certificates;
use super::options::RevokeArgs;
use super::register::record;
use crate::pki::certificate::Certificate;
use crate::pki::index::{Issued, Record, Revocations};
use crate::pki::revocation::{Reason, Revocation};
use crate::pki::serial::Serial;
use crate::term::{Exit, Failure};

/// What one word on the command line means.
struct Wanted<'a> {
    word: &'a str,
    serial: Option<Serial>,
    certificate: Option<Certificate>,
    /// Those with this serial number.
    numbered: Vec<Issued>,
    /// Those of this name, or of the name of the file's certificate.
    called: Vec<Issued>,
}

/// What was done to a certificate.
pub enum Done {
    Revoked(Reason),
    /// It was so before.
    RevokedBefore(Revocation),
    Released,
}

/// What became of the certificates that were asked for.
pub struct Revoked {
    pub done: Vec<(Issued, Done)>,
    /// Certificates of the same names that are still good.
    pub namesakes: Vec<Issued>,
}

pub fn run(args: &RevokeArgs, now: i64) -> Result<Revoked, Failure> {
    if args.in_vain() {
        let why = "--days, --out, --force, --ca-key and passphrases are for the list, which only --crl writes";
        return Err(Failure::new(Exit::USAGE, why));
    }
    let authority_path = args.issuer.certificate_path();
    let authority = certificates(&authority_path)?.remove(0);
    let path = index_path(&authority_path);
    let mut wanted = args.which.iter().map(|word| Wanted::new(word, &authority)).collect::<Result<Vec<_>, _>>()?;
    let mut index = OpenIndex::open(&path, &authority)?;
    let revocations = index.read(|record| {
        if let Record::Issued(issued) = record {
            for wanted in &mut wanted {
                wanted.see(&issued);
            }
        }
    })?;
    let mut records = Vec::new();
    let mut done = Vec::new();
    for wanted in &wanted {
        for issued in wanted.chosen(args, &revocations, now)? {
            if wanted.numbered.is_empty()
                && let Some(certificate) = &wanted.certificate
            {
                records.push(record(certificate, Some(Path::new(wanted.word)), &path)?);
            }
            let event = event(&issued, &revocations, args, now)?;
            done.push((issued, event.is_some()));
            records.extend(event);
        }
    }
    if !records.is_empty() {
        index.append(&records)?;
    }
    drop(index);
    let namesakes = wanted.iter().flat_map(|wanted| wanted.namesakes(&done, &revocations, now)).collect();
    let done = done.into_iter().map(|(issued, is_new)| {
        let what = match revocations.get(&issued.serial) {
            Some(old) if !is_new => Done::RevokedBefore(old),
            _ if args.release => Done::Released,
            _ => Done::Revoked(args.reason),
        };
        (issued, what)
    });
    Ok(Revoked { done: done.collect(), namesakes })
}

impl<'a> Wanted<'a> {
    fn new(word: &'a str, authority: &Certificate) -> Result<Self, Failure> {
        let nothing = Self { word, serial: None, certificate: None, numbered: Vec::new(), called: Vec::new() };
        let path = Path::new(word);
        if !path.is_file() {
            return Ok(Self { serial: word.parse().ok(), ..nothing });
        }
        let certificate = certificates(path)?.remove(0);
        let failed = |why: String| Err(Failure::new(Exit::FAILED, format!("cannot revoke `{word}`: {why}")));
        if certificate.der == authority.der || certificate.is_self_issued() {
            return failed(
                "it is a CA of its own, which no list can revoke: take it out of what clients trust".to_owned(),
            );
        }
        match is_issued_by(&certificate, authority) {
            Some(true) => {}
            Some(false) => {
                return failed(format!(
                    "it was issued by `{}`, not by this CA, `{}`",
                    certificate.issuer, authority.subject
                ));
            }
            None => {
                return failed(format!(
                    "whether this CA signed it cannot be checked here ({}); its serial number revokes it, too",
                    certificate.signature_algorithm.name
                ));
            }
        }
        match Serial::of(&certificate.serial) {
            Ok(serial) => Ok(Self { serial: Some(serial), certificate: Some(certificate), ..nothing }),
            Err(_) => failed(
                "its serial number is negative or too long, and programs differ in what a list says of it".to_owned(),
            ),
        }
    }

    /// Keeps a certificate of the index that is meant, or has the same name as the one that is.
    fn see(&mut self, issued: &Issued) {
        let (name, is_file) = match &self.certificate {
            Some(certificate) => (certificate.common_name(), true),
            None => (Some(self.word), false),
        };
        if self.serial.as_ref() == Some(&issued.serial) {
            self.numbered.push(issued.clone());
        } else if name.is_some_and(|name| issued.is_called(name) || (!is_file && issued.subject == name)) {
            self.called.push(issued.clone());
        }
    }

    /// The certificates that the word means.
    fn chosen(&self, args: &RevokeArgs, revocations: &Revocations, now: i64) -> Result<Vec<Issued>, Failure> {
        let failed = |why: &str| Failure::new(Exit::FAILED, format!("cannot revoke `{}`: {why}", self.word));
        if let Some(certificate) = &self.certificate {
            return Issued::of(certificate, None)
                .map(|issued| vec![issued])
                .map_err(|_| failed("it has no serial number"));
        }
        match (self.numbered.as_slice(), self.called.as_slice()) {
            ([], []) => {}
            ([issued, ..], []) => return Ok(vec![issued.clone()]),
            ([], called) => {
                // What has expired, or is revoked for good, needs nothing.
                let open = |it: &&Issued| match revocations.get(&it.serial) {
                    Some(revocation) => revocation.reason == Reason::CertificateHold,
                    None => !args.release && it.not_after >= now,
                };
                let open: Vec<_> = called.iter().filter(open).cloned().collect();
                return Ok(if open.is_empty() { called.to_vec() } else { open });
            }
            _ => return Err(failed("it is the serial number of one certificate and the name of another")),
        }
        match &self.serial {
            Some(serial) if args.unlisted => Ok(vec![Issued {
                serial: serial.clone(),
                subject: "not in the index".to_owned(),
                name: None,
                names: Vec::new(),
                not_after: i64::MAX,
                sha256: None,
                file: None,
            }]),
            Some(_) => Err(failed("the index knows neither such a serial number nor such a name")
                .hint("moskit certgen index lists what it knows, and with --rebuild reads the files; --unlisted revokes a serial number all the same")),
            None => Err(failed("it is no file, and the index knows no such name")
                .hint("moskit certgen index lists what it knows, and with --rebuild reads the files")),
        }
    }

    /// A device that was renewed has several certificates, perhaps with one key.
    fn namesakes(&self, done: &[(Issued, bool)], revocations: &Revocations, now: i64) -> Vec<Issued> {
        if self.certificate.is_none() {
            return Vec::new();
        }
        let is_good = |it: &&Issued| {
            it.not_after >= now
                && revocations.get(&it.serial).is_none()
                && !done.iter().any(|(done, _)| done.serial == it.serial)
        };
        self.called.iter().filter(is_good).cloned().collect()
    }
}

/// What the index is to note; nothing if it is so already.
fn event(issued: &Issued, revocations: &Revocations, args: &RevokeArgs, now: i64) -> Result<Option<Record>, Failure> {
    let serial = issued.serial.clone();
    match (revocations.get(&serial), args.release) {
        (Some(old), true) if old.reason == Reason::CertificateHold => Ok(Some(Record::Released(serial, now))),
        (Some(old), true) => {
            let why = format!("{serial} was revoked for good on {} ({})", instant(old.at), old.reason.name());
            Err(Failure::new(Exit::FAILED, why).hint("only what is on hold (certificateHold) can be released"))
        }
        (None, true) => Err(Failure::new(Exit::FAILED, format!("{serial} is not revoked"))),
        (Some(old), false) if old.reason != Reason::CertificateHold || args.reason == Reason::CertificateHold => {
            Ok(None)
        }
        (_, false) => Ok(Some(Record::Revoked(serial, Revocation { at: now, reason: args.reason }))),
    }
}
