//! The room where there is no Unix, which is Windows: the same names, and what they can be there.

pub mod files;
pub mod first_process;
pub mod hosts;
pub mod local;
pub mod process;
pub mod signal;
pub mod socket;
pub mod syslog;
pub mod terminal;
pub mod text;
pub mod user;
