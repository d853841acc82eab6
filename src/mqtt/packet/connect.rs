//! CONNECT and CONNACK, §3.1 and §3.2.

use bytes::{BufMut, Bytes, BytesMut};
use bytestring::ByteString;

use super::wire::{Reader, field_length, put_field, put_header};
use super::{DecodeError, EncodeError, PacketType, Properties, PropertyOwner, ProtocolVersion, QoS};

/// CONNECT, §3.1.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Connect {
    pub version: ProtocolVersion,
    /// Bit 7 of the protocol level: how Mosquitto's bridges mark themselves to Mosquitto (3.1 and 3.1.1 only).
    pub bridge: bool,
    /// The flag "clean start"; it is called "clean session" before version 5.
    pub clean_start: bool,
    /// In seconds; 0 = no keep-alive.
    pub keep_alive: u16,
    pub client_id: ByteString,
    pub will: Option<Will>,
    pub username: Option<ByteString>,
    pub password: Option<Bytes>,
    pub properties: Properties,
}

/// The will message of a CONNECT.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Will {
    pub topic: ByteString,
    pub payload: Bytes,
    pub qos: QoS,
    pub retain: bool,
    pub properties: Properties,
}

/// CONNACK, §3.2.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConnAck {
    pub session_present: bool,
    /// The reason code in version 5, the return code (0 to 5) before.
    pub code: u8,
    pub properties: Properties,
}

const RESERVED: u8 = 0x01;
const CLEAN_START: u8 = 0x02;
const WILL: u8 = 0x04;
const WILL_QOS_SHIFT: u32 = 3;
const WILL_RETAIN: u8 = 0x20;
const PASSWORD: u8 = 0x40;
const USERNAME: u8 = 0x80;

/// The bit of the protocol level by which a bridge of Mosquitto's marks itself.
const BRIDGE: u8 = 0x80;

/// Reads the protocol name and level, which say how to read the rest.
pub(super) fn read_version(reader: &mut Reader) -> Result<(ProtocolVersion, bool), DecodeError> {
    let name = reader.binary()?;
    let level = reader.u8()?;
    match (&*name, level & !BRIDGE) {
        (b"MQIsdp", 3) => Ok((ProtocolVersion::V31, level & BRIDGE != 0)),
        (b"MQTT", 4) => Ok((ProtocolVersion::V311, level & BRIDGE != 0)),
        (b"MQTT", 5) if level & BRIDGE == 0 => Ok((ProtocolVersion::V5, false)),
        (b"MQIsdp", _) | (b"MQTT", 3) => Err(DecodeError::ProtocolMismatch(level)),
        (b"MQTT", _) => Err(DecodeError::ProtocolVersion(level)),
        _ => Err(DecodeError::ProtocolName),
    }
}

impl Connect {
    /// Reads what follows the protocol level.
    pub(super) fn read(reader: &mut Reader, version: ProtocolVersion, bridge: bool) -> Result<Self, DecodeError> {
        let flags = reader.u8()?;
        check_flags(flags, version)?;
        let keep_alive = reader.u16()?;
        let properties = if version == ProtocolVersion::V5 {
            Properties::read(reader, PropertyOwner::Connect)?
        } else {
            Properties::new()
        };
        if properties.authentication_data().is_some() && properties.authentication_method().is_none() {
            return Err(DecodeError::AuthenticationDataWithoutMethod);
        }
        // The fields stand in this order [MQTT-3.1.3-1], and the client id is always there [MQTT-3.1.3-3].
        let client_id = reader.string().map_err(|error| match error {
            DecodeError::Truncated => DecodeError::ConnectPayload,
            _ => DecodeError::ClientIdentifier,
        })?;
        // Its flag says that a will is there [MQTT-3.1.2-9].
        let will = if flags & WILL == 0 { None } else { Some(Will::read(reader, version, flags)?) };
        // 3.1 lets the remaining length overrule the flags: a field announced by its flag may be missing there.
        let given =
            |flag, reader: &Reader| flags & flag != 0 && !(version == ProtocolVersion::V31 && reader.is_empty());
        let payload = |_| DecodeError::ConnectPayload;
        // A name [MQTT-3.1.2-17] and a password [MQTT-3.1.2-19] that a flag announces are there. Without their flags they are
        // none [MQTT-3.1.2-16] [MQTT-3.1.2-18], but bytes too many. The name is a string [MQTT-3.1.3-12].
        let username = if given(USERNAME, reader) { Some(reader.string().map_err(payload)?) } else { None };
        let password = if given(PASSWORD, reader) { Some(reader.binary().map_err(payload)?) } else { None };
        reader.finish()?;
        let clean_start = flags & CLEAN_START != 0;
        Ok(Self { version, bridge, clean_start, keep_alive, client_id, will, username, password, properties })
    }

    fn flags(&self) -> u8 {
        let mut flags = 0;
        if self.clean_start {
            flags |= CLEAN_START;
        }
        if let Some(will) = &self.will {
            flags |= WILL | (will.qos as u8) << WILL_QOS_SHIFT;
            if will.retain {
                flags |= WILL_RETAIN;
            }
        }
        if self.username.is_some() {
            flags |= USERNAME;
        }
        if self.password.is_some() {
            flags |= PASSWORD;
        }
        flags
    }

