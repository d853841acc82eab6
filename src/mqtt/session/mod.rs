//! The client's side of a session, pure: bytes and the time in, bytes and events out.
//!
//! Its owner connects a stream and calls [`Session::handle_connected`]; hands what it reads to
//! [`Session::handle_next`], one packet at a time; takes [`Session::poll_event`] until it is empty; stages the
//! acknowledgement of each message that he takes by [`Session::acknowledge`], and releases them when it is sure that nothing
//! he did with the messages can be lost; writes [`Session::output`]; wakes up at [`Session::poll_deadline`] for [`Session::handle_deadline`]; and reports the end
//! of the stream by [`Session::handle_closed`], after which another stream may continue the session.

mod acknowledge;
mod at_most_once;
mod authenticate;
mod error;
mod event;
mod keep_alive;
mod machine;
mod output;
mod receive;
mod send;
mod staged;

pub use error::{SendError, SessionError};
pub use event::{Acknowledged, Event, Summary, Trace};
pub use machine::Session;
pub use output::Output;

#[cfg(test)]
mod tests;
