//! PKCS#12 stores (RFC 7292), written. The ASN.1 is ours, hashes and ciphers are libraries': `p12-keystore` would bring 47 crates.

use std::num::NonZeroU32;

use aws_lc_rs::{digest, hmac, rand};
use zeroize::Zeroizing;

use super::{Error, KeyPair, der, element};
use crate::pki::key;
use crate::pki::old_ciphers;
use crate::pki::pkcs12_key::{self, PBE_SHA1_TRIPLE_DES, Purpose, SHA1, SHA256};

/// How a store is protected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Strength {
    /// PBES2 with AES-256 and HMAC-SHA-256: OpenSSL from 1.1 on, Java from 8u301 on, Windows from 10 on, Android from 14 on.
    Modern,
    /// PKCS#12's own 3DES with SHA-1, which old Windows and Android and all of Apple's systems open.
    Legacy,
}

/// What goes into a store.
pub struct Contents<'a> {
    /// What programs call the entry; without a key each certificate is one: NAME, NAME-2, NAME-3.
    pub name: &'a str,
    pub key: Option<&'a KeyPair>,
    /// DER; first that of the key, if there is one.
    pub certificates: Vec<&'a [u8]>,
}

/// Windows refuses stores that ask for more than 600,000 iterations in all: two parts and the MAC have 210,000.
const ITERATIONS: u32 = 100_000;
const MAC_ITERATIONS: u32 = 10_000;
/// What OpenSSL wrote before 3.
const LEGACY_ITERATIONS: u32 = 2048;
const SALT_BYTES: usize = 16;
const LEGACY_SALT_BYTES: usize = 8;

// Contents of object identifiers, those of PKCS#7 and PKCS#12, of bags, of their attributes, and Java's mark of a certificate that is trusted.
const DATA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x07, 0x01];
const ENCRYPTED_DATA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x07, 0x06];
const SHROUDED_KEY_BAG: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x0c, 0x0a, 0x01, 0x02];
const CERTIFICATE_BAG: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x0c, 0x0a, 0x01, 0x03];
const X509_CERTIFICATE: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x09, 0x16, 0x01];
const FRIENDLY_NAME: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x09, 0x14];
const LOCAL_KEY_ID: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x09, 0x15];
const JAVA_TRUSTED: &[u8] = &[0x60, 0x86, 0x48, 0x01, 0x86, 0xf9, 0x66, 0xad, 0xca, 0x7b, 0x01, 0x01];
const ANY_USAGE: &[u8] = &[0x55, 0x1d, 0x25, 0x00];

const INTEGER: u8 = 0x02;
const OCTET_STRING: u8 = 0x04;
const NULL: u8 = 0x05;
const OBJECT_IDENTIFIER: u8 = 0x06;
const BMP_STRING: u8 = 0x1e;
const SET: u8 = 0x31;
/// `[0]` around an element.
const EXPLICIT: u8 = 0xa0;
/// `[0]` in the place of a string's own tag.
const IMPLICIT: u8 = 0x80;

/// The store. The passphrase must be UTF-8, which [`Error::Passphrase`] says of one that is not.
pub fn store(contents: &Contents<'_>, passphrase: &[u8], strength: Strength) -> Result<Zeroizing<Vec<u8>>, Error> {
    let secret = pkcs12_key::bmp_string(passphrase).ok_or(Error::Passphrase)?;
    let protection = Protection { utf8: passphrase, bmp: &secret, strength };
    let first = contents.certificates.first().copied().unwrap_or_default();
    let key_id = digest::digest(&digest::SHA1_FOR_LEGACY_USE_ONLY, first);
    let own = || attributes(vec![friendly_name(contents.name), attribute(LOCAL_KEY_ID, &octets(key_id.as_ref()))]);
    let mut bags = Vec::new();
    for (at, certificate) in contents.certificates.iter().enumerate() {
        let attributes = match (&contents.key, at) {
            (Some(_), 0) => own(),
            (Some(_), _) => Vec::new(),
            (None, _) => {
                // Java takes a later entry of the same name in the place of the earlier.
                let name = if at == 0 { contents.name.to_owned() } else { format!("{}-{}", contents.name, at + 1) };
                attributes(vec![friendly_name(&name), attribute(JAVA_TRUSTED, &identifier(ANY_USAGE))])
            }
        };
        let value = sequence(&[identifier(X509_CERTIFICATE), element(EXPLICIT, &octets(certificate))]);
        bags.push(bag(CERTIFICATE_BAG, &value, attributes));
    }
    let mut safe = vec![protection.encrypted_data(&sequence(&bags))?];
    if let Some(key) = contents.key {
        let shrouded = protection.encrypt(key.pkcs8())?.whole;
        safe.push(content_info(DATA, &octets(&sequence(&[bag(SHROUDED_KEY_BAG, &shrouded, own())]))));
    }
    let safe = sequence(&safe);
    let mac = protection.mac(&safe)?;
    Ok(Zeroizing::new(sequence(&[element(INTEGER, &[3]), content_info(DATA, &octets(&safe)), mac])))
}

