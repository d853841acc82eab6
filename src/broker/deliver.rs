//! Messages on their way to clients: from all subscribers of a topic to one subscription, to one session, and there into
//! the in-flight window, a queue or nowhere.

use std::cell::Cell;
use std::collections::{HashMap, VecDeque};
use std::num::NonZeroU16;
use std::sync::Arc;

use bytestring::ByteString;

use super::change::{Direction, EntryState};
use super::connection::{Connection, ConnectionKey, OutgoingPublish};
use super::entry::ComesBy;
use super::event::{Event, PacketSummary, PublishSummary};
use super::jobs::Job;
use super::message::{Content, Message};
use super::output::OutputBuffer;
use super::router::{Candidates, Router, SharedSubscriber, Subscriber};
use super::session::{Entry, Session, SessionKey};
use super::slab::Slab;
use super::slice::{Progress, SLICE, Slice};
use super::waiting_steps::Step;
use super::{Access, Broker, Identity, ListenerId, Now, Settings, Statistics};
use crate::mqtt::packet::{Ack, NO_PROPERTIES, Packet, QoS, SubscriptionIdentifier};
use crate::mqtt::topic::SubscriptionFilter;

/// Bytes that may wait for a socket that takes what is written to it. Beyond them only QoS 0 messages are dropped.
const MAXIMUM_BACKLOG_BYTES: usize = 64 * 1024 * 1024;

/// Members of a shared subscription that are looked at in a microsecond, at least.
const LOOKED_AT_IN_A_STEP: u64 = 8;

/// Bytes that are copied in a microsecond, at least.
const COPIED_IN_A_STEP: usize = 4 * 1024;

/// How many subscriptions a message may be delivered by before others have their turn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum AtOnce {
    /// None: the message comes behind others that are still being delivered.
    Nothing,
    /// As many as fit into a slice.
    AFew,
    /// All, however many they are: they have to be one transaction.
    All,
}

impl AtOnce {
    fn is_exceeded_by(self, subscriptions: usize) -> bool {
        match self {
            Self::Nothing => subscriptions > 0,
            Self::AFew => subscriptions > SLICE,
            Self::All => false,
        }
    }
}

/// What became of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Routed {
    /// `matched`: somebody has subscribed to its topic.
    Delivered { matched: bool },
    /// Nothing was done.
    TooMany,
}

/// How a message goes to one session, by the subscriptions that match it.
pub(super) struct Delivery<'a> {
    /// The QoS as granted; the message may have been published at a lower one.
    pub(super) qos: QoS,
    pub(super) retain: bool,
    pub(super) identifiers: &'a [SubscriptionIdentifier],
    /// The shared subscription that it comes by.
    pub(super) shared: Option<&'a Arc<SubscriptionFilter>>,
}

