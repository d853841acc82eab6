//! How to reach a peer or be reached, TLS included; knows no packet.
//!
//! [`connect`] takes a [`Route`] (where to, and through what) and gives a [`Stream`]; every failure is
//! a [`ConnectError`], a fact that `cmd` and `diagnose` put into words.

pub mod authority;
mod connect;
pub mod endpoint;
mod first_bytes;
pub mod proxy;
mod reason;
pub mod socks;
mod stream;
pub mod this_machine;
pub mod tls;
pub mod tunnel;
mod verify;
pub mod websocket;

pub use connect::{
    ATTEMPT_DELAY, Attempt, CONNECT_TIMEOUT, ConnectError, ProxyError, Route, connect, connect_in_turn, connect_within,
};
pub use endpoint::{Endpoint, Scheme};
pub use reason::reason;
pub use stream::Stream;
