//! From a route to a stream: names to addresses, addresses in turn, then the layers on top.

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use tokio::net::{TcpSocket, TcpStream, lookup_host};
use tokio::time::timeout;

use super::endpoint::Endpoint;
use super::proxy::{Hop, Kind, Proxy};
use super::reason;
use super::socks::{self, SocksError};
use super::stream::Stream;
use super::tls;
use super::tunnel::{self, TunnelError};
use super::websocket::{self, Opening, WebSocketError};
use crate::os::{local, socket};

/// How long one address may take to accept, and what is behind it to answer. Mosquitto leaves it to the operating system, which is
/// two minutes and more on Linux for each address that stays silent.
pub const CONNECT_TIMEOUT: Duration = Duration::from_secs(30);

/// The most addresses of one name that are tried. A name with more is a mistake or an attack.
pub const ADDRESS_LIMIT: usize = 64;

/// Where to, and through what.
#[derive(Clone, Debug)]
pub struct Route {
    pub endpoint: Endpoint,
    /// Local address or host name to connect from (`-A`).
    pub bind: Option<String>,
    /// Sends small packets at once (`TCP_NODELAY`).
    pub nodelay: bool,
    /// A proxy on the way; a unix socket needs none and takes none.
    pub proxy: Option<Hop>,
    pub tls: Option<tls::Client>,
    /// MQTT in WebSocket frames.
    pub websocket: Option<Opening>,
    /// For each address to accept, and for a proxy and a WebSocket server to answer.
    pub timeout: Duration,
}

impl Route {
    /// The plain route to `endpoint`.
    pub fn new(endpoint: Endpoint) -> Self {
        Self { endpoint, bind: None, nodelay: false, proxy: None, tls: None, websocket: None, timeout: CONNECT_TIMEOUT }
    }
}

/// One address that did not accept.
#[derive(Debug)]
pub struct Attempt {
    pub address: SocketAddr,
    /// The local address it was tried from, with `-A`.
    pub from: Option<SocketAddr>,
    pub error: io::Error,
}

/// Why there is no stream.
#[derive(Debug)]
pub enum ConnectError {
    /// The name of the peer has no address.
    Lookup {
        name: String,
        error: io::Error,
    },
    /// The name given with `-A` has no address.
    BindLookup {
        name: String,
        error: io::Error,
    },
    /// No address accepted; in the order tried, never empty.
    Unreachable {
        host: String,
        port: u16,
        attempts: Vec<Attempt>,
    },
    Unix {
        path: PathBuf,
        error: io::Error,
    },
    /// There is no way through the proxy.
    Proxy {
        proxy: Box<Proxy>,
        error: ProxyError,
    },
    Tls(tls::Failure),
    WebSocket(WebSocketError),
}

/// Why there is no way through a proxy.
#[derive(Debug)]
pub enum ProxyError {
    /// The proxy itself was not reached.
    NotReached(Box<ConnectError>),
    /// No TLS session with the proxy.
    Tls(Box<tls::Failure>),
    Socks(SocksError),
    Tunnel(TunnelError),
    /// It does not answer.
    TimedOut,
}

impl ConnectError {
    /// The operating system's error of the last attempt, which Mosquitto prints.
    pub fn last_os_error(&self) -> Option<&io::Error> {
        match self {
            Self::Proxy { error: ProxyError::NotReached(error), .. } => error.last_os_error(),
            Self::Lookup { .. } | Self::BindLookup { .. } | Self::Proxy { .. } | Self::Tls(_) | Self::WebSocket(_) => {
                None
            }
            Self::Unreachable { attempts, .. } => attempts.last().map(|attempt| &attempt.error),
            Self::Unix { error, .. } => Some(error),
        }
    }
}

impl fmt::Display for ConnectError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Lookup { name, error } | Self::BindLookup { name, error } => {
                write!(f, "cannot find the address of {name}: {}", reason(error))
            }
            Self::Unreachable { host, port, attempts } => {
                write!(f, "cannot connect to {host} port {port}")?;
                for (index, attempt) in attempts.iter().enumerate() {
                    let joint = if index == 0 { ": " } else { ", " };
                    write!(f, "{joint}{}: {}", attempt.address.ip(), reason(&attempt.error))?;
                }
                Ok(())
            }
            Self::Unix { path, error } => write!(f, "cannot connect to {}: {}", path.display(), reason(error)),
            Self::Proxy { proxy, error } => write!(f, "the proxy {proxy} does not let us through: {error}"),
            Self::Tls(failure) => write!(f, "cannot make a TLS session: {failure}"),
            Self::WebSocket(error) => write!(f, "cannot open a WebSocket: {error}"),
        }
    }
}

