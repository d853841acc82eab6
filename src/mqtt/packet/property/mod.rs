//! The properties of MQTT 5, §2.2.2: what one packet carries, and the rules for it.

#[macro_use]
mod table;

mod codec;
mod id;
mod value;

pub use codec::Property;
pub use id::{PropertyId, PropertyOwner, PropertyType};

use bytes::{BufMut, Bytes, BytesMut};
use bytestring::ByteString;

use self::value::MAXIMUM_SUBSCRIPTION_IDENTIFIER;
use super::error::{DecodeError, EncodeError};
use super::wire::{Reader, put_variable, variable_length};

/// Properties that one packet may bring: far more than anyone sends, and it keeps a packet of two-byte
/// user properties from taking sixteen times its size in memory.
pub const MAXIMUM_PROPERTIES: usize = 65_536;

/// The properties of one packet, in wire order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Properties(
    /// `None` where there are none, as in nearly all packets.
    #[expect(clippy::box_collection, reason = "a packet and a message are 16 bytes smaller without any")]
    Option<Box<Vec<Property>>>,
);

/// Behind every borrowed message that has none.
pub static NO_PROPERTIES: Properties = Properties::new();

impl Properties {
    pub const fn new() -> Self {
        Self(None)
    }

    fn of(list: Vec<Property>) -> Self {
        Self(if list.is_empty() { None } else { Some(Box::new(list)) })
    }

    #[inline]
    fn list(&self) -> &[Property] {
        self.0.as_ref().map_or(&[], |list| list)
    }

    /// Changes the list, and lets go of it when nothing is left.
    fn change<T>(&mut self, change: impl FnOnce(&mut Vec<Property>) -> T) -> Option<T> {
        let list = self.0.as_mut()?;
        let result = change(list);
        if list.is_empty() {
            self.0 = None;
        }
        Some(result)
    }

    pub fn push(&mut self, property: Property) {
        self.0.get_or_insert_default().push(property);
    }

    #[inline]
    pub fn is_empty(&self) -> bool {
        self.0.is_none()
    }

    #[inline]
    pub fn iter(&self) -> std::slice::Iter<'_, Property> {
        self.list().iter()
    }

    pub fn len(&self) -> usize {
        self.list().len()
    }

    /// Takes the last one off again.
    pub fn pop(&mut self) -> Option<Property> {
        self.change(Vec::pop)?
    }

    /// Copies what the properties share with their read buffer.
    pub(super) fn detach(&mut self) {
        self.0.iter_mut().flat_map(|list| list.iter_mut()).for_each(Property::detach);
    }

    pub fn retain(&mut self, keep: impl FnMut(&Property) -> bool) {
        self.change(|list| list.retain(keep));
    }
}

impl Properties {
    /// Whether `owner` may carry these: each allowed there, in range, and no more often than allowed.
    pub fn check(&self, owner: PropertyOwner) -> Result<(), DecodeError> {
        let mut seen = 0;
        self.iter().try_for_each(|property| check_one(property, owner, &mut seen, true))
    }

    /// Reads the property length and the properties, as they stand in a packet and in a mosquitto.db.
    pub fn from_bytes(bytes: Bytes, owner: PropertyOwner) -> Result<Self, DecodeError> {
        let mut reader = Reader::new(bytes, true);
        let properties = Self::read(&mut reader, owner)?;
        reader.finish()?;
        Ok(properties)
    }

    /// The property length and the properties.
    pub fn to_bytes(&self) -> Result<Bytes, EncodeError> {
        let mut out = BytesMut::with_capacity(self.encoded_len()?);
        self.write(&mut out)?;
        Ok(out.freeze())
    }

    #[inline]
    pub(super) fn read(reader: &mut Reader, owner: PropertyOwner) -> Result<Self, DecodeError> {
        match reader.variable()? {
            0 => Ok(Self::new()),
            length => Self::read_some(reader.part(length)?, owner),
        }
    }

