//! From a configuration to a running broker: one way for `moskit broker`, for commands run beside it, and for the
//! clients' `--embedded`.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, ToSocketAddrs};
use std::path::PathBuf;

use super::load::{self, Doubt, LoadError};
use super::log::{Log, LogEnds};
use super::state::{self, StateError};
use super::tls;
use crate::broker::config::{Configuration, Listener, LogTypes, Protocol, SocketDomain, Sync, Tls};
use crate::broker::fault::Faults;
use crate::broker::server::{self, Bind, Config, Missing, Running, StartError, WebSockets};
use crate::broker::store::Store;
use crate::broker::{Restored, log as lines};
use crate::net::tls::{OptionsError, Server};

/// What the command line, or the verb that embeds a broker, decides over the configuration. Applied when
/// it is read, and again at each reload.
#[derive(Clone, Debug, Default)]
pub struct Overrides {
    /// The state file.
    pub store: Option<PathBuf>,
    pub sync: Option<Sync>,
    /// The kinds of log lines, whatever the configuration says.
    pub log_types: Option<LogTypes>,
    /// Ports of 127.0.0.1 and ::1 when the configuration has no listener; 0 chooses one.
    pub local_ports: Vec<u16>,
    /// TLS of the listeners on these ports.
    pub local_tls: Tls,
    /// The password file of these listeners: without a login nobody may connect.
    pub local_passwords: Option<PathBuf>,
    /// The folder of the state.
    pub persistence_location: Option<PathBuf>,
}

impl Overrides {
    /// Says whether the configuration had no listener, so that the broker serves this machine only.
    pub fn apply(&self, configuration: &mut Configuration) -> bool {
        let persistence = &mut configuration.persistence;
        if let Some(location) = &self.persistence_location {
            persistence.location = Some(location.clone());
        }
        if let Some(store) = &self.store {
            persistence.enabled = true;
            persistence.store = Some(store.clone());
        }
        persistence.sync = self.sync.unwrap_or(persistence.sync);
        configuration.log.types = self.log_types.unwrap_or(configuration.log.types);
        let local_only = configuration.is_local_only();
        if local_only {
            // Nobody else reaches them, so everybody may come in unless the file, or a login, says otherwise.
            let open = self.local_passwords.is_none();
            let allow_anonymous = Some(configuration.security.allow_anonymous.unwrap_or(open));
            if let Some(passwords) = &self.local_passwords {
                configuration.security.password_file = Some(passwords.clone());
            }
            let local = |port: &u16| Listener {
                host: Some("localhost".to_owned()),
                tls: self.local_tls.clone(),
                allow_anonymous,
                ..Listener::on(*port)
            };
            configuration.listeners = self.local_ports.iter().map(local).collect();
        }
        local_only
    }
}

/// What is to be started, with everything decided.
pub struct Plan {
    /// The configuration with the overrides applied.
    pub configuration: Configuration,
    pub local_only: bool,
    pub faults: Faults,
    /// What the broker calls itself.
    pub version: &'static str,
    pub tls_keylog: Option<PathBuf>,
}

/// Why a broker does not start.
#[derive(Debug)]
pub enum NotStarted {
    Load(LoadError),
    State(StateError),
    Tls(OptionsError),
    /// The name of a listener's host leads nowhere.
    HostNotFound {
        host: String,
        error: io::Error,
    },
    /// `socket_domain` leaves none of the addresses that the listener has: it would be there and listen on nothing.
    NoAddress {
        host: Option<String>,
        domain: SocketDomain,
        port: u16,
    },
    Server(StartError),
}

impl From<LoadError> for NotStarted {
    fn from(error: LoadError) -> Self {
        Self::Load(error)
    }
}

impl From<StateError> for NotStarted {
    fn from(error: StateError) -> Self {
        Self::State(error)
    }
}

impl From<OptionsError> for NotStarted {
    fn from(error: OptionsError) -> Self {
        Self::Tls(error)
    }
}