impl Broker {
    /// Delivers the message by every subscription that matches its topic [MQTT-4.5.0-1], unless they are more than may have it
    /// at once.
    pub(super) fn deliver_to_subscribers(
        &mut self,
        message: &Arc<Message>,
        publisher: Option<SessionKey>,
        at_once: AtOnce,
        now: Now,
    ) -> Routed {
        // Most messages have one receiver.
        if self.router.shared() == 0
            && !at_once.is_exceeded_by(1)
            && self.remains.is_empty()
            && let &[only] = self.router.subscribers(&message.topic)
        {
            if only.takes_from(publisher) {
                self.deliver_to_subscription(&only, only.identifier.as_slice(), None, message, now);
            }
            return Routed::Delivered { matched: true };
        }
        let mut found = std::mem::take(&mut self.found);
        found.clear();
        let anybody = self.find_subscribers(message, publisher, &mut found);
        // Where a client gets a message once, whatever its subscriptions, all of them have to be seen together.
        if self.settings.allow_duplicate_messages
            && at_once.is_exceeded_by(found.len() + self.router.groups(&message.topic).len())
        {
            self.found = found;
            return Routed::TooMany;
        }
        let mut found_shared = std::mem::take(&mut self.found_shared);
        // The tree is not gone through again where the route is known to have none.
        let has_groups = !self.router.groups(&message.topic).is_empty();
        let (router, members) = self.members(message);
        if has_groups {
            router.route_shared(&message.topic, &mut found_shared, |member, kind| members.are(member, kind));
        }
        let steps = members.steps();
        self.steps += steps;
        let matched = anybody || !found_shared.is_empty();
        if self.settings.allow_duplicate_messages || found.len() + found_shared.len() < 2 {
            // Each copy has the identifier of its own subscription [MQTT-3.3.4-3] [MQTT-3.3.4-5].
            for subscriber in &found {
                self.deliver_to_subscription(subscriber, subscriber.identifier.as_slice(), None, message, now);
            }
            for (subscriber, shared) in &found_shared {
                self.deliver_to_subscription(subscriber, subscriber.identifier.as_slice(), Some(shared), message, now);
            }
        } else {
            for (subscriber, identifiers, shared) in merged(&found, &found_shared) {
                self.deliver_to_subscription(&subscriber, &identifiers, shared, message, now);
            }
        }
        found_shared.clear();
        (self.found, self.found_shared) = (found, found_shared);
        Routed::Delivered { matched }
    }

    /// Appends those who are to get the message, but for shared subscriptions. Says whether anybody has subscribed: as with
    /// Mosquitto, a subscription that is not for its owner's messages still counts.
    pub(super) fn find_subscribers(
        &mut self,
        message: &Message,
        publisher: Option<SessionKey>,
        found: &mut Vec<Subscriber>,
    ) -> bool {
        let (sessions, all_there) = (&self.sessions, self.remains.is_empty());
        let mut anybody = false;
        // [MQTT-3.3.2-3]
        self.router.route(&message.topic, |subscriber| {
            // One whose session has ended, and whose subscriptions are still to be removed, gets nothing.
            if all_there || sessions.contains(subscriber.session) {
                anybody = true;
                if subscriber.takes_from(publisher) {
                    found.push(*subscriber);
                }
            }
        });
        anybody
    }

    /// Delivers the message to the member of a shared subscription whose turn it is.
    pub(super) fn deliver_to_group(&mut self, filter: &Arc<SubscriptionFilter>, message: &Arc<Message>, now: Now) {
        let (router, members) = self.members(message);
        let member = router.next_member(filter, |member, kind| members.are(member, kind));
        let steps = members.steps();
        self.steps += steps;
        if let Some(member) = member {
            self.deliver_to_subscription(&member, member.identifier.as_slice(), Some(filter), message, now);
        }
    }

    /// Delivers the message by one subscription, or by several of one session that were merged.
    pub(super) fn deliver_to_subscription(
        &mut self,
        subscriber: &Subscriber,
        identifiers: &[SubscriptionIdentifier],
        shared: Option<&Arc<SubscriptionFilter>>,
        message: &Arc<Message>,
        now: Now,
    ) {
        let options = subscriber.options;
        // [MQTT-3.3.1-12] [MQTT-3.3.1-13]
        let retain = options.retain_as_published && message.retain;
        self.deliver_to_session(
            subscriber.session,
            message,
            &Delivery { qos: options.qos, retain, identifiers, shared },
            now,
        );
    }

    /// The session of a member of a shared subscription has ended: what it has not acknowledged goes to another, §4.8.2, but
    /// for messages at QoS 2 whose delivery has begun [MQTT-4.8.2-5]. Where nobody else is a member, the message ends with
    /// the session.
    pub(super) fn pass_on(&mut self, entry: &Entry, now: Now) {
        let Some(shared) = entry.by.shared() else { return };
        if entry.qos == QoS::ExactlyOnce && entry.state != EntryState::Queued {
            return;
        }
        self.deliver_to_group(shared, &entry.message, now);
    }

