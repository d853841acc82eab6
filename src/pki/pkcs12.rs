//! PKCS#12 stores, as far as a look into them needs: their certificates, and that there are keys. What is encrypted with PBES2 opens, as
//! OpenSSL 3 writes it, and the older form with 3DES; that with RC2 does not.

use x509_parser::asn1_rs::{Any, FromDer};
use zeroize::Zeroizing;

use super::certificate::Malformed;
use super::key::{DecryptError, EncryptedKey};
use super::make::element;

/// The most contents, bags and certificates that are looked at.
const ENTRIES_LIMIT: usize = 1_000;

// Contents of object identifiers: PKCS#7 data and encryptedData, the bags of PKCS#12, an X.509 certificate.
const DATA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x07, 0x01];
const ENCRYPTED_DATA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x07, 0x06];
const BAG_ARC: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x0c, 0x0a, 0x01];
const KEY_BAG: u8 = 1;
const SHROUDED_KEY_BAG: u8 = 2;
const CERTIFICATE_BAG: u8 = 3;

const INTEGER: u32 = 2;
const OCTET_STRING: u32 = 4;
const SEQUENCE: u32 = 16;

/// A store whose outer layers are read.
#[derive(Debug)]
pub struct Store {
    contents: Vec<Content>,
}

#[derive(Debug)]
enum Content {
    /// SafeContents in the open.
    Plain(Vec<u8>),
    /// SafeContents under a passphrase, arranged as an encrypted key is, which is opened the same way.
    Encrypted(EncryptedKey),
}

/// What a store holds.
#[derive(Debug, Default)]
pub struct Inventory {
    /// DER.
    pub certificates: Vec<Vec<u8>>,
    pub keys: usize,
}

impl Store {
    /// PFX: version 3, then the authenticated safe. Its MAC is not checked: what is told of a store is what is in it, and not that others open it.
    pub fn parse(der: &[u8]) -> Result<Self, Malformed> {
        let outer = children(der, SEQUENCE)?;
        let [version, safe, ..] = outer[..] else { return Err(Malformed) };
        if tagged(version, INTEGER)? != [3] {
            return Err(Malformed);
        }
        let (kind, content) = content_info(safe)?;
        if kind != DATA {
            return Err(Malformed);
        }
        let contents = children(tagged(content, OCTET_STRING)?, SEQUENCE)?;
        contents.into_iter().map(Content::parse).collect::<Result<_, _>>().map(|contents| Self { contents })
    }

    /// Opens what needs the passphrase and lists it all.
    pub fn open(&self, passphrase: &[u8]) -> Result<Inventory, DecryptError> {
        let mut inventory = Inventory::default();
        for content in &self.contents {
            let bags = match content {
                Content::Plain(bags) => Zeroizing::new(bags.clone()),
                Content::Encrypted(sealed) => Zeroizing::new(sealed.decrypt(passphrase)?.der().to_vec()),
            };
            inventory.add(&bags).map_err(|Malformed| DecryptError::Malformed)?;
        }
        Ok(inventory)
    }
}

impl Content {
    fn parse(der: &[u8]) -> Result<Self, Malformed> {
        let (kind, content) = content_info(der)?;
        match kind {
            DATA => Ok(Self::Plain(tagged(content, OCTET_STRING)?.to_vec())),
            ENCRYPTED_DATA => {
                let [_version, information] = children(content, SEQUENCE)?[..] else { return Err(Malformed) };
                let information = children(information, SEQUENCE)?;
                let [_kind, algorithm, ciphertext] = information[..] else { return Err(Malformed) };
                // [0] IMPLICIT OCTET STRING
                let ciphertext = Any::from_der(ciphertext).map_err(|_| Malformed)?.1.data;
                let sealed = [algorithm, &element(0x04, ciphertext)].concat();
                Ok(Self::Encrypted(EncryptedKey::pkcs8(element(0x30, &sealed))))
            }
            _ => Err(Malformed),
        }
    }
}

impl Inventory {
    fn add(&mut self, bags: &[u8]) -> Result<(), Malformed> {
        for bag in children(bags, SEQUENCE)? {
            let parts = children(bag, SEQUENCE)?;
            let [identifier, value, ..] = parts[..] else { return Err(Malformed) };
            let identifier = Any::from_der(identifier).map_err(|_| Malformed)?.1.data;
            match identifier.strip_prefix(BAG_ARC) {
                Some([KEY_BAG | SHROUDED_KEY_BAG]) => self.keys += 1,
                Some([CERTIFICATE_BAG]) => {
                    // [0] { SEQUENCE { x509Certificate, [0] { OCTET STRING } } }
                    let [_kind, certificate] = children(inner(value)?, SEQUENCE)?[..] else { return Err(Malformed) };
                    self.certificates.push(tagged(inner(certificate)?, OCTET_STRING)?.to_vec());
                }
                _ => {}
            }
        }
        Ok(())
    }
}

/// ContentInfo: its type, and what the `[0]` around the content holds.
fn content_info(der: &[u8]) -> Result<(&[u8], &[u8]), Malformed> {
    let parts = children(der, SEQUENCE)?;
    let [kind, content] = parts[..] else { return Err(Malformed) };
    Ok((Any::from_der(kind).map_err(|_| Malformed)?.1.data, inner(content)?))
}

/// What is inside of an explicit tag.
fn inner(der: &[u8]) -> Result<&[u8], Malformed> {
    Any::from_der(der).map(|(_, any)| any.data).map_err(|_| Malformed)
}

fn tagged(der: &[u8], tag: u32) -> Result<&[u8], Malformed> {
    match Any::from_der(der) {
        Ok((_, any)) if any.tag().0 == tag => Ok(any.data),
        _ => Err(Malformed),
    }
}

fn children(der: &[u8], tag: u32) -> Result<Vec<&[u8]>, Malformed> {
    let mut rest = tagged(der, tag)?;
    let mut found = Vec::new();
    while !rest.is_empty() {
        let (after, _) = Any::from_der(rest).map_err(|_| Malformed)?;
        found.push(&rest[..rest.len() - after.len()]);
        if found.len() > ENTRIES_LIMIT {
            return Err(Malformed);
        }
        rest = after;
    }
    Ok(found)
}
