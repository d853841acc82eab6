//! A token, taken apart.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Map, Value};

/// Bytes that a token may have: the largest that are seen carry lists of groups, and stay below this.
pub const MAXIMUM_TOKEN: usize = 16 * 1024;

/// Seconds that the clocks of the issuer and of this machine may differ for `nbf`.
pub const LEEWAY: i64 = 60;

/// How every header begins: `{"` in base64.
const BEGINNING: &[u8] = b"eyJ";

/// Why a text is no token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Malformed {
    /// It begins with `Bearer `, which belongs into headers of HTTP.
    Bearer,
    /// White space stands at an end, or in it.
    Space,
    TooLong,
    /// So many parts, and not three.
    Parts(usize),
    /// The first part is no JSON object with an algorithm.
    Header,
    /// The second part is no JSON object.
    Claims,
    /// The third part is not base64url.
    Signature,
    /// A claim of time is no number.
    Time(&'static str),
}

/// The algorithm that a token says it is signed with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Algorithm<'a> {
    /// Not signed.
    None,
    Named(&'a str),
}

/// The claims of time, in seconds since 1970.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Times {
    pub expires: Option<i64>,
    pub not_before: Option<i64>,
    pub issued: Option<i64>,
}

/// A token whose signature nobody has looked at.
#[derive(Clone, PartialEq)]
pub struct Token<'a> {
    header: Map<String, Value>,
    claims: Map<String, Value>,
    /// What is signed: header, dot, claims.
    signed: &'a [u8],
    signature: Vec<u8>,
}

/// Whether a password is meant to be a token, well-formed or not.
pub fn looks_like_token(password: &[u8]) -> bool {
    let inner = without_bearer(password).trim_ascii();
    inner.starts_with(BEGINNING) && inner.contains(&b'.')
}

fn without_bearer(text: &[u8]) -> &[u8] {
    let (start, rest) = text.split_at_checked(7).unwrap_or_default();
    if start.eq_ignore_ascii_case(b"bearer ") { rest } else { text }
}

impl<'a> Token<'a> {
    pub fn parse(text: &'a [u8]) -> Result<Self, Malformed> {
        if without_bearer(text).len() != text.len() {
            return Err(Malformed::Bearer);
        }
        if text.iter().any(u8::is_ascii_whitespace) {
            return Err(Malformed::Space);
        }
        if text.len() > MAXIMUM_TOKEN {
            return Err(Malformed::TooLong);
        }
        let parts: Vec<&[u8]> = text.split(|byte| *byte == b'.').collect();
        let &[header, claims, signature] = &parts[..] else { return Err(Malformed::Parts(parts.len())) };
        let signed = &text[..header.len() + 1 + claims.len()];
        let header = object(header).filter(|header| header.get("alg").is_some_and(Value::is_string));
        let token = Self {
            header: header.ok_or(Malformed::Header)?,
            claims: object(claims).ok_or(Malformed::Claims)?,
            signed,
            signature: URL_SAFE_NO_PAD.decode(signature).map_err(|_| Malformed::Signature)?,
        };
        token.times()?;
        Ok(token)
    }

    pub fn algorithm(&self) -> Algorithm<'_> {
        match self.header.get("alg").and_then(Value::as_str).unwrap_or_default() {
            // RFC 7515 has it in small letters; no reader is to be fooled by others.
            name if name.eq_ignore_ascii_case("none") => Algorithm::None,
            name => Algorithm::Named(name),
        }
    }

    /// Which of the issuer's keys it is signed with.
    pub fn key_id(&self) -> Option<&str> {
        self.header.get("kid").and_then(Value::as_str)
    }

    /// Extensions that a reader must understand, RFC 7515, 4.1.11: we understand none.
    pub fn has_critical_extensions(&self) -> bool {
        self.header.contains_key("crit")
    }

    pub fn times(&self) -> Result<Times, Malformed> {
        let time = |name: &'static str| match self.claims.get(name) {
            None => Ok(None),
            // Fractions are allowed, RFC 7519, 2; what is beyond any clock is at its end.
            Some(value) => value.as_f64().map(|seconds| Some(seconds.floor() as i64)).ok_or(Malformed::Time(name)),
        };
        Ok(Times { expires: time("exp")?, not_before: time("nbf")?, issued: time("iat")? })
    }

    pub fn claim(&self, name: &str) -> Option<&Value> {
        self.claims.get(name)
    }

    /// Whether the claim is this text, or a list with it.
    pub fn claims_one_of(&self, name: &str, wanted: &str) -> bool {
        match self.claims.get(name) {
            Some(Value::String(text)) => text == wanted,
            Some(Value::Array(list)) => list.iter().any(|one| one.as_str() == Some(wanted)),
            _ => false,
        }
    }

    /// What is signed.
    pub fn signed(&self) -> &'a [u8] {
        self.signed
    }

    pub fn signature(&self) -> &[u8] {
        &self.signature
    }
}

