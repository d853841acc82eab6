//! The protocol: MQTT 3.1, 3.1.1 and 5. Pure: no sockets and no clock of its own.

pub mod alias;
pub mod authentication;
pub mod flow;
pub mod packet;
pub mod session;
pub mod topic;
