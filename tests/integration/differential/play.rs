//! Plays a script to one broker and notes what it says to whom after each step.

use std::fmt;
use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::time::{Duration, Instant};

use moskit::mqtt::packet::{Decoder, Packet, ProtocolVersion};

use super::packets;
use super::script::{LINES, MARK, Script, Step};

/// How long a broker may keep us waiting for what must come. Many start at once, on a machine that has more to do.
const PATIENCE: Duration = Duration::from_secs(30);

/// How long silence lasts before it counts as the answer.
const SILENCE: Duration = Duration::from_millis(250);

/// What came on each line after one step.
pub type Heard = [Line; LINES];

#[derive(Clone, Default, PartialEq, Eq)]
pub struct Line {
    pub packets: Vec<String>,
    pub closed: bool,
}

impl fmt::Debug for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.packets.join(" "), if self.closed { " closed" } else { "" })
    }
}

/// Which Mosquitto the answers are compared with.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Beside {
    /// Debian's 2.0.11.
    Old,
    /// Mosquitto 2.1.
    New,
}

pub fn play(script: &Script, port: u16, round: u32, beside: Beside) -> Vec<Heard> {
    let name = format!("{round:04}");
    let mut control = Wire::open(port);
    control.send(&packets::encode(&packets::connect(4, &format!("control{name}"))));
    control.wait_for_packet();
    let mut wires: [Option<Wire>; LINES] = Default::default();
    let mut heard = Vec::new();
    for step in &script.steps {
        let spoken = match step {
            Step::Open(line, bytes) => {
                if let Some(wire) = wires[*line].take() {
                    wire.leave();
                    control.settle();
                }
                wires[*line].insert(Wire::open(port)).send(&renamed(bytes, &name));
                *line
            }
            Step::Send(line, bytes) => {
                // It may have ended, which is its answer.
                if let Some(wire) = &mut wires[*line] {
                    wire.send(&renamed(bytes, &name));
                }
                *line
            }
            Step::Cut(line) => {
                if let Some(wire) = wires[*line].take() {
                    wire.leave();
                }
                LINES
            }
            Step::Wait(time) => {
                std::thread::sleep(*time);
                LINES
            }
        };
        control.settle();
        heard.push(std::array::from_fn(|line| settle(&mut wires[line], line == spoken, &name, beside)));
    }
    heard
}

/// Everything that the broker has for the line by now.
fn settle(slot: &mut Option<Wire>, was_spoken_to: bool, name: &str, beside: Beside) -> Line {
    let Some(wire) = slot else { return Line::default() };
    wire.drain();
    if !wire.closed && wire.is_connected && wire.is_between_packets() {
        wire.ping();
    } else if !wire.closed && was_spoken_to {
        wire.wait_for_something();
    }
    let mut packets = wire.take_packets();
    if wire.closed {
        forget_last_words(&mut packets, beside);
    }
    if wire.level == 5 && beside == Beside::Old {
        packets.iter_mut().for_each(sort_properties);
    }
    let line = Line { packets: comparable(&packets, name), closed: wire.closed };
    if wire.closed {
        *slot = None;
    }
    line
}

/// After its DISCONNECT Mosquitto goes on to send the client its own will; 2.0.11 closes before the DISCONNECT gets out.
fn forget_last_words(packets: &mut Vec<Vec<u8>>, beside: Beside) {
    if let Some(at) = packets.iter().position(|packet| packet[0] == 0xE0) {
        packets.truncate(at + usize::from(beside == Beside::New));
    }
}

/// 2.0.11 puts what it adds to the properties of a message first, 2.1 last.
fn sort_properties(packet: &mut Vec<u8>) {
    if let Ok(Some(Packet::Publish(mut publish))) =
        Decoder::client(ProtocolVersion::V5, usize::MAX).decode(&mut packet.as_slice().into())
    {
        let mut properties: Vec<_> = publish.properties.iter().cloned().collect();
        properties.sort_by_key(|property| property.id() as u8);
        publish.properties = properties.into_iter().collect();
        *packet = packets::bytes(5, &Packet::Publish(publish));
    }
}

fn renamed(bytes: &[u8], name: &str) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    while let Some(at) = bytes.windows(MARK.len()).position(|window| window == MARK.as_bytes()) {
        bytes[at..at + MARK.len()].copy_from_slice(name.as_bytes());
    }
    bytes
}

/// Packets in hexadecimal, without what may differ: the client id that a broker makes up, the order in which
/// retained messages come to a new subscription, and whether a second of 1,000 has passed (message expiry interval).
fn comparable(packets: &[Vec<u8>], name: &str) -> Vec<String> {
    let mut texts = Vec::new();
    let mut retained = Vec::new();
    for packet in packets {
        let text = hex(&without_assigned_id(packet)).replace(&hex(name.as_bytes()), &hex(MARK.as_bytes()));
        let text = text.replace("02000003e7", "02000003e8");
        // PUBLISH with RETAIN at QoS 0: no packet id tells of its place.
        if packet[0] & 0xF7 == 0x31 {
            retained.push(text);
        } else {
            retained.sort_unstable();
            texts.append(&mut retained);
            texts.push(text);
        }
    }
    retained.sort_unstable();
    texts.append(&mut retained);
    texts
}

