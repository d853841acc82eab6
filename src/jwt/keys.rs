//! The keys of an issuer: a PEM file with public keys, a JSON Web Key, or a set of them (RFC 7517). What a key is fixes the one
//! algorithm that it verifies, whatever a token says: a public key is never a secret, which is how tokens are forged.

use aws_lc_rs::hmac;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED, ED25519, RSA_PKCS1_2048_8192_SHA256, RsaPublicKeyComponents, UnparsedPublicKey,
};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Map, Value};
use x509_parser::prelude::{FromDer, SubjectPublicKeyInfo, X509Certificate};
use x509_parser::public_key::PublicKey;

/// Keys that a file may have: issuers have two or three, and all that could fit are tried for a token that names none.
pub const MOST_KEYS: usize = 16;
/// Bytes of a file with keys.
pub const MAXIMUM_KEYS_FILE: usize = 256 * 1024;
/// Bits of an RSA key, as RFC 7518, 3.3, wants at least.
const LEAST_RSA_BITS: usize = 2048;
/// Bytes of a secret for HS256, RFC 7518, 3.2.
const LEAST_SECRET: usize = 32;

/// Why there are no keys in a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeysError {
    TooLong,
    /// Neither PEM nor JSON.
    NoKeys,
    /// A private key lies in it: whoever can read it can make tokens, and the broker needs it for nothing.
    PrivateKey,
    /// JSON that is no key and no set of keys.
    Json,
    /// A key that cannot be used, counted from 1, and why. In a set, those for other purposes are passed over.
    Key(usize, KeyFault),
    /// The set has none that verifies tokens.
    NoneUsable,
    TooMany,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyFault {
    /// Another type or curve than RSA, P-256, Ed25519 and secrets.
    Type,
    /// A part is missing or no base64url.
    Encoding,
    /// RSA below 2048 bits, or a secret below 32 bytes.
    TooShort,
    /// It says that it is for another algorithm than its type has here.
    Algorithm,
}

/// The keys of one issuer.
#[derive(Debug, Default)]
pub struct Keys(Vec<Key>);

#[derive(Debug)]
struct Key {
    id: Option<String>,
    material: Material,
}

enum Material {
    /// n and e.
    Rsa(RsaPublicKeyComponents<Vec<u8>>),
    /// The point, uncompressed.
    P256(Vec<u8>),
    Ed25519(Vec<u8>),
    Secret(Box<hmac::Key>),
}

impl std::fmt::Debug for Material {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.algorithm())
    }
}

impl Material {
    /// The only algorithm for a key of this type.
    fn algorithm(&self) -> &'static str {
        match self {
            Self::Rsa(_) => "RS256",
            Self::P256(_) => "ES256",
            Self::Ed25519(_) => "EdDSA",
            Self::Secret(_) => "HS256",
        }
    }

    fn verify(&self, signed: &[u8], signature: &[u8]) -> bool {
        match self {
            Self::Rsa(key) => key.verify(&RSA_PKCS1_2048_8192_SHA256, signed, signature).is_ok(),
            Self::P256(point) => {
                UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, point).verify(signed, signature).is_ok()
            }
            Self::Ed25519(key) => UnparsedPublicKey::new(&ED25519, key).verify(signed, signature).is_ok(),
            Self::Secret(key) => hmac::verify(key, signed, signature).is_ok(),
        }
    }

    fn rsa(n: &[u8], e: &[u8]) -> Result<Self, KeyFault> {
        let start = n.iter().position(|byte| *byte != 0).ok_or(KeyFault::Encoding)?;
        let n = n[start..].to_vec();
        if n.len() * 8 - (n[0].leading_zeros() as usize) < LEAST_RSA_BITS {
            return Err(KeyFault::TooShort);
        }
        Ok(Self::Rsa(RsaPublicKeyComponents { n, e: e.to_vec() }))
    }

    /// Of a SubjectPublicKeyInfo.
    fn of(info: &SubjectPublicKeyInfo<'_>) -> Result<Self, KeyFault> {
        let bits = &info.subject_public_key.data;
        match info.parsed().map_err(|_| KeyFault::Encoding)? {
            PublicKey::RSA(key) => Self::rsa(key.modulus, key.exponent),
            // 65 bytes, uncompressed: other curves have other lengths.
            PublicKey::EC(_) if bits.len() == 65 && bits[0] == 4 && is_p256(info) => Ok(Self::P256(bits.to_vec())),
            _ if info.algorithm.algorithm.to_id_string() == "1.3.101.112" && bits.len() == 32 => {
                Ok(Self::Ed25519(bits.to_vec()))
            }
            _ => Err(KeyFault::Type),
        }
    }
}

fn is_p256(info: &SubjectPublicKeyInfo<'_>) -> bool {
    let curve = info.algorithm.parameters.as_ref().and_then(|curve| curve.as_oid().ok());
    curve.is_some_and(|curve| curve.to_id_string() == "1.2.840.10045.3.1.7")
}

impl Keys {
    /// Reads a file of keys.
    pub fn parse(text: &[u8]) -> Result<Self, KeysError> {
        if text.len() > MAXIMUM_KEYS_FILE {
            return Err(KeysError::TooLong);
        }
        let keys = if text.trim_ascii_start().starts_with(b"{") { in_json(text)? } else { in_pem(text)? };
        match keys.len() {
            0 => Err(KeysError::NoneUsable),
            1..=MOST_KEYS => Ok(Self(keys)),
            _ => Err(KeysError::TooMany),
        }
    }

