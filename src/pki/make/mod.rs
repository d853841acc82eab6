//! Makes keys, certificates, requests and revocation lists. Pure: the time is an argument and nothing
//! is written; whoever calls decides about files.
//!
//! rcgen writes the extensions. Names that come from elsewhere (the issuer's, a request's) are copied
//! byte by byte, because a name that is only rewritten alike breaks the chain.

mod authority;
mod broken;
mod der;
mod key;
mod list;
mod name;
mod request;
mod store;

pub use authority::{Authority, AuthorityPlan, Leaf, Purpose, Validity};
pub use broken::{
    Broken, BrokenKind, KINDS as BROKEN_KINDS, PASSPHRASE as BROKEN_PASSPHRASE, broken, is_broken_authority,
};

pub(super) use der::element;
pub use key::{KeyPair, KeyType};
pub use name::{NameError, PermittedNames, Subject, host};
pub use request::{Request, RequestError};
pub use store::{Contents, Strength, store};

use zeroize::Zeroizing;

/// `der` as PEM text, with the line ends of Unix. Wiped when dropped, as it may be a key.
pub fn to_pem(label: &str, der: &[u8]) -> Zeroizing<String> {
    let config = pem::EncodeConfig::new().set_line_ending(pem::LineEnding::LF);
    Zeroizing::new(pem::encode_config(&pem::Pem::new(label, der), config))
}

/// Four random hexadecimal digits, which tell apart authorities of the same name.
pub fn random_suffix() -> Result<String, Error> {
    let mut bytes = [0; 2];
    aws_lc_rs::rand::fill(&mut bytes)?;
    Ok(format!("{:04x}", u16::from_be_bytes(bytes)))
}

/// Why a certificate was not made.
#[derive(Debug)]
pub enum Error {
    Name(NameError),
    /// The end is not after the beginning, or a date is outside of what a certificate can say.
    Validity(Validity),
    /// The certificate that should sign is no X.509 certificate.
    IssuerUnreadable,
    /// The certificate that should sign may not: no CA:TRUE, or a key usage without certificate signing.
    IssuerIsNotAnAuthority {
        subject: String,
        lacks: &'static str,
    },
    /// The validity of the issuer is over, or has not begun.
    IssuerOutOfDate {
        subject: String,
        validity: Validity,
    },
    /// The certificate would be valid when its issuer is not any more.
    OutlivesIssuer {
        wanted: i64,
        issuer: i64,
    },
    /// The key that should sign is not the one in the issuer's certificate.
    KeyMismatch,
    /// Subject and issuer would be equal: OpenSSL takes such a certificate for a self-signed one.
    EqualNames {
        subject: String,
    },
    /// The issuer's path length does not allow it to sign an authority (with this path length).
    PathLength {
        issuer: u32,
        wanted: u32,
    },
    /// The issuer's name constraints exclude this name.
    OutsideConstraints {
        name: String,
    },
    /// A certificate that is for neither servers nor clients is not renewed.
    ForeignPurpose {
        purposes: String,
    },
    /// A private key of a kind that cannot be used here.
    UnsupportedKey,
    /// A store's passphrase that is no UTF-8.
    Passphrase,
    /// The cryptographic library refused; its own words.
    Library(String),
}

impl From<NameError> for Error {
    fn from(error: NameError) -> Self {
        Self::Name(error)
    }
}

impl From<rcgen::Error> for Error {
    fn from(error: rcgen::Error) -> Self {
        Self::Library(error.to_string())
    }
}

impl From<aws_lc_rs::error::Unspecified> for Error {
    fn from(_: aws_lc_rs::error::Unspecified) -> Self {
        Self::Library("no random numbers or no memory".to_owned())
    }
}
