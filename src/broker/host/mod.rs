//! A broker in this process: from a configuration and its files to one that runs, with its log. What fails and what is
//! unusual comes back as facts; `cmd::host` has the sentences.

pub mod load;
pub mod log;
pub mod start;
pub mod state;
pub mod tls;
