//! 3DES in CBC with the padding of PKCS#7, around the block cipher: aws-lc has it only in a build of its own. Old keys and old stores
//! need it.

use des::TdesEde3;
use des::cipher::{BlockDecrypt, BlockEncrypt, KeyInit, generic_array::GenericArray};
use zeroize::Zeroizing;

pub const KEY_BYTES: usize = 24;
pub const BLOCK: usize = 8;

/// Why a text stays closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Closed {
    /// The key, the initialization vector or the text has an impossible length.
    Malformed,
    /// The padding is wrong, as it is behind a wrong key.
    Padding,
}

pub fn decrypt(key: &[u8], iv: &[u8], ciphertext: &[u8]) -> Result<Zeroizing<Vec<u8>>, Closed> {
    let cipher = TdesEde3::new_from_slice(key).map_err(|_| Closed::Malformed)?;
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

pub fn encrypt(key: &[u8; KEY_BYTES], iv: [u8; BLOCK], plain: &[u8]) -> Vec<u8> {
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
            assert_eq!(decrypt(&key, &[9; BLOCK], &ciphertext).unwrap().as_slice(), plain);
        }
        assert_eq!(decrypt(&key, &[9; BLOCK], &[1; 7]), Err(Closed::Malformed));
        assert_eq!(decrypt(&key[..5], &[9; BLOCK], &[1; 8]), Err(Closed::Malformed));
    }
}
