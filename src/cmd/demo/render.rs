//! How the demo looks: its headings, the commands that it types, and its end.

use colored::{ColoredString, Colorize};

/// The heading of a step.
pub fn heading(number: usize, text: &str) -> ColoredString {
    format!("{number}. {text}").bold()
}

/// A command as it stands behind a prompt.
pub fn typed(command: &str) -> ColoredString {
    format!("$ {command}").cyan()
}

/// The last line, when every step did what it should.
pub fn success() -> ColoredString {
    "Everything held.".green().bold()
}