    /// The router, and what decides which members of a shared subscription take the message.
    fn members<'a>(&'a mut self, message: &'a Message) -> (&'a mut Router, Members<'a>) {
        let Self { router, sessions, connections, access, settings, .. } = self;
        (router, Members { sessions, connections, access, settings, message, looked_at: Cell::new(0) })
    }

    /// Sends the message to the session's client, queues it, or drops it.
    pub(super) fn deliver_to_session(
        &mut self,
        session_key: SessionKey,
        message: &Arc<Message>,
        delivery: &Delivery<'_>,
        now: Now,
    ) {
        self.deliver_content(session_key, Content::of(message), || Arc::clone(message), delivery, now);
    }

    /// The same for a message of which `whole` is only asked for where it is kept.
    pub(super) fn deliver_content(
        &mut self,
        session_key: SessionKey,
        content: Content<'_>,
        whole: impl FnOnce() -> Arc<Message>,
        delivery: &Delivery<'_>,
        now: Now,
    ) {
        self.steps += 1 + (content.payload.len() / COPIED_IN_A_STEP) as u64;
        // At QoS 2 the time of a message may be over before its PUBREL comes [MQTT-3.3.2-5].
        if content.is_expired(now.wall) {
            return;
        }
        let session = &self.sessions[session_key];
        if !may_get(&self.access, &self.settings, session.identity(), content.topic)
            && !self.may_get_elsewhere(session, content.topic)
        {
            return;
        }
        let qos = outgoing_qos(&self.settings, session, delivery.qos, content.qos);
        match (session.connection, qos) {
            (Some(key), QoS::AtMostOnce) => self.send_at_qos0(key, session_key, content, delivery, now),
            (None, QoS::AtMostOnce) if !self.settings.queue_qos0_messages => {}
            (Some(key), _) if self.has_room_in_window(key, session_key) => {
                let entry = entry(&mut self.sessions[session_key], whole(), qos, delivery, now);
                self.send_in_window(key, session_key, entry, true, now);
            }
            (link, _) if may_queue(&self.settings, session, link.map(|key| self.connections[key].window)) => {
                let session = &mut self.sessions[session_key];
                let mut entry = entry(session, whole(), qos, delivery, now);
                session.outgoing.reserve(&mut entry);
                self.journal.queued(session, &entry, Direction::Out);
                session.outgoing.enqueue(entry);
            }
            _ => self.drop_message_for(session_key),
        }
    }

    /// Whether a client whose listener is a guess may get messages of the topic by another: they are looked at again when it is
    /// back, and none may be lost until then.
    fn may_get_elsewhere(&self, session: &Session, topic: &str) -> bool {
        let listeners = 0..self.settings.listeners.len();
        session.is_listener_guessed
            && listeners.map(|listener| ListenerId(listener as u16)).any(|listener| {
                may_get(&self.access, &self.settings, Identity { listener, ..session.identity() }, topic)
            })
    }

    /// Sends one client a message of the broker, which no subscription asked for.
    pub(super) fn send_own_message(
        &mut self,
        key: ConnectionKey,
        session_key: SessionKey,
        topic: &str,
        payload: &[u8],
        now: Now,
    ) {
        let content = Content { topic, payload, qos: QoS::AtMostOnce, properties: &NO_PROPERTIES, expires_at: None };
        let delivery = Delivery { qos: QoS::AtMostOnce, retain: false, identifiers: &[], shared: None };
        self.send_at_qos0(key, session_key, content, &delivery, now);
    }

    /// Sends a message at QoS 0, or drops it where too much waits for the socket: nothing sends it later.
    fn send_at_qos0(
        &mut self,
        key: ConnectionKey,
        session_key: SessionKey,
        content: Content<'_>,
        delivery: &Delivery<'_>,
        now: Now,
    ) {
        if is_backlogged(&self.settings, &self.connections[key].output) {
            self.drop_message_for(session_key);
            return;
        }
        let outgoing = OutgoingPublish {
            content,
            topic: visible(content.topic, self.mount_point(key)),
            // [MQTT-4.3.1-1]
            dup: false,
            qos: QoS::AtMostOnce,
            retain: delivery.retain,
            packet_id: None,
            identifiers: delivery.identifiers,
            wall: now.wall,
        };
        if self.connections[key].publish(outgoing).is_ok() {
            self.sent(key, session_key, &outgoing);
        }
    }

    /// Whether a message at QoS 1 or 2 may be sent now: none goes before one that waits [MQTT-4.6.0-5].
    fn has_room_in_window(&self, key: ConnectionKey, session_key: SessionKey) -> bool {
        let outgoing = &self.sessions[session_key].outgoing;
        outgoing.is_queue_empty() && outgoing.has_room(self.connections[key].window, self.settings.max_inflight_bytes)
    }

    /// Sends an entry at QoS 1 or 2, which is in flight from then on. `is_new`: the store does not know it yet.
    fn send_in_window(&mut self, key: ConnectionKey, session_key: SessionKey, entry: Entry, is_new: bool, now: Now) {
        let session = &mut self.sessions[session_key];
        let is_kept = self.journal.covers(session);
        let journal = &self.journal;
        let has_stored = |generation| journal.has_stored(generation);
        let goes_ahead = is_kept && !is_new && session.outgoing.goes_ahead(&entry, journal.generation(), has_stored);
        let (id, entry) = session.outgoing.begin_flow(entry);
        let mount_point = self.settings.listeners[usize::from(self.connections[key].listener.0)].mount_point.as_deref();
        let outgoing = publish_of(entry, mount_point, now);
        let before = self.connections[key].output.so_far();
        if self.connections[key].publish(outgoing).is_err() {
            // The message is too large for this client, and counts as delivered [MQTT-3.1.2-25].
            let state = entry.state;
            if let Ok(Some(entry)) = session.outgoing.finish(id, state)
                && !is_new
            {
                self.discard(session_key, std::slice::from_ref(&entry));
            }
            return;
        }
        sent(self.interest.packets, &mut self.events, &mut self.statistics, &session.id, &outgoing);
        if goes_ahead {
            self.note_later(session_key, now);
        } else if is_kept {
            let session = &self.sessions[session_key];
            if let Some(entry) = session.outgoing.newest() {
                if is_new {
                    self.journal.queued(session, entry, Direction::Out);
                } else {
                    self.journal.changed(session, entry, Direction::Out);
                }
            }
            self.rest_on_store(key, before);
        }
        self.list(key);
    }

    /// Sends what waits, as far as the window allows.
    pub(super) fn fill_window(&mut self, session_key: SessionKey, now: Now) {
        if self.sessions[session_key].outgoing.is_queue_empty() {
            return;
        }
        if !self.sessions[session_key].jobs.fills_window()
            && self.fill_window_slice(session_key, &mut Slice::new(), now) != Progress::Done
        {
            self.postpone(session_key, Job::FillWindow);
        }
    }

    pub(super) fn fill_window_slice(&mut self, session_key: SessionKey, slice: &mut Slice, now: Now) -> Progress {
        let Some(key) = self.sessions[session_key].connection else { return Progress::Done };
        while self.sessions[session_key]
            .outgoing
            .has_room(self.connections[key].window, self.settings.max_inflight_bytes)
        {
            if slice.is_over() {
                return Progress::Cut;
            }
            slice.spend(1);
            self.steps += 1;
            if self.resend(key, session_key, now) {
                continue;
            }
            let Some(entry) = self.sessions[session_key].outgoing.dequeue() else { break };
            let who = self.sessions[session_key].identity();
            let gone =
                entry.message.is_expired(now.wall) || !may_get(&self.access, &self.settings, who, &entry.message.topic);
            if gone {
                self.discard(session_key, std::slice::from_ref(&entry));
            } else if entry.qos == QoS::AtMostOnce {
                let delivery = Delivery {
                    qos: entry.qos,
                    retain: entry.retain,
                    identifiers: entry.by.identifiers(),
                    shared: None,
                };
                self.send_at_qos0(key, session_key, Content::of(&entry.message), &delivery, now);
                self.discard(session_key, std::slice::from_ref(&entry));
            } else {
                self.send_in_window(key, session_key, entry, false, now);
            }
        }
        Progress::Done
    }

    /// Sends the next of those in flight that were sent on an earlier connection. Says whether there was one.
    fn resend(&mut self, key: ConnectionKey, session_key: SessionKey, now: Now) -> bool {
        let session = &mut self.sessions[session_key];
        let Some(entry) = session.outgoing.resend() else { return false };
        let Some(packet_id) = entry.packet_id else { return true };
        // [MQTT-4.3.3-6]
        if entry.state == EntryState::WaitForPubComp {
            let is_kept = self.journal.covers(session);
            if !(is_kept && self.waits_for_store(key, Step::PubRec(packet_id))) {
                self.send(key, &Packet::PubRel(Ack::new(packet_id)));
            }
            return true;
        }
        // [MQTT-3.3.1-1]
        entry.dup = true;
        let state = entry.state;
        let mount_point = self.settings.listeners[usize::from(self.connections[key].listener.0)].mount_point.as_deref();
        let outgoing = publish_of(entry, mount_point, now);
        if self.connections[key].publish(outgoing).is_ok() {
            sent(self.interest.packets, &mut self.events, &mut self.statistics, &session.id, &outgoing);
            self.list(key);
        } else if let Ok(Some(entry)) = self.sessions[session_key].outgoing.finish(packet_id, state) {
            self.discard(session_key, std::slice::from_ref(&entry));
        }
        true
    }

    /// The client is back: it gets what was in flight again [MQTT-4.4.0-1], by a shared subscription too [MQTT-4.8.2-4], then
    /// what waits.
    pub(super) fn resume(&mut self, session_key: SessionKey, now: Now) {
        let (access, settings) = (&self.access, &self.settings);
        let Session { id, username, listener, outgoing, incoming, .. } = &mut self.sessions[session_key];
        let who = Identity { client_id: id, username: username.as_deref(), listener: *listener };
        // What waits for its PUBREL was written by whoever had the session then, under the rules of that time.
        let unwritable = incoming.take_refused(|entry| {
            let topic = &entry.message.topic;
            is_mounted(settings, who, topic) && access.may_publish(who, topic)
        });
        // A PUBREL is no message: it completes what the client has already taken. Nor does a message expire that was
        // sent before: its flow is under way [MQTT-4.3.3-7]. What is queued is looked at when its turn comes.
        let refused = outgoing.take_refused(|entry| {
            entry.state == EntryState::WaitForPubComp || may_get(access, settings, who, &entry.message.topic)
        });
        outgoing.rewind();
        self.discard(session_key, &refused);
        self.discard(session_key, &unwritable);
        self.fill_window(session_key, now);
    }

    /// Forgets entries that are delivered, expired or no longer allowed.
    pub(super) fn discard(&mut self, session_key: SessionKey, entries: &[Entry]) {
        for entry in entries {
            self.journal.removed(&self.sessions[session_key], entry);
        }
    }

    fn mount_point(&self, key: ConnectionKey) -> Option<&str> {
        self.listener(self.connections[key].listener).mount_point.as_deref()
    }

    fn sent(&mut self, key: ConnectionKey, session_key: SessionKey, outgoing: &OutgoingPublish<'_>) {
        sent(self.interest.packets, &mut self.events, &mut self.statistics, &self.sessions[session_key].id, outgoing);
        self.list(key);
    }

    /// A message is dropped because the client takes too little.
    fn drop_message_for(&mut self, session_key: SessionKey) {
        self.statistics.publish_dropped += 1;
        let session = &mut self.sessions[session_key];
        if !session.drop_noticed {
            session.drop_noticed = true;
            let id = session.id.clone();
            self.note(|| Event::MessagesDropped { client: id });
        }
    }
}

