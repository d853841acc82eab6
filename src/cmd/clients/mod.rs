//! `moskit pub`, `sub` and `rr`: one file a verb, and what they share.

pub mod connect_packet;
pub mod debug_lines;
pub mod ending;
pub mod leaving;
mod manuals;
pub mod options_file;
pub mod payload;
pub mod printer;
pub mod publish;
pub mod request;
pub mod session;
pub mod setup;
pub mod subscribe;
