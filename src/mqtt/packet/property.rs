//! The properties of MQTT 5, §2.2.2: one table says what each is called, what it holds and where it may stand.

use bytes::{BufMut, Bytes, BytesMut};
use bytestring::ByteString;

use super::wire::{Reader, field_length, put_field, put_variable, variable_length};
use super::{DecodeError, EncodeError};

/// Properties that one packet may bring: far more than anyone sends, and it keeps a packet of two-byte
/// user properties from taking sixteen times its size in memory.
pub const MAXIMUM_PROPERTIES: usize = 65_536;

/// Largest subscription identifier, §3.8.2.1.2.
const MAXIMUM_SUBSCRIPTION_IDENTIFIER: u32 = 268_435_455;

/// The properties of one packet, in wire order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Properties(Vec<Property>);

impl Properties {
    pub const fn new() -> Self {
        Self(Vec::new())
    }

    pub fn push(&mut self, property: Property) {
        self.0.push(property);
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub fn iter(&self) -> std::slice::Iter<'_, Property> {
        self.0.iter()
    }

    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Takes the last one off again.
    pub fn pop(&mut self) -> Option<Property> {
        self.0.pop()
    }

    /// Copies what the properties share with their read buffer.
    pub(super) fn detach(&mut self) {
        self.0.iter_mut().for_each(Property::detach);
    }

    pub fn retain(&mut self, keep: impl FnMut(&Property) -> bool) {
        self.0.retain(keep);
    }
}

impl Properties {
    /// Whether `owner` may carry these: each allowed there, in range, and no more often than allowed.
    pub fn check(&self, owner: PropertyOwner) -> Result<(), DecodeError> {
        let mut seen = 0;
        self.0.iter().try_for_each(|property| check_one(property, owner, &mut seen, true))
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
            let property = Property::read(id, &mut reader)?;
            check_one(&property, owner, &mut seen, reader.is_strict())?;
            properties.push(property);
        }
        Ok(Self(properties))
    }

    /// Bytes of the properties themselves, without the length in front of them.
    pub(super) fn content_len(&self) -> Result<usize, EncodeError> {
        self.0.iter().try_fold(0, |sum, property| Ok(sum + property.encoded_len()?))
    }

    /// Bytes of the property length and the properties.
    pub(super) fn encoded_len(&self) -> Result<usize, EncodeError> {
        let content = self.content_len()?;
        Ok(variable_length(content) + content)
    }

    pub(super) fn write(&self, out: &mut BytesMut) -> Result<(), EncodeError> {
        put_variable(self.content_len()?, out);
        for property in &self.0 {
            property.write(out);
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
        Self(properties.into_iter().collect())
    }
}

impl<'a> IntoIterator for &'a Properties {
    type Item = &'a Property;
    type IntoIter = std::slice::Iter<'a, Property>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.iter()
    }
}

/// The value of the first property of a kind.
macro_rules! values {
    ($($name:ident: $variant:ident -> $value:ty;)*) => {
        impl Properties {
            $(pub fn $name(&self) -> Option<$value> {
                self.0.iter().find_map(|property| match property {
                    Property::$variant(value) => Some(value.clone()),
                    _ => None,
                })
            })*
        }
    };
}

values! {
    payload_format_indicator: PayloadFormatIndicator -> u8;
    message_expiry_interval: MessageExpiryInterval -> u32;
    content_type: ContentType -> ByteString;
    response_topic: ResponseTopic -> ByteString;
    correlation_data: CorrelationData -> Bytes;
    session_expiry_interval: SessionExpiryInterval -> u32;
    assigned_client_identifier: AssignedClientIdentifier -> ByteString;
    server_keep_alive: ServerKeepAlive -> u16;
    authentication_method: AuthenticationMethod -> ByteString;
    authentication_data: AuthenticationData -> Bytes;
    request_problem_information: RequestProblemInformation -> u8;
    will_delay_interval: WillDelayInterval -> u32;
    request_response_information: RequestResponseInformation -> u8;
    response_information: ResponseInformation -> ByteString;
    server_reference: ServerReference -> ByteString;
    reason_string: ReasonString -> ByteString;
    receive_maximum: ReceiveMaximum -> u16;
    topic_alias_maximum: TopicAliasMaximum -> u16;
    topic_alias: TopicAlias -> u16;
    maximum_qos: MaximumQoS -> u8;
    retain_available: RetainAvailable -> u8;
    subscription_identifier: SubscriptionIdentifier -> u32;
    maximum_packet_size: MaximumPacketSize -> u32;
    wildcard_subscription_available: WildcardSubscriptionAvailable -> u8;
    subscription_identifier_available: SubscriptionIdentifierAvailable -> u8;
    shared_subscription_available: SharedSubscriptionAvailable -> u8;
}

