//! The embedded broker.
//!
//! [`Broker`] is its core: packets and `now` in, bytes, changes to persist, events to log and the next deadline out.
//! Pure and with one owner: no sockets, no locks, no clock of its own. [`server`] does the I/O around it.

pub mod access;
mod authenticate;
mod change;
mod clock;
mod condense;
pub mod config;
mod connect;
mod connection;
mod connection_id;
mod deliver;
mod entry;
mod event;
mod fan_out;
pub mod fault;
pub mod host;
mod in_flight;
mod jobs;
mod journal;
pub mod log;
mod message;
mod output;
mod proof;
mod publish;
mod refusal;
mod restore;
mod retained;
mod retained_messages;
mod router;
pub mod server;
mod session;
mod session_end;
mod session_expiry;
mod settings;
mod slab;
mod slice;
mod statistics;
pub mod store;
mod stored_count;
mod storing;
mod subscribe;
pub mod sys;
mod timers;
mod tree;
mod will;
mod work;

pub use access::{Access, Identity};
pub use change::{
    Change, ClientRecord, Direction, EntryRecord, EntryState, Loss, MOST_LOSSES, Restored, RestoredClient,
    SubscriptionRecord, WillRecord,
};
pub use clock::{Monotonic, Now, WallTime};
pub use connection_id::{ByConnection, ConnectionId};
pub use event::{Closing, Event, Interest, Offence, PacketSummary, PublishSummary};
pub use message::{Message, MessageId, Source};
pub use publish::OwnMessage;
pub use session_expiry::SessionExpiry;
pub use settings::{ListenerSettings, Settings, UsernameFrom, Versions};
pub use statistics::{Census, Statistics};

use std::collections::{BTreeSet, HashMap, VecDeque};
use std::ops::Bound;

use bytes::BytesMut;
use bytestring::ByteString;

use access::SlowLogin;
use connection::{Connection, ConnectionKey};
use jobs::FanOut;
use journal::Journal;
use refusal::Refusal;
use retained_messages::RetainedMessages;
use router::{Router, SharedSubscriber, Subscriber};
use session::{Session, SessionKey};
use session_end::Remains;
use slab::Slab;
use slice::SLICE;
use stored_count::{Counting, StoredCount};
use storing::HELD_ANSWERS;
use timers::{Timer, Timers};

use crate::mqtt::packet::{DecodeError, Disconnect, Packet, Properties, ProtocolVersion, ReasonCode};

/// Index into [`Settings::listeners`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct ListenerId(pub u16);

/// The other end of a connection, as the listener saw it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Peer {
    /// As log lines show it.
    pub address: ByteString,
    /// `TLSv1.3 cipher …`, if it came by TLS.
    pub tls_session: Option<ByteString>,
    /// From its certificate, for listeners with [`UsernameFrom::Certificate`].
    pub certificate_username: Option<ByteString>,
}

impl Peer {
    /// The address without its port.
    pub fn host(&self) -> ByteString {
        let host = self.address.rsplit_once(':').map_or(&*self.address, |(host, _)| host);
        host.trim_start_matches('[').trim_end_matches(']').into()
    }
}

