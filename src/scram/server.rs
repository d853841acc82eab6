//! The server's half: the challenge, and whether the proof is right.

use std::fmt;

use aws_lc_rs::constant_time;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::keys::{Keys, Mechanism, nonce};
use super::message::{attribute, is_nonce, text, unescape};

/// Why a client is not let in. Nobody outside is told which.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refused {
    /// What came is no message of SCRAM, or asks for what is not offered: channel binding, another identity.
    Malformed,
    /// The proof is wrong, or there is no such user.
    Proof,
    NoRandom,
}

/// One login under way.
#[derive(Clone)]
pub struct ServerExchange {
    mechanism: Mechanism,
    user: String,
    /// The user's, or made up.
    keys: Keys,
    is_known: bool,
    gs2_header: String,
    nonce: String,
    /// The first two parts of the AuthMessage.
    auth_message: String,
}

impl fmt::Debug for ServerExchange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ServerExchange").field("mechanism", &self.mechanism).finish_non_exhaustive()
    }
}

/// What is known of a user.
#[derive(Clone, Debug)]
pub struct UserKeys {
    /// The user's, or [of nobody](Keys::of_nobody).
    pub keys: Keys,
    pub is_known: bool,
}

impl ServerExchange {
    /// Takes the client-first-message: the exchange, and the server-first-message. `keys_of` makes up keys for a user who does
    /// not exist, always the same: the exchange goes on with them as with others.
    pub fn begin(
        mechanism: Mechanism,
        client_first: &[u8],
        keys_of: impl FnOnce(&str) -> UserKeys,
    ) -> Result<(Self, Vec<u8>), Refused> {
        let nonce = nonce().map_err(|_| Refused::NoRandom)?;
        Self::begin_with(mechanism, client_first, keys_of, &nonce)
    }

    fn begin_with(
        mechanism: Mechanism,
        client_first: &[u8],
        keys_of: impl FnOnce(&str) -> UserKeys,
        nonce: &str,
    ) -> Result<(Self, Vec<u8>), Refused> {
        let first = text(client_first).ok_or(Refused::Malformed)?;
        let (user, client_nonce, bare) = parse_first(first).ok_or(Refused::Malformed)?;
        let UserKeys { keys, is_known } = keys_of(&user);
        let nonce = format!("{client_nonce}{nonce}");
        let server_first = format!("r={nonce},s={},i={}", STANDARD.encode(&keys.salt), keys.iterations);
        let exchange = Self {
            mechanism,
            user,
            keys,
            is_known,
            gs2_header: first[..first.len() - bare.len()].to_owned(),
            nonce,
            auth_message: format!("{bare},{server_first}"),
        };
        Ok((exchange, server_first.into_bytes()))
    }

    pub fn mechanism(&self) -> Mechanism {
        self.mechanism
    }

    /// Who says to log in.
    pub fn user(&self) -> &str {
        &self.user
    }

    /// The keys that the login is compared with.
    pub fn keys(&self) -> &Keys {
        &self.keys
    }

