//! MQTT 5 properties of stored messages, between the forms that the formats hold and the protocol's.
//!
//! persist-sqlite keeps an array of objects: `{"identifier":"content-type","value":"text/plain"}`, user
//! properties with a `name` too, binary data as upper-case hexadecimal. mosquitto.db keeps the bytes of
//! the wire.

use std::fmt::Write;

use bytes::Bytes;
use bytestring::ByteString;
use serde_json::{Map, Value, json};

use super::Properties as Stored;
use crate::mqtt::packet::{Properties, Property, PropertyOwner};

/// What the standard calls the property, as the others are called here.
const EXPIRY: &str = "message-expiry-interval";

/// The properties that a stored form holds. What belongs to no message, or cannot be read, is left out:
/// a message is worth more than a damaged property of it.
pub fn read(stored: Stored<'_>) -> Properties {
    match stored {
        Stored::None => Properties::new(),
        Stored::Wire(bytes) => {
            Properties::from_bytes(Bytes::copy_from_slice(bytes), PropertyOwner::Publish).unwrap_or_default()
        }
        Stored::Json(text) => match serde_json::from_slice(text) {
            Ok(Value::Array(objects)) => objects.iter().filter_map(from_object).collect(),
            _ => Properties::new(),
        },
    }
}

/// The same of a will, whose expiry counts from the moment at which it is sent, and so is among them.
pub fn read_will(stored: Stored<'_>) -> Properties {
    let Stored::Json(text) = stored else { return read(stored) };
    match serde_json::from_slice(text) {
        Ok(Value::Array(objects)) => {
            objects.iter().filter_map(|object| from_object(object).or_else(|| expiry_of(object))).collect()
        }
        _ => Properties::new(),
    }
}

/// The array for persist-sqlite's `properties` columns; `None` when there is nothing to keep.
/// The expiry of a message has a column of its own.
pub fn to_json(properties: &Properties) -> Option<String> {
    array(properties.iter().filter_map(to_object).collect())
}

/// The array for a will. Mosquitto's plugin leaves the expiry out.
pub fn will_to_json(properties: &Properties) -> Option<String> {
    let object = |property| match property {
        &Property::MessageExpiryInterval(seconds) => Some(json!({"identifier": EXPIRY, "value": seconds})),
        property => to_object(property),
    };
    array(properties.iter().filter_map(object).collect())
}

fn array(objects: Vec<Value>) -> Option<String> {
    (!objects.is_empty()).then(|| Value::Array(objects).to_string())
}

/// The bytes for a mosquitto.db, with the properties that it keeps; empty when there are none.
pub fn to_wire(properties: &Properties) -> Bytes {
    let mut kept = properties.clone();
    kept.retain(|property| to_object(property).is_some());
    if kept.is_empty() {
        return Bytes::new();
    }
    // Properties that came in over the wire go out over it.
    kept.to_bytes().unwrap_or_default()
}

fn to_object(property: &Property) -> Option<Value> {
    Some(match property {
        Property::PayloadFormatIndicator(value) => json!({"identifier": "payload-format-indicator", "value": value}),
        Property::ContentType(value) => json!({"identifier": "content-type", "value": &**value}),
        Property::ResponseTopic(value) => json!({"identifier": "response-topic", "value": &**value}),
        Property::CorrelationData(value) => json!({"identifier": "correlation-data", "value": hex(value)}),
        Property::UserProperty(name, value) => {
            json!({"identifier": "user-property", "name": &**name, "value": &**value})
        }
        _ => return None,
    })
}

fn from_object(object: &Value) -> Option<Property> {
    let object = object.as_object()?;
    let text = |key: &str| object_text(object, key);
    Some(match object.get("identifier")?.as_str()? {
        "payload-format-indicator" => {
            Property::PayloadFormatIndicator(u8::try_from(object.get("value")?.as_u64()?).ok()?)
        }
        "content-type" => Property::ContentType(text("value")?),
        "response-topic" => Property::ResponseTopic(text("value")?),
        "correlation-data" => Property::CorrelationData(unhex(object.get("value")?.as_str()?)?),
        "user-property" => Property::UserProperty(text("name")?, text("value")?),
        _ => return None,
    })
}

