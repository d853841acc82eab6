//! Ends a client's session over MQTT, with all that waits for it: a CONNECT of its id that starts
//! clean and keeps nothing. A broker's file is never touched.

use std::time::Duration;

use bytes::Bytes;
use bytestring::ByteString;

use super::exchange::{Exchange, ExchangeError, run};
use crate::mqtt::packet::{Connect, Properties, ProtocolVersion};
use crate::net::Route;
use crate::term::Secret;

/// Seconds; longer than the exchange takes, so no ping is ever due.
const KEEP_ALIVE: u16 = 60;

/// Whose session, and who asks.
#[derive(Clone, Debug)]
pub struct Purge {
    pub client: String,
    pub username: Option<String>,
    pub password: Option<Secret>,
    pub version: ProtocolVersion,
    pub timeout: Duration,
}

impl Purge {
    /// Ends the session.
    pub fn run(&self, route: &Route) -> Result<(), ExchangeError> {
        let connect = Connect {
            version: self.version,
            bridge: false,
            // In version 5 the session expiry interval is absent, which is 0: the session ends with
            // the connection [MQTT-3.1.2-23]. Before, clean session means the same.
            clean_start: true,
            keep_alive: KEEP_ALIVE,
            client_id: ByteString::from(self.client.as_str()),
            will: None,
            username: self.username.as_deref().map(ByteString::from),
            password: self.password.as_ref().map(|password| Bytes::copy_from_slice(password.expose())),
            properties: Properties::new(),
        };
        run(self.timeout, async {
            let (exchange, _) = Exchange::open(route, connect).await?;
            exchange.close().await
        })
    }
}
