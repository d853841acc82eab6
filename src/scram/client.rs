//! The client's half: what it sends, and whether it believes the server.

use std::fmt;
use std::num::NonZeroU32;

use aws_lc_rs::constant_time;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use zeroize::Zeroizing;

use super::keys::{
    LEAST_ITERATIONS, MOST_ITERATIONS, Mechanism, NoRandom, SALT_BYTES_MOST, Unprepared, nonce, prepare,
};
use super::message::{attribute, escape, text};

/// "n,,": no channel binding, no other identity to act as.
const GS2_HEADER: &str = "n,,";

/// A login for SCRAM.
#[derive(Clone, PartialEq, Eq)]
pub struct Credentials {
    pub mechanism: Mechanism,
    /// Prepared.
    user: Zeroizing<String>,
    /// Prepared.
    password: Zeroizing<String>,
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credentials").field("mechanism", &self.mechanism).finish_non_exhaustive()
    }
}

/// Which part of a login SCRAM cannot carry, and why.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CredentialsError {
    User(Unprepared),
    Password(Unprepared),
}

/// Why a client does not go on with a server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Distrust {
    /// It named another method than the client's [MQTT-4.12.0-5].
    OtherMethod,
    /// What it sent is no message of SCRAM, or has an extension that must be understood.
    Malformed,
    /// The nonce does not begin with the client's: it is the answer to another login.
    Nonce,
    /// Fewer iterations than [`LEAST_ITERATIONS`], or more than [`MOST_ITERATIONS`]; `u64::MAX` for what is larger.
    Iterations(u64),
    /// The server does not know what was made of the password: it is another one, or somebody in its place.
    Signature,
    /// It let the client in without a signature.
    NoSignature,
    /// It asked for more than SCRAM has messages.
    TooManyMessages,
    /// It answered with an error of SCRAM (`e=`).
    Refused,
}

impl Credentials {
    pub fn new(mechanism: Mechanism, user: &[u8], password: &[u8]) -> Result<Self, CredentialsError> {
        Ok(Self {
            mechanism,
            user: prepare(user).map_err(CredentialsError::User)?,
            password: prepare(password).map_err(CredentialsError::Password)?,
        })
    }

    /// The user's name in the form that both sides compute with, in which CONNECT has to name him too.
    pub fn user(&self) -> &str {
        &self.user
    }

    /// Begins a login: the exchange, and the client-first-message.
    pub fn begin(&self) -> Result<(ClientExchange, Vec<u8>), NoRandom> {
        nonce().map(|nonce| self.begin_with(nonce))
    }

    fn begin_with(&self, nonce: String) -> (ClientExchange, Vec<u8>) {
        let first_bare = format!("n={},r={nonce}", escape(&self.user));
        let message = format!("{GS2_HEADER}{first_bare}").into_bytes();
        (ClientExchange { mechanism: self.mechanism, step: Step::Begun { nonce, first_bare } }, message)
    }
}

/// One login under way.
#[derive(Clone, Debug)]
pub struct ClientExchange {
    mechanism: Mechanism,
    step: Step,
}

#[derive(Clone, Debug)]
enum Step {
    Begun {
        nonce: String,
        first_bare: String,
    },
    /// The proof is sent; this is what the server must answer.
    Proved {
        signature: Vec<u8>,
    },
    Over,
}

impl ClientExchange {
    /// Answers the server-first-message with the client-final-message. Takes as long as the server's iterations, which are
    /// bounded by [`MOST_ITERATIONS`].
    pub fn answer(&mut self, credentials: &Credentials, server_first: &[u8]) -> Result<Vec<u8>, Distrust> {
        let Step::Begun { nonce, first_bare } = std::mem::replace(&mut self.step, Step::Over) else {
            return Err(Distrust::TooManyMessages);
        };
        let server_first = text(server_first).ok_or(Distrust::Malformed)?;
        let Challenge { nonce: combined, salt, iterations } = Challenge::parse(server_first)?;
        if combined.len() <= nonce.len() || !combined.starts_with(&nonce) {
            return Err(Distrust::Nonce);
        }
        let mechanism = self.mechanism;
        let salted = mechanism.salted(credentials.password.as_bytes(), &salt, iterations);
        let client_key = Zeroizing::new(mechanism.mac(&salted, b"Client Key"));
        let without_proof = format!("c={},r={combined}", STANDARD.encode(GS2_HEADER));
        let auth_message = format!("{first_bare},{server_first},{without_proof}");
        let signature = mechanism.mac(&mechanism.hash(&client_key), auth_message.as_bytes());
        let proof: Vec<u8> = client_key.iter().zip(&signature).map(|(key, signature)| key ^ signature).collect();
        let server_key = Zeroizing::new(mechanism.mac(&salted, b"Server Key"));
        self.step = Step::Proved { signature: mechanism.mac(&server_key, auth_message.as_bytes()) };
        Ok(format!("{without_proof},p={}", STANDARD.encode(proof)).into_bytes())
    }

