//! A broker that does what a test tells it, and keeps every packet that it was sent: what a client
//! puts on the wire, and how it takes nonsense.

use std::io::{ErrorKind, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::thread::JoinHandle;
use std::time::Duration;

/// How long a client may be silent before the stub takes it for hung.
const PATIENCE: Duration = Duration::from_secs(60);

pub const CONNECT: u8 = 1;
pub const PUBLISH: u8 = 3;
pub const PUBREC: u8 = 5;
pub const PUBREL: u8 = 6;
pub const SUBSCRIBE: u8 = 8;
pub const UNSUBSCRIBE: u8 = 10;
pub const PINGREQ: u8 = 12;

/// What the stub does when the first packet of a type comes that no earlier turn has answered. A packet
/// without a turn gets the answer of an obliging broker.
#[derive(Clone, Debug)]
pub struct Turn {
    pub on: u8,
    pub reply: Vec<u8>,
    pub then: Then,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Then {
    /// Goes on.
    Stay,
    /// Hangs up.
    Close,
    /// Hangs up, and the next connection has the turns that are left.
    Next,
}

/// Answers the first packet of the type with `reply`.
pub fn on(kind: u8, reply: &[u8]) -> Turn {
    Turn { on: kind, reply: reply.to_vec(), then: Then::Stay }
}

/// As [`on`], and hangs up.
pub fn last(kind: u8, reply: &[u8]) -> Turn {
    Turn { then: Then::Close, ..on(kind, reply) }
}

/// As [`on`], and hangs up to be connected to again.
pub fn cut(kind: u8, reply: &[u8]) -> Turn {
    Turn { then: Then::Next, ..on(kind, reply) }
}

/// A QoS 0 or 1 PUBLISH of version 3.
pub fn message(first_byte: u8, topic: &str, packet_id: Option<u16>, payload: &[u8]) -> Vec<u8> {
    let mut body = vec![0, topic.len() as u8];
    body.extend_from_slice(topic.as_bytes());
    body.extend(packet_id.into_iter().flat_map(u16::to_be_bytes));
    body.extend_from_slice(payload);
    [&[first_byte, u8::try_from(body.len()).unwrap()], &body[..]].concat()
}

/// The packets of each connection, in order.
pub type Recorded = Vec<Vec<Vec<u8>>>;

pub struct Stub {
    pub port: u16,
    thread: JoinHandle<Recorded>,
}

impl Stub {
    pub fn start(turns: &[Turn]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let mut turns = turns.to_vec();
        let thread = std::thread::spawn(move || {
            let mut recorded = Vec::new();
            loop {
                // The empty connection of `stop` is the last.
                let (stream, _) = listener.accept().unwrap();
                let (packets, goes_on) = Conversation::new(stream, &mut turns).hold();
                if !packets.is_empty() {
                    recorded.push(packets);
                }
                if !goes_on {
                    // A child that another test forks at this moment has the listener too, until it executes its
                    // program: only a shutdown ends it for all of them.
                    rustix::net::shutdown(&listener, rustix::net::Shutdown::Both).unwrap();
                    return recorded;
                }
            }
        });
        Self { port, thread }
    }

    /// What was sent; to be called when the client has ended.
    pub fn stop(self) -> Recorded {
        self.try_stop().expect("the client is not silent")
    }

    /// As [`Stub::stop`]; an error if the client was silent for too long.
    pub fn try_stop(self) -> std::thread::Result<Recorded> {
        // Wakes a stub that nobody has connected to, or that waits for one more connection. The port of one that has
        // ended may be another's by now.
        if !self.thread.is_finished() {
            drop(TcpStream::connect(("127.0.0.1", self.port)));
        }
        self.thread.join()
    }
}

struct Conversation<'t> {
    stream: TcpStream,
    turns: &'t mut Vec<Turn>,
    is_v5: bool,
}

impl<'t> Conversation<'t> {
    fn new(stream: TcpStream, turns: &'t mut Vec<Turn>) -> Self {
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.set_nodelay(true).unwrap();
        Self { stream, turns, is_v5: false }
    }

    /// The packets until the client or the script hangs up, and whether another connection is awaited.
    fn hold(mut self) -> (Vec<Vec<u8>>, bool) {
        let mut packets = Vec::new();
        while let Some(packet) = self.read_packet() {
            let kind = packet[0] >> 4;
            if kind == CONNECT {
                self.is_v5 = packet.get(8) == Some(&5);
            }
            let turn = self.turns.iter().position(|turn| turn.on == kind).map(|at| self.turns.remove(at));
            let (reply, then) = match turn {
                Some(turn) => (turn.reply, turn.then),
                None => (self.obliging(&packet), Then::Stay),
            };
            packets.push(packet);
            // A client that is gone does not read; that is seen at the next read.
            let _ = self.stream.write_all(&reply);
            match then {
                Then::Stay => {}
                Then::Close => return (packets, false),
                Then::Next => return (packets, true),
            }
        }
        (packets, false)
    }

    fn read_packet(&mut self) -> Option<Vec<u8>> {
        let mut packet = vec![0; 1];
        self.read_exact(&mut packet)?;
        let mut length = 0_usize;
        for shift in [0, 7, 14, 21] {
            let mut byte = [0];
            self.read_exact(&mut byte)?;
            packet.push(byte[0]);
            length |= usize::from(byte[0] & 127) << shift;
            if byte[0] < 128 {
                break;
            }
        }
        let start = packet.len();
        packet.resize(start + length, 0);
        self.read_exact(&mut packet[start..])?;
        Some(packet)
    }

    fn read_exact(&mut self, buffer: &mut [u8]) -> Option<()> {
        match self.stream.read_exact(buffer) {
            Ok(()) => Some(()),
            Err(error) => {
                let timed_out = matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut);
                assert!(!timed_out, "the client was silent for {PATIENCE:?}");
                None
            }
        }
    }

    fn obliging(&self, packet: &[u8]) -> Vec<u8> {
        // None of the packets of these tests is so long that its length needs two bytes, but PUBLISH.
        let id = |at: usize| [packet[at], packet[at + 1]];
        match packet[0] >> 4 {
            CONNECT if self.is_v5 => vec![0x20, 3, 0, 0, 0],
            CONNECT => vec![0x20, 2, 0, 0],
            PUBLISH => {
                let start = 1 + packet[1..].iter().position(|byte| *byte < 128).unwrap() + 1;
                let id_at = start + 2 + usize::from(u16::from_be_bytes(id(start)));
                match packet[0] >> 1 & 3 {
                    0 => Vec::new(),
                    1 => [&[0x40, 2], &id(id_at)[..]].concat(),
                    _ => [&[0x50, 2], &id(id_at)[..]].concat(),
                }
            }
            PUBREC => [&[0x62, 2], &id(2)[..]].concat(),
            PUBREL => [&[0x70, 2], &id(2)[..]].concat(),
            SUBSCRIBE => {
                let qos = packet[packet.len() - 1] & 3;
                let properties: &[u8] = if self.is_v5 { &[0] } else { &[] };
                let codes = vec![qos; self.filters(packet)];
                let body = [&id(2)[..], properties, &codes].concat();
                [&[0x90, body.len() as u8], &body[..]].concat()
            }
            UNSUBSCRIBE if self.is_v5 => [&[0xb0, 4], &id(2)[..], &[0, 0]].concat(),
            UNSUBSCRIBE => [&[0xb0, 2], &id(2)[..]].concat(),
            PINGREQ => vec![0xd0, 0],
            _ => Vec::new(),
        }
    }

    fn filters(&self, packet: &[u8]) -> usize {
        let properties = if self.is_v5 { 1 + usize::from(packet[4]) } else { 0 };
        let mut rest = &packet[4 + properties..];
        let mut count = 0;
        while let [high, low, after @ ..] = rest {
            rest = &after[usize::from(u16::from_be_bytes([*high, *low])) + 1..];
            count += 1;
        }
        count
    }
}
