//! One property with its value, and how it is read and written.

use bytes::BytesMut;

use super::id::PropertyId;
use super::value::{Binary, Byte, FourByteInteger, Text, TwoByteInteger, Value, VariableByteInteger};
use crate::mqtt::packet::error::{DecodeError, EncodeError};
use crate::mqtt::packet::wire::Reader;

macro_rules! properties {
    ($(
        $(#[$comment:meta])*
        $variant:ident($($field:ident: $type:ident),+) = $number:literal, $name:literal $(=> $accessor:ident: $native:ty)?,
            in [$($allowed:ident),+] $(, repeatable in [$($repeatable:ident),+])?;
    )*) => {
        /// One property with its value.
        #[derive(Clone, Debug, PartialEq, Eq)]
        pub enum Property {
            $($(#[$comment])* $variant($(<$type as Value>::Native),+),)*
        }

        impl Property {
            pub const fn id(&self) -> PropertyId {
                match self {
                    $(Self::$variant(..) => PropertyId::$variant,)*
                }
            }

            pub(super) fn read(id: PropertyId, reader: &mut Reader) -> Result<Self, DecodeError> {
                Ok(match id {
                    $(PropertyId::$variant => Self::$variant($($type::read(reader)?),+),)*
                })
            }

            /// Bytes of the value on the wire, without its identifier.
            pub(super) fn value_len(&self) -> Result<usize, EncodeError> {
                Ok(match self {
                    $(Self::$variant($($field),+) => 0 $(+ $type::encoded_len($field)?)+,)*
                })
            }

            pub(super) fn write_value(&self, out: &mut BytesMut) {
                match self {
                    $(Self::$variant($($field),+) => {
                        $($type::write($field, out);)+
                    })*
                }
            }

            pub(super) fn detach(&mut self) {
                match self {
                    $(Self::$variant($($field),+) => {
                        $($type::detach($field);)+
                    })*
                }
            }
        }
    };
}

property_table!(properties);
