//! What the task of the core is sent: what connections bring, and commands of whoever runs the server.

use std::sync::Arc;

use bytestring::ByteString;
use tokio::sync::oneshot;

use super::mailbox::Mailbox;
use crate::broker::{
    Access, Census, Closing, ConnectionId, Interest, ListenerId, OwnMessage, Peer, Settings, Statistics,
};
use crate::mqtt::packet::{DecodeError, Packet, ProtocolVersion};

#[derive(Debug)]
pub(super) enum Input {
    Opened {
        listener: ListenerId,
        peer: Peer,
        mailbox: Arc<Mailbox>,
    },
    Packets(Box<Received>),
    Written(ConnectionId),
    Blocked(ConnectionId),
    Closed {
        id: ConnectionId,
        why: Closing,
    },
    /// A connection ended before it was one of MQTT.
    Failed {
        peer: Peer,
        listener: ListenerId,
        why: String,
    },
    Command(Command),
}

#[derive(Debug)]
pub(super) enum Command {
    /// New rules; the sender says when they are in force.
    Reload(Box<Rules>, oneshot::Sender<()>),
    /// A login is not right by the rules of the reload with this number.
    Dismiss {
        reload: u64,
        connection: ConnectionId,
    },
    Save,
    Publish(OwnMessage),
    Statistics(oneshot::Sender<(Statistics, Census)>),
    Subscriptions(oneshot::Sender<Vec<(ByteString, ByteString)>>),
    Stop,
}

/// What a reload replaces.
#[derive(Debug)]
pub struct Rules {
    pub settings: Settings,
    pub access: Access,
    /// In seconds; 0 = no `$SYS`.
    pub sys_interval: u16,
    pub interest: Interest,
}

/// Packets of one read.
#[derive(Debug)]
pub(super) struct Received {
    pub(super) id: ConnectionId,
    pub(super) packets: std::vec::IntoIter<Packet>,
    /// The bytes of these packets, and of what came before them.
    pub(super) bytes: usize,
    /// What came after them is no packet.
    pub(super) malformed: Option<(DecodeError, Option<ProtocolVersion>)>,
    /// It is the start of a TLS handshake.
    pub(super) is_tls: bool,
}
