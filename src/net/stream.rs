//! One type for every way bytes travel.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::first_bytes::{FirstBytes, Noted};
use super::tls::{Alert, Seen, TlsSession, alert_in};
use super::websocket::WebSocket;
use crate::os::{local, socket};

/// How long a peer may take to say why it hung up.
pub const LAST_WORDS_TIMEOUT: Duration = Duration::from_secs(2);

/// A connected stream of bytes. Each way brings them in their order and loses none [MQTT-4.2.0-1].
#[derive(Debug)]
pub enum Stream {
    Tcp(TcpStream),
    Unix(local::Stream),
    Tls(Box<TlsStream>),
    #[cfg(feature = "psk")]
    PreShared(Box<PreSharedStream>),
    WebSocket(Box<WebSocket<Stream>>),
    /// What a proxy passes on, over a TLS session with the proxy that is nothing of the peer's.
    Tunnel(Box<Stream>),
    /// What a TLS session of a client goes over.
    Noted(Box<Noted<Stream>>),
}

/// A TLS session over another stream.
#[derive(Debug)]
pub struct TlsStream {
    stream: tokio_rustls::TlsStream<Stream>,
    session: TlsSession,
    /// No data has come yet, only what belongs to the handshake.
    is_young: bool,
}

/// TLS with a pre-shared key over another stream.
#[cfg(feature = "psk")]
#[derive(Debug)]
pub struct PreSharedStream {
    stream: tokio_openssl::SslStream<Stream>,
    session: TlsSession,
}

impl Stream {
    #[cfg(feature = "psk")]
    pub(super) fn pre_shared(stream: tokio_openssl::SslStream<Self>, session: TlsSession) -> Self {
        Self::PreShared(Box::new(PreSharedStream { stream, session }))
    }

    /// The same, which keeps the first bytes that the peer sends.
    pub(super) fn noted(self, first_bytes: &FirstBytes) -> Self {
        Self::Noted(Box::new(Noted::new(self, first_bytes.clone())))
    }

    pub(super) fn tls(stream: tokio_rustls::TlsStream<Self>, session: TlsSession) -> Self {
        Self::Tls(Box::new(TlsStream { stream, session, is_young: true }))
    }

    /// The TLS session that the bytes travel in.
    pub fn session(&self) -> Option<&TlsSession> {
        match self {
            Self::Tcp(_) | Self::Unix(_) | Self::Tunnel(_) | Self::Noted(_) => None,
            Self::Tls(tls) => Some(&tls.session),
            #[cfg(feature = "psk")]
            Self::PreShared(tls) => Some(&tls.session),
            Self::WebSocket(socket) => socket.transport().session(),
        }
    }

    /// What the handshake of the TLS session showed of the peer, for which the session then has no room any more.
    pub fn take_seen(&mut self) -> Seen {
        match self {
            Self::Tls(tls) => std::mem::take(&mut tls.session.seen),
            #[cfg(feature = "psk")]
            Self::PreShared(tls) => std::mem::take(&mut tls.session.seen),
            Self::Tcp(_) | Self::Unix(_) | Self::Tunnel(_) | Self::WebSocket(_) | Self::Noted(_) => Seen::default(),
        }
    }

    /// What the peer still said when a write failed or the stream ended: the alert with which it
    /// refused us. In TLS 1.3 a server judges the client's certificate after the client may write, so
    /// the write fails and the reason waits to be read. Gives up after [`LAST_WORDS_TIMEOUT`].
    pub async fn last_words(&mut self) -> Option<Alert> {
        self.session()?;
        let mut discarded = [0; 1024];
        let reading = async {
            loop {
                match self.read(&mut discarded).await {
                    Ok(0) => return None,
                    Ok(_) => {}
                    Err(error) => return alert_in(&error),
                }
            }
        };
        timeout(LAST_WORDS_TIMEOUT, reading).await.ok().flatten()
    }

    /// Reads and throws away what still comes, until the peer has closed too. A socket that is closed with bytes unread is
    /// reset, and the reset overtakes at the peer what it has not read yet. The bytes are those of the socket and not
    /// of the sessions over it: ours are closed already, and what a peer writes behind their end is nothing to them.
    pub async fn drain(&mut self) {
        let socket = self.socket();
        let mut discarded = [0; 4096];
        while matches!(socket.read(&mut discarded).await, Ok(1..)) {}
    }

    /// Asks the kernel to acknowledge what arrives at once instead of after up to 40 ms. A peer with
    /// Nagle's algorithm on holds its answer back until then, so this is called each time before
    /// waiting for an answer: the kernel forgets it with the next exchange. Not before each read: an
    /// acknowledgement of its own costs more than the message that it is for. Linux only; elsewhere, and
    /// on streams that are not TCP, it does nothing.
    pub fn quickack(&self) {
        if let Some(tcp) = self.tcp() {
            socket::acknowledge_at_once(tcp);
        }
    }

