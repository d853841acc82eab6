//! `certgen renew`: the same certificate with a new end, when it is due.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use super::content::{Item, items};
use super::dates::{DAY, now};
use super::files::{KEY_MODE, NewFile, Replacing, lock_beside, shown};
use super::issuer::certificates;
use super::made::Made;
use super::options::{RenewArgs, chain_path};
use super::register::publish;
use super::sentences::not_made;
use crate::os::{files, process};
use crate::pki::certificate::Certificate;
use crate::pki::key::EncodedKey;
use crate::pki::make::{KeyPair, KeyType};
use crate::term::{Exit, Failure, Term};

/// How it ended.
pub enum Renewed {
    /// The certificate expires at `not_after`, which was too late at `now` for a new one.
    NotDue {
        not_after: i64,
        now: i64,
    },
    Renewed(Box<Made>),
}

pub fn run(args: &RenewArgs, term: &mut Term) -> Result<Renewed, Failure> {
    renew(args, term).map_err(as_not_renewed)
}

/// Runs the command that was to follow a renewal.
pub fn follow(command: &str) -> Result<(), Failure> {
    execute(command).map_err(as_not_renewed)
}

/// 1 means "not due" with `--exit-code`, so what failed ends with 2.
fn as_not_renewed(mut failure: Failure) -> Failure {
    if failure.exit == Exit::FAILED {
        failure.exit = Exit::DAMAGED;
    }
    failure
}

fn renew(args: &RenewArgs, term: &mut Term) -> Result<Renewed, Failure> {
    if args.protection.encrypt && !args.new_key {
        return Err(Failure::new(Exit::USAGE, "--encrypt is for a new key").hint("--new-key makes one"));
    }
    let now = now();
    let shown = args.certificate.display();
    // Once before anybody is asked for a passphrase, and again under the lock that is held until all is written.
    drop(lock_beside(&args.certificate, term)?);
    let (old, _) = old_certificate(args)?;
    if old.is_ca() {
        return Err(Failure::new(
            Exit::FAILED,
            format!("`{shown}` is a CA; renewing it would not reach those who trust it"),
        )
        .hint("make a new one: moskit certgen ca NAME"));
    }
    if old.not_after - now > args.within {
        return Ok(Renewed::NotDue { not_after: old.not_after, now });
    }
    must_hold_certificates_alone(&args.certificate)?;
    let key_path = args.key.clone().unwrap_or_else(|| args.certificate.with_extension("key"));
    let secret = args.protection.passphrase(&key_path, term)?;
    let issuer = args.issuer.beside(&args.certificate).open(now, term)?.registering(args.registration);
    let lock = lock_beside(&args.certificate, term)?;
    let (old, above) = old_certificate(args)?;
    if old.not_after - now > args.within {
        return Ok(Renewed::NotDue { not_after: old.not_after, now });
    }
    let authority = issuer.authority.certificate();
    if old.issuer != authority.subject {
        return Err(Failure::new(
            Exit::FAILED,
            format!("`{shown}` was issued by `{}`, not by `{}`", old.issuer, authority.subject),
        )
        .hint("--ca FILE names the CA that issued it"));
    }
    let new_key = if args.new_key { Some(same_type(&old)?) } else { None };
    let public_key = new_key.as_ref().map_or_else(|| old.public_key.info.clone(), KeyPair::public_key);
    let lived = (old.not_after - old.not_before - args.lifetime.backdate) / DAY;
    let days = u32::try_from(lived.max(1)).unwrap_or(u32::MAX);
    let validity = args.lifetime.validity(now, days, Some(authority), term);
    let made = issuer
        .authority
        .renew(&old, &public_key, validity)
        .map_err(|error| not_made(&format!("renew `{shown}`"), error))?;
    let certificate = Certificate::parse(&made)
        .map_err(|_| Failure::new(Exit::FAILED, format!("the new `{shown}` cannot be read back")))?;
    let mut files = Vec::new();
    if let Some(key) = &new_key {
        warn_of_old_key(&key_path, args.protection.encrypt, term);
        files.push(NewFile::key(key_path, key, secret.as_ref())?.in_place());
    }
    // A file that held a chain holds one again. What the CA's files know of it is newer than what was in it.
    let above = if above.is_empty() || issuer.chain.is_empty() { &above } else { &issuer.chain };
    files.push(chain_file(args.certificate.clone(), &certificate, above));
    let chain = chain_path(&args.certificate);
    if chain.exists() {
        files.push(chain_file(chain, &certificate, &issuer.chain));
    }
    publish(&issuer, &[(&certificate, &args.certificate)], &files, Replacing::AllButAuthorities, &lock)?;
    drop(lock);
    Ok(Renewed::Renewed(Box::new(Made::new(certificate, &files))))
}

/// What the file holds: the certificate, and those above it.
fn old_certificate(args: &RenewArgs) -> Result<(Certificate, Vec<Certificate>), Failure> {
    let mut above = certificates(&args.certificate)?;
    let old = above.remove(0);
    Ok((old, above))
}

/// What the old key had and the new one has not.
fn warn_of_old_key(path: &Path, is_encrypted_again: bool, term: &mut Term) {
    let mode = fs::metadata(path).ok().and_then(|old| files::mode(&old)).map(|mode| mode & 0o777);
    if let Some(mode) = mode.filter(|mode| mode & !KEY_MODE != 0) {
        term.note(format_args!("note: `{}` had mode {mode:03o} and gets {KEY_MODE:03o}", shown(path)));
    }
    let is_encrypted = |item: &Item| matches!(item, Item::Key(EncodedKey::Encrypted(_)));
    if !is_encrypted_again && items(path).is_ok_and(|items| items.iter().any(is_encrypted)) {
        term.note(format_args!(
            "note: the old key in `{}` was encrypted, the new one is not (--encrypt)",
            path.display()
        ));
    }
}

/// A file of the certificate and those above it, in the place of the old one.
fn chain_file(path: PathBuf, certificate: &Certificate, above: &[Certificate]) -> NewFile {
    let all = [certificate].into_iter().chain(above);
    NewFile::certificates(path, all.map(|it| it.der.as_slice())).in_place()
}

/// What else is in the file, such as the private key that some servers want beside their certificate, would be lost.
fn must_hold_certificates_alone(path: &Path) -> Result<(), Failure> {
    let other = items(path)?.into_iter().find(|item| !matches!(item, Item::Certificate(_)));
    let Some(other) = other else { return Ok(()) };
    let why =
        format!("`{}` holds more than certificates ({}), which renewing would lose", path.display(), other.kind());
    Err(Failure::new(Exit::FAILED, why).hint("move the certificates into a file of their own"))
}

fn same_type(old: &Certificate) -> Result<KeyPair, Failure> {
    KeyType::of(&old.public_key.kind)
        .ok_or(crate::pki::make::Error::UnsupportedKey)
        .and_then(KeyPair::generate)
        .map_err(|error| not_made("make the new key", error))
}

fn execute(command: &str) -> Result<(), Failure> {
    let failed = |why: String| Failure::new(Exit::FAILED, format!("the certificate is renewed, but `{command}` {why}"));
    let status = process::shell(command)
        .stdin(Stdio::null())
        .status()
        .map_err(|error| failed(format!("did not start: {}", crate::net::reason(&error))))?;
    if status.success() { Ok(()) } else { Err(failed(format!("failed: {status}"))) }
}