/// One property with its value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Property {
    PayloadFormatIndicator(u8),
    /// Seconds.
    MessageExpiryInterval(u32),
    ContentType(ByteString),
    ResponseTopic(ByteString),
    CorrelationData(Bytes),
    /// 1 to 268,435,455.
    SubscriptionIdentifier(u32),
    /// Seconds; `u32::MAX` = never expires.
    SessionExpiryInterval(u32),
    AssignedClientIdentifier(ByteString),
    /// Seconds.
    ServerKeepAlive(u16),
    AuthenticationMethod(ByteString),
    AuthenticationData(Bytes),
    RequestProblemInformation(u8),
    /// Seconds.
    WillDelayInterval(u32),
    RequestResponseInformation(u8),
    ResponseInformation(ByteString),
    ServerReference(ByteString),
    ReasonString(ByteString),
    ReceiveMaximum(u16),
    TopicAliasMaximum(u16),
    TopicAlias(u16),
    MaximumQoS(u8),
    RetainAvailable(u8),
    UserProperty(ByteString, ByteString),
    /// Bytes.
    MaximumPacketSize(u32),
    WildcardSubscriptionAvailable(u8),
    SubscriptionIdentifierAvailable(u8),
    SharedSubscriptionAvailable(u8),
}

impl Property {
    pub const fn id(&self) -> PropertyId {
        match self {
            Self::PayloadFormatIndicator(..) => PropertyId::PayloadFormatIndicator,
            Self::MessageExpiryInterval(..) => PropertyId::MessageExpiryInterval,
            Self::ContentType(..) => PropertyId::ContentType,
            Self::ResponseTopic(..) => PropertyId::ResponseTopic,
            Self::CorrelationData(..) => PropertyId::CorrelationData,
            Self::SubscriptionIdentifier(..) => PropertyId::SubscriptionIdentifier,
            Self::SessionExpiryInterval(..) => PropertyId::SessionExpiryInterval,
            Self::AssignedClientIdentifier(..) => PropertyId::AssignedClientIdentifier,
            Self::ServerKeepAlive(..) => PropertyId::ServerKeepAlive,
            Self::AuthenticationMethod(..) => PropertyId::AuthenticationMethod,
            Self::AuthenticationData(..) => PropertyId::AuthenticationData,
            Self::RequestProblemInformation(..) => PropertyId::RequestProblemInformation,
            Self::WillDelayInterval(..) => PropertyId::WillDelayInterval,
            Self::RequestResponseInformation(..) => PropertyId::RequestResponseInformation,
            Self::ResponseInformation(..) => PropertyId::ResponseInformation,
            Self::ServerReference(..) => PropertyId::ServerReference,
            Self::ReasonString(..) => PropertyId::ReasonString,
            Self::ReceiveMaximum(..) => PropertyId::ReceiveMaximum,
            Self::TopicAliasMaximum(..) => PropertyId::TopicAliasMaximum,
            Self::TopicAlias(..) => PropertyId::TopicAlias,
            Self::MaximumQoS(..) => PropertyId::MaximumQoS,
            Self::RetainAvailable(..) => PropertyId::RetainAvailable,
            Self::UserProperty(..) => PropertyId::UserProperty,
            Self::MaximumPacketSize(..) => PropertyId::MaximumPacketSize,
            Self::WildcardSubscriptionAvailable(..) => PropertyId::WildcardSubscriptionAvailable,
            Self::SubscriptionIdentifierAvailable(..) => PropertyId::SubscriptionIdentifierAvailable,
            Self::SharedSubscriptionAvailable(..) => PropertyId::SharedSubscriptionAvailable,
        }
    }

