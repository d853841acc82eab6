//! The least of a client that loads a broker: version 3.1.1, packets of one size, no allocation per message.

use std::net::SocketAddr;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// Bytes of each message.
pub const PAYLOAD: usize = 64;

/// Whether the session ends with its connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Session {
    Clean,
    Kept,
}

pub async fn connect(address: SocketAddr, client_id: &str, session: Session) -> TcpStream {
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.set_nodelay(true).unwrap();
    let mut packet = vec![0x10, (12 + client_id.len()) as u8];
    packet.extend(b"\x00\x04MQTT\x04");
    packet.push(if session == Session::Clean { 2 } else { 0 });
    packet.extend([0, 0, 0, client_id.len() as u8]);
    packet.extend(client_id.bytes());
    stream.write_all(&packet).await.unwrap();
    let mut connack = [0; 4];
    stream.read_exact(&mut connack).await.unwrap();
    assert!(matches!(connack, [0x20, 2, _, 0]), "{connack:?}");
    stream
}

pub async fn subscribe(stream: &mut TcpStream, topic: &str, qos: u8) {
    let mut packet = vec![0x82, (5 + topic.len()) as u8, 0, 1, 0, topic.len() as u8];
    packet.extend(topic.bytes().chain([qos]));
    stream.write_all(&packet).await.unwrap();
    let mut suback = [0; 5];
    stream.read_exact(&mut suback).await.unwrap();
    assert_eq!(suback, [0x90, 3, 0, 1, qos]);
}

pub async fn disconnect(mut stream: TcpStream) {
    stream.write_all(&[0xe0, 0]).await.unwrap();
    // Read until the end: the broker has taken notice.
    assert_eq!(stream.read(&mut [0; 1]).await.unwrap_or(0), 0);
}

/// Messages of one publisher.
pub struct Outgoing {
    topic: String,
    pub qos: u8,
    packet_id: u16,
    pub bytes: Vec<u8>,
}

impl Outgoing {
    pub fn new(topic: &str, qos: u8) -> Self {
        Self { topic: topic.to_owned(), qos, packet_id: 0, bytes: Vec::new() }
    }

    /// Appends a PUBLISH whose payload begins with `stamp`.
    pub fn push(&mut self, stamp: u64) {
        let variable = 2 + self.topic.len() + if self.qos == 1 { 2 } else { 0 };
        self.bytes.extend([0x30 | self.qos << 1, (variable + PAYLOAD) as u8, 0, self.topic.len() as u8]);
        self.bytes.extend(self.topic.bytes());
        if self.qos == 1 {
            self.packet_id = self.packet_id.checked_add(1).unwrap_or(1);
            self.bytes.extend(self.packet_id.to_be_bytes());
        }
        self.bytes.extend(stamp.to_be_bytes());
        self.bytes.extend([b'x'; PAYLOAD - 8]);
    }
}

/// Takes apart what a subscriber gets; all packets have one size.
pub struct Incoming {
    topic_length: usize,
    qos: u8,
    buffer: Vec<u8>,
    held: usize,
    acks: Vec<u8>,
}

impl Incoming {
    pub fn new(topic: &str, qos: u8) -> Self {
        Self { topic_length: topic.len(), qos, buffer: vec![0; 64 * 1024], held: 0, acks: Vec::new() }
    }

    /// Reads once, calls `each` with the stamp of each message, acknowledges; how many there were.
    pub async fn read(&mut self, stream: &mut TcpStream, each: impl FnMut(u64)) -> usize {
        let read = stream.read(&mut self.buffer[self.held..]).await.unwrap();
        let messages = self.take(read, each);
        if !self.acks.is_empty() {
            stream.write_all(&self.acks).await.unwrap();
        }
        messages
    }

    /// Takes apart what has come; its acknowledgements are in `acks` then.
    fn take(&mut self, read: usize, mut each: impl FnMut(u64)) -> usize {
        assert!(read > 0, "the broker hung up");
        self.held += read;
        let payload = 4 + self.topic_length + if self.qos == 1 { 2 } else { 0 };
        let size = payload + PAYLOAD;
        let whole = self.held / size;
        self.acks.clear();
        for packet in self.buffer[..whole * size].chunks_exact(size) {
            if self.qos == 1 {
                self.acks.extend([0x40, 2, packet[payload - 2], packet[payload - 1]]);
            }
            each(u64::from_be_bytes(packet[payload..payload + 8].try_into().unwrap()));
        }
        self.buffer.copy_within(whole * size..self.held, 0);
        self.held -= whole * size;
        whole
    }
}
