//! 3DES and RC2 in CBC with the padding of PKCS#7, around the block ciphers: aws-lc has them only in a build of its own, or not at all. Old
//! keys and old stores need them.

use des::TdesEde3;
use des::cipher::consts::U8;
use des::cipher::{BlockDecrypt, BlockEncrypt, KeyInit, generic_array::GenericArray};
use rc2::Rc2;
use zeroize::Zeroizing;

pub const TRIPLE_DES_KEY_BYTES: usize = 24;
pub const BLOCK: usize = 8;

/// A cipher of old stores, with its own length of the key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OldCipher {
    TripleDes,
    /// Its third key is the first.
    TwoKeyTripleDes,
    /// By the bits of its key: 40, which anybody can try out, or 128.
    Rc2(u16),
}

impl OldCipher {
    pub fn key_length(self) -> usize {
        match self {
            Self::TripleDes => TRIPLE_DES_KEY_BYTES,
            Self::TwoKeyTripleDes => TRIPLE_DES_KEY_BYTES / 3 * 2,
            Self::Rc2(bits) => usize::from(bits) / 8,
        }
    }

    pub fn name(self) -> &'static str {
        match self {
            Self::TripleDes => "des-ede3-cbc",
            Self::TwoKeyTripleDes => "des-ede-cbc",
            Self::Rc2(40) => "rc2-40-cbc",
            Self::Rc2(_) => "rc2-cbc",
        }
    }

    pub fn decrypt(self, key: &[u8], iv: &[u8], ciphertext: &[u8]) -> Result<Zeroizing<Vec<u8>>, Closed> {
        if key.len() != self.key_length() {
            return Err(Closed::Malformed);
        }
        match self {
            Self::TripleDes => decrypt_cbc(&TdesEde3::new(GenericArray::from_slice(key)), iv, ciphertext),
            Self::TwoKeyTripleDes => {
                let whole = Zeroizing::new([key, &key[..key.len() / 2]].concat());
                decrypt_cbc(&TdesEde3::new(GenericArray::from_slice(&whole)), iv, ciphertext)
            }
            Self::Rc2(bits) => decrypt_cbc(&Rc2::new_with_eff_key_len(key, bits.into()), iv, ciphertext),
        }
    }
}

/// Why a text stays closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Closed {
    /// The key, the initialization vector or the text has an impossible length.
    Malformed,
    /// The padding is wrong, as it is behind a wrong key.
    Padding,
}

fn decrypt_cbc(
    cipher: &impl BlockDecrypt<BlockSize = U8>,
    iv: &[u8],
    ciphertext: &[u8],
) -> Result<Zeroizing<Vec<u8>>, Closed> {
    if iv.len() != BLOCK || ciphertext.is_empty() || !ciphertext.len().is_multiple_of(BLOCK) {
        return Err(Closed::Malformed);
    }
    let mut plain = Zeroizing::new(Vec::with_capacity(ciphertext.len()));
    let mut previous = iv;
    for block in ciphertext.chunks_exact(BLOCK) {
        let mut buffer = GenericArray::clone_from_slice(block);
        cipher.decrypt_block(&mut buffer);
        plain.extend(buffer.iter().zip(previous).map(|(byte, mask)| byte ^ mask));
        previous = block;
    }
    let padding = plain.last().map_or(0, |last| usize::from(*last));
    let kept = plain.len().checked_sub(padding).ok_or(Closed::Padding)?;
    let well_padded = (1..=BLOCK).contains(&padding) && plain[kept..].iter().all(|byte| usize::from(*byte) == padding);
    if !well_padded {
        return Err(Closed::Padding);
    }
    plain.truncate(kept);
    Ok(plain)
}

/// With 3DES.
pub fn encrypt(key: &[u8; TRIPLE_DES_KEY_BYTES], iv: [u8; BLOCK], plain: &[u8]) -> Vec<u8> {
    let cipher = TdesEde3::new(GenericArray::from_slice(key));
    let padding = BLOCK - plain.len() % BLOCK;
    let mut padded = Zeroizing::new(Vec::with_capacity(plain.len() + padding));
    padded.extend_from_slice(plain);
    padded.extend(std::iter::repeat_n(padding as u8, padding));
    let mut ciphertext = Vec::with_capacity(padded.len());
    let mut previous = iv;
    for block in padded.chunks_exact(BLOCK) {
        let mut buffer = [0; BLOCK];
        for ((byte, plain), mask) in buffer.iter_mut().zip(block).zip(previous) {
            *byte = plain ^ mask;
        }
        let mut buffer = GenericArray::from(buffer);
        cipher.encrypt_block(&mut buffer);
        ciphertext.extend_from_slice(&buffer);
        previous = buffer.into();
    }
    ciphertext
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_encrypted_opens_again_whatever_its_length() {
        let key = std::array::from_fn(|at| at as u8);
        for length in 0..40 {
            let plain = vec![7; length];
            let ciphertext = encrypt(&key, [9; BLOCK], &plain);
            assert!(ciphertext.len() > length && ciphertext.len() <= length + BLOCK);
            let opened = OldCipher::TripleDes.decrypt(&key, &[9; BLOCK], &ciphertext);
            assert_eq!(opened.unwrap().as_slice(), plain);
        }
        for cipher in [OldCipher::TripleDes, OldCipher::TwoKeyTripleDes, OldCipher::Rc2(40), OldCipher::Rc2(128)] {
            let key = &key[..cipher.key_length()];
            assert_eq!(cipher.decrypt(key, &[9; BLOCK], &[1; 7]), Err(Closed::Malformed));
            assert_eq!(cipher.decrypt(&key[1..], &[9; BLOCK], &[1; 8]), Err(Closed::Malformed));
            assert_eq!(cipher.decrypt(key, &[9; BLOCK], &[1; 8]), Err(Closed::Padding));
        }
    }
}
