//! The data types of Sparkplug 3.0, §6.4.16, and what a number on the wire means in one.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde_json::Value;

use crate::decode::value::float;

const NAMES: [&str; 35] = [
    "Unknown",
    "Int8",
    "Int16",
    "Int32",
    "Int64",
    "UInt8",
    "UInt16",
    "UInt32",
    "UInt64",
    "Float",
    "Double",
    "Boolean",
    "String",
    "DateTime",
    "Text",
    "UUID",
    "DataSet",
    "Bytes",
    "File",
    "Template",
    "PropertySet",
    "PropertySetList",
    "Int8Array",
    "Int16Array",
    "Int32Array",
    "Int64Array",
    "UInt8Array",
    "UInt16Array",
    "UInt32Array",
    "UInt64Array",
    "FloatArray",
    "DoubleArray",
    "BooleanArray",
    "StringArray",
    "DateTimeArray",
];

/// A data type by its number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DataType(pub u32);

impl DataType {
    pub const INT8: Self = Self(1);
    pub const INT16: Self = Self(2);
    pub const INT32: Self = Self(3);
    pub const INT64: Self = Self(4);
    pub const FLOAT: Self = Self(9);
    pub const DOUBLE: Self = Self(10);
    pub const BOOLEAN: Self = Self(11);
    pub const BYTES: Self = Self(17);
    pub const FILE: Self = Self(18);

    /// Its name, or its number if this program knows none.
    pub fn name(self) -> Value {
        NAMES.get(self.0 as usize).map_or_else(|| Value::from(self.0), |name| Value::from(*name))
    }

    pub fn from_name(name: &str) -> Option<Self> {
        NAMES.iter().position(|known| *known == name).map(|number| Self(number as u32))
    }

    pub fn is_text(self) -> bool {
        [12, 14, 15].contains(&self.0)
    }

    /// Of 8, 16 or 32 bits, with or without a sign, whose place is `int_value`.
    pub fn is_int(self) -> bool {
        [1, 2, 3, 5, 6, 7].contains(&self.0)
    }

    /// The least and greatest number of an integer type.
    pub fn range(self) -> Option<(i128, i128)> {
        Some(match self.0 {
            1 => (i8::MIN.into(), i8::MAX.into()),
            2 => (i16::MIN.into(), i16::MAX.into()),
            3 => (i32::MIN.into(), i32::MAX.into()),
            4 => (i64::MIN.into(), i64::MAX.into()),
            5 => (0, u8::MAX.into()),
            6 => (0, u16::MAX.into()),
            7 => (0, u32::MAX.into()),
            8 | 13 => (0, u64::MAX.into()),
            _ => return None,
        })
    }
}

/// A number of 32 bits: signed types are sent as their two's complement.
pub fn int(number: u32, datatype: Option<DataType>) -> Value {
    match datatype {
        Some(DataType::INT8) => Value::from(number as i8),
        Some(DataType::INT16) => Value::from(number as i16),
        Some(DataType::INT32) => Value::from(number as i32),
        _ => Value::from(number),
    }
}

/// A number of 64 bits.
pub fn long(number: u64, datatype: Option<DataType>) -> Value {
    match datatype {
        Some(DataType::INT64) => Value::from(number as i64),
        _ => Value::from(number),
    }
}

/// Bytes: an array of one of the array types, §6.4.17, or else base64.
pub fn bytes(bytes: &[u8], datatype: Option<DataType>) -> Value {
    let array = match datatype.map(|datatype| datatype.0) {
        Some(22) => numbers(bytes, |[byte]| Value::from(i8::from_le_bytes([byte]))),
        Some(23) => numbers(bytes, |bytes| Value::from(i16::from_le_bytes(bytes))),
        Some(24) => numbers(bytes, |bytes| Value::from(i32::from_le_bytes(bytes))),
        Some(25) => numbers(bytes, |bytes| Value::from(i64::from_le_bytes(bytes))),
        Some(26) => numbers(bytes, |[byte]| Value::from(byte)),
        Some(27) => numbers(bytes, |bytes| Value::from(u16::from_le_bytes(bytes))),
        Some(28) => numbers(bytes, |bytes| Value::from(u32::from_le_bytes(bytes))),
        Some(29 | 34) => numbers(bytes, |bytes| Value::from(u64::from_le_bytes(bytes))),
        Some(30) => numbers(bytes, |bytes| float(f64::from(f32::from_le_bytes(bytes)))),
        Some(31) => numbers(bytes, |bytes| float(f64::from_le_bytes(bytes))),
        Some(32) => booleans(bytes),
        Some(33) => texts(bytes),
        _ => None,
    };
    array.unwrap_or_else(|| Value::from(BASE64.encode(bytes)))
}

/// Numbers of `N` bytes, least significant first; `None` if there is a part of one.
fn numbers<const N: usize>(bytes: &[u8], number: fn([u8; N]) -> Value) -> Option<Value> {
    let (chunks, rest) = bytes.as_chunks::<N>();
    rest.is_empty().then(|| Value::Array(chunks.iter().map(|chunk| number(*chunk)).collect()))
}

/// A count in four bytes, then bits, the first the most significant one.
fn booleans(bytes: &[u8]) -> Option<Value> {
    let (count, bits) = bytes.split_first_chunk::<4>()?;
    let count = u32::from_le_bytes(*count) as usize;
    if bits.len() != count.div_ceil(8) {
        return None;
    }
    Some(Value::Array((0..count).map(|at| Value::from(bits[at / 8] & (0x80 >> (at % 8)) != 0)).collect()))
}

/// Texts that each end with a zero byte.
fn texts(bytes: &[u8]) -> Option<Value> {
    let Some(texts) = bytes.strip_suffix(b"\0") else { return bytes.is_empty().then(|| Value::Array(Vec::new())) };
    let list: Result<Vec<_>, _> =
        texts.split(|byte| *byte == 0).map(|text| str::from_utf8(text).map(Value::from)).collect();
    list.ok().map(Value::Array)
}
