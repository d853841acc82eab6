//! `certgen import`: a CA of `openssl ca` or easy-rsa goes on here. Its own files stay as they are.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use super::content::{Item, items};
use super::files::{CERTIFICATE_MODE, Folder, KEY_MODE, NewFile, Replacing, authority_stems, shown, stem, write_all};
use super::index::{is_issued_by, is_list_of, is_of_authority};
use super::index_file::index_path;
use super::issuer::certificates;
use super::options::ImportArgs;
use super::register::record;
use super::sentences::not_read;
use super::walk::files_below;
use crate::net::reason;
use crate::pki::certificate::Certificate;
use crate::pki::index::{Header, Issued, Record, Revocations};
use crate::pki::key::EncodedKey;
use crate::pki::make::to_pem;
use crate::pki::name::DistinguishedName;
use crate::pki::openssl_index::{Fault, Row};
use crate::pki::read::{self, Section};
use crate::pki::revocation::{Reason, RevocationList};
use crate::pki::serial::Serial;
use crate::term::{Exit, Failure, Term};

/// Names under which guides for `openssl ca` and easy-rsa keep the CA's certificate and its key.
const AUTHORITIES: [&str; 4] = ["ca.crt", "cacert.pem", "certs/ca.cert.pem", "certs/ca.crt"];
const KEYS: [&str; 4] = ["private/ca.key", "private/cakey.pem", "private/ca.key.pem", "ca.key"];

/// The endings of files that may hold certificates and lists of the old CA.
const ENDINGS: [&str; 5] = ["crt", "pem", "cer", "der", "crl"];

/// A certificate of the old CA and the file that it is in.
struct Found {
    certificate: Certificate,
    file: PathBuf,
    /// The name of that file, unless it is the serial number.
    stem: Option<String>,
}

/// The lists of the old CA, each with the file that it is in.
type Lists = Vec<(RevocationList, PathBuf)>;

/// What was taken over.
pub struct Imported {
    pub folder: PathBuf,
    pub authority: DistinguishedName,
    pub issued: usize,
    pub revoked: usize,
    /// How many are still good, and were copied.
    pub copied: u64,
    pub has_key: bool,
    /// How many stand in files, but not in index.txt.
    pub unlisted: u64,
}

