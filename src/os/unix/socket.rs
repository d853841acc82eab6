//! Options of TCP sockets.

use std::io;

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