    fn detach(&mut self) {
        match self {
            Self::ContentType(value)
            | Self::ResponseTopic(value)
            | Self::AssignedClientIdentifier(value)
            | Self::AuthenticationMethod(value)
            | Self::ResponseInformation(value)
            | Self::ServerReference(value)
            | Self::ReasonString(value) => *value = ByteString::from(&**value),
            Self::CorrelationData(value) | Self::AuthenticationData(value) => *value = Bytes::copy_from_slice(value),
            Self::UserProperty(name, value) => {
                *name = ByteString::from(&**name);
                *value = ByteString::from(&**value);
            }
            _ => {}
        }
    }

    /// Whether the value is one that the standard gives a meaning.
    fn has_valid_value(&self) -> bool {
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

    fn read(id: PropertyId, reader: &mut Reader) -> Result<Self, DecodeError> {
        Ok(match id {
            PropertyId::PayloadFormatIndicator => Self::PayloadFormatIndicator(reader.u8()?),
            PropertyId::MessageExpiryInterval => Self::MessageExpiryInterval(reader.u32()?),
            PropertyId::ContentType => Self::ContentType(reader.string()?),
            PropertyId::ResponseTopic => Self::ResponseTopic(reader.string()?),
            PropertyId::CorrelationData => Self::CorrelationData(reader.binary()?),
            PropertyId::SubscriptionIdentifier => Self::SubscriptionIdentifier(reader.variable()? as u32),
            PropertyId::SessionExpiryInterval => Self::SessionExpiryInterval(reader.u32()?),
            PropertyId::AssignedClientIdentifier => Self::AssignedClientIdentifier(reader.string()?),
            PropertyId::ServerKeepAlive => Self::ServerKeepAlive(reader.u16()?),
            PropertyId::AuthenticationMethod => Self::AuthenticationMethod(reader.string()?),
            PropertyId::AuthenticationData => Self::AuthenticationData(reader.binary()?),
            PropertyId::RequestProblemInformation => Self::RequestProblemInformation(reader.u8()?),
            PropertyId::WillDelayInterval => Self::WillDelayInterval(reader.u32()?),
            PropertyId::RequestResponseInformation => Self::RequestResponseInformation(reader.u8()?),
            PropertyId::ResponseInformation => Self::ResponseInformation(reader.string()?),
            PropertyId::ServerReference => Self::ServerReference(reader.string()?),
            PropertyId::ReasonString => Self::ReasonString(reader.string()?),
            PropertyId::ReceiveMaximum => Self::ReceiveMaximum(reader.u16()?),
            PropertyId::TopicAliasMaximum => Self::TopicAliasMaximum(reader.u16()?),
            PropertyId::TopicAlias => Self::TopicAlias(reader.u16()?),
            PropertyId::MaximumQoS => Self::MaximumQoS(reader.u8()?),
            PropertyId::RetainAvailable => Self::RetainAvailable(reader.u8()?),
            PropertyId::UserProperty => Self::UserProperty(reader.string()?, reader.string()?),
            PropertyId::MaximumPacketSize => Self::MaximumPacketSize(reader.u32()?),
            PropertyId::WildcardSubscriptionAvailable => Self::WildcardSubscriptionAvailable(reader.u8()?),
            PropertyId::SubscriptionIdentifierAvailable => Self::SubscriptionIdentifierAvailable(reader.u8()?),
            PropertyId::SharedSubscriptionAvailable => Self::SharedSubscriptionAvailable(reader.u8()?),
        })
    }

    /// Bytes on the wire, the identifier's one included.
    fn encoded_len(&self) -> Result<usize, EncodeError> {
        Ok(1 + match self {
            Self::PayloadFormatIndicator(_)
            | Self::RequestProblemInformation(_)
            | Self::RequestResponseInformation(_)
            | Self::MaximumQoS(_)
            | Self::RetainAvailable(_)
            | Self::WildcardSubscriptionAvailable(_)
            | Self::SubscriptionIdentifierAvailable(_)
            | Self::SharedSubscriptionAvailable(_) => 1,
            Self::ServerKeepAlive(_) | Self::ReceiveMaximum(_) | Self::TopicAliasMaximum(_) | Self::TopicAlias(_) => 2,
            Self::MessageExpiryInterval(_)
            | Self::SessionExpiryInterval(_)
            | Self::WillDelayInterval(_)
            | Self::MaximumPacketSize(_) => 4,
            Self::SubscriptionIdentifier(value) if *value > MAXIMUM_SUBSCRIPTION_IDENTIFIER => {
                return Err(EncodeError::SubscriptionIdentifier(*value));
            }
            Self::SubscriptionIdentifier(value) => variable_length(*value as usize),
            Self::ContentType(value)
            | Self::ResponseTopic(value)
            | Self::AssignedClientIdentifier(value)
            | Self::AuthenticationMethod(value)
            | Self::ResponseInformation(value)
            | Self::ServerReference(value)
            | Self::ReasonString(value) => field_length(value.as_bytes())?,
            Self::CorrelationData(value) | Self::AuthenticationData(value) => field_length(value)?,
            Self::UserProperty(name, value) => field_length(name.as_bytes())? + field_length(value.as_bytes())?,
        })
    }

    fn write(&self, out: &mut BytesMut) {
        out.put_u8(self.id() as u8);
        match self {
            Self::PayloadFormatIndicator(value)
            | Self::RequestProblemInformation(value)
            | Self::RequestResponseInformation(value)
            | Self::MaximumQoS(value)
            | Self::RetainAvailable(value)
            | Self::WildcardSubscriptionAvailable(value)
            | Self::SubscriptionIdentifierAvailable(value)
            | Self::SharedSubscriptionAvailable(value) => out.put_u8(*value),
            Self::ServerKeepAlive(value)
            | Self::ReceiveMaximum(value)
            | Self::TopicAliasMaximum(value)
            | Self::TopicAlias(value) => out.put_u16(*value),
            Self::MessageExpiryInterval(value)
            | Self::SessionExpiryInterval(value)
            | Self::WillDelayInterval(value)
            | Self::MaximumPacketSize(value) => out.put_u32(*value),
            Self::SubscriptionIdentifier(value) => put_variable(*value as usize, out),
            Self::ContentType(value)
            | Self::ResponseTopic(value)
            | Self::AssignedClientIdentifier(value)
            | Self::AuthenticationMethod(value)
            | Self::ResponseInformation(value)
            | Self::ServerReference(value)
            | Self::ReasonString(value) => put_field(value.as_bytes(), out),
            Self::CorrelationData(value) | Self::AuthenticationData(value) => put_field(value, out),
            Self::UserProperty(name, value) => {
                put_field(name.as_bytes(), out);
                put_field(value.as_bytes(), out);
            }
        }
    }
}

/// Property identifiers, §2.2.2.2.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum PropertyId {
    PayloadFormatIndicator = 0x01,
    MessageExpiryInterval = 0x02,
    ContentType = 0x03,
    ResponseTopic = 0x08,
    CorrelationData = 0x09,
    SubscriptionIdentifier = 0x0B,
    SessionExpiryInterval = 0x11,
    AssignedClientIdentifier = 0x12,
    ServerKeepAlive = 0x13,
    AuthenticationMethod = 0x15,
    AuthenticationData = 0x16,
    RequestProblemInformation = 0x17,
    WillDelayInterval = 0x18,
    RequestResponseInformation = 0x19,
    ResponseInformation = 0x1A,
    ServerReference = 0x1C,
    ReasonString = 0x1F,
    ReceiveMaximum = 0x21,
    TopicAliasMaximum = 0x22,
    TopicAlias = 0x23,
    MaximumQoS = 0x24,
    RetainAvailable = 0x25,
    UserProperty = 0x26,
    MaximumPacketSize = 0x27,
    WildcardSubscriptionAvailable = 0x28,
    SubscriptionIdentifierAvailable = 0x29,
    SharedSubscriptionAvailable = 0x2A,
}

