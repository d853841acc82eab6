//! Why the words of pub, sub and rr, or of what shares their options, are refused, and how that is said.

use crate::cmd::words::WordError;
use crate::term::{Exit, Failure};

/// Why the words are refused. Text is made from it in one place, [`ArgError::into_failure`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ArgError {
    Words(WordError),
    /// A usage error: the text, and whether a blank line of its own follows it.
    Usage {
        text: String,
        blank_line: bool,
    },
    /// `--help` or `--version` was read.
    Help,
    Version,
    /// A failure with its whole text, which no line about `--help` follows.
    Ended(Box<Failure>),
}

impl From<WordError> for ArgError {
    fn from(error: WordError) -> Self {
        Self::Words(error)
    }
}

impl ArgError {
    /// A usage error whose text a blank line follows.
    pub fn spaced(text: impl Into<String>) -> Self {
        Self::Usage { text: text.into(), blank_line: true }
    }

    /// A usage error without that blank line.
    pub fn plain(text: impl Into<String>) -> Self {
        Self::Usage { text: text.into(), blank_line: false }
    }

    /// A failure with its whole text, which no line about `--help` follows.
    pub fn ended(text: impl Into<String>) -> Self {
        Self::Ended(Box::new(Failure::verbatim(Exit::FAILED, text)))
    }

    /// The failure as it is printed, with the line that names `--help`. `Help` and `Version` are not
    /// failures and are handled before.
    pub fn into_failure(self, program: &str) -> Failure {
        let (text, blank_line) = match self {
            Self::Ended(failure) => return *failure,
            Self::Help | Self::Version => return Failure::silent(Exit::FAILED),
            Self::Usage { text, blank_line } => (text, blank_line),
            Self::Words(WordError::Unknown(word) | WordError::Late(word)) => {
                (format!("Error: Unknown option '{word}'."), false)
            }
            Self::Words(WordError::MissingValue { label, missing, .. }) => {
                (format!("Error: {label} argument given but {missing} specified."), true)
            }
            Self::Words(WordError::NotEnoughArguments) => {
                ("Error: --property argument given but not enough arguments specified.".to_owned(), true)
            }
            Self::Words(WordError::UnexpectedValue { label, .. }) => (format!("Error: {label} takes no value."), false),
        };
        let end = match (text.is_empty(), blank_line) {
            (true, _) => "",
            (false, true) => "\n\n",
            (false, false) => "\n",
        };
        Failure::verbatim(Exit::FAILED, format!("{text}{end}\nUse '{program} --help' to see usage.\n"))
    }
}
