//! The bodies of the chunks, version by version: bounded fields of one buffered chunk in, what they
//! mean out. Pure.

use super::super::ids::StoreId;
use super::super::{Client, ClientMessage, Configuration, Direction, Keep, Message, Properties, Subscription};
use super::{Damage, MAX_PAYLOAD};

/// Counters never get here: a wrong byte order shows in a value's top bytes instead.
const COUNTER_LIMIT: u64 = 1 << 40;
/// Clock ids of node 0, which is every broker without a plugin, stay below.
const NODE_0_LIMIT: u64 = 1 << 54;
/// Length of a configuration chunk where 64-bit members align to 4 (32-bit x86).
const NARROW_CONFIGURATION: u64 = 12;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum ByteOrder {
    Little,
    Big,
}

/// What is known of the writer's layout.
#[derive(Debug)]
pub(super) struct Layout {
    pub version: u32,
    /// Decided by the first 64-bit value that is not zero.
    order: Option<ByteOrder>,
    /// 64-bit members align to 4, so the structs have no padding.
    narrow: bool,
}

/// One chunk's body: `bytes` is the part of it that is in memory, from its start.
#[derive(Debug)]
pub(super) struct Fields<'a> {
    pub kind: u32,
    /// Offset of the chunk's head in the file.
    pub chunk_at: u64,
    /// Offset of the body in the file.
    pub at: u64,
    /// Length of the whole body.
    pub len: u64,
    pub bytes: &'a [u8],
    pub next: u64,
}

impl<'a> Fields<'a> {
    // Made on failure only: the fields are taken several times for each of millions of chunks.
    #[cold]
    fn short(&self, needs: u64) -> Damage {
        Damage::ShortChunk {
            kind: self.kind,
            at: self.chunk_at,
            needs,
            field_at: self.at + self.next,
            has: self.len - self.next,
        }
    }

    /// The next `count` bytes, which must be in memory. What is in memory is never more than the body.
    #[inline(always)]
    fn take(&mut self, count: usize) -> Result<&'a [u8], Damage> {
        let start = self.next as usize;
        let Some(taken) = self.bytes.get(start..start + count) else {
            return Err(self.short(count as u64));
        };
        self.next += count as u64;
        Ok(taken)
    }

    #[inline(always)]
    fn skip(&mut self, count: u64) -> Result<(), Damage> {
        if count > self.len - self.next {
            return Err(self.short(count));
        }
        self.next += count;
        Ok(())
    }

    #[inline(always)]
    fn array<const N: usize>(&mut self) -> Result<[u8; N], Damage> {
        self.fixed().copied()
    }

    fn u8(&mut self) -> Result<u8, Damage> {
        Ok(self.take(1)?[0])
    }

    fn u16(&mut self) -> Result<u16, Damage> {
        Ok(u16::from_be_bytes(self.array()?))
    }

    fn u32(&mut self) -> Result<u32, Damage> {
        Ok(u32::from_be_bytes(self.array()?))
    }

    /// A string with its own length in front (versions 2 to 4).
    fn string(&mut self) -> Result<&'a [u8], Damage> {
        let length = self.u16()?;
        self.take(usize::from(length))
    }

    /// The fixed part of a version 5 or 6 chunk: one bounds check for all its fields.
    #[inline(always)]
    fn fixed<const N: usize>(&mut self) -> Result<&'a [u8; N], Damage> {
        let start = self.next as usize;
        let Some(taken) = self.bytes.get(start..).and_then(|rest| rest.first_chunk()) else {
            return Err(self.short(N as u64));
        };
        self.next += N as u64;
        Ok(taken)
    }

    /// A payload of `length` bytes, kept or skipped.
    #[inline(always)]
    fn payload(&mut self, length: u32, keep: Keep) -> Result<Option<&'a [u8]>, Damage> {
        if keep.payload {
            let payload = self.take(length as usize)?;
            return payload_within_limit(length, self).map(|()| Some(payload));
        }
        self.skip(u64::from(length))?;
        payload_within_limit(length, self)?;
        Ok(None)
    }

    #[inline(always)]
    fn rest(&mut self) -> Result<&'a [u8], Damage> {
        let left = (self.len - self.next) as usize;
        self.take(left)
    }
}

