//! One hashed password: the three encodings that password files hold, how they are made and checked.

use std::fmt;
use std::num::NonZeroU32;

use argon2::{Algorithm, Argon2, Block, Params, Version};
use aws_lc_rs::{constant_time, digest, pbkdf2, rand};
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD};
use zeroize::Zeroizing;

/// Bytes of a new salt. Mosquitto before 2.1 refuses any other length.
pub const SALT_BYTES: usize = 12;
/// Bytes of the salts that Mosquitto 2.1 makes; only it and we read them.
pub const SALT_BYTES_LONG: usize = 64;
/// Iterations of PBKDF2 that Mosquitto 2.1 uses.
pub const DEFAULT_ITERATIONS: NonZeroU32 = NonZeroU32::new(1000).expect("1000 is not 0");
/// Mosquitto reads the number into an `int`.
const MAX_ITERATIONS: u32 = i32::MAX.cast_unsigned();
/// Output of SHA-512, of PBKDF2 over it, and of argon2 as Mosquitto configures it.
const HASH_BYTES: usize = 64;
/// Memory that checking one login may take, in KiB: the largest that RFC 9106 recommends, 2 GiB.
/// A file that asks for more is refused instead of ending the broker.
const MAX_ARGON2_KIB: u32 = 2 * 1024 * 1024;
/// Bytes that a salt or hash of an argon2 entry may have.
const MAX_ARGON2_FIELD: usize = 1024;

/// The work that argon2id does for one password.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Argon2Cost {
    pub memory_kib: u32,
    pub passes: u32,
    pub lanes: u32,
}

impl Argon2Cost {
    /// What Mosquitto 2.1 uses where it is built with argon2.
    pub const DEFAULT: Self = Self { memory_kib: 47_104, passes: 1, lanes: 1 };
}

/// What a new hash is to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Recipe {
    Sha512,
    Pbkdf2 { iterations: NonZeroU32 },
    Argon2id(Argon2Cost),
}

/// A hashed password as a line of the file holds it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Hash {
    /// `$6$salt$hash`: one SHA-512 over password and salt.
    Sha512 { salt: Vec<u8>, hash: Vec<u8> },
    /// `$7$iterations$salt$hash`: PBKDF2-HMAC-SHA512.
    Pbkdf2 { iterations: NonZeroU32, salt: Vec<u8>, hash: Vec<u8> },
    /// `$argon2id$v=19$m=…,t=…,p=…$salt$hash`.
    Argon2id { cost: Argon2Cost, salt: Vec<u8>, hash: Vec<u8> },
}

/// Why a text is not a hash.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HashError {
    /// It begins like no encoding that is known here.
    UnknownKind,
    /// The number of iterations is missing, 0 or too large.
    Iterations,
    /// The argon2 version or parameters are missing, out of range or too costly.
    Cost,
    Salt,
    Hash,
}

/// The system gave no random bytes, or argon2 no memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HashingFailed;

impl Hash {
    /// Hashes `password` with a fresh salt. `salt_bytes` is 12 or 64 for hashes that Mosquitto is to read.
    pub fn make(recipe: Recipe, salt_bytes: usize, password: &[u8]) -> Result<Self, HashingFailed> {
        let mut salt = vec![0; salt_bytes];
        rand::fill(&mut salt).map_err(|_| HashingFailed)?;
        Ok(match recipe {
            Recipe::Sha512 => {
                let hash = sha512(password, &salt);
                Self::Sha512 { salt, hash }
            }
            Recipe::Pbkdf2 { iterations } => {
                let hash = pbkdf2_sha512(iterations, &salt, password, HASH_BYTES);
                Self::Pbkdf2 { iterations, salt, hash }
            }
            Recipe::Argon2id(cost) => {
                let hash = argon2id(cost, &salt, password, HASH_BYTES).ok_or(HashingFailed)?;
                Self::Argon2id { cost, salt, hash }
            }
        })
    }