/// What happens on the way, in this order.
#[derive(Debug)]
pub enum Step<'a> {
    /// The password and ACL files are read.
    Doubts(&'a [Doubt]),
    /// The state is read from its file.
    Restored(&'a Restored),
    /// An address of a listener is not to be had; one of its others is.
    Missing(SocketAddr),
    Opened(&'a Bind),
    Running,
}

/// A broker at work, with its log.
pub struct Started {
    pub running: Running,
    pub log: Log,
    pub ends: LogEnds,
    /// The URLs of the listeners that have an address, in their order.
    pub urls: Vec<String>,
    pub configuration: Configuration,
    /// TLS of the listeners that have it.
    pub tls: Vec<Server>,
}

/// A listener as a client reaches it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Address {
    pub host: String,
    pub port: u16,
}

/// What [`start`] would open and read, but it binds no socket and writes nothing; the overrides are applied.
pub fn rehearse(configuration: &Configuration, local_only: bool) -> Result<Vec<Doubt>, NotStarted> {
    let (_, doubts) = load::access(configuration, load::Files::All)?;
    for listener in &configuration.listeners {
        bound(listener, local_only)?;
        tls::of(&listener.tls, None)?;
    }
    let persistence = &configuration.persistence;
    if let Some(path) = persistence.path() {
        if let Some(snapshot) = persistence.snapshot_path() {
            state::check_snapshot(&path, &snapshot)?;
        }
        state::test(&path)?;
    }
    Ok(doubts)
}

/// Starts the broker, whose events go to `log`, and says each step.
pub fn start(plan: &Plan, log: &Log, said: &mut dyn FnMut(Step<'_>)) -> Result<(Running, Vec<Server>), NotStarted> {
    let configuration = &plan.configuration;
    let (access, doubts) = load::access(configuration, load::Files::All)?;
    said(Step::Doubts(&doubts));
    let (store, restored) = open_store(configuration, said)?;
    let mut listeners = Vec::new();
    let mut tls = Vec::new();
    for listener in &configuration.listeners {
        let mut bound = bound(listener, plan.local_only)?;
        bound.tls = tls::of(&listener.tls, plan.tls_keylog.as_deref())?;
        bound.websockets = (listener.protocol == Protocol::Websockets).then(|| WebSockets {
            origins: listener.websockets_origins.clone(),
            head_limit: configuration.websockets_headers_size,
        });
        tls.extend(bound.tls.as_ref().map(|tls| tls.server.clone()));
        listeners.push(bound);
    }
    let events = log.clone();
    let config = Config {
        settings: configuration.settings(),
        access,
        listeners,
        store,
        restored,
        sys_interval: configuration.sys_interval,
        version: plan.version,
        faults: plan.faults.clone(),
        interest: lines::interest(&configuration.log),
        events: Box::new(move |event| events.event(&event)),
    };
    let wanted: Vec<_> = config.listeners.iter().flat_map(|listener| listener.binds.clone()).collect();
    let running = server::start(config).map_err(NotStarted::Server)?;
    for address in missing(&wanted, &running) {
        said(Step::Missing(address));
    }
    for endpoint in &running.endpoints {
        said(Step::Opened(&endpoint.bind));
    }
    said(Step::Running);
    Ok((running, tls))
}

/// The state on disk, if the configuration asks for one, and what was in it.
fn open_store(
    configuration: &Configuration,
    said: &mut dyn FnMut(Step<'_>),
) -> Result<(Option<Store>, Restored), NotStarted> {
    let persistence = &configuration.persistence;
    let Some(path) = persistence.path() else { return Ok((None, Restored::default())) };
    if let Some(snapshot) = persistence.snapshot_path() {
        state::check_snapshot(&path, &snapshot)?;
    }
    let (store, restored) = state::open(&path, persistence.sync)?;
    said(Step::Restored(&restored));
    Ok((Some(store), restored))
}

/// The addresses of which one was enough.
fn missing<'a>(wanted: &'a [Bind], running: &Running) -> impl Iterator<Item = SocketAddr> + use<'a> {
    let bound: Vec<_> = running.endpoints.iter().map(|endpoint| endpoint.bind.clone()).collect();
    wanted.iter().filter_map(move |wanted| match wanted {
        Bind::Tcp(address) => {
            let same = |bound: &Bind| {
                matches!(bound, Bind::Tcp(other) if other.ip() == address.ip()
                    && (address.port() == 0 || address.port() == other.port()))
            };
            (!bound.iter().any(same)).then_some(*address)
        }
        Bind::Unix(_) => None,
    })
}

/// The sockets of a listener.
fn bound(listener: &Listener, local_only: bool) -> Result<server::Listener, NotStarted> {
    if let Some(path) = &listener.unix_path {
        return Ok(server::Listener::new(vec![Bind::Unix(path.clone())]));
    }
    let addresses: Vec<IpAddr> = match listener.host.as_deref() {
        _ if local_only => vec![Ipv4Addr::LOCALHOST.into(), Ipv6Addr::LOCALHOST.into()],
        None => vec![Ipv4Addr::UNSPECIFIED.into(), Ipv6Addr::UNSPECIFIED.into()],
        Some(host) => (host, listener.port)
            .to_socket_addrs()
            .map_err(|error| NotStarted::HostNotFound { host: host.to_owned(), error })?
            .map(|address| address.ip())
            .collect(),
    };
    let wanted = |address: &IpAddr| match listener.socket_domain {
        SocketDomain::Any => true,
        SocketDomain::Ipv4 => address.is_ipv4(),
        SocketDomain::Ipv6 => address.is_ipv6(),
    };
    let mut binds: Vec<Bind> = Vec::new();
    for address in addresses.iter().filter(|address| wanted(address)) {
        let bind = Bind::Tcp(SocketAddr::new(*address, listener.port));
        // A resolver may name one address twice.
        if !binds.contains(&bind) {
            binds.push(bind);
        }
    }
    if binds.is_empty() {
        let (host, domain, port) = (listener.host.clone(), listener.socket_domain, listener.port);
        return Err(NotStarted::NoAddress { host, domain, port });
    }
    let missing = match listener.host {
        _ if local_only => Missing::Any,
        None => Missing::NotThere,
        Some(_) => Missing::None,
    };
    Ok(server::Listener { missing, ..server::Listener::new(binds) })
}

/// How clients on this machine reach each listener: its first address.
pub fn urls(configuration: &Configuration, running: &Running) -> Vec<String> {
    let mut urls = Vec::new();
    for (index, listener) in configuration.listeners.iter().enumerate() {
        let Some(endpoint) = running.endpoints.iter().find(|endpoint| usize::from(endpoint.listener.0) == index) else {
            continue;
        };
        let scheme = match (listener.protocol, listener.tls.is_on()) {
            (Protocol::Mqtt, false) => "mqtt",
            (Protocol::Mqtt, true) => "mqtts",
            (Protocol::Websockets, false) => "ws",
            (Protocol::Websockets, true) => "wss",
        };
        urls.push(match &endpoint.bind {
            Bind::Tcp(address) => {
                let Address { host, port } = reachable(*address);
                if host.contains(':') {
                    format!("{scheme}://[{host}]:{port}")
                } else {
                    format!("{scheme}://{host}:{port}")
                }
            }
            Bind::Unix(path) => format!("unix:{}", path.display()),
        });
    }
    urls
}

/// An address that stands for all of them is reached over the loopback.
pub fn reachable(address: SocketAddr) -> Address {
    let host = match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => IpAddr::V4(Ipv4Addr::LOCALHOST),
        IpAddr::V6(ip) if ip.is_unspecified() => IpAddr::V6(Ipv6Addr::LOCALHOST),
        ip => ip,
    };
    Address { host: host.to_string(), port: address.port() }
}
