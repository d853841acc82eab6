//! The HTTP upgrade that opens a WebSocket, both ends.

use std::fmt;
use std::io;
use std::time::Duration;

use aws_lc_rs::digest::{SHA1_FOR_LEGACY_USE_ONLY, digest};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use bytes::{Buf, BytesMut};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::timeout;
use zeroize::Zeroizing;

use super::opening::Opening;
use super::socket::{Role, WebSocket};
use crate::net::stream::Stream;
use crate::pki::name::without_zone;

/// The longest HTTP head in bytes, request or response, which is Mosquitto's limit too.
pub const HEAD_LIMIT: usize = 4096;

/// The most fields of an HTTP head.
const FIELD_LIMIT: usize = 128;

/// The most bytes that are still read from a client that was refused: it may be sending while we close, and a reset
/// would take the answer from it.
const LEFTOVER_LIMIT: usize = 64 * 1024;

/// How long a client that was refused may take to close.
const LEFTOVER_TIME: Duration = Duration::from_secs(2);

/// What the server puts behind the key before it hashes it (RFC 6455, 1.3).
const ACCEPT_SUFFIX: &[u8] = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

/// The subprotocol that we ask for [MQTT-6.0.0-3].
const PROTOCOL: &str = "mqtt";

/// Subprotocols that a server takes, the one of the standard first [MQTT-6.0.0-4]; the other is of clients from before it.
const PROTOCOLS: [&str; 2] = ["mqtt", "mqttv3.1"];

/// Why no WebSocket was opened.
#[derive(Debug)]
pub enum WebSocketError {
    /// The peer closed the connection before the end of its head.
    Closed,
    HeadTooLong,
    /// The answer is no HTTP; its first bytes.
    NotHttp(Vec<u8>),
    /// The server answered something else than 101.
    Status {
        code: u16,
        reason: String,
    },
    /// A field of the head is missing, or says something else, by its name.
    Field(&'static str),
    TimedOut,
    Io(io::Error),
}

impl fmt::Display for WebSocketError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Closed => f.write_str("the peer closed the connection instead of opening a WebSocket"),
            Self::HeadTooLong => f.write_str("the peer's HTTP head is too long"),
            Self::NotHttp(_) => f.write_str("the peer does not speak HTTP"),
            Self::Status { code, reason } => write!(f, "the server answers {code} {reason}"),
            Self::Field(name) => write!(f, "the peer's HTTP head lacks the right {name}"),
            Self::TimedOut => f.write_str("the peer does not answer"),
            Self::Io(error) => write!(f, "{}", crate::net::reason(error)),
        }
    }
}

impl std::error::Error for WebSocketError {}

impl From<io::Error> for WebSocketError {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::UnexpectedEof | io::ErrorKind::ConnectionReset | io::ErrorKind::BrokenPipe => Self::Closed,
            _ => Self::Io(error),
        }
    }
}

/// Opens a WebSocket as a client. `host` goes into the request as the user wrote it, without a port.
pub(in crate::net) async fn open(
    mut stream: Stream,
    host: &str,
    opening: &Opening,
) -> Result<WebSocket<Stream>, WebSocketError> {
    let mut key = [0; 16];
    aws_lc_rs::rand::fill(&mut key).map_err(|_| io::Error::other("no randomness"))?;
    let key = BASE64.encode(key);
    stream.write_all(&request(host, opening, &key)).await?;
    stream.flush().await?;
    let mut received = BytesMut::new();
    let end = read_head(&mut stream, &mut received, HEAD_LIMIT).await?;
    check_response(&received[..end], &key)?;
    received.advance(end);
    Ok(WebSocket::new(stream, Role::Client, received))
}

