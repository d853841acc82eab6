//! MQTT over WebSockets (RFC 6455): a stream of bytes on top of binary frames, both ends.
//!
//! The framing is ours: tungstenite would add eight crates, and Mosquitto's handshake differs from the
//! one that it makes. HTTP heads are read by httparse, which is in the house with hyper.

mod frame;
mod handshake;
mod opening;
mod socket;

pub use self::frame::FRAME_LIMIT;
pub(super) use self::handshake::open;
pub use self::handshake::{HEAD_LIMIT, Request, Upgrade, WebSocketError, host_field};
pub use self::opening::{
    DEFAULT_PATH, HEADER_COUNT, Header, Opening, OpeningError, VALUE_LIMIT, check_header_name, check_path,
};
pub use self::socket::WebSocket;
