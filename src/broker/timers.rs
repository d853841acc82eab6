//! When to wake up for whom: a deadline per connection, and per session for each thing that it waits for.

use std::collections::BTreeSet;
use std::time::Duration;

use super::connection::ConnectionKey;
use super::session::SessionKey;

/// Deadlines are of the monotonic clock.
#[derive(Debug, Default)]
pub(super) struct Timers {
    set: BTreeSet<(Duration, Timer)>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Timer {
    Connection(ConnectionKey),
    Session(SessionKey),
    /// Work has waited long enough for the client to read.
    Reader(SessionKey),
    /// Expired retained messages are looked for.
    RetainedSweep,
}

impl Timers {
    /// Moves the deadline of `timer` from `slot`, where its owner keeps it, to `at`.
    pub(super) fn arm(&mut self, timer: Timer, slot: &mut Option<Duration>, at: Option<Duration>) {
        if *slot == at {
            return;
        }
        if let Some(old) = slot.take() {
            self.set.remove(&(old, timer));
        }
        if let Some(at) = at {
            self.set.insert((at, timer));
        }
        *slot = at;
    }

    pub(super) fn next(&self) -> Option<Duration> {
        self.set.first().map(|(at, _)| *at)
    }

    /// Takes one that is due. Its owner's slot is to be emptied.
    pub(super) fn due(&mut self, now: Duration) -> Option<Timer> {
        let &(at, timer) = self.set.first()?;
        if at > now {
            return None;
        }
        self.set.pop_first();
        Some(timer)
    }
}
