//! Steps of QoS 2 flows that wait while the store fails.

use std::collections::HashSet;

use crate::mqtt::packet::PacketId;

/// Steps of QoS 2 flows that wait until the store works again, in the order in which they are to be taken.
#[derive(Debug, Default)]
pub(super) struct WaitingSteps {
    pub(super) steps: Vec<Step>,
    /// The same, so that a client which repeats itself takes no memory. There are as many as packet ids, twice.
    pub(super) known: HashSet<Step>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Step {
    /// PUBREL came from the client.
    PubRel(PacketId),
    /// PUBREC came from the client, and PUBREL is to go to it.
    PubRec(PacketId),
}
