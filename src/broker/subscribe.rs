//! SUBSCRIBE and UNSUBSCRIBE.

use std::collections::VecDeque;
use std::sync::Arc;

use bytestring::ByteString;

use super::change::{Change, SubscriptionRecord};
use super::connection::ConnectionKey;
use super::event::{Closing, Event, Offence};
use super::jobs::{Job, Subscribing, Unsubscribing};
use super::retained::wants_retained;
use super::router::Subscriber;
use super::session::SessionKey;
use super::slice::{Progress, SLICE, Slice};
use super::{Broker, ConnectionId, Now};
use crate::mqtt::packet::{
    Packet, PacketId, Properties, QoS, ReasonCode, SubAck, Subscribe, Subscription, SubscriptionIdentifier,
    SubscriptionOptions, UnsubAck, Unsubscribe,
};
use crate::mqtt::topic::{TopicFilter, join_share, levels, split_share};

impl Broker {
    pub(super) fn subscribe(&mut self, key: ConnectionKey, client: SessionKey, subscribe: Subscribe, now: Now) {
        if let Err((reason, why)) = subscribe.subscriptions.iter().try_for_each(|one| check(&one.filter)) {
            self.offended(key, Offence::NotAFilter);
            self.refuse(key, reason, why, now);
            return;
        }
        if !self.takes_codes(key, subscribe.packet_id, subscribe.subscriptions.len()) {
            self.refuse(key, ReasonCode::PACKET_TOO_LARGE, Closing::PacketTooLarge, now);
            return;
        }
        let subscribing = Subscribing {
            connection: self.connections[key].id,
            codes: Vec::with_capacity(subscribe.subscriptions.len()),
            packet: subscribe,
            is_acknowledged: false,
            fresh: VecDeque::new(),
            matching: None,
        };
        self.begin(client, Job::Subscribe(Box::new(subscribing)), now);
    }

    pub(super) fn go_on_subscribing(
        &mut self,
        client: SessionKey,
        subscribing: &mut Subscribing,
        slice: &mut Slice,
        now: Now,
    ) -> Progress {
        while let Some(subscription) = subscribing.packet.subscriptions.get(subscribing.codes.len()) {
            if slice.is_over() {
                return Progress::Cut;
            }
            slice.spend(levels(&subscription.filter));
            let identifier = subscribing.packet.properties.subscription_identifier();
            let identifier = identifier.and_then(SubscriptionIdentifier::new);
            let number = subscribing.codes.len();
            let (code, fresh) = self.subscribe_one(client, subscription, identifier, number);
            subscribing.codes.push(code);
            subscribing.fresh.extend(fresh);
        }
        if !subscribing.is_acknowledged {
            subscribing.is_acknowledged = true;
            if let Some(key) = self.still_connected(client, subscribing.connection) {
                let codes = std::mem::take(&mut subscribing.codes);
                // No filter is left, whatever the number of codes.
                subscribing.packet.subscriptions.clear();
                let packet_id = subscribing.packet.packet_id;
                self.send(key, &Packet::SubAck(SubAck { packet_id, properties: Properties::new(), codes }));
            }
        }
        while let Some((subscriber, filter)) = subscribing.fresh.front() {
            if slice.is_over() {
                return Progress::Cut;
            }
            let matching = subscribing.matching.get_or_insert_with(|| self.retained.matching(filter, slice));
            loop {
                if self.waits_for_reader(client) {
                    return Progress::Full;
                }
                let Some(message) = self.retained.next(filter, matching, slice).map(Arc::clone) else { break };
                self.deliver_retained(subscriber, &message, now);
            }
            if !matching.is_done() {
                return Progress::Cut;
            }
            subscribing.matching = None;
            subscribing.fresh.pop_front();
        }
        Progress::Done
    }

    /// The client's connection, if it is the one with this name.
    fn still_connected(&self, client: SessionKey, connection: ConnectionId) -> Option<ConnectionKey> {
        self.sessions[client].connection.filter(|&key| self.connections[key].id == connection)
    }

    /// Subscribes to the filter with this number in its packet. Gives the code of the SUBACK, and what retained messages
    /// are wanted for.
    fn subscribe_one(
        &mut self,
        client: SessionKey,
        subscription: &Subscription,
        identifier: Option<SubscriptionIdentifier>,
        number: usize,
    ) -> (ReasonCode, Option<(Subscriber, ByteString)>) {
        let settings = &self.settings;
        let session = &self.sessions[client];
        let listener = self.listener(session.listener);
        let filter = mounted(&subscription.filter, listener.mount_point.as_deref());
        let fits = settings.max_subscriptions_per_packet.is_none_or(|limit| number < limit as usize)
            && session.takes_filter(&filter, settings.max_subscriptions)
            && self.can_keep(client, &filter);
        if !fits {
            self.note_filter(&subscription.filter, None);
            return (ReasonCode::QUOTA_EXCEEDED, None);
        }
        self.note_filter(&subscription.filter, Some(subscription.options.qos));
        let (subscriber, is_new) = self.add_subscription(client, &filter, subscription.options, identifier);
        let wanted = wants_retained(&filter, subscriber.options.retain_handling, is_new);
        (ReasonCode(subscriber.options.qos as u8), wanted.then_some((subscriber, filter)))
    }

    /// Whether the client takes a SUBACK or UNSUBACK with so many codes; both are of one length.
    fn takes_codes(&self, key: ConnectionKey, packet_id: PacketId, count: usize) -> bool {
        let connection = &self.connections[key];
        connection.takes(|| {
            let codes = vec![ReasonCode::SUCCESS; count];
            Packet::SubAck(SubAck { packet_id, properties: Properties::new(), codes }).encoded_len(connection.version)
        })
    }

