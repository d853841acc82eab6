//! There is no logger of the system.

use std::io;

use crate::os::unsupported;

#[derive(Debug)]
pub enum Syslog {}

impl Syslog {
    pub fn connect() -> io::Result<Self> {
        Err(unsupported("syslog's sockets"))
    }

    pub fn send(&self, _line: &[u8]) -> io::Result<()> {
        match *self {}
    }
}
