//! What stops a conversation with a broker.

use crate::client::{Ending, StartError};
use crate::mqtt::packet::{ConnAck, Disconnect};
use crate::mqtt::session::SendError;
use crate::term::{Exit, Failure};

/// What stopped it, with everything that its end needs.
#[derive(Debug)]
pub enum Stop {
    /// All is done; the process ends with this code.
    Done(Exit),
    /// `-W` is over, or SIGALRM came.
    TimedOut,
    /// SIGINT or SIGTERM.
    Signalled,
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
    /// The broker sent AUTH.
    AskedToAuthenticate,
    /// A message cannot go out on this connection.
    Unsendable(SendError),
    /// Messages were sent, and for too long none was acknowledged.
    Unacknowledged {
        messages: usize,
    },
    /// Nothing got through, again and again. `why` is what happened last.
    InVain {
        why: Box<Stop>,
        accepted: u32,
        messages: usize,
    },
    /// Something on this side failed: the input, a command for the password, signals.
    Failed(Failure),
}

impl From<Failure> for Stop {
    fn from(failure: Failure) -> Self {
        Self::Failed(failure)
    }
}
