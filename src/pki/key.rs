//! Private keys: the forms they come in, and the passphrases that open them.
//!
//! The ASN.1 of PBES2 (RFC 8018) is read here; hashes and ciphers are libraries'. The `pkcs8` crate would
//! do it with nine more crates and without the older `DEK-Info` form.

use aws_lc_rs::rsa::KeyPair as RsaKeyPair;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_ASN1_SIGNING, ECDSA_P384_SHA384_ASN1_SIGNING, ECDSA_P521_SHA512_ASN1_SIGNING, EcdsaKeyPair,
    Ed25519KeyPair, KeyPair as _,
};
use zeroize::Zeroizing;

use super::key_encryption;
pub use super::key_encryption::{DecryptError, ITERATION_LIMIT, OWN_ITERATIONS, Work, encrypt};

/// The ASN.1 form of a private key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyFormat {
    /// Any algorithm: `PRIVATE KEY`.
    Pkcs8,
    /// `RSA PRIVATE KEY`
    Pkcs1,
    /// `EC PRIVATE KEY`
    Sec1,
}

/// A private key in the open. `Debug` shows its form only; the memory is wiped on drop.
#[derive(Clone, PartialEq, Eq)]
pub struct PrivateKey {
    format: KeyFormat,
    der: Zeroizing<Vec<u8>>,
}

impl std::fmt::Debug for PrivateKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "PrivateKey({:?}, …)", self.format)
    }
}

/// A key as its file holds it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EncodedKey {
    Plain(PrivateKey),
    Encrypted(EncryptedKey),
}

/// A key that needs a passphrase.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EncryptedKey {
    bytes: Zeroizing<Vec<u8>>,
    /// For the older form: what the section holds, and its `DEK-Info`.
    legacy: Option<(KeyFormat, String)>,
}

impl PrivateKey {
    pub fn new(format: KeyFormat, der: impl Into<Zeroizing<Vec<u8>>>) -> Self {
        Self { format, der: der.into() }
    }

    pub fn format(&self) -> KeyFormat {
        self.format
    }

    pub fn der(&self) -> &[u8] {
        &self.der
    }

    /// The public half as a certificate holds it: the content of its subjectPublicKey. `None` for a
    /// key that cannot be used here (damaged, RSA below 2048 bits, an unknown algorithm or curve).
    pub fn public_key(&self) -> Option<Vec<u8>> {
        let rsa = match self.format {
            KeyFormat::Pkcs1 => RsaKeyPair::from_der(&self.der).ok(),
            KeyFormat::Pkcs8 => RsaKeyPair::from_pkcs8(&self.der).ok(),
            KeyFormat::Sec1 => None,
        };
        if let Some(pair) = rsa {
            return Some(pair.public_key().as_ref().to_vec());
        }
        let curves =
            [&ECDSA_P256_SHA256_ASN1_SIGNING, &ECDSA_P384_SHA384_ASN1_SIGNING, &ECDSA_P521_SHA512_ASN1_SIGNING];
        for curve in curves {
            let pair = match self.format {
                KeyFormat::Sec1 => EcdsaKeyPair::from_private_key_der(curve, &self.der).ok(),
                KeyFormat::Pkcs8 => EcdsaKeyPair::from_pkcs8(curve, &self.der).ok(),
                KeyFormat::Pkcs1 => None,
            };
            if let Some(pair) = pair {
                return Some(pair.public_key().as_ref().to_vec());
            }
        }
        let pair = Ed25519KeyPair::from_pkcs8_maybe_unchecked(&self.der).ok()?;
        Some(pair.public_key().as_ref().to_vec())
    }
}

impl EncryptedKey {
    /// An `ENCRYPTED PRIVATE KEY` section.
    pub fn pkcs8(der: impl Into<Zeroizing<Vec<u8>>>) -> Self {
        Self { bytes: der.into(), legacy: None }
    }

    /// A section of the older form, with its `DEK-Info` header (`DES-EDE3-CBC,0123456789ABCDEF`).
    pub fn legacy(format: KeyFormat, bytes: Zeroizing<Vec<u8>>, information: String) -> Self {
        Self { bytes, legacy: Some((format, information)) }
    }

    /// How it is encrypted, for people: `PKCS#8, PBES2 aes-256-cbc` or `PEM, DES-EDE3-CBC`.
    pub fn encryption(&self) -> String {
        match &self.legacy {
            Some((_, information)) => format!("PEM, {}", information.split(',').next().unwrap_or_default()),
            None => match key_encryption::cipher_name(&self.bytes) {
                Some((scheme, cipher)) => format!("PKCS#8, {scheme} {cipher}"),
                None => "PKCS#8".to_owned(),
            },
        }
    }

    /// Whether the bytes show how they are encrypted. Those of a file without a label may be anything.
    pub fn is_recognised(&self) -> bool {
        self.legacy.is_some() || key_encryption::cipher_name(&self.bytes).is_some()
    }

    pub fn decrypt(&self, passphrase: &[u8]) -> Result<PrivateKey, DecryptError> {
        self.decrypt_within(passphrase, &mut Work::default())
    }

    /// The same with what is left of `work`, where there are several to open.
    pub fn decrypt_within(&self, passphrase: &[u8], work: &mut Work) -> Result<PrivateKey, DecryptError> {
        match &self.legacy {
            Some((format, information)) => key_encryption::decrypt_legacy(&self.bytes, information, passphrase)
                .map(|der| PrivateKey::new(*format, der)),
            None => {
                key_encryption::decrypt(&self.bytes, passphrase, work).map(|der| PrivateKey::new(KeyFormat::Pkcs8, der))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pki::read::{Section, parse};

    #[test]
    fn the_public_half_is_the_one_in_the_certificate() {
        for algorithm in [&rcgen::PKCS_ECDSA_P256_SHA256, &rcgen::PKCS_ECDSA_P384_SHA384, &rcgen::PKCS_ED25519] {
            let pair = rcgen::KeyPair::generate_for(algorithm).unwrap();
            let key = PrivateKey::new(KeyFormat::Pkcs8, pair.serialized_der().to_vec());
            assert_eq!(key.public_key().unwrap(), rcgen::PublicKeyData::der_bytes(&pair));
        }
    }

    #[test]
    fn a_key_is_not_shown_by_debug() {
        let key = PrivateKey::new(KeyFormat::Pkcs8, b"secret".to_vec());
        assert_eq!(format!("{key:?}"), "PrivateKey(Pkcs8, …)");
    }

    #[test]
    fn nonsense_has_no_public_half() {
        for format in [KeyFormat::Pkcs1, KeyFormat::Sec1, KeyFormat::Pkcs8] {
            assert_eq!(PrivateKey::new(format, b"nonsense".to_vec()).public_key(), None);
        }
    }

    #[test]
    fn a_key_encrypted_by_us_opens_with_its_passphrase_only() {
        let pair = rcgen::KeyPair::generate().unwrap();
        let der = encrypt(pair.serialized_der(), b"open sesame", OWN_ITERATIONS).unwrap();
        let text = pem::encode(&pem::Pem::new("ENCRYPTED PRIVATE KEY", der));
        let sections = parse(text.as_bytes()).unwrap();
        let [Section::PrivateKey(EncodedKey::Encrypted(key))] = &sections[..] else { panic!("{sections:?}") };
        assert_eq!(key.encryption(), "PKCS#8, PBES2 aes-256-cbc");
        assert_eq!(key.decrypt(b"open sesame").unwrap().der(), pair.serialized_der());
        assert_eq!(key.decrypt(b"open"), Err(DecryptError::WrongPassphrase));
    }
}
