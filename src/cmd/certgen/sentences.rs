//! Facts of the rooms below, as sentences.

use std::io::ErrorKind;
use std::path::Path;

use super::dates::{date, instant};
use crate::diagnose::files;
use crate::net::reason;
use crate::pki::content::{Closed, Place};
use crate::pki::key::DecryptError;
use crate::pki::make::{Error, NameError, RequestError};
use crate::pki::read::{ReadError, ReadProblem};
use crate::term::{Exit, Failure};
use crate::whole_file;

/// `cannot WHAT: why`, for what the maker of certificates refuses.
pub fn not_made(what: &str, error: Error) -> Failure {
    let failed = |why: String| Failure::new(Exit::FAILED, format!("cannot {what}: {why}"));
    match error {
        Error::Name(error) => bad_name(what, &error),
        Error::Validity(validity) => Failure::new(
            Exit::USAGE,
            format!(
                "cannot {what}: it would be valid from {} until {}",
                instant(validity.not_before),
                instant(validity.not_after)
            ),
        )
        .hint("the end must come after the beginning, and both between 1950 and 9999: --not-after, --days, --backdate"),
        Error::IssuerUnreadable => failed("the CA's certificate cannot be read".to_owned()),
        Error::IssuerIsNotAnAuthority { subject, lacks } => {
            failed(format!("`{subject}` may not sign certificates: its certificate has no {lacks}"))
                .hint("make a CA: moskit certgen ca NAME")
        }
        Error::IssuerOutOfDate { subject, validity } => failed(format!(
            "the CA `{subject}` is valid from {} until {} only",
            instant(validity.not_before),
            instant(validity.not_after)
        ))
        .hint("make a new CA: moskit certgen ca NAME, and give its ca.crt to every client"),
        Error::OutlivesIssuer { wanted, issuer } => {
            failed(format!("it would be valid until {}, its CA only until {}", date(wanted), date(issuer)))
                .hint(format!("--not-after {}", instant(issuer)))
        }
        Error::KeyMismatch => failed("the CA's certificate and key do not belong together".to_owned())
            .hint("name both: --ca FILE --ca-key FILE"),
        Error::EqualNames { subject } => failed(format!("subject and issuer would both be `{subject}`")).hint(
            "OpenSSL takes a certificate with equal names for a self-signed one and refuses it; \
             give CA, server and client different names",
        ),
        Error::PathLength { issuer, wanted } => {
            failed(format!("the CA's path length is {issuer}, so it may not sign a CA with path length {wanted}"))
                .hint("make the parent with room below it: moskit certgen ca NAME --path-len 1")
        }
        Error::OutsideConstraints { name } => failed(format!("the CA's name constraints do not allow `{name}`"))
            .hint("moskit certgen inspect shows what they allow; --san gives the certificate another name"),
        Error::ForeignPurpose { purposes } => {
            failed(format!("it is for {purposes}, which is not a server's or client's purpose"))
        }
        Error::UnsupportedKey => failed("the key is of a type or size that cannot be used here".to_owned())
            .hint("P-256, P-384, P-521, RSA from 2048 to 8192 bits and Ed25519 can"),
        Error::Passphrase => failed("the passphrase is not UTF-8".to_owned()),
        Error::Library(why) => failed(why),
    }
}

