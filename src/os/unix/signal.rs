//! Signals that arrive.

pub use tokio::signal::unix::{Signal, SignalKind, signal};

/// The first real-time signal that glibc leaves to programs. Not every system has it.
const SIGRTMIN: i32 = 34;

/// Asks a broker to open its log anew.
pub fn reopen_log() -> SignalKind {
    SignalKind::from_raw(SIGRTMIN)
}