/// The head of the request. It may hold a token.
fn request(host: &str, opening: &Opening, key: &str) -> Zeroizing<Vec<u8>> {
    let head = format!(
        "GET {} HTTP/1.1\r\nHost: {}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: {key}\r\n\
         Sec-WebSocket-Protocol: {PROTOCOL}\r\nSec-WebSocket-Version: 13\r\n",
        opening.path(),
        host_field(host)
    );
    let own: usize = opening.headers().iter().map(|header| header.name().len() + header.value().len() + 4).sum();
    // All of it is reserved at once: what grew elsewhere would not be wiped.
    let mut request = Zeroizing::new(Vec::with_capacity(head.len() + own + 2));
    request.extend_from_slice(head.as_bytes());
    for header in opening.headers() {
        request.extend_from_slice(header.name().as_bytes());
        request.extend_from_slice(b": ");
        request.extend_from_slice(header.value());
        request.extend_from_slice(b"\r\n");
    }
    request.extend_from_slice(b"\r\n");
    request
}

/// The value of `Host`: an IPv6 address stands in brackets (RFC 3986, 3.2.2), and nobody else knows our interface behind
/// `%`.
pub fn host_field(host: &str) -> String {
    let host = without_zone(host);
    if host.contains(':') { format!("[{host}]") } else { host.to_owned() }
}

fn check_response(head: &[u8], key: &str) -> Result<(), WebSocketError> {
    let mut fields = [httparse::EMPTY_HEADER; FIELD_LIMIT];
    let mut response = httparse::Response::new(&mut fields);
    match response.parse(head) {
        Ok(httparse::Status::Complete(_)) => {}
        Ok(httparse::Status::Partial) | Err(httparse::Error::TooManyHeaders) => {
            return Err(WebSocketError::HeadTooLong);
        }
        Err(_) => return Err(not_http(head)),
    }
    let code = response.code.unwrap_or_default();
    if code != 101 {
        return Err(WebSocketError::Status { code, reason: response.reason.unwrap_or_default().to_owned() });
    }
    let fields = Fields(response.headers);
    fields.require("Upgrade", |value| value.eq_ignore_ascii_case("websocket"))?;
    fields.require("Connection", |value| has_word(value, "upgrade"))?;
    fields.require("Sec-WebSocket-Protocol", |value| value == PROTOCOL)?;
    fields.require("Sec-WebSocket-Accept", |value| value == accept(key))
}

/// The hash that proves that a server understood the request.
fn accept(key: &str) -> String {
    BASE64.encode(digest(&SHA1_FOR_LEGACY_USE_ONLY, &[key.as_bytes(), ACCEPT_SUFFIX].concat()))
}

/// What a client asked a server for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    pub path: String,
    pub host: Option<String>,
    /// Where the page that asks came from, which browsers tell.
    pub origin: Option<String>,
    /// The subprotocol of ours that it named first.
    pub protocol: &'static str,
    key: String,
}

/// A client that wants a WebSocket and waits for the answer: [`Upgrade::accept`] or [`Upgrade::refuse_origin`].
#[derive(Debug)]
pub struct Upgrade {
    pub request: Request,
    stream: Stream,
    rest: BytesMut,
}

impl Upgrade {
    /// Reads a client's request, whose head may have `limit` bytes ([`HEAD_LIMIT`] unless configured).
    ///
    /// A request that opens no WebSocket is answered, so that a browser shows its page why; Mosquitto closes the
    /// connection without a word. Whoever speaks no HTTP gets no answer.
    pub async fn read(mut stream: Stream, limit: usize) -> Result<Self, WebSocketError> {
        let mut received = BytesMut::new();
        let read = read_head(&mut stream, &mut received, limit).await;
        match read.and_then(|end| check_request(&received[..end]).map(|request| (end, request))) {
            Ok((end, request)) => {
                received.advance(end);
                Ok(Self { request, stream, rest: received })
            }
            Err(error) => {
                if let Some(refusal) = Refusal::of(&error) {
                    refusal.send(stream, received.starts_with(b"HEAD ")).await;
                }
                Err(error)
            }
        }
    }

    /// Tells a page that its origin may not connect.
    pub async fn refuse_origin(self) {
        let text = "Pages of this origin may not connect to this broker.";
        Refusal { status: "403 Forbidden", fields: Refusal::FIELDS, text }.send(self.stream, false).await;
    }

