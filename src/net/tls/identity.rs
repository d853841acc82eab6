//! What files give a TLS end: the certificates it trusts, and its own certificate with its key.

use std::fmt::Write as _;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::crypto::aws_lc_rs::sign::any_supported_type;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs1KeyDer, PrivatePkcs8KeyDer, PrivateSec1KeyDer};
use rustls::sign::CertifiedKey;
use zeroize::Zeroizing;

use super::ciphers::UnknownCiphers;
use crate::os::files;
use crate::pki::certificate::Certificate;
use crate::pki::chain::Anchors;
use crate::pki::completion;
use crate::pki::key::{DecryptError, EncodedKey, EncryptedKey, KeyFormat, PrivateKey};
use crate::pki::read::{self, ReadError, ReadProblem};
use crate::pki::revocation::RevocationList;

/// Gives the passphrase of an encrypted key, or `None` if there is none to be had.
pub type Passphrase<'a> = &'a mut dyn FnMut(&Path, &EncryptedKey) -> Option<Zeroizing<Vec<u8>>>;

/// What a file was given for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FileRole {
    Cafile,
    Capath,
    Certificate,
    Key,
    RevocationList,
    KeyLog,
}

/// Why options make no TLS configuration.
#[derive(Debug)]
pub enum OptionsError {
    File {
        role: FileRole,
        error: ReadError,
    },
    /// A PEM section that holds no certificate or no revocation list.
    Malformed {
        role: FileRole,
        path: PathBuf,
    },
    /// The operating system has no certificates, or none that can be read.
    NoSystemCertificates,
    /// The key is encrypted and no passphrase was given.
    KeyEncrypted {
        path: PathBuf,
        encryption: String,
    },
    KeyNotDecrypted {
        path: PathBuf,
        encryption: String,
        error: DecryptError,
    },
    /// Damaged, or of an algorithm that TLS does not use here.
    KeyUnusable {
        path: PathBuf,
    },
    /// Each of the two is in the place of the other.
    Swapped {
        certificate: PathBuf,
        key: PathBuf,
    },
    /// The key is not the one in the certificate.
    KeyMismatch {
        certificate: PathBuf,
        key: PathBuf,
    },
    /// The first certificate of the file is a CA, and the key belongs to a later one.
    ChainOrder {
        certificate: PathBuf,
    },
    Ciphers(UnknownCiphers),
    /// ALPN: empty or longer than 255 bytes.
    ApplicationProtocol(String),
    KeyLog {
        path: PathBuf,
        error: io::Error,
    },
}

/// Certificate chain and key of one end.
#[derive(Clone, Debug)]
pub(super) struct Identity(pub Arc<CertifiedKey>);

impl Identity {
    pub fn load(certificate: &Path, key: &Path, passphrase: Passphrase<'_>) -> Result<Self, OptionsError> {
        let chain = read::certificates(certificate).map_err(|error| match error.problem {
            ReadProblem::Not { .. } if read::are_swapped(certificate, key) => {
                OptionsError::Swapped { certificate: certificate.to_owned(), key: key.to_owned() }
            }
            _ => OptionsError::File { role: FileRole::Certificate, error },
        })?;
        let malformed = || OptionsError::Malformed { role: FileRole::Certificate, path: certificate.to_owned() };
        let own = chain.first().and_then(|der| Certificate::parse(der).ok()).ok_or_else(malformed)?;
        let private = private_key(key, passphrase)?;
        let unusable = || OptionsError::KeyUnusable { path: key.to_owned() };
        let public = private.public_key().ok_or_else(unusable)?;
        if public != own.public_key.bits {
            let mut later = chain[1..].iter().filter_map(|der| Certificate::parse(der).ok());
            let out_of_order = later.any(|certificate| certificate.public_key.bits == public);
            return Err(if out_of_order {
                OptionsError::ChainOrder { certificate: certificate.to_owned() }
            } else {
                OptionsError::KeyMismatch { certificate: certificate.to_owned(), key: key.to_owned() }
            });
        }
        let signing = any_supported_type(&rustls_key(&private)).map_err(|_| unusable())?;
        let chain = chain.into_iter().map(CertificateDer::from).collect();
        // Not `with_single_cert`: it insists on parsing the certificate, and refuses X.509 v1.
        Ok(Self(Arc::new(CertifiedKey::new(chain, signing))))
    }

    /// Sends the issuers among `known` behind a certificate that is alone in its file. With more in the file nothing is
    /// added, as in OpenSSL: whoever wrote it has decided.
    pub fn completed(self, known: &Anchors, now: i64) -> Self {
        let [leaf] = &self.0.cert[..] else { return self };
        let Ok(leaf) = Certificate::parse(leaf) else { return self };
        let issuers = completion::issuers(&leaf, known, now);
        if issuers.is_empty() {
            return self;
        }
        let behind = issuers.iter().map(|issuer| CertificateDer::from(issuer.der.clone()));
        let chain = self.0.cert.iter().cloned().chain(behind).collect();
        Self(Arc::new(CertifiedKey::new(chain, Arc::clone(&self.0.key))))
    }
}

fn private_key(path: &Path, passphrase: Passphrase<'_>) -> Result<PrivateKey, OptionsError> {
    let encoded = read::private_key(path).map_err(|error| OptionsError::File { role: FileRole::Key, error })?;
    let encrypted = match encoded {
        EncodedKey::Plain(key) => return Ok(key),
        EncodedKey::Encrypted(encrypted) => encrypted,
    };
    let Some(passphrase) = passphrase(path, &encrypted) else {
        return Err(OptionsError::KeyEncrypted { path: path.to_owned(), encryption: encrypted.encryption() });
    };
    encrypted.decrypt(&passphrase).map_err(|error| OptionsError::KeyNotDecrypted {
        path: path.to_owned(),
        encryption: encrypted.encryption(),
        error,
    })
}