fn entry(session: &mut Session, message: Arc<Message>, qos: QoS, delivery: &Delivery<'_>, now: Now) -> Entry {
    Entry {
        message,
        sequence: session.next_sequence(),
        packet_id: None,
        qos,
        retain: delivery.retain,
        // Whatever the publisher's was [MQTT-3.3.1-3] [MQTT-4.3.2-2] [MQTT-4.3.3-2].
        dup: false,
        state: EntryState::Queued,
        by: ComesBy::new(delivery.identifiers, delivery.shared),
        queued_at: now.wall,
        pubrel_order: None,
    }
}

fn publish_of<'a>(entry: &'a Entry, mount_point: Option<&str>, now: Now) -> OutgoingPublish<'a> {
    OutgoingPublish {
        content: Content::of(&entry.message),
        topic: visible(&entry.message.topic, mount_point),
        dup: entry.dup,
        qos: entry.qos,
        retain: entry.retain,
        packet_id: entry.packet_id,
        identifiers: entry.by.identifiers(),
        wall: now.wall,
    }
}

/// Whether the client may get messages of the topic.
fn may_get(access: &Access, settings: &Settings, who: Identity<'_>, topic: &str) -> bool {
    is_mounted(settings, who, topic) && access.may_receive(who, topic)
}

/// Whether the topic is there for clients of the listener. Behind a mount point there is nothing but what is below it, whatever
/// filters and messages a session has from the time before a reload or a restart that gave its listener another.
fn is_mounted(settings: &Settings, who: Identity<'_>, topic: &str) -> bool {
    let mount_point = settings.listeners[usize::from(who.listener.0)].mount_point.as_deref();
    mount_point.is_none_or(|mount_point| topic.starts_with(mount_point))
}

