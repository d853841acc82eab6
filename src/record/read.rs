//! A line of JSON → a [`Record`].
//!
//! `serde_json` reads; what it cannot know (which fields there are, what their values may be) is judged here, and an
//! error of ours is put aside before it is told to `serde_json`, whose own errors are texts.

use std::borrow::Cow;
use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use bytes::Bytes;
use bytestring::ByteString;
use serde_core::Deserializer as _;
use serde_core::de::{DeserializeSeed, Error as _, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::{Deserializer, Value};

use super::{Expected, Record, RecordError, VERSION};
use crate::mqtt::packet::{MAXIMUM_PACKET_SIZE, PacketId, Properties, Property, PropertyId, PropertyOwner, QoS};
use crate::mqtt::topic::{self, TopicName};
use crate::state::ids::UnixTime;

/// What becomes of a field that a record does not have.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Unknown {
    #[default]
    Refused,
    Ignored,
}

/// Characters of a stranger's name for a field that an error repeats.
const NAME_SHOWN: usize = 64;

impl<'a> Record<'a> {
    /// Reads a line; its line end may be there or not.
    pub fn read(line: &'a [u8], unknown: Unknown) -> Result<Self, RecordError> {
        let mut problem = None;
        let mut record = Self::default();
        let mut reader = Deserializer::from_slice(line);
        let fields = Fields { record: &mut record, problem: &mut problem, unknown };
        let read = reader.deserialize_map(fields).and_then(|()| reader.end());
        match (problem, read) {
            (Some(problem), _) => Err(problem),
            (None, Ok(())) => Ok(record),
            (None, Err(error)) if error.is_eof() => Err(RecordError::CutOff),
            // A record is an object, and what else is not as it should be we have found ourselves.
            (None, Err(error)) if error.is_data() => Err(RecordError::NotAnObject),
            (None, Err(error)) => Err(RecordError::NotJson { column: error.column() }),
        }
    }
}

/// Reads the fields of the line's object.
struct Fields<'r, 'a> {
    record: &'r mut Record<'a>,
    problem: &'r mut Option<RecordError>,
    unknown: Unknown,
}

impl<'a> Visitor<'a> for Fields<'_, 'a> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON object")
    }

    fn visit_map<A: MapAccess<'a>>(self, mut map: A) -> Result<(), A::Error> {
        let mut seen = Seen::default();
        while let Some(Text(name)) = map.next_key()? {
            let Some(field) = Field::from_name(&name) else {
                if self.unknown == Unknown::Ignored {
                    map.next_value::<IgnoredAny>()?;
                    continue;
                }
                *self.problem = Some(RecordError::UnknownField(shortened(&name)));
                return Err(A::Error::custom(""));
            };
            let read = match seen.note(field) {
                Err(problem) => Err(problem),
                Ok(()) if field == Field::Properties => match map.next_value_seed(PropertyFields)? {
                    Some(fields) => properties(fields, self.unknown).map(|read| self.record.properties = read),
                    None => Err(wrong(&name, Expected::Object)),
                },
                Ok(()) => self.record.set(field, map.next_value()?),
            };
            if let Err(problem) = read {
                *self.problem = Some(problem);
                return Err(A::Error::custom(""));
            }
        }
        Ok(())
    }
}

/// The fields of a record but its properties'.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Field {
    Version,
    Received,
    Topic,
    Payload,
    PayloadBase64,
    QoS,
    Retain,
    Dup,
    PacketId,
    Properties,
}

impl Field {
    fn from_name(name: &str) -> Option<Self> {
        Some(match name {
            "v" => Self::Version,
            "ts" => Self::Received,
            "topic" => Self::Topic,
            "payload" => Self::Payload,
            "payload_b64" => Self::PayloadBase64,
            "qos" => Self::QoS,
            "retain" => Self::Retain,
            "dup" => Self::Dup,
            "mid" => Self::PacketId,
            "properties" => Self::Properties,
            _ => return None,
        })
    }