pub fn run(args: &ImportArgs, term: &mut Term) -> Result<Imported, Failure> {
    let source =
        if args.source.join("pki/index.txt").is_file() { args.source.join("pki") } else { args.source.clone() };
    if fs::read_dir(&args.out).is_ok_and(|mut entries| entries.next().is_some()) {
        return Err(Failure::new(Exit::FAILED, format!("`{}` exists already, and is not empty", args.out.display()))
            .hint("--out DIR names another folder"));
    }
    let rows = rows(&source.join("index.txt"))?;
    let authority_path = args.ca.clone().or_else(|| first_of(&source, &AUTHORITIES)).ok_or_else(|| {
        Failure::new(Exit::FAILED, format!("the certificate of the CA is not in `{}`", source.display()))
            .hint("--ca FILE names it")
    })?;
    let chain = certificates(&authority_path)?;
    let authority = &chain[0];
    let key_path = args.ca_key.clone().or_else(|| first_of(&source, &KEYS));
    let (found, lists) = gather(&source, authority, term)?;

    let new_authority = args.out.join("ca.crt");
    let index = index_path(&new_authority);
    let mut files = vec![NewFile::certificates(new_authority.clone(), [authority.der.as_slice()])];
    if chain.len() > 1 {
        let chain_file = super::options::chain_path(&new_authority);
        files.push(NewFile::certificates(chain_file, chain.iter().map(|it| it.der.as_slice())));
    }
    if let Some(path) = &key_path {
        files.push(key_of_authority(path, authority, args.out.join("ca.key"))?);
    }
    let mut revocations = Revocations::default();
    let mut records = Vec::new();
    for (serial, row) in &rows {
        if let Some(revocation) = row.revocation {
            records.push(Record::Revoked(serial.clone(), revocation));
        }
    }
    for (list, _) in &lists {
        for (serial, revocation) in list.entries() {
            // A hold that index.txt does not know of was lifted.
            let lifted = |serial: &Serial| revocation.reason == Reason::CertificateHold && rows.contains_key(serial);
            if let Ok(serial) = Serial::new(serial)
                && !lifted(&serial)
            {
                records.push(Record::Revoked(serial, revocation));
            }
        }
    }
    for record in &records {
        revocations.apply(record);
    }
    let mut names = BTreeSet::from(authority_stems("ca"));
    let mut copied = 0;
    let mut issued = Vec::new();
    for (serial, one) in &found {
        let is_good = revocations.get(serial).is_none() && one.certificate.not_after >= super::dates::now();
        let mut file = None;
        if is_good {
            let stem = free_stem(one, serial, &mut names);
            let path = args.out.join(format!("{stem}.crt"));
            files.push(NewFile::certificates(path.clone(), [one.certificate.der.as_slice()]));
            files.extend(key_of(one, &source, args.out.join(format!("{stem}.key"))));
            file = Some(path);
            copied += 1;
        }
        issued.push(record(&one.certificate, file.as_deref(), &index)?);
    }
    for (serial, row) in rows.iter().filter(|(serial, _)| !found.contains_key(*serial)) {
        issued.push(Record::Issued(Issued {
            serial: serial.clone(),
            subject: row.subject.clone(),
            name: row.common_name().map(str::to_owned),
            names: Vec::new(),
            not_after: row.not_after,
            sha256: None,
            file: None,
        }));
    }
    let newest = lists.iter().max_by_key(|(list, _)| list.last_update);
    let mut text = Header::of(authority).line();
    for record in issued.iter().chain(&records) {
        text.push_str(&record.line());
    }
    files.push(NewFile::new(index, text.as_bytes(), KEY_MODE));
    if let Some((list, file)) = newest {
        files.push(list_file(list, file, new_authority.with_extension("crl"))?);
    }
    let folder = Folder::make(&args.out)?;
    write_all(&files, Replacing::Nothing, term)?;
    folder.keep();
    Ok(Imported {
        folder: args.out.clone(),
        authority: authority.subject.clone(),
        issued: issued.len(),
        revoked: revocations.len(),
        copied,
        has_key: key_path.is_some(),
        unlisted: found.keys().filter(|serial| !rows.contains_key(*serial)).count() as u64,
    })
}

/// The rows by serial number. One that says nothing ends it: it may be a revocation.
fn rows(path: &Path) -> Result<BTreeMap<Serial, Row>, Failure> {
    let bytes = read::bytes(path).map_err(|error| not_read("index", &error))?;
    let text = String::from_utf8_lossy(&bytes);
    let mut rows: BTreeMap<Serial, Row> = BTreeMap::new();
    for (at, line) in text.lines().enumerate().filter(|(_, line)| !line.is_empty()) {
        let failed = |why: &str| {
            Err(Failure::new(Exit::FAILED, format!("cannot read `{}`: line {}: {why}", path.display(), at + 1)))
        };
        match Row::parse(line) {
            Ok(row) => match rows.get(&row.serial) {
                Some(other) if *other != row => return failed("its serial number stands in another line too"),
                _ => {
                    rows.insert(row.serial.clone(), row);
                }
            },
            Err(Fault::Fields) => return failed("it has not six fields between tabs"),
            Err(Fault::Status) => return failed("it begins with none of V, R and E"),
            Err(Fault::Expiry) => return failed("its expiry is no time"),
            Err(Fault::Revocation) => {
                return failed("its revocation is no time and reason, or does not fit its status");
            }
            Err(Fault::Serial) => return failed("its serial number is none"),
        }
    }
    Ok(rows)
}

fn first_of(source: &Path, names: &[&str]) -> Option<PathBuf> {
    names.iter().map(|name| source.join(name)).find(|path| path.is_file())
}

