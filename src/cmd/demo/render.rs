//! How the demo looks: its headings, the commands that it types and what they print, and its end.

use std::fmt::Display;
use std::path::Path;
use std::time::Duration;

use colored::Colorize;

use crate::term::Term;

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
    let folder = folder.display();
    term.line(format_args!("\nKept in {folder}. Go on there with moskit's broker or with Mosquitto:"));
    term.line(format_args!("  cd {folder}"));
    term.line("  moskit broker -c mosquitto.conf        or: mosquitto -c mosquitto.conf");
    term.line(format_args!("  moskit sub {} -t '#' -v", connection.join(" ")));
}