/// What a property may be attached to: a packet, or the will in a CONNECT.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum PropertyOwner {
    Will = 0,
    Connect = 1,
    ConnAck = 2,
    Publish = 3,
    PubAck = 4,
    PubRec = 5,
    PubRel = 6,
    PubComp = 7,
    Subscribe = 8,
    SubAck = 9,
    Unsubscribe = 10,
    UnsubAck = 11,
    Disconnect = 14,
    Auth = 15,
}

impl PropertyOwner {
    const ALL: [(Self, &str); 14] = [
        (Self::Will, "will"),
        (Self::Connect, "connect"),
        (Self::ConnAck, "connack"),
        (Self::Publish, "publish"),
        (Self::PubAck, "puback"),
        (Self::PubRec, "pubrec"),
        (Self::PubRel, "pubrel"),
        (Self::PubComp, "pubcomp"),
        (Self::Subscribe, "subscribe"),
        (Self::SubAck, "suback"),
        (Self::Unsubscribe, "unsubscribe"),
        (Self::UnsubAck, "unsuback"),
        (Self::Disconnect, "disconnect"),
        (Self::Auth, "auth"),
    ];

    /// By its name on the command line, in any case.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.iter().find(|(_, known)| known.eq_ignore_ascii_case(name)).map(|(owner, _)| *owner)
    }
}

