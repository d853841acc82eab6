//! What SCRAM computes: the mechanisms, prepared strings, and the keys that come of a password, RFC 5802, 2.2 and 3.

use std::fmt;
use std::num::NonZeroU32;

use aws_lc_rs::{constant_time, digest, hmac, pbkdf2, rand};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use zeroize::Zeroizing;

/// The fewest iterations that a client agrees to and that [`Keys`] are made with: RFC 5802, 5.1, and RFC 7677, 4. With fewer,
/// a server that is not the right one would make its guesses at the password cheap.
pub const LEAST_ITERATIONS: u32 = 4096;
/// The most, which keep a processor busy for about a second: a server must not make a client compute for ever.
pub const MOST_ITERATIONS: u32 = 2_000_000;
/// Of new keys: what RFC 7677, 4, calls the rule of thumb. They are computed by clients, which may be small.
pub const DEFAULT_ITERATIONS: u32 = 15_000;
/// Bytes of a new salt.
pub const SALT_BYTES: usize = 16;
/// Bytes that a salt may have.
pub(super) const SALT_BYTES_MOST: usize = 256;

/// SCRAM with one hash function, without channel binding.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Mechanism {
    Sha1,
    Sha256,
    Sha512,
}

/// Why a string is no user name and no password of SCRAM.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unprepared {
    NotUtf8,
    /// SASLprep (RFC 4013) forbids a character in it, such as a control character.
    Forbidden,
    /// SASLprep leaves nothing of it.
    Empty,
}

/// The system gives no random bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NoRandom;

/// Why a text is none of [`Keys`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeysFault {
    /// The number of iterations is missing or out of bounds.
    Iterations,
    Salt,
    Key,
}

/// Why no keys can be made of a password.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeysError {
    Password(Unprepared),
    NoRandom,
}

impl Mechanism {
    pub const ALL: [Self; 3] = [Self::Sha1, Self::Sha256, Self::Sha512];

    /// As the registry of SASL mechanisms has it, and so the Authentication Method.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Sha1 => "SCRAM-SHA-1",
            Self::Sha256 => "SCRAM-SHA-256",
            Self::Sha512 => "SCRAM-SHA-512",
        }
    }

    /// The names are in capital letters, RFC 4422, 3.1.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|mechanism| mechanism.name() == name)
    }

    const fn hmac(self) -> hmac::Algorithm {
        match self {
            Self::Sha1 => hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY,
            Self::Sha256 => hmac::HMAC_SHA256,
            Self::Sha512 => hmac::HMAC_SHA512,
        }
    }

    const fn digest(self) -> &'static digest::Algorithm {
        match self {
            Self::Sha1 => &digest::SHA1_FOR_LEGACY_USE_ONLY,
            Self::Sha256 => &digest::SHA256,
            Self::Sha512 => &digest::SHA512,
        }
    }

    const fn pbkdf2(self) -> pbkdf2::Algorithm {
        match self {
            Self::Sha1 => pbkdf2::PBKDF2_HMAC_SHA1,
            Self::Sha256 => pbkdf2::PBKDF2_HMAC_SHA256,
            Self::Sha512 => pbkdf2::PBKDF2_HMAC_SHA512,
        }
    }

    /// Bytes of every key and signature.
    pub(super) fn key_bytes(self) -> usize {
        self.digest().output_len()
    }

    /// HMAC(key, text)
    pub(super) fn mac(self, key: &[u8], text: &[u8]) -> Vec<u8> {
        hmac::sign(&hmac::Key::new(self.hmac(), key), text).as_ref().to_vec()
    }

    /// H(text)
    pub(super) fn hash(self, text: &[u8]) -> Vec<u8> {
        digest::digest(self.digest(), text).as_ref().to_vec()
    }

    /// Hi(password, salt, iterations), the SaltedPassword.
    pub(super) fn salted(self, password: &[u8], salt: &[u8], iterations: NonZeroU32) -> Zeroizing<Vec<u8>> {
        let mut salted = Zeroizing::new(vec![0; self.key_bytes()]);
        pbkdf2::derive(self.pbkdf2(), iterations, salt, password, &mut salted);
        salted
    }
}

impl fmt::Display for Mechanism {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Brings a user name or a password into the one form that both sides compute with: SASLprep, RFC 4013.
pub fn prepare(text: &[u8]) -> Result<Zeroizing<String>, Unprepared> {
    let text = str::from_utf8(text).map_err(|_| Unprepared::NotUtf8)?;
    let prepared = stringprep::saslprep(text).map_err(|_| Unprepared::Forbidden)?;
    if prepared.is_empty() { Err(Unprepared::Empty) } else { Ok(Zeroizing::new(prepared.into_owned())) }
}

/// What a server keeps of a password for one mechanism. Whoever reads it can pose as the server, and guess; he cannot log in.
#[derive(Clone, PartialEq, Eq)]
pub struct Keys {
    pub iterations: NonZeroU32,
    pub salt: Vec<u8>,
    /// H(ClientKey)
    pub(super) stored_key: Vec<u8>,
    pub(super) server_key: Vec<u8>,
}

impl fmt::Debug for Keys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Keys").field("iterations", &self.iterations).finish_non_exhaustive()
    }
}

