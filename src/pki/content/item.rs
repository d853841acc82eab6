//! What is found in files.

use std::fmt;
use std::path::PathBuf;

use crate::pki::certificate::Certificate;
use crate::pki::key::{DecryptError, EncodedKey};
use crate::pki::kind::{Form, Kind};
use crate::pki::pem_text::Fault;
use crate::pki::pkcs12::Store;
use crate::pki::revocation::RevocationList;
use crate::pki::section::Section;

/// All that a file holds.
#[derive(Debug)]
pub struct Contents {
    pub form: Form,
    /// In their order, at least one.
    pub found: Vec<Found>,
    /// Sections that OpenSSL takes for text, where the file is PEM.
    pub passed_over: Vec<Fault>,
}

/// One thing in a file.
#[derive(Debug)]
pub struct Found {
    /// What the place of it is called in the file: a member of an archive, a variable, a key of an object. `None` where the
    /// file holds things without names.
    pub part: Option<String>,
    /// Which value, member or named file of its file it stands in: several may have one name, of which some programs take the first and
    /// others the last.
    pub value: usize,
    pub item: Item,
}

#[derive(Debug)]
pub enum Item {
    Certificate(Box<Certificate>),
    /// DER
    Request(Vec<u8>),
    RevocationList(RevocationList),
    Key(EncodedKey),
    /// SubjectPublicKeyInfo, DER
    PublicKey(Vec<u8>),
    /// Nobody has opened it.
    Store(Store),
    /// A store that was opened: what it holds stands behind it.
    Opened {
        keys: usize,
        certificates: usize,
    },
    /// What it holds is not known.
    Closed(Closed),
    /// A PEM section of another kind, by its label.
    Other(String),
    /// Something of this kind that cannot be read.
    Damaged(&'static str),
    /// What it holds is not known: what it is instead.
    Unknown(Kind),
}

/// Why a store, or a key in one, is not open.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Closed {
    NoPassphrase,
    Decrypt(DecryptError),
}

/// Where something was found.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Place {
    pub file: PathBuf,
    pub part: Option<String>,
}

impl Place {
    pub fn file(file: impl Into<PathBuf>) -> Self {
        Self { file: file.into(), part: None }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.part {
            Some(part) => write!(f, "{} ({part})", self.file.display()),
            None => write!(f, "{}", self.file.display()),
        }
    }
}

impl Found {
    /// What stands in the first value.
    pub fn new(part: Option<String>, item: Item) -> Self {
        Self { part, value: 0, item }
    }

    /// Whether both stand in one value.
    pub fn is_with(&self, other: &Self) -> bool {
        self.part == other.part && self.value == other.value
    }

    pub fn place(&self, file: impl Into<PathBuf>) -> Place {
        Place { file: file.into(), part: self.part.clone() }
    }

    /// Whether a certificate, a key, a request or a list is there by the name of its place, or may be, since it was not looked into.
    pub fn is_promised(&self) -> bool {
        matches!(self.item, Item::Unknown(Kind::Unread(_))) || self.part.as_deref().is_some_and(is_file_of_our_kind)
    }
}

/// Endings of names under which nothing else lies.
pub const OWN_ENDINGS: [&str; 10] = ["crt", "pem", "cer", "der", "key", "csr", "crl", "p12", "pfx", "mobileconfig"];

/// Whether a name ends as one of those.
pub fn is_file_of_our_kind(name: &str) -> bool {
    name.rsplit_once('.').is_some_and(|(_, ending)| OWN_ENDINGS.iter().any(|own| ending.eq_ignore_ascii_case(own)))
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
            Self::Store(_) | Self::Opened { .. } | Self::Closed(_) => "PKCS#12 store",
            Self::Other(_) => "PEM section",
            Self::Damaged(_) => "damaged",
            Self::Unknown(_) => "unknown",
        }
    }

    pub(super) fn of(section: Section) -> Self {
        match section {
            Section::Certificate(der) => Certificate::parse(&der)
                .map_or(Self::Damaged("certificate"), |certificate| Self::Certificate(Box::new(certificate))),
            Section::RevocationList(der) => {
                RevocationList::parse(&der).map_or(Self::Damaged("revocation list"), Self::RevocationList)
            }
            Section::Request(der) => Self::Request(der),
            Section::PrivateKey(key) => Self::Key(key),
            Section::PublicKey(der) => Self::PublicKey(der),
            Section::Other(label) => Self::Other(label),
        }
    }
}
