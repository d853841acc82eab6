//! Signals that arrive.

use std::io;
use std::sync::atomic::{AtomicU64, Ordering};

pub use tokio::signal::unix::{Signal, SignalKind};

/// The first real-time signal that glibc leaves to programs. Not every system has it.
const SIGRTMIN: i32 = 34;

/// The signals that somebody has listened for, a bit each by their number.
static LISTENED_FOR: AtomicU64 = AtomicU64::new(0);

/// Hears a signal from now on, in place of its default action.
pub fn signal(kind: SignalKind) -> io::Result<Signal> {
    let signal = tokio::signal::unix::signal(kind)?;
    LISTENED_FOR.fetch_or(bit(kind), Ordering::Relaxed);
    Ok(signal)
}

/// Whether somebody has asked to hear it.
pub(super) fn is_listened_for(kind: SignalKind) -> bool {
    LISTENED_FOR.load(Ordering::Relaxed) & bit(kind) != 0
}

fn bit(kind: SignalKind) -> u64 {
    1_u64.checked_shl(kind.as_raw_value().cast_unsigned()).unwrap_or(0)
}

/// Asks a broker to open its log anew.
pub fn reopen_log() -> SignalKind {
    SignalKind::from_raw(SIGRTMIN)
}