    /// Whether a key for this algorithm, and with this id where both say one, made the signature.
    pub fn verify(&self, algorithm: &str, id: Option<&str>, signed: &[u8], signature: &[u8]) -> Result<bool, NoKey> {
        let fits = |key: &&Key| {
            let is_id = id.is_none() || key.id.is_none() || key.id.as_deref() == id;
            key.material.algorithm() == algorithm && is_id
        };
        let mut fitting = self.0.iter().filter(fits).peekable();
        if fitting.peek().is_none() {
            return Err(NoKey);
        }
        Ok(fitting.any(|key| key.material.verify(signed, signature)))
    }

    /// The algorithms that there are keys for.
    pub fn algorithms(&self) -> Vec<&'static str> {
        let mut names: Vec<_> = self.0.iter().map(|key| key.material.algorithm()).collect();
        names.sort_unstable();
        names.dedup();
        names
    }

    /// Whether one of them is a secret, which nobody else may read.
    pub fn has_secret(&self) -> bool {
        self.0.iter().any(|key| matches!(key.material, Material::Secret(_)))
    }

    /// These and those of another file.
    pub fn and(mut self, other: Self) -> Result<Self, KeysError> {
        self.0.extend(other.0);
        if self.0.len() > MOST_KEYS { Err(KeysError::TooMany) } else { Ok(self) }
    }
}

/// No key is for the token's algorithm, or has the id that it names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NoKey;

fn in_pem(text: &[u8]) -> Result<Vec<Key>, KeysError> {
    let sections = pem::parse_many(text).map_err(|_| KeysError::NoKeys)?;
    let mut keys = Vec::new();
    for (index, section) in sections.iter().enumerate() {
        let refused = |fault| KeysError::Key(index + 1, fault);
        let material = match section.tag() {
            "PUBLIC KEY" => {
                let (_, info) =
                    SubjectPublicKeyInfo::from_der(section.contents()).map_err(|_| refused(KeyFault::Encoding))?;
                Material::of(&info)
            }
            "CERTIFICATE" => {
                let (_, certificate) =
                    X509Certificate::from_der(section.contents()).map_err(|_| refused(KeyFault::Encoding))?;
                Material::of(certificate.public_key())
            }
            tag if tag.contains("PRIVATE KEY") => return Err(KeysError::PrivateKey),
            _ => Err(KeyFault::Type),
        };
        keys.push(Key { id: None, material: material.map_err(refused)? });
    }
    if keys.is_empty() { Err(KeysError::NoKeys) } else { Ok(keys) }
}

fn in_json(text: &[u8]) -> Result<Vec<Key>, KeysError> {
    let Ok(Value::Object(object)) = serde_json::from_slice(text) else { return Err(KeysError::Json) };
    let Some(set) = object.get("keys") else {
        return json_web_key(&object).map(|key| key.into_iter().collect()).map_err(|error| error.at(1));
    };
    let mut keys = Vec::new();
    for (index, key) in set.as_array().ok_or(KeysError::Json)?.iter().enumerate() {
        let key = key.as_object().ok_or(KeysError::Json)?;
        match json_web_key(key) {
            Ok(key) => keys.extend(key),
            // Of types that are not understood a reader passes over, RFC 7517, 5.
            Err(JwkError::Fault(KeyFault::Type | KeyFault::Algorithm)) => {}
            Err(error) => return Err(error.at(index + 1)),
        }
    }
    Ok(keys)
}

enum JwkError {
    Private,
    Fault(KeyFault),
}

impl JwkError {
    fn at(self, index: usize) -> KeysError {
        match self {
            Self::Private => KeysError::PrivateKey,
            Self::Fault(fault) => KeysError::Key(index, fault),
        }
    }
}

impl From<KeyFault> for JwkError {
    fn from(fault: KeyFault) -> Self {
        Self::Fault(fault)
    }
}

/// `None`: for encryption.
fn json_web_key(key: &Map<String, Value>) -> Result<Option<Key>, JwkError> {
    let text = |name: &str| key.get(name).and_then(Value::as_str);
    let bytes = |name: &str| {
        let decoded = text(name).and_then(|text| URL_SAFE_NO_PAD.decode(text).ok());
        decoded.filter(|bytes| !bytes.is_empty()).ok_or(KeyFault::Encoding)
    };
    if text("use").is_some_and(|purpose| purpose != "sig") {
        return Ok(None);
    }
    let kind = text("kty").unwrap_or_default();
    if kind != "oct" && key.contains_key("d") {
        return Err(JwkError::Private);
    }
    let material = match (kind, text("crv")) {
        ("RSA", _) => Material::rsa(&bytes("n")?, &bytes("e")?)?,
        ("EC", Some("P-256")) => {
            let (x, y) = (bytes("x")?, bytes("y")?);
            if x.len() != 32 || y.len() != 32 {
                return Err(KeyFault::Encoding.into());
            }
            Material::P256([&[4], &x[..], &y].concat())
        }
        ("OKP", Some("Ed25519")) => {
            Material::Ed25519(Some(bytes("x")?).filter(|x| x.len() == 32).ok_or(KeyFault::Encoding)?)
        }
        ("oct", _) => {
            let secret = bytes("k")?;
            if secret.len() < LEAST_SECRET {
                return Err(KeyFault::TooShort.into());
            }
            Material::Secret(Box::new(hmac::Key::new(hmac::HMAC_SHA256, &secret)))
        }
        _ => return Err(KeyFault::Type.into()),
    };
    if text("alg").is_some_and(|algorithm| algorithm != material.algorithm()) {
        return Err(KeyFault::Algorithm.into());
    }
    Ok(Some(Key { id: text("kid").map(str::to_owned), material }))
}
