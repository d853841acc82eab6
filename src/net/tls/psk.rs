//! TLS 1.2 with a pre-shared key, by OpenSSL, since rustls has none. Only with the cargo feature `psk`.

use std::fmt;
use std::io;
use std::net::IpAddr;
use std::pin::Pin;
use std::time::Duration;

use openssl::error::ErrorStack;
use openssl::ssl::{self, ErrorCode, Ssl, SslContext, SslMethod, SslVerifyMode, SslVersion};
use tokio::time::timeout;
use tokio_openssl::SslStream;
use zeroize::Zeroizing;

use super::{Alert, Cause, Failure, OptionsError, Seen, TlsSession, UnknownCiphers};
use crate::net::first_bytes::FirstBytes;
use crate::net::stream::Stream;

/// Longest identity and longest key in bytes that OpenSSL takes.
pub const IDENTITY_LIMIT: usize = 128;
pub const KEY_LIMIT: usize = 512;

/// The suites that are offered when the user names none.
const SUITES: &str = "PSK";

/// Who we are, and the secret that both ends know. `Debug` does not show it.
#[derive(Clone)]
pub struct PreSharedKey {
    pub identity: String,
    pub key: Zeroizing<Vec<u8>>,
}

impl fmt::Debug for PreSharedKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PreSharedKey").field("identity", &self.identity).finish_non_exhaustive()
    }
}

impl PreSharedKey {
    /// From hex digits; zeros in front count. `None` if they are none, or if key or identity is longer than
    /// OpenSSL takes.
    pub fn from_hex(identity: &str, hex: &[u8]) -> Option<Self> {
        let digits = hex.iter().map(|digit| char::from(*digit).to_digit(16).map(|digit| digit as u8));
        let digits = Zeroizing::new(digits.collect::<Option<Vec<u8>>>()?);
        // An odd number of digits has half a byte in front.
        let (first, pairs) = digits.split_at(digits.len() % 2);
        let mut key = Zeroizing::new(Vec::with_capacity(KEY_LIMIT));
        key.extend_from_slice(first);
        key.extend(pairs.chunks_exact(2).map(|pair| pair[0] << 4 | pair[1]));
        let fits = key.len() <= KEY_LIMIT && identity.len() < IDENTITY_LIMIT && !identity.contains('\0');
        (fits && !hex.is_empty()).then(|| Self { identity: identity.to_owned(), key })
    }
}

/// A key and the suites to offer, ready to connect any number of times.
#[derive(Clone)]
pub(super) struct Connector(SslContext);

impl fmt::Debug for Connector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Connector")
    }
}

impl Connector {
    pub fn new(secret: &PreSharedKey, suites: Option<&str>) -> Result<Self, OptionsError> {
        let suites = suites.unwrap_or(SUITES);
        context(secret.clone(), suites).map(|context| Self(context)).map_err(|_| {
            OptionsError::Ciphers(UnknownCiphers {
                version: super::Version::Tls12,
                list: suites.to_owned(),
                unknown: vec![suites.to_owned()],
            })
        })
    }

    pub async fn connect(&self, name: Option<&str>, stream: Stream, limit: Duration) -> Result<Stream, Failure> {
        let first_bytes = FirstBytes::default();
        let failure = |cause: Cause| {
            let seen = Seen { first_bytes: first_bytes.so_far(), ..Seen::default() };
            Failure { name: name.map(str::to_owned), cause: cause.after(&seen), seen: Box::new(seen) }
        };
        let ssl = self.ssl(name).map_err(|error| failure(Cause::Protocol(error.to_string())))?;
        let mut stream = SslStream::new(ssl, stream.noted(&first_bytes))
            .map_err(|error| failure(Cause::Protocol(error.to_string())))?;
        match timeout(limit, Pin::new(&mut stream).connect()).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => return Err(failure(cause(error))),
            Err(_elapsed) => return Err(failure(Cause::TimedOut)),
        }
        let cipher = stream.ssl().current_cipher().map_or("", |cipher| cipher.name()).to_owned();
        // Nothing but the key vouches for the server, so a suite without it, which `--ciphers` may have let
        // in, would trust anybody.
        if !cipher.contains("PSK") {
            return Err(failure(Cause::Incompatible(format!("the suite {cipher} does not use the pre-shared key"))));
        }
        let session = TlsSession { version: "TLSv1.2", cipher, alpn: None, seen: Seen::default() };
        Ok(Stream::pre_shared(stream, session))
    }

    fn ssl(&self, name: Option<&str>) -> Result<Ssl, ErrorStack> {
        let mut ssl = Ssl::new(&self.0)?;
        if let Some(name) = name.filter(|name| name.parse::<IpAddr>().is_err()) {
            ssl.set_hostname(name)?;
        }
        Ok(ssl)
    }
}

fn context(secret: PreSharedKey, suites: &str) -> Result<SslContext, ErrorStack> {
    let mut context = SslContext::builder(SslMethod::tls_client())?;
    context.set_verify(SslVerifyMode::NONE);
    context.set_min_proto_version(Some(SslVersion::TLS1_2))?;
    context.set_max_proto_version(Some(SslVersion::TLS1_2))?;
    context.set_cipher_list(suites)?;
    context.set_psk_client_callback(move |_, _, identity, key| {
        let (own_identity, own_key) = (secret.identity.as_bytes(), &secret.key);
        // The name ends with a NUL. Without room for them no key is given, which ends the handshake.
        if own_identity.len() >= identity.len() || own_key.len() > key.len() {
            return Ok(0);
        }
        identity[..own_identity.len()].copy_from_slice(own_identity);
        identity[own_identity.len()] = 0;
        key[..own_key.len()].copy_from_slice(own_key);
        Ok(own_key.len())
    });
    Ok(context.build())
}

fn cause(error: ssl::Error) -> Cause {
    /// OpenSSL counts the alerts that it receives from here on.
    const ALERTS: i32 = 1000;
    if let Some(first) = error.ssl_error().and_then(|stack| stack.errors().first()) {
        return match u8::try_from(first.reason_code() - ALERTS) {
            Ok(alert) => Cause::Alert(Alert(alert)),
            Err(_) => Cause::Protocol(first.reason().unwrap_or("unknown error").to_owned()),
        };
    }
    match (error.code(), error.into_io_error()) {
        (ErrorCode::ZERO_RETURN, _) => Cause::Closed,
        (_, Ok(error)) if error.kind() == io::ErrorKind::UnexpectedEof => Cause::Closed,
        (_, Ok(error)) => Cause::Io(error),
        (_, Err(_)) => Cause::Closed,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_given_in_hex() {
        let key = |hex: &str| PreSharedKey::from_hex("me", hex.as_bytes()).map(|secret| secret.key.to_vec());
        assert_eq!(key("00Ff10"), Some(vec![0, 0xff, 0x10]));
        assert_eq!(key("abc"), Some(vec![0x0a, 0xbc]));
        for wrong in ["", "xy", "0x10", "a b"] {
            assert_eq!(key(wrong), None, "{wrong}");
        }
        assert_eq!(key(&"ff".repeat(512)).unwrap().len(), 512);
        assert_eq!(key(&"ff".repeat(513)), None);
        assert!(PreSharedKey::from_hex(&"i".repeat(128), b"ff").is_none());
    }
}
