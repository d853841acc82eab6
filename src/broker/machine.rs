//! What the broker holds, what its owner hands it, and what he takes from it.

use std::cell::Cell;
use std::collections::{BTreeSet, VecDeque};
use std::hash::BuildHasher;
use std::ops::Bound;

use bytestring::ByteString;
use hashbrown::HashTable;

use super::access::Access;
use super::change::Restored;
use super::clock::{Monotonic, Now};
use super::connection::{Connection, ConnectionKey};
use super::connection_id::ConnectionId;
use super::event::{Closing, Event, Interest, Offence, PacketSummary};
use super::held::Held;
use super::jobs::FanOut;
use super::journal::Journal;
use super::leftovers::Leftovers;
use super::listing::Listing;
use super::message::MessageId;
use super::output::{HELD_ANSWERS, MAXIMUM_CONTROL_BACKLOG, Output};
use super::peer::{ListenerId, Peer};
use super::refusal::Refusal;
use super::remains::Remains;
use super::retained_messages::RetainedMessages;
use super::router::{Router, SharedSubscriber, Subscriber};
use super::session::{Session, SessionKey};
use super::settings::{ListenerSettings, Settings};
use super::shared_seed::SharedSeed;
use super::slab::Slab;
use super::slice::{Progress, SLICE};
use super::statistics::Statistics;
use super::stored_count::{Counting, StoredCount};
use super::timers::{Timer, Timers};
use super::unnoted::Unnoted;
use crate::mqtt::packet::{DecodeError, Packet, ProtocolVersion, ReasonCode};

/// Timers that are looked at before others have their turn: all sessions that a restart has found may end at one moment. Each takes
/// a few microseconds, but for what it delivers.
const DUE_AT_ONCE: usize = 128;

/// Connections with output, so many that one more would wait long for its own.
const VERY_MANY: usize = 256;

/// The broker's core. Inputs are `handle_*`; after them the caller takes the outputs with `poll_*`: first
/// [`Broker::take_changes`], which are to be on the disk before [`Broker::handle_stored`]; until then [`Broker::poll_output`]
/// hands out only what does not rest on them. What would take long is done in slices: while [`Broker::has_work`],
/// [`Broker::handle_work`] is to be called between other inputs.
#[derive(Debug)]
pub struct Broker {
    pub(super) settings: Settings,
    pub(super) access: Access,
    pub(super) interest: Interest,
    pub(super) connections: Slab<ConnectionKey, Connection>,
    /// By the ids that connections have.
    pub(super) by_connection: HashTable<ConnectionKey>,
    /// What was found there last: packets of one connection come in a row.
    last_asked_for: Cell<ConnectionKey>,
    /// Open connections by listener.
    pub(super) open: Vec<u32>,
    pub(super) sessions: Slab<SessionKey, Session>,
    /// By the ids that sessions have.
    pub(super) by_client_id: HashTable<SessionKey>,
    pub(super) connected: usize,
    pub(super) router: Router,
    pub(super) retained: RetainedMessages,
    pub(super) timers: Timers,
    pub(super) unnoted: Unnoted,
    pub(super) sweep: Option<Monotonic>,
    /// Where the sweep that is under way goes on.
    pub(super) sweeping: Option<Bound<MessageId>>,
    pub(super) journal: Journal,
    pub(super) last_id: MessageId,
    /// The topic of the last message that was kept: the next often has the same.
    pub(super) last_topic: ByteString,
    /// The topic name of the last PUBLISH, which was found to be one.
    pub(super) checked_topic: String,
    /// Whether something can be kept: not while the store fails.
    pub(super) storing: bool,
    /// What the journal had noted when the packet came that is handled now.
    pub(super) noted_before: u64,
    /// Connections that have output, or are to be closed.
    pub(super) listed: VecDeque<ConnectionKey>,
    /// Whether the last output was that of the connection that was listed last.
    pub(super) takes_newest: bool,
    /// Those of them whose output waits for the store.
    pub(super) unstored: Vec<ConnectionKey>,
    /// Who may not go on before the store has written.
    pub(super) held: Held,
    pub(super) events: VecDeque<Event>,
    pub(super) statistics: Statistics,
    /// Sessions with work that can go on.
    pub(super) working: VecDeque<SessionKey>,
    /// Connections that are no longer busy.
    pub(super) idle: VecDeque<ConnectionId>,
    /// Connections whose tokens are to be checked by the rules of a reload.
    pub(super) unproved: VecDeque<ConnectionId>,
    pub(super) remains: VecDeque<Remains>,
    /// Messages for very many, whose clients wait for nothing.
    pub(super) fan_outs: VecDeque<FanOut>,
    /// When those began that are under way.
    pub(super) fanning_out: BTreeSet<u64>,
    /// What was counted last of what waits for clients, and a count that is under way.
    pub(super) counted: StoredCount,
    pub(super) counting: Option<Counting>,
    /// The subscriptions that somebody has asked for.
    pub(super) listing: Option<Box<Listing>>,
    /// Counts sessions and what goes to very many, so that it is known which was first.
    pub(super) moment: u64,
    /// What the store still has of sessions that have ended, and who waits for it to go.
    pub(super) leftovers: Leftovers,
    /// Counts what was done.
    pub(super) steps: u64,
    /// Lists that are reused from message to message.
    pub(super) found: Vec<Subscriber>,
    pub(super) found_shared: Vec<SharedSubscriber>,
}

