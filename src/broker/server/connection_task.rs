//! The task of one connection: bytes in, packets to the core; bytes from the core out. No rules of MQTT.

use std::cell::RefCell;
use std::future::poll_fn;
use std::io;
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
use super::mailbox::Mailbox;
use super::paced::Pace;
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
const PACKETS: u16 = 64;

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

/// What all connections have in common.
#[derive(Debug)]
pub(super) struct Shared {
    pub(super) core: mpsc::Sender<Input>,
    /// Nothing is sent: the end of the last one shows that all connections are gone.
    pub(super) _alive: mpsc::Sender<()>,
    /// Faults that connections are to have.
    pub(super) faults: Option<Arc<Faults>>,
    pub(super) admission: Arc<Admission>,
    /// The turns of TLS handshakes.
    pub(super) handshakes: Pace,
}

/// Announces the connection to the core and starts its task. `certified_at`: its peer's certificate was judged when
/// there had been so many reloads.
pub(super) async fn open(
    stream: Stream,
    listener: ListenerId,
    peer: Peer,
    certified_at: Option<u64>,
    shared: Arc<Shared>,
) {
    let stream = match &shared.faults {
        None => stream,
        Some(faults) => match interpose(stream, Arc::clone(faults)) {
            Ok(stream) => stream,
            // The process is out of descriptors: it is as if the connection had not been accepted.
            Err(_) => return,
        },
    };
    let id = next_connection();
    let mailbox = Mailbox::new(id);
    let opened = Input::Opened { listener, peer, mailbox: Arc::clone(&mailbox) };
    if shared.core.send(opened).await.is_ok() {
        tokio::spawn(ConnectionTask {
            stream: Some(stream),
            decoder: Decoder::server(shared.admission.max_packet_size()),
            received: None,
            bytes: 0,
            usual: 1,
            blocked: false,
            flushing: false,
            mailbox,
            before_connect: Some(Box::new(BeforeConnect { listener, certified_at })),
            waiting: None,
            shared,
        });
    }
}

/// There is one for each connection, for as long as it lasts. So what is rare is boxed, and it is no `async` block, which would
/// keep room for all that it ever waits for.
struct ConnectionTask {
    /// `None`: the connection takes its leave.
    stream: Option<Stream>,
    decoder: Decoder,
    /// The start of a packet that has not come whole.
    received: Option<Box<BytesMut>>,
    /// Bytes that were not reported to the core yet.
    bytes: usize,
    /// Packets that the last read brought; the next brings about as many.
    usual: u16,
    /// Whether it was reported to the core that the socket takes no more.
    blocked: bool,
    /// Bytes are written, and perhaps held back by TLS or a websocket.
    flushing: bool,
    mailbox: Arc<Mailbox>,
    /// Set until the first packet, which may be a CONNECT, has come.
    before_connect: Option<Box<BeforeConnect>>,
    /// Something else that comes first.
    waiting: Option<Waiting>,
    shared: Arc<Shared>,
}

type Waiting = Pin<Box<dyn Future<Output = Next> + Send>>;

/// What a CONNECT has to pass.
struct BeforeConnect {
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

/// How a connection goes on.
enum Next {
    GoOn,
    HandOver(Box<Received>),
    /// The peer gets the last bytes.
    Leave,
    End,
}

impl Future for ConnectionTask {
    type Output = ();

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        let task = self.get_mut();
        loop {
            let next = if let Some(waiting) = &mut task.waiting {
                let next = ready!(waiting.as_mut().poll(context));
                task.waiting = None;
                next
            } else {
                let happened = ready!(task.poll_stream(context));
                task.answer(happened)
            };
            match next {
                Next::GoOn => {}
                Next::HandOver(received) => {
                    if !task.hand_over_packets(received) {
                        return Poll::Ready(());
                    }
                }
                Next::Leave => task.leave(),
                Next::End => return Poll::Ready(()),
            }
        }
    }
}

