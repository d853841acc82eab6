//! A client's half of enhanced authentication by SCRAM, §4.12, in the properties of CONNECT, AUTH and CONNACK: for whoever
//! sends them, a session or a bounded conversation.

use bytes::Bytes;
use bytestring::ByteString;

use super::packet::{Auth, Properties, Property, ReasonCode};
use crate::scram::{ClientExchange, Credentials, Distrust, Mechanism, NoRandom};

/// How a client logs in, and the login that is under way.
#[derive(Clone, Debug)]
pub struct Authentication {
    credentials: Credentials,
    exchange: Option<ClientExchange>,
}

impl Authentication {
    pub fn new(credentials: Credentials) -> Self {
        Self { credentials, exchange: None }
    }

    /// Begins a login, the first or another: the properties of the CONNECT or the AUTH for it.
    pub fn begin(&mut self) -> Result<[Property; 2], NoRandom> {
        let (exchange, message) = self.credentials.begin()?;
        self.exchange = Some(exchange);
        Ok(self.properties(message))
    }

    fn properties(&self, message: Vec<u8>) -> [Property; 2] {
        properties(self.credentials.mechanism, message)
    }

    /// [MQTT-4.12.0-5]: the method stays the same.
    fn check_method(&self, properties: &Properties) -> Result<(), Distrust> {
        let is_same = properties.authentication_method().is_some_and(|it| *it == *self.credentials.mechanism.name());
        if is_same { Ok(()) } else { Err(Distrust::OtherMethod) }
    }

    /// The answer to the server's AUTH, if it has the reason for one [MQTT-4.12.0-3].
    pub fn answer(&mut self, auth: &Auth) -> Result<Auth, Distrust> {
        if auth.reason != ReasonCode::CONTINUE_AUTHENTICATION {
            return Err(Distrust::Malformed);
        }
        self.check_method(&auth.properties)?;
        let exchange = self.exchange.as_mut().ok_or(Distrust::TooManyMessages)?;
        let challenge = auth.properties.authentication_data().ok_or(Distrust::Malformed)?;
        let message = exchange.answer(&self.credentials, &challenge)?;
        let properties = self.properties(message).into_iter().collect();
        Ok(Auth { reason: ReasonCode::CONTINUE_AUTHENTICATION, properties })
    }

    /// Whether the server whose CONNACK, or last AUTH, has these properties is the one that has the keys of this user.
    pub fn verify(&mut self, properties: &Properties) -> Result<(), Distrust> {
        let mut exchange = self.exchange.take().ok_or(Distrust::TooManyMessages)?;
        // Without data there is nothing for a method to be of.
        let Some(shown) = properties.authentication_data() else { return Err(Distrust::NoSignature) };
        self.check_method(properties)?;
        exchange.verify(Some(&shown))
    }
}

/// The properties that carry a message of SCRAM.
pub fn properties(mechanism: Mechanism, message: Vec<u8>) -> [Property; 2] {
    let method = ByteString::from_static(mechanism.name());
    [Property::AuthenticationMethod(method), Property::AuthenticationData(Bytes::from(message))]
}
