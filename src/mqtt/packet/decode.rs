//! From the bytes of a connection to packets.

use bytes::{Buf, BytesMut};

use super::wire::{Reader, Variable, variable_length};
use super::{
    Ack, Auth, ConnAck, Connect, DecodeError, Disconnect, Packet, PacketId, PacketType, ProtocolVersion, Publish,
    PublishRef, ReasonCode, Receiver, SubAck, Subscribe, UnsubAck, Unsubscribe, connect,
};

/// The largest packet that the protocol can express: fixed header and remaining length.
pub const MAXIMUM_PACKET_SIZE: usize = 5 + super::wire::MAXIMUM_VARIABLE_BYTE_INTEGER;

/// The largest packet that a client reads before a server has accepted it. An answer to CONNECT has some dozens of bytes, and with
/// a page of User Properties some thousands; whoever is not known yet must not have us gather more.
pub const MAXIMUM_BEFORE_ACCEPTED: usize = 1024 * 1024;

/// Takes packets out of the bytes that one connection receives.
#[derive(Clone, Debug)]
pub struct Decoder {
    pub(super) receiver: Receiver,
    /// A server learns it from CONNECT.
    pub(super) version: Option<ProtocolVersion>,
    /// CONNECT has begun a login in several steps, and the client has not answered yet. Until it has, who it is is not known, and it
    /// may send nothing but AUTH and DISCONNECT [MQTT-3.1.2-30].
    pub(super) awaits_proof: bool,
    /// A larger packet is an error as soon as its fixed header is there.
    pub maximum_packet_size: usize,
}

impl Decoder {
    pub const fn server(maximum_packet_size: usize) -> Self {
        Self { receiver: Receiver::Server, version: None, awaits_proof: false, maximum_packet_size }
    }

    pub const fn client(version: ProtocolVersion, maximum_packet_size: usize) -> Self {
        Self { receiver: Receiver::Client, version: Some(version), awaits_proof: false, maximum_packet_size }
    }

    /// The version of the connection, as soon as the start of a CONNECT was read, even if its rest is wrong.
    pub const fn version(&self) -> Option<ProtocolVersion> {
        self.version
    }

    /// Takes the next packet from the front of `buffer`; `None` = more bytes are needed. What the packet holds are
    /// slices of the buffer's memory. After an error the buffer is of no more use.
    #[inline]
    pub fn decode(&mut self, buffer: &mut BytesMut) -> Result<Option<Packet>, DecodeError> {
        let Some((&first, after)) = buffer.split_first() else { return Ok(None) };
        let kind = self.check_first(first)?;
        let (length_bytes, length) = match Variable::parse(after) {
            Variable::Complete { value, length } => (length, value),
            Variable::Incomplete => return Ok(None),
            Variable::TooLong => return Err(DecodeError::RemainingLength),
        };
        if self.is_strict_v5() && length_bytes != variable_length(length) {
            return Err(DecodeError::RemainingLength);
        }
        let header = 1 + length_bytes;
        let size = header + length;
        if size > self.maximum_packet_size {
            return Err(DecodeError::PacketTooLarge { size, maximum: self.maximum_packet_size });
        }
        if self.receiver == Receiver::Server
            && (body_limit(kind, self.version).is_some_and(|limit| length > limit)
                || self.awaits_proof && length > STRINGS_LIMIT)
        {
            return Err(DecodeError::BodyTooLong { packet: kind, length });
        }
        let Some(body) = buffer.get(header..size) else { return Ok(None) };
        // The most frequent packets after PUBLISH hold nothing to slice.
        if let (Some(wrap), &[high, low]) = (plain_ack(kind), body) {
            let packet_id = PacketId::new(u16::from_be_bytes([high, low])).ok_or(DecodeError::PacketIdZero(kind))?;
            buffer.advance(size);
            return Ok(Some(wrap(Ack::new(packet_id))));
        }
        let mut frame = buffer.split_to(size).freeze();
        frame.advance(header);
        let reader = Reader::new(frame, self.receiver == Receiver::Server);
        match (kind, self.version) {
            (PacketType::Publish, Some(version)) => {
                Publish::read(reader, first, version, self.receiver).map(|publish| Some(Packet::Publish(publish)))
            }
            (PacketType::Connect, _) => self.connect(reader, first, length_bytes).map(Some),
            (PacketType::Auth, Some(version)) => {
                self.awaits_proof = false;
                body_of(kind, reader, version, self.receiver).map(Some)
            }
            (_, Some(version)) => body_of(kind, reader, version, self.receiver).map(Some),
            // `check_first` lets nothing but CONNECT pass before CONNECT.
            (_, None) => Err(DecodeError::UnexpectedPacket(kind)),
        }
    }

