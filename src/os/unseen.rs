//! Other processes, where only Linux's `/proc` would tell what they are: none is sent a signal unseen.

use std::io;

use super::signal::SignalKind;
use super::unsupported;

const WHAT: &str = "calls to look at another process";

pub fn can_be_seen() -> io::Result<()> {
    Err(unsupported(WHAT))
}

pub fn all() -> io::Result<Vec<u32>> {
    Err(unsupported(WHAT))
}

pub fn command_line(_id: u32) -> io::Result<Vec<u8>> {
    Err(unsupported(WHAT))
}

/// There is none, so nobody has one.
pub enum Held {}

impl Held {
    pub fn open(_id: u32) -> io::Result<Self> {
        Err(unsupported(WHAT))
    }

    pub fn name(&self) -> io::Result<String> {
        match *self {}
    }

    pub fn send(&self, _signal: SignalKind) -> io::Result<()> {
        match *self {}
    }
}