    fn name(self) -> &'static str {
        match self {
            Self::Version => "v",
            Self::Received => "ts",
            Self::Topic => "topic",
            Self::Payload => "payload",
            Self::PayloadBase64 => "payload_b64",
            Self::QoS => "qos",
            Self::Retain => "retain",
            Self::Dup => "dup",
            Self::PacketId => "mid",
            Self::Properties => "properties",
        }
    }
}

/// Which fields have come, a bit each.
#[derive(Default)]
struct Seen(u16);

impl Seen {
    fn note(&mut self, field: Field) -> Result<(), RecordError> {
        let bit = |field: Field| 1 << field as u8;
        if self.0 & bit(field) != 0 {
            return Err(RecordError::DuplicateField(field.name().to_owned()));
        }
        self.0 |= bit(field);
        let both = bit(Field::Payload) | bit(Field::PayloadBase64);
        if self.0 & both == both { Err(RecordError::BothForms("payload")) } else { Ok(()) }
    }
}

/// A value that is no list and no object.
enum Scalar<'a> {
    Text(Cow<'a, str>),
    Whole(u64),
    Flag(bool),
    /// None of these.
    Other,
}

impl<'a> Record<'a> {
    fn set(&mut self, field: Field, value: Scalar<'a>) -> Result<(), RecordError> {
        let wrong = |expected| Err(wrong(field.name(), expected));
        match (field, value) {
            (Field::Version, Scalar::Whole(VERSION)) => {}
            (Field::Version, Scalar::Whole(newer)) if newer > VERSION => return Err(RecordError::Version(newer)),
            (Field::Version, _) => return wrong(Expected::Number(1, VERSION)),
            (Field::Received, Scalar::Text(text)) => match time(&text) {
                Some(time) => self.received = Some(time),
                None => return wrong(Expected::Time),
            },
            (Field::Received, _) => return wrong(Expected::Time),
            (Field::Topic, Scalar::Text(text)) => {
                TopicName::check(&text).map_err(RecordError::Topic)?;
                self.topic = Some(text);
            }
            (Field::Payload, Scalar::Text(text)) => {
                self.payload = Some(match text {
                    Cow::Borrowed(text) => Cow::Borrowed(text.as_bytes()),
                    Cow::Owned(text) => Cow::Owned(text.into_bytes()),
                });
            }
            (Field::PayloadBase64, Scalar::Text(text)) => {
                let decoded = BASE64.decode(&*text).map_err(|_| RecordError::Base64(field.name().to_owned()))?;
                self.payload = Some(Cow::Owned(decoded));
            }
            (Field::Topic | Field::Payload | Field::PayloadBase64, _) => return wrong(Expected::Text),
            (Field::QoS, Scalar::Whole(level)) => match u8::try_from(level).map(QoS::try_from) {
                Ok(Ok(qos)) => self.qos = Some(qos),
                _ => return wrong(Expected::QoS),
            },
            (Field::QoS, _) => return wrong(Expected::QoS),
            (Field::Retain, Scalar::Flag(retain)) => self.retain = Some(retain),
            (Field::Dup, Scalar::Flag(dup)) => self.dup = Some(dup),
            (Field::Retain | Field::Dup, _) => return wrong(Expected::TrueOrFalse),
            (Field::PacketId, Scalar::Whole(id)) => match u16::try_from(id).map(PacketId::new) {
                Ok(Some(id)) => self.packet_id = Some(id),
                _ => return wrong(Expected::Number(1, u16::MAX.into())),
            },
            (Field::PacketId, _) => return wrong(Expected::Number(1, u16::MAX.into())),
            (Field::Properties, _) => return wrong(Expected::Object),
        }
        match &self.payload {
            Some(payload) if payload.len() > MAXIMUM_PACKET_SIZE => {
                Err(RecordError::PayloadTooLong { length: payload.len() })
            }
            _ => Ok(()),
        }
    }
}

/// RFC 3339, in the range of [`UnixTime`].
fn time(text: &str) -> Option<UnixTime> {
    let time: jiff::Timestamp = text.parse().ok()?;
    i64::try_from(time.as_nanosecond()).ok().map(UnixTime::from_nanos)
}

