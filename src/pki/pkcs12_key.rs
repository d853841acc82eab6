//! Keys of PKCS#12 from passphrases (RFC 7292, appendix B), for its MAC and for its own encryption with 3DES and RC2.

use std::num::NonZeroU32;

use aws_lc_rs::digest::{self, Algorithm, Context};
use zeroize::Zeroizing;

use super::old_ciphers::{BLOCK, TRIPLE_DES_KEY_BYTES};

/// What a key is for (B.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    Key = 1,
    Iv = 2,
    Mac = 3,
}

/// The arc of the object identifiers of PKCS#12's own encryption (appendix C); one more byte names the cipher.
pub const PBE_ARC: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x0c, 0x01];

/// Content of the object identifier of `pbeWithSHAAnd3-KeyTripleDES-CBC`.
pub const PBE_SHA1_TRIPLE_DES: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x0c, 0x01, 0x03];

// Those of hashes, which name a MAC.
pub const SHA1: &[u8] = &[0x2b, 0x0e, 0x03, 0x02, 0x1a];
pub const SHA256: &[u8] = &[0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01];
pub const SHA384: &[u8] = &[0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x02];
pub const SHA512: &[u8] = &[0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x03];

/// The passphrase as PKCS#12 has it: UTF-16 with the greater byte first, and a zero at the end. `None` if it is no UTF-8.
pub fn bmp_string(passphrase: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    let text = str::from_utf8(passphrase).ok()?;
    let mut bytes = Zeroizing::new(Vec::with_capacity(2 * passphrase.len() + 2));
    for unit in text.encode_utf16().chain([0]) {
        bytes.extend_from_slice(&unit.to_be_bytes());
    }
    Some(bytes)
}

/// The same as OpenSSL has it, which takes bytes that are no UTF-8 for those of ISO 8859-1.
pub fn openssl_string(passphrase: &[u8]) -> Zeroizing<Vec<u8>> {
    bmp_string(passphrase).unwrap_or_else(|| {
        let units = passphrase.iter().chain(&[0]).flat_map(|byte| [0, *byte]);
        Zeroizing::new(units.collect())
    })
}

/// Appendix B.2. `passphrase` is a [`bmp_string`].
pub fn derive(
    hash: &'static Algorithm,
    purpose: Purpose,
    passphrase: &[u8],
    salt: &[u8],
    iterations: NonZeroU32,
    length: usize,
) -> Zeroizing<Vec<u8>> {
    let block = hash.block_len();
    let filled = |bytes: &[u8]| -> Zeroizing<Vec<u8>> {
        let length = bytes.len().div_ceil(block) * block;
        Zeroizing::new(bytes.iter().copied().cycle().take(length).collect())
    };
    let mut input = filled(salt);
    input.extend_from_slice(&filled(passphrase));
    let mut key = Zeroizing::new(Vec::with_capacity(length + hash.output_len()));
    while key.len() < length {
        let mut context = Context::new(hash);
        context.update(&vec![purpose as u8; block]);
        context.update(&input);
        let mut round = context.finish();
        for _ in 1..iterations.get() {
            round = digest::digest(hash, round.as_ref());
        }
        key.extend_from_slice(round.as_ref());
        let added: Vec<u8> = round.as_ref().iter().copied().cycle().take(block).collect();
        for part in input.chunks_exact_mut(block) {
            // The block, as one number, plus the other, plus one.
            let mut carry = 1;
            for (byte, more) in part.iter_mut().zip(&added).rev() {
                let sum = u16::from(*byte) + u16::from(*more) + carry;
                *byte = sum as u8;
                carry = sum >> 8;
            }
        }
    }
    key.truncate(length);
    key
}

/// A key of `length` bytes and the initialization vector that goes with it, by SHA-1 (appendix C).
pub fn key_and_iv(
    passphrase: &[u8],
    salt: &[u8],
    iterations: NonZeroU32,
    length: usize,
) -> (Zeroizing<Vec<u8>>, [u8; BLOCK]) {
    let sha1 = &digest::SHA1_FOR_LEGACY_USE_ONLY;
    let key = derive(sha1, Purpose::Key, passphrase, salt, iterations, length);
    let mut iv = [0; BLOCK];
    iv.copy_from_slice(&derive(sha1, Purpose::Iv, passphrase, salt, iterations, BLOCK));
    (key, iv)
}

/// The same for `pbeWithSHAAnd3-KeyTripleDES-CBC`.
pub fn triple_des_key(
    passphrase: &[u8],
    salt: &[u8],
    iterations: NonZeroU32,
) -> (Zeroizing<[u8; TRIPLE_DES_KEY_BYTES]>, [u8; BLOCK]) {
    let (derived, iv) = key_and_iv(passphrase, salt, iterations, TRIPLE_DES_KEY_BYTES);
    let mut key = Zeroizing::new([0; TRIPLE_DES_KEY_BYTES]);
    key.copy_from_slice(&derived);
    (key, iv)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hexadecimal(text: &str) -> Vec<u8> {
        (0..text.len()).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap()).collect()
    }

    /// Test vectors of PKCS#12 key derivation that several libraries carry ("smeg", "queeg").
    #[test]
    fn keys_are_those_that_others_derive() {
        let rows = [
            (Purpose::Key, "smeg", "0A58CF64530D823F", 1, "8AAAE6297B6CB04642AB5B077851284EB7128F1A2A7FBCA3"),
            (Purpose::Iv, "smeg", "0A58CF64530D823F", 1, "79993DFE048D3B76"),
            (Purpose::Mac, "smeg", "3D83C0E4546AC140", 1, "8D967D88F6CAA9D714800AB3D48051D63F73A312"),
            (Purpose::Key, "queeg", "05DEC959ACFF72F7", 1000, "ED2034E36328830FF09DF1E1A07DD357185DAC0D4F9EB3D4"),
            (Purpose::Iv, "queeg", "05DEC959ACFF72F7", 1000, "11DEDAD7758D4860"),
            (Purpose::Mac, "queeg", "263216FCC2FAB31C", 1000, "5EC4C7A80DF652294C3925B6489A7AB857C83476"),
        ];
        for (purpose, passphrase, salt, iterations, key) in rows {
            let (passphrase, key) = (bmp_string(passphrase.as_bytes()).unwrap(), hexadecimal(key));
            let iterations = NonZeroU32::new(iterations).unwrap();
            let hash = &digest::SHA1_FOR_LEGACY_USE_ONLY;
            let derived = derive(hash, purpose, &passphrase, &hexadecimal(salt), iterations, key.len());
            assert_eq!(derived.as_slice(), key, "{purpose:?}");
        }
    }
}
