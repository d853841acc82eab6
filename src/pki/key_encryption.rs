//! Keys under a passphrase: PKCS#8 with PBES2 (RFC 8018), PKCS#12's own ways, and OpenSSL's older `DEK-Info` form.

use std::num::NonZeroU32;
use std::ops::RangeInclusive;

use aws_lc_rs::cipher::{
    AES_128, AES_192, AES_256, Algorithm, DecryptionContext, PaddedBlockDecryptingKey, PaddedBlockEncryptingKey,
    UnboundCipherKey,
};
use aws_lc_rs::{hmac, pbkdf2};
use md5::{Digest, Md5};
use x509_parser::asn1_rs::{Any, FromDer};
use zeroize::Zeroizing;

use super::make::element as tlv;
use super::old_ciphers::{Closed, OldCipher};
use super::pkcs12_key::{PBE_ARC, key_and_iv, openssl_string};

/// The most iterations of PBKDF2 that a key may ask for; OpenSSL writes 2,048, careful people a million.
pub const ITERATION_LIMIT: u32 = 10_000_000;

/// What may still be done for passphrases, in iterations of PBKDF2. A store asks for it with each of its parts.
#[derive(Clone, Debug)]
pub struct Work {
    left: u64,
}

impl Default for Work {
    fn default() -> Self {
        Self { left: ITERATION_LIMIT.into() }
    }
}

impl Work {
    /// # Errors
    /// So much is not left. Nothing is spent then.
    pub fn spend(&mut self, iterations: u64) -> Result<(), DecryptError> {
        self.left = self.left.checked_sub(iterations).ok_or(DecryptError::TooCostly)?;
        Ok(())
    }
}

/// Steps of scrypt over a block of 128 bytes that take as long as an iteration of PBKDF2, at least.
const SCRYPT_STEPS: u64 = 8;

/// The most memory that scrypt may be made to use; OpenSSL's own keys need 16 MiB.
pub const SCRYPT_MEMORY_LIMIT: u64 = 256 * 1024 * 1024;

/// The bytes of a key of PBMAC1: as many as SHA-1 gives (RFC 9579, 5), and as many as the largest hash.
const PBMAC1_KEY_BYTES: RangeInclusive<usize> = 20..=64;

/// The most passes of scrypt over its memory.
pub const SCRYPT_PARALLEL_LIMIT: u32 = 64;

/// Iterations of the keys that we write: what OWASP asks for with HMAC-SHA-256.
pub const OWN_ITERATIONS: u32 = 600_000;

/// Why a key stays closed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DecryptError {
    WrongPassphrase,
    /// The cipher or key derivation is not one of ours, by name or object identifier.
    Unsupported(String),
    /// The MAC of a store is not that of the passphrase and the contents.
    Mac,
    /// Asks for more work or memory than a limit here allows.
    TooCostly,
    Malformed,
}

