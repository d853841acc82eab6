//! `-D COMMAND PROPERTY VALUE`: properties from the command line.

use std::ffi::OsString;

use bytes::Bytes;
use bytestring::ByteString;

use super::arg_error::ArgError;
use crate::cmd::words::WordError;
use crate::mqtt::packet::{Properties, Property, PropertyId, PropertyOwner, PropertyType, first_discouraged};
use crate::os::text::OsStrExt;

/// Longest string or binary value: its length goes over the wire in two bytes.
const MAX_VALUE: usize = 65_535;

/// The properties given for each command, in the order given.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CommandProperties {
    pub connect: Properties,
    pub publish: Properties,
    pub will: Properties,
    pub subscribe: Properties,
    pub unsubscribe: Properties,
    pub disconnect: Properties,
}

impl CommandProperties {
    /// Adds one from its words: command, property, value, or command, `user-property`, name, value.
    pub fn add(&mut self, words: &[OsString]) -> Result<(), ArgError> {
        let text = |index: usize| words.get(index).map(|word| word.to_string_lossy().into_owned()).unwrap_or_default();
        let (command, name) = (text(0), text(1));
        let owner = PropertyOwner::from_name(&command).ok_or_else(|| {
            ArgError::spaced(format!("Error: Invalid command {command} given in --property argument."))
        })?;
        let id = PropertyId::from_name(&name).ok_or_else(|| {
            ArgError::spaced(format!("Error: Invalid property name {name} given in --property argument."))
        })?;
        if !is_taken(id, owner) {
            return Err(ArgError::spaced(format!(
                "Error: {name} property not allowed for {command} in --property argument."
            )));
        }
        if id == PropertyId::UserProperty && words.len() < 4 {
            return Err(WordError::NotEnoughArguments.into());
        }
        let list = match owner {
            PropertyOwner::Connect => &mut self.connect,
            // The identifier of a subscription comes from the broker.
            PropertyOwner::Publish if id != PropertyId::SubscriptionIdentifier => &mut self.publish,
            PropertyOwner::Will => &mut self.will,
            PropertyOwner::Subscribe => &mut self.subscribe,
            PropertyOwner::Unsubscribe => &mut self.unsubscribe,
            PropertyOwner::Disconnect => &mut self.disconnect,
            // Mosquitto has no words for it, only the line that names `--help`.
            PropertyOwner::ConnAck => return Err(ArgError::plain("")),
            _ => {
                return Err(ArgError::spaced(format!(
                    "Error: {name} property not supported for {command} in --property argument."
                )));
            }
        };
        list.push(value(id, &name, &words[2..])?);
        Ok(())
    }
}

/// The commands that `-D` takes.
const COMMANDS: [(&str, PropertyOwner); 6] = [
    ("connect", PropertyOwner::Connect),
    ("publish", PropertyOwner::Publish),
    ("will", PropertyOwner::Will),
    ("subscribe", PropertyOwner::Subscribe),
    ("unsubscribe", PropertyOwner::Unsubscribe),
    ("disconnect", PropertyOwner::Disconnect),
];

/// For the manual page: each property that some command takes, with its value and those commands.
pub fn known_properties() -> Vec<(String, String)> {
    let known = PropertyId::ALL.iter().filter_map(|id| {
        let taken = COMMANDS.iter().filter(|(_, owner)| {
            is_taken(*id, *owner) && (*id, *owner) != (PropertyId::SubscriptionIdentifier, PropertyOwner::Publish)
        });
        let commands: Vec<_> = taken.map(|(command, _)| *command).collect();
        let value = match id.kind() {
            PropertyType::Binary => "bytes".to_owned(),
            PropertyType::Text => "text".to_owned(),
            PropertyType::StringPair => "a name and a value, as often as wanted".to_owned(),
            kind => range(*id, limit(kind)),
        };
        (!commands.is_empty()).then(|| (id.name().to_owned(), format!("{value}; {}", commands.join(", "))))
    });
    known.collect()
}

/// The numbers that the standard allows, out of those that the option takes.
fn range(id: PropertyId, most: i64) -> String {
    let is_valid = |number| of_number(id, number).is_some_and(|property| property.has_valid_value());
    let least = u8::from(!is_valid(0));
    if is_valid(2) { format!("{least} to {most}") } else { format!("{least} or 1") }
}

/// The largest number of a type.
fn limit(kind: PropertyType) -> i64 {
    match kind {
        PropertyType::Byte => i64::from(u8::MAX),
        PropertyType::TwoByteInteger => i64::from(u16::MAX),
        PropertyType::VariableByteInteger => 268_435_455,
        _ => i64::from(u32::MAX),
    }
}

