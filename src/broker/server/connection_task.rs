//! The task of one connection: bytes in, packets to the core; bytes from the core out. No rules of MQTT.

use std::cell::RefCell;
use std::future::poll_fn;
use std::io;
use std::ops::ControlFlow;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::{Buf, BytesMut};
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt, ReadBuf};
use tokio::sync::mpsc;
use tokio::sync::mpsc::error::TrySendError;

use super::admission::Admission;
use super::faulty::interpose;
use super::input::{Input, Received};
use super::mailbox::{Mail, Mailbox};
use crate::broker::fault::Faults;
use crate::broker::{Closing, ConnectionId, ListenerId, Peer};
use crate::mqtt::packet::{DecodeError, Decoder, Packet};
use crate::net::Stream;

/// Bytes read at once. One buffer per thread: an idle connection has none.
const READ: usize = 64 * 1024;

/// What is read is taken apart in pieces of this size, in bytes, each in memory of its own; a larger packet has its
/// own. What the core keeps of a packet is a slice of it: a small message that waits long keeps little more alive.
const PIECE: usize = 2 * 1024;

/// Packets of one read that room is made for before they are counted.
const PACKETS: usize = 64;

/// How a record of a TLS handshake begins, RFC 8446, 5.1. CONNECT never has these flags.
const TLS_HANDSHAKE: [u8; 2] = [0x16, 0x03];

/// How long a peer may take to read the last bytes of a connection.
const LAST_WRITE: Duration = Duration::from_secs(2);

/// How long after our end of a connection its peer may go on sending. Closed with bytes unread, the kernel would
/// throw our last bytes away.
const LINGER: Duration = Duration::from_millis(250);

/// The ids of all connections of the process.
static CONNECTIONS: AtomicU64 = AtomicU64::new(1);

fn next_connection() -> ConnectionId {
    ConnectionId(CONNECTIONS.fetch_add(1, Ordering::Relaxed))
}

thread_local! {
    static SCRATCH: RefCell<Box<[u8]>> = RefCell::new(vec![0; READ].into_boxed_slice());
}

/// What a connection needs to know of the settings.
#[derive(Clone, Debug)]
pub(super) struct Limits {
    /// Nothing is sent: the end of the last one shows that all connections are gone.
    pub(super) alive: mpsc::Sender<()>,
    /// Faults that connections are to have.
    pub(super) faults: Option<Arc<Faults>>,
    pub(super) admission: Arc<Admission>,
}

/// Announces the connection to the core and starts its task. `certified_at`: its peer's certificate was judged when
/// there had been so many reloads.
pub(super) async fn open(
    stream: Stream,
    listener: ListenerId,
    peer: Peer,
    certified_at: Option<u64>,
    limits: Limits,
    core: &mpsc::Sender<Input>,
) {
    let stream = match limits.faults {
        None => stream,
        Some(faults) => match interpose(stream, faults) {
            Ok(stream) => stream,
            // The process is out of descriptors: it is as if the connection had not been accepted.
            Err(_) => return,
        },
    };
    let id = next_connection();
    let mailbox = Mailbox::new();
    let opened = Input::Opened { id, listener, peer, mailbox: Arc::clone(&mailbox) };
    if core.send(opened).await.is_ok() {
        let mut task = ConnectionTask {
            id,
            stream,
            decoder: Decoder::server(limits.admission.max_packet_size()),
            received: BytesMut::new(),
            bytes: 0,
            usual: 1,
            writing: BytesMut::new(),
            close: false,
            blocked: false,
            flushing: false,
            mailbox,
            before_connect: Some(BeforeConnect { admission: limits.admission, listener, certified_at }),
            _alive: limits.alive,
        };
        let core = core.clone();
        // What is awaited is borrowed: moved into `run`, the task would be in its own memory twice.
        tokio::spawn(async move { task.run(&core).await });
    }
}

struct ConnectionTask {
    id: ConnectionId,
    stream: Stream,
    decoder: Decoder,
    /// The start of a packet that has not come whole.
    received: BytesMut,
    /// Bytes that were not reported to the core yet.
    bytes: usize,
    /// Packets that the last read brought; the next brings about as many.
    usual: usize,
    writing: BytesMut,
    /// The core has ended the connection; `writing` is the rest.
    close: bool,
    /// Whether it was reported to the core that the socket takes no more.
    blocked: bool,
    /// Bytes are written, and perhaps held back by TLS or a websocket.
    flushing: bool,
    mailbox: Arc<Mailbox>,
    /// Set until the first packet, which may be a CONNECT, has come.
    before_connect: Option<BeforeConnect>,
    _alive: mpsc::Sender<()>,
}

/// What a CONNECT has to pass.
struct BeforeConnect {
    admission: Arc<Admission>,
    listener: ListenerId,
    certified_at: Option<u64>,
}

/// What happened on the stream.
enum Happened {
    /// `None`: the start of a packet.
    Received(Option<Box<Received>>),
    Written,
    Blocked,
    /// The core ends the connection.
    Dismissed,
    Ended(Closing),
}

