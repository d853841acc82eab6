//! DER without a label: what it is shows in how it is built.

use x509_parser::asn1_rs::{Any, FromDer};
use x509_parser::certification_request::X509CertificationRequest;
use x509_parser::x509::SubjectPublicKeyInfo;

use super::item::Item;
use crate::pki::certificate::Certificate;
use crate::pki::key::{EncodedKey, EncryptedKey, KeyFormat, PrivateKey};
use crate::pki::pkcs12::Store;
use crate::pki::revocation::RevocationList;

const SEQUENCE: u32 = 16;

/// Content of the object identifier of PKCS#7's signedData.
const SIGNED_DATA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x07, 0x02];

/// The one thing that `bytes` are from their first to their last.
pub fn item(bytes: &[u8]) -> Option<Item> {
    if !is_whole(bytes) {
        return None;
    }
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

/// Whether `bytes` are one SEQUENCE of DER, which all that is looked for here is.
pub fn is_whole(bytes: &[u8]) -> bool {
    matches!(Any::from_der(bytes), Ok((b"", outer)) if outer.tag().0 == SEQUENCE)
}

/// What such bytes are that hold none of it, with its article.
pub fn name(bytes: &[u8]) -> Option<&'static str> {
    let (_, outer) = Any::from_der(bytes).ok().filter(|_| is_whole(bytes))?;
    let (_, first) = Any::from_der(outer.data).ok()?;
    match (first.tag().0, first.data) {
        (6, SIGNED_DATA) => Some("a signed message (PKCS#7)"),
        // A key that is damaged, or of an algorithm that is not used here.
        (2, [3]) => Some("a PKCS#12 store"),
        (2, _) => Some("a private key"),
        _ => None,
    }
}