/// The data type of a property, numbered as Mosquitto does in its messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum PropertyType {
    Byte = 1,
    TwoByteInteger = 2,
    FourByteInteger = 3,
    VariableByteInteger = 4,
    Binary = 5,
    String = 6,
    StringPair = 7,
}

/// A set of [`PropertyOwner`]s, a bit each.
type Owners = u16;

const EVERYWHERE: Owners = Owners::MAX;
const NOWHERE: Owners = 0;

const fn among(owners: &[PropertyOwner]) -> Owners {
    let mut set = 0;
    let mut at = 0;
    while at < owners.len() {
        set |= 1 << owners[at] as u8;
        at += 1;
    }
    set
}

/// One row of the table.
struct Rule {
    id: PropertyId,
    name: &'static str,
    kind: PropertyType,
    allowed: Owners,
    repeatable: Owners,
}

const fn rule(id: PropertyId, name: &'static str, kind: PropertyType, allowed: Owners, repeatable: Owners) -> Rule {
    Rule { id, name, kind, allowed, repeatable }
}

/// §2.2.2.2, by identifier.
#[rustfmt::skip]
static RULES: [Rule; 27] = {
    use PropertyOwner::{Auth, ConnAck, Connect, Disconnect, PubAck, PubComp, PubRec, PubRel, Publish, SubAck, Subscribe, UnsubAck, Will};
    use PropertyType::{Binary, Byte, FourByteInteger, String, StringPair, TwoByteInteger, VariableByteInteger};
    [
        rule(PropertyId::PayloadFormatIndicator, "payload-format-indicator", Byte, among(&[Publish, Will]), NOWHERE),
        rule(PropertyId::MessageExpiryInterval, "message-expiry-interval", FourByteInteger, among(&[Publish, Will]), NOWHERE),
        rule(PropertyId::ContentType, "content-type", String, among(&[Publish, Will]), NOWHERE),
        rule(PropertyId::ResponseTopic, "response-topic", String, among(&[Publish, Will]), NOWHERE),
        rule(PropertyId::CorrelationData, "correlation-data", Binary, among(&[Publish, Will]), NOWHERE),
        rule(PropertyId::SubscriptionIdentifier, "subscription-identifier", VariableByteInteger, among(&[Publish, Subscribe]), among(&[Publish])),
        rule(PropertyId::SessionExpiryInterval, "session-expiry-interval", FourByteInteger, among(&[Connect, ConnAck, Disconnect]), NOWHERE),
        rule(PropertyId::AssignedClientIdentifier, "assigned-client-identifier", String, among(&[ConnAck]), NOWHERE),
        rule(PropertyId::ServerKeepAlive, "server-keep-alive", TwoByteInteger, among(&[ConnAck]), NOWHERE),
        rule(PropertyId::AuthenticationMethod, "authentication-method", String, among(&[Connect, ConnAck, Auth]), NOWHERE),
        rule(PropertyId::AuthenticationData, "authentication-data", Binary, among(&[Connect, ConnAck, Auth]), NOWHERE),
        rule(PropertyId::RequestProblemInformation, "request-problem-information", Byte, among(&[Connect]), NOWHERE),
        rule(PropertyId::WillDelayInterval, "will-delay-interval", FourByteInteger, among(&[Will]), NOWHERE),
        rule(PropertyId::RequestResponseInformation, "request-response-information", Byte, among(&[Connect]), NOWHERE),
        rule(PropertyId::ResponseInformation, "response-information", String, among(&[ConnAck]), NOWHERE),
        rule(PropertyId::ServerReference, "server-reference", String, among(&[ConnAck, Disconnect]), NOWHERE),
        rule(PropertyId::ReasonString, "reason-string", String, among(&[ConnAck, PubAck, PubRec, PubRel, PubComp, SubAck, UnsubAck, Disconnect, Auth]), NOWHERE),
        rule(PropertyId::ReceiveMaximum, "receive-maximum", TwoByteInteger, among(&[Connect, ConnAck]), NOWHERE),
        rule(PropertyId::TopicAliasMaximum, "topic-alias-maximum", TwoByteInteger, among(&[Connect, ConnAck]), NOWHERE),
        rule(PropertyId::TopicAlias, "topic-alias", TwoByteInteger, among(&[Publish]), NOWHERE),
        rule(PropertyId::MaximumQoS, "maximum-qos", Byte, among(&[ConnAck]), NOWHERE),
        rule(PropertyId::RetainAvailable, "retain-available", Byte, among(&[ConnAck]), NOWHERE),
        rule(PropertyId::UserProperty, "user-property", StringPair, EVERYWHERE, EVERYWHERE),
        rule(PropertyId::MaximumPacketSize, "maximum-packet-size", FourByteInteger, among(&[Connect, ConnAck]), NOWHERE),
        rule(PropertyId::WildcardSubscriptionAvailable, "wildcard-subscription-available", Byte, among(&[ConnAck]), NOWHERE),
        rule(PropertyId::SubscriptionIdentifierAvailable, "subscription-identifier-available", Byte, among(&[ConnAck]), NOWHERE),
        rule(PropertyId::SharedSubscriptionAvailable, "shared-subscription-available", Byte, among(&[ConnAck]), NOWHERE),
    ]
};

