//! The table of §2.2.2.2: each property's value, identifier, name on the command line, and owners. Its macro makes
//! the types and their codec of it.

use bytes::{Bytes, BytesMut};
use bytestring::ByteString;

use super::value::{Binary, Byte, FourByteInteger, Text, TwoByteInteger, Value, VariableByteInteger};
use super::{Properties, PropertyOwner as Owner, PropertyType};
use crate::mqtt::packet::wire::Reader;
use crate::mqtt::packet::{DecodeError, EncodeError};

/// A set of [`Owner`]s, a bit each.
type Owners = u16;

const fn among(owners: &[Owner]) -> Owners {
    let mut set = 0;
    let mut at = 0;
    while at < owners.len() {
        set |= 1 << owners[at] as u8;
        at += 1;
    }
    set
}

/// The type of a property with fields of these types.
const fn joined(fields: &[PropertyType]) -> PropertyType {
    if fields.len() == 1 { fields[0] } else { PropertyType::StringPair }
}

macro_rules! properties {
    ($(
        $(#[$comment:meta])*
        $variant:ident($($field:ident: $type:ident),+) = $number:literal, $name:literal $(=> $accessor:ident: $native:ty)?,
            in [$($allowed:ident),+] $(, repeatable in [$($repeatable:ident),+])?;
    )*) => {
        /// One property with its value.
        #[derive(Clone, Debug, PartialEq, Eq)]
        pub enum Property {
            $($(#[$comment])* $variant($(<$type as Value>::Native),+),)*
        }

        /// Property identifiers, §2.2.2.2.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[repr(u8)]
        pub enum PropertyId {
            $($variant = $number,)*
        }

        impl PropertyId {
            pub const ALL: &[Self] = &[$(Self::$variant,)*];

            pub const fn from_number(number: u32) -> Option<Self> {
                match number {
                    $($number => Some(Self::$variant),)*
                    _ => None,
                }
            }

            /// Mosquitto's name for it.
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$variant => $name,)*
                }
            }

            pub const fn kind(self) -> PropertyType {
                match self {
                    $(Self::$variant => joined(&[$($type::TYPE),+]),)*
                }
            }

            const fn allowed(self) -> Owners {
                match self {
                    $(Self::$variant => const { among(&[$(Owner::$allowed),+]) },)*
                }
            }

            const fn repeatable(self) -> Owners {
                match self {
                    $(Self::$variant => const { among(&[$($(Owner::$repeatable),+)?]) },)*
                }
            }
        }

        impl Property {
            pub const fn id(&self) -> PropertyId {
                match self {
                    $(Self::$variant(..) => PropertyId::$variant,)*
                }
            }

            pub(super) fn read(id: PropertyId, reader: &mut Reader) -> Result<Self, DecodeError> {
                Ok(match id {
                    $(PropertyId::$variant => Self::$variant($($type::read(reader)?),+),)*
                })
            }

            /// Bytes of the value on the wire, without its identifier.
            pub(super) fn value_len(&self) -> Result<usize, EncodeError> {
                Ok(match self {
                    $(Self::$variant($($field),+) => 0 $(+ $type::encoded_len($field)?)+,)*
                })
            }

            pub(super) fn write_value(&self, out: &mut BytesMut) {
                match self {
                    $(Self::$variant($($field),+) => {
                        $($type::write($field, out);)+
                    })*
                }
            }

            pub(super) fn detach(&mut self) {
                match self {
                    $(Self::$variant($($field),+) => {
                        $($type::detach($field);)+
                    })*
                }
            }
        }

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

properties! {
    PayloadFormatIndicator(value: Byte) = 0x01, "payload-format-indicator" => payload_format_indicator: u8,
        in [Publish, Will];
    /// Seconds.
    MessageExpiryInterval(value: FourByteInteger) = 0x02, "message-expiry-interval" => message_expiry_interval: u32,
        in [Publish, Will];
    ContentType(value: Text) = 0x03, "content-type" => content_type: ByteString, in [Publish, Will];
    ResponseTopic(value: Text) = 0x08, "response-topic" => response_topic: ByteString, in [Publish, Will];
    CorrelationData(value: Binary) = 0x09, "correlation-data" => correlation_data: Bytes, in [Publish, Will];
    /// 1 to 268,435,455.
    SubscriptionIdentifier(value: VariableByteInteger) =
        0x0B, "subscription-identifier" => subscription_identifier: u32,
        in [Publish, Subscribe], repeatable in [Publish];
    /// Seconds; `u32::MAX` = never expires.
    SessionExpiryInterval(value: FourByteInteger) = 0x11, "session-expiry-interval" => session_expiry_interval: u32,
        in [Connect, ConnAck, Disconnect];
    AssignedClientIdentifier(value: Text) =
        0x12, "assigned-client-identifier" => assigned_client_identifier: ByteString,
        in [ConnAck];
    /// Seconds.
    ServerKeepAlive(value: TwoByteInteger) = 0x13, "server-keep-alive" => server_keep_alive: u16, in [ConnAck];
    AuthenticationMethod(value: Text) = 0x15, "authentication-method" => authentication_method: ByteString,
        in [Connect, ConnAck, Auth];
    AuthenticationData(value: Binary) = 0x16, "authentication-data" => authentication_data: Bytes,
        in [Connect, ConnAck, Auth];
    RequestProblemInformation(value: Byte) = 0x17, "request-problem-information" => request_problem_information: u8,
        in [Connect];
    /// Seconds.
    WillDelayInterval(value: FourByteInteger) = 0x18, "will-delay-interval" => will_delay_interval: u32, in [Will];
    RequestResponseInformation(value: Byte) = 0x19, "request-response-information" => request_response_information: u8,
        in [Connect];
    ResponseInformation(value: Text) = 0x1A, "response-information" => response_information: ByteString, in [ConnAck];
    ServerReference(value: Text) = 0x1C, "server-reference" => server_reference: ByteString, in [ConnAck, Disconnect];
    ReasonString(value: Text) = 0x1F, "reason-string" => reason_string: ByteString,
        in [ConnAck, PubAck, PubRec, PubRel, PubComp, SubAck, UnsubAck, Disconnect, Auth];
    ReceiveMaximum(value: TwoByteInteger) = 0x21, "receive-maximum" => receive_maximum: u16, in [Connect, ConnAck];
    TopicAliasMaximum(value: TwoByteInteger) = 0x22, "topic-alias-maximum" => topic_alias_maximum: u16,
        in [Connect, ConnAck];
    TopicAlias(value: TwoByteInteger) = 0x23, "topic-alias" => topic_alias: u16, in [Publish];
    MaximumQoS(value: Byte) = 0x24, "maximum-qos" => maximum_qos: u8, in [ConnAck];
    RetainAvailable(value: Byte) = 0x25, "retain-available" => retain_available: u8, in [ConnAck];
    UserProperty(name: Text, value: Text) = 0x26, "user-property",
        in [Will, Connect, ConnAck, Publish, PubAck, PubRec, PubRel, PubComp, Subscribe, SubAck, Unsubscribe,
            UnsubAck, Disconnect, Auth],
        repeatable in [Will, Connect, ConnAck, Publish, PubAck, PubRec, PubRel, PubComp, Subscribe, SubAck, Unsubscribe,
            UnsubAck, Disconnect, Auth];
    /// Bytes.
    MaximumPacketSize(value: FourByteInteger) = 0x27, "maximum-packet-size" => maximum_packet_size: u32,
        in [Connect, ConnAck];
    WildcardSubscriptionAvailable(value: Byte) =
        0x28, "wildcard-subscription-available" => wildcard_subscription_available: u8,
        in [ConnAck];
    SubscriptionIdentifierAvailable(value: Byte) =
        0x29, "subscription-identifier-available" => subscription_identifier_available: u8,
        in [ConnAck];
    SharedSubscriptionAvailable(value: Byte) =
        0x2A, "shared-subscription-available" => shared_subscription_available: u8,
        in [ConnAck];
}

impl PropertyId {
    /// By Mosquitto's name for it, such as `message-expiry-interval`, in any case.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.iter().find(|id| id.name().eq_ignore_ascii_case(name)).copied()
    }

    pub const fn is_allowed_in(self, owner: Owner) -> bool {
        self.allowed() & 1 << owner as u8 != 0
    }

    pub const fn is_repeatable_in(self, owner: Owner) -> bool {
        self.repeatable() & 1 << owner as u8 != 0
    }
}
