//! Who waits until the store has written, while its next batch is full.

use std::collections::{BTreeSet, HashMap};

use super::slab::{ConnectionKey, SessionKey};

#[derive(Debug, Default)]
pub(super) struct Held {
    /// Connections whose next packets wait.
    pub(super) connections: Vec<ConnectionKey>,
    /// Sessions whose work waits.
    pub(super) sessions: BTreeSet<SessionKey>,
    /// What a connection has added to a batch that was full.
    pub(super) added: HashMap<ConnectionKey, u64>,
    /// What is due waits.
    pub(super) is_due: bool,
    /// Work that has no client waits.
    pub(super) is_work: bool,
}