fn without_assigned_id(packet: &[u8]) -> Vec<u8> {
    let mut packet = packet.to_vec();
    // `auto-` and a UUID, behind its length.
    let assigned = b"\x12\x00\x29auto-";
    if packet[0] == 0x20
        && let Some(at) = packet.windows(assigned.len()).position(|window| window == assigned)
    {
        packet[at + assigned.len()..][..36].fill(b'?');
    }
    packet
}

fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write;
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

struct Wire {
    stream: TcpStream,
    received: Vec<u8>,
    sent: Vec<u8>,
    /// The protocol level of the CONNECT.
    level: u8,
    is_connected: bool,
    closed: bool,
}

impl Wire {
    fn open(port: u16) -> Self {
        let stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
        stream.set_nodelay(true).unwrap();
        Self { stream, received: Vec::new(), sent: Vec::new(), level: 0, is_connected: false, closed: false }
    }

    fn send(&mut self, bytes: &[u8]) {
        if let (0, Some(&[b'M', b'Q', b'T', b'T', level])) = (self.level, bytes.get(4..9)) {
            self.level = level;
        }
        self.sent.extend_from_slice(bytes);
        while let Some(length) = packet_length(&self.sent)
            && length <= self.sent.len()
        {
            self.sent.drain(..length);
        }
        // A broker that has closed already says so when it is read.
        let _ = self.stream.write_all(bytes);
    }

    /// Is gone without a word. Waits until the broker has noticed: what others send before that it would still send here.
    fn leave(mut self) {
        // Where the broker has closed already there is nothing to wait for.
        if self.stream.shutdown(Shutdown::Write).is_ok() {
            while !self.closed && self.read(PATIENCE) {}
        }
    }

    /// Whether a PINGREQ would be one.
    fn is_between_packets(&self) -> bool {
        self.sent.is_empty()
    }

    /// Reads once; whether there was something to read, the end included.
    fn read(&mut self, patience: Duration) -> bool {
        self.stream.set_read_timeout(Some(patience)).unwrap();
        let mut buffer = [0; 16 * 1024];
        match self.stream.read(&mut buffer) {
            Ok(0) => self.closed = true,
            Ok(length) => self.received.extend_from_slice(&buffer[..length]),
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => return false,
            Err(_) => self.closed = true,
        }
        true
    }

    fn drain(&mut self) {
        self.stream.set_nonblocking(true).unwrap();
        while !self.closed && self.read(SILENCE) {}
        self.stream.set_nonblocking(false).unwrap();
        self.look_for_connack();
    }

    fn look_for_connack(&mut self) {
        self.is_connected |= self.received.first() == Some(&0x20) && self.received.get(3) == Some(&0);
    }

    fn wait_for_packet(&mut self) {
        while packet_length(&self.received).is_none_or(|length| length > self.received.len()) {
            assert!(self.read(PATIENCE), "no answer to the control client's CONNECT within {PATIENCE:?}");
            assert!(!self.closed, "the control client's connection was closed");
        }
        self.look_for_connack();
        self.received.clear();
    }

    fn wait_for_something(&mut self) {
        // Whoever has sent a whole packet first is answered or let go, however long the broker's disk takes for the session.
        if self.is_between_packets() && self.received.is_empty() && !self.closed {
            self.read(PATIENCE);
        }
        while !self.closed && self.read(SILENCE) {}
        self.look_for_connack();
        if self.is_connected && !self.closed && self.is_between_packets() {
            self.ping();
        }
    }

    /// Whatever the broker had to read by now is read when it has answered this: several times, because a round of its
    /// loop may take those who have spoken in any order.
    fn settle(&mut self) {
        for _ in 0..3 {
            self.ping();
        }
    }

    /// Sends a PINGREQ and reads up to its answer, which is not kept.
    fn ping(&mut self) {
        self.send(b"\xc0\x00");
        let start = Instant::now();
        loop {
            if self.ends_with_pingresp() {
                self.received.truncate(self.received.len() - 2);
                return;
            }
            if self.closed {
                return;
            }
            assert!(self.read(PATIENCE) && start.elapsed() < PATIENCE, "no PINGRESP, but {}", hex(&self.received));
        }
    }

    fn ends_with_pingresp(&self) -> bool {
        let mut rest = &self.received[..];
        let mut last = None;
        while let Some(length) = packet_length(rest)
            && length <= rest.len()
        {
            last = Some(rest[0]);
            rest = &rest[length..];
        }
        rest.is_empty() && last == Some(0xD0)
    }

    fn take_packets(&mut self) -> Vec<Vec<u8>> {
        let mut packets = Vec::new();
        let mut rest = std::mem::take(&mut self.received);
        while let Some(length) = packet_length(&rest)
            && length <= rest.len()
        {
            let after = rest.split_off(length);
            packets.push(std::mem::replace(&mut rest, after));
        }
        if !rest.is_empty() {
            packets.push(rest);
        }
        packets
    }
}

/// Bytes of the packet that begins here, once its fixed header is there.
fn packet_length(bytes: &[u8]) -> Option<usize> {
    let mut length = 0;
    for (at, byte) in bytes.get(1..)?.iter().take(4).enumerate() {
        length |= usize::from(byte & 0x7F) << (7 * at);
        if byte & 0x80 == 0 {
            return Some(2 + at + length);
        }
    }
    None
}
