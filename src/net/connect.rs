//! From a route to a stream: names to addresses, addresses in turn, then the layers on top.

use std::collections::VecDeque;
use std::fmt;
use std::io;
use std::net::{IpAddr, SocketAddr, ToSocketAddrs};
use std::path::PathBuf;
use std::time::{Duration, Instant};

use tokio::net::{TcpSocket, TcpStream, lookup_host};
use tokio::task::JoinSet;
use tokio::time::timeout;

use super::endpoint::Endpoint;
use super::proxy::{Hop, Kind, Proxy};
use super::reason;
use super::socks::{self, SocksError};
use super::stream::Stream;
use super::tls;
use super::tunnel::{self, TunnelError};
use super::websocket::{self, Opening, WebSocketError};
use crate::os::{hosts, local, socket};

/// How long one address may take to accept, and what is behind it to answer. Mosquitto leaves it to the operating system, which is
/// two minutes and more on Linux for each address that stays silent.
pub const CONNECT_TIMEOUT: Duration = Duration::from_secs(30);

/// How long the first address of a name may stay silent before the next is tried beside it (RFC 8305, 5).
pub const ATTEMPT_DELAY: Duration = Duration::from_millis(250);

/// What a step of connecting says of its own end is worth more than that the time for all of them is over: where both end at
/// once, the step has this long to say it.
const LAST_WORD: Duration = Duration::from_millis(50);

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
    /// After so long the next address is tried beside those that have not answered; without it one after the other, as
    /// Mosquitto's programs do.
    pub stagger: Option<Duration>,
    /// For each step on the way: an address that accepts, a proxy, TLS and a WebSocket server that answer.
    pub timeout: Duration,
}

