//! The embedded broker.
//!
//! [`Broker`] is its core: packets and `now` in, bytes, changes to persist, events to log and the next deadline out.
//! Pure and with one owner: no sockets, no locks, no clock of its own. [`server`] does the I/O around it.

pub mod access;
mod ahead;
mod authenticate;
mod by_ids;
mod census;
mod change;
mod clock;
mod condense;
pub mod config;
mod connect;
mod connection;
mod connection_end;
mod connection_id;
mod deliver;
mod entry;
mod event;
mod exactly_once;
mod fan_out;
pub mod fault;
mod filters;
mod forgetting;
mod held;
pub mod host;
mod in_flight;
mod incoming;
mod jobs;
mod journal;
mod leftovers;
mod list_subscriptions;
mod listing;
pub mod log;
mod machine;
mod message;
mod message_ids;
mod noting;
mod output;
mod packed;
mod peer;
mod postponed;
mod proof;
mod publish;
mod references;
mod refusal;
mod reload;
mod remains;
mod restore;
mod retained;
mod retained_messages;
mod router;
mod sequence;
pub mod server;
mod session;
mod session_end;
mod session_expiry;
mod settings;
mod shared_seed;
mod slab;
mod slice;
mod sources;
mod statistics;
pub mod store;
mod stored_count;
mod storing;
mod subscribe;
pub mod sys;
mod timers;
mod tree;
mod unnoted;
mod waiting_steps;
mod will;
mod work;

pub use access::{Access, Identity};
pub use by_ids::ByIds;
pub use change::{
    Change, ClientRecord, Direction, EntryRecord, EntryState, Loss, MOST_LOSSES, PORTION_OF_ENTRIES,
    PORTION_OF_SUBSCRIPTIONS, Restored, RestoredClient, SubscriptionRecord, WillRecord,
};
pub use clock::{Monotonic, Now, WallTime};
pub use connection_id::{ByConnection, ConnectionId};
pub use event::{Closing, Event, Interest, Offence, PacketSummary, PublishSummary};
pub use machine::Broker;
pub use message::{Message, MessageId, Source};
pub use output::Output;
pub use peer::{ListenerId, Peer, PeerTls};
pub use publish::OwnMessage;
pub use session_expiry::SessionExpiry;
pub use settings::{ListenerSettings, Settings, UsernameFrom, Versions};
pub use statistics::{Census, Statistics};

#[cfg(test)]
mod tests;