impl From<Closed> for DecryptError {
    fn from(closed: Closed) -> Self {
        match closed {
            Closed::Malformed => Self::Malformed,
            Closed::Padding => Self::WrongPassphrase,
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Cipher {
    Old(OldCipher),
    Aes(usize),
}

impl Cipher {
    fn key_length(self) -> usize {
        match self {
            Self::Old(cipher) => cipher.key_length(),
            Self::Aes(length) => length,
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Old(cipher) => cipher.name(),
            Self::Aes(16) => "aes-128-cbc",
            Self::Aes(24) => "aes-192-cbc",
            Self::Aes(_) => "aes-256-cbc",
        }
    }
}

/// One DER element: its tag, its content, and what follows it.
fn element(input: &[u8]) -> Result<(u32, &[u8], &[u8]), DecryptError> {
    let (rest, any) = Any::from_der(input).map_err(|_| DecryptError::Malformed)?;
    Ok((any.tag().0, any.data, rest))
}

fn expect(input: &[u8], tag: u32) -> Result<(&[u8], &[u8]), DecryptError> {
    match element(input)? {
        (found, content, rest) if found == tag => Ok((content, rest)),
        _ => Err(DecryptError::Malformed),
    }
}

const INTEGER: u32 = 2;
const OCTET_STRING: u32 = 4;
const OBJECT_IDENTIFIER: u32 = 6;
const SEQUENCE: u32 = 16;

fn integer(input: &[u8]) -> Result<(u32, &[u8]), DecryptError> {
    let (content, rest) = expect(input, INTEGER)?;
    let digits = content.strip_prefix(&[0]).unwrap_or(content);
    if digits.len() > 4 || content.first().is_none_or(|first| first & 0x80 != 0) {
        return Err(DecryptError::TooCostly);
    }
    Ok((digits.iter().fold(0, |value, digit| value << 8 | u32::from(*digit)), rest))
}

/// The object identifier (content bytes) of an algorithm, its parameters, and what follows them.
type Identifier<'a> = (&'a [u8], &'a [u8], &'a [u8]);

/// An AlgorithmIdentifier.
fn algorithm(input: &[u8]) -> Result<Identifier<'_>, DecryptError> {
    let (content, rest) = expect(input, SEQUENCE)?;
    let (identifier, parameters) = expect(content, OBJECT_IDENTIFIER)?;
    Ok((identifier, parameters, rest))
}

fn unsupported(identifier: &[u8]) -> DecryptError {
    DecryptError::Unsupported(x509_parser::asn1_rs::Oid::new(identifier.into()).to_id_string())
}

// Contents of the object identifiers of RFC 8018, RFC 7914 and the AES arc of NIST.
const PBES2: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x05, 0x0d];
const PBKDF2: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x05, 0x0c];
const SCRYPT: &[u8] = &[0x2b, 0x06, 0x01, 0x04, 0x01, 0xda, 0x47, 0x04, 0x0b];
const DES_EDE3_CBC: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x03, 0x07];
const AES_128_CBC: &[u8] = &[0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x01, 0x02];
const AES_192_CBC: &[u8] = &[0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x01, 0x16];
const AES_256_CBC: &[u8] = &[0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x01, 0x2a];
/// The arc of the HMAC algorithms; one more byte names the hash.
const HMAC_ARC: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x02];
const HMAC_SHA256: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x02, 0x09];

/// The three parts of an EncryptedPrivateKeyInfo that uses PBES2.
struct Pbes2<'a> {
    derivation: &'a [u8],
    derivation_parameters: &'a [u8],
    cipher: Cipher,
    iv: &'a [u8],
    ciphertext: &'a [u8],
}

impl<'a> Pbes2<'a> {
    fn parse(der: &'a [u8]) -> Result<Self, DecryptError> {
        let (outer, _) = expect(der, SEQUENCE)?;
        let (scheme, parameters, rest) = algorithm(outer)?;
        if scheme != PBES2 {
            return Err(unsupported(scheme));
        }
        let (ciphertext, _) = expect(rest, OCTET_STRING)?;
        let (parameters, _) = expect(parameters, SEQUENCE)?;
        let (derivation, derivation_parameters, rest) = algorithm(parameters)?;
        let (cipher, cipher_parameters, _) = algorithm(rest)?;
        let cipher = match cipher {
            DES_EDE3_CBC => Cipher::Old(OldCipher::TripleDes),
            AES_128_CBC => Cipher::Aes(16),
            AES_192_CBC => Cipher::Aes(24),
            AES_256_CBC => Cipher::Aes(32),
            other => return Err(unsupported(other)),
        };
        let (iv, _) = expect(cipher_parameters, OCTET_STRING)?;
        Ok(Self { derivation, derivation_parameters, cipher, iv, ciphertext })
    }

