//! `certgen inspect`: what files hold or a server shows.

use std::path::Path;

use super::content::{Contents, Found, Item};
use super::passphrase::{Opener, pair};
use super::peer::{Peer, address, look};
use super::sentences::not_opened;
use super::walk::targets;
use crate::pki::certificate::Certificate;
use crate::pki::content::{Closed, Place, opened};
use crate::pki::key::{EncodedKey, Work};
use crate::pki::kind::{Form, Kind};
use crate::pki::make::{KeyType, Request, RequestError};
use crate::pki::pkcs12::Wanted;
use crate::pki::revocation::RevocationList;
use crate::term::{Exit, Failure, Secret, Term};

/// What was looked at.
pub enum Seen {
    File {
        /// How it holds the things, where that is not just one behind the other.
        form: Option<Form>,
        /// With the name that each has in the file, if it has one.
        things: Vec<(Option<String>, Thing)>,
    },
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
    /// A PKCS#12 store. Its certificates and keys are the things behind it.
    Store {
        keys: usize,
        certificates: usize,
    },
    /// Something in a store that its passphrase does not open.
    Closed(Closed),
    /// A PEM section of another kind, by its label.
    Other(String),
    /// A section of this kind that cannot be read.
    Damaged(&'static str),
    /// What it is instead of something that is known.
    Unknown(Kind),
}

impl Seen {
    /// Whether all that is there was seen.
    pub fn is_whole(&self) -> bool {
        match self {
            Self::File { things, .. } => !things.iter().any(|(_, thing)| thing.is_unseen()),
            Self::Server(_) => true,
        }
    }
}

impl Thing {
    /// What it is, or what is in it, is not known.
    fn is_unseen(&self) -> bool {
        matches!(self, Self::Closed(_) | Self::Damaged(_) | Self::Unknown(Kind::Unread(_)))
    }
}

/// Looks at a server by its HOST:PORT, at a file, or at all files of a folder, one after the other, and gives each to `each` before it
/// looks at the next. What cannot be looked at in a folder is `each`'s too: the rest is looked at.
pub fn inspect(
    target: &str,
    opener: &Opener,
    term: &mut Term,
    mut each: impl FnMut(&str, Result<Seen, Failure>, &mut Term),
) -> Result<(), Failure> {
    if let Some((host, port)) = address(target) {
        let seen = look(&host, port).map(Seen::Server)?;
        each(target, Ok(seen), term);
        return Ok(());
    }
    let found = targets(Path::new(target))?;
    if found.is_empty() {
        return Err(Failure::new(Exit::FAILED, format!("there is nothing to look at in `{target}`")));
    }
    for looked_at in found {
        let path = &looked_at.path;
        let Some(read) = looked_at.contents() else { continue };
        let seen = read
            .map_err(|finding| finding.into_failure(Exit::FAILED))
            .and_then(|contents| file(contents, path, opener, term));
        match seen {
            // The user ended it where a passphrase was asked for.
            Err(failure) if !looked_at.is_found || !failure.has_text() => return Err(failure),
            seen => each(&path.display().to_string(), seen, term),
        }
    }
    Ok(())
}

/// What a file holds. One that is a store and nothing else fails where it stays closed.
fn file(contents: Contents, path: &Path, opener: &Opener, term: &mut Term) -> Result<Seen, Failure> {
    let Contents { form, found, passed_over } = contents;
    let is_alone = found.len() == 1;
    let secret = match found.iter().find(|found| matches!(found.item, Item::Store(_))) {
        Some(store) => opener.for_stores(&store.place(path), term)?,
        None => None,
    };
    let mut things = Vec::new();
    for found in opened(found, secret.map(Secret::expose), Wanted::All, &mut Work::default()) {
        let place = found.place(path);
        let Found { part, item, .. } = found;
        match item {
            Item::Closed(closed) if is_alone && things.is_empty() => return Err(not_opened(&place, &closed)),
            item => match thing(item, &place) {
                Ok(thing) => things.push((part, thing)),
                // A key that cannot be used hides nothing beside it.
                Err(_) if !is_alone => things.push((part, Thing::Damaged("key"))),
                Err(failure) => return Err(failure),
            },
        }
    }
    things.extend(passed_over.iter().map(|_| (None, Thing::Damaged("PEM section"))));
    Ok(Seen::File { form: (!form.is_plain()).then_some(form), things })
}

fn thing(item: Item, place: &Place) -> Result<Thing, Failure> {
    Ok(match item {
        Item::Certificate(certificate) => Thing::Certificate(certificate),
        Item::Request(der) => Thing::Request(Request::read(&der)),
        Item::RevocationList(list) => Thing::RevocationList(list),
        Item::Key(EncodedKey::Plain(key)) => {
            let key = pair(&key, Path::new(&place.to_string()))?;
            Thing::Key { kind: key.kind(), public_key: key.public_key() }
        }
        Item::Key(EncodedKey::Encrypted(key)) => Thing::EncryptedKey(key.encryption()),
        Item::PublicKey(der) => Thing::PublicKey(der),
        Item::Opened { keys, certificates } => Thing::Store { keys, certificates },
        Item::Store(_) => Thing::Closed(Closed::NoPassphrase),
        Item::Closed(closed) => Thing::Closed(closed),
        Item::Other(label) => Thing::Other(label),
        Item::Damaged(what) => Thing::Damaged(what),
        Item::Unknown(kind) => Thing::Unknown(kind),
    })
}