    /// Opens the WebSocket.
    pub async fn accept(mut self) -> Result<Stream, WebSocketError> {
        let response = format!(
            "HTTP/1.1 101 Switching Protocols\r\nUpgrade: WebSocket\r\nConnection: Upgrade\r\n\
             Sec-WebSocket-Accept: {}\r\nSec-WebSocket-Protocol: {}\r\n\r\n",
            accept(&self.request.key),
            self.request.protocol
        );
        self.stream.write_all(response.as_bytes()).await?;
        self.stream.flush().await?;
        Ok(Stream::WebSocket(Box::new(WebSocket::new(self.stream, Role::Server, self.rest))))
    }
}

/// The answer to a request that opens no WebSocket.
struct Refusal {
    status: &'static str,
    /// Fields of the head beside those that every answer has.
    fields: &'static str,
    /// One line.
    text: &'static str,
}

impl Refusal {
    const FIELDS: &str = "Connection: close\r\n";
    const VERSION_FIELDS: &str = "Sec-WebSocket-Version: 13\r\nUpgrade: websocket\r\nConnection: Upgrade, close\r\n";

    /// `None` where there is nobody who would read it.
    fn of(error: &WebSocketError) -> Option<Self> {
        let bad_request = |text| Some(Self { status: "400 Bad Request", fields: Self::FIELDS, text });
        match error {
            WebSocketError::Field("Sec-WebSocket-Version") => Some(Self {
                status: "426 Upgrade Required",
                fields: Self::VERSION_FIELDS,
                text: "This broker speaks version 13 of the WebSocket protocol.",
            }),
            WebSocketError::Field("Sec-WebSocket-Protocol") => {
                bad_request("This broker speaks MQTT: ask for the WebSocket subprotocol mqtt.")
            }
            WebSocketError::Field("Sec-WebSocket-Key") => {
                bad_request("The request has no Sec-WebSocket-Key of 16 bytes in base64.")
            }
            WebSocketError::Field(_) => bad_request("This is an MQTT broker: connect to it with MQTT over WebSockets."),
            WebSocketError::HeadTooLong => bad_request("The head of the request is too long."),
            WebSocketError::NotHttp(head) if is_text(head) => bad_request("This is no HTTP request."),
            _ => None,
        }
    }

    /// Answers and closes. The client may be gone, and then nobody misses the answer.
    async fn send(&self, mut stream: Stream, is_head: bool) {
        let Self { status, fields, text } = self;
        let length = text.len() + 1;
        let body = if is_head { String::new() } else { format!("{text}\n") };
        let answer = format!(
            "HTTP/1.1 {status}\r\n{fields}Content-Type: text/plain; charset=utf-8\r\nContent-Length: {length}\r\n\r\n{body}"
        );
        let sent = async {
            stream.write_all(answer.as_bytes()).await?;
            stream.shutdown().await?;
            let mut leftover = [0; 4096];
            let mut room = LEFTOVER_LIMIT;
            while room > 0 {
                match stream.read(&mut leftover).await? {
                    0 => break,
                    length => room = room.saturating_sub(length),
                }
            }
            io::Result::Ok(())
        };
        let _ = timeout(LEFTOVER_TIME, sent).await;
    }
}

/// Whether somebody may have typed it.
fn is_text(bytes: &[u8]) -> bool {
    !bytes.is_empty() && bytes.iter().all(|byte| byte.is_ascii_graphic() || byte.is_ascii_whitespace())
}

