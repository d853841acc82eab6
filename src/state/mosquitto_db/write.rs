//! Writes a mosquitto.db of version 6, as 64-bit little-endian Mosquitto does.
//!
//! The caller keeps Mosquitto's order: configuration, stored messages, each client with its entries,
//! subscriptions, retained messages.

use std::io::{self, Write};

use super::super::{Client, ClientMessage, Configuration, Direction, Message, Properties, Subscription};
use super::{MAGIC, kind};
use crate::state::ids::StoreId;

const VERSION: u32 = 6;
/// Property identifier 0x0B.
const SUBSCRIPTION_IDENTIFIER: u8 = 0x0B;

/// A mosquitto.db being written.
#[derive(Debug)]
pub struct Writer<W> {
    out: W,
}

impl<W: Write> Writer<W> {
    /// Writes the head of the file.
    pub fn new(mut out: W) -> io::Result<Self> {
        out.write_all(MAGIC)?;
        out.write_all(&[0; 4])?;
        out.write_all(&VERSION.to_be_bytes())?;
        Ok(Self { out })
    }

    pub fn configuration(&mut self, configuration: &Configuration) -> io::Result<()> {
        let mut fixed = [0; 16];
        fixed[..8].copy_from_slice(&configuration.last_store_id.0.to_le_bytes());
        fixed[8] = configuration.shutdown.into();
        fixed[9] = 8; // bytes of an id
        self.chunk(kind::CONFIGURATION, &fixed, &[])
    }

    /// A stored message; its payload has to be there, its properties in wire form.
    pub fn message(&mut self, message: &Message<'_>) -> io::Result<()> {
        let payload = message.payload.unwrap_or_default();
        let mut fixed = [0; 32];
        fixed[..8].copy_from_slice(&message.store_id.0.to_le_bytes());
        fixed[8..16].copy_from_slice(&message.expires.unwrap_or(0).to_le_bytes());
        fixed[16..20].copy_from_slice(&length32(payload)?.to_be_bytes());
        fixed[20..22].copy_from_slice(&message.source_mid.to_be_bytes());
        fixed[22..24].copy_from_slice(&length16(message.source_id)?);
        fixed[24..26].copy_from_slice(&length16(message.source_username)?);
        fixed[26..28].copy_from_slice(&length16(message.topic)?);
        fixed[28..30].copy_from_slice(&message.source_port.to_be_bytes());
        fixed[30] = message.qos;
        fixed[31] = message.retain.into();
        let parts = [message.source_id, message.source_username, message.topic, payload, wire(message.properties)];
        self.chunk(kind::MESSAGE, &fixed, &parts)
    }

    /// A session; its entries follow it.
    pub fn client(&mut self, client: &Client<'_>) -> io::Result<()> {
        let mut fixed = [0; 24];
        fixed[..8].copy_from_slice(&client.session_expires.unwrap_or(0).to_le_bytes());
        fixed[8..12].copy_from_slice(&client.session_expiry_interval.to_be_bytes());
        fixed[12..14].copy_from_slice(&client.last_mid.to_be_bytes());
        fixed[14..16].copy_from_slice(&length16(client.client_id)?);
        fixed[16..18].copy_from_slice(&client.listener_port.to_be_bytes());
        fixed[18..20].copy_from_slice(&length16(client.username)?);
        self.chunk(kind::CLIENT, &fixed, &[client.client_id, client.username])
    }

    pub fn client_message(&mut self, entry: &ClientMessage<'_>) -> io::Result<()> {
        let mut fixed = [0; 16];
        fixed[..8].copy_from_slice(&entry.store_id.0.to_le_bytes());
        fixed[8..10].copy_from_slice(&entry.mid.to_be_bytes());
        fixed[10..12].copy_from_slice(&length16(entry.client_id)?);
        fixed[12] = entry.qos;
        fixed[13] = entry.state;
        fixed[14] = u8::from(entry.retain) << 4 | u8::from(entry.dup);
        fixed[15] = u8::from(entry.direction == Direction::Outgoing);
        let (identifier, length) = identifier_property(entry.subscription_identifier);
        self.chunk(kind::CLIENT_MESSAGE, &fixed, &[entry.client_id, &identifier[..length]])
    }

    pub fn subscription(&mut self, subscription: &Subscription<'_>) -> io::Result<()> {
        let mut fixed = [0; 12];
        fixed[..4].copy_from_slice(&subscription.identifier.to_be_bytes());
        fixed[4..6].copy_from_slice(&length16(subscription.client_id)?);
        fixed[6..8].copy_from_slice(&length16(subscription.filter)?);
        fixed[8] = subscription.qos;
        fixed[9] = subscription.options;
        self.chunk(kind::SUBSCRIPTION, &fixed, &[subscription.client_id, subscription.filter])
    }

    pub fn retained(&mut self, id: StoreId) -> io::Result<()> {
        self.chunk(kind::RETAINED, &id.0.to_le_bytes(), &[])
    }

    /// The file is complete; gives the output back.
    pub fn finish(mut self) -> io::Result<W> {
        self.out.flush()?;
        Ok(self.out)
    }

