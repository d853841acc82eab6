//! A session over a stream: connect, publish, subscribe, next event.
//!
//! [`Client`] moves bytes between a [`Stream`] and a [`Session`] and decides nothing. Its owner takes
//! events until there are none, acts on them through [`Client::session`], and then lets
//! [`Client::transfer`] wait for more.

mod pace;

use std::future::poll_fn;
use std::io;
use std::ops::ControlFlow;
use std::pin::{Pin, pin};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use bytes::{Buf, BytesMut};
use tokio::io::{AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::time::{sleep, timeout, timeout_at};

use self::pace::Pace;
use crate::mqtt::packet::PublishRef;
use crate::mqtt::session::{Event, Output, SendError, Session, SessionError};
use crate::net::tls::{Alert, Seen, alert_in};
use crate::net::{ConnectError, Route, Stream, connect_in_turn};
use crate::talk::Beginning;

/// Bytes asked for in one read: enough for some thousand small messages, so that the cost of a system
/// call is shared.
const READ_SIZE: usize = 256 * 1024;

/// The same until one read has brought as much: whoever exchanges a few packets needs no more, and the system need not make it.
const FIRST_READ_SIZE: usize = 8 * 1024;

/// How long the last bytes may take to leave when the connection is closed.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(5);

/// How long the peer may take to close his end after ours, while what he still sends is read and dropped.
const DRAIN_TIMEOUT: Duration = Duration::from_secs(2);

/// Why a connection cannot go on.
#[derive(Debug)]
pub enum Ending {
    /// The peer closed it.
    Closed,
    Io(io::Error),
    /// The peer broke the rules, or was silent for too long.
    Session(SessionError),
}

/// Why there is no connection.
#[derive(Debug)]
pub enum StartError {
    Connect(ConnectError),
    /// CONNECT cannot be put on the wire.
    Send(SendError),
}

/// What a connection leaves behind that ended before the broker answered.
#[derive(Clone, Debug, Default)]
pub struct Remains {
    /// What the peer said instead of a packet.
    pub first_bytes: Vec<u8>,
    pub alert: Option<Alert>,
    /// What the handshake showed, over TLS.
    pub seen: Option<Seen>,
}

/// A client: a session, and the stream of its present connection.
#[derive(Debug)]
pub struct Client {
    session: Session,
    connection: Option<Connection>,
}

#[derive(Debug)]
struct Connection {
    stream: Stream,
    input: BytesMut,
    beginning: Beginning,
    /// Writing failed; what the peer said before that is still to be read.
    write_error: Option<io::Error>,
    /// The alert that ended reading, over TLS.
    alert: Option<Alert>,
    pace: Pace,
    /// How many bytes the next read asks for.
    read_size: usize,
    /// The pause before the next read is over.
    rested: bool,
    /// Bytes went out since the kernel was last asked for quick acknowledgements.
    answer_expected: bool,
    /// The peer was silent for too long: nothing is to be hoped for from him.
    is_silent: bool,
}

impl Client {
    pub fn new(session: Session) -> Self {
        Self { session, connection: None }
    }

    pub fn session(&mut self) -> &mut Session {
        &mut self.session
    }

    /// Reaches a broker by the first of `routes` that leads to one, within `limit` if there is one, and puts CONNECT into the
    /// output; the answer comes as an event. Gives the place of that route.
    pub async fn connect(&mut self, routes: &[&Route], limit: Option<Duration>) -> Result<usize, StartError> {
        let (stream, reached) = connect_in_turn(routes, limit).await.map_err(StartError::Connect)?;
        self.connection = Some(Connection {
            stream,
            input: BytesMut::new(),
            beginning: Beginning::default(),
            write_error: None,
            alert: None,
            pace: Pace::new(READ_SIZE, Instant::now()),
            read_size: FIRST_READ_SIZE,
            rested: false,
            answer_expected: false,
            is_silent: false,
        });
        self.session.handle_connected(Instant::now()).map_err(StartError::Send)?;
        Ok(reached)
    }

    /// The next thing that happened, out of what has been read already.
    #[inline]
    pub fn poll_event(&mut self, now: Instant) -> Result<Option<Event>, Ending> {
        loop {
            if let Some(event) = self.session.poll_event() {
                return Ok(Some(event));
            }
            let Some(connection) = &mut self.connection else { return Ok(None) };
            if !self.session.handle_next(&mut connection.input, now).map_err(Ending::Session)? {
                // A packet may have ended the session and left an event behind.
                return Ok(self.session.poll_event());
            }
        }
    }

    /// Shows the messages that have been read already and ask for nothing else, up to the first other packet: see
    /// [`Session::show_plain`].
    #[inline]
    pub fn show_plain<B>(
        &mut self,
        now: Instant,
        show: impl FnMut(PublishRef<'_>) -> ControlFlow<B>,
    ) -> ControlFlow<B> {
        match &mut self.connection {
            Some(connection) => self.session.show_plain(&mut connection.input, now, show),
            None => ControlFlow::Continue(()),
        }
    }

    /// Writes what is to be written and waits until something was read, or everything is written, or
    /// the session's own deadline has passed. May be cancelled at any point; no byte is lost.
    pub async fn transfer(&mut self) -> Result<(), Ending> {
        // Where there is always something to read the timer below never comes to its turn.
        self.session.ping_if_due(Instant::now());
        if let Some(connection) = self.connection.as_mut().filter(|_| self.session.output().is_empty())
            && let Some(pause) = connection.pause(self.session.unacknowledged() > 0)
        {
            sleep(pause).await;
        }
        let deadline = self.session.poll_deadline();
        let moved = poll_fn(|context| self.poll_transfer(context));
        match deadline {
            None => moved.await,
            Some(deadline) => match timeout_at(deadline.into(), moved).await {
                Ok(moved) => moved,
                Err(_elapsed) => self.session.handle_deadline(Instant::now()).map_err(|error| {
                    if let Some(connection) = &mut self.connection {
                        connection.is_silent = true;
                    }
                    Ending::Session(error)
                }),
            },
        }
    }

    fn poll_transfer(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Ending>> {
        let Some(connection) = &mut self.connection else { return Poll::Ready(Err(Ending::Closed)) };
        let written = connection.poll_write(self.session.output(), context);
        if self.session.output().is_congested() {
            // Writing goes on when the broker reads. The session's own deadline ends it if it never does.
            return if written { Poll::Ready(Ok(())) } else { Poll::Pending };
        }
        let awaited = self.session.unacknowledged() > 0;
        if written {
            // Where something is answered, whoever waits for the answer must not wait for us.
            connection.pace.note_write(awaited);
            if connection.pace.pause().is_some() {
                return Poll::Ready(Ok(()));
            }
        }
        // With a full window the next message follows the next acknowledgement at once and carries ours
        // to the kernel; a packet for it alone would be one more for each message.
        let window_is_full = awaited && !self.session.has_room();
        match connection.poll_read(!window_is_full, context) {
            Poll::Pending if written => Poll::Ready(Ok(())),
            other => other,
        }
    }

    /// As [`Client::transfer`], for an owner who has no room for more: nothing is read, so the broker waits; pings go out.
    /// What has become of the connection is seen when reading goes on.
    pub async fn write_only(&mut self) -> Result<(), Ending> {
        let deadline = self.session.handle_unread(Instant::now());
        let written = poll_fn(|context| {
            let Some(connection) = &mut self.connection else { return Poll::Ready(Err(Ending::Closed)) };
            if connection.poll_write(self.session.output(), context) { Poll::Ready(Ok(())) } else { Poll::Pending }
        });
        match deadline {
            None => written.await,
            Some(deadline) => timeout_at(deadline.into(), written).await.unwrap_or(Ok(())),
        }
    }

    /// The peer has answered nothing for too long: that he closes his end, too, is not waited for.
    pub fn give_up_on_peer(&mut self) {
        if let Some(connection) = &mut self.connection {
            connection.is_silent = true;
        }
    }

    /// What the present connection leaves behind, now that it has ended.
    pub async fn remains(&mut self) -> Remains {
        let Some(connection) = &mut self.connection else { return Remains::default() };
        let first_bytes = connection.beginning.strange(&connection.input);
        let seen = connection.stream.session().map(|session| session.seen.clone());
        let alert = match (&seen, connection.alert) {
            (Some(_), None) => connection.stream.last_words().await,
            (_, alert) => alert,
        };
        Remains { first_bytes, alert, seen }
    }

    /// Writes what is left, within a few seconds, and ends the connection. Acknowledgements that are still staged are dropped.
    /// The session can go on with another connection.
    pub async fn close(&mut self) {
        self.session.withhold_acknowledgements();
        if let Some(mut connection) = self.connection.take() {
            // A reset, should anything come that is not read, is nothing to a peer who has done all that was asked of him. Over
            // TLS and WebSocket he answers the end itself.
            let may_be_reset = self.session.has_nothing_to_lose() && connection.stream.is_bare();
            // The peer may be gone already, which is what is wanted.
            let _ = timeout(CLOSE_TIMEOUT, connection.shut_down(self.session.output())).await;
            if !connection.is_silent && !may_be_reset {
                // Acknowledgements, and the DISCONNECT without which the peer publishes the will, are to be read there.
                let _ = timeout(DRAIN_TIMEOUT, connection.stream.drain()).await;
            }
        }
        self.session.handle_closed();
    }
}

impl Connection {
    /// Writes what is left and closes our direction.
    async fn shut_down(&mut self, output: &mut Output) -> io::Result<()> {
        self.stream.write_all_buf(output).await?;
        self.stream.shutdown().await
    }

    /// The pause that is due before the next read. Cancelled or not, the next call reads.
    fn pause(&mut self, awaited: bool) -> Option<Duration> {
        let pause = self.pace.pause().filter(|_| !awaited && !self.rested)?;
        self.rested = true;
        Some(pause)
    }

    /// Writes as much as goes; whether there was something and now all of it is gone.
    fn poll_write(&mut self, output: &mut Output, context: &mut Context<'_>) -> bool {
        let mut some = false;
        while self.write_error.is_none() && !output.is_empty() {
            match Pin::new(&mut self.stream).poll_write(context, output.chunk()) {
                Poll::Ready(Ok(0)) => self.write_error = Some(io::ErrorKind::WriteZero.into()),
                Poll::Ready(Ok(count)) => {
                    output.advance(count);
                    some = true;
                }
                Poll::Ready(Err(error)) => self.write_error = Some(error),
                Poll::Pending => return false,
            }
        }
        if self.write_error.is_some() {
            output.clear();
            return false;
        }
        if some {
            self.answer_expected = true;
            if let Poll::Ready(Err(error)) = Pin::new(&mut self.stream).poll_flush(context) {
                self.write_error = Some(error);
            }
        }
        some
    }

    /// `acknowledge`: have the kernel tell the peer at once what has arrived, should we have to wait.
    fn poll_read(&mut self, acknowledge: bool, context: &mut Context<'_>) -> Poll<Result<(), Ending>> {
        self.input.reserve(self.read_size);
        let count = match pin!(self.stream.read_buf(&mut self.input)).poll(context) {
            Poll::Pending => {
                if acknowledge && self.answer_expected {
                    self.stream.quickack();
                    self.answer_expected = false;
                }
                return Poll::Pending;
            }
            Poll::Ready(count) => count,
        };
        match &count {
            Ok(count) => {
                self.rested = false;
                self.beginning.note(&self.input[self.input.len() - count..]);
                self.pace.note_read(*count, Instant::now());
                if *count >= FIRST_READ_SIZE {
                    self.read_size = READ_SIZE;
                }
            }
            Err(error) => self.alert = alert_in(error),
        }
        Poll::Ready(match (count, self.write_error.take()) {
            (Ok(0), None) => Err(Ending::Closed),
            (Ok(0) | Err(_), Some(error)) | (Err(error), None) => Err(Ending::Io(error)),
            (Ok(_), error) => {
                self.write_error = error;
                Ok(())
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};
    use std::net::{TcpListener, TcpStream};

    use bytestring::ByteString;

    use super::*;
    use crate::mqtt::packet::{Connect, Disconnect, Properties, ProtocolVersion, QoS, ReasonCode, Will};
    use crate::net::Endpoint;

    /// How long the server below sends before it gives up; the client's keep-alive is a second.
    const TIME_LIMIT: Duration = Duration::from_secs(60);

    fn connect_packet(keep_alive: u16) -> Connect {
        Connect {
            version: ProtocolVersion::V311,
            bridge: false,
            clean_start: true,
            keep_alive,
            client_id: ByteString::from_static("c"),
            will: None,
            username: None,
            password: None,
            properties: Properties::new(),
        }
    }

    /// Accepts, then sends messages without end until the client has sent PINGREQ: whether it did.
    fn send_until_pinged(mut stream: TcpStream) -> bool {
        let mut received = [0; 100];
        assert!(stream.read(&mut received).unwrap() > 0);
        stream.write_all(b"\x20\x02\x00\x00").unwrap();
        stream.set_nonblocking(true).unwrap();
        let messages = b"\x30\x04\x00\x01tx".repeat(1000);
        let end = Instant::now() + TIME_LIMIT;
        while Instant::now() < end {
            // What goes out in part is gone on with: the stream of packets stays whole.
            let mut rest = &messages[..];
            while !rest.is_empty() {
                match stream.write(rest) {
                    Ok(count) => rest = &rest[count..],
                    Err(error) if error.kind() == io::ErrorKind::WouldBlock => std::thread::yield_now(),
                    Err(error) => panic!("{error}"),
                }
            }
            match stream.read(&mut received) {
                Ok(count) => return received[..count] == *b"\xc0\x00",
                Err(error) => assert_eq!(error.kind(), io::ErrorKind::WouldBlock),
            }
        }
        false
    }

    /// Accepts, then sends what has to be answered, and reads nothing, until nobody takes it any more or it is `most`
    /// bytes: how many were taken.
    fn send_unread(mut stream: TcpStream, most: usize) -> usize {
        let mut received = [0; 100];
        assert!(stream.read(&mut received).unwrap() > 0);
        stream.write_all(b"\x20\x02\x00\x00").unwrap();
        stream.set_write_timeout(Some(Duration::from_secs(1))).unwrap();
        let releases = b"\x62\x02\x00\x01".repeat(10_000);
        let mut sent = 0;
        while sent < most {
            match stream.write(&releases[sent % 4..]) {
                Ok(count) => sent += count,
                Err(error) => {
                    assert_eq!(error.kind(), io::ErrorKind::WouldBlock);
                    break;
                }
            }
        }
        sent
    }

    #[tokio::test]
    async fn answers_to_a_broker_that_never_reads_do_not_pile_up() {
        // Several times what the kernel keeps for both directions.
        const MOST: usize = 64 * 1024 * 1024;
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let endpoint = Endpoint::new("127.0.0.1", listener.local_addr().unwrap().port()).unwrap();
        let server = std::thread::spawn(move || send_unread(listener.accept().unwrap().0, MOST));
        let mut client = Client::new(Session::new(connect_packet(0), None));
        client.connect(&[&Route::new(endpoint)], None).await.unwrap();
        let mut most = 0;
        while !server.is_finished() {
            // What is cancelled here waits for the server.
            if let Ok(moved) = timeout(Duration::from_millis(100), client.transfer()).await {
                moved.unwrap();
            }
            while client.poll_event(Instant::now()).unwrap().is_some() {}
            most = most.max(client.session().output().len());
        }
        let sent = server.join().unwrap();
        assert!(sent < MOST && most < 2 * 1024 * 1024, "{sent} bytes were taken, {most} waited");
    }

    #[tokio::test]
    async fn a_client_that_always_has_something_to_read_pings_all_the_same() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let endpoint = Endpoint::new("127.0.0.1", listener.local_addr().unwrap().port()).unwrap();
        let server = std::thread::spawn(move || send_until_pinged(listener.accept().unwrap().0));
        let mut client = Client::new(Session::new(connect_packet(1), None));
        client.connect(&[&Route::new(endpoint)], None).await.unwrap();
        // The server closes the connection when it has its ping, or has waited long enough.
        while client.transfer().await.is_ok() {
            let now = Instant::now();
            assert!(client.show_plain(now, |_| ControlFlow::<()>::Continue(())).is_continue());
            while client.poll_event(now).unwrap().is_some() {}
        }
        assert!(server.join().unwrap());
    }

    /// Accepts, and closes nothing until all that the client has said is read, and then only when it is told to.
    async fn closes_at_once(connect: Connect) -> bool {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let endpoint = Endpoint::new("127.0.0.1", listener.local_addr().unwrap().port()).unwrap();
        let (ended, end) = std::sync::mpsc::channel::<()>();
        let server = std::thread::spawn(move || {
            let mut stream = listener.accept().unwrap().0;
            assert!(stream.read(&mut [0; 100]).unwrap() > 0);
            stream.write_all(b"\x20\x02\x00\x00").unwrap();
            let mut said = Vec::new();
            stream.read_to_end(&mut said).unwrap();
            let _ = end.recv();
            said
        });
        let mut client = Client::new(Session::new(connect, None));
        client.connect(&[&Route::new(endpoint)], None).await.unwrap();
        let now = Instant::now();
        while !client.session().is_connected() {
            client.transfer().await.unwrap();
            while client.poll_event(now).unwrap().is_some() {}
        }
        let disconnect = Disconnect { reason: ReasonCode::SUCCESS, properties: Properties::new() };
        client.session().disconnect(&disconnect, now).unwrap();
        let is_closed = {
            let mut closing = pin!(client.close());
            let is_closed = poll_fn(|context| Poll::Ready(closing.as_mut().poll(context).is_ready())).await;
            drop(ended);
            if !is_closed {
                closing.await;
            }
            is_closed
        };
        assert_eq!(server.join().unwrap(), [0xe0, 0]);
        is_closed
    }

    #[tokio::test]
    async fn the_peers_end_is_awaited_only_where_something_depends_on_it() {
        assert!(closes_at_once(connect_packet(60)).await);
        let will = Will {
            topic: ByteString::from_static("w"),
            payload: bytes::Bytes::new(),
            qos: QoS::AtMostOnce,
            retain: false,
            properties: Properties::new(),
        };
        assert!(!closes_at_once(Connect { will: Some(will), ..connect_packet(60) }).await);
    }
}
