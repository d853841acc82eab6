//! What `$SYS` says: counters since the start, and what there is now.

/// Counters of the core; the server counts bytes on the wire into `bytes_received` and `bytes_sent`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Statistics {
    /// Packets of any type.
    pub messages_received: u64,
    pub messages_sent: u64,
    pub bytes_received: u64,
    pub bytes_sent: u64,
    pub publish_received: u64,
    pub publish_sent: u64,
    pub publish_dropped: u64,
    /// Bytes of payloads only.
    pub publish_bytes_received: u64,
    pub publish_bytes_sent: u64,
    pub clients_expired: u64,
    /// CONNECTs accepted.
    pub connections: u64,
    /// Connections opened.
    pub sockets: u64,
}

/// What there is now.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Census {
    /// Sessions, connected or not.
    pub clients: usize,
    pub connected: usize,
    pub subscriptions: usize,
    pub shared_subscriptions: usize,
    pub retained: usize,
    /// Messages that a queue or the retained tree refers to.
    pub stored: usize,
    /// Payload bytes of those.
    pub stored_bytes: u64,
    pub open_connections: usize,
    /// Packets and bytes that wait for sockets.
    pub packets_out: usize,
    pub packets_out_bytes: usize,
}
