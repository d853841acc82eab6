//! One message in one client's keeping.

use std::num::NonZeroU64;
use std::sync::Arc;

use super::change::{EntryRecord, EntryState};
use super::clock::WallTime;
use super::message::Message;
use crate::mqtt::packet::{PacketId, QoS, SubscriptionIdentifier};
use crate::mqtt::topic::SubscriptionFilter;

/// One message that waits for one client, or that one client has sent at QoS 2 and not released.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) message: Arc<Message>,
    /// 1, 2, 3 … per client.
    pub(super) sequence: u64,
    /// `None` while it waits, if more do than there are ids, and at QoS 0.
    pub(super) packet_id: Option<PacketId>,
    pub(super) qos: QoS,
    pub(super) retain: bool,
    pub(super) dup: bool,
    pub(super) state: EntryState,
    pub(super) identifiers: Box<[SubscriptionIdentifier]>,
    /// The shared subscription that it came by: another member gets it if this session ends first. Not stored, so that
    /// after a restart it stays with its session.
    pub(super) shared: Option<Arc<SubscriptionFilter>>,
    pub(super) queued_at: WallTime,
    pub(super) pubrel_order: Option<NonZeroU64>,
}

/// An acknowledgement that the message with its packet id is not waiting for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct WrongState;

impl Entry {
    pub(super) fn restored(record: EntryRecord, message: Arc<Message>) -> Self {
        Self {
            message,
            sequence: record.sequence,
            packet_id: record.packet_id,
            qos: record.qos,
            retain: record.retain,
            dup: record.dup,
            state: record.state,
            identifiers: record.subscription_identifiers.into(),
            shared: None,
            queued_at: record.queued_at,
            pubrel_order: record.pubrel_order,
        }
    }
}
