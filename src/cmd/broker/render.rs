//! What the verb itself shows; what a running broker says goes to its log.

use std::fmt::Display;
use std::path::Path;

use super::drop_in::{self, stamped};
use super::state_files::{Exported, Imported};
use crate::broker::fault;
use crate::term::{Term, plural};

/// Mosquitto's own text for `--help` or `--version`.
pub fn text(text: &str, term: &mut Term) {
    term.write(text.as_bytes());
}

/// Mosquitto's last words, on every way out.
pub fn terminating(term: &mut Term) {
    term.complain_raw(stamped(&format!("{} terminating", drop_in::VERSION)).as_bytes());
}

/// What `--fault` takes.
pub fn faults(term: &mut Term) {
    let width = fault::HELP.iter().map(|(form, _)| form.chars().count()).max().unwrap_or_default();
    for (form, meaning) in fault::HELP {
        term.line(format_args!("{form:width$}  {meaning}"));
    }
}

/// What is to be said of a configuration that is tested: under the name of Mosquitto everything is a line of the log.
pub fn remark(text: &str, as_mosquitto: bool, term: &mut Term) {
    if as_mosquitto { term.complain_raw(stamped(text).as_bytes()) } else { term.note(text) }
}

/// Nothing is wrong with a configuration that is tested.
pub fn configuration_is_right(as_mosquitto: bool, term: &mut Term) {
    const TEXT: &str = "Configuration file is OK.";
    if as_mosquitto { remark(TEXT, true, term) } else { term.line(TEXT) }
}

/// Whom the broker runs as; `program`: what it is called.
pub fn runs_as(program: &str, identity: impl Display, term: &mut Term) {
    term.note(format_args!("Info: running {program} as user: {identity}."));
}

/// Where the broker listens.
pub fn urls(urls: &[String], term: &mut Term) {
    for url in urls {
        term.line(url);
    }
}

/// What `--import` has put into `store`.
pub fn imported(from: &Path, store: &Path, imported: &Imported, term: &mut Term) {
    term.line(format_args!(
        "{}: {}, {} queued and {} from {}",
        store.display(),
        plural(imported.clients, "client"),
        imported.queued,
        plural(imported.retained, "retained message"),
        from.display()
    ));
    if imported.orphans > 0 {
        let places = plural(imported.orphans, "place");
        term.note(format_args!("left out: {places} in a queue that belonged to no client or to no message"));
    }
}

/// What `--export` has written to `to`.
pub fn exported(to: &Path, exported: &Exported, term: &mut Term) {
    term.line(format_args!(
        "{}: {}, {} of which {} retained",
        to.display(),
        plural(exported.clients, "client"),
        plural(exported.messages, "message"),
        exported.retained
    ));
    if exported.wills_left_out > 0 {
        let wills = plural(exported.wills_left_out, "will");
        term.note(format_args!("left out: {wills}, for which a mosquitto.db has no place"));
    }
}
