//! What a client asks for when it opens a WebSocket: the path, and fields of the head that are the user's own.

use std::borrow::Cow;
use std::fmt;

use zeroize::Zeroizing;

/// The path of MQTT for everybody who does not say otherwise: Mosquitto takes any, EMQX and HiveMQ this one.
pub const DEFAULT_PATH: &str = "/mqtt";

/// The longest path in bytes, its query included.
pub const PATH_LIMIT: usize = 2048;

/// The most fields of the user's own.
pub const HEADER_COUNT: usize = 32;

/// The longest name of a field in bytes.
pub const NAME_LIMIT: usize = 256;

/// The longest value of a field in bytes: tokens and cookies have some thousand.
pub const VALUE_LIMIT: usize = 8 * 1024;

/// Names of fields that the handshake sets itself, or that would change where its head ends.
const OURS: [&str; 5] = ["Host", "Upgrade", "Connection", "Content-Length", "Transfer-Encoding"];

/// How the names begin that belong to the handshake (RFC 6455, 11.3).
const OUR_PREFIX: &str = "Sec-WebSocket-";

/// What a client asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Opening {
    path: String,
    headers: Vec<Header>,
}

impl Default for Opening {
    fn default() -> Self {
        Self { path: DEFAULT_PATH.to_owned(), headers: Vec::new() }
    }
}

impl Opening {
    pub fn new(path: &str, headers: Vec<Header>) -> Result<Self, OpeningError> {
        check_path(path)?;
        if headers.len() > HEADER_COUNT {
            return Err(OpeningError::TooManyHeaders);
        }
        Ok(Self { path: path.to_owned(), headers })
    }

    pub fn path(&self) -> &str {
        &self.path
    }

    /// The path as it may be shown: its query may hold a token.
    pub fn shown_path(&self) -> Cow<'_, str> {
        match self.path.split_once('?') {
            None => Cow::Borrowed(&self.path),
            Some((path, _)) => Cow::Owned(format!("{path}?…")),
        }
    }

    /// Whether it has places for what nobody else should read.
    pub fn may_hold_secret(&self) -> bool {
        !self.headers.is_empty() || self.path.contains('?')
    }

    pub fn headers(&self) -> &[Header] {
        &self.headers
    }
}

/// One field of the request's head. `Debug` does not show its value, which may be a token.
#[derive(Clone, PartialEq, Eq)]
pub struct Header {
    name: String,
    value: Zeroizing<Vec<u8>>,
}

impl fmt::Debug for Header {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Header({})", self.name)
    }
}

impl Header {
    /// White space around the value is no part of it (RFC 9110, 5.5).
    pub fn new(name: &str, value: &[u8]) -> Result<Self, OpeningError> {
        check_header_name(name)?;
        let value = value.trim_ascii();
        if value.len() > VALUE_LIMIT {
            return Err(OpeningError::ValueTooLong);
        }
        if value.iter().any(|byte| byte.is_ascii_control() && *byte != b'\t') {
            return Err(OpeningError::ValueCharacter);
        }
        Ok(Self { name: name.to_owned(), value: Zeroizing::new(value.to_vec()) })
    }

    pub fn name(&self) -> &str {
        &self.name
    }

    pub fn value(&self) -> &[u8] {
        &self.value
    }
}

/// Why a path or a field is refused. It holds nothing of what was given, since that may be a secret in the wrong place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OpeningError {
    PathStart,
    PathCharacter,
    PathTooLong,
    NameEmpty,
    NameCharacter,
    NameTooLong,
    /// The handshake sets this field itself.
    NameIsOurs,
    ValueCharacter,
    ValueTooLong,
    TooManyHeaders,
}

impl fmt::Display for OpeningError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::PathStart => f.write_str("it does not begin with /"),
            Self::PathCharacter => f.write_str(
                "it has a blank, a control character, a # or a character that is not ASCII, which is written as % and two hexadecimal digits",
            ),
            Self::PathTooLong => write!(f, "it has more than {PATH_LIMIT} bytes"),
            Self::NameEmpty => f.write_str("its name is empty"),
            Self::NameCharacter => f.write_str("its name has a character that names of HTTP headers cannot have"),
            Self::NameTooLong => write!(f, "its name has more than {NAME_LIMIT} bytes"),
            Self::NameIsOurs => f.write_str("the WebSocket handshake sets this header itself"),
            Self::ValueCharacter => f.write_str("its value has a line break or another control character"),
            Self::ValueTooLong => write!(f, "its value has more than {VALUE_LIMIT} bytes"),
            Self::TooManyHeaders => write!(f, "there are more than {HEADER_COUNT} headers"),
        }
    }
}

