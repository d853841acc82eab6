//! JSON Web Tokens in the form of RFC 7515 (JWS, compact): taken apart, and verified by the keys of their issuer. Pure; the time
//! is passed in. No message made of anything here shows a token.
//!
//! Ours, over the signatures of aws-lc-rs, x509-parser and serde_json, which are there: `jsonwebtoken` would bring serde's
//! derive and another ASN.1, and takes the algorithm from a list where here the key fixes it.

mod keys;
mod token;
mod verifier;

pub use keys::{KeyFault, Keys, KeysError, MAXIMUM_KEYS_FILE, MOST_KEYS, NoKey};
pub use token::{Algorithm, LEEWAY, MAXIMUM_TOKEN, Malformed, Times, Token, looks_like_token};
pub use verifier::{Holder, Refused, Verifier};