impl ConnectionTask {
    /// What is rare is boxed, since memory for it would be taken from each connection for as long as it lasts.
    async fn run(&mut self, core: &mpsc::Sender<Input>) {
        loop {
            let input = match poll_fn(|context| self.poll(context)).await {
                Happened::Received(None) => continue,
                Happened::Received(Some(received)) => {
                    if self.before_connect.is_some() && Box::pin(self.wait_before_connect(&received)).await.is_break() {
                        // The core may have ended it itself.
                        let why = Closing::NotAuthorized;
                        let _ = Box::pin(core.send(Input::Closed { id: self.id, why })).await;
                        break;
                    }
                    self.mailbox.sent(received.bytes);
                    Input::Packets(received)
                }
                Happened::Written => Input::Written(self.id),
                Happened::Blocked => Input::Blocked(self.id),
                Happened::Dismissed => break,
                Happened::Ended(why) => {
                    // Without a core nobody wants to know.
                    let _ = Box::pin(core.send(Input::Closed { id: self.id, why })).await;
                    return;
                }
            };
            match core.try_send(input) {
                Ok(()) => {}
                Err(TrySendError::Full(input)) => {
                    if Box::pin(core.send(input)).await.is_err() {
                        return;
                    }
                }
                Err(TrySendError::Closed(_)) => return,
            }
        }
        Box::pin(self.take_leave()).await;
    }

    fn poll(&mut self, context: &mut Context<'_>) -> Poll<Happened> {
        if let Poll::Ready(happened) = self.poll_write(context) {
            return Poll::Ready(happened);
        }
        if self.mailbox.is_full() {
            return Poll::Pending;
        }
        self.poll_read(context)
    }

    fn poll_write(&mut self, context: &mut Context<'_>) -> Poll<Happened> {
        if self.poll_mail(context).is_ready() {
            return Poll::Ready(Happened::Dismissed);
        }
        match self.push(context) {
            Poll::Ready(Ok(false)) => Poll::Pending,
            Poll::Ready(Ok(true)) => {
                self.blocked = false;
                Poll::Ready(Happened::Written)
            }
            Poll::Ready(Err(error)) => Poll::Ready(Happened::Ended(ending(&error))),
            Poll::Pending if self.blocked => Poll::Pending,
            Poll::Pending => {
                // The waker is registered; this only informs the core.
                self.blocked = true;
                Poll::Ready(Happened::Blocked)
            }
        }
    }

    /// Takes what the core hands over. Ready when the core has ended the connection.
    fn poll_mail(&mut self, context: &mut Context<'_>) -> Poll<()> {
        let Mail { bytes, close } = ready!(self.mailbox.poll(context));
        self.close |= close;
        if self.writing.is_empty() {
            self.writing = bytes;
        } else {
            self.writing.unsplit(bytes);
        }
        if self.close { Poll::Ready(()) } else { Poll::Pending }
    }