impl Broker {
    /// A broker that goes on from `restored`; all its clients are away.
    pub fn new(settings: Settings, access: Access, restored: Restored, now: Now) -> Self {
        let open = vec![0; settings.listeners.len()];
        let journal = Journal::new(settings.persistent);
        let mut broker = Self {
            settings,
            access,
            interest: Interest::default(),
            connections: Slab::new(),
            by_connection: HashTable::new(),
            last_asked_for: Cell::new(ConnectionKey(0)),
            open,
            sessions: Slab::new(),
            by_client_id: HashTable::new(),
            connected: 0,
            router: Router::new(),
            retained: RetainedMessages::new(),
            timers: Timers::default(),
            unnoted: Unnoted::default(),
            sweep: None,
            sweeping: None,
            journal,
            last_id: MessageId::default(),
            last_topic: ByteString::new(),
            checked_topic: String::new(),
            storing: true,
            noted_before: 0,
            listed: VecDeque::new(),
            takes_newest: false,
            unstored: Vec::new(),
            held: Held::default(),
            events: VecDeque::new(),
            statistics: Statistics::default(),
            working: VecDeque::new(),
            idle: VecDeque::new(),
            unproved: VecDeque::new(),
            remains: VecDeque::new(),
            fan_outs: VecDeque::new(),
            fanning_out: BTreeSet::new(),
            counted: StoredCount::default(),
            counting: None,
            listing: None,
            moment: 0,
            leftovers: Leftovers::default(),
            steps: 0,
            found: Vec::new(),
            found_shared: Vec::new(),
        };
        broker.restore(restored, now);
        broker.arm_sweep(now);
        broker
    }

    /// Sets which events [`Broker::poll_event`] returns.
    pub fn listen(&mut self, interest: Interest) {
        self.interest = interest;
    }

    /// A peer has connected to `listener`.
    pub fn handle_open(&mut self, connection: ConnectionId, listener: ListenerId, peer: Peer, now: Now) {
        self.statistics.sockets += 1;
        let all: u32 = self.open.iter().sum();
        let open = &mut self.open[usize::from(listener.0)];
        let limit = self.settings.listeners[usize::from(listener.0)].max_connections;
        let full = limit.is_some_and(|limit| *open >= limit)
            || self.settings.global_max_connections.is_some_and(|limit| all >= limit);
        *open += 1;
        let address = peer.address.clone();
        let key = self.connections.insert(Connection::new(connection, listener, peer, now.elapsed));
        let connections = &self.connections;
        self.by_connection.insert_unique(connection.spread(), key, |&key| connections[key].id.spread());
        if full {
            self.note(|| Event::MaxConnectionsExceeded { peer: address });
            self.close(key);
            return;
        }
        self.note(|| Event::Opened { peer: address, listener });
        let at = now.elapsed + self.settings.connect_timeout;
        self.timers.arm(Timer::Connection(key), &mut self.connections[key].timer, Some(at));
    }