/// A name on the command line that no certificate can carry.
pub fn bad_name(what: &str, error: &NameError) -> Failure {
    let (why, hint) = match error {
        NameError::Empty => ("a name is empty".to_owned(), None),
        NameError::TooLong(name) => (format!("`{name}` has more than 64 characters"), None),
        NameError::Characters(name) => (format!("{name:?} has control characters"), None),
        NameError::NoAddress(name) => (format!("`{name}` is no IP address"), None),
        NameError::Port(name) => (
            format!("`{name}` is no host"),
            Some("a certificate is for a host, whatever the port: leave the port out".to_owned()),
        ),
        NameError::Url(name) => {
            let rest = name.split_once("://").map_or("", |(_, rest)| rest);
            let host = rest.split(['/', ':', '?']).next().unwrap_or_default();
            (format!("`{name}` is a URL, not a host"), Some(format!("give the host alone: {host}")))
        }
        NameError::Zone(name) => (
            format!("`{name}` names an interface, which a certificate cannot"),
            Some("leave out the `%` and what follows".to_owned()),
        ),
        NameError::NotAscii(name) => {
            (format!("`{name}` is not ASCII"), Some("certificates hold the xn-- form of such names".to_owned()))
        }
        NameError::Host(name) => (format!("`{name}` is no host name"), None),
        NameError::Uri(name) => (format!("`{name}` is no URI"), None),
        NameError::Email(name) => (format!("`{name}` is no e-mail address"), None),
        NameError::Constraint(name) => (
            format!("`{name}` is no domain or network"),
            Some("for example .lan, 192.168.0.0/16 or @example.com".to_owned()),
        ),
        NameError::Unwritable => ("a name of a kind that is not written here".to_owned(), None),
    };
    let failure = Failure::new(Exit::USAGE, format!("cannot {what}: {why}"));
    match hint {
        Some(hint) => failure.hint(hint),
        None => failure,
    }
}

/// A file that could not be read, or is something else than `what` (`certificate`, `key`, …).
pub fn not_read(what: &str, error: &ReadError) -> Failure {
    if matches!(error.problem, ReadProblem::Directory) {
        return Failure::new(Exit::FAILED, format!("{what} `{}` is a folder", error.path.display()));
    }
    files::unreadable(what, error).into_failure(Exit::FAILED)
}

/// A file that could not be written. What was there is as it was.
pub fn not_written(error: &whole_file::Error) -> Failure {
    if error.target_exists() {
        return exists(&error.path);
    }
    let why = match error.cause.kind() {
        ErrorKind::NotFound => "its folder does not exist".to_owned(),
        ErrorKind::StorageFull => "the disk is full".to_owned(),
        ErrorKind::IsADirectory => "it is a folder".to_owned(),
        ErrorKind::PermissionDenied => "permission denied".to_owned(),
        _ => reason(&error.cause),
    };
    Failure::new(Exit::FAILED, format!("cannot write `{}`: {why}", error.path.display()))
}

/// Something is there already, and nobody said that it may go.
pub fn exists(path: &Path) -> Failure {
    Failure::new(Exit::FAILED, format!("`{}` exists already", path.display())).hint("--force replaces it")
}

pub fn not_decrypted(path: &Path, error: &DecryptError) -> Failure {
    Failure::new(Exit::FAILED, format!("cannot open `{}`: {}", path.display(), files::closed(error)))
}

/// Nothing is known of what stays closed at a place.
pub fn not_opened(place: &Place, closed: &Closed) -> Failure {
    match closed {
        Closed::NoPassphrase => {
            not_known(place, "it is a PKCS#12 store").hint("--pass-file FILE, --pass-env VAR or --pass-fd N opens it")
        }
        Closed::Decrypt(error) => not_decrypted(Path::new(&place.to_string()), error),
    }
}

pub fn not_known(place: &Place, why: &str) -> Failure {
    Failure::new(Exit::FAILED, format!("what is in `{place}` is not known: {why}"))
}

/// The same in a few words, where its place is named before it.
pub fn why_closed(closed: &Closed) -> String {
    match closed {
        Closed::NoPassphrase => "it is a PKCS#12 store: --pass-file FILE opens it".to_owned(),
        Closed::Decrypt(error) => format!("cannot open it: {}", files::closed(error)),
    }
}

pub fn bad_request(path: &Path, error: RequestError) -> Failure {
    let why = match error {
        RequestError::Unreadable => "it is no certificate request",
        RequestError::Signature => "its signature is not by the key in it",
        RequestError::UnsupportedSignature => "it is signed in a way that cannot be checked here",
    };
    Failure::new(Exit::FAILED, format!("cannot sign `{}`: {why}", path.display()))
}