#[inline(always)]
fn payload_within_limit(length: u32, fields: &Fields<'_>) -> Result<(), Damage> {
    if length > MAX_PAYLOAD {
        return Err(Damage::PayloadTooLong { at: fields.chunk_at, length });
    }
    Ok(())
}

fn be16(bytes: &[u8], at: usize) -> u16 {
    u16::from_be_bytes([bytes[at], bytes[at + 1]])
}

fn be32(bytes: &[u8], at: usize) -> u32 {
    u32::from_be_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]])
}

#[inline(always)]
fn until_nul(name: &[u8]) -> &[u8] {
    // Most messages have none, and a search costs a call.
    if name.is_empty() { name } else { memchr::memchr(0, name).map_or(name, |end| &name[..end]) }
}

fn wire(properties: &[u8]) -> Properties<'_> {
    if properties.is_empty() { Properties::None } else { Properties::Wire(properties) }
}

/// The value of the subscription identifier (0x0B) in client message properties; 0 when there is none.
fn subscription_identifier(properties: &[u8]) -> u32 {
    // Nothing else is ever written here, so its place is known: total length, identifier, value.
    let [_, 0x0B, value @ ..] = properties else { return 0 };
    let mut identifier = 0;
    for (place, byte) in value.iter().take(4).enumerate() {
        identifier |= u32::from(byte & 0x7F) << (7 * place);
        if byte & 0x80 == 0 {
            return identifier;
        }
    }
    0
}

impl Layout {
    pub fn new(version: u32) -> Self {
        Self { version, order: None, narrow: false }
    }

    /// Versions 5 and 6 are dumped structs.
    pub fn has_structs(&self) -> bool {
        self.version >= 5
    }

    /// A 64-bit value in the writer's byte order.
    #[inline(always)]
    fn host(&mut self, bytes: [u8; 8]) -> u64 {
        let (little, big) = (u64::from_le_bytes(bytes), u64::from_be_bytes(bytes));
        if little == 0 {
            return 0; // reads the same both ways and decides nothing
        }
        let order = match self.order {
            Some(order) => order,
            None => self.decide(little, big),
        };
        if order == ByteOrder::Little { little } else { big }
    }

    #[cold]
    fn decide(&mut self, little: u64, big: u64) -> ByteOrder {
        *self.order.insert(plausible_order(little, big).unwrap_or(ByteOrder::Little))
    }

    #[inline(always)]
    pub fn host_at(&mut self, bytes: &[u8], at: usize) -> u64 {
        let value = bytes[at..].first_chunk().copied();
        self.host(value.expect("fixed parts are as long as their fields need"))
    }

    /// Returns what the file says of its writer and remembers the writer's alignment.
    pub fn configuration(&mut self, fields: &mut Fields<'_>) -> Result<Configuration, Damage> {
        let (last, shutdown, id_size) = if self.has_structs() {
            self.narrow = fields.len == NARROW_CONFIGURATION;
            let fixed = fields.fixed::<10>()?;
            (self.host_at(fixed, 0), fixed[8], fixed[9])
        } else {
            let (shutdown, id_size) = (fields.u8()?, fields.u8()?);
            (self.host(fields.array()?), shutdown, id_size)
        };
        if id_size != 8 {
            return Err(Damage::IdSize { at: fields.chunk_at, size: id_size });
        }
        Ok(Configuration { shutdown: shutdown != 0, last_store_id: StoreId(last) })
    }

