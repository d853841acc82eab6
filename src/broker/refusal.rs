//! Why a CONNECT, or a login that follows it, is not accepted, and the reason code of each version for it.

use super::event::Closing;
use crate::mqtt::packet::{Property, ProtocolVersion, ReasonCode};

/// What CONNACK says before version 5: server unavailable.
pub(super) const SERVER_UNAVAILABLE: u8 = 3;

/// Why a CONNECT is not accepted, as version 5 says it.
pub(super) struct Refusal {
    /// `None`: the connection is closed without an answer.
    pub(super) reason: Option<ReasonCode>,
    /// The limit that the client did not keep to.
    pub(super) limit: Option<Property>,
    pub(super) why: Closing,
}

impl Refusal {
    pub(super) const fn new(reason: ReasonCode, why: Closing) -> Self {
        Self { reason: Some(reason), limit: None, why }
    }

    pub(super) const fn silent(why: Closing) -> Self {
        Self { reason: None, limit: None, why }
    }

    /// The code of the CONNACK, if there is one: before version 5 not every reason has one.
    pub(super) fn code(&self, version: ProtocolVersion) -> Option<u8> {
        let reason = self.reason?;
        if version == ProtocolVersion::V5 {
            return Some(reason.0);
        }
        match reason {
            ReasonCode::UNSUPPORTED_PROTOCOL_VERSION => Some(1),
            ReasonCode::CLIENT_IDENTIFIER_NOT_VALID | ReasonCode::UNSPECIFIED_ERROR => Some(2),
            ReasonCode::SERVER_UNAVAILABLE | ReasonCode::QUOTA_EXCEEDED => Some(SERVER_UNAVAILABLE),
            ReasonCode::BAD_USER_NAME_OR_PASSWORD => Some(4),
            ReasonCode::NOT_AUTHORIZED | ReasonCode::PACKET_TOO_LARGE => Some(5),
            _ => None,
        }
    }
}
