//! A CONNECT that is to begin a session while the store still has rows of one of the same client.

use super::proof::Proven;
use crate::mqtt::packet::Connect;

/// It is judged again when its turn comes: rules may have changed.
#[derive(Debug)]
pub(super) struct Postponed {
    pub(super) connect: Connect,
    pub(super) proven: Option<Proven>,
}
