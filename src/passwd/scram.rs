//! The file of users for SCRAM: a line a user, `name:keys`, where keys are of one mechanism or several, separated by commas:
//! `SCRAM-SHA-256$iterations$salt$StoredKey$ServerKey`. Lines and names are those of a password file; Mosquitto reads no such file.

use std::collections::hash_map::Entry;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fmt;
use std::num::NonZeroU32;

use aws_lc_rs::{digest, hmac, rand};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::line::{Line, lines};
use crate::scram::{DEFAULT_ITERATIONS, Keys, KeysError, KeysFault, Mechanism, NoRandom, SALT_BYTES, UserKeys};

/// What a line begins with that holds a random number in base64: the salts of users who do not exist come of it. A file
/// without it is one that somebody wrote by hand.
pub const DECOY: &str = "#decoy ";

/// The keys of one user, at least one, each mechanism once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record(pub Vec<(Mechanism, Keys)>);

/// Why a broker refuses the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FileError {
    /// Counted from 1.
    pub line: usize,
    pub fault: FileFault,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FileFault {
    EmptyUser,
    DuplicateUser,
    UserNotUtf8,
    /// The keys begin with no name of a mechanism.
    UnknownMechanism,
    DuplicateMechanism,
    Keys(KeysFault),
}

impl Record {
    /// Makes keys for each of `mechanisms`.
    pub fn make(mechanisms: &[Mechanism], iterations: NonZeroU32, password: &[u8]) -> Result<Self, KeysError> {
        let keys = |mechanism| Keys::make(mechanism, iterations, password).map(|keys| (mechanism, keys));
        mechanisms.iter().copied().map(keys).collect::<Result<_, _>>().map(Self)
    }

    /// Reads what stands after the user's name.
    pub fn parse(text: &[u8]) -> Result<Self, FileFault> {
        let text = str::from_utf8(text).map_err(|_| FileFault::UnknownMechanism)?;
        let mut record: Vec<(Mechanism, Keys)> = Vec::new();
        for part in text.split(',') {
            let (name, keys) = part.split_once('$').ok_or(FileFault::UnknownMechanism)?;
            let mechanism = Mechanism::named(name).ok_or(FileFault::UnknownMechanism)?;
            if record.iter().any(|(other, _)| *other == mechanism) {
                return Err(FileFault::DuplicateMechanism);
            }
            record.push((mechanism, Keys::parse(mechanism, keys).map_err(FileFault::Keys)?));
        }
        Ok(Self(record))
    }

    /// Whether the password is the one that all of the keys were made of.
    pub fn verify(&self, password: &[u8]) -> bool {
        self.0.iter().all(|(mechanism, keys)| keys.verify(*mechanism, password))
    }

    /// Keys with fewer iterations than new ones get.
    pub fn is_weak(&self) -> bool {
        self.0.iter().any(|(_, keys)| keys.iterations.get() < DEFAULT_ITERATIONS)
    }

    /// The first lines of a new file.
    pub fn heading() -> Result<String, NoRandom> {
        let mut random = [0; 32];
        rand::fill(&mut random).map_err(|_| NoRandom)?;
        Ok(format!("{DECOY}{}\n", STANDARD.encode(random)))
    }
}

impl fmt::Display for Record {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, (mechanism, keys)) in self.0.iter().enumerate() {
            write!(f, "{}{mechanism}${}", if index > 0 { "," } else { "" }, keys.text())?;
        }
        Ok(())
    }
}

/// The users of such a file.
#[derive(Clone)]
pub struct File {
    users: HashMap<Box<str>, Record>,
    decoy: hmac::Key,
    /// The iterations and bytes of salt that users of each mechanism have: what a user who does not exist gets too.
    shapes: BTreeMap<Mechanism, BTreeSet<(NonZeroU32, usize)>>,
}

impl fmt::Debug for File {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("File").field("users", &self.users.len()).finish_non_exhaustive()
    }
}

impl Default for File {
    fn default() -> Self {
        Self { users: HashMap::new(), decoy: hmac::Key::new(hmac::HMAC_SHA256, b""), shapes: BTreeMap::new() }
    }
}