impl fmt::Display for ProxyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotReached(error) => write!(f, "{error}"),
            Self::Tls(failure) => write!(f, "cannot make a TLS session with it: {failure}"),
            Self::Socks(error) => write!(f, "{error}"),
            Self::Tunnel(error) => write!(f, "{error}"),
            Self::TimedOut => f.write_str("it does not answer"),
        }
    }
}

impl std::error::Error for ConnectError {}

/// Connects along `route`.
pub async fn connect(route: &Route) -> Result<Stream, ConnectError> {
    let mut stream = match &route.endpoint {
        Endpoint::Unix(path) => local::Stream::connect(path)
            .await
            .map(Stream::Unix)
            .map_err(|error| ConnectError::Unix { path: path.clone(), error })?,
        Endpoint::Tcp { host, port } => match &route.proxy {
            Some(hop) => connect_through(hop, host, *port, route).await?,
            None => connect_tcp(host, *port, route).await.map(Stream::Tcp)?,
        },
    };
    if let Some(tls) = &route.tls {
        stream = tls.connect(route.endpoint.host(), stream).await.map_err(ConnectError::Tls)?;
    }
    if let Some(opening) = &route.websocket {
        let host = route.endpoint.host().unwrap_or("localhost");
        let opened = timeout(route.timeout, websocket::open(stream, host, opening)).await;
        let socket = opened.unwrap_or(Err(WebSocketError::TimedOut)).map_err(ConnectError::WebSocket)?;
        stream = Stream::WebSocket(Box::new(socket));
    }
    Ok(stream)
}

async fn connect_through(hop: &Hop, host: &str, port: u16, route: &Route) -> Result<Stream, ConnectError> {
    let Hop { proxy, tls } = hop;
    let failed = |error| ConnectError::Proxy { proxy: Box::new(proxy.clone()), error };
    let mut stream = match connect_tcp(&proxy.host, proxy.port, route).await {
        Ok(tcp) => Stream::Tcp(tcp),
        Err(error @ ConnectError::BindLookup { .. }) => return Err(error),
        Err(error) => return Err(failed(ProxyError::NotReached(Box::new(error)))),
    };
    if let Some(tls) = tls {
        stream = tls
            .connect(Some(&proxy.host), stream)
            .await
            .map_err(|failure| failed(ProxyError::Tls(Box::new(failure))))?;
        stream = Stream::Tunnel(Box::new(stream));
    }
    let login = proxy.login.as_ref();
    let negotiated = async {
        match proxy.kind {
            Kind::Socks5 => socks::negotiate(&mut stream, login, host, port).await.map_err(ProxyError::Socks),
            Kind::Http | Kind::Https => tunnel::open(&mut stream, login, host, port).await.map_err(ProxyError::Tunnel),
        }
    };
    timeout(route.timeout, negotiated).await.unwrap_or(Err(ProxyError::TimedOut)).map_err(failed)?;
    Ok(stream)
}

/// Tries every address of `host` in turn, from every address that `-A` names.
async fn connect_tcp(host: &str, port: u16, route: &Route) -> Result<TcpStream, ConnectError> {
    let from = match &route.bind {
        Some(name) => addresses(name, 0)
            .await
            .map(|addresses| addresses.into_iter().map(Some).collect())
            .map_err(|error| ConnectError::BindLookup { name: name.clone(), error })?,
        None => vec![None],
    };
    let remote = addresses(host, port).await.map_err(|error| ConnectError::Lookup { name: host.to_owned(), error })?;
    let mut attempts = Vec::new();
    for address in remote {
        for from in same_family(&from, address) {
            match connect_address(address, from, route).await {
                Ok(stream) => return Ok(stream),
                Err(error) => attempts.push(Attempt { address, from, error }),
            }
        }
    }
    Err(ConnectError::Unreachable { host: host.to_owned(), port, attempts })
}

/// The local addresses that can reach `remote`; all of them if none can, so that the attempt fails
/// with the operating system's own reason.
fn same_family(from: &[Option<SocketAddr>], remote: SocketAddr) -> Vec<Option<SocketAddr>> {
    let fits = |local: &Option<SocketAddr>| local.is_none_or(|local| local.is_ipv4() == remote.is_ipv4());
    let fitting: Vec<_> = from.iter().copied().filter(fits).collect();
    if fitting.is_empty() { from.to_vec() } else { fitting }
}