    fn read_some(mut reader: Reader, owner: PropertyOwner) -> Result<Self, DecodeError> {
        let mut properties = Vec::new();
        let mut seen = 0;
        while !reader.is_empty() {
            if properties.len() == MAXIMUM_PROPERTIES {
                return Err(DecodeError::TooManyProperties);
            }
            let number = reader.variable()? as u32;
            let id = PropertyId::from_number(number).ok_or(DecodeError::UnknownProperty(number))?;
            let property = Property::read(id, &mut reader).map_err(|error| match error {
                DecodeError::Utf8 | DecodeError::NulCharacter | DecodeError::DiscouragedCharacter(_) => {
                    DecodeError::PropertyText(id)
                }
                other => other,
            })?;
            check_one(&property, owner, &mut seen, reader.is_strict())?;
            properties.push(property);
        }
        Ok(Self::of(properties))
    }

    /// Bytes of the properties themselves, without the length in front of them.
    pub(super) fn content_len(&self) -> Result<usize, EncodeError> {
        self.iter().try_fold(0, |sum, property| Ok(sum + 1 + property.value_len()?))
    }

    /// Bytes of the property length and the properties.
    pub fn encoded_len(&self) -> Result<usize, EncodeError> {
        let content = self.content_len()?;
        Ok(variable_length(content) + content)
    }

    pub(super) fn write(&self, out: &mut BytesMut) -> Result<(), EncodeError> {
        // Where there are none, that is said by a length of 0 [MQTT-2.2.2-1].
        put_variable(self.content_len()?, out);
        for property in self {
            out.put_u8(property.id() as u8);
            property.write_value(out);
        }
        Ok(())
    }
}

/// `seen` has a bit for each identifier that came before. Unless `strict`, a receiver forgives what another client, not
/// the peer, has done wrong: brokers pass such messages on.
fn check_one(property: &Property, owner: PropertyOwner, seen: &mut u64, strict: bool) -> Result<(), DecodeError> {
    let id = property.id();
    if !id.is_allowed_in(owner) {
        return Err(DecodeError::PropertyNotAllowed(id));
    }
    if *seen & 1 << id as u8 != 0 && !id.is_repeatable_in(owner) {
        return Err(DecodeError::DuplicateProperty(id));
    }
    *seen |= 1 << id as u8;
    let passed_on = matches!(id, PropertyId::PayloadFormatIndicator | PropertyId::ResponseTopic);
    if property.has_valid_value() || passed_on && !strict { Ok(()) } else { Err(DecodeError::PropertyValue(id)) }
}

impl FromIterator<Property> for Properties {
    fn from_iter<I: IntoIterator<Item = Property>>(properties: I) -> Self {
        Self::of(properties.into_iter().collect())
    }
}

impl<'a> IntoIterator for &'a Properties {
    type Item = &'a Property;
    type IntoIter = std::slice::Iter<'a, Property>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl Property {
    /// Whether the value is one that the standard defines.
    pub fn has_valid_value(&self) -> bool {
        match self {
            Self::PayloadFormatIndicator(value)
            | Self::RequestProblemInformation(value)
            | Self::RequestResponseInformation(value)
            | Self::MaximumQoS(value)
            | Self::RetainAvailable(value)
            | Self::WildcardSubscriptionAvailable(value)
            | Self::SubscriptionIdentifierAvailable(value)
            | Self::SharedSubscriptionAvailable(value) => *value <= 1,
            Self::ReceiveMaximum(value) | Self::TopicAlias(value) => *value != 0,
            Self::MaximumPacketSize(value) => *value != 0,
            Self::SubscriptionIdentifier(value) => (1..=MAXIMUM_SUBSCRIPTION_IDENTIFIER).contains(value),
            // [MQTT-3.3.2-14]; it is a topic name, so not empty either.
            Self::ResponseTopic(topic) => !topic.is_empty() && !topic.contains(['+', '#']),
            _ => true,
        }
    }
}

macro_rules! accessors {
    ($(
        $(#[$comment:meta])*
        $variant:ident($($field:ident: $type:ident),+) = $number:literal, $name:literal $(=> $accessor:ident: $native:ty)?,
            in [$($allowed:ident),+] $(, repeatable in [$($repeatable:ident),+])?;
    )*) => {
        /// The value of the first property of each kind.
        impl Properties {
            $($(
                pub fn $accessor(&self) -> Option<$native> {
                    self.iter().find_map(|property| match property {
                        Property::$variant(value) => Some(value.clone()),
                        _ => None,
                    })
                }
            )?)*
        }
    };
}

property_table!(accessors);