    /// A packet came. Packets of connections that have ended are ignored; those of a connection that
    /// [is busy](Broker::is_busy) have to wait. Says whether it is from now on.
    pub fn handle_packet(&mut self, connection: ConnectionId, packet: Packet, now: Now) -> bool {
        let Some(key) = self.key_of(connection) else { return false };
        let state = &self.connections[key];
        // [MQTT-3.1.4-6]
        if state.output.close || state.is_unproved && !self.is_still_proved(key, now) {
            return false;
        }
        let state = &mut self.connections[key];
        state.last_received = now.elapsed;
        self.noted_before = self.journal.noted();
        self.statistics.messages_received += 1;
        // What PUBLISH and acknowledgements lead to is counted where it is done.
        self.steps += match packet {
            Packet::Publish(_) | Packet::PubAck(_) | Packet::PubRec(_) | Packet::PubRel(_) | Packet::PubComp(_) => 1,
            _ => SLICE as u64,
        };
        let Some(session_key) = state.session else {
            if state.authentication.is_some() {
                self.before_connack(key, packet, now);
                return self.is_busy(connection);
            }
            match packet {
                Packet::Connect(connect) => self.connect(key, *connect, now),
                // [MQTT-3.1.0-1]
                other => {
                    self.offended(key, Offence::NoConnect(other.first_byte()));
                    self.end(key, Closing::ProtocolError, now);
                }
            }
            return self.is_busy(connection);
        };
        // What the log says of a PUBLISH depends on what becomes of it.
        if self.interest.packets
            && !matches!(packet, Packet::Publish(_) | Packet::Auth(_))
            && let Some(summary) = PacketSummary::of(&packet)
        {
            self.events.push_back(Event::Received(self.sessions[session_key].id.clone(), summary));
        }
        match packet {
            Packet::Publish(publish) => self.publish(key, session_key, publish, now),
            Packet::PubAck(ack) => self.puback(key, session_key, &ack, now),
            Packet::PubRec(ack) => self.pubrec(key, session_key, &ack, now),
            Packet::PubRel(ack) => self.pubrel(key, session_key, &ack, now),
            Packet::PubComp(ack) => self.pubcomp(key, session_key, &ack, now),
            Packet::Subscribe(subscribe) => self.subscribe(key, session_key, subscribe, now),
            Packet::Unsubscribe(unsubscribe) => self.unsubscribe(key, session_key, unsubscribe, now),
            // [MQTT-3.12.4-1]
            Packet::PingReq => self.send(key, &Packet::PingResp),
            Packet::Disconnect(disconnect) => self.disconnect_received(key, session_key, &disconnect, now),
            Packet::Auth(auth) => self.auth(key, session_key, &auth, now),
            // A second CONNECT [MQTT-3.1.0-2], which gets no second CONNACK [MQTT-3.2.0-2], or what only a server sends.
            Packet::Connect(_) | Packet::ConnAck(_) | Packet::SubAck(_) | Packet::UnsubAck(_) | Packet::PingResp => {
                self.refuse(key, ReasonCode::PROTOCOL_ERROR, Closing::ProtocolError, now);
            }
        }
        let Some(state) = self.connections.get(key) else { return false };
        if state.output.control_bytes > HELD_ANSWERS {
            if state.output.control_bytes > MAXIMUM_CONTROL_BACKLOG
                && (state.output.blocked || self.rests_on_store(key))
            {
                self.end(key, Closing::QuotaExceeded, now);
            }
            self.await_store(key);
        } else if self.journal.noted() > self.noted_before && self.is_batch_full() {
            self.await_store(key);
        }
        self.connections.get(key).is_some_and(|state| self.keeps_waiting(state))
    }

    /// What came is the start of a TLS handshake, which is no packet.
    pub fn handle_unexpected_tls(&mut self, connection: ConnectionId) {
        if let Some(key) = self.key_of(connection) {
            let peer = self.connections[key].peer.address.clone();
            self.note(|| Event::UnexpectedTls { peer });
        }
    }

    /// What came is no packet. `version` is that of its CONNECT, if that was read before the error.
    pub fn handle_malformed(
        &mut self,
        connection: ConnectionId,
        error: DecodeError,
        version: Option<ProtocolVersion>,
        now: Now,
    ) {
        let Some(key) = self.key_of(connection) else { return };
        if self.connections[key].output.close {
            return;
        }
        let instead_of_connect = self.connections[key].session.is_none();
        let why = match error {
            DecodeError::ProtocolVersion(_) | DecodeError::ProtocolMismatch(_) => Closing::UnsupportedVersion,
            DecodeError::ClientIdentifier => Closing::ClientIdNotValid,
            _ if instead_of_connect && mosquitto_calls_protocol_error(error) => Closing::ProtocolError,
            DecodeError::PacketTooLarge { .. } | DecodeError::BodyTooLong { .. } => Closing::PacketTooLarge,
            _ if error.reason_code() == ReasonCode::PROTOCOL_ERROR => Closing::ProtocolError,
            _ => Closing::Malformed,
        };
        self.offended(key, Offence::NoPacket { error, instead_of_connect });
        if instead_of_connect && self.connections[key].authentication.is_some() {
            // Its CONNECT has come and waits for an answer.
            self.refuse_connect(key, ProtocolVersion::V5, Refusal::new(error.reason_code(), why), now);
            return;
        }
        if instead_of_connect {
            // [MQTT-3.1.4-1]
            self.connect_malformed(key, error, version);
        } else if let Some(reason) = error.answer() {
            // [MQTT-4.13.1-1]
            self.refuse(key, reason, why, now);
            return;
        }
        self.end(key, why, now);
    }

