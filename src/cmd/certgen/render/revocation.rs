//! What a CA has issued and revoked, and its list.

use std::path::Path;

use serde_json::json;

use crate::cmd::certgen::crl::{Standing, State};
use crate::cmd::certgen::dates::{date, from_now, instant};
use crate::cmd::certgen::files::shown;
use crate::cmd::certgen::import::Imported;
use crate::cmd::certgen::index::{Entry, Rebuilt};
use crate::cmd::certgen::options::Issuer;
use crate::cmd::certgen::revoke::{Done, Revoked};
use crate::diagnose::shell;
use crate::pki::revocation::Reason;
use crate::term::{Exit, Term, escape_controls, plural};

/// How a list stands.
pub fn standing(standing: &Standing, term: &mut Term) {
    let Standing { path, list, now, state } = standing;
    let count = plural(list.len() as u64, "revoked certificate");
    let until = match list.next_update {
        Some(next) if next <= *now => format!("{count}, over since {} ({})", instant(next), from_now(next, *now)),
        Some(next) => format!("{count}, good until {} ({})", instant(next), from_now(next, *now)),
        None => format!("{count}, good for ever"),
    };
    let (before, after) = match state {
        State::Made | State::Good | State::EndsSoon => ("", String::new()),
        State::NotDue => ("not due, ", String::new()),
        State::Over => ("", "; brokers that use it refuse every client".to_owned()),
        State::NotValidYet => ("", "; it is not valid yet, and brokers that use it refuse every client".to_owned()),
        State::Weak => (
            "",
            format!(
                "; it is signed with {}, which is not accepted: moskit certgen crl makes a new one",
                list.signature_name()
            ),
        ),
        State::Lacks(missing) => ("", format!("; it lacks {} of the index", plural(*missing, "revoked certificate"))),
    };
    term.line(format_args!("{}: {before}{until}{after}", shown(path)));
}

/// 0, 1 or 2, as for monitoring.
pub fn exit_of_list(state: State) -> Exit {
    match state {
        State::Made | State::NotDue | State::Good => Exit::OK,
        State::EndsSoon => Exit::FAILED,
        State::Over | State::NotValidYet | State::Weak | State::Lacks(_) => Exit::DAMAGED,
    }
}

/// There is no list at `path`, which is as bad as one that is over.
pub fn no_list(path: &Path, term: &mut Term) -> Exit {
    term.line(format_args!("{}: there is no list", shown(path)));
    Exit::DAMAGED
}

pub fn revoked(revoked: &Revoked, term: &mut Term) {
    for (issued, done) in &revoked.done {
        let (serial, subject) = (&issued.serial, escape_controls(&issued.subject));
        match done {
            Done::RevokedBefore(old) => term.line(format_args!(
                "{serial} {subject}: revoked already on {} ({})",
                instant(old.at),
                old.reason.name()
            )),
            Done::Released => term.line(format_args!("{serial} {subject}: released")),
            Done::Revoked(reason) => term.line(format_args!("{serial} {subject}: revoked ({})", reason.name())),
        }
    }
    for other in &revoked.namesakes {
        term.note(format_args!(
            "warning: another certificate of `{}` is still good: {}",
            escape_controls(&other.subject),
            other.serial
        ));
    }
}

/// What has to follow a revocation that made no list.
pub fn take_effect(issuer: &Issuer, term: &mut Term) {
    let place = match &issuer.ca {
        Some(ca) => format!("--ca {}", shell::path(ca)),
        None => format!("-d {}", shell::path(issuer.dir.as_deref().unwrap_or(Path::new(".")))),
    };
    term.line(format_args!("brokers know of it from the next list on: moskit certgen crl {place}"));
}

/// A line of `certgen index`.
pub fn entry(entry: &Entry<'_>, now: i64, term: &mut Term) {
    let Entry { serial, issued, revocation } = entry;
    let subject = issued.map_or("not in the index", |it| it.subject.as_str());
    let until = issued.map_or_else(String::new, |it| format!(", until {}", date(it.not_after)));
    let why = revocation.map_or_else(String::new, |it| format!(", since {} ({})", date(it.at), it.reason.name()));
    let file = issued.and_then(|it| it.file.as_deref()).map_or_else(String::new, |file| format!(", {file}"));
    let text = format!("{subject}{until}{why}{file}");
    term.line(format_args!("{:8} {serial} {}", state(entry, now), escape_controls(&text)));
}

/// The same as one JSON object.
pub fn entry_as_json(entry: &Entry<'_>, now: i64, term: &mut Term) {
    let Entry { serial, issued, revocation } = entry;
    term.json(json!({
        "state": state(entry, now),
        "serial": serial.to_string(),
        "subject": issued.map(|it| it.subject.as_str()),
        "names": issued.map(|it| it.names.as_slice()).unwrap_or_default(),
        "not_after": issued.map(|it| instant(it.not_after)),
        "sha256": issued.and_then(|it| it.sha256.as_deref()),
        "file": issued.and_then(|it| it.file.as_deref()),
        "revoked_at": revocation.map(|it| instant(it.at)),
        "reason": revocation.map(|it| it.reason.name()),
    }));
}

fn state(entry: &Entry<'_>, now: i64) -> &'static str {
    match (entry.revocation, entry.issued) {
        (Some(it), _) if it.reason == Reason::CertificateHold => "on hold",
        (Some(_), _) => "revoked",
        (None, Some(issued)) if issued.not_after < now => "expired",
        _ => "good",
    }
}

pub fn rebuilt(rebuilt: &Rebuilt, term: &mut Term) {
    let Rebuilt { index, issued, revoked } = rebuilt;
    let issued = plural(*issued as u64, "certificate");
    term.line(format_args!("{}: {issued}, {revoked} revoked", shown(index)));
}

pub fn imported(imported: &Imported, term: &mut Term) {
    term.line(format_args!(
        "{}: {} of `{}`, {} revoked; {} still good, written beside ca.crt",
        shown(&imported.folder),
        plural(imported.issued as u64, "certificate"),
        imported.authority,
        imported.revoked,
        plural(imported.copied, "certificate")
    ));
    if !imported.has_key {
        term.note("note: the key of the CA was not found; to sign, name it with --ca-key FILE");
    }
    if imported.unlisted > 0 {
        term.note(format_args!(
            "note: {} of the CA stand in files but not in index.txt",
            plural(imported.unlisted, "certificate")
        ));
    }
}