    /// Bytes on the wire of the packet at the front of `buffer`, if its fixed header is there.
    pub fn announced(buffer: &[u8]) -> Option<usize> {
        match Variable::parse(buffer.get(1..)?) {
            Variable::Complete { value, length } => Some(1 + length + value),
            Variable::Incomplete | Variable::TooLong => None,
        }
    }

    /// The message at the front of `buffer` and its bytes on the wire, if it is one that a client need only look at:
    /// whole, QoS 0, without properties, its topic printable ASCII. Nothing is taken, copied or counted. `None` says
    /// nothing of the bytes: [`Decoder::decode`] says what they are. `last_topic` is the topic of the message before
    /// it, or empty: messages of one topic follow each other, and it is checked once.
    #[inline]
    pub fn peek_plain<'a>(&self, buffer: &'a [u8], last_topic: &'a str) -> Option<(PublishRef<'a>, usize)> {
        let (&first, after) = buffer.split_first()?;
        let Variable::Complete { value, length } = Variable::parse(after) else { return None };
        let size = 1 + length + value;
        if self.receiver == Receiver::Server || size > self.maximum_packet_size {
            return None;
        }
        let body = buffer.get(1 + length..size)?;
        Some((PublishRef::plain(first, body, self.version?, last_topic)?, size))
    }

    fn is_strict_v5(&self) -> bool {
        self.receiver == Receiver::Server && self.version == Some(ProtocolVersion::V5)
    }

    /// Checks the first byte alone: whether such a packet may come here and now.
    #[inline]
    fn check_first(&self, first: u8) -> Result<PacketType, DecodeError> {
        let kind = PacketType::from_number(first >> 4).ok_or(DecodeError::UnknownPacketType(first >> 4))?;
        if kind == PacketType::Auth && self.version.is_some_and(|version| version < ProtocolVersion::V5) {
            return Err(DecodeError::UnknownPacketType(first >> 4));
        }
        let expected = match (self.receiver, self.version) {
            // [MQTT-3.1.0-1]
            (Receiver::Server, None) => kind == PacketType::Connect,
            (Receiver::Server, Some(_)) => kind.goes_to_server(),
            (Receiver::Client, Some(ProtocolVersion::V5)) => kind.goes_to_client(),
            (Receiver::Client, _) => kind.goes_to_client() && kind != PacketType::Disconnect,
        };
        if !expected {
            // Both are wrong, and either may be said; Mosquitto looks at the flags of these first.
            let flags_first = matches!(kind, PacketType::SubAck | PacketType::UnsubAck | PacketType::PingResp);
            return Err(if self.is_strict_v5() && flags_first && first & 0x0F != 0 {
                DecodeError::Flags(first)
            } else {
                DecodeError::UnexpectedPacket(kind)
            });
        }
        // [MQTT-2.1.3-1]. In 3.1 the bits are "not used" or carry DUP, whatever the packet.
        // libmosquitto looks at PUBREL's only, and MQTT 5 has a client look at those of DISCONNECT [MQTT-3.14.1-1] and AUTH
        // [MQTT-3.15.1-1] too. CONNECT's version is not known yet.
        let unchecked = match (kind, self.receiver) {
            // PINGREQ has nothing that could be said again, and Mosquitto refuses one with flags in 3.1, too.
            (PacketType::PubRel | PacketType::Disconnect | PacketType::Auth, Receiver::Client)
            | (PacketType::PingReq, Receiver::Server) => false,
            (PacketType::Publish | PacketType::Connect, _) | (_, Receiver::Client) => true,
            (_, Receiver::Server) => self.version == Some(ProtocolVersion::V31),
        };
        if !unchecked && first & 0x0F != kind.fixed_flags() {
            return Err(DecodeError::Flags(first));
        }
        Ok(kind)
    }

    fn connect(&mut self, mut reader: Reader, first: u8, length_bytes: usize) -> Result<Packet, DecodeError> {
        let length = reader.len();
        let (version, bridge) = connect::read_version(&mut reader)?;
        if version > ProtocolVersion::V31 && first & 0x0F != 0 {
            return Err(DecodeError::Flags(first));
        }
        self.version = Some(version);
        if version == ProtocolVersion::V5 && length_bytes != variable_length(length) {
            return Err(DecodeError::RemainingLength);
        }
        let connect = Box::new(Connect::read(&mut reader, version, bridge)?);
        self.awaits_proof = connect.properties.authentication_method().is_some();
        Ok(Packet::Connect(connect))
    }
}

