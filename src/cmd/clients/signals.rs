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
    hangup: Option<Signal>,
}

impl Signals {
    /// sub ends in order, pub where it has something to keep, and sub and rr time out by SIGALRM, too.
    pub fn of(verb: Verb, keeps: bool) -> Result<Self, Failure> {
        let in_order = verb == Verb::Sub || keeps;
        let listen_if = |wanted: bool, kind| if wanted { listen(kind).map(Some) } else { Ok(None) };
        Ok(Self {
            interrupt: listen_if(in_order, SignalKind::interrupt())?,
            terminate: listen_if(in_order, SignalKind::terminate())?,
            alarm: listen_if(verb != Verb::Pub, SignalKind::alarm())?,
            hangup: listen_if(keeps, SignalKind::hangup())?,
        })
    }

    /// What the next signal stops the conversation with.
    pub async fn wait(&mut self) -> Stop {
        let signalled = |kind: SignalKind| Stop::Signalled(kind.as_raw_value() as u8);
        tokio::select! {
            () = heard(&mut self.interrupt) => signalled(SignalKind::interrupt()),
            () = heard(&mut self.terminate) => signalled(SignalKind::terminate()),
            () = heard(&mut self.hangup) => signalled(SignalKind::hangup()),
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
