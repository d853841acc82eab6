//! Why the words of pub, sub and rr, or of what shares their options, are refused, and how that is said.

use crate::cmd::words::WordError;
use crate::diagnose::shell;
use crate::term::{Exit, Failure};

/// Why the words are refused. Text is made from it in one place, [`ArgError::into_failure`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ArgError {
    Words(WordError),
    /// A usage error: the text, whether a blank line of its own follows it, and what to do, where more than the text says it.
    Usage {
        text: String,
        blank_line: bool,
        hint: Option<String>,
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

/// Where a word belongs that is no option, under our own names: most often it is a topic.
fn bare(word: &str, program: &str) -> Option<String> {
    let (_, verb) = program.split_once(' ')?;
    let is_topic = matches!(verb, "pub" | "sub" | "rr") && !word.starts_with('-') && !word.is_empty();
    is_topic.then(|| format!("a topic goes after -t: -t {}", shell::quoted(word)))
}

impl ArgError {
    /// A usage error whose text a blank line follows.
    pub fn spaced(text: impl Into<String>) -> Self {
        Self::Usage { text: text.into(), blank_line: true, hint: None }
    }

    /// A usage error without that blank line.
    pub fn plain(text: impl Into<String>) -> Self {
        Self::Usage { text: text.into(), blank_line: false, hint: None }
    }

    /// A usage error of one of moskit's own verbs, with what to do.
    pub fn hinted(text: impl Into<String>, hint: impl Into<String>) -> Self {
        Self::Usage { text: text.into(), blank_line: false, hint: Some(hint.into()) }
    }

    /// The same, and what the option takes. Under the `mosquitto_*` names (`exact`) Mosquitto's sentence stands alone.
    #[must_use]
    pub fn allowing(mut self, exact: bool, allowed: &str) -> Self {
        if let Self::Usage { hint, .. } = &mut self
            && !exact
        {
            hint.get_or_insert_with(|| allowed.to_owned());
        }
        self
    }

    /// A failure with its whole text, which no line about `--help` follows.
    pub fn ended(text: impl Into<String>) -> Self {
        Self::Ended(Box::new(Failure::verbatim(Exit::FAILED, text)))
    }

    /// The failure as it is printed, with the line that names `--help`. `Help` and `Version` are not
    /// failures and are handled before.
    pub fn into_failure(self, program: &str) -> Failure {
        let mut hint = None;
        let (text, blank_line) = match self {
            Self::Ended(failure) => return *failure,
            Self::Help | Self::Version => return Failure::silent(Exit::FAILED),
            Self::Usage { text, blank_line, hint: its } => {
                hint = its;
                (text, blank_line)
            }
            Self::Words(WordError::Unknown { word, meant }) => {
                hint = meant.map(|meant| format!("did you mean `--{meant}`?")).or_else(|| bare(&word, program));
                (format!("Error: Unknown option '{word}'."), false)
            }
            Self::Words(WordError::Late(word)) => (format!("Error: Unknown option '{word}'."), false),
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
        let failure = Failure::verbatim(Exit::FAILED, format!("{text}{end}\nUse '{program} --help' to see usage.\n"));
        match hint {
            Some(hint) => failure.hint(hint),
            None => failure,
        }
    }
}
