//! `moskit pub`, `sub` and `rr`: one file a verb, and what they share.

pub mod connect_packet;
pub mod conversation;
pub mod debug_lines;
mod decoding;
pub mod ending;
mod exec;
mod feed;
mod formats;
pub mod leaving;
mod manuals;
pub mod options_file;
pub mod payload;
pub mod plan;
pub mod printer;
pub mod progress;
pub mod publish;
mod recorder;
mod replay;
pub mod request;
mod retained_end;
pub mod session;
pub mod setup;
pub mod signals;
pub mod stop;
pub mod subscribe;
mod watch;
