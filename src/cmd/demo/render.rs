//! How the demo looks: its headings, the commands that it types and what they print, and its end.

use std::fmt::Display;
use std::path::Path;
use std::time::Duration;

use colored::Colorize;

use crate::diagnose::shell;
use crate::term::{Term, escape_controls};

/// The heading of a step.
pub fn heading(number: usize, text: &str, term: &mut Term) {
    term.line(format_args!("\n{}", format!("{number}. {text}").bold()));
}

/// A command as it stands behind a prompt.
pub fn typed(command: impl Display, term: &mut Term) {
    term.line(format!("$ {command}").cyan());
}

/// What a command printed.
pub fn printed(text: &str, term: &mut Term) {
    term.write(text.as_bytes());
}

/// The broker accepts connections.
pub fn ready(after: Duration, process: u32, term: &mut Term) {
    term.line(format_args!("ready after {} ms, process {process}", after.as_millis()));
}

/// The last line, when every step did what it should.
pub fn success(term: &mut Term) {
    term.line(format_args!("\n{}", "Everything held.".green().bold()));
}

/// Where the files are that stay, and how to go on; `connection`: the options of a client.
pub fn farewell(folder: &Path, connection: &[&str], term: &mut Term) {
    term.line(format_args!(
        "\nKept in {}. Go on there with moskit's broker or with Mosquitto:\n",
        escape_controls(&folder.to_string_lossy())
    ));
    term.line(format_args!("  cd {}", shell::path(folder)));
    term.line("  moskit broker -c mosquitto.conf");
    term.line("  # or: mosquitto -c mosquitto.conf");
    term.line(format_args!("  moskit sub {} -t '#' -v", connection.join(" ")));
}
