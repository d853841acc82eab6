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
    pub(super) by: ComesBy,
    pub(super) queued_at: WallTime,
    pub(super) pubrel_order: Option<NonZeroU64>,
}

/// What there is to know of the subscriptions that an entry comes by; of most there is nothing.
#[derive(Debug, Default)]
pub(super) struct ComesBy(Option<Box<Known>>);

#[derive(Debug)]
struct Known {
    identifiers: Box<[SubscriptionIdentifier]>,
    shared: Option<Arc<SubscriptionFilter>>,
}

impl ComesBy {
    pub(super) fn new(identifiers: &[SubscriptionIdentifier], shared: Option<&Arc<SubscriptionFilter>>) -> Self {
        if identifiers.is_empty() && shared.is_none() {
            return Self::default();
        }
        Self(Some(Box::new(Known { identifiers: identifiers.into(), shared: shared.map(Arc::clone) })))
    }

    pub(super) fn identifiers(&self) -> &[SubscriptionIdentifier] {
        self.0.as_ref().map_or(&[], |known| &known.identifiers)
    }

    /// The shared subscription: another member gets the message if this session ends first. Not stored, so that after a restart
    /// it stays with its session.
    pub(super) fn shared(&self) -> Option<&Arc<SubscriptionFilter>> {
        self.0.as_ref()?.shared.as_ref()
    }
}

/// An acknowledgement that the message with its packet id is not waiting for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct WrongState;

impl Entry {
    pub(super) fn restored(record: &EntryRecord, message: Arc<Message>) -> Self {
        Self {
            message,
            sequence: record.sequence,
            packet_id: record.packet_id,
            qos: record.qos,
            retain: record.retain,
            dup: record.dup,
            state: record.state,
            by: ComesBy::new(&record.subscription_identifiers, None),
            queued_at: record.queued_at,
            pubrel_order: record.pubrel_order,
        }
    }
}
