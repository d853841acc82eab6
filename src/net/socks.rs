//! Reaching a peer through a SOCKS5 proxy (RFC 1928), with user and password if it wants them (RFC 1929).

use std::fmt;
use std::io;
use std::net::IpAddr;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use zeroize::Zeroizing;

use super::proxy::Login;
use super::stream::Stream;
use crate::pki::name::without_zone;

/// The longest user, password or host name in bytes: each has one byte for its length on the wire.
pub const FIELD_LIMIT: usize = 255;

/// Why the proxy did not let us through.
#[derive(Debug)]
pub enum SocksError {
    /// Speaks another version, or no SOCKS: the byte that should have been 5 (or 1, for the login).
    Version(u8),
    /// Accepts none of the ways to log in that we offered.
    MethodRefused,
    /// Chose a way to log in that we did not offer.
    MethodUnknown(u8),
    /// Does not accept user and password.
    LoginRefused,
    /// User, password or host name are longer than [`FIELD_LIMIT`].
    FieldTooLong,
    /// Answered the request with this code.
    Reply(Reply),
    /// Closed the connection instead of answering.
    Closed,
    Io(io::Error),
}

/// The reply field of RFC 1928, section 6, but for success.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reply {
    GeneralFailure,
    NotAllowed,
    NetworkUnreachable,
    HostUnreachable,
    ConnectionRefused,
    TtlExpired,
    CommandNotSupported,
    AddressNotSupported,
    Other(u8),
}

impl Reply {
    /// `None` is success.
    fn new(code: u8) -> Option<Self> {
        Some(match code {
            0 => return None,
            1 => Self::GeneralFailure,
            2 => Self::NotAllowed,
            3 => Self::NetworkUnreachable,
            4 => Self::HostUnreachable,
            5 => Self::ConnectionRefused,
            6 => Self::TtlExpired,
            7 => Self::CommandNotSupported,
            8 => Self::AddressNotSupported,
            other => Self::Other(other),
        })
    }
}

impl fmt::Display for SocksError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Version(_) => f.write_str("it does not speak SOCKS5"),
            Self::MethodRefused => f.write_str("it wants another way to log in"),
            Self::MethodUnknown(method) => write!(f, "it chose login method {method}, which was not offered"),
            Self::LoginRefused => f.write_str("it does not accept user and password"),
            Self::FieldTooLong => f.write_str("user, password or host are longer than 255 bytes"),
            Self::Reply(reply) => f.write_str(match reply {
                Reply::GeneralFailure => "it failed",
                Reply::NotAllowed => "its rules forbid the connection",
                Reply::NetworkUnreachable => "the network cannot be reached from it",
                Reply::HostUnreachable => "the host cannot be reached from it",
                Reply::ConnectionRefused => "the host refuses its connection",
                Reply::TtlExpired => "the way from it to the host is too long",
                Reply::CommandNotSupported => "it does not do connections",
                Reply::AddressNotSupported => "it does not know this kind of address",
                Reply::Other(code) => return write!(f, "it failed with code {code}"),
            }),
            Self::Closed => f.write_str("it closed the connection"),
            Self::Io(error) => write!(f, "{}", super::reason(error)),
        }
    }
}

impl From<io::Error> for SocksError {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::UnexpectedEof | io::ErrorKind::ConnectionReset | io::ErrorKind::BrokenPipe => Self::Closed,
            _ => Self::Io(error),
        }
    }
}

const VERSION: u8 = 5;
const LOGIN_VERSION: u8 = 1;
const CONNECT: u8 = 1;
const NO_LOGIN: u8 = 0;
const USER_AND_PASSWORD: u8 = 2;
const NO_METHOD: u8 = 0xff;
const IPV4: u8 = 1;
const DOMAIN: u8 = 3;
const IPV6: u8 = 4;