fn wrong(name: &str, expected: Expected) -> RecordError {
    RecordError::Field { name: shortened(name), expected }
}

fn shortened(name: &str) -> String {
    name.chars().take(NAME_SHOWN).collect()
}

/// The properties that are called by name. User properties keep their order [MQTT-3.3.2-18].
fn properties(fields: Vec<(String, Value)>, unknown: Unknown) -> Result<Properties, RecordError> {
    let mut properties = Properties::new();
    for (name, value) in fields {
        let (base, is_base64) = match name.strip_suffix("_b64") {
            Some(base) => (base, true),
            None => (name.as_str(), false),
        };
        let id =
            PropertyId::ALL.iter().copied().find(|id| id.name() == base && id.is_allowed_in(PropertyOwner::Publish));
        let Some(id) = id.filter(|id| !is_base64 || *id == PropertyId::CorrelationData) else {
            if unknown == Unknown::Ignored {
                continue;
            }
            return Err(RecordError::UnknownField(shortened(&format!("properties.{name}"))));
        };
        let number = |most: u64| {
            value.as_u64().filter(|number| *number <= most).ok_or_else(|| wrong(&name, Expected::Number(0, most)))
        };
        let text = || short_text(&value).ok_or_else(|| wrong(&name, Expected::ShortText));
        properties.push(match id {
            PropertyId::PayloadFormatIndicator => Property::PayloadFormatIndicator(number(1)? as u8),
            PropertyId::MessageExpiryInterval => Property::MessageExpiryInterval(number(u32::MAX.into())? as u32),
            PropertyId::TopicAlias => Property::TopicAlias(number(u16::MAX.into())? as u16),
            PropertyId::ContentType => Property::ContentType(text()?),
            PropertyId::ResponseTopic => Property::ResponseTopic(text()?),
            PropertyId::CorrelationData if is_base64 => {
                let text = value.as_str().ok_or_else(|| wrong(&name, Expected::Text))?;
                let data = BASE64.decode(text).map_err(|_| RecordError::Base64(name.clone()))?;
                if data.len() > topic::MAXIMUM_LENGTH {
                    return Err(wrong(&name, Expected::ShortText));
                }
                Property::CorrelationData(data.into())
            }
            PropertyId::CorrelationData => {
                let text = value.as_str().filter(|text| text.len() <= topic::MAXIMUM_LENGTH);
                let text = text.ok_or_else(|| wrong(&name, Expected::ShortText))?;
                Property::CorrelationData(Bytes::copy_from_slice(text.as_bytes()))
            }
            PropertyId::SubscriptionIdentifier => {
                for identifier in numbers(&value).ok_or_else(|| wrong(&name, Expected::Numbers))? {
                    properties.push(Property::SubscriptionIdentifier(identifier));
                }
                continue;
            }
            PropertyId::UserProperty => {
                for (key, value) in pairs(&value).ok_or_else(|| wrong(&name, Expected::Pairs))? {
                    properties.push(Property::UserProperty(key, value));
                }
                continue;
            }
            _ => return Err(RecordError::UnknownField(shortened(&name))),
        });
    }
    properties.check(PropertyOwner::Publish).map_err(RecordError::Property)?;
    Ok(properties)
}

/// A text that fits into a string of MQTT, §1.5.4: 65,535 bytes, and no NUL [MQTT-1.5.4-2].
fn short_text(value: &Value) -> Option<ByteString> {
    value.as_str().filter(|text| text.len() <= topic::MAXIMUM_LENGTH && !text.contains('\0')).map(ByteString::from)
}

/// One number or a list of them.
fn numbers(value: &Value) -> Option<Vec<u32>> {
    match value {
        Value::Array(list) => list.iter().map(number).collect(),
        one => number(one).map(|number| vec![number]),
    }
}

fn number(value: &Value) -> Option<u32> {
    value.as_u64().and_then(|number| u32::try_from(number).ok())
}

