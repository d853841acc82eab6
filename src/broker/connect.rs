//! CONNECT, taking over, resuming, and DISCONNECT.

use std::hash::{BuildHasher, RandomState};
use std::num::NonZeroU16;

use bytestring::ByteString;

use super::change::Change;
use super::connection::ConnectionKey;
use super::event::{Closing, Event, Offence};
use super::postponed::Postponed;
use super::proof::{Proof, Proven};
use super::refusal::Refusal;
use super::session::{Session, SessionKey};
use super::session_end::session_expiry;
use super::timers::Timer;
use super::{Broker, Identity, ListenerSettings, Now, SessionExpiry, UsernameFrom};
use crate::mqtt::alias::{ReceivedAliases, SentAliases};
use crate::mqtt::packet::{
    ConnAck, Connect, DecodeError, Disconnect, Packet, Properties, Property, ProtocolVersion, QoS, ReasonCode,
};
use crate::term::Secret;

impl Broker {
    pub(super) fn connect(&mut self, key: ConnectionKey, mut connect: Connect, now: Now) {
        self.connections[key].version = connect.version;
        self.connections[key].set_max_packet_size(&connect.properties);
        // The client id is copied, so that a session does not keep the whole buffer its CONNECT was read into.
        connect.client_id = ByteString::from(&*connect.client_id);
        // Devices with a blank field for it send an empty user name. It is none, as Mosquitto has it, and grants what none grants.
        let username = connect.username.filter(|username| !username.is_empty());
        connect.username = username.map(|username| ByteString::from(&*username));
        let version = connect.version;
        let begun = match self.method_of(key, &connect) {
            Ok(None) => match self.holder_of(key, &connect, now) {
                Ok(proven) => {
                    self.connect_with(key, connect, proven, now);
                    return;
                }
                Err(refusal) => Err(refusal),
            },
            Ok(Some(mechanism)) => self.begin_authentication(key, mechanism, connect),
            Err(refusal) => Err(refusal),
        };
        if let Err(refusal) = begun {
            self.refuse_connect(key, version, refusal, now);
        }
    }

    /// Takes a CONNECT whose client has proved who it is, or has not been asked to.
    pub(super) fn connect_with(&mut self, key: ConnectionKey, mut connect: Connect, proven: Option<Proven>, now: Now) {
        match self.admit(key, &mut connect, proven.as_ref()) {
            Ok(()) => self.accept(key, connect, proven, now),
            Err(refusal) => self.refuse_connect(key, connect.version, refusal, now),
        }
    }

    pub(super) fn refuse_connect(&mut self, key: ConnectionKey, version: ProtocolVersion, refusal: Refusal, now: Now) {
        if let Some(code) = refusal.code(version) {
            // [MQTT-3.2.2-6]
            let properties = refusal.limit.into_iter().collect();
            let connack = Packet::ConnAck(ConnAck { session_present: false, code, properties });
            if self.connections[key].takes(|| connack.encoded_len(version)) {
                self.send(key, &connack);
            }
        }
        // [MQTT-3.1.4-2] [MQTT-3.2.2-7]
        self.end(key, refusal.why, now);
    }

    /// Answers bytes that were to be a CONNECT, where there is an answer.
    pub(super) fn connect_malformed(
        &mut self,
        key: ConnectionKey,
        error: DecodeError,
        version: Option<ProtocolVersion>,
    ) {
        let (version, code) = match (error, version) {
            // A version that is newer than ours is answered in the newest form that we know [MQTT-3.1.2-2].
            (DecodeError::ProtocolVersion(_), _) => (ProtocolVersion::V5, error.reason_code().0),
            (DecodeError::ProtocolMismatch(_), _) => (ProtocolVersion::V311, 1),
            // A CONNECT that is wrong in itself; what is no CONNECT gets no answer.
            (_, Some(ProtocolVersion::V5)) => match error.answer() {
                Some(reason) => (ProtocolVersion::V5, reason.0),
                None => return,
            },
            _ => return,
        };
        self.connections[key].version = version;
        self.send(key, &Packet::ConnAck(ConnAck { session_present: false, code, properties: Properties::new() }));
    }

