//! `certgen index`: what a CA has issued and revoked, shown and made anew.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::path::{Path, PathBuf};

use super::content::{Item, items};
use super::files::{KEY_MODE, lock_beside, shown};
use super::index_file::{OpenIndex, index_path, lines, locked};
use super::issuer::certificates;
use super::options::IndexArgs;
use super::register::record;
use super::sentences::not_written;
use super::walk::files_below;
use crate::net::reason;
use crate::pki::certificate::Certificate;
use crate::pki::index::{Header, Issued, Record, Revocations};
use crate::pki::revocation::{Authorship, Reason, Revocation, RevocationList};
use crate::pki::serial::Serial;
use crate::term::{Exit, Failure, Term};
use crate::whole_file::{self, Permission};

/// A certificate that a CA has issued or revoked.
pub struct Entry<'a> {
    pub serial: &'a Serial,
    /// `None`: the index knows only that it is revoked.
    pub issued: Option<&'a Issued>,
    pub revocation: Option<Revocation>,
}

/// How many certificates an index has that was made anew.
pub struct Rebuilt {
    pub index: PathBuf,
    pub issued: usize,
    pub revoked: usize,
}

/// Gives every entry of the index to `each`, so that an index of any size needs little memory.
pub fn list(args: &IndexArgs, mut each: impl FnMut(&Entry<'_>)) -> Result<(), Failure> {
    let authority_path = args.certificate_path();
    let authority = certificates(&authority_path)?.remove(0);
    let path = index_path(&authority_path);
    let Some(mut index) = OpenIndex::open_existing(&path, &authority)? else {
        return Err(Failure::new(Exit::FAILED, format!("there is no index `{}`", path.display()))
            .hint("moskit certgen index --rebuild makes it from the files"));
    };
    let revocations = index.revocations()?;
    let mut unlisted: BTreeMap<Serial, Revocation> =
        revocations.iter().map(|(serial, it)| (serial.clone(), *it)).collect();
    index.read(|record| {
        if let Record::Issued(issued) = record {
            unlisted.remove(&issued.serial);
            let revocation = revocations.get(&issued.serial);
            each(&Entry { serial: &issued.serial, issued: Some(&issued), revocation });
        }
    })?;
    for (serial, revocation) in &unlisted {
        each(&Entry { serial, issued: None, revocation: Some(*revocation) });
    }
    Ok(())
}

/// Everything that is known of a CA, from wherever.
struct Gathered<'a> {
    authority: &'a Certificate,
    index: PathBuf,
    records: Vec<Record>,
    issued: BTreeSet<Serial>,
    revocations: Revocations,
}

pub fn rebuild(args: &IndexArgs, more: &[PathBuf], term: &mut Term) -> Result<Rebuilt, Failure> {
    let authority_path = args.certificate_path();
    let authority = certificates(&authority_path)?.remove(0);
    let path = index_path(&authority_path);
    let lock = lock_beside(&path, term)?;
    let not_opened = |error: &std::io::Error| {
        Failure::new(Exit::FAILED, format!("cannot open the index `{}`: {}", path.display(), reason(error)))
    };
    let existed = path.exists();
    let old = if existed { Some(locked(&path).map_err(|error| not_opened(&error))?) } else { None };
    let mut gathered = Gathered {
        authority: &authority,
        index: path.clone(),
        records: Vec::new(),
        issued: BTreeSet::new(),
        revocations: Revocations::default(),
    };
    let mut unreadable = Vec::new();
    if let Some(old) = &old {
        unreadable = gathered.take_index(old).map_err(|error| not_opened(&error))?;
    }
    let folder = authority_path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    for place in [folder].into_iter().chain(more.iter().map(PathBuf::as_path)) {
        gathered.take_files(place, term)?;
    }
    if !unreadable.is_empty() {
        let kept = path.with_extension("ndjson.old");
        let bytes = fs::read(&path).map_err(|error| not_opened(&error))?;
        whole_file::replace(&kept, &bytes, Permission::Exactly(KEY_MODE)).map_err(|error| not_written(&error))?;
        let lines = unreadable.iter().take(10).map(ToString::to_string).collect::<Vec<_>>().join(", ");
        let more = if unreadable.len() > 10 { ", …" } else { "" };
        term.note(format_args!(
            "warning: of the old index, line {lines}{more} could not be used; it is kept as `{}`. \
             If a line said that a certificate is revoked, revoke it again",
            shown(&kept)
        ));
    }
    let mut text = Header::of(&authority).line();
    for record in &gathered.records {
        text.push_str(&record.line());
    }
    whole_file::replace(&path, text.as_bytes(), Permission::KeepOr(KEY_MODE)).map_err(|error| not_written(&error))?;
    drop((old, lock));
    let (issued, revoked) = (gathered.issued.len(), gathered.revocations.len());
    Ok(Rebuilt { index: path, issued, revoked })
}

