//! What was found, as every verb tells it: a stable id, how bad it is, what speaks for it, what to do.

use crate::term::{Exit, Failure};

/// How bad a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// Worth knowing; nothing is wrong.
    Note,
    /// Works here and now, and fails elsewhere or soon.
    Warning,
    /// Does not work.
    Error,
}

impl Severity {
    pub const fn name(self) -> &'static str {
        match self {
            Self::Note => "note",
            Self::Warning => "warning",
            Self::Error => "error",
        }
    }
}

/// What a finding is about, for whoever asks further because of it. The id is for scripts and sentences are for people:
/// nothing is decided by either, so that both can be reworded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum About {
    /// No address of the broker accepts connections.
    NothingListens,
    /// The peer closed the connection without an answer to CONNECT.
    Closed,
    /// The peer's first bytes are not MQTT.
    NotMqtt,
    /// The peer did not answer CONNECT in time.
    Silent,
    /// The peer answered CONNECT with HTTP.
    SpeaksHttp,
    /// The peer answered the request for a WebSocket with what is no HTTP, or the connection ended.
    NoWebSocket,
    /// The web server has nothing at the path of the WebSocket.
    WrongPath,
    /// TLS was begun, and the peer has, or may have, none.
    NoTls,
    /// The certificate that was shown to the peer, or should have been.
    OwnCertificate,
    /// Who may come in.
    Login,
}

/// One thing that was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// Stable: scripts match on it. `area.cause`.
    pub id: &'static str,
    pub severity: Severity,
    /// One sentence, lower case, no final stop.
    pub what: String,
    /// The facts that it follows from, each a phrase.
    pub evidence: Vec<String>,
    /// What to do, as a command to type where there is one.
    pub fix: Option<String>,
    pub about: Option<About>,
}

impl Finding {
    pub fn new(severity: Severity, id: &'static str, what: impl Into<String>) -> Self {
        Self { id, severity, what: what.into(), evidence: Vec::new(), fix: None, about: None }
    }

    pub fn error(id: &'static str, what: impl Into<String>) -> Self {
        Self::new(Severity::Error, id, what)
    }

    pub fn warning(id: &'static str, what: impl Into<String>) -> Self {
        Self::new(Severity::Warning, id, what)
    }

    pub fn note(id: &'static str, what: impl Into<String>) -> Self {
        Self::new(Severity::Note, id, what)
    }

    #[must_use]
    pub fn evidence(mut self, fact: impl Into<String>) -> Self {
        self.evidence.push(fact.into());
        self
    }

    #[must_use]
    pub fn fix(mut self, fix: impl Into<String>) -> Self {
        self.fix = Some(fix.into());
        self
    }

    #[must_use]
    pub fn about(mut self, about: About) -> Self {
        self.about = Some(about);
        self
    }

    #[must_use]
    pub fn severity(mut self, severity: Severity) -> Self {
        self.severity = severity;
        self
    }

    pub fn is_error(&self) -> bool {
        self.severity == Severity::Error
    }

    /// The finding as the way a verb ends.
    pub fn into_failure(self, exit: Exit) -> Failure {
        let failure = Failure::new(exit, self.what);
        match self.fix {
            Some(fix) => failure.hint(fix),
            None => failure,
        }
    }
}