    /// Whether the server-final-message is right: the server knows what was made of the password.
    pub fn verify(&mut self, server_final: Option<&[u8]>) -> Result<(), Distrust> {
        let Step::Proved { signature } = std::mem::replace(&mut self.step, Step::Over) else {
            return Err(Distrust::NoSignature);
        };
        let server_final = text(server_final.ok_or(Distrust::NoSignature)?).ok_or(Distrust::Malformed)?;
        let first = server_final.split(',').next();
        if attribute(first, 'e').is_some() {
            return Err(Distrust::Refused);
        }
        let shown = attribute(first, 'v').and_then(|text| STANDARD.decode(text).ok()).ok_or(Distrust::Malformed)?;
        constant_time::verify_slices_are_equal(&shown, &signature).map_err(|_| Distrust::Signature)
    }
}

/// A server-first-message.
struct Challenge<'a> {
    nonce: &'a str,
    salt: Vec<u8>,
    iterations: NonZeroU32,
}

impl<'a> Challenge<'a> {
    /// Extensions at the end are passed over; one at the beginning (`m=`) would have to be understood, RFC 5802, 5.1.
    fn parse(text: &'a str) -> Result<Self, Distrust> {
        let mut parts = text.split(',');
        let mut value = |letter| attribute(parts.next(), letter).ok_or(Distrust::Malformed);
        let nonce = value('r')?;
        let salt = STANDARD.decode(value('s')?).map_err(|_| Distrust::Malformed)?;
        let count = value('i')?;
        if salt.is_empty() || salt.len() > SALT_BYTES_MOST || !count.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(Distrust::Malformed);
        }
        if count.is_empty() {
            return Err(Distrust::Malformed);
        }
        // Digits that are too many for the type are out of bounds in any case.
        let count = count.parse::<u64>().unwrap_or(u64::MAX);
        let iterations = u32::try_from(count).ok().filter(|it| (LEAST_ITERATIONS..=MOST_ITERATIONS).contains(it));
        let iterations = iterations.and_then(NonZeroU32::new).ok_or(Distrust::Iterations(count))?;
        Ok(Self { nonce, salt, iterations })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A whole exchange of an RFC: what the client sends for the server's messages, and whether it believes.
    fn vector(mechanism: Mechanism, nonce: &str, first: &str, server_first: &str, last: &str, server_final: &str) {
        let credentials = Credentials::new(mechanism, b"user", b"pencil").unwrap();
        let (mut exchange, message) = credentials.begin_with(nonce.to_owned());
        assert_eq!(String::from_utf8(message).unwrap(), first);
        let message = exchange.answer(&credentials, server_first.as_bytes()).unwrap();
        assert_eq!(String::from_utf8(message).unwrap(), last);
        assert_eq!(exchange.clone().verify(Some(server_final.as_bytes())), Ok(()));
        let other = server_final.replace('v', "e");
        assert_eq!(exchange.clone().verify(Some(other.as_bytes())), Err(Distrust::Refused));
        assert_eq!(exchange.clone().verify(None), Err(Distrust::NoSignature));
        let lie = format!("v={}", STANDARD.encode(vec![0; mechanism.key_bytes()]));
        assert_eq!(exchange.clone().verify(Some(lie.as_bytes())), Err(Distrust::Signature));
        assert_eq!(exchange.clone().verify(Some(b"v=")), Err(Distrust::Signature));
        assert_eq!(exchange.clone().verify(Some(b"v=?")), Err(Distrust::Malformed));
        assert_eq!(exchange.answer(&credentials, server_first.as_bytes()), Err(Distrust::TooManyMessages));
    }