    /// Everything that may speak against a CONNECT. Settles client id, user name and keep-alive on the way.
    fn admit(&mut self, key: ConnectionKey, connect: &mut Connect, proven: Option<&Proven>) -> Result<(), Refusal> {
        let listener_id = self.connections[key].listener;
        if !self.listener(listener_id).versions.accept(connect.version) {
            return Err(Refusal::new(ReasonCode::UNSUPPORTED_PROTOCOL_VERSION, Closing::UnsupportedVersion));
        }
        if let Some(Proven { user, .. }) = proven {
            connect.username.get_or_insert_with(|| user.clone());
            // Nobody looks at it now, and a reload would check it.
            connect.password = None;
        }
        self.admit_names(key, connect)?;
        match proven {
            // Whom CONNECT, or the certificate, names must be who has proved to be it.
            Some(Proven { user, .. }) if connect.username.as_ref() != Some(user) => {
                return Err(Refusal::new(ReasonCode::NOT_AUTHORIZED, Closing::NotAuthorized));
            }
            Some(_) => {}
            None => self.admit_login(key, connect)?,
        }
        let by_method = proven.is_some_and(|proven| matches!(proven.proof, Proof::Scram { .. }));
        // [MQTT-4.12.0-1]
        if !by_method && connect.properties.authentication_method().is_some() {
            return Err(Refusal::new(ReasonCode::BAD_AUTHENTICATION_METHOD, Closing::BadAuthenticationMethod));
        }
        if let Some(will) = &connect.will {
            self.admit_will(will, self.listener(listener_id).max_qos)?;
        }
        // CONNACK of version 5 announces the keep-alive that holds; an earlier one cannot.
        if let Some(limit) = self.settings.max_keepalive
            && (connect.keep_alive == 0 || connect.keep_alive > limit)
            && connect.version != ProtocolVersion::V5
        {
            return Err(Refusal::new(ReasonCode::CLIENT_IDENTIFIER_NOT_VALID, Closing::ProtocolError));
        }
        let known = self.session_of(&connect.client_id).is_some();
        if !known && self.settings.global_max_clients.is_some_and(|limit| self.sessions.len() >= limit as usize) {
            return Err(Refusal::new(ReasonCode::SERVER_BUSY, Closing::ServerBusy));
        }
        if self.wants_store(connect, self.session_to_resume(key, connect)) {
            return Err(Refusal::new(ReasonCode::QUOTA_EXCEEDED, Closing::QuotaExceeded));
        }
        Ok(())
    }

    /// Settles user name and client id as the listener wants them.
    fn admit_names(&mut self, key: ConnectionKey, connect: &mut Connect) -> Result<(), Refusal> {
        let connection = &self.connections[key];
        let listener = self.listener(connection.listener);
        if listener.username_from == UsernameFrom::Certificate {
            connect.username = connection.peer.tls.as_ref().and_then(|tls| tls.username.clone());
            connect.password = None;
            if connect.username.is_none() {
                return Err(Refusal::new(ReasonCode::BAD_USER_NAME_OR_PASSWORD, Closing::BadUsernameOrPassword));
            }
        }
        if listener.use_username_as_clientid {
            match &connect.username {
                Some(username) if !username.is_empty() => connect.client_id = username.clone(),
                _ => return Err(Refusal::new(ReasonCode::NOT_AUTHORIZED, Closing::NotAuthorized)),
            }
        }
        if connect.client_id.is_empty() {
            let allowed = listener.allow_zero_length_clientid;
            self.admit_no_client_id(key, connect, allowed)?;
        }
        if self.settings.clientid_prefix.as_ref().is_some_and(|prefix| !connect.client_id.starts_with(&**prefix)) {
            return Err(Refusal::new(ReasonCode::NOT_AUTHORIZED, Closing::NotAuthorized));
        }
        Ok(())
    }

