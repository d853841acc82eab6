//! The URL of a token endpoint.

use std::fmt;

use hyper::Uri;

use crate::net::Endpoint;
use crate::net::authority::{Authority, AuthorityError};
use crate::net::endpoint::EndpointError;
use crate::net::this_machine::is_loopback;

/// Where tokens are issued: by HTTPS, or in clear on this machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenUrl {
    pub(super) is_tls: bool,
    pub(super) endpoint: Endpoint,
    /// The port is that of the scheme, so that it is not written.
    is_default_port: bool,
    /// Path and query.
    pub(super) target: Uri,
}

/// Why a text is no such URL. Nothing of the text stands in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TokenUrlError {
    Scheme,
    /// Client id and secret would go in clear to another machine.
    Clear,
    /// A login in front of the host.
    Login,
    /// RFC 6749, 3.2: there is none.
    Fragment,
    Authority(AuthorityError),
    Host(EndpointError),
    Path,
}

impl fmt::Display for TokenUrlError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Scheme => f.write_str("it does not begin with https://"),
            Self::Clear => {
                f.write_str("http:// is for localhost, 127.0.0.1 and [::1] alone: others would read the secret")
            }
            Self::Login => {
                f.write_str("id and secret do not belong into it: --oauth-client-id, --oauth-client-secret-file")
            }
            Self::Fragment => f.write_str("a token endpoint has no fragment (#)"),
            Self::Authority(error) => write!(f, "{error}"),
            Self::Host(EndpointError::HostTooLong) => f.write_str("its host is too long"),
            Self::Host(_) => f.write_str("its host cannot be a name"),
            Self::Path => f.write_str("its path has a character that stands in no URL"),
        }
    }
}

impl TokenUrl {
    pub fn parse(text: &str) -> Result<Self, TokenUrlError> {
        let (scheme, rest) = text.split_once("://").ok_or(TokenUrlError::Scheme)?;
        let is_tls = match scheme {
            _ if scheme.eq_ignore_ascii_case("https") => true,
            _ if scheme.eq_ignore_ascii_case("http") => false,
            _ => return Err(TokenUrlError::Scheme),
        };
        if rest.contains('#') {
            return Err(TokenUrlError::Fragment);
        }
        let at = rest.find(['/', '?']).unwrap_or(rest.len());
        let (authority, target) = rest.split_at(at);
        if authority.contains('@') {
            return Err(TokenUrlError::Login);
        }
        let place = Authority::parse(authority.as_bytes()).map_err(TokenUrlError::Authority)?.place;
        if !is_tls && !is_loopback(&place.host) {
            return Err(TokenUrlError::Clear);
        }
        let default_port = if is_tls { 443 } else { 80 };
        let port = place.port.unwrap_or(default_port);
        let target = if target.starts_with('/') { target.to_owned() } else { format!("/{target}") };
        Ok(Self {
            is_tls,
            endpoint: Endpoint::new(&place.host, port).map_err(TokenUrlError::Host)?,
            is_default_port: port == default_port,
            target: target.parse().map_err(|_| TokenUrlError::Path)?,
        })
    }

    pub fn endpoint(&self) -> &Endpoint {
        &self.endpoint
    }

    pub fn is_tls(&self) -> bool {
        self.is_tls
    }

    /// `host`, `host:port`
    pub(super) fn authority(&self) -> String {
        let place = self.endpoint.to_string();
        match place.rsplit_once(':') {
            Some((host, _)) if self.is_default_port => host.to_owned(),
            _ => place,
        }
    }
}

/// Without the query, which may hold a secret.
impl fmt::Display for TokenUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = if self.is_tls { "https" } else { "http" };
        write!(f, "{scheme}://{}{}", self.authority(), self.target.path())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn host_port_and_target_are_found_and_the_query_is_not_shown() {
        for (text, shown, port, target) in [
            ("https://idp.example/oauth/token", "https://idp.example/oauth/token", 443, "/oauth/token"),
            ("HTTPS://idp:8443?key=secret", "https://idp:8443/", 8443, "/?key=secret"),
            ("https://idp:443/a?b=c", "https://idp/a", 443, "/a?b=c"),
            ("https://[2001:db8::1]/t", "https://[2001:db8::1]/t", 443, "/t"),
            ("http://localhost:8080/t", "http://localhost:8080/t", 8080, "/t"),
            ("http://127.0.0.2/t", "http://127.0.0.2/t", 80, "/t"),
            ("http://[::1]:81", "http://[::1]:81/", 81, "/"),
            ("http://[::ffff:127.0.0.1]", "http://[::ffff:127.0.0.1]/", 80, "/"),
        ] {
            let url = TokenUrl::parse(text).unwrap();
            assert_eq!((url.to_string().as_str(), url.target.to_string().as_str()), (shown, target));
            let Endpoint::Tcp { port: its, .. } = url.endpoint else { panic!("{text}") };
            assert_eq!(its, port, "{text}");
        }
    }

    #[test]
    fn what_would_show_the_secret_or_is_no_url_is_refused() {
        for (text, error) in [
            ("idp.example/token", TokenUrlError::Scheme),
            ("ftp://idp/token", TokenUrlError::Scheme),
            ("http://idp.example/token", TokenUrlError::Clear),
            ("http://10.0.0.1/token", TokenUrlError::Clear),
            ("http://localhost.example/token", TokenUrlError::Clear),
            ("https://id:secret@idp/token", TokenUrlError::Login),
            ("http://localhost@evil/token", TokenUrlError::Login),
            ("https://idp/token#x", TokenUrlError::Fragment),
            ("https:///token", TokenUrlError::Authority(AuthorityError::HostMissing)),
            ("https://idp/a b", TokenUrlError::Path),
            ("https://idp/a\r\nX: y", TokenUrlError::Path),
        ] {
            assert_eq!(TokenUrl::parse(text), Err(error), "{text}");
        }
    }
}
