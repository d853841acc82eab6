//! Key pairs: made, taken over from DER, written as PKCS#8 and the older forms.

use std::fmt;

use aws_lc_rs::digest;
use aws_lc_rs::encoding::{AsDer, EcPrivateKeyRfc5915Der, Pkcs8V1Der};
use aws_lc_rs::signature::{
    self as algorithms, EcdsaKeyPair, EcdsaSigningAlgorithm, Ed25519KeyPair, KeyPair as _, RsaKeyPair,
};
use rcgen::{PublicKeyData, SigningKey};
use rustls_pki_types::PrivatePkcs8KeyDer;
use zeroize::Zeroizing;

use super::{Error, der, to_pem};
use crate::pki::key::{self, KeyFormat, PrivateKey};
use crate::pki::signature;

/// The algorithm and size of a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyType {
    P256,
    P384,
    /// Taken over from existing authorities, not made: too many TLS stacks lack it.
    P521,
    /// With its bits.
    Rsa(usize),
    Ed25519,
}

impl KeyType {
    /// The kinds that can be made, by the names users give them.
    pub const OFFERED: [(&'static str, Self); 6] = [
        ("p256", Self::P256),
        ("p384", Self::P384),
        ("rsa2048", Self::Rsa(2048)),
        ("rsa3072", Self::Rsa(3072)),
        ("rsa4096", Self::Rsa(4096)),
        ("ed25519", Self::Ed25519),
    ];

    /// The type to make for another key of this kind, if we make one.
    pub fn of(kind: &signature::KeyKind) -> Option<Self> {
        let same = match kind {
            signature::KeyKind::P256 => Self::P256,
            signature::KeyKind::P384 => Self::P384,
            signature::KeyKind::Ed25519 => Self::Ed25519,
            signature::KeyKind::Rsa { bits } => Self::Rsa((*bits).max(2048)),
            signature::KeyKind::P521
            | signature::KeyKind::RsaPss { .. }
            | signature::KeyKind::Ed448
            | signature::KeyKind::Curve(_)
            | signature::KeyKind::Other(_) => return None,
        };
        Self::OFFERED.iter().map(|(_, offered)| *offered).find(|offered| *offered == same)
    }

    /// RSA keys also encrypt the premaster secret of TLS 1.2's oldest suites, which key usage must say.
    pub fn is_rsa(self) -> bool {
        matches!(self, Self::Rsa(_))
    }
}

impl fmt::Display for KeyType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::P256 => f.write_str("p256"),
            Self::P384 => f.write_str("p384"),
            Self::P521 => f.write_str("p521"),
            Self::Rsa(bits) => write!(f, "rsa{bits}"),
            Self::Ed25519 => f.write_str("ed25519"),
        }
    }
}

/// A private key with its public half. Its PKCS#8 form is wiped from memory on drop.
pub struct KeyPair {
    kind: KeyType,
    pair: Zeroizing<rcgen::KeyPair>,
}

impl fmt::Debug for KeyPair {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "KeyPair({})", self.kind)
    }
}

