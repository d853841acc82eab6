//! Where waiting messages can be read from, and the table of their ages.
//!
//! A [`Source`] yields what it knows: every message ([`Waiting`]) where a broker keeps them in a file
//! or lists them, or a count per client ([`Total`]) where it tells no more. [`shape`] counts them.

pub mod age;
pub mod api;
mod emqx;
pub mod exchange;
pub mod file;
pub mod findings;
mod hivemq;
pub mod http;
pub mod ledger;
pub mod ndjson;
mod paging;
pub mod purge;
mod rabbitmq;
mod rmqtt;
pub mod select;
pub mod shape;
mod since;
mod source;
mod split;
pub mod sys;
mod vernemq;

pub use self::since::Since;
pub use self::source::{Error, Filter, Item, Note, Session, Snapshot, Source, Total, Waiting, Want};