/// An EncryptedPrivateKeyInfo, and the two parts of it.
struct Sealed {
    whole: Vec<u8>,
    algorithm: Vec<u8>,
    ciphertext: Vec<u8>,
}

struct Protection<'a> {
    /// For PBES2.
    utf8: &'a [u8],
    /// For what is PKCS#12's own.
    bmp: &'a [u8],
    strength: Strength,
}

impl Protection<'_> {
    fn encrypt(&self, plain: &[u8]) -> Result<Sealed, Error> {
        let whole = match self.strength {
            Strength::Modern => key::encrypt(plain, self.utf8, ITERATIONS)?,
            Strength::Legacy => {
                let mut salt = [0; LEGACY_SALT_BYTES];
                rand::fill(&mut salt)?;
                let (key, iv) = pkcs12_key::triple_des_key(self.bmp, &salt, iterations(LEGACY_ITERATIONS));
                let parameters = sequence(&[octets(&salt), integer(LEGACY_ITERATIONS)]);
                let algorithm = sequence(&[identifier(PBE_SHA1_TRIPLE_DES), parameters]);
                sequence(&[algorithm, octets(&old_ciphers::encrypt(&key, iv, plain))])
            }
        };
        let parts = der::parts(&whole).and_then(|parts| match parts[..] {
            [algorithm, ciphertext] => Some((algorithm.to_vec(), der::content(ciphertext)?.to_vec())),
            _ => None,
        });
        let (algorithm, ciphertext) = parts.ok_or_else(|| Error::Library("cannot encrypt".to_owned()))?;
        Ok(Sealed { whole, algorithm, ciphertext })
    }

    fn encrypted_data(&self, bags: &[u8]) -> Result<Vec<u8>, Error> {
        let Sealed { algorithm, ciphertext, .. } = self.encrypt(bags)?;
        let information = sequence(&[identifier(DATA), algorithm, element(IMPLICIT, &ciphertext)]);
        Ok(content_info(ENCRYPTED_DATA, &sequence(&[element(INTEGER, &[0]), information])))
    }

    /// MacData over the content of the authenticated safe.
    fn mac(&self, safe: &[u8]) -> Result<Vec<u8>, Error> {
        let (hash, algorithm, name, count, salt_bytes) = match self.strength {
            Strength::Modern => (&digest::SHA256, hmac::HMAC_SHA256, SHA256, MAC_ITERATIONS, SALT_BYTES),
            Strength::Legacy => (
                &digest::SHA1_FOR_LEGACY_USE_ONLY,
                hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY,
                SHA1,
                LEGACY_ITERATIONS,
                LEGACY_SALT_BYTES,
            ),
        };
        let mut salt = vec![0; salt_bytes];
        rand::fill(&mut salt)?;
        let key = pkcs12_key::derive(hash, Purpose::Mac, self.bmp, &salt, iterations(count), hash.output_len());
        let tag = hmac::sign(&hmac::Key::new(algorithm, &key), safe);
        let digest = sequence(&[sequence(&[identifier(name), element(NULL, &[])]), octets(tag.as_ref())]);
        Ok(sequence(&[digest, octets(&salt), integer(count)]))
    }
}