    /// The bytes that [`Broker::poll_output`] gave last for the connection are written.
    pub fn handle_written(&mut self, connection: ConnectionId) {
        let Some(key) = self.key_of(connection) else { return };
        let output = &mut self.connections[key].output;
        output.writing = 0;
        output.writing_bytes = 0;
        output.blocked = false;
        if !output.bytes.is_empty() || output.close {
            self.list(key);
        }
        if let Some(session_key) = self.connections[key].session {
            self.list_work(session_key);
        }
    }

    /// The socket does not take what [`Broker::poll_output`] returned, for now.
    pub fn handle_blocked(&mut self, connection: ConnectionId) {
        let Some(key) = self.key_of(connection) else { return };
        self.connections[key].output.blocked = true;
        if self.connections[key].output.close {
            self.close(key);
        }
    }

    /// The connection is gone.
    pub fn handle_close(&mut self, connection: ConnectionId, why: Closing, now: Now) {
        let Some(key) = self.key_of(connection) else { return };
        self.steps += SLICE as u64;
        self.end(key, why, now);
        self.forget(key);
    }

    /// Something is due. Where much is, some of it still is afterwards: others have their turn first.
    pub fn handle_deadline(&mut self, now: Now) {
        let (begun, noted) = (self.steps, self.journal.noted());
        for _ in 0..DUE_AT_ONCE {
            if self.steps - begun > SLICE as u64 {
                return;
            }
            if self.hold(Progress::Cut, noted) == Progress::Held {
                self.held.is_due = true;
                return;
            }
            let Some(timer) = self.timers.due(now.elapsed) else { return };
            match timer {
                Timer::Connection(key) => self.connection_due(key, now),
                Timer::Session(session_key) => self.session_due(session_key, now),
                Timer::Reader(session_key) => self.reader_due(session_key),
                Timer::Noting => self.noting_due(now),
                Timer::RetainedSweep => self.sweep(now),
            }
        }
    }

    /// The broker ends: wills go out, to whoever is still there, and connections are closed.
    pub fn handle_shutdown(&mut self, now: Now) {
        self.wills_at_shutdown(now);
        self.finish_fan_outs(now);
        for key in self.connections.keys() {
            self.end(key, Closing::ShuttingDown, now);
        }
        // The wills of clients that were connected until now are among them.
        self.finish_fan_outs(now);
    }

    /// Whether [`Broker::poll_output`] may have something.
    pub fn has_output(&self) -> bool {
        !self.listed.is_empty()
    }

    /// The next bytes for a connection. A connection gets more only after [`Broker::handle_written`].
    pub fn poll_output(&mut self) -> Option<Output> {
        while let Some(key) = self.next_listed() {
            let Some(connection) = self.connections.get(key) else { continue };
            if !connection.output.listed {
                continue;
            }
            if connection.output.writing > 0 {
                self.connections[key].output.listed = false;
                continue;
            }
            let mut part = None;
            if self.rests_on_store(key) {
                part = connection.output.stored_part(|generation| self.journal.has_stored(generation));
                if part.is_none() {
                    self.unstored.push(key);
                    continue;
                }
            }
            let connection = &mut self.connections[key];
            let output = &mut connection.output;
            output.listed = false;
            let bytes = output.take(part);
            connection.is_greeted |= !bytes.is_empty();
            // What is left of the output goes before the end.
            let close = output.close && part.is_none();
            let out = Output { connection: connection.id, bytes, close };
            if out.close {
                self.forget(key);
            }
            return Some(out);
        }
        None
    }

    /// The connection that has waited longest, and in turns with it, where very many wait, the one that waits least: it may
    /// have asked for something, while the others are those that a message goes to.
    fn next_listed(&mut self) -> Option<ConnectionKey> {
        self.takes_newest = !self.takes_newest && self.listed.len() > VERY_MANY;
        if self.takes_newest { self.listed.pop_back() } else { self.listed.pop_front() }
    }

