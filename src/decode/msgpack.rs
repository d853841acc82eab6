//! MessagePack, as JSON and from it. Bytes stand in base64, and so does what an extension holds.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use rmp::Marker;
use rmp::decode::{RmpRead as _, read_marker};
use rmp::encode;
use serde_json::{Map, Value, json};

use super::error::FormatError;
use super::value::{MAXIMUM_DEPTH, float, key};

const NAME: &str = "MessagePack";

fn wrong(why: impl Into<String>) -> FormatError {
    FormatError::Wrong(NAME, why.into())
}

pub fn decode(payload: &[u8]) -> Result<Value, FormatError> {
    let mut rest = payload;
    let value = value(&mut rest, 0)?;
    if rest.is_empty() { Ok(value) } else { Err(FormatError::Trailing) }
}

#[cold]
fn too_early() -> FormatError {
    wrong("it ends too early")
}

/// What was read, or that there was not enough.
fn whole<T, E>(read: Result<T, E>) -> Result<T, FormatError> {
    read.map_err(|_| too_early())
}

fn value(rest: &mut &[u8], depth: usize) -> Result<Value, FormatError> {
    if depth > MAXIMUM_DEPTH {
        return Err(wrong(format!("more than {MAXIMUM_DEPTH} lists within each other")));
    }
    Ok(match whole(read_marker(rest))? {
        Marker::Null => Value::Null,
        Marker::True => Value::from(true),
        Marker::False => Value::from(false),
        Marker::FixPos(number) => Value::from(number),
        Marker::FixNeg(number) => Value::from(number),
        Marker::U8 => Value::from(whole(rest.read_data_u8())?),
        Marker::U16 => Value::from(whole(rest.read_data_u16())?),
        Marker::U32 => Value::from(whole(rest.read_data_u32())?),
        Marker::U64 => Value::from(whole(rest.read_data_u64())?),
        Marker::I8 => Value::from(whole(rest.read_data_i8())?),
        Marker::I16 => Value::from(whole(rest.read_data_i16())?),
        Marker::I32 => Value::from(whole(rest.read_data_i32())?),
        Marker::I64 => Value::from(whole(rest.read_data_i64())?),
        Marker::F32 => float(f64::from(whole(rest.read_data_f32())?)),
        Marker::F64 => float(whole(rest.read_data_f64())?),
        Marker::FixStr(length) => text(length.into(), rest)?,
        Marker::Str8 => text(whole(rest.read_data_u8())?.into(), rest)?,
        Marker::Str16 => text(whole(rest.read_data_u16())?.into(), rest)?,
        Marker::Str32 => text(whole(rest.read_data_u32())?, rest)?,
        Marker::Bin8 => binary(whole(rest.read_data_u8())?.into(), rest)?,
        Marker::Bin16 => binary(whole(rest.read_data_u16())?.into(), rest)?,
        Marker::Bin32 => binary(whole(rest.read_data_u32())?, rest)?,
        Marker::FixArray(length) => list(length.into(), rest, depth)?,
        Marker::Array16 => list(whole(rest.read_data_u16())?.into(), rest, depth)?,
        Marker::Array32 => list(whole(rest.read_data_u32())?, rest, depth)?,
        Marker::FixMap(length) => map(length.into(), rest, depth)?,
        Marker::Map16 => map(whole(rest.read_data_u16())?.into(), rest, depth)?,
        Marker::Map32 => map(whole(rest.read_data_u32())?, rest, depth)?,
        Marker::FixExt1 => extension(1, rest)?,
        Marker::FixExt2 => extension(2, rest)?,
        Marker::FixExt4 => extension(4, rest)?,
        Marker::FixExt8 => extension(8, rest)?,
        Marker::FixExt16 => extension(16, rest)?,
        Marker::Ext8 => extension(whole(rest.read_data_u8())?.into(), rest)?,
        Marker::Ext16 => extension(whole(rest.read_data_u16())?.into(), rest)?,
        Marker::Ext32 => extension(whole(rest.read_data_u32())?, rest)?,
        Marker::Reserved => return Err(wrong("the byte 0xc1 begins no value")),
    })
}

fn bytes<'a>(rest: &mut &'a [u8], length: u32) -> Result<&'a [u8], FormatError> {
    rest.split_off(..length as usize).ok_or_else(too_early)
}

fn text(length: u32, rest: &mut &[u8]) -> Result<Value, FormatError> {
    str::from_utf8(bytes(rest, length)?).map(Value::from).map_err(|_| wrong("a text is not UTF-8"))
}

fn binary(length: u32, rest: &mut &[u8]) -> Result<Value, FormatError> {
    bytes(rest, length).map(|bytes| Value::from(BASE64.encode(bytes)))
}

fn list(length: u32, rest: &mut &[u8], depth: usize) -> Result<Value, FormatError> {
    // Collecting a `Result` reserves nothing by a length that a stranger has written.
    (0..length).map(|_| value(rest, depth + 1)).collect::<Result<_, _>>().map(Value::Array)
}

fn map(length: u32, rest: &mut &[u8], depth: usize) -> Result<Value, FormatError> {
    let mut map = Map::new();
    for _ in 0..length {
        let name = key(value(rest, depth + 1)?);
        map.insert(name, value(rest, depth + 1)?);
    }
    Ok(Value::Object(map))
}

fn extension(length: u32, rest: &mut &[u8]) -> Result<Value, FormatError> {
    let kind = whole(rest.read_data_i8())?;
    Ok(json!({ "ext": kind, "data_b64": BASE64.encode(bytes(rest, length)?) }))
}

pub fn encode(value: &Value) -> Result<Vec<u8>, FormatError> {
    let mut out = Vec::new();
    write(value, &mut out).map_err(|error| FormatError::Unfit(NAME, error.to_string()))?;
    Ok(out)
}

type Written = Result<(), encode::ValueWriteError>;

fn write(value: &Value, out: &mut Vec<u8>) -> Written {
    match value {
        Value::Null => encode::write_nil(out).map_err(encode::ValueWriteError::InvalidMarkerWrite),
        Value::Bool(flag) => encode::write_bool(out, *flag).map_err(encode::ValueWriteError::InvalidMarkerWrite),
        Value::Number(number) => match (number.as_u64(), number.as_i64(), number.as_f64()) {
            (Some(number), ..) => encode::write_uint(out, number).map(drop),
            (None, Some(number), _) => encode::write_sint(out, number).map(drop),
            (None, None, number) => encode::write_f64(out, number.unwrap_or(f64::NAN)),
        },
        Value::String(text) => encode::write_str(out, text),
        Value::Array(list) => {
            encode::write_array_len(out, list.len() as u32)?;
            list.iter().try_for_each(|value| write(value, out))
        }
        Value::Object(map) => {
            encode::write_map_len(out, map.len() as u32)?;
            for (name, value) in map {
                encode::write_str(out, name)?;
                write(value, out)?;
            }
            Ok(())
        }
    }
}
