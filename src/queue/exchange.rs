//! A few MQTT packets with a broker, for what needs no session of ours: taking one over to end it,
//! and reading what is retained under a topic.

use std::io;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use bytestring::ByteString;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::mqtt::packet::{
    ConnAck, Connect, DecodeError, Decoder, Disconnect, EncodeError, Packet, Properties, ProtocolVersion,
};
use crate::net::{ConnectError, Route, Stream, connect};
use crate::term::Secret;

/// The largest packet that is taken: no answer to what is sent here is longer.
const MAX_PACKET: usize = 1024 * 1024;

/// Seconds; longer than an exchange takes, so no ping is ever due.
const KEEP_ALIVE: u16 = 60;

/// Why an exchange did not come to its end.
#[derive(Debug)]
pub enum ExchangeError {
    System(io::Error),
    Connect(ConnectError),
    /// Reading or writing failed, or the broker closed the connection.
    Io(io::Error),
    Encode(EncodeError),
    Decode(DecodeError),
    /// A packet that has no place here.
    Unexpected,
    Refused(ConnAck),
    Timeout(Duration),
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

/// A connection whose CONNECT was accepted.
pub(super) struct Exchange {
    stream: Stream,
    decoder: Decoder,
    buffer: BytesMut,
    version: ProtocolVersion,
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

impl Exchange {
    /// Connects; a broker that refuses is an error.
    pub async fn open(route: &Route, connect_packet: Connect) -> Result<(Self, ConnAck), ExchangeError> {
        let stream = connect(route).await.map_err(ExchangeError::Connect)?;
        let version = connect_packet.version;
        let decoder = Decoder::client(version, MAX_PACKET);
        let mut exchange = Self { stream, decoder, buffer: BytesMut::new(), version };
        exchange.send(&Packet::Connect(Box::new(connect_packet))).await?;
        match exchange.receive().await? {
            Packet::ConnAck(answer) if answer.code == 0 => Ok((exchange, answer)),
            Packet::ConnAck(answer) => Err(ExchangeError::Refused(answer)),
            _ => Err(ExchangeError::Unexpected),
        }
    }

    pub async fn send(&mut self, packet: &Packet) -> Result<(), ExchangeError> {
        let mut bytes = BytesMut::new();
        packet.encode(self.version, &mut bytes).map_err(ExchangeError::Encode)?;
        self.stream.write_all(&bytes).await.map_err(ExchangeError::Io)?;
        self.stream.flush().await.map_err(ExchangeError::Io)
    }

    pub async fn receive(&mut self) -> Result<Packet, ExchangeError> {
        loop {
            if let Some(packet) = self.decoder.decode(&mut self.buffer).map_err(ExchangeError::Decode)? {
                return Ok(packet);
            }
            if self.stream.read_buf(&mut self.buffer).await.map_err(ExchangeError::Io)? == 0 {
                return Err(ExchangeError::Io(io::ErrorKind::UnexpectedEof.into()));
            }
        }
    }

    /// Says goodbye and waits until the broker has closed too, so that it has done what that means.
    pub async fn close(mut self) -> Result<(), ExchangeError> {
        self.send(&Packet::Disconnect(Disconnect::default())).await?;
        self.stream.shutdown().await.map_err(ExchangeError::Io)?;
        let mut rest = [0; 256];
        while matches!(self.stream.read(&mut rest).await, Ok(read) if read > 0) {}
        Ok(())
    }
}
