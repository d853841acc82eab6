//! What a connection is let in by, other than a password.

use bytestring::ByteString;

use super::clock::Monotonic;
use crate::mqtt::packet::{Connect, Property};
use crate::scram::{Keys, Mechanism, ServerExchange};
use crate::term::Secret;

/// A login that is under way.
#[derive(Debug)]
pub(super) struct Authentication {
    pub(super) exchange: ServerExchange,
    /// What waits for it; `None` for one that was begun again.
    pub(super) connect: Option<Box<Connect>>,
}

/// What a connection was let in by, other than a password.
#[derive(Clone, Debug)]
pub(super) enum Proof {
    Scram {
        mechanism: Mechanism,
        /// Those of the user when he proved to be it: whose keys have changed has another password.
        keys: Keys,
    },
    Token {
        /// The token is kept, to be checked again after a reload of the rules.
        token: Secret,
        /// When it expires, and the connection with it.
        ends: Monotonic,
    },
}

/// A login that has succeeded: as whom, and what proves us to the client.
#[derive(Debug)]
pub(super) struct Proven {
    pub(super) user: ByteString,
    pub(super) proof: Proof,
    /// The properties for CONNACK.
    pub(super) properties: Vec<Property>,
}