fn rustls_key(key: &PrivateKey) -> PrivateKeyDer<'_> {
    match key.format() {
        KeyFormat::Pkcs8 => PrivatePkcs8KeyDer::from(key.der()).into(),
        KeyFormat::Pkcs1 => PrivatePkcs1KeyDer::from(key.der()).into(),
        KeyFormat::Sec1 => PrivateSec1KeyDer::from(key.der()).into(),
    }
}

/// The certificates trusted by file, folder and operating system together.
pub(super) fn anchors(
    cafile: Option<&Path>,
    capath: Option<&Path>,
    operating_system: bool,
) -> Result<Anchors, OptionsError> {
    let mut ders = Vec::new();
    if let Some(path) = cafile {
        let found = read::certificates(path).map_err(|error| OptionsError::File { role: FileRole::Cafile, error })?;
        if found.iter().any(|der| Certificate::parse(der).is_err()) {
            return Err(OptionsError::Malformed { role: FileRole::Cafile, path: path.to_owned() });
        }
        ders.extend(found);
    }
    if let Some(path) = capath {
        ders.extend(read::hashed_folder(path).map_err(|error| OptionsError::File { role: FileRole::Capath, error })?);
    }
    if operating_system {
        let found = rustls_native_certs::load_native_certs().certs;
        if found.is_empty() {
            return Err(OptionsError::NoSystemCertificates);
        }
        ders.extend(found.into_iter().map(|certificate| certificate.to_vec()));
    }
    Ok(Anchors::new(ders))
}

/// The lists of `path` and those that lie with the trusted certificates. OpenSSL, once it is to ask for lists, takes
/// them from everywhere.
pub(super) fn revocation_lists(
    path: &Path,
    cafile: Option<&Path>,
    capath: Option<&Path>,
) -> Result<Vec<RevocationList>, OptionsError> {
    let failed = |role| move |error| OptionsError::File { role, error };
    let parse = |role, path: &Path, ders: Vec<Vec<u8>>| {
        let malformed = |_| OptionsError::Malformed { role, path: path.to_owned() };
        ders.iter().map(|der| RevocationList::parse(der).map_err(malformed)).collect::<Result<Vec<_>, _>>()
    };
    let role = FileRole::RevocationList;
    let mut lists = parse(role, path, read::revocation_lists(path).map_err(failed(role))?)?;
    if let Some(path) = cafile {
        let role = FileRole::Cafile;
        lists.extend(parse(role, path, read::revocation_lists_beside(path).map_err(failed(role))?)?);
    }
    if let Some(path) = capath {
        let role = FileRole::Capath;
        lists.extend(parse(role, path, read::hashed_revocation_lists(path).map_err(failed(role))?)?);
    }
    Ok(lists)
}

/// The protocol names of ALPN as rustls takes them.
pub(super) fn application_protocols(names: &[String]) -> Result<Vec<Vec<u8>>, OptionsError> {
    if let Some(bad) = names.iter().find(|name| name.is_empty() || name.len() > super::ALPN_LIMIT) {
        return Err(OptionsError::ApplicationProtocol(bad.clone()));
    }
    Ok(names.iter().map(|name| name.clone().into_bytes()).collect())
}

/// Writes session secrets in the form that Wireshark reads, each line with its own open and append:
/// several programs may share the file.
#[derive(Debug)]
pub(super) struct KeyLogFile(PathBuf);

impl KeyLogFile {
    /// As [`KeyLogFile::new`], for a file that nobody else can read: what it holds opens the traffic of others.
    pub fn private(path: &Path) -> Result<Self, OptionsError> {
        let unsafe_because = |why: &str| OptionsError::KeyLog {
            path: path.to_owned(),
            error: io::Error::new(io::ErrorKind::PermissionDenied, why),
        };
        if std::fs::symlink_metadata(path).is_ok_and(|metadata| metadata.is_symlink()) {
            return Err(unsafe_because("it is a symbolic link"));
        }
        let log = Self::new(path)?;
        if std::fs::symlink_metadata(path)
            .is_ok_and(|metadata| files::mode(&metadata).is_some_and(|mode| mode & 0o177 != 0))
        {
            return Err(unsafe_because("others may read it, or it is executable; chmod 0600 it"));
        }
        Ok(log)
    }

    /// Fails at once if the file cannot be written, since later nobody could be told.
    pub fn new(path: &Path) -> Result<Self, OptionsError> {
        let log = Self(path.to_owned());
        log.append(b"").map_err(|error| OptionsError::KeyLog { path: path.to_owned(), error })?;
        Ok(log)
    }

    fn append(&self, line: &[u8]) -> io::Result<()> {
        files::open_to_append(&self.0)?.write_all(line)
    }
}

impl rustls::KeyLog for KeyLogFile {
    fn log(&self, label: &str, client_random: &[u8], secret: &[u8]) {
        let mut line = String::from(label);
        for field in [client_random, secret] {
            line.push(' ');
            for byte in field {
                // A `String` never fails to be written to.
                let _ = write!(line, "{byte:02x}");
            }
        }
        line.push('\n');
        // The disk may be full by now; that must not end a session which otherwise works.
        let _ = self.append(line.as_bytes());
    }
}