    fn chunk(&mut self, kind: u32, fixed: &[u8], parts: &[&[u8]]) -> io::Result<()> {
        let length = fixed.len() + parts.iter().map(|part| part.len()).sum::<usize>();
        let length = u32::try_from(length).map_err(|_| io::ErrorKind::InvalidInput)?;
        self.out.write_all(&kind.to_be_bytes())?;
        self.out.write_all(&length.to_be_bytes())?;
        self.out.write_all(fixed)?;
        parts.iter().try_for_each(|part| self.out.write_all(part))
    }
}

fn wire(properties: Properties<'_>) -> &[u8] {
    match properties {
        Properties::Wire(bytes) => bytes,
        Properties::None | Properties::Json(_) => &[],
    }
}

/// The properties of an entry: a length and, unless it is 0, the identifier as a variable byte integer.
fn identifier_property(identifier: u32) -> ([u8; 6], usize) {
    let mut bytes = [0; 6];
    if identifier == 0 {
        return (bytes, 0);
    }
    bytes[1] = SUBSCRIPTION_IDENTIFIER;
    let (mut at, mut rest) = (2, identifier);
    loop {
        let more = rest > 127;
        bytes[at] = (rest & 127) as u8 | u8::from(more) << 7;
        at += 1;
        rest >>= 7;
        // Identifiers have at most 28 bits, four bytes.
        if !more || at == bytes.len() {
            break;
        }
    }
    bytes[0] = at as u8 - 1;
    (bytes, at)
}

fn length16(field: &[u8]) -> io::Result<[u8; 2]> {
    u16::try_from(field.len()).map(u16::to_be_bytes).map_err(|_| io::ErrorKind::InvalidInput.into())
}

fn length32(field: &[u8]) -> io::Result<u32> {
    u32::try_from(field.len()).map_err(|_| io::ErrorKind::InvalidInput.into())
}

#[cfg(test)]
mod tests {
    use super::super::{Chunk, Reader};
    use super::*;
    use crate::state::Keep;

    const ID: StoreId = StoreId(1_326_220_710_643_090);

    #[test]
    fn what_is_written_is_read_back() {
        let configuration = Configuration { shutdown: true, last_store_id: ID };
        let message = Message {
            store_id: ID,
            expires: Some(1_800_000_000),
            source_mid: 3,
            source_id: b"source",
            source_username: b"user",
            source_port: 1883,
            topic: b"a/b",
            qos: 2,
            retain: true,
            payload_len: 5,
            payload: Some(b"hello"),
            properties: Properties::Wire(b"\x02\x01\x01"),
        };
        let client = Client {
            client_id: b"client",
            username: b"name",
            last_mid: 7,
            listener_port: 1884,
            session_expires: Some(1_700_000_060),
            session_expiry_interval: 60,
            disconnected_at: Some(1_700_000_000),
        };
        let entry = ClientMessage {
            client_id: b"client",
            cmsg_id: 0,
            store_id: ID,
            mid: 9,
            qos: 1,
            retain: true,
            dup: false,
            direction: Direction::Outgoing,
            state: 11,
            properties: Properties::Wire(b"\x03\x0B\xAC\x02"),
            subscription_identifier: 300,
        };
        let subscription =
            Subscription { client_id: b"client", filter: b"a/#", qos: 1, options: 0b1100, identifier: 300 };
        let mut writer = Writer::new(Vec::new()).unwrap();
        writer.configuration(&configuration).unwrap();
        writer.message(&message).unwrap();
        writer.client(&client).unwrap();
        writer.client_message(&entry).unwrap();
        writer.subscription(&subscription).unwrap();
        writer.retained(ID).unwrap();
        let bytes = writer.finish().unwrap();

        let mut reader = Reader::new(io::Cursor::new(&bytes), bytes.len() as u64, Keep::ALL).unwrap();
        assert_eq!(reader.version(), Some(6));
        for expected in [
            Chunk::Configuration(configuration),
            Chunk::Message(message),
            Chunk::Client(client),
            Chunk::ClientMessage(entry),
            Chunk::Subscription(subscription),
            Chunk::Retained(ID),
        ] {
            assert_eq!(reader.next_chunk().unwrap(), Some(expected));
        }
        assert_eq!(reader.next_chunk().unwrap(), None);
    }

    #[test]
    fn the_longest_identifier_takes_four_bytes() {
        assert_eq!(identifier_property(268_435_455), ([5, 0x0B, 0xFF, 0xFF, 0xFF, 0x7F], 6));
        assert_eq!(identifier_property(0).1, 0);
    }

    #[test]
    fn a_field_that_does_not_fit_is_an_error() {
        let long = vec![b'x'; 65_536];
        let mut writer = Writer::new(Vec::new()).unwrap();
        let subscription = Subscription { client_id: &long, filter: b"a", qos: 0, options: 0, identifier: 0 };
        assert_eq!(writer.subscription(&subscription).unwrap_err().kind(), io::ErrorKind::InvalidInput);
    }
}
