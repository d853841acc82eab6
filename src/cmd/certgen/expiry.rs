//! `certgen expiry`: how long certificates and revocation lists are still good, for monitoring.

use std::path::{Path, PathBuf};

use super::content::{Item, items};
use super::deadline::Deadline;
use super::explain::not_decrypted;
use super::options::ExpiryArgs;
use super::peer::{address, look};
use super::walk::files_of;
use crate::net::reason;
use crate::pki::certificate::Certificate;
use crate::pki::pkcs12::Store;
use crate::term::{Exit, Failure, Secret, without_logins};

/// How it stands, in the words of monitoring plugins; what is worse is greater.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum State {
    Ok,
    Warning,
    Unknown,
    Critical,
}

impl State {
    pub fn name(self) -> &'static str {
        match self {
            Self::Ok => "OK",
            Self::Warning => "WARNING",
            Self::Critical => "CRITICAL",
            Self::Unknown => "UNKNOWN",
        }
    }
}

/// Something that was asked about.
pub struct Answer {
    pub state: State,
    pub fact: Fact,
}

pub enum Fact {
    Expires(Deadline),
    /// It is not known what expires at a place, with the reason. Neither has a login in it.
    Unknown {
        place: String,
        why: String,
    },
}

/// Answers for all targets, at `now` (seconds since 1970).
pub fn run(args: &ExpiryArgs, now: i64) -> Result<Vec<Answer>, Failure> {
    if args.crit > args.warn {
        return Err(Failure::new(Exit::USAGE, "--crit is longer than --warn, which would never warn"));
    }
    let mut answers = Vec::new();
    // Nobody is asked: who looks is a monitor.
    let secret = args.passphrase.given()?;
    for target in &args.targets {
        let (deadlines, unknown) = deadlines(target, secret.as_ref());
        answers
            .extend(deadlines.into_iter().map(|it| Answer { state: state(&it, args, now), fact: Fact::Expires(it) }));
        answers.extend(unknown.into_iter().map(|(place, why)| {
            let (place, why) = (without_logins(&place).into_owned(), without_logins(&why).into_owned());
            Answer { state: State::Unknown, fact: Fact::Unknown { place, why } }
        }));
    }
    Ok(answers)
}

/// The worst decides: what is known to be critical is worse than what is not known.
pub fn worst(answers: &[Answer]) -> State {
    answers.iter().map(|it| it.state).max().unwrap_or(State::Ok)
}

fn state(deadline: &Deadline, args: &ExpiryArgs, now: i64) -> State {
    match deadline.at.map(|at| at - now) {
        Some(left) if left < args.crit => State::Critical,
        Some(left) if left < args.warn => State::Warning,
        _ => State::Ok,
    }
}

/// What expires in a store, or why that is not known.
fn in_store(place: &str, store: &Store, secret: Option<&Secret>) -> Result<Vec<Deadline>, String> {
    let Some(secret) = secret else {
        return Err("it is a PKCS#12 store: --pass-file FILE opens it".to_owned());
    };
    let opened = store.open(secret.expose());
    let inventory = opened.map_err(|error| not_decrypted(Path::new(place), &error).message.unwrap_or_default())?;
    let parse = |der: &Vec<u8>| Certificate::parse(der).map_err(|_| "a certificate in it is malformed".to_owned());
    let all: Vec<_> = inventory.certificates.iter().map(parse).collect::<Result<_, _>>()?;
    if all.is_empty() {
        return Err("there is no certificate in it".to_owned());
    }
    Ok(all.iter().map(|certificate| Deadline::of_certificate(place, certificate)).collect())
}

/// What expires at a target, and what could not be looked at with the reason.
fn deadlines(target: &str, secret: Option<&Secret>) -> (Vec<Deadline>, Vec<(String, String)>) {
    let mut found = Vec::new();
    let mut unknown = Vec::new();
    let why = |failure: Failure| failure.message.unwrap_or_default();
    if let Some((host, port)) = address(target) {
        match look(&host, port) {
            Ok(peer) => {
                found.extend(peer.presented.iter().map(|certificate| Deadline::of_certificate(target, certificate)));
            }
            Err(failure) => unknown.push((target.to_owned(), why(failure))),
        }
        return (found, unknown);
    }
    let path = Path::new(target);
    let files: Vec<PathBuf> = if path.is_dir() {
        match files_of(path, &["crt", "pem", "cer", "crl", "der", "p12", "pfx"]) {
            Ok(files) => files,
            Err(error) => {
                unknown.push((target.to_owned(), reason(&error)));
                Vec::new()
            }
        }
    } else {
        vec![path.to_owned()]
    };
    for file in files {
        let place = file.display().to_string();
        match items(&file) {
            Ok(items) => {
                let before = found.len();
                found.extend(items.iter().filter_map(|item| Deadline::of(&place, item)));
                let stores = items.iter().filter_map(|item| match item {
                    Item::Store(store) => Some(store),
                    _ => None,
                });
                let mut closed = false;
                for store in stores {
                    match in_store(&place, store, secret) {
                        Ok(deadlines) => found.extend(deadlines),
                        Err(why) => {
                            unknown.push((place.clone(), why));
                            closed = true;
                        }
                    }
                }
                if closed {
                    continue;
                }
                if found.len() == before && !path.is_dir() {
                    unknown.push((place, "nothing in it expires".to_owned()));
                }
            }
            Err(failure) => unknown.push((place, why(failure))),
        }
    }
    if found.is_empty() && unknown.is_empty() {
        unknown.push((target.to_owned(), "no certificate in it".to_owned()));
    }
    (found, unknown)
}
