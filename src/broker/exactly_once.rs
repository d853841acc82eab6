//! A message at QoS 2 of a session that is kept, for very many: each gets it once, though the broker is killed half-way [MQTT-4.3.3-10].
//!
//! It is given out in slices, in an order of the receivers that is the same after a restart: that of hashes of their names. With each slice
//! the store gets, in one transaction, the entries of those who have it and how far that is, in the row of the message that waits
//! for its PUBCOMP. A start goes on from there.

use std::cmp::Reverse;
use std::num::NonZeroU64;
use std::sync::Arc;

use aws_lc_rs::digest::{SHA256, digest};

use super::change::{Direction, EntryState};
use super::entry::{ComesBy, Entry};
use super::jobs::{Answer, FanOut, InOrder, Job, Place, Receiver, Receivers};
use super::message::Message;
use super::session::{Session, SessionKey};
use super::slice::Slice;
use super::{Broker, ConnectionId, Now};
use crate::mqtt::packet::{PacketId, QoS};

/// The connection of nobody, where none waits for an answer.
const NO_CONNECTION: ConnectionId = ConnectionId(u64::MAX);

/// Receivers that are sorted in a microsecond, at least.
const SORTED_IN_A_STEP: usize = 8;

impl Broker {
    /// The order in which a message is given out, if the store is told how far it has come, or some have it already.
    pub(super) fn order_of(
        &self,
        publisher: Option<SessionKey>,
        answer: Option<(ConnectionId, Answer)>,
        given_until: Option<Place>,
    ) -> Option<InOrder> {
        let session = publisher.and_then(|session_key| self.sessions.get(session_key));
        let is_noted = matches!(answer, Some((_, Answer::PubComp(_))))
            && session.is_some_and(|session| self.journal.covers(session));
        (is_noted || given_until.is_some()).then(|| InOrder { given_until, ..InOrder::default() })
    }

    /// Goes on with putting them in order. Says whether they are, and the slice has room for some.
    pub(super) fn put_in_order(&self, receivers: &mut Receivers, slice: &mut Slice) -> bool {
        let Receivers { begun, subscribers, groups, in_order: Some(in_order) } = receivers else { return true };
        while !in_order.is_sorted && !slice.is_over() {
            slice.spend(1);
            let (place, receiver) = if let Some(subscriber) = subscribers.next() {
                let session = self.sessions.get(subscriber.session).filter(|session| session.began <= *begun);
                let Some(session) = session else { continue };
                (place_of(&session.id), Receiver::Subscriber(subscriber))
            } else if let Some(filter) = groups.next() {
                (place_of(&filter), Receiver::Group(filter))
            } else {
                in_order.placed.sort_unstable_by_key(|&(place, _)| Reverse(place));
                in_order.is_sorted = true;
                // It takes as long as a slice where they are very many.
                slice.spend(in_order.placed.len() / SORTED_IN_A_STEP);
                break;
            };
            if Some(place) > in_order.given_until {
                in_order.placed.push((place, receiver));
            }
        }
        in_order.is_sorted && !slice.is_over()
    }

    /// The next receiver of this slice. Of those with one place, as the subscriptions of one client, all are in one. Behind the last
    /// it is noted how far the message has come.
    pub(super) fn next_in_order(
        &mut self,
        session_key: SessionKey,
        packet_id: PacketId,
        receivers: &mut Receivers,
        slice: &Slice,
    ) -> Option<Receiver> {
        let in_order = receivers.in_order.as_mut()?;
        let &(place, _) = in_order.placed.last()?;
        if !slice.is_over() || in_order.given_until == Some(place) {
            in_order.given_until = Some(place);
            return in_order.placed.pop().map(|(_, receiver)| receiver);
        }
        if let Some(session) = self.sessions.get_mut(session_key)
            && let Some(entry) = session.incoming.get_mut(packet_id)
        {
            entry.pubrel_order = in_order.given_until;
            let session = &self.sessions[session_key];
            if let Some(entry) = session.incoming.get(packet_id) {
                self.journal.changed(session, entry, Direction::In);
            }
        }
        None
    }

    /// Gives out a message that the session has not sent with a packet id, its will: it is kept as one at QoS 2 whose PUBREL has come.
    pub(super) fn fan_out_exactly_once(&mut self, session_key: SessionKey, message: Arc<Message>, now: Now) {
        let session = &mut self.sessions[session_key];
        // A client that is back is heard when this is over.
        let Some(packet_id) = session.incoming.last_free() else { return self.fan_out_later(message, now) };
        let entry = Entry {
            sequence: session.next_sequence(),
            packet_id: Some(packet_id),
            qos: QoS::ExactlyOnce,
            retain: message.retain,
            dup: false,
            state: EntryState::WaitForPubRel,
            by: ComesBy::default(),
            queued_at: now.wall,
            pubrel_order: Some(Place::MIN),
            message: Arc::clone(&message),
        };
        self.journal.queued(session, &entry, Direction::In);
        session.incoming.insert(packet_id, entry);
        self.fan_out(session_key, message, Some((NO_CONNECTION, Answer::PubComp(packet_id))), now);
    }

    /// Goes on, after a restart, with a message that some have got.
    pub(super) fn go_on_giving_out(&mut self, session_key: SessionKey) {
        let under_way = |session: &Session| {
            let mut incoming = session.incoming.iter();
            let entry = incoming.find(|entry| entry.pubrel_order.is_some())?;
            Some((Arc::clone(&entry.message), entry.packet_id?, entry.pubrel_order))
        };
        if let Some((message, packet_id, given_until)) = under_way(&self.sessions[session_key]) {
            // Its client asks again for the answer when it is back.
            let answer = Some((NO_CONNECTION, Answer::PubComp(packet_id)));
            let fan_out = FanOut { message, publisher: Some(session_key), receivers: None, answer, given_until };
            self.postpone(session_key, Job::FanOut(Box::new(fan_out)));
        }
    }
}

/// Where the client with this id, or the group with this filter, stands. The store knows such numbers: they stay what they are.
fn place_of(name: &str) -> Place {
    let hash = digest(&SHA256, name.as_bytes());
    let first = hash.as_ref().iter().take(8).fold(0, |number, &byte| number << 8 | u64::from(byte));
    // SQLite has 63 bits.
    NonZeroU64::new(first >> 1).unwrap_or(NonZeroU64::MIN)
}