/// The topic as clients behind the mount point see it.
fn visible<'a>(topic: &'a str, mount_point: Option<&str>) -> &'a str {
    mount_point.and_then(|mount_point| topic.strip_prefix(mount_point)).unwrap_or(topic)
}

/// What decides which members of a shared subscription take a message.
struct Members<'a> {
    sessions: &'a Slab<SessionKey, Session>,
    connections: &'a Slab<ConnectionKey, Connection>,
    access: &'a Access,
    settings: &'a Settings,
    message: &'a Message,
    /// How many members have been asked for.
    looked_at: Cell<u64>,
}

impl Members<'_> {
    /// Steps that it takes to look at so many.
    fn steps(&self) -> u64 {
        self.looked_at.get() / LOOKED_AT_IN_A_STEP
    }

    /// Whether the member is one of those. One whose session has ended, and whose subscriptions are still to be removed, is
    /// none of them.
    fn are(&self, member: &Subscriber, kind: Candidates) -> bool {
        self.looked_at.set(self.looked_at.get() + u64::from(kind == Candidates::Connected));
        let Some(session) = self.sessions.get(member.session) else { return false };
        let qos = outgoing_qos(self.settings, session, member.options.qos, self.message.qos);
        let takes = match (kind, session.connection) {
            (Candidates::Connected, Some(key)) if qos == QoS::AtMostOnce => {
                !is_backlogged(self.settings, &self.connections[key].output)
            }
            (Candidates::Connected, Some(key)) => {
                session.outgoing.is_queue_empty()
                    && session.outgoing.has_room(self.connections[key].window, self.settings.max_inflight_bytes)
                    || may_queue(self.settings, session, Some(self.connections[key].window))
            }
            (Candidates::Away, None) => {
                (qos > QoS::AtMostOnce || self.settings.queue_qos0_messages) && may_queue(self.settings, session, None)
            }
            (Candidates::Any, _) => return true,
            _ => return false,
        };
        takes && may_get(self.access, self.settings, session.identity(), &self.message.topic)
    }
}

