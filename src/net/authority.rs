//! The authority of an URL, `[user[:password]@]host[:port]` (RFC 3986 §3.2), and `host[:port]` as people type it.

use std::fmt;

use zeroize::Zeroizing;

use super::endpoint::is_host;

/// A host with the port that stands behind it, if one does. An IPv6 address stands without brackets, its zone
/// behind a plain `%`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HostAndPort {
    pub host: String,
    pub port: Option<u16>,
}

/// Why a text names no host and port. It never holds more than the host and the port, because a login stands in front
/// of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AuthorityError {
    HostMissing,
    /// An `@` with a login in front of it, where only an URL has one.
    Login,
    /// The text behind the colon is no number from 1 to 65535. The text itself is there only where a login stands in front
    /// of the host: else it may be the password of one whose `@host` was forgotten.
    Port(Option<String>),
    /// `[` without `]`, or something other than a port behind `]`.
    Brackets,
    /// An escape in the login or the host that is not `%` and two hexadecimal digits.
    Escape,
    /// `%00`, which no user name, password or host can hold.
    Nul,
    /// The host is not UTF-8 once it is decoded.
    NotText,
    /// The host has a blank or a control character.
    Character,
}

impl fmt::Display for AuthorityError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::HostMissing => f.write_str("there is no host"),
            Self::Login => f.write_str("a login belongs into an URL, behind its mqtt://"),
            Self::Port(Some(text)) => write!(f, "'{}' is no port from 1 to 65535", text.escape_debug()),
            Self::Port(None) => f.write_str("what stands behind the ':' is no port from 1 to 65535"),
            Self::Brackets => f.write_str("an IPv6 address stands in brackets: [::1] or [::1]:1883"),
            Self::Escape => f.write_str("'%' has to be written %25 where no two hexadecimal digits follow"),
            Self::Nul => f.write_str("%00 cannot be part of a login or host"),
            Self::NotText => f.write_str("the host is not UTF-8"),
            Self::Character => f.write_str("the host has a blank or a control character"),
        }
    }
}

impl HostAndPort {
    /// Reads `host`, `host:port`, `[v6]`, `[v6]:port`, or an IPv6 address without brackets and port.
    pub fn parse(text: &str) -> Result<Self, AuthorityError> {
        Self::parse_behind_login(text).map_err(|error| match error {
            AuthorityError::Port(_) => AuthorityError::Port(None),
            other => other,
        })
    }

    fn parse_behind_login(text: &str) -> Result<Self, AuthorityError> {
        let (host, port) = match text.strip_prefix('[') {
            Some(rest) => {
                let (host, behind) = rest.split_once(']').ok_or(AuthorityError::Brackets)?;
                match behind.strip_prefix(':') {
                    Some(port) => (host, Some(port)),
                    None if behind.is_empty() => (host, None),
                    None => return Err(AuthorityError::Brackets),
                }
            }
            None => match text.split_once(':') {
                // A port holds no colon, so these are the groups of an IPv6 address.
                Some((_, rest)) if rest.contains(':') => (text, None),
                Some((host, port)) => (host, Some(port)),
                None => (text, None),
            },
        };
        if host.is_empty() {
            return Err(AuthorityError::HostMissing);
        }
        if host.contains('@') {
            return Err(AuthorityError::Login);
        }
        if !is_host(host) {
            return Err(AuthorityError::Character);
        }
        Ok(Self { host: host.to_owned(), port: port.map(port_of).transpose()? })
    }
}

fn port_of(text: &str) -> Result<u16, AuthorityError> {
    let is_number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let port = if is_number { text.parse().ok() } else { None };
    port.filter(|port| *port != 0).ok_or_else(|| AuthorityError::Port(Some(text.to_owned())))
}

/// A host without the brackets that an IPv6 address has in URLs.
pub fn without_brackets(host: &str) -> &str {
    let inner = host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
    inner.filter(|inner| inner.contains(':')).unwrap_or(host)
}

/// The authority of an URL, taken apart and percent-decoded.
#[derive(Debug, PartialEq, Eq)]
pub struct Authority {
    pub login: Option<Login>,
    pub place: HostAndPort,
}