    #[test]
    fn rfc_5802_5_scram_sha_1() {
        vector(
            Mechanism::Sha1,
            "fyko+d2lbbFgONRv9qkxdawL",
            "n,,n=user,r=fyko+d2lbbFgONRv9qkxdawL",
            "r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,s=QSXCR+Q6sek8bf92,i=4096",
            "c=biws,r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,p=v0X8v3Bz2T0CJGbJQyF0X+HI4Ts=",
            "v=rmF9pqV8S7suAoZWja4dJRkFsKQ=",
        );
    }

    #[test]
    fn rfc_7677_3_scram_sha_256() {
        vector(
            Mechanism::Sha256,
            "rOprNGfwEbeRWgbNEkqO",
            "n,,n=user,r=rOprNGfwEbeRWgbNEkqO",
            "r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096",
            "c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=",
            "v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=",
        );
    }

    #[test]
    fn what_a_server_must_not_ask_for_is_refused_before_anything_is_computed() {
        let credentials = Credentials::new(Mechanism::Sha256, b"user", b"pencil").unwrap();
        let answer = |server_first: &str| {
            let (mut exchange, _) = credentials.begin_with("abc".to_owned());
            exchange.answer(&credentials, server_first.as_bytes()).err()
        };
        let rows = [
            ("r=abcd,s=QSXCR+Q6sek8bf92,i=4096", None),
            ("r=abcd,s=QSXCR+Q6sek8bf92,i=4096,x=extension", None),
            ("r=abcd,s=QSXCR+Q6sek8bf92,i=4095", Some(Distrust::Iterations(4095))),
            ("r=abcd,s=QSXCR+Q6sek8bf92,i=1", Some(Distrust::Iterations(1))),
            ("r=abcd,s=QSXCR+Q6sek8bf92,i=0", Some(Distrust::Iterations(0))),
            ("r=abcd,s=QSXCR+Q6sek8bf92,i=2000001", Some(Distrust::Iterations(2_000_001))),
            ("r=abcd,s=QSXCR+Q6sek8bf92,i=99999999999999999999999", Some(Distrust::Iterations(u64::MAX))),
            ("r=abcd,s=QSXCR+Q6sek8bf92,i=-1", Some(Distrust::Malformed)),
            ("r=abcd,s=QSXCR+Q6sek8bf92,i=+4096", Some(Distrust::Malformed)),
            ("r=abcd,s=QSXCR+Q6sek8bf92,i=", Some(Distrust::Malformed)),
            ("r=abc,s=QSXCR+Q6sek8bf92,i=4096", Some(Distrust::Nonce)),
            ("r=xyzd,s=QSXCR+Q6sek8bf92,i=4096", Some(Distrust::Nonce)),
            ("r=abcd,s=,i=4096", Some(Distrust::Malformed)),
            ("r=abcd,s=?,i=4096", Some(Distrust::Malformed)),
            ("m=must,r=abcd,s=QSXCR+Q6sek8bf92,i=4096", Some(Distrust::Malformed)),
            ("s=QSXCR+Q6sek8bf92,i=4096", Some(Distrust::Malformed)),
            ("", Some(Distrust::Malformed)),
        ];
        for (server_first, expected) in rows {
            assert_eq!(answer(server_first), expected, "{server_first}");
        }
        let long = format!("r=abc{},s=QSXCR+Q6sek8bf92,i=4096", "d".repeat(5000));
        assert_eq!(answer(&long), Some(Distrust::Malformed));
    }

    #[test]
    fn a_server_that_skips_the_challenge_is_not_believed() {
        let credentials = Credentials::new(Mechanism::Sha1, b"user", b"pencil").unwrap();
        let (mut exchange, _) = credentials.begin().unwrap();
        assert_eq!(exchange.verify(Some(b"v=rmF9pqV8S7suAoZWja4dJRkFsKQ=")), Err(Distrust::NoSignature));
        assert!(!format!("{credentials:?}").contains("pencil"));
    }
}