/// A path of the form that a request line can hold (RFC 9112, 3.2.1), with or without a query.
pub fn check_path(path: &str) -> Result<(), OpeningError> {
    if !path.starts_with('/') {
        return Err(OpeningError::PathStart);
    }
    if path.len() > PATH_LIMIT {
        return Err(OpeningError::PathTooLong);
    }
    // What follows a # never leaves a client.
    if path.bytes().any(|byte| !byte.is_ascii_graphic() || byte == b'#') {
        return Err(OpeningError::PathCharacter);
    }
    Ok(())
}

/// A name is a token (RFC 9110, 5.6.2), and none of the handshake's own.
pub fn check_header_name(name: &str) -> Result<(), OpeningError> {
    if name.is_empty() {
        return Err(OpeningError::NameEmpty);
    }
    if name.len() > NAME_LIMIT {
        return Err(OpeningError::NameTooLong);
    }
    if !name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)) {
        return Err(OpeningError::NameCharacter);
    }
    let begins_as_ours = name.get(..OUR_PREFIX.len()).is_some_and(|start| start.eq_ignore_ascii_case(OUR_PREFIX));
    if begins_as_ours || OURS.iter().any(|own| own.eq_ignore_ascii_case(name)) {
        return Err(OpeningError::NameIsOurs);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_query_is_not_shown() {
        let shown = |path: &str| Opening::new(path, Vec::new()).unwrap().shown_path().into_owned();
        assert_eq!(shown("/mqtt?token=SECRET"), "/mqtt?…");
        assert_eq!(shown("/ws"), "/ws");
    }

    #[test]
    fn a_path_is_what_a_request_line_can_hold() {
        for path in ["/", "/ws", "/mqtt?token=a%20b", "/a;b"] {
            assert_eq!(check_path(path), Ok(()), "{path}");
        }
        for (path, error) in [
            ("", OpeningError::PathStart),
            ("ws", OpeningError::PathStart),
            ("http://lan/ws", OpeningError::PathStart),
            ("/a b", OpeningError::PathCharacter),
            ("/a\r\nX: y", OpeningError::PathCharacter),
            ("/ä", OpeningError::PathCharacter),
            ("/a#b", OpeningError::PathCharacter),
        ] {
            assert_eq!(check_path(path), Err(error), "{path}");
        }
        assert_eq!(check_path(&"/".repeat(PATH_LIMIT)), Ok(()));
        assert_eq!(check_path(&"/".repeat(PATH_LIMIT + 1)), Err(OpeningError::PathTooLong));
    }

    #[test]
    fn a_field_that_would_break_the_head_is_refused() {
        let refused = |name: &str, value: &str| Header::new(name, value.as_bytes()).unwrap_err();
        assert_eq!(refused("", "x"), OpeningError::NameEmpty);
        for name in ["a b", "a:b", "a\r\nb", "é", "a(b"] {
            assert_eq!(refused(name, "x"), OpeningError::NameCharacter, "{name}");
        }
        for name in ["host", "UPGRADE", "Connection", "sec-websocket-key", "Sec-WebSocket-Anything", "content-length"] {
            assert_eq!(refused(name, "x"), OpeningError::NameIsOurs, "{name}");
        }
        for value in ["a\r\nHost: b", "a\nb", "a\0", "\u{1b}[0m"] {
            assert_eq!(refused("X", value), OpeningError::ValueCharacter, "{value:?}");
        }
        assert_eq!(refused("X", &"v".repeat(VALUE_LIMIT + 1)), OpeningError::ValueTooLong);
        assert_eq!(refused(&"x".repeat(NAME_LIMIT + 1), ""), OpeningError::NameTooLong);
        let taken = Header::new("X-Any", " a\tb é ".as_bytes()).unwrap();
        assert_eq!((taken.name(), taken.value()), ("X-Any", "a\tb é".as_bytes()));
        let many = vec![Header::new("X", b"").unwrap(); HEADER_COUNT + 1];
        assert_eq!(Opening::new("/", many).unwrap_err(), OpeningError::TooManyHeaders);
    }

    #[test]
    fn a_value_is_not_shown() {
        let header = Header::new("Authorization", b"Bearer secret").unwrap();
        assert!(!format!("{header:?}").contains("secret"));
    }
}