    fn protocol(&self) -> (&'static [u8], u8) {
        let bridge = if self.bridge { BRIDGE } else { 0 };
        match self.version {
            ProtocolVersion::V31 => (b"MQIsdp", 3 | bridge),
            ProtocolVersion::V311 => (b"MQTT", 4 | bridge),
            ProtocolVersion::V5 => (b"MQTT", 5),
        }
    }

    pub(super) fn body_len(&self) -> Result<usize, EncodeError> {
        let v5 = self.version == ProtocolVersion::V5;
        let mut length = 2 + self.protocol().0.len() + 1 + 1 + 2;
        if v5 {
            length += self.properties.encoded_len()?;
        }
        length += field_length(self.client_id.as_bytes())?;
        if let Some(will) = &self.will {
            if v5 {
                length += will.properties.encoded_len()?;
            }
            length += field_length(will.topic.as_bytes())? + field_length(&will.payload)?;
        }
        if let Some(username) = &self.username {
            length += field_length(username.as_bytes())?;
        }
        if let Some(password) = &self.password {
            length += field_length(password)?;
        }
        Ok(length)
    }

    pub fn encode(&self, out: &mut BytesMut) -> Result<(), EncodeError> {
        let v5 = self.version == ProtocolVersion::V5;
        put_header((PacketType::Connect as u8) << 4, self.body_len()?, out)?;
        let (name, level) = self.protocol();
        put_field(name, out);
        out.put_u8(level);
        out.put_u8(self.flags());
        out.put_u16(self.keep_alive);
        if v5 {
            self.properties.write(out)?;
        }
        put_field(self.client_id.as_bytes(), out);
        if let Some(will) = &self.will {
            if v5 {
                will.properties.write(out)?;
            }
            put_field(will.topic.as_bytes(), out);
            put_field(&will.payload, out);
        }
        if let Some(username) = &self.username {
            put_field(username.as_bytes(), out);
        }
        if let Some(password) = &self.password {
            put_field(password, out);
        }
        Ok(())
    }
}

fn check_flags(flags: u8, version: ProtocolVersion) -> Result<(), DecodeError> {
    // [MQTT-3.1.2-3]; in 3.1 the bit is only unused.
    if version > ProtocolVersion::V31 && flags & RESERVED != 0 {
        return Err(DecodeError::ConnectFlags(flags));
    }
    let will_bits = flags & (WILL_RETAIN | 3 << WILL_QOS_SHIFT);
    // [MQTT-3.1.2-11], [MQTT-3.1.2-13]; 3.1 says nothing of them without a will.
    if version > ProtocolVersion::V31 && flags & WILL == 0 && will_bits != 0 {
        return Err(DecodeError::ConnectFlags(flags));
    }
    // [MQTT-3.1.2-22] of 3.1.1; version 5 takes a password alone.
    if version < ProtocolVersion::V5 && flags & (USERNAME | PASSWORD) == PASSWORD {
        return Err(DecodeError::ConnectFlags(flags));
    }
    Ok(())
}

impl Will {
    fn read(reader: &mut Reader, version: ProtocolVersion, flags: u8) -> Result<Self, DecodeError> {
        // [MQTT-3.1.2-12]
        let qos = QoS::try_from(flags >> WILL_QOS_SHIFT & 3).map_err(|_| DecodeError::ConnectFlags(flags))?;
        let properties = if version == ProtocolVersion::V5 {
            Properties::read(reader, PropertyOwner::Will)?
        } else {
            Properties::new()
        };
        let payload = |_| DecodeError::ConnectPayload;
        // [MQTT-3.1.3-11]
        let topic = reader.string().map_err(payload)?;
        if topic.is_empty() {
            return Err(DecodeError::NoWillTopic);
        }
        if topic.contains(['+', '#']) {
            return Err(DecodeError::ConnectPayload);
        }
        let payload = reader.binary().map_err(payload)?;
        Ok(Self { topic, payload, qos, retain: flags & WILL_RETAIN != 0, properties })
    }
}

impl ConnAck {
    pub(super) fn read(mut reader: Reader, version: ProtocolVersion) -> Result<Self, DecodeError> {
        let flags = reader.u8()?;
        // 3.1 has no such flags, the byte is reserved there.
        if version > ProtocolVersion::V31 && flags > 1 {
            return Err(DecodeError::ConnAckFlags(flags));
        }
        let code = reader.u8()?;
        let session_present = version > ProtocolVersion::V31 && flags == 1;
        let mut properties = Properties::new();
        if version == ProtocolVersion::V5 {
            if reader.is_empty() {
                return Err(DecodeError::ConnAckWithoutProperties { code });
            }
            properties = Properties::read(&mut reader, PropertyOwner::ConnAck)?;
        }
        // More bytes are tolerated: to 3.1.1, a broker that knows only version 5 refuses in its own form.
        Ok(Self { session_present, code, properties })
    }

    pub(super) fn body_len(&self, version: ProtocolVersion) -> Result<usize, EncodeError> {
        if version == ProtocolVersion::V5 { Ok(2 + self.properties.encoded_len()?) } else { Ok(2) }
    }

    pub fn encode(&self, version: ProtocolVersion, out: &mut BytesMut) -> Result<(), EncodeError> {
        put_header((PacketType::ConnAck as u8) << 4, self.body_len(version)?, out)?;
        out.put_u8(u8::from(self.session_present && version > ProtocolVersion::V31));
        out.put_u8(self.code);
        if version == ProtocolVersion::V5 {
            self.properties.write(out)?;
        }
        Ok(())
    }
}
