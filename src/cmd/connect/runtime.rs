//! A verb's work on this thread, and the signals that it listens for.

use std::future::Future;

use crate::os::signal::{Signal, SignalKind, signal};
use crate::term::{Exit, Failure};

/// Hears a signal from now on.
pub fn listen(kind: SignalKind) -> Result<Signal, Failure> {
    signal(kind).map_err(|error| {
        Failure::new(Exit::FAILED, format!("cannot listen for signals: {}", crate::net::reason(&error)))
    })
}

/// Runs a verb's work on this thread. Threads that still wait for standard input do not keep the
/// program from ending.
pub fn block_on<T>(work: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
    let runtime = crate::os::runtime::on_this_thread()
        .map_err(|error| Failure::new(Exit::FAILED, format!("cannot start: {}", crate::net::reason(&error))))?;
    let result = runtime.block_on(work);
    runtime.shutdown_background();
    result
}
