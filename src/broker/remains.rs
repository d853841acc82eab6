//! What is left of a session that has ended.

use std::collections::btree_map;

use super::filters::IntoFilters;
use super::session::{Entry, Outgoing, SessionKey};
use crate::mqtt::packet::PacketId;

/// A session that has ended, until nothing is left of it. Its key is not used again before: filters name it.
#[derive(Debug)]
pub(super) struct Remains {
    pub(super) session: SessionKey,
    pub(super) filters: IntoFilters,
    pub(super) incoming: btree_map::IntoValues<PacketId, Entry>,
    pub(super) outgoing: Outgoing,
    /// The last of its entries whose message the store holds.
    pub(super) stored_until: u64,
}
