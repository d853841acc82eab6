//! Sockets that listen, and the loop that accepts from them.

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::{TcpListener, TcpSocket};

use super::connection_task::{self, Shared};
use super::handshake::{Handshake, Tls, UnderWay, WebSockets};
use super::input::Input;
use crate::broker::{ListenerId, Peer};
use crate::net::Stream;
use crate::os::{local, socket};

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
    pub missing: Missing,
    pub tls: Option<Tls>,
    pub websockets: Option<WebSockets>,
}

/// Which of a listener's addresses may be missing as long as there is one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Missing {
    None,
    /// Those that the machine does not have: it may lack IPv6.
    NotThere,
    Any,
}

impl Listener {
    pub fn new(binds: Vec<Bind>) -> Self {
        Self { binds, missing: Missing::None, tls: None, websockets: None }
    }
}

/// Where the server listens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Endpoint {
    pub listener: ListenerId,
    pub bind: Bind,
}

/// Why a server does not start.
#[derive(Debug)]
pub enum StartError {
    Bind { bind: Bind, error: io::Error },
    Thread(io::Error),
}

/// A socket that listens, with what is done to its connections before they speak MQTT.
pub(super) struct Socket {
    kind: Kind,
    id: ListenerId,
    handshake: Handshake,
}

enum Kind {
    Tcp(TcpListener),
    Unix { listener: local::Listener, _file: local::SocketFile },
}

pub(super) fn bind(listeners: &[Listener]) -> Result<(Vec<Socket>, Vec<Endpoint>), StartError> {
    let mut sockets = Vec::new();
    let mut endpoints = Vec::new();
    for (index, listener) in listeners.iter().enumerate() {
        let id = ListenerId(index as u16);
        let handshake = Handshake { tls: listener.tls.clone(), websockets: listener.websockets.clone() };
        let mut port = 0;
        let mut failed = None;
        let before = sockets.len();
        for bind in &listener.binds {
            match bind_one(bind, port) {
                Ok((kind, bind)) => {
                    if let Bind::Tcp(address) = &bind {
                        port = address.port();
                    }
                    sockets.push(Socket { kind, id, handshake: handshake.clone() });
                    endpoints.push(Endpoint { listener: id, bind });
                }
                Err(error) => {
                    let tolerable = match listener.missing {
                        Missing::None => false,
                        Missing::NotThere => error.kind() != io::ErrorKind::AddrInUse,
                        Missing::Any => true,
                    };
                    let error = StartError::Bind { bind: bind.clone(), error };
                    if !tolerable {
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

fn bind_one(bind: &Bind, port: u16) -> io::Result<(Kind, Bind)> {
    match bind {
        Bind::Tcp(address) => {
            let mut address = *address;
            if address.port() == 0 {
                address.set_port(port);
            }
            let listener = bind_tcp(address)?;
            let address = listener.local_addr()?;
            Ok((Kind::Tcp(listener), Bind::Tcp(address)))
        }
        Bind::Unix(path) => {
            // Its user and its group may connect, as with Mosquitto.
            let (listener, file) = local::listen(path, 0o770)?;
            Ok((Kind::Unix { listener, _file: file }, bind.clone()))
        }
    }
}

fn bind_tcp(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
    socket::bind_again(&socket)?;
    if address.is_ipv6() {
        socket::only_ipv6(&socket)?;
    }
    socket.bind(address)?;
    socket.listen(BACKLOG)
}

impl Socket {
    /// Accepts for as long as the core takes what comes.
    pub(super) async fn accept(self, shared: Arc<Shared>) {
        let mut under_way = UnderWay::default();
        while !shared.core.is_closed() {
            let Ok((stream, address)) = self.kind.accept().await else {
                // The process is out of descriptors, or the connection was gone before it was accepted.
                tokio::time::sleep(ACCEPT_PAUSE).await;
                continue;
            };
            let peer = Peer { address: address.into(), ..Peer::default() };
            if self.handshake.is_none() {
                connection_task::open(stream, self.id, peer, None, Arc::clone(&shared)).await;
            } else {
                // Boxed, for the room that a handshake takes would otherwise be kept as long as the handle of its task.
                let handshake =
                    Box::pin(self.handshake.clone().run(stream, self.id, peer.clone(), Arc::clone(&shared)));
                let task = tokio::spawn(handshake);
                if let Some(peer) = under_way.add(task.abort_handle(), peer) {
                    let why = "too many connections have not got as far as MQTT".to_owned();
                    // Without a core nobody wants to know.
                    let _ = shared.core.send(Input::Failed { peer, listener: self.id, why }).await;
                }
            }
        }
    }
}

impl Kind {
    async fn accept(&self) -> io::Result<(Stream, String)> {
        match self {
            Self::Tcp(listener) => {
                let (stream, address) = listener.accept().await?;
                // A small packet must not wait for the acknowledgement of the one before. A connection that is
                // gone already is found out when it is read.
                let _ = stream.set_nodelay(true);
                Ok((stream.into(), address_text(address)))
            }
            Self::Unix { listener, .. } => {
                let (stream, _) = listener.accept().await?;
                Ok((stream.into(), "unix".to_owned()))
            }
        }
    }
}

/// As log lines show it: address and port.
fn address_text(address: SocketAddr) -> String {
    format!("{}:{}", address.ip(), address.port())
}