    #[inline(always)]
    pub fn message<'a>(&mut self, fields: &mut Fields<'a>, keep: Keep) -> Result<Message<'a>, Damage> {
        if self.has_structs() { self.struct_message(fields, keep) } else { self.packed_message(fields, keep) }
    }

    #[inline(always)]
    pub fn struct_message<'a>(&mut self, fields: &mut Fields<'a>, keep: Keep) -> Result<Message<'a>, Damage> {
        let fixed = fields.fixed::<32>()?;
        let expires = self.host_at(fixed, 8).cast_signed();
        let payload_len = be32(fixed, 16);
        let topic_len = be16(fixed, 26);
        let mut message = Message {
            store_id: StoreId(self.host_at(fixed, 0)),
            expires: (expires > 0).then_some(expires),
            source_mid: be16(fixed, 20),
            source_port: be16(fixed, 28),
            qos: fixed[30],
            retain: fixed[31] != 0,
            payload_len,
            source_id: fields.take(usize::from(be16(fixed, 22)))?,
            source_username: until_nul(fields.take(usize::from(be16(fixed, 24)))?),
            topic: fields.take(usize::from(topic_len))?,
            payload: None,
            properties: Properties::None,
        };
        if topic_len == 0 {
            return Err(Damage::EmptyTopic { at: fields.chunk_at });
        }
        message.payload = fields.payload(payload_len, keep)?;
        if keep.properties {
            message.properties = wire(fields.rest()?);
        }
        Ok(message)
    }

    #[inline(never)]
    fn packed_message<'a>(&mut self, fields: &mut Fields<'a>, keep: Keep) -> Result<Message<'a>, Damage> {
        let store_id = StoreId(self.host(fields.array()?));
        let source_id = fields.string()?;
        let (source_username, source_port) =
            if self.version >= 4 { (until_nul(fields.string()?), fields.u16()?) } else { (&[][..], 0) };
        let source_mid = fields.u16()?;
        let _mid = fields.u16()?;
        let topic = fields.string()?;
        let (qos, retain) = (fields.u8()?, fields.u8()? != 0);
        let payload_len = fields.u32()?;
        let payload = fields.payload(payload_len, keep)?;
        Ok(Message {
            store_id,
            expires: None,
            source_mid,
            source_id,
            source_username,
            source_port,
            topic,
            qos,
            retain,
            payload_len,
            payload,
            properties: Properties::None,
        })
    }

    #[inline(always)]
    pub fn client_message<'a>(&mut self, fields: &mut Fields<'a>) -> Result<ClientMessage<'a>, Damage> {
        if self.has_structs() { self.struct_client_message(fields) } else { self.packed_client_message(fields) }
    }

    #[inline(always)]
    pub fn struct_client_message<'a>(&mut self, fields: &mut Fields<'a>) -> Result<ClientMessage<'a>, Damage> {
        let fixed = fields.fixed::<16>()?;
        let client_id = fields.take(usize::from(be16(fixed, 10)))?;
        let properties = fields.rest()?;
        Ok(ClientMessage {
            client_id,
            cmsg_id: 0,
            store_id: StoreId(self.host_at(fixed, 0)),
            mid: be16(fixed, 8),
            qos: fixed[12],
            state: fixed[13],
            retain: fixed[14] & 0xF0 != 0,
            dup: fixed[14] & 0x0F != 0,
            direction: direction(fixed[15]),
            properties: wire(properties),
            subscription_identifier: subscription_identifier(properties),
        })
    }

    #[inline(never)]
    fn packed_client_message<'a>(&mut self, fields: &mut Fields<'a>) -> Result<ClientMessage<'a>, Damage> {
        let client_id = fields.string()?;
        let store_id = StoreId(self.host(fields.array()?));
        let mid = fields.u16()?;
        let [qos, retain, towards, state, dup] = fields.array()?;
        Ok(ClientMessage {
            client_id,
            cmsg_id: 0,
            store_id,
            mid,
            qos,
            retain: retain != 0,
            dup: dup != 0,
            direction: direction(towards),
            state,
            properties: Properties::None,
            subscription_identifier: 0,
        })
    }

    pub fn retained(&mut self, fields: &mut Fields<'_>) -> Result<StoreId, Damage> {
        Ok(StoreId(self.host(fields.array()?)))
    }

    pub fn subscription<'a>(&mut self, fields: &mut Fields<'a>) -> Result<Subscription<'a>, Damage> {
        if !self.has_structs() {
            let (client_id, filter, qos) = (fields.string()?, fields.string()?, fields.u8()?);
            return Ok(Subscription { client_id, filter, qos, options: 0, identifier: 0 });
        }
        let fixed = fields.fixed::<12>()?;
        Ok(Subscription {
            identifier: be32(fixed, 0),
            client_id: fields.take(usize::from(be16(fixed, 4)))?,
            filter: fields.take(usize::from(be16(fixed, 6)))?,
            qos: fixed[8],
            options: fixed[9],
        })
    }

    pub fn client<'a>(&mut self, fields: &mut Fields<'a>) -> Result<Client<'a>, Damage> {
        if self.has_structs() { self.struct_client(fields) } else { self.packed_client(fields) }
    }

    fn struct_client<'a>(&mut self, fields: &mut Fields<'a>) -> Result<Client<'a>, Damage> {
        let fixed = fields.fixed::<16>()?;
        let (mut listener_port, mut username_len) = (0, 0);
        if self.version >= 6 {
            listener_port = fields.u16()?;
            username_len = usize::from(fields.u16()?);
            fields.skip(if self.narrow { 0 } else { 4 })?;
        }
        let expires = self.host_at(fixed, 0).cast_signed();
        let interval = be32(fixed, 8);
        let session_expires = (expires > 0).then_some(expires);
        Ok(Client {
            session_expires,
            session_expiry_interval: interval,
            last_mid: be16(fixed, 12),
            client_id: fields.take(usize::from(be16(fixed, 14)))?,
            username: until_nul(fields.take(username_len)?),
            listener_port,
            disconnected_at: session_expires.filter(|_| interval != u32::MAX).map(|at| at - i64::from(interval)),
        })
    }

    fn packed_client<'a>(&mut self, fields: &mut Fields<'a>) -> Result<Client<'a>, Damage> {
        let (client_id, last_mid) = (fields.string()?, fields.u16()?);
        let disconnected_at = match fields.len - fields.next {
            // time_t of a 32-bit writer, in its byte order as well.
            4 if self.order == Some(ByteOrder::Big) => Some(i64::from(u32::from_be_bytes(fields.array()?))),
            4 => Some(i64::from(u32::from_le_bytes(fields.array()?))),
            8 => Some(self.host(fields.array()?).cast_signed()),
            _ => None,
        };
        Ok(Client {
            client_id,
            username: &[],
            last_mid,
            listener_port: 0,
            session_expires: None,
            session_expiry_interval: u32::MAX,
            disconnected_at: disconnected_at.filter(|at| *at > 0),
        })
    }
}

