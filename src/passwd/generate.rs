//! A password that nobody has to think of.

use aws_lc_rs::rand;
use zeroize::Zeroizing;

use super::hash::HashingFailed;

/// Letters and digits: nothing that a shell, a URL or a password file would take for something else.
const ALPHABET: &[u8; 62] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

/// A random password of `length` letters and digits, each as likely as the others.
pub fn generate(length: usize) -> Result<Zeroizing<Vec<u8>>, HashingFailed> {
    let mut password = Zeroizing::new(Vec::with_capacity(length));
    let mut random = Zeroizing::new([0; 64]);
    while password.len() < length {
        rand::fill(random.as_mut_slice()).map_err(|_| HashingFailed)?;
        // 64 values of 6 bits; the two that have no character are thrown away instead of wrapped.
        let characters = random.iter().filter_map(|byte| ALPHABET.get(usize::from(byte & 63)));
        let missing = length - password.len();
        password.extend(characters.take(missing));
    }
    Ok(password)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_has_its_length_and_no_two_are_equal() {
        let (one, other) = (generate(100).unwrap(), generate(100).unwrap());
        assert_eq!((one.len(), other.len()), (100, 100));
        assert_ne!(one, other);
        assert!(one.iter().all(u8::is_ascii_alphanumeric));
    }

    #[test]
    fn every_character_occurs() {
        let password = generate(10_000).unwrap();
        assert!(ALPHABET.iter().all(|character| password.contains(character)));
    }
}
