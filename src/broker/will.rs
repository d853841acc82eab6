//! All rules of wills, §3.1.2.5: which will is accepted, when it is sent, when it is taken back, and what a restart
//! leaves of it.
//!
//! A will is sent once, at the first of these moments:
//!
//! * its connection ends, other than by a DISCONNECT that takes the will back, and the will has no delay;
//! * its delay is over, counted from the end of the connection;
//! * its session ends;
//! * the broker ends orderly.
//!
//! Until then it is forgotten when its client id connects again.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;

use super::change::{Change, WillRecord};
use super::clock::Monotonic;
use super::deliver::{AtOnce, Routed};
use super::event::{Closing, Event};
use super::message::{Message, detached};
use super::refusal::Refusal;
use super::session::{PendingWill, Session, SessionKey};
use super::{Broker, Now};
use crate::mqtt::packet::{Property, QoS, ReasonCode, Will};
use crate::mqtt::topic::TopicName;

/// What becomes of a session once its will is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Afterwards {
    GoesOn,
    /// It ends, or the broker does.
    Ends,
}

impl Broker {
    /// Whether the will of a CONNECT is accepted.
    pub(super) fn admit_will(&self, will: &Will, max_qos: QoS) -> Result<(), Refusal> {
        // Will topics on `$CONTROL` are reserved for what we do not have.
        if TopicName::check(&will.topic).is_err() || will.topic.starts_with("$CONTROL/") {
            return Err(Refusal::silent(Closing::Malformed));
        }
        // [MQTT-3.2.2-12]
        if will.qos > max_qos {
            let refusal = Refusal::new(ReasonCode::QOS_NOT_SUPPORTED, Closing::NotSupported);
            return Err(Refusal { limit: Some(Property::MaximumQoS(max_qos as u8)), ..refusal });
        }
        // [MQTT-3.2.2-13]
        if will.retain && !self.settings.retain_available {
            return Err(Refusal::new(ReasonCode::RETAIN_NOT_SUPPORTED, Closing::NotSupported));
        }
        if self.settings.message_size_limit.is_some_and(|limit| will.payload.len() > limit as usize) {
            return Err(Refusal::new(ReasonCode::PACKET_TOO_LARGE, Closing::PayloadTooLarge));
        }
        Ok(())
    }

    /// The will of a new connection belongs to its session from now on, in place of any earlier one [MQTT-3.1.2-7].
    pub(super) fn set_will(&mut self, session_key: SessionKey, will: Option<Will>) {
        let session = &mut self.sessions[session_key];
        let mount_point = self.settings.listeners[usize::from(session.listener.0)].mount_point.as_deref();
        session.will = will.map(|will| Box::new(pending_will(&will, mount_point)));
    }

    /// Writes the will down for the store, behind the record of its session, which holds its delay.
    pub(super) fn record_will(&mut self, session_key: SessionKey) {
        let session = &self.sessions[session_key];
        if let Some(pending) = &session.will
            && self.journal.covers(session)
        {
            self.journal.push(Change::Will(session.id.clone(), Box::new(pending.will.clone())));
        }
    }

    /// Makes the event of the will that came with a CONNECT.
    pub(super) fn note_will(&mut self, session_key: SessionKey) {
        if !self.interest.packets {
            return;
        }
        let session = &self.sessions[session_key];
        let client = session.id.clone();
        self.events.push_back(match &session.will {
            None => Event::NoWill { client },
            Some(pending) => Event::Will {
                client,
                topic: pending.will.topic.clone(),
                bytes: pending.will.payload.len(),
                qos: pending.will.qos,
                retain: pending.will.retain,
            },
        });
    }

    /// DISCONNECT came. Only a normal disconnection takes the will back [MQTT-3.14.4-3]; with every other reason code it
    /// is sent [MQTT-3.1.2-8].
    pub(super) fn will_after_disconnect(&mut self, session_key: SessionKey, reason: ReasonCode) {
        if reason == ReasonCode::SUCCESS {
            self.clear_will(session_key);
        }
    }

    /// The connection has ended and the session goes on: the will is sent now, or waits for its delay.
    pub(super) fn will_after_connection(&mut self, session_key: SessionKey, now: Now) {
        let session = &mut self.sessions[session_key];
        let Some(pending) = &session.will else { return };
        session.will_due = Some(now.elapsed + Duration::from_secs(u64::from(pending.delay)));
        if pending.delay == 0 {
            self.publish_will(session_key, Afterwards::GoesOn, now);
        }
    }

    /// A deadline of the session has come, perhaps that of its will.
    pub(super) fn will_after_delay(&mut self, session_key: SessionKey, now: Now) {
        if self.sessions[session_key].will_due.is_some_and(|at| at <= now.elapsed) {
            self.publish_will(session_key, Afterwards::GoesOn, now);
        }
    }