    /// Takes the client-final-message: the server-final-message for who has proved to be the user. `in_force`: the keys that
    /// the user has now; if they have changed since the beginning nobody gets in.
    pub fn finish(&self, in_force: Option<&Keys>, client_final: &[u8]) -> Result<Vec<u8>, Refused> {
        let last = text(client_final).ok_or(Refused::Malformed)?;
        let (without_proof, proof) = last.rsplit_once(",p=").ok_or(Refused::Malformed)?;
        let mut parts = without_proof.split(',');
        let binding = attribute(parts.next(), 'c').and_then(|text| STANDARD.decode(text).ok());
        let nonce = attribute(parts.next(), 'r');
        if binding.as_deref() != Some(self.gs2_header.as_bytes()) || nonce != Some(&self.nonce) {
            return Err(Refused::Malformed);
        }
        let proof = STANDARD.decode(proof).map_err(|_| Refused::Malformed)?;
        let mechanism = self.mechanism;
        if proof.len() != mechanism.key_bytes() {
            return Err(Refused::Malformed);
        }
        let auth_message = format!("{},{without_proof}", self.auth_message);
        let signature = mechanism.mac(&self.keys.stored_key, auth_message.as_bytes());
        let client_key: Vec<u8> = proof.iter().zip(&signature).map(|(proof, signature)| proof ^ signature).collect();
        let stored_key = mechanism.hash(&client_key);
        let is_right = constant_time::verify_slices_are_equal(&stored_key, &self.keys.stored_key).is_ok();
        if !(is_right && self.is_known && in_force == Some(&self.keys)) {
            return Err(Refused::Proof);
        }
        let signature = mechanism.mac(&self.keys.server_key, auth_message.as_bytes());
        Ok(format!("v={}", STANDARD.encode(signature)).into_bytes())
    }
}

