//! TLS of a listener: from the options of mosquitto.conf to what the server needs.

use std::path::Path;

use zeroize::Zeroizing;

use crate::broker::config::{Tls, TlsVersion};
use crate::broker::server::{self, CertificateName};
use crate::diagnose;
use crate::net::tls::{FileRole, OptionsError, Server, ServerOptions, Suites, Version};
use crate::pki::key::EncryptedKey;
use crate::term::{Exit, Failure};

/// `None` for a listener without TLS. `keylog` is for the secrets of its sessions.
pub fn of(tls: &Tls, keylog: Option<&Path>) -> Result<Option<server::Tls>, Failure> {
    let (Some(certificate), Some(key)) = (&tls.certfile, &tls.keyfile) else { return Ok(None) };
    let options = ServerOptions {
        certificate: certificate.clone(),
        key: key.clone(),
        cafile: tls.cafile.clone(),
        capath: tls.capath.clone(),
        requires_certificate: tls.require_certificate,
        ignore_client_dates: tls.disable_client_cert_date_checks,
        revocation_list: tls.crlfile.clone(),
        minimum_version: match tls.minimum {
            TlsVersion::V12 => Version::Tls12,
            TlsVersion::V13 => Version::Tls13,
        },
        suites: Suites { tls12: tls.ciphers.clone(), tls13: tls.ciphers_tls13.clone() },
        alpn: Vec::new(),
        keylog: keylog.map(Path::to_owned),
    };
    let server = Server::new(options, &mut no_passphrase).map_err(|error| tls_failure(&error))?;
    let username = match (tls.use_identity_as_username, tls.use_subject_as_username) {
        (true, _) => Some(CertificateName::CommonName),
        (false, true) => Some(CertificateName::Subject),
        (false, false) => None,
    };
    Ok(Some(server::Tls { server, username }))
}

/// A broker has nobody to ask.
pub fn no_passphrase(_: &Path, _: &EncryptedKey) -> Option<Zeroizing<Vec<u8>>> {
    None
}

/// Mosquitto's sentence, then what is behind it.
pub fn tls_failure(error: &OptionsError) -> Failure {
    let finding = match error {
        OptionsError::Ciphers(unknown) => diagnose::tls::ciphers(unknown, option_of(unknown.version)),
        error => diagnose::tls::options(error),
    };
    let text = match error {
        OptionsError::File { role, error } => unusable(*role, &error.path),
        OptionsError::Malformed { role, path } => unusable(*role, path),
        OptionsError::KeyEncrypted { path, .. }
        | OptionsError::KeyNotDecrypted { path, .. }
        | OptionsError::KeyUnusable { path } => unusable(FileRole::Key, path),
        OptionsError::KeyMismatch { .. } | OptionsError::ChainOrder { .. } => {
            "Error: Server certificate/key are inconsistent.".to_owned()
        }
        OptionsError::KeyLog { path, .. } => unusable(FileRole::KeyLog, path),
        OptionsError::Ciphers(unknown) if unknown.version == Version::Tls13 => {
            format!("Error: Unable to set TLS 1.3 ciphersuites. Check cipher_tls13 list \"{}\".", unknown.list)
        }
        OptionsError::Ciphers(unknown) => {
            format!("Error: Unable to set TLS ciphers. Check cipher list \"{}\".", unknown.list)
        }
        _ => "Error: Unable to set up TLS.".to_owned(),
    };
    let failure = Failure::verbatim(Exit::FAILED, format!("{text}\n"));
    Failure { message: Some(finding.what), hint: finding.fix, ..failure }
}

/// The option of mosquitto.conf that chooses the suites of a version.
fn option_of(version: Version) -> &'static str {
    match version {
        Version::Tls12 => "`ciphers`",
        Version::Tls13 => "`ciphers_tls1.3`",
    }
}

fn unusable(role: FileRole, path: &Path) -> String {
    let path = path.display();
    match role {
        FileRole::Certificate => format!("Error: Unable to load server certificate \"{path}\". Check certfile."),
        FileRole::Key => format!("Error: Unable to load server key file \"{path}\". Check keyfile."),
        FileRole::Cafile => format!("Error: Unable to load CA certificates. Check cafile \"{path}\"."),
        FileRole::Capath => format!("Error: Unable to load CA certificates. Check capath \"{path}\"."),
        FileRole::RevocationList => {
            format!("Error: Unable to load certificate revocation file \"{path}\". Check crlfile.")
        }
        FileRole::KeyLog => format!("Error: Unable to open TLS key log file \"{path}\"."),
    }
}
