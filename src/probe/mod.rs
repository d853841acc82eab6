//! What answers at a port: MQTT, TLS, HTTP, something else, or nothing. No probe carries credentials.
//!
//! * [`Probe`]: asks one question at a place
//! * [`instead`]: what the answers amount to
//! * [`talk`]: a conversation in packets with anybody
//! * [`hello`]: ClientHellos by hand, for what rustls does not speak

pub mod hello;
pub mod instead;

use std::borrow::Cow;
use std::time::{Duration, Instant};

use bytes::Bytes;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::timeout_at;

use crate::diagnose::{early_packet, is_begun_connack};
use crate::mqtt::packet::{Connect, Properties, ProtocolVersion};
use crate::net::tls::{self, Cause, Checks};
use crate::net::websocket::{DEFAULT_PATH, Opening, WebSocketError, host_field};
use crate::net::{ConnectError, Endpoint, Route, Stream, connect_within};

use crate::talk::{Answer, Ended, Talk};

/// The most bytes of an HTTP answer's head that are read.
const HEAD_LIMIT: usize = 4096;

/// Where brokers have MQTT: EMQX and HiveMQ, RabbitMQ, and web servers that pass all on.
const USUAL_PATHS: [&str; 3] = [DEFAULT_PATH, "/ws", "/"];

/// Why there is no stream.
#[derive(Debug)]
pub enum NotOpened {
    Error(Box<ConnectError>),
    /// Nothing happened for the whole time limit.
    TimedOut,
}

/// Opens a stream within `time_limit`.
pub async fn open(route: &Route, time_limit: Duration) -> Result<Stream, NotOpened> {
    match connect_within(route, time_limit).await {
        Ok(stream) => Ok(stream),
        Err(error) if is_silence(&error) => Err(NotOpened::TimedOut),
        Err(error) => Err(NotOpened::Error(Box::new(error))),
    }
}

/// The place itself was silent, for as long as there was time. Of a proxy it is told that it was the proxy.
fn is_silence(error: &ConnectError) -> bool {
    match error {
        ConnectError::TimedOut(_) | ConnectError::WebSocket(WebSocketError::TimedOut) => true,
        // Who began and stopped was not silent.
        ConnectError::Tls(failure) => matches!(failure.cause, Cause::TimedOut) && failure.seen.speaks_tls().is_none(),
        ConnectError::Unreachable { attempts, .. } => {
            attempts.iter().all(|attempt| attempt.error.kind() == std::io::ErrorKind::TimedOut)
        }
        _ => false,
    }
}

/// A place to ask, and how long each question may take.
#[derive(Clone, Copy, Debug)]
pub struct Probe<'a> {
    /// Its TLS and WebSocket are left out; but for the path, where it has one, and where another path is looked for.
    pub route: &'a Route,
    pub time_limit: Duration,
}

/// What a probe met.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Found {
    Mqtt,
    Tls,
    Http {
        status: u16,
        takes_mqtt: bool,
    },
    /// Bytes that belong to none of these.
    Other(Vec<u8>),
    /// Closed without a word.
    Closed,
    Silence,
    /// The probe itself did not get through.
    Unreachable,
}