    fn admit_no_client_id(&mut self, key: ConnectionKey, connect: &Connect, allowed: bool) -> Result<(), Refusal> {
        // 3.1 has no such thing; in 3.1.1 only with a clean session [MQTT-3.1.3-8] of 3.1.1.
        let possible = match connect.version {
            ProtocolVersion::V31 => {
                self.offended(key, Offence::NoClientId31);
                return Err(Refusal::new(ReasonCode::CLIENT_IDENTIFIER_NOT_VALID, Closing::ProtocolError));
            }
            ProtocolVersion::V311 => connect.clean_start,
            ProtocolVersion::V5 => true,
        };
        if possible && allowed {
            return Ok(());
        }
        // [MQTT-3.1.3-8]
        self.offended(key, Offence::NoClientId);
        let reason = if possible { ReasonCode::UNSPECIFIED_ERROR } else { ReasonCode::CLIENT_IDENTIFIER_NOT_VALID };
        Err(Refusal::new(reason, Closing::ProtocolError))
    }

    fn admit_login(&mut self, key: ConnectionKey, connect: &Connect) -> Result<(), Refusal> {
        let listener = self.connections[key].listener;
        if self.listener(listener).username_from == UsernameFrom::Certificate {
            return Ok(());
        }
        let who = Identity { client_id: &connect.client_id, username: connect.username.as_deref(), listener };
        if self.access.may_connect(who, connect.password.as_deref()) {
            return Ok(());
        }
        self.connections[key].would_be = Some(Box::new(connect.client_id.clone()));
        Err(Refusal::new(ReasonCode::NOT_AUTHORIZED, Closing::NotAuthorized))
    }

    fn accept(&mut self, key: ConnectionKey, mut connect: Connect, proven: Option<Proven>, now: Now) {
        let v5 = connect.version == ProtocolVersion::V5;
        let listener_id = self.connections[key].listener;
        // [MQTT-3.1.3-6]; CONNACK has it [MQTT-3.1.3-7].
        let assigned = connect.client_id.is_empty();
        if assigned {
            connect.client_id = self.new_client_id(listener_id);
        }
        let limit = self.settings.max_keepalive;
        let lowered = limit.filter(|&limit| connect.keep_alive == 0 || connect.keep_alive > limit);
        let Some((session_key, session_present)) = self.take_session(key, &connect, now) else {
            self.postpone_connect(key, Postponed { connect, proven });
            return;
        };
        let mut shown = Vec::new();
        if let Some(Proven { proof, properties, .. }) = proven {
            self.connections[key].proof = Some(Box::new(proof));
            shown = properties;
        }
        // [MQTT-3.2.2-22]
        self.negotiate(key, &connect, lowered.unwrap_or(connect.keep_alive));
        self.store_session(session_key, key, &mut connect);
        self.connected += 1;
        self.statistics.connections += 1;
        let tls = self.connections[key].peer.tls.take();
        let peer = self.connections[key].peer.address.clone();
        let username = self.sessions[session_key].username_text();
        self.connections[key].would_be = None;
        self.note(|| Event::Connected {
            client: connect.client_id.clone(),
            peer,
            version: connect.version,
            clean_start: connect.clean_start,
            keep_alive: connect.keep_alive,
            username,
        });
        self.note_will(session_key);
        if let Some(tls) = tls {
            self.note(|| Event::Negotiated { client: connect.client_id.clone(), session: tls.session });
        }
        let mut properties = if v5 {
            self.connack_properties(key, assigned.then_some(connect.client_id), lowered)
        } else {
            Properties::new()
        };
        for property in shown {
            properties.push(property);
        }
        // [MQTT-3.2.2-2] [MQTT-3.2.2-3]; 3.1 has no such flag.
        let session_present = session_present && connect.version != ProtocolVersion::V31;
        let connack = Packet::ConnAck(ConnAck { session_present, code: 0, properties });
        if !self.connections[key].takes(|| connack.encoded_len(connect.version)) {
            self.end(key, Closing::PacketTooLarge, now);
            return;
        }
        // [MQTT-3.1.4-5], and before anything else [MQTT-3.2.0-1].
        self.send(key, &connack);
        self.resume(session_key, now);
    }