/// As the standard says, but that Mosquitto also lets a will carry a reason string.
pub fn is_taken(id: PropertyId, owner: PropertyOwner) -> bool {
    id.is_allowed_in(owner) || (id, owner) == (PropertyId::ReasonString, PropertyOwner::Will)
}

fn value(id: PropertyId, name: &str, words: &[OsString]) -> Result<Property, ArgError> {
    let refused = || ArgError::plain(format!("Error adding property {name} {}", id.kind() as u8));
    let string = |index: usize| match words.get(index).and_then(|word| word.to_str()) {
        Some(text) if text.len() <= MAX_VALUE && first_discouraged(text).is_none() => Ok(ByteString::from(text)),
        _ => Err(refused()),
    };
    let property = match id.kind() {
        PropertyType::StringPair => Some(Property::UserProperty(string(0)?, string(1)?)),
        PropertyType::Text => of_string(id, string(0)?),
        PropertyType::Binary => {
            let bytes = words[0].as_bytes();
            if bytes.len() > MAX_VALUE {
                return Err(ArgError::spaced(format!("Error: Property value too long for property {name}.")));
            }
            of_binary(id, Bytes::copy_from_slice(bytes))
        }
        kind => {
            let number = atol(&words[0].to_string_lossy());
            // Mosquitto leaves the range of the subscription identifier to the packet.
            let limit = if kind == PropertyType::VariableByteInteger { i64::from(u32::MAX) } else { limit(kind) };
            if !(0..=limit).contains(&number) {
                return Err(ArgError::spaced(format!(
                    "Error: Property value ({number}) out of range for property {name}."
                )));
            }
            of_number(id, number as u32)
        }
    };
    property.ok_or_else(refused)
}

/// The numeric properties that a command of ours can carry. The range is checked, but for the
/// subscription identifier's, which has no type of its own.
fn of_number(id: PropertyId, number: u32) -> Option<Property> {
    Some(match id {
        PropertyId::PayloadFormatIndicator => Property::PayloadFormatIndicator(number as u8),
        PropertyId::MessageExpiryInterval => Property::MessageExpiryInterval(number),
        PropertyId::SubscriptionIdentifier if number <= 268_435_455 => Property::SubscriptionIdentifier(number),
        PropertyId::SessionExpiryInterval => Property::SessionExpiryInterval(number),
        PropertyId::RequestProblemInformation => Property::RequestProblemInformation(number as u8),
        PropertyId::WillDelayInterval => Property::WillDelayInterval(number),
        PropertyId::RequestResponseInformation => Property::RequestResponseInformation(number as u8),
        PropertyId::ReceiveMaximum => Property::ReceiveMaximum(number as u16),
        PropertyId::TopicAliasMaximum => Property::TopicAliasMaximum(number as u16),
        PropertyId::TopicAlias => Property::TopicAlias(number as u16),
        PropertyId::MaximumPacketSize => Property::MaximumPacketSize(number),
        _ => return None,
    })
}

fn of_string(id: PropertyId, text: ByteString) -> Option<Property> {
    Some(match id {
        PropertyId::ContentType => Property::ContentType(text),
        PropertyId::ResponseTopic => Property::ResponseTopic(text),
        PropertyId::AuthenticationMethod => Property::AuthenticationMethod(text),
        PropertyId::ServerReference => Property::ServerReference(text),
        PropertyId::ReasonString => Property::ReasonString(text),
        _ => return None,
    })
}

fn of_binary(id: PropertyId, bytes: Bytes) -> Option<Property> {
    Some(match id {
        PropertyId::CorrelationData => Property::CorrelationData(bytes),
        PropertyId::AuthenticationData => Property::AuthenticationData(bytes),
        _ => return None,
    })
}