    /// The next of the events that are listened for.
    pub fn poll_event(&mut self) -> Option<Event> {
        self.events.pop_front()
    }

    /// When [`Broker::handle_deadline`] is to be called.
    pub fn poll_deadline(&self) -> Option<Monotonic> {
        if self.held.is_due { None } else { self.timers.next() }
    }

    /// Counts what was done, in steps of at most about a microsecond: whoever has looked at a clock need not look again
    /// before it has grown. What [`Broker::handle_work`] and [`Broker::handle_deadline`] do is not counted.
    pub fn steps(&self) -> u64 {
        self.steps
    }

    pub fn statistics(&self) -> &Statistics {
        &self.statistics
    }

    /// For those who count what the core does not see.
    pub fn statistics_mut(&mut self) -> &mut Statistics {
        &mut self.statistics
    }

    pub(super) fn key_of(&self, connection: ConnectionId) -> Option<ConnectionKey> {
        let is_it = |&key: &ConnectionKey| self.connections.get(key).is_some_and(|state| state.id == connection);
        let last = self.last_asked_for.get();
        if is_it(&last) {
            return Some(last);
        }
        let found = self.by_connection.find(connection.spread(), is_it).copied();
        self.last_asked_for.set(found.unwrap_or(last));
        found
    }

    /// The session of the client.
    pub(super) fn session_of(&self, client_id: &str) -> Option<SessionKey> {
        let is_it = |&key: &SessionKey| self.sessions.get(key).is_some_and(|session| *session.id == *client_id);
        self.by_client_id.find(SharedSeed.hash_one(client_id), is_it).copied()
    }

    /// Adds a session, whose client has none.
    pub(super) fn add_session(&mut self, session: Session) -> SessionKey {
        let hash = SharedSeed.hash_one(&*session.id);
        let session_key = self.sessions.insert(session);
        let sessions = &self.sessions;
        self.by_client_id.insert_unique(hash, session_key, |&key| SharedSeed.hash_one(&*sessions[key].id));
        session_key
    }

    /// What the log calls whoever is at the other end.
    pub(super) fn name(&self, key: ConnectionKey) -> ByteString {
        let connection = &self.connections[key];
        connection.session.map_or_else(|| connection.name(), |session_key| self.sessions[session_key].id.clone())
    }

    pub(super) fn listener(&self, listener: ListenerId) -> &ListenerSettings {
        &self.settings.listeners[usize::from(listener.0)]
    }

    pub(super) fn note(&mut self, event: impl FnOnce() -> Event) {
        if self.interest.notices {
            self.events.push_back(event());
        }
    }

    pub(super) fn offended(&mut self, key: ConnectionKey, offence: Offence) {
        let (client, peer) = (self.name(key), self.connections[key].peer.address.clone());
        self.note(|| Event::Offended { client, peer, offence });
    }

    /// Puts the connection on the list of those with output.
    pub(super) fn list(&mut self, key: ConnectionKey) {
        let output = &mut self.connections[key].output;
        if !output.listed {
            output.listed = true;
            self.listed.push_back(key);
        }
    }

    /// Sends what is no PUBLISH, which waits for no place in the window [MQTT-3.3.4-10] [MQTT-4.9.0-3].
    pub(super) fn send(&mut self, key: ConnectionKey, packet: &Packet) {
        let connection = &mut self.connections[key];
        debug_assert!(packet.has_listed_reasons(connection.version), "{packet:?}");
        let before = connection.output.so_far();
        connection.send(packet);
        if !matches!(packet, Packet::PingResp | Packet::Disconnect(_)) && self.rests_on_changes(key) {
            self.rest_on_store(key, before);
        }
        self.statistics.messages_sent += 1;
        if self.interest.packets
            && let Some(summary) = PacketSummary::of(packet)
        {
            let name = self.name(key);
            self.events.push_back(Event::Sent(name, summary));
        }
        self.list(key);
    }
}

/// Mosquitto calls most that is wrong with a CONNECT so.
fn mosquitto_calls_protocol_error(error: DecodeError) -> bool {
    !matches!(
        error,
        DecodeError::PacketTooLarge { .. }
            | DecodeError::BodyTooLong { .. }
            | DecodeError::RemainingLength
            | DecodeError::UnknownProperty(_)
    )
}
