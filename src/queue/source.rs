//! What a source of waiting messages is asked, and what it yields.

use std::io;
use std::path::PathBuf;

use super::age::AgeFrom;
use super::exchange::ExchangeError;
use super::http::HttpError;
use super::ledger::Ledger;
use super::since::Since;
use crate::mqtt::packet::SubscriptionIdentifier;
use crate::mqtt::topic::SubscriptionFilter;
use crate::state::ids::{StoreId, UnixTime};
use crate::state::{Phase, mosquitto_db, sqlite};

/// A place where waiting messages can be read from. Reading never changes it.
pub trait Source {
    /// Reads everything once, in order, and gives each item to `each`.
    fn read(&mut self, want: &Want, each: &mut dyn FnMut(Item<'_>)) -> Result<Snapshot, Error>;
}

/// What the reader of a source will look at; a source may leave out the rest.
#[derive(Clone, Debug, Default)]
pub struct Want {
    pub topics: bool,
    pub publishers: bool,
    pub bytes: bool,
    pub users: bool,
    /// Which filter of the client explains each message.
    pub filters: bool,
    pub payloads: bool,
    pub properties: bool,
    /// Only this client's messages.
    pub client: Option<String>,
    /// Incoming QoS 2 publishes that their publisher has not released, instead of what waits for clients.
    pub incoming: bool,
    /// Where else than from the store a message's time may be taken.
    pub age_from: AgeFrom,
    /// Whether anybody looks at [`Item::Progress`].
    pub progress: bool,
    /// About how many bytes may be remembered of the messages of a mosquitto.db at once, if there is a limit: the entries are
    /// then read several times, those of each slice of the messages in turn. A file for which this is not possible, as no known
    /// broker writes it, fails with [`Error::Disordered`].
    pub memory: Option<usize>,
}

/// One thing that a source knows.
#[derive(Clone, Copy, Debug)]
pub enum Item<'a> {
    Message(Waiting<'a>),
    Total(Total<'a>),
    Session(Session<'a>),
    /// How far reading has got, in bytes of `of`; for a progress bar.
    Progress {
        done: u64,
        of: u64,
    },
}

/// A message that waits for a client.
#[derive(Clone, Copy, Debug)]
pub struct Waiting<'a> {
    pub client: &'a str,
    /// The user name of the client's session; empty when unknown or none.
    pub user: &'a str,
    pub topic: &'a str,
    /// The source's own number of the topic, if it gives one: equal numbers of one reading are equal topics.
    pub topic_number: Option<u32>,
    /// Empty for an anonymous publisher, a bridge or the broker itself.
    pub publisher: &'a str,
    /// The same of the publisher.
    pub publisher_number: Option<u32>,
    /// The client's filter that brought it, if known.
    pub filter: Option<&'a str>,
    pub bytes: u64,
    pub qos: u8,
    pub phase: Phase,
    pub retain: bool,
    pub dup: bool,
    pub since: Since,
    pub expires: Option<UnixTime>,
    pub payload: Option<&'a [u8]>,
    /// As text, name and value, ready to be shown.
    pub properties: &'a [(String, String)],
}

impl Waiting<'_> {
    /// Sent and not yet acknowledged.
    pub fn is_in_flight(&self) -> bool {
        self.phase != Phase::Queued
    }

    pub fn is_expired(&self, now: UnixTime) -> bool {
        self.expires.is_some_and(|at| at < now)
    }
}

/// A client's backlog where a broker tells no more than its length.
#[derive(Clone, Copy, Debug, Default)]
pub struct Total<'a> {
    pub client: &'a str,
    pub user: &'a str,
    pub queued: u64,
    pub in_flight: u64,
    pub bytes: Option<u64>,
    /// When the oldest message was stored.
    pub oldest: Option<UnixTime>,
}

impl Total<'_> {
    /// Queued and in flight. The numbers are the server's, and it may say anything.
    pub fn waiting(&self) -> u64 {
        self.queued.saturating_add(self.in_flight)
    }
}

