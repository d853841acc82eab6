//! What is known before a session is ended, the question, and what became of it. Client ids come in escaped.

use std::fmt::Display;

use crate::term::Term;

/// Without a source nothing is known but what the broker says at the end.
pub fn unknown(client: &str, term: &mut Term) {
    term.line(format_args!("{client}: how much waits for it is not known without a SOURCE"));
    term.line("Whether it is connected is not known either; if it is, it would lose its connection.");
}

/// What the sources know: `waiting` is how much, in words.
pub fn known(client: &str, waiting: &str, connected: Option<bool>, term: &mut Term) {
    term.line(format_args!("{client}: {waiting} waiting"));
    term.line(match connected {
        Some(true) => "It is connected, and would lose its connection.",
        Some(false) => "It is not connected.",
        None => "This source cannot tell whether it is connected; if it is, it would lose its connection.",
    });
}

/// What `--dry-run` says.
pub fn would_end(broker: impl Display, waiting: &str, term: &mut Term) {
    term.line(format_args!(
        "Nothing was removed. At {broker} its session would end, with its subscriptions and {waiting}."
    ));
}

pub fn ask(client: &str, waiting: &str, term: &mut Term) {
    term.complain(format_args!("End the session of {client} and lose {waiting}? Type yes:"));
}

pub fn nothing_removed(term: &mut Term) {
    term.line("Nothing was removed.");
}

pub fn ended(client: &str, term: &mut Term) {
    term.line(format_args!("The session of {client} has ended."));
}