    /// The session ends, and a will that still waits is sent with its end, §3.1.3.2.2.
    pub(super) fn will_at_session_end(&mut self, session_key: SessionKey, now: Now) {
        self.publish_will(session_key, Afterwards::Ends, now);
    }

    /// The client id has a new connection. A will whose delay is not over is not sent any more, whether the session goes
    /// on [MQTT-3.1.3-9] or ends. One without a delay is sent as soon as the connection before is closed [MQTT-3.1.2-8],
    /// so also where the session goes on.
    pub(super) fn will_at_takeover(&mut self, session_key: SessionKey, now: Now) {
        let session = &self.sessions[session_key];
        if session.will_due.is_some_and(|at| at <= now.elapsed) {
            self.publish_will(session_key, Afterwards::GoesOn, now);
        } else if session.will.as_ref().is_some_and(|will| will.delay > 0) {
            self.clear_will(session_key);
        }
    }

    /// The broker ends, and with it all connections: no will waits for its delay.
    pub(super) fn wills_at_shutdown(&mut self, now: Now) {
        for session_key in self.sessions.keys() {
            self.publish_will(session_key, Afterwards::Ends, now);
        }
    }

    /// The will is taken back, or sent: the session and the store have it no longer [MQTT-3.1.2-10].
    fn clear_will(&mut self, session_key: SessionKey) {
        let session = &mut self.sessions[session_key];
        session.will_due = None;
        if session.will.take().is_some() && self.journal.covers(session) {
            self.journal.push(Change::WillRemoved(session.id.clone()));
        }
    }

    /// Sends the will, if there is one and its client may still publish to its topic.
    fn publish_will(&mut self, session_key: SessionKey, afterwards: Afterwards, now: Now) {
        if self.sessions.get(session_key).is_none_or(|session| session.will.is_none()) {
            return;
        }
        // Nobody gets the will before what its client has published [MQTT-4.6.0-6].
        self.finish_fan_outs_of(session_key, now);
        let Some(pending) = self.sessions.get(session_key).and_then(|session| session.will.clone()) else { return };
        self.clear_will(session_key);
        let session = &mut self.sessions[session_key];
        let source = session.source(self.settings.listeners[usize::from(session.listener.0)].port);
        let session = &self.sessions[session_key];
        let will = pending.will;
        let may_publish = if session.is_listener_guessed {
            self.source_may_publish(&source, &will.topic)
        } else {
            self.access.may_publish(session.identity(), &will.topic)
        };
        if !may_publish {
            return;
        }
        let expiry = will.properties.message_expiry_interval();
        let message = Arc::new(Message {
            id: self.next_id(now),
            topic: will.topic,
            payload: will.payload,
            // [MQTT-3.1.2-9]
            qos: will.qos,
            // [MQTT-3.1.2-14] [MQTT-3.1.2-15]
            retain: will.retain,
            properties: will.properties,
            expires_at: expiry.map(|seconds| now.wall + Duration::from_secs(u64::from(seconds))),
            packet_id: None,
            source,
        });
        // The store forgets a will in the transaction in which it has the message: with all who get it, or with a session that keeps
        // it until all have.
        let is_kept = self.journal.covers(&self.sessions[session_key]);
        let at_once = if is_kept && afterwards == Afterwards::Ends { AtOnce::All } else { AtOnce::AFew };
        if self.publish_message(&message, Some(session_key), at_once, now) == Routed::TooMany {
            if is_kept {
                self.fan_out_exactly_once(session_key, message, now);
            } else {
                self.fan_out_later(message, now);
            }
        }
    }
}

/// Puts a will of the store back. Its delay went on while the broker was away: `left` says when what is left of a time
/// that began with the end of the connection is over. It is sent by the session's timer, never before the broker runs.
pub(super) fn restore_will(session: &mut Session, will: WillRecord, delay: u32, left: impl Fn(Duration) -> Monotonic) {
    session.will_due = Some(left(Duration::from_secs(u64::from(delay))));
    session.will = Some(Box::new(PendingWill { will, delay }));
}

/// The will of a CONNECT as the broker keeps it: with the mount point, in memory of its own, its delay apart.
fn pending_will(will: &Will, mount_point: Option<&str>) -> PendingWill {
    let delay = will.properties.will_delay_interval().unwrap_or(0);
    // In their order [MQTT-3.1.3-10].
    let mut properties = detached(&will.properties);
    // An expiry of 0 is none, as with Mosquitto: such a message could reach nobody.
    properties
        .retain(|property| !matches!(property, Property::WillDelayInterval(_) | Property::MessageExpiryInterval(0)));
    let topic = format!("{}{}", mount_point.unwrap_or_default(), will.topic).into();
    let payload = Bytes::copy_from_slice(&will.payload);
    let will = WillRecord { topic, payload, qos: will.qos, retain: will.retain, properties };
    PendingWill { will, delay }
}
