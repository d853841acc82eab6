//! When to wake up for whom: a deadline per connection, and per session for each thing that it waits for.

use std::collections::BTreeSet;

use super::clock::Monotonic;
use super::connection::ConnectionKey;
use super::session::SessionKey;

#[derive(Debug, Default)]
pub(super) struct Timers {
    set: BTreeSet<(Monotonic, Timer)>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Timer {
    Connection(ConnectionKey),
    Session(SessionKey),
    /// Work has waited long enough for the client to read.
    Reader(SessionKey),
    /// Messages in flight are noted as such.
    Noting,
    /// Expired retained messages are looked for.
    RetainedSweep,
}

impl Timers {
    /// Moves the deadline of `timer` from `slot`, where its owner keeps it, to `at`.
    pub(super) fn arm(&mut self, timer: Timer, slot: &mut Option<Monotonic>, at: Option<Monotonic>) {
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

    pub(super) fn next(&self) -> Option<Monotonic> {
        self.set.first().map(|(at, _)| *at)
    }

    /// Takes one that is due. The caller empties the slot of its owner.
    pub(super) fn due(&mut self, now: Monotonic) -> Option<Timer> {
        let &(at, timer) = self.set.first()?;
        if at > now {
            return None;
        }
        self.set.pop_first();
        Some(timer)
    }
}