impl Route {
    /// The plain route to `endpoint`.
    pub fn new(endpoint: Endpoint) -> Self {
        Self {
            endpoint,
            bind: None,
            nodelay: false,
            proxy: None,
            tls: None,
            websocket: None,
            stagger: None,
            timeout: CONNECT_TIMEOUT,
        }
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
    /// Nothing came about within this time, which was for all steps; which of them took it is not known.
    TimedOut(Duration),
    /// None of several hosts; each with its reason, in the order tried, never empty.
    Everywhere(Vec<(Endpoint, ConnectError)>),
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
            Self::Everywhere(failures) => failures.last().and_then(|(_, error)| error.last_os_error()),
            Self::Lookup { .. }
            | Self::BindLookup { .. }
            | Self::Proxy { .. }
            | Self::Tls(_)
            | Self::WebSocket(_)
            | Self::TimedOut(_) => None,
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
            Self::TimedOut(limit) => {
                // A host's share of the time for all is no round number.
                let seconds = (limit.as_secs_f64() * 100.0).round() / 100.0;
                write!(f, "no connection came about within {seconds} s")
            }
            Self::Everywhere(failures) => {
                for (index, (endpoint, error)) in failures.iter().enumerate() {
                    let joint = if index == 0 { "" } else { "; " };
                    write!(f, "{joint}{endpoint}: {error}")?;
                }
                Ok(())
            }
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

/// Connects along the first of `routes` that leads to its end; gives the place of that one among them. TLS has the name of
/// each one's own host. Of the time that `limit` leaves, each has an equal share with those after it: a host that is silent
/// does not take the time of the next.
pub async fn connect_in_turn(routes: &[&Route], limit: Option<Duration>) -> Result<(Stream, usize), ConnectError> {
    let deadline = limit.map(|limit| Instant::now() + limit);
    let mut failures = Vec::new();
    for (index, route) in routes.iter().enumerate() {
        let connected = match deadline {
            None => connect(route).await,
            Some(deadline) => {
                let left = deadline.saturating_duration_since(Instant::now());
                let hosts = u32::try_from(routes.len() - index).unwrap_or(u32::MAX);
                connect_within(route, if hosts == 1 { left } else { left / hosts }).await
            }
        };
        match connected {
            Ok(stream) => return Ok((stream, index)),
            // What is left is a little less than what was asked for.
            Err(ConnectError::TimedOut(left)) if routes.len() == 1 => {
                return Err(ConnectError::TimedOut(limit.unwrap_or(left)));
            }
            Err(error) if routes.len() == 1 => return Err(error),
            Err(error) => failures.push((route.endpoint.clone(), error)),
        }
    }
    Err(ConnectError::Everywhere(failures))
}

/// Connects along `route` within `limit`, however long each step may take. A step that is late says so itself where it can.
pub async fn connect_within(route: &Route, limit: Duration) -> Result<Stream, ConnectError> {
    let bounded = Route { timeout: route.timeout.min(limit), ..route.clone() };
    timeout(limit + LAST_WORD, connect(&bounded)).await.unwrap_or(Err(ConnectError::TimedOut(limit)))
}

/// Connects along `route`. What not every way has takes room of its own, so that the others do without.
pub async fn connect(route: &Route) -> Result<Stream, ConnectError> {
    let mut stream = match &route.endpoint {
        Endpoint::Unix(path) => local::Stream::connect(path)
            .await
            .map(Stream::Unix)
            .map_err(|error| ConnectError::Unix { path: path.clone(), error })?,
        Endpoint::Tcp { host, port } => match &route.proxy {
            Some(hop) => Box::pin(connect_through(hop, host, *port, route)).await?,
            None => connect_tcp(host, *port, route).await.map(Stream::Tcp)?,
        },
    };
    if let Some(tls) = &route.tls {
        let shaking_hands = Box::pin(tls.connect(route.endpoint.host(), stream, route.timeout));
        stream = shaking_hands.await.map_err(ConnectError::Tls)?;
    }
    if let Some(opening) = &route.websocket {
        let host = route.endpoint.host().unwrap_or("localhost");
        let opened = timeout(route.timeout, Box::pin(websocket::open(stream, host, opening))).await;
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
            .connect(Some(&proxy.host), stream, route.timeout)
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
    let remote = if route.stagger.is_some() { interleaved(remote) } else { remote };
    let ways =
        remote.into_iter().flat_map(|address| same_family(&from, address).into_iter().map(move |from| (address, from)));
    match race(ways.collect(), route).await {
        Ok(stream) => Ok(stream),
        Err(attempts) => Err(ConnectError::Unreachable { host: host.to_owned(), port, attempts }),
    }
}

/// Tries each way from one address to another: the next when the one before has failed, or has been silent for
/// [`Route::stagger`] and goes on beside it. The first that accepts wins; without one, why each failed, in their order.
async fn race(ways: Vec<(SocketAddr, Option<SocketAddr>)>, route: &Route) -> Result<TcpStream, Vec<Attempt>> {
    // The only way has nothing beside it, and needs no task.
    if let [(address, from)] = ways[..] {
        let connected = connect_address(address, from, route.nodelay, route.timeout).await;
        return connected.map_err(|error| vec![Attempt { address, from, error }]);
    }
    let mut failed: Vec<(usize, Attempt)> = Vec::new();
    let mut waiting = ways.into_iter().enumerate();
    // Dropped with those that are still on their way, which ends them.
    let mut trying = JoinSet::new();
    loop {
        if let Some((index, (address, from))) = waiting.next() {
            let (nodelay, limit) = (route.nodelay, route.timeout);
            trying.spawn(async move { (index, address, from, connect_address(address, from, nodelay, limit).await) });
        }
        let ended = match route.stagger.filter(|_| waiting.len() > 0) {
            // It is time for the next one.
            Some(delay) => match timeout(delay, trying.join_next()).await {
                Ok(ended) => ended,
                Err(_elapsed) => continue,
            },
            None => trying.join_next().await,
        };
        match ended {
            Some(Ok((.., Ok(stream)))) => return Ok(stream),
            Some(Ok((index, address, from, Err(error)))) => failed.push((index, Attempt { address, from, error })),
            // A task that panics is a fault of ours, which there is no reason for; the others go on.
            Some(Err(_)) | None => {}
        }
        if trying.is_empty() && waiting.len() == 0 {
            failed.sort_by_key(|(index, _)| *index);
            return Err(failed.into_iter().map(|(_, attempt)| attempt).collect());
        }
    }
}

/// The addresses with their families taking turns (RFC 8305, 4), the resolver's first one first.
fn interleaved(addresses: Vec<SocketAddr>) -> Vec<SocketAddr> {
    let Some(first) = addresses.first().map(SocketAddr::is_ipv4) else { return addresses };
    let (mut one, mut other): (VecDeque<_>, VecDeque<_>) =
        addresses.into_iter().partition(|address| address.is_ipv4() == first);
    let mut mixed = Vec::with_capacity(one.len() + other.len());
    while !(one.is_empty() && other.is_empty()) {
        mixed.extend(one.pop_front());
        mixed.extend(other.pop_front());
    }
    mixed
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
    let is_name = name.parse::<IpAddr>().is_err();
    let in_file = if is_name { hosts::addresses(name) } else { None };
    let looked_up: Vec<_> = match in_file.as_deref() {
        // The system would say the same. Of more than one it knows the order (gai.conf(5)), and ::1 is 127.0.0.1 to it, too.
        Some([only @ IpAddr::V4(_)]) => vec![SocketAddr::new(*only, port)],
        // The answer is a file's: to wait for it on a thread would take longer.
        Some(_) => (name, port).to_socket_addrs()?.collect(),
        None => lookup_host((name, port)).await?.collect(),
    };
    for address in looked_up {
        if !found.contains(&address) && found.len() < ADDRESS_LIMIT {
            found.push(address);
        }
    }
    if found.is_empty() {
        return Err(io::Error::new(io::ErrorKind::NotFound, "the name has no address"));
    }
    Ok(found)
}

async fn connect_address(
    address: SocketAddr,
    from: Option<SocketAddr>,
    nodelay: bool,
    limit: Duration,
) -> io::Result<TcpStream> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
    if let Some(from) = from {
        socket.bind(from)?;
    }
    let stream = timeout(limit, socket.connect(address)).await.map_err(|_elapsed| socket::timed_out())??;
    if nodelay {
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

    /// The socket that asks never listens: a child forked meanwhile by another test would go on doing so.
    fn unused_port() -> u16 {
        let socket = TcpSocket::new_v4().unwrap();
        socket.bind(SocketAddr::from(([127, 0, 0, 1], 0))).unwrap();
        socket.local_addr().unwrap().port()
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
        let port = unused_port();
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

    /// An address that accepts and one that never answers: the queue of its listener is full.
    async fn silent() -> (TcpListener, Vec<TcpStream>) {
        let socket = TcpSocket::new_v4().unwrap();
        socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
        let listener = socket.listen(1).unwrap();
        let address = listener.local_addr().unwrap();
        let mut held = Vec::new();
        while let Ok(Ok(stream)) = timeout(Duration::from_millis(200), TcpStream::connect(address)).await {
            held.push(stream);
        }
        (listener, held)
    }

    #[tokio::test]
    async fn the_second_address_does_not_wait_for_a_silent_first_one() {
        let (silent, _held) = silent().await;
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let ways = || vec![(silent.local_addr().unwrap(), None), (listener.local_addr().unwrap(), None)];
        let mut route = route("unused", 1);
        route.timeout = Duration::from_secs(60);
        route.stagger = Some(Duration::from_millis(50));
        let started = Instant::now();
        let stream = race(ways(), &route).await.unwrap();
        assert_eq!(stream.peer_addr().unwrap(), listener.local_addr().unwrap());
        assert!(started.elapsed() < Duration::from_secs(30), "{:?}", started.elapsed());
        // One after the other the first has its whole time.
        route.stagger = None;
        route.timeout = Duration::from_millis(300);
        let started = Instant::now();
        race(ways(), &route).await.unwrap();
        assert!(started.elapsed() >= Duration::from_millis(300));
    }

    #[tokio::test]
    async fn failures_are_told_in_the_order_tried_and_a_refusal_is_not_waited_for() {
        let (silent, _held) = silent().await;
        let refusing = SocketAddr::from(([127, 0, 0, 1], unused_port()));
        let mut route = route("unused", 1);
        route.timeout = Duration::from_millis(300);
        route.stagger = Some(Duration::from_millis(20));
        let ways = vec![(silent.local_addr().unwrap(), None), (refusing, None), (refusing, None)];
        let attempts = race(ways, &route).await.unwrap_err();
        let kinds: Vec<_> = attempts.iter().map(|attempt| attempt.error.kind()).collect();
        assert_eq!(
            kinds,
            [io::ErrorKind::TimedOut, io::ErrorKind::ConnectionRefused, io::ErrorKind::ConnectionRefused]
        );
        assert_eq!(attempts[0].address, silent.local_addr().unwrap());
    }

    #[test]
    fn families_take_turns_and_the_resolvers_first_stays_first() {
        let given = ["[::1]:1", "[::2]:1", "[::3]:1", "1.1.1.1:1"].map(|address| address.parse().unwrap());
        let mixed: Vec<_> = interleaved(given.to_vec()).iter().map(|address| address.ip().to_string()).collect();
        assert_eq!(mixed, ["::1", "1.1.1.1", "::2", "::3"]);
    }

    #[tokio::test]
    async fn hosts_are_tried_in_turn_and_each_failure_is_told() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let (gone, nobody) = (route("127.0.0.1", unused_port()), route("no-such-host.invalid", port));
        let (_stream, index) = connect_in_turn(&[&gone, &nobody, &route("127.0.0.1", port)], None).await.unwrap();
        assert_eq!(index, 2);
        let error = connect_in_turn(&[&gone, &nobody], None).await.unwrap_err();
        let ConnectError::Everywhere(failures) = &error else { panic!("{error:?}") };
        assert!(matches!(failures[0].1, ConnectError::Unreachable { .. }));
        assert!(matches!(failures[1].1, ConnectError::Lookup { .. }));
    }

    #[test]
    fn a_share_of_the_time_is_said_in_hundredths() {
        for (limit, said) in [(333_332_498, "0.33 s"), (59_999_999_980, "60 s"), (250_000_000, "0.25 s")] {
            let error = ConnectError::TimedOut(Duration::from_nanos(limit));
            assert_eq!(error.to_string(), format!("no connection came about within {said}"));
        }
    }

    /// A way on which TCP comes about and nothing else.
    fn silent_websocket(listener: &TcpListener) -> Route {
        let mut route = route("127.0.0.1", listener.local_addr().unwrap().port());
        route.websocket = Some(Opening::default());
        route
    }

    #[tokio::test]
    async fn tls_has_the_time_that_each_step_has() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let mut route = route("127.0.0.1", listener.local_addr().unwrap().port());
        let options = tls::Options { checks: tls::Checks::Nothing, ..tls::Options::default() };
        route.tls = Some(tls::Client::new(&options, &mut |_, _| None).unwrap());
        route.timeout = Duration::from_millis(300);
        let started = Instant::now();
        let error = timeout(Duration::from_secs(10), connect(&route)).await.unwrap().unwrap_err();
        assert!(
            matches!(&error, ConnectError::Tls(failure) if matches!(failure.cause, tls::Cause::TimedOut)),
            "{error:?}"
        );
        assert!(started.elapsed() >= Duration::from_millis(300));
    }

    #[tokio::test]
    async fn a_host_that_is_silent_leaves_the_next_its_share_of_the_time() {
        let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (first, second) = (silent_websocket(&silent), route("127.0.0.1", listener.local_addr().unwrap().port()));
        let limit = Some(Duration::from_secs(2));
        let started = Instant::now();
        let (_stream, index) = connect_in_turn(&[&first, &second], limit).await.unwrap();
        assert_eq!(index, 1);
        assert!(started.elapsed() >= Duration::from_secs(1) && started.elapsed() < Duration::from_secs(30));
        let ConnectError::Everywhere(failures) = connect_in_turn(&[&first, &first], limit).await.unwrap_err() else {
            panic!("both are silent")
        };
        let says_it = |error: &ConnectError| matches!(error, ConnectError::WebSocket(WebSocketError::TimedOut));
        assert!(failures.iter().all(|(_, error)| says_it(error)), "{failures:?}");
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
        let mut route = route("127.0.0.1", unused_port());
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