/// The broker's core. Inputs are `handle_*`; after them the caller takes the outputs with `poll_*`: first
/// [`Broker::take_changes`], which are to be on the disk before [`Broker::handle_stored`]; until then [`Broker::poll_output`]
/// gives only what does not rest on them. What would take long is done in slices: while [`Broker::has_work`],
/// [`Broker::handle_work`] is to be called between other inputs.
#[derive(Debug)]
pub struct Broker {
    settings: Settings,
    access: Access,
    interest: Interest,
    connections: Slab<ConnectionKey, Connection>,
    by_connection: ByConnection<ConnectionKey>,
    /// Open connections by listener.
    open: Vec<u32>,
    sessions: Slab<SessionKey, Session>,
    by_client_id: HashMap<ByteString, SessionKey>,
    connected: usize,
    router: Router,
    retained: RetainedMessages,
    timers: Timers,
    sweep: Option<Monotonic>,
    /// Where the sweep that is under way goes on.
    sweeping: Option<Bound<MessageId>>,
    journal: Journal,
    last_id: MessageId,
    /// Of the last message that was kept: the next often has the same.
    last_topic: ByteString,
    /// Whether something can be kept: not while the store fails.
    storing: bool,
    /// What the journal had noted when the packet came that is handled now.
    noted_before: u64,
    /// Connections with output or an end to tell.
    listed: VecDeque<ConnectionKey>,
    /// Those of them whose output waits for the store.
    held: Vec<ConnectionKey>,
    /// Those whose next packets wait for the store.
    awaiting: Vec<ConnectionKey>,
    events: VecDeque<Event>,
    statistics: Statistics,
    /// Sessions with work that can go on.
    working: VecDeque<SessionKey>,
    /// Connections that are no longer busy.
    idle: VecDeque<ConnectionId>,
    remains: VecDeque<Remains>,
    /// Messages for very many, whose clients wait for nothing.
    fan_outs: VecDeque<FanOut>,
    /// When those began that are under way.
    fanning_out: BTreeSet<u64>,
    /// What was counted last of what waits for clients, and a count that is under way.
    counted: StoredCount,
    counting: Option<Counting>,
    /// Counts sessions and what goes to very many, to tell which was first.
    moment: u64,
    /// Messages that one reference less holds in the store.
    released: Vec<MessageId>,
    /// Counts what was done.
    steps: u64,
    /// Reused from message to message.
    found: Vec<Subscriber>,
    found_shared: Vec<SharedSubscriber>,
}

/// What one connection is to be told. `close`: after the bytes are written.
#[derive(Debug, PartialEq, Eq)]
pub struct Output {
    pub connection: ConnectionId,
    pub bytes: BytesMut,
    pub close: bool,
}