fn check_request(head: &[u8]) -> Result<Request, WebSocketError> {
    let mut fields = [httparse::EMPTY_HEADER; FIELD_LIMIT];
    let mut request = httparse::Request::new(&mut fields);
    match request.parse(head) {
        Ok(httparse::Status::Complete(_)) => {}
        Ok(httparse::Status::Partial) | Err(httparse::Error::TooManyHeaders) => {
            return Err(WebSocketError::HeadTooLong);
        }
        Err(_) => return Err(not_http(head)),
    }
    if request.method != Some("GET") {
        return Err(WebSocketError::Field("method"));
    }
    let path = request.path.unwrap_or_default().to_owned();
    let fields = Fields(request.headers);
    fields.require("Upgrade", |value| has_word(value, "websocket"))?;
    fields.require("Connection", |value| has_word(value, "upgrade"))?;
    fields.require("Sec-WebSocket-Version", |value| value == "13")?;
    let key = fields.text("Sec-WebSocket-Key").filter(|key| BASE64.decode(key).is_ok_and(|key| key.len() == 16));
    let key = key.ok_or(WebSocketError::Field("Sec-WebSocket-Key"))?.to_owned();
    let is_offered = |known: &&str| {
        let mut offered = fields.texts("Sec-WebSocket-Protocol").flat_map(|named| named.split(','));
        offered.any(|word| word.trim() == *known)
    };
    let protocol = PROTOCOLS.into_iter().find(is_offered).ok_or(WebSocketError::Field("Sec-WebSocket-Protocol"))?;
    let text = |name| fields.text(name).map(str::to_owned);
    Ok(Request { path, host: text("Host"), origin: text("Origin"), protocol, key })
}

struct Fields<'a>(&'a [httparse::Header<'a>]);

impl Fields<'_> {
    /// Every field of that name: a list may be given in parts, each in a field of its own (RFC 9110, 5.3).
    fn texts(&self, name: &str) -> impl Iterator<Item = &str> {
        let fields = self.0.iter().filter(move |field| field.name.eq_ignore_ascii_case(name));
        fields.filter_map(|field| std::str::from_utf8(field.value).ok().map(str::trim))
    }

    fn text(&self, name: &str) -> Option<&str> {
        self.texts(name).next()
    }

    fn require(&self, name: &'static str, is_right: impl Fn(&str) -> bool) -> Result<(), WebSocketError> {
        if self.texts(name).any(is_right) { Ok(()) } else { Err(WebSocketError::Field(name)) }
    }
}

/// Whether a comma-separated list has a word, in any letter case.
fn has_word(list: &str, word: &str) -> bool {
    list.split(',').any(|item| item.trim().eq_ignore_ascii_case(word))
}

fn not_http(head: &[u8]) -> WebSocketError {
    WebSocketError::NotHttp(head[..head.len().min(16)].to_vec())
}

