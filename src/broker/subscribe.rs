//! SUBSCRIBE and UNSUBSCRIBE.

use bytestring::ByteString;

use super::change::{Change, SubscriptionRecord};
use super::client::ClientKey;
use super::connection::ConnectionKey;
use super::event::{Closing, Event, Offence};
use super::router::Subscriber;
use super::{Broker, Now};
use crate::mqtt::packet::{
    Packet, PacketId, Properties, QoS, ReasonCode, RetainHandling, SubAck, Subscribe, SubscriptionOptions, UnsubAck,
    Unsubscribe,
};
use crate::mqtt::topic::TopicFilter;

const SHARE: &str = "$share/";

impl Broker {
    pub(super) fn subscribe(&mut self, key: ConnectionKey, client: ClientKey, subscribe: &Subscribe, now: Now) {
        if let Err((reason, why)) = subscribe.subscriptions.iter().try_for_each(|one| check(&one.filter)) {
            self.offended(key, Offence::NotAFilter);
            self.refuse(key, reason, why, now);
            return;
        }
        if !self.takes_codes(key, subscribe.packet_id, subscribe.subscriptions.len()) {
            self.refuse(key, ReasonCode::PACKET_TOO_LARGE, Closing::PacketTooLarge, now);
            return;
        }
        let identifier = subscribe.properties.subscription_identifier().unwrap_or(0);
        let mut codes = Vec::with_capacity(subscribe.subscriptions.len());
        let mut fresh = Vec::new();
        for subscription in &subscribe.subscriptions {
            let listener = self.listener(self.connections[key].listener);
            let filter = mounted(&subscription.filter, listener.mount_point.as_deref());
            if !self.sessions[client].takes_filter(&filter) || !self.can_keep(client, &filter) {
                self.note_filter(&subscription.filter, None);
                codes.push(ReasonCode::QUOTA_EXCEEDED);
                continue;
            }
            self.note_filter(&subscription.filter, Some(subscription.options.qos));
            let (subscriber, is_new) = self.subscribe_one(key, client, &filter, subscription.options, identifier);
            codes.push(ReasonCode(subscriber.options.qos as u8));
            let wanted = match subscriber.options.retain_handling {
                RetainHandling::SendAtSubscribe => true,
                RetainHandling::SendIfNew => is_new,
                RetainHandling::DoNotSend => false,
            };
            // Not for shared subscriptions, §4.8.2.
            if wanted && !filter.starts_with(SHARE) {
                fresh.push((subscriber, filter));
            }
        }
        let suback = SubAck { packet_id: subscribe.packet_id, properties: Properties::new(), codes };
        self.send(key, &Packet::SubAck(suback));
        for (subscriber, filter) in fresh {
            for message in self.retained.matching(&filter) {
                self.deliver_retained(&subscriber, &message, now);
            }
        }
    }

    /// Whether the client takes a SUBACK or UNSUBACK with so many codes [MQTT-3.1.2-24]. Both are of one length, and the
    /// only answers that may be larger than a CONNACK.
    fn takes_codes(&self, key: ConnectionKey, packet_id: PacketId, count: usize) -> bool {
        let connection = &self.connections[key];
        if connection.max_packet_size == u32::MAX {
            return true;
        }
        let codes = vec![ReasonCode::SUCCESS; count];
        let answer = Packet::SubAck(SubAck { packet_id, properties: Properties::new(), codes });
        answer.encoded_len(connection.version).is_ok_and(|length| length <= connection.max_packet_size as usize)
    }

    /// Whether the subscription lasts as long as its session. While the store fails, one that is there can be renewed.
    fn can_keep(&self, client: ClientKey, filter: &ByteString) -> bool {
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

    fn subscribe_one(
        &mut self,
        key: ConnectionKey,
        client: ClientKey,
        filter: &ByteString,
        mut options: SubscriptionOptions,
        identifier: u32,
    ) -> (Subscriber, bool) {
        options.qos = options.qos.min(self.listener(self.connections[key].listener).max_qos);
        let subscriber = Subscriber { client, options, identifier };
        let (group, plain) = split(filter);
        let is_new = self.router.subscribe(plain, group, subscriber);
        let session = &mut self.sessions[client];
        session.add_filter(filter.clone());
        let session = &self.sessions[client];
        if self.journal.covers(session) {
            let record = SubscriptionRecord {
                filter: filter.clone(),
                options,
                identifier: (identifier > 0).then_some(identifier),
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

    pub(super) fn unsubscribe(&mut self, key: ConnectionKey, client: ClientKey, unsubscribe: &Unsubscribe, now: Now) {
        if let Err((reason, why)) = unsubscribe.filters.iter().try_for_each(check) {
            self.refuse(key, reason, why, now);
            return;
        }
        if !self.takes_codes(key, unsubscribe.packet_id, unsubscribe.filters.len()) {
            self.refuse(key, ReasonCode::PACKET_TOO_LARGE, Closing::PacketTooLarge, now);
            return;
        }
        let mut codes = Vec::with_capacity(unsubscribe.filters.len());
        for filter in &unsubscribe.filters {
            if self.interest.packets {
                self.events.push_back(Event::FilterGone(filter.clone()));
            }
            let filter = mounted(filter, self.listener(self.connections[key].listener).mount_point.as_deref());
            let session = &mut self.sessions[client];
            let existed = session.remove_filter(&filter);
            codes.push(if existed { ReasonCode::SUCCESS } else { ReasonCode::NO_SUBSCRIPTION_EXISTED });
            if existed {
                let (group, plain) = split(&filter);
                self.router.unsubscribe(plain, group, client);
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
        }
        let unsuback = UnsubAck { packet_id: unsubscribe.packet_id, properties: Properties::new(), codes };
        self.send(key, &Packet::UnsubAck(unsuback));
    }
}

/// Whether it is a filter. Mosquitto's reason codes, not 0x8F.
fn check(filter: &ByteString) -> Result<(), (ReasonCode, Closing)> {
    let filter = TopicFilter::new(filter.clone()).map_err(|_| (ReasonCode::MALFORMED_PACKET, Closing::Malformed))?;
    filter.share().map_err(|_| (ReasonCode::PROTOCOL_ERROR, Closing::ProtocolError))?;
    Ok(())
}

/// The group, if it is a shared subscription, and the filter that topics are matched with.
pub(super) fn split(filter: &str) -> (Option<&str>, &str) {
    match filter.strip_prefix(SHARE).and_then(|rest| rest.split_once('/')) {
        Some((group, plain)) => (Some(group), plain),
        None => (None, filter),
    }
}

/// The filter with the mount point in front of what topics are matched with, in memory of its own.
fn mounted(filter: &str, mount_point: Option<&str>) -> ByteString {
    let mount_point = mount_point.unwrap_or_default();
    match split(filter) {
        (Some(group), plain) => format!("{SHARE}{group}/{mount_point}{plain}").into(),
        (None, plain) => format!("{mount_point}{plain}").into(),
    }
}
