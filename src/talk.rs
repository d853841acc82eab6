//! A conversation in packets with bounded time and memory, for what needs no session of ours: the peer may be anything.

use std::io;
use std::time::{Duration, Instant};

use bytes::BytesMut;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::timeout_at;

use crate::mqtt::authentication::Authentication;
use crate::mqtt::packet::{
    Auth, ConnAck, Connect, DecodeError, Decoder, Disconnect, EncodeError, MAXIMUM_BEFORE_ACCEPTED, Packet, Properties,
    ProtocolVersion, ReasonCode,
};
use crate::net::Stream;
use crate::net::tls::{Alert, alert_in};
use crate::scram::{Credentials, Distrust, NoRandom};

/// The largest packet that is read, also once the peer has accepted. Answers to a probe have some dozens of bytes; what others
/// publish below the topic may be larger.
const PACKET_LIMIT: usize = MAXIMUM_BEFORE_ACCEPTED;

/// Reads after a deadline that may bring what had come before it, on a machine that let us wait. A peer that always has something
/// for us gets no more.
const LATE_READS: u32 = 16;

/// Bytes of a strange answer that are kept to say what it is.
const FIRST_BYTES: usize = 64;

/// How a peer began, for whoever wonders what it is.
#[derive(Debug, Default)]
pub struct Beginning(Vec<u8>);

impl Beginning {
    /// Takes note of what has been read, for as long as it is the beginning.
    pub fn note(&mut self, read: &[u8]) {
        let room = FIRST_BYTES.saturating_sub(self.0.len());
        self.0.extend_from_slice(&read[..read.len().min(room)]);
    }

    /// What the peer said first, for whoever found that it is no MQTT. A frame that was taken for a packet may have held all of it.
    pub fn of_garbage(&self) -> Vec<u8> {
        self.0.clone()
    }

    /// What the peer said first, where it is not MQTT; `left` is what no packet was made of. Words of other protocols may begin
    /// like a packet ("2" is a PUBLISH), so that is not where they begin.
    pub fn strange(&self, left: &[u8]) -> Vec<u8> {
        if left.is_empty() || begins_like_answer(&self.0) {
            left[..left.len().min(FIRST_BYTES)].to_vec()
        } else {
            self.0.clone()
        }
    }
}

/// Whether bytes begin as one of the packets does that answer CONNECT, CONNACK and AUTH.
pub fn begins_like_answer(first_bytes: &[u8]) -> bool {
    const CONNACK: u8 = 2;
    const AUTH: u8 = 15;
    first_bytes.first().is_some_and(|byte| [CONNACK, AUTH].contains(&(byte >> 4)))
}

/// How a conversation ended that should not have.
#[derive(Debug)]
pub enum Ended {
    /// The peer closed it.
    Closed {
        /// What it said before that, as far as it was no packet.
        first_bytes: Vec<u8>,
        alert: Option<Alert>,
    },
    /// Nothing, or not enough, came in time.
    TimedOut {
        first_bytes: Vec<u8>,
    },
    /// What came is no MQTT.
    Garbage {
        error: DecodeError,
        first_bytes: Vec<u8>,
    },
    Io(io::Error),
    /// What was to be sent makes no packet.
    Encode(EncodeError),
    /// The broker said goodbye.
    Disconnected(ReasonCode),
    /// It is not to be believed.
    Distrusted(Distrust),
}

/// What came of a CONNECT.
#[derive(Debug)]
pub enum Answer {
    Accepted(ConnAck, Talk),
    Refused(ConnAck),
    Ended(Ended),
}

/// One connection.
#[derive(Debug)]
pub struct Talk {
    stream: Stream,
    decoder: Decoder,
    version: ProtocolVersion,
    input: BytesMut,
    beginning: Beginning,
    time_limit: Duration,
    /// Reads in a row after their deadline.
    late_reads: u32,
}

impl Talk {
    pub fn new(stream: Stream, version: ProtocolVersion, time_limit: Duration) -> Self {
        let decoder = Decoder::client(version, PACKET_LIMIT);
        Self {
            stream,
            decoder,
            version,
            input: BytesMut::new(),
            beginning: Beginning::default(),
            time_limit,
            late_reads: 0,
        }
    }

    /// Sends CONNECT and waits for the answer.
    pub async fn connect(stream: Stream, connect: &Connect, time_limit: Duration) -> Answer {
        Self::log_in(stream, connect, None, time_limit).await
    }

