//! What a console sends. Signals that only Unix has can be listened for and never come.

use std::future::{pending, poll_fn};
use std::io;
use std::task::{Context, Poll};

use tokio::signal::windows::{CtrlBreak, CtrlC, CtrlClose, ctrl_break, ctrl_c, ctrl_close};

/// With Unix's numbers, which exit codes are made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SignalKind(i32);

impl SignalKind {
    pub const fn hangup() -> Self {
        Self(1)
    }

    /// Ctrl-C.
    pub const fn interrupt() -> Self {
        Self(2)
    }

    /// Ctrl-Break.
    pub const fn quit() -> Self {
        Self(3)
    }

    pub const fn user_defined1() -> Self {
        Self(10)
    }

    pub const fn user_defined2() -> Self {
        Self(12)
    }

    pub const fn alarm() -> Self {
        Self(14)
    }

    /// The console is closed.
    pub const fn terminate() -> Self {
        Self(15)
    }

    pub const fn as_raw_value(self) -> i32 {
        self.0
    }
}

pub fn reopen_log() -> SignalKind {
    SignalKind(34)
}

/// What has been listened for.
#[derive(Debug)]
pub enum Signal {
    Interrupt(CtrlC),
    Quit(CtrlBreak),
    Terminate(CtrlClose),
    Never,
}

pub fn signal(kind: SignalKind) -> io::Result<Signal> {
    Ok(match kind {
        kind if kind == SignalKind::interrupt() => Signal::Interrupt(ctrl_c()?),
        kind if kind == SignalKind::quit() => Signal::Quit(ctrl_break()?),
        kind if kind == SignalKind::terminate() => Signal::Terminate(ctrl_close()?),
        _ => Signal::Never,
    })
}

impl Signal {
    pub async fn recv(&mut self) -> Option<()> {
        match self {
            Self::Never => pending().await,
            heard => poll_fn(|context| heard.poll_recv(context)).await,
        }
    }

    pub fn poll_recv(&mut self, context: &mut Context<'_>) -> Poll<Option<()>> {
        match self {
            Self::Interrupt(signal) => signal.poll_recv(context),
            Self::Quit(signal) => signal.poll_recv(context),
            Self::Terminate(signal) => signal.poll_recv(context),
            Self::Never => Poll::Pending,
        }
    }
}
