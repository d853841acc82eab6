//! Reaching a peer through an HTTP proxy: CONNECT (RFC 9110, 9.3.6), with a login by Basic (RFC 7617).

use std::fmt;
use std::io;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use zeroize::Zeroizing;

use super::endpoint::host_and_port;
use super::proxy::Login;
use super::stream::Stream;
use crate::pki::name::without_zone;

/// The longest head of an answer in bytes. Proxies add fields of their own, but no page of them.
pub const HEAD_LIMIT: usize = 16 * 1024;

/// The most fields of a head.
const FIELD_LIMIT: usize = 128;

/// Bytes of an answer that is no HTTP which are kept to see what it is.
const FIRST_BYTES: usize = 16;

/// Why the proxy did not let us through.
#[derive(Debug)]
pub enum TunnelError {
    /// The answer is no HTTP; its first bytes.
    NotHttp(Vec<u8>),
    HeadTooLong,
    /// 407 or 401, with the ways to log in that it names (RFC 9110, 11.7.1).
    Login {
        ways: Vec<String>,
    },
    /// Any other answer that is no success.
    Status {
        code: u16,
        reason: String,
    },
    /// Closed the connection instead of answering.
    Closed,
    Io(io::Error),
}

impl TunnelError {
    /// Whether the proxy takes user and password, as far as it says.
    pub fn takes_basic(ways: &[String]) -> bool {
        ways.is_empty() || ways.iter().any(|way| way.eq_ignore_ascii_case("basic"))
    }
}

impl fmt::Display for TunnelError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotHttp(_) => f.write_str("it does not speak HTTP"),
            Self::HeadTooLong => write!(f, "the head of its answer has more than {HEAD_LIMIT} bytes"),
            Self::Login { .. } => f.write_str("it wants another login"),
            Self::Status { code, reason } => write!(f, "it answers {code} {reason}"),
            Self::Closed => f.write_str("it closed the connection"),
            Self::Io(error) => write!(f, "{}", super::reason(error)),
        }
    }
}

impl From<io::Error> for TunnelError {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::UnexpectedEof | io::ErrorKind::ConnectionReset | io::ErrorKind::BrokenPipe => Self::Closed,
            _ => Self::Io(error),
        }
    }
}

/// Asks the proxy behind `stream` for a connection to `host` and `port`. A name is resolved by the proxy, not here.
/// Afterwards the stream is that connection.
pub(super) async fn open(stream: &mut Stream, login: Option<&Login>, host: &str, port: u16) -> Result<(), TunnelError> {
    stream.write_all(&request(login, host, port)).await?;
    stream.flush().await?;
    let head = read_head(stream).await?;
    let mut fields = [httparse::EMPTY_HEADER; FIELD_LIMIT];
    let mut response = httparse::Response::new(&mut fields);
    // A field that breaks the rules says nothing, and takes nothing from what the others say.
    let parsing = httparse::ParserConfig::default().ignore_invalid_headers_in_responses(true).clone();
    match parsing.parse_response(&mut response, &head) {
        Ok(httparse::Status::Complete(_)) => {}
        Ok(httparse::Status::Partial) | Err(httparse::Error::TooManyHeaders) => return Err(TunnelError::HeadTooLong),
        Err(_) => return Err(not_http(&head)),
    }
    match response.code.unwrap_or_default() {
        200..=299 => Ok(()),
        // tinyproxy answers a wrong login with 401.
        401 | 407 => Err(TunnelError::Login { ways: ways(response.headers) }),
        code => Err(TunnelError::Status { code, reason: response.reason.unwrap_or_default().to_owned() }),
    }
}

fn request(login: Option<&Login>, host: &str, port: u16) -> Zeroizing<Vec<u8>> {
    // Nobody else knows our interface behind `%`.
    let host = without_zone(host);
    let place = host_and_port(host, port);
    let authorization = login.map_or_else(Zeroizing::default, |Login { user, password }| {
        let pair = Zeroizing::new(format!("{user}:{}", password.as_str()));
        let encoded = Zeroizing::new(BASE64.encode(pair.as_bytes()));
        Zeroizing::new(format!("Proxy-Authorization: Basic {}\r\n", encoded.as_str()))
    });
    let request = format!("CONNECT {place} HTTP/1.1\r\nHost: {place}\r\n{}\r\n", authorization.as_str());
    Zeroizing::new(request.into_bytes())
}

/// Reads the head byte by byte: what follows it is the peer's already, and belongs to whoever reads the stream next.
async fn read_head(stream: &mut Stream) -> Result<Vec<u8>, TunnelError> {
    const START: &[u8] = b"HTTP/";
    let mut head = Vec::new();
    loop {
        head.push(stream.read_u8().await?);
        // Whoever speaks another protocol is told at once, not when it has sent enough.
        let length = head.len().min(START.len());
        if head[..length] != START[..length] {
            return Err(not_http(&head));
        }
        if head.ends_with(b"\r\n\r\n") || head.ends_with(b"\n\n") {
            return Ok(head);
        }
        if head.len() == HEAD_LIMIT {
            return Err(TunnelError::HeadTooLong);
        }
    }
}

