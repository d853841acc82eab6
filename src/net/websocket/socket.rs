//! A WebSocket that has been opened, as a stream of bytes.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, Waker, ready};

use bytes::{Buf, BytesMut};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::frame::{Decoder, Event, FrameError, Opcode, encode};

/// The most bytes of one write that go into a frame.
const WRITE_CHUNK: usize = 64 * 1024;

/// How much is read from the transport at a time.
const READ_CHUNK: usize = 16 * 1024;

/// The most bytes waiting to be written before pings stay without an answer.
const PENDING_LIMIT: usize = 2 * WRITE_CHUNK;

/// "Normal closure" (RFC 6455, 7.4.1).
const NORMAL_CLOSURE: [u8; 2] = 1000u16.to_be_bytes();

/// Which end we are: a client masks what it sends, a server does not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    Client,
    Server,
}

/// A WebSocket that has been opened, over the stream `S`.
#[derive(Debug)]
pub struct WebSocket<S> {
    stream: S,
    role: Role,
    decoder: Decoder,
    incoming: BytesMut,
    /// Whole frames on their way out.
    outgoing: BytesMut,
    /// The reader queued an answer (pong, close) that has not left yet.
    answering: bool,
    /// Who waits for `outgoing` to leave; reader and writer may be different tasks.
    writer: Option<Waker>,
    close_sent: bool,
    close_received: bool,
}

impl<S: AsyncRead + AsyncWrite + Unpin> WebSocket<S> {
    /// `rest` was read together with the handshake and belongs to the first frames.
    pub fn new(stream: S, role: Role, rest: BytesMut) -> Self {
        Self {
            stream,
            role,
            decoder: Decoder::new(role == Role::Server),
            incoming: rest,
            outgoing: BytesMut::new(),
            answering: false,
            writer: None,
            close_sent: false,
            close_received: false,
        }
    }

    pub fn transport(&self) -> &S {
        &self.stream
    }

    pub fn transport_mut(&mut self) -> &mut S {
        &mut self.stream
    }

    pub(super) fn queue(&mut self, opcode: Opcode, payload: &[u8]) -> io::Result<()> {
        let mask = match self.role {
            Role::Server => None,
            Role::Client => {
                let mut mask = [0; 4];
                aws_lc_rs::rand::fill(&mut mask).map_err(|_| io::Error::other("no randomness"))?;
                Some(mask)
            }
        };
        encode(opcode, payload, mask, &mut self.outgoing);
        Ok(())
    }

    fn queue_close(&mut self, payload: &[u8]) -> io::Result<()> {
        if !self.close_sent {
            self.queue(Opcode::Close, payload)?;
            self.close_sent = true;
        }
        Ok(())
    }

    /// Writes what waits to be written.
    fn poll_drain(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        while !self.outgoing.is_empty() {
            let written = ready!(Pin::new(&mut self.stream).poll_write(context, &self.outgoing))?;
            if written == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            self.outgoing.advance(written);
        }
        Poll::Ready(Ok(()))
    }

    /// The reader sends the answers that it queued, without waiting for them to leave.
    fn send_answers(&mut self, context: &mut Context<'_>) -> io::Result<()> {
        if !self.answering {
            return Ok(());
        }
        if let Poll::Ready(drained) = self.poll_drain(context) {
            drained?;
            if let Poll::Ready(flushed) = Pin::new(&mut self.stream).poll_flush(context) {
                flushed?;
                self.answering = false;
            }
            // Our waker may have taken the place of the writer's in the transport.
            if let Some(writer) = self.writer.take() {
                writer.wake();
            }
        }
        Ok(())
    }

    fn handle_control(&mut self, opcode: Opcode, payload: &[u8]) -> io::Result<()> {
        match opcode {
            Opcode::Ping if self.outgoing.len() < PENDING_LIMIT && !self.close_sent => {
                self.queue(Opcode::Pong, payload)?;
                self.answering = true;
            }
            Opcode::Close => {
                // The peer's status code comes back to it (RFC 6455, 5.5.1).
                self.queue_close(payload.get(..2).unwrap_or_default())?;
                self.answering = true;
                self.close_received = true;
            }
            _ => {}
        }
        Ok(())
    }

    /// Tells the peer what was wrong (RFC 6455, 7.1.7), as far as it can be told at once.
    fn reject(&mut self, error: FrameError, context: &mut Context<'_>) {
        if self.queue_close(&error.status().to_be_bytes()).is_ok() {
            self.answering = true;
            let _ = self.send_answers(context);
        }
    }

    fn poll_fill(&mut self, context: &mut Context<'_>) -> Poll<io::Result<usize>> {
        let mut chunk = [0; READ_CHUNK];
        let mut chunk = ReadBuf::new(&mut chunk);
        let read = Pin::new(&mut self.stream).poll_read(context, &mut chunk);
        if read.is_pending() {
            // An idle connection keeps no buffer.
            forget_empty(&mut self.incoming);
            forget_empty(&mut self.outgoing);
        }
        ready!(read)?;
        self.incoming.extend_from_slice(chunk.filled());
        Poll::Ready(Ok(chunk.filled().len()))
    }
}

/// Gives the memory of a buffer back, if it holds nothing.
fn forget_empty(buffer: &mut BytesMut) {
    if buffer.is_empty() {
        *buffer = BytesMut::new();
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncRead for WebSocket<S> {
    fn poll_read(self: Pin<&mut Self>, context: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let socket = self.get_mut();
        loop {
            socket.send_answers(context)?;
            if socket.close_received || buffer.remaining() == 0 {
                return Poll::Ready(Ok(()));
            }
            let decoded = socket.decoder.decode(&mut socket.incoming, buffer.remaining());
            match decoded.inspect_err(|error| socket.reject(*error, context))? {
                Event::Data(bytes) => {
                    buffer.put_slice(&bytes);
                    return Poll::Ready(Ok(()));
                }
                Event::Control(opcode, payload) => socket.handle_control(opcode, &payload)?,
                Event::NeedMore => {
                    if ready!(socket.poll_fill(context))? == 0 {
                        let whole = socket.incoming.is_empty() && socket.decoder.is_between_frames();
                        return Poll::Ready(if whole { Ok(()) } else { Err(io::ErrorKind::UnexpectedEof.into()) });
                    }
                }
            }
        }
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncWrite for WebSocket<S> {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let socket = self.get_mut();
        if socket.close_sent {
            return Poll::Ready(Err(io::ErrorKind::BrokenPipe.into()));
        }
        if socket.poll_drain(context)?.is_pending() {
            socket.writer = Some(context.waker().clone());
            return Poll::Pending;
        }
        let chunk = &bytes[..bytes.len().min(WRITE_CHUNK)];
        if !chunk.is_empty() {
            socket.queue(Opcode::Binary, chunk)?;
        }
        // What does not leave now leaves with the next write or flush.
        let _ = socket.poll_drain(context)?;
        Poll::Ready(Ok(chunk.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let socket = self.get_mut();
        if socket.poll_drain(context)?.is_pending() {
            socket.writer = Some(context.waker().clone());
            return Poll::Pending;
        }
        Pin::new(&mut socket.stream).poll_flush(context)
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let socket = self.get_mut();
        socket.queue_close(&NORMAL_CLOSURE)?;
        ready!(socket.poll_drain(context))?;
        Pin::new(&mut socket.stream).poll_shutdown(context)
    }
}