impl Keys {
    /// Makes the keys of a password, with a fresh salt.
    pub fn make(mechanism: Mechanism, iterations: NonZeroU32, password: &[u8]) -> Result<Self, KeysError> {
        let password = prepare(password).map_err(KeysError::Password)?;
        let mut salt = vec![0; SALT_BYTES];
        rand::fill(&mut salt).map_err(|_| KeysError::NoRandom)?;
        Ok(Self::derive(mechanism, password.as_bytes(), salt, iterations))
    }

    /// `password` is [prepared](prepare).
    pub(super) fn derive(mechanism: Mechanism, password: &[u8], salt: Vec<u8>, iterations: NonZeroU32) -> Self {
        let salted = mechanism.salted(password, &salt, iterations);
        let client_key = Zeroizing::new(mechanism.mac(&salted, b"Client Key"));
        let stored_key = mechanism.hash(&client_key);
        Self { iterations, salt, stored_key, server_key: mechanism.mac(&salted, b"Server Key") }
    }

    /// Whether they are made of this password.
    pub fn verify(&self, mechanism: Mechanism, password: &[u8]) -> bool {
        prepare(password).is_ok_and(|password| {
            let made = Self::derive(mechanism, password.as_bytes(), self.salt.clone(), self.iterations);
            constant_time::verify_slices_are_equal(&made.stored_key, &self.stored_key).is_ok()
        })
    }

    /// Keys that no password gives, for a user who does not exist.
    pub fn of_nobody(mechanism: Mechanism, iterations: NonZeroU32, salt: Vec<u8>) -> Self {
        let key = vec![0; mechanism.key_bytes()];
        Self { iterations, salt, stored_key: key.clone(), server_key: key }
    }

    /// Reads `iterations$salt$StoredKey$ServerKey`, the last three in base64.
    pub fn parse(mechanism: Mechanism, text: &str) -> Result<Self, KeysFault> {
        let mut fields = text.split('$');
        let iterations = fields.next().and_then(|digits| digits.parse::<NonZeroU32>().ok());
        let iterations = iterations
            .filter(|count| (LEAST_ITERATIONS..=MOST_ITERATIONS).contains(&count.get()))
            .ok_or(KeysFault::Iterations)?;
        let mut decoded = || fields.next().and_then(|field| STANDARD.decode(field).ok());
        let salt = decoded().filter(|salt| (1..=SALT_BYTES_MOST).contains(&salt.len())).ok_or(KeysFault::Salt)?;
        let mut key = || decoded().filter(|key| key.len() == mechanism.key_bytes()).ok_or(KeysFault::Key);
        let (stored_key, server_key) = (key()?, key()?);
        match fields.next() {
            None => Ok(Self { iterations, salt, stored_key, server_key }),
            Some(_) => Err(KeysFault::Key),
        }
    }

    /// As [`Keys::parse`] reads them.
    pub fn text(&self) -> String {
        let Self { iterations, salt, stored_key, server_key } = self;
        let [salt, stored, server] = [salt, stored_key, server_key].map(|bytes| STANDARD.encode(bytes));
        format!("{iterations}${salt}${stored}${server}")
    }
}

/// A nonce of 24 printable characters without a comma.
pub(super) fn nonce() -> Result<String, NoRandom> {
    let mut random = [0; 18];
    rand::fill(&mut random).map_err(|_| NoRandom)?;
    Ok(STANDARD.encode(random))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_passwords_have_one_form() {
        let prepared = |text: &str| prepare(text.as_bytes()).map(|text| text.as_str().to_owned());
        // RFC 4013, 3: the examples.
        assert_eq!(prepared("I\u{ad}X"), Ok("IX".to_owned()));
        assert_eq!(prepared("user"), Ok("user".to_owned()));
        assert_eq!(prepared("USER"), Ok("USER".to_owned()));
        assert_eq!(prepared("\u{aa}"), Ok("a".to_owned()));
        assert_eq!(prepared("\u{2168}"), Ok("IX".to_owned()));
        assert_eq!(prepared("\u{7}"), Err(Unprepared::Forbidden));
        assert_eq!(prepared("\u{627}1"), Err(Unprepared::Forbidden));
        assert_eq!(prepared(""), Err(Unprepared::Empty));
        assert_eq!(prepared("\u{ad}"), Err(Unprepared::Empty));
        assert_eq!(prepare(b"\xff"), Err(Unprepared::NotUtf8));
    }

    #[test]
    fn keys_are_of_one_password_and_of_their_salt() {
        let iterations = NonZeroU32::new(LEAST_ITERATIONS).unwrap();
        for mechanism in Mechanism::ALL {
            let keys = Keys::make(mechanism, iterations, b"right").unwrap();
            assert!(keys.verify(mechanism, b"right") && !keys.verify(mechanism, b"wrong"));
            assert_ne!(Keys::make(mechanism, iterations, b"right").unwrap(), keys);
            assert_eq!(Mechanism::named(mechanism.name()), Some(mechanism));
            // What is written for people to see has no key in it.
            assert!(!format!("{keys:?}").contains("key"), "{keys:?}");
        }
    }
}
