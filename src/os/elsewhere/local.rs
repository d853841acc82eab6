//! There are no unix sockets.

use std::io;
use std::net::{Ipv4Addr, TcpListener, TcpStream as StdStream};
use std::path::Path;
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

use crate::os::unsupported;

const WHAT: &str = "unix sockets";

/// There is none, so nobody has one.
#[derive(Debug)]
pub enum Stream {}

/// As [`Stream`].
#[derive(Debug)]
pub enum Listener {}

/// One end of a [`pair`].
pub type PairEnd = TcpStream;

impl Stream {
    pub async fn connect(_path: impl AsRef<Path>) -> io::Result<Self> {
        Err(unsupported(WHAT))
    }
}

impl Listener {
    pub fn bind(_path: impl AsRef<Path>) -> io::Result<Self> {
        Err(unsupported(WHAT))
    }

    pub async fn accept(&self) -> io::Result<(Stream, ())> {
        match *self {}
    }
}

/// As [`Stream`].
#[derive(Debug)]
pub enum SocketFile {}

pub fn listen(_path: &Path, _mode: u32) -> io::Result<(Listener, SocketFile)> {
    Err(unsupported(WHAT))
}

/// Two connected streams within this process, by the loopback interface: whoever else gets to the port first is
/// turned away.
pub fn pair() -> io::Result<(PairEnd, PairEnd)> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    let near = StdStream::connect(listener.local_addr()?)?;
    loop {
        let (far, from) = listener.accept()?;
        if from == near.local_addr()? {
            let ready = |stream: StdStream| {
                stream.set_nonblocking(true)?;
                stream.set_nodelay(true)?;
                TcpStream::from_std(stream)
            };
            return Ok((ready(near)?, ready(far)?));
        }
    }
}

pub fn rumqttc_transport() -> io::Result<rumqttc::Transport> {
    Err(unsupported(WHAT))
}

impl AsyncRead for Stream {
    fn poll_read(self: Pin<&mut Self>, _: &mut Context<'_>, _: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        match *self {}
    }
}

impl AsyncWrite for Stream {
    fn poll_write(self: Pin<&mut Self>, _: &mut Context<'_>, _: &[u8]) -> Poll<io::Result<usize>> {
        match *self {}
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        match *self {}
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        match *self {}
    }
}
