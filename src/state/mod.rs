//! What brokers leave on disk: mosquitto.db (file versions 2 to 6), the tables of Mosquitto's
//! persist-sqlite (which are our own broker's too), and message ids that carry time.
//!
//! Both formats hold the same six things; the types here are what their readers yield. Strings are
//! bytes, because a damaged file, or one of the versions that wrote heap after a user name, holds
//! anything.

pub mod ids;
pub mod mosquitto_db;
pub mod properties;
pub mod sqlite;
pub mod usual;

use ids::StoreId;

/// What a reader keeps of each message besides its id and its expiry. Payloads are most of a file, so they are
/// skipped unless asked for; each column of a table takes its time. What costs nothing may be there in any case.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Keep {
    pub topic: bool,
    /// The length of the payload.
    pub length: bool,
    /// All of its head: who published it, how, and what of the two above is not asked for.
    pub head: bool,
    pub payload: bool,
    pub properties: bool,
}

impl Keep {
    pub const HEADS: Self = Self { topic: true, length: true, head: true, payload: false, properties: false };
    pub const ALL: Self = Self { payload: true, properties: true, ..Self::HEADS };
}

/// What the file says of its writer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Configuration {
    /// Written at a clean exit, not while the broker ran.
    pub shutdown: bool,
    /// The highest id given out so far: the counter of 2.0 that a ledger of looks dates messages by.
    pub last_store_id: StoreId,
}

/// A stored message: queued for somebody, retained, or both.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Message<'a> {
    pub store_id: StoreId,
    /// Unix seconds after which it must not be delivered.
    pub expires: Option<i64>,
    pub source_mid: u16,
    pub source_id: &'a [u8],
    pub source_username: &'a [u8],
    /// The listener it came in by; 0 when unknown.
    pub source_port: u16,
    pub topic: &'a [u8],
    pub qos: u8,
    pub retain: bool,
    pub payload_len: u32,
    /// `None` unless [`Keep::payload`].
    pub payload: Option<&'a [u8]>,
    /// [`Properties::None`] unless [`Keep::properties`].
    pub properties: Properties<'a>,
}

/// MQTT 5 properties as the format holds them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Properties<'a> {
    None,
    /// As on the wire, the leading total length included (mosquitto.db).
    Wire(&'a [u8]),
    /// An array of objects (the `properties` column of persist-sqlite).
    Json(&'a [u8]),
}

/// One entry of one client's queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClientMessage<'a> {
    pub client_id: &'a [u8],
    /// Position in the client's queue as persist-sqlite counts it; 0 in a mosquitto.db.
    pub cmsg_id: u64,
    pub store_id: StoreId,
    pub mid: u16,
    /// The smaller of the published and the granted QoS.
    pub qos: u8,
    pub retain: bool,
    pub dup: bool,
    pub direction: Direction,
    /// Mosquitto's number of the delivery state, see [`ClientMessage::phase`].
    pub state: u8,
    /// MQTT 5 properties: only a subscription identifier occurs.
    pub properties: Properties<'a>,
    /// The subscription identifier; 0 when there is none.
    pub subscription_identifier: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// A QoS 2 publish by this client that it has not released yet: not its backlog.
    Incoming,
    Outgoing,
}

/// How far an entry has got.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Phase {
    /// Never sent.
    Queued,
    WaitPuback,
    WaitPubrec,
    WaitPubrel,
    WaitPubcomp,
    /// About to be sent or resent; a snapshot holds these for moments only.
    Sending,
}

impl Phase {
    /// Mosquitto's number of it.
    pub fn of(state: u8) -> Self {
        match state {
            3 => Self::WaitPuback,
            5 => Self::WaitPubrec,
            7 => Self::WaitPubrel,
            9 => Self::WaitPubcomp,
            11 | 0 => Self::Queued,
            _ => Self::Sending,
        }
    }
}

impl ClientMessage<'_> {
    pub fn phase(&self) -> Phase {
        Phase::of(self.state)
    }
}

/// What one client asked for. mosquitto.db does not hold shared subscriptions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Subscription<'a> {
    pub client_id: &'a [u8],
    pub filter: &'a [u8],
    pub qos: u8,
    /// Bit 2 no-local, bit 3 retain-as-published, bits 4 and 5 retain handling. The QoS is not in it.
    pub options: u8,
    /// 0 when there is none.
    pub identifier: u32,
}

/// A session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Client<'a> {
    pub client_id: &'a [u8],
    /// Cut at the first NUL. Writers 1.6.11 to 2.0.15 give a client without a name that of the one before.
    pub username: &'a [u8],
    pub last_mid: u16,
    pub listener_port: u16,
    /// Unix seconds at which the session will be dropped, where the file says so.
    pub session_expires: Option<i64>,
    /// Seconds; `u32::MAX` is never.
    pub session_expiry_interval: u32,
    /// Unix seconds since which the client is away, where the file says so (for a client that was
    /// connected, versions 3 and 4 hold the moment of writing).
    pub disconnected_at: Option<i64>,
}
