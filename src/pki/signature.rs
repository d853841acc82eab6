//! Public keys and signatures of certificates, checked by aws-lc.

use aws_lc_rs::signature::{self as algorithms, UnparsedPublicKey, VerificationAlgorithm};
use x509_parser::asn1_rs::{Any, FromDer, Oid};
use x509_parser::signature_algorithm::SignatureAlgorithm;
use x509_parser::x509::{AlgorithmIdentifier, SubjectPublicKeyInfo};

/// The shortest RSA key that is believed: 112 bits of security, OpenSSL's level 2.
pub const RSA_BITS_MINIMUM: usize = 2048;

/// The shortest RSA key that aws-lc checks a signature with.
const RSA_BITS_CHECKED: usize = 1024;

/// The longest RSA key that aws-lc checks a signature with.
pub const RSA_BITS_MAXIMUM: usize = 8192;

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KeyKind {
    Rsa {
        bits: usize,
    },
    /// RSA that signs by RSASSA-PSS only (RFC 4055), which another object identifier says.
    RsaPss {
        bits: usize,
    },
    P256,
    P384,
    P521,
    Ed25519,
    Ed448,
    /// An elliptic curve that no TLS stack offers by itself, by its name or object identifier.
    Curve(String),
    /// By its name, or its object identifier.
    Other(String),
}

impl KeyKind {
    /// `RSA-2048`, `P-256`, …
    pub fn name(&self) -> String {
        match self {
            Self::Rsa { bits } => format!("RSA-{bits}"),
            Self::RsaPss { bits } => format!("RSA-PSS-{bits}"),
            Self::P256 => "P-256".to_owned(),
            Self::P384 => "P-384".to_owned(),
            Self::P521 => "P-521".to_owned(),
            Self::Ed25519 => "Ed25519".to_owned(),
            Self::Ed448 => "Ed448".to_owned(),
            Self::Curve(name) | Self::Other(name) => name.clone(),
        }
    }

    /// Whether rustls takes it for the key of its peer in a handshake.
    pub fn is_usable(&self) -> bool {
        match self {
            Self::Rsa { bits } => *bits <= RSA_BITS_MAXIMUM,
            Self::P256 | Self::P384 | Self::P521 | Self::Ed25519 => true,
            Self::RsaPss { .. } | Self::Ed448 | Self::Curve(_) | Self::Other(_) => false,
        }
    }
}

/// A public key as a certificate holds it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublicKey {
    pub kind: KeyKind,
    /// The whole SubjectPublicKeyInfo in DER.
    pub info: Vec<u8>,
    /// The content of its bit string.
    pub bits: Vec<u8>,
    /// The content of its AlgorithmIdentifier.
    pub algorithm: Vec<u8>,
}

/// How something was signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Hash {
    Md5,
    Sha1,
    Sha224,
    Sha256,
    Sha384,
    Sha512,
}

/// The algorithm of a signature.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Algorithm {
    scheme: Scheme,
    /// For people: `sha256WithRSAEncryption`, or the object identifier.
    pub name: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Scheme {
    RsaPkcs1(Hash),
    RsaPss(Hash),
    Ecdsa(Hash),
    Ed25519,
    Unknown,
}

/// Why a signature is not believed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SignatureError {
    /// MD5 or SHA-1.
    Weak,
    /// An algorithm, or an algorithm for this kind of key, that nobody here checks.
    Unsupported,
    /// It was not made with this key.
    Invalid,
}

impl PublicKey {
    pub(super) fn new(info: &SubjectPublicKeyInfo<'_>) -> Self {
        let bits = info.subject_public_key.data.to_vec();
        let algorithm = Any::from_der(info.raw)
            .ok()
            .and_then(|(_, outer)| Any::from_der(outer.data).ok().map(|(_, algorithm)| algorithm.data.to_vec()))
            .unwrap_or_default();
        Self { kind: key_kind(info, &bits), info: info.raw.to_vec(), bits, algorithm }
    }

    /// RSA below 2048 bits.
    pub fn is_weak(&self) -> bool {
        matches!(self.kind, KeyKind::Rsa { bits } | KeyKind::RsaPss { bits } if bits < RSA_BITS_MINIMUM)
    }

    /// Checks that `signature` over `message` was made with this key.
    pub fn verify(&self, algorithm: &Algorithm, message: &[u8], signature: &[u8]) -> Result<(), SignatureError> {
        if algorithm.is_weak() {
            return Err(SignatureError::Weak);
        }
        let verification = self.verification(algorithm.scheme).ok_or(SignatureError::Unsupported)?;
        UnparsedPublicKey::new(verification, &self.bits).verify(message, signature).map_err(|_| SignatureError::Invalid)
    }

