//! What certgen's judges found, as text and as JSON.

use serde_json::json;

use crate::cmd::certgen::verify::{Answer, NotKnown};
use crate::cmd::findings;
use crate::diagnose::Severity;
use crate::examine::lint::Linted;
use crate::pki::content::Place;
use crate::term::{Exit, Term, escape_controls};

/// What was found in files: each file's name, and its findings below it.
pub fn linted(linted: &Linted, term: &mut Term) {
    let mut last: Option<&Place> = None;
    for (place, finding) in &linted.found {
        if last != Some(place) {
            term.line(findings::safe(&place.to_string()));
            last = Some(place);
        }
        for line in findings::lines(finding, 2, findings::columns(term)) {
            term.line(line);
        }
    }
    if linted.found.iter().all(|(_, finding)| finding.severity == Severity::Note) {
        let (files, verb) = if linted.files == 1 { ("file", "is") } else { ("files", "are") };
        term.line(format_args!("{} {files} {verb} fine", linted.files));
    }
}

/// The same, one JSON object a finding.
pub fn linted_as_json(linted: &Linted, term: &mut Term) {
    for (place, finding) in &linted.found {
        let mut object = findings::json(finding);
        object["target"] = place.file.display().to_string().into();
        object["part"] = place.part.clone().into();
        term.json(object);
    }
}

/// The worst finding decides.
pub fn exit_of_lint(linted: &Linted) -> Exit {
    match linted.found.iter().map(|(_, finding)| finding.severity).max() {
        Some(Severity::Error) => Exit::DAMAGED,
        Some(Severity::Warning) => Exit::FAILED,
        Some(Severity::Note) | None => Exit::OK,
    }
}

/// What each family of clients makes of a certificate.
pub fn verified(verified: &Answer, term: &mut Term) {
    let answer = if verified.is_good { "good" } else { "not good" };
    term.line(format_args!("{}: {answer}", escape_controls(&verified.place.to_string())));
    term.line(format_args!(
        "  {}, issued by {}",
        escape_controls(&verified.subject.to_string()),
        escape_controls(&verified.issuer.to_string())
    ));
    let width = findings::columns(term);
    for opinion in &verified.opinions {
        let (sign, text) = findings::opinion(opinion);
        for (index, part) in findings::wrap(&text, width.saturating_sub(4)).into_iter().enumerate() {
            let sign = if index == 0 { sign.paint() } else { " ".to_owned() };
            term.line(format_args!("  {sign} {part}"));
        }
    }
    for finding in &verified.findings {
        for line in findings::lines(finding, 0, width) {
            term.line(line);
        }
    }
}

/// The same as one JSON object.
pub fn verified_as_json(verified: &Answer, term: &mut Term) {
    term.json(json!({
        "target": verified.place.file.display().to_string(),
        "part": verified.place.part,
        "good": verified.is_good,
        "verdicts": findings::verdicts(&verified.opinions),
        "findings": verified.findings.iter().map(findings::json).collect::<Vec<_>>(),
    }));
}

/// A place of which nothing can be said, as one JSON object.
pub fn not_known_as_json(not_known: &NotKnown, term: &mut Term) {
    let NotKnown { place, failure } = not_known;
    term.json(json!({
        "target": place.file.display().to_string(),
        "part": place.part,
        "good": null,
        "error": failure.message,
    }));
}
