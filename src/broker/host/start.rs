//! From options and configuration to a running broker: one way for `moskit broker`, for commands run
//! beside it, and for the clients' `--embedded`.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, ToSocketAddrs};
use std::path::PathBuf;

use super::log::{Log, LogEnds};
use super::{load, tls};
use crate::broker::config::{Configuration, Listener, LogTypes, Protocol, SocketDomain, Sync, Tls};
use crate::broker::fault::Faults;
use crate::broker::server::{self, Bind, Config, Missing, Running, StartError, WebSockets};
use crate::broker::store::Store;
use crate::broker::{Restored, log as lines};
use crate::cmd::broker::{sentences, state_files, user};
use crate::net::tls::Server;
use crate::term::{Exit, Failure};

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
    /// TLS of these.
    pub local_tls: Tls,
    /// The password file of these: without a login nobody comes in.
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

/// What to start, all decided.
pub struct Plan {
    /// With the overrides applied.
    pub configuration: Configuration,
    pub local_only: bool,
    /// The file it was read from, for the log.
    pub configured_by: Option<PathBuf>,
    pub faults: Faults,
    /// What the broker calls itself.
    pub version: &'static str,
    /// Scripts look for what Mosquitto's log begins with.
    pub as_mosquitto: bool,
    pub tls_keylog: Option<PathBuf>,
    /// Standard error is a terminal.
    pub colour: bool,
}

/// A broker at work, with its log.
pub struct Started {
    pub running: Running,
    pub log: Log,
    pub ends: LogEnds,
    /// One for each listener that is not bound to nothing, the first first.
    pub urls: Vec<String>,
    pub configuration: Configuration,
    /// Of the listeners that have it.
    pub tls: Vec<Server>,
}

/// A listener as a client reaches it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Address {
    pub host: String,
    pub port: u16,
}

/// Starts the broker. The text of every failure is complete.
pub fn start(plan: Plan) -> Result<Started, Failure> {
    let (log, ends) = Log::open(plan.configuration.log.clone(), plan.configuration.settings(), plan.colour);
    match start_with(&plan, &log) {
        Ok((running, tls)) => {
            let urls = urls(&plan.configuration, &running);
            Ok(Started { running, log, ends, urls, configuration: plan.configuration, tls })
        }
        Err(mut failure) => {
            // The log may be all that anybody reads; who reads standard error needs it once.
            for line in failure.verbatim.lines() {
                log.error(line);
            }
            if log.shows_errors() {
                failure.verbatim.clear();
            }
            ends.keeper.end();
            Err(failure)
        }
    }
}

/// Opens and reads all that a start would, but binds no socket and writes nothing; the overrides are applied. Gives what
/// is unusual about the files.
pub fn rehearse(configuration: &Configuration, local_only: bool) -> Result<Vec<String>, Failure> {
    let (_, warnings) = load::access(configuration, load::Files::All)?;
    for listener in &configuration.listeners {
        bound(listener, local_only)?;
        tls::of(&listener.tls, None)?;
    }
    let persistence = &configuration.persistence;
    if let Some(path) = persistence.path() {
        if let Some(snapshot) = persistence.snapshot_path() {
            state_files::check_snapshot(&path, &snapshot)?;
        }
        state_files::test(&path)?;
    }
    Ok(warnings)
}