    /// Whether `signature` over `message` was made with this key, also in a way that nobody should believe any more, with SHA-1 or a
    /// short key: it tells what belongs together, and nothing of whom to believe. `None` if it cannot be checked here.
    pub fn has_signed(&self, algorithm: &Algorithm, message: &[u8], signature: &[u8]) -> Option<bool> {
        let verification = self.weak_verification(algorithm.scheme).or_else(|| self.verification(algorithm.scheme))?;
        Some(UnparsedPublicKey::new(verification, &self.bits).verify(message, signature).is_ok())
    }

    fn weak_verification(&self, scheme: Scheme) -> Option<&'static dyn VerificationAlgorithm> {
        use Hash::{Sha1, Sha256, Sha512};
        use KeyKind::{P256, P521, Rsa};
        Some(match (scheme, &self.kind) {
            (Scheme::RsaPkcs1(hash), Rsa { bits }) if (RSA_BITS_CHECKED..=RSA_BITS_MAXIMUM).contains(bits) => {
                match hash {
                    Sha1 => &algorithms::RSA_PKCS1_1024_8192_SHA1_FOR_LEGACY_USE_ONLY,
                    Sha256 => &algorithms::RSA_PKCS1_1024_8192_SHA256_FOR_LEGACY_USE_ONLY,
                    Sha512 => &algorithms::RSA_PKCS1_1024_8192_SHA512_FOR_LEGACY_USE_ONLY,
                    _ => return None,
                }
            }
            (Scheme::Ecdsa(Sha1), P256) => &algorithms::ECDSA_P256_SHA1_ASN1,
            (Scheme::Ecdsa(Sha1), P521) => &algorithms::ECDSA_P521_SHA1_ASN1,
            _ => return None,
        })
    }

    fn verification(&self, scheme: Scheme) -> Option<&'static dyn VerificationAlgorithm> {
        use Hash::{Sha256, Sha384, Sha512};
        use KeyKind::{Ed25519, P256, P384, P521, Rsa, RsaPss};
        if matches!(self.kind, Rsa { bits } | RsaPss { bits } if bits > RSA_BITS_MAXIMUM) {
            return None;
        }
        Some(match (scheme, &self.kind) {
            (Scheme::RsaPkcs1(Sha256), Rsa { .. }) => &algorithms::RSA_PKCS1_2048_8192_SHA256,
            (Scheme::RsaPkcs1(Sha384), Rsa { .. }) => &algorithms::RSA_PKCS1_2048_8192_SHA384,
            (Scheme::RsaPkcs1(Sha512), Rsa { .. }) => &algorithms::RSA_PKCS1_2048_8192_SHA512,
            (Scheme::RsaPss(Sha256), Rsa { .. } | RsaPss { .. }) => &algorithms::RSA_PSS_2048_8192_SHA256,
            (Scheme::RsaPss(Sha384), Rsa { .. } | RsaPss { .. }) => &algorithms::RSA_PSS_2048_8192_SHA384,
            (Scheme::RsaPss(Sha512), Rsa { .. } | RsaPss { .. }) => &algorithms::RSA_PSS_2048_8192_SHA512,
            (Scheme::Ecdsa(Sha256), P256) => &algorithms::ECDSA_P256_SHA256_ASN1,
            (Scheme::Ecdsa(Sha384), P256) => &algorithms::ECDSA_P256_SHA384_ASN1,
            (Scheme::Ecdsa(Sha512), P256) => &algorithms::ECDSA_P256_SHA512_ASN1,
            (Scheme::Ecdsa(Sha256), P384) => &algorithms::ECDSA_P384_SHA256_ASN1,
            (Scheme::Ecdsa(Sha384), P384) => &algorithms::ECDSA_P384_SHA384_ASN1,
            (Scheme::Ecdsa(Sha512), P384) => &algorithms::ECDSA_P384_SHA512_ASN1,
            (Scheme::Ecdsa(Sha256), P521) => &algorithms::ECDSA_P521_SHA256_ASN1,
            (Scheme::Ecdsa(Sha384), P521) => &algorithms::ECDSA_P521_SHA384_ASN1,
            (Scheme::Ecdsa(Sha512), P521) => &algorithms::ECDSA_P521_SHA512_ASN1,
            (Scheme::Ed25519, Ed25519) => &algorithms::ED25519,
            _ => return None,
        })
    }
}

impl Algorithm {
    pub(super) fn new(identifier: &AlgorithmIdentifier<'_>) -> Self {
        let (scheme, name) = scheme(identifier);
        Self { scheme, name }
    }

    /// Made with a hash for which two texts with one signature can be found.
    pub fn is_weak(&self) -> bool {
        matches!(self.scheme, Scheme::RsaPkcs1(hash) | Scheme::RsaPss(hash) | Scheme::Ecdsa(hash)
            if matches!(hash, Hash::Md5 | Hash::Sha1))
    }
}

