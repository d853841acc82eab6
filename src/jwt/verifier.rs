//! Whether a token lets somebody in, and whom.

use serde_json::Value;

use super::keys::Keys;
use super::token::{Algorithm, LEEWAY, Token};

/// What a token has to be.
#[derive(Debug)]
pub struct Verifier {
    pub keys: Keys,
    /// What `iss` has to be.
    pub issuer: Option<String>,
    /// What `aud` has to be, or name among others.
    pub audience: Option<String>,
    /// The claim with the user's name.
    pub user_claim: String,
}

/// The holder of a token that is in order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Holder {
    pub user: String,
    /// Seconds since 1970.
    pub expires: i64,
}

/// Why a token lets nobody in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refused {
    Malformed,
    Unsigned,
    /// `crit` names an extension that must be understood.
    Extension,
    /// No key is for its algorithm, or has the id that it names.
    NoKey,
    Signature,
    NoExpiry,
    Expired,
    NotYetValid,
    Issuer,
    Audience,
    /// The claim with the user's name is missing or empty or cannot be one, or CONNECT names somebody else.
    User,
}

impl Verifier {
    /// Judges a token; `now` is in seconds since 1970. What it says counts only once its signature is right.
    pub fn verify(&self, token: &[u8], now: i64) -> Result<Holder, Refused> {
        let token = Token::parse(token).map_err(|_| Refused::Malformed)?;
        let Algorithm::Named(algorithm) = token.algorithm() else { return Err(Refused::Unsigned) };
        if token.has_critical_extensions() {
            return Err(Refused::Extension);
        }
        match self.keys.verify(algorithm, token.key_id(), token.signed(), token.signature()) {
            Err(_) => return Err(Refused::NoKey),
            Ok(false) => return Err(Refused::Signature),
            Ok(true) => {}
        }
        let times = token.times().map_err(|_| Refused::Malformed)?;
        let expires = times.expires.ok_or(Refused::NoExpiry)?;
        if expires <= now {
            return Err(Refused::Expired);
        }
        if times.not_before.is_some_and(|time| time > now.saturating_add(LEEWAY)) {
            return Err(Refused::NotYetValid);
        }
        if self.issuer.as_deref().is_some_and(|issuer| token.claim("iss").and_then(Value::as_str) != Some(issuer)) {
            return Err(Refused::Issuer);
        }
        if self.audience.as_deref().is_some_and(|audience| !token.claims_one_of("aud", audience)) {
            return Err(Refused::Audience);
        }
        let user = token.claim(&self.user_claim).and_then(Value::as_str).filter(|user| !user.is_empty());
        Ok(Holder { user: user.ok_or(Refused::User)?.to_owned(), expires })
    }
}

#[cfg(test)]
mod tests {
    use aws_lc_rs::hmac;
    use aws_lc_rs::rand::SystemRandom;
    use aws_lc_rs::signature::{
        ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair, RSA_PKCS1_SHA256, RsaKeyPair,
    };
    use base64::Engine;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;

    use super::*;
    use crate::jwt::{KeyFault, KeysError};

    const NOW: i64 = 1_800_000_000;

    fn encode(bytes: impl AsRef<[u8]>) -> String {
        URL_SAFE_NO_PAD.encode(bytes)
    }

    type Sign = Box<dyn Fn(&[u8]) -> Vec<u8>>;

    /// A signer, what it calls its algorithm, and its key as JSON Web Key.
    struct Signer {
        algorithm: &'static str,
        key: String,
        sign: Sign,
    }