    /// Reads the text of a hash as it stands after the user's name.
    pub fn parse(text: &[u8]) -> Result<Self, HashError> {
        let text = str::from_utf8(text).map_err(|_| HashError::UnknownKind)?;
        if let Some(fields) = text.strip_prefix("$6$") {
            let (salt, hash) = fields.split_once('$').ok_or(HashError::Hash)?;
            Ok(Self::Sha512 { salt: salt_of(salt)?, hash: hash_of(hash)? })
        } else if let Some(fields) = text.strip_prefix("$7$") {
            let (iterations, fields) = fields.split_once('$').ok_or(HashError::Salt)?;
            let iterations = iterations
                .parse::<NonZeroU32>()
                .ok()
                .filter(|number| number.get() <= MAX_ITERATIONS)
                .ok_or(HashError::Iterations)?;
            let (salt, hash) = fields.split_once('$').ok_or(HashError::Hash)?;
            Ok(Self::Pbkdf2 { iterations, salt: salt_of(salt)?, hash: hash_of(hash)? })
        } else if let Some(fields) = text.strip_prefix("$argon2id$") {
            parse_argon2id(fields)
        } else {
            Err(HashError::UnknownKind)
        }
    }

    /// Whether `password` is the one that was hashed. What is compared is compared in constant time.
    /// A password ends at its first NUL, as Mosquitto's does. The empty password is never right: a file may hold
    /// its hash because a variable was unset when the entry was made.
    pub fn verify(&self, password: &[u8]) -> bool {
        let password = until_nul(password);
        if password.is_empty() {
            return false;
        }
        let (computed, hash) = match self {
            Self::Sha512 { salt, hash } => (Some(sha512(password, salt)), hash),
            Self::Pbkdf2 { iterations, salt, hash } => {
                (Some(pbkdf2_sha512(*iterations, salt, password, hash.len())), hash)
            }
            Self::Argon2id { cost, salt, hash } => (argon2id(*cost, salt, password, hash.len()), hash),
        };
        computed.is_some_and(|computed| constant_time::verify_slices_are_equal(&computed, hash).is_ok())
    }

    /// Checked in less time than a message takes.
    pub(super) fn is_quick(&self) -> bool {
        matches!(self, Self::Sha512 { .. })
    }

    /// The name that `-H` has for this kind.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Sha512 { .. } => "sha512",
            Self::Pbkdf2 { .. } => "sha512-pbkdf2",
            Self::Argon2id { .. } => "argon2id",
        }
    }

    pub fn salt_bytes(&self) -> usize {
        match self {
            Self::Sha512 { salt, .. } | Self::Pbkdf2 { salt, .. } | Self::Argon2id { salt, .. } => salt.len(),
        }
    }

    /// Less work to guess than the defaults of today: a single SHA-512, fewer iterations than
    /// Mosquitto's 1000, or less argon2 than its own default.
    pub fn is_weak(&self) -> bool {
        match self {
            Self::Sha512 { .. } => true,
            Self::Pbkdf2 { iterations, .. } => *iterations < DEFAULT_ITERATIONS,
            Self::Argon2id { cost, .. } => {
                u64::from(cost.memory_kib) * u64::from(cost.passes) < u64::from(Argon2Cost::DEFAULT.memory_kib)
            }
        }
    }
}

/// The text as the file holds it.
impl fmt::Display for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sha512 { salt, hash } => write!(f, "$6${}${}", STANDARD.encode(salt), STANDARD.encode(hash)),
            Self::Pbkdf2 { iterations, salt, hash } => {
                write!(f, "$7${iterations}${}${}", STANDARD.encode(salt), STANDARD.encode(hash))
            }
            Self::Argon2id { cost: Argon2Cost { memory_kib, passes, lanes }, salt, hash } => write!(
                f,
                "$argon2id$v=19$m={memory_kib},t={passes},p={lanes}${}${}",
                STANDARD_NO_PAD.encode(salt),
                STANDARD_NO_PAD.encode(hash)
            ),
        }
    }
}

/// Whether nothing is left of a password before its first NUL, where it ends: no login with it is ever right.
pub fn is_empty_password(password: &[u8]) -> bool {
    until_nul(password).is_empty()
}

fn until_nul(password: &[u8]) -> &[u8] {
    password.split(|byte| *byte == 0).next().unwrap_or_default()
}

fn salt_of(text: &str) -> Result<Vec<u8>, HashError> {
    STANDARD.decode(text).ok().filter(|salt| [SALT_BYTES, SALT_BYTES_LONG].contains(&salt.len())).ok_or(HashError::Salt)
}

fn hash_of(text: &str) -> Result<Vec<u8>, HashError> {
    STANDARD.decode(text).ok().filter(|hash| hash.len() == HASH_BYTES).ok_or(HashError::Hash)
}