impl File {
    /// Reads the text of a file. Comments, blank lines and lines without `:` are passed over, as in a password file.
    pub fn parse(text: &[u8]) -> Result<Self, FileError> {
        let mut users = HashMap::new();
        let mut shapes: BTreeMap<Mechanism, BTreeSet<(NonZeroU32, usize)>> = BTreeMap::new();
        let mut seed = None;
        for (index, line) in lines(text).enumerate() {
            if let Some(decoy) = line.strip_prefix(DECOY.as_bytes()) {
                seed = seed.or(STANDARD.decode(decoy.trim_ascii()).ok());
            }
            let Line::Record { user, secret } = Line::parse(line) else { continue };
            let refused = |fault| FileError { line: index + 1, fault };
            if user.is_empty() {
                return Err(refused(FileFault::EmptyUser));
            }
            let user = str::from_utf8(user).map_err(|_| refused(FileFault::UserNotUtf8))?;
            let record = Record::parse(secret).map_err(refused)?;
            for (mechanism, keys) in &record.0 {
                shapes.entry(*mechanism).or_default().insert((keys.iterations, keys.salt.len()));
            }
            match users.entry(user.into()) {
                Entry::Occupied(_) => return Err(refused(FileFault::DuplicateUser)),
                Entry::Vacant(free) => free.insert(record),
            };
        }
        // What nobody outside knows in any case is the file itself.
        let seed = seed.unwrap_or_else(|| digest::digest(&digest::SHA256, text).as_ref().to_vec());
        Ok(Self { users, decoy: hmac::Key::new(hmac::HMAC_SHA256, &seed), shapes })
    }

    pub fn keys(&self, user: &str, mechanism: Mechanism) -> Option<&Keys> {
        let record = self.users.get(user)?;
        record.0.iter().find(|(known, _)| *known == mechanism).map(|(_, keys)| keys)
    }

    /// The keys that a login of `user` is compared with, which nobody has where there is no such user: in the form that the
    /// users of the mechanism have theirs, and always the same for the same name.
    pub fn compared(&self, user: &str, mechanism: Mechanism) -> UserKeys {
        // Made in any case, so that it takes as long for a user who exists.
        let decoy = self.decoy(user, mechanism);
        match self.keys(user, mechanism) {
            Some(keys) => UserKeys { keys: keys.clone(), is_known: true },
            None => UserKeys { keys: decoy, is_known: false },
        }
    }

    fn decoy(&self, user: &str, mechanism: Mechanism) -> Keys {
        // Where users differ, names that do not exist differ as well, or a rare shape would tell who does.
        let chosen = |shapes: &BTreeSet<_>| {
            let text = format!("shape {mechanism} {user}");
            let number = hmac::sign(&self.decoy, text.as_bytes())
                .as_ref()
                .iter()
                .take(8)
                .fold(0, |number, byte| number << 8 | u64::from(*byte));
            shapes.iter().nth((number % (shapes.len() as u64).max(1)) as usize).copied()
        };
        let default = (NonZeroU32::new(DEFAULT_ITERATIONS).unwrap_or(NonZeroU32::MIN), SALT_BYTES);
        let (iterations, salt_bytes) = self.shapes.get(&mechanism).and_then(chosen).unwrap_or(default);
        let mut salt = Vec::new();
        while salt.len() < salt_bytes {
            let text = format!("{} {mechanism} {user}", salt.len());
            salt.extend_from_slice(hmac::sign(&self.decoy, text.as_bytes()).as_ref());
        }
        salt.truncate(salt_bytes);
        Keys::of_nobody(mechanism, iterations, salt)
    }

    /// Whether there is such a user.
    pub fn has(&self, user: &str) -> bool {
        self.users.contains_key(user)
    }

    pub fn users(&self) -> impl Iterator<Item = &str> {
        self.users.keys().map(|user| &**user)
    }

    pub fn len(&self) -> usize {
        self.users.len()
    }