    /// The session that goes on with this CONNECT, if there is one.
    fn session_to_resume(&self, key: ConnectionKey, connect: &Connect) -> Option<SessionKey> {
        // [MQTT-3.1.3-2]
        let session_key = self.session_of(&connect.client_id)?;
        let session = &self.sessions[session_key];
        // Behind another mount point its filters, and what waits for it, would be of topics that are not to be seen there.
        let mount_point = |listener| &self.listener(listener).mount_point;
        let is_there =
            session.is_listener_guessed || mount_point(session.listener) == mount_point(self.connections[key].listener);
        (!connect.clean_start && session.is_persistent() && is_there).then_some(session_key)
    }

    /// Ends whatever stands against the new connection and returns its session, with whether it is an old one; `None`: it can
    /// have none yet.
    fn take_session(&mut self, key: ConnectionKey, connect: &Connect, now: Now) -> Option<(SessionKey, bool)> {
        if let Some(session_key) = self.session_of(&connect.client_id) {
            let goes_on = self.session_to_resume(key, connect).is_some();
            self.will_at_takeover(session_key, now);
            if let Some(old) = self.sessions[session_key].connection {
                // [MQTT-3.1.4-3]
                self.refuse(old, ReasonCode::SESSION_TAKEN_OVER, Closing::TakenOver, now);
            }
            if goes_on {
                // [MQTT-3.1.2-5]
                return Some((session_key, true));
            }
            // The connection may have taken its session with it.
            if self.session_of(&connect.client_id) == Some(session_key) {
                // [MQTT-3.1.2-4] [MQTT-3.1.4-4]
                self.remove_session(session_key, now);
            }
        }
        if session_expiry(connect).is_persistent() && self.has_leftovers(&connect.client_id) {
            return None;
        }
        // [MQTT-3.1.2-6]
        let listener = self.connections[key].listener;
        self.moment += 1;
        // A text of its own: one that is shared has counts besides.
        let mut session = Session::new(ByteString::from(&*connect.client_id), listener, now.wall);
        session.began = self.moment;
        Some((self.add_session(session), false))
    }

    /// What the two ends agree on for this connection.
    fn negotiate(&mut self, key: ConnectionKey, connect: &Connect, keep_alive: u16) {
        let properties = &connect.properties;
        let listener_id = self.connections[key].listener;
        let ListenerSettings { max_qos, max_topic_alias: max_aliases_in, max_topic_alias_broker: max_aliases, .. } =
            *self.listener(listener_id);
        // The decoder refuses a Receive Maximum of 0; without one it is 65,535.
        let receive_maximum = properties.receive_maximum().and_then(NonZeroU16::new).unwrap_or(NonZeroU16::MAX);
        // [MQTT-4.9.0-1]
        let window = self.settings.max_inflight_messages.map_or(receive_maximum, |limit| limit.min(receive_maximum));
        let connection = &mut self.connections[key];
        connection.window = window;
        connection.received_aliases = ReceivedAliases::new(max_aliases_in);
        connection.max_qos = max_qos;
        connection.retain_available = self.settings.retain_available;
        connection.receive_maximum = self.settings.max_inflight_messages;
        // [MQTT-3.1.2-27]
        connection.sent_aliases = SentAliases::new(properties.topic_alias_maximum().unwrap_or(0).min(max_aliases));
        connection.password = connect.password.as_ref().map(|password| Secret::new(password.to_vec()));
        connection.keep_alive = NonZeroU16::new(keep_alive);
        let at = connection.deadline();
        self.timers.arm(Timer::Connection(key), &mut connection.timer, at);
    }