impl Gathered<'_> {
    fn add(&mut self, record: Record) {
        if let Record::Issued(issued) = &record
            && !self.issued.insert(issued.serial.clone())
        {
            return;
        }
        self.revocations.apply(&record);
        self.records.push(record);
    }

    /// What can be read of the old index; the numbers of the other lines.
    fn take_index(&mut self, old: &File) -> std::io::Result<Vec<usize>> {
        let own = Header::of(self.authority);
        let mut unreadable = Vec::new();
        let mut is_foreign = false;
        lines(old, |number, line| {
            if number == 1 {
                match Header::parse(line) {
                    Ok(header) => is_foreign = header.key != own.key,
                    // The first line may be lost, or there was none: then this is a record.
                    Err(_) if Record::parse(line).is_err() => unreadable.push(number),
                    Err(_) => {}
                }
            }
            match Record::parse(line) {
                _ if is_foreign => unreadable.push(number),
                Ok(record) => self.add(record),
                Err(_) if number > 1 => unreadable.push(number),
                Err(_) => {}
            }
        })?;
        Ok(unreadable)
    }

    /// The CA's certificates and lists in a file, or in a folder and below.
    fn take_files(&mut self, place: &Path, term: &mut Term) -> Result<(), Failure> {
        let files = if place.is_dir() {
            files_below(place, &["crt", "pem", "cer", "der", "crl"]).map_err(|error| {
                Failure::new(Exit::FAILED, format!("cannot read the folder `{}`: {}", place.display(), reason(&error)))
            })?
        } else {
            vec![place.to_owned()]
        };
        for file in files {
            match items(&file) {
                Ok(items) => items.into_iter().for_each(|item| self.take_item(item, &file, term)),
                Err(_) if place.is_dir() && file != place => {
                    term.note(format_args!("note: `{}` cannot be read, and is passed over", shown(&file)));
                }
                Err(failure) => return Err(failure),
            }
        }
        Ok(())
    }

    fn take_item(&mut self, item: Item, file: &Path, term: &mut Term) {
        match item {
            Item::Certificate(certificate)
                if is_of_authority(is_issued_by(&certificate, self.authority), file, term) =>
            {
                match record(&certificate, Some(file), &self.index) {
                    Ok(record) => self.add(record),
                    // No list can name it, so the index need not either.
                    Err(_) => term.note(format_args!(
                        "note: `{}` has a serial number that RFC 5280 does not allow, and is passed over",
                        shown(file)
                    )),
                }
            }
            Item::RevocationList(list) if is_list_of(&list, self.authority, file, term) => {
                self.take_list(&list);
            }
            _ => {}
        }
    }

    fn take_list(&mut self, list: &RevocationList) {
        for (serial, revocation) in list.entries() {
            let Ok(serial) = Serial::new(serial) else { continue };
            let known = self.revocations.get(&serial);
            let is_new = match revocation.reason {
                Reason::CertificateHold => known.is_none() && !self.revocations.was_released(&serial),
                // That is for good, whatever else was said of the certificate.
                _ => known.is_none_or(|known| known.reason == Reason::CertificateHold),
            };
            if is_new {
                self.add(Record::Revoked(serial, revocation));
            }
        }
    }
}

/// Whether the certificate is one that `authority` has signed, and not its own; `None` if the signature cannot be checked here.
pub fn is_issued_by(certificate: &Certificate, authority: &Certificate) -> Option<bool> {
    if certificate.issuer != authority.subject || certificate.der == authority.der {
        return Some(false);
    }
    certificate.is_signed_by(authority)
}

/// Whether a list is the CA's, so that what it revokes counts: also one that nobody should believe any more, since what was
/// revoked stays so.
pub fn is_list_of(list: &RevocationList, authority: &Certificate, file: &Path, term: &mut Term) -> bool {
    let is_signed = match list.authorship(authority) {
        Authorship::Own | Authorship::Weak => Some(true),
        Authorship::Foreign => Some(false),
        Authorship::Unchecked => None,
    };
    is_of_authority(is_signed, file, term)
}

/// Whether what a file holds is the CA's. That it is passed over is said where it may be.
pub fn is_of_authority(is_signed: Option<bool>, file: &Path, term: &mut Term) -> bool {
    if is_signed.is_none() {
        term.note(format_args!(
            "warning: whether the CA signed `{}` cannot be checked here, and it is passed over",
            shown(file)
        ));
    }
    is_signed == Some(true)
}
