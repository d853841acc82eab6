//! MQTT 5 properties of a stored message as text, whichever way the file holds them.

use bytes::{BufMut, BytesMut};

use crate::mqtt::packet::{Decoder, MAXIMUM_PACKET_SIZE, Packet, Property, ProtocolVersion};
use crate::state::Properties;

/// The properties as name and value; what cannot be understood is left out.
pub(super) fn shown(properties: Properties<'_>) -> Vec<(String, String)> {
    match properties {
        Properties::None => Vec::new(),
        Properties::Wire(wire) => from_wire(wire).unwrap_or_default(),
        Properties::Json(json) => from_json(json).unwrap_or_default(),
    }
}

/// The codec reads packets, so the properties are read as those of a PUBLISH around them.
fn from_wire(wire: &[u8]) -> Option<Vec<(String, String)>> {
    const TOPIC: &[u8] = &[0, 1, b't'];
    let mut packet = BytesMut::with_capacity(wire.len() + 8);
    packet.put_u8(0x30);
    let mut length = TOPIC.len() + wire.len();
    while length >= 0x80 {
        packet.put_u8((length & 0x7F) as u8 | 0x80);
        length >>= 7;
    }
    packet.put_u8(length as u8);
    packet.put_slice(TOPIC);
    packet.put_slice(wire);
    match Decoder::client(ProtocolVersion::V5, MAXIMUM_PACKET_SIZE).decode(&mut packet) {
        Ok(Some(Packet::Publish(publish))) => Some(publish.properties.iter().filter_map(shown_one).collect()),
        _ => None,
    }
}

/// The five kinds that brokers keep with a message; a user property goes by its own name.
fn shown_one(property: &Property) -> Option<(String, String)> {
    let value = match property {
        Property::UserProperty(name, value) => return Some((name.to_string(), value.to_string())),
        Property::PayloadFormatIndicator(value) => value.to_string(),
        Property::ContentType(value) | Property::ResponseTopic(value) => value.to_string(),
        Property::CorrelationData(value) => hex(value),
        _ => return None,
    };
    Some((property.id().name().to_owned(), value))
}

fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write;
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        let _ = write!(text, "{byte:02x}"); // writing to a string cannot fail
        text
    })
}

fn from_json(json: &[u8]) -> Option<Vec<(String, String)>> {
    let list: Vec<serde_json::Map<String, serde_json::Value>> = serde_json::from_slice(json).ok()?;
    let text = |value: &serde_json::Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    Some(
        list.iter()
            .filter_map(|property| {
                let identifier = property.get("identifier")?.as_str()?;
                let name = property.get("name").and_then(serde_json::Value::as_str).unwrap_or(identifier);
                Some((name.to_owned(), text(property.get("value")?)))
            })
            .collect(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_forms_show_the_same() {
        let wire = [16, 1, 1, 3, 0, 1, b'j', 0x26, 0, 1, b'k', 0, 1, b'v', 9, 0, 1];
        let mut wire = wire.to_vec();
        wire.push(0xAB);
        wire[0] = (wire.len() - 1) as u8;
        let json = br#"[{"identifier":"payload-format-indicator","value":1},{"identifier":"content-type","value":"j"},
            {"identifier":"user-property","name":"k","value":"v"},{"identifier":"correlation-data","value":"ab"}]"#;
        let expected: Vec<(String, String)> =
            [("payload-format-indicator", "1"), ("content-type", "j"), ("k", "v"), ("correlation-data", "ab")]
                .map(|(name, value)| (name.into(), value.into()))
                .into();
        assert_eq!(shown(Properties::Wire(&wire)), expected);
        assert_eq!(shown(Properties::Json(json)), expected);
        assert_eq!(shown(Properties::Wire(&wire[..5])), []);
        assert_eq!(shown(Properties::Json(b"{")), []);
    }
}