fn key_kind(info: &SubjectPublicKeyInfo<'_>, bits: &[u8]) -> KeyKind {
    let identifier = info.algorithm.algorithm.to_id_string();
    match identifier.as_str() {
        "1.2.840.113549.1.1.1" => KeyKind::Rsa { bits: modulus_bits(bits) },
        "1.2.840.113549.1.1.10" => KeyKind::RsaPss { bits: modulus_bits(bits) },
        "1.3.101.112" => KeyKind::Ed25519,
        "1.3.101.113" => KeyKind::Ed448,
        "1.2.840.10040.4.1" => KeyKind::Other("DSA".to_owned()),
        "1.2.840.10045.2.1" => {
            let curve = info.algorithm.parameters.as_ref().and_then(|parameters| Oid::try_from(parameters).ok());
            match curve.map(|curve| curve.to_id_string()).as_deref() {
                Some("1.2.840.10045.3.1.7") => KeyKind::P256,
                Some("1.3.132.0.34") => KeyKind::P384,
                Some("1.3.132.0.35") => KeyKind::P521,
                Some("1.3.132.0.10") => KeyKind::Curve("secp256k1".to_owned()),
                Some(other) => KeyKind::Curve(format!("EC on curve {other}")),
                None => KeyKind::Curve("EC on a curve of its own".to_owned()),
            }
        }
        _ => KeyKind::Other(identifier),
    }
}

/// Bits of the modulus of an RSAPublicKey, 0 if it is none.
fn modulus_bits(der: &[u8]) -> usize {
    let modulus =
        Any::from_der(der).ok().and_then(|(_, outer)| Any::from_der(outer.data).ok().map(|(_, first)| first.data));
    let digits = modulus.unwrap_or_default();
    let zeros = digits.iter().take_while(|digit| **digit == 0).count();
    digits[zeros..].first().map_or(0, |first| (digits.len() - zeros) * 8 - first.leading_zeros() as usize)
}

fn scheme(identifier: &AlgorithmIdentifier<'_>) -> (Scheme, String) {
    let id = identifier.algorithm.to_id_string();
    let (scheme, name) = match id.as_str() {
        "1.2.840.113549.1.1.4" => (Scheme::RsaPkcs1(Hash::Md5), "md5WithRSAEncryption"),
        "1.2.840.113549.1.1.5" => (Scheme::RsaPkcs1(Hash::Sha1), "sha1WithRSAEncryption"),
        "1.2.840.113549.1.1.14" => (Scheme::RsaPkcs1(Hash::Sha224), "sha224WithRSAEncryption"),
        "1.2.840.113549.1.1.11" => (Scheme::RsaPkcs1(Hash::Sha256), "sha256WithRSAEncryption"),
        "1.2.840.113549.1.1.12" => (Scheme::RsaPkcs1(Hash::Sha384), "sha384WithRSAEncryption"),
        "1.2.840.113549.1.1.13" => (Scheme::RsaPkcs1(Hash::Sha512), "sha512WithRSAEncryption"),
        "1.2.840.113549.1.1.10" => (pss(identifier), "rsassaPss"),
        "1.2.840.10045.4.1" => (Scheme::Ecdsa(Hash::Sha1), "ecdsa-with-SHA1"),
        "1.2.840.10045.4.3.1" => (Scheme::Ecdsa(Hash::Sha224), "ecdsa-with-SHA224"),
        "1.2.840.10045.4.3.2" => (Scheme::Ecdsa(Hash::Sha256), "ecdsa-with-SHA256"),
        "1.2.840.10045.4.3.3" => (Scheme::Ecdsa(Hash::Sha384), "ecdsa-with-SHA384"),
        "1.2.840.10045.4.3.4" => (Scheme::Ecdsa(Hash::Sha512), "ecdsa-with-SHA512"),
        "1.3.101.112" => (Scheme::Ed25519, "Ed25519"),
        _ => return (Scheme::Unknown, id),
    };
    (scheme, name.to_owned())
}

/// RSA-PSS whose three parameters agree, as TLS uses it: one hash for the message and the mask, a
/// salt of its length.
fn pss(identifier: &AlgorithmIdentifier<'_>) -> Scheme {
    let Ok(SignatureAlgorithm::RSASSA_PSS(parameters)) = SignatureAlgorithm::try_from(identifier) else {
        return Scheme::Unknown;
    };
    let (hash, length) = match parameters.hash_algorithm_oid().to_id_string().as_str() {
        "2.16.840.1.101.3.4.2.1" => (Hash::Sha256, 32),
        "2.16.840.1.101.3.4.2.2" => (Hash::Sha384, 48),
        "2.16.840.1.101.3.4.2.3" => (Hash::Sha512, 64),
        "1.3.14.3.2.26" => (Hash::Sha1, 20),
        _ => return Scheme::Unknown,
    };
    let same_mask = parameters.mask_gen_algorithm().is_ok_and(|mask| mask.hash == *parameters.hash_algorithm_oid());
    if same_mask && parameters.salt_length() == length { Scheme::RsaPss(hash) } else { Scheme::Unknown }
}