/// Whether a web server has MQTT at another path than the one that was asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OtherPath {
    At(&'static str),
    /// At none of these, which were tried.
    Nowhere(Vec<&'static str>),
    /// It stopped to answer, or answered otherwise than that there is nothing: one that wants a login may be it.
    Unknown,
}

impl Probe<'_> {
    pub fn endpoint(&self) -> &Endpoint {
        &self.route.endpoint
    }

    /// A stream with nothing but `tls` on it.
    pub async fn open(&self, tls: Option<tls::Client>) -> Result<Stream, NotOpened> {
        let route = Route { tls, websocket: None, ..self.route.clone() };
        open(&route, self.time_limit).await
    }

    /// Sends a CONNECT in clear.
    pub async fn plain_mqtt(&self) -> Found {
        let Ok(stream) = self.open(None).await else { return Found::Unreachable };
        match Talk::connect(stream, &connect_of_nobody(ProtocolVersion::V311), self.time_limit).await {
            Answer::Accepted(_, talk) => {
                talk.close().await;
                Found::Mqtt
            }
            Answer::Refused(_) | Answer::Ended(Ended::Disconnected(_)) => Found::Mqtt,
            Answer::Ended(
                Ended::Closed { first_bytes, .. }
                | Ended::TimedOut { first_bytes }
                | Ended::Garbage { first_bytes, .. },
            ) if !first_bytes.is_empty() && !is_begun_connack(&first_bytes) => {
                // It speaks MQTT in clear, though not as it should.
                if early_packet(&first_bytes).is_some() { Found::Mqtt } else { by_first_bytes(&first_bytes) }
            }
            Answer::Ended(Ended::TimedOut { .. }) => Found::Silence,
            Answer::Ended(_) => Found::Closed,
        }
    }

    /// Begins a TLS handshake that trusts nobody and refuses nobody.
    pub async fn tls(&self) -> Found {
        let options = tls::Options { checks: Checks::Nothing, ..tls::Options::default() };
        let Ok(client) = tls::Client::new(&options, &mut |_, _| None) else { return Found::Unreachable };
        match self.open(Some(client)).await {
            Ok(_) => Found::Tls,
            Err(NotOpened::TimedOut) => Found::Silence,
            Err(NotOpened::Error(error)) => match *error {
                ConnectError::Tls(failure) => match failure.cause {
                    _ if failure.seen.speaks_tls() == Some(true) => Found::Tls,
                    Cause::TimedOut => Found::Silence,
                    // A name that cannot be asked for: nothing was sent.
                    Cause::BadName => Found::Unreachable,
                    _ if failure.seen.first_bytes.is_empty() => Found::Closed,
                    _ => by_first_bytes(&failure.seen.first_bytes),
                },
                _ => Found::Unreachable,
            },
        }
    }

    /// Asks for a WebSocket as MQTT clients do.
    pub async fn http(&self, tls: Option<tls::Client>, path: &str) -> Found {
        match self.open(tls).await {
            Ok(stream) => self.ask_http(stream, path).await,
            Err(NotOpened::TimedOut) => Found::Silence,
            Err(NotOpened::Error(_)) => Found::Unreachable,
        }
    }

    /// The path that MQTT is asked for at.
    pub fn path(&self) -> &str {
        self.route.websocket.as_ref().map_or(DEFAULT_PATH, Opening::path)
    }

    /// The same as it may be shown.
    pub fn shown_path(&self) -> Cow<'_, str> {
        self.route.websocket.as_ref().map_or(DEFAULT_PATH.into(), Opening::shown_path)
    }

    /// The path that takes MQTT, of those that brokers have; [`Self::path`] does not.
    pub async fn other_path(&self, tls: Option<&tls::Client>) -> OtherPath {
        let others: Vec<_> = USUAL_PATHS.into_iter().filter(|path| *path != self.path()).collect();
        let mut all_answered = true;
        for path in &others {
            match self.http(tls.cloned(), path).await {
                Found::Http { takes_mqtt: true, .. } => return OtherPath::At(path),
                Found::Http { status: 404, .. } => {}
                Found::Http { .. } => all_answered = false,
                _ => return OtherPath::Unknown,
            }
        }
        if all_answered { OtherPath::Nowhere(others) } else { OtherPath::Unknown }
    }

    async fn ask_http(&self, mut stream: Stream, path: &str) -> Found {
        let host = host_field(self.endpoint().host().unwrap_or("localhost"));
        let request = format!(
            "GET {path} HTTP/1.1\r\nHost: {host}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
             Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: bW9za2l0LWNoZWNrLTAwMQ==\r\n\
             Sec-WebSocket-Protocol: mqtt\r\n\r\n"
        );
        let deadline = Instant::now() + self.time_limit;
        if timeout_at(deadline.into(), stream.write_all(request.as_bytes())).await.is_err() {
            return Found::Silence;
        }
        let mut head = Vec::new();
        let mut timed_out = false;
        while head.len() < HEAD_LIMIT && !head.windows(4).any(|end| end == b"\r\n\r\n") {
            let mut part = [0; 512];
            match timeout_at(deadline.into(), stream.read(&mut part)).await {
                Ok(Ok(0) | Err(_)) => break,
                Ok(Ok(count)) => head.extend_from_slice(&part[..count]),
                Err(_elapsed) => {
                    timed_out = true;
                    break;
                }
            }
        }
        match (status(&head), head.is_empty()) {
            (Some(status), _) => Found::Http { status, takes_mqtt: names_mqtt(&head) },
            (None, true) if timed_out => Found::Silence,
            (None, true) => Found::Closed,
            (None, false) => by_first_bytes(&head),
        }
    }
}

