//! How connections end: for what a client did, for its silence, or because the other end has gone.

use super::Now;
use super::connection::ConnectionKey;
use super::event::{Closing, Event};
use super::machine::Broker;
use super::timers::Timer;
use crate::mqtt::packet::{Disconnect, Packet, Properties, ProtocolVersion, ReasonCode};

impl Broker {
    /// Ends a connection whose client has its CONNACK [MQTT-3.14.0-1] for what the client did: one of version 5 gets the
    /// reason in a DISCONNECT, without a Reason String [MQTT-3.14.2-3], a User Property [MQTT-3.14.2-4] or a Session Expiry
    /// Interval [MQTT-3.14.2-2]. With or without it, the connection ends [MQTT-3.14.4-2] [MQTT-4.13.2-1].
    pub(super) fn refuse(&mut self, key: ConnectionKey, reason: ReasonCode, why: Closing, now: Now) {
        if self.connections[key].version == ProtocolVersion::V5 {
            self.send(key, &Packet::Disconnect(Disconnect { reason, properties: Properties::new() }));
        }
        self.end(key, why, now);
    }

    /// Ends a connection: its session goes on without it, or ends as well; its will is sent unless `why` is a
    /// DISCONNECT that took it back.
    pub(super) fn end(&mut self, key: ConnectionKey, why: Closing, now: Now) {
        let connection = &self.connections[key];
        if connection.output.close {
            return;
        }
        let (id, session) = (connection.id, connection.session);
        let (client, peer) = (self.name(key), connection.peer.address.clone());
        self.close(key);
        self.note(|| Event::Disconnected { connection: id, client, peer, why });
        if let Some(session_key) = session {
            self.go_offline(session_key, now);
        }
    }

    /// The connection is to be closed once its output is written.
    pub(super) fn close(&mut self, key: ConnectionKey) {
        let connection = &mut self.connections[key];
        connection.session = None;
        connection.output.close = true;
        if connection.postponed.take().is_some() {
            // What came behind the CONNECT waits no longer.
            self.idle.push_back(connection.id);
        }
        // A peer that does not read will not get the rest either.
        if connection.output.blocked {
            connection.output.writing = 0;
            connection.output.clear();
        }
        self.timers.arm(Timer::Connection(key), &mut self.connections[key].timer, None);
        self.list(key);
    }

    pub(super) fn forget(&mut self, key: ConnectionKey) {
        if let Some(mut connection) = self.connections.remove(key) {
            self.timers.arm(Timer::Connection(key), &mut connection.timer, None);
            if let Ok(entry) = self.by_connection.find_entry(connection.id.spread(), |&other| other == key) {
                entry.remove();
            }
            self.open[usize::from(connection.listener.0)] -= 1;
        }
    }

    pub(super) fn connection_due(&mut self, key: ConnectionKey, now: Now) {
        let connection = &mut self.connections[key];
        connection.timer = None;
        if connection.postponed.is_some() {
            // It is we who make it wait.
            return;
        }
        if connection.session.is_none() {
            // No CONNECT came in time, or not what is to follow it.
            self.end(key, Closing::Timeout, now);
            return;
        }
        match connection.deadline() {
            Some(at) if at > now.elapsed => {
                self.timers.arm(Timer::Connection(key), &mut connection.timer, Some(at));
            }
            // The token that let the client in has expired.
            Some(at) if connection.token_ends() == Some(at) => {
                self.refuse(key, ReasonCode::NOT_AUTHORIZED, Closing::NotAuthorized, now);
            }
            Some(_) => self.refuse(key, ReasonCode::KEEP_ALIVE_TIMEOUT, Closing::Timeout, now),
            None => {}
        }
    }
}
