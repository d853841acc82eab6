//! `certgen crl`: the revocation list of a CA, made from its index.

use std::path::{Path, PathBuf};

use super::content::{Item, items};
use super::dates::{DAY, instant};
use super::files::{CERTIFICATE_MODE, NewFile, Replacing, lock_beside, write_locked};
use super::index_file::{OpenIndex, index_path};
use super::issuer::{certificates, open_issuer};
use super::options::{CrlArgs, Issuer, ListArgs};
use super::sentences::not_made;
use crate::pki::certificate::Certificate;
use crate::pki::index::Revocations;
use crate::pki::make::{Validity, to_pem};
use crate::pki::revocation::{Authorship, Reason, RevocationList};
use crate::pki::serial::Serial;
use crate::term::{Exit, Failure, Term, plural};

/// A list of a CA, and how it stands.
pub struct Standing {
    pub path: PathBuf,
    pub list: RevocationList,
    /// Seconds since 1970.
    pub now: i64,
    pub state: State,
}

/// What was done with a list, or what brokers make of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    Made,
    /// The old one is good for longer than was asked.
    NotDue,
    Good,
    EndsSoon,
    Over,
    NotValidYet,
    /// It is signed with SHA-1 or a short key, so that brokers need not believe it, and ours does not.
    Weak,
    /// It does not name this many of the certificates that are revoked.
    Lacks(u64),
}

/// Where the list of the CA at `authority` goes, unless asked otherwise.
fn list_path(args: &ListArgs, authority: &Path) -> PathBuf {
    args.out.clone().unwrap_or_else(|| authority.with_extension("crl"))
}

/// Makes the list, or leaves the old one if more than `within` is left of it and it says the same.
pub fn make_list(
    issuer: &Issuer,
    args: &ListArgs,
    within: Option<i64>,
    now: i64,
    term: &mut Term,
) -> Result<Standing, Failure> {
    let authority_path = issuer.certificate_path();
    let path = list_path(args, &authority_path);
    let authority = certificates(&authority_path)?.remove(0);
    // Looked at once before anybody is asked for a passphrase, and again under the locks.
    if let Some(within) = within
        && let Some((old, Authorship::Own)) = old_list(&path, &authority, args.force)?
        && !is_due(&old, &revocations(&authority_path, &authority)?, within, now)
    {
        return Ok(Standing { path, list: old, now, state: State::NotDue });
    }
    let issuer = open_issuer(&authority_path, issuer.ca_key.as_deref(), &issuer.passphrase, now, term)?;
    let lock = lock_beside(&path, term)?;
    let mut index = OpenIndex::open(&index_path(&authority_path), &authority)?;
    let revocations = index.revocations()?;
    let old = old_list(&path, &authority, args.force)?.map(|(old, _)| old);
    if let Some(old) = &old {
        must_know_all(&path, old, &revocations)?;
        if old.last_update > now && !args.force {
            let why = format!("`{}` is from the future: {}", path.display(), instant(old.last_update));
            return Err(Failure::new(Exit::FAILED, why)
                .hint("a new list would count for older: set the clock, or replace it with --force"));
        }
    }
    let number = next_number(old.as_ref().map(RevocationList::number).unwrap_or_default(), now);
    let validity = Validity { not_before: now, not_after: now + i64::from(args.days()) * DAY };
    let der = issuer
        .authority
        .revocation_list(revocations.iter(), &number, validity)
        .map_err(|error| not_made("make the revocation list", error))?;
    // What is written is what was meant.
    let made = RevocationList::parse(&der).ok().filter(|made| made.is_by(&authority) && names_all(made, &revocations));
    let made = made.ok_or_else(|| Failure::new(Exit::FAILED, "the new revocation list cannot be read back"))?;
    let file = NewFile::new(path.clone(), to_pem("X509 CRL", &der).as_bytes(), CERTIFICATE_MODE).in_place();
    write_locked(&[file], Replacing::AllButAuthorities, &lock)?;
    Ok(Standing { path, list: made, now, state: State::Made })
}

/// How the list stands that there is, or else the place where it would be.
pub fn look(args: &CrlArgs, warn: i64, now: i64) -> Result<Result<Standing, PathBuf>, Failure> {
    if args.in_vain() {
        return Err(Failure::new(Exit::USAGE, "--warn makes no list, so it needs neither --ca-key nor a passphrase"));
    }
    let authority_path = args.issuer.certificate_path();
    let path = list_path(&args.list, &authority_path);
    let authority = certificates(&authority_path)?.remove(0);
    let revocations = revocations(&authority_path, &authority)?;
    let Some((list, authorship)) = old_list(&path, &authority, false)? else { return Ok(Err(path)) };
    let missing = revocations.iter().filter(|(serial, _)| !is_on(&list, serial)).count() as u64;
    let state = match list.next_update.map(|next| next - now) {
        _ if missing > 0 => State::Lacks(missing),
        _ if authorship != Authorship::Own => State::Weak,
        _ if list.last_update > now => State::NotValidYet,
        Some(left) if left <= 0 => State::Over,
        Some(left) if left < warn => State::EndsSoon,
        _ => State::Good,
    };
    Ok(Ok(Standing { path, list, now, state }))
}