    pub fn is_empty(&self) -> bool {
        self.users.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scram::{Credentials, LEAST_ITERATIONS, Refused, ServerExchange};

    fn record(mechanisms: &[Mechanism]) -> Record {
        Record::make(mechanisms, NonZeroU32::new(LEAST_ITERATIONS).unwrap(), b"right").unwrap()
    }

    #[test]
    fn what_is_written_is_read_again_and_holds_no_password() {
        let made = record(&Mechanism::ALL);
        let text = format!("{}\n# users\n ann : {made}\r\n\nnot a record\n", Record::heading().unwrap().trim_end());
        assert!(!text.contains("right"));
        let file = File::parse(text.as_bytes()).unwrap();
        assert_eq!((file.len(), file.users().collect::<Vec<_>>()), (1, vec!["ann"]));
        for (mechanism, keys) in &made.0 {
            assert_eq!(file.keys("ann", *mechanism), Some(keys));
            assert_eq!(file.keys("bob", *mechanism), None);
        }
        assert!(made.verify(b"right") && !made.verify(b"wrong") && made.is_weak());
    }

    #[test]
    fn what_a_broker_refuses_names_line_and_fault() {
        let good = record(&[Mechanism::Sha256]).to_string();
        let fields: Vec<&str> = good.split('$').collect();
        let with = |index: usize, value: &str| {
            let mut fields = fields.clone();
            fields[index] = value;
            format!("a:{}\n", fields.join("$"))
        };
        let cases = [
            (format!("a:{good}\na:{good}\n"), 2, FileFault::DuplicateUser),
            (format!("#\n :{good}\n"), 2, FileFault::EmptyUser),
            ("a:$7$101$x$y\n".to_owned(), 1, FileFault::UnknownMechanism),
            ("a:plain\n".to_owned(), 1, FileFault::UnknownMechanism),
            ("a:\n".to_owned(), 1, FileFault::UnknownMechanism),
            (format!("a:{good},{good}\n"), 1, FileFault::DuplicateMechanism),
            (with(1, "4095"), 1, FileFault::Keys(KeysFault::Iterations)),
            (with(1, "2000001"), 1, FileFault::Keys(KeysFault::Iterations)),
            (with(2, ""), 1, FileFault::Keys(KeysFault::Salt)),
            (with(3, "AAAA"), 1, FileFault::Keys(KeysFault::Key)),
            (with(4, "?"), 1, FileFault::Keys(KeysFault::Key)),
            (format!("a:{good}$AAAA\n"), 1, FileFault::Keys(KeysFault::Key)),
        ];
        for (text, line, fault) in cases {
            assert_eq!(File::parse(text.as_bytes()).unwrap_err(), FileError { line, fault }, "{text}");
        }
        assert!(File::parse(b"\xff:x\n").is_err());
    }

    #[test]
    fn a_user_who_does_not_exist_is_answered_like_one_who_does() {
        let mechanism = Mechanism::Sha256;
        let file = File::parse(format!("user:{}\n", record(&[mechanism])).as_bytes()).unwrap();
        let challenge = |user: &str| {
            let credentials = Credentials::new(mechanism, user.as_bytes(), b"right").unwrap();
            let (mut client, first) = credentials.begin().unwrap();
            let begun = ServerExchange::begin(mechanism, &first, |user| file.compared(user, mechanism));
            let (server, server_first) = begun.unwrap();
            let text = String::from_utf8(server_first.clone()).unwrap();
            let (nonce, rest) = text.split_once(',').unwrap();
            let last = client.answer(&credentials, &server_first).unwrap();
            (nonce.len(), rest.to_owned(), server.finish(file.keys(user, mechanism), &last))
        };
        let (nonce, rest, result) = challenge("user");
        assert!(result.is_ok());
        let (other_nonce, other_rest, result) = challenge("nobody");
        assert_eq!((other_nonce, other_rest.len(), result), (nonce, rest.len(), Err(Refused::Proof)));
        assert_eq!(challenge("nobody").1, other_rest, "a salt that changes would tell");
        assert_ne!(challenge("anybody").1, other_rest);
        // Of a user who has no keys for this mechanism nothing is told either.
        assert!(!file.compared("user", Mechanism::Sha1).is_known);
    }

    #[test]
    fn where_users_have_different_iterations_names_that_do_not_exist_have_them_too() {
        let mechanism = Mechanism::Sha256;
        let of = |iterations| Record::make(&[mechanism], NonZeroU32::new(iterations).unwrap(), b"right").unwrap();
        let file = File::parse(format!("ann:{}\nbob:{}\n", of(4096), of(5000)).as_bytes()).unwrap();
        let shown: BTreeSet<_> =
            (0..40).map(|number| file.decoy(&format!("nobody{number}"), mechanism).iterations.get()).collect();
        assert_eq!(shown, BTreeSet::from([4096, 5000]));
        assert_eq!(file.decoy("nobody", mechanism).iterations, file.decoy("nobody", mechanism).iterations);
    }

    #[test]
    fn the_salt_of_nobody_outlasts_changes_of_the_file_where_it_has_a_number_of_its_own() {
        let heading = Record::heading().unwrap();
        let decoy = |text: String| File::parse(text.as_bytes()).unwrap().decoy("nobody", Mechanism::Sha256).salt;
        let [one, other] = [record(&[Mechanism::Sha256]), record(&[Mechanism::Sha256])];
        let salt = decoy(format!("{heading}ann:{one}\n"));
        assert_eq!(decoy(format!("{heading}ann:{other}\nbob:{one}\n")), salt);
        assert_ne!(decoy(format!("ann:{one}\n")), salt);
        assert_ne!(decoy(format!("ann:{other}\n")), decoy(format!("ann:{one}\n")));
    }
}
