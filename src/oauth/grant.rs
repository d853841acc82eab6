//! What is asked of a token endpoint, and what it grants.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use zeroize::Zeroizing;

use super::token_url::TokenUrl;
use crate::http::encode;
use crate::jwt::Token;
use crate::net::Route;
use crate::term::Secret;

/// Bytes of a client's secret; those of all known servers have fewer than 200.
const SECRET_LIMIT: usize = 4096;

/// How the client says who it is, RFC 6749, 2.3.1.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ClientAuthentication {
    /// HTTP Basic, which every server has to take.
    #[default]
    Basic,
    /// Fields of the form, for servers that want only that.
    Post,
}

/// The client's secret, which stands in the first line of a file.
#[derive(Clone, Debug)]
pub struct KeptSecret {
    path: PathBuf,
    secret: Secret,
}

impl KeptSecret {
    /// Reads it. An empty one is an error.
    pub fn read(path: &Path) -> io::Result<Self> {
        let secret = Secret::first_line(File::open(path)?, SECRET_LIMIT)?;
        if secret.expose().is_empty() {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "its first line is empty"));
        }
        Ok(Self { path: path.to_owned(), secret })
    }

    /// As it is now: a file may hold another one since, while a pipe gives its content once.
    pub(super) fn current(&self) -> Secret {
        let is_file = std::fs::metadata(&self.path).is_ok_and(|metadata| metadata.is_file());
        let again = if is_file { Self::read(&self.path).ok() } else { None };
        again.map_or_else(|| self.secret.clone(), |read| read.secret)
    }
}

/// What is asked for, of whom, and on which way. `Debug` shows no secret.
#[derive(Clone, Debug)]
pub struct Grant {
    pub url: TokenUrl,
    /// The way to its endpoint. Its timeout is that of all of it, from the name of the endpoint to the last byte of its answer.
    pub route: Route,
    pub client_id: String,
    pub secret: KeptSecret,
    pub authentication: ClientAuthentication,
    pub scope: Option<String>,
    /// No part of RFC 6749, and wanted by some servers (Auth0).
    pub audience: Option<String>,
}

impl Grant {
    /// The body of the request, RFC 6749, 4.4.2.
    pub(super) fn form(&self, secret: &Secret) -> Zeroizing<String> {
        let mut form = Zeroizing::new("grant_type=client_credentials".to_owned());
        let mut field = |name: &str, value: &str| {
            form.push('&');
            form.push_str(name);
            form.push('=');
            form.push_str(value);
        };
        if let Some(scope) = &self.scope {
            field("scope", &encode(scope));
        }
        if let Some(audience) = &self.audience {
            field("audience", &encode(audience));
        }
        if self.authentication == ClientAuthentication::Post {
            field("client_id", &encode(&self.client_id));
            field("client_secret", &Zeroizing::new(encode(secret.expose())));
        }
        form
    }

    /// Id and secret as HTTP Basic of RFC 7617 has them, which many servers make anew to compare. It is not sent, and says as
    /// much as what is.
    pub(super) fn raw_pair(&self, secret: &Secret) -> Zeroizing<String> {
        let pair = Zeroizing::new([self.client_id.as_bytes(), b":", secret.expose()].concat());
        Zeroizing::new(BASE64.encode(pair.as_slice()))
    }

    /// The value of `Authorization`, where that is how the client says who it is. RFC 6749, 2.3.1: both are encoded as in a
    /// form before.
    pub(super) fn authorization(&self, secret: &Secret) -> Option<Zeroizing<String>> {
        if self.authentication == ClientAuthentication::Post {
            return None;
        }
        let encoded = Zeroizing::new(encode(secret.expose()));
        let pair = Zeroizing::new(format!("{}:{}", encode(&self.client_id), encoded.as_str()));
        let in_base64 = Zeroizing::new(BASE64.encode(pair.as_bytes()));
        Some(Zeroizing::new(format!("Basic {}", in_base64.as_str())))
    }
}

/// What was granted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Granted {
    pub token: Secret,
    /// How long it is good from now on, as the server says (`expires_in`).
    pub lifetime: Option<Duration>,
}

