//! The data types of the wire, §1.5: reading them out of a packet, writing them into a buffer.

use bytes::{Buf, BufMut, Bytes, BytesMut};
use bytestring::ByteString;

use super::error::{DecodeError, EncodeError};
use super::types::{PacketId, PacketType};
use super::utf8::{first_discouraged, is_printable_ascii};

/// Largest value of a variable byte integer, and so of a remaining length.
pub const MAXIMUM_VARIABLE_BYTE_INTEGER: usize = 268_435_455;

/// Bytes of a variable byte integer at most.
const VARIABLE_BYTES: usize = 4;

/// What is left of the body of one packet.
pub struct Reader {
    bytes: Bytes,
    /// Whether to refuse what does not keep the packet from being understood: a server's part.
    strict: bool,
}

impl Reader {
    pub(super) fn new(bytes: Bytes, strict: bool) -> Self {
        Self { bytes, strict }
    }

    pub(super) const fn is_strict(&self) -> bool {
        self.strict
    }

    pub(super) fn len(&self) -> usize {
        self.bytes.len()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// Everything that was not read yet.
    pub(super) fn rest(self) -> Bytes {
        self.bytes
    }

    /// The end of a packet without payload. libmosquitto does not look behind the last field.
    pub(super) fn finish(&self) -> Result<(), DecodeError> {
        if self.bytes.is_empty() || !self.strict { Ok(()) } else { Err(DecodeError::TrailingBytes) }
    }

    #[inline]
    pub(super) fn u8(&mut self) -> Result<u8, DecodeError> {
        let value = *self.bytes.first().ok_or(DecodeError::Truncated)?;
        self.bytes.advance(1);
        Ok(value)
    }

    #[inline]
    pub(super) fn u16(&mut self) -> Result<u16, DecodeError> {
        let value = *self.bytes.first_chunk().ok_or(DecodeError::Truncated)?;
        self.bytes.advance(2);
        Ok(u16::from_be_bytes(value))
    }

    pub(super) fn u32(&mut self) -> Result<u32, DecodeError> {
        let value = *self.bytes.first_chunk().ok_or(DecodeError::Truncated)?;
        self.bytes.advance(4);
        Ok(u32::from_be_bytes(value))
    }

    #[inline]
    pub(super) fn packet_id(&mut self, kind: PacketType) -> Result<PacketId, DecodeError> {
        PacketId::new(self.u16()?).ok_or(DecodeError::PacketIdZero(kind))
    }

    pub(super) fn variable(&mut self) -> Result<usize, DecodeError> {
        match Variable::parse(&self.bytes) {
            Variable::Complete { value, length } if length == variable_length(value) => {
                self.bytes.advance(length);
                Ok(value)
            }
            Variable::Complete { .. } | Variable::TooLong => Err(DecodeError::VariableByteInteger),
            Variable::Incomplete => Err(DecodeError::Truncated),
        }
    }

    #[inline]
    pub(super) fn take(&mut self, length: usize) -> Result<Bytes, DecodeError> {
        if length > self.bytes.len() { Err(DecodeError::Truncated) } else { Ok(self.bytes.split_to(length)) }
    }

    /// The next `length` bytes as a reader of their own.
    pub(super) fn part(&mut self, length: usize) -> Result<Self, DecodeError> {
        Ok(Self { bytes: self.take(length)?, strict: self.strict })
    }

    #[inline]
    pub(super) fn binary(&mut self) -> Result<Bytes, DecodeError> {
        let length = self.u16()?;
        self.take(usize::from(length))
    }

    #[inline(always)]
    pub(super) fn string(&mut self) -> Result<ByteString, DecodeError> {
        // [MQTT-1.5.4-1]. Nothing is taken off: a byte order mark is a character as any other [MQTT-1.5.4-3].
        let text = ByteString::try_from(self.binary()?).map_err(|_| DecodeError::Utf8)?;
        // Nearly every string is printable ASCII, which one quick pass proves innocent.
        if is_printable_ascii(text.as_bytes()) { Ok(text) } else { self.check_characters(text) }
    }

    #[cold]
    fn check_characters(&self, text: ByteString) -> Result<ByteString, DecodeError> {
        // [MQTT-1.5.4-2]
        if text.contains('\0') {
            return Err(DecodeError::NulCharacter);
        }
        match first_discouraged(&text) {
            Some(character) if self.strict => Err(DecodeError::DiscouragedCharacter(character)),
            _ => Ok(text),
        }
    }
}

/// A variable byte integer at the start of some bytes, §1.5.5.
pub(super) enum Variable {
    Complete {
        value: usize,
        length: usize,
    },
    Incomplete,
    /// The fourth byte announces a fifth.
    TooLong,
}

impl Variable {
    #[inline]
    pub(super) fn parse(bytes: &[u8]) -> Self {
        match bytes.first() {
            Some(&byte) if byte & 0x80 == 0 => Self::Complete { value: usize::from(byte), length: 1 },
            _ => Self::parse_long(bytes),
        }
    }

    fn parse_long(bytes: &[u8]) -> Self {
        let mut value = 0;
        for (at, byte) in bytes.iter().take(VARIABLE_BYTES).enumerate() {
            value |= usize::from(byte & 0x7F) << (7 * at);
            if byte & 0x80 == 0 {
                return Self::Complete { value, length: at + 1 };
            }
        }
        if bytes.len() < VARIABLE_BYTES { Self::Incomplete } else { Self::TooLong }
    }
}

/// Bytes that the variable byte integer `value` takes.
#[inline]
pub(super) const fn variable_length(value: usize) -> usize {
    match value {
        0..=0x7F => 1,
        0x80..=0x3FFF => 2,
        0x4000..=0x1F_FFFF => 3,
        _ => 4,
    }
}

#[inline]
pub(super) fn put_variable(mut value: usize, out: &mut BytesMut) {
    loop {
        let byte = (value & 0x7F) as u8;
        value >>= 7;
        if value == 0 {
            out.put_u8(byte);
            return;
        }
        out.put_u8(byte | 0x80);
    }
}

/// Writes a string or binary field whose length [`field_length`] has checked.
#[inline]
pub(super) fn put_field(bytes: &[u8], out: &mut BytesMut) {
    out.put_u16(bytes.len() as u16);
    out.put_slice(bytes);
}

/// Bytes on the wire of a string or binary field.
#[inline]
pub(super) fn field_length(bytes: &[u8]) -> Result<usize, EncodeError> {
    if bytes.len() > usize::from(u16::MAX) {
        Err(EncodeError::FieldTooLong { length: bytes.len() })
    } else {
        Ok(2 + bytes.len())
    }
}

/// Writes the fixed header and makes room for the `length` bytes that follow it.
#[inline]
pub(super) fn put_header(first: u8, length: usize, out: &mut BytesMut) -> Result<(), EncodeError> {
    if length > MAXIMUM_VARIABLE_BYTE_INTEGER {
        return Err(EncodeError::PacketTooLarge { length });
    }
    out.reserve(1 + VARIABLE_BYTES + length);
    out.put_u8(first);
    put_variable(length, out);
    Ok(())
}

/// Bytes of a packet whose body has `length` bytes.
#[inline]
pub(super) const fn with_header(length: usize) -> usize {
    1 + variable_length(length) + length
}