/// A CONNECT with an id of nobody and no login, which leaves no session behind.
pub fn connect_of_nobody(version: ProtocolVersion) -> Connect {
    Connect {
        version,
        bridge: false,
        clean_start: true,
        keep_alive: 60,
        client_id: random_id().into(),
        will: None,
        username: None,
        password: None::<Bytes>,
        properties: Properties::new(),
    }
}

/// A client id that nobody has: 23 characters, which every broker must accept [MQTT-3.1.3-5].
pub fn random_id() -> String {
    format!("moskitcheck{}", nonce())
}

/// Twelve characters that nobody else has.
pub fn nonce() -> String {
    let mut bytes = [0; 6];
    if aws_lc_rs::rand::fill(&mut bytes).is_err() {
        // Without random numbers the clock is unique enough: nothing secret hangs on it.
        let nanoseconds =
            std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default().as_nanos();
        bytes.copy_from_slice(&nanoseconds.to_be_bytes()[10..]);
    }
    format!("{:012x}", bytes.iter().fold(0_u64, |number, byte| number << 8 | u64::from(*byte)))
}

/// What the first bytes of an answer to CONNECT tell.
pub fn by_first_bytes(bytes: &[u8]) -> Found {
    match bytes {
        _ if tls::begins_tls(bytes) == Some(true) => Found::Tls,
        _ if bytes.starts_with(b"HTTP/") => Found::Http { status: status(bytes).unwrap_or(0), takes_mqtt: false },
        _ => Found::Other(bytes.to_vec()),
    }
}

/// The status of an HTTP answer.
fn status(head: &[u8]) -> Option<u16> {
    let line = head.split(|byte| *byte == b'\r').next()?;
    let line = std::str::from_utf8(line).ok()?;
    line.strip_prefix("HTTP/")?.split(' ').nth(1)?.parse().ok()
}

/// The answer agrees to speak MQTT in the socket.
fn names_mqtt(head: &[u8]) -> bool {
    String::from_utf8_lossy(head).lines().any(|line| {
        line.split_once(':')
            .is_some_and(|(name, value)| name.eq_ignore_ascii_case("sec-websocket-protocol") && value.trim() == "mqtt")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn first_bytes_tell_the_protocol() {
        assert_eq!(by_first_bytes(&[21, 3, 3, 0, 2, 2, 70]), Found::Tls);
        assert_eq!(by_first_bytes(b"HTTP/1.1 400 Bad Request\r\n"), Found::Http { status: 400, takes_mqtt: false });
        assert_eq!(by_first_bytes(b"SSH-2.0-x"), Found::Other(b"SSH-2.0-x".to_vec()));
    }

    #[test]
    fn a_status_line_is_read_and_nonsense_is_none() {
        assert_eq!(status(b"HTTP/1.1 101 Switching Protocols\r\nX: y"), Some(101));
        for nonsense in [&b"HTTP/1.1"[..], b"HTTP/1.1 abc", b"\xff\xfe", b""] {
            assert_eq!(status(nonsense), None);
        }
    }

    #[test]
    fn the_subprotocol_is_found_in_any_letter_case() {
        assert!(names_mqtt(b"HTTP/1.1 101 S\r\nsec-websocket-protocol: mqtt\r\n\r\n"));
        assert!(!names_mqtt(b"HTTP/1.1 101 S\r\nsec-websocket-protocol: chat\r\n\r\n"));
    }
}