    fn derive(&self, passphrase: &[u8], work: &mut Work) -> Result<Zeroizing<Vec<u8>>, DecryptError> {
        let mut key = Zeroizing::new(vec![0; self.cipher.key_length()]);
        match self.derivation {
            PBKDF2 => Pbkdf2::parse(self.derivation_parameters)?.derive(passphrase, &mut key, work)?,
            SCRYPT => {
                let (parameters, _) = expect(self.derivation_parameters, SEQUENCE)?;
                let (salt, rest) = expect(parameters, OCTET_STRING)?;
                let (cost, rest) = integer(rest)?;
                let (block, rest) = integer(rest)?;
                let (parallel, _) = integer(rest)?;
                // One block for each step of the cost and, at the same time, one for each parallel pass.
                let blocks = u64::from(cost) + u64::from(parallel);
                let memory = blocks.saturating_mul(u64::from(block)).saturating_mul(128);
                if memory > SCRYPT_MEMORY_LIMIT || parallel > SCRYPT_PARALLEL_LIMIT {
                    return Err(DecryptError::TooCostly);
                }
                work.spend(u64::from(cost) * u64::from(block) * u64::from(parallel) / SCRYPT_STEPS)?;
                if !cost.is_power_of_two() {
                    return Err(DecryptError::Malformed);
                }
                let parameters = scrypt::Params::new(cost.ilog2() as u8, block, parallel, key.len())
                    .map_err(|_| DecryptError::Malformed)?;
                scrypt::scrypt(passphrase, salt, &parameters, &mut key).map_err(|_| DecryptError::Malformed)?;
            }
            other => return Err(unsupported(other)),
        }
        Ok(key)
    }
}

/// The parameters of PBKDF2 (RFC 8018, A.2).
pub(super) struct Pbkdf2 {
    salt: Vec<u8>,
    iterations: u32,
    /// Of the key, in bytes, where it is said.
    pub(super) length: Option<u32>,
    function: pbkdf2::Algorithm,
}

impl std::fmt::Debug for Pbkdf2 {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Pbkdf2").field("iterations", &self.iterations).finish_non_exhaustive()
    }
}

impl Pbkdf2 {
    pub(super) fn parse(parameters: &[u8]) -> Result<Self, DecryptError> {
        let (parameters, _) = expect(parameters, SEQUENCE)?;
        let (salt, rest) = expect(parameters, OCTET_STRING)?;
        let (iterations, mut rest) = integer(rest)?;
        let mut length = None;
        if !rest.is_empty() && element(rest)?.0 == INTEGER {
            let (bytes, after) = integer(rest)?;
            (length, rest) = (Some(bytes), after);
        }
        Ok(Self { salt: salt.to_vec(), iterations, length, function: pseudo_random_function(rest)? })
    }

    pub(super) fn derive(&self, passphrase: &[u8], key: &mut [u8], work: &mut Work) -> Result<(), DecryptError> {
        work.spend(self.iterations.into())?;
        let iterations = NonZeroU32::new(self.iterations).ok_or(DecryptError::Malformed)?;
        pbkdf2::derive(self.function, iterations, &self.salt, passphrase, key);
        Ok(())
    }
}

/// PBMAC1 of a store (RFC 9579): how its key is derived, the bytes of the key, and the hash of its HMAC.
pub(super) fn pbmac1(parameters: &[u8]) -> Result<(Pbkdf2, usize, hmac::Algorithm), DecryptError> {
    let (parameters, _) = expect(parameters, SEQUENCE)?;
    let (derivation, derivation_parameters, rest) = algorithm(parameters)?;
    if derivation != PBKDF2 {
        return Err(unsupported(derivation));
    }
    let (scheme, _, _) = algorithm(rest)?;
    let hash = match scheme.strip_prefix(HMAC_ARC) {
        Some([0x09]) => hmac::HMAC_SHA256,
        Some([0x0a]) => hmac::HMAC_SHA384,
        Some([0x0b]) => hmac::HMAC_SHA512,
        _ => return Err(unsupported(scheme)),
    };
    let derivation = Pbkdf2::parse(derivation_parameters)?;
    // Section 5: the length must be there, and a short key is to be refused.
    let length = derivation.length.and_then(|length| usize::try_from(length).ok());
    match length.filter(|length| PBMAC1_KEY_BYTES.contains(length)) {
        Some(length) => Ok((derivation, length, hash)),
        None => Err(DecryptError::Unsupported("a key of no fit length".to_owned())),
    }
}

