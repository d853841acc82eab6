//! The system's logger.

use std::io;
use std::os::unix::net::UnixDatagram;

/// Where it listens.
#[cfg(not(target_vendor = "apple"))]
const SOCKET: &str = "/dev/log";
#[cfg(target_vendor = "apple")]
const SOCKET: &str = "/var/run/syslog";

#[derive(Debug)]
pub struct Syslog(UnixDatagram);

impl Syslog {
    pub fn connect() -> io::Result<Self> {
        let socket = UnixDatagram::unbound()?;
        socket.connect(SOCKET)?;
        Ok(Self(socket))
    }

    pub fn send(&self, line: &[u8]) -> io::Result<()> {
        self.0.send(line).map(|_| ())
    }
}

impl From<UnixDatagram> for Syslog {
    fn from(socket: UnixDatagram) -> Self {
        Self(socket)
    }
}
