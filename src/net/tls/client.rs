//! The client's end of TLS.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rustls::client::ResolvesClientCert;
use rustls::crypto::CryptoProvider;
use rustls::pki_types::ServerName;
use rustls::sign::CertifiedKey;
use rustls::{ClientConfig, SignatureScheme};
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

use super::ciphers::Suites;
use super::failure::{Cause, Failure};
use super::identity::{Identity, KeyLogFile, OptionsError, Passphrase, anchors, application_protocols};
use super::{Checks, Seen, TlsSession, Version, unix_now};
use crate::net::first_bytes::FirstBytes;
use crate::net::stream::Stream;
use crate::net::verify::ServerCertificate;
use crate::pki::certificate::Certificate;
use crate::pki::chain::Anchors;
use crate::pki::name::{DistinguishedName, PeerName, without_zone};
use crate::pki::read;

/// What a user may say about TLS.
#[derive(Clone, Debug, Default)]
pub struct Options {
    pub cafile: Option<PathBuf>,
    pub capath: Option<PathBuf>,
    /// The certificates of the operating system.
    pub os_certificates: bool,
    /// The client's own certificate chain, and its key.
    pub identity: Option<(PathBuf, PathBuf)>,
    /// Names of application protocols to offer.
    pub alpn: Vec<String>,
    pub minimum_version: Version,
    pub suites: Suites,
    pub checks: Checks,
    /// Where session secrets are written (`--tls-keylog`, `SSLKEYLOGFILE`).
    pub keylog: Option<PathBuf>,
    /// In place of all certificates.
    #[cfg(feature = "psk")]
    pub pre_shared_key: Option<super::psk::PreSharedKey>,
}

impl Options {
    /// Whether certificate and key, if there are any, are files that give the same each time: a pipe gives it once, and may then
    /// block for ever.
    pub fn identity_is_in_files(&self) -> bool {
        let is_file = |path: &Path| std::fs::metadata(path).is_ok_and(|metadata| metadata.is_file());
        self.identity.as_ref().is_none_or(|(certificate, key)| is_file(certificate) && is_file(key))
    }

    /// The certificate that we show, if there is one; whether it can be read was asked when it was loaded.
    pub fn own_certificate(&self) -> Option<Certificate> {
        self.own_certificates().into_iter().next()
    }

    /// The chain that we show, our own certificate first; empty where there is none, or none that can be read again.
    pub fn own_certificates(&self) -> Vec<Certificate> {
        let Some((path, _)) = self.identity.as_ref().filter(|_| self.identity_is_in_files()) else { return Vec::new() };
        let ders = read::certificates(path).unwrap_or_default();
        ders.iter().map_while(|der| Certificate::parse(der).ok()).collect()
    }
}

/// Options read and found good: files are loaded, ready to connect any number of times.
#[derive(Clone, Debug)]
pub struct Client {
    anchors: Arc<Anchors>,
    identity: Option<Identity>,
    alpn: Vec<Vec<u8>>,
    version: Version,
    provider: Arc<CryptoProvider>,
    checks: Checks,
    keylog: Option<Arc<KeyLogFile>>,
    #[cfg(feature = "psk")]
    pre_shared: Option<super::psk::Connector>,
}

impl Client {
    pub fn new(options: &Options, passphrase: Passphrase<'_>) -> Result<Self, OptionsError> {
        let identity = match &options.identity {
            Some((certificate, key)) => Some(Identity::load(certificate, key, passphrase)?),
            None => None,
        };
        #[cfg(feature = "psk")]
        if let Some(secret) = &options.pre_shared_key {
            let connector = super::psk::Connector::new(secret, options.suites.tls12.as_deref())?;
            return Ok(Self { pre_shared: Some(connector), ..Self::new(&Options::default(), passphrase)? });
        }
        let anchors = anchors(options.cafile.as_deref(), options.capath.as_deref(), options.os_certificates)?;
        Ok(Self {
            #[cfg(feature = "psk")]
            pre_shared: None,
            identity: identity.map(|identity| identity.completed(&anchors, unix_now())),
            anchors: Arc::new(anchors),
            alpn: application_protocols(&options.alpn)?,
            version: options.minimum_version,
            provider: Arc::new(CryptoProvider {
                cipher_suites: options.suites.resolve().map_err(OptionsError::Ciphers)?,
                ..rustls::crypto::aws_lc_rs::default_provider()
            }),
            checks: options.checks,
            keylog: options.keylog.as_deref().map(KeyLogFile::new).transpose()?.map(Arc::new),
        })
    }