/// An EncryptedPrivateKeyInfo in one of PKCS#12's own ways: `pbeWithSHAAnd3-KeyTripleDES-CBC` and its neighbours.
struct OwnWay<'a> {
    cipher: OldCipher,
    salt: &'a [u8],
    iterations: NonZeroU32,
    ciphertext: &'a [u8],
}

impl<'a> OwnWay<'a> {
    /// `None` if it is encrypted in another way.
    fn parse(der: &'a [u8]) -> Result<Option<Self>, DecryptError> {
        let (outer, _) = expect(der, SEQUENCE)?;
        let (scheme, parameters, rest) = algorithm(outer)?;
        let cipher = match scheme.strip_prefix(PBE_ARC) {
            Some([3]) => OldCipher::TripleDes,
            Some([4]) => OldCipher::TwoKeyTripleDes,
            Some([5]) => OldCipher::Rc2(128),
            Some([6]) => OldCipher::Rc2(40),
            _ => return Ok(None),
        };
        let (ciphertext, _) = expect(rest, OCTET_STRING)?;
        let (parameters, _) = expect(parameters, SEQUENCE)?;
        let (salt, rest) = expect(parameters, OCTET_STRING)?;
        let (iterations, _) = integer(rest)?;
        let iterations = NonZeroU32::new(iterations).ok_or(DecryptError::Malformed)?;
        Ok(Some(Self { cipher, salt, iterations, ciphertext }))
    }

    fn decrypt(&self, passphrase: &[u8], work: &mut Work) -> Result<Zeroizing<Vec<u8>>, DecryptError> {
        work.spend(self.iterations.get().into())?;
        let passphrase = openssl_string(passphrase);
        let (key, iv) = key_and_iv(&passphrase, self.salt, self.iterations, self.cipher.key_length());
        self.cipher.decrypt(&key, &iv, self.ciphertext).map_err(DecryptError::from)
    }
}

/// The hash of PBKDF2; SHA-1 when none is named (RFC 8018, A.2).
fn pseudo_random_function(rest: &[u8]) -> Result<pbkdf2::Algorithm, DecryptError> {
    if rest.is_empty() {
        return Ok(pbkdf2::PBKDF2_HMAC_SHA1);
    }
    let (identifier, _, _) = algorithm(rest)?;
    match identifier.strip_prefix(HMAC_ARC) {
        Some([0x07]) => Ok(pbkdf2::PBKDF2_HMAC_SHA1),
        Some([0x09]) => Ok(pbkdf2::PBKDF2_HMAC_SHA256),
        Some([0x0a]) => Ok(pbkdf2::PBKDF2_HMAC_SHA384),
        Some([0x0b]) => Ok(pbkdf2::PBKDF2_HMAC_SHA512),
        _ => Err(unsupported(identifier)),
    }
}

/// The names of scheme and cipher, if both are ours.
pub(super) fn cipher_name(der: &[u8]) -> Option<(&'static str, &'static str)> {
    match OwnWay::parse(der) {
        Ok(Some(sealed)) => Some(("PKCS#12", sealed.cipher.name())),
        _ => Pbes2::parse(der).ok().map(|scheme| ("PBES2", scheme.cipher.name())),
    }
}

/// Opens an EncryptedPrivateKeyInfo: the PKCS#8 key within.
pub(super) fn decrypt(der: &[u8], passphrase: &[u8], work: &mut Work) -> Result<Zeroizing<Vec<u8>>, DecryptError> {
    if let Some(sealed) = OwnWay::parse(der)? {
        return sealed.decrypt(passphrase, work).and_then(require_sequence);
    }
    let scheme = Pbes2::parse(der)?;
    let key = scheme.derive(passphrase, work)?;
    let plain = decrypt_cbc(scheme.cipher, &key, scheme.iv, scheme.ciphertext)?;
    require_sequence(plain)
}

