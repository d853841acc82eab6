//! What a connection is let in by, other than a password.

use bytestring::ByteString;

use crate::mqtt::packet::{Connect, Property};
use crate::scram::{Keys, Mechanism, ServerExchange};

/// A login that is under way.
#[derive(Debug)]
pub(super) struct Authentication {
    pub(super) exchange: ServerExchange,
    /// What waits for it; `None` for one that was begun again.
    pub(super) connect: Option<Box<Connect>>,
}

/// What a connection was let in by.
#[derive(Clone, Debug)]
pub(super) struct Proof {
    pub(super) mechanism: Mechanism,
    /// Those of the user when he proved to be it: whose keys have changed has another password.
    pub(super) keys: Keys,
}

/// A login that has succeeded: as whom, and what proves us to the client.
#[derive(Debug)]
pub(super) struct Proven {
    pub(super) user: ByteString,
    pub(super) proof: Proof,
    /// For CONNACK.
    pub(super) properties: [Property; 2],
}