/// What C's `atol` makes of the text.
fn atol(text: &str) -> i64 {
    let text = text.trim_start();
    let end = text
        .char_indices()
        .find(|(at, character)| !(character.is_ascii_digit() || *at == 0 && matches!(character, '-' | '+')))
        .map_or(text.len(), |(at, _)| at);
    match text[..end].parse() {
        Ok(number) => number,
        // Beyond its range atol stops at the end of it; no digits are 0.
        Err(error) => match error.kind() {
            std::num::IntErrorKind::PosOverflow => i64::MAX,
            std::num::IntErrorKind::NegOverflow => i64::MIN,
            _ => 0,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn add(words: &[&str]) -> Result<CommandProperties, String> {
        let mut properties = CommandProperties::default();
        let words: Vec<_> = words.iter().map(OsString::from).collect();
        properties.add(&words).map(|()| properties).map_err(|error| match error {
            ArgError::Usage { text, .. } => text,
            ArgError::Words(WordError::NotEnoughArguments) => "not enough".to_owned(),
            other => format!("{other:?}"),
        })
    }

    #[test]
    fn what_the_manual_says_of_properties_is_taken_and_nothing_else() {
        let rows = known_properties();
        for id in PropertyId::ALL {
            let listed = rows.iter().find(|(name, _)| name == id.name()).map_or("", |(_, meaning)| meaning);
            for (command, _) in COMMANDS {
                let words = [command, id.name(), "1", "1"].map(OsString::from);
                let is_listed =
                    listed.split("; ").nth(1).is_some_and(|commands| commands.split(", ").any(|one| one == command));
                let taken = CommandProperties::default().add(&words).is_ok();
                assert_eq!(taken, is_listed, "{command} {}", id.name());
            }
        }
    }

    #[test]
    fn the_ranges_of_the_manual_are_those_that_can_be_sent() {
        let rows = known_properties();
        for (name, range) in [
            ("payload-format-indicator", "0 or 1; publish, will"),
            ("request-problem-information", "0 or 1; connect"),
            ("receive-maximum", "1 to 65535; connect"),
            ("topic-alias-maximum", "0 to 65535; connect"),
            ("topic-alias", "1 to 65535; publish"),
            ("maximum-packet-size", "1 to 4294967295; connect"),
            ("subscription-identifier", "1 to 268435455; subscribe"),
        ] {
            assert!(rows.contains(&(name.to_owned(), range.to_owned())), "{name}: {rows:?}");
        }
    }

    #[test]
    fn names_are_read_in_any_case_and_values_by_their_type() {
        let one = |list: Properties| list.iter().next().unwrap().clone();
        let connect = |words: &[&str]| one(add(words).unwrap().connect);
        assert_eq!(connect(&["CONNECT", "Receive-Maximum", "5x"]), Property::ReceiveMaximum(5));
        assert_eq!(
            connect(&["connect", "session-expiry-interval", "4294967295"]),
            Property::SessionExpiryInterval(u32::MAX)
        );
        let publish = |words: &[&str]| one(add(words).unwrap().publish);
        assert_eq!(publish(&["publish", "content-type", "a b"]), Property::ContentType("a b".into()));
        assert_eq!(
            publish(&["publish", "correlation-data", "xyz"]),
            Property::CorrelationData(Bytes::from_static(b"xyz"))
        );
        assert_eq!(publish(&["publish", "user-property", "k", ""]), Property::UserProperty("k".into(), "".into()));
        let will = add(&["will", "reason-string", "why"]).unwrap().will;
        assert_eq!(one(will), Property::ReasonString("why".into()));
    }

    #[test]
    fn errors_come_in_mosquittos_order_and_words() {
        let rows: &[(&[&str], &str)] = &[
            (&["dance", "x", "y"], "Error: Invalid command dance given in --property argument."),
            (&["publish", "x", "y"], "Error: Invalid property name x given in --property argument."),
            (
                &["publish", "receive-maximum", "1"],
                "Error: receive-maximum property not allowed for publish in --property argument.",
            ),
            (&["publish", "user-property", "k"], "not enough"),
            (
                &["puback", "reason-string", "x"],
                "Error: reason-string property not supported for puback in --property argument.",
            ),
            (
                &["publish", "subscription-identifier", "1"],
                "Error: subscription-identifier property not supported for publish in --property argument.",
            ),
            (
                &["connect", "receive-maximum", "65536"],
                "Error: Property value (65536) out of range for property receive-maximum.",
            ),
            (
                &["publish", "payload-format-indicator", "-1"],
                "Error: Property value (-1) out of range for property payload-format-indicator.",
            ),
            (&["subscribe", "subscription-identifier", "268435456"], "Error adding property subscription-identifier 4"),
            (&["publish", "content-type", "\u{1}"], "Error adding property content-type 6"),
            (&["publish", "user-property", "k", "\u{1}"], "Error adding property user-property 7"),
            (&["connack", "reason-string", "x"], ""),
        ];
        for (words, text) in rows {
            assert_eq!(add(words), Err((*text).to_owned()), "{words:?}");
        }
    }
}
