//! Verdicts on logins that cost much to check, so that each costs it once.
//!
//! What is kept of a password is a digest under a key that never leaves the process, together with the hash it was
//! checked against: a changed line of the password file makes another entry.

use std::collections::{HashMap, VecDeque};
use std::sync::{Mutex, OnceLock, PoisonError};

use aws_lc_rs::hmac;
use aws_lc_rs::rand::SystemRandom;

use super::file::{File, Verdict};
use super::hash::Hash;

/// Verdicts that are kept; the oldest goes first. Wrong logins have entries too, and an attacker makes many.
const ROOM: usize = 8192;

type Digest = [u8; 32];

/// Safe to share between threads; a check that is not remembered takes as long as its hash.
#[derive(Debug, Default)]
pub struct Remembered {
    /// Made at the first use. Without random numbers nothing is remembered.
    key: OnceLock<Option<hmac::Key>>,
    verdicts: Mutex<Verdicts>,
}

#[derive(Debug, Default)]
struct Verdicts {
    known: HashMap<Digest, bool>,
    oldest_first: VecDeque<Digest>,
}

impl Remembered {
    /// As [`File::verify`], from memory where possible.
    pub fn verify(&self, file: &File, user: &[u8], password: &[u8]) -> Verdict {
        if let Some(verdict) = self.recall(file, user, password) {
            return verdict;
        }
        let verdict = file.verify(user, password);
        if let Some(digest) = self.digest(file.compared(user), password) {
            self.keep(digest, verdict == Verdict::Right);
        }
        verdict
    }

    /// The verdict, if it costs next to nothing.
    pub fn recall(&self, file: &File, user: &[u8], password: &[u8]) -> Option<Verdict> {
        let compared = file.compared(user);
        if compared.is_none_or(|(hash, _)| hash.is_quick()) {
            return Some(file.verify(user, password));
        }
        let digest = self.digest(compared, password)?;
        let right = *self.verdicts.lock().unwrap_or_else(PoisonError::into_inner).known.get(&digest)?;
        Some(match compared {
            Some((_, true)) if right => Verdict::Right,
            Some((_, true)) => Verdict::Wrong,
            _ => Verdict::NoSuchUser,
        })
    }

    fn digest(&self, compared: Option<(&Hash, bool)>, password: &[u8]) -> Option<Digest> {
        let (hash, is_users) = compared?;
        let make = || hmac::Key::generate(hmac::HMAC_SHA256, &SystemRandom::new()).ok();
        let key = self.key.get_or_init(make).as_ref()?;
        let mut context = hmac::Context::with_key(key);
        // The text of a hash has no NUL in it, so that the three parts cannot run into each other.
        context.update(hash.to_string().as_bytes());
        context.update(&[0, u8::from(is_users)]);
        context.update(password);
        context.sign().as_ref().try_into().ok()
    }

    fn keep(&self, digest: Digest, right: bool) {
        let mut verdicts = self.verdicts.lock().unwrap_or_else(PoisonError::into_inner);
        if verdicts.known.insert(digest, right).is_none() {
            verdicts.oldest_first.push_back(digest);
        }
        while verdicts.oldest_first.len() > ROOM {
            if let Some(oldest) = verdicts.oldest_first.pop_front() {
                verdicts.known.remove(&oldest);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroU32;

    use super::*;
    use crate::passwd::{Recipe, SALT_BYTES};

    fn file(recipe: Recipe, password: &str) -> File {
        let hash = Hash::make(recipe, SALT_BYTES, password.as_bytes()).unwrap();
        File::parse(format!("ann:{hash}\n").as_bytes()).unwrap()
    }

    const SLOW: Recipe = Recipe::Pbkdf2 { iterations: NonZeroU32::new(10).unwrap() };

    #[test]
    fn a_login_is_remembered_whatever_came_of_it() {
        let (memory, file) = (Remembered::default(), file(SLOW, "a"));
        for (user, password, verdict) in
            [("ann", "a", Verdict::Right), ("ann", "b", Verdict::Wrong), ("eve", "a", Verdict::NoSuchUser)]
        {
            let (user, password) = (user.as_bytes(), password.as_bytes());
            assert_eq!(memory.recall(&file, user, password), None);
            assert_eq!(memory.verify(&file, user, password), verdict);
            assert_eq!(memory.recall(&file, user, password), Some(verdict));
        }
    }

    #[test]
    fn another_hash_of_the_same_password_is_another_login() {
        let memory = Remembered::default();
        let (first, second) = (file(SLOW, "a"), file(SLOW, "b"));
        assert_eq!(memory.verify(&first, b"ann", b"a"), Verdict::Right);
        assert_eq!(memory.recall(&second, b"ann", b"a"), None);
        assert_eq!(memory.verify(&second, b"ann", b"a"), Verdict::Wrong);
        assert_eq!(memory.recall(&first, b"ann", b"a"), Some(Verdict::Right));
    }

    #[test]
    fn what_is_quick_is_not_kept() {
        let (memory, file) = (Remembered::default(), file(Recipe::Sha512, "a"));
        assert_eq!(memory.recall(&file, b"ann", b"a"), Some(Verdict::Right));
        assert_eq!(memory.recall(&File::default(), b"ann", b"a"), Some(Verdict::NoSuchUser));
        assert!(memory.verdicts.lock().unwrap().known.is_empty());
    }

    fn numbered(number: usize) -> Digest {
        let mut digest = [0; 32];
        digest[..8].copy_from_slice(&number.to_be_bytes());
        digest
    }

    #[test]
    fn the_oldest_verdicts_go_first() {
        let memory = Remembered::default();
        for number in 0..=ROOM {
            memory.keep(numbered(number), true);
        }
        let verdicts = memory.verdicts.lock().unwrap();
        assert_eq!((verdicts.known.len(), verdicts.oldest_first.len()), (ROOM, ROOM));
        assert!(!verdicts.known.contains_key(&numbered(0)));
    }
}
