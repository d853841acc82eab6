//! A proxy on the way to a peer: which kind, where, and who we are to it.

use std::fmt;

use zeroize::Zeroizing;

use super::tls;

/// What a proxy speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// SOCKS5 (RFC 1928). The proxy resolves the name.
    Socks5,
    /// HTTP, by CONNECT (RFC 9110, 9.3.6).
    Http,
    /// The same, in a TLS session with the proxy.
    Https,
}

impl Kind {
    /// The kind by the scheme of its URL, in any letter case. `socks5` is taken for `socks5h`: no name is resolved here.
    pub fn parse(scheme: &str) -> Option<Self> {
        let schemes =
            [("socks5h", Self::Socks5), ("socks5", Self::Socks5), ("http", Self::Http), ("https", Self::Https)];
        schemes.into_iter().find(|(name, _)| name.eq_ignore_ascii_case(scheme)).map(|(_, kind)| kind)
    }

    pub const fn scheme(self) -> &'static str {
        match self {
            Self::Socks5 => "socks5h",
            Self::Http => "http",
            Self::Https => "https",
        }
    }

    /// The port when the URL names none: that of its scheme, and SOCKS' own.
    pub const fn default_port(self) -> u16 {
        match self {
            Self::Socks5 => 1080,
            Self::Http => 80,
            Self::Https => 443,
        }
    }
}

/// Who named the proxy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    Option,
    /// A variable of the environment, by its name.
    Variable(&'static str),
}

/// `--proxy`, or the name of the variable.
impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Option => "--proxy",
            Self::Variable(name) => name,
        })
    }
}

/// A proxy. Neither `Debug` nor `Display` show the password.
#[derive(Clone, PartialEq, Eq)]
pub struct Proxy {
    pub kind: Kind,
    pub host: String,
    pub port: u16,
    pub login: Option<Login>,
    pub origin: Origin,
}

/// Who we are to the proxy.
#[derive(Clone, PartialEq, Eq)]
pub struct Login {
    pub user: String,
    pub password: Zeroizing<String>,
}

impl fmt::Debug for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let user = self.login.as_ref().map(|login| &login.user);
        write!(f, "Proxy({self}, {}, user: {user:?})", self.origin)
    }
}

/// `http://host:port`, without a login.
impl fmt::Display for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { kind, host, port, .. } = self;
        if host.contains(':') {
            write!(f, "{}://[{host}]:{port}", kind.scheme())
        } else {
            write!(f, "{}://{host}:{port}", kind.scheme())
        }
    }
}

/// A proxy, ready to be gone through.
#[derive(Clone, Debug)]
pub struct Hop {
    pub proxy: Proxy,
    /// For the session with a proxy that is reached by TLS.
    pub tls: Option<tls::Client>,
}

impl From<Proxy> for Hop {
    /// A proxy that is spoken to in clear.
    fn from(proxy: Proxy) -> Self {
        Self { proxy, tls: None }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_password_is_not_shown() {
        let login = Login { user: "u".to_owned(), password: Zeroizing::new("secret".to_owned()) };
        let (host, origin) = ("::1".to_owned(), Origin::Variable("ALL_PROXY"));
        let proxy = Proxy { kind: Kind::Http, host, port: 3128, login: Some(login), origin };
        assert_eq!(proxy.to_string(), "http://[::1]:3128");
        assert_eq!(format!("{proxy:?}"), r#"Proxy(http://[::1]:3128, ALL_PROXY, user: Some("u"))"#);
    }
}
