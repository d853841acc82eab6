//! `certgen expiry`: how long certificates and revocation lists are still good, for monitoring.

use std::path::Path;

use super::content::Item;
use super::deadline::Deadline;
use super::options::ExpiryArgs;
use super::peer::{address, look};
use super::sentences::why_closed;
use super::walk::targets;
use crate::diagnose::files;
use crate::examine::content::Target;
use crate::pki::content::opened;
use crate::pki::key::Work;
use crate::pki::pkcs12::Wanted;
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
    let targets = match targets(Path::new(target)) {
        Ok(targets) => targets,
        Err(failure) => return (found, vec![(target.to_owned(), why(failure))]),
    };
    let is_folder = targets.iter().all(|target| target.is_found);
    // Keys and requests do not expire.
    let is_looked_at = |target: &Target| {
        !target.is_found || target.path.extension().is_none_or(|ending| ending != "key" && ending != "csr")
    };
    for target in targets.into_iter().filter(is_looked_at) {
        let path = &target.path;
        let place = path.display().to_string();
        let contents = match target.contents() {
            None => continue,
            Some(Ok(contents)) => contents,
            Some(Err(finding)) => {
                unknown.push((place, finding.what));
                continue;
            }
        };
        let before = found.len() + unknown.len();
        unknown.extend(contents.passed_over.iter().map(|fault| {
            let finding = files::passed_over("file", path, *fault);
            (place.clone(), finding.what)
        }));
        let secret = secret.map(Secret::expose);
        for thing in opened(contents.found, secret, Wanted::Certificates, &mut Work::default()) {
            let place = thing.place(path).to_string();
            match &thing.item {
                Item::Closed(closed) => unknown.push((place, why_closed(closed))),
                Item::Damaged(what) => unknown.push((place, format!("the {what} in it is damaged"))),
                Item::Unknown(kind) if thing.is_promised() => {
                    unknown.push((place, format!("it is {}", kind.describe())));
                }
                item => found.extend(Deadline::of(&place, item)),
            }
        }
        if found.len() + unknown.len() == before && !is_folder {
            unknown.push((place, "nothing in it expires".to_owned()));
        }
    }
    if found.is_empty() && unknown.is_empty() {
        unknown.push((target.to_owned(), "no certificate in it".to_owned()));
    }
    (found, unknown)
}