/// Asks the proxy behind `stream` for a connection to `host` and `port`. A name is resolved by the
/// proxy, not here. Afterwards the stream is that connection.
pub(super) async fn negotiate(
    stream: &mut Stream,
    login: Option<&Login>,
    host: &str,
    port: u16,
) -> Result<(), SocksError> {
    let greeting: &[u8] = match login {
        Some(_) => &[VERSION, 2, NO_LOGIN, USER_AND_PASSWORD],
        None => &[VERSION, 1, NO_LOGIN],
    };
    send(stream, greeting).await?;
    let [version, method] = receive(stream).await?;
    if version != VERSION {
        return Err(SocksError::Version(version));
    }
    match (method, login) {
        (NO_LOGIN, _) => {}
        (USER_AND_PASSWORD, Some(login)) => log_in(stream, login).await?,
        (NO_METHOD, _) => return Err(SocksError::MethodRefused),
        (other, _) => return Err(SocksError::MethodUnknown(other)),
    }
    send(stream, &request(host, port)?).await?;
    let [version, code, _reserved, kind] = receive(stream).await?;
    if version != VERSION {
        return Err(SocksError::Version(version));
    }
    if let Some(reply) = Reply::new(code) {
        return Err(SocksError::Reply(reply));
    }
    skip_address(stream, kind).await
}

async fn log_in(stream: &mut Stream, login: &Login) -> Result<(), SocksError> {
    let mut message = Zeroizing::new(vec![LOGIN_VERSION]);
    for field in [login.user.as_bytes(), login.password.as_bytes()] {
        push_field(&mut message, field)?;
    }
    send(stream, &message).await?;
    let [version, status] = receive(stream).await?;
    match (version, status) {
        (LOGIN_VERSION, 0) => Ok(()),
        (LOGIN_VERSION, _) => Err(SocksError::LoginRefused),
        _ => Err(SocksError::Version(version)),
    }
}

/// CONNECT with the host as address if it reads as one, else as a name.
fn request(host: &str, port: u16) -> Result<Vec<u8>, SocksError> {
    let mut message = vec![VERSION, CONNECT, 0];
    // Nobody else knows our interface behind `%`.
    let host = without_zone(host);
    match host.parse() {
        Ok(IpAddr::V4(address)) => {
            message.push(IPV4);
            message.extend(address.octets());
        }
        Ok(IpAddr::V6(address)) => {
            message.push(IPV6);
            message.extend(address.octets());
        }
        Err(_) => {
            message.push(DOMAIN);
            push_field(&mut message, host.as_bytes())?;
        }
    }
    message.extend(port.to_be_bytes());
    Ok(message)
}

fn push_field(message: &mut Vec<u8>, field: &[u8]) -> Result<(), SocksError> {
    message.push(u8::try_from(field.len()).map_err(|_| SocksError::FieldTooLong)?);
    message.extend_from_slice(field);
    Ok(())
}

/// Reads over the address that the proxy connected from, which nobody needs, and its port.
async fn skip_address(stream: &mut Stream, kind: u8) -> Result<(), SocksError> {
    let length = match kind {
        IPV4 => 4,
        IPV6 => 16,
        DOMAIN => {
            let [length] = receive(stream).await?;
            usize::from(length)
        }
        _ => return Err(SocksError::Reply(Reply::AddressNotSupported)),
    };
    let mut skipped = [0; FIELD_LIMIT + 2];
    stream.read_exact(&mut skipped[..length + 2]).await?;
    Ok(())
}

async fn send(stream: &mut Stream, bytes: &[u8]) -> Result<(), SocksError> {
    stream.write_all(bytes).await?;
    stream.flush().await?;
    Ok(())
}