/// An expiry of 0 is none.
fn expiry_of(object: &Value) -> Option<Property> {
    let object =
        object.as_object().filter(|object| object.get("identifier").and_then(Value::as_str) == Some(EXPIRY))?;
    let seconds = u32::try_from(object.get("value")?.as_u64()?).ok().filter(|&seconds| seconds > 0)?;
    Some(Property::MessageExpiryInterval(seconds))
}

fn object_text(object: &Map<String, Value>, key: &str) -> Option<ByteString> {
    object.get(key)?.as_str().map(ByteString::from)
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        // Writing to a string cannot fail.
        let _ = write!(text, "{byte:02X}");
        text
    })
}

fn unhex(text: &str) -> Option<Bytes> {
    let digits: Vec<u8> =
        text.chars().map(|digit| digit.to_digit(16).map(|value| value as u8)).collect::<Option<_>>()?;
    let (pairs, rest) = digits.as_chunks::<2>();
    rest.is_empty().then(|| pairs.iter().map(|[high, low]| high << 4 | low).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all() -> Properties {
        [
            Property::ContentType("application/json".into()),
            Property::UserProperty("site".into(), "\"b\" ü".into()),
            Property::PayloadFormatIndicator(1),
            Property::ResponseTopic("plant/b/reply".into()),
            Property::CorrelationData(Bytes::from_static(b"\x00\x01cor")),
            Property::UserProperty("site".into(), String::new().into()),
        ]
        .into_iter()
        .collect()
    }

    #[test]
    fn json_is_what_mosquitto_writes() {
        let text = to_json(&all()).unwrap();
        assert_eq!(
            text,
            r#"[{"identifier":"content-type","value":"application/json"},{"identifier":"user-property","name":"site","value":"\"b\" ü"},{"identifier":"payload-format-indicator","value":1},{"identifier":"response-topic","value":"plant/b/reply"},{"identifier":"correlation-data","value":"0001636F72"},{"identifier":"user-property","name":"site","value":""}]"#
        );
        assert_eq!(read(Stored::Json(text.as_bytes())), all());
    }

    #[test]
    fn wire_form_gives_the_same_back() {
        assert_eq!(read(Stored::Wire(&to_wire(&all()))), all());
    }

    #[test]
    fn what_belongs_to_no_stored_message_is_not_kept() {
        let properties: Properties =
            [Property::MessageExpiryInterval(5), Property::TopicAlias(1)].into_iter().collect();
        assert_eq!(to_json(&properties), None);
        assert!(to_wire(&properties).is_empty());
    }

    #[test]
    fn a_will_keeps_its_expiry() {
        let properties: Properties =
            [Property::MessageExpiryInterval(5), Property::PayloadFormatIndicator(1)].into_iter().collect();
        let text = will_to_json(&properties).unwrap();
        assert_eq!(read_will(Stored::Json(text.as_bytes())), properties);
        for text in ["0", "-1", "4294967296", "\"5\""] {
            let text = format!(r#"[{{"identifier":"message-expiry-interval","value":{text}}}]"#);
            assert!(read_will(Stored::Json(text.as_bytes())).is_empty(), "{text}");
        }
    }

    #[test]
    fn nonsense_is_passed_over() {
        for text in ["", "{}", "[1]", r#"[{"identifier":"correlation-data","value":"0"}]"#, r#"[{"identifier":"x"}]"#] {
            assert!(read(Stored::Json(text.as_bytes())).is_empty(), "{text}");
        }
        assert!(read(Stored::Wire(b"\x05\x01")).is_empty());
    }
}