/// Opens a section with `DEK-Info: CIPHER,IV`: the key is an iterated MD5 of passphrase and salt,
/// the salt the first eight bytes of the IV.
pub(super) fn decrypt_legacy(
    ciphertext: &[u8],
    information: &str,
    passphrase: &[u8],
) -> Result<Zeroizing<Vec<u8>>, DecryptError> {
    let (name, iv) = information.split_once(',').ok_or(DecryptError::Malformed)?;
    let cipher = match name.trim() {
        "DES-EDE3-CBC" => Cipher::Old(OldCipher::TripleDes),
        "AES-128-CBC" => Cipher::Aes(16),
        "AES-192-CBC" => Cipher::Aes(24),
        "AES-256-CBC" => Cipher::Aes(32),
        other => return Err(DecryptError::Unsupported(other.to_owned())),
    };
    let iv = hexadecimal(iv.trim()).ok_or(DecryptError::Malformed)?;
    let salt = iv.get(..8).ok_or(DecryptError::Malformed)?;
    let mut key = Zeroizing::new(Vec::with_capacity(48));
    let mut digest = Zeroizing::new(Vec::new());
    while key.len() < cipher.key_length() {
        let next = Md5::new().chain_update(&*digest).chain_update(passphrase).chain_update(salt).finalize();
        *digest = next.to_vec();
        key.extend_from_slice(&digest);
    }
    key.truncate(cipher.key_length());
    require_sequence(decrypt_cbc(cipher, &key, &iv, ciphertext)?)
}

/// Padding that fits by chance is not enough to believe a passphrase: the key must be ASN.1 too.
fn require_sequence(plain: Zeroizing<Vec<u8>>) -> Result<Zeroizing<Vec<u8>>, DecryptError> {
    match Any::from_der(&plain) {
        Ok((b"", any)) if any.tag().0 == SEQUENCE => Ok(plain),
        _ => Err(DecryptError::WrongPassphrase),
    }
}

fn hexadecimal(text: &str) -> Option<Vec<u8>> {
    if !text.len().is_multiple_of(2) || !text.is_ascii() {
        return None;
    }
    (0..text.len()).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).ok()).collect()
}

fn decrypt_cbc(cipher: Cipher, key: &[u8], iv: &[u8], ciphertext: &[u8]) -> Result<Zeroizing<Vec<u8>>, DecryptError> {
    match cipher {
        Cipher::Old(cipher) => cipher.decrypt(key, iv, ciphertext).map_err(DecryptError::from),
        Cipher::Aes(length) => {
            let algorithm: &'static Algorithm = match length {
                16 => &AES_128,
                24 => &AES_192,
                _ => &AES_256,
            };
            let iv: [u8; 16] = iv.try_into().map_err(|_| DecryptError::Malformed)?;
            let key = UnboundCipherKey::new(algorithm, key).map_err(|_| DecryptError::Malformed)?;
            let key = PaddedBlockDecryptingKey::cbc_pkcs7(key).map_err(|_| DecryptError::Malformed)?;
            let mut buffer = Zeroizing::new(ciphertext.to_vec());
            let plain = key
                .decrypt(&mut buffer, DecryptionContext::Iv128(iv.into()))
                .map_err(|_| DecryptError::WrongPassphrase)?
                .len();
            buffer.truncate(plain);
            Ok(buffer)
        }
    }
}

