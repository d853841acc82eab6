//! What the store still has of sessions that have ended.

use std::collections::{HashMap, VecDeque};

use bytestring::ByteString;

use super::change::{PORTION_OF_ENTRIES, PORTION_OF_SUBSCRIPTIONS};
use super::connection::ConnectionKey;
use super::session::Session;

#[derive(Debug, Default)]
pub(super) struct Leftovers {
    /// In the order in which their sessions have ended.
    pub(super) rows: VecDeque<(ByteString, StoredRows)>,
    /// Whose they are, and in which generation of the journal the last of them go, once that is noted.
    pub(super) clients: HashMap<ByteString, Option<u64>>,
    /// Connections whose CONNECT waits, and those for which nothing is left to wait for.
    pub(super) waiting: Vec<ConnectionKey>,
    pub(super) ready: VecDeque<ConnectionKey>,
}

/// How many rows of a session there are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct StoredRows {
    pub(super) entries: usize,
    pub(super) subscriptions: usize,
}

impl StoredRows {
    pub(super) fn of(session: &Session) -> Self {
        Self { entries: session.incoming.len() + session.outgoing.len(), subscriptions: session.subscriptions.len() }
    }

    /// Takes a portion away. Says how many other changes take as long to write.
    pub(super) fn take_portion(&mut self) -> usize {
        let (entries, subscriptions) =
            (self.entries.min(PORTION_OF_ENTRIES), self.subscriptions.min(PORTION_OF_SUBSCRIPTIONS));
        self.entries -= entries;
        self.subscriptions -= subscriptions;
        entries / 8 + subscriptions
    }

    pub(super) fn is_empty(self) -> bool {
        self == Self::default()
    }
}

impl Leftovers {
    pub(super) fn has_rows(&self) -> bool {
        !self.rows.is_empty()
    }

    pub(super) fn lets_somebody_in(&self) -> bool {
        !self.ready.is_empty()
    }
}