/// The CA's certificates by serial number, and its lists with the file of each, from all files of the old CA.
fn gather(
    source: &Path,
    authority: &Certificate,
    term: &mut Term,
) -> Result<(BTreeMap<Serial, Found>, Lists), Failure> {
    let files = files_below(source, &ENDINGS).map_err(|error| {
        Failure::new(Exit::FAILED, format!("cannot read the folder `{}`: {}", source.display(), reason(&error)))
    })?;
    let mut found: BTreeMap<Serial, Found> = BTreeMap::new();
    let mut lists = Lists::new();
    for file in files {
        let Ok(items) = items(&file) else {
            term.note(format_args!("note: `{}` cannot be read, and is passed over", shown(&file)));
            continue;
        };
        for item in items {
            match item {
                Item::Certificate(certificate)
                    if is_of_authority(is_issued_by(&certificate, authority), &file, term) =>
                {
                    let Ok(serial) = Serial::of(&certificate.serial) else { continue };
                    let name = file.file_stem().and_then(|name| name.to_str()).unwrap_or_default();
                    // Copies that are called by their number say no name.
                    let stem = (name.parse() != Ok(serial.clone())).then(|| name.to_owned());
                    match found.get(&serial) {
                        Some(known) if known.stem.is_some() || stem.is_none() => {}
                        _ => {
                            found.insert(serial, Found { certificate: *certificate, file: file.clone(), stem });
                        }
                    }
                }
                Item::RevocationList(list) if is_list_of(&list, authority, &file, term) => {
                    lists.push((list, file.clone()));
                }
                _ => {}
            }
        }
    }
    Ok((found, lists))
}

/// A name for its files that no other has: that of its old file, its common name, or its number.
fn free_stem(one: &Found, serial: &Serial, taken: &mut BTreeSet<String>) -> String {
    let common_name = one.certificate.common_name().map(str::to_owned);
    let wanted = one.stem.clone().into_iter().chain(common_name).filter_map(|name| stem(&name).ok());
    let name = wanted.into_iter().find(|name| !taken.contains(name)).unwrap_or_else(|| serial.to_string());
    taken.insert(name.clone());
    name
}

/// The private key of a certificate, if it lies in private/ under the same name and fits.
fn key_of(one: &Found, source: &Path, target: PathBuf) -> Option<NewFile> {
    let name = one.file.file_stem()?.to_str()?;
    let path = [source.join(format!("private/{name}.key")), one.file.with_extension("key")]
        .into_iter()
        .find(|path| path.is_file())?;
    let fits = match read::private_key(&path).ok()? {
        EncodedKey::Plain(key) => key.public_key().as_ref() == Some(&one.certificate.public_key.bits),
        // Nobody can tell without its passphrase; the name has to do.
        EncodedKey::Encrypted(_) => true,
    };
    let bytes = read::bytes(&path).ok().filter(|_| fits)?;
    Some(NewFile::new(target, bytes.to_vec(), KEY_MODE))
}

fn key_of_authority(path: &Path, authority: &Certificate, target: PathBuf) -> Result<NewFile, Failure> {
    let key = read::private_key(path).map_err(|error| not_read("key", &error))?;
    if let EncodedKey::Plain(key) = key
        && key.public_key().as_ref() != Some(&authority.public_key.bits)
    {
        let why = format!("`{}` is not the key of `{}`", path.display(), authority.subject);
        return Err(Failure::new(Exit::FAILED, why).hint("--ca FILE and --ca-key FILE name both"));
    }
    let bytes = read::bytes(path).map_err(|error| not_read("key", &error))?;
    Ok(NewFile::new(target, bytes.to_vec(), KEY_MODE))
}

/// The file of a list, PEM or DER, written again: the next one's number must be larger than its.
fn list_file(list: &RevocationList, file: &Path, target: PathBuf) -> Result<NewFile, Failure> {
    let not_read_again = |error| not_read("revocation list", &error);
    let bytes = read::bytes(file).map_err(not_read_again)?;
    let sections = read::sections(file).map_err(not_read_again)?.into_iter().filter_map(|section| match section {
        Section::RevocationList(der) => Some(der),
        _ => None,
    });
    let der = sections.chain([bytes.to_vec()]).find(|der| RevocationList::parse(der).is_ok_and(|other| other == *list));
    let der = der.ok_or_else(|| {
        Failure::new(Exit::FAILED, format!("the revocation list `{}` has changed meanwhile", file.display()))
    })?;
    Ok(NewFile::new(target, to_pem("X509 CRL", &der).as_bytes(), CERTIFICATE_MODE))
}
