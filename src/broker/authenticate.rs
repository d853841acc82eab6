//! Enhanced authentication, §4.12: logins by SCRAM, at CONNECT and again on the connection that there is.

use std::time::Duration;

use super::event::{Closing, Offence};
use super::proof::{Authentication, Proof, Proven};
use super::refusal::Refusal;
use super::slab::{ConnectionKey, SessionKey};
use super::slice::Slice;
use super::{Broker, ListenerId, Now, UsernameFrom};
use crate::jwt;
use crate::mqtt::authentication::properties;
use crate::mqtt::packet::{
    Auth, Connect, Packet, Properties, Property, ProtocolVersion, ReasonCode, first_discouraged,
};
use crate::scram::{Mechanism, ServerExchange};
use crate::term::Secret;

/// Seconds: about a hundred years, so that every clock can add it.
const LONGEST_TOKEN: i64 = 100 * 365 * 86_400;

/// Steps of a slice that checking a token takes as long as: its signature takes 20 to 100 microseconds.
const STEPS_OF_TOKEN: usize = 128;

impl Broker {
    /// The method by which this CONNECT wants to log in, where its listener has users for that.
    pub(super) fn method_of(&self, key: ConnectionKey, connect: &Connect) -> Result<Option<Mechanism>, Refusal> {
        let listener = self.connections[key].listener;
        let Some(method) = connect.properties.authentication_method() else { return Ok(None) };
        if self.access.scram_users(listener).is_none() || !self.listener(listener).versions.accept(connect.version) {
            return Ok(None);
        }
        // [MQTT-4.12.0-1]
        let unknown = || Refusal::new(ReasonCode::BAD_AUTHENTICATION_METHOD, Closing::BadAuthenticationMethod);
        Mechanism::named(&method).map(Some).ok_or_else(unknown)
    }

    /// Whom a token lets in that is the password of this CONNECT; `None` where it is none, or none is taken.
    pub(super) fn holder_of(
        &mut self,
        key: ConnectionKey,
        connect: &Connect,
        now: Now,
    ) -> Result<Option<Proven>, Refusal> {
        let id = self.connections[key].listener;
        let listener = self.listener(id);
        let Some(token) = connect.password.as_ref() else { return Ok(None) };
        if listener.username_from == UsernameFrom::Certificate || !listener.versions.accept(connect.version) {
            return Ok(None);
        }
        let wall = now.wall.since_epoch().as_secs().cast_signed();
        let holder = match self.access.holder(id, token, wall) {
            None => return Ok(None),
            Some(Ok(holder)) if connect.username.as_deref().is_some_and(|username| username != holder.user) => {
                Err(jwt::Refused::User)
            }
            // JSON can hold what no CONNECT could name, §1.5.4: with use_username_as_clientid it would be a client id.
            Some(Ok(holder)) if first_discouraged(&holder.user).is_some() => Err(jwt::Refused::User),
            Some(judged) => judged,
        };
        match holder {
            Ok(holder) => {
                // It has not expired, so the difference is above 0.
                let left = Duration::from_secs(holder.expires.saturating_sub(wall).min(LONGEST_TOKEN).unsigned_abs());
                let ends = now.elapsed + left;
                let proof = Proof::Token { token: Secret::new(token.to_vec()), ends };
                Ok(Some(Proven { user: holder.user.into(), proof, properties: Vec::new() }))
            }
            Err(why) => {
                self.connections[key].would_be = Some(Box::new(connect.client_id.clone()));
                self.offended(key, Offence::Token(why));
                Err(Refusal::new(ReasonCode::NOT_AUTHORIZED, Closing::NotAuthorized))
            }
        }
    }

    /// Whether what a connection was let in by holds by the rules that are in force now.
    pub(super) fn still_holds(&self, listener: ListenerId, user: &str, proof: &Proof, now: Now) -> bool {
        match proof {
            Proof::Scram { mechanism, keys } => {
                self.access.scram_users(listener).and_then(|users| users.keys(user, *mechanism)) == Some(keys)
            }
            Proof::Token { token, .. } => {
                let judged =
                    self.access.holder(listener, token.expose(), now.wall.since_epoch().as_secs().cast_signed());
                judged.is_some_and(|judged| judged.is_ok_and(|holder| holder.user == user))
            }
        }
    }

