//! PKCS#12 stores, as far as a look into them needs: their certificates, and that there are keys. What is encrypted with PBES2 opens, as
//! OpenSSL 3 writes it, and the older forms with 3DES and RC2; that with RC4 does not, nor what is not DER. The MAC is PKCS#12's own or
//! PBMAC1 (RFC 9579).

use std::num::NonZeroU32;

use aws_lc_rs::{digest, hmac};
use x509_parser::asn1_rs::{Any, FromDer, Oid};
use zeroize::Zeroizing;

use super::certificate::Malformed;
use super::key::{DecryptError, EncryptedKey, KeyFormat, PrivateKey, Work};
use super::key_encryption::{Pbkdf2, pbmac1};
use super::make::element;
use super::pkcs12_key::{Purpose, SHA1, SHA256, SHA384, SHA512, derive, openssl_string};

/// The most contents, bags and certificates that are looked at.
const ENTRIES_LIMIT: usize = 1_000;

// Contents of object identifiers: PKCS#7 data and encryptedData, PBMAC1, the bags of PKCS#12.
const DATA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x07, 0x01];
const ENCRYPTED_DATA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x07, 0x06];
const PBMAC1: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x05, 0x0e];
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
    /// What the MAC is of.
    safe: Vec<u8>,
    mac: Integrity,
}

/// What shows that the contents are whole.
#[derive(Debug)]
enum Integrity {
    Nothing,
    Mac(Mac),
    /// A MAC by this algorithm, by its object identifier, which is not checked here.
    Unchecked(String),
}

/// What of a store is looked at. Each key in it costs as much as the rest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wanted {
    Certificates,
    All,
}

/// A key in a store.
#[derive(Debug)]
pub enum StoredKey {
    Open(PrivateKey),
    /// It has a passphrase of its own, or one that is not opened here.
    Closed(DecryptError),
    NotWanted,
}

/// MacData (RFC 7292, 4).
#[derive(Debug)]
struct Mac {
    key: MacKey,
    algorithm: hmac::Algorithm,
    tag: Vec<u8>,
}

/// How the key of a MAC is derived.
#[derive(Debug)]
enum MacKey {
    /// RFC 7292, appendix B.
    Own { hash: &'static digest::Algorithm, salt: Vec<u8>, iterations: u32 },
    /// Of PBMAC1, and its bytes.
    Pbkdf2(Pbkdf2, usize),
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
    pub keys: Vec<StoredKey>,
}

impl Store {
    /// PFX: version 3, the authenticated safe, and mostly a MAC.
    pub fn parse(der: &[u8]) -> Result<Self, Malformed> {
        let outer = children(der, SEQUENCE)?;
        let [version, safe, ref mac @ ..] = outer[..] else { return Err(Malformed) };
        if tagged(version, INTEGER)? != [3] {
            return Err(Malformed);
        }
        let (kind, content) = content_info(safe)?;
        if kind != DATA {
            return Err(Malformed);
        }
        let safe = tagged(content, OCTET_STRING)?;
        let contents = children(safe, SEQUENCE)?.into_iter().map(Content::parse).collect::<Result<_, _>>()?;
        let mac = mac.first().map_or(Ok(Integrity::Nothing), |mac| Mac::parse(mac))?;
        Ok(Self { contents, safe: safe.to_vec(), mac })
    }