    /// As [`Talk::connect`], with a login by SCRAM if there is one. A broker that is not believed has not accepted.
    pub async fn log_in(
        stream: Stream,
        connect: &Connect,
        credentials: Option<&Credentials>,
        time_limit: Duration,
    ) -> Answer {
        let mut talk = Self::new(stream, connect.version, time_limit);
        let mut connect = connect.clone();
        let mut login = credentials.map(|credentials| Authentication::new(credentials.clone()));
        match login.as_mut().map(Authentication::begin).transpose() {
            Ok(properties) => {
                for property in properties.into_iter().flatten() {
                    connect.properties.push(property);
                }
            }
            Err(NoRandom) => return Answer::Ended(Ended::Io(io::Error::other("the system gives no random bytes"))),
        }
        // A broker may refuse and close before it has read everything, so a failed write is no result.
        let sent = talk.send(&Packet::Connect(Box::new(connect))).await;
        match (talk.connack(login.as_mut()).await, sent) {
            (Ok(connack), _) if connack.code == 0 => Answer::Accepted(connack, talk),
            (Ok(connack), _) => Answer::Refused(connack),
            (Err(Ended::Closed { alert: None, .. }), Err(ended)) | (Err(ended), _) => Answer::Ended(ended),
        }
    }

    /// Logs in again on this connection, by the same method [MQTT-4.12.1-1].
    pub async fn log_in_again(&mut self, credentials: &Credentials) -> Result<(), Ended> {
        let mut login = Authentication::new(credentials.clone());
        let properties =
            login.begin().map_err(|NoRandom| Ended::Io(io::Error::other("the system gives no random bytes")))?;
        let begin = Auth { reason: ReasonCode::RE_AUTHENTICATE, properties: properties.into_iter().collect() };
        self.send(&Packet::Auth(begin)).await?;
        let deadline = Instant::now() + self.time_limit;
        loop {
            let auth =
                self.wait_until(deadline, |packet| if let Packet::Auth(auth) = packet { Some(auth) } else { None });
            let auth = auth.await?;
            if auth.reason == ReasonCode::SUCCESS {
                return login.verify(&auth.properties).map_err(Ended::Distrusted);
            }
            let answer = login.answer(&auth).map_err(Ended::Distrusted)?;
            self.send(&Packet::Auth(answer)).await?;
        }
    }

    /// The answer to CONNECT, after those to what the broker asks for meanwhile. Any other packet before it breaks the rules
    /// [MQTT-3.2.0-1].
    async fn connack(&mut self, mut login: Option<&mut Authentication>) -> Result<ConnAck, Ended> {
        let deadline = Instant::now() + self.time_limit;
        loop {
            let packet = self.wait_until(deadline, Some).await?;
            match (packet, &mut login) {
                (Packet::ConnAck(connack), Some(login)) if connack.code == 0 => {
                    login.verify(&connack.properties).map_err(Ended::Distrusted)?;
                    return Ok(connack);
                }
                (Packet::ConnAck(connack), _) => return Ok(connack),
                (Packet::Auth(auth), Some(login)) => {
                    let answer = login.answer(&auth).map_err(Ended::Distrusted)?;
                    self.send(&Packet::Auth(answer)).await?;
                }
                // What asks for more of the login than was begun is passed over.
                (Packet::Auth(_), None) => {}
                (other, _) => {
                    let error = DecodeError::UnexpectedPacket(other.kind());
                    return Err(Ended::Garbage { error, first_bytes: self.beginning.of_garbage() });
                }
            }
        }
    }

