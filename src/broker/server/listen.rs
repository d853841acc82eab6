//! Sockets that listen, and the loop that accepts from them.

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::net::{TcpListener, TcpSocket, UnixListener};
use tokio::sync::mpsc;

use super::StartError;
use super::connection::{self, Limits};
use super::core::Input;
use crate::broker::{ConnectionId, ListenerId, Peer};

/// Connections that the kernel keeps until they are accepted.
const BACKLOG: u32 = 1024;

/// How long to wait when the process has no descriptor left.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// Where to listen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Bind {
    /// Port 0: the port that the listener's first address got, or one that the system chooses.
    Tcp(SocketAddr),
    Unix(PathBuf),
}

/// One listener of the configuration.
#[derive(Clone, Debug)]
pub struct Listener {
    pub binds: Vec<Bind>,
    /// One of `binds` is enough: a machine may have no IPv6.
    pub one_is_enough: bool,
}

impl Listener {
    pub fn new(binds: Vec<Bind>) -> Self {
        Self { binds, one_is_enough: false }
    }
}

/// Where the server listens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Endpoint {
    pub listener: ListenerId,
    pub bind: Bind,
}

pub(super) enum Socket {
    Tcp(TcpListener, ListenerId),
    Unix(UnixListener, ListenerId, PathBuf),
}

/// Asks for as many descriptors as the process may have: each connection takes one.
pub(super) fn raise_descriptor_limit() {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let limit = getrlimit(Resource::Nofile);
    // Refused, there are fewer connections; nothing else changes.
    let _ = setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, maximum: limit.maximum });
}

pub(super) fn bind(listeners: &[Listener]) -> Result<(Vec<Socket>, Vec<Endpoint>), StartError> {
    let mut sockets = Vec::new();
    let mut endpoints = Vec::new();
    for (index, listener) in listeners.iter().enumerate() {
        let id = ListenerId(index as u16);
        let mut port = 0;
        let mut failed = None;
        let before = sockets.len();
        for bind in &listener.binds {
            match bind_one(bind, id, port) {
                Ok((socket, bind)) => {
                    if let Bind::Tcp(address) = &bind {
                        port = address.port();
                    }
                    sockets.push(socket);
                    endpoints.push(Endpoint { listener: id, bind });
                }
                Err(error) => {
                    let error = StartError::Bind { bind: bind.clone(), error };
                    if !listener.one_is_enough {
                        return Err(error);
                    }
                    failed = Some(error);
                }
            }
        }
        if let Some(error) = failed
            && sockets.len() == before
        {
            return Err(error);
        }
    }
    Ok((sockets, endpoints))
}

fn bind_one(bind: &Bind, id: ListenerId, port: u16) -> io::Result<(Socket, Bind)> {
    match bind {
        Bind::Tcp(address) => {
            let mut address = *address;
            if address.port() == 0 {
                address.set_port(port);
            }
            let listener = bind_tcp(address)?;
            let address = listener.local_addr()?;
            Ok((Socket::Tcp(listener, id), Bind::Tcp(address)))
        }
        Bind::Unix(path) => {
            remove_stale(path)?;
            let listener = UnixListener::bind(path)?;
            Ok((Socket::Unix(listener, id, path.clone()), bind.clone()))
        }
    }
}

fn bind_tcp(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
    socket.set_reuseaddr(true)?;
    if address.is_ipv6() {
        // IPv4 has a socket of its own.
        rustix::net::sockopt::set_ipv6_v6only(&socket, true)?;
    }
    socket.bind(address)?;
    socket.listen(BACKLOG)
}

/// A socket file that a killed broker left; any other file stays, and binding fails on it.
fn remove_stale(path: &PathBuf) -> io::Result<()> {
    use std::os::unix::fs::FileTypeExt;
    match std::fs::symlink_metadata(path) {
        Ok(found) if found.file_type().is_socket() => std::fs::remove_file(path),
        _ => Ok(()),
    }
}

/// The ids of all connections of the process.
static CONNECTIONS: AtomicU64 = AtomicU64::new(1);

pub(super) fn next_connection() -> ConnectionId {
    ConnectionId(CONNECTIONS.fetch_add(1, Ordering::Relaxed))
}

/// Accepts for as long as the core takes what comes.
pub(super) async fn accept(socket: Socket, limits: Limits, core: mpsc::Sender<Input>) {
    match socket {
        Socket::Tcp(listener, id) => loop {
            match listener.accept().await {
                Ok((stream, address)) => {
                    // A small packet must not wait for the acknowledgement of the one before. A connection that
                    // is gone already is found out when it is read.
                    let _ = stream.set_nodelay(true);
                    let peer = Peer { address: address_text(address).into(), certificate_username: None };
                    connection::open(stream, id, peer, limits, &core).await;
                }
                Err(_) => tokio::time::sleep(ACCEPT_PAUSE).await,
            }
            if core.is_closed() {
                return;
            }
        },
        Socket::Unix(listener, id, path) => {
            let _unlinked = Unlinked(path);
            loop {
                match listener.accept().await {
                    Ok((stream, _)) => {
                        let peer = Peer { address: "unix".into(), certificate_username: None };
                        connection::open(stream, id, peer, limits, &core).await;
                    }
                    Err(_) => tokio::time::sleep(ACCEPT_PAUSE).await,
                }
                if core.is_closed() {
                    return;
                }
            }
        }
    }
}

/// As log lines show it: address and port.
fn address_text(address: SocketAddr) -> String {
    format!("{}:{}", address.ip(), address.port())
}

/// Takes the socket's file away when the listener ends.
struct Unlinked(PathBuf);

impl Drop for Unlinked {
    fn drop(&mut self) {
        // It may be gone already.
        let _ = std::fs::remove_file(&self.0);
    }
}