/// Who is named in front of the `@`.
#[derive(Debug, PartialEq, Eq)]
pub struct Login {
    pub username: Vec<u8>,
    pub password: Option<Zeroizing<Vec<u8>>>,
    /// Something was percent-encoded in it.
    pub was_encoded: bool,
}

impl Authority {
    /// Reads `[user[:password]@]host[:port]`. The last `@` ends the login, so that one inside a password sends no
    /// tail of it to the DNS.
    pub fn parse(authority: &[u8]) -> Result<Self, AuthorityError> {
        let (login, place) = match memchr::memrchr(b'@', authority) {
            Some(at) => (Some(&authority[..at]), &authority[at + 1..]),
            None => (None, authority),
        };
        let place = String::from_utf8(percent_decoded(place)?).map_err(|_| AuthorityError::NotText)?;
        let login = login.map(Login::parse).transpose()?;
        let parse = if login.is_some() { HostAndPort::parse_behind_login } else { HostAndPort::parse };
        Ok(Self { login, place: parse(&place)? })
    }
}

impl Login {
    fn parse(login: &[u8]) -> Result<Self, AuthorityError> {
        let (username, password) = match memchr::memchr(b':', login) {
            Some(at) => (&login[..at], Some(&login[at + 1..])),
            None => (login, None),
        };
        let password = password.map(|password| percent_decoded(password).map(Zeroizing::new)).transpose()?;
        Ok(Self { username: percent_decoded(username)?, password, was_encoded: login.contains(&b'%') })
    }
}

/// Each `%` and two hexadecimal digits as the byte that they stand for (RFC 3986 §2.1). The zone of an IPv6 address may
/// stand behind a plain `%` too, as people copy it.
pub fn percent_decoded(text: &[u8]) -> Result<Vec<u8>, AuthorityError> {
    let is_address = text.starts_with(b"[");
    let mut decoded = Vec::with_capacity(text.len());
    let mut rest = text;
    while let [first, tail @ ..] = rest {
        rest = tail;
        if *first != b'%' {
            decoded.push(*first);
            continue;
        }
        match byte_of(tail) {
            Some(0) => return Err(AuthorityError::Nul),
            // `[fe80::1%eth0]`: no escape within an address but `%25` (RFC 6874).
            Some(byte) if !is_address || byte == b'%' => {
                decoded.push(byte);
                rest = &tail[2..];
            }
            _ if is_address => decoded.push(b'%'),
            _ => return Err(AuthorityError::Escape),
        }
    }
    Ok(decoded)
}

fn byte_of(digits: &[u8]) -> Option<u8> {
    let [high, low, ..] = digits else { return None };
    let value = |digit: u8| char::from(digit).to_digit(16);
    u8::try_from(value(*high)? * 16 + value(*low)?).ok()
}

