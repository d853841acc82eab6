//! What waits for sockets, timers and signals.

use std::io;

use tokio::runtime::{Builder, Runtime};

use super::process;

/// A runtime on this thread alone. Fails where descriptors are missing.
pub fn on_this_thread() -> io::Result<Runtime> {
    process::check_descriptors()?;
    Builder::new_current_thread().enable_all().build()
}
