//! What a file holds, as the actions need it: a failure where it cannot be read, keys opened where they are encrypted.

use std::path::Path;

use x509_parser::certification_request::X509CertificationRequest;
use x509_parser::prelude::FromDer;

use super::options::Passphrase;
use super::passphrase::{Opener, pair};
use super::sentences::not_decrypted;
use crate::examine::content;
use crate::pki::content::{Place, open};
use crate::pki::key::Work;
use crate::pki::make::KeyPair;
use crate::pki::pkcs12::Wanted;
use crate::term::{Exit, Failure, Term};

pub use crate::pki::content::{Contents, Found, Item};

/// All that a file holds, at least one thing, which is PEM, DER or PKCS#12.
pub fn items(path: &Path) -> Result<Vec<Item>, Failure> {
    content::items(path).map_err(|finding| finding.into_failure(Exit::FAILED))
}

/// All that a file holds, in whatever form.
pub fn contents(path: &Path) -> Result<Contents, Failure> {
    content::contents(path).map_err(|finding| finding.into_failure(Exit::FAILED))
}

/// The public key of the first thing in a file that has one.
pub fn public_key(path: &Path, opener: &Opener, term: &mut Term) -> Result<Vec<u8>, Failure> {
    let items = opened_items(path, opener, term)?;
    first_public_key(items, path, opener, term)?.ok_or_else(|| lacks(path, "key and no certificate"))
}

/// That of the first private key in a file, or where it has none of its first public key or request: what is beside a certificate to
/// be compared with it. A certificate is always its own.
pub fn public_key_of_pair(path: &Path, opener: &Opener, term: &mut Term) -> Result<Vec<u8>, Failure> {
    let mut items = opened_items(path, opener, term)?;
    items.retain(|item| matches!(item, Item::Key(_) | Item::PublicKey(_) | Item::Request(_)));
    items.sort_by_key(|item| !matches!(item, Item::Key(_)));
    first_public_key(items, path, opener, term)?.ok_or_else(|| lacks(path, "private key"))
}

fn lacks(path: &Path, what: &str) -> Failure {
    Failure::new(Exit::FAILED, format!("`{}` holds no {what}", path.display()))
}

/// All that a file holds, with its stores opened.
fn opened_items(path: &Path, opener: &Opener, term: &mut Term) -> Result<Vec<Item>, Failure> {
    let mut work = Work::default();
    let mut items = Vec::new();
    for found in contents(path)?.found {
        match found.item {
            Item::Store(store) => {
                let secret = opener.secret(&Place::file(path), term)?;
                let opened = open(&store, secret.expose(), Wanted::All, &mut work);
                items.extend(opened.map_err(|error| not_decrypted(path, &error))?);
            }
            item => items.push(item),
        }
    }
    Ok(items)
}

fn first_public_key(
    items: Vec<Item>,
    path: &Path,
    opener: &Opener,
    term: &mut Term,
) -> Result<Option<Vec<u8>>, Failure> {
    for item in items {
        if let Some(key) = public_key_of(item, path, opener, term)? {
            return Ok(Some(key));
        }
    }
    Ok(None)
}

/// The private key of a file, PEM or DER, opened if it is encrypted.
pub fn key_pair(path: &Path, passphrase: &Passphrase, term: &mut Term) -> Result<KeyPair, Failure> {
    for item in items(path)? {
        if let Item::Key(key) = item {
            return pair(&passphrase.open(key, path, term)?, path);
        }
    }
    Err(Failure::new(Exit::FAILED, format!("`{}` holds no private key", path.display())))
}

/// The SubjectPublicKeyInfo in it, if there is one.
fn public_key_of(item: Item, path: &Path, opener: &Opener, term: &mut Term) -> Result<Option<Vec<u8>>, Failure> {
    Ok(match item {
        Item::Certificate(certificate) => Some(certificate.public_key.info),
        Item::Request(der) => X509CertificationRequest::from_der(&der)
            .ok()
            .map(|(_, request)| request.certification_request_info.subject_pki.raw.to_vec()),
        Item::Key(key) => Some(pair(&opener.open(key, path, term)?, path)?.public_key()),
        Item::PublicKey(der) => Some(der),
        _ => None,
    })
}