    /// Makes a session over `stream` with the server called `name`, within `limit`; without a name (a unix socket)
    /// it may be anybody whom the trusted certificates vouch for.
    pub async fn connect(&self, name: Option<&str>, stream: Stream, limit: Duration) -> Result<Stream, Failure> {
        #[cfg(feature = "psk")]
        if let Some(connector) = &self.pre_shared {
            return connector.connect(name, stream, limit).await;
        }
        let seen = Arc::new(Mutex::new(Seen::default()));
        let first_bytes = FirstBytes::default();
        let seen_by_now = || Seen { first_bytes: first_bytes.so_far(), ..take(&seen) };
        let failure = |cause: Cause| {
            let seen = seen_by_now();
            Failure { name: name.map(str::to_owned), cause: cause.after(&seen), seen: Box::new(seen) }
        };
        // Nobody reads this name: it is not sent, and our verifier has its own.
        let unnamed = || ServerName::try_from("localhost").expect("a host name");
        let server_name = match name {
            Some(name) => match ServerName::try_from(without_zone(name.strip_suffix('.').unwrap_or(name)).to_owned()) {
                Ok(name) => name,
                Err(_) => return Err(failure(Cause::BadName)),
            },
            None => unnamed(),
        };
        let config = match self.config(name, &seen) {
            Ok(config) => config,
            Err(error) => return Err(failure(Cause::Incompatible(error.to_string()))),
        };
        let connecting = TlsConnector::from(Arc::new(config)).connect(server_name, stream.noted(&first_bytes));
        match timeout(limit, connecting).await {
            Ok(Ok(connected)) => {
                let session = TlsSession::new(connected.get_ref().1, seen_by_now());
                Ok(Stream::tls(connected.into(), session))
            }
            Ok(Err(error)) => Err(failure(Cause::new(error))),
            Err(_elapsed) => Err(failure(Cause::TimedOut)),
        }
    }

    /// A configuration for one connection: it writes what it sees of the peer to `seen`.
    fn config(&self, name: Option<&str>, seen: &Arc<Mutex<Seen>>) -> Result<ClientConfig, rustls::Error> {
        let verifier = ServerCertificate::new(
            self.anchors.clone(),
            name.map(PeerName::new),
            self.checks,
            self.provider.signature_verification_algorithms,
            seen.clone(),
        );
        let mut config = ClientConfig::builder_with_provider(self.provider.clone())
            .with_protocol_versions(self.version.and_up())?
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(verifier))
            .with_client_cert_resolver(Arc::new(OwnCertificate {
                key: self.identity.as_ref().map(|identity| identity.0.clone()),
                seen: seen.clone(),
            }));
        config.alpn_protocols.clone_from(&self.alpn);
        config.enable_sni = name.is_some();
        // Each handshake shows the server's certificate anew, and no secret outlives its session.
        config.resumption = rustls::client::Resumption::disabled();
        if let Some(keylog) = &self.keylog {
            config.key_log = keylog.clone();
        }
        Ok(config)
    }
}

fn take(seen: &Mutex<Seen>) -> Seen {
    std::mem::take(&mut *seen.lock().unwrap_or_else(PoisonError::into_inner))
}

/// Gives the client's certificate to a server that asks, whichever issuers it names, as OpenSSL
/// does; and notes that it asked.
#[derive(Debug)]
struct OwnCertificate {
    key: Option<Arc<CertifiedKey>>,
    seen: Arc<Mutex<Seen>>,
}

impl ResolvesClientCert for OwnCertificate {
    fn resolve(&self, issuers: &[&[u8]], _schemes: &[SignatureScheme]) -> Option<Arc<CertifiedKey>> {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        seen.asked_for_certificate = Some(issuers.iter().filter_map(|der| DistinguishedName::parse(der)).collect());
        seen.sent_certificate = self.key.is_some();
        self.key.clone()
    }

    /// `true` also without one: only then does rustls ask, and we learn what the server wants.
    fn has_certs(&self) -> bool {
        true
    }
}

impl From<Failure> for io::Error {
    fn from(failure: Failure) -> Self {
        Self::new(io::ErrorKind::InvalidData, failure)
    }
}