/// The part after `$argon2id$`, which may leave out the version only in files older than ours.
fn parse_argon2id(fields: &str) -> Result<Hash, HashError> {
    let fields = fields.strip_prefix("v=19$").ok_or(HashError::Cost)?;
    let (parameters, fields) = fields.split_once('$').ok_or(HashError::Cost)?;
    let mut numbers = parameters.splitn(3, ',').zip(["m=", "t=", "p="]);
    let mut number = || {
        let (field, name) = numbers.next().ok_or(HashError::Cost)?;
        field.strip_prefix(name).and_then(|digits| digits.parse::<u32>().ok()).ok_or(HashError::Cost)
    };
    let cost = Argon2Cost { memory_kib: number()?, passes: number()?, lanes: number()? };
    let (salt, hash) = fields.split_once('$').ok_or(HashError::Hash)?;
    let decode = |text: &str| STANDARD_NO_PAD.decode(text).ok().filter(|bytes| bytes.len() <= MAX_ARGON2_FIELD);
    let salt = decode(salt).filter(|salt| salt.len() >= argon2::MIN_SALT_LEN).ok_or(HashError::Salt)?;
    let hash = decode(hash).filter(|hash| hash.len() >= Params::MIN_OUTPUT_LEN).ok_or(HashError::Hash)?;
    cost.parameters(hash.len()).ok_or(HashError::Cost)?;
    Ok(Hash::Argon2id { cost, salt, hash })
}

impl Argon2Cost {
    /// `None` if argon2 does not allow these numbers or they take more memory than a login may.
    fn parameters(self, output: usize) -> Option<Params> {
        if self.memory_kib > MAX_ARGON2_KIB {
            return None;
        }
        Params::new(self.memory_kib, self.passes, self.lanes, Some(output)).ok()
    }

    /// Whether argon2 allows these numbers and a login may take this much memory.
    pub fn is_possible(self) -> bool {
        self.parameters(HASH_BYTES).is_some()
    }
}

fn sha512(password: &[u8], salt: &[u8]) -> Vec<u8> {
    let mut context = digest::Context::new(&digest::SHA512);
    context.update(password);
    context.update(salt);
    context.finish().as_ref().to_vec()
}

fn pbkdf2_sha512(iterations: NonZeroU32, salt: &[u8], password: &[u8], length: usize) -> Vec<u8> {
    let mut hash = vec![0; length];
    pbkdf2::derive(pbkdf2::PBKDF2_HMAC_SHA512, iterations, salt, password, &mut hash);
    hash
}

