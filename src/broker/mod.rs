//! The embedded broker.
//!
//! [`Broker`] is its core: packets and `now` in, bytes, changes to persist, events to log and the next deadline out.
//! Pure and with one owner: no sockets, no locks, no clock of its own. `server` does the I/O around it.

pub mod access;
mod change;
pub mod config;
mod event;
pub mod log;
mod message;
mod settings;
mod statistics;
pub mod store;
pub mod sys;

pub use access::{Access, Identity};
pub use change::{
    Change, ClientRecord, Direction, EntryRecord, EntryState, Restored, RestoredClient, SubscriptionRecord, WillRecord,
};
pub use event::{Closing, Event, Interest};
pub use message::{Message, MessageId, Source};
pub use settings::{ListenerSettings, Settings, UsernameFrom, Versions};
pub use statistics::{Census, Statistics};

use std::time::Duration;

use bytestring::ByteString;

/// Names one connection for as long as the process lives; the caller counts them up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ConnectionId(pub u64);

/// Index into [`Settings::listeners`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct ListenerId(pub u16);

/// Both clocks, read at the same moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Now {
    /// Monotonic, from any fixed start: for deadlines.
    pub elapsed: Duration,
    /// Since the Unix epoch: for message ids and for everything that outlives the process.
    pub wall: Duration,
}

/// The other end of a connection, as the listener saw it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Peer {
    /// As log lines show it.
    pub address: ByteString,
    /// From its certificate, for listeners with [`UsernameFrom::Certificate`].
    pub certificate_username: Option<ByteString>,
}