fn pairs(value: &Value) -> Option<Vec<(ByteString, ByteString)>> {
    let pair = |pair: &Value| match pair.as_array()?.as_slice() {
        [name, value] => Some((short_text(name)?, short_text(value)?)),
        _ => None,
    };
    value.as_array()?.iter().map(pair).collect()
}

/// A string, borrowed from the line where it has no escapes.
struct Text<'a>(Cow<'a, str>);

impl<'a> serde_core::Deserialize<'a> for Text<'a> {
    fn deserialize<D: serde_core::Deserializer<'a>>(reader: D) -> Result<Self, D::Error> {
        struct Read;
        impl<'a> Visitor<'a> for Read {
            type Value = Text<'a>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a string")
            }

            fn visit_borrowed_str<E>(self, text: &'a str) -> Result<Text<'a>, E> {
                Ok(Text(Cow::Borrowed(text)))
            }

            fn visit_str<E>(self, text: &str) -> Result<Text<'a>, E> {
                Ok(Text(Cow::Owned(text.to_owned())))
            }
        }
        reader.deserialize_str(Read)
    }
}

impl<'a> serde_core::Deserialize<'a> for Scalar<'a> {
    fn deserialize<D: serde_core::Deserializer<'a>>(reader: D) -> Result<Self, D::Error> {
        struct Read;
        impl<'a> Visitor<'a> for Read {
            type Value = Scalar<'a>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a value")
            }

            fn visit_borrowed_str<E>(self, text: &'a str) -> Result<Scalar<'a>, E> {
                Ok(Scalar::Text(Cow::Borrowed(text)))
            }

            fn visit_str<E>(self, text: &str) -> Result<Scalar<'a>, E> {
                Ok(Scalar::Text(Cow::Owned(text.to_owned())))
            }

            fn visit_u64<E>(self, number: u64) -> Result<Scalar<'a>, E> {
                Ok(Scalar::Whole(number))
            }

            fn visit_bool<E>(self, flag: bool) -> Result<Scalar<'a>, E> {
                Ok(Scalar::Flag(flag))
            }

            fn visit_i64<E>(self, _: i64) -> Result<Scalar<'a>, E> {
                Ok(Scalar::Other)
            }

            fn visit_f64<E>(self, _: f64) -> Result<Scalar<'a>, E> {
                Ok(Scalar::Other)
            }

            fn visit_unit<E>(self) -> Result<Scalar<'a>, E> {
                Ok(Scalar::Other)
            }

            fn visit_seq<A: SeqAccess<'a>>(self, mut list: A) -> Result<Scalar<'a>, A::Error> {
                while list.next_element::<IgnoredAny>()?.is_some() {}
                Ok(Scalar::Other)
            }

            fn visit_map<A: MapAccess<'a>>(self, mut map: A) -> Result<Scalar<'a>, A::Error> {
                while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
                Ok(Scalar::Other)
            }
        }
        reader.deserialize_any(Read)
    }
}

/// The fields of `properties`, each as often as it stands there; `None` for what is no object.
struct PropertyFields;

impl<'a> DeserializeSeed<'a> for PropertyFields {
    type Value = Option<Vec<(String, Value)>>;

    fn deserialize<D: serde_core::Deserializer<'a>>(self, reader: D) -> Result<Self::Value, D::Error> {
        reader.deserialize_any(self)
    }
}

impl<'a> Visitor<'a> for PropertyFields {
    type Value = Option<Vec<(String, Value)>>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'a>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut fields = Vec::new();
        while let Some(field) = map.next_entry()? {
            fields.push(field);
        }
        Ok(Some(fields))
    }

    fn visit_str<E>(self, _: &str) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_u64<E>(self, _: u64) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_i64<E>(self, _: i64) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_f64<E>(self, _: f64) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_bool<E>(self, _: bool) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_seq<A: SeqAccess<'a>>(self, mut list: A) -> Result<Self::Value, A::Error> {
        while list.next_element::<IgnoredAny>()?.is_some() {}
        Ok(None)
    }
}