/// The QoS at which a client gets the message, of what it was granted [MQTT-3.8.4-8], by a shared subscription too
/// [MQTT-4.8.2-3].
fn outgoing_qos(settings: &Settings, session: &Session, granted: QoS, published: QoS) -> QoS {
    let most = settings.listeners[usize::from(session.listener.0)].max_qos;
    if settings.upgrade_outgoing_qos { granted } else { granted.min(published) }.min(most)
}

/// Whether so much waits for the socket that a message at QoS 0 is dropped.
fn is_backlogged(settings: &Settings, output: &OutputBuffer) -> bool {
    let full =
        output.blocked && settings.max_queued_messages.is_some_and(|limit| output.packets + output.writing >= limit);
    full || output.bytes.len() > MAXIMUM_BACKLOG_BYTES
}

/// Whether one more may wait. Online, with `window`, the window is on top of the limits: what is acknowledged next
/// makes room for that many.
fn may_queue(settings: &Settings, session: &Session, window: Option<NonZeroU16>) -> bool {
    let (more, more_bytes) = match (window, settings.max_inflight_messages) {
        (Some(window), Some(_)) => (usize::from(window.get()), settings.max_inflight_bytes.unwrap_or(0)),
        (Some(_), None) => (0, settings.max_inflight_bytes.unwrap_or(0)),
        (None, _) => (0, 0),
    };
    let (queued, bytes) = (session.outgoing.queued(), session.outgoing.queued_bytes());
    settings.max_queued_messages.is_none_or(|limit| queued < limit as usize + more)
        && settings.max_queued_bytes.is_none_or(|limit| bytes < limit + more_bytes)
}