/// From an identifier's number to its row; 0xFF where there is none.
const ROW_OF: [u8; 0x2B] = {
    let mut rows = [0xFF; 0x2B];
    let mut row = 0;
    while row < RULES.len() {
        rows[RULES[row].id as usize] = row as u8;
        row += 1;
    }
    rows
};

impl PropertyId {
    /// By Mosquitto's name for it, such as `message-expiry-interval`, in any case.
    pub fn from_name(name: &str) -> Option<Self> {
        RULES.iter().find(|rule| rule.name.eq_ignore_ascii_case(name)).map(|rule| rule.id)
    }

    pub fn from_number(number: u32) -> Option<Self> {
        let row = *ROW_OF.get(usize::try_from(number).ok()?)?;
        RULES.get(usize::from(row)).map(|rule| rule.id)
    }

    const fn rule(self) -> &'static Rule {
        &RULES[ROW_OF[self as usize] as usize]
    }

    /// Mosquitto's name for it.
    pub const fn name(self) -> &'static str {
        self.rule().name
    }

    pub const fn kind(self) -> PropertyType {
        self.rule().kind
    }

    pub const fn is_allowed_in(self, owner: PropertyOwner) -> bool {
        self.rule().allowed & 1 << owner as u8 != 0
    }

    pub const fn is_repeatable_in(self, owner: PropertyOwner) -> bool {
        self.rule().repeatable & 1 << owner as u8 != 0
    }
}
