//! GET requests to a broker's HTTP API, and nothing but GET: several brokers remove a client at the
//! same address with another method. Answers are JSON, bounded in size and time.

use std::fmt::Write;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use base64::Engine;
use bytes::Bytes;
use http_body_util::{BodyExt, Empty, Limited};
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper::header::{ACCEPT, AUTHORIZATION, HOST, USER_AGENT};
use hyper::{Request, Uri};
use serde_json::Value;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::runtime::Runtime;

use crate::net::{ConnectError, Route, Stream, connect};
use crate::term::Secret;

/// The longest answer: ten thousand clients with all their fields are a tenth of it.
const MAX_BODY: usize = 64 * 1024 * 1024;
/// Bytes of a refusal that are shown.
const MAX_SHOWN: usize = 200;
/// Bytes read from the network at once.
const READ_STEP: usize = 16 * 1024;

/// Where an API is and how to speak to it.
#[derive(Clone, Debug)]
pub struct Address {
    /// Its timeout is that of one request, the connection included.
    pub route: Route,
    /// `USER:PASSWORD`, or one token without a colon.
    pub credentials: Option<Secret>,
}

/// Why a request has no answer.
#[derive(Debug)]
pub enum HttpError {
    Connect(ConnectError),
    Timeout(Duration),
    Protocol(hyper::Error),
    /// Not 200; with the start of what the server said.
    Status {
        code: u16,
        path: String,
        said: String,
    },
    TooLong {
        path: String,
    },
    /// Not JSON, or JSON of another shape than this API has.
    NotUnderstood {
        path: String,
    },
    System(std::io::Error),
}

/// An API that is spoken to over one connection after the other.
pub struct Api {
    address: Address,
    runtime: Runtime,
    sender: Option<SendRequest<Empty<Bytes>>>,
}

impl Api {
    pub fn new(address: Address) -> Result<Self, HttpError> {
        let runtime = crate::os::runtime::on_this_thread().map_err(HttpError::System)?;
        Ok(Self { address, runtime, sender: None })
    }

    /// `HOST:PORT`, for people.
    pub fn place(&self) -> String {
        self.address.route.endpoint.to_string()
    }

    /// The JSON at `path`, query included.
    pub fn get(&mut self, path: &str) -> Result<Value, HttpError> {
        let limit = self.address.route.timeout;
        let sender = self.sender.take();
        let request = self.request(path);
        let route = &self.address.route;
        let answered = self.runtime.block_on(async {
            tokio::time::timeout(limit, exchange(sender, route, request, path))
                .await
                .unwrap_or(Err(HttpError::Timeout(limit)))
        });
        let (value, sender) = answered?;
        self.sender = Some(sender);
        Ok(value)
    }

    fn request(&self, path: &str) -> Option<Request<Empty<Bytes>>> {
        let mut request = Request::get(path.parse::<Uri>().ok()?)
            .header(HOST, self.place())
            .header(ACCEPT, "application/json")
            .header(USER_AGENT, concat!("moskit/", env!("CARGO_PKG_VERSION")));
        if let Some(secret) = &self.address.credentials {
            request = request.header(AUTHORIZATION, authorization(secret));
        }
        request.body(Empty::new()).ok()
    }
}

fn authorization(secret: &Secret) -> String {
    let bytes = secret.expose();
    if bytes.contains(&b':') {
        format!("Basic {}", base64::engine::general_purpose::STANDARD.encode(bytes))
    } else {
        format!("Bearer {}", String::from_utf8_lossy(bytes))
    }
}

