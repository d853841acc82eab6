//! The valid limits and rules the core works with; `config` makes them from mosquitto.conf.

use std::num::NonZeroU16;
use std::time::Duration;

use bytestring::ByteString;

use crate::mqtt::packet::{ProtocolVersion, QoS};

/// Everything that holds for the whole broker. 0 never means "unlimited" here: `None` does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Bytes of a whole incoming packet; announced to version 5 clients.
    pub max_packet_size: u32,
    /// Bytes of an incoming payload.
    pub message_size_limit: Option<u32>,
    /// Outgoing QoS 1 and 2 messages in flight per client; also the receive-maximum that we announce.
    pub max_inflight_messages: Option<NonZeroU16>,
    pub max_inflight_bytes: Option<u64>,
    /// Queued messages per client, beyond those in flight.
    pub max_queued_messages: Option<u32>,
    pub max_queued_bytes: Option<u64>,
    pub queue_qos0_messages: bool,
    pub upgrade_outgoing_qos: bool,
    pub retain_available: bool,
    /// Time between sweeps of expired retained messages.
    pub retain_expiry_interval: Option<Duration>,
    pub check_retain_source: bool,
    /// The longest keep-alive, in seconds.
    pub max_keepalive: Option<u16>,
    pub allow_duplicate_messages: bool,
    /// Subscriptions of one session.
    pub max_subscriptions: Option<u32>,
    /// Filters of one SUBSCRIBE that are subscribed to.
    pub max_subscriptions_per_packet: Option<u32>,
    /// Sessions, connected or not.
    pub global_max_clients: Option<u32>,
    /// Connections over all listeners.
    pub global_max_connections: Option<u32>,
    /// The longest a session lives after its client has gone.
    pub persistent_client_expiration: Option<Duration>,
    /// Client ids must begin with this.
    pub clientid_prefix: Option<ByteString>,
    /// A connection that sends no whole CONNECT within this time is closed.
    pub connect_timeout: Duration,
    /// Whether [`Change`](super::Change)s are wanted, that is, whether there is a store.
    pub persistent: bool,
    /// One per listener, in the order of the server's listeners.
    pub listeners: Vec<ListenerSettings>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            max_packet_size: 2_000_000,
            message_size_limit: None,
            max_inflight_messages: NonZeroU16::new(20),
            max_inflight_bytes: None,
            max_queued_messages: Some(1000),
            max_queued_bytes: None,
            queue_qos0_messages: false,
            upgrade_outgoing_qos: false,
            retain_available: true,
            retain_expiry_interval: None,
            check_retain_source: false,
            max_keepalive: None,
            allow_duplicate_messages: true,
            max_subscriptions: Some(100_000),
            max_subscriptions_per_packet: Some(100_000),
            global_max_clients: None,
            global_max_connections: None,
            persistent_client_expiration: None,
            clientid_prefix: None,
            connect_timeout: Duration::from_secs(30),
            persistent: false,
            listeners: vec![ListenerSettings::default()],
        }
    }
}

/// What may differ from listener to listener.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListenerSettings {
    /// 0 for a unix socket. Stored with messages and sessions.
    pub port: u16,
    /// The text in front of every topic and filter of its clients, which delivery takes off again.
    pub mount_point: Option<ByteString>,
    pub max_connections: Option<u32>,
    pub max_qos: QoS,
    /// Aliases that clients may use towards us.
    pub max_topic_alias: u16,
    /// Aliases that we use towards clients.
    pub max_topic_alias_broker: u16,
    pub versions: Versions,
    pub use_username_as_clientid: bool,
    pub username_from: UsernameFrom,
    pub allow_zero_length_clientid: bool,
    pub auto_id_prefix: ByteString,
}

impl Default for ListenerSettings {
    fn default() -> Self {
        Self {
            port: 1883,
            mount_point: None,
            max_connections: None,
            max_qos: QoS::ExactlyOnce,
            max_topic_alias: 10,
            max_topic_alias_broker: 10,
            versions: Versions::default(),
            use_username_as_clientid: false,
            username_from: UsernameFrom::Connect,
            allow_zero_length_clientid: true,
            auto_id_prefix: ByteString::from_static("auto-"),
        }
    }
}

/// The protocol versions a listener accepts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Versions {
    pub v31: bool,
    pub v311: bool,
    pub v5: bool,
}

impl Default for Versions {
    fn default() -> Self {
        Self { v31: true, v311: true, v5: true }
    }
}

impl Versions {
    pub const fn accept(self, version: ProtocolVersion) -> bool {
        match version {
            ProtocolVersion::V31 => self.v31,
            ProtocolVersion::V311 => self.v311,
            ProtocolVersion::V5 => self.v5,
        }
    }
}

/// Where the user name of a connection comes from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum UsernameFrom {
    /// The CONNECT packet.
    #[default]
    Connect,
    /// The client certificate (its CN or its subject: the server puts the right one in [`Peer`](super::Peer)).
    Certificate,
}