    /// The addresses of both ends, theirs first, of a TCP connection.
    pub fn addresses(&self) -> Option<(std::net::SocketAddr, std::net::SocketAddr)> {
        let tcp = self.tcp()?;
        Some((tcp.peer_addr().ok()?, tcp.local_addr().ok()?))
    }

    /// The system's own socket, with nothing over it.
    pub fn is_bare(&self) -> bool {
        matches!(self, Self::Tcp(_) | Self::Unix(_))
    }

    fn is_young(&self) -> bool {
        matches!(self, Self::Tls(tls) if tls.is_young)
    }

    fn grow_up(&mut self) {
        if let Self::Tls(tls) = self {
            tls.is_young = false;
        }
    }

    /// The stream below all others, which the system knows.
    fn socket(&mut self) -> &mut Self {
        match self {
            Self::Tcp(_) | Self::Unix(_) => self,
            Self::Tls(tls) => tls.stream.get_mut().0.socket(),
            #[cfg(feature = "psk")]
            Self::PreShared(tls) => tls.stream.get_mut().socket(),
            Self::WebSocket(socket) => socket.transport_mut().socket(),
            Self::Tunnel(stream) => stream.socket(),
            Self::Noted(noted) => noted.get_mut().socket(),
        }
    }

    fn tcp(&self) -> Option<&TcpStream> {
        match self {
            Self::Tcp(tcp) => Some(tcp),
            Self::Unix(_) => None,
            Self::Tls(tls) => tls.stream.get_ref().0.tcp(),
            #[cfg(feature = "psk")]
            Self::PreShared(tls) => tls.stream.get_ref().tcp(),
            Self::WebSocket(socket) => socket.transport().tcp(),
            Self::Tunnel(stream) => stream.tcp(),
            Self::Noted(noted) => noted.get_ref().tcp(),
        }
    }
}

impl From<TcpStream> for Stream {
    fn from(tcp: TcpStream) -> Self {
        Self::Tcp(tcp)
    }
}

impl From<local::Stream> for Stream {
    fn from(unix: local::Stream) -> Self {
        Self::Unix(unix)
    }
}

/// Calls one method of the stream within.
macro_rules! within {
    ($stream:expr, $inner:ident => $call:expr) => {
        match $stream {
            Stream::Tcp($inner) => $call,
            Stream::Unix($inner) => $call,
            Stream::Tls(tls) => {
                let $inner = &mut tls.stream;
                $call
            }
            #[cfg(feature = "psk")]
            Stream::PreShared(tls) => {
                let $inner = &mut tls.stream;
                $call
            }
            Stream::WebSocket(socket) => {
                let $inner = &mut **socket;
                $call
            }
            Stream::Tunnel(stream) => {
                let $inner = &mut **stream;
                $call
            }
            Stream::Noted(noted) => {
                let $inner = &mut **noted;
                $call
            }
        }
    };
}

impl AsyncRead for Stream {
    fn poll_read(self: Pin<&mut Self>, context: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let stream = self.get_mut();
        let polled = within!(&mut *stream, inner => Pin::new(inner).poll_read(context, buffer));
        // OpenSSL's servers send two session tickets and their first answer apart: each waits for the
        // acknowledgement of the one before, and asking once is forgotten when the first has come.
        if stream.is_young() {
            match &polled {
                Poll::Pending => stream.quickack(),
                Poll::Ready(_) => stream.grow_up(),
            }
        }
        polled
    }
}

impl AsyncWrite for Stream {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        within!(self.get_mut(), inner => Pin::new(inner).poll_write(context, bytes))
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        within!(self.get_mut(), inner => Pin::new(inner).poll_flush(context))
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        within!(self.get_mut(), inner => Pin::new(inner).poll_shutdown(context))
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        within!(self.get_mut(), inner => Pin::new(inner).poll_write_vectored(context, slices))
    }

    fn is_write_vectored(&self) -> bool {
        match self {
            Self::Tcp(tcp) => tcp.is_write_vectored(),
            Self::Unix(unix) => unix.is_write_vectored(),
            Self::Tls(tls) => tls.stream.is_write_vectored(),
            #[cfg(feature = "psk")]
            Self::PreShared(tls) => tls.stream.is_write_vectored(),
            Self::WebSocket(socket) => socket.is_write_vectored(),
            Self::Tunnel(stream) => stream.is_write_vectored(),
            Self::Noted(noted) => noted.is_write_vectored(),
        }
    }
}
