//! TLS of a listener: from the options of mosquitto.conf to what the server needs.

use std::path::Path;

use zeroize::Zeroizing;

use crate::broker::config::{Tls, TlsVersion};
use crate::broker::server::{self, CertificateName};
use crate::net::tls::{OptionsError, Server, ServerOptions, Suites, Version};
use crate::pki::key::EncryptedKey;

/// TLS of a listener; `None` for one without it. `keylog` is for the secrets of its sessions.
pub fn of(tls: &Tls, keylog: Option<&Path>) -> Result<Option<server::Tls>, OptionsError> {
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
    let server = Server::new(options, &mut no_passphrase)?;
    let username = match (tls.use_identity_as_username, tls.use_subject_as_username) {
        (true, _) => Some(CertificateName::CommonName),
        (false, true) => Some(CertificateName::Subject),
        (false, false) => None,
    };
    Ok(Some(server::Tls { server, username }))
}

/// A broker has nobody to ask for a passphrase.
pub fn no_passphrase(_: &Path, _: &EncryptedKey) -> Option<Zeroizing<Vec<u8>>> {
    None
}
