//! New settings and rules come into force, and clients that they no longer let in are ended.

use super::Now;
use super::access::{Access, SlowLogin};
use super::connection::Connection;
use super::connection_id::ConnectionId;
use super::event::Closing;
use super::machine::Broker;
use super::settings::{Settings, UsernameFrom};
use crate::mqtt::packet::ReasonCode;

impl Broker {
    /// New rules are in force, all at once. Listeners stay as many as they are. The connections of
    /// clients that may no longer connect are ended; those whose password takes long to check stay until [`Broker::dismiss`],
    /// those who have tokens until these have been checked in slices, or until they send something.
    pub fn reload(&mut self, settings: Settings, access: Access, now: Now) {
        let interval = self.settings.retain_expiry_interval;
        self.settings = settings;
        self.access = access;
        if self.settings.retain_expiry_interval != interval {
            self.arm_sweep(now);
        }
        self.unproved.clear();
        for key in self.connections.keys() {
            let connection = &mut self.connections[key];
            let Some(session_key) = connection.session else { continue };
            if connection.token_ends().is_some() {
                connection.is_unproved = true;
                self.unproved.push_back(connection.id);
                continue;
            }
            let connection = &self.connections[key];
            let password = connection.password.as_ref().map(crate::term::Secret::expose);
            if let Some(proof) = &connection.proof {
                let user = self.sessions[session_key].username.as_deref().unwrap_or_default();
                if !self.still_holds(connection.listener, user, proof, now) {
                    self.refuse(key, ReasonCode::ADMINISTRATIVE_ACTION, Closing::NotAuthorized, now);
                }
                continue;
            }
            let certified = self.listener(connection.listener).username_from == UsernameFrom::Certificate;
            if !certified && self.access.may_stay(self.sessions[session_key].identity(), password) == Some(false) {
                self.refuse(key, ReasonCode::ADMINISTRATIVE_ACTION, Closing::NotAuthorized, now);
            }
        }
    }

    /// The client's login is no longer right.
    pub fn dismiss(&mut self, connection: ConnectionId, now: Now) {
        if let Some(key) = self.key_of(connection)
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
}