impl ConnectionTask {
    fn answer(&mut self, happened: Happened) -> Next {
        let goes_on = match happened {
            Happened::Received(None) => true,
            Happened::Received(Some(received)) => match self.before_connect.take() {
                Some(before) if matches!(received.packets.as_slice().first(), Some(Packet::Connect(_))) => {
                    let (mailbox, shared) = (Arc::clone(&self.mailbox), Arc::clone(&self.shared));
                    self.waiting = Some(Box::pin(before_connect(*before, received, mailbox, shared)));
                    true
                }
                _ => self.hand_over_packets(received),
            },
            Happened::Written => self.hand_over(Input::Written(self.mailbox.id)),
            Happened::Blocked => self.hand_over(Input::Blocked(self.mailbox.id)),
            Happened::Dismissed => return Next::Leave,
            Happened::Ended(why) => {
                let (id, shared) = (self.mailbox.id, Arc::clone(&self.shared));
                self.waiting = Some(Box::pin(async move {
                    // Without a core nobody wants to know.
                    let _ = shared.core.send(Input::Closed { id, why }).await;
                    Next::End
                }));
                true
            }
        };
        if goes_on { Next::GoOn } else { Next::End }
    }

    fn hand_over_packets(&mut self, received: Box<Received>) -> bool {
        self.mailbox.sent(received.bytes);
        self.hand_over(Input::Packets(received))
    }

    /// Says whether there is still a core.
    fn hand_over(&mut self, input: Input) -> bool {
        match self.shared.core.try_send(input) {
            Ok(()) => true,
            Err(TrySendError::Full(input)) => {
                let shared = Arc::clone(&self.shared);
                self.waiting = Some(Box::pin(async move {
                    if shared.core.send(input).await.is_ok() { Next::GoOn } else { Next::End }
                }));
                true
            }
            Err(TrySendError::Closed(_)) => false,
        }
    }

    /// The core has ended the connection: the peer gets what is to be written, and time to read it.
    fn leave(&mut self) {
        let bytes = self.mailbox.take_bytes();
        let stream = self.stream.take();
        self.waiting = Some(Box::pin(async move {
            if let Some(stream) = stream {
                take_leave(stream, bytes).await;
            }
            Next::End
        }));
    }

    fn poll_stream(&mut self, context: &mut Context<'_>) -> Poll<Happened> {
        if let Poll::Ready(happened) = self.poll_write(context) {
            return Poll::Ready(happened);
        }
        if self.mailbox.is_full() {
            return Poll::Pending;
        }
        self.poll_read(context)
    }