    /// Goes on with checking, after a reload, the tokens of those who are connected.
    pub(super) fn go_on_proving(&mut self, slice: &mut Slice, now: Now) {
        while !slice.is_over()
            && let Some(id) = self.unproved.pop_front()
        {
            slice.spend(1);
            // It may have ended since, or have sent something and been checked for that.
            if let Some(key) = self.key_of(id)
                && self.connections[key].is_unproved
            {
                slice.spend(STEPS_OF_TOKEN);
                self.is_still_proved(key, now);
            }
        }
    }

    /// Whether what the connection was let in by holds. If not, the connection is ended: nothing that it sends counts from
    /// the reload on.
    pub(super) fn is_still_proved(&mut self, key: ConnectionKey, now: Now) -> bool {
        let connection = &mut self.connections[key];
        if !std::mem::take(&mut connection.is_unproved) || connection.output.close {
            return true;
        }
        let connection = &self.connections[key];
        let user = connection
            .session
            .and_then(|session_key| self.sessions[session_key].username.as_deref())
            .unwrap_or_default();
        if connection.proof.as_ref().is_none_or(|proof| self.still_holds(connection.listener, user, proof, now)) {
            return true;
        }
        self.refuse(key, ReasonCode::ADMINISTRATIVE_ACTION, Closing::NotAuthorized, now);
        false
    }

    /// Asks who sent this CONNECT for the proof. The time for it is what is left of that for CONNECT.
    pub(super) fn begin_authentication(
        &mut self,
        key: ConnectionKey,
        mechanism: Mechanism,
        connect: Connect,
    ) -> Result<(), Refusal> {
        let data = connect.properties.authentication_data().unwrap_or_default();
        let (exchange, message) = self.exchange(key, mechanism, &data)?;
        self.connections[key].authentication =
            Some(Box::new(Authentication { exchange, connect: Some(Box::new(connect)) }));
        self.send_auth(key, ReasonCode::CONTINUE_AUTHENTICATION, mechanism, message)
    }

    /// Begins an exchange. Whoever sends no message of SCRAM gets the same answer as who has no proof.
    fn exchange(
        &self,
        key: ConnectionKey,
        mechanism: Mechanism,
        data: &[u8],
    ) -> Result<(ServerExchange, Vec<u8>), Refusal> {
        let not_authorized = || Refusal::new(ReasonCode::NOT_AUTHORIZED, Closing::NotAuthorized);
        let users = self.access.scram_users(self.connections[key].listener).ok_or_else(not_authorized)?;
        ServerExchange::begin(mechanism, data, |user| users.compared(user, mechanism)).map_err(|_| not_authorized())
    }

    /// [MQTT-4.12.0-2]: the reason says whether there is more to come.
    fn send_auth(
        &mut self,
        key: ConnectionKey,
        reason: ReasonCode,
        mechanism: Mechanism,
        message: Vec<u8>,
    ) -> Result<(), Refusal> {
        let packet = Packet::Auth(Auth { reason, properties: properties(mechanism, message).into_iter().collect() });
        // [MQTT-3.15.2-2], [MQTT-3.15.2-3]: there is no property in it that could be left out.
        if !self.connections[key].takes(|| packet.encoded_len(ProtocolVersion::V5)) {
            return Err(Refusal::silent(Closing::PacketTooLarge));
        }
        self.send(key, &packet);
        Ok(())
    }

    /// Whether the proof is right: what the client is to be shown for it, and what it was let in by.
    fn prove(&self, key: ConnectionKey, exchange: &ServerExchange, auth: &Auth) -> Result<Proven, Refusal> {
        let mechanism = exchange.mechanism();
        check_method(mechanism, &auth.properties)?;
        let refused = || Refusal::new(ReasonCode::NOT_AUTHORIZED, Closing::NotAuthorized);
        let data = auth.properties.authentication_data().unwrap_or_default();
        // By the rules that hold now: a reload may have come in between.
        let users = self.access.scram_users(self.connections[key].listener).ok_or_else(refused)?;
        let message = exchange.finish(users.keys(exchange.user(), mechanism), &data).map_err(|_| refused())?;
        Ok(Proven {
            user: exchange.user().into(),
            proof: Proof::Scram { mechanism, keys: exchange.keys().clone() },
            properties: properties(mechanism, message).into(),
        })
    }