fn start_with(plan: &Plan, log: &Log) -> Result<(Running, Vec<Server>), Failure> {
    let local_only = plan.local_only;
    let configuration = &plan.configuration;
    let settings = configuration.settings();
    announce(plan, log);
    let (access, warnings) = load::access(configuration, load::Files::All)?;
    for warning in warnings {
        log.warning(warning);
    }
    let (store, restored) = open_store(configuration, log)?;
    let mut listeners = Vec::new();
    let mut tls = Vec::new();
    for listener in &configuration.listeners {
        let mut bound = bound(listener, local_only)?;
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
        settings,
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
    let running = server::start(config).map_err(|error| start_failure(&error))?;
    for bind in missing(&wanted, &running) {
        log.warning(format!("Warning: Unable to listen on {bind}; it may be in use, or not there."));
    }
    for endpoint in &running.endpoints {
        log.information(opening(&endpoint.bind));
    }
    log.information(format!("{} running", plan.version));
    Ok((running, tls))
}

/// The state on disk, if the configuration asks for one, and what was in it.
fn open_store(configuration: &Configuration, log: &Log) -> Result<(Option<Store>, Restored), Failure> {
    let persistence = &configuration.persistence;
    let Some(path) = persistence.path() else { return Ok((None, Restored::default())) };
    if let Some(snapshot) = persistence.snapshot_path() {
        state_files::check_snapshot(&path, &snapshot)?;
    }
    let (store, restored) = state_files::open(&path, persistence.sync)?;
    tell_restored(&restored, log);
    Ok((Some(store), restored))
}

fn opening(bind: &Bind) -> String {
    match bind {
        Bind::Tcp(address) if address.is_ipv4() => format!("Opening ipv4 listen socket on port {}.", address.port()),
        Bind::Tcp(address) => format!("Opening ipv6 listen socket on port {}.", address.port()),
        Bind::Unix(path) => format!("Opening unix listen socket on path {}.", path.display()),
    }
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

fn announce(plan: &Plan, log: &Log) {
    if plan.as_mosquitto && user::is_root() {
        log.information("Info: running mosquitto as user: root.");
        log.warning("Warning: Mosquitto should not be run as root/administrator.");
    }
    let is_roots_by_default = plan.configuration.user.is_none() && user::is_root();
    if !plan.as_mosquitto && plan.configured_by.is_some() && is_roots_by_default {
        log.warning("Warning: The broker runs as root: the configuration names no other user.");
    }
    log.information(format!("{} starting", plan.version));
    match &plan.configured_by {
        Some(file) => log.information(format!("Config loaded from {}.", file.display())),
        None => log.information("Using default config."),
    }
    if plan.as_mosquitto {
        // Bridges and TLS-PSK are not here.
        for feature in ["Persistence", "TLS", "Websockets"] {
            log.information(format!("{feature} support available."));
        }
    }
    for notice in &plan.configuration.notices {
        match sentences::notice(notice) {
            (true, text) => log.warning(text),
            (false, text) => log.notice(text),
        }
    }
    if plan.local_only {
        log.notice("Starting in local only mode. Only clients on this machine can connect.");
        log.notice("A configuration with a listener opens the broker to others: moskit broker -c FILE");
    }
}

fn tell_restored(restored: &Restored, log: &Log) {
    let entries: usize = restored.clients.iter().map(|client| client.entries.len()).sum();
    let subscriptions: usize = restored.clients.iter().map(|client| client.subscriptions.len()).sum();
    log.information(format!("Restored {} base messages", restored.messages.len()));
    log.information(format!("Restored {} retained messages", restored.retained.len()));
    log.information(format!("Restored {} clients", restored.clients.len()));
    log.information(format!("Restored {subscriptions} subscriptions"));
    log.information(format!("Restored {entries} client messages"));
    for line in lines::losses(&restored.losses, restored.more_losses) {
        log.error(line);
    }
}

/// The sockets of a listener.
fn bound(listener: &Listener, local_only: bool) -> Result<server::Listener, Failure> {
    if let Some(path) = &listener.unix_path {
        return Ok(server::Listener::new(vec![Bind::Unix(path.clone())]));
    }
    let addresses: Vec<IpAddr> = match listener.host.as_deref() {
        _ if local_only => vec![Ipv4Addr::LOCALHOST.into(), Ipv6Addr::LOCALHOST.into()],
        None => vec![Ipv4Addr::UNSPECIFIED.into(), Ipv6Addr::UNSPECIFIED.into()],
        Some(host) => (host, listener.port)
            .to_socket_addrs()
            .map_err(|error| {
                let why = crate::net::reason(&error);
                Failure::verbatim(Exit::FAILED, format!("Error creating listener: cannot find `{host}` ({why}).\n"))
            })?
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
        return Err(no_address(listener));
    }
    let missing = match listener.host {
        _ if local_only => Missing::Any,
        None => Missing::NotThere,
        Some(_) => Missing::None,
    };
    Ok(server::Listener { missing, ..server::Listener::new(binds) })
}

/// `socket_domain` leaves none of the addresses that the listener has: it would be there and listen on nothing.
fn no_address(listener: &Listener) -> Failure {
    let host = listener.host.as_deref().unwrap_or("*");
    let domain = match listener.socket_domain {
        SocketDomain::Ipv4 => "IPv4",
        _ => "IPv6",
    };
    let failure =
        Failure::verbatim(Exit::FAILED, "Error creating listener: Address family for hostname not supported.\n");
    Failure { message: Some(format!("`{host}` has no {domain} address, which `socket_domain` asks for")), ..failure }
        .hint(format!("remove `socket_domain`, or give `listener {}` another address", listener.port))
}

fn start_failure(error: &StartError) -> Failure {
    match error {
        StartError::Bind { bind, error } => {
            let place = match bind {
                Bind::Tcp(address) => address.to_string(),
                Bind::Unix(path) => path.display().to_string(),
            };
            let mut reason = crate::net::reason(error);
            if let Some(first) = reason.get_mut(..1) {
                first.make_ascii_uppercase();
            }
            let failure = Failure::verbatim(Exit::FAILED, format!("Error: {reason}\n"));
            Failure { message: Some(format!("cannot listen on {place}")), ..failure }
        }
        StartError::Thread(error) => {
            Failure::verbatim(Exit::FAILED, format!("Error: cannot start a thread ({})\n", crate::net::reason(error)))
        }
    }
}

/// How clients on this machine reach each listener: its first address.
fn urls(configuration: &Configuration, running: &Running) -> Vec<String> {
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
