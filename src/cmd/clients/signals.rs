//! The signals that a client listens for.

use super::stop::Stop;
use crate::cmd::connect::args::Verb;
use crate::cmd::connect::runtime::listen;
use crate::os::signal::{Signal, SignalKind};
use crate::term::Failure;

/// What of SIGINT, SIGTERM and SIGALRM does not have its default action.
#[derive(Debug)]
pub struct Signals {
    interrupt: Option<Signal>,
    terminate: Option<Signal>,
    alarm: Option<Signal>,
}

impl Signals {
    /// sub ends in order, and sub and rr time out by SIGALRM, too.
    pub fn of(verb: Verb) -> Result<Self, Failure> {
        let listen_if = |wanted: bool, kind| if wanted { listen(kind).map(Some) } else { Ok(None) };
        Ok(Self {
            interrupt: listen_if(verb == Verb::Sub, SignalKind::interrupt())?,
            terminate: listen_if(verb == Verb::Sub, SignalKind::terminate())?,
            alarm: listen_if(verb != Verb::Pub, SignalKind::alarm())?,
        })
    }

    /// What the next signal stops the conversation with.
    pub async fn wait(&mut self) -> Stop {
        tokio::select! {
            () = heard(&mut self.interrupt) => Stop::Signalled,
            () = heard(&mut self.terminate) => Stop::Signalled,
            () = heard(&mut self.alarm) => Stop::TimedOut,
        }
    }
}

async fn heard(signal: &mut Option<Signal>) {
    match signal {
        Some(signal) => {
            signal.recv().await;
        }
        None => std::future::pending().await,
    }
}