    pub async fn send(&mut self, packet: &Packet) -> Result<(), Ended> {
        let mut out = BytesMut::new();
        packet.encode(self.version, &mut out).map_err(Ended::Encode)?;
        let deadline = Instant::now() + self.time_limit;
        let writing = async {
            self.stream.write_all(&out).await?;
            self.stream.flush().await
        };
        match timeout_at(deadline.into(), writing).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(error)) => Err(self.ended_by(error)),
            Err(_elapsed) => Err(Ended::TimedOut { first_bytes: Vec::new() }),
        }
    }

    /// How long an answer may take.
    pub fn time_limit(&self) -> Duration {
        self.time_limit
    }

    /// The first packet that `wanted` takes, within the time limit counted from now; others are passed over.
    pub async fn wait_for<T>(&mut self, wanted: impl FnMut(Packet) -> Option<T>) -> Result<T, Ended> {
        self.wait_until(Instant::now() + self.time_limit, wanted).await
    }

    pub async fn wait_until<T>(
        &mut self,
        deadline: Instant,
        mut wanted: impl FnMut(Packet) -> Option<T>,
    ) -> Result<T, Ended> {
        loop {
            match self.next(deadline).await? {
                Packet::Disconnect(Disconnect { reason, .. }) => return Err(Ended::Disconnected(reason)),
                packet => {
                    if let Some(found) = wanted(packet) {
                        return Ok(found);
                    }
                }
            }
        }
    }

    /// The next packet, whichever it is.
    pub async fn receive(&mut self) -> Result<Packet, Ended> {
        self.next(Instant::now() + self.time_limit).await
    }

    async fn next(&mut self, deadline: Instant) -> Result<Packet, Ended> {
        loop {
            match self.decoder.decode(&mut self.input) {
                Ok(Some(packet)) => return Ok(packet),
                Ok(None) => {}
                Err(error) => {
                    return Err(Ended::Garbage { error, first_bytes: self.beginning.of_garbage() });
                }
            }
            // Where there is always something to read the timer below never comes to its turn.
            self.late_reads = if Instant::now() < deadline { 0 } else { self.late_reads + 1 };
            if self.late_reads > LATE_READS {
                return Err(Ended::TimedOut { first_bytes: self.first_bytes() });
            }
            self.stream.quickack();
            match timeout_at(deadline.into(), self.stream.read_buf(&mut self.input)).await {
                Ok(Ok(0)) => return Err(Ended::Closed { first_bytes: self.first_bytes(), alert: None }),
                Ok(Ok(count)) => self.beginning.note(&self.input[self.input.len() - count..]),
                Ok(Err(error)) => return Err(self.ended_by(error)),
                Err(_elapsed) => return Err(Ended::TimedOut { first_bytes: self.first_bytes() }),
            }
        }
    }

    fn ended_by(&self, error: io::Error) -> Ended {
        let alert = alert_in(&error);
        let closed = [io::ErrorKind::ConnectionReset, io::ErrorKind::BrokenPipe, io::ErrorKind::UnexpectedEof];
        if alert.is_some() || closed.contains(&error.kind()) {
            return Ended::Closed { first_bytes: self.first_bytes(), alert };
        }
        Ended::Io(error)
    }

    fn first_bytes(&self) -> Vec<u8> {
        self.beginning.strange(&self.input)
    }

    /// Sends DISCONNECT and waits until the broker has closed too, so that it has done what that means.
    pub async fn close_and_wait(mut self) -> Result<(), Ended> {
        self.send(&Packet::Disconnect(Disconnect::default())).await?;
        let deadline = Instant::now() + self.time_limit;
        let closing = async {
            self.stream.shutdown().await?;
            let mut rest = [0; 256];
            while matches!(self.stream.read(&mut rest).await, Ok(read) if read > 0) {}
            Ok(())
        };
        match timeout_at(deadline.into(), closing).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(error)) => Err(self.ended_by(error)),
            Err(_elapsed) => Err(Ended::TimedOut { first_bytes: Vec::new() }),
        }
    }

    /// Says goodbye. The peer may be gone already, which is what is wanted.
    pub async fn close(mut self) {
        let goodbye = Packet::Disconnect(Disconnect { reason: ReasonCode(0), properties: Properties::new() });
        if self.send(&goodbye).await.is_ok() {
            let deadline = Instant::now() + self.time_limit.min(Duration::from_millis(200));
            let _ = timeout_at(deadline.into(), self.stream.shutdown()).await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Beginning;

    #[test]
    fn what_a_peer_said_first_is_kept_also_where_it_began_like_a_packet() {
        let said = |parts: &[&[u8]], left: &[u8]| {
            let mut beginning = Beginning::default();
            for part in parts {
                beginning.note(part);
            }
            beginning.strange(left)
        };
        assert_eq!(said(&[b"220 mail", b".lan"], b".lan"), b"220 mail.lan");
        assert_eq!(said(&[&[b'2'; 100]], b"2"), [b'2'; 64]);
        // Nothing is left: what came was packets.
        assert_eq!(said(&[b"220 mail"], b""), b"");
        // What was taken for a PUBLISH of 50 held all of it.
        let mut beginning = Beginning::default();
        beginning.note(&[b'2'; 52]);
        assert_eq!(beginning.of_garbage(), [b'2'; 52]);
        // A broker that answered, and then broke the rules.
        assert_eq!(said(&[b"\x20\x02\0\0\0"], b"\0"), b"\0");
    }
}
