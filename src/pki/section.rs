//! What stands in PEM text.

use x509_parser::asn1_rs::{Any, FromDer};
use zeroize::Zeroizing;

use super::key::{EncodedKey, EncryptedKey, KeyFormat, PrivateKey};
use super::kind::Kind;
use super::pem_text::{self, Fault};

/// One thing found in a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Section {
    /// A certificate, DER.
    Certificate(Vec<u8>),
    PrivateKey(EncodedKey),
    /// A public key alone, DER.
    PublicKey(Vec<u8>),
    /// A request for a certificate, DER.
    Request(Vec<u8>),
    /// A list of revoked certificates, DER.
    RevocationList(Vec<u8>),
    /// A PEM section that nobody here needs, by its label (`EC PARAMETERS`).
    Other(String),
}

impl Section {
    pub fn kind(&self) -> Kind {
        match self {
            Self::Certificate(_) => Kind::Certificate,
            Self::PrivateKey(EncodedKey::Plain(_)) => Kind::PrivateKey,
            Self::PrivateKey(EncodedKey::Encrypted(_)) => Kind::EncryptedPrivateKey,
            Self::PublicKey(_) => Kind::PublicKey,
            Self::Request(_) => Kind::Request,
            Self::RevocationList(_) => Kind::RevocationList,
            Self::Other(label) => Kind::Pem(label.clone()),
        }
    }
}

/// PEM text taken apart as OpenSSL does.
#[derive(Debug)]
pub struct PemText {
    pub sections: Vec<Section>,
    /// Sections that OpenSSL takes for text.
    pub passed_over: Vec<Fault>,
    /// Where it gives up.
    pub broken: Option<Fault>,
}

impl PemText {
    pub fn of(text: &[u8]) -> Self {
        let pem_text::Sections { blocks, passed_over, broken } = pem_text::sections(text);
        Self { sections: blocks.into_iter().map(section).collect(), passed_over, broken }
    }

    /// Why it is not read, if so. A text whose only section is passed over holds nothing, and the reason is worth more than
    /// that.
    pub fn fault(&self) -> Option<Fault> {
        self.broken.or_else(|| self.passed_over.first().copied().filter(|_| self.sections.is_empty()))
    }
}

fn section(block: pem::Pem) -> Section {
    let plain_or_encrypted = |format, block: pem::Pem| {
        let encryption = block.headers().get("DEK-Info").map(str::to_owned);
        let bytes = Zeroizing::new(block.into_contents());
        Section::PrivateKey(match encryption {
            Some(information) => EncodedKey::Encrypted(EncryptedKey::legacy(format, bytes, information)),
            None => EncodedKey::Plain(PrivateKey::new(format, bytes)),
        })
    };
    match block.tag() {
        "CERTIFICATE" | "X509 CERTIFICATE" => Section::Certificate(block.into_contents()),
        // OpenSSL's own form: the certificate, then what it is trusted for, which nobody here reads.
        "TRUSTED CERTIFICATE" => {
            let contents = block.into_contents();
            let length = Any::from_der(&contents).map_or(contents.len(), |(rest, _)| contents.len() - rest.len());
            Section::Certificate(contents[..length].to_vec())
        }
        "PRIVATE KEY" => plain_or_encrypted(KeyFormat::Pkcs8, block),
        "RSA PRIVATE KEY" => plain_or_encrypted(KeyFormat::Pkcs1, block),
        "EC PRIVATE KEY" => plain_or_encrypted(KeyFormat::Sec1, block),
        "ENCRYPTED PRIVATE KEY" => {
            Section::PrivateKey(EncodedKey::Encrypted(EncryptedKey::pkcs8(block.into_contents())))
        }
        "PUBLIC KEY" => Section::PublicKey(block.into_contents()),
        "CERTIFICATE REQUEST" | "NEW CERTIFICATE REQUEST" => Section::Request(block.into_contents()),
        "X509 CRL" => Section::RevocationList(block.into_contents()),
        label => Section::Other(label.to_owned()),
    }
}
