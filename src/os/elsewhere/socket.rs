//! Options of TCP sockets that are as we want them.

use std::io;

use tokio::net::{TcpSocket, TcpStream};

pub fn acknowledge_at_once(_tcp: &TcpStream) {}

/// It may; and there the option would let any program listen on a port that is taken.
pub fn bind_again(_socket: &TcpSocket) -> io::Result<()> {
    Ok(())
}

/// It is.
pub fn only_ipv6(_socket: &TcpSocket) -> io::Result<()> {
    Ok(())
}

/// What a connection fails with that nobody answers.
pub fn timed_out() -> io::Error {
    io::ErrorKind::TimedOut.into()
}

/// Every user may listen on every port.
pub fn first_unprivileged_port() -> u16 {
    0
}