impl KeyPair {
    /// A new random key. RSA with 4096 bits takes a second or several.
    pub fn generate(kind: KeyType) -> Result<Self, Error> {
        let pair = match kind {
            KeyType::P256 => rcgen::KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256)?,
            KeyType::P384 => rcgen::KeyPair::generate_for(&rcgen::PKCS_ECDSA_P384_SHA384)?,
            KeyType::Rsa(2048) => generate_rsa(rcgen::RsaKeySize::_2048)?,
            KeyType::Rsa(3072) => generate_rsa(rcgen::RsaKeySize::_3072)?,
            KeyType::Rsa(4096) => generate_rsa(rcgen::RsaKeySize::_4096)?,
            KeyType::Ed25519 => {
                // Version 1 of PKCS#8: OpenSSL does not read the version 2 that rcgen would write.
                let document = Ed25519KeyPair::generate()?.to_pkcs8v1()?;
                from_pkcs8(document.as_ref(), &rcgen::PKCS_ED25519)?
            }
            KeyType::P521 | KeyType::Rsa(_) => return Err(Error::UnsupportedKey),
        };
        Ok(Self { kind, pair: Zeroizing::new(pair) })
    }

    /// A key that exists already, in whichever form.
    pub fn load(key: &PrivateKey) -> Result<Self, Error> {
        let (kind, pkcs8) = normalise(key.der()).ok_or(Error::UnsupportedKey)?;
        let algorithm = match kind {
            KeyType::P256 => &rcgen::PKCS_ECDSA_P256_SHA256,
            KeyType::P384 => &rcgen::PKCS_ECDSA_P384_SHA384,
            KeyType::P521 => &rcgen::PKCS_ECDSA_P521_SHA512,
            KeyType::Rsa(_) => &rcgen::PKCS_RSA_SHA256,
            KeyType::Ed25519 => &rcgen::PKCS_ED25519,
        };
        Ok(Self { kind, pair: Zeroizing::new(from_pkcs8(&pkcs8, algorithm)?) })
    }

    pub fn kind(&self) -> KeyType {
        self.kind
    }

    /// The SubjectPublicKeyInfo.
    pub fn public_key(&self) -> Vec<u8> {
        self.pair.subject_public_key_info()
    }

    /// PKCS#8, version 1, not encrypted.
    pub fn pkcs8(&self) -> &[u8] {
        self.pair.serialized_der()
    }

    /// The key alone, for those who only use it.
    pub fn private_key(&self) -> PrivateKey {
        PrivateKey::new(KeyFormat::Pkcs8, self.pkcs8().to_vec())
    }

    /// `BEGIN PRIVATE KEY`.
    pub fn to_pem(&self) -> Zeroizing<String> {
        to_pem("PRIVATE KEY", self.pkcs8())
    }

    /// `BEGIN ENCRYPTED PRIVATE KEY`.
    pub fn to_encrypted_pem(&self, passphrase: &[u8]) -> Result<Zeroizing<String>, Error> {
        Ok(to_pem("ENCRYPTED PRIVATE KEY", &self.to_encrypted_der(passphrase)?))
    }

    /// EncryptedPrivateKeyInfo.
    pub fn to_encrypted_der(&self, passphrase: &[u8]) -> Result<Vec<u8>, Error> {
        key::encrypt(self.pkcs8(), passphrase, key::OWN_ITERATIONS)
            .map_err(|_| Error::Library("cannot encrypt".to_owned()))
    }

    /// The form of before PKCS#8 that some old programs ask for: `RSA PRIVATE KEY` or
    /// `EC PRIVATE KEY` with its DER. Ed25519 has none.
    pub fn traditional(&self) -> Result<(&'static str, Zeroizing<Vec<u8>>), Error> {
        if self.kind.is_rsa() {
            // PrivateKeyInfo: version, algorithm, the RSAPrivateKey in an octet string.
            let parts = der::parts(self.pkcs8()).ok_or(Error::UnsupportedKey)?;
            let inner = parts.get(2).and_then(|octets| der::content(octets)).ok_or(Error::UnsupportedKey)?;
            return Ok(("RSA PRIVATE KEY", Zeroizing::new(inner.to_vec())));
        }
        let curve = curves().find(|(kind, _)| *kind == self.kind).ok_or(Error::UnsupportedKey)?.1;
        let key = EcdsaKeyPair::from_pkcs8(curve, self.pkcs8()).map_err(|_| Error::UnsupportedKey)?;
        let document: EcPrivateKeyRfc5915Der<'static> = key.private_key().as_der()?;
        Ok(("EC PRIVATE KEY", Zeroizing::new(document.as_ref().to_vec())))
    }

    pub(super) fn rcgen(&self) -> &rcgen::KeyPair {
        &self.pair
    }

    pub(super) fn sign(&self, message: &[u8]) -> Result<Vec<u8>, Error> {
        Ok(self.pair.sign(message)?)
    }
}

/// The key identifier that we give a public key: the first 160 bits of the SHA-256 of its bits, RFC 7093.
pub fn key_identifier(public_key_bits: &[u8]) -> Vec<u8> {
    digest::digest(&digest::SHA256, public_key_bits).as_ref()[..20].to_vec()
}

