//! HTTP/1.1 as a client, over our streams: for the APIs of brokers, and for endpoints that issue tokens.

use std::fmt::Write;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use hyper::body::Body;
use hyper::client::conn::http1::{Builder, SendRequest};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use crate::net::{ConnectError, Route, Stream, connect};

/// What we call ourselves in requests.
pub const USER_AGENT: &str = concat!("moskit/", env!("CARGO_PKG_VERSION"));

/// Bytes read from the network at once.
const READ_STEP: usize = 16 * 1024;

/// Bytes of an answer's head that are gathered, at most. What comes behind it is handed on as it arrives.
const HEAD_LIMIT: usize = 64 * 1024;

/// The most fields of a head, and of what may follow a body.
const FIELD_LIMIT: usize = 128;

/// Why no request can be sent.
#[derive(Debug)]
pub enum OpenError {
    Connect(ConnectError),
    Protocol(hyper::Error),
}

/// Connects along `route` for requests one after the other.
pub async fn open<B>(route: &Route) -> Result<SendRequest<B>, OpenError>
where
    B: Body<Data: Send, Error: Into<Box<dyn std::error::Error + Send + Sync>>> + Send + 'static,
{
    let stream = connect(route).await.map_err(OpenError::Connect)?;
    let handshake = Builder::new().max_buf_size(HEAD_LIMIT).max_headers(FIELD_LIMIT).handshake(HyperStream(stream));
    let (sender, connection) = handshake.await.map_err(OpenError::Protocol)?;
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
pub fn encode(text: impl AsRef<[u8]>) -> String {
    let text = text.as_ref();
    text.iter().fold(String::with_capacity(text.len()), |mut encoded, &byte| {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            encoded.push(byte.into());
        } else {
            let _ = write!(encoded, "%{byte:02X}"); // writing to a string cannot fail
        }
        encoded
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn client_ids_are_one_segment() {
        assert_eq!(encode("a/b ?#%é"), "a%2Fb%20%3F%23%25%C3%A9");
        assert_eq!(encode(".."), "..");
    }
}
