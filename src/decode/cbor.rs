//! CBOR, RFC 8949, as JSON after §6.1, and JSON as CBOR after §6.2.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use cbor4ii::core::dec::{self, Decode, Read};
use cbor4ii::core::enc::Encode;
use cbor4ii::core::error::DecodeError;
use cbor4ii::core::types;
use cbor4ii::core::utils::{BufWriter, SliceReader};
use serde_json::{Map, Value};

use super::error::FormatError;
use super::value::{MAXIMUM_DEPTH, float, key};

const NAME: &str = "CBOR";

const EARLY_END: &str = "it ends too early";

/// Tags of integers in bytes, §3.4.3.
const POSITIVE_BIGNUM: u64 = 2;
const NEGATIVE_BIGNUM: u64 = 3;

fn wrong(error: impl std::fmt::Display) -> FormatError {
    FormatError::Wrong(NAME, error.to_string())
}

pub fn decode(payload: &[u8]) -> Result<Value, FormatError> {
    let mut reader = SliceReader::new(payload);
    let value = value(&mut reader, 0)?;
    if first(&mut reader).is_some() { Err(FormatError::Trailing) } else { Ok(value) }
}

fn first(reader: &mut SliceReader<'_>) -> Option<u8> {
    reader.fill(1).ok().and_then(|bytes| bytes.as_ref().first().copied())
}

fn read<'a, T: Decode<'a>>(reader: &mut SliceReader<'a>) -> Result<T, FormatError> {
    T::decode(reader).map_err(unread)
}

/// What the library found: its own texts are those of its types.
#[expect(clippy::needless_pass_by_value, reason = "map_err hands it over")]
fn unread<E>(error: DecodeError<E>) -> FormatError {
    match error {
        DecodeError::Eof { .. } => wrong(EARLY_END),
        DecodeError::RequireUtf8 { .. } => wrong("a text in it is not UTF-8"),
        DecodeError::Mismatch { found, .. } | DecodeError::Unsupported { found, .. } => {
            wrong(format_args!("the byte 0x{found:02x} stands where it cannot"))
        }
        DecodeError::LengthOverflow { .. }
        | DecodeError::CastOverflow { .. }
        | DecodeError::ArithmeticOverflow { .. }
        | DecodeError::DepthOverflow { .. } => wrong("a number in it is too large"),
        _ => wrong("it has a value that is not understood"),
    }
}

fn value(reader: &mut SliceReader<'_>, depth: usize) -> Result<Value, FormatError> {
    if depth > MAXIMUM_DEPTH {
        return Err(wrong(format_args!("more than {MAXIMUM_DEPTH} lists within each other")));
    }
    let initial = first(reader).ok_or_else(|| wrong(EARLY_END))?;
    Ok(match initial >> 5 {
        0 => Value::from(read::<u64>(reader)?),
        1 => {
            let types::Negative(number) = read::<types::Negative<u64>>(reader)?;
            match i64::try_from(number) {
                Ok(number) => Value::from(-1 - number),
                // JSON's numbers are this program's 64-bit ones, and a rounded one would be another.
                Err(_) => Value::from((-1 - i128::from(number)).to_string()),
            }
        }
        2 => Value::from(bytes(reader)?),
        3 => Value::from(read::<String>(reader)?),
        4 => {
            let length = types::Array::len(reader).map_err(unread)?;
            let mut list = Vec::new();
            while has_next(length, list.len(), reader)? {
                list.push(value(reader, depth + 1)?);
            }
            Value::Array(list)
        }
        5 => {
            let length = types::Map::len(reader).map_err(unread)?;
            let mut map = Map::new();
            let mut members = 0;
            while has_next(length, members, reader)? {
                let name = key(value(reader, depth + 1)?);
                map.insert(name, value(reader, depth + 1)?);
                members += 1;
            }
            Value::Object(map)
        }
        6 => match types::Tag::tag(reader).map_err(unread)? {
            POSITIVE_BIGNUM => Value::from(bytes(reader)?),
            NEGATIVE_BIGNUM => Value::from(format!("~{}", bytes(reader)?)),
            _ => value(reader, depth + 1)?,
        },
        _ => match initial {
            0xf4 | 0xf5 => Value::from(read::<bool>(reader)?),
            0xf6 | 0xf7 => {
                reader.advance(1);
                Value::Null
            }
            0xf9 => float(half(read::<types::F16>(reader)?.0)),
            0xfa => float(f64::from(read::<f32>(reader)?)),
            0xfb => float(read::<f64>(reader)?),
            other => return Err(wrong(format_args!("the byte 0x{other:02x} begins no value"))),
        },
    })
}

/// Whether an element follows those `read` ones; the length may be unknown until its end.
fn has_next(length: Option<usize>, read: usize, reader: &mut SliceReader<'_>) -> Result<bool, FormatError> {
    match length {
        Some(length) => Ok(read < length),
        None => dec::is_break(reader).map(|is_end| !is_end).map_err(unread),
    }
}

fn bytes(reader: &mut SliceReader<'_>) -> Result<String, FormatError> {
    let types::Bytes(bytes) = read::<types::Bytes<Vec<u8>>>(reader)?;
    Ok(URL_SAFE_NO_PAD.encode(bytes))
}

/// A number of 16 bits, RFC 8949 appendix D.
fn half(bits: u16) -> f64 {
    let exponent = i32::from(bits >> 10 & 0x1f);
    let mantissa = f64::from(bits & 0x3ff);
    let size = match exponent {
        0 => mantissa * 2_f64.powi(-24),
        31 if mantissa == 0.0 => f64::INFINITY,
        31 => f64::NAN,
        _ => (mantissa + 1024.0) * 2_f64.powi(exponent - 25),
    };
    if bits & 0x8000 == 0 { size } else { -size }
}

pub fn encode(value: &Value) -> Result<Vec<u8>, FormatError> {
    let mut writer = BufWriter::new(Vec::new());
    write(value, &mut writer).map_err(|error| FormatError::Unfit(NAME, error.to_string()))?;
    Ok(writer.into_inner())
}

type Written = Result<(), cbor4ii::core::enc::Error<std::collections::TryReserveError>>;

fn write(value: &Value, writer: &mut BufWriter) -> Written {
    match value {
        Value::Null => types::Null.encode(writer),
        Value::Bool(flag) => flag.encode(writer),
        Value::Number(number) => match (number.as_u64(), number.as_i64(), number.as_f64()) {
            (Some(number), ..) => number.encode(writer),
            (None, Some(number), _) => number.encode(writer),
            (None, None, number) => number.unwrap_or(f64::NAN).encode(writer),
        },
        Value::String(text) => text.as_str().encode(writer),
        Value::Array(list) => {
            types::Array::bounded(list.len(), writer)?;
            list.iter().try_for_each(|value| write(value, writer))
        }
        Value::Object(map) => {
            types::Map::bounded(map.len(), writer)?;
            for (name, value) in map {
                name.as_str().encode(writer)?;
                write(value, writer)?;
            }
            Ok(())
        }
    }
}