fn not_http(head: &[u8]) -> TunnelError {
    TunnelError::NotHttp(head[..head.len().min(FIRST_BYTES)].to_vec())
}

/// The names in `Proxy-Authenticate`, each field of which begins with one.
fn ways(fields: &[httparse::Header<'_>]) -> Vec<String> {
    let named = fields.iter().filter(|field| field.name.eq_ignore_ascii_case("Proxy-Authenticate"));
    named
        .filter_map(|field| str::from_utf8(field.value).ok()?.split_ascii_whitespace().next())
        .filter(|way| way.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-'))
        .map(str::to_owned)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::net::UnixStream;

    /// What comes of an answer, and what of it is left to be read.
    async fn answered(answer: &[u8]) -> (Result<(), TunnelError>, Vec<u8>) {
        let (ours, mut theirs) = UnixStream::pair().unwrap();
        theirs.write_all(answer).await.unwrap();
        theirs.shutdown().await.unwrap();
        let mut ours = Stream::Unix(ours);
        let result = open(&mut ours, None, "mqtt.lan", 1883).await;
        let mut rest = Vec::new();
        ours.read_to_end(&mut rest).await.unwrap();
        // Dropped earlier, with the request unread, it would reset the connection.
        drop(theirs);
        (result, rest)
    }

    #[tokio::test]
    async fn what_follows_the_head_is_left_to_whoever_reads_next() {
        for head in ["HTTP/1.1 200 Connection established\r\nVia: x\r\n\r\n", "HTTP/1.0 200 OK\n\n"] {
            let (result, rest) = answered(&[head.as_bytes(), b"\x20\x02\0\0"].concat()).await;
            result.unwrap();
            assert_eq!(rest, b"\x20\x02\0\0");
        }
    }

    #[tokio::test]
    async fn every_refusal_and_every_nonsense_is_told() {
        let error = async |answer: &[u8]| answered(answer).await.0.unwrap_err();
        for (answer, told) in [
            (&b"HTTP/1.1 403 Filtered\r\n\r\n"[..], "it answers 403 Filtered"),
            (b"HTTP/1.1 502 Bad Gateway\r\n\r\n<html>", "it answers 502 Bad Gateway"),
            (b"HTTP/1.1 407 x\r\nProxy-Authenticate: Negotiate\r\n\r\n", "it wants another login"),
            (b"HTTP/1.1 407 x\r\nX-Note: a\x07b\r\nProxy-Authenticate: Basic\r\n\r\n", "it wants another login"),
            (b"\x20\x02\0\0", "it does not speak HTTP"),
            (b"\x15\x03\x01\0\x02\x02\x46", "it does not speak HTTP"),
            (b"<html>hello</html>", "it does not speak HTTP"),
            (b"SSH-2.0-x\r\n", "it does not speak HTTP"),
            (b"HTTP/1.1 twohundred\r\n\r\n", "it does not speak HTTP"),
            (b"", "it closed the connection"),
            (b"HTTP/1.1 200 OK\r\nVia", "it closed the connection"),
        ] {
            assert_eq!(error(answer).await.to_string(), told, "{}", answer.escape_ascii());
        }
        let endless = [b"HTTP/1.1 200 OK\r\nX: ".to_vec(), vec![b'x'; 2 * HEAD_LIMIT]].concat();
        assert!(matches!(error(&endless).await, TunnelError::HeadTooLong));
        let many = format!("HTTP/1.1 200 OK\r\n{}\r\n", "a: b\r\n".repeat(FIELD_LIMIT + 1));
        assert!(matches!(error(many.as_bytes()).await, TunnelError::HeadTooLong));
        let TunnelError::Login { ways } =
            error(b"HTTP/1.1 407 x\r\nproxy-authenticate: NTLM\r\nProxy-Authenticate: Basic realm=\"a b\"\r\n\r\n")
                .await
        else {
            panic!()
        };
        assert_eq!(ways, ["NTLM", "Basic"]);
        assert!(TunnelError::takes_basic(&ways) && !TunnelError::takes_basic(&ways[..1]));
    }

    #[test]
    fn the_request_names_the_peer_and_holds_the_login_once() {
        let text = |login: Option<&Login>, host| String::from_utf8(request(login, host, 8883).to_vec()).unwrap();
        assert_eq!(text(None, "fe80::1%eth0"), "CONNECT [fe80::1]:8883 HTTP/1.1\r\nHost: [fe80::1]:8883\r\n\r\n");
        let login = Login { user: "Aladdin".to_owned(), password: Zeroizing::new("open sesame".to_owned()) };
        // The example of RFC 7617, section 2.
        assert_eq!(
            text(Some(&login), "lan"),
            "CONNECT lan:8883 HTTP/1.1\r\nHost: lan:8883\r\nProxy-Authorization: Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==\r\n\r\n"
        );
    }
}