fn iterations(count: u32) -> NonZeroU32 {
    NonZeroU32::new(count).unwrap_or(NonZeroU32::MIN)
}

fn bag(kind: &[u8], value: &[u8], attributes: Vec<u8>) -> Vec<u8> {
    let mut parts = vec![identifier(kind), element(EXPLICIT, value)];
    if !attributes.is_empty() {
        parts.push(attributes);
    }
    sequence(&parts)
}

/// A SET OF, whose elements stand in the order of their bytes (X.690, 11.6).
fn attributes(mut each: Vec<Vec<u8>>) -> Vec<u8> {
    each.sort();
    element(SET, &each.concat())
}

fn attribute(kind: &[u8], value: &[u8]) -> Vec<u8> {
    sequence(&[identifier(kind), element(SET, value)])
}

fn friendly_name(name: &str) -> Vec<u8> {
    let units: Vec<u8> = name.encode_utf16().flat_map(u16::to_be_bytes).collect();
    attribute(FRIENDLY_NAME, &element(BMP_STRING, &units))
}

fn content_info(kind: &[u8], content: &[u8]) -> Vec<u8> {
    sequence(&[identifier(kind), element(EXPLICIT, content)])
}

fn identifier(content: &[u8]) -> Vec<u8> {
    element(OBJECT_IDENTIFIER, content)
}

fn octets(content: &[u8]) -> Vec<u8> {
    element(OCTET_STRING, content)
}

/// A positive number, with a zero before a first bit that would be taken for the sign.
fn integer(value: u32) -> Vec<u8> {
    let bytes = value.to_be_bytes();
    let mut significant = bytes[bytes.iter().take_while(|byte| **byte == 0).count().min(3)..].to_vec();
    if significant[0] & 0x80 != 0 {
        significant.insert(0, 0);
    }
    element(INTEGER, &significant)
}

fn sequence(parts: &[Vec<u8>]) -> Vec<u8> {
    element(der::SEQUENCE, &parts.concat())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pki::key::{DecryptError, Work};
    use crate::pki::make::KeyType;
    use crate::pki::pkcs12::{Store, StoredKey, Wanted};

    #[test]
    fn a_store_opens_with_its_passphrase_only_and_holds_what_went_in() {
        let key = KeyPair::generate(KeyType::P256).unwrap();
        let certificates = vec![b"\x30\x01\x00".as_slice(), b"\x30\x00"];
        for strength in [Strength::Modern, Strength::Legacy] {
            let contents = Contents { name: "dev ü", key: Some(&key), certificates: certificates.clone() };
            let written = store(&contents, "pässword".as_bytes(), strength).unwrap();
            let parsed = Store::parse(&written).unwrap();
            let open = |passphrase: &[u8], work: &mut Work| parsed.open(passphrase, Wanted::All, work);
            let inventory = open("pässword".as_bytes(), &mut Work::default()).unwrap();
            assert_eq!(inventory.certificates, certificates);
            let [StoredKey::Open(opened)] = &inventory.keys[..] else { panic!("{inventory:?}") };
            assert_eq!(opened.der(), key.pkcs8());
            let wrong = open(b"password", &mut Work::default()).map(|_| ());
            assert_eq!(wrong, Err(DecryptError::Mac), "{strength:?}");
            let mut little = Work::default();
            little.spend(9_999_000).unwrap();
            let refused = open("pässword".as_bytes(), &mut little).map(|_| ());
            assert_eq!(refused, Err(DecryptError::TooCostly), "{strength:?}");
            assert!(matches!(store(&contents, b"\xff", strength), Err(Error::Passphrase)));
        }
    }

    #[test]
    fn numbers_have_no_byte_too_many() {
        for (value, der) in
            [(0, vec![2, 1, 0]), (127, vec![2, 1, 127]), (128, vec![2, 2, 0, 128]), (2048, vec![2, 2, 8, 0])]
        {
            assert_eq!(integer(value), der);
        }
    }
}
