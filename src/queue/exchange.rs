//! A few MQTT packets with a broker: taking a session over to end it, and reading what is retained under a topic.

use std::io;
use std::time::Duration;

use bytes::Bytes;
use bytestring::ByteString;

use crate::mqtt::packet::{ConnAck, Connect, Properties, ProtocolVersion};
use crate::net::tls::Seen;
use crate::net::{ConnectError, Route, connect};
use crate::talk::{Answer, Ended, Talk};
use crate::term::Secret;

/// Seconds; longer than an exchange takes, so no ping is ever due.
const KEEP_ALIVE: u16 = 60;

/// Why an exchange did not come to its end.
#[derive(Debug)]
pub enum ExchangeError {
    System(io::Error),
    Connect(ConnectError),
    /// The broker did not answer CONNECT; with what the handshake showed, over TLS.
    Unanswered(Ended, Option<Box<Seen>>),
    /// After its CONNACK.
    Ended(Ended),
    /// A packet that has no place here.
    Unexpected,
    Refused(ConnAck),
    Timeout(Duration),
}

impl From<Ended> for ExchangeError {
    fn from(ended: Ended) -> Self {
        Self::Ended(ended)
    }
}

/// As whom to connect, and how.
#[derive(Clone, Debug)]
pub struct Login {
    pub username: Option<String>,
    pub password: Option<Secret>,
    pub version: ProtocolVersion,
}

impl Login {
    /// A CONNECT of `client_id` that starts clean and keeps nothing: in version 5 the session expiry
    /// interval is absent, which is 0, so the session ends with the connection [MQTT-3.1.2-23]; before,
    /// clean session means the same.
    pub(super) fn connect(&self, client_id: &str) -> Connect {
        Connect {
            version: self.version,
            bridge: false,
            clean_start: true,
            keep_alive: KEEP_ALIVE,
            client_id: ByteString::from(client_id),
            will: None,
            username: self.username.as_deref().map(ByteString::from),
            password: self.password.as_ref().map(|password| Bytes::copy_from_slice(password.expose())),
            properties: Properties::new(),
        }
    }
}

/// Runs an exchange to its end, within `limit`.
pub(super) fn run<T>(
    limit: Duration,
    exchange: impl Future<Output = Result<T, ExchangeError>>,
) -> Result<T, ExchangeError> {
    let runtime = crate::os::runtime::on_this_thread().map_err(ExchangeError::System)?;
    runtime
        .block_on(async { tokio::time::timeout(limit, exchange).await.unwrap_or(Err(ExchangeError::Timeout(limit))) })
}

/// Connects; a broker that refuses is an error. `limit` holds for each answer.
pub(super) async fn open(route: &Route, packet: &Connect, limit: Duration) -> Result<Talk, ExchangeError> {
    open_answered(route, packet, limit).await.map(|(_, talk)| talk)
}

/// The same, with what the broker answered.
pub(super) async fn open_answered(
    route: &Route,
    packet: &Connect,
    limit: Duration,
) -> Result<(ConnAck, Talk), ExchangeError> {
    let stream = connect(route).await.map_err(ExchangeError::Connect)?;
    let seen = stream.session().map(|session| Box::new(session.seen.clone()));
    match Talk::connect(stream, packet, limit).await {
        Answer::Accepted(answer, talk) => Ok((answer, talk)),
        Answer::Refused(answer) => Err(ExchangeError::Refused(answer)),
        Answer::Ended(ended) => Err(ExchangeError::Unanswered(ended, seen)),
    }
}
