//! The data types of property values, §1.5, as they are read and written.

use bytes::{BufMut, Bytes, BytesMut};
use bytestring::ByteString;

use crate::mqtt::packet::error::{DecodeError, EncodeError};
use crate::mqtt::packet::wire::{Reader, field_length, put_field, put_variable, variable_length};

/// Largest subscription identifier, §3.8.2.1.2.
pub(super) const MAXIMUM_SUBSCRIPTION_IDENTIFIER: u32 = 268_435_455;

/// One of the data types; its implementors are names, never values.
pub trait Value {
    /// The value in memory.
    type Native: Clone;

    fn read(reader: &mut Reader) -> Result<Self::Native, DecodeError>;
    fn encoded_len(value: &Self::Native) -> Result<usize, EncodeError>;
    fn write(value: &Self::Native, out: &mut BytesMut);

    /// Copies what the value shares with its read buffer.
    fn detach(_: &mut Self::Native) {}
}

pub struct Byte;
pub struct TwoByteInteger;
pub struct FourByteInteger;
pub struct VariableByteInteger;
pub struct Binary;
pub struct Text;

impl Value for Byte {
    type Native = u8;

    fn read(reader: &mut Reader) -> Result<u8, DecodeError> {
        reader.u8()
    }

    fn encoded_len(_: &u8) -> Result<usize, EncodeError> {
        Ok(1)
    }

    fn write(value: &u8, out: &mut BytesMut) {
        out.put_u8(*value);
    }
}

impl Value for TwoByteInteger {
    type Native = u16;

    fn read(reader: &mut Reader) -> Result<u16, DecodeError> {
        reader.u16()
    }

    fn encoded_len(_: &u16) -> Result<usize, EncodeError> {
        Ok(2)
    }

    fn write(value: &u16, out: &mut BytesMut) {
        out.put_u16(*value);
    }
}

impl Value for FourByteInteger {
    type Native = u32;

    fn read(reader: &mut Reader) -> Result<u32, DecodeError> {
        reader.u32()
    }

    fn encoded_len(_: &u32) -> Result<usize, EncodeError> {
        Ok(4)
    }

    fn write(value: &u32, out: &mut BytesMut) {
        out.put_u32(*value);
    }
}

impl Value for VariableByteInteger {
    type Native = u32;

    fn read(reader: &mut Reader) -> Result<u32, DecodeError> {
        // Four times seven bits fit.
        Ok(reader.variable()? as u32)
    }

    fn encoded_len(value: &u32) -> Result<usize, EncodeError> {
        if *value > MAXIMUM_SUBSCRIPTION_IDENTIFIER {
            return Err(EncodeError::SubscriptionIdentifier(*value));
        }
        Ok(variable_length(*value as usize))
    }

    fn write(value: &u32, out: &mut BytesMut) {
        put_variable(*value as usize, out);
    }
}

impl Value for Binary {
    type Native = Bytes;

    fn read(reader: &mut Reader) -> Result<Bytes, DecodeError> {
        reader.binary()
    }

    fn encoded_len(value: &Bytes) -> Result<usize, EncodeError> {
        field_length(value)
    }

    fn write(value: &Bytes, out: &mut BytesMut) {
        put_field(value, out);
    }

    fn detach(value: &mut Bytes) {
        *value = Bytes::copy_from_slice(value);
    }
}

impl Value for Text {
    type Native = ByteString;

    fn read(reader: &mut Reader) -> Result<ByteString, DecodeError> {
        reader.string()
    }

    fn encoded_len(value: &ByteString) -> Result<usize, EncodeError> {
        field_length(value.as_bytes())
    }

    fn write(value: &ByteString, out: &mut BytesMut) {
        put_field(value.as_bytes(), out);
    }

    fn detach(value: &mut ByteString) {
        *value = ByteString::from(&**value);
    }
}
