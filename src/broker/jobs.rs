//! What a session's client has asked for and is not done yet.

use std::collections::VecDeque;
use std::num::NonZeroU64;
use std::sync::Arc;
use std::vec;

use super::clock::Monotonic;
use super::connection_id::ConnectionId;
use super::message::Message;
use super::retained_messages::Matching;
use super::router::Subscriber;
use super::slab::SessionKey;
use crate::mqtt::packet::{PacketId, ReasonCode, SubscriptionIdentifier, SubscriptionOptions};
use crate::mqtt::topic::SubscriptionFilter;

/// Something that a session's client asked for and that did not fit into one slice.
#[derive(Debug)]
pub(super) enum Job {
    Subscribe(Box<Subscribing>),
    Unsubscribe(Box<Unsubscribing>),
    /// What is in flight or queued goes out as far as the window allows.
    FillWindow,
    /// A message of its client goes to very many.
    FanOut(Box<FanOut>),
}

/// A SUBSCRIBE as far as it has come: filter by filter, SUBACK, retained messages.
#[derive(Debug)]
pub(super) struct Subscribing {
    pub(super) connection: ConnectionId,
    pub(super) packet_id: PacketId,
    pub(super) identifier: Option<SubscriptionIdentifier>,
    /// All filters of the packet; empty once it is acknowledged.
    pub(super) filters: Vec<(SubscriptionFilter, SubscriptionOptions)>,
    /// Of the filters so far.
    pub(super) codes: Vec<ReasonCode>,
    pub(super) is_acknowledged: bool,
    /// The subscriptions whose retained messages are to come.
    pub(super) fresh: VecDeque<(Subscriber, SubscriptionFilter)>,
    /// The retained messages of the first of them.
    pub(super) matching: Option<Matching>,
}

impl Subscribing {
    pub(super) fn is_acknowledged(&self) -> bool {
        self.is_acknowledged
    }
}

/// An UNSUBSCRIBE as far as it has come.
#[derive(Debug)]
pub(super) struct Unsubscribing {
    pub(super) connection: ConnectionId,
    pub(super) packet_id: PacketId,
    /// All filters of the packet.
    pub(super) filters: Vec<SubscriptionFilter>,
    /// Of the filters so far.
    pub(super) codes: Vec<ReasonCode>,
    /// When the last filter was taken away, by [`Broker::moment`](super::Broker::moment).
    pub(super) done_at: Option<u64>,
}

/// A message on its way to very many.
#[derive(Debug)]
pub(super) struct FanOut {
    pub(super) message: Arc<Message>,
    pub(super) publisher: Option<SessionKey>,
    /// Those who are to get it; `None` before it has begun.
    pub(super) receivers: Option<Receivers>,
    pub(super) answer: Option<(ConnectionId, Answer)>,
    /// Who has it already, where it goes on after a restart.
    pub(super) given_until: Option<Place>,
}

/// The packet that the publisher gets at the end.
#[derive(Clone, Copy, Debug)]
pub(super) enum Answer {
    PubAck(PacketId),
    /// PUBCOMP. Until then the session holds the message, as before PUBREL.
    PubComp(PacketId),
}

#[derive(Debug)]
pub(super) struct Receivers {
    /// When it began, by [`Broker::moment`](super::Broker::moment).
    pub(super) begun: u64,
    pub(super) subscribers: vec::IntoIter<Subscriber>,
    /// The filters of shared subscriptions.
    pub(super) groups: vec::IntoIter<Arc<SubscriptionFilter>>,
    /// Where they are put in an order first.
    pub(super) in_order: Option<Box<InOrder>>,
}

impl Receivers {
    pub(super) fn next(&mut self) -> Option<Receiver> {
        if let Some((_, receiver)) = self.in_order.as_mut().and_then(|in_order| in_order.placed.pop()) {
            return Some(receiver);
        }
        self.subscribers.next().map(Receiver::Subscriber).or_else(|| self.groups.next().map(Receiver::Group))
    }

    pub(super) fn has_next(&self) -> bool {
        let is_some_placed = self.in_order.as_ref().is_some_and(|in_order| !in_order.placed.is_empty());
        is_some_placed || self.subscribers.len() + self.groups.len() > 0
    }
}

/// Receivers in an order that is the same after a restart.
#[derive(Debug, Default)]
pub(super) struct InOrder {
    /// Those whose places are known; the first is the last of them once they are sorted.
    pub(super) placed: Vec<(Place, Receiver)>,
    pub(super) is_sorted: bool,
    /// Who has a place up to this one has the message already.
    pub(super) given_until: Option<Place>,
}

/// Somebody who is to get a message.
#[derive(Clone, Debug)]
pub(super) enum Receiver {
    Subscriber(Subscriber),
    Group(Arc<SubscriptionFilter>),
}

/// A place in that order.
pub(super) type Place = NonZeroU64;

impl FanOut {
    /// Whether its publisher waits for an answer that says it is kept.
    pub(super) fn is_unacknowledged(&self) -> bool {
        self.answer.is_some()
    }
}

/// The jobs of a session.
#[derive(Debug, Default)]
pub(super) struct Jobs {
    pub(super) list: VecDeque<Job>,
    /// It stands in the broker's list of those with work.
    pub(super) is_listed: bool,
    /// When waiting for the client to read is over.
    pub(super) timer: Option<Monotonic>,
    /// The client has not read for too long, or is gone: nothing waits for it any more.
    pub(super) is_given_up: bool,
}

impl Jobs {
    pub(super) fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// Whether a change of the session's subscriptions is under way that no SUBACK or UNSUBACK has answered.
    pub(super) fn has_unacknowledged(&self) -> bool {
        self.list.iter().any(|job| match job {
            Job::Subscribe(subscribing) => !subscribing.is_acknowledged(),
            Job::Unsubscribe(_) => true,
            Job::FillWindow => false,
            Job::FanOut(fan_out) => fan_out.is_unacknowledged(),
        })
    }

    pub(super) fn fills_window(&self) -> bool {
        self.list.iter().any(|job| matches!(job, Job::FillWindow))
    }

    pub(super) fn waits_for_reader(&self) -> bool {
        !self.is_given_up
    }
}
