//! Options of TCP sockets.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};

use rustix::net::sockopt;
use tokio::net::{TcpSocket, TcpStream};

/// Asks the kernel to acknowledge what arrives at once. Linux only; elsewhere it does nothing.
pub fn acknowledge_at_once(tcp: &TcpStream) {
    #[cfg(any(target_os = "linux", target_os = "android"))]
    {
        // Only a hint to the kernel: refused, it costs time and nothing else.
        let _ = sockopt::set_tcp_quickack(tcp, true);
    }
    #[cfg(not(any(target_os = "linux", target_os = "android")))]
    let _ = tcp;
}

/// Lets a broker that was just ended listen again at once.
pub fn bind_again(socket: &TcpSocket) -> io::Result<()> {
    socket.set_reuseaddr(true)
}

/// A port on 127.0.0.1 that is free, with a socket that keeps the system from giving it to another program for as long as it
/// is held; who asks for the port by its number can listen on it all the same. Only Linux allows that: elsewhere there is no
/// such socket.
pub fn free_port() -> io::Result<(u16, Option<TcpSocket>)> {
    let socket = TcpSocket::new_v4()?;
    bind_again(&socket)?;
    socket.bind(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)))?;
    let port = socket.local_addr()?.port();
    Ok((port, cfg!(any(target_os = "linux", target_os = "android")).then_some(socket)))
}

/// IPv4 has a socket of its own.
pub fn only_ipv6(socket: &TcpSocket) -> io::Result<()> {
    Ok(sockopt::set_ipv6_v6only(socket, true)?)
}

/// What a connection fails with that nobody answers.
pub fn timed_out() -> io::Error {
    rustix::io::Errno::TIMEDOUT.into()
}

/// The first port that a user without rights may listen on.
pub fn first_unprivileged_port() -> u16 {
    const USUAL: u16 = 1024;
    let text = std::fs::read_to_string("/proc/sys/net/ipv4/ip_unprivileged_port_start").unwrap_or_default();
    text.trim().parse().unwrap_or(USUAL)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(target_os = "linux")]
    #[test]
    fn a_port_that_is_held_is_given_to_nobody_but_who_asks_for_it() {
        // Held all at once, they would soon meet if the system gave one twice.
        let held: Vec<_> = (0..300).map(|_| free_port().unwrap()).collect();
        let mut ports: Vec<_> = held.iter().map(|(port, _)| *port).collect();
        ports.sort_unstable();
        ports.dedup();
        assert_eq!(ports.len(), held.len());
        let (port, socket) = &held[0];
        assert!(socket.is_some());
        let listener = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, *port)).unwrap();
        std::net::TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    }
}