/// What is known of a client's session.
#[derive(Clone, Copy, Debug, Default)]
pub struct Session<'a> {
    pub client: &'a str,
    pub connected: Option<bool>,
    pub disconnected_at: Option<UnixTime>,
    /// When the broker will drop the session; `None` when never or unknown.
    pub expires: Option<UnixTime>,
    /// The most messages that may wait, if the source tells.
    pub queue_limit: Option<u64>,
    pub in_flight_limit: Option<u64>,
    pub dropped: Option<u64>,
    /// The broker will never drop the session by itself.
    pub never_expires: bool,
    /// What the client subscribed to, if [`Want::filters`] and the source tells.
    pub filters: Option<&'a [Filter]>,
}

/// One subscription.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Filter {
    pub filter: SubscriptionFilter,
    pub qos: u8,
    pub identifier: Option<SubscriptionIdentifier>,
}

/// What a source says about the reading as a whole.
#[derive(Debug, Default)]
pub struct Snapshot {
    /// What it is: `mosquitto.db version 6`, `EMQX at host:18083`.
    pub kind: String,
    /// The moment it shows.
    pub taken_at: Option<UnixTime>,
    pub sessions: u64,
    /// Stored messages, queued or retained.
    pub stored: Option<u64>,
    /// Entries whose message is not stored any more; they are in no table.
    pub orphans: u64,
    /// QoS 2 publishes that their publisher has not released.
    pub incoming: u64,
    /// The counter that a ledger keeps; `None` when ids carry time.
    pub counter: Option<StoreId>,
    /// The source's ledger with this look in it.
    pub ledger: Option<Ledger>,
    pub notes: Vec<Note>,
}

/// Something to say about a source that is no error.
#[derive(Debug)]
pub enum Note {
    /// The numbers are of stored messages, each counted once, however many clients it waits for.
    StoredOnce,
    /// The broker counts anew at intervals, and so long the numbers stay as they are.
    AtIntervals,
    EmptyFile,
    StoredTwice(StoreId),
    UnknownChunk {
        kind: u32,
        at: u64,
        length: u64,
    },
    UnknownChunks {
        more: u64,
    },
    Damage(mosquitto_db::Damage),
    /// Many stored messages that nobody refers to: the file may have been cut between two chunks.
    MaybeCut {
        unreferenced: u64,
        stored: u64,
    },
    /// User names written by 1.6.11 to 2.0.15 may be another client's.
    UsersUncertain,
    /// A line that could not be understood; counted up to [`super::ndjson::BAD_LINES_NAMED`] one by one.
    BadLine {
        line: u64,
        why: String,
    },
    BadLines {
        more: u64,
    },
    /// The source cannot tell this, in words: `topics`, `ages`.
    NotKnown(&'static str),
    /// Never run against a real server of its kind.
    Experimental(&'static str),
    /// One client's messages could not be listed; its count stands.
    NoList {
        client: String,
        why: String,
    },
    /// The broker has dropped so many since it started.
    Dropped(u64),
    /// The list of clients changed while it was paged through, or was cut.
    Incomplete(String),
}

impl Note {
    /// Whether it means that something is missing from what was read.
    pub fn is_damage(&self) -> bool {
        match self {
            Self::EmptyFile
            | Self::StoredTwice(_)
            | Self::UnknownChunk { .. }
            | Self::UnknownChunks { .. }
            | Self::Damage(_)
            | Self::MaybeCut { .. }
            | Self::BadLine { .. }
            | Self::BadLines { .. }
            | Self::Incomplete(_) => true,
            Self::StoredOnce
            | Self::AtIntervals
            | Self::UsersUncertain
            | Self::NotKnown(_)
            | Self::Experimental(_)
            | Self::Dropped(_)
            | Self::NoList { .. } => false,
        }
    }
}

/// Why a source could not be read at all.
#[derive(Debug)]
pub enum Error {
    Db(PathBuf, mosquitto_db::Unreadable),
    Sqlite(PathBuf, sqlite::Unreadable),
    Io(PathBuf, io::Error),
    /// It cannot be read in bounded memory ([`Want::memory`]).
    Disordered(PathBuf),
    /// The broker at this place tells totals only, and one client is asked for ([`Want::client`]).
    TotalsOnly(String),
    /// A broker's file comes by a pipe, and not lines: it takes more than one reading.
    Piped(PathBuf),
    /// The API at this place.
    Http(String, HttpError),
    /// The broker at this place, by MQTT.
    Exchange(String, ExchangeError),
}