/// `text` as it may stand in the login of an URL: everything but unreserved characters (RFC 3986 §2.3) escaped.
pub fn percent_encoded(text: &[u8]) -> String {
    use fmt::Write;
    text.iter().fold(String::with_capacity(text.len()), |mut encoded, byte| {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(byte) {
            encoded.push(char::from(*byte));
        } else {
            // A String takes whatever is written.
            let _ = write!(encoded, "%{byte:02X}");
        }
        encoded
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(text: &str) -> Result<(String, Option<u16>), AuthorityError> {
        HostAndPort::parse(text).map(|HostAndPort { host, port }| (host, port))
    }

    #[test]
    fn what_no_name_has_is_refused_in_clear_and_escaped() {
        for text in ["h%0d%0aX:1", "h%0D%0AX: y", "u:p@h%20b:1", "h%00", "h\r\n", " h"] {
            assert!(Authority::parse(text.as_bytes()).is_err(), "{text:?}");
        }
        assert_eq!(place("h\r\nX"), Err(AuthorityError::Character));
        assert_eq!(place("a b"), Err(AuthorityError::Character));
    }

    #[test]
    fn a_port_stands_behind_a_colon_and_an_address_in_brackets() {
        for (text, host, port) in [
            ("lan", "lan", None),
            ("lan:8883", "lan", Some(8883)),
            ("[::1]", "::1", None),
            ("[::1]:99", "::1", Some(99)),
            ("[fe80::1%eth0]:99", "fe80::1%eth0", Some(99)),
            ("::1", "::1", None),
            ("fe80::1%eth0", "fe80::1%eth0", None),
        ] {
            assert_eq!(place(text), Ok((host.to_owned(), port)), "{text}");
        }
    }

    #[test]
    fn what_is_no_port_is_refused_and_never_a_socket() {
        for text in ["abc", "", "0", "65536", "+1", "1x", " 1"] {
            assert_eq!(place(&format!("h:{text}")), Err(AuthorityError::Port(None)));
            assert_eq!(place(&format!("[::1]:{text}")), Err(AuthorityError::Port(None)));
        }
        assert_eq!(place(""), Err(AuthorityError::HostMissing));
        assert_eq!(place("u:p@h:1"), Err(AuthorityError::Login));
        assert_eq!(place("u@h"), Err(AuthorityError::Login));
        assert_eq!(place(":1"), Err(AuthorityError::HostMissing));
        assert_eq!(place("[]:1"), Err(AuthorityError::HostMissing));
        for text in ["[::1", "[::1]x", "[::1]1883"] {
            assert_eq!(place(text), Err(AuthorityError::Brackets), "{text}");
        }
    }

    fn read(authority: &str) -> Authority {
        Authority::parse(authority.as_bytes()).unwrap()
    }

    #[test]
    fn the_last_at_sign_ends_the_login_which_is_decoded_after_it_is_taken_apart() {
        let authority = read("u:p@ss@H:7");
        let login = authority.login.unwrap();
        assert_eq!((&login.username[..], login.password.unwrap().as_slice()), (&b"u"[..], &b"p@ss"[..]));
        assert_eq!(authority.place, HostAndPort { host: "H".into(), port: Some(7) });

        let login = read("a%3Ab:c%3ad%25%40@h").login.unwrap();
        assert_eq!((&login.username[..], login.password.unwrap().as_slice()), (&b"a:b"[..], &b"c:d%@"[..]));
        assert!(login.was_encoded);

        let login = read("me@h").login.unwrap();
        assert_eq!((login.password, login.was_encoded), (None, false));
        assert_eq!(read(":@h").login.unwrap().password.unwrap().as_slice(), b"");
        assert_eq!(read("h").login, None);
    }

    #[test]
    fn a_zone_stands_behind_either_percent_sign() {
        for text in ["[fe80::1%25eth0]:1", "[fe80::1%eth0]:1"] {
            assert_eq!(read(text).place.host, "fe80::1%eth0", "{text}");
        }
        assert_eq!(read("%6Can").place.host, "lan");
    }

    #[test]
    fn an_error_holds_nothing_of_the_login() {
        for (text, error) in [
            ("u:se%cret@h", AuthorityError::Escape),
            ("u:se%@h", AuthorityError::Escape),
            ("u%00:secret@h", AuthorityError::Nul),
            ("u:secret@h%FF", AuthorityError::NotText),
            ("u:secret@", AuthorityError::HostMissing),
        ] {
            let told = Authority::parse(text.as_bytes()).unwrap_err();
            assert_eq!(told, error, "{text}");
            assert!(!told.to_string().contains("se"), "{told}");
        }
    }

    #[test]
    fn what_is_encoded_is_read_back() {
        let all: Vec<u8> = (1..=255).collect();
        let authority = format!("{}:{}@h", percent_encoded(&all), percent_encoded(&all));
        let login = read(&authority).login.unwrap();
        assert_eq!((login.username, login.password.unwrap().to_vec()), (all.clone(), all));
    }

    #[test]
    fn brackets_go_where_they_enclose_an_address() {
        assert_eq!(without_brackets("[::1]"), "::1");
        assert_eq!(without_brackets("[lan]"), "[lan]");
        assert_eq!(without_brackets("::1"), "::1");
    }
}
