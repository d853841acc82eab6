//! How long pub, sub and rr wait and how often they try again, as typed: `--connect-timeout` to `--unsent`.

use std::path::PathBuf;
use std::time::Duration;

/// What was typed.
#[derive(Clone, Debug, Default)]
pub struct BoundArgs {
    /// For everything until there is a connection.
    pub connect: Option<Duration>,
    /// For each answer of the broker.
    pub answer: Option<Duration>,
    /// pub: how often what failed is tried again, and after which pause.
    pub retry: Option<(u32, Option<Duration>)>,
    /// pub: where messages are kept that were not acknowledged.
    pub unsent: Option<PathBuf>,
    pub no_reconnect: bool,
    pub reconnect_most: Option<u32>,
    /// The shortest pause, and the longest.
    pub reconnect_wait: Option<(Duration, Duration)>,
}