fn generate_rsa(size: rcgen::RsaKeySize) -> Result<rcgen::KeyPair, rcgen::Error> {
    rcgen::KeyPair::generate_rsa_for(&rcgen::PKCS_RSA_SHA256, size)
}

fn from_pkcs8(document: &[u8], algorithm: &'static rcgen::SignatureAlgorithm) -> Result<rcgen::KeyPair, rcgen::Error> {
    rcgen::KeyPair::from_pkcs8_der_and_sign_algo(&PrivatePkcs8KeyDer::from(document), algorithm)
}

fn curves() -> impl Iterator<Item = (KeyType, &'static EcdsaSigningAlgorithm)> {
    [
        (KeyType::P256, &algorithms::ECDSA_P256_SHA256_ASN1_SIGNING),
        (KeyType::P384, &algorithms::ECDSA_P384_SHA384_ASN1_SIGNING),
        (KeyType::P521, &algorithms::ECDSA_P521_SHA512_ASN1_SIGNING),
    ]
    .into_iter()
}

/// What kind of key it is, and its PKCS#8 version 1.
fn normalise(bytes: &[u8]) -> Option<(KeyType, Zeroizing<Vec<u8>>)> {
    if let Ok(pair) = Ed25519KeyPair::from_pkcs8_maybe_unchecked(bytes) {
        return Some((KeyType::Ed25519, Zeroizing::new(pair.to_pkcs8v1().ok()?.as_ref().to_vec())));
    }
    for (kind, curve) in curves() {
        if let Ok(pair) = EcdsaKeyPair::from_private_key_der(curve, bytes) {
            return Some((kind, Zeroizing::new(pair.to_pkcs8v1().ok()?.as_ref().to_vec())));
        }
    }
    let pair = RsaKeyPair::from_pkcs8(bytes).or_else(|_| RsaKeyPair::from_der(bytes)).ok()?;
    let bits = pair.public_key().modulus().big_endian_without_leading_zero().len() * 8;
    let document: Pkcs8V1Der<'static> = pair.as_der().ok()?;
    Some((KeyType::Rsa(bits), Zeroizing::new(document.as_ref().to_vec())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_offered_type_is_made_and_taken_over_again() {
        for (name, kind) in KeyType::OFFERED {
            if kind == KeyType::Rsa(4096) {
                continue; // Seconds; the integration tests make one.
            }
            let key = KeyPair::generate(kind).unwrap();
            assert_eq!((key.kind(), kind.to_string().as_str()), (kind, name));
            let again = KeyPair::load(&key.private_key()).unwrap();
            assert_eq!((again.kind(), again.pkcs8()), (kind, key.pkcs8()));
            assert_eq!(again.public_key(), key.public_key());
        }
    }

    #[test]
    fn the_traditional_form_holds_the_same_key() {
        for kind in [KeyType::P256, KeyType::P384, KeyType::Rsa(2048)] {
            let key = KeyPair::generate(kind).unwrap();
            let (label, document) = key.traditional().unwrap();
            let format = if label == "RSA PRIVATE KEY" { KeyFormat::Pkcs1 } else { KeyFormat::Sec1 };
            assert_eq!(KeyPair::load(&PrivateKey::new(format, document)).unwrap().pkcs8(), key.pkcs8());
        }
        assert!(KeyPair::generate(KeyType::Ed25519).unwrap().traditional().is_err());
    }

    #[test]
    fn bytes_that_are_no_key_are_refused() {
        for bytes in [&b""[..], b"0", &[0x30, 0x80], &[0xff; 100]] {
            let key = PrivateKey::new(KeyFormat::Pkcs8, bytes.to_vec());
            assert!(matches!(KeyPair::load(&key), Err(Error::UnsupportedKey)));
        }
    }

    #[test]
    fn debug_shows_nothing_of_the_key() {
        assert_eq!(format!("{:?}", KeyPair::generate(KeyType::P256).unwrap()), "KeyPair(p256)");
    }
}