fn object(part: &[u8]) -> Option<Map<String, Value>> {
    match serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).ok()?).ok()? {
        Value::Object(object) => Some(object),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn token(header: &str, claims: &str) -> String {
        [header, claims, "signature"].map(|part| URL_SAFE_NO_PAD.encode(part)).join(".")
    }

    fn fault(text: &str) -> Option<Malformed> {
        Token::parse(text.as_bytes()).err()
    }

    #[test]
    fn the_example_of_rfc_7515_is_taken_apart() {
        let text = "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ.dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
        let token = Token::parse(text.as_bytes()).unwrap();
        assert_eq!(token.algorithm(), Algorithm::Named("HS256"));
        assert_eq!(token.times(), Ok(Times { expires: Some(1_300_819_380), not_before: None, issued: None }));
        assert!(token.claims_one_of("iss", "joe") && !token.claims_one_of("iss", "j"));
        assert_eq!(token.signature().len(), 32);
        assert!(text.as_bytes().starts_with(token.signed()) && token.signed().ends_with(b"Q"));
    }

    #[test]
    fn what_is_no_token_says_why() {
        let good = token(r#"{"alg":"RS256"}"#, r#"{"exp":1}"#);
        let head = good.split('.').next().unwrap();
        assert_eq!(fault(&good), None);
        let rows = [
            (format!("Bearer {good}"), Malformed::Bearer),
            (format!("bearer {good}"), Malformed::Bearer),
            (format!("{good}\n"), Malformed::Space),
            (format!("{head}.x"), Malformed::Parts(2)),
            (format!("{good}.x"), Malformed::Parts(4)),
            (format!("{good}="), Malformed::Signature),
            (format!("{good}{}", "A".repeat(MAXIMUM_TOKEN)), Malformed::TooLong),
            (token("{}", "{}"), Malformed::Header),
            (token("[1]", "{}"), Malformed::Header),
            (token(r#"{"alg":1}"#, "{}"), Malformed::Header),
            (token(r#"{"alg":"RS256"}"#, "[]"), Malformed::Claims),
            (token(r#"{"alg":"RS256"}"#, r#"{"exp":"1"}"#), Malformed::Time("exp")),
            (token(r#"{"alg":"RS256"}"#, r#"{"nbf":null}"#), Malformed::Time("nbf")),
        ];
        for (text, why) in rows {
            assert_eq!(fault(&text), Some(why), "{why:?}");
            assert!(text.is_empty() || looks_like_token(text.as_bytes()) || why == Malformed::Header, "{why:?}");
        }
        for other in ["", "secret", "a.b.c", "eyJ", "$7$101$x.y"] {
            assert!(!looks_like_token(other.as_bytes()), "{other}");
        }
    }

    #[test]
    fn no_algorithm_is_one_in_any_letters_and_times_may_have_fractions() {
        for name in ["none", "None", "NONE"] {
            let text = token(&format!(r#"{{"alg":"{name}"}}"#), r#"{"exp":1.9,"aud":["a","b"]}"#);
            let token = Token::parse(text.as_bytes()).unwrap();
            assert_eq!((token.algorithm(), token.times().unwrap().expires), (Algorithm::None, Some(1)));
            assert!(token.claims_one_of("aud", "b") && !token.claims_one_of("aud", "c"));
        }
        let text = token(r#"{"alg":"RS256"}"#, r#"{"exp":1e300}"#);
        assert_eq!(Token::parse(text.as_bytes()).unwrap().times().unwrap().expires, Some(i64::MAX));
    }
}
