//! TLS over any stream: options to configurations, both ends, and what a handshake showed.
//!
//! rustls does the protocol; whom to believe is decided by `pki::chain` through `net::verify`.

mod ciphers;
mod client;
mod current;
mod failure;
mod identity;
#[cfg(feature = "psk")]
pub mod psk;
mod server;
mod version;

pub use ciphers::{Suites, UnknownCiphers};
pub use client::{Client, Options};
pub(super) use current::Current;
pub use failure::{Alert, Cause, Failure, HANDSHAKE_TIMEOUT, alert_in};
pub use identity::{FileRole, OptionsError, Passphrase};
pub use server::{Renewed, Server, ServerOptions};
pub use version::Version;

use rustls::pki_types::UnixTime;

use crate::pki::certificate::Certificate;
use crate::pki::chain::Verdict;
use crate::pki::name::DistinguishedName;

/// The longest name of an application protocol in bytes; its length is one byte on the wire.
pub const ALPN_LIMIT: usize = 255;

/// How much of the server's certificate is checked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Checks {
    #[default]
    Everything,
    /// `--insecure`: chain, dates and signatures, but not for whom it is.
    NotTheName,
    /// `--no-verify`: nothing at all.
    Nothing,
}

/// Whether a peer that begins with these bytes speaks TLS: they are the head of a record, whose version is 3 and something.
/// Not known of none.
pub fn begins_tls(first_bytes: &[u8]) -> Option<bool> {
    match first_bytes {
        [] | [20..=24] => None,
        [20..=24, 3, ..] => Some(true),
        _ => Some(false),
    }
}

/// What a handshake showed of the peer, also when it failed.
#[derive(Clone, Debug, Default)]
pub struct Seen {
    /// The certificates that the peer presented, DER, its own first.
    pub presented: Vec<Vec<u8>>,
    /// What our rules say about them; made even if nothing was to be checked.
    pub verdict: Option<Verdict>,
    /// The server asked for a certificate, from one of these issuers (empty: from anybody).
    pub asked_for_certificate: Option<Vec<DistinguishedName>>,
    /// We sent one.
    pub sent_certificate: bool,
    /// The first bytes that a server sent.
    pub first_bytes: Vec<u8>,
}

/// A session that stands.
#[derive(Clone, Debug)]
pub struct TlsSession {
    /// `TLSv1.2` or `TLSv1.3`
    pub version: &'static str,
    /// The cipher suite by its OpenSSL name.
    pub cipher: String,
    pub alpn: Option<String>,
    pub seen: Seen,
}

/// Seconds since 1970.
fn unix_now() -> i64 {
    UnixTime::now().as_secs().cast_signed()
}

impl Seen {
    /// Whether the server speaks TLS; not known where it said nothing.
    pub fn speaks_tls(&self) -> Option<bool> {
        begins_tls(&self.first_bytes)
    }

    /// The certificate that the peer presented as its own.
    pub fn peer(&self) -> Option<Certificate> {
        self.presented.first().and_then(|der| Certificate::parse(der).ok())
    }
}

impl TlsSession {
    fn new(connection: &rustls::CommonState, seen: Seen) -> Self {
        let version = match connection.protocol_version() {
            Some(rustls::ProtocolVersion::TLSv1_2) => "TLSv1.2",
            _ => "TLSv1.3",
        };
        let cipher = connection.negotiated_cipher_suite().map(|suite| ciphers::openssl_name(suite.suite()));
        let alpn = connection.alpn_protocol().map(|name| String::from_utf8_lossy(name).into_owned());
        Self { version, cipher: cipher.unwrap_or_default(), alpn, seen }
    }
}
