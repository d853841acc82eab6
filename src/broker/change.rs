//! What must be persisted, and what comes back at the next start: the whole of what core and store say to each other.
//!
//! Order matters: within a batch a change may rest on earlier ones (`Queued` on `Stored`). The batch is one
//! transaction, committed before anything that the batch produced is sent.

use std::num::{NonZeroU32, NonZeroU64};
use std::sync::Arc;

use bytes::Bytes;
use bytestring::ByteString;

use super::clock::WallTime;
use super::message::{Message, MessageId};
use super::session_expiry::SessionExpiry;
use crate::mqtt::packet::{PacketId, Properties, QoS, SubscriptionIdentifier, SubscriptionOptions};

/// One change of the persistent state. Sessions without expiry never appear here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// A session began, or what is recorded of it changed: insert or replace, by client id.
    Client(Box<ClientRecord>),
    /// A session ended: its will goes with it, and a portion of its subscriptions and entries (messages are removed by
    /// `Removed`). What is left of these is nobody's from now on.
    ClientRemoved(ByteString),
    /// Another portion of what a session has left that ended.
    LeftoversRemoved(ByteString),
    /// Insert or replace.
    Will(ByteString, Box<WillRecord>),
    WillRemoved(ByteString),
    /// Insert or replace, by client id and filter.
    Subscribed(ByteString, SubscriptionRecord),
    Unsubscribed {
        client_id: ByteString,
        filter: ByteString,
    },
    /// A message that a queue or the retained tree refers to from now on.
    Stored(Arc<Message>),
    /// Nothing persistent refers to the message any more.
    Removed(MessageId),
    /// A message was appended to a client's queue.
    Queued(Box<EntryRecord>),
    /// Replace the entry with the same client id and sequence; its place in the queue stays.
    EntryChanged(Box<EntryRecord>),
    EntryRemoved {
        client_id: ByteString,
        sequence: u64,
    },
    /// Replaces the topic's retained message.
    Retained {
        topic: ByteString,
        message: MessageId,
    },
    RetainedRemoved {
        topic: ByteString,
    },
}

/// Entries, and subscriptions, that a session may leave to one [`Change::ClientRemoved`] or [`Change::LeftoversRemoved`]: a
/// commit with a million of them would hold up whoever waits for the next one. A row of an entry is removed with those beside it
/// and takes an eighth of what another change does.
pub const PORTION_OF_ENTRIES: usize = 4096;
pub const PORTION_OF_SUBSCRIPTIONS: usize = 256;

/// What is recorded of one session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientRecord {
    pub client_id: ByteString,
    pub username: Option<ByteString>,
    pub listener_port: u16,
    pub session_expiry: SessionExpiry,
    /// When the session was first stored.
    pub created_at: WallTime,
    /// `None` while connected.
    pub disconnected_at: Option<WallTime>,
    /// The client's Maximum Packet Size in bytes, if it named one.
    pub max_packet_size: Option<NonZeroU32>,
    pub max_qos: QoS,
    pub retain_available: bool,
    /// The delay, in seconds, of the will that waits or would be sent.
    pub will_delay_interval: u32,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WillRecord {
    pub topic: ByteString,
    pub payload: Bytes,
    pub qos: QoS,
    pub retain: bool,
    /// The properties but for the will delay interval, which is in [`ClientRecord`].
    pub properties: Properties,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SubscriptionRecord {
    /// The filter as subscribed, `$share/…` included, with the mount point.
    pub filter: ByteString,
    pub options: SubscriptionOptions,
    pub identifier: Option<SubscriptionIdentifier>,
}

/// One entry of a client's queue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EntryRecord {
    pub client_id: ByteString,
    /// 1, 2, 3 … per client; with the client id, the key.
    pub sequence: u64,
    pub message: MessageId,
    pub direction: Direction,
    /// `None` while it has none, as at QoS 0; an entry of [`Direction::In`] always has one.
    pub packet_id: Option<PacketId>,
    pub qos: QoS,
    pub retain: bool,
    pub dup: bool,
    pub state: EntryState,
    pub subscription_identifiers: Vec<SubscriptionIdentifier>,
    /// When it entered the queue.
    pub queued_at: WallTime,
    /// Counts PUBRELs per client, so that they are resent in their order; `None` before PUBREC. Of one of [`Direction::In`], how
    /// far it has been given out.
    pub pubrel_order: Option<NonZeroU64>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Direction {
    /// The message came from the client: it is a QoS 2 message that waits for its PUBREL.
    In = 0,
    Out = 1,
}

/// The numbers are Mosquitto's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum EntryState {
    WaitForPubAck = 3,
    WaitForPubRec = 5,
    WaitForPubRel = 7,
    WaitForPubComp = 9,
    Queued = 11,
}

/// The state that a broker starts from. Empty for a new one.
#[derive(Clone, Debug, Default)]
pub struct Restored {
    /// New ids are greater.
    pub last_message_id: MessageId,
    /// Everything that entries and `retained` refer to, in the order of the ids.
    pub messages: Vec<Arc<Message>>,
    pub clients: Vec<RestoredClient>,
    pub retained: Vec<MessageId>,
    /// What could not be read, at most [`MOST_LOSSES`] of it.
    pub losses: Vec<Loss>,
    /// How much more there was of that.
    pub more_losses: usize,
}

/// Losses that are reported one by one.
pub const MOST_LOSSES: usize = 1000;

/// A row that cannot be what it should be, or that hangs on one which is not there. Names are shown as text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Loss {
    Session {
        client_id: String,
    },
    Will {
        client_id: String,
    },
    Subscription {
        client_id: String,
        filter: String,
    },
    Message {
        id: u64,
        topic: String,
    },
    /// A place in a client's queue.
    Entry {
        client_id: String,
        sequence: u64,
        message: u64,
    },
    Retained {
        message: u64,
    },
}

#[derive(Clone, Debug)]
pub struct RestoredClient {
    pub record: ClientRecord,
    pub will: Option<WillRecord>,
    pub subscriptions: Vec<SubscriptionRecord>,
    /// The entries in queue order.
    pub entries: Vec<EntryRecord>,
    /// The client was connected when its broker ended without a word.
    pub was_connected: bool,
}
