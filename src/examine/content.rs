//! What a file holds, PEM or DER, whatever it is.

use std::path::Path;

use x509_parser::certification_request::X509CertificationRequest;
use x509_parser::prelude::FromDer;
use x509_parser::x509::SubjectPublicKeyInfo;

use crate::diagnose::{Finding, files};
use crate::pki::certificate::Certificate;
use crate::pki::key::{EncodedKey, EncryptedKey, KeyFormat, PrivateKey};
use crate::pki::pkcs12::Store;
use crate::pki::read::{self, ReadError, Section};
use crate::pki::revocation::RevocationList;

/// One thing in a file.
pub enum Item {
    Certificate(Box<Certificate>),
    /// DER
    Request(Vec<u8>),
    RevocationList(RevocationList),
    Key(EncodedKey),
    /// SubjectPublicKeyInfo, DER
    PublicKey(Vec<u8>),
    Store(Store),
    /// A PEM section of another kind, by its label.
    Other(String),
    /// A section of this kind that cannot be read.
    Damaged(&'static str),
}

/// All that a file holds, at least one thing, or what is wrong with a file that holds nothing of the kind.
pub fn items(path: &Path) -> Result<Vec<Item>, Finding> {
    let unreadable = |error: ReadError| files::unreadable("file", &error);
    let bytes = read::bytes(path).map_err(unreadable)?;
    let sections = read::parse(&bytes).map_err(|problem| unreadable(ReadError { path: path.to_owned(), problem }))?;
    if !sections.is_empty() {
        return Ok(sections.into_iter().map(item).collect());
    }
    let unknown = || {
        let what = read::what_is(path).map_or_else(|_| "something else".to_owned(), |kind| kind.describe());
        Finding::error(
            "file.kind",
            format!("`{}` holds no certificate, key, request or list: it is {what}", path.display()),
        )
    };
    from_der(&bytes).map(|item| vec![item]).ok_or_else(unknown)
}

fn item(section: Section) -> Item {
    match section {
        Section::Certificate(der) => Certificate::parse(&der)
            .map_or(Item::Damaged("certificate"), |certificate| Item::Certificate(Box::new(certificate))),
        Section::RevocationList(der) => {
            RevocationList::parse(&der).map_or(Item::Damaged("revocation list"), Item::RevocationList)
        }
        Section::Request(der) => Item::Request(der),
        Section::PrivateKey(key) => Item::Key(key),
        Section::PublicKey(der) => Item::PublicKey(der),
        Section::Other(label) => Item::Other(label),
    }
}

fn from_der(bytes: &[u8]) -> Option<Item> {
    if let Ok(certificate) = Certificate::parse(bytes) {
        return Some(Item::Certificate(Box::new(certificate)));
    }
    if let Ok(list) = RevocationList::parse(bytes) {
        return Some(Item::RevocationList(list));
    }
    if X509CertificationRequest::from_der(bytes).is_ok_and(|(rest, _)| rest.is_empty()) {
        return Some(Item::Request(bytes.to_vec()));
    }
    if let Ok(store) = Store::parse(bytes) {
        return Some(Item::Store(store));
    }
    for format in [KeyFormat::Pkcs8, KeyFormat::Pkcs1, KeyFormat::Sec1] {
        let key = PrivateKey::new(format, bytes.to_vec());
        if key.public_key().is_some() {
            return Some(Item::Key(EncodedKey::Plain(key)));
        }
    }
    if SubjectPublicKeyInfo::from_der(bytes).is_ok_and(|(rest, _)| rest.is_empty()) {
        return Some(Item::PublicKey(bytes.to_vec()));
    }
    let sealed = EncryptedKey::pkcs8(bytes.to_vec());
    sealed.is_recognised().then_some(Item::Key(EncodedKey::Encrypted(sealed)))
}

impl Item {
    /// What it is, without its article.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Certificate(_) => "certificate",
            Self::Request(_) => "request",
            Self::RevocationList(_) => "revocation list",
            Self::Key(EncodedKey::Plain(_)) => "private key",
            Self::Key(EncodedKey::Encrypted(_)) => "encrypted private key",
            Self::PublicKey(_) => "public key",
            Self::Store(_) => "PKCS#12 store",
            Self::Other(_) => "PEM section",
            Self::Damaged(_) => "damaged",
        }
    }
}