    fn poll_write(&mut self, context: &mut Context<'_>) -> Poll<Happened> {
        match self.push(context) {
            Poll::Ready(Ok(None)) => Poll::Pending,
            Poll::Ready(Ok(Some(happened))) => {
                self.blocked = false;
                Poll::Ready(happened)
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

    /// Writes to the stream what is to be written. `None`: there is nothing.
    fn push(&mut self, context: &mut Context<'_>) -> Poll<io::Result<Option<Happened>>> {
        let mut slot = self.mailbox.open(context);
        if slot.close {
            return Poll::Ready(Ok(Some(Happened::Dismissed)));
        }
        let Some(stream) = &mut self.stream else { return Poll::Ready(Ok(None)) };
        while !slot.bytes.is_empty() {
            let written = ready!(Pin::new(&mut *stream).poll_write(context, &slot.bytes))?;
            if written == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            slot.bytes.advance(written);
            self.flushing = true;
        }
        if !self.flushing {
            return Poll::Ready(Ok(None));
        }
        // TLS and websockets may hold bytes back.
        ready!(Pin::new(stream).poll_flush(context))?;
        self.flushing = false;
        slot.bytes = BytesMut::new();
        Poll::Ready(Ok(Some(Happened::Written)))
    }

    fn poll_read(&mut self, context: &mut Context<'_>) -> Poll<Happened> {
        SCRATCH.with_borrow_mut(|scratch| {
            let mut buffer = ReadBuf::new(scratch);
            let Some(stream) = &mut self.stream else { return Poll::Pending };
            match ready!(Pin::new(stream).poll_read(context, &mut buffer)) {
                Err(error) => Poll::Ready(Happened::Ended(ending(&error))),
                Ok(()) if buffer.filled().is_empty() => Poll::Ready(Happened::Ended(Closing::ByClient)),
                Ok(()) => Poll::Ready(Happened::Received(self.decode(buffer.filled()))),
            }
        })
    }

    /// The packets that have come whole with these bytes.
    fn decode(&mut self, bytes: &[u8]) -> Option<Box<Received>> {
        self.bytes += bytes.len();
        let mut received = self.received.take().map_or_else(BytesMut::new, |received| *received);
        let mut is_tls = false;
        let mut packets = Vec::with_capacity(self.usual.into());
        let mut malformed = None;
        let mut rest = bytes;
        while !rest.is_empty() {
            received.extend_from_slice(next_piece(&received, &mut rest));
            is_tls |= packets.is_empty() && self.before_connect.is_some() && received.starts_with(&TLS_HANDSHAKE);
            if let Err(error) = decode_piece(&mut self.decoder, &mut received, &mut packets) {
                malformed = Some((error, self.decoder.version()));
                break;
            }
        }
        if !received.is_empty() {
            self.received = Some(Box::new(received));
        }
        if packets.is_empty() && malformed.is_none() {
            return None;
        }
        let bytes = std::mem::take(&mut self.bytes);
        self.usual = u16::try_from(packets.len()).unwrap_or(PACKETS).min(PACKETS);
        Some(Box::new(Received { id: self.mailbox.id, packets: packets.into_iter(), bytes, malformed, is_tls }))
    }
}

fn decode_piece(decoder: &mut Decoder, received: &mut BytesMut, packets: &mut Vec<Packet>) -> Result<(), DecodeError> {
    while let Some(packet) = decoder.decode(received)? {
        packets.push(packet);
    }
    if received.is_empty() {
        // The next piece has memory of its own.
        *received = BytesMut::new();
    }
    Ok(())
}

/// Lets a CONNECT, the first of `received`, wait for the end of a reload and until its login is checked.
async fn before_connect(
    before: BeforeConnect,
    received: Box<Received>,
    mailbox: Arc<Mailbox>,
    shared: Arc<Shared>,
) -> Next {
    let Some(Packet::Connect(connect)) = received.packets.as_slice().first() else {
        return Next::HandOver(received);
    };
    let may_pass = tokio::select! {
        biased;
        reloads = shared.admission.settle(before.listener, connect) => {
            // A certificate that was judged by the lists of before has to be shown again.
            before.certified_at.is_none_or(|before| before == reloads)
        }
        // Before CONNECT the core sends nothing but the end.
        () = poll_fn(|context| mailbox.poll_close(context)) => false,
    };
    if may_pass {
        return Next::HandOver(received);
    }
    // The core may have ended it itself.
    let _ = shared.core.send(Input::Closed { id: mailbox.id, why: Closing::NotAuthorized }).await;
    Next::Leave
}

async fn take_leave(mut stream: Stream, mut bytes: BytesMut) {
    let last_write = async {
        stream.write_all_buf(&mut bytes).await?;
        stream.shutdown().await
    };
    if !matches!(tokio::time::timeout(LAST_WRITE, last_write).await, Ok(Ok(()))) {
        return;
    }
    // However it ended, the connection is over.
    let _ = tokio::time::timeout(LINGER, stream.drain()).await;
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

    #[test]
    fn the_task_of_a_connection_stays_small() {
        // With what tokio keeps of a task it has room in two blocks of 128 bytes, which is what tokio aligns tasks to.
        assert!(size_of::<ConnectionTask>() <= 136, "{}", size_of::<ConnectionTask>());
        // With its counts and malloc's own word no more than the 112 bytes that lie between a task and the next such block.
        assert!(size_of::<Mailbox>() <= 88, "{}", size_of::<Mailbox>());
    }

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