/// Puts a PKCS#8 key under a passphrase: an EncryptedPrivateKeyInfo with PBKDF2 (HMAC-SHA-256) and
/// AES-256-CBC, which OpenSSL 1.1 and later, Java and mbedTLS read. Fails only if there is no randomness. Parts of PKCS#12
/// stores are encrypted so, too.
pub fn encrypt(pkcs8: &[u8], passphrase: &[u8], count: u32) -> Result<Vec<u8>, aws_lc_rs::error::Unspecified> {
    let mut salt = [0; 16];
    aws_lc_rs::rand::fill(&mut salt)?;
    let mut key = Zeroizing::new([0; 32]);
    let iterations = NonZeroU32::new(count).ok_or(aws_lc_rs::error::Unspecified)?;
    pbkdf2::derive(pbkdf2::PBKDF2_HMAC_SHA256, iterations, &salt, passphrase, &mut *key);
    let cipher = PaddedBlockEncryptingKey::cbc_pkcs7(UnboundCipherKey::new(&AES_256, &*key)?)?;
    let mut ciphertext = pkcs8.to_vec();
    let DecryptionContext::Iv128(iv) = cipher.encrypt(&mut ciphertext)? else {
        return Err(aws_lc_rs::error::Unspecified);
    };
    let iv: &[u8; 16] = iv.as_ref();

    let hmac = sequence(&[tlv(0x06, HMAC_SHA256), tlv(0x05, &[])]);
    // A zero before a first bit that would be taken for the sign.
    let digits = count.to_be_bytes();
    let first = digits.windows(2).take_while(|pair| pair[0] == 0 && pair[1] & 0x80 == 0).count();
    let count = tlv(0x02, &digits[first..]);
    let derivation = sequence(&[tlv(0x06, PBKDF2), sequence(&[tlv(0x04, &salt), count, hmac])]);
    let encryption = sequence(&[tlv(0x06, AES_256_CBC), tlv(0x04, iv)]);
    let scheme = sequence(&[tlv(0x06, PBES2), sequence(&[derivation, encryption])]);
    Ok(sequence(&[scheme, tlv(0x04, &ciphertext)]))
}

fn sequence(parts: &[Vec<u8>]) -> Vec<u8> {
    tlv(0x30, &parts.concat())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An encrypted key that asks for scrypt with these numbers.
    fn scrypt_key(cost: &[u8], block: &[u8], parallel: &[u8]) -> Vec<u8> {
        let numbers = [cost, block, parallel].map(|number| tlv(0x02, number)).concat();
        let derivation = sequence(&[tlv(0x06, SCRYPT), sequence(&[tlv(0x04, b"salt"), numbers])]);
        let encryption = sequence(&[tlv(0x06, AES_256_CBC), tlv(0x04, &[0; 16])]);
        let scheme = sequence(&[tlv(0x06, PBES2), sequence(&[derivation, encryption])]);
        sequence(&[scheme, tlv(0x04, &[0; 16])])
    }

    /// The parameters of PBMAC1 with this length of the key, or with none.
    fn pbmac1_with(length: &[u8], hash: u8) -> Vec<u8> {
        let function = sequence(&[tlv(0x06, HMAC_SHA256)]);
        let length = if length.is_empty() { Vec::new() } else { tlv(0x02, length) };
        let parameters = sequence(&[tlv(0x04, b"salt"), tlv(0x02, &[8]), length, function]);
        let derivation = sequence(&[tlv(0x06, PBKDF2), parameters]);
        sequence(&[derivation, sequence(&[tlv(0x06, &[HMAC_ARC, &[hash]].concat())])])
    }

    /// RFC 9579, section 5 and the invalid files of its appendix A.
    #[test]
    fn a_mac_without_a_fit_length_of_its_key_is_not_checked() {
        for length in [20, 32, 64] {
            assert_eq!(pbmac1(&pbmac1_with(&[length], 9)).unwrap().1, usize::from(length));
        }
        for length in [&[][..], &[0], &[19], &[65], &[1, 0]] {
            assert!(matches!(pbmac1(&pbmac1_with(length, 9)), Err(DecryptError::Unsupported(_))), "{length:?}");
        }
        assert!(matches!(pbmac1(&pbmac1_with(&[32], 4)), Err(DecryptError::Unsupported(_))));
    }

    #[test]
    fn no_key_makes_scrypt_take_more_memory_than_is_allowed() {
        assert_eq!(
            decrypt(&scrypt_key(&[16], &[8], &[1]), b"x", &mut Work::default()),
            Err(DecryptError::WrongPassphrase)
        );
        // Little for the cost, but 64 blocks of 128 MiB beside it.
        let rows: [[&[u8]; 3]; 3] =
            [[&[2], &[0x10, 0, 0], &[64]], [&[0x40, 0, 0, 0], &[8], &[1]], [&[16], &[8], &[65]]];
        for [cost, block, parallel] in rows {
            assert_eq!(
                decrypt(&scrypt_key(cost, block, parallel), b"x", &mut Work::default()),
                Err(DecryptError::TooCostly)
            );
        }
    }
}
