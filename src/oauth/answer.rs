//! What the answer of a token endpoint says, RFC 6749, 5. Pure.

use std::time::Duration;

use serde_json::{Map, Value};

use super::grant::Granted;
use crate::term::Secret;

/// Bytes of a token: more does not fit into CONNECT.
const TOKEN_LIMIT: usize = 65_535;
/// Characters of what a server says that are kept.
const SAID_LIMIT: usize = 200;
/// Seconds; what is beyond is as good as for ever.
const LONGEST_LIFETIME: f64 = 100.0 * 365.0 * 86_400.0;

/// Why an answer gives no token. Texts are the server's, cut, without the secret that it was sent, and not escaped.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unusable {
    /// RFC 6749, 5.2.
    Refused { error: String, description: String },
    /// 429, or 500 to 599: for now.
    Busy { status: u16, error: String },
    /// 300 to 399, with where it leads.
    Moved { status: u16, to: String },
    /// No such answer as an endpoint gives.
    Foreign { status: u16, is_html: bool },
    /// JSON without `access_token`.
    NoToken,
    /// The token has characters that no token has, or is too long.
    Token,
    /// The token is not to be used as we would, 7.1.
    TokenType(String),
}

/// What came.
#[derive(Debug)]
pub(super) struct Answer<'a> {
    pub(super) status: u16,
    /// `Location`
    pub(super) location: &'a [u8],
    pub(super) body: &'a [u8],
}

/// Judges the answer to a request that carried `secrets`, in each form in which they were sent.
pub(super) fn judge(answer: &Answer<'_>, secrets: &[&[u8]]) -> Result<Granted, Unusable> {
    let status = answer.status;
    let object: Option<Map<String, Value>> = serde_json::from_slice(answer.body).ok();
    let said = |name: &str| {
        let text = object.as_ref().and_then(|object| object.get(name)).and_then(Value::as_str).unwrap_or_default();
        quotable(text.as_bytes(), secrets)
    };
    let foreign = || {
        let start = answer.body.trim_ascii_start();
        Unusable::Foreign { status, is_html: start.starts_with(b"<") }
    };
    match status {
        200 => granted(object.as_ref().ok_or_else(foreign)?, secrets),
        429 | 500..=599 => Err(Unusable::Busy { status, error: said("error") }),
        300..=399 => Err(Unusable::Moved { status, to: without_query(&quotable(answer.location, secrets)) }),
        _ => match said("error") {
            error if error.is_empty() => Err(foreign()),
            error => Err(Unusable::Refused { error, description: said("error_description") }),
        },
    }
}

fn granted(object: &Map<String, Value>, secrets: &[&[u8]]) -> Result<Granted, Unusable> {
    let token = object.get("access_token").and_then(Value::as_str).filter(|token| !token.is_empty());
    let Some(token) = token else {
        // Some servers refuse with 200.
        return Err(match object.get("error").and_then(Value::as_str) {
            Some(error) => {
                let description = object.get("error_description").and_then(Value::as_str).unwrap_or_default();
                Unusable::Refused {
                    error: quotable(error.as_bytes(), secrets),
                    description: quotable(description.as_bytes(), secrets),
                }
            }
            None => Unusable::NoToken,
        });
    };
    // Appendix A.12: VSCHAR. With a blank or a line end in it, it would be none that a broker knows.
    if token.len() > TOKEN_LIMIT || !token.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(Unusable::Token);
    }
    // It has to be there, 5.1; whoever leaves it out means the type that everybody has.
    match object.get("token_type") {
        None | Some(Value::Null) => {}
        Some(Value::String(kind)) if kind.eq_ignore_ascii_case("bearer") => {}
        Some(Value::String(kind)) => return Err(Unusable::TokenType(quotable(kind.as_bytes(), secrets))),
        Some(_) => return Err(Unusable::TokenType(String::new())),
    }
    Ok(Granted { token: Secret::new(token), lifetime: object.get("expires_in").and_then(lifetime) })
}

/// Seconds, which some servers write as text.
fn lifetime(value: &Value) -> Option<Duration> {
    let seconds = value.as_f64().or_else(|| value.as_str()?.trim().parse().ok())?;
    (seconds >= 0.0).then(|| Duration::from_secs_f64(seconds.min(LONGEST_LIFETIME)))
}