    /// Whatever comes while a CONNECT waits for its proof: only AUTH and DISCONNECT may [MQTT-3.1.2-30].
    pub(super) fn before_connack(&mut self, key: ConnectionKey, packet: Packet, now: Now) {
        let Some(authentication) = self.connections[key].authentication.take() else { return };
        let Authentication { exchange, connect: Some(connect) } = *authentication else { return };
        self.connections[key].would_be = Some(Box::new(connect.client_id.clone()));
        let proven = match packet {
            Packet::Disconnect(_) => return self.end(key, Closing::Clean, now),
            Packet::Auth(auth) if auth.reason == ReasonCode::CONTINUE_AUTHENTICATION => {
                self.prove(key, &exchange, &auth)
            }
            _ => Err(Refusal::new(ReasonCode::PROTOCOL_ERROR, Closing::ProtocolError)),
        };
        match proven {
            Ok(proven) => self.connect_with(key, *connect, Some(proven), now),
            // [MQTT-4.12.0-4]
            Err(refusal) => self.refuse_connect(key, ProtocolVersion::V5, refusal, now),
        }
    }

    /// AUTH of a client that is connected.
    pub(super) fn auth(&mut self, key: ConnectionKey, session_key: SessionKey, auth: &Auth, now: Now) {
        let Some(&Proof::Scram { mechanism, .. }) = self.connections[key].proof.as_deref() else {
            // No method was agreed on [MQTT-4.12.0-6].
            self.offended(key, Offence::Auth(self.connections[key].version));
            self.refuse(key, ReasonCode::PROTOCOL_ERROR, Closing::ProtocolError, now);
            return;
        };
        let done = match auth.reason {
            ReasonCode::RE_AUTHENTICATE => self.begin_again(key, session_key, mechanism, auth),
            ReasonCode::CONTINUE_AUTHENTICATION => self.conclude_again(key, mechanism, auth),
            _ => Err(Refusal::new(ReasonCode::PROTOCOL_ERROR, Closing::ProtocolError)),
        };
        // [MQTT-4.12.1-2]
        match done {
            Ok(()) => {}
            Err(Refusal { reason: Some(reason), why, .. }) => self.refuse(key, reason, why, now),
            Err(Refusal { reason: None, why, .. }) => self.end(key, why, now),
        }
    }

    fn begin_again(
        &mut self,
        key: ConnectionKey,
        session_key: SessionKey,
        mechanism: Mechanism,
        auth: &Auth,
    ) -> Result<(), Refusal> {
        // [MQTT-4.12.1-1]
        check_method(mechanism, &auth.properties)?;
        if self.connections[key].authentication.is_some() {
            return Err(Refusal::new(ReasonCode::PROTOCOL_ERROR, Closing::ProtocolError));
        }
        let data = auth.properties.authentication_data().unwrap_or_default();
        let (exchange, message) = self.exchange(key, mechanism, &data)?;
        // A session stays its user's.
        if self.sessions[session_key].username.as_deref() != Some(exchange.user()) {
            return Err(Refusal::new(ReasonCode::NOT_AUTHORIZED, Closing::NotAuthorized));
        }
        self.connections[key].authentication = Some(Box::new(Authentication { exchange, connect: None }));
        self.send_auth(key, ReasonCode::CONTINUE_AUTHENTICATION, mechanism, message)
    }

    fn conclude_again(&mut self, key: ConnectionKey, mechanism: Mechanism, auth: &Auth) -> Result<(), Refusal> {
        let protocol_error = || Refusal::new(ReasonCode::PROTOCOL_ERROR, Closing::ProtocolError);
        let authentication = self.connections[key].authentication.take().ok_or_else(protocol_error)?;
        let Proven { proof, properties, .. } = self.prove(key, &authentication.exchange, auth)?;
        self.connections[key].proof = Some(Box::new(proof));
        let shown = properties.into_iter().find_map(|property| match property {
            Property::AuthenticationData(message) => Some(message.to_vec()),
            _ => None,
        });
        self.send_auth(key, ReasonCode::SUCCESS, mechanism, shown.unwrap_or_default())
    }
}

/// [MQTT-4.12.0-5]: the method stays that of CONNECT.
fn check_method(mechanism: Mechanism, properties: &Properties) -> Result<(), Refusal> {
    let is_same = properties.authentication_method().is_some_and(|method| *method == *mechanism.name());
    if is_same { Ok(()) } else { Err(Refusal::new(ReasonCode::PROTOCOL_ERROR, Closing::ProtocolError)) }
}