fn revocations(authority_path: &Path, authority: &Certificate) -> Result<Revocations, Failure> {
    match OpenIndex::open_existing(&index_path(authority_path), authority)? {
        Some(mut index) => index.revocations(),
        None => Ok(Revocations::default()),
    }
}

/// The list at `path` and whose it is, if there is one. Without `force` it must be the CA's own; one that is signed in a way that nobody should
/// believe any more is, too: what it revokes must not be good again.
fn old_list(
    path: &Path,
    authority: &Certificate,
    force: bool,
) -> Result<Option<(RevocationList, Authorship)>, Failure> {
    if !path.exists() {
        return Ok(None);
    }
    let found = match items(path) {
        Ok(items) => items,
        Err(_) if force => return Ok(None),
        Err(failure) => return Err(failure.hint("--force replaces it")),
    };
    let list = found.into_iter().find_map(|item| match item {
        Item::RevocationList(list) => Some((list.authorship(authority), list)),
        _ => None,
    });
    let refused = |why: String| Err(Failure::new(Exit::FAILED, why));
    match list {
        Some((authorship @ (Authorship::Own | Authorship::Weak), list)) => Ok(Some((list, authorship))),
        _ if force => Ok(None),
        Some((Authorship::Unchecked, list)) => refused(format!(
            "whether `{}` signed the list `{}` cannot be checked here ({})",
            authority.subject,
            path.display(),
            list.signature_name()
        ))
        .map_err(|failure| {
            failure
                .hint("openssl crl -verify tells; if it did, revoke what is on it again, and replace it with --force")
        }),
        Some((Authorship::Foreign, _)) | None => {
            refused(format!("`{}` is no revocation list of `{}`", path.display(), authority.subject))
                .map_err(|failure| failure.hint("--out FILE writes another file; --force replaces this one"))
        }
    }
}

fn is_on(list: &RevocationList, serial: &Serial) -> bool {
    list.find(serial.bytes()).is_some()
}

fn names_all(list: &RevocationList, revocations: &Revocations) -> bool {
    revocations.iter().all(|(serial, _)| is_on(list, serial))
}

fn is_due(list: &RevocationList, revocations: &Revocations, within: i64, now: i64) -> bool {
    let says_the_same = names_all(list, revocations) && list.len() == revocations.len();
    !says_the_same || list.last_update > now || list.next_update.is_none_or(|next| next - now < within)
}

/// A list names certificates that the index has lost: the next one would let them in again.
fn must_know_all(path: &Path, list: &RevocationList, revocations: &Revocations) -> Result<(), Failure> {
    // Who was revoked for good is so for ever: an index that says "on hold" or "released" has lost it as well.
    let is_known =
        |serial: &Serial| revocations.get(serial).is_some_and(|known| known.reason != Reason::CertificateHold);
    let lost = list
        .entries()
        .filter(|(_, revocation)| revocation.reason != Reason::CertificateHold)
        .filter(|(serial, _)| !Serial::new(serial).is_ok_and(|serial| is_known(&serial)))
        .count() as u64;
    if lost == 0 {
        return Ok(());
    }
    let why =
        format!("`{}` names {} that the index does not know", path.display(), plural(lost, "revoked certificate"));
    Err(Failure::new(Exit::FAILED, why)
        .hint("moskit certgen index --rebuild takes them over; without them a new list would let them in again"))
}

/// A number that is larger than the one before and than those of lists that were lost: seconds since 1970.
fn next_number(old: &[u8], now: i64) -> Vec<u8> {
    let now = now.to_be_bytes();
    let now = crate::pki::serial::digits(&now);
    if old.len() < now.len() || (old.len() == now.len() && old < now) {
        return now.to_vec();
    }
    let mut next = old.to_vec();
    for byte in next.iter_mut().rev() {
        *byte = byte.wrapping_add(1);
        if *byte != 0 {
            return next;
        }
    }
    next.insert(0, 1);
    next
}

#[cfg(test)]
mod tests {
    use super::next_number;

    #[test]
    fn the_numbers_of_lists_only_grow() {
        assert_eq!(next_number(&[], 0x0102), [1, 2]);
        assert_eq!(next_number(&[1, 1], 0x0102), [1, 2]);
        assert_eq!(next_number(&[1, 2], 0x0102), [1, 3]);
        assert_eq!(next_number(&[1, 0, 0], 0x0102), [1, 0, 1]);
        assert_eq!(next_number(&[0xff, 0xff], 0x0102), [1, 0, 0]);
    }
}