/// The codes of RFC 6749, 5.2, which say nothing of a secret even where one is a part of them.
const CODES: [&[u8]; 6] = [
    b"invalid_request",
    b"invalid_client",
    b"invalid_grant",
    b"unauthorized_client",
    b"unsupported_grant_type",
    b"invalid_scope",
];

/// What a server says, without what it was sent in confidence and says back.
fn quotable(text: &[u8], secrets: &[&[u8]]) -> String {
    if !CODES.contains(&text) && secrets.iter().any(|secret| memchr::memmem::find(text, secret).is_some()) {
        return "(what it says has the client's secret in it)".to_owned();
    }
    String::from_utf8_lossy(text).chars().take(SAID_LIMIT).collect()
}

/// A query may hold anything.
fn without_query(url: &str) -> String {
    url.split(['?', '#']).next().unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judged(status: u16, body: &str) -> Result<Granted, Unusable> {
        judge(&Answer { status, location: b"https://idp/login?x=secret", body: body.as_bytes() }, &[b"s3cret"])
    }

    #[test]
    fn a_token_is_taken_with_its_lifetime() {
        for (more, lifetime) in [
            (r#","expires_in":300"#, Some(300)),
            (r#","expires_in":"300""#, Some(300)),
            (r#","expires_in":1e300"#, Some(3_153_600_000)),
            (r#","expires_in":-1"#, None),
            (r#","expires_in":{}"#, None),
            ("", None),
        ] {
            let granted = judged(200, &format!(r#"{{"access_token":"abc","token_type":"bEaReR"{more}}}"#)).unwrap();
            assert_eq!((granted.token.expose(), granted.lifetime), (&b"abc"[..], lifetime.map(Duration::from_secs)));
        }
        assert!(judged(200, r#"{"access_token":"abc"}"#).is_ok());
    }

    #[test]
    fn every_other_answer_is_told_by_what_it_is() {
        let foreign = |status, is_html| Unusable::Foreign { status, is_html };
        let refused = |error: &str, description: &str| Unusable::Refused {
            error: error.to_owned(),
            description: description.to_owned(),
        };
        let busy = |status, error: &str| Unusable::Busy { status, error: error.to_owned() };
        let long = "x".repeat(TOKEN_LIMIT + 1);
        for (status, body, error) in [
            (200, "\n<!DOCTYPE html><title>Log in</title>", foreign(200, true)),
            (200, "", foreign(200, false)),
            (200, "[]", foreign(200, false)),
            (404, "<html>", foreign(404, true)),
            (401, r#"{"message":"no"}"#, foreign(401, false)),
            (204, "", foreign(204, false)),
            (302, "", Unusable::Moved { status: 302, to: "https://idp/login".to_owned() }),
            (503, "<html>", busy(503, "")),
            (429, r#"{"error":"slow_down"}"#, busy(429, "slow_down")),
            (400, r#"{"error":"invalid_scope"}"#, refused("invalid_scope", "")),
            (401, r#"{"error":"invalid_client","error_description":"bad"}"#, refused("invalid_client", "bad")),
            (200, r#"{"error":"invalid_client"}"#, refused("invalid_client", "")),
            (200, r#"{"access_token":""}"#, Unusable::NoToken),
            (200, r#"{"access_token":7}"#, Unusable::NoToken),
            (200, r#"{"id_token":"abc"}"#, Unusable::NoToken),
            (200, "{\"access_token\":\"a\\nb\"}", Unusable::Token),
            (200, &format!(r#"{{"access_token":"{long}"}}"#), Unusable::Token),
            (200, r#"{"access_token":"abc","token_type":"mac"}"#, Unusable::TokenType("mac".to_owned())),
            (200, r#"{"access_token":"abc","token_type":1}"#, Unusable::TokenType(String::new())),
        ] {
            assert_eq!(judged(status, body), Err(error), "{status} {body:.60}");
        }
    }

    #[test]
    fn a_server_that_says_the_secret_back_is_not_quoted() {
        let told = judged(400, r#"{"error":"invalid_client","error_description":"wrong secret s3cret"}"#).unwrap_err();
        assert!(!format!("{told:?}").contains("s3cret"), "{told:?}");
        let told = judged(400, &format!(r#"{{"error":"{}"}}"#, "e".repeat(1000))).unwrap_err();
        assert_eq!(told, Unusable::Refused { error: "e".repeat(SAID_LIMIT), description: String::new() });
    }
}
