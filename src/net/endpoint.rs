//! Where a peer is: a host and port, or a unix socket; and what the schemes of an URL mean.

use std::fmt;
use std::path::PathBuf;

use crate::escape::without_logins;

/// The port of MQTT in clear.
pub const PORT: u16 = 1883;

/// The port of MQTT over TLS.
pub const TLS_PORT: u16 = 8883;

/// The longest path of a unix socket in bytes: `sun_path` has 108 and needs its NUL.
pub const UNIX_PATH_LIMIT: usize = 107;

/// The longest host name in bytes: DNS allows 253, a resolver is not asked for more.
pub const HOST_LIMIT: usize = 253;

/// A place to connect to.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Endpoint {
    Tcp { host: String, port: u16 },
    Unix(PathBuf),
}

/// Why a host and a port are no endpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EndpointError {
    HostEmpty,
    HostTooLong,
    /// A blank or a control character, which no name has: written into a request to a proxy or a web server it would be more
    /// than a host.
    HostCharacter,
    UnixPathTooLong,
}

impl Endpoint {
    /// The endpoint of `host` and `port` as Mosquitto reads them: port 0 makes the host the path of
    /// a unix socket.
    pub fn new(host: &str, port: u16) -> Result<Self, EndpointError> {
        if host.is_empty() {
            return Err(EndpointError::HostEmpty);
        }
        if port != 0 && !is_host(host) || host.contains('\0') {
            return Err(EndpointError::HostCharacter);
        }
        if port == 0 {
            return Self::unix(host);
        }
        if host.len() > HOST_LIMIT {
            return Err(EndpointError::HostTooLong);
        }
        Ok(Self::Tcp { host: host.to_owned(), port })
    }

    /// A unix socket by its path.
    pub fn unix(path: impl Into<PathBuf>) -> Result<Self, EndpointError> {
        let path = path.into();
        let length = path.as_os_str().len();
        if length == 0 {
            return Err(EndpointError::HostEmpty);
        }
        if length > UNIX_PATH_LIMIT {
            return Err(EndpointError::UnixPathTooLong);
        }
        Ok(Self::Unix(path))
    }

    /// The host as the user named it, which TLS sends and checks and a WebSocket handshake names.
    pub fn host(&self) -> Option<&str> {
        match self {
            Self::Tcp { host, .. } => Some(host),
            Self::Unix(_) => None,
        }
    }
}

/// Whether all characters may be part of a host name or an address.
pub(super) fn is_host(text: &str) -> bool {
    !text.contains(|character: char| character.is_control() || character.is_whitespace())
}

/// `host:port` or `[v6 address]:port`.
pub fn host_and_port(host: &str, port: u16) -> String {
    if host.contains(':') { format!("[{host}]:{port}") } else { format!("{host}:{port}") }
}

/// `host:port`, `[v6 address]:port`, or the path.
impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp { host, port } => {
                // A URL may have been typed in place of a host.
                f.write_str(&host_and_port(&without_logins(host), *port))
            }
            Self::Unix(path) => write!(f, "{}", path.display()),
        }
    }
}

/// The scheme of an URL, and what it decides.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scheme {
    Mqtt,
    Mqtts,
    Ws,
    Wss,
}

impl Scheme {
    /// The scheme by its name, in any letter case.
    pub fn parse(name: &str) -> Option<Self> {
        let schemes = [Self::Mqtt, Self::Mqtts, Self::Ws, Self::Wss];
        schemes.into_iter().find(|scheme| scheme.name().eq_ignore_ascii_case(name))
    }

    fn name(self) -> &'static str {
        match self {
            Self::Mqtt => "mqtt",
            Self::Mqtts => "mqtts",
            Self::Ws => "ws",
            Self::Wss => "wss",
        }
    }

    /// The port when the URL names none. Mosquitto uses MQTT's own ports for WebSockets too,
    /// whatever its man page says.
    pub fn default_port(self) -> u16 {
        if self.is_tls() { TLS_PORT } else { PORT }
    }

    /// TLS, with the certificates of the operating system unless others are named.
    pub fn is_tls(self) -> bool {
        matches!(self, Self::Mqtts | Self::Wss)
    }

    /// MQTT inside of WebSocket frames.
    pub fn is_websocket(self) -> bool {
        matches!(self, Self::Ws | Self::Wss)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn port_0_makes_the_host_a_path() {
        assert_eq!(Endpoint::new("/run/mqtt.sock", 0), Ok(Endpoint::Unix("/run/mqtt.sock".into())));
        assert_eq!(Endpoint::new("lan", 1883), Ok(Endpoint::Tcp { host: "lan".into(), port: 1883 }));
    }

    #[test]
    fn a_socket_path_has_at_most_107_bytes() {
        assert!(Endpoint::new(&"x".repeat(107), 0).is_ok());
        assert_eq!(Endpoint::new(&"x".repeat(108), 0), Err(EndpointError::UnixPathTooLong));
    }

    #[test]
    fn hosts_that_are_empty_or_long_or_have_what_no_name_has_are_refused() {
        assert_eq!(Endpoint::new("", 1883), Err(EndpointError::HostEmpty));
        assert_eq!(Endpoint::new("", 0), Err(EndpointError::HostEmpty));
        assert_eq!(Endpoint::new(&"x".repeat(254), 1883), Err(EndpointError::HostTooLong));
        for host in ["a\0b", "a\r\nX: y", "a b", "a\u{85}b", " a"] {
            assert_eq!(Endpoint::new(host, 1883), Err(EndpointError::HostCharacter), "{host:?}");
        }
        assert_eq!(Endpoint::new("a\0b", 0), Err(EndpointError::HostCharacter));
        assert!(Endpoint::new("/tmp/a b", 0).is_ok());
    }

    #[test]
    fn an_ipv6_address_is_shown_in_brackets() {
        assert_eq!(Endpoint::new("::1", 1883).unwrap().to_string(), "[::1]:1883");
        assert_eq!(Endpoint::new("lan", 1883).unwrap().to_string(), "lan:1883");
    }

    #[test]
    fn schemes_are_read_in_any_case_and_know_their_ports() {
        assert_eq!(Scheme::parse("MQTTs"), Some(Scheme::Mqtts));
        assert_eq!(Scheme::parse("http"), None);
        assert_eq!(Scheme::Ws.default_port(), 1883);
        assert_eq!(Scheme::Wss.default_port(), 8883);
    }
}