    fn signers() -> Vec<Signer> {
        let rsa = RsaKeyPair::generate(aws_lc_rs::rsa::KeySize::Rsa2048).unwrap();
        let (n, e) = (
            rsa.public_key().modulus().big_endian_without_leading_zero().to_vec(),
            rsa.public_key().exponent().big_endian_without_leading_zero().to_vec(),
        );
        let ec = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap();
        let point = ec.public_key().as_ref().to_vec();
        let ed = Ed25519KeyPair::generate().unwrap();
        let ed_public = ed.public_key().as_ref().to_vec();
        let secret = [7; 32];
        vec![
            Signer {
                algorithm: "RS256",
                key: format!(r#"{{"kty":"RSA","kid":"rsa","n":"{}","e":"{}"}}"#, encode(n), encode(e)),
                sign: Box::new(move |text| {
                    let mut signature = vec![0; rsa.public_modulus_len()];
                    rsa.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), text, &mut signature).unwrap();
                    signature
                }),
            },
            Signer {
                algorithm: "ES256",
                key: format!(
                    r#"{{"kty":"EC","crv":"P-256","x":"{}","y":"{}"}}"#,
                    encode(&point[1..33]),
                    encode(&point[33..])
                ),
                sign: Box::new(move |text| ec.sign(&SystemRandom::new(), text).unwrap().as_ref().to_vec()),
            },
            Signer {
                algorithm: "EdDSA",
                key: format!(r#"{{"kty":"OKP","crv":"Ed25519","alg":"EdDSA","x":"{}"}}"#, encode(ed_public)),
                sign: Box::new(move |text| ed.sign(text).as_ref().to_vec()),
            },
            Signer {
                algorithm: "HS256",
                key: format!(r#"{{"kty":"oct","k":"{}"}}"#, encode(secret)),
                sign: Box::new(move |text| {
                    hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, &secret), text).as_ref().to_vec()
                }),
            },
        ]
    }

    fn token(header: &str, claims: &str, sign: impl Fn(&[u8]) -> Vec<u8>) -> String {
        let signed = format!("{}.{}", encode(header), encode(claims));
        format!("{signed}.{}", encode(sign(signed.as_bytes())))
    }

    fn verifier(key: &str) -> Verifier {
        let keys = Keys::parse(key.as_bytes()).unwrap();
        Verifier { keys, issuer: Some("issuer".into()), audience: Some("lab".into()), user_claim: "sub".into() }
    }

    fn claims(more: &str) -> String {
        format!(r#"{{"sub":"ann","iss":"issuer","aud":["lab","x"],"exp":{}{more}}}"#, NOW + 60)
    }

    #[test]
    fn each_kind_of_key_verifies_its_own_algorithm_and_no_other() {
        let signers = signers();
        for signer in &signers {
            let verifier = verifier(&signer.key);
            assert_eq!(verifier.keys.algorithms(), [signer.algorithm]);
            for algorithm in ["RS256", "ES256", "EdDSA", "HS256", "RS512", "PS256", "none", ""] {
                let text = token(&format!(r#"{{"alg":"{algorithm}"}}"#), &claims(""), &signer.sign);
                let expected = match algorithm {
                    own if own == signer.algorithm => Ok(Holder { user: "ann".to_owned(), expires: NOW + 60 }),
                    "none" => Err(Refused::Unsigned),
                    _ => Err(Refused::NoKey),
                };
                assert_eq!(verifier.verify(text.as_bytes(), NOW), expected, "{} {algorithm}", signer.algorithm);
            }
            // Every other key refuses it, alone and in a set.
            let text = token(&format!(r#"{{"alg":"{}"}}"#, signer.algorithm), &claims(""), &signer.sign);
            let others: Vec<_> =
                signers.iter().filter(|other| other.algorithm != signer.algorithm).map(|it| it.key.clone()).collect();
            let set = format!(r#"{{"keys":[{}]}}"#, others.join(","));
            assert_eq!(self::verifier(&set).verify(text.as_bytes(), NOW), Err(Refused::NoKey));
            let mut changed = text.clone().into_bytes();
            let at = text.rfind('.').unwrap() + 5;
            changed[at] = if changed[at] == b'A' { b'B' } else { b'A' };
            assert_eq!(verifier.verify(&changed, NOW), Err(Refused::Signature), "{}", signer.algorithm);
        }
    }

    #[test]
    fn the_examples_of_rfc_7515_are_verified() {
        const CLAIMS: &str =
            "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ";
        // A.1 and A.3.
        for (algorithm, header, signature, key) in [
            (
                "HS256",
                "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9",
                "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk",
                r#"{"kty":"oct","k":"AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow"}"#,
            ),
            (
                "ES256",
                "eyJhbGciOiJFUzI1NiJ9",
                "DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q",
                r#"{"kty":"EC","crv":"P-256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU","y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"}"#,
            ),
        ] {
            let text = format!("{header}.{CLAIMS}.{signature}");
            let token = Token::parse(text.as_bytes()).unwrap();
            let keys = Keys::parse(key.as_bytes()).unwrap();
            assert_eq!(keys.verify(algorithm, None, token.signed(), token.signature()), Ok(true), "{algorithm}");
            let verifier = Verifier { keys, issuer: None, audience: None, user_claim: "iss".to_owned() };
            let holder = Holder { user: "joe".to_owned(), expires: 1_300_819_380 };
            assert_eq!(verifier.verify(text.as_bytes(), 1_300_819_379), Ok(holder));
        }
    }

    #[test]
    fn a_public_key_is_no_secret() {
        // The classic forgery: HS256 under the text or the bytes of the public key.
        for signer in signers().iter().filter(|signer| signer.algorithm != "HS256") {
            for secret in [signer.key.clone().into_bytes(), encode(&signer.key).into_bytes()] {
                let key = hmac::Key::new(hmac::HMAC_SHA256, &secret);
                let text = token(r#"{"alg":"HS256"}"#, &claims(""), |text| hmac::sign(&key, text).as_ref().to_vec());
                assert_eq!(verifier(&signer.key).verify(text.as_bytes(), NOW), Err(Refused::NoKey));
            }
        }
    }

    #[test]
    fn what_the_token_says_must_be_what_is_asked_for() {
        let signers = signers();
        let signer = &signers[3];
        let verifier = verifier(&signer.key);
        let judged =
            |header: &str, claims: &str| verifier.verify(token(header, claims, &signer.sign).as_bytes(), NOW).err();
        let plain = r#"{"alg":"HS256"}"#;
        let time = |exp: i64, nbf: i64| {
            format!(r#"{{"sub":"ann","iss":"issuer","aud":"lab","exp":{},"nbf":{}}}"#, NOW + exp, NOW + nbf)
        };
        let rows = [
            (plain, claims(""), None),
            (r#"{"alg":"HS256","crit":["b64"],"b64":false}"#, claims(""), Some(Refused::Extension)),
            (plain, time(0, 0), Some(Refused::Expired)),
            (plain, time(1, 0), None),
            (plain, time(90, LEEWAY), None),
            (plain, time(90, LEEWAY + 1), Some(Refused::NotYetValid)),
            (plain, r#"{"sub":"ann","iss":"issuer","aud":"lab"}"#.to_owned(), Some(Refused::NoExpiry)),
            (plain, claims("").replace("issuer", "other"), Some(Refused::Issuer)),
            (plain, claims("").replace("\"iss\":\"issuer\",", ""), Some(Refused::Issuer)),
            (plain, claims("").replace("lab", "labor"), Some(Refused::Audience)),
            (plain, claims("").replace("\"ann\"", "\"\""), Some(Refused::User)),
            (plain, claims("").replace("\"ann\"", "1"), Some(Refused::User)),
        ];
        for (header, claims, expected) in rows {
            assert_eq!(judged(header, &claims), expected, "{header} {claims}");
        }
        assert_eq!(verifier.verify(b"secret", NOW), Err(Refused::Malformed));
    }

    #[test]
    fn the_id_of_a_key_counts_where_both_say_one() {
        let signers = signers();
        let signer = &signers[0];
        let verifier = verifier(&signer.key);
        for (id, expected) in [("rsa", None), ("other", Some(Refused::NoKey))] {
            let header = format!(r#"{{"alg":"RS256","kid":"{id}"}}"#);
            let text = token(&header, &claims(""), &signer.sign);
            assert_eq!(verifier.verify(text.as_bytes(), NOW).err(), expected);
        }
    }

    #[test]
    fn files_without_a_key_that_can_be_used_say_why() {
        let fault = |text: &str| Keys::parse(text.as_bytes()).err();
        let short = encode([1; 31]);
        let rows = [
            ("secret", KeysError::NoKeys),
            ("", KeysError::NoKeys),
            ("{", KeysError::Json),
            (r#"{"keys":1}"#, KeysError::Json),
            (r#"{"keys":[]}"#, KeysError::NoneUsable),
            (r#"{"keys":[{"kty":"EC","crv":"P-384"}]}"#, KeysError::NoneUsable),
            (r#"{"kty":"EC","crv":"P-384"}"#, KeysError::Key(1, KeyFault::Type)),
            (r#"{"kty":"RSA","n":"AQAB","e":"AQAB"}"#, KeysError::Key(1, KeyFault::TooShort)),
            (r#"{"kty":"RSA","n":"?","e":"AQAB"}"#, KeysError::Key(1, KeyFault::Encoding)),
            (r#"{"kty":"RSA","n":"AQAB","e":"AQAB","d":"AQAB"}"#, KeysError::PrivateKey),
            ("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n", KeysError::PrivateKey),
            ("-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n", KeysError::Key(1, KeyFault::Encoding)),
        ];
        for (text, error) in rows {
            assert_eq!(fault(text), Some(error), "{text}");
        }
        let secret = format!(r#"{{"kty":"oct","k":"{short}"}}"#);
        assert_eq!(fault(&secret), Some(KeysError::Key(1, KeyFault::TooShort)));
        let many = format!(r#"{{"keys":[{}]}}"#, vec![signers()[3].key.clone(); 17].join(","));
        assert_eq!(fault(&many), Some(KeysError::TooMany));
    }

    #[test]
    fn pem_has_public_keys_of_all_three_kinds() {
        let pem = |info: &[u8]| pem::encode(&pem::Pem::new("PUBLIC KEY", info));
        for algorithm in [&rcgen::PKCS_ED25519, &rcgen::PKCS_ECDSA_P256_SHA256, &rcgen::PKCS_RSA_SHA256] {
            let pair = rcgen::KeyPair::generate_for(algorithm).unwrap();
            let info = rcgen::PublicKeyData::subject_public_key_info(&pair);
            let keys = Keys::parse(pem(&info).as_bytes()).unwrap();
            assert_eq!(keys.algorithms().len(), 1);
        }
        let pair = rcgen::KeyPair::generate_for(&rcgen::PKCS_ECDSA_P384_SHA384).unwrap();
        let info = rcgen::PublicKeyData::subject_public_key_info(&pair);
        assert_eq!(Keys::parse(pem(&info).as_bytes()).unwrap_err(), KeysError::Key(1, KeyFault::Type));
    }
}