/// The addresses of a name, in the resolver's order and each once.
async fn addresses(name: &str, port: u16) -> io::Result<Vec<SocketAddr>> {
    let mut found = Vec::new();
    for address in lookup_host((name, port)).await? {
        if !found.contains(&address) && found.len() < ADDRESS_LIMIT {
            found.push(address);
        }
    }
    if found.is_empty() {
        return Err(io::Error::new(io::ErrorKind::NotFound, "the name has no address"));
    }
    Ok(found)
}

async fn connect_address(address: SocketAddr, from: Option<SocketAddr>, route: &Route) -> io::Result<TcpStream> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
    if let Some(from) = from {
        socket.bind(from)?;
    }
    let stream = timeout(route.timeout, socket.connect(address)).await.map_err(|_elapsed| socket::timed_out())??;
    if route.nodelay {
        stream.set_nodelay(true)?;
    }
    Ok(stream)
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::{TcpListener, UnixListener};

    fn route(host: &str, port: u16) -> Route {
        Route::new(Endpoint::new(host, port).unwrap())
    }

    async fn unused_port() -> u16 {
        TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap().port()
    }

    #[tokio::test]
    async fn bytes_travel_over_tcp() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let mut ours = connect(&route("127.0.0.1", listener.local_addr().unwrap().port())).await.unwrap();
        let (mut theirs, _) = listener.accept().await.unwrap();
        ours.write_all(b"ping").await.unwrap();
        let mut got = [0; 4];
        theirs.read_exact(&mut got).await.unwrap();
        assert_eq!(&got, b"ping");
    }

    #[tokio::test]
    async fn bytes_travel_over_a_unix_socket() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("mqtt.sock");
        let listener = UnixListener::bind(&path).unwrap();
        let mut ours = connect(&Route::new(Endpoint::unix(&path).unwrap())).await.unwrap();
        let (mut theirs, _) = listener.accept().await.unwrap();
        theirs.write_all(b"pong").await.unwrap();
        let mut got = [0; 4];
        ours.read_exact(&mut got).await.unwrap();
        assert_eq!(&got, b"pong");
    }

    #[tokio::test]
    async fn a_refused_connection_tells_each_address_and_the_systems_reason() {
        let port = unused_port().await;
        let error = connect(&route("127.0.0.1", port)).await.unwrap_err();
        let ConnectError::Unreachable { host, attempts, .. } = &error else { panic!("{error:?}") };
        assert_eq!((host.as_str(), attempts.len()), ("127.0.0.1", 1));
        assert_eq!(reason(error.last_os_error().unwrap()), "Connection refused");
        assert_eq!(
            error.to_string(),
            format!("cannot connect to 127.0.0.1 port {port}: 127.0.0.1: Connection refused")
        );
    }

    #[tokio::test]
    async fn localhost_is_tried_on_every_address_it_has() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        connect(&route("localhost", listener.local_addr().unwrap().port())).await.unwrap();
    }

    #[tokio::test]
    async fn a_name_without_address_is_a_lookup_error() {
        let error = connect(&route("no-such-host.invalid", 1883)).await.unwrap_err();
        assert!(matches!(&error, ConnectError::Lookup { name, .. } if name == "no-such-host.invalid"), "{error:?}");
    }

    #[tokio::test]
    async fn a_missing_socket_is_named() {
        let error = connect(&route("/nowhere/mqtt.sock", 0)).await.unwrap_err();
        assert_eq!(error.to_string(), "cannot connect to /nowhere/mqtt.sock: No such file or directory");
    }

    #[tokio::test]
    async fn the_bind_address_is_where_the_connection_comes_from() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let mut route = route("127.0.0.1", listener.local_addr().unwrap().port());
        route.bind = Some("127.0.0.9".to_owned());
        let _ours = connect(&route).await.unwrap();
        let (_theirs, from) = listener.accept().await.unwrap();
        assert_eq!(from.ip().to_string(), "127.0.0.9");
    }

    #[tokio::test]
    async fn a_bind_address_that_is_not_ours_and_one_unknown_are_told_apart() {
        let mut route = route("127.0.0.1", unused_port().await);
        route.bind = Some("192.0.2.1".to_owned());
        let error = connect(&route).await.unwrap_err();
        assert_eq!(reason(error.last_os_error().unwrap()), "Cannot assign requested address");
        route.bind = Some("no-such-host.invalid".to_owned());
        let error = connect(&route).await.unwrap_err();
        assert!(matches!(error, ConnectError::BindLookup { .. }), "{error:?}");
    }

    #[tokio::test]
    async fn nodelay_is_set_when_asked_for() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let mut route = route("127.0.0.1", listener.local_addr().unwrap().port());
        route.nodelay = true;
        let Stream::Tcp(tcp) = connect(&route).await.unwrap() else { panic!("not TCP") };
        assert!(tcp.nodelay().unwrap());
    }
}
