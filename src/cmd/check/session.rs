//! `check session`: asks a file, or the API of a broker, for the session of one client.

use std::path::Path;

use super::options;
use crate::cmd::applet::Invocation;
use crate::cmd::connect::api;
use crate::diagnose::{Finding, shell};
use crate::examine::report::{Report, Stage};
use crate::examine::session::{self, Found};
use crate::queue::Item;
use crate::term::Term;

/// Looks for a client in the state of a broker.
pub fn check(request: &options::Session, invocation: &Invocation, now: i64, term: &mut Term) -> Report {
    let url = request.source.as_ref().and_then(|source| source.to_str()).filter(|source| source.contains("://"));
    match url {
        Some(url) => check_api(url, request, invocation, now, term),
        None => session::check_file(&request.id, request.source.as_ref().map(Path::new), now),
    }
}

/// Asks the API of a broker, as qshape does.
fn check_api(url: &str, request: &options::Session, invocation: &Invocation, now: i64, term: &mut Term) -> Report {
    let id = request.id.as_str();
    let mut report = Report::new(format!("session of client `{id}`"));
    let mut stage = Stage::new("source");
    stage.fact("url", url);
    let mut found = Found::default();
    let mut each = |item: Item<'_>| found.item(id, item);
    match api::ask(url, id, &request.api, &request.reach, invocation, term, &mut each) {
        Ok(snapshot) => {
            stage.fact("kind", snapshot.kind);
            report.stages.push(stage);
            session::judge(id, &found, now, &mut report);
        }
        Err(failure) => {
            report.is_unknown = true;
            let what = failure.message.unwrap_or_else(|| "the source cannot be read".to_owned());
            let mut finding = Finding::error("session.unreadable", what);
            if let Some(cause) = failure.cause {
                finding = finding.evidence(cause);
            }
            stage.found(match failure.hint {
                Some(hint) => finding.fix(hint),
                None => finding.fix(format!("moskit qshape {}", shell::quoted(url))),
            });
            report.stages.push(stage);
        }
    }
    report
}
