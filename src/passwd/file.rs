//! A password file as a broker reads it: every user once, every hash usable, or an error.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use super::hash::{Hash, HashError};
use super::line::{Line, lines};

/// The users of a password file and their hashes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct File {
    users: HashMap<Box<[u8]>, Hash>,
}

/// Whether a login is right.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    Right,
    Wrong,
    NoSuchUser,
}

/// Why a broker refuses the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FileError {
    /// Counted from 1.
    pub line: usize,
    pub fault: Fault,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    EmptyUser,
    DuplicateUser,
    EmptyHash,
    Hash(HashError),
}

impl File {
    /// Reads the text of a file. Comments, lines without `:` and those that begin with a zero byte are passed over, as
    /// Mosquitto does.
    pub fn parse(text: &[u8]) -> Result<Self, FileError> {
        let mut users = HashMap::new();
        for (index, line) in lines(text).enumerate().filter(|(_, line)| line.first() != Some(&0)) {
            let Line::Record { user, secret } = Line::parse(line) else { continue };
            let hash = readable(user, secret).map_err(|fault| FileError { line: index + 1, fault })?;
            match users.entry(user.into()) {
                Entry::Occupied(_) => return Err(FileError { line: index + 1, fault: Fault::DuplicateUser }),
                Entry::Vacant(free) => free.insert(hash),
            };
        }
        Ok(Self { users })
    }

    /// Checks a login. For a user who is not in the file it takes about as long as for a wrong
    /// password, so that the time does not tell which users exist.
    pub fn verify(&self, user: &[u8], password: &[u8]) -> Verdict {
        let compared = self.compared(user).map(|(hash, is_users)| (hash.verify(password), is_users));
        match compared {
            Some((true, true)) => Verdict::Right,
            Some((false, true)) => Verdict::Wrong,
            Some((_, false)) | None => Verdict::NoSuchUser,
        }
    }

    /// The hash that a login of `user` is compared with, and whether it is the user's own or a decoy.
    pub(super) fn compared(&self, user: &[u8]) -> Option<(&Hash, bool)> {
        let own = self.users.get(user).map(|hash| (hash, true));
        own.or_else(|| self.users.values().next().map(|decoy| (decoy, false)))
    }

    /// Whether there is such a user, which takes no time to see.
    pub fn has(&self, user: &[u8]) -> bool {
        self.users.contains_key(user)
    }

    /// Whether any of the hashes is argon2id, which not every Mosquitto reads.
    pub fn has_argon2id(&self) -> bool {
        self.users.values().any(|hash| matches!(hash, Hash::Argon2id { .. }))
    }

    /// How many users there are.
    pub fn len(&self) -> usize {
        self.users.len()
    }

    pub fn is_empty(&self) -> bool {
        self.users.is_empty()
    }
}

fn readable(user: &[u8], secret: &[u8]) -> Result<Hash, Fault> {
    if user.is_empty() {
        return Err(Fault::EmptyUser);
    }
    if secret.is_empty() {
        return Err(Fault::EmptyHash);
    }
    Hash::parse(secret).map_err(Fault::Hash)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::passwd::{Recipe, SALT_BYTES};

    fn hashed(password: &str) -> String {
        Hash::make(Recipe::Sha512, SALT_BYTES, password.as_bytes()).unwrap().to_string()
    }

    #[test]
    fn a_login_is_right_wrong_or_of_nobody() {
        let text = format!("# users\n\nnot a record\n ann : {} :left over\r\nbob:{}", hashed("a"), hashed("b"));
        let file = File::parse(text.as_bytes()).unwrap();
        assert_eq!(file.len(), 2);
        assert_eq!(file.verify(b"ann", b"a"), Verdict::Right);
        assert_eq!(file.verify(b"ann", b"b"), Verdict::Wrong);
        assert_eq!(file.verify(b"bob", b"b"), Verdict::Right);
        assert_eq!(file.verify(b"eve", b"a"), Verdict::NoSuchUser);
        assert_eq!(File::default().verify(b"ann", b"a"), Verdict::NoSuchUser);
    }

    #[test]
    fn what_a_broker_refuses_names_line_and_fault() {
        let good = hashed("x");
        let cases = [
            (format!("a:{good}\na:{good}\n"), 2, Fault::DuplicateUser),
            (format!("#\n :{good}\n"), 2, Fault::EmptyUser),
            ("a:\n".to_owned(), 1, Fault::EmptyHash),
            ("a: :x\n".to_owned(), 1, Fault::EmptyHash),
            (format!("a:{good}\nb:plain\n"), 2, Fault::Hash(HashError::UnknownKind)),
        ];
        for (text, line, fault) in cases {
            assert_eq!(File::parse(text.as_bytes()), Err(FileError { line, fault }), "{text}");
        }
    }
}