fn direction(number: u8) -> Direction {
    if number == 0 { Direction::Incoming } else { Direction::Outgoing }
}

/// Which order makes sense of a value: a small counter, else a clock id.
fn plausible_order(little: u64, big: u64) -> Option<ByteOrder> {
    if little.min(big) < COUNTER_LIMIT {
        return Some(if little <= big { ByteOrder::Little } else { ByteOrder::Big });
    }
    if little < NODE_0_LIMIT {
        return Some(ByteOrder::Little);
    }
    (big < NODE_0_LIMIT).then_some(ByteOrder::Big)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counters_and_clock_ids_are_told_apart_in_both_orders() {
        let clock = StoreId::at(crate::state::ids::UnixTime::from_nanos(1_795_356_092_818_362_123)).0;
        for id in [1_u64, 255, 256, 430, 65_536, clock, clock + 0x100] {
            for (bytes, order) in [(id.to_le_bytes(), ByteOrder::Little), (id.to_be_bytes(), ByteOrder::Big)] {
                let mut layout = Layout::new(6);
                assert_eq!((layout.host([0; 8]), layout.order), (0, None));
                assert_eq!((layout.host(bytes), layout.order), (id, Some(order)), "{id:x}");
            }
        }
    }

    #[test]
    fn a_subscription_identifier_is_read_from_its_property() {
        assert_eq!(subscription_identifier(&[2, 0x0B, 7]), 7);
        assert_eq!(subscription_identifier(&[3, 0x0B, 0x80, 1]), 128);
        assert_eq!(subscription_identifier(&[3, 0x0B, 0x80]), 0);
        assert_eq!(subscription_identifier(&[]), 0);
    }
}
