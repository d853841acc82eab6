//! Acknowledgements between the moment at which their messages are taken and that at which they may go.

use bytes::BytesMut;

use crate::mqtt::packet::{Disconnect, PacketId};

/// Acknowledgements that are held back, in the order of their messages [MQTT-4.6.0-2] [MQTT-4.6.0-3].
#[derive(Debug, Default)]
pub(super) struct Staged {
    pub(super) bytes: BytesMut,
    /// The PUBRECs among them, and where each ends in `bytes`.
    pub(super) pubrecs: Vec<(PacketId, usize)>,
    /// DISCONNECT over an error, which goes out after them: nothing follows it [MQTT-3.14.4-1].
    pub(super) disconnect: Option<Disconnect>,
}

impl Staged {
    pub(super) fn clear(&mut self) {
        self.bytes.clear();
        self.pubrecs.clear();
        self.disconnect = None;
    }
}
