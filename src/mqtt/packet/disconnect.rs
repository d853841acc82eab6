//! DISCONNECT and AUTH, §3.14 and §3.15.

use bytes::{BufMut, BytesMut};

use super::wire::{Reader, put_header, with_header};
use super::{DecodeError, EncodeError, PacketType, Properties, PropertyOwner, ProtocolVersion, ReasonCode, Receiver};

/// DISCONNECT, §3.14.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Disconnect {
    pub reason: ReasonCode,
    pub properties: Properties,
}

/// AUTH, §3.15, version 5 only.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Auth {
    pub reason: ReasonCode,
    pub properties: Properties,
}

impl Disconnect {
    pub(super) fn read(mut reader: Reader, version: ProtocolVersion, receiver: Receiver) -> Result<Self, DecodeError> {
        let mut disconnect = Self::default();
        if version == ProtocolVersion::V5 {
            // §3.14.2.1: both may be left out, and §3.14.2.2.1: the properties alone as well.
            if !reader.is_empty() {
                disconnect.reason = reader.reason(PacketType::Disconnect, receiver)?;
            }
            if !reader.is_empty() {
                disconnect.properties = Properties::read(&mut reader, PropertyOwner::Disconnect)?;
            }
        }
        reader.finish()?;
        Ok(disconnect)
    }

    pub(super) fn body_len(&self, version: ProtocolVersion) -> Result<usize, EncodeError> {
        Ok(match version {
            ProtocolVersion::V5 if !self.properties.is_empty() => 1 + self.properties.encoded_len()?,
            ProtocolVersion::V5 if self.reason != ReasonCode::SUCCESS => 1,
            _ => 0,
        })
    }

    /// Bytes on the wire, the fixed header included.
    pub fn encoded_len(&self, version: ProtocolVersion) -> Result<usize, EncodeError> {
        Ok(with_header(self.body_len(version)?))
    }

    pub fn encode(&self, version: ProtocolVersion, out: &mut BytesMut) -> Result<(), EncodeError> {
        let length = self.body_len(version)?;
        put_header((PacketType::Disconnect as u8) << 4, length, out)?;
        if length > 0 {
            out.put_u8(self.reason.0);
        }
        if length > 1 {
            self.properties.write(out)?;
        }
        Ok(())
    }
}

impl Auth {
    pub(super) fn read(mut reader: Reader, receiver: Receiver) -> Result<Self, DecodeError> {
        // §3.15.2.1: both may be left out, but not the properties alone.
        if reader.is_empty() {
            return Ok(Self::default());
        }
        let reason = reader.reason(PacketType::Auth, receiver)?;
        let properties = Properties::read(&mut reader, PropertyOwner::Auth)?;
        reader.finish()?;
        Ok(Self { reason, properties })
    }

    pub(super) fn body_len(&self) -> Result<usize, EncodeError> {
        if self.reason == ReasonCode::SUCCESS && self.properties.is_empty() {
            return Ok(0);
        }
        Ok(1 + self.properties.encoded_len()?)
    }

    pub fn encode(&self, version: ProtocolVersion, out: &mut BytesMut) -> Result<(), EncodeError> {
        if version != ProtocolVersion::V5 {
            return Err(EncodeError::Version);
        }
        let length = self.body_len()?;
        put_header((PacketType::Auth as u8) << 4, length, out)?;
        if length > 0 {
            out.put_u8(self.reason.0);
            self.properties.write(out)?;
        }
        Ok(())
    }
}