    /// Whether the subscription lasts as long as its session. While the store fails, one that is there can be renewed.
    fn can_keep(&self, client: SessionKey, filter: &ByteString) -> bool {
        let session = &self.sessions[client];
        self.storing
            || !self.journal.covers(session)
            || session.subscriptions.contains(filter) && self.is_stored(session)
    }

    fn note_filter(&mut self, filter: &ByteString, granted: Option<QoS>) {
        if self.interest.packets {
            self.events.push_back(Event::Filter { filter: filter.clone(), granted });
        }
    }

    /// Says whether it is new.
    fn add_subscription(
        &mut self,
        client: SessionKey,
        filter: &ByteString,
        mut options: SubscriptionOptions,
        identifier: Option<SubscriptionIdentifier>,
    ) -> (Subscriber, bool) {
        options.qos = options.qos.min(self.listener(self.sessions[client].listener).max_qos);
        let subscriber = Subscriber { client, options, identifier };
        let is_new = self.router.subscribe(filter, subscriber);
        let session = &mut self.sessions[client];
        session.add_filter(filter.clone());
        let session = &self.sessions[client];
        if self.journal.covers(session) {
            let record = SubscriptionRecord {
                filter: filter.clone(),
                options,
                identifier: identifier.map(SubscriptionIdentifier::get),
            };
            self.journal.push(Change::Subscribed(session.id.clone(), record));
            if self.storing {
                self.promise(client);
            }
        }
        if self.interest.subscriptions {
            let session = &self.sessions[client];
            let event = Event::Subscribed { client: session.id.clone(), qos: options.qos, filter: filter.clone() };
            self.events.push_back(event);
        }
        (subscriber, is_new)
    }

    pub(super) fn unsubscribe(&mut self, key: ConnectionKey, client: SessionKey, unsubscribe: Unsubscribe, now: Now) {
        if let Err((reason, why)) = unsubscribe.filters.iter().try_for_each(check) {
            self.refuse(key, reason, why, now);
            return;
        }
        if !self.takes_codes(key, unsubscribe.packet_id, unsubscribe.filters.len()) {
            self.refuse(key, ReasonCode::PACKET_TOO_LARGE, Closing::PacketTooLarge, now);
            return;
        }
        let unsubscribing = Unsubscribing {
            connection: self.connections[key].id,
            codes: Vec::with_capacity(unsubscribe.filters.len()),
            packet: unsubscribe,
            done_at: None,
        };
        self.begin(client, Job::Unsubscribe(Box::new(unsubscribing)), now);
    }

    pub(super) fn go_on_unsubscribing(
        &mut self,
        client: SessionKey,
        unsubscribing: &mut Unsubscribing,
        slice: &mut Slice,
    ) -> Progress {
        while let Some(filter) = unsubscribing.packet.filters.get(unsubscribing.codes.len()) {
            if slice.is_over() {
                return Progress::Cut;
            }
            slice.spend(levels(filter));
            let code = self.unsubscribe_one(client, filter);
            unsubscribing.codes.push(code);
        }
        let done_at = *unsubscribing.done_at.get_or_insert(self.moment);
        if self.fans_out_since(done_at) {
            // After the UNSUBACK nothing more is delivered for these filters [MQTT-3.10.4-2].
            slice.spend(SLICE);
            return Progress::Cut;
        }
        if let Some(key) = self.still_connected(client, unsubscribing.connection) {
            let (packet_id, codes) = (unsubscribing.packet.packet_id, std::mem::take(&mut unsubscribing.codes));
            self.send(key, &Packet::UnsubAck(UnsubAck { packet_id, properties: Properties::new(), codes }));
        }
        Progress::Done
    }

    fn unsubscribe_one(&mut self, client: SessionKey, filter: &ByteString) -> ReasonCode {
        if self.interest.packets {
            self.events.push_back(Event::FilterGone(filter.clone()));
        }
        let filter = mounted(filter, self.listener(self.sessions[client].listener).mount_point.as_deref());
        let session = &mut self.sessions[client];
        let existed = session.remove_filter(&filter);
        if existed {
            self.router.unsubscribe(&filter, client);
            let client_id = session.id.clone();
            if self.journal.covers(&self.sessions[client]) {
                let change = Change::Unsubscribed { client_id, filter: filter.clone() };
                self.journal.push(change);
            }
        }
        // Whether it was there or not, as with Mosquitto.
        if self.interest.subscriptions {
            let client = self.sessions[client].id.clone();
            self.events.push_back(Event::Unsubscribed { client, filter });
        }
        if existed { ReasonCode::SUCCESS } else { ReasonCode::NO_SUBSCRIPTION_EXISTED }
    }
}

/// Whether it is a filter. Mosquitto's reason codes, not 0x8F.
fn check(filter: &ByteString) -> Result<(), (ReasonCode, Closing)> {
    let filter = TopicFilter::new(filter.clone()).map_err(|_| (ReasonCode::MALFORMED_PACKET, Closing::Malformed))?;
    filter.share().map_err(|_| (ReasonCode::PROTOCOL_ERROR, Closing::ProtocolError))?;
    Ok(())
}

/// The filter with the mount point in front of what topics are matched with, in memory of its own.
fn mounted(filter: &str, mount_point: Option<&str>) -> ByteString {
    let mount_point = mount_point.unwrap_or_default();
    match split_share(filter) {
        (Some(group), plain) => join_share(group, &format!("{mount_point}{plain}")),
        (None, plain) => format!("{mount_point}{plain}").into(),
    }
}