    /// Lets a CONNECT wait for the end of a reload and until its login is checked. Breaks when the connection is to end.
    async fn wait_before_connect(&mut self, received: &Received) -> ControlFlow<()> {
        let Some(before) = self.before_connect.take() else { return ControlFlow::Continue(()) };
        let Some(Packet::Connect(connect)) = received.packets.as_slice().first() else {
            return ControlFlow::Continue(());
        };
        tokio::select! {
            biased;
            reloads = before.admission.settle(before.listener, connect) => {
                // A certificate that was judged by the lists of before has to be shown again.
                let is_outdated = before.certified_at.is_some_and(|before| before != reloads);
                if is_outdated { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
            }
            // Before CONNECT the core sends nothing but the end.
            () = poll_fn(|context| self.poll_mail(context)) => ControlFlow::Break(()),
        }
    }

    /// Writes to the stream what is to be written. Says whether there was anything.
    fn push(&mut self, context: &mut Context<'_>) -> Poll<io::Result<bool>> {
        while !self.writing.is_empty() {
            let written = ready!(Pin::new(&mut self.stream).poll_write(context, &self.writing))?;
            if written == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            self.writing.advance(written);
            self.flushing = true;
        }
        if !self.flushing {
            return Poll::Ready(Ok(false));
        }
        // TLS and websockets may hold bytes back.
        ready!(Pin::new(&mut self.stream).poll_flush(context))?;
        self.flushing = false;
        self.writing = BytesMut::new();
        Poll::Ready(Ok(true))
    }

    fn poll_read(&mut self, context: &mut Context<'_>) -> Poll<Happened> {
        SCRATCH.with_borrow_mut(|scratch| {
            let mut buffer = ReadBuf::new(scratch);
            match Pin::new(&mut self.stream).poll_read(context, &mut buffer) {
                Poll::Pending => Poll::Pending,
                Poll::Ready(Err(error)) => Poll::Ready(Happened::Ended(ending(&error))),
                Poll::Ready(Ok(())) if buffer.filled().is_empty() => Poll::Ready(Happened::Ended(Closing::ByClient)),
                Poll::Ready(Ok(())) => Poll::Ready(Happened::Received(self.decode(buffer.filled()))),
            }
        })
    }

    /// The packets that have come whole with these bytes.
    fn decode(&mut self, bytes: &[u8]) -> Option<Box<Received>> {
        self.bytes += bytes.len();
        let mut is_tls = false;
        let mut packets = Vec::with_capacity(self.usual);
        let mut malformed = None;
        let mut rest = bytes;
        while !rest.is_empty() {
            self.received.extend_from_slice(next_piece(&self.received, &mut rest));
            is_tls |= packets.is_empty() && self.before_connect.is_some() && self.received.starts_with(&TLS_HANDSHAKE);
            if let Err(error) = self.decode_piece(&mut packets) {
                malformed = Some((error, self.decoder.version()));
                break;
            }
        }
        if packets.is_empty() && malformed.is_none() {
            return None;
        }
        let bytes = std::mem::take(&mut self.bytes);
        self.usual = packets.len().min(PACKETS);
        Some(Box::new(Received { id: self.id, packets: packets.into_iter(), bytes, malformed, is_tls }))
    }

    fn decode_piece(&mut self, packets: &mut Vec<Packet>) -> Result<(), DecodeError> {
        while let Some(packet) = self.decoder.decode(&mut self.received)? {
            packets.push(packet);
        }
        if self.received.is_empty() {
            // An idle connection keeps no buffer.
            self.received = BytesMut::new();
        }
        Ok(())
    }

    /// The core has ended the connection: the peer gets what is written, and time to read it.
    async fn take_leave(&mut self) {
        let last_write = async {
            self.stream.write_all_buf(&mut self.writing).await?;
            self.stream.shutdown().await
        };
        if !matches!(tokio::time::timeout(LAST_WRITE, last_write).await, Ok(Ok(()))) {
            return;
        }
        // However it ended, the connection is over.
        let _ = tokio::time::timeout(LINGER, self.stream.drain()).await;
    }
}

/// Takes off `rest` what goes into one memory with `received`, the start of a packet or nothing.
fn next_piece<'a>(received: &[u8], rest: &mut &'a [u8]) -> &'a [u8] {
    let size = match Decoder::announced(received) {
        // The piece is all of the packet, and nothing of what comes after it.
        Some(size) if size > PIECE => size.saturating_sub(received.len()).max(1),
        _ => PIECE,
    };
    rest.split_off(..size.min(rest.len())).unwrap_or_default()
}

fn ending(error: &io::Error) -> Closing {
    match error.kind() {
        io::ErrorKind::ConnectionReset
        | io::ErrorKind::BrokenPipe
        | io::ErrorKind::UnexpectedEof
        | io::ErrorKind::WriteZero => Closing::ByClient,
        _ => Closing::Transport(error.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mqtt::packet::ProtocolVersion;

    /// A PUBLISH at QoS 0 of so many bytes on the wire.
    fn publish(size: usize) -> Vec<u8> {
        let body = size - 1 - if size < 130 { 1 } else { 3 };
        let mut packet = vec![0x30];
        match body {
            ..128 => packet.push(body as u8),
            _ => packet.extend([body as u8 | 0x80, (body >> 7) as u8 | 0x80, (body >> 14) as u8]),
        }
        packet.extend([0, 1, b't']);
        packet.resize(size, b'x');
        packet
    }

    /// The sizes of the pieces that `bytes`, read at once, are taken apart in, and of the packets in them.
    fn taken_apart(bytes: &[u8]) -> (Vec<usize>, Vec<usize>) {
        let mut decoder = Decoder::client(ProtocolVersion::V311, usize::MAX);
        let (mut received, mut rest) = (BytesMut::new(), bytes);
        let (mut pieces, mut packets) = (Vec::new(), Vec::new());
        while !rest.is_empty() {
            let piece = next_piece(&received, &mut rest);
            pieces.push(piece.len());
            received.extend_from_slice(piece);
            let mut before = received.len();
            while decoder.decode(&mut received).unwrap().is_some() {
                packets.push(before - received.len());
                before = received.len();
            }
        }
        assert!(received.is_empty());
        (pieces, packets)
    }

    #[test]
    fn small_packets_come_in_pieces_of_bounded_size() {
        let bytes = publish(100).repeat(50);
        assert_eq!(taken_apart(&bytes), (vec![PIECE, PIECE, 5000 - 2 * PIECE], vec![100; 50]));
    }

    #[test]
    fn a_large_packet_shares_its_memory_with_nothing_that_comes_after_it() {
        let bytes = [publish(100), publish(40_000), publish(100), publish(100)].concat();
        let (pieces, packets) = taken_apart(&bytes);
        assert_eq!(packets, [100, 40_000, 100, 100]);
        assert_eq!(pieces, [PIECE, 40_100 - PIECE, 200]);
    }
}
