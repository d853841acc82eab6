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

pub fn become_user(_owner: Owner, _groups: &[u32]) -> io::Result<()> {
    Err(unsupported("calls to become another user"))
}

pub fn find(_name: &str) -> io::Result<Option<Owner>> {
    Ok(None)
}

pub fn groups(_name: &str, _own: u32) -> io::Result<Vec<u32>> {
    Ok(Vec::new())
}

pub fn name_of_user(_id: u32) -> Option<String> {
    None
}

pub fn name_of_group(_id: u32) -> Option<String> {
    None
}
