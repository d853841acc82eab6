//! Being the first process of a container: the kernel keeps from it all signals that have their default action.

use std::future::poll_fn;
use std::io;
use std::task::Poll;

use rustix::process::{Pid, Signal, kill_process_group};

use super::signal::{SignalKind, is_listened_for};
use crate::os::runtime;

/// Whether this is the first process of a container, or of the machine.
pub fn is_this() -> bool {
    std::process::id() == 1
}

/// Makes the signals that end a process end this one too, if it is the first. What a verb listens for is left to the verb.
pub fn end_by_signals() -> io::Result<()> {
    if !is_this() {
        return Ok(());
    }
    let runtime = runtime::on_this_thread()?;
    let kinds = [SignalKind::hangup(), SignalKind::interrupt(), SignalKind::quit(), SignalKind::terminate()];
    let entered = runtime.enter();
    let mut heard =
        kinds.map(|kind| Ok((kind, tokio::signal::unix::signal(kind)?))).into_iter().collect::<io::Result<Vec<_>>>()?;
    drop(entered);
    let wait = move || {
        runtime.block_on(poll_fn(|context| {
            for (kind, signal) in &mut heard {
                while signal.poll_recv(context).is_ready() {
                    if !is_listened_for(*kind) {
                        end_by(*kind);
                    }
                }
            }
            Poll::<()>::Pending
        }));
    };
    std::thread::Builder::new().name("signals".to_owned()).spawn(wait).map(drop)
}

/// Ends as a shell tells of a process that a signal has ended.
#[expect(clippy::exit, reason = "what a signal ends is not asked to come to an end by itself")]
fn end_by(signal: SignalKind) -> ! {
    std::process::exit(128 + signal.as_raw_value())
}

/// Sends a signal to all other processes of the container of which this one is the first.
pub fn send_to_all_others(signal: SignalKind) -> io::Result<()> {
    // What follows would reach every process of the machine.
    if !is_this() {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "this is not the first process"));
    }
    let signal = Signal::from_named_raw(signal.as_raw_value())
        .ok_or_else(|| io::Error::new(io::ErrorKind::InvalidInput, "no signal has that number"))?;
    // kill(-1), which leaves out the sender.
    Ok(kill_process_group(Pid::INIT, signal)?)
}
