//! A broker in this process: from a configuration and its files to one that runs, with its log.

pub mod embedded;
pub mod load;
pub mod log;
pub mod start;
pub mod tls;
