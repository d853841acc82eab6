//! Enhanced authentication, §4.12: at CONNECT, and again at any time after it.

use std::time::Instant;

use super::error::{SendError, SessionError};
use super::event::{Event, Summary, Trace};
use super::machine::{Session, State};
use crate::mqtt::authentication::Authentication;
use crate::mqtt::packet::{Auth, Connect, Packet, PacketType, Properties, ReasonCode};
use crate::scram::Credentials;

impl Session {
    /// Logs in with `credentials`, in place of a password, at the connections to come.
    pub fn set_credentials(&mut self, credentials: Credentials) {
        self.authentication = Some(Authentication::new(credentials));
    }

    /// CONNECT as it is sent on this connection.
    pub(super) fn connect_packet(&mut self) -> Result<Connect, SendError> {
        let mut connect = self.connect.clone();
        if let Some(authentication) = &mut self.authentication {
            let properties = authentication.begin().map_err(|_| SendError::NoRandomNumbers)?;
            for property in properties {
                connect.properties.push(property);
            }
        }
        Ok(connect)
    }

    /// Logs in again on the connection that there is, by the same method [MQTT-4.12.1-1]; [`Event::Authenticated`] says that
    /// it is done. Until then nothing is withheld: the login of before holds. Who named no method sends no AUTH
    /// [MQTT-4.12.0-7].
    pub fn authenticate_again(&mut self, now: Instant) -> Result<(), SendError> {
        let is_connected = self.state == State::Connected;
        let authentication = self.authentication.as_mut().filter(|_| is_connected).ok_or(SendError::NotConnected)?;
        let properties = authentication.begin().map_err(|_| SendError::NoRandomNumbers)?.into_iter().collect();
        self.send_auth(Auth { reason: ReasonCode::RE_AUTHENTICATE, properties }, now)
    }

    /// [MQTT-3.15.2-2], [MQTT-3.15.2-3]: our AUTH has no property that could be left out.
    fn send_auth(&mut self, auth: Auth, now: Instant) -> Result<(), SendError> {
        let packet = Packet::Auth(auth);
        self.check_size(packet.encoded_len(self.connect.version)?)?;
        self.trace(|| Trace::Sending(Summary::Auth));
        self.put(&packet, now);
        Ok(())
    }

    /// An AUTH of the server's.
    pub(super) fn handle_auth(&mut self, auth: Auth, now: Instant) -> Result<(), SessionError> {
        self.trace(|| Trace::Received(Summary::Auth));
        let Some(authentication) = &mut self.authentication else {
            self.events.push_back(Event::Auth(auth));
            return Ok(());
        };
        // Only a login that was begun again ends so; the first ends with CONNACK.
        if auth.reason == ReasonCode::SUCCESS && self.state == State::Connected {
            authentication.verify(&auth.properties)?;
            self.events.push_back(Event::Authenticated);
            return Ok(());
        }
        if auth.reason != ReasonCode::CONTINUE_AUTHENTICATION {
            return Err(SessionError::ReasonCode { packet: PacketType::Auth, reason: auth.reason });
        }
        let answer = authentication.answer(&auth)?;
        // A server that says how much it takes has accepted the CONNECT, which was as long.
        self.send_auth(answer, now)
            .map_err(|_| SessionError::ReasonCode { packet: PacketType::Auth, reason: auth.reason })
    }

    /// Whether the server that has accepted is to be believed: nothing has been sent to it but the login.
    pub(super) fn check_authenticated(&mut self, properties: &Properties) -> Result<(), SessionError> {
        match &mut self.authentication {
            Some(authentication) => Ok(authentication.verify(properties)?),
            None => Ok(()),
        }
    }
}
