//! Reason codes of MQTT 5, §2.4: raw numbers with names beside them.

use super::{PacketType, ProtocolVersion};

/// A reason code as it came over the wire; any of the 256 values.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ReasonCode(pub u8);

macro_rules! reasons {
    ($($name:ident = $code:literal, $text:literal;)*) => {
        impl ReasonCode {
            $(pub const $name: Self = Self($code);)*

            /// The text that Mosquitto's programs print for the code.
            pub const fn text(self) -> &'static str {
                match self.0 {
                    $($code => $text,)*
                    _ => "Unknown reason",
                }
            }
        }
    };
}

reasons! {
    SUCCESS = 0, "Success";
    GRANTED_QOS_1 = 1, "Granted QoS 1";
    GRANTED_QOS_2 = 2, "Granted QoS 2";
    DISCONNECT_WITH_WILL = 4, "Disconnect with Will Message";
    NO_MATCHING_SUBSCRIBERS = 16, "No matching subscribers";
    NO_SUBSCRIPTION_EXISTED = 17, "No subscription existed";
    CONTINUE_AUTHENTICATION = 24, "Continue authentication";
    RE_AUTHENTICATE = 25, "Re-authenticate";
    UNSPECIFIED_ERROR = 128, "Unspecified error";
    MALFORMED_PACKET = 129, "Malformed Packet";
    PROTOCOL_ERROR = 130, "Protocol Error";
    IMPLEMENTATION_SPECIFIC_ERROR = 131, "Implementation specific error";
    UNSUPPORTED_PROTOCOL_VERSION = 132, "Unsupported Protocol Version";
    CLIENT_IDENTIFIER_NOT_VALID = 133, "Client Identifier not valid";
    BAD_USER_NAME_OR_PASSWORD = 134, "Bad User Name or Password";
    NOT_AUTHORIZED = 135, "Not authorized";
    SERVER_UNAVAILABLE = 136, "Server unavailable";
    SERVER_BUSY = 137, "Server busy";
    BANNED = 138, "Banned";
    SERVER_SHUTTING_DOWN = 139, "Server shutting down";
    BAD_AUTHENTICATION_METHOD = 140, "Bad authentication method";
    KEEP_ALIVE_TIMEOUT = 141, "Keep Alive timeout";
    SESSION_TAKEN_OVER = 142, "Session taken over";
    TOPIC_FILTER_INVALID = 143, "Topic Filter invalid";
    TOPIC_NAME_INVALID = 144, "Topic Name invalid";
    PACKET_IDENTIFIER_IN_USE = 145, "Packet Identifier in use";
    PACKET_IDENTIFIER_NOT_FOUND = 146, "Packet Identifier not found";
    RECEIVE_MAXIMUM_EXCEEDED = 147, "Receive Maximum exceeded";
    TOPIC_ALIAS_INVALID = 148, "Topic Alias invalid";
    PACKET_TOO_LARGE = 149, "Packet too large";
    MESSAGE_RATE_TOO_HIGH = 150, "Message rate too high";
    QUOTA_EXCEEDED = 151, "Quota exceeded";
    ADMINISTRATIVE_ACTION = 152, "Administrative action";
    PAYLOAD_FORMAT_INVALID = 153, "Payload format invalid";
    RETAIN_NOT_SUPPORTED = 154, "Retain not supported";
    QOS_NOT_SUPPORTED = 155, "QoS not supported";
    USE_ANOTHER_SERVER = 156, "Use another server";
    SERVER_MOVED = 157, "Server moved";
    SHARED_SUBSCRIPTIONS_NOT_SUPPORTED = 158, "Shared Subscriptions not supported";
    CONNECTION_RATE_EXCEEDED = 159, "Connection rate exceeded";
    MAXIMUM_CONNECT_TIME = 160, "Maximum connect time";
    SUBSCRIPTION_IDENTIFIERS_NOT_SUPPORTED = 161, "Subscription identifiers not supported";
    WILDCARD_SUBSCRIPTIONS_NOT_SUPPORTED = 162, "Wildcard Subscriptions not supported";
}

/// The codes of a packet as a set of the 256 values.
const fn set(codes: &[u8]) -> [u128; 2] {
    let mut set = [0; 2];
    let mut at = 0;
    while at < codes.len() {
        set[(codes[at] >> 7) as usize] |= 1 << (codes[at] & 0x7F);
        at += 1;
    }
    set
}

/// What CONNACK may say [MQTT-3.2.2-8].
const CONNACK: [u128; 2] =
    set(&[0, 128, 129, 130, 131, 132, 133, 134, 135, 136, 137, 138, 140, 144, 149, 151, 153, 154, 155, 156, 157, 159]);
/// What PUBACK [MQTT-3.4.2-1] and PUBREC [MQTT-3.5.2-1] may say.
const PUBACK: [u128; 2] = set(&[0, 16, 128, 131, 135, 144, 145, 151, 153]);
/// What PUBREL [MQTT-3.6.2-1] and PUBCOMP [MQTT-3.7.2-1] may say.
const PUBCOMP: [u128; 2] = set(&[0, 146]);
/// What SUBACK may say of each filter [MQTT-3.9.3-2].
const SUBACK: [u128; 2] = set(&[0, 1, 2, 128, 131, 135, 143, 145, 151, 158, 161, 162]);
/// What UNSUBACK may say of each filter [MQTT-3.11.3-2].
const UNSUBACK: [u128; 2] = set(&[0, 17, 128, 131, 135, 143, 145]);
/// What DISCONNECT may say [MQTT-3.14.2-1].
const DISCONNECT: [u128; 2] = set(&[
    0, 4, 128, 129, 130, 131, 135, 137, 139, 141, 142, 143, 144, 147, 148, 149, 150, 151, 152, 153, 154, 155, 156, 157,
    158, 159, 160, 161, 162,
]);
/// What AUTH may say [MQTT-3.15.2-1].
const AUTH: [u128; 2] = set(&[0, 24, 25]);

impl ReasonCode {
    /// Whether the standard defines the code for that packet, §2.4.
    pub const fn is_defined_in(self, packet: PacketType) -> bool {
        let codes = match packet {
            PacketType::ConnAck => CONNACK,
            PacketType::PubAck | PacketType::PubRec => PUBACK,
            PacketType::PubRel | PacketType::PubComp => PUBCOMP,
            PacketType::SubAck => SUBACK,
            PacketType::UnsubAck => UNSUBACK,
            PacketType::Disconnect => DISCONNECT,
            PacketType::Auth => AUTH,
            _ => return false,
        };
        codes[(self.0 >> 7) as usize] & 1 << (self.0 & 0x7F) != 0
    }

    /// 128 and above: the request failed.
    pub const fn is_error(self) -> bool {
        self.0 >= 128
    }
}

/// What Mosquitto's programs print of the code of a refusing CONNACK: a reason code in 5.0, a return code before
/// (3.1.1, table 3.1).
pub fn refusal_text(version: ProtocolVersion, code: u8) -> String {
    if version == ProtocolVersion::V5 {
        return ReasonCode(code).text().to_owned();
    }
    let why = match code {
        1 => "unacceptable protocol version",
        2 => "identifier rejected",
        3 => "broker unavailable",
        4 => "bad user name or password",
        5 => "not authorised",
        _ => "unknown reason",
    };
    format!("Connection Refused: {why}")
}
