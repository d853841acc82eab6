//! Users have no numbers, and none of them is root.

use std::io;

use crate::os::{Owner, unsupported};

pub fn real() -> Option<Owner> {
    None
}

pub fn effective() -> Option<Owner> {
    None
}

pub fn threads() -> io::Result<usize> {
    Ok(1)
}

pub fn become_user(_owner: Owner) -> io::Result<()> {
    Err(unsupported("calls to become another user"))
}