fn argon2id(cost: Argon2Cost, salt: &[u8], password: &[u8], length: usize) -> Option<Vec<u8>> {
    let parameters = cost.parameters(length)?;
    let mut memory = Vec::new();
    memory.try_reserve_exact(parameters.block_count()).ok()?;
    memory.resize(parameters.block_count(), Block::new());
    let mut hash = Zeroizing::new(vec![0; length]);
    Argon2::new(Algorithm::Argon2id, Version::V0x13, parameters)
        .hash_password_into_with_memory(password, salt, &mut hash, memory)
        .ok()?;
    Some(hash.to_vec())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Made by Debian's mosquitto_passwd 2.0.11 from `secret`.
    const DEBIAN_PBKDF2: &str = "$7$101$yENNU952S+6ZvYSK$vyagY37ulqvyRsbY6SjfoXPAgMPItbd0vbQN3eDlEp+h27ch8hg9iJ4dBTRQyJd7mOvQsvjeFdSV+G8T31WKVQ==";
    const DEBIAN_SHA512: &str =
        "$6$ZDNmglZaVX9YBDwP$hQnIfpQ0/qNpF+jkWDICeyBe8SWwwpMo59DjQsIOAAwFmiFIEVIWRokaJaC3nCjIPSSDvFq1BIE9DQ1+5AZ7Bw==";

    const RECIPES: [Recipe; 3] = [
        Recipe::Sha512,
        Recipe::Pbkdf2 { iterations: NonZeroU32::MIN },
        Recipe::Argon2id(Argon2Cost { memory_kib: 64, passes: 2, lanes: 1 }),
    ];

    #[test]
    fn what_debian_hashed_is_verified() {
        for text in [DEBIAN_PBKDF2, DEBIAN_SHA512] {
            let hash = Hash::parse(text.as_bytes()).unwrap();
            assert!(hash.verify(b"secret"));
            assert!(!hash.verify(b"Secret"));
            assert!(!hash.verify(b""));
            assert_eq!(hash.to_string(), text);
        }
    }

    #[test]
    fn every_kind_is_read_back_as_it_was_written() {
        for recipe in RECIPES {
            for salt_bytes in [SALT_BYTES, SALT_BYTES_LONG] {
                let hash = Hash::make(recipe, salt_bytes, b"p\xff:w").unwrap();
                assert_eq!(Hash::parse(hash.to_string().as_bytes()), Ok(hash.clone()));
                assert_eq!(hash.salt_bytes(), salt_bytes);
                assert!(hash.verify(b"p\xff:w"));
                assert!(!hash.verify(b"p\xff:"));
            }
        }
    }

    #[test]
    fn two_hashes_of_one_password_differ() {
        for recipe in RECIPES {
            assert_ne!(Hash::make(recipe, SALT_BYTES, b"a").unwrap(), Hash::make(recipe, SALT_BYTES, b"a").unwrap());
        }
    }

    #[test]
    fn argon2id_gives_what_the_reference_implementation_gives() {
        // `echo -n password | argon2 somesalt -id -t 2 -m 16 -p 1 -l 32` of the reference implementation.
        let text = "$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc";
        assert!(Hash::parse(text.as_bytes()).unwrap().verify(b"password"));
    }

    #[test]
    fn a_password_ends_at_its_first_nul() {
        let hash = Hash::make(Recipe::Sha512, SALT_BYTES, b"ab").unwrap();
        assert!(hash.verify(b"ab\0cd"));
    }

    #[test]
    fn the_empty_password_is_never_right_even_where_it_was_hashed() {
        for recipe in RECIPES {
            let hash = Hash::make(recipe, SALT_BYTES, b"").unwrap();
            for password in [&b""[..], b"\0", b"\0abc"] {
                assert!(!hash.verify(password));
                assert!(is_empty_password(password));
            }
        }
        assert!(!is_empty_password(b"a\0") && !is_empty_password(b" "));
    }

    #[test]
    fn a_damaged_hash_says_which_part_is_damaged() {
        let salt = "AAAAAAAAAAAAAAAA";
        let hash = STANDARD.encode([0; 64]);
        let cases = [
            ("", HashError::UnknownKind),
            ("plain", HashError::UnknownKind),
            ("$5$abc$def", HashError::UnknownKind),
            ("$6$AAAA", HashError::Hash),
            (&format!("$6$AAAA${hash}"), HashError::Salt),
            (&format!("$6$not base64$${hash}"), HashError::Salt),
            (&format!("$6${salt}$AAAA"), HashError::Hash),
            (&format!("$6${salt}${hash}$"), HashError::Hash),
            (&format!("$7$0${salt}${hash}"), HashError::Iterations),
            (&format!("$7$-1${salt}${hash}"), HashError::Iterations),
            (&format!("$7$2147483648${salt}${hash}"), HashError::Iterations),
            (&format!("$7$101${salt}"), HashError::Hash),
            ("$argon2id$v=16$m=64,t=1,p=1$c29tZXNhbHQ$CTFhFdXPJO0", HashError::Cost),
            ("$argon2id$v=19$m=64,t=1$c29tZXNhbHQ$CTFhFdXPJO0", HashError::Cost),
            ("$argon2id$v=19$m=64,t=0,p=1$c29tZXNhbHQ$CTFhFdXPJO0", HashError::Cost),
            ("$argon2id$v=19$m=4294967295,t=1,p=1$c29tZXNhbHQ$CTFhFdXPJO0", HashError::Cost),
            ("$argon2id$v=19$m=64,t=1,p=1$c2E$CTFhFdXPJO0", HashError::Salt),
            ("$argon2id$v=19$m=64,t=1,p=1$c29tZXNhbHQ$CT", HashError::Hash),
        ];
        for (text, error) in cases {
            assert_eq!(Hash::parse(text.as_bytes()), Err(error), "{text}");
        }
    }

    #[test]
    fn weak_is_what_costs_less_than_the_defaults() {
        let weak = |recipe| Hash::make(recipe, SALT_BYTES, b"x").unwrap().is_weak();
        let iterations = |count| Recipe::Pbkdf2 { iterations: NonZeroU32::new(count).unwrap() };
        assert!(weak(Recipe::Sha512));
        assert!(weak(iterations(999)));
        assert!(!weak(iterations(1000)));
        assert!(weak(RECIPES[2]));
        assert!(!weak(Recipe::Argon2id(Argon2Cost::DEFAULT)));
    }
}