/// User, nonce and the part without header of a client-first-message. `y` says that the client could do channel binding,
/// which we do not offer; to act as somebody else (`a=`) is nobody allowed.
fn parse_first(first: &str) -> Option<(String, &str, &str)> {
    let mut parts = first.splitn(3, ',');
    let flag = parts.next()?;
    let identity = parts.next()?;
    let bare = parts.next()?;
    let mut attributes = bare.split(',');
    let user = unescape(attribute(attributes.next(), 'n')?).filter(|user| !user.is_empty())?;
    let nonce = attribute(attributes.next(), 'r').filter(|nonce| is_nonce(nonce))?;
    let acts_as_itself =
        identity.is_empty() || attribute(Some(identity), 'a').and_then(unescape).as_deref() == Some(&user);
    (matches!(flag, "n" | "y") && acts_as_itself).then_some((user, nonce, bare))
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroU32;

    use super::*;
    use crate::scram::Credentials;

    fn keys(mechanism: Mechanism, password: &str, salt: &[u8]) -> Keys {
        Keys::derive(mechanism, password.as_bytes(), salt.to_vec(), NonZeroU32::new(4096).unwrap())
    }

    fn known(keys: &Keys) -> UserKeys {
        UserKeys { keys: keys.clone(), is_known: true }
    }

    #[test]
    fn the_vectors_of_the_rfcs_from_the_servers_side() {
        let rows = [
            (
                Mechanism::Sha1,
                "QSXCR+Q6sek8bf92",
                "n,,n=user,r=fyko+d2lbbFgONRv9qkxdawL",
                "3rfcNHYJY1ZVvWVs7j",
                "r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,s=QSXCR+Q6sek8bf92,i=4096",
                "c=biws,r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,p=v0X8v3Bz2T0CJGbJQyF0X+HI4Ts=",
                "v=rmF9pqV8S7suAoZWja4dJRkFsKQ=",
            ),
            (
                Mechanism::Sha256,
                "W22ZaJ0SNY7soEsUEjb6gQ==",
                "n,,n=user,r=rOprNGfwEbeRWgbNEkqO",
                "%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0",
                "r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096",
                "c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=",
                "v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=",
            ),
        ];
        for (mechanism, salt, first, nonce, server_first, last, server_final) in rows {
            let keys = keys(mechanism, "pencil", &STANDARD.decode(salt).unwrap());
            let begin = |nonce| ServerExchange::begin_with(mechanism, first.as_bytes(), |_| known(&keys), nonce);
            let (exchange, message) = begin(nonce).unwrap();
            assert_eq!(String::from_utf8(message).unwrap(), server_first);
            assert_eq!(exchange.finish(Some(&keys), last.as_bytes()).unwrap(), server_final.as_bytes());
            // The proof is of this exchange alone.
            let (other, _) = begin("other").unwrap();
            assert_eq!(other.finish(Some(&keys), last.as_bytes()), Err(Refused::Malformed));
        }
    }

    #[test]
    fn both_halves_agree_in_every_mechanism_and_only_on_the_right_password() {
        for mechanism in Mechanism::ALL {
            let keys = keys(mechanism, "right", b"0123456789abcdef");
            for (password, is_right) in [("right", true), ("wrong", false)] {
                let credentials = Credentials::new(mechanism, b"user", password.as_bytes()).unwrap();
                let (mut client, first) = credentials.begin().unwrap();
                let (server, server_first) = ServerExchange::begin(mechanism, &first, |_| known(&keys)).unwrap();
                let last = client.answer(&credentials, &server_first).unwrap();
                let server_final = server.finish(Some(&keys), &last);
                assert_eq!(server_final.is_ok(), is_right, "{mechanism} {password}");
                if let Ok(server_final) = server_final {
                    assert_eq!(client.verify(Some(&server_final)), Ok(()));
                }
            }
        }
    }

    #[test]
    fn keys_that_were_changed_meanwhile_let_nobody_in_and_those_of_nobody_never_do() {
        let mechanism = Mechanism::Sha512;
        let (before, after) = (keys(mechanism, "right", b"0123456789"), keys(mechanism, "right", b"9876543210"));
        let credentials = Credentials::new(mechanism, b"user", b"right").unwrap();
        let (mut client, first) = credentials.begin().unwrap();
        let (server, server_first) = ServerExchange::begin(mechanism, &first, |_| known(&before)).unwrap();
        let last = client.answer(&credentials, &server_first).unwrap();
        assert_eq!(server.finish(Some(&after), &last), Err(Refused::Proof));
        assert_eq!(server.finish(None, &last), Err(Refused::Proof));
        assert!(server.finish(Some(&before), &last).is_ok());
        let nobody = UserKeys { keys: before.clone(), is_known: false };
        let (mut client, first) = credentials.begin().unwrap();
        let (server, server_first) = ServerExchange::begin(mechanism, &first, |_| nobody).unwrap();
        let last = client.answer(&credentials, &server_first).unwrap();
        assert_eq!(server.finish(Some(&before), &last), Err(Refused::Proof));
    }

    #[test]
    fn messages_that_are_none_are_refused() {
        let mechanism = Mechanism::Sha256;
        let keys = keys(mechanism, "right", b"0123456789abcdef");
        let begin = |first: &[u8]| ServerExchange::begin_with(mechanism, first, |_| known(&keys), "d");
        for (first, is_taken) in [
            ("n,,n=user,r=abc", true),
            ("y,,n=user,r=abc", true),
            ("n,a=user,n=user,r=abc", true),
            ("n,,n=user,r=abc,x=extension", true),
            ("n,a=admin,n=user,r=abc", false),
            ("p=tls-exporter,,n=user,r=abc", false),
            ("n,,m=must,n=user,r=abc", false),
            ("n,,n=,r=abc", false),
            ("n,,n=us=er,r=abc", false),
            ("n,,n=user,r=", false),
            ("n,,n=user,r=a b", false),
            ("n,,n=user", false),
            ("n,n=user,r=abc", false),
            ("", false),
        ] {
            assert_eq!(begin(first.as_bytes()).is_ok(), is_taken, "{first}");
        }
        assert!(begin(b"n,,n=\xff,r=abc").is_err());
        let long = format!("n,,n={},r=abc", "a".repeat(5000));
        assert!(begin(long.as_bytes()).is_err());
        let (exchange, _) = begin(b"n,,n=user,r=abc").unwrap();
        for last in
            ["", "p=", ",p=", "c=biws,r=abcd", "c=eSws,r=abcd,p=AAAA", "c=biws,r=abcd,p=?", "c=biws,r=abcd,p=AAAA"]
        {
            assert_eq!(exchange.finish(Some(&keys), last.as_bytes()), Err(Refused::Malformed), "{last}");
        }
    }
}
