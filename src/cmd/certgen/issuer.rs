//! The authority that signs, read from its files.

use std::path::{Path, PathBuf};

use super::files::lock_beside;
use super::index_file::index_path;
use super::options::{Issuer, Passphrase, Registration, chain_path};
use super::sentences::{not_made, not_read};
use crate::file_set;
use crate::pki::certificate::Certificate;
use crate::pki::make::Authority;
use crate::pki::read;
use crate::term::{Exit, Failure, Term};

impl Issuer {
    pub fn open(&self, now: i64, term: &mut Term) -> Result<OpenIssuer, Failure> {
        open_issuer(&self.certificate_path(), self.ca_key.as_deref(), &self.passphrase, now, term)
    }
}

/// An authority read from its files, ready to sign.
pub struct OpenIssuer {
    pub authority: Authority,
    /// The file of its certificate.
    pub path: PathBuf,
    /// What a chain holds behind a certificate of this authority: itself and those above it, without
    /// the root. Empty if the authority is a root.
    pub chain: Vec<Certificate>,
    /// The index that gets to know what is issued, if any does.
    pub index: Option<PathBuf>,
}

impl OpenIssuer {
    pub fn registering(mut self, registration: Registration) -> Self {
        if registration.no_index {
            self.index = None;
        }
        self
    }
}

pub fn open_issuer(
    path: &Path,
    key: Option<&Path>,
    passphrase: &Passphrase,
    now: i64,
    term: &mut Term,
) -> Result<OpenIssuer, Failure> {
    // Of a CA whose making was killed half-way the key may not have its name yet. No caller holds the lock here.
    if file_set::has_unfinished(path.parent().unwrap_or(Path::new(""))) {
        drop(lock_beside(path, term)?);
    }
    let mut found = certificates(path).map_err(|failure| {
        if path.exists() { failure } else { failure.hint("make a CA: moskit certgen init, or moskit certgen ca NAME") }
    })?;
    let certificate = found.remove(0);
    let key = key.map_or_else(|| path.with_extension("key"), Path::to_owned);
    let authority = Authority::load(certificate.clone(), passphrase.read_pair(&key, term)?, now)
        .map_err(|error| not_made(&format!("sign with `{}`", path.display()), error))?;
    let mut chain = Vec::new();
    if !certificate.is_self_issued() {
        chain.push(certificate);
        chain.extend(above(path, found));
        chain.retain(|certificate| !certificate.is_self_issued());
    }
    Ok(OpenIssuer { authority, path: path.to_owned(), chain, index: Some(index_path(path)) })
}

/// The certificates above an intermediate: the rest of its file, or of the chain file beside it.
fn above(path: &Path, rest: Vec<Certificate>) -> Vec<Certificate> {
    if !rest.is_empty() {
        return rest;
    }
    certificates(&chain_path(path)).map(|mut chain| chain.split_off(1)).unwrap_or_default()
}

/// The certificates of a PEM file, at least one, parsed.
pub fn certificates(path: &Path) -> Result<Vec<Certificate>, Failure> {
    let ders = read::certificates(path).map_err(|error| not_read("certificate", &error))?;
    ders.iter()
        .map(|der| {
            Certificate::parse(der).map_err(|_| {
                Failure::new(
                    Exit::FAILED,
                    format!("cannot read `{}`: a certificate in it is malformed", path.display()),
                )
            })
        })
        .collect()
}
