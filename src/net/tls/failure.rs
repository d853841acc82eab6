//! Why a handshake failed, or a session ended, as facts.

use std::fmt;
use std::io;
use std::time::Duration;

use super::Seen;
use crate::net::reason;
use crate::pki::chain::Problem;

/// How long a client of a listener may take for its handshake, from the first byte to the last.
pub const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(30);

/// An alert that the peer sent: why it refused us.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Alert(pub u8);

impl Alert {
    /// The name in RFC 8446 and RFC 5246, in words.
    pub fn name(self) -> &'static str {
        match self.0 {
            0 => "close notify",
            10 => "unexpected message",
            20 => "bad record mac",
            22 => "record overflow",
            40 => "handshake failure",
            42 => "bad certificate",
            43 => "unsupported certificate",
            44 => "certificate revoked",
            45 => "certificate expired",
            46 => "certificate unknown",
            47 => "illegal parameter",
            48 => "unknown ca",
            49 => "access denied",
            50 => "decode error",
            51 => "decrypt error",
            70 => "protocol version",
            71 => "insufficient security",
            80 => "internal error",
            86 => "inappropriate fallback",
            90 => "user canceled",
            109 => "missing extension",
            110 => "unsupported extension",
            112 => "unrecognized name",
            115 => "unknown psk identity",
            116 => "certificate required",
            120 => "no application protocol",
            _ => "an alert without a name",
        }
    }
}

impl fmt::Display for Alert {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A handshake that failed, with everything that it showed.
#[derive(Debug)]
pub struct Failure {
    /// The name that was asked for.
    pub name: Option<String>,
    pub cause: Cause,
    pub seen: Box<Seen>,
}

#[derive(Debug)]
pub enum Cause {
    /// We refused the peer's certificate: `seen.verdict` says why.
    Certificate,
    /// The peer refused us.
    Alert(Alert),
    /// What answered does not speak TLS.
    NotTls,
    /// The peer closed the connection before the end of the handshake; what it had sent is in [`Seen::first_bytes`].
    Closed,
    /// The peer offers nothing that we take.
    Incompatible(String),
    /// The host name cannot be put into a handshake.
    BadName,
    TimedOut,
    /// The peer breaks the rules of TLS.
    Protocol(String),
    Io(io::Error),
}

impl Cause {
    pub(super) fn new(error: io::Error) -> Self {
        let Some(tls) = tls_error(&error) else {
            return match error.kind() {
                io::ErrorKind::UnexpectedEof | io::ErrorKind::ConnectionReset | io::ErrorKind::BrokenPipe => {
                    Self::Closed
                }
                _ => Self::Io(error),
            };
        };
        match tls {
            rustls::Error::AlertReceived(alert) => Self::Alert(Alert((*alert).into())),
            rustls::Error::InvalidCertificate(_) | rustls::Error::NoCertificatesPresented => Self::Certificate,
            rustls::Error::InvalidMessage(
                rustls::InvalidMessage::InvalidContentType | rustls::InvalidMessage::UnknownProtocolVersion,
            ) => Self::NotTls,
            rustls::Error::PeerIncompatible(why) => Self::Incompatible(format!("{why:?}")),
            rustls::Error::NoApplicationProtocol => Self::Incompatible("no application protocol in common".to_owned()),
            other => Self::Protocol(other.to_string()),
        }
    }
}

impl Cause {
    /// The cause in the light of what came: rustls waits for the head of a whole record, so that a few bytes of another protocol
    /// and a close are a close to it.
    pub(super) fn after(self, seen: &Seen) -> Self {
        match (self, seen.speaks_tls()) {
            (Self::Closed | Self::TimedOut | Self::Protocol(_), Some(false)) => Self::NotTls,
            (Self::NotTls, Some(true)) => Self::Protocol("what follows its first record is none".to_owned()),
            (cause, _) => cause,
        }
    }
}

fn tls_error(error: &io::Error) -> Option<&rustls::Error> {
    error.get_ref().and_then(|inner| inner.downcast_ref())
}

/// The alert in an error of reading from, or writing to, a stream.
pub fn alert_in(error: &io::Error) -> Option<Alert> {
    match tls_error(error) {
        Some(rustls::Error::AlertReceived(alert)) => Some(Alert((*alert).into())),
        _ => None,
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.cause {
            Cause::Certificate => {
                let id = self.seen.verdict.iter().flat_map(|verdict| &verdict.problems).next().map(Problem::id);
                write!(f, "the server's certificate is not accepted ({})", id.unwrap_or("cert.malformed"))
            }
            Cause::Alert(alert) => write!(f, "the peer refused: {alert}"),
            Cause::NotTls => f.write_str("the peer does not speak TLS"),
            Cause::Closed => f.write_str("the peer closed the connection during the handshake"),
            Cause::Incompatible(why) => write!(f, "nothing in common with the peer: {why}"),
            Cause::BadName => f.write_str("the host name cannot be used with TLS"),
            Cause::TimedOut => f.write_str("the peer does not go on with the handshake"),
            Cause::Protocol(why) => write!(f, "the peer breaks the protocol: {why}"),
            Cause::Io(error) => f.write_str(&reason(error)),
        }
    }
}

impl std::error::Error for Failure {}
