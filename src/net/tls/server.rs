//! The server's end of TLS, for the embedded broker.

use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};

use rustls::ServerConfig;
use rustls::crypto::CryptoProvider;
use rustls::server::{NoClientAuth, NoServerSessionStorage};
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;

use super::ciphers::Suites;
use super::current::Current;
use super::failure::{Cause, Failure, HANDSHAKE_TIMEOUT};
use super::identity::{
    Identity, KeyLogFile, OptionsError, Passphrase, anchors, application_protocols, revocation_lists,
};
use super::{Seen, TlsSession, Version, unix_now};
use crate::net::stream::Stream;
use crate::net::verify::ClientCertificate;
use crate::pki::chain::Anchors;
use crate::pki::revocation::RevocationList;

/// What a listener may say about TLS.
#[derive(Clone, Debug, Default)]
pub struct ServerOptions {
    /// Certificate chain.
    pub certificate: PathBuf,
    pub key: PathBuf,
    /// Who vouches for clients.
    pub cafile: Option<PathBuf>,
    pub capath: Option<PathBuf>,
    /// Clients must show a certificate; otherwise they are not asked for one.
    pub requires_certificate: bool,
    /// Accepts client certificates before and after their time (`disable_client_cert_date_checks`).
    pub ignore_client_dates: bool,
    pub revocation_list: Option<PathBuf>,
    pub minimum_version: Version,
    pub suites: Suites,
    pub alpn: Vec<String>,
    /// Where session secrets are written (`--tls-keylog`).
    pub keylog: Option<PathBuf>,
}

impl ServerOptions {
    /// `None`: clients are not asked for more than their certificate.
    fn revocation_lists(&self) -> Result<Option<Vec<RevocationList>>, OptionsError> {
        let Some(path) = &self.revocation_list else { return Ok(None) };
        revocation_lists(path, self.cafile.as_deref(), self.capath.as_deref()).map(Some)
    }
}

/// A listener's TLS, ready for any number of connections.
#[derive(Clone, Debug)]
pub struct Server {
    options: ServerOptions,
    config: Arc<ServerConfig>,
    current: Arc<Current>,
}

/// What was read again, and is right in itself.
#[derive(Debug)]
pub struct Renewed {
    identity: Identity,
    lists: Option<Vec<RevocationList>>,
}

impl Server {
    pub fn new(options: ServerOptions, passphrase: Passphrase<'_>) -> Result<Self, OptionsError> {
        let identity = Self::identity(&options, passphrase)?;
        let lists = options.revocation_lists()?;
        let current =
            Arc::new(Current { identity: RwLock::new(identity.0), revocation: RwLock::new(lists.map(Arc::new)) });
        let provider = Arc::new(CryptoProvider {
            cipher_suites: options.suites.resolve().map_err(OptionsError::Ciphers)?,
            ..rustls::crypto::aws_lc_rs::default_provider()
        });
        let config = Self::config(&options, provider, &current)?;
        Ok(Self { options, config: Arc::new(config), current })
    }

    /// The certificate and key of the files as they are now, with the issuers that the CAs' files hold.
    fn identity(options: &ServerOptions, passphrase: Passphrase<'_>) -> Result<Identity, OptionsError> {
        let identity = Identity::load(&options.certificate, &options.key, passphrase)?;
        let cafile = anchors(options.cafile.as_deref(), None, false)?;
        // Where clients are not asked for certificates a folder that is not there is no mistake to Mosquitto.
        let capath = match anchors(None, options.capath.as_deref(), false) {
            Err(_) if !options.requires_certificate => Anchors::default(),
            found => found?,
        };
        Ok(identity.completed(&cafile.with(&capath), unix_now()))
    }

    fn config(
        options: &ServerOptions,
        provider: Arc<CryptoProvider>,
        current: &Arc<Current>,
    ) -> Result<ServerConfig, OptionsError> {
        let algorithms = provider.signature_verification_algorithms;
        let builder = ServerConfig::builder_with_provider(provider)
            .with_protocol_versions(options.minimum_version.and_up())
            .map_err(|_| {
                let (version, list) = match (&options.suites.tls13, &options.suites.tls12) {
                    (Some(list), _) => (Version::Tls13, list.clone()),
                    (None, list) => (Version::Tls12, list.clone().unwrap_or_default()),
                };
                OptionsError::Ciphers(super::UnknownCiphers { version, list, unknown: Vec::new() })
            })?;
        let required = options.requires_certificate;
        let builder = if required {
            let anchors = anchors(options.cafile.as_deref(), options.capath.as_deref(), false)?;
            builder.with_client_cert_verifier(Arc::new(ClientCertificate::new(
                anchors,
                !options.ignore_client_dates,
                algorithms,
                current.clone(),
            )))
        } else {
            builder.with_client_cert_verifier(Arc::new(NoClientAuth))
        };
        let mut config = builder.with_cert_resolver(current.clone());
        config.alpn_protocols = application_protocols(&options.alpn)?;
        // Without resumption every connection is judged by the files as they are now.
        config.session_storage = Arc::new(NoServerSessionStorage {});
        config.send_tls13_tickets = 0;
        if let Some(path) = &options.keylog {
            config.key_log = Arc::new(KeyLogFile::private(path)?);
        }
        Ok(config)
    }

    /// Whether clients must show a certificate.
    pub fn requires_certificate(&self) -> bool {
        self.options.requires_certificate
    }

    /// The files that [`Server::read_again`] reads.
    pub fn files(&self) -> impl Iterator<Item = &Path> {
        let options = &self.options;
        [Some(&options.certificate), Some(&options.key), options.revocation_list.as_ref(), options.cafile.as_ref()]
            .into_iter()
            .flatten()
            .map(PathBuf::as_path)
    }

    /// Reads certificate, key and revocation list again, and completes the chain anew. Whose certificates clients may
    /// show stays as it was.
    pub fn read_again(&self, passphrase: Passphrase<'_>) -> Result<Renewed, OptionsError> {
        let identity = Self::identity(&self.options, passphrase)?;
        let lists = self.options.revocation_lists()?;
        Ok(Renewed { identity, lists })
    }

    /// What was read is used for the connections to come.
    pub fn renew(&self, renewed: Renewed) {
        *self.current.identity.write().unwrap_or_else(PoisonError::into_inner) = renewed.identity.0;
        *self.current.revocation.write().unwrap_or_else(PoisonError::into_inner) = renewed.lists.map(Arc::new);
    }

    /// Makes a session with a client that has connected.
    pub async fn accept(&self, stream: Stream) -> Result<Stream, Failure> {
        let failure = |cause| Failure { name: None, cause, seen: Box::default() };
        match timeout(HANDSHAKE_TIMEOUT, TlsAcceptor::from(self.config.clone()).accept(stream)).await {
            Ok(Ok(accepted)) => {
                let connection = accepted.get_ref().1;
                let presented = connection.peer_certificates().unwrap_or_default();
                let seen = Seen { presented: presented.iter().map(|der| der.to_vec()).collect(), ..Seen::default() };
                let session = TlsSession::new(connection, seen);
                Ok(Stream::tls(accepted.into(), session))
            }
            Ok(Err(error)) => Err(failure(Cause::new(error))),
            Err(_elapsed) => Err(failure(Cause::TimedOut)),
        }
    }
}
