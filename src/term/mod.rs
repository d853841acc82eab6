//! Everything that a person sees. All text of the program goes through [`Term`]: results to
//! standard output, the rest to standard error. Nothing else prints, so `--quiet`, colour and a
//! closed pipe are handled once.

mod failure;
mod foreign;
pub mod format;
pub mod logbook;
mod progress;
mod prompt;
mod secret;

pub use failure::{Exit, Failure};
pub use foreign::{Foreign, escape_controls_in_json};
pub use progress::Progress;
pub use prompt::{AskError, Audience, signals_are_taken};
pub use secret::Secret;

use std::fmt::Display;
use std::io::{self, BufWriter, IsTerminal, Write};

pub use crate::escape::{escape_controls, escape_for_terminal, is_control, without_logins};
use crate::os::terminal;

/// Bytes collected before they are written to standard output. [`Term::flush`] writes them earlier;
/// whoever waits for something flushes first, so nobody's output is held back while we sleep.
const OUT_BUFFER: usize = 64 * 1024;

/// `1 message`, `2 messages`: a number of things whose plural ends in `s`.
pub fn plural(count: u64, thing: &str) -> String {
    if count == 1 { format!("1 {thing}") } else { format!("{count} {thing}s") }
}

/// The two output streams of the process and what is known about them.
pub struct Term {
    out: BufWriter<Box<dyn Write + Send>>,
    err: Box<dyn Write + Send>,
    out_is_terminal: bool,
    err_is_terminal: bool,
    /// Standard output is a terminal that knows escape sequences.
    out_draws: bool,
    quiet: bool,
    out_failed: Option<io::Error>,
}

impl Term {
    /// The streams of this process. Colour follows `colored`'s rules (`NO_COLOR`, `CLICOLOR_FORCE`),
    /// decided for standard output; text for standard error is plain unless it is a terminal too. A terminal that knows no
    /// escape sequences says so by `TERM=dumb`.
    pub fn from_process() -> Self {
        let out_is_terminal = io::stdout().is_terminal();
        let err_is_terminal = io::stderr().is_terminal();
        let is_dumb = std::env::var_os("TERM").is_some_and(|kind| kind.eq_ignore_ascii_case("dumb"));
        let out_draws = out_is_terminal && !is_dumb;
        if !out_draws && std::env::var_os("CLICOLOR_FORCE").is_none() {
            colored::control::set_override(false);
        }
        Self {
            out: BufWriter::with_capacity(OUT_BUFFER, Box::new(io::stdout())),
            err: Box::new(io::stderr()),
            out_is_terminal,
            err_is_terminal,
            out_draws,
            quiet: false,
            out_failed: None,
        }
    }

    /// Streams that a test reads back; neither counts as a terminal.
    pub fn from_writers(out: Box<dyn Write + Send>, err: Box<dyn Write + Send>) -> Self {
        Self {
            out: BufWriter::with_capacity(OUT_BUFFER, out),
            err,
            out_is_terminal: false,
            err_is_terminal: false,
            out_draws: false,
            quiet: false,
            out_failed: None,
        }
    }

    /// With `quiet`, [`Term::note`] says nothing.
    pub fn set_quiet(&mut self, quiet: bool) {
        self.quiet = quiet;
    }

    pub fn is_quiet(&self) -> bool {
        self.quiet
    }

    pub fn out_is_terminal(&self) -> bool {
        self.out_is_terminal
    }

    /// Standard output is a terminal on which the cursor can be moved.
    pub fn out_draws(&self) -> bool {
        self.out_draws
    }

    pub fn err_is_terminal(&self) -> bool {
        self.err_is_terminal
    }

    /// Width of the terminal in columns; `None` when output goes elsewhere.
    pub fn columns(&self) -> Option<u16> {
        if !self.out_is_terminal {
            return None;
        }
        terminal::columns().filter(|columns| *columns > 0)
    }

    /// Columns and rows of the terminal; `None` when output goes elsewhere, or to one that does not say.
    pub fn size(&self) -> Option<(u16, u16)> {
        let size = if self.out_is_terminal { terminal::size() } else { None };
        size.filter(|(columns, rows)| *columns > 0 && *rows > 0)
    }

    /// Result bytes for standard output, as they are. They leave with the next [`Term::flush`].
    /// A write error is remembered: see [`Term::out_failed`].
    #[inline]
    pub fn write(&mut self, bytes: &[u8]) {
        if self.out_failed.is_none()
            && let Err(error) = self.out.write_all(bytes)
        {
            self.out_failed = Some(error);
        }
    }

    /// One line of result on standard output.
    pub fn line(&mut self, text: impl Display) {
        if self.out_failed.is_none()
            && let Err(error) = writeln!(self.out, "{text}")
        {
            self.out_failed = Some(error);
        }
    }

    /// One JSON value as a line, or lines, on standard output. Strangers' text in it has no character that controls a
    /// terminal: JSON leaves those of 8 bits, and those that turn text around, as they are.
    pub fn json(&mut self, value: impl Display) {
        let mut text = format!("{value}\n").into_bytes();
        escape_controls_in_json(&mut text, 0);
        self.write(&text);
    }

    /// Sends what has been collected for standard output.
    pub fn flush(&mut self) {
        if self.out_failed.is_none()
            && let Err(error) = self.out.flush()
        {
            self.out_failed = Some(error);
        }
    }

    /// How writing to standard output failed, if it did. `BrokenPipe` means that the reader has
    /// seen enough, which is nobody's error.
    pub fn out_failed(&self) -> Option<&io::Error> {
        self.out_failed.as_ref()
    }

    /// One line on standard error that `--quiet` suppresses: warnings, progress, errors at run time.
    pub fn note(&mut self, text: impl Display) {
        if !self.quiet {
            self.complain(text);
        }
    }

    /// One line on standard error, always: usage errors, failures. A failing standard error leaves
    /// nowhere to complain, so it is ignored.
    pub fn complain(&mut self, text: impl Display) {
        self.flush();
        let _ = writeln!(self.err, "{text}");
    }

    /// Bytes for standard error, as they are and always.
    pub fn complain_raw(&mut self, bytes: &[u8]) {
        self.flush();
        let _ = self.err.write_all(bytes);
        let _ = self.err.flush();
    }
}