    fn store_session(&mut self, session_key: SessionKey, key: ConnectionKey, connect: &mut Connect) {
        self.connections[key].session = Some(session_key);
        let listener = self.connections[key].listener;
        let session = &mut self.sessions[session_key];
        let was_persistent = session.is_persistent();
        session.expiry = session_expiry(connect);
        match (was_persistent, session.is_persistent()) {
            (true, false) => self.unpersist(session_key),
            (false, true) => self.promise(session_key),
            _ => {}
        }
        let session = &mut self.sessions[session_key];
        session.connection = Some(key);
        session.max_packet_size = self.connections[key].max_packet_size;
        session.listener = listener;
        session.is_listener_guessed = false;
        session.username = connect.username.take().map(|username| (*username).into());
        session.source = None;
        session.disconnected_at = None;
        session.expires_at = None;
        session.drop_noticed = false;
        self.expect_reader(session_key);
        let session = &mut self.sessions[session_key];
        self.timers.arm(Timer::Session(session_key), &mut session.timer, None);
        self.set_will(session_key, connect.will.take());
        self.record_client(session_key);
        self.record_will(session_key);
    }

    /// Writes down what is recorded of the session itself.
    pub(super) fn record_client(&mut self, session_key: SessionKey) {
        let session = &self.sessions[session_key];
        if self.journal.covers(session) {
            let record = session.record(&self.settings);
            self.journal.push(Change::Client(Box::new(record)));
        }
    }

    /// The properties of CONNACK, in the order in which Mosquitto sends them. There is no Response Information
    /// [MQTT-3.1.2-28], and no Reason String [MQTT-3.2.2-19] or User Property [MQTT-3.2.2-20], which could make CONNACK too
    /// large.
    fn connack_properties(
        &self,
        key: ConnectionKey,
        assigned: Option<ByteString>,
        keep_alive: Option<u16>,
    ) -> Properties {
        let listener = self.listener(self.connections[key].listener);
        let settings = &self.settings;
        [
            keep_alive.map(Property::ServerKeepAlive),
            (listener.max_topic_alias > 0).then_some(Property::TopicAliasMaximum(listener.max_topic_alias)),
            assigned.map(Property::AssignedClientIdentifier),
            (!settings.retain_available).then_some(Property::RetainAvailable(0)),
            Some(Property::MaximumPacketSize(settings.max_packet_size)),
            settings.max_inflight_messages.map(|most| Property::ReceiveMaximum(most.get())),
            // [MQTT-3.2.2-9]
            (listener.max_qos < QoS::ExactlyOnce).then_some(Property::MaximumQoS(listener.max_qos as u8)),
        ]
        .into_iter()
        .flatten()
        .collect()
    }

    /// One that no session has [MQTT-3.2.2-16].
    fn new_client_id(&self, listener: super::ListenerId) -> ByteString {
        let prefix = &self.listener(listener).auto_id_prefix;
        loop {
            let id = ByteString::from(format!("{prefix}{}", random_uuid()));
            if self.session_of(&id).is_none() {
                return id;
            }
        }
    }

    /// DISCONNECT came from the client.
    pub(super) fn disconnect_received(
        &mut self,
        key: ConnectionKey,
        session_key: SessionKey,
        disconnect: &Disconnect,
        now: Now,
    ) {
        if let Some(interval) = disconnect.properties.session_expiry_interval()
            && self.change_expiry(session_key, SessionExpiry::from_interval(interval)).is_err()
        {
            self.refuse(key, ReasonCode::PROTOCOL_ERROR, Closing::ProtocolError, now);
            return;
        }
        self.will_after_disconnect(session_key, disconnect.reason);
        self.end(key, Closing::Clean, now);
    }
}

/// A UUID of 36 characters, upper-case hex. It is unique rather than secret.
fn random_uuid() -> String {
    let random = || RandomState::new().hash_one(());
    let (high, low) = (random(), random());
    format!(
        "{:08X}-{:04X}-{:04X}-{:04X}-{:012X}",
        high >> 32,
        high >> 16 & 0xFFFF,
        high & 0xFFFF,
        low >> 48,
        low & 0xFFFF_FFFF_FFFF
    )
}