    /// Opens what needs the passphrase and lists it all, if the MAC is that of this passphrase and these contents.
    ///
    /// # Errors
    /// The passphrase is another or the store was changed; it is encrypted or authenticated in a way that is unknown here; or
    /// it asks for more than is left of `work`.
    pub fn open(&self, passphrase: &[u8], wanted: Wanted, work: &mut Work) -> Result<Inventory, DecryptError> {
        match &self.mac {
            Integrity::Nothing => {}
            Integrity::Mac(mac) => mac.check(&self.safe, passphrase, work)?,
            Integrity::Unchecked(algorithm) => return Err(DecryptError::Unsupported(format!("MAC {algorithm}"))),
        }
        let mut inventory = Inventory::default();
        for content in &self.contents {
            let bags = match content {
                Content::Plain(bags) => Zeroizing::new(bags.clone()),
                Content::Encrypted(sealed) => Zeroizing::new(sealed.decrypt_within(passphrase, work)?.der().to_vec()),
            };
            let mut opened = |key: EncryptedKey| match wanted {
                Wanted::Certificates => StoredKey::NotWanted,
                Wanted::All => key.decrypt_within(passphrase, work).map_or_else(StoredKey::Closed, StoredKey::Open),
            };
            inventory.add(&bags, &mut opened).map_err(|Malformed| DecryptError::Malformed)?;
        }
        Ok(inventory)
    }
}

impl Mac {
    fn parse(der: &[u8]) -> Result<Integrity, Malformed> {
        let [information, salt, ref iterations @ ..] = children(der, SEQUENCE)?[..] else { return Err(Malformed) };
        let [algorithm, tag] = children(information, SEQUENCE)?[..] else { return Err(Malformed) };
        let [identifier, ref parameters @ ..] = children(algorithm, SEQUENCE)?[..] else { return Err(Malformed) };
        let tag = tagged(tag, OCTET_STRING)?.to_vec();
        let (hash, algorithm) = match Any::from_der(identifier).map_err(|_| Malformed)?.1.data {
            SHA1 => (&digest::SHA1_FOR_LEGACY_USE_ONLY, hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY),
            SHA256 => (&digest::SHA256, hmac::HMAC_SHA256),
            SHA384 => (&digest::SHA384, hmac::HMAC_SHA384),
            SHA512 => (&digest::SHA512, hmac::HMAC_SHA512),
            // The salt and the iterations beside it count for nothing (RFC 9579, 4).
            PBMAC1 => {
                return Ok(match pbmac1(parameters.first().ok_or(Malformed)?) {
                    Ok((key, length, algorithm)) => {
                        Integrity::Mac(Self { key: MacKey::Pbkdf2(key, length), algorithm, tag })
                    }
                    Err(DecryptError::Unsupported(what)) => Integrity::Unchecked(format!("PBMAC1 with {what}")),
                    Err(_) => return Err(Malformed),
                });
            }
            other => return Ok(Integrity::Unchecked(Oid::new(other.into()).to_id_string())),
        };
        let iterations = match iterations.first() {
            Some(count) => tagged(count, INTEGER)?
                .iter()
                .fold(0_u32, |count, digit| count.saturating_mul(256).saturating_add(u32::from(*digit))),
            None => 1,
        };
        let key = MacKey::Own { hash, salt: tagged(salt, OCTET_STRING)?.to_vec(), iterations };
        Ok(Integrity::Mac(Self { key, algorithm, tag }))
    }

    fn check(&self, safe: &[u8], passphrase: &[u8], work: &mut Work) -> Result<(), DecryptError> {
        let is_of = |key: &[u8]| hmac::verify(&hmac::Key::new(self.algorithm, key), safe, &self.tag).is_ok();
        let fits = match &self.key {
            MacKey::Own { hash, salt, iterations } => {
                work.spend((*iterations).into())?;
                let iterations = NonZeroU32::new(*iterations).ok_or(DecryptError::Malformed)?;
                let secret = openssl_string(passphrase);
                let mut secrets = vec![secret.as_slice()];
                if passphrase.is_empty() {
                    // Some programs leave out the zero at the end, too.
                    secrets.push(&[]);
                }
                let key = |secret| derive(hash, Purpose::Mac, secret, salt, iterations, hash.output_len());
                secrets.iter().any(|secret| is_of(&key(secret)))
            }
            MacKey::Pbkdf2(derivation, length) => {
                let mut key = Zeroizing::new(vec![0; *length]);
                derivation.derive(passphrase, &mut key, work)?;
                is_of(&key)
            }
        };
        if fits { Ok(()) } else { Err(DecryptError::Mac) }
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
    /// Adds what stands in bags; `opened` opens an encrypted key.
    fn add(&mut self, bags: &[u8], opened: &mut impl FnMut(EncryptedKey) -> StoredKey) -> Result<(), Malformed> {
        for bag in children(bags, SEQUENCE)? {
            let parts = children(bag, SEQUENCE)?;
            let [identifier, value, ..] = parts[..] else { return Err(Malformed) };
            let identifier = Any::from_der(identifier).map_err(|_| Malformed)?.1.data;
            match identifier.strip_prefix(BAG_ARC) {
                Some([KEY_BAG]) => {
                    self.keys.push(StoredKey::Open(PrivateKey::new(KeyFormat::Pkcs8, inner(value)?.to_vec())));
                }
                Some([SHROUDED_KEY_BAG]) => self.keys.push(opened(EncryptedKey::pkcs8(inner(value)?.to_vec()))),
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
