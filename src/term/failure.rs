//! How a verb ends: its exit code, and the one text a failure is told in.

use super::Term;
use crate::escape::{escape_controls, escape_for_terminal, without_logins};

/// An exit code of the process, 0 to 255.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Exit(pub u8);

impl Exit {
    pub const OK: Self = Self(0);
    /// Failed, or the answer is no.
    pub const FAILED: Self = Self(1);
    /// Damaged or critical.
    pub const DAMAGED: Self = Self(2);
    /// Usage, or the state cannot be known.
    pub const USAGE: Self = Self(3);
}

/// A failure as a person reads it: what was tried, why it failed and, if there is something to do
/// about it, a hint. Made in `cmd` from the facts that the layers below return; printed once, by `main`.
///
/// ```
/// use moskit::term::{Exit, Failure};
/// let failure = Failure::new(Exit::FAILED, "cannot read `ca.crt`: permission denied").hint("who may read it: ls -l ca.crt");
/// assert_eq!(failure.exit, Exit::FAILED);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    pub exit: Exit,
    /// Printed first and as it is, with its own line ends: the exact text that Mosquitto prints.
    pub verbatim: String,
    /// One sentence, lower case, no final stop: `what we tried: why it failed`.
    pub message: Option<String>,
    /// Why, in one sentence, behind the exact text of another program; ends with the finding's id.
    pub cause: Option<String>,
    /// What the user can do, as a command to type where there is one.
    pub hint: Option<String>,
    /// `--quiet` suppresses it (errors at run time of the Mosquitto applets).
    pub quietable: bool,
}

impl Failure {
    /// A failure of one of moskit's own verbs, in one sentence.
    pub fn new(exit: Exit, message: impl Into<String>) -> Self {
        Self { exit, verbatim: String::new(), message: Some(message.into()), cause: None, hint: None, quietable: false }
    }

    /// Ends with `exit` and says nothing more: the verb has printed what there is to say.
    pub fn silent(exit: Exit) -> Self {
        Self { exit, verbatim: String::new(), message: None, cause: None, hint: None, quietable: false }
    }

    /// A failure told in Mosquitto's exact text, which includes its line ends.
    pub fn verbatim(exit: Exit, text: impl Into<String>) -> Self {
        Self { exit, verbatim: text.into(), message: None, cause: None, hint: None, quietable: false }
    }

    /// The cause, and the id of the finding that it is.
    #[must_use]
    pub fn cause(mut self, what: &str, id: &str) -> Self {
        self.cause = Some(format!("{what} [{id}]"));
        self
    }

    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    #[must_use]
    pub fn quietable(mut self) -> Self {
        self.quietable = true;
        self
    }

    /// Whether there is anything to tell.
    pub fn has_text(&self) -> bool {
        !self.verbatim.is_empty() || self.message.is_some() || self.cause.is_some() || self.hint.is_some()
    }

    /// Prints the failure on standard error, unless it is one that `--quiet` suppresses. The names in it may be
    /// strangers', out of a certificate or a broker's answer, and what it quotes may hold a login.
    pub fn show(&self, term: &mut Term) {
        if self.quietable && term.is_quiet() {
            return;
        }
        if !self.verbatim.is_empty() {
            let mut text = Vec::new();
            escape_for_terminal(without_logins(&self.verbatim).as_bytes(), &mut text);
            term.complain_raw(&text);
        }
        if let Some(message) = &self.message {
            term.complain(format_args!("error: {}", shown(message)));
        }
        if let Some(cause) = &self.cause {
            term.complain(format_args!("cause: {}", shown(cause)));
        }
        if let Some(hint) = &self.hint {
            term.complain(format_args!("hint: {}", shown(hint)));
        }
    }
}

/// A sentence without what a stranger could do to a terminal, and what a log must not keep.
fn shown(sentence: &str) -> String {
    escape_controls(&without_logins(sentence)).into_owned()
}
