//! Payloads as JSON, and JSON as payloads: what `--decode`, `--encode`, `--select` and `--match` know of formats.
//!
//! Nothing is guessed: the format is said by whoever asks, and what is not in it is an error with its reason.

mod cbor;
mod dump;
mod error;
mod msgpack;
mod protobuf;
mod select;
mod sparkplug;
mod text;
mod value;

use serde_json::Value;

pub use error::{FormatError, MAXIMUM_PAYLOAD};
pub use protobuf::{ProtoError, load as load_protobuf, message_names};
pub use select::{Match, PathError, Select};
pub use text::{Colours, write_json};
use value::read_json;

/// A format of payloads.
#[derive(Clone, Debug)]
pub enum Format {
    /// RFC 8259.
    Json,
    /// RFC 8949.
    Cbor,
    MessagePack,
    /// A message of this type.
    Protobuf(Box<prost_reflect::MessageDescriptor>),
    /// Eclipse Sparkplug 3.0, payload B.
    Sparkplug,
    /// Any bytes, shown as digits.
    Hex,
}

/// The formats by their names, `protobuf` apart, which needs a type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FormatName {
    Json,
    Cbor,
    MessagePack,
    Protobuf,
    Sparkplug,
    Hex,
}

impl FormatName {
    pub const ALL: [(&'static str, Self); 6] = [
        ("json", Self::Json),
        ("cbor", Self::Cbor),
        ("msgpack", Self::MessagePack),
        ("protobuf", Self::Protobuf),
        ("sparkplug", Self::Sparkplug),
        ("hex", Self::Hex),
    ];

    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.iter().find(|(known, _)| *known == name).map(|(_, format)| *format)
    }
}

/// A payload that was decoded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Decoded {
    /// JSON on one line.
    Json(Vec<u8>),
    /// Lines for people, without a newline at the end.
    Text(Vec<u8>),
}

/// Decodes the payloads of one format. It remembers the births of Sparkplug's metrics.
#[derive(Debug)]
pub struct Decoder {
    format: Format,
    births: sparkplug::Births,
}

impl Decoder {
    pub fn new(format: Format) -> Self {
        Self { format, births: sparkplug::Births::default() }
    }

    pub fn decode(&mut self, topic: &str, payload: &[u8]) -> Result<Decoded, FormatError> {
        if payload.len() > MAXIMUM_PAYLOAD {
            return Err(FormatError::TooLarge);
        }
        let value = match &self.format {
            Format::Json => return json(payload),
            Format::Hex => return Ok(Decoded::Text(dump::dump(payload))),
            Format::Cbor => cbor::decode(payload)?,
            Format::MessagePack => msgpack::decode(payload)?,
            Format::Protobuf(message) => return protobuf::decode(message, payload).map(Decoded::Json),
            // What hosts say about themselves is JSON, Sparkplug 3.0 §5.8.
            Format::Sparkplug if sparkplug::is_state(topic) => return json(payload),
            Format::Sparkplug => self.births.decode(topic, payload)?,
        };
        Ok(Decoded::Json(value.to_string().into_bytes()))
    }
}

/// Whether a payload is JSON.
pub fn check_json(payload: &[u8]) -> Result<(), FormatError> {
    if payload.len() > MAXIMUM_PAYLOAD {
        return Err(FormatError::TooLarge);
    }
    read_json::<serde_core::de::IgnoredAny>(payload).map(drop)
}

/// JSON as it is, its numbers and the order of its members untouched.
fn json(payload: &[u8]) -> Result<Decoded, FormatError> {
    check_json(payload)?;
    let mut line = Vec::with_capacity(payload.len());
    write_json(payload, false, None, &mut line);
    Ok(Decoded::Json(line))
}

/// A payload of this format from its text: JSON, or for [`Format::Hex`] digits.
pub fn encode(format: &Format, text: &[u8]) -> Result<Vec<u8>, FormatError> {
    if matches!(format, Format::Hex) {
        return dump::undump(text).ok_or(FormatError::HexDigits);
    }
    if matches!(format, Format::Json) {
        return match json(text)? {
            Decoded::Json(line) | Decoded::Text(line) => Ok(line),
        };
    }
    let value: Value = read_json(text)?;
    match format {
        Format::Json | Format::Hex => Ok(Vec::new()),
        Format::Cbor => cbor::encode(&value),
        Format::MessagePack => msgpack::encode(&value),
        Format::Protobuf(message) => protobuf::encode(message, &value),
        Format::Sparkplug => sparkplug::encode(&value),
    }
}

#[cfg(test)]
mod tests;
