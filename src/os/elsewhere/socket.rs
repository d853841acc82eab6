//! Options of TCP sockets that are as we want them.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};

use tokio::net::{TcpSocket, TcpStream};

pub fn acknowledge_at_once(_tcp: &TcpStream) {}

/// It may; and there the option would let any program listen on a port that is taken.
pub fn bind_again(_socket: &TcpSocket) -> io::Result<()> {
    Ok(())
}

/// A port on 127.0.0.1 that is free. Nothing can hold it for a program that is to listen on it.
pub fn free_port() -> io::Result<(u16, Option<TcpSocket>)> {
    let socket = TcpSocket::new_v4()?;
    socket.bind(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)))?;
    Ok((socket.local_addr()?.port(), None))
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
