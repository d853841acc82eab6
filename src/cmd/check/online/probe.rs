//! What answers at a port: MQTT, TLS, HTTP, something else, or nothing. No probe carries credentials.

use std::time::Instant;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::timeout_at;

use super::talk::{Answer, Ended, Talk};
use super::target::{How, Login, NotOpened, Target};
use crate::mqtt::packet::ProtocolVersion;
use crate::net::ConnectError;
use crate::net::Stream;
use crate::net::tls::Cause;

/// The most bytes of an HTTP answer's head that are read.
const HEAD_LIMIT: usize = 4096;

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

/// Sends a CONNECT in clear.
pub async fn plain_mqtt(target: &Target) -> Found {
    let Ok(stream) = target.open(How::Plain).await else { return Found::Unreachable };
    let connect = target.connect_packet(ProtocolVersion::V311, &Login::default());
    match Talk::connect(stream, &connect, target.patience).await {
        Answer::Accepted(_, talk) => {
            talk.close().await;
            Found::Mqtt
        }
        Answer::Refused(_) | Answer::Ended(Ended::Disconnected(_)) => Found::Mqtt,
        Answer::Ended(
            Ended::Closed { first_bytes, .. } | Ended::TimedOut { first_bytes } | Ended::Garbage { first_bytes, .. },
        ) if !first_bytes.is_empty() => by_first_bytes(&first_bytes),
        Answer::Ended(Ended::TimedOut { .. }) => Found::Silence,
        Answer::Ended(_) => Found::Closed,
    }
}

/// What the first bytes of an answer to CONNECT tell.
pub fn by_first_bytes(bytes: &[u8]) -> Found {
    match bytes {
        // A TLS record: alert or handshake, and a version.
        [21 | 22, 3, ..] => Found::Tls,
        _ if bytes.starts_with(b"HTTP/") => Found::Http { status: status(bytes).unwrap_or(0), takes_mqtt: false },
        _ => Found::Other(bytes.to_vec()),
    }
}

/// Begins a TLS handshake.
pub async fn tls(target: &Target, client: &crate::net::tls::Client) -> Found {
    let mut route = target.route.clone();
    route.tls = Some(client.clone());
    route.websocket = None;
    match tokio::time::timeout(target.patience, crate::net::connect(&route)).await {
        Ok(Ok(_)) => Found::Tls,
        Ok(Err(ConnectError::Tls(failure))) => match failure.cause {
            Cause::NotTls => Found::Other(Vec::new()),
            Cause::Closed | Cause::Io(_) => Found::Closed,
            Cause::TimedOut => Found::Silence,
            _ => Found::Tls,
        },
        Ok(Err(_)) => Found::Unreachable,
        Err(_elapsed) => Found::Silence,
    }
}

/// Asks for a WebSocket as MQTT clients do.
pub async fn http(target: &Target, how: How) -> Found {
    match target.open(how).await {
        Ok(stream) => ask_http(target, stream).await,
        Err(NotOpened::TimedOut) => Found::Silence,
        Err(NotOpened::Error(_)) => Found::Unreachable,
    }
}

async fn ask_http(target: &Target, mut stream: Stream) -> Found {
    let host = target.endpoint().host().unwrap_or("localhost");
    let request = format!(
        "GET /mqtt HTTP/1.1\r\nHost: {host}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n\
         Sec-WebSocket-Key: bW9za2l0LWNoZWNrLTAwMQ==\r\nSec-WebSocket-Protocol: mqtt\r\n\r\n"
    );
    let deadline = Instant::now() + target.patience;
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