/// The longest body of what has strings and no payload.
const STRINGS_LIMIT: usize = 100_000;

/// The longest body that a server waits for, as in Mosquitto: what holds no payload needs not be long. `None`:
/// only the limit of whole packets holds.
const fn body_limit(kind: PacketType, version: Option<ProtocolVersion>) -> Option<usize> {
    const REASON: usize = 10_000;
    let is_v5 = matches!(version, Some(ProtocolVersion::V5));
    match kind {
        PacketType::Connect | PacketType::Auth => Some(STRINGS_LIMIT),
        PacketType::Subscribe | PacketType::Unsubscribe if is_v5 => Some(STRINGS_LIMIT),
        PacketType::PubAck | PacketType::PubRec | PacketType::PubRel | PacketType::PubComp | PacketType::Disconnect
            if is_v5 =>
        {
            Some(REASON)
        }
        PacketType::PubAck | PacketType::PubRec | PacketType::PubRel | PacketType::PubComp => Some(2),
        PacketType::Disconnect | PacketType::PingReq => Some(0),
        _ => None,
    }
}

/// How to wrap an acknowledgement of that kind.
fn plain_ack(kind: PacketType) -> Option<fn(Ack) -> Packet> {
    match kind {
        PacketType::PubAck => Some(Packet::PubAck),
        PacketType::PubRec => Some(Packet::PubRec),
        PacketType::PubRel => Some(Packet::PubRel),
        PacketType::PubComp => Some(Packet::PubComp),
        _ => None,
    }
}

/// The packets that are neither CONNECT nor PUBLISH.
fn body_of(
    kind: PacketType,
    reader: Reader,
    version: ProtocolVersion,
    receiver: Receiver,
) -> Result<Packet, DecodeError> {
    Ok(match kind {
        PacketType::PubAck => Packet::PubAck(Ack::read(reader, kind, version, receiver)?),
        PacketType::PubRec => Packet::PubRec(Ack::read(reader, kind, version, receiver)?),
        PacketType::PubRel => Packet::PubRel(Ack::read(reader, kind, version, receiver)?),
        PacketType::PubComp => Packet::PubComp(Ack::read(reader, kind, version, receiver)?),
        PacketType::ConnAck => Packet::ConnAck(ConnAck::read(reader, version)?),
        PacketType::Subscribe => Packet::Subscribe(Subscribe::read(reader, version)?),
        PacketType::SubAck => Packet::SubAck(SubAck::read(reader, version)?),
        PacketType::Unsubscribe => Packet::Unsubscribe(Unsubscribe::read(reader, version)?),
        PacketType::UnsubAck => Packet::UnsubAck(UnsubAck::read(reader, version)?),
        PacketType::Disconnect => Packet::Disconnect(Disconnect::read(reader, version, receiver)?),
        PacketType::Auth => Packet::Auth(Auth::read(reader, receiver)?),
        PacketType::PingReq | PacketType::PingResp => {
            reader.finish()?;
            if kind == PacketType::PingReq { Packet::PingReq } else { Packet::PingResp }
        }
        PacketType::Connect | PacketType::Publish => return Err(DecodeError::UnexpectedPacket(kind)),
    })
}

impl Reader {
    /// The reason code of `kind`; a client takes any.
    pub(super) fn reason(&mut self, kind: PacketType, receiver: Receiver) -> Result<ReasonCode, DecodeError> {
        let reason = ReasonCode(self.u8()?);
        if receiver == Receiver::Server && !reason.is_defined_in(kind) {
            return Err(DecodeError::ReasonCode { packet: kind, code: reason.0 });
        }
        Ok(reason)
    }
}
