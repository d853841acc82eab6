//! Who is at the other end of a connection, and by which listener he came.

use bytestring::ByteString;

/// Index into [`Settings::listeners`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct ListenerId(pub u16);

/// The other end of a connection, as the listener saw it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Peer {
    /// As log lines show it.
    pub address: Box<str>,
    /// If it came by TLS, until CONNECT is accepted.
    pub tls: Option<Box<PeerTls>>,
}

/// What TLS says of a peer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PeerTls {
    /// `TLSv1.3 cipher …`.
    pub session: ByteString,
    /// From its certificate, for listeners with [`UsernameFrom::Certificate`].
    pub username: Option<ByteString>,
}

impl Peer {
    /// The address without its port.
    pub fn host(&self) -> ByteString {
        let host = self.address.rsplit_once(':').map_or(&*self.address, |(host, _)| host);
        host.trim_start_matches('[').trim_end_matches(']').into()
    }
}