async fn receive<const LENGTH: usize>(stream: &mut Stream) -> Result<[u8; LENGTH], SocksError> {
    let mut bytes = [0; LENGTH];
    stream.read_exact(&mut bytes).await?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::net::UnixStream;

    /// Runs `negotiate` against a proxy that follows a script: what it expects, what it answers.
    async fn talk(login: Option<(&str, &str)>, host: &str, script: &[(&[u8], &[u8])]) -> Result<(), SocksError> {
        let (ours, mut theirs) = UnixStream::pair().unwrap();
        let login = login
            .map(|(user, password)| Login { user: user.to_owned(), password: Zeroizing::new(password.to_owned()) });
        let mut ours = Stream::Unix(ours);
        let client = negotiate(&mut ours, login.as_ref(), host, 1883);
        let server = async {
            for (expected, answer) in script {
                let mut got = vec![0; expected.len()];
                theirs.read_exact(&mut got).await.unwrap();
                assert_eq!(&got, expected);
                theirs.write_all(answer).await.unwrap();
            }
            drop(theirs);
        };
        tokio::join!(client, server).0
    }

    const HELLO: (&[u8], &[u8]) = (&[5, 1, 0], &[5, 0]);
    const REQUEST: &[u8] = b"\x05\x01\x00\x03\x04mqtt\x07\x5b";
    const GRANTED: &[u8] = &[5, 0, 0, 1, 127, 0, 0, 1, 4, 56];

    #[tokio::test]
    async fn a_name_is_left_to_the_proxy_to_resolve() {
        talk(None, "mqtt", &[HELLO, (REQUEST, GRANTED)]).await.unwrap();
    }

    #[tokio::test]
    async fn addresses_are_sent_as_addresses() {
        talk(None, "10.0.0.7", &[HELLO, (&[5, 1, 0, 1, 10, 0, 0, 7, 7, 0x5b], GRANTED)]).await.unwrap();
        let mut request = vec![5, 1, 0, 4];
        request.extend([0; 15]);
        request.extend([1, 7, 0x5b]);
        talk(None, "::1", &[HELLO, (&request, GRANTED)]).await.unwrap();
    }

    #[tokio::test]
    async fn the_bound_address_may_be_of_any_kind() {
        let six = [&[5, 0, 0, 4][..], &[0; 18]].concat();
        talk(None, "mqtt", &[HELLO, (REQUEST, &six)]).await.unwrap();
        talk(None, "mqtt", &[HELLO, (REQUEST, b"\x05\x00\x00\x03\x05proxy\x00\x01")]).await.unwrap();
    }

    #[tokio::test]
    async fn user_and_password_are_offered_and_given_when_asked_for() {
        let hello = (&[5, 2, 0, 2][..], &[5, 2][..]);
        let login = (&b"\x01\x01u\x02pw"[..], &[1, 0][..]);
        talk(Some(("u", "pw")), "mqtt", &[hello, login, (REQUEST, GRANTED)]).await.unwrap();
        let refused = talk(Some(("u", "pw")), "mqtt", &[hello, (login.0, &[1, 1])]).await.unwrap_err();
        assert!(matches!(refused, SocksError::LoginRefused), "{refused:?}");
        talk(Some(("u", "")), "mqtt", &[hello, (b"\x01\x01u\x00", &[1, 0]), (REQUEST, GRANTED)]).await.unwrap();
    }

    #[tokio::test]
    async fn every_refusal_is_a_fact_of_its_own() {
        for code in 1..=9 {
            let error = talk(None, "mqtt", &[HELLO, (REQUEST, &[5, code, 0, 1])]).await.unwrap_err();
            let SocksError::Reply(reply) = error else { panic!("{error:?}") };
            assert_eq!(Some(reply), Reply::new(code));
        }
        assert_eq!(Reply::new(9), Some(Reply::Other(9)));
    }

    #[tokio::test]
    async fn nonsense_at_every_stage_is_an_error() {
        let error = talk(None, "mqtt", &[(&[5, 1, 0], b"HTTP")]).await.unwrap_err();
        assert!(matches!(error, SocksError::Version(b'H')), "{error:?}");
        let error = talk(None, "mqtt", &[(&[5, 1, 0], &[5, 0xff])]).await.unwrap_err();
        assert!(matches!(error, SocksError::MethodRefused), "{error:?}");
        let error = talk(None, "mqtt", &[(&[5, 1, 0], &[5, 2])]).await.unwrap_err();
        assert!(matches!(error, SocksError::MethodUnknown(2)), "{error:?}");
        let error = talk(None, "mqtt", &[HELLO, (REQUEST, &[4, 0, 0, 1])]).await.unwrap_err();
        assert!(matches!(error, SocksError::Version(4)), "{error:?}");
        for cut in [&GRANTED[..0], &GRANTED[..3], &GRANTED[..9]] {
            let error = talk(None, "mqtt", &[HELLO, (REQUEST, cut)]).await.unwrap_err();
            assert!(matches!(error, SocksError::Closed), "{error:?}");
        }
        let error = talk(None, &"x".repeat(256), &[HELLO]).await.unwrap_err();
        assert!(matches!(error, SocksError::FieldTooLong), "{error:?}");
    }
}