/// Reads an HTTP head; gives its length. What follows it stays in `received`.
async fn read_head(stream: &mut Stream, received: &mut BytesMut, limit: usize) -> Result<usize, WebSocketError> {
    loop {
        if let Some(at) = memchr::memmem::find(received, b"\r\n\r\n") {
            let end = at + 4;
            return if end > limit { Err(WebSocketError::HeadTooLong) } else { Ok(end) };
        }
        // Whoever speaks another protocol is told at once, not when it has sent enough.
        let first = &received[..received.len().min(4)];
        if !b"HTTP".starts_with(first) && !first.iter().all(|byte| byte.is_ascii_uppercase() || *byte == b' ') {
            return Err(not_http(received));
        }
        if received.len() >= limit {
            return Err(WebSocketError::HeadTooLong);
        }
        let mut chunk = [0; 1024];
        let length = stream.read(&mut chunk).await?;
        if length == 0 {
            return Err(WebSocketError::Closed);
        }
        received.extend_from_slice(&chunk[..length]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::net::UnixStream;

    const KEY: &str = "dGhlIHNhbXBsZSBub25jZQ==";
    const ACCEPTED: &str = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: keep-alive, Upgrade\r\n\
                            Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\nSec-WebSocket-Protocol: mqtt\r\n\r\n";
    const ASKED: &str = "GET /any HTTP/1.1\r\nHost: lan\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
                         Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Protocol: mqtt\r\n\
                         Sec-WebSocket-Version: 13\r\nOrigin: http://lan\r\n\r\n";

    #[test]
    fn the_example_of_rfc_6455_section_1_3_is_accepted() {
        check_response(ACCEPTED.as_bytes(), KEY).unwrap();
    }

    #[test]
    fn a_response_that_lacks_something_is_told_by_what_it_lacks() {
        let rows = [
            ("101 Switching Protocols", "404 Not Found", "the server answers 404 Not Found"),
            ("Upgrade: websocket", "Upgrade: h2c", "the peer's HTTP head lacks the right Upgrade"),
            ("keep-alive, Upgrade", "close", "the peer's HTTP head lacks the right Connection"),
            ("Protocol: mqtt", "Protocol: chat", "the peer's HTTP head lacks the right Sec-WebSocket-Protocol"),
            ("s3pPLM", "AAAAAA", "the peer's HTTP head lacks the right Sec-WebSocket-Accept"),
            ("HTTP/1.1", "SSH-2.0-", "the peer does not speak HTTP"),
        ];
        for (right, wrong, text) in rows {
            let error = check_response(ACCEPTED.replace(right, wrong).as_bytes(), KEY).unwrap_err();
            assert_eq!(error.to_string(), text);
        }
    }

    #[test]
    fn a_request_tells_path_origin_and_protocol() {
        let request = check_request(ASKED.as_bytes()).unwrap();
        assert_eq!(
            (request.path.as_str(), request.origin.as_deref(), request.protocol),
            ("/any", Some("http://lan"), "mqtt")
        );
        let list = ASKED.replace("Protocol: mqtt", "Protocol: chat, mqttv3.1, mqtt");
        assert_eq!(check_request(list.as_bytes()).unwrap().protocol, "mqtt");
        let old = ASKED.replace("Protocol: mqtt", "Protocol: chat, mqttv3.1");
        assert_eq!(check_request(old.as_bytes()).unwrap().protocol, "mqttv3.1");
        let parts = ASKED
            .replace("Connection: Upgrade", "Connection: keep-alive\r\nConnection: Upgrade")
            .replace("Protocol: mqtt", "Protocol: chat\r\nSec-WebSocket-Protocol: mqtt");
        assert_eq!(check_request(parts.as_bytes()).unwrap().protocol, "mqtt");
    }

    #[test]
    fn a_request_that_lacks_something_is_refused() {
        let rows = [
            ("GET", "POST", "method"),
            ("Upgrade: websocket", "Upgrade: h2c", "Upgrade"),
            ("Connection: Upgrade", "Connection: close", "Connection"),
            ("Version: 13", "Version: 8", "Sec-WebSocket-Version"),
            ("dGhlIHNhbXBsZSBub25jZQ==", "c2hvcnQ=", "Sec-WebSocket-Key"),
            ("Protocol: mqtt", "Protocol: chat", "Sec-WebSocket-Protocol"),
        ];
        for (right, wrong, field) in rows {
            let error = check_request(ASKED.replace(right, wrong).as_bytes()).unwrap_err();
            assert!(matches!(error, WebSocketError::Field(name) if name == field), "{error:?}");
        }
    }

    async fn answer_with(answer: &[u8]) -> WebSocketError {
        let (ours, mut theirs) = UnixStream::pair().unwrap();
        theirs.write_all(answer).await.unwrap();
        theirs.shutdown().await.unwrap();
        open(Stream::Unix(ours), "lan", &Opening::default()).await.unwrap_err()
    }

    #[tokio::test]
    async fn every_nonsense_answer_is_an_error() {
        assert!(matches!(answer_with(b"").await, WebSocketError::Closed));
        assert!(matches!(answer_with(b"HTTP/1.1 101 Switch").await, WebSocketError::Closed));
        assert!(matches!(answer_with(b"\x20\x02\x00\x00").await, WebSocketError::NotHttp(_)));
        let endless = [b"HTTP/1.1 101 x\r\nX: ".to_vec(), vec![b'x'; 5000]].concat();
        assert!(matches!(answer_with(&endless).await, WebSocketError::HeadTooLong));
        let many = format!("HTTP/1.1 101 x\r\n{}\r\n", "a: b\r\n".repeat(140));
        assert!(matches!(answer_with(many.as_bytes()).await, WebSocketError::HeadTooLong));
    }

    async fn pair() -> (Stream, Stream) {
        let (ours, theirs) = UnixStream::pair().unwrap();
        let server = async { Upgrade::read(Stream::Unix(theirs), HEAD_LIMIT).await?.accept().await };
        let opening = Opening::default();
        let (client, server) = tokio::join!(open(Stream::Unix(ours), "lan", &opening), server);
        (Stream::WebSocket(Box::new(client.unwrap())), server.unwrap())
    }

    #[tokio::test]
    async fn an_address_stands_in_brackets_and_without_our_interface() {
        for (host, told) in [("lan", "lan"), ("10.0.0.1", "10.0.0.1"), ("::1", "[::1]"), ("fe80::1%eth0", "[fe80::1]")]
        {
            let (ours, theirs) = UnixStream::pair().unwrap();
            let opening = Opening::default();
            let client = open(Stream::Unix(ours), host, &opening);
            // Dropped with the request in it, which refuses the client.
            let server = async { Upgrade::read(Stream::Unix(theirs), HEAD_LIMIT).await.map(|upgrade| upgrade.request) };
            let (refused, request) = tokio::join!(client, server);
            assert!(matches!(refused, Err(WebSocketError::Closed)));
            assert_eq!(request.unwrap().host.as_deref(), Some(told));
        }
    }

    #[tokio::test]
    async fn bytes_travel_both_ways_and_the_end_is_seen() {
        let (mut client, mut server) = pair().await;
        let sent: Vec<u8> = (0..300_000u32).map(|n| n as u8).collect();
        let send = async {
            client.write_all(&sent).await.unwrap();
            client.shutdown().await.unwrap();
        };
        let mut got = Vec::new();
        let receive = async { server.read_to_end(&mut got).await.unwrap() };
        tokio::join!(send, receive);
        assert!(got == sent, "300,000 bytes arrive as they were sent");
        server.write_all(b"late").await.unwrap_err();
    }

    #[tokio::test]
    async fn a_ping_is_answered_while_reading() {
        let (client, mut server) = pair().await;
        let Stream::WebSocket(mut client) = client else { panic!() };
        client.queue(super::super::frame::Opcode::Ping, b"beat").unwrap();
        client.write_all(b"data").await.unwrap();
        client.flush().await.unwrap();
        let mut got = [0; 4];
        server.read_exact(&mut got).await.unwrap();
        assert_eq!(&got, b"data");
        let mut pong = [0; 6];
        client.transport_mut().read_exact(&mut pong).await.unwrap();
        assert_eq!(&pong, b"\x8a\x04beat");
    }

    #[tokio::test]
    async fn a_frame_cut_short_is_an_error_and_a_close_is_answered() {
        let (mut client, server) = pair().await;
        let Stream::WebSocket(mut server) = server else { panic!() };
        server.transport_mut().write_all(b"\x82\x05ab").await.unwrap();
        server.transport_mut().shutdown().await.unwrap();
        let mut got = Vec::new();
        let error = client.read_to_end(&mut got).await.unwrap_err();
        assert_eq!((got.as_slice(), error.kind()), (&b"ab"[..], io::ErrorKind::UnexpectedEof));

        let (client, mut server) = pair().await;
        let Stream::WebSocket(mut client) = client else { panic!() };
        let close = b"\x88\x82\x00\x00\x00\x00\x03\xe9";
        client.transport_mut().write_all(close).await.unwrap();
        assert_eq!(server.read(&mut [0; 8]).await.unwrap(), 0);
        let mut answer = [0; 4];
        client.transport_mut().read_exact(&mut answer).await.unwrap();
        assert_eq!(&answer, b"\x88\x02\x03\xe9");
    }

    #[tokio::test]
    async fn a_frame_that_breaks_the_rules_is_answered_with_what_it_breaks() {
        // Text, which MQTT never is; then a frame without mask.
        for (frame, status) in [(&b"\x81\x80\0\0\0\0"[..], 1003_u16), (b"\x82\x00", 1002)] {
            let (client, mut server) = pair().await;
            let Stream::WebSocket(mut client) = client else { panic!() };
            client.transport_mut().write_all(frame).await.unwrap();
            assert_eq!(server.read(&mut [0; 8]).await.unwrap_err().kind(), io::ErrorKind::InvalidData);
            let mut answer = [0; 4];
            client.transport_mut().read_exact(&mut answer).await.unwrap();
            assert_eq!(answer, [[0x88, 2], status.to_be_bytes()].concat()[..]);
        }
    }
}