/// What one client gets once, though several of its subscriptions match: with all their identifiers, and the first shared
/// subscription among them.
type Merged<'a> = (Subscriber, Vec<SubscriptionIdentifier>, Option<&'a Arc<SubscriptionFilter>>);

/// One copy per client: at its highest QoS [MQTT-3.3.4-2], with all its identifiers [MQTT-3.3.4-4].
fn merged<'a>(found: &[Subscriber], found_shared: &'a [SharedSubscriber]) -> Vec<Merged<'a>> {
    let mut places = HashMap::new();
    let mut merged: Vec<Merged<'_>> = Vec::new();
    let plain = found.iter().map(|subscriber| (subscriber, None));
    for (subscriber, shared) in plain.chain(found_shared.iter().map(|(member, shared)| (member, Some(shared)))) {
        let place = *places.entry(subscriber.session).or_insert_with(|| {
            merged.push((*subscriber, Vec::new(), None));
            merged.len() - 1
        });
        let (one, identifiers, by) = &mut merged[place];
        *by = by.or(shared);
        one.options.qos = one.options.qos.max(subscriber.options.qos);
        one.options.retain_as_published |= subscriber.options.retain_as_published;
        identifiers.extend(subscriber.identifier);
    }
    merged
}

/// Counts a PUBLISH that goes out and, if wanted, makes the event of it.
fn sent(
    wanted: bool,
    events: &mut VecDeque<Event>,
    statistics: &mut Statistics,
    client: &ByteString,
    outgoing: &OutgoingPublish<'_>,
) {
    let bytes = outgoing.content.payload.len();
    statistics.messages_sent += 1;
    statistics.publish_sent += 1;
    statistics.publish_bytes_sent += bytes as u64;
    if wanted {
        let summary = PublishSummary {
            dup: outgoing.dup,
            qos: outgoing.qos,
            retain: outgoing.retain,
            packet_id: outgoing.packet_id,
            topic: ByteString::from(outgoing.topic),
            bytes,
        };
        events.push_back(Event::Sent(client.clone(), PacketSummary::Publish(summary)));
    }
}