impl Granted {
    /// How long it is good, by the token itself where the server does not say it and it is a JWT. `now` is in seconds since
    /// 1970.
    pub fn lifetime_at(&self, now: i64) -> Option<Duration> {
        let by_itself = || {
            let expires = Token::parse(self.token.expose()).ok()?.times().ok()?.expires?;
            Some(Duration::from_secs(expires.saturating_sub(now).max(0).unsigned_abs()))
        };
        self.lifetime.or_else(by_itself)
    }

    /// Whether it is a JWT, and not a word that only its issuer understands.
    pub fn is_jwt(&self) -> bool {
        Token::parse(self.token.expose()).is_ok()
    }
}

#[cfg(test)]
mod tests {
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;

    use super::*;

    fn grant(authentication: ClientAuthentication) -> (Grant, Secret) {
        let url = TokenUrl::parse("https://idp/token").unwrap();
        let secret = Secret::new("s:e&c r%t");
        let grant = Grant {
            route: Route::new(url.endpoint().clone()),
            url,
            client_id: "a:b".to_owned(),
            secret: KeptSecret { path: PathBuf::new(), secret: secret.clone() },
            authentication,
            scope: Some("mqtt read".to_owned()),
            audience: Some("urn:x".to_owned()),
        };
        (grant, secret)
    }

    #[test]
    fn id_and_secret_are_encoded_before_they_are_joined() {
        let (grant, secret) = grant(ClientAuthentication::Basic);
        let sent = grant.authorization(&secret).unwrap();
        let pair = BASE64.decode(sent.strip_prefix("Basic ").unwrap()).unwrap();
        assert_eq!(pair, b"a%3Ab:s%3Ae%26c%20r%25t");
        assert_eq!(BASE64.decode(&*grant.raw_pair(&secret)).unwrap(), b"a:b:s:e&c r%t");
        assert_eq!(*grant.form(&secret), "grant_type=client_credentials&scope=mqtt%20read&audience=urn%3Ax");
        assert!(!format!("{grant:?}").contains("s:e"));
    }

    #[test]
    fn by_post_both_stand_in_the_form_alone() {
        let (grant, secret) = grant(ClientAuthentication::Post);
        assert_eq!(grant.authorization(&secret), None);
        assert!(grant.form(&secret).ends_with("&client_id=a%3Ab&client_secret=s%3Ae%26c%20r%25t"));
    }

    #[test]
    fn a_file_is_read_again_and_what_has_gone_is_remembered() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("secret");
        std::fs::write(&path, "one\nmore").unwrap();
        let kept = KeptSecret::read(&path).unwrap();
        assert_eq!(kept.current().expose(), b"one");
        std::fs::write(&path, "two").unwrap();
        assert_eq!(kept.current().expose(), b"two");
        std::fs::remove_file(&path).unwrap();
        assert_eq!(kept.current().expose(), b"one");
        std::fs::write(&path, "\nx").unwrap();
        assert!(KeptSecret::read(&path).is_err());
    }

    #[test]
    fn a_token_says_how_long_it_is_good_where_the_server_does_not() {
        let part = |text: &str| URL_SAFE_NO_PAD.encode(text);
        let jwt = format!("{}.{}.{}", part(r#"{"alg":"RS256"}"#), part(r#"{"exp":1000}"#), part("x"));
        let granted = |token: &str, lifetime| Granted { token: Secret::new(token), lifetime };
        let seconds = Duration::from_secs;
        assert_eq!(granted(&jwt, None).lifetime_at(940), Some(seconds(60)));
        assert_eq!(granted(&jwt, None).lifetime_at(2000), Some(seconds(0)));
        // The clocks of both machines may differ.
        assert_eq!(granted(&jwt, Some(seconds(30))).lifetime_at(2000), Some(seconds(30)));
        assert_eq!(granted("opaque", None).lifetime_at(0), None);
        assert!(granted(&jwt, None).is_jwt() && !granted("opaque", None).is_jwt());
    }
}
