//! A broker in this process, as verbs use it: `broker::host` gives facts, and here they become sentences, lines of the
//! log and exit codes.

pub mod announce;
pub mod embedded;
pub mod sentences;
pub mod start;
