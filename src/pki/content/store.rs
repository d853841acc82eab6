//! Stores of PKCS#12 among what was found, opened.

use super::item::{Closed, Found, Item};
use crate::pki::certificate::Certificate;
use crate::pki::key::{DecryptError, EncodedKey, Work};
use crate::pki::pkcs12::{Inventory, Store, StoredKey, Wanted};

/// What was found, with what is in its stores in their place as far as `passphrase` opens them. `work` bounds what stores and keys
/// may ask for, all of them together.
pub fn opened(found: Vec<Found>, passphrase: Option<&[u8]>, wanted: Wanted, work: &mut Work) -> Vec<Found> {
    let mut all = Vec::with_capacity(found.len());
    for Found { part, value, item } in found {
        let items = match (item, passphrase) {
            (Item::Store(_), None) => vec![Item::Closed(Closed::NoPassphrase)],
            (Item::Store(store), Some(passphrase)) => open(&store, passphrase, wanted, work)
                .unwrap_or_else(|error| vec![Item::Closed(Closed::Decrypt(error))]),
            (item, _) => vec![item],
        };
        all.extend(items.into_iter().map(|item| Found { part: part.clone(), value, item }));
    }
    all
}

/// The head of a store, and what is in it.
pub fn open(store: &Store, passphrase: &[u8], wanted: Wanted, work: &mut Work) -> Result<Vec<Item>, DecryptError> {
    let Inventory { certificates, keys } = store.open(passphrase, wanted, work)?;
    let mut items = vec![Item::Opened { keys: keys.len(), certificates: certificates.len() }];
    items.extend(certificates.iter().map(|der| {
        Certificate::parse(der)
            .map_or(Item::Damaged("certificate"), |certificate| Item::Certificate(Box::new(certificate)))
    }));
    items.extend(keys.into_iter().filter_map(|key| match key {
        StoredKey::Open(key) => Some(Item::Key(EncodedKey::Plain(key))),
        StoredKey::Closed(error) => Some(Item::Closed(Closed::Decrypt(error))),
        StoredKey::NotWanted => None,
    }));
    Ok(items)
}
