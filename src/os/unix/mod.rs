//! The room on Linux, macOS and the other Unixes. What Linux alone has is in a module `linux` of its file.

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
