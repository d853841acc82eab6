//! Password hashes of other programs, which no broker reads from a password file.

/// The beginnings of hashes, and what makes them.
const KINDS: &[(&str, &str)] = &[
    ("$2a$", "bcrypt"),
    ("$2b$", "bcrypt"),
    ("$2x$", "bcrypt"),
    ("$2y$", "bcrypt"),
    ("PBKDF2$", "PBKDF2 as mosquitto-go-auth writes it"),
    ("$argon2i$", "argon2i"),
    ("$argon2d$", "argon2d"),
    ("$1$", "MD5 of crypt(3)"),
    ("$apr1$", "MD5 of Apache's htpasswd"),
    ("$5$", "SHA-256 of crypt(3)"),
    ("$6$rounds=", "SHA-512 of crypt(3)"),
    ("$y$", "yescrypt of crypt(3)"),
    ("$gy$", "yescrypt of crypt(3)"),
    ("$7$rounds=", "scrypt of crypt(3)"),
    ("$scrypt$", "scrypt"),
    ("$pbkdf2", "PBKDF2 as Python's passlib writes it"),
    ("pbkdf2_sha", "PBKDF2 as Django writes it"),
    ("{SHA}", "SHA-1 of LDAP"),
    ("{SSHA", "salted SHA of LDAP"),
];

/// Lengths of unsalted hashes in hexadecimal digits: MD5, SHA-1, SHA-256, SHA-512.
const HEXADECIMAL: [usize; 4] = [32, 40, 64, 128];

/// The program or method that such a hash is of, if it is one.
pub fn foreign_kind(secret: &[u8]) -> Option<&'static str> {
    let named = KINDS.iter().find(|(start, _)| secret.starts_with(start.as_bytes())).map(|(_, kind)| *kind);
    let is_hexadecimal = HEXADECIMAL.contains(&secret.len()) && secret.iter().all(u8::is_ascii_hexdigit);
    named
        .or_else(|| is_hexadecimal.then_some("an unsalted hash in hexadecimal digits"))
        .or_else(|| is_crypt_sha512(secret))
}

/// `$6$SALT$HASH` of crypt(3) begins like Mosquitto's, and its hash has 86 characters without padding, of an alphabet of
/// its own.
fn is_crypt_sha512(secret: &[u8]) -> Option<&'static str> {
    let fields: Vec<_> = secret.split(|byte| *byte == b'$').collect();
    let is_crypt = fields.len() == 4 && fields[1] == b"6" && fields[2].len() <= 16 && fields[3].len() == 86;
    is_crypt.then_some("SHA-512 of crypt(3)")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::passwd::{Argon2Cost, DEFAULT_ITERATIONS, Hash, Recipe, SALT_BYTES, SALT_BYTES_LONG};

    #[test]
    fn hashes_of_others_are_named() {
        let crypt = format!("$6$abcdefgh${}", "a./Z".repeat(21) + "bc");
        let rows = [
            ("$2y$10$abcdefghijklmnopqrstuu", Some("bcrypt")),
            ("PBKDF2$sha512$100000$abc$def", Some("PBKDF2 as mosquitto-go-auth writes it")),
            ("$argon2i$v=19$m=1,t=1,p=1$abc$def", Some("argon2i")),
            ("5f4dcc3b5aa765d61d8327deb882cf99", Some("an unsalted hash in hexadecimal digits")),
            (crypt.as_str(), Some("SHA-512 of crypt(3)")),
            ("secret", None),
            ("$ecret", None),
            ("deadbeef", None),
        ];
        for (secret, kind) in rows {
            assert_eq!(foreign_kind(secret.as_bytes()), kind, "{secret}");
        }
    }

    #[test]
    fn our_own_are_none_of_them() {
        let recipes = [
            Recipe::Sha512,
            Recipe::Pbkdf2 { iterations: DEFAULT_ITERATIONS },
            Recipe::Argon2id(Argon2Cost { memory_kib: 64, passes: 1, lanes: 1 }),
        ];
        for recipe in recipes {
            for salt in [SALT_BYTES, SALT_BYTES_LONG] {
                let hash = Hash::make(recipe, salt, b"x").unwrap().to_string();
                assert_eq!(foreign_kind(hash.as_bytes()), None, "{hash}");
            }
        }
    }
}