/// Control packets that wait for a client that does not read. Beyond it the client is let go: a peer that makes
/// us answer and never listens would fill our memory.
const MAXIMUM_CONTROL_BACKLOG: usize = 1024 * 1024;

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
            by_connection: ByConnection::default(),
            open,
            sessions: Slab::new(),
            by_client_id: HashMap::new(),
            connected: 0,
            router: Router::new(),
            retained: RetainedMessages::new(),
            timers: Timers::default(),
            sweep: None,
            sweeping: None,
            journal,
            last_id: MessageId::default(),
            last_topic: ByteString::new(),
            storing: true,
            noted_before: 0,
            listed: VecDeque::new(),
            held: Vec::new(),
            awaiting: Vec::new(),
            events: VecDeque::new(),
            statistics: Statistics::default(),
            working: VecDeque::new(),
            idle: VecDeque::new(),
            remains: VecDeque::new(),
            fan_outs: VecDeque::new(),
            fanning_out: BTreeSet::new(),
            counted: StoredCount::default(),
            counting: None,
            moment: 0,
            released: Vec::new(),
            steps: 0,
            found: Vec::new(),
            found_shared: Vec::new(),
        };
        broker.restore(restored, now);
        broker.arm_sweep(now);
        broker
    }

    /// Which events [`Broker::poll_event`] is to give.
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
        self.by_connection.insert(connection, key);
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
        let Some(&key) = self.by_connection.get(&connection) else { return false };
        let state = &mut self.connections[key];
        // [MQTT-3.1.4-6]
        if state.output.close {
            return false;
        }
        state.last_received = now.elapsed;
        self.noted_before = self.journal.noted();
        self.statistics.messages_received += 1;
        // What PUBLISH and acknowledgements lead to is counted where it is done.
        self.steps += match packet {
            Packet::Publish(_) | Packet::PubAck(_) | Packet::PubRec(_) | Packet::PubRel(_) | Packet::PubComp(_) => 1,
            _ => SLICE as u64,
        };
        let Some(client) = state.session else {
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
        // What is told of a PUBLISH depends on what becomes of it.
        if self.interest.packets
            && !matches!(packet, Packet::Publish(_) | Packet::Auth(_))
            && let Some(summary) = PacketSummary::of(&packet)
        {
            self.events.push_back(Event::Received(self.sessions[client].id.clone(), summary));
        }
        match packet {
            Packet::Publish(publish) => self.publish(key, client, publish, now),
            Packet::PubAck(ack) => self.puback(key, client, &ack, now),
            Packet::PubRec(ack) => self.pubrec(key, client, &ack, now),
            Packet::PubRel(ack) => self.pubrel(key, client, &ack, now),
            Packet::PubComp(ack) => self.pubcomp(key, client, &ack, now),
            Packet::Subscribe(subscribe) => self.subscribe(key, client, subscribe, now),
            Packet::Unsubscribe(unsubscribe) => self.unsubscribe(key, client, unsubscribe, now),
            // [MQTT-3.12.4-1]
            Packet::PingReq => self.send(key, &Packet::PingResp),
            Packet::Disconnect(disconnect) => self.disconnect_received(key, client, &disconnect, now),
            Packet::Auth(auth) => self.auth(key, client, &auth, now),
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
        }
        self.connections.get(key).is_some_and(|state| self.keeps_waiting(state))
    }

    /// What came is the start of a TLS handshake, which is no packet.
    pub fn handle_unexpected_tls(&mut self, connection: ConnectionId) {
        if let Some(&key) = self.by_connection.get(&connection) {
            let peer = self.connections[key].peer.address.clone();
            self.note(|| Event::UnexpectedTls { peer });
        }
    }

    /// What came is no packet. `version` is what CONNECT had told before it went wrong.
    pub fn handle_malformed(
        &mut self,
        connection: ConnectionId,
        error: DecodeError,
        version: Option<ProtocolVersion>,
        now: Now,
    ) {
        let Some(&key) = self.by_connection.get(&connection) else { return };
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
        let Some(&key) = self.by_connection.get(&connection) else { return };
        let output = &mut self.connections[key].output;
        output.writing = 0;
        output.writing_bytes = 0;
        output.blocked = false;
        if !output.bytes.is_empty() || output.close {
            self.list(key);
        }
        if let Some(client) = self.connections[key].session {
            self.list_work(client);
        }
    }

    /// The socket does not take what was given, for now.
    pub fn handle_blocked(&mut self, connection: ConnectionId) {
        let Some(&key) = self.by_connection.get(&connection) else { return };
        self.connections[key].output.blocked = true;
        if self.connections[key].output.close {
            self.close(key);
        }
    }

    /// The connection is gone.
    pub fn handle_close(&mut self, connection: ConnectionId, why: Closing, now: Now) {
        let Some(&key) = self.by_connection.get(&connection) else { return };
        self.steps += SLICE as u64;
        self.end(key, why, now);
        self.forget(key);
    }

    /// Something is due.
    pub fn handle_deadline(&mut self, now: Now) {
        while let Some(timer) = self.timers.due(now.elapsed) {
            match timer {
                Timer::Connection(key) => self.connection_due(key, now),
                Timer::Session(client) => self.session_due(client, now),
                Timer::Reader(client) => self.reader_due(client),
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
        // Those of clients that were connected until now.
        self.finish_fan_outs(now);
    }

    /// New rules are in force, all at once. Listeners stay as many as they are. Clients that may no longer connect are let
    /// go; those whose password takes long to check stay until [`Broker::dismiss`].
    pub fn reload(&mut self, settings: Settings, access: Access, now: Now) {
        let interval = self.settings.retain_expiry_interval;
        self.settings = settings;
        self.access = access;
        if self.settings.retain_expiry_interval != interval {
            self.arm_sweep(now);
        }
        for key in self.connections.keys() {
            let connection = &self.connections[key];
            let Some(client) = connection.session else { continue };
            let password = connection.password.as_ref().map(crate::term::Secret::expose);
            if let Some(proof) = &connection.proof {
                let user = self.sessions[client].username.as_deref().unwrap_or_default();
                if !self.still_holds(connection.listener, user, proof, now) {
                    self.refuse(key, ReasonCode::ADMINISTRATIVE_ACTION, Closing::NotAuthorized, now);
                }
                continue;
            }
            let certified = self.listener(connection.listener).username_from == UsernameFrom::Certificate;
            if !certified && self.access.may_stay(self.sessions[client].identity(), password) == Some(false) {
                self.refuse(key, ReasonCode::ADMINISTRATIVE_ACTION, Closing::NotAuthorized, now);
            }
        }
    }

    /// The client's login is no longer right.
    pub fn dismiss(&mut self, connection: ConnectionId, now: Now) {
        if let Some(&key) = self.by_connection.get(&connection)
            && !self.connections[key].output.close
        {
            self.refuse(key, ReasonCode::ADMINISTRATIVE_ACTION, Closing::NotAuthorized, now);
        }
    }

    /// The logins of those who are connected that take long to check against the rules in force.
    pub fn slow_logins(&self) -> Vec<(ConnectionId, SlowLogin)> {
        let slow = |connection: &Connection| {
            let username = self.sessions.get(connection.session?)?.username.as_deref()?;
            if self.listener(connection.listener).username_from == UsernameFrom::Certificate {
                return None;
            }
            let password = connection.password.as_ref()?.expose();
            Some((connection.id, self.access.slow_login(connection.listener, Some(username), password)?))
        };
        self.connections.iter().filter_map(|(_, connection)| slow(connection)).collect()
    }

    /// The next bytes for a connection. A connection gets more only after [`Broker::handle_written`].
    pub fn poll_output(&mut self) -> Option<Output> {
        while let Some(key) = self.listed.pop_front() {
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
                    self.held.push(key);
                    continue;
                }
            }
            let connection = &mut self.connections[key];
            let output = &mut connection.output;
            output.listed = false;
            let bytes = output.take(part);
            connection.is_greeted |= !bytes.is_empty();
            // What is left goes first.
            let close = output.close && part.is_none();
            let out = Output { connection: connection.id, bytes, close };
            if out.close {
                self.forget(key);
            }
            return Some(out);
        }
        None
    }

    /// The next of the events that are listened for.
    pub fn poll_event(&mut self) -> Option<Event> {
        self.events.pop_front()
    }

    /// When [`Broker::handle_deadline`] is to be called.
    pub fn poll_deadline(&self) -> Option<Monotonic> {
        self.timers.next()
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

    /// Every filter with a client that subscribed to it, in order.
    pub fn subscriptions(&self) -> Vec<(ByteString, ByteString)> {
        let of = |session: &Session| {
            let id = session.id.clone();
            session.subscriptions.iter().map(|filter| (filter.text().clone(), id.clone())).collect::<Vec<_>>()
        };
        let mut found: Vec<_> = self.sessions.iter().flat_map(|(_, session)| of(session)).collect();
        found.sort_unstable();
        found
    }

    /// What there is now. It walks all queues: for tests, and who asks for it by hand.
    pub fn census(&self) -> Census {
        self.census_with(self.count_at_once())
    }

    /// What there is now, but where very many messages wait: their number is that of some moments ago.
    pub fn recent_census(&mut self) -> Census {
        let stored = self.count_stored();
        self.census_with(stored)
    }

    fn census_with(&self, queued: StoredCount) -> Census {
        let outputs = || self.connections.iter().map(|(_, connection)| &connection.output);
        Census {
            clients: self.sessions.len(),
            connected: self.connected,
            subscriptions: self.router.subscriptions(),
            shared_subscriptions: self.router.shared(),
            retained: self.retained.len(),
            stored: self.retained.len() + queued.messages,
            stored_bytes: self.retained.bytes() + queued.bytes,
            open_connections: self.connections.len(),
            packets_out: outputs().map(|output| output.packets + output.writing).sum(),
            packets_out_bytes: outputs().map(|output| output.bytes.len() + output.writing_bytes).sum(),
        }
    }

    fn listener(&self, listener: ListenerId) -> &ListenerSettings {
        &self.settings.listeners[usize::from(listener.0)]
    }

    fn note(&mut self, event: impl FnOnce() -> Event) {
        if self.interest.notices {
            self.events.push_back(event());
        }
    }

    fn offended(&mut self, key: ConnectionKey, offence: Offence) {
        let connection = &self.connections[key];
        let (client, peer) = (connection.name(), connection.peer.address.clone());
        self.note(|| Event::Offended { client, peer, offence });
    }

    /// Puts the connection on the list of those with output.
    fn list(&mut self, key: ConnectionKey) {
        let output = &mut self.connections[key].output;
        if !output.listed {
            output.listed = true;
            self.listed.push_back(key);
        }
    }

    /// Sends what is no PUBLISH, which waits for no place in the window [MQTT-3.3.4-10] [MQTT-4.9.0-3].
    fn send(&mut self, key: ConnectionKey, packet: &Packet) {
        let connection = &mut self.connections[key];
        let before = connection.output.so_far();
        connection.send(packet);
        if !matches!(packet, Packet::PingResp | Packet::Disconnect(_)) && self.tells_of_changes(key) {
            self.rest_on_store(key, before);
        }
        let connection = &self.connections[key];
        self.statistics.messages_sent += 1;
        if self.interest.packets
            && let Some(summary) = PacketSummary::of(packet)
        {
            let name = connection.name();
            self.events.push_back(Event::Sent(name, summary));
        }
        self.list(key);
    }

    /// Ends a connection whose client has its CONNACK [MQTT-3.14.0-1] for what the client did: one of version 5 is told the
    /// reason, without a Reason String [MQTT-3.14.2-3], a User Property [MQTT-3.14.2-4] or a Session Expiry Interval
    /// [MQTT-3.14.2-2]. Told or not, the connection ends [MQTT-3.14.4-2] [MQTT-4.13.2-1].
    fn refuse(&mut self, key: ConnectionKey, reason: ReasonCode, why: Closing, now: Now) {
        if self.connections[key].version == ProtocolVersion::V5 {
            self.send(key, &Packet::Disconnect(Disconnect { reason, properties: Properties::new() }));
        }
        self.end(key, why, now);
    }

    /// Ends a connection: its session goes on without it, or ends as well; its will is sent unless `why` is a
    /// DISCONNECT that took it back.
    fn end(&mut self, key: ConnectionKey, why: Closing, now: Now) {
        let connection = &self.connections[key];
        if connection.output.close {
            return;
        }
        let (id, session) = (connection.id, connection.session);
        let (client, peer) = (connection.name(), connection.peer.address.clone());
        self.close(key);
        self.note(|| Event::Disconnected { connection: id, client, peer, why });
        if let Some(client) = session {
            self.go_offline(client, now);
        }
    }

    /// The connection is to be closed once its output is written.
    fn close(&mut self, key: ConnectionKey) {
        let connection = &mut self.connections[key];
        connection.session = None;
        connection.output.close = true;
        // A peer that does not read will not get the rest either.
        if connection.output.blocked {
            connection.output.writing = 0;
            connection.output.clear();
        }
        self.timers.arm(Timer::Connection(key), &mut self.connections[key].timer, None);
        self.list(key);
    }

    fn forget(&mut self, key: ConnectionKey) {
        if let Some(mut connection) = self.connections.remove(key) {
            self.timers.arm(Timer::Connection(key), &mut connection.timer, None);
            self.by_connection.remove(&connection.id);
            self.open[usize::from(connection.listener.0)] -= 1;
        }
    }

    fn connection_due(&mut self, key: ConnectionKey, now: Now) {
        let connection = &mut self.connections[key];
        connection.timer = None;
        if connection.session.is_none() {
            // No CONNECT came in time, or not what is to follow it.
            self.end(key, Closing::Timeout, now);
            return;
        }
        match connection.deadline() {
            Some(at) if at > now.elapsed => {
                self.timers.arm(Timer::Connection(key), &mut connection.timer, Some(at));
            }
            // What let the client in is over.
            Some(at) if connection.token_ends() == Some(at) => {
                self.refuse(key, ReasonCode::NOT_AUTHORIZED, Closing::NotAuthorized, now);
            }
            Some(_) => self.refuse(key, ReasonCode::KEEP_ALIVE_TIMEOUT, Closing::Timeout, now),
            None => {}
        }
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

#[cfg(test)]
mod tests;
