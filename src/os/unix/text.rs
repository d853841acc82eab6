//! Words of the command line and paths are bytes.

pub use std::os::unix::ffi::{OsStrExt, OsStringExt};