/// One request and its answer, over the connection of the request before if it still stands.
async fn exchange(
    sender: Option<SendRequest<Empty<Bytes>>>,
    route: &Route,
    request: Option<Request<Empty<Bytes>>>,
    path: &str,
) -> Result<(Value, SendRequest<Empty<Bytes>>), HttpError> {
    let request = request.ok_or_else(|| HttpError::NotUnderstood { path: path.to_owned() })?;
    let mut sender = match still_open(sender).await {
        Some(sender) => sender,
        None => open(route).await?,
    };
    let answer = sender.send_request(request).await.map_err(HttpError::Protocol)?;
    let code = answer.status().as_u16();
    let body = Limited::new(answer.into_body(), MAX_BODY)
        .collect()
        .await
        .map_err(|_| HttpError::TooLong { path: path.to_owned() })?
        .to_bytes();
    if code != 200 {
        let said = String::from_utf8_lossy(&body[..body.len().min(MAX_SHOWN)]).trim().to_owned();
        return Err(HttpError::Status { code, path: path.to_owned(), said });
    }
    let value = serde_json::from_slice(&body).map_err(|_| HttpError::NotUnderstood { path: path.to_owned() })?;
    Ok((value, sender))
}

async fn still_open(sender: Option<SendRequest<Empty<Bytes>>>) -> Option<SendRequest<Empty<Bytes>>> {
    let mut sender = sender?;
    sender.ready().await.ok().map(|()| sender)
}

async fn open(route: &Route) -> Result<SendRequest<Empty<Bytes>>, HttpError> {
    let stream = connect(route).await.map_err(HttpError::Connect)?;
    let (sender, connection) = handshake(HyperStream(stream)).await.map_err(HttpError::Protocol)?;
    // Its error is the one that the request ends with.
    tokio::spawn(async move {
        let _ = connection.await;
    });
    Ok(sender)
}

/// Our streams as hyper reads and writes them.
struct HyperStream(Stream);

impl hyper::rt::Read for HyperStream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        mut into: hyper::rt::ReadBufCursor<'_>,
    ) -> Poll<std::io::Result<()>> {
        let mut step = [0; READ_STEP];
        let room = into.remaining().min(READ_STEP);
        let mut buffer = ReadBuf::new(&mut step[..room]);
        ready!(Pin::new(&mut self.0).poll_read(context, &mut buffer))?;
        into.put_slice(buffer.filled());
        Poll::Ready(Ok(()))
    }
}

impl hyper::rt::Write for HyperStream {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<std::io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(context)
    }
}

/// `text` as one segment of a path, or one value of a query.
pub fn encode(text: &str) -> String {
    text.bytes().fold(String::with_capacity(text.len()), |mut encoded, byte| {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            encoded.push(byte.into());
        } else {
            let _ = write!(encoded, "%{byte:02X}"); // writing to a string cannot fail
        }
        encoded
    })
}

/// A field as a number, also when the API writes it as text; 0 when it is not there.
pub fn number(value: &Value, field: &str) -> u64 {
    optional_number(value, field).unwrap_or(0)
}

pub fn optional_number(value: &Value, field: &str) -> Option<u64> {
    match value.get(field)? {
        Value::Number(number) => number.as_u64(),
        Value::String(text) => text.parse().ok(),
        _ => None,
    }
}

/// A field as text; empty when it is not there.
pub fn text<'a>(value: &'a Value, field: &str) -> &'a str {
    value.get(field).and_then(Value::as_str).unwrap_or_default()
}

/// The list in a field of an answer.
pub fn list<'a>(value: &'a Value, field: &str, path: &str) -> Result<&'a Vec<Value>, HttpError> {
    value.get(field).and_then(Value::as_array).ok_or_else(|| HttpError::NotUnderstood { path: path.to_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn client_ids_are_one_segment() {
        assert_eq!(encode("a/b ?#%é"), "a%2Fb%20%3F%23%25%C3%A9");
        assert_eq!(encode(".."), "..");
    }

    #[test]
    fn credentials_with_a_colon_are_basic_and_others_a_token() {
        assert_eq!(authorization(&Secret::new("u:p")), "Basic dTpw");
        assert_eq!(authorization(&Secret::new("token")), "Bearer token");
    }
}
