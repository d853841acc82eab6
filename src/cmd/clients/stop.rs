//! What stops a conversation with a broker.

use std::time::Duration;

use crate::client::{Ending, StartError};
use crate::mqtt::packet::{ConnAck, Disconnect};
use crate::mqtt::session::SendError;
use crate::oauth::OAuthError;
use crate::term::{Exit, Failure};

/// What stopped it, with everything that its end needs.
#[derive(Debug)]
pub enum Stop {
    /// All is done; the process ends with this code.
    Done(Exit),
    /// `-W` is over, or SIGALRM came.
    TimedOut,
    /// SIGINT, SIGTERM or SIGHUP, by its number.
    Signalled(u8),
    /// Standard output takes nothing any more.
    OutputFailed,
    /// The broker's DISCONNECT.
    Disconnected(Disconnect),
    Lost(Ending),
    /// The broker refused CONNECT.
    Refused(ConnAck),
    /// The first connection did not come about.
    NotConnected(StartError),
    /// A later one did not, and that was the last attempt.
    NotConnectedAgain(StartError),
    /// There is no token to log in with.
    NoToken(OAuthError),
    /// A new token has come in place of one that is about to expire: the next connection has it.
    TokenRenewed,
    /// The broker sent AUTH.
    AskedToAuthenticate,
    /// The broker ended the connection when the login was begun again on it.
    LoginAgainRefused(Disconnect),
    /// The login was begun again, and for so long the broker has not answered.
    LoginAgainUnanswered(Duration),
    /// A message cannot go out on this connection.
    Unsendable(SendError),
    /// Messages or requests were sent, and for so long none was answered.
    Unanswered {
        messages: usize,
        requests: usize,
        limit: Duration,
    },
    /// Nothing got through, again and again. `why` is what happened last.
    InVain {
        why: Box<Stop>,
        /// Connections that the broker accepted and ended at once.
        accepted: u32,
        /// Attempts to connect, where their number was the limit.
        attempts: Option<u32>,
        messages: usize,
    },
    /// `--retry` is used up. `why` is what happened last.
    Tried {
        why: Box<Stop>,
        times: u32,
    },
    /// Another client with the same id comes each time that this one has come.
    TakenOver {
        times: u32,
        /// The broker said so.
        is_announced: bool,
    },
    /// Something on this side failed: the input, a command for the password, signals.
    Failed(Failure),
}

impl From<Failure> for Stop {
    fn from(failure: Failure) -> Self {
        Self::Failed(failure)
    }
}
