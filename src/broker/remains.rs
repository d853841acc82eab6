//! What is left of a session that has ended.

use std::collections::{hash_map, hash_set};

use super::session::{Entry, Outgoing, SessionKey};
use crate::mqtt::packet::PacketId;
use crate::mqtt::topic::SubscriptionFilter;

/// A session that has ended, until nothing is left of it. Its key is not used again before: filters name it.
#[derive(Debug)]
pub(super) struct Remains {
    pub(super) session: SessionKey,
    pub(super) filters: hash_set::IntoIter<SubscriptionFilter>,
    pub(super) incoming: hash_map::IntoValues<PacketId, Entry>,
    pub(super) outgoing: Outgoing,
    /// Whether the store held its messages.
    pub(super) was_stored: bool,
}
