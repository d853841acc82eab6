//! The numbers that Mosquitto's clients end with, their texts, and failures in their words.

use crate::diagnose::Finding;
use crate::term::{Exit, Failure};

/// A result of libmosquitto: the exit code of a client where no CONNACK code applies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Outcome {
    Protocol = 2,
    InvalidInput = 3,
    NotConnected = 4,
    Refused = 5,
    ConnectionLost = 7,
    NotSupported = 10,
    Auth = 11,
    Unknown = 13,
    Errno = 14,
    Lookup = 15,
    Proxy = 16,
    Keepalive = 19,
    Malformed = 21,
    DuplicateProperty = 22,
    QosNotSupported = 24,
    Oversize = 25,
    Timeout = 27,
    /// Beside its own numbers libmosquitto has these reason codes.
    TopicAliasInvalid = 148,
    RetainNotSupported = 154,
}

impl Outcome {
    pub const fn text(self) -> &'static str {
        match self {
            Self::Protocol => "A network protocol error occurred when communicating with the broker",
            Self::InvalidInput => "Invalid input",
            Self::NotConnected => "The client is not currently connected",
            Self::Refused => "The connection was refused",
            Self::ConnectionLost => "The connection was lost",
            Self::NotSupported => "This feature is not supported",
            Self::Auth => "Authorisation failed",
            Self::Unknown => "Unknown error",
            Self::Errno => "Protocol error",
            Self::Lookup => "Lookup error",
            Self::Proxy => "Proxy error",
            Self::Keepalive => "Keepalive exceeded",
            Self::Malformed => "Malformed packet",
            Self::DuplicateProperty => "Duplicate property in property list",
            Self::QosNotSupported => "Requested QoS not supported on server",
            Self::Oversize => "Packet larger than supported by the server",
            Self::Timeout => "Timeout",
            Self::TopicAliasInvalid => "Topic alias invalid",
            Self::RetainNotSupported => "Retain not supported",
        }
    }
}

/// A failure in Mosquitto's words, which `--quiet` suppresses, with what we know beyond them.
pub fn failure(exit: Exit, line: &str, finding: Option<Finding>) -> Failure {
    let failure = Failure::verbatim(exit, line).quietable();
    let Some(finding) = finding else { return failure };
    let failure = failure.cause(&finding.what, finding.id);
    match finding.fix {
        Some(fix) => failure.hint(fix),
        None => failure,
    }
}

/// `Unable to connect (…).`, which ends with 1 whatever the result's number.
pub fn unable_to_connect(outcome: Outcome) -> Failure {
    Failure::verbatim(Exit::FAILED, format!("Unable to connect ({}).\n", outcome.text())).quietable()
}
