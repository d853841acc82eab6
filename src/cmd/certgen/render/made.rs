//! What was made: the files and, below, what the certificate among them says.

use std::path::{Path, PathBuf};

use crate::cmd::certgen::broken;
use crate::cmd::certgen::dates::{date, from_now, instant};
use crate::cmd::certgen::files::shown;
use crate::cmd::certgen::made::Made;
use crate::pki::make::BROKEN_KINDS;
use crate::term::Term;

pub fn made(made: &Made, term: &mut Term) {
    let Made { certificate, files: paths, notes } = made;
    files(paths, term);
    term.line(format_args!("  subject  {}", certificate.subject));
    if !certificate.is_self_issued() {
        term.line(format_args!("  issuer   {}", certificate.issuer));
    }
    if let Some(names) = &certificate.alternative_names {
        let names: Vec<_> = names.iter().map(ToString::to_string).collect();
        term.line(format_args!("  for      {}", names.join(", ")));
    }
    term.line(format_args!("  until    {}", date(certificate.not_after)));
    for note in notes {
        term.note(format_args!("note: {note}"));
    }
}

pub fn files(paths: &[PathBuf], term: &mut Term) {
    for path in paths {
        term.line(shown(path));
    }
}

/// Why `certificate` was not renewed.
pub fn not_due(certificate: &Path, not_after: i64, now: i64, term: &mut Term) {
    term.line(format_args!(
        "{}: not due, expires {} ({})",
        shown(certificate),
        from_now(not_after, now),
        instant(not_after)
    ));
}

pub fn broken(made: &broken::Made, term: &mut Term) {
    files(&made.files, term);
    term.line(format_args!("  {}", made.kind.about));
    term.line(format_args!("  finding: {}", made.kind.finding));
}

/// The kinds of `certgen broken`.
pub fn broken_kinds(term: &mut Term) {
    for kind in BROKEN_KINDS {
        term.line(format_args!("{:27} {}", kind.name, kind.about));
    }
}
