//! `certgen inspect`: what a file holds or a server shows.

use std::path::Path;

use super::content::{Item, items};
use super::explain::not_decrypted;
use super::options::Passphrase;
use super::passphrase::pair;
use super::peer::{Peer, address, look};
use crate::pki::certificate::Certificate;
use crate::pki::key::EncodedKey;
use crate::pki::make::{KeyType, Request, RequestError};
use crate::pki::revocation::RevocationList;
use crate::term::{Failure, Term};

/// What was looked at.
pub enum Seen {
    File(Vec<Thing>),
    Server(Peer),
}

/// One thing in a file.
pub enum Thing {
    Certificate(Box<Certificate>),
    Request(Result<Request, RequestError>),
    RevocationList(RevocationList),
    Key {
        kind: KeyType,
        /// SubjectPublicKeyInfo, DER
        public_key: Vec<u8>,
    },
    /// How the key is encrypted.
    EncryptedKey(String),
    /// SubjectPublicKeyInfo, DER
    PublicKey(Vec<u8>),
    /// A PKCS#12 store. Its certificates are the things behind it.
    Store {
        keys: usize,
        certificates: usize,
    },
    /// A PEM section of another kind, by its label.
    Other(String),
    /// A section of this kind that cannot be read.
    Damaged(&'static str),
}

/// Looks at a file, or at a server by its HOST:PORT.
pub fn inspect(target: &str, passphrase: &Passphrase, term: &mut Term) -> Result<Seen, Failure> {
    match address(target) {
        Some((host, port)) => look(&host, port).map(Seen::Server),
        None => things(Path::new(target), passphrase, term).map(Seen::File),
    }
}

fn things(path: &Path, passphrase: &Passphrase, term: &mut Term) -> Result<Vec<Thing>, Failure> {
    let mut things = Vec::new();
    for item in items(path)? {
        things.push(match item {
            Item::Certificate(certificate) => Thing::Certificate(certificate),
            Item::Request(der) => Thing::Request(Request::read(&der)),
            Item::RevocationList(list) => Thing::RevocationList(list),
            Item::Key(EncodedKey::Plain(key)) => {
                let key = pair(&key, path)?;
                Thing::Key { kind: key.kind(), public_key: key.public_key() }
            }
            Item::Key(EncodedKey::Encrypted(key)) => Thing::EncryptedKey(key.encryption()),
            Item::PublicKey(der) => Thing::PublicKey(der),
            Item::Store(store) => {
                let secret = passphrase.to_open(path, term)?;
                let inventory = store.open(secret.expose()).map_err(|error| not_decrypted(path, &error))?;
                things.push(Thing::Store { keys: inventory.keys, certificates: inventory.certificates.len() });
                let certificates = inventory.certificates.iter().filter_map(|der| Certificate::parse(der).ok());
                things.extend(certificates.map(|it| Thing::Certificate(Box::new(it))));
                continue;
            }
            Item::Other(label) => Thing::Other(label),
            Item::Damaged(what) => Thing::Damaged(what),
        });
    }
    Ok(things)
}
